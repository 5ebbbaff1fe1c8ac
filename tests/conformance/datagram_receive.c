/* datagram_receive.c: WskReceiveFrom. */
#include "objects.h"

static const ADDRESS_FAMILY Families[] = { AF_INET, AF_INET6 };

TEST(waiting_datagrams, "WSK-RFROM-01 WSK-RFROM-04 WSK-RFROM-07 WSK-SOCK-21 D76")
{
    for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++) {
        PWSK_SOCKET a, b;
        SOCKADDR_INET at, bt;
        BUFFER *in = MakeBuffer(500);
        static ARRIVAL arrival;
        SIZE_T size = Families[f] == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6);
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &a, &at), STATUS_SUCCESS);
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &b, &bt), STATUS_SUCCESS);
        for (ULONG i = 0; i < 10; i++)
            CHECK_STATUS(SendTo(a, MakePattern(100 + i, i), 100 + i, &bt, NULL), STATUS_SUCCESS);
        for (ULONG i = 0; i < 10; i++) {
            RtlFillMemory(in->Data, 500, 0xee);
            CHECK_STATUS(ReceiveWith(&arrival, b, in, 500), STATUS_SUCCESS);
            CHECK_EQ(arrival.Bytes, 100 + i);
            CHECK(IsPattern(in->Data, 100 + i, i, 0));
            CHECK_EQ(in->Data[100 + i], 0xee);
            CHECK_EQ(arrival.Flags, 0);
            CHECK(RtlEqualMemory(&arrival.From, &at, size));
            /* no byte of the address is written beyond what the family has */
            for (SIZE_T k = size; k < sizeof(arrival.From); k++)
                CHECK_EQ(((PUCHAR)&arrival.From)[k], 0);
        }
    }
}

TEST(pends_until_one_comes, "WSK-RFROM-02 D02 D30")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    BUFFER *in[4];
    static ARRIVAL arrivals[4];

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    for (ULONG i = 0; i < 4; i++) {
        in[i] = MakeBuffer(64);
        CHECK_STATUS(StartReceiveFrom(&arrivals[i], b, in[i], 64), STATUS_PENDING);
    }
    for (ULONG i = 0; i < 4; i++) {
        CHECK(!CallIsDone(&arrivals[i].Call));
        CHECK_STATUS(SendTo(a, MakePattern(40 + i, i), 40 + i, &bt, NULL), STATUS_SUCCESS);
        CHECK_STATUS(FinishReceiveFrom(&arrivals[i]), STATUS_SUCCESS);
        CHECK_EQ(arrivals[i].Bytes, 40 + i);
        CHECK(IsPattern(in[i]->Data, 40 + i, i, 0));
        CHECK_EQ(arrivals[i].Flags, 0);
        CHECK_EQ(PortOf(&arrivals[i].From), PortOf(&at));
    }
}

TEST(outputs_left_out, "WSK-RFROM-04 WSK-RFROM-06 WSK-RFROM-07")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(20);
    ULONG flags = FLAGS_UNTOUCHED, length;
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(a, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 4; i++)
        CHECK_STATUS(SendTo(a, out, 10, &at, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, DATAGRAM_OF(a)->WskReceiveFrom(a, &in->Buf, 0, NULL, NULL, NULL, NULL, irp)),
        STATUS_SUCCESS);
    CHECK_EQ(call.Information, 10);
    /* no place for control data: nothing is cut off */
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, DATAGRAM_OF(a)->WskReceiveFrom(a, &in->Buf, 0, NULL, NULL, NULL,
                                                               &flags, irp)),
                 STATUS_SUCCESS);
    CHECK_EQ(flags, 0);
    /* a length without a buffer: all of it is */
    length = 0;
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, DATAGRAM_OF(a)->WskReceiveFrom(a, &in->Buf, 0, NULL, &length, NULL,
                                                               &flags, irp)),
                 STATUS_SUCCESS);
    CHECK_EQ(length, 0);
    CHECK_EQ(flags, MSG_CTRUNC);
}

