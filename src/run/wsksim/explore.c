/*
 * explore.c: sweeps that are complete: every failing allocation or call stack, trouble at every
 * place. (Every order of threads: orders.c.)
 *
 * All of them start from the boring run, and each step is a run in a child process. Up to `jobs` of
 * them run at the same time.
 */
#include "wsksim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_JOBS 64

struct job {
    pid_t pid;
    struct outcome *out;
    struct source source;
    char what[96];
};

struct pool {
    const struct options *o;
    struct job jobs[MAX_JOBS];
    struct progress progress;
    int first_status;
    bool stopped;
};

static void pool_begin(struct pool *p, const struct options *o, const char *unit, uint64_t total)
{
    memset(p, 0, sizeof(*p));
    p->o = o;
    for (unsigned i = 0; i < o->jobs; i++) {
        p->jobs[i].out = outcome_new();
        if (!p->jobs[i].out)
            usage_error("out of memory");
    }
    progress_begin(&p->progress, unit, total);
}

static void finish(struct pool *p, struct job *j, int status)
{
    j->pid = 0;
    outcome_settle(j->out, status);
    p->progress.done++;
    if (j->out->status) {
        p->progress.failed++;
        report_failure(p->o, &j->source, j->out, j->what);
        p->first_status = p->first_status ? p->first_status : j->out->status;
        p->stopped |= !p->o->keep_going;
    }
    progress_show(&p->progress, false);
}

static void wait_for_one(struct pool *p)
{
    int status;
    pid_t pid = waitpid(-1, &status, 0);

    for (unsigned i = 0; i < p->o->jobs; i++)
        if (p->jobs[i].pid == pid && pid > 0)
            finish(p, &p->jobs[i], status);
}

/* A job that is free, which may mean to wait for one to end. */
static struct job *free_job(struct pool *p)
{
    for (;;) {
        for (unsigned i = 0; i < p->o->jobs; i++)
            if (!p->jobs[i].pid)
                return &p->jobs[i];
        wait_for_one(p);
    }
}

static void start(struct pool *p, struct job *j)
{
    j->pid = fork();
    if (j->pid < 0)
        usage_error("no more processes; see ulimit -u");
    if (j->pid)
        return;
    run_here(p->o, &j->source, SHOW_NOTHING, j->out);
    host_exit(j->out->status);
}

static bool is_busy(const struct pool *p)
{
    for (unsigned i = 0; i < p->o->jobs; i++)
        if (p->jobs[i].pid)
            return true;
    return false;
}

static int pool_end(struct pool *p)
{
    while (is_busy(p))
        wait_for_one(p);
    progress_show(&p->progress, true);
    for (unsigned i = 0; i < p->o->jobs; i++)
        outcome_free(p->jobs[i].out);
    return p->first_status;
}

struct outcome *boring_run(const struct options *o, bool name_stacks)
{
    struct source source = { .name_stacks = name_stacks };
    struct outcome *out = outcome_new();

    if (!out)
        usage_error("out of memory");
    run_apart(o, &source, SHOW_NOTHING, out);
    if (out->status) {
        report_failure(o, &source, out, "the run without any trouble");
        exit(out->status);
    }
    return out;
}

/* Does the step with this number, from 0, belong to this shard? */
static bool is_ours(const struct options *o, uint64_t number)
{
    return number % o->shards == o->shard - 1;
}

/* How many of so many steps do. */
static uint64_t count_ours(const struct options *o, uint64_t all)
{
    return all / o->shards + (all % o->shards >= o->shard);
}

/* ---- allocations ----------------------------------------------------------------------------- */

static void fail_from(struct pool *p, uint64_t at, bool on)
{
    struct job *j = free_job(p);

    j->source = (struct source){ .fail_at = at, .fail_on = on };
    snprintf(j->what, sizeof(j->what), "failing request for memory %" PRIu64 "%s", at,
             on ? " and all later ones" : "");
    start(p, j);
}

static void fail_stack(struct pool *p, unsigned number, uint64_t stack)
{
    struct job *j = free_job(p);

    j->source = (struct source){ .fail_stack = stack };
    snprintf(j->what, sizeof(j->what), "failing every request for memory of call stack %u", number);
    start(p, j);
}

int sweep_failures(const struct options *o)
{
    struct outcome *base = boring_run(o, true);
    uint64_t faults = base->result.faults;
    static struct pool p;

    pool_begin(&p, o, "failures", 2 * count_ours(o, faults) + count_ours(o, base->stack_count));
    for (uint64_t at = 1; at <= faults && !p.stopped; at++) {
        if (is_ours(o, at - 1))
            fail_from(&p, at, false);
        if (is_ours(o, at - 1) && !p.stopped)
            fail_from(&p, at, true);
    }
    for (unsigned i = 0; i < base->stack_count && !p.stopped; i++)
        if (is_ours(o, i))
            fail_stack(&p, i + 1, base->stacks[i]);
    outcome_free(base);
    return pool_end(&p);
}

/* ---- trouble at every decision --------------------------------------------------------------- */

static void make_at(struct pool *p, enum trouble trouble, uint64_t at)
{
    static const char *const texts[] = {
        [TROUBLE_CANCEL] = "cancelling everything",
        [TROUBLE_UNLOAD] = "unloading",
        [TROUBLE_FIN] = "the end of every peer's side",
        [TROUBLE_RESET] = "a reset of every peer's connections",
        [TROUBLE_LEAVE] = "the provider's leaving",
        [TROUBLE_SIGNAL] = "the event",
    };
    struct job *j = free_job(p);

    j->source = (struct source){ .trouble = trouble, .trouble_at = at };
    snprintf(j->what, sizeof(j->what), "%s at decision %" PRIu64, texts[trouble], at);
    start(p, j);
}

int sweep_cancels(const struct options *o)
{
    struct outcome *base = boring_run(o, false);
    uint64_t first = base->window + 1, last = base->points;
    unsigned kinds = 0;
    static struct pool p;

    for (enum trouble t = 0; t < TROUBLES; t++)
        kinds += base->concerns[t];
    pool_begin(&p, o, "places", kinds * count_ours(o, last + 1 - first));
    for (uint64_t at = first; at <= last && !p.stopped; at++) {
        if (!is_ours(o, at - first))
            continue;
        for (enum trouble t = 0; t < TROUBLES && !p.stopped; t++)
            if (base->concerns[t])
                make_at(&p, t, at);
    }
    outcome_free(base);
    return pool_end(&p);
}
