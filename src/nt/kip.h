/*
 * kip.h: what the dispatcher's own files (processor, irql, dpc, timer, wait, event, mutex,
 * semaphore, thread) share with each other and with nobody else.
 *
 * Dispatcher objects. One lock, KipDispatcherLock, protects wait lists, the wait state of threads,
 * timer queues and every object's state, with one exception that makes uncontended events cheap:
 * the first 8 bytes of a DISPATCHER_HEADER (type, size, SignalState) are one atomic word with the
 * flag KIP_BUSY in it. While KIP_BUSY is clear, nobody waits and nobody holds the object, and its
 * SignalState may be changed by compare-exchange without the lock. KIP_BUSY is set and cleared only
 * under the lock: it is set as long as the wait list is not empty or a lock holder works on the
 * object.
 *
 * Lifetime. A driver may free an event (leave its stack frame) as soon as a wait on it returns.
 * So whoever signals an object must not touch it after the waiter can know. Without the lock the
 * compare-exchange that signals is the only access that counts. Under the lock the clearing of
 * KIP_BUSY (KipUnlockObject) is the last access, and until then a waiter is kept away: a new one
 * sees KIP_BUSY and takes the lock, a parked one leaves its wait only when KipWake has stored
 * KIP_WAIT_RELEASED, which happens after the lock was dropped.
 */
#ifndef OPENWSK_KIP_H
#define OPENWSK_KIP_H

#include "nt/ki.h"

#define KIP_BUSY          (1ull << 31) /* the top bit of the header's fourth byte */
#define KIP_TIMER_BUCKETS 256          /* per processor; a power of two */
#define KIP_DPC_BATCH     256          /* DPCs that one lowering of the IRQL runs at most */

enum { KIP_WAIT_NONE, KIP_WAIT_WAITING, KIP_WAIT_SATISFIED, KIP_WAIT_RELEASED };

/* DISPATCHER_HEADER.Type, as Windows numbers them. */
enum {
    KIP_EVENT_NOTIFICATION = 0,
    KIP_EVENT_SYNCHRONIZATION = 1,
    KIP_MUTANT = 2,
    KIP_PROCESS = 3,
    KIP_SEMAPHORE = 5,
    KIP_THREAD = 6,
    KIP_TIMER_NOTIFICATION = 8,
    KIP_TIMER_SYNCHRONIZATION = 9
};

struct _KI_PROCESSOR {
    /* The thread at >= DISPATCH_LEVEL here, or NULL; bit 0: somebody waits for its leaving. */
    ULONG_PTR Occupant __attribute__((aligned(64)));
    ULONG Number;

    struct host_lock DpcLock __attribute__((aligned(64)));
    PKDPC DpcHead; /* linked through DpcListEntry */
    PKDPC DpcTail;
    ULONG DpcCount; /* also read without the lock */

    /* timer.c, under the dispatcher lock; the due time of the earliest timer is also read without.
     */
    LIST_ENTRY *Timers;
    LONGLONG TimerNext; /* 100 ns units of interrupt time; MAXLONGLONG: none */
    LONGLONG ClockLate; /* the loop's own: no timer expires before; 0: all may, when due */

    /* processor.c */
    struct host_thread *Loop __attribute__((aligned(64)));
    PKTHREAD LoopThread;
    LONG Sleeping; /* 1: the loop has looked at its queues and polls or is about to */
    BOOLEAN Stop;
    struct host_lock IdleLock; /* Idle, IdleNext, IdleWaiter */
    KI_IDLE Idle;
    KI_IDLE IdleNext;
    BOOLEAN IdleChange;
    struct host_thread *IdleWaiter;
};

extern KI_PROCESSOR KipProcessors[KI_MAX_PROCESSORS];
extern ULONG KipProcessorCount;
extern struct host_lock KipDispatcherLock;

/* ---- irql.c -------------------------------------------------------------------------------- */

/* Occupies a processor of `Allowed` (0: any) for the calling thread, waiting for one. */
void KipOccupy(PKTHREAD Thread, KAFFINITY Allowed);
/* The same without waiting. */
BOOLEAN KipTryOccupy(PKTHREAD Thread, KAFFINITY Allowed);

static inline KAFFINITY KipAllProcessors(void)
{
    return KipProcessorCount == 64 ? ~(KAFFINITY)0 : ((KAFFINITY)1 << KipProcessorCount) - 1;
}

/* ---- dpc.c --------------------------------------------------------------------------------- */

