/*
 * pool.c: paged and nonpaged pool.
 *
 * Called by drivers. Every block is an allocation of the host's own, without a header of ours, so
 * that the sanitizers see its true bounds; what is known about it (tag, size, owner) is in the
 * verifier's table of live objects. No memory is ever paged out: the kinds differ only in the IRQL
 * at which they may be allocated. No lock is held here.
 */
#include "nt/mi.h"

#include <string.h>

#define LARGEST_BLOCK (1ull << 34)
#define TAG_NONE      'enoN'
#define KIND_MASK     PagedPool /* POOL_TYPE: the bit that tells paged from nonpaged */

PVOID ExpAllocatePool(SIZE_T size, SIZE_T align, ULONG tag, BOOLEAN zero, const void *owner)
{
    PVOID block;

    if (size > LARGEST_BLOCK || host_choose(2, HOST_CHOOSE_FAULT, "ExAllocatePool"))
        return NULL;
    if (!align)
        align = size >= PAGE_SIZE ? PAGE_SIZE : MEMORY_ALLOCATION_ALIGNMENT;
    if (zero && align <= MEMORY_ALLOCATION_ALIGNMENT) {
        block = host_zalloc(size);
    } else {
        block = host_alloc(size, align);
        if (block && zero)
            memset(block, 0, size);
    }
    if (block)
        vf_born(VF_POOL, block, size, tag, owner);
    return block;
}

static void TagText(ULONG tag, CHAR text[5])
{
    for (ULONG i = 0; i < 4; i++) {
        UCHAR c = (UCHAR)(tag >> 8 * i);
        text[i] = c >= ' ' && c < 0x7f ? (CHAR)c : '.';
    }
    text[4] = 0;
}

void ExpFreePool(PVOID block, ULONG tag, PCSTR function, const void *caller)
{
    ULONG born_with = tag;

    if (!block || !vf_take(VF_POOL, block, &born_with)) {
        if (vf_known(VF_IRP, block))
            vf_report(VF_STOP, "VF-IRP-07", "WSK-IRP-11", caller, "%s of %p, which is an IRP",
                      function, block);
        else
            vf_report(VF_STOP, "VF-POOL-03", NULL, caller,
                      "%s of %p, which is no block of pool or was freed before", function, block);
        return;
    }
    if (tag && tag != born_with) {
        CHAR given[5], right[5];
        TagText(tag, given);
        TagText(born_with, right);
        vf_report(VF_STOP, "VF-POOL-04", NULL, caller,
                  "%s of %p with tag '%s'; it was allocated with tag '%s'", function, block, given,
                  right);
    }
    host_free(block);
}

static void CheckArguments(BOOLEAN paged, SIZE_T size, ULONG tag, const void *caller)
{
    if (paged && KiThread()->Irql > APC_LEVEL)
        vf_report(VF_STOP, "VF-POOL-06", NULL, caller, "paged pool is allocated at IRQL %u",
                  KiThread()->Irql);
    if (size == 0)
        vf_report(VF_STOP, "VF-POOL-05", NULL, caller, "pool of 0 bytes is allocated");
    if (tag == 0)
        vf_report(VF_STOP, "VF-POOL-04", NULL, caller, "pool is allocated with tag 0");
}

/* ---- by POOL_TYPE ---------------------------------------------------------------------------- */

