/*
 * fiber.h: the fibers of the simulated world, and what its parts offer to each other; private to
 * src/host/sim. The scheduler's own state is in sched.h.
 *
 * One OS thread runs all fibers, so nothing here is locked: a fiber runs until it calls in and the
 * scheduler decides to switch. `outside` stands for the OS thread's own stack.
 */
#ifndef OPENWSK_HOST_FIBER_H
#define OPENWSK_HOST_FIBER_H

#include "host/host.h"
#include "host/sim.h"

enum fiber_state {
    FIBER_READY,
    FIBER_RUNNING,
    FIBER_PARKED,  /* host_park() */
    FIBER_BLOCKED, /* waits for `lock` */
    FIBER_JOINING, /* waits for the end of `joins` */
    FIBER_DONE
};

struct fiber {
    struct host_thread pub;        /* first: the two pointers convert into each other */
    struct fiber *next, *previous; /* all fibers, oldest first */
    enum fiber_state state;
    unsigned number; /* counted from 0 in each run */
    char name[24];
    bool permit, detached;
    bool spinning; /* inside of host_spin() */
    bool waited;   /* its last switch, or what would have been one, was there */
    bool spun;     /* it has waited busily since something else went on */
    int64_t deadline_ns;
    uint64_t ready_since;       /* in points */
    uint64_t looks_at, vain_at; /* spin.c: the deeds done when a busy wait's last looks began */
    uint32_t *visits;           /* visit.c: how often it was at each place */
    unsigned visit_room;
    const struct host_lock *lock;
    struct fiber *joins;
    uint64_t held[2];  /* one bit per rank of a lock held */
    uint32_t priority; /* for the strategy that uses priorities */
    void (*fn)(void *);
    void *arg;
    /* the machine's side: fiber.c */
    void *sp;
    char *stack; /* NULL: the OS thread's own */
    size_t stack_bytes;
    void *sanitizer; /* the sanitizer's record of the fiber or its saved fake stack */
    unsigned valgrind_id;
};

extern struct fiber fiber_outside;

/* ---- fiber.c: stacks and switches ---- */

/* Gives a fiber a stack on which its first switch calls entry(). false: no memory. */
bool fiber_prepare(struct fiber *f, size_t bytes, void (*entry)(void));
/* First thing that a fiber does on its stack; `from` is what was switched away from. */
void fiber_entered(struct fiber *from);
/* Saves the running fiber in `from`, goes on in `to`. `ends`: `from` will never run again. */
void fiber_switch(struct fiber *from, struct fiber *to, bool ends);
/* Gives back what belongs to it; the stack is for the next fiber. It must not be running. */
void fiber_release(struct fiber *f);

/* ---- choice.c: decisions ---- */

void choice_begin(const struct host_sim_config *config);
void choice_end(struct host_sim_result *result);
/* Which of `n` fibers runs: the running one (if `running`) is number 0; others follow in order. */
uint32_t choice_fiber(uint32_t n, struct fiber *const *candidates, bool running, const char *site,
                      const void *pc);
/* The running fiber comes to a place; a decision that is then asked for is made there. */
void choice_visit(const char *site);
/* How long the call into the kernel slice that just began has taken, at most `most_ns`. */
int64_t choice_skew(int64_t most_ns);
/* A new fiber's priority. */
uint32_t choice_priority(void);

/* ---- visit.c: how often each fiber has come to each place ---- */

/* It has come there; how often by now? `name` lives as long as the process. */
uint32_t visit_count(struct fiber *f, const char *name);
void visit_forget(struct fiber *f);

/* ---- sched.c ---- */

struct fiber *sched_running(void);
/* The running fiber does something that could end a wait, or its own loop. */
void sched_deed(void);

/* ---- stuck.c ---- */

/* Stops the run: nothing more can happen. Says why, and what every fiber waits for. */
__attribute__((noreturn)) void sched_stuck(const char *why);

/* ---- memory.c ---- */

/* The end of a run: gives back the blocks that were freed in it, and looks whether they were used.
 */
void memory_end(void);

/* ---- watchdog.c ---- */

void watchdog_start(unsigned seconds);
void watchdog_stop(void);
/* Something of ours ran: not a loop that never calls in. */
void watchdog_calm(void);

#endif
