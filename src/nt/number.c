/*
 * number.c: numbers to and from text, for the C run-time's functions of both widths: strtol and
 * wcstol, _itoa and _itow, and their relatives.
 *
 * They differ in nothing but how wide a unit of their text is, so what reads and writes is told
 * that. Pure functions, any IRQL.
 */
#include "nt/rtlp.h"

enum { NARROW, WIDE };

static int UnitAt(const void *Text, BOOLEAN Wide, SIZE_T i)
{
    return Wide ? ((const WCHAR *)Text)[i] : ((const UCHAR *)Text)[i];
}

static void PutUnit(void *Text, BOOLEAN Wide, SIZE_T i, CHAR c)
{
    if (Wide)
        ((WCHAR *)Text)[i] = (WCHAR)c;
    else
        ((CHAR *)Text)[i] = c;
}

/* There are 36 digits. */
static BOOLEAN IsRadix(int Base)
{
    return Base >= 2 && Base <= 36;
}

ULONG RtlpDigit(int Unit)
{
    if (openwsk_isdigit(Unit))
        return (ULONG)(Unit - '0');
    return openwsk_isalpha(Unit) ? (ULONG)((Unit | 32) - 'a' + 10) : 99;
}

/* ---- text to numbers ----------------------------------------------------------------------- */

typedef struct _NUMBER {
    ULONG64 Value;
    BOOLEAN Negative;
    BOOLEAN Overflow;
    SIZE_T Used; /* units up to the end of the number; 0: there is none */
} NUMBER;

/* White space, a sign, a prefix for base 0 or 16, digits. Other bases than those of IsRadix() have
 * no numbers. */
static NUMBER Parse(const void *Text, BOOLEAN Wide, int Base)
{
    NUMBER N = { 0 };
    SIZE_T i = 0, Start;

    if (Base && !IsRadix(Base))
        return N;
    while (openwsk_isspace(UnitAt(Text, Wide, i)))
        i++;
    if (UnitAt(Text, Wide, i) == '-' || UnitAt(Text, Wide, i) == '+')
        N.Negative = UnitAt(Text, Wide, i++) == '-';
    if ((Base == 0 || Base == 16) && UnitAt(Text, Wide, i) == '0' &&
        (UnitAt(Text, Wide, i + 1) | 32) == 'x' && openwsk_isxdigit(UnitAt(Text, Wide, i + 2))) {
        i += 2;
        Base = 16;
    }
    if (!Base)
        Base = UnitAt(Text, Wide, i) == '0' ? 8 : 10;
    for (Start = i;; i++) {
        ULONG64 Digit = RtlpDigit(UnitAt(Text, Wide, i));

        if (Digit >= (ULONG64)Base)
            break;
        if (__builtin_mul_overflow(N.Value, (ULONG64)Base, &N.Value) ||
            __builtin_add_overflow(N.Value, Digit, &N.Value))
            N.Overflow = TRUE;
    }
    N.Used = i > Start ? i : 0;
    return N;
}

static NUMBER ParseNarrow(const char *Text, char **End, int Base)
{
    NUMBER N = Parse(Text, NARROW, Base);

    if (End)
        *End = (char *)Text + N.Used;
    return N;
}

static NUMBER ParseWide(const WCHAR *Text, WCHAR **End, int Base)
{
    NUMBER N = Parse(Text, WIDE, Base);

    if (End)
        *End = (WCHAR *)Text + N.Used;
    return N;
}

/* What does not fit becomes the nearest that does. */
static LONG64 Signed(NUMBER N, LONG64 Min, LONG64 Max)
{
    ULONG64 Limit = N.Negative ? 0 - (ULONG64)Min : (ULONG64)Max;

    if (N.Overflow || N.Value > Limit)
        return N.Negative ? Min : Max;
    return (LONG64)(N.Negative ? 0 - N.Value : N.Value);
}

static LONG SignedLong(NUMBER N)
{
    return (LONG)Signed(N, INT_MIN, INT_MAX);
}

static LONG64 Signed64(NUMBER N)
{
    return Signed(N, LLONG_MIN, LLONG_MAX);
}

/* Likewise; a negative number that fits counts from the other end. */
static ULONG64 Unsigned(NUMBER N, ULONG64 Max)
{
    if (N.Overflow || N.Value > Max)
        return Max;
    return (N.Negative ? 0 - N.Value : N.Value) & Max;
}

LONG NTAPI openwsk_strtol(const char *Text, char **End, int Base)
{
    return SignedLong(ParseNarrow(Text, End, Base));
}

LONG NTAPI openwsk_wcstol(const WCHAR *Text, WCHAR **End, int Base)
{
    return SignedLong(ParseWide(Text, End, Base));
}

ULONG NTAPI openwsk_strtoul(const char *Text, char **End, int Base)
{
    return (ULONG)Unsigned(ParseNarrow(Text, End, Base), UINT_MAX);
}

ULONG NTAPI openwsk_wcstoul(const WCHAR *Text, WCHAR **End, int Base)
{
    return (ULONG)Unsigned(ParseWide(Text, End, Base), UINT_MAX);
}

