/* ERESOURCE: recursion, conversion, the three shared ways, waiters, misuse. */
#include "ke_test.h"

static void alone(void **state)
{
    ERESOURCE resource;

    (void)state;
    KeEnterCriticalRegion();
    assert_int_equal(ExInitializeResourceLite(&resource), STATUS_SUCCESS);
    assert_true(ExAcquireResourceExclusiveLite(&resource, TRUE));
    assert_true(ExAcquireResourceExclusiveLite(&resource, FALSE));
    assert_true(ExAcquireResourceSharedLite(&resource, FALSE));
    assert_true(ExIsResourceAcquiredExclusiveLite(&resource));
    assert_int_equal(ExIsResourceAcquiredSharedLite(&resource), 3);
    ExConvertExclusiveToSharedLite(&resource);
    assert_false(ExIsResourceAcquiredExclusiveLite(&resource));
    assert_int_equal(ExIsResourceAcquiredSharedLite(&resource), 3);
    assert_true(ExAcquireSharedStarveExclusive(&resource, FALSE));
    assert_true(ExAcquireSharedWaitForExclusive(&resource, FALSE));
    for (int i = 0; i < 5; i++)
        ExReleaseResourceLite(&resource);
    assert_int_equal(ExIsResourceAcquiredSharedLite(&resource), 0);
    KE_EXPECT("VF-LOCK-02", ExReleaseResourceLite(&resource));
    assert_int_equal(ExDeleteResourceLite(&resource), STATUS_SUCCESS);
    KeLeaveCriticalRegion();
}

struct shared {
    ERESOURCE resource;
    long count; /* plain: the resource protects it */
    LONG step;
};

static void use(int number, void *arg)
{
    struct shared *s = arg;

    for (int i = 0; i < 1000; i++) {
        if ((i + number) % 3 == 0) {
            ExEnterCriticalRegionAndAcquireResourceExclusive(&s->resource);
            s->count++;
        } else {
            ExEnterCriticalRegionAndAcquireResourceShared(&s->resource);
            assert_true(s->count >= 0);
            assert_true(ExAcquireResourceSharedLite(&s->resource, TRUE));
            ExReleaseResourceLite(&s->resource);
        }
        ExReleaseResourceAndLeaveCriticalRegion(&s->resource);
    }
}

static void readers_and_writers(void **state)
{
    struct shared s = { .count = 0 };

    (void)state;
    ExInitializeResourceLite(&s.resource);
    ke_run(5, use, &s);
    assert_in_range(s.count, 5 * 333, 5 * 334);
    assert_int_equal(ExDeleteResourceLite(&s.resource), STATUS_SUCCESS);
}

/* 0 reads, 1 wants to write, 2 looks on: the waiting writer keeps new readers out, but not the
 * starving kind. */
static void act(int number, void *arg)
{
    struct shared *s = arg;
    unsigned rounds = 0;

    KeEnterCriticalRegion();
    if (number == 0) {
        ExAcquireResourceSharedLite(&s->resource, TRUE);
        __atomic_store_n(&s->step, 1, __ATOMIC_RELEASE);
        ke_until(&s->step, 2);
        assert_true(ExAcquireResourceSharedLite(&s->resource, FALSE)); /* has it already */
        ExReleaseResourceLite(&s->resource);
        ExReleaseResourceLite(&s->resource);
    } else if (number == 1) {
        ke_until(&s->step, 1);
        ExAcquireResourceExclusiveLite(&s->resource, TRUE);
        ExReleaseResourceLite(&s->resource);
    } else {
        while (ExGetExclusiveWaiterCount(&s->resource) == 0)
            host_spin(&rounds, "test");
        assert_false(ExAcquireResourceSharedLite(&s->resource, FALSE));
        assert_false(ExAcquireSharedWaitForExclusive(&s->resource, FALSE));
        assert_true(ExAcquireSharedStarveExclusive(&s->resource, FALSE));
        ExReleaseResourceLite(&s->resource);
        __atomic_store_n(&s->step, 2, __ATOMIC_RELEASE);
    }
    KeLeaveCriticalRegion();
}

static void waiting_writer(void **state)
{
    struct shared s = { .step = 0 };

    (void)state;
    ExInitializeResourceLite(&s.resource);
    ke_run(3, act, &s);
    ExDeleteResourceLite(&s.resource);
}

