/* options_ip.c: the options of levels IPPROTO_IP and IPPROTO_IPV6. */
#include "options.h"

/* ---- IPPROTO_IP -------------------------------------------------------------------------- */

static void Options4(PWSK_SOCKET s, const OPTION *o)
{
    UCHAR nothing[4] = { 1, 1, 1, 1 }, out[40];
    SIZE_T returned;

    CHECK_STATUS(GetOption(s, o->Level, o->Option, out, sizeof(out), &returned), STATUS_SUCCESS);
    CHECK_EQ(returned, 0);
    CHECK_STATUS(SetOption(s, o->Level, o->Option, nothing, sizeof(nothing)), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(s, o->Level, o->Option, out, sizeof(out), &returned), STATUS_SUCCESS);
    CHECK_EQ(returned, sizeof(nothing));
    CHECK(RtlEqualMemory(out, nothing, sizeof(nothing)));
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, out, sizeof(out), &returned),
                 STATUS_SUCCESS);
    CHECK_EQ(returned, sizeof(nothing));
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, out, 1, &returned),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(returned, sizeof(nothing));
    CHECK_STATUS(SetOption(s, o->Level, o->Option, NULL, 0), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(s, o->Level, o->Option, out, sizeof(out), &returned), STATUS_SUCCESS);
    CHECK_EQ(returned, 0);
}

TEST(ip_options, "IPPROTO_IP/IP_OPTIONS WSK-OPT-14 D54 D55")
{
    OPTION_ROW(IPPROTO_IP, IP_OPTIONS, EVERY, V4, ANY, FALSE, { UNUSED }, { UNUSED });

    OnEach(&row, Options4);
}

TEST(ip_tos, "IPPROTO_IP/IP_TOS")
{
    NUMBER(IPPROTO_IP, IP_TOS, EVERY, V4, 0, VALUES(0x28, 0xfc, 0), VALUES(256, 0xffffffff));
}

TEST(ip_ttl, "IPPROTO_IP/IP_TTL WSK-OPT-14")
{
    NUMBER(IPPROTO_IP, IP_TTL, EVERY, BOTH, ANY, VALUES(1, 255, 77), VALUES(0, 256));
}

static void MulticastInterface4(PWSK_SOCKET s, const OPTION *o)
{
    ULONG nobody = RtlUlongByteSwap(0xcb007107);

    CHECK_EQ(Get1(s, o, 4, 4), 0);
    CHECK_STATUS(Put1(s, o, RtlUlongByteSwap(LOOPBACK4), 4), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), RtlUlongByteSwap(LOOPBACK4));
    CHECK_STATUS(Put1(s, o, RtlUlongByteSwap(1), 4), STATUS_SUCCESS); /* 0.0.0.1: by index */
    CHECK_EQ(Get1(s, o, 4, 4), RtlUlongByteSwap(1));
    CHECK_STATUS(Put1(s, o, nobody, 4), STATUS_INVALID_ADDRESS_COMPONENT);
    CHECK_EQ(Get1(s, o, 4, 4), RtlUlongByteSwap(1));
    CHECK_STATUS(Put1(s, o, 0, 4), STATUS_SUCCESS);
    CheckPlain(s, o, RtlUlongByteSwap(LOOPBACK4));
}

TEST(ip_multicast_if, "IPPROTO_IP/IP_MULTICAST_IF")
{
    OPTION_ROW(IPPROTO_IP, IP_MULTICAST_IF, UDP_OR_BASIC, V4, ANY, FALSE, { UNUSED }, { UNUSED });

    OnEach(&row, MulticastInterface4);
}

TEST(ip_multicast_ttl, "IPPROTO_IP/IP_MULTICAST_TTL")
{
    NUMBER(IPPROTO_IP, IP_MULTICAST_TTL, UDP_OR_BASIC, V4, 1, VALUES(0, 255, 30), VALUES(256));
}

TEST(ip_multicast_loop, "IPPROTO_IP/IP_MULTICAST_LOOP")
{
    FLAG(IPPROTO_IP, IP_MULTICAST_LOOP, UDP_OR_BASIC, V4, 1);
}

