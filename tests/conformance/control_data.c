/* control_data.c: control objects of datagrams over the host's sockets, both ways. */
#include "objects.h"

/* One datagram with control data from a to b; what b got with it. */
static NTSTATUS Exchange(PWSK_SOCKET a, PWSK_SOCKET b, SOCKADDR_INET *To, OBJECTS *Out, OBJECTS *In,
                         ULONG *Flags)
{
    BUFFER *data = MakePattern(100, 1), *got = MakeBuffer(200);
    CALL call;
    NTSTATUS status;

    status = CallEnd(&call, DATAGRAM_OF(a)->WskSendTo(a, &data->Buf, 0, (PSOCKADDR)To, Out->Used,
                                                      Out->Used ? (PCMSGHDR)Out->Bytes : NULL,
                                                      CallBegin(&call)));
    CallFree(&call);
    if (!NT_SUCCESS(status))
        return status;
    In->Used = sizeof(In->Bytes);
    status = CallEnd(&call,
                     DATAGRAM_OF(b)->WskReceiveFrom(b, &got->Buf, 0, NULL, &In->Used,
                                                    (PCMSGHDR)In->Bytes, Flags, CallBegin(&call)));
    CallFree(&call);
    return status;
}

TEST(v4_objects, "WSK-STO-07 WSK-RFROM-05 WSK-RFROM-07 D49 IPPROTO_IP/IP_PKTINFO IPPROTO_IP/IP_TTL "
                 "IPPROTO_IP/IP_HOPLIMIT IPPROTO_IP/IP_TOS IPPROTO_IP/IP_RECVTOS IPPROTO_IP/IP_ECN")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    OBJECTS out = { .Used = 0 }, in;
    ULONG flags = 77;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_RECVTOS), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_ECN), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(b, AF_INET, &bt), STATUS_SUCCESS);
    PutInt(&out, IPPROTO_IP, IP_TTL, 9);
    PutInt(&out, IPPROTO_IP, IP_TOS, 0x28);
    PutInt(&out, IPPROTO_IP, IP_ECN, 2);
    CHECK_STATUS(Exchange(a, b, &bt, &out, &in, &flags), STATUS_SUCCESS);
    CHECK_EQ(flags, 0);
    const IN_PKTINFO *info = Find(&in, IPPROTO_IP, IP_PKTINFO);
    const INT *ttl = Find(&in, IPPROTO_IP, IP_TTL), *tos = Find(&in, IPPROTO_IP, IP_TOS),
              *ecn = Find(&in, IPPROTO_IP, IP_ECN);
    CHECK(info != NULL && ttl != NULL && tos != NULL && ecn != NULL);
    CHECK(RtlCompareMemory(&info->ipi_addr, (PUCHAR)&bt + 4, 4) == 4);
    CHECK(info->ipi_ifindex != 0);
    CHECK_EQ(*ttl, 9);
    CHECK_EQ(*tos, 0x2a);
    CHECK_EQ(*ecn, 2);
}

