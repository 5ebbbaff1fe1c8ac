/*
 * wait.c: waiting for dispatcher objects. See kip.h for the lock and the lifetime rules.
 *
 * A wait first tests its objects under the lock. If they do not satisfy it, it links one wait block
 * per object, drops the lock and parks. Whoever signals an object walks its wait list in order
 * (first come, first served), takes for each wait that can be satisfied what it takes (an
 * auto-reset event, a mutex, one count of a semaphore), unlinks all its blocks and marks the thread
 * SATISFIED; after the lock is dropped KipWake unparks it and marks it RELEASED, which is the last
 * access to the thread. The thread leaves only when it is RELEASED. A time-out and a satisfaction
 * race under the lock: who finds the thread WAITING wins.
 *
 * Alertable waits accept the flag. Nothing that a driver can call alerts a thread or queues a
 * user-mode APC to it, so STATUS_ALERTED and STATUS_USER_APC do not occur.
 */
#include "nt/kip.h"

#define EPOCH_1601_TO_1970_100NS 116444736000000000LL

struct host_lock KipDispatcherLock = HOST_LOCK_INIT(HOST_RANK_NT_DISPATCHER);

/* ---- objects -------------------------------------------------------------------------------- */

void KipInitializeHeader(DISPATCHER_HEADER *header, UCHAR type, size_t size, LONG state)
{
    /* One store, so that a driver that initialises an object anew is no torn state. */
    uint64_t word =
        (uint64_t)type | (uint64_t)(size / 4 & 0xff) << 16 | (uint64_t)(ULONG)state << 32;

    InitializeListHead(&header->WaitListHead);
    __atomic_store_n(KipWord(header), word, __ATOMIC_RELEASE);
}

void KipHold(DISPATCHER_HEADER *header)
{
    __atomic_fetch_or(KipWord(header), KIP_BUSY, __ATOMIC_ACQUIRE);
}

void KipLetGo(DISPATCHER_HEADER *header)
{
    if (IsListEmpty(&header->WaitListHead))
        __atomic_fetch_and(KipWord(header), ~KIP_BUSY, __ATOMIC_RELEASE);
}

void KipLockObject(DISPATCHER_HEADER *header)
{
    host_lock(&KipDispatcherLock);
    KipHold(header);
}

void KipUnlockObject(DISPATCHER_HEADER *header, KIP_WAKE *wake)
{
    KipLetGo(header);
    host_unlock(&KipDispatcherLock);
    KipWake(wake);
}

static BOOLEAN IsSignalled(DISPATCHER_HEADER *header, PKTHREAD thread)
{
    if (KipReadState(header) > 0)
        return TRUE;
    return KipType(header) == KIP_MUTANT &&
           CONTAINING_RECORD(header, KMUTANT, Header)->OwnerThread == thread;
}

/* Takes a mutex for a thread; TRUE when its last owner abandoned it. */
static BOOLEAN TakeMutant(PRKMUTEX mutant, PKTHREAD thread)
{
    BOOLEAN abandoned;

    KipSetState(&mutant->Header, KipReadState(&mutant->Header) - 1);
    if (mutant->OwnerThread == thread)
        return FALSE;
    mutant->OwnerThread = thread;
    InsertTailList(&thread->Mutants, &mutant->MutantListEntry);
    thread->CriticalRegion += mutant->ApcDisable;
    abandoned = mutant->Abandoned != 0;
    mutant->Abandoned = 0;
    return abandoned;
}

/* What a satisfied wait does to an object; TRUE for an abandoned mutex. */
static BOOLEAN Take(DISPATCHER_HEADER *header, PKTHREAD thread)
{
    switch (KipType(header)) {
    case KIP_EVENT_SYNCHRONIZATION:
    case KIP_TIMER_SYNCHRONIZATION:
        KipSetState(header, 0);
        return FALSE;
    case KIP_SEMAPHORE:
        KipSetState(header, KipReadState(header) - 1);
        return FALSE;
    case KIP_MUTANT:
        return TakeMutant(CONTAINING_RECORD(header, KMUTANT, Header), thread);
    default:
        return FALSE;
    }
}

/* ---- satisfying and waking ------------------------------------------------------------------ */

static DISPATCHER_HEADER *HeaderOf(PKWAIT_BLOCK block)
{
    return block->Object;
}

/* Unlinks all blocks of a wait. `held` stays busy: its holder lets it go. */
static void UnlinkBlocks(PKTHREAD thread, DISPATCHER_HEADER *held)
{
    for (ULONG i = 0; i < thread->WaitCount; i++)
        RemoveEntryList(&thread->WaitBlocks[i].WaitListEntry);
    for (ULONG i = 0; i < thread->WaitCount; i++)
        if (HeaderOf(&thread->WaitBlocks[i]) != held)
            KipLetGo(HeaderOf(&thread->WaitBlocks[i]));
}

