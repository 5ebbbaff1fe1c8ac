#!/bin/sh
# wskfuzz as a user meets it: it finds a race by coverage, keeps the input and a tape; both repeat it.
. "$(dirname "$0")/lib.sh"
cd "$work"
command -v wskfuzz >/dev/null || exit 77 # no libFuzzer on this machine

wskcc -O1 -o racy.so "$OW_SOURCE/tests/sim/racy.c"

expect 2 wskfuzz -runs=1
says 'behind -ignore_remaining_args=1'
expect 2 wskfuzz -runs=1 -ignore_remaining_args=1 --calm
says 'no driver given'
expect 2 wsksim --bytes nothing racy.so
says 'nothing: cannot read it'

expect 3 wskfuzz -runs=1000000 -seed=1 -ignore_remaining_args=1 --calm --shrink racy.so
says '^wsksim: an input failed: STOP 0x000000E2'
says '^wsksim: replay it with: wsksim --replay .*fail-.*[.]tape'
mkdir elsewhere
expect 3 wsksim --calm --bytes fail-*.bytes --tapes elsewhere racy.so
says 'failed: STOP 0x000000E2'
expect 3 wsksim --replay fail-*.tape
silent 'met another question'
says 'failed: STOP 0x000000E2'
: >empty
expect 0 wsksim --calm --bytes empty racy.so
expect 0 wsksim --calm --bytes - racy.so </dev/null

# A good driver, all faults on: nothing to find.
expect 0 wskfuzz -runs=300 -seed=1 -max_len=2000 -ignore_remaining_args=1 \
    --scenario "$OW_SOURCE/tests/sim/workloads/tcp-echo-events.yaml" \
    "$OW_BUILD/drivers/tcp-echo-events.so"
