/*
 * dpc.c: deferred procedure calls.
 *
 * Each processor has one queue. Its DPCs run on whichever thread occupies the processor: on the
 * loop thread, which is woken for them, or on a thread that lowers its IRQL below DISPATCH_LEVEL
 * while it occupies the processor. As only one thread occupies it, no two DPCs of one processor
 * run at once. A DPC queued from below DISPATCH_LEVEL runs before KeInsertQueueDpc returns when a
 * processor is free, as on Windows, where the software interrupt comes at once.
 *
 * In the simulated world a queue may be drained later than it could, as if an interrupt came first;
 * its DPCs can still be removed then.
 *
 * DpcLock of the processor protects its queue; KDPC.DpcData points to the processor while the DPC
 * is queued there, and changes under that processor's lock only. Threaded DPCs run as ordinary
 * ones, which Windows allows, too.
 */
#include "nt/kip.h"

#define ORDINARY_DPC 0x13 /* KOBJECTS, as Windows numbers them */
#define THREADED_DPC 0x18

#define INTERRUPT_NS 1000000

static PKDPC NextDpc(PKDPC dpc)
{
    PSINGLE_LIST_ENTRY next = dpc->DpcListEntry.Next;

    return next ? CONTAINING_RECORD(next, KDPC, DpcListEntry) : NULL;
}

static void Initialize(PRKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context, UCHAR type)
{
    RtlZeroMemory(dpc, sizeof *dpc);
    dpc->Type = type;
    dpc->Importance = MediumImportance;
    dpc->DeferredRoutine = routine;
    dpc->DeferredContext = context;
}

void NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    DDI_ENTER(KeInitializeDpc);
    Initialize(Dpc, DeferredRoutine, DeferredContext, ORDINARY_DPC);
}

void NTAPI KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine,
                                   PVOID DeferredContext)
{
    DDI_ENTER(KeInitializeThreadedDpc);
    Initialize(Dpc, DeferredRoutine, DeferredContext, THREADED_DPC);
}

void NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    DDI_ENTER(KeSetImportanceDpc);
    __atomic_store_n(&Dpc->Importance, (UCHAR)Importance, __ATOMIC_RELAXED);
}

/*
 * KDPC.Number: 0 means "the current processor", n + 1 processor n. A routine may change it while a
 * timer of another processor queues its DPC again; either target is right then.
 */
static USHORT TargetOf(const KDPC *dpc)
{
    return __atomic_load_n(&dpc->Number, __ATOMIC_RELAXED);
}

static void SetTarget(PRKDPC dpc, ULONG processor)
{
    __atomic_store_n(&dpc->Number, (USHORT)(processor + 1), __ATOMIC_RELAXED);
}

void NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    DDI_ENTER(KeSetTargetProcessorDpc);
    if ((UCHAR)Number < KipProcessorCount)
        SetTarget(Dpc, (UCHAR)Number);
}

NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
    DDI_ENTER(KeSetTargetProcessorDpcEx);
    if (ProcNumber->Group != 0 || ProcNumber->Number >= KipProcessorCount)
        return STATUS_INVALID_PARAMETER;
    SetTarget(Dpc, ProcNumber->Number);
    return STATUS_SUCCESS;
}

static void Link(KI_PROCESSOR *processor, PKDPC dpc)
{
    dpc->DpcListEntry.Next = NULL;
    if (!processor->DpcHead) {
        processor->DpcHead = processor->DpcTail = dpc;
    } else if (__atomic_load_n(&dpc->Importance, __ATOMIC_RELAXED) == HighImportance) {
        dpc->DpcListEntry.Next = &processor->DpcHead->DpcListEntry;
        processor->DpcHead = dpc;
    } else {
        processor->DpcTail->DpcListEntry.Next = &dpc->DpcListEntry;
        processor->DpcTail = dpc;
    }
    __atomic_store_n(&processor->DpcCount, processor->DpcCount + 1, __ATOMIC_SEQ_CST);
}

BOOLEAN KipQueueDpc(PKDPC dpc, ULONG hint, PVOID argument1, PVOID argument2, ULONG *target)
{
    ULONG to = TargetOf(dpc);
    ULONG number = to ? to - 1 : hint;
    KI_PROCESSOR *processor = &KipProcessors[number];
    PVOID idle = NULL;
    BOOLEAN queued;

    *target = number;
    host_lock(&processor->DpcLock);
    /* Compare-exchange: an untargeted DPC may be queued on two processors at the same moment. */
    queued = __atomic_compare_exchange_n(&dpc->DpcData, &idle, (PVOID)processor, FALSE,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (queued) {
        dpc->SystemArgument1 = argument1;
        dpc->SystemArgument2 = argument2;
        Link(processor, dpc);
    }
    host_unlock(&processor->DpcLock);
    return queued;
}

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    DDI_ENTER(KeInsertQueueDpc);
    PKTHREAD thread = KiThread();
    KIRQL irql = thread->Irql;
    ULONG to = TargetOf(Dpc);
    KAFFINITY wanted = to ? (KAFFINITY)1 << (to - 1) : 0;
    BOOLEAN may_run = TRUE; /* a loop thread occupies its own processor only */
    BOOLEAN raised = FALSE;
    BOOLEAN queued;
    ULONG target;

    if (thread->Home && wanted != (KAFFINITY)1 << thread->Home->Number)
        may_run = !wanted;
    if (irql < DISPATCH_LEVEL && may_run && KipTryOccupy(thread, wanted)) {
        thread->Irql = DISPATCH_LEVEL;
        raised = TRUE;
    }
    queued = KipQueueDpc(Dpc, KiCurrentProcessor(), SystemArgument1, SystemArgument2, &target);
    /* The occupant of a processor drains its queue itself when it lowers. */
    if (queued && (!thread->Processor || thread->Processor->Number != target))
        KiWakeProcessor(target);
    if (raised)
        KiLowerIrql(irql);
    return queued;
}

