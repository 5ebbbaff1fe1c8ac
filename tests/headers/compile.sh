#!/bin/sh
# Compiles every header of include/km: alone, twice, and all of them in two orders, as C11 and C++17
# with each installed compiler, in a driver's and in the runtime's setting. No warnings allowed.
src=${OW_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
km=$src/include/km
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0
common="-fsyntax-only -Wall -Wextra -Werror -Wno-multichar -Wno-unknown-pragmas -fshort-wchar
    -fms-extensions -mms-bitfields -fno-strict-aliasing"
headers=$(cd "$km" && find . wdm -maxdepth 1 -name "*.h" | sed "s,^\./,," | sort -u)
reverse=$(echo "$headers" | sort -r)

check() # name, text, command...
{
    name=$1 text=$2
    shift 2
    if ! printf '%s\n' "$text" | "$@" - >"$tmp/out" 2>&1; then
        echo "$name: $*"
        head -20 "$tmp/out"
        bad=1
    fi
}

twice() # the text that includes each of the headers, then each again
{
    for h in "$@"; do echo "#include <$h>"; done
    for h in "$@"; do echo "#include <$h>"; done
}

all() # command...
{
    for h in $headers; do
        check "$h alone" "$(twice "$h")" "$@"
    done
    # shellcheck disable=SC2086
    check "in order" "$(twice $headers)" "$@"
    # shellcheck disable=SC2086
    check "in reverse" "$(twice $reverse)" "$@"
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    quiet=
    [ $compiler = clang ] && quiet="-Wno-microsoft-anon-tag -Wno-four-char-constants"
    for language in c:gnu11 c++:gnu++17; do
        # shellcheck disable=SC2086
        set -- $compiler -x ${language%%:*} -std=${language#*:} $common $quiet -I"$km"
        all "$@" -isystem "$km/crt"
        for h in string wchar stdio stdlib ctype malloc memory wctype; do
            check "crt/$h.h" "$(twice $h.h ntddk.h)" "$@" -isystem "$km/crt"
        done
        for version in 0x0600 0x0601 0x0602 0x0A00; do
            check "version $version" "$(twice ntddk.h wsk.h)" "$@" -D_WIN32_WINNT=$version
        done
        [ "$language" = c:gnu11 ] || continue
        check runtime "$(twice ntifs.h wsk.h ntstrsafe.h netioapi.h)" "$@" -DOPENWSK_RUNTIME
        check "runtime, ms_abi" "$(twice ntifs.h wsk.h ntstrsafe.h netioapi.h)" "$@" \
            -DOPENWSK_RUNTIME -DOPENWSK_MS_ABI
    done
done
exit $bad
