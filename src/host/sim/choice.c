/*
 * choice.c: the one stream of decisions.
 *
 * A decision has a number (its index), a kind, a range and the name of the place that asks. It
 * comes from a tape, from a seed, from bytes, or is 0. The seed draws at the start how it will
 * decide in this run: some runs preempt a lot and fail nothing, others the other way round, because
 * faults that always come together hide each other. What was decided, not why, is recorded and
 * hashed, so a tape replays a run without its seed.
 *
 * No address goes into the hash, except as an offset that the record keeps for readers.
 */
#include "host/sim/fiber.h"

#include <stdlib.h>
#include <string.h>

#define FNV_OFFSET    UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME     UINT64_C(0x100000001b3)
#define CHOICE_LIMIT  UINT64_C(100000000)
#define ONE_IN        UINT64_C(0x100000000) /* probabilities are of 32 bits */
#define NEVER         UINT64_MAX
#define CHANGE_POINTS 3
#define DELAYS        9 /* none, and eight of which each is twice as long */

static struct {
    struct host_sim_config config;
    uint64_t random[2];
    uint64_t index; /* of the next decision */
    uint64_t hash;
    uint64_t mismatches, met;
    bool reached;
    uint64_t replay_at; /* the next decision of the tape, of those that go by their index */
    struct host_decision *by_visit; /* the others, ordered by where they are */
    uint64_t by_visit_count;
    uint64_t visit;  /* the running fiber's latest */
    size_t byte_at;  /* the next one of the bytes */
    uint32_t boring; /* so many decisions before the next one that is not, of the bytes */
    uint64_t faults; /* questions whether to fail */
    bool calm;
    bool spared; /* nothing is made to fail for now */

    /* what the seed drew */
    enum host_strategy strategy;
    uint64_t preempt; /* probability of 2^32 */
    uint64_t rates[HOST_CHOOSE_DELAY + 1];
    uint64_t skew;                     /* that time passes in a call */
    uint64_t change_at[CHANGE_POINTS]; /* points at which the running fiber's priority falls */
    uint64_t points;
    uint32_t lowest;
    unsigned victim;
    uint64_t place_salt, place_rate; /* which places delay, and how often */
    unsigned places;                 /* one of so many does */
} run;

/* xoroshiro128+, by Blackman and Vigna: small, fast, good enough to choose by. */
static uint64_t next_random(void)
{
    uint64_t a = run.random[0], b = run.random[1], sum = a + b;

    b ^= a;
    run.random[0] = (a << 24 | a >> 40) ^ b ^ (b << 16);
    run.random[1] = b << 37 | b >> 27;
    return sum;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)((next_random() >> 32) * n >> 32);
}

static bool with(uint64_t probability)
{
    return next_random() >> 32 < probability;
}

static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool is_quiet(enum host_choice kind)
{
    return run.config.quiet_kinds >> kind & 1;
}

/* How this seed's run will be: each kind of trouble is off in about half of the runs. */
static void draw_temper(uint64_t seed)
{
    static const enum host_strategy strategies[] = { HOST_STRATEGY_NONE,     HOST_STRATEGY_RANDOM,
                                                     HOST_STRATEGY_PRIORITY, HOST_STRATEGY_STARVE,
                                                     HOST_STRATEGY_PLACES,   HOST_STRATEGY_PLACES };
    static const uint64_t preempts[] = { 0, ONE_IN / 1000, ONE_IN / 100, ONE_IN / 20, ONE_IN / 5 };
    static const uint64_t faults[] = { 0, 0, 0, ONE_IN / 1000, ONE_IN / 100, ONE_IN / 16 };
    static const uint64_t asyncs[] = { 0, 0, ONE_IN / 10, ONE_IN / 2, ONE_IN };
    static const uint64_t others[] = { 0, ONE_IN / 8, ONE_IN / 2, ONE_IN };
    static const uint64_t delays[] = { 0, 0, ONE_IN / 100, ONE_IN / 10, ONE_IN / 2 };
    static const uint64_t skews[] = { 0, 0, ONE_IN / 1000, ONE_IN / 100, ONE_IN / 10 };
    static const uint64_t holds[] = { ONE_IN / 16, ONE_IN / 8, ONE_IN / 4, ONE_IN / 2 };

    run.random[0] = split_mix(&seed);
    run.random[1] = split_mix(&seed);
    run.strategy = strategies[below(sizeof(strategies) / sizeof(*strategies))];
    run.preempt = preempts[below(sizeof(preempts) / sizeof(*preempts))];
    run.rates[HOST_CHOOSE_PREEMPT] = others[below(4)];
    run.rates[HOST_CHOOSE_FAULT] = faults[below(sizeof(faults) / sizeof(*faults))];
    run.rates[HOST_CHOOSE_ASYNC] = asyncs[below(sizeof(asyncs) / sizeof(*asyncs))];
    run.rates[HOST_CHOOSE_SIZE] = others[below(4)];
    run.rates[HOST_CHOOSE_ORDER] = others[below(4)];
    run.rates[HOST_CHOOSE_TIME] = others[below(4)];
    run.victim = below(16);
    run.place_salt = next_random();
    run.place_rate = holds[below(sizeof(holds) / sizeof(*holds))];
    run.places = 4u << below(4);
    uint32_t length = 1u << (6 + below(10));
    for (unsigned i = 0; i < CHANGE_POINTS; i++)
        run.change_at[i] = below(length);
    run.rates[HOST_CHOOSE_DELAY] = delays[below(sizeof(delays) / sizeof(*delays))];
    run.skew = skews[below(sizeof(skews) / sizeof(*skews))];
    for (unsigned kind = 0; kind <= HOST_CHOOSE_DELAY; kind++)
        if (is_quiet((enum host_choice)kind))
            run.rates[kind] = 0;
    if (is_quiet(HOST_CHOOSE_DELAY))
        run.skew = 0;
}

