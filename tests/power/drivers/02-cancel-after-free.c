/*
 * What: a timeout cancels an IRP that its completion routine may have freed
 * Workload: own --calm --for 0 --seeds 1..3000
 */
#include "conformance.h"

static struct {
    KSPIN_LOCK Lock;
    PIRP Irp; /* NULL: completed */
    KEVENT Done;
} Op;

static NTSTATUS NTAPI Complete(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
#ifdef FIXED
    KIRQL irql;
    KeAcquireSpinLock(&Op.Lock, &irql);
    Op.Irp = NULL;
    KeReleaseSpinLock(&Op.Lock, irql);
#else
    Op.Irp = NULL;
#endif
    IoFreeIrp(Irp);
    KeSetEvent(&Op.Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void TimeOut(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
#ifdef FIXED
    /* The completion routine waits for the lock, so the IRP is there as long as it is held. */
    KIRQL irql;
    KeAcquireSpinLock(&Op.Lock, &irql);
    BOOLEAN pending = Op.Irp != NULL;
    KeReleaseSpinLock(&Op.Lock, irql);
    UNREFERENCED_PARAMETER(pending);
#else
    if (Op.Irp)
        (void)IoCancelIrp(Op.Irp);
#endif
}

TEST(receive, "")
{
    BUFFER *out = MakePattern(100, 1), *in = MakeBuffer(100);
    PAIR pair;

    KeInitializeSpinLock(&Op.Lock);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < 8; i++) {
        THREAD cancels;
        KeInitializeEvent(&Op.Done, NotificationEvent, FALSE);
        PIRP irp = IoAllocateIrp(1, FALSE);
        CHECK(irp);
        Op.Irp = irp;
        IoSetCompletionRoutine(irp, Complete, NULL, TRUE, TRUE, TRUE);
        (void)CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &in->Buf, 0, irp);
        ThreadStart(&cancels, TimeOut, NULL);
        CHECK_STATUS(Send(pair.Client, out, 100, 0, NULL), STATUS_SUCCESS);
        ThreadJoin(&cancels);
        CHECK(WaitFor(&Op.Done));
    }
}

TESTS(ROW(receive))
