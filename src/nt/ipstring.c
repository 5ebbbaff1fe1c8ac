/*
 * ipstring.c: IP addresses as text, in Windows' forms.
 *
 * Everything is done on narrow text; the wide routines convert at the edge, which is exact because
 * only ASCII is involved. A wide character that is not ASCII ends an address like any other foreign
 * character. Pure functions, any IRQL.
 */
#include "nt/rtlp.h"

#include <ws2def.h>
#include <ws2ipdef.h>
#include <ip2string.h>

#define ADDRESS_CHARS 72  /* the longest result: an IPv6 address with scope and port */
#define INPUT_CHARS   256 /* of wide text that are looked at */

/* ---- text being written -------------------------------------------------------------------- */

typedef struct _WRITER {
    CHAR Text[ADDRESS_CHARS];
    ULONG Length;
} WRITER;

static void Put(WRITER *W, CHAR c)
{
    W->Text[W->Length++] = c;
}

static void PutNumber(WRITER *W, ULONG Value, ULONG Base)
{
    CHAR Text[RTLP_NUMBER_CHARS];

    for (ULONG i = RtlpNumberText(Value, (int)Base, Text); Text[i]; i++)
        Put(W, Text[i]);
}

static void PutIpv4(WRITER *W, const UCHAR Bytes[4])
{
    for (int i = 0; i < 4; i++) {
        if (i)
            Put(W, '.');
        PutNumber(W, Bytes[i], 10);
    }
}

static USHORT Word(const UCHAR *Bytes, int i)
{
    return (USHORT)(Bytes[2 * i] << 8 | Bytes[2 * i + 1]);
}

/* Do the last four bytes show as an IPv4 address? Mapped, compatible, translated, ISATAP. */
static BOOLEAN EndsInIpv4(const UCHAR *Bytes)
{
    BOOLEAN ZeroHead = TRUE;

    for (int i = 0; i < 4; i++)
        ZeroHead = ZeroHead && !Word(Bytes, i);
    if ((Word(Bytes, 4) & 0xfdff) == 0 && Word(Bytes, 5) == 0x5efe)
        return TRUE;
    if (!ZeroHead)
        return FALSE;
    if (Word(Bytes, 4) == 0 && Word(Bytes, 5) == 0)
        return Word(Bytes, 6) != 0;
    return (Word(Bytes, 4) == 0 && Word(Bytes, 5) == 0xffff) ||
           (Word(Bytes, 4) == 0xffff && Word(Bytes, 5) == 0);
}

static void PutIpv6(WRITER *W, const UCHAR *Bytes)
{
    BOOLEAN Dotted = EndsInIpv4(Bytes);
    int Words = Dotted ? 6 : 8, Run = 0, RunLength = 1; /* one zero alone is not shortened */

    for (int i = 0; i < Words; i++) {
        int Length = 0;

        while (i + Length < Words && !Word(Bytes, i + Length))
            Length++;
        if (Length > RunLength) {
            Run = i;
            RunLength = Length;
        }
    }
    if (RunLength == 1)
        Run = Words;
    for (int i = 0; i < Words; i++) {
        if (i == Run) {
            Put(W, ':');
            if (i + RunLength >= Words)
                Put(W, ':');
            i += RunLength - 1;
            continue;
        }
        if (i)
            Put(W, ':');
        PutNumber(W, Word(Bytes, i), 16);
    }
    if (Dotted) {
        if (Run + RunLength < Words || Run == Words)
            Put(W, ':');
        PutIpv4(W, Bytes + 12);
    }
}

static USHORT Swap16(USHORT Value)
{
    return (USHORT)(Value << 8 | Value >> 8);
}

static void PutIpv4Full(WRITER *W, const IN_ADDR *Address, USHORT Port)
{
    PutIpv4(W, (const UCHAR *)Address);
    if (Port) {
        Put(W, ':');
        PutNumber(W, Swap16(Port), 10);
    }
}