static uint32_t next_byte(void)
{
    return run.byte_at < run.config.byte_count ? run.config.bytes[run.byte_at++] : 0;
}

static void read_gap(void)
{
    uint32_t byte = next_byte();

    run.boring = byte < 128 ? byte : (byte - 127) * 128;
}

static int compare_visits(const void *a, const void *b)
{
    const struct host_decision *x = a, *y = b;

    if (x->fiber != y->fiber)
        return x->fiber < y->fiber ? -1 : 1;
    if (x->visit != y->visit)
        return x->visit < y->visit ? -1 : 1;
    return strncmp(x->site, y->site, HOST_SITE_BYTES);
}

static void sort_tape(const struct host_tape *tape)
{
    run.by_visit = malloc((tape->count + 1) * sizeof(*run.by_visit));
    if (!run.by_visit)
        host_panic("out of memory for a tape");
    for (uint64_t i = 0; i < tape->count; i++)
        if (tape->decisions[i].visit)
            run.by_visit[run.by_visit_count++] = tape->decisions[i];
    qsort(run.by_visit, run.by_visit_count, sizeof(*run.by_visit), compare_visits);
}

void choice_begin(const struct host_sim_config *config)
{
    memset(&run, 0, sizeof(run));
    run.config = *config;
    if (!run.config.choice_limit)
        run.config.choice_limit = CHOICE_LIMIT;
    run.hash = FNV_OFFSET;
    run.lowest = 1u << 30;
    if (config->record) {
        config->record->count = 0;
        config->record->choices = 0;
    }
    if (config->seeded)
        draw_temper(config->seed);
    if (config->replay)
        sort_tape(config->replay);
    if (config->bytes) {
        run.rates[HOST_CHOOSE_DELAY] = ONE_IN;
        read_gap();
    }
}

void choice_end(struct host_sim_result *result)
{
    free(run.by_visit);
    run.by_visit = NULL;
    visit_forget(&fiber_outside);
    result->hash = run.hash;
    result->choices = run.index;
    result->mismatches = run.mismatches;
    result->unmet = run.config.replay ? run.config.replay->count - run.met - run.mismatches : 0;
    result->unmet += run.config.reach_visit && !run.reached;
    result->faults = run.faults;
}

uint64_t host_sim_choices(void)
{
    return run.index;
}

void host_sim_spare(bool on)
{
    run.spared = on;
}

void host_sim_calm_down(void)
{
    run.calm = true;
}

const char *host_choice_name(enum host_choice kind)
{
    static const char *const names[] = { "preempt", "fault", "async", "size",
                                         "order",   "time",  "delay" };

    return names[kind];
}

/* ---- where a decision comes from ------------------------------------------------------------- */

static const struct host_decision *find_by_index(void)
{
    const struct host_tape *tape = run.config.replay;

    while (run.replay_at < tape->count && (tape->decisions[run.replay_at].visit ||
                                           tape->decisions[run.replay_at].index < run.index))
        run.replay_at++;
    if (run.replay_at == tape->count || tape->decisions[run.replay_at].index != run.index)
        return NULL;
    return &tape->decisions[run.replay_at++];
}

static bool is_at(const struct host_decision *d, const char *site)
{
    return strncmp(d->site, site, sizeof(d->site) - 1) == 0;
}

void choice_visit(const char *site)
{
    run.visit = visit_count(sched_running(), site);
}

/* At each visit there is at most one decision. */
static const struct host_decision *find_by_visit(const char *site)
{
    struct host_decision here = { .fiber = sched_running()->number, .visit = run.visit };

    if (!run.by_visit_count)
        return NULL;
    strncpy(here.site, site, HOST_SITE_BYTES);
    return bsearch(&here, run.by_visit, run.by_visit_count, sizeof(here), compare_visits);
}

