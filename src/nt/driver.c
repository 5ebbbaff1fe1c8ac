/*
 * driver.c: driver objects; loading and unloading in NT's terms.
 *
 * run/ brings a driver's image into memory and calls IopLoadDriver; from then on only NT matters
 * here: the driver object, the registry path, DriverEntry and DriverUnload on a system thread. The
 * list of a driver's extensions is under ExtensionLock.
 */
#include "nt/iop.h"
#include "nt/ob.h"

#include <string.h>

#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define DRIVERS  L"\\Driver\\"

typedef struct _CLIENT_EXTENSION {
    struct _CLIENT_EXTENSION *Next;
    PVOID Id;
    UCHAR Bytes[] __attribute__((aligned(16)));
} CLIENT_EXTENSION;

/* What DriverExtension points to, and what of ours goes with it. */
typedef struct _EXTENSION {
    DRIVER_EXTENSION Public;
    CLIENT_EXTENSION *Clients;
    WCHAR Names[]; /* the service's name, then that of the driver object */
} EXTENSION;

static struct host_lock ExtensionLock = HOST_LOCK_INIT(HOST_RANK_NT_OBJECT);
static UNICODE_STRING Hardware = RTL_CONSTANT_STRING(L"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\"
                                                     L"SYSTEM");

static EXTENSION *ExtensionOf(PDRIVER_OBJECT driver)
{
    return CONTAINING_RECORD(driver->DriverExtension, EXTENSION, Public);
}

static void DeleteBody(PVOID body)
{
    EXTENSION *extension = ExtensionOf(body);
    CLIENT_EXTENSION *next;

    for (CLIENT_EXTENSION *e = extension->Clients; e; e = next) {
        next = e->Next;
        host_free(e);
    }
    host_free(extension);
}

OBJECT_TYPE ObpDriverType = { "Driver", NULL, DeleteBody, FALSE };

/* ---- the driver object ----------------------------------------------------------------------- */

static NTSTATUS NTAPI InvalidRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

/* Copies prefix and name one after the other; the prefix ends with 0. */
static UNICODE_STRING Join(PWCH room, PCWSTR prefix, PCUNICODE_STRING name)
{
    USHORT length = 0;

    while (prefix[length])
        length++;
    memcpy(room, prefix, length * sizeof(WCHAR));
    memcpy(room + length, name->Buffer, name->Length);
    length = (USHORT)(length * sizeof(WCHAR) + name->Length);
    room[length / sizeof(WCHAR)] = 0;
    return (UNICODE_STRING){ length, (USHORT)(length + sizeof(WCHAR)), room };
}

static NTSTATUS NewDriver(PCUNICODE_STRING service, PDRIVER_OBJECT *driver)
{
    SIZE_T names = 2 * service->Length + sizeof DRIVERS + sizeof(WCHAR);
    EXTENSION *extension = host_zalloc(sizeof *extension + names);
    PDRIVER_OBJECT d;
    NTSTATUS status;

    if (!extension)
        return STATUS_INSUFFICIENT_RESOURCES;
    d = ObpAllocateBody(&ObpDriverType, sizeof *d);
    if (!d) {
        host_free(extension);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    extension->Public.DriverObject = d;
    extension->Public.ServiceKeyName = Join(extension->Names, L"", service);
    d->DriverName = Join(extension->Names + service->Length / sizeof(WCHAR) + 1, DRIVERS, service);
    d->Type = IO_TYPE_DRIVER;
    d->Size = sizeof *d;
    d->DriverExtension = &extension->Public;
    d->HardwareDatabase = &Hardware;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        d->MajorFunction[i] = InvalidRequest;
    status = ObpInsertName(d, &d->DriverName);
    if (!NT_SUCCESS(status)) {
        ObfDereferenceObject(d);
        return status;
    }
    *driver = d;
    return STATUS_SUCCESS;
}

/* ---- calls on a system thread ---------------------------------------------------------------- */

typedef struct _CALL {
    PDRIVER_OBJECT Driver;
    PUNICODE_STRING RegistryPath;
    NTSTATUS Status;
} CALL;

static VOID NTAPI CallEntry(PVOID Context)
{
    CALL *call = Context;
    PDRIVER_INITIALIZE entry = call->Driver->DriverInit;
    KI_UPCALL upcall = KiEnterUpcall();

    call->Status = entry(call->Driver, call->RegistryPath);
    KiLeaveUpcall(&upcall, "DriverEntry", (const void *)entry);
}

static VOID NTAPI CallUnload(PVOID Context)
{
    CALL *call = Context;
    PDRIVER_UNLOAD unload = call->Driver->DriverUnload;
    KI_UPCALL upcall = KiEnterUpcall();

    unload(call->Driver);
    KiLeaveUpcall(&upcall, "DriverUnload", (const void *)unload);
}

static NTSTATUS RunOnSystemThread(PKSTART_ROUTINE routine, CALL *call)
{
    HANDLE handle;
    PVOID thread;
    NTSTATUS status =
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, call);

    if (!NT_SUCCESS(status))
        return status;
    status = ObpReferenceHandle(handle, &ObpThreadType, &thread);
    HOST_ASSERT(NT_SUCCESS(status)); /* it was made just now */
    ObpCloseHandle(handle);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObfDereferenceObject(thread);
    return STATUS_SUCCESS;
}

