/*
 * listen.c: listening sockets: accept by request and by event, and conditional accept.
 *
 * The host accepts; a connection that the host gave us and that nobody has taken yet is a
 * WSKP_INCOMING. Without an enabled event and without conditional accept, requests go to the
 * transport one by one and further connections wait in the host's backlog (D24). Otherwise a
 * repeating accept (RxOp) feeds the lists of the listener:
 *
 *   Fresh -> (WskInspectEvent) -> Ready -> delivered
 *                             \-> Pended -> (WskInspectComplete) -> Ready
 *   Pended or Ready, conditional accept only -> Aborted (the peer reset it) -> WskAbortEvent
 *
 * A watch tells when the peer of an inspected connection goes away. It runs on the connection's own
 * loop while the lists belong to the listener, so both sides meet under InspectLock: an incoming
 * connection points to its listener as long as it is on one of its lists.
 *
 * D25: the host has answered the SYN already; a rejected peer sees a reset.
 */
#include "wsk/wskp.h"

#include <errno.h>

typedef struct _WSKP_INCOMING {
    LIST_ENTRY Link;
    struct net_ep *Ep; /* NULL once a socket took it */
    struct net_addr Local, Remote;
    ULONG Processor;
    WSK_INSPECT_ID Id;
    WSKP_SOCKET *Listener; /* under InspectLock; NULL: on no list of a listener */
    LONG Refs;             /* the list's (or its user's) and the watch's */
    struct net_op WatchOp;
    struct net_op CloseOp;
} WSKP_INCOMING;

/* Protects the lists of all listeners and the Listener of what is on them. */
static struct host_lock InspectLock = HOST_LOCK_INIT(HOST_RANK_WSK_LEAF);

static void Drop(WSKP_INCOMING *i)
{
    if (InterlockedDecrement(&i->Refs) == 0)
        host_free(i);
}

static void ResetEnded(void)
{
    if (InterlockedDecrement(&Wskp.Resets) == 0)
        KeSetEvent(&Wskp.NoResets, IO_NO_INCREMENT, FALSE);
}

void WskpBootListeners(void)
{
    Wskp.Resets = 1;
    KeInitializeEvent(&Wskp.NoResets, NotificationEvent, FALSE);
}

void WskpShutdownListeners(void)
{
    ResetEnded();
    (void)KeWaitForSingleObject(&Wskp.NoResets, Executive, KernelMode, FALSE, NULL);
}

static void IncomingClosed(struct net_op *Op)
{
    Drop(CONTAINING_RECORD(Op, WSKP_INCOMING, CloseOp));
    ResetEnded();
}

/* Resets the connection; consumes the caller's reference. */
static void Reset(WSKP_INCOMING *i)
{
    InterlockedIncrement(&Wskp.Resets);
    i->CloseOp =
        (struct net_op){ .code = NET_OP_CLOSE, .flags = NET_F_ABORT, .done = IncomingClosed };
    (void)Wskp.Transport->submit(i->Ep, &i->CloseOp);
}

/*
 * Connections for which there is no memory: they are reset one after the other, with the one
 * operation that is here, and wait on a list that runs through the endpoints' user pointers.
 */
static struct {
    struct net_ep *First; /* both under InspectLock */
    BOOLEAN Busy;
    struct net_op CloseOp;
} Doomed;

static void DoomedClosed(struct net_op *Op);

static void CloseDoomed(void)
{
    struct net_ep *ep = NULL;

    host_lock(&InspectLock);
    if (!Doomed.Busy && Doomed.First) {
        ep = Doomed.First;
        Doomed.First = net_ep_user(ep);
        Doomed.Busy = TRUE;
    }
    host_unlock(&InspectLock);
    if (!ep)
        return;
    Doomed.CloseOp =
        (struct net_op){ .code = NET_OP_CLOSE, .flags = NET_F_ABORT, .done = DoomedClosed };
    (void)Wskp.Transport->submit(ep, &Doomed.CloseOp);
}

