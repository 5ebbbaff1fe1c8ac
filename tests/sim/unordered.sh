#!/bin/sh
# unordered.sh: in the thread sanitizer's build, two accesses that nothing orders are a failure of the
# run, whoever came first: even seed 0, the boring run, fails. What does order them is told apart.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
build() {
    wskcc -fsanitize=thread -O1 "-DORDER=$1" -o "$1.so" "$OW_SOURCE/tests/sim/unordered.c"
}
fails() { # expected status, options...
    expected=$1 status=0
    shift
    wsksim "$@" >out 2>&1 || status=$?
    cat out
    [ "$status" = "$expected" ] || { echo "status $status instead of $expected" >&2; exit 1; }
}
for order in LOCK INTERLOCKED EVENT; do
    build "$order"
    fails 0 --for 0 --calm --seeds 0..30 "$order.so"
done
build NOTHING
fails 3 --for 0 --seed 0 NOTHING.so
fails 3 --for 0 --calm --jobs 1 --seeds 5..30 --shrink NOTHING.so
grep 'seed 5 failed: data-race: Add and Add$' out
grep 'write by thread "drv-[0-9]"' out
fails 3 --replay "$(echo fail-*.tape | cut -d' ' -f1)"
grep 'failed: data-race: Add and Add' out
