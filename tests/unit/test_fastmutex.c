/* Fast and guarded mutexes. */
#include "ke_test.h"

struct shared {
    FAST_MUTEX fast;
    KGUARDED_MUTEX guarded;
    long count[2]; /* plain: a mutex protects each */
};

static void add(int number, void *arg)
{
    struct shared *s = arg;

    (void)number;
    for (int i = 0; i < 1000; i++) {
        ExAcquireFastMutex(&s->fast);
        assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
        s->count[0]++;
        ExReleaseFastMutex(&s->fast);
        KeAcquireGuardedMutex(&s->guarded);
        s->count[1]++;
        KeReleaseGuardedMutex(&s->guarded);
    }
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_false(KeAreAllApcsDisabled());
}

static void exclude(void **state)
{
    struct shared s = { 0 };

    (void)state;
    ExInitializeFastMutex(&s.fast);
    KeInitializeGuardedMutex(&s.guarded);
    ke_run(4, add, &s);
    assert_int_equal(s.count[0], 4000);
    assert_int_equal(s.count[1], 4000);
}

static void tries_and_misuse(void **state)
{
    FAST_MUTEX fast;

    (void)state;
    ExInitializeFastMutex(&fast);
    assert_true(ExTryToAcquireFastMutex(&fast));
    assert_false(ExTryToAcquireFastMutex(&fast));
    assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
    KE_EXPECT("VF-LOCK-01", ExAcquireFastMutexUnsafe(&fast));
    ExReleaseFastMutexUnsafe(&fast);
    KE_EXPECT("VF-LOCK-02", ExReleaseFastMutexUnsafe(&fast));
    KeLowerIrql(PASSIVE_LEVEL);
    KE_EXPECT("VF-LOCK-07", ExAcquireFastMutexUnsafe(&fast));
    KeEnterCriticalRegion();
    ExReleaseFastMutexUnsafe(&fast);
    KeLeaveCriticalRegion();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exclude),
        cmocka_unit_test(tries_and_misuse),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
