/*
 * mi.h: what the files about memory (mdl.c, pages.c, pool.c, lookaside.c) share.
 */
#ifndef OPENWSK_MI_H
#define OPENWSK_MI_H

#include "nt/ki.h"

/* 0 in sanitizer builds, where freed memory must not be used again unnoticed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MI_CACHING 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MI_CACHING 0
#endif
#endif
#ifndef MI_CACHING
#define MI_CACHING 1
#endif

/* Fills the frame numbers in for bytes that really are at `Address` (page offset as the MDL's). */
void MiFillFrames(PMDL Mdl, PVOID Address);
/* Raises STATUS_ACCESS_VIOLATION on the calling thread unless the bytes can be accessed. */
void MiProbe(PVOID Address, SIZE_T Length, BOOLEAN Write);

/*
 * Pool without checks of the arguments, on behalf of `Owner`; NULL when there is none. `Align` is a
 * power of two; 0: as usual for the size.
 */
PVOID ExpAllocatePool(SIZE_T Size, SIZE_T Align, ULONG Tag, BOOLEAN Zero, const void *Owner);
/* Reports what is wrong (double free, other tag unless 0). */
void ExpFreePool(PVOID Block, ULONG Tag, PCSTR Function, const void *Caller);

#endif
