/*
 * misuse_client.c: a driver that breaks its obligations at registration, at the registrar, at
 * client control, with sockets of the wrong kind, with IRPs, IRQLs, events and buffers: what it
 * gets back, and that nothing crashes or hangs.
 */
#include "conformance.h"

#include <netioddk.h>

static const WSK_CLIENT_DISPATCH Dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

static NTSTATUS RegisterBlock(WSK_REGISTRATION *Block)
{
    WSK_CLIENT_NPI npi = { NULL, &Dispatch };

    return WskRegister(&npi, Block);
}

/* ---- registration ------------------------------------------------------------------------ */

TEST(block_in_use, "WSK-REG-09 WSK-REG-02")
{
    WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi;

    RtlZeroMemory(&block, sizeof(block));
    CHECK_STATUS(RegisterBlock(&block), STATUS_SUCCESS);
    CHECK_STATUS(RegisterBlock(&block), STATUS_INVALID_PARAMETER);
    /* The first registration is unharmed. */
    CHECK_STATUS(WskCaptureProviderNPI(&block, WSK_NO_WAIT, &npi), STATUS_SUCCESS);
    WskReleaseProviderNPI(&block);
    WskDeregister(&block);
}

TEST(deregister_twice, "WSK-REG-14")
{
    WSK_REGISTRATION block;

    RtlZeroMemory(&block, sizeof(block));
    CHECK_STATUS(RegisterBlock(&block), STATUS_SUCCESS);
    WskDeregister(&block);
    WskDeregister(&block);
    RtlFillMemory(&block, sizeof(block), 0x77);
    WskDeregister(&block);
}

TEST(foreign_block, "WSK-REG-11 WSK-NPI-13")
{
    WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi;
    WSK_PROVIDER_CHARACTERISTICS range;

    RtlFillMemory(&block, sizeof(block), 0x77);
    CHECK_STATUS(WskCaptureProviderNPI(&block, WSK_INFINITE_WAIT, &npi), STATUS_DEVICE_NOT_READY);
    CHECK_STATUS(WskQueryProviderCharacteristics(&block, &range), STATUS_DEVICE_NOT_READY);
    WskReleaseProviderNPI(&block);
}

TEST(reserved_is_set, "WSK-REG-13")
{
    static const WSK_CLIENT_DISPATCH reserved = { MAKE_WSK_VERSION(1, 0), 1, NULL };
    WSK_CLIENT_NPI npi = { NULL, &reserved };
    WSK_REGISTRATION block;

    RtlZeroMemory(&block, sizeof(block));
    CHECK_STATUS(WskRegister(&npi, &block), STATUS_SUCCESS);
    WskDeregister(&block);
}

TEST(release_too_often, "WSK-NPI-16")
{
    WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi;

    RtlZeroMemory(&block, sizeof(block));
    CHECK_STATUS(RegisterBlock(&block), STATUS_SUCCESS);
    WskReleaseProviderNPI(&block);
    CHECK_STATUS(WskCaptureProviderNPI(&block, WSK_NO_WAIT, &npi), STATUS_SUCCESS);
    WskReleaseProviderNPI(&block);
    WskReleaseProviderNPI(&block);
    CHECK_STATUS(WskCaptureProviderNPI(&block, WSK_NO_WAIT, &npi), STATUS_SUCCESS);
    WskReleaseProviderNPI(&block);
    WskDeregister(&block);
}

TEST(call_after_release, "WSK-NPI-18")
{
    WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi;
    SIZE_T got;

    RtlZeroMemory(&block, sizeof(block));
    CHECK_STATUS(RegisterBlock(&block), STATUS_SUCCESS);
    CHECK_STATUS(WskCaptureProviderNPI(&block, WSK_NO_WAIT, &npi), STATUS_SUCCESS);
    WskReleaseProviderNPI(&block);
    NTSTATUS status = npi.Dispatch->WskControlClient(npi.Client, WSK_TRANSPORT_LIST_QUERY, 0, NULL,
                                                     0, NULL, &got, NULL);
    WskDeregister(&block);
    CHECK_STATUS(status, STATUS_BUFFER_OVERFLOW);
}

