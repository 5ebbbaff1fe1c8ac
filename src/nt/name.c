/*
 * name.c: the name space of objects: \Device\..., \Driver\..., \??\... and symbolic links.
 *
 * NamesLock protects the list of names; bodies are referenced under it, so a name that is found
 * leads to a body that stays. \DosDevices and \GLOBAL?? are other spellings of \??, put right
 * before a name is stored or looked for. Directories are not objects here: a name is a whole path.
 * The list is short (a driver has a device or two), so it is searched from the front.
 */
#include "nt/ob.h"

#include <string.h>

#define MAX_LINKS 32 /* a path that leads through more symbolic links goes in a circle */

typedef struct _OBP_NAME {
    LIST_ENTRY Link;
    PVOID Body;
    UNICODE_STRING Path;
    WCHAR Text[];
} OBP_NAME;

static struct host_lock NamesLock = HOST_LOCK_INIT(HOST_RANK_NT_OBJECT);
static LIST_ENTRY Names = { &Names, &Names };

static BOOLEAN HasPrefix(PCUNICODE_STRING path, PCUNICODE_STRING prefix)
{
    UNICODE_STRING head = { prefix->Length, prefix->Length, path->Buffer };

    return path->Length >= prefix->Length && RtlEqualUnicodeString(&head, prefix, TRUE);
}

static void Skip(PUNICODE_STRING path, USHORT bytes)
{
    path->Buffer += bytes / sizeof(WCHAR);
    path->Length -= bytes;
}

/* Copies the path with its usual spelling; the length in bytes, 0 when it is no possible path. */
static USHORT Canonical(PCUNICODE_STRING path, WCHAR out[OBP_NAME_BYTES / sizeof(WCHAR)])
{
    static const UNICODE_STRING roots[] = { RTL_CONSTANT_STRING(L"\\DosDevices\\"),
                                            RTL_CONSTANT_STRING(L"\\GLOBAL??\\"),
                                            RTL_CONSTANT_STRING(L"\\??\\") };
    static const UNICODE_STRING global = RTL_CONSTANT_STRING(L"Global\\");
    UNICODE_STRING rest = *path;
    USHORT head = 0;

    if (path->Length % sizeof(WCHAR) || path->Length < sizeof(WCHAR) || !path->Buffer ||
        path->Buffer[0] != L'\\' || path->Length > OBP_NAME_BYTES)
        return 0;
    for (ULONG i = 0; i < RTL_NUMBER_OF(roots) && !head; i++) {
        if (HasPrefix(path, &roots[i])) {
            Skip(&rest, roots[i].Length);
            head = roots[RTL_NUMBER_OF(roots) - 1].Length;
        }
    }
    while (head && HasPrefix(&rest, &global))
        Skip(&rest, global.Length);
    memcpy(out, roots[RTL_NUMBER_OF(roots) - 1].Buffer, head);
    memcpy((PUCHAR)out + head, rest.Buffer, rest.Length);
    return (USHORT)(head + rest.Length);
}

/*
 * The name that is the path, or the longest one that ends where a component of it does. With the
 * lock held.
 */
static OBP_NAME *FindName(PCUNICODE_STRING path)
{
    OBP_NAME *best = NULL;

    for (PLIST_ENTRY e = Names.Flink; e != &Names; e = e->Flink) {
        OBP_NAME *name = CONTAINING_RECORD(e, OBP_NAME, Link);
        if (HasPrefix(path, &name->Path) &&
            (path->Length == name->Path.Length ||
             path->Buffer[name->Path.Length / sizeof(WCHAR)] == L'\\') &&
            (!best || best->Path.Length < name->Path.Length))
            best = name;
    }
    return best;
}

