/* Rundown protection: after the wait nobody is inside, and nobody gets in. */
#include "ke_test.h"

struct guarded {
    EX_RUNDOWN_REF ref;
    PEX_RUNDOWN_REF_CACHE_AWARE aware;
    int *memory; /* freed after the wait: a late user is a use after free */
    LONG started;
};

static BOOLEAN acquire(struct guarded *g)
{
    return g->aware ? ExAcquireRundownProtectionCacheAware(g->aware)
                    : ExAcquireRundownProtection(&g->ref);
}

static void use(int number, void *arg)
{
    struct guarded *g = arg;

    if (number == 0) {
        ke_until(&g->started, 3);
        if (g->aware)
            ExWaitForRundownProtectionReleaseCacheAware(g->aware);
        else
            ExWaitForRundownProtectionRelease(&g->ref);
        host_free(g->memory);
        return;
    }
    __atomic_add_fetch(&g->started, 1, __ATOMIC_RELEASE);
    while (acquire(g)) {
        __atomic_add_fetch(g->memory, 1, __ATOMIC_RELAXED);
        if (g->aware)
            ExReleaseRundownProtectionCacheAware(g->aware);
        else
            ExReleaseRundownProtection(&g->ref);
    }
}

static void run(PEX_RUNDOWN_REF_CACHE_AWARE aware)
{
    struct guarded g = { .aware = aware, .memory = host_zalloc(sizeof(int)) };

    ExInitializeRundownProtection(&g.ref);
    ke_run(4, use, &g);
    assert_false(acquire(&g));
}

static void release_against_wait(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        run(NULL);
}

static void cache_aware(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        PEX_RUNDOWN_REF_CACHE_AWARE aware =
            ExAllocateCacheAwareRundownProtection(NonPagedPoolNx, 'tseT');
        assert_non_null(aware);
        run(aware);
        ExFreeCacheAwareRundownProtection(aware);
    }
}

static void counts_and_misuse(void **state)
{
    EX_RUNDOWN_REF ref;

    (void)state;
    ExInitializeRundownProtection(&ref);
    assert_true(ExAcquireRundownProtectionEx(&ref, 3));
    ExReleaseRundownProtectionEx(&ref, 2);
    ExReleaseRundownProtection(&ref);
    KE_EXPECT("VF-OBJ-01", ExReleaseRundownProtection(&ref));
    ExWaitForRundownProtectionRelease(&ref);
    assert_false(ExAcquireRundownProtection(&ref));
    KE_EXPECT("VF-OBJ-01", ExReleaseRundownProtection(&ref));
    ExReInitializeRundownProtection(&ref);
    assert_true(ExAcquireRundownProtection(&ref));
    ExReleaseRundownProtection(&ref);
    ExRundownCompleted(&ref);
    assert_false(ExAcquireRundownProtection(&ref));
}

static void cache_aware_counts_and_misuse(void **state)
{
    PEX_RUNDOWN_REF_CACHE_AWARE ref = ExAllocateCacheAwareRundownProtection(PagedPool, 'tseT');
    _Alignas(64) UCHAR mine[64];
    PEX_RUNDOWN_REF_CACHE_AWARE own = (PEX_RUNDOWN_REF_CACHE_AWARE)mine;

    (void)state;
    assert_true(ExAcquireRundownProtectionCacheAwareEx(ref, 3));
    ExReleaseRundownProtectionCacheAwareEx(ref, 2);
    ExReleaseRundownProtectionCacheAware(ref);
    KE_EXPECT("VF-OBJ-01", ExReleaseRundownProtectionCacheAware(ref));
    ExWaitForRundownProtectionReleaseCacheAware(ref);
    assert_false(ExAcquireRundownProtectionCacheAwareEx(ref, 1));
    ExWaitForRundownProtectionReleaseCacheAware(ref); /* a second time: at once */
    ExReInitializeRundownProtectionCacheAware(ref);
    assert_true(ExAcquireRundownProtectionCacheAware(ref));
    ExReleaseRundownProtectionCacheAware(ref);
    ExRundownCompletedCacheAware(ref);
    assert_false(ExAcquireRundownProtectionCacheAware(ref));
    ExFreeCacheAwareRundownProtection(ref);
    KE_EXPECT("VF-POOL-03", ExFreeCacheAwareRundownProtection(own));
    assert_true(ExSizeOfRundownProtectionCacheAware() <= sizeof mine);
    memset(mine, 0xcc, sizeof mine);
    ExInitializeRundownProtectionCacheAware(own, sizeof mine);
    assert_true(ExAcquireRundownProtectionCacheAware(own));
    ExReleaseRundownProtectionCacheAware(own);
}

/* The last of several holders ends the wait, whoever that is. */
static void hold_and_wait(int number, void *arg)
{
    struct guarded *g = arg;

    if (number == 0) {
        assert_true(ExAcquireRundownProtectionEx(&g->ref, 2));
        __atomic_store_n(&g->started, 1, __ATOMIC_RELEASE);
        while (acquire(g)) /* until the other one waits */
            ExReleaseRundownProtection(&g->ref);
        ExReleaseRundownProtection(&g->ref);
        assert_int_equal(ke_load(&g->started), 1);
        ExReleaseRundownProtection(&g->ref);
        return;
    }
    ke_until(&g->started, 1);
    ExWaitForRundownProtectionRelease(&g->ref);
    __atomic_store_n(&g->started, 2, __ATOMIC_RELEASE);
}

static void wait_lasts_until_the_last_release(void **state)
{
    struct guarded g = { 0 };

    (void)state;
    ExInitializeRundownProtection(&g.ref);
    ke_run(2, hold_and_wait, &g);
    assert_int_equal(g.started, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_against_wait),
        cmocka_unit_test(cache_aware),
        cmocka_unit_test(counts_and_misuse),
        cmocka_unit_test(cache_aware_counts_and_misuse),
        cmocka_unit_test(wait_lasts_until_the_last_release),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
