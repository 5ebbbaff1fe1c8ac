/*
 * security.c: cached security descriptors (WSK_CACHE_SD, WSK_RELEASE_SD, SO_WSK_SECURITY) and the
 * access check of address sharing (D68).
 *
 * A cached descriptor is a self-relative copy behind a header of ours. The driver's hold on it ends
 * with WSK_RELEASE_SD; sockets that use it hold references of their own, so the memory lives until
 * the last of them. The list of what drivers hold is what tells a cached pointer from any other.
 *
 * Lock protects the list, Refs and Cached. The copy itself never changes.
 */
#include "wsk/wskp.h"

struct _WSKP_SD {
    LIST_ENTRY Link; /* Cached descriptors, while Cached */
    WSKP_CLIENT *Client;
    LONG Refs;
    BOOLEAN Cached;
    SIZE_T Length;
    UCHAR Data[] __attribute__((aligned(8)));
};

/* The two documented forms of a descriptor; both start the same. */
typedef struct _RELATIVE_SD {
    UCHAR Revision, Sbz1;
    USHORT Control;
    ULONG Owner, Group, Sacl, Dacl;
} RELATIVE_SD;

typedef struct _ABSOLUTE_SD {
    UCHAR Revision, Sbz1;
    USHORT Control;
    PVOID Owner, Group, Sacl, Dacl;
} ABSOLUTE_SD;

typedef struct _ACL_HEADER {
    UCHAR Revision, Sbz1;
    USHORT Size, AceCount, Sbz2;
} ACL_HEADER;

typedef struct _ACE_COMMON {
    UCHAR Type, Flags;
    USHORT Size;
    ULONG Mask;
} ACE_COMMON;

enum { PART_OWNER, PART_GROUP, PART_SACL, PART_DACL, PARTS };
enum { ACE_ALLOWED = 0, ACE_DENIED = 1, ACE_INHERIT_ONLY = 8 };

#define CONTROL_DACL_PRESENT  0x0004
#define CONTROL_SACL_PRESENT  0x0010
#define CONTROL_SELF_RELATIVE 0x8000

/* write data, generic write, or everything */
#define MASK_WRITE (0x00000002u | 0x40000000u | 0x10000000u)

static struct host_lock Lock = HOST_LOCK_INIT(HOST_RANK_WSK_LEAF);
static LIST_ENTRY Cached = { &Cached, &Cached };

/* ---- copies ------------------------------------------------------------------------------ */

static SIZE_T SidLength(const UCHAR *Sid)
{
    return 8 + 4 * (SIZE_T)Sid[1];
}

static SIZE_T AclLength(const UCHAR *Acl)
{
    ACL_HEADER header;

    memcpy(&header, Acl, sizeof(header));
    return header.Size;
}

/* Where the four parts of a descriptor of either form are; NULL: absent. */
static void FindParts(const UCHAR *Sd, const UCHAR *Parts[PARTS])
{
    RELATIVE_SD head;

    memcpy(&head, Sd, sizeof(head));
    memset(Parts, 0, PARTS * sizeof(*Parts));
    if (head.Control & CONTROL_SELF_RELATIVE) {
        ULONG offsets[PARTS] = { head.Owner, head.Group, head.Sacl, head.Dacl };
        for (ULONG i = 0; i < PARTS; i++)
            Parts[i] = offsets[i] ? Sd + offsets[i] : NULL;
    } else {
        ABSOLUTE_SD full;
        memcpy(&full, Sd, sizeof(full));
        Parts[PART_OWNER] = full.Owner;
        Parts[PART_GROUP] = full.Group;
        Parts[PART_SACL] = full.Sacl;
        Parts[PART_DACL] = full.Dacl;
    }
    if (!(head.Control & CONTROL_SACL_PRESENT))
        Parts[PART_SACL] = NULL;
    if (!(head.Control & CONTROL_DACL_PRESENT))
        Parts[PART_DACL] = NULL;
}

static SIZE_T PartLength(ULONG Part, const UCHAR *Data)
{
    if (!Data)
        return 0;
    return Part == PART_OWNER || Part == PART_GROUP ? SidLength(Data) : AclLength(Data);
}

