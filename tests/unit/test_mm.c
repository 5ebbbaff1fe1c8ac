/* Pages, contiguous memory, questions about addresses, and routines by name. */
#include "ke_test.h"

static void pages(void **state)
{
    PHYSICAL_ADDRESS none = { .QuadPart = 0 }, all = { .QuadPart = -1 };
    PMDL mdl = MmAllocatePagesForMdl(none, all, none, 5000);
    PUCHAR p;

    (void)state;
    assert_non_null(mdl);
    assert_int_equal(MmGetMdlByteCount(mdl), 2 * PAGE_SIZE);
    p = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    for (ULONG i = 0; i < 2 * PAGE_SIZE; i++)
        assert_int_equal(p[i], 0);
    MmUnmapLockedPages(p, mdl);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
    assert_null(MmAllocatePagesForMdl(none, all, none, 0));
}

static void contiguous(void **state)
{
    PHYSICAL_ADDRESS low = { .QuadPart = 0xffffff }, all = { .QuadPart = -1 };
    PVOID p;

    (void)state;
    all.QuadPart = MAXLONGLONG;
    assert_null(MmAllocateContiguousMemory(10, low));
    p = MmAllocateContiguousMemory(10, all);
    assert_int_equal((ULONG_PTR)p % PAGE_SIZE, 0);
    assert_true(MmIsAddressValid(p));
    assert_ptr_equal((PVOID)MmGetPhysicalAddress(p).QuadPart, p);
    MmFreeContiguousMemory(p);
    p = MmAllocateNonCachedMemory(100);
    assert_non_null(p);
    MmFreeNonCachedMemory(p, 100);
    assert_false(MmIsAddressValid(NULL));
    assert_false(MmIsAddressValid((PVOID)0xffff800000000000));
}

static NTSTATUS probe(volatile VOID *address, SIZE_T length, ULONG alignment, BOOLEAN write)
{
    volatile NTSTATUS status = STATUS_SUCCESS;

    __try {
        if (write)
            ProbeForWrite(address, length, alignment);
        else
            ProbeForRead(address, length, alignment);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}

static void probes(void **state)
{
    ULONG64 mine[4] = { 1, 2, 3, 4 };

    (void)state;
    for (int write = 0; write < 2; write++) {
        assert_int_equal(probe(mine, sizeof mine, 8, write != 0), STATUS_SUCCESS);
        assert_int_equal(probe((PUCHAR)mine + 1, 4, 4, write != 0), STATUS_DATATYPE_MISALIGNMENT);
        assert_int_equal(probe((PVOID)0xffff800000000000, 4, 1, write != 0),
                         STATUS_ACCESS_VIOLATION);
        assert_int_equal(probe(mine, (SIZE_T)-1, 1, write != 0), STATUS_ACCESS_VIOLATION);
        assert_int_equal(probe((PVOID)0xffff800000000001, 0, 8, write != 0), STATUS_SUCCESS);
    }
    assert_int_equal(mine[3], 4);
}

static void routines(void **state)
{
    UNICODE_STRING known = RTL_CONSTANT_STRING(L"ExAllocatePool2");
    UNICODE_STRING prefix = RTL_CONSTANT_STRING(L"ExAllocatePool");
    UNICODE_STRING unknown = RTL_CONSTANT_STRING(L"ExAllocatePool99");

    (void)state;
    assert_ptr_equal(MmGetSystemRoutineAddress(&known), (PVOID)ExAllocatePool2);
    assert_ptr_equal(MmGetSystemRoutineAddress(&prefix), (PVOID)ExAllocatePool);
    assert_null(MmGetSystemRoutineAddress(&unknown));
}

static void stack(void **state)
{
    ULONG_PTR low, high;

    (void)state;
    IoGetStackLimits(&low, &high);
    assert_true(low < (ULONG_PTR)&low && (ULONG_PTR)&low < high);
    assert_true(IoGetRemainingStackSize() < high - low);
}

static void sections_and_sizes(void **state)
{
    ULONG_PTR low, high;
    PHYSICAL_ADDRESS any = { .QuadPart = 0 };
    PVOID section = MmLockPagableDataSection(&high);

    (void)state;
    assert_ptr_equal(section, PAGE_ALIGN(&high));
    ke_findings = 0;
    MmUnlockPagableImageSection(section);
    assert_int_equal(ke_findings, 0);
    KE_EXPECT("VF-MDL-03", MmUnlockPagableImageSection(NULL));
    KE_EXPECT("VF-MDL-03", MmUnlockPagableImageSection((PUCHAR)section + 1));
    IoGetStackLimits(&low, &high);
    assert_ptr_equal(IoGetInitialStack(), (PVOID)high);
    assert_null(MmAllocatePagesForMdl(any, any, any, 0));
    assert_null(MmAllocatePagesForMdl(any, any, any, (SIZE_T)1 << 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),  cmocka_unit_test(contiguous),
        cmocka_unit_test(probes), cmocka_unit_test(routines),
        cmocka_unit_test(stack),  cmocka_unit_test(sections_and_sizes),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