TEST(no_control_data, "WSK-RFROM-05")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(20);
    static ARRIVAL arrival;

    CHECK_STATUS(OpenBound(AF_INET6, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 10, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, a, in, 20), STATUS_SUCCESS);
    CHECK_EQ(arrival.Control.Used, 0);
    CHECK_EQ(arrival.Flags, 0);
}

/* The excess is lost, whether the datagram waits for the call or the call for the datagram. */
TEST(too_long_for_the_buffer, "WSK-RFROM-08 WSK-BUF-03 D45")
{
    static const SIZE_T sizes[] = { 0, 1, 60, 99 };
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(100, 7), *in = MakeBuffer(100);
    static ARRIVAL arrival;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2 * RTL_NUMBER_OF(sizes); i++) {
        SIZE_T size = sizes[i / 2];
        RtlFillMemory(in->Data, 100, 0xee);
        if (i % 2)
            CHECK_STATUS(StartReceiveFrom(&arrival, a, in, size), STATUS_PENDING);
        CHECK_STATUS(SendTo(a, out, 100, &at, NULL), STATUS_SUCCESS);
        if (!(i % 2))
            (void)StartReceiveFrom(&arrival, a, in, size);
        CHECK_STATUS(FinishReceiveFrom(&arrival), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, size);
        CHECK_EQ(arrival.Flags, MSG_TRUNC);
        CHECK(IsPattern(in->Data, size, 7, 0));
        CHECK_EQ(in->Data[size], 0xee);
    }
    /* exactly fitting is not truncated */
    CHECK_STATUS(SendTo(a, out, 100, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, a, in, 100), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 100);
    CHECK_EQ(arrival.Flags, 0);
}

TEST(chain_of_mdls, "WSK-BUF-01 WSK-BUF-09 WSK-RFROM-01")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(150, 7), *first = MakeBuffer(100), *second = MakeBuffer(200);
    CALL call;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 150, &at, NULL), STATUS_SUCCESS);
    first->Buf.Mdl->Next = second->Buf.Mdl;
    WSK_BUF buf = { first->Buf.Mdl, 80, 200 };
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(a)->WskReceiveFrom(a, &buf, 0, NULL, NULL, NULL, NULL, irp));
    CHECK(first->Buf.Mdl->Next == second->Buf.Mdl);
    first->Buf.Mdl->Next = NULL;
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(call.Information, 150);
    CHECK(IsPattern(first->Data + 80, 20, 7, 0));
    CHECK(IsPattern(second->Data, 130, 7, 20));
    CHECK_EQ(first->Data[79], 0);
    CHECK_EQ(second->Data[130], 0);
}

/* An empty datagram is a datagram; it is not the end of anything. */
TEST(empty_datagram, "D46 WSK-RFROM-01")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(5, 1), *in = MakeBuffer(20);
    static ARRIVAL arrival;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        if (i == 1)
            CHECK_STATUS(StartReceiveFrom(&arrival, a, in, 20), STATUS_PENDING);
        CHECK_STATUS(SendTo(a, out, 0, &at, NULL), STATUS_SUCCESS);
        if (i == 0)
            (void)StartReceiveFrom(&arrival, a, in, 20);
        CHECK_STATUS(FinishReceiveFrom(&arrival), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, 0);
        CHECK_EQ(arrival.Flags, 0);
        CHECK_EQ(PortOf(&arrival.From), PortOf(&at));
    }
    CHECK_STATUS(SendTo(a, out, 5, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, a, in, 20), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 5);
}