static NTSTATUS Set(PWSK_SOCKET s, ULONG Level, ULONG Option, const VOID *In, SIZE_T Size,
                    ULONG Way)
{
    if (Way)
        return SetOption(s, Level, Option, (PVOID)In, Size);
    return Plain(s, WskSetOption, Option, Level, (PVOID)In, Size, NULL, 0, NULL);
}

TEST(memberships, "IPPROTO_IP/IP_ADD_MEMBERSHIP IPPROTO_IP/IP_DROP_MEMBERSHIP D54")
{
    ULONG request[2] = { RtlUlongByteSwap(0xefff0143), RtlUlongByteSwap(LOOPBACK4) };
    ULONG wrong[2] = { RtlUlongByteSwap(LOOPBACK4), RtlUlongByteSwap(LOOPBACK4) };
    ULONG by_index[2] = { RtlUlongByteSwap(0xefff0144), RtlUlongByteSwap(1) };

    for (ULONG i = 0; i < 4; i++) {
        PWSK_SOCKET s;
        ULONG value;
        CHECK_STATUS(OpenOf(i / 2 ? BASIC_UDP : DATAGRAMS, AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, request, 8, i % 2), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, request, 8, i % 2),
                     STATUS_ADDRESS_ALREADY_EXISTS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_index, 8, i % 2), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, wrong, 8, i % 2),
                     STATUS_INVALID_PARAMETER);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, request, 8, i % 2), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, by_index, 8, i % 2), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, request, 8, i % 2),
                     STATUS_INVALID_ADDRESS_COMPONENT);
        CHECK_STATUS(GetOption(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &value, sizeof(value), NULL),
                     STATUS_NOT_SUPPORTED);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
    }
}

TEST(source_memberships, "IPPROTO_IP/IP_ADD_SOURCE_MEMBERSHIP IPPROTO_IP/IP_DROP_SOURCE_MEMBERSHIP "
                         "IPPROTO_IP/IP_BLOCK_SOURCE IPPROTO_IP/IP_UNBLOCK_SOURCE D54")
{
    ULONG source[3] = { RtlUlongByteSwap(0xefff0145), RtlUlongByteSwap(0x7f000002),
                        RtlUlongByteSwap(LOOPBACK4) };
    ULONG any[2] = { source[0], source[2] };

    for (ULONG i = 0; i < 4; i++) {
        PWSK_SOCKET s;
        CHECK_STATUS(OpenOf(i / 2 ? BASIC_UDP : DATAGRAMS, AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, source, 12, i % 2),
                     STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, source, 12, i % 2),
                     STATUS_INVALID_ADDRESS_COMPONENT);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, source, 12, i % 2),
                     STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, any, 8, i % 2), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_BLOCK_SOURCE, source, 12, i % 2), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_UNBLOCK_SOURCE, source, 12, i % 2), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IP, IP_UNBLOCK_SOURCE, source, 12, i % 2),
                     STATUS_INVALID_ADDRESS_COMPONENT);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
    }
}

TEST(ip_dont_fragment, "IPPROTO_IP/IP_DONTFRAGMENT")
{
    FLAG(IPPROTO_IP, IP_DONTFRAGMENT, EVERY, BOTH, 0);
}

TEST(ip_mtu_discover, "IPPROTO_IP/IP_MTU_DISCOVER")
{
    NUMBER(IPPROTO_IP, IP_MTU_DISCOVER, EVERY, BOTH, 0, VALUES(1, 2, 3), VALUES(4, 0x10001));
    NUMBER(IPPROTO_IP, IP_MTU_DISCOVER, EVERY, V4, 0, VALUES(3, 0), VALUES(UNUSED));
}

