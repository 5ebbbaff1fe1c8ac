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

/* A driver has the IRP, has marked it pending, and has not completed it. */
static inline BOOLEAN IopIsPending(PIRP Irp)
{
    return Irp->CurrentLocation <= Irp->StackCount &&
           (IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED);
}

/* ---- devices and links (device.c, link.c) ---------------------------------------------------- */

/* A driver goes: takes the names of what it left behind away. What is left is still reported. */
void IopForgetDevices(PDRIVER_OBJECT Driver);
void IopForgetLinks(const void *Low, const void *High);
/* The top of the stack that a device is in. */
PDEVICE_OBJECT IopTopDevice(PDEVICE_OBJECT Device);

/* ---- drivers (driver.c) ---------------------------------------------------------------------- */

/*
 * Makes a driver object named \Driver\<Service> for the image, runs its entry point on a system
 * thread at PASSIVE_LEVEL and waits for it. When that fails, the driver object is gone again. The
 * service's registry key should be there before. PASSIVE_LEVEL.
 */
NTSTATUS IopLoadDriver(PCUNICODE_STRING Service, PVOID ImageBase, SIZE_T ImageSize,
                       PDRIVER_INITIALIZE Entry, PDRIVER_OBJECT *Driver);
/* Runs DriverUnload, if there is one, on a system thread, waits, and removes the driver object. */
void IopUnloadDriver(PDRIVER_OBJECT Driver);

/* ---- requests from outside of the kernel (file.c) -------------------------------------------- */

/* Opens a device by its path (\??\X, \Device\X, with or without more behind it): IRP_MJ_CREATE. */
NTSTATUS IopOpenFile(PCUNICODE_STRING Path, PFILE_OBJECT *File);
/* IRP_MJ_CLEANUP, and IRP_MJ_CLOSE when nobody else refers to the file. */
void IopCloseFile(PFILE_OBJECT File);
/* These wait for the end of the request. PASSIVE_LEVEL. */
NTSTATUS IopDeviceControl(PFILE_OBJECT File, ULONG Code, PVOID In, ULONG InSize, PVOID Out,
                          ULONG OutSize, PIO_STATUS_BLOCK Iosb);
NTSTATUS IopReadFile(PFILE_OBJECT File, PVOID Buffer, ULONG Length, LONGLONG Offset,
                     PIO_STATUS_BLOCK Iosb);
NTSTATUS IopWriteFile(PFILE_OBJECT File, PVOID Buffer, ULONG Length, LONGLONG Offset,
                      PIO_STATUS_BLOCK Iosb);

/* ---- shutdown -------------------------------------------------------------------------------- */

/* Gives the registry back, after the last driver is gone (cm.c). */
void IopShutdown(void);

/* ---- cancel.c ------------------------------------------------------------------------------ */

/*
 * Cancels the IRP that Pick returns under the cancel spin lock (NULL: none), as its owner may at
 * any time. For sweeps of cancellation; TRUE: its cancel routine ran. At <= DISPATCH_LEVEL.
 */
BOOLEAN IopCancelPicked(PIRP (*Pick)(VOID));

#endif
