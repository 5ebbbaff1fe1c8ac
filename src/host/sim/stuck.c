/*
 * stuck.c: the end of a run that cannot go on: says why, and what every fiber waits for and where.
 *
 * A stack can only be read by who stands on it, so each fiber is switched to, prints its own, and
 * switches back.
 */
#include "host/sim/sched.h"

#define REPORT_FRAMES 24

static struct fiber *asker; /* who prints the report */

static void describe(const struct fiber *f)
{
    char text[512];

    host_printf("  thread %u (%s): ", f->number, f->name);
    if (f->state == FIBER_BLOCKED)
        host_printf("waits for a lock of rank %u of thread %u", f->lock->rank,
                    f->lock->owner ? fiber_of(f->lock->owner)->number : 0);
    else if (f->state == FIBER_JOINING)
        host_printf("waits for the end of thread %u", f->joins->number);
    else if (f->state == FIBER_PARKED)
        host_printf("waits");
    else
        host_printf("runs");
    if (f->pub.local && sched.config.describe &&
        sched.config.describe(f->pub.local, text, sizeof(text)))
        host_printf(" %s", text);
    host_printf("\n");
}

static void print_stack(void)
{
    void *frames[REPORT_FRAMES];
    char where[256];
    int n = host_backtrace(frames, REPORT_FRAMES);

    for (int i = 0; i < n; i++) {
        host_symbolize(frames[i], where, sizeof(where));
        host_printf("      %s\n", where);
    }
}

void stuck_answer(void)
{
    struct fiber *self = sched.running;

    describe(self);
    print_stack();
    sched.running = asker;
    host_current = &asker->pub;
    sched.from = self;
    fiber_switch(self, asker, false);
}

static void ask(struct fiber *f)
{
    struct fiber *self = sched.running;

    if (f == self) {
        describe(f);
        print_stack();
        return;
    }
    asker = self;
    sched.running = f;
    sched.from = self;
    host_current = &f->pub;
    fiber_switch(self, f, false);
}

void sched_stuck(const char *why)
{
    host_note_failure("stuck: %s", why);
    host_printf("openwsk: the simulated run is stuck at %lld.%09lld s: %s\n",
                (long long)(sched.now_ns / 1000000000), (long long)(sched.now_ns % 1000000000),
                why);
    if (!sched.reporting) {
        sched.reporting = true;
        for (struct fiber *f = sched.all; f; f = f->next)
            if (f->state != FIBER_DONE && (f == sched.running || f->sp))
                ask(f);
    }
    if (sched.config.stuck)
        sched.config.stuck(sched.config.context, why);
    host_exit(4);
}
