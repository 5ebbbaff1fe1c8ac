/*
 * request.c: one IRP in progress, from the call that brought it to its completion.
 *
 * A request is taken from a free list of the current processor, so the I/O path allocates nothing
 * once the lists are warm. The rule that every other implementation gets wrong is kept here (D01,
 * D02): an IRP is marked pending before the transport may complete it, and the mark is taken back
 * when the operation turns out to be done inline.
 *
 * Completion against cancellation. Whoever wants to complete the IRP takes its cancel routine away.
 * If that fails, IoCancelIrp is in our cancel routine: it only flags the request, asks the
 * transport or takes the request off its queue, and says CancelEnded as its last access; the
 * completer waits for that (a few instructions, no lock of ours is held by either) before it lets
 * go of the memory. The cancel routine completes the IRP itself only when it took the request off
 * the socket's queue under the socket's lock, which makes it the only owner.
 *
 * Completion against the submitter. After submit() answered NET_PENDING the request may be
 * completed at once on the loop thread; the submitter still looks at Cancelled (a cancel that came
 * before the transport knew the operation had no effect there). So a request has two references:
 * the submitter's and the completion's.
 */
#include "wsk/wskp.h"

#include <errno.h>

typedef struct _REQUEST_CACHE {
    struct host_lock Lock; /* protects the list and the count */
    WSKP_REQUEST *Free;
    ULONG Count;
    LONG Out; /* requests taken here less those given back here */
} __attribute__((aligned(64))) REQUEST_CACHE;

#define CACHE_LIMIT 256

static REQUEST_CACHE Caches[KI_MAX_PROCESSORS];

/* Deferred inline completions of one processor: IRPs chained through Tail.Overlay.ListEntry. */
typedef struct _DEFERRED {
    struct host_lock Lock; /* protects the list */
    LIST_ENTRY Irps;
    WSKP_WORK Work;
} DEFERRED;

static DEFERRED Deferred[KI_MAX_PROCESSORS];

static void RunDeferred(WSKP_WORK *Work);

void WskpBootRequests(void)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        host_lock_init(&Caches[i].Lock, HOST_RANK_WSK_LEAF);
        host_lock_init(&Deferred[i].Lock, HOST_RANK_WSK_LEAF);
        InitializeListHead(&Deferred[i].Irps);
        if (i < Wskp.Processors)
            WskpWorkInit(&Deferred[i].Work, i, RunDeferred);
    }
}

void WskpShutdownRequests(void)
{
    LONG out = 0;

    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        WSKP_REQUEST *next;
        for (WSKP_REQUEST *r = Caches[i].Free; r; r = next) {
            next = (WSKP_REQUEST *)r->Link.Flink;
            host_free(r);
        }
        Caches[i].Free = NULL;
        Caches[i].Count = 0;
        out += Caches[i].Out;
        Caches[i].Out = 0;
    }
    /* A client that did not deregister may have left some that pend. */
    HOST_ASSERT(out == 0 || !IsListEmpty(&Wskp.Clients));
}

static void CountOut(LONG Change)
{
    REQUEST_CACHE *cache = &Caches[KiCurrentProcessor()];

    host_lock(&cache->Lock);
    cache->Out += Change;
    host_unlock(&cache->Lock);
}

static WSKP_REQUEST *TakeCached(void)
{
    REQUEST_CACHE *cache = &Caches[KiCurrentProcessor()];
    host_lock(&cache->Lock);
    WSKP_REQUEST *r = cache->Free;
    if (r) {
        HOST_ASSERT(cache->Count > 0);
        cache->Free = (WSKP_REQUEST *)r->Link.Flink;
        cache->Count--;
    }
    cache->Out++;
    host_unlock(&cache->Lock);
    return r;
}

