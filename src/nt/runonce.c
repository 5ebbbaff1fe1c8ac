/*
 * runonce.c: one-time initialisation.
 *
 * The block is one word: two bits of state and, above them, the context once it is complete, or the
 * newest waiter while one thread initialises. Waiters push themselves with a compare and swap; the
 * initialising thread takes the whole list when it replaces the word, and reads a waiter's link
 * before it signals that waiter, whose memory is its stack. Nothing else is shared.
 */
#include "nt/rtlp.h"

#define STATE_MASK ((ULONG_PTR)3)

enum { StateFresh, StateRunning, StateComplete, StateAsync };

typedef struct DECLSPEC_ALIGN(16) _WAITER {
    struct _WAITER *Next;
    KEVENT Event;
} WAITER;

static ULONG_PTR Load(PRTL_RUN_ONCE RunOnce)
{
    return __atomic_load_n((ULONG_PTR *)&RunOnce->Ptr, __ATOMIC_ACQUIRE);
}

static BOOLEAN Swap(PRTL_RUN_ONCE RunOnce, ULONG_PTR *Old, ULONG_PTR New)
{
    return __atomic_compare_exchange_n((ULONG_PTR *)&RunOnce->Ptr, Old, New, FALSE,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void WakeAll(ULONG_PTR Word)
{
    WAITER *Waiter = (WAITER *)(Word & ~STATE_MASK);

    while (Waiter) {
        WAITER *Next = Waiter->Next;

        KeSetEvent(&Waiter->Event, IO_NO_INCREMENT, FALSE);
        Waiter = Next;
    }
}

/* Returns when the running initialisation has ended, or at once if the word has changed. */
static void WaitForEnd(PRTL_RUN_ONCE RunOnce, ULONG_PTR Word)
{
    WAITER Waiter;

    KeInitializeEvent(&Waiter.Event, SynchronizationEvent, FALSE);
    Waiter.Next = (WAITER *)(Word & ~STATE_MASK);
    if (Swap(RunOnce, &Word, (ULONG_PTR)&Waiter | StateRunning))
        KeWaitForSingleObject(&Waiter.Event, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS Begin(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID *Context)
{
    if ((Flags & RTL_RUN_ONCE_CHECK_ONLY) && (Flags & RTL_RUN_ONCE_ASYNC))
        return STATUS_INVALID_PARAMETER;
    for (;;) {
        ULONG_PTR Word = Load(RunOnce);

        switch (Word & STATE_MASK) {
        case StateComplete:
            if (Context)
                *Context = (PVOID)(Word & ~STATE_MASK);
            return STATUS_SUCCESS;
        case StateFresh:
            if (Flags & RTL_RUN_ONCE_CHECK_ONLY)
                return STATUS_UNSUCCESSFUL;
            if (Swap(RunOnce, &Word, Flags & RTL_RUN_ONCE_ASYNC ? StateAsync : StateRunning))
                return STATUS_PENDING;
            break;
        case StateAsync:
            if (Flags & RTL_RUN_ONCE_CHECK_ONLY)
                return STATUS_UNSUCCESSFUL;
            return Flags & RTL_RUN_ONCE_ASYNC ? STATUS_PENDING : STATUS_INVALID_PARAMETER;
        default:
            if (Flags & RTL_RUN_ONCE_CHECK_ONLY)
                return STATUS_UNSUCCESSFUL;
            if (Flags & RTL_RUN_ONCE_ASYNC)
                return STATUS_INVALID_PARAMETER;
            WaitForEnd(RunOnce, Word);
            break;
        }
    }
}

static NTSTATUS Complete(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID Context)
{
    BOOLEAN Failed = (Flags & RTL_RUN_ONCE_INIT_FAILED) != 0;
    ULONG_PTR Final = Failed ? StateFresh : (ULONG_PTR)Context | StateComplete;
    ULONG_PTR Word = Load(RunOnce);

    if (((ULONG_PTR)Context & STATE_MASK) || (Failed && Context))
        return STATUS_INVALID_PARAMETER;
    if (Flags & RTL_RUN_ONCE_ASYNC) {
        if (Failed)
            return STATUS_INVALID_PARAMETER;
        Word = StateAsync;
        return Swap(RunOnce, &Word, Final) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
    }
    do {
        if ((Word & STATE_MASK) != StateRunning)
            return STATUS_UNSUCCESSFUL;
    } while (!Swap(RunOnce, &Word, Final));
    WakeAll(Word);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlRunOnceInitialize(PRTL_RUN_ONCE RunOnce)
{
    DDI_ENTER(RtlRunOnceInitialize);
    RunOnce->Ptr = NULL;
}

NTSTATUS NTAPI RtlRunOnceBeginInitialize(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID *Context)
{
    DDI_ENTER(RtlRunOnceBeginInitialize);
    return Begin(RunOnce, Flags, Context);
}

NTSTATUS NTAPI RtlRunOnceComplete(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID Context)
{
    DDI_ENTER(RtlRunOnceComplete);
    return Complete(RunOnce, Flags, Context);
}

NTSTATUS NTAPI RtlRunOnceExecuteOnce(PRTL_RUN_ONCE RunOnce, PRTL_RUN_ONCE_INIT_FN InitFn,
                                     PVOID Parameter, PVOID *Context)
{
    DDI_ENTER(RtlRunOnceExecuteOnce);
    NTSTATUS Status;
    PVOID Value = NULL;

    Status = Begin(RunOnce, 0, Context);
    if (Status != STATUS_PENDING)
        return Status;
    if (!InitFn(RunOnce, Parameter, &Value)) {
        Complete(RunOnce, RTL_RUN_ONCE_INIT_FAILED, NULL);
        return STATUS_UNSUCCESSFUL;
    }
    if (Context)
        *Context = Value;
    return Complete(RunOnce, 0, Value);
}
