/* raw.c: raw sockets, where the process may open them. */
#include "objects.h"

#define PROTOCOL 253 /* set aside for experiments (RFC 3692) */

static NTSTATUS OpenRaw(ADDRESS_FAMILY Family, ULONG Protocol, ULONG Flags, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_RAW, Protocol, Flags, NULL, NULL, Socket);
}

/* FALSE: no privilege; then the decided status was seen and the test is over. */
static BOOLEAN MayOpen(void)
{
    PWSK_SOCKET s;
    NTSTATUS status = OpenRaw(AF_INET, PROTOCOL, WSK_FLAG_DATAGRAM_SOCKET, &s);

    if (status == STATUS_SUCCESS)
        return TRUE;
    if (status == STATUS_ACCESS_DENIED)
        TestSkip("this process may not open raw sockets");
    else
        TestFail(__FILE__, __LINE__, "a raw socket: 0x%08x", status);
    return FALSE;
}

TEST(categories, "WSK-CAT-07 WSK-CAT-08 D40")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };
    PWSK_SOCKET s, udp;

    if (!MayOpen())
        return;
    for (ULONG f = 0; f < RTL_NUMBER_OF(families); f++) {
        ULONG value = 0;
        CHECK_STATUS(OpenRaw(families[f], PROTOCOL, WSK_FLAG_DATAGRAM_SOCKET, &s), STATUS_SUCCESS);
        CHECK_STATUS(OpenDatagram(families[f], NULL, NULL, &udp), STATUS_SUCCESS);
        CHECK(s->Dispatch == udp->Dispatch);
        CHECK_STATUS(GetOption(s, SOL_SOCKET, SO_TYPE, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, SOCK_RAW);
        CHECK_STATUS(OpenRaw(families[f], PROTOCOL, WSK_FLAG_BASIC_SOCKET, &s), STATUS_SUCCESS);
        CHECK_STATUS(OpenRaw(families[f], families[f] == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6,
                             WSK_FLAG_DATAGRAM_SOCKET, &s),
                     STATUS_SUCCESS);
    }
}

TEST(wrong_category, "WSK-CAT-07 WSK-SOCK-12 D40")
{
    static const ULONG flags[] = { WSK_FLAG_LISTEN_SOCKET, WSK_FLAG_CONNECTION_SOCKET,
                                   WSK_FLAG_STREAM_SOCKET };
    PWSK_SOCKET s;

    for (ULONG i = 0; i < RTL_NUMBER_OF(flags); i++)
        CHECK_STATUS(OpenRaw(AF_INET, PROTOCOL, flags[i], &s), STATUS_NOT_SUPPORTED);
}

/* IPv4 brings the header along, IPv6 does not; there are no ports. */
TEST(packets, "WSK-STO-01 WSK-RFROM-01 WSK-RFROM-04 WSK-CAT-07")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    if (!MayOpen())
        return;
    for (ULONG f = 0; f < RTL_NUMBER_OF(families); f++) {
        PWSK_SOCKET a, b;
        SOCKADDR_INET at, to;
        BUFFER *out = MakePattern(64, 3), *in = MakeBuffer(200);
        SIZE_T header = families[f] == AF_INET ? 20 : 0, n;
        static ARRIVAL arrival;
        CHECK_STATUS(OpenRaw(families[f], PROTOCOL, WSK_FLAG_DATAGRAM_SOCKET, &a), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(a, Loopback(families[f], 0, &at)), STATUS_SUCCESS);
        CHECK_STATUS(OpenRaw(families[f], PROTOCOL, WSK_FLAG_DATAGRAM_SOCKET, &b), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(b, Loopback(families[f], 0, &at)), STATUS_SUCCESS);
        CHECK_STATUS(SendTo(a, out, 64, (SOCKADDR_INET *)Loopback(families[f], 0, &to), &n),
                     STATUS_SUCCESS);
        CHECK_EQ(n, 64);
        CHECK_STATUS(ReceiveWith(&arrival, b, in, 200), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, header + 64);
        CHECK(IsPattern(in->Data + header, 64, 3, 0));
        CHECK_EQ(arrival.From.si_family, families[f]);
        if (header)
            CHECK_EQ(in->Data[9], PROTOCOL);
        CHECK_STATUS(Close(a), STATUS_SUCCESS);
        CHECK_STATUS(Close(b), STATUS_SUCCESS);
    }
}

/* The process may open what the list of transports offers. */
TEST(offered, "D65 WSK-CTL-08")
{
    WSK_TRANSPORT list[16];
    SIZE_T size = 0;
    BOOLEAN found = FALSE;

    if (!MayOpen())
        return;
    CHECK_STATUS(Wsk->WskControlClient(Client, WSK_TRANSPORT_LIST_QUERY, 0, NULL, sizeof(list),
                                       list, &size, NULL),
                 STATUS_SUCCESS);
    for (SIZE_T i = 0; i < size / sizeof(list[0]); i++) {
        PWSK_SOCKET s;
        if (list[i].SocketType != SOCK_RAW)
            continue;
        found = TRUE;
        CHECK_STATUS(OpenRaw(list[i].AddressFamily, list[i].Protocol, WSK_FLAG_DATAGRAM_SOCKET, &s),
                     STATUS_SUCCESS);
    }
    CHECK(found);
}

TESTS(ROW(categories) ROW(wrong_category) ROW(packets) ROW(offered))
