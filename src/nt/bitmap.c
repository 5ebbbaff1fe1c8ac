/*
 * bitmap.c: RTL_BITMAP: a counted run of bits in memory of the caller.
 *
 * Bit n is bit n % 32 of ULONG n / 32. Searches take a hint and wrap around. Callers synchronise.
 */
#include "nt/rtlp.h"

#define NOT_FOUND 0xffffffffu

static BOOLEAN Get(const RTL_BITMAP *Map, ULONG Bit)
{
    return Map->Buffer[Bit / 32] >> Bit % 32 & 1;
}

static void Set(PRTL_BITMAP Map, ULONG Bit, BOOLEAN Value)
{
    if (Value)
        Map->Buffer[Bit / 32] |= 1u << Bit % 32;
    else
        Map->Buffer[Bit / 32] &= ~(1u << Bit % 32);
}

/* What lies outside of the map is the caller's mistake; the call then does nothing. */
static BOOLEAN InMap(const RTL_BITMAP *Map, ULONG Start, ULONG Count, const void *Caller)
{
    if (Start <= Map->SizeOfBitMap && Count <= Map->SizeOfBitMap - Start)
        return TRUE;
    vf_report(VF_STOP, "VF-DDI-02", NULL, Caller, "%u bits from %u on in a bitmap of %u bits",
              (unsigned)Count, (unsigned)Start, (unsigned)Map->SizeOfBitMap);
    return FALSE;
}

static void SetRange(PRTL_BITMAP Map, ULONG Start, ULONG Count, BOOLEAN Value)
{
    for (ULONG i = Start; i < Start + Count;) {
        if (i % 32 == 0 && Start + Count - i >= 32) {
            Map->Buffer[i / 32] = Value ? 0xffffffffu : 0;
            i += 32;
        } else {
            Set(Map, i++, Value);
        }
    }
}

/* How many bits from Start on have that value, at most Limit. */
static ULONG RunLength(const RTL_BITMAP *Map, ULONG Start, ULONG Limit, BOOLEAN Value)
{
    ULONG Count = 0, Whole = Value ? 0xffffffffu : 0;

    while (Count < Limit && Start + Count < Map->SizeOfBitMap) {
        ULONG Bit = Start + Count;

        if (Bit % 32 == 0 && Map->SizeOfBitMap - Bit >= 32 && Map->Buffer[Bit / 32] == Whole)
            Count += 32;
        else if (Get(Map, Bit) == Value)
            Count++;
        else
            break;
    }
    return Count < Limit ? Count : Limit;
}

/* The first run of Count such bits that starts in [From, To). */
static ULONG FindRun(const RTL_BITMAP *Map, ULONG Count, ULONG From, ULONG To, BOOLEAN Value)
{
    for (ULONG i = From; i < To && Count <= Map->SizeOfBitMap - i;) {
        ULONG Length = RunLength(Map, i, Count, Value);

        if (Length == Count)
            return i;
        i += Length + 1;
    }
    return NOT_FOUND;
}

/* From the hint to the end, then from the beginning. */
static ULONG Find(const RTL_BITMAP *Map, ULONG Count, ULONG Hint, BOOLEAN Value)
{
    ULONG Found;

    if (Hint >= Map->SizeOfBitMap)
        Hint = 0;
    Found = FindRun(Map, Count, Hint, Map->SizeOfBitMap, Value);
    return Found != NOT_FOUND || !Hint ? Found : FindRun(Map, Count, 0, Hint, Value);
}

static ULONG CountSet(const RTL_BITMAP *Map)
{
    ULONG Sum = 0, Words = Map->SizeOfBitMap / 32, Rest = Map->SizeOfBitMap % 32;

    for (ULONG i = 0; i < Words; i++)
        Sum += (ULONG)__builtin_popcount(Map->Buffer[i]);
    if (Rest)
        Sum += (ULONG)__builtin_popcount(Map->Buffer[Words] & ((1u << Rest) - 1));
    return Sum;
}

VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap)
{
    DDI_ENTER(RtlInitializeBitMap);
    BitMapHeader->SizeOfBitMap = SizeOfBitMap;
    BitMapHeader->Buffer = BitMapBuffer;
}

VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMapHeader)
{
    DDI_ENTER(RtlClearAllBits);
    __builtin_memset(BitMapHeader->Buffer, 0, (BitMapHeader->SizeOfBitMap + 31) / 32 * 4);
}

VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMapHeader)
{
    DDI_ENTER(RtlSetAllBits);
    __builtin_memset(BitMapHeader->Buffer, 0xff, (BitMapHeader->SizeOfBitMap + 31) / 32 * 4);
}

