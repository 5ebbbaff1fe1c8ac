/*
 * socket.c: a socket from its creation to the end of its close.
 *
 * Busy counts who may be using the socket: running functions, running callbacks, deferred
 * completions and queued kicks. Its top bit says that WskCloseSocket was called; from then on
 * nobody new gets in. Whoever brings the count to zero after that submits the transport's close, so
 * the endpoint cannot go away under anybody. The transport ends every pending operation, whose IRPs
 * complete, before the close's own done() runs, which is the last access: it completes the close
 * IRP (CLOSE-02 to CLOSE-04, D10).
 *
 * The done() handlers of operations need no Busy count: they run on the socket's loop thread before
 * the close's done() does.
 *
 * Freed sockets go to a quarantine list, never back to the allocator while the subsystem runs, so
 * that a use after close reads a dead magic number instead of foreign memory.
 */
#include "wsk/wskp.h"

#define QUARANTINE_MAX 256

static struct host_lock QuarantineLock = HOST_LOCK_INIT(HOST_RANK_WSK_LEAF);
static LIST_ENTRY Quarantine = { &Quarantine, &Quarantine };
static ULONG QuarantineCount;

static const VOID *TableOf(UCHAR Category)
{
    switch (Category) {
    case WSKP_LISTEN:
        return &WskpListenDispatch;
    case WSKP_CONNECTION:
        return &WskpConnectionDispatch;
    case WSKP_DATAGRAM:
        return &WskpDatagramDispatch;
    case WSKP_STREAM:
        return &WskpStreamDispatch;
    default:
        return &WskpBasicDispatch;
    }
}

static void SetClientTables(WSKP_SOCKET *Socket, const VOID *Dispatch)
{
    if (!Dispatch)
        return;
    switch (Socket->Category) {
    case WSKP_LISTEN:
        Socket->ListenTable = Dispatch;
        break;
    case WSKP_CONNECTION:
        Socket->ConnectionTable = Dispatch;
        break;
    case WSKP_DATAGRAM:
        Socket->DatagramTable = Dispatch;
        break;
    case WSKP_STREAM:
        Socket->ListenTable = ((const WSK_CLIENT_STREAM_DISPATCH *)Dispatch)->Listen;
        Socket->ConnectionTable = ((const WSK_CLIENT_STREAM_DISPATCH *)Dispatch)->Connect;
        break;
    }
}

static void RunKick(WSKP_WORK *Work);

static void InitSocket(WSKP_SOCKET *s, const WSKP_CREATE *c)
{
    s->Public.Dispatch = TableOf(c->Category);
    s->Category = c->Category;
    s->Processor = (UCHAR)c->Processor;
    s->Type = c->Type;
    s->Family = c->Family;
    s->Protocol = c->Protocol;
    s->Client = c->Client;
    s->Context = c->Context;
    s->OwningProcess = c->Process;
    s->OwningThread = c->Thread;
    s->Owner = c->Owner;
    s->State = WskpUnbound;
    s->IdealBacklog = WSKP_IDEAL_BACKLOG_BYTES;
    s->Options.V6Only = c->Family == AF_INET6;
    host_lock_init(&s->Lock, HOST_RANK_WSK_SOCKET);
    WskpQueueInit(&s->Receives);
    InitializeListHead(&s->Held);
    InitializeListHead(&s->AddressChanges);
    WskpWorkInit(&s->Kick, s->Processor, RunKick);
    SetClientTables(s, c->Dispatch);
    WskpEventInit(s, c->Client->StaticMask);
}

/* The parts that only some categories have. */
static NTSTATUS AllocateParts(WSKP_SOCKET *s)
{
    if (s->Category == WSKP_LISTEN || s->Category == WSKP_STREAM) {
        s->Listener = host_zalloc(sizeof(*s->Listener));
        if (!s->Listener)
            return STATUS_INSUFFICIENT_RESOURCES;
        InitializeListHead(&s->Listener->Fresh);
        InitializeListHead(&s->Listener->Pended);
        InitializeListHead(&s->Listener->Ready);
        InitializeListHead(&s->Listener->Aborted);
    }
    if (s->Category == WSKP_DATAGRAM || s->Category == WSKP_BASIC) {
        return WskpDatagramInit(s);
    }
    return STATUS_SUCCESS;
}

