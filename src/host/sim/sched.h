/*
 * sched.h: the state of a run, and what the files that make up the scheduler ask of each other.
 */
#ifndef OPENWSK_HOST_SCHED_H
#define OPENWSK_HOST_SCHED_H

#include "host/sim/fiber.h"

/*
 * For the thread sanitizer a switch orders nothing: fibers are ordered by what would order threads
 * of the machine, which is said at these places. So it finds races in schedules that it is shown,
 * and a seed shows the same one again. The scheduler's own memory it is not to watch; that is not
 * compiled for it, and calls of the C library are UNWATCHED.
 */
#ifdef HOST_SIM_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#define HAPPENS_BEFORE(p) __tsan_release(p)
#define HAPPENS_AFTER(p)  __tsan_acquire(p)
/* race.c: what it has found is a failure of the run. */
void races_begin(void);
void races_tell(void);
static inline void watch(bool on)
{
    if (on) {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    } else {
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
}
#else
#define HAPPENS_BEFORE(p) (void)(p)
#define HAPPENS_AFTER(p)  (void)(p)
static inline void races_begin(void)
{
}
static inline void races_tell(void)
{
}
static inline void watch(bool on)
{
    (void)on;
}
#endif
#define UNWATCHED(call)                                                                            \
    do {                                                                                           \
        watch(false);                                                                              \
        call;                                                                                      \
        watch(true);                                                                               \
    } while (0)

/* All of it begins anew with each run, but for the queue's memory. */
struct sched {
    struct host_sim_config config;
    bool on, reporting;
    unsigned held; /* host_sim_hold() calls */
    unsigned races;
    /* threads */
    struct fiber *all, *last; /* oldest first; a fiber that ended stays until joined */
    unsigned fibers;          /* made in this run */
    /* who runs */
    struct fiber *running;
    struct fiber **ready; /* the running one is not in it */
    unsigned ready_count, ready_room;
    struct fiber *ended;              /* its stack can be taken once another one runs */
    struct fiber *from;               /* what the last switch left */
    struct fiber *urgent;             /* runs at the next point */
    uint64_t points;                  /* passed, and rounds of busy waiting */
    uint64_t switched_at, turn_until; /* in points */
    uint64_t deeds;                   /* of all fibers: see in_vain() in spin.c */
    /* time */
    int64_t now_ns, next_deadline_ns;
    unsigned readings; /* of the clock, since the last switch */
    /* busy waits */
    unsigned spins, vain_rounds;
    unsigned still;      /* rounds since time moved */
    uint64_t vain_deeds; /* when the rounds in vain began */
};
/* Hidden, so that no point has to look up where it is. */
extern __attribute__((visibility("hidden"))) struct sched sched;

static inline struct fiber *fiber_of(struct host_thread *t)
{
    return (struct fiber *)t;
}

/* ---- sched.c ---- */

/* Puts a fiber that waited, or the running one, at the end of the queue. */
void sched_make_ready(struct fiber *f);
struct fiber *sched_take_ready(unsigned position);
/* Switches to a fiber that is in no queue; returns when the caller runs again. */
void sched_go_to(struct fiber *f);
/* What runs first after any switch, on the stack of the fiber that goes on. */
void sched_arrive(void);
/* The running fiber cannot go on now: others run, until it is chosen again. */
void sched_wait(const char *site);
/*
 * Fairness is no decision: however unfair the choices are, everybody gets on. true: somebody had
 * waited for too long and had a turn.
 */
bool sched_be_fair(void);
/* A place at which others may run. `pc` is where in a driver; NULL: elsewhere. */
void sched_point(const char *site, const void *pc);

/* ---- clock.c ---- */

/* Wakes whoever's deadline has come, in the order of deadlines, then of age. */
void clock_wake(void);
static inline void clock_wake_due(void)
{
    if (sched.next_deadline_ns <= sched.now_ns)
        clock_wake();
}
void clock_advance(int64_t to_ns);
/* Time passes, that long or until something is due. */
void clock_pass(int64_t ns);

/* ---- spin.c ---- */

/* Something other than a busy wait went on: who waits busily may look again. */
void spin_look_again(void);

/* ---- threads.c ---- */

/* A fiber that is in no queue yet. NULL: no memory. */
struct fiber *thread_new(void (*fn)(void *), void *arg, const char *name);
/* Frees all; how many had not ended. */
unsigned thread_drop_all(void);

/* ---- stuck.c ---- */

/* A fiber that was switched to for its stack's sake prints it and switches back. */
void stuck_answer(void);

#endif