static void DoomedClosed(struct net_op *Op)
{
    UNREFERENCED_PARAMETER(Op);
    host_lock(&InspectLock);
    Doomed.Busy = FALSE;
    host_unlock(&InspectLock);
    CloseDoomed();
    ResetEnded();
}

static void Doom(struct net_ep *Ep)
{
    InterlockedIncrement(&Wskp.Resets);
    host_lock(&InspectLock);
    net_ep_set_user(Ep, Doomed.First);
    Doomed.First = Ep;
    host_unlock(&InspectLock);
    CloseDoomed();
}

static ULONG ProcessorOf(struct net_ep *Ep)
{
    struct net *net = net_ep_net(Ep);

    for (ULONG p = 0; p < Wskp.Processors; p++)
        if (Wskp.Net[p] == net)
            return p;
    return 0;
}

/* Where an accepted connection will live: the processors take turns. */
static struct net *Place(struct net_op *Op)
{
    UNREFERENCED_PARAMETER(Op);
    return Wskp.Net[(ULONG)InterlockedIncrement(&Wskp.NextProcessor) % Wskp.Processors];
}

/* What the host gave us; NULL without memory, then it is gone. */
static WSKP_INCOMING *NewIncoming(struct net_op *Op)
{
    WSKP_INCOMING *i = host_zalloc(sizeof(*i));

    if (!i) {
        Doom(Op->accepted);
        return NULL;
    }
    i->Ep = Op->accepted;
    i->Local = Op->local;
    i->Remote = Op->addr;
    i->Processor = ProcessorOf(i->Ep);
    i->Refs = 1;
    return i;
}

/* ---- lists ------------------------------------------------------------------------------- */

static void PutOn(LIST_ENTRY *List, WSKP_SOCKET *Listener, WSKP_INCOMING *i)
{
    host_lock(&InspectLock);
    i->Listener = Listener;
    InsertTailList(List, &i->Link);
    host_unlock(&InspectLock);
}

static WSKP_INCOMING *TakeFrom(LIST_ENTRY *List)
{
    WSKP_INCOMING *i = NULL;

    host_lock(&InspectLock);
    if (!IsListEmpty(List)) {
        i = CONTAINING_RECORD(RemoveHeadList(List), WSKP_INCOMING, Link);
        i->Listener = NULL;
    }
    host_unlock(&InspectLock);
    return i;
}

static BOOLEAN IsEmpty(LIST_ENTRY *List)
{
    host_lock(&InspectLock);
    BOOLEAN empty = IsListEmpty(List);
    host_unlock(&InspectLock);
    return empty;
}

/* InspectLock held. */
static void Remember(WSKP_LISTENER *l, ULONG Serial)
{
    l->AbortedSerials[l->AbortedNext++ % WSKP_REMEMBERED_ABORTS] = Serial;
}

/* ---- the watch of an inspected connection ------------------------------------------------ */

static void IncomingWatchDone(struct net_op *Op)
{
    WSKP_INCOMING *i = CONTAINING_RECORD(Op, WSKP_INCOMING, WatchOp);
    WSKP_SOCKET *listener = NULL;

    host_lock(&InspectLock);
    if (Op->result < 0 && Op->result != -ECANCELED && i->Listener && WskpTryHold(i->Listener)) {
        listener = i->Listener;
        RemoveEntryList(&i->Link);
        InsertTailList(&listener->Listener->Aborted, &i->Link);
        Remember(listener->Listener, i->Id.SerialNumber);
    }
    host_unlock(&InspectLock);
    if (listener) {
        WskpKick(listener);
        WskpLeave(listener);
    }
    Drop(i);
}

static void StartWatch(WSKP_INCOMING *i)
{
    InterlockedIncrement(&i->Refs);
    i->WatchOp =
        (struct net_op){ .code = NET_OP_WATCH, .flags = NET_F_ASYNC, .done = IncomingWatchDone };
    (void)Wskp.Transport->submit(i->Ep, &i->WatchOp);
}