/*
 * "No particular protocol" of a raw socket (CTL-08): the host has no such socket, but one of the
 * protocol that is reserved for raw packets, which hears nothing.
 */
static int HostProtocol(const WSKP_CREATE *c)
{
    return c->Type == SOCK_RAW && c->Protocol == 0 ? IPPROTO_RAW : (int)c->Protocol;
}

static NTSTATUS OpenEndpoint(const WSKP_CREATE *c, WSKP_SOCKET *s)
{
    struct net_open o = { .kind = c->Type == SOCK_STREAM  ? NET_EP_STREAM
                                  : c->Type == SOCK_DGRAM ? NET_EP_DATAGRAM
                                                          : NET_EP_RAW,
                          .family = c->Family == AF_INET6 ? NET_IP6 : NET_IP4,
                          .protocol = HostProtocol(c),
                          .rx_limit_bytes = Wskp.Config.rx_limit_bytes,
                          .user = s };
    int error = Wskp.Transport->open(Wskp.Net[c->Processor], &o, &s->Ep);
    return error ? WskpStatusFromErrno(-error) : STATUS_SUCCESS;
}

static void FreeParts(WSKP_SOCKET *s)
{
    host_free(s->Listener);
    WskpDatagramFree(s);
    s->Listener = NULL;
}

NTSTATUS WskpSocketCreate(const WSKP_CREATE *Create, WSKP_SOCKET **Socket)
{
    WSKP_SOCKET *s = host_zalloc(sizeof(*s));
    if (!s)
        return STATUS_INSUFFICIENT_RESOURCES;
    InitSocket(s, Create);
    NTSTATUS status = AllocateParts(s);
    if (!NT_SUCCESS(status))
        goto free_socket;
    if (Create->Security) {
        s->Security = WskpSecurityReference(Create->Security);
        if (!s->Security) {
            vf_report(VF_ERROR, "VF-WSK-21", "WSK-SOCK-17", Create->Owner,
                      "the security descriptor did not come from WSK_CACHE_SD");
            status = STATUS_INVALID_PARAMETER;
            goto free_socket;
        }
    }
    if (Create->Ep) {
        s->Ep = Create->Ep;
        net_ep_set_user(s->Ep, s);
    } else {
        status = OpenEndpoint(Create, s);
    }
    if (!NT_SUCCESS(status))
        goto free_security;
    s->Magic = WSKP_SOCKET_MAGIC;
    WskpClientPin(s->Client, &s->Client->Sockets);
    __atomic_store_n(&s->Client->SocketCreated, TRUE, __ATOMIC_RELAXED);
    host_lock(&s->Client->Lock);
    InsertTailList(&s->Client->SocketList, &s->ClientLink);
    host_unlock(&s->Client->Lock);
    if (s->OwningProcess)
        ObReferenceObject(s->OwningProcess);
    if (s->OwningThread)
        ObReferenceObject(s->OwningThread);
    vf_born(VF_WSK_SOCKET, s, sizeof(*s), s->Category, s->Owner);
    *Socket = s;
    return STATUS_SUCCESS;

free_security:
    if (s->Security)
        WskpSecurityDereference(s->Security);
free_socket:
    FreeParts(s);
    host_free(s);
    return status;
}

/* ---- entry and exit ---------------------------------------------------------------------- */

static NTSTATUS Refuse(PIRP Irp, NTSTATUS Status)
{
    if (Irp)
        (void)WskpFinish(NULL, Irp, Status, 0);
    return Status;
}