/* Runs at most KIP_DPC_BATCH queued DPCs of the processor that the calling thread occupies. */
void KipDrainDpcs(KI_PROCESSOR *Processor);
/* Queues without waking anybody; FALSE: it was queued already. *Target receives the processor. */
BOOLEAN KipQueueDpc(PKDPC Dpc, ULONG Hint, PVOID Argument1, PVOID Argument2, ULONG *Target);

/* ---- timer.c ------------------------------------------------------------------------------- */

BOOLEAN KipInitializeTimers(KI_PROCESSOR *Processor);
void KipExpireTimers(KI_PROCESSOR *Processor);

/* ---- wait.c -------------------------------------------------------------------------------- */

/* Threads whose wait a lock holder has satisfied; woken after the lock is dropped. */
typedef struct _KIP_WAKE {
    PKTHREAD First;
    PKTHREAD Last;
} KIP_WAKE;

static inline uint64_t *KipWord(DISPATCHER_HEADER *header)
{
    return (uint64_t *)(void *)header;
}

static inline LONG KipState(uint64_t word)
{
    return (LONG)(word >> 32);
}

/* Never a plain read: somebody may change the word without the lock. */
static inline UCHAR KipType(DISPATCHER_HEADER *header)
{
    return (UCHAR)__atomic_load_n(KipWord(header), __ATOMIC_RELAXED);
}

/* Is it an object of that type and size (bytes) that was initialised? */
static inline BOOLEAN KipIsType(DISPATCHER_HEADER *header, UCHAR type, size_t size)
{
    uint64_t word = __atomic_load_n(KipWord(header), __ATOMIC_RELAXED);
    return (word & 0xff00ff) == (type | (uint64_t)(size / 4 & 0xff) << 16);
}

/* Under the lock. */
static inline LONG KipReadState(DISPATCHER_HEADER *header)
{
    return __atomic_load_n(&header->SignalState, __ATOMIC_RELAXED);
}

static inline void KipSetState(DISPATCHER_HEADER *header, LONG state)
{
    __atomic_store_n(&header->SignalState, state, __ATOMIC_RELAXED);
}

void KipInitializeHeader(DISPATCHER_HEADER *Header, UCHAR Type, size_t Size, LONG State);
/* Under the lock: marks busy; clears the mark when nobody waits. */
void KipHold(DISPATCHER_HEADER *Header);
void KipLetGo(DISPATCHER_HEADER *Header);
void KipLockObject(DISPATCHER_HEADER *Header);
/* Drops the object, then the lock, then wakes. */
void KipUnlockObject(DISPATCHER_HEADER *Header, KIP_WAKE *Wake);
/* After SignalState of a held object has become positive: satisfies waiters in order. */
void KipSignal(DISPATCHER_HEADER *Header, KIP_WAKE *Wake);
/* Without the lock. */
void KipWake(KIP_WAKE *Wake);
/* A wait's Timeout argument as host_now() time; relative ones are counted from KipClock(). */
int64_t KipDeadline(const LARGE_INTEGER *Timeout);
/* time.c. Begins the machine's clock interrupts. */
void KipStartClock(void);
/* When the last clock interrupt was, and the first one from `at` on will be, as host_now() time. */
int64_t KipClock(void);
int64_t KipNextClock(int64_t at);
/* Keeps the thread here for that long, whatever its IRQL; 0: not at all. */
void KipKeepBusy(int64_t ns);
/* What clocks, work items and waits can be late by, in the simulated world: two clock ticks. */
#define KIP_LATE_NS 31250000

/* ---- mutex.c ------------------------------------------------------------------------------- */

/* Lets the mutexes of an ending thread go, abandoned; their number. */
ULONG KipAbandonMutants(PKTHREAD Thread);

/* ---- thread.c ------------------------------------------------------------------------------ */

/* Fills a zeroed KTHREAD in. */
void KipInitializeThread(PKTHREAD Thread, const void *Owner);
void KipSignalThread(PKTHREAD Thread);
/* How many system threads there are whose own code still runs. */
LONG KipSystemThreads(void);
/* Returns when every ended thread is joined; at shutdown. */
void KipReapThreads(void);

/* ---- random.c ------------------------------------------------------------------------------ */

/* ExUuidCreate counts from 0 again. */
void KipForgetUuids(void);

/* ---- workitem.c ---------------------------------------------------------------------------- */

NTSTATUS KipStartWorkers(void);
void KipStopWorkers(void);
/* Around every blocking of a worker thread, so that others can take over the queue. */
void KipWorkerBlocks(void);
void KipWorkerResumes(void);

#endif