/* Tests the wait of `thread` as a whole and takes its objects; FALSE: it goes on waiting. */
static BOOLEAN TrySatisfy(PKTHREAD thread, PKWAIT_BLOCK block, NTSTATUS *status)
{
    BOOLEAN abandoned = FALSE;

    if (thread->WaitType == WaitAny) {
        abandoned = Take(HeaderOf(block), thread);
        *status = (abandoned ? STATUS_ABANDONED : STATUS_WAIT_0) + block->WaitKey;
        return TRUE;
    }
    for (ULONG i = 0; i < thread->WaitCount; i++)
        if (!IsSignalled(HeaderOf(&thread->WaitBlocks[i]), thread))
            return FALSE;
    for (ULONG i = 0; i < thread->WaitCount; i++)
        abandoned |= Take(HeaderOf(&thread->WaitBlocks[i]), thread);
    *status = abandoned ? STATUS_ABANDONED : STATUS_WAIT_0;
    return TRUE;
}

void KipSignal(DISPATCHER_HEADER *header, KIP_WAKE *wake)
{
    PLIST_ENTRY e = header->WaitListHead.Flink;

    while (e != &header->WaitListHead) {
        PKWAIT_BLOCK block = CONTAINING_RECORD(e, KWAIT_BLOCK, WaitListEntry);
        PKTHREAD thread = block->Thread;
        NTSTATUS status;

        if (!IsSignalled(header, thread))
            return;
        e = e->Flink;
        if (!TrySatisfy(thread, block, &status))
            continue;
        UnlinkBlocks(thread, header);
        thread->WaitStatus = status;
        thread->WakeNext = NULL;
        if (wake->Last)
            wake->Last->WakeNext = thread;
        else
            wake->First = thread;
        wake->Last = thread;
        __atomic_store_n(&thread->WaitState, KIP_WAIT_SATISFIED, __ATOMIC_RELEASE);
        e = header->WaitListHead.Flink;
    }
}

void KipWake(KIP_WAKE *wake)
{
    PKTHREAD next;

    for (PKTHREAD thread = wake->First; thread; thread = next) {
        next = thread->WakeNext;
        host_unpark(thread->Host);
        __atomic_store_n(&thread->WaitState, KIP_WAIT_RELEASED, __ATOMIC_RELEASE);
    }
}

/* ---- waiting -------------------------------------------------------------------------------- */

int64_t KipDeadline(const LARGE_INTEGER *timeout)
{
    int64_t now = host_now();
    int64_t delta;

    if (!timeout)
        return HOST_FOREVER;
    if (timeout->QuadPart <= 0) {
        if (timeout->QuadPart <= -(HOST_FOREVER / 200))
            return HOST_FOREVER;
        now = KipClock();
        delta = -timeout->QuadPart * 100;
    } else {
        delta = timeout->QuadPart - EPOCH_1601_TO_1970_100NS;
        if (delta > HOST_FOREVER / 200)
            return HOST_FOREVER;
        if (delta < -(HOST_FOREVER / 200))
            return now;
        delta = delta * 100 - host_wall();
        if (delta <= 0)
            return now;
    }
    return delta > HOST_FOREVER - now ? HOST_FOREVER : now + delta;
}

void KipKeepBusy(int64_t ns)
{
    int64_t end = ns ? host_now() + ns : 0;

    while (ns && host_now() < end)
        host_park(end);
}

/* The deadline of a thread that is going to wait: time-outs end at a clock interrupt, too. */
static int64_t WaitDeadline(const LARGE_INTEGER *timeout)
{
    int64_t deadline = KipNextClock(KipDeadline(timeout));

    if (deadline > HOST_FOREVER - KIP_LATE_NS)
        return deadline;
    return deadline + host_delay(KIP_LATE_NS, "time-out of a wait");
}

/* Under the lock, objects held. The status, or STATUS_PENDING when the thread has to wait. */
static NTSTATUS TestObjects(PKTHREAD thread, ULONG count, PVOID objects[], WAIT_TYPE type)
{
    BOOLEAN abandoned = FALSE;

    if (type == WaitAny) {
        for (ULONG i = 0; i < count; i++) {
            if (!IsSignalled(objects[i], thread))
                continue;
            abandoned = Take(objects[i], thread);
            return (NTSTATUS)((abandoned ? STATUS_ABANDONED : STATUS_WAIT_0) + i);
        }
        return STATUS_PENDING;
    }
    for (ULONG i = 0; i < count; i++)
        if (!IsSignalled(objects[i], thread))
            return STATUS_PENDING;
    for (ULONG i = 0; i < count; i++)
        abandoned |= Take(objects[i], thread);
    return abandoned ? STATUS_ABANDONED : STATUS_WAIT_0;
}

