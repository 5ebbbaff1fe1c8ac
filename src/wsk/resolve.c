/*
 * resolve.c: WskGetAddressInfo, WskFreeAddressInfo and WskGetNameInfo (3.25).
 *
 * Each call becomes one operation on the resolver's endpoint. Everything that it needs is copied
 * into a block that belongs to the request, so the driver's strings and hints may go when the call
 * returns; only what completion writes (the result pointer, the output strings) must live on. A
 * result list is one block, on its client's AddressInfos (under the client's lock), found again by
 * its address.
 */
#include <errno.h>

#include "wsk/wskp.h"

#define NAME_MAX_UNITS 256 /* of a canonical name */

#define HINT_FLAGS                                                                                 \
    (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_ALL | AI_ADDRCONFIG |        \
     AI_V4MAPPED | AI_FQDN)
#define NAME_FLAGS (NI_NOFQDN | NI_NUMERICHOST | NI_NAMEREQD | NI_NUMERICSERV | NI_DGRAM)

typedef struct _RESULT_NODE {
    ADDRINFOEXW Info;
    SOCKADDR_IN6 Address; /* big enough for both families */
} RESULT_NODE;

typedef struct _RESULT_LIST {
    LIST_ENTRY Link; /* WSKP_CLIENT.AddressInfos */
    WCHAR Name[NAME_MAX_UNITS];
    RESULT_NODE Nodes[];
} RESULT_LIST;

/* The request's own block. */
typedef struct _LOOKUP {
    struct net_resolve Net;
    int Flags, Type, Protocol; /* of the hints */
    PADDRINFOEXW *Result;
    PUNICODE_STRING NodeName, ServiceName;
    const void *Caller;
} LOOKUP;

/* ---- UTF-16 and UTF-8 -------------------------------------------------------------------- */

static BOOLEAN IsSurrogate(ULONG Unit, ULONG Base)
{
    return (Unit & 0xfc00) == Base;
}

/* One code point; lone surrogates read as U+FFFD. */
static ULONG NextPoint(const WCHAR *Text, ULONG Units, ULONG *At)
{
    ULONG c = Text[(*At)++];

    if (IsSurrogate(c, 0xd800) && *At < Units && IsSurrogate(Text[*At], 0xdc00))
        return 0x10000 + ((c - 0xd800) << 10) + (Text[(*At)++] - 0xdc00u);
    return IsSurrogate(c, 0xd800) || IsSurrogate(c, 0xdc00) ? 0xfffd : c;
}

static ULONG PutUtf8(ULONG Point, char *Out)
{
    if (Point < 0x80) {
        Out[0] = (char)Point;
        return 1;
    }
    ULONG bytes = Point < 0x800 ? 2 : Point < 0x10000 ? 3 : 4;
    for (ULONG i = bytes - 1; i > 0; i--, Point >>= 6)
        Out[i] = (char)(0x80 | (Point & 0x3f));
    Out[0] = (char)((0xf00 >> bytes) | Point);
    return bytes;
}

/* D67: Length counts; a NUL inside ends the text. FALSE: it does not fit. */
static BOOLEAN ToUtf8(const UNICODE_STRING *In, char *Out, ULONG Room)
{
    ULONG at = 0, used = 0, units = In ? In->Length / sizeof(WCHAR) : 0;

    while (at < units && In->Buffer[at]) {
        char bytes[4];
        ULONG n = PutUtf8(NextPoint(In->Buffer, units, &at), bytes);
        if (used + n >= Room)
            return FALSE;
        memcpy(Out + used, bytes, n);
        used += n;
    }
    Out[used] = 0;
    return TRUE;
}

/* One code point; what is none reads as U+FFFD. */
static ULONG NextUtf8(const char *Text, ULONG *At)
{
    UCHAR first = (UCHAR)Text[(*At)++];
    ULONG more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    ULONG point = more ? first & (0x3fu >> more) : first;

    if (first >= 0xf8 || (first >= 0x80 && first < 0xc0))
        return 0xfffd;
    for (; more; more--) {
        if (((UCHAR)Text[*At] & 0xc0) != 0x80)
            return 0xfffd;
        point = (point << 6) | ((UCHAR)Text[(*At)++] & 0x3f);
    }
    return point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? 0xfffd : point;
}

/* The units that the text needs, without the NUL; written (with it) as far as `Room` units reach.
 */
