/*
 * string.c: counted strings: UNICODE_STRING, ANSI_STRING and UTF8_STRING.
 *
 * Initialise, copy, append, compare, change case, convert between the three and to numbers and
 * GUIDs. The ANSI code page is UTF-8 here, so that nothing is lost between Windows text and the
 * process. Buffers that a routine allocates come from paged pool under the tag 'Strg'; callers
 * synchronise their own strings.
 */
#include "nt/mi.h"
#include "nt/rtlp.h"

#define STRING_TAG       'grtS'
#define MAX_STRING_BYTES 0xfffe /* a USHORT that is even */

static SIZE_T WideLength(PCWSTR Text)
{
    SIZE_T Length = 0;

    while (Text[Length])
        Length++;
    return Length;
}

/* Simple case mapping of one UTF-16 unit: Latin, Greek, Cyrillic, Armenian, full-width. */
WCHAR RtlpUpcase(WCHAR Unit)
{
    if (Unit < 'a')
        return Unit;
    if (Unit <= 'z')
        return (WCHAR)(Unit - 32);
    if (Unit < 0xb5)
        return Unit;
    if (Unit == 0xff)
        return 0x178;
    if (Unit >= 0xe0 && Unit <= 0xfe && Unit != 0xf7)
        return (WCHAR)(Unit - 32);
    if (Unit >= 0x100 && Unit <= 0x137 && Unit != 0x131)
        return (WCHAR)(Unit & ~1);
    if ((Unit >= 0x139 && Unit <= 0x148) || (Unit >= 0x179 && Unit <= 0x17e))
        return (WCHAR)(Unit & 1 ? Unit : Unit - 1);
    if (Unit >= 0x14a && Unit <= 0x177)
        return (WCHAR)(Unit & ~1);
    if (Unit == 0x3ac)
        return 0x386;
    if (Unit >= 0x3ad && Unit <= 0x3af)
        return (WCHAR)(Unit - 37);
    if (Unit >= 0x3b1 && Unit <= 0x3cb && Unit != 0x3c2)
        return (WCHAR)(Unit - 32);
    if (Unit == 0x3cc)
        return 0x38c;
    if (Unit == 0x3cd || Unit == 0x3ce)
        return (WCHAR)(Unit - 63);
    if (Unit >= 0x430 && Unit <= 0x44f)
        return (WCHAR)(Unit - 32);
    if (Unit >= 0x450 && Unit <= 0x45f)
        return (WCHAR)(Unit - 80);
    if ((Unit >= 0x460 && Unit <= 0x481) || (Unit >= 0x48a && Unit <= 0x4bf))
        return (WCHAR)(Unit & ~1);
    if (Unit >= 0x561 && Unit <= 0x586)
        return (WCHAR)(Unit - 48);
    if (Unit >= 0x1e00 && Unit <= 0x1e95)
        return (WCHAR)(Unit & ~1);
    if (Unit >= 0xff41 && Unit <= 0xff5a)
        return (WCHAR)(Unit - 32);
    return Unit;
}

WCHAR RtlpDowncase(WCHAR Unit)
{
    if (Unit >= 'A' && Unit <= 'Z')
        return (WCHAR)(Unit + 32);
    if (Unit < 0xc0)
        return Unit;
    if (Unit == 0x178)
        return 0xff;
    /* The mapping moves by one of these distances; the inverse is the one that comes back. */
    static const USHORT Distances[] = { 32, 1, 80, 37, 63, 48, 38, 64 };

    if (RtlpUpcase(Unit) != Unit)
        return Unit;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Distances); i++) {
        WCHAR Lower = (WCHAR)(Unit + Distances[i]);

        if (Lower > Unit && RtlpUpcase(Lower) == Unit)
            return Lower;
    }
    return Unit;
}

static UCHAR UpcaseByte(UCHAR Byte)
{
    return Byte >= 'a' && Byte <= 'z' ? (UCHAR)(Byte - 32) : Byte;
}

/* ---- initialise, free ---------------------------------------------------------------------- */

static void InitWide(PUNICODE_STRING String, PCWSTR Source, SIZE_T Limit)
{
    SIZE_T Bytes = 0;

    String->Length = String->MaximumLength = 0;
    String->Buffer = (PWSTR)Source;
    if (!Source)
        return;
    Bytes = WideLength(Source) * sizeof(WCHAR);
    if (Bytes > Limit)
        Bytes = Limit;
    String->Length = (USHORT)Bytes;
    String->MaximumLength = (USHORT)(Bytes + sizeof(WCHAR));
}

