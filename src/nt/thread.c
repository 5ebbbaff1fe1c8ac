/*
 * thread.c: thread objects: adoption, PsCreateSystemThread, the end of a thread.
 *
 * A system thread holds a reference on its object. At its end it abandons its mutexes, signals the
 * object and puts itself on ReapList; a worker thread joins the host thread and drops the
 * reference. The thread cannot do that itself, because its own code runs on what would be freed.
 * ReapList is a stack that is pushed to by compare-exchange and emptied by exchange.
 */
#include "nt/kip.h"
#include "nt/ob.h"
#include "nt/rtlp.h"
#include "nt/stop.h"

static LONG NextThreadId;
static LONG NextThreadName;
static LONG NextPreferred;
static PKTHREAD ReapList;
static BOOLEAN ReapQueued; /* ReapItem is in the queue, or about to be */
static LONG Running;       /* system threads, until all of their own code has run */
static LONG Ending; /* system threads that have ended or are about to and are not joined yet */
static WORK_QUEUE_ITEM ReapItem;

void KiForgetNumbers(void)
{
    NextThreadId = NextThreadName = NextPreferred = 0;
    KipForgetUuids();
    RtlpForgetSeed();
    ObpForgetHandles();
}

void KipInitializeThread(PKTHREAD thread, const void *owner)
{
    LONG id = __atomic_add_fetch(&NextThreadId, 1, __ATOMIC_RELAXED);

    KipInitializeHeader(&thread->Header, KIP_THREAD, sizeof *thread, 0);
    InitializeListHead(&thread->Mutants);
    thread->Priority = 8;
    thread->Process = (struct _EPROCESS *)PsInitialSystemProcess;
    /* Windows' ids are multiples of 4, too; 4 itself is the system process. */
    thread->Id = (HANDLE)(ULONG_PTR)(4 + 4 * (ULONG)id);
    thread->PreferredProcessor =
        (ULONG)__atomic_fetch_add(&NextPreferred, 1, __ATOMIC_RELAXED) % KipProcessorCount;
    thread->Owner = owner;
    thread->ExitStatus = STATUS_PENDING;
}

void KipSignalThread(PKTHREAD thread)
{
    KIP_WAKE wake = { 0 };

    KipLockObject(&thread->Header);
    KipSetState(&thread->Header, 1);
    KipSignal(&thread->Header, &wake);
    KipUnlockObject(&thread->Header, &wake);
}

/* ---- foreign threads ------------------------------------------------------------------------ */

/*
 * The thread is ending and host_current is about to go: nothing here may ask for the current
 * thread, hence no lock and no signal. Nobody can wait for an adopted thread: no handle leads to
 * it.
 */
static void FreeAdopted(void *local)
{
    KiSehFree(local);
    ObpFreeBody(local);
}

PKTHREAD KiAdoptThread(void)
{
    struct host_thread *host = host_self();
    PKTHREAD thread;

    if (host->local)
        return host->local;
    thread = ObpAllocateBody(&ObpThreadType, sizeof *thread);
    if (!thread)
        host_panic("no memory for a thread object");
    thread->Host = host;
    KipInitializeThread(thread, NULL);
    host->local_free = FreeAdopted;
    host->local = thread;
    return thread;
}

/* ---- the end of a system thread ------------------------------------------------------------- */

static void Reap(void)
{
    PKTHREAD next;
    PKTHREAD thread = __atomic_exchange_n(&ReapList, NULL, __ATOMIC_ACQ_REL);

    for (; thread; thread = next) {
        next = thread->ReapNext;
        host_thread_join(thread->Host);
        thread->Host = NULL;
        KiSehFree(thread);
        ObfDereferenceObject(thread);
        __atomic_fetch_sub(&Ending, 1, __ATOMIC_RELEASE);
    }
}

void KipReapThreads(void)
{
    unsigned rounds = 0;

    while (__atomic_load_n(&Ending, __ATOMIC_ACQUIRE)) {
        Reap();
        host_spin(&rounds, "KipReapThreads");
    }
}

static void NTAPI ReapRoutine(PVOID parameter)
{
    UNREFERENCED_PARAMETER(parameter);
    __atomic_store_n(&ReapQueued, FALSE, __ATOMIC_SEQ_CST);
    Reap();
}

/* The item is queued by whoever sets ReapQueued, and out of the queue when its routine clears that.
 * Who finds it set leaves its thread to that routine, which takes the stack after it has cleared
 * the flag. An empty stack says nothing: KipReapThreads() empties it, too. */
static void QueueForReaping(PKTHREAD thread)
{
    PKTHREAD head = __atomic_load_n(&ReapList, __ATOMIC_RELAXED);

    do
        thread->ReapNext = head;
    while (!__atomic_compare_exchange_n(&ReapList, &head, thread, FALSE, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED));
    if (__atomic_exchange_n(&ReapQueued, TRUE, __ATOMIC_SEQ_CST))
        return;
    ExInitializeWorkItem(&ReapItem, ReapRoutine, NULL);
    ExQueueWorkItem(&ReapItem, DelayedWorkQueue);
}

static void CheckEnd(PKTHREAD thread, const void *caller)
{
    KI_UPCALL clean = { 0 };

    if (thread->Irql != PASSIVE_LEVEL || thread->SpinLocks || thread->CriticalRegion ||
        thread->GuardedRegion)
        KiReportUpcall(&clean, "a system thread's routine", caller);
}