WSKP_REQUEST *WskpRequestNew(WSKP_SOCKET *Socket, PIRP Irp, enum net_opcode Code,
                             void (*Done)(struct net_op *Op))
{
    if (host_choose(2, HOST_CHOOSE_FAULT, "WskpRequestNew"))
        return NULL;
    WSKP_REQUEST *r = TakeCached();
    if (!r)
        r = host_alloc(sizeof(*r), 64);
    if (!r) {
        CountOut(-1);
        return NULL;
    }
    memset(r, 0, FIELD_OFFSET(WSKP_REQUEST, InlineIov));
    memset(&r->LocalOut, 0, sizeof(*r) - FIELD_OFFSET(WSKP_REQUEST, LocalOut));
    r->Op.code = Code;
    r->Op.done = Done;
    r->Irp = Irp;
    r->Socket = Socket;
    r->Refs = 1;
    return r;
}

void WskpRequestFree(WSKP_REQUEST *Request)
{
    if (Request->Iov && Request->Iov != Request->InlineIov)
        host_free(Request->Iov);
    host_free(Request->Extra);
    REQUEST_CACHE *cache = &Caches[KiCurrentProcessor()];
    BOOLEAN full = host_choose(2, HOST_CHOOSE_ORDER, "WskpRequestFree") != 0;
    host_lock(&cache->Lock);
    cache->Out--;
    BOOLEAN keep = cache->Count < CACHE_LIMIT && !full;
    if (keep) {
        Request->Link.Flink = (PLIST_ENTRY)cache->Free;
        cache->Free = Request;
        cache->Count++;
    }
    host_unlock(&cache->Lock);
    if (!keep)
        host_free(Request);
}

static void Dereference(WSKP_REQUEST *Request)
{
    if (InterlockedDecrement(&Request->Refs) == 0)
        WskpRequestFree(Request);
}

/* ---- buffers ----------------------------------------------------------------------------- */

ULONG WskpCountMdls(const WSK_BUF *Buffer)
{
    ULONG count = 0;
    SIZE_T have = 0, need = Buffer->Offset + Buffer->Length;
    for (PMDL m = Buffer->Mdl; m && have < need && count <= WSKP_MAX_IOVECS; m = m->Next) {
        have += MmGetMdlByteCount(m);
        count++;
    }
    return count;
}

static PVOID MdlAddress(PMDL Mdl)
{
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        return Mdl->MappedSystemVa;
    return MmGetMdlVirtualAddress(Mdl);
}

NTSTATUS WskpMapBuffer(const WSK_BUF *Buffer, struct iovec *Iov, ULONG Room, ULONG *Count,
                       const void *Caller)
{
    SIZE_T left = Buffer->Length;
    SIZE_T skip = Buffer->Offset;
    ULONG n = 0;

    *Count = 0;
    if (left == 0) /* BUF-02: then Mdl may be NULL and Offset is unused */
        return STATUS_SUCCESS;
    if (!Buffer->Mdl || skip >= MmGetMdlByteCount(Buffer->Mdl)) {
        vf_report(VF_ERROR, "VF-MDL-07", "WSK-BUF-05", Caller,
                  "the buffer's Offset %u lies beyond its first MDL", Buffer->Offset);
        return STATUS_INVALID_PARAMETER;
    }
    for (PMDL m = Buffer->Mdl; m && left > 0; m = m->Next, skip = 0) {
        if (!(m->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)))
            vf_report(VF_ERROR, "VF-MDL-02", "WSK-BUF-07", Caller,
                      "an MDL of the buffer is neither locked nor built for non-paged pool");
        SIZE_T bytes = MmGetMdlByteCount(m) - skip;
        if (bytes > left)
            bytes = left;
        if (bytes == 0)
            continue;
        if (n == Room)
            return STATUS_INVALID_PARAMETER;
        Iov[n].iov_base = (PUCHAR)MdlAddress(m) + skip;
        Iov[n].iov_len = bytes;
        n++;
        left -= bytes;
    }
    if (left > 0) {
        vf_report(VF_ERROR, "VF-MDL-07", "WSK-BUF-06", Caller,
                  "the buffer's Length is %llu bytes more than its MDL chain holds",
                  (unsigned long long)left);
        return STATUS_INVALID_PARAMETER;
    }
    *Count = n;
    return STATUS_SUCCESS;
}

