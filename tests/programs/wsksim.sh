#!/bin/sh
# wsksim as a user meets it: finding a race and a leak, tapes, shrinking, replay, sweeps, messages.
. "$(dirname "$0")/lib.sh"
cd "$work"

# Plain builds of the preset's compiler, so that the preset's sanitizer does not find it first.
wskcc -O1 -o racy.so "$OW_SOURCE/tests/sim/racy.c"
wskcc --plain -O1 -o racy-plain.so "$OW_SOURCE/tests/sim/racy.c"
! nm racy-plain.so | grep -q ' U openwsk_point' || fail "--plain has points"

# A wrong command line.
expect 2 wsksim
says 'no driver given; try: wsksim ./driver.so'
expect 2 wsksim --sed 3 racy.so
expect 2 wsksim --seeds 9..3 racy.so
says 'write it as FIRST..LAST'
expect 2 wsksim --shard 4/3 racy.so
expect 2 wsksim --cpus 0 racy.so
expect 2 wsksim --gdb racy.so
expect 2 wsksim --replay nothing.tape
says 'cannot read the tape nothing.tape'
echo hello >no.tape
expect 2 wsksim --replay no.tape
says 'no.tape is no tape of wsksim'
printf '# OpenWSK tape 2\narg racy.so\n#x\n' >bad.tape
expect 2 wsksim --replay bad.tape
says 'bad.tape:3: not a decision'
expect 2 wsksim --scenario nothing.yaml racy.so
printf 'peers:\n  - { kind: dancer, host: client }\n' >bad.yaml
expect 2 wsksim --scenario bad.yaml racy.so
says 'bad.yaml'
printf 'peers:\n  - { kind: sink, host: elsewhere, at: "10.0.0.2:1" }\n' >host.yaml
expect 2 wsksim --scenario host.yaml racy.so
says 'there is no host elsewhere'
expect 0 wsksim --help
says 'usage: wsksim'
expect 0 wsksim --version
expect 1 wsksim nothing.so

# The boring run is fine; the race needs a preemption inside of the driver.
expect 0 wsksim racy.so
says 'seed 0: .* decisions in .* of virtual time, hash'
expect 3 wsksim --calm --jobs 1 --seeds 1..2000 --shrink racy.so
says 'failed: STOP 0x000000E2'
says 'shrunk from'
says 'wsksim: replay it with: wsksim --replay fail-.*\.tape'
tape=$(sed -n 's/.*replay it with: wsksim --replay //p' "$out")
[ "$(grep -c '^#[0-9]' "$tape")" -le 4 ] || fail "the tape was hardly shrunk: $(cat "$tape")"
grep -q 'racy.c:' "$tape" || fail "the tape names no source line: $(cat "$tape")"
expect 0 wsksim --calm --seeds 1..500 racy-plain.so

# A replay is the same run: the same failure and hash, every time; the timeline marks decisions.
expect 3 wsksim --replay "$tape"
says 'failed: STOP 0x000000E2'
hash=$(sed -n 's/.*; hash //p' "$out")
expect 3 wsksim --timeline --replay "$tape"
says "hash $hash"
says '^\* .*#[0-9]+ preempt 1/'
says 'KeWaitForSingleObject'
# Without its decisions the tape is the boring run.
grep -v '^#[0-9]' "$tape" >boring.tape
expect 0 wsksim --replay boring.tape
says 'this run did not fail'
# A decision of another kind is told, and answered with 0.
sed 's/^\(#[0-9]* \)preempt/\1fault/' "$tape" >foreign.tape
expect 0 wsksim --replay foreign.tape
says 'met another question'
# So is a decision that the run does not come to, because the place is not there or not so often.
sed 's/^\(#[0-9]* preempt [0-9/]* "\)[^"]*/\1elsewhere/' "$tape" >elsewhere.tape
expect 0 wsksim --replay elsewhere.tape
says 'did not come to [0-9]+ decisions'
sed 's/\( thread [0-9]*\.\)[0-9]*/\1999999/' "$tape" >late.tape
expect 0 wsksim --replay late.tape
says 'did not come to [0-9]+ decisions'

