/*
 * sim_opt.c: socket options of the simulated hosts: kept, checked and answered as Linux does it.
 *
 * What the model itself obeys: sharing of ports, buffers, TCP_NODELAY, SYNCNT and USER_TIMEOUT,
 * TTL, TOS, packet information, multicast, broadcast, segmentation, errors. The rest is only
 * remembered. Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

#define STREAM  1
#define MESSAGE 2
#define BOTH    3
#define ONLY6   4   /* IPv6 sockets only */
#define FLAG    8   /* stored as 0 or 1 */
#define MINUS   32  /* -1 means the default */
#define OTHER   128 /* has code of its own */

#define BUFFER_MAX 425984

static const struct row {
    int flags, initial, min, max;
} rows[NET_OPT_COUNT] = {
    [NET_OPT_REUSEADDR] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_REUSEPORT] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_KEEPALIVE] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_BROADCAST] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_RCVBUF] = { BOTH | OTHER, 0, 0, 0 },
    [NET_OPT_SNDBUF] = { BOTH | OTHER, 0, 0, 0 },
    [NET_OPT_DONTROUTE] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_OOBINLINE] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_NO_CHECK] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_IP_OPTIONS] = { BOTH | OTHER, 0, 0, 0 },
    [NET_OPT_IP_TOS] = { BOTH, 0, 0, 255 },
    [NET_OPT_IP_TTL] = { BOTH | MINUS, 64, 1, 255 },
    [NET_OPT_IP_MULTICAST_IF] = { MESSAGE | OTHER, 0, 0, 0 },
    [NET_OPT_IP_MULTICAST_TTL] = { MESSAGE | MINUS, 1, 0, 255 },
    [NET_OPT_IP_MULTICAST_LOOP] = { BOTH | FLAG, 1, 0, 0 },
    [NET_OPT_IP_ADD_MEMBERSHIP] = { MESSAGE | OTHER, 0, 0, 0 },
    [NET_OPT_IP_DROP_MEMBERSHIP] = { MESSAGE | OTHER, 0, 0, 0 },
    [NET_OPT_IP_ADD_SOURCE] = { MESSAGE | OTHER, 0, 0, 0 },
    [NET_OPT_IP_DROP_SOURCE] = { MESSAGE | OTHER, 0, 0, 0 },
    [NET_OPT_IP_BLOCK_SOURCE] = { MESSAGE | OTHER, 0, 0, 0 },
    [NET_OPT_IP_UNBLOCK_SOURCE] = { MESSAGE | OTHER, 0, 0, 0 },
    [NET_OPT_IP_MTU_DISCOVER] = { BOTH, 1, 0, 5 },
    [NET_OPT_IP_MTU] = { BOTH | OTHER, 0, 0, 0 },
    [NET_OPT_IP_PKTINFO] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_IP_RECVTTL] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_IP_RECVTOS] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_IP_RECVERR] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_IP_UNICAST_IF] = { BOTH | OTHER, 0, 0, 0 },
    [NET_OPT_IP_BIND_ADDRESS_NO_PORT] = { BOTH | FLAG, 0, 0, 0 },
    [NET_OPT_IPV6_HOPOPTS] = { BOTH | ONLY6 | OTHER, 0, 0, 0 },
    [NET_OPT_IPV6_UNICAST_HOPS] = { BOTH | ONLY6 | MINUS, 64, 0, 255 },
    [NET_OPT_IPV6_MULTICAST_IF] = { MESSAGE | ONLY6 | OTHER, 0, 0, 0 },
    [NET_OPT_IPV6_MULTICAST_HOPS] = { MESSAGE | ONLY6 | MINUS, 1, 0, 255 },
    [NET_OPT_IPV6_MULTICAST_LOOP] = { BOTH | ONLY6 | FLAG, 1, 0, 0 },
    [NET_OPT_IPV6_ADD_MEMBERSHIP] = { MESSAGE | ONLY6 | OTHER, 0, 0, 0 },
    [NET_OPT_IPV6_DROP_MEMBERSHIP] = { MESSAGE | ONLY6 | OTHER, 0, 0, 0 },
    [NET_OPT_IPV6_DONTFRAG] = { BOTH | ONLY6 | FLAG, 0, 0, 0 },
    [NET_OPT_IPV6_RECVPKTINFO] = { BOTH | ONLY6 | FLAG, 0, 0, 0 },
    [NET_OPT_IPV6_RECVHOPLIMIT] = { BOTH | ONLY6 | FLAG, 0, 0, 0 },
    [NET_OPT_IPV6_RECVTCLASS] = { BOTH | ONLY6 | FLAG, 0, 0, 0 },
    [NET_OPT_IPV6_RECVERR] = { BOTH | ONLY6 | FLAG, 0, 0, 0 },
    [NET_OPT_IPV6_V6ONLY] = { BOTH | ONLY6 | OTHER, 1, 0, 0 },
    [NET_OPT_IPV6_UNICAST_IF] = { BOTH | ONLY6 | OTHER, 0, 0, 0 },
    [NET_OPT_IPV6_TCLASS] = { BOTH | ONLY6 | MINUS, 0, 0, 255 },
    [NET_OPT_IPV6_MTU_DISCOVER] = { BOTH | ONLY6, 1, 0, 5 },
    [NET_OPT_IPV6_MTU] = { BOTH | ONLY6 | OTHER, 0, 0, 0 },
    [NET_OPT_TCP_NODELAY] = { STREAM | FLAG, 0, 0, 0 },
    [NET_OPT_TCP_KEEPIDLE] = { STREAM, 7200, 1, 32767 },
    [NET_OPT_TCP_KEEPINTVL] = { STREAM, 75, 1, 32767 },
    [NET_OPT_TCP_KEEPCNT] = { STREAM, 9, 1, 127 },
    [NET_OPT_TCP_MAXSEG] = { STREAM | OTHER, 0, 0, 0 },
    [NET_OPT_TCP_USER_TIMEOUT] = { STREAM, 0, 0, INT32_MAX },
    [NET_OPT_TCP_SYNCNT] = { STREAM, 6, 1, 127 },
    [NET_OPT_TCP_CONGESTION] = { STREAM | OTHER, 0, 0, 0 },
    [NET_OPT_TCP_FASTOPEN] = { STREAM, 0, 0, INT32_MAX },
    [NET_OPT_TCP_FASTOPEN_CONNECT] = { STREAM | FLAG, 0, 0, 0 },
    [NET_OPT_UDP_SEGMENT] = { MESSAGE, 0, 0, 65535 },
    [NET_OPT_UDP_GRO] = { MESSAGE | FLAG, 0, 0, 0 },
};

