/* The option table: sizes (D53), rules, and what reaches the network. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wsk/wskp.h"

#include <ws2ipdef.h>
#include <mstcpip.h>

/* A network that remembers integers, like the host's own sockets would. */
static int values[NET_OPT_COUNT];
static struct net_mreq last_request;
static int refuse; /* -errno for every call */

static int fake_ctl(struct net_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    (void)ep;
    if (refuse)
        return refuse;
    if (what == NET_CTL_ERROR) {
        arg->value = ECONNRESET;
        return 0;
    }
    if (what == NET_CTL_SET && arg->length == sizeof(struct net_mreq))
        memcpy(&last_request, arg->data, sizeof(last_request));
    else if (what == NET_CTL_SET && arg->length == sizeof(int))
        memcpy(&values[arg->opt], arg->data, sizeof(int));
    else if (what == NET_CTL_GET)
        memcpy(arg->data, &values[arg->opt], arg->length = sizeof(int));
    return 0;
}

static const struct net_transport fake = { .name = "fake", .ctl = fake_ctl };
static WSKP_SOCKET *sock;
static WSKP_DATAGRAM_STATE datagram;

static void use(UCHAR category, ADDRESS_FAMILY family)
{
    memset(sock, 0, sizeof(*sock));
    memset(&datagram, 0, sizeof(datagram));
    memset(values, 0, sizeof(values));
    refuse = 0;
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    sock->Category = category;
    sock->Family = family;
    sock->Type = category == WSKP_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM;
    sock->Datagram = category == WSKP_DATAGRAM ? &datagram : NULL;
}

static NTSTATUS set(INT level, ULONG code, const void *data, SIZE_T size)
{
    WSKP_CONTROL c = { .Level = (ULONG)level,
                       .Code = code,
                       .Input = size ? (PVOID)(uintptr_t)data : NULL,
                       .InputSize = size,
                       .HasIrp = TRUE };
    return WskpSetOption(sock, &c);
}

static NTSTATUS set_ulong(INT level, ULONG code, ULONG value)
{
    return set(level, code, &value, sizeof(value));
}

static SIZE_T written, needed;

static NTSTATUS get(INT level, ULONG code, void *data, SIZE_T size)
{
    WSKP_CONTROL c = { .Level = (ULONG)level,
                       .Code = code,
                       .Output = size ? data : NULL,
                       .OutputSize = size,
                       .HasIrp = TRUE };
    NTSTATUS status = WskpGetOption(sock, &c);
    written = c.Written;
    needed = c.Needed;
    return status;
}

static ULONG get_ulong(INT level, ULONG code)
{
    ULONG value = 0xdeadbeef;

    assert_int_equal(get(level, code, &value, sizeof(value)), STATUS_SUCCESS);
    assert_int_equal(written, 4);
    return value;
}

