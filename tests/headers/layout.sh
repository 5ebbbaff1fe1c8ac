#!/bin/sh
# Compares sizes, offsets and constants of include/km with those of other projects' headers for
# Windows: mingw-w64 (its ddk folder, winsock) and Wine's wsk.h, both compiled for Windows by
# x86_64-w64-mingw32-gcc. Nothing of Windows runs: the values are read from a section of the object
# files. A .rows file has one S(type), O(type, field) or V(constant) per line; values in which the
# other project follows an older Windows, or is wrong, are left out of them.
src=${OW_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
here=$src/tests/headers
mingw=/usr/x86_64-w64-mingw32/include
wine=/usr/include/wine/wine
cross=x86_64-w64-mingw32
command -v $cross-gcc >/dev/null || { echo "needs the package mingw-w64"; exit 77; }
[ -f $wine/windows/ddk/wsk.h ] || { echo "needs the package libwine-dev"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

# values <out> <prefix of objcopy> <includes> <compiler with flags...>: one value per row of $rows
values()
{
    out=$1 prefix=$2 includes=$3
    shift 3
    {
        printf '%s\n' "$includes"
        echo '#define S(type) (unsigned)sizeof(type),'
        echo '#define O(type, field) (unsigned)__builtin_offsetof(type, field),'
        echo '#define V(constant) (unsigned)(constant),'
        echo 'const unsigned values[] __attribute__((section("rows"))) = {'
        cat "$rows"
        echo '};'
    } >"$tmp/rows.c"
    "$@" -std=gnu11 -w -c -o "$tmp/rows.o" "$tmp/rows.c" || return 1
    "${prefix}objcopy" -O binary -j rows "$tmp/rows.o" "$tmp/rows.bin" || return 1
    od -An -v -tx4 -w4 "$tmp/rows.bin" | head -n "$(wc -l <"$rows")" >"$out"
}

ours()
{
    values "$tmp/ours" "" "$1" gcc -fshort-wchar -fms-extensions -mms-bitfields \
        -I"$src/include/km"
}

compare()
{
    if ! paste "$rows" "$tmp/ours" "$tmp/theirs" |
        awk -F '\t' -v set="$1" '
            $2 == "" || $3 == "" { print set ": no value for " $1; bad = 1; next }
            $2 != $3 { print set ": " $1 " is" $2 " here," $3 " there"; bad = 1 }
            END { if (!bad) print set ": " NR " values agree"; exit bad }'; then
        bad=1
    fi
}

rows=$here/ntifs.rows
ours '#include <ntifs.h>' &&
    values "$tmp/theirs" $cross- '#include <ntifs.h>' $cross-gcc -D_WIN32_WINNT=0x0A00 \
        -DNTDDI_VERSION=0x0A000006 -I$mingw/ddk || exit 1
compare ntifs

rows=$here/winsock.rows
ours '#include <wsk.h>
#include <netioapi.h>' &&
    values "$tmp/theirs" $cross- '#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>
#include <iphlpapi.h>
#include <netioapi.h>' $cross-gcc -D_WIN32_WINNT=0x0A00 -DNTDDI_VERSION=0x0A000006 || exit 1
compare winsock

rows=$here/wsk.rows
ours '#include <wsk.h>
#include <netioapi.h>' &&
    values "$tmp/theirs" $cross- '#include <ntstatus.h>
#define WIN32_NO_STATUS
#include <windows.h>
#include <winternl.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <ddk/wdm.h>
#include <ddk/wsk.h>
#include <mstcpip.h>' $cross-gcc -D_WIN32_WINNT=0x0A00 -D__WINESRC__ -nostdinc -I$wine/msvcrt \
        -I$wine/windows || exit 1
compare wsk
exit $bad