static void PutIpv6Full(WRITER *W, const IN6_ADDR *Address, ULONG ScopeId, USHORT Port)
{
    if (Port)
        Put(W, '[');
    PutIpv6(W, (const UCHAR *)Address);
    if (ScopeId) {
        Put(W, '%');
        PutNumber(W, ScopeId, 10);
    }
    if (Port) {
        Put(W, ']');
        Put(W, ':');
        PutNumber(W, Swap16(Port), 10);
    }
}

/* To the caller, terminated; the address of the terminator. */
static PSTR GiveA(const WRITER *W, PSTR Out)
{
    __builtin_memcpy(Out, W->Text, W->Length);
    Out[W->Length] = 0;
    return Out + W->Length;
}

static PWSTR GiveW(const WRITER *W, PWSTR Out)
{
    for (ULONG i = 0; i < W->Length; i++)
        Out[i] = (WCHAR)W->Text[i];
    Out[W->Length] = 0;
    return Out + W->Length;
}

/* With the room in characters; Length receives what is needed, with the terminator. */
static LONG GiveBounded(const WRITER *W, PSTR Narrow, PWSTR Wide, PULONG Length)
{
    ULONG Room = *Length;

    *Length = W->Length + 1;
    if (Room < W->Length + 1)
        return STATUS_INVALID_PARAMETER;
    if (Narrow)
        GiveA(W, Narrow);
    else
        GiveW(W, Wide);
    return STATUS_SUCCESS;
}

PSTR NTAPI RtlIpv4AddressToStringA(const struct in_addr *Addr, PSTR S)
{
    DDI_ENTER(RtlIpv4AddressToStringA);
    WRITER W = { .Length = 0 };

    PutIpv4(&W, (const UCHAR *)Addr);
    return GiveA(&W, S);
}

PWSTR NTAPI RtlIpv4AddressToStringW(const struct in_addr *Addr, PWSTR S)
{
    DDI_ENTER(RtlIpv4AddressToStringW);
    WRITER W = { .Length = 0 };

    PutIpv4(&W, (const UCHAR *)Addr);
    return GiveW(&W, S);
}

PSTR NTAPI RtlIpv6AddressToStringA(const struct in6_addr *Addr, PSTR S)
{
    DDI_ENTER(RtlIpv6AddressToStringA);
    WRITER W = { .Length = 0 };

    PutIpv6(&W, (const UCHAR *)Addr);
    return GiveA(&W, S);
}

PWSTR NTAPI RtlIpv6AddressToStringW(const struct in6_addr *Addr, PWSTR S)
{
    DDI_ENTER(RtlIpv6AddressToStringW);
    WRITER W = { .Length = 0 };

    PutIpv6(&W, (const UCHAR *)Addr);
    return GiveW(&W, S);
}

LONG NTAPI RtlIpv4AddressToStringExA(const struct in_addr *Address, USHORT Port, PSTR AddressString,
                                     PULONG AddressStringLength)
{
    DDI_ENTER(RtlIpv4AddressToStringExA);
    WRITER W = { .Length = 0 };

    if (!Address || !AddressString || !AddressStringLength)
        return STATUS_INVALID_PARAMETER;
    PutIpv4Full(&W, Address, Port);
    return GiveBounded(&W, AddressString, NULL, AddressStringLength);
}

LONG NTAPI RtlIpv4AddressToStringExW(const struct in_addr *Address, USHORT Port,
                                     PWSTR AddressString, PULONG AddressStringLength)
{
    DDI_ENTER(RtlIpv4AddressToStringExW);
    WRITER W = { .Length = 0 };

    if (!Address || !AddressString || !AddressStringLength)
        return STATUS_INVALID_PARAMETER;
    PutIpv4Full(&W, Address, Port);
    return GiveBounded(&W, NULL, AddressString, AddressStringLength);
}

