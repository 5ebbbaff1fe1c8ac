/* create.c: socket categories (3.5), creation (3.6) and extension interfaces (3.28). */
#include "conformance.h"

static const ADDRESS_FAMILY Families[] = { AF_INET, AF_INET6 };

/* ---- which combinations there are -------------------------------------------------------- */

typedef struct _COMBINATION {
    USHORT Type;
    ULONG Protocol, Flags;
} COMBINATION;

TEST(good_combinations, "WSK-CAT-07 WSK-SOCK-01 WSK-SOCK-04 WSK-SOCK-12 D41")
{
    static const COMBINATION good[] = { { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET },
                                        { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET },
                                        { SOCK_RAW, IPPROTO_ICMP, WSK_FLAG_BASIC_SOCKET },
                                        { SOCK_RAW, 0, WSK_FLAG_BASIC_SOCKET },
                                        { SOCK_RAW, IPPROTO_RAW, WSK_FLAG_DATAGRAM_SOCKET },
                                        { SOCK_RAW, 200, WSK_FLAG_DATAGRAM_SOCKET },
                                        { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET },
                                        { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET },
                                        { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET },
                                        { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET } };

    for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++) {
        for (ULONG i = 0; i < RTL_NUMBER_OF(good); i++) {
            PWSK_SOCKET s;
            NTSTATUS status =
                Open(Families[f], good[i].Type, good[i].Protocol, good[i].Flags, NULL, NULL, &s);
            /* D40: raw sockets need a privilege. */
            if (good[i].Type == SOCK_RAW && status == STATUS_ACCESS_DENIED)
                continue;
            CHECK_STATUS(status, STATUS_SUCCESS);
            CHECK(s != NULL && s->Dispatch != NULL);
        }
    }
}

static void Refused(ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags,
                    NTSTATUS Expected)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    NTSTATUS status = CallEnd(&call, Wsk->WskSocket(Client, Family, Type, Protocol, Flags, NULL,
                                                    NULL, NULL, NULL, NULL, irp));

    CHECK_STATUS(status, Expected);
    CHECK_EQ(call.Information, 0); /* D06 */
}

TEST(bad_combinations, "WSK-SOCK-03 WSK-SOCK-12 WSK-CAT-07 D40 D06")
{
    static const COMBINATION bad[] = { { SOCK_STREAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET },
                                       { SOCK_DGRAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET },
                                       { SOCK_STREAM, 0, WSK_FLAG_CONNECTION_SOCKET },
                                       { SOCK_DGRAM, 0, WSK_FLAG_DATAGRAM_SOCKET },
                                       { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_LISTEN_SOCKET },
                                       { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_CONNECTION_SOCKET },
                                       { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_STREAM_SOCKET },
                                       { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_DATAGRAM_SOCKET },
                                       { SOCK_RAW, IPPROTO_ICMP, WSK_FLAG_LISTEN_SOCKET },
                                       { SOCK_RAW, IPPROTO_ICMP, WSK_FLAG_CONNECTION_SOCKET },
                                       { SOCK_RAW, 256, WSK_FLAG_DATAGRAM_SOCKET },
                                       { SOCK_RDM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET },
                                       { SOCK_SEQPACKET, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET },
                                       { 0, 0, WSK_FLAG_BASIC_SOCKET } };
    static const ADDRESS_FAMILY unknown[] = { AF_UNSPEC, 1, 10, 22, 0xffff };

    for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++)
        for (ULONG i = 0; i < RTL_NUMBER_OF(bad) && !TestFailed(); i++)
            Refused(Families[f], bad[i].Type, bad[i].Protocol, bad[i].Flags, STATUS_NOT_SUPPORTED);
    for (ULONG i = 0; i < RTL_NUMBER_OF(unknown) && !TestFailed(); i++)
        Refused(unknown[i], SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET,
                STATUS_PROTOCOL_NOT_SUPPORTED);
}

TEST(connect_of_a_datagram, "D40 WSK-SCON-03")
{
    SOCKADDR_INET local, remote;
    CALL call;
    PIRP irp = CallBeginSocket(&call);

    NTSTATUS status = CallEnd(&call, Wsk->WskSocketConnect(Client, SOCK_DGRAM, IPPROTO_UDP,
                                                           Loopback(AF_INET, 0, &local),
                                                           Loopback(AF_INET, 7, &remote), 0, NULL,
                                                           NULL, NULL, NULL, NULL, irp));
    CHECK_STATUS(status, STATUS_NOT_SUPPORTED);
    CHECK_EQ(call.Information, 0);
}

