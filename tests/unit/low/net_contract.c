/*
 * The contract of net.h, point by point, against any transport: see net_contract.h.
 *
 * Determinism (point 10) has no test here: it is the business of the simulated transport, whose
 * runs are compared as a whole.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "host/host.h"
#include "net_contract.h"

static struct watched *receive_into(struct net_ep *ep, size_t room)
{
    struct watched *o = watched_new(NET_OP_RECV, 0);

    o->iov = (struct iovec){ o->bytes, room };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    return o;
}

static struct watched *receive_all(struct net_ep *ep)
{
    struct watched *o = watched_new(NET_OP_RECV, NET_F_MULTI);

    assert_int_equal(watched_submit(ep, o), NET_PENDING);
    return o;
}

static struct watched *send_later(struct net_ep *ep, const void *data, size_t length,
                                  uint32_t flags)
{
    struct watched *o = watched_new(NET_OP_SEND, flags);

    o->iov = (struct iovec){ (void *)data, length };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    return o;
}

static struct watched *simple(struct net_ep *ep, enum net_opcode code, uint32_t flags)
{
    struct watched *o = watched_new(code, flags);

    watched_submit(ep, o);
    return o;
}

static void end(struct net_world *w, struct watched *o, int64_t result)
{
    watched_wait(w, o);
    assert_int_equal(o->op.result, result);
    watched_free(o);
}

static void close_pair(struct net_world *w, struct net_ep *pair[2])
{
    world_close(w, pair[0], 0);
    world_close(w, pair[1], 0);
}

/* ---- 1 and 2 ------------------------------------------------------------------------------------
 */

static void exactly_once(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *recv, *send, *multi;

    world_pair(w, pair, 0);
    recv = receive_into(pair[1], 100);
    assert_int_equal(recv->runs, 0);
    send = send_later(pair[0], "hello", 5, 0);
    watched_wait(w, recv);
    watched_wait(w, send);
    world_settle(w);
    assert_int_equal(recv->runs, 1);
    assert_int_equal(send->runs, 1);
    assert_int_equal(recv->op.result, 5);
    watched_free(recv);
    watched_free(send);

    multi = receive_all(pair[1]);
    world_send(w, pair[0], "one", 3);
    world_wait_bytes(w, multi, 3);
    world_send(w, pair[0], "two", 3);
    world_wait_bytes(w, multi, 6);
    assert_false(multi->last);
    world_close(w, pair[0], 0);
    end(w, multi, 0);
    world_close(w, pair[1], 0);
}

static void never_inside(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *send, *recv;

    world_pair(w, pair, 0);
    /* An operation that must not end inline ends in poll(), although its result is known. */
    send = watched_new(NET_OP_SEND, NET_F_ASYNC);
    send->iov = (struct iovec){ "abc", 3 };
    send->op.iov = &send->iov;
    send->op.iovcnt = 1;
    assert_int_equal(watched_submit(pair[0], send), NET_PENDING);
    assert_int_equal(send->runs, 0);
    end(w, send, 3);
    recv = receive_into(pair[1], 10);
    watched_wait(w, recv);
    watched_free(recv);
    /* Cancel does not call back either. */
    recv = receive_into(pair[1], 10);
    w->transport->cancel(pair[1], &recv->op);
    assert_int_equal(recv->runs, 0);
    end(w, recv, -ECANCELED);
    close_pair(w, pair);
}

/* ---- 3 and 4 ------------------------------------------------------------------------------------
 */

#define ORDER_SENDS 200
#define ORDER_BYTES 5000

/* More than any socket buffer holds, in pieces: they queue up, keep their order and memory. */
static void order_and_ownership(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *sends[ORDER_SENDS], *fin, *recv;
    uint8_t *data = malloc(ORDER_SENDS * ORDER_BYTES), *got = malloc(ORDER_SENDS * ORDER_BYTES);
    size_t count = 0;
    int order = 0;

    for (size_t i = 0; i < ORDER_SENDS * ORDER_BYTES; i++)
        data[i] = (uint8_t)(i * 31 + i / 4099);
    world_pair(w, pair, 0);
    for (int i = 0; i < ORDER_SENDS; i++)
        sends[i] = send_later(pair[0], data + i * ORDER_BYTES, ORDER_BYTES, 0);
    fin = simple(pair[0], NET_OP_SHUTDOWN, 0);
    for (;;) {
        recv = receive_into(pair[1], 70000);
        watched_wait(w, recv);
        assert_true(recv->op.result >= 0);
        if (recv->op.result == 0)
            break;
        assert_true(count + (size_t)recv->op.result <= ORDER_SENDS * ORDER_BYTES);
        memcpy(got + count, recv->bytes, (size_t)recv->op.result);
        count += (size_t)recv->op.result;
        watched_free(recv);
    }
    watched_free(recv);
    assert_int_equal(count, ORDER_SENDS * ORDER_BYTES);
    assert_memory_equal(got, data, count);
    watched_wait(w, fin);
    for (int i = 0; i < ORDER_SENDS; i++) {
        watched_wait(w, sends[i]);
        assert_int_equal(sends[i]->op.result, ORDER_BYTES);
        assert_true(sends[i]->order > order);
        order = sends[i]->order;
        watched_free(sends[i]);
    }
    assert_true(fin->order > order);
    end(w, fin, 0);
    close_pair(w, pair);
    free(data);
    free(got);
}