/* ---- the registrar ----------------------------------------------------------------------- */

static const NPIID Npi = { 0x7a5b8f20, 0x1c2d, 0x4e3f, { 0x91, 1, 2, 3, 4, 5, 6, 7 } };
static const NPI_MODULEID ModuleId = { .Length = sizeof(NPI_MODULEID), .Type = MIT_GUID };
static HANDLE Binding;
static NTSTATUS AttachStatus, AttachAnswer;
static LONG Detaches;

static NTSTATUS NTAPI AttachProvider(HANDLE Handle, PVOID Context,
                                     PNPI_REGISTRATION_INSTANCE Instance)
{
    PVOID context;
    const VOID *table;
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Instance);

    Binding = Handle;
    AttachStatus = NmrClientAttachProvider(Handle, &Binding, &Npi, &context, &table);
    return AttachAnswer ? AttachAnswer : AttachStatus;
}

static NTSTATUS NTAPI AttachClient(HANDLE Handle, PVOID Context,
                                   PNPI_REGISTRATION_INSTANCE Instance, PVOID ClientContext,
                                   const VOID *ClientTable, PVOID *BindingContext,
                                   const VOID **Table)
{
    UNREFERENCED_PARAMETER(Handle);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Instance);
    UNREFERENCED_PARAMETER(ClientContext);
    UNREFERENCED_PARAMETER(ClientTable);
    *BindingContext = &Binding;
    *Table = &Npi;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Detach(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Detaches);
    return STATUS_SUCCESS;
}

static NPI_CLIENT_CHARACTERISTICS ClientPart(void)
{
    NPI_CLIENT_CHARACTERISTICS c = { .Length = sizeof(c),
                                     .ClientAttachProvider = AttachProvider,
                                     .ClientDetachProvider = Detach,
                                     .ClientRegistrationInstance = {
                                         .Size = sizeof(NPI_REGISTRATION_INSTANCE),
                                         .NpiId = &Npi,
                                         .ModuleId = (PNPI_MODULEID)&ModuleId } };
    return c;
}

static NPI_PROVIDER_CHARACTERISTICS ProviderPart(void)
{
    NPI_PROVIDER_CHARACTERISTICS p = { .Length = sizeof(p),
                                       .ProviderAttachClient = AttachClient,
                                       .ProviderDetachClient = Detach,
                                       .ProviderRegistrationInstance = {
                                           .Size = sizeof(NPI_REGISTRATION_INSTANCE),
                                           .NpiId = &Npi,
                                           .ModuleId = (PNPI_MODULEID)&ModuleId } };
    return p;
}

TEST(bad_characteristics, "WSK-NMR-32")
{
    for (ULONG i = 0; i < 6; i++) {
        NPI_CLIENT_CHARACTERISTICS c = ClientPart();
        NPI_PROVIDER_CHARACTERISTICS p = ProviderPart();
        NPI_REGISTRATION_INSTANCE *ci = &c.ClientRegistrationInstance;
        NPI_REGISTRATION_INSTANCE *pi = &p.ProviderRegistrationInstance;
        HANDLE handle = NULL;
        if (i == 0)
            c.Version = p.Version = 1;
        else if (i == 1)
            c.Length = p.Length = 8;
        else if (i == 2)
            ci->Version = pi->Version = 1;
        else if (i == 3)
            ci->Size = pi->Size = 0;
        else if (i == 4)
            ci->NpiId = pi->NpiId = NULL;
        else
            ci->ModuleId = pi->ModuleId = NULL;
        CHECK_STATUS(NmrRegisterClient(&c, NULL, &handle), STATUS_INVALID_PARAMETER);
        CHECK_STATUS(NmrRegisterProvider(&p, NULL, &handle), STATUS_INVALID_PARAMETER);
    }
}

