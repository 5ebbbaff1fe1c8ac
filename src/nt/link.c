/*
 * link.c: symbolic links in the name space of objects.
 *
 * A link is an object whose body starts with the path that it leads to; name.c follows it. It lives
 * from IoCreateSymbolicLink to IoDeleteSymbolicLink; the leak check knows it by its body. Links is
 * the list of all, under LinksLock.
 */
#include "nt/iop.h"
#include "nt/ob.h"

#include <string.h>

typedef struct _LINK {
    UNICODE_STRING Target; /* name.c reads it */
    LIST_ENTRY Entry;
    const void *Owner;
    WCHAR Text[];
} LINK;

OBJECT_TYPE ObpSymbolicLinkType = { "SymbolicLink", NULL, NULL, FALSE };

static struct host_lock LinksLock = HOST_LOCK_INIT(HOST_RANK_NT_OBJECT);
static LIST_ENTRY Links = { &Links, &Links };

static NTSTATUS CreateLink(PCUNICODE_STRING name, PCUNICODE_STRING target, const void *owner)
{
    LINK *link;
    NTSTATUS status;

    if (!target->Buffer || target->Length > OBP_NAME_BYTES)
        return STATUS_INVALID_PARAMETER;
    if (host_choose(2, HOST_CHOOSE_FAULT, "IoCreateSymbolicLink"))
        return STATUS_INSUFFICIENT_RESOURCES;
    link = ObpAllocateBody(&ObpSymbolicLinkType, sizeof *link + target->Length);
    if (!link)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(link->Text, target->Buffer, target->Length);
    link->Target = (UNICODE_STRING){ target->Length, target->Length, link->Text };
    link->Owner = owner;
    status = ObpInsertName(link, name);
    if (!NT_SUCCESS(status)) {
        ObfDereferenceObject(link);
        return status;
    }
    vf_born(VF_SYMLINK, link, 0, 0, owner);
    host_lock(&LinksLock);
    InsertTailList(&Links, &link->Entry);
    host_unlock(&LinksLock);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    DDI_ENTER(IoCreateSymbolicLink);
    return CreateLink(SymbolicLinkName, DeviceName, __builtin_return_address(0));
}

NTSTATUS NTAPI IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName,
                                               PUNICODE_STRING DeviceName)
{
    DDI_ENTER(IoCreateUnprotectedSymbolicLink);
    return CreateLink(SymbolicLinkName, DeviceName, __builtin_return_address(0));
}

NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    DDI_ENTER(IoDeleteSymbolicLink);
    PVOID body;
    LINK *link;
    BOOLEAN mine;
    NTSTATUS status = ObpLookupName(SymbolicLinkName, &ObpSymbolicLinkType, TRUE, NULL, &body);

    if (!NT_SUCCESS(status))
        return status;
    link = body;
    host_lock(&LinksLock);
    mine = link->Entry.Flink != NULL;
    if (mine)
        RemoveEntryList(&link->Entry);
    link->Entry.Flink = NULL;
    host_unlock(&LinksLock);
    if (mine) {
        ObpRemoveName(link);
        vf_died(VF_SYMLINK, link);
        ObfDereferenceObject(link);
    }
    ObfDereferenceObject(link);
    return mine ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

static LINK *TakeLinkOf(const void *low, const void *high)
{
    LINK *found = NULL;

    host_lock(&LinksLock);
    for (PLIST_ENTRY e = Links.Flink; e != &Links && !found; e = e->Flink) {
        LINK *link = CONTAINING_RECORD(e, LINK, Entry);
        if (link->Owner >= low && link->Owner < high) {
            RemoveEntryList(&link->Entry);
            link->Entry.Flink = NULL;
            found = link;
        }
    }
    host_unlock(&LinksLock);
    return found;
}

void IopForgetLinks(const void *low, const void *high)
{
    LINK *link;

    while ((link = TakeLinkOf(low, high))) {
        ObpRemoveName(link);
        ObfDereferenceObject(link);
    }
}