static struct {
    struct net_op first, second;
    struct iovec iov;
    struct net_world *world;
    struct net_ep *ep;
    int ended;
} chain;

static void second_done(struct net_op *op)
{
    assert_int_equal(op->result, 1);
    chain.ended++;
}

/* The first send has ended and has not yet said so to the end: whoever sends now waits for that. */
static void first_done(struct net_op *op)
{
    assert_int_equal(op->result, 1);
    chain.ended = 1;
    assert_int_equal(chain.world->transport->submit(chain.ep, &chain.second), NET_PENDING);
    assert_int_equal(chain.ended, 1);
}

static void ends_of_sends_in_order_on(struct net_world *w, struct net_ep *ep, enum net_opcode code,
                                      struct net_addr to)
{
    struct net_op op = { .code = code, .iov = &chain.iov, .iovcnt = 1, .addr = to };

    memset(&chain, 0, sizeof(chain));
    chain.iov = (struct iovec){ "x", 1 };
    chain.world = w;
    chain.ep = ep;
    chain.first = chain.second = op;
    chain.first.flags = NET_F_ASYNC;
    chain.first.done = first_done;
    chain.second.done = second_done;
    assert_int_equal(w->transport->submit(ep, &chain.first), NET_PENDING);
    world_wait_for(w, &chain.ended, 2);
    assert_int_equal(w->transport->submit(ep, &chain.second), NET_DONE); /* nothing is under way */
}

static void bytes_before_the_end(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *o;

    world_pair(w, pair, 0);
    world_send(w, pair[0], "last words", 10);
    world_close(w, pair[0], 0);
    o = receive_into(pair[1], 4);
    watched_wait(w, o);
    assert_memory_equal(o->bytes, "last", 4);
    end(w, o, 4);
    end(w, receive_into(pair[1], 100), 6);
    end(w, receive_into(pair[1], 100), 0);
    end(w, receive_into(pair[1], 100), 0);
    world_close(w, pair[1], 0);
}

static void peek_leaves_the_bytes(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *o;

    world_pair(w, pair, 0);
    o = watched_new(NET_OP_RECV, NET_F_PEEK);
    o->iov = (struct iovec){ o->bytes, 100 };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(pair[1], o);
    world_send(w, pair[0], "abc", 3);
    end(w, o, 3);
    end(w, receive_into(pair[1], 100), 3);
    close_pair(w, pair);
}

/* ---- 5 ------------------------------------------------------------------------------------------
 */

static void cancel_is_idempotent(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *a, *b, *multi;

    world_pair(w, pair, 0);
    a = receive_into(pair[1], 10);
    b = receive_into(pair[1], 10);
    w->transport->cancel(pair[1], &a->op);
    w->transport->cancel(pair[1], &a->op);
    watched_wait(w, a);
    w->transport->cancel(pair[1], &a->op);
    world_settle(w);
    assert_int_equal(a->runs, 1);
    end(w, a, -ECANCELED);
    world_send(w, pair[0], "x", 1);
    end(w, b, 1);

    multi = receive_all(pair[1]);
    world_send(w, pair[0], "y", 1);
    world_wait_bytes(w, multi, 1);
    w->transport->cancel(pair[1], &multi->op);
    end(w, multi, -ECANCELED);
    close_pair(w, pair);
}

static struct net_world *cancel_world;
static struct net_ep *cancel_ep;
static int cancel_runs;
static bool cancel_ended;

static void cancel_inside(struct net_op *op)
{
    cancel_runs++;
    if (op->buf)
        net_buf_put(op->buf);
    if (op->more)
        cancel_world->transport->cancel(cancel_ep, op);
    else
        cancel_ended = true;
}

