#!/bin/sh
# determinism.sh FIRST LAST: each of these seeds gives the same run twice in one process, in other
# processes with other addresses, as the first run of a process, and in the address sanitizer's build of wsksim (which runs when
# that preset is tested, against the dev preset's wsksim, where there is one).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Without the preset's sanitizer: the very same driver must do the same under both builds.
for example in tcp-echo-events tcp-echo-irps; do
    wskcc -O1 -o "$example.so" "$OW_SOURCE/examples/$example/$example.c"
done

# hashes WSKSIM NAME [OPTION...]: the hash of each seed's run, in NAME.
hashes() {
    program=$1 name=$2
    shift 2
    for example in tcp-echo-events tcp-echo-irps; do
        "$program" --quiet --scenario "$OW_SOURCE/tests/sim/echo.yaml" --hashes "$name.$example" "$@" \
            "$example.so"
        sort -n -o "$name.$example" "$name.$example"
    done
}

compare() {
    for example in tcp-echo-events tcp-echo-irps; do
        if ! cmp -s "$1.$example" "$2.$example"; then
            echo "$example: seeds that differ between $1 and $2:" >&2
            diff "$1.$example" "$2.$example" | head -5 >&2
            exit 1
        fi
    done
}

seeds="$1..$2"
if [ "$OW_SANITIZE" = address,undefined ]; then
    other=$OW_SOURCE/build/dev/bin/wsksim
    [ -x "$other" ] || { echo "no dev build to compare with"; exit 77; }
    hashes wsksim here --seeds "$seeds"
    hashes "$other" dev --seeds "$seeds"
    compare here dev
else
    hashes wsksim twice --twice --seeds "$seeds"
    hashes wsksim again --jobs 1 --seeds "$seeds"
    hashes wsksim apart --apart --seeds "$seeds"
    compare twice again
    compare again apart
fi
[ "$(wc -l < "$(ls -- *.tcp-echo-irps | head -1)")" = $(($2 - $1 + 1)) ]
echo "seeds $seeds: the same runs"
