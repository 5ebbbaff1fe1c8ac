/*
 * registry.c: the system services for registry keys.
 *
 * Called by drivers at PASSIVE_LEVEL. cm.c keeps the tree; CmpLock is held while a key is looked
 * at, and answers are copied out under it. Every answer has a fixed part and a rest of any length:
 * without room for the fixed part it is STATUS_BUFFER_TOO_SMALL, without room for all of it as much
 * as fits and STATUS_BUFFER_OVERFLOW; the length needed is always told.
 */
#include "nt/cm.h"

#include <string.h>

#define EPOCH_DIFFERENCE 116444736000000000ll /* 1601 to 1970, in units of 100 ns */

/* An answer in the making. */
typedef struct _ANSWER {
    PUCHAR Out;
    ULONG Room;
} ANSWER;

/* Copies what fits. */
static void Put(const ANSWER *answer, ULONG offset, const void *bytes, ULONG length)
{
    if (offset >= answer->Room)
        return;
    if (length > answer->Room - offset)
        length = answer->Room - offset;
    if (length)
        memcpy(answer->Out + offset, bytes, length);
}

static NTSTATUS Finish(const ANSWER *answer, ULONG fixed, ULONG total, PULONG needed)
{
    *needed = total;
    if (answer->Room < fixed)
        return STATUS_BUFFER_TOO_SMALL;
    return answer->Room < total ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static LARGE_INTEGER WriteTime(const CMP_KEY *key)
{
    return (LARGE_INTEGER){ .QuadPart = key->WriteTime / 100 + EPOCH_DIFFERENCE };
}

/* ---- keys ------------------------------------------------------------------------------------ */

static NTSTATUS Open(PHANDLE handle, POBJECT_ATTRIBUTES attributes, BOOLEAN create,
                     PULONG disposition, const void *owner)
{
    PVOID parent = NULL;
    BOOLEAN created;
    CMP_KEY *key;
    NTSTATUS status;

    *handle = NULL;
    if (attributes->Length != sizeof *attributes || !attributes->ObjectName)
        return STATUS_INVALID_PARAMETER;
    if (host_choose(2, HOST_CHOOSE_FAULT, "ZwOpenKey"))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (attributes->RootDirectory) {
        status = ObpReferenceHandle(attributes->RootDirectory, &ObpKeyType, &parent);
        if (!NT_SUCCESS(status))
            return status;
    }
    host_lock(&CmpLock);
    status = CmpFindKey(parent ? CmpKeyOf(parent) : NULL, attributes->ObjectName, create, &created,
                        &key);
    if (NT_SUCCESS(status))
        CmpReferenceKey(key);
    host_unlock(&CmpLock);
    if (parent)
        ObfDereferenceObject(parent);
    if (!NT_SUCCESS(status))
        return status;
    if (disposition)
        *disposition = created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    return CmpOpenHandle(key, handle, owner);
}

NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes)
{
    DDI_ENTER(ZwOpenKey);
    UNREFERENCED_PARAMETER(DesiredAccess);
    return Open(KeyHandle, ObjectAttributes, FALSE, NULL, __builtin_return_address(0));
}

NTSTATUS NTAPI ZwOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, ULONG OpenOptions)
{
    DDI_ENTER(ZwOpenKeyEx);
    UNREFERENCED_PARAMETER(DesiredAccess);
    UNREFERENCED_PARAMETER(OpenOptions);
    return Open(KeyHandle, ObjectAttributes, FALSE, NULL, __builtin_return_address(0));
}

NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex,
                           PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    DDI_ENTER(ZwCreateKey);
    UNREFERENCED_PARAMETER(DesiredAccess);
    UNREFERENCED_PARAMETER(TitleIndex);
    UNREFERENCED_PARAMETER(Class);
    UNREFERENCED_PARAMETER(CreateOptions);
    return Open(KeyHandle, ObjectAttributes, TRUE, Disposition, __builtin_return_address(0));
}

/* Locks the tree when it succeeds; LeaveKey undoes it. */
static NTSTATUS EnterKey(HANDLE handle, PVOID *body, CMP_KEY **key)
{
    NTSTATUS status = ObpReferenceHandle(handle, &ObpKeyType, body);

    if (!NT_SUCCESS(status))
        return status;
    host_lock(&CmpLock);
    *key = CmpKeyOf(*body);
    if (!(*key)->Deleted)
        return STATUS_SUCCESS;
    host_unlock(&CmpLock);
    ObfDereferenceObject(*body);
    return STATUS_KEY_DELETED;
}

