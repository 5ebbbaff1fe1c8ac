/*
 * sched.c: host.h for the simulated world: threads are fibers, time is virtual.
 *
 * Fibers that can run stand in a queue, in the order in which they became able to. At a point (a
 * call into the kernel slice, a lock, a basic block of a driver) the running one may have to go to
 * the back of it; when it cannot go on, another one is chosen. Time moves only when nobody can run:
 * to the earliest deadline; and, by choice, in a call into the kernel slice, as calls take time. If
 * nobody can run and there is no deadline, the run is stuck, which is said and not waited for.
 *
 * Two things would let a run stand still without being stuck, and have rules of their own. A busy
 * wait (host_spin) lets everybody else run first, and moves time by a little when all of them wait
 * busily. A loop that only passes points gives the others a turn after many of them.
 */
#include "host/reserve.h"
#include "host/sim/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_NS      INT64_C(1000000000)
#define EPOCH_NS      INT64_C(1735689600000000000) /* 2025-01-01, the wall clock at time 0 */
#define DAY_NS        INT64_C(86400000000000)
#define SPIN_NS       1000
#define MAX_SPINS     1000000 /* rounds of busy waiting without anything else happening */
#define STILL_ROUNDS  1000    /* rounds while time stood still, and then it moves by as many */
#define SPIN_TURNS    64      /* after so many, who waits busily takes turns */
#define VAIN_ROUNDS   1000    /* so many of busy waits in vain are stuck: see in_vain() */
#define FAIR_CHECK    1024    /* so many points and busy rounds apart, */
#define FAIR_AGE      16384   /* who could have run for so many of them has a turn */
#define FAIR_TURN     1000    /* of so many points without preemption */
#define MAX_POINTS    200000000
#define FREE_READINGS 1000 /* of the clock, before it moves */
#define READING_NS    100
#define DEFAULT_STACK (256 << 10)
#define REPORT_FRAMES 24
#define SKEW_NS       50000 /* that a call into the kernel slice takes at most */

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define HAPPENS_BEFORE(p) __tsan_release(p)
#define HAPPENS_AFTER(p)  __tsan_acquire(p)
#else
#define HAPPENS_BEFORE(p) (void)(p)
#define HAPPENS_AFTER(p)  (void)(p)
#endif

struct fiber fiber_outside = { .name = "outside" };
__thread struct host_thread *host_current = &fiber_outside.pub;

static struct {
    struct host_sim_config config;
    struct fiber *all, *last; /* oldest first; a fiber that ended stays until joined */
    struct fiber *running;
    struct fiber **ready; /* the running one is not in it */
    unsigned ready_count, ready_room;
    struct fiber *ended; /* its stack can be taken once another one runs */
    struct fiber *from;  /* what the last switch left */
    int64_t now_ns, next_deadline_ns;
    struct fiber *urgent; /* runs at the next point */
    unsigned fibers, spins, vain_rounds, still, readings;
    uint64_t deeds, vain_deeds; /* of all fibers: see in_vain(); when the rounds in vain began */
    uint64_t points;            /* passed, and rounds of busy waiting */
    uint64_t switched_at, turn_until; /* in points */
    bool on, reporting;
    unsigned held; /* host_sim_hold() calls */
} sim = { .running = &fiber_outside };

static struct fiber *fiber_of(struct host_thread *t)
{
    return (struct fiber *)t;
}

struct fiber *sched_running(void)
{
    return sim.running;
}

bool host_sim_running(void)
{
    return sim.on;
}

unsigned host_sim_fiber(void)
{
    return sim.running->number;
}

int64_t host_sim_now(void)
{
    return sim.now_ns;
}

struct host_thread *host_self(void)
{
    return &sim.running->pub;
}

/* ---- clock ----------------------------------------------------------------------------------- */

int64_t sched_now(void)
{
    return sim.now_ns;
}

void sched_deed(void)
{
    sim.deeds++;
}

