/*
 * file.c: file objects: opening devices, and requests from outside of the kernel.
 *
 * A file object is what an open device looks like. run/ opens one for a program and sends it
 * requests; drivers get one from IoGetDeviceObjectPointer and ZwCreateFile. Every request is an IRP
 * that the I/O manager finishes (build.c); the callers here wait for its end. The last reference
 * sends IRP_MJ_CLOSE, the last handle (or IopCloseFile) IRP_MJ_CLEANUP. A file keeps its device.
 */
#include "nt/file.h"

#include <string.h>

#define CREATE_OPTIONS (FILE_OPEN << 24 | FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE)
#define SHARE_ALL      (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static void CloseFile(PVOID body);
static void DeleteFile(PVOID body);

OBJECT_TYPE ObpFileType = { "File", CloseFile, DeleteFile, TRUE };

/* ---- sending --------------------------------------------------------------------------------- */

/* Sends a managed IRP, whose UserEvent and UserIosb are these, and waits for its end. */
static NTSTATUS SendAndWait(PFILE_OBJECT file, PDEVICE_OBJECT top, PIRP irp, PKEVENT event,
                            PIO_STATUS_BLOCK iosb)
{
    IoGetNextIrpStackLocation(irp)->FileObject = file;
    irp->Tail.Overlay.OriginalFileObject = file;
    IoCallDriver(top, irp);
    /* Whatever the driver returned: the IRP's end tells the truth, and sets the event. */
    KeWaitForSingleObject(event, Executive, KernelMode, FALSE, NULL);
    return iosb->Status;
}

