/* datagram_send.c: WskSendTo and WskSendMessages, and where they send to. */
#include "objects.h"

#define MOST_V4 65507
#define MOST_V6 65527

static const ADDRESS_FAMILY Families[] = { AF_INET, AF_INET6 };

TEST(every_size, "WSK-STO-01 WSK-STO-02 WSK-RFROM-01 D46 WSK-BUF-02")
{
    static const SIZE_T sizes[] = { 0, 1, 1400, 9000, 40000, MOST_V4 };

    for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++) {
        PWSK_SOCKET a, b;
        SOCKADDR_INET at, bt;
        BUFFER *out = MakePattern(MOST_V6, 5), *in = MakeBuffer(MOST_V6);
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &a, &at), STATUS_SUCCESS);
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &b, &bt), STATUS_SUCCESS);
        for (ULONG i = 0; i < RTL_NUMBER_OF(sizes); i++) {
            SIZE_T size = i + 1 == RTL_NUMBER_OF(sizes) && f == 1 ? MOST_V6 : sizes[i];
            CALL call;
            static ARRIVAL arrival;
            (void)StartSendTo(&call, a, out, size, &bt, NULL);
            CHECK_STATUS(call.Returned, PendsAll ? STATUS_PENDING : STATUS_SUCCESS);
            CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
            CHECK_EQ(call.Information, size);
            CHECK_STATUS(ReceiveWith(&arrival, b, in, in->Size), STATUS_SUCCESS);
            CHECK_EQ(arrival.Bytes, size);
            CHECK(IsPattern(in->Data, size, 5, 0));
            CHECK_EQ(arrival.Flags, 0);
        }
    }
}

TEST(too_large, "WSK-STO-01 WSK-SMSG-03 D33")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(MOST_V4 + 1, 1);
    SIZE_T sent = 77;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, out->Size, &at, &sent), STATUS_INVALID_BUFFER_SIZE);
    CHECK_EQ(sent, 0);
    CHECK_STATUS(SendTo(a, out, MOST_V4, &at, &sent), STATUS_SUCCESS);
}

/* One datagram out of a chain of MDLs, from an offset in the first. */
TEST(chain_of_mdls, "WSK-BUF-01 WSK-BUF-09 WSK-STO-01")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *first = MakePattern(100, 2), *second = MakePattern(200, 3), *in = MakeBuffer(400);
    SIZE_T n;
    CALL call;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    first->Buf.Mdl->Next = second->Buf.Mdl;
    WSK_BUF buf = { first->Buf.Mdl, 30, 220 };
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(a)->WskSendTo(a, &buf, 0, (PSOCKADDR)&at, 0, NULL, irp));
    CHECK(first->Buf.Mdl->Next == second->Buf.Mdl && buf.Mdl == first->Buf.Mdl);
    CHECK_EQ(buf.Offset, 30);
    CHECK_EQ(buf.Length, 220);
    first->Buf.Mdl->Next = NULL;
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(call.Information, 220);
    CHECK_STATUS(ReceiveFrom(a, in, 400, NULL, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 220);
    CHECK(IsPattern(in->Data, 70, 2, 30));
    CHECK(IsPattern(in->Data + 70, 150, 3, 0));
}

/* Only the data has to stay: descriptor, address and control data may go with the call's return. */
TEST(arguments_are_copied, "D27 D28 WSK-STO-12")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt, to;
    BUFFER *out = MakePattern(64, 4), *in = MakeBuffer(64);
    OBJECTS control = { .Used = 0 };
    static ARRIVAL arrival;
    CALL call;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(b, AF_INET, &bt), STATUS_SUCCESS);
    to = bt;
    PutInt(&control, IPPROTO_IP, IP_TTL, 33);
    WSK_BUF buf = { out->Buf.Mdl, 0, 64 };
    PIRP irp = CallBegin(&call);
    CallStarted(&call, DATAGRAM_OF(a)->WskSendTo(a, &buf, 0, (PSOCKADDR)&to, control.Used,
                                                 (PCMSGHDR)control.Bytes, irp));
    RtlFillMemory(&to, sizeof(to), 0xee);
    RtlFillMemory(&control, sizeof(control), 0xee);
    RtlFillMemory(&buf, sizeof(buf), 0xee);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 64), STATUS_SUCCESS);
    const INT *ttl = Find(&arrival.Control, IPPROTO_IP, IP_TTL);
    CHECK(ttl != NULL && *ttl == 33);
}