TEST(dual_stack_objects, "D49 D50 WSK-ADDR-07 IPPROTO_IPV6/IPV6_PKTINFO IPPROTO_IPV6/IPV6_HOPLIMIT")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt, to, from4;
    OBJECTS out = { .Used = 0 }, in;
    ULONG off = 0;
    static const UCHAR mapped[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1 };

    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(a, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IPV6, IPV6_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IP, IP_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IPV6, IPV6_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(a, Wildcard(AF_INET6, 0, &at)), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(b, Wildcard(AF_INET6, 0, &bt)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(b, &bt), STATUS_SUCCESS);
    /* IPv6 */
    (void)Loopback(AF_INET6, PortOf(&bt), &to);
    PutInt(&out, IPPROTO_IPV6, IPV6_HOPLIMIT, 11);
    CHECK_STATUS(Exchange(a, b, &to, &out, &in, NULL), STATUS_SUCCESS);
    CHECK(Find(&in, IPPROTO_IPV6, IPV6_PKTINFO) != NULL);
    CHECK(Find(&in, IPPROTO_IP, IP_PKTINFO) == NULL);
    const INT *hops = Find(&in, IPPROTO_IPV6, IPV6_HOPLIMIT);
    CHECK(hops != NULL && *hops == 11);
    /* IPv4, to a mapped address */
    RtlCopyMemory(&to.Ipv6.sin6_addr, mapped, 16);
    out.Used = 0;
    IN_PKTINFO source = { .ipi_ifindex = 0 };
    (void)Loopback(AF_INET, 0, &from4);
    RtlCopyMemory(&source.ipi_addr, &from4.Ipv4.sin_addr, 4);
    Put(&out, IPPROTO_IP, IP_PKTINFO, &source, sizeof(source));
    PutInt(&out, IPPROTO_IP, IP_TTL, 12);
    CHECK_STATUS(Exchange(a, b, &to, &out, &in, NULL), STATUS_SUCCESS);
    const IN_PKTINFO *info = Find(&in, IPPROTO_IP, IP_PKTINFO);
    CHECK(info != NULL);
    CHECK(RtlCompareMemory(&info->ipi_addr, mapped + 12, 4) == 4);
    CHECK(Find(&in, IPPROTO_IPV6, IPV6_PKTINFO) == NULL);
    const INT *ttl = Find(&in, IPPROTO_IP, IP_TTL);
    CHECK(ttl != NULL && *ttl == 12);
}

TEST(bad_objects, "D49 WSK-STO-07")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    OBJECTS out = { .Used = 0 }, in;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    PutInt(&out, IPPROTO_IP, 99, 1);
    CHECK_STATUS(Exchange(a, a, &at, &out, &in, NULL), STATUS_INVALID_PARAMETER);
    ((CMSGHDR *)out.Bytes)->cmsg_len = 3;
    CHECK_STATUS(Exchange(a, a, &at, &out, &in, NULL), STATUS_INVALID_PARAMETER);
    out.Used = 0;
    Put(&out, IPPROTO_IP, IP_OPTIONS, "", 0); /* an empty object is skipped */
    CHECK_STATUS(Exchange(a, a, &at, &out, &in, NULL), STATUS_SUCCESS);
    CHECK_EQ(in.Used, 0);
}

/* A control buffer that is there and empty is no control data; a length without a buffer is wrong.
 */
TEST(empty_control_buffer, "WSK-STO-10")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);
    OBJECTS none = { .Used = 0 };
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(a)->WskSendTo(a, &data->Buf, 0, (PSOCKADDR)&at, 0,
                                                 (PCMSGHDR)none.Bytes, CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_SUCCESS);
    status = CallEnd(&call, DATAGRAM_OF(a)->WskSendTo(a, &data->Buf, 0, (PSOCKADDR)&at, 32, NULL,
                                                      CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_INVALID_PARAMETER);
}

TEST(truncated_objects, "WSK-RFROM-09")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1), *got = MakeBuffer(10);
    UCHAR room[8];
    ULONG length = sizeof(room), flags = 0;
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(a, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, data, 10, &at, NULL), STATUS_SUCCESS);
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(a)->WskReceiveFrom(a, &got->Buf, 0, NULL, &length,
                                                      (PCMSGHDR)room, &flags, CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(flags, MSG_CTRUNC);
    CHECK_EQ(length, 0);
}

