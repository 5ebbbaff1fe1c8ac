/* bind.c: WskBind in every category, what the wildcard means, and what a bind fails with. */
#include "objects.h"

static const ADDRESS_FAMILY Families[] = { AF_INET, AF_INET6 };

static NTSTATUS OpenKind(ULONG Flags, ADDRESS_FAMILY Family, PWSK_SOCKET *Socket)
{
    BOOLEAN datagram = Flags == WSK_FLAG_DATAGRAM_SOCKET;

    return Open(Family, datagram ? SOCK_DGRAM : SOCK_STREAM, datagram ? IPPROTO_UDP : IPPROTO_TCP,
                Flags, NULL, NULL, Socket);
}

static PFN_WSK_BIND BindFunction(ULONG Flags, PWSK_SOCKET Socket)
{
    switch (Flags) {
    case WSK_FLAG_LISTEN_SOCKET:
        return LISTEN_OF(Socket)->WskBind;
    case WSK_FLAG_DATAGRAM_SOCKET:
        return DATAGRAM_OF(Socket)->WskBind;
    case WSK_FLAG_STREAM_SOCKET:
        return STREAM_OF(Socket)->WskBind;
    default:
        return CONNECTION_OF(Socket)->WskBind;
    }
}

static const ULONG Kinds[] = { WSK_FLAG_LISTEN_SOCKET, WSK_FLAG_CONNECTION_SOCKET,
                               WSK_FLAG_DATAGRAM_SOCKET, WSK_FLAG_STREAM_SOCKET };

/* The address is given from memory that changes as soon as the call has returned (D28). */
TEST(every_category, "WSK-BIND-01 WSK-BIND-02 WSK-ADDR-01 D03 D06 D28 D76")
{
    for (ULONG k = 0; k < RTL_NUMBER_OF(Kinds); k++) {
        for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++) {
            PWSK_SOCKET s;
            CALL call;
            SOCKADDR_INET address, bound;
            CHECK_STATUS(OpenKind(Kinds[k], Families[f], &s), STATUS_SUCCESS);
            (void)Loopback(Families[f], 0, &address);
            PIRP irp = CallBegin(&call);
            CallStarted(&call, BindFunction(Kinds[k], s)(s, (PSOCKADDR)&address, 0, irp));
            RtlFillMemory(&address, sizeof(address), 0xee);
            CHECK_STATUS(call.Returned, PendsAll ? STATUS_PENDING : STATUS_SUCCESS);
            CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
            CHECK_EQ(call.Information, 0);
            CHECK_STATUS(LocalAddressOf(s, &bound), STATUS_SUCCESS);
            (void)Loopback(Families[f], PortOf(&bound), &address);
            CHECK(PortOf(&bound) != 0);
            CHECK(RtlEqualMemory(&bound, &address, Families[f] == AF_INET ? 16 : 28));
        }
    }
}

TEST(not_a_local_address, "WSK-BIND-04 D33 D42")
{
    for (ULONG k = 0; k < RTL_NUMBER_OF(Kinds); k++) {
        PWSK_SOCKET s;
        SOCKADDR_INET address;
        /* 203.0.113.0/24 is set aside for documentation: nobody's address */
        CHECK_STATUS(OpenKind(Kinds[k], AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(s, (PSOCKADDR)Address4(0xcb007107, 0, &address)),
                     STATUS_INVALID_ADDRESS_COMPONENT);
        /* the failure leaves the socket as it was */
        CHECK_STATUS(LocalAddressOf(s, &address), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
    }
}

TEST(address_of_no_interface, "WSK-BIND-04 D42")
{
    for (ULONG k = 0; k < RTL_NUMBER_OF(Kinds); k++) {
        PWSK_SOCKET s;
        SOCKADDR_INET address;
        CHECK_STATUS(OpenKind(Kinds[k], AF_INET6, &s), STATUS_SUCCESS);
        (void)Wildcard(AF_INET6, 0, &address);
        ((PUCHAR)&address.Ipv6.sin6_addr)[0] =
            0xfe; /* fe80::1, of an interface that is not there */
        ((PUCHAR)&address.Ipv6.sin6_addr)[1] = 0x80;
        ((PUCHAR)&address.Ipv6.sin6_addr)[15] = 1;
        address.Ipv6.sin6_scope_id = 0x7ffffff0;
        CHECK_STATUS(BindTo(s, (PSOCKADDR)&address), STATUS_INVALID_ADDRESS_COMPONENT);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
    }
}

TEST(ipv4_address_without_dual_stack, "WSK-BIND-04 D50")
{
    PWSK_SOCKET s;
    SOCKADDR_INET address;

    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(s, (PSOCKADDR)Mapped(LOOPBACK4, 0, &address)),
                 STATUS_INVALID_ADDRESS_COMPONENT);
    CHECK_STATUS(TurnOff(s, IPPROTO_IPV6, IPV6_V6ONLY), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(s, (PSOCKADDR)Mapped(LOOPBACK4, 0, &address)), STATUS_SUCCESS);
}

TEST(second_bind, "WSK-BIND-04 D34 D42")
{
    for (ULONG k = 0; k < RTL_NUMBER_OF(Kinds); k++) {
        PWSK_SOCKET s;
        SOCKADDR_INET address, before, after;
        CHECK_STATUS(OpenKind(Kinds[k], AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(s, AF_INET, &before), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(s, Loopback(AF_INET, 0, &address)), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(LocalAddressOf(s, &after), STATUS_SUCCESS);
        CHECK_EQ(PortOf(&after), PortOf(&before));
    }
}

/* What SEQ-3 does: try a port, and another one when it is taken. */
TEST(port_in_use, "WSK-BIND-04 D42 D43")
{
    PWSK_SOCKET first, second;
    SOCKADDR_INET taken, address;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &first), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(first, AF_INET, &taken), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &second), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(second, Loopback(AF_INET, PortOf(&taken), &address)),
                 STATUS_ADDRESS_ALREADY_EXISTS);
    CHECK_STATUS(BindTo(second, Loopback(AF_INET, 0, &address)), STATUS_SUCCESS);
}

