#!/bin/sh
# Drivers with sanitizers in a wskrun without: each finds its kind of mistake.
. "$(dirname "$0")/lib.sh"
source=$OW_SOURCE/tests/programs/drivers/pt-plain.c

cat >"$work/overflow.c" <<'END'
#include <ntddk.h>
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    volatile char bytes[8];
    volatile int n = 9;
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    bytes[n] = 1;
    return STATUS_UNSUCCESSFUL;
}
END
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    for kind in address undefined thread; do
        if [ $compiler.$kind = clang.thread ]; then
            CC=clang expect 2 wskcc -fsanitize=thread -o "$work/pt-plain.so" "$source"
            says 'use CC=gcc'
            continue
        fi
        CC=$compiler wskcc -fsanitize=$kind -o "$work/pt-plain.so" "$source"
        expect 0 wskrun --for 0 --exec 'test -z "${LD_PRELOAD:-}${TSAN_OPTIONS:-}"' "$work/pt-plain.so"
        says 'pt-plain: unloaded'
    done
    CC=$compiler wskcc -O1 -fsanitize=address -o "$work/overflow.so" "$work/overflow.c"
    status=0
    wskrun --for 0 "$work/overflow.so" >"$out" 2>&1 || status=$?
    [ $status -ne 0 ] || fail "the overflow was not found"
    says 'AddressSanitizer: stack-buffer-overflow'
    says 'overflow\.c:8'
done