void sim_sock_defaults(struct sim_sock *s)
{
    for (unsigned i = 0; i < NET_OPT_COUNT; i++)
        s->opt[i] = rows[i].initial;
    memcpy(s->congestion, "cubic", 6);
}

static bool applies(const struct sim_sock *s, enum net_opt opt)
{
    int kind = s->kind == NET_EP_STREAM ? STREAM : MESSAGE;

    return (unsigned)opt < NET_OPT_COUNT && (rows[opt].flags & kind) &&
           !((rows[opt].flags & ONLY6) && s->family != NET_IP6);
}

/* ---- multicast --------------------------------------------------------------------------- */

static int find_member(const struct sim_sock *s, const struct net_mreq *m, bool block)
{
    for (unsigned i = 0; i < s->member_count; i++) {
        if (net_addr_same_ip(&s->members[i].group, &m->group) && s->members[i].block == block &&
            net_addr_same_ip(&s->members[i].source, &m->source))
            return (int)i;
    }
    return -1;
}

static int join(struct sim_sock *s, const struct net_mreq *m, bool block)
{
    if (!sim_is_multicast(&m->group))
        return -EINVAL;
    if (m->ifindex > SIM_ETH_INDEX ||
        (m->interface.family != NET_UNSPEC && !sim_is_any(&m->interface) &&
         !sim_host_has(s->host, &m->interface)))
        return -ENODEV;
    if (find_member(s, m, block) >= 0)
        return m->source.family == NET_UNSPEC ? -EADDRINUSE : -EADDRNOTAVAIL;
    if (s->member_count == SIM_MEMBERSHIPS)
        return -ENOBUFS;
    s->members[s->member_count++] = (struct sim_member){ m->group, m->source, block };
    return 0;
}

static int leave(struct sim_sock *s, const struct net_mreq *m, bool block)
{
    int i = find_member(s, m, block);

    if (i < 0)
        return -EADDRNOTAVAIL;
    s->members[i] = s->members[--s->member_count];
    return 0;
}

