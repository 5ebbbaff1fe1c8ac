/*
 * calls.c: IRPs, and the records of what their completions were.
 */
#include "harness.h"

#define MAX_CALLS 4096 /* under way at once */

enum { Pending, Completed, Left };

/*
 * What a completion routine gets and fills. A test that fails returns while its requests are under
 * way, so nothing of what they touch may lie on its stack. The routine and whoever made the call
 * hold the record, and the later one gives it back; the IRP is freed by the maker, or, when that
 * has left the call before it completed, by the routine. No lock: to raise the IRQL would run the
 * callbacks that wait for this processor, and some of them wait for the test.
 */
typedef struct _RECORD {
    LONG Used, Made, Holders, State, Completions; /* Made: its maker has not left it */
    BOOLEAN MakesSocket, Initialized;
    KEVENT Done;
    NTSTATUS Status;
    ULONG_PTR Information;
    BOOLEAN PendingReturned;
    KIRQL Irql;
    PIRP Irp;
    __declspec(align(16)) UCHAR Storage[sizeof(IRP) + sizeof(IO_STACK_LOCATION)];
} RECORD;

static RECORD Records[MAX_CALLS];
static LONG RecordsUsed; /* those behind it were never taken */

static RECORD *TakeRecord(void)
{
    for (LONG i = 0; i < MAX_CALLS; i++) {
        RECORD *r = &Records[i];
        if (ReadAcquire(&r->Used) || InterlockedCompareExchange(&r->Used, 1, 0))
            continue;
        for (LONG n = ReadAcquire(&RecordsUsed); n <= i; n = ReadAcquire(&RecordsUsed))
            (void)InterlockedCompareExchange(&RecordsUsed, i + 1, n);
        if (r->Initialized)
            KeClearEvent(&r->Done);
        else
            KeInitializeEvent(&r->Done, NotificationEvent, FALSE);
        r->Initialized = TRUE;
        r->Holders = 2;
        r->Made = 1;
        r->State = Pending;
        r->Completions = 0;
        r->MakesSocket = FALSE;
        return r;
    }
    return NULL;
}

/* One that can be freed, so that it is seen when it is touched afterwards; its own at need. */
static PIRP IrpFor(RECORD *Record)
{
    PIRP irp = NULL;

    for (ULONG i = 0; i < TRIES && !irp; i++)
        irp = IoAllocateIrp(1, FALSE);
    if (irp)
        return irp;
    irp = (PIRP)Record->Storage;
    IoInitializeIrp(irp, IoSizeOfIrp(1), 1);
    return irp;
}

static void FreeIrpOf(RECORD *Record)
{
    if (Record->Irp != (PIRP)Record->Storage)
        IoFreeIrp(Record->Irp);
}

static void LetGo(RECORD *Record)
{
    if (InterlockedDecrement(&Record->Holders) == 0)
        InterlockedExchange(&Record->Used, 0);
}

