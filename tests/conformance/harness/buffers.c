/*
 * buffers.c: memory with an MDL, which the test leaves to the harness, and the patterns in it.
 */
#include "harness.h"

#define RESERVE (16 << 20)

static BUFFER *Buffers;

static __declspec(align(16)) UCHAR Reserve[RESERVE];
static SIZE_T ReserveUsed;

PVOID FromReserve(SIZE_T Size)
{
    SIZE_T need = (Size + 15) & ~(SIZE_T)15;

    if (need > RESERVE - ReserveUsed)
        return NULL;
    ReserveUsed += need;
    return &Reserve[ReserveUsed - need];
}

static BOOLEAN InReserve(const VOID *Memory)
{
    return (ULONG_PTR)Memory - (ULONG_PTR)Reserve < RESERVE;
}

static PVOID Allocate(SIZE_T Size)
{
    PVOID memory = NULL;

    for (ULONG i = 0; i < TRIES && !memory; i++)
        memory = ExAllocatePoolWithTag(NonPagedPoolNx, Size, TAG);
    return memory ? memory : FromReserve(Size);
}

static void Free(PVOID Memory)
{
    if (Memory && !InReserve(Memory))
        ExFreePoolWithTag(Memory, TAG);
}

static PMDL AllocateMdl(PVOID Data, SIZE_T Size)
{
    PMDL mdl = NULL;

    for (ULONG i = 0; i < TRIES && !mdl; i++)
        mdl = IoAllocateMdl(Data, (ULONG)Size, FALSE, FALSE, NULL);
    if (mdl)
        return mdl;
    mdl = FromReserve(MmSizeOfMdl(Data, Size));
    if (mdl)
        MmInitializeMdl(mdl, Data, Size);
    return mdl;
}

BUFFER *MakeBuffer(SIZE_T Size)
{
    BUFFER *b = Allocate(sizeof(*b));

    if (!b)
        return NULL;
    RtlZeroMemory(b, sizeof(*b));
    b->Size = Size;
    b->Data = Allocate(Size ? Size : 1);
    if (b->Data && Size)
        b->Buf.Mdl = AllocateMdl(b->Data, Size);
    if (b->Buf.Mdl)
        MmBuildMdlForNonPagedPool(b->Buf.Mdl);
    if (b->Data)
        RtlZeroMemory(b->Data, Size);
    b->Buf.Length = Size;
    b->Next = Buffers;
    Buffers = b;
    return b;
}

void FreeBuffers(void)
{
    while (Buffers) {
        BUFFER *b = Buffers;
        Buffers = b->Next;
        if (b->Buf.Mdl && !InReserve(b->Buf.Mdl))
            IoFreeMdl(b->Buf.Mdl);
        Free(b->Data);
        Free(b);
    }
    ReserveUsed = 0;
}

/*
 * Loops over bytes of which others see nothing before they end: no place for wsksim to preempt at
 * each byte of megabytes.
 */
#if defined(__clang__)
#define WHOLE __attribute__((no_sanitize("coverage")))
#elif defined(__GNUC__)
#define WHOLE __attribute__((no_sanitize_coverage))
#else
#define WHOLE
#endif

WHOLE static UCHAR PatternByte(ULONG Seed, SIZE_T Position)
{
    ULONG x = (ULONG)Position * 2654435761u + Seed * 40503u;
    return (UCHAR)(x >> 13);
}

WHOLE BUFFER *MakePattern(SIZE_T Size, ULONG Seed)
{
    BUFFER *b = MakeBuffer(Size);

    for (SIZE_T i = 0; b && i < Size; i++)
        b->Data[i] = PatternByte(Seed, i);
    return b;
}

WHOLE BOOLEAN IsPattern(const VOID *Data, SIZE_T Size, ULONG Seed, SIZE_T Position)
{
    for (SIZE_T i = 0; i < Size; i++)
        if (((const UCHAR *)Data)[i] != PatternByte(Seed, Position + i))
            return FALSE;
    return TRUE;
}