TEST(category_flags, "D41 D06")
{
    static const ULONG bad[] = { 3, 5, 6, 7, 9, 15, 16, 0xff, 0x80000000, 0xffffffff };

    for (ULONG i = 0; i < RTL_NUMBER_OF(bad) && !TestFailed(); i++)
        Refused(AF_INET, SOCK_STREAM, IPPROTO_TCP, bad[i], STATUS_INVALID_PARAMETER);
}

/* ---- tables ------------------------------------------------------------------------------ */

TEST(one_table_for_each_category, "WSK-CAT-08 WSK-CAT-02 WSK-CAT-01")
{
    static const COMBINATION kinds[] = { { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET },
                                         { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET },
                                         { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET },
                                         { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET },
                                         { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET } };
    PWSK_SOCKET s[RTL_NUMBER_OF(kinds)], other;

    for (ULONG i = 0; i < RTL_NUMBER_OF(kinds); i++) {
        CHECK_STATUS(
            Open(AF_INET, kinds[i].Type, kinds[i].Protocol, kinds[i].Flags, NULL, NULL, &s[i]),
            STATUS_SUCCESS);
        CHECK_STATUS(
            Open(AF_INET6, kinds[i].Type, kinds[i].Protocol, kinds[i].Flags, NULL, NULL, &other),
            STATUS_SUCCESS);
        CHECK(other->Dispatch == s[i]->Dispatch);
        CHECK(BASIC_OF(s[i])->WskControlSocket && BASIC_OF(s[i])->WskCloseSocket);
        for (ULONG j = 0; j < i; j++)
            CHECK(s[j]->Dispatch != s[i]->Dispatch);
    }
    CHECK(LISTEN_OF(s[1])->WskAccept && LISTEN_OF(s[1])->WskInspectComplete);
    CHECK(CONNECTION_OF(s[2])->WskConnect && CONNECTION_OF(s[2])->WskSendEx &&
          CONNECTION_OF(s[2])->WskReceiveEx && CONNECTION_OF(s[2])->WskConnectEx);
    CHECK(DATAGRAM_OF(s[3])->WskSendTo && DATAGRAM_OF(s[3])->WskSendMessages);
    CHECK(STREAM_OF(s[4])->WskListen && STREAM_OF(s[4])->WskReceiveEx);
}

/* A basic socket has options and ioctls, and a close. */
TEST(basic_socket, "WSK-CAT-01 WSK-CAT-02 WSK-SOCK-04")
{
    PWSK_SOCKET s;
    ULONG value = 0;
    SIZE_T got;

    CHECK_STATUS(Open(AF_INET, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET, NULL, NULL, &s),
                 STATUS_SUCCESS);
    CHECK_STATUS(GetOption(s, SOL_SOCKET, SO_TYPE, &value, sizeof(value), &got), STATUS_SUCCESS);
    CHECK_EQ(value, SOCK_STREAM);
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
}

/* ---- what a stream socket becomes -------------------------------------------------------- */

TEST(listen_sockets_listen_when_bound, "WSK-CAT-03 WSK-CAT-09")
{
    PWSK_SOCKET listener, client, plain, accepted;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(client, &at), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &plain), STATUS_SUCCESS);
    CHECK(accepted->Dispatch == plain->Dispatch);
}

static NTSTATUS StreamListen(PWSK_SOCKET Socket)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, STREAM_OF(Socket)->WskListen(Socket, irp));
}

TEST(stream_socket_listens, "WSK-CAT-04 WSK-CAT-05 WSK-CAT-09")
{
    PWSK_SOCKET listener, client, plain, accepted;
    SOCKADDR_INET at;
    BUFFER *b = MakeBuffer(10);

    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(client, &at), STATUS_CONNECTION_REFUSED); /* bound is not listening */
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(StreamListen(listener), STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &plain), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(plain, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(plain, &at), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK(accepted->Dispatch == client->Dispatch);
    /* The listener's connection half is gone. */
    CHECK_STATUS(Connect(listener, &at), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Send(listener, b, 10, 0, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Receive(listener, b, 10, 0, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Disconnect(listener, 0), STATUS_INVALID_DEVICE_STATE);
    /* And the listening half of the one that connected. */
    CHECK_STATUS(StreamListen(plain), STATUS_INVALID_DEVICE_STATE);
    PWSK_SOCKET none;
    CHECK_STATUS(Accept(plain, NULL, NULL, &none), STATUS_INVALID_DEVICE_STATE);
}

TEST(stream_socket_connects_ex, "WSK-CAT-06")
{
    PWSK_SOCKET listener, s, none;
    SOCKADDR_INET at;
    CALL call;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, STREAM_OF(s)->WskConnectEx(s, (PSOCKADDR)&at, NULL, 0, irp)),
                 STATUS_SUCCESS);
    CHECK_STATUS(StreamListen(s), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Accept(s, NULL, NULL, &none), STATUS_INVALID_DEVICE_STATE);
}

