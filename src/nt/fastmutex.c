/*
 * fastmutex.c: fast mutexes and guarded mutexes, one structure with two ways of keeping APCs out: a
 * fast mutex raises to APC_LEVEL, a guarded mutex enters a guarded region; the Unsafe routines
 * leave that to the caller.
 *
 * Count is 1 when free, 0 when owned, -n when n threads wait. Who brings it below 0 waits on the
 * synchronization event; who releases and finds waiters sets it, and that hands the mutex to the
 * longest waiter. Nothing of the mutex is touched after the increment that frees it or the
 * KeSetEvent that hands it over, so its next owner may free it.
 */
#include "nt/kip.h"

/* Drivers and the verifier look at these from other threads. */
static void SetOwner(PFAST_MUTEX mutex, PKTHREAD owner)
{
    __atomic_store_n(&mutex->Owner, owner, __ATOMIC_RELAXED);
}

static BOOLEAN IsOwner(PFAST_MUTEX mutex)
{
    return (PKTHREAD)__atomic_load_n(&mutex->Owner, __ATOMIC_RELAXED) == KiThread();
}

static void Acquire(PFAST_MUTEX mutex, const void *caller)
{
    if (IsOwner(mutex)) {
        vf_report(VF_STOP, "VF-LOCK-01", NULL, caller,
                  "mutex %p acquired again by the thread that owns it", (void *)mutex);
        return;
    }
    if (__atomic_sub_fetch(&mutex->Count, 1, __ATOMIC_ACQUIRE) != 0) {
        __atomic_fetch_add(&mutex->Contention, 1, __ATOMIC_RELAXED);
        KeWaitForSingleObject(&mutex->Event, WrMutex, KernelMode, FALSE, NULL);
    }
    SetOwner(mutex, KiThread());
}

static BOOLEAN TryAcquire(PFAST_MUTEX mutex)
{
    LONG free = 1;

    if (!__atomic_compare_exchange_n(&mutex->Count, &free, 0, FALSE, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return FALSE;
    SetOwner(mutex, KiThread());
    return TRUE;
}

static void Release(PFAST_MUTEX mutex, const void *caller)
{
    if (!IsOwner(mutex)) {
        vf_report(VF_STOP, "VF-LOCK-02", NULL, caller,
                  "mutex %p released by a thread that does not own it", (void *)mutex);
        return;
    }
    SetOwner(mutex, NULL);
    if (__atomic_add_fetch(&mutex->Count, 1, __ATOMIC_RELEASE) <= 0)
        KeSetEvent(&mutex->Event, 0, FALSE);
}

static void CheckUnsafe(const char *name, const void *caller)
{
    if (!KeAreApcsDisabled() && KiThread()->Irql < APC_LEVEL && !KiThread()->SystemThread)
        vf_report(VF_STOP, "VF-LOCK-07", NULL, caller,
                  "%s with APCs enabled; enter a critical region first", name);
}

/* ---- fast mutexes --------------------------------------------------------------------------- */

void NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    DDI_ENTER(ExAcquireFastMutex);
    KIRQL old = KiRaiseIrql(APC_LEVEL);

    Acquire(FastMutex, __builtin_return_address(0));
    FastMutex->OldIrql = old;
}

void NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    DDI_ENTER(ExReleaseFastMutex);
    KIRQL old = (KIRQL)FastMutex->OldIrql;

    Release(FastMutex, __builtin_return_address(0));
    KiLowerIrql(old);
}

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    DDI_ENTER(ExTryToAcquireFastMutex);
    KIRQL old = KiRaiseIrql(APC_LEVEL);

    if (!TryAcquire(FastMutex)) {
        KiLowerIrql(old);
        return FALSE;
    }
    FastMutex->OldIrql = old;
    return TRUE;
}

void NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    DDI_ENTER(ExAcquireFastMutexUnsafe);
    CheckUnsafe("ExAcquireFastMutexUnsafe", __builtin_return_address(0));
    Acquire(FastMutex, __builtin_return_address(0));
}

void NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    DDI_ENTER(ExReleaseFastMutexUnsafe);
    Release(FastMutex, __builtin_return_address(0));
}

/* ---- guarded mutexes ------------------------------------------------------------------------ */

C_ASSERT(FIELD_OFFSET(KGUARDED_MUTEX, Owner) == FIELD_OFFSET(FAST_MUTEX, Owner));
C_ASSERT(FIELD_OFFSET(KGUARDED_MUTEX, Event) == FIELD_OFFSET(FAST_MUTEX, Event));

/* The two differ in the last field only, which their own routines use. */
static PFAST_MUTEX AsFast(PKGUARDED_MUTEX mutex)
{
    return (PFAST_MUTEX)(PVOID)mutex;
}

void NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    DDI_ENTER(KeInitializeGuardedMutex);
    RtlZeroMemory(Mutex, sizeof *Mutex);
    Mutex->Count = 1;
    KeInitializeEvent(&Mutex->Event, SynchronizationEvent, FALSE);
}

void NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    DDI_ENTER(KeAcquireGuardedMutex);
    KiThread()->GuardedRegion++;
    Acquire(AsFast(Mutex), __builtin_return_address(0));
}

void NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    DDI_ENTER(KeReleaseGuardedMutex);
    Release(AsFast(Mutex), __builtin_return_address(0));
    KeLeaveGuardedRegion();
}

BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    DDI_ENTER(KeTryToAcquireGuardedMutex);
    if (!TryAcquire(AsFast(Mutex)))
        return FALSE;
    KiThread()->GuardedRegion++;
    return TRUE;
}

void NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    DDI_ENTER(KeAcquireGuardedMutexUnsafe);
    CheckUnsafe("KeAcquireGuardedMutexUnsafe", __builtin_return_address(0));
    Acquire(AsFast(Mutex), __builtin_return_address(0));
}

void NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    DDI_ENTER(KeReleaseGuardedMutexUnsafe);
    Release(AsFast(Mutex), __builtin_return_address(0));
}
