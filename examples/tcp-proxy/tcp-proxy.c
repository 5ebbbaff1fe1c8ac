/*
 * tcp-proxy: accepts TCP connections and carries each to a target, in both directions.
 *
 * A session is two sockets and two pipes. A pipe has one buffer and one IRP and does one thing at a
 * time: receive from one socket, send to the other, or, when the stream has ended, disconnect the
 * other. So a half-close crosses the proxy, and a reader that stops stops the writer behind it: the
 * pipe does not receive before its send is done. No threads, no events but the accept: completion
 * routines drive the sessions.
 *
 * Callbacks and completion routines only note what happened, under the session's spin lock, and
 * call ProxyAdvance. That one function decides what comes next and makes every WSK call of the
 * session, on one thread at a time: so no call can meet a socket that is being closed.
 *
 * Parameters: Port (REG_DWORD, default 8080; 0 lets WSK choose), TargetHost (REG_SZ, default
 * "localhost"), TargetPort (REG_DWORD, default 80). The name is resolved once, at the start.
 */
#include <ntddk.h>
#include <wsk.h>

#define PROXY_TAG                 'xorP'
#define PROXY_DEFAULT_PORT        8080
#define PROXY_DEFAULT_TARGET_PORT 80
#define PROXY_HOST_MAX            512 /* bytes of TargetHost */
#define PROXY_BUFFER_SIZE         (64 * 1024)

typedef enum _PROXY_SIDE { ProxyClient, ProxyTarget, ProxySides } PROXY_SIDE;

typedef enum _PROXY_PIPE_STATE {
    ProxyPipeReceive,
    ProxyPipeSend,
    ProxyPipeDisconnect,
    ProxyPipeDone
} PROXY_PIPE_STATE;

/* Carries data from one side to the other. */
typedef struct _PROXY_PIPE {
    struct _PROXY_SESSION *Session;
    PROXY_SIDE From;
    PROXY_SIDE To;
    PROXY_PIPE_STATE State; /* what Irp does or is to do next */
    BOOLEAN Busy;           /* Irp is in progress */
    PIRP Irp;
    WSK_BUF Data;
    PVOID Buffer;
} PROXY_PIPE, *PPROXY_PIPE;

typedef struct _PROXY_END {
    struct _PROXY_SESSION *Session;
    PWSK_SOCKET Socket;
    BOOLEAN Aborting;
    BOOLEAN Closing;
    PIRP Irp; /* connects (target side), aborts, closes: what ends a session must not fail */
} PROXY_END, *PPROXY_END;

typedef enum _PROXY_STEP {
    ProxyStepNone,
    ProxyStepConnect,
    ProxyStepCancelConnect,
    ProxyStepPipe,
    ProxyStepAbort,
    ProxyStepClose,
    ProxyStepFree
} PROXY_STEP;

typedef struct _PROXY_SESSION {
    LIST_ENTRY Link; /* in ProxyServer.Sessions, under ProxyServer.Lock */
    KSPIN_LOCK Lock; /* guards all that follows */
    ULONG Pending;   /* requests in progress: nothing is closed before it is zero */
    ULONG Current;   /* the end or pipe of the step being performed */
    BOOLEAN Running; /* a thread is inside ProxyAdvance */
    BOOLEAN Connecting;
    BOOLEAN ConnectCancelled;
    BOOLEAN Failed;
    BOOLEAN Freeing;
    PROXY_END Ends[ProxySides];
    PROXY_PIPE Pipes[2];
} PROXY_SESSION, *PPROXY_SESSION;

typedef struct _PROXY_SERVER {
    WSK_REGISTRATION Registration;
    WSK_PROVIDER_NPI Npi;
    SOCKADDR_STORAGE Target;
    PWSK_SOCKET Listener;
    PIRP Irp; /* start-up requests, later the listener's close */
    KEVENT IrpDone;
    KSPIN_LOCK Lock; /* guards Sessions; taken before a session's lock */
    LIST_ENTRY Sessions;
    EX_RUNDOWN_REF Rundown; /* one reference per session */
} PROXY_SERVER;

static PROXY_SERVER ProxyServer;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ProxyUnload;
static IO_COMPLETION_ROUTINE ProxySignalEvent;
static IO_COMPLETION_ROUTINE ProxyConnectComplete;
static IO_COMPLETION_ROUTINE ProxyPipeComplete;
static IO_COMPLETION_ROUTINE ProxyEndComplete;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ProxyUnload)
#endif

