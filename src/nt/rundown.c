/*
 * rundown.c: rundown protection, plain and cache-aware.
 *
 * While the word's bit 0 is clear, it is twice the number of holders. ExWaitForRundownProtection-
 * Release replaces it by the address of a block on its stack with bit 0 set, which moves the count
 * there; from then on acquiring fails and each release counts the block down. The one that brings
 * it to zero sets the block's event and touches nothing afterwards; all others touch nothing after
 * their decrement, so the block may go when the event is set. After the wait the word is 1.
 *
 * The cache-aware kind is one plain word on a cache line of its own: same contract, one line.
 */
#include "nt/kip.h"

#define ACTIVE ((ULONG_PTR)1)
#define ONE    ((ULONG_PTR)2)

struct _EX_RUNDOWN_REF_CACHE_AWARE {
    EX_RUNDOWN_REF Ref;
    UCHAR Pad[64 - sizeof(EX_RUNDOWN_REF)];
};

typedef struct _RUNDOWN_WAIT {
    ULONG_PTR Count;
    KEVENT Event;
} RUNDOWN_WAIT;

static BOOLEAN Acquire(PEX_RUNDOWN_REF ref, ULONG count)
{
    ULONG_PTR seen = __atomic_load_n(&ref->Count, __ATOMIC_RELAXED);

    while (!(seen & ACTIVE))
        if (__atomic_compare_exchange_n(&ref->Count, &seen, seen + count * ONE, FALSE,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return TRUE;
    return FALSE;
}

static void ReportTooMany(PEX_RUNDOWN_REF ref, const void *caller)
{
    vf_report(VF_STOP, "VF-OBJ-01", NULL, caller,
              "rundown protection %p released more often than acquired", (void *)ref);
}

static void Release(PEX_RUNDOWN_REF ref, ULONG count, const void *caller)
{
    ULONG_PTR seen = __atomic_load_n(&ref->Count, __ATOMIC_ACQUIRE);

    while (!(seen & ACTIVE)) {
        if (seen < count * ONE) {
            ReportTooMany(ref, caller);
            return;
        }
        if (__atomic_compare_exchange_n(&ref->Count, &seen, seen - count * ONE, FALSE,
                                        __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
            return;
    }
    if (seen == ACTIVE) {
        ReportTooMany(ref, caller);
        return;
    }
    RUNDOWN_WAIT *wait = (RUNDOWN_WAIT *)(seen & ~ACTIVE);
    if (__atomic_sub_fetch(&wait->Count, count, __ATOMIC_ACQ_REL) == 0)
        KeSetEvent(&wait->Event, 0, FALSE);
}

static void WaitForRelease(PEX_RUNDOWN_REF ref)
{
    RUNDOWN_WAIT wait;
    ULONG_PTR seen = __atomic_load_n(&ref->Count, __ATOMIC_RELAXED);

    KeInitializeEvent(&wait.Event, NotificationEvent, FALSE);
    do {
        if (seen & ACTIVE)
            return;
        wait.Count = seen / ONE;
    } while (!__atomic_compare_exchange_n(&ref->Count, &seen,
                                          seen ? (ULONG_PTR)&wait | ACTIVE : ACTIVE, FALSE,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if (seen == 0)
        return;
    KeWaitForSingleObject(&wait.Event, Executive, KernelMode, FALSE, NULL);
    __atomic_store_n(&ref->Count, ACTIVE, __ATOMIC_RELEASE);
}

static void Set(PEX_RUNDOWN_REF ref, ULONG_PTR value)
{
    __atomic_store_n(&ref->Count, value, __ATOMIC_RELEASE);
}

void NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    DDI_ENTER(ExInitializeRundownProtection);
    Set(RunRef, 0);
}

void NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    DDI_ENTER(ExReInitializeRundownProtection);
    Set(RunRef, 0);
}

void NTAPI ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    DDI_ENTER(ExRundownCompleted);
    Set(RunRef, ACTIVE);
}

BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    DDI_ENTER(ExAcquireRundownProtection);
    return Acquire(RunRef, 1);
}

BOOLEAN NTAPI ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    DDI_ENTER(ExAcquireRundownProtectionEx);
    return Acquire(RunRef, Count);
}

void NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    DDI_ENTER(ExReleaseRundownProtection);
    Release(RunRef, 1, __builtin_return_address(0));
}

