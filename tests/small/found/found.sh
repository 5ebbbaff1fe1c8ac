#!/bin/sh
# found.sh DRIVER: the boring run of lost_update goes well; some order of its threads does not, which
# wsksim --exhaust must find, and of which it must leave a tape that fails in the same way.
set -u
tapes=$(mktemp -d)
trap 'rm -rf "$tapes"' EXIT
fail() {
    echo "FAIL: $1"
    cat "$tapes/log"
    exit 1
}
explore() {
    wsksim --exhaust --while-threads --cpus 1 --for 0 --tapes "$tapes" "$@" >"$tapes/log" 2>&1
}
explore --preemptions 0 "$1" || fail "the boring run failed"
explore "$1"
[ $? = 1 ] || fail "no order of threads failed"
grep -q 'an order of threads with 1 preemption failed' "$tapes/log" || fail "it is not said what failed"
grep -q 'Number is 1 ' "$tapes/log" || fail "the driver's own words are not shown"
[ "$(ls "$tapes"/*.tape | wc -l)" = 1 ] || fail "there is not one tape"
wsksim --replay "$tapes"/*.tape >"$tapes/log" 2>&1
[ $? = 1 ] || fail "the tape does not fail"
grep -q 'Number is 1 ' "$tapes/log" || fail "the tape fails in another way"
# A worker that failed is replaced, and goes on behind the failure: all orders are run, once each.
explore --keep-going --jobs 1 "$1"
one=$(grep -o '[0-9]*/[0-9]* orders.*failed' "$tapes/log" | tail -n 1 | sed 's/,.*,/,/')
explore --keep-going --jobs 3 "$1"
three=$(grep -o '[0-9]*/[0-9]* orders.*failed' "$tapes/log" | tail -n 1 | sed 's/,.*,/,/')
[ -n "$one" ] && [ "$one" = "$three" ] || fail "one worker: $one; three workers: $three"
case $one in
*" 0 failed") fail "no order failed when none was to be left out" ;;
esac