static PIRP ProxyPrepareIrp(_Inout_ PIRP Irp, _In_ PIO_COMPLETION_ROUTINE Routine,
                            _In_ PVOID Context)
{
    IoReuseIrp(Irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(Irp, Routine, Context, TRUE, TRUE, TRUE);
    return Irp;
}

static VOID ProxyFreeSession(_In_ _Post_invalid_ PPROXY_SESSION Session)
{
    ULONG i;

    for (i = 0; i < ARRAYSIZE(Session->Pipes); i++) {
        if (Session->Pipes[i].Irp != NULL) {
            IoFreeIrp(Session->Pipes[i].Irp);
        }
        if (Session->Pipes[i].Data.Mdl != NULL) {
            IoFreeMdl(Session->Pipes[i].Data.Mdl);
        }
        if (Session->Pipes[i].Buffer != NULL) {
            ExFreePoolWithTag(Session->Pipes[i].Buffer, PROXY_TAG);
        }
    }
    for (i = 0; i < ARRAYSIZE(Session->Ends); i++) {
        if (Session->Ends[i].Irp != NULL) {
            IoFreeIrp(Session->Ends[i].Irp);
        }
    }
    ExFreePoolWithTag(Session, PROXY_TAG);
}

/* What a failed session needs next. */
_Requires_lock_held_(Session->Lock)
static PROXY_STEP ProxyTakeFailureStep(_Inout_ PPROXY_SESSION Session)
{
    ULONG i;

    if (Session->Connecting && !Session->ConnectCancelled) {
        Session->ConnectCancelled = TRUE;
        return ProxyStepCancelConnect;
    }
    for (i = 0; i < ARRAYSIZE(Session->Ends); i++) {
        if (Session->Ends[i].Socket != NULL && !Session->Ends[i].Aborting &&
            !Session->Ends[i].Closing) {
            Session->Ends[i].Aborting = TRUE;
            Session->Pending++;
            Session->Current = i;
            return ProxyStepAbort;
        }
    }
    return ProxyStepNone;
}

/* The last steps of a session: closes what is open, then there is only its memory. */
_Requires_lock_held_(Session->Lock)
static PROXY_STEP ProxyTakeLastStep(_Inout_ PPROXY_SESSION Session)
{
    ULONG i;

    for (i = 0; i < ARRAYSIZE(Session->Ends); i++) {
        if (Session->Ends[i].Socket != NULL && !Session->Ends[i].Closing) {
            Session->Ends[i].Closing = TRUE;
            Session->Current = i;
            return ProxyStepClose;
        }
    }
    for (i = 0; i < ARRAYSIZE(Session->Ends); i++) {
        if (Session->Ends[i].Socket != NULL) {
            return ProxyStepNone;
        }
    }
    Session->Freeing = TRUE;
    return ProxyStepFree;
}

/* What the session needs next; marks it as begun. */
_Requires_lock_held_(Session->Lock)
static PROXY_STEP ProxyTakeStep(_Inout_ PPROXY_SESSION Session)
{
    PROXY_STEP Step;
    ULONG i;

    if (Session->Failed) {
        Step = ProxyTakeFailureStep(Session);
        if (Step != ProxyStepNone) {
            return Step;
        }
        return Session->Pending != 0 ? ProxyStepNone : ProxyTakeLastStep(Session);
    }
    if (Session->Connecting) {
        return ProxyStepNone;
    }
    if (Session->Ends[ProxyTarget].Socket == NULL && !Session->Ends[ProxyTarget].Closing) {
        Session->Connecting = TRUE;
        Session->Pending++;
        return ProxyStepConnect;
    }
    for (i = 0; i < ARRAYSIZE(Session->Pipes); i++) {
        if (!Session->Pipes[i].Busy && Session->Pipes[i].State != ProxyPipeDone) {
            Session->Pipes[i].Busy = TRUE;
            Session->Pending++;
            Session->Current = i;
            return ProxyStepPipe;
        }
    }
    return Session->Pending != 0 ? ProxyStepNone : ProxyTakeLastStep(Session);
}

/* The statuses of these calls arrive in the IRPs, whether the calls pend or not. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID ProxyPerformPipe(_Inout_ PPROXY_PIPE Pipe)
{
    PWSK_SOCKET From = Pipe->Session->Ends[Pipe->From].Socket;
    PWSK_SOCKET To = Pipe->Session->Ends[Pipe->To].Socket;
    const WSK_PROVIDER_CONNECTION_DISPATCH *FromDispatch = From->Dispatch;
    const WSK_PROVIDER_CONNECTION_DISPATCH *ToDispatch = To->Dispatch;
    PIRP Irp = ProxyPrepareIrp(Pipe->Irp, ProxyPipeComplete, Pipe);

    switch (Pipe->State) {
    case ProxyPipeReceive:
        Pipe->Data.Length = PROXY_BUFFER_SIZE;
        (VOID) FromDispatch->WskReceive(From, &Pipe->Data, 0, Irp);
        break;
    case ProxyPipeSend:
        (VOID) ToDispatch->WskSend(To, &Pipe->Data, 0, Irp);
        break;
    case ProxyPipeDisconnect:
        (VOID) ToDispatch->WskDisconnect(To, NULL, 0, Irp);
        break;
    default:
        NT_ASSERT(FALSE);
        break;
    }
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID ProxyPerformConnect(_Inout_ PPROXY_END Target)
{
    SOCKADDR_STORAGE Local = { 0 }; /* any address, any port */

    Local.ss_family = ProxyServer.Target.ss_family;
    (VOID) ProxyServer.Npi.Dispatch->WskSocketConnect(
        ProxyServer.Npi.Client, SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&Local,
        (PSOCKADDR)&ProxyServer.Target, 0, NULL, NULL, NULL, NULL, NULL,
        ProxyPrepareIrp(Target->Irp, ProxyConnectComplete, Target));
}

