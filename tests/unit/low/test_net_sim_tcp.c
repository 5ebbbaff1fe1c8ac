/* Streams of the simulated network, in virtual time: what takes how long, and who may do what. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sim_clock.h"

#define MS ((int64_t)1000 * 1000)
#define S  (1000 * MS)

static const struct net_addr any4 = { .family = NET_IP4 };

static struct watched *receive(struct net_ep *ep, size_t room)
{
    struct watched *o = watched_new(NET_OP_RECV, 0);

    o->iov = (struct iovec){ o->bytes, room };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    return o;
}

static struct watched *send_bytes(struct net_ep *ep, const void *data, size_t n, uint32_t flags)
{
    struct watched *o = watched_new(NET_OP_SEND, flags);

    o->iov = (struct iovec){ (void *)data, n };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    return o;
}

static struct watched *submit(struct net_ep *ep, enum net_opcode code, uint32_t flags)
{
    struct watched *o = watched_new(code, flags);

    watched_submit(ep, o);
    return o;
}

static struct net_ep *accept_one(struct sim_place *p, struct net_ep *listener)
{
    struct watched *o = submit(listener, NET_OP_ACCEPT, 0);
    struct net_ep *ep;

    watched_wait(&p->w, o);
    assert_int_equal(o->op.result, 0);
    ep = o->accepted[0];
    watched_free(o);
    return ep;
}

/* A connection within the machine, with the client's address to be given. */
static void pair_at(struct sim_place *p, struct net_ep *pair[2], struct net_ep *client)
{
    struct net_addr at = sim_loopback4;
    struct net_ep *listener = sim_listen(p, &at, 4);

    pair[0] = client;
    assert_int_equal(sim_connect(p, client, at, S), 0);
    pair[1] = accept_one(p, listener);
    world_close(&p->w, listener, 0);
}

static int bind_new(struct sim_place *p, struct net_addr at, enum net_opt opt, struct net_ep **out)
{
    *out = sim_open(p, NET_EP_STREAM, at.family);
    if (opt != NET_OPT_COUNT)
        sim_set(*out, opt, 1);
    return net_sim.bind(*out, &at);
}

/* ---- connect ----------------------------------------------------------------------------- */

static int64_t connect_takes(struct sim_place *p, struct net_addr to, int64_t result,
                             enum net_opt opt, int value)
{
    struct net_ep *ep = sim_open(p, NET_EP_STREAM, to.family);
    int64_t before = host_now(), took;

    if (opt != NET_OPT_COUNT)
        sim_set(ep, opt, value);
    assert_int_equal(sim_connect(p, ep, to, 1000 * S), result);
    took = host_now() - before;
    world_close(&p->w, ep, 0);
    return took;
}

static void connects_that_fail(void **state)
{
    const struct net_addr nobody = { .family = NET_IP4, .port = 9, .ip = { 10, 0, 0, 99 } };
    const struct net_addr nowhere6 = { .family = NET_IP6, .port = 9, .ip = { 0x20, 1 } };
    struct sim_config config = { .faults.latency_ns = 10 * MS };
    struct sim_place p;

    (void)state;
    sim_place_begin_with(&p, &config);
    assert_int_equal(connect_takes(&p, sim_at(far4, 9), -ECONNREFUSED, NET_OPT_COUNT, 0), 20 * MS);
    assert_int_equal(connect_takes(&p, sim_at(far6, 9), -ECONNREFUSED, NET_OPT_COUNT, 0), 20 * MS);
    assert_int_equal(connect_takes(&p, nobody, -EHOSTUNREACH, NET_OPT_COUNT, 0), 3 * S);
    assert_int_equal(sim_address_remove(p.world, 0, &near6), 0);
    assert_int_equal(connect_takes(&p, nowhere6, -ENETUNREACH, NET_OPT_COUNT, 0), 0);
    sim_place_end(&p);
    config.silent_void = true;
    sim_place_begin_with(&p, &config);
    assert_int_equal(connect_takes(&p, nobody, -ETIMEDOUT, NET_OPT_COUNT, 0), 127 * S);
    assert_int_equal(connect_takes(&p, nobody, -ETIMEDOUT, NET_OPT_TCP_SYNCNT, 1), 3 * S);
    assert_int_equal(connect_takes(&p, nobody, -ETIMEDOUT, NET_OPT_TCP_USER_TIMEOUT, 2500),
                     2500 * MS);
    sim_place_end(&p);
}