static void LeaveKey(PVOID body)
{
    host_unlock(&CmpLock);
    ObfDereferenceObject(body);
}

NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
    DDI_ENTER(ZwDeleteKey);
    PVOID body;
    CMP_KEY *key;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);

    if (!NT_SUCCESS(status))
        return status;
    status = CmpDeleteKey(key);
    LeaveKey(body);
    return status;
}

/* The registry has no other place than memory, so it is always as safe there as it will get. */
NTSTATUS NTAPI ZwFlushKey(HANDLE KeyHandle)
{
    DDI_ENTER(ZwFlushKey);
    PVOID body;
    CMP_KEY *key;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);

    if (NT_SUCCESS(status))
        LeaveKey(body);
    return status;
}

/* ---- questions about keys -------------------------------------------------------------------- */

static NTSTATUS DescribeFull(CMP_KEY *key, const ANSWER *answer, PULONG needed)
{
    KEY_FULL_INFORMATION full = { .LastWriteTime = WriteTime(key),
                                  .ClassOffset = FIELD_OFFSET(KEY_FULL_INFORMATION, Class) };
    CMP_KEY *child;
    CMP_VALUE *value;

    for (; (child = CmpKeyAt(key, full.SubKeys)); full.SubKeys++) {
        if (child->NameLength > full.MaxNameLen)
            full.MaxNameLen = child->NameLength;
    }
    for (; (value = CmpValueAt(key, full.Values)); full.Values++) {
        if (value->NameLength > full.MaxValueNameLen)
            full.MaxValueNameLen = value->NameLength;
        if (value->DataLength > full.MaxValueDataLen)
            full.MaxValueDataLen = value->DataLength;
    }
    Put(answer, 0, &full, FIELD_OFFSET(KEY_FULL_INFORMATION, Class));
    return Finish(answer, FIELD_OFFSET(KEY_FULL_INFORMATION, Class),
                  FIELD_OFFSET(KEY_FULL_INFORMATION, Class), needed);
}

static NTSTATUS DescribeName(CMP_KEY *key, const ANSWER *answer, PULONG needed)
{
    ULONG fixed = FIELD_OFFSET(KEY_NAME_INFORMATION, Name);
    ULONG length = CmpKeyPath(key, NULL, 0);

    Put(answer, 0, &length, sizeof length);
    if (answer->Room > fixed)
        CmpKeyPath(key, (WCHAR *)(answer->Out + fixed), answer->Room - fixed);
    return Finish(answer, fixed, fixed + length, needed);
}

static NTSTATUS DescribeKey(CMP_KEY *key, KEY_INFORMATION_CLASS what, const ANSWER *answer,
                            PULONG needed)
{
    KEY_BASIC_INFORMATION basic = { .LastWriteTime = WriteTime(key),
                                    .NameLength = key->NameLength };
    KEY_NODE_INFORMATION node = { .LastWriteTime = WriteTime(key),
                                  .ClassOffset = MAXULONG, /* none */
                                  .NameLength = key->NameLength };
    ULONG fixed;

    switch (what) {
    case KeyBasicInformation:
        fixed = FIELD_OFFSET(KEY_BASIC_INFORMATION, Name);
        Put(answer, 0, &basic, fixed);
        break;
    case KeyNodeInformation:
        fixed = FIELD_OFFSET(KEY_NODE_INFORMATION, Name);
        Put(answer, 0, &node, fixed);
        break;
    case KeyFullInformation:
        return DescribeFull(key, answer, needed);
    case KeyNameInformation:
        return DescribeName(key, answer, needed);
    default:
        return STATUS_INVALID_PARAMETER;
    }
    Put(answer, fixed, key->Name, key->NameLength);
    return Finish(answer, fixed, fixed + key->NameLength, needed);
}

NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                          PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    DDI_ENTER(ZwQueryKey);
    ANSWER answer = { KeyInformation, Length };
    PVOID body;
    CMP_KEY *key;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);

    if (!NT_SUCCESS(status))
        return status;
    status = DescribeKey(key, KeyInformationClass, &answer, ResultLength);
    LeaveKey(body);
    return status;
}

