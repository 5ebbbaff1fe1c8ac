/*
 * sim_datagram.c: datagram endpoints of the simulated network.
 *
 * Sending never waits. A receive takes the next packet of the socket's queue, ICMP errors first.
 * Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

#define RX_BUDGET 64

enum net_disposition sim_submit_sendmsg(struct sim_ep *ep, struct net_op *op)
{
    const struct net_message one = { op->iov, op->iovcnt };
    const struct net_message *messages = op->messages ? op->messages : &one;
    unsigned count = op->messages ? op->message_count : 1;
    int64_t result = op->addr.family == NET_UNSPEC ? -EDESTADDRREQ : 0;

    for (unsigned i = 0; i < count && result >= 0; i++) {
        result = sim_udp_send(&ep->sock, &op->addr, messages[i].iov, messages[i].iovcnt, op->info);
        op->moved += result > 0 ? (uint64_t)result : 0;
    }
    return sim_answer_send(ep, op, result < 0 ? result : (int64_t)op->moved);
}

/* ---- receive ----------------------------------------------------------------------------- */

static void describe(struct sim_ep *ep, struct net_op *op, const struct sim_packet *p)
{
    op->addr = p->is_error ? p->to : p->from;
    sim_sock_out(&ep->sock, &op->addr);
    if (op->info)
        sim_udp_describe(&ep->sock, p, op->info);
}

static int64_t read_iov(struct sim_ep *ep, struct net_op *op)
{
    struct sim_packet *p = sim_udp_next(&ep->sock);
    size_t done = 0;

    if (!p)
        return -EAGAIN;
    for (unsigned i = 0; i < op->iovcnt && done < p->length; i++) {
        size_t n = p->length - done < op->iov[i].iov_len ? p->length - done : op->iov[i].iov_len;

        memcpy(op->iov[i].iov_base, p->data + done, n);
        done += n;
    }
    describe(ep, op, p);
    if (done < p->length && op->info)
        op->info->present |= NET_INFO_TRUNCATED;
    if (!(op->flags & NET_F_PEEK))
        sim_udp_drop(&ep->sock, p);
    return (int64_t)done;
}

enum net_disposition sim_submit_recvmsg(struct sim_ep *ep, struct net_op *op)
{
    int64_t result = -EAGAIN;

    if (op->iovcnt > 0 && !ep->ops.busy &&
        (!ep->ops.rx.head || (ep->ops.rx.head->flags & NET_F_MULTI)) &&
        sim_inline(ep, "ep:receive message"))
        result = read_iov(ep, op);
    if (result != -EAGAIN)
        return sim_answer(ep, op, result);
    net_ops_queue_receive(&ep->ops, op);
    sim_service(ep);
    return NET_PENDING;
}

/* The next packet in a buffer. > 0: there is one. */
static int read_buf(struct sim_ep *ep, struct net_op *op)
{
    struct sim_packet *p = sim_udp_next(&ep->sock);
    size_t room;
    uint8_t *to;

    if (!p)
        return -EAGAIN;
    to = net_pool_reserve(ep->net->pool, p->length, &room);
    if (!to)
        return -ENOMEM;
    memcpy(to, p->data, p->length);
    op->buf = net_pool_take(ep->net->pool, p->length, &ep->rx_account);
    op->result = (int64_t)p->length;
    describe(ep, op, p);
    if (!(op->flags & NET_F_PEEK))
        sim_udp_drop(&ep->sock, p);
    op->drained = !sim_udp_next(&ep->sock) || net_rx_room(&ep->rx_account) == 0;
    return 1;
}

static bool buffer_step(struct sim_ep *ep, struct net_op *op)
{
    int r;

    if (net_rx_pause(&ep->rx_account))
        return false;
    r = read_buf(ep, op);
    if (r == -ENOMEM)
        sim_service_later(ep);
    if (r < 0)
        return false;
    if (op->flags & NET_F_MULTI) {
        sim_deliver(ep, op);
        return true;
    }
    net_queue_remove(&ep->ops.rx, op);
    sim_finish(ep, op, op->result);
    return true;
}

static bool iov_step(struct sim_ep *ep, struct net_op *op)
{
    int64_t n = read_iov(ep, op);

    if (n == -EAGAIN)
        return false;
    net_queue_remove(&ep->ops.rx, op);
    sim_finish(ep, op, n);
    return true;
}

void sim_run_datagram(struct sim_ep *ep)
{
    int budget = RX_BUDGET;
    struct net_op *op;

    while ((op = ep->ops.rx.head) && !ep->closed) {
        if (budget-- == 0) {
            sim_service(ep);
            return;
        }
        if (!(op->iovcnt > 0 ? iov_step(ep, op) : buffer_step(ep, op)))
            return;
    }
}