static int set_mreq(struct sim_sock *s, enum net_opt opt, const void *data, size_t length)
{
    struct net_mreq m;

    if (length != sizeof(m))
        return -EINVAL;
    memcpy(&m, data, sizeof(m));
    switch (opt) {
    case NET_OPT_IP_MULTICAST_IF:
        if (m.interface.family == NET_IP4 && !sim_is_any(&m.interface) &&
            !sim_host_has(s->host, &m.interface))
            return -EADDRNOTAVAIL;
        s->multicast_if = m;
        return 0;
    case NET_OPT_IP_ADD_MEMBERSHIP:
    case NET_OPT_IPV6_ADD_MEMBERSHIP:
    case NET_OPT_IP_ADD_SOURCE:
        return join(s, &m, false);
    case NET_OPT_IP_BLOCK_SOURCE:
        return join(s, &m, true);
    case NET_OPT_IP_UNBLOCK_SOURCE:
        return leave(s, &m, true);
    default:
        return leave(s, &m, false);
    }
}

/* ---- set --------------------------------------------------------------------------------- */

static void set_sharing(struct sim_sock *s, enum net_opt opt)
{
    struct sim_port *ports[2] = { &s->port, s->conn ? &s->conn->end[s->side].port : NULL };

    for (int i = 0; i < 2; i++) {
        if (ports[i] && opt == NET_OPT_REUSEADDR)
            ports[i]->reuse = s->opt[opt];
        else if (ports[i])
            ports[i]->reuse_port = s->opt[opt];
    }
}

static int set_buffer(struct sim_sock *s, enum net_opt opt, int value)
{
    int min = opt == NET_OPT_RCVBUF ? 2304 : 4608;
    struct sim_flow *f;

    if (value < 0 || value > BUFFER_MAX / 2)
        value = BUFFER_MAX / 2;
    s->opt[opt] = value * 2 < min ? min : value * 2;
    if (!s->conn || s->conn->phase < SIM_ACK)
        return 0;
    f = &s->conn->flow[opt == NET_OPT_SNDBUF ? s->side : !s->side];
    if (opt == NET_OPT_SNDBUF)
        f->send_bytes = (size_t)s->opt[opt];
    else if (f->receive_bytes < (size_t)s->opt[opt]) /* what was promised stays so */
        f->receive_bytes = (size_t)s->opt[opt];
    return 0;
}

static int set_other(struct sim_sock *s, enum net_opt opt, int value)
{
    switch (opt) {
    case NET_OPT_RCVBUF:
    case NET_OPT_SNDBUF:
        return set_buffer(s, opt, value);
    case NET_OPT_IPV6_V6ONLY:
        if (s->bound || s->conn)
            return -EINVAL;
        s->opt[opt] = value != 0;
        return 0;
    case NET_OPT_IP_MTU:
    case NET_OPT_IPV6_MTU:
        return opt == NET_OPT_IP_MTU ? -ENOPROTOOPT : (value && value < 1280 ? -EINVAL : 0);
    case NET_OPT_TCP_MAXSEG:
        if (value != 0 && (value < 88 || value > 32767))
            return -EINVAL;
        s->opt[opt] = value;
        return 0;
    case NET_OPT_IPV6_MULTICAST_IF:
        if (value < 0 || value > SIM_ETH_INDEX)
            return -ENODEV;
        s->opt[opt] = value;
        return 0;
    default: /* IP_UNICAST_IF, IPV6_UNICAST_IF: network byte order */
        if (value != 0 && __builtin_bswap32((uint32_t)value) > SIM_ETH_INDEX)
            return -EADDRNOTAVAIL;
        s->opt[opt] = value;
        return 0;
    }
}

static int set_int(struct sim_sock *s, enum net_opt opt, const void *data, size_t length)
{
    const struct row *row = &rows[opt];
    int value;

    if (length != sizeof(value))
        return -EINVAL;
    memcpy(&value, data, sizeof(value));
    if (row->flags & OTHER)
        return set_other(s, opt, value);
    if (row->flags & FLAG)
        value = value != 0;
    else if (value == -1 && (row->flags & MINUS))
        value = row->initial;
    else if (value < row->min || value > row->max)
        return -EINVAL;
    s->opt[opt] = value;
    if (opt == NET_OPT_REUSEADDR || opt == NET_OPT_REUSEPORT)
        set_sharing(s, opt);
    return 0;
}

static int set_congestion(struct sim_sock *s, const char *data, size_t length)
{
    char name[sizeof(s->congestion)] = "";

    if (length == 0)
        return -EINVAL;
    memcpy(name, data, length < sizeof(name) - 1 ? length : sizeof(name) - 1);
    if (strcmp(name, "cubic") != 0 && strcmp(name, "reno") != 0)
        return -ENOENT;
    memcpy(s->congestion, name, sizeof(name));
    return 0;
}

static int set_blob(struct sim_blob *b, const void *data, size_t length, size_t max)
{
    if (length > max)
        return -EINVAL;
    if (length > 0)
        memcpy(b->bytes, data, length);
    b->length = (uint8_t)length;
    return 0;
}

