/*
 * netns_routes.c: networks that cannot be reached. run.sh runs it in a network namespace of its
 * own, where there is loopback, no other route but an "unreachable" and a "prohibit" one, and an
 * address that comes and goes.
 */
#include "objects.h"

#define NO_ROUTE    0xc0000201u /* 192.0.2.1 */
#define UNREACHABLE 0xc6336401u /* 198.51.100.1 */
#define PROHIBITED  0xcb007101u /* 203.0.113.1 */

static const struct {
    ULONG Address;
    NTSTATUS Status;
} Places[] = { { NO_ROUTE, STATUS_NETWORK_UNREACHABLE },
               { UNREACHABLE, STATUS_HOST_UNREACHABLE },
               { PROHIBITED, STATUS_ACCESS_DENIED } };

TEST(datagrams, "WSK-STO-01 D33")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at, to;
    BUFFER *data = MakePattern(10, 1);

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(s, Wildcard(AF_INET, 0, &at)), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Places); i++)
        CHECK_STATUS(SendTo(s, data, 10, Address4(Places[i].Address, 9, &to), NULL),
                     Places[i].Status);
}

TEST(connections, "WSK-CONN-02 WSK-SCON-03 D33")
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Places); i++) {
        PWSK_SOCKET c;
        SOCKADDR_INET at, to;
        CALL call;
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &c), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(c, Wildcard(AF_INET, 0, &at)), STATUS_SUCCESS);
        CHECK_STATUS(Connect(c, Address4(Places[i].Address, 9, &to)), Places[i].Status);
        PIRP irp = CallBeginSocket(&call);
        CHECK_STATUS(CallEnd(&call, Wsk->WskSocketConnect(Client, SOCK_STREAM, IPPROTO_TCP,
                                                          Wildcard(AF_INET, 0, &at), (PSOCKADDR)&to,
                                                          0, NULL, NULL, NULL, NULL, NULL, irp)),
                     Places[i].Status);
        CHECK_EQ(call.Information, 0);
    }
}

TEST(routes, "WSK-IOCTL-01 D33")
{
    PWSK_SOCKET s;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Places); i++) {
        SOCKADDR_INET to, from;
        CHECK_STATUS(Ioctl(s, SIO_ROUTING_INTERFACE_QUERY,
                           (PVOID)Address4(Places[i].Address, 9, &to), sizeof(to), &from,
                           sizeof(from), NULL),
                     Places[i].Status);
    }
}

/* No name server can be reached. */
TEST(names, "WSK-NAME-04 WSK-NAME-05 WSK-NAME-14 D66")
{
    UNICODE_STRING node = RTL_CONSTANT_STRING(L"nowhere.example"), expected;
    WCHAR text[64];
    UNICODE_STRING out = { 0, sizeof(text), text };
    SOCKADDR_INET address;
    PADDRINFOEXW list;
    CALL call;

    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, NS_ALL, NULL, NULL,
                                                       &list, NULL, NULL, irp)),
                 STATUS_IO_TIMEOUT);
    CHECK_EQ(call.Information, (ULONG_PTR)STATUS_IO_TIMEOUT);
    CHECK(list == NULL);
    (void)Address4(UNREACHABLE, 80, &address);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)&address, 16, &out, NULL,
                                                    NI_NAMEREQD, NULL, NULL, irp)),
                 STATUS_IO_TIMEOUT);
    CHECK_EQ(call.Information, (ULONG_PTR)STATUS_IO_TIMEOUT);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)&address, 16, &out, NULL, 0,
                                                    NULL, NULL, irp)),
                 STATUS_SUCCESS);
    RtlInitUnicodeString(&expected, L"198.51.100.1");
    CHECK(RtlEqualUnicodeString(&out, &expected, FALSE));
}

/* The address that comes and goes is an IPv4 one. */
TEST(address_list_changes, "WSK-IOCTL-14 IOCTL/SIO_ADDRESS_LIST_CHANGE D74")
{
    PWSK_SOCKET four, six;
    CALL change, other;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &four), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &six), STATUS_SUCCESS);
    PIRP irp = CallBegin(&other);
    CallStarted(&other, BASIC_OF(six)->WskControlSocket(six, WskIoctl, SIO_ADDRESS_LIST_CHANGE, 0,
                                                        0, NULL, 0, NULL, NULL, irp));
    CHECK_STATUS(other.Returned, STATUS_PENDING);
    for (ULONG i = 0; i < 2; i++) {
        irp = CallBegin(&change);
        CallStarted(&change,
                    BASIC_OF(four)->WskControlSocket(four, WskIoctl, SIO_ADDRESS_LIST_CHANGE, 0, 0,
                                                     NULL, 0, NULL, NULL, irp));
        CHECK_STATUS(change.Returned, STATUS_PENDING);
        CHECK_STATUS(CallFinish(&change), STATUS_SUCCESS);
        CHECK_EQ(change.Information, 0);
    }
    CHECK(!CallIsDone(&other));
    CHECK_STATUS(Close(six), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&other), STATUS_CANCELLED);
}

TEST(multicast_v6, "IPV6_ADD_MEMBERSHIP IPV6_DROP_MEMBERSHIP IPV6_MULTICAST_IF "
                   "IPV6_MULTICAST_LOOP WSK-RFROM-07")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt, group;
    BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;
    IPV6_MREQ request;
    ULONG many = 77; /* an interface that leads nowhere */

    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(a, Wildcard(AF_INET6, 0, &at)), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(b, Wildcard(AF_INET6, 0, &bt)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(b, &bt), STATUS_SUCCESS);
    RtlZeroMemory(&request, sizeof(request));
    ((PUCHAR)&request.ipv6mr_multiaddr)[0] = 0xff;
    ((PUCHAR)&request.ipv6mr_multiaddr)[1] = 0x05; /* site-local */
    ((PUCHAR)&request.ipv6mr_multiaddr)[15] = 0x42;
    request.ipv6mr_interface = many;
    (void)Wildcard(AF_INET6, PortOf(&bt), &group);
    RtlCopyMemory(&group.Ipv6.sin6_addr, &request.ipv6mr_multiaddr, 16);
    CHECK_STATUS(SetOption(a, IPPROTO_IPV6, IPV6_MULTICAST_IF, &many, sizeof(many)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 30, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 30);
    CHECK_EQ(arrival.Flags, MSG_MCAST);
    CHECK_STATUS(TurnOff(a, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 20, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(a, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &request, sizeof(request)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 21, &group, NULL), STATUS_SUCCESS);
    (void)Loopback(AF_INET6, PortOf(&bt), &group);
    CHECK_STATUS(SendTo(a, out, 10, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 10);
    CHECK_EQ(arrival.Flags, 0);
}

TESTS(ROW(datagrams) ROW(connections) ROW(routes) ROW(names) ROW(address_list_changes)
          ROW(multicast_v6))