static void misuse(void **state)
{
    ERESOURCE resource;

    (void)state;
    ExInitializeResourceLite(&resource);
    KE_EXPECT("VF-LOCK-07", ExAcquireResourceSharedLite(&resource, TRUE));
    KeEnterCriticalRegion();
    KE_EXPECT("VF-LOCK-01", ExAcquireResourceExclusiveLite(&resource, TRUE));
    KE_EXPECT("VF-LOCK-04", ExDeleteResourceLite(&resource));
    KeLeaveCriticalRegion();
}

/* 0 has it exclusive; 1 and 2 wait for it shared, and get it together; 3 looks on. */
static void share(int number, void *arg)
{
    struct shared *s = arg;
    unsigned rounds = 0;

    KeEnterCriticalRegion();
    if (number == 0) {
        ExAcquireResourceExclusiveLite(&s->resource, TRUE);
        __atomic_store_n(&s->step, 1, __ATOMIC_RELEASE);
        while (ExGetSharedWaiterCount(&s->resource) < 2)
            host_spin(&rounds, "test");
        s->count = 1;
        assert_false(ExIsResourceAcquiredSharedLite(&s->resource) > 1);
        ExReleaseResourceLite(&s->resource);
    } else {
        ke_until(&s->step, 1);
        assert_false(ExTryToAcquireResourceExclusiveLite(&s->resource));
        assert_true(ExAcquireResourceSharedLite(&s->resource, TRUE));
        assert_int_equal(s->count, 1);
        ExReleaseResourceForThreadLite(&s->resource, ExGetCurrentResourceThread());
    }
    KeLeaveCriticalRegion();
}

static void waiting_readers(void **state)
{
    struct shared s = { .step = 0 };

    (void)state;
    ExInitializeResourceLite(&s.resource);
    ke_run(3, share, &s);
    assert_int_equal(ExGetSharedWaiterCount(&s.resource), 0);
    assert_int_equal(ExDeleteResourceLite(&s.resource), STATUS_SUCCESS);
}

static void reuse_and_more_misuse(void **state)
{
    ERESOURCE resource, none = { 0 };

    (void)state;
    KE_EXPECT("VF-LOCK-04",
              assert_int_equal(ExDeleteResourceLite(&none), STATUS_INVALID_PARAMETER));
    ExInitializeResourceLite(&resource);
    KeEnterCriticalRegion();
    assert_true(ExTryToAcquireResourceExclusiveLite(&resource));
    assert_true(ExTryToAcquireResourceExclusiveLite(&resource));
    ExReleaseResourceLite(&resource);
    assert_true(ExIsResourceAcquiredExclusiveLite(&resource));
    assert_int_equal(ExReinitializeResourceLite(&resource), STATUS_SUCCESS);
    assert_false(ExIsResourceAcquiredExclusiveLite(&resource));
    KE_EXPECT("VF-LOCK-02", ExConvertExclusiveToSharedLite(&resource));
    assert_true(ExAcquireResourceSharedLite(&resource, FALSE));
    assert_int_equal(ExReinitializeResourceLite(&resource), STATUS_SUCCESS);
    assert_int_equal(ExIsResourceAcquiredSharedLite(&resource), 0);
    assert_true(ExAcquireResourceExclusiveLite(&resource, TRUE));
    KE_EXPECT("VF-LOCK-04", ExDeleteResourceLite(&resource));
    KeLeaveCriticalRegion();
    ExInitializeResourceLite(&resource);
    KE_EXPECT("VF-LOCK-07", ExAcquireResourceExclusiveLite(&resource, TRUE));
    ExReleaseResourceLite(&resource);
    KeEnterGuardedRegion();
    ke_findings = 0;
    assert_true(ExAcquireResourceSharedLite(&resource, TRUE));
    ExReleaseResourceLite(&resource);
    KeLeaveGuardedRegion();
    assert_int_equal(ke_findings, 0);
    ExDeleteResourceLite(&resource);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone),           cmocka_unit_test(readers_and_writers),
        cmocka_unit_test(waiting_writer),  cmocka_unit_test(misuse),
        cmocka_unit_test(waiting_readers), cmocka_unit_test(reuse_and_more_misuse),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
