/*
 * rtlreg.c: the RtlXxxRegistryXxx helpers, on top of the registry's system services.
 *
 * Called by drivers at PASSIVE_LEVEL. RtlQueryRegistryValues walks the driver's table: each entry
 * names a value (or all of the key's), and is answered by a call of its routine or, with
 * RTL_QUERY_REGISTRY_DIRECT, by a store into the driver's variable. No lock is held during calls.
 */
#include "nt/iop.h"
#include "nt/mi.h"

#include <string.h>

#define PATH_CHARS 1024
#define STRING_TAG 'grtS' /* what RtlFreeUnicodeString frees with */
#define NAME_BYTES 512

/* ---- paths ----------------------------------------------------------------------------------- */

static NTSTATUS BasePath(ULONG relative, PCWSTR *base)
{
    static const PCWSTR bases[] = {
        [RTL_REGISTRY_ABSOLUTE] = L"",
        [RTL_REGISTRY_SERVICES] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services",
        [RTL_REGISTRY_CONTROL] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Control",
        [RTL_REGISTRY_WINDOWS_NT] =
            L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
        [RTL_REGISTRY_DEVICEMAP] = L"\\Registry\\Machine\\Hardware\\DeviceMap",
        [RTL_REGISTRY_USER] = L"\\Registry\\User\\.Default",
    };

    relative &= ~RTL_REGISTRY_OPTIONAL;
    if (relative >= RTL_NUMBER_OF(bases))
        return STATUS_INVALID_PARAMETER;
    *base = bases[relative];
    return STATUS_SUCCESS;
}

static NTSTATUS OpenPath(HANDLE parent, PCWSTR path, BOOLEAN create, PHANDLE key)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, path);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, parent,
                               NULL);
    if (create)
        return ZwCreateKey(key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, NULL);
    return ZwOpenKey(key, KEY_ALL_ACCESS, &attributes);
}

/* `*own` tells whether the handle is ours to close. */
static NTSTATUS OpenRelative(ULONG relative, PCWSTR path, BOOLEAN create, PHANDLE key, BOOLEAN *own)
{
    WCHAR text[PATH_CHARS];
    UNICODE_STRING whole = { 0, sizeof text - sizeof(WCHAR), text };
    PCWSTR base;
    NTSTATUS status;

    *own = !(relative & RTL_REGISTRY_HANDLE);
    if (!*own) {
        *key = (HANDLE)path;
        return STATUS_SUCCESS;
    }
    status = BasePath(relative, &base);
    if (!NT_SUCCESS(status))
        return status;
    status = RtlAppendUnicodeToString(&whole, base);
    if (NT_SUCCESS(status) && *base && path && *path)
        status = RtlAppendUnicodeToString(&whole, L"\\");
    if (NT_SUCCESS(status) && path)
        status = RtlAppendUnicodeToString(&whole, path);
    if (!NT_SUCCESS(status))
        return status;
    text[whole.Length / sizeof(WCHAR)] = 0;
    return OpenPath(NULL, text, create, key);
}

/* ---- one value ------------------------------------------------------------------------------- */

NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName,
                                     ULONG ValueType, PVOID ValueData, ULONG ValueLength)
{
    DDI_ENTER(RtlWriteRegistryValue);
    UNICODE_STRING name;
    HANDLE key;
    BOOLEAN own;
    NTSTATUS status = OpenRelative(RelativeTo, Path, TRUE, &key, &own);

    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, ValueName);
    status = ZwSetValueKey(key, &name, 0, ValueType, ValueData, ValueLength);
    if (own)
        ZwClose(key);
    return status;
}

NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
    DDI_ENTER(RtlDeleteRegistryValue);
    UNICODE_STRING name;
    HANDLE key;
    BOOLEAN own;
    NTSTATUS status = OpenRelative(RelativeTo, Path, FALSE, &key, &own);

    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, ValueName);
    status = ZwDeleteValueKey(key, &name);
    if (own)
        ZwClose(key);
    return status;
}

NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    DDI_ENTER(RtlCheckRegistryKey);
    HANDLE key;
    BOOLEAN own;
    NTSTATUS status = OpenRelative(RelativeTo, Path, FALSE, &key, &own);

    if (NT_SUCCESS(status) && own)
        ZwClose(key);
    return status;
}

NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    DDI_ENTER(RtlCreateRegistryKey);
    HANDLE key;
    BOOLEAN own;
    NTSTATUS status = OpenRelative(RelativeTo, Path, TRUE, &key, &own);

    if (NT_SUCCESS(status) && own)
        ZwClose(key);
    return status;
}

/* ---- a table of values ----------------------------------------------------------------------- */

/* A value that was read: its name and data follow in the same block. */
typedef struct _READ {
    KEY_VALUE_FULL_INFORMATION *Info;
    ULONG Size;
} READ;

