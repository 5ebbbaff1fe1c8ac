/* Helpers for the tests of transports; see net_world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "host/host.h"
#include "net_world.h"

#define PATIENCE_NS ((int64_t)20 * 1000 * 1000 * 1000)

static int done_number;

void world_begin(struct net_world *w, const struct net_transport *t)
{
    struct net_config config = { 0 };

    memset(w, 0, sizeof(*w));
    w->transport = t;
    w->any = (struct net_addr){ .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
    assert_int_equal(t->create(&w->net, &config), 0);
}

void world_end(struct net_world *w)
{
    w->transport->destroy(w->net);
}

static void collect(struct watched *o)
{
    struct net_buf *b = o->op.buf;

    if (!b)
        return;
    assert_true(b->length <= sizeof(o->bytes));
    if (o->count + b->length <= sizeof(o->bytes))
        memcpy(o->bytes + o->count, b->data, b->length);
    o->count += b->length;
    if (o->hold && o->held_count < 64)
        o->held[o->held_count++] = b;
    else
        net_buf_put(b);
}

static void note_done(struct net_op *op)
{
    struct watched *o = (struct watched *)op;

    assert_false(o->last);
    o->runs++;
    o->order = ++done_number;
    if (!op->more)
        o->last = true;
    if (op->code == NET_OP_RECV || op->code == NET_OP_RECVMSG)
        collect(o);
    if (op->accepted) {
        assert_true(o->accepted_count < 64);
        o->accepted[o->accepted_count++] = op->accepted;
    }
}

struct watched *watched_new(enum net_opcode code, uint32_t flags)
{
    struct watched *o = calloc(1, sizeof(*o));

    assert_non_null(o);
    o->op.code = code;
    o->op.flags = flags;
    o->op.done = note_done;
    o->op.info = &o->info;
    return o;
}

void watched_free(struct watched *o)
{
    free(o);
}

enum net_disposition watched_submit(struct net_ep *ep, struct watched *o)
{
    const struct net_transport *const *t = (const struct net_transport *const *)ep;
    enum net_disposition d;

    o->last = false;
    d = (*t)->submit(ep, &o->op);
    if (d == NET_DONE)
        note_done(&o->op);
    return d;
}

void watched_wait(struct net_world *w, struct watched *o)
{
    int64_t until = host_now() + PATIENCE_NS;

    while (!o->last) {
        assert_true(host_now() < until);
        w->transport->poll(w->net, until);
    }
}

void world_wait_for(struct net_world *w, const int *value, int least)
{
    int64_t until = host_now() + PATIENCE_NS;

    while (*value < least) {
        assert_true(host_now() < until);
        w->transport->poll(w->net, until);
    }
}

void world_wait_bytes(struct net_world *w, const struct watched *o, size_t least)
{
    int64_t until = host_now() + PATIENCE_NS;

    while (o->count < least) {
        assert_true(host_now() < until);
        w->transport->poll(w->net, until);
    }
}

void world_settle(struct net_world *w)
{
    int quiet = 0;

    while (quiet < 4)
        quiet = w->transport->poll(w->net, host_now() + 1000000) ? 0 : quiet + 1;
}

struct net_ep *world_open(struct net_world *w, enum net_ep_kind kind, size_t rx_limit_bytes)
{
    struct net_open o = { .kind = kind, .family = w->any.family, .rx_limit_bytes = rx_limit_bytes };
    struct net_ep *ep = NULL;

    assert_int_equal(w->transport->open(w->net, &o, &ep), 0);
    return ep;
}

void world_close(struct net_world *w, struct net_ep *ep, uint32_t flags)
{
    struct watched *o = watched_new(NET_OP_CLOSE, flags);

    assert_int_equal(watched_submit(ep, o), NET_PENDING);
    watched_wait(w, o);
    watched_free(o);
}

void world_pair(struct net_world *w, struct net_ep *pair[2], size_t rx_limit_bytes)
{
    struct net_ep *listener = world_open(w, NET_EP_STREAM, rx_limit_bytes);
    struct watched *accept = watched_new(NET_OP_ACCEPT, 0);
    struct watched *connect = watched_new(NET_OP_CONNECT, 0);
    struct net_ctl_arg arg = { 0 };

    assert_int_equal(w->transport->bind(listener, &w->any), 0);
    assert_int_equal(w->transport->listen(listener, 16), 0);
    assert_int_equal(w->transport->ctl(listener, NET_CTL_LOCAL, &arg), 0);
    watched_submit(listener, accept);
    pair[0] = world_open(w, NET_EP_STREAM, rx_limit_bytes);
    connect->op.addr = arg.addr;
    watched_submit(pair[0], connect);
    watched_wait(w, connect);
    watched_wait(w, accept);
    assert_int_equal(connect->op.result, 0);
    assert_int_equal(accept->op.result, 0);
    pair[1] = accept->accepted[0];
    world_close(w, listener, 0);
    watched_free(accept);
    watched_free(connect);
}

void world_send(struct net_world *w, struct net_ep *ep, const void *data, size_t length)
{
    struct watched *o = watched_new(NET_OP_SEND, 0);

    o->iov = (struct iovec){ (void *)data, length };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    watched_wait(w, o);
    assert_int_equal(o->op.result, length);
    watched_free(o);
}