static void cancel_from_done(struct net_world *w)
{
    struct net_ep *pair[2];
    struct net_op op = { .code = NET_OP_RECV, .flags = NET_F_MULTI, .done = cancel_inside };

    world_pair(w, pair, 0);
    cancel_world = w;
    cancel_ep = pair[1];
    cancel_runs = 0;
    cancel_ended = false;
    assert_int_equal(w->transport->submit(pair[1], &op), NET_PENDING);
    world_send(w, pair[0], "z", 1);
    world_wait_for(w, &cancel_runs, 2);
    assert_true(cancel_ended);
    assert_int_equal(op.result, -ECANCELED);
    close_pair(w, pair);
}

/* A send that moved some bytes goes on; one that moved none is canceled without a trace. */
static void cancel_loses_nothing(struct net_world *w)
{
    struct net_ep *pair[2];
    size_t size = 8 << 20, total = 0;
    uint8_t *data = calloc(1, size);
    struct watched *first, *second, *recv, *fin;

    world_pair(w, pair, 0);
    first = send_later(pair[0], data, size, 0);
    second = send_later(pair[0], "never", 5, 0);
    assert_false(first->last);
    assert_true(first->op.moved > 0);
    w->transport->cancel(pair[0], &first->op);
    w->transport->cancel(pair[0], &second->op);
    end(w, second, -ECANCELED);
    fin = simple(pair[0], NET_OP_SHUTDOWN, 0);
    do {
        recv = receive_into(pair[1], 70000);
        watched_wait(w, recv);
        assert_true(recv->op.result >= 0);
        total += (size_t)recv->op.result;
        watched_free(recv);
    } while (total < size);
    end(w, receive_into(pair[1], 10), 0);
    end(w, first, (int64_t)size);
    end(w, fin, 0);
    close_pair(w, pair);
    free(data);
}

/* ---- 6 and 7 ------------------------------------------------------------------------------------
 */

#define LIMIT_BYTES ((size_t)64 * 1024)
#define BATCH_BYTES ((size_t)128 * 1024)

static void backpressure(struct net_world *w)
{
    struct net_ep *pair[2];
    size_t size = 6 << 20;
    uint8_t *data = calloc(1, size);
    struct watched *send, *recv;

    world_pair(w, pair, LIMIT_BYTES);
    recv = receive_all(pair[1]);
    recv->hold = true;
    /* Out: more than fits is taken, without waiting. */
    send = send_later(pair[0], data, size, 0);
    /* In: what the callee holds stays near the limit, and the sender feels it. */
    world_settle(w);
    assert_true(recv->count >= LIMIT_BYTES / 2 && recv->count <= LIMIT_BYTES + BATCH_BYTES);
    assert_false(send->last);
    /* Putting them makes reading go on. */
    recv->hold = false;
    for (int i = 0; i < recv->held_count; i++)
        net_buf_put(recv->held[i]);
    world_wait_bytes(w, recv, size);
    end(w, send, (int64_t)size);
    assert_int_equal(recv->count, size);
    world_close(w, pair[0], 0);
    end(w, recv, 0);
    world_close(w, pair[1], 0);
    free(data);
}

/* ---- 8 ------------------------------------------------------------------------------------------
 */

static void close_comes_last(struct net_world *w)
{
    struct net_ep *pair[2];
    size_t size = 8 << 20;
    uint8_t *data = calloc(1, size);
    struct watched *recv, *multi, *send, *fin, *shut;
    struct net_ep *idle = world_open(w, NET_EP_STREAM, 0);

    world_close(w, idle, 0); /* nothing pending */
    world_pair(w, pair, 0);
    recv = receive_into(pair[0], 10);
    multi = receive_all(pair[0]);
    send = send_later(pair[0], data, size, 0);
    fin = simple(pair[0], NET_OP_SHUTDOWN, 0);
    shut = simple(pair[0], NET_OP_CLOSE, 0);
    assert_int_equal(shut->runs, 0);
    watched_wait(w, shut);
    assert_true(recv->last && multi->last && send->last && fin->last);
    assert_true(recv->order < shut->order && multi->order < shut->order);
    assert_true(send->order < shut->order && fin->order < shut->order);
    end(w, recv, -ECANCELED);
    end(w, multi, -ECANCELED);
    end(w, send, -ECANCELED);
    end(w, fin, -ECANCELED);
    end(w, shut, 0);
    world_close(w, pair[1], NET_F_ABORT);
    free(data);
}