static NTSTATUS Grow(READ *read, ULONG size)
{
    host_free(read->Info);
    /* Two zero characters more than asked for: names and strings are handed out terminated. */
    read->Info = host_zalloc(size + 2 * sizeof(WCHAR));
    read->Size = read->Info ? size : 0;
    return read->Info ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* By name, or with NULL the index-th. Without a key: of a key that is not there. */
static NTSTATUS ReadValue(HANDLE key, PCWSTR name, ULONG index, READ *read)
{
    UNICODE_STRING text;
    ULONG need = 0;

    if (!key)
        return name ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_NO_MORE_ENTRIES;
    NTSTATUS status = read->Size ? STATUS_SUCCESS : Grow(read, 256);
    RtlInitUnicodeString(&text, name);
    while (NT_SUCCESS(status)) {
        memset(read->Info, 0, read->Size);
        status = name ? ZwQueryValueKey(key, &text, KeyValueFullInformation, read->Info, read->Size,
                                        &need)
                      : ZwEnumerateValueKey(key, index, KeyValueFullInformation, read->Info,
                                            read->Size, &need);
        if (status != STATUS_BUFFER_OVERFLOW && status != STATUS_BUFFER_TOO_SMALL)
            return status;
        status = Grow(read, need);
    }
    return status;
}

/* Whole text for a string: the terminator does not count. */
static NTSTATUS StoreString(PUNICODE_STRING to, const void *data, ULONG length)
{
    const WCHAR *text = data;

    while (length >= sizeof(WCHAR) && text[length / sizeof(WCHAR) - 1] == 0)
        length -= sizeof(WCHAR);
    if (length > UNICODE_STRING_MAX_BYTES - sizeof(WCHAR))
        return STATUS_BUFFER_OVERFLOW;
    if (!to->Buffer) {
        to->Buffer = ExpAllocatePool(length + sizeof(WCHAR), 0, STRING_TAG, TRUE, NULL);
        if (!to->Buffer)
            return STATUS_INSUFFICIENT_RESOURCES;
        to->MaximumLength = (USHORT)(length + sizeof(WCHAR));
    }
    if (to->MaximumLength < length + sizeof(WCHAR))
        return STATUS_BUFFER_TOO_SMALL;
    if (length)
        memcpy(to->Buffer, text, length);
    to->Buffer[length / sizeof(WCHAR)] = 0;
    to->Length = (USHORT)length;
    return STATUS_SUCCESS;
}

static NTSTATUS StoreDirect(PRTL_QUERY_REGISTRY_TABLE entry, ULONG type, const void *data,
                            ULONG length)
{
    PLONG header = entry->EntryContext;

    if (entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) {
        ULONG wanted = entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
        if (wanted != type)
            return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ)
        return StoreString(entry->EntryContext, data, length);
    if (length <= sizeof(ULONG)) {
        if (length)
            memcpy(entry->EntryContext, data, length);
        return STATUS_SUCCESS;
    }
    /* Longer ones: a negative number of bytes of room, or room for length, type and data. */
    if (*header < 0) {
        if ((ULONG) - *header < length)
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(header, data, length);
        return STATUS_SUCCESS;
    }
    if ((ULONG)*header < 2 * sizeof(ULONG) + length)
        return STATUS_BUFFER_TOO_SMALL;
    header[0] = (LONG)length;
    header[1] = (LONG)type;
    memcpy(header + 2, data, length);
    return STATUS_SUCCESS;
}

static NTSTATUS CallRoutine(PRTL_QUERY_REGISTRY_TABLE entry, PWSTR name, ULONG type, PVOID data,
                            ULONG length, PVOID context)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG used = 0;

    if (type != REG_MULTI_SZ || (entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND))
        return entry->QueryRoutine(name, type, data, length, context, entry->EntryContext);
    /* One call for each of the strings. */
    while (NT_SUCCESS(status) && used + sizeof(WCHAR) <= length) {
        PWSTR text = (PWSTR)((PUCHAR)data + used);
        ULONG chars = 0;
        while (used + (chars + 1) * sizeof(WCHAR) <= length && text[chars])
            chars++;
        if (chars == 0)
            break;
        status = entry->QueryRoutine(name, REG_SZ, text, (chars + 1) * sizeof(WCHAR), context,
                                     entry->EntryContext);
        used += (chars + 1) * sizeof(WCHAR);
    }
    return status;
}

static NTSTATUS Deliver(PRTL_QUERY_REGISTRY_TABLE entry, PWSTR name, ULONG type, PVOID data,
                        ULONG length, PVOID context)
{
    if (entry->Flags & RTL_QUERY_REGISTRY_DIRECT)
        return StoreDirect(entry, type, data, length);
    if (!entry->QueryRoutine)
        return STATUS_SUCCESS;
    return CallRoutine(entry, name, type, data, length, context);
}

