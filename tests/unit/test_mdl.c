/* MDLs: flags and addresses through their life, bad memory, and the misuse that is reported. */
#include "ke_test.h"

#include "nt/stop.h"

static char buffer[4 * PAGE_SIZE];

static PMDL new_mdl(ULONG offset, ULONG length)
{
    PMDL mdl = IoAllocateMdl(buffer + offset, length, FALSE, FALSE, NULL);

    assert_non_null(mdl);
    return mdl;
}

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

static void describes_the_bytes(void **state)
{
    PMDL mdl = new_mdl(100, 2 * PAGE_SIZE);

    (void)state;
    assert_ptr_equal(MmGetMdlVirtualAddress(mdl), buffer + 100);
    assert_int_equal(MmGetMdlByteCount(mdl), 2 * PAGE_SIZE);
    assert_int_equal(MmGetMdlByteOffset(mdl), BYTE_OFFSET(buffer + 100));
    assert_int_equal(mdl->MdlFlags, 0);
    assert_int_equal((USHORT)mdl->Size, MmSizeOfMdl(buffer + 100, 2 * PAGE_SIZE));
    IoFreeMdl(mdl);
    assert_null(IoAllocateMdl(buffer, 0x80000000, FALSE, FALSE, NULL));
}

static void chains_on_an_irp(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    PMDL first = IoAllocateMdl(buffer, 10, FALSE, FALSE, irp);
    PMDL second = IoAllocateMdl(buffer + 10, 10, TRUE, FALSE, irp);

    (void)state;
    assert_ptr_equal(irp->MdlAddress, first);
    assert_ptr_equal(first->Next, second);
    IoFreeMdl(second);
    IoFreeMdl(first);
    IoFreeIrp(irp);
}

