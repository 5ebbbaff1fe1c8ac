/* Pool: sizes, alignment, flags, failure, and the misuse that is reported. */
#include "ke_test.h"

#define TAG 'tseT'

static int reset(void **state)
{
    (void)state;
    ke_findings = 0;
    return 0;
}

static int nothing_reported(void **state)
{
    (void)state;
    return ke_findings ? -1 : 0;
}

static BOOLEAN is_zero(const UCHAR *p, SIZE_T n)
{
    while (n--)
        if (*p++)
            return FALSE;
    return TRUE;
}

static void alignment(void **state)
{
    static const struct {
        POOL_TYPE type;
        SIZE_T size, align;
    } cases[] = {
        { NonPagedPoolNx, 1, 16 },
        { PagedPool, 100, 16 },
        { NonPagedPoolNxCacheAligned, 100, 64 },
        { NonPagedPoolNx, PAGE_SIZE, PAGE_SIZE },
        { NonPagedPool, 3 * PAGE_SIZE + 1, PAGE_SIZE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        PUCHAR p = ExAllocatePoolWithTag(cases[i].type, cases[i].size, TAG);
        assert_non_null(p);
        assert_int_equal((ULONG_PTR)p % cases[i].align, 0);
        memset(p, 1, cases[i].size);
        ExFreePoolWithTag(p, TAG);
    }
}

static void zeroing(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        SIZE_T size = i % 2 ? 2 * PAGE_SIZE : 200;
        PVOID p = i < 4 ? ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG)
                        : ExAllocatePoolZero(PagedPool, size, TAG);
        assert_true(is_zero(p, size));
        memset(p, 0xff, size); /* for the next one */
        ExFreePool(p);
    }
}

static void pool_flags(void **state)
{
    PVOID p = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED, 100, TAG);

    (void)state;
    assert_non_null(p);
    ExFreePoolWithTag(p, 0);
    p = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL | POOL_FLAG_CACHE_ALIGNED, 100,
                        TAG);
    assert_int_equal((ULONG_PTR)p % 64, 0);
    ExFreePool2(p, TAG, NULL, 0);
    assert_null(ExAllocatePool2(0, 100, TAG));
    assert_null(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED, 100, TAG));
    assert_null(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RESERVED3, 100, TAG));
}

static void extended_parameters(void **state)
{
    POOL_EXTENDED_PARAMETER parameter = { .Type = PoolExtendedParameterPriority,
                                          .Priority = HighPoolPriority };
    PVOID p = ExAllocatePool3(POOL_FLAG_NON_PAGED, 10, TAG, &parameter, 1);

    (void)state;
    assert_non_null(p);
    ExFreePool(p);
    parameter = (POOL_EXTENDED_PARAMETER){ .Type = PoolExtendedParameterSecurePool };
    assert_null(ExAllocatePool3(POOL_FLAG_NON_PAGED, 10, TAG, &parameter, 1));
    parameter.Optional = 1;
    p = ExAllocatePool3(POOL_FLAG_NON_PAGED, 10, TAG, &parameter, 1);
    assert_non_null(p);
    ExFreePool(p);
}

static void failure(void **state)
{
    volatile NTSTATUS raised = 0;

    (void)state;
    assert_null(ExAllocatePoolWithTag(NonPagedPoolNx, (SIZE_T)1 << 60, TAG));
    assert_null(ExAllocatePoolWithQuotaTag(
        (POOL_TYPE)(NonPagedPoolNx | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE), (SIZE_T)1 << 60, TAG));
    __try {
        ExAllocatePoolWithQuotaTag(NonPagedPoolNx, (SIZE_T)1 << 60, TAG);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        raised = GetExceptionCode();
    }
    assert_int_equal(raised, STATUS_INSUFFICIENT_RESOURCES);
    raised = 0;
    __try {
        ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, (SIZE_T)1 << 60, TAG);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        raised = GetExceptionCode();
    }
    assert_int_equal(raised, STATUS_INSUFFICIENT_RESOURCES);
}