TEST(v6_objects, "WSK-STO-07 D49 IPPROTO_IPV6/IPV6_TCLASS IPPROTO_IPV6/IPV6_RECVTCLASS "
                 "IPPROTO_IPV6/IPV6_ECN IPPROTO_IPV6/IPV6_HOPLIMIT IPPROTO_IPV6/IPV6_PKTINFO")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    OBJECTS out = { .Used = 0 }, in;

    CHECK_STATUS(OpenBound(AF_INET6, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET6, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IPV6, IPV6_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IPV6, IPV6_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IPV6, IPV6_RECVTCLASS), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(b, IPPROTO_IPV6, IPV6_ECN), STATUS_SUCCESS);
    PutInt(&out, IPPROTO_IPV6, IPV6_HOPLIMIT, 5);
    PutInt(&out, IPPROTO_IPV6, IPV6_TCLASS, 0x50);
    PutInt(&out, IPPROTO_IPV6, IPV6_ECN, 1);
    CHECK_STATUS(Exchange(a, b, &bt, &out, &in, NULL), STATUS_SUCCESS);
    const IN6_PKTINFO *info = Find(&in, IPPROTO_IPV6, IPV6_PKTINFO);
    const INT *hops = Find(&in, IPPROTO_IPV6, IPV6_HOPLIMIT),
              *class = Find(&in, IPPROTO_IPV6, IPV6_TCLASS),
              *ecn = Find(&in, IPPROTO_IPV6, IPV6_ECN);
    CHECK(info != NULL && hops != NULL && class != NULL && ecn != NULL);
    CHECK(RtlEqualMemory(&info->ipi6_addr, &bt.Ipv6.sin6_addr, 16));
    CHECK_EQ(info->ipi6_ifindex, 1);
    CHECK_EQ(*hops, 5);
    CHECK_EQ(*class, 0x51);
    CHECK_EQ(*ecn, 1);
    /* the socket's own traffic class is what an ECN object alone leaves untouched */
    ULONG value = 0x28;
    CHECK_STATUS(SetOption(a, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value)), STATUS_SUCCESS);
    out.Used = 0;
    PutInt(&out, IPPROTO_IPV6, IPV6_ECN, 3);
    CHECK_STATUS(Exchange(a, b, &bt, &out, &in, NULL), STATUS_SUCCESS);
    class = Find(&in, IPPROTO_IPV6, IPV6_TCLASS);
    CHECK(class != NULL && *class == 0x2b);
}

/* Only what was asked for is delivered. */
TEST(one_object_each, "IPPROTO_IP/IP_RECVIF IPPROTO_IP/IP_RECVDSTADDR IPPROTO_IP/IP_ECN "
                      "IPPROTO_IPV6/IPV6_RECVIF IPPROTO_IPV6/IPV6_RECVDSTADDR WSK-RFROM-05")
{
    static const struct {
        ADDRESS_FAMILY Family;
        INT Level;
        ULONG Option;
        INT Type;
        ULONG Size;
    } rows[] = {
        { AF_INET, IPPROTO_IP, IP_PKTINFO, IP_PKTINFO, sizeof(IN_PKTINFO) },
        { AF_INET, IPPROTO_IP, IP_RECVIF, IP_RECVIF, 4 },
        { AF_INET, IPPROTO_IP, IP_RECVDSTADDR, IP_RECVDSTADDR, 4 },
        { AF_INET, IPPROTO_IP, IP_HOPLIMIT, IP_TTL, 4 },
        { AF_INET, IPPROTO_IP, IP_RECVTOS, IP_TOS, 4 },
        { AF_INET, IPPROTO_IP, IP_ECN, IP_ECN, 4 },
        { AF_INET6, IPPROTO_IPV6, IPV6_PKTINFO, IPV6_PKTINFO, sizeof(IN6_PKTINFO) },
        { AF_INET6, IPPROTO_IPV6, IPV6_RECVIF, IPV6_RECVIF, 4 },
        { AF_INET6, IPPROTO_IPV6, IPV6_RECVDSTADDR, IPV6_RECVDSTADDR, 16 },
        { AF_INET6, IPPROTO_IPV6, IPV6_HOPLIMIT, IPV6_HOPLIMIT, 4 },
        { AF_INET6, IPPROTO_IPV6, IPV6_RECVTCLASS, IPV6_TCLASS, 4 },
        { AF_INET6, IPPROTO_IPV6, IPV6_ECN, IPV6_ECN, 4 },
    };

    for (ULONG i = 0; i < RTL_NUMBER_OF(rows); i++) {
        PWSK_SOCKET a;
        SOCKADDR_INET at;
        OBJECTS none = { .Used = 0 }, in;
        CHECK_STATUS(OpenBound(rows[i].Family, NULL, NULL, &a, &at), STATUS_SUCCESS);
        CHECK_STATUS(TurnOn(a, (ULONG)rows[i].Level, rows[i].Option), STATUS_SUCCESS);
        CHECK_STATUS(Exchange(a, a, &at, &none, &in, NULL), STATUS_SUCCESS);
        const CMSGHDR *h = FindIn(in.Bytes, in.Used, rows[i].Level, rows[i].Type);
        CHECK(h == (const CMSGHDR *)in.Bytes); /* the first one, and the only one */
        CHECK_EQ(h->cmsg_len, sizeof(CMSGHDR) + rows[i].Size);
        CHECK_EQ(in.Used, (sizeof(CMSGHDR) + rows[i].Size + 7) & ~7u);
        if (rows[i].Option == IP_RECVIF)
            CHECK_EQ(*(const ULONG *)(h + 1), 1);
        if (rows[i].Option == IP_RECVDSTADDR && rows[i].Level == IPPROTO_IP)
            CHECK(RtlEqualMemory(h + 1, &at.Ipv4.sin_addr, 4));
        if (rows[i].Option == IPV6_RECVDSTADDR && rows[i].Level == IPPROTO_IPV6)
            CHECK(RtlEqualMemory(h + 1, &at.Ipv6.sin6_addr, 16));
        CHECK_STATUS(TurnOff(a, (ULONG)rows[i].Level, rows[i].Option), STATUS_SUCCESS);
        CHECK_STATUS(Exchange(a, a, &at, &none, &in, NULL), STATUS_SUCCESS);
        CHECK_EQ(in.Used, 0);
    }
}