TEST(port_free_after_close, "WSK-BIND-01 D43")
{
    for (ULONG k = 0; k < RTL_NUMBER_OF(Kinds); k++) {
        PWSK_SOCKET s;
        SOCKADDR_INET bound, address;
        CHECK_STATUS(OpenKind(Kinds[k], AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(s, AF_INET, &bound), STATUS_SUCCESS);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
        CHECK_STATUS(OpenKind(Kinds[k], AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(s, Loopback(AF_INET, PortOf(&bound), &address)), STATUS_SUCCESS);
    }
}

/* The side that closes first keeps the port in TIME_WAIT; its listener can start again all the
 * same. */
TEST(listener_restarts_in_time_wait, "D43 WSK-CLOSE-06")
{
    PAIR pair;
    PWSK_SOCKET again;
    BUFFER *in = MakeBuffer(1);
    SOCKADDR_INET address;
    CALL finish;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    (void)StartDisconnect(&finish, pair.Server, NULL, 0, 0);
    CHECK_STATUS(Receive(pair.Client, in, 1, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&finish), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 1, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    CHECK_STATUS(Close(pair.Listener), STATUS_SUCCESS);
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &again), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(again, Loopback(AF_INET, PortOf(&pair.Address), &address)), STATUS_SUCCESS);
}

TEST(port_zero_never_conflicts, "D43")
{
    for (ULONG i = 0; i < 50; i++) {
        PWSK_SOCKET s;
        SOCKADDR_INET address;
        CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
        CHECK_STATUS(TurnOn(s, SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE), STATUS_SUCCESS);
        CHECK_STATUS(
            BindTo(s, i % 2 ? Wildcard(AF_INET, 0, &address) : Loopback(AF_INET, 0, &address)),
            STATUS_SUCCESS);
    }
}

TEST(lost_socket, "WSK-BIND-03 WSK-ADDR-04")
{
    for (ULONG k = 0; k < RTL_NUMBER_OF(Kinds); k++) {
        PWSK_SOCKET s;
        SOCKADDR_INET address;
        CHECK_STATUS(OpenKind(Kinds[k], AF_INET, &s), STATUS_SUCCESS);
        if (LoseSocket(s) == STATUS_NOT_SUPPORTED) {
            TestSkip("no way to lose a socket on demand");
            return;
        }
        CHECK_STATUS(BindTo(s, Loopback(AF_INET, 0, &address)), STATUS_FILE_FORCED_CLOSED);
        CHECK_STATUS(LocalAddressOf(s, &address), STATUS_FILE_FORCED_CLOSED);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
    }
}

static void Reach(PWSK_SOCKET Listener, ADDRESS_FAMILY Family, const SOCKADDR_INET *To)
{
    PWSK_SOCKET c, accepted;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenConnection(Family, NULL, NULL, &c), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(c, Wildcard(Family, 0, &at)), STATUS_SUCCESS);
    CHECK_STATUS(Connect(c, To), STATUS_SUCCESS);
    CHECK_STATUS(Accept(Listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(accepted, &at), STATUS_SUCCESS);
    CHECK_EQ(PortOf(&at), PortOf(To));
    /* the accepted socket has the listener's family, whatever the client's */
    if (at.si_family == AF_INET)
        CHECK_EQ(IpOf(&at), IpOf(To));
}

TEST(listener_on_the_wildcard, "WSK-BIND-05 WSK-CAT-03")
{
    PWSK_SOCKET s;
    SOCKADDR_INET bound, to;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(s, Wildcard(AF_INET, 0, &bound)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(s, &bound), STATUS_SUCCESS);
    CHECK_EQ(IpOf(&bound), 0);
    Reach(s, AF_INET, Address4(LOOPBACK4, PortOf(&bound), &to));
    if (!TestFailed())
        Reach(s, AF_INET, Address4(0x7f010203, PortOf(&bound), &to));
}

TEST(dual_stack_listener, "WSK-BIND-05 WSK-ADDR-07 D50")
{
    PWSK_SOCKET s;
    SOCKADDR_INET bound, to;

    CHECK_STATUS(OpenListen(AF_INET6, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(TurnOff(s, IPPROTO_IPV6, IPV6_V6ONLY), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(s, Wildcard(AF_INET6, 0, &bound)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(s, &bound), STATUS_SUCCESS);
    Reach(s, AF_INET, Address4(LOOPBACK4, PortOf(&bound), &to));
    if (!TestFailed()) {
        (void)Loopback(AF_INET6, PortOf(&bound), &to);
        Reach(s, AF_INET6, &to);
    }
}

TEST(datagram_on_the_wildcard, "WSK-BIND-06")
{
    static const ULONG addresses[] = { LOOPBACK4, 0x7f000005 };
    PWSK_SOCKET any, peer;
    SOCKADDR_INET bound, to, peer_at, from;
    BUFFER *data = MakePattern(20, 1), *in = MakeBuffer(40);
    SIZE_T n;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &any), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(any, Wildcard(AF_INET, 0, &bound)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(any, &bound), STATUS_SUCCESS);
    CHECK_EQ(IpOf(&bound), 0);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &peer, &peer_at), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(addresses); i++) {
        CHECK_STATUS(SendTo(peer, data, 20, Address4(addresses[i], PortOf(&bound), &to), &n),
                     STATUS_SUCCESS);
        CHECK_STATUS(ReceiveFrom(any, in, 40, &from, &n), STATUS_SUCCESS);
        CHECK_EQ(n, 20);
        CHECK_EQ(PortOf(&from), PortOf(&peer_at));
    }
    /* routing chooses the source: to a loopback address goes a loopback address */
    CHECK_STATUS(SendTo(any, data, 20, &peer_at, &n), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(peer, in, 40, &from, &n), STATUS_SUCCESS);
    CHECK_EQ(IpOf(&from), LOOPBACK4);
    CHECK_EQ(PortOf(&from), PortOf(&bound));
}

TEST(connection_on_the_wildcard, "WSK-BIND-07 WSK-BIND-08")
{
    PWSK_SOCKET listener, c;
    SOCKADDR_INET to, before, after;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &to), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &c), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(c, Wildcard(AF_INET, 0, &before)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(c, &before), STATUS_SUCCESS);
    CHECK_EQ(IpOf(&before), 0);
    CHECK(PortOf(&before) != 0);
    CHECK_STATUS(Connect(c, &to), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(c, &after), STATUS_SUCCESS);
    CHECK_EQ(IpOf(&after), LOOPBACK4);
    CHECK_EQ(PortOf(&after), PortOf(&before));
}

TEST(stream_goes_either_way, "WSK-BIND-10 WSK-CAT-04")
{
    PWSK_SOCKET s, c, accepted;
    SOCKADDR_INET at;
    CALL call;

    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &c), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(c, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(c, &at), STATUS_CONNECTION_REFUSED); /* bound is not listening */
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, STREAM_OF(s)->WskListen(s, irp)), STATUS_SUCCESS);
    CHECK_STATUS(Connect(c, &at), STATUS_SUCCESS);
    CHECK_STATUS(Accept(s, NULL, NULL, &accepted), STATUS_SUCCESS);
}

TESTS(ROW(every_category) ROW(not_a_local_address) ROW(address_of_no_interface)
          ROW(ipv4_address_without_dual_stack) ROW(second_bind) ROW(port_in_use)
              ROW(port_free_after_close) ROW(listener_restarts_in_time_wait)
                  ROW(port_zero_never_conflicts) ROW(lost_socket) ROW(listener_on_the_wildcard)
                      ROW(dual_stack_listener) ROW(datagram_on_the_wildcard)
                          ROW(connection_on_the_wildcard) ROW(stream_goes_either_way))