/* A loop that only reads the clock, until some time, would never see it. */
int64_t host_now(void)
{
    watchdog_calm();
    sim.deeds++;
    if (sim.on && ++sim.readings > FREE_READINGS)
        sim.now_ns += READING_NS;
    return sim.now_ns;
}

int64_t host_wall(void)
{
    return EPOCH_NS + host_now();
}

/* ---- who can run ----------------------------------------------------------------------------- */

static void make_ready(struct fiber *f)
{
    if (sim.ready_count == sim.ready_room) {
        sim.ready_room = sim.ready_room ? 2 * sim.ready_room : 64;
        sim.ready = realloc(sim.ready, sim.ready_room * sizeof(*sim.ready));
        if (!sim.ready)
            host_panic("out of memory for the queue of fibers");
    }
    f->state = FIBER_READY;
    f->ready_since = sim.points;
    f->deadline_ns = HOST_FOREVER;
    sim.ready[sim.ready_count++] = f;
}

static struct fiber *take_ready(unsigned position)
{
    struct fiber *f = sim.ready[position];

    sim.ready_count--;
    memmove(&sim.ready[position], &sim.ready[position + 1],
            (sim.ready_count - position) * sizeof(*sim.ready));
    return f;
}

/* Wakes whoever's deadline has come, in the order of deadlines, then of age. */
static void wake_due(void)
{
    while (sim.next_deadline_ns <= sim.now_ns) {
        struct fiber *first = NULL;
        int64_t next = HOST_FOREVER;
        for (struct fiber *f = sim.all; f; f = f->next) {
            if (f->state != FIBER_PARKED)
                continue;
            if (f->deadline_ns <= sim.now_ns && (!first || f->deadline_ns < first->deadline_ns)) {
                next = first && first->deadline_ns < next ? first->deadline_ns : next;
                first = f;
            } else if (f->deadline_ns < next) {
                next = f->deadline_ns;
            }
        }
        if (first)
            make_ready(first);
        sim.next_deadline_ns = next;
    }
}

static void advance(int64_t to_ns)
{
    sim.now_ns = to_ns;
    sim.still = 0;
    if (to_ns > sim.config.time_limit_ns)
        sched_stuck("the run has reached the end of its time");
    wake_due();
}

/* ---- switching ------------------------------------------------------------------------------- */

static void report_myself(void);

/* What runs first after any switch, on the stack of the fiber that goes on. */
static void arrive(void)
{
    if (sim.ended) {
        fiber_release(sim.ended);
        if (sim.ended->detached) {
            free(sim.ended);
        }
        sim.ended = NULL;
    }
    while (sim.reporting)
        report_myself();
}

/* Something other than a busy wait went on: who waits busily may look again. */
static void look_again(void)
{
    for (unsigned i = 0; i < sim.ready_count; i++)
        sim.ready[i]->spun = false;
    sim.spins = 0;
}

static void go_to(struct fiber *f)
{
    struct fiber *from = sim.running;

    if (!from->spinning) {
        from->spun = from->waited = false;
        look_again();
    }
    sim.switched_at = sim.points;
    sim.readings = 0;
    f->state = FIBER_RUNNING;
    if (f == from)
        return;
    sim.running = f;
    sim.from = from;
    host_current = &f->pub;
    fiber_switch(from, f, from->state == FIBER_DONE);
    arrive();
}

/* The running fiber cannot go on now: others run, until it is chosen again. */
static void schedule(const char *site)
{
    watchdog_calm();
    wake_due();
    while (!sim.ready_count) {
        if (sim.next_deadline_ns == HOST_FOREVER)
            sched_stuck("every thread waits, and nothing is left that could end a wait");
        advance(sim.next_deadline_ns);
    }
    choice_visit(site);
    go_to(take_ready(choice_fiber(sim.ready_count, sim.ready, false, site, NULL)));
}

/*
 * Fairness is no decision: however unfair the choices are, everybody gets on. true: somebody had
 * waited for too long and had a turn.
 */