static NTSTATUS NTAPI CallCompleted(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    RECORD *r = Context;
    UNREFERENCED_PARAMETER(DeviceObject);

    if (InterlockedIncrement(&r->Completions) > 1)
        return STATUS_MORE_PROCESSING_REQUIRED; /* CallWait() says so */
    if (r->MakesSocket && NT_SUCCESS(Irp->IoStatus.Status) && Irp->IoStatus.Information)
        Adopt((PWSK_SOCKET)Irp->IoStatus.Information);
    r->Status = Irp->IoStatus.Status;
    r->Information = Irp->IoStatus.Information;
    r->PendingReturned = Irp->PendingReturned;
    r->Irql = KeGetCurrentIrql();
    if (InterlockedExchange(&r->State, Completed) == Left)
        FreeIrpOf(r);
    else
        KeSetEvent(&r->Done, IO_NO_INCREMENT, FALSE);
    LetGo(r);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

PIRP CallBegin(CALL *Call)
{
    RtlZeroMemory(Call, sizeof(*Call));
    Call->Record = TakeRecord();
    if (!Call->Record) {
        TestFail(__FILE__, __LINE__, "too many calls");
        return NULL;
    }
    Call->Done = &Call->Record->Done;
    Call->Record->Irp = Call->Irp = IrpFor(Call->Record);
    IoSetCompletionRoutine(Call->Irp, CallCompleted, Call->Record, TRUE, TRUE, TRUE);
    return Call->Irp;
}

PIRP CallBeginSocket(CALL *Call)
{
    PIRP irp = CallBegin(Call);

    if (Call->Record)
        Call->Record->MakesSocket = TRUE;
    return irp;
}

/* Done is set: what the routine has recorded. */
static void ReadRecord(CALL *Call)
{
    RECORD *r = Call->Record;

    if (!r)
        return;
    Call->Completions = ReadAcquire(&r->Completions);
    Call->Status = r->Status;
    Call->Information = r->Information;
    Call->PendingReturned = r->PendingReturned;
    Call->Irql = r->Irql;
}

/* Whether it has completed or not: the maker has done with it. */
static void LeaveRecord(RECORD *Record, BOOLEAN FreesIrp)
{
    if (!InterlockedExchange(&Record->Made, 0))
        return;
    if (InterlockedCompareExchange(&Record->State, Left, Pending) != Pending && FreesIrp)
        FreeIrpOf(Record);
    LetGo(Record);
}

void LeaveCalls(void)
{
    LONG count = ReadAcquire(&RecordsUsed);

    for (LONG i = 0; i < count; i++)
        LeaveRecord(&Records[i], TestFailed());
}

BOOLEAN CallIsDone(CALL *Call)
{
    if (!KeReadStateEvent(Call->Done))
        return FALSE;
    ReadRecord(Call);
    return TRUE;
}

void CallStarted(CALL *Call, NTSTATUS Returned)
{
    Call->Returned = Returned;
    if (Returned == STATUS_PENDING)
        return;
    if (!CallIsDone(Call))
        TestFail(__FILE__, __LINE__, "returned 0x%08x without completing the IRP (D01)", Returned);
    else if (Call->Status != Returned)
        TestFail(__FILE__, __LINE__, "returned 0x%08x but completed the IRP with 0x%08x (D01)",
                 Returned, Call->Status);
    else if (Call->PendingReturned)
        TestFail(__FILE__, __LINE__, "PendingReturned after an inline completion (D01)");
}

NTSTATUS CallWait(CALL *Call)
{
    if (!WaitFor(Call->Done)) {
        TestFail(__FILE__, __LINE__, "the IRP was not completed (IRP-01)");
        IoCancelIrp(Call->Irp);
        (void)WaitFor(Call->Done);
        return STATUS_IO_TIMEOUT;
    }
    ReadRecord(Call);
    if (Call->Returned == STATUS_PENDING && !Call->PendingReturned)
        TestFail(__FILE__, __LINE__, "PendingReturned is FALSE after STATUS_PENDING (D02)");
    if (Call->Completions != 1)
        TestFail(__FILE__, __LINE__, "the IRP was completed %d times (IRP-01)", Call->Completions);
    return Call->Status;
}

void CallFree(CALL *Call)
{
    if (Call->Record)
        LeaveRecord(Call->Record, TRUE);
    Call->Irp = NULL;
    Call->Record = NULL;
}

NTSTATUS CallEnd(CALL *Call, NTSTATUS Returned)
{
    CallStarted(Call, Returned);
    NTSTATUS status = CallWait(Call);
    CallFree(Call);
    return status;
}

NTSTATUS CallFinish(CALL *Call)
{
    NTSTATUS status = CallWait(Call);

    CallFree(Call);
    return status;
}

static void FreeIrp(PVOID Context)
{
    IoFreeIrp(Context);
}

PIRP MakeIrp(CCHAR Locations)
{
    PIRP irp = NULL;

    for (ULONG i = 0; i < TRIES && !irp; i++)
        irp = IoAllocateIrp(Locations, FALSE);
    if (irp) {
        Owe(FreeIrp, irp);
        return irp;
    }
    irp = FromReserve(IoSizeOfIrp(Locations));
    if (irp)
        IoInitializeIrp(irp, IoSizeOfIrp(Locations), Locations);
    return irp;
}