static void Unlink(KI_PROCESSOR *processor, PKDPC dpc)
{
    PKDPC before = NULL, after = NextDpc(dpc);

    for (PKDPC d = processor->DpcHead; d != dpc; d = NextDpc(d)) {
        HOST_ASSERT(d);
        before = d;
    }
    if (before)
        before->DpcListEntry.Next = dpc->DpcListEntry.Next;
    else
        processor->DpcHead = after;
    if (processor->DpcTail == dpc)
        processor->DpcTail = before;
    __atomic_store_n(&processor->DpcCount, processor->DpcCount - 1, __ATOMIC_SEQ_CST);
}

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    KI_PROCESSOR *processor;

    DDI_ENTER(KeRemoveQueueDpc);
    while ((processor = __atomic_load_n(&Dpc->DpcData, __ATOMIC_ACQUIRE)) != NULL) {
        host_lock(&processor->DpcLock);
        if (__atomic_load_n(&Dpc->DpcData, __ATOMIC_RELAXED) != processor) {
            host_unlock(&processor->DpcLock);
            continue;
        }
        Unlink(processor, Dpc);
        __atomic_store_n(&Dpc->DpcData, NULL, __ATOMIC_RELEASE);
        host_unlock(&processor->DpcLock);
        return TRUE;
    }
    return FALSE;
}

/*
 * Takes the first DPC out and copies what its call needs: from the release of the lock on it may be
 * queued again, and its routine may free it.
 */
static BOOLEAN TakeDpc(KI_PROCESSOR *processor, KDPC *copy, PKDPC *dpc)
{
    host_lock(&processor->DpcLock);
    *dpc = processor->DpcHead;
    if (*dpc) {
        copy->DeferredRoutine = (*dpc)->DeferredRoutine;
        copy->DeferredContext = (*dpc)->DeferredContext;
        copy->SystemArgument1 = (*dpc)->SystemArgument1;
        copy->SystemArgument2 = (*dpc)->SystemArgument2;
        Unlink(processor, *dpc);
        __atomic_store_n(&(*dpc)->DpcData, NULL, __ATOMIC_RELEASE);
    }
    host_unlock(&processor->DpcLock);
    return *dpc != NULL;
}

void KipDrainDpcs(KI_PROCESSOR *processor)
{
    KDPC copy;
    PKDPC dpc;

    KipKeepBusy(host_delay(INTERRUPT_NS, "DPC queue"));
    for (int i = 0; i < KIP_DPC_BATCH; i++) {
        if (!TakeDpc(processor, &copy, &dpc))
            return;
        KI_UPCALL before = KiEnterUpcall();
        copy.DeferredRoutine(dpc, copy.DeferredContext, copy.SystemArgument1, copy.SystemArgument2);
        KiLeaveUpcall(&before, "a DPC routine", (const void *)copy.DeferredRoutine);
    }
    /* Enough for one go: DPCs that queue each other must not keep a thread here for ever. */
    if (__atomic_load_n(&processor->DpcCount, __ATOMIC_RELAXED))
        KiWakeProcessor(processor->Number);
}

static void NTAPI MarkFlushed(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    __atomic_store_n((LONG *)context, 1, __ATOMIC_RELEASE);
}

/*
 * Occupies each processor in turn and drains its queue until a marker at its end has run. While
 * this thread occupies the processor no DPC of it can be running elsewhere, and what was queued
 * before the marker runs before it.
 */
void NTAPI KeFlushQueuedDpcs(void)
{
    DDI_ENTER(KeFlushQueuedDpcs);
    PKTHREAD thread = KiThread();
    KI_PROCESSOR *home = thread->Home;
    KIRQL irql = thread->Irql;
    ULONG target;

    thread->Home = NULL;
    for (ULONG i = 0; i < KipProcessorCount; i++) {
        LONG flushed = 0;
        KDPC marker;

        Initialize(&marker, MarkFlushed, &flushed, ORDINARY_DPC);
        marker.Number = (USHORT)(i + 1);
        KipQueueDpc(&marker, i, NULL, NULL, &target);
        while (!__atomic_load_n(&flushed, __ATOMIC_ACQUIRE)) {
            KipOccupy(thread, (KAFFINITY)1 << i);
            KiLowerIrql(irql);
        }
        /* The marker may have been run by another thread that still is inside it. */
        KipOccupy(thread, (KAFFINITY)1 << i);
        KiLowerIrql(irql);
    }
    thread->Home = home;
}
