/* Control objects of datagrams, both ways (D49, D50). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wsk/wskp.h"

#include <ws2ipdef.h>

static WSKP_DATAGRAM_STATE datagram;
static WSKP_SOCKET *sock;

static WSKP_SOCKET *use(ADDRESS_FAMILY family, ULONG mask)
{
    memset(sock, 0, sizeof(*sock));
    memset(&datagram, 0, sizeof(datagram));
    sock->Family = family;
    sock->Type = SOCK_DGRAM;
    sock->Category = WSKP_DATAGRAM;
    sock->Datagram = &datagram;
    datagram.InfoMask = mask;
    return sock;
}

/* A control buffer under construction, always 8-byte aligned. */
static struct {
    _Alignas(8) UCHAR bytes[512];
    ULONG used;
} buffer;

static void add(INT level, INT type, const void *data, SIZE_T length)
{
    CMSGHDR header = { .cmsg_len = sizeof(header) + length,
                       .cmsg_level = level,
                       .cmsg_type = type };

    memcpy(buffer.bytes + buffer.used, &header, sizeof(header));
    memcpy(buffer.bytes + buffer.used + sizeof(header), data, length);
    buffer.used += (ULONG)((sizeof(header) + length + 7) & ~(SIZE_T)7);
}

static void add_int(INT level, INT type, INT value)
{
    add(level, type, &value, sizeof(value));
}

static NTSTATUS parse(struct net_packet_info *info)
{
    return WskpControlIn(sock, buffer.used, (const CMSGHDR *)buffer.bytes, info);
}

static void in_packet_info(void **state)
{
    struct net_packet_info info;
    IN_PKTINFO p4 = { .ipi_ifindex = 7 };
    IN6_PKTINFO p6 = { .ipi6_ifindex = 9 };

    (void)state;
    memcpy(&p4.ipi_addr, "\x0a\x01\x02\x03", 4);
    memset(&p6.ipi6_addr, 0xfd, 16);
    use(AF_INET, 0);
    buffer.used = 0;
    add(IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));
    assert_int_equal(parse(&info), STATUS_SUCCESS);
    assert_int_equal(info.present, NET_INFO_DST | NET_INFO_IFINDEX);
    assert_int_equal(info.dst.family, NET_IP4);
    assert_memory_equal(info.dst.ip, "\x0a\x01\x02\x03", 4);
    assert_int_equal(info.ifindex, 7);

    use(AF_INET6, 0); /* dual-stack: both kinds are legal */
    assert_int_equal(parse(&info), STATUS_SUCCESS);
    buffer.used = 0;
    add(IPPROTO_IPV6, IPV6_PKTINFO, &p6, sizeof(p6));
    assert_int_equal(parse(&info), STATUS_SUCCESS);
    assert_int_equal(info.dst.family, NET_IP6);
    assert_int_equal(info.ifindex, 9);
    use(AF_INET, 0);
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);

    memset(&p4, 0, sizeof(p4)); /* any address, no interface: unspecified */
    buffer.used = 0;
    add(IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));
    assert_int_equal(parse(&info), STATUS_SUCCESS);
    assert_int_equal(info.present, 0);

    memset(&info, 0xff, sizeof(info)); /* no objects at all */
    assert_int_equal(WskpControlIn(sock, 0, NULL, &info), STATUS_SUCCESS);
    assert_int_equal(info.present, 0);
}

