/*
 * threads.c: the threads of the simulated world: how fibers begin, end, are joined, park and are
 * unparked.
 */
#include "host/sim/sched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct host_thread *host_self(void)
{
    return &sched.running->pub;
}

/* ---- beginning and end ------------------------------------------------------------------------
 */

static void unlink_fiber(struct fiber *f)
{
    if (f->previous)
        f->previous->next = f->next;
    else
        sched.all = f->next;
    if (f->next)
        f->next->previous = f->previous;
    else
        sched.last = f->previous;
}

__attribute__((noreturn)) static void end_fiber(void)
{
    struct fiber *self = sched.running;

    sched.deeds++;
    if (self->pub.local_free)
        self->pub.local_free(self->pub.local);
    HAPPENS_BEFORE(self);
    HAPPENS_BEFORE(&sched);
    self->state = FIBER_DONE;
    for (struct fiber *f = sched.all; f; f = f->next)
        if (f->state == FIBER_JOINING && f->joins == self)
            sched_make_ready(f);
    sched.ended = self;
    if (self->detached)
        unlink_fiber(self);
    if (self->number == 0)
        sched_go_to(&fiber_outside);
    sched_wait("end of a thread");
    host_panic("a fiber that has ended goes on");
}

static void enter(void)
{
    struct fiber *self = sched.running;

    fiber_entered(sched.from);
    sched_arrive();
    HAPPENS_AFTER(self);
    self->fn(self->arg);
    end_fiber();
}

struct fiber *thread_new(void (*fn)(void *), void *arg, const char *name)
{
    struct fiber *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    snprintf(f->name, sizeof(f->name), "%s", name ? name : "thread");
    if (!fiber_prepare(f, sched.config.stack_bytes, enter)) {
        free(f);
        return NULL;
    }
    f->number = sched.fibers++;
    f->fn = fn;
    f->arg = arg;
    f->deadline_ns = HOST_FOREVER;
    f->priority = choice_priority();
    f->previous = sched.last;
    if (sched.last)
        sched.last->next = f;
    else
        sched.all = f;
    sched.last = f;
    HAPPENS_BEFORE(f);
    return f;
}

unsigned thread_drop_all(void)
{
    unsigned left = 0;

    while (sched.all) {
        struct fiber *f = sched.all;
        left += f->state != FIBER_DONE;
        unlink_fiber(f);
        fiber_release(f);
        free(f);
    }
    return left;
}

int host_thread_create(struct host_thread **t, void (*fn)(void *), void *arg, const char *name)
{
    HOST_ASSERT(sched.on);
    struct fiber *f = thread_new(fn, arg, name);

    if (!f)
        return -ENOMEM;
    *t = &f->pub;
    sched_make_ready(f);
    host_point("thread create");
    return 0;
}

void host_thread_join(struct host_thread *t)
{
    struct fiber *self = sched.running, *f = fiber_of(t);

    HOST_ASSERT(f != self && !f->detached);
    while (f->state != FIBER_DONE) {
        self->state = FIBER_JOINING;
        self->joins = f;
        sched_wait("join");
    }
    HAPPENS_AFTER(f);
    unlink_fiber(f);
    free(f);
}

void host_thread_detach(struct host_thread *t)
{
    struct fiber *f = fiber_of(t);

    HOST_ASSERT(!f->detached);
    f->detached = true;
    if (f->state != FIBER_DONE)
        return;
    unlink_fiber(f);
    free(f);
}

void host_thread_exit(void)
{
    HOST_ASSERT(sched.running != &fiber_outside && sched.running->number != 0);
    end_fiber();
}

void host_stack_bounds(const void **low, const void **high)
{
    *low = sched.running->stack;
    *high = sched.running->stack + sched.running->stack_bytes;
}

/* ---- park and unpark ------------------------------------------------------------------------- */

bool host_park(int64_t deadline_ns)
{
    struct fiber *self = sched.running;

    HOST_ASSERT(sched.on);
    sched.deeds++;
    if (!self->permit && deadline_ns > sched.now_ns) {
        self->state = FIBER_PARKED;
        self->deadline_ns = deadline_ns;
        if (deadline_ns < sched.next_deadline_ns)
            sched.next_deadline_ns = deadline_ns;
        sched_wait("park");
    } else {
        sched_point("park", NULL);
    }
    HAPPENS_AFTER(self);
    bool taken = self->permit;
    self->permit = false;
    return taken;
}

void host_unpark(struct host_thread *t)
{
    struct fiber *f = fiber_of(t);

    HAPPENS_BEFORE(f);
    f->permit = true;
    if (f->state == FIBER_PARKED)
        sched_make_ready(f);
    sched_point("unpark", NULL);
}