void NTAPI ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    DDI_ENTER(ExReleaseRundownProtectionEx);
    Release(RunRef, Count, __builtin_return_address(0));
}

void NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    DDI_ENTER(ExWaitForRundownProtectionRelease);
    WaitForRelease(RunRef);
}

/* ---- cache-aware ---------------------------------------------------------------------------- */

PEX_RUNDOWN_REF_CACHE_AWARE NTAPI ExAllocateCacheAwareRundownProtection(POOL_TYPE PoolType,
                                                                        ULONG PoolTag)
{
    DDI_ENTER(ExAllocateCacheAwareRundownProtection);
    PEX_RUNDOWN_REF_CACHE_AWARE ref;

    UNREFERENCED_PARAMETER(PoolType);
    if (host_choose(2, HOST_CHOOSE_FAULT, "ExAllocateCacheAwareRundownProtection"))
        return NULL;
    ref = host_alloc(sizeof *ref, 64);
    if (!ref)
        return NULL;
    Set(&ref->Ref, 0);
    vf_born(VF_RESOURCE, ref, sizeof *ref, PoolTag, __builtin_return_address(0));
    return ref;
}

void NTAPI ExFreeCacheAwareRundownProtection(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    DDI_ENTER(ExFreeCacheAwareRundownProtection);
    if (!vf_died(VF_RESOURCE, RunRefCacheAware)) {
        vf_report(VF_STOP, "VF-POOL-03", NULL, __builtin_return_address(0),
                  "cache-aware rundown protection %p freed, but not allocated as such",
                  (void *)RunRefCacheAware);
        return;
    }
    host_free(RunRefCacheAware);
}

SIZE_T NTAPI ExSizeOfRundownProtectionCacheAware(void)
{
    DDI_ENTER(ExSizeOfRundownProtectionCacheAware);
    return sizeof(struct _EX_RUNDOWN_REF_CACHE_AWARE);
}

void NTAPI ExInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                   SIZE_T RunRefSize)
{
    DDI_ENTER(ExInitializeRundownProtectionCacheAware);
    UNREFERENCED_PARAMETER(RunRefSize);
    Set((PEX_RUNDOWN_REF)RunRefCacheAware, 0);
}

void NTAPI ExReInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    DDI_ENTER(ExReInitializeRundownProtectionCacheAware);
    Set((PEX_RUNDOWN_REF)RunRefCacheAware, 0);
}

void NTAPI ExRundownCompletedCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    DDI_ENTER(ExRundownCompletedCacheAware);
    Set((PEX_RUNDOWN_REF)RunRefCacheAware, ACTIVE);
}

BOOLEAN NTAPI ExAcquireRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    DDI_ENTER(ExAcquireRundownProtectionCacheAware);
    return Acquire((PEX_RUNDOWN_REF)RunRefCacheAware, 1);
}

BOOLEAN NTAPI ExAcquireRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                     ULONG Count)
{
    DDI_ENTER(ExAcquireRundownProtectionCacheAwareEx);
    return Acquire((PEX_RUNDOWN_REF)RunRefCacheAware, Count);
}

void NTAPI ExReleaseRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    DDI_ENTER(ExReleaseRundownProtectionCacheAware);
    Release((PEX_RUNDOWN_REF)RunRefCacheAware, 1, __builtin_return_address(0));
}

void NTAPI ExReleaseRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRef, ULONG Count)
{
    DDI_ENTER(ExReleaseRundownProtectionCacheAwareEx);
    Release((PEX_RUNDOWN_REF)RunRef, Count, __builtin_return_address(0));
}

void NTAPI ExWaitForRundownProtectionReleaseCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    DDI_ENTER(ExWaitForRundownProtectionReleaseCacheAware);
    WaitForRelease((PEX_RUNDOWN_REF)RunRefCacheAware);
}