static void in_numbers(void **state)
{
    static const struct {
        INT level, type, value;
        NTSTATUS status;
        uint32_t present;
        int ttl, tos;
        uint32_t segment;
    } rows[] = {
        { IPPROTO_IP, IP_TTL, 3, STATUS_SUCCESS, NET_INFO_TTL, 3, 0, 0 },
        { IPPROTO_IP, IP_HOPLIMIT, 4, STATUS_SUCCESS, NET_INFO_TTL, 4, 0, 0 },
        { IPPROTO_IP, IP_TTL, 256, STATUS_INVALID_PARAMETER, 0, 0, 0, 0 },
        { IPPROTO_IP, IP_TOS, 0xb9, STATUS_SUCCESS, NET_INFO_TOS, 0, 0xb9, 0 },
        { IPPROTO_IP, IP_TOS, 0x100, STATUS_INVALID_PARAMETER, 0, 0, 0, 0 },
        { IPPROTO_IP, IP_ECN, 2, STATUS_SUCCESS, NET_INFO_TOS, 0, 0x42, 0 },
        { IPPROTO_IP, IP_ECN, 4, STATUS_INVALID_PARAMETER, 0, 0, 0, 0 },
        { IPPROTO_IPV6, IPV6_HOPLIMIT, 5, STATUS_SUCCESS, NET_INFO_TTL, 5, 0, 0 },
        { IPPROTO_IPV6, IPV6_TCLASS, 0x22, STATUS_SUCCESS, NET_INFO_TOS, 0, 0x22, 0 },
        { IPPROTO_IPV6, IPV6_ECN, 1, STATUS_SUCCESS, NET_INFO_TOS, 0, 0x41, 0 },
        { IPPROTO_UDP, UDP_SEND_MSG_SIZE, 1200, STATUS_SUCCESS, NET_INFO_SEGMENT, 0, 0, 1200 },
        { IPPROTO_UDP, UDP_SEND_MSG_SIZE, 0, STATUS_SUCCESS, 0, 0, 0, 0 },
        { IPPROTO_UDP, UDP_SEND_MSG_SIZE, 0x10000, STATUS_INVALID_PARAMETER, 0, 0, 0, 0 },
        { IPPROTO_UDP, 99, 1, STATUS_INVALID_PARAMETER, 0, 0, 0, 0 },
        { IPPROTO_IP, 99, 1, STATUS_INVALID_PARAMETER, 0, 0, 0, 0 },
        { 1234, 1, 1, STATUS_INVALID_PARAMETER, 0, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net_packet_info info;
        use(AF_INET6, 0)->Options.TrafficClass = 0x40;
        buffer.used = 0;
        add_int(rows[i].level, rows[i].type, rows[i].value);
        NTSTATUS status = parse(&info);
        if (status != rows[i].status)
            fail_msg("row %zu: status 0x%08x", i, status);
        if (!NT_SUCCESS(status))
            continue;
        assert_int_equal(info.present, rows[i].present);
        if (info.present & NET_INFO_TTL)
            assert_int_equal(info.ttl, rows[i].ttl);
        if (info.present & NET_INFO_TOS)
            assert_int_equal(info.tos, rows[i].tos);
        if (info.present & NET_INFO_SEGMENT)
            assert_int_equal(info.segment_bytes, rows[i].segment);
    }
}

static void in_several(void **state)
{
    struct net_packet_info info;
    IN_PKTINFO p4 = { .ipi_ifindex = 1 };

    (void)state;
    use(AF_INET, 0);
    buffer.used = 0;
    add(IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));
    add(IPPROTO_IP, IP_OPTIONS, "", 0); /* wireguard-nt's empty object */
    add_int(IPPROTO_IP, IP_TOS, 0xb8);
    add_int(IPPROTO_IP, IP_ECN, 1);
    add_int(IPPROTO_UDP, UDP_SEND_MSG_SIZE, 500);
    assert_int_equal(parse(&info), STATUS_SUCCESS);
    assert_int_equal(info.present, NET_INFO_IFINDEX | NET_INFO_TOS | NET_INFO_SEGMENT);
    assert_int_equal(info.tos, 0xb9);
    assert_int_equal(info.segment_bytes, 500);

    buffer.used = 0;
    add(IPPROTO_IP, IP_OPTIONS, "abcd", 4); /* data that the network cannot carry */
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
}

static void in_malformed(void **state)
{
    struct net_packet_info info;
    CMSGHDR *first = (CMSGHDR *)buffer.bytes;

    (void)state;
    use(AF_INET, 0);
    assert_int_equal(WskpControlIn(sock, 0, NULL, &info), STATUS_SUCCESS);
    assert_int_equal(info.present, 0);
    assert_int_equal(WskpControlIn(sock, 24, NULL, &info), STATUS_INVALID_PARAMETER);
    buffer.used = 0;
    add_int(IPPROTO_IP, IP_TTL, 1);
    assert_int_equal(WskpControlIn(sock, 15, first, &info), STATUS_INVALID_PARAMETER);
    assert_int_equal(WskpControlIn(sock, 19, first, &info), STATUS_INVALID_PARAMETER);
    assert_int_equal(WskpControlIn(sock, 20, first, &info), STATUS_SUCCESS); /* no padding needed */
    assert_int_equal(info.ttl, 1);
    first->cmsg_len = 15;
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
    first->cmsg_len = 0;
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
    first->cmsg_len = (SIZE_T)-1;
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
    first->cmsg_len = 18; /* two bytes of an INT */
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
}

