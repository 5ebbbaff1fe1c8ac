/*
 * device.c: device objects and stacks of them.
 *
 * Called by drivers. DeviceLock protects the list of each driver's devices, the links of device
 * stacks and the counts of open files. Drivers walk DriverObject->DeviceObject without it, as on
 * Windows: that is safe as long as nobody creates or deletes devices of theirs meanwhile. A
 * deleted device stays in memory until its last reference is gone.
 */
#include "nt/iop.h"
#include "nt/ob.h"

#define DO_DEVICE_HAS_NAME 0x40

static struct host_lock DeviceLock = HOST_LOCK_INIT(HOST_RANK_NT_OBJECT);

static void DeleteBody(PVOID body)
{
    PDEVICE_OBJECT device = body;

    host_free(device->DeviceObjectExtension);
}

OBJECT_TYPE ObpDeviceType = { "Device", NULL, DeleteBody, FALSE };

/* ---- creation and deletion ------------------------------------------------------------------- */

static NTSTATUS NewDevice(ULONG extension_size, PDEVICE_OBJECT *device)
{
    PDEVICE_OBJECT d;
    PDEVOBJ_EXTENSION extension;

    if (host_choose(2, HOST_CHOOSE_FAULT, "IoCreateDevice"))
        return STATUS_INSUFFICIENT_RESOURCES;
    extension = host_zalloc(sizeof *extension);
    if (!extension)
        return STATUS_INSUFFICIENT_RESOURCES;
    d = ObpAllocateBody(&ObpDeviceType, sizeof *d + extension_size);
    if (!d) {
        host_free(extension);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    d->DeviceObjectExtension = extension;
    extension->Type = IO_TYPE_DEVICE_OBJECT_EXTENSION;
    extension->DeviceObject = d;
    d->Type = IO_TYPE_DEVICE;
    d->Size = (USHORT)(sizeof *d + extension_size);
    d->DeviceExtension = extension_size ? d + 1 : NULL;
    d->StackSize = 1;
    KeInitializeEvent(&d->DeviceLock, SynchronizationEvent, TRUE);
    InitializeListHead(&d->DeviceQueue.DeviceListHead);
    *device = d;
    return STATUS_SUCCESS;
}

static NTSTATUS CreateDevice(PDRIVER_OBJECT driver, ULONG extension_size, PCUNICODE_STRING name,
                             DEVICE_TYPE type, ULONG characteristics, BOOLEAN exclusive,
                             PDEVICE_OBJECT *device, const void *owner)
{
    PDEVICE_OBJECT d;
    NTSTATUS status;

    *device = NULL;
    if (extension_size > MAXUSHORT - sizeof *d)
        return STATUS_INVALID_PARAMETER;
    status = NewDevice(extension_size, &d);
    if (!NT_SUCCESS(status))
        return status;
    d->DriverObject = driver;
    d->DeviceType = type;
    d->Characteristics = characteristics;
    d->Flags = DO_DEVICE_INITIALIZING | (exclusive ? DO_EXCLUSIVE : 0);
    if (name && name->Length) {
        status = ObpInsertName(d, name);
        if (!NT_SUCCESS(status)) {
            ObfDereferenceObject(d);
            return status;
        }
        d->Flags |= DO_DEVICE_HAS_NAME;
    }
    ObfReferenceObject(driver);
    host_lock(&DeviceLock);
    d->NextDevice = driver->DeviceObject;
    driver->DeviceObject = d;
    host_unlock(&DeviceLock);
    vf_born(VF_DEVICE, d, 0, 0, owner);
    *device = d;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                              PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                              ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                              PDEVICE_OBJECT *DeviceObject)
{
    DDI_ENTER(IoCreateDevice);
    return CreateDevice(DriverObject, DeviceExtensionSize, DeviceName, DeviceType,
                        DeviceCharacteristics, Exclusive, DeviceObject,
                        __builtin_return_address(0));
}

/* There is one user, who may open everything: the descriptor has nobody to keep out. */
NTSTATUS NTAPI IoCreateDeviceSecure(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                                    PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                                    ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                                    PCUNICODE_STRING DefaultSDDLString, const GUID *DeviceClassGuid,
                                    PDEVICE_OBJECT *DeviceObject)
{
    DDI_ENTER(IoCreateDeviceSecure);
    UNREFERENCED_PARAMETER(DeviceClassGuid);

    /* Secure devices have a descriptor and a name: SDDL of an unnamed one would protect nothing. */
    if (!DefaultSDDLString || !DefaultSDDLString->Length)
        return STATUS_INVALID_PARAMETER;
    return CreateDevice(DriverObject, DeviceExtensionSize, DeviceName, DeviceType,
                        DeviceCharacteristics, Exclusive, DeviceObject,
                        __builtin_return_address(0));
}

NTSTATUS NTAPI WdmlibIoCreateDeviceSecure(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                                          PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                                          ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                                          PCUNICODE_STRING DefaultSDDLString,
                                          const GUID *DeviceClassGuid, PDEVICE_OBJECT *DeviceObject)
{
    DDI_ENTER(WdmlibIoCreateDeviceSecure);
    UNREFERENCED_PARAMETER(DeviceClassGuid);

    if (!DefaultSDDLString || !DefaultSDDLString->Length)
        return STATUS_INVALID_PARAMETER;
    return CreateDevice(DriverObject, DeviceExtensionSize, DeviceName, DeviceType,
                        DeviceCharacteristics, Exclusive, DeviceObject,
                        __builtin_return_address(0));
}

/* Takes the device out of its driver's list, and its name out of the name space. */
static void Forget(PDEVICE_OBJECT device)
{
    PDRIVER_OBJECT driver = device->DriverObject;
    PDEVICE_OBJECT *link = &driver->DeviceObject;

    host_lock(&DeviceLock);
    while (*link && *link != device)
        link = &(*link)->NextDevice;
    if (*link)
        *link = device->NextDevice;
    device->NextDevice = NULL;
    host_unlock(&DeviceLock);
    ObpRemoveName(device);
    ObfDereferenceObject(device);
    ObfDereferenceObject(driver);
}

VOID NTAPI IoDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    DDI_ENTER(IoDeleteDevice);

    if (!vf_died(VF_DEVICE, DeviceObject)) {
        vf_report(VF_STOP, "VF-OBJ-01", NULL, __builtin_return_address(0),
                  "IoDeleteDevice of %p, which is no device or was deleted before", DeviceObject);
        return;
    }
    Forget(DeviceObject);
}