static void cut_links_delay_connects(void **state)
{
    const struct net_addr at = sim_at(far4, 7);
    const struct sim_peer_params none = { 0 };
    struct sim_peer *echo;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    assert_int_equal(sim_peer_add(p.world, &echo, SIM_PEER_ECHO, 1, &at, NULL, &none), 0);
    assert_int_equal(connect_takes(&p, at, 0, NET_OPT_COUNT, 0), 0);
    assert_int_equal(sim_link_cut(p.world, 0, 1, host_now() + 5 * S), 0);
    assert_int_equal(connect_takes(&p, at, 0, NET_OPT_COUNT, 0), 7 * S); /* the third try */
    assert_int_equal(sim_link_cut(p.world, 0, 1, HOST_FOREVER), 0);
    assert_int_equal(connect_takes(&p, at, -ETIMEDOUT, NET_OPT_COUNT, 0), 127 * S);
    sim_heal(p.world);
    assert_int_equal(connect_takes(&p, at, 0, NET_OPT_COUNT, 0), 0);
    sim_place_end(&p);
}

static void a_full_backlog_waits(void **state)
{
    struct net_addr at = sim_loopback4;
    struct net_ep *listener, *clients[4], *accepted[4];
    struct watched *last = watched_new(NET_OP_CONNECT, 0);
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    listener = sim_listen(&p, &at, 1);
    for (int i = 0; i < 3; i++)
        clients[i] = sim_open(&p, NET_EP_STREAM, NET_IP4);
    assert_int_equal(sim_connect(&p, clients[0], at, S), 0);
    assert_int_equal(sim_connect(&p, clients[1], at, S), 0); /* one more than the backlog */
    last->op.addr = at;
    watched_submit(clients[2], last);
    sim_pass(&p, 10 * S);
    assert_false(last->last);
    accepted[0] = accept_one(&p, listener);
    assert_int_equal(sim_result(&p, last, 10 * S), 0);
    accepted[1] = accept_one(&p, listener);
    world_close(&p.w, listener, 0); /* who is not accepted yet is reset */
    assert_int_equal(sim_result(&p, receive(clients[2], 10), S), -ECONNRESET);
    for (int i = 0; i < 2; i++)
        world_close(&p.w, accepted[i], 0);
    for (int i = 0; i < 3; i++)
        world_close(&p.w, clients[i], 0);
    sim_place_end(&p);
}

static void canceled_connects_leave_the_port(void **state)
{
    struct net_addr at = sim_loopback4, nobody = sim_at(far4, 9);
    struct net_ep *listener, *ep, *other;
    struct watched *o = watched_new(NET_OP_CONNECT, 0);
    struct net_ctl_arg before = { 0 }, after = { 0 };
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    sim_link_cut(p.world, 0, 1, HOST_FOREVER);
    listener = sim_listen(&p, &at, 4);
    assert_int_equal(bind_new(&p, any4, NET_OPT_COUNT, &ep), 0);
    net_sim.ctl(ep, NET_CTL_LOCAL, &before);
    o->op.addr = nobody;
    watched_submit(ep, o);
    sim_pass(&p, 5 * S);
    net_sim.cancel(ep, &o->op);
    assert_int_equal(sim_result(&p, o, S), -ECANCELED);
    net_sim.ctl(ep, NET_CTL_LOCAL, &after);
    assert_int_equal(after.addr.port, before.addr.port);
    assert_int_equal(sim_connect(&p, ep, at, S), 0);
    assert_int_equal(net_sim.ctl(ep, NET_CTL_LOCAL, &after), 0);
    assert_int_equal(after.addr.port, before.addr.port);
    assert_int_equal(after.addr.ip[0], 127);
    assert_int_equal(sim_connect(&p, ep, at, S), -EISCONN);
    other = accept_one(&p, listener);
    world_close(&p.w, ep, 0);
    world_close(&p.w, other, 0);
    world_close(&p.w, listener, 0);
    sim_place_end(&p);
}

