/*
 * tries_again.c: a driver that asks for memory twice at the same place, and goes on without it when
 * it gets none, if it can have the rest. It forgets then that it has none. Failing one request does
 * not show this, nor does failing all from one on.
 */
#include <ntddk.h>

#define TAG 'yrtR'

static DRIVER_UNLOAD Unload;
DRIVER_INITIALIZE DriverEntry;

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PULONG Cache = NULL, Rest;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (volatile int Tries = 0; !Cache && Tries < 2; Tries++)
        Cache = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    Rest = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    if (!Rest) {
        if (Cache)
            ExFreePoolWithTag(Cache, TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Cache[0] = 1;
    ExFreePoolWithTag(Rest, TAG);
    ExFreePoolWithTag(Cache, TAG);
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
