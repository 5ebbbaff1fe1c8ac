/*
 * kernel.c: what races in the kernel slice: events, waits, timers, DPCs, work items, rundown,
 * locks. Each test lets threads do at the same time what a driver may do, and checks what must
 * hold.
 */
#include "conformance.h"

#define ROUNDS 8

/* ---- events and waits ------------------------------------------------------------------------ */

static struct {
    KEVENT Ping, Pong;
    KSEMAPHORE Semaphore;
    KMUTEX Mutex;
    LONG Count, Inside, Bad;
} W;

static BOOLEAN WaitOn(PVOID Object)
{
    LARGE_INTEGER limit = { .QuadPart = -10000000ll * WAIT_SECONDS };

    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &limit) == STATUS_SUCCESS;
}

static void AnswerPings(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        if (!WaitOn(&W.Ping))
            InterlockedIncrement(&W.Bad);
        (void)KeSetEvent(&W.Pong, IO_NO_INCREMENT, FALSE);
    }
}

/* No set is lost. */
TEST(ping_pong, "")
{
    THREAD t;

    RtlZeroMemory(&W, sizeof(W));
    KeInitializeEvent(&W.Ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&W.Pong, SynchronizationEvent, FALSE);
    ThreadStart(&t, AnswerPings, NULL);
    for (ULONG i = 0; i < ROUNDS; i++) {
        (void)KeSetEvent(&W.Ping, IO_NO_INCREMENT, FALSE);
        CHECK(WaitOn(&W.Pong));
    }
    ThreadJoin(&t);
    CHECK_EQ(W.Bad, 0);
}

static void TakeAll(PVOID Context)
{
    PVOID objects[] = { &W.Semaphore, &W.Ping };
    LARGE_INTEGER limit = { .QuadPart = -10000000ll * WAIT_SECONDS };

    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        NTSTATUS status = KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode,
                                                   FALSE, &limit, NULL);
        if (status != STATUS_SUCCESS)
            InterlockedIncrement(&W.Bad);
        InterlockedIncrement(&W.Count);
    }
}

/* A wait for all takes all or nothing. */
TEST(wait_all, "")
{
    THREAD t;

    RtlZeroMemory(&W, sizeof(W));
    KeInitializeEvent(&W.Ping, SynchronizationEvent, FALSE);
    KeInitializeSemaphore(&W.Semaphore, 0, 100);
    ThreadStart(&t, TakeAll, NULL);
    for (LONG i = 0; i < ROUNDS; i++) {
        (void)KeReleaseSemaphore(&W.Semaphore, IO_NO_INCREMENT, 1, FALSE);
        (void)KeSetEvent(&W.Ping, IO_NO_INCREMENT, FALSE);
        for (ULONG n = 0; n < 1000 && InterlockedCompareExchange(&W.Count, 0, 0) <= i; n++) {
            LARGE_INTEGER ms = { .QuadPart = -10000 };
            (void)KeDelayExecutionThread(KernelMode, FALSE, &ms);
        }
        CHECK_EQ(W.Count, i + 1);
        CHECK_EQ(KeReadStateSemaphore(&W.Semaphore), 0);
    }
    ThreadJoin(&t);
    CHECK_EQ(W.Bad, 0);
}

static void SetBoth(PVOID Context)
{
    LARGE_INTEGER brief = { .QuadPart = -1 };

    UNREFERENCED_PARAMETER(Context);
    (void)KeDelayExecutionThread(KernelMode, FALSE, &brief); /* until the others time out */
    (void)KeReleaseSemaphore(&W.Semaphore, IO_NO_INCREMENT, 1, FALSE);
    (void)KeSetEvent(&W.Ping, IO_NO_INCREMENT, FALSE);
}

/* A wait that times out as its object is set takes the object or leaves it, never half. */
TEST(timeout_against_set, "")
{
    for (ULONG i = 0; i < ROUNDS; i++) {
        THREAD t;
        PVOID objects[] = { &W.Semaphore, &W.Ping };
        RtlZeroMemory(&W, sizeof(W));
        KeInitializeEvent(&W.Ping, SynchronizationEvent, FALSE);
        KeInitializeSemaphore(&W.Semaphore, 0, 100);
        ThreadStart(&t, SetBoth, NULL);
        LARGE_INTEGER brief = { .QuadPart = -1 };
        LONG taken = 0, left;
        for (ULONG n = 0; n < 3; n++) {
            NTSTATUS status = KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode,
                                                       FALSE, &brief, NULL);
            taken += status != STATUS_TIMEOUT;
        }
        ThreadJoin(&t);
        left = KeReadStateSemaphore(&W.Semaphore) + (KeReadStateEvent(&W.Ping) != 0);
        CHECK_EQ(taken + left, 2);
    }
}

/* ---- locks: each lets one in, and nobody waits for ever ---------------------------------------
 */

