/*
 * wide.c: the half of the kernel's C run-time library that works on 16-bit characters.
 *
 * The machine's C library has 32-bit wide characters, so nothing of its wcs family may be used by
 * drivers; include/km/crt sends them here under the name openwsk_<name>. Pure functions, any IRQL.
 */
#include "nt/rtlp.h"

/* ---- printf -------------------------------------------------------------------------------- */

int NTAPI openwsk__vsnwprintf(WCHAR *Buffer, size_t Count, const WCHAR *Format, OW_VA_LIST Args)
{
    return RtlpPrint(Buffer, TRUE, Count, Format, Args);
}

int NTAPI openwsk__snwprintf(WCHAR *Buffer, size_t Count, const WCHAR *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vsnwprintf(Buffer, Count, Format, Args);
    OW_VA_END(Args);
    return Length;
}

/* The kernel's swprintf has no size: the old form. */
int NTAPI openwsk_swprintf(WCHAR *Buffer, const WCHAR *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vsnwprintf(Buffer, INT_MAX, Format, Args);
    OW_VA_END(Args);
    return Length;
}

int NTAPI openwsk_vswprintf(WCHAR *Buffer, const WCHAR *Format, OW_VA_LIST Args)
{
    return openwsk__vsnwprintf(Buffer, INT_MAX, Format, Args);
}

int NTAPI openwsk__vsnwprintf_s(WCHAR *Buffer, size_t Size, size_t Count, const WCHAR *Format,
                                OW_VA_LIST Args)
{
    return RtlpPrintBounded(Buffer, TRUE, Size, Count, Format, Args);
}

int NTAPI openwsk__snwprintf_s(WCHAR *Buffer, size_t Size, size_t Count, const WCHAR *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vsnwprintf_s(Buffer, Size, Count, Format, Args);
    OW_VA_END(Args);
    return Length;
}

int NTAPI openwsk_vswprintf_s(WCHAR *Buffer, size_t Size, const WCHAR *Format, OW_VA_LIST Args)
{
    return openwsk__vsnwprintf_s(Buffer, Size, Size, Format, Args);
}

int NTAPI openwsk_swprintf_s(WCHAR *Buffer, size_t Size, const WCHAR *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vsnwprintf_s(Buffer, Size, Size, Format, Args);
    OW_VA_END(Args);
    return Length;
}

/* ---- strings ------------------------------------------------------------------------------- */

size_t NTAPI openwsk_wcsnlen(const WCHAR *Text, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && Text[Length])
        Length++;
    return Length;
}

size_t NTAPI openwsk_wcslen(const WCHAR *Text)
{
    return openwsk_wcsnlen(Text, (size_t)-1);
}

int NTAPI openwsk_wcsncmp(const WCHAR *Left, const WCHAR *Right, size_t Count)
{
    for (size_t i = 0; i < Count; i++) {
        if (Left[i] != Right[i])
            return Left[i] < Right[i] ? -1 : 1;
        if (!Left[i])
            break;
    }
    return 0;
}

int NTAPI openwsk_wcscmp(const WCHAR *Left, const WCHAR *Right)
{
    return openwsk_wcsncmp(Left, Right, (size_t)-1);
}

WCHAR *NTAPI openwsk_wcscpy(WCHAR *To, const WCHAR *From)
{
    return __builtin_memcpy(To, From, (openwsk_wcslen(From) + 1) * sizeof(WCHAR));
}

WCHAR *NTAPI openwsk_wcsncpy(WCHAR *To, const WCHAR *From, size_t Count)
{
    size_t i;

    for (i = 0; i < Count && From[i]; i++)
        To[i] = From[i];
    for (; i < Count; i++)
        To[i] = 0;
    return To;
}

WCHAR *NTAPI openwsk_wcscat(WCHAR *To, const WCHAR *From)
{
    openwsk_wcscpy(To + openwsk_wcslen(To), From);
    return To;
}

WCHAR *NTAPI openwsk_wcsncat(WCHAR *To, const WCHAR *From, size_t Count)
{
    size_t End = openwsk_wcslen(To), Length = openwsk_wcsnlen(From, Count);

    __builtin_memcpy(To + End, From, Length * sizeof(WCHAR));
    To[End + Length] = 0;
    return To;
}

WCHAR *NTAPI openwsk_wcschr(const WCHAR *Text, WCHAR Character)
{
    for (;; Text++) {
        if (*Text == Character)
            return (WCHAR *)Text;
        if (!*Text)
            return NULL;
    }
}

