/*
 * tcp-echo-events: a TCP echo server on WSK event callbacks.
 *
 * No thread of its own and no copy of the data: WskReceiveEvent keeps the indicated buffers by
 * returning STATUS_PENDING, WskSend sends them back from where they are, WskRelease returns them.
 * One dual-stack socket serves IPv4 and IPv6. A peer that half-closes gets the rest of its echo and
 * then a FIN; a peer that sends without reading is stopped when ECHO_HIGH_WATER bytes are queued.
 *
 * Callbacks and completion routines only note what happened, under the connection's spin lock, and
 * call EchoAdvance. That one function decides what comes next and makes every WSK call of the
 * connection, on one thread at a time: so no call can meet a socket that is being closed, and the
 * socket is closed only when no request is in progress and no buffer is retained.
 *
 * Parameters: Port (REG_DWORD, default 7; 0 lets WSK choose). The port is printed at start.
 */
#include <ntddk.h>
#include <wsk.h>

#define ECHO_TAG          'ohcE'
#define ECHO_DEFAULT_PORT 7
#define ECHO_HIGH_WATER   (256 * 1024)
#define ECHO_LOW_WATER    (ECHO_HIGH_WATER / 2)

typedef enum _ECHO_STEP {
    EchoStepNone,
    EchoStepRelease,
    EchoStepSend,
    EchoStepResume,
    EchoStepDisconnect,
    EchoStepAbort,
    EchoStepClose
} ECHO_STEP;

typedef struct _ECHO_CONNECTION {
    LIST_ENTRY Link; /* in EchoServer.Connections, under EchoServer.Lock */
    PWSK_SOCKET Socket;
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch;
    PIRP SendIrp;
    PIRP ResumeIrp;
    PIRP DisconnectIrp;
    PIRP CloseIrp; /* aborts, later closes: what ends a connection must not fail for memory */

    KSPIN_LOCK Lock;           /* guards all that follows */
    PWSK_DATA_INDICATION Head; /* retained, to be echoed */
    PWSK_DATA_INDICATION Tail;
    SIZE_T QueuedBytes;
    PWSK_DATA_INDICATION Echoed;    /* retained, to be released */
    PWSK_DATA_INDICATION Releasing; /* belongs to the thread inside EchoAdvance */
    ULONG Pending;                  /* requests in progress: no close before it is zero */
    BOOLEAN Running;                /* a thread is inside EchoAdvance */
    BOOLEAN Sending;
    BOOLEAN Suspended; /* WskReceiveEvent refused data and waits for WskReceive */
    BOOLEAN PeerDone;  /* the peer sent its FIN */
    BOOLEAN Disconnecting;
    BOOLEAN Finished; /* both directions ended in order */
    BOOLEAN Failed;
    BOOLEAN Aborting;
    BOOLEAN Closing;
} ECHO_CONNECTION, *PECHO_CONNECTION;

typedef struct _ECHO_SERVER {
    WSK_REGISTRATION Registration;
    PWSK_SOCKET Listener;
    PIRP Irp; /* start-up requests, later the listener's close */
    KEVENT IrpDone;
    KSPIN_LOCK Lock; /* guards Connections; taken before a connection's lock */
    LIST_ENTRY Connections;
    EX_RUNDOWN_REF Rundown; /* one reference per connection */
} ECHO_SERVER;

static ECHO_SERVER EchoServer;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD EchoUnload;
static IO_COMPLETION_ROUTINE EchoSignalEvent;
static IO_COMPLETION_ROUTINE EchoSendComplete;
static IO_COMPLETION_ROUTINE EchoControlComplete;
static IO_COMPLETION_ROUTINE EchoCloseComplete;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, EchoUnload)
#endif

