/*
 * irp.c: IRPs: memory, passing down, completion.
 *
 * Called by drivers and by wsk/, at <= DISPATCH_LEVEL. An IRP has one owner at a time and so needs
 * no lock; nothing of ours hangs on it, so that drivers may keep IRPs in memory of their own and
 * take that memory away as soon as the completion routine runs. Therefore whatever is needed after
 * a call into a driver is read before it. Memory comes straight from the host: its allocator's free
 * lists per thread were measured to be faster than lists of our own with a lock, and sanitizers see
 * each IRP.
 */
#include "nt/iop.h"

#include <string.h>

/* ---- memory ---------------------------------------------------------------------------------- */

static void Initialize(PIRP irp, USHORT size, CCHAR stacks)
{
    memset(irp, 0, size);
    irp->Type = IO_TYPE_IRP;
    irp->Size = size;
    irp->StackCount = stacks;
    irp->CurrentLocation = stacks + 1;
    irp->ThreadListEntry.Flink = irp->ThreadListEntry.Blink = &irp->ThreadListEntry;
    irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(irp + 1) + stacks;
}

PIRP IopAllocateIrp(CCHAR stacks, const void *owner)
{
    PIRP irp;

    if (stacks < 0 || host_choose(2, HOST_CHOOSE_FAULT, "IoAllocateIrp"))
        return NULL;
    irp = host_alloc(IoSizeOfIrp(stacks), 16);
    if (!irp)
        return NULL;
    Initialize(irp, (USHORT)IoSizeOfIrp(stacks), stacks);
    irp->AllocationFlags = IOP_IRP_ALLOCATED;
    vf_born(VF_IRP, irp, irp->Size, 0, owner);
    return irp;
}

void IopFreeIrp(PIRP irp)
{
    irp->Type = 0; /* who completes it later is noticed */
    host_free(irp);
}

PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    DDI_ENTER(IoAllocateIrp);
    UNREFERENCED_PARAMETER(ChargeQuota);
    return IopAllocateIrp(StackSize, __builtin_return_address(0));
}

PIRP NTAPI IoAllocateIrpEx(PDEVICE_OBJECT DeviceObject, CCHAR StackSize, BOOLEAN ChargeQuota)
{
    DDI_ENTER(IoAllocateIrpEx);
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(ChargeQuota);
    return IopAllocateIrp(StackSize, __builtin_return_address(0));
}

PIRP NTAPI IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize)
{
    DDI_ENTER(IoMakeAssociatedIrp);
    PIRP associated = IopAllocateIrp(StackSize, __builtin_return_address(0));

    if (!associated)
        return NULL;
    associated->Flags = IRP_ASSOCIATED_IRP;
    associated->AllocationFlags |= IOP_IRP_MANAGED;
    associated->AssociatedIrp.MasterIrp = Irp;
    associated->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
    return associated;
}

VOID NTAPI IoFreeIrp(PIRP Irp)
{
    DDI_ENTER(IoFreeIrp);
    const void *caller = __builtin_return_address(0);

    if (!vf_died(VF_IRP, Irp)) {
        vf_report(VF_STOP, "VF-IRP-06", "WSK-IRP-12", caller,
                  "IoFreeIrp of %p, which is not from IoAllocateIrp or was freed before", Irp);
        return;
    }
    if (IopIsPending(Irp)) {
        /* Its memory must stay: somebody is going to complete it. */
        vf_report(VF_STOP, "VF-IRP-06", "WSK-IRP-11", caller,
                  "IoFreeIrp of IRP %p, which is still pending", Irp);
        return;
    }
    IopFreeIrp(Irp);
}

/* ---- use and reuse --------------------------------------------------------------------------- */

static void InitializeFor(PIRP irp, USHORT size, CCHAR stacks, const void *caller)
{
    if (size < IoSizeOfIrp(stacks)) {
        vf_report(VF_STOP, "VF-IRP-08", "WSK-IRP-07", caller,
                  "IoInitializeIrp: %u bytes are too few for %d stack locations", size, stacks);
        return;
    }
    if (vf_known(VF_IRP, irp)) {
        vf_report(VF_ERROR, "VF-IRP-08", "WSK-IRP-11", caller,
                  "IoInitializeIrp of IRP %p, which is from IoAllocateIrp", irp);
        IoReuseIrp(irp, STATUS_SUCCESS);
        return;
    }
    Initialize(irp, size, stacks);
}

VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    DDI_ENTER(IoInitializeIrp);
    InitializeFor(Irp, PacketSize, StackSize, __builtin_return_address(0));
}

VOID NTAPI IoInitializeIrpEx(PIRP Irp, PDEVICE_OBJECT DeviceObject, USHORT PacketSize,
                             CCHAR StackSize)
{
    DDI_ENTER(IoInitializeIrpEx);
    UNREFERENCED_PARAMETER(DeviceObject);
    InitializeFor(Irp, PacketSize, StackSize, __builtin_return_address(0));
}

VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Iostatus)
{
    DDI_ENTER(IoReuseIrp);
    UCHAR flags = Irp->AllocationFlags;

    if (IopIsPending(Irp))
        vf_report(VF_STOP, "VF-IRP-06", "WSK-IRP-11", __builtin_return_address(0),
                  "IoReuseIrp of IRP %p, which is still pending", Irp);
    if (flags & IOP_IRP_MANAGED)
        vf_report(VF_ERROR, "VF-IRP-08", "WSK-IRP-12", __builtin_return_address(0),
                  "IoReuseIrp of IRP %p, which the I/O manager owns", Irp);
    Initialize(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = flags;
    Irp->IoStatus.Status = Iostatus;
}

/* Nothing of ours hangs on an IRP; all that can be wrong is that it is still in use. */
VOID NTAPI IoCleanupIrp(PIRP Irp)
{
    DDI_ENTER(IoCleanupIrp);
    if (IopIsPending(Irp))
        vf_report(VF_STOP, "VF-IRP-06", "WSK-IRP-11", __builtin_return_address(0),
                  "IoCleanupIrp of IRP %p, which is still pending", Irp);
}

/* ---- down ------------------------------------------------------------------------------------ */

NTSTATUS NTAPI IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    DDI_ENTER(IofCallDriver);
    PIO_STACK_LOCATION stack;
    PDRIVER_DISPATCH dispatch;
    KI_UPCALL upcall;
    NTSTATUS status;

    if (Irp->CurrentLocation <= 1) {
        vf_report(VF_STOP, "VF-IRP-09", NULL, __builtin_return_address(0),
                  "IoCallDriver: IRP %p has no stack location left", Irp);
        KeBugCheckEx(NO_MORE_IRP_STACK_LOCATIONS, (ULONG_PTR)Irp, 0, 0, 0);
    }
    IoSetNextIrpStackLocation(Irp);
    stack = IoGetCurrentIrpStackLocation(Irp);
    stack->DeviceObject = DeviceObject;
    dispatch = DeviceObject->DriverObject->MajorFunction[stack->MajorFunction];
    upcall = KiEnterUpcall();
    status = dispatch(DeviceObject, Irp);
    KiLeaveUpcall(&upcall, "a dispatch routine", (const void *)dispatch);
    return status;
}

/* ---- up -------------------------------------------------------------------------------------- */

static void CheckCompletion(PIRP irp, const void *caller)
{
    /*
     * Above its topmost location an IRP belongs to whoever made it; only what the I/O manager
     * finishes itself may be completed there, by a driver that had stopped the completion.
     */
    BOOLEAN owned =
        irp->CurrentLocation <= irp->StackCount ||
        (irp->CurrentLocation == irp->StackCount + 1 && (irp->AllocationFlags & IOP_IRP_MANAGED));

    if (irp->Type != IO_TYPE_IRP || !owned) {
        vf_report(VF_STOP, "VF-IRP-01", "WSK-IRP-01", caller,
                  "IRP %p is completed twice, or was never passed to a driver", irp);
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)irp, 0, 0, 0);
    }
    if (irp->IoStatus.Status == STATUS_PENDING)
        vf_report(VF_STOP, "VF-IRP-11", "WSK-IRP-02", caller,
                  "IRP %p is completed with STATUS_PENDING", irp);
    /*
     * A cancellation may run meanwhile, which finds no routine and stores none: what is read here
     * is NULL unless whoever completes the IRP has left its routine there.
     */
    if (__atomic_load_n(&irp->CancelRoutine, __ATOMIC_RELAXED))
        vf_report(VF_STOP, "VF-IRP-11", NULL, caller,
                  "IRP %p is completed with its cancel routine still set", irp);
}