static FAST_MUTEX Fast;
static EX_PUSH_LOCK Push;
static ERESOURCE Resource;
static KSPIN_LOCK Spin;
static EX_SPIN_LOCK Shared;

typedef enum { Mutex, FastMutex, PushX, PushS, ResX, ResS, SpinK, SpinX, SpinS, Kinds } KIND;
static struct {
    KIND Kind;
    LONG Readers, Writers, Bad;
} L;

static void Writing(void)
{
    if (InterlockedIncrement(&L.Writers) != 1 || InterlockedCompareExchange(&L.Readers, 0, 0))
        InterlockedIncrement(&L.Bad);
    InterlockedDecrement(&L.Writers);
}

static void Reading(void)
{
    InterlockedIncrement(&L.Readers);
    if (InterlockedCompareExchange(&L.Writers, 0, 0))
        InterlockedIncrement(&L.Bad);
    InterlockedDecrement(&L.Readers);
}

static void Once(KIND Kind)
{
    KIRQL irql;

    switch (Kind) {
    case Mutex:
        if (!WaitOn(&W.Mutex))
            InterlockedIncrement(&L.Bad);
        Writing();
        (void)KeReleaseMutex(&W.Mutex, FALSE);
        break;
    case FastMutex:
        ExAcquireFastMutex(&Fast);
        Writing();
        ExReleaseFastMutex(&Fast);
        break;
    case PushX:
        KeEnterCriticalRegion();
        ExAcquirePushLockExclusive(&Push);
        Writing();
        ExReleasePushLockExclusive(&Push);
        KeLeaveCriticalRegion();
        break;
    case PushS:
        KeEnterCriticalRegion();
        ExAcquirePushLockShared(&Push);
        Reading();
        ExReleasePushLockShared(&Push);
        KeLeaveCriticalRegion();
        break;
    case ResX:
        KeEnterCriticalRegion();
        (void)ExAcquireResourceExclusiveLite(&Resource, TRUE);
        Writing();
        ExReleaseResourceLite(&Resource);
        KeLeaveCriticalRegion();
        break;
    case ResS:
        KeEnterCriticalRegion();
        (void)ExAcquireResourceSharedLite(&Resource, TRUE);
        Reading();
        ExReleaseResourceLite(&Resource);
        KeLeaveCriticalRegion();
        break;
    case SpinK:
        KeAcquireSpinLock(&Spin, &irql);
        Writing();
        KeReleaseSpinLock(&Spin, irql);
        break;
    case SpinX:
        irql = ExAcquireSpinLockExclusive(&Shared);
        Writing();
        ExReleaseSpinLockExclusive(&Shared, irql);
        break;
    default:
        irql = ExAcquireSpinLockShared(&Shared);
        Reading();
        ExReleaseSpinLockShared(&Shared, irql);
    }
}

static void UseKind(PVOID Context)
{
    KIND other = L.Kind == PushX ? PushS : L.Kind == ResX ? ResS : L.Kind == SpinX ? SpinS : L.Kind;

    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        Once(L.Kind);
        Once(other);
    }
}

TEST(contended, "")
{
    static const KIND kinds[] = { Mutex, FastMutex, PushX, ResX, SpinK, SpinX };

    KeInitializeMutex(&W.Mutex, 0);
    ExInitializeFastMutex(&Fast);
    ExInitializePushLock(&Push);
    (void)ExInitializeResourceLite(&Resource);
    KeInitializeSpinLock(&Spin);
    Shared = 0;
    RtlZeroMemory(&L, sizeof(L));
    for (ULONG k = 0; k < RTL_NUMBER_OF(kinds); k++) {
        THREAD t[2];
        L.Kind = kinds[k];
        for (ULONG i = 0; i < 2; i++)
            ThreadStart(&t[i], UseKind, NULL);
        for (ULONG i = 0; i < 2; i++)
            ThreadJoin(&t[i]);
    }
    (void)ExDeleteResourceLite(&Resource);
    CHECK_EQ(L.Bad, 0);
}

/* ---- DPCs and timers ------------------------------------------------------------------------- */

static struct {
    KDPC Dpc;
    KTIMER Timer;
    LONG Ran, Queued, Gone, Late;
} D;

static VOID NTAPI CountDpc(PKDPC Dpc, PVOID Context, PVOID One, PVOID Two)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(One);
    UNREFERENCED_PARAMETER(Two);
    if (InterlockedCompareExchange(&D.Gone, 0, 0))
        InterlockedIncrement(&D.Late);
    InterlockedIncrement(&D.Ran);
}

static void QueueDpcs(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        if (KeInsertQueueDpc(&D.Dpc, NULL, NULL))
            InterlockedIncrement(&D.Queued);
        if (KeRemoveQueueDpc(&D.Dpc))
            InterlockedDecrement(&D.Queued);
    }
}

