/*
 * workitem.c: system worker threads, ExQueueWorkItem and the IoAllocateWorkItem family.
 *
 * One pool of threads serves three queues, the more urgent first. The pool watches how many of its
 * threads are runnable: threads that wait (wait.c and pushlock.c say so through KipWorkerBlocks) do
 * not count. As long as items are queued and fewer than the wanted number run, an idle worker is
 * woken or a new one started, so work items that wait for each other, or for a timer, never keep
 * the queue from moving. Idle workers stay for the next burst. A worker that cannot be started is
 * tried again, until it can or is not needed any more: all others may wait for what it would do.
 *
 * PoolLock protects queues, counters and the list of workers. A work item may be queued again, or
 * freed, by its own routine: everything is copied out of it before the call.
 */
#include "nt/kip.h"
#include "nt/stop.h"

#define QUEUES      3
#define WORKERS_MAX 1024 /* a driver that blocks more than this has lost control */
#define WORKERS_MIN 2    /* runnable at once at least, so that one busy item does not stop others */
#define RETRY_100NS 100000

typedef struct _WORKER {
    LIST_ENTRY Link;     /* in Workers */
    LIST_ENTRY IdleLink; /* in IdleWorkers while Idle */
    PKTHREAD Thread;
    BOOLEAN Idle; /* also read without the lock by the worker itself */
} WORKER;

struct _IO_WORKITEM {
    WORK_QUEUE_ITEM Item;
    PVOID IoObject;
    PIO_WORKITEM_ROUTINE Routine;
    PIO_WORKITEM_ROUTINE_EX RoutineEx;
    PVOID Context;
    LONG Queued;
};

static struct host_lock PoolLock = HOST_LOCK_INIT(HOST_RANK_NT_LEAF);
static LIST_ENTRY Queue[QUEUES] = { { &Queue[0], &Queue[0] },
                                    { &Queue[1], &Queue[1] },
                                    { &Queue[2], &Queue[2] } };
static LIST_ENTRY Workers = { &Workers, &Workers };
static LIST_ENTRY IdleWorkers = { &IdleWorkers, &IdleWorkers };
static ULONG Pending;  /* items in the queues */
static ULONG Total;    /* workers */
static ULONG Sleeping; /* idle ones */
static ULONG Blocked;
static BOOLEAN Stopping;
static KTIMER RetryTimer; /* set while a worker could not be started */
static KDPC RetryDpc;

/* ---- the pool ------------------------------------------------------------------------------- */

static ULONG Wanted(void)
{
    return KipProcessorCount > WORKERS_MIN ? KipProcessorCount : WORKERS_MIN;
}

static BOOLEAN StartWorker(void);

/* Brings one more worker to work if the queue needs it. Not under the lock: may start a thread. */
static void Encourage(void)
{
    BOOLEAN start = FALSE;

    host_lock(&PoolLock);
    if (Pending && Total - Sleeping - Blocked < Wanted()) {
        if (!IsListEmpty(&IdleWorkers)) {
            WORKER *worker = CONTAINING_RECORD(RemoveHeadList(&IdleWorkers), WORKER, IdleLink);
            Sleeping--;
            __atomic_store_n(&worker->Idle, FALSE, __ATOMIC_RELEASE);
            host_unpark(worker->Thread->Host);
        } else if (Total < WORKERS_MAX) {
            start = TRUE;
            Total++;
        }
    }
    host_unlock(&PoolLock);
    if (start && !StartWorker()) {
        LARGE_INTEGER soon = { .QuadPart = -RETRY_100NS };
        host_lock(&PoolLock);
        Total--;
        host_unlock(&PoolLock);
        KeSetTimer(&RetryTimer, soon, &RetryDpc);
    }
}

static void NTAPI Retry(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    Encourage();
}

void KipWorkerBlocks(void)
{
    host_lock(&PoolLock);
    Blocked++;
    host_unlock(&PoolLock);
    Encourage();
}

void KipWorkerResumes(void)
{
    host_lock(&PoolLock);
    Blocked--;
    host_unlock(&PoolLock);
}

/* Under the lock. */
static PWORK_QUEUE_ITEM NextItem(void)
{
    for (int i = 0; i < QUEUES; i++) {
        if (IsListEmpty(&Queue[i]))
            continue;
        PWORK_QUEUE_ITEM item = CONTAINING_RECORD(RemoveHeadList(&Queue[i]), WORK_QUEUE_ITEM, List);
        item->List.Flink = NULL;
        Pending--;
        return item;
    }
    return NULL;
}

