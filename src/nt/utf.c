/*
 * utf.c: one code point at a time between UTF-8, UTF-16 and numbers.
 *
 * Everything in the kernel slice that changes the width of text comes here: the formatter, the
 * string routines and the UTF-8 DDIs. Pure functions, any IRQL. Malformed input never stops a
 * conversion; each maximal malformed part becomes one replacement character, as Windows does.
 */
#include "nt/rtlp.h"

static ULONG Malformed(BOOLEAN *Bad)
{
    if (Bad)
        *Bad = TRUE;
    return RTLP_REPLACEMENT;
}

ULONG RtlpDecodeUtf16(const WCHAR *Text, SIZE_T Count, SIZE_T *Used, BOOLEAN *Bad)
{
    ULONG First = Text[0];

    *Used = 1;
    if (First < 0xd800 || First > 0xdfff)
        return First;
    if (First > 0xdbff || Count < 2 || Text[1] < 0xdc00 || Text[1] > 0xdfff)
        return Malformed(Bad);
    *Used = 2;
    return 0x10000 + ((First - 0xd800) << 10) + (Text[1] - 0xdc00u);
}

/* How many bytes follow a lead byte, and the lowest and highest legal second byte. 0: no lead. */
static ULONG FollowerCount(UCHAR Lead, UCHAR *Low, UCHAR *High)
{
    *Low = 0x80;
    *High = 0xbf;
    if (Lead >= 0xc2 && Lead <= 0xdf)
        return 1;
    if (Lead >= 0xe0 && Lead <= 0xef) {
        if (Lead == 0xe0)
            *Low = 0xa0; /* shorter forms exist */
        if (Lead == 0xed)
            *High = 0x9f; /* surrogates are no characters */
        return 2;
    }
    if (Lead >= 0xf0 && Lead <= 0xf4) {
        if (Lead == 0xf0)
            *Low = 0x90;
        if (Lead == 0xf4)
            *High = 0x8f; /* the last plane is 16 */
        return 3;
    }
    return 0;
}

ULONG RtlpDecodeUtf8(const CHAR *Text, SIZE_T Count, SIZE_T *Used, BOOLEAN *Bad)
{
    UCHAR Lead = (UCHAR)Text[0], Low, High;
    ULONG Followers, CodePoint;

    *Used = 1;
    if (Lead < 0x80)
        return Lead;
    Followers = FollowerCount(Lead, &Low, &High);
    if (!Followers)
        return Malformed(Bad);
    CodePoint = Lead & (0x3f >> Followers);
    for (ULONG i = 1; i <= Followers; i++) {
        UCHAR Byte;

        if (i >= Count)
            return Malformed(Bad);
        Byte = (UCHAR)Text[i];
        if (Byte < Low || Byte > High)
            return Malformed(Bad);
        Low = 0x80;
        High = 0xbf;
        CodePoint = CodePoint << 6 | (Byte & 0x3f);
        *Used = i + 1;
    }
    return CodePoint;
}

ULONG RtlpEncodeUtf16(ULONG CodePoint, WCHAR Out[2])
{
    if (CodePoint < 0x10000) {
        Out[0] = (WCHAR)CodePoint;
        return 1;
    }
    Out[0] = (WCHAR)(0xd800 + ((CodePoint - 0x10000) >> 10));
    Out[1] = (WCHAR)(0xdc00 + (CodePoint & 0x3ff));
    return 2;
}

ULONG RtlpEncodeUtf8(ULONG CodePoint, CHAR Out[4])
{
    if (CodePoint < 0x80) {
        Out[0] = (CHAR)CodePoint;
        return 1;
    }
    if (CodePoint < 0x800) {
        Out[0] = (CHAR)(0xc0 | CodePoint >> 6);
        Out[1] = (CHAR)(0x80 | (CodePoint & 0x3f));
        return 2;
    }
    if (CodePoint < 0x10000) {
        Out[0] = (CHAR)(0xe0 | CodePoint >> 12);
        Out[1] = (CHAR)(0x80 | (CodePoint >> 6 & 0x3f));
        Out[2] = (CHAR)(0x80 | (CodePoint & 0x3f));
        return 3;
    }
    Out[0] = (CHAR)(0xf0 | CodePoint >> 18);
    Out[1] = (CHAR)(0x80 | (CodePoint >> 12 & 0x3f));
    Out[2] = (CHAR)(0x80 | (CodePoint >> 6 & 0x3f));
    Out[3] = (CHAR)(0x80 | (CodePoint & 0x3f));
    return 4;
}
