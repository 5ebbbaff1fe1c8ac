/*
 * ioctl.c: WskControlSocket's ioctls, from one table (3.24, 5.6).
 *
 * A row says for which sockets an ioctl is legal, in which state, whether it takes an IRP and
 * whether it needs PASSIVE_LEVEL; the handler does the rest. All answer at once but
 * SIO_ADDRESS_LIST_CHANGE, whose IRP waits for the network's address watch. Such a request is on
 * the socket's list (under the socket's lock) and holds the socket Busy, so WskCloseSocket has to
 * call WskpIoctlCancel().
 */
#include <errno.h>

#include "wsk/optionp.h"

#include <ws2ipdef.h>
#include <mstcpip.h>

#define ALL_KINDS     (WSKP_LISTEN | WSKP_CONNECTION | WSKP_DATAGRAM | WSKP_STREAM | WSKP_BASIC)
#define CONNECTIONS   (WSKP_CONNECTION | WSKP_STREAM)
#define ADDRESSES_MAX 4096

typedef NTSTATUS IOCTL_HANDLER(WSKP_SOCKET *s, WSKP_CONTROL *c);

enum { IrpRequired = 1, IrpNone = 2, Passive = 4, Bound = 8, Connected = 16 };

/* ---- WSK's own --------------------------------------------------------------------------- */

/* D51, D52. `Has` and `Where` are the fixed remote address or the fixed destination. */
static NTSTATUS FixAddress(WSKP_SOCKET *s, WSKP_CONTROL *c, BOOLEAN SendTo)
{
    struct net_addr address;
    WSKP_DATAGRAM_STATE *d = s->Datagram;
    BOOLEAN set = c->InputSize != 0;

    if (set) {
        if (!c->Input || c->InputSize < WskpAddressSize(s->Family))
            return STATUS_INVALID_PARAMETER;
        NTSTATUS status = WskpAddressIn(s->Family, c->Input, &address);
        if (!NT_SUCCESS(status))
            return status;
    }
    host_lock(&s->Lock);
    if (SendTo) {
        d->HasSendTo = set;
        if (set)
            d->SendTo = address;
    } else {
        d->HasRemote = set;
        if (set)
            d->Remote = address;
    }
    d->SendToLast = set ? SendTo : d->HasSendTo;
    host_unlock(&s->Lock);
    return STATUS_SUCCESS;
}

static NTSTATUS SetRemoteAddress(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    return FixAddress(s, c, FALSE);
}

static NTSTATUS SetSendToAddress(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    return FixAddress(s, c, TRUE);
}

/* EXT-03: no extension interface is defined. */
static NTSTATUS RegisterExtension(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(s);
    if (!c->Input || c->InputSize < sizeof(WSK_EXTENSION_CONTROL_IN))
        return STATUS_INVALID_PARAMETER;
    if (!((WSK_EXTENSION_CONTROL_IN *)c->Input)->NpiId)
        return STATUS_INVALID_PARAMETER;
    return STATUS_NOT_SUPPORTED;
}

static NTSTATUS QueryIdealBacklog(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    struct net_ctl_arg arg = { 0 };
    SIZE_T ideal = WSKP_IDEAL_BACKLOG_BYTES;

    if (Wskp.Transport->ctl(s->Ep, NET_CTL_TCP_INFO, &arg) == 0) {
        SIZE_T window = (SIZE_T)arg.tcp.cwnd_segments * arg.tcp.mss_bytes;
        if (window > ideal)
            ideal = window;
    }
    return WskpWriteBytes(c, &ideal, sizeof(ideal));
}

static NTSTATUS QueryReceiveBacklog(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    SIZE_T bytes = WskpReceiveBacklog(s);

    return WskpWriteBytes(c, &bytes, sizeof(bytes));
}

static NTSTATUS QueryInspectId(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    if (!s->HasInspectId)
        return STATUS_INVALID_DEVICE_REQUEST; /* IOCTL-08 */
    return WskpWriteBytes(c, &s->InspectId, sizeof(s->InspectId));
}

/* D73: the host cannot silence an established connection, on loopback or elsewhere. */
static NTSTATUS SetSilentMode(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(s);
    UNREFERENCED_PARAMETER(c);
    return STATUS_NOT_SUPPORTED;
}

