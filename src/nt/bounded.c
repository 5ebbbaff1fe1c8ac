/*
 * bounded.c: what Microsoft's string functions do when a text does not fit its buffer, for texts of
 * both widths: the rules of _snprintf, of the printf functions that end in _s, and of the copies
 * that do. Sizes and counts are in units of the text. Pure functions, any IRQL.
 */
#include "nt/rtlp.h"

static void Terminate(void *Text, BOOLEAN Wide, SIZE_T At)
{
    if (Wide)
        ((WCHAR *)Text)[At] = 0;
    else
        ((CHAR *)Text)[At] = 0;
}

static SIZE_T FormatText(void *Buffer, BOOLEAN Wide, SIZE_T Room, const void *Format,
                         OW_VA_LIST Args)
{
    return Wide ? RtlpFormatWide(Buffer, Room, Format, Args)
                : RtlpFormatNarrow(Buffer, Room, Format, Args, NULL);
}

int RtlpPrint(void *Buffer, BOOLEAN Wide, SIZE_T Count, const void *Format, OW_VA_LIST Args)
{
    SIZE_T Length = FormatText(Buffer, Wide, Buffer ? Count : 0, Format, Args);

    if (!Buffer)
        return Count ? -1 : (int)Length;
    if (Length < Count)
        Terminate(Buffer, Wide, Length);
    return Length > Count ? -1 : (int)Length;
}

int RtlpPrintBounded(void *Buffer, BOOLEAN Wide, SIZE_T Size, SIZE_T Count, const void *Format,
                     OW_VA_LIST Args)
{
    SIZE_T Room = Count < Size ? Count : Size - 1, Length;

    if (!Buffer || !Size || !Format)
        return -1;
    Length = FormatText(Buffer, Wide, Room, Format, Args);
    Terminate(Buffer, Wide, Length < Room ? Length : Room);
    if (Length <= Room)
        return (int)Length;
    if (Count == RTLP_TRUNCATE || Count < Size)
        return -1;
    Terminate(Buffer, Wide, 0);
    return -1;
}

int RtlpCopyBounded(void *To, BOOLEAN Wide, SIZE_T Size, SIZE_T Used, const void *From,
                    SIZE_T Count)
{
    SIZE_T Unit = Wide ? sizeof(WCHAR) : sizeof(CHAR), Length;

    if (!To || !Size || Used >= Size)
        return RTLP_INVALID;
    if (!From) {
        Terminate(To, Wide, 0);
        return RTLP_INVALID;
    }
    Length = Wide ? openwsk_wcsnlen(From, Count) : openwsk_strnlen(From, Count);
    if (Length < Size - Used) {
        __builtin_memcpy((UCHAR *)To + Used * Unit, From, Length * Unit);
        Terminate(To, Wide, Used + Length);
        return 0;
    }
    if (Count != RTLP_TRUNCATE) {
        Terminate(To, Wide, 0);
        return RTLP_RANGE;
    }
    __builtin_memcpy((UCHAR *)To + Used * Unit, From, (Size - Used - 1) * Unit);
    Terminate(To, Wide, Size - 1);
    return RTLP_CUT;
}