NTSTATUS WskpRequestMap(WSKP_REQUEST *Request, const WSK_BUF *Buffer, const void *Caller)
{
    ULONG room = WSKP_INLINE_IOVECS;

    Request->Iov = Request->InlineIov;
    Request->Length = Buffer->Length;
    if (Buffer->Length > 0) {
        ULONG mdls = WskpCountMdls(Buffer);
        if (mdls > WSKP_MAX_IOVECS)
            return STATUS_INVALID_PARAMETER;
        if (mdls > room) {
            Request->Iov = host_alloc(mdls * sizeof(struct iovec), 16);
            if (!Request->Iov)
                return STATUS_INSUFFICIENT_RESOURCES;
            room = mdls;
        }
    }
    NTSTATUS status = WskpMapBuffer(Buffer, Request->Iov, room, &Request->IovCount, Caller);
    Request->Op.iov = Request->Iov;
    Request->Op.iovcnt = Request->IovCount;
    return status;
}

/* ---- cancellation ------------------------------------------------------------------------------
 */

static struct net_ep *EndpointOf(WSKP_REQUEST *Request)
{
    if (Request->Op.code == NET_OP_ADDRESS_CHANGE)
        return Wskp.Route;
    return Request->Socket ? Request->Socket->Ep : Wskp.Resolver;
}

static DRIVER_CANCEL CancelRequest;

static VOID NTAPI CancelRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    WSKP_REQUEST *r = Irp->Tail.Overlay.DriverContext[0];
    WSKP_SOCKET *s = r->Socket;
    BOOLEAN mine = FALSE;

    __atomic_store_n(&r->Cancelled, TRUE, __ATOMIC_SEQ_CST);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    if (s) {
        host_lock(&s->Lock);
        mine = r->Queued;
        if (mine) {
            RemoveEntryList(&r->Link);
            r->Queued = FALSE;
        }
        host_unlock(&s->Lock);
    }
    if (mine) {
        __atomic_store_n(&r->CancelEnded, TRUE, __ATOMIC_RELEASE);
        WskpRequestComplete(r, STATUS_CANCELLED, r->Done);
        return;
    }
    Wskp.Transport->cancel(EndpointOf(r), &r->Op);
    __atomic_store_n(&r->CancelEnded, TRUE, __ATOMIC_RELEASE);
}

BOOLEAN WskpRequestArm(WSKP_REQUEST *Request)
{
    PIRP irp = Request->Irp;

    IoMarkIrpPending(irp);
    irp->Tail.Overlay.DriverContext[0] = Request;
    if (Request->Client)
        WskpClientPin(Request->Client, &Request->Client->Irps);
    (void)IoSetCancelRoutine(irp, CancelRequest);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL)) {
        IoGetCurrentIrpStackLocation(irp)->Control &= (UCHAR)~SL_PENDING_RETURNED;
        if (Request->Client)
            WskpClientUnpin(Request->Client, &Request->Client->Irps);
        return FALSE;
    }
    return TRUE;
}

void WskpRequestDisarm(WSKP_REQUEST *Request, BOOLEAN Inline)
{
    PIRP irp = Request->Irp;

    if (!IoSetCancelRoutine(irp, NULL)) {
        unsigned rounds = 0;
        while (!__atomic_load_n(&Request->CancelEnded, __ATOMIC_ACQUIRE))
            host_spin(&rounds, "WskpRequestDisarm");
    }
    if (Inline) {
        IoGetCurrentIrpStackLocation(irp)->Control &= (UCHAR)~SL_PENDING_RETURNED;
        if (Request->Client)
            WskpClientUnpin(Request->Client, &Request->Client->Irps);
    }
}