LONG NTAPI RtlIpv6AddressToStringExA(const struct in6_addr *Address, ULONG ScopeId, USHORT Port,
                                     PSTR AddressString, PULONG AddressStringLength)
{
    DDI_ENTER(RtlIpv6AddressToStringExA);
    WRITER W = { .Length = 0 };

    if (!Address || !AddressString || !AddressStringLength)
        return STATUS_INVALID_PARAMETER;
    PutIpv6Full(&W, Address, ScopeId, Port);
    return GiveBounded(&W, AddressString, NULL, AddressStringLength);
}

LONG NTAPI RtlIpv6AddressToStringExW(const struct in6_addr *Address, ULONG ScopeId, USHORT Port,
                                     PWSTR AddressString, PULONG AddressStringLength)
{
    DDI_ENTER(RtlIpv6AddressToStringExW);
    WRITER W = { .Length = 0 };

    if (!Address || !AddressString || !AddressStringLength)
        return STATUS_INVALID_PARAMETER;
    PutIpv6Full(&W, Address, ScopeId, Port);
    return GiveBounded(&W, NULL, AddressString, AddressStringLength);
}

/* ---- text being read: each Read function returns how many characters it took, 0 for none ---- */

/* A number with C's prefixes, at most Max; Decimal: no prefixes. */
static ULONG ReadNumber(PCSTR Text, BOOLEAN Decimal, ULONG Max, PULONG Value)
{
    ULONG Base = 10, i = 0, Start;
    ULONG64 Sum = 0;

    if (Text[0] == '0' && RtlpDigit(Text[1]) < 10) {
        if (Decimal)
            return 0;
        Base = 8;
    } else if (Text[0] == '0' && (Text[1] | 32) == 'x') {
        if (Decimal)
            return 0;
        Base = 16;
        i = 2;
    }
    for (Start = i; RtlpDigit(Text[i]) < Base; i++) {
        Sum = Sum * Base + RtlpDigit(Text[i]);
        if (Sum > Max)
            return 0;
    }
    *Value = (ULONG)Sum;
    return i > Start ? i : 0;
}

/* Strict: four decimal parts. Otherwise one to four; the last one fills what is left. */
static ULONG ReadIpv4(PCSTR Text, BOOLEAN Strict, UCHAR Bytes[4])
{
    ULONG Parts[4], Count = 0, Used = 0, Sum = 0;

    for (;;) {
        ULONG Length = ReadNumber(Text + Used, Strict, 0xffffffff, &Parts[Count]);

        if (!Length)
            return 0;
        Used += Length;
        Count++;
        if (Text[Used] != '.' || Count == 4)
            break;
        Used++;
    }
    if (Strict && Count != 4)
        return 0;
    for (ULONG i = 0; i + 1 < Count; i++) {
        if (Parts[i] > 255)
            return 0;
        Sum |= Parts[i] << (24 - 8 * i);
    }
    if (Count > 1 && Parts[Count - 1] >> (32 - 8 * (Count - 1)))
        return 0;
    Sum |= Parts[Count - 1];
    for (int i = 0; i < 4; i++)
        Bytes[i] = (UCHAR)(Sum >> (24 - 8 * i));
    return Used;
}

/* One to four hexadecimal digits. */
static ULONG ReadGroup(PCSTR Text, PULONG Value)
{
    ULONG Length = 0;

    for (*Value = 0; Length < 4 && RtlpDigit(Text[Length]) < 16; Length++)
        *Value = *Value << 4 | RtlpDigit(Text[Length]);
    return RtlpDigit(Text[Length]) < 16 ? 0 : Length;
}

