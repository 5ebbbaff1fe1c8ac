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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_against_wait),
        cmocka_unit_test(cache_aware),
        cmocka_unit_test(counts_and_misuse),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