static BOOLEAN WantsCall(const IO_STACK_LOCATION *stack, PIRP irp)
{
    UCHAR control = stack->Control;

    if (NT_SUCCESS(irp->IoStatus.Status) && (control & SL_INVOKE_ON_SUCCESS))
        return TRUE;
    if (!NT_SUCCESS(irp->IoStatus.Status) && (control & SL_INVOKE_ON_ERROR))
        return TRUE;
    return irp->Cancel && (control & SL_INVOKE_ON_CANCEL);
}

/* What a finished location said is gone, so that a stale routine cannot run once more. */
static void ClearLocation(PIO_STACK_LOCATION stack)
{
    stack->MinorFunction = 0;
    stack->Flags = 0;
    stack->Control = 0;
    memset(&stack->Parameters, 0, sizeof stack->Parameters);
    stack->FileObject = NULL;
}

/*
 * Leaves the current location. FALSE: the completion ends here, the IRP must not be touched again.
 */
static BOOLEAN LeaveLocation(PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PIO_COMPLETION_ROUTINE routine = stack->CompletionRoutine;
    PVOID context = stack->Context;
    BOOLEAN call = routine && WantsCall(stack, irp);
    BOOLEAN pending = (stack->Control & SL_PENDING_RETURNED) != 0;
    BOOLEAN top = irp->CurrentLocation == irp->StackCount;
    BOOLEAN managed = (irp->AllocationFlags & IOP_IRP_MANAGED) != 0;
    PDEVICE_OBJECT device = top ? NULL : stack[1].DeviceObject;
    KI_UPCALL upcall;
    NTSTATUS status;

    irp->PendingReturned = pending;
    IoSkipCurrentIrpStackLocation(irp);
    ClearLocation(stack);
    if (!call) {
        if (pending && !top)
            IoMarkIrpPending(irp);
        if (top && !managed) {
            vf_report(VF_ERROR, "VF-IRP-03", "WSK-IRP-08", NULL,
                      "IRP %p is complete and no completion routine took it back", irp);
            return FALSE;
        }
        return TRUE;
    }
    upcall = KiEnterUpcall();
    status = routine(device, irp, context);
    KiLeaveUpcall(&upcall, "a completion routine", (const void *)routine);
    if (status == STATUS_MORE_PROCESSING_REQUIRED)
        return FALSE;
    if (top && !managed) {
        vf_report(VF_STOP, "VF-IRP-05", "WSK-IRP-09", (const void *)routine,
                  "the completion routine of IRP %p, which the driver owns, returned 0x%08X and "
                  "not STATUS_MORE_PROCESSING_REQUIRED",
                  irp, status);
        return FALSE;
    }
    if (pending && !top && !(stack[1].Control & SL_PENDING_RETURNED))
        vf_report(VF_ERROR, "VF-IRP-13", "WSK-IRP-13", (const void *)routine,
                  "the completion routine of IRP %p did not mark it pending though "
                  "PendingReturned was set",
                  irp);
    return TRUE;
}

VOID NTAPI IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    DDI_ENTER(IofCompleteRequest);
    UNREFERENCED_PARAMETER(PriorityBoost);

    CheckCompletion(Irp, __builtin_return_address(0));
    while (Irp->CurrentLocation <= Irp->StackCount) {
        if (!LeaveLocation(Irp))
            return;
    }
    IopFinishIrp(Irp);
}

/* ---- what drivers ask ------------------------------------------------------------------------ */

PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp)
{
    DDI_ENTER(IoGetRequestorProcess);
    PETHREAD thread = Irp->Tail.Overlay.Thread;

    return thread ? thread->Tcb.Process : NULL;
}

ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
    DDI_ENTER(IoGetRequestorProcessId);
    PETHREAD thread = Irp->Tail.Overlay.Thread;

    return thread ? (ULONG)(ULONG_PTR)thread->Tcb.Process->Id : 0;
}

/* All processes are 64-bit ones. */
BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp)
{
    DDI_ENTER(IoIs32bitProcess);
    UNREFERENCED_PARAMETER(Irp);
    return FALSE;
}