static void boolean_sizes(void **state)
{
    static const UCHAR on[8] = { 0, 0, 1 }, beyond[8] = { 0, 0, 0, 0, 1 }, one[1] = { 1 };
    UCHAR out[8];

    (void)state;
    use(WSKP_CONNECTION, AF_INET);
    assert_int_equal(set(SOL_SOCKET, SO_KEEPALIVE, one, 1), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_KEEPALIVE], 1);
    assert_int_equal(sock->Options.KeepAlive, 1);
    assert_int_equal(set(SOL_SOCKET, SO_KEEPALIVE, on, 2), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_KEEPALIVE], 0);
    assert_int_equal(set(SOL_SOCKET, SO_KEEPALIVE, on, 3), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_KEEPALIVE], 1);
    assert_int_equal(set(SOL_SOCKET, SO_KEEPALIVE, beyond, 8), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_KEEPALIVE], 0);
    assert_int_equal(set(SOL_SOCKET, SO_KEEPALIVE, NULL, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(set(SOL_SOCKET, SO_KEEPALIVE, on, 4), STATUS_SUCCESS);
    for (SIZE_T size = 0; size <= 8; size++) {
        memset(out, 0xee, sizeof(out));
        NTSTATUS status = get(SOL_SOCKET, SO_KEEPALIVE, out, size);
        assert_int_equal(status, size ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW);
        assert_int_equal(written, size == 0 ? 0 : size < 4 ? 1 : 4);
        if (size == 0)
            assert_int_equal(needed, 4);
        else
            assert_int_equal(out[0], 1);
        assert_int_equal(out[size < 4 ? (size ? 1 : 0) : 4], 0xee);
    }
}

static void number_sizes(void **state)
{
    ULONG value = 5000;
    UCHAR out[8];

    (void)state;
    use(WSKP_DATAGRAM, AF_INET);
    assert_int_equal(set(SOL_SOCKET, SO_RCVBUF, &value, 3), STATUS_INVALID_PARAMETER);
    assert_int_equal(set(SOL_SOCKET, SO_RCVBUF, &value, 4), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_RCVBUF], 5000);
    values[NET_OPT_RCVBUF] = 10000; /* what Linux would say */
    assert_int_equal(get_ulong(SOL_SOCKET, SO_RCVBUF), 5000);
    memset(out, 0xee, sizeof(out));
    assert_int_equal(get(SOL_SOCKET, SO_RCVBUF, out, 3), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(needed, 4);
    assert_int_equal(written, 0);
    assert_int_equal(out[0], 0xee); /* no partial data */
}

/* Plain rows: what is set reaches the network's option and is read back. */
static void rows(void **state)
{
    static const struct {
        UCHAR category;
        ADDRESS_FAMILY family;
        INT level;
        ULONG code;
        enum net_opt net;
        ULONG value;
        int there;
    } plain[] = {
        { WSKP_DATAGRAM, AF_INET, SOL_SOCKET, SO_BROADCAST, NET_OPT_BROADCAST, 1, 1 },
        { WSKP_DATAGRAM, AF_INET, SOL_SOCKET, SO_DONTROUTE, NET_OPT_DONTROUTE, 1, 1 },
        { WSKP_CONNECTION, AF_INET, SOL_SOCKET, SO_OOBINLINE, NET_OPT_OOBINLINE, 1, 1 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_IP, IP_TOS, NET_OPT_IP_TOS, 0x88, 0x88 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_IP, IP_TTL, NET_OPT_IP_TTL, 9, 9 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_IP, IP_DONTFRAGMENT, NET_OPT_IP_MTU_DISCOVER, 1, 2 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, NET_OPT_IP_MTU_DISCOVER, 0, 1 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, NET_OPT_IP_MTU_DISCOVER, 1, 2 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, NET_OPT_IP_MTU_DISCOVER, 2, 0 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, NET_OPT_IP_MTU_DISCOVER, 3, 3 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_IP, IP_UNICAST_IF, NET_OPT_IP_UNICAST_IF, 0x02000000,
          0x02000000 },
        { WSKP_DATAGRAM, AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_IF, NET_OPT_IPV6_UNICAST_IF, 2,
          0x02000000 },
        { WSKP_DATAGRAM, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, NET_OPT_IPV6_V6ONLY, 1, 1 },
        { WSKP_DATAGRAM, AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, NET_OPT_IPV6_TCLASS, 7, 7 },
        { WSKP_DATAGRAM, AF_INET6, IPPROTO_IPV6, IPV6_DONTFRAG, NET_OPT_IPV6_DONTFRAG, 1, 1 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_NODELAY, NET_OPT_TCP_NODELAY, 1, 1 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_KEEPALIVE, NET_OPT_TCP_KEEPIDLE, 30, 30 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_KEEPINTVL, NET_OPT_TCP_KEEPINTVL, 5, 5 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_KEEPCNT, NET_OPT_TCP_KEEPCNT, 3, 3 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_MAXRT, NET_OPT_TCP_USER_TIMEOUT, 3, 3000 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_MAXRTMS, NET_OPT_TCP_USER_TIMEOUT, 3, 3 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_NOSYNRETRIES, NET_OPT_TCP_SYNCNT, 1, 1 },
        { WSKP_CONNECTION, AF_INET, IPPROTO_TCP, TCP_FASTOPEN, NET_OPT_TCP_FASTOPEN_CONNECT, 1, 1 },
        { WSKP_LISTEN, AF_INET, IPPROTO_TCP, TCP_FASTOPEN, NET_OPT_TCP_FASTOPEN, 1, 128 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_UDP, UDP_NOCHECKSUM, NET_OPT_NO_CHECK, 1, 1 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_UDP, UDP_SEND_MSG_SIZE, NET_OPT_UDP_SEGMENT, 1400, 1400 },
        { WSKP_DATAGRAM, AF_INET, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, NET_OPT_UDP_GRO, 60000,
          1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        use(plain[i].category, plain[i].family);
        values[plain[i].net] = -1;
        NTSTATUS status = set_ulong(plain[i].level, plain[i].code, plain[i].value);
        if (status != STATUS_SUCCESS || values[plain[i].net] != plain[i].there)
            fail_msg("row %zu: 0x%08x, %d", i, status, values[plain[i].net]);
        if (get_ulong(plain[i].level, plain[i].code) != plain[i].value)
            fail_msg("row %zu reads differently", i);
    }
}

/* Kept here, not in the network. */
static void kept(void **state)
{
    static const struct {
        UCHAR category;
        INT level;
        ULONG code, value;
    } list[] = {
        { WSKP_CONNECTION, SOL_SOCKET, SO_SNDBUF, 77 },
        { WSKP_LISTEN, SOL_SOCKET, SO_REUSEADDR, 1 },
        { WSKP_DATAGRAM, SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE, 1 },
        { WSKP_CONNECTION, SOL_SOCKET, SO_RANDOMIZE_PORT, 1 },
        { WSKP_CONNECTION, SOL_SOCKET, SO_PORT_SCALABILITY, 1 },
        { WSKP_CONNECTION, IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, 1 },
        { WSKP_DATAGRAM, IPPROTO_IP, IP_RECEIVE_BROADCAST, 0 },
    };
    LINGER linger = { 1, 30 }, back;

    (void)state;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        use(list[i].category, AF_INET);
        assert_int_equal(set_ulong(list[i].level, list[i].code, list[i].value), STATUS_SUCCESS);
        assert_int_equal(get_ulong(list[i].level, list[i].code), list[i].value);
    }
    use(WSKP_CONNECTION, AF_INET);
    assert_int_equal(set(SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), STATUS_SUCCESS);
    assert_int_equal(get(SOL_SOCKET, SO_LINGER, &back, sizeof(back)), STATUS_SUCCESS);
    assert_memory_equal(&linger, &back, sizeof(back));
    assert_int_equal(get_ulong(SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    assert_int_equal(get_ulong(SOL_SOCKET, SO_ERROR), (ULONG)STATUS_CONNECTION_RESET);
    assert_int_equal(set_ulong(SOL_SOCKET, SO_TYPE, 1), STATUS_INVALID_PARAMETER);
}

static void rules(void **state)
{
    ULONG one = 1;
    WSKP_CONTROL no_irp = {
        .Level = SOL_SOCKET, .Code = SO_KEEPALIVE, .Input = &one, .InputSize = sizeof(one)
    };

    (void)state;
    use(WSKP_CONNECTION, AF_INET);
    assert_int_equal(WskpSetOption(sock, &no_irp), STATUS_INVALID_PARAMETER); /* D04 */
    no_irp.Level = IPPROTO_TCP;
    no_irp.Code = TCP_NODELAY;
    assert_int_equal(WskpSetOption(sock, &no_irp), STATUS_SUCCESS); /* D54 */
    assert_int_equal(set_ulong(SOL_SOCKET, SO_BROADCAST, 1), STATUS_INVALID_DEVICE_REQUEST);
    assert_int_equal(set_ulong(SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1),
                     STATUS_INVALID_DEVICE_REQUEST);
    sock->State = WskpBound;
    assert_int_equal(set_ulong(SOL_SOCKET, SO_REUSEADDR, 1), STATUS_INVALID_DEVICE_STATE);
    assert_int_equal(set_ulong(SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE, 1),
                     STATUS_INVALID_DEVICE_STATE);
    assert_int_equal(get_ulong(SOL_SOCKET, SO_REUSEADDR), 0); /* reading is legal */
    use(WSKP_CONNECTION, AF_INET);
    assert_int_equal(set_ulong(SOL_SOCKET, SO_REUSEADDR, 1), STATUS_SUCCESS);
    assert_int_equal(set_ulong(SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE, 1),
                     STATUS_INVALID_PARAMETER);
    use(WSKP_LISTEN, AF_INET);
    assert_int_equal(set_ulong(SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1), STATUS_INVALID_PARAMETER);
    use(WSKP_DATAGRAM, AF_INET);
    assert_int_equal(set_ulong(IPPROTO_TCP, TCP_NODELAY, 1), STATUS_NOT_SUPPORTED);
    assert_int_equal(set_ulong(IPPROTO_IPV6, IPV6_V6ONLY, 1), STATUS_NOT_SUPPORTED);
    refuse = -ENOPROTOOPT;
    assert_int_equal(set_ulong(IPPROTO_UDP, UDP_SEND_MSG_SIZE, 1), STATUS_NOT_SUPPORTED);
    refuse = -EINVAL;
    assert_int_equal(set_ulong(IPPROTO_IP, IP_TTL, 0), STATUS_INVALID_PARAMETER);
}

static void unsupported(void **state)
{
    static const struct {
        INT level;
        ULONG code;
    } list[] = {
        { SOL_SOCKET, SO_SNDTIMEO },
        { SOL_SOCKET, SO_RCVTIMEO },
        { SOL_SOCKET, SO_PAUSE_ACCEPT },
        { SOL_SOCKET, SO_COMPARTMENT_ID },
        { SOL_SOCKET, 0x7777 },
        { IPPROTO_IP, IP_ORIGINAL_ARRIVAL_IF },
        { IPPROTO_IP, IP_PKTINFO_EX },
        { IPPROTO_IP, IP_USER_MTU },
        { IPPROTO_IPV6, IPV6_PROTECTION_LEVEL },
        { IPPROTO_TCP, TCP_EXPEDITED_1122 },
        { IPPROTO_TCP, TCP_TIMESTAMPS },
        { IPPROTO_TCP, TCP_CONGESTION_ALGORITHM },
        { IPPROTO_TCP, TCP_ICMP_ERROR_INFO },
        { IPPROTO_TCP, TCP_BSDURGENT },
        { 4711, 1 },
    };
    ULONG value = 1;

    (void)state;
    use(WSKP_CONNECTION, AF_INET6);
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        assert_int_equal(set_ulong(list[i].level, list[i].code, 1), STATUS_NOT_SUPPORTED);
        assert_int_equal(get(list[i].level, list[i].code, &value, 4), STATUS_NOT_SUPPORTED);
    }
}

static void packet_information(void **state)
{
    (void)state;
    use(WSKP_DATAGRAM, AF_INET);
    assert_int_equal(set_ulong(IPPROTO_IP, IP_PKTINFO, 1), STATUS_SUCCESS);
    assert_int_equal(set_ulong(IPPROTO_IP, IP_RECVTOS, 1), STATUS_SUCCESS);
    assert_int_equal(set_ulong(IPPROTO_IP, IP_ECN, 1), STATUS_SUCCESS);
    assert_int_equal(datagram.InfoMask, WSKP_INFO_PKTINFO4 | WSKP_INFO_TOS4 | WSKP_INFO_ECN4);
    assert_int_equal(values[NET_OPT_IP_PKTINFO], 1);
    assert_int_equal(values[NET_OPT_IP_RECVTOS], 1);
    assert_int_equal(values[NET_OPT_IPV6_RECVPKTINFO], 0);
    assert_int_equal(set_ulong(IPPROTO_IP, IP_RECVTOS, 0), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_IP_RECVTOS], 1); /* IP_ECN still needs it */
    assert_int_equal(set_ulong(IPPROTO_IP, IP_ECN, 0), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_IP_RECVTOS], 0);
    assert_int_equal(get_ulong(IPPROTO_IP, IP_PKTINFO), 1);
    assert_int_equal(get_ulong(IPPROTO_IP, IP_ECN), 0);

    use(WSKP_DATAGRAM, AF_INET6);
    assert_int_equal(set_ulong(IPPROTO_IP, IP_HOPLIMIT, 1), STATUS_SUCCESS);
    assert_int_equal(values[NET_OPT_IP_RECVTTL], 1);
    assert_int_equal(values[NET_OPT_IPV6_RECVPKTINFO], 1); /* tells the families apart */
    refuse = -ENOPROTOOPT;
    assert_int_equal(set_ulong(IPPROTO_IPV6, IPV6_RECVERR, 1), STATUS_NOT_SUPPORTED);
    assert_int_equal(datagram.InfoMask, WSKP_INFO_TTL4);

    use(WSKP_DATAGRAM, AF_INET);
    assert_int_equal(set_ulong(IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, 9000), STATUS_SUCCESS);
    assert_int_equal(datagram.InfoMask, WSKP_INFO_COALESCED);
    assert_int_equal(set_ulong(IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, 0), STATUS_SUCCESS);
    assert_int_equal(datagram.InfoMask, 0);
    assert_int_equal(values[NET_OPT_UDP_GRO], 0);
}

