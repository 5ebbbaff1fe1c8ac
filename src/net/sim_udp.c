/*
 * sim_udp.c: datagrams from host to host.
 *
 * A datagram is a packet of its own memory, on the world's list while it travels and in a socket's
 * queue afterwards. It is lost, doubled or overtaken as the faults say; a packet that nobody wants
 * turns round and comes back as an ICMP error, which its sender hears if it asked for errors.
 * Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

#define MAX_V4       65507
#define MAX_V6       65527
#define SEGMENTS_MAX 64
#define OVERTAKEN_NS (2 * SIM_MS)
#define PACKET_COST  256 /* what a packet counts in the receive buffer besides its bytes */
#define BUFFER_BYTES 212992

/* ---- packets ----------------------------------------------------------------------------- */

static struct sim_packet *packet_new(struct sim_world *w, size_t length)
{
    struct sim_packet *p = host_alloc(sizeof(*p) + length, 16);

    if (!p)
        return NULL;
    memset(p, 0, sizeof(*p));
    p->world = w;
    p->length = length;
    p->next = w->packets;
    p->pprev = &w->packets;
    if (p->next)
        p->next->pprev = &p->next;
    w->packets = p;
    return p;
}

static struct sim_packet *packet_copy(const struct sim_packet *from, size_t offset, size_t length)
{
    struct sim_packet *p = packet_new(from->world, length);

    if (!p)
        return NULL;
    p->to_host = from->to_host;
    p->from_host = from->from_host;
    p->from = from->from;
    p->to = from->to;
    p->sender = from->sender;
    p->ttl = from->ttl;
    p->tos = from->tos;
    p->segment_bytes = from->segment_bytes;
    p->broadcast = from->broadcast;
    memcpy(p->data, from->data + offset, length);
    return p;
}

static void leave_wire(struct sim_packet *p)
{
    if (!p->pprev)
        return;
    *p->pprev = p->next;
    if (p->next)
        p->next->pprev = p->pprev;
    p->pprev = NULL;
}

void sim_packet_free(struct sim_packet *p)
{
    sim_event_cancel(p->world, &p->event);
    leave_wire(p);
    host_free(p);
}

/* ---- ICMP -------------------------------------------------------------------------------- */

static bool wants_errors(const struct sim_sock *s, const struct sim_packet *p)
{
    return s->opt[p->to.family == NET_IP4 ? NET_OPT_IP_RECVERR : NET_OPT_IPV6_RECVERR];
}

static void error_arrives(struct sim_event *e)
{
    struct sim_packet *p = SIM_OF(e, struct sim_packet, event);
    struct sim_port *port = sim_port_bucket(p->world, p->from.port);

    while (port && !(port->sock && port->sock->id == p->sender))
        port = port->next;
    if (!port || !wants_errors(port->sock, p)) {
        sim_packet_free(p);
        return;
    }
    leave_wire(p);
    p->queue_next = NULL;
    *port->sock->errors_tail = p;
    port->sock->errors_tail = &p->queue_next;
    port->sock->ready(port->sock);
}

/* Turns the packet round. */
static void turn_back(struct sim_packet *p, int error, int64_t delay_ns)
{
    struct sim_world *w = p->world;
    bool v4 = p->to.family == NET_IP4, port = error == ECONNREFUSED;
    int64_t at = host_now();

    if (p->to_host)
        at = sim_transit(w, p->to_host, p->from_host, p->length, false);
    if (at < 0) {
        sim_packet_free(p);
        return;
    }
    p->is_error = true;
    p->error = error;
    p->icmp_type = v4 ? 3 : 1;
    p->icmp_code = v4 ? (port ? 3 : 1) : (port ? 4 : 3);
    sim_event_at(w, &p->event, at + delay_ns, error_arrives);
}

/* ---- arrival ----------------------------------------------------------------------------- */

static size_t buffer_of(const struct sim_sock *s)
{
    return s->opt[NET_OPT_RCVBUF] > 0 ? (size_t)s->opt[NET_OPT_RCVBUF] : BUFFER_BYTES;
}

/* Takes the packet over. */
static void queue_packet(struct sim_sock *s, struct sim_packet *p)
{
    if (s->rx_bytes + p->length + PACKET_COST > buffer_of(s)) {
        sim_packet_free(p);
        return;
    }
    leave_wire(p);
    s->rx_bytes += p->length + PACKET_COST;
    p->queue_next = NULL;
    *s->rx_tail = p;
    s->rx_tail = &p->queue_next;
    s->ready(s);
}

