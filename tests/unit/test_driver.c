/* Drivers, devices and files: load and unload, stacks, and requests with every kind of buffer. */
#include "ke_test.h"

#include "nt/iop.h"
#include "nt/ob.h"

#define IOCTL(n, method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), method, FILE_ANY_ACCESS)
#define IOCTL_BUFFERED   IOCTL(0, METHOD_BUFFERED)
#define IOCTL_IN_DIRECT  IOCTL(1, METHOD_IN_DIRECT)
#define IOCTL_OUT_DIRECT IOCTL(2, METHOD_OUT_DIRECT)
#define IOCTL_NEITHER    IOCTL(3, METHOD_NEITHER)
#define IOCTL_TOO_MUCH   IOCTL(4, METHOD_BUFFERED)
#define IOCTL_LATER      IOCTL(5, METHOD_BUFFERED)

static struct {
    int entries, unloads, creates, cleanups, closes;
    KIRQL irql;
    WCHAR registry_path[128];
    WCHAR file_name[64];
    NTSTATUS entry_status, create_status;
    BOOLEAN direct, leave;
    PDEVICE_OBJECT device;
} driver;

static UNICODE_STRING string(PCWSTR text)
{
    UNICODE_STRING s;

    RtlInitUnicodeString(&s, text);
    return s;
}

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI create(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    (void)DeviceObject;
    assert_non_null(stack->FileObject);
    assert_non_null(stack->Parameters.Create.SecurityContext);
    memcpy(driver.file_name, stack->FileObject->FileName.Buffer,
           stack->FileObject->FileName.Length + sizeof(WCHAR));
    driver.creates++;
    return complete(Irp, driver.create_status, FILE_OPENED);
}

static NTSTATUS NTAPI cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    driver.cleanups++;
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    driver.closes++;
    return complete(Irp, STATUS_SUCCESS, 0);
}

static void reverse(PUCHAR to, const UCHAR *from, ULONG n)
{
    for (ULONG i = 0; i < n; i++)
        to[i] = from[n - 1 - i];
}

static VOID NTAPI complete_later(PVOID Context)
{
    PIRP irp = Context;

    memcpy(irp->AssociatedIrp.SystemBuffer, "later", 5);
    complete(irp, STATUS_SUCCESS, 5);
}

static WORK_QUEUE_ITEM later;

static NTSTATUS NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    PUCHAR system = Irp->AssociatedIrp.SystemBuffer, p;
    UCHAR copy[64];

    (void)DeviceObject;
    assert_true(in <= sizeof copy);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_BUFFERED:
        memcpy(copy, system, in);
        reverse(system, copy, in);
        return complete(Irp, out < in ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS,
                        out < in ? out : in);
    case IOCTL_IN_DIRECT:
    case IOCTL_OUT_DIRECT:
        p = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
        assert_int_equal(MmGetMdlByteCount(Irp->MdlAddress), out);
        if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_OUT_DIRECT)
            reverse(p, system, in);
        return complete(Irp, STATUS_SUCCESS, p[0]);
    case IOCTL_NEITHER:
        reverse(Irp->UserBuffer, stack->Parameters.DeviceIoControl.Type3InputBuffer, in);
        return complete(Irp, STATUS_SUCCESS, in);
    case IOCTL_TOO_MUCH:
        return complete(Irp, STATUS_SUCCESS, out + 100);
    case IOCTL_LATER:
        IoMarkIrpPending(Irp);
        ExInitializeWorkItem(&later, complete_later, Irp);
        ExQueueWorkItem(&later, DelayedWorkQueue);
        return STATUS_PENDING;
    default:
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static UCHAR storage[16];