/* CREATE, CLEANUP, CLOSE. */
static NTSTATUS SendPlain(PFILE_OBJECT file, ULONG major, PIO_SECURITY_CONTEXT security)
{
    PDEVICE_OBJECT top = IopTopDevice(file->DeviceObject);
    IO_STATUS_BLOCK iosb = { .Status = STATUS_PENDING };
    PIO_STACK_LOCATION stack;
    KEVENT event;
    PIRP irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IopBuildRequest(major, top, NULL, 0, NULL, &event, &iosb, NULL);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->RequestorMode = security ? UserMode : KernelMode;
    irp->Flags |= IRP_SYNCHRONOUS_API;
    if (major == IRP_MJ_CREATE) {
        stack = IoGetNextIrpStackLocation(irp);
        irp->Flags |= IRP_CREATE_OPERATION;
        stack->Parameters.Create.SecurityContext = security;
        stack->Parameters.Create.Options = CREATE_OPTIONS;
        stack->Parameters.Create.FileAttributes = FILE_ATTRIBUTE_NORMAL;
        stack->Parameters.Create.ShareAccess = SHARE_ALL;
    } else if (major == IRP_MJ_CLOSE) {
        irp->Flags |= IRP_CLOSE_OPERATION;
    }
    return SendAndWait(file, top, irp, &event, &iosb);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void CloseFile(PVOID body)
{
    PFILE_OBJECT file = body;

    if (!(file->Flags & FO_FILE_OPEN) || (file->Flags & FO_CLEANUP_COMPLETE))
        return;
    file->Flags |= FO_CLEANUP_COMPLETE;
    SendPlain(file, IRP_MJ_CLEANUP, NULL);
}

static void DeleteFile(PVOID body)
{
    PFILE_OBJECT file = body;

    if (file->Flags & FO_FILE_OPEN) {
        SendPlain(file, IRP_MJ_CLOSE, NULL);
        __atomic_sub_fetch(&file->DeviceObject->ReferenceCount, 1, __ATOMIC_RELEASE);
    }
    host_free(file->FileName.Buffer);
    ObfDereferenceObject(file->DeviceObject);
}

/* The device's reference becomes the file's. */
static PFILE_OBJECT NewFile(PDEVICE_OBJECT device, PCUNICODE_STRING rest)
{
    PFILE_OBJECT file = ObpAllocateBody(&ObpFileType, sizeof *file);
    PWCH name = host_alloc((SIZE_T)rest->Length + sizeof(WCHAR), 16);

    if (!file || !name) {
        if (file)
            ObpFreeBody(file);
        host_free(name);
        return NULL;
    }
    memcpy(name, rest->Buffer, rest->Length);
    name[rest->Length / sizeof(WCHAR)] = 0;
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof *file;
    file->DeviceObject = device;
    file->FileName = (UNICODE_STRING){ rest->Length, rest->Length + sizeof(WCHAR), name };
    file->Flags = FO_SYNCHRONOUS_IO;
    file->ReadAccess = file->WriteAccess = TRUE;
    file->SharedRead = file->SharedWrite = file->SharedDelete = TRUE;
    KeInitializeEvent(&file->Lock, SynchronizationEvent, TRUE);
    KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
    InitializeListHead(&file->IrpList);
    return file;
}

static NTSTATUS SendCreate(PFILE_OBJECT file, ACCESS_MASK access)
{
    SECURITY_QUALITY_OF_SERVICE qos = { .Length = sizeof qos };
    ACCESS_STATE state = { .RemainingDesiredAccess = access, .OriginalDesiredAccess = access };
    IO_SECURITY_CONTEXT security = { &qos, &state, access, 0 };

    return SendPlain(file, IRP_MJ_CREATE, &security);
}

/* Counts the open file on its device, unless the device takes no more. */
static NTSTATUS CountOpen(PDEVICE_OBJECT device)
{
    LONG count = __atomic_add_fetch(&device->ReferenceCount, 1, __ATOMIC_ACQUIRE);

    if (count > 1 && (device->Flags & DO_EXCLUSIVE)) {
        __atomic_sub_fetch(&device->ReferenceCount, 1, __ATOMIC_RELEASE);
        return STATUS_ACCESS_DENIED;
    }
    return STATUS_SUCCESS;
}

NTSTATUS IopCreateFile(PCUNICODE_STRING path, ACCESS_MASK access, PFILE_OBJECT *file)
{
    WCHAR text[OBP_NAME_BYTES / sizeof(WCHAR)];
    UNICODE_STRING rest = { 0, sizeof text, text };
    PFILE_OBJECT f;
    PVOID device;
    NTSTATUS status;

    *file = NULL;
    status = ObpLookupName(path, &ObpDeviceType, FALSE, &rest, &device);
    if (!NT_SUCCESS(status))
        return status;
    if (((PDEVICE_OBJECT)device)->Flags & DO_DEVICE_INITIALIZING) {
        ObfDereferenceObject(device);
        return STATUS_NO_SUCH_DEVICE;
    }
    f = NewFile(device, &rest);
    if (!f) {
        ObfDereferenceObject(device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    status = CountOpen(device);
    if (NT_SUCCESS(status)) {
        status = SendCreate(f, access);
        if (NT_SUCCESS(status)) {
            f->Flags |= FO_FILE_OPEN;
            *file = f;
            return status;
        }
        __atomic_sub_fetch(&f->DeviceObject->ReferenceCount, 1, __ATOMIC_RELEASE);
    }
    ObfDereferenceObject(f);
    return status;
}

NTSTATUS IopOpenFile(PCUNICODE_STRING path, PFILE_OBJECT *file)
{
    return IopCreateFile(path, FILE_ALL_ACCESS, file);
}

void IopCloseFile(PFILE_OBJECT file)
{
    CloseFile(file);
    ObfDereferenceObject(file);
}

/* ---- requests -------------------------------------------------------------------------------- */

NTSTATUS IopControlFile(PFILE_OBJECT file, ULONG major, ULONG code, PVOID in, ULONG in_size,
                        PVOID out, ULONG out_size, KPROCESSOR_MODE mode, PIO_STATUS_BLOCK iosb)
{
    PDEVICE_OBJECT top = IopTopDevice(file->DeviceObject);
    KEVENT event;
    PIRP irp;

    *iosb = (IO_STATUS_BLOCK){ .Status = STATUS_INSUFFICIENT_RESOURCES };
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IopBuildControl(code, top, in, in_size, out, out_size, FALSE, &event, iosb, NULL);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->RequestorMode = mode;
    irp->Flags |= IRP_SYNCHRONOUS_API;
    IoGetNextIrpStackLocation(irp)->MajorFunction = (UCHAR)major;
    return SendAndWait(file, top, irp, &event, iosb);
}

NTSTATUS IopTransfer(PFILE_OBJECT file, ULONG major, PVOID buffer, ULONG length, LONGLONG offset,
                     KPROCESSOR_MODE mode, PIO_STATUS_BLOCK iosb)
{
    PDEVICE_OBJECT top = IopTopDevice(file->DeviceObject);
    LARGE_INTEGER at = { .QuadPart = offset };
    KEVENT event;
    PIRP irp;

    *iosb = (IO_STATUS_BLOCK){ .Status = STATUS_INSUFFICIENT_RESOURCES };
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IopBuildRequest(major, top, buffer, length, &at, &event, iosb, NULL);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->RequestorMode = mode;
    irp->Flags |=
        IRP_SYNCHRONOUS_API | (major == IRP_MJ_WRITE ? IRP_WRITE_OPERATION : IRP_READ_OPERATION);
    return SendAndWait(file, top, irp, &event, iosb);
}

NTSTATUS IopDeviceControl(PFILE_OBJECT file, ULONG code, PVOID in, ULONG in_size, PVOID out,
                          ULONG out_size, PIO_STATUS_BLOCK iosb)
{
    return IopControlFile(file, IRP_MJ_DEVICE_CONTROL, code, in, in_size, out, out_size, UserMode,
                          iosb);
}

NTSTATUS IopReadFile(PFILE_OBJECT file, PVOID buffer, ULONG length, LONGLONG offset,
                     PIO_STATUS_BLOCK iosb)
{
    return IopTransfer(file, IRP_MJ_READ, buffer, length, offset, UserMode, iosb);
}

NTSTATUS IopWriteFile(PFILE_OBJECT file, PVOID buffer, ULONG length, LONGLONG offset,
                      PIO_STATUS_BLOCK iosb)
{
    return IopTransfer(file, IRP_MJ_WRITE, buffer, length, offset, UserMode, iosb);
}

/* ---- what drivers call ----------------------------------------------------------------------- */

NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                                        PFILE_OBJECT *FileObject, PDEVICE_OBJECT *DeviceObject)
{
    DDI_ENTER(IoGetDeviceObjectPointer);
    NTSTATUS status = IopCreateFile(ObjectName, DesiredAccess, FileObject);

    if (!NT_SUCCESS(status))
        return status;
    /* The file stays open without a handle, so its driver sees the cleanup already. */
    CloseFile(*FileObject);
    *DeviceObject = IopTopDevice((*FileObject)->DeviceObject);
    return status;
}

PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    DDI_ENTER(IoGetRelatedDeviceObject);
    return IopTopDevice(FileObject->DeviceObject);
}

PGENERIC_MAPPING NTAPI IoGetFileObjectGenericMapping(VOID)
{
    DDI_ENTER(IoGetFileObjectGenericMapping);
    static GENERIC_MAPPING mapping = { FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE,
                                       FILE_ALL_ACCESS };
    return &mapping;
}
