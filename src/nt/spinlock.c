/*
 * spinlock.c: KSPIN_LOCK, in-stack queued spin locks, EX_SPIN_LOCK.
 *
 * A held KSPIN_LOCK contains its owner's KTHREAD, bit 0 set, and bit 1 when it was acquired as a
 * queued lock; so recursion, release by a stranger and release by the wrong routine are seen for
 * free. Raising to DISPATCH_LEVEL comes first and occupies a processor: who spins here holds one,
 * and the owner holds another, so the owner makes progress.
 *
 * An EX_SPIN_LOCK counts its readers; bit 31 is the writer, bit 30 a writer that waits and keeps
 * new readers out.
 */
#include "nt/kip.h"

#define HELD        ((KSPIN_LOCK)1)
#define HELD_QUEUED ((KSPIN_LOCK)2)
#define HELD_FLAGS  ((KSPIN_LOCK)3)
#define EX_WRITER   ((LONG)0x80000000)
#define EX_WAITING  ((LONG)0x40000000)
#define EX_READERS  ((LONG)0x3fffffff)

/* ---- KSPIN_LOCK ----------------------------------------------------------------------------- */

static BOOLEAN TryLock(PKSPIN_LOCK lock, PKTHREAD thread, KSPIN_LOCK flags)
{
    KSPIN_LOCK free = 0;

    if (!__atomic_compare_exchange_n(lock, &free, (KSPIN_LOCK)thread | flags, FALSE,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return FALSE;
    thread->SpinLocks++;
    return TRUE;
}

static void Lock(PKSPIN_LOCK lock, PKTHREAD thread, KSPIN_LOCK flags, const void *caller)
{
    unsigned rounds = 0;

    while (!TryLock(lock, thread, flags)) {
        KSPIN_LOCK seen = __atomic_load_n(lock, __ATOMIC_RELAXED);
        if ((seen & ~HELD_FLAGS) == (KSPIN_LOCK)thread) {
            vf_report(VF_STOP, "VF-LOCK-01", NULL, caller,
                      "spin lock %p acquired again by the thread that holds it", (void *)lock);
            return;
        }
        if (seen && !(seen & HELD)) {
            vf_report(VF_STOP, "VF-LOCK-04", NULL, caller,
                      "spin lock %p contains %#llx: it is not initialised", (void *)lock,
                      (unsigned long long)seen);
            __atomic_store_n(lock, 0, __ATOMIC_RELAXED);
        }
        host_spin(&rounds, "spin lock");
    }
}

static void Unlock(PKSPIN_LOCK lock, PKTHREAD thread, KSPIN_LOCK flags, const void *caller)
{
    KSPIN_LOCK seen = __atomic_load_n(lock, __ATOMIC_RELAXED);

    if (__builtin_expect(seen != ((KSPIN_LOCK)thread | flags), 0)) {
        if ((seen & ~HELD_FLAGS) == (KSPIN_LOCK)thread) {
            vf_report(VF_STOP, "VF-LOCK-05", NULL, caller,
                      "spin lock %p acquired as %s and released as %s spin lock", (void *)lock,
                      seen & HELD_QUEUED ? "a queued" : "an ordinary",
                      flags & HELD_QUEUED ? "a queued" : "an ordinary");
        } else {
            vf_report(VF_STOP, "VF-LOCK-02", NULL, caller,
                      "spin lock %p released by a thread that does not hold it (%s)", (void *)lock,
                      seen ? "another one does" : "nobody does");
            return;
        }
    }
    thread->SpinLocks--;
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

void NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    DDI_ENTER(KeInitializeSpinLock);
    __atomic_store_n(SpinLock, 0, __ATOMIC_RELEASE);
}

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    DDI_ENTER(KeAcquireSpinLockRaiseToDpc);
    KIRQL old = KiRaiseIrql(DISPATCH_LEVEL);

    Lock(SpinLock, KiThread(), HELD, __builtin_return_address(0));
    return old;
}

static void CheckRelease(KIRQL irql, const void *caller)
{
    if (irql > DISPATCH_LEVEL)
        vf_report(VF_STOP, "VF-LOCK-02", NULL, caller,
                  "spin lock released to IRQL %u, above that at which it was held", irql);
}

void NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    DDI_ENTER(KeReleaseSpinLock);
    CheckRelease(NewIrql, __builtin_return_address(0));
    Unlock(SpinLock, KiThread(), HELD, __builtin_return_address(0));
    KiLowerIrql(NewIrql);
}

void NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    DDI_ENTER(KeAcquireSpinLockAtDpcLevel);
    Lock(SpinLock, KiThread(), HELD, __builtin_return_address(0));
}

void NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    DDI_ENTER(KeReleaseSpinLockFromDpcLevel);
    Unlock(SpinLock, KiThread(), HELD, __builtin_return_address(0));
}

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    DDI_ENTER(KeTryToAcquireSpinLockAtDpcLevel);
    return TryLock(SpinLock, KiThread(), HELD);
}

BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    DDI_ENTER(KeTestSpinLock);
    return __atomic_load_n(SpinLock, __ATOMIC_ACQUIRE) == 0;
}

/* Raises to DISPATCH_LEVEL if the caller is below it; returns the IRQL to go back to. */
KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    DDI_ENTER(KeAcquireSpinLockForDpc);
    KIRQL old = KiRaiseIrql(DISPATCH_LEVEL);

    Lock(SpinLock, KiThread(), HELD, __builtin_return_address(0));
    return old;
}

void NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    DDI_ENTER(KeReleaseSpinLockForDpc);
    Unlock(SpinLock, KiThread(), HELD, __builtin_return_address(0));
    KiLowerIrql(OldIrql);
}

/* ---- in-stack queued spin locks ------------------------------------------------------------- */

static void LockQueued(PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle, const void *caller)
{
    handle->LockQueue.Next = NULL;
    handle->LockQueue.Lock = lock;
    Lock(lock, KiThread(), HELD | HELD_QUEUED, caller);
}

void NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    DDI_ENTER(KeAcquireInStackQueuedSpinLock);
    LockHandle->OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LockQueued(SpinLock, LockHandle, __builtin_return_address(0));
}

void NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    DDI_ENTER(KeReleaseInStackQueuedSpinLock);
    Unlock((PKSPIN_LOCK)LockHandle->LockQueue.Lock, KiThread(), HELD | HELD_QUEUED,
           __builtin_return_address(0));
    KiLowerIrql(LockHandle->OldIrql);
}

void NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
                                                    PKLOCK_QUEUE_HANDLE LockHandle)
{
    DDI_ENTER(KeAcquireInStackQueuedSpinLockAtDpcLevel);
    LockQueued(SpinLock, LockHandle, __builtin_return_address(0));
}

void NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    DDI_ENTER(KeReleaseInStackQueuedSpinLockFromDpcLevel);
    Unlock((PKSPIN_LOCK)LockHandle->LockQueue.Lock, KiThread(), HELD | HELD_QUEUED,
           __builtin_return_address(0));
}

void NTAPI KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock,
                                                PKLOCK_QUEUE_HANDLE LockHandle)
{
    DDI_ENTER(KeAcquireInStackQueuedSpinLockForDpc);
    LockHandle->OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LockQueued(SpinLock, LockHandle, __builtin_return_address(0));
}

void NTAPI KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle)
{
    DDI_ENTER(KeReleaseInStackQueuedSpinLockForDpc);
    Unlock((PKSPIN_LOCK)LockHandle->LockQueue.Lock, KiThread(), HELD | HELD_QUEUED,
           __builtin_return_address(0));
    KiLowerIrql(LockHandle->OldIrql);
}

/* ---- EX_SPIN_LOCK --------------------------------------------------------------------------- */

