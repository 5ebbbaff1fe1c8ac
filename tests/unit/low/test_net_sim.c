/* The simulated transport: the contract, with and without faults, in real time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "net_contract.h"
#include "sim_clock.h"

/* The contract's tests take it that a few bytes stay together: only large pieces are cut. */
#define CUT_FROM 4096

static uint32_t choose(uint32_t n, enum host_choice kind, const char *site)
{
    return strstr(site, "size") && n < CUT_FROM ? 0 : sim_random(n, kind, site);
}

static void fail_on(void *context, const char *text)
{
    (void)context;
    host_panic("%s", text);
}

static void run_contract(const struct sim_faults *faults, struct net_addr any)
{
    for (const struct net_contract_test *t = net_contract_tests; t->name; t++) {
        struct sim_config config = { .faults = *faults, .violation = fail_on };
        struct sim_world *world;
        struct net_world w;

        print_message("    %s\n", t->name);
        assert_int_equal(sim_world_create(&world, &config), 0);
        world_begin(&w, &net_sim);
        w.any = any;
        t->run(&w);
        world_end(&w);
        sim_world_destroy(world);
    }
}

static void contract_without_faults(void **state)
{
    const struct sim_faults none = { 0 };

    (void)state;
    run_contract(&none, sim_loopback4);
    run_contract(&none, sim_loopback6);
}

static void contract_with_faults(void **state)
{
    const struct sim_faults faults = {
        .permille = { [SIM_JITTER] = 500,
                      [SIM_SEGMENT] = 700,
                      [SIM_SHORT_READ] = 300,
                      [SIM_SHORT_SEND] = 300,
                      [SIM_ORDER] = 500,
                      [SIM_BATCH] = 500 },
        .jitter_ns = 100000,
    };

    (void)state;
    sim_chooser = choose;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        sim_random_seed(seed);
        run_contract(&faults, sim_loopback4);
    }
    sim_chooser = NULL;
}

/* ---- several nets ------------------------------------------------------------------------ */

struct loop {
    struct net *net;
    bool stop;
};

static void run_loop(void *arg)
{
    struct loop *l = arg;

    while (!__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE))
        net_sim.poll(l->net, HOST_FOREVER);
}

/* Nobody polls the net of the endpoint: the loop of the other one, which waits for nothing, must
 * see to it that the packet arrives. */
static void events_happen_while_anybody_polls(void **state)
{
    const struct sim_link_values slow = { .latency_ns = 5 * 1000 * 1000 };
    const struct net_addr at = sim_at(far4, 7);
    const struct sim_peer_params params = { .count = 1 };
    int64_t patience = host_now() + (int64_t)20 * 1000 * 1000 * 1000;
    struct sim_peer_result r = { .datagrams_in = 0 };
    struct loop l = { .stop = false };
    struct host_thread *t;
    struct sim_place p;
    struct net_world other;
    struct sim_peer *echo;
    struct net_ep *ep;

    (void)state;
    sim_place_begin(&p, NULL);
    world_begin(&other, &net_sim);
    l.net = other.net;
    assert_int_equal(sim_link_set(p.world, 0, 1, &slow), 0);
    assert_int_equal(sim_peer_add(p.world, &echo, SIM_PEER_UDP_ECHO, 1, &at, NULL, &params), 0);
    assert_int_equal(host_thread_create(&t, run_loop, &l, "loop"), 0);
    ep = sim_open(&p, NET_EP_DATAGRAM, NET_IP4);
    for (unsigned i = 1; i <= 20; i++) {
        struct watched *o = watched_new(NET_OP_SENDMSG, 0);

        o->op.info = NULL;
        o->op.addr = at;
        assert_int_equal(watched_submit(ep, o), NET_DONE);
        watched_free(o);
        while (r.datagrams_in < i) {
            assert_true(host_now() < patience);
            (void)host_park(host_now() + 100000);
            sim_peer_result(echo, &r);
        }
    }
    __atomic_store_n(&l.stop, true, __ATOMIC_RELEASE);
    net_sim.wake(other.net);
    host_thread_join(t);
    world_close(&p.w, ep, 0);
    world_end(&other);
    sim_place_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_without_faults),
        cmocka_unit_test(contract_with_faults),
        cmocka_unit_test(events_happen_while_anybody_polls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
