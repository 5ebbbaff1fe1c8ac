/*
 * sim_handshake.c: how a connection begins: SYN, the answer, the listener's queue.
 *
 *   SYN ----> (listener found) SYNACK ----> (connector is connected) ACK ----> ESTABLISHED, queued
 *
 * A SYN that is lost, or finds the backlog full, is sent again after 1, 2, 4, ... seconds; what
 * comes after it is sent reliably. One event, conn->step, carries the handshake on. Under the
 * world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

static void send_syn(struct sim_conn *c);
static void syn_arrives(struct sim_event *e);

static struct sim_conn *conn_of_step(struct sim_event *e)
{
    return SIM_OF(e, struct sim_conn, step);
}

/* The connect has failed. */
static void fail(struct sim_conn *c, int error)
{
    struct sim_sock *s = c->end[0].sock;

    if (s) {
        s->conn = NULL;
        s->error = error;
        c->end[0].sock = NULL;
    }
    sim_conn_free(c);
    if (s)
        s->ready(s);
}

static void refused(struct sim_event *e)
{
    fail(conn_of_step(e), ECONNREFUSED);
}

static void unreachable(struct sim_event *e)
{
    fail(conn_of_step(e), EHOSTUNREACH);
}

static void timer_fires(struct sim_event *e)
{
    struct sim_conn *c = conn_of_step(e);
    struct sim_sock *s = c->end[0].sock;
    int limit_ms = s ? s->opt[NET_OPT_TCP_USER_TIMEOUT] : 0;
    unsigned tries = s ? (unsigned)s->opt[NET_OPT_TCP_SYNCNT] : 0;

    if (c->tries > tries || (limit_ms > 0 && host_now() - c->started_ns >= limit_ms * SIM_MS))
        fail(c, ETIMEDOUT);
    else
        send_syn(c);
}

/* Nothing came back: when the connector tries again, or gives up. */
static void await_timer(struct sim_conn *c)
{
    const struct sim_sock *s = c->end[0].sock;
    int64_t at = host_now() + (SIM_SYN_RTO_NS << c->tries);

    c->tries++;
    if (s && s->opt[NET_OPT_TCP_USER_TIMEOUT] > 0 &&
        at > c->started_ns + s->opt[NET_OPT_TCP_USER_TIMEOUT] * SIM_MS)
        at = c->started_ns + s->opt[NET_OPT_TCP_USER_TIMEOUT] * SIM_MS;
    sim_event_at(c->world, &c->step, at, timer_fires);
}

/* A packet of the handshake that only arrives late at worst. */
static void step_to(struct sim_conn *c, int to, void (*run)(struct sim_event *))
{
    sim_event_at(c->world, &c->step,
                 sim_transit(c->world, c->end[!to].host, c->end[to].host, 0, true), run);
}

static void send_syn(struct sim_conn *c)
{
    struct sim_world *w = c->world;
    int64_t at;

    c->phase = SIM_SYN;
    if (c->fate == SIM_FATE_UNREACHABLE || (!c->end[1].host && !w->config.silent_void)) {
        sim_event_at(w, &c->step, host_now() + SIM_ARP_NS, unreachable);
        return;
    }
    at = c->fate == SIM_FATE_TIMEOUT || !c->end[1].host
             ? -1
             : sim_transit(w, c->end[0].host, c->end[1].host, 0, false);
    if (at < 0)
        await_timer(c);
    else
        sim_event_at(w, &c->step, at, syn_arrives);
}

void sim_conn_start(struct sim_conn *c)
{
    struct sim_world *w = c->world;

    if (sim_fires(w, SIM_REFUSED, "tcp:refused"))
        c->fate = SIM_FATE_REFUSED;
    else if (sim_fires(w, SIM_TIMEOUT, "tcp:timeout"))
        c->fate = SIM_FATE_TIMEOUT;
    else if (sim_fires(w, SIM_UNREACHABLE, "tcp:unreachable"))
        c->fate = SIM_FATE_UNREACHABLE;
    c->started_ns = host_now();
    send_syn(c);
}

/* ---- at the listener --------------------------------------------------------------------- */

static void hold_child_port(struct sim_conn *c, const struct sim_sock *listener)
{
    struct sim_port *p = &c->end[1].port;

    sim_port_release(p);
    memset(p, 0, sizeof(*p));
    p->host = c->end[1].host;
    p->kind = NET_EP_STREAM;
    p->addr = c->end[1].addr;
    p->reuse = listener->port.reuse;
    p->reuse_port = listener->port.reuse_port;
    sim_port_hold(c->world, p);
}

