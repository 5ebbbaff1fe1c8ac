/* Push locks: readers and writers, hand-over in order, misuse. */
#include "ke_test.h"

struct shared {
    EX_PUSH_LOCK lock;
    long count; /* plain: the lock protects it */
    LONG readers, most;
};

static void use(int number, void *arg)
{
    struct shared *s = arg;

    KeEnterCriticalRegion();
    for (int i = 0; i < 1000; i++) {
        if ((i + number) % 3 == 0) {
            ExAcquirePushLockExclusive(&s->lock);
            assert_int_equal(ke_load(&s->readers), 0);
            s->count++;
            ExReleasePushLockExclusive(&s->lock);
        } else {
            ExAcquirePushLockShared(&s->lock);
            __atomic_add_fetch(&s->readers, 1, __ATOMIC_ACQ_REL);
            assert_true(s->count >= 0);
            __atomic_sub_fetch(&s->readers, 1, __ATOMIC_ACQ_REL);
            ExReleasePushLockShared(&s->lock);
        }
    }
    KeLeaveCriticalRegion();
}

static void readers_and_writers(void **state)
{
    struct shared s = { 0 };

    (void)state;
    ExInitializePushLock(&s.lock);
    ke_run(5, use, &s);
    assert_in_range(s.count, 5 * 333, 5 * 334);
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&s.lock);
    ExReleasePushLock(&s.lock);
    KeLeaveCriticalRegion();
}

static void hold(int number, void *arg)
{
    struct shared *s = arg;

    (void)number;
    KeEnterCriticalRegion();
    ExAcquirePushLockShared(&s->lock);
    /* Goes on only when all three are inside together. */
    __atomic_add_fetch(&s->readers, 1, __ATOMIC_ACQ_REL);
    ke_until(&s->readers, 3);
    ExReleasePushLockShared(&s->lock);
    KeLeaveCriticalRegion();
}

static void readers_share(void **state)
{
    struct shared s = { 0 };

    (void)state;
    ExInitializePushLock(&s.lock);
    ke_run(3, hold, &s);
}

static void misuse(void **state)
{
    EX_PUSH_LOCK lock;

    (void)state;
    ExInitializePushLock(&lock);
    KE_EXPECT("VF-LOCK-07", ExAcquirePushLockShared(&lock));
    KE_EXPECT("VF-LOCK-02", ExReleasePushLockExclusive(&lock));
    ExReleasePushLockShared(&lock);
    KE_EXPECT("VF-LOCK-02", ExReleasePushLockShared(&lock));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_and_writers),
        cmocka_unit_test(readers_share),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