static void memberships(void **state)
{
    static const UCHAR by_address[8] = { 239, 1, 2, 3, 10, 0, 0, 1 };
    static const UCHAR by_index[8] = { 239, 1, 2, 3, 0, 0, 0, 5 };
    static const UCHAR source[12] = { 239, 1, 2, 3, 192, 0, 2, 9, 10, 0, 0, 1 };
    UCHAR v6[20] = { 0xff, 0x02, [15] = 1, [16] = 4 };

    (void)state;
    use(WSKP_DATAGRAM, AF_INET);
    assert_int_equal(set(IPPROTO_IP, IP_ADD_MEMBERSHIP, by_address, 8), STATUS_SUCCESS);
    assert_memory_equal(last_request.group.ip, by_address, 4);
    assert_memory_equal(last_request.interface.ip, by_address + 4, 4);
    assert_int_equal(last_request.ifindex, 0);
    assert_int_equal(set(IPPROTO_IP, IP_DROP_MEMBERSHIP, by_index, 8), STATUS_SUCCESS);
    assert_int_equal(last_request.ifindex, 5);
    assert_int_equal(last_request.interface.family, NET_UNSPEC);
    assert_int_equal(set(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, source, 12), STATUS_SUCCESS);
    assert_memory_equal(last_request.source.ip, source + 4, 4);
    assert_memory_equal(last_request.interface.ip, source + 8, 4);
    assert_int_equal(set(IPPROTO_IP, IP_ADD_MEMBERSHIP, by_address, 7), STATUS_INVALID_PARAMETER);
    use(WSKP_DATAGRAM, AF_INET6);
    assert_int_equal(set(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, v6, 20), STATUS_SUCCESS);
    assert_int_equal(last_request.ifindex, 4);
    assert_memory_equal(last_request.group.ip, v6, 16);
}

