/*
 * zwfile.c: the system services for files, which here are open devices.
 *
 * Called by drivers at PASSIVE_LEVEL. A path that leads to no device of a driver that is loaded
 * does not exist: the host's files are not reachable. Requests wait for their end, whatever the
 * create options say, and signal the event that the caller gave.
 */
#include "nt/file.h"

/* ---- open ------------------------------------------------------------------------------------ */

static NTSTATUS Open(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
                     PIO_STATUS_BLOCK iosb, const void *owner)
{
    PFILE_OBJECT file;
    NTSTATUS status;

    *handle = NULL;
    if (!attributes->ObjectName)
        return STATUS_OBJECT_NAME_INVALID;
    if (attributes->RootDirectory)
        return STATUS_OBJECT_PATH_SYNTAX_BAD; /* devices have no directories */
    status = IopCreateFile(attributes->ObjectName, access, &file);
    if (NT_SUCCESS(status)) {
        status = ObpCreateHandle(file, &ObpFileType, handle, owner);
        if (NT_SUCCESS(status))
            ObfDereferenceObject(file);
        else
            IopCloseFile(file);
    }
    iosb->Status = status;
    iosb->Information = NT_SUCCESS(status) ? FILE_OPENED : 0;
    return status;
}

NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    DDI_ENTER(ZwCreateFile);
    UNREFERENCED_PARAMETER(AllocationSize);
    UNREFERENCED_PARAMETER(FileAttributes);
    UNREFERENCED_PARAMETER(ShareAccess);
    UNREFERENCED_PARAMETER(CreateOptions);
    UNREFERENCED_PARAMETER(EaBuffer);

    if (CreateDisposition > FILE_OVERWRITE_IF)
        return STATUS_INVALID_PARAMETER;
    if (EaLength)
        return STATUS_EAS_NOT_SUPPORTED;
    return Open(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                __builtin_return_address(0));
}

NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    DDI_ENTER(ZwOpenFile);
    UNREFERENCED_PARAMETER(ShareAccess);
    UNREFERENCED_PARAMETER(OpenOptions);
    return Open(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                __builtin_return_address(0));
}

/* ---- requests -------------------------------------------------------------------------------- */

typedef struct _REQUEST {
    PVOID File;
    PVOID Event; /* may be NULL */
} REQUEST;

static NTSTATUS Enter(REQUEST *request, HANDLE file, HANDLE event, PIO_APC_ROUTINE apc)
{
    NTSTATUS status;

    request->Event = NULL;
    if (apc)
        return STATUS_INVALID_PARAMETER; /* no user APCs here */
    status = ObpReferenceHandle(file, &ObpFileType, &request->File);
    if (!NT_SUCCESS(status) || !event)
        return status;
    status = ObpReferenceHandle(event, &ObpEventType, &request->Event);
    if (NT_SUCCESS(status))
        KeClearEvent(request->Event);
    else
        ObfDereferenceObject(request->File);
    return status;
}

static NTSTATUS Leave(REQUEST *request, NTSTATUS status)
{
    if (request->Event) {
        KeSetEvent(request->Event, IO_NO_INCREMENT, FALSE);
        ObfDereferenceObject(request->Event);
    }
    KeSetEvent(&((PFILE_OBJECT)request->File)->Event, IO_NO_INCREMENT, FALSE);
    ObfDereferenceObject(request->File);
    return status;
}

/* Without an offset, or with the special one, a file goes on where the last transfer ended. */
static NTSTATUS Transfer(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc, PIO_STATUS_BLOCK iosb,
                         PVOID buffer, ULONG length, PLARGE_INTEGER offset, ULONG major)
{
    LARGE_INTEGER current = { .LowPart = FILE_USE_FILE_POINTER_POSITION, .HighPart = -1 };
    PFILE_OBJECT file;
    REQUEST request;
    LONGLONG at;
    NTSTATUS status = Enter(&request, handle, event, apc);

    if (!NT_SUCCESS(status))
        return status;
    file = request.File;
    KeWaitForSingleObject(&file->Lock, Executive, KernelMode, FALSE, NULL);
    at = offset && offset->QuadPart != current.QuadPart ? offset->QuadPart
                                                        : file->CurrentByteOffset.QuadPart;
    status = IopTransfer(file, major, buffer, length, at, KernelMode, iosb);
    if (NT_SUCCESS(status))
        file->CurrentByteOffset.QuadPart = at + (LONGLONG)iosb->Information;
    KeSetEvent(&file->Lock, IO_NO_INCREMENT, FALSE);
    return Leave(&request, status);
}

NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                          PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                          ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    DDI_ENTER(ZwReadFile);
    UNREFERENCED_PARAMETER(ApcContext);
    UNREFERENCED_PARAMETER(Key);
    return Transfer(FileHandle, Event, ApcRoutine, IoStatusBlock, Buffer, Length, ByteOffset,
                    IRP_MJ_READ);
}

NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                           ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    DDI_ENTER(ZwWriteFile);
    UNREFERENCED_PARAMETER(ApcContext);
    UNREFERENCED_PARAMETER(Key);
    return Transfer(FileHandle, Event, ApcRoutine, IoStatusBlock, Buffer, Length, ByteOffset,
                    IRP_MJ_WRITE);
}

static NTSTATUS Control(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc, PIO_STATUS_BLOCK iosb,
                        ULONG code, PVOID in, ULONG in_size, PVOID out, ULONG out_size, ULONG major)
{
    REQUEST request;
    NTSTATUS status = Enter(&request, handle, event, apc);

    if (!NT_SUCCESS(status))
        return status;
    status =
        IopControlFile(request.File, major, code, in, in_size, out, out_size, KernelMode, iosb);
    return Leave(&request, status);
}

NTSTATUS NTAPI ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                     ULONG IoControlCode, PVOID InputBuffer,
                                     ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    DDI_ENTER(ZwDeviceIoControlFile);
    UNREFERENCED_PARAMETER(ApcContext);
    return Control(FileHandle, Event, ApcRoutine, IoStatusBlock, IoControlCode, InputBuffer,
                   InputBufferLength, OutputBuffer, OutputBufferLength, IRP_MJ_DEVICE_CONTROL);
}

NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    DDI_ENTER(ZwFsControlFile);
    UNREFERENCED_PARAMETER(ApcContext);
    return Control(FileHandle, Event, ApcRoutine, IoStatusBlock, FsControlCode, InputBuffer,
                   InputBufferLength, OutputBuffer, OutputBufferLength, IRP_MJ_FILE_SYSTEM_CONTROL);
}
