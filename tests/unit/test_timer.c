/* Timers: one-shot, periodic, with DPCs, and cancelling against expiry. */
#include "ke_test.h"

static void NTAPI count(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)argument1;
    (void)argument2;
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    __atomic_add_fetch((LONG *)context, 1, __ATOMIC_ACQ_REL);
}

static void one_shot(void **state)
{
    int64_t start = host_now();
    LONG fired = 0;
    KTIMER timer;
    KDPC dpc;

    (void)state;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, count, &fired);
    assert_false(KeSetTimer(&timer, MS(2), &dpc));
    assert_int_equal(ke_wait(&timer), STATUS_SUCCESS);
    assert_true(host_now() - start >= 2000000);
    assert_true(KeReadStateTimer(&timer));
    ke_until(&fired, 1);
    assert_false(KeCancelTimer(&timer));
}

static void set_again_and_cancel(void **state)
{
    LONG fired = 0;
    KTIMER timer;
    KDPC dpc;

    (void)state;
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeInitializeDpc(&dpc, count, &fired);
    assert_false(KeSetTimer(&timer, MS(3600000), &dpc));
    assert_true(KeSetTimer(&timer, MS(3600000), &dpc));
    assert_false(KeReadStateTimer(&timer));
    assert_true(KeCancelTimer(&timer));
    assert_false(KeCancelTimer(&timer));
    KeSetTimer(&timer, (LARGE_INTEGER){ .QuadPart = 1 }, &dpc); /* long past */
    assert_int_equal(ke_wait(&timer), STATUS_SUCCESS);
    assert_int_equal(ke_poll(&timer), STATUS_TIMEOUT);
    ke_until(&fired, 1);
}

static void periodic(void **state)
{
    LONG fired = 0;
    KTIMER timer;
    KDPC dpc;

    (void)state;
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeInitializeDpc(&dpc, count, &fired);
    KeSetTimerEx(&timer, MS(1), 1, &dpc);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ke_wait(&timer), STATUS_SUCCESS);
    assert_true(KeCancelTimer(&timer));
    KeFlushQueuedDpcs();
    assert_true(ke_load(&fired) >= 1);
}

static void sorted(void **state)
{
    KTIMER timers[3];
    PVOID objects[] = { &timers[0], &timers[1], &timers[2] };

    (void)state;
    for (int i = 0; i < 3; i++)
        KeInitializeTimerEx(&timers[i], SynchronizationTimer);
    KeSetTimer(&timers[0], MS(3600000), NULL);
    KeSetTimer(&timers[1], MS(256), NULL); /* the same bucket as 0 ms */
    KeSetTimer(&timers[2], MS(1), NULL);
    assert_int_equal(
        KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_WAIT_2);
    assert_true(KeCancelTimer(&timers[0]));
    assert_true(KeCancelTimer(&timers[1]));
}

#define ROUNDS 300

/* Cancel and expiry race: exactly one of them has the timer. */
static void cancel_against_expiry(void **state)
{
    LONG fired = 0, cancelled = 0;
    KTIMER timer;
    KDPC dpc;

    (void)state;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, count, &fired);
    for (int i = 0; i < ROUNDS; i++) {
        KeSetTimer(&timer, (LARGE_INTEGER){ .QuadPart = -(i % 60) * 10 }, &dpc);
        KeStallExecutionProcessor((ULONG)(i % 50));
        if (KeCancelTimer(&timer))
            cancelled++;
        else
            ke_until(&fired, i + 1 - cancelled);
    }
    KeFlushQueuedDpcs();
    assert_int_equal(fired + cancelled, ROUNDS);
}

static void misuse(void **state)
{
    KTIMER timer = { 0 };

    (void)state;
    KE_EXPECT("VF-WAIT-04", KeSetTimer(&timer, MS(1), NULL));
}

static void kinds_and_far_times(void **state)
{
    LARGE_INTEGER never = { .QuadPart = MINLONGLONG }, far = { .QuadPart = MINLONGLONG / 50 };
    LARGE_INTEGER past = { .QuadPart = 1 }, zero = { .QuadPart = 0 };
    KTIMER timer, unset;

    (void)state;
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeSetTimer(&timer, MS(-1), NULL); /* an absolute time that is long past */
    assert_int_equal(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL),
                     STATUS_SUCCESS);
    assert_false(KeReadStateTimer(&timer)); /* the wait took it */
    KeSetTimer(&timer, past, NULL);
    assert_int_equal(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL),
                     STATUS_SUCCESS);
    assert_false(KeSetTimer(&timer, never, NULL));
    assert_true(KeSetTimer(&timer, far, NULL));
    assert_int_equal(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, &zero),
                     STATUS_TIMEOUT);
    assert_true(KeSetCoalescableTimer(&timer, MS(1), 0, 1, NULL));
    assert_int_equal(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL),
                     STATUS_SUCCESS);
    memset(&unset, 0, sizeof unset);
    KE_EXPECT("VF-WAIT-04", assert_false(KeCancelTimer(&unset)));
}

static LONG on_processor[2];

static void NTAPI move(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    ULONG processor = KeGetCurrentProcessorNumberEx(NULL);

    (void)context;
    (void)argument1;
    (void)argument2;
    KeSetTargetProcessorDpc(dpc, (CCHAR)!processor);
    __atomic_store_n(&on_processor[processor], 1, __ATOMIC_RELEASE);
}

/* A timer stays with the processor it was set on; its DPC may have been sent to another since. */
static void dpc_on_another_processor(void **state)
{
    KTIMER timer;
    KDPC dpc;

    (void)state;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, move, NULL);
    KeSetTargetProcessorDpc(&dpc, 0);
    KeSetTimerEx(&timer, MS(1), 1, &dpc);
    ke_until(&on_processor[0], 1);
    ke_until(&on_processor[1], 1);
    assert_true(KeCancelTimer(&timer));
    KeFlushQueuedDpcs();
}

/* Timers whose order of due times is not that in which they were set. */
static void earlier_ones_set_later(void **state)
{
    KTIMER timers[40];

    (void)state;
    for (int i = 0; i < 40; i++) {
        LARGE_INTEGER due = { .QuadPart = -300000 + 2000 * i };
        KeInitializeTimer(&timers[i]);
        KeSetTimer(&timers[i], due, NULL);
    }
    for (int i = 0; i < 40; i++)
        assert_int_equal(KeWaitForSingleObject(&timers[i], Executive, KernelMode, FALSE, NULL),
                         STATUS_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot),
        cmocka_unit_test(set_again_and_cancel),
        cmocka_unit_test(periodic),
        cmocka_unit_test(sorted),
        cmocka_unit_test(cancel_against_expiry),
        cmocka_unit_test(misuse),
        cmocka_unit_test(kinds_and_far_times),
        cmocka_unit_test(dpc_on_another_processor),
        cmocka_unit_test(earlier_ones_set_later),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
