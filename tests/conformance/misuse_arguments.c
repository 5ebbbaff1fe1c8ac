/*
 * misuse_arguments.c: what every function of WSK gets wrong when a driver does: no IRP, no socket,
 * no client, nowhere to put the answer, the wrong IRQL. The call says so, completes the IRP that it
 * got, and nothing crashes or hangs.
 */
#include "conformance.h"

static UCHAR Garbage[4096];

#define NO_SOCKET ((PWSK_SOCKET)Garbage)
#define NO_CLIENT ((PWSK_CLIENT)Garbage)

/* One call with an IRP of its own, which `call` names `irp`. */
#define CHECK_CALL(call, expected)                                                                 \
    do {                                                                                           \
        CALL call_;                                                                                \
        PIRP irp = CallBegin(&call_);                                                              \
        CHECK_STATUS(CallEnd(&call_, (call)), expected);                                           \
        CallFree(&call_);                                                                          \
    } while (0)

/* A socket of each kind with functions of its own. */
typedef struct _SOCKETS {
    PAIR Pair;
    PWSK_SOCKET Udp, Stream;
    BUFFER *Buffer;
    SOCKADDR_INET At;
} SOCKETS;

static BOOLEAN Begin(SOCKETS *s)
{
    RtlFillMemory(Garbage, sizeof(Garbage), 0x5a);
    s->Buffer = MakePattern(10, 1);
    if (MakePair(AF_INET, NULL, NULL, NULL, NULL, &s->Pair) == STATUS_SUCCESS &&
        OpenDatagram(AF_INET, NULL, NULL, &s->Udp) == STATUS_SUCCESS &&
        BindLoopback(s->Udp, AF_INET, &s->At) == STATUS_SUCCESS &&
        OpenStream(AF_INET, NULL, NULL, &s->Stream) == STATUS_SUCCESS)
        return TRUE;
    TestFail(__FILE__, __LINE__, "no sockets");
    return FALSE;
}