BOOLEAN WskpTryHold(WSKP_SOCKET *Socket)
{
    ULONG old = __atomic_load_n(&Socket->Busy, __ATOMIC_RELAXED);

    do {
        if (old & WSKP_CLOSING)
            return FALSE;
    } while (!__atomic_compare_exchange_n(&Socket->Busy, &old, old + 1, TRUE, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return TRUE;
}

NTSTATUS WskpEnter(PWSK_SOCKET Public, ULONG Categories, PIRP Irp, const char *Function,
                   const void *Caller, WSKP_SOCKET **Socket)
{
    WSKP_SOCKET *s = (WSKP_SOCKET *)Public;

    if (KiThread()->Irql > DISPATCH_LEVEL)
        vf_report(VF_ERROR, "VF-IRQL-01", "WSK-IRQL-05", Caller, "%s was called at IRQL %u",
                  Function, KiThread()->Irql);
    if (!s || s->Magic != WSKP_SOCKET_MAGIC) {
        BOOLEAN freed = s && s->Magic == WSKP_SOCKET_FREED;
        vf_report(VF_ERROR, freed ? "VF-WSK-01" : "VF-WSK-02",
                  freed ? "WSK-CLOSE-12" : "WSK-CAT-11", Caller, "%s got %s", Function,
                  freed ? "a socket that was closed" : "a pointer that is no socket");
        return Refuse(Irp, STATUS_INVALID_PARAMETER);
    }
    if (!(s->Category & Categories)) {
        vf_report(VF_ERROR, "VF-WSK-02", "WSK-CAT-10", Caller,
                  "%s does not belong to the category of the socket", Function);
        return Refuse(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
    if (!WskpTryHold(s)) {
        vf_report(VF_ERROR, "VF-WSK-01", "WSK-CLOSE-12", Caller,
                  "%s was called after WskCloseSocket", Function);
        return Refuse(Irp, STATUS_FILE_FORCED_CLOSED);
    }
    *Socket = s;
    return STATUS_SUCCESS;
}

/* ---- close ------------------------------------------------------------------------------- */

static void CancelWaiting(WSKP_SOCKET *s)
{
    for (;;) {
        host_lock(&s->Lock);
        WSKP_REQUEST *r = WskpQueueTake(&s->Receives);
        host_unlock(&s->Lock);
        if (!r)
            return;
        WskpRequestComplete(r, STATUS_CANCELLED, r->Done);
    }
}

/*
 * Both directions are shut: nothing is lost by a plain close (CLOSE-05, CLOSE-06). Ours is shut
 * when the peer has acknowledged our FIN; before, a plain close would pass off as an orderly end
 * that the bytes in front of the FIN were dropped (DISC-05).
 */
static BOOLEAN FullyDisconnected(WSKP_SOCKET *s)
{
    struct net_ctl_arg arg = { 0 };

    host_lock(&s->Lock);
    BOOLEAN sent = s->SendShut && !s->Aborted, received = s->RxEnd, held = !IsListEmpty(&s->Held);
    host_unlock(&s->Lock);
    if (!sent || Wskp.Transport->ctl(s->Ep, NET_CTL_TCP_INFO, &arg) != 0 || !arg.tcp.fin_acked)
        return FALSE;
    if (received)
        return TRUE;
    return arg.tcp.fin_received && !held &&
           Wskp.Transport->ctl(s->Ep, NET_CTL_QUEUED_IN, &arg) == 0 && arg.value == 0;
}

static void Bury(WSKP_SOCKET *s)
{
    WSKP_SOCKET *oldest = NULL;

    s->Magic = WSKP_SOCKET_FREED;
    host_lock(&QuarantineLock);
    InsertTailList(&Quarantine, &s->ClientLink);
    if (++QuarantineCount > QUARANTINE_MAX) {
        oldest = CONTAINING_RECORD(RemoveHeadList(&Quarantine), WSKP_SOCKET, ClientLink);
        QuarantineCount--;
    }
    host_unlock(&QuarantineLock);
    host_free(oldest);
}

void WskpDrainQuarantine(void)
{
    while (!IsListEmpty(&Quarantine))
        host_free(CONTAINING_RECORD(RemoveHeadList(&Quarantine), WSKP_SOCKET, ClientLink));
    QuarantineCount = 0;
}

/*
 * Lock held; Busy has drained. Whoever is inside of the socket would go on with an endpoint whose
 * close is submitted, which need not show otherwise.
 */
static void AssertDrained(const WSKP_SOCKET *s)
{
    HOST_ASSERT(__atomic_load_n(&s->Busy, __ATOMIC_ACQUIRE) == WSKP_CLOSING);
    HOST_ASSERT(!s->Pumping && !s->PumpAgain && s->Completing == 0);
    for (ULONG kind = 0; kind < WskpEventKinds; kind++)
        HOST_ASSERT(s->Event[kind].Running == 0 && !s->Event[kind].DisableIrp);
}

/*
 * Nothing is left behind a close: a count that is too high would only make a socket slow, or have
 * it wait for what never comes.
 */
static void AssertAtRest(WSKP_SOCKET *s)
{
    SIZE_T held = 0;

    host_lock(&s->Lock);
    AssertDrained(s);
    HOST_ASSERT(s->Receives.Submitted == 0 && IsListEmpty(&s->Receives.Waiting) && !s->Exclusive);
    HOST_ASSERT(s->RxArm == WskpIdle && s->WatchArm == WskpIdle);
    for (PLIST_ENTRY e = s->Held.Flink; e != &s->Held; e = e->Flink) {
        const WSKP_NODE *n = CONTAINING_RECORD(e, WSKP_NODE, Link);
        held += n->Buf->length - n->Consumed;
    }
    HOST_ASSERT(s->HeldBytes == held);
    host_unlock(&s->Lock);
}

static void CloseDone(struct net_op *Op)
{
    WSKP_SOCKET *s = CONTAINING_RECORD(Op, WSKP_SOCKET, CloseOp);

    AssertAtRest(s);
    WskpReclaimNodes(&s->Held); /* what arrived after the close began, too */
    WSKP_CLIENT *client = s->Client;
    PIRP irp = s->CloseIrp;
    NTSTATUS status = s->CloseStatus;
    if (s->Share)
        WskpShareRelease(s);
    if (s->Security)
        WskpSecurityDereference(s->Security);
    if (s->OwningProcess)
        ObDereferenceObject(s->OwningProcess);
    if (s->OwningThread)
        ObDereferenceObject(s->OwningThread);
    host_lock(&client->Lock);
    RemoveEntryList(&s->ClientLink);
    host_unlock(&client->Lock);
    vf_died(VF_WSK_SOCKET, s);
    FreeParts(s);
    Bury(s);
    if (irp)
        WskpCompleteIrp(irp, status, 0);
    WskpClientUnpin(client, &client->Sockets);
}

/* Busy has drained: nobody but the loop thread can reach the socket any more. */
static void StartClose(WSKP_SOCKET *s)
{
    host_lock(&s->Lock);
    HOST_ASSERT(!s->CloseStarted);
    AssertDrained(s);
    BOOLEAN stream = s->Type == SOCK_STREAM && s->State >= WskpConnecting;
    LONG retained = s->RetainedNodes;
    s->CloseStarted = TRUE;
    host_unlock(&s->Lock);
    CancelWaiting(s);
    if (retained > 0)
        vf_report(VF_ERROR, "VF-WSK-06", "WSK-RET-06", s->Owner,
                  "a socket was closed with %d retained indications", retained);
    BOOLEAN abort = stream && !FullyDisconnected(s);
    if (s->Listener)
        WskpListenerDrop(s);
    s->CloseOp = (struct net_op){ .code = NET_OP_CLOSE,
                                  .flags = abort ? NET_F_ABORT : 0,
                                  .done = CloseDone };
    (void)Wskp.Transport->submit(s->Ep, &s->CloseOp);
}

void WskpLeave(WSKP_SOCKET *Socket)
{
    if (__atomic_sub_fetch(&Socket->Busy, 1, __ATOMIC_ACQ_REL) == WSKP_CLOSING)
        StartClose(Socket);
}

void WskpSocketClose(WSKP_SOCKET *Socket, PIRP Irp, NTSTATUS FinalStatus)
{
    if (!WskpTryHold(Socket)) /* WskAcceptEvent has closed the socket that it did not accept */
        return;
    Socket->CloseIrp = Irp;
    Socket->CloseStatus = FinalStatus;
    __atomic_fetch_or(&Socket->Busy, WSKP_CLOSING, __ATOMIC_ACQ_REL);
    WskpLeave(Socket);
}

NTSTATUS NTAPI WskpCloseSocket(PWSK_SOCKET Public, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;

    if (!WskpTakeIrp(Irp, "WskCloseSocket", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, ~0u, Irp, "WskCloseSocket", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    if (__atomic_fetch_or(&s->Busy, WSKP_CLOSING, __ATOMIC_ACQ_REL) & WSKP_CLOSING) {
        vf_report(VF_ERROR, "VF-WSK-01", "WSK-CLOSE-13", caller, "two threads close one socket");
        status = WskpFinish(NULL, Irp, STATUS_FILE_FORCED_CLOSED, 0);
        WskpLeave(s);
        return status;
    }
    IoMarkIrpPending(Irp);
    s->CloseIrp = Irp; /* our Busy count keeps StartClose away until it is set */
    s->CloseStatus = STATUS_SUCCESS;
    WskpIoctlCancel(s);
    WskpLeave(s);
    return STATUS_PENDING;
}

/* ---- the pump ---------------------------------------------------------------------------- */

void WskpPump(WSKP_SOCKET *Socket)
{
    host_lock(&Socket->Lock);
    BOOLEAN listening = Socket->State == WskpListening;
    host_unlock(&Socket->Lock);
    if (listening)
        WskpPumpListener(Socket);
    else if (Socket->Category == WSKP_DATAGRAM)
        WskpPumpDatagram(Socket);
    else if (WskpIsConnection(Socket))
        WskpPumpConnection(Socket);
}

BOOLEAN WskpPumpEnter(WSKP_SOCKET *Socket)
{
    if (!WskpTryHold(Socket))
        return FALSE;
    host_lock(&Socket->Lock);
    BOOLEAN first = !Socket->Pumping;
    if (first)
        Socket->Pumping = TRUE;
    else
        Socket->PumpAgain = TRUE;
    host_unlock(&Socket->Lock);
    if (!first)
        WskpLeave(Socket);
    return first;
}

BOOLEAN WskpPumpLeave(WSKP_SOCKET *Socket)
{
    host_lock(&Socket->Lock);
    BOOLEAN again = Socket->PumpAgain;
    Socket->PumpAgain = FALSE;
    if (!again)
        Socket->Pumping = FALSE;
    host_unlock(&Socket->Lock);
    if (!again)
        WskpLeave(Socket);
    return !again;
}

static void RunKick(WSKP_WORK *Work)
{
    WSKP_SOCKET *s = CONTAINING_RECORD(Work, WSKP_SOCKET, Kick);

    __atomic_store_n(&s->KickPending, FALSE, __ATOMIC_SEQ_CST);
    WskpPump(s);
    WskpLeave(s);
}

void WskpKick(WSKP_SOCKET *Socket)
{
    if (__atomic_exchange_n(&Socket->KickPending, TRUE, __ATOMIC_SEQ_CST))
        return; /* queued and not yet started: it will see what we did */
    if (!WskpTryHold(Socket))
        return;
    WskpWorkQueue(&Socket->Kick);
}

void WskpSocketKill(WSKP_SOCKET *Socket, NTSTATUS Status)
{
    host_lock(&Socket->Lock);
    if (NT_SUCCESS(Socket->Dead))
        Socket->Dead = Status;
    host_unlock(&Socket->Lock);
    WskpKick(Socket);
}
