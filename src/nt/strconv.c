/*
 * strconv.c: counted strings to and from other encodings, numbers and GUIDs.
 *
 * The ANSI code page is UTF-8, so the MultiByte, Ansi and UTF8 families share their conversions and
 * differ in how they treat malformed input and short buffers. Strings that a routine allocates are
 * freed with RtlFreeUnicodeString and its siblings (tag 'Strg'). Callers synchronise their strings.
 */
#include "nt/rtlp.h"

#define STRING_TAG       'grtS'
#define MAX_STRING_BYTES 0xfffe

/* What a conversion did: bytes that the whole result has, and that were written. */
typedef struct _CONVERSION {
    SIZE_T Needed;
    SIZE_T Written;
    BOOLEAN Bad; /* the input was malformed somewhere */
} CONVERSION;

/* Converts until the result or the room ends; never writes part of a code point. */
static CONVERSION ToWide(PWCH Out, SIZE_T Room, PCCH Text, SIZE_T Count)
{
    CONVERSION Result = { 0 };
    BOOLEAN Full = !Out;

    for (SIZE_T i = 0, Used; i < Count; i += Used) {
        WCHAR Units[2];
        SIZE_T Bytes =
            sizeof(WCHAR) *
            RtlpEncodeUtf16(RtlpDecodeUtf8(Text + i, Count - i, &Used, &Result.Bad), Units);

        Result.Needed += Bytes;
        Full = Full || Result.Needed > Room;
        if (Full)
            continue;
        __builtin_memcpy((PCHAR)Out + Result.Written, Units, Bytes);
        Result.Written += Bytes;
    }
    return Result;
}

static CONVERSION ToNarrow(PCHAR Out, SIZE_T Room, PCWCH Text, SIZE_T Count)
{
    CONVERSION Result = { 0 };
    BOOLEAN Full = !Out;

    for (SIZE_T i = 0, Used; i < Count; i += Used) {
        CHAR Units[4];
        SIZE_T Bytes =
            RtlpEncodeUtf8(RtlpDecodeUtf16(Text + i, Count - i, &Used, &Result.Bad), Units);

        Result.Needed += Bytes;
        Full = Full || Result.Needed > Room;
        if (Full)
            continue;
        __builtin_memcpy(Out + Result.Written, Units, Bytes);
        Result.Written += Bytes;
    }
    return Result;
}

/* ---- buffers ------------------------------------------------------------------------------- */

NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                 PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource,
                                 ULONG UTF8StringByteCount)
{
    CONVERSION Result;

    DDI_ENTER(RtlUTF8ToUnicodeN);
    if (!UTF8StringSource)
        return STATUS_INVALID_PARAMETER_4;
    if (!UnicodeStringDestination && !UnicodeStringActualByteCount)
        return STATUS_INVALID_PARAMETER;
    Result = ToWide(UnicodeStringDestination, UnicodeStringMaxByteCount, UTF8StringSource,
                    UTF8StringByteCount);
    if (UnicodeStringActualByteCount)
        *UnicodeStringActualByteCount =
            (ULONG)(UnicodeStringDestination ? Result.Written : Result.Needed);
    if (UnicodeStringDestination && Result.Written < Result.Needed)
        return STATUS_BUFFER_TOO_SMALL;
    return Result.Bad ? STATUS_SOME_NOT_MAPPED : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                 PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                                 ULONG UnicodeStringByteCount)
{
    CONVERSION Result;

    DDI_ENTER(RtlUnicodeToUTF8N);
    if (!UnicodeStringSource)
        return STATUS_INVALID_PARAMETER_4;
    if (!UTF8StringDestination && !UTF8StringActualByteCount)
        return STATUS_INVALID_PARAMETER;
    if (UnicodeStringByteCount % sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER_5;
    Result = ToNarrow(UTF8StringDestination, UTF8StringMaxByteCount, UnicodeStringSource,
                      UnicodeStringByteCount / sizeof(WCHAR));
    if (UTF8StringActualByteCount)
        *UTF8StringActualByteCount =
            (ULONG)(UTF8StringDestination ? Result.Written : Result.Needed);
    if (UTF8StringDestination && Result.Written < Result.Needed)
        return STATUS_BUFFER_TOO_SMALL;
    return Result.Bad ? STATUS_SOME_NOT_MAPPED : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString,
                                      PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                      ULONG BytesInMultiByteString)
{
    DDI_ENTER(RtlMultiByteToUnicodeN);
    CONVERSION Result =
        ToWide(UnicodeString, MaxBytesInUnicodeString, MultiByteString, BytesInMultiByteString);

    if (BytesInUnicodeString)
        *BytesInUnicodeString = (ULONG)Result.Written;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                      PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                      ULONG BytesInUnicodeString)
{
    DDI_ENTER(RtlUnicodeToMultiByteN);
    CONVERSION Result = ToNarrow(MultiByteString, MaxBytesInMultiByteString, UnicodeString,
                                 BytesInUnicodeString / sizeof(WCHAR));

    if (BytesInMultiByteString)
        *BytesInMultiByteString = (ULONG)Result.Written;
    return Result.Written < Result.Needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                         ULONG BytesInMultiByteString)
{
    DDI_ENTER(RtlMultiByteToUnicodeSize);
    *BytesInUnicodeString = (ULONG)ToWide(NULL, 0, MultiByteString, BytesInMultiByteString).Needed;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                         ULONG BytesInUnicodeString)
{
    DDI_ENTER(RtlUnicodeToMultiByteSize);
    *BytesInMultiByteString =
        (ULONG)ToNarrow(NULL, 0, UnicodeString, BytesInUnicodeString / sizeof(WCHAR)).Needed;
    return STATUS_SUCCESS;
}

ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString)
{
    DDI_ENTER(RtlxAnsiStringToUnicodeSize);
    return (ULONG)(ToWide(NULL, 0, AnsiString->Buffer, AnsiString->Length).Needed + sizeof(WCHAR));
}

ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString)
{
    DDI_ENTER(RtlxUnicodeStringToAnsiSize);
    CONVERSION Result =
        ToNarrow(NULL, 0, UnicodeString->Buffer, UnicodeString->Length / sizeof(WCHAR));

    return (ULONG)(Result.Needed + 1);
}