/* A socket that is not connected has no path. */
static void Mtu(ADDRESS_FAMILY Family, ULONG Level, ULONG Option)
{
    PAIR pair;
    ULONG value = 0;
    SIZE_T returned;
    PWSK_SOCKET s;

    CHECK_STATUS(OpenConnection(Family, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(s, Level, Option, &value, sizeof(value), &returned),
                 STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(MakePair(Family, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(pair.Client, Level, Option, &value, sizeof(value), &returned),
                 STATUS_SUCCESS);
    CHECK_EQ(returned, sizeof(value));
    CHECK(value >= 1280);
    CHECK_STATUS(
        Plain(pair.Client, WskGetOption, Option, Level, NULL, 0, &value, sizeof(value), &returned),
        STATUS_SUCCESS);
    CHECK_STATUS(SetOption(pair.Client, Level, Option, &value, sizeof(value)),
                 STATUS_INVALID_PARAMETER);
}

TEST(ip_mtu, "IPPROTO_IP/IP_MTU")
{
    Mtu(AF_INET, IPPROTO_IP, IP_MTU);
}

/*
 * What arrives as control data is asked for with these; control_data.c shows the objects. Basic
 * sockets take them, too, though they receive nothing: clients probe that way (D56).
 */
TEST(ip_packet_information, "IPPROTO_IP/IP_PKTINFO IPPROTO_IP/IP_RECVIF IPPROTO_IP/IP_RECVDSTADDR")
{
    FLAG(IPPROTO_IP, IP_PKTINFO, UDP_OR_BASIC, BOTH, 0);
    FLAG(IPPROTO_IP, IP_RECVIF, UDP_OR_BASIC, BOTH, 0);
    FLAG(IPPROTO_IP, IP_RECVDSTADDR, UDP_OR_BASIC, BOTH, 0);
}

TEST(ip_header_fields, "IPPROTO_IP/IP_HOPLIMIT IPPROTO_IP/IP_RECVTOS IPPROTO_IP/IP_ECN")
{
    FLAG(IPPROTO_IP, IP_HOPLIMIT, UDP_OR_BASIC, BOTH, 0);
    FLAG(IPPROTO_IP, IP_RECVTOS, UDP_OR_BASIC, BOTH, 0);
    FLAG(IPPROTO_IP, IP_ECN, UDP_OR_BASIC, BOTH, 0);
}

TEST(ip_errors, "IPPROTO_IP/IP_RECVERR D47")
{
    FLAG(IPPROTO_IP, IP_RECVERR, UDP_OR_BASIC, BOTH, 0);
}

TEST(ip_receive_broadcast, "IPPROTO_IP/IP_RECEIVE_BROADCAST")
{
    FLAG(IPPROTO_IP, IP_RECEIVE_BROADCAST, UDP_OR_BASIC, V4, 1);
}

static void UnicastInterface(PWSK_SOCKET s, const OPTION *o)
{
    ULONG loopback = o->Default, nobody = o->Default == 1 ? 0x7fff : RtlUlongByteSwap(0x7fff);

    CHECK_EQ(Get1(s, o, 4, 4), 0);
    CHECK_STATUS(Put1(s, o, loopback, 4), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), loopback);
    CHECK_STATUS(Put1(s, o, nobody, 4), STATUS_INVALID_ADDRESS_COMPONENT);
    CHECK_STATUS(Put1(s, o, 0, 4), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), 0);
    CheckPlain(s, o, loopback);
}

/* Interface 1 is loopback; here its number is in network byte order. */
TEST(ip_unicast_if, "IPPROTO_IP/IP_UNICAST_IF")
{
    OPTION_ROW(IPPROTO_IP, IP_UNICAST_IF, EVERY, V4, 0x01000000, FALSE, { UNUSED }, { UNUSED });

    OnEach(&row, UnicastInterface);
}

TEST(ip_without_counterpart,
     "IPPROTO_IP/IP_ORIGINAL_ARRIVAL_IF IPPROTO_IP/IP_PKTINFO_EX IPPROTO_IP/IP_USER_MTU "
     "IPPROTO_IP/IP_WFP_REDIRECT_RECORDS IPPROTO_IP/IP_WFP_REDIRECT_CONTEXT D56")
{
    UNSUPPORTED(IPPROTO_IP, IP_ORIGINAL_ARRIVAL_IF);
    UNSUPPORTED(IPPROTO_IP, IP_PKTINFO_EX);
    UNSUPPORTED(IPPROTO_IP, IP_USER_MTU);
    UNSUPPORTED(IPPROTO_IP, IP_WFP_REDIRECT_RECORDS);
    UNSUPPORTED(IPPROTO_IP, IP_WFP_REDIRECT_CONTEXT);
    UNSUPPORTED(IPPROTO_IP, 999);
}

/* ---- IPPROTO_IPV6 ------------------------------------------------------------------------ */

static void HopByHop(PWSK_SOCKET s, const OPTION *o)
{
    UCHAR header[8] = { 0, 0, 1, 4, 0, 0, 0, 0 }, out[64]; /* four bytes of padding */
    SIZE_T returned;
    NTSTATUS status = SetOption(s, o->Level, o->Option, header, sizeof(header));

    if (status == STATUS_ACCESS_DENIED) {
        TestSkip("the host lets nobody set a hop-by-hop header");
        return;
    }
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_STATUS(GetOption(s, o->Level, o->Option, out, sizeof(out), &returned), STATUS_SUCCESS);
    CHECK_EQ(returned, sizeof(header));
    CHECK(RtlEqualMemory(out + 2, header + 2, sizeof(header) - 2));
    CHECK_STATUS(Plain(s, WskSetOption, o->Option, o->Level, NULL, 0, NULL, 0, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, out, sizeof(out), &returned),
                 STATUS_SUCCESS);
    CHECK_EQ(returned, 0);
}

TEST(ipv6_hop_by_hop, "IPPROTO_IPV6/IPV6_HOPOPTS")
{
    OPTION_ROW(IPPROTO_IPV6, IPV6_HOPOPTS, EVERY, V6, ANY, FALSE, { UNUSED }, { UNUSED });

    OnEach(&row, HopByHop);
}

TEST(ipv6_unicast_hops, "IPPROTO_IPV6/IPV6_UNICAST_HOPS WSK-OPT-14")
{
    NUMBER(IPPROTO_IPV6, IPV6_UNICAST_HOPS, EVERY, V6, ANY, VALUES(1, 255, 77), VALUES(256));
}

TEST(ipv6_multicast_if, "IPPROTO_IPV6/IPV6_MULTICAST_IF")
{
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_IF, UDP_OR_BASIC, V6, 0, VALUES(1, 0), VALUES(UNUSED));
}