static uint32_t answer(const struct host_decision *d, uint32_t n, enum host_choice kind,
                       const char *site)
{
    if (!d)
        return 0;
    /* An empty name fits everywhere: who enumerates tapes does not know the names. */
    if (d->kind != kind || d->value >= n || (d->site[0] && !is_at(d, site))) {
        run.mismatches++;
        return 0;
    }
    run.met++;
    return d->value;
}

static uint32_t from_tape(uint32_t n, enum host_choice kind, const char *site)
{
    const struct host_decision *d = find_by_visit(site);

    return answer(d ? d : find_by_index(), n, kind, site);
}

/*
 * A yes-or-no question about a fault has the run's own rate; a range carries its own rates (see
 * host_choose in host.h), so it is answered evenly.
 */
static uint32_t from_seed(uint32_t n, enum host_choice kind)
{
    if (kind == HOST_CHOOSE_FAULT && n > 2 && !is_quiet(kind))
        return below(n);
    return with(run.rates[kind]) ? below(n - 1) + 1 : 0;
}

static uint32_t from_bytes(uint32_t n, enum host_choice kind)
{
    uint32_t value = 0;

    if ((run.config.quiet_kinds >> kind & 1) ||
        (!run.boring && run.byte_at >= run.config.byte_count))
        return 0;
    if (run.boring) {
        run.boring--;
        return 0;
    }
    for (uint32_t rest = n - 1; rest; rest >>= 8)
        value = value << 8 | next_byte();
    read_gap();
    return value % (n - 1) + 1;
}

/* ---- what becomes of it ---------------------------------------------------------------------- */

static void mix(uint64_t value)
{
    run.hash = (run.hash ^ value) * FNV_PRIME;
}

static void reach(const char *site)
{
    const struct host_decision *aim = run.config.reach_visit;
    struct host_decision here = { .index = run.index, .visit = run.visit };

    here.fiber = sched_running()->number;
    strncpy(here.site, site, HOST_SITE_BYTES);
    if (run.reached || (aim ? compare_visits(aim, &here) != 0 : run.index != run.config.reach))
        return;
    run.reached = true;
    run.config.reached(run.config.context, &here);
}

static void record(uint32_t n, enum host_choice kind, const char *site, const void *pc,
                   uint32_t value)
{
    struct host_tape *tape = run.config.record;
    struct fiber *f = sched_running();
    struct host_decision d = { .index = run.index,
                               .visit = run.visit,
                               .now_ns = host_sim_now(),
                               .pc = (uintptr_t)pc,
                               .n = n,
                               .value = value,
                               .kind = kind,
                               .fiber = f->number };

    strncpy(d.site, site, sizeof(d.site) - 1);
    memcpy(d.fiber_name, f->name, sizeof(d.fiber_name));
    if (run.config.decided) {
        host_sim_hold(true); /* who watches does not take part */
        run.config.decided(run.config.context, &d);
        host_sim_hold(false);
    }
    if (tape) {
        if (tape->count < tape->room)
            tape->decisions[tape->count] = d;
        tape->count++;
    }
}

static uint32_t settle(uint32_t n, enum host_choice kind, const char *site, const void *pc,
                       uint32_t value)
{
    mix((uint64_t)kind << 40 ^ (uint64_t)value << 8 ^ sched_running()->number);
    mix((uint64_t)host_sim_now());
    if (value)
        record(n, kind, site, pc, value);
    run.index++;
    if (run.config.reach || run.config.reach_visit)
        reach(site);
    if (run.config.record) {
        run.config.record->choices = run.index;
        run.config.record->hash = run.hash;
    }
    if (run.index == run.config.stop_at)
        __asm__ volatile("int3"); /* a debugger goes on behind it */
    if (run.index == run.config.choice_limit)
        sched_stuck("the run has made more decisions than it may");
    return value;
}

/* The question whether to fail that was counted last: is it one of those that must? */
static bool is_to_fail(void)
{
    if (run.config.fails && run.config.fails(run.config.context))
        return true;
    return run.config.fail_at && run.faults >= run.config.fail_at &&
           (run.faults == run.config.fail_at || run.config.fail_on);
}

uint32_t host_choose(uint32_t n, enum host_choice kind, const char *site)
{
    uint32_t value = 0;

    HOST_ASSERT(n > 0);
    if (n == 1 || !host_sim_running())
        return 0;
    choice_visit(site);
    sched_deed();
    bool question = kind == HOST_CHOOSE_FAULT && n == 2 && !run.calm;
    bool spared = question && run.spared;
    question = question && !spared;
    run.faults += question;
    if (run.calm || spared)
        value = 0;
    else if (question && is_to_fail())
        value = 1;
    else if (run.config.replay)
        value = from_tape(n, kind, site);
    else if (run.config.seeded)
        value = from_seed(n, kind);
    else if (run.config.bytes)
        value = from_bytes(n, kind);
    return settle(n, kind, site, NULL, value);
}

