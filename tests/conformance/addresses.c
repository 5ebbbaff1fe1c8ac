/* addresses.c: WskGetLocalAddress and WskGetRemoteAddress. */
#include "conformance.h"

typedef union _ROOM {
    SOCKADDR_INET Address;
    UCHAR Bytes[64];
} ROOM;

static NTSTATUS Local(PWSK_SOCKET Socket, ROOM *Out)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    RtlFillMemory(Out, sizeof(*Out), 0xee);
    NTSTATUS status =
        CallEnd(&call, CONNECTION_OF(Socket)->WskGetLocalAddress(Socket, (PSOCKADDR)Out, irp));
    if (call.Information != 0)
        TestFail(__FILE__, __LINE__, "Information is not 0 (D06)");
    return status;
}

static NTSTATUS Remote(PWSK_SOCKET Socket, ROOM *Out)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    RtlFillMemory(Out, sizeof(*Out), 0xee);
    NTSTATUS status =
        CallEnd(&call, CONNECTION_OF(Socket)->WskGetRemoteAddress(Socket, (PSOCKADDR)Out, irp));
    if (call.Information != 0)
        TestFail(__FILE__, __LINE__, "Information is not 0 (D06)");
    return status;
}

static BOOLEAN IsExactly(const ROOM *Room, const SOCKADDR_INET *Expected)
{
    SIZE_T size = Expected->si_family == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6);

    return RtlCompareMemory(Room, Expected, size) == size && Room->Bytes[size] == 0xee;
}

TEST(bound, "WSK-ADDR-01 WSK-ADDR-08 D76 D03")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < 2; f++) {
        PWSK_SOCKET s;
        ROOM room;
        SOCKADDR_INET expected, again;
        CHECK_STATUS(OpenConnection(families[f], NULL, NULL, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(s, families[f], &again), STATUS_SUCCESS);
        CHECK_STATUS(Local(s, &room), STATUS_SUCCESS);
        USHORT port = PortOf(&room.Address);
        CHECK(port != 0);
        Loopback(families[f], port, &expected); /* sin_zero and the rest are zero */
        CHECK(IsExactly(&room, &expected));
        /* Bound to the wildcard: the address is none yet, the port is there. */
        CHECK_STATUS(OpenConnection(families[f], NULL, NULL, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(s, Wildcard(families[f], 0, &again)), STATUS_SUCCESS);
        CHECK_STATUS(Local(s, &room), STATUS_SUCCESS);
        CHECK(PortOf(&room.Address) != 0);
        Wildcard(families[f], PortOf(&room.Address), &expected);
        CHECK(IsExactly(&room, &expected));
    }
}

TEST(every_category, "WSK-ADDR-01 WSK-ADDR-02")
{
    PWSK_SOCKET s[4];
    SOCKADDR_INET address, bound;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &s[0]), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s[1]), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s[2]), STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &s[3]), STATUS_SUCCESS);
    for (ULONG i = 0; i < 4; i++) {
        CHECK_STATUS(LocalAddressOf(s[i], &address), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(BindLoopback(s[i], AF_INET, &bound), STATUS_SUCCESS);
        CHECK_STATUS(LocalAddressOf(s[i], &address), STATUS_SUCCESS);
        CHECK_EQ(address.si_family, AF_INET);
        CHECK(PortOf(&address) != 0);
    }
}

TEST(not_there_yet, "WSK-ADDR-02 WSK-ADDR-06")
{
    PWSK_SOCKET s;
    ROOM room;

    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(Local(s, &room), STATUS_INVALID_DEVICE_STATE);
    CHECK_EQ(room.Bytes[0], 0xee); /* nothing was written */
    CHECK_STATUS(Remote(s, &room), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Remote(s, &room), STATUS_INVALID_DEVICE_STATE);
    CHECK_EQ(room.Bytes[0], 0xee);
}

TEST(connected, "WSK-ADDR-03 WSK-ADDR-05 WSK-ADDR-07 D76")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < 2; f++) {
        PAIR pair;
        ROOM a, b;
        CHECK_STATUS(MakePair(families[f], NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
        CHECK_STATUS(Remote(pair.Client, &a), STATUS_SUCCESS);
        CHECK(IsExactly(&a, &pair.Address));
        CHECK_STATUS(Local(pair.Server, &b), STATUS_SUCCESS);
        CHECK(IsExactly(&b, &pair.Address));
        CHECK_STATUS(Local(pair.Client, &a), STATUS_SUCCESS);
        CHECK_STATUS(Remote(pair.Server, &b), STATUS_SUCCESS);
        CHECK(IsExactly(&b, &a.Address));
        CHECK_EQ(b.Address.si_family, families[f]);
    }
}

TEST(after_the_end, "WSK-ADDR-01 WSK-ADDR-05")
{
    PAIR pair;
    ROOM room;
    BUFFER *in = MakeBuffer(10);
    SIZE_T n;

    /* A disconnected socket is still a connected one to these. */
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, &n), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    CHECK_STATUS(Remote(pair.Client, &room), STATUS_SUCCESS);
    CHECK(IsExactly(&room, &pair.Address));
    CHECK_STATUS(Local(pair.Server, &room), STATUS_SUCCESS);
    CHECK(IsExactly(&room, &pair.Address));
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(Remote(pair.Client, &room), STATUS_SUCCESS);
    CHECK(IsExactly(&room, &pair.Address));
    CHECK_STATUS(Local(pair.Client, &room), STATUS_SUCCESS);
    CHECK(PortOf(&room.Address) != 0);
}

TEST(mapped_peer, "WSK-ADDR-07 D50")
{
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET any, to, from;
    ROOM room;
    ULONG off = 0;

    CHECK_STATUS(OpenListen(AF_INET6, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(listener, Wildcard(AF_INET6, 0, &any)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(listener, &any), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, &from), STATUS_SUCCESS);
    Loopback(AF_INET, PortOf(&any), &to);
    CHECK_STATUS(Connect(client, &to), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Remote(accepted, &room), STATUS_SUCCESS);
    CHECK_EQ(room.Address.si_family, AF_INET6); /* the listener's family */
    CHECK_EQ(PortOf(&room.Address), PortOf(&from));
    CHECK_EQ(room.Address.Ipv6.sin6_addr.u.Byte[10], 0xff);
    CHECK_EQ(room.Address.Ipv6.sin6_addr.u.Byte[12], 127);
    CHECK_STATUS(Local(accepted, &room), STATUS_SUCCESS);
    CHECK_EQ(room.Address.si_family, AF_INET6);
    CHECK_EQ(room.Address.Ipv6.sin6_addr.u.Byte[15], 1);
}

TEST(dead_socket, "WSK-ADDR-04 D62")
{
    PAIR pair;
    ROOM room;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    if (!NT_SUCCESS(LoseSocket(pair.Client))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK_STATUS(Local(pair.Client, &room), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Remote(pair.Client, &room), STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(room.Bytes[0], 0xee);
}

TESTS(ROW(bound) ROW(every_category) ROW(not_there_yet) ROW(connected) ROW(after_the_end)
          ROW(mapped_peer) ROW(dead_socket))