/* A SID has at most 15 parts, and a list has at least its header. */
static BOOLEAN IsSound(const UCHAR *Sd)
{
    const UCHAR *parts[PARTS];

    if (*Sd != 1) /* the only revision there is */
        return FALSE;
    FindParts(Sd, parts);
    for (ULONG i = 0; i < PARTS; i++) {
        BOOLEAN sid = i == PART_OWNER || i == PART_GROUP;
        if (parts[i] && (sid ? parts[i][1] > 15 : AclLength(parts[i]) < sizeof(ACL_HEADER)))
            return FALSE;
    }
    return TRUE;
}

static WSKP_SD *CopyDescriptor(const UCHAR *In)
{
    const UCHAR *parts[PARTS];
    RELATIVE_SD head;
    SIZE_T length = sizeof(head);

    FindParts(In, parts);
    for (ULONG i = 0; i < PARTS; i++)
        length += (PartLength(i, parts[i]) + 3) & ~(SIZE_T)3;
    WSKP_SD *sd = host_zalloc(sizeof(*sd) + length);
    if (!sd)
        return NULL;
    memcpy(&head, In, sizeof(head));
    head.Control |= CONTROL_SELF_RELATIVE;
    ULONG *offsets[PARTS] = { &head.Owner, &head.Group, &head.Sacl, &head.Dacl };
    SIZE_T at = sizeof(head);
    for (ULONG i = 0; i < PARTS; i++) {
        SIZE_T bytes = PartLength(i, parts[i]);
        *offsets[i] = bytes ? (ULONG)at : 0;
        if (bytes)
            memcpy(sd->Data + at, parts[i], bytes);
        at += (bytes + 3) & ~(SIZE_T)3;
    }
    memcpy(sd->Data, &head, sizeof(head));
    sd->Length = length;
    return sd;
}

/* ---- the cache --------------------------------------------------------------------------- */

NTSTATUS WskpSecurityCache(WSKP_CLIENT *Client, PSECURITY_DESCRIPTOR In, PSECURITY_DESCRIPTOR *Out,
                           const void *Owner)
{
    if (!In || !IsSound(In))
        return STATUS_INVALID_PARAMETER;
    WSKP_SD *sd = CopyDescriptor(In);
    if (!sd)
        return STATUS_INSUFFICIENT_RESOURCES;
    sd->Client = Client;
    sd->Refs = 1;
    sd->Cached = TRUE;
    host_lock(&Lock);
    InsertTailList(&Cached, &sd->Link);
    host_unlock(&Lock);
    vf_born(VF_WSK_SECURITY, sd->Data, sd->Length, 0, Owner);
    *Out = sd->Data;
    return STATUS_SUCCESS;
}

/* Lock held. */
static WSKP_SD *Find(PSECURITY_DESCRIPTOR Sd)
{
    for (PLIST_ENTRY e = Cached.Flink; e != &Cached; e = e->Flink) {
        WSKP_SD *sd = CONTAINING_RECORD(e, WSKP_SD, Link);
        if ((PVOID)sd->Data == Sd)
            return sd;
    }
    return NULL;
}

NTSTATUS WskpSecurityRelease(WSKP_CLIENT *Client, PSECURITY_DESCRIPTOR Sd)
{
    host_lock(&Lock);
    WSKP_SD *sd = Find(Sd);
    if (sd && sd->Client != Client)
        sd = NULL;
    if (sd) {
        RemoveEntryList(&sd->Link);
        sd->Cached = FALSE;
    }
    host_unlock(&Lock);
    if (!sd)
        return STATUS_INVALID_PARAMETER;
    (void)vf_died(VF_WSK_SECURITY, sd->Data);
    WskpSecurityDereference(sd);
    return STATUS_SUCCESS;
}

WSKP_SD *WskpSecurityReference(PSECURITY_DESCRIPTOR Sd)
{
    host_lock(&Lock);
    WSKP_SD *sd = Find(Sd);
    if (sd)
        sd->Refs++;
    host_unlock(&Lock);
    return sd;
}

