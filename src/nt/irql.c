/*
 * irql.c: the IRQL of the calling thread, and who occupies which processor.
 *
 * A thread that goes to >= DISPATCH_LEVEL occupies a virtual processor until it goes below; at most
 * one thread occupies a processor. Uncontended this is one compare-exchange each way on the
 * processor's own cache line (KI_PROCESSOR.Occupant).
 *
 * Who finds all its processors occupied spins a little, because stays at DISPATCH_LEVEL are short,
 * and then parks in one first-in-first-out list (WaitersLock). The one who leaves hands the
 * processor over to the first fitting waiter instead of freeing it: a loop thread whose processor
 * is used in turn by busy driver threads would otherwise never win the race for it. The price, a
 * thread switch per handover, is paid only when somebody has waited longer than the spin.
 *
 * No wake-up is lost: a waiter first joins the list and then, by compare-exchange, either takes a
 * processor that is free or sets bit 0 of its Occupant. A leaver whose compare-exchange from
 * "I" to "free" fails has seen the bit and goes to the list.
 */
#include "nt/kip.h"

#define OCCUPY_SPINS 40
#define SYNCH_LEVEL  12 /* on x64 */
#define WAITED_FOR   ((ULONG_PTR)1)

typedef struct _WAITER {
    LIST_ENTRY Link;
    PKTHREAD Thread;
    KAFFINITY Allowed;
    KI_PROCESSOR *Granted; /* atomic; set by who hands over, after the entry left the list */
} WAITER;

static struct host_lock WaitersLock = HOST_LOCK_INIT(HOST_RANK_NT_LEAF);
static LIST_ENTRY Waiters = { &Waiters, &Waiters };

