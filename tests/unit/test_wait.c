/* Waits: any and all, time-outs, order, limits, and wait-all against several setters. */
#include "ke_test.h"

#include "nt/kip.h"

static void wait_any_takes_the_first(void **state)
{
    KEVENT a, b;
    PVOID objects[] = { &a, &b };

    (void)state;
    KeInitializeEvent(&a, SynchronizationEvent, FALSE);
    KeInitializeEvent(&b, SynchronizationEvent, TRUE);
    assert_int_equal(
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_WAIT_1);
    assert_int_equal(KeReadStateEvent(&b), 0);
    KeSetEvent(&a, 0, FALSE);
    KeSetEvent(&b, 0, FALSE);
    assert_int_equal(
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_WAIT_0);
    assert_int_equal(KeReadStateEvent(&b), 1);
}

static void wait_all_takes_all_or_none(void **state)
{
    KEVENT a, b;
    PVOID objects[] = { &a, &b };
    LARGE_INTEGER zero = { .QuadPart = 0 };

    (void)state;
    KeInitializeEvent(&a, SynchronizationEvent, TRUE);
    KeInitializeEvent(&b, SynchronizationEvent, FALSE);
    assert_int_equal(
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, &zero, NULL),
        STATUS_TIMEOUT);
    assert_int_equal(KeReadStateEvent(&a), 1);
    KeSetEvent(&b, 0, FALSE);
    assert_int_equal(
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_SUCCESS);
    assert_int_equal(KeReadStateEvent(&a), 0);
    assert_int_equal(KeReadStateEvent(&b), 0);
}

static void time_outs(void **state)
{
    LARGE_INTEGER relative = MS(2), past = { .QuadPart = 1 }, absolute;
    KEVENT event;
    int64_t start = host_now();

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &relative),
                     STATUS_TIMEOUT);
    assert_true(host_now() - start >= 2000000);
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &past),
                     STATUS_TIMEOUT);
    KeQuerySystemTime(&absolute);
    absolute.QuadPart += 20000;
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, &absolute),
                     STATUS_TIMEOUT);
    assert_true(host_now() - start >= 3900000);
}

static void delay(void **state)
{
    LARGE_INTEGER interval = MS(1);
    int64_t start = host_now();

    (void)state;
    assert_int_equal(KeDelayExecutionThread(KernelMode, FALSE, &interval), STATUS_SUCCESS);
    assert_true(host_now() - start >= 1000000);
    interval.QuadPart = 0;
    assert_int_equal(KeDelayExecutionThread(KernelMode, FALSE, &interval), STATUS_SUCCESS);
}

#define ROUNDS 500

struct all {
    KEVENT parts[4];
    KEVENT next[4];
};

static void part(int number, void *arg)
{
    struct all *all = arg;
    KWAIT_BLOCK blocks[4];
    PVOID objects[] = { &all->parts[0], &all->parts[1], &all->parts[2], &all->parts[3] };

    for (int i = 0; i < ROUNDS; i++) {
        if (number < 4) {
            assert_int_equal(ke_wait(&all->next[number]), STATUS_SUCCESS);
            KeSetEvent(&all->parts[number], 0, FALSE);
            continue;
        }
        for (int k = 0; k < 4; k++)
            KeSetEvent(&all->next[k], 0, FALSE);
        assert_int_equal(KeWaitForMultipleObjects(4, objects, WaitAll, Executive, KernelMode, FALSE,
                                                  NULL, blocks),
                         STATUS_SUCCESS);
        for (int k = 0; k < 4; k++)
            assert_int_equal(KeReadStateEvent(&all->parts[k]), 0);
    }
}

/* Four setters, one wait for all of them: no signal is lost and none counted twice. */
static void all_against_setters(void **state)
{
    struct all all;

    (void)state;
    for (int i = 0; i < 4; i++) {
        KeInitializeEvent(&all.parts[i], SynchronizationEvent, FALSE);
        KeInitializeEvent(&all.next[i], SynchronizationEvent, FALSE);
    }
    ke_run(5, part, &all);
}

struct storm {
    KEVENT event;
    LONG set, taken, stop;
};

static void storm(int number, void *arg)
{
    struct storm *s = arg;
    LARGE_INTEGER short_time = { .QuadPart = -100 }; /* 10 us: time-out and signal race */

    if (number == 0) {
        for (int i = 0; i < ROUNDS; i++) {
            KeSetEvent(&s->event, 0, FALSE);
            s->set++;
            ke_until(&s->taken, i + 1);
        }
        __atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
        return;
    }
    while (!ke_load(&s->stop))
        if (KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, &short_time) ==
            STATUS_SUCCESS)
            __atomic_add_fetch(&s->taken, 1, __ATOMIC_RELEASE);
}

