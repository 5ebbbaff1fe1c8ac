/*
 * receive.c: the receive direction of a connection: requests, events and the peer's end.
 *
 * Bytes reach the client in one of two ways. Without an enabled WskReceiveEvent a request goes to
 * the transport directly, which reads into the client's memory. With the event enabled the
 * transport repeats a buffer-mode receive (RxOp); buffers wait in Held until the pump gives them to
 * a queued request (RECV-10) or indicates them. The two never read at the same time, so the byte
 * order cannot be lost: requests are submitted only while RxOp is idle, nothing is held and no
 * callback is running (its bytes may come back), and RxOp is armed only while no request is with
 * the transport.
 *
 * The pump decides under the socket's lock, acts without it, and repeats until nothing is to do.
 * Only one thread pumps a socket at a time (Pumping); another that comes meanwhile leaves PumpAgain
 * behind and goes, so completions and callbacks of one socket keep their order (D14, D30).
 */
#include "wsk/wskp.h"

#include <errno.h>

#define NODES_PER_CALL 32

/* ---- requests with the transport --------------------------------------------------------- */

static BOOLEAN IsExclusive(const WSKP_REQUEST *r)
{
    return (r->Flags & (WSK_FLAG_WAITALL | WSK_FLAG_DRAIN)) != 0;
}

/* Makes Op describe the part of the buffer that is still to be filled. */
static void AimAtRest(WSKP_REQUEST *r)
{
    SIZE_T skip = r->Moved;
    ULONG i = 0;

    while (i < r->IovCount && skip >= r->Iov[i].iov_len)
        skip -= r->Iov[i++].iov_len;
    if (i > 0) {
        memmove(r->Iov, r->Iov + i, (r->IovCount - i) * sizeof(*r->Iov));
        r->IovCount -= i;
    }
    if (skip > 0 && r->IovCount > 0) {
        r->Iov[0].iov_base = (PUCHAR)r->Iov[0].iov_base + skip;
        r->Iov[0].iov_len -= skip;
    }
    r->Length -= r->Moved;
    r->Done += r->Moved;
    r->Moved = 0;
    r->Op.iov = r->Iov;
    r->Op.iovcnt = r->IovCount;
}

/* Lock held. May the head request be read for by the transport now? */
static BOOLEAN MaySubmit(WSKP_SOCKET *s, const WSKP_REQUEST *r)
{
    if (s->RxArm != WskpIdle || !IsListEmpty(&s->Held) || s->Event[WskpReceive].Running ||
        s->Exclusive || WskpCompletesElsewhere(s))
        return FALSE;
    return s->Receives.Submitted == 0 || !IsExclusive(r);
}

/* Lock held. */
static void NoteSubmitted(WSKP_SOCKET *s, const WSKP_REQUEST *r)
{
    s->Receives.Submitted++;
    if (IsExclusive(r))
        s->Exclusive = TRUE;
}

/* Lock held. What the end of a request at the transport says about the direction. */
static void NoteResult(WSKP_SOCKET *s, const WSKP_REQUEST *r, int64_t Result)
{
    s->Receives.Submitted--;
    if (IsExclusive(r))
        s->Exclusive = FALSE;
    if (!(r->Flags & WSK_FLAG_DRAIN))
        s->Suspended = FALSE; /* D17 */
    if (Result == 0)
        s->RxEnd = TRUE;
    if (Result < 0 && Result != -ECANCELED && NT_SUCCESS(s->RxStatus))
        s->RxStatus = WskpStatusFromErrno((int)-Result);
}

static NTSTATUS ResultStatus(const WSKP_REQUEST *r)
{
    return r->Op.result < 0 ? WskpStatusFromErrno((int)-r->Op.result) : STATUS_SUCCESS;
}

/* D06, D09: a failure tells no bytes, but those of a cancelled WAITALL are in the buffer for good.
 */
static void Complete(WSKP_REQUEST *r, NTSTATUS Status)
{
    BOOLEAN counts = NT_SUCCESS(Status) || Status == STATUS_CANCELLED;

    WskpRequestComplete(r, Status, counts ? r->Done : 0);
}

