/*
 * What may come late in the simulated world: timers, time-outs, work items, DPCs, and the next call
 * of a driver. Under some seeds each of them does; without a seed, or with delays switched off,
 * each is on time. Under some, timers and time-outs come early, by less than a clock tick and never
 * by the interrupt time. At the same rate the modules of NMR meet in another order.
 */
#include "host/sim.h"
#include "../unit/ke_test.h"

#include <netioddk.h>

#define SEEDS   200
#define DUE     312500   /* 100 ns: two clock ticks */
#define LATE_NS 31250000 /* the most, of clocks and work items */
#define TICK_NS 15625000

enum { TIMER, TIMEOUT, DELAY, WORK, DPC, CALLS, KINDS };

static int64_t late_ns[KINDS]; /* in the run that ended last */

/* The least that a driver saw pass by KeQueryInterruptTime, where something was due. */
static ULONGLONG least_100ns;

static void note_passed(ULONGLONG since)
{
    ULONGLONG passed = KeQueryInterruptTime() - since;

    if (passed < least_100ns)
        least_100ns = passed;
}

/* Wherever the clock's interrupts are, the next thing starts between two of them. */
static void get_out_of_step(void)
{
    KeStallExecutionProcessor(777);
}

/* More than what the calls around it take under any seed. */
static const int64_t clear_ns[KINDS] = { [TIMER] = 1500000, [TIMEOUT] = 1500000, [DELAY] = 1500000,
                                         [WORK] = 1500000,  [DPC] = 200000,      [CALLS] = 0 };

struct made {
    KEVENT done;
    int64_t at_ns;
};

static VOID NTAPI run_dpc(PKDPC dpc, PVOID context, PVOID a, PVOID b)
{
    struct made *made = context;

    (void)dpc;
    (void)a;
    (void)b;
    made->at_ns = host_sim_now();
    KeSetEvent(&made->done, 0, FALSE);
}

static VOID NTAPI run_item(PVOID context)
{
    run_dpc(NULL, context, NULL, NULL);
}

static void measure_timer(void)
{
    LARGE_INTEGER due = { .QuadPart = -DUE };
    KTIMER timer;

    KeInitializeTimer(&timer);
    get_out_of_step();
    ULONGLONG clock = KeQueryInterruptTime();
    int64_t start = host_sim_now();
    KeSetTimer(&timer, due, NULL);
    KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL);
    note_passed(clock);
    late_ns[TIMER] = host_sim_now() - start - DUE * 100;
}

static void measure_waits(void)
{
    LARGE_INTEGER due = { .QuadPart = -DUE };
    struct made made;

    KeInitializeEvent(&made.done, NotificationEvent, FALSE);
    get_out_of_step();
    ULONGLONG clock = KeQueryInterruptTime();
    int64_t start = host_sim_now();
    assert_int_equal(KeWaitForSingleObject(&made.done, Executive, KernelMode, FALSE, &due),
                     STATUS_TIMEOUT);
    note_passed(clock);
    late_ns[TIMEOUT] = host_sim_now() - start - DUE * 100;
    get_out_of_step();
    clock = KeQueryInterruptTime();
    start = host_sim_now();
    KeDelayExecutionThread(KernelMode, FALSE, &due);
    note_passed(clock);
    late_ns[DELAY] = host_sim_now() - start - DUE * 100;
}

static void measure_queues(void)
{
    struct made made;
    WORK_QUEUE_ITEM item;
    KDPC dpc;

    KeInitializeEvent(&made.done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&item, run_item, &made);
    int64_t start = host_sim_now();
    ExQueueWorkItem(&item, DelayedWorkQueue);
    KeWaitForSingleObject(&made.done, Executive, KernelMode, FALSE, NULL);
    late_ns[WORK] = made.at_ns - start;
    KeInitializeEvent(&made.done, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, run_dpc, &made);
    start = host_sim_now();
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeWaitForSingleObject(&made.done, Executive, KernelMode, FALSE, NULL);
    late_ns[DPC] = made.at_ns - start;
}

static void measure_calls(void)
{
    int64_t start = host_sim_now();

    for (int i = 0; i < 100; i++)
        (void)KeQueryTimeIncrement();
    late_ns[CALLS] = host_sim_now() - start;
}

static void measure(void *unused)
{
    (void)unused;
    assert_true(NT_SUCCESS(KiBoot(2)));
    least_100ns = MAXULONGLONG;
    measure_timer();
    measure_waits();
    measure_queues();
    measure_calls();
    KiShutdown();
}

static void run(const struct host_sim_config *config, struct host_sim_result *end)
{
    host_sim_run(config, measure, NULL, end);
    assert_int_equal(end->left, 0);
}

