/*
 * What: the IRP of a send is freed by its completion routine, and by the thread that cancelled it
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

typedef struct _OPERATION {
    PIRP Irp;
    LONG Freed;
    KEVENT Done;
} OPERATION;

static void Free(OPERATION *Operation)
{
#ifdef FIXED
    if (InterlockedExchange(&Operation->Freed, 1))
        return;
    IoFreeIrp(Operation->Irp);
#else
    if (!Operation->Freed) {
        IoFreeIrp(Operation->Irp);
        Operation->Freed = 1;
    }
#endif
}

static NTSTATUS NTAPI Complete(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    OPERATION *operation = Context;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(&operation->Done, IO_NO_INCREMENT, FALSE);
    Free(operation);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void WaitAndFree(PVOID Context)
{
    OPERATION *operation = Context;

    (void)KeWaitForSingleObject(&operation->Done, Executive, KernelMode, FALSE, NULL);
    Free(operation);
}

TEST(send, "")
{
    BUFFER *out = MakePattern(100, 1);
    PAIR pair;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < 8; i++) {
        OPERATION operation = { .Irp = IoAllocateIrp(1, FALSE) };
        THREAD waits;
        CHECK(operation.Irp);
        KeInitializeEvent(&operation.Done, NotificationEvent, FALSE);
        IoSetCompletionRoutine(operation.Irp, Complete, &operation, TRUE, TRUE, TRUE);
        ThreadStart(&waits, WaitAndFree, &operation);
        (void)CONNECTION_OF(pair.Client)->WskSend(pair.Client, &out->Buf, 0, operation.Irp);
        ThreadJoin(&waits);
    }
}

TESTS(ROW(send))
