/* The simulated transport: the contract, with and without faults, in real time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "host/host.h"
#include "net/sim.h"
#include "net_contract.h"

static const struct net_addr loopback4 = { .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
static const struct net_addr loopback6 = { .family = NET_IP6, .ip = { [15] = 1 } };

/* ---- chance ------------------------------------------------------------------------------ */

static uint64_t random_state; /* 0: every choice is the boring one */

/* The contract's tests take it that a few bytes stay together: only large pieces are cut. */
#define CUT_FROM 4096

uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site);

uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site)
{
    uint64_t x = __atomic_load_n(&random_state, __ATOMIC_RELAXED);

    (void)kind;
    if (x == 0 || n <= 1)
        return 0;
    if (strstr(site, "size") && n < CUT_FROM)
        return 0;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    __atomic_store_n(&random_state, x, __ATOMIC_RELAXED);
    return (uint32_t)((x >> 32) % n);
}

/* ---- the contract ------------------------------------------------------------------------ */

static void fail_on(void *context, const char *text)
{
    (void)context;
    print_error("%s\n", text);
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
    random_state = 0;
    run_contract(&none, loopback4);
    run_contract(&none, loopback6);
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
    for (uint64_t seed = 1; seed <= 5; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15u;
        run_contract(&faults, loopback4);
    }
    random_state = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_without_faults),
        cmocka_unit_test(contract_with_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
