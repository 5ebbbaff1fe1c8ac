/*
 * removelock.c: IO_REMOVE_LOCK. IoCount starts at 1 for the device itself;
 * IoReleaseRemoveLockAndWait gives that one and its caller's own back and waits for the rest. Only
 * who brings IoCount to zero touches the lock afterwards, by setting the event that the remover
 * waits for.
 *
 * The checked build's extra block (tags, limits) is accepted in size and not used: the runtime is a
 * free build.
 */
#include "nt/kip.h"

static void Drop(PIO_REMOVE_LOCK lock, const void *caller)
{
    LONG left = __atomic_sub_fetch(&lock->Common.IoCount, 1, __ATOMIC_ACQ_REL);

    if (left < 0)
        vf_report(VF_STOP, "VF-OBJ-01", NULL, caller,
                  "remove lock %p released more often than acquired", (void *)lock);
    else if (left == 0)
        KeSetEvent(&lock->Common.RemoveEvent, 0, FALSE);
}

void NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                    ULONG HighWatermark, ULONG RemlockSize)
{
    DDI_ENTER(IoInitializeRemoveLockEx);
    UNREFERENCED_PARAMETER(AllocateTag);
    UNREFERENCED_PARAMETER(MaxLockedMinutes);
    UNREFERENCED_PARAMETER(HighWatermark);
    RtlZeroMemory(Lock, RemlockSize);
    Lock->Common.IoCount = 1;
    KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                                     ULONG RemlockSize)
{
    DDI_ENTER(IoAcquireRemoveLockEx);
    UNREFERENCED_PARAMETER(Tag);
    UNREFERENCED_PARAMETER(File);
    UNREFERENCED_PARAMETER(Line);
    UNREFERENCED_PARAMETER(RemlockSize);
    __atomic_add_fetch(&RemoveLock->Common.IoCount, 1, __ATOMIC_ACQ_REL);
    if (!__atomic_load_n(&RemoveLock->Common.Removed, __ATOMIC_ACQUIRE))
        return STATUS_SUCCESS;
    Drop(RemoveLock, __builtin_return_address(0));
    return STATUS_DELETE_PENDING;
}

void NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    DDI_ENTER(IoReleaseRemoveLockEx);
    UNREFERENCED_PARAMETER(Tag);
    UNREFERENCED_PARAMETER(RemlockSize);
    Drop(RemoveLock, __builtin_return_address(0));
}

void NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    DDI_ENTER(IoReleaseRemoveLockAndWaitEx);
    UNREFERENCED_PARAMETER(Tag);
    UNREFERENCED_PARAMETER(RemlockSize);
    __atomic_store_n(&RemoveLock->Common.Removed, TRUE, __ATOMIC_SEQ_CST);
    if (__atomic_sub_fetch(&RemoveLock->Common.IoCount, 2, __ATOMIC_ACQ_REL) > 0)
        KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