/* Each DPC that was queued and not removed runs, and none is running behind a flush. */
TEST(dpcs, "")
{
    THREAD t[2];

    RtlZeroMemory(&D, sizeof(D));
    KeInitializeDpc(&D.Dpc, CountDpc, NULL);
    for (ULONG i = 0; i < 2; i++)
        ThreadStart(&t[i], QueueDpcs, NULL);
    for (ULONG i = 0; i < 2; i++)
        ThreadJoin(&t[i]);
    if (KeInsertQueueDpc(&D.Dpc, NULL, NULL))
        InterlockedIncrement(&D.Queued);
    KeFlushQueuedDpcs();
    InterlockedExchange(&D.Gone, 1);
    CHECK_EQ(D.Ran, D.Queued);
    CHECK_EQ(D.Late, 0);
}

static void CancelTimer(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    if (KeCancelTimer(&D.Timer))
        InterlockedIncrement(&D.Queued); /* cancelled: the DPC must not run */
}

/* A timer that was cancelled in time does not fire; one that was not does, once. */
TEST(timers, "")
{
    for (ULONG i = 0; i < ROUNDS; i++) {
        THREAD t;
        RtlZeroMemory(&D, sizeof(D));
        KeInitializeTimer(&D.Timer);
        KeInitializeDpc(&D.Dpc, CountDpc, NULL);
        LARGE_INTEGER soon = { .QuadPart = -10000 }, later = { .QuadPart = -20000 };
        (void)KeSetTimer(&D.Timer, soon, &D.Dpc);
        (void)KeDelayExecutionThread(KernelMode, FALSE, &soon);
        ThreadStart(&t, CancelTimer, NULL);
        ThreadJoin(&t);
        (void)KeDelayExecutionThread(KernelMode, FALSE, &later);
        KeFlushQueuedDpcs();
        CHECK_EQ(D.Ran + D.Queued, 1);
        CHECK_EQ(KeReadStateTimer(&D.Timer) != 0, D.Ran == 1);
    }
}

/* ---- work items, rundown, remove locks ------------------------------------------------------- */

static struct {
    EX_RUNDOWN_REF Rundown;
    IO_REMOVE_LOCK Remove;
    LONG Inside, Gone, Bad, Ran;
    WORK_QUEUE_ITEM Item[3];
    KEVENT Done;
} R;

static void UseProtected(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        if (ExAcquireRundownProtection(&R.Rundown)) {
            if (InterlockedCompareExchange(&R.Gone, 0, 0))
                InterlockedIncrement(&R.Bad);
            InterlockedIncrement(&R.Inside);
            InterlockedDecrement(&R.Inside);
            if (InterlockedCompareExchange(&R.Gone, 0, 0))
                InterlockedIncrement(&R.Bad);
            ExReleaseRundownProtection(&R.Rundown);
        }
    }
}

static void UseRemove(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        if (!NT_SUCCESS(IoAcquireRemoveLock(&R.Remove, NULL)))
            continue;
        if (InterlockedCompareExchange(&R.Gone, 0, 0))
            InterlockedIncrement(&R.Bad);
        IoReleaseRemoveLock(&R.Remove, NULL);
    }
}

TEST(rundown, "")
{
    THREAD t;

    RtlZeroMemory(&R, sizeof(R));
    ExInitializeRundownProtection(&R.Rundown);
    ThreadStart(&t, UseProtected, NULL);
    ExWaitForRundownProtectionRelease(&R.Rundown);
    InterlockedExchange(&R.Gone, 1);
    ThreadJoin(&t);
    CHECK_EQ(R.Bad, 0);
}

TEST(remove_lock, "")
{
    THREAD t;

    RtlZeroMemory(&R, sizeof(R));
    IoInitializeRemoveLock(&R.Remove, 'woPR', 0, 0);
    ThreadStart(&t, UseRemove, NULL);
    CHECK_STATUS(IoAcquireRemoveLock(&R.Remove, NULL), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(&R.Remove, NULL);
    InterlockedExchange(&R.Gone, 1);
    ThreadJoin(&t);
    CHECK_EQ(R.Bad, 0);
}

static VOID NTAPI RunItem(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    if (InterlockedIncrement(&R.Ran) == 3)
        (void)KeSetEvent(&R.Done, IO_NO_INCREMENT, FALSE);
}

TEST(work_items, "")
{
    for (ULONG round = 0; round < ROUNDS; round++) {
        RtlZeroMemory(&R, sizeof(R));
        KeInitializeEvent(&R.Done, NotificationEvent, FALSE);
        for (ULONG i = 0; i < 3; i++) {
            ExInitializeWorkItem(&R.Item[i], RunItem, NULL);
            ExQueueWorkItem(&R.Item[i], DelayedWorkQueue);
        }
        CHECK(WaitOn(&R.Done));
        LARGE_INTEGER ms = { .QuadPart = -10000 };
        (void)KeDelayExecutionThread(KernelMode, FALSE, &ms);
        CHECK_EQ(R.Ran, 3);
    }
}

/* The build makes a driver of each test: -DONLY=ROW(name). */
TESTS(ONLY)
