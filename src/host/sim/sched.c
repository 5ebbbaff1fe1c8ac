/*
 * sched.c: who runs.
 *
 * Fibers that can run stand in a queue, in the order in which they became able to. At a point (a
 * call into the kernel slice, a lock, a basic block of a driver) the running one may have to go to
 * the back of it; when it cannot go on, another one is chosen. If nobody can run and there is no
 * deadline, the run is stuck, which is said and not waited for.
 *
 * A loop that only passes points would let a run stand still without being stuck: it gives the
 * others a turn after many of them. So does a busy wait, which has rules of its own (spin.c).
 */
#include "host/sim/sched.h"

#include <stdlib.h>
#include <string.h>

#define FAIR_CHECK 1024  /* so many points and busy rounds apart, */
#define FAIR_AGE   16384 /* who could have run for so many of them has a turn */
#define FAIR_TURN  1000  /* of so many points without preemption */
#define MAX_POINTS 200000000
#define SKEW_NS    50000 /* that a call into the kernel slice takes at most */

struct fiber fiber_outside = { .name = "outside" };
__thread struct host_thread *host_current = &fiber_outside.pub;

struct fiber *sched_running(void)
{
    return sched.running;
}

unsigned host_sim_fiber(void)
{
    return sched.running->number;
}

void sched_deed(void)
{
    sched.deeds++;
}

/* ---- the queue ------------------------------------------------------------------------------- */

void sched_make_ready(struct fiber *f)
{
    if (sched.ready_count == sched.ready_room) {
        sched.ready_room = sched.ready_room ? 2 * sched.ready_room : 64;
        UNWATCHED(sched.ready = realloc(sched.ready, sched.ready_room * sizeof(*sched.ready)));
        if (!sched.ready)
            host_panic("out of memory for the queue of fibers");
    }
    f->state = FIBER_READY;
    f->ready_since = sched.points;
    f->deadline_ns = HOST_FOREVER;
    sched.ready[sched.ready_count++] = f;
}

struct fiber *sched_take_ready(unsigned position)
{
    struct fiber *f = sched.ready[position];

    sched.ready_count--;
    UNWATCHED(memmove(&sched.ready[position], &sched.ready[position + 1],
                      (sched.ready_count - position) * sizeof(*sched.ready)));
    return f;
}

/* ---- switching ------------------------------------------------------------------------------- */

void sched_arrive(void)
{
    if (sched.ended) {
        fiber_release(sched.ended);
        if (sched.ended->detached)
            UNWATCHED(free(sched.ended));
        sched.ended = NULL;
    }
    while (sched.reporting)
        stuck_answer();
}

void sched_go_to(struct fiber *f)
{
    struct fiber *from = sched.running;

    if (!from->spinning) {
        from->spun = from->waited = false;
        spin_look_again();
    }
    sched.switched_at = sched.points;
    sched.readings = 0;
    f->state = FIBER_RUNNING;
    if (f == from)
        return;
    sched.running = f;
    sched.from = from;
    host_current = &f->pub;
    fiber_switch(from, f, from->state == FIBER_DONE);
    sched_arrive();
}

void sched_wait(const char *site)
{
    watchdog_calm();
    clock_wake_due();
    while (!sched.ready_count) {
        if (sched.next_deadline_ns == HOST_FOREVER)
            sched_stuck("every thread waits, and nothing is left that could end a wait");
        clock_advance(sched.next_deadline_ns);
    }
    choice_visit(site);
    sched_go_to(sched_take_ready(choice_fiber(sched.ready_count, sched.ready, false, site, NULL)));
}

bool sched_be_fair(void)
{
    unsigned oldest = 0;

    if (sched.points % FAIR_CHECK || !sched.ready_count)
        return false;
    for (unsigned i = 1; i < sched.ready_count; i++)
        if (sched.ready[i]->ready_since < sched.ready[oldest]->ready_since)
            oldest = i;
    if (sched.points - sched.ready[oldest]->ready_since < FAIR_AGE)
        return false;
    struct fiber *next = sched_take_ready(oldest);
    sched_make_ready(sched.running);
    sched.turn_until = sched.points + FAIR_TURN;
    sched_go_to(next);
    return true;
}

static void preempt(const char *site, const void *pc)
{
    struct fiber *candidates[64];
    unsigned n = sched.ready_count < 63 ? sched.ready_count : 63;

    candidates[0] = sched.running;
    UNWATCHED(memcpy(candidates + 1, sched.ready, n * sizeof(*candidates)));
    uint32_t chosen = choice_fiber(n + 1, candidates, true, site, pc);
    if (!chosen)
        return;
    struct fiber *next = sched_take_ready(chosen - 1);
    sched_make_ready(sched.running);
    sched_go_to(next);
}

void host_sim_hold(bool on)
{
    sched.held += on ? 1 : -1u;
    watch(!on);
}

/* Runs what was asked to run next. */
static bool be_quick(void)
{
    unsigned position = 0;

    while (position < sched.ready_count && sched.ready[position] != sched.urgent)
        position++;
    sched.urgent = NULL;
    if (position == sched.ready_count)
        return false;
    struct fiber *next = sched_take_ready(position);
    sched_make_ready(sched.running);
    sched_go_to(next);
    return true;
}

void host_sim_run_next(struct host_thread *t)
{
    struct fiber *f = fiber_of(t);

    HAPPENS_BEFORE(f);
    f->permit = true;
    if (f->state == FIBER_PARKED)
        sched_make_ready(f);
    sched.urgent = f;
}

void sched_point(const char *site, const void *pc)
{
    sched.deeds++;
    if (!sched.on || sched.reporting || sched.held)
        return;
    races_tell();
    watchdog_calm();
    clock_wake_due();
    sched.points++;
    choice_visit(site);
    if (sched.urgent && be_quick())
        return;
    if (sched.ready_count) {
        if (!sched_be_fair() && sched.points > sched.turn_until)
            preempt(site, pc);
        return;
    }
    uint64_t alone = sched.points - sched.switched_at;
    if (alone > FAIR_AGE && sched.next_deadline_ns != HOST_FOREVER)
        clock_advance(sched.next_deadline_ns);
    if (alone > MAX_POINTS)
        sched_stuck("a thread runs in a loop, and nothing is left that could end it");
}

void host_point(const char *site)
{
    if (sched.config.passed && sched.on)
        sched.config.passed(sched.config.context, site);
    sched_point(site, NULL);
    if (!sched.on || sched.reporting || sched.held)
        return;
    int64_t skew = choice_skew(SKEW_NS);
    if (skew)
        clock_advance(sched.now_ns + skew);
}

void openwsk_host_point(const void *pc)
{
    if (sched.config.covered && sched.on)
        sched.config.covered(sched.config.context, pc);
    sched_point("driver", pc);
}

#ifdef OPENWSK_POINTS
/* The compiler has every basic block of nt/ and wsk/ call it. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    sched_point("library", NULL);
}
#endif
