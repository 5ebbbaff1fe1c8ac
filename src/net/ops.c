/*
 * ops.c: the operations of an endpoint, whatever the transport.
 */
#include <errno.h>
#include "net/ops.h"

void net_ops_init(struct net_ops *ops, struct net_ep *ep,
                  void (*finish)(struct net_ep *, struct net_op *, int64_t))
{
    *ops = (struct net_ops){ .ep = ep, .finish = finish };
    net_queue_init(&ops->rx);
    net_queue_init(&ops->tx);
    net_queue_init(&ops->fin);
    net_queue_init(&ops->acks);
    net_queue_init(&ops->watch);
}

void net_op_begin(struct net_op *op, struct net_ep *ep)
{
    op->result = 0;
    op->moved = 0;
    op->buf = NULL;
    op->accepted = NULL;
    op->more = false;
    op->drained = false;
    op->priv[0] = 0;
    op->priv[1] = (uintptr_t)ep;
}

bool net_op_fits(enum net_ep_kind kind, enum net_opcode code)
{
    switch (code) {
    case NET_OP_CONNECT:
    case NET_OP_ACCEPT:
    case NET_OP_RECV:
    case NET_OP_SEND:
    case NET_OP_SHUTDOWN:
    case NET_OP_WATCH:
        return kind == NET_EP_STREAM;
    case NET_OP_RECVMSG:
    case NET_OP_SENDMSG:
        return kind == NET_EP_DATAGRAM || kind == NET_EP_RAW;
    case NET_OP_RESOLVE:
    case NET_OP_NAMEINFO:
        return kind == NET_EP_RESOLVER;
    case NET_OP_ADDRESS_CHANGE:
        return kind == NET_EP_ROUTE;
    case NET_OP_CLOSE:
        return true;
    }
    return false;
}

size_t net_iov_bytes(const struct iovec *iov, unsigned n)
{
    size_t total = 0;

    for (unsigned i = 0; i < n; i++)
        total += iov[i].iov_len;
    return total;
}

int64_t net_ops_unsent(const struct net_ops *ops)
{
    int64_t bytes = 0;

    for (const struct net_op *op = ops->tx.head; op; op = op->next) {
        if (op->code != NET_OP_SHUTDOWN)
            bytes += (int64_t)(op->priv[2] - op->moved);
    }
    return bytes;
}

void net_ops_queue_receive(struct net_ops *ops, struct net_op *op)
{
    struct net_op *at = ops->rx.head;

    if (op->flags & NET_F_MULTI)
        at = NULL;
    while (at && !(at->flags & NET_F_MULTI))
        at = at->next;
    net_queue_insert(&ops->rx, op, at);
}

bool net_ops_end_delivery(struct net_ops *ops, struct net_op *op)
{
    /* They were the callee's; the next done() may have none. */
    op->buf = NULL;
    op->accepted = NULL;
    if (!(op->priv[0] & NET_OP_CANCELED))
        return false;
    net_queue_remove(&ops->rx, op);
    return true;
}

static struct net_queue *queue_with(struct net_ops *ops, const struct net_op *op)
{
    struct net_queue *queues[] = { &ops->rx, &ops->tx, &ops->fin, &ops->watch };

    for (unsigned i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
        if (net_queue_has(queues[i], op))
            return queues[i];
    }
    return NULL;
}

/* Bytes moved, or datagrams of a list did, which may be empty. */
static bool has_begun(const struct net_op *op)
{
    return op->moved > 0 || (op->code == NET_OP_SENDMSG && op->priv[3] > 0);
}

void net_ops_cancel(struct net_ops *ops, struct net_op *op)
{
    struct net_queue *q;

    if (op == ops->busy) {
        op->priv[0] |= NET_OP_CANCELED;
        return;
    }
    q = queue_with(ops, op);
    if (!q || (q == &ops->tx && has_begun(op)))
        return;
    if (q == &ops->tx && op->code == NET_OP_SHUTDOWN)
        ops->fin_queued = false;
    net_queue_remove(q, op);
    ops->finish(ops->ep, op, -ECANCELED);
}

/* Ends what waits in the queue. What is busy comes back to whoever runs it, marked or not. */
static void end_queue(struct net_ops *ops, struct net_queue *q, int64_t result, uintptr_t mark)
{
    struct net_op *op, *next;

    for (op = q->head; op; op = next) {
        next = op->next;
        if (op == ops->busy) {
            op->priv[0] |= mark;
            continue;
        }
        net_queue_remove(q, op);
        ops->finish(ops->ep, op, result);
    }
}

static void end_sends(struct net_ops *ops, int64_t result)
{
    if (ops->connect)
        ops->finish(ops->ep, ops->connect, result);
    ops->connect = NULL;
    end_queue(ops, &ops->tx, result, NET_OP_CANCELED);
    end_queue(ops, &ops->acks, result, NET_OP_CANCELED);
    end_queue(ops, &ops->fin, result, NET_OP_CANCELED);
}

void net_ops_end_all(struct net_ops *ops, int64_t result)
{
    end_sends(ops, result);
    end_queue(ops, &ops->watch, result, NET_OP_CANCELED);
    end_queue(ops, &ops->rx, result, NET_OP_CANCELED);
}

void net_ops_abort(struct net_ops *ops)
{
    end_sends(ops, -ECANCELED);
    end_queue(ops, &ops->watch, -ECONNABORTED, 0);
    end_queue(ops, &ops->rx, -ECONNABORTED, 0);
}

void net_ops_end_unconnected(struct net_ops *ops)
{
    ops->fin_queued = false;
    end_queue(ops, &ops->tx, -ENOTCONN, 0);
    end_queue(ops, &ops->rx, -ENOTCONN, 0);
}