static void receive_faults(struct sim_sock *s, struct sim_packet *p)
{
    struct sim_packet *empty;

    if (sim_fires(s->world, SIM_EMPTY, "udp:empty") && (empty = packet_copy(p, 0, 0)))
        queue_packet(s, empty);
    p->cut = p->length > 0 && sim_fires(s->world, SIM_TRUNCATE, "udp:truncate");
    p->blank = sim_fires(s->world, SIM_NO_CONTROL, "udp:no control");
    if (p->cut)
        p->length -= sim_choose_size(p->length, "udp:truncate size");
}

static void give(struct sim_sock *s, struct sim_packet *p)
{
    size_t step = p->segment_bytes;

    if (step > 0 && p->length > step && !s->opt[NET_OPT_UDP_GRO]) {
        for (size_t at = 0; at < p->length; at += step) {
            size_t n = p->length - at < step ? p->length - at : step;
            struct sim_packet *part = packet_copy(p, at, n);

            if (!part)
                continue; /* lost */
            part->segment_bytes = 0;
            receive_faults(s, part);
            queue_packet(s, part);
        }
        sim_packet_free(p);
        return;
    }
    receive_faults(s, p);
    queue_packet(s, p);
}

static bool is_member(const struct sim_sock *s, const struct sim_packet *p)
{
    bool joined = false;

    for (unsigned i = 0; i < s->member_count; i++) {
        const struct sim_member *m = &s->members[i];
        bool same = m->source.family == NET_UNSPEC || net_addr_same_ip(&m->source, &p->from);

        if (!net_addr_same_ip(&m->group, &p->to) || !same)
            continue;
        if (m->block)
            return false;
        joined = true;
    }
    return joined;
}

static bool hears(const struct sim_port *port, const struct sim_packet *p)
{
    if (!port->sock || port->host != p->to_host || port->kind != NET_EP_DATAGRAM ||
        port->addr.port != p->to.port)
        return false;
    if (!sim_is_any(&port->addr) && !net_addr_same_ip(&port->addr, &p->to))
        return false;
    if (p->to.family == NET_IP4 ? !(port->addr.family == NET_IP4 || port->dual)
                                : port->addr.family != NET_IP6)
        return false;
    return p->broadcast || is_member(port->sock, p);
}

static void packet_arrives(struct sim_event *e)
{
    struct sim_packet *p = SIM_OF(e, struct sim_packet, event), *copy;
    struct sim_sock *s;

    if (p->broadcast || sim_is_multicast(&p->to)) {
        for (struct sim_port *port = sim_port_bucket(p->world, p->to.port); port;
             port = port->next) {
            if (hears(port, p) && (copy = packet_copy(p, 0, p->length)))
                give(port->sock, copy);
        }
        sim_packet_free(p);
        return;
    }
    s = sim_port_find(p->world, p->to_host, NET_EP_DATAGRAM, &p->to);
    if (s)
        give(s, p);
    else
        turn_back(p, ECONNREFUSED, 0);
}

/* ---- departure --------------------------------------------------------------------------- */

static void depart(struct sim_packet *p)
{
    struct sim_world *w = p->world;
    struct sim_packet *twin;
    int64_t at = sim_transit(w, p->from_host, p->to_host, p->length, false);

    if (at < 0) {
        sim_packet_free(p);
        return;
    }
    if (sim_fires(w, SIM_ICMP, "udp:icmp")) {
        turn_back(p,
                  host_choose(2, HOST_CHOOSE_ORDER, "udp:icmp which") ? EHOSTUNREACH : ECONNREFUSED,
                  0);
        return;
    }
    if (sim_fires(w, SIM_REORDER, "udp:reorder"))
        at += sim_choose_time(OVERTAKEN_NS, "udp:reorder time");
    sim_event_at(w, &p->event, at, packet_arrives);
    if (sim_fires(w, SIM_DUPLICATE, "udp:duplicate") && (twin = packet_copy(p, 0, p->length)))
        sim_event_at(w, &twin->event, at + sim_choose_time(OVERTAKEN_NS, "udp:duplicate time"),
                     packet_arrives);
}

static void depart_to_many(struct sim_sock *s, struct sim_packet *p)
{
    bool v4 = p->to.family == NET_IP4;
    bool loop = s->opt[v4 ? NET_OPT_IP_MULTICAST_LOOP : NET_OPT_IPV6_MULTICAST_LOOP];
    bool local = sim_is_loopback(&p->from) || p->to.ip[0] == 127;

    for (struct sim_host *h = s->world->hosts; h; h = h->next) {
        struct sim_packet *copy;

        if ((h == s->host && !p->broadcast && !loop) || (h != s->host && local))
            continue;
        copy = packet_copy(p, 0, p->length);
        if (!copy)
            continue;
        copy->to_host = h;
        depart(copy);
    }
    sim_packet_free(p);
}

