/*
 * processor.c: virtual processors: start, stop, and the loop that each of them runs.
 *
 * The loop of a processor expires its timers, drains its DPC queue and then polls its network (or
 * parks when none is plugged in) until the next timer is due. Everybody who gives a processor work
 * queues it first and calls KiWakeProcessor then. A wake-up costs a system call, so only a loop
 * that may be asleep gets one: the loop publishes Sleeping before it looks at its queues for the
 * last time, the waker queues before it reads Sleeping, both with full barriers; so either the loop
 * sees the work or the waker sees Sleeping.
 *
 * IdleLock protects the idle hook; Wake is called under it, so that nobody wakes a hook that
 * KiSetProcessorIdle has unplugged.
 */
#include "nt/kip.h"
#include "nt/stop.h"

#define NO_PROCESSOR_INDEX 0xffffffff /* INVALID_PROCESSOR_INDEX */

KI_PROCESSOR KipProcessors[KI_MAX_PROCESSORS] = {
    [0 ... KI_MAX_PROCESSORS - 1] = { .DpcLock = HOST_LOCK_INIT(HOST_RANK_NT_DPC),
                                      .IdleLock = HOST_LOCK_INIT(HOST_RANK_NT_LEAF),
                                      .TimerNext = MAXLONGLONG },
};
/* One even before KiBoot: code that only raises and lowers the IRQL works without the loops. */
ULONG KipProcessorCount = 1;

ULONG KiProcessorCount(void)
{
    return KipProcessorCount;
}

BOOLEAN KiOnLoopThread(void)
{
    return KiThread()->Home != NULL;
}

ULONG KiCurrentProcessor(void)
{
    PKTHREAD thread = KiThread();

    if (thread->Processor)
        return thread->Processor->Number;
    if (thread->Home)
        return thread->Home->Number;
    return thread->PreferredProcessor % KipProcessorCount;
}

void KiWakeProcessor(ULONG number)
{
    KI_PROCESSOR *processor = &KipProcessors[number];

    /* A read-modify-write is the barrier after the caller's queueing. */
    if (!__atomic_exchange_n(&processor->Sleeping, 0, __ATOMIC_SEQ_CST))
        return;
    host_lock(&processor->IdleLock);
    if (processor->Idle.Wake)
        processor->Idle.Wake(processor->Idle.Context);
    else if (processor->Loop)
        host_unpark(processor->Loop);
    host_unlock(&processor->IdleLock);
}

static void TakeNewIdleHook(KI_PROCESSOR *processor)
{
    if (!__atomic_load_n(&processor->IdleChange, __ATOMIC_ACQUIRE))
        return;
    host_lock(&processor->IdleLock);
    processor->Idle = processor->IdleNext;
    if (processor->IdleWaiter)
        host_unpark(processor->IdleWaiter);
    processor->IdleWaiter = NULL;
    __atomic_store_n(&processor->IdleChange, FALSE, __ATOMIC_RELEASE);
    host_unlock(&processor->IdleLock);
}

void KiSetProcessorIdle(ULONG number, const KI_IDLE *idle)
{
    KI_PROCESSOR *processor = &KipProcessors[number];
    BOOLEAN wait = KiThread()->Home != processor;

    HOST_ASSERT(number < KipProcessorCount && processor->Loop);
    host_lock(&processor->IdleLock);
    processor->IdleNext = idle ? *idle : (KI_IDLE){ 0 };
    __atomic_store_n(&processor->IdleChange, TRUE, __ATOMIC_RELEASE);
    if (wait)
        processor->IdleWaiter = host_self();
    host_unlock(&processor->IdleLock);
    if (!wait)
        return;
    KiWakeProcessor(number);
    /* Checked under the lock, so that the loop is done with this thread when it goes on. */
    for (;;) {
        host_lock(&processor->IdleLock);
        BOOLEAN taken = !processor->IdleChange;
        host_unlock(&processor->IdleLock);
        if (taken)
            return;
        host_park(HOST_FOREVER);
    }
}

