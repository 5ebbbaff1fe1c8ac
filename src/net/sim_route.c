/*
 * sim_route.c: the simulated machine's own addresses, and news of their changes.
 * Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

static void add(struct net_ctl_arg *arg, size_t room, const struct net_addr *a, uint32_t ifindex)
{
    if (arg->family != NET_UNSPEC && arg->family != a->family)
        return;
    if (arg->length < room) {
        arg->addrs[arg->length] = *a;
        /* IPv4 has no place for it in the system's form, but callers need the interface. */
        arg->addrs[arg->length].scope_id = a->family == NET_IP4 ? ifindex : a->scope_id;
    }
    arg->length++;
}

int sim_route_addresses(struct sim_ep *ep, struct net_ctl_arg *arg)
{
    static const struct net_addr loopback4 = { .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
    static const struct net_addr loopback6 = { .family = NET_IP6, .ip = { [15] = 1 } };
    const struct sim_host *h = ep->world->local;
    size_t room = arg->length;

    arg->length = 0;
    add(arg, room, &loopback4, SIM_LO_INDEX);
    for (unsigned i = 0; i < h->count; i++) {
        if (h->addrs[i].family == NET_IP4)
            add(arg, room, &h->addrs[i], SIM_ETH_INDEX);
    }
    add(arg, room, &loopback6, SIM_LO_INDEX);
    for (unsigned i = 0; i < h->count; i++) {
        if (h->addrs[i].family == NET_IP6)
            add(arg, room, &h->addrs[i], SIM_ETH_INDEX);
    }
    return 0;
}

int sim_route_for(struct sim_ep *ep, struct net_ctl_arg *arg)
{
    struct net_addr source;
    int error;

    if (arg->addr.family != NET_IP4 && arg->addr.family != NET_IP6)
        return -EAFNOSUPPORT;
    error = sim_source_for(ep->world->local, &arg->addr, &source);
    if (!error) {
        arg->addr = source;
        arg->addr.port = 0;
    }
    return error;
}

enum net_disposition sim_submit_route(struct sim_ep *ep, struct net_op *op)
{
    net_queue_push(&ep->ops.rx, op);
    return NET_PENDING;
}

void sim_addresses_changed(struct sim_world *w, unsigned family)
{
    struct net_op *op;

    for (struct sim_ep *ep = w->routes; ep; ep = ep->route_next) {
        if (ep->family != NET_UNSPEC && ep->family != family)
            continue;
        while ((op = net_queue_pop(&ep->ops.rx)))
            sim_finish(ep, op, 0);
    }
}
