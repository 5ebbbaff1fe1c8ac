/*
 * sim_event.c: the world's queue of events, in the order of their time, then of their number.
 *
 * A pairing heap through links inside the events: no memory is needed to schedule one, so nothing
 * can fail. The owner of an event cancels it before its memory goes. Under the world's lock.
 */
#include "net/simp.h"

#define AT_ONCE 100000 /* events that one call runs at most */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static struct sim_event *merge(struct sim_event *a, struct sim_event *b)
{
    if (!a || !b)
        return a ? a : b;
    if (before(b, a)) {
        struct sim_event *t = a;

        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    a->child = b;
    return a;
}

/* One heap of a list of siblings: merges them in pairs, then the pairs from the last on. */
static struct sim_event *combine(struct sim_event *list)
{
    struct sim_event *pairs = NULL, *result = NULL;

    while (list) {
        struct sim_event *a = list, *b = a->next, *pair;

        list = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        pair = merge(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs) {
        struct sim_event *pair = pairs;

        pairs = pair->next;
        pair->next = NULL;
        result = merge(result, pair);
    }
    return result;
}

void sim_event_cancel(struct sim_world *w, struct sim_event *e)
{
    if (!e->queued)
        return;
    e->queued = false;
    if (e == w->events) {
        w->events = combine(e->child);
    } else {
        if (e->prev->child == e)
            e->prev->child = e->next;
        else
            e->prev->next = e->next;
        if (e->next)
            e->next->prev = e->prev;
        w->events = merge(w->events, combine(e->child));
    }
    e->child = e->next = e->prev = NULL;
}

void sim_event_at(struct sim_world *w, struct sim_event *e, int64_t at_ns,
                  void (*run)(struct sim_event *))
{
    sim_event_cancel(w, e);
    e->at_ns = at_ns;
    e->number = w->next_number++;
    e->run = run;
    e->queued = true;
    e->child = e->next = e->prev = NULL;
    w->events = merge(w->events, e);
}

struct sim_event *sim_event_pop(struct sim_world *w)
{
    struct sim_event *e = w->events;

    if (e)
        sim_event_cancel(w, e);
    return e;
}

void sim_run_due(struct sim_world *w)
{
    int64_t now = host_now();

    for (int n = 0; n < AT_ONCE && w->events && w->events->at_ns <= now; n++) {
        struct sim_event *e = sim_event_pop(w);

        e->run(e);
    }
}