static void free_misuse(void **state)
{
    int no_pool = 0;
    PVOID p = ExAllocatePoolWithTag(NonPagedPoolNx, 10, TAG);

    (void)state;
    KE_EXPECT("VF-POOL-03", ExFreePool(&no_pool));
    KE_EXPECT("VF-POOL-03", ExFreePool((PUCHAR)p + 1));
    KE_EXPECT("VF-POOL-04", ExFreePoolWithTag(p, 'rhtO'));
    KE_EXPECT("VF-POOL-03", ExFreePoolWithTag(p, TAG));
    KE_EXPECT("VF-POOL-03", ExFreePool(NULL));
}

static void free_of_an_irp(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    KE_EXPECT("VF-IRP-07", ExFreePool(irp));
    IoFreeIrp(irp);
}

static void allocate_misuse(void **state)
{
    PVOID p = NULL;
    KIRQL irql;

    (void)state;
    KE_EXPECT("VF-POOL-05", p = ExAllocatePoolWithTag(NonPagedPoolNx, 0, TAG));
    assert_non_null(p);
    ExFreePool(p);
    KE_EXPECT("VF-POOL-04", p = ExAllocatePoolWithTag(NonPagedPoolNx, 1, 0));
    ExFreePool(p);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KE_EXPECT("VF-POOL-06", p = ExAllocatePool2(POOL_FLAG_PAGED, 1, TAG));
    ExFreePool(p);
    p = ExAllocatePool2(POOL_FLAG_NON_PAGED, 1, TAG);
    ExFreePool(p);
    KeLowerIrql(irql);
}

static void leaks_are_swept(void **state)
{
    PVOID p = ExAllocatePoolWithTag(NonPagedPoolNx, 10, TAG);

    (void)state;
    KE_EXPECT("VF-POOL-07", assert_int_equal(vf_sweep(0, UINTPTR_MAX, "test"), 1));
    host_free(p);
}

static void by_the_old_names(void **state)
{
    POOL_EXTENDED_PARAMETER node = { .Type = PoolExtendedParameterNumaNode };
    POOL_EXTENDED_PARAMETER secure = { .Type = PoolExtendedParameterSecurePool };
    volatile NTSTATUS raised = 0;
    PVOID p;

    (void)state;
    p = (ExAllocatePool)(NonPagedPoolNx, 10);
    assert_non_null(p);
    ExFreePool(p);
    p = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 10, TAG, NormalPoolPriority);
    assert_non_null(p);
    ExFreePoolWithTag(p, TAG);
    p = ExAllocatePoolWithQuota(NonPagedPoolNx, 10);
    assert_non_null(p);
    ExFreePool(p);
    p = ExAllocatePool3(POOL_FLAG_NON_PAGED, 10, TAG, &node, 1);
    assert_non_null(p);
    ExFreePool2(p, TAG, NULL, 0);
    __try {
        ExAllocatePool3(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 10, TAG, &secure, 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        raised = GetExceptionCode();
    }
    assert_int_equal(raised, STATUS_INVALID_PARAMETER);
    /* From a page on, memory is aligned more than to a cache line. */
    p = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, PAGE_SIZE, TAG);
    assert_int_equal((ULONG_PTR)p % PAGE_SIZE, 0);
    ExFreePool(p);
    p = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, PAGE_SIZE, TAG);
    assert_int_equal((ULONG_PTR)p % PAGE_SIZE, 0);
    ExFreePool(p);
}

/* A tag is shown as it is spelled, with dots for what cannot be printed. */
static void odd_tags(void **state)
{
    PVOID p = ExAllocatePoolWithTag(NonPagedPoolNx, 10, 0x7f01e941);

    (void)state;
    KE_EXPECT("VF-POOL-04", ExFreePoolWithTag(p, '2gaT'));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, nothing_reported)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(alignment),           TEST(zeroing),         TEST(pool_flags),
        TEST(extended_parameters), TEST(failure),         TEST(free_misuse),
        TEST(free_of_an_irp),      TEST(allocate_misuse), TEST(leaks_are_swept),
        TEST(by_the_old_names),    TEST(odd_tags),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