static void inherited(void **state)
{
    WSKP_SOCKET *accepted = calloc(1, sizeof(*accepted));

    (void)state;
    use(WSKP_LISTEN, AF_INET);
    assert_int_equal(set_ulong(SOL_SOCKET, SO_KEEPALIVE, 1), STATUS_SUCCESS);
    assert_int_equal(set_ulong(SOL_SOCKET, SO_RCVBUF, 1234), STATUS_SUCCESS);
    assert_int_equal(set_ulong(SOL_SOCKET, SO_REUSEADDR, 1), STATUS_SUCCESS);
    values[NET_OPT_KEEPALIVE] = values[NET_OPT_RCVBUF] = 0;
    WskpInheritOptions(sock, accepted);
    assert_int_equal(values[NET_OPT_KEEPALIVE], 1);
    assert_int_equal(values[NET_OPT_RCVBUF], 1234);
    assert_int_equal(accepted->Options.KeepAlive, 1);
    assert_int_equal(accepted->Options.ReceiveBuffer, 1234);
    assert_int_equal(accepted->Options.ReuseAddress, 0);
    free(accepted);
}

static int setup(void **state)
{
    (void)state;
    sock = calloc(1, sizeof(*sock));
    Wskp.Transport = &fake;
    return sock ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(sock);
    return 0;
}