/* Delays that are not made have no index. */
static int64_t delay(int64_t most_ns, const char *site, uint64_t probability)
{
    uint32_t value = 0;

    if (!host_sim_running() || run.calm || run.spared || !(probability || run.config.replay))
        return 0;
    choice_visit(site);
    if (run.config.replay)
        value = answer(find_by_visit(site), DELAYS, HOST_CHOOSE_DELAY, site);
    else if (run.config.bytes)
        value = from_bytes(DELAYS, HOST_CHOOSE_DELAY);
    else if (with(probability))
        value = 1 + below(DELAYS - 1);
    if (!value)
        return 0;
    (void)settle(DELAYS, HOST_CHOOSE_DELAY, site, NULL, value);
    return most_ns >> (DELAYS - 1 - value);
}

int64_t host_delay(int64_t most_ns, const char *site)
{
    return delay(most_ns, site, run.rates[HOST_CHOOSE_DELAY]);
}

int64_t choice_skew(int64_t most_ns)
{
    return delay(most_ns, "time passes", run.skew);
}

/* ---- which fiber runs ------------------------------------------------------------------------ */

uint32_t choice_priority(void)
{
    return run.config.seeded && !run.config.replay ? (1u << 30) + below(1u << 30) : 0;
}

static uint32_t highest(uint32_t n, struct fiber *const *candidates)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        if (candidates[i]->priority > candidates[best]->priority)
            best = i;
    return best;
}

/* The highest priority runs. At a change point the running fiber falls below all others. */
static uint32_t by_priority(uint32_t n, struct fiber *const *candidates, bool running)
{
    if (running) {
        for (unsigned i = 0; i < CHANGE_POINTS; i++)
            if (run.points == run.change_at[i])
                candidates[0]->priority = --run.lowest;
        run.points++;
    }
    return highest(n, candidates);
}

/*
 * A race between two steps of one thread needs the others to do much in between, and to do it just
 * there. Chance finds that place in one of very many runs; so here the seed chooses places, and
 * whoever comes to one falls below all others. Of an address only its offset in a page counts,
 * which is the same wherever the code lies.
 */
static bool at_chosen_place(const char *site, const void *pc)
{
    uint64_t place = run.place_salt ^ ((uintptr_t)pc & 0xfff);

    for (const char *s = site; *s; s++)
        place = (place ^ (unsigned char)*s) * FNV_PRIME;
    return split_mix(&place) % run.places == 0 && with(run.place_rate);
}

static uint32_t by_place(uint32_t n, struct fiber *const *candidates, bool running,
                         const char *site, const void *pc)
{
    if (running && at_chosen_place(site, pc))
        candidates[0]->priority = --run.lowest;
    return highest(n, candidates);
}

/* Anybody but the victim, unless nobody else can run. */
static uint32_t starving(uint32_t n, struct fiber *const *candidates, uint32_t value)
{
    for (uint32_t i = 0; i < n; i++)
        if (candidates[(value + i) % n]->number % 16 != run.victim)
            return (value + i) % n;
    return value;
}

static uint32_t fiber_from_seed(uint32_t n, struct fiber *const *candidates, bool running,
                                const char *site, const void *pc)
{
    uint64_t probability = running ? run.preempt : run.rates[HOST_CHOOSE_PREEMPT];

    switch (run.strategy) {
    case HOST_STRATEGY_PRIORITY:
        return by_priority(n, candidates, running);
    case HOST_STRATEGY_RANDOM:
        return with(probability) ? below(n - 1) + 1 : 0;
    case HOST_STRATEGY_STARVE:
        return starving(n, candidates, with(probability) ? below(n - 1) + 1 : 0);
    case HOST_STRATEGY_PLACES:
        return by_place(n, candidates, running, site, pc);
    default:
        return 0;
    }
}

uint32_t choice_fiber(uint32_t n, struct fiber *const *candidates, bool running, const char *site,
                      const void *pc)
{
    uint32_t value = 0;

    if (n == 1 || run.calm)
        return 0;
    if (run.config.replay)
        value = from_tape(n, HOST_CHOOSE_PREEMPT, site);
    else if (run.config.seeded)
        value = fiber_from_seed(n, candidates, running, site, pc);
    else if (run.config.bytes)
        value = from_bytes(n, HOST_CHOOSE_PREEMPT);
    else if (run.config.branch)
        value = run.config.branch(run.config.context, n, site);
    return settle(n, HOST_CHOOSE_PREEMPT, site, pc, value);
}