/* Packet information chooses where a datagram comes from; zeroes leave the choice to routing. */
TEST(source_address, "D49 WSK-STO-07 IPPROTO_IP/IP_PKTINFO")
{
    static const ULONG sources[] = { 0x7f000002, 0 };
    PWSK_SOCKET any, b;
    SOCKADDR_INET at, bt, from;
    BUFFER *data = MakePattern(10, 1);

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &any), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(any, Wildcard(AF_INET, 0, &at)), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    for (ULONG i = 0; i < 4; i++) {
        OBJECTS out = { .Used = 0 };
        IN_PKTINFO info = { .ipi_ifindex = i / 2 };
        ULONG ip = RtlUlongByteSwap(sources[i % 2]);
        RtlCopyMemory(&info.ipi_addr, &ip, sizeof(ip));
        Put(&out, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        CHECK_STATUS(SendWith(any, data, 10, &bt, &out, NULL), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveFrom(b, data, 10, &from, NULL), STATUS_SUCCESS);
        CHECK_EQ(IpOf(&from), sources[i % 2] ? sources[i % 2] : LOOPBACK4);
    }
}

/* WG sends room for an empty object along (SEQ-3). */
TEST(empty_objects, "D49 IPPROTO_IP/IP_OPTIONS IPPROTO_IPV6/IPV6_RTHDR")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < RTL_NUMBER_OF(families); f++) {
        PWSK_SOCKET a;
        SOCKADDR_INET at;
        OBJECTS out = { .Used = 0 }, in;
        CHECK_STATUS(OpenBound(families[f], NULL, NULL, &a, &at), STATUS_SUCCESS);
        if (f == 0)
            Put(&out, IPPROTO_IP, IP_OPTIONS, "", 0);
        else
            Put(&out, IPPROTO_IPV6, IPV6_RTHDR, "", 0);
        PutInt(&out, f ? IPPROTO_IPV6 : IPPROTO_IP, f ? IPV6_HOPLIMIT : IP_TTL, 9);
        CHECK_STATUS(Exchange(a, a, &at, &out, &in, NULL), STATUS_SUCCESS);
    }
}

/* ---- segmentation
 * ---------------------------------------------------------------------------------- */

