/*
 * support.c: what the inline functions of the km headers call: the end of the run for corrupt
 * data, and PAGED_CODE().
 *
 * Drivers reach these only through macros. No state, no locks.
 */
#include <ntddk.h>

#include "nt/ki.h"

void NTAPI openwsk_fast_fail(unsigned Code)
{
    KeBugCheckEx(KERNEL_SECURITY_CHECK_FAILURE, Code, (ULONG_PTR)__builtin_return_address(0), 0, 0);
}

void NTAPI openwsk_paged_code(const char *Function, const char *File, unsigned Line)
{
    UNREFERENCED_PARAMETER(File);
    UNREFERENCED_PARAMETER(Line);
    if (KiThread()->Irql > APC_LEVEL)
        KiReportIrql(Function, KiThread()->Irql, PASSIVE_LEVEL, APC_LEVEL,
                     __builtin_return_address(0));
}
