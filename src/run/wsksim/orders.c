/*
 * orders.c: every order of threads with at most K decisions that are not the boring one.
 *
 * An order is the list of its decisions that are not boring: `path`. Running it tells which
 * decisions about switches there are behind the last of them; one more answer at one of them is the
 * next longer path. So the orders are a tree, which is walked depth first, and none comes twice.
 *
 * Worker processes walk it, one run after the other. What they share out are the branches at the
 * root: each takes the next one that nobody has taken. A worker that a failed run has ended is
 * replaced by one that goes on behind the order that failed.
 */
#include "wsksim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DEPTH    8 /* see --preemptions */
#define MAX_JOBS     64
#define MAX_FAILURES 64 /* that are shown */
#define MAX_CHOICES  (1u << 16)
#define DONE_EXIT    99 /* a worker that found nothing more to do */
#define TICK_US      20000

/* A decision about a switch, and what was answered. */
struct turn {
    uint64_t index;
    uint32_t n, value;
    char site[32];
};

struct order {
    unsigned count;
    struct turn turns[MAX_DEPTH];
};

/* In memory that all of the processes share. */
static struct shared {
    uint64_t branch; /* of the root, that nobody has taken yet */
    uint64_t orders;
    struct worker {
        pid_t pid;        /* the first process's */
        uint64_t branch;  /* that it walks */
        struct order now; /* which runs, or comes next */
        bool failed;      /* it goes on behind that */
    } workers[MAX_JOBS];
} * shared;

/* A worker's own. */
static struct {
    const struct options *o;
    struct worker *self;
    struct outcome *out;
    struct order path;
    unsigned taken; /* turns of the path that the run has made */
    /* The decisions behind the path. */
    struct turn *choices;
    size_t count;
} walk;

/* ---- one run ------------------------------------------------------------------------------- */

static uint32_t branch(uint32_t n, const char *site)
{
    uint64_t index = host_sim_choices();

    if (walk.taken < walk.path.count) {
        const struct turn *t = &walk.path.turns[walk.taken];
        if (index < t->index)
            return 0;
        if (index > t->index || n != t->n || strncmp(t->site, site, sizeof(t->site) - 1) != 0)
            host_panic("the run is not the same as before at decision %" PRIu64, index);
        walk.taken++;
        return t->value;
    }
    if (walk.path.count == walk.o->preemptions)
        return 0;
    if (walk.count == MAX_CHOICES)
        host_panic("the run makes too many decisions for this; see --while-threads");
    struct turn *t = &walk.choices[walk.count++];
    *t = (struct turn){ .index = index, .n = n };
    strncpy(t->site, site, sizeof(t->site) - 1);
    return 0;
}

/* Leaves the decisions behind the path in walk.choices. */
static void run_path(bool counts)
{
    struct source source = { .branch = branch };

    walk.taken = 0;
    walk.count = 0;
    walk.self->now = walk.path;
    if (!run_here(walk.o, &source, SHOW_NOTHING, walk.out) || walk.out->status)
        host_exit(walk.out->status ? walk.out->status : EXIT_FOUND);
    if (walk.taken != walk.path.count)
        host_panic("the run is not the same as before: a decision is missing");
    if (counts)
        __atomic_add_fetch(&shared->orders, 1, __ATOMIC_RELAXED);
}

/* ---- the tree ------------------------------------------------------------------------------ */

/* The decisions that the last run has left, as a list of its own. */
static struct turn *take_choices(size_t *count)
{
    struct turn *list = malloc((walk.count + 1) * sizeof(*list));

    if (!list)
        usage_error("out of memory");
    memcpy(list, walk.choices, walk.count * sizeof(*list));
    *count = walk.count;
    return list;
}

static int compare(const struct turn *a, const struct turn *b)
{
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return a->value < b->value ? -1 : a->value > b->value;
}

static void walk_below(const struct order *behind);

/* Runs the path with one more turn and all that begin with it; `behind` as for walk_below(). */
static void walk_turn(const struct turn *turn, const struct order *behind)
{
    unsigned depth = walk.path.count;
    int order = behind ? compare(turn, &behind->turns[depth]) : 1;

    if (order < 0 || (order == 0 && behind->count == depth + 1))
        return;
    walk.path.turns[walk.path.count++] = *turn;
    run_path(order > 0);
    if (walk.path.count < walk.o->preemptions)
        walk_below(order > 0 ? NULL : behind);
    walk.path.count--;
}

/* All orders that begin with the path, which has just been run. Not NULL: only those `behind`,
 * which itself begins with the path. */
static void walk_below(const struct order *behind)
{
    size_t count;
    struct turn *list = take_choices(&count);

    for (size_t i = 0; i < count; i++) {
        struct turn turn = list[i];
        for (turn.value = 1; turn.value < turn.n; turn.value++)
            walk_turn(&turn, behind);
    }
    free(list);
}