/* ---- every option there is --------------------------------------------------------------------
 */

static const struct {
    UCHAR category;
    ADDRESS_FAMILY family;
} kinds[] = {
    { WSKP_DATAGRAM, AF_INET },    { WSKP_DATAGRAM, AF_INET6 }, { WSKP_CONNECTION, AF_INET },
    { WSKP_CONNECTION, AF_INET6 }, { WSKP_LISTEN, AF_INET },    { WSKP_BASIC, AF_INET },
    { WSKP_STREAM, AF_INET },
};

static unsigned visited;

/* Calls check(level, code) with each level and each code that any option has. */
static void each_option(void (*check)(INT level, ULONG code))
{
    static const INT levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP };
    static const ULONG starts[] = { 0, 0x1000, 0x3000, 0x7000, 0xffffff00 };

    visited = 0;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
            for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
                for (ULONG i = 0; i < 256; i++) {
                    use(kinds[k].category, kinds[k].family);
                    check(levels[l], starts[s] + i);
                }
}

/* No value, one that is too short, no room: refused without a trace. */
static void without_value(INT level, ULONG code)
{
    struct _WSKP_OPTIONS before = sock->Options;
    UCHAR out[8];
    NTSTATUS status = set(level, code, NULL, 0);

    /* Header options are a block of any length: none at all takes them back. */
    if (status == STATUS_SUCCESS)
        assert_true(level == IPPROTO_IP || level == IPPROTO_IPV6);
    else
        assert_true(status == STATUS_INVALID_PARAMETER || status == STATUS_NOT_SUPPORTED ||
                    status == STATUS_INVALID_DEVICE_REQUEST);
    assert_memory_equal(&before, &sock->Options, sizeof(before));
    assert_int_equal(datagram.InfoMask, 0);
    visited += status == STATUS_INVALID_PARAMETER;
    status = get(level, code, out, 0);
    assert_int_not_equal(status, STATUS_SUCCESS);
    assert_int_equal(written, 0);
    if (status == STATUS_BUFFER_OVERFLOW)
        assert_in_range(needed, 1, 256);
}

