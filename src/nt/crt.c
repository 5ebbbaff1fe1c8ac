/*
 * crt.c: the narrow half of the C run-time library that the kernel exports: printf family,
 * strings, sorting. Numbers are in number.c.
 *
 * Under the name openwsk_<name>: include/km/crt maps what the C library of the machine does not
 * have or does differently, and the loader of .sys files maps every import. So a driver and the
 * process never disagree about, say, what _snprintf answers. Pure functions, any IRQL.
 */
#include "nt/rtlp.h"

/* ---- printf -------------------------------------------------------------------------------- */

int NTAPI openwsk__vsnprintf(char *Buffer, size_t Count, const char *Format, OW_VA_LIST Args)
{
    return RtlpPrint(Buffer, FALSE, Count, Format, Args);
}

int NTAPI openwsk__snprintf(char *Buffer, size_t Count, const char *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vsnprintf(Buffer, Count, Format, Args);
    OW_VA_END(Args);
    return Length;
}

int NTAPI openwsk_vsprintf(char *Buffer, const char *Format, OW_VA_LIST Args)
{
    return openwsk__vsnprintf(Buffer, INT_MAX, Format, Args);
}

int NTAPI openwsk_sprintf(char *Buffer, const char *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk_vsprintf(Buffer, Format, Args);
    OW_VA_END(Args);
    return Length;
}

/* C99's rule, which newer run-time libraries offer beside the old one. */
int NTAPI openwsk_vsnprintf(char *Buffer, size_t Count, const char *Format, OW_VA_LIST Args)
{
    SIZE_T Length = RtlpFormatNarrow(Buffer, Count ? Count - 1 : 0, Format, Args, NULL);

    if (Count)
        Buffer[Length < Count ? Length : Count - 1] = 0;
    return (int)Length;
}

int NTAPI openwsk_snprintf(char *Buffer, size_t Count, const char *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk_vsnprintf(Buffer, Count, Format, Args);
    OW_VA_END(Args);
    return Length;
}

int NTAPI openwsk__vsnprintf_s(char *Buffer, size_t Size, size_t Count, const char *Format,
                               OW_VA_LIST Args)
{
    return RtlpPrintBounded(Buffer, FALSE, Size, Count, Format, Args);
}

int NTAPI openwsk__snprintf_s(char *Buffer, size_t Size, size_t Count, const char *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vsnprintf_s(Buffer, Size, Count, Format, Args);
    OW_VA_END(Args);
    return Length;
}

int NTAPI openwsk_vsprintf_s(char *Buffer, size_t Size, const char *Format, OW_VA_LIST Args)
{
    return openwsk__vsnprintf_s(Buffer, Size, Size, Format, Args);
}

int NTAPI openwsk_sprintf_s(char *Buffer, size_t Size, const char *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vsnprintf_s(Buffer, Size, Size, Format, Args);
    OW_VA_END(Args);
    return Length;
}

/* ---- memory and strings -------------------------------------------------------------------- */

void *NTAPI openwsk_memcpy(void *To, const void *From, size_t Count)
{
    return __builtin_memcpy(To, From, Count);
}

void *NTAPI openwsk_memmove(void *To, const void *From, size_t Count)
{
    return __builtin_memmove(To, From, Count);
}

void *NTAPI openwsk_memset(void *To, int Byte, size_t Count)
{
    return __builtin_memset(To, Byte, Count);
}

int NTAPI openwsk_memcmp(const void *Left, const void *Right, size_t Count)
{
    return __builtin_memcmp(Left, Right, Count);
}

void *NTAPI openwsk_memchr(const void *Where, int Byte, size_t Count)
{
    return __builtin_memchr(Where, Byte, Count);
}

int NTAPI openwsk_memcpy_s(void *To, size_t Size, const void *From, size_t Count)
{
    if (!Count)
        return 0;
    if (!To)
        return RTLP_INVALID;
    if (!From || Size < Count) {
        __builtin_memset(To, 0, Size);
        return From ? RTLP_RANGE : RTLP_INVALID;
    }
    __builtin_memcpy(To, From, Count);
    return 0;
}

int NTAPI openwsk_memmove_s(void *To, size_t Size, const void *From, size_t Count)
{
    if (!Count)
        return 0;
    if (!To || !From)
        return RTLP_INVALID;
    if (Size < Count)
        return RTLP_RANGE;
    __builtin_memmove(To, From, Count);
    return 0;
}

size_t NTAPI openwsk_strlen(const char *Text)
{
    return __builtin_strlen(Text);
}

size_t NTAPI openwsk_strnlen(const char *Text, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && Text[Length])
        Length++;
    return Length;
}

int NTAPI openwsk_strcmp(const char *Left, const char *Right)
{
    return __builtin_strcmp(Left, Right);
}

int NTAPI openwsk_strncmp(const char *Left, const char *Right, size_t Count)
{
    return __builtin_strncmp(Left, Right, Count);
}

char *NTAPI openwsk_strcpy(char *To, const char *From)
{
    return __builtin_strcpy(To, From);
}

char *NTAPI openwsk_strncpy(char *To, const char *From, size_t Count)
{
    size_t i;

    for (i = 0; i < Count && From[i]; i++)
        To[i] = From[i];
    for (; i < Count; i++)
        To[i] = 0;
    return To;
}

char *NTAPI openwsk_strcat(char *To, const char *From)
{
    return __builtin_strcat(To, From);
}

char *NTAPI openwsk_strncat(char *To, const char *From, size_t Count)
{
    size_t End = __builtin_strlen(To), Length = openwsk_strnlen(From, Count);

    __builtin_memcpy(To + End, From, Length);
    To[End + Length] = 0;
    return To;
}