void IopForgetDevices(PDRIVER_OBJECT driver)
{
    while (driver->DeviceObject)
        Forget(driver->DeviceObject);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static PDEVICE_OBJECT Top(PDEVICE_OBJECT device)
{
    while (device->AttachedDevice)
        device = device->AttachedDevice;
    return device;
}

PDEVICE_OBJECT IopTopDevice(PDEVICE_OBJECT device)
{
    host_lock(&DeviceLock);
    device = Top(device);
    host_unlock(&DeviceLock);
    return device;
}

static PDEVICE_OBJECT Attach(PDEVICE_OBJECT source, PDEVICE_OBJECT target)
{
    PDEVICE_OBJECT top;

    host_lock(&DeviceLock);
    top = Top(target);
    if (top->Flags & DO_DEVICE_INITIALIZING) {
        top = NULL;
    } else {
        top->AttachedDevice = source;
        source->StackSize = top->StackSize + 1;
        source->AlignmentRequirement = top->AlignmentRequirement;
        source->SectorSize = top->SectorSize;
        source->DeviceObjectExtension->AttachedTo = top;
    }
    host_unlock(&DeviceLock);
    return top;
}

PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice,
                                                 PDEVICE_OBJECT TargetDevice)
{
    DDI_ENTER(IoAttachDeviceToDeviceStack);
    return Attach(SourceDevice, TargetDevice);
}

NTSTATUS NTAPI IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice,
                              PDEVICE_OBJECT *AttachedDevice)
{
    DDI_ENTER(IoAttachDevice);
    PVOID target;
    NTSTATUS status;

    *AttachedDevice = NULL;
    status = ObpLookupName(TargetDevice, &ObpDeviceType, FALSE, NULL, &target);
    if (!NT_SUCCESS(status))
        return status;
    *AttachedDevice = Attach(SourceDevice, target);
    ObfDereferenceObject(target);
    return *AttachedDevice ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

VOID NTAPI IoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    DDI_ENTER(IoDetachDevice);

    host_lock(&DeviceLock);
    if (TargetDevice->AttachedDevice)
        TargetDevice->AttachedDevice->DeviceObjectExtension->AttachedTo = NULL;
    TargetDevice->AttachedDevice = NULL;
    host_unlock(&DeviceLock);
}

PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    DDI_ENTER(IoGetAttachedDevice);
    return IopTopDevice(DeviceObject);
}

PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject)
{
    DDI_ENTER(IoGetAttachedDeviceReference);
    PDEVICE_OBJECT top;

    host_lock(&DeviceLock);
    top = Top(DeviceObject);
    ObpReferenceSafe(top);
    host_unlock(&DeviceLock);
    return top;
}

PDEVICE_OBJECT NTAPI IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject)
{
    DDI_ENTER(IoGetLowerDeviceObject);
    PDEVICE_OBJECT lower;

    host_lock(&DeviceLock);
    lower = DeviceObject->DeviceObjectExtension->AttachedTo;
    if (lower)
        ObpReferenceSafe(lower);
    host_unlock(&DeviceLock);
    return lower;
}
