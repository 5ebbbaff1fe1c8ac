/*
 * A worker thread that cannot be started: work items still run, later. The first one waits for the
 * second one, for which there is no thread then.
 */
#include "host/sim.h"
#include "../unit/ke_test.h"

#define BOOT_QUESTIONS 1 /* whether to fail: the worker that the boot starts */

static KEVENT second_runs, first_ran;

static VOID NTAPI first(PVOID context)
{
    (void)context;
    KeWaitForSingleObject(&second_runs, Executive, KernelMode, FALSE, NULL);
    KeSetEvent(&first_ran, 0, FALSE);
}

static VOID NTAPI second(PVOID context)
{
    (void)context;
    KeSetEvent(&second_runs, 0, FALSE);
}

static void work(void *unused)
{
    WORK_QUEUE_ITEM items[2];

    (void)unused;
    assert_true(NT_SUCCESS(KiBoot(1)));
    KeInitializeEvent(&second_runs, NotificationEvent, FALSE);
    KeInitializeEvent(&first_ran, NotificationEvent, FALSE);
    ExInitializeWorkItem(&items[0], first, NULL);
    ExInitializeWorkItem(&items[1], second, NULL);
    ExQueueWorkItem(&items[0], DelayedWorkQueue);
    ExQueueWorkItem(&items[1], DelayedWorkQueue);
    KeWaitForSingleObject(&first_ran, Executive, KernelMode, FALSE, NULL);
    KiShutdown();
}

/* Memory comes back after a second. */
static void gives_back(void *unused)
{
    (void)unused;
    host_park(host_now() + 1000000000);
    host_sim_spare(true);
}

static void work_with_little(void *unused)
{
    struct host_thread *t;

    assert_int_equal(host_thread_create(&t, gives_back, NULL, "gives"), 0);
    work(unused);
    host_thread_join(t);
    host_sim_spare(false);
}

static void a_worker_that_fails_is_tried_again(void **state)
{
    struct host_sim_result boring, end;

    (void)state;
    host_sim_run(&(struct host_sim_config){ 0 }, work, NULL, &boring);
    assert_true(boring.faults > BOOT_QUESTIONS);
    for (uint64_t at = BOOT_QUESTIONS + 1; at <= boring.faults; at++) {
        host_sim_run(&(struct host_sim_config){ .fail_at = at, .fail_on = true }, work_with_little,
                     NULL, &end);
        assert_int_equal(end.left, 0);
        assert_true(end.now_ns > boring.now_ns);
    }
}

/* With one seed after the other: at whatever moment the failure comes, everything ends well. */
static void whenever_it_fails(void **state)
{
    struct host_sim_result end;
    uint64_t asked = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct host_sim_config config = { .seeded = true,
                                          .seed = seed,
                                          .fail_at = BOOT_QUESTIONS + 1,
                                          .quiet_kinds = 1 << HOST_CHOOSE_FAULT };
        host_sim_run(&config, work, NULL, &end);
        assert_int_equal(end.left, 0);
        asked += end.faults > BOOT_QUESTIONS + 1;
    }
    assert_in_range(asked, 20, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_fails_is_tried_again),
        cmocka_unit_test(whenever_it_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
