/*
 * format.c: the one formatter behind DbgPrint, the printf family and WPP messages.
 *
 * It knows Microsoft's conversions: %I64d, %Ix, %wZ, %Z, %ws, %S, %C, %p as 16 upper-case digits,
 * and "l" meaning 32 bits. Floating point is not a kernel conversion: like any unknown letter it
 * prints itself, but its argument is skipped so that the following ones stay right. Text is narrow
 * (UTF-8 where Windows has the ANSI code page) or wide, in the format and the output alike. No
 * memory is allocated and nothing is locked: any IRQL.
 */
#include "nt/rtlp.h"

#define NUMBER_DIGITS 24 /* 2^64 in octal */

/* The width of an argument, from the size prefix. */
typedef enum _ARGUMENT_SIZE {
    SizeDefault,
    SizeChar,
    SizeShort,
    SizeLong,
    SizeWide,
    Size64
} ARGUMENT_SIZE;

typedef struct _FORMATTER {
    BOOLEAN Wide; /* format and output */
    PSTR NarrowOut;
    PWSTR WideOut;
    SIZE_T Room;
    SIZE_T Length; /* of the whole text */
    const CHAR *NarrowFormat;
    const WCHAR *WideFormat;
    const RTLP_TRACE *Trace;
    struct {
        OW_VA_LIST List; /* wrapped: it may be an array type */
    } Args;
} FORMATTER;

/* One conversion specification. */
typedef struct _SPEC {
    BOOLEAN Left, Plus, Space, Sharp, Zero;
    int Width;
    int Precision; /* -1: none given */
    ARGUMENT_SIZE Size;
} SPEC;

static ULONG Peek(const FORMATTER *F)
{
    return F->Wide ? *F->WideFormat : (UCHAR)*F->NarrowFormat;
}

static void Skip(FORMATTER *F, SIZE_T Count)
{
    if (F->Wide)
        F->WideFormat += Count;
    else
        F->NarrowFormat += Count;
}

static ULONG Next(FORMATTER *F)
{
    ULONG Unit = Peek(F);

    Skip(F, 1);
    return Unit;
}

/* true, and skipped, when the format goes on with that (ASCII) text. */
static BOOLEAN Accept(FORMATTER *F, PCSTR Text)
{
    SIZE_T i;

    for (i = 0; Text[i]; i++) {
        if ((F->Wide ? F->WideFormat[i] : (UCHAR)F->NarrowFormat[i]) != (ULONG)(UCHAR)Text[i])
            return FALSE;
    }
    Skip(F, i);
    return TRUE;
}

static void PutUnit(FORMATTER *F, ULONG Unit)
{
    if (F->Length < F->Room) {
        if (F->Wide)
            F->WideOut[F->Length] = (WCHAR)Unit;
        else
            F->NarrowOut[F->Length] = (CHAR)Unit;
    }
    F->Length++;
}

static void PutMany(FORMATTER *F, ULONG Unit, SIZE_T Count)
{
    while (Count--)
        PutUnit(F, Unit);
}

static void PutAscii(FORMATTER *F, PCSTR Text)
{
    while (*Text)
        PutUnit(F, (UCHAR)*Text++);
}

/* A code point's output units; the count. */
static ULONG Encode(const FORMATTER *F, ULONG CodePoint, ULONG Units[4])
{
    WCHAR Wide[2];
    CHAR Narrow[4];
    ULONG Count = F->Wide ? RtlpEncodeUtf16(CodePoint, Wide) : RtlpEncodeUtf8(CodePoint, Narrow);

    for (ULONG i = 0; i < Count; i++)
        Units[i] = F->Wide ? Wide[i] : (UCHAR)Narrow[i];
    return Count;
}

/*
 * Walks text of either width as output units and puts them when Put is TRUE; the count of units,
 * which is the length that padding needs.
 */