static void buffers_outlive_everything(struct net_world *w)
{
    struct net_world inner;
    struct net_ep *pair[2];
    struct watched *recv;
    struct net_buf *b;

    world_begin(&inner, w->transport);
    inner.any = w->any;
    world_pair(&inner, pair, 0);
    recv = receive_all(pair[1]);
    recv->hold = true;
    world_send(&inner, pair[0], "kept", 4);
    world_wait_bytes(&inner, recv, 4);
    close_pair(&inner, pair);
    world_end(&inner);
    b = recv->held[0];
    net_buf_get(b);
    net_buf_put(b);
    assert_memory_equal(b->data, "kept", 4);
    net_buf_put(b);
    watched_free(recv);
}

static struct net_op close_op;
static int close_runs;

static void note_close(struct net_op *op)
{
    (void)op;
    close_runs++;
}

static void close_inside(struct net_op *op)
{
    if (op->buf)
        net_buf_put(op->buf);
    if (op->more) {
        close_op = (struct net_op){ .code = NET_OP_CLOSE, .done = note_close };
        assert_int_equal(cancel_world->transport->submit(cancel_ep, &close_op), NET_PENDING);
        assert_int_equal(close_runs, 0);
    } else {
        assert_int_equal(op->result, -ECANCELED);
        assert_int_equal(close_runs, 0);
        cancel_ended = true;
    }
}

static void close_from_done(struct net_world *w)
{
    struct net_ep *pair[2];
    struct net_op op = { .code = NET_OP_RECV, .flags = NET_F_MULTI, .done = close_inside };

    world_pair(w, pair, 0);
    cancel_world = w;
    cancel_ep = pair[1];
    cancel_ended = false;
    close_runs = 0;
    w->transport->submit(pair[1], &op);
    world_send(w, pair[0], "bye", 3);
    world_wait_for(w, &close_runs, 1);
    assert_true(cancel_ended);
    world_close(w, pair[0], 0);
}

static struct net_op late_op;
static char late_byte;
static int late_runs;

static void note_late(struct net_op *op)
{
    assert_int_equal(op->result, -ECANCELED);
    assert_int_equal(close_runs, 0);
    late_runs++;
}

/* The close finds the repeating receive at work and waits for it; what else it ended comes first
 * all the same. */
static void receive_and_close_inside(struct net_op *op)
{
    static const struct iovec room = { &late_byte, 1 };

    if (op->more) {
        late_op =
            (struct net_op){ .code = NET_OP_RECV, .done = note_late, .iov = &room, .iovcnt = 1 };
        assert_int_equal(cancel_world->transport->submit(cancel_ep, &late_op), NET_PENDING);
    }
    close_inside(op);
}

static void close_from_done_comes_last(struct net_world *w)
{
    struct net_ep *pair[2];
    struct net_op op = { .code = NET_OP_RECV,
                         .flags = NET_F_MULTI,
                         .done = receive_and_close_inside };

    world_pair(w, pair, 0);
    cancel_world = w;
    cancel_ep = pair[1];
    cancel_ended = false;
    close_runs = late_runs = 0;
    w->transport->submit(pair[1], &op);
    world_send(w, pair[0], "bye", 3);
    world_wait_for(w, &close_runs, 1);
    assert_true(cancel_ended);
    assert_int_equal(late_runs, 1);
    world_close(w, pair[0], 0);
}

/* ---- shutdown, the end of a connection --------------------------------------------------- */

static void graceful_end(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *watch;

    world_pair(w, pair, 0);
    watch = simple(pair[1], NET_OP_WATCH, 0);
    end(w, simple(pair[0], NET_OP_SHUTDOWN, 0), 0);
    end(w, watch, 0);
    end(w, receive_into(pair[1], 10), 0);
    end(w, send_later(pair[0], "x", 1, 0), -EPIPE);
    /* The other direction still works. */
    world_send(w, pair[1], "answer", 6);
    end(w, receive_into(pair[0], 10), 6);
    end(w, simple(pair[1], NET_OP_SHUTDOWN, 0), 0);
    end(w, receive_into(pair[0], 10), 0);
    close_pair(w, pair);
}