/* ---- ports ------------------------------------------------------------------------------- */

static void ports_are_shared_as_on_linux(void **state)
{
    struct net_addr at = sim_at(sim_loopback4, 5000), wild = sim_at(any4, 5000);
    const struct net_addr dual = { .family = NET_IP6, .port = 5000 };
    struct net_ep *a, *b, *c, *d;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    assert_int_equal(bind_new(&p, at, NET_OPT_COUNT, &a), 0);
    assert_int_equal(net_sim.bind(a, &at), -EINVAL);
    assert_int_equal(bind_new(&p, at, NET_OPT_COUNT, &b), -EADDRINUSE);
    assert_int_equal(net_sim.bind(b, &wild), -EADDRINUSE);
    assert_int_equal(net_sim.bind(b, &far4), -EADDRNOTAVAIL);
    assert_int_equal(net_sim.bind(b, &far6), -EAFNOSUPPORT);
    assert_int_equal(net_sim.bind(b, &(struct net_addr){ NET_IP4, 5000, { 10, 0, 0, 1 }, 0, 0 }),
                     0);
    assert_int_equal(bind_new(&p, dual, NET_OPT_COUNT, &c), 0); /* IPv6 only */
    world_close(&p.w, c, 0);
    c = sim_open(&p, NET_EP_STREAM, NET_IP6);
    sim_set(c, NET_OPT_IPV6_V6ONLY, 0);
    assert_int_equal(net_sim.bind(c, &dual), -EADDRINUSE);
    /* Both want to share, and nobody listens. */
    sim_set(a, NET_OPT_REUSEADDR, 1);
    assert_int_equal(bind_new(&p, at, NET_OPT_REUSEADDR, &d), 0);
    assert_int_equal(net_sim.listen(a, 1), 0);
    assert_int_equal(net_sim.listen(d, 1), -EADDRINUSE);
    world_close(&p.w, a, 0);
    assert_int_equal(net_sim.listen(d, 1), 0);
    world_close(&p.w, b, 0);
    world_close(&p.w, c, 0);
    world_close(&p.w, d, 0);
    sim_place_end(&p);
}

static void closed_connections_hold_their_port(void **state)
{
    struct net_addr at = sim_at(sim_loopback4, 5001);
    struct net_ep *pair[2], *listener, *again;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    listener = sim_listen(&p, &at, 4);
    pair[0] = sim_open(&p, NET_EP_STREAM, NET_IP4);
    assert_int_equal(sim_connect(&p, pair[0], at, S), 0);
    pair[1] = accept_one(&p, listener);
    world_close(&p.w, listener, 0);
    world_close(&p.w, pair[1], 0); /* the server's side first: it waits */
    world_close(&p.w, pair[0], 0);
    assert_int_equal(bind_new(&p, at, NET_OPT_COUNT, &again), -EADDRINUSE);
    sim_pass(&p, 61 * S);
    assert_int_equal(net_sim.bind(again, &at), 0);
    world_close(&p.w, again, 0);
    sim_place_end(&p);
}

/* ---- bytes ------------------------------------------------------------------------------- */

