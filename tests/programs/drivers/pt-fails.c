/* pt-fails: a DriverEntry that fails and leaves memory behind. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PVOID memory = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'liaF');

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    UNREFERENCED_PARAMETER(memory);
    return STATUS_INSUFFICIENT_RESOURCES;
}