static void EndThread(PKTHREAD thread, NTSTATUS status, const void *caller)
{
    ULONG abandoned = KipAbandonMutants(thread);

    if (abandoned)
        vf_report(VF_STOP, "VF-WAIT-05", NULL, caller, "a thread ended while it owned %u mutex(es)",
                  abandoned);
    CheckEnd(thread, caller);
    thread->ExitStatus = status;
    __atomic_store_n(&thread->Terminating, TRUE, __ATOMIC_RELEASE);
    vf_died(VF_THREAD, thread);
    __atomic_fetch_add(&Ending, 1, __ATOMIC_RELAXED);
    KipSignalThread(thread);
    QueueForReaping(thread);
    __atomic_fetch_sub(&Running, 1, __ATOMIC_RELAXED);
}

LONG KipSystemThreads(void)
{
    return __atomic_load_n(&Running, __ATOMIC_RELAXED);
}

static void RunThread(void *argument)
{
    PKTHREAD thread = argument;

    thread->Host->local = thread;
    thread->StartRoutine(thread->StartContext);
    EndThread(thread, STATUS_SUCCESS, (const void *)thread->StartRoutine);
}

static int StartHostThread(PKTHREAD thread)
{
    LONG number = __atomic_add_fetch(&NextThreadName, 1, __ATOMIC_RELAXED);
    char name[16] = "drv-";
    char digits[12];
    int length = 0;

    do
        digits[length++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    for (int i = 0; i < length && i < 11; i++)
        name[4 + i] = digits[length - 1 - i];
    return host_thread_create(&thread->Host, RunThread, thread, name);
}

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                    PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                                    PVOID StartContext)
{
    DDI_ENTER(PsCreateSystemThread);
    const void *caller = __builtin_return_address(0);
    PKTHREAD thread;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(DesiredAccess);
    UNREFERENCED_PARAMETER(ObjectAttributes);
    UNREFERENCED_PARAMETER(ProcessHandle);
    if (host_choose(2, HOST_CHOOSE_FAULT, "PsCreateSystemThread"))
        return STATUS_INSUFFICIENT_RESOURCES;
    thread = ObpAllocateBody(&ObpThreadType, sizeof *thread);
    if (!thread)
        return STATUS_INSUFFICIENT_RESOURCES;
    KipInitializeThread(thread, caller);
    thread->SystemThread = TRUE;
    thread->StartRoutine = StartRoutine;
    thread->StartContext = StartContext;
    status = ObpCreateHandle(thread, &ObpThreadType, ThreadHandle, caller);
    if (!NT_SUCCESS(status))
        goto drop_thread;
    if (ClientId)
        *ClientId = (CLIENT_ID){ PsGetCurrentProcessId(), thread->Id };
    vf_born(VF_THREAD, thread, 0, 0, caller);
    __atomic_fetch_add(&Running, 1, __ATOMIC_RELAXED);
    if (StartHostThread(thread) == 0)
        return STATUS_SUCCESS;
    __atomic_fetch_sub(&Running, 1, __ATOMIC_RELAXED);
    vf_died(VF_THREAD, thread);
    ObpCloseHandle(*ThreadHandle);
    status = STATUS_INSUFFICIENT_RESOURCES;
drop_thread:
    ObfDereferenceObject(thread);
    return status;
}

NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    DDI_ENTER(PsTerminateSystemThread);
    PKTHREAD thread = KiThread();

    if (!thread->StartRoutine)
        return STATUS_INVALID_PARAMETER;
    EndThread(thread, ExitStatus, __builtin_return_address(0));
    host_thread_exit();
}

/* ---- what drivers ask about threads --------------------------------------------------------- */

PKTHREAD NTAPI KeGetCurrentThread(void)
{
    return KiThread();
}

PETHREAD NTAPI(PsGetCurrentThread)(void)
{
    return (PETHREAD)KiThread();
}

HANDLE NTAPI PsGetCurrentThreadId(void)
{
    DDI_ENTER(PsGetCurrentThreadId);
    return KiThread()->Id;
}

HANDLE NTAPI PsGetThreadId(PETHREAD Thread)
{
    DDI_ENTER(PsGetThreadId);
    return Thread->Tcb.Id;
}

BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread)
{
    DDI_ENTER(PsIsSystemThread);
    return Thread->Tcb.SystemThread;
}

BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread)
{
    DDI_ENTER(PsIsThreadTerminating);
    return __atomic_load_n(&Thread->Tcb.Terminating, __ATOMIC_ACQUIRE);
}

NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread)
{
    DDI_ENTER(PsGetThreadExitStatus);
    if (!__atomic_load_n(&Thread->Tcb.Terminating, __ATOMIC_ACQUIRE))
        return STATUS_PENDING;
    return Thread->Tcb.ExitStatus;
}

/* Priorities are remembered and reported; the host schedules all threads alike. */
KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    DDI_ENTER(KeSetPriorityThread);
    return __atomic_exchange_n(&Thread->Priority, Priority, __ATOMIC_RELAXED);
}

KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread)
{
    DDI_ENTER(KeQueryPriorityThread);
    return __atomic_load_n(&Thread->Priority, __ATOMIC_RELAXED);
}

/* The increment is relative to the process's base priority, which is 8. */
LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    DDI_ENTER(KeSetBasePriorityThread);
    return __atomic_exchange_n(&Thread->Priority, 8 + Increment, __ATOMIC_RELAXED) - 8;
}