static void acknowledged_sends_take_a_round_trip(void **state)
{
    const struct net_addr at = sim_at(far4, 9);
    const struct sim_link_values slow = { .latency_ns = 30 * MS };
    const struct sim_peer_params none = { 0 };
    struct net_ep *ep;
    struct sim_peer *sink;
    struct sim_place p;
    int64_t before;

    (void)state;
    sim_place_begin(&p, NULL);
    assert_int_equal(sim_link_set(p.world, 0, 1, &slow), 0);
    assert_int_equal(sim_peer_add(p.world, &sink, SIM_PEER_SINK, 1, &at, NULL, &none), 0);
    ep = sim_open(&p, NET_EP_STREAM, NET_IP4);
    assert_int_equal(sim_connect(&p, ep, at, S), 0);
    before = host_now();
    assert_int_equal(sim_result(&p, send_bytes(ep, "x", 1, 0), S), 1);
    assert_int_equal(host_now(), before);
    assert_int_equal(sim_result(&p, send_bytes(ep, "yz", 2, NET_F_ACKED | NET_F_NODELAY), S), 2);
    assert_int_equal(host_now() - before, 30 * MS);
    assert_int_equal(sim_result(&p, submit(ep, NET_OP_SHUTDOWN, 0), S), 0);
    assert_int_equal(host_now() - before, 60 * MS);
    world_close(&p.w, ep, 0);
    sim_place_end(&p);
}

static void more_and_nagle_hold_bytes_back(void **state)
{
    struct net_ep *pair[2];
    struct watched *o;
    struct sim_place p;
    int64_t before;

    (void)state;
    sim_place_begin(&p, NULL);
    pair_at(&p, pair, sim_open(&p, NET_EP_STREAM, NET_IP4));
    before = host_now();
    sim_result(&p, send_bytes(pair[0], "a", 1, NET_F_MORE), S);
    assert_int_equal(sim_result(&p, receive(pair[1], 10), S), 1);
    assert_int_equal(host_now() - before, 200 * MS);
    sim_result(&p, send_bytes(pair[0], "b", 1, NET_F_MORE), S);
    sim_result(&p, send_bytes(pair[0], "c", 1, 0), S);
    assert_int_equal(sim_result(&p, receive(pair[1], 10), S), 2);
    assert_int_equal(host_now() - before, 200 * MS);
    /* While one is on its way, a second one waits, unless it is told not to. */
    assert_int_equal(
        sim_link_set(p.world, 0, 0, &(struct sim_link_values){ .latency_ns = 10 * MS }), 0);
    before = host_now();
    sim_result(&p, send_bytes(pair[0], "d", 1, 0), S);
    sim_result(&p, send_bytes(pair[0], "e", 1, 0), S);
    assert_int_equal(sim_result(&p, receive(pair[1], 10), S), 1);
    assert_int_equal(host_now() - before, 10 * MS);
    assert_int_equal(sim_result(&p, receive(pair[1], 10), S), 1);
    assert_int_equal(host_now() - before, 30 * MS);
    sim_pass(&p, S);
    before = host_now();
    sim_result(&p, send_bytes(pair[0], "f", 1, 0), S);
    sim_result(&p, send_bytes(pair[0], "g", 1, NET_F_NODELAY), S);
    sim_pass(&p, 10 * MS + 1);
    o = receive(pair[1], 10);
    assert_int_equal(sim_result(&p, o, S), 2);
    world_close(&p.w, pair[0], 0);
    world_close(&p.w, pair[1], 0);
    sim_place_end(&p);
}

