/*
 * shrink.c: finds a small tape with the same failure.
 *
 * Since 0 is the boring answer, shrinking is zeroing: blocks of decisions of falling size are left
 * out, as long as the same failure follows; then values are lowered, and of the last few one or two
 * are kept. Every candidate is a run in a child process, whose own record becomes the new tape, so
 * that lines which no longer meet their place vanish by themselves.
 */
#include "wsksim.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUDGET_S 30
#define FEW      16

struct work {
    const struct options *o;
    struct source source;
    char failure[256];
    struct host_tape best;
    struct outcome *trial;
    unsigned runs;
    time_t end;
};

static void copy_tape(struct host_tape *to, const struct host_tape *from)
{
    to->count = from->count;
    to->hash = from->hash;
    to->choices = from->choices;
    memcpy(to->decisions, from->decisions, from->count * sizeof(*from->decisions));
}

/* Does this tape fail in the same way? Then it is the best one so far, if it is no longer. */
static bool try_tape(struct work *w, const struct host_tape *candidate)
{
    w->source.seeded = false;
    w->source.replay = candidate;
    w->runs++;
    run_apart(w->o, &w->source, SHOW_NOTHING, w->trial);
    if (!w->trial->status || strcmp(w->trial->failure, w->failure) != 0 ||
        w->trial->tape.count > candidate->count)
        return false;
    copy_tape(&w->best, &w->trial->tape);
    return true;
}

static bool without_block(struct work *w, struct host_tape *candidate, uint64_t at, uint64_t size)
{
    uint64_t end = at + size < w->best.count ? at + size : w->best.count;

    copy_tape(candidate, &w->best);
    memmove(&candidate->decisions[at], &candidate->decisions[end],
            (candidate->count - end) * sizeof(*candidate->decisions));
    candidate->count -= end - at;
    return try_tape(w, candidate);
}

static void drop_blocks(struct work *w, struct host_tape *candidate)
{
    for (uint64_t size = w->best.count; size; size /= 2) {
        uint64_t at = 0;
        while (at < w->best.count && time(NULL) < w->end)
            if (!without_block(w, candidate, at, size))
                at += size;
    }
}

/*
 * Decisions that undo each other's effects cannot be left out one by one: tries each of the last
 * few alone, then each two of them.
 */
static bool with_two(struct work *w, struct host_tape *candidate, uint64_t i, uint64_t j)
{
    candidate->count = 0;
    candidate->decisions[candidate->count++] = w->best.decisions[i];
    if (j != i)
        candidate->decisions[candidate->count++] = w->best.decisions[j];
    return try_tape(w, candidate);
}

static void keep_few(struct work *w, struct host_tape *candidate)
{
    uint64_t n = w->best.count;

    if (n > FEW)
        return;
    for (uint64_t i = 0; i < n && n > 1; i++)
        if (with_two(w, candidate, i, i))
            return;
    for (uint64_t i = 0; i < n && n > 2; i++)
        for (uint64_t j = i + 1; j < n; j++)
            if (with_two(w, candidate, i, j))
                return;
}

static void lower_values(struct work *w, struct host_tape *candidate)
{
    for (uint64_t i = 0; i < w->best.count && time(NULL) < w->end; i++) {
        if (w->best.decisions[i].value == 1)
            continue;
        copy_tape(candidate, &w->best);
        candidate->decisions[i].value = 1;
        try_tape(w, candidate);
    }
}

static struct host_tape new_tape(void)
{
    struct host_tape t = { .room = MAX_DECISIONS };

    t.decisions = calloc(MAX_DECISIONS, sizeof(*t.decisions));
    if (!t.decisions)
        usage_error("out of memory");
    return t;
}

unsigned shrink(const struct options *o, const struct source *source, struct outcome *out)
{
    struct work w = { .o = o, .source = *source, .end = time(NULL) + BUDGET_S };
    struct host_tape candidate = new_tape();

    w.best = new_tape();
    w.trial = outcome_new();
    if (!w.trial)
        usage_error("out of memory");
    w.source.fail_at = w.source.fail_stack = 0; /* what failed is on the tape */
    w.source.trouble_visit = out->trouble_visit;
    memcpy(w.failure, out->failure, sizeof(w.failure));
    copy_tape(&w.best, &out->tape);
    copy_tape(&candidate, &out->tape);
    if (try_tape(&w, &candidate)) {
        drop_blocks(&w, &candidate);
        lower_values(&w, &candidate);
        drop_blocks(&w, &candidate);
        keep_few(&w, &candidate);
        copy_tape(&out->tape, &w.best);
    }
    free(candidate.decisions);
    free(w.best.decisions);
    outcome_free(w.trial);
    return w.runs;
}