/* A read of the request finished; TRUE when the request is not satisfied yet and must read on. */
static BOOLEAN ReadsOn(WSKP_REQUEST *r)
{
    if (r->Op.buf) { /* DRAIN: thrown away */
        net_buf_put(r->Op.buf);
        r->Op.buf = NULL;
    }
    if (r->Op.result <= 0)
        return FALSE;
    if (r->Flags & WSK_FLAG_DRAIN)
        return TRUE;
    r->Moved = (SIZE_T)r->Op.result;
    BOOLEAN more = (r->Flags & WSK_FLAG_WAITALL) && r->Moved < r->Length;
    AimAtRest(r);
    return more;
}

static void ReceiveDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_SOCKET *s = r->Socket;

    if (ReadsOn(r)) {
        WskpRequestGoOn(r);
        return;
    }
    BOOLEAN held = WskpTryHold(s);
    host_lock(&s->Lock);
    NoteResult(s, r, Op->result);
    if (held)
        WskpBeginCompletion(s);
    host_unlock(&s->Lock);
    Complete(r, ResultStatus(r));
    if (held) {
        (void)WskpEndCompletion(s);
        WskpPump(s);
        WskpLeave(s);
    }
}

/* ---- WskReceive -------------------------------------------------------------------------- */

static NTSTATUS CheckReceive(WSKP_SOCKET *s, const WSK_BUF *Buffer, ULONG Flags)
{
    if (Flags & ~(ULONG)(WSK_FLAG_WAITALL | WSK_FLAG_DRAIN))
        return STATUS_NOT_SUPPORTED;
    if (!Buffer ||
        (Flags & (WSK_FLAG_WAITALL | WSK_FLAG_DRAIN)) == (WSK_FLAG_WAITALL | WSK_FLAG_DRAIN))
        return STATUS_INVALID_PARAMETER;
    if ((Flags & WSK_FLAG_DRAIN) && Buffer->Length > 0)
        return STATUS_INVALID_PARAMETER;
    host_lock(&s->Lock);
    NTSTATUS status = STATUS_SUCCESS;
    if (!NT_SUCCESS(s->Dead))
        status = STATUS_FILE_FORCED_CLOSED;
    else if (s->State != WskpConnected)
        status = STATUS_INVALID_DEVICE_STATE;
    host_unlock(&s->Lock);
    return status;
}

/* A zero-length receive without DRAIN moves nothing; it lets WskReceiveEvent resume (RECV-08, D17).
 */
static void Resume(WSKP_SOCKET *s)
{
    host_lock(&s->Lock);
    s->Suspended = FALSE;
    if (s->Event[WskpReceive].Running)
        s->Rearm = TRUE;
    host_unlock(&s->Lock);
    WskpKick(s);
}

/* Arms the request and lets the pump decide. */
static NTSTATUS Enqueue(WSKP_SOCKET *s, WSKP_REQUEST *r)
{
    host_lock(&s->Lock);
    BOOLEAN queued = WskpQueuePut(&s->Receives, r);
    host_unlock(&s->Lock);
    if (!queued)
        WskpRequestComplete(r, STATUS_CANCELLED, 0);
    WskpKick(s);
    return STATUS_PENDING;
}

static NTSTATUS StartReceive(WSKP_SOCKET *s, WSKP_REQUEST *r, ULONG_PTR *Received, BOOLEAN *Inline)
{
    BOOLEAN wanted, direct, begun = FALSE;

    host_lock(&s->Lock);
    wanted = s->Event[WskpReceive].Enabled && !s->Suspended;
    direct =
        !wanted && IsListEmpty(&s->Receives.Waiting) && NT_SUCCESS(s->RxStatus) && MaySubmit(s, r);
    if (direct) {
        /*
         * Several reads: ReceiveDone goes on. Not the first: the transport may have taken the bytes
         * of the earlier one and not have said so. Too deep: deferring would let a later one
         * overtake.
         */
        begun = !IsExclusive(r) && s->Receives.Submitted == 0 && WskpMayFinishInline();
        r->Begun = begun;
        NoteSubmitted(s, r);
        if (begun)
            WskpBeginInline(s);
    }
    host_unlock(&s->Lock);
    if (!direct) {
        if (!WskpRequestArm(r)) {
            *Inline = TRUE;
            return STATUS_CANCELLED;
        }
        return Enqueue(s, r);
    }
    if (!begun)
        r->Op.flags = NET_F_ASYNC;
    NTSTATUS status = WskpRequestSubmit(r, Inline);
    if (!*Inline) {
        if (begun && WskpEndCompletion(s))
            WskpKick(s);
        return STATUS_PENDING;
    }
    if (status == STATUS_CANCELLED)
        r->Op.result = -ECANCELED;
    host_lock(&s->Lock);
    NoteResult(s, r, r->Op.result);
    BOOLEAN more = !IsListEmpty(&s->Receives.Waiting) || s->Event[WskpReceive].Enabled ||
                   s->FinSeen || r->Op.result <= 0;
    if (begun) {
        WskpReachInline(s);
        s->TurnedAway = s->TurnedAway || more; /* the pump comes when this call has ended */
    }
    host_unlock(&s->Lock);
    if (more && !begun)
        WskpKick(s); /* another request, the event or the peer's end may be due now */
    *Received = r->Op.result > 0 ? (ULONG_PTR)r->Op.result : 0;
    return ResultStatus(r);
}