static SIZE_T WalkText(FORMATTER *F, const void *Text, SIZE_T Count, BOOLEAN WideText, BOOLEAN Put)
{
    SIZE_T Sum = 0;

    for (SIZE_T i = 0; i < Count;) {
        ULONG Units[4], UnitCount = 1;
        SIZE_T Used = 1;

        if (WideText == F->Wide)
            Units[0] = WideText ? ((const WCHAR *)Text)[i] : ((const UCHAR *)Text)[i];
        else if (WideText)
            UnitCount =
                Encode(F, RtlpDecodeUtf16((const WCHAR *)Text + i, Count - i, &Used, NULL), Units);
        else
            UnitCount =
                Encode(F, RtlpDecodeUtf8((const CHAR *)Text + i, Count - i, &Used, NULL), Units);
        i += Used;
        Sum += UnitCount;
        for (ULONG u = 0; Put && u < UnitCount; u++)
            PutUnit(F, Units[u]);
    }
    return Sum;
}

/* Counted text with padding and precision. */
static void PutText(FORMATTER *F, const SPEC *Spec, const void *Text, SIZE_T Count,
                    BOOLEAN WideText)
{
    SIZE_T Length, Padding;

    if (Spec->Precision >= 0 && Count > (SIZE_T)Spec->Precision)
        Count = (SIZE_T)Spec->Precision;
    Length = WalkText(F, Text, Count, WideText, FALSE);
    Padding = (SIZE_T)Spec->Width > Length ? (SIZE_T)Spec->Width - Length : 0;
    if (!Spec->Left)
        PutMany(F, Spec->Zero ? '0' : ' ', Padding);
    WalkText(F, Text, Count, WideText, TRUE);
    if (Spec->Left)
        PutMany(F, ' ', Padding);
}

static void PutNull(FORMATTER *F, const SPEC *Spec)
{
    PutText(F, Spec, "(null)", 6, FALSE);
}

/* Terminated text; not read beyond the precision. */
static void PutTerminated(FORMATTER *F, const SPEC *Spec, const void *Text, BOOLEAN WideText)
{
    SIZE_T Limit = Spec->Precision >= 0 ? (SIZE_T)Spec->Precision : (SIZE_T)-1;
    SIZE_T Count = 0;

    if (!Text) {
        PutNull(F, Spec);
        return;
    }
    while (Count < Limit &&
           (WideText ? ((const WCHAR *)Text)[Count] : ((const UCHAR *)Text)[Count]))
        Count++;
    PutText(F, Spec, Text, Count, WideText);
}

/* %Z: ANSI_STRING and UNICODE_STRING have the same layout; Length is in bytes. */
static void PutCounted(FORMATTER *F, const SPEC *Spec, const UNICODE_STRING *String,
                       BOOLEAN WideText)
{
    if (!String || !String->Buffer)
        PutNull(F, Spec);
    else
        PutText(F, Spec, String->Buffer, WideText ? String->Length / sizeof(WCHAR) : String->Length,
                WideText);
}

static void PutNumber(FORMATTER *F, const SPEC *Spec, ULONG64 Value, ULONG Base, BOOLEAN Upper,
                      PCSTR Sign)
{
    const CHAR *Digits = Upper ? "0123456789ABCDEF" : "0123456789abcdef";
    CHAR Text[NUMBER_DIGITS];
    int Count = 0, Zeros, Padding, SignLength = (int)__builtin_strlen(Sign);

    for (; Value; Value /= Base)
        Text[Count++] = Digits[Value % Base];
    Zeros = (Spec->Precision < 0 ? 1 : Spec->Precision) - Count;
    if (Zeros < 0)
        Zeros = 0;
    if (Base == 8 && Spec->Sharp && !Zeros && Count)
        Zeros = 1;
    Padding = Spec->Width - Count - Zeros - SignLength;
    if (Padding < 0)
        Padding = 0;
    if (Spec->Zero && !Spec->Left && Spec->Precision < 0) {
        Zeros += Padding;
        Padding = 0;
    }
    if (!Spec->Left)
        PutMany(F, ' ', (SIZE_T)Padding);
    PutAscii(F, Sign);
    PutMany(F, '0', (SIZE_T)Zeros);
    while (Count)
        PutUnit(F, (UCHAR)Text[--Count]);
    if (Spec->Left)
        PutMany(F, ' ', (SIZE_T)Padding);
}

static LONG64 SignedArgument(FORMATTER *F, ARGUMENT_SIZE Size)
{
    LONG Value;

    if (Size == Size64)
        return OW_VA_ARG(F->Args.List, LONG64);
    Value = OW_VA_ARG(F->Args.List, LONG);
    return Size == SizeShort ? (SHORT)Value : Size == SizeChar ? (signed char)Value : Value;
}