/* ---- delivery ---------------------------------------------------------------------------- */

static NTSTATUS MakeSocket(WSKP_SOCKET *Listener, WSKP_INCOMING *i, PVOID Context,
                           const VOID *Table, WSKP_SOCKET **Accepted)
{
    WSKP_CREATE create = { .Client = Listener->Client,
                           .Family = Listener->Family,
                           .Type = SOCK_STREAM,
                           .Protocol = IPPROTO_TCP,
                           .Category = WSKP_CONNECTION,
                           .Context = Context,
                           .Dispatch = Table,
                           .Process = Listener->OwningProcess,
                           .Thread = Listener->OwningThread,
                           .Ep = i->Ep,
                           .Processor = i->Processor,
                           .Owner = Listener->Owner };
    NTSTATUS status = WskpSocketCreate(&create, Accepted);

    if (!NT_SUCCESS(status)) {
        Reset(i);
        return status;
    }
    (*Accepted)->HasInspectId = i->Id.SerialNumber != 0;
    (*Accepted)->InspectId = i->Id;
    WskpInheritOptions(Listener, *Accepted);
    WskpBecomeConnected(*Accepted, &i->Remote);
    if (i->WatchOp.done)
        Wskp.Transport->cancel(i->Ep, &i->WatchOp);
    Drop(i);
    return STATUS_SUCCESS;
}

/* Gives the connection to a WskAccept request. */
static NTSTATUS DeliverToRequest(WSKP_SOCKET *s, WSKP_INCOMING *i, const WSKP_REQUEST *r,
                                 WSKP_SOCKET **Accepted)
{
    struct net_addr local = i->Local, remote = i->Remote;
    NTSTATUS status = MakeSocket(s, i, r->AcceptContext, r->AcceptTable, Accepted);

    if (!NT_SUCCESS(status))
        return status;
    if (r->LocalOut)
        WskpAddressOut(s->Family, &local, r->LocalOut);
    if (r->RemoteOut)
        WskpAddressOut(s->Family, &remote, r->RemoteOut);
    return STATUS_SUCCESS;
}

/* The accepted socket's own events may begin. */
static void Release(WSKP_SOCKET *Accepted, BOOLEAN Kick)
{
    host_lock(&Accepted->Lock);
    Accepted->AcceptDelivering = FALSE;
    host_unlock(&Accepted->Lock);
    if (Kick)
        WskpKick(Accepted);
}

static void DeliverToEvent(WSKP_SOCKET *s, WSKP_INCOMING *i)
{
    SOCKADDR_INET local, remote;
    WSKP_SOCKET *accepted;
    PVOID context = NULL;
    const WSK_CLIENT_CONNECTION_DISPATCH *table = NULL;
    PFN_WSK_ACCEPT_EVENT callback = s->ListenTable->WskAcceptEvent;

    WskpAddressOut(s->Family, &i->Local, (PSOCKADDR)&local);
    WskpAddressOut(s->Family, &i->Remote, (PSOCKADDR)&remote);
    if (!NT_SUCCESS(MakeSocket(s, i, NULL, NULL, &accepted)))
        return;
    accepted->AcceptDelivering = TRUE; /* D23 */
    /*
     * The callback knows the socket, and may give it to another thread: whoever closes it does not
     * get it away from under us (CLOSE-03, D77).
     */
    BOOLEAN held = WskpTryHold(accepted);
    HOST_ASSERT(held);
    WSKP_UPCALL upcall;
    WskpUpcallBegin(&upcall);
    NTSTATUS status = callback(s->Context, WskpUpcallFlags(), (PSOCKADDR)&local, (PSOCKADDR)&remote,
                               &accepted->Public, &context, &table);
    WskpUpcallEnd(&upcall, "WskAcceptEvent");
    if (status != STATUS_SUCCESS) {
        if (status != STATUS_REQUEST_NOT_ACCEPTED)
            vf_report(VF_ERROR, "VF-WSK-09", "WSK-ACC-21", (const void *)callback,
                      "WskAcceptEvent returned 0x%08x", status);
        WskpSocketClose(accepted, NULL, STATUS_SUCCESS); /* ACC-11 */
        WskpLeave(accepted);
        return;
    }
    host_lock(&accepted->Lock);
    accepted->Context = context;
    accepted->ConnectionTable = table;
    for (ULONG k = 0; k < WskpEventKinds; k++)
        if (accepted->Event[k].Enabled && !WskpEventHasCallback(accepted, k))
            accepted->Event[k].Enabled = FALSE;
    WskpEventInit(accepted, accepted->Client->StaticMask);
    WskpEventPreset(s, accepted);
    host_unlock(&accepted->Lock);
    Release(accepted, TRUE);
    WskpLeave(accepted);
}

