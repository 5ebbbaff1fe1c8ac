/*
 * crtmore.c: the rarer functions of the kernel's C run-time: lengths of formatted text, strings
 * changed in place, bytes and characters compared and copied, tokens, random numbers.
 *
 * Under the name openwsk_<name>, as in crt.c. Any IRQL; rand() keeps one state for everybody, as
 * the kernel's does, and is as bad.
 */
#include "nt/rtlp.h"

/* ---- how long a formatted text would be -------------------------------------------------- */

int NTAPI openwsk__vscprintf(const char *Format, OW_VA_LIST Args)
{
    return Format ? (int)RtlpFormatNarrow(NULL, 0, Format, Args, NULL) : -1;
}

int NTAPI openwsk__scprintf(const char *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vscprintf(Format, Args);
    OW_VA_END(Args);
    return Length;
}

int NTAPI openwsk__vscwprintf(const wchar_t *Format, OW_VA_LIST Args)
{
    return Format ? (int)RtlpFormatWide(NULL, 0, Format, Args) : -1;
}

int NTAPI openwsk__scwprintf(const wchar_t *Format, ...)
{
    OW_VA_LIST Args;
    int Length;

    OW_VA_START(Args, Format);
    Length = openwsk__vscwprintf(Format, Args);
    OW_VA_END(Args);
    return Length;
}

/* ---- strings in place -------------------------------------------------------------------- */

int NTAPI openwsk__strcmpi(const char *Left, const char *Right)
{
    return openwsk__stricmp(Left, Right);
}

char *NTAPI openwsk__strrev(char *Text)
{
    SIZE_T Length = openwsk_strlen(Text);

    for (SIZE_T i = 0; i < Length / 2; i++) {
        char c = Text[i];
        Text[i] = Text[Length - 1 - i];
        Text[Length - 1 - i] = c;
    }
    return Text;
}

char *NTAPI openwsk__strnset(char *Text, int Character, size_t Count)
{
    for (SIZE_T i = 0; i < Count && Text[i]; i++)
        Text[i] = (char)Character;
    return Text;
}

char *NTAPI openwsk__strset(char *Text, int Character)
{
    return openwsk__strnset(Text, Character, (size_t)-1);
}

wchar_t *NTAPI openwsk__wcsrev(wchar_t *Text)
{
    SIZE_T Length = openwsk_wcslen(Text);

    for (SIZE_T i = 0; i < Length / 2; i++) {
        wchar_t c = Text[i];
        Text[i] = Text[Length - 1 - i];
        Text[Length - 1 - i] = c;
    }
    return Text;
}

wchar_t *NTAPI openwsk__wcsnset(wchar_t *Text, wchar_t Character, size_t Count)
{
    for (SIZE_T i = 0; i < Count && Text[i]; i++)
        Text[i] = Character;
    return Text;
}

/* The next token, cut off; NULL when there is none. The context is where the search goes on. */
char *NTAPI openwsk_strtok_s(char *Text, const char *Set, char **Context)
{
    char *Token;

    if (!Set || !Context || (!Text && !*Context))
        return NULL;
    Token = Text ? Text : *Context;
    Token += openwsk_strspn(Token, Set);
    *Context = Token + openwsk_strcspn(Token, Set);
    if (**Context)
        *(*Context)++ = 0;
    return *Token ? Token : NULL;
}

/* ---- bytes and wide characters ----------------------------------------------------------- */

/* Up to and with the first such byte: what follows it in the copy, or NULL when it never came. */
void *NTAPI openwsk__memccpy(void *To, const void *From, int Byte, size_t Count)
{
    UCHAR *Out = To;
    const UCHAR *In = From;

    for (SIZE_T i = 0; i < Count; i++) {
        Out[i] = In[i];
        if (In[i] == (UCHAR)Byte)
            return Out + i + 1;
    }
    return NULL;
}

int NTAPI openwsk__memicmp(const void *Left, const void *Right, size_t Count)
{
    const UCHAR *a = Left, *b = Right;

    for (SIZE_T i = 0; i < Count; i++) {
        int Difference = openwsk_tolower(a[i]) - openwsk_tolower(b[i]);
        if (Difference)
            return Difference;
    }
    return 0;
}

wchar_t *NTAPI openwsk_wmemcpy(wchar_t *To, const wchar_t *From, size_t Count)
{
    return openwsk_memcpy(To, From, Count * sizeof(wchar_t));
}

wchar_t *NTAPI openwsk_wmemset(wchar_t *To, wchar_t Character, size_t Count)
{
    for (SIZE_T i = 0; i < Count; i++)
        To[i] = Character;
    return To;
}

int NTAPI openwsk_wmemcmp(const wchar_t *Left, const wchar_t *Right, size_t Count)
{
    for (SIZE_T i = 0; i < Count; i++)
        if (Left[i] != Right[i])
            return Left[i] < Right[i] ? -1 : 1;
    return 0;
}

/* ---- random numbers ---------------------------------------------------------------------- */

#define FIRST_SEED 1

static ULONG Seed = FIRST_SEED; /* atomic */

void RtlpForgetSeed(void)
{
    Seed = FIRST_SEED;
}

void NTAPI openwsk_srand(unsigned NewSeed)
{
    __atomic_store_n(&Seed, NewSeed, __ATOMIC_RELAXED);
}

/* Microsoft's sequence: a driver that seeds it finds the numbers that it knows. */
int NTAPI openwsk_rand(void)
{
    ULONG Old = __atomic_load_n(&Seed, __ATOMIC_RELAXED), New;

    do {
        New = Old * 214013 + 2531011;
    } while (
        !__atomic_compare_exchange_n(&Seed, &Old, New, TRUE, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return (int)((New >> 16) & 0x7fff);
}