static NTSTATUS Receive(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp,
                        const char *Function, const void *Caller)
{
    WSKP_SOCKET *s;
    WSKP_REQUEST *r = NULL;
    ULONG_PTR received = 0;
    BOOLEAN done = FALSE, begun;

    if (!WskpTakeIrp(Irp, Function, Caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_CONNECTION | WSKP_STREAM, Irp, Function, Caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = CheckReceive(s, Buffer, Flags);
    if (!NT_SUCCESS(status))
        goto finish;
    if (Buffer->Length == 0 && !(Flags & WSK_FLAG_DRAIN)) {
        Resume(s);
        goto finish;
    }
    r = WskpRequestNew(s, Irp, NET_OP_RECV, ReceiveDone);
    status = r ? WskpRequestMap(r, Buffer, Caller) : STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(status))
        goto finish;
    r->Flags = Flags;
    status = StartReceive(s, r, &received, &done);
    if (!done) {
        WskpLeave(s);
        return STATUS_PENDING;
    }
finish:
    begun = r && r->Begun;
    if (r)
        WskpRequestFree(r);
    status = WskpFinish(s, Irp, status, received);
    if (begun && WskpEndCompletion(s))
        WskpKick(s);
    WskpLeave(s);
    return status;
}

NTSTATUS NTAPI WskpReceiveRequest(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    return Receive(Socket, Buffer, Flags, Irp, "WskReceive", __builtin_return_address(0));
}

/* D36: as WskReceive; TCP has no control data, so the length that comes back is zero. */
NTSTATUS NTAPI WskpReceiveExRequest(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                    PULONG ControlInfoLength, PCMSGHDR ControlInfo,
                                    PULONG ControlFlags, PIRP Irp)
{
    UNREFERENCED_PARAMETER(ControlInfo);
    UNREFERENCED_PARAMETER(ControlFlags);
    if (ControlInfoLength)
        *ControlInfoLength = 0;
    return Receive(Socket, Buffer, Flags, Irp, "WskReceiveEx", __builtin_return_address(0));
}

SIZE_T WskpReceiveBacklog(WSKP_SOCKET *Socket)
{
    struct net_ctl_arg arg = { 0 };

    (void)Wskp.Transport->ctl(Socket->Ep, NET_CTL_QUEUED_IN, &arg);
    host_lock(&Socket->Lock);
    SIZE_T bytes = Socket->HeldBytes + (SIZE_T)arg.value;
    host_unlock(&Socket->Lock);
    return bytes;
}

/* ---- the repeating receive and the watch ------------------------------------------------- */

static void RxDone(struct net_op *Op)
{
    WSKP_SOCKET *s = CONTAINING_RECORD(Op, WSKP_SOCKET, RxOp);
    WSKP_NODE *node = Op->buf ? WskpNodeNew(s, Op->buf) : NULL;
    BOOLEAN lost = Op->buf && !node;

    if (lost)
        net_buf_put(Op->buf);
    Op->buf = NULL;
    BOOLEAN held = WskpTryHold(s);
    host_lock(&s->Lock);
    if (node) {
        InsertTailList(&s->Held, &node->Link);
        s->HeldBytes += node->Buf->length;
        s->HeldDrained = Op->drained;
    }
    if (!Op->more) {
        s->RxArm = WskpIdle;
        if (Op->result == 0)
            s->RxEnd = TRUE;
        else if (Op->result < 0 && Op->result != -ECANCELED && NT_SUCCESS(s->RxStatus))
            s->RxStatus = WskpStatusFromErrno((int)-Op->result);
    }
    if (lost && NT_SUCCESS(s->RxStatus)) /* a gap in the stream must never be passed over */
        s->RxStatus = STATUS_INSUFFICIENT_RESOURCES;
    host_unlock(&s->Lock);
    if (held) {
        WskpPump(s);
        WskpLeave(s);
    }
}

static void WatchDone(struct net_op *Op)
{
    WSKP_SOCKET *s = CONTAINING_RECORD(Op, WSKP_SOCKET, WatchOp);
    BOOLEAN held = WskpTryHold(s);

    host_lock(&s->Lock);
    s->WatchArm = WskpIdle;
    if (Op->result == 0)
        s->FinSeen = TRUE;
    else if (Op->result != -ECANCELED && NT_SUCCESS(s->RxStatus))
        s->RxStatus = WskpStatusFromErrno((int)-Op->result);
    host_unlock(&s->Lock);
    if (held) {
        WskpPump(s);
        WskpLeave(s);
    }
}

/* ---- indications ------------------------------------------------------------------------- */

/* Lock not held; Running is ours. Takes nodes off Held and gives them to the client. */
static void Indicate(WSKP_SOCKET *s)
{
    LIST_ENTRY nodes, back;
    WSKP_NODE *array[NODES_PER_CALL];
    SIZE_T bytes, accepted;

    InitializeListHead(&nodes);
    InitializeListHead(&back);
    host_lock(&s->Lock);
    for (ULONG i = 0; i < NODES_PER_CALL && !IsListEmpty(&s->Held); i++)
        InsertTailList(&nodes, RemoveHeadList(&s->Held));
    ULONG flags = s->HeldDrained && IsListEmpty(&s->Held) ? WSK_FLAG_ENTIRE_MESSAGE : 0;
    if (s->RetainedBytes > WSKP_RELEASE_ASAP_BYTES)
        flags |= WSK_FLAG_RELEASE_ASAP;
    host_unlock(&s->Lock);
    ULONG count = WskpNodesIndicate(s, &nodes, array, NODES_PER_CALL, &bytes);
    host_lock(&s->Lock);
    HOST_ASSERT(s->HeldBytes >= bytes);
    s->HeldBytes -= bytes;
    host_unlock(&s->Lock);

    WSKP_UPCALL upcall;
    PFN_WSK_RECEIVE_EVENT callback = s->ConnectionTable->WskReceiveEvent;
    accepted = bytes; /* D16 */
    WskpUpcallBegin(&upcall);
    NTSTATUS status =
        callback(s->Context, flags | WskpUpcallFlags(), &array[0]->Data, bytes, &accepted);
    WskpUpcallEnd(&upcall, "WskReceiveEvent");
    if (status == STATUS_PENDING) {
        WskpNodesLeave(array, count);
        return;
    }
    if (status != STATUS_SUCCESS) {
        if (status != STATUS_DATA_NOT_ACCEPTED)
            vf_report(VF_ERROR, "VF-WSK-09", "WSK-RCVE-17", (const void *)callback,
                      "WskReceiveEvent returned 0x%08x", status);
        accepted = 0; /* RCVE-07, D15 */
    } else if (accepted > bytes) {
        vf_report(VF_ERROR, "VF-WSK-09", "WSK-RCVE-15", (const void *)callback,
                  "WskReceiveEvent accepted %llu of %llu bytes", (unsigned long long)accepted,
                  (unsigned long long)bytes);
        accepted = bytes;
    }
    WskpNodesTakeBack(s, array, count, accepted, accepted == bytes ? NULL : &back);
    if (accepted == bytes)
        return;
    host_lock(&s->Lock);
    while (!IsListEmpty(&back)) { /* without what the client released inside the callback */
        WSKP_NODE *n = CONTAINING_RECORD(RemoveTailList(&back), WSKP_NODE, Link);
        s->HeldBytes += n->Buf->length - n->Consumed;
        InsertHeadList(&s->Held, &n->Link);
    }
    s->Suspended = !s->Rearm;
    s->Rearm = FALSE;
    host_unlock(&s->Lock);
}

/* ---- the pump ---------------------------------------------------------------------------- */

/* Lock held. Moves held bytes into the head request; TRUE when the request is finished. */
static BOOLEAN ServeFromHeld(WSKP_SOCKET *s, WSKP_REQUEST *r, LIST_ENTRY *Empty)
{
    while (!IsListEmpty(&s->Held)) {
        WSKP_NODE *n = CONTAINING_RECORD(s->Held.Flink, WSKP_NODE, Link);
        SIZE_T have = n->Buf->length - n->Consumed, used = 0;
        if (r->Flags & WSK_FLAG_DRAIN) {
            used = have;
        } else {
            for (ULONG i = 0; i < r->IovCount && used < have; i++) {
                SIZE_T part = r->Iov[i].iov_len < have - used ? r->Iov[i].iov_len : have - used;
                memcpy(r->Iov[i].iov_base, n->Buf->data + n->Consumed + used, part);
                used += part;
            }
            r->Moved = used;
            AimAtRest(r);
        }
        n->Consumed += (ULONG)used;
        HOST_ASSERT(s->HeldBytes >= used);
        s->HeldBytes -= used;
        if (n->Consumed == n->Buf->length) {
            RemoveEntryList(&n->Link);
            InsertTailList(Empty, &n->Link);
        }
        if (!(r->Flags & WSK_FLAG_DRAIN) && r->Length == 0)
            return TRUE;
    }
    return r->Done > 0 && !IsExclusive(r);
}

typedef enum _ACTION {
    ActNothing,
    ActComplete, /* Request, with Status */
    ActSubmit,   /* Request */
    ActArm,      /* RxOp */
    ActDisarm,   /* RxOp */
    ActIndicate,
    ActWatch,
    ActWatchReset, /* an abort may follow the graceful end */
    ActGraceful,
    ActAbortive,
    ActBacklog
} ACTION;

typedef struct _DECISION {
    WSKP_REQUEST *Request;
    NTSTATUS Status;
    LIST_ENTRY Empty; /* nodes to free */
} DECISION;

/* Lock held. The head of the request queue. */
static ACTION DecideRequest(WSKP_SOCKET *s, DECISION *d)
{
    if (IsListEmpty(&s->Receives.Waiting) || s->Event[WskpReceive].Running)
        return ActNothing;
    WSKP_REQUEST *r = CONTAINING_RECORD(s->Receives.Waiting.Flink, WSKP_REQUEST, Link);
    if (s->Receives.Submitted > 0 && (!IsListEmpty(&s->Held) || s->RxArm != WskpIdle))
        return ActNothing;
    if (!IsListEmpty(&s->Held) && ServeFromHeld(s, r, &d->Empty)) {
        if (!(r->Flags & WSK_FLAG_DRAIN))
            s->Suspended = FALSE; /* D17 */
        d->Request = WskpQueueTake(&s->Receives);
        d->Status = STATUS_SUCCESS;
        WskpBeginCompletion(s);
        return ActComplete;
    }
    if (!IsListEmpty(&s->Held))
        return ActNothing;
    if ((s->RxEnd || !NT_SUCCESS(s->RxStatus)) && s->Receives.Submitted == 0) {
        d->Request = WskpQueueTake(&s->Receives);
        d->Status = s->RxStatus;
        WskpBeginCompletion(s);
        return ActComplete;
    }
    if (!MaySubmit(s, r))
        return ActNothing;
    d->Request = WskpQueueTake(&s->Receives);
    NoteSubmitted(s, d->Request);
    return ActSubmit;
}

/*
 * Lock held. RECV-11: bytes that come at the same time as a request may still be indicated. Not
 * when the request has begun, as bytes in its middle would be missing. TRUE: the event has started.
 */
static BOOLEAN EventOvertakes(WSKP_SOCKET *s)
{
    if (IsListEmpty(&s->Held) || IsListEmpty(&s->Receives.Waiting) || s->Receives.Submitted > 0 ||
        !s->Event[WskpReceive].Enabled || s->Suspended || s->State != WskpConnected ||
        !NT_SUCCESS(s->RxStatus))
        return FALSE;
    const WSKP_REQUEST *r = CONTAINING_RECORD(s->Receives.Waiting.Flink, WSKP_REQUEST, Link);
    return r->Done == 0 && host_overtaken("request by receive event") &&
           WskpEventTryStart(s, WskpReceive);
}

/* Lock held. The repeating receive and the event. */
static ACTION DecideEvent(WSKP_SOCKET *s)
{
    const WSKP_EVENT *e = &s->Event[WskpReceive];
    BOOLEAN open =
        s->State == WskpConnected && !s->RxEnd && NT_SUCCESS(s->RxStatus) && NT_SUCCESS(s->Dead);
    BOOLEAN want = e->Enabled && !s->Suspended && !s->AcceptDelivering && open;

    if (s->RxArm == WskpArmed && !want && open) {
        s->RxArm = WskpStopping;
        return ActDisarm;
    }
    if (!IsListEmpty(&s->Held) && IsListEmpty(&s->Receives.Waiting) && s->Receives.Submitted == 0 &&
        !s->Suspended && s->State == WskpConnected && NT_SUCCESS(s->RxStatus) &&
        WskpEventTryStart(s, WskpReceive))
        return ActIndicate;
    if (want && s->RxArm == WskpIdle && s->Receives.Submitted == 0 &&
        IsListEmpty(&s->Receives.Waiting)) {
        s->RxArm = WskpArmed;
        return ActArm;
    }
    return ActNothing;
}

/* The host's queue has nothing that was not read. */
static BOOLEAN HostQueueEmpty(WSKP_SOCKET *s)
{
    struct net_ctl_arg arg = { 0 };
    return Wskp.Transport->ctl(s->Ep, NET_CTL_QUEUED_IN, &arg) == 0 && arg.value == 0;
}

/* Lock held. The peer's end (D61). */
static ACTION DecideDisconnect(WSKP_SOCKET *s)
{
    if (!s->Event[WskpDisconnect].Enabled || s->State != WskpConnected || s->AcceptDelivering ||
        !NT_SUCCESS(s->Dead)) /* D62: a dead socket is not a disconnected one */
        return ActNothing;
    if (!NT_SUCCESS(s->RxStatus)) {
        if (s->AbortTold || !WskpEventTryStart(s, WskpDisconnect))
            return ActNothing;
        s->AbortTold = s->DisconnectTold = TRUE;
        return ActAbortive;
    }
    if (s->FinSeen && !s->RxEnd && s->RxArm == WskpIdle && s->Receives.Submitted == 0 &&
        IsListEmpty(&s->Held) && HostQueueEmpty(s))
        s->RxEnd = TRUE;
    if (s->RxEnd && !s->DisconnectTold && IsListEmpty(&s->Held) && !s->Event[WskpReceive].Running) {
        if (!WskpEventTryStart(s, WskpDisconnect))
            return ActNothing;
        s->DisconnectTold = TRUE;
        return ActGraceful;
    }
    if (s->WatchArm != WskpIdle)
        return ActNothing;
    s->WatchArm = WskpArmed;
    return s->FinSeen || s->RxEnd ? ActWatchReset : ActWatch;
}

/* Lock held. D61: an abort drops what was not read; D62: a dead socket tells its events once. */
static void DropAfterAbort(WSKP_SOCKET *s, DECISION *d)
{
    if (NT_SUCCESS(s->RxStatus) || s->Event[WskpReceive].Running)
        return;
    while (!IsListEmpty(&s->Held))
        InsertTailList(&d->Empty, RemoveHeadList(&s->Held));
    s->HeldBytes = 0;
}

static void TellDisconnect(WSKP_SOCKET *s, ULONG Flags)
{
    WSKP_UPCALL upcall;
    PFN_WSK_DISCONNECT_EVENT callback = s->ConnectionTable->WskDisconnectEvent;

    WskpUpcallBegin(&upcall);
    NTSTATUS status = callback(s->Context, Flags | WskpUpcallFlags());
    WskpUpcallEnd(&upcall, "WskDisconnectEvent");
    if (status != STATUS_SUCCESS)
        vf_report(VF_ERROR, "VF-WSK-09", "WSK-DEVT-07", (const void *)callback,
                  "WskDisconnectEvent returned 0x%08x", status);
}

static void SubmitOp(WSKP_SOCKET *s, struct net_op *Op, enum net_opcode Code, ULONG Flags,
                     void (*Done)(struct net_op *))
{
    *Op = (struct net_op){ .code = Code, .flags = Flags | NET_F_ASYNC, .done = Done };
    (void)Wskp.Transport->submit(s->Ep, Op);
}

static void Act(WSKP_SOCKET *s, ACTION Action, DECISION *d)
{
    switch (Action) {
    case ActComplete:
        Complete(d->Request, d->Status);
        (void)WskpEndCompletion(s);
        break;
    case ActSubmit:
        if (d->Request->Flags & WSK_FLAG_DRAIN)
            d->Request->Op.iovcnt = 0;
        d->Request->Op.flags = NET_F_ASYNC;
        WskpRequestGoOn(d->Request);
        break;
    case ActArm:
        SubmitOp(s, &s->RxOp, NET_OP_RECV, NET_F_MULTI, RxDone);
        break;
    case ActDisarm:
        Wskp.Transport->cancel(s->Ep, &s->RxOp);
        break;
    case ActIndicate:
        Indicate(s);
        WskpEventEnd(s, WskpReceive);
        break;
    case ActWatch:
    case ActWatchReset:
        SubmitOp(s, &s->WatchOp, NET_OP_WATCH, Action == ActWatchReset ? NET_F_ABORT : 0,
                 WatchDone);
        break;
    case ActGraceful:
    case ActAbortive:
        TellDisconnect(s, Action == ActAbortive ? WSK_FLAG_ABORTIVE : 0);
        WskpEventEnd(s, WskpDisconnect);
        break;
    case ActBacklog:
        WskpUpdateBacklog(s);
        break;
    case ActNothing:
        break;
    }
}

/* D62: a dead connection tells WskReceiveEvent by a NULL indication, once. */
static BOOLEAN TellDead(WSKP_SOCKET *s)
{
    host_lock(&s->Lock);
    WSKP_EVENT *e = &s->Event[WskpReceive];
    BOOLEAN tell = !NT_SUCCESS(s->Dead) && !e->DeadTold && WskpEventTryStart(s, WskpReceive);
    if (tell)
        e->DeadTold = TRUE;
    host_unlock(&s->Lock);
    if (!tell)
        return FALSE;
    WSKP_UPCALL upcall;
    SIZE_T accepted = 0;
    WskpUpcallBegin(&upcall);
    (void)s->ConnectionTable->WskReceiveEvent(s->Context, WskpUpcallFlags(), NULL, 0, &accepted);
    WskpUpcallEnd(&upcall, "WskReceiveEvent");
    WskpEventEnd(s, WskpReceive);
    return TRUE;
}

/* Lock held. */
static ACTION Decide(WSKP_SOCKET *s, DECISION *d)
{
    if (WskpCompletesElsewhere(s))
        return ActNothing;
    if (EventOvertakes(s))
        return ActIndicate;
    ACTION action = DecideRequest(s, d);
    if (action == ActNothing)
        action = DecideEvent(s);
    if (action == ActNothing)
        action = DecideDisconnect(s);
    if (action == ActNothing && s->BacklogDue) {
        s->BacklogDue = FALSE;
        action = ActBacklog;
    }
    return action;
}

void WskpPumpConnection(WSKP_SOCKET *Socket)
{
    WSKP_SOCKET *s = Socket;
    ACTION action;

    if (!WskpPumpEnter(s))
        return;
    do {
        DECISION d = { 0 };
        InitializeListHead(&d.Empty);
        TellDead(s);
        host_lock(&s->Lock);
        DropAfterAbort(s, &d);
        action = Decide(s, &d);
        host_unlock(&s->Lock);
        WskpReclaimNodes(&d.Empty);
        Act(s, action, &d);
    } while (action != ActNothing || !WskpPumpLeave(s));
}

/* ---- WskRelease -------------------------------------------------------------------------- */

NTSTATUS NTAPI WskpReleaseData(PWSK_SOCKET Public, PWSK_DATA_INDICATION DataIndication)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;

    if (!DataIndication)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status =
        WskpEnter(Public, WSKP_CONNECTION | WSKP_STREAM, NULL, "WskRelease", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpReleaseNodes(s, DataIndication, FALSE, caller);
    WskpLeave(s);
    return status;
}