/* ---- conditional accept ------------------------------------------------------------------ */

/* Finds the request by content (INSP-13) and moves it on. */
static NTSTATUS Decide(WSKP_SOCKET *Listener, const WSK_INSPECT_ID *Id, BOOLEAN Accept)
{
    WSKP_LISTENER *l = Listener->Listener;
    WSKP_INCOMING *found = NULL;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    host_lock(&InspectLock);
    for (PLIST_ENTRY e = l->Pended.Flink; e != &l->Pended && !found; e = e->Flink) {
        WSKP_INCOMING *i = CONTAINING_RECORD(e, WSKP_INCOMING, Link);
        if (i->Id.Key == Id->Key && i->Id.SerialNumber == Id->SerialNumber)
            found = i;
    }
    if (found) {
        RemoveEntryList(&found->Link);
        found->Listener = Accept ? Listener : NULL;
        if (Accept)
            InsertTailList(&l->Ready, &found->Link);
        status = STATUS_SUCCESS;
    }
    for (ULONG n = 0; !found && n < WSKP_REMEMBERED_ABORTS; n++)
        if (Id->SerialNumber != 0 && l->AbortedSerials[n] == Id->SerialNumber)
            status = STATUS_SUCCESS; /* D26 */
    host_unlock(&InspectLock);
    if (found && !Accept)
        Reset(found);
    if (found)
        WskpKick(Listener);
    return status;
}

/* A rejected request that the peer reset meanwhile is no aborted one: nobody waits for it
 * (INSP-09). */
static void ForgetAbort(WSKP_SOCKET *s, const WSK_INSPECT_ID *Id)
{
    WSKP_LISTENER *l = s->Listener;
    WSKP_INCOMING *found = NULL;

    host_lock(&InspectLock);
    for (PLIST_ENTRY e = l->Aborted.Flink; e != &l->Aborted && !found; e = e->Flink) {
        WSKP_INCOMING *i = CONTAINING_RECORD(e, WSKP_INCOMING, Link);
        if (i->Id.SerialNumber == Id->SerialNumber)
            found = i;
    }
    if (found) {
        RemoveEntryList(&found->Link);
        found->Listener = NULL;
    }
    host_unlock(&InspectLock);
    if (found)
        Reset(found);
}

static void Inspect(WSKP_SOCKET *s, WSKP_INCOMING *i)
{
    SOCKADDR_INET local, remote;
    WSK_INSPECT_ID id;
    WSKP_UPCALL upcall;

    WskpAddressOut(s->Family, &i->Local, (PSOCKADDR)&local);
    WskpAddressOut(s->Family, &i->Remote, (PSOCKADDR)&remote);
    i->Id.Key = (ULONG_PTR)i;
    i->Id.SerialNumber = ++s->Listener->NextSerial;
    /* The client gets a copy: its pointer is good for the call only (INSP-12). So do we: the
     * request is anybody's as soon as it is on Pended. */
    const WSK_INSPECT_ID mine = i->Id;
    id = mine;
    /* On Pended before the call, so that WskInspectComplete may come at once from anywhere. */
    PutOn(&s->Listener->Pended, s, i);
    StartWatch(i);
    WskpUpcallBegin(&upcall);
    WSK_INSPECT_ACTION action =
        s->ListenTable->WskInspectEvent(s->Context, (PSOCKADDR)&local, (PSOCKADDR)&remote, &id);
    WskpUpcallEnd(&upcall, "WskInspectEvent");
    if (action == WskInspectPend)
        return;
    if (action != WskInspectAccept && action != WskInspectReject)
        vf_report(VF_ERROR, "VF-WSK-09", "WSK-INSP-05",
                  (const void *)s->ListenTable->WskInspectEvent, "WskInspectEvent returned %d",
                  action);
    (void)Decide(s, &mine, action == WskInspectAccept);
    if (action != WskInspectAccept)
        ForgetAbort(s, &mine);
}

