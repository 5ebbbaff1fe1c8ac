/* connect.c: WskConnect, WskConnectEx and WskSocketConnect. */
#include "conformance.h"

#define CROWD 4300 /* more than any listener's backlog holds (D24) */

static BOOLEAN Ready(ADDRESS_FAMILY Family, PWSK_SOCKET *Listener, SOCKADDR_INET *Address,
                     PWSK_SOCKET *Socket)
{
    NTSTATUS status = OpenListen(Family, NULL, NULL, Listener);

    if (NT_SUCCESS(status))
        status = BindLoopback(*Listener, Family, Address);
    if (NT_SUCCESS(status))
        status = OpenConnection(Family, NULL, NULL, Socket);
    if (NT_SUCCESS(status))
        status = BindLoopback(*Socket, Family, NULL);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "cannot prepare: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

/* An address of loopback where nobody listens. */
static BOOLEAN Nobody(ADDRESS_FAMILY Family, SOCKADDR_INET *Address)
{
    PWSK_SOCKET s;
    NTSTATUS status = OpenStream(Family, NULL, NULL, &s); /* bound, but it does not listen */

    if (NT_SUCCESS(status))
        status = BindLoopback(s, Family, Address);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "cannot bind: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

static NTSTATUS RemoteAddressOf(PWSK_SOCKET Socket, SOCKADDR_INET *Address)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call,
                   CONNECTION_OF(Socket)->WskGetRemoteAddress(Socket, (PSOCKADDR)Address, irp));
}

TEST(accepted, "WSK-CONN-01 WSK-CONN-04 WSK-ADDR-05 WSK-BIND-07 WSK-BIND-08")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < 2; f++) {
        PWSK_SOCKET listener, client, accepted;
        SOCKADDR_INET address, before, after, any;
        CALL call;
        BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);
        if (!Ready(families[f], &listener, &address, &client))
            return;
        CHECK_STATUS(Close(client), STATUS_SUCCESS);
        CHECK_STATUS(OpenConnection(families[f], NULL, NULL, &client), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(client, Wildcard(families[f], 0, &any)), STATUS_SUCCESS);
        CHECK_STATUS(LocalAddressOf(client, &before), STATUS_SUCCESS);
        CHECK(PortOf(&before) != 0); /* the port at once, the address by the connect */
        (void)StartConnect(&call, client, &address);
        CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
        CHECK_EQ(call.Information, 0);
        CHECK_STATUS(LocalAddressOf(client, &after), STATUS_SUCCESS);
        CHECK_EQ(PortOf(&after), PortOf(&before));
        SIZE_T size = f ? sizeof(SOCKADDR_IN6) : sizeof(SOCKADDR_IN);
        Loopback(families[f], PortOf(&before), &any);
        CHECK(RtlCompareMemory(&any, &after, size) == size);
        CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
        CHECK_STATUS(RemoteAddressOf(client, &any), STATUS_SUCCESS);
        CHECK(RtlCompareMemory(&any, &address, size) == size);
        CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveAll(accepted, in, 10), STATUS_SUCCESS);
        CHECK_STATUS(Connect(client, &address), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(Disconnect(client, 0), STATUS_SUCCESS);
    }
}

TEST(refused, "WSK-CONN-02 D33 D08 D06")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address, nobody, local, again;
    CALL call;
    BUFFER *out = MakePattern(10, 1);

    if (!Ready(AF_INET, &listener, &address, &client) || !Nobody(AF_INET, &nobody))
        return;
    CHECK_STATUS(LocalAddressOf(client, &local), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        (void)StartConnect(&call, client, &nobody);
        CHECK_STATUS(CallFinish(&call), STATUS_CONNECTION_REFUSED);
        CHECK_EQ(call.Information, 0);
        CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(RemoteAddressOf(client, &again), STATUS_INVALID_DEVICE_STATE);
    }
    CHECK_STATUS(LocalAddressOf(client, &again), STATUS_SUCCESS);
    CHECK_EQ(PortOf(&again), PortOf(&local));
    CHECK_STATUS(Connect(client, &address), STATUS_SUCCESS);
}

