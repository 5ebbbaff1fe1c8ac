/*
 * queue.h: first-in first-out queues of operations, through the links inside net_op.
 * Removal from the middle is possible. The owner of the queue provides the locking.
 */
#ifndef OPENWSK_NET_QUEUE_H
#define OPENWSK_NET_QUEUE_H

#include "net/net.h"

struct net_queue {
    struct net_op *head, **tail;
};

static inline void net_queue_init(struct net_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

/* Puts `op` before `at`; at NULL: at the end. */
static inline void net_queue_insert(struct net_queue *q, struct net_op *op, struct net_op *at)
{
    op->next = at;
    op->pprev = at ? at->pprev : q->tail;
    *op->pprev = op;
    if (at)
        at->pprev = &op->next;
    else
        q->tail = &op->next;
}

static inline void net_queue_push(struct net_queue *q, struct net_op *op)
{
    net_queue_insert(q, op, NULL);
}

static inline void net_queue_remove(struct net_queue *q, struct net_op *op)
{
    *op->pprev = op->next;
    if (op->next)
        op->next->pprev = op->pprev;
    else
        q->tail = op->pprev;
    op->next = NULL;
    op->pprev = NULL;
}

static inline struct net_op *net_queue_pop(struct net_queue *q)
{
    struct net_op *op = q->head;

    if (op)
        net_queue_remove(q, op);
    return op;
}

/* Moves everything in `from` to the (uninitialised) queue `to`. */
static inline void net_queue_take(struct net_queue *from, struct net_queue *to)
{
    net_queue_init(to);
    if (from->head) {
        to->head = from->head;
        to->tail = from->tail;
        to->head->pprev = &to->head;
        net_queue_init(from);
    }
}

static inline bool net_queue_has(const struct net_queue *q, const struct net_op *op)
{
    for (const struct net_op *i = q->head; i; i = i->next) {
        if (i == op)
            return true;
    }
    return false;
}

#endif