/* What was reported as sent has left: the sender may go. */
TEST(sent_is_sent, "WSK-STO-08")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    BUFFER *out = MakePattern(500, 6), *in = MakeBuffer(500);
    SIZE_T n;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    for (ULONG i = 0; i < 20; i++) {
        out->Data[0] = (UCHAR)i;
        CHECK_STATUS(SendTo(a, out, 500, &bt, NULL), STATUS_SUCCESS);
    }
    CHECK_STATUS(Close(a), STATUS_SUCCESS);
    RtlFillMemory(out->Data, 500, 0xee);
    for (ULONG i = 0; i < 20; i++) {
        CHECK_STATUS(ReceiveFrom(b, in, 500, NULL, &n), STATUS_SUCCESS);
        CHECK_EQ(n, 500);
        CHECK_EQ(in->Data[0], i);
        CHECK(IsPattern(in->Data + 1, 499, 6, 1));
    }
}

TEST(lost_socket, "WSK-STO-03 WSK-SMSG-03")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(10, 1);
    WSK_BUF_LIST list = { NULL, out->Buf };
    CALL call;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    if (LoseSocket(a) == STATUS_NOT_SUPPORTED) {
        TestSkip("no way to lose a socket on demand");
        return;
    }
    CHECK_STATUS(SendTo(a, out, 10, &at, NULL), STATUS_FILE_FORCED_CLOSED);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, DATAGRAM_OF(a)->WskSendMessages(a, &list, 0, (PSOCKADDR)&at, 0, NULL, irp)),
        STATUS_FILE_FORCED_CLOSED);
}

/* ---- fixed addresses ----------------------------------------------------------------------------
 */

static NTSTATUS Fix(PWSK_SOCKET Socket, ULONG Code, const SOCKADDR_INET *Address)
{
    return Ioctl(Socket, Code, (PVOID)Address, Address ? sizeof(*Address) : 0, NULL, 0, NULL);
}

/* Does a send to `To` (NULL: none given) arrive at `There`? */
static void Arrives(PWSK_SOCKET From, const SOCKADDR_INET *To, PWSK_SOCKET There)
{
    static ULONG seed = 100;
    BUFFER *out = MakePattern(32, ++seed), *in = MakeBuffer(64);
    SIZE_T n;

    CHECK_STATUS(SendTo(From, out, 32, To, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 32);
    CHECK_STATUS(ReceiveFrom(There, in, 64, NULL, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 32);
    CHECK(IsPattern(in->Data, 32, seed, 0));
}

#define ARRIVES(from, to, there)                                                                   \
    do {                                                                                           \
        Arrives(from, to, there);                                                                  \
        if (TestFailed())                                                                          \
            return;                                                                                \
    } while (0)

static void NoDestination(PWSK_SOCKET s)
{
    BUFFER *out = MakePattern(8, 1);
    WSK_BUF_LIST list = { NULL, out->Buf };
    CALL call;

    CHECK_STATUS(SendTo(s, out, 8, NULL, NULL), STATUS_INVALID_PARAMETER);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, DATAGRAM_OF(s)->WskSendMessages(s, &list, 0, NULL, 0, NULL, irp)),
                 STATUS_INVALID_PARAMETER);
}

TEST(no_destination, "WSK-STO-06 WSK-SMSG-04 D44")
{
    for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++) {
        PWSK_SOCKET a;
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &a, NULL), STATUS_SUCCESS);
        NoDestination(a);
        if (TestFailed())
            return;
    }
}

TEST(fixed_remote, "WSK-STO-04 WSK-STO-05 WSK-STO-06 WSK-IOCTL-02 WSK-IOCTL-03 "
                   "IOCTL/SIO_WSK_SET_REMOTE_ADDRESS D52")
{
    for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++) {
        PWSK_SOCKET a, b, c;
        SOCKADDR_INET at, bt, ct;
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &a, &at), STATUS_SUCCESS);
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &b, &bt), STATUS_SUCCESS);
        CHECK_STATUS(OpenBound(Families[f], NULL, NULL, &c, &ct), STATUS_SUCCESS);
        CHECK_STATUS(Fix(a, SIO_WSK_SET_REMOTE_ADDRESS, &bt), STATUS_SUCCESS);
        ARRIVES(a, NULL, b);
        ARRIVES(a, &ct, c); /* for this datagram only */
        ARRIVES(a, NULL, b);
        CHECK_STATUS(Fix(a, SIO_WSK_SET_REMOTE_ADDRESS, &ct), STATUS_SUCCESS);
        ARRIVES(a, NULL, c);
        CHECK_STATUS(Fix(a, SIO_WSK_SET_REMOTE_ADDRESS, NULL), STATUS_SUCCESS);
        NoDestination(a);
        if (TestFailed())
            return;
    }
}

