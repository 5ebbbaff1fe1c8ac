/*
 * timer.c: KTIMER.
 *
 * Each processor has a table of buckets; a timer hangs in bucket (due time / 1 ms) mod 256, sorted
 * by due time, so that insertion nearly always is at the tail. TimerNext is the earliest due time
 * of all, or earlier when that timer was cancelled: the loop then wakes once for nothing and
 * computes it anew. The dispatcher lock protects all of it, so a timer that KeCancelTimer took out
 * (TRUE) neither is signalled nor queues its DPC afterwards.
 *
 * A timer is in a table exactly while TimerListEntry.Flink is not NULL; KTIMER.Processor says in
 * whose. Due times are interrupt time in 100 ns units.
 *
 * On Windows timers expire at the clock interrupt, which comes after the due time, not at it, and
 * due times are counted from the last one. The simulated world can let it come late, for all timers
 * of a processor alike; until it comes they can be cancelled. Early a timer can be by precise
 * clocks only (time.c).
 */
#include "nt/kip.h"

#define EXPIRE_BATCH 64

BOOLEAN KipInitializeTimers(KI_PROCESSOR *processor)
{
    processor->Timers = host_alloc(KIP_TIMER_BUCKETS * sizeof(LIST_ENTRY), 64);
    if (!processor->Timers)
        return FALSE;
    for (int i = 0; i < KIP_TIMER_BUCKETS; i++)
        InitializeListHead(&processor->Timers[i]);
    processor->TimerNext = MAXLONGLONG;
    return TRUE;
}

/* Rounded up: by the interrupt time a timer may be late, never early. */
static LONGLONG NowRoundedUp(void)
{
    return (KipClock() + 99) / 100;
}

static LIST_ENTRY *Bucket(KI_PROCESSOR *processor, LONGLONG due)
{
    return &processor->Timers[(ULONGLONG)due / 10000 % KIP_TIMER_BUCKETS];
}

static PKTIMER TimerOf(PLIST_ENTRY entry)
{
    return CONTAINING_RECORD(entry, KTIMER, TimerListEntry);
}

static BOOLEAN Inserted(PKTIMER timer)
{
    return timer->TimerListEntry.Flink != NULL;
}

/* Under the lock. TRUE: it is now the earliest of its processor. */
static BOOLEAN Insert(PKTIMER timer, KI_PROCESSOR *processor, LONGLONG due)
{
    LIST_ENTRY *bucket = Bucket(processor, due);
    PLIST_ENTRY before = bucket->Blink;

    while (before != bucket && (LONGLONG)TimerOf(before)->DueTime.QuadPart > due)
        before = before->Blink;
    InsertHeadList(before, &timer->TimerListEntry);
    timer->DueTime.QuadPart = (ULONGLONG)due;
    timer->Processor = (USHORT)processor->Number;
    if (due >= processor->TimerNext)
        return FALSE;
    __atomic_store_n(&processor->TimerNext, due, __ATOMIC_SEQ_CST);
    return TRUE;
}

static void Remove(PKTIMER timer)
{
    RemoveEntryList(&timer->TimerListEntry);
    timer->TimerListEntry.Flink = NULL;
    vf_died(VF_TIMER, timer);
}

static void FindNext(KI_PROCESSOR *processor)
{
    LONGLONG next = MAXLONGLONG;

    for (int i = 0; i < KIP_TIMER_BUCKETS; i++) {
        LIST_ENTRY *bucket = &processor->Timers[i];
        if (bucket->Flink == bucket)
            continue;
        LONGLONG due = (LONGLONG)TimerOf(bucket->Flink)->DueTime.QuadPart;
        if (due < next)
            next = due;
    }
    __atomic_store_n(&processor->TimerNext, next, __ATOMIC_SEQ_CST);
}

/* ---- expiry --------------------------------------------------------------------------------- */

/* Under the lock: signals one due timer and queues its DPC. The processor to wake, or -1. */
static int Expire(KI_PROCESSOR *processor, PKTIMER timer, LONGLONG now, KIP_WAKE *wake)
{
    PKDPC dpc = timer->Dpc;
    ULONG target = processor->Number;
    BOOLEAN queued = FALSE;

    RemoveEntryList(&timer->TimerListEntry);
    timer->TimerListEntry.Flink = NULL;
    if (timer->Period) {
        LONGLONG due = (LONGLONG)timer->DueTime.QuadPart + (LONGLONG)timer->Period * 10000;
        Insert(timer, processor, due > now ? due : now + 1);
    } else {
        vf_died(VF_TIMER, timer);
    }
    if (dpc)
        queued = KipQueueDpc(dpc, processor->Number, NULL, NULL, &target);
    KipHold(&timer->Header);
    KipSetState(&timer->Header, 1);
    KipSignal(&timer->Header, wake);
    KipLetGo(&timer->Header);
    return queued && target != processor->Number ? (int)target : -1;
}

static PKTIMER FirstDue(KI_PROCESSOR *processor, LONGLONG now)
{
    LIST_ENTRY *bucket;

    if (processor->TimerNext > now)
        return NULL;
    bucket = Bucket(processor, processor->TimerNext);
    if (bucket->Flink == bucket || (LONGLONG)TimerOf(bucket->Flink)->DueTime.QuadPart > now) {
        FindNext(processor);
        if (processor->TimerNext > now)
            return NULL;
        bucket = Bucket(processor, processor->TimerNext);
    }
    return TimerOf(bucket->Flink);
}