/* Without memory there is no abort: then the requests that it would have ended are cancelled. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID ProxyPerformAbort(_Inout_ PPROXY_SESSION Session, _In_ PPROXY_END End)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch = End->Socket->Dispatch;
    NTSTATUS Status;
    ULONG i;

    Status = Dispatch->WskDisconnect(End->Socket, NULL, WSK_FLAG_ABORTIVE,
                                     ProxyPrepareIrp(End->Irp, ProxyEndComplete, End));
    for (i = 0; !NT_SUCCESS(Status) && i < ARRAYSIZE(Session->Pipes); i++) {
        IoCancelIrp(Session->Pipes[i].Irp);
    }
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID ProxyPerform(_Inout_ PPROXY_SESSION Session, _In_ PROXY_STEP Step)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch;
    PPROXY_END End;

    switch (Step) {
    case ProxyStepConnect:
        ProxyPerformConnect(&Session->Ends[ProxyTarget]);
        break;
    case ProxyStepCancelConnect:
        IoCancelIrp(Session->Ends[ProxyTarget].Irp);
        break;
    case ProxyStepPipe:
        ProxyPerformPipe(&Session->Pipes[Session->Current]);
        break;
    case ProxyStepAbort:
        ProxyPerformAbort(Session, &Session->Ends[Session->Current]);
        break;
    case ProxyStepClose:
        End = &Session->Ends[Session->Current];
        Dispatch = End->Socket->Dispatch;
        (VOID)
            Dispatch->WskCloseSocket(End->Socket, ProxyPrepareIrp(End->Irp, ProxyEndComplete, End));
        break;
    default:
        NT_ASSERT(FALSE);
        break;
    }
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID ProxyRemoveSession(_In_ _Post_invalid_ PPROXY_SESSION Session)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&ProxyServer.Lock, &OldIrql);
    RemoveEntryList(&Session->Link);
    KeReleaseSpinLock(&ProxyServer.Lock, OldIrql);
    ProxyFreeSession(Session);
    ExReleaseRundownProtection(&ProxyServer.Rundown);
}

/*
 * Entered with the session's lock held, returns with it released. Whoever finds another thread
 * inside leaves: that thread sees the new facts before it goes. Running stays set in the end, so
 * that nobody follows the thread that frees the session.
 */
_IRQL_requires_(DISPATCH_LEVEL)
_Releases_lock_(Session->Lock)
static VOID ProxyAdvance(_Inout_ PPROXY_SESSION Session, _In_ KIRQL OldIrql)
{
    PROXY_STEP Step;

    if (Session->Running) {
        KeReleaseSpinLock(&Session->Lock, OldIrql);
        return;
    }
    Session->Running = TRUE;
    while ((Step = ProxyTakeStep(Session)) != ProxyStepNone) {
        KeReleaseSpinLock(&Session->Lock, OldIrql);
        if (Step == ProxyStepFree) {
            ProxyRemoveSession(Session);
            return;
        }
        ProxyPerform(Session, Step);
        KeAcquireSpinLock(&Session->Lock, &OldIrql);
    }
    Session->Running = FALSE;
    KeReleaseSpinLock(&Session->Lock, OldIrql);
}