static NTSTATUS LoseSocket(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    struct net_ctl_arg arg = { 0 };

    UNREFERENCED_PARAMETER(c);
    WskpSocketKill(s, STATUS_FILE_FORCED_CLOSED); /* first: what ends now must find it dead */
    (void)Wskp.Transport->ctl(s->Ep, NET_CTL_LOSE, &arg);
    return STATUS_SUCCESS;
}

/* ---- the machine's addresses ------------------------------------------------------------- */

static int QueryAddresses(ADDRESS_FAMILY Family, struct net_addr *Room, SIZE_T *Count)
{
    struct net_ctl_arg arg = { .addrs = Room,
                               .length = *Count,
                               .family = Family == AF_INET6  ? NET_IP6
                                         : Family == AF_INET ? NET_IP4
                                                             : NET_UNSPEC };
    int error = Wskp.Transport->ctl(Wskp.Route, NET_CTL_ADDRESSES, &arg);

    *Count = arg.length;
    return error;
}

NTSTATUS WskpLocalAddresses(ADDRESS_FAMILY Family, struct net_addr **List, SIZE_T *Count)
{
    SIZE_T room = 16;

    for (;;) {
        *List = host_alloc(room * sizeof(**List), 16);
        if (!*List)
            return STATUS_INSUFFICIENT_RESOURCES;
        *Count = room;
        int error = QueryAddresses(Family, *List, Count);
        if (error == 0 && *Count <= room)
            return STATUS_SUCCESS;
        host_free(*List);
        *List = NULL;
        if (error)
            return WskpStatusFromErrno(-error);
        if (*Count > ADDRESSES_MAX)
            return STATUS_INSUFFICIENT_RESOURCES;
        room = *Count; /* the list grew meanwhile: once more */
    }
}

static NTSTATUS AddressListQuery(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    struct net_addr *list;
    SIZE_T count, one = WskpAddressSize(s->Family);
    NTSTATUS status = WskpLocalAddresses(s->Family, &list, &count);

    if (!NT_SUCCESS(status))
        return status;
    SIZE_T head = FIELD_OFFSET(SOCKET_ADDRESS_LIST, Address) + count * sizeof(SOCKET_ADDRESS);
    SIZE_T size = head + count * one;
    if (!c->Output || c->OutputSize < size) {
        c->Needed = size;
        status = STATUS_BUFFER_OVERFLOW;
        goto out;
    }
    SOCKET_ADDRESS_LIST *out = c->Output;
    out->iAddressCount = (INT)count;
    for (SIZE_T i = 0; i < count; i++) {
        PSOCKADDR at = (PSOCKADDR)((PUCHAR)c->Output + head + i * one);
        WskpAddressOut(s->Family, &list[i], at);
        out->Address[i].lpSockaddr = at;
        out->Address[i].iSockaddrLength = (INT)one;
    }
    c->Written = size;
out:
    host_free(list);
    return status;
}

/* D74: the order is kept. The caller's addresses are copied with the list. */
static NTSTATUS AddressListSort(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    SOCKET_ADDRESS_LIST *in = c->Input, *out = c->Output;
    SIZE_T head = FIELD_OFFSET(SOCKET_ADDRESS_LIST, Address);

    UNREFERENCED_PARAMETER(s);
    if (!in || c->InputSize < head || in->iAddressCount < 0 ||
        (c->InputSize - head) / sizeof(SOCKET_ADDRESS) < (SIZE_T)in->iAddressCount)
        return STATUS_INVALID_PARAMETER;
    if (!out || c->OutputSize < c->InputSize) {
        c->Needed = c->InputSize;
        return STATUS_BUFFER_OVERFLOW;
    }
    memmove(out, in, c->InputSize);
    for (INT i = 0; i < out->iAddressCount; i++) {
        ULONG_PTR offset = (ULONG_PTR)out->Address[i].lpSockaddr - (ULONG_PTR)in;
        if (offset < c->InputSize)
            out->Address[i].lpSockaddr = (PSOCKADDR)((PUCHAR)out + offset);
    }
    c->Written = c->InputSize;
    return STATUS_SUCCESS;
}

