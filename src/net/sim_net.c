/*
 * sim_net.c: the transport over a simulated world: a net's life, its loop, and waking it.
 *
 * poll() runs the world's due events, then looks at those of its own endpoints that changed, then
 * calls done(). When nothing is left it parks until the next event or the deadline. Whichever net
 * polls runs everybody's events: so somebody must always be waiting for the next one. That is what
 * sim_guard() sees to, when an event is added and when a poll ends.
 */
#include <errno.h>
#include "net/simp.h"

void sim_kick(struct sim_net *net)
{
    if (!net->poller)
        return;
    host_unpark(net->poller);
    net->poller = NULL; /* once is enough */
}

void sim_guard(struct sim_world *w)
{
    struct sim_net *parked = NULL;

    if (!w->events)
        return;
    for (struct sim_net *n = w->nets; n; n = n->next) {
        if (!n->poller)
            continue;
        if (n->wait_until_ns <= w->events->at_ns)
            return;
        if (!parked)
            parked = n;
    }
    if (parked)
        sim_kick(parked);
}

/* ---- finished operations ----------------------------------------------------------------- */

static struct sim_ep *ep_of(const struct net_op *op)
{
    return (struct sim_ep *)op->priv[1];
}

/* The operation whose done() comes next: another endpoint's first one may overtake. */
static struct net_op *choose_finished(struct sim_net *net)
{
    struct net_op *op = net->finished.head, *candidates[8] = { op };
    unsigned n = 1;

    if (!op->next || !sim_fires(net->world, SIM_ORDER, "net:order"))
        return op;
    for (op = op->next; op && n < 8; op = op->next) {
        bool first = true;

        for (unsigned i = 0; i < n && first; i++)
            first = ep_of(candidates[i]) != ep_of(op);
        if (first)
            candidates[n++] = op;
    }
    return candidates[host_choose(n, HOST_CHOOSE_ORDER, "net:order which")];
}

void sim_run_finished(struct sim_net *net, bool all)
{
    struct net_op *op;

    while (net->finished.head) {
        struct sim_ep *ep;
        enum net_opcode code;

        if (!all && net->done_count > 0 && sim_fires(net->world, SIM_BATCH, "net:batch"))
            return;
        op = choose_finished(net);
        net_queue_remove(&net->finished, op);
        ep = ep_of(op);
        code = op->code;
        net->done_count++;
        sim_unlock(net);
        host_order_after(net->world);
        op->done(op);
        sim_lock(net);
        if (code == NET_OP_CLOSE)
            sim_ep_end(ep);
        else if (net_op_is_send(code)) /* the endpoint is there: its close comes later */
            ep->sends_pending--;
    }
}

/* ---- the loop ---------------------------------------------------------------------------- */

static void run_service(struct sim_net *net)
{
    struct sim_ep *last, *ep;

    /* Only what is there now: an endpoint may come back at the end of the list. */
    last = net->service ? SIM_OF(net->service_tail, struct sim_ep, service_next) : NULL;
    do {
        ep = last ? net->service : NULL;
        if (!ep)
            return;
        net->service = ep->service_next;
        if (!net->service)
            net->service_tail = &net->service;
        ep->in_service = false;
        sim_ep_look(ep);
    } while (ep != last);
}

static void park(struct sim_net *net, int64_t deadline_ns)
{
    struct sim_world *w = net->world;

    if (w->events && w->events->at_ns < deadline_ns)
        deadline_ns = w->events->at_ns;
    net->wait_until_ns = deadline_ns;
    net->poller = host_self();
    sim_unlock(net);
    (void)host_park(deadline_ns);
    sim_lock(net);
    net->poller = NULL;
}

static int sim_poll(struct net *base, int64_t deadline_ns)
{
    struct sim_net *net = (struct sim_net *)base;
    struct sim_world *w = net->world;

    sim_lock(net);
    net->done_count = 0;
    for (;;) {
        sim_maybe_change_addresses(w);
        sim_run_due(w);
        run_service(net);
        sim_run_finished(net, false);
        if (net->done_count > 0 || net->woken || host_now() >= deadline_ns)
            break;
        if (!net->service && !net->finished.head)
            park(net, deadline_ns);
    }
    net->woken = false;
    sim_guard(w);
    sim_unlock(net);
    return net->done_count;
}

static void sim_wake(struct net *base)
{
    struct sim_net *net = (struct sim_net *)base;

    sim_lock(net);
    net->woken = true;
    sim_kick(net);
    sim_unlock(net);
}

/* ---- a net's life ------------------------------------------------------------------------ */

static int sim_create_net(struct net **out, const struct net_config *config)
{
    struct sim_world *w = sim_current();
    struct sim_net *net, **p;

    if (!w)
        return -ENETDOWN;
    net = host_zalloc(sizeof(*net));
    if (!net)
        return -ENOMEM;
    net->pool = net_pool_create();
    if (!net->pool) {
        host_free(net);
        return -ENOMEM;
    }
    net->base.transport = &net_sim;
    net->world = w;
    net->hosts = config ? config->hosts : NULL;
    net_queue_init(&net->finished);
    net->service_tail = &net->service;
    host_lock(&w->lock);
    net->number = w->net_count++;
    for (p = &w->nets; *p; p = &(*p)->next)
        ;
    *p = net;
    host_unlock(&w->lock);
    *out = &net->base;
    return 0;
}

static void sim_destroy_net(struct net *base)
{
    struct sim_net *net = (struct sim_net *)base, **p;

    sim_lock(net);
    HOST_ASSERT(!net->finished.head && !net->service);
    for (p = &net->world->nets; *p != net; p = &(*p)->next)
        ;
    *p = net->next;
    sim_unlock(net);
    net_pool_destroy(net->pool);
    host_free(net);
}

const struct net_transport net_sim = {
    .name = "sim",
    .caps = 0,
    .create = sim_create_net,
    .destroy = sim_destroy_net,
    .open = sim_ep_open,
    .bind = sim_ep_bind,
    .listen = sim_ep_listen,
    .ctl = sim_ep_ctl,
    .submit = sim_ep_submit,
    .cancel = sim_ep_cancel,
    .poll = sim_poll,
    .wake = sim_wake,
};
