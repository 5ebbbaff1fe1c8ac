/*
 * spin.c: busy waits, which would let a run stand still without being stuck. Who waits busily lets
 * everybody else run first, and time moves by a little when all of them do.
 */
#include "host/sim/sched.h"

#include <string.h>

#define SPIN_NS      1000
#define MAX_SPINS    1000000 /* rounds of busy waiting without anything else happening */
#define STILL_ROUNDS 1000    /* rounds while time stood still, and then it moves by as many */
#define SPIN_TURNS   64      /* after so many, who waits busily takes turns */
#define VAIN_ROUNDS  1000    /* so many of busy waits in vain are stuck: see in_vain() */

void spin_look_again(void)
{
    for (unsigned i = 0; i < sched.ready_count; i++)
        sched.ready[i]->spun = false;
    sched.spins = 0;
}

/* How many of the others can run and do not just wait busily. They come first in the queue. */
static unsigned busy_others(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < sched.ready_count; i++) {
        struct fiber *f = sched.ready[i];
        if (f->spun)
            continue;
        UNWATCHED(memmove(&sched.ready[n + 1], &sched.ready[n], (i - n) * sizeof(*sched.ready)));
        sched.ready[n++] = f;
    }
    return n;
}

/*
 * Do all who could run wait busily in vain? A deed is whatever could end somebody's wait, or is a
 * sign of it: a point, a lock, a park or an unpark, a thread's beginning or end, a question, a look
 * at the clock. A busy wait whose loop does nothing but look at memory does no deed, so when every
 * fiber has gone round its loop since the last deed, each has seen that it cannot go on, and none
 * of them can help another: only a deadline can. A loop that could end for another reason does
 * deeds: one that looks at the clock, and any loop of a driver, which passes points.
 *
 * Two gaps are covered by the number of rounds, in which everybody has many turns: a fiber that
 * left its loop, wrote and began to wait again without a deed (the routines that drivers call do
 * one on entry), and a loop that counts how often it has waited (KipOccupy, to 40).
 */
static bool in_vain(void)
{
    if (sched.running->vain_at != sched.deeds)
        return false;
    for (unsigned i = 0; i < sched.ready_count; i++)
        if (!sched.ready[i]->spun || sched.ready[i]->vain_at != sched.deeds)
            return false;
    return true;
}

/* Everybody waits busily: time passes, a little or until something is due. */
static void let_time_pass(void)
{
    sched.vain_rounds = in_vain() && sched.vain_deeds == sched.deeds ? sched.vain_rounds + 1 : 0;
    sched.vain_deeds = sched.deeds;
    bool vain = sched.vain_rounds > VAIN_ROUNDS;
    if (++sched.spins > MAX_SPINS || (vain && sched.next_deadline_ns == HOST_FOREVER))
        sched_stuck("threads wait busily for each other, and for nothing else");
    if (vain)
        clock_advance(sched.next_deadline_ns);
    else
        clock_pass(SPIN_NS);
}

static void spin(struct fiber *self, const char *site)
{
    uint32_t position = 0;

    clock_wake_due();
    sched.points++;
    /* Who polls and is preempted while it does never waits at the same time as all others. */
    if (++sched.still > STILL_ROUNDS)
        clock_pass(STILL_ROUNDS * SPIN_NS);
    if (sched_be_fair())
        return;
    unsigned others = busy_others();
    bool idle = !others;
    if (idle) {
        let_time_pass();
        others = sched.ready_count;
    }
    if (!others)
        return;
    choice_visit(site);
    if (!idle || sched.spins <= SPIN_TURNS)
        position = choice_fiber(others, sched.ready, false, site, NULL);
    struct fiber *next = sched_take_ready(position);
    sched_make_ready(self);
    sched_go_to(next);
}

void host_spin(unsigned *rounds, const char *site)
{
    struct fiber *self = sched.running;

    (*rounds)++;
    if (!sched.on || sched.reporting)
        return;
    watchdog_calm();
    if (!self->waited)
        spin_look_again();
    self->vain_at = self->looks_at;
    self->spun = self->waited = self->spinning = true;
    spin(self, site);
    self->spinning = false;
    self->looks_at = sched.deeds;
}