TEST(stream_socket_connected, "WSK-CAT-06 WSK-CAT-05")
{
    PWSK_SOCKET listener, s, accepted, none;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(500, 9), *in = MakeBuffer(500);

    CHECK_STATUS(OpenStream(AF_INET6, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET6, &at), STATUS_SUCCESS);
    CHECK_STATUS(StreamListen(listener), STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET6, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET6, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(s, &at), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Send(s, out, 500, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(accepted, in, 500), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 500, 9, 0));
    CHECK_STATUS(StreamListen(s), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Accept(s, NULL, NULL, &none), STATUS_INVALID_DEVICE_STATE);
}

/* ---- contexts and client tables ---------------------------------------------------------- */

typedef struct _SEEN {
    LONG Calls;
    PVOID Context;
    KEVENT Called;
} SEEN;
static SEEN Receives, Froms, Accepts;

static void Note(SEEN *Seen, PVOID Context)
{
    Seen->Context = Context;
    InterlockedIncrement(&Seen->Calls);
    KeSetEvent(&Seen->Called, IO_NO_INCREMENT, FALSE);
}

static void Forget(SEEN *Seen)
{
    RtlZeroMemory(Seen, sizeof(*Seen));
    KeInitializeEvent(&Seen->Called, NotificationEvent, FALSE);
}

static NTSTATUS NTAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data, SIZE_T Bytes,
                                SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Bytes);
    UNREFERENCED_PARAMETER(Accepted);
    Note(&Receives, Context);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnReceiveFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Data)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    Note(&Froms, Context);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                               PWSK_SOCKET Socket, PVOID *SocketContext,
                               const WSK_CLIENT_CONNECTION_DISPATCH **Dispatch)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(Socket);
    *SocketContext = NULL;
    *Dispatch = NULL;
    Note(&Accepts, Context);
    return STATUS_REQUEST_NOT_ACCEPTED;
}

static const WSK_CLIENT_CONNECTION_DISPATCH ConnectionTable = { OnReceive, NULL, NULL };
static const WSK_CLIENT_DATAGRAM_DISPATCH DatagramTable = { OnReceiveFrom };
static const WSK_CLIENT_LISTEN_DISPATCH ListenTable = { OnAccept, NULL, NULL };
static const WSK_CLIENT_STREAM_DISPATCH StreamTable = { &ListenTable, &ConnectionTable };

