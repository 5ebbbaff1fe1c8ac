/*
 * udp-echo: a UDP echo server on batches, in and out.
 *
 * WskReceiveFromEvent brings a list of datagrams. Runs of datagrams from the same peer to the same
 * local address are answered with one WskSendMessages each, straight from the indicated buffers,
 * which are released when the send is done. IP_PKTINFO and IPV6_PKTINFO tell which address a
 * datagram came to; the answer is sent from that address. One dual-stack socket serves both
 * families.
 *
 * UDP may lose datagrams, so what exceeds UDP_MAX_REPLIES requests in progress is dropped: that
 * bounds the memory. Each request holds a reference to the socket, as does each running callback;
 * who drops the last one closes the socket. So nothing is sent on, released to or retained from a
 * socket that is being closed.
 *
 * Parameters: Port (REG_DWORD, default 7; 0 lets WSK choose). The port is printed at start.
 */
#include <ntddk.h>
#include <wsk.h>

#define UDP_TAG          'ohcU'
#define UDP_DEFAULT_PORT 7
#define UDP_BATCH        32
#define UDP_MAX_REPLIES  64

typedef struct _UDP_REPLY {
    PWSK_DATAGRAM_INDICATION Datagrams; /* retained, answered and released together */
    WSK_BUF_LIST Messages[UDP_BATCH];
    ULONG ControlLength;
    DECLSPEC_ALIGN(8) UCHAR Control[WSA_CMSG_SPACE(sizeof(IN6_PKTINFO))];
    IRP Irp;
    IO_STACK_LOCATION IrpStack; /* the IRP's one stack location; must follow it */
} UDP_REPLY, *PUDP_REPLY;

typedef struct _UDP_SERVER {
    WSK_REGISTRATION Registration;
    PWSK_SOCKET Socket;
    const WSK_PROVIDER_DATAGRAM_DISPATCH *Dispatch;
    LOOKASIDE_LIST_EX Replies;
    PIRP Irp; /* start-up requests, later the close */
    KEVENT IrpDone;
    LONG References; /* of the socket: one for being open, one per callback and per reply */
    LONG Stopping;
    LONG64 Answered;
} UDP_SERVER;

static UDP_SERVER UdpServer;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD UdpUnload;
static IO_COMPLETION_ROUTINE UdpSignalEvent;
static IO_COMPLETION_ROUTINE UdpReplyComplete;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, UdpUnload)
#endif

