/*
 * build.c: IRPs that the I/O manager makes and finishes itself: IoBuildXxxRequest, and what follows
 * when such an IRP has passed its topmost stack location.
 *
 * Such an IRP answers to UserIosb and UserEvent. With buffered I/O the system buffer is ours and
 * its bytes are copied back at the end; with direct I/O the MDL is ours and locks the caller's
 * pages. What the end needs is kept in the IRP's own fields: Overlay.AllocationSize holds how many
 * bytes the caller's output buffer has room for.
 */
#include "nt/iop.h"

#include <string.h>

/* ---- the end --------------------------------------------------------------------------------- */

static void CopyBack(PIRP irp)
{
    SIZE_T room = (SIZE_T)irp->Overlay.AllocationSize.QuadPart;
    SIZE_T size = irp->IoStatus.Information;

    if (!(irp->Flags & IRP_INPUT_OPERATION) || NT_ERROR(irp->IoStatus.Status))
        return;
    if (size > room) {
        vf_report(VF_ERROR, "VF-IRP-21", NULL, NULL,
                  "IRP %p is completed with Information %llu, but the output buffer has %llu bytes",
                  irp, (unsigned long long)size, (unsigned long long)room);
        size = room;
    }
    memcpy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, size);
}

static void FreeMdls(PIRP irp)
{
    PMDL next;

    for (PMDL mdl = irp->MdlAddress; mdl; mdl = next) {
        next = mdl->Next;
        if ((mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL)) == MDL_PAGES_LOCKED)
            MmUnlockPages(mdl);
        IoFreeMdl(mdl);
    }
    irp->MdlAddress = NULL;
}

static void FreeManaged(PIRP irp)
{
    vf_died(VF_IRP, irp);
    IopFreeIrp(irp);
}

void IopFinishIrp(PIRP irp)
{
    PIO_STATUS_BLOCK iosb = irp->UserIosb;
    PKEVENT event = irp->UserEvent;

    if (irp->Flags & IRP_ASSOCIATED_IRP) {
        PIRP master = irp->AssociatedIrp.MasterIrp;
        FreeMdls(irp);
        FreeManaged(irp);
        if (InterlockedDecrement(&master->AssociatedIrp.IrpCount) == 0)
            IoCompleteRequest(master, IO_NO_INCREMENT);
        return;
    }
    if (irp->Flags & IRP_BUFFERED_IO)
        CopyBack(irp);
    if (irp->Flags & IRP_DEALLOCATE_BUFFER)
        host_free(irp->AssociatedIrp.SystemBuffer);
    FreeMdls(irp);
    if (iosb)
        *iosb = irp->IoStatus;
    FreeManaged(irp);
    /* The status block and the event may be gone as soon as the event is set. */
    if (event)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
}

/* ---- buffers --------------------------------------------------------------------------------- */

static BOOLEAN AddBuffered(PIRP irp, PVOID in, ULONG in_size, PVOID out, ULONG out_size)
{
    ULONG size = in_size > out_size ? in_size : out_size;

    irp->UserBuffer = out;
    if (size == 0)
        return TRUE;
    if (host_choose(2, HOST_CHOOSE_FAULT, "IopAddBuffered"))
        return FALSE;
    irp->AssociatedIrp.SystemBuffer = host_zalloc(size);
    if (!irp->AssociatedIrp.SystemBuffer)
        return FALSE;
    if (in)
        memcpy(irp->AssociatedIrp.SystemBuffer, in, in_size);
    irp->Overlay.AllocationSize.QuadPart = out_size;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    if (out_size)
        irp->Flags |= IRP_INPUT_OPERATION;
    return TRUE;
}

static void Discard(PIRP irp)
{
    if (irp->Flags & IRP_DEALLOCATE_BUFFER)
        host_free(irp->AssociatedIrp.SystemBuffer);
    FreeMdls(irp);
    FreeManaged(irp);
}

/* May raise what MmProbeAndLockPages raises: then nobody has the IRP, and it goes here. */
static BOOLEAN AddDirect(PIRP irp, PVOID buffer, ULONG size, LOCK_OPERATION operation)
{
    if (size == 0)
        return TRUE;
    if (!IoAllocateMdl(buffer, size, FALSE, FALSE, irp))
        return FALSE;
    __try {
        MmProbeAndLockPages(irp->MdlAddress, KernelMode, operation);
    } __finally {
        if (AbnormalTermination())
            Discard(irp);
    }
    return TRUE;
}

/* ---- device control -------------------------------------------------------------------------- */

static BOOLEAN AddControlBuffers(PIRP irp, PIO_STACK_LOCATION stack, PVOID in, ULONG in_size,
                                 PVOID out, ULONG out_size)
{
    switch (stack->Parameters.DeviceIoControl.IoControlCode & 3) {
    case METHOD_BUFFERED:
        return AddBuffered(irp, in, in_size, out, out_size);
    case METHOD_IN_DIRECT:
        if (!AddBuffered(irp, in, in_size, NULL, 0))
            return FALSE;
        return !out || AddDirect(irp, out, out_size, IoReadAccess);
    case METHOD_OUT_DIRECT:
        if (!AddBuffered(irp, in, in_size, NULL, 0))
            return FALSE;
        return !out || AddDirect(irp, out, out_size, IoWriteAccess);
    default:
        irp->UserBuffer = out;
        stack->Parameters.DeviceIoControl.Type3InputBuffer = in;
        return TRUE;
    }
}