TEST(events_off_at_creation, "WSK-SOCK-05 WSK-EVT-17 WSK-SOCK-06 WSK-SOCK-07")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);
    SIZE_T n;

    Forget(&Froms);
    CHECK_STATUS(OpenDatagram(AF_INET, &Froms, &DatagramTable, &a), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(b, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(b, out, 10, &at, &n), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(a, in, 10, NULL, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 10);
    CHECK_EQ(Froms.Calls, 0);
    CHECK_STATUS(Events(a, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(b, out, 10, &at, &n), STATUS_SUCCESS);
    CHECK(WaitFor(&Froms.Called));
    CHECK(Froms.Context == &Froms);
}

/* A stream socket takes the half of its table that it becomes. */
TEST(stream_tables, "WSK-SOCK-07 WSK-SOCK-14 WSK-SOCK-06")
{
    PWSK_SOCKET listener, client, peer, plain;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1);
    ULONG mark;

    Forget(&Accepts);
    Forget(&Receives);
    CHECK_STATUS(OpenStream(AF_INET, &Accepts, &StreamTable, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(StreamListen(listener), STATUS_SUCCESS);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET, &mark, &StreamTable, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    (void)Connect(client, &at); /* refused by the callback: may still see the reset itself */
    CHECK(WaitFor(&Accepts.Called));
    CHECK(Accepts.Context == &Accepts);

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &plain), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(plain, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET, &mark, &StreamTable, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(client, &at), STATUS_SUCCESS);
    CHECK_STATUS(Accept(plain, NULL, NULL, &peer), STATUS_SUCCESS);
    CHECK_STATUS(Events(client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(peer, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&Receives.Called));
    CHECK(Receives.Context == &mark);
}

TEST(absent_tables, "WSK-SOCK-08 WSK-SOCK-14 D19")
{
    static const WSK_CLIENT_CONNECTION_DISPATCH none = { NULL, NULL, NULL };
    static const WSK_CLIENT_STREAM_DISPATCH halves[] = { { NULL, NULL },
                                                         { &ListenTable, NULL },
                                                         { NULL, &ConnectionTable } };
    static const WSK_CLIENT_LISTEN_DISPATCH nothing = { NULL, NULL, NULL };
    static const WSK_CLIENT_DATAGRAM_DISPATCH silent = { NULL };
    PWSK_SOCKET s;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenConnection(AF_INET, NULL, &none, &s), STATUS_SUCCESS);
    CHECK_STATUS(OpenListen(AF_INET, NULL, &nothing, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(Events(s, WSK_EVENT_ACCEPT), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, &silent, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE_FROM), STATUS_INVALID_PARAMETER);
    for (ULONG i = 0; i < RTL_NUMBER_OF(halves); i++) {
        CHECK_STATUS(OpenStream(AF_INET, NULL, &halves[i], &s), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
        CHECK_STATUS(StreamListen(s), STATUS_SUCCESS);
        CHECK_STATUS(Events(s, WSK_EVENT_ACCEPT),
                     halves[i].Listen ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
    }
}

/* ---- completion -------------------------------------------------------------------------- */

/* Whether it ends inline or pends, the IRP carries the socket; at any IRQL that is allowed. */
TEST(creation_at_dispatch, "WSK-SOCK-01 WSK-SOCK-02 WSK-SOCK-13 WSK-IRQL-01 D03 D12")
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    KIRQL old;

    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = Wsk->WskSocket(Client, AF_INET6, SOCK_STREAM, IPPROTO_TCP,
                                     WSK_FLAG_CONNECTION_SOCKET, NULL, NULL, NULL, NULL, NULL, irp);
    KeLowerIrql(old);
    CHECK(status == (PendsAll ? STATUS_PENDING : STATUS_SUCCESS));
    CHECK_STATUS(CallEnd(&call, status), STATUS_SUCCESS);
    PWSK_SOCKET s = (PWSK_SOCKET)call.Information;
    CHECK(s != NULL && s->Dispatch != NULL);
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
}

/* ---- extensions -------------------------------------------------------------------------- */

TEST(no_extensions, "WSK-EXT-01 WSK-EXT-03 SIO_WSK_REGISTER_EXTENSION WSK-EVT-06 D21")
{
    static const NPIID npi = { 0x11223344, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } };
    static const COMBINATION kinds[] = { { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET },
                                         { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET },
                                         { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET },
                                         { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET },
                                         { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET } };
    WSK_EXTENSION_CONTROL_IN in = { &npi, NULL, NULL };
    WSK_EXTENSION_CONTROL_OUT out = { (PVOID)1, (PVOID)1 };
    WSK_EVENT_CALLBACK_CONTROL control = { &npi, WSK_EVENT_RECEIVE };

    for (ULONG i = 0; i < RTL_NUMBER_OF(kinds); i++) {
        PWSK_SOCKET s;
        SIZE_T got = 99;
        CHECK_STATUS(
            Open(AF_INET, kinds[i].Type, kinds[i].Protocol, kinds[i].Flags, NULL, NULL, &s),
            STATUS_SUCCESS);
        CHECK_STATUS(BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_WSK_REGISTER_EXTENSION, 0,
                                                   sizeof(in), &in, sizeof(out), &out, &got, NULL),
                     STATUS_NOT_SUPPORTED);
        CHECK(out.ProviderContext == (PVOID)1 && got == 0);
        CHECK_STATUS(BASIC_OF(s)->WskControlSocket(s, WskSetOption, SO_WSK_EVENT_CALLBACK,
                                                   SOL_SOCKET, sizeof(control), &control, 0, NULL,
                                                   NULL, NULL),
                     STATUS_NOT_SUPPORTED);
    }
}

TESTS(ROW(good_combinations) ROW(bad_combinations) ROW(connect_of_a_datagram) ROW(category_flags)
          ROW(one_table_for_each_category) ROW(basic_socket) ROW(listen_sockets_listen_when_bound)
              ROW(stream_socket_listens) ROW(stream_socket_connects_ex) ROW(stream_socket_connected)
                  ROW(events_off_at_creation) ROW(stream_tables) ROW(absent_tables)
                      ROW(creation_at_dispatch) ROW(no_extensions))