static void abortive_end(struct net_world *w)
{
    struct net_ep *pair[2];
    size_t size = 8 << 20;
    uint8_t *data = calloc(1, size);
    struct watched *send, *recv, *peer, *watch;

    world_pair(w, pair, 0);
    peer = receive_all(pair[1]);
    watch = simple(pair[1], NET_OP_WATCH, 0);
    peer->hold = false;
    recv = receive_all(pair[0]);
    send = send_later(pair[0], data, size, 0);
    end(w, simple(pair[0], NET_OP_SHUTDOWN, NET_F_ABORT), 0);
    end(w, send, -ECANCELED);
    end(w, recv, -ECONNABORTED);
    end(w, peer, -ECONNRESET);
    end(w, watch, -ECONNRESET);
    end(w, receive_into(pair[0], 10), -ECONNABORTED);
    end(w, send_later(pair[0], "x", 1, 0), -ECONNABORTED);
    end(w, receive_into(pair[1], 10), -ECONNRESET);
    end(w, send_later(pair[1], "x", 1, 0), -ECONNRESET);
    close_pair(w, pair);
    free(data);
}

static void connect_refused(struct net_world *w)
{
    struct net_ep *ep = world_open(w, NET_EP_STREAM, 0), *other;
    struct watched *o = watched_new(NET_OP_CONNECT, 0);
    struct net_ctl_arg arg = { 0 };

    /* A port that was just ours and is nobody's now. */
    other = world_open(w, NET_EP_STREAM, 0);
    assert_int_equal(w->transport->bind(other, &w->any), 0);
    assert_int_equal(w->transport->ctl(other, NET_CTL_LOCAL, &arg), 0);
    world_close(w, other, 0);
    o->op.addr = arg.addr;
    watched_submit(ep, o);
    end(w, o, -ECONNREFUSED);
    end(w, receive_into(ep, 10), -ENOTCONN);
    end(w, send_later(ep, "x", 1, 0), -ENOTCONN);
    world_close(w, ep, 0);
}

/* What waits for a connection that does not come about ends, and leaves nothing behind. */
static void connect_cancelled(struct net_world *w)
{
    struct net_ep *listener = world_open(w, NET_EP_STREAM, 0);
    struct net_ep *ep = world_open(w, NET_EP_STREAM, 0);
    struct watched *connect = watched_new(NET_OP_CONNECT, 0), *send, *shutdown;
    struct net_ctl_arg arg = { 0 };

    assert_int_equal(w->transport->bind(listener, &w->any), 0);
    assert_int_equal(w->transport->listen(listener, 16), 0);
    assert_int_equal(w->transport->ctl(listener, NET_CTL_LOCAL, &arg), 0);
    connect->op.addr = arg.addr;
    assert_int_equal(watched_submit(ep, connect), NET_PENDING);
    send = send_later(ep, "x", 1, 0);
    shutdown = simple(ep, NET_OP_SHUTDOWN, 0);
    w->transport->cancel(ep, &connect->op);
    end(w, connect, -ECANCELED);
    end(w, send, -ENOTCONN);
    end(w, shutdown, -ENOTCONN);
    connect = watched_new(NET_OP_CONNECT, 0);
    connect->op.addr = arg.addr;
    watched_submit(ep, connect);
    end(w, connect, 0);
    end(w, send_later(ep, "x", 1, 0), 1);
    world_close(w, ep, 0);
    world_close(w, listener, 0);
}

/* ---- accept ------------------------------------------------------------------------------ */

static struct net *placed_on;

static struct net *place(struct net_op *op)
{
    (void)op;
    return placed_on;
}

static void accept_repeats_and_places(struct net_world *w)
{
    struct net_world other;
    struct net_ep *listener = world_open(w, NET_EP_STREAM, 0), *clients[8];
    struct watched *accept = watched_new(NET_OP_ACCEPT, NET_F_MULTI), *connects[8];
    struct net_ctl_arg arg = { 0 };

    world_begin(&other, w->transport);
    placed_on = other.net;
    accept->op.place = place;
    assert_int_equal(w->transport->bind(listener, &w->any), 0);
    assert_int_equal(w->transport->listen(listener, 16), 0);
    w->transport->ctl(listener, NET_CTL_LOCAL, &arg);
    assert_int_equal(watched_submit(listener, accept), NET_PENDING);
    for (int i = 0; i < 8; i++) {
        clients[i] = world_open(w, NET_EP_STREAM, 0);
        connects[i] = watched_new(NET_OP_CONNECT, 0);
        connects[i]->op.addr = arg.addr;
        watched_submit(clients[i], connects[i]);
        world_wait_for(w, &accept->accepted_count, i + 1); /* so that they come in this order */
    }
    assert_int_equal(accept->op.local.port, arg.addr.port);
    assert_false(accept->last);
    w->transport->cancel(listener, &accept->op);
    for (int i = 0; i < 8; i++) {
        struct watched *o;

        assert_null(net_ep_user(accept->accepted[i]));
        end(w, connects[i], 0);
        world_send(w, clients[i], "hi", 2);
        o = receive_into(accept->accepted[i], 10);
        watched_wait(&other, o); /* the endpoint lives there */
        watched_free(o);
        world_close(&other, accept->accepted[i], 0);
        world_close(w, clients[i], 0);
    }
    end(w, accept, -ECANCELED);
    world_close(w, listener, 0);
    world_end(&other);
}

