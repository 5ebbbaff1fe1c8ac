/*
 * connection.c: connect, send and disconnect on connection and stream sockets.
 *
 * A connect may carry data (WskConnectEx) and a disconnect may too; such a request goes to the
 * transport twice, phase by phase, under one IRP. The receive direction is receive.c.
 */
#include "wsk/wskp.h"

NTSTATUS WskpCheckDead(WSKP_SOCKET *Socket)
{
    host_lock(&Socket->Lock);
    NTSTATUS dead = Socket->Dead;
    host_unlock(&Socket->Lock);
    return NT_SUCCESS(dead) ? STATUS_SUCCESS : STATUS_FILE_FORCED_CLOSED;
}

/* ---- connect ----------------------------------------------------------------------------- */

void WskpBecomeConnected(WSKP_SOCKET *Socket, const struct net_addr *Remote)
{
    host_lock(&Socket->Lock);
    Socket->State = WskpConnected;
    Socket->Remote = *Remote;
    host_unlock(&Socket->Lock);
}

/* The phase that follows a finished one; FALSE when there is none. */
static BOOLEAN NextPhase(WSKP_REQUEST *r)
{
    if (r->Phase == WskpPhaseConnect && r->Length > 0) {
        r->Op.code = NET_OP_SEND;
        r->Phase = WskpPhaseData;
        return TRUE;
    }
    if (r->Phase == WskpPhaseData && (r->Flags & WSKP_REQUEST_DISCONNECT)) {
        r->Op.code = NET_OP_SHUTDOWN;
        r->Op.iovcnt = 0;
        r->Phase = WskpPhaseShutdown;
        return TRUE;
    }
    return FALSE;
}

static void ConnectFailed(WSKP_SOCKET *s)
{
    host_lock(&s->Lock);
    if (s->State == WskpConnecting)
        s->State = WskpBound; /* D08: connectable again */
    host_unlock(&s->Lock);
}

static void ConnectDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_SOCKET *s = r->Socket;
    BOOLEAN owns = (r->Flags & WSKP_REQUEST_OWNS_SOCKET) != 0;

    if (Op->result < 0) {
        NTSTATUS status = WskpStatusFromErrno((int)-Op->result);
        if (r->Phase == WskpPhaseConnect)
            ConnectFailed(s);
        if (owns)
            WskpSocketClose(s, WskpRequestDetach(r), status);
        else
            WskpRequestComplete(r, status, 0);
        return;
    }
    if (r->Phase == WskpPhaseConnect)
        WskpBecomeConnected(s, &r->Op.addr);
    if (NextPhase(r)) {
        WskpRequestGoOn(r);
        return;
    }
    BOOLEAN held = WskpTryHold(s);
    WskpRequestComplete(r, STATUS_SUCCESS, owns ? (ULONG_PTR)s : 0);
    if (held) {
        WskpPump(s);
        WskpLeave(s);
    }
}

NTSTATUS WskpConnectSocket(WSKP_SOCKET *Socket, const struct net_addr *Remote,
                           const WSK_BUF *Buffer, BOOLEAN OwnsSocket, PIRP Irp, const void *Caller)
{
    WSKP_REQUEST *r = WskpRequestNew(Socket, Irp, NET_OP_CONNECT, ConnectDone);
    NTSTATUS status = r ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;

    if (r && Buffer)
        status = WskpRequestMap(r, Buffer, Caller);
    if (NT_SUCCESS(status)) {
        r->Op.addr = *Remote;
        r->Phase = WskpPhaseConnect;
        r->Flags = OwnsSocket ? WSKP_REQUEST_OWNS_SOCKET : 0;
        r->Op.flags = NET_F_ASYNC; /* so that the outcome is handled in one place: ConnectDone */
        host_lock(&Socket->Lock);
        if (Socket->State != WskpBound)
            status = STATUS_INVALID_DEVICE_STATE;
        else
            Socket->State = WskpConnecting;
        host_unlock(&Socket->Lock);
    }
    if (NT_SUCCESS(status)) {
        BOOLEAN done;
        status = WskpRequestSubmit(r, &done);
        if (!done)
            return STATUS_PENDING;
        ConnectFailed(Socket);
    }
    if (r)
        WskpRequestFree(r);
    if (!OwnsSocket)
        return WskpFinish(Socket, Irp, status, 0);
    IoMarkIrpPending(Irp);
    WskpSocketClose(Socket, Irp, status);
    return STATUS_PENDING;
}