static ULONG ReadIpv6(PCSTR Text, UCHAR Bytes[16])
{
    UCHAR Parsed[16] = { 0 };
    ULONG Count = 0, Gap = 99, Used = 0, Group;

    if (Text[0] == ':') {
        if (Text[1] != ':')
            return 0;
        Gap = 0;
        Used = 2;
    }
    while (Count < 8) {
        ULONG Length = ReadGroup(Text + Used, &Group);

        if (!Length)
            break;
        if (Text[Used + Length] == '.') {
            Length = Count <= 6 ? ReadIpv4(Text + Used, TRUE, Parsed + 2 * Count) : 0;
            if (!Length)
                return 0;
            Used += Length;
            Count += 2;
            break;
        }
        Parsed[2 * Count] = (UCHAR)(Group >> 8);
        Parsed[2 * Count + 1] = (UCHAR)Group;
        Used += Length;
        Count++;
        if (Text[Used] != ':' || Count == 8)
            break;
        if (Text[Used + 1] == ':') {
            if (Gap != 99)
                break;
            Gap = Count;
            Used += 2;
        } else if (RtlpDigit(Text[Used + 1]) < 16) {
            Used++;
        } else {
            break;
        }
    }
    if (Gap == 99 ? Count != 8 : Count > 7)
        return 0;
    if (Gap == 99)
        Gap = 8;
    __builtin_memset(Bytes, 0, 16);
    __builtin_memcpy(Bytes, Parsed, 2 * (Gap < Count ? Gap : Count));
    if (Count > Gap)
        __builtin_memcpy(Bytes + 16 - 2 * (Count - Gap), Parsed + 2 * Gap, 2 * (Count - Gap));
    return Used;
}

/* ":port" up to the end of the text. */
static BOOLEAN ReadPort(PCSTR Text, PUSHORT Port)
{
    ULONG Value = 0, Length;

    *Port = 0;
    if (!*Text)
        return TRUE;
    if (*Text++ != ':')
        return FALSE;
    Length = ReadNumber(Text, FALSE, 0xffff, &Value);
    *Port = Swap16((USHORT)Value);
    return Length && !Text[Length];
}

static LONG ReadIpv4Full(PCSTR Text, BOOLEAN Strict, IN_ADDR *Address, PUSHORT Port)
{
    UCHAR Bytes[4];
    ULONG Used = ReadIpv4(Text, Strict, Bytes);

    if (!Used || !ReadPort(Text + Used, Port))
        return STATUS_INVALID_PARAMETER;
    __builtin_memcpy(Address, Bytes, sizeof Bytes);
    return STATUS_SUCCESS;
}

static LONG ReadIpv6Full(PCSTR Text, IN6_ADDR *Address, PULONG ScopeId, PUSHORT Port)
{
    UCHAR Bytes[16];
    BOOLEAN Bracket = *Text == '[';
    ULONG Used, Scope = 0;

    Text += Bracket;
    Used = ReadIpv6(Text, Bytes);
    if (!Used)
        return STATUS_INVALID_PARAMETER;
    Text += Used;
    if (*Text == '%') {
        Used = ReadNumber(Text + 1, TRUE, 0xffffffff, &Scope);
        if (!Used)
            return STATUS_INVALID_PARAMETER;
        Text += 1 + Used;
    }
    *Port = 0;
    if (Bracket) {
        if (*Text++ != ']' || !ReadPort(Text, Port))
            return STATUS_INVALID_PARAMETER;
    } else if (*Text) {
        return STATUS_INVALID_PARAMETER;
    }
    __builtin_memcpy(Address, Bytes, sizeof Bytes);
    *ScopeId = Scope;
    return STATUS_SUCCESS;
}

/*
 * The beginning of wide text. What is not ASCII becomes a character that no address has, and so
 * does the last one of text that is longer: what was not looked at must not pass.
 */
static void Narrow(PCWSTR Wide, CHAR Text[INPUT_CHARS])
{
    ULONG i;

    for (i = 0; i + 1 < INPUT_CHARS && Wide[i]; i++)
        Text[i] = Wide[i] < 0x80 && i + 2 < INPUT_CHARS ? (CHAR)Wide[i] : '\x01';
    __builtin_memset(Text + i, 0, INPUT_CHARS - i);
}

static LONG Found(ULONG Used, const UCHAR *Bytes, PVOID Addr, SIZE_T Size)
{
    if (!Used)
        return STATUS_INVALID_PARAMETER;
    __builtin_memcpy(Addr, Bytes, Size);
    return STATUS_SUCCESS;
}