TEST(only_from_the_fixed_remote, "WSK-RFROM-10 WSK-IOCTL-02 WSK-IOCTL-03 WSK-IOCTL-04")
{
    PWSK_SOCKET a, friend, stranger;
    SOCKADDR_INET at, friend_at, stranger_at;
    BUFFER *out = MakePattern(50, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &friend, &friend_at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &stranger, &stranger_at), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(a, SIO_WSK_SET_REMOTE_ADDRESS, &friend_at, sizeof(friend_at), NULL, 0, NULL),
                 STATUS_SUCCESS);
    /* also while a receive waits, and also in answer to an own datagram */
    for (ULONG i = 0; i < 2; i++) {
        if (i == 1)
            CHECK_STATUS(StartReceiveFrom(&arrival, a, in, 60), STATUS_PENDING);
        CHECK_STATUS(SendTo(a, out, 10, &stranger_at, NULL), STATUS_SUCCESS);
        CHECK_STATUS(SendTo(stranger, out, 20, &at, NULL), STATUS_SUCCESS);
        CHECK_STATUS(SendTo(friend, out, 30, &at, NULL), STATUS_SUCCESS);
        if (i == 0)
            (void)StartReceiveFrom(&arrival, a, in, 60);
        CHECK_STATUS(FinishReceiveFrom(&arrival), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, 30);
        CHECK_EQ(PortOf(&arrival.From), PortOf(&friend_at));
    }
    CHECK_STATUS(Ioctl(a, SIO_WSK_SET_REMOTE_ADDRESS, NULL, 0, NULL, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(stranger, out, 20, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, a, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 20);
}

TEST(lost_socket, "WSK-RFROM-03 D62")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 10, &at, NULL), STATUS_SUCCESS); /* even with data waiting */
    if (LoseSocket(a) == STATUS_NOT_SUPPORTED) {
        TestSkip("no way to lose a socket on demand");
        return;
    }
    CHECK_STATUS(ReceiveWith(&arrival, a, in, 60), STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(arrival.Bytes, 0);
    CHECK_EQ(arrival.Flags, FLAGS_UNTOUCHED);
}

TEST(cancelled, "D08 D09")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(60);
    static ARRIVAL first, second;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(StartReceiveFrom(&first, a, in, 60), STATUS_PENDING);
    CHECK_STATUS(StartReceiveFrom(&second, a, in, 60), STATUS_PENDING);
    CHECK(IoCancelIrp(first.Call.Irp));
    CHECK_STATUS(FinishReceiveFrom(&first), STATUS_CANCELLED);
    CHECK_EQ(first.Bytes, 0);
    CHECK_EQ(first.Flags, FLAGS_UNTOUCHED);
    CHECK(!CallIsDone(&second.Call));
    CHECK_STATUS(SendTo(a, out, 10, &at, NULL), STATUS_SUCCESS); /* nothing was lost with it */
    CHECK_STATUS(FinishReceiveFrom(&second), STATUS_SUCCESS);
    CHECK_EQ(second.Bytes, 10);
}

TEST(closed, "WSK-CLOSE-02 D10")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *in = MakeBuffer(60);
    static ARRIVAL waiting[3];

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS(StartReceiveFrom(&waiting[i], a, in, 60), STATUS_PENDING);
    CHECK_STATUS(Close(a), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        CHECK(CallIsDone(&waiting[i].Call)); /* before the close completed */
        CHECK_STATUS(FinishReceiveFrom(&waiting[i]), STATUS_CANCELLED);
    }
}

