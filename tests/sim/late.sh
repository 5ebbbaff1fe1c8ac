#!/bin/sh
# late.sh: under some seeds each kind of delay happens to whole drivers, and under --calm none does.
# (What a delay does is tested by test_late.)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
run() {
    wsksim --quiet --timeline --scenario "$OW_SOURCE/tests/sim/echo.yaml" "$@" \
        "$OW_BUILD/drivers/tcp-echo-irps.so"
}
for seed in $(seq 60); do
    run --seed "$seed" 2>/dev/null | grep -A1 '#[0-9]* delay ' | sed -n 's/^ *in \(.*\) (.*)$/\1/p'
done >delays
for seed in $(seq 20); do
    run --calm --seed "$seed" 2>/dev/null
done >calm
for site in 'request by its return' 'work item' 'DPC queue' 'WSK provider' 'time passes'; do
    n=$(grep -c "^$site\$" delays) || { echo "no delay of kind $site" >&2; exit 1; }
    echo "$site: $n"
done
! grep '#[0-9]* delay ' calm