TEST(unreachable, "WSK-CONN-02 D33")
{
    PWSK_SOCKET s;
    SOCKADDR_INET any, to;

    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(s, Wildcard(AF_INET, 0, &any)), STATUS_SUCCESS);
    Loopback(AF_INET, 4711, &to);
    to.Ipv4.sin_addr.s_addr = RtlUlongByteSwap(0x7fffffff); /* loopback's broadcast address */
    CHECK_STATUS(Connect(s, &to), STATUS_NETWORK_UNREACHABLE);
}

TEST(dead_socket, "WSK-CONN-03 WSK-CONX-07 WSK-CLOSE-09 D62")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL call;

    if (!Ready(AF_INET, &listener, &address, &client))
        return;
    if (!NT_SUCCESS(LoseSocket(client))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK_STATUS(Connect(client, &address), STATUS_FILE_FORCED_CLOSED);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, CONNECTION_OF(client)->WskConnectEx(client, (PSOCKADDR)&address,
                                                                    NULL, 0, irp)),
                 STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Close(client), STATUS_SUCCESS);
}

TEST(wrong_calls, "WSK-CONN-05 WSK-CONN-06 WSK-CONN-07 D34 D35")
{
    PWSK_SOCKET listener, client, unbound;
    SOCKADDR_INET address, six;
    CALL call;

    if (!Ready(AF_INET, &listener, &address, &client))
        return;
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &unbound), STATUS_SUCCESS);
    CHECK_STATUS(Connect(unbound, &address), STATUS_INVALID_DEVICE_STATE);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, CONNECTION_OF(client)->WskConnect(client, (PSOCKADDR)&address, 1, irp)),
        STATUS_INVALID_PARAMETER);
    Loopback(AF_INET6, PortOf(&address), &six);
    CHECK_STATUS(Connect(client, &six), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Connect(client, &address), STATUS_SUCCESS); /* none of them did harm */
}

/* ---- a connect that stays pending -------------------------------------------------------- */

/*
 * Fills the listener's backlog, until a connect is not answered any more: that one is left pending
 * in Call and Socket. FALSE: the machine does not do so, the test is skipped.
 */
static BOOLEAN Crowd(PWSK_SOCKET *Listener, SOCKADDR_INET *Address, CALL *Call, PWSK_SOCKET *Socket)
{
    NTSTATUS status = OpenListen(AF_INET, NULL, NULL, Listener);

    if (NT_SUCCESS(status))
        status = BindLoopback(*Listener, AF_INET, Address);
    for (ULONG i = 0; NT_SUCCESS(status) && i < CROWD; i++) {
        status = OpenConnection(AF_INET, NULL, NULL, Socket);
        if (NT_SUCCESS(status))
            status = BindLoopback(*Socket, AF_INET, NULL);
        if (!NT_SUCCESS(status))
            break;
        (void)StartConnect(Call, *Socket, Address);
        if (i < 100 && NT_SUCCESS(CallFinish(Call)))
            continue;
        if (i < 100)
            break;
        LARGE_INTEGER limit = { .QuadPart = -10000000 };
        if (KeWaitForSingleObject(Call->Done, Executive, KernelMode, FALSE, &limit) ==
            STATUS_TIMEOUT)
            return TRUE;
        CallFree(Call);
    }
    TestSkip("no backlog could be filled");
    return FALSE;
}