/* ---- datagrams --------------------------------------------------------------------------- */

static struct watched *send_to(struct net_ep *ep, const struct net_addr *to, const void *data,
                               size_t length)
{
    struct watched *o = watched_new(NET_OP_SENDMSG, 0);

    o->iov = (struct iovec){ (void *)data, length };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    o->op.addr = *to;
    watched_submit(ep, o);
    return o;
}

static struct net_ep *open_bound(struct net_world *w, struct net_addr *addr)
{
    struct net_ep *ep = world_open(w, NET_EP_DATAGRAM, 0);
    struct net_ctl_arg arg = { 0 };

    assert_int_equal(w->transport->bind(ep, &w->any), 0);
    assert_int_equal(w->transport->ctl(ep, NET_CTL_LOCAL, &arg), 0);
    *addr = arg.addr;
    return ep;
}

static void ends_of_sends_in_order(struct net_world *w)
{
    struct net_addr addr = { 0 };
    struct net_ep *pair[2], *ep = open_bound(w, &addr);

    ends_of_sends_in_order_on(w, ep, NET_OP_SENDMSG, addr);
    world_close(w, ep, 0);
    world_pair(w, pair, 0);
    ends_of_sends_in_order_on(w, pair[0], NET_OP_SEND, addr);
    close_pair(w, pair);
}

static struct watched *receive_once(struct net_ep *ep, enum net_opcode code, uint32_t flags)
{
    struct watched *o = watched_new(code, flags);

    o->iov = (struct iovec){ o->bytes, 100 };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    assert_int_equal(watched_submit(ep, o), NET_PENDING);
    return o;
}

/* One has bytes since its submit() and has not said so, the other gets the next ones in poll(). */
static void ends_of_receives_in_order_on(struct net_world *w, struct net_ep *sender,
                                         struct net_ep *receiver, bool datagrams,
                                         const struct net_addr *to)
{
    enum net_opcode code = datagrams ? NET_OP_RECVMSG : NET_OP_RECV;
    struct watched *send[2], *first, *second;

    send[0] = datagrams ? send_to(sender, to, "one", 3) : send_later(sender, "one", 3, 0);
    end(w, send[0], 3);
    world_settle(w);
    first = receive_once(receiver, code, NET_F_ASYNC);
    second = receive_once(receiver, code, 0);
    send[1] = datagrams ? send_to(sender, to, "three", 5) : send_later(sender, "three", 5, 0);
    watched_wait(w, second);
    assert_true(first->last);
    assert_true(first->order < second->order);
    end(w, first, 3);
    end(w, second, 5);
    end(w, send[1], 5);
}

static void ends_of_receives_in_order(struct net_world *w)
{
    struct net_addr from, to;
    struct net_ep *pair[2], *a = open_bound(w, &from), *b = open_bound(w, &to);

    ends_of_receives_in_order_on(w, a, b, true, &to);
    world_close(w, a, 0);
    world_close(w, b, 0);
    world_pair(w, pair, 0);
    ends_of_receives_in_order_on(w, pair[0], pair[1], false, NULL);
    close_pair(w, pair);
}

static void comes(struct net_world *w, struct net_ep *ep, const char *text)
{
    struct watched *o = watched_new(NET_OP_RECVMSG, 0);

    o->iov = (struct iovec){ o->bytes, 100 };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    watched_wait(w, o);
    assert_memory_equal(o->bytes, text, strlen(text));
    end(w, o, (int64_t)strlen(text));
}