/* What the connection needs next; marks it as begun. The connection's lock is held. */
_Requires_lock_held_(Connection->Lock)
static ECHO_STEP EchoTakeStep(_Inout_ PECHO_CONNECTION Connection)
{
    if (Connection->Echoed != NULL) {
        Connection->Releasing = Connection->Echoed;
        Connection->Echoed = NULL;
        return EchoStepRelease;
    }
    if (Connection->Failed && !Connection->Aborting) {
        Connection->Aborting = TRUE;
        Connection->Pending++;
        return EchoStepAbort;
    }
    if (Connection->Failed || Connection->Finished) {
        if (Connection->Pending != 0 || Connection->Closing) {
            return EchoStepNone;
        }
        if (Connection->Head != NULL) {
            Connection->Releasing = Connection->Head;
            Connection->Head = NULL;
            return EchoStepRelease;
        }
        Connection->Closing = TRUE;
        return EchoStepClose;
    }
    if (Connection->Suspended && Connection->QueuedBytes <= ECHO_LOW_WATER) {
        Connection->Suspended = FALSE;
        Connection->Pending++;
        return EchoStepResume;
    }
    if (Connection->Sending || Connection->Disconnecting) {
        return EchoStepNone;
    }
    if (Connection->Head != NULL) {
        Connection->Sending = TRUE;
        Connection->Pending++;
        return EchoStepSend;
    }
    if (Connection->PeerDone) {
        Connection->Disconnecting = TRUE;
        Connection->Pending++;
        return EchoStepDisconnect;
    }
    return EchoStepNone;
}

static PIRP EchoPrepareIrp(_Inout_ PIRP Irp, _In_ PIO_COMPLETION_ROUTINE Routine,
                           _In_ PVOID Context)
{
    IoReuseIrp(Irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(Irp, Routine, Context, TRUE, TRUE, TRUE);
    return Irp;
}

/* The statuses of these calls arrive in the IRPs, whether the calls pend or not. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID EchoPerform(_Inout_ PECHO_CONNECTION Connection, _In_ ECHO_STEP Step)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch = Connection->Dispatch;
    PWSK_SOCKET Socket = Connection->Socket;
    WSK_BUF NoData = { 0 };

    switch (Step) {
    case EchoStepRelease:
        (VOID) Dispatch->WskRelease(Socket, Connection->Releasing);
        break;
    case EchoStepSend:
        (VOID) Dispatch->WskSend(Socket, &Connection->Head->Buffer, 0,
                                 EchoPrepareIrp(Connection->SendIrp, EchoSendComplete, Connection));
        break;
    case EchoStepResume:
        (VOID) Dispatch->WskReceive(
            Socket, &NoData, 0,
            EchoPrepareIrp(Connection->ResumeIrp, EchoControlComplete, Connection));
        break;
    case EchoStepDisconnect:
        (VOID) Dispatch->WskDisconnect(
            Socket, NULL, 0,
            EchoPrepareIrp(Connection->DisconnectIrp, EchoControlComplete, Connection));
        break;
    case EchoStepAbort:
        (VOID) Dispatch->WskDisconnect(
            Socket, NULL, WSK_FLAG_ABORTIVE,
            EchoPrepareIrp(Connection->CloseIrp, EchoControlComplete, Connection));
        break;
    case EchoStepClose:
        (VOID) Dispatch->WskCloseSocket(
            Socket, EchoPrepareIrp(Connection->CloseIrp, EchoCloseComplete, Connection));
        break;
    default:
        NT_ASSERT(FALSE);
        break;
    }
}

/*
 * Entered with the connection's lock held, returns with it released. Whoever finds another thread
 * inside leaves: that thread sees the new facts before it goes.
 */
_IRQL_requires_(DISPATCH_LEVEL)
_Releases_lock_(Connection->Lock)
static VOID EchoAdvance(_Inout_ PECHO_CONNECTION Connection, _In_ KIRQL OldIrql)
{
    ECHO_STEP Step;

    if (Connection->Running) {
        KeReleaseSpinLock(&Connection->Lock, OldIrql);
        return;
    }
    Connection->Running = TRUE;
    while ((Step = EchoTakeStep(Connection)) != EchoStepNone) {
        KeReleaseSpinLock(&Connection->Lock, OldIrql);
        EchoPerform(Connection, Step);
        if (Step == EchoStepClose) {
            return; /* the connection may be gone */
        }
        KeAcquireSpinLock(&Connection->Lock, &OldIrql);
    }
    Connection->Running = FALSE;
    KeReleaseSpinLock(&Connection->Lock, OldIrql);
}

_Use_decl_annotations_
static NTSTATUS EchoSendComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PECHO_CONNECTION Connection = Context;
    PWSK_DATA_INDICATION Sent;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&Connection->Lock, &OldIrql);
    Sent = Connection->Head;
    Connection->Head = Sent->Next;
    Connection->QueuedBytes -= Sent->Buffer.Length;
    Sent->Next = Connection->Echoed;
    Connection->Echoed = Sent;
    Connection->Sending = FALSE;
    Connection->Pending--;
    if (!NT_SUCCESS(Irp->IoStatus.Status)) {
        Connection->Failed = TRUE;
    }
    EchoAdvance(Connection, OldIrql);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* A resume, a disconnect or an abort is done. */