/* ---- submission and completion -----------------------------------------------------------------
 */

/* After NET_PENDING: a cancel that came before the transport knew the operation is repeated. */
static void RecheckCancel(WSKP_REQUEST *Request, struct net_ep *Ep)
{
    if (__atomic_load_n(&Request->Cancelled, __ATOMIC_SEQ_CST))
        Wskp.Transport->cancel(Ep, &Request->Op);
}

NTSTATUS WskpRequestSubmit(WSKP_REQUEST *Request, BOOLEAN *Inline)
{
    if (WskpRequestArm(Request))
        return WskpRequestSubmitArmed(Request, Inline);
    Request->Op.result = 0;
    *Inline = TRUE;
    return STATUS_CANCELLED;
}

NTSTATUS WskpRequestSubmitArmed(WSKP_REQUEST *Request, BOOLEAN *Inline)
{
    struct net_ep *ep = EndpointOf(Request);

    *Inline = FALSE;
    InterlockedIncrement(&Request->Refs);
    if (Wskp.Transport->submit(ep, &Request->Op) == NET_DONE) {
        Request->Refs = 1;
        WskpRequestDisarm(Request, TRUE);
        *Inline = TRUE;
        return STATUS_SUCCESS;
    }
    RecheckCancel(Request, ep);
    Dereference(Request);
    return STATUS_PENDING;
}

/*
 * A done() handler may find that the socket's close has been submitted behind its operation: then
 * nothing more may follow, and the request ends as the close ends all others.
 */
void WskpRequestGoOn(WSKP_REQUEST *Request)
{
    struct net_ep *ep = EndpointOf(Request);
    WSKP_SOCKET *s = Request->Socket;

    if (s && !WskpTryHold(s)) {
        Request->Op.result = -ECANCELED;
        Request->Op.done(&Request->Op);
        return;
    }
    InterlockedIncrement(&Request->Refs);
    if (Wskp.Transport->submit(ep, &Request->Op) == NET_DONE) {
        InterlockedDecrement(&Request->Refs);
        Request->Op.done(&Request->Op);
    } else {
        RecheckCancel(Request, ep);
        Dereference(Request);
    }
    if (s)
        WskpLeave(s);
}

static void Tell(PIRP Irp)
{
    if (Wskp.Config.ended)
        Wskp.Config.ended(IoGetCurrentIrpStackLocation(Irp)->Parameters.Others.Argument1,
                          (uint32_t)Irp->IoStatus.Status);
}

void WskpCompleteIrp(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    WSKP_UPCALL upcall;

    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    Tell(Irp);
    WskpUpcallBegin(&upcall);
    IoCompleteRequest(Irp, IO_NETWORK_INCREMENT);
    WskpUpcallEnd(&upcall, "a completion routine");
}

void WskpRequestComplete(WSKP_REQUEST *Request, NTSTATUS Status, ULONG_PTR Information)
{
    PIRP irp = Request->Irp;
    WSKP_CLIENT *client = Request->Client;

    WskpRequestDisarm(Request, FALSE);
    Dereference(Request);
    WskpCompleteIrp(irp, Status, Information);
    if (client)
        WskpClientUnpin(client, &client->Irps);
}

PIRP WskpRequestDetach(WSKP_REQUEST *Request)
{
    PIRP irp = Request->Irp;

    WskpRequestDisarm(Request, FALSE);
    Dereference(Request);
    return irp;
}