/* Is the clock interrupt that a due timer waits for still to come? */
static BOOLEAN ClockIsLate(KI_PROCESSOR *processor, LONGLONG now)
{
    if (processor->ClockLate == 0)
        processor->ClockLate = now + host_delay(KIP_LATE_NS, "clock interrupt") / 100;
    if (processor->ClockLate > now)
        return TRUE;
    processor->ClockLate = 0;
    return FALSE;
}

void KipExpireTimers(KI_PROCESSOR *processor)
{
    LONGLONG now = KipClock() / 100;

    if (__atomic_load_n(&processor->TimerNext, __ATOMIC_RELAXED) > now ||
        ClockIsLate(processor, now))
        return;
    for (int i = 0; i < EXPIRE_BATCH; i++) {
        KIP_WAKE wake = { 0 };
        int other = -1;

        host_lock(&KipDispatcherLock);
        PKTIMER timer = FirstDue(processor, now);
        if (timer)
            other = Expire(processor, timer, now, &wake);
        host_unlock(&KipDispatcherLock);
        KipWake(&wake);
        if (other >= 0)
            KiWakeProcessor((ULONG)other);
        if (!timer)
            return;
    }
}

/* ---- setting -------------------------------------------------------------------------------- */

void NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    DDI_ENTER(KeInitializeTimerEx);
    UCHAR type = Type == NotificationTimer ? KIP_TIMER_NOTIFICATION : KIP_TIMER_SYNCHRONIZATION;

    RtlZeroMemory(Timer, sizeof *Timer);
    KipInitializeHeader(&Timer->Header, type, sizeof *Timer, 0);
}

void NTAPI KeInitializeTimer(PKTIMER Timer)
{
    DDI_ENTER(KeInitializeTimer);
    RtlZeroMemory(Timer, sizeof *Timer);
    KipInitializeHeader(&Timer->Header, KIP_TIMER_NOTIFICATION, sizeof *Timer, 0);
}

static BOOLEAN CheckTimer(PKTIMER timer, const void *caller)
{
    if (KipIsType(&timer->Header, KIP_TIMER_NOTIFICATION, sizeof *timer) ||
        KipIsType(&timer->Header, KIP_TIMER_SYNCHRONIZATION, sizeof *timer))
        return TRUE;
    vf_report(VF_STOP, "VF-WAIT-04", NULL, caller, "timer %p is not initialised", (void *)timer);
    return FALSE;
}

static LONGLONG DueTime(LARGE_INTEGER due)
{
    if (due.QuadPart > 0) {
        LARGE_INTEGER deadline = due;
        int64_t ns = KipDeadline(&deadline);
        return ns / 100 + (ns % 100 != 0);
    }
    if (due.QuadPart < -(MAXLONGLONG / 200))
        return MAXLONGLONG / 200;
    return NowRoundedUp() - due.QuadPart;
}

static BOOLEAN SetTimer(PKTIMER timer, LARGE_INTEGER due, LONG period, PKDPC dpc,
                        const void *caller)
{
    ULONG number = dpc && dpc->Number ? dpc->Number - 1u : KiCurrentProcessor();
    KI_PROCESSOR *processor = &KipProcessors[number];
    BOOLEAN was_inserted;
    BOOLEAN earliest;

    if (!CheckTimer(timer, caller))
        return FALSE;
    HOST_ASSERT(processor->Timers);
    KipLockObject(&timer->Header);
    was_inserted = Inserted(timer);
    if (was_inserted)
        Remove(timer);
    KipSetState(&timer->Header, 0);
    timer->Dpc = dpc;
    timer->Period = period > 0 ? (ULONG)period : 0;
    earliest = Insert(timer, processor, DueTime(due));
    vf_born(VF_TIMER, timer, 0, 0, caller);
    KIP_WAKE none = { 0 };
    KipUnlockObject(&timer->Header, &none);
    /* The processor's own loop reads TimerNext before it sleeps. */
    if (earliest && KiThread()->Home != processor)
        KiWakeProcessor(number);
    return was_inserted;
}

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    DDI_ENTER(KeSetTimer);
    return SetTimer(Timer, DueTime, 0, Dpc, __builtin_return_address(0));
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    DDI_ENTER(KeSetTimerEx);
    return SetTimer(Timer, DueTime, Period, Dpc, __builtin_return_address(0));
}

/* The tolerance lets Windows save wake-ups; being on time lies within it. */
BOOLEAN NTAPI KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                                    ULONG TolerableDelay, PKDPC Dpc)
{
    DDI_ENTER(KeSetCoalescableTimer);
    UNREFERENCED_PARAMETER(TolerableDelay);
    return SetTimer(Timer, DueTime, (LONG)Period, Dpc, __builtin_return_address(0));
}

BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    DDI_ENTER(KeCancelTimer);
    KIP_WAKE none = { 0 };
    BOOLEAN inserted;

    if (!CheckTimer(Timer, __builtin_return_address(0)))
        return FALSE;
    KipLockObject(&Timer->Header);
    inserted = Inserted(Timer);
    if (inserted)
        Remove(Timer);
    KipUnlockObject(&Timer->Header, &none);
    return inserted;
}

BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    DDI_ENTER(KeReadStateTimer);
    return KipState(__atomic_load_n(KipWord(&Timer->Header), __ATOMIC_ACQUIRE)) != 0;
}