LONG64 NTAPI openwsk__strtoi64(const char *Text, char **End, int Base)
{
    return Signed64(ParseNarrow(Text, End, Base));
}

LONG64 NTAPI openwsk__wcstoi64(const WCHAR *Text, WCHAR **End, int Base)
{
    return Signed64(ParseWide(Text, End, Base));
}

ULONG64 NTAPI openwsk__strtoui64(const char *Text, char **End, int Base)
{
    return Unsigned(ParseNarrow(Text, End, Base), ULLONG_MAX);
}

ULONG64 NTAPI openwsk__wcstoui64(const WCHAR *Text, WCHAR **End, int Base)
{
    return Unsigned(ParseWide(Text, End, Base), ULLONG_MAX);
}

int NTAPI openwsk_atoi(const char *Text)
{
    return SignedLong(Parse(Text, NARROW, 10));
}

int NTAPI openwsk__wtoi(const WCHAR *Text)
{
    return SignedLong(Parse(Text, WIDE, 10));
}

LONG NTAPI openwsk_atol(const char *Text)
{
    return SignedLong(Parse(Text, NARROW, 10));
}

LONG NTAPI openwsk__wtol(const WCHAR *Text)
{
    return SignedLong(Parse(Text, WIDE, 10));
}

LONG64 NTAPI openwsk__atoi64(const char *Text)
{
    return Signed64(Parse(Text, NARROW, 10));
}

LONG64 NTAPI openwsk__wtoi64(const WCHAR *Text)
{
    return Signed64(Parse(Text, WIDE, 10));
}

/* ---- numbers to text ----------------------------------------------------------------------- */

ULONG RtlpNumberText(ULONG64 Value, int Base, CHAR Text[RTLP_NUMBER_CHARS])
{
    ULONG First = RTLP_NUMBER_CHARS - 1;

    Text[First] = 0;
    if (!IsRadix(Base))
        return First;
    do {
        Text[--First] = "0123456789abcdefghijklmnopqrstuvwxyz"[Value % (ULONG64)Base];
        Value /= (ULONG64)Base;
    } while (Value);
    return First;
}

static void *Write(void *Buffer, BOOLEAN Wide, ULONG64 Value, BOOLEAN Negative, int Base)
{
    CHAR Text[RTLP_NUMBER_CHARS];
    SIZE_T Length = 0;

    if (Negative)
        PutUnit(Buffer, Wide, Length++, '-');
    for (ULONG i = RtlpNumberText(Negative ? 0 - Value : Value, Base, Text); i < RTLP_NUMBER_CHARS;
         i++)
        PutUnit(Buffer, Wide, Length++, Text[i]);
    return Buffer;
}

/* A minus is written in base 10 only; the others show all bits that the type has. */
static void *WriteLong(void *Buffer, BOOLEAN Wide, LONG Value, int Base)
{
    BOOLEAN Negative = Value < 0 && Base == 10;

    return Write(Buffer, Wide, Negative ? (ULONG64)(LONG64)Value : (ULONG)Value, Negative, Base);
}

static void *WriteLong64(void *Buffer, BOOLEAN Wide, LONG64 Value, int Base)
{
    return Write(Buffer, Wide, (ULONG64)Value, Value < 0 && Base == 10, Base);
}

char *NTAPI openwsk__itoa(int Value, char *Buffer, int Base)
{
    return WriteLong(Buffer, NARROW, Value, Base);
}

WCHAR *NTAPI openwsk__itow(int Value, WCHAR *Buffer, int Base)
{
    return WriteLong(Buffer, WIDE, Value, Base);
}

char *NTAPI openwsk__ltoa(LONG Value, char *Buffer, int Base)
{
    return WriteLong(Buffer, NARROW, Value, Base);
}

WCHAR *NTAPI openwsk__ltow(LONG Value, WCHAR *Buffer, int Base)
{
    return WriteLong(Buffer, WIDE, Value, Base);
}

char *NTAPI openwsk__ultoa(ULONG Value, char *Buffer, int Base)
{
    return Write(Buffer, NARROW, Value, FALSE, Base);
}

WCHAR *NTAPI openwsk__ultow(ULONG Value, WCHAR *Buffer, int Base)
{
    return Write(Buffer, WIDE, Value, FALSE, Base);
}

char *NTAPI openwsk__i64toa(LONG64 Value, char *Buffer, int Base)
{
    return WriteLong64(Buffer, NARROW, Value, Base);
}

WCHAR *NTAPI openwsk__i64tow(LONG64 Value, WCHAR *Buffer, int Base)
{
    return WriteLong64(Buffer, WIDE, Value, Base);
}

char *NTAPI openwsk__ui64toa(ULONG64 Value, char *Buffer, int Base)
{
    return Write(Buffer, NARROW, Value, FALSE, Base);
}

WCHAR *NTAPI openwsk__ui64tow(ULONG64 Value, WCHAR *Buffer, int Base)
{
    return Write(Buffer, WIDE, Value, FALSE, Base);
}
