/*
 * sim_tcp.c: stream sockets and the life of their connections.
 *
 * A connection is a thing of its own, with two ends: it lives on when a socket is closed, until
 * what was written has arrived (or a reset ended it), and then in TIME_WAIT. A reset travels behind
 * the bytes that were sent before it. Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

/* ---- connections ------------------------------------------------------------------------- */

struct sim_conn *sim_conn_new(struct sim_sock *s, struct sim_host *to_host,
                              const struct net_addr *to)
{
    struct sim_world *w = s->world;
    struct sim_conn *c = host_zalloc(sizeof(*c));

    if (!c)
        return NULL;
    c->world = w;
    c->first_closer = -1;
    c->end[0].conn = c->end[1].conn = c;
    c->end[0].sock = s;
    c->end[0].host = s->host;
    c->end[0].addr = s->local;
    c->end[1].host = to_host;
    c->end[1].addr = *to;
    sim_flow_init(&c->flow[0], 0, 0, 0);
    sim_flow_init(&c->flow[1], 1, 0, 0);
    c->next = w->conns;
    c->pprev = &w->conns;
    if (c->next)
        c->next->pprev = &c->next;
    w->conns = c;
    s->conn = c;
    s->side = 0;
    return c;
}

void sim_conn_free(struct sim_conn *c)
{
    sim_event_cancel(c->world, &c->step);
    for (int i = 0; i < 2; i++) {
        sim_event_cancel(c->world, &c->end[i].rst);
        sim_flow_free(c, &c->flow[i]);
        sim_port_release(&c->end[i].port);
    }
    *c->pprev = c->next;
    if (c->next)
        c->next->pprev = c->pprev;
    host_free(c);
}

void sim_end_ready(struct sim_conn *c, int side)
{
    struct sim_sock *s = c->end[side].sock;

    if (s)
        s->ready(s);
}

static void time_wait_ends(struct sim_event *e)
{
    sim_conn_free(SIM_OF(e, struct sim_conn, step));
}

static void begin_time_wait(struct sim_conn *c)
{
    c->phase = SIM_TIME_WAIT;
    for (int i = 0; i < 2; i++) {
        sim_flow_free(c, &c->flow[i]);
        if (i != c->first_closer)
            sim_port_release(&c->end[i].port);
    }
    sim_event_at(c->world, &c->step, host_now() + SIM_TIME_WAIT_NS, time_wait_ends);
}

void sim_conn_check(struct sim_conn *c)
{
    if (c->end[0].sock || c->end[1].sock || c->queued || c->held || c->phase == SIM_TIME_WAIT)
        return;
    if (c->end[0].rst.queued || c->end[1].rst.queued)
        return;
    if (c->end[0].broken || c->end[1].broken) {
        sim_conn_free(c);
        return;
    }
    if (c->phase == SIM_ESTABLISHED && c->flow[0].fin_acked && c->flow[1].fin_acked)
        begin_time_wait(c);
}

static void reset_arrives(struct sim_event *e)
{
    struct sim_end *end = SIM_OF(e, struct sim_end, rst);
    struct sim_conn *c = end->conn;
    int side = end == &c->end[1];

    if (!end->broken) {
        end->broken = true;
        end->error = c->flow[!side].fin_arrived ? EPIPE : ECONNRESET;
        sim_event_cancel(c->world, &c->flow[side].cork);
        if (end->sock)
            end->sock->error = end->error;
        sim_end_ready(c, side);
    }
    sim_conn_check(c);
}

void sim_conn_reset(struct sim_conn *c, int to)
{
    struct sim_end *end = &c->end[to];
    int64_t at;

    if (end->broken || end->rst.queued)
        return;
    at = sim_transit(c->world, c->end[!to].host, end->host, 0, true);
    if (at < c->flow[!to].last_at_ns)
        at = c->flow[!to].last_at_ns;
    /* Behind the last packet of the handshake, too. */
    if (to == 1 && c->step.queued && at < c->step.at_ns)
        at = c->step.at_ns;
    sim_event_at(c->world, &end->rst, at, reset_arrives);
}

