#!/bin/sh
# What a run does: order, parameters, --exec, --for, signals, statuses.
. "$(dirname "$0")/lib.sh"
plain=$(driver pt-plain)

expect 0 wskrun --for 0 --param Number=7 --param Hex=0x10 --param pt-plain:Text=hello \
    --param Negative=-1 "$plain"
says 'pt-plain: Number = 7$'
says 'pt-plain: Hex = 16$'
says 'pt-plain: Negative = 4294967295$'
says 'pt-plain: Text = hello$'
says 'pt-plain: unloaded'

# In order, and back in reverse order.
cp "$plain" "$work/second.so"
expect 0 wskrun --quiet --for 0 "$plain" "$work/second.so"
sed -n 's/^\([a-z-]*\): \(loaded\|unloaded\).*/\1 \2/p' "$out" >"$work/order"
printf '%s\n' 'pt-plain loaded' 'second loaded' 'second unloaded' 'pt-plain unloaded' |
    cmp -s - "$work/order" || fail "the order is wrong"
silent '^wskrun:'

# The same name twice.
expect 1 wskrun --for 0 "$plain" "$plain"
says 'named pt-plain is loaded already'
says 'pt-plain: unloaded'

expect 0 wskrun --exec 'echo from the command; env | grep -c OPENWSK_ || true' "$plain"
says '^from the command$'
says '^0$'
expect 7 wskrun --exec 'exit 7' "$plain"
says 'pt-plain: unloaded'
expect 143 wskrun --exec 'kill -TERM $$' "$plain"
expect 0 wskrun --for 0.1 --exec 'sleep 50' "$plain"
expect 5 wskrun --exec 'exit 5' "$(driver pt-leak)"

# A signal unloads, and so does one to a run with a command.
rm "$out"
wskrun "$plain" >"$out" 2>&1 &
pid=$!
while ! grep -qs 'pt-plain: loaded' "$out"; do sleep 0.01; done
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status -eq 0 ] || fail "status $status after SIGTERM"
says 'pt-plain: unloaded'

# DriverEntry fails: status by name and number, and what it left behind.
expect 1 wskrun --for 0 "$plain" "$(driver pt-fails)"
says 'STATUS_INSUFFICIENT_RESOURCES \(0xC000009A\)'
says 'pool allocation'
says 'pt-plain: unloaded'

expect 3 wskrun --for 0 "$(driver pt-leak)"
says 'VF-POOL-07'
says 'pt-leak\.c:[0-9]+'
# What a function allocates for the driver is the driver's.
says "tag 'Strg'"
# Then the address sanitizer's own leak check sees it.
[ -n "${OW_SANITIZE:-}" ] || expect 0 wskrun --verify=none --for 0 "$(driver pt-leak)"

expect 0 wskrun --for 0 --cpus 1 "$plain"
says 'pt-plain: 1 processor'
expect 0 wskrun --for 0 --cpus 3 "$plain"
says 'pt-plain: 3 processor'
