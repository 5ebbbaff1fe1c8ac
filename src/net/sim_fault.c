/*
 * sim_fault.c: whether a fault happens, and the rates of a run.
 *
 * Every decision is a host_choose() whose 0 means "no fault", or the mildest form of it. Questions
 * about faults have more than two answers: these have rates of their own, and a host that fails the
 * n-th allocation does not count them (see host_choose() in host.h).
 */
#include <string.h>
#include "net/simp.h"

static const struct row {
    const char *name, *text;
    uint16_t drawn_max;
} rows[SIM_FAULT_COUNT] = {
#define SIM_FAULT(name, text, drawn_max) [SIM_##name] = { #name, text, drawn_max },
#include "net/sim_fault.def"
#undef SIM_FAULT
};

const char *sim_fault_name(enum sim_fault kind)
{
    return (unsigned)kind < SIM_FAULT_COUNT ? rows[kind].name : "?";
}

/*
 * Not every chance is a question: tapes hold what is not boring, and would be full of chances that
 * were not taken. A question is how many chances until the next fault; 0: none of the next ones.
 */
bool sim_chance(struct sim_world *w, enum sim_fault kind, const char *site)
{
    uint32_t rate = w->faults.permille[kind], n;
    struct sim_gap *gap = &w->gaps[kind];

    if (rate == 0)
        return false;
    if (gap->left == 0) {
        n = 2000 / rate + 1;
        gap->left = host_choose(n, HOST_CHOOSE_FAULT, site);
        gap->fires = gap->left > 0;
        if (!gap->fires)
            gap->left = n;
    }
    return --gap->left == 0 && gap->fires;
}

bool sim_fires(struct sim_world *w, enum sim_fault kind, const char *site)
{
    if (!sim_chance(w, kind, site))
        return false;
    w->fired[kind]++;
    return true;
}

size_t sim_choose_size(size_t n, const char *site)
{
    uint32_t limit = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;

    if (n <= 1)
        return n;
    switch (host_choose(3, HOST_CHOOSE_SIZE, site)) {
    case 0:
        return limit - host_choose(limit, HOST_CHOOSE_SIZE, site);
    case 1:
        return 1;
    default:
        return 1 + host_choose(limit < 16 ? limit : 16, HOST_CHOOSE_SIZE, site);
    }
}

int64_t sim_choose_time(int64_t max_ns, const char *site)
{
    return max_ns / 1024 * (1 + (int64_t)host_choose(1024, HOST_CHOOSE_TIME, site)) + 1;
}

/* 0 with probability 1/2, else between 1 and max. */
static uint32_t draw(uint32_t max, const char *site)
{
    uint32_t value = host_choose(2 * max + 1, HOST_CHOOSE_FAULT, site);

    return value > max ? value - max : 0;
}

void sim_faults_draw(struct sim_faults *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        if (rows[i].drawn_max > 0)
            out->permille[i] = (uint16_t)draw(rows[i].drawn_max, rows[i].name);
    }
    out->latency_ns = draw(30, "latency") * SIM_MS;
    out->jitter_ns = draw(100, "jitter") * SIM_MS;
    for (uint32_t i = draw(7, "bandwidth"); i > 0; i--)
        out->bandwidth_bps = out->bandwidth_bps ? out->bandwidth_bps * 10 : 10000;
    if (out->bandwidth_bps)
        out->queue_packets = 2 + host_choose(199, HOST_CHOOSE_SIZE, "queue");
}

void sim_faults_set(struct sim_world *w, const struct sim_faults *faults)
{
    host_lock(&w->lock);
    w->faults = *faults;
    memset(w->gaps, 0, sizeof(w->gaps));
    host_unlock(&w->lock);
}

uint64_t sim_fault_count(struct sim_world *w, enum sim_fault kind)
{
    uint64_t n;

    host_lock(&w->lock);
    n = (unsigned)kind < SIM_FAULT_COUNT ? w->fired[kind] : 0;
    host_unlock(&w->lock);
    return n;
}