_Use_decl_annotations_
static NTSTATUS ProxyConnectComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPROXY_END End = Context;
    PPROXY_SESSION Session = End->Session;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&Session->Lock, &OldIrql);
    Session->Connecting = FALSE;
    Session->Pending--;
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        End->Socket = (PWSK_SOCKET)Irp->IoStatus.Information;
    } else {
        Session->Failed = TRUE;
    }
    ProxyAdvance(Session, OldIrql);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* A received length of zero is the end of the stream. */
_Use_decl_annotations_
static NTSTATUS ProxyPipeComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPROXY_PIPE Pipe = Context;
    PPROXY_SESSION Session = Pipe->Session;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&Session->Lock, &OldIrql);
    Pipe->Busy = FALSE;
    Session->Pending--;
    if (!NT_SUCCESS(Irp->IoStatus.Status)) {
        Session->Failed = TRUE;
    } else if (Pipe->State == ProxyPipeReceive) {
        Pipe->Data.Length = Irp->IoStatus.Information;
        Pipe->State = Pipe->Data.Length != 0 ? ProxyPipeSend : ProxyPipeDisconnect;
    } else if (Pipe->State == ProxyPipeSend) {
        Pipe->State = ProxyPipeReceive;
    } else {
        Pipe->State = ProxyPipeDone;
    }
    ProxyAdvance(Session, OldIrql);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An abort or, after that, the close is done. */
_Use_decl_annotations_
static NTSTATUS ProxyEndComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPROXY_END End = Context;
    PPROXY_SESSION Session = End->Session;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeAcquireSpinLock(&Session->Lock, &OldIrql);
    if (End->Closing) {
        End->Socket = NULL;
    } else {
        Session->Pending--;
    }
    ProxyAdvance(Session, OldIrql);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static BOOLEAN ProxyInitializePipe(_Out_ PPROXY_PIPE Pipe, _In_ PPROXY_SESSION Session,
                                   _In_ PROXY_SIDE From, _In_ PROXY_SIDE To)
{
    Pipe->Session = Session;
    Pipe->From = From;
    Pipe->To = To;
    Pipe->State = ProxyPipeReceive;
    Pipe->Irp = IoAllocateIrp(1, FALSE);
    Pipe->Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, PROXY_BUFFER_SIZE,
                                   PROXY_TAG);
    if (Pipe->Irp == NULL || Pipe->Buffer == NULL) {
        return FALSE;
    }
    Pipe->Data.Mdl = IoAllocateMdl(Pipe->Buffer, PROXY_BUFFER_SIZE, FALSE, FALSE, NULL);
    if (Pipe->Data.Mdl == NULL) {
        return FALSE;
    }
    MmBuildMdlForNonPagedPool(Pipe->Data.Mdl);
    return TRUE;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static PPROXY_SESSION ProxyCreateSession(_In_ PWSK_SOCKET ClientSocket)
{
    PPROXY_SESSION Session;
    ULONG i;

    Session = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Session), PROXY_TAG);
    if (Session == NULL) {
        return NULL;
    }
    KeInitializeSpinLock(&Session->Lock);
    for (i = 0; i < ARRAYSIZE(Session->Ends); i++) {
        Session->Ends[i].Session = Session;
        Session->Ends[i].Irp = IoAllocateIrp(1, FALSE);
    }
    Session->Ends[ProxyClient].Socket = ClientSocket;
    if (Session->Ends[ProxyClient].Irp == NULL || Session->Ends[ProxyTarget].Irp == NULL ||
        !ProxyInitializePipe(&Session->Pipes[0], Session, ProxyClient, ProxyTarget) ||
        !ProxyInitializePipe(&Session->Pipes[1], Session, ProxyTarget, ProxyClient)) {
        ProxyFreeSession(Session);
        return NULL;
    }
    return Session;
}