static NTSTATUS RoutingInterfaceQuery(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    struct net_ctl_arg arg = { 0 };
    SIZE_T size = WskpAddressSize(s->Family);

    if (!c->Input || c->InputSize < size)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpAddressIn(s->Family, c->Input, &arg.addr);
    if (!NT_SUCCESS(status))
        return status;
    if (!c->Output || c->OutputSize < size) {
        c->Needed = size;
        return STATUS_BUFFER_OVERFLOW;
    }
    int error = Wskp.Transport->ctl(Wskp.Route, NET_CTL_ROUTE, &arg);
    if (error)
        return WskpStatusFromErrno(-error);
    arg.addr.port = 0;
    WskpAddressOut(s->Family, &arg.addr, c->Output);
    c->Written = size;
    return STATUS_SUCCESS;
}

/*
 * The watch reports changes of any family and may report what is none for us. So a request keeps a
 * sum over what it saw at first, and goes on waiting while the sum is the same.
 */
static ULONG64 AddressSum(ADDRESS_FAMILY Family)
{
    struct net_addr *list;
    SIZE_T count;
    ULONG64 total = 0;

    if (!NT_SUCCESS(WskpLocalAddresses(Family, &list, &count)))
        return 0;
    HOST_ASSERT(list || !count);
    for (SIZE_T i = 0; i < count; i++) {
        ULONG64 hash = 0xcbf29ce484222325ull ^ list[i].family ^ ((ULONG64)list[i].scope_id << 32);
        for (ULONG k = 0; k < 16; k++)
            hash = (hash ^ list[i].ip[k]) * 0x100000001b3ull;
        total += hash; /* the order does not matter */
    }
    host_free(list);
    return total;
}

static void AddressChangeDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_SOCKET *s = r->Socket;

    if (Op->result >= 0 && !__atomic_load_n(&r->Cancelled, __ATOMIC_SEQ_CST) &&
        AddressSum(s->Family) == *(ULONG64 *)r->Extra) {
        WskpRequestGoOn(r);
        return;
    }
    host_lock(&s->Lock);
    RemoveEntryList(&r->Link);
    host_unlock(&s->Lock);
    NTSTATUS status = STATUS_SUCCESS;
    if (Op->result < 0)
        status = WskpStatusFromErrno((int)-Op->result);
    else if (__atomic_load_n(&r->Cancelled, __ATOMIC_SEQ_CST))
        status = STATUS_CANCELLED;
    WskpRequestComplete(r, status, 0);
    WskpLeave(s);
}

