/*
 * interlocked.c: ExInterlocked* list routines and the sequenced singly linked lists (SLIST).
 *
 * The ExInterlocked routines may be called at any IRQL: they hold the caller's spin lock for a few
 * instructions and spin for it without raising. Nobody who holds it can be kept from going on by
 * the one who spins, because nothing interrupts a thread here.
 *
 * An SLIST is not lock-free here: bit 0 of the header's second word, one of the bits that the
 * 16-byte alignment of the entries leaves free, is held for a few instructions. A lock-free pop
 * reads the next pointer of an entry that another thread may have popped and freed meanwhile;
 * Windows hides the fault, a sanitizer would report it.
 */
#include "nt/kip.h"

#define SLIST_BUSY  1ull
#define SLIST_FLAGS 15ull

/* ---- lists under a spin lock ---------------------------------------------------------------- */

static void Lock(PKSPIN_LOCK lock, const void *caller)
{
    unsigned rounds = 0;
    KSPIN_LOCK free = 0;

    while (!__atomic_compare_exchange_n(lock, &free, (KSPIN_LOCK)KiThread() | 1, FALSE,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        if ((free & ~(KSPIN_LOCK)3) == (KSPIN_LOCK)KiThread())
            vf_report(VF_STOP, "VF-LOCK-01", NULL, caller,
                      "spin lock %p used by an ExInterlocked routine while its caller holds it",
                      (void *)lock);
        free = 0;
        host_spin(&rounds, "ExInterlocked");
    }
}

static void Unlock(PKSPIN_LOCK lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock_)
{
    DDI_ENTER(ExInterlockedInsertHeadList);
    PLIST_ENTRY first;

    Lock(Lock_, __builtin_return_address(0));
    first = ListHead->Flink;
    InsertHeadList(ListHead, ListEntry);
    Unlock(Lock_);
    return first == ListHead ? NULL : first;
}

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock_)
{
    DDI_ENTER(ExInterlockedInsertTailList);
    PLIST_ENTRY last;

    Lock(Lock_, __builtin_return_address(0));
    last = ListHead->Blink;
    InsertTailList(ListHead, ListEntry);
    Unlock(Lock_);
    return last == ListHead ? NULL : last;
}

PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock_)
{
    DDI_ENTER(ExInterlockedRemoveHeadList);
    PLIST_ENTRY entry = NULL;

    Lock(Lock_, __builtin_return_address(0));
    if (!IsListEmpty(ListHead))
        entry = RemoveHeadList(ListHead);
    Unlock(Lock_);
    return entry;
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                    PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock_)
{
    DDI_ENTER(ExInterlockedPushEntryList);
    PSINGLE_LIST_ENTRY first;

    Lock(Lock_, __builtin_return_address(0));
    first = ListHead->Next;
    ListEntry->Next = first;
    ListHead->Next = ListEntry;
    Unlock(Lock_);
    return first;
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock_)
{
    DDI_ENTER(ExInterlockedPopEntryList);
    PSINGLE_LIST_ENTRY first;

    Lock(Lock_, __builtin_return_address(0));
    first = ListHead->Next;
    if (first)
        ListHead->Next = first->Next;
    Unlock(Lock_);
    return first;
}

LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                 PKSPIN_LOCK Lock_)
{
    DDI_ENTER(ExInterlockedAddLargeInteger);
    LARGE_INTEGER old;

    Lock(Lock_, __builtin_return_address(0));
    old.QuadPart = __atomic_fetch_add(&Addend->QuadPart, Increment.QuadPart, __ATOMIC_SEQ_CST);
    Unlock(Lock_);
    return old;
}

ULONG NTAPI ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock_)
{
    DDI_ENTER(ExInterlockedAddUlong);
    ULONG old;

    Lock(Lock_, __builtin_return_address(0));
    old = __atomic_fetch_add(Addend, Increment, __ATOMIC_SEQ_CST);
    Unlock(Lock_);
    return old;
}

/* ---- SLIST ---------------------------------------------------------------------------------- */

static PSLIST_ENTRY LockList(PSLIST_HEADER head)
{
    ULONGLONG seen = __atomic_load_n(&head->Region, __ATOMIC_RELAXED) & ~SLIST_BUSY;
    unsigned rounds = 0;

    while (!__atomic_compare_exchange_n(&head->Region, &seen, seen | SLIST_BUSY, FALSE,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        if (seen & SLIST_BUSY)
            host_spin(&rounds, "SLIST");
        seen &= ~SLIST_BUSY;
    }
    return (PSLIST_ENTRY)(ULONG_PTR)(seen & ~SLIST_FLAGS);
}

/* The first word holds the depth in its lower 16 bits and a sequence number in the rest. */
static void UnlockList(PSLIST_HEADER head, PSLIST_ENTRY first, USHORT depth)
{
    ULONGLONG word = __atomic_load_n(&head->Alignment, __ATOMIC_RELAXED);

    word = ((word & ~0xffffull) + 0x10000) | depth;
    __atomic_store_n(&head->Alignment, word, __ATOMIC_RELAXED);
    __atomic_store_n(&head->Region, (ULONGLONG)(ULONG_PTR)first, __ATOMIC_RELEASE);
}

static USHORT Depth(PSLIST_HEADER head)
{
    return (USHORT)__atomic_load_n(&head->Alignment, __ATOMIC_RELAXED);
}

PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
    DDI_ENTER(ExpInterlockedPushEntrySList);
    PSLIST_ENTRY first = LockList(ListHead);

    ListEntry->Next = first;
    UnlockList(ListHead, ListEntry, (USHORT)(Depth(ListHead) + 1));
    return first;
}

PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
    DDI_ENTER(ExpInterlockedPopEntrySList);
    PSLIST_ENTRY first;

    /* Empty lists are popped often (lookaside lists): they need no lock. */
    if (!(__atomic_load_n(&ListHead->Region, __ATOMIC_ACQUIRE) & ~SLIST_FLAGS))
        return NULL;
    first = LockList(ListHead);
    if (first)
        UnlockList(ListHead, first->Next, (USHORT)(Depth(ListHead) - 1));
    else
        UnlockList(ListHead, NULL, 0);
    return first;
}

PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
    DDI_ENTER(ExpInterlockedFlushSList);
    PSLIST_ENTRY first = LockList(ListHead);

    UnlockList(ListHead, NULL, 0);
    return first;
}

void NTAPI InitializeSListHead(PSLIST_HEADER SListHead)
{
    DDI_ENTER(InitializeSListHead);
    SListHead->Alignment = 0;
    __atomic_store_n(&SListHead->Region, 0, __ATOMIC_RELEASE);
}

void NTAPI ExInitializeSListHead(PSLIST_HEADER SListHead)
{
    DDI_ENTER(ExInitializeSListHead);
    SListHead->Alignment = 0;
    __atomic_store_n(&SListHead->Region, 0, __ATOMIC_RELEASE);
}

USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER SListHead)
{
    DDI_ENTER(ExQueryDepthSList);
    return Depth(SListHead);
}

PSLIST_ENTRY NTAPI RtlFirstEntrySList(const SLIST_HEADER *SListHead)
{
    DDI_ENTER(RtlFirstEntrySList);
    ULONGLONG word = __atomic_load_n(&SListHead->Region, __ATOMIC_ACQUIRE);

    return (PSLIST_ENTRY)(ULONG_PTR)(word & ~SLIST_FLAGS);
}
