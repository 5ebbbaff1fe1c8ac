/*
 * handle.c: handles, which lead to objects.
 *
 * There is one process and so one table: an array under TableLock. A closed slot goes to the end of
 * a queue and is used again as late as possible, so that a stale handle is noticed. Handles look as
 * kernel handles do on Windows, whether or not OBJ_KERNEL_HANDLE was asked for.
 */
#include "nt/ob.h"

#include <string.h>

#define HANDLE_BASE     0xffffffff80000000ull
#define FIRST_SLOTS     64
#define NO_SLOT         MAXULONG
#define CURRENT_PROCESS ((HANDLE)(LONG_PTR)-1)
#define CURRENT_THREAD  ((HANDLE)(LONG_PTR)-2)

typedef struct _SLOT {
    PVOID Body; /* NULL: free */
    ULONG NextFree;
} SLOT;

static struct host_lock TableLock = HOST_LOCK_INIT(HOST_RANK_NT_OBJECT); /* all of these: */
static SLOT *Slots;
static ULONG SlotCount;
static ULONG FirstFree = NO_SLOT;
static ULONG LastFree = NO_SLOT;

static HANDLE ToHandle(ULONG slot)
{
    return (HANDLE)(HANDLE_BASE + 4 * ((ULONG_PTR)slot + 1));
}

static void PutFree(ULONG slot)
{
    Slots[slot] = (SLOT){ NULL, NO_SLOT };
    if (LastFree == NO_SLOT)
        FirstFree = slot;
    else
        Slots[LastFree].NextFree = slot;
    LastFree = slot;
}

static BOOLEAN Grow(void)
{
    ULONG count = SlotCount ? 2 * SlotCount : FIRST_SLOTS;
    SLOT *slots = host_alloc(count * sizeof *slots, 16);

    if (!slots)
        return FALSE;
    if (Slots)
        memcpy(slots, Slots, SlotCount * sizeof *slots);
    host_free(Slots);
    Slots = slots;
    for (; SlotCount < count; SlotCount++)
        PutFree(SlotCount);
    return TRUE;
}

void ObpForgetHandles(void)
{
    BOOLEAN open = FALSE;

    host_lock(&TableLock);
    for (ULONG i = 0; i < SlotCount; i++)
        open = open || Slots[i].Body;
    if (!open) {
        host_free(Slots);
        Slots = NULL;
        SlotCount = 0;
        FirstFree = LastFree = NO_SLOT;
    }
    host_unlock(&TableLock);
}

/* The slot in use; NULL when the handle is none of ours. With the lock held. */
static SLOT *FindSlot(HANDLE handle)
{
    /* The two low bits of a handle are the caller's to use. */
    ULONG64 number = (((ULONG64)(ULONG_PTR)handle & ~3ull) - HANDLE_BASE) / 4 - 1;

    if (number >= SlotCount || !Slots[number].Body)
        return NULL;
    return &Slots[number];
}

