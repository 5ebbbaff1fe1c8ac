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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_without_faults),
        cmocka_unit_test(contract_with_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