TEST(no_such_interface, "IPPROTO_IPV6/IPV6_MULTICAST_IF D33")
{
    PWSK_SOCKET s;
    ULONG nobody = 0x7fff;

    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &nobody, sizeof(nobody)),
                 STATUS_INVALID_ADDRESS_COMPONENT);
}

TEST(ipv6_multicast_hops, "IPPROTO_IPV6/IPV6_MULTICAST_HOPS")
{
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, UDP_OR_BASIC, V6, 1, VALUES(0, 255, 30), VALUES(256));
}

TEST(ipv6_multicast_loop, "IPPROTO_IPV6/IPV6_MULTICAST_LOOP")
{
    FLAG(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, UDP_OR_BASIC, V6, 1);
}

TEST(ipv6_memberships, "IPPROTO_IPV6/IPV6_ADD_MEMBERSHIP IPPROTO_IPV6/IPV6_DROP_MEMBERSHIP D54")
{
    for (ULONG i = 0; i < 4; i++) {
        PWSK_SOCKET s;
        IPV6_MREQ request;
        RtlZeroMemory(&request, sizeof(request));
        request.ipv6mr_interface = 1;
        CHECK_STATUS(OpenOf(i / 2 ? BASIC_UDP : DATAGRAMS, AF_INET6, &s), STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request), i % 2),
                     STATUS_INVALID_PARAMETER); /* no group at all */
        ((PUCHAR)&request.ipv6mr_multiaddr)[0] = 0xff;
        ((PUCHAR)&request.ipv6mr_multiaddr)[1] = 0x01;
        ((PUCHAR)&request.ipv6mr_multiaddr)[15] = 0x43;
        CHECK_STATUS(Set(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request), i % 2),
                     STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request), i % 2),
                     STATUS_ADDRESS_ALREADY_EXISTS);
        CHECK_STATUS(Set(s, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &request, sizeof(request), i % 2),
                     STATUS_SUCCESS);
        CHECK_STATUS(Set(s, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &request, sizeof(request), i % 2),
                     STATUS_INVALID_ADDRESS_COMPONENT);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
    }
}