static PVOID AllocateByType(ULONG type, SIZE_T size, ULONG tag, const void *caller)
{
    SIZE_T align = (type & NonPagedPoolCacheAligned) && size < PAGE_SIZE ? 64 : 0;
    PVOID block;

    CheckArguments((type & KIND_MASK) != 0, size, tag, caller);
    block = ExpAllocatePool(size, align, tag, (type & POOL_ZERO_ALLOCATION) != 0, caller);
    if (!block && (type & POOL_RAISE_IF_ALLOCATION_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return block;
}

/* Quotas are not counted, but without memory these raise unless told not to. */
static PVOID AllocateQuota(ULONG type, SIZE_T size, ULONG tag, const void *caller)
{
    ULONG plain = type & ~(ULONG)POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;

    if (type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE)
        return AllocateByType(plain, size, tag, caller);
    return AllocateByType(plain | POOL_RAISE_IF_ALLOCATION_FAILURE, size, tag, caller);
}

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    DDI_ENTER(ExAllocatePool);
    return AllocateByType(PoolType, NumberOfBytes, TAG_NONE, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    DDI_ENTER(ExAllocatePoolWithTag);
    return AllocateByType(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                          EX_POOL_PRIORITY Priority)
{
    DDI_ENTER(ExAllocatePoolWithTagPriority);
    UNREFERENCED_PARAMETER(Priority);
    return AllocateByType(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    DDI_ENTER(ExAllocatePoolWithQuota);
    return AllocateQuota(PoolType, NumberOfBytes, TAG_NONE, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    DDI_ENTER(ExAllocatePoolWithQuotaTag);
    return AllocateQuota(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

/* ---- by POOL_FLAGS --------------------------------------------------------------------------- */

#define KIND_FLAGS (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED)
#define KNOWN_FLAGS                                                                                \
    (KIND_FLAGS | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_SESSION |              \
     POOL_FLAG_CACHE_ALIGNED | POOL_FLAG_RAISE_ON_FAILURE)
/* Whoever does not know a flag of the upper half ignores it; the lower half is required. */
#define REQUIRED_FLAGS 0xffffffffull

static PVOID AllocateByFlags(POOL_FLAGS flags, SIZE_T size, ULONG tag, const void *caller)
{
    POOL_FLAGS kind = flags & KIND_FLAGS;
    SIZE_T align = (flags & POOL_FLAG_CACHE_ALIGNED) && size < PAGE_SIZE ? 64 : 0;
    PVOID block = NULL;

    CheckArguments((flags & POOL_FLAG_PAGED) != 0, size, tag, caller);
    if (RTL_IS_POWER_OF_TWO(kind) && !(flags & REQUIRED_FLAGS & ~KNOWN_FLAGS))
        block = ExpAllocatePool(size, align, tag, !(flags & POOL_FLAG_UNINITIALIZED), caller);
    if (!block && (flags & POOL_FLAG_RAISE_ON_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return block;
}

PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    DDI_ENTER(ExAllocatePool2);
    return AllocateByFlags(Flags, NumberOfBytes, Tag, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                            PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                            ULONG ExtendedParametersCount)
{
    DDI_ENTER(ExAllocatePool3);

    for (ULONG i = 0; i < ExtendedParametersCount; i++) {
        ULONG64 type = ExtendedParameters[i].Type;
        /* Priority and node are hints; there is no secure pool. */
        if (type != PoolExtendedParameterPriority && type != PoolExtendedParameterNumaNode &&
            !ExtendedParameters[i].Optional) {
            if (Flags & POOL_FLAG_RAISE_ON_FAILURE)
                ExRaiseStatus(STATUS_INVALID_PARAMETER);
            return NULL;
        }
    }
    return AllocateByFlags(Flags, NumberOfBytes, Tag, __builtin_return_address(0));
}

/* ---- free ------------------------------------------------------------------------------------ */

VOID NTAPI ExFreePool(PVOID P)
{
    DDI_ENTER(ExFreePool);
    ExpFreePool(P, 0, "ExFreePool", __builtin_return_address(0));
}

VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    DDI_ENTER(ExFreePoolWithTag);
    ExpFreePool(P, Tag, "ExFreePoolWithTag", __builtin_return_address(0));
}

VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                       ULONG ExtendedParametersCount)
{
    DDI_ENTER(ExFreePool2);
    UNREFERENCED_PARAMETER(ExtendedParameters);
    UNREFERENCED_PARAMETER(ExtendedParametersCount);
    ExpFreePool(P, Tag, "ExFreePool2", __builtin_return_address(0));
}
