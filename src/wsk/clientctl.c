/*
 * clientctl.c: WskControlClient and its seven codes (3.4, 3.26, 3.27).
 *
 * All answer at once and take no IRP, but WSK_TRANSPORT_LIST_CHANGE, whose IRP waits until an
 * address family appears on the machine or goes. Such requests are on the client's ListChangeIrps
 * (under the client's lock) from before they are submitted until they are done.
 */
#include "wsk/wskp.h"

#define STATIC_EVENTS                                                                              \
    (WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT | WSK_EVENT_SEND_BACKLOG |        \
     WSK_EVENT_RECEIVE_FROM)

typedef struct _CALL {
    WSKP_CLIENT *Client;
    SIZE_T InputSize;
    PVOID Input;
    SIZE_T OutputSize;
    PVOID Output;
    SIZE_T Written; /* or needed, with STATUS_BUFFER_OVERFLOW */
    const void *Caller;
} CALL;

/* ---- the transport list ------------------------------------------------------------------ */

enum { HAVE_V4 = 1, HAVE_V6 = 2 };

/* The families of which the machine has an address. */
static ULONG Families(void)
{
    struct net_addr *list;
    SIZE_T count;
    ULONG have = 0;

    if (!NT_SUCCESS(WskpLocalAddresses(AF_UNSPEC, &list, &count)))
        return 0;
    for (SIZE_T i = 0; i < count; i++)
        have |= list[i].family == NET_IP6 ? HAVE_V6 : HAVE_V4;
    host_free(list);
    return have;
}

/* D65. */
static NTSTATUS TransportList(CALL *c)
{
    static const GUID provider = {
        0x8d2f0b14, 0x5c0e, 0x4d57, { 0x9a, 0x41, 0x6f, 0x1d, 0x27, 0xc3, 0xb8, 0x52 }
    };
    static const struct {
        ULONG Needs;
        ADDRESS_FAMILY Family;
        USHORT Type;
        ULONG Protocol;
    } rows[] = {
        { HAVE_V4, AF_INET, SOCK_STREAM, IPPROTO_TCP },
        { HAVE_V4, AF_INET, SOCK_DGRAM, IPPROTO_UDP },
        { HAVE_V4, AF_INET, SOCK_RAW, 0 },
        { HAVE_V6, AF_INET6, SOCK_STREAM, IPPROTO_TCP },
        { HAVE_V6, AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
        { HAVE_V6, AF_INET6, SOCK_RAW, 0 },
    };
    WSK_TRANSPORT *out = c->Output;
    ULONG have = Families();
    SIZE_T count = 0;

    for (ULONG i = 0; i < RTL_NUMBER_OF(rows); i++)
        count += (rows[i].Needs & have) != 0;
    c->Written = count * sizeof(*out);
    if (c->OutputSize < c->Written || (!out && count))
        return STATUS_BUFFER_OVERFLOW;
    for (ULONG i = 0; i < RTL_NUMBER_OF(rows); i++) {
        if (!(rows[i].Needs & have))
            continue;
        *out++ = (WSK_TRANSPORT){ .SocketType = rows[i].Type,
                                  .Protocol = rows[i].Protocol,
                                  .AddressFamily = rows[i].Family,
                                  .ProviderId = provider };
    }
    return STATUS_SUCCESS;
}

static void ListChangeDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_CLIENT *client = r->Client;

    /* Flags: the families when the driver asked. Most address changes add or remove none. */
    BOOLEAN cancelled = __atomic_load_n(&r->Cancelled, __ATOMIC_SEQ_CST);
    if (Op->result >= 0 && !cancelled && Families() == r->Flags) {
        WskpRequestGoOn(r);
        return;
    }
    host_lock(&client->Lock);
    RemoveEntryList(&r->Link);
    host_unlock(&client->Lock);
    NTSTATUS status = cancelled ? STATUS_CANCELLED : STATUS_SUCCESS;
    if (Op->result < 0)
        status = WskpStatusFromErrno((int)-Op->result);
    WskpRequestComplete(r, status, 0);
}