LONG NTAPI RtlIpv4StringToAddressA(PCSTR S, BOOLEAN Strict, PCSTR *Terminator, struct in_addr *Addr)
{
    DDI_ENTER(RtlIpv4StringToAddressA);
    UCHAR Bytes[4];
    ULONG Used = ReadIpv4(S, Strict, Bytes);

    *Terminator = S + Used;
    return Found(Used, Bytes, Addr, sizeof Bytes);
}

LONG NTAPI RtlIpv4StringToAddressW(PCWSTR S, BOOLEAN Strict, LPCWSTR *Terminator,
                                   struct in_addr *Addr)
{
    CHAR Text[INPUT_CHARS];
    UCHAR Bytes[4];
    ULONG Used;

    DDI_ENTER(RtlIpv4StringToAddressW);
    Narrow(S, Text);
    Used = ReadIpv4(Text, Strict, Bytes);
    *Terminator = S + Used;
    return Found(Used, Bytes, Addr, sizeof Bytes);
}

LONG NTAPI RtlIpv6StringToAddressA(PCSTR S, PCSTR *Terminator, struct in6_addr *Addr)
{
    DDI_ENTER(RtlIpv6StringToAddressA);
    UCHAR Bytes[16];
    ULONG Used = ReadIpv6(S, Bytes);

    *Terminator = S + Used;
    return Found(Used, Bytes, Addr, sizeof Bytes);
}

LONG NTAPI RtlIpv6StringToAddressW(PCWSTR S, PCWSTR *Terminator, struct in6_addr *Addr)
{
    CHAR Text[INPUT_CHARS];
    UCHAR Bytes[16];
    ULONG Used;

    DDI_ENTER(RtlIpv6StringToAddressW);
    Narrow(S, Text);
    Used = ReadIpv6(Text, Bytes);
    *Terminator = S + Used;
    return Found(Used, Bytes, Addr, sizeof Bytes);
}

LONG NTAPI RtlIpv4StringToAddressExA(PCSTR AddressString, BOOLEAN Strict, struct in_addr *Address,
                                     PUSHORT Port)
{
    DDI_ENTER(RtlIpv4StringToAddressExA);
    if (!AddressString || !Address || !Port)
        return STATUS_INVALID_PARAMETER;
    return ReadIpv4Full(AddressString, Strict, Address, Port);
}

LONG NTAPI RtlIpv4StringToAddressExW(PCWSTR AddressString, BOOLEAN Strict, struct in_addr *Address,
                                     PUSHORT Port)
{
    CHAR Text[INPUT_CHARS];

    DDI_ENTER(RtlIpv4StringToAddressExW);
    if (!AddressString || !Address || !Port)
        return STATUS_INVALID_PARAMETER;
    Narrow(AddressString, Text);
    return ReadIpv4Full(Text, Strict, Address, Port);
}

LONG NTAPI RtlIpv6StringToAddressExA(PCSTR AddressString, struct in6_addr *Address, PULONG ScopeId,
                                     PUSHORT Port)
{
    DDI_ENTER(RtlIpv6StringToAddressExA);
    if (!AddressString || !Address || !ScopeId || !Port)
        return STATUS_INVALID_PARAMETER;
    return ReadIpv6Full(AddressString, Address, ScopeId, Port);
}

LONG NTAPI RtlIpv6StringToAddressExW(PCWSTR AddressString, struct in6_addr *Address, PULONG ScopeId,
                                     PUSHORT Port)
{
    CHAR Text[INPUT_CHARS];

    DDI_ENTER(RtlIpv6StringToAddressExW);
    if (!AddressString || !Address || !ScopeId || !Port)
        return STATUS_INVALID_PARAMETER;
    Narrow(AddressString, Text);
    return ReadIpv6Full(Text, Address, ScopeId, Port);
}