static void timeout_against_signal(void **state)
{
    struct storm s = { .set = 0 };

    (void)state;
    KeInitializeEvent(&s.event, SynchronizationEvent, FALSE);
    ke_run(3, storm, &s);
    assert_int_equal(s.taken, ROUNDS);
}

static void misuse(void **state)
{
    LARGE_INTEGER one = MS(1);
    KEVENT event;
    PVOID objects[4] = { &event, &event, &event, &event };
    KIRQL irql;

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    assert_int_equal(ke_poll(&event), STATUS_TIMEOUT);
    KE_EXPECT("VF-IRQL-05", KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &one));
    KeLowerIrql(irql);
    KE_EXPECT("VF-WAIT-04", KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode,
                                                     FALSE, NULL, NULL));
    KiThread()->UpcallDepth++;
    KE_EXPECT("VF-WAIT-01", KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &one));
    KiThread()->UpcallDepth--;
    KeSetEvent(&event, 0, FALSE);
    KE_EXPECT("VF-WAIT-02", KeWaitForSingleObject(&event, Executive, UserMode, FALSE, &one));
}

static void objects_that_are_none(void **state)
{
    LARGE_INTEGER zero = { .QuadPart = 0 };
    KEVENT event, garbage;
    PVOID objects[2] = { &event, &garbage };

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    for (int fill = 0; fill < 256; fill += 51) { /* whatever the memory holds */
        memset(&garbage, fill, sizeof garbage);
        KE_EXPECT("VF-WAIT-04", assert_int_equal(KeWaitForSingleObject(&garbage, Executive,
                                                                       KernelMode, FALSE, &zero),
                                                 STATUS_INVALID_PARAMETER_1));
    }
    KE_EXPECT("VF-WAIT-04",
              assert_int_equal(KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode,
                                                        FALSE, &zero, NULL),
                               STATUS_INVALID_PARAMETER_2));
    KE_EXPECT("VF-WAIT-04",
              assert_int_equal(KeWaitForMultipleObjects(0, objects, WaitAny, Executive, KernelMode,
                                                        FALSE, &zero, NULL),
                               STATUS_INVALID_PARAMETER_1));
    KE_EXPECT("VF-WAIT-04",
              assert_int_equal(KeWaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS + 1, objects, WaitAny,
                                                        Executive, KernelMode, FALSE, &zero,
                                                        (PKWAIT_BLOCK)&garbage),
                               STATUS_INVALID_PARAMETER_1));
}

/* On memory that is no stack user mode may wait; a delay may not at DISPATCH_LEVEL. */
static void where_and_when(void **state)
{
    static KEVENT event;
    LARGE_INTEGER one = MS(1);
    KIRQL irql;

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    ke_findings = 0;
    assert_int_equal(KeWaitForSingleObject(&event, UserRequest, UserMode, FALSE, &one),
                     STATUS_SUCCESS);
    assert_int_equal(ke_findings, 0);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    assert_int_equal(KeDelayExecutionThread(KernelMode, FALSE, &one), STATUS_UNSUCCESSFUL);
    KeLowerIrql(irql);
    assert_int_equal(ke_findings, 2); /* of the call, and of the blocking */
    assert_string_equal(ke_rule, "VF-IRQL-05");
}

static void deadlines(void **state)
{
    LARGE_INTEGER t;

    (void)state;
    assert_true(KipDeadline(NULL) == HOST_FOREVER);
    t.QuadPart = MINLONGLONG;
    assert_true(KipDeadline(&t) == HOST_FOREVER);
    t.QuadPart = MAXLONGLONG;
    assert_true(KipDeadline(&t) == HOST_FOREVER);
    t.QuadPart = -(HOST_FOREVER / 200) + 1; /* the longest that is counted */
    assert_true(KipDeadline(&t) < HOST_FOREVER);
    assert_true(KipDeadline(&t) > HOST_FOREVER / 4);
    t.QuadPart = 1;
    assert_true(KipDeadline(&t) <= host_now());
    KeQuerySystemTime(&t);
    assert_true(KipDeadline(&t) <= host_now());
    t.QuadPart += 600000000000ll;
    assert_true(KipDeadline(&t) > host_now() + 1000000000ll);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_any_takes_the_first),
        cmocka_unit_test(wait_all_takes_all_or_none),
        cmocka_unit_test(time_outs),
        cmocka_unit_test(delay),
        cmocka_unit_test(all_against_setters),
        cmocka_unit_test(timeout_against_signal),
        cmocka_unit_test(misuse),
        cmocka_unit_test(objects_that_are_none),
        cmocka_unit_test(where_and_when),
        cmocka_unit_test(deadlines),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