NTSTATUS ObpCreateHandle(PVOID body, POBJECT_TYPE type, PHANDLE handle, const void *owner)
{
    ULONG slot;

    if (type && ObpTypeOf(body) != type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    host_lock(&TableLock);
    if (FirstFree == NO_SLOT && !Grow()) {
        host_unlock(&TableLock);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    slot = FirstFree;
    FirstFree = Slots[slot].NextFree;
    if (FirstFree == NO_SLOT)
        LastFree = NO_SLOT;
    Slots[slot].Body = body;
    if (ObpTypeOf(body) != &ObpProcessType) {
        __atomic_add_fetch(&ObpHeader(body)->References, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&ObpHeader(body)->Handles, 1, __ATOMIC_RELAXED);
    }
    host_unlock(&TableLock);
    *handle = ToHandle(slot);
    vf_born(VF_HANDLE, *handle, 0, 0, owner);
    return STATUS_SUCCESS;
}

NTSTATUS ObpCloseHandle(HANDLE handle)
{
    PVOID body;
    SLOT *slot;
    POBJECT_TYPE type;

    if (handle == CURRENT_PROCESS || handle == CURRENT_THREAD)
        return STATUS_SUCCESS;
    host_lock(&TableLock);
    slot = FindSlot(handle);
    if (!slot) {
        host_unlock(&TableLock);
        return STATUS_INVALID_HANDLE;
    }
    /* Before the slot can be used again: the next owner's birth must come after this. */
    vf_died(VF_HANDLE, (HANDLE)((ULONG_PTR)handle & ~(ULONG_PTR)3));
    body = slot->Body;
    PutFree((ULONG)(slot - Slots));
    host_unlock(&TableLock);
    type = ObpTypeOf(body);
    if (type == &ObpProcessType)
        return STATUS_SUCCESS;
    if (__atomic_sub_fetch(&ObpHeader(body)->Handles, 1, __ATOMIC_ACQ_REL) == 0 && type->Close)
        type->Close(body);
    ObfDereferenceObject(body);
    return STATUS_SUCCESS;
}

NTSTATUS ObpReferenceHandle(HANDLE handle, POBJECT_TYPE type, PVOID *body)
{
    SLOT *slot;
    PVOID found = NULL;

    if (handle == CURRENT_THREAD) {
        found = KiThread();
        if (type && type != &ObpThreadType)
            return STATUS_OBJECT_TYPE_MISMATCH;
        ObfReferenceObject(found);
        *body = found;
        return STATUS_SUCCESS;
    }
    if (handle == CURRENT_PROCESS) {
        if (type && type != &ObpProcessType)
            return STATUS_OBJECT_TYPE_MISMATCH;
        *body = PsInitialSystemProcess;
        return STATUS_SUCCESS;
    }
    host_lock(&TableLock);
    slot = FindSlot(handle);
    if (slot) {
        found = slot->Body;
        if (type && ObpTypeOf(found) != type) {
            host_unlock(&TableLock);
            return STATUS_OBJECT_TYPE_MISMATCH;
        }
        /* The handle's own reference keeps the count above 0 as long as the lock is held. */
        if (ObpTypeOf(found) != &ObpProcessType)
            __atomic_add_fetch(&ObpHeader(found)->References, 1, __ATOMIC_RELAXED);
    }
    host_unlock(&TableLock);
    *body = found;
    return found ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

/* ---- what drivers call ----------------------------------------------------------------------- */

static NTSTATUS ByHandle(HANDLE handle, ACCESS_MASK access, POBJECT_TYPE type, PVOID *object,
                         POBJECT_HANDLE_INFORMATION information)
{
    NTSTATUS status;

    *object = NULL;
    status = ObpReferenceHandle(handle, type, object);
    if (NT_SUCCESS(status) && information)
        *information = (OBJECT_HANDLE_INFORMATION){ .GrantedAccess = access };
    return status;
}

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                         POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                         PVOID *Object,
                                         POBJECT_HANDLE_INFORMATION HandleInformation)
{
    DDI_ENTER(ObReferenceObjectByHandle);
    UNREFERENCED_PARAMETER(AccessMode);
    return ByHandle(Handle, DesiredAccess, ObjectType, Object, HandleInformation);
}

NTSTATUS NTAPI ObReferenceObjectByHandleWithTag(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                                POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                                ULONG Tag, PVOID *Object,
                                                POBJECT_HANDLE_INFORMATION HandleInformation)
{
    DDI_ENTER(ObReferenceObjectByHandleWithTag);
    UNREFERENCED_PARAMETER(AccessMode);
    UNREFERENCED_PARAMETER(Tag);
    return ByHandle(Handle, DesiredAccess, ObjectType, Object, HandleInformation);
}

NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                     PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                     POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                     PHANDLE Handle)
{
    DDI_ENTER(ObOpenObjectByPointer);
    UNREFERENCED_PARAMETER(HandleAttributes);
    UNREFERENCED_PARAMETER(PassedAccessState);
    UNREFERENCED_PARAMETER(DesiredAccess);
    UNREFERENCED_PARAMETER(AccessMode);

    *Handle = NULL;
    if (!ObpTypeOf(Object))
        return STATUS_OBJECT_TYPE_MISMATCH;
    return ObpCreateHandle(Object, ObjectType, Handle, __builtin_return_address(0));
}

static NTSTATUS Close(HANDLE handle, const void *caller)
{
    NTSTATUS status = ObpCloseHandle(handle);

    if (!NT_SUCCESS(status))
        vf_report(VF_STOP, "VF-OBJ-01", NULL, caller, "ZwClose: %p is no open handle", handle);
    return status;
}

NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    DDI_ENTER(ZwClose);
    return Close(Handle, __builtin_return_address(0));
}

NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    DDI_ENTER(ObCloseHandle);
    UNREFERENCED_PARAMETER(PreviousMode);
    return Close(Handle, __builtin_return_address(0));
}