static ULONG ToUtf16(const char *In, WCHAR *Out, ULONG Room)
{
    ULONG at = 0, used = 0;

    while (In[at]) {
        ULONG point = NextUtf8(In, &at), n = point >= 0x10000 ? 2 : 1;
        if (used + n < Room && n == 2) {
            Out[used] = (WCHAR)(0xd800 + ((point - 0x10000) >> 10));
            Out[used + 1] = (WCHAR)(0xdc00 + (point & 0x3ff));
        } else if (used + n < Room) {
            Out[used] = (WCHAR)point;
        }
        used += n;
    }
    if (used < Room)
        Out[used] = 0;
    return used;
}

/* ---- result lists ------------------------------------------------------------------------ */

static void FillNode(RESULT_NODE *Node, const LOOKUP *l, const struct net_addr *From)
{
    ADDRESS_FAMILY family = From->family == NET_IP6 ? AF_INET6 : AF_INET;
    ADDRINFOEXW *info = &Node->Info;

    WskpAddressOut(family, From, (PSOCKADDR)&Node->Address);
    info->ai_flags = l->Flags;
    info->ai_family = family;
    info->ai_socktype = l->Type;
    info->ai_protocol = l->Protocol;
    info->ai_addrlen = WskpAddressSize(family);
    info->ai_addr = (PVOID)&Node->Address;
}

static NTSTATUS BuildResult(WSKP_CLIENT *Client, const LOOKUP *l)
{
    ULONG count = l->Net.count;

    if (count > NET_RESOLVE_RESULTS)
        count = NET_RESOLVE_RESULTS;
    if (count == 0)
        return STATUS_NO_MATCH;
    SIZE_T size = sizeof(RESULT_LIST) + count * sizeof(RESULT_NODE);
    RESULT_LIST *list = host_zalloc(size);
    if (!list)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < count; i++) {
        FillNode(&list->Nodes[i], l, &l->Net.results[i]);
        list->Nodes[i].Info.ai_next = i + 1 < count ? &list->Nodes[i + 1].Info : NULL;
    }
    if (l->Flags & (AI_CANONNAME | AI_FQDN)) {
        const char *name = l->Net.canonical_name[0] ? l->Net.canonical_name : l->Net.host;
        if (ToUtf16(name, list->Name, NAME_MAX_UNITS) < NAME_MAX_UNITS)
            list->Nodes[0].Info.ai_canonname = list->Name;
    }
    host_lock(&Client->Lock);
    InsertTailList(&Client->AddressInfos, &list->Link);
    host_unlock(&Client->Lock);
    vf_born(VF_WSK_ADDRINFO, &list->Nodes[0].Info, size, count, l->Caller);
    *l->Result = &list->Nodes[0].Info;
    return STATUS_SUCCESS;
}

VOID NTAPI WskpFreeAddressInfo(PWSK_CLIENT Client, PADDRINFOEXW AddrInfo)
{
    const void *caller = __builtin_return_address(0);
    RESULT_LIST *found = NULL;
    WSKP_CLIENT *client = WskpClientEnter(Client, "WskFreeAddressInfo", caller);

    if (!client)
        return;
    if (!AddrInfo) /* D67 */
        goto leave;
    host_lock(&client->Lock);
    for (PLIST_ENTRY e = client->AddressInfos.Flink; e != &client->AddressInfos; e = e->Flink) {
        RESULT_LIST *list = CONTAINING_RECORD(e, RESULT_LIST, Link);
        if (&list->Nodes[0].Info == AddrInfo)
            found = list;
    }
    if (found)
        RemoveEntryList(&found->Link);
    host_unlock(&client->Lock);
    if (found) {
        (void)vf_died(VF_WSK_ADDRINFO, AddrInfo);
        host_free(found);
    } else {
        vf_report(VF_ERROR, "VF-WSK-22", "WSK-NAME-20", caller,
                  "WskFreeAddressInfo got a pointer that WskGetAddressInfo did not return, or that "
                  "was freed already");
    }
leave:
    WskpClientLeave(client);
}

void WskpClientFreeAddressInfos(WSKP_CLIENT *Client)
{
    while (!IsListEmpty(&Client->AddressInfos))
        host_free(CONTAINING_RECORD(RemoveHeadList(&Client->AddressInfos), RESULT_LIST, Link));
}

/* ---- requests ---------------------------------------------------------------------------- */

/* D66. */
static NTSTATUS ResolverStatus(int64_t Result)
{
    switch (Result) {
    case -ENOENT:
        return STATUS_NO_MATCH;
    case -EAGAIN:
    case -ETIMEDOUT:
        return STATUS_IO_TIMEOUT;
    case -EINVAL:
        return STATUS_INVALID_PARAMETER;
    default:
        return Result < 0 ? WskpStatusFromErrno((int)-Result) : STATUS_SUCCESS;
    }
}

