/*
 * clock.c: virtual time. It moves only when nobody can run, to the earliest deadline, and by choice
 * in a call into the kernel slice; and a little for who does nothing but look at it.
 */
#include "host/sim/sched.h"

#define EPOCH_NS      INT64_C(1735689600000000000) /* 2025-01-01, the wall clock at time 0 */
#define FREE_READINGS 1000                         /* of the clock, before it moves */
#define READING_NS    100

int64_t host_sim_now(void)
{
    return sched.now_ns;
}

/* A loop that only reads the clock, until some time, would never see it. */
int64_t host_now(void)
{
    watchdog_calm();
    sched.deeds++;
    if (sched.on && ++sched.readings > FREE_READINGS)
        sched.now_ns += READING_NS;
    return sched.now_ns;
}

int64_t host_wall(void)
{
    return EPOCH_NS + host_now();
}

void clock_wake(void)
{
    while (sched.next_deadline_ns <= sched.now_ns) {
        struct fiber *first = NULL;
        int64_t next = HOST_FOREVER;
        for (struct fiber *f = sched.all; f; f = f->next) {
            if (f->state != FIBER_PARKED)
                continue;
            if (f->deadline_ns <= sched.now_ns && (!first || f->deadline_ns < first->deadline_ns)) {
                next = first && first->deadline_ns < next ? first->deadline_ns : next;
                first = f;
            } else if (f->deadline_ns < next) {
                next = f->deadline_ns;
            }
        }
        if (first)
            sched_make_ready(first);
        sched.next_deadline_ns = next;
    }
}

void clock_advance(int64_t to_ns)
{
    sched.now_ns = to_ns;
    sched.still = 0;
    if (to_ns > sched.config.time_limit_ns)
        sched_stuck("the run has reached the end of its time");
    clock_wake_due();
}

void clock_pass(int64_t ns)
{
    int64_t to_ns = sched.now_ns + ns;

    clock_advance(to_ns < sched.next_deadline_ns ? to_ns : sched.next_deadline_ns);
}
