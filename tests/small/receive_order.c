/*
 * receive_order.c: two WskReceive of two threads: whoever's bytes came first also hears of them
 * first (D30), whether a request ends inside of its call or later.
 */
#include "small.h"

typedef struct _RECEIVE {
    PIRP Irp;
    KEVENT Done;
    BUFFER *To;
    LONG Place; /* in the order of completions */
} RECEIVE;

static PAIR P;
static RECEIVE R[2];
static LONG Completions;

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    RECEIVE *r = Context;
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);

    r->Place = InterlockedIncrement(&Completions);
    KeSetEvent(&r->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void ReceiveOne(PVOID Context)
{
    RECEIVE *r = Context;
    WSK_BUF buf = { r->To->Buf.Mdl, 0, BYTES };

    IoSetCompletionRoutine(r->Irp, Completed, r, TRUE, TRUE, TRUE);
    (void)CONNECTION_OF(P.Client)->WskReceive(P.Client, &buf, 0, r->Irp);
    CHECK(WaitFor(&r->Done));
}

TEST(receive_order, "")
{
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    CHECK_STATUS(Send(P.Server, MakePattern(2 * BYTES, 1), 2 * BYTES, 0, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        R[i].Irp = IoAllocateIrp(1, FALSE);
        R[i].To = MakeBuffer(BYTES);
        KeInitializeEvent(&R[i].Done, NotificationEvent, FALSE);
        CHECK(R[i].Irp != NULL);
    }
    Race(ReceiveOne, &R[0], ReceiveOne, &R[1]);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_STATUS(R[i].Irp->IoStatus.Status, STATUS_SUCCESS);
        CHECK_EQ(R[i].Irp->IoStatus.Information, BYTES);
        CHECK(IsPattern(R[i].To->Data, BYTES, 1, (SIZE_T)(R[i].Place - 1) * BYTES));
        IoFreeIrp(R[i].Irp);
    }
}

TESTS(ROW(receive_order))