PIRP IopBuildControl(ULONG code, PDEVICE_OBJECT device, PVOID in, ULONG in_size, PVOID out,
                     ULONG out_size, BOOLEAN internal, PKEVENT event, PIO_STATUS_BLOCK iosb,
                     const void *owner)
{
    PIRP irp = IopAllocateIrp(device->StackSize, owner);
    PIO_STACK_LOCATION stack;

    if (!irp)
        return NULL;
    irp->AllocationFlags |= IOP_IRP_MANAGED;
    irp->UserEvent = event;
    irp->UserIosb = iosb;
    irp->Tail.Overlay.Thread = (PETHREAD)KiThread();
    stack = IoGetNextIrpStackLocation(irp);
    stack->MajorFunction = internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    stack->Parameters.DeviceIoControl.IoControlCode = code;
    stack->Parameters.DeviceIoControl.InputBufferLength = in_size;
    stack->Parameters.DeviceIoControl.OutputBufferLength = out_size;
    if (!AddControlBuffers(irp, stack, in, in_size, out, out_size)) {
        Discard(irp);
        return NULL;
    }
    return irp;
}

PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                         PVOID InputBuffer, ULONG InputBufferLength,
                                         PVOID OutputBuffer, ULONG OutputBufferLength,
                                         BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    DDI_ENTER(IoBuildDeviceIoControlRequest);
    return IopBuildControl(IoControlCode, DeviceObject, InputBuffer, InputBufferLength,
                           OutputBuffer, OutputBufferLength, InternalDeviceIoControl, Event,
                           IoStatusBlock, __builtin_return_address(0));
}

/* ---- read, write and the rest ---------------------------------------------------------------- */

static BOOLEAN AddTransfer(PIRP irp, PIO_STACK_LOCATION stack, PDEVICE_OBJECT device, PVOID buffer,
                           ULONG length, PLARGE_INTEGER offset)
{
    BOOLEAN write = stack->MajorFunction == IRP_MJ_WRITE;

    stack->Parameters.Read.Length = length;
    if (offset)
        stack->Parameters.Read.ByteOffset = *offset;
    if (device->Flags & DO_BUFFERED_IO)
        return write ? AddBuffered(irp, buffer, length, NULL, 0)
                     : AddBuffered(irp, NULL, 0, buffer, length);
    if (device->Flags & DO_DIRECT_IO)
        return AddDirect(irp, buffer, length, write ? IoReadAccess : IoWriteAccess);
    irp->UserBuffer = buffer;
    return TRUE;
}

PIRP IopBuildRequest(ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG length,
                     PLARGE_INTEGER offset, PKEVENT event, PIO_STATUS_BLOCK iosb, const void *owner)
{
    PIRP irp = IopAllocateIrp(device->StackSize, owner);
    PIO_STACK_LOCATION stack;

    if (!irp)
        return NULL;
    irp->AllocationFlags |= IOP_IRP_MANAGED;
    irp->UserEvent = event;
    irp->UserIosb = iosb;
    irp->Tail.Overlay.Thread = (PETHREAD)KiThread();
    stack = IoGetNextIrpStackLocation(irp);
    stack->MajorFunction = (UCHAR)major;
    if ((major == IRP_MJ_READ || major == IRP_MJ_WRITE) &&
        !AddTransfer(irp, stack, device, buffer, length, offset)) {
        Discard(irp);
        return NULL;
    }
    return irp;
}

PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                        PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                        PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    DDI_ENTER(IoBuildSynchronousFsdRequest);
    return IopBuildRequest(MajorFunction, DeviceObject, Buffer, Length, StartingOffset, Event,
                           IoStatusBlock, __builtin_return_address(0));
}

/*
 * Its completion routine must take it back and free it, after unlocking and freeing the MDLs; the
 * I/O manager does not finish it.
 */
PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                         PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    DDI_ENTER(IoBuildAsynchronousFsdRequest);
    PIRP irp = IopBuildRequest(MajorFunction, DeviceObject, Buffer, Length, StartingOffset, NULL,
                               IoStatusBlock, __builtin_return_address(0));

    if (irp)
        irp->AllocationFlags &= (UCHAR)~IOP_IRP_MANAGED;
    return irp;
}

/* ---- synchronous passing down ---------------------------------------------------------------- */

static NTSTATUS NTAPI SetEvent(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

BOOLEAN NTAPI IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    DDI_ENTER(IoForwardIrpSynchronously);
    KEVENT event;

    if (Irp->CurrentLocation <= 1)
        return FALSE;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SetEvent, &event, TRUE, TRUE, TRUE);
    IoCallDriver(DeviceObject, Irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    return TRUE;
}