static int choose_source(struct sim_sock *s, const struct net_addr *to, bool broadcast,
                         const struct net_packet_info *info, struct net_addr *source)
{
    struct net_addr wish = { 0 };
    int error;

    if (info && (info->present & NET_INFO_DST))
        wish = info->dst;
    net_addr_unmap(&wish);
    if (info && (info->present & NET_INFO_IFINDEX) && info->ifindex > SIM_ETH_INDEX)
        return -ENODEV;
    if (wish.family == to->family && !sim_is_any(&wish)) {
        *source = wish;
        return sim_host_has(s->host, &wish) ? 0 : -EINVAL;
    }
    if (s->bound && !sim_is_any(&s->port.addr) && !sim_is_multicast(&s->port.addr)) {
        *source = s->port.addr;
        return sim_is_loopback(source) && !sim_host_has(s->host, to) && !broadcast &&
                       !sim_is_multicast(to)
                   ? -EINVAL
                   : 0;
    }
    error = sim_source_for(s->host, to, source);
    if (error && (broadcast || sim_is_multicast(to))) { /* only loopback is left */
        memset(source, 0, sizeof(*source));
        source->family = to->family;
        source->ip[to->family == NET_IP4 ? 3 : 15] = 1;
        if (to->family == NET_IP4)
            source->ip[0] = 127;
        error = 0;
    }
    return error;
}

static int segment_of(const struct sim_sock *s, const struct net_packet_info *info, size_t length,
                      uint32_t *segment)
{
    *segment = (uint32_t)s->opt[NET_OPT_UDP_SEGMENT];
    if (info && (info->present & NET_INFO_SEGMENT))
        *segment = info->segment_bytes;
    if (*segment == 0)
        return 0;
    return length > (size_t)*segment * SEGMENTS_MAX ? -EINVAL : 0;
}

static int check_size(const struct sim_sock *s, const struct net_addr *to, size_t length,
                      uint32_t segment)
{
    bool v4 = to->family == NET_IP4;
    size_t headers = v4 ? 28 : 48, mtu = sim_host_has(s->host, to) ? SIM_LO_MTU : SIM_MTU;
    bool whole = s->opt[v4 ? NET_OPT_IP_MTU_DISCOVER : NET_OPT_IPV6_MTU_DISCOVER] >= 2 ||
                 (!v4 && s->opt[NET_OPT_IPV6_DONTFRAG]);

    if (length > (v4 ? MAX_V4 : MAX_V6))
        return -EMSGSIZE;
    if (segment > 0 && segment + headers > mtu)
        return -EINVAL;
    return whole && segment == 0 && length + headers > mtu ? -EMSGSIZE : 0;
}