static void LinkBlocks(PKTHREAD thread, ULONG count, PVOID objects[], WAIT_TYPE type,
                       PKWAIT_BLOCK blocks)
{
    for (ULONG i = 0; i < count; i++) {
        DISPATCHER_HEADER *header = objects[i];
        blocks[i].Object = header;
        blocks[i].Thread = thread;
        blocks[i].WaitKey = (USHORT)i;
        blocks[i].WaitType = (UCHAR)type;
        InsertTailList(&header->WaitListHead, &blocks[i].WaitListEntry);
    }
    thread->WaitBlocks = blocks;
    thread->WaitCount = count;
    thread->WaitType = type;
    __atomic_store_n(&thread->WaitState, KIP_WAIT_WAITING, __ATOMIC_RELAXED);
}

/* The deadline has passed: TRUE if the wait is still open and now ends. */
static BOOLEAN GiveUp(PKTHREAD thread)
{
    BOOLEAN open;

    host_lock(&KipDispatcherLock);
    open = __atomic_load_n(&thread->WaitState, __ATOMIC_ACQUIRE) == KIP_WAIT_WAITING;
    if (open)
        UnlinkBlocks(thread, NULL);
    host_unlock(&KipDispatcherLock);
    return open;
}

static NTSTATUS Park(PKTHREAD thread, int64_t deadline)
{
    unsigned rounds = 0;

    if (thread->Worker)
        KipWorkerBlocks();
    while (__atomic_load_n(&thread->WaitState, __ATOMIC_ACQUIRE) == KIP_WAIT_WAITING) {
        if (host_park(deadline) || !GiveUp(thread))
            continue;
        thread->WaitStatus = STATUS_TIMEOUT;
        goto out;
    }
    while (__atomic_load_n(&thread->WaitState, __ATOMIC_ACQUIRE) != KIP_WAIT_RELEASED)
        host_spin(&rounds, "KeWait");
out:
    thread->WaitState = KIP_WAIT_NONE;
    if (thread->Worker)
        KipWorkerResumes();
    return thread->WaitStatus;
}

/* May this thread block? A driver that waits where it must not is told so. */
static BOOLEAN MayBlock(PKTHREAD thread, const char *name, const void *caller)
{
    if (thread->Irql >= DISPATCH_LEVEL) {
        vf_report(VF_STOP, "VF-IRQL-05", NULL, caller,
                  "%s would block at IRQL %u; at DISPATCH_LEVEL only a zero timeout is allowed",
                  name, thread->Irql);
        return FALSE;
    }
    if (thread->UpcallDepth > 0)
        vf_report(VF_STOP, "VF-WAIT-01", "EVT-25", caller,
                  "%s blocks inside a callback or completion routine that WSK runs", name);
    return TRUE;
}

static NTSTATUS Wait(ULONG count, PVOID objects[], WAIT_TYPE type, PLARGE_INTEGER timeout,
                     PKWAIT_BLOCK blocks, const char *name, const void *caller)
{
    PKTHREAD thread = KiThread();
    BOOLEAN poll = timeout && timeout->QuadPart == 0;
    int64_t deadline;
    NTSTATUS status;

    if (!poll && thread->Irql >= DISPATCH_LEVEL)
        poll = !MayBlock(thread, name, caller);
    deadline = poll ? 0 : WaitDeadline(timeout);
    host_lock(&KipDispatcherLock);
    for (ULONG i = 0; i < count; i++)
        KipHold(objects[i]);
    status = TestObjects(thread, count, objects, type);
    if (status == STATUS_PENDING && !poll)
        LinkBlocks(thread, count, objects, type, blocks);
    for (ULONG i = 0; i < count; i++)
        KipLetGo(objects[i]);
    host_unlock(&KipDispatcherLock);
    if (status != STATUS_PENDING)
        return status;
    if (poll)
        return STATUS_TIMEOUT;
    MayBlock(thread, name, caller);
    return Park(thread, deadline);
}

