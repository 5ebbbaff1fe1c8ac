/*
 * The faults of streams and of the loop, kind by kind, in virtual time: each has its effect when it
 * fires, is counted, and stops with sim_heal(). Those of datagrams, names, addresses and peers are
 * with these.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sim_clock.h"

#define MS ((int64_t)1000 * 1000)
#define S  (1000 * MS)

static const struct sim_peer_params no_params;

static struct net_addr echo_at;
static struct sim_peer *echo;

/* A place with one kind of fault, and an echo on the other host. */
static void begin_place(struct sim_place *p, enum sim_fault kind, unsigned permille)
{
    struct sim_faults faults = { .latency_ns = 0 };

    faults.permille[kind] = (uint16_t)permille;
    faults.jitter_ns = 100 * MS;
    sim_place_begin(p, &faults);
    echo_at = sim_at(far4, 7);
    assert_int_equal(sim_peer_add(p->world, &echo, SIM_PEER_ECHO, 1, &echo_at, NULL, &no_params),
                     0);
}

/* From now on it happens each time. */
static void let_happen(struct sim_place *p, enum sim_fault kind)
{
    struct sim_faults faults = { .latency_ns = 0 };

    faults.permille[kind] = 1000;
    sim_faults_set(p->world, &faults);
    sim_chooser = sim_always;
}

static void end_place(struct sim_place *p, enum sim_fault kind)
{
    uint64_t fired = sim_fault_count(p->world, kind);
    struct net_ep *ep = sim_open(p, NET_EP_STREAM, NET_IP4);

    assert_true(fired > 0);
    sim_heal(p->world);
    assert_int_equal(sim_connect(p, ep, echo_at, 10 * S), 0);
    assert_int_equal(sim_fault_count(p->world, kind), fired);
    world_close(&p->w, ep, 0);
    sim_place_end(p);
}

static int64_t io(struct sim_place *p, struct net_ep *ep, enum net_opcode code, void *data,
                  size_t n, uint32_t flags)
{
    struct watched *o = watched_new(code, flags);

    o->iov = (struct iovec){ data, n };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    return sim_result(p, o, 100 * S);
}

/* Sends the pattern through the echo and checks what comes back; the number of receives. */
static int round_trip(struct sim_place *p, struct net_ep *ep, size_t size)
{
    uint8_t *data = malloc(size), *got = malloc(size);
    size_t count = 0;
    int receives = 0;
    int64_t n;

    for (size_t i = 0; i < size; i++)
        data[i] = sim_pattern(i, 3);
    assert_int_equal(io(p, ep, NET_OP_SEND, data, size, 0), size);
    while (count < size) {
        n = io(p, ep, NET_OP_RECV, got + count, size - count, 0);
        assert_true(n > 0);
        count += (size_t)n;
        receives++;
    }
    assert_memory_equal(data, got, size);
    free(data);
    free(got);
    return receives;
}

static void connects(void **state)
{
    static const struct {
        enum sim_fault kind;
        int64_t result, least_ns, most_ns;
    } rows[] = {
        { SIM_REFUSED, -ECONNREFUSED, 0, 0 },
        { SIM_TIMEOUT, -ETIMEDOUT, 127 * S, 127 * S },
        { SIM_UNREACHABLE, -EHOSTUNREACH, 3 * S, 3 * S },
        { SIM_BACKLOG, -ETIMEDOUT, 127 * S, 127 * S }, /* it fires each time */
        { SIM_LOSS, -ETIMEDOUT, 127 * S, 127 * S },
        { SIM_JITTER, 0, 1, 200 * MS },
        { SIM_CLOG, 0, 1, 10 * S },
        { SIM_PARTITION, -ETIMEDOUT, 127 * S, 127 * S },
    };

    (void)state;
    sim_chooser = sim_always;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_place p;
        struct net_ep *ep;
        int64_t before;

        begin_place(&p, rows[i].kind, 1000);
        ep = sim_open(&p, NET_EP_STREAM, NET_IP4);
        before = host_now();
        assert_int_equal(sim_connect(&p, ep, echo_at, 300 * S), rows[i].result);
        assert_in_range(host_now() - before, rows[i].least_ns, rows[i].most_ns);
        world_close(&p.w, ep, 0);
        end_place(&p, rows[i].kind);
    }
    sim_chooser = NULL;
}

