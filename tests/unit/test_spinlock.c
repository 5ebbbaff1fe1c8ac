/* Spin locks of every kind: exclusion, IRQL, and the misuse that is seen. */
#include "ke_test.h"

#define ROUNDS 2000

struct shared {
    KSPIN_LOCK lock;
    EX_SPIN_LOCK ex;
    long count; /* plain: the lock protects it */
    int kind;
};

static void add(int number, void *arg)
{
    struct shared *s = arg;
    KLOCK_QUEUE_HANDLE handle;
    KIRQL old;

    (void)number;
    for (int i = 0; i < ROUNDS; i++) {
        if (s->kind == 0) {
            KeAcquireSpinLock(&s->lock, &old);
            s->count++;
            KeReleaseSpinLock(&s->lock, old);
        } else if (s->kind == 1) {
            KeAcquireInStackQueuedSpinLock(&s->lock, &handle);
            s->count++;
            KeReleaseInStackQueuedSpinLock(&handle);
        } else if (i % 4 == 0) {
            old = ExAcquireSpinLockExclusive(&s->ex);
            s->count += 4;
            ExReleaseSpinLockExclusive(&s->ex, old);
        } else {
            old = ExAcquireSpinLockShared(&s->ex);
            assert_int_equal(s->count % 4, 0);
            ExReleaseSpinLockShared(&s->ex, old);
        }
        assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
}

static void exclude(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct shared s = { .kind = kind };
        KeInitializeSpinLock(&s.lock);
        ke_run(4, add, &s);
        assert_int_equal(s.count, 4 * ROUNDS);
        assert_true(KeTestSpinLock(&s.lock));
    }
}

static void tries(void **state)
{
    KSPIN_LOCK lock = 0;
    EX_SPIN_LOCK ex = 0;
    KIRQL old;

    (void)state;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    assert_true(KeTryToAcquireSpinLockAtDpcLevel(&lock));
    assert_false(KeTestSpinLock(&lock));
    assert_false(KeTryToAcquireSpinLockAtDpcLevel(&lock));
    KeReleaseSpinLockFromDpcLevel(&lock);
    ExAcquireSpinLockSharedAtDpcLevel(&ex);
    assert_true(ExTryAcquireSpinLockSharedAtDpcLevel(&ex));
    assert_false(ExTryAcquireSpinLockExclusiveAtDpcLevel(&ex));
    assert_false(ExTryConvertSharedSpinLockExclusive(&ex));
    ExReleaseSpinLockSharedFromDpcLevel(&ex);
    assert_true(ExTryConvertSharedSpinLockExclusive(&ex));
    assert_false(ExTryAcquireSpinLockSharedAtDpcLevel(&ex));
    ExReleaseSpinLockExclusiveFromDpcLevel(&ex);
    assert_int_equal(ex, 0);
    KeLowerIrql(old);
    assert_int_equal(KiThread()->SpinLocks, 0);
}

static void misuse(void **state)
{
    KLOCK_QUEUE_HANDLE handle;
    KSPIN_LOCK lock = 0;
    EX_SPIN_LOCK ex = 0;
    KIRQL old;

    (void)state;
    KeAcquireSpinLock(&lock, &old);
    KE_EXPECT("VF-LOCK-01", KeAcquireSpinLockAtDpcLevel(&lock));
    KeReleaseSpinLockFromDpcLevel(&lock);
    KE_EXPECT("VF-LOCK-02", KeReleaseSpinLockFromDpcLevel(&lock));
    KE_EXPECT("VF-LOCK-02", ExReleaseSpinLockSharedFromDpcLevel(&ex));
    KE_EXPECT("VF-LOCK-02", ExReleaseSpinLockExclusiveFromDpcLevel(&ex));
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &handle);
    KE_EXPECT("VF-LOCK-05", KeReleaseSpinLockFromDpcLevel(&lock));
    KeLowerIrql(old);
    lock = 0xdddddddddddddddc;
    KE_EXPECT("VF-LOCK-04", KeAcquireSpinLock(&lock, &old));
    KeReleaseSpinLock(&lock, old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exclude),
        cmocka_unit_test(tries),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