/* The n-th object of what WskpControlOut wrote. */
static const CMSGHDR *object(const UCHAR *bytes, ULONG used, int n)
{
    ULONG at = 0;

    while (at + sizeof(CMSGHDR) <= used) {
        const CMSGHDR *h = (const CMSGHDR *)(bytes + at);
        if (n-- == 0)
            return h;
        at += (ULONG)((h->cmsg_len + 7) & ~(SIZE_T)7);
    }
    return NULL;
}

static void expect(ULONG used, int n, INT level, INT type, const void *data, SIZE_T length)
{
    const CMSGHDR *h = object(buffer.bytes, used, n);

    assert_non_null(h);
    assert_int_equal((uintptr_t)h % 8, 0);
    assert_int_equal(h->cmsg_level, level);
    assert_int_equal(h->cmsg_type, type);
    assert_int_equal(h->cmsg_len, sizeof(*h) + length);
    assert_memory_equal(h + 1, data, length);
}

static const struct net_packet_info v4_packet = {
    .present = NET_INFO_DST | NET_INFO_IFINDEX | NET_INFO_TTL | NET_INFO_TOS | NET_INFO_SEGMENT,
    .dst = { .family = NET_IP4, .ip = { 10, 0, 0, 1 } },
    .ifindex = 3,
    .ttl = 64,
    .tos = 0xb9,
    .segment_bytes = 1000,
};

static void out_v4(void **state)
{
    BOOLEAN cut;
    const INT ttl = 64, tos = 0xb9, ecn = 1, segment = 1000, interface = 3;
    IN_PKTINFO p4 = { .ipi_ifindex = 3 };

    (void)state;
    memcpy(&p4.ipi_addr, "\x0a\0\0\x01", 4);
    use(AF_INET, 0);
    assert_int_equal(WskpControlOut(sock, &v4_packet, buffer.bytes, 512, &cut), 0);
    assert_false(cut);
    use(AF_INET, ~0u);
    ULONG used = WskpControlOut(sock, &v4_packet, buffer.bytes, 512, &cut);
    assert_false(cut);
    assert_int_equal(used, 7 * 24);
    expect(used, 0, IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));
    expect(used, 1, IPPROTO_IP, IP_RECVDSTADDR, "\x0a\0\0\x01", 4);
    expect(used, 2, IPPROTO_IP, IP_RECVIF, &interface, 4);
    expect(used, 3, IPPROTO_IP, IP_TTL, &ttl, 4);
    expect(used, 4, IPPROTO_IP, IP_TOS, &tos, 4);
    expect(used, 5, IPPROTO_IP, IP_ECN, &ecn, 4);
    expect(used, 6, IPPROTO_UDP, UDP_COALESCED_INFO, &segment, 4);
    assert_null(object(buffer.bytes, used, 7));
}

static void out_dual_stack(void **state)
{
    BOOLEAN cut;
    const INT hops = 64, tclass = 0xb9;
    IN_PKTINFO p4 = { .ipi_ifindex = 3 };
    IN6_PKTINFO p6 = { .ipi6_ifindex = 3 };
    struct net_packet_info info = v4_packet;

    (void)state;
    memcpy(&p4.ipi_addr, "\x0a\0\0\x01", 4);
    use(AF_INET6, WSKP_INFO_PKTINFO4 | WSKP_INFO_PKTINFO6 | WSKP_INFO_HOPS6);
    ULONG used = WskpControlOut(sock, &info, buffer.bytes, 512, &cut);
    expect(used, 0, IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));
    assert_null(object(buffer.bytes, used, 1)); /* IP_HOPLIMIT was not asked for */

    /* the same in mapped form */
    info.dst = (struct net_addr){ .family = NET_IP6, .ip = { [10] = 0xff, 0xff, 10, 0, 0, 1 } };
    used = WskpControlOut(sock, &info, buffer.bytes, 512, &cut);
    expect(used, 0, IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));

    info.dst = (struct net_addr){ .family = NET_IP6, .ip = { 0xfd, [15] = 1 } };
    memcpy(&p6.ipi6_addr, info.dst.ip, 16);
    use(AF_INET6, WSKP_INFO_PKTINFO6 | WSKP_INFO_HOPS6 | WSKP_INFO_TCLASS6 | WSKP_INFO_TTL4);
    used = WskpControlOut(sock, &info, buffer.bytes, 512, &cut);
    expect(used, 0, IPPROTO_IPV6, IPV6_PKTINFO, &p6, sizeof(p6));
    expect(used, 1, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, 4);
    expect(used, 2, IPPROTO_IPV6, IPV6_TCLASS, &tclass, 4);
    assert_null(object(buffer.bytes, used, 3));
}

