/* pt-device: a device that reverses bytes by IOCTL, and gives back by read what was written. */
#include <ntddk.h>

#define IOCTL_REVERSE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_FAIL    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _PT_EXTENSION {
    ULONG Length;
    UCHAR Bytes[64];
} PT_EXTENSION, *PPT_EXTENSION;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD DeviceUnload;
static DRIVER_DISPATCH DeviceOpenClose, DeviceControl, DeviceReadWrite;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS DeviceOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS DeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = stack->Parameters.DeviceIoControl.InputBufferLength;
    PUCHAR bytes = Irp->AssociatedIrp.SystemBuffer;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_FAIL)
        return Complete(Irp, STATUS_ACCESS_DENIED, 0);
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_REVERSE)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < length)
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    for (ULONG i = 0; i < length / 2; i++) {
        UCHAR byte = bytes[i];
        bytes[i] = bytes[length - 1 - i];
        bytes[length - 1 - i] = byte;
    }
    return Complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS DeviceReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPT_EXTENSION extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = stack->Parameters.Read.Length;

    if (stack->MajorFunction == IRP_MJ_WRITE) {
        if (length > sizeof(extension->Bytes))
            return Complete(Irp, STATUS_BUFFER_OVERFLOW, 0);
        RtlCopyMemory(extension->Bytes, Irp->AssociatedIrp.SystemBuffer, length);
        extension->Length = length;
    } else {
        length = min(length, extension->Length);
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, extension->Bytes, length);
    }
    return Complete(Irp, STATUS_SUCCESS, length);
}

static VOID DeviceUnload(PDRIVER_OBJECT DriverObject)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\PtDevice");

    IoDeleteSymbolicLink((PUNICODE_STRING)&link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\PtDevice");
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\PtDevice");
    PDEVICE_OBJECT device;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = DeviceUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DeviceOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = DeviceOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    DriverObject->MajorFunction[IRP_MJ_READ] = DeviceReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = DeviceReadWrite;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(PT_EXTENSION), (PUNICODE_STRING)&name,
                                     FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    device->Flags |= DO_BUFFERED_IO;
    status = IoCreateSymbolicLink((PUNICODE_STRING)&link, (PUNICODE_STRING)&name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}