TEST(ipv6_dont_fragment, "IPPROTO_IPV6/IPV6_DONTFRAG")
{
    FLAG(IPPROTO_IPV6, IPV6_DONTFRAG, EVERY, V6, 0);
}

TEST(ipv6_packet_information,
     "IPPROTO_IPV6/IPV6_PKTINFO IPPROTO_IPV6/IPV6_RECVIF IPPROTO_IPV6/IPV6_RECVDSTADDR")
{
    FLAG(IPPROTO_IPV6, IPV6_PKTINFO, UDP_OR_BASIC, V6, 0);
    FLAG(IPPROTO_IPV6, IPV6_RECVIF, UDP_OR_BASIC, V6, 0);
    FLAG(IPPROTO_IPV6, IPV6_RECVDSTADDR, UDP_OR_BASIC, V6, 0);
}

TEST(ipv6_header_fields,
     "IPPROTO_IPV6/IPV6_HOPLIMIT IPPROTO_IPV6/IPV6_RECVTCLASS IPPROTO_IPV6/IPV6_ECN")
{
    FLAG(IPPROTO_IPV6, IPV6_HOPLIMIT, UDP_OR_BASIC, V6, 0);
    FLAG(IPPROTO_IPV6, IPV6_RECVTCLASS, UDP_OR_BASIC, V6, 0);
    FLAG(IPPROTO_IPV6, IPV6_ECN, UDP_OR_BASIC, V6, 0);
}

TEST(ipv6_errors, "IPPROTO_IPV6/IPV6_RECVERR D47")
{
    FLAG(IPPROTO_IPV6, IPV6_RECVERR, UDP_OR_BASIC, V6, 0);
}

TEST(ipv6_only, "IPPROTO_IPV6/IPV6_V6ONLY D50 D53")
{
    FLAG(IPPROTO_IPV6, IPV6_V6ONLY, EVERY, V6, 1);
}

/* As IP_UNICAST_IF, but in host byte order. */
TEST(ipv6_unicast_if, "IPPROTO_IPV6/IPV6_UNICAST_IF")
{
    OPTION_ROW(IPPROTO_IPV6, IPV6_UNICAST_IF, EVERY, V6, 1, FALSE, { UNUSED }, { UNUSED });

    OnEach(&row, UnicastInterface);
}

TEST(ipv6_traffic_class, "IPPROTO_IPV6/IPV6_TCLASS D56")
{
    NUMBER(IPPROTO_IPV6, IPV6_TCLASS, EVERY, V6, 0, VALUES(0x28, 0xfc, 0), VALUES(256, 0xffffffff));
}

TEST(ipv6_mtu_discover, "IPPROTO_IPV6/IPV6_MTU_DISCOVER")
{
    NUMBER(IPPROTO_IPV6, IPV6_MTU_DISCOVER, EVERY, V6, 0, VALUES(1, 2, 3), VALUES(4));
    NUMBER(IPPROTO_IPV6, IPV6_MTU_DISCOVER, EVERY, V6, 0, VALUES(3, 0), VALUES(UNUSED));
}

TEST(ipv6_mtu, "IPPROTO_IPV6/IPV6_MTU")
{
    Mtu(AF_INET6, IPPROTO_IPV6, IPV6_MTU);
}

TEST(ipv6_without_counterpart, "IPPROTO_IPV6/IPV6_PROTECTION_LEVEL IPPROTO_IPV6/IPV6_RTHDR D56")
{
    UNSUPPORTED(IPPROTO_IPV6, IPV6_PROTECTION_LEVEL);
    UNSUPPORTED(IPPROTO_IPV6, IPV6_RTHDR);
    UNSUPPORTED(IPPROTO_IPV6, 999);
}