VOID NTAPI RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    DDI_ENTER(RtlClearBit);
    if (InMap(BitMapHeader, BitNumber, 1, __builtin_return_address(0)))
        SetRange(BitMapHeader, BitNumber, 1, FALSE);
}

VOID NTAPI RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    DDI_ENTER(RtlSetBit);
    if (InMap(BitMapHeader, BitNumber, 1, __builtin_return_address(0)))
        SetRange(BitMapHeader, BitNumber, 1, TRUE);
}

BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    DDI_ENTER(RtlTestBit);
    return InMap(BitMapHeader, BitNumber, 1, __builtin_return_address(0)) &&
           Get(BitMapHeader, BitNumber);
}

VOID NTAPI RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
    DDI_ENTER(RtlClearBits);
    if (InMap(BitMapHeader, StartingIndex, NumberToClear, __builtin_return_address(0)))
        SetRange(BitMapHeader, StartingIndex, NumberToClear, FALSE);
}

VOID NTAPI RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
    DDI_ENTER(RtlSetBits);
    if (InMap(BitMapHeader, StartingIndex, NumberToSet, __builtin_return_address(0)))
        SetRange(BitMapHeader, StartingIndex, NumberToSet, TRUE);
}

ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    DDI_ENTER(RtlFindClearBits);
    return Find(BitMapHeader, NumberToFind, HintIndex, FALSE);
}

ULONG NTAPI RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    DDI_ENTER(RtlFindSetBits);
    return Find(BitMapHeader, NumberToFind, HintIndex, TRUE);
}

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    DDI_ENTER(RtlFindClearBitsAndSet);
    ULONG Found = Find(BitMapHeader, NumberToFind, HintIndex, FALSE);

    if (Found != NOT_FOUND)
        SetRange(BitMapHeader, Found, NumberToFind, TRUE);
    return Found;
}

ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    DDI_ENTER(RtlFindSetBitsAndClear);
    ULONG Found = Find(BitMapHeader, NumberToFind, HintIndex, TRUE);

    if (Found != NOT_FOUND)
        SetRange(BitMapHeader, Found, NumberToFind, FALSE);
    return Found;
}

ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
    DDI_ENTER(RtlNumberOfSetBits);
    return CountSet(BitMapHeader);
}

ULONG NTAPI RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader)
{
    DDI_ENTER(RtlNumberOfClearBits);
    return BitMapHeader->SizeOfBitMap - CountSet(BitMapHeader);
}

BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    DDI_ENTER(RtlAreBitsClear);
    if (!Length || StartingIndex >= BitMapHeader->SizeOfBitMap)
        return FALSE;
    return RunLength(BitMapHeader, StartingIndex, Length, FALSE) == Length;
}

BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    DDI_ENTER(RtlAreBitsSet);
    if (!Length || StartingIndex >= BitMapHeader->SizeOfBitMap)
        return FALSE;
    return RunLength(BitMapHeader, StartingIndex, Length, TRUE) == Length;
}

/* The first run of clear bits at or after FromIndex; its length, 0 when there is none. */
ULONG NTAPI RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                       PULONG StartingRunIndex)
{
    DDI_ENTER(RtlFindNextForwardRunClear);
    ULONG Start = FromIndex;

    if (Start < BitMapHeader->SizeOfBitMap)
        Start += RunLength(BitMapHeader, Start, NOT_FOUND, TRUE);
    *StartingRunIndex = Start;
    return Start < BitMapHeader->SizeOfBitMap ? RunLength(BitMapHeader, Start, NOT_FOUND, FALSE)
                                              : 0;
}

ULONG NTAPI RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    DDI_ENTER(RtlFindFirstRunClear);
    ULONG Start = RunLength(BitMapHeader, 0, NOT_FOUND, TRUE);

    *StartingIndex = Start;
    return Start < BitMapHeader->SizeOfBitMap ? RunLength(BitMapHeader, Start, NOT_FOUND, FALSE)
                                              : 0;
}

ULONG NTAPI RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    DDI_ENTER(RtlFindLongestRunClear);
    ULONG Best = 0;

    *StartingIndex = 0;
    for (ULONG i = 0; i < BitMapHeader->SizeOfBitMap; i++) {
        ULONG Length = RunLength(BitMapHeader, i, NOT_FOUND, FALSE);

        if (Length > Best) {
            Best = Length;
            *StartingIndex = i;
        }
        i += Length;
    }
    return Best;
}