int sim_sock_set(struct sim_sock *s, enum net_opt opt, const void *data, size_t length)
{
    if (!applies(s, opt))
        return (opt == NET_OPT_IP_ADD_MEMBERSHIP || opt == NET_OPT_IPV6_ADD_MEMBERSHIP)
                   ? -EPROTO
                   : -ENOPROTOOPT;
    switch (opt) {
    case NET_OPT_IP_MULTICAST_IF:
    case NET_OPT_IP_ADD_MEMBERSHIP:
    case NET_OPT_IP_DROP_MEMBERSHIP:
    case NET_OPT_IP_ADD_SOURCE:
    case NET_OPT_IP_DROP_SOURCE:
    case NET_OPT_IP_BLOCK_SOURCE:
    case NET_OPT_IP_UNBLOCK_SOURCE:
    case NET_OPT_IPV6_ADD_MEMBERSHIP:
    case NET_OPT_IPV6_DROP_MEMBERSHIP:
        return set_mreq(s, opt, data, length);
    case NET_OPT_TCP_CONGESTION:
        return set_congestion(s, data, length);
    case NET_OPT_IP_OPTIONS:
        return set_blob(&s->ip_options, data, length, 40);
    case NET_OPT_IPV6_HOPOPTS:
        return set_blob(&s->hop_options, data, length, sizeof(s->hop_options.bytes));
    default:
        return set_int(s, opt, data, length);
    }
}

/* ---- get --------------------------------------------------------------------------------- */

static int get_mtu(const struct sim_sock *s, int *value)
{
    if (!s->conn)
        return -ENOTCONN;
    *value = sim_is_loopback(&s->remote) ? SIM_LO_MTU : SIM_MTU;
    return 0;
}

static int get_int(struct sim_sock *s, enum net_opt opt, int *value)
{
    *value = s->opt[opt];
    switch (opt) {
    case NET_OPT_RCVBUF:
    case NET_OPT_SNDBUF:
        if (*value == 0 && s->kind != NET_EP_STREAM)
            *value = 212992;
        else if (*value == 0)
            *value = opt == NET_OPT_RCVBUF ? 131072 : 16384;
        return 0;
    case NET_OPT_IP_MTU:
    case NET_OPT_IPV6_MTU:
        return get_mtu(s, value);
    case NET_OPT_TCP_MAXSEG:
        if (sim_tcp_connected(s))
            *value = sim_is_loopback(&s->remote) ? 32768 : 1448;
        else if (*value == 0)
            *value = 536;
        return 0;
    default:
        return 0;
    }
}

static int give(void *data, size_t *length, const void *from, size_t n)
{
    if (n > *length)
        n = *length;
    memcpy(data, from, n);
    *length = n;
    return 0;
}

static int get_multicast_if(const struct sim_sock *s, void *data, size_t *length)
{
    struct net_mreq m = { .interface = s->multicast_if.interface };

    if (*length < sizeof(m))
        return -EINVAL;
    m.interface.family = NET_IP4;
    return give(data, length, &m, sizeof(m));
}

int sim_sock_get(struct sim_sock *s, enum net_opt opt, void *data, size_t *length)
{
    int value, error;

    if (!applies(s, opt))
        return -ENOPROTOOPT;
    switch (opt) {
    case NET_OPT_IP_MULTICAST_IF:
        return get_multicast_if(s, data, length);
    case NET_OPT_IP_ADD_MEMBERSHIP:
    case NET_OPT_IP_DROP_MEMBERSHIP:
    case NET_OPT_IP_ADD_SOURCE:
    case NET_OPT_IP_DROP_SOURCE:
    case NET_OPT_IP_BLOCK_SOURCE:
    case NET_OPT_IP_UNBLOCK_SOURCE:
    case NET_OPT_IPV6_ADD_MEMBERSHIP:
    case NET_OPT_IPV6_DROP_MEMBERSHIP:
        return -ENOPROTOOPT;
    case NET_OPT_TCP_CONGESTION:
        return give(data, length, s->congestion, sizeof(s->congestion));
    case NET_OPT_IP_OPTIONS:
        return give(data, length, s->ip_options.bytes, s->ip_options.length);
    case NET_OPT_IPV6_HOPOPTS:
        return give(data, length, s->hop_options.bytes, s->hop_options.length);
    default:
        break;
    }
    if (*length < sizeof(int))
        return -EINVAL;
    error = get_int(s, opt, &value);
    return error ? error : give(data, length, &value, sizeof(value));
}
