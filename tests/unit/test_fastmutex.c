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

struct contest {
    FAST_MUTEX mutex;
    BOOLEAN guarded;
    LONG step;
};

/* 0 holds the mutex until 1 has come to wait for it. */
static void contend(int number, void *arg)
{
    struct contest *c = arg;
    unsigned rounds = 0;

    if (number)
        ke_until(&c->step, 1);
    if (c->guarded)
        KeAcquireGuardedMutex((PKGUARDED_MUTEX)&c->mutex);
    else
        ExAcquireFastMutex(&c->mutex);
    if (number == 0) {
        __atomic_store_n(&c->step, 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&c->mutex.Contention, __ATOMIC_ACQUIRE) == 0)
            host_spin(&rounds, "test");
        __atomic_store_n(&c->step, 2, __ATOMIC_RELAXED);
    } else {
        assert_int_equal(ke_load(&c->step), 2);
    }
    if (c->guarded)
        KeReleaseGuardedMutex((PKGUARDED_MUTEX)&c->mutex);
    else
        ExReleaseFastMutex(&c->mutex);
}

static void the_second_waits(void **state)
{
    struct contest c = { .guarded = FALSE };

    (void)state;
    ExInitializeFastMutex(&c.mutex);
    ke_run(2, contend, &c);
    c = (struct contest){ .guarded = TRUE };
    KeInitializeGuardedMutex((PKGUARDED_MUTEX)&c.mutex);
    ke_run(2, contend, &c);
}

static void guarded_ones(void **state)
{
    KGUARDED_MUTEX mutex;

    (void)state;
    KeInitializeGuardedMutex(&mutex);
    assert_true(KeTryToAcquireGuardedMutex(&mutex));
    assert_true(KeAreAllApcsDisabled());
    assert_false(KeTryToAcquireGuardedMutex(&mutex));
    KeReleaseGuardedMutex(&mutex);
    assert_false(KeAreAllApcsDisabled());
    KE_EXPECT("VF-LOCK-07", KeAcquireGuardedMutexUnsafe(&mutex));
    KeReleaseGuardedMutexUnsafe(&mutex);
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(&mutex);
    assert_false(KeTryToAcquireGuardedMutex(&mutex));
    KeReleaseGuardedMutexUnsafe(&mutex);
    KeLeaveGuardedRegion();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exclude),
        cmocka_unit_test(tries_and_misuse),
        cmocka_unit_test(the_second_waits),
        cmocka_unit_test(guarded_ones),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