static void out_error(void **state)
{
    BOOLEAN cut;
    IN_RECVERR e;
    struct net_packet_info info = { .present = NET_INFO_ERROR,
                                    .error = { .icmp_type = 3, .icmp_code = 4, .info = 1400 } };

    (void)state;
    memset(&e, 0, sizeof(e));
    e.protocol = IPPROTO_ICMP;
    e.info = 1400;
    e.type = 3;
    e.code = 4;
    use(AF_INET, WSKP_INFO_ERR4);
    ULONG used = WskpControlOut(sock, &info, buffer.bytes, 512, &cut);
    expect(used, 0, IPPROTO_IP, IP_RECVERR, &e, sizeof(e));
    e.protocol = IPPROTO_ICMPV6;
    use(AF_INET6, WSKP_INFO_ERR4 | WSKP_INFO_ERR6);
    used = WskpControlOut(sock, &info, buffer.bytes, 512, &cut);
    expect(used, 0, IPPROTO_IPV6, IPV6_RECVERR, &e, sizeof(e));
    e.protocol = IPPROTO_ICMP;
    info.error.offender.family = NET_IP4;
    used = WskpControlOut(sock, &info, buffer.bytes, 512, &cut);
    expect(used, 0, IPPROTO_IP, IP_RECVERR, &e, sizeof(e));
}

static void out_truncated(void **state)
{
    BOOLEAN cut;

    (void)state;
    use(AF_INET, WSKP_INFO_PKTINFO4 | WSKP_INFO_TTL4);
    for (ULONG room = 0; room <= 64; room++) {
        memset(buffer.bytes, 0xee, sizeof(buffer.bytes));
        ULONG used = WskpControlOut(sock, &v4_packet, buffer.bytes, room, &cut);
        assert_int_equal(used, room < 24 ? 0 : room < 44 ? 24 : room < 48 ? 44 : 48);
        assert_int_equal(cut, room < 44);
        assert_int_equal(buffer.bytes[room], 0xee);
    }
}

static int setup(void **state)
{
    (void)state;
    sock = calloc(1, sizeof(*sock));
    return sock ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(sock);
    return 0;
}

/* Objects that are too short for what they are, or of another kind of socket. */
static void in_too_short(void **state)
{
    struct net_packet_info info;
    UCHAR bytes[32] = { 0 };

    (void)state;
    use(AF_INET, 0);
    buffer.used = 0;
    add(IPPROTO_IP, IP_PKTINFO, bytes, sizeof(IN_PKTINFO) - 1);
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
    use(AF_INET6, 0);
    buffer.used = 0;
    add(IPPROTO_IPV6, IPV6_PKTINFO, bytes, sizeof(IN6_PKTINFO) - 1);
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
    buffer.used = 0; /* neither an address nor an interface: nothing is asked for */
    add(IPPROTO_IPV6, IPV6_PKTINFO, bytes, sizeof(IN6_PKTINFO));
    assert_int_equal(parse(&info), STATUS_SUCCESS);
    assert_int_equal(info.present, 0);
    buffer.used = 0;
    add_int(IPPROTO_UDP, UDP_SEND_MSG_SIZE, 100);
    assert_int_equal(parse(&info), STATUS_SUCCESS);
    sock->Type = SOCK_RAW;
    assert_int_equal(parse(&info), STATUS_INVALID_PARAMETER);
    sock->Type = SOCK_DGRAM;
    /* What follows the last object is too short for another one. */
    assert_int_equal(WskpControlIn(sock, buffer.used + 8, (const CMSGHDR *)buffer.bytes, &info),
                     STATUS_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_packet_info), cmocka_unit_test(in_numbers),
        cmocka_unit_test(in_several),     cmocka_unit_test(in_malformed),
        cmocka_unit_test(out_v4),         cmocka_unit_test(out_dual_stack),
        cmocka_unit_test(out_error),      cmocka_unit_test(out_truncated),
        cmocka_unit_test(in_too_short),
    };

    return cmocka_run_group_tests_name("wsk control", tests, setup, teardown);
}
