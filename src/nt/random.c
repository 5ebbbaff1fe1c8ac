/*
 * random.c: the pseudo-random routines, whose whole state is the caller's seed, and UUIDs.
 *
 * The same seed gives the same series on every run, which the simulated world relies on; the series
 * are not those of Windows. Any IRQL as far as the documentation allows.
 */
#include "nt/kip.h"
#include "nt/rtlp.h"

static ULONG64 Uuids; /* made so far; atomic */

void KipForgetUuids(void)
{
    Uuids = 0;
}

/* splitmix64: one step of a good 64-bit mixer. */
static ULONG64 Mix(ULONG64 x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* A number in [0, MAXLONG - 1]; the next seed lies in the same range. */
static ULONG Draw(PULONG Seed)
{
    ULONG64 Mixed = Mix(*Seed);

    *Seed = (ULONG)(Mixed >> 32) % MAXLONG;
    return (ULONG)Mixed % MAXLONG;
}

ULONG NTAPI RtlRandom(PULONG Seed)
{
    DDI_ENTER(RtlRandom);
    return Draw(Seed);
}

ULONG NTAPI RtlRandomEx(PULONG Seed)
{
    DDI_ENTER(RtlRandomEx);
    return Draw(Seed);
}

/* The documented linear congruential series. */
ULONG NTAPI RtlUniform(PULONG Seed)
{
    DDI_ENTER(RtlUniform);
    *Seed = (ULONG)((0x7fffffedull * *Seed + 0x7fffffc3) % 0x7fffffff);
    return *Seed;
}

/* Unique rather than secret: time and a counter, in the form of a version 4 UUID. */
NTSTATUS NTAPI ExUuidCreate(UUID *Uuid)
{
    ULONG64 Words[2];

    DDI_ENTER(ExUuidCreate);
    Words[0] = Mix((ULONG64)host_wall() + Mix(__atomic_add_fetch(&Uuids, 1, __ATOMIC_RELAXED)));
    Words[1] = Mix(Words[0] ^ (ULONG64)host_now());
    __builtin_memcpy(Uuid, Words, sizeof *Uuid);
    Uuid->Data3 = (USHORT)((Uuid->Data3 & 0x0fff) | 0x4000);
    Uuid->Data4[0] = (UCHAR)((Uuid->Data4[0] & 0x3f) | 0x80);
    return STATUS_SUCCESS;
}