TEST(pending_connect, "WSK-CONN-01 WSK-CONN-02 D33 D08 D09 D10 D24 WSK-CLOSE-02 WSK-CLOSE-05")
{
    PWSK_SOCKET listener, waiting, other, accepted, free_listener;
    SOCKADDR_INET address, elsewhere, before, after;
    CALL call, second;

    if (!Crowd(&listener, &address, &call, &waiting))
        return;
    CHECK_STATUS(LocalAddressOf(waiting, &before), STATUS_SUCCESS);
    CHECK(IoCancelIrp(call.Irp));
    CHECK_STATUS(CallFinish(&call), STATUS_CANCELLED);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(LocalAddressOf(waiting, &after), STATUS_SUCCESS);
    CHECK_EQ(PortOf(&before), PortOf(&after));
    /* It can connect to somewhere else. */
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &free_listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(free_listener, AF_INET, &elsewhere), STATUS_SUCCESS);
    CHECK_STATUS(Connect(waiting, &elsewhere), STATUS_SUCCESS);
    CHECK_STATUS(Accept(free_listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(waiting, &after), STATUS_SUCCESS);
    CHECK_EQ(PortOf(&before), PortOf(&after));
    /* Close ends a pending one. */
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &other), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(other, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(StartConnect(&second, other, &address), STATUS_PENDING);
    CHECK_STATUS(Connect(other, &address), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Close(other), STATUS_SUCCESS);
    CHECK(CallIsDone(&second));
    CHECK_STATUS(CallFinish(&second), STATUS_CANCELLED);
    /* WskSocketConnect, cancelled: no socket remains. */
    SOCKADDR_INET any;
    PIRP irp = CallBeginSocket(&second);
    CallStarted(&second,
                Wsk->WskSocketConnect(Client, SOCK_STREAM, IPPROTO_TCP, Loopback(AF_INET, 0, &any),
                                      (PSOCKADDR)&address, 0, NULL, NULL, NULL, NULL, NULL, irp));
    CHECK_STATUS(second.Returned, STATUS_PENDING);
    CHECK(IoCancelIrp(irp));
    CHECK_STATUS(CallFinish(&second), STATUS_CANCELLED);
    CHECK_EQ(second.Information, 0);
    /* Left alone it ends, too. */
    ULONG on = 1;
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &other), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(other, IPPROTO_TCP, TCP_NOSYNRETRIES, &on, sizeof(on)), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(other, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(other, &address), STATUS_IO_TIMEOUT);
}

/* ---- WskConnectEx ------------------------------------------------------------------------ */

static NTSTATUS ConnectEx(PWSK_SOCKET Socket, const SOCKADDR_INET *Remote, WSK_BUF *Buffer,
                          ULONG Flags, SIZE_T *Information)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status = CallEnd(
        &call, CONNECTION_OF(Socket)->WskConnectEx(Socket, (PSOCKADDR)Remote, Buffer, Flags, irp));

    *Information = call.Information;
    return status;
}

TEST(connect_ex, "WSK-CONX-01 WSK-CONX-02 WSK-CONX-05 D36")
{
    static const SIZE_T sizes[] = { 0, 1, 1000, 65535 };

    for (ULONG i = 0; i <= RTL_NUMBER_OF(sizes); i++) {
        SIZE_T size = i < RTL_NUMBER_OF(sizes) ? sizes[i] : 0, n;
        PWSK_SOCKET listener, client, accepted;
        SOCKADDR_INET address;
        BUFFER *out = MakePattern(65536, i), *in = MakeBuffer(65536);
        WSK_BUF buf = { out->Buf.Mdl, 0, size };
        if (!Ready(AF_INET, &listener, &address, &client))
            return;
        CHECK_STATUS(ConnectEx(client, &address, i < RTL_NUMBER_OF(sizes) ? &buf : NULL, 0, &n),
                     STATUS_SUCCESS);
        RtlFillMemory(out->Data, out->Size, 0xff); /* the memory is ours again */
        CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
        CHECK_STATUS(Disconnect(client, 0), STATUS_SUCCESS);
        CHECK_STATUS(Receive(accepted, in, 65536, WSK_FLAG_WAITALL, &n), STATUS_SUCCESS);
        CHECK_EQ(n, size);
        CHECK(IsPattern(in->Data, size, i, 0));
    }
}

