/*
 * semaphore.c: KSEMAPHORE. The count is SignalState, under the dispatcher lock; wait.c takes from
 * it.
 */
#include "nt/kip.h"

void NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    DDI_ENTER(KeInitializeSemaphore);
    KipInitializeHeader(&Semaphore->Header, KIP_SEMAPHORE, sizeof *Semaphore, Count);
    Semaphore->Limit = Limit;
}

LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              BOOLEAN Wait)
{
    DDI_ENTER(KeReleaseSemaphore);
    KIP_WAKE wake = { 0 };
    BOOLEAN exceeded;
    LONG old, sum;

    UNREFERENCED_PARAMETER(Increment);
    UNREFERENCED_PARAMETER(Wait);
    KipLockObject(&Semaphore->Header);
    old = KipReadState(&Semaphore->Header);
    exceeded =
        Adjustment <= 0 || __builtin_add_overflow(old, Adjustment, &sum) || sum > Semaphore->Limit;
    if (!exceeded) {
        KipSetState(&Semaphore->Header, sum);
        KipSignal(&Semaphore->Header, &wake);
    }
    KipUnlockObject(&Semaphore->Header, &wake);
    if (exceeded)
        ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    return old;
}

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    DDI_ENTER(KeReadStateSemaphore);
    return KipState(__atomic_load_n(KipWord(&Semaphore->Header), __ATOMIC_ACQUIRE));
}
