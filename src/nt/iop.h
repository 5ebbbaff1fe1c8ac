/*
 * iop.h: the I/O manager as the rest of nt/, wsk/ and run/ see it: finishing IRPs, loading drivers,
 * requests from outside of the kernel.
 */
#ifndef OPENWSK_IOP_H
#define OPENWSK_IOP_H

#include "nt/ki.h"

/* ---- IRPs (irp.c, build.c) ------------------------------------------------------------------- */

/*
 * IRP.AllocationFlags: where the memory is from, and who finishes the IRP when its last completion
 * routine is done.
 */
#define IOP_IRP_ALLOCATED 0x04 /* by IoAllocateIrp: IoFreeIrp may have it */
#define IOP_IRP_MANAGED   0x40 /* the I/O manager finishes and frees it */

/* IoAllocateIrp on behalf of `Owner` (an address in the driver). */
PIRP IopAllocateIrp(CCHAR StackSize, const void *Owner);
/* Without checks. */
void IopFreeIrp(PIRP Irp);
/* What happens to a managed IRP when it has passed its topmost stack location. */
void IopFinishIrp(PIRP Irp);
/* IoBuildDeviceIoControlRequest, IoBuildSynchronousFsdRequest on behalf of `Owner`. */
PIRP IopBuildControl(ULONG Code, PDEVICE_OBJECT Device, PVOID In, ULONG InSize, PVOID Out,
                     ULONG OutSize, BOOLEAN Internal, PKEVENT Event, PIO_STATUS_BLOCK Iosb,
                     const void *Owner);
PIRP IopBuildRequest(ULONG Major, PDEVICE_OBJECT Device, PVOID Buffer, ULONG Length,
                     PLARGE_INTEGER Offset, PKEVENT Event, PIO_STATUS_BLOCK Iosb,
                     const void *Owner);
/* Gives cached memory back; at shutdown. */
void IopShutdown(void);

/* A driver has the IRP, has marked it pending, and has not completed it. */
static inline BOOLEAN IopIsPending(PIRP Irp)
{
    return Irp->CurrentLocation <= Irp->StackCount &&
           (IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED);
}

#endif