/* A list is sent as it stands, then what was submitted after it; a refusal ends it. */
static void lists_of_datagrams(struct net_world *w)
{
    static char large[70000]; /* too much for a datagram */
    const struct iovec iov[] = { { "ab", 2 }, { "c", 1 }, { "def", 3 }, { large, sizeof(large) } };
    const struct net_message good[] = { { iov, 2 }, { iov, 0 }, { &iov[2], 1 } };
    const struct net_message bad[] = { { &iov[1], 1 }, { &iov[3], 1 }, { &iov[2], 1 } };
    struct net_addr from, to;
    struct net_ep *a = open_bound(w, &from), *b = open_bound(w, &to);

    for (unsigned flags = 0; flags <= NET_F_ASYNC; flags += NET_F_ASYNC) {
        struct watched *list = watched_new(NET_OP_SENDMSG, flags);
        list->op.messages = good;
        list->op.message_count = 3;
        list->op.addr = to;
        watched_submit(a, list);
        struct watched *one = send_to(a, &to, "x", 1);
        end(w, list, 6);
        end(w, one, 1);
        comes(w, b, "abc");
        comes(w, b, "");
        comes(w, b, "def");
        comes(w, b, "x");
        list = watched_new(NET_OP_SENDMSG, flags);
        list->op.messages = bad;
        list->op.message_count = 3;
        list->op.addr = to;
        watched_submit(a, list);
        one = send_to(a, &to, "y", 1);
        end(w, list, -EMSGSIZE);
        end(w, one, 1);
        comes(w, b, "c");
        comes(w, b, "y");
    }
    world_close(w, a, 0);
    world_close(w, b, 0);
}

static void loses_everything(struct net_world *w)
{
    struct net_ctl_arg arg = { 0 };
    struct net_addr addr = { 0 };
    struct net_ep *pair[2], *ep = open_bound(w, &addr);
    struct watched *recv, *multi, *watch;

    recv = watched_new(NET_OP_RECVMSG, NET_F_MULTI);
    assert_int_equal(watched_submit(ep, recv), NET_PENDING);
    assert_int_equal(w->transport->ctl(ep, NET_CTL_LOSE, &arg), 0);
    end(w, recv, -EBADF);
    end(w, send_to(ep, &addr, "x", 1), -EBADF);
    end(w, simple(ep, NET_OP_RECVMSG, NET_F_MULTI), -EBADF);
    assert_int_equal(w->transport->ctl(ep, NET_CTL_LOCAL, &arg), -EBADF);
    world_close(w, ep, 0);
    world_pair(w, pair, 0);
    recv = receive_into(pair[0], 10);
    multi = receive_all(pair[0]);
    watch = simple(pair[0], NET_OP_WATCH, 0);
    assert_int_equal(w->transport->ctl(pair[0], NET_CTL_LOSE, &arg), 0);
    end(w, recv, -EBADF);
    end(w, multi, -EBADF);
    end(w, watch, -EBADF);
    end(w, send_later(pair[0], "x", 1, 0), -EBADF);
    end(w, simple(pair[0], NET_OP_RECV, NET_F_MULTI), -EBADF);
    end(w, receive_into(pair[1], 10), -ECONNRESET);
    close_pair(w, pair);
}

static void datagrams(struct net_world *w)
{
    struct net_addr a_addr, b_addr, nowhere = { 0 };
    struct net_ep *a = open_bound(w, &a_addr), *b = open_bound(w, &b_addr);
    struct watched *multi = watched_new(NET_OP_RECVMSG, NET_F_MULTI), *o;
    uint8_t big[9000];

    memset(big, 7, sizeof(big));
    end(w, send_to(a, &nowhere, "x", 1), -EDESTADDRREQ);
    watched_submit(b, multi);
    end(w, send_to(a, &b_addr, "first", 5), 5);
    end(w, send_to(a, &b_addr, "", 0), 0);
    end(w, send_to(a, &b_addr, big, sizeof(big)), sizeof(big));
    world_wait_bytes(w, multi, 5 + sizeof(big));
    assert_int_equal(multi->runs, 3);
    assert_int_equal(multi->op.addr.port, a_addr.port);
    assert_true(multi->op.drained);
    assert_memory_equal(multi->bytes, "first", 5);
    assert_int_equal(multi->bytes[5 + 8999], 7);
    w->transport->cancel(b, &multi->op);
    end(w, multi, -ECANCELED);

    /* Into the caller's memory, too short for it. */
    o = watched_new(NET_OP_RECVMSG, 0);
    o->iov = (struct iovec){ o->bytes, 3 };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(b, o);
    end(w, send_to(a, &b_addr, "longer", 6), 6);
    watched_wait(w, o);
    assert_true(o->info.present & NET_INFO_TRUNCATED);
    end(w, o, 3);
    world_close(w, a, 0);
    world_close(w, b, 0);
}

/* ---- 9 ------------------------------------------------------------------------------------------
 */

#define THREAD_MESSAGES 2000

struct sender {
    struct net_world *w;
    struct net_ep *ep;
    struct host_thread *thread;
    int pending; /* atomic: operations whose done() did not run */
};