/* NAME-05: `Information` holds the status, too. */
static NTSTATUS Finish(WSKP_CLIENT *Client, PIRP Irp, NTSTATUS Status)
{
    return WskpFinishClient(Client, Irp, Status, (ULONG_PTR)Status);
}

static NTSTATUS WriteString(PUNICODE_STRING Out, const char *Text)
{
    if (!Out)
        return STATUS_SUCCESS;
    ULONG room = Out->MaximumLength / sizeof(WCHAR), need = ToUtf16(Text, NULL, 0);
    if (!Out->Buffer || need >= room)
        return STATUS_BUFFER_TOO_SMALL; /* D67 */
    (void)ToUtf16(Text, Out->Buffer, room);
    Out->Length = (USHORT)(need * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/* What the driver gets for an operation that is done; writes its outputs. */
static NTSTATUS Deliver(WSKP_REQUEST *r)
{
    LOOKUP *l = r->Extra;
    NTSTATUS status = ResolverStatus(r->Op.result);

    if (!NT_SUCCESS(status))
        return status;
    if (r->Op.code == NET_OP_RESOLVE)
        return BuildResult(r->Client, l);
    status = WriteString(l->NodeName, l->Net.host);
    if (NT_SUCCESS(status))
        status = WriteString(l->ServiceName, l->Net.service);
    return status;
}

static void LookupDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    NTSTATUS status = Deliver(r);

    WskpRequestComplete(r, status, (ULONG_PTR)status);
}

/* Takes the lookup over. */
static NTSTATUS Start(WSKP_CLIENT *Client, PIRP Irp, enum net_opcode Code, LOOKUP *l)
{
    BOOLEAN inline_done;
    WSKP_REQUEST *r = WskpRequestNew(NULL, Irp, Code, LookupDone);

    if (!r) {
        host_free(l);
        return Finish(Client, Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    r->Client = Client;
    r->Extra = l;
    r->Op.resolve = &l->Net;
    if (Wskp.Config.pend_all)
        r->Op.flags |= NET_F_ASYNC;
    NTSTATUS status = WskpRequestSubmit(r, &inline_done);
    if (!inline_done)
        return status;
    if (NT_SUCCESS(status))
        status = Deliver(r);
    WskpRequestFree(r);
    return Finish(Client, Irp, status);
}

static void CheckIrql(const char *Function, const void *Caller)
{
    if (KiThread()->Irql > PASSIVE_LEVEL)
        vf_report(VF_ERROR, "VF-IRQL-01", "WSK-NAME-21", Caller, "%s needs PASSIVE_LEVEL",
                  Function);
}

/* ---- WskGetAddressInfo ------------------------------------------------------------------- */

static NTSTATUS ReadHints(LOOKUP *l, const ADDRINFOEXW *h)
{
    int flags = h->ai_flags;

    if ((flags & ~HINT_FLAGS) || ((flags & AI_CANONNAME) && (flags & AI_FQDN)))
        return STATUS_INVALID_PARAMETER;
    if (h->ai_addrlen || h->ai_canonname || h->ai_addr || h->ai_next)
        return STATUS_INVALID_PARAMETER;
    if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET && h->ai_family != AF_INET6)
        return STATUS_INVALID_PARAMETER;
    if (h->ai_socktype < 0 || h->ai_socktype > SOCK_SEQPACKET || h->ai_protocol < 0)
        return STATUS_INVALID_PARAMETER;
    l->Flags = flags;
    l->Type = h->ai_socktype;
    l->Protocol = h->ai_protocol;
    l->Net.family = h->ai_family == AF_INET    ? NET_IP4
                    : h->ai_family == AF_INET6 ? NET_IP6
                                               : NET_UNSPEC;
    l->Net.datagram = h->ai_socktype == SOCK_DGRAM || h->ai_protocol == IPPROTO_UDP;
    l->Net.passive = (flags & AI_PASSIVE) != 0;
    l->Net.canonical = (flags & (AI_CANONNAME | AI_FQDN)) != 0;
    l->Net.numeric_host = (flags & AI_NUMERICHOST) != 0;
    l->Net.numeric_service = (flags & AI_NUMERICSERV) != 0;
    l->Net.v4mapped = (flags & AI_V4MAPPED) != 0;
    l->Net.all = (flags & AI_ALL) != 0;
    l->Net.addrconfig = (flags & AI_ADDRCONFIG) != 0;
    return STATUS_SUCCESS;
}

static NTSTATUS ReadNames(LOOKUP *l, const UNICODE_STRING *Node, const UNICODE_STRING *Service)
{
    if (!ToUtf8(Node, l->Net.host, sizeof(l->Net.host)) ||
        !ToUtf8(Service, l->Net.service, sizeof(l->Net.service)))
        return STATUS_INVALID_PARAMETER;
    if (!l->Net.host[0] && (!l->Net.service[0] || l->Net.canonical))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI WskpGetAddressInfo(PWSK_CLIENT Client, PUNICODE_STRING NodeName,
                                  PUNICODE_STRING ServiceName, ULONG NameSpace, GUID *Provider,
                                  PADDRINFOEXW Hints, PADDRINFOEXW *Result, PEPROCESS OwningProcess,
                                  PETHREAD OwningThread, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    NTSTATUS status = STATUS_SUCCESS;
    LOOKUP *l = NULL;

    UNREFERENCED_PARAMETER(Provider); /* there is one provider per name space */
    if (!WskpTakeIrp(Irp, "WskGetAddressInfo", caller))
        return STATUS_INVALID_PARAMETER;
    WSKP_CLIENT *client = WskpClientEnter(Client, "WskGetAddressInfo", caller);
    if (!client)
        return Finish(NULL, Irp, STATUS_INVALID_PARAMETER);
    CheckIrql("WskGetAddressInfo", caller);
    if (!Result || (OwningThread && !OwningProcess) || (NameSpace != NS_ALL && NameSpace != NS_DNS))
        status = STATUS_INVALID_PARAMETER;
    if (Result)
        *Result = NULL;
    if (NT_SUCCESS(status)) {
        l = host_zalloc(sizeof(*l));
        status = l ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(status) && Hints)
        status = ReadHints(l, Hints);
    if (NT_SUCCESS(status))
        status = ReadNames(l, NodeName, ServiceName);
    if (NT_SUCCESS(status)) {
        l->Result = Result;
        l->Caller = caller;
        status = Start(client, Irp, NET_OP_RESOLVE, l);
    } else {
        host_free(l);
        status = Finish(client, Irp, status);
    }
    WskpClientLeave(client);
    return status;
}

/* ---- WskGetNameInfo ---------------------------------------------------------------------- */

static NTSTATUS ReadAddress(LOOKUP *l, PSOCKADDR Address, ULONG Length, ULONG Flags)
{
    ADDRESS_FAMILY family;

    if (!Address || Length < sizeof(family) || Length > sizeof(SOCKADDR_STORAGE) ||
        (Flags & ~(ULONG)NAME_FLAGS) || ((Flags & NI_NUMERICHOST) && (Flags & NI_NAMEREQD)))
        return STATUS_INVALID_PARAMETER;
    memcpy(&family, Address, sizeof(family));
    if (family != AF_INET && family != AF_INET6)
        return STATUS_INVALID_PARAMETER;
    if (Length < WskpAddressSize(family))
        return STATUS_INVALID_PARAMETER;
    l->Net.numeric_host = (Flags & NI_NUMERICHOST) != 0;
    l->Net.numeric_service = (Flags & NI_NUMERICSERV) != 0;
    l->Net.name_required = (Flags & NI_NAMEREQD) != 0;
    l->Net.no_fqdn = (Flags & NI_NOFQDN) != 0;
    l->Net.datagram = (Flags & NI_DGRAM) != 0;
    return WskpAddressIn(family, Address, &l->Net.address);
}

NTSTATUS NTAPI WskpGetNameInfo(PWSK_CLIENT Client, PSOCKADDR SockAddr, ULONG SockAddrLength,
                               PUNICODE_STRING NodeName, PUNICODE_STRING ServiceName, ULONG Flags,
                               PEPROCESS OwningProcess, PETHREAD OwningThread, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    NTSTATUS status = STATUS_SUCCESS;
    LOOKUP *l = NULL;

    if (!WskpTakeIrp(Irp, "WskGetNameInfo", caller))
        return STATUS_INVALID_PARAMETER;
    WSKP_CLIENT *client = WskpClientEnter(Client, "WskGetNameInfo", caller);
    if (!client)
        return Finish(NULL, Irp, STATUS_INVALID_PARAMETER);
    CheckIrql("WskGetNameInfo", caller);
    if ((!NodeName && !ServiceName) || (OwningThread && !OwningProcess))
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status)) {
        l = host_zalloc(sizeof(*l));
        status = l ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(status))
        status = ReadAddress(l, SockAddr, SockAddrLength, Flags);
    if (NT_SUCCESS(status)) {
        l->NodeName = NodeName;
        l->ServiceName = ServiceName;
        if (!NodeName && !l->Net.name_required)
            l->Net.numeric_host = true; /* nobody wants to see a look-up's result */
        status = Start(client, Irp, NET_OP_NAMEINFO, l);
    } else {
        host_free(l);
        status = Finish(client, Irp, status);
    }
    WskpClientLeave(client);
    return status;
}