# Every order of threads with one preemption contains the race; a thread that cannot be made, the leak.
expect 3 wsksim --exhaust --preemptions 1 racy.so
says 'an order of threads with 1 preemption failed: STOP 0x000000E2'
expect 3 wsksim --oom-sweep racy.so
says 'failed: VF-POOL-07'
# What asks twice at the same place and does not survive two failures is found by its call stack
# only, and the same in every process.
wskcc -O1 -o tries_again.so "$OW_SOURCE/tests/sim/tries_again.c"
expect 3 wsksim --keep-going --oom-sweep --shrink tries_again.so
says ' 1 failed'
says 'failing every request for memory of call stack [0-9]+ failed: STOP 0x0000001E'
tape=$(sed -n 's/.*replay it with: wsksim --replay //p' "$out")
[ "$(grep -c '^#[0-9]* fault .*ExAllocatePool' "$tape")" = 2 ] ||
    fail "not two failures: $(cat "$tape")"
expect 3 wsksim --replay "$tape"
# A cancellation in its middle shows the race, too, because others run then; it is on the tape.
expect 3 wsksim --cancel-sweep racy.so
says '(unloading|cancelling everything) at decision [0-9]+ failed: STOP 0x000000E2'
tape=$(sed -n 's/.*replay it with: wsksim --replay //p' "$out" | head -1)
grep -qE '^(cancel|unload) [0-9]+ "[^"]+" thread [0-9.]+$' "$tape" ||
    fail "the tape lacks its trouble: $(cat "$tape")"
expect 3 wsksim --replay "$tape"
silent 'did not come to'
# The place counts, not the number of the decision; without the place, the number.
sed -E 's/^(cancel|unload) [0-9]+/\1 999999/' "$tape" >elsewhen.tape
expect 3 wsksim --replay elsewhen.tape
sed -E 's/^((cancel|unload) [0-9]+) .*/\1/' "$tape" >number.tape
expect 3 wsksim --replay number.tape
sed -E 's/^((cancel|unload) .* thread [0-9]+)\..*/\1.999999/' "$tape" >late.tape
expect 0 wsksim --replay late.tape
says 'did not come to 1 decisions'
expect 0 wsksim --cancel-sweep racy-plain.so

# Trouble of a driver's and of the registrar's making: sockets are closed in the middle of calls.
workloads=$OW_SOURCE/tests/sim/workloads
wskcc -O1 -DCARELESS -o nmr-echo.so "$workloads/nmr-echo.c"
expect 3 wsksim --cancel-sweep --shard 1/5 --keep-going --scenario "$workloads/nmr-echo.yaml" \
    nmr-echo.so
for trouble in 'the event' "the provider's leaving" 'unloading'; do
    says "$trouble at decision [0-9]+ failed: VF-WSK-"
done
silent "(reset|end) of.* at decision [0-9]+ failed"
tape=$(grep -lE '^signal [0-9]+ ' ./*.tape | head -1)
expect 3 wsksim --replay "$tape"
says 'failed: VF-WSK-'

# Shards are parts: together they are the sweep.
expect 0 wsksim --seeds 0..9 --calm --hashes all racy-plain.so
for i in 1 2 3; do
    expect 0 wsksim --seeds 0..9 --calm --shard "$i/3" --hashes "part.$i" racy-plain.so
done
sort -n part.1 part.2 part.3 >parts
sort -n all | cmp - parts || fail "the shards are not the sweep"

# A sweep that has not seen what its scenario expects is weak, and says what it lacks.
for row in 'connection complete' 'network LOSS' 'WskSend STATUS_PENDING'; do
    sed "s/^duration/expect: [\"connection\", \"$row\"]\nduration/" \
        "$OW_SOURCE/tests/sim/echo.yaml" >weak.yaml
    status=0
    [ "$row" != 'WskSend STATUS_PENDING' ] || status=3
    expect $status wsksim --coverage --seeds 1..40 --scenario weak.yaml "$(driver tcp-echo-irps)"
    [ $status = 0 ] || says "weak: no run has seen what the scenario expects: $row\$"
    says '^ +[1-9][0-9]*  WskSend STATUS_SUCCESS$'
    says '^ +[1-9][0-9]*  network ASYNC$'
    says '^ +[1-9][0-9]*  run$'
done
expect 3 wsksim --calm --seeds 1..40 --scenario "$workloads/nmr-echo.yaml" "$(driver nmr-echo)"
says 'weak: .*: network LOSS'
expect 0 wsksim --oom-sweep --scenario "$workloads/nmr-echo.yaml" "$(driver nmr-echo)"

# A driver that never unloads, and one that loops, are told and not waited for.
expect 3 wsksim "$(driver pt-leak)"
says 'seed 0 failed: VF-POOL-07'
silent 'internal error' # what it leaves keeps the machine running, and that its network
expect 0 wsksim "$(driver pt-nounload)"
expect 4 wsksim "$(driver pt-stuck)"
says 'stuck'
