/*
 * cm.c: the registry: a tree of keys and values in memory. See cm.h.
 *
 * Keys that are there from the start: those that a driver may rely on. Names differ without regard
 * to case. Removal of a key takes it out of the tree; its memory stays until the last open key
 * object on it is closed, whose user gets STATUS_KEY_DELETED.
 */
#include "nt/cm.h"
#include "nt/iop.h"

#include <string.h>

struct host_lock CmpLock = HOST_LOCK_INIT(HOST_RANK_NT_OBJECT);

#define LARGEST_NAME  512        /* bytes of one component */
#define LARGEST_VALUE (1u << 20) /* bytes of a value's data */

static CMP_KEY *Root;

/* ---- keys ------------------------------------------------------------------------------------ */

static CMP_KEY *NewKey(CMP_KEY *parent, PCUNICODE_STRING name)
{
    CMP_KEY *key = host_zalloc(sizeof *key + name->Length);

    if (!key)
        return NULL;
    InitializeListHead(&key->Keys);
    InitializeListHead(&key->Values);
    key->References = 1;
    key->NameLength = name->Length;
    memcpy(key->Name, name->Buffer, name->Length);
    key->Parent = parent;
    key->WriteTime = host_wall();
    if (parent)
        InsertTailList(&parent->Keys, &key->Link);
    return key;
}

static BOOLEAN SameName(const WCHAR *have, ULONG length, PCUNICODE_STRING name)
{
    UNICODE_STRING other = { (USHORT)length, (USHORT)length, (PWCH)have };

    return length == name->Length && RtlEqualUnicodeString(&other, name, TRUE);
}

static CMP_KEY *FindChild(CMP_KEY *key, PCUNICODE_STRING name)
{
    for (PLIST_ENTRY e = key->Keys.Flink; e != &key->Keys; e = e->Flink) {
        CMP_KEY *child = CONTAINING_RECORD(e, CMP_KEY, Link);
        if (SameName(child->Name, child->NameLength, name))
            return child;
    }
    return NULL;
}

/* Takes the next component off the path; FALSE: there is none. */
static BOOLEAN NextComponent(PUNICODE_STRING path, PUNICODE_STRING component)
{
    while (path->Length && path->Buffer[0] == L'\\') {
        path->Buffer++;
        path->Length -= sizeof(WCHAR);
    }
    *component = (UNICODE_STRING){ 0, 0, path->Buffer };
    while (path->Length && path->Buffer[0] != L'\\') {
        path->Buffer++;
        path->Length -= sizeof(WCHAR);
        component->Length += sizeof(WCHAR);
    }
    return component->Length != 0;
}

/* With the lock held. Open keys keep their memory. */
static void FreeTree(void)
{
    CMP_KEY *key = Root;

    while (key) {
        CMP_KEY *parent = key->Parent;
        if (!IsListEmpty(&key->Keys)) {
            key = CONTAINING_RECORD(key->Keys.Flink, CMP_KEY, Link);
            continue;
        }
        if (parent)
            RemoveEntryList(&key->Link);
        CmpDereferenceKey(key);
        key = parent;
    }
    Root = NULL;
}

static BOOLEAN MakeRoot(void)
{
    static const PCWSTR paths[] = {
        L"\\Machine\\System\\CurrentControlSet\\Services",
        L"\\Machine\\System\\CurrentControlSet\\Control",
        L"\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
        L"\\Machine\\Hardware",
    };
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Registry");

    if (Root)
        return TRUE;
    Root = NewKey(NULL, &name);
    for (ULONG i = 0; i < RTL_NUMBER_OF(paths); i++) {
        UNICODE_STRING path, component;
        CMP_KEY *key = Root;
        RtlInitUnicodeString(&path, paths[i]);
        while (key && NextComponent(&path, &component)) {
            CMP_KEY *child = FindChild(key, &component);
            key = child ? child : NewKey(key, &component);
        }
        if (!key) {
            FreeTree(); /* half of it would look like all of it to the next call */
            return FALSE;
        }
    }
    return TRUE;
}

/* ControlSet001 is what CurrentControlSet leads to. */
static CMP_KEY *FindChildOrAlias(CMP_KEY *key, PCUNICODE_STRING name)
{
    static const UNICODE_STRING set = RTL_CONSTANT_STRING(L"ControlSet001");
    static const UNICODE_STRING current = RTL_CONSTANT_STRING(L"CurrentControlSet");
    CMP_KEY *child = FindChild(key, name);

    if (!child && RtlEqualUnicodeString(name, &set, TRUE))
        child = FindChild(key, &current);
    return child;
}

NTSTATUS CmpFindKey(CMP_KEY *from, PCUNICODE_STRING whole, BOOLEAN create, BOOLEAN *created,
                    CMP_KEY **found)
{
    UNICODE_STRING path = *whole, component;
    CMP_KEY *key = from;

    *created = FALSE;
    if (!MakeRoot())
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!key) {
        if (!path.Length || path.Buffer[0] != L'\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        if (!NextComponent(&path, &component) ||
            !SameName(Root->Name, Root->NameLength, &component))
            return STATUS_OBJECT_NAME_NOT_FOUND;
        key = Root;
    } else if (path.Length && path.Buffer[0] == L'\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    if (key->Deleted)
        return STATUS_KEY_DELETED;
    while (NextComponent(&path, &component)) {
        CMP_KEY *child = FindChildOrAlias(key, &component);
        UNICODE_STRING rest = path, next;
        if (!child) {
            if (!create || NextComponent(&rest, &next) || component.Length > LARGEST_NAME)
                return STATUS_OBJECT_NAME_NOT_FOUND;
            child = NewKey(key, &component);
            if (!child)
                return STATUS_INSUFFICIENT_RESOURCES;
            *created = TRUE;
        }
        key = child;
    }
    *found = key;
    return STATUS_SUCCESS;
}