TEST(fixed_destination,
     "WSK-STO-04 WSK-STO-05 WSK-STO-06 WSK-IOCTL-05 IOCTL/SIO_WSK_SET_SENDTO_ADDRESS D52")
{
    PWSK_SOCKET a, b, c;
    SOCKADDR_INET at, bt, ct;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &c, &ct), STATUS_SUCCESS);
    /* 16 bytes are as good as 28, whatever the level */
    CHECK_STATUS(Ioctl(a, SIO_WSK_SET_SENDTO_ADDRESS, &bt, sizeof(SOCKADDR_IN), NULL, 0, NULL),
                 STATUS_SUCCESS);
    ARRIVES(a, NULL, b);
    ARRIVES(a, &ct, c);
    ARRIVES(a, NULL, b);
    ARRIVES(c, &at, a); /* from anywhere */
    CHECK_STATUS(Fix(a, SIO_WSK_SET_SENDTO_ADDRESS, NULL), STATUS_SUCCESS);
    NoDestination(a);
}

TEST(both_fixed, "D51")
{
    PWSK_SOCKET a, b, c;
    SOCKADDR_INET at, bt, ct;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &c, &ct), STATUS_SUCCESS);
    /* the last one set is the destination */
    CHECK_STATUS(Fix(a, SIO_WSK_SET_REMOTE_ADDRESS, &bt), STATUS_SUCCESS);
    CHECK_STATUS(Fix(a, SIO_WSK_SET_SENDTO_ADDRESS, &ct), STATUS_SUCCESS);
    ARRIVES(a, NULL, c);
    CHECK_STATUS(Fix(a, SIO_WSK_SET_REMOTE_ADDRESS, &bt), STATUS_SUCCESS);
    ARRIVES(a, NULL, b);
    /* the fixed remote address filters, whichever came last */
    BUFFER *out = MakePattern(9, 9), *in = MakeBuffer(64);
    SIZE_T n;
    CHECK_STATUS(SendTo(c, out, 9, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(b, out, 8, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(a, in, 64, NULL, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 8);
    /* clearing one falls back to the other */
    CHECK_STATUS(Fix(a, SIO_WSK_SET_REMOTE_ADDRESS, NULL), STATUS_SUCCESS);
    ARRIVES(a, NULL, c);
    ARRIVES(c, &at, a);
    CHECK_STATUS(Fix(a, SIO_WSK_SET_REMOTE_ADDRESS, &bt), STATUS_SUCCESS);
    CHECK_STATUS(Fix(a, SIO_WSK_SET_SENDTO_ADDRESS, NULL), STATUS_SUCCESS);
    ARRIVES(a, NULL, b);
}

/* ---- lists ------------------------------------------------------------------------------- */

TEST(list_of_messages, "WSK-SMSG-01 WSK-SMSG-02 WSK-SMSG-03 D27")
{
    static const ULONG sizes[] = { 100, 0, 1300, 1, 700 };
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    BUFFER *out[RTL_NUMBER_OF(sizes)], *in = MakeBuffer(2000);
    WSK_BUF_LIST list[RTL_NUMBER_OF(sizes)];
    OBJECTS control = { .Used = 0 };
    ULONG total = 0;
    CALL call;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(b, AF_INET, &bt), STATUS_SUCCESS);
    PutInt(&control, IPPROTO_IP, IP_TTL, 21);
    for (ULONG i = 0; i < RTL_NUMBER_OF(sizes); i++) {
        out[i] = MakePattern(sizes[i], 50 + i);
        list[i].Next = i + 1 < RTL_NUMBER_OF(sizes) ? &list[i + 1] : NULL;
        list[i].Buffer = out[i]->Buf;
        total += sizes[i];
    }
    PIRP irp = CallBegin(&call);
    CallStarted(&call, DATAGRAM_OF(a)->WskSendMessages(a, list, 0, (PSOCKADDR)&bt, control.Used,
                                                       (PCMSGHDR)control.Bytes, irp));
    RtlFillMemory(list, sizeof(list), 0xee);
    RtlFillMemory(&control, sizeof(control), 0xee);
    CHECK_STATUS(call.Returned, PendsAll ? STATUS_PENDING : STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, total);
    for (ULONG i = 0; i < RTL_NUMBER_OF(sizes); i++) {
        static ARRIVAL arrival;
        CHECK_STATUS(ReceiveWith(&arrival, b, in, 2000), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, sizes[i]);
        CHECK(IsPattern(in->Data, sizes[i], 50 + i, 0));
        const INT *ttl = Find(&arrival.Control, IPPROTO_IP, IP_TTL);
        CHECK(ttl != NULL && *ttl == 21);
    }
}

/* What is sent while a list is under way comes after all of the list. */
TEST(list_then_one, "D30 WSK-SMSG-01")
{
    enum { COUNT = 5 };
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    BUFFER *out = MakeBuffer(COUNT + 1), *in = MakeBuffer(100);
    WSK_BUF_LIST list[COUNT];
    CALL first, second;
    SIZE_T n;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    for (ULONG i = 0; i < COUNT; i++) /* message i has i + 1 bytes */
        list[i] = (WSK_BUF_LIST){ i + 1 < COUNT ? &list[i + 1] : NULL, { out->Buf.Mdl, 0, i + 1 } };
    PIRP irp = CallBegin(&first);
    CallStarted(&first, DATAGRAM_OF(a)->WskSendMessages(a, list, 0, (PSOCKADDR)&bt, 0, NULL, irp));
    (void)StartSendTo(&second, a, out, COUNT + 1, &bt, NULL);
    CHECK_STATUS(CallFinish(&first), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&second), STATUS_SUCCESS);
    for (ULONG i = 0; i <= COUNT; i++) {
        CHECK_STATUS(ReceiveFrom(b, in, 100, NULL, &n), STATUS_SUCCESS);
        CHECK_EQ(n, i + 1);
    }
}