_Use_decl_annotations_
static NTSTATUS UdpSignalEvent(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP UdpPrepareIrp(VOID)
{
    KeClearEvent(&UdpServer.IrpDone);
    IoReuseIrp(UdpServer.Irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(UdpServer.Irp, UdpSignalEvent, &UdpServer.IrpDone, TRUE, TRUE, TRUE);
    return UdpServer.Irp;
}

/* WSK completes the IRP of every call, whatever the call returned: the status is in there. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS UdpAwaitIrp(VOID)
{
    KeWaitForSingleObject(&UdpServer.IrpDone, Executive, KernelMode, FALSE, NULL);
    return UdpServer.Irp->IoStatus.Status;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static BOOLEAN UdpReferenceSocket(VOID)
{
    LONG Old, Seen = ReadNoFence(&UdpServer.References);

    do {
        Old = Seen;
        if (Old == 0 || Old > UDP_MAX_REPLIES || ReadAcquire(&UdpServer.Stopping)) {
            return FALSE;
        }
        Seen = InterlockedCompareExchange(&UdpServer.References, Old + 1, Old);
    } while (Seen != Old);
    return TRUE;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID UdpDereferenceSocket(VOID)
{
    if (InterlockedDecrement(&UdpServer.References) == 0) {
        (VOID) UdpServer.Dispatch->WskCloseSocket(UdpServer.Socket, UdpPrepareIrp());
    }
}

/* Drops the reference for being open, once. The close follows when nothing is in progress. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID UdpCloseSocket(VOID)
{
    if (InterlockedExchange(&UdpServer.Stopping, TRUE) == FALSE) {
        UdpDereferenceSocket();
    }
}

_Use_decl_annotations_
static NTSTATUS UdpReplyComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PUDP_REPLY Reply = Context;
    PWSK_DATAGRAM_INDICATION Datagram;
    LONG64 Count = 0;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        for (Datagram = Reply->Datagrams; Datagram != NULL; Datagram = Datagram->Next) {
            Count++;
        }
        InterlockedAdd64(&UdpServer.Answered, Count);
    }
    (VOID) UdpServer.Dispatch->WskRelease(UdpServer.Socket, Reply->Datagrams);
    ExFreeToLookasideListEx(&UdpServer.Replies, Reply);
    UdpDereferenceSocket();
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The packet information of the datagram, in the form in which it is given to a send. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static ULONG UdpCopyPacketInfo(_In_ PWSK_DATAGRAM_INDICATION Datagram,
                               _Out_writes_bytes_(Size) PUCHAR Control, _In_ ULONG Size)
{
    WSAMSG Message = { 0 };
    PCMSGHDR Header;
    ULONG Length;

    Message.Control.buf = (PCHAR)Datagram->ControlInfo;
    Message.Control.len = Datagram->ControlInfoLength;
    for (Header = WSA_CMSG_FIRSTHDR(&Message); Header != NULL;
         Header = WSA_CMSG_NXTHDR(&Message, Header)) {
        if ((Header->cmsg_level == IPPROTO_IP && Header->cmsg_type == IP_PKTINFO) ||
            (Header->cmsg_level == IPPROTO_IPV6 && Header->cmsg_type == IPV6_PKTINFO)) {
            Length = (ULONG)WSA_CMSGHDR_ALIGN(Header->cmsg_len);
            if (Length <= Size) {
                RtlZeroMemory(Control, Length);
                RtlCopyMemory(Control, Header, Header->cmsg_len);
                return Length;
            }
        }
    }
    return 0;
}

static BOOLEAN UdpSamePeer(_In_ PSOCKADDR First, _In_ PSOCKADDR Second)
{
    PSOCKADDR_IN6 A = (PSOCKADDR_IN6)First;
    PSOCKADDR_IN6 B = (PSOCKADDR_IN6)Second;

    return A->sin6_port == B->sin6_port && A->sin6_scope_id == B->sin6_scope_id &&
           IN6_ADDR_EQUAL(&A->sin6_addr, &B->sin6_addr);
}

/* Moves the run at the head of List to Reply; returns the rest of the list. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static PWSK_DATAGRAM_INDICATION UdpTakeRun(_Inout_ PUDP_REPLY Reply, _In_ BOOLEAN Unicast,
                                           _Inout_ PWSK_DATAGRAM_INDICATION List)
{
    DECLSPEC_ALIGN(8) UCHAR Control[sizeof(Reply->Control)];
    PWSK_DATAGRAM_INDICATION Last = NULL, Next = List;
    ULONG Count, Length;

    Reply->Datagrams = List;
    Reply->ControlLength = 0;
    for (Count = 0; Next != NULL && Count < UDP_BATCH; Count++) {
        /* A group address cannot be a source: WSK chooses one. */
        Length = Unicast ? UdpCopyPacketInfo(Next, Control, sizeof(Control)) : 0;
        if (Count == 0) {
            RtlCopyMemory(Reply->Control, Control, Length);
            Reply->ControlLength = Length;
        } else if (!UdpSamePeer(List->RemoteAddress, Next->RemoteAddress) ||
                   Length != Reply->ControlLength ||
                   !RtlEqualMemory(Control, Reply->Control, Length)) {
            break;
        } else {
            Reply->Messages[Count - 1].Next = &Reply->Messages[Count];
        }
        Reply->Messages[Count].Next = NULL;
        Reply->Messages[Count].Buffer = Next->Buffer;
        Last = Next;
        Next = Next->Next;
    }
    Last->Next = NULL;
    return Next;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID UdpSendReply(_Inout_ PUDP_REPLY Reply)
{
    IoInitializeIrp(&Reply->Irp, IoSizeOfIrp(1), 1);
    IoSetCompletionRoutine(&Reply->Irp, UdpReplyComplete, Reply, TRUE, TRUE, TRUE);
    (VOID) UdpServer.Dispatch->WskSendMessages(
        UdpServer.Socket, Reply->Messages, 0, Reply->Datagrams->RemoteAddress, Reply->ControlLength,
        Reply->ControlLength != 0 ? (PCMSGHDR)Reply->Control : NULL, &Reply->Irp);
}

/* What cannot be answered is released here; the rest when its send is done. */
_Must_inspect_result_
static NTSTATUS WSKAPI UdpReceiveFromEvent(_In_opt_ PVOID SocketContext, _In_ ULONG Flags,
                                           _In_opt_ PWSK_DATAGRAM_INDICATION DataIndication)
{
    PWSK_DATAGRAM_INDICATION Rest = DataIndication;
    PUDP_REPLY Reply;

    UNREFERENCED_PARAMETER(SocketContext);
    if (DataIndication == NULL) {
        UdpCloseSocket(); /* the socket is dead */
        return STATUS_SUCCESS;
    }
    if (!UdpReferenceSocket()) {
        return STATUS_SUCCESS;
    }
    while (Rest != NULL) {
        if (!UdpReferenceSocket()) {
            break;
        }
        Reply = ExAllocateFromLookasideListEx(&UdpServer.Replies);
        if (Reply == NULL) {
            UdpDereferenceSocket();
            break;
        }
        Rest = UdpTakeRun(Reply, !(Flags & (MSG_BCAST | MSG_MCAST)), Rest);
        UdpSendReply(Reply);
    }
    if (Rest != NULL) {
        (VOID) UdpServer.Dispatch->WskRelease(UdpServer.Socket, Rest);
    }
    UdpDereferenceSocket();
    return STATUS_PENDING;
}

static const WSK_CLIENT_DATAGRAM_DISPATCH UdpDatagramDispatch = { UdpReceiveFromEvent };
static const WSK_CLIENT_DISPATCH UdpClientDispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS UdpSetOption(_In_ ULONG Level, _In_ ULONG Option, _In_ ULONG Value)
{
    (VOID)
        UdpServer.Dispatch->WskControlSocket(UdpServer.Socket, WskSetOption, Option, Level,
                                             sizeof(Value), &Value, 0, NULL, NULL, UdpPrepareIrp());
    return UdpAwaitIrp();
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS UdpBind(_In_ USHORT Port)
{
    SOCKADDR_IN6 Address = { 0 };
    NTSTATUS Status;

    Status = UdpSetOption(IPPROTO_IPV6, IPV6_V6ONLY, FALSE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = UdpSetOption(IPPROTO_IPV6, IPV6_PKTINFO, TRUE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = UdpSetOption(IPPROTO_IP, IP_PKTINFO, TRUE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Address.sin6_family = AF_INET6;
    Address.sin6_port = RtlUshortByteSwap(Port);
    (VOID) UdpServer.Dispatch->WskBind(UdpServer.Socket, (PSOCKADDR)&Address, 0, UdpPrepareIrp());
    Status = UdpAwaitIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (VOID) UdpServer.Dispatch->WskGetLocalAddress(UdpServer.Socket, (PSOCKADDR)&Address,
                                                  UdpPrepareIrp());
    Status = UdpAwaitIrp();
    if (NT_SUCCESS(Status)) {
        DbgPrint("udp-echo: listening on port %u\n", RtlUshortByteSwap(Address.sin6_port));
    }
    return Status;
}

/* Enabling the event comes last: until then the start-up IRP has no other user. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS UdpOpen(_In_ const WSK_PROVIDER_NPI *Npi, _In_ USHORT Port)
{
    WSK_EVENT_CALLBACK_CONTROL Callbacks = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_RECEIVE_FROM };
    NTSTATUS Status;

    (VOID) Npi->Dispatch->WskSocket(Npi->Client, AF_INET6, SOCK_DGRAM, IPPROTO_UDP,
                                    WSK_FLAG_DATAGRAM_SOCKET, NULL, &UdpDatagramDispatch, NULL,
                                    NULL, NULL, UdpPrepareIrp());
    Status = UdpAwaitIrp();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    UdpServer.Socket = (PWSK_SOCKET)UdpServer.Irp->IoStatus.Information;
    UdpServer.Dispatch = UdpServer.Socket->Dispatch;
    UdpServer.References = 1;
    Status = UdpBind(Port);
    KeClearEvent(&UdpServer.IrpDone); /* from here on: the socket is closed */
    if (NT_SUCCESS(Status)) {
        Status = UdpServer.Dispatch->WskControlSocket(
            UdpServer.Socket, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET, sizeof(Callbacks),
            &Callbacks, 0, NULL, NULL, NULL);
    }
    if (!NT_SUCCESS(Status)) {
        UdpCloseSocket();
        (VOID) UdpAwaitIrp();
    }
    return Status;
}

/*
 * The capture does not wait: this driver starts on demand, when WSK is long there. A driver that
 * starts at boot would wait in a thread of its own, never here.
 */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS UdpStart(_In_ USHORT Port)
{
    WSK_CLIENT_NPI Client = { NULL, &UdpClientDispatch };
    WSK_PROVIDER_NPI Npi;
    NTSTATUS Status;

    UdpServer.Irp = IoAllocateIrp(1, FALSE);
    if (UdpServer.Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = ExInitializeLookasideListEx(&UdpServer.Replies, NULL, NULL, NonPagedPoolNx, 0,
                                         sizeof(UDP_REPLY), UDP_TAG, 0);
    if (!NT_SUCCESS(Status)) {
        goto FreeIrp;
    }
    Status = WskRegister(&Client, &UdpServer.Registration);
    if (!NT_SUCCESS(Status)) {
        goto DeleteLookaside;
    }
    Status = WskCaptureProviderNPI(&UdpServer.Registration, WSK_NO_WAIT, &Npi);
    if (!NT_SUCCESS(Status)) {
        goto Deregister;
    }
    Status = UdpOpen(&Npi, Port);
    WskReleaseProviderNPI(&UdpServer.Registration);
    if (!NT_SUCCESS(Status)) {
        goto Deregister;
    }
    return STATUS_SUCCESS;

Deregister:
    WskDeregister(&UdpServer.Registration);
DeleteLookaside:
    ExDeleteLookasideListEx(&UdpServer.Replies);
FreeIrp:
    IoFreeIrp(UdpServer.Irp);
    return Status;
}

_Use_decl_annotations_
static VOID UdpUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    UdpCloseSocket();
    (VOID) UdpAwaitIrp();
    WskDeregister(&UdpServer.Registration);
    ExDeleteLookasideListEx(&UdpServer.Replies);
    IoFreeIrp(UdpServer.Irp);
    DbgPrint("udp-echo: %I64d datagrams answered, unloaded\n", UdpServer.Answered);
}

/* A REG_DWORD under the service's Parameters key, or Default. */
_IRQL_requires_(PASSIVE_LEVEL)
static ULONG UdpQueryParameter(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
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
    ULONG Port = UdpQueryParameter(RegistryPath, L"Port", UDP_DEFAULT_PORT);
    NTSTATUS Status;

    if (Port > MAXUSHORT) {
        return STATUS_INVALID_PARAMETER;
    }
    KeInitializeEvent(&UdpServer.IrpDone, NotificationEvent, FALSE);
    Status = UdpStart((USHORT)Port);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("udp-echo: cannot start on port %u: 0x%08X\n", Port, Status);
        return Status;
    }
    DriverObject->DriverUnload = UdpUnload;
    return STATUS_SUCCESS;
}