TEST(at_dispatch_level, "WSK-IRQL-01")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;
    KIRQL old;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = StartReceiveFrom(&arrival, a, in, 60);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_PENDING);
    CHECK_STATUS(SendTo(a, out, 10, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(FinishReceiveFrom(&arrival), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 10);
}

/* ---- multicast --------------------------------------------------------------------------- */

#define GROUP4 0xefff0142u /* 239.255.1.66 */

TEST(multicast, "WSK-RFROM-07 IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP IP_MULTICAST_IF")
{
    PWSK_SOCKET a, b, other;
    SOCKADDR_INET at, bt, group;
    BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;
    ULONG request[2] = { RtlUlongByteSwap(GROUP4), RtlUlongByteSwap(LOOPBACK4) };

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(b, Wildcard(AF_INET, 0, &bt)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(b, &bt), STATUS_SUCCESS);
    (void)Address4(GROUP4, PortOf(&bt), &group);
    CHECK_STATUS(SetOption(a, IPPROTO_IP, IP_MULTICAST_IF, &request[1], sizeof(ULONG)),
                 STATUS_SUCCESS);
    /* that somebody else is a member all the time is of no concern to the others */
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &other), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(other, Wildcard(AF_INET, 0, &at)), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(other, IPPROTO_IP, IP_ADD_MEMBERSHIP, request, sizeof(request)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, request, sizeof(request)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 30, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 30);
    CHECK_EQ(arrival.Flags, MSG_MCAST);
    /* no member any more: only the last, plain datagram arrives */
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_DROP_MEMBERSHIP, request, sizeof(request)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 21, &group, NULL), STATUS_SUCCESS);
    (void)Loopback(AF_INET, PortOf(&bt), &group);
    CHECK_STATUS(SendTo(a, out, 10, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 10);
    CHECK_EQ(arrival.Flags, 0);
}

TEST(multicast_by_source, "IP_ADD_SOURCE_MEMBERSHIP IP_DROP_SOURCE_MEMBERSHIP IP_BLOCK_SOURCE "
                          "IP_UNBLOCK_SOURCE")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt, group, to;
    BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;
    ULONG loopback = RtlUlongByteSwap(LOOPBACK4), other = RtlUlongByteSwap(0x7f000009);
    ULONG wrong[3] = { RtlUlongByteSwap(GROUP4), other, loopback };
    ULONG right[3] = { RtlUlongByteSwap(GROUP4), loopback, loopback };
    ULONG any[2] = { RtlUlongByteSwap(GROUP4), loopback };

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(a, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback)),
                 STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(b, Wildcard(AF_INET, 0, &bt)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(b, &bt), STATUS_SUCCESS);
    (void)Address4(GROUP4, PortOf(&bt), &group);
    (void)Loopback(AF_INET, PortOf(&bt), &to);
    /* a member for another source only */
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, wrong, sizeof(wrong)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 11, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, right, sizeof(right)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 12, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 12);
    CHECK_EQ(arrival.Flags, MSG_MCAST);
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, right, sizeof(right)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, wrong, sizeof(wrong)),
                 STATUS_SUCCESS);
    /* a member for all sources but a blocked one */
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, any, sizeof(any)), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_BLOCK_SOURCE, right, sizeof(right)), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 13, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IP, IP_UNBLOCK_SOURCE, right, sizeof(right)), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 14, &group, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 14);
}

/* Broadcasts can be turned away. */
TEST(broadcast_unwanted, "IP_RECEIVE_BROADCAST WSK-RFROM-07")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt, all, to;
    BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;
    ULONG value = 77;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(a, SOL_SOCKET, SO_BROADCAST), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(b, Wildcard(AF_INET, 0, &bt)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(b, &bt), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(b, IPPROTO_IP, IP_RECEIVE_BROADCAST, &value, sizeof(value), NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 1);
    (void)Address4(0x7fffffff, PortOf(&bt), &all);
    (void)Loopback(AF_INET, PortOf(&bt), &to);
    CHECK_STATUS(TurnOff(b, IPPROTO_IP, IP_RECEIVE_BROADCAST), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 30, &all, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 10, &to, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 10);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_RECEIVE_BROADCAST), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 30, &all, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 30);
    CHECK_EQ(arrival.Flags, MSG_BCAST);
}

TESTS(ROW(waiting_datagrams) ROW(pends_until_one_comes) ROW(outputs_left_out) ROW(no_control_data)
          ROW(too_long_for_the_buffer) ROW(chain_of_mdls) ROW(empty_datagram)
              ROW(only_from_the_fixed_remote) ROW(lost_socket) ROW(cancelled) ROW(closed)
                  ROW(at_dispatch_level) ROW(multicast) ROW(multicast_by_source)
                      ROW(broadcast_unwanted))
