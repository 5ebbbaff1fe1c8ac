/* pt-leak: unloads, but leaves memory behind. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD LeakUnload;

static VOID LeakUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PVOID memory = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'kaeL');

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = LeakUnload;
    return memory ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