/* Has the loop something to do before it may sleep? */
static BOOLEAN LoopIsDue(KI_PROCESSOR *processor)
{
    return __atomic_load_n(&processor->DpcCount, __ATOMIC_SEQ_CST) != 0 ||
           __atomic_load_n(&processor->IdleChange, __ATOMIC_SEQ_CST) ||
           __atomic_load_n(&processor->Stop, __ATOMIC_SEQ_CST);
}

static void Idle(KI_PROCESSOR *processor)
{
    int64_t deadline = HOST_FOREVER;

    __atomic_store_n(&processor->Sleeping, 1, __ATOMIC_SEQ_CST);
    LONGLONG next = __atomic_load_n(&processor->TimerNext, __ATOMIC_SEQ_CST);
    if (next < processor->ClockLate)
        next = processor->ClockLate;
    if (next < MAXLONGLONG / 100)
        deadline = KipNextClock(next * 100);
    if (LoopIsDue(processor))
        deadline = 0;
    /* Only this thread writes Idle, so it may read it without the lock. */
    if (processor->Idle.Poll)
        processor->Idle.Poll(processor->Idle.Context, deadline);
    else
        host_park(deadline);
    __atomic_store_n(&processor->Sleeping, 0, __ATOMIC_SEQ_CST);
}

static void RunLoop(void *argument)
{
    KI_PROCESSOR *processor = argument;
    PKTHREAD thread = processor->LoopThread;

    thread->Host = host_self();
    thread->Host->local = thread;
    while (!__atomic_load_n(&processor->Stop, __ATOMIC_ACQUIRE)) {
        TakeNewIdleHook(processor);
        KipExpireTimers(processor);
        if (__atomic_load_n(&processor->DpcCount, __ATOMIC_ACQUIRE)) {
            KiRaiseIrql(DISPATCH_LEVEL);
            KiLowerIrql(PASSIVE_LEVEL); /* drains */
        }
        Idle(processor);
        HOST_ASSERT(thread->Irql == PASSIVE_LEVEL);
    }
}

static NTSTATUS StartProcessor(ULONG number)
{
    static char name[] = "cpu-00";
    KI_PROCESSOR *processor = &KipProcessors[number];

    processor->Number = number;
    processor->Stop = FALSE;
    processor->ClockLate = 0;
    processor->Idle = processor->IdleNext = (KI_IDLE){ 0 };
    processor->LoopThread = host_alloc(sizeof(KTHREAD), 16);
    if (!processor->LoopThread || !KipInitializeTimers(processor))
        goto free_thread;
    RtlZeroMemory(processor->LoopThread, sizeof(KTHREAD));
    KipInitializeThread(processor->LoopThread, NULL);
    processor->LoopThread->SystemThread = TRUE;
    processor->LoopThread->Home = processor;
    name[4] = (char)('0' + number / 10);
    name[5] = (char)('0' + number % 10);
    if (host_thread_create(&processor->Loop, RunLoop, processor, name) == 0)
        return STATUS_SUCCESS;
    host_free(processor->Timers);
    processor->Timers = NULL;
    processor->Loop = NULL;
free_thread:
    host_free(processor->LoopThread);
    processor->LoopThread = NULL;
    return STATUS_INSUFFICIENT_RESOURCES;
}

static void StopProcessor(KI_PROCESSOR *processor)
{
    __atomic_store_n(&processor->Stop, TRUE, __ATOMIC_SEQ_CST);
    KiWakeProcessor(processor->Number);
    host_thread_join(processor->Loop);
    processor->Loop = NULL;
    KiSehFree(processor->LoopThread);
    host_free(processor->LoopThread);
    processor->LoopThread = NULL;
    host_free(processor->Timers);
    processor->Timers = NULL;
}

static void StopProcessors(ULONG count)
{
    while (count-- > 0)
        StopProcessor(&KipProcessors[count]);
    KipProcessorCount = 1;
}

