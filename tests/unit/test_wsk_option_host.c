/* The option table over the machine's own sockets: what is set is what is read back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wsk/wskp.h"

#include <mstcpip.h>
#include <ws2ipdef.h>

static struct net *net;
static WSKP_SOCKET *sock;
static WSKP_DATAGRAM_STATE datagram;
static bool closed;

static void close_done(struct net_op *op)
{
    (void)op;
    closed = true;
}

static void open_socket(UCHAR category, ADDRESS_FAMILY family)
{
    struct net_open o = { .kind = category == WSKP_DATAGRAM ? NET_EP_DATAGRAM : NET_EP_STREAM,
                          .family = family == AF_INET6 ? NET_IP6 : NET_IP4 };

    memset(sock, 0, sizeof(*sock));
    memset(&datagram, 0, sizeof(datagram));
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    sock->Category = category;
    sock->Family = family;
    sock->Type = category == WSKP_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM;
    sock->Datagram = category == WSKP_DATAGRAM ? &datagram : NULL;
    assert_int_equal(net_epoll.open(net, &o, &sock->Ep), 0);
}

static void close_socket(void)
{
    struct net_op op = { .code = NET_OP_CLOSE, .done = close_done };

    closed = false;
    assert_int_equal(net_epoll.submit(sock->Ep, &op), NET_PENDING);
    while (!closed)
        net_epoll.poll(net, HOST_FOREVER);
}

static NTSTATUS set(INT level, ULONG code, ULONG value)
{
    WSKP_CONTROL c = { .Level = (ULONG)level,
                       .Code = code,
                       .Input = &value,
                       .InputSize = sizeof(value),
                       .HasIrp = TRUE };
    return WskpSetOption(sock, &c);
}

static NTSTATUS get(INT level, ULONG code, ULONG *value)
{
    WSKP_CONTROL c = { .Level = (ULONG)level,
                       .Code = code,
                       .Output = value,
                       .OutputSize = sizeof(*value),
                       .HasIrp = TRUE };
    *value = 0xdeadbeef;
    return WskpGetOption(sock, &c);
}

typedef struct {
    INT level;
    ULONG code;
    ULONG value;
    ULONG initial; /* ANY: not the same everywhere */
} ROW;
#define ANY 0xffffffffu

static void round_trips(UCHAR category, ADDRESS_FAMILY family, const ROW *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ULONG value;
        open_socket(category, family);
        NTSTATUS status = get(rows[i].level, rows[i].code, &value);
        if (status != STATUS_SUCCESS || (rows[i].initial != ANY && value != rows[i].initial))
            fail_msg("row %zu: initially 0x%08x, %u", i, status, value);
        status = set(rows[i].level, rows[i].code, rows[i].value);
        if (status != STATUS_SUCCESS)
            fail_msg("row %zu: set 0x%08x", i, status);
        status = get(rows[i].level, rows[i].code, &value);
        if (status != STATUS_SUCCESS || value != rows[i].value)
            fail_msg("row %zu: then 0x%08x, %u", i, status, value);
        close_socket();
    }
}

static void datagram4(void **state)
{
    static const ROW rows[] = {
        { SOL_SOCKET, SO_BROADCAST, 1, 0 },
        { SOL_SOCKET, SO_DONTROUTE, 1, 0 },
        { SOL_SOCKET, SO_RCVBUF, 30000, ANY },
        { SOL_SOCKET, SO_REUSEADDR, 1, 0 },
        { SOL_SOCKET, SO_REUSE_MULTICASTPORT, 1, 0 },
        { IPPROTO_IP, IP_TOS, 0x28, 0 },
        { IPPROTO_IP, IP_TTL, 17, ANY },
        { IPPROTO_IP, IP_MULTICAST_TTL, 4, 1 },
        { IPPROTO_IP, IP_MULTICAST_LOOP, 0, 1 },
        { IPPROTO_IP, IP_DONTFRAGMENT, 1, ANY },
        { IPPROTO_IP, IP_MTU_DISCOVER, 3, ANY },
        { IPPROTO_IP, IP_PKTINFO, 1, 0 },
        { IPPROTO_IP, IP_HOPLIMIT, 1, 0 },
        { IPPROTO_IP, IP_RECVTOS, 1, 0 },
        { IPPROTO_IP, IP_ECN, 1, 0 },
        { IPPROTO_IP, IP_RECVERR, 1, 0 },
        { IPPROTO_IP, IP_RECVIF, 1, 0 },
        { IPPROTO_IP, IP_RECVDSTADDR, 1, 0 },
        { IPPROTO_IP, IP_RECEIVE_BROADCAST, 0, 1 },
        { IPPROTO_IP, IP_MULTICAST_IF, 0x0100007f, 0 },
        { IPPROTO_IP, IP_UNICAST_IF, 0x01000000, 0 },
        { IPPROTO_UDP, UDP_NOCHECKSUM, 1, 0 },
        { IPPROTO_UDP, UDP_SEND_MSG_SIZE, 1000, 0 },
        { IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, 60000, 0 },
    };

    (void)state;
    round_trips(WSKP_DATAGRAM, AF_INET, rows, sizeof(rows) / sizeof(rows[0]));
}