/* The buffers of the accepting side are the listener's. */
static size_t buffer_of(const struct sim_sock *s, enum net_opt opt, size_t otherwise)
{
    return s && s->opt[opt] > 0 ? (size_t)s->opt[opt] : otherwise;
}

static void size_buffers(struct sim_conn *c, const struct sim_sock *listener)
{
    const struct sim_config *config = &c->world->config;
    const struct sim_sock *s = c->end[0].sock;

    sim_flow_init(&c->flow[0], 0, buffer_of(s, NET_OPT_SNDBUF, config->send_buffer_bytes),
                  buffer_of(listener, NET_OPT_RCVBUF, config->receive_buffer_bytes));
    sim_flow_init(&c->flow[1], 1, buffer_of(listener, NET_OPT_SNDBUF, config->send_buffer_bytes),
                  buffer_of(s, NET_OPT_RCVBUF, config->receive_buffer_bytes));
}

static void synack_arrives(struct sim_event *e);

static void syn_arrives(struct sim_event *e)
{
    struct sim_conn *c = conn_of_step(e);
    struct sim_sock *listener =
        sim_port_find(c->world, c->end[1].host, NET_EP_STREAM, &c->end[1].addr);

    if (!listener || c->fate == SIM_FATE_REFUSED) {
        step_to(c, 0, refused);
        return;
    }
    if (listener->accept_count > listener->backlog ||
        sim_fires(c->world, SIM_BACKLOG, "tcp:backlog")) {
        await_timer(c);
        return;
    }
    c->listener = listener;
    c->phase = SIM_SYNACK;
    hold_child_port(c, listener);
    size_buffers(c, listener);
    step_to(c, 0, synack_arrives);
}

static void established(struct sim_conn *c)
{
    if (sim_chance(c->world, SIM_RESET, "tcp:reset")) {
        struct sim_flow *f = &c->flow[host_choose(2, HOST_CHOOSE_ORDER, "tcp:reset direction")];

        f->reset_at = f->sent + sim_choose_size(65536, "tcp:reset byte");
    }
    sim_flow_push(c, 1);
}

/* The connector may be gone, or its listener: the other side learns it by a reset. */
static void last_ack_arrives(struct sim_event *e)
{
    struct sim_conn *c = conn_of_step(e);
    struct sim_sock *listener = c->listener;

    c->phase = SIM_ESTABLISHED;
    if (!listener || c->end[1].broken) {
        c->end[1].broken = c->end[1].closed = true;
        sim_conn_reset(c, 0);
        sim_conn_check(c);
        return;
    }
    c->queued = true;
    c->accept_next = NULL;
    *listener->accept_tail = c;
    listener->accept_tail = &c->accept_next;
    listener->accept_count++;
    established(c);
    listener->ready(listener);
}

static void synack_arrives(struct sim_event *e)
{
    struct sim_conn *c = conn_of_step(e);

    c->phase = SIM_ACK;
    step_to(c, 1, last_ack_arrives);
    if (c->flow[0].last_at_ns < c->step.at_ns)
        c->flow[0].last_at_ns = c->step.at_ns;
    sim_flow_push(c, 0);
    sim_end_ready(c, 0);
}

/* ---- the listener's queue ---------------------------------------------------------------- */

struct sim_conn *sim_tcp_take(struct sim_sock *listener)
{
    struct sim_conn *c = listener->accept_head;

    if (!c)
        return NULL;
    listener->accept_head = c->accept_next;
    if (!listener->accept_head)
        listener->accept_tail = &listener->accept_head;
    listener->accept_count--;
    c->queued = false;
    c->held = true;
    c->listener = NULL;
    return c;
}

void sim_tcp_adopt(struct sim_conn *c, struct sim_sock *s)
{
    c->held = false;
    c->end[1].sock = s;
    s->conn = c;
    s->side = 1;
    s->local = c->end[1].addr;
    s->remote = c->end[0].addr;
    s->error = c->end[1].error;
}

void sim_tcp_refuse(struct sim_conn *c)
{
    c->held = false;
    c->end[1].closed = c->end[1].broken = true;
    sim_conn_reset(c, 0);
    sim_conn_check(c);
}

void sim_tcp_stop_listening(struct sim_sock *s)
{
    struct sim_conn *c;

    while ((c = sim_tcp_take(s)))
        sim_tcp_refuse(c);
    for (c = s->world->conns; c; c = c->next) {
        if (c->listener == s)
            c->listener = NULL;
    }
    s->port.listening = false;
}
