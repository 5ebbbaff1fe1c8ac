/*
 * sim_peer.c: the life of model peers, and what they have in common. Under the world's lock.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "net/sim_peerp.h"

uint8_t sim_pattern(uint64_t position, unsigned stream)
{
    uint64_t x = (position + 1) * 0x9e3779b97f4a7c15u + (uint64_t)stream * 0xc2b2ae3d27d4eb4fu;

    return (uint8_t)(x >> 56 ^ x >> 32 ^ x >> 11);
}

void sim_peer_violation(struct sim_peer *p, const char *format, ...)
{
    char text[sizeof(p->result.error)];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (!p->result.error[0])
        snprintf(p->result.error, sizeof(p->result.error), "%s", text);
    sim_violation(p->world, "%s", text);
}

void sim_peer_soon(struct sim_peer *p, struct sim_event *e, void (*run)(struct sim_event *))
{
    if (!e->queued)
        sim_event_at(p->world, e, host_now(), run);
}

static bool is_datagram(enum sim_peer_kind kind)
{
    return kind == SIM_PEER_UDP_ECHO || kind == SIM_PEER_UDP_CHECKER;
}

static void (*step_of(const struct sim_peer *p))(struct sim_event *)
{
    if (p->kind == SIM_PEER_UDP_ECHO)
        return sim_peer_udp_echo;
    if (p->kind == SIM_PEER_UDP_CHECKER)
        return sim_peer_udp_check;
    return p->target.family == NET_UNSPEC ? sim_talk_accept : sim_talk_connect;
}

static void peer_ready(struct sim_sock *s)
{
    struct sim_peer *p = SIM_OF(s, struct sim_peer, sock);

    if (p->kind == SIM_PEER_UDP_CHECKER && p->result.datagrams_out > 0)
        sim_event_cancel(p->world, &p->step); /* it looks at once, whatever it waits for */
    sim_peer_soon(p, &p->step, step_of(p));
}

static int start(struct sim_peer *p, const struct net_addr *at)
{
    bool serves = p->target.family == NET_UNSPEC;
    enum net_ep_kind kind = is_datagram(p->kind) ? NET_EP_DATAGRAM : NET_EP_STREAM;
    enum net_family family = p->target.family;
    int error = 0;

    if (serves && !at)
        return -EINVAL;
    if (serves)
        family = at->family;
    sim_sock_init(&p->sock, p->world, p->host, kind, family);
    p->sock.ready = peer_ready;
    if (serves || (at && kind == NET_EP_DATAGRAM)) {
        if (kind == NET_EP_STREAM)
            (void)sim_sock_set(&p->sock, NET_OPT_REUSEADDR, &(int){ 1 }, sizeof(int));
        error = sim_sock_bind(&p->sock, at);
    }
    if (!error && serves && kind == NET_EP_STREAM)
        error = sim_sock_listen(&p->sock, 128);
    if (!error && !serves)
        sim_event_at(p->world, &p->step, host_now() + p->params.start_ns, step_of(p));
    return error;
}

static void guarded_add(struct sim_world *w, struct sim_peer *p)
{
    struct sim_peer **last;

    for (last = &w->peers; *last; last = &(*last)->next)
        ;
    *last = p;
    sim_guard(w);
}

int sim_peer_add(struct sim_world *w, struct sim_peer **out, enum sim_peer_kind kind, int host,
                 const struct net_addr *at, const struct net_addr *target,
                 const struct sim_peer_params *params)
{
    struct sim_peer *p = host_zalloc(sizeof(*p));
    int error;

    if (!p)
        return -ENOMEM;
    p->world = w;
    p->kind = kind;
    p->params = *params;
    if (target)
        p->target = *target;
    if (p->params.chunk == 0 || p->params.chunk > SIM_PEER_CHUNK)
        p->params.chunk = kind == SIM_PEER_UDP_CHECKER ? 512 : SIM_PEER_CHUNK;
    if (p->params.count == 0)
        p->params.count = 1;
    if (kind == SIM_PEER_UDP_CHECKER && !(p->seen = host_zalloc(p->params.count))) {
        host_free(p);
        return -ENOMEM;
    }
    host_lock(&w->lock);
    p->host = sim_host(w, host);
    error = p->host ? start(p, at) : -EINVAL;
    if (!error)
        guarded_add(w, p);
    host_unlock(&w->lock);
    if (!error) {
        *out = p;
        return 0;
    }
    host_free(p->seen);
    host_free(p);
    return error;
}

void sim_peer_result(struct sim_peer *p, struct sim_peer_result *out)
{
    host_lock(&p->world->lock);
    *out = p->result;
    host_unlock(&p->world->lock);
}

static void break_talks(struct sim_peer *p, bool reset)
{
    struct sim_talk *t, *next;

    for (t = p->talks; t; t = next) {
        next = t->next;
        if (!sim_tcp_connected(&t->sock))
            continue;
        p->world->fired[reset ? SIM_RESET : SIM_HALF_CLOSE]++;
        if (reset) {
            (void)sim_talk_end(t, false, true);
            continue;
        }
        sim_talk_fin(t);
        sim_peer_soon(p, &t->step, sim_talk_step);
    }
}

void sim_peers_break(struct sim_world *w, bool reset)
{
    host_lock(&w->lock);
    for (struct sim_peer *p = w->peers; p; p = p->next)
        break_talks(p, reset);
    sim_guard(w);
    host_unlock(&w->lock);
}

void sim_peers_free(struct sim_world *w)
{
    struct sim_peer *p;

    while ((p = w->peers)) {
        w->peers = p->next;
        sim_event_cancel(w, &p->step);
        while (p->talks)
            sim_talk_free(p->talks);
        if (is_datagram(p->kind))
            sim_udp_close(&p->sock);
        else
            sim_tcp_close(&p->sock, true);
        host_free(p->seen);
        host_free(p);
    }
}
