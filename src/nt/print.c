/*
 * print.c: DbgPrint and its family: the driver's messages, on stderr as the driver wrote them.
 *
 * Each call composes its text on the stack and writes it at once, so messages of several threads do
 * not mix within a line. Windows cuts a message at 512 bytes; here the limit is larger, because
 * nobody is served by a cut diagnostic. Any IRQL, no locks, no memory.
 */
#include <wpp.h>

#include "nt/rtlp.h"
#include "nt/stop.h"

#define PRINT_BYTES 2048

static ULONG Print(PCSTR Prefix, PCSTR Format, OW_VA_LIST Args, const RTLP_TRACE *Trace)
{
    CHAR Text[PRINT_BYTES];
    SIZE_T Used = 0;

    while (*Prefix && Used < sizeof Text)
        Text[Used++] = *Prefix++;
    Used += RtlpFormatNarrow(Text + Used, sizeof Text - Used, Format, Args, Trace);
    if (Used > sizeof Text) {
        Used = sizeof Text;
        Text[Used - 1] = '\n';
    }
    /* A trace message is a line of its own; DbgPrint's text is the driver's business. */
    if (Trace && Used < sizeof Text && (!Used || Text[Used - 1] != '\n'))
        Text[Used++] = '\n';
    if (Used)
        host_print(Text, Used);
    return (ULONG)STATUS_SUCCESS;
}

ULONG NTAPI DbgPrint(PCSTR Format, ...)
{
    OW_VA_LIST Args;
    ULONG Status;

    DDI_ENTER(DbgPrint);
    OW_VA_START(Args, Format);
    Status = Print("", Format, Args, NULL);
    OW_VA_END(Args);
    return Status;
}

ULONG NTAPI DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    OW_VA_LIST Args;
    ULONG Status;

    DDI_ENTER(DbgPrintEx);
    (void)ComponentId;
    (void)Level;
    OW_VA_START(Args, Format);
    Status = Print("", Format, Args, NULL);
    OW_VA_END(Args);
    return Status;
}

VOID NTAPI openwsk_wpp_trace(PCSTR Function, PCSTR Level, PCSTR Flags, PCSTR Format, ...)
{
    DDI_ENTER(openwsk_wpp_trace);
    RTLP_TRACE Trace = { Function, Level, Flags };
    OW_VA_LIST Args;

    OW_VA_START(Args, Format);
    Print("", Format, Args, &Trace);
    OW_VA_END(Args);
}

ULONG NTAPI DbgPrintReturnControlC(PCCH Format, ...)
{
    OW_VA_LIST Args;
    ULONG Status;

    DDI_ENTER(DbgPrintReturnControlC);
    OW_VA_START(Args, Format);
    Status = Print("", Format, Args, NULL);
    OW_VA_END(Args);
    return Status;
}

ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, OW_VA_LIST arglist)
{
    DDI_ENTER(vDbgPrintEx);
    (void)ComponentId;
    (void)Level;
    return Print("", Format, arglist, NULL);
}

ULONG NTAPI vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format,
                                  OW_VA_LIST arglist)
{
    DDI_ENTER(vDbgPrintExWithPrefix);
    (void)ComponentId;
    (void)Level;
    return Print(Prefix, Format, arglist, NULL);
}

/* A debugger sees the trap; without one it is a crash, as on Windows. */
VOID NTAPI DbgBreakPoint(VOID)
{
    DDI_ENTER(DbgBreakPoint);
    __asm__ volatile("int3");
}

VOID NTAPI DbgBreakPointWithStatus(ULONG Status)
{
    DDI_ENTER(DbgBreakPointWithStatus);
    __asm__ volatile("int3" ::"a"(Status));
}

VOID NTAPI RtlAssert(PVOID VoidFailedAssertion, PVOID VoidFileName, ULONG LineNumber,
                     PSTR MutableMessage)
{
    DDI_ENTER(RtlAssert);
    ULONG_PTR Parameters[4] = { (ULONG_PTR)(LONG_PTR)STATUS_ASSERTION_FAILURE,
                                (ULONG_PTR)__builtin_return_address(0), LineNumber, 0 };

    host_printf("openwsk: assertion failed: %s%s%s, %s:%u\n", MutableMessage ? MutableMessage : "",
                MutableMessage ? ": " : "", (PCSTR)VoidFailedAssertion, (PCSTR)VoidFileName,
                LineNumber);
    KiBugCheck(KMODE_EXCEPTION_NOT_HANDLED, Parameters, NULL);
}