static NTSTATUS Connect(PWSK_SOCKET Public, PSOCKADDR RemoteAddress, PWSK_BUF Buffer, ULONG Flags,
                        PIRP Irp, const char *Function, const void *Caller)
{
    WSKP_SOCKET *s;
    struct net_addr remote;

    if (!WskpTakeIrp(Irp, Function, Caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_CONNECTION | WSKP_STREAM, Irp, Function, Caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpCheckDead(s);
    if (NT_SUCCESS(status) && Flags != 0)
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = WskpAddressIn(s->Family, RemoteAddress, &remote);
    if (NT_SUCCESS(status) && Buffer && Buffer->Length > 65535)
        status = STATUS_BUFFER_OVERFLOW; /* CONX-03 */
    if (!NT_SUCCESS(status))
        status = WskpFinish(s, Irp, status, 0);
    else
        status = WskpConnectSocket(s, &remote, Buffer, FALSE, Irp, Caller);
    WskpLeave(s);
    return status;
}

NTSTATUS NTAPI WskpConnect(PWSK_SOCKET Socket, PSOCKADDR RemoteAddress, ULONG Flags, PIRP Irp)
{
    return Connect(Socket, RemoteAddress, NULL, Flags, Irp, "WskConnect",
                   __builtin_return_address(0));
}

NTSTATUS NTAPI WskpConnectEx(PWSK_SOCKET Socket, PSOCKADDR RemoteAddress, PWSK_BUF Buffer,
                             ULONG Flags, PIRP Irp)
{
    return Connect(Socket, RemoteAddress, Buffer, Flags, Irp, "WskConnectEx",
                   __builtin_return_address(0));
}

/* ---- send -------------------------------------------------------------------------------- */

/* D64: looks at the congestion window and tells the driver of a change by a factor of two. */
void WskpUpdateBacklog(WSKP_SOCKET *Socket)
{
    WSKP_SOCKET *s = Socket;
    struct net_ctl_arg arg = { 0 };

    host_lock(&s->Lock);
    BOOLEAN wanted = s->Event[WskpBacklog].Enabled;
    host_unlock(&s->Lock);
    if (!wanted || Wskp.Transport->ctl(s->Ep, NET_CTL_TCP_INFO, &arg) != 0)
        return;
    SIZE_T ideal = (SIZE_T)arg.tcp.cwnd_segments * arg.tcp.mss_bytes;
    if (ideal < WSKP_IDEAL_BACKLOG_BYTES)
        ideal = WSKP_IDEAL_BACKLOG_BYTES;
    host_lock(&s->Lock);
    BOOLEAN changed = ideal >= 2 * s->IdealBacklog || s->IdealBacklog >= 2 * ideal;
    BOOLEAN start = changed && WskpEventTryStart(s, WskpBacklog);
    if (start)
        s->IdealBacklog = ideal;
    host_unlock(&s->Lock);
    if (!start)
        return;
    WSKP_UPCALL upcall;
    WskpUpcallBegin(&upcall);
    NTSTATUS status = s->ConnectionTable->WskSendBacklogEvent(s->Context, ideal);
    WskpUpcallEnd(&upcall, "WskSendBacklogEvent");
    if (status != STATUS_SUCCESS)
        vf_report(VF_ERROR, "VF-WSK-09", "WSK-BKLG-03",
                  (const void *)s->ConnectionTable->WskSendBacklogEvent,
                  "WskSendBacklogEvent returned 0x%08x", status);
    WskpEventEnd(s, WskpBacklog);
}

/* Lets the pump look at the backlog: never inside the call that sent. */
static BOOLEAN NoteSent(WSKP_SOCKET *s)
{
    host_lock(&s->Lock);
    BOOLEAN watched = s->Event[WskpBacklog].Enabled;
    if (watched)
        s->BacklogDue = TRUE;
    host_unlock(&s->Lock);
    return watched;
}

static void SendDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_SOCKET *s = r->Socket;
    NTSTATUS status = Op->result < 0 ? WskpStatusFromErrno((int)-Op->result) : STATUS_SUCCESS;
    BOOLEAN held = WskpTryHold(s);

    WskpRequestComplete(r, status, Op->result < 0 ? 0 : (ULONG_PTR)Op->result);
    if (held) {
        if (NoteSent(s))
            WskpPump(s);
        WskpLeave(s);
    }
}

/* *Watched: the driver wants to hear of the ideal backlog. */
static NTSTATUS CheckSend(WSKP_SOCKET *s, ULONG Flags, BOOLEAN *Watched)
{
    if (Flags & ~(ULONG)WSK_FLAG_NODELAY)
        return STATUS_NOT_SUPPORTED; /* SEND-05 */
    host_lock(&s->Lock);
    NTSTATUS status = STATUS_SUCCESS;
    if (!NT_SUCCESS(s->Dead))
        status = STATUS_FILE_FORCED_CLOSED;
    else if (s->State != WskpConnected || s->SendShut)
        status = STATUS_INVALID_DEVICE_STATE; /* D34 */
    *Watched = s->Event[WskpBacklog].Enabled;
    host_unlock(&s->Lock);
    return status;
}

static NTSTATUS Send(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp,
                     const char *Function, const void *Caller)
{
    WSKP_SOCKET *s;
    WSKP_REQUEST *r = NULL;
    ULONG_PTR sent = 0;
    BOOLEAN done = FALSE, watched = FALSE;

    if (!WskpTakeIrp(Irp, Function, Caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_CONNECTION | WSKP_STREAM, Irp, Function, Caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = Buffer ? CheckSend(s, Flags, &watched) : STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(status))
        goto finish;
    r = WskpRequestNew(s, Irp, NET_OP_SEND, SendDone);
    status = r ? WskpRequestMap(r, Buffer, Caller) : STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(status))
        goto finish;
    r->Op.flags = (Flags & WSK_FLAG_NODELAY) ? NET_F_NODELAY : 0;
    if (!WskpMayFinishInline()) /* D30: deferring would let a later one overtake */
        r->Op.flags |= NET_F_ASYNC;
    if (Wskp.Config.strict_send && r->Length > 0)
        r->Op.flags |= NET_F_ACKED; /* D29 */
    status = WskpRequestSubmit(r, &done);
    if (!done) {
        WskpLeave(s);
        return STATUS_PENDING;
    }
    if (NT_SUCCESS(status) && r->Op.result < 0)
        status = WskpStatusFromErrno((int)-r->Op.result);
    if (NT_SUCCESS(status))
        sent = (ULONG_PTR)r->Op.result;
finish:
    if (r)
        WskpRequestFree(r);
    status = WskpFinish(s, Irp, status, sent);
    if (watched && NoteSent(s))
        WskpKick(s);
    WskpLeave(s);
    return status;
}

NTSTATUS NTAPI WskpSend(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    return Send(Socket, Buffer, Flags, Irp, "WskSend", __builtin_return_address(0));
}

/* D36: as WskSend; TCP has no control data to send, so any is refused. */
NTSTATUS NTAPI WskpSendEx(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags, ULONG ControlInfoLength,
                          PCMSGHDR ControlInfo, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);

    if (ControlInfoLength == 0 || !ControlInfo)
        return Send(Socket, Buffer, Flags, Irp, "WskSendEx", caller);
    if (!WskpTakeIrp(Irp, "WskSendEx", caller))
        return STATUS_INVALID_PARAMETER;
    return WskpFinish(NULL, Irp, STATUS_NOT_SUPPORTED, 0);
}