static void RegisterBoth(HANDLE *C, HANDLE *P)
{
    NPI_CLIENT_CHARACTERISTICS c = ClientPart();
    NPI_PROVIDER_CHARACTERISTICS p = ProviderPart();

    Detaches = 0;
    CHECK_STATUS(NmrRegisterProvider(&p, NULL, P), STATUS_SUCCESS);
    CHECK_STATUS(NmrRegisterClient(&c, NULL, C), STATUS_SUCCESS);
}

static void DeregisterBoth(HANDLE C, HANDLE P)
{
    CHECK_STATUS(NmrDeregisterClient(C), STATUS_PENDING);
    CHECK_STATUS(NmrWaitForClientDeregisterComplete(C), STATUS_SUCCESS);
    CHECK_STATUS(NmrDeregisterProvider(P), STATUS_PENDING);
    CHECK_STATUS(NmrWaitForProviderDeregisterComplete(P), STATUS_SUCCESS);
}

TEST(attach_at_the_wrong_time, "WSK-NMR-26 WSK-NMR-27")
{
    HANDLE c, p;
    PVOID context;
    const VOID *table;

    AttachAnswer = STATUS_SUCCESS;
    RegisterBoth(&c, &p);
    CHECK_STATUS(AttachStatus, STATUS_SUCCESS);
    CHECK_STATUS(NmrClientAttachProvider(Binding, &Binding, &Npi, &context, &table),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NmrClientAttachProvider(&context, &Binding, &Npi, &context, &table),
                 STATUS_INVALID_PARAMETER);
    NmrClientDetachProviderComplete(Binding); /* nothing detaches */
    NmrProviderDetachClientComplete(Binding);
    DeregisterBoth(c, p);
    CHECK_EQ(Detaches, 2);
    NmrClientDetachProviderComplete(Binding); /* gone */
    CHECK_STATUS(NmrDeregisterClient(c), STATUS_INVALID_PARAMETER);
}

TEST(attach_answered_differently, "WSK-NMR-25 WSK-NMR-10")
{
    HANDLE c, p;

    AttachAnswer = STATUS_UNSUCCESSFUL;
    RegisterBoth(&c, &p);
    CHECK_STATUS(AttachStatus, STATUS_SUCCESS);
    DeregisterBoth(c, p);
    CHECK_EQ(Detaches, 0);
}

/* ---- client control ---------------------------------------------------------------------- */

TEST(irp_presence_in_client_control, "WSK-CTL-02 WSK-CTL-03 WSK-CTL-04 D04 D05 D06")
{
    static const ULONG codes[] = { WSK_TDI_BEHAVIOR, WSK_TDI_DEVICENAME_MAPPING, WSK_RELEASE_SD,
                                   WSK_SET_STATIC_EVENT_CALLBACKS, WSK_CACHE_SD };
    WSK_TRANSPORT list[16];
    SIZE_T got = 0;
    ULONG bypass = WSK_TDI_BEHAVIOR_BYPASS_TDI;
    CALL call;

    CHECK_STATUS(
        Wsk->WskControlClient(Client, WSK_TRANSPORT_LIST_CHANGE, 0, NULL, 0, NULL, NULL, NULL),
        STATUS_INVALID_PARAMETER);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskControlClient(Client, WSK_TRANSPORT_LIST_QUERY, 0, NULL,
                                                      sizeof(list), list, &got, irp)),
                 STATUS_SUCCESS);
    CHECK(got > 0 && got % sizeof(list[0]) == 0);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskControlClient(Client, WSK_TRANSPORT_LIST_QUERY, 0, NULL, 0,
                                                      NULL, NULL, irp)),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(call.Information, 0);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskControlClient(Client, WSK_TDI_BEHAVIOR, sizeof(bypass),
                                                      &bypass, 0, NULL, NULL, irp)),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(codes); i++) {
        irp = CallBegin(&call);
        NTSTATUS status =
            CallEnd(&call, Wsk->WskControlClient(Client, codes[i], 0, NULL, 0, NULL, NULL, irp));
        CHECK(!NT_SUCCESS(status));
        CHECK_EQ(call.Information, 0);
    }
}