static void Segments(PWSK_SOCKET a, PWSK_SOCKET b, const SOCKADDR_INET *To, const OBJECTS *Control)
{
    BUFFER *out = MakePattern(3500, 8), *in = MakeBuffer(4000);
    SIZE_T sent, n, at = 0;

    CHECK_STATUS(SendWith(a, out, 3500, To, Control, &sent), STATUS_SUCCESS);
    CHECK_EQ(sent, 3500);
    while (at < 3500) {
        CHECK_STATUS(ReceiveFrom(b, in, 4000, NULL, &n), STATUS_SUCCESS);
        CHECK_EQ(n, at < 3000 ? 1000 : 500);
        CHECK(IsPattern(in->Data, n, 8, at));
        at += n;
    }
}

TEST(send_segments, "IPPROTO_UDP/UDP_SEND_MSG_SIZE WSK-STO-07 D49")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    OBJECTS control = { .Used = 0 };
    ULONG size = 1000;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    PutInt(&control, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 1000);
    Segments(a, b, &bt, &control);
    if (TestFailed())
        return;
    /* the same by the option; an object beats it */
    CHECK_STATUS(SetOption(a, IPPROTO_UDP, UDP_SEND_MSG_SIZE, &size, sizeof(size)), STATUS_SUCCESS);
    Segments(a, b, &bt, NULL);
    if (TestFailed())
        return;
    size = 77;
    CHECK_STATUS(SetOption(a, IPPROTO_UDP, UDP_SEND_MSG_SIZE, &size, sizeof(size)), STATUS_SUCCESS);
    Segments(a, b, &bt, &control);
}

TEST(receive_coalesced, "IPPROTO_UDP/UDP_RECV_MAX_COALESCED_SIZE IPPROTO_UDP/UDP_COALESCED_INFO "
                        "WSK-RFROM-05")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    BUFFER *out = MakePattern(3500, 8), *in = MakeBuffer(4000);
    OBJECTS control = { .Used = 0 };
    static ARRIVAL arrival;
    ULONG most = 65000;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &b, &bt), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, &most, sizeof(most)),
                 STATUS_SUCCESS);
    PutInt(&control, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 1000);
    CHECK_STATUS(SendWith(a, out, 3500, &bt, &control, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 4000), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 3500);
    CHECK(IsPattern(in->Data, 3500, 8, 0));
    const ULONG *size = Find(&arrival.Control, IPPROTO_UDP, UDP_COALESCED_INFO);
    CHECK(size != NULL && *size == 1000);
    /* one that is alone needs no size */
    CHECK_STATUS(SendWith(a, out, 500, &bt, NULL, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, b, in, 4000), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 500);
}

/* ---- ICMP errors
 * ----------------------------------------------------------------------------------- */

/* A loopback address where nobody listens. */
static void Nobody(ADDRESS_FAMILY Family, SOCKADDR_INET *Address)
{
    PWSK_SOCKET s;

    CHECK_STATUS(OpenBound(Family, NULL, NULL, &s, Address), STATUS_SUCCESS);
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
}

