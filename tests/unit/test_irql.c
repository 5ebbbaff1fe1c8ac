/* IRQL: raising, lowering, and that a processor has one occupant. */
#include "ke_test.h"

static void raise_and_lower(void **state)
{
    KIRQL old;

    (void)state;
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeRaiseIrql(APC_LEVEL, &old);
    assert_int_equal(old, PASSIVE_LEVEL);
    assert_null(KiThread()->Processor);
    assert_int_equal(KeRaiseIrqlToDpcLevel(), APC_LEVEL);
    assert_non_null(KiThread()->Processor);
    KeRaiseIrql(HIGH_LEVEL, &old);
    KeLowerIrql(DISPATCH_LEVEL);
    assert_non_null(KiThread()->Processor);
    KeLowerIrql(PASSIVE_LEVEL);
    assert_null(KiThread()->Processor);
}

static void misuse(void **state)
{
    KIRQL old;

    (void)state;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KE_EXPECT("VF-IRQL-03", KeRaiseIrql(APC_LEVEL, &old));
    KeLowerIrql(PASSIVE_LEVEL);
    KE_EXPECT("VF-IRQL-03", KeLowerIrql(APC_LEVEL));
    KeLowerIrql(PASSIVE_LEVEL);
    KE_EXPECT("VF-IRQL-07", KeLeaveCriticalRegion());
    KE_EXPECT("VF-IRQL-02",
              KeReleaseSpinLockFromDpcLevel(&(KSPIN_LOCK){ (ULONG_PTR)KiThread() | 1 }));
}

#define ROUNDS 5000

struct counters {
    long count[KI_MAX_PROCESSORS]; /* plain: the occupied processor protects its own */
    KAFFINITY affinity[8];
};

static void count(int number, void *arg)
{
    struct counters *c = arg;
    KIRQL old;

    if (c->affinity[number])
        KeSetSystemAffinityThreadEx(c->affinity[number]);
    for (int i = 0; i < ROUNDS; i++) {
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        ULONG processor = KeGetCurrentProcessorNumberEx(NULL);
        if (c->affinity[number])
            assert_true(c->affinity[number] >> processor & 1);
        c->count[processor]++;
        KeLowerIrql(old);
    }
}

static void one_occupant(void **state)
{
    struct counters c = { 0 };

    (void)state;
    ke_run(6, count, &c);
    assert_int_equal(c.count[0] + c.count[1], 6 * ROUNDS);
}

static void affinity_is_kept(void **state)
{
    struct counters c = { .affinity = { 1, 2, 2, 2 } };

    (void)state;
    ke_run(4, count, &c);
    assert_int_equal(c.count[0], ROUNDS);
    assert_int_equal(c.count[1], 3 * ROUNDS);
}

static void affinity_calls(void **state)
{
    GROUP_AFFINITY wanted = { .Mask = 2 }, old;

    (void)state;
    assert_int_equal(KeSetSystemAffinityThreadEx(1), 0);
    assert_int_equal(KeSetSystemAffinityThreadEx(2), 1);
    KeRevertToUserAffinityThreadEx(0);
    KeSetSystemGroupAffinityThread(&wanted, &old);
    assert_int_equal(KiThread()->Affinity, 2);
    KeRevertToUserGroupAffinityThread(&old);
    assert_int_equal(KiThread()->Affinity, 0);
}

static void affinity_without_effect(void **state)
{
    GROUP_AFFINITY wrong = { .Mask = 1, .Group = 1 }, none = { .Mask = 0xf0 }, old = { .Mask = 9 };

    (void)state;
    KeSetSystemAffinityThread(2);
    assert_int_equal(KiThread()->Affinity, 2);
    KeSetSystemAffinityThread(0xf0); /* no such processor */
    assert_int_equal(KiThread()->Affinity, 2);
    assert_int_equal(KeSetSystemAffinityThreadEx(0xf0), 2);
    KeSetSystemGroupAffinityThread(&wrong, &old);
    assert_int_equal(old.Mask, 0);
    KeSetSystemGroupAffinityThread(&none, NULL);
    assert_int_equal(KiThread()->Affinity, 2);
    KeRevertToUserAffinityThread();
    assert_int_equal(KiThread()->Affinity, 0);
}

