/* basics.c: registration, creation of every category, and bytes both ways. */
#include "conformance.h"

TEST(create_every_category, "WSK-SOCK-01 WSK-SOCK-04 WSK-CAT-07 WSK-CAT-08")
{
    static const struct {
        USHORT Type;
        ULONG Protocol, Flags;
    } kinds[] = { { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET },
                  { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET },
                  { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET } };
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < RTL_NUMBER_OF(families); f++) {
        for (ULONG k = 0; k < RTL_NUMBER_OF(kinds); k++) {
            PWSK_SOCKET s;
            CHECK_STATUS(
                Open(families[f], kinds[k].Type, kinds[k].Protocol, kinds[k].Flags, NULL, NULL, &s),
                STATUS_SUCCESS);
            CHECK(s->Dispatch != NULL);
            CHECK_STATUS(Close(s), STATUS_SUCCESS);
        }
    }
}

static void EchoOver(ADDRESS_FAMILY Family)
{
    PAIR pair;
    BUFFER *out = MakePattern(100000, 1), *in = MakeBuffer(100000);
    SIZE_T sent, got;

    CHECK_STATUS(MakePair(Family, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, out->Size, 0, &sent), STATUS_SUCCESS);
    CHECK_EQ(sent, out->Size);
    CHECK_STATUS(ReceiveAll(pair.Server, in, in->Size), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, in->Size, 1, 0));
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, in->Size, 0, &got), STATUS_SUCCESS);
    CHECK_EQ(got, 0);
}

TEST(tcp_v4, "WSK-SEND-01 WSK-SEND-03 WSK-RECV-01 WSK-ACC-01 WSK-CONN-01 WSK-DISC-01 D32")
{
    EchoOver(AF_INET);
}

TEST(tcp_v6, "WSK-SEND-01 WSK-RECV-01 WSK-SOCK-21")
{
    EchoOver(AF_INET6);
}

TEST(udp_both_families, "WSK-STO-01 WSK-RFROM-01 WSK-RFROM-04")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < RTL_NUMBER_OF(families); f++) {
        PWSK_SOCKET a, b;
        SOCKADDR_INET at, bt, from;
        BUFFER *out = MakePattern(1200, 7), *in = MakeBuffer(2000);
        SIZE_T n;
        CHECK_STATUS(OpenDatagram(families[f], NULL, NULL, &a), STATUS_SUCCESS);
        CHECK_STATUS(OpenDatagram(families[f], NULL, NULL, &b), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(a, families[f], &at), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(b, families[f], &bt), STATUS_SUCCESS);
        CHECK_STATUS(SendTo(a, out, 1200, &bt, &n), STATUS_SUCCESS);
        CHECK_EQ(n, 1200);
        CHECK_STATUS(ReceiveFrom(b, in, 2000, &from, &n), STATUS_SUCCESS);
        CHECK_EQ(n, 1200);
        CHECK(IsPattern(in->Data, 1200, 7, 0));
        CHECK_EQ(PortOf(&from), PortOf(&at));
    }
}

TESTS(ROW(create_every_category) ROW(tcp_v4) ROW(tcp_v6) ROW(udp_both_families))
