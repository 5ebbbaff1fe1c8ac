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

/*
 * The thread object. It is what PETHREAD and PKTHREAD point to; drivers see it as opaque but wait
 * on it, so the dispatcher header comes first.
 */
struct _KTHREAD {
    DISPATCHER_HEADER Header; /* signalled when the thread has ended */
    struct host_thread *Host;
    KIRQL Irql;
    LONG Priority;
    ULONG CriticalRegion; /* depth of KeEnterCriticalRegion */
    ULONG GuardedRegion;
    ULONG
        UpcallDepth; /* > 0: inside a WSK callback or a completion routine that WSK runs (EVT-25) */
    ULONG CompletionDepth;   /* nested inline completions (D13) */
    KI_PROCESSOR *Processor; /* occupied while Irql >= DISPATCH_LEVEL, else NULL */
    ULONG PreferredProcessor;
    struct _EPROCESS *Process;
    HANDLE Id;
    void *Seh;         /* innermost __try frame */
    void *Wait;        /* nt/wait.c */
    const void *Owner; /* who created it (an address in the driver) */
    /* nt/ files add what they need below */
    PVOID Private[16];
};
struct _ETHREAD {
    struct _KTHREAD Tcb;
};

/* The calling thread; foreign threads (main, a test) are adopted on their first call. */
PKTHREAD KiThread(void);

/* What the loop thread of a processor does when it has nothing else to do. */
typedef struct _KI_IDLE {
    /* Waits until `deadline_ns` at the latest, or until Wake; runs what is due. At PASSIVE_LEVEL.
     */
    void (*Poll)(void *Context, int64_t deadline_ns);
    /* Ends a running or the next Poll. Any thread, any IRQL. */
    void (*Wake)(void *Context);
    void *Context;
} KI_IDLE;

/* Starts the kernel slice with `Processors` loop threads (1..KI_MAX_PROCESSORS). */
NTSTATUS KiBoot(ULONG Processors);
/* Stops the loop threads. Everything that drivers own must be gone. */
void KiShutdown(void);
ULONG KiProcessorCount(void);
/* Plugs a network into a processor (NULL: unplugs; returns after the running Poll has returned). */
void KiSetProcessorIdle(ULONG Processor, const KI_IDLE *Idle);
/* The calling thread's processor number: the occupied one, a loop thread's own, or a hint. */
ULONG KiCurrentProcessor(void);
/* true on the loop thread of a processor. */
BOOLEAN KiOnLoopThread(void);
/* Makes the processor's loop look at its queues again. */
void KiWakeProcessor(ULONG Processor);

#endif
