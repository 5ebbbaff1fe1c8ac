/*
 * What: what an allocation returned is used without a look whether it failed
 * Workload: own --oom-sweep --for 0
 */
#include <ntddk.h>
#include <wsk.h>

typedef struct _DEVICE_CONTEXT {
    LIST_ENTRY Link;
    ULONG Count;
} DEVICE_CONTEXT;

static DEVICE_CONTEXT *Context;
DRIVER_INITIALIZE DriverEntry;

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    ExFreePoolWithTag(Context, 'woPR');
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Context = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Context), 'woPR');
#ifdef FIXED
    if (!Context)
        return STATUS_INSUFFICIENT_RESOURCES;
#endif
    InitializeListHead(&Context->Link);
    Context->Count = 1;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