/* Every fault happens, in any form. */
static uint32_t always_somehow(uint32_t n, enum host_choice kind, const char *site)
{
    return kind == HOST_CHOOSE_FAULT ? 1 : sim_random(n, kind, site);
}

/* The stream stays whole; the kinds that cut reads make more pieces of it, others take time. */
static void streams(void **state)
{
    static const struct {
        enum sim_fault kind;
        int more_receives;
        bool takes_time;
    } rows[] = {
        { SIM_SEGMENT, 0, false },    { SIM_SHORT_READ, 1, false }, { SIM_SHORT_SEND, 0, false },
        { SIM_SLOW_WINDOW, 0, true }, { SIM_LOSS, 0, true },        { SIM_JITTER, 0, true },
        { SIM_CLOG, 0, true },        { SIM_PARTITION, 0, true },   { SIM_ASYNC, 0, false },
        { SIM_ORDER, -1, false },     { SIM_BATCH, -1, false },
    };

    (void)state;
    sim_random_seed(7);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_faults faults = { .jitter_ns = 50 * MS };
        struct sim_place p;
        struct net_ep *ep;
        int64_t before;
        int plain, receives;

        begin_place(&p, rows[i].kind, 0);
        ep = sim_open(&p, NET_EP_STREAM, NET_IP4);
        assert_int_equal(sim_connect(&p, ep, echo_at, S), 0);
        plain = round_trip(&p, ep, 400000);
        faults.permille[rows[i].kind] = 1000;
        sim_faults_set(p.world, &faults);
        sim_chooser = always_somehow;
        before = host_now();
        receives = round_trip(&p, ep, 400000);
        sim_chooser = NULL;
        assert_true(receives >= plain + rows[i].more_receives);
        assert_true(!rows[i].takes_time || host_now() > before);
        world_close(&p.w, ep, 0);
        if (rows[i].more_receives >= 0)
            end_place(&p, rows[i].kind);
        else
            sim_place_end(&p);
    }
}

static void resets(void **state)
{
    struct watched *recv = watched_new(NET_OP_RECV, NET_F_MULTI);
    static uint8_t data[1000000];
    struct sim_peer_result r;
    struct sim_place p;
    struct net_ep *ep;

    (void)state;
    sim_chooser = sim_always;
    begin_place(&p, SIM_RESET, 1000);
    ep = sim_open(&p, NET_EP_STREAM, NET_IP4);
    assert_int_equal(sim_connect(&p, ep, echo_at, S), 0);
    watched_submit(ep, recv);
    assert_int_equal(io(&p, ep, NET_OP_SEND, data, sizeof(data), 0), -ECONNRESET);
    assert_int_equal(sim_result(&p, recv, S), -ECONNRESET);
    sim_pass(&p, S);
    sim_peer_result(echo, &r);
    assert_int_equal(r.failed, 1);
    world_close(&p.w, ep, 0);
    end_place(&p, SIM_RESET);
    sim_chooser = NULL;
}

/* ---- the loop ---------------------------------------------------------------------------- */

#define MANY 8

/* Many operations of endpoints of their own are finished at once. */
static void begin_many(struct sim_place *p, struct net_ep *eps[MANY], struct watched *ops[MANY])
{
    for (int i = 0; i < MANY; i++) {
        eps[i] = sim_open(p, NET_EP_DATAGRAM, NET_IP4);
        ops[i] = watched_new(NET_OP_SENDMSG, NET_F_ASYNC);
        ops[i]->op.info = NULL;
        ops[i]->op.addr = sim_at(far4, 9);
        watched_submit(eps[i], ops[i]);
    }
}

static void end_many(struct sim_place *p, struct net_ep *eps[MANY], struct watched *ops[MANY])
{
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(sim_result(p, ops[i], S), 0);
        world_close(&p->w, eps[i], 0);
    }
}

