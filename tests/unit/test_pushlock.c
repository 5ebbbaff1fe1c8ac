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

/* Long enough that whoever is about to wait usually does; the results do not depend on it. */
static void let_others_run(void)
{
    unsigned rounds = 0;

    for (int i = 0; i < 100; i++)
        host_spin(&rounds, "test");
}

static BOOLEAN is_waited_for(PEX_PUSH_LOCK lock)
{
    return (__atomic_load_n((ULONG_PTR *)lock, __ATOMIC_ACQUIRE) & 2) != 0;
}

static void until_waited_for(PEX_PUSH_LOCK lock)
{
    unsigned rounds = 0;

    while (!is_waited_for(lock))
        host_spin(&rounds, "test");
}

struct line {
    EX_PUSH_LOCK lock;
    BOOLEAN holder_reads;
    LONG held, arrived, readers;
    long writes; /* plain: the lock protects it */
};

/* 0 holds the lock until all others have come; 1 and 2 read, 3 and 4 write. */
static void stand_in_line(int number, void *arg)
{
    struct line *l = arg;
    BOOLEAN writes = number == 0 ? !l->holder_reads : number > 2;

    KeEnterCriticalRegion();
    if (number)
        ke_until(&l->held, 1);
    if (number && l->holder_reads && number < 3)
        until_waited_for(&l->lock); /* a new reader does not overtake a writer that waits */
    __atomic_add_fetch(&l->arrived, 1, __ATOMIC_ACQ_REL);
    if (writes)
        ExAcquirePushLockExclusive(&l->lock);
    else
        ExAcquirePushLockShared(&l->lock);
    if (number == 0) {
        __atomic_store_n(&l->held, 1, __ATOMIC_RELEASE);
        ke_until(&l->arrived, 5);
        until_waited_for(&l->lock);
        let_others_run();
        assert_int_equal(l->writes, 0);
    } else if (writes) {
        assert_int_equal(ke_load(&l->readers), 0);
        l->writes++;
    } else {
        __atomic_add_fetch(&l->readers, 1, __ATOMIC_ACQ_REL);
        let_others_run();
        __atomic_sub_fetch(&l->readers, 1, __ATOMIC_ACQ_REL);
    }
    ExReleasePushLock(&l->lock);
    KeLeaveCriticalRegion();
}

static void waiters_get_it_in_turn(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct line l = { .holder_reads = i % 2 };
        ExInitializePushLock(&l.lock);
        ke_run(5, stand_in_line, &l);
        assert_int_equal(l.writes, 2);
        assert_false(is_waited_for(&l.lock));
    }
}

static void NTAPI take_once(PVOID parameter)
{
    struct line *l = parameter;

    ExAcquirePushLockExclusive(&l->lock);
    l->writes++;
    ExReleasePushLockExclusive(&l->lock);
    __atomic_store_n(&l->arrived, 1, __ATOMIC_RELEASE);
}

static void a_worker_waits(void **state)
{
    struct line l = { 0 };
    WORK_QUEUE_ITEM item;

    (void)state;
    ExInitializePushLock(&l.lock);
    ExInitializeWorkItem(&item, take_once, &l);
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&l.lock);
    ExQueueWorkItem(&item, DelayedWorkQueue);
    until_waited_for(&l.lock);
    assert_int_equal(l.writes, 0);
    ExReleasePushLockExclusive(&l.lock);
    KeLeaveCriticalRegion();
    ke_until(&l.arrived, 1);
    assert_int_equal(l.writes, 1);
}

static void wait_too_high(int number, void *arg)
{
    struct line *l = arg;

    if (number == 0) {
        KeEnterCriticalRegion();
        ExAcquirePushLockExclusive(&l->lock);
        __atomic_store_n(&l->held, 1, __ATOMIC_RELEASE);
        until_waited_for(&l->lock);
        ExReleasePushLockExclusive(&l->lock);
        KeLeaveCriticalRegion();
        return;
    }
    ke_until(&l->held, 1);
    KiRaiseIrql(DISPATCH_LEVEL);
    ke_findings = 0;
    ExAcquirePushLockShared(&l->lock);
    assert_int_equal(ke_findings, 2); /* the call as such, and that it waits */
    assert_string_equal(ke_rule, "VF-IRQL-05");
    KiLowerIrql(PASSIVE_LEVEL);
    KeEnterCriticalRegion();
    ExReleasePushLockShared(&l->lock);
    KeLeaveCriticalRegion();
    ke_findings = 0;
}

static void waiting_at_dispatch_level(void **state)
{
    struct line l = { 0 };

    (void)state;
    ExInitializePushLock(&l.lock);
    ke_run(2, wait_too_high, &l);
}

static void apcs_must_be_off(void **state)
{
    EX_PUSH_LOCK lock;
    KIRQL old;

    (void)state;
    ExInitializePushLock(&lock);
    KeRaiseIrql(APC_LEVEL, &old);
    ExAcquirePushLockShared(&lock);
    ExReleasePushLock(&lock);
    KeLowerIrql(old);
    KeEnterGuardedRegion();
    ExAcquirePushLockExclusive(&lock);
    KE_EXPECT("VF-LOCK-02", ExReleasePushLockShared(&lock));
    ExReleasePushLock(&lock);
    KeLeaveGuardedRegion();
    KE_EXPECT("VF-LOCK-07", ExAcquirePushLockExclusive(&lock));
    ExReleasePushLockExclusive(&lock);
    KE_EXPECT("VF-LOCK-02", ExReleasePushLock(&lock));
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
        cmocka_unit_test(waiters_get_it_in_turn),
        cmocka_unit_test(a_worker_waits),
        cmocka_unit_test(waiting_at_dispatch_level),
        cmocka_unit_test(apcs_must_be_off),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