BOOLEAN WskpTakeIrp(PIRP Irp, const char *Function, const void *Caller)
{
    if (!Irp) {
        vf_report(VF_ERROR, "VF-WSK-11", "WSK-IRP-01", Caller, "%s needs an IRP and got none",
                  Function);
        return FALSE;
    }
    if (Irp->CurrentLocation <= 1) {
        vf_report(VF_ERROR, "VF-IRP-09", "WSK-IRP-07", Caller,
                  "%s got an IRP without a free stack location", Function);
        return FALSE;
    }
    IoSetNextIrpStackLocation(Irp);
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    stack->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    stack->DeviceObject = NULL;
    stack->Parameters.Others.Argument1 = (PVOID)Function;
    return TRUE;
}

/* What a deferred completion must give back, kept in the IRP's driver context while it waits. */
enum { CONTEXT_SOCKET = 0, CONTEXT_CLIENT = 1 };

static NTSTATUS Defer(WSKP_SOCKET *Socket, WSKP_CLIENT *Client, PIRP Irp)
{
    DEFERRED *d = &Deferred[Socket ? Socket->Processor : KiCurrentProcessor() % Wskp.Processors];

    IoMarkIrpPending(Irp);
    if (Socket)
        __atomic_fetch_add(&Socket->Busy, 1, __ATOMIC_RELAXED);
    if (Client)
        WskpClientPin(Client, &Client->Irps);
    Irp->Tail.Overlay.DriverContext[CONTEXT_SOCKET] = Socket;
    Irp->Tail.Overlay.DriverContext[CONTEXT_CLIENT] = Client;
    host_lock(&d->Lock);
    InsertTailList(&d->Irps, &Irp->Tail.Overlay.ListEntry);
    host_unlock(&d->Lock);
    WskpWorkQueue(&d->Work);
    return STATUS_PENDING;
}

static void RunDeferred(WSKP_WORK *Work)
{
    DEFERRED *d = CONTAINING_RECORD(Work, DEFERRED, Work);

    for (;;) {
        host_lock(&d->Lock);
        PLIST_ENTRY e = IsListEmpty(&d->Irps) ? NULL : RemoveHeadList(&d->Irps);
        host_unlock(&d->Lock);
        if (!e)
            return;
        PIRP irp = CONTAINING_RECORD(e, IRP, Tail.Overlay.ListEntry);
        WSKP_SOCKET *s = irp->Tail.Overlay.DriverContext[CONTEXT_SOCKET];
        WSKP_CLIENT *client = irp->Tail.Overlay.DriverContext[CONTEXT_CLIENT];
        WskpCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
        if (s)
            WskpLeave(s);
        if (client)
            WskpClientUnpin(client, &client->Irps);
    }
}

BOOLEAN WskpMayFinishInline(void)
{
    return KiThread()->CompletionDepth < Wskp.Config.inline_depth && !Wskp.Config.pend_all;
}

/* Freely: no other request minds when this one ends. */
static NTSTATUS Finish(WSKP_SOCKET *Socket, WSKP_CLIENT *Client, PIRP Irp, NTSTATUS Status,
                       ULONG_PTR Information, BOOLEAN Freely)
{
    PKTHREAD thread = KiThread();

    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    BOOLEAN now = WskpMayFinishInline() && !(Freely && host_overtaken("request by its return"));
    if ((Socket || Client) && !now)
        return Defer(Socket, Client, Irp);
    thread->CompletionDepth++;
    Tell(Irp);
    IoCompleteRequest(Irp, IO_NETWORK_INCREMENT);
    thread->CompletionDepth--;
    return Status;
}

NTSTATUS WskpFinish(WSKP_SOCKET *Socket, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    return Finish(Socket, NULL, Irp, Status, Information, FALSE);
}

NTSTATUS WskpFinishFreely(WSKP_SOCKET *Socket, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    return Finish(Socket, NULL, Irp, Status, Information, TRUE);
}

NTSTATUS WskpFinishClient(WSKP_CLIENT *Client, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    return Finish(NULL, Client, Irp, Status, Information, TRUE);
}

void WskpBeginCompletion(WSKP_SOCKET *Socket)
{
    PKTHREAD self = KiThread();

    if (Socket->Completing++ == 0)
        Socket->Completer = self;
    else if (Socket->Completer != self)
        Socket->Completer = NULL;
}

