/*
 * sim_link.c: how long a packet is on its way from one host to another, and whether it arrives.
 *
 * Each direction of each pair of hosts is a link, made when it is first used: a queue in front of a
 * bandwidth, a latency, and times until which it is clogged (packets wait) or cut (packets are
 * lost). Streams call with `reliable`: what happens to their packets is only delay, because they
 * send again. Under the world's lock.
 */
#include <errno.h>
#include "net/simp.h"

#define CLOG_MAX_NS     (5 * SIM_S)
#define CUT_MAX_NS      (5 * SIM_S)
#define PACKET_BITS     (1500 * 8)
#define LOOPBACK_JITTER (100 * 1000)

static struct sim_link *link_of(struct sim_world *w, int from, int to)
{
    struct sim_link *l;

    for (l = w->links; l; l = l->next) {
        if (l->from == from && l->to == to)
            return l;
    }
    l = host_zalloc(sizeof(*l));
    if (!l)
        return NULL;
    l->from = from;
    l->to = to;
    l->next = w->links;
    w->links = l;
    return l;
}

int sim_link_set(struct sim_world *w, int from, int to, const struct sim_link_values *values)
{
    struct sim_link *l;

    host_lock(&w->lock);
    l = link_of(w, from, to);
    if (l) {
        l->own = true;
        l->values = *values;
    }
    host_unlock(&w->lock);
    return l ? 0 : -ENOMEM;
}

int sim_link_cut(struct sim_world *w, int from, int to, int64_t until_ns)
{
    struct sim_link *l;

    host_lock(&w->lock);
    l = link_of(w, from, to);
    if (l)
        l->cut_until_ns = until_ns;
    host_unlock(&w->lock);
    return l ? 0 : -ENOMEM;
}

void sim_heal(struct sim_world *w)
{
    host_lock(&w->lock);
    w->faults = (struct sim_faults){ .latency_ns = w->faults.latency_ns };
    for (struct sim_link *l = w->links; l; l = l->next) {
        l->clogged_until_ns = l->cut_until_ns = l->busy_until_ns = 0;
        l->values.bandwidth_bps = 0;
    }
    host_unlock(&w->lock);
}

static struct sim_link_values values_of(const struct sim_world *w, const struct sim_link *l)
{
    if (l->own)
        return l->values;
    return (struct sim_link_values){ l->from == l->to ? 0 : w->faults.latency_ns,
                                     w->faults.bandwidth_bps, w->faults.queue_packets };
}

/* The faults that outlast a packet. */
static void break_link(struct sim_world *w, struct sim_link *l, int64_t now)
{
    if (sim_fires(w, SIM_CLOG, "net:clog"))
        l->clogged_until_ns = now + sim_choose_time(CLOG_MAX_NS, "net:clog time");
    if (sim_fires(w, SIM_PARTITION, "net:partition")) {
        struct sim_link *back = link_of(w, l->to, l->from);

        l->cut_until_ns = now + sim_choose_time(CUT_MAX_NS, "net:partition time");
        if (back && host_choose(2, HOST_CHOOSE_ORDER, "net:partition both"))
            back->cut_until_ns = l->cut_until_ns;
    }
}

static int64_t arrival(struct sim_world *w, struct sim_link *l, size_t bytes, int64_t now,
                       bool *lost)
{
    struct sim_link_values v = values_of(w, l);
    int64_t t = now, wait = l->busy_until_ns - now;

    if (v.bandwidth_bps > 0) {
        if (wait > 0 && v.queue_packets > 0 &&
            (uint64_t)wait > v.queue_packets * (PACKET_BITS * (uint64_t)SIM_S / v.bandwidth_bps)) {
            w->fired[SIM_QUEUE_FULL]++;
            *lost = true;
        }
        if (!*lost) {
            t = wait > 0 ? l->busy_until_ns : now;
            t += (int64_t)((bytes + 40) * 8 * (uint64_t)SIM_S / v.bandwidth_bps);
            l->busy_until_ns = t;
        }
    }
    if (l->clogged_until_ns > t)
        t = l->clogged_until_ns;
    t += v.latency_ns;
    if (sim_fires(w, SIM_JITTER, "net:jitter"))
        t += sim_choose_time(l->from != l->to || w->faults.jitter_ns < LOOPBACK_JITTER
                                 ? w->faults.jitter_ns
                                 : LOOPBACK_JITTER,
                             "net:jitter time");
    return t;
}

int64_t sim_transit(struct sim_world *w, const struct sim_host *from, const struct sim_host *to,
                    size_t bytes, bool reliable)
{
    struct sim_link *l = link_of(w, from->number, to->number);
    int64_t now = host_now(), t;
    bool lost = false;

    if (!l) /* out of memory: a link without qualities */
        return now;
    break_link(w, l, now);
    t = arrival(w, l, bytes, now, &lost);
    if (sim_fires(w, SIM_LOSS, "net:loss"))
        lost = true;
    if (l->cut_until_ns > now) {
        if (reliable && l->cut_until_ns != HOST_FOREVER && l->cut_until_ns + SIM_RTO_NS > t)
            t = l->cut_until_ns;
        lost = true;
    }
    if (reliable)
        return lost ? t + SIM_RTO_NS : t;
    if (lost)
        return -1;
    /* Late packets hold up those behind them: only the fault lets packets overtake. */
    if (t < l->last_at_ns)
        t = l->last_at_ns;
    l->last_at_ns = t;
    return t;
}