static NTSTATUS TransportListChange(WSKP_CLIENT *Client, PIRP Irp)
{
    BOOLEAN inline_done;
    WSKP_REQUEST *r = WskpRequestNew(NULL, Irp, NET_OP_ADDRESS_CHANGE, ListChangeDone);

    if (!r)
        return WskpFinishClient(Client, Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    r->Client = Client;
    r->Flags = Families();
    host_lock(&Client->Lock);
    InsertTailList(&Client->ListChangeIrps, &r->Link);
    /* WskpClientCancelListChanges() may have been here already. */
    if (__atomic_load_n(&Client->Deregistering, __ATOMIC_ACQUIRE))
        __atomic_store_n(&r->Cancelled, TRUE, __ATOMIC_SEQ_CST);
    host_unlock(&Client->Lock);
    NTSTATUS status = WskpRequestSubmit(r, &inline_done);
    if (!inline_done)
        return status;
    host_lock(&Client->Lock);
    RemoveEntryList(&r->Link);
    host_unlock(&Client->Lock);
    if (NT_SUCCESS(status) && r->Op.result < 0)
        status = WskpStatusFromErrno((int)-r->Op.result);
    WskpRequestFree(r);
    return WskpFinishClient(Client, Irp, status, 0);
}

void WskpClientCancelListChanges(WSKP_CLIENT *Client)
{
    host_lock(&Client->Lock);
    for (PLIST_ENTRY e = Client->ListChangeIrps.Flink; e != &Client->ListChangeIrps; e = e->Flink) {
        WSKP_REQUEST *r = CONTAINING_RECORD(e, WSKP_REQUEST, Link);
        __atomic_store_n(&r->Cancelled, TRUE, __ATOMIC_SEQ_CST);
        Wskp.Transport->cancel(Wskp.Route, &r->Op);
    }
    host_unlock(&Client->Lock);
}

/* ---- descriptors, events, TDI ------------------------------------------------------------ */

static NTSTATUS CacheDescriptor(CALL *c)
{
    PSECURITY_DESCRIPTOR in, copy;

    if (!c->Input || c->InputSize != sizeof(in))
        return STATUS_INVALID_PARAMETER;
    if (!c->Output || c->OutputSize < sizeof(copy)) {
        c->Written = sizeof(copy);
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(&in, c->Input, sizeof(in));
    NTSTATUS status = WskpSecurityCache(c->Client, in, &copy, c->Caller);
    if (!NT_SUCCESS(status))
        return status;
    memcpy(c->Output, &copy, sizeof(copy));
    c->Written = sizeof(copy);
    return STATUS_SUCCESS;
}

static NTSTATUS ReleaseDescriptor(CALL *c)
{
    PSECURITY_DESCRIPTOR cached;

    if (!c->Input || c->InputSize != sizeof(cached))
        return STATUS_INVALID_PARAMETER;
    memcpy(&cached, c->Input, sizeof(cached));
    NTSTATUS status = WskpSecurityRelease(c->Client, cached);
    if (!NT_SUCCESS(status))
        vf_report(VF_ERROR, "VF-WSK-21", "WSK-SEC-06", c->Caller,
                  "WSK_RELEASE_SD got a pointer that is not cached, or not any more");
    return status;
}

static void CheckNoSocketYet(CALL *c, const char *Clause, const char *What)
{
    if (__atomic_load_n(&c->Client->SocketCreated, __ATOMIC_RELAXED))
        vf_report(VF_ERROR, "VF-WSK-12", Clause, c->Caller, "%s after a socket was created", What);
}

static NTSTATUS SetStaticEvents(CALL *c)
{
    WSK_EVENT_CALLBACK_CONTROL in;

    if (!c->Input || c->InputSize != sizeof(in))
        return STATUS_INVALID_PARAMETER;
    memcpy(&in, c->Input, sizeof(in));
    if (!in.NpiId)
        return STATUS_INVALID_PARAMETER;
    if (!IsEqualGUID(in.NpiId, &NPI_WSK_INTERFACE_ID))
        return STATUS_NOT_SUPPORTED;
    if (in.EventMask == 0 || (in.EventMask & ~(ULONG)STATIC_EVENTS))
        return STATUS_INVALID_PARAMETER; /* D21 */
    CheckNoSocketYet(c, "WSK-EVT-23", "WSK_SET_STATIC_EVENT_CALLBACKS");
    InterlockedOr((volatile LONG *)&c->Client->StaticMask, (LONG)in.EventMask);
    return STATUS_SUCCESS;
}

/* D69: there are no TDI filters to bypass, and no TDI transports to map to. */
static NTSTATUS TdiBehavior(CALL *c)
{
    if (!c->Input || c->InputSize != sizeof(ULONG))
        return STATUS_INVALID_PARAMETER;
    CheckNoSocketYet(c, "WSK-TDI-04", "WSK_TDI_BEHAVIOR");
    return STATUS_SUCCESS;
}

static NTSTATUS TdiMapping(CALL *c)
{
    CheckNoSocketYet(c, "WSK-TDI-04", "WSK_TDI_DEVICENAME_MAPPING");
    return STATUS_NOT_SUPPORTED;
}

/* ---- the function ------------------------------------------------------------------------ */

static const struct {
    ULONG Code;
    NTSTATUS (*Run)(CALL *c);
} Codes[] = {
    { WSK_TRANSPORT_LIST_QUERY, TransportList },
    { WSK_CACHE_SD, CacheDescriptor },
    { WSK_RELEASE_SD, ReleaseDescriptor },
    { WSK_TDI_DEVICENAME_MAPPING, TdiMapping },
    { WSK_SET_STATIC_EVENT_CALLBACKS, SetStaticEvents },
    { WSK_TDI_BEHAVIOR, TdiBehavior },
};

static NTSTATUS RunCode(ULONG Code, CALL *c, PIRP Irp)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Codes); i++) {
        if (Codes[i].Code != Code)
            continue;
        if (Irp) /* D05 */
            vf_report(VF_ERROR, "VF-WSK-11", "WSK-CTL-02", c->Caller,
                      "WskControlClient takes no IRP for code %u", Code);
        return Codes[i].Run(c);
    }
    return STATUS_INVALID_PARAMETER; /* D56 */
}