NTSTATUS NTAPI ZwEnumerateKey(HANDLE KeyHandle, ULONG Index,
                              KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                              ULONG Length, PULONG ResultLength)
{
    DDI_ENTER(ZwEnumerateKey);
    ANSWER answer = { KeyInformation, Length };
    PVOID body;
    CMP_KEY *key, *child;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);

    if (!NT_SUCCESS(status))
        return status;
    child = CmpKeyAt(key, Index);
    status = child ? DescribeKey(child, KeyInformationClass, &answer, ResultLength)
                   : STATUS_NO_MORE_ENTRIES;
    LeaveKey(body);
    return status;
}

/* ---- values ---------------------------------------------------------------------------------- */

static NTSTATUS DescribeValue(const CMP_VALUE *value, KEY_VALUE_INFORMATION_CLASS what,
                              const ANSWER *answer, PULONG needed)
{
    KEY_VALUE_BASIC_INFORMATION basic = { .Type = value->Type, .NameLength = value->NameLength };
    KEY_VALUE_PARTIAL_INFORMATION partial = { .Type = value->Type,
                                              .DataLength = value->DataLength };
    KEY_VALUE_FULL_INFORMATION full = { .Type = value->Type,
                                        .DataLength = value->DataLength,
                                        .NameLength = value->NameLength };
    ULONG fixed;

    switch (what) {
    case KeyValueBasicInformation:
        fixed = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
        Put(answer, 0, &basic, fixed);
        Put(answer, fixed, value->Name, value->NameLength);
        return Finish(answer, fixed, fixed + value->NameLength, needed);
    case KeyValueFullInformation:
        fixed = FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name);
        full.DataOffset = (ULONG)ALIGN_UP_BY(fixed + value->NameLength, 8);
        Put(answer, 0, &full, fixed);
        Put(answer, fixed, value->Name, value->NameLength);
        Put(answer, full.DataOffset, value->Data, value->DataLength);
        return Finish(answer, fixed, full.DataOffset + value->DataLength, needed);
    case KeyValuePartialInformation:
        fixed = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);
        Put(answer, 0, &partial, fixed);
        Put(answer, fixed, value->Data, value->DataLength);
        return Finish(answer, fixed, fixed + value->DataLength, needed);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    DDI_ENTER(ZwQueryValueKey);
    ANSWER answer = { KeyValueInformation, Length };
    PVOID body;
    CMP_KEY *key;
    CMP_VALUE *value;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);

    if (!NT_SUCCESS(status))
        return status;
    value = CmpFindValue(key, ValueName);
    status = value ? DescribeValue(value, KeyValueInformationClass, &answer, ResultLength)
                   : STATUS_OBJECT_NAME_NOT_FOUND;
    LeaveKey(body);
    return status;
}

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    DDI_ENTER(ZwEnumerateValueKey);
    ANSWER answer = { KeyValueInformation, Length };
    PVOID body;
    CMP_KEY *key;
    CMP_VALUE *value;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);

    if (!NT_SUCCESS(status))
        return status;
    value = CmpValueAt(key, Index);
    status = value ? DescribeValue(value, KeyValueInformationClass, &answer, ResultLength)
                   : STATUS_NO_MORE_ENTRIES;
    LeaveKey(body);
    return status;
}

NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex,
                             ULONG Type, PVOID Data, ULONG DataSize)
{
    DDI_ENTER(ZwSetValueKey);
    PVOID body;
    CMP_KEY *key;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);
    UNREFERENCED_PARAMETER(TitleIndex);

    if (!NT_SUCCESS(status))
        return status;
    status = CmpSetValue(key, ValueName, Type, Data, DataSize);
    LeaveKey(body);
    return status;
}

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    DDI_ENTER(ZwDeleteValueKey);
    PVOID body;
    CMP_KEY *key;
    CMP_VALUE *value;
    NTSTATUS status = EnterKey(KeyHandle, &body, &key);

    if (!NT_SUCCESS(status))
        return status;
    value = CmpFindValue(key, ValueName);
    if (value)
        CmpDeleteValue(key, value);
    else
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    LeaveKey(body);
    return status;
}