TEST(list_to_a_fixed_address, "WSK-SMSG-04")
{
    static const ULONG codes[] = { SIO_WSK_SET_REMOTE_ADDRESS, SIO_WSK_SET_SENDTO_ADDRESS };

    for (ULONG i = 0; i < RTL_NUMBER_OF(codes); i++) {
        PWSK_SOCKET a, b;
        SOCKADDR_INET at, bt;
        BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
        WSK_BUF_LIST second = { NULL, out->Buf }, first = { &second, out->Buf };
        SIZE_T n;
        CALL call;
        CHECK_STATUS(OpenBound(AF_INET6, NULL, NULL, &a, &at), STATUS_SUCCESS);
        CHECK_STATUS(OpenBound(AF_INET6, NULL, NULL, &b, &bt), STATUS_SUCCESS);
        CHECK_STATUS(Fix(a, codes[i], &bt), STATUS_SUCCESS);
        PIRP irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, DATAGRAM_OF(a)->WskSendMessages(a, &first, 0, NULL, 0, NULL, irp)),
            STATUS_SUCCESS);
        CHECK_EQ(call.Information, 60);
        for (ULONG k = 0; k < 2; k++) {
            CHECK_STATUS(ReceiveFrom(b, in, 60, NULL, &n), STATUS_SUCCESS);
            CHECK_EQ(n, 30);
        }
    }
}

/* A message that cannot be sent ends the call with its status. */
TEST(list_with_a_failure, "WSK-SMSG-03 WSK-SMSG-05")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *small = MakePattern(30, 1), *large = MakePattern(MOST_V4 + 1, 2);
    WSK_BUF_LIST second = { NULL, large->Buf }, first = { &second, small->Buf };
    OBJECTS control = { .Used = 0 };
    CALL call;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, DATAGRAM_OF(a)->WskSendMessages(a, &first, 0, (PSOCKADDR)&at, 0, NULL, irp)),
        STATUS_INVALID_BUFFER_SIZE);
    CHECK_EQ(call.Information, 0);
    PutInt(&control, IPPROTO_IP, IP_PKTINFO_EX, 1); /* nothing that the transport knows */
    irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, DATAGRAM_OF(a)->WskSendMessages(a, &first, 0, (PSOCKADDR)&at, control.Used,
                                                       (PCMSGHDR)control.Bytes, irp)),
        STATUS_INVALID_PARAMETER);
}

