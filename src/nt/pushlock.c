/*
 * pushlock.c: EX_PUSH_LOCK, a reader/writer lock in one pointer-sized word.
 *
 * The word holds a writer flag, a flag "somebody waits" and the number of readers. Without waiters
 * each operation is one compare-exchange. The waiters of all push locks stand in one line; its lock
 * protects the list and every change of a word whose WAITING flag is set. (Several lines would have
 * to be chosen by the word's address, and who meets whom must not depend on that.) A push lock is
 * handed over in order of arrival: to one writer, or to all readers up to the next writer. New
 * readers do not overtake waiters, so writers do not starve.
 *
 * A waiter's entry is on its stack: who grants it holds WaitersLock until the waiter has been
 * unparked, and the waiter passes through that lock before it leaves.
 */
#include "nt/kip.h"

#define WRITER  ((ULONG_PTR)1)
#define WAITING ((ULONG_PTR)2)
#define READER  ((ULONG_PTR)4) /* one of them */
#define READERS (~(ULONG_PTR)3)

typedef struct _WAITER {
    LIST_ENTRY Link;
    ULONG_PTR *Word;
    PKTHREAD Thread;
    BOOLEAN Exclusive;
    LONG Granted;
} WAITER;

static struct host_lock WaitersLock = HOST_LOCK_INIT(HOST_RANK_NT_LEAF);
static LIST_ENTRY Waiters = { &Waiters, &Waiters };