static NTSTATUS NTAPI transfer(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = stack->Parameters.Read.Length;
    ULONG at = (ULONG)stack->Parameters.Read.ByteOffset.QuadPart;
    PUCHAR data = (DeviceObject->Flags & DO_DIRECT_IO)
                      ? MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority)
                      : Irp->AssociatedIrp.SystemBuffer;

    if (at + length > sizeof storage)
        return complete(Irp, STATUS_INVALID_PARAMETER, 0);
    if (stack->MajorFunction == IRP_MJ_READ)
        memcpy(data, storage + at, length);
    else
        memcpy(storage + at, data, length);
    return complete(Irp, STATUS_SUCCESS, length);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING link = string(L"\\DosDevices\\OwTest");

    driver.unloads++;
    if (driver.leave)
        return;
    assert_int_equal(IoDeleteSymbolicLink(&link), STATUS_SUCCESS);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS NTAPI entry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = string(L"\\Device\\OwTest"), link = string(L"\\DosDevices\\OwTest");

    driver.entries++;
    driver.irql = KeGetCurrentIrql();
    memcpy(driver.registry_path, RegistryPath->Buffer, RegistryPath->Length);
    if (!NT_SUCCESS(driver.entry_status))
        return driver.entry_status;
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = create;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = cleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = close;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->MajorFunction[IRP_MJ_READ] = DriverObject->MajorFunction[IRP_MJ_WRITE] = transfer;
    assert_int_equal(
        IoCreateDevice(DriverObject, 40, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &driver.device),
        STATUS_SUCCESS);
    assert_int_equal((ULONG_PTR)driver.device->DeviceExtension % 16, 0);
    driver.device->Flags |= driver.direct ? DO_DIRECT_IO : DO_BUFFERED_IO;
    return IoCreateSymbolicLink(&link, &name);
}

static PDRIVER_OBJECT loaded;

static NTSTATUS load(void)
{
    UNICODE_STRING name = string(L"owtest");

    return IopLoadDriver(&name, (PVOID)0x10000, 0x1000, entry, &loaded);
}

static PFILE_OBJECT open(PCWSTR path)
{
    UNICODE_STRING s = string(path);
    PFILE_OBJECT file;

    assert_int_equal(IopOpenFile(&s, &file), STATUS_SUCCESS);
    return file;
}

static int reset(void **state)
{
    (void)state;
    memset(&driver, 0, sizeof driver);
    ke_findings = 0;
    return 0;
}

static int nothing_left(void **state)
{
    (void)state;
    return ke_findings || vf_sweep(0, UINTPTR_MAX, "test") ? -1 : 0;
}

/* ---- load and unload ------------------------------------------------------------------------- */

static void load_and_unload(void **state)
{
    static const WCHAR path[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\owtest";
    UNICODE_STRING name = string(L"\\Driver\\owtest");
    PVOID found;

    (void)state;
    assert_int_equal(load(), STATUS_SUCCESS);
    assert_int_equal(driver.entries, 1);
    assert_int_equal(driver.irql, PASSIVE_LEVEL);
    assert_memory_equal(driver.registry_path, path, sizeof path);
    assert_ptr_equal(loaded->DriverStart, (PVOID)0x10000);
    assert_false(driver.device->Flags & DO_DEVICE_INITIALIZING);
    assert_int_equal(ObpLookupName(&name, *IoDriverObjectType, FALSE, NULL, &found),
                     STATUS_SUCCESS);
    assert_ptr_equal(found, loaded);
    ObDereferenceObject(found);
    assert_int_equal(load(), STATUS_OBJECT_NAME_COLLISION);
    IopUnloadDriver((PDRIVER_OBJECT)found);
    assert_int_equal(driver.unloads, 1);
    assert_int_equal(load(), STATUS_SUCCESS);
    IopUnloadDriver(loaded);
}

static void entry_fails(void **state)
{
    (void)state;
    driver.entry_status = STATUS_DEVICE_NOT_READY;
    assert_int_equal(load(), STATUS_DEVICE_NOT_READY);
    assert_null(loaded);
    assert_int_equal(driver.unloads, 0);
    driver.entry_status = STATUS_SUCCESS;
    assert_int_equal(load(), STATUS_SUCCESS);
    IopUnloadDriver(loaded);
}

static void leftovers_are_reported_and_forgotten(void **state)
{
    (void)state;
    assert_int_equal(load(), STATUS_SUCCESS);
    driver.leave = TRUE;
    loaded->DriverStart = NULL; /* the link was made by this program */
    loaded->DriverSize = 0;
    IopUnloadDriver(loaded);
    IopForgetLinks((void *)0, (void *)UINTPTR_MAX);
    ke_findings = 0;
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "test"), 2);
    assert_int_equal(ke_findings, 2);
    ke_findings = 0;
    driver.leave = FALSE;
    assert_int_equal(load(), STATUS_SUCCESS);
    IopUnloadDriver(loaded);
}