static ULONG64 UnsignedArgument(FORMATTER *F, ARGUMENT_SIZE Size)
{
    ULONG Value;

    if (Size == Size64)
        return OW_VA_ARG(F->Args.List, ULONG64);
    Value = OW_VA_ARG(F->Args.List, ULONG);
    return Size == SizeShort ? (USHORT)Value : Size == SizeChar ? (UCHAR)Value : Value;
}

static void *PointerArgument(FORMATTER *F)
{
    return OW_VA_ARG(F->Args.List, void *);
}

static void ConvertSigned(FORMATTER *F, const SPEC *Spec)
{
    LONG64 Value = SignedArgument(F, Spec->Size);
    PCSTR Sign = Value < 0 ? "-" : Spec->Plus ? "+" : Spec->Space ? " " : "";

    PutNumber(F, Spec, Value < 0 ? -(ULONG64)Value : (ULONG64)Value, 10, FALSE, Sign);
}

static void ConvertHex(FORMATTER *F, const SPEC *Spec, BOOLEAN Upper)
{
    ULONG64 Value = UnsignedArgument(F, Spec->Size);
    PCSTR Prefix = Spec->Sharp && Value ? (Upper ? "0X" : "0x") : "";

    PutNumber(F, Spec, Value, 16, Upper, Prefix);
}

static void ConvertPointer(FORMATTER *F, const SPEC *Spec)
{
    SPEC Pointer = *Spec;

    Pointer.Precision = 2 * sizeof(void *);
    PutNumber(F, &Pointer, (ULONG_PTR)PointerArgument(F), 16, TRUE, Spec->Sharp ? "0X" : "");
}

/* Is the text of %c, %s (Other: %C, %S) wide, given the prefix and the function's own width? */
static BOOLEAN IsWideText(const FORMATTER *F, const SPEC *Spec, BOOLEAN Other)
{
    if (Spec->Size == SizeLong || Spec->Size == SizeWide)
        return TRUE;
    if (Spec->Size == SizeShort || Spec->Size == SizeChar)
        return FALSE;
    return F->Wide != Other;
}

static void ConvertCharacter(FORMATTER *F, const SPEC *Spec, BOOLEAN Other)
{
    BOOLEAN WideText = IsWideText(F, Spec, Other);
    int Value = OW_VA_ARG(F->Args.List, int);
    WCHAR Wide = (WCHAR)Value;
    CHAR Narrow = (CHAR)Value;

    PutText(F, Spec, WideText ? (void *)&Wide : (void *)&Narrow, 1, WideText);
}

/* Reads flags, width, precision and size prefix up to the conversion letter. */
static void ReadFlags(FORMATTER *F, SPEC *Spec)
{
    for (;; Skip(F, 1)) {
        switch (Peek(F)) {
        case '-':
            Spec->Left = TRUE;
            break;
        case '+':
            Spec->Plus = TRUE;
            break;
        case ' ':
            Spec->Space = TRUE;
            break;
        case '#':
            Spec->Sharp = TRUE;
            break;
        case '0':
            Spec->Zero = TRUE;
            break;
        default:
            return;
        }
    }
}

static int ReadCount(FORMATTER *F)
{
    int Value = 0;

    if (Accept(F, "*"))
        return OW_VA_ARG(F->Args.List, int);
    while (Peek(F) >= '0' && Peek(F) <= '9') {
        ULONG Digit = Next(F) - '0';

        if (Value < 1000000) /* a longer field is a mistake, and must not overflow */
            Value = Value * 10 + (int)Digit;
    }
    return Value;
}

static ARGUMENT_SIZE ReadSize(FORMATTER *F)
{
    static const struct {
        PCSTR Prefix;
        ARGUMENT_SIZE Size;
    } Sizes[] = { { "I64", Size64 }, { "I32", SizeDefault }, { "I", Size64 },    { "ll", Size64 },
                  { "l", SizeLong }, { "L", Size64 },        { "hh", SizeChar }, { "h", SizeShort },
                  { "w", SizeWide }, { "z", Size64 },        { "t", Size64 },    { "j", Size64 } };

    for (ULONG i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        if (Accept(F, Sizes[i].Prefix))
            return Sizes[i].Size;
    }
    return SizeDefault;
}