/* ---- strings ------------------------------------------------------------------------------- */

static NTSTATUS StringToWide(PUNICODE_STRING Destination, const STRING *Source, BOOLEAN Allocate,
                             const void *Owner)
{
    SIZE_T Bytes = ToWide(NULL, 0, Source->Buffer, Source->Length).Needed;

    if (Bytes + sizeof(WCHAR) > MAX_STRING_BYTES)
        return STATUS_INVALID_PARAMETER_2;
    if (Allocate) {
        Destination->MaximumLength = (USHORT)(Bytes + sizeof(WCHAR));
        Destination->Buffer = RtlpAllocateString(Destination->MaximumLength, Owner);
        if (!Destination->Buffer)
            return STATUS_NO_MEMORY;
    } else if (Bytes + sizeof(WCHAR) > Destination->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    ToWide(Destination->Buffer, Bytes, Source->Buffer, Source->Length);
    Destination->Length = (USHORT)Bytes;
    Destination->Buffer[Bytes / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

/* A short buffer of the caller gets what fits: RtlUnicodeStringToAnsiString documents that. */
static NTSTATUS StringToNarrow(PSTRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate,
                               const void *Owner)
{
    SIZE_T Count = Source->Length / sizeof(WCHAR);
    SIZE_T Bytes = ToNarrow(NULL, 0, Source->Buffer, Count).Needed;
    CONVERSION Result;

    if (Bytes + 1 > MAX_STRING_BYTES)
        return STATUS_INVALID_PARAMETER_2;
    if (Allocate) {
        Destination->MaximumLength = (USHORT)(Bytes + 1);
        Destination->Buffer = RtlpAllocateString(Destination->MaximumLength, Owner);
        if (!Destination->Buffer)
            return STATUS_NO_MEMORY;
    } else if (!Destination->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    Result = ToNarrow(Destination->Buffer, Destination->MaximumLength - 1u, Source->Buffer, Count);
    Destination->Length = (USHORT)Result.Written;
    Destination->Buffer[Result.Written] = 0;
    return Result.Written < Result.Needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString,
                                            PCANSI_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    DDI_ENTER(RtlAnsiStringToUnicodeString);
    return StringToWide(DestinationString, SourceString, AllocateDestinationString,
                        __builtin_return_address(0));
}

NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString,
                                            PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    DDI_ENTER(RtlUnicodeStringToAnsiString);
    return StringToNarrow(DestinationString, SourceString, AllocateDestinationString,
                          __builtin_return_address(0));
}

NTSTATUS NTAPI RtlUTF8StringToUnicodeString(PUNICODE_STRING DestinationString,
                                            PUTF8_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    DDI_ENTER(RtlUTF8StringToUnicodeString);
    return StringToWide(DestinationString, SourceString, AllocateDestinationString,
                        __builtin_return_address(0));
}

NTSTATUS NTAPI RtlUnicodeStringToUTF8String(PUTF8_STRING DestinationString,
                                            PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    DDI_ENTER(RtlUnicodeStringToUTF8String);
    return StringToNarrow(DestinationString, SourceString, AllocateDestinationString,
                          __builtin_return_address(0));
}

/* ---- numbers ------------------------------------------------------------------------------- */

static BOOLEAN IsBase(ULONG Base)
{
    return Base == 2 || Base == 8 || Base == 10 || Base == 16;
}

static NTSTATUS NumberToString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    CHAR Text[RTLP_NUMBER_CHARS];
    ULONG First, Count;

    if (!Base)
        Base = 10;
    if (!IsBase(Base))
        return STATUS_INVALID_PARAMETER;
    First = RtlpNumberText(Value, (int)Base, Text);
    Count = RTLP_NUMBER_CHARS - 1 - First;
    if (Count * sizeof(WCHAR) > String->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    for (ULONG i = 0; i < Count; i++)
        String->Buffer[i] = (WCHAR)openwsk_toupper(Text[First + i]);
    String->Length = (USHORT)(Count * sizeof(WCHAR));
    if (String->Length + sizeof(WCHAR) <= String->MaximumLength)
        String->Buffer[Count] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    DDI_ENTER(RtlIntegerToUnicodeString);
    return NumberToString(Value, Base, String);
}

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    DDI_ENTER(RtlInt64ToUnicodeString);
    return NumberToString(Value, Base, String);
}

/* Reads one character of either width, 0 at the end. */
typedef struct _READER {
    PCWCH Wide;
    PCSZ Narrow;
    SIZE_T Count;
} READER;

static ULONG ReaderPeek(const READER *R)
{
    if (!R->Count)
        return 0;
    return R->Wide ? *R->Wide : (UCHAR)*R->Narrow;
}

static ULONG ReaderDigit(const READER *R)
{
    return RtlpDigit((int)ReaderPeek(R));
}

static void ReaderSkip(READER *R)
{
    R->Count--;
    if (R->Wide)
        R->Wide++;
    else
        R->Narrow++;
}

/* White space, a sign, 0x, 0o or 0b when Base is 0, digits; what follows is ignored. */
static NTSTATUS StringToNumber(READER *R, ULONG Base, PULONG Value)
{
    BOOLEAN Negative = FALSE;
    ULONG Sum = 0;

    while (ReaderPeek(R) && ReaderPeek(R) <= ' ')
        ReaderSkip(R);
    if (ReaderPeek(R) == '-' || ReaderPeek(R) == '+') {
        Negative = ReaderPeek(R) == '-';
        ReaderSkip(R);
    }
    if (!Base) {
        Base = 10;
        if (ReaderPeek(R) == '0') {
            ReaderSkip(R);
            switch (ReaderPeek(R)) {
            case 'x':
                Base = 16;
                break;
            case 'o':
                Base = 8;
                break;
            case 'b':
                Base = 2;
                break;
            default:
                break;
            }
            if (Base != 10)
                ReaderSkip(R);
        }
    }
    if (!IsBase(Base))
        return STATUS_INVALID_PARAMETER;
    for (; ReaderDigit(R) < Base; ReaderSkip(R))
        Sum = Sum * Base + ReaderDigit(R);
    *Value = Negative ? 0u - Sum : Sum;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    DDI_ENTER(RtlUnicodeStringToInteger);
    READER R = { .Wide = String->Buffer, .Count = String->Length / sizeof(WCHAR) };

    if (!Value)
        return STATUS_ACCESS_VIOLATION;
    return StringToNumber(&R, Base, Value);
}

NTSTATUS NTAPI RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value)
{
    DDI_ENTER(RtlCharToInteger);
    READER R = { .Narrow = String, .Count = __builtin_strlen((const char *)String) };

    if (!Value)
        return STATUS_ACCESS_VIOLATION;
    return StringToNumber(&R, Base, Value);
}

/* ---- GUIDs --------------------------------------------------------------------------------- */

#define GUID_CHARS 38

/* x: a digit of the next byte in text order; everything else stands for itself. */
static const CHAR GuidPattern[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
/* Where the bytes of the text lie in a GUID, whose first three fields are little endian. */
static const UCHAR GuidOrder[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

NTSTATUS NTAPI RtlStringFromGUID(REFGUID Guid, PUNICODE_STRING GuidString)
{
    DDI_ENTER(RtlStringFromGUID);
    const UCHAR *Bytes = (const UCHAR *)Guid;
    ULONG Nibble = 0;

    GuidString->MaximumLength = (GUID_CHARS + 1) * sizeof(WCHAR);
    GuidString->Length = GUID_CHARS * sizeof(WCHAR);
    GuidString->Buffer = RtlpAllocateString(GuidString->MaximumLength, __builtin_return_address(0));
    if (!GuidString->Buffer)
        return STATUS_NO_MEMORY;
    for (ULONG i = 0; i <= GUID_CHARS; i++) {
        WCHAR Unit = (WCHAR)GuidPattern[i];

        if (Unit == 'x') {
            UCHAR Byte = Bytes[GuidOrder[Nibble / 2]];

            Unit = (WCHAR) "0123456789ABCDEF"[Nibble % 2 ? Byte & 15 : Byte >> 4];
            Nibble++;
        }
        GuidString->Buffer[i] = Unit;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid)
{
    DDI_ENTER(RtlGUIDFromString);
    UCHAR Bytes[16] = { 0 };
    ULONG Nibble = 0;

    if (GuidString->Length != GUID_CHARS * sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < GUID_CHARS; i++) {
        WCHAR Unit = GuidString->Buffer[i];
        ULONG Digit = RtlpDigit(Unit);

        if (GuidPattern[i] != 'x') {
            if (Unit != (WCHAR)GuidPattern[i])
                return STATUS_INVALID_PARAMETER;
            continue;
        }
        if (Digit > 15)
            return STATUS_INVALID_PARAMETER;
        Bytes[GuidOrder[Nibble / 2]] |= (UCHAR)(Digit << (Nibble % 2 ? 0 : 4));
        Nibble++;
    }
    __builtin_memcpy(Guid, Bytes, sizeof Bytes);
    return STATUS_SUCCESS;
}