static NTSTATUS Control(CALL *c, ULONG Code, SIZE_T *OutputSizeReturned, PIRP Irp)
{
    if (Code == WSK_TRANSPORT_LIST_CHANGE && Irp)
        return TransportListChange(c->Client, Irp);
    NTSTATUS status = STATUS_INVALID_PARAMETER; /* D04 */
    if (Code == WSK_TRANSPORT_LIST_CHANGE)
        vf_report(VF_ERROR, "VF-WSK-11", "WSK-CTL-03", c->Caller,
                  "WSK_TRANSPORT_LIST_CHANGE needs an IRP");
    else
        status = RunCode(Code, c, Irp);
    if (OutputSizeReturned)
        *OutputSizeReturned =
            NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW ? c->Written : 0;
    if (Irp)
        return WskpFinishClient(c->Client, Irp, status, NT_SUCCESS(status) ? c->Written : 0);
    return status;
}

NTSTATUS NTAPI WskpControlClient(PWSK_CLIENT Client, ULONG ControlCode, SIZE_T InputSize,
                                 PVOID InputBuffer, SIZE_T OutputSize, PVOID OutputBuffer,
                                 SIZE_T *OutputSizeReturned, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    CALL c = { .InputSize = InputSize,
               .Input = InputBuffer,
               .OutputSize = OutputSize,
               .Output = OutputBuffer,
               .Caller = caller };

    if (Irp && !WskpTakeIrp(Irp, "WskControlClient", caller))
        return STATUS_INVALID_PARAMETER;
    c.Client = WskpClientEnter(Client, "WskControlClient", caller);
    if (!c.Client)
        return Irp ? WskpFinish(NULL, Irp, STATUS_INVALID_PARAMETER, 0) : STATUS_INVALID_PARAMETER;
    NTSTATUS status = Control(&c, ControlCode, OutputSizeReturned, Irp);
    WskpClientLeave(c.Client);
    return status;
}