static void completions_change_their_order(void **state)
{
    struct net_ep *eps[MANY];
    struct watched *ops[MANY];
    struct sim_place p;
    int swaps = 0;

    (void)state;
    sim_random_seed(3);
    for (int round = 0; round < 2; round++) {
        begin_place(&p, SIM_ORDER, 1000);
        sim_chooser = round == 0 ? NULL : always_somehow;
        begin_many(&p, eps, ops);
        sim_pass(&p, MS);
        for (int i = 1; i < MANY; i++)
            swaps += ops[i]->order < ops[i - 1]->order;
        assert_true(round == 0 ? swaps == 0 : swaps > 0);
        sim_chooser = NULL;
        end_many(&p, eps, ops);
        sim_place_end(&p);
    }
}

static void polls_leave_work_behind(void **state)
{
    struct net_ep *eps[MANY];
    struct watched *ops[MANY];
    struct sim_place p;

    (void)state;
    begin_place(&p, SIM_BATCH, 1000);
    begin_many(&p, eps, ops);
    assert_int_equal(net_sim.poll(p.w.net, host_now()), MANY);
    end_many(&p, eps, ops);
    let_happen(&p, SIM_BATCH);
    begin_many(&p, eps, ops);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(net_sim.poll(p.w.net, HOST_FOREVER), 1);
    sim_chooser = NULL;
    end_many(&p, eps, ops);
    sim_place_end(&p);
}

static void inline_answers_come_later(void **state)
{
    struct watched *o = watched_new(NET_OP_SENDMSG, 0);
    struct sim_place p;
    struct net_ep *ep;

    (void)state;
    begin_place(&p, SIM_ASYNC, 1000);
    ep = sim_open(&p, NET_EP_DATAGRAM, NET_IP4);
    o->op.info = NULL;
    o->op.addr = sim_at(far4, 9);
    assert_int_equal(watched_submit(ep, o), NET_DONE);
    let_happen(&p, SIM_ASYNC);
    assert_int_equal(watched_submit(ep, o), NET_PENDING);
    sim_chooser = NULL;
    assert_int_equal(sim_result(&p, o, S), 0);
    world_close(&p.w, ep, 0);
    end_place(&p, SIM_ASYNC);
}

/* ---- worlds ------------------------------------------------------------------------------ */

static void rates_are_drawn_as_swarms(void **state)
{
    struct sim_faults f, none = { 0 };
    unsigned on[SIM_FAULT_COUNT] = { 0 };

    (void)state;
    sim_faults_draw(&f); /* every choice is 0 */
    assert_memory_equal(&f, &none, sizeof(f));
    sim_random_seed(11);
    sim_chooser = sim_random;
    for (int i = 0; i < 200; i++) {
        sim_faults_draw(&f);
        for (unsigned k = 0; k < SIM_FAULT_COUNT; k++)
            on[k] += f.permille[k] > 0;
    }
    sim_chooser = NULL;
    for (unsigned k = 0; k < SIM_FAULT_COUNT; k++) {
        if (k != SIM_QUEUE_FULL) /* follows from the bandwidth */
            assert_in_range(on[k], 60, 140);
    }
    assert_string_equal(sim_fault_name(SIM_LOSS), "LOSS");
}

static void one_world_at_a_time(void **state)
{
    struct sim_config config = { .silent_void = false };
    struct net_config none = { 0 };
    struct sim_world *w, *other;
    struct net *net;

    (void)state;
    assert_int_equal(net_sim.create(&net, &none), -ENETDOWN);
    assert_int_equal(sim_world_create(&w, &config), 0);
    assert_int_equal(sim_world_create(&other, &config), -EBUSY);
    assert_int_equal(net_sim.create(&net, &none), 0);
    net_sim.destroy(net);
    sim_world_destroy(w);
    assert_int_equal(sim_world_create(&w, &config), 0);
    sim_world_destroy(w);
}

static int begin(void **state)
{
    (void)state;
    sim_clock_virtual();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects),
        cmocka_unit_test(streams),
        cmocka_unit_test(resets),
        cmocka_unit_test(completions_change_their_order),
        cmocka_unit_test(polls_leave_work_behind),
        cmocka_unit_test(inline_answers_come_later),
        cmocka_unit_test(rates_are_drawn_as_swarms),
        cmocka_unit_test(one_world_at_a_time),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