static void TellAbort(WSKP_SOCKET *s, WSKP_INCOMING *i)
{
    WSK_INSPECT_ID id = i->Id;
    WSKP_UPCALL upcall;

    WskpUpcallBegin(&upcall);
    NTSTATUS status = s->ListenTable->WskAbortEvent(s->Context, &id);
    WskpUpcallEnd(&upcall, "WskAbortEvent");
    if (status != STATUS_SUCCESS)
        vf_report(VF_WARNING, "VF-WSK-09", "WSK-INSP-15",
                  (const void *)s->ListenTable->WskAbortEvent, "WskAbortEvent returned 0x%08x",
                  status);
    Reset(i);
}

NTSTATUS NTAPI WskpInspectComplete(PWSK_SOCKET Public, PWSK_INSPECT_ID InspectID,
                                   WSK_INSPECT_ACTION Action, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;

    if (!WskpTakeIrp(Irp, "WskInspectComplete", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_LISTEN, Irp, "WskInspectComplete", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpCheckDead(s);
    if (NT_SUCCESS(status) &&
        (!InspectID || (Action != WskInspectAccept && Action != WskInspectReject)))
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = Decide(s, InspectID, Action == WskInspectAccept);
    status = WskpFinish(s, Irp, status, 0);
    WskpLeave(s);
    return status;
}

/* ---- accepting --------------------------------------------------------------------------- */

/*
 * What an accept that failed says to the driver. The transport keeps to itself what befalls single
 * connections; an error of the socket itself means that the host took it away (D62).
 */
static NTSTATUS AcceptFailed(WSKP_SOCKET *s, int64_t Result)
{
    switch (Result) {
    case -EINVAL:
    case -EBADF:
    case -ENOTSOCK:
    case -EOPNOTSUPP:
        WskpSocketKill(s, STATUS_FILE_FORCED_CLOSED);
        return STATUS_FILE_FORCED_CLOSED;
    default:
        return WskpStatusFromErrno((int)-Result);
    }
}

static void AcceptDone(struct net_op *Op)
{
    WSKP_SOCKET *s = CONTAINING_RECORD(Op, WSKP_SOCKET, RxOp);
    BOOLEAN held = WskpTryHold(s);
    int64_t result = Op->result; /* once the receive is idle, the operation is whoever's arms it */

    if (result >= 0 && Op->accepted) {
        WSKP_INCOMING *i = NewIncoming(Op);
        Op->accepted = NULL;
        host_lock(&s->Lock); /* the option shares its word with others that may be set now */
        BOOLEAN inspect = s->Options.ConditionalAccept;
        host_unlock(&s->Lock);
        if (i && held)
            PutOn(inspect ? &s->Listener->Fresh : &s->Listener->Ready, s, i);
        else if (i)
            Reset(i);
    }
    host_lock(&s->Lock);
    if (!Op->more)
        s->RxArm = WskpIdle;
    host_unlock(&s->Lock);
    if (result < 0 && held)
        (void)AcceptFailed(s, result);
    if (held) {
        WskpPump(s);
        WskpLeave(s);
    }
}

/* A WskAccept request that was with the transport got its connection, or an error. */
static NTSTATUS FinishAccept(WSKP_REQUEST *r, WSKP_SOCKET **Accepted)
{
    WSKP_SOCKET *s = r->Socket;

    host_lock(&s->Lock);
    s->Receives.Submitted--;
    host_unlock(&s->Lock);
    if (r->Op.result < 0)
        return AcceptFailed(s, r->Op.result);
    WSKP_INCOMING *i = NewIncoming(&r->Op);
    if (!i)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (__atomic_load_n(&s->Busy, __ATOMIC_ACQUIRE) & WSKP_CLOSING) {
        Reset(i); /* D24: closing the listener resets what was not delivered */
        return STATUS_CANCELLED;
    }
    return DeliverToRequest(s, i, r, Accepted);
}

static void AcceptRequestDone(struct net_op *Op)
{
    WSKP_REQUEST *r = CONTAINING_RECORD(Op, WSKP_REQUEST, Op);
    WSKP_SOCKET *s = r->Socket, *accepted = NULL;
    BOOLEAN held = WskpTryHold(s);
    NTSTATUS status = FinishAccept(r, &accepted);
    BOOLEAN kick = accepted && WskpTryHold(accepted);

    WskpRequestComplete(r, status, (ULONG_PTR)accepted);
    if (kick) {
        WskpKick(accepted);
        WskpLeave(accepted);
    }
    if (held) {
        WskpPump(s);
        WskpLeave(s);
    }
}

/* Lock held. Must connections be fetched although nobody asked for one? */
static BOOLEAN WantsMulti(const WSKP_SOCKET *s)
{
    return s->State == WskpListening && NT_SUCCESS(s->Dead) &&
           (s->Event[WskpAccept].Enabled || s->Options.ConditionalAccept);
}

static NTSTATUS StartAccept(WSKP_SOCKET *s, WSKP_REQUEST *r, WSKP_SOCKET **Accepted,
                            BOOLEAN *Inline)
{
    host_lock(&s->Lock);
    BOOLEAN direct = s->RxArm == WskpIdle && !WantsMulti(s) && IsListEmpty(&s->Receives.Waiting) &&
                     IsEmpty(&s->Listener->Ready);
    if (direct)
        s->Receives.Submitted++;
    host_unlock(&s->Lock);
    if (direct) {
        NTSTATUS status = WskpRequestSubmit(r, Inline);
        if (!*Inline)
            return STATUS_PENDING;
        if (status == STATUS_CANCELLED)
            r->Op.result = -ECANCELED;
        return FinishAccept(r, Accepted);
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

static NTSTATUS CheckAccept(WSKP_SOCKET *s, ULONG Flags)
{
    host_lock(&s->Lock);
    NTSTATUS status = STATUS_SUCCESS;
    if (!NT_SUCCESS(s->Dead))
        status = STATUS_FILE_FORCED_CLOSED;
    else if (Flags != 0)
        status = STATUS_INVALID_PARAMETER;
    else if (s->State != WskpListening)
        status = STATUS_INVALID_DEVICE_STATE;
    host_unlock(&s->Lock);
    return status;
}

NTSTATUS NTAPI WskpAcceptRequest(PWSK_SOCKET Public, ULONG Flags, PVOID AcceptContext,
                                 const WSK_CLIENT_CONNECTION_DISPATCH *AcceptDispatch,
                                 PSOCKADDR LocalAddress, PSOCKADDR RemoteAddress, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s, *accepted = NULL;
    WSKP_REQUEST *r = NULL;
    BOOLEAN done = FALSE;

    if (!WskpTakeIrp(Irp, "WskAccept", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_LISTEN | WSKP_STREAM, Irp, "WskAccept", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = CheckAccept(s, Flags);
    if (!NT_SUCCESS(status))
        goto finish;
    r = WskpRequestNew(s, Irp, NET_OP_ACCEPT, AcceptRequestDone);
    status = STATUS_INSUFFICIENT_RESOURCES;
    if (!r)
        goto finish;
    r->Op.place = Place;
    r->AcceptContext = AcceptContext;
    r->AcceptTable = AcceptDispatch;
    r->LocalOut = LocalAddress;
    r->RemoteOut = RemoteAddress;
    status = StartAccept(s, r, &accepted, &done);
    if (!done) {
        WskpLeave(s);
        return STATUS_PENDING;
    }
finish:
    if (r)
        WskpRequestFree(r);
    if (accepted && !WskpTryHold(accepted))
        accepted = NULL;
    status = WskpFinish(s, Irp, status, (ULONG_PTR)accepted);
    if (accepted) {
        WskpKick(accepted);
        WskpLeave(accepted);
    }
    WskpLeave(s);
    return status;
}

/* ---- the pump ---------------------------------------------------------------------------- */

static BOOLEAN PumpInspection(WSKP_SOCKET *s)
{
    WSKP_INCOMING *i = TakeFrom(&s->Listener->Aborted);

    if (i) {
        TellAbort(s, i);
        return TRUE;
    }
    i = TakeFrom(&s->Listener->Fresh);
    if (i)
        Inspect(s, i);
    return i != NULL;
}

/* The watch took the connection away (the peer reset it): the request waits for another. */
static void PutBack(WSKP_SOCKET *s, WSKP_REQUEST *r)
{
    host_lock(&s->Lock);
    BOOLEAN queued = WskpQueuePutFront(&s->Receives, r);
    host_unlock(&s->Lock);
    if (!queued)
        WskpRequestComplete(r, STATUS_CANCELLED, 0);
}

/* Lock held. ACC-08: a connection that comes at the same time as a request may still be told to the
 * event. TRUE: it has started. */
static BOOLEAN EventOvertakes(WSKP_SOCKET *s)
{
    return !IsListEmpty(&s->Receives.Waiting) && s->Receives.Submitted == 0 &&
           s->Event[WskpAccept].Enabled && host_overtaken("request by accept event") &&
           WskpEventTryStart(s, WskpAccept);
}

static BOOLEAN PumpDelivery(WSKP_SOCKET *s)
{
    if (IsEmpty(&s->Listener->Ready))
        return FALSE;
    host_lock(&s->Lock);
    BOOLEAN event = EventOvertakes(s);
    WSKP_REQUEST *r = event ? NULL : WskpQueueTake(&s->Receives);
    if (!r && !event)
        event = s->Receives.Submitted == 0 && WskpEventTryStart(s, WskpAccept);
    host_unlock(&s->Lock);
    if (!r && !event)
        return FALSE;
    WSKP_INCOMING *i = TakeFrom(&s->Listener->Ready);
    if (event) {
        if (i)
            DeliverToEvent(s, i);
        WskpEventEnd(s, WskpAccept);
        return TRUE;
    }
    if (!i) {
        PutBack(s, r);
        return TRUE;
    }
    WSKP_SOCKET *accepted = NULL;
    NTSTATUS status = DeliverToRequest(s, i, r, &accepted);
    BOOLEAN kick = accepted && WskpTryHold(accepted);
    WskpRequestComplete(r, status, (ULONG_PTR)accepted);
    if (kick) {
        WskpKick(accepted);
        WskpLeave(accepted);
    }
    return TRUE;
}

static BOOLEAN PumpTransport(WSKP_SOCKET *s)
{
    WSKP_REQUEST *r = NULL;

    host_lock(&s->Lock);
    BOOLEAN want = WantsMulti(s);
    BOOLEAN arm = want && s->RxArm == WskpIdle;
    BOOLEAN disarm = !want && s->RxArm == WskpArmed;
    if (arm)
        s->RxArm = WskpArmed;
    if (disarm)
        s->RxArm = WskpStopping;
    if (!want && s->RxArm == WskpIdle && (r = WskpQueueTake(&s->Receives)) != NULL)
        s->Receives.Submitted++;
    host_unlock(&s->Lock);
    if (arm) {
        s->RxOp = (struct net_op){ .code = NET_OP_ACCEPT,
                                   .flags = NET_F_MULTI | NET_F_ASYNC,
                                   .done = AcceptDone,
                                   .place = Place };
        (void)Wskp.Transport->submit(s->Ep, &s->RxOp);
    }
    /* It may have ended by now, but is the same one still: only the pump arms, and this is it. */
    if (disarm)
        Wskp.Transport->cancel(s->Ep, &s->RxOp);
    if (r) {
        r->Op.flags = NET_F_ASYNC;
        WskpRequestGoOn(r);
    }
    return arm || disarm || r;
}

static void TellDeadAccept(WSKP_SOCKET *s)
{
    PVOID context = NULL;
    const WSK_CLIENT_CONNECTION_DISPATCH *table = NULL;
    WSKP_UPCALL upcall;

    WskpUpcallBegin(&upcall);
    (void)s->ListenTable->WskAcceptEvent(s->Context, WskpUpcallFlags(), NULL, NULL, NULL, &context,
                                         &table);
    WskpUpcallEnd(&upcall, "WskAcceptEvent");
    WskpEventEnd(s, WskpAccept);
}

static void TellDeadInspect(WSKP_SOCKET *s)
{
    WSKP_UPCALL upcall;

    WskpUpcallBegin(&upcall);
    (void)s->ListenTable->WskInspectEvent(s->Context, NULL, NULL, NULL);
    WskpUpcallEnd(&upcall, "WskInspectEvent");
}

/* D62: requests fail, and each enabled event hears of it once, by NULL. */
static BOOLEAN PumpDead(WSKP_SOCKET *s)
{
    host_lock(&s->Lock);
    BOOLEAN dead = !NT_SUCCESS(s->Dead);
    WSKP_REQUEST *r = dead ? WskpQueueTake(&s->Receives) : NULL;
    WSKP_EVENT *accept = &s->Event[WskpAccept], *inspect = &s->Event[WskpInspect];
    BOOLEAN tell_accept = dead && !r && !accept->DeadTold && WskpEventTryStart(s, WskpAccept);
    BOOLEAN tell_inspect = dead && !r && !inspect->DeadTold && s->Options.ConditionalAccept;
    if (tell_accept)
        accept->DeadTold = TRUE;
    if (tell_inspect)
        inspect->DeadTold = TRUE;
    host_unlock(&s->Lock);
    if (r)
        WskpRequestComplete(r, STATUS_FILE_FORCED_CLOSED, 0);
    if (tell_accept)
        TellDeadAccept(s);
    if (tell_inspect)
        TellDeadInspect(s);
    return r || tell_accept || tell_inspect;
}

void WskpPumpListener(WSKP_SOCKET *Socket)
{
    if (!WskpPumpEnter(Socket))
        return;
    do {
        while (PumpDead(Socket) || PumpInspection(Socket) || PumpDelivery(Socket) ||
               PumpTransport(Socket))
            continue;
    } while (!WskpPumpLeave(Socket));
}

void WskpListenerDrop(WSKP_SOCKET *Socket)
{
    LIST_ENTRY *lists[] = { &Socket->Listener->Fresh, &Socket->Listener->Pended,
                            &Socket->Listener->Ready, &Socket->Listener->Aborted };
    WSKP_INCOMING *i;

    for (ULONG n = 0; n < RTL_NUMBER_OF(lists); n++)
        while ((i = TakeFrom(lists[n])) != NULL)
            Reset(i);
}

const WSK_PROVIDER_LISTEN_DISPATCH WskpListenDispatch = {
    .WskControlSocket = WskpControlSocket,
    .WskCloseSocket = WskpCloseSocket,
    .WskBind = WskpBind,
    .WskAccept = WskpAcceptRequest,
    .WskInspectComplete = WskpInspectComplete,
    .WskGetLocalAddress = WskpGetLocalAddress,
};