static void more_raising_and_lowering(void **state)
{
    KIRQL old;

    (void)state;
    assert_int_equal(KeRaiseIrqlToSynchLevel(), PASSIVE_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), 12);
    KE_EXPECT("VF-IRQL-03", KeRaiseIrql(HIGH_LEVEL + 1, &old));
    KiLowerIrql(HIGH_LEVEL);
    KE_EXPECT("VF-IRQL-03", KeRaiseIrqlToSynchLevel());
    KfLowerIrql(DISPATCH_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KfLowerIrql(PASSIVE_LEVEL);
    KE_EXPECT("VF-IRQL-03", KfLowerIrql(APC_LEVEL));
    KiLowerIrql(PASSIVE_LEVEL);
    KE_EXPECT("VF-IRQL-07", KeLeaveGuardedRegion());
    KeRaiseIrql(APC_LEVEL, &old);
    assert_true(KeAreAllApcsDisabled());
    KeLowerIrql(old);
    assert_false(KeAreAllApcsDisabled());
    KeEnterGuardedRegion();
    assert_true(KeAreApcsDisabled());
    KeLeaveGuardedRegion();
}

/* Only one processor fits: the others wait for it in turn, which takes longer than a short spin. */
static void hold_long(int number, void *arg)
{
    struct counters *c = arg;
    unsigned rounds = 0;
    KIRQL old;

    (void)number;
    KeSetSystemAffinityThreadEx(2);
    for (int i = 0; i < 10; i++) {
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        c->count[1]++;
        for (int j = 0; j < 60; j++)
            host_spin(&rounds, "test");
        KeLowerIrql(old);
    }
}

static void processor_is_handed_over(void **state)
{
    struct counters c = { 0 };

    (void)state;
    ke_run(4, hold_long, &c);
    assert_int_equal(c.count[1], 40);
}

static void regions(void **state)
{
    (void)state;
    assert_false(KeAreApcsDisabled());
    KeEnterCriticalRegion();
    assert_true(KeAreApcsDisabled());
    assert_false(KeAreAllApcsDisabled());
    KeEnterGuardedRegion();
    assert_true(KeAreAllApcsDisabled());
    KeLeaveGuardedRegion();
    KeLeaveCriticalRegion();
    assert_false(KeAreApcsDisabled());
}

static void upcalls(void **state)
{
    KI_UPCALL before = KiEnterUpcall();

    (void)state;
    KeEnterCriticalRegion();
    KE_EXPECT("VF-IRQL-07", KiLeaveUpcall(&before, "a test", NULL));
    KiRaiseIrql(DISPATCH_LEVEL);
    KE_EXPECT("VF-IRQL-04", KiLeaveUpcall(&before, "a test", NULL));
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_false(KeAreApcsDisabled());
}

static void upcalls_that_leave_locks_or_low(void **state)
{
    KSPIN_LOCK lock = 0;
    KI_UPCALL before = KiEnterUpcall();

    (void)state;
    KeAcquireSpinLockRaiseToDpc(&lock);
    ke_findings = 0;
    KiLeaveUpcall(&before, "a test", NULL);
    assert_int_equal(ke_findings, 2); /* the lock and the IRQL */
    assert_string_equal(ke_rule, "VF-IRQL-04");
    assert_int_equal(KiThread()->SpinLocks, before.SpinLocks);
    KeEnterGuardedRegion();
    KE_EXPECT("VF-IRQL-07", KiLeaveUpcall(&before, "a test", NULL));
    KiRaiseIrql(DISPATCH_LEVEL);
    before = KiEnterUpcall();
    KiLowerIrql(PASSIVE_LEVEL);
    KE_EXPECT("VF-IRQL-04", KiLeaveUpcall(&before, "a test", NULL));
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KiLowerIrql(PASSIVE_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raise_and_lower),
        cmocka_unit_test(misuse),
        cmocka_unit_test(one_occupant),
        cmocka_unit_test(affinity_is_kept),
        cmocka_unit_test(affinity_calls),
        cmocka_unit_test(regions),
        cmocka_unit_test(upcalls),
        cmocka_unit_test(affinity_without_effect),
        cmocka_unit_test(more_raising_and_lowering),
        cmocka_unit_test(processor_is_handed_over),
        cmocka_unit_test(upcalls_that_leave_locks_or_low),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