TEST(descriptors_not_cached, "WSK-SOCK-17 WSK-SEC-06 WSK-SEC-07 WSK-SOCK-03")
{
    SECURITY_DESCRIPTOR sd = { .Revision = SECURITY_DESCRIPTOR_REVISION };
    PSECURITY_DESCRIPTOR raw = &sd, cached = NULL;
    PWSK_SOCKET s;
    CALL call;

    CHECK_STATUS(Wsk->WskControlClient(Client, WSK_CACHE_SD, sizeof(raw), &raw, sizeof(cached),
                                       &cached, NULL, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(
        Wsk->WskControlClient(Client, WSK_RELEASE_SD, sizeof(cached), &cached, 0, NULL, NULL, NULL),
        STATUS_SUCCESS);
    CHECK_STATUS(
        Wsk->WskControlClient(Client, WSK_RELEASE_SD, sizeof(cached), &cached, 0, NULL, NULL, NULL),
        STATUS_INVALID_PARAMETER);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, Wsk->WskSocket(Client, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                      WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, NULL, NULL, raw, irp)),
        STATUS_INVALID_PARAMETER);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(s, SOL_SOCKET, SO_WSK_SECURITY, &raw, sizeof(raw)),
                 STATUS_INVALID_PARAMETER);
}

TEST(settings_after_a_socket, "WSK-EVT-23 WSK-TDI-04")
{
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_RECEIVE_FROM };
    ULONG bypass = WSK_TDI_BEHAVIOR_BYPASS_TDI;
    PWSK_SOCKET s;

    CHECK_STATUS(UseOtherClient(), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(Wsk->WskControlClient(Client, WSK_TDI_BEHAVIOR, sizeof(bypass), &bypass, 0, NULL,
                                       NULL, NULL),
                 STATUS_SUCCESS);
    (void)Wsk->WskControlClient(Client, WSK_SET_STATIC_EVENT_CALLBACKS, sizeof(control), &control,
                                0, NULL, NULL, NULL);
}

/* ---- sockets of the wrong kind ----------------------------------------------------------- */

TEST(foreign_functions, "WSK-CAT-10 WSK-BIND-13 WSK-CAT-01")
{
    PWSK_SOCKET basic, udp, listener;
    SOCKADDR_INET at;
    BUFFER *b = MakeBuffer(10);
    CALL call;

    CHECK_STATUS(Open(AF_INET, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET, NULL, NULL, &basic),
                 STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &udp), STATUS_SUCCESS);
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, DATAGRAM_OF(udp)->WskBind(basic, Loopback(AF_INET, 0, &at), 0, irp)),
        STATUS_INVALID_DEVICE_REQUEST);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, DATAGRAM_OF(udp)->WskSendTo(listener, &b->Buf, 0, (PSOCKADDR)&at, 0,
                                                            NULL, irp)),
                 STATUS_INVALID_DEVICE_REQUEST);
    irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, LISTEN_OF(listener)->WskAccept(udp, 0, NULL, NULL, NULL, NULL, irp)),
        STATUS_INVALID_DEVICE_REQUEST);
}

