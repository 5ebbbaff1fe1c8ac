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

static void for_dpc_calls_keep_the_irql(void **state)
{
    KLOCK_QUEUE_HANDLE handle;
    KSPIN_LOCK lock = 0;
    KIRQL old, middle;

    (void)state;
    old = KeAcquireSpinLockForDpc(&lock);
    assert_int_equal(old, PASSIVE_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseSpinLockForDpc(&lock, old);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeAcquireInStackQueuedSpinLockForDpc(&lock, &handle);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_false(KeTestSpinLock(&lock));
    KeReleaseInStackQueuedSpinLockForDpc(&handle);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    middle = KeAcquireSpinLockForDpc(&lock);
    assert_int_equal(middle, DISPATCH_LEVEL);
    KeReleaseSpinLockForDpc(&lock, middle);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &handle);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
    KeLowerIrql(old);
    assert_int_equal(KiThread()->SpinLocks, 0);
}

static void until_writer_waits(PEX_SPIN_LOCK lock)
{
    unsigned rounds = 0;

    while (!(__atomic_load_n(lock, __ATOMIC_ACQUIRE) & 0x40000000))
        host_spin(&rounds, "test");
}

static void write_against_a_reader(int number, void *arg)
{
    struct shared *s = arg;
    KIRQL old;

    if (number == 0) {
        old = ExAcquireSpinLockShared(&s->ex);
        __atomic_store_n(&s->kind, 1, __ATOMIC_RELEASE);
        until_writer_waits(&s->ex);
        assert_false(ExTryAcquireSpinLockSharedAtDpcLevel(&s->ex)); /* the writer is next */
        assert_int_equal(s->count, 0);
        assert_true(ExTryConvertSharedSpinLockExclusive(&s->ex));
        until_writer_waits(&s->ex);
        assert_int_equal(s->count, 0);
        ExReleaseSpinLockExclusive(&s->ex, old);
        return;
    }
    ke_until(&s->kind, 1);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    ExAcquireSpinLockExclusiveAtDpcLevel(&s->ex);
    s->count++;
    ExReleaseSpinLockExclusiveFromDpcLevel(&s->ex);
    KeLowerIrql(old);
}

static void writers_do_not_starve(void **state)
{
    struct shared s = { 0 };

    (void)state;
    ke_run(2, write_against_a_reader, &s);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.ex, 0);
}

static void wait_for_the_holder(int number, void *arg)
{
    struct shared *s = arg;
    unsigned rounds = 0;
    KIRQL old;

    if (number == 0) {
        KeAcquireSpinLock(&s->lock, &old);
        ExAcquireSpinLockExclusiveAtDpcLevel(&s->ex);
        __atomic_store_n(&s->kind, 1, __ATOMIC_RELEASE);
        ke_until(&s->kind, 2);
        for (int i = 0; i < 100; i++)
            host_spin(&rounds, "test");
        s->count = 7;
        KeReleaseSpinLockFromDpcLevel(&s->lock);
        ExReleaseSpinLockExclusive(&s->ex, old);
        return;
    }
    ke_until(&s->kind, 1);
    __atomic_store_n(&s->kind, 2, __ATOMIC_RELEASE);
    old = ExAcquireSpinLockShared(&s->ex);
    assert_int_equal(s->count, 7);
    ExReleaseSpinLockShared(&s->ex, old);
    KeAcquireSpinLock(&s->lock, &old);
    assert_int_equal(s->count, 7);
    KeReleaseSpinLock(&s->lock, old);
}

static void waits_for_the_holder(void **state)
{
    struct shared s = { 0 };

    (void)state;
    ke_run(2, wait_for_the_holder, &s);
}

static void acquire_it(int number, void *arg)
{
    (void)number;
    KeAcquireSpinLockRaiseToDpc(arg);
    /* Gone without a word: the lock stays this thread's. */
    KiThread()->SpinLocks = 0;
    KiLowerIrql(PASSIVE_LEVEL);
}

static void misuse_by_others(void **state)
{
    KLOCK_QUEUE_HANDLE handle;
    KSPIN_LOCK lock = 0;
    EX_SPIN_LOCK ex = 0;
    KIRQL old;

    (void)state;
    ke_run(1, acquire_it, &lock);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KE_EXPECT("VF-LOCK-02", KeReleaseSpinLockFromDpcLevel(&lock));
    assert_false(KeTestSpinLock(&lock));
    KeInitializeSpinLock(&lock);
    KeAcquireSpinLockAtDpcLevel(&lock);
    handle.LockQueue.Lock = &lock;
    KE_EXPECT("VF-LOCK-05", KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle));
    assert_true(KeTestSpinLock(&lock));
    KeAcquireSpinLockAtDpcLevel(&lock);
    KE_EXPECT("VF-LOCK-02", KeReleaseSpinLock(&lock, HIGH_LEVEL));
    KiLowerIrql(DISPATCH_LEVEL);
    ExAcquireSpinLockSharedAtDpcLevel(&ex);
    KE_EXPECT("VF-LOCK-02", ExReleaseSpinLockExclusiveFromDpcLevel(&ex));
    assert_true(ExTryConvertSharedSpinLockExclusive(&ex));
    KE_EXPECT("VF-LOCK-02", ExReleaseSpinLockSharedFromDpcLevel(&ex));
    assert_false(ExTryConvertSharedSpinLockExclusive(&ex));
    ExReleaseSpinLockExclusiveFromDpcLevel(&ex);
    assert_true(ExTryAcquireSpinLockExclusiveAtDpcLevel(&ex));
    ExReleaseSpinLockExclusiveFromDpcLevel(&ex);
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
        cmocka_unit_test(for_dpc_calls_keep_the_irql),
        cmocka_unit_test(writers_do_not_starve),
        cmocka_unit_test(waits_for_the_holder),
        cmocka_unit_test(misuse_by_others),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