/* ---- disconnect -------------------------------------------------------------------------- */

static void DisconnectDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_SOCKET *s = r->Socket;

    if (Op->result >= 0 && NextPhase(r)) {
        WskpRequestGoOn(r);
        return;
    }
    BOOLEAN held = WskpTryHold(s);
    WskpRequestComplete(r, Op->result < 0 ? WskpStatusFromErrno((int)-Op->result) : STATUS_SUCCESS,
                        0);
    if (held) {
        WskpPump(s); /* an abort leaves receives to be ended */
        WskpLeave(s);
    }
}

static NTSTATUS PrepareDisconnect(WSKP_REQUEST *r, const WSK_BUF *Buffer, ULONG Flags,
                                  const void *Caller)
{
    BOOLEAN data = Buffer && Buffer->Length > 0;

    if (Flags & ~(ULONG)WSK_FLAG_ABORTIVE)
        return STATUS_INVALID_PARAMETER;
    if ((Flags & WSK_FLAG_ABORTIVE) && data)
        return STATUS_INVALID_PARAMETER; /* DISC-10 */
    if (Flags & WSK_FLAG_ABORTIVE)
        r->Op.flags = NET_F_ABORT;
    if (!data)
        return STATUS_SUCCESS;
    r->Op.code = NET_OP_SEND;
    r->Phase = WskpPhaseData;
    r->Flags = WSKP_REQUEST_DISCONNECT;
    r->Op.flags = NET_F_ASYNC; /* the next phase starts in DisconnectDone */
    return WskpRequestMap(r, Buffer, Caller);
}