/* Ends once, whether the unload or a dead listener comes first. IrpDone is set when it is closed.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID ProxyCloseListener(VOID)
{
    PWSK_SOCKET Listener = InterlockedExchangePointer((PVOID *)&ProxyServer.Listener, NULL);
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch;

    if (Listener != NULL) {
        Dispatch = Listener->Dispatch;
        (VOID) Dispatch->WskCloseSocket(
            Listener, ProxyPrepareIrp(ProxyServer.Irp, ProxySignalEvent, &ProxyServer.IrpDone));
    }
}

/* The accepted socket gets no callbacks. It is usable at once, but the pipes wait for the target.
 */
_Must_inspect_result_
static NTSTATUS WSKAPI ProxyAcceptEvent(
    _In_opt_ PVOID SocketContext, _In_ ULONG Flags, _In_ PSOCKADDR LocalAddress,
    _In_ PSOCKADDR RemoteAddress, _In_opt_ PWSK_SOCKET AcceptSocket,
    _Outptr_result_maybenull_ PVOID *AcceptSocketContext,
    _Outptr_result_maybenull_ CONST WSK_CLIENT_CONNECTION_DISPATCH **AcceptSocketDispatch)
{
    PPROXY_SESSION Session;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(SocketContext);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(LocalAddress);
    UNREFERENCED_PARAMETER(RemoteAddress);
    if (AcceptSocket == NULL) {
        ProxyCloseListener();
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    if (!ExAcquireRundownProtection(&ProxyServer.Rundown)) {
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    Session = ProxyCreateSession(AcceptSocket);
    if (Session == NULL) {
        ExReleaseRundownProtection(&ProxyServer.Rundown);
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    *AcceptSocketContext = NULL;
    *AcceptSocketDispatch = NULL;
    KeAcquireSpinLock(&ProxyServer.Lock, &OldIrql);
    InsertTailList(&ProxyServer.Sessions, &Session->Link);
    KeReleaseSpinLock(&ProxyServer.Lock, OldIrql);
    KeAcquireSpinLock(&Session->Lock, &OldIrql);
    ProxyAdvance(Session, OldIrql);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_LISTEN_DISPATCH ProxyListenDispatch = { ProxyAcceptEvent, NULL, NULL };
static const WSK_CLIENT_DISPATCH ProxyClientDispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

_Use_decl_annotations_
static NTSTATUS ProxySignalEvent(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP ProxyStartupIrp(VOID)
{
    KeClearEvent(&ProxyServer.IrpDone);
    return ProxyPrepareIrp(ProxyServer.Irp, ProxySignalEvent, &ProxyServer.IrpDone);
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS ProxyAwaitStartupIrp(VOID)
{
    KeWaitForSingleObject(&ProxyServer.IrpDone, Executive, KernelMode, FALSE, NULL);
    return ProxyServer.Irp->IoStatus.Status;
}

/* Takes the first address of the target. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS ProxyResolveTarget(_In_ PUNICODE_STRING Host, _In_ USHORT Port)
{
    const WSK_PROVIDER_DISPATCH *Dispatch = ProxyServer.Npi.Dispatch;
    ADDRINFOEXW Hints = { 0 };
    PADDRINFOEXW Addresses = NULL;
    NTSTATUS Status;

    Hints.ai_socktype = SOCK_STREAM;
    Hints.ai_protocol = IPPROTO_TCP;
    (VOID) Dispatch->WskGetAddressInfo(ProxyServer.Npi.Client, Host, NULL, NS_ALL, NULL, &Hints,
                                       &Addresses, NULL, NULL, ProxyStartupIrp());
    Status = ProxyAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        DbgPrint("tcp-proxy: cannot resolve %wZ\n", Host);
        return Status;
    }
    RtlCopyMemory(&ProxyServer.Target, Addresses->ai_addr, Addresses->ai_addrlen);
    SS_PORT(&ProxyServer.Target) = RtlUshortByteSwap(Port);
    Dispatch->WskFreeAddressInfo(ProxyServer.Npi.Client, Addresses);
    return STATUS_SUCCESS;
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS ProxyBind(_In_ PWSK_SOCKET Listener, _In_ USHORT Port)
{
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch = Listener->Dispatch;
    WSK_EVENT_CALLBACK_CONTROL Callbacks = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_ACCEPT };
    SOCKADDR_IN6 Address = { 0 };
    ULONG V6Only = 0;
    NTSTATUS Status;

    (VOID) Dispatch->WskControlSocket(Listener, WskSetOption, IPV6_V6ONLY, IPPROTO_IPV6,
                                      sizeof(V6Only), &V6Only, 0, NULL, NULL, ProxyStartupIrp());
    Status = ProxyAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Address.sin6_family = AF_INET6;
    Address.sin6_port = RtlUshortByteSwap(Port);
    (VOID) Dispatch->WskBind(Listener, (PSOCKADDR)&Address, 0, ProxyStartupIrp());
    Status = ProxyAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (VOID) Dispatch->WskGetLocalAddress(Listener, (PSOCKADDR)&Address, ProxyStartupIrp());
    Status = ProxyAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DbgPrint("tcp-proxy: listening on port %u\n", RtlUshortByteSwap(Address.sin6_port));
    return Dispatch->WskControlSocket(Listener, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET,
                                      sizeof(Callbacks), &Callbacks, 0, NULL, NULL, NULL);
}

/* The listener is published last: until then nobody else closes it, or uses the start-up IRP. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS ProxyListen(_In_ USHORT Port)
{
    const WSK_PROVIDER_NPI *Npi = &ProxyServer.Npi;
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch;
    PWSK_SOCKET Listener;
    NTSTATUS Status;

    (VOID) Npi->Dispatch->WskSocket(Npi->Client, AF_INET6, SOCK_STREAM, IPPROTO_TCP,
                                    WSK_FLAG_LISTEN_SOCKET, NULL, &ProxyListenDispatch, NULL, NULL,
                                    NULL, ProxyStartupIrp());
    Status = ProxyAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Listener = (PWSK_SOCKET)ProxyServer.Irp->IoStatus.Information;
    Status = ProxyBind(Listener, Port);
    if (!NT_SUCCESS(Status)) {
        Dispatch = Listener->Dispatch;
        (VOID) Dispatch->WskCloseSocket(Listener, ProxyStartupIrp());
        (VOID) ProxyAwaitStartupIrp();
        return Status;
    }
    KeClearEvent(&ProxyServer.IrpDone); /* from here on: the listener is closed */
    InterlockedExchangePointer((PVOID *)&ProxyServer.Listener, Listener);
    return STATUS_SUCCESS;
}

/* Pending keeps a session alive between the two locks. */
_IRQL_requires_(PASSIVE_LEVEL)
static VOID ProxyAbortSessions(VOID)
{
    PPROXY_SESSION Session;
    BOOLEAN Freeing;
    KIRQL OldIrql;

    KeAcquireSpinLock(&ProxyServer.Lock, &OldIrql);
    while (!IsListEmpty(&ProxyServer.Sessions)) {
        Session = CONTAINING_RECORD(RemoveHeadList(&ProxyServer.Sessions), PROXY_SESSION, Link);
        InitializeListHead(&Session->Link); /* its end unlinks it once more */
        KeAcquireSpinLockAtDpcLevel(&Session->Lock);
        Freeing = Session->Freeing;
        if (!Freeing) {
            Session->Pending++;
        }
        KeReleaseSpinLockFromDpcLevel(&Session->Lock);
        if (Freeing) {
            continue;
        }
        KeReleaseSpinLock(&ProxyServer.Lock, OldIrql);

        KeAcquireSpinLock(&Session->Lock, &OldIrql);
        Session->Pending--;
        Session->Failed = TRUE;
        ProxyAdvance(Session, OldIrql);
        KeAcquireSpinLock(&ProxyServer.Lock, &OldIrql);
    }
    KeReleaseSpinLock(&ProxyServer.Lock, OldIrql);
}

/* No accept callback runs once the listener is closed, so the list can only shrink after that. */
_IRQL_requires_(PASSIVE_LEVEL)
static VOID ProxyStop(VOID)
{
    ProxyCloseListener();
    KeWaitForSingleObject(&ProxyServer.IrpDone, Executive, KernelMode, FALSE, NULL);
    ProxyAbortSessions();
    ExWaitForRundownProtectionRelease(&ProxyServer.Rundown);
    WskReleaseProviderNPI(&ProxyServer.Registration);
    WskDeregister(&ProxyServer.Registration);
    IoFreeIrp(ProxyServer.Irp);
}

/*
 * The capture does not wait: this driver starts on demand, when WSK is long there. A driver that
 * starts at boot would wait in a thread of its own, never here.
 */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS ProxyStart(_In_ USHORT Port, _In_ PUNICODE_STRING TargetHost,
                           _In_ USHORT TargetPort)
{
    WSK_CLIENT_NPI Client = { NULL, &ProxyClientDispatch };
    NTSTATUS Status;

    ProxyServer.Irp = IoAllocateIrp(1, FALSE);
    if (ProxyServer.Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = WskRegister(&Client, &ProxyServer.Registration);
    if (!NT_SUCCESS(Status)) {
        IoFreeIrp(ProxyServer.Irp);
        return Status;
    }
    Status = WskCaptureProviderNPI(&ProxyServer.Registration, WSK_NO_WAIT, &ProxyServer.Npi);
    if (!NT_SUCCESS(Status)) {
        WskDeregister(&ProxyServer.Registration);
        IoFreeIrp(ProxyServer.Irp);
        return Status;
    }
    Status = ProxyResolveTarget(TargetHost, TargetPort);
    if (NT_SUCCESS(Status)) {
        Status = ProxyListen(Port);
    }
    if (!NT_SUCCESS(Status)) {
        ProxyStop(); /* a client may have connected before a late failure */
    }
    return Status;
}

_Use_decl_annotations_
static VOID ProxyUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    ProxyStop();
    DbgPrint("tcp-proxy: unloaded\n");
}

/* Reads a value under the service's Parameters key. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS ProxyQueryValue(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
                                _Out_writes_bytes_(Size) PKEY_VALUE_PARTIAL_INFORMATION Value,
                                _In_ ULONG Size)
{
    UNICODE_STRING ParametersName = RTL_CONSTANT_STRING(L"Parameters");
    UNICODE_STRING ValueName;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE ServiceKey, ParametersKey;
    ULONG Length;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    Status = ZwOpenKey(&ServiceKey, KEY_READ, &Attributes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &ParametersName,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, ServiceKey, NULL);
    Status = ZwOpenKey(&ParametersKey, KEY_READ, &Attributes);
    if (NT_SUCCESS(Status)) {
        RtlInitUnicodeString(&ValueName, Name);
        Status = ZwQueryValueKey(ParametersKey, &ValueName, KeyValuePartialInformation, Value, Size,
                                 &Length);
        ZwClose(ParametersKey);
    }
    ZwClose(ServiceKey);
    return Status;
}

_IRQL_requires_(PASSIVE_LEVEL)
static ULONG ProxyQueryNumber(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
                              _In_ ULONG Default)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    ULONG Number = Default;

    if (NT_SUCCESS(ProxyQueryValue(RegistryPath, Name, Value, sizeof(Buffer))) &&
        Value->Type == REG_DWORD && Value->DataLength == sizeof(ULONG)) {
        RtlCopyMemory(&Number, Value->Data, sizeof(ULONG));
    }
    return Number;
}

_Use_decl_annotations_
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + PROXY_HOST_MAX];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    ULONG Port = ProxyQueryNumber(RegistryPath, L"Port", PROXY_DEFAULT_PORT);
    ULONG TargetPort = ProxyQueryNumber(RegistryPath, L"TargetPort", PROXY_DEFAULT_TARGET_PORT);
    UNICODE_STRING TargetHost = RTL_CONSTANT_STRING(L"localhost");
    NTSTATUS Status;

    if (NT_SUCCESS(ProxyQueryValue(RegistryPath, L"TargetHost", Value, sizeof(Buffer))) &&
        Value->Type == REG_SZ && Value->DataLength >= sizeof(WCHAR)) {
        TargetHost.Buffer = (PWCH)Value->Data;
        TargetHost.Length = (USHORT)(Value->DataLength - sizeof(WCHAR)); /* no final NUL */
        TargetHost.MaximumLength = (USHORT)Value->DataLength;
    }
    if (Port > MAXUSHORT || TargetPort > MAXUSHORT) {
        return STATUS_INVALID_PARAMETER;
    }
    KeInitializeEvent(&ProxyServer.IrpDone, NotificationEvent, TRUE);
    KeInitializeSpinLock(&ProxyServer.Lock);
    InitializeListHead(&ProxyServer.Sessions);
    ExInitializeRundownProtection(&ProxyServer.Rundown);
    Status = ProxyStart((USHORT)Port, &TargetHost, (USHORT)TargetPort);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("tcp-proxy: cannot start on port %u: 0x%08X\n", Port, Status);
        return Status;
    }
    DriverObject->DriverUnload = ProxyUnload;
    return STATUS_SUCCESS;
}