TEST(no_socket, "WSK-CAT-11 WSK-CLOSE-12 WSK-CLOSE-13")
{
    static UCHAR garbage[4096];
    PWSK_SOCKET udp, other;
    SOCKADDR_INET at;
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &udp), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &other), STATUS_SUCCESS);
    const WSK_PROVIDER_DATAGRAM_DISPATCH *table = DATAGRAM_OF(udp);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, table->WskGetLocalAddress((PWSK_SOCKET)garbage, (PSOCKADDR)&at, irp)),
        STATUS_INVALID_PARAMETER);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, table->WskGetLocalAddress(NULL, (PSOCKADDR)&at, irp)),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Close(udp), STATUS_SUCCESS);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, table->WskGetLocalAddress(udp, (PSOCKADDR)&at, irp)),
                 STATUS_INVALID_PARAMETER);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, table->WskCloseSocket(udp, irp)), STATUS_INVALID_PARAMETER);
}

TEST(basic_socket_with_table, "WSK-SOCK-15")
{
    static const WSK_CLIENT_DATAGRAM_DISPATCH table = { NULL };
    PWSK_SOCKET s;
    ULONG context;

    CHECK_STATUS(
        Open(AF_INET, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET, &context, &table, &s),
        STATUS_SUCCESS);
}

/* ---- IRPs and IRQL ----------------------------------------------------------------------- */