/* ---- connect ----------------------------------------------------------------------------- */

static int find_way(struct sim_sock *s, struct net_addr *to, struct net_addr *source)
{
    int error;

    net_addr_unmap(to);
    if (to->family != s->family && s->opt[NET_OPT_IPV6_V6ONLY])
        return -ENETUNREACH;
    if (sim_is_any(to)) {
        memset(to->ip, 0, 16);
        to->ip[to->family == NET_IP4 ? 3 : 15] = 1;
        if (to->family == NET_IP4)
            to->ip[0] = 127;
    }
    if (sim_is_multicast(to) || sim_is_broadcast(s->host, to))
        return -ENETUNREACH;
    error = sim_source_for(s->host, to, source);
    if (error || !s->bound || sim_is_any(&s->port.addr))
        return error;
    if (sim_is_loopback(&s->port.addr) && !sim_host_has(s->host, to))
        return -EINVAL;
    *source = s->port.addr;
    return 0;
}

int sim_tcp_connect(struct sim_sock *s, const struct net_addr *to)
{
    struct net_addr target = *to, source;
    struct sim_conn *c;
    int error = find_way(s, &target, &source);

    if (!error && !s->bound)
        error = sim_sock_autobind(s, &source);
    if (error)
        return error;
    source.port = s->port.addr.port;
    s->local = source;
    s->error = 0;
    c = sim_conn_new(s, sim_host_with(s->world, s->host, &target), &target);
    if (!c) {
        sim_tcp_unconnect(s);
        return -ENOMEM;
    }
    s->remote = target;
    sim_conn_start(c);
    return -EINPROGRESS;
}

bool sim_tcp_connected(const struct sim_sock *s)
{
    return s->conn && s->conn->phase >= SIM_ACK;
}

/* Takes the socket off its connection, with a reset to the other end if there is one. */
static void detach(struct sim_sock *s)
{
    struct sim_conn *c = s->conn;

    if (!c)
        return;
    s->conn = NULL;
    c->end[s->side].sock = NULL;
    if (c->phase == SIM_SYN) {
        sim_conn_free(c);
        return;
    }
    c->end[s->side].closed = true;
    if (!c->end[s->side].broken) {
        c->end[s->side].broken = true;
        sim_event_cancel(c->world, &c->end[s->side].rst);
        sim_conn_reset(c, !s->side);
    }
    sim_conn_check(c);
}

void sim_tcp_unconnect(struct sim_sock *s)
{
    detach(s);
    if (s->bound && s->chosen_port && !s->keep_port)
        sim_sock_unbind(s);
    s->local = s->bound ? s->port.addr : (struct net_addr){ .family = (uint16_t)s->family };
}

/* ---- bytes ------------------------------------------------------------------------------- */

static int take_error(struct sim_sock *s)
{
    int error = s->error;

    s->error = 0;
    return error;
}

static void cork_ends(struct sim_event *e)
{
    struct sim_flow *f = SIM_OF(e, struct sim_flow, cork);

    f->corked = false;
    sim_flow_push(SIM_OF(f - f->number, struct sim_conn, flow), f->number);
}

static void note_push(struct sim_sock *s, struct sim_flow *f, uint32_t flags)
{
    f->corked = flags & NET_F_MORE;
    if (flags & NET_F_NODELAY)
        f->pushed = f->written;
    if (f->corked && !f->cork.queued)
        sim_event_at(s->world, &f->cork, host_now() + SIM_CORK_NS, cork_ends);
    else if (!f->corked)
        sim_event_cancel(s->world, &f->cork);
}