/* Waits for an item; NULL: the pool stops. */
static PWORK_QUEUE_ITEM WaitForItem(WORKER *worker)
{
    PWORK_QUEUE_ITEM item;

    for (;;) {
        host_lock(&PoolLock);
        item = NextItem();
        if (!item && !Stopping && !worker->Idle) {
            worker->Idle = TRUE;
            Sleeping++;
            InsertHeadList(&IdleWorkers, &worker->IdleLink);
        }
        BOOLEAN done = item || Stopping;
        if (done && worker->Idle) {
            worker->Idle = FALSE;
            Sleeping--;
            RemoveEntryList(&worker->IdleLink);
        }
        host_unlock(&PoolLock);
        if (done)
            return item;
        while (__atomic_load_n(&worker->Idle, __ATOMIC_ACQUIRE) &&
               !__atomic_load_n(&Stopping, __ATOMIC_ACQUIRE))
            host_park(HOST_FOREVER);
    }
}

/*
 * In the simulated world a worker may be slow to start with what it has taken, so that later items
 * overtake it. Meanwhile it does not count as running: others need not wait for it.
 */
static void BeSlow(void)
{
    int64_t late = host_delay(KIP_LATE_NS, "work item");

    if (!late)
        return;
    KipWorkerBlocks();
    KipKeepBusy(late);
    KipWorkerResumes();
}

static void RunWorker(void *argument)
{
    WORKER *worker = argument;
    PWORK_QUEUE_ITEM item;

    worker->Thread->Host->local = worker->Thread;
    while ((item = WaitForItem(worker)) != NULL) {
        PWORKER_THREAD_ROUTINE routine = item->WorkerRoutine;
        PVOID parameter = item->Parameter;
        BeSlow(); /* `item` may be gone from here on */
        KI_UPCALL before = KiEnterUpcall();
        routine(parameter);
        KiLeaveUpcall(&before, "a work item's routine", (const void *)routine);
    }
}

/* Total has been counted up. */
static BOOLEAN StartWorker(void)
{
    WORKER *worker = host_zalloc(sizeof *worker);
    PKTHREAD thread = host_alloc(sizeof *thread, 16);

    if (!worker || !thread || host_choose(2, HOST_CHOOSE_FAULT, "system worker"))
        goto free_memory;
    RtlZeroMemory(thread, sizeof *thread);
    KipInitializeThread(thread, NULL);
    thread->SystemThread = TRUE;
    thread->Worker = TRUE;
    worker->Thread = thread;
    if (host_thread_create(&thread->Host, RunWorker, worker, "worker") != 0)
        goto free_memory;
    host_lock(&PoolLock);
    InsertTailList(&Workers, &worker->Link);
    host_unlock(&PoolLock);
    return TRUE;
free_memory:
    host_free(thread);
    host_free(worker);
    return FALSE;
}

NTSTATUS KipStartWorkers(void)
{
    Stopping = FALSE;
    Total = 1;
    KeInitializeTimer(&RetryTimer);
    KeInitializeDpc(&RetryDpc, Retry, NULL);
    if (StartWorker())
        return STATUS_SUCCESS;
    Total = 0;
    return STATUS_INSUFFICIENT_RESOURCES;
}

/* FALSE: there was none. */
static BOOLEAN JoinWorkers(void)
{
    BOOLEAN any = FALSE;

    for (;;) {
        host_lock(&PoolLock);
        PLIST_ENTRY e = IsListEmpty(&Workers) ? NULL : RemoveHeadList(&Workers);
        host_unlock(&PoolLock);
        if (!e)
            return any;
        any = TRUE;
        WORKER *worker = CONTAINING_RECORD(e, WORKER, Link);
        host_unpark(worker->Thread->Host);
        host_thread_join(worker->Thread->Host);
        KiSehFree(worker->Thread);
        host_free(worker->Thread);
        host_free(worker);
    }
}

/*
 * The queues run empty first: a worker stops only when it finds no item. A worker that another one
 * has just started joins the list before its starter ends, and that one is joined here. So does one
 * that the retry has started. Without workers nothing is queued, so that nobody sets its timer.
 */
void KipStopWorkers(void)
{
    host_lock(&PoolLock);
    __atomic_store_n(&Stopping, TRUE, __ATOMIC_RELEASE);
    host_unlock(&PoolLock);
    while (JoinWorkers()) {
        KeCancelTimer(&RetryTimer);
        KeFlushQueuedDpcs();
    }
    Total = 0;
}

/* ---- ExQueueWorkItem ------------------------------------------------------------------------ */

/* HyperCritical before Critical before everything else. */
static ULONG QueueOf(WORK_QUEUE_TYPE type)
{
    if (type == HyperCriticalWorkQueue)
        return 0;
    return type == CriticalWorkQueue ? 1 : 2;
}

static BOOLEAN Insert(PWORK_QUEUE_ITEM item, WORK_QUEUE_TYPE type)
{
    host_lock(&PoolLock);
    if (item->List.Flink) {
        host_unlock(&PoolLock);
        return FALSE;
    }
    InsertTailList(&Queue[QueueOf(type)], &item->List);
    Pending++;
    host_unlock(&PoolLock);
    Encourage();
    return TRUE;
}

void NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    DDI_ENTER(ExQueueWorkItem);
    if (!Insert(WorkItem, QueueType))
        vf_report(VF_STOP, "VF-LIST-01", NULL, __builtin_return_address(0),
                  "work item %p queued while it is queued already", (void *)WorkItem);
}

/* ---- I/O work items ------------------------------------------------------------------------- */

static void NTAPI RunIoWorkItem(PVOID parameter)
{
    PIO_WORKITEM item = parameter;
    PVOID object = item->IoObject;
    PVOID context = item->Context;
    PIO_WORKITEM_ROUTINE routine = item->Routine;
    PIO_WORKITEM_ROUTINE_EX routine_ex = item->RoutineEx;

    /* From here on the routine may queue or free the item. */
    __atomic_store_n(&item->Queued, 0, __ATOMIC_RELEASE);
    KI_UPCALL before = KiEnterUpcall();
    if (routine_ex)
        routine_ex(object, context, item);
    else
        routine(object, context);
    KiLeaveUpcall(&before, "a work item's routine",
                  routine_ex ? (const void *)routine_ex : (const void *)routine);
    ObfDereferenceObject(object);
}

static void InitializeItem(PIO_WORKITEM item, PVOID object)
{
    RtlZeroMemory(item, sizeof *item);
    ExInitializeWorkItem(&item->Item, RunIoWorkItem, item);
    item->IoObject = object;
}

PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    DDI_ENTER(IoAllocateWorkItem);
    PIO_WORKITEM item;

    if (host_choose(2, HOST_CHOOSE_FAULT, "IoAllocateWorkItem"))
        return NULL;
    item = host_alloc(sizeof *item, 16);
    if (!item)
        return NULL;
    InitializeItem(item, DeviceObject);
    vf_born(VF_WORK_ITEM, item, sizeof *item, 0, __builtin_return_address(0));
    return item;
}

static BOOLEAN CheckFree(PIO_WORKITEM item, const char *name, const void *caller)
{
    if (!__atomic_load_n(&item->Queued, __ATOMIC_ACQUIRE))
        return TRUE;
    vf_report(VF_STOP, "VF-POOL-08", NULL, caller, "%s: work item %p is still queued", name,
              (void *)item);
    return FALSE;
}

void NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    DDI_ENTER(IoFreeWorkItem);
    const void *caller = __builtin_return_address(0);

    if (!vf_died(VF_WORK_ITEM, IoWorkItem)) {
        vf_report(VF_STOP, "VF-POOL-03", NULL, caller,
                  "IoFreeWorkItem: %p is no allocated work item", (void *)IoWorkItem);
        return;
    }
    if (CheckFree(IoWorkItem, "IoFreeWorkItem", caller))
        host_free(IoWorkItem);
}

ULONG NTAPI IoSizeofWorkItem(void)
{
    DDI_ENTER(IoSizeofWorkItem);
    return sizeof(struct _IO_WORKITEM);
}

void NTAPI IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    DDI_ENTER(IoInitializeWorkItem);
    InitializeItem(IoWorkItem, IoObject);
}

void NTAPI IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    DDI_ENTER(IoUninitializeWorkItem);
    CheckFree(IoWorkItem, "IoUninitializeWorkItem", __builtin_return_address(0));
}

/* FALSE: it is queued already. Who changes Queued from 0 owns the item's fields. */
static BOOLEAN QueueIo(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE routine,
                       PIO_WORKITEM_ROUTINE_EX routine_ex, WORK_QUEUE_TYPE type, PVOID context)
{
    LONG idle = 0;

    if (!__atomic_compare_exchange_n(&item->Queued, &idle, 1, FALSE, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return FALSE;
    item->Routine = routine;
    item->RoutineEx = routine_ex;
    item->Context = context;
    ObfReferenceObject(item->IoObject);
    HOST_ASSERT(Insert(&item->Item, type));
    return TRUE;
}

static void ReportQueued(PIO_WORKITEM item, const char *name, const void *caller)
{
    vf_report(VF_STOP, "VF-LIST-01", NULL, caller, "%s: work item %p is queued already", name,
              (void *)item);
}

void NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    DDI_ENTER(IoQueueWorkItem);
    if (!QueueIo(IoWorkItem, WorkerRoutine, NULL, QueueType, Context))
        ReportQueued(IoWorkItem, "IoQueueWorkItem", __builtin_return_address(0));
}

void NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                             WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    DDI_ENTER(IoQueueWorkItemEx);
    if (!QueueIo(IoWorkItem, NULL, WorkerRoutine, QueueType, Context))
        ReportQueued(IoWorkItem, "IoQueueWorkItemEx", __builtin_return_address(0));
}

BOOLEAN NTAPI IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                 WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    DDI_ENTER(IoTryQueueWorkItem);
    return QueueIo(IoWorkItem, NULL, WorkerRoutine, QueueType, Context);
}