static bool be_fair(void)
{
    unsigned oldest = 0;

    if (sim.points % FAIR_CHECK || !sim.ready_count)
        return false;
    for (unsigned i = 1; i < sim.ready_count; i++)
        if (sim.ready[i]->ready_since < sim.ready[oldest]->ready_since)
            oldest = i;
    if (sim.points - sim.ready[oldest]->ready_since < FAIR_AGE)
        return false;
    struct fiber *next = take_ready(oldest);
    make_ready(sim.running);
    sim.turn_until = sim.points + FAIR_TURN;
    go_to(next);
    return true;
}

static void preempt(const char *site, const void *pc)
{
    struct fiber *candidates[64];
    unsigned n = sim.ready_count < 63 ? sim.ready_count : 63;

    candidates[0] = sim.running;
    memcpy(candidates + 1, sim.ready, n * sizeof(*candidates));
    uint32_t chosen = choice_fiber(n + 1, candidates, true, site, pc);
    if (!chosen)
        return;
    struct fiber *next = take_ready(chosen - 1);
    make_ready(sim.running);
    go_to(next);
}

void host_sim_hold(bool on)
{
    sim.held += on ? 1 : -1u;
}

/* Runs what was asked to run next. */
static bool be_quick(void)
{
    unsigned position = 0;

    while (position < sim.ready_count && sim.ready[position] != sim.urgent)
        position++;
    sim.urgent = NULL;
    if (position == sim.ready_count)
        return false;
    struct fiber *next = take_ready(position);
    make_ready(sim.running);
    go_to(next);
    return true;
}

void host_sim_run_next(struct host_thread *t)
{
    struct fiber *f = fiber_of(t);

    HAPPENS_BEFORE(f);
    f->permit = true;
    if (f->state == FIBER_PARKED)
        make_ready(f);
    sim.urgent = f;
}

static void point(const char *site, const void *pc)
{
    sim.deeds++;
    if (!sim.on || sim.reporting || sim.held)
        return;
    watchdog_calm();
    wake_due();
    sim.points++;
    choice_visit(site);
    if (sim.urgent && be_quick())
        return;
    if (sim.ready_count) {
        if (!be_fair() && sim.points > sim.turn_until)
            preempt(site, pc);
        return;
    }
    uint64_t alone = sim.points - sim.switched_at;
    if (alone > FAIR_AGE && sim.next_deadline_ns != HOST_FOREVER)
        advance(sim.next_deadline_ns);
    if (alone > MAX_POINTS)
        sched_stuck("a thread runs in a loop, and nothing is left that could end it");
}

void host_point(const char *site)
{
    if (sim.config.passed && sim.on)
        sim.config.passed(sim.config.context, site);
    point(site, NULL);
    if (!sim.on || sim.reporting || sim.held)
        return;
    int64_t skew = choice_skew(SKEW_NS);
    if (skew)
        advance(sim.now_ns + skew);
}

void openwsk_host_point(const void *pc)
{
    if (sim.config.covered && sim.on)
        sim.config.covered(sim.config.context, pc);
    point("driver", pc);
}

#ifdef OPENWSK_POINTS
/* The compiler has every basic block of nt/ and wsk/ call it. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    point("library", NULL);
}
#endif

/* How many of the others can run and do not just wait busily. They come first in the queue. */
static unsigned busy_others(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < sim.ready_count; i++) {
        struct fiber *f = sim.ready[i];
        if (f->spun)
            continue;
        memmove(&sim.ready[n + 1], &sim.ready[n], (i - n) * sizeof(*sim.ready));
        sim.ready[n++] = f;
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
    if (sim.running->vain_at != sim.deeds)
        return false;
    for (unsigned i = 0; i < sim.ready_count; i++)
        if (!sim.ready[i]->spun || sim.ready[i]->vain_at != sim.deeds)
            return false;
    return true;
}

static void pass(int64_t ns)
{
    int64_t to_ns = sim.now_ns + ns;

    advance(to_ns < sim.next_deadline_ns ? to_ns : sim.next_deadline_ns);
}