/* WG sends under a spin lock (SEQ-3). */
TEST(at_dispatch_level, "WSK-IRQL-01 WSK-IRQL-07")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
    WSK_BUF_LIST list = { NULL, out->Buf };
    SIZE_T n;
    CALL send, messages;
    KIRQL old;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    PIRP send_irp = CallBegin(&send), messages_irp = CallBegin(&messages);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS s1 = DATAGRAM_OF(a)->WskSendTo(a, &out->Buf, 0, (PSOCKADDR)&bt, 0, NULL, send_irp);
    NTSTATUS s2 =
        DATAGRAM_OF(a)->WskSendMessages(a, &list, 0, (PSOCKADDR)&bt, 0, NULL, messages_irp);
    KIRQL inside = KeGetCurrentIrql();
    KeLowerIrql(old);
    CHECK_EQ(inside, DISPATCH_LEVEL);
    CHECK_STATUS(CallEnd(&send, s1), STATUS_SUCCESS);
    CHECK_STATUS(CallEnd(&messages, s2), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_STATUS(ReceiveFrom(b, in, 60, NULL, &n), STATUS_SUCCESS);
        CHECK_EQ(n, 30);
    }
}

/* ---- who may be sent to ------------------------------------------------------------------------
 */

TEST(broadcast_needs_the_option, "WSK-OPT-05 SOL_SOCKET/SO_BROADCAST D33 WSK-RFROM-07")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt, all;
    BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(b, Wildcard(AF_INET, 0, &bt)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(b, &bt), STATUS_SUCCESS);
    (void)Address4(0x7fffffff, PortOf(&bt), &all); /* loopback's own broadcast address */
    CHECK_STATUS(SendTo(a, out, 30, &all, NULL), STATUS_ACCESS_DENIED);
    CHECK_STATUS(TurnOn(a, SOL_SOCKET, SO_BROADCAST), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 30, &all, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 60), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 30);
    CHECK_EQ(arrival.Flags, MSG_BCAST);
    CHECK_STATUS(TurnOff(a, SOL_SOCKET, SO_BROADCAST), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 30, &all, NULL), STATUS_ACCESS_DENIED);
}

TEST(to_no_port, "WSK-STO-01 D33")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at, to;
    BUFFER *out = MakePattern(30, 1);

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    (void)Loopback(AF_INET, 0, &to);
    CHECK_STATUS(SendTo(a, out, 30, &to, NULL), STATUS_INVALID_PARAMETER);
}

TEST(dual_stack, "D50 WSK-STO-04 WSK-RFROM-04")
{
    PWSK_SOCKET six, four;
    SOCKADDR_INET six_at, four_at, to, from;
    BUFFER *out = MakePattern(30, 1), *in = MakeBuffer(60);
    SIZE_T n;

    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &six), STATUS_SUCCESS);
    CHECK_STATUS(TurnOff(six, IPPROTO_IPV6, IPV6_V6ONLY), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(six, Wildcard(AF_INET6, 0, &six_at)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(six, &six_at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &four, &four_at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(six, out, 30, Mapped(LOOPBACK4, PortOf(&four_at), &to), NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(four, in, 60, &from, &n), STATUS_SUCCESS);
    CHECK_EQ(IpOf(&from), LOOPBACK4);
    CHECK_EQ(PortOf(&from), PortOf(&six_at));
    CHECK_STATUS(SendTo(four, out, 30, &from, NULL), STATUS_SUCCESS);
    RtlFillMemory(&from, sizeof(from), 0xee);
    CHECK_STATUS(ReceiveFrom(six, in, 60, &from, &n), STATUS_SUCCESS);
    (void)Mapped(LOOPBACK4, PortOf(&four_at), &to);
    CHECK(RtlEqualMemory(&from, &to, sizeof(SOCKADDR_IN6)));
}

TESTS(ROW(every_size) ROW(too_large) ROW(chain_of_mdls) ROW(arguments_are_copied) ROW(sent_is_sent)
          ROW(lost_socket) ROW(no_destination) ROW(fixed_remote) ROW(fixed_destination)
              ROW(both_fixed) ROW(list_of_messages) ROW(list_then_one) ROW(list_to_a_fixed_address)
                  ROW(list_with_a_failure) ROW(at_dispatch_level) ROW(broadcast_needs_the_option)
                      ROW(to_no_port) ROW(dual_stack))