static void ReadSpec(FORMATTER *F, SPEC *Spec)
{
    *Spec = (SPEC){ .Precision = -1 };
    ReadFlags(F, Spec);
    Spec->Width = ReadCount(F);
    if (Spec->Width < 0) {
        Spec->Left = TRUE;
        Spec->Width = Spec->Width == INT_MIN ? 0 : -Spec->Width;
    }
    if (Accept(F, ".")) {
        Spec->Precision = ReadCount(F);
        if (Spec->Precision < 0)
            Spec->Precision = -1;
    }
    Spec->Size = ReadSize(F);
}

/* ---- WPP's %!NAME! ------------------------------------------------------------------------- */

typedef void WPP_CONVERSION(FORMATTER *F, const SPEC *Spec);

static void WppFunction(FORMATTER *F, const SPEC *Spec)
{
    PutTerminated(F, Spec, F->Trace->Function, FALSE);
}

static void WppLevel(FORMATTER *F, const SPEC *Spec)
{
    PutTerminated(F, Spec, F->Trace->Level, FALSE);
}

static void WppFlags(FORMATTER *F, const SPEC *Spec)
{
    PutTerminated(F, Spec, F->Trace->Flags, FALSE);
}

static void WppStatus(FORMATTER *F, const SPEC *Spec)
{
    NTSTATUS Status = OW_VA_ARG(F->Args.List, NTSTATUS);
    PCSTR Name = RtlpStatusName(Status);
    SPEC Digits = { .Precision = 8 };

    (void)Spec;
    PutNumber(F, &Digits, (ULONG)Status, 16, FALSE, "0x");
    PutUnit(F, '(');
    PutAscii(F, Name ? Name : "unknown status");
    PutUnit(F, ')');
}

static void WppHresult(FORMATTER *F, const SPEC *Spec)
{
    SPEC Digits = { .Precision = 8 };

    (void)Spec;
    PutNumber(F, &Digits, UnsignedArgument(F, SizeDefault), 16, FALSE, "0x");
}

static void WppSigned(FORMATTER *F, const SPEC *Spec)
{
    ConvertSigned(F, Spec);
}

static void WppSigned64(FORMATTER *F, const SPEC *Spec)
{
    SPEC Long = *Spec;

    Long.Size = Size64;
    ConvertSigned(F, &Long);
}

static void WppBoolean(FORMATTER *F, const SPEC *Spec)
{
    PutTerminated(F, Spec, UnsignedArgument(F, SizeChar) ? "TRUE" : "FALSE", FALSE);
}

static void WppIpv4(FORMATTER *F, const SPEC *Spec)
{
    ULONG Address = OW_VA_ARG(F->Args.List, ULONG);
    SPEC Plain = { .Precision = -1 };

    (void)Spec;
    for (int i = 0; i < 4; i++) {
        if (i)
            PutUnit(F, '.');
        PutNumber(F, &Plain, Address >> 8 * i & 0xff, 10, FALSE, "");
    }
}

static void WppPort(FORMATTER *F, const SPEC *Spec)
{
    USHORT Port = (USHORT)UnsignedArgument(F, SizeShort);

    PutNumber(F, Spec, (USHORT)(Port << 8 | Port >> 8), 10, FALSE, "");
}

static void WppGuid(FORMATTER *F, const SPEC *Spec)
{
    const GUID *Guid = PointerArgument(F);
    SPEC Two = { .Precision = 2 }, Four = { .Precision = 4 }, Eight = { .Precision = 8 };

    if (!Guid) {
        PutNull(F, Spec);
        return;
    }
    PutNumber(F, &Eight, Guid->Data1, 16, FALSE, "{");
    PutNumber(F, &Four, Guid->Data2, 16, FALSE, "-");
    PutNumber(F, &Four, Guid->Data3, 16, FALSE, "-");
    for (int i = 0; i < 8; i++)
        PutNumber(F, &Two, Guid->Data4[i], 16, FALSE, i == 0 || i == 2 ? "-" : "");
    PutUnit(F, '}');
}

