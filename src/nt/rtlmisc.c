/*
 * rtlmisc.c: the small rest of the run-time library: memory comparison, the version of Windows
 * that this is, stack traces.
 */
#include "nt/rtlp.h"

/* Windows 10, version 2004: what the headers of this project describe. */
#define VERSION_MAJOR 10
#define VERSION_MINOR 0
#define VERSION_BUILD 19041
#define PLATFORM_NT   2
#define SUITE         0x100 /* one interactive user: VER_SUITE_SINGLEUSERTS */
#define PRODUCT       1     /* a workstation */

/* The conditions of VerSetConditionMask: VER_EQUAL and so on. */
enum { IfEqual = 1, IfGreater, IfGreaterEqual, IfLess, IfLessEqual, IfAnd, IfOr };

SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    DDI_ENTER(RtlCompareMemory);
    const UCHAR *a = Source1, *b = Source2;
    SIZE_T i = 0;

    while (i < Length && a[i] == b[i])
        i++;
    return i;
}

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW lpVersionInformation)
{
    DDI_ENTER(RtlGetVersion);
    if (lpVersionInformation->dwOSVersionInfoSize != sizeof(RTL_OSVERSIONINFOW) &&
        lpVersionInformation->dwOSVersionInfoSize != sizeof(RTL_OSVERSIONINFOEXW))
        return STATUS_INVALID_PARAMETER;
    lpVersionInformation->dwMajorVersion = VERSION_MAJOR;
    lpVersionInformation->dwMinorVersion = VERSION_MINOR;
    lpVersionInformation->dwBuildNumber = VERSION_BUILD;
    lpVersionInformation->dwPlatformId = PLATFORM_NT;
    lpVersionInformation->szCSDVersion[0] = 0;
    if (lpVersionInformation->dwOSVersionInfoSize == sizeof(RTL_OSVERSIONINFOEXW)) {
        PRTL_OSVERSIONINFOEXW Long = (PRTL_OSVERSIONINFOEXW)lpVersionInformation;

        Long->wServicePackMajor = Long->wServicePackMinor = 0;
        Long->wSuiteMask = SUITE;
        Long->wProductType = PRODUCT;
        Long->wReserved = 0;
    }
    return STATUS_SUCCESS;
}

static BOOLEAN Meets(ULONG Ours, ULONG Theirs, ULONG Condition)
{
    switch (Condition) {
    case IfEqual:
        return Ours == Theirs;
    case IfGreater:
        return Ours > Theirs;
    case IfGreaterEqual:
        return Ours >= Theirs;
    case IfLess:
        return Ours < Theirs;
    case IfLessEqual:
        return Ours <= Theirs;
    case IfAnd:
        return (Ours & Theirs) == Theirs;
    case IfOr:
        return (Ours & Theirs) != 0;
    default:
        return FALSE;
    }
}

/* The three bits that VerSetConditionMask stored for the type with that bit number. */
static ULONG ConditionOf(ULONGLONG Mask, ULONG TypeBit)
{
    return (ULONG)(Mask >> 3 * TypeBit) & 7;
}

NTSTATUS NTAPI RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                                    ULONGLONG ConditionMask)
{
    DDI_ENTER(RtlVerifyVersionInfo);
    /* Most significant first: major, minor, service pack. The bit numbers of the VER_ types. */
    const struct {
        ULONG Bit, Ours, Theirs;
    } Parts[] = {
        { 1, VERSION_MAJOR, VersionInfo->dwMajorVersion },
        { 0, VERSION_MINOR, VersionInfo->dwMinorVersion },
        { 5, 0, VersionInfo->wServicePackMajor },
        { 4, 0, VersionInfo->wServicePackMinor },
    };
    const struct {
        ULONG Bit, Ours, Theirs;
    } Alone[] = {
        { 2, VERSION_BUILD, VersionInfo->dwBuildNumber },
        { 3, PLATFORM_NT, VersionInfo->dwPlatformId },
        { 6, SUITE, VersionInfo->wSuiteMask },
        { 7, PRODUCT, VersionInfo->wProductType },
    };
    ULONG Condition = 0;

    if (!TypeMask || !ConditionMask)
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Alone); i++) {
        if ((TypeMask >> Alone[i].Bit & 1) &&
            !Meets(Alone[i].Ours, Alone[i].Theirs, ConditionOf(ConditionMask, Alone[i].Bit)))
            return STATUS_REVISION_MISMATCH;
    }
    /* A part decides only when the more significant ones are equal. */
    for (ULONG i = 0; i < RTL_NUMBER_OF(Parts); i++) {
        if (!(TypeMask >> Parts[i].Bit & 1))
            continue;
        if (!Condition)
            Condition = ConditionOf(ConditionMask, Parts[i].Bit);
        if (Parts[i].Ours != Parts[i].Theirs)
            return Meets(Parts[i].Ours, Parts[i].Theirs, Condition) ? STATUS_SUCCESS
                                                                    : STATUS_REVISION_MISMATCH;
    }
    return !Condition || Meets(0, 0, Condition) ? STATUS_SUCCESS : STATUS_REVISION_MISMATCH;
}

ULONGLONG NTAPI VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition)
{
    DDI_ENTER(VerSetConditionMask);
    for (ULONG Bit = 0; Bit < 8; Bit++) {
        if (TypeMask >> Bit & 1) {
            ConditionMask |= (ULONGLONG)(Condition & 7) << 3 * Bit;
            break;
        }
    }
    return ConditionMask;
}

#define TRACE_FRAMES 64

USHORT NTAPI RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace,
                                      PULONG BackTraceHash)
{
    DDI_ENTER(RtlCaptureStackBackTrace);
    PVOID Frames[TRACE_FRAMES];
    int Total = host_backtrace(Frames, TRACE_FRAMES);
    ULONG Hash = 0, Count = 0;
    int First = 0;

    while (First < Total && Frames[First] != __builtin_return_address(0))
        First++;
    for (LONG64 i = First + (LONG64)FramesToSkip; i < Total && Count < FramesToCapture; i++) {
        Hash += (ULONG)(ULONG_PTR)Frames[i];
        BackTrace[Count++] = Frames[i];
    }
    if (BackTraceHash)
        *BackTraceHash = Hash;
    return (USHORT)Count;
}