static void nonpaged_pool(void **state)
{
    PMDL mdl = new_mdl(5, 3000);

    (void)state;
    MmBuildMdlForNonPagedPool(mdl);
    assert_int_equal(mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
    assert_ptr_equal(mdl->MappedSystemVa, buffer + 5);
    assert_ptr_equal(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer + 5);
    assert_int_equal(MmGetMdlPfnArray(mdl)[0], (ULONG_PTR)(buffer + 5) >> PAGE_SHIFT);
    IoFreeMdl(mdl);
}

static void lock_map_unlock(void **state)
{
    PMDL mdl = new_mdl(7, 2 * PAGE_SIZE);

    (void)state;
    MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
    assert_int_equal(mdl->MdlFlags, MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
    assert_ptr_equal(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer + 7);
    assert_true(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
    MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
    assert_false(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
    assert_ptr_equal(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer + 7);
    MmUnlockPages(mdl);
    assert_int_equal(mdl->MdlFlags, 0);
    MmProbeAndLockPages(mdl, UserMode, IoReadAccess);
    assert_int_equal(mdl->MdlFlags, MDL_PAGES_LOCKED);
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
}

static void bad_memory_raises(void **state)
{
    static const char constant[] = "read only";
    char *pages = host_pages_alloc(PAGE_SIZE);
    volatile NTSTATUS raised[3] = { 0 };
    PMDL mdls[3];

    (void)state;
    KiInstallStops(); /* after cmocka's own handlers */
    vf_on_stop(NULL); /* findings are wanted, and that the run goes on */
    mdls[0] = IoAllocateMdl((PVOID)(ULONG_PTR)0x1000, 10, FALSE, FALSE, NULL);
    mdls[1] = IoAllocateMdl(pages + PAGE_SIZE - 10, 20, FALSE, FALSE, NULL); /* a guard page */
    mdls[2] = IoAllocateMdl((PVOID)(ULONG_PTR)constant, 5, FALSE, FALSE, NULL);
    for (volatile int i = 0; i < 3; i++) {
        __try {
            MmProbeAndLockPages(mdls[i], UserMode, IoWriteAccess);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            raised[i] = GetExceptionCode();
        }
        assert_int_equal(raised[i], STATUS_ACCESS_VIOLATION);
        assert_int_equal(mdls[i]->MdlFlags, 0);
    }
    MmProbeAndLockPages(mdls[2], UserMode, IoReadAccess);
    MmUnlockPages(mdls[2]);
    for (int i = 0; i < 3; i++)
        IoFreeMdl(mdls[i]);
    host_pages_free(pages, PAGE_SIZE);
}

static void probing_changes_nothing(void **state)
{
    PMDL mdl = new_mdl(0, sizeof buffer);

    (void)state;
    memset(buffer, 0xa5, sizeof buffer);
    MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    for (ULONG i = 0; i < sizeof buffer; i++)
        assert_int_equal((UCHAR)buffer[i], 0xa5);
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
}

static void partial(void **state)
{
    PMDL whole = new_mdl(0, sizeof buffer);
    PMDL part = IoAllocateMdl(buffer + 5000, 2000, FALSE, FALSE, NULL);

    (void)state;
    MmProbeAndLockPages(whole, KernelMode, IoModifyAccess);
    IoBuildPartialMdl(whole, part, buffer + 5000, 2000);
    assert_int_equal(part->MdlFlags, MDL_PARTIAL);
    assert_int_equal(part->ByteCount, 2000);
    assert_ptr_equal(MmGetSystemAddressForMdlSafe(part, NormalPagePriority), buffer + 5000);
    assert_true(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    MmPrepareMdlForReuse(part);
    assert_false(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    IoFreeMdl(part);
    MmUnlockPages(whole);
    IoFreeMdl(whole);
}

static void partial_of_nonpaged(void **state)
{
    PMDL whole = new_mdl(3, 1000);
    PMDL part = IoAllocateMdl(buffer + 3, 1000, FALSE, FALSE, NULL);

    (void)state;
    MmBuildMdlForNonPagedPool(whole);
    IoBuildPartialMdl(whole, part, buffer + 103, 0);
    assert_int_equal(part->ByteCount, 900);
    assert_ptr_equal(MmGetSystemAddressForMdlSafe(part, NormalPagePriority), buffer + 103);
    KE_EXPECT("VF-MDL-10", IoBuildPartialMdl(whole, part, buffer + 3, 1001));
    IoFreeMdl(part);
    IoFreeMdl(whole);
}

static void advance(void **state)
{
    PMDL mdl = new_mdl(0, 2 * PAGE_SIZE);

    (void)state;
    MmBuildMdlForNonPagedPool(mdl);
    assert_int_equal(MmAdvanceMdl(mdl, 5000), STATUS_SUCCESS);
    assert_ptr_equal(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer + 5000);
    assert_int_equal(mdl->ByteCount, 2 * PAGE_SIZE - 5000);
    assert_int_equal(MmAdvanceMdl(mdl, mdl->ByteCount), STATUS_INVALID_PARAMETER_2);
    IoFreeMdl(mdl);
}

static void own_memory(void **state)
{
    struct {
        MDL mdl;
        PFN_NUMBER frames[3];
    } mine;

    (void)state;
    MmInitializeMdl(&mine.mdl, buffer, 5000);
    MmBuildMdlForNonPagedPool(&mine.mdl);
    assert_ptr_equal(mine.mdl.MappedSystemVa, buffer);
}

static void misuse(void **state)
{
    PMDL mdl = new_mdl(0, 100);

    (void)state;
    KE_EXPECT("VF-MDL-03", MmUnlockPages(mdl));
    KE_EXPECT("VF-MDL-05", assert_null(MmMapLockedPages(mdl, KernelMode)));
    KE_EXPECT("VF-MDL-05", MmUnmapLockedPages(buffer, mdl));
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    KE_EXPECT("VF-MDL-04", MmProbeAndLockPages(mdl, KernelMode, IoReadAccess));
    KE_EXPECT("VF-MDL-04", MmBuildMdlForNonPagedPool(mdl));
    mdl->MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
    KE_EXPECT("VF-MDL-03", MmUnlockPages(mdl));
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    KE_EXPECT("VF-MDL-06", IoFreeMdl(mdl));
    KE_EXPECT("VF-MDL-12", IoFreeMdl(mdl));
}

static void more_misuse(void **state)
{
    PMDL mdl = new_mdl(0, 100), part = IoAllocateMdl(buffer, 50, FALSE, FALSE, NULL);
    PMDL wide = IoAllocateMdl((PVOID) ~(ULONG_PTR)9, 20, FALSE, FALSE, NULL);
    volatile NTSTATUS raised = 0;

    (void)state;
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    assert_ptr_equal(MmMapLockedPages(mdl, UserMode), buffer); /* the only view there is */
    assert_ptr_equal(MmMapLockedPages(mdl, KernelMode), buffer);
    KE_EXPECT("VF-MDL-05", assert_ptr_equal(MmMapLockedPages(mdl, KernelMode), buffer));
    KE_EXPECT("VF-MDL-05", MmUnmapLockedPages(buffer + 1, mdl));
    MmUnmapLockedPages(buffer, mdl);
    KE_EXPECT("VF-MDL-10", IoBuildPartialMdl(mdl, part, (char *)((uintptr_t)buffer - 1), 10));
    IoBuildPartialMdl(mdl, part, buffer + 10, 20);
    KE_EXPECT("VF-MDL-04", MmProbeAndLockPages(part, KernelMode, IoReadAccess));
    KE_EXPECT("VF-MDL-03", MmUnlockPages(part));
    MmUnlockPages(mdl);
    MmBuildMdlForNonPagedPool(mdl);
    KE_EXPECT("VF-MDL-04", MmProbeAndLockPages(mdl, KernelMode, IoReadAccess));
    KE_EXPECT("VF-MDL-05", MmUnmapLockedPages(buffer, mdl));
    __try {
        MmProbeAndLockPages(wide, KernelMode, IoReadAccess);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        raised = GetExceptionCode();
    }
    assert_int_equal(raised, STATUS_ACCESS_VIOLATION); /* it would end below its beginning */
    IoFreeMdl(wide);
    IoFreeMdl(part);
    IoFreeMdl(mdl);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, nothing_reported)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(describes_the_bytes),
        TEST(chains_on_an_irp),
        TEST(nonpaged_pool),
        TEST(lock_map_unlock),
        TEST(bad_memory_raises),
        TEST(probing_changes_nothing),
        TEST(partial),
        TEST(partial_of_nonpaged),
        TEST(advance),
        TEST(own_memory),
        TEST(misuse),
        TEST(more_misuse),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