static void values_that_are_missing(void **state)
{
    (void)state;
    each_option(without_value);
    assert_in_range(visited, 100, 1000);
}

/* What the network refuses has not happened, and its refusal is the answer. */
static void refused_by_the_network(INT level, ULONG code)
{
    static const UCHAR zeros[64], ones[64] = { 1 };
    UCHAR out[256];
    NTSTATUS status;

    for (int round = 0; round < 2; round++) {
        struct _WSKP_OPTIONS before = sock->Options;
        refuse = -EACCES;
        status = set(level, code, round ? ones : zeros, 64);
        if (status == STATUS_ACCESS_DENIED) {
            assert_memory_equal(&before, &sock->Options, sizeof(before));
            assert_int_equal(datagram.InfoMask, 0);
            assert_int_equal(datagram.SendMessageSize, 0);
            visited++;
        }
    }
    if (level == SOL_SOCKET && code == SO_WSK_SECURITY)
        return; /* asks the client, and there is none here */
    memset(out, 0xee, sizeof(out));
    status = get(level, code, out, sizeof(out));
    if (status == STATUS_ACCESS_DENIED) {
        assert_int_equal(written, 0);
        assert_int_equal(out[0], 0xee);
        visited++;
    }
}

static void network_refuses(void **state)
{
    (void)state;
    each_option(refused_by_the_network);
    assert_in_range(visited, 100, 1000);
}

static void network_statuses(void **state)
{
    static const struct {
        int result;
        NTSTATUS status;
    } rows[] = {
        { -EINVAL, STATUS_INVALID_PARAMETER },        { -EDOM, STATUS_INVALID_PARAMETER },
        { -ERANGE, STATUS_INVALID_PARAMETER },        { -ENODEV, STATUS_INVALID_ADDRESS_COMPONENT },
        { -ENXIO, STATUS_INVALID_ADDRESS_COMPONENT }, { -EACCES, STATUS_ACCESS_DENIED },
    };

    (void)state;
    use(WSKP_DATAGRAM, AF_INET);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        refuse = rows[i].result;
        assert_int_equal(set_ulong(SOL_SOCKET, SO_BROADCAST, 1), rows[i].status);
    }
}

/* Numbers of the network that have no counterpart. */
static void strange_answers(void **state)
{
    ULONG value = 0;

    (void)state;
    use(WSKP_DATAGRAM, AF_INET);
    for (int i = -1; i <= 4; i++) {
        values[NET_OPT_IP_MTU_DISCOVER] = i;
        assert_int_equal(get(IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof(value)),
                         i < 0 || i > 3 ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS);
    }
    assert_int_equal(set_ulong(IPPROTO_UDP, UDP_SEND_MSG_SIZE, 0x10000), STATUS_INVALID_PARAMETER);
    assert_int_equal(set_ulong(IPPROTO_IP, IP_TOS, 256), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boolean_sizes),
        cmocka_unit_test(number_sizes),
        cmocka_unit_test(rows),
        cmocka_unit_test(kept),
        cmocka_unit_test(rules),
        cmocka_unit_test(unsupported),
        cmocka_unit_test(packet_information),
        cmocka_unit_test(memberships),
        cmocka_unit_test(inherited),
        cmocka_unit_test(values_that_are_missing),
        cmocka_unit_test(network_refuses),
        cmocka_unit_test(network_statuses),
        cmocka_unit_test(strange_answers),
    };

    return cmocka_run_group_tests_name("wsk option", tests, setup, teardown);
}