TEST(no_irp, "D04 WSK-OPT-15 WSK-IOCTL-21")
{
    PWSK_SOCKET udp, listener, connection;
    SOCKADDR_INET at;
    ULONG value = 1;
    BUFFER *b = MakeBuffer(10);

    CHECK_STATUS(Wsk->WskSocket(Client, AF_INET, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET,
                                NULL, NULL, NULL, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &udp), STATUS_SUCCESS);
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &connection), STATUS_SUCCESS);
    CHECK_STATUS(DATAGRAM_OF(udp)->WskBind(udp, Loopback(AF_INET, 0, &at), 0, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(BindLoopback(udp, AF_INET, &at), STATUS_SUCCESS); /* nothing was done */
    CHECK_STATUS(DATAGRAM_OF(udp)->WskGetLocalAddress(udp, (PSOCKADDR)&at, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(DATAGRAM_OF(udp)->WskSendTo(udp, &b->Buf, 0, (PSOCKADDR)&at, 0, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(DATAGRAM_OF(udp)->WskReceiveFrom(udp, &b->Buf, 0, NULL, NULL, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(BASIC_OF(udp)->WskControlSocket(udp, WskSetOption, SO_BROADCAST, SOL_SOCKET,
                                                 sizeof(value), &value, 0, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(BASIC_OF(udp)->WskControlSocket(udp, WskIoctl, SIO_WSK_SET_REMOTE_ADDRESS, 0,
                                                 sizeof(at), &at, 0, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(LISTEN_OF(listener)->WskAccept(listener, 0, NULL, NULL, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(CONNECTION_OF(connection)->WskConnect(connection, (PSOCKADDR)&at, 0, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(BASIC_OF(udp)->WskCloseSocket(udp, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Close(udp), STATUS_SUCCESS);
}

static NTSTATUS NTAPI Never(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    InterlockedIncrement((LONG *)Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

TEST(no_stack_location, "WSK-IRP-07")
{
    PWSK_SOCKET udp;
    SOCKADDR_INET at;
    LONG calls = 0;
    PIRP irp = IoAllocateIrp(1, FALSE);

    CHECK(irp != NULL);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &udp), STATUS_SUCCESS);
    IoSetCompletionRoutine(irp, Never, &calls, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(irp); /* uses up the only one */
    NTSTATUS status = DATAGRAM_OF(udp)->WskGetLocalAddress(udp, (PSOCKADDR)&at, irp);
    IoFreeIrp(irp);
    CHECK_STATUS(status, STATUS_INVALID_PARAMETER);
    CHECK_EQ(calls, 0);
}

TEST(above_dispatch, "WSK-IRQL-05")
{
    SIZE_T got;
    KIRQL old;

    KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
    NTSTATUS status =
        Wsk->WskControlClient(Client, WSK_TRANSPORT_LIST_QUERY, 0, NULL, 0, NULL, &got, NULL);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_BUFFER_OVERFLOW);
}

/* ---- events ------------------------------------------------------------------------------ */

static NTSTATUS NTAPI OnFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Data)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data, SIZE_T Bytes,
                                SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Bytes);
    UNREFERENCED_PARAMETER(Accepted);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnDisconnect(PVOID Context, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    return STATUS_SUCCESS;
}

static WSK_CLIENT_DATAGRAM_DISPATCH FromTable = { OnFrom };
static const WSK_CLIENT_CONNECTION_DISPATCH ReceiveTable = { OnReceive, OnDisconnect, NULL };

TEST(event_with_irp, "D05 D20 WSK-EVT-22 D06")
{
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_RECEIVE_FROM };
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    KEVENT got;
    CALL call;

    KeInitializeEvent(&got, NotificationEvent, FALSE);
    CHECK_STATUS(OpenDatagram(AF_INET, &got, &FromTable, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, BASIC_OF(s)->WskControlSocket(
                                    s, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET,
                                    sizeof(control), &control, 0, NULL, NULL, irp)),
                 STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(SendTo(s, MakePattern(10, 1), 10, &at, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&got));
}

TEST(bad_masks, "D21 WSK-EVT-19 WSK-EVT-03 WSK-EVT-04 WSK-EVT-05 WSK-EVT-06")
{
    static const ULONG datagram[] = { 0,
                                      WSK_EVENT_DISABLE,
                                      WSK_EVENT_RECEIVE,
                                      WSK_EVENT_ACCEPT,
                                      WSK_EVENT_RECEIVE_FROM | WSK_EVENT_RECEIVE,
                                      1,
                                      0x1000,
                                      WSK_EVENT_DISABLE | WSK_EVENT_RECEIVE };
    static const ULONG connection[] = { 0, WSK_EVENT_ACCEPT, WSK_EVENT_RECEIVE_FROM,
                                        WSK_EVENT_RECEIVE | WSK_EVENT_ACCEPT,
                                        WSK_EVENT_DISABLE | WSK_EVENT_RECEIVE |
                                            WSK_EVENT_DISCONNECT };
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_RECEIVE_FROM };
    PWSK_SOCKET s, basic;
    SOCKADDR_INET at;
    PAIR pair;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, &FromTable, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(datagram); i++)
        CHECK_STATUS(Events(s, datagram[i]), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(MakePair(AF_INET, NULL, &ReceiveTable, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(connection); i++)
        CHECK_STATUS(Events(pair.Client, connection[i]), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Events(pair.Listener, WSK_EVENT_RECEIVE_FROM), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Open(AF_INET, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET, NULL, NULL, &basic),
                 STATUS_SUCCESS);
    CHECK_STATUS(Events(basic, WSK_EVENT_RECEIVE_FROM), STATUS_INVALID_PARAMETER);
    /* A wrong size, and no NPI. */
    CHECK_STATUS(BASIC_OF(s)->WskControlSocket(s, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET,
                                               sizeof(control) - 1, &control, 0, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    control.NpiId = NULL;
    CHECK_STATUS(BASIC_OF(s)->WskControlSocket(s, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET,
                                               sizeof(control), &control, 0, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
}

TEST(events_too_early, "D21 WSK-EVT-20 WSK-EVT-21")
{
    static const WSK_CLIENT_LISTEN_DISPATCH none = { NULL, NULL, NULL };
    PWSK_SOCKET s;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, &FromTable, &s), STATUS_SUCCESS);
    CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE_FROM), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE),
                 STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(OpenListen(AF_INET, NULL, &none, &s), STATUS_SUCCESS);
    CHECK_STATUS(Events(s, WSK_EVENT_ACCEPT), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, &ReceiveTable, &s), STATUS_SUCCESS);
    CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE), STATUS_INVALID_DEVICE_STATE);
}

static NTSTATUS NTAPI OnFromLater(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Data)
{
    return OnFrom((PKEVENT)Context + 1, Flags, Data);
}

/* D72: the table that the driver gave is called through, changed as it may be. */
TEST(changed_table, "D72 WSK-SOCK-20")
{
    KEVENT got[2];
    PWSK_SOCKET s;
    SOCKADDR_INET at;

    KeInitializeEvent(&got[0], NotificationEvent, FALSE);
    KeInitializeEvent(&got[1], NotificationEvent, FALSE);
    CHECK_STATUS(OpenDatagram(AF_INET, got, &FromTable, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    FromTable.WskReceiveFromEvent = OnFromLater;
    NTSTATUS status = SendTo(s, MakePattern(10, 1), 10, &at, NULL);
    BOOLEAN later = WaitFor(&got[1]);
    FromTable.WskReceiveFromEvent = OnFrom;
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK(later);
    CHECK(!KeReadStateEvent(&got[0]));
}

/* ---- buffers ----------------------------------------------------------------------------- */

TEST(buffers_beyond_their_mdls, "WSK-BUF-05 WSK-BUF-06 D06")
{
    PAIR pair;
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *b = MakeBuffer(100);
    WSK_BUF bad[] = {
        { b->Buf.Mdl, 100, 1 }, { b->Buf.Mdl, 5000, 1 }, { b->Buf.Mdl, 0, 101 },
        { b->Buf.Mdl, 99, 2 },  { NULL, 0, 1 },          { b->Buf.Mdl, 0, (SIZE_T)-1 }
    };
    CALL call;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(bad); i++) {
        PIRP irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(pair.Client)->WskSend(pair.Client, &bad[i], 0, irp)),
            STATUS_INVALID_PARAMETER);
        CHECK_EQ(call.Information, 0);
        irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(pair.Client)->WskReceive(pair.Client, &bad[i], 0, irp)),
            STATUS_INVALID_PARAMETER);
        irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, DATAGRAM_OF(s)->WskSendTo(s, &bad[i], 0, (PSOCKADDR)&at, 0, NULL, irp)),
            STATUS_INVALID_PARAMETER);
        irp = CallBegin(&call);
        CHECK_STATUS(CallEnd(&call, DATAGRAM_OF(s)->WskReceiveFrom(s, &bad[i], 0, NULL, NULL, NULL,
                                                                   NULL, irp)),
                     STATUS_INVALID_PARAMETER);
    }
}

TEST(mdl_not_locked, "WSK-BUF-07")
{
    PAIR pair;
    UCHAR bytes[50];
    CALL call;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    PMDL mdl = IoAllocateMdl(bytes, sizeof(bytes), FALSE, FALSE, NULL);
    CHECK(mdl != NULL);
    RtlZeroMemory(bytes, sizeof(bytes));
    WSK_BUF buf = { mdl, 0, sizeof(bytes) };
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, CONNECTION_OF(pair.Client)->WskSend(pair.Client, &buf, 0, irp));
    IoFreeMdl(mdl);
    CHECK_STATUS(status, STATUS_SUCCESS);
}

TESTS(ROW(block_in_use) ROW(deregister_twice) ROW(foreign_block) ROW(reserved_is_set)
          ROW(release_too_often) ROW(call_after_release) ROW(bad_characteristics)
              ROW(attach_at_the_wrong_time) ROW(attach_answered_differently)
                  ROW(irp_presence_in_client_control) ROW(descriptors_not_cached)
                      ROW(settings_after_a_socket) ROW(foreign_functions) ROW(no_socket)
                          ROW(basic_socket_with_table) ROW(no_irp) ROW(no_stack_location)
                              ROW(above_dispatch) ROW(event_with_irp) ROW(bad_masks)
                                  ROW(events_too_early) ROW(changed_table)
                                      ROW(buffers_beyond_their_mdls) ROW(mdl_not_locked))