void CmpReferenceKey(CMP_KEY *key)
{
    key->References++;
}

void CmpDereferenceKey(CMP_KEY *key)
{
    if (--key->References)
        return;
    while (!IsListEmpty(&key->Values))
        CmpDeleteValue(key, CONTAINING_RECORD(key->Values.Flink, CMP_VALUE, Link));
    host_free(key);
}

NTSTATUS CmpDeleteKey(CMP_KEY *key)
{
    HOST_ASSERT(!key->Deleted);
    if (!IsListEmpty(&key->Keys) || !key->Parent)
        return STATUS_CANNOT_DELETE;
    RemoveEntryList(&key->Link);
    key->Parent = NULL;
    key->Deleted = TRUE;
    CmpDereferenceKey(key);
    return STATUS_SUCCESS;
}

ULONG CmpKeyPath(CMP_KEY *key, WCHAR *out, ULONG room)
{
    ULONG length = 0, end;

    for (CMP_KEY *k = key; k; k = k->Parent)
        length += sizeof(WCHAR) + k->NameLength;
    end = length;
    for (CMP_KEY *k = key; k; k = k->Parent) {
        end -= k->NameLength;
        for (ULONG i = 0; i < k->NameLength / sizeof(WCHAR); i++) {
            if (end + (i + 1) * sizeof(WCHAR) <= room)
                out[end / sizeof(WCHAR) + i] = k->Name[i];
        }
        end -= sizeof(WCHAR);
        if (end + sizeof(WCHAR) <= room)
            out[end / sizeof(WCHAR)] = L'\\';
    }
    return length;
}

CMP_KEY *CmpKeyAt(CMP_KEY *key, ULONG index)
{
    PLIST_ENTRY e = key->Keys.Flink;

    while (e != &key->Keys && index--)
        e = e->Flink;
    return e == &key->Keys ? NULL : CONTAINING_RECORD(e, CMP_KEY, Link);
}

/* ---- values ---------------------------------------------------------------------------------- */

CMP_VALUE *CmpFindValue(CMP_KEY *key, PCUNICODE_STRING name)
{
    for (PLIST_ENTRY e = key->Values.Flink; e != &key->Values; e = e->Flink) {
        CMP_VALUE *value = CONTAINING_RECORD(e, CMP_VALUE, Link);
        if (SameName(value->Name, value->NameLength, name))
            return value;
    }
    return NULL;
}

CMP_VALUE *CmpValueAt(CMP_KEY *key, ULONG index)
{
    PLIST_ENTRY e = key->Values.Flink;

    while (e != &key->Values && index--)
        e = e->Flink;
    return e == &key->Values ? NULL : CONTAINING_RECORD(e, CMP_VALUE, Link);
}

NTSTATUS CmpSetValue(CMP_KEY *key, PCUNICODE_STRING name, ULONG type, const void *data,
                     ULONG length)
{
    CMP_VALUE *value;
    PUCHAR copy;

    HOST_ASSERT(!key->Deleted);
    if (length > LARGEST_VALUE || name->Length > LARGEST_NAME)
        return STATUS_INVALID_PARAMETER;
    copy = host_alloc(length, 16);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (length)
        memcpy(copy, data, length);
    value = CmpFindValue(key, name);
    if (!value) {
        value = host_zalloc(sizeof *value + name->Length);
        if (!value) {
            host_free(copy);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        value->NameLength = name->Length;
        if (name->Length)
            memcpy(value->Name, name->Buffer, name->Length);
        InsertTailList(&key->Values, &value->Link);
    }
    host_free(value->Data);
    value->Data = copy;
    value->DataLength = length;
    value->Type = type;
    key->WriteTime = host_wall();
    return STATUS_SUCCESS;
}

void CmpDeleteValue(CMP_KEY *key, CMP_VALUE *value)
{
    RemoveEntryList(&value->Link);
    host_free(value->Data);
    host_free(value);
    key->WriteTime = host_wall();
}

/* ---- open keys ------------------------------------------------------------------------------- */

static void DeleteBody(PVOID body)
{
    host_lock(&CmpLock);
    CmpDereferenceKey(CmpKeyOf(body));
    host_unlock(&CmpLock);
}

OBJECT_TYPE ObpKeyType = { "Key", NULL, DeleteBody, FALSE };

CMP_KEY *CmpKeyOf(PVOID body)
{
    return *(CMP_KEY **)body;
}

NTSTATUS CmpOpenHandle(CMP_KEY *key, PHANDLE handle, const void *owner)
{
    CMP_KEY **body = ObpAllocateBody(&ObpKeyType, sizeof *body);
    NTSTATUS status;

    if (!body) {
        host_lock(&CmpLock);
        CmpDereferenceKey(key);
        host_unlock(&CmpLock);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *body = key;
    status = ObpCreateHandle(body, &ObpKeyType, handle, owner);
    ObfDereferenceObject(body);
    return status;
}

void IopShutdown(void)
{
    host_lock(&CmpLock);
    FreeTree();
    host_unlock(&CmpLock);
}