/* Everybody waits busily: time passes, a little or until something is due. */
static void let_time_pass(void)
{
    sim.vain_rounds = in_vain() && sim.vain_deeds == sim.deeds ? sim.vain_rounds + 1 : 0;
    sim.vain_deeds = sim.deeds;
    bool vain = sim.vain_rounds > VAIN_ROUNDS;
    if (++sim.spins > MAX_SPINS || (vain && sim.next_deadline_ns == HOST_FOREVER))
        sched_stuck("threads wait busily for each other, and for nothing else");
    if (vain)
        advance(sim.next_deadline_ns);
    else
        pass(SPIN_NS);
}

static void spin(struct fiber *self, const char *site)
{
    uint32_t position = 0;

    wake_due();
    sim.points++;
    /* Who polls and is preempted while it does never waits at the same time as all others. */
    if (++sim.still > STILL_ROUNDS)
        pass(STILL_ROUNDS * SPIN_NS);
    if (be_fair())
        return;
    unsigned others = busy_others();
    bool idle = !others;
    if (idle) {
        let_time_pass();
        others = sim.ready_count;
    }
    if (!others)
        return;
    choice_visit(site);
    if (!idle || sim.spins <= SPIN_TURNS)
        position = choice_fiber(others, sim.ready, false, site, NULL);
    struct fiber *next = take_ready(position);
    make_ready(self);
    go_to(next);
}

void host_spin(unsigned *rounds, const char *site)
{
    struct fiber *self = sim.running;

    (*rounds)++;
    if (!sim.on || sim.reporting)
        return;
    watchdog_calm();
    if (!self->waited)
        look_again();
    self->vain_at = self->looks_at;
    self->spun = self->waited = self->spinning = true;
    spin(self, site);
    self->spinning = false;
    self->looks_at = sim.deeds;
}

/* ---- fibers ---------------------------------------------------------------------------------- */

static void unlink_fiber(struct fiber *f)
{
    if (f->previous)
        f->previous->next = f->next;
    else
        sim.all = f->next;
    if (f->next)
        f->next->previous = f->previous;
    else
        sim.last = f->previous;
}

__attribute__((noreturn)) static void end_fiber(void)
{
    struct fiber *self = sim.running;

    sim.deeds++;
    if (self->pub.local_free)
        self->pub.local_free(self->pub.local);
    HAPPENS_BEFORE(self);
    self->state = FIBER_DONE;
    for (struct fiber *f = sim.all; f; f = f->next)
        if (f->state == FIBER_JOINING && f->joins == self)
            make_ready(f);
    sim.ended = self;
    if (self->detached)
        unlink_fiber(self);
    if (self->number == 0)
        go_to(&fiber_outside);
    schedule("end of a thread");
    host_panic("a fiber that has ended goes on");
}

static void enter(void)
{
    struct fiber *self = sim.running;

    fiber_entered(sim.from);
    arrive();
    HAPPENS_AFTER(self);
    self->fn(self->arg);
    end_fiber();
}

static struct fiber *new_fiber(void (*fn)(void *), void *arg, const char *name)
{
    struct fiber *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    if (!fiber_prepare(f, sim.config.stack_bytes, enter)) {
        free(f);
        return NULL;
    }
    f->number = sim.fibers++;
    f->fn = fn;
    f->arg = arg;
    f->deadline_ns = HOST_FOREVER;
    f->priority = choice_priority();
    snprintf(f->name, sizeof(f->name), "%s", name ? name : "thread");
    f->previous = sim.last;
    if (sim.last)
        sim.last->next = f;
    else
        sim.all = f;
    sim.last = f;
    HAPPENS_BEFORE(f);
    return f;
}

int host_thread_create(struct host_thread **t, void (*fn)(void *), void *arg, const char *name)
{
    HOST_ASSERT(sim.on);
    struct fiber *f = new_fiber(fn, arg, name);

    if (!f)
        return -ENOMEM;
    *t = &f->pub;
    make_ready(f);
    host_point("thread create");
    return 0;
}