/* Is this an object that can be waited for? */
static BOOLEAN IsObject(DISPATCHER_HEADER *header)
{
    static const unsigned short sizes[] = {
        [KIP_EVENT_NOTIFICATION] = sizeof(KEVENT),
        [KIP_EVENT_SYNCHRONIZATION] = sizeof(KEVENT),
        [KIP_MUTANT] = sizeof(KMUTEX),
        [KIP_PROCESS] = sizeof(struct _EPROCESS),
        [KIP_SEMAPHORE] = sizeof(KSEMAPHORE),
        [KIP_THREAD] = sizeof(KTHREAD),
        [KIP_TIMER_NOTIFICATION] = sizeof(KTIMER),
        [KIP_TIMER_SYNCHRONIZATION] = sizeof(KTIMER),
    };
    UCHAR type = KipType(header);

    return type < RTL_NUMBER_OF(sizes) && sizes[type] && KipIsType(header, type, sizes[type]);
}

static BOOLEAN CheckObject(PVOID object, KPROCESSOR_MODE mode, const char *name, const void *caller)
{
    const void *low, *high;

    if (!IsObject(object)) {
        vf_report(VF_STOP, "VF-WAIT-04", NULL, caller,
                  "%s: %p is no initialised event, mutex, semaphore, timer or thread", name,
                  object);
        return FALSE;
    }
    if (mode == UserMode) {
        host_stack_bounds(&low, &high);
        if ((char *)object >= (char *)low && (char *)object < (char *)high)
            vf_report(VF_ERROR, "VF-WAIT-02", NULL, caller,
                      "%s in UserMode on the object %p on the stack", name, object);
    }
    return TRUE;
}

/* An event that is set and that nobody holds: no lock. TRUE: the wait is over. */
static BOOLEAN TakeQuickly(DISPATCHER_HEADER *header)
{
    uint64_t word = __atomic_load_n(KipWord(header), __ATOMIC_ACQUIRE);

    while (!(word & KIP_BUSY) && KipState(word) != 0) {
        if ((UCHAR)word == KIP_EVENT_NOTIFICATION)
            return TRUE;
        if ((UCHAR)word != KIP_EVENT_SYNCHRONIZATION)
            return FALSE;
        if (__atomic_compare_exchange_n(KipWord(header), &word, word & MAXULONG, FALSE,
                                        __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
            return TRUE;
    }
    return FALSE;
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
                                     KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                     PLARGE_INTEGER Timeout)
{
    DDI_ENTER(KeWaitForSingleObject);
    const void *caller = __builtin_return_address(0);
    KWAIT_BLOCK block;

    UNREFERENCED_PARAMETER(WaitReason);
    UNREFERENCED_PARAMETER(Alertable);
    if (!CheckObject(Object, WaitMode, "KeWaitForSingleObject", caller))
        return STATUS_INVALID_PARAMETER_1;
    if (TakeQuickly(Object))
        return STATUS_SUCCESS;
    return Wait(1, &Object, WaitAny, Timeout, &block, "KeWaitForSingleObject", caller);
}

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                        PKWAIT_BLOCK WaitBlockArray)
{
    DDI_ENTER(KeWaitForMultipleObjects);
    const void *caller = __builtin_return_address(0);
    KWAIT_BLOCK blocks[THREAD_WAIT_OBJECTS];
    ULONG limit = WaitBlockArray ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS;

    UNREFERENCED_PARAMETER(WaitReason);
    UNREFERENCED_PARAMETER(Alertable);
    if (Count == 0 || Count > limit) {
        vf_report(VF_STOP, "VF-WAIT-04", NULL, caller,
                  "KeWaitForMultipleObjects: %u objects; 1 to %u are allowed %s wait block array",
                  Count, limit, WaitBlockArray ? "with a" : "without a");
        return STATUS_INVALID_PARAMETER_1;
    }
    for (ULONG i = 0; i < Count; i++)
        if (!CheckObject(Object[i], WaitMode, "KeWaitForMultipleObjects", caller))
            return STATUS_INVALID_PARAMETER_2;
    return Wait(Count, Object, WaitType, Timeout, WaitBlockArray ? WaitBlockArray : blocks,
                "KeWaitForMultipleObjects", caller);
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                      PLARGE_INTEGER Interval)
{
    DDI_ENTER(KeDelayExecutionThread);
    PKTHREAD thread = KiThread();
    unsigned rounds = 0;

    UNREFERENCED_PARAMETER(WaitMode);
    UNREFERENCED_PARAMETER(Alertable);
    if (Interval->QuadPart == 0) {
        host_spin(&rounds, "KeDelayExecutionThread");
        return STATUS_SUCCESS;
    }
    if (!MayBlock(thread, "KeDelayExecutionThread", __builtin_return_address(0)))
        return STATUS_UNSUCCESSFUL;
    int64_t deadline = WaitDeadline(Interval);
    if (thread->Worker)
        KipWorkerBlocks();
    while (host_now() < deadline)
        host_park(deadline);
    if (thread->Worker)
        KipWorkerResumes();
    return STATUS_SUCCESS;
}
