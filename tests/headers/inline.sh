#!/bin/sh
# Compiles inline.c as a driver is compiled, as C and as C++ with each installed compiler, and runs
# it. What it calls is inline, or in the C library under the same name.
src=${OW_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    for language in c:gnu11 c++:gnu++17; do
        for level in -O0 -O2; do
            name="$compiler ${language#*:} $level"
            if ! $compiler -x ${language%%:*} -std=${language#*:} $level -w -fshort-wchar \
                -fms-extensions -mms-bitfields -fno-strict-aliasing -I"$src/include/km" \
                -isystem "$src/include/km/crt" -o "$tmp/inline" "$src/tests/headers/inline.c"; then
                echo "$name: does not compile"
                bad=1
                continue
            fi
            "$tmp/inline"
            line=$?
            if [ $line -ne 0 ]; then
                echo "$name: the check at line $line fails"
                bad=1
            fi
        done
    done
done
exit $bad
