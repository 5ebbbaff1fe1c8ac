/*
 * sim_accept.c: listening endpoints of the simulated network.
 *
 * The memory of the next endpoint is allocated before a connection is taken from the queue, so that
 * none is lost to a failing allocation. The caller's place() runs without the lock, with the
 * operation marked as busy. Under the world's lock.
 */
#include <errno.h>
#include "net/simp.h"

#define BUDGET 16

static struct sim_conn *take_connection(struct sim_ep *ep, struct net_addr *remote, int *error)
{
    struct sim_conn *c;

    *error = -EAGAIN;
    if (!ep->sock.accept_head)
        return NULL;
    if (!ep->spare)
        ep->spare = sim_ep_alloc();
    *error = -ENOBUFS;
    if (!ep->spare)
        return NULL;
    c = sim_tcp_take(&ep->sock);
    *remote = c->end[0].addr;
    sim_sock_out(&ep->sock, remote);
    return c;
}

static void inherit(struct sim_sock *s, const struct sim_sock *listener)
{
    for (unsigned i = 0; i < NET_OPT_COUNT; i++)
        s->opt[i] = listener->opt[i];
}

/* Brings the new endpoint to life on its net. The lock is dropped in between. */
static void settle(struct sim_ep *listener, struct net_op *op, struct sim_ep *ep,
                   struct sim_conn *c)
{
    size_t limit = listener->rx_account.limit_bytes;
    struct sim_sock options = listener->sock;
    struct sim_net *net = listener->net;
    enum net_family family = listener->family;
    struct net *home;

    sim_unlock(net);
    home = op->place ? op->place(op) : NULL;
    sim_lock(net);
    sim_ep_init(ep, home ? (struct sim_net *)home : net, NET_EP_STREAM, family, limit);
    inherit(&ep->sock, &options);
    sim_tcp_adopt(c, &ep->sock);
    ep->connected = true;
    op->local = ep->sock.local;
    sim_sock_out(&ep->sock, &op->local);
    op->accepted = &ep->base;
}

enum net_disposition sim_submit_accept(struct sim_ep *ep, struct net_op *op)
{
    struct sim_conn *c = NULL;
    struct sim_ep *fresh;
    int error = -EAGAIN;

    if (!ep->listening)
        return sim_answer(ep, op, -EINVAL);
    if (!ep->ops.busy && !ep->ops.rx.head && !(op->flags & NET_F_MULTI) &&
        sim_inline(ep, "ep:accept"))
        c = take_connection(ep, &op->addr, &error);
    if (c) {
        fresh = ep->spare;
        ep->spare = NULL;
        settle(ep, op, fresh, c);
        return sim_answer(ep, op, 0);
    }
    net_ops_queue_receive(&ep->ops, op);
    if (error == -ENOBUFS)
        sim_service_later(ep);
    else
        sim_service(ep);
    return NET_PENDING;
}

/* One connection for the operation at the head. */
static void hand_over(struct sim_ep *ep, struct net_op *op, struct sim_conn *c)
{
    struct sim_ep *fresh = ep->spare;

    ep->spare = NULL;
    ep->ops.busy = op;
    sim_run_finished(ep->net, true);
    settle(ep, op, fresh, c);
    ep->ops.busy = NULL;
    op->result = 0;
    if (op->flags & NET_F_MULTI) {
        sim_deliver(ep, op);
        return;
    }
    net_queue_remove(&ep->ops.rx, op);
    sim_finish(ep, op, 0);
}

void sim_run_accept(struct sim_ep *ep)
{
    struct net_op *op;
    int budget = BUDGET;

    while ((op = ep->ops.rx.head) && !ep->closed) {
        struct sim_conn *c;
        int error;

        if (budget-- == 0) {
            sim_service(ep);
            return;
        }
        c = take_connection(ep, &op->addr, &error);
        if (!c) {
            if (error == -ENOBUFS)
                sim_service_later(ep);
            return;
        }
        hand_over(ep, op, c);
    }
}
