/*
 * cancel.c: cancellation of IRPs, and the system's cancel spin lock.
 *
 * Called by drivers and wsk/ at <= DISPATCH_LEVEL. Who takes the cancel routine out of the IRP (an
 * exchange) has decided the race between cancellation and completion: IoCancelIrp under the cancel
 * spin lock, whoever completes without it. IoCancelIrp stores Cancel before its exchange, and a
 * driver looks at Cancel after its own, so one of the two sees the other.
 */
#include "nt/iop.h"

static KSPIN_LOCK CancelLock;

VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
    DDI_ENTER(IoAcquireCancelSpinLock);
    *Irql = KeAcquireSpinLockRaiseToDpc(&CancelLock);
}

VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
    DDI_ENTER(IoReleaseCancelSpinLock);
    KeReleaseSpinLock(&CancelLock, Irql);
}

/*
 * Drivers read Cancel as a plain byte while it may be set, as Windows lets them. The store is not
 * instrumented, as it is atomic and nothing is ordered by it alone.
 */
__attribute__((no_sanitize("thread"))) static void SetCancel(PIRP irp)
{
    *(volatile BOOLEAN *)&irp->Cancel = TRUE;
}

/* With the cancel spin lock, which it releases. */
static BOOLEAN CancelLocked(PIRP Irp, KIRQL irql)
{
    PDRIVER_CANCEL routine;
    KI_UPCALL upcall = KiEnterUpcall();

    /* The routine releases the lock. */
    upcall.Irql = irql;
    upcall.SpinLocks--;
    SetCancel(Irp);
    routine = __atomic_exchange_n((PDRIVER_CANCEL *)&Irp->CancelRoutine, NULL, __ATOMIC_SEQ_CST);
    if (!routine) {
        KeReleaseSpinLock(&CancelLock, irql);
        return FALSE;
    }
    Irp->CancelIrql = irql;
    /* It releases the lock, down to CancelIrql; the IRP may be gone when it returns. */
    routine(Irp->CurrentLocation <= Irp->StackCount
                ? IoGetCurrentIrpStackLocation(Irp)->DeviceObject
                : NULL,
            Irp);
    KiLeaveUpcall(&upcall, "a cancel routine", (const void *)routine);
    return TRUE;
}

BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    DDI_ENTER(IoCancelIrp);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&CancelLock);

    return CancelLocked(Irp, irql);
}

BOOLEAN IopCancelPicked(PIRP (*Pick)(VOID))
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&CancelLock);
    PIRP irp = Pick();

    if (irp)
        return CancelLocked(irp, irql);
    KeReleaseSpinLock(&CancelLock, irql);
    return FALSE;
}