static void InitNarrow(PSTRING String, PCSZ Source, SIZE_T Limit)
{
    SIZE_T Bytes = 0;

    String->Length = String->MaximumLength = 0;
    String->Buffer = (PCHAR)Source;
    if (!Source)
        return;
    Bytes = __builtin_strlen((const char *)Source);
    if (Bytes > Limit)
        Bytes = Limit;
    String->Length = (USHORT)Bytes;
    String->MaximumLength = (USHORT)(Bytes + 1);
}

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    DDI_ENTER(RtlInitUnicodeString);
    InitWide(DestinationString, SourceString, MAX_STRING_BYTES - sizeof(WCHAR));
}

NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    DDI_ENTER(RtlInitUnicodeStringEx);
    if (SourceString && WideLength(SourceString) * sizeof(WCHAR) > MAX_STRING_BYTES - sizeof(WCHAR))
        return STATUS_NAME_TOO_LONG;
    InitWide(DestinationString, SourceString, MAX_STRING_BYTES - sizeof(WCHAR));
    return STATUS_SUCCESS;
}

VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString)
{
    DDI_ENTER(RtlInitAnsiString);
    InitNarrow(DestinationString, SourceString, MAX_STRING_BYTES);
}

NTSTATUS NTAPI RtlInitAnsiStringEx(PANSI_STRING DestinationString, PCSZ SourceString)
{
    DDI_ENTER(RtlInitAnsiStringEx);
    if (SourceString && __builtin_strlen((const char *)SourceString) > MAX_STRING_BYTES)
        return STATUS_NAME_TOO_LONG;
    InitNarrow(DestinationString, SourceString, MAX_STRING_BYTES);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlInitString(PSTRING DestinationString, PCSZ SourceString)
{
    DDI_ENTER(RtlInitString);
    InitNarrow(DestinationString, SourceString, MAX_STRING_BYTES);
}

VOID NTAPI RtlInitUTF8String(PUTF8_STRING DestinationString, PCSZ SourceString)
{
    DDI_ENTER(RtlInitUTF8String);
    InitNarrow(DestinationString, SourceString, MAX_STRING_BYTES);
}

static void FreeBuffer(PVOID Buffer)
{
    if (Buffer)
        ExFreePoolWithTag(Buffer, STRING_TAG);
}

VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    DDI_ENTER(RtlFreeUnicodeString);
    FreeBuffer(UnicodeString->Buffer);
    *UnicodeString = (UNICODE_STRING){ 0 };
}

VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString)
{
    DDI_ENTER(RtlFreeAnsiString);
    FreeBuffer(AnsiString->Buffer);
    *AnsiString = (ANSI_STRING){ 0 };
}

VOID NTAPI RtlFreeUTF8String(PUTF8_STRING Utf8String)
{
    DDI_ENTER(RtlFreeUTF8String);
    FreeBuffer(Utf8String->Buffer);
    *Utf8String = (UTF8_STRING){ 0 };
}

/* ---- copy, append -------------------------------------------------------------------------- */

VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    USHORT Length;

    DDI_ENTER(RtlCopyUnicodeString);
    if (!SourceString) {
        DestinationString->Length = 0;
        return;
    }
    Length = SourceString->Length < DestinationString->MaximumLength
                 ? SourceString->Length
                 : DestinationString->MaximumLength;
    if (Length)
        __builtin_memmove(DestinationString->Buffer, SourceString->Buffer, Length);
    DestinationString->Length = Length;
    if (Length + sizeof(WCHAR) <= DestinationString->MaximumLength)
        DestinationString->Buffer[Length / sizeof(WCHAR)] = 0;
}

VOID NTAPI RtlCopyString(PSTRING DestinationString, const STRING *SourceString)
{
    USHORT Length;

    DDI_ENTER(RtlCopyString);
    if (!SourceString) {
        DestinationString->Length = 0;
        return;
    }
    Length = SourceString->Length < DestinationString->MaximumLength
                 ? SourceString->Length
                 : DestinationString->MaximumLength;
    if (Length)
        __builtin_memmove(DestinationString->Buffer, SourceString->Buffer, Length);
    DestinationString->Length = Length;
}

