/*
 * datagram.c: send and receive on datagram (and raw) sockets.
 *
 * Receiving follows receive.c: without an enabled event requests read directly, with it a repeating
 * receive fills Held and the pump serves requests first. Two things differ. A datagram is whole:
 * one request, one datagram, the excess lost. And a fixed remote address filters in the subsystem
 * (D52): a datagram from elsewhere is dropped and its request reads again.
 *
 * A WskSendMessages request gives its whole list to the transport as one operation, so that nothing
 * comes between its datagrams that was sent later (D30); the list was copied before the call
 * returned (D27), so the client may free its nodes.
 */
#include "wsk/wskp.h"

#include <errno.h>

#define NODES_PER_CALL 64

/* ---- sending ----------------------------------------------------------------------------- */

/* Where a send without an address goes (D51); lock held. */
static NTSTATUS FixedDestination(const WSKP_DATAGRAM_STATE *d, struct net_addr *Out)
{
    if (d->HasSendTo && (d->SendToLast || !d->HasRemote))
        *Out = d->SendTo;
    else if (d->HasRemote)
        *Out = d->Remote;
    else
        return STATUS_INVALID_PARAMETER; /* D44 */
    return STATUS_SUCCESS;
}

static NTSTATUS CheckSend(WSKP_SOCKET *s, ULONG Flags, const SOCKADDR *Remote, struct net_addr *Out)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (Flags != 0)
        return STATUS_INVALID_PARAMETER;
    host_lock(&s->Lock);
    if (!NT_SUCCESS(s->Dead))
        status = STATUS_FILE_FORCED_CLOSED;
    else if (s->State != WskpBound)
        status = STATUS_INVALID_DEVICE_STATE;
    else if (!Remote)
        status = FixedDestination(s->Datagram, Out);
    host_unlock(&s->Lock);
    if (NT_SUCCESS(status) && Remote)
        status = WskpAddressIn(s->Family, Remote, Out);
    return status;
}

/* Destination, control data: everything that a send copies before it returns (D28). */
static NTSTATUS PrepareSend(WSKP_REQUEST *r, ULONG Flags, const SOCKADDR *Remote,
                            ULONG ControlLength, const CMSGHDR *Control)
{
    WSKP_SOCKET *s = r->Socket;
    NTSTATUS status = CheckSend(s, Flags, Remote, &r->Op.addr);

    if (!NT_SUCCESS(status))
        return status;
    /* STO-10; the reverse, a buffer with nothing in it, is what drivers that reuse one pass. */
    if (ControlLength > 0 && !Control)
        return STATUS_INVALID_PARAMETER;
    status = WskpControlIn(s, ControlLength, Control, &r->Info);
    ULONG segment = __atomic_load_n(&s->Datagram->SendMessageSize, __ATOMIC_RELAXED);
    if (NT_SUCCESS(status) && segment && !(r->Info.present & NET_INFO_SEGMENT)) {
        r->Info.present |= NET_INFO_SEGMENT;
        r->Info.segment_bytes = segment;
    }
    r->Op.info = r->Info.present ? &r->Info : NULL;
    return status;
}

static NTSTATUS SendStatus(const struct net_op *Op)
{
    if (Op->result >= 0)
        return STATUS_SUCCESS;
    if (Op->result == -EINVAL) /* of the arguments: the state was right when the send began */
        return STATUS_INVALID_PARAMETER;
    return WskpStatusFromErrno((int)-Op->result);
}

static void SendToDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);

    WskpRequestComplete(r, SendStatus(Op), Op->result < 0 ? 0 : (ULONG_PTR)Op->result);
}

static NTSTATUS Transmit(WSKP_REQUEST *r, BOOLEAN *Inline)
{
    if (!WskpMayFinishInline()) /* D30: deferring would let a later one overtake */
        r->Op.flags |= NET_F_ASYNC;
    NTSTATUS status = WskpRequestSubmit(r, Inline);

    return *Inline && NT_SUCCESS(status) ? SendStatus(&r->Op) : status;
}