static void a_full_window_stops_the_sender(void **state)
{
    struct sim_config config = { .send_buffer_bytes = 10000, .receive_buffer_bytes = 20000 };
    static uint8_t data[50000];
    struct net_ctl_arg arg = { 0 };
    struct net_ep *pair[2];
    struct watched *send;
    struct sim_place p;

    (void)state;
    sim_place_begin_with(&p, &config);
    pair_at(&p, pair, sim_open(&p, NET_EP_STREAM, NET_IP4));
    send = send_bytes(pair[0], data, sizeof(data), 0);
    sim_pass(&p, S);
    assert_false(send->last);
    assert_int_equal(send->op.moved, 30000);
    net_sim.ctl(pair[1], NET_CTL_QUEUED_IN, &arg);
    assert_int_equal(arg.value, 20000);
    net_sim.ctl(pair[0], NET_CTL_QUEUED_OUT, &arg);
    assert_int_equal(arg.value, 30000);
    assert_int_equal(sim_result(&p, receive(pair[1], 5000), S), 5000);
    sim_pass(&p, S);
    assert_int_equal(send->op.moved, 35000); /* a closed window opens at once */
    assert_int_equal(sim_result(&p, receive(pair[1], 15000), S), 15000);
    sim_pass(&p, S);
    assert_int_equal(sim_result(&p, send, S), 50000);
    world_close(&p.w, pair[0], NET_F_ABORT);
    world_close(&p.w, pair[1], NET_F_ABORT);
    sim_place_end(&p);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void unread_bytes_make_a_close_a_reset(void **state)
{
    struct net_ep *pair[2];
    struct net_ctl_arg arg = { 0 };
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    pair_at(&p, pair, sim_open(&p, NET_EP_STREAM, NET_IP4));
    sim_result(&p, send_bytes(pair[0], "unread", 6, 0), S);
    sim_result(&p, send_bytes(pair[1], "read", 4, 0), S);
    world_close(&p.w, pair[1], 0);
    assert_int_equal(sim_result(&p, receive(pair[0], 10), S), 4); /* came before the reset */
    assert_int_equal(sim_result(&p, receive(pair[0], 10), S), -ECONNRESET);
    assert_int_equal(sim_result(&p, send_bytes(pair[0], "x", 1, 0), S), -ECONNRESET);
    assert_int_equal(net_sim.ctl(pair[0], NET_CTL_TCP_INFO, &arg), 0);
    assert_true(arg.tcp.fin_acked);
    world_close(&p.w, pair[0], 0);

    /* Bytes for somebody who closed in order earn a reset, too: after his end of stream. */
    pair_at(&p, pair, sim_open(&p, NET_EP_STREAM, NET_IP4));
    world_close(&p.w, pair[1], 0);
    assert_int_equal(sim_result(&p, receive(pair[0], 10), S), 0);
    assert_int_equal(sim_result(&p, send_bytes(pair[0], "x", 1, 0), S), 1);
    assert_int_equal(sim_result(&p, submit(pair[0], NET_OP_WATCH, NET_F_ABORT), S), -ECONNRESET);
    assert_int_equal(sim_result(&p, send_bytes(pair[0], "x", 1, 0), S), -ECONNRESET);
    world_close(&p.w, pair[0], 0);
    sim_place_end(&p);
}

static void closing_still_sends(void **state)
{
    static uint8_t data[100000];
    struct net_ep *pair[2];
    struct sim_place p;
    int64_t total = 0, n;

    (void)state;
    sim_place_begin(&p, NULL);
    pair_at(&p, pair, sim_open(&p, NET_EP_STREAM, NET_IP4));
    assert_int_equal(sim_result(&p, send_bytes(pair[0], data, sizeof(data), 0), S), sizeof(data));
    world_close(&p.w, pair[0], 0);
    while ((n = sim_result(&p, receive(pair[1], 3000), S)) > 0)
        total += n;
    assert_int_equal(n, 0);
    assert_int_equal(total, sizeof(data));
    world_close(&p.w, pair[1], 0);
    sim_place_end(&p);
}

static int begin(void **state)
{
    (void)state;
    sim_clock_virtual();
    sim_chooser = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_that_fail),
        cmocka_unit_test(cut_links_delay_connects),
        cmocka_unit_test(a_full_backlog_waits),
        cmocka_unit_test(canceled_connects_leave_the_port),
        cmocka_unit_test(ports_are_shared_as_on_linux),
        cmocka_unit_test(closed_connections_hold_their_port),
        cmocka_unit_test(acknowledged_sends_take_a_round_trip),
        cmocka_unit_test(more_and_nagle_hold_bytes_back),
        cmocka_unit_test(a_full_window_stops_the_sender),
        cmocka_unit_test(unread_bytes_make_a_close_a_reset),
        cmocka_unit_test(closing_still_sends),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