struct counted_op {
    struct net_op op;
    struct iovec iov;
    struct sender *owner;
    char text[8];
};

static void count_done(struct net_op *op)
{
    struct counted_op *o = (struct counted_op *)op;

    assert_int_equal(op->result, 8);
    __atomic_sub_fetch(&o->owner->pending, 1, __ATOMIC_RELEASE);
    free(o);
}

static void send_many(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < THREAD_MESSAGES; i++) {
        struct counted_op *o = calloc(1, sizeof(*o));

        memcpy(o->text, "12345678", 8);
        o->owner = s;
        o->iov = (struct iovec){ o->text, 8 };
        o->op = (struct net_op){ .code = NET_OP_SEND,
                                 .flags = i % 7 == 0 ? NET_F_ASYNC : 0,
                                 .iov = &o->iov,
                                 .iovcnt = 1,
                                 .done = count_done };
        __atomic_add_fetch(&s->pending, 1, __ATOMIC_RELAXED);
        if (s->w->transport->submit(s->ep, &o->op) == NET_DONE)
            count_done(&o->op);
    }
}

static void put_later(void *arg)
{
    struct watched *o = arg;

    for (int i = 0; i < o->held_count; i++)
        net_buf_put(o->held[i]);
}

static void any_thread(struct net_world *w)
{
    struct net_ep *pair[2];
    struct watched *recv, *other;
    struct sender s[3];
    struct host_thread *t;

    world_pair(w, pair, 0);
    recv = receive_all(pair[1]);
    recv->hold = true;
    for (int i = 0; i < 3; i++) {
        s[i] = (struct sender){ w, pair[0], NULL, 0 };
        assert_int_equal(host_thread_create(&s[i].thread, send_many, &s[i], "sender"), 0);
    }
    world_wait_bytes(w, recv, (size_t)3 * THREAD_MESSAGES * 8);
    for (int i = 0; i < 3; i++) {
        host_thread_join(s[i].thread);
        while (__atomic_load_n(&s[i].pending, __ATOMIC_ACQUIRE))
            w->transport->poll(w->net, HOST_FOREVER);
    }
    for (size_t i = 0; i < sizeof(recv->bytes) && i < recv->count; i++)
        assert_int_equal(recv->bytes[i], '1' + i % 8);
    /* Buffers are put elsewhere while the endpoint goes away. */
    assert_int_equal(host_thread_create(&t, put_later, recv, "putter"), 0);
    other = simple(pair[1], NET_OP_CLOSE, 0);
    end(w, other, 0);
    host_thread_join(t);
    end(w, recv, -ECANCELED);
    world_close(w, pair[0], 0);
}

static void wake_it(void *arg)
{
    struct net_world *w = arg;

    w->transport->wake(w->net);
}

static void wake_is_sticky(struct net_world *w)
{
    struct host_thread *t;

    w->transport->wake(w->net);
    w->transport->poll(w->net, HOST_FOREVER);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(host_thread_create(&t, wake_it, w, "waker"), 0);
        w->transport->poll(w->net, HOST_FOREVER);
        host_thread_join(t);
        w->transport->poll(w->net, 0);
    }
    assert_int_equal(w->transport->poll(w->net, host_now() + 1000), 0);
}

const struct net_contract_test net_contract_tests[] = {
    { "1 exactly once", exactly_once },
    { "2 never inside", never_inside },
    { "3, 4 order and ownership", order_and_ownership },
    { "4 ends of sends in order", ends_of_sends_in_order },
    { "4 ends of receives in order", ends_of_receives_in_order },
    { "4 lists of datagrams", lists_of_datagrams },
    { "4 bytes before the end", bytes_before_the_end },
    { "peek leaves the bytes", peek_leaves_the_bytes },
    { "5 cancel is idempotent", cancel_is_idempotent },
    { "5 cancel from done", cancel_from_done },
    { "5 cancel loses nothing", cancel_loses_nothing },
    { "6, 7 backpressure", backpressure },
    { "8 close comes last", close_comes_last },
    { "8 buffers outlive everything", buffers_outlive_everything },
    { "8 close from done", close_from_done },
    { "8 close from done comes last", close_from_done_comes_last },
    { "graceful end", graceful_end },
    { "abortive end", abortive_end },
    { "connect refused", connect_refused },
    { "connect cancelled", connect_cancelled },
    { "accept repeats and places", accept_repeats_and_places },
    { "loses everything", loses_everything },
    { "datagrams", datagrams },
    { "9 any thread", any_thread },
    { "9 wake is sticky", wake_is_sticky },
    { NULL, NULL },
};
