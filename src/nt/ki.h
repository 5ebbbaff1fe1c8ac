/*
 * ki.h: what the files of nt/ share, and what wsk/ and run/ may use of it.
 *
 * The current thread, its IRQL and the virtual processor that it occupies. A virtual processor is
 * one loop thread that expires timers, drains DPCs and polls a network; wsk/ plugs the network in
 * with KiSetProcessorIdle(), because nt/ must not know it.
 */
#ifndef OPENWSK_KI_H
#define OPENWSK_KI_H

#include <ntddk.h>

#include "ddi/ddi.h"
#include "host/host.h"
#include "verify/vf.h"

#define KI_MAX_PROCESSORS 64

typedef struct _KI_PROCESSOR KI_PROCESSOR;
typedef struct _KTHREAD KTHREAD;

/*
 * The thread object. It is what PETHREAD and PKTHREAD point to; drivers see it as opaque but wait
 * on it, so the dispatcher header comes first. Only the thread itself touches its fields, except
 * where a field says otherwise. Aligned so that lock words can keep flags in a pointer to it.
 */
struct _KTHREAD {
    DISPATCHER_HEADER Header __attribute__((aligned(16))); /* signalled when the thread has ended */
    struct host_thread *Host;
    KIRQL Irql;
    BOOLEAN SystemThread; /* from PsCreateSystemThread or a loop; FALSE: an adopted thread */
    BOOLEAN Worker;       /* workitem.c counts it while it blocks */
    LONG Priority;
    ULONG CriticalRegion; /* depth of KeEnterCriticalRegion; mutexes count here, too */
    ULONG GuardedRegion;
    ULONG UpcallDepth;       /* > 0: inside a WSK callback or a completion routine (EVT-25) */
    ULONG CompletionDepth;   /* nested inline completions (D13) */
    ULONG SpinLocks;         /* spin locks held */
    KI_PROCESSOR *Processor; /* occupied while Irql >= DISPATCH_LEVEL, else NULL */
    KI_PROCESSOR *Home;      /* a loop thread's own processor, else NULL */
    ULONG PreferredProcessor;
    KAFFINITY Affinity; /* 0: any processor */
    struct _EPROCESS *Process;
    HANDLE Id;
    void *Seh;         /* innermost __try frame */
    PIRP TopLevelIrp;  /* IoSetTopLevelIrp's */
    const void *Owner; /* who created it (an address in the driver) */

    /* wait.c: the running wait; under the dispatcher lock, WaitState also read without it */
    LONG WaitState;
    NTSTATUS WaitStatus;
    ULONG WaitCount;
    WAIT_TYPE WaitType;
    PKWAIT_BLOCK WaitBlocks;
    PKTHREAD WakeNext;
    LIST_ENTRY Mutants; /* owned mutexes; under the dispatcher lock */

    /* thread.c */
    PKSTART_ROUTINE StartRoutine;
    PVOID StartContext;
    NTSTATUS ExitStatus;
    BOOLEAN Terminating;
    PKTHREAD ReapNext;
};
struct _ETHREAD {
    struct _KTHREAD Tcb;
};

/* The process object: there is one, the system process. */
struct _KPROCESS {
    DISPATCHER_HEADER Header;
};
struct _EPROCESS {
    struct _KPROCESS Pcb;
    HANDLE Id;
};

/* Gives a thread that the kernel slice meets for the first time (main, a test) its KTHREAD. */
PKTHREAD KiAdoptThread(void);

/* The calling thread. */
static inline PKTHREAD KiThread(void)
{
    struct host_thread *h = host_current;
    return __builtin_expect(h && h->local, 1) ? (PKTHREAD)h->local : KiAdoptThread();
}

/* What the loop thread of a processor does when it has nothing else to do. */
typedef struct _KI_IDLE {
    /* Waits until `deadline_ns` at the latest, or until Wake; runs what is due. At PASSIVE_LEVEL.
     */
    void (*Poll)(void *Context, int64_t deadline_ns);
    /* Ends a running or the next Poll. Any thread, any IRQL; takes no lock below HOST_RANK_NET_EP.
     */
    void (*Wake)(void *Context);
    void *Context;
} KI_IDLE;

/*
 * Has the numbers of threads and the like begin as in a new process, so that a run does not depend
 * on those before it. Before KiBoot(), and only if no thread is known from earlier.
 */
void KiForgetNumbers(void);
/* Starts the kernel slice with `Processors` loop threads (1..KI_MAX_PROCESSORS). */
NTSTATUS KiBoot(ULONG Processors);
/* Stops the loop threads. Everything that drivers own must be gone. */
void KiShutdown(void);
ULONG KiProcessorCount(void);
/*
 * Plugs a network into a processor (NULL: unplugs; returns after the running Poll has returned).
 * On the loop thread itself it takes effect after the running Poll.
 */
void KiSetProcessorIdle(ULONG Processor, const KI_IDLE *Idle);
/* The calling thread's processor number: the occupied one, a loop thread's own, or a hint. */
ULONG KiCurrentProcessor(void);
/* true on the loop thread of a processor. */
BOOLEAN KiOnLoopThread(void);
/* Makes the processor's loop look at its queues again. */
void KiWakeProcessor(ULONG Processor);

/* Raising and lowering without the checks that a driver's call gets. Never under a host lock. */
KIRQL KiRaiseIrql(KIRQL NewIrql);
void KiLowerIrql(KIRQL NewIrql);

/*
 * Around every call into a driver: what must be the same after it. Leave reports VF-IRQL-04,
 * VF-IRQL-07 or VF-LOCK-06 and puts the IRQL right. Enter panics when we hold a lock.
 */
typedef struct _KI_UPCALL {
    KIRQL Irql;
    ULONG CriticalRegion;
    ULONG GuardedRegion;
    ULONG SpinLocks;
} KI_UPCALL;
void KiReportUpcall(const KI_UPCALL *Before, const char *What, const void *Routine);

static inline KI_UPCALL KiEnterUpcall(void)
{
    PKTHREAD thread = KiThread();
    host_assert_unlocked();
    return (KI_UPCALL){ thread->Irql, thread->CriticalRegion, thread->GuardedRegion,
                        thread->SpinLocks };
}

static inline void KiLeaveUpcall(const KI_UPCALL *before, const char *what, const void *routine)
{
    PKTHREAD thread = KiThread();
    if (__builtin_expect(thread->Irql != before->Irql ||
                             thread->CriticalRegion != before->CriticalRegion ||
                             thread->GuardedRegion != before->GuardedRegion ||
                             thread->SpinLocks != before->SpinLocks,
                         0))
        KiReportUpcall(before, what, routine);
}

#endif