static void seeds_are_late_and_early(void **state)
{
    static struct host_decision decisions[4000];
    struct host_sim_result end, again;
    int late[KINDS] = { 0 }, early[KINDS] = { 0 };

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct host_tape tape = { .room = 4000, .decisions = decisions };
        struct host_sim_config config = {
            .seeded = true, .seed = seed, .quiet_kinds = 1 << HOST_CHOOSE_FAULT, .record = &tape
        };
        run(&config, &end);
        assert_true(least_100ns >= DUE);
        for (int i = 0; i < KINDS; i++) {
            assert_true(late_ns[i] > (i <= DELAY ? -TICK_NS : -1) && late_ns[i] < 3 * LATE_NS);
            late[i] += late_ns[i] > clear_ns[i];
            early[i] += late_ns[i] < 0;
        }
        struct host_sim_config replay = { .replay = &tape };
        run(&replay, &again);
        assert_int_equal(again.hash, end.hash);
        assert_int_equal(again.mismatches, 0);
    }
    for (int i = 0; i < KINDS; i++) {
        assert_in_range(late[i], SEEDS / 50, SEEDS - SEEDS / 5);
        assert_true(i > DELAY || early[i] > 0);
    }
}

static void nothing_is_late_otherwise(void **state)
{
    struct host_sim_result end;

    (void)state;
    for (uint64_t seed = 0; seed <= SEEDS / 4; seed++) {
        struct host_sim_config config = { .seeded = seed != 0,
                                          .seed = seed,
                                          .quiet_kinds =
                                              1 << HOST_CHOOSE_FAULT | 1 << HOST_CHOOSE_DELAY };
        run(&config, &end);
        for (int i = 0; i < KINDS; i++) /* busy waiting takes time, too */
            assert_in_range(late_ns[i], 0, 20000);
    }
}

/* ---- the order in which modules meet --------------------------------------------------------- */

static const NPIID npi = { 1, 2, 3, { 4, 5, 6, 7, 8, 9, 10, 11 } };
static const NPI_MODULEID module_id = { sizeof module_id, MIT_GUID, { { 0 } } };
#define INSTANCE                                                                                   \
    {                                                                                              \
        0, sizeof(NPI_REGISTRATION_INSTANCE), &npi, &module_id, 0, NULL                            \
    }

static char order[4]; /* of the providers to which the client was offered */

static NTSTATUS NTAPI attach_provider(HANDLE binding, PVOID context, PNPI_REGISTRATION_INSTANCE i)
{
    PVOID provider;
    const VOID *dispatch;

    (void)i;
    assert_int_equal(NmrClientAttachProvider(binding, context, &npi, &provider, &dispatch),
                     STATUS_SUCCESS);
    strncat(order, provider, 1);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI attach_client(HANDLE binding, PVOID context, PNPI_REGISTRATION_INSTANCE i,
                                    PVOID client, const VOID *client_dispatch, PVOID *provider,
                                    const VOID **dispatch)
{
    (void)binding;
    (void)i;
    (void)client;
    (void)client_dispatch;
    *provider = context;
    *dispatch = context;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI detach(PVOID binding)
{
    (void)binding;
    return STATUS_SUCCESS;
}

static void meet(void *unused)
{
    static char names[] = "abc";
    NPI_CLIENT_CHARACTERISTICS client = { .Length = sizeof client,
                                          .ClientAttachProvider = attach_provider,
                                          .ClientDetachProvider = detach,
                                          .ClientRegistrationInstance = INSTANCE };
    NPI_PROVIDER_CHARACTERISTICS provider = { .Length = sizeof provider,
                                              .ProviderAttachClient = attach_client,
                                              .ProviderDetachClient = detach,
                                              .ProviderRegistrationInstance = INSTANCE };
    HANDLE providers[3], handle;

    (void)unused;
    order[0] = 0;
    assert_true(NT_SUCCESS(KiBoot(2)));
    for (int i = 0; i < 3; i++)
        assert_int_equal(NmrRegisterProvider(&provider, &names[i], &providers[i]), STATUS_SUCCESS);
    assert_int_equal(NmrRegisterClient(&client, &client, &handle), STATUS_SUCCESS);
    assert_int_equal(NmrDeregisterClient(handle), STATUS_PENDING);
    assert_int_equal(NmrWaitForClientDeregisterComplete(handle), STATUS_SUCCESS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(NmrDeregisterProvider(providers[i]), STATUS_PENDING);
        assert_int_equal(NmrWaitForProviderDeregisterComplete(providers[i]), STATUS_SUCCESS);
    }
    KiShutdown();
}

static void modules_meet_in_either_order(void **state)
{
    struct host_sim_result end;
    int backwards = 0;

    (void)state;
    for (uint64_t seed = 0; seed <= SEEDS; seed++) {
        struct host_sim_config config = { .seeded = seed != 0,
                                          .seed = seed,
                                          .quiet_kinds = 1 << HOST_CHOOSE_FAULT };
        host_sim_run(&config, meet, NULL, &end);
        bool reverse = order[0] == 'c';
        assert_string_equal(order, reverse ? "cba" : "abc");
        assert_false(seed == 0 && reverse);
        backwards += reverse;
    }
    assert_in_range(backwards, SEEDS / 50, SEEDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_late_and_early),
        cmocka_unit_test(nothing_is_late_otherwise),
        cmocka_unit_test(modules_meet_in_either_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
