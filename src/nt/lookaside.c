/*
 * lookaside.c: lookaside lists of every kind.
 *
 * Called by drivers. A list is the driver's own memory and caches free blocks in its SLIST, which
 * is lock free. The older kinds allocate and free inline, in the driver (see ex.h); the exported
 * functions here make and delete lists and do everything for LOOKASIDE_LIST_EX. Depth 0 turns the
 * caching off: sanitizer builds do that, so that a stale pointer into a block is noticed.
 */
#include "nt/mi.h"

#define DEPTH 64

/*
 * GENERAL_LOOKASIDE_POOL and GENERAL_LOOKASIDE have the same fields at the same offsets; they
 * differ in alignment only.
 */
C_ASSERT(FIELD_OFFSET(GENERAL_LOOKASIDE, FreeEx) == FIELD_OFFSET(GENERAL_LOOKASIDE_POOL, FreeEx));

static void Initialize(GENERAL_LOOKASIDE_POOL *list, ULONG type, SIZE_T size, ULONG tag,
                       const void *caller)
{
    if (vf_known(VF_LOOKASIDE, list)) {
        vf_report(VF_STOP, "VF-POOL-10", NULL, caller,
                  "lookaside list %p is initialised again without having been deleted", list);
        vf_died(VF_LOOKASIDE, list);
    }
    RtlZeroMemory(list, sizeof *list);
    InitializeSListHead(&list->ListHead);
    list->Depth = MI_CACHING ? DEPTH : 0;
    list->MaximumDepth = 256;
    list->Type = (POOL_TYPE)type;
    list->Tag = tag;
    /* A free block is a list entry. */
    list->Size = (ULONG)(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
    vf_born(VF_LOOKASIDE, list, 0, tag, caller);
}

static BOOLEAN Delete(GENERAL_LOOKASIDE_POOL *list, const void *caller)
{
    if (vf_died(VF_LOOKASIDE, list))
        return TRUE;
    vf_report(VF_STOP, "VF-POOL-10", NULL, caller,
              "lookaside list %p is deleted twice or was never initialised", list);
    return FALSE;
}

/* ---- NPAGED_LOOKASIDE_LIST, PAGED_LOOKASIDE_LIST --------------------------------------------- */

static void InitializeOld(PGENERAL_LOOKASIDE list, PALLOCATE_FUNCTION allocate,
                          PFREE_FUNCTION free_block, ULONG type, SIZE_T size, ULONG tag,
                          const void *caller)
{
    Initialize((GENERAL_LOOKASIDE_POOL *)list, type, size, tag, caller);
    list->Allocate = allocate ? allocate : ExAllocatePoolWithTag;
    list->Free = free_block ? free_block : ExFreePool;
}

static void DeleteOld(PGENERAL_LOOKASIDE list, const void *caller)
{
    PSLIST_ENTRY entry, next;

    if (!Delete((GENERAL_LOOKASIDE_POOL *)list, caller))
        return;
    for (entry = InterlockedFlushSList(&list->ListHead); entry; entry = next) {
        next = entry->Next;
        list->Free(entry);
    }
}

VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
                                           PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                           ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    DDI_ENTER(ExInitializeNPagedLookasideList);
    UNREFERENCED_PARAMETER(Depth);
    InitializeOld(&Lookaside->L, Allocate, Free,
                  (ULONG)NonPagedPool | (Flags & POOL_RAISE_IF_ALLOCATION_FAILURE), Size, Tag,
                  __builtin_return_address(0));
}

VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    DDI_ENTER(ExDeleteNPagedLookasideList);
    DeleteOld(&Lookaside->L, __builtin_return_address(0));
}

VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
                                          PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                          ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    DDI_ENTER(ExInitializePagedLookasideList);
    UNREFERENCED_PARAMETER(Depth);
    InitializeOld(&Lookaside->L, Allocate, Free,
                  (ULONG)PagedPool | (Flags & POOL_RAISE_IF_ALLOCATION_FAILURE), Size, Tag,
                  __builtin_return_address(0));
}

VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    DDI_ENTER(ExDeletePagedLookasideList);
    DeleteOld(&Lookaside->L, __builtin_return_address(0));
}

/* ---- LOOKASIDE_LIST_EX ----------------------------------------------------------------------- */

NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
                                           PALLOCATE_FUNCTION_EX Allocate, PFREE_FUNCTION_EX Free,
                                           POOL_TYPE PoolType, ULONG Flags, SIZE_T Size, ULONG Tag,
                                           USHORT Depth)
{
    DDI_ENTER(ExInitializeLookasideListEx);
    ULONG both =
        EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL | EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE;
    ULONG type = (ULONG)PoolType;

    if (Flags & ~both || (Flags & both) == both)
        return STATUS_INVALID_PARAMETER_5;
    if (Size > MAXLONG)
        return STATUS_INVALID_PARAMETER_6;
    if (Depth)
        return STATUS_INVALID_PARAMETER_8;
    if (Flags & EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL)
        type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    if (Flags & EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE)
        type |= POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
    Initialize(&Lookaside->L, type, Size, Tag, __builtin_return_address(0));
    Lookaside->L.AllocateEx = Allocate;
    Lookaside->L.FreeEx = Free;
    return STATUS_SUCCESS;
}

static void FreeEx(PLOOKASIDE_LIST_EX list, PVOID block, const void *caller)
{
    if (list->L.FreeEx)
        list->L.FreeEx(block, list);
    else
        ExpFreePool(block, 0, "ExFreeToLookasideListEx", caller);
}

static void FlushEx(PLOOKASIDE_LIST_EX list, const void *caller)
{
    PSLIST_ENTRY entry, next;

    for (entry = InterlockedFlushSList(&list->L.ListHead); entry; entry = next) {
        next = entry->Next;
        FreeEx(list, entry, caller);
    }
}

VOID NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    DDI_ENTER(ExFlushLookasideListEx);
    FlushEx(Lookaside, __builtin_return_address(0));
}

VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    DDI_ENTER(ExDeleteLookasideListEx);
    if (Delete(&Lookaside->L, __builtin_return_address(0)))
        FlushEx(Lookaside, __builtin_return_address(0));
}

PVOID NTAPI ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    DDI_ENTER(ExAllocateFromLookasideListEx);
    GENERAL_LOOKASIDE_POOL *l = &Lookaside->L;
    PVOID block;

    __atomic_fetch_add(&l->TotalAllocates, 1, __ATOMIC_RELAXED);
    block = InterlockedPopEntrySList(&l->ListHead);
    if (block)
        return block;
    __atomic_fetch_add(&l->AllocateMisses, 1, __ATOMIC_RELAXED);
    if (l->AllocateEx)
        return l->AllocateEx(l->Type, l->Size, l->Tag, Lookaside);
    block = ExpAllocatePool(l->Size, 0, l->Tag, FALSE, __builtin_return_address(0));
    if (!block && ((ULONG)l->Type & POOL_RAISE_IF_ALLOCATION_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return block;
}

VOID NTAPI ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry)
{
    DDI_ENTER(ExFreeToLookasideListEx);
    GENERAL_LOOKASIDE_POOL *l = &Lookaside->L;

    __atomic_fetch_add(&l->TotalFrees, 1, __ATOMIC_RELAXED);
    if (ExQueryDepthSList(&l->ListHead) < l->Depth) {
        InterlockedPushEntrySList(&l->ListHead, Entry);
        return;
    }
    __atomic_fetch_add(&l->FreeMisses, 1, __ATOMIC_RELAXED);
    FreeEx(Lookaside, Entry, __builtin_return_address(0));
}