NTSTATUS KiBoot(ULONG processors)
{
    NTSTATUS status;

    HOST_ASSERT(processors >= 1 && processors <= KI_MAX_PROCESSORS);
    KiThread();
    KipProcessorCount = processors;
    KipStartClock();
    for (ULONG i = 0; i < processors; i++) {
        status = StartProcessor(i);
        if (!NT_SUCCESS(status)) {
            StopProcessors(i);
            return status;
        }
    }
    status = KipStartWorkers();
    if (!NT_SUCCESS(status))
        StopProcessors(processors);
    return status;
}

void KiShutdown(void)
{
    KipReapThreads();
    KipStopWorkers();
    StopProcessors(KipProcessorCount);
}

/* ---- what drivers ask about processors ------------------------------------------------------ */

ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    DDI_ENTER(KeQueryActiveProcessorCount);
    if (ActiveProcessors)
        *ActiveProcessors = KipAllProcessors();
    return KipProcessorCount;
}

ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    DDI_ENTER(KeQueryActiveProcessorCountEx);
    return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? KipProcessorCount : 0;
}

ULONG NTAPI KeQueryMaximumProcessorCount(void)
{
    DDI_ENTER(KeQueryMaximumProcessorCount);
    return KipProcessorCount;
}

ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
    DDI_ENTER(KeQueryMaximumProcessorCountEx);
    return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? KipProcessorCount : 0;
}

USHORT NTAPI KeQueryActiveGroupCount(void)
{
    DDI_ENTER(KeQueryActiveGroupCount);
    return 1;
}

USHORT NTAPI KeQueryMaximumGroupCount(void)
{
    DDI_ENTER(KeQueryMaximumGroupCount);
    return 1;
}

KAFFINITY NTAPI KeQueryActiveProcessors(void)
{
    DDI_ENTER(KeQueryActiveProcessors);
    return KipAllProcessors();
}

KAFFINITY NTAPI KeQueryGroupAffinity(USHORT GroupNumber)
{
    DDI_ENTER(KeQueryGroupAffinity);
    return GroupNumber == 0 ? KipAllProcessors() : 0;
}

ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    DDI_ENTER(KeGetCurrentProcessorNumberEx);
    ULONG number = KiCurrentProcessor();

    if (ProcNumber)
        *ProcNumber = (PROCESSOR_NUMBER){ .Group = 0, .Number = (UCHAR)number };
    return number;
}

NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber)
{
    DDI_ENTER(KeGetProcessorNumberFromIndex);
    if (ProcIndex >= KipProcessorCount)
        return STATUS_INVALID_PARAMETER;
    *ProcNumber = (PROCESSOR_NUMBER){ .Group = 0, .Number = (UCHAR)ProcIndex };
    return STATUS_SUCCESS;
}

ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
    DDI_ENTER(KeGetProcessorIndexFromNumber);
    if (ProcNumber->Group != 0 || ProcNumber->Reserved != 0 ||
        ProcNumber->Number >= KipProcessorCount)
        return NO_PROCESSOR_INDEX;
    return ProcNumber->Number;
}

/* One NUMA node: the host places threads and memory. */
USHORT NTAPI KeQueryHighestNodeNumber(void)
{
    DDI_ENTER(KeQueryHighestNodeNumber);
    return 0;
}

USHORT NTAPI KeGetCurrentNodeNumber(void)
{
    DDI_ENTER(KeGetCurrentNodeNumber);
    return 0;
}

/* TRUE when a DPC, or a thread that wants to get to DISPATCH_LEVEL, waits for this processor. */
BOOLEAN NTAPI KeShouldYieldProcessor(void)
{
    DDI_ENTER(KeShouldYieldProcessor);
    KI_PROCESSOR *processor = &KipProcessors[KiCurrentProcessor()];

    return __atomic_load_n(&processor->DpcCount, __ATOMIC_RELAXED) != 0 ||
           (__atomic_load_n(&processor->Occupant, __ATOMIC_RELAXED) & 1);
}
