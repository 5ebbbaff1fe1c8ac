/*
 * mutex.c: KMUTEX, which Windows also calls mutant. SignalState is 1 when it is free, 0 when it is
 * owned once, and goes down with every further acquisition by its owner. All of it is under the
 * dispatcher lock; wait.c acquires.
 */
#include "nt/kip.h"

void NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    DDI_ENTER(KeInitializeMutex);
    UNREFERENCED_PARAMETER(Level);
    RtlZeroMemory(Mutex, sizeof *Mutex);
    KipInitializeHeader(&Mutex->Header, KIP_MUTANT, sizeof *Mutex, 1);
    Mutex->ApcDisable = 1;
}

/* Under the lock, mutex held. */
static void Free(PRKMUTEX mutex, PKTHREAD thread, KIP_WAKE *wake)
{
    RemoveEntryList(&mutex->MutantListEntry);
    mutex->OwnerThread = NULL;
    thread->CriticalRegion -= mutex->ApcDisable;
    KipSetState(&mutex->Header, 1);
    KipSignal(&mutex->Header, wake);
}

LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    DDI_ENTER(KeReleaseMutex);
    PKTHREAD thread = KiThread();
    KIP_WAKE wake = { 0 };
    BOOLEAN owned, abandoned;
    LONG old;

    UNREFERENCED_PARAMETER(Wait);
    KipLockObject(&Mutex->Header);
    old = KipReadState(&Mutex->Header);
    owned = Mutex->OwnerThread == thread;
    abandoned = Mutex->Abandoned != 0;
    if (owned && old == 0)
        Free(Mutex, thread, &wake);
    else if (owned)
        KipSetState(&Mutex->Header, old + 1);
    KipUnlockObject(&Mutex->Header, &wake);
    if (!owned) {
        vf_report(VF_STOP, "VF-WAIT-05", NULL, __builtin_return_address(0),
                  "mutex %p released by a thread that does not own it", (void *)Mutex);
        ExRaiseStatus(abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED);
    }
    return old;
}

LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
    DDI_ENTER(KeReadStateMutex);
    return KipState(__atomic_load_n(KipWord(&Mutex->Header), __ATOMIC_ACQUIRE));
}

ULONG KipAbandonMutants(PKTHREAD thread)
{
    KIP_WAKE wake = { 0 };
    ULONG count = 0;

    host_lock(&KipDispatcherLock);
    while (!IsListEmpty(&thread->Mutants)) {
        PRKMUTEX mutex = CONTAINING_RECORD(thread->Mutants.Flink, KMUTANT, MutantListEntry);
        KipHold(&mutex->Header);
        mutex->Abandoned = 1;
        Free(mutex, thread, &wake);
        KipLetGo(&mutex->Header);
        count++;
    }
    host_unlock(&KipDispatcherLock);
    KipWake(&wake);
    return count;
}