/* Ends a send call: the request finished inline or never started. */
static NTSTATUS FinishSend(WSKP_SOCKET *s, WSKP_REQUEST *r, PIRP Irp, NTSTATUS Status)
{
    ULONG_PTR sent = r && NT_SUCCESS(Status) ? (ULONG_PTR)r->Op.result : 0;

    if (r)
        WskpRequestFree(r);
    Status = WskpFinish(s, Irp, Status, sent);
    WskpLeave(s);
    return Status;
}

/* Copies the list: every buffer's pieces into one array, and where each message starts in it. */
static NTSTATUS MapList(WSKP_REQUEST *r, const WSK_BUF_LIST *List, const void *Caller)
{
    ULONG messages = 0, pieces = 0;

    for (const WSK_BUF_LIST *n = List; n; n = n->Next) {
        messages++;
        pieces += n->Buffer.Length ? WskpCountMdls(&n->Buffer) : 0;
    }
    r->Iov = r->InlineIov;
    if (pieces > WSKP_INLINE_IOVECS) {
        r->Iov = host_alloc(pieces * sizeof(struct iovec), 16);
        if (!r->Iov)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    struct net_message *message = r->Extra = host_alloc(messages * sizeof(*message), 16);
    if (!message)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->Op.messages = message;
    r->Op.message_count = messages;
    ULONG used = 0;
    for (const WSK_BUF_LIST *n = List; n; n = n->Next, message++) {
        ULONG count;
        NTSTATUS status = WskpMapBuffer(&n->Buffer, r->Iov + used, pieces - used, &count, Caller);
        if (!NT_SUCCESS(status))
            return status;
        *message = (struct net_message){ r->Iov + used, count };
        used += count;
    }
    return STATUS_SUCCESS;
}

/* One message from Buffer, or those of List. */
static NTSTATUS Send(PWSK_SOCKET Public, const WSK_BUF *Buffer, const WSK_BUF_LIST *List,
                     ULONG Flags, const SOCKADDR *Remote, ULONG ControlLength,
                     const CMSGHDR *Control, PIRP Irp, const char *Function, const void *Caller)
{
    WSKP_SOCKET *s;
    BOOLEAN done = TRUE;

    if (!WskpTakeIrp(Irp, Function, Caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_DATAGRAM, Irp, Function, Caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    WSKP_REQUEST *r = WskpRequestNew(s, Irp, NET_OP_SENDMSG, SendToDone);
    status = r ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status))
        status = PrepareSend(r, Flags, Remote, ControlLength, Control);
    if (NT_SUCCESS(status) && Buffer)
        status = WskpRequestMap(r, Buffer, Caller);
    else if (NT_SUCCESS(status))
        status = List ? MapList(r, List, Caller) : STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = Transmit(r, &done);
    if (done)
        return FinishSend(s, r, Irp, status);
    WskpLeave(s);
    return STATUS_PENDING;
}

NTSTATUS NTAPI WskpSendTo(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR RemoteAddress,
                          ULONG ControlInfoLength, PCMSGHDR ControlInfo, PIRP Irp)
{
    return Send(Public, Buffer, NULL, Flags, RemoteAddress, ControlInfoLength, ControlInfo, Irp,
                "WskSendTo", __builtin_return_address(0));
}

NTSTATUS NTAPI WskpSendMessages(PWSK_SOCKET Public, PWSK_BUF_LIST BufferList, ULONG Flags,
                                PSOCKADDR RemoteAddress, ULONG ControlInfoLength,
                                PCMSGHDR ControlInfo, PIRP Irp)
{
    return Send(Public, NULL, BufferList, Flags, RemoteAddress, ControlInfoLength, ControlInfo, Irp,
                "WskSendMessages", __builtin_return_address(0));
}

/* ---- receiving --------------------------------------------------------------------------- */

/* RFROM-10, RFEV-11: with a fixed remote address only its datagrams count. Lock held. */
static BOOLEAN Accepts(const WSKP_SOCKET *s, const struct net_addr *From, ULONG Present)
{
    const WSKP_DATAGRAM_STATE *d = s->Datagram;

    if ((Present & NET_INFO_BROADCAST) && d->IgnoreBroadcast)
        return FALSE;
    if (!d->HasRemote)
        return TRUE;
    if (Present & NET_INFO_ERROR)
        return TRUE;
    return WskpAddressEqual(&d->Remote, From);
}

static ULONG DeliveryFlags(ULONG Present)
{
    if (Present & NET_INFO_BROADCAST)
        return MSG_BCAST;
    return Present & NET_INFO_MULTICAST ? MSG_MCAST : 0;
}

/* Writes what the request asked for beside the bytes. */
static void WriteOutputs(WSKP_REQUEST *r, const struct net_addr *From,
                         const struct net_packet_info *Info, BOOLEAN Truncated)
{
    WSKP_SOCKET *s = r->Socket;
    ULONG flags = DeliveryFlags(Info->present) | (Truncated ? MSG_TRUNC : 0);
    BOOLEAN control_cut = FALSE;

    if (r->RemoteOut)
        WskpAddressOut(s->Family, From, r->RemoteOut);
    if (r->ControlLengthOut)
        *r->ControlLengthOut = WskpControlOut(s, Info, r->ControlOut,
                                              r->ControlOut ? r->ControlRoom : 0, &control_cut);
    if (control_cut)
        flags |= MSG_CTRUNC;
    if (r->ControlFlagsOut)
        *r->ControlFlagsOut = flags;
}

static NTSTATUS DatagramStatus(BOOLEAN Truncated)
{
    return Truncated && Wskp.Config.truncated_is_overflow ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

/* A direct read ended. TRUE: not for us, read again. Writes outputs and status otherwise. */
static BOOLEAN TakeDirect(WSKP_REQUEST *r, NTSTATUS *Status, ULONG_PTR *Bytes)
{
    WSKP_SOCKET *s = r->Socket;

    if (r->Op.result < 0) {
        *Status = WskpStatusFromErrno((int)-r->Op.result);
        *Bytes = 0;
        return FALSE;
    }
    host_lock(&s->Lock);
    BOOLEAN ours = Accepts(s, &r->Op.addr, r->Info.present);
    host_unlock(&s->Lock);
    if (!ours) {
        memset(&r->Info, 0, sizeof(r->Info));
        return TRUE;
    }
    /* An ICMP error quotes the datagram that was lost: that is no data of the peer's (D47). */
    BOOLEAN error = (r->Info.present & NET_INFO_ERROR) != 0;
    BOOLEAN truncated = !error && (r->Info.present & NET_INFO_TRUNCATED);
    WriteOutputs(r, &r->Op.addr, &r->Info, truncated);
    *Status = DatagramStatus(truncated);
    *Bytes = error ? 0 : (ULONG_PTR)r->Op.result;
    return FALSE;
}

static void NoteDone(WSKP_SOCKET *s, BOOLEAN Begun)
{
    host_lock(&s->Lock);
    s->Receives.Submitted--;
    if (Begun)
        WskpReachInline(s);
    host_unlock(&s->Lock);
}

static void ReceiveFromDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_SOCKET *s = r->Socket;
    NTSTATUS status;
    ULONG_PTR bytes;

    if (TakeDirect(r, &status, &bytes)) {
        WskpRequestGoOn(r);
        return;
    }
    BOOLEAN held = WskpTryHold(s);
    host_lock(&s->Lock);
    s->Receives.Submitted--;
    if (held)
        WskpBeginCompletion(s);
    host_unlock(&s->Lock);
    WskpRequestComplete(r, status, bytes);
    if (held) {
        (void)WskpEndCompletion(s);
        WskpPump(s);
        WskpLeave(s);
    }
}

/* Lock held. */
static BOOLEAN EventWants(const WSKP_SOCKET *s)
{
    return s->Event[WskpReceiveFrom].Enabled && s->State == WskpBound && NT_SUCCESS(s->Dead);
}

static NTSTATUS StartReceiveFrom(WSKP_SOCKET *s, WSKP_REQUEST *r, ULONG_PTR *Bytes, BOOLEAN *Inline)
{
    host_lock(&s->Lock);
    BOOLEAN direct = !EventWants(s) && s->RxArm == WskpIdle && IsListEmpty(&s->Held) &&
                     IsListEmpty(&s->Receives.Waiting) && !WskpCompletesElsewhere(s);
    /* The transport may have taken a datagram for an earlier request and not have said so (D30). */
    BOOLEAN begun = direct && s->Receives.Submitted == 0 && WskpMayFinishInline();
    if (direct)
        s->Receives.Submitted++;
    if (begun)
        WskpBeginInline(s);
    host_unlock(&s->Lock);
    if (direct) {
        r->Begun = begun;
        r->Op.flags = begun ? 0 : NET_F_ASYNC;
        NTSTATUS status = WskpRequestSubmit(r, Inline);
        if (!*Inline) {
            if (begun && WskpEndCompletion(s))
                WskpKick(s);
            return STATUS_PENDING;
        }
        if (status == STATUS_CANCELLED)
            r->Op.result = -ECANCELED;
        if (!TakeDirect(r, &status, Bytes)) {
            NoteDone(s, begun);
            return status;
        }
        NoteDone(s, begun); /* filtered out: wait for the next one as a queued request */
        if (begun)
            (void)WskpEndCompletion(s); /* what comes below kicks */
        r->Begun = FALSE;
        *Inline = FALSE;
    }
    if (!WskpRequestArm(r)) {
        *Inline = TRUE;
        return STATUS_CANCELLED;
    }
    host_lock(&s->Lock);
    BOOLEAN queued = WskpQueuePut(&s->Receives, r);
    host_unlock(&s->Lock);
    if (!queued)
        WskpRequestComplete(r, STATUS_CANCELLED, 0);
    WskpKick(s);
    return STATUS_PENDING;
}

static NTSTATUS CheckReceiveFrom(WSKP_SOCKET *s, const WSK_BUF *Buffer, ULONG Flags)
{
    if (!Buffer || Flags != 0)
        return STATUS_INVALID_PARAMETER;
    host_lock(&s->Lock);
    NTSTATUS status = STATUS_SUCCESS;
    if (!NT_SUCCESS(s->Dead))
        status = STATUS_FILE_FORCED_CLOSED;
    else if (s->State != WskpBound)
        status = STATUS_INVALID_DEVICE_STATE;
    host_unlock(&s->Lock);
    return status;
}

NTSTATUS NTAPI WskpReceiveFromRequest(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags,
                                      PSOCKADDR RemoteAddress, PULONG ControlLength,
                                      PCMSGHDR ControlInfo, PULONG ControlFlags, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;
    WSKP_REQUEST *r = NULL;
    ULONG_PTR bytes = 0;
    BOOLEAN done = FALSE, begun;

    if (!WskpTakeIrp(Irp, "WskReceiveFrom", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_DATAGRAM, Irp, "WskReceiveFrom", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = CheckReceiveFrom(s, Buffer, Flags);
    if (!NT_SUCCESS(status))
        goto finish;
    r = WskpRequestNew(s, Irp, NET_OP_RECVMSG, ReceiveFromDone);
    status = r ? WskpRequestMap(r, Buffer, caller) : STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(status))
        goto finish;
    if (r->IovCount == 0) { /* an empty buffer: the datagram is read, and lost (RFROM-08) */
        r->Iov[0] = (struct iovec){ &r->ControlRoom, 0 };
        r->Op.iovcnt = r->IovCount = 1;
    }
    r->Op.info = &r->Info;
    r->RemoteOut = RemoteAddress;
    r->ControlLengthOut = ControlLength;
    r->ControlOut = ControlLength ? ControlInfo : NULL;
    r->ControlRoom = ControlLength ? *ControlLength : 0;
    r->ControlFlagsOut = ControlFlags;
    status = StartReceiveFrom(s, r, &bytes, &done);
    if (!done) {
        WskpLeave(s);
        return STATUS_PENDING;
    }
finish:
    begun = r && r->Begun;
    if (r)
        WskpRequestFree(r);
    status = WskpFinish(s, Irp, status, bytes);
    if (begun && WskpEndCompletion(s))
        WskpKick(s);
    WskpLeave(s);
    return status;
}

/* ---- the repeating receive --------------------------------------------------------------- */

static WSKP_NODE *NodeFrom(WSKP_SOCKET *s, struct net_op *Op)
{
    WSKP_NODE *n = WskpNodeNew(s, Op->buf);
    BOOLEAN cut;

    if (!n) /* no memory: a datagram may be lost, a stream's bytes may not */
        return NULL;
    n->DatagramKind = TRUE;
    n->Flags = DeliveryFlags(s->RxInfo.present);
    n->IsError = (s->RxInfo.present & NET_INFO_ERROR) != 0;
    n->Info = s->RxInfo;
    WskpAddressOut(s->Family, &Op->addr, (PSOCKADDR)&n->Remote);
    n->From = Op->addr;
    n->ControlLength = WskpControlOut(s, &s->RxInfo, n->Control, sizeof(n->Control), &cut);
    n->Datagram.RemoteAddress = (PSOCKADDR)&n->Remote;
    n->Datagram.ControlInfo = n->ControlLength ? (PCMSGHDR)n->Control : NULL;
    n->Datagram.ControlInfoLength = n->ControlLength;
    return n;
}

static void RxDone(struct net_op *Op)
{
    WSKP_SOCKET *s = CONTAINING_RECORD(Op, WSKP_SOCKET, RxOp);
    WSKP_NODE *n = NULL;
    /* Once the receive is idle, the operation is whoever's arms it. */
    BOOLEAN ends = !Op->more;
    int64_t result = Op->result;

    host_lock(&s->Lock);
    BOOLEAN ours = Op->buf && Accepts(s, &Op->addr, s->RxInfo.present);
    host_unlock(&s->Lock);
    if (ours)
        n = NodeFrom(s, Op);
    if (Op->buf && !n)
        net_buf_put(Op->buf);
    Op->buf = NULL;
    memset(&s->RxInfo, 0, sizeof(s->RxInfo));
    BOOLEAN held = WskpTryHold(s);
    host_lock(&s->Lock);
    if (n) {
        n->Arrival = s->Datagram->Arrivals++;
        InsertTailList(&s->Held, &n->Link);
        s->HeldBytes += n->Buf->length;
    }
    BOOLEAN batch_ends = ends || Op->drained || s->HeldBytes > 256 * 1024;
    if (ends)
        s->RxArm = WskpIdle;
    host_unlock(&s->Lock);
    if (ends && result < 0 && result != -ECANCELED)
        WskpSocketKill(s, WskpStatusFromErrno((int)-result));
    if (held) {
        if (batch_ends)
            WskpPump(s);
        else
            WskpKick(s);
        WskpLeave(s);
    }
}

/* ---- indications ------------------------------------------------------------------------- */

/* Lock held. The next nodes of one kind of delivery (D48). */
static ULONG TakeBatch(WSKP_SOCKET *s, LIST_ENTRY *Nodes)
{
    ULONG flags = CONTAINING_RECORD(s->Held.Flink, WSKP_NODE, Link)->Flags;

    for (ULONG i = 0; i < NODES_PER_CALL && !IsListEmpty(&s->Held); i++) {
        WSKP_NODE *n = CONTAINING_RECORD(s->Held.Flink, WSKP_NODE, Link);
        if (n->Flags != flags)
            break;
        HOST_ASSERT(s->HeldBytes >= n->Buf->length);
        s->HeldBytes -= n->Buf->length;
        RemoveEntryList(&n->Link);
        InsertTailList(Nodes, &n->Link);
    }
    return flags;
}

/* Lock held. To where it was: a call that ran at the same time may have put back others (D14). */
static void PutBack(WSKP_SOCKET *s, WSKP_NODE *n)
{
    PLIST_ENTRY e = s->Held.Flink;

    while (e != &s->Held && (LONG)(CONTAINING_RECORD(e, WSKP_NODE, Link)->Arrival - n->Arrival) < 0)
        e = e->Flink;
    InsertTailList(e, &n->Link);
}

/* RFEV-06: not accepted: buffered, and the event is off until it is enabled again. */
static void NotAccepted(WSKP_SOCKET *s, WSKP_NODE **Array, ULONG Count)
{
    LIST_ENTRY back;
    SIZE_T bytes = 0;

    InitializeListHead(&back);
    WskpNodesTakeBack(s, Array, Count, 0, &back);
    host_lock(&s->Lock);
    s->Event[WskpReceiveFrom].Enabled = FALSE;
    for (PLIST_ENTRY e = back.Flink; e != &back; e = e->Flink)
        bytes += CONTAINING_RECORD(e, WSKP_NODE, Link)->Buf->length;
    s->HeldBytes += bytes;
    while (!IsListEmpty(&back))
        PutBack(s, CONTAINING_RECORD(RemoveTailList(&back), WSKP_NODE, Link));
    host_unlock(&s->Lock);
}

static void Indicate(WSKP_SOCKET *s, LIST_ENTRY *Nodes, ULONG Flags)
{
    WSKP_NODE *array[NODES_PER_CALL];
    SIZE_T bytes;
    WSKP_UPCALL upcall;
    PFN_WSK_RECEIVE_FROM_EVENT callback = s->DatagramTable->WskReceiveFromEvent;

    ULONG count = WskpNodesIndicate(s, Nodes, array, NODES_PER_CALL, &bytes);
    WskpUpcallBegin(&upcall);
    NTSTATUS status = callback(s->Context, Flags | WskpUpcallFlags(), &array[0]->Datagram);
    WskpUpcallEnd(&upcall, "WskReceiveFromEvent");
    if (status == STATUS_PENDING) {
        WskpNodesLeave(array, count);
        return;
    }
    if (status != STATUS_SUCCESS && status != STATUS_DATA_NOT_ACCEPTED)
        vf_report(VF_ERROR, "VF-WSK-09", "WSK-RFEV-14", (const void *)callback,
                  "WskReceiveFromEvent returned 0x%08x", status);
    host_lock(&s->Lock);
    BOOLEAN is_static = s->Event[WskpReceiveFrom].Static;
    host_unlock(&s->Lock);
    if (status == STATUS_DATA_NOT_ACCEPTED && !is_static)
        NotAccepted(s, array, count);
    else /* RFEV-07 and D15: the event stays enabled, the datagrams are dropped */
        WskpNodesTakeBack(s, array, count, 0, NULL);
}

/*
 * D14, concurrent: the pump fills the lane of a processor and goes on; the callback runs there. The
 * running call holds the socket, so the lane is there until it ends, and is not touched after that.
 * Only the order in a list is promised: that of arrival, whatever came back meanwhile (RFEV-06).
 */
static void RunLane(WSKP_WORK *Work)
{
    WSKP_LANE *lane = CONTAINING_RECORD(Work, WSKP_LANE, Work);
    WSKP_SOCKET *s = lane->Socket;
    LIST_ENTRY nodes;

    InitializeListHead(&nodes);
    while (!IsListEmpty(&lane->Nodes))
        InsertTailList(&nodes, RemoveHeadList(&lane->Nodes));
    Indicate(s, &nodes, lane->Flags);
    host_lock(&s->Lock);
    lane->Taken = FALSE;
    host_unlock(&s->Lock);
    BOOLEAN held = WskpTryHold(s);
    WskpEventEnd(s, WskpReceiveFrom);
    if (held) {
        WskpKick(s);
        WskpLeave(s);
    }
}

/* The socket's own processor comes last: it is the one that receives. */
NTSTATUS WskpDatagramInit(WSKP_SOCKET *Socket)
{
    WSKP_DATAGRAM_STATE *d = host_zalloc(sizeof(*d));

    Socket->Datagram = d;
    if (d && Wskp.Config.concurrent_datagrams)
        d->Lanes = host_zalloc(Wskp.Processors * sizeof(*d->Lanes));
    if (!d || (Wskp.Config.concurrent_datagrams && !d->Lanes))
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; d->Lanes && i < Wskp.Processors; i++) {
        d->Lanes[i].Socket = Socket;
        InitializeListHead(&d->Lanes[i].Nodes);
        WskpWorkInit(&d->Lanes[i].Work, (Socket->Processor + 1 + i) % Wskp.Processors, RunLane);
    }
    return STATUS_SUCCESS;
}

void WskpDatagramFree(WSKP_SOCKET *Socket)
{
    if (Socket->Datagram)
        host_free(Socket->Datagram->Lanes);
    host_free(Socket->Datagram);
    Socket->Datagram = NULL;
}

/* Lock held; as many calls run as lanes are taken. */
static WSKP_LANE *TakeLane(const WSKP_SOCKET *s)
{
    WSKP_LANE *lane = s->Datagram->Lanes;

    while (lane->Taken)
        lane++;
    lane->Taken = TRUE;
    return lane;
}

/* ---- the pump ---------------------------------------------------------------------------- */

/* Gives one held datagram to a request; consumes the node. */
static void ServeRequest(WSKP_REQUEST *r, WSKP_NODE *n)
{
    SIZE_T copied = 0, length = n->IsError ? 0 : n->Buf->length;

    for (ULONG i = 0; i < r->IovCount && copied < length; i++) {
        SIZE_T part = r->Iov[i].iov_len < length - copied ? r->Iov[i].iov_len : length - copied;
        memcpy(r->Iov[i].iov_base, n->Buf->data + copied, part);
        copied += part;
    }
    WriteOutputs(r, &n->From, &n->Info, copied < length);
    NTSTATUS status = DatagramStatus(copied < length);
    WskpNodeFree(n);
    WskpRequestComplete(r, status, copied);
}

static BOOLEAN PumpRequest(WSKP_SOCKET *s)
{
    WSKP_REQUEST *r = NULL;
    WSKP_NODE *n = NULL;

    host_lock(&s->Lock);
    BOOLEAN dead = !NT_SUCCESS(s->Dead);
    if (WskpCompletesElsewhere(s)) {
        host_unlock(&s->Lock);
        return FALSE;
    }
    if (dead || (!IsListEmpty(&s->Held) && !s->Event[WskpReceiveFrom].Running)) {
        r = WskpQueueTake(&s->Receives);
        if (r && !dead) {
            n = CONTAINING_RECORD(RemoveHeadList(&s->Held), WSKP_NODE, Link);
            HOST_ASSERT(s->HeldBytes >= n->Buf->length);
            s->HeldBytes -= n->Buf->length;
            WskpBeginCompletion(s);
        }
    } else if (s->RxArm == WskpIdle && IsListEmpty(&s->Held) &&
               !s->Event[WskpReceiveFrom].Running) {
        r = WskpQueueTake(&s->Receives);
        if (r)
            s->Receives.Submitted++;
    }
    host_unlock(&s->Lock);
    if (!r)
        return FALSE;
    if (dead) {
        WskpRequestComplete(r, STATUS_FILE_FORCED_CLOSED, 0);
    } else if (n) {
        ServeRequest(r, n);
        (void)WskpEndCompletion(s);
    } else {
        r->Op.flags = NET_F_ASYNC;
        WskpRequestGoOn(r);
    }
    return TRUE;
}

/* Overtaking: although requests wait. */
static BOOLEAN PumpEvent(WSKP_SOCKET *s, BOOLEAN Overtaking)
{
    host_lock(&s->Lock);
    BOOLEAN want = EventWants(s);
    BOOLEAN idle = s->Receives.Submitted == 0 &&
                   (Overtaking || IsListEmpty(&s->Receives.Waiting)) && !WskpCompletesElsewhere(s);
    BOOLEAN indicate =
        want && idle && !IsListEmpty(&s->Held) && WskpEventTryStart(s, WskpReceiveFrom);
    BOOLEAN arm = !indicate && want && idle && !Overtaking && s->RxArm == WskpIdle;
    BOOLEAN disarm = !want && s->RxArm == WskpArmed;
    WSKP_LANE *lane = indicate && s->Datagram->Lanes ? TakeLane(s) : NULL;
    LIST_ENTRY nodes;
    ULONG flags = 0;
    InitializeListHead(&nodes);
    if (indicate)
        flags = TakeBatch(s, lane ? &lane->Nodes : &nodes);
    if (arm)
        s->RxArm = WskpArmed;
    if (disarm)
        s->RxArm = WskpStopping;
    host_unlock(&s->Lock);
    if (lane) {
        lane->Flags = flags;
        WskpWorkQueue(&lane->Work);
    } else if (indicate) {
        Indicate(s, &nodes, flags);
        WskpEventEnd(s, WskpReceiveFrom);
    }
    if (arm) {
        memset(&s->RxInfo, 0, sizeof(s->RxInfo));
        s->RxOp = (struct net_op){ .code = NET_OP_RECVMSG,
                                   .flags = NET_F_MULTI | NET_F_ASYNC,
                                   .done = RxDone,
                                   .info = &s->RxInfo };
        (void)Wskp.Transport->submit(s->Ep, &s->RxOp);
    }
    if (disarm)
        Wskp.Transport->cancel(s->Ep, &s->RxOp);
    return indicate || arm || disarm;
}

/* RFROM-11: datagrams that come at the same time as a request may still be indicated. */
static BOOLEAN PumpOvertaking(WSKP_SOCKET *s)
{
    host_lock(&s->Lock);
    BOOLEAN overtakes = !IsListEmpty(&s->Held) && !IsListEmpty(&s->Receives.Waiting) &&
                        EventWants(s) && host_overtaken("request by receive-from event");
    host_unlock(&s->Lock);
    return overtakes && PumpEvent(s, TRUE);
}

/* D62 */
static BOOLEAN PumpDead(WSKP_SOCKET *s)
{
    WSKP_UPCALL upcall;

    host_lock(&s->Lock);
    WSKP_EVENT *e = &s->Event[WskpReceiveFrom];
    BOOLEAN tell = !NT_SUCCESS(s->Dead) && !e->DeadTold && e->Running == 0 &&
                   WskpEventTryStart(s, WskpReceiveFrom);
    if (tell)
        e->DeadTold = TRUE;
    host_unlock(&s->Lock);
    if (!tell)
        return FALSE;
    WskpUpcallBegin(&upcall);
    (void)s->DatagramTable->WskReceiveFromEvent(s->Context, WskpUpcallFlags(), NULL);
    WskpUpcallEnd(&upcall, "WskReceiveFromEvent");
    WskpEventEnd(s, WskpReceiveFrom);
    return TRUE;
}

void WskpPumpDatagram(WSKP_SOCKET *Socket)
{
    if (!WskpPumpEnter(Socket))
        return;
    do {
        while (PumpDead(Socket) || PumpOvertaking(Socket) || PumpRequest(Socket) ||
               PumpEvent(Socket, FALSE))
            continue;
    } while (!WskpPumpLeave(Socket));
}

NTSTATUS NTAPI WskpReleaseDatagrams(PWSK_SOCKET Public, PWSK_DATAGRAM_INDICATION DatagramIndication)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;

    if (!DatagramIndication)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_DATAGRAM, NULL, "WskRelease", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpReleaseNodes(s, DatagramIndication, TRUE, caller);
    WskpLeave(s);
    return status;
}

const WSK_PROVIDER_DATAGRAM_DISPATCH WskpDatagramDispatch = {
    .WskControlSocket = WskpControlSocket,
    .WskCloseSocket = WskpCloseSocket,
    .WskBind = WskpBind,
    .WskSendTo = WskpSendTo,
    .WskReceiveFrom = WskpReceiveFromRequest,
    .WskRelease = WskpReleaseDatagrams,
    .WskGetLocalAddress = WskpGetLocalAddress,
    .WskSendMessages = WskpSendMessages,
};