WCHAR *NTAPI openwsk_wcsrchr(const WCHAR *Text, WCHAR Character)
{
    const WCHAR *Found = NULL;

    for (;; Text++) {
        if (*Text == Character)
            Found = Text;
        if (!*Text)
            return (WCHAR *)Found;
    }
}

WCHAR *NTAPI openwsk_wcsstr(const WCHAR *Text, const WCHAR *Part)
{
    size_t Length = openwsk_wcslen(Part);

    for (; *Text || !Length; Text++) {
        if (!openwsk_wcsncmp(Text, Part, Length))
            return (WCHAR *)Text;
    }
    return NULL;
}

/* The length of the prefix whose characters are all in the set, or all not. */
static size_t Span(const WCHAR *Text, const WCHAR *Set, BOOLEAN In)
{
    size_t Length = 0;

    while (Text[Length] && (openwsk_wcschr(Set, Text[Length]) != NULL) == In)
        Length++;
    return Length;
}

size_t NTAPI openwsk_wcsspn(const WCHAR *Text, const WCHAR *Set)
{
    return Span(Text, Set, TRUE);
}

size_t NTAPI openwsk_wcscspn(const WCHAR *Text, const WCHAR *Set)
{
    return Span(Text, Set, FALSE);
}

WCHAR *NTAPI openwsk_wcspbrk(const WCHAR *Text, const WCHAR *Set)
{
    Text += Span(Text, Set, FALSE);
    return *Text ? (WCHAR *)Text : NULL;
}

int NTAPI openwsk_wcscpy_s(WCHAR *To, size_t Size, const WCHAR *From)
{
    return RtlpCopyBounded(To, TRUE, Size, 0, From, RTLP_ALL);
}

int NTAPI openwsk_wcsncpy_s(WCHAR *To, size_t Size, const WCHAR *From, size_t Count)
{
    return RtlpCopyBounded(To, TRUE, Size, 0, From, Count);
}

int NTAPI openwsk_wcscat_s(WCHAR *To, size_t Size, const WCHAR *From)
{
    return RtlpCopyBounded(To, TRUE, Size, To ? openwsk_wcsnlen(To, Size) : 0, From, RTLP_ALL);
}

int NTAPI openwsk_wcsncat_s(WCHAR *To, size_t Size, const WCHAR *From, size_t Count)
{
    return RtlpCopyBounded(To, TRUE, Size, To ? openwsk_wcsnlen(To, Size) : 0, From, Count);
}

/* ---- case ---------------------------------------------------------------------------------- */

WCHAR NTAPI openwsk_towupper(WCHAR c)
{
    return RtlpUpcase(c);
}

WCHAR NTAPI openwsk_towlower(WCHAR c)
{
    return RtlpDowncase(c);
}

int NTAPI openwsk_iswdigit(WCHAR c)
{
    return c >= '0' && c <= '9';
}

int NTAPI openwsk_iswxdigit(WCHAR c)
{
    return openwsk_iswdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int NTAPI openwsk_iswspace(WCHAR c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x2028 || c == 0x2029;
}

int NTAPI openwsk_iswalpha(WCHAR c)
{
    return RtlpUpcase(c) != c || RtlpDowncase(c) != c;
}

int NTAPI openwsk_iswalnum(WCHAR c)
{
    return openwsk_iswalpha(c) || openwsk_iswdigit(c);
}

int NTAPI openwsk__wcsnicmp(const WCHAR *Left, const WCHAR *Right, size_t Count)
{
    for (size_t i = 0; i < Count; i++) {
        WCHAR a = RtlpDowncase(Left[i]), b = RtlpDowncase(Right[i]);

        if (a != b)
            return (int)a - (int)b;
        if (!a)
            break;
    }
    return 0;
}

int NTAPI openwsk__wcsicmp(const WCHAR *Left, const WCHAR *Right)
{
    return openwsk__wcsnicmp(Left, Right, (size_t)-1);
}

WCHAR *NTAPI openwsk__wcslwr(WCHAR *Text)
{
    for (WCHAR *p = Text; *p; p++)
        *p = RtlpDowncase(*p);
    return Text;
}

WCHAR *NTAPI openwsk__wcsupr(WCHAR *Text)
{
    for (WCHAR *p = Text; *p; p++)
        *p = RtlpUpcase(*p);
    return Text;
}