_Use_decl_annotations_
static NTSTATUS EchoControlComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PECHO_CONNECTION Connection = Context;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&Connection->Lock, &OldIrql);
    Connection->Pending--;
    if (!NT_SUCCESS(Irp->IoStatus.Status)) {
        Connection->Failed = TRUE;
    } else if (Irp == Connection->DisconnectIrp) {
        Connection->Finished = TRUE;
    }
    EchoAdvance(Connection, OldIrql);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID EchoFreeConnection(_In_ _Post_invalid_ PECHO_CONNECTION Connection)
{
    PIRP Irps[] = { Connection->SendIrp, Connection->ResumeIrp, Connection->DisconnectIrp,
                    Connection->CloseIrp };
    ULONG i;

    for (i = 0; i < ARRAYSIZE(Irps); i++) {
        if (Irps[i] != NULL) {
            IoFreeIrp(Irps[i]);
        }
    }
    ExFreePoolWithTag(Connection, ECHO_TAG);
}

_Use_decl_annotations_
static NTSTATUS EchoCloseComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PECHO_CONNECTION Connection = Context;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeAcquireSpinLock(&EchoServer.Lock, &OldIrql);
    RemoveEntryList(&Connection->Link);
    KeReleaseSpinLock(&EchoServer.Lock, OldIrql);
    EchoFreeConnection(Connection);
    ExReleaseRundownProtection(&EchoServer.Rundown);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The buffers stay ours until WskRelease. NULL: the socket is dead and must be closed. */
_Must_inspect_result_
static NTSTATUS WSKAPI EchoReceiveEvent(_In_opt_ PVOID SocketContext, _In_ ULONG Flags,
                                        _In_opt_ PWSK_DATA_INDICATION DataIndication,
                                        _In_ SIZE_T BytesIndicated, _Inout_ SIZE_T *BytesAccepted)
{
    PECHO_CONNECTION Connection = SocketContext;
    PWSK_DATA_INDICATION Last;
    NTSTATUS Status = STATUS_DATA_NOT_ACCEPTED;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(BytesAccepted);
    KeAcquireSpinLock(&Connection->Lock, &OldIrql);
    if (DataIndication == NULL) {
        Connection->Failed = TRUE;
        Status = STATUS_SUCCESS;
    } else if (Connection->QueuedBytes >= ECHO_HIGH_WATER) {
        Connection->Suspended = TRUE;
    } else if (!Connection->Failed) {
        for (Last = DataIndication; Last->Next != NULL; Last = Last->Next) {
        }
        if (Connection->Head == NULL) {
            Connection->Head = DataIndication;
        } else {
            Connection->Tail->Next = DataIndication;
        }
        Connection->Tail = Last;
        Connection->QueuedBytes += BytesIndicated;
        Status = STATUS_PENDING;
    }
    EchoAdvance(Connection, OldIrql);
    return Status;
}