void WskpBeginInline(WSKP_SOCKET *Socket)
{
    Socket->Completing++;
    Socket->Completer = NULL;
}

void WskpReachInline(WSKP_SOCKET *Socket)
{
    Socket->Completer = KiThread();
}

BOOLEAN WskpEndCompletion(WSKP_SOCKET *Socket)
{
    host_lock(&Socket->Lock);
    BOOLEAN last = --Socket->Completing == 0, again = last && Socket->TurnedAway;
    if (last)
        Socket->TurnedAway = FALSE;
    host_unlock(&Socket->Lock);
    return again;
}

BOOLEAN WskpCompletesElsewhere(WSKP_SOCKET *Socket)
{
    BOOLEAN elsewhere = Socket->Completing > 0 && Socket->Completer != KiThread();

    if (elsewhere)
        Socket->TurnedAway = TRUE;
    return elsewhere;
}

/* ---- calls into the driver ---------------------------------------------------------------------
 */

void WskpUpcallBegin(WSKP_UPCALL *Upcall)
{
    PKTHREAD thread = KiThread();

    host_assert_unlocked();
    Upcall->Old = thread->Irql;
    if (Upcall->Old < DISPATCH_LEVEL && !Wskp.Config.passive_callbacks)
        KeRaiseIrql(DISPATCH_LEVEL, &Upcall->Old);
    Upcall->Inside = thread->Irql;
    thread->UpcallDepth++;
}

void WskpUpcallEnd(WSKP_UPCALL *Upcall, const char *Callback)
{
    PKTHREAD thread = KiThread();

    thread->UpcallDepth--;
    if (thread->Irql != Upcall->Inside) {
        vf_report(VF_ERROR, "VF-IRQL-04", "WSK-IRQL-06", NULL,
                  "%s was called at IRQL %u and returned at %u", Callback, Upcall->Inside,
                  thread->Irql);
        if (thread->Irql > Upcall->Inside)
            KeLowerIrql(Upcall->Inside);
    }
    if (thread->Irql != Upcall->Old)
        KeLowerIrql(Upcall->Old);
}

ULONG WskpUpcallFlags(void)
{
    return KiThread()->Irql >= DISPATCH_LEVEL ? WSK_FLAG_AT_DISPATCH_LEVEL : 0;
}

/* ---- queues -------------------------------------------------------------------------------------
 */

void WskpQueueInit(WSKP_QUEUE *Queue)
{
    InitializeListHead(&Queue->Waiting);
    Queue->Submitted = 0;
}

/*
 * The cancel routine flags the request before it takes the lock: either it finds the request on the
 * queue, or the flag is seen here.
 */
BOOLEAN WskpQueuePut(WSKP_QUEUE *Queue, WSKP_REQUEST *Request)
{
    if (__atomic_load_n(&Request->Cancelled, __ATOMIC_SEQ_CST))
        return FALSE;
    InsertTailList(&Queue->Waiting, &Request->Link);
    Request->Queued = TRUE;
    return TRUE;
}

BOOLEAN WskpQueuePutFront(WSKP_QUEUE *Queue, WSKP_REQUEST *Request)
{
    if (__atomic_load_n(&Request->Cancelled, __ATOMIC_SEQ_CST))
        return FALSE;
    InsertHeadList(&Queue->Waiting, &Request->Link);
    Request->Queued = TRUE;
    return TRUE;
}

WSKP_REQUEST *WskpQueueTake(WSKP_QUEUE *Queue)
{
    if (IsListEmpty(&Queue->Waiting))
        return NULL;
    WSKP_REQUEST *r = CONTAINING_RECORD(RemoveHeadList(&Queue->Waiting), WSKP_REQUEST, Link);
    r->Queued = FALSE;
    return r;
}