void WskpSecurityDereference(WSKP_SD *Sd)
{
    host_lock(&Lock);
    LONG left = --Sd->Refs;
    host_unlock(&Lock);
    HOST_ASSERT(left >= 0);
    if (left == 0)
        host_free(Sd);
}

PSECURITY_DESCRIPTOR WskpSecurityPointer(WSKP_SD *Sd)
{
    /* A DACL without entries, behind the header. */
    static struct {
        RELATIVE_SD Head;
        ACL_HEADER Dacl;
    } none = { { 1, 0, CONTROL_SELF_RELATIVE | CONTROL_DACL_PRESENT, 0, 0, 0, sizeof(RELATIVE_SD) },
               { 2, 0, sizeof(ACL_HEADER), 0, 0 } };

    return Sd ? (PSECURITY_DESCRIPTOR)Sd->Data : &none;
}

void WskpSecurityDropClient(WSKP_CLIENT *Client)
{
    for (;;) {
        WSKP_SD *found = NULL;
        host_lock(&Lock);
        for (PLIST_ENTRY e = Cached.Flink; e != &Cached && !found; e = e->Flink) {
            WSKP_SD *sd = CONTAINING_RECORD(e, WSKP_SD, Link);
            if (sd->Client == Client)
                found = sd;
        }
        if (found) {
            RemoveEntryList(&found->Link);
            found->Cached = FALSE;
        }
        host_unlock(&Lock);
        if (!found)
            return;
        WskpSecurityDereference(found); /* still born for the verifier: a leak of the driver */
    }
}

/* ---- the access check -------------------------------------------------------------------- */

/*
 * Every process here runs as the system does: it is LocalSystem and a member of Administrators,
 * Authenticated Users and Everyone.
 */
static BOOLEAN IsOurSid(const UCHAR *Sid, SIZE_T Room)
{
    static const struct {
        UCHAR Length;
        UCHAR Bytes[16];
    } ours[] = {
        { 12, { 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 } },                /* S-1-1-0 */
        { 12, { 1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0 } },               /* S-1-5-11 */
        { 12, { 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0 } },               /* S-1-5-18 */
        { 16, { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0 } } /* S-1-5-32-544 */
    };

    for (ULONG i = 0; i < RTL_NUMBER_OF(ours); i++)
        if (Room >= ours[i].Length && memcmp(Sid, ours[i].Bytes, ours[i].Length) == 0)
            return TRUE;
    return FALSE;
}

/* The first entry that speaks of us and of writing decides; none: no access. */
static BOOLEAN DaclGrantsWrite(const UCHAR *Dacl)
{
    ACL_HEADER acl;
    SIZE_T at = sizeof(acl);

    memcpy(&acl, Dacl, sizeof(acl));
    for (ULONG i = 0; i < acl.AceCount && at + sizeof(ACE_COMMON) <= acl.Size; i++) {
        ACE_COMMON ace;
        memcpy(&ace, Dacl + at, sizeof(ace));
        if (ace.Size < sizeof(ace) || ace.Size > acl.Size - at)
            return FALSE;
        if (!(ace.Flags & ACE_INHERIT_ONLY) && ace.Type <= ACE_DENIED && (ace.Mask & MASK_WRITE) &&
            IsOurSid(Dacl + at + sizeof(ace), ace.Size - sizeof(ace)))
            return ace.Type == ACE_ALLOWED;
        at += ace.Size;
    }
    return FALSE;
}

BOOLEAN WskpSecurityGrants(WSKP_SD *Sd, PEPROCESS Owner, const WSKP_SOCKET *Socket)
{
    const UCHAR *parts[PARTS];

    if (!Sd)
        return FALSE; /* SHARE-09: the default descriptor permits no sharing */
    if (Owner == Socket->OwningProcess)
        return TRUE;
    FindParts(Sd->Data, parts);
    if (!parts[PART_DACL])
        return TRUE; /* no DACL protects nothing */
    return DaclGrantsWrite(parts[PART_DACL]);
}