TEST(connect_ex_refuses, "WSK-CONX-03 WSK-CONX-04 WSK-CONN-02 D06")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address, nobody;
    BUFFER *out = MakePattern(65536, 1);
    WSK_BUF some = { out->Buf.Mdl, 0, 10 };
    SIZE_T n;

    if (!Ready(AF_INET, &listener, &address, &client) || !Nobody(AF_INET, &nobody))
        return;
    CHECK_STATUS(ConnectEx(client, &address, &out->Buf, 0, &n), STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(n, 0);
    CHECK_STATUS(ConnectEx(client, &address, NULL, 1, &n), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ConnectEx(client, &address, &some, 0x80000000, &n), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ConnectEx(client, &nobody, &some, 0, &n), STATUS_CONNECTION_REFUSED);
    CHECK_EQ(n, 0);
    CHECK_STATUS(ConnectEx(client, &address, &some, 0, &n), STATUS_SUCCESS);
}

TEST(connect_ex_on_a_stream, "WSK-CONX-01 WSK-CONX-02 WSK-CAT-06")
{
    PWSK_SOCKET listener, client, stream, accepted;
    SOCKADDR_INET address;
    BUFFER *out = MakePattern(500, 1), *in = MakeBuffer(500);
    CALL call;

    if (!Ready(AF_INET, &listener, &address, &client))
        return;
    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &stream), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(stream, AF_INET, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, STREAM_OF(stream)->WskConnectEx(stream, (PSOCKADDR)&address,
                                                                &out->Buf, 0, irp)),
                 STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(accepted, in, 500), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 500, 1, 0));
}

TEST(fast_open, "WSK-CONX-06 WSK-OPT-13")
{
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET address;
    BUFFER *out = MakePattern(500, 1), *in = MakeBuffer(500);
    ULONG on = 1;
    SIZE_T n;

    if (!Ready(AF_INET, &listener, &address, &client))
        return;
    CHECK_STATUS(SetOption(client, IPPROTO_TCP, TCP_FASTOPEN, &on, sizeof(on)), STATUS_SUCCESS);
    CHECK_STATUS(ConnectEx(client, &address, &out->Buf, 0, &n), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(accepted, in, 500), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 500, 1, 0));
}

/* ---- WskSocketConnect -------------------------------------------------------------------- */

static COUNTER Received;
static PVOID SeenContext;

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Indicated, SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Indicated);
    UNREFERENCED_PARAMETER(Accepted);
    SeenContext = Context;
    CounterAdd(&Received);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { OnReceive, NULL, NULL };

static NTSTATUS SocketConnect(USHORT Type, ULONG Protocol, PSOCKADDR Local, PSOCKADDR Remote,
                              ULONG Flags, PVOID Context, PWSK_SOCKET *Socket)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    NTSTATUS status =
        CallEnd(&call, Wsk->WskSocketConnect(Client, Type, Protocol, Local, Remote, Flags, Context,
                                             &Table, NULL, NULL, NULL, irp));

    *Socket = (PWSK_SOCKET)call.Information;
    return status;
}

TEST(socket_connect, "WSK-SCON-01 WSK-SCON-02 WSK-SCON-04 WSK-SCON-05 WSK-SCON-06 WSK-ADDR-03")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < 2; f++) {
        PWSK_SOCKET listener, other, s, accepted;
        SOCKADDR_INET address, any, local, remote;
        BUFFER *out = MakePattern(10, 1);
        int context;
        CounterInit(&Received);
        if (!Ready(families[f], &listener, &address, &other))
            return;
        CHECK_STATUS(SocketConnect(SOCK_STREAM, IPPROTO_TCP, Wildcard(families[f], 0, &any),
                                   (PSOCKADDR)&address, 0, &context, &s),
                     STATUS_SUCCESS);
        CHECK(s != NULL && s->Dispatch == other->Dispatch); /* of the connection category */
        CHECK_STATUS(LocalAddressOf(s, &local), STATUS_SUCCESS);
        CHECK_EQ(local.si_family, families[f]);
        CHECK_STATUS(RemoteAddressOf(s, &remote), STATUS_SUCCESS);
        CHECK_EQ(PortOf(&remote), PortOf(&address));
        CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
        CHECK_STATUS(Send(accepted, out, 10, 0, NULL), STATUS_SUCCESS);
        Settle();
        CHECK_EQ(CounterValue(&Received), 0);
        CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
        CHECK(CounterWait(&Received, 1));
        CHECK(SeenContext == &context);
        CHECK_STATUS(Close(s), STATUS_SUCCESS); /* no callback uses the counter any more */
    }
}