/* Without the option, errors of earlier datagrams disturb neither sends nor receives. */
TEST(errors_are_ignored, "D47 WSK-STO-01")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at, nobody;
    BUFFER *out = MakePattern(20, 1), *in = MakeBuffer(60);
    static ARRIVAL arrival;

    Nobody(AF_INET, &nobody);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(StartReceiveFrom(&arrival, a, in, 60), STATUS_PENDING);
    for (ULONG i = 0; i < 5; i++)
        CHECK_STATUS(SendTo(a, out, 10, &nobody, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(a, SIO_WSK_SET_REMOTE_ADDRESS, &at, sizeof(at), NULL, 0, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 20, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(FinishReceiveFrom(&arrival), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 20);
}

static void IsUnreachable(const CMSGHDR *Header, ADDRESS_FAMILY Family)
{
    const IN_RECVERR *e = (const IN_RECVERR *)(Header + 1);

    CHECK(Header != NULL);
    CHECK_EQ(Header->cmsg_len, sizeof(CMSGHDR) + sizeof(*e));
    CHECK_EQ(e->protocol, Family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    CHECK_EQ(e->type, Family == AF_INET ? 3 : 1); /* destination unreachable */
    CHECK_EQ(e->code, Family == AF_INET ? 3 : 4); /* port */
}

/* With it an error comes as a datagram without data, from where the lost one was sent to. */
TEST(errors_by_request, "D47 IPPROTO_IP/IP_RECVERR IPPROTO_IPV6/IPV6_RECVERR")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG i = 0; i < 4; i++) {
        ADDRESS_FAMILY family = families[i % 2];
        INT level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
            option = family == AF_INET ? IP_RECVERR : IPV6_RECVERR;
        PWSK_SOCKET a;
        SOCKADDR_INET at, nobody;
        BUFFER *out = MakePattern(20, 1), *in = MakeBuffer(60);
        static ARRIVAL arrival;
        Nobody(family, &nobody);
        CHECK_STATUS(OpenBound(family, NULL, NULL, &a, &at), STATUS_SUCCESS);
        CHECK_STATUS(TurnOn(a, (ULONG)level, (ULONG)option), STATUS_SUCCESS);
        if (i / 2) /* a receive that waits, or one that comes later */
            CHECK_STATUS(StartReceiveFrom(&arrival, a, in, 60), STATUS_PENDING);
        CHECK_STATUS(SendTo(a, out, 10, &nobody, NULL), STATUS_SUCCESS);
        if (!(i / 2))
            (void)StartReceiveFrom(&arrival, a, in, 60);
        CHECK_STATUS(FinishReceiveFrom(&arrival), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, 0);
        CHECK_EQ(arrival.Flags, 0);
        CHECK_EQ(PortOf(&arrival.From), PortOf(&nobody));
        CHECK_EQ(arrival.From.si_family, family);
        IsUnreachable(FindIn(arrival.Control.Bytes, arrival.Control.Used, level, option), family);
        if (TestFailed())
            return;
        CHECK_STATUS(SendTo(a, out, 20, &at, NULL), STATUS_SUCCESS); /* and life goes on */
        CHECK_STATUS(ReceiveWith(&arrival, a, in, 60), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, 20);
        CHECK(FindIn(arrival.Control.Bytes, arrival.Control.Used, level, option) == NULL);
    }
}

static struct {
    COUNTER Calls;
    BOOLEAN Empty;
    USHORT Port;
    UCHAR Type, Code;
} Sink;

static NTSTATUS NTAPI OnReceiveFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Node)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    const CMSGHDR *h = FindIn(Node->ControlInfo, Node->ControlInfoLength, IPPROTO_IP, IP_RECVERR);
    if (h) {
        Sink.Type = ((const IN_RECVERR *)(h + 1))->type;
        Sink.Code = ((const IN_RECVERR *)(h + 1))->code;
        Sink.Port = PortOf((const SOCKADDR_INET *)Node->RemoteAddress);
        Sink.Empty = Node->Buffer.Length == 0 && Node->Buffer.Mdl == NULL;
    }
    (void)CounterAdd(&Sink.Calls);
    return STATUS_SUCCESS;
}

TEST(errors_by_event, "D47 WSK-RFEV-03 IPPROTO_IP/IP_RECVERR")
{
    static const WSK_CLIENT_DATAGRAM_DISPATCH table = { OnReceiveFrom };
    PWSK_SOCKET a;
    SOCKADDR_INET at, nobody;
    BUFFER *out = MakePattern(20, 1);

    Nobody(AF_INET, &nobody);
    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    CHECK_STATUS(OpenBound(AF_INET, NULL, &table, &a, &at), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(a, IPPROTO_IP, IP_RECVERR), STATUS_SUCCESS);
    CHECK_STATUS(Events(a, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, out, 10, &nobody, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK(Sink.Empty);
    CHECK_EQ(Sink.Type, 3);
    CHECK_EQ(Sink.Code, 3);
    CHECK_EQ(Sink.Port, PortOf(&nobody));
}

TESTS(ROW(v4_objects) ROW(dual_stack_objects) ROW(bad_objects) ROW(empty_control_buffer)
          ROW(truncated_objects) ROW(v6_objects) ROW(one_object_each) ROW(source_address)
              ROW(empty_objects) ROW(send_segments) ROW(receive_coalesced) ROW(errors_are_ignored)
                  ROW(errors_by_request) ROW(errors_by_event))