/* The branch of the root with that number. false: there are not so many. */
static bool find_branch(const struct turn *list, size_t count, uint64_t number, struct turn *turn)
{
    for (size_t i = 0; i < count; i++) {
        if (number < list[i].n - 1) {
            *turn = list[i];
            turn->value = (uint32_t)number + 1;
            return true;
        }
        number -= list[i].n - 1;
    }
    return false;
}

static __attribute__((noreturn)) void work(const struct options *o, struct worker *self)
{
    struct order behind = self->now;
    bool goes_on = self->failed;
    size_t count;
    struct turn turn;

    walk.o = o;
    walk.self = self;
    walk.out = outcome_new();
    walk.choices = calloc(MAX_CHOICES, sizeof(*walk.choices));
    if (!walk.out || !walk.choices)
        usage_error("out of memory");
    run_path(false);
    struct turn *list = take_choices(&count);
    if (!goes_on)
        self->branch = __atomic_fetch_add(&shared->branch, 1, __ATOMIC_RELAXED);
    while (find_branch(list, count, self->branch, &turn)) {
        walk_turn(&turn, goes_on ? &behind : NULL);
        goes_on = false;
        self->branch = __atomic_fetch_add(&shared->branch, 1, __ATOMIC_RELAXED);
    }
    host_exit(DONE_EXIT);
}

/* ---- the first process --------------------------------------------------------------------- */

static void start(const struct options *o, struct worker *w)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        usage_error("no more processes; see ulimit -u");
    if (pid == 0)
        work(o, w);
    w->pid = pid;
}

static void stop_all(const struct options *o)
{
    for (unsigned i = 0; i < o->jobs; i++) {
        if (shared->workers[i].pid <= 0)
            continue;
        kill(shared->workers[i].pid, SIGKILL);
        waitpid(shared->workers[i].pid, NULL, 0);
        shared->workers[i].pid = 0;
    }
}

/* What a failed worker printed died with it: the order is run once more, as a tape. */
static int repeat(const struct options *o, const struct order *order)
{
    struct host_decision decisions[MAX_DEPTH] = { 0 };
    struct host_tape tape = { .count = order->count, .room = MAX_DEPTH, .decisions = decisions };
    struct source source = { .replay = &tape };
    struct outcome *out = outcome_new();
    char what[64];

    if (!out)
        usage_error("out of memory");
    for (unsigned i = 0; i < order->count; i++) {
        decisions[i].index = order->turns[i].index;
        decisions[i].value = order->turns[i].value;
        decisions[i].kind = HOST_CHOOSE_PREEMPT;
        memcpy(decisions[i].site, order->turns[i].site, sizeof(decisions[i].site));
    }
    run_apart(o, &source, SHOW_NOTHING, out);
    snprintf(what, sizeof(what), "an order of threads with %u preemption%s", order->count,
             order->count == 1 ? "" : "s");
    if (!out->status) {
        complain("%s failed once, and not when it was repeated", what);
        out->status = EXIT_FOUND;
    }
    report_failure(o, &source, out, what);
    int status = out->status;
    outcome_free(out);
    return status;
}

/* A worker has ended. The status of the failure that it met, if any. */
static int take_end(const struct options *o, struct worker *w, int status, struct progress *p)
{
    w->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == DONE_EXIT)
        return 0;
    p->failed++;
    __atomic_add_fetch(&shared->orders, 1, __ATOMIC_RELAXED);
    if (!o->keep_going)
        stop_all(o);
    int found = repeat(o, &w->now);
    if (o->keep_going && p->failed < MAX_FAILURES) {
        w->failed = true;
        start(o, w);
    }
    return found;
}

static struct worker *ended_worker(const struct options *o, int *status)
{
    pid_t pid = waitpid(-1, status, WNOHANG);

    for (unsigned i = 0; pid > 0 && i < o->jobs; i++)
        if (shared->workers[i].pid == pid)
            return &shared->workers[i];
    return NULL;
}

static bool is_busy(const struct options *o)
{
    for (unsigned i = 0; i < o->jobs; i++)
        if (shared->workers[i].pid)
            return true;
    return false;
}

int exhaust(const struct options *o)
{
    int status, first_status = 0;
    struct progress p;

    outcome_free(boring_run(o, false));
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        usage_error("out of memory");
    shared->orders = 1;
    progress_begin(&p, "orders", 0);
    for (unsigned i = 0; i < o->jobs && o->preemptions; i++)
        start(o, &shared->workers[i]);
    while (is_busy(o)) {
        struct worker *w = ended_worker(o, &status);
        if (w) {
            int found = take_end(o, w, status, &p);
            first_status = first_status ? first_status : found;
        } else {
            usleep(TICK_US);
        }
        p.done = p.total = __atomic_load_n(&shared->orders, __ATOMIC_RELAXED);
        progress_show(&p, false);
    }
    progress_show(&p, true);
    return first_status;
}