/* The value's name comes before its data in the block, without a terminator of its own. */
static NTSTATUS DeliverRead(PRTL_QUERY_REGISTRY_TABLE entry, READ *read, PVOID context)
{
    KEY_VALUE_FULL_INFORMATION *info = read->Info;
    WCHAR name[NAME_BYTES / sizeof(WCHAR) + 1];

    memcpy(name, info->Name, info->NameLength);
    name[info->NameLength / sizeof(WCHAR)] = 0;
    return Deliver(entry, name, info->Type, (PUCHAR)info + info->DataOffset, info->DataLength,
                   context);
}

static NTSTATUS DeliverDefault(PRTL_QUERY_REGISTRY_TABLE entry, PVOID context)
{
    ULONG type = entry->DefaultType & ~(0xffu << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT);
    ULONG length = entry->DefaultLength;
    RTL_QUERY_REGISTRY_TABLE unchecked = *entry;

    if (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (type == REG_NONE)
        return STATUS_SUCCESS;
    /* No length: up to the terminator. No data: an empty string. */
    if (length == 0 && entry->DefaultData && (type == REG_SZ || type == REG_EXPAND_SZ)) {
        const WCHAR *text = entry->DefaultData;
        while (text[length / sizeof(WCHAR)])
            length += sizeof(WCHAR);
        length += sizeof(WCHAR);
    }
    unchecked.Flags &= ~(ULONG)RTL_QUERY_REGISTRY_TYPECHECK;
    return Deliver(&unchecked, entry->Name, type, entry->DefaultData, length, context);
}

static NTSTATUS QueryAll(HANDLE key, PRTL_QUERY_REGISTRY_TABLE entry, READ *read, PVOID context)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (ULONG index = 0; NT_SUCCESS(status); index++) {
        status = ReadValue(key, NULL, index, read);
        if (status == STATUS_NO_MORE_ENTRIES)
            return index || !(entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
                       ? STATUS_SUCCESS
                       : STATUS_OBJECT_NAME_NOT_FOUND;
        if (NT_SUCCESS(status))
            status = DeliverRead(entry, read, context);
    }
    return status;
}

static NTSTATUS QueryEntry(HANDLE key, PRTL_QUERY_REGISTRY_TABLE entry, READ *read, PVOID context)
{
    NTSTATUS status;

    if ((entry->Flags & RTL_QUERY_REGISTRY_NOVALUE) && entry->QueryRoutine)
        return entry->QueryRoutine(NULL, REG_NONE, NULL, 0, context, entry->EntryContext);
    if (!entry->Name)
        return QueryAll(key, entry, read, context);
    status = ReadValue(key, entry->Name, 0, read);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return DeliverDefault(entry, context);
    if (!NT_SUCCESS(status))
        return status;
    status = DeliverRead(entry, read, context);
    if (NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE)) {
        UNICODE_STRING name;
        RtlInitUnicodeString(&name, entry->Name);
        ZwDeleteValueKey(key, &name);
    }
    return status;
}

static void CloseBelow(HANDLE key, HANDLE top)
{
    if (key && key != top)
        ZwClose(key);
}

/* One that is not there, and need not be, leaves no key: its values have their defaults. */
static NTSTATUS OpenBelow(HANDLE top, PRTL_QUERY_REGISTRY_TABLE entry, PHANDLE key)
{
    *key = NULL;
    if (!entry->Name)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = OpenPath(top, entry->Name, FALSE, key);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND && !(entry->Flags & RTL_QUERY_REGISTRY_REQUIRED))
        return STATUS_SUCCESS;
    return status;
}

static NTSTATUS WalkTable(HANDLE top, PRTL_QUERY_REGISTRY_TABLE entry, PVOID context)
{
    READ read = { 0 };
    HANDLE key = top;
    NTSTATUS status = STATUS_SUCCESS;

    for (; NT_SUCCESS(status) &&
           (entry->QueryRoutine || entry->Name ||
            (entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)));
         entry++) {
        if (entry->Flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY)) {
            CloseBelow(key, top);
            key = top;
        }
        if (entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) {
            status = OpenBelow(top, entry, &key);
            if (key && entry->QueryRoutine)
                status = QueryAll(key, entry, &read, context);
            continue;
        }
        status = QueryEntry(key, entry, &read, context);
    }
    CloseBelow(key, top);
    host_free(read.Info);
    return status;
}

NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path,
                                      PRTL_QUERY_REGISTRY_TABLE QueryTable, PVOID Context,
                                      PVOID Environment)
{
    DDI_ENTER(RtlQueryRegistryValues);
    HANDLE key;
    BOOLEAN own;
    NTSTATUS status = OpenRelative(RelativeTo, Path, FALSE, &key, &own);
    UNREFERENCED_PARAMETER(Environment);

    if (!NT_SUCCESS(status))
        return status == STATUS_OBJECT_NAME_NOT_FOUND && (RelativeTo & RTL_REGISTRY_OPTIONAL)
                   ? STATUS_SUCCESS
                   : status;
    status = WalkTable(key, QueryTable, Context);
    if (own)
        ZwClose(key);
    return status;
}