static void fill(struct sim_sock *s, struct sim_packet *p, const struct iovec *iov, unsigned n,
                 const struct net_packet_info *info)
{
    bool v4 = p->to.family == NET_IP4, many = sim_is_multicast(&p->to);
    size_t at = 0;

    for (unsigned i = 0; i < n; i++) {
        if (iov[i].iov_len > 0)
            memcpy(p->data + at, iov[i].iov_base, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    p->from.port = s->port.addr.port;
    p->sender = s->id;
    p->from_host = s->host;
    p->ttl = s->opt[v4 ? (many ? NET_OPT_IP_MULTICAST_TTL : NET_OPT_IP_TTL)
                       : (many ? NET_OPT_IPV6_MULTICAST_HOPS : NET_OPT_IPV6_UNICAST_HOPS)];
    p->tos = s->opt[v4 ? NET_OPT_IP_TOS : NET_OPT_IPV6_TCLASS];
    if (info && (info->present & NET_INFO_TTL))
        p->ttl = info->ttl;
    if (info && (info->present & NET_INFO_TOS))
        p->tos = info->tos;
}

static int prepare(struct sim_sock *s, struct net_addr *to, size_t length,
                   const struct net_packet_info *info, struct sim_packet **out)
{
    struct net_addr source, any = { .family = (uint16_t)s->family };
    struct sim_packet *p;
    uint32_t segment;
    bool broadcast;
    int error;

    net_addr_unmap(to);
    if (to->family != s->family && (s->family == NET_IP4 || s->opt[NET_OPT_IPV6_V6ONLY]))
        return s->family == NET_IP4 ? -EAFNOSUPPORT : -ENETUNREACH;
    if (to->port == 0)
        return -EINVAL;
    broadcast = sim_is_broadcast(s->host, to);
    if (broadcast && !s->opt[NET_OPT_BROADCAST])
        return -EACCES;
    error = choose_source(s, to, broadcast, info, &source);
    if (!error)
        error = segment_of(s, info, length, &segment);
    if (!error)
        error = check_size(s, to, length, segment);
    if (!error && !s->bound)
        error = sim_sock_autobind(s, &any);
    if (error)
        return error == -EADDRNOTAVAIL ? -EAGAIN : error;
    p = packet_new(s->world, length);
    if (!p)
        return -ENOBUFS;
    p->from = source;
    p->to = *to;
    p->segment_bytes = segment;
    p->broadcast = broadcast;
    *out = p;
    return 0;
}

int64_t sim_udp_send(struct sim_sock *s, const struct net_addr *to, const struct iovec *iov,
                     unsigned n, const struct net_packet_info *info)
{
    size_t length = net_iov_bytes(iov, n);
    struct net_addr target = *to;
    struct sim_packet *p;
    int error = prepare(s, &target, length, info, &p);

    if (error)
        return error;
    fill(s, p, iov, n, info);
    if (p->broadcast || sim_is_multicast(&p->to)) {
        depart_to_many(s, p);
        return (int64_t)length;
    }
    p->to_host = sim_host_with(s->world, s->host, &p->to);
    if (p->to_host)
        depart(p);
    else if (s->world->config.silent_void)
        sim_packet_free(p);
    else
        turn_back(p, EHOSTUNREACH, SIM_ARP_NS);
    return (int64_t)length;
}

/* ---- the receive queue ------------------------------------------------------------------- */

struct sim_packet *sim_udp_next(struct sim_sock *s)
{
    return s->errors ? s->errors : s->rx;
}

void sim_udp_drop(struct sim_sock *s, struct sim_packet *p)
{
    struct sim_packet **head = p->is_error ? &s->errors : &s->rx;

    HOST_ASSERT(*head == p);
    *head = p->queue_next;
    if (!*head && p->is_error)
        s->errors_tail = &s->errors;
    else if (!*head)
        s->rx_tail = &s->rx;
    if (!p->is_error)
        s->rx_bytes -= p->length + PACKET_COST;
    sim_packet_free(p);
}

void sim_udp_describe(const struct sim_sock *s, const struct sim_packet *p,
                      struct net_packet_info *info)
{
    bool v4 = p->to.family == NET_IP4, v6_info = s->opt[NET_OPT_IPV6_RECVPKTINFO];

    info->present = p->cut ? NET_INFO_TRUNCATED : 0;
    if (p->blank)
        return;
    if (p->is_error) {
        info->present |= NET_INFO_ERROR;
        info->error.code_errno = p->error;
        info->error.icmp_type = p->icmp_type;
        info->error.icmp_code = p->icmp_code;
        info->error.info = 0;
        info->error.offender = p->to;
        info->error.offender.port = 0;
        return;
    }
    if (sim_is_multicast(&p->to))
        info->present |= NET_INFO_MULTICAST;
    if (p->broadcast)
        info->present |= NET_INFO_BROADCAST;
    if (v6_info || (v4 && s->opt[NET_OPT_IP_PKTINFO])) {
        info->present |= NET_INFO_DST | NET_INFO_IFINDEX;
        info->dst = p->to;
        info->dst.port = 0;
        info->ifindex =
            sim_is_loopback(&p->from) || p->from_host == p->to_host ? SIM_LO_INDEX : SIM_ETH_INDEX;
    }
    if (s->opt[v4 ? NET_OPT_IP_RECVTTL : NET_OPT_IPV6_RECVHOPLIMIT]) {
        info->present |= NET_INFO_TTL;
        info->ttl = p->ttl;
    }
    if (s->opt[v4 ? NET_OPT_IP_RECVTOS : NET_OPT_IPV6_RECVTCLASS]) {
        info->present |= NET_INFO_TOS;
        info->tos = p->tos;
    }
    if (p->segment_bytes > 0 && p->length > p->segment_bytes) {
        info->present |= NET_INFO_SEGMENT;
        info->segment_bytes = p->segment_bytes;
    }
}

void sim_udp_close(struct sim_sock *s)
{
    struct sim_packet *p;

    while ((p = sim_udp_next(s)))
        sim_udp_drop(s, p);
    if (s->bound)
        sim_sock_unbind(s);
}