static NTSTATUS AppendWide(PUNICODE_STRING Destination, PCWSTR Source, SIZE_T Bytes)
{
    if (Destination->Length + Bytes > Destination->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    if (Bytes)
        __builtin_memmove(Destination->Buffer + Destination->Length / sizeof(WCHAR), Source, Bytes);
    Destination->Length = (USHORT)(Destination->Length + Bytes);
    if (Destination->Length + sizeof(WCHAR) <= Destination->MaximumLength)
        Destination->Buffer[Destination->Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    DDI_ENTER(RtlAppendUnicodeStringToString);
    return AppendWide(Destination, Source->Buffer, Source->Length);
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    DDI_ENTER(RtlAppendUnicodeToString);
    return AppendWide(Destination, Source, Source ? WideLength(Source) * sizeof(WCHAR) : 0);
}

/* A string of its own: terminated when asked for; never shares the source's buffer. */
NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn,
                                         PUNICODE_STRING StringOut)
{
    DDI_ENTER(RtlDuplicateUnicodeString);
    SIZE_T Bytes = StringIn ? StringIn->Length : 0;
    SIZE_T Total = Bytes + (Flags & RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE ? 2 : 0);

    /* A null string can only be allocated for its terminator: flag 2 means nothing without 1. */
    if (!StringOut || !StringIn || (Flags & ~3u) ||
        Flags == RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING ||
        StringIn->Length > StringIn->MaximumLength)
        return STATUS_INVALID_PARAMETER;
    if (!Bytes && !(Flags & RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING))
        Total = 0;
    if (Total > MAX_STRING_BYTES)
        return STATUS_NAME_TOO_LONG;
    *StringOut = (UNICODE_STRING){ 0 };
    if (!Total)
        return STATUS_SUCCESS;
    StringOut->Buffer = RtlpAllocateString(Total, __builtin_return_address(0));
    if (!StringOut->Buffer)
        return STATUS_NO_MEMORY;
    if (Bytes) /* a null string has no buffer to copy from */
        __builtin_memcpy(StringOut->Buffer, StringIn->Buffer, Bytes);
    if (Total > Bytes)
        StringOut->Buffer[Bytes / sizeof(WCHAR)] = 0;
    StringOut->Length = (USHORT)Bytes;
    StringOut->MaximumLength = (USHORT)Total;
    return STATUS_SUCCESS;
}

/* ---- compare, case ------------------------------------------------------------------------- */

static LONG CompareWide(PCWCH Left, SIZE_T LeftCount, PCWCH Right, SIZE_T RightCount,
                        BOOLEAN IgnoreCase)
{
    SIZE_T Common = LeftCount < RightCount ? LeftCount : RightCount;

    for (SIZE_T i = 0; i < Common; i++) {
        WCHAR a = Left[i], b = Right[i];

        if (a == b)
            continue;
        if (IgnoreCase) {
            a = RtlpUpcase(a);
            b = RtlpUpcase(b);
        }
        if (a != b)
            return (LONG)a - (LONG)b;
    }
    return (LONG)LeftCount - (LONG)RightCount;
}

static LONG CompareNarrow(const STRING *Left, const STRING *Right, BOOLEAN IgnoreCase)
{
    ULONG Common = Left->Length < Right->Length ? Left->Length : Right->Length;

    for (ULONG i = 0; i < Common; i++) {
        UCHAR a = (UCHAR)Left->Buffer[i], b = (UCHAR)Right->Buffer[i];

        if (IgnoreCase) {
            a = UpcaseByte(a);
            b = UpcaseByte(b);
        }
        if (a != b)
            return (LONG)a - (LONG)b;
    }
    return (LONG)Left->Length - (LONG)Right->Length;
}

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                   BOOLEAN CaseInSensitive)
{
    DDI_ENTER(RtlCompareUnicodeString);
    return CompareWide(String1->Buffer, String1->Length / sizeof(WCHAR), String2->Buffer,
                       String2->Length / sizeof(WCHAR), CaseInSensitive);
}

LONG NTAPI RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2,
                                    SIZE_T String2Length, BOOLEAN CaseInSensitive)
{
    DDI_ENTER(RtlCompareUnicodeStrings);
    return CompareWide(String1, String1Length, String2, String2Length, CaseInSensitive);
}

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                    BOOLEAN CaseInSensitive)
{
    DDI_ENTER(RtlEqualUnicodeString);
    return String1->Length == String2->Length &&
           !CompareWide(String1->Buffer, String1->Length / sizeof(WCHAR), String2->Buffer,
                        String2->Length / sizeof(WCHAR), CaseInSensitive);
}

BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    DDI_ENTER(RtlPrefixUnicodeString);
    SIZE_T Count = String1->Length / sizeof(WCHAR);

    return String1->Length <= String2->Length &&
           !CompareWide(String1->Buffer, Count, String2->Buffer, Count, CaseInSensitive);
}

BOOLEAN NTAPI RtlSuffixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    DDI_ENTER(RtlSuffixUnicodeString);
    SIZE_T Count = String1->Length / sizeof(WCHAR);

    return String1->Length <= String2->Length &&
           !CompareWide(String1->Buffer, Count,
                        String2->Buffer + (String2->Length / sizeof(WCHAR) - Count), Count,
                        CaseInSensitive);
}

LONG NTAPI RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    DDI_ENTER(RtlCompareString);
    return CompareNarrow(String1, String2, CaseInSensitive);
}

BOOLEAN NTAPI RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    DDI_ENTER(RtlEqualString);
    return String1->Length == String2->Length && !CompareNarrow(String1, String2, CaseInSensitive);
}

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    DDI_ENTER(RtlUpcaseUnicodeChar);
    return RtlpUpcase(SourceCharacter);
}

WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
    DDI_ENTER(RtlDowncaseUnicodeChar);
    return RtlpDowncase(SourceCharacter);
}

CHAR NTAPI RtlUpperChar(CHAR Character)
{
    DDI_ENTER(RtlUpperChar);
    return (CHAR)UpcaseByte((UCHAR)Character);
}

VOID NTAPI RtlUpperString(PSTRING DestinationString, const STRING *SourceString)
{
    DDI_ENTER(RtlUpperString);
    USHORT Length = SourceString->Length < DestinationString->MaximumLength
                        ? SourceString->Length
                        : DestinationString->MaximumLength;

    for (USHORT i = 0; i < Length; i++)
        DestinationString->Buffer[i] = (CHAR)UpcaseByte((UCHAR)SourceString->Buffer[i]);
    DestinationString->Length = Length;
}

/* The driver owns what a function allocates for it, so that the leak check names its caller. */
PVOID RtlpAllocateString(SIZE_T Bytes, const void *Owner)
{
    return ExpAllocatePool(Bytes, 0, STRING_TAG, FALSE, Owner);
}

static NTSTATUS MapCase(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate,
                        WCHAR (*Map)(WCHAR), const void *Owner)
{
    if (Allocate) {
        Destination->MaximumLength = Source->Length;
        Destination->Buffer = RtlpAllocateString(Source->Length ? Source->Length : 1, Owner);
        if (!Destination->Buffer)
            return STATUS_NO_MEMORY;
    } else if (Source->Length > Destination->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (SIZE_T i = 0; i < Source->Length / sizeof(WCHAR); i++)
        Destination->Buffer[i] = Map(Source->Buffer[i]);
    Destination->Length = Source->Length;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString,
                                      PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    DDI_ENTER(RtlUpcaseUnicodeString);
    return MapCase(DestinationString, SourceString, AllocateDestinationString, RtlpUpcase,
                   __builtin_return_address(0));
}

NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString,
                                        PCUNICODE_STRING SourceString,
                                        BOOLEAN AllocateDestinationString)
{
    DDI_ENTER(RtlDowncaseUnicodeString);
    return MapCase(DestinationString, SourceString, AllocateDestinationString, RtlpDowncase,
                   __builtin_return_address(0));
}

NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive,
                                    ULONG HashAlgorithm, PULONG HashValue)
{
    DDI_ENTER(RtlHashUnicodeString);
    ULONG Hash = 0;

    if (!String || !HashValue || HashAlgorithm > HASH_STRING_ALGORITHM_X65599)
        return STATUS_INVALID_PARAMETER;
    for (SIZE_T i = 0; i < String->Length / sizeof(WCHAR); i++) {
        WCHAR Unit = String->Buffer[i];

        Hash = Hash * 65599 + (CaseInSensitive ? RtlpUpcase(Unit) : Unit);
    }
    *HashValue = Hash;
    return STATUS_SUCCESS;
}
