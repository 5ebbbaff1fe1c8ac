/*
 * mdl.c: memory descriptor lists.
 *
 * Called by drivers and wsk/. There is one address space and no paging: a page frame number is the
 * address divided by the page size, locking checks that the pages can be accessed, and mapping
 * yields the address itself. What must pair on Windows must pair here: the flags are kept exactly,
 * and misuse is reported. An MDL has one owner and so needs no lock.
 */
#include "nt/iop.h"
#include "nt/mi.h"

/* All of an MDL's frames follow one another, so the first tells where its bytes are. */
static PVOID AddressOf(PMDL mdl)
{
    return (PVOID)((MmGetMdlPfnArray(mdl)[0] << PAGE_SHIFT) + mdl->ByteOffset);
}

static ULONG PageCount(PMDL mdl)
{
    return (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), mdl->ByteCount);
}

/* Neither of the loops over pages has points of preemption: where a buffer lies decides how often
 * they run. */
#ifdef __clang__
#define NO_POINTS __attribute__((no_sanitize("coverage"), noinline))
#else
#define NO_POINTS __attribute__((no_sanitize_coverage, noinline))
#endif

NO_POINTS void MiFillFrames(PMDL mdl, PVOID address)
{
    ULONG_PTR frame = (ULONG_PTR)address >> PAGE_SHIFT;
    ULONG pages = PageCount(mdl);

    for (ULONG i = 0; i < pages; i++)
        MmGetMdlPfnArray(mdl)[i] = frame + i;
}

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    DDI_ENTER(MmSizeOfMdl);
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp)
{
    DDI_ENTER(IoAllocateMdl);
    PMDL mdl;
    UNREFERENCED_PARAMETER(ChargeQuota);

    if (Length & 0x80000000 || host_choose(2, HOST_CHOOSE_FAULT, "IoAllocateMdl"))
        return NULL;
    mdl = host_alloc(sizeof *mdl + sizeof(PFN_NUMBER) *
                                       ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length),
                     16);
    if (!mdl)
        return NULL;
    MmInitializeMdl(mdl, VirtualAddress, Length);
    mdl->Process = NULL;
    mdl->MappedSystemVa = NULL;
    vf_born(VF_MDL, mdl, Length, 0, __builtin_return_address(0));
    if (Irp) {
        PMDL *link = &Irp->MdlAddress;
        while (SecondaryBuffer && *link)
            link = &(*link)->Next;
        *link = mdl;
    }
    return mdl;
}

VOID NTAPI IoFreeMdl(PMDL Mdl)
{
    DDI_ENTER(IoFreeMdl);
    const void *caller = __builtin_return_address(0);

    if (!vf_died(VF_MDL, Mdl)) {
        vf_report(VF_STOP, "VF-MDL-12", NULL, caller,
                  "IoFreeMdl of %p, which is not from IoAllocateMdl or was freed before", Mdl);
        return;
    }
    if ((Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL)) == MDL_PAGES_LOCKED)
        vf_report(VF_ERROR, "VF-MDL-06", NULL, caller,
                  "MDL %p is freed while its pages are locked; MmUnlockPages must come first", Mdl);
    host_free(Mdl);
}

VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
    DDI_ENTER(MmBuildMdlForNonPagedPool);
    PMDL mdl = MemoryDescriptorList;

    if (mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL))
        vf_report(VF_STOP, "VF-MDL-04", NULL, __builtin_return_address(0),
                  "MmBuildMdlForNonPagedPool of MDL %p, which is locked or built already", mdl);
    mdl->Process = NULL;
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    MiFillFrames(mdl, mdl->StartVa);
}

/* ---- locking --------------------------------------------------------------------------------- */

/*
 * Touches a byte of each page. A bad one is a fault of the processor, which becomes an exception
 * that the driver's __try sees, exactly as on Windows; nothing of ours is held or half done here.
 * Not instrumented: other threads may use the bytes, and a write of what is there changes nothing.
 */
NO_POINTS __attribute__((no_sanitize("address"), no_sanitize("thread"))) static void
TouchPages(volatile UCHAR *at, volatile UCHAR *end, BOOLEAN write)
{
    while (at < end) {
        if (write)
            __asm__ volatile("lock orb $0, %0" : "+m"(*at) : : "cc");
        else
            (void)*at;
        at = (volatile UCHAR *)(((ULONG_PTR)at & ~(ULONG_PTR)(PAGE_SIZE - 1)) + PAGE_SIZE);
    }
}

void MiProbe(PVOID address, SIZE_T length, BOOLEAN write)
{
    ULONG_PTR start = (ULONG_PTR)address;

    if (length && start + length - 1 < start)
        ExRaiseStatus(STATUS_ACCESS_VIOLATION);
    TouchPages(address, (PUCHAR)address + length, write);
}

VOID NTAPI MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                               LOCK_OPERATION Operation)
{
    DDI_ENTER(MmProbeAndLockPages);
    PMDL mdl = MemoryDescriptorList;
    UNREFERENCED_PARAMETER(AccessMode);

    if (mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)) {
        vf_report(VF_STOP, "VF-MDL-04", NULL, __builtin_return_address(0),
                  "MmProbeAndLockPages of MDL %p, which is %s", mdl,
                  mdl->MdlFlags & MDL_PAGES_LOCKED              ? "locked already"
                  : mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL ? "built for nonpaged pool"
                                                                : "partial");
        return;
    }
    if (host_choose(2, HOST_CHOOSE_FAULT, "MmProbeAndLockPages"))
        ExRaiseStatus(STATUS_WORKING_SET_QUOTA);
    MiProbe(MmGetMdlVirtualAddress(mdl), mdl->ByteCount, Operation != IoReadAccess);
    mdl->Process = KiThread()->Process;
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    if (Operation != IoReadAccess)
        mdl->MdlFlags |= MDL_WRITE_OPERATION;
    MiFillFrames(mdl, mdl->StartVa);
}

VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList)
{
    DDI_ENTER(MmUnlockPages);
    PMDL mdl = MemoryDescriptorList;

    if ((mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)) !=
        MDL_PAGES_LOCKED) {
        vf_report(VF_STOP, "VF-MDL-03", NULL, __builtin_return_address(0),
                  "MmUnlockPages of MDL %p, which is %s", mdl,
                  mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL ? "built for nonpaged pool"
                  : mdl->MdlFlags & MDL_PARTIAL               ? "partial"
                                                              : "not locked");
        return;
    }
    mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION | MDL_MAPPED_TO_SYSTEM_VA);
}

/* ---- mapping --------------------------------------------------------------------------------- */

static PVOID Map(PMDL mdl, KPROCESSOR_MODE mode, const void *caller)
{
    if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL))) {
        vf_report(VF_STOP, "VF-MDL-05", NULL, caller, "MDL %p is mapped and is not locked", mdl);
        return NULL;
    }
    if (mode == KernelMode &&
        (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))) {
        vf_report(VF_STOP, "VF-MDL-05", NULL, caller, "MDL %p is mapped twice", mdl);
        return mdl->MappedSystemVa;
    }
    if (host_choose(2, HOST_CHOOSE_FAULT, "MmMapLockedPagesSpecifyCache"))
        return NULL;
    if (mode != KernelMode)
        return AddressOf(mdl);
    mdl->MappedSystemVa = AddressOf(mdl);
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (mdl->MdlFlags & MDL_PARTIAL)
        mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    return mdl->MappedSystemVa;
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                         ULONG BugCheckOnFailure, ULONG Priority)
{
    DDI_ENTER(MmMapLockedPagesSpecifyCache);
    UNREFERENCED_PARAMETER(CacheType);
    UNREFERENCED_PARAMETER(RequestedAddress);
    UNREFERENCED_PARAMETER(BugCheckOnFailure);
    UNREFERENCED_PARAMETER(Priority);
    return Map(MemoryDescriptorList, AccessMode, __builtin_return_address(0));
}

PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    DDI_ENTER(MmMapLockedPages);
    return Map(MemoryDescriptorList, AccessMode, __builtin_return_address(0));
}

VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
    DDI_ENTER(MmUnmapLockedPages);
    PMDL mdl = MemoryDescriptorList;

    if (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL || BaseAddress != AddressOf(mdl) ||
        !(mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED | MDL_PARTIAL))) {
        vf_report(VF_STOP, "VF-MDL-05", NULL, __builtin_return_address(0),
                  "MmUnmapLockedPages of MDL %p, which is not mapped at %p", mdl, BaseAddress);
        return;
    }
    mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

/* ---- parts ----------------------------------------------------------------------------------- */

VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    DDI_ENTER(IoBuildPartialMdl);
    ULONG_PTR skip = (ULONG_PTR)VirtualAddress - (ULONG_PTR)MmGetMdlVirtualAddress(SourceMdl);
    CSHORT inherited = MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE;
    ULONG length = Length ? Length : (ULONG)(SourceMdl->ByteCount - skip);
    PCHAR bytes = (PCHAR)AddressOf(SourceMdl) + skip;
    SIZE_T need =
        sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, length);

    if (skip > SourceMdl->ByteCount || length > SourceMdl->ByteCount - skip ||
        (SIZE_T)(USHORT)TargetMdl->Size < need) {
        vf_report(VF_STOP, "VF-MDL-10", NULL, __builtin_return_address(0),
                  "IoBuildPartialMdl: the part (%u bytes at %p) does not lie in MDL %p, or does "
                  "not fit into MDL %p",
                  length, VirtualAddress, SourceMdl, TargetMdl);
        return;
    }
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = length;
    TargetMdl->MdlFlags &= MDL_ALLOCATED_FIXED_SIZE;
    TargetMdl->MdlFlags |= MDL_PARTIAL | (SourceMdl->MdlFlags & inherited);
    TargetMdl->MappedSystemVa = NULL;
    if (TargetMdl->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA))
        TargetMdl->MappedSystemVa = bytes;
    MiFillFrames(TargetMdl, bytes);
}

NTSTATUS NTAPI MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes)
{
    DDI_ENTER(MmAdvanceMdl);
    PVOID start = AddressOf(Mdl);
    PCHAR va = MmGetMdlVirtualAddress(Mdl);

    if (NumberOfBytes >= Mdl->ByteCount)
        return STATUS_INVALID_PARAMETER_2;
    va += NumberOfBytes;
    Mdl->StartVa = PAGE_ALIGN(va);
    Mdl->ByteOffset = BYTE_OFFSET(va);
    Mdl->ByteCount -= NumberOfBytes;
    if (Mdl->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA))
        Mdl->MappedSystemVa = (PCHAR)Mdl->MappedSystemVa + NumberOfBytes;
    MiFillFrames(Mdl, (PCHAR)start + NumberOfBytes);
    return STATUS_SUCCESS;
}