static BOOLEAN TryShared(PEX_SPIN_LOCK lock)
{
    LONG seen = __atomic_load_n(lock, __ATOMIC_RELAXED);

    while (!(seen & (EX_WRITER | EX_WAITING)))
        if (__atomic_compare_exchange_n(lock, &seen, seen + 1, FALSE, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            KiThread()->SpinLocks++;
            return TRUE;
        }
    return FALSE;
}

/* Free, or only waited for by writers: whoever comes first becomes the writer. */
static BOOLEAN TryExclusive(PEX_SPIN_LOCK lock)
{
    LONG seen = __atomic_load_n(lock, __ATOMIC_RELAXED);

    while (!(seen & (EX_WRITER | EX_READERS)))
        if (__atomic_compare_exchange_n(lock, &seen, EX_WRITER, FALSE, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            KiThread()->SpinLocks++;
            return TRUE;
        }
    return FALSE;
}

static void LockShared(PEX_SPIN_LOCK lock)
{
    unsigned rounds = 0;

    while (!TryShared(lock))
        host_spin(&rounds, "EX_SPIN_LOCK shared");
}

static void LockExclusive(PEX_SPIN_LOCK lock)
{
    unsigned rounds = 0;

    while (!TryExclusive(lock)) {
        /* Said again in each round: the writer before clears it for all. */
        __atomic_fetch_or(lock, EX_WAITING, __ATOMIC_RELAXED);
        host_spin(&rounds, "EX_SPIN_LOCK exclusive");
    }
}

static void UnlockShared(PEX_SPIN_LOCK lock, const void *caller)
{
    LONG seen = __atomic_load_n(lock, __ATOMIC_RELAXED);

    if (seen & EX_WRITER || !(seen & EX_READERS)) {
        vf_report(VF_STOP, "VF-LOCK-02", NULL, caller,
                  "reader/writer spin lock %p released as shared; it is %s", (void *)lock,
                  seen & EX_WRITER ? "held exclusive" : "free");
        return;
    }
    KiThread()->SpinLocks--;
    __atomic_fetch_sub(lock, 1, __ATOMIC_RELEASE);
}

static void UnlockExclusive(PEX_SPIN_LOCK lock, const void *caller)
{
    LONG seen = __atomic_load_n(lock, __ATOMIC_RELAXED);

    if (!(seen & EX_WRITER)) {
        vf_report(VF_STOP, "VF-LOCK-02", NULL, caller,
                  "reader/writer spin lock %p released as exclusive; it is %s", (void *)lock,
                  seen & EX_READERS ? "held shared" : "free");
        return;
    }
    KiThread()->SpinLocks--;
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

KIRQL NTAPI ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExAcquireSpinLockShared);
    KIRQL old = KiRaiseIrql(DISPATCH_LEVEL);

    LockShared(SpinLock);
    return old;
}

KIRQL NTAPI ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExAcquireSpinLockExclusive);
    KIRQL old = KiRaiseIrql(DISPATCH_LEVEL);

    LockExclusive(SpinLock);
    return old;
}

void NTAPI ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    DDI_ENTER(ExReleaseSpinLockShared);
    UnlockShared(SpinLock, __builtin_return_address(0));
    KiLowerIrql(OldIrql);
}

void NTAPI ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    DDI_ENTER(ExReleaseSpinLockExclusive);
    UnlockExclusive(SpinLock, __builtin_return_address(0));
    KiLowerIrql(OldIrql);
}

void NTAPI ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExAcquireSpinLockSharedAtDpcLevel);
    LockShared(SpinLock);
}

void NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExAcquireSpinLockExclusiveAtDpcLevel);
    LockExclusive(SpinLock);
}

void NTAPI ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExReleaseSpinLockSharedFromDpcLevel);
    UnlockShared(SpinLock, __builtin_return_address(0));
}

void NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExReleaseSpinLockExclusiveFromDpcLevel);
    UnlockExclusive(SpinLock, __builtin_return_address(0));
}

LOGICAL NTAPI ExTryAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExTryAcquireSpinLockSharedAtDpcLevel);
    return TryShared(SpinLock);
}

LOGICAL NTAPI ExTryAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExTryAcquireSpinLockExclusiveAtDpcLevel);
    return TryExclusive(SpinLock);
}

/* TRUE: the only reader is now the writer. FALSE: there are others; still held shared. */
LOGICAL NTAPI ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    DDI_ENTER(ExTryConvertSharedSpinLockExclusive);
    LONG seen = __atomic_load_n(SpinLock, __ATOMIC_RELAXED);

    while ((seen & EX_READERS) == 1 && !(seen & EX_WRITER))
        if (__atomic_compare_exchange_n(SpinLock, &seen, EX_WRITER, FALSE, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return TRUE;
    return FALSE;
}
