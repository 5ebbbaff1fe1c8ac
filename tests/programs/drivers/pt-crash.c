/* pt-crash: dereferences NULL, or with the parameter BugCheck calls KeBugCheckEx. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

static DECLSPEC_NOINLINE VOID CrashHere(volatile LONG *Where)
{
    *Where = 1;
}

static BOOLEAN HasParameters(PUNICODE_STRING RegistryPath)
{
    DECLARE_CONST_UNICODE_STRING(name, L"Parameters");
    DECLARE_CONST_UNICODE_STRING(value, L"BugCheck");
    OBJECT_ATTRIBUTES attributes;
    UCHAR bytes[64];
    ULONG length;
    HANDLE key, sub;

    InitializeObjectAttributes(&attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes)))
        return FALSE;
    InitializeObjectAttributes(&attributes, (PUNICODE_STRING)&name,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, key, NULL);
    NTSTATUS status = ZwOpenKey(&sub, KEY_READ, &attributes);
    if (NT_SUCCESS(status)) {
        status = ZwQueryValueKey(sub, (PUNICODE_STRING)&value, KeyValuePartialInformation, bytes,
                                 sizeof(bytes), &length);
        ZwClose(sub);
    }
    ZwClose(key);
    return NT_SUCCESS(status);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (HasParameters(RegistryPath))
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, 1, 2, 3, 4);
    CrashHere(NULL);
    return STATUS_SUCCESS;
}