TEST(socket_connect_fails, "WSK-SCON-03 WSK-SCON-07 D40 D33 D35")
{
    PWSK_SOCKET listener, other, s;
    SOCKADDR_INET address, nobody, any, six, foreign, taken;

    if (!Ready(AF_INET, &listener, &address, &other) || !Nobody(AF_INET, &nobody))
        return;
    Wildcard(AF_INET, 0, &any);
    CHECK_STATUS(
        SocketConnect(SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&any, (PSOCKADDR)&nobody, 0, NULL, &s),
        STATUS_CONNECTION_REFUSED);
    CHECK(s == NULL);
    CHECK_STATUS(
        SocketConnect(SOCK_DGRAM, IPPROTO_UDP, (PSOCKADDR)&any, (PSOCKADDR)&address, 0, NULL, &s),
        STATUS_NOT_SUPPORTED);
    CHECK(s == NULL);
    CHECK_STATUS(
        SocketConnect(SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&any, (PSOCKADDR)&address, 1, NULL, &s),
        STATUS_INVALID_PARAMETER);
    Loopback(AF_INET6, PortOf(&address), &six);
    CHECK_STATUS(
        SocketConnect(SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&any, (PSOCKADDR)&six, 0, NULL, &s),
        STATUS_INVALID_PARAMETER);
    /* the bind fails: an address that is not ours, and a port in use */
    Loopback(AF_INET, 0, &foreign);
    foreign.Ipv4.sin_addr.s_addr = RtlUlongByteSwap(0xc0000201); /* 192.0.2.1, for documents */
    CHECK_STATUS(SocketConnect(SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&foreign, (PSOCKADDR)&address,
                               0, NULL, &s),
                 STATUS_INVALID_ADDRESS_COMPONENT);
    CHECK(s == NULL);
    CHECK_STATUS(LocalAddressOf(other, &taken), STATUS_SUCCESS);
    CHECK_STATUS(SocketConnect(SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&taken, (PSOCKADDR)&address, 0,
                               NULL, &s),
                 STATUS_ADDRESS_ALREADY_EXISTS);
    CHECK(s == NULL);
}

TEST(socket_connect_cancelled_before_the_call, "D08 WSK-SCON-03 WSK-IRP-01")
{
    PWSK_SOCKET listener;
    SOCKADDR_INET address, any;
    CALL call;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &address), STATUS_SUCCESS);
    PIRP irp = CallBeginSocket(&call);
    CHECK(!IoCancelIrp(irp)); /* nobody to call yet */
    CHECK_STATUS(CallEnd(&call, Wsk->WskSocketConnect(
                                    Client, SOCK_STREAM, IPPROTO_TCP, Loopback(AF_INET, 0, &any),
                                    (PSOCKADDR)&address, 0, NULL, NULL, NULL, NULL, NULL, irp)),
                 STATUS_CANCELLED);
    CHECK_EQ(call.Information, 0);
}

TESTS(ROW(accepted) ROW(refused) ROW(unreachable) ROW(dead_socket) ROW(wrong_calls)
          ROW(pending_connect) ROW(connect_ex) ROW(connect_ex_refuses) ROW(connect_ex_on_a_stream)
              ROW(fast_open) ROW(socket_connect) ROW(socket_connect_fails)
                  ROW(socket_connect_cancelled_before_the_call))