/* ---- load and unload ------------------------------------------------------------------------- */

static void RemoveDriver(PDRIVER_OBJECT driver)
{
    PCHAR image = driver->DriverStart;

    IopForgetDevices(driver);
    IopForgetLinks(image, image + driver->DriverSize);
    ObpRemoveName(driver);
    ObfDereferenceObject(driver);
}

static void FinishDevices(PDRIVER_OBJECT driver)
{
    for (PDEVICE_OBJECT d = driver->DeviceObject; d; d = d->NextDevice)
        d->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

NTSTATUS IopLoadDriver(PCUNICODE_STRING service, PVOID base, SIZE_T size, PDRIVER_INITIALIZE entry,
                       PDRIVER_OBJECT *driver)
{
    PDRIVER_OBJECT d;
    UNICODE_STRING path;
    CALL call;
    PWCH room;
    NTSTATUS status;

    *driver = NULL;
    if (!service->Length || service->Length > OBP_NAME_BYTES - sizeof SERVICES)
        return STATUS_INVALID_PARAMETER;
    status = NewDriver(service, &d);
    if (!NT_SUCCESS(status))
        return status;
    d->DriverStart = base;
    d->DriverSize = (ULONG)size;
    d->DriverInit = entry;
    /* Lives for the call only, as on Windows: who keeps the pointer is noticed by a sanitizer. */
    room = host_alloc(sizeof SERVICES + service->Length, 16);
    if (!room) {
        RemoveDriver(d);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    path = Join(room, SERVICES, service);
    call = (CALL){ d, &path, STATUS_UNSUCCESSFUL };
    status = RunOnSystemThread(CallEntry, &call);
    if (NT_SUCCESS(status))
        status = call.Status;
    host_free(room);
    if (!NT_SUCCESS(status)) {
        RemoveDriver(d);
        return status;
    }
    FinishDevices(d);
    *driver = d;
    return status;
}

void IopUnloadDriver(PDRIVER_OBJECT driver)
{
    CALL call = { driver, NULL, STATUS_SUCCESS };

    if (driver->DriverUnload) {
        NTSTATUS status = RunOnSystemThread(CallUnload, &call);
        if (!NT_SUCCESS(status))
            CallUnload(&call);
    }
    RemoveDriver(driver);
}

/* ---- what drivers call ----------------------------------------------------------------------- */

NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                               PVOID ClientIdentificationAddress,
                                               ULONG DriverObjectExtensionSize,
                                               PVOID *DriverObjectExtension)
{
    DDI_ENTER(IoAllocateDriverObjectExtension);
    EXTENSION *extension = ExtensionOf(DriverObject);
    CLIENT_EXTENSION *made, *e;

    *DriverObjectExtension = NULL;
    made = host_zalloc(sizeof *made + DriverObjectExtensionSize);
    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    made->Id = ClientIdentificationAddress;
    host_lock(&ExtensionLock);
    for (e = extension->Clients; e && e->Id != made->Id; e = e->Next)
        ;
    if (!e) {
        made->Next = extension->Clients;
        extension->Clients = made;
    }
    host_unlock(&ExtensionLock);
    if (e) {
        host_free(made);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *DriverObjectExtension = made->Bytes;
    return STATUS_SUCCESS;
}

PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                       PVOID ClientIdentificationAddress)
{
    DDI_ENTER(IoGetDriverObjectExtension);
    CLIENT_EXTENSION *e;

    host_lock(&ExtensionLock);
    e = ExtensionOf(DriverObject)->Clients;
    while (e && e->Id != ClientIdentificationAddress)
        e = e->Next;
    host_unlock(&ExtensionLock);
    return e ? e->Bytes : NULL;
}