static NTSTATUS AddressListChange(WSKP_SOCKET *s, PIRP Irp, BOOLEAN *Pended)
{
    BOOLEAN inline_done;
    WSKP_REQUEST *r = WskpRequestNew(s, Irp, NET_OP_ADDRESS_CHANGE, AddressChangeDone);

    if (!r)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->Extra = host_alloc(sizeof(ULONG64), 16);
    if (!r->Extra) {
        WskpRequestFree(r);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *(ULONG64 *)r->Extra = AddressSum(s->Family);
    __atomic_fetch_add(&s->Busy, 1, __ATOMIC_RELAXED); /* we are inside the socket: it cannot go */
    host_lock(&s->Lock);
    InsertTailList(&s->AddressChanges, &r->Link);
    host_unlock(&s->Lock);
    NTSTATUS status = WskpRequestSubmit(r, &inline_done);
    if (!inline_done) {
        *Pended = TRUE;
        return status;
    }
    host_lock(&s->Lock);
    RemoveEntryList(&r->Link);
    host_unlock(&s->Lock);
    if (NT_SUCCESS(status) && r->Op.result < 0)
        status = WskpStatusFromErrno((int)-r->Op.result);
    WskpRequestFree(r);
    WskpLeave(s);
    return status;
}

void WskpIoctlCancel(WSKP_SOCKET *Socket)
{
    host_lock(&Socket->Lock);
    for (PLIST_ENTRY e = Socket->AddressChanges.Flink; e != &Socket->AddressChanges; e = e->Flink) {
        WSKP_REQUEST *r = CONTAINING_RECORD(e, WSKP_REQUEST, Link);
        __atomic_store_n(&r->Cancelled, TRUE, __ATOMIC_SEQ_CST);
        Wskp.Transport->cancel(Wskp.Route, &r->Op);
    }
    host_unlock(&Socket->Lock);
}

/* ---- TCP, UDP ---------------------------------------------------------------------------- */

static NTSTATUS SetInt(WSKP_SOCKET *s, enum net_opt Option, ULONG Value)
{
    int value = (int)Value;
    struct net_ctl_arg arg = { .opt = Option, .data = &value, .length = sizeof(value) };
    int error = Wskp.Transport->ctl(s->Ep, NET_CTL_SET, &arg);

    if (error == -EINVAL)
        return STATUS_INVALID_PARAMETER;
    return error ? WskpStatusFromErrno(-error) : STATUS_SUCCESS;
}

/* Linux counts in seconds: rounded up. */
static ULONG Seconds(ULONG Milliseconds)
{
    return Milliseconds / 1000 + (Milliseconds % 1000 != 0);
}

static NTSTATUS KeepAliveValues(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    struct tcp_keepalive in;

    if (s->Type != SOCK_STREAM)
        return STATUS_NOT_SUPPORTED;
    if (!c->Input || c->InputSize < sizeof(in))
        return STATUS_INVALID_PARAMETER;
    memcpy(&in, c->Input, sizeof(in));
    NTSTATUS status = STATUS_SUCCESS;
    if (in.onoff) {
        status = SetInt(s, NET_OPT_TCP_KEEPIDLE, Seconds(in.keepalivetime));
        if (NT_SUCCESS(status))
            status = SetInt(s, NET_OPT_TCP_KEEPINTVL, Seconds(in.keepaliveinterval));
    }
    if (NT_SUCCESS(status))
        status = SetInt(s, NET_OPT_KEEPALIVE, in.onoff != 0);
    if (NT_SUCCESS(status)) {
        host_lock(&s->Lock);
        s->Options.KeepAlive = in.onoff != 0;
        host_unlock(&s->Lock);
    }
    return status;
}

/* ICMP errors never reach a datagram socket without IP_RECVERR (D47): nothing to change. */
static NTSTATUS UdpConnectionReset(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    if (s->Type != SOCK_DGRAM)
        return STATUS_NOT_SUPPORTED;
    if (!c->Input || c->InputSize < 1)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* The host's loopback is what it is. */
static NTSTATUS LoopbackFastPath(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    if (s->Type != SOCK_STREAM)
        return STATUS_NOT_SUPPORTED;
    if (!c->Input || c->InputSize < sizeof(BOOLEAN))
        return STATUS_INVALID_BUFFER_SIZE;
    host_lock(&s->Lock);
    BOOLEAN late = s->State == WskpConnecting || s->State == WskpConnected;
    host_unlock(&s->Lock);
    return late ? STATUS_INVALID_DEVICE_STATE : STATUS_SUCCESS;
}

/* The host gives no way to steer receive-side scaling per socket. */
static NTSTATUS QueryRss(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    RSS_SCALABILITY_INFO info = { .RssEnabled = FALSE };

    if (s->Type != SOCK_STREAM)
        return STATUS_NOT_SUPPORTED;
    return WskpWriteBytes(c, &info, sizeof(info));
}

/* No filter redirects connections here: there are no records, and nobody may set any. */
static NTSTATUS QueryRedirect(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(s);
    UNREFERENCED_PARAMETER(c);
    return STATUS_NOT_FOUND;
}

static NTSTATUS SetRedirect(WSKP_SOCKET *s, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(s);
    UNREFERENCED_PARAMETER(c);
    return STATUS_ACCESS_DENIED;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct {
    ULONG Code;
    ULONG Categories;
    ULONG Rules;
    IOCTL_HANDLER *Handler; /* NULL: SIO_ADDRESS_LIST_CHANGE */
} Ioctls[] = {
    { SIO_WSK_SET_REMOTE_ADDRESS, WSKP_DATAGRAM, IrpRequired | Bound, SetRemoteAddress },
    { SIO_WSK_SET_SENDTO_ADDRESS, WSKP_DATAGRAM, IrpRequired | Bound, SetSendToAddress },
    { SIO_WSK_REGISTER_EXTENSION, ALL_KINDS, IrpNone, RegisterExtension },
    { SIO_WSK_QUERY_IDEAL_SEND_BACKLOG, CONNECTIONS, IrpRequired | Connected, QueryIdealBacklog },
    { SIO_WSK_QUERY_RECEIVE_BACKLOG, CONNECTIONS, IrpRequired | Connected, QueryReceiveBacklog },
    { SIO_WSK_QUERY_INSPECT_ID, ALL_KINDS, IrpNone, QueryInspectId },
    { SIO_WSK_SET_TCP_SILENT_MODE, CONNECTIONS, IrpRequired | Connected, SetSilentMode },
    { WSKP_SIO_LOSE_SOCKET, ALL_KINDS, 0, LoseSocket },
    { SIO_ADDRESS_LIST_QUERY, ALL_KINDS, IrpNone | Passive, AddressListQuery },
    { SIO_ADDRESS_LIST_CHANGE, ALL_KINDS, IrpRequired | Passive, NULL },
    { SIO_ADDRESS_LIST_SORT, ALL_KINDS, Passive, AddressListSort },
    { SIO_ROUTING_INTERFACE_QUERY, ALL_KINDS, 0, RoutingInterfaceQuery },
    { SIO_KEEPALIVE_VALS, ALL_KINDS, 0, KeepAliveValues },
    { SIO_UDP_CONNRESET, ALL_KINDS, 0, UdpConnectionReset },
    { SIO_LOOPBACK_FAST_PATH, ALL_KINDS, IrpRequired | Passive, LoopbackFastPath },
    { SIO_QUERY_RSS_SCALABILITY_INFO, ALL_KINDS, 0, QueryRss },
    { SIO_QUERY_WFP_CONNECTION_REDIRECT_RECORDS, ALL_KINDS, IrpRequired | Passive, QueryRedirect },
    { SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT, ALL_KINDS, IrpRequired | Passive, QueryRedirect },
    { SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS, ALL_KINDS, IrpRequired | Passive, SetRedirect },
};

static NTSTATUS CheckIrp(ULONG Rules, const WSKP_CONTROL *c)
{
    BOOLEAN wrong = (Rules & IrpRequired) ? !c->HasIrp : (Rules & IrpNone) && c->HasIrp;

    if (wrong)
        vf_report(VF_ERROR, "VF-WSK-11", "WSK-IOCTL-21", c->Caller, "ioctl 0x%x %s IRP", c->Code,
                  (Rules & IrpRequired) ? "needs an" : "takes no");
    /* D04, D05: one that is missing ends the call, one too many does not. */
    return (Rules & IrpRequired) && !c->HasIrp ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static NTSTATUS CheckState(WSKP_SOCKET *s, ULONG Rules, const WSKP_CONTROL *c)
{
    if ((Rules & Passive) && KiThread()->Irql > PASSIVE_LEVEL) {
        vf_report(VF_ERROR, "VF-IRQL-01", "WSK-IOCTL-17", c->Caller,
                  "ioctl 0x%x needs PASSIVE_LEVEL", c->Code);
        return STATUS_INVALID_DEVICE_STATE; /* D74 */
    }
    host_lock(&s->Lock);
    WSKP_STATE state = s->State;
    host_unlock(&s->Lock);
    BOOLEAN wrong = ((Rules & Bound) && state == WskpUnbound) ||
                    ((Rules & Connected) && state != WskpConnected);
    if (!wrong)
        return STATUS_SUCCESS;
    vf_report(VF_ERROR, "VF-WSK-10", (Rules & Bound) ? "WSK-IOCTL-18" : "WSK-IOCTL-19", c->Caller,
              "ioctl 0x%x on a socket that is not %s", c->Code,
              (Rules & Bound) ? "bound" : "connected");
    return STATUS_INVALID_DEVICE_STATE;
}

NTSTATUS WskpIoctl(WSKP_SOCKET *Socket, WSKP_CONTROL *Control, PIRP Irp, BOOLEAN *Pended)
{
    ULONG i = 0;

    *Pended = FALSE;
    Control->Written = 0;
    while (i < RTL_NUMBER_OF(Ioctls) && Ioctls[i].Code != Control->Code)
        i++;
    if (i == RTL_NUMBER_OF(Ioctls))
        return STATUS_NOT_SUPPORTED; /* D56 */
    if (!(Ioctls[i].Categories & Socket->Category)) {
        vf_report(VF_ERROR, "VF-WSK-10", "WSK-IOCTL-18", Control->Caller,
                  "ioctl 0x%x does not apply to this category of socket", Control->Code);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    NTSTATUS status = CheckIrp(Ioctls[i].Rules, Control);
    if (NT_SUCCESS(status))
        status = CheckState(Socket, Ioctls[i].Rules, Control);
    if (!NT_SUCCESS(status))
        return status;
    if (!Ioctls[i].Handler)
        return AddressListChange(Socket, Irp, Pended);
    return Ioctls[i].Handler(Socket, Control);
}
