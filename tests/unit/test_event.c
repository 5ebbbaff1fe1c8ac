/* Events: the two types, states, pulses, and that a set event may be freed at once. */
#include "ke_test.h"

static void set_and_reset(void **state)
{
    KEVENT event;

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    assert_int_equal(KeReadStateEvent(&event), 0);
    assert_int_equal(KeSetEvent(&event, 0, FALSE), 0);
    assert_int_equal(KeSetEvent(&event, 0, FALSE), 1);
    assert_int_equal(ke_poll(&event), STATUS_SUCCESS);
    assert_int_equal(KeReadStateEvent(&event), 1);
    assert_int_equal(KeResetEvent(&event), 1);
    assert_int_equal(KeResetEvent(&event), 0);
    assert_int_equal(ke_poll(&event), STATUS_TIMEOUT);
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    KeClearEvent(&event);
    assert_int_equal(KeReadStateEvent(&event), 0);
}

static void synchronization_resets(void **state)
{
    KEVENT event;

    (void)state;
    KeInitializeEvent(&event, SynchronizationEvent, TRUE);
    assert_int_equal(ke_wait(&event), STATUS_SUCCESS);
    assert_int_equal(KeReadStateEvent(&event), 0);
    assert_int_equal(ke_poll(&event), STATUS_TIMEOUT);
}

static void pulse_without_waiter(void **state)
{
    KEVENT event;

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    assert_int_equal(KePulseEvent(&event, 0, FALSE), 0);
    assert_int_equal(KeReadStateEvent(&event), 0);
}

struct pingpong {
    KEVENT go[2];
    int turns; /* plain: the events order the accesses */
};

static void bat(int number, void *arg)
{
    struct pingpong *p = arg;

    for (int i = 0; i < 2000; i++) {
        assert_int_equal(ke_wait(&p->go[number]), STATUS_SUCCESS);
        p->turns++;
        KeSetEvent(&p->go[!number], 0, FALSE);
    }
}

static void ping_pong(void **state)
{
    struct pingpong p = { .turns = 0 };

    (void)state;
    KeInitializeEvent(&p.go[0], SynchronizationEvent, TRUE);
    KeInitializeEvent(&p.go[1], SynchronizationEvent, FALSE);
    ke_run(2, bat, &p);
    assert_int_equal(p.turns, 4000);
}

struct frames {
    PKEVENT *slot;
    LONG done;
};

static void waiter(struct frames *f)
{
    for (int i = 0; i < 2000; i++) {
        /* On the heap, so that a sanitizer sees an access after the free. */
        PKEVENT event = host_alloc(sizeof *event, 16);
        KeInitializeEvent(event, i % 2 ? NotificationEvent : SynchronizationEvent, FALSE);
        __atomic_store_n(&f->slot, (PKEVENT *)event, __ATOMIC_RELEASE);
        assert_int_equal(ke_wait(event), STATUS_SUCCESS);
        memset(event, 0xdd, sizeof *event);
        host_free(event);
    }
    __atomic_store_n(&f->done, 1, __ATOMIC_RELEASE);
}

static void setter(struct frames *f)
{
    unsigned rounds = 0;

    while (!ke_load(&f->done)) {
        PKEVENT event = (PKEVENT)__atomic_exchange_n(&f->slot, NULL, __ATOMIC_ACQ_REL);
        if (event)
            KeSetEvent(event, 0, FALSE);
        else
            host_spin(&rounds, "test");
    }
}

static void frame(int number, void *arg)
{
    if (number)
        setter(arg);
    else
        waiter(arg);
}

/* The waiter frees the event the moment its wait returns; the setter must be done with it. */
static void freed_by_waiter(void **state)
{
    struct frames f = { 0 };

    (void)state;
    ke_run(2, frame, &f);
}

static void garbage_is_reported(void **state)
{
    KEVENT event;

    (void)state;
    memset(&event, 0, sizeof event);
    KE_EXPECT("VF-WAIT-04", KeSetEvent(&event, 0, FALSE));
}

static void waiting_next_at_high_irql(void **state)
{
    KEVENT event;
    KIRQL irql;

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KE_EXPECT("VF-IRQL-09", KeSetEvent(&event, 0, TRUE));
    KE_EXPECT("VF-IRQL-09", KePulseEvent(&event, 0, TRUE));
    KeLowerIrql(irql);
    ke_findings = 0;
    assert_int_equal(KeSetEvent(&event, 0, TRUE), 0);
    assert_int_equal(KePulseEvent(&event, 0, TRUE), 1);
    assert_int_equal(KeReadStateEvent(&event), 0);
    assert_int_equal(ke_findings, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_reset),
        cmocka_unit_test(synchronization_resets),
        cmocka_unit_test(pulse_without_waiter),
        cmocka_unit_test(ping_pong),
        cmocka_unit_test(freed_by_waiter),
        cmocka_unit_test(garbage_is_reported),
        cmocka_unit_test(waiting_next_at_high_irql),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