_Must_inspect_result_
static NTSTATUS WSKAPI EchoDisconnectEvent(_In_opt_ PVOID SocketContext, _In_ ULONG Flags)
{
    PECHO_CONNECTION Connection = SocketContext;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Connection->Lock, &OldIrql);
    if ((Flags & WSK_FLAG_ABORTIVE) != 0) {
        Connection->Failed = TRUE;
    } else {
        Connection->PeerDone = TRUE;
    }
    EchoAdvance(Connection, OldIrql);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH EchoConnectionDispatch = {
    EchoReceiveEvent, EchoDisconnectEvent, NULL /* no use for the send backlog */
};

_IRQL_requires_max_(DISPATCH_LEVEL)
static PECHO_CONNECTION EchoCreateConnection(_In_ PWSK_SOCKET Socket)
{
    PECHO_CONNECTION Connection;

    Connection = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Connection), ECHO_TAG);
    if (Connection == NULL) {
        return NULL;
    }
    Connection->Socket = Socket;
    Connection->Dispatch = Socket->Dispatch;
    KeInitializeSpinLock(&Connection->Lock);
    Connection->SendIrp = IoAllocateIrp(1, FALSE);
    Connection->ResumeIrp = IoAllocateIrp(1, FALSE);
    Connection->DisconnectIrp = IoAllocateIrp(1, FALSE);
    Connection->CloseIrp = IoAllocateIrp(1, FALSE);
    if (Connection->SendIrp == NULL || Connection->ResumeIrp == NULL ||
        Connection->DisconnectIrp == NULL || Connection->CloseIrp == NULL) {
        EchoFreeConnection(Connection);
        return NULL;
    }
    return Connection;
}