TEST(no_irp, "D04 WSK-IRP-01")
{
    SOCKETS s;
    WSK_INSPECT_ID id = { 0, 1 };
    CMSGHDR control = { sizeof(control), 0, 0 };

    if (!Begin(&s))
        return;
    WSK_BUF_LIST list = { NULL, s.Buffer->Buf };
    CONNECTION c = CONNECTION_OF(s.Pair.Client);
    CHECK_STATUS(STREAM_OF(s.Stream)->WskListen(s.Stream, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(c->WskGetRemoteAddress(s.Pair.Client, (PSOCKADDR)&s.At, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(c->WskSendEx(s.Pair.Client, &s.Buffer->Buf, 0, sizeof(control), &control, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(
        DATAGRAM_OF(s.Udp)->WskSendMessages(s.Udp, &list, 0, (PSOCKADDR)&s.At, 0, NULL, NULL),
        STATUS_INVALID_PARAMETER);
    CHECK_STATUS(LISTEN_OF(s.Pair.Listener)
                     ->WskInspectComplete(s.Pair.Listener, &id, WskInspectAccept, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Wsk->WskSocketConnect(Client, SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&s.At,
                                       (PSOCKADDR)&s.At, 0, NULL, NULL, NULL, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
}

/* An IRP that is used up is as none, also where it may be missing. */
TEST(used_up_irp, "WSK-IRP-07")
{
    SOCKETS s;
    ULONG value = 1;
    PIRP irp = IoAllocateIrp(1, FALSE);

    CHECK(irp != NULL);
    if (!Begin(&s))
        return;
    IoSetNextIrpStackLocation(irp);
    NTSTATUS status = BASIC_OF(s.Udp)->WskControlSocket(
        s.Udp, WskSetOption, SO_BROADCAST, SOL_SOCKET, sizeof(value), &value, 0, NULL, NULL, irp);
    IoReuseIrp(irp, STATUS_SUCCESS);
    IoFreeIrp(irp);
    CHECK_STATUS(status, STATUS_INVALID_PARAMETER);
    CHECK_STATUS(GetOption(s.Udp, SOL_SOCKET, SO_BROADCAST, &value, sizeof(value), NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 0); /* nothing was set */
}

TEST(no_socket, "WSK-CAT-11")
{
    SOCKETS s;
    ULONG value = 1;
    WSK_INSPECT_ID id = { 0, 1 };

    if (!Begin(&s))
        return;
    WSK_BUF_LIST list = { NULL, s.Buffer->Buf };
    PWSK_BUF buffer = &s.Buffer->Buf;
    CONNECTION c = CONNECTION_OF(s.Pair.Client);
    CHECK_STATUS(BASIC_OF(s.Udp)->WskControlSocket(NO_SOCKET, WskGetOption, SO_TYPE, SOL_SOCKET, 0,
                                                   NULL, sizeof(value), &value, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_CALL(BASIC_OF(s.Udp)->WskControlSocket(NO_SOCKET, WskSetOption, SO_BROADCAST, SOL_SOCKET,
                                                 sizeof(value), &value, 0, NULL, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_CALL(STREAM_OF(s.Stream)->WskListen(NO_SOCKET, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskGetRemoteAddress(NO_SOCKET, (PSOCKADDR)&s.At, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskBind(NO_SOCKET, (PSOCKADDR)&s.At, 0, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskConnect(NO_SOCKET, (PSOCKADDR)&s.At, 0, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskSend(NO_SOCKET, buffer, 0, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskReceive(NO_SOCKET, buffer, 0, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskDisconnect(NO_SOCKET, NULL, 0, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(DATAGRAM_OF(s.Udp)->WskSendTo(NO_SOCKET, buffer, 0, (PSOCKADDR)&s.At, 0, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_CALL(
        DATAGRAM_OF(s.Udp)->WskSendMessages(NO_SOCKET, &list, 0, (PSOCKADDR)&s.At, 0, NULL, irp),
        STATUS_INVALID_PARAMETER);
    CHECK_CALL(
        DATAGRAM_OF(s.Udp)->WskReceiveFrom(NO_SOCKET, buffer, 0, NULL, NULL, NULL, NULL, irp),
        STATUS_INVALID_PARAMETER);
    CHECK_CALL(LISTEN_OF(s.Pair.Listener)->WskAccept(NO_SOCKET, 0, NULL, NULL, NULL, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_CALL(
        LISTEN_OF(s.Pair.Listener)->WskInspectComplete(NO_SOCKET, &id, WskInspectAccept, irp),
        STATUS_INVALID_PARAMETER);
}

TEST(no_client, "WSK-NPI-18")
{
    SOCKETS s;
    SIZE_T got;
    ADDRINFOEXW *found = NULL;
    WCHAR text[64];
    UNICODE_STRING node = RTL_CONSTANT_STRING(L"127.0.0.1"), name = { 0, sizeof(text), text };

    if (!Begin(&s))
        return;
    for (ULONG i = 0; i < 2; i++) {
        PWSK_CLIENT client = i ? NO_CLIENT : NULL;

        CHECK_STATUS(
            Wsk->WskControlClient(client, WSK_TRANSPORT_LIST_QUERY, 0, NULL, 0, NULL, &got, NULL),
            STATUS_INVALID_PARAMETER);
        CHECK_CALL(
            Wsk->WskControlClient(client, WSK_TRANSPORT_LIST_CHANGE, 0, NULL, 0, NULL, NULL, irp),
            STATUS_INVALID_PARAMETER);
        CHECK_CALL(Wsk->WskSocket(client, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                  WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, NULL, NULL, NULL, irp),
                   STATUS_INVALID_PARAMETER);
        CHECK_CALL(Wsk->WskSocketConnect(client, SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&s.At,
                                         (PSOCKADDR)&s.At, 0, NULL, NULL, NULL, NULL, NULL, irp),
                   STATUS_INVALID_PARAMETER);
        CHECK_CALL(Wsk->WskGetAddressInfo(client, &node, NULL, NS_ALL, NULL, NULL, &found, NULL,
                                          NULL, irp),
                   STATUS_INVALID_PARAMETER);
        CHECK_CALL(Wsk->WskGetNameInfo(client, (PSOCKADDR)&s.At, sizeof(SOCKADDR_IN), &name, NULL,
                                       0, NULL, NULL, irp),
                   STATUS_INVALID_PARAMETER);
        Wsk->WskFreeAddressInfo(client, found);
    }
}

TEST(nowhere_to_answer, "WSK-ADDR-09 WSK-BUF-05")
{
    SOCKETS s;
    ULONG value = 1;

    if (!Begin(&s))
        return;
    CONNECTION c = CONNECTION_OF(s.Pair.Client);
    CHECK_CALL(c->WskGetLocalAddress(s.Pair.Client, NULL, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskGetRemoteAddress(s.Pair.Client, NULL, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskSend(s.Pair.Client, NULL, 0, irp), STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskReceive(s.Pair.Client, NULL, 0, irp), STATUS_INVALID_PARAMETER);
    /* Sizes without buffers and buffers without sizes; a request that is none. */
    CHECK_CALL(c->WskControlSocket(s.Pair.Client, WskSetOption, SO_KEEPALIVE, SOL_SOCKET,
                                   sizeof(value), NULL, 0, NULL, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskControlSocket(s.Pair.Client, WskSetOption, SO_KEEPALIVE, SOL_SOCKET, 0, &value,
                                   0, NULL, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskControlSocket(s.Pair.Client, WskGetOption, SO_KEEPALIVE, SOL_SOCKET, 0, NULL,
                                   sizeof(value), NULL, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskControlSocket(s.Pair.Client, WskGetOption, SO_KEEPALIVE, SOL_SOCKET, 0, NULL,
                                   0, &value, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_CALL(c->WskControlSocket(s.Pair.Client, (WSK_CONTROL_SOCKET_TYPE)77, SO_KEEPALIVE,
                                   SOL_SOCKET, sizeof(value), &value, 0, NULL, NULL, irp),
               STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Send(s.Pair.Client, s.Buffer, 10, 0, NULL), STATUS_SUCCESS); /* nothing did harm */
}

TEST(no_registration, "WSK-REG-11 WSK-NPI-13")
{
    static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
    WSK_CLIENT_NPI npi = { NULL, &dispatch }, empty = { NULL, NULL };
    WSK_REGISTRATION block;
    WSK_PROVIDER_NPI provider;

    RtlZeroMemory(&block, sizeof(block));
    CHECK_STATUS(WskRegister(NULL, &block), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WskRegister(&empty, &block), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WskRegister(&npi, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WskRegister(&npi, &block), STATUS_SUCCESS);
    NTSTATUS no_npi = WskCaptureProviderNPI(&block, WSK_NO_WAIT, NULL);
    NTSTATUS no_range = WskQueryProviderCharacteristics(&block, NULL);
    NTSTATUS well = WskCaptureProviderNPI(&block, WSK_NO_WAIT, &provider);
    if (NT_SUCCESS(well))
        WskReleaseProviderNPI(&block);
    WskDeregister(&block);
    CHECK_STATUS(no_npi, STATUS_INVALID_PARAMETER);
    CHECK_STATUS(no_range, STATUS_INVALID_PARAMETER);
    CHECK_STATUS(well, STATUS_SUCCESS);
    CHECK_STATUS(WskCaptureProviderNPI(NULL, WSK_NO_WAIT, &provider), STATUS_DEVICE_NOT_READY);
    WskReleaseProviderNPI(NULL);
    WskDeregister(NULL);
}

/* ---- IRQL -------------------------------------------------------------------------------- */

TEST(waiting_capture_above_passive, "WSK-NPI-19")
{
    static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
    WSK_CLIENT_NPI npi = { NULL, &dispatch };
    WSK_REGISTRATION block;
    WSK_PROVIDER_NPI provider;
    KIRQL old;

    RtlZeroMemory(&block, sizeof(block));
    CHECK_STATUS(WskRegister(&npi, &block), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = WskCaptureProviderNPI(&block, WSK_INFINITE_WAIT, &provider);
    KeLowerIrql(old);
    if (NT_SUCCESS(status))
        WskReleaseProviderNPI(&block);
    WskDeregister(&block);
    CHECK_STATUS(status, STATUS_SUCCESS); /* there was nothing to wait for */
}

TEST(names_above_passive, "WSK-NAME-21")
{
    SOCKADDR_INET at;
    WCHAR text[64];
    UNICODE_STRING name = { 0, sizeof(text), text };
    CALL call;
    KIRQL old;
    PIRP irp = CallBegin(&call);

    (void)Loopback(AF_INET, 80, &at);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = Wsk->WskGetNameInfo(Client, (PSOCKADDR)&at, sizeof(SOCKADDR_IN), &name, NULL,
                                          NI_NUMERICHOST, NULL, NULL, irp);
    KeLowerIrql(old);
    CHECK_STATUS(CallEnd(&call, status), STATUS_SUCCESS);
}

static COUNTER Calls;

static NTSTATUS WSKAPI ReturnsHigh(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                   SIZE_T Indicated, SIZE_T *Accepted)
{
    KIRQL old;

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Indicated);
    UNREFERENCED_PARAMETER(Accepted);
    CounterAdd(&Calls);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
    return STATUS_SUCCESS;
}

/* A callback that returns at another IRQL than it was called at: put right, and told. */
TEST(callback_changes_the_irql, "WSK-IRQL-06")
{
    static const WSK_CLIENT_CONNECTION_DISPATCH table = { ReturnsHigh, NULL, NULL };
    PAIR pair;
    BUFFER *b = MakePattern(10, 1);

    CounterInit(&Calls);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, &table, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, b, 10, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    CHECK_STATUS(Send(pair.Client, b, 10, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 2)); /* the next one is called all the same */
}

TEST(socket_call_above_dispatch, "WSK-IRQL-05")
{
    PWSK_SOCKET udp;
    ULONG type = 0;
    KIRQL old;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &udp), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
    NTSTATUS status = BASIC_OF(udp)->WskControlSocket(udp, WskGetOption, SO_TYPE, SOL_SOCKET, 0,
                                                      NULL, sizeof(type), &type, NULL, NULL);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(type, SOCK_DGRAM);
}

/* ---- inside of callbacks ----------------------------------------------------------------- */

static CALL ClosingCall;
static NTSTATUS UsedStatus;

static NTSTATUS WSKAPI ClosesAndUses(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                     SIZE_T Indicated, SIZE_T *Accepted)
{
    PWSK_SOCKET socket = *(PWSK_SOCKET *)Context;
    SOCKADDR_INET at;
    CALL used;
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Indicated);
    UNREFERENCED_PARAMETER(Accepted);

    (void)StartClose(&ClosingCall, socket); /* does not end before this callback has returned */
    PIRP irp = CallBegin(&used);
    UsedStatus =
        CallEnd(&used, CONNECTION_OF(socket)->WskGetLocalAddress(socket, (PSOCKADDR)&at, irp));
    CallFree(&used);
    CounterAdd(&Calls);
    return STATUS_SUCCESS;
}

TEST(used_while_it_closes, "WSK-CLOSE-12")
{
    static const WSK_CLIENT_CONNECTION_DISPATCH table = { ClosesAndUses, NULL, NULL };
    static PWSK_SOCKET server;
    PAIR pair;
    BUFFER *b = MakePattern(10, 1);

    CounterInit(&Calls);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, &server, &table, &pair), STATUS_SUCCESS);
    server = pair.Server;
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, b, 10, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    CHECK_STATUS(CallFinish(&ClosingCall), STATUS_SUCCESS);
    CHECK_STATUS(UsedStatus, STATUS_FILE_FORCED_CLOSED);
}

TESTS(ROW(no_irp) ROW(used_up_irp) ROW(no_socket) ROW(no_client) ROW(nowhere_to_answer)
          ROW(no_registration) ROW(waiting_capture_above_passive) ROW(names_above_passive)
              ROW(callback_changes_the_irql) ROW(socket_call_above_dispatch)
                  ROW(used_while_it_closes))