static BOOLEAN TryOne(PKTHREAD thread, KI_PROCESSOR *processor)
{
    ULONG_PTR free = 0;

    if (__atomic_load_n(&processor->Occupant, __ATOMIC_RELAXED) != 0)
        return FALSE;
    if (!__atomic_compare_exchange_n(&processor->Occupant, &free, (ULONG_PTR)thread, FALSE,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return FALSE;
    thread->Processor = processor;
    return TRUE;
}

static KAFFINITY AllowedProcessors(PKTHREAD thread, KAFFINITY allowed)
{
    if (thread->Home) {
        HOST_ASSERT(thread->Home->Number < KI_MAX_PROCESSORS);
        return (KAFFINITY)1 << thread->Home->Number;
    }
    if (!allowed)
        allowed = thread->Affinity;
    return allowed ? allowed : KipAllProcessors();
}

BOOLEAN KipTryOccupy(PKTHREAD thread, KAFFINITY allowed)
{
    KAFFINITY mask = AllowedProcessors(thread, allowed);
    ULONG count = KipProcessorCount;
    ULONG first = thread->Home ? thread->Home->Number : thread->PreferredProcessor % count;

    for (ULONG i = 0; i < count; i++) {
        ULONG number = first + i < count ? first + i : first + i - count;
        if ((mask >> number & 1) && TryOne(thread, &KipProcessors[number]))
            return TRUE;
    }
    return FALSE;
}

/* The second half of joining the list: takes a free processor after all, or marks the occupied. */
static BOOLEAN TakeOrMark(PKTHREAD thread, KAFFINITY mask)
{
    for (ULONG i = 0; i < KipProcessorCount; i++) {
        KI_PROCESSOR *processor = &KipProcessors[i];
        ULONG_PTR seen = __atomic_load_n(&processor->Occupant, __ATOMIC_RELAXED);
        if (!(mask >> i & 1))
            continue;
        for (;;) {
            if (seen == 0) {
                if (TryOne(thread, processor))
                    return TRUE;
                seen = __atomic_load_n(&processor->Occupant, __ATOMIC_RELAXED);
                continue;
            }
            if (__atomic_compare_exchange_n(&processor->Occupant, &seen, seen | WAITED_FOR, FALSE,
                                            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
                break;
        }
    }
    return FALSE;
}

static void WaitForProcessor(PKTHREAD thread, KAFFINITY mask)
{
    WAITER waiter = { .Thread = thread, .Allowed = mask };
    BOOLEAN taken;

    host_lock(&WaitersLock);
    taken = TakeOrMark(thread, mask);
    if (!taken)
        InsertTailList(&Waiters, &waiter.Link);
    host_unlock(&WaitersLock);
    if (taken)
        return;
    while (!__atomic_load_n(&waiter.Granted, __ATOMIC_ACQUIRE))
        host_park(HOST_FOREVER);
    /* The one who granted it holds the lock until it has no more use for this thread. */
    host_lock(&WaitersLock);
    host_unlock(&WaitersLock);
    thread->Processor = waiter.Granted;
}

void KipOccupy(PKTHREAD thread, KAFFINITY allowed)
{
    unsigned rounds = 0;

    for (int i = 0; i < OCCUPY_SPINS; i++) {
        if (KipTryOccupy(thread, allowed))
            return;
        host_spin(&rounds, "KipOccupy");
    }
    WaitForProcessor(thread, AllowedProcessors(thread, allowed));
}

/* Hands over to the first waiter that this processor suits, else frees it. */
static void HandOver(KI_PROCESSOR *processor)
{
    WAITER *next = NULL;
    ULONG_PTR others = 0;

    host_lock(&WaitersLock);
    for (PLIST_ENTRY e = Waiters.Flink; e != &Waiters; e = e->Flink) {
        WAITER *waiter = CONTAINING_RECORD(e, WAITER, Link);
        if (!(waiter->Allowed >> processor->Number & 1))
            continue;
        if (next) {
            others = WAITED_FOR;
            break;
        }
        next = waiter;
    }
    if (!next) {
        __atomic_store_n(&processor->Occupant, 0, __ATOMIC_SEQ_CST);
        host_unlock(&WaitersLock);
        return;
    }
    RemoveEntryList(&next->Link);
    __atomic_store_n(&processor->Occupant, (ULONG_PTR)next->Thread | others, __ATOMIC_SEQ_CST);
    __atomic_store_n(&next->Granted, processor, __ATOMIC_RELEASE);
    host_unpark(next->Thread->Host);
    host_unlock(&WaitersLock);
}

static void Vacate(PKTHREAD thread)
{
    KI_PROCESSOR *processor = thread->Processor;
    ULONG_PTR mine = (ULONG_PTR)thread;

    if (__atomic_load_n(&processor->DpcCount, __ATOMIC_RELAXED))
        KipDrainDpcs(processor);
    thread->Processor = NULL;
    if (!__atomic_compare_exchange_n(&processor->Occupant, &mine, 0, FALSE, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED))
        HandOver(processor);
}

KIRQL KiRaiseIrql(KIRQL irql)
{
    PKTHREAD thread = KiThread();
    KIRQL old = thread->Irql;

    if (irql >= DISPATCH_LEVEL && !thread->Processor)
        KipOccupy(thread, 0);
    thread->Irql = irql;
    return old;
}

void KiLowerIrql(KIRQL irql)
{
    PKTHREAD thread = KiThread();

    if (irql < DISPATCH_LEVEL && thread->Processor) {
        thread->Irql = DISPATCH_LEVEL;
        Vacate(thread);
    }
    thread->Irql = irql;
}

void KiReportIrql(const char *name, unsigned irql, unsigned min, unsigned max, const void *caller)
{
    if (irql > max)
        vf_report(VF_STOP, "VF-IRQL-01", NULL, caller,
                  "%s called at IRQL %u; it may be called at %u at most", name, irql, max);
    else
        vf_report(VF_STOP, "VF-IRQL-02", NULL, caller,
                  "%s called at IRQL %u; it must be called at %u at least", name, irql, min);
}

void KiReportUpcall(const KI_UPCALL *before, const char *what, const void *routine)
{
    PKTHREAD thread = KiThread();

    if (thread->SpinLocks != before->SpinLocks)
        vf_report(VF_STOP, "VF-LOCK-06", NULL, routine,
                  "%s returned with %d spin lock(s) more than it was called with", what,
                  (int)(thread->SpinLocks - before->SpinLocks));
    if (thread->Irql != before->Irql)
        vf_report(VF_STOP, "VF-IRQL-04", NULL, routine,
                  "%s was called at IRQL %u and returned at %u", what, before->Irql, thread->Irql);
    if (thread->CriticalRegion != before->CriticalRegion ||
        thread->GuardedRegion != before->GuardedRegion)
        vf_report(VF_STOP, "VF-IRQL-07", NULL, routine,
                  "%s entered and left critical or guarded regions unequally often", what);
    thread->SpinLocks = before->SpinLocks;
    thread->CriticalRegion = before->CriticalRegion;
    thread->GuardedRegion = before->GuardedRegion;
    if (thread->Irql < before->Irql)
        KiRaiseIrql(before->Irql);
    else
        KiLowerIrql(before->Irql);
}

/* ---- what drivers call ---------------------------------------------------------------------- */

KIRQL NTAPI KeGetCurrentIrql(void)
{
    return KiThread()->Irql;
}

static void CheckRaise(KIRQL irql, const void *caller)
{
    if (irql > HIGH_LEVEL || irql < KiThread()->Irql)
        vf_report(VF_STOP, "VF-IRQL-03", NULL, caller, "raising the IRQL from %u to %u",
                  KiThread()->Irql, irql);
}

KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
    DDI_ENTER(KfRaiseIrql);
    CheckRaise(NewIrql, __builtin_return_address(0));
    return KiRaiseIrql(NewIrql);
}

KIRQL NTAPI KeRaiseIrqlToDpcLevel(void)
{
    DDI_ENTER(KeRaiseIrqlToDpcLevel);
    return KiRaiseIrql(DISPATCH_LEVEL);
}

KIRQL NTAPI KeRaiseIrqlToSynchLevel(void)
{
    DDI_ENTER(KeRaiseIrqlToSynchLevel);
    CheckRaise(SYNCH_LEVEL, __builtin_return_address(0));
    return KiRaiseIrql(SYNCH_LEVEL);
}

static void CheckLower(KIRQL irql, const void *caller)
{
    if (irql > KiThread()->Irql)
        vf_report(VF_STOP, "VF-IRQL-03", NULL, caller, "lowering the IRQL from %u to %u",
                  KiThread()->Irql, irql);
}

void NTAPI KeLowerIrql(KIRQL NewIrql)
{
    DDI_ENTER(KeLowerIrql);
    CheckLower(NewIrql, __builtin_return_address(0));
    KiLowerIrql(NewIrql);
}

void NTAPI KfLowerIrql(KIRQL NewIrql)
{
    DDI_ENTER(KfLowerIrql);
    CheckLower(NewIrql, __builtin_return_address(0));
    KiLowerIrql(NewIrql);
}

/* ---- affinity ------------------------------------------------------------------------------- */

/* Takes effect when the thread next occupies a processor, as on Windows for a caller at
 * DISPATCH_LEVEL. */
static KAFFINITY SetAffinity(KAFFINITY affinity)
{
    PKTHREAD thread = KiThread();
    KAFFINITY old = thread->Affinity;

    thread->Affinity = affinity;
    if (affinity)
        thread->PreferredProcessor = (ULONG)__builtin_ctzll(affinity);
    return old;
}

KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    DDI_ENTER(KeSetSystemAffinityThreadEx);
    Affinity &= KipAllProcessors();
    return Affinity ? SetAffinity(Affinity) : KiThread()->Affinity;
}

void NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity)
{
    DDI_ENTER(KeSetSystemAffinityThread);
    Affinity &= KipAllProcessors();
    if (Affinity)
        SetAffinity(Affinity);
}

void NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
    DDI_ENTER(KeRevertToUserAffinityThreadEx);
    SetAffinity(Affinity & KipAllProcessors());
}