/* Ends once, whether the unload or a dead listener comes first. IrpDone is set when it is closed.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID EchoCloseListener(VOID)
{
    PWSK_SOCKET Listener = InterlockedExchangePointer((PVOID *)&EchoServer.Listener, NULL);
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch;

    if (Listener != NULL) {
        Dispatch = Listener->Dispatch;
        (VOID) Dispatch->WskCloseSocket(
            Listener, EchoPrepareIrp(EchoServer.Irp, EchoSignalEvent, &EchoServer.IrpDone));
    }
}

/* Receive and disconnect events of an accepted socket are enabled as this returns. */
_Must_inspect_result_
static NTSTATUS WSKAPI EchoAcceptEvent(
    _In_opt_ PVOID SocketContext, _In_ ULONG Flags, _In_ PSOCKADDR LocalAddress,
    _In_ PSOCKADDR RemoteAddress, _In_opt_ PWSK_SOCKET AcceptSocket,
    _Outptr_result_maybenull_ PVOID *AcceptSocketContext,
    _Outptr_result_maybenull_ CONST WSK_CLIENT_CONNECTION_DISPATCH **AcceptSocketDispatch)
{
    PECHO_CONNECTION Connection;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(SocketContext);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(LocalAddress);
    UNREFERENCED_PARAMETER(RemoteAddress);
    if (AcceptSocket == NULL) {
        EchoCloseListener();
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    if (!ExAcquireRundownProtection(&EchoServer.Rundown)) {
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    Connection = EchoCreateConnection(AcceptSocket);
    if (Connection == NULL) {
        ExReleaseRundownProtection(&EchoServer.Rundown);
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    KeAcquireSpinLock(&EchoServer.Lock, &OldIrql);
    InsertTailList(&EchoServer.Connections, &Connection->Link);
    KeReleaseSpinLock(&EchoServer.Lock, OldIrql);
    *AcceptSocketContext = Connection;
    *AcceptSocketDispatch = &EchoConnectionDispatch;
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_LISTEN_DISPATCH EchoListenDispatch = { EchoAcceptEvent, NULL, NULL };
static const WSK_CLIENT_DISPATCH EchoClientDispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

_Use_decl_annotations_
static NTSTATUS EchoSignalEvent(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP EchoStartupIrp(VOID)
{
    KeClearEvent(&EchoServer.IrpDone);
    return EchoPrepareIrp(EchoServer.Irp, EchoSignalEvent, &EchoServer.IrpDone);
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoAwaitStartupIrp(VOID)
{
    KeWaitForSingleObject(&EchoServer.IrpDone, Executive, KernelMode, FALSE, NULL);
    return EchoServer.Irp->IoStatus.Status;
}

/* Accepting begins with the bind: all that the callbacks use is ready before. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoBind(_In_ PWSK_SOCKET Listener, _In_ USHORT Port)
{
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch = Listener->Dispatch;
    SOCKADDR_IN6 Address = { 0 };
    ULONG V6Only = 0;
    NTSTATUS Status;

    (VOID) Dispatch->WskControlSocket(Listener, WskSetOption, IPV6_V6ONLY, IPPROTO_IPV6,
                                      sizeof(V6Only), &V6Only, 0, NULL, NULL, EchoStartupIrp());
    Status = EchoAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Address.sin6_family = AF_INET6;
    Address.sin6_port = RtlUshortByteSwap(Port);
    (VOID) Dispatch->WskBind(Listener, (PSOCKADDR)&Address, 0, EchoStartupIrp());
    Status = EchoAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (VOID) Dispatch->WskGetLocalAddress(Listener, (PSOCKADDR)&Address, EchoStartupIrp());
    Status = EchoAwaitStartupIrp();
    if (NT_SUCCESS(Status)) {
        DbgPrint("tcp-echo-events: listening on port %u\n", RtlUshortByteSwap(Address.sin6_port));
    }
    return Status;
}

/* The listener is published last: until then nobody else closes it, or uses the start-up IRP. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoListen(_In_ const WSK_PROVIDER_NPI *Npi, _In_ USHORT Port)
{
    WSK_EVENT_CALLBACK_CONTROL Callbacks = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_ACCEPT |
                                                                        WSK_EVENT_RECEIVE |
                                                                        WSK_EVENT_DISCONNECT };
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch;
    PWSK_SOCKET Listener;
    NTSTATUS Status;

    Status = Npi->Dispatch->WskControlClient(Npi->Client, WSK_SET_STATIC_EVENT_CALLBACKS,
                                             sizeof(Callbacks), &Callbacks, 0, NULL, NULL, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (VOID) Npi->Dispatch->WskSocket(Npi->Client, AF_INET6, SOCK_STREAM, IPPROTO_TCP,
                                    WSK_FLAG_LISTEN_SOCKET, NULL, &EchoListenDispatch, NULL, NULL,
                                    NULL, EchoStartupIrp());
    Status = EchoAwaitStartupIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Listener = (PWSK_SOCKET)EchoServer.Irp->IoStatus.Information;
    Status = EchoBind(Listener, Port);
    if (!NT_SUCCESS(Status)) {
        Dispatch = Listener->Dispatch;
        (VOID) Dispatch->WskCloseSocket(Listener, EchoStartupIrp());
        (VOID) EchoAwaitStartupIrp();
        return Status;
    }
    KeClearEvent(&EchoServer.IrpDone); /* from here on: the listener is closed */
    InterlockedExchangePointer((PVOID *)&EchoServer.Listener, Listener);
    return STATUS_SUCCESS;
}

/* Pending keeps the connection alive between the two locks. */
_IRQL_requires_(PASSIVE_LEVEL)
static VOID EchoAbortConnections(VOID)
{
    PECHO_CONNECTION Connection;
    BOOLEAN Closing;
    KIRQL OldIrql;

    KeAcquireSpinLock(&EchoServer.Lock, &OldIrql);
    while (!IsListEmpty(&EchoServer.Connections)) {
        Connection =
            CONTAINING_RECORD(RemoveHeadList(&EchoServer.Connections), ECHO_CONNECTION, Link);
        InitializeListHead(&Connection->Link); /* its close unlinks it once more */
        KeAcquireSpinLockAtDpcLevel(&Connection->Lock);
        Closing = Connection->Closing;
        if (!Closing) {
            Connection->Pending++;
        }
        KeReleaseSpinLockFromDpcLevel(&Connection->Lock);
        if (Closing) {
            continue;
        }
        KeReleaseSpinLock(&EchoServer.Lock, OldIrql);

        KeAcquireSpinLock(&Connection->Lock, &OldIrql);
        Connection->Pending--;
        Connection->Failed = TRUE;
        EchoAdvance(Connection, OldIrql);
        KeAcquireSpinLock(&EchoServer.Lock, &OldIrql);
    }
    KeReleaseSpinLock(&EchoServer.Lock, OldIrql);
}

/* No accept callback runs once the listener is closed, so the list can only shrink after that. */
_IRQL_requires_(PASSIVE_LEVEL)
static VOID EchoStop(VOID)
{
    EchoCloseListener();
    KeWaitForSingleObject(&EchoServer.IrpDone, Executive, KernelMode, FALSE, NULL);
    EchoAbortConnections();
    ExWaitForRundownProtectionRelease(&EchoServer.Rundown);
    WskDeregister(&EchoServer.Registration);
    IoFreeIrp(EchoServer.Irp);
}

/*
 * The capture does not wait: this driver starts on demand, when WSK is long there. A driver that
 * starts at boot would wait in a thread of its own, never here.
 */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoStart(_In_ USHORT Port)
{
    WSK_CLIENT_NPI Client = { NULL, &EchoClientDispatch };
    WSK_PROVIDER_NPI Npi;
    NTSTATUS Status;

    EchoServer.Irp = IoAllocateIrp(1, FALSE);
    if (EchoServer.Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = WskRegister(&Client, &EchoServer.Registration);
    if (!NT_SUCCESS(Status)) {
        IoFreeIrp(EchoServer.Irp);
        return Status;
    }
    Status = WskCaptureProviderNPI(&EchoServer.Registration, WSK_NO_WAIT, &Npi);
    if (NT_SUCCESS(Status)) {
        Status = EchoListen(&Npi, Port);
        WskReleaseProviderNPI(&EchoServer.Registration);
    }
    if (!NT_SUCCESS(Status)) {
        EchoStop(); /* a client may have connected before a late failure */
    }
    return Status;
}

_Use_decl_annotations_
static VOID EchoUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    EchoStop();
    DbgPrint("tcp-echo-events: unloaded\n");
}

/* A REG_DWORD under the service's Parameters key, or Default. */
_IRQL_requires_(PASSIVE_LEVEL)
static ULONG EchoQueryParameter(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
                                _In_ ULONG Default)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    UNICODE_STRING ParametersName = RTL_CONSTANT_STRING(L"Parameters");
    UNICODE_STRING ValueName;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE ServiceKey, ParametersKey;
    ULONG Length, Result = Default;

    InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&ServiceKey, KEY_READ, &Attributes))) {
        return Default;
    }
    InitializeObjectAttributes(&Attributes, &ParametersName,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, ServiceKey, NULL);
    if (NT_SUCCESS(ZwOpenKey(&ParametersKey, KEY_READ, &Attributes))) {
        RtlInitUnicodeString(&ValueName, Name);
        if (NT_SUCCESS(ZwQueryValueKey(ParametersKey, &ValueName, KeyValuePartialInformation, Value,
                                       sizeof(Buffer), &Length)) &&
            Value->Type == REG_DWORD && Value->DataLength == sizeof(ULONG)) {
            RtlCopyMemory(&Result, Value->Data, sizeof(ULONG));
        }
        ZwClose(ParametersKey);
    }
    ZwClose(ServiceKey);
    return Result;
}

_Use_decl_annotations_
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Port = EchoQueryParameter(RegistryPath, L"Port", ECHO_DEFAULT_PORT);
    NTSTATUS Status;

    if (Port > MAXUSHORT) {
        return STATUS_INVALID_PARAMETER;
    }
    KeInitializeEvent(&EchoServer.IrpDone, NotificationEvent, TRUE);
    KeInitializeSpinLock(&EchoServer.Lock);
    InitializeListHead(&EchoServer.Connections);
    ExInitializeRundownProtection(&EchoServer.Rundown);
    Status = EchoStart((USHORT)Port);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("tcp-echo-events: cannot start on port %u: 0x%08X\n", Port, Status);
        return Status;
    }
    DriverObject->DriverUnload = EchoUnload;
    return STATUS_SUCCESS;
}