static BOOLEAN TryChange(ULONG_PTR *word, BOOLEAN exclusive)
{
    ULONG_PTR seen = __atomic_load_n(word, __ATOMIC_RELAXED);

    while (exclusive ? seen == 0 : !(seen & (WRITER | WAITING))) {
        ULONG_PTR taken = exclusive ? WRITER : seen + READER;
        if (__atomic_compare_exchange_n(word, &seen, taken, FALSE, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return TRUE;
    }
    return FALSE;
}

/* Under WaitersLock: takes the lock after all, or leaves WAITING set. */
static BOOLEAN TakeOrMark(ULONG_PTR *word, BOOLEAN exclusive)
{
    ULONG_PTR seen = __atomic_load_n(word, __ATOMIC_RELAXED);

    for (;;) {
        if (TryChange(word, exclusive))
            return TRUE;
        seen = __atomic_load_n(word, __ATOMIC_RELAXED);
        if (seen & WAITING)
            return FALSE;
        if (seen != 0 && __atomic_compare_exchange_n(word, &seen, seen | WAITING, FALSE,
                                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return FALSE;
        }
    }
}

static void Wait(ULONG_PTR *word, BOOLEAN exclusive, const void *caller)
{
    PKTHREAD thread = KiThread();
    WAITER waiter = { .Word = word, .Thread = thread, .Exclusive = exclusive };

    host_lock(&WaitersLock);
    BOOLEAN taken = TakeOrMark(word, exclusive);
    if (!taken)
        InsertTailList(&Waiters, &waiter.Link);
    host_unlock(&WaitersLock);
    if (taken)
        return;
    if (thread->Irql >= DISPATCH_LEVEL)
        vf_report(VF_STOP, "VF-IRQL-05", NULL, caller, "push lock %p would block at IRQL %u",
                  (void *)word, thread->Irql);
    if (thread->Worker)
        KipWorkerBlocks();
    while (!__atomic_load_n(&waiter.Granted, __ATOMIC_ACQUIRE))
        host_park(HOST_FOREVER);
    if (thread->Worker)
        KipWorkerResumes();
    host_lock(&WaitersLock);
    host_unlock(&WaitersLock);
}

static void Grant(WAITER *waiter)
{
    RemoveEntryList(&waiter->Link);
    __atomic_store_n(&waiter->Granted, 1, __ATOMIC_RELEASE);
    host_unpark(waiter->Thread->Host);
}

static WAITER *NextWaiter(const ULONG_PTR *word, PLIST_ENTRY from)
{
    for (PLIST_ENTRY e = from; e != &Waiters; e = e->Flink) {
        WAITER *waiter = CONTAINING_RECORD(e, WAITER, Link);
        if (waiter->Word == word)
            return waiter;
    }
    return NULL;
}

/* Under WaitersLock, nobody holds the push lock: gives it to the first in line. */
static void HandOver(ULONG_PTR *word)
{
    WAITER *waiter = NextWaiter(word, Waiters.Flink);
    LIST_ENTRY granted;
    ULONG_PTR holds = 0;

    InitializeListHead(&granted);
    while (waiter && (holds == 0 || !waiter->Exclusive)) {
        PLIST_ENTRY after = waiter->Link.Flink;
        holds += waiter->Exclusive ? WRITER : READER;
        RemoveEntryList(&waiter->Link);
        InsertTailList(&granted, &waiter->Link);
        waiter = NextWaiter(word, after);
        if (holds == WRITER)
            break;
    }
    /* The last access to the word: from here on its new holders may free it. */
    __atomic_store_n(word, holds | (waiter ? WAITING : 0), __ATOMIC_RELEASE);
    while (!IsListEmpty(&granted))
        Grant(CONTAINING_RECORD(granted.Flink, WAITER, Link));
}

static void Acquire(ULONG_PTR *word, BOOLEAN exclusive, const char *name, const void *caller)
{
    PKTHREAD thread = KiThread();

    if (!thread->SystemThread && thread->Irql == PASSIVE_LEVEL && !thread->CriticalRegion &&
        !thread->GuardedRegion)
        vf_report(VF_STOP, "VF-LOCK-07", NULL, caller,
                  "%s with APCs enabled; enter a critical region first", name);
    if (!TryChange(word, exclusive))
        Wait(word, exclusive, caller);
}

static void Release(ULONG_PTR *word, BOOLEAN exclusive, const void *caller)
{
    ULONG_PTR seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    ULONG_PTR mine = exclusive ? WRITER : READER;

    if (exclusive ? !(seen & WRITER) : (seen & WRITER) || !(seen & READERS)) {
        vf_report(VF_STOP, "VF-LOCK-02", NULL, caller,
                  "push lock %p released as %s; it is not held so", (void *)word,
                  exclusive ? "exclusive" : "shared");
        return;
    }
    while (!(seen & WAITING))
        if (__atomic_compare_exchange_n(word, &seen, seen - mine, FALSE, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return;
    host_lock(&WaitersLock);
    if (__atomic_sub_fetch(word, mine, __ATOMIC_ACQ_REL) == WAITING)
        HandOver(word);
    host_unlock(&WaitersLock);
}

void NTAPI ExInitializePushLock(PEX_PUSH_LOCK PushLock)
{
    DDI_ENTER(ExInitializePushLock);
    __atomic_store_n((ULONG_PTR *)PushLock, 0, __ATOMIC_RELEASE);
}

void NTAPI ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    DDI_ENTER(ExAcquirePushLockExclusiveEx);
    UNREFERENCED_PARAMETER(Flags);
    Acquire((ULONG_PTR *)PushLock, TRUE, "ExAcquirePushLockExclusive", __builtin_return_address(0));
}

void NTAPI ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    DDI_ENTER(ExAcquirePushLockSharedEx);
    UNREFERENCED_PARAMETER(Flags);
    Acquire((ULONG_PTR *)PushLock, FALSE, "ExAcquirePushLockShared", __builtin_return_address(0));
}

void NTAPI ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    DDI_ENTER(ExReleasePushLockExclusiveEx);
    UNREFERENCED_PARAMETER(Flags);
    Release((ULONG_PTR *)PushLock, TRUE, __builtin_return_address(0));
}

void NTAPI ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    DDI_ENTER(ExReleasePushLockSharedEx);
    UNREFERENCED_PARAMETER(Flags);
    Release((ULONG_PTR *)PushLock, FALSE, __builtin_return_address(0));
}

/* For callers that do not know how they hold it. */
void NTAPI ExReleasePushLockEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    DDI_ENTER(ExReleasePushLockEx);
    ULONG_PTR seen = __atomic_load_n((ULONG_PTR *)PushLock, __ATOMIC_RELAXED);

    UNREFERENCED_PARAMETER(Flags);
    Release((ULONG_PTR *)PushLock, (seen & WRITER) != 0, __builtin_return_address(0));
}
