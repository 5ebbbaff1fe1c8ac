/*
 * What: an IRP is reused for the next send without a wait for its completion
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

static struct {
    LONG Busy;
    KEVENT Idle;
} D;

static NTSTATUS NTAPI Complete(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    InterlockedExchange(&D.Busy, 0);
    KeSetEvent(&D.Idle, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

TEST(receive, "")
{
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(1000);
    PIRP irp = IoAllocateIrp(1, FALSE);
    LARGE_INTEGER patience = { .QuadPart = 0 };
    PAIR pair;

    CHECK(irp);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    KeInitializeEvent(&D.Idle, SynchronizationEvent, FALSE);
    for (ULONG i = 0; i < 8; i++) {
        IoReuseIrp(irp, STATUS_UNSUCCESSFUL);
        IoSetCompletionRoutine(irp, Complete, NULL, TRUE, TRUE, TRUE);
        InterlockedExchange(&D.Busy, 1);
        (void)CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &in->Buf, 0, irp);
        CHECK_STATUS(Send(pair.Client, out, 100, 0, NULL), STATUS_SUCCESS);
        (void)KeWaitForSingleObject(&D.Idle, Executive, KernelMode, FALSE, &patience);
#ifdef FIXED
        while (InterlockedCompareExchange(&D.Busy, 0, 0))
            (void)KeWaitForSingleObject(&D.Idle, Executive, KernelMode, FALSE, NULL);
#endif
    }
    (void)IoCancelIrp(irp);
    while (InterlockedCompareExchange(&D.Busy, 0, 0))
        (void)KeWaitForSingleObject(&D.Idle, Executive, KernelMode, FALSE, NULL);
    IoFreeIrp(irp);
}

TESTS(ROW(receive))
