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

    ANSI_STRING name = RTL_CONSTANT_STRING("a string");
    UNICODE_STRING copy;

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(RtlAnsiStringToUnicodeString(&copy, &name, TRUE)))
        return STATUS_INSUFFICIENT_RESOURCES;
    DriverObject->DriverUnload = LeakUnload;
    return memory ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
