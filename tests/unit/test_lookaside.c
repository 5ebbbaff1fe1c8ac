/* Lookaside lists: the three kinds, own allocators, threads, and the misuse that is reported. */
#include "ke_test.h"

#define TAG 'tseT'

static LONG allocated, freed;

static int reset(void **state)
{
    (void)state;
    ke_findings = 0;
    allocated = freed = 0;
    return 0;
}

static int nothing_left(void **state)
{
    (void)state;
    return ke_findings || vf_sweep(0, UINTPTR_MAX, "test") ? -1 : 0;
}

static PVOID NTAPI allocate_ex(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                               PLOOKASIDE_LIST_EX Lookaside)
{
    (void)Lookaside;
    __atomic_add_fetch(&allocated, 1, __ATOMIC_RELAXED);
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static VOID NTAPI free_ex(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    (void)Lookaside;
    __atomic_add_fetch(&freed, 1, __ATOMIC_RELAXED);
    ExFreePoolWithTag(Buffer, TAG);
}

static PVOID NTAPI allocate_old(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_ex(PoolType, NumberOfBytes, Tag, NULL);
}

static VOID NTAPI free_old(PVOID Buffer)
{
    free_ex(Buffer, NULL);
}

static void nonpaged_and_paged(void **state)
{
    NPAGED_LOOKASIDE_LIST nonpaged;
    PAGED_LOOKASIDE_LIST paged;
    PVOID p;

    (void)state;
    ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, 0, 100, TAG, 0);
    p = ExAllocateFromNPagedLookasideList(&nonpaged);
    memset(p, 1, 100);
    ExFreeToNPagedLookasideList(&nonpaged, p);
    ExDeleteNPagedLookasideList(&nonpaged);
    ExInitializePagedLookasideList(&paged, allocate_old, free_old, 0, 1, TAG, 0);
    p = ExAllocateFromPagedLookasideList(&paged);
    memset(p, 1, 1);
    ExFreeToPagedLookasideList(&paged, p);
    ExDeletePagedLookasideList(&paged);
    assert_int_equal(allocated, 1);
    assert_int_equal(freed, 1);
}

static void extended(void **state)
{
    LOOKASIDE_LIST_EX list;
    PVOID p[3];

    (void)state;
    assert_int_equal(
        ExInitializeLookasideListEx(&list, allocate_ex, free_ex, NonPagedPoolNx, 0, 64, TAG, 0),
        STATUS_SUCCESS);
    for (int i = 0; i < 3; i++)
        p[i] = ExAllocateFromLookasideListEx(&list);
    for (int i = 0; i < 3; i++)
        ExFreeToLookasideListEx(&list, p[i]);
    ExFlushLookasideListEx(&list);
    assert_int_equal(freed, 3);
    ExDeleteLookasideListEx(&list);
    assert_int_equal(allocated, 3);
    assert_int_equal(ExInitializeLookasideListEx(&list, NULL, NULL, PagedPool, 0, 64, TAG, 1),
                     STATUS_INVALID_PARAMETER_8);
    assert_int_equal(ExInitializeLookasideListEx(&list, NULL, NULL, PagedPool, 3, 64, TAG, 0),
                     STATUS_INVALID_PARAMETER_5);
}

static void churn(int number, void *arg)
{
    PVOID p[4];

    (void)number;
    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < 4; i++) {
            p[i] = ExAllocateFromLookasideListEx(arg);
            memset(p[i], number, 48);
        }
        for (int i = 0; i < 4; i++)
            ExFreeToLookasideListEx(arg, p[i]);
    }
}

static void threads_share_a_list(void **state)
{
    LOOKASIDE_LIST_EX list;

    (void)state;
    ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPoolNx, 0, 48, TAG, 0);
    ke_run(4, churn, &list);
    ExDeleteLookasideListEx(&list);
}

static void misuse(void **state)
{
    NPAGED_LOOKASIDE_LIST list;

    (void)state;
    ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG, 0);
    KE_EXPECT("VF-POOL-10", ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG, 0));
    ExDeleteNPagedLookasideList(&list);
    KE_EXPECT("VF-POOL-10", ExDeleteNPagedLookasideList(&list));
}

static void limits(void **state)
{
    LOOKASIDE_LIST_EX list;
    PVOID p[300];

    (void)state;
    assert_int_equal(ExInitializeLookasideListEx(&list, NULL, NULL, PagedPool, 4, 64, TAG, 0),
                     STATUS_INVALID_PARAMETER_5);
    assert_int_equal(
        ExInitializeLookasideListEx(&list, NULL, NULL, PagedPool, 0, (SIZE_T)MAXLONG + 1, TAG, 0),
        STATUS_INVALID_PARAMETER_6);
    /* What a full list does not take goes back at once. */
    assert_int_equal(
        ExInitializeLookasideListEx(&list, allocate_ex, free_ex, NonPagedPoolNx, 0, 64, TAG, 0),
        STATUS_SUCCESS);
    for (size_t i = 0; i < ARRAYSIZE(p); i++)
        p[i] = ExAllocateFromLookasideListEx(&list);
    for (size_t i = 0; i < ARRAYSIZE(p); i++)
        ExFreeToLookasideListEx(&list, p[i]);
    assert_int_equal(list.L.FreeMisses, ARRAYSIZE(p) - list.L.Depth);
    assert_int_equal(freed, list.L.FreeMisses);
    ExDeleteLookasideListEx(&list);
    assert_int_equal(freed, ARRAYSIZE(p));
    KE_EXPECT("VF-POOL-10", ExDeleteLookasideListEx(&list));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nonpaged_and_paged),
        TEST(extended),
        TEST(threads_share_a_list),
        TEST(misuse),
        TEST(limits),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