void host_thread_join(struct host_thread *t)
{
    struct fiber *self = sim.running, *f = fiber_of(t);

    HOST_ASSERT(f != self && !f->detached);
    while (f->state != FIBER_DONE) {
        self->state = FIBER_JOINING;
        self->joins = f;
        schedule("join");
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
    HOST_ASSERT(sim.running != &fiber_outside && sim.running->number != 0);
    end_fiber();
}

void host_stack_bounds(const void **low, const void **high)
{
    *low = sim.running->stack;
    *high = sim.running->stack + sim.running->stack_bytes;
}

/* ---- park and unpark ------------------------------------------------------------------------- */

bool host_park(int64_t deadline_ns)
{
    struct fiber *self = sim.running;

    HOST_ASSERT(sim.on);
    sim.deeds++;
    if (!self->permit && deadline_ns > sim.now_ns) {
        self->state = FIBER_PARKED;
        self->deadline_ns = deadline_ns;
        if (deadline_ns < sim.next_deadline_ns)
            sim.next_deadline_ns = deadline_ns;
        schedule("park");
    } else {
        point("park", NULL);
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
        make_ready(f);
    point("unpark", NULL);
}

/* ---- locks ----------------------------------------------------------------------------------- */

enum { FREE, TAKEN };

struct lock_sites {
    const char *lock, *unlock;
};

/* The places of locks are told apart by what they protect, as a lock more here or there is what
 * sources change most. */
static const struct lock_sites *sites_of(const struct host_lock *l)
{
    static const struct lock_sites other = { "lock", "unlock" };
    static const struct lock_sites by_rank[] = {
        [HOST_RANK_RUN] = { "lock drivers", "unlock drivers" },
        [HOST_RANK_WSK_CLIENT] = { "lock client", "unlock client" },
        [HOST_RANK_WSK_SOCKET] = { "lock socket", "unlock socket" },
        [HOST_RANK_WSK_LEAF] = { "lock wsk leaf", "unlock wsk leaf" },
        [HOST_RANK_NT_OBJECT] = { "lock object", "unlock object" },
        [HOST_RANK_NT_DISPATCHER] = { "lock dispatcher", "unlock dispatcher" },
        [HOST_RANK_NT_TIMER] = { "lock timers", "unlock timers" },
        [HOST_RANK_NT_DPC] = { "lock DPCs", "unlock DPCs" },
        [HOST_RANK_NT_LEAF] = { "lock nt leaf", "unlock nt leaf" },
        [HOST_RANK_NET_EP] = { "lock endpoint", "unlock endpoint" },
        [HOST_RANK_NET] = { "lock network", "unlock network" },
        [HOST_RANK_NET_LEAF] = { "lock net leaf", "unlock net leaf" },
    };
    bool known = l->rank < sizeof(by_rank) / sizeof(*by_rank) && by_rank[l->rank].lock;

    return known ? &by_rank[l->rank] : &other;
}

void host_lock_init(struct host_lock *l, enum host_rank rank)
{
    *l = (struct host_lock)HOST_LOCK_INIT((uint16_t)rank);
}

static void check_rank(const struct fiber *f, unsigned rank)
{
    uint64_t above = rank >= 64 ? f->held[1] >> (rank - 64) : f->held[1] | f->held[0] >> rank;

    if (above)
        host_panic("lock of rank %u taken while holding one of at least that rank", rank);
}

void host_lock(struct host_lock *l)
{
    struct fiber *self = sim.running;
    const char *site = sites_of(l)->lock;

    check_rank(self, l->rank);
    point(site, NULL);
    while (l->word != FREE) {
        HOST_ASSERT(sim.on);
        self->state = FIBER_BLOCKED;
        self->lock = l;
        schedule(site);
    }
    HAPPENS_AFTER(l);
    l->word = TAKEN;
    l->owner = &self->pub;
    self->held[l->rank / 64] |= UINT64_C(1) << l->rank % 64;
}

void host_unlock(struct host_lock *l)
{
    struct fiber *self = sim.running;

    HOST_ASSERT(l->owner == &self->pub);
    self->held[l->rank / 64] &= ~(UINT64_C(1) << l->rank % 64);
    HAPPENS_BEFORE(l);
    l->owner = NULL;
    l->word = FREE;
    for (struct fiber *f = sim.all; f; f = f->next)
        if (f->state == FIBER_BLOCKED && f->lock == l)
            make_ready(f);
    point(sites_of(l)->unlock, NULL);
}

bool host_lock_held(const struct host_lock *l)
{
    return l->owner == &sim.running->pub;
}

void host_assert_unlocked(void)
{
    const struct fiber *f = sim.running;

    if (!(f->held[0] | f->held[1]))
        return;
    for (unsigned rank = 128; rank-- > 0;)
        if (f->held[rank / 64] >> rank % 64 & 1)
            host_panic("a driver is called with a lock of rank %u held", rank);
}

/* ---- the end of a run that cannot go on ------------------------------------------------------ */

static struct {
    struct fiber *asker, *next;
} report;

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
    if (f->pub.local && sim.config.describe &&
        sim.config.describe(f->pub.local, text, sizeof(text)))
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

/* A fiber that was switched to for its stack's sake prints it and switches back. */
static void report_myself(void)
{
    struct fiber *self = sim.running;

    describe(self);
    print_stack();
    sim.running = report.asker;
    host_current = &report.asker->pub;
    sim.from = self;
    fiber_switch(self, report.asker, false);
}

static void ask(struct fiber *f)
{
    struct fiber *self = sim.running;

    if (f == self) {
        describe(f);
        print_stack();
        return;
    }
    report.asker = self;
    sim.running = f;
    sim.from = self;
    host_current = &f->pub;
    fiber_switch(self, f, false);
}

void sched_stuck(const char *why)
{
    host_note_failure("stuck: %s", why);
    host_printf("openwsk: the simulated run is stuck at %lld.%09lld s: %s\n",
                (long long)(sim.now_ns / 1000000000), (long long)(sim.now_ns % 1000000000), why);
    if (!sim.reporting) {
        sim.reporting = true;
        for (struct fiber *f = sim.all; f; f = f->next)
            if (f->state != FIBER_DONE && (f == sim.running || f->sp))
                ask(f);
    }
    if (sim.config.stuck)
        sim.config.stuck(sim.config.context, why);
    host_exit(4);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static unsigned drop_fibers(void)
{
    unsigned left = 0;

    while (sim.all) {
        struct fiber *f = sim.all;
        left += f->state != FIBER_DONE;
        unlink_fiber(f);
        fiber_release(f);
        free(f);
    }
    return left;
}

void host_sim_run(const struct host_sim_config *config, void (*fn)(void *), void *arg,
                  struct host_sim_result *result)
{
    HOST_ASSERT(!sim.on);
    struct fiber **ready = sim.ready;
    unsigned room = sim.ready_room;

    memset(&sim, 0, sizeof(sim));
    sim.ready = ready;
    sim.ready_room = room;
    sim.config = *config;
    if (!sim.config.stack_bytes)
        sim.config.stack_bytes = DEFAULT_STACK;
    if (!sim.config.time_limit_ns)
        sim.config.time_limit_ns = DAY_NS;
    sim.now_ns = START_NS;
    sim.deeds = 1;
    sim.next_deadline_ns = HOST_FOREVER;
    sim.running = &fiber_outside;
    choice_begin(config);
    host_reserve_begin();
    watchdog_start(config->watchdog_s);
    sim.on = true;
    struct fiber *main_fiber = new_fiber(fn, arg, "main");
    if (!main_fiber)
        host_panic("out of memory for the first fiber");
    go_to(main_fiber);
    sim.on = false;
    watchdog_stop();
    memory_end();
    host_reserve_end();
    memset(result, 0, sizeof(*result));
    choice_end(result);
    result->now_ns = sim.now_ns;
    result->fibers = sim.fibers;
    result->left = drop_fibers();
}