int64_t sim_tcp_write(struct sim_sock *s, const struct iovec *iov, unsigned n, uint64_t skip,
                      uint32_t flags)
{
    struct sim_conn *c = s->conn;
    struct sim_flow *f = c ? &c->flow[s->side] : NULL;
    size_t total = net_iov_bytes(iov, n) - skip, limit, taken;

    if (s->error)
        return -take_error(s);
    if (!c || c->phase < SIM_ACK)
        return c ? -EAGAIN : -ENOTCONN;
    if (f->fin_written || c->end[s->side].broken)
        return -EPIPE;
    if (total == 0)
        return 0;
    limit = f->written - f->acked < f->send_bytes ? f->send_bytes - (f->written - f->acked) : 0;
    if (limit > total)
        limit = total;
    if (limit > 1 && sim_fires(s->world, SIM_SHORT_SEND, "tcp:short send"))
        limit = sim_choose_size(limit, "tcp:short send size");
    taken = sim_flow_put(f, iov, n, skip, limit);
    if (taken == 0)
        return -EAGAIN;
    note_push(s, f, taken == total ? flags : 0);
    sim_flow_push(c, s->side);
    return (int64_t)taken;
}

size_t sim_tcp_readable(const struct sim_sock *s)
{
    const struct sim_flow *f = s->conn ? &s->conn->flow[!s->side] : NULL;

    return f ? f->arrived - f->read : 0;
}

void sim_tcp_get(struct sim_sock *s, void *data, size_t n, size_t offset, bool peek)
{
    sim_flow_get(s->conn, !s->side, data, n, offset, peek);
    if (!peek)
        sim_flow_acknowledge(s->conn, !s->side, true);
}

int sim_tcp_end(struct sim_sock *s)
{
    if (s->error)
        return -take_error(s);
    if (!s->conn)
        return -ENOTCONN;
    return s->conn->flow[!s->side].fin_arrived || s->conn->end[s->side].broken ? 0 : -EAGAIN;
}

/* ---- the end ----------------------------------------------------------------------------- */

int sim_tcp_fin(struct sim_sock *s)
{
    struct sim_conn *c = s->conn;

    if (!sim_tcp_connected(s) || c->end[s->side].broken)
        return s->error ? -take_error(s) : -ENOTCONN;
    c->flow[s->side].fin_written = true;
    c->flow[s->side].pushed = c->flow[s->side].written;
    if (c->first_closer < 0)
        c->first_closer = s->side;
    sim_flow_push(c, s->side);
    return 0;
}

bool sim_tcp_broken(const struct sim_sock *s)
{
    return !s->conn || s->conn->end[s->side].broken;
}

bool sim_tcp_fin_acked(const struct sim_sock *s)
{
    return sim_tcp_broken(s) || s->conn->flow[s->side].fin_acked;
}

bool sim_tcp_fin_received(const struct sim_sock *s)
{
    return s->conn && s->conn->flow[!s->side].fin_arrived;
}

uint64_t sim_tcp_written(const struct sim_sock *s)
{
    return s->conn ? s->conn->flow[s->side].written : 0;
}

uint64_t sim_tcp_acked(const struct sim_sock *s)
{
    return s->conn ? s->conn->flow[s->side].acked : 0;
}

static void close_gently(struct sim_sock *s)
{
    struct sim_conn *c = s->conn;
    struct sim_end *end = &c->end[s->side];

    if (!c->flow[s->side].fin_written)
        (void)sim_tcp_fin(s);
    s->conn = NULL;
    end->sock = NULL;
    end->closed = true;
    if (s->bound) { /* the connection holds the port from now on */
        sim_port_release(&s->port);
        end->port = s->port;
        end->port.sock = NULL;
        end->port.pprev = NULL;
        sim_port_hold(s->world, &end->port);
        s->bound = false;
    }
    sim_conn_check(c);
}

void sim_tcp_close(struct sim_sock *s, bool abort)
{
    if (s->port.listening)
        sim_tcp_stop_listening(s);
    if (s->conn && !abort && sim_tcp_connected(s) && !sim_tcp_broken(s) && sim_tcp_readable(s) == 0)
        close_gently(s);
    else
        detach(s);
    if (s->bound)
        sim_sock_unbind(s);
}