char *NTAPI openwsk_strchr(const char *Text, int Character)
{
    return __builtin_strchr(Text, Character);
}

char *NTAPI openwsk_strrchr(const char *Text, int Character)
{
    return __builtin_strrchr(Text, Character);
}

char *NTAPI openwsk_strstr(const char *Text, const char *Part)
{
    return __builtin_strstr(Text, Part);
}

size_t NTAPI openwsk_strspn(const char *Text, const char *Set)
{
    return __builtin_strspn(Text, Set);
}

size_t NTAPI openwsk_strcspn(const char *Text, const char *Set)
{
    return __builtin_strcspn(Text, Set);
}

char *NTAPI openwsk_strpbrk(const char *Text, const char *Set)
{
    return __builtin_strpbrk(Text, Set);
}

int NTAPI openwsk_strcpy_s(char *To, size_t Size, const char *From)
{
    return RtlpCopyBounded(To, FALSE, Size, 0, From, RTLP_ALL);
}

int NTAPI openwsk_strncpy_s(char *To, size_t Size, const char *From, size_t Count)
{
    return RtlpCopyBounded(To, FALSE, Size, 0, From, Count);
}

int NTAPI openwsk_strcat_s(char *To, size_t Size, const char *From)
{
    return RtlpCopyBounded(To, FALSE, Size, To ? openwsk_strnlen(To, Size) : 0, From, RTLP_ALL);
}

int NTAPI openwsk_strncat_s(char *To, size_t Size, const char *From, size_t Count)
{
    return RtlpCopyBounded(To, FALSE, Size, To ? openwsk_strnlen(To, Size) : 0, From, Count);
}

/* ---- characters: ASCII only, as in the kernel's "C" locale ---------------------------------- */

int NTAPI openwsk_isdigit(int c)
{
    return c >= '0' && c <= '9';
}

int NTAPI openwsk_isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}

int NTAPI openwsk_islower(int c)
{
    return c >= 'a' && c <= 'z';
}

int NTAPI openwsk_isalpha(int c)
{
    return openwsk_isupper(c) || openwsk_islower(c);
}

int NTAPI openwsk_isalnum(int c)
{
    return openwsk_isalpha(c) || openwsk_isdigit(c);
}

int NTAPI openwsk_isxdigit(int c)
{
    return openwsk_isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int NTAPI openwsk_isspace(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int NTAPI openwsk_isprint(int c)
{
    return c >= ' ' && c < 0x7f;
}

int NTAPI openwsk_toupper(int c)
{
    return openwsk_islower(c) ? c - 32 : c;
}

int NTAPI openwsk_tolower(int c)
{
    return openwsk_isupper(c) ? c + 32 : c;
}

int NTAPI openwsk__strnicmp(const char *Left, const char *Right, size_t Count)
{
    for (size_t i = 0; i < Count; i++) {
        int a = openwsk_tolower((unsigned char)Left[i]),
            b = openwsk_tolower((unsigned char)Right[i]);

        if (a != b || !a)
            return a - b;
    }
    return 0;
}

int NTAPI openwsk__stricmp(const char *Left, const char *Right)
{
    return openwsk__strnicmp(Left, Right, (size_t)-1);
}

char *NTAPI openwsk__strlwr(char *Text)
{
    for (char *p = Text; *p; p++)
        *p = (char)openwsk_tolower((unsigned char)*p);
    return Text;
}

char *NTAPI openwsk__strupr(char *Text)
{
    for (char *p = Text; *p; p++)
        *p = (char)openwsk_toupper((unsigned char)*p);
    return Text;
}

/* ---- sorting ------------------------------------------------------------------------------- */

typedef int(NTAPI *COMPARE)(const void *Left, const void *Right);

static void Swap(UCHAR *a, UCHAR *b, size_t Size)
{
    for (size_t i = 0; i < Size; i++) {
        UCHAR Byte = a[i];

        a[i] = b[i];
        b[i] = Byte;
    }
}

static void SiftDown(UCHAR *Base, size_t Root, size_t Count, size_t Size, COMPARE Compare)
{
    for (size_t Child; (Child = 2 * Root + 1) < Count; Root = Child) {
        if (Child + 1 < Count && Compare(Base + Child * Size, Base + (Child + 1) * Size) < 0)
            Child++;
        if (Compare(Base + Root * Size, Base + Child * Size) >= 0)
            return;
        Swap(Base + Root * Size, Base + Child * Size, Size);
    }
}

/* A heap sort: no recursion and no memory, whatever the input. */
void NTAPI openwsk_qsort(void *Base, size_t Count, size_t Size, COMPARE Compare)
{
    for (size_t i = Count / 2; i > 0; i--)
        SiftDown(Base, i - 1, Count, Size, Compare);
    for (size_t End = Count; End > 1; End--) {
        Swap(Base, (UCHAR *)Base + (End - 1) * Size, Size);
        SiftDown(Base, 0, End - 1, Size, Compare);
    }
}

void *NTAPI openwsk_bsearch(const void *Key, const void *Base, size_t Count, size_t Size,
                            COMPARE Compare)
{
    size_t Low = 0, High = Count;

    while (Low < High) {
        size_t Middle = Low + (High - Low) / 2;
        const UCHAR *Element = (const UCHAR *)Base + Middle * Size;
        int Order = Compare(Key, Element);

        if (!Order)
            return (void *)Element;
        if (Order < 0)
            High = Middle;
        else
            Low = Middle + 1;
    }
    return NULL;
}
