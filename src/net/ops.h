/*
 * ops.h: the operations of an endpoint, whatever the transport: where they wait, and how they end
 * when they are cancelled or the endpoint closes. Private to src/net; the transport's lock of the
 * endpoint protects all of it.
 */
#ifndef OPENWSK_NET_OPS_H
#define OPENWSK_NET_OPS_H

#include "net/base.h"
#include "net/queue.h"

/* op->priv[0]: it was cancelled, or its endpoint closed, while done() or place() ran for it. */
#define NET_OP_CANCELED 1
/* op->priv[1]: the endpoint; op->priv[2]: bytes in iov, of a send;
 * op->priv[3]: of a send in `acks`, where it ends in the stream; of datagrams in `tx`, how many of
 * the list were sent. */

struct net_ops {
    struct net_ep *ep;
    /* The transport's: done() of an operation is due, with this result. */
    void (*finish)(struct net_ep *ep, struct net_op *op, int64_t result);
    struct net_queue rx, tx;
    struct net_queue fin;   /* shutdowns that wait for the peer's acknowledgement */
    struct net_queue acks;  /* sends that wait for the peer's acknowledgement */
    struct net_queue watch; /* wait for the peer's end */
    struct net_op *connect; /* in progress */
    struct net_op *busy;    /* its done() or place() runs now, without the lock */
    struct net_op *close;   /* waits for `busy` to end */
    bool fin_queued;        /* a graceful shutdown was submitted: no more sends */
};

void net_ops_init(struct net_ops *ops, struct net_ep *ep,
                  void (*finish)(struct net_ep *, struct net_op *, int64_t));

/* What submit() does first: out parameters as if nothing had happened yet. */
void net_op_begin(struct net_op *op, struct net_ep *ep);

/* Can an endpoint of this kind have such an operation? */
bool net_op_fits(enum net_ep_kind kind, enum net_opcode code);

static inline bool net_op_is_send(enum net_opcode code)
{
    return code == NET_OP_SEND || code == NET_OP_SENDMSG;
}

size_t net_iov_bytes(const struct iovec *iov, unsigned n);

/* Bytes of the sends that wait, which the network has not taken yet. */
int64_t net_ops_unsent(const struct net_ops *ops);

/* Puts a receive where it belongs: single ones are served before a repeating one. */
void net_ops_queue_receive(struct net_ops *ops, struct net_op *op);

/* After done() of a repeating operation. true: it was cancelled meanwhile, is out of its queue, and
 * has to be ended with -ECANCELED. */
bool net_ops_end_delivery(struct net_ops *ops, struct net_op *op);

/*
 * Cancels an operation that is busy or waits in a queue; one that moved bytes goes on. It may have
 * ended long ago, so it is compared, and touched only if it is found. `connect` is left alone.
 */
void net_ops_cancel(struct net_ops *ops, struct net_op *op);

/* Ends all of them; the one that is busy ends itself when it comes back. */
void net_ops_end_all(struct net_ops *ops, int64_t result);

/* The connection was aborted: ends all of them; the receive that is busy is left to the loop. */
void net_ops_abort(struct net_ops *ops);

/* No connection has come about: ends what has waited for one. */
void net_ops_end_unconnected(struct net_ops *ops);

#endif
