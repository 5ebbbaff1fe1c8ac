/*
 * pt-plain: prints when it comes and goes, what its parameters are, and how many processors there
 * are. Its name is that of its service, so that copies of it can be told apart.
 */
#include <ntddk.h>

#define NAME_CHARS 64

static WCHAR name_buffer[NAME_CHARS];
static UNICODE_STRING service = { 0, sizeof(name_buffer), name_buffer };

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD PlainUnload;

static VOID PlainUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("%wZ: unloaded\n", &service);
}

static VOID PrintValues(HANDLE Key)
{
    union {
        KEY_VALUE_FULL_INFORMATION Information;
        UCHAR Bytes[512];
    } value;
    ULONG length;

    for (ULONG i = 0; NT_SUCCESS(
             ZwEnumerateValueKey(Key, i, KeyValueFullInformation, &value, sizeof(value), &length));
         i++) {
        UNICODE_STRING name = { (USHORT)value.Information.NameLength,
                                (USHORT)value.Information.NameLength, value.Information.Name };
        PVOID data = (PUCHAR)&value + value.Information.DataOffset;
        if (value.Information.Type == REG_DWORD)
            DbgPrint("%wZ: %wZ = %u\n", &service, &name, *(ULONG *)data);
        else
            DbgPrint("%wZ: %wZ = %ws\n", &service, &name, (PWSTR)data);
    }
}

static VOID PrintParameters(PUNICODE_STRING RegistryPath)
{
    DECLARE_CONST_UNICODE_STRING(parameters, L"Parameters");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key, sub;

    InitializeObjectAttributes(&attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes)))
        return;
    InitializeObjectAttributes(&attributes, (PUNICODE_STRING)&parameters,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, key, NULL);
    if (NT_SUCCESS(ZwOpenKey(&sub, KEY_READ, &attributes))) {
        PrintValues(sub);
        ZwClose(sub);
    }
    ZwClose(key);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    USHORT start = RegistryPath->Length / sizeof(WCHAR);
    UNICODE_STRING last = *RegistryPath;

    PAGED_CODE();
    while (start > 0 && RegistryPath->Buffer[start - 1] != L'\\')
        start--;
    last.Buffer += start;
    last.Length -= start * sizeof(WCHAR);
    RtlCopyUnicodeString(&service, &last);
    DriverObject->DriverUnload = PlainUnload;
    PrintParameters(RegistryPath);
    DbgPrint("%wZ: %u processors\n", &service, KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS));
    DbgPrint("%wZ: loaded\n", &service);
    return STATUS_SUCCESS;
}