void NTAPI KeRevertToUserAffinityThread(void)
{
    DDI_ENTER(KeRevertToUserAffinityThread);
    SetAffinity(0);
}

void NTAPI KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity,
                                          PGROUP_AFFINITY PreviousAffinity)
{
    DDI_ENTER(KeSetSystemGroupAffinityThread);
    GROUP_AFFINITY old = { .Mask = KiThread()->Affinity };
    KAFFINITY mask = Affinity->Group == 0 ? Affinity->Mask & KipAllProcessors() : 0;

    if (mask)
        SetAffinity(mask);
    if (PreviousAffinity)
        *PreviousAffinity = mask ? old : (GROUP_AFFINITY){ 0 };
}

void NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
    DDI_ENTER(KeRevertToUserGroupAffinityThread);
    SetAffinity(PreviousAffinity->Mask & KipAllProcessors());
}

/* ---- regions in which APCs are off ----------------------------------------------------------- */

void NTAPI KeEnterCriticalRegion(void)
{
    DDI_ENTER(KeEnterCriticalRegion);
    KiThread()->CriticalRegion++;
}

static void LeaveRegion(ULONG *depth, const char *what, const void *caller)
{
    if (*depth == 0) {
        vf_report(VF_STOP, "VF-IRQL-07", NULL, caller, "left a %s region that was not entered",
                  what);
        return;
    }
    --*depth;
}

void NTAPI KeLeaveCriticalRegion(void)
{
    DDI_ENTER(KeLeaveCriticalRegion);
    LeaveRegion(&KiThread()->CriticalRegion, "critical", __builtin_return_address(0));
}

void NTAPI KeEnterGuardedRegion(void)
{
    DDI_ENTER(KeEnterGuardedRegion);
    KiThread()->GuardedRegion++;
}

void NTAPI KeLeaveGuardedRegion(void)
{
    DDI_ENTER(KeLeaveGuardedRegion);
    LeaveRegion(&KiThread()->GuardedRegion, "guarded", __builtin_return_address(0));
}

BOOLEAN NTAPI KeAreApcsDisabled(void)
{
    DDI_ENTER(KeAreApcsDisabled);
    PKTHREAD thread = KiThread();

    return thread->CriticalRegion || thread->GuardedRegion;
}

BOOLEAN NTAPI KeAreAllApcsDisabled(void)
{
    DDI_ENTER(KeAreAllApcsDisabled);
    PKTHREAD thread = KiThread();

    return thread->GuardedRegion || thread->Irql >= APC_LEVEL;
}
