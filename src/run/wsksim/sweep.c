/*
 * sweep.c: many seeds, on all processors.
 *
 * Each worker process runs one seed after the other and writes into its slot which one, so that the
 * supervisor knows what a worker that has died was at. A worker ends after a failed run, as what it
 * leaves behind could disturb the next; the supervisor starts another one behind it.
 */
#include "wsksim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_JOBS  64
#define DONE_EXIT 99 /* a worker that has run all of its seeds */
#define TICK_US   20000

struct slot {
    pid_t pid;        /* 0: none */
    uint64_t next;    /* the seed that comes next for the worker */
    uint64_t current; /* in shared memory: atomic */
    uint64_t done;    /* in shared memory: atomic; seeds that went well */
    struct outcome *out;
};

static struct slot *slots;

/* Seeds go round: worker i of n takes every n-th of this shard's. */
static uint64_t stride(const struct options *o)
{
    return (uint64_t)o->jobs * o->shards;
}

/* One line in one call: workers share the file. */
static void write_hash(const struct options *o, uint64_t seed, const struct outcome *out)
{
    char line[64];

    if (!o->hashes)
        return;
    int length =
        snprintf(line, sizeof(line), "%" PRIu64 " %016" PRIx64 "\n", seed, out->result.hash);
    if (write(fileno(o->hashes), line, (size_t)length) != length)
        usage_error("--hashes: cannot write: %s", strerror(errno));
}

/* true: it went well, and the process can have another run. */
static bool run_once(const struct options *o, const struct source *source, struct outcome *out)
{
    if (!o->apart)
        return run_here(o, source, SHOW_NOTHING, out);
    run_apart(o, source, SHOW_NOTHING, out);
    return !out->status;
}

/* Runs a seed. */
static bool run_seed(const struct options *o, uint64_t seed, struct outcome *out)
{
    struct source source = { .seeded = seed != 0, .seed = seed };

    if (!run_once(o, &source, out))
        return false;
    uint64_t hash = out->result.hash;
    if (o->twice && (!run_once(o, &source, out) || out->result.hash != hash)) {
        if (!out->status)
            snprintf(out->failure, sizeof(out->failure), "the same seed gives another run");
        return false;
    }
    write_hash(o, seed, out);
    return true;
}

static __attribute__((noreturn)) void work(const struct options *o, struct slot *s)
{
    for (uint64_t seed = s->next; seed <= o->last_seed; seed += stride(o)) {
        __atomic_store_n(&s->current, seed, __ATOMIC_RELEASE);
        if (!run_seed(o, seed, s->out))
            host_exit(s->out->status ? s->out->status : EXIT_FOUND);
        __atomic_add_fetch(&s->done, 1, __ATOMIC_RELEASE);
        if (o->last_seed - seed < stride(o))
            break;
    }
    host_exit(DONE_EXIT);
}

static void start(const struct options *o, struct slot *s)
{
    pid_t pid = fork();

    if (pid == 0)
        work(o, s);
    if (pid < 0)
        usage_error("no more processes; see ulimit -u");
    s->pid = pid;
}

static unsigned start_all(const struct options *o)
{
    unsigned running = 0;

    slots = mmap(NULL, o->jobs * sizeof(*slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    if (slots == MAP_FAILED)
        usage_error("out of memory");
    for (unsigned i = 0; i < o->jobs; i++) {
        slots[i].out = outcome_new();
        if (!slots[i].out)
            usage_error("out of memory");
        slots[i].next = o->first_seed + (o->shard - 1) + (uint64_t)i * o->shards;
        if (slots[i].next > o->last_seed)
            continue;
        start(o, &slots[i]);
        running++;
    }
    return running;
}

static struct slot *slot_of(const struct options *o, pid_t pid)
{
    for (unsigned i = 0; i < o->jobs; i++)
        if (slots[i].pid == pid)
            return &slots[i];
    return NULL;
}

static void stop_all(const struct options *o)
{
    for (unsigned i = 0; i < o->jobs; i++) {
        if (slots[i].pid <= 0)
            continue;
        kill(slots[i].pid, SIGKILL);
        waitpid(slots[i].pid, NULL, 0);
        slots[i].pid = 0;
    }
}

static uint64_t count_done(const struct options *o)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < o->jobs; i++)
        sum += __atomic_load_n(&slots[i].done, __ATOMIC_ACQUIRE);
    return sum;
}

static uint64_t seeds_of_shard(const struct options *o)
{
    uint64_t all = o->last_seed - o->first_seed + 1;

    return all / o->shards + (all % o->shards >= o->shard);
}

/* A worker has ended with a failed seed. true: go on with its next one. */
static bool take_failure(const struct options *o, struct slot *s, int status)
{
    char what[64];
    uint64_t seed = __atomic_load_n(&s->current, __ATOMIC_ACQUIRE);
    struct source source = { .seeded = seed != 0, .seed = seed };

    outcome_settle(s->out, status);
    snprintf(what, sizeof(what), "seed %" PRIu64, seed);
    if (!o->keep_going)
        stop_all(o);
    report_failure(o, &source, s->out, what);
    if (!o->keep_going || o->last_seed - seed < stride(o))
        return false;
    s->next = seed + stride(o);
    start(o, s);
    return true;
}

/* One run is not a sweep: it is shown. */
int show_run(const struct options *o, const struct source *source, const char *what)
{
    struct outcome *out = outcome_new();

    if (!out)
        usage_error("out of memory");
    run_apart(o, source, o->timeline ? SHOW_TIMELINE : SHOW_OUTPUT, out);
    if (out->status)
        report_failure(o, source, out, what);
    else
        note(&o->common, "%s: %" PRIu64 " decisions in %.6f s of virtual time, hash %016" PRIx64,
             what, out->result.choices, (double)out->result.now_ns / 1e9, out->result.hash);
    int status = out->status;
    outcome_free(out);
    return status;
}

static int one_seed(const struct options *o)
{
    struct source source = { .seeded = o->first_seed != 0, .seed = o->first_seed };
    char what[64];

    snprintf(what, sizeof(what), "seed %" PRIu64, o->first_seed);
    return show_run(o, &source, what);
}

/* What all runs together have seen. */
static int judge_coverage(const struct options *o)
{
    static struct coverage all;

    for (unsigned i = 0; i < o->jobs; i++)
        coverage_merge(&all, &slots[i].out->coverage);
    if (o->coverage)
        coverage_print(&all);
    return coverage_is_weak(o, &all) ? EXIT_FOUND : EXIT_FINE;
}

int sweep_seeds(const struct options *o)
{
    struct progress p;
    int first_status = EXIT_FINE;

    if (o->first_seed == o->last_seed && !o->hashes && !o->twice)
        return one_seed(o);
    progress_begin(&p, "seeds", seeds_of_shard(o));
    unsigned running = start_all(o);
    while (running) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        p.done = count_done(o) + p.failed;
        progress_show(&p, false);
        if (pid <= 0) {
            usleep(TICK_US);
            continue;
        }
        struct slot *s = slot_of(o, pid);
        if (!s)
            continue;
        s->pid = 0;
        running--;
        if (WIFEXITED(status) && WEXITSTATUS(status) == DONE_EXIT)
            continue;
        p.failed++;
        running += take_failure(o, s, status);
        first_status = first_status ? first_status : s->out->status;
        if (!o->keep_going)
            break;
    }
    p.done = count_done(o) + p.failed;
    progress_show(&p, true);
    return first_status ? first_status : judge_coverage(o);
}