static const struct {
    PCSTR Name; /* with the closing mark */
    WPP_CONVERSION *Convert;
} WppNames[] = {
    { "FUNC!", WppFunction },   { "LEVEL!", WppLevel },     { "FLAGS!", WppFlags },
    { "STATUS!", WppStatus },   { "NTSTATUS!", WppStatus }, { "status!", WppStatus },
    { "HRESULT!", WppHresult }, { "HRES!", WppHresult },    { "hresult!", WppHresult },
    { "WINERROR!", WppSigned }, { "winerr!", WppSigned },   { "BOOLEAN!", WppBoolean },
    { "bool!", WppBoolean },    { "BOOL!", WppBoolean },    { "IPADDR!", WppIpv4 },
    { "ipaddr!", WppIpv4 },     { "PORT!", WppPort },       { "port!", WppPort },
    { "GUID!", WppGuid },       { "guid!", WppGuid },       { "TIMESTAMP!", WppSigned64 },
    { "TIME!", WppSigned64 },   { "DATE!", WppSigned64 },   { "WAITTIME!", WppSigned64 },
    { "delta!", WppSigned64 },  { "due!", WppSigned64 },
};

/* After "%!". A name that is not known shows itself and its argument as a number. */
static void ConvertWpp(FORMATTER *F, const SPEC *Spec)
{
    SPEC Plain = { .Precision = -1 };

    for (ULONG i = 0; i < RTL_NUMBER_OF(WppNames); i++) {
        if (Accept(F, WppNames[i].Name)) {
            WppNames[i].Convert(F, Spec);
            return;
        }
    }
    while (Peek(F) && Peek(F) != '!')
        PutUnit(F, Next(F));
    if (Peek(F))
        Skip(F, 1);
    PutNumber(F, &Plain, (ULONG_PTR)PointerArgument(F), 16, FALSE, "=0x");
}

/* ---- one conversion ------------------------------------------------------------------------ */

static void Convert(FORMATTER *F, const SPEC *Spec, ULONG Letter)
{
    switch (Letter) {
    case 'd':
    case 'i':
        ConvertSigned(F, Spec);
        break;
    case 'u':
        PutNumber(F, Spec, UnsignedArgument(F, Spec->Size), 10, FALSE, "");
        break;
    case 'o':
        PutNumber(F, Spec, UnsignedArgument(F, Spec->Size), 8, FALSE, "");
        break;
    case 'x':
    case 'X':
        ConvertHex(F, Spec, Letter == 'X');
        break;
    case 'p':
        ConvertPointer(F, Spec);
        break;
    case 'c':
    case 'C':
        ConvertCharacter(F, Spec, Letter == 'C');
        break;
    case 's':
    case 'S':
        PutTerminated(F, Spec, PointerArgument(F), IsWideText(F, Spec, Letter == 'S'));
        break;
    case 'Z':
        PutCounted(F, Spec, PointerArgument(F), Spec->Size == SizeWide || Spec->Size == SizeLong);
        break;
    case 'n': /* never written through */
        PointerArgument(F);
        break;
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        (void)OW_VA_ARG(F->Args.List, double);
        PutUnit(F, Letter);
        break;
    default:
        PutUnit(F, Letter);
        break;
    }
}

static SIZE_T Run(FORMATTER *F)
{
    SPEC Spec;

    while (Peek(F)) {
        ULONG Unit = Next(F);

        if (Unit != '%') {
            PutUnit(F, Unit);
            continue;
        }
        ReadSpec(F, &Spec);
        if (F->Trace && Accept(F, "!"))
            ConvertWpp(F, &Spec);
        else if (Peek(F))
            Convert(F, &Spec, Next(F));
    }
    return F->Length;
}

SIZE_T RtlpFormatNarrow(PSTR Buffer, SIZE_T Room, PCSTR Format, OW_VA_LIST Args,
                        const RTLP_TRACE *Trace)
{
    FORMATTER F = { .NarrowOut = Buffer, .Room = Room, .NarrowFormat = Format, .Trace = Trace };
    SIZE_T Length;

    OW_VA_COPY(F.Args.List, Args);
    Length = Run(&F);
    OW_VA_END(F.Args.List);
    return Length;
}

SIZE_T RtlpFormatWide(PWSTR Buffer, SIZE_T Room, PCWSTR Format, OW_VA_LIST Args)
{
    FORMATTER F = { .Wide = TRUE, .WideOut = Buffer, .Room = Room, .WideFormat = Format };
    SIZE_T Length;

    OW_VA_COPY(F.Args.List, Args);
    Length = Run(&F);
    OW_VA_END(F.Args.List);
    return Length;
}
