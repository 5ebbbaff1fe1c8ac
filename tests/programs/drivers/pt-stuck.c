/* pt-stuck: an unload that waits for an event which nobody sets. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD StuckUnload;

static PKEVENT never;

static VOID StuckUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("pt-stuck: unloading\n");
    KeWaitForSingleObject(never, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    never = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*never), 'kutS');
    if (!never)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(never, NotificationEvent, FALSE);
    DriverObject->DriverUnload = StuckUnload;
    DbgPrint("pt-stuck: loaded\n");
    return STATUS_SUCCESS;
}
