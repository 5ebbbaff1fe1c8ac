/*
 * mm.c: pages, contiguous memory, and questions about addresses.
 *
 * Called by drivers. There is one address space, which is the process's: a physical address is the
 * virtual one, and nothing is ever paged out. What drivers allocate here counts as pool for the
 * leak check and is freed as such.
 */
#include "nt/mi.h"

#include "host/host.h"

#define PAGES_TAG      'sgPM'
#define CONTIGUOUS_TAG 'tCmM'
#define LARGEST        0x80000000ull

/* Where user addresses end on Linux; drivers compare buffers of requests with it. */
ULONG_PTR MmUserProbeAddress = 0x7ffffffff000;
PVOID MmHighestUserAddress = (PVOID)0x7fffffffefff;
PVOID MmSystemRangeStart = (PVOID)0xffff800000000000;

/* ---- pages for an MDL ------------------------------------------------------------------------ */

static PMDL AllocatePages(SIZE_T size, const void *owner)
{
    SIZE_T whole = ROUND_TO_PAGES(size);
    SIZE_T bytes = sizeof(MDL) + whole / PAGE_SIZE * sizeof(PFN_NUMBER);
    PVOID pages;
    PMDL mdl;

    if (size == 0 || size > LARGEST)
        return NULL;
    pages = ExpAllocatePool(whole, PAGE_SIZE, PAGES_TAG, TRUE, owner);
    if (!pages)
        return NULL;
    mdl = ExpAllocatePool(bytes, 0, PAGES_TAG, TRUE, owner);
    if (!mdl) {
        ExpFreePool(pages, 0, "MmAllocatePagesForMdl", owner);
        return NULL;
    }
    mdl->Size = (CSHORT)bytes;
    mdl->ByteCount = (ULONG)whole;
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    MiFillFrames(mdl, pages);
    return mdl;
}

PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    DDI_ENTER(MmAllocatePagesForMdl);
    UNREFERENCED_PARAMETER(LowAddress);
    UNREFERENCED_PARAMETER(HighAddress);
    UNREFERENCED_PARAMETER(SkipBytes);
    return AllocatePages(TotalBytes, __builtin_return_address(0));
}

PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                   PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                                   MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    DDI_ENTER(MmAllocatePagesForMdlEx);
    UNREFERENCED_PARAMETER(LowAddress);
    UNREFERENCED_PARAMETER(HighAddress);
    UNREFERENCED_PARAMETER(SkipBytes);
    UNREFERENCED_PARAMETER(CacheType);
    UNREFERENCED_PARAMETER(Flags);
    return AllocatePages(TotalBytes, __builtin_return_address(0));
}

/* The MDL itself is the caller's to free, with ExFreePool. */
VOID NTAPI MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
    DDI_ENTER(MmFreePagesFromMdl);
    PMDL mdl = MemoryDescriptorList;

    ExpFreePool((PVOID)(MmGetMdlPfnArray(mdl)[0] << PAGE_SHIFT), 0, "MmFreePagesFromMdl",
                __builtin_return_address(0));
    mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
}

/* ---- contiguous and uncached memory: all memory is both or neither --------------------------- */

PVOID NTAPI MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
                                       PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    DDI_ENTER(MmAllocateContiguousMemory);
    const void *owner = __builtin_return_address(0);

    if ((ULONGLONG)HighestAcceptableAddress.QuadPart < MmUserProbeAddress)
        return NULL; /* no address of ours is that low for sure */
    return ExpAllocatePool(NumberOfBytes, PAGE_SIZE, CONTIGUOUS_TAG, FALSE, owner);
}

VOID NTAPI MmFreeContiguousMemory(PVOID BaseAddress)
{
    DDI_ENTER(MmFreeContiguousMemory);
    ExpFreePool(BaseAddress, CONTIGUOUS_TAG, "MmFreeContiguousMemory", __builtin_return_address(0));
}

PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    DDI_ENTER(MmAllocateNonCachedMemory);
    return ExpAllocatePool(NumberOfBytes, PAGE_SIZE, CONTIGUOUS_TAG, FALSE,
                           __builtin_return_address(0));
}

VOID NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    DDI_ENTER(MmFreeNonCachedMemory);
    UNREFERENCED_PARAMETER(NumberOfBytes);
    ExpFreePool(BaseAddress, CONTIGUOUS_TAG, "MmFreeNonCachedMemory", __builtin_return_address(0));
}

/* ---- addresses ------------------------------------------------------------------------------- */

PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID BaseAddress)
{
    DDI_ENTER(MmGetPhysicalAddress);
    return (PHYSICAL_ADDRESS){ .QuadPart = (LONGLONG)(ULONG_PTR)BaseAddress };
}

BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    DDI_ENTER(MmIsAddressValid);
    return host_readable(VirtualAddress);
}

static BOOLEAN IsUserRange(ULONG_PTR start, SIZE_T length)
{
    return start + length >= start && start + length <= MmUserProbeAddress;
}

/* Only looks at the numbers, as on Windows; what is there is found out by the access. */
VOID NTAPI ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    DDI_ENTER(ProbeForRead);

    if (Length == 0)
        return;
    if ((ULONG_PTR)Address & (Alignment - 1))
        ExRaiseDatatypeMisalignment();
    if (!IsUserRange((ULONG_PTR)Address, Length))
        ExRaiseAccessViolation();
}

VOID NTAPI ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    DDI_ENTER(ProbeForWrite);

    if (Length == 0)
        return;
    if ((ULONG_PTR)Address & (Alignment - 1))
        ExRaiseDatatypeMisalignment();
    if (!IsUserRange((ULONG_PTR)Address, Length))
        ExRaiseAccessViolation();
    MiProbe((PVOID)Address, Length, TRUE);
}

/* Code and data of drivers are always in memory: the section's address is all there is to keep. */
PVOID NTAPI MmLockPagableDataSection(PVOID AddressWithinSection)
{
    DDI_ENTER(MmLockPagableDataSection);
    return PAGE_ALIGN(AddressWithinSection);
}

VOID NTAPI MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    DDI_ENTER(MmUnlockPagableImageSection);
    if (!ImageSectionHandle || BYTE_OFFSET(ImageSectionHandle))
        vf_report(VF_STOP, "VF-MDL-03", NULL, __builtin_return_address(0),
                  "MmUnlockPagableImageSection of %p, which is no locked section",
                  ImageSectionHandle);
}

VOID NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    DDI_ENTER(IoGetStackLimits);
    const void *low, *high;

    host_stack_bounds(&low, &high);
    *LowLimit = (ULONG_PTR)low;
    *HighLimit = (ULONG_PTR)high;
}

PVOID NTAPI IoGetInitialStack(VOID)
{
    DDI_ENTER(IoGetInitialStack);
    const void *low, *high;

    host_stack_bounds(&low, &high);
    return (PVOID)(ULONG_PTR)high;
}