NTSTATUS ObpInsertName(PVOID body, PCUNICODE_STRING path)
{
    WCHAR text[OBP_NAME_BYTES / sizeof(WCHAR)];
    UNICODE_STRING whole = { Canonical(path, text), sizeof text, text };
    OBP_NAME *name, *other;

    if (!whole.Length)
        return path->Length > OBP_NAME_BYTES ? STATUS_NAME_TOO_LONG : STATUS_OBJECT_PATH_SYNTAX_BAD;
    name = host_alloc(sizeof *name + whole.Length, 16);
    if (!name)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(name->Text, text, whole.Length);
    name->Path = (UNICODE_STRING){ whole.Length, whole.Length, name->Text };
    name->Body = body;
    host_lock(&NamesLock);
    other = FindName(&whole);
    if (other && other->Path.Length == whole.Length) {
        host_unlock(&NamesLock);
        host_free(name);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    InsertTailList(&Names, &name->Link);
    ObpHeader(body)->Name = name;
    host_unlock(&NamesLock);
    return STATUS_SUCCESS;
}

void ObpRemoveName(PVOID body)
{
    OBP_NAME *name;

    host_lock(&NamesLock);
    name = ObpHeader(body)->Name;
    if (name)
        RemoveEntryList(&name->Link);
    ObpHeader(body)->Name = NULL;
    host_unlock(&NamesLock);
    host_free(name);
}

PCUNICODE_STRING ObpNameOf(PVOID body)
{
    static const UNICODE_STRING none;

    if (ObpTypeOf(body) == &ObpProcessType || !ObpHeader(body)->Name)
        return &none;
    return &ObpHeader(body)->Name->Path;
}

/* Puts what the link leads to in front of what followed the link's name. With the lock held. */
static NTSTATUS FollowLink(OBP_NAME *link, PUNICODE_STRING path)
{
    WCHAR text[OBP_NAME_BYTES / sizeof(WCHAR)];
    PCUNICODE_STRING target = link->Body;
    USHORT rest = path->Length - link->Path.Length;
    USHORT length = Canonical(target, text);

    if (!length || (SIZE_T)length + rest > sizeof text)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    memcpy((PUCHAR)text + length, (PUCHAR)path->Buffer + link->Path.Length, rest);
    path->Length = length + rest;
    memcpy(path->Buffer, text, path->Length);
    return STATUS_SUCCESS;
}

/* With the lock held. */
static NTSTATUS Walk(PUNICODE_STRING path, BOOLEAN exact, OBP_NAME **found)
{
    for (ULONG links = 0; links < MAX_LINKS; links++) {
        OBP_NAME *name = FindName(path);
        NTSTATUS status;

        *found = name;
        if (!name)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        if (ObpTypeOf(name->Body) != &ObpSymbolicLinkType ||
            (exact && name->Path.Length == path->Length))
            return STATUS_SUCCESS;
        status = FollowLink(name, path);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS ObpLookupName(PCUNICODE_STRING path, POBJECT_TYPE type, BOOLEAN exact,
                       PUNICODE_STRING rest, PVOID *body)
{
    WCHAR text[OBP_NAME_BYTES / sizeof(WCHAR)];
    UNICODE_STRING left = { Canonical(path, text), sizeof text, text };
    OBP_NAME *name;
    NTSTATUS status;

    *body = NULL;
    if (!left.Length)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    host_lock(&NamesLock);
    status = Walk(&left, exact, &name);
    if (!NT_SUCCESS(status))
        goto unlock;
    left.Length -= name->Path.Length;
    left.Buffer += name->Path.Length / sizeof(WCHAR);
    if (left.Length && (!rest || ObpTypeOf(name->Body) != &ObpDeviceType))
        status = STATUS_OBJECT_PATH_NOT_FOUND;
    else if (type && ObpTypeOf(name->Body) != type)
        status = STATUS_OBJECT_TYPE_MISMATCH;
    else if (!ObpReferenceSafe(name->Body))
        status = STATUS_DELETE_PENDING;
    else
        *body = name->Body;
unlock:
    host_unlock(&NamesLock);
    if (NT_SUCCESS(status) && rest) {
        rest->Length = left.Length;
        memcpy(rest->Buffer, left.Buffer, left.Length);
    }
    return status;
}