static void driver_extension(void **state)
{
    PVOID mine, again;

    (void)state;
    load();
    assert_null(IoGetDriverObjectExtension(loaded, &driver));
    assert_int_equal(IoAllocateDriverObjectExtension(loaded, &driver, 100, &mine), STATUS_SUCCESS);
    assert_int_equal(IoAllocateDriverObjectExtension(loaded, &driver, 100, &again),
                     STATUS_OBJECT_NAME_COLLISION);
    assert_ptr_equal(IoGetDriverObjectExtension(loaded, &driver), mine);
    IopUnloadDriver(loaded);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void open_and_close(void **state)
{
    UNICODE_STRING name = string(L"\\??\\OwTest"), wrong = string(L"\\??\\OwNone");
    static const WCHAR rest[] = L"\\some\\file";
    PFILE_OBJECT file;

    (void)state;
    load();
    file = open(L"\\DosDevices\\OwTest\\some\\file");
    assert_memory_equal(driver.file_name, rest, sizeof rest);
    assert_int_equal(driver.device->ReferenceCount, 1);
    IopCloseFile(file);
    assert_int_equal(driver.device->ReferenceCount, 0);
    assert_int_equal(driver.creates, 1);
    assert_int_equal(driver.cleanups, 1);
    assert_int_equal(driver.closes, 1);
    assert_int_equal(IopOpenFile(&wrong, &file), STATUS_OBJECT_NAME_NOT_FOUND);
    driver.create_status = STATUS_ACCESS_DENIED;
    assert_int_equal(IopOpenFile(&name, &file), STATUS_ACCESS_DENIED);
    assert_null(file);
    assert_int_equal(driver.closes, 1);
    driver.create_status = STATUS_SUCCESS;
    driver.device->Flags |= DO_EXCLUSIVE;
    PFILE_OBJECT only = open(L"\\??\\OwTest");
    assert_int_equal(IopOpenFile(&name, &file), STATUS_ACCESS_DENIED);
    IopCloseFile(only);
    IopUnloadDriver(loaded);
}

static void controls(void **state)
{
    char in[] = "abc", out[8];
    IO_STATUS_BLOCK iosb;
    PFILE_OBJECT file;

    (void)state;
    load();
    file = open(L"\\??\\OwTest");
    memset(out, '.', sizeof out);
    assert_int_equal(IopDeviceControl(file, IOCTL_BUFFERED, in, 3, out, 8, &iosb), STATUS_SUCCESS);
    assert_int_equal(iosb.Information, 3);
    assert_memory_equal(out, "cba.....", 8);
    assert_int_equal(IopDeviceControl(file, IOCTL_BUFFERED, in, 3, out, 2, &iosb),
                     STATUS_BUFFER_OVERFLOW);
    assert_int_equal(iosb.Information, 2);
    assert_int_equal(IopDeviceControl(file, IOCTL_OUT_DIRECT, in, 3, out, 8, &iosb),
                     STATUS_SUCCESS);
    assert_memory_equal(out, "cba", 3);
    assert_int_equal(IopDeviceControl(file, IOCTL_IN_DIRECT, NULL, 0, in, 3, &iosb),
                     STATUS_SUCCESS);
    assert_int_equal(iosb.Information, 'a');
    memset(out, 0, sizeof out);
    assert_int_equal(IopDeviceControl(file, IOCTL_NEITHER, in, 3, out, 3, &iosb), STATUS_SUCCESS);
    assert_string_equal(out, "cba");
    assert_int_equal(IopDeviceControl(file, IOCTL_LATER, NULL, 0, out, 8, &iosb), STATUS_SUCCESS);
    assert_memory_equal(out, "later", 5);
    assert_int_equal(IopDeviceControl(file, 0x1234, NULL, 0, NULL, 0, &iosb),
                     STATUS_INVALID_DEVICE_REQUEST);
    KE_EXPECT("VF-IRP-21", IopDeviceControl(file, IOCTL_TOO_MUCH, NULL, 0, out, 8, &iosb));
    IopCloseFile(file);
    IopUnloadDriver(loaded);
}

static void read_and_write(void **state)
{
    (void)state;
    for (int direct = 0; direct < 2; direct++) {
        char back[8] = "";
        IO_STATUS_BLOCK iosb;
        PFILE_OBJECT file;

        driver.direct = direct != 0;
        load();
        file = open(L"\\??\\OwTest");
        assert_int_equal(IopWriteFile(file, "hello", 5, 3, &iosb), STATUS_SUCCESS);
        assert_int_equal(iosb.Information, 5);
        assert_int_equal(IopReadFile(file, back, 4, 4, &iosb), STATUS_SUCCESS);
        assert_string_equal(back, "ello");
        assert_int_equal(IopReadFile(file, back, 8, 15, &iosb), STATUS_INVALID_PARAMETER);
        IopCloseFile(file);
        IopUnloadDriver(loaded);
    }
}

static void unsupported_request(void **state)
{
    PFILE_OBJECT file;
    IO_STATUS_BLOCK iosb;

    (void)state;
    load();
    loaded->MajorFunction[IRP_MJ_READ] = loaded->MajorFunction[IRP_MJ_PNP];
    file = open(L"\\??\\OwTest");
    assert_int_equal(IopReadFile(file, &iosb, 1, 0, &iosb), STATUS_INVALID_DEVICE_REQUEST);
    IopCloseFile(file);
    IopUnloadDriver(loaded);
}

/* ---- from another driver --------------------------------------------------------------------- */

static NTSTATUS NTAPI pass_down(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_OBJECT below = *(PDEVICE_OBJECT *)DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(below, Irp);
}

static NTSTATUS NTAPI filter_entry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING target = string(L"\\Device\\OwTest");
    PDEVICE_OBJECT device;

    (void)RegistryPath;
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = pass_down;
    IoCreateDevice(DriverObject, sizeof(PVOID), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    return IoAttachDevice(device, &target, device->DeviceExtension);
}

static void filter_on_top(void **state)
{
    UNICODE_STRING name = string(L"owfilter"), target = string(L"\\Device\\OwTest");
    PDRIVER_OBJECT filter;
    PFILE_OBJECT file;
    PDEVICE_OBJECT top, lower;
    IO_STATUS_BLOCK iosb;
    KEVENT event;
    PIRP irp;
    char out[8];

    (void)state;
    load();
    assert_int_equal(IopLoadDriver(&name, (PVOID)0x20000, 0x1000, filter_entry, &filter),
                     STATUS_SUCCESS);
    assert_int_equal(IoGetDeviceObjectPointer(&target, FILE_ALL_ACCESS, &file, &top),
                     STATUS_SUCCESS);
    assert_ptr_equal(top, filter->DeviceObject);
    assert_int_equal(top->StackSize, 2);
    assert_int_equal(driver.cleanups, 1);
    assert_int_equal(driver.closes, 0);
    lower = IoGetLowerDeviceObject(top);
    assert_ptr_equal(lower, driver.device);
    ObDereferenceObject(lower);

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(IOCTL_LATER, top, NULL, 0, out, 8, FALSE, &event, &iosb);
    assert_int_equal(IoCallDriver(top, irp), STATUS_PENDING);
    ke_wait(&event);
    assert_int_equal(iosb.Information, 5);
    assert_memory_equal(out, "later", 5);
    ObDereferenceObject(file);
    assert_int_equal(driver.closes, 1);
    IoDetachDevice(driver.device);
    IoDeleteDevice(top);
    IopUnloadDriver(filter);
    IopUnloadDriver(loaded);
}

static void by_handle(void **state)
{
    UNICODE_STRING name = string(L"\\??\\OwTest"), none = string(L"\\??\\C:\\log.txt");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE file, event;
    char back[4] = "";

    (void)state;
    load();
    InitializeObjectAttributes(&attributes, &none, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenFile(&file, FILE_GENERIC_READ, &attributes, &iosb, 0, 0),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwCreateFile(&file, FILE_GENERIC_READ, &attributes, &iosb, NULL, 0, 0,
                                  FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0),
                     STATUS_SUCCESS);
    assert_int_equal(iosb.Information, FILE_OPENED);
    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    assert_int_equal(ZwWriteFile(file, NULL, NULL, NULL, &iosb, "abcd", 4, NULL, NULL),
                     STATUS_SUCCESS);
    LARGE_INTEGER at = { .QuadPart = 1 };
    assert_int_equal(ZwReadFile(file, event, NULL, NULL, &iosb, back, 2, &at, NULL),
                     STATUS_SUCCESS);
    assert_string_equal(back, "bc");
    assert_int_equal(ZwWaitForSingleObject(event, FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(ZwReadFile(file, NULL, NULL, NULL, &iosb, back, 1, NULL, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(back[0], 'd');
    assert_int_equal(
        ZwDeviceIoControlFile(file, NULL, NULL, NULL, &iosb, IOCTL_BUFFERED, "xy", 2, back, 2),
        STATUS_SUCCESS);
    assert_memory_equal(back, "yx", 2);
    ZwClose(event);
    assert_int_equal(ZwClose(file), STATUS_SUCCESS);
    assert_int_equal(driver.cleanups, 1);
    assert_int_equal(driver.closes, 1);
    IopUnloadDriver(loaded);
}

static void deleting_twice(void **state)
{
    PDEVICE_OBJECT device;

    (void)state;
    load();
    IoCreateDevice(loaded, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    assert_null(device->DeviceExtension);
    ObReferenceObject(device);
    IoDeleteDevice(device);
    KE_EXPECT("VF-OBJ-01", IoDeleteDevice(device));
    ObDereferenceObject(device);
    IopUnloadDriver(loaded);
}

static void devices_that_are_refused(void **state)
{
    UNICODE_STRING name = string(L"\\Device\\OwTest"), bad = string(L"NoPath"),
                   sddl = string(L"D:P");
    UNICODE_STRING other = string(L"\\Device\\OwOther"), empty = { 0 };
    PDEVICE_OBJECT device = driver.device, secure;

    (void)state;
    load();
    assert_int_equal(IoCreateDevice(loaded, 0xffff, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                     STATUS_INVALID_PARAMETER);
    assert_null(device);
    assert_int_equal(IoCreateDevice(loaded, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                     STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(IoCreateDevice(loaded, 0, &bad, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                     STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(
        IoCreateDeviceSecure(loaded, 0, &other, FILE_DEVICE_UNKNOWN, 0, FALSE, NULL, NULL, &device),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(IoCreateDeviceSecure(loaded, 0, &other, FILE_DEVICE_UNKNOWN, 0, FALSE, &empty,
                                          NULL, &device),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(WdmlibIoCreateDeviceSecure(loaded, 0, &other, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                                NULL, NULL, &device),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(WdmlibIoCreateDeviceSecure(loaded, 0, &other, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                                &empty, NULL, &device),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        IoCreateDeviceSecure(loaded, 0, &other, FILE_DEVICE_UNKNOWN, 0, TRUE, &sddl, NULL, &secure),
        STATUS_SUCCESS);
    assert_true(secure->Flags & DO_EXCLUSIVE);
    assert_int_equal(WdmlibIoCreateDeviceSecure(loaded, 0, &empty, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                                &sddl, NULL, &device),
                     STATUS_SUCCESS);
    assert_int_equal(ObpNameOf(device)->Length, 0);
    IoDeleteDevice(secure); /* from the middle of the driver's list */
    assert_ptr_equal(loaded->DeviceObject, device);
    assert_ptr_equal(device->NextDevice, driver.device);
    IoDeleteDevice(device);
    IopUnloadDriver(loaded);
}

/* A device that its driver has not finished takes neither files nor filters. */
static void unfinished_devices(void **state)
{
    UNICODE_STRING name = string(L"\\Device\\OwRaw"), none = string(L"\\Device\\OwNone");
    PDEVICE_OBJECT raw, top, mine;
    PFILE_OBJECT file;

    (void)state;
    load();
    assert_int_equal(IoCreateDevice(loaded, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &raw),
                     STATUS_SUCCESS);
    IoCreateDevice(loaded, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &mine);
    assert_int_equal(IopOpenFile(&name, &file), STATUS_NO_SUCH_DEVICE);
    assert_int_equal(IoGetDeviceObjectPointer(&name, 0, &file, &top), STATUS_NO_SUCH_DEVICE);
    assert_int_equal(IoAttachDevice(mine, &name, &top), STATUS_NO_SUCH_DEVICE);
    assert_int_equal(IoAttachDevice(mine, &none, &top), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_null(IoAttachDeviceToDeviceStack(mine, raw));
    assert_null(IoGetLowerDeviceObject(mine));
    raw->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    assert_ptr_equal(IoAttachDeviceToDeviceStack(mine, raw), raw);
    assert_ptr_equal(IoGetAttachedDevice(raw), mine);
    top = IoGetAttachedDeviceReference(raw);
    assert_ptr_equal(top, mine);
    ObDereferenceObject(top);
    IoDetachDevice(raw);
    assert_ptr_equal(IoGetAttachedDevice(raw), raw);
    IoDetachDevice(raw); /* nothing is attached any more */
    IoDeleteDevice(mine);
    IoDeleteDevice(raw);
    IopUnloadDriver(loaded);
}

static void drivers_that_are_refused(void **state)
{
    static WCHAR longest[OBP_NAME_BYTES / sizeof(WCHAR)];
    UNICODE_STRING name = { sizeof longest, sizeof longest, longest }, empty = { 0 };
    PVOID first, second;
    PDRIVER_OBJECT none = (PDRIVER_OBJECT)&first;

    (void)state;
    assert_int_equal(IopLoadDriver(&empty, (PVOID)0x10000, 0x1000, entry, &none),
                     STATUS_INVALID_PARAMETER);
    assert_null(none);
    assert_int_equal(IopLoadDriver(&name, (PVOID)0x10000, 0x1000, entry, &none),
                     STATUS_INVALID_PARAMETER);
    load();
    assert_int_equal(IoAllocateDriverObjectExtension(loaded, &first, 8, &first), STATUS_SUCCESS);
    assert_int_equal(IoAllocateDriverObjectExtension(loaded, &second, 8, &second), STATUS_SUCCESS);
    assert_ptr_equal(IoGetDriverObjectExtension(loaded, &first), first);
    assert_ptr_equal(IoGetDriverObjectExtension(loaded, &second), second);
    IopUnloadDriver(loaded);
}

static NTSTATUS NTAPI forward(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_OBJECT below = *(PDEVICE_OBJECT *)DeviceObject->DeviceExtension;
    BOOLEAN sent = IoForwardIrpSynchronously(below, Irp);

    if (!sent)
        Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    return complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information + 1);
}

/* A filter waits for what it sends down, and sees it on its way back. */
static void forwarding(void **state)
{
    UNICODE_STRING name = string(L"owfilter");
    PDRIVER_OBJECT filter;
    PFILE_OBJECT file;
    IO_STATUS_BLOCK iosb;
    PDEVICE_OBJECT top;
    char in[8] = "abc", out[8];

    (void)state;
    load();
    assert_int_equal(IopLoadDriver(&name, (PVOID)0x20000, 0x1000, filter_entry, &filter),
                     STATUS_SUCCESS);
    filter->MajorFunction[IRP_MJ_DEVICE_CONTROL] = forward;
    top = filter->DeviceObject;
    file = open(L"\\??\\OwTest");
    assert_ptr_equal(IoGetRelatedDeviceObject(file), top);
    assert_int_equal(IopDeviceControl(file, IOCTL_BUFFERED, in, 3, out, 8, &iosb), STATUS_SUCCESS);
    assert_int_equal(iosb.Information, 4); /* the device's 3, and what the filter added */
    assert_int_equal(IopDeviceControl(file, IOCTL_LATER, NULL, 0, out, 8, &iosb), STATUS_SUCCESS);
    assert_int_equal(iosb.Information, 6);
    top->StackSize = 1; /* no location is left for the device below */
    assert_int_equal(IopDeviceControl(file, IOCTL_BUFFERED, in, 3, out, 8, &iosb),
                     STATUS_INVALID_DEVICE_REQUEST);
    top->StackSize = 2;
    IopCloseFile(file);
    IoDetachDevice(driver.device);
    IoDeleteDevice(top);
    IopUnloadDriver(filter);
    IopUnloadDriver(loaded);
}

static VOID NTAPI apc(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved)
{
    (void)ApcContext;
    (void)IoStatusBlock;
    (void)Reserved;
    fail();
}

/* Requests by handle that do not get as far as the driver. */
static void refused_by_handle(void **state)
{
    UNICODE_STRING name = string(L"\\??\\OwTest");
    PGENERIC_MAPPING mapping = IoGetFileObjectGenericMapping();
    LARGE_INTEGER at = { .LowPart = FILE_USE_FILE_POINTER_POSITION, .HighPart = -1 };
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE file, event;
    char back[4] = "";

    (void)state;
    load();
    assert_int_equal(mapping->GenericAll, FILE_ALL_ACCESS);
    assert_int_equal(mapping->GenericRead, FILE_GENERIC_READ);
    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenFile(&file, FILE_GENERIC_READ, &attributes, &iosb, 0, 0),
                     STATUS_OBJECT_NAME_INVALID);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, event, NULL);
    assert_int_equal(ZwOpenFile(&file, FILE_GENERIC_READ, &attributes, &iosb, 0, 0),
                     STATUS_OBJECT_PATH_SYNTAX_BAD);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwCreateFile(&file, FILE_GENERIC_READ, &attributes, &iosb, NULL, 0, 0,
                                  FILE_OVERWRITE_IF + 1, 0, NULL, 0),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(ZwCreateFile(&file, FILE_GENERIC_READ, &attributes, &iosb, NULL, 0, 0,
                                  FILE_OPEN, 0, back, sizeof back),
                     STATUS_EAS_NOT_SUPPORTED);
    assert_int_equal(ZwOpenFile(&file, FILE_GENERIC_READ, &attributes, &iosb, 0, 0),
                     STATUS_SUCCESS);
    assert_int_equal(ZwReadFile(event, NULL, NULL, NULL, &iosb, back, 1, NULL, NULL),
                     STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(ZwReadFile(file, file, NULL, NULL, &iosb, back, 1, NULL, NULL),
                     STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(ZwReadFile(file, NULL, apc, NULL, &iosb, back, 1, NULL, NULL),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        ZwDeviceIoControlFile(event, NULL, NULL, NULL, &iosb, IOCTL_BUFFERED, NULL, 0, back, 2),
        STATUS_OBJECT_TYPE_MISMATCH);
    storage[0] = 'p';
    assert_int_equal(ZwReadFile(file, NULL, NULL, NULL, &iosb, back, 1, &at, NULL), STATUS_SUCCESS);
    assert_int_equal(back[0], 'p'); /* from where the file stands: its beginning */
    at.QuadPart = 100;
    assert_int_equal(ZwReadFile(file, event, NULL, NULL, &iosb, back, 1, &at, NULL),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(ZwWaitForSingleObject(file, FALSE, NULL), STATUS_SUCCESS);
    ZwClose(event);
    ZwClose(file);
    IopUnloadDriver(loaded);
}

/* Direct requests without a buffer, and transfers of nothing. */
static void requests_of_nothing(void **state)
{
    char byte = 0;
    IO_STATUS_BLOCK iosb;
    PFILE_OBJECT file;
    PIRP irp;

    (void)state;
    load();
    file = open(L"\\??\\OwTest");
    irp = IoBuildDeviceIoControlRequest(IOCTL_IN_DIRECT, driver.device, NULL, 0, NULL, 0, TRUE,
                                        NULL, &iosb);
    assert_null(irp->MdlAddress);
    assert_int_equal(IoGetNextIrpStackLocation(irp)->MajorFunction, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    irp->IoStatus.Status = STATUS_CANCELLED;
    IopFinishIrp(irp);
    irp = IoBuildDeviceIoControlRequest(IOCTL_OUT_DIRECT, driver.device, NULL, 0, &byte, 0, FALSE,
                                        NULL, &iosb);
    assert_null(irp->MdlAddress);
    irp->IoStatus.Status = STATUS_CANCELLED;
    IopFinishIrp(irp);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, driver.device, NULL, 0, NULL, NULL, &iosb);
    assert_null(irp->AssociatedIrp.SystemBuffer);
    irp->IoStatus.Status = STATUS_CANCELLED;
    IopFinishIrp(irp);
    assert_int_equal(iosb.Status, STATUS_CANCELLED);
    IopCloseFile(file);
    IopUnloadDriver(loaded);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(load_and_unload),
        TEST(entry_fails),
        TEST(leftovers_are_reported_and_forgotten),
        TEST(driver_extension),
        TEST(open_and_close),
        TEST(controls),
        TEST(read_and_write),
        TEST(unsupported_request),
        TEST(filter_on_top),
        TEST(deleting_twice),
        TEST(by_handle),
        TEST(devices_that_are_refused),
        TEST(unfinished_devices),
        TEST(drivers_that_are_refused),
        TEST(forwarding),
        TEST(refused_by_handle),
        TEST(requests_of_nothing),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