/*
 * The socket is shut from here on. The last thing before the submission, with the request armed:
 * then nothing can fail any more, and nothing has to be taken back that others have seen.
 */
static NTSTATUS Shut(WSKP_SOCKET *s, ULONG Flags)
{
    BOOLEAN abort = (Flags & WSK_FLAG_ABORTIVE) != 0;

    host_lock(&s->Lock);
    NTSTATUS status = STATUS_SUCCESS;
    if (!NT_SUCCESS(s->Dead))
        status = STATUS_FILE_FORCED_CLOSED;
    else if (s->State != WskpConnected || s->Aborted || (s->SendShut && !abort))
        status = STATUS_INVALID_DEVICE_STATE;
    if (NT_SUCCESS(status)) {
        s->SendShut = TRUE;
        if (abort) {
            s->Aborted = TRUE;
            s->DisconnectTold = s->AbortTold = TRUE; /* DEVT-05 */
            s->RxStatus = STATUS_CONNECTION_ABORTED;
        }
    }
    host_unlock(&s->Lock);
    return status;
}

NTSTATUS NTAPI WskpDisconnectRequest(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;
    WSKP_REQUEST *r = NULL;
    BOOLEAN done = FALSE;

    if (!WskpTakeIrp(Irp, "WskDisconnect", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status =
        WskpEnter(Public, WSKP_CONNECTION | WSKP_STREAM, Irp, "WskDisconnect", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    r = WskpRequestNew(s, Irp, NET_OP_SHUTDOWN, DisconnectDone);
    status = r ? PrepareDisconnect(r, Buffer, Flags, caller) : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status) && !WskpRequestArm(r))
        status = STATUS_CANCELLED; /* before the call (D08) */
    if (!NT_SUCCESS(status))
        goto finish;
    status = Shut(s, Flags);
    if (!NT_SUCCESS(status)) {
        WskpRequestDisarm(r, TRUE);
        goto finish;
    }
    status = WskpRequestSubmitArmed(r, &done);
    if (!done) {
        WskpLeave(s);
        return STATUS_PENDING;
    }
    if (r->Op.result < 0)
        status = WskpStatusFromErrno((int)-r->Op.result);
finish:
    if (r)
        WskpRequestFree(r);
    status = WskpFinish(s, Irp, status, 0);
    WskpKick(s); /* an abort leaves receives to be ended */
    WskpLeave(s);
    return status;
}

const WSK_PROVIDER_CONNECTION_DISPATCH WskpConnectionDispatch = {
    .WskControlSocket = WskpControlSocket,
    .WskCloseSocket = WskpCloseSocket,
    .WskBind = WskpBind,
    .WskConnect = WskpConnect,
    .WskGetLocalAddress = WskpGetLocalAddress,
    .WskGetRemoteAddress = WskpGetRemoteAddress,
    .WskSend = WskpSend,
    .WskReceive = WskpReceiveRequest,
    .WskDisconnect = WskpDisconnectRequest,
    .WskRelease = WskpReleaseData,
    .WskConnectEx = WskpConnectEx,
    .WskSendEx = WskpSendEx,
    .WskReceiveEx = WskpReceiveExRequest,
};