static void datagram6(void **state)
{
    static const ROW rows[] = {
        { IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33, ANY },
        { IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3, 1 },
        { IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, 1 },
        { IPPROTO_IPV6, IPV6_MULTICAST_IF, 1, 0 },
        { IPPROTO_IPV6, IPV6_DONTFRAG, 1, 0 },
        { IPPROTO_IPV6, IPV6_PKTINFO, 1, 0 },
        { IPPROTO_IPV6, IPV6_HOPLIMIT, 1, 0 },
        { IPPROTO_IPV6, IPV6_RECVIF, 1, 0 },
        { IPPROTO_IPV6, IPV6_RECVDSTADDR, 1, 0 },
        { IPPROTO_IPV6, IPV6_V6ONLY, 0, 1 }, /* D50 */
        { IPPROTO_IPV6, IPV6_UNICAST_IF, 1, 0 },
        { IPPROTO_IPV6, IPV6_TCLASS, 0x28, 0 },
        { IPPROTO_IPV6, IPV6_RECVTCLASS, 1, 0 },
        { IPPROTO_IPV6, IPV6_ECN, 1, 0 },
        { IPPROTO_IPV6, IPV6_MTU_DISCOVER, 1, ANY },
        { IPPROTO_IPV6, IPV6_RECVERR, 1, 0 },
        /* legal on dual-stack sockets */
        { IPPROTO_IP, IP_DONTFRAGMENT, 1, ANY },
        { IPPROTO_IP, IP_PKTINFO, 1, 0 },
        { IPPROTO_IP, IP_HOPLIMIT, 1, 0 },
        { IPPROTO_IP, IP_RECVTOS, 1, 0 },
        { IPPROTO_IP, IP_ECN, 1, 0 },
        { IPPROTO_IP, IP_RECVERR, 1, 0 },
        { IPPROTO_UDP, UDP_SEND_MSG_SIZE, 1200, 0 },
        { IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, 1, 0 },
    };

    (void)state;
    round_trips(WSKP_DATAGRAM, AF_INET6, rows, sizeof(rows) / sizeof(rows[0]));
}

static void connection(void **state)
{
    static const ROW rows[] = {
        { SOL_SOCKET, SO_KEEPALIVE, 1, 0 },
        { SOL_SOCKET, SO_RCVBUF, 50000, ANY },
        { SOL_SOCKET, SO_SNDBUF, 50000, ANY },
        { SOL_SOCKET, SO_OOBINLINE, 1, 0 },
        { SOL_SOCKET, SO_RANDOMIZE_PORT, 1, 0 },
        { SOL_SOCKET, SO_PORT_SCALABILITY, 1, 0 },
        { SOL_SOCKET, SO_REUSE_UNICASTPORT, 1, 0 },
        { IPPROTO_IP, IP_TTL, 17, ANY },
        { IPPROTO_TCP, TCP_NODELAY, 1, 0 },
        { IPPROTO_TCP, TCP_KEEPALIVE, 30, ANY },
        { IPPROTO_TCP, TCP_KEEPINTVL, 5, ANY },
        { IPPROTO_TCP, TCP_KEEPCNT, 4, ANY },
        { IPPROTO_TCP, TCP_MAXSEG, 600, ANY },
        { IPPROTO_TCP, TCP_MAXRT, 9, 0 },
        { IPPROTO_TCP, TCP_MAXRTMS, 9000, 0 },
        { IPPROTO_TCP, TCP_NOSYNRETRIES, 1, 0 },
        { IPPROTO_TCP, TCP_FASTOPEN, 1, 0 },
        { IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, 1, 0 },
    };

    (void)state;
    round_trips(WSKP_CONNECTION, AF_INET, rows, sizeof(rows) / sizeof(rows[0]));
}

static void memberships(void **state)
{
    static const struct {
        ADDRESS_FAMILY family;
        INT level;
        ULONG join, leave;
        UCHAR request[20];
        SIZE_T size;
    } rows[] = {
        { AF_INET,
          IPPROTO_IP,
          IP_ADD_MEMBERSHIP,
          IP_DROP_MEMBERSHIP,
          { 239, 1, 2, 3, 127, 0, 0, 1 },
          8 },
        { AF_INET,
          IPPROTO_IP,
          IP_ADD_MEMBERSHIP,
          IP_DROP_MEMBERSHIP,
          { 239, 1, 2, 3, 0, 0, 0, 1 },
          8 },
        { AF_INET,
          IPPROTO_IP,
          IP_ADD_SOURCE_MEMBERSHIP,
          IP_DROP_SOURCE_MEMBERSHIP,
          { 232, 1, 2, 3, 192, 0, 2, 1, 127, 0, 0, 1 },
          12 },
        { AF_INET6,
          IPPROTO_IPV6,
          IPV6_ADD_MEMBERSHIP,
          IPV6_DROP_MEMBERSHIP,
          { 0xff, 0x02, [15] = 0x77, [16] = 1 },
          20 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        WSKP_CONTROL c = { .Level = (ULONG)rows[i].level,
                           .Code = rows[i].join,
                           .Input = (PVOID)(uintptr_t)rows[i].request,
                           .InputSize = rows[i].size,
                           .HasIrp = TRUE };
        open_socket(WSKP_DATAGRAM, rows[i].family);
        NTSTATUS status = WskpSetOption(sock, &c);
        if (status != STATUS_SUCCESS)
            fail_msg("row %zu: join 0x%08x", i, status);
        c.Code = rows[i].leave;
        assert_int_equal(WskpSetOption(sock, &c), STATUS_SUCCESS);
        assert_false(NT_SUCCESS(WskpSetOption(sock, &c))); /* no member any more */
        close_socket();
    }
}

static int setup(void **state)
{
    static const struct net_config config;

    (void)state;
    Wskp.Transport = &net_epoll;
    sock = calloc(1, sizeof(*sock));
    return sock && net_epoll.create(&net, &config) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    net_epoll.destroy(net);
    free(sock);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagram4),
        cmocka_unit_test(datagram6),
        cmocka_unit_test(connection),
        cmocka_unit_test(memberships),
    };

    return cmocka_run_group_tests_name("wsk option on the host", tests, setup, teardown);
}