/* A socket of the other family has no such level. */
TEST(ipv6_options_of_ipv4_sockets, "WSK-OPT-14 D56")
{
    PWSK_SOCKET s;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, IPPROTO_IPV6, IPV6_V6ONLY), STATUS_NOT_SUPPORTED);
    CHECK_STATUS(TurnOn(s, IPPROTO_IPV6, IPV6_PKTINFO), STATUS_NOT_SUPPORTED);
}

/* ---- raw sockets ------------------------------------------------------------------------- */

static void RawFlag(ADDRESS_FAMILY Family, ULONG Level, ULONG Option, ULONG Start)
{
    OPTION row = { Level, Option, 0, 0, Start, FALSE, { UNUSED }, { UNUSED } };
    PWSK_SOCKET s;
    NTSTATUS status = Open(Family, SOCK_RAW, 253, WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, &s);

    if (status == STATUS_ACCESS_DENIED) {
        TestSkip("this process may not open raw sockets");
        return;
    }
    CHECK_STATUS(status, STATUS_SUCCESS);
    CheckFlag(s, &row);
}

TEST(ip_header_included, "IPPROTO_IP/IP_HDRINCL")
{
    RawFlag(AF_INET, IPPROTO_IP, IP_HDRINCL, 0);
}

TEST(ipv6_header_included, "IPPROTO_IPV6/IPV6_HDRINCL")
{
    RawFlag(AF_INET6, IPPROTO_IPV6, IPV6_HDRINCL, 0);
}

TEST(header_of_datagrams, "IPPROTO_IP/IP_HDRINCL IPPROTO_IPV6/IPV6_HDRINCL D33")
{
    PWSK_SOCKET s;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, IPPROTO_IP, IP_HDRINCL), STATUS_NOT_SUPPORTED);
    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, IPPROTO_IPV6, IPV6_HDRINCL), STATUS_NOT_SUPPORTED);
}

/* Where in a packet the checksum goes; off by default. */
TEST(ipv6_checksum, "IPPROTO_IPV6/IPV6_CHECKSUM")
{
    OPTION row = {
        IPPROTO_IPV6, IPV6_CHECKSUM, 0, 0, 0xffffffff, FALSE, { 2, 4, 0xffffffff, UNUSED },
        { 3, UNUSED }
    };
    PWSK_SOCKET s;
    NTSTATUS status = Open(AF_INET6, SOCK_RAW, 253, WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, &s);

    if (status == STATUS_ACCESS_DENIED) {
        TestSkip("this process may not open raw sockets");
        return;
    }
    CHECK_STATUS(status, STATUS_SUCCESS);
    CheckNumber(s, &row);
}

TESTS(ROW(ip_options) ROW(ip_tos) ROW(ip_ttl) ROW(ip_multicast_if) ROW(ip_multicast_ttl)
          ROW(ip_multicast_loop) ROW(memberships) ROW(source_memberships) ROW(ip_dont_fragment)
              ROW(ip_mtu_discover) ROW(ip_mtu) ROW(ip_packet_information) ROW(ip_header_fields)
                  ROW(ip_errors) ROW(ip_receive_broadcast) ROW(ip_unicast_if)
                      ROW(ip_without_counterpart) ROW(ipv6_hop_by_hop) ROW(ipv6_unicast_hops)
                          ROW(ipv6_multicast_if) ROW(no_such_interface) ROW(ipv6_multicast_hops)
                              ROW(ipv6_multicast_loop) ROW(ipv6_memberships) ROW(ipv6_dont_fragment)
                                  ROW(ipv6_packet_information) ROW(ipv6_header_fields)
                                      ROW(ipv6_errors) ROW(ipv6_only) ROW(ipv6_unicast_if)
                                          ROW(ipv6_traffic_class) ROW(ipv6_mtu_discover)
                                              ROW(ipv6_mtu) ROW(ipv6_without_counterpart)
                                                  ROW(ipv6_options_of_ipv4_sockets)
                                                      ROW(ip_header_included)
                                                          ROW(ipv6_header_included)
                                                              ROW(header_of_datagrams)
                                                                  ROW(ipv6_checksum))
