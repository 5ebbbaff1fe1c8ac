/*
 * sim_fault.c: whether a fault happens, and the rates of a run.
 *
 * Every decision is one host_choose() whose 0 means "no fault", or the mildest form of it.
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

static enum host_choice choice_of(enum sim_fault kind)
{
    switch (kind) {
    case SIM_ASYNC:
    case SIM_BATCH:
        return HOST_CHOOSE_ASYNC;
    case SIM_SEGMENT:
    case SIM_SHORT_READ:
    case SIM_SHORT_SEND:
        return HOST_CHOOSE_SIZE;
    case SIM_ORDER:
    case SIM_REORDER:
        return HOST_CHOOSE_ORDER;
    case SIM_JITTER:
    case SIM_CLOG:
    case SIM_SLOW_WINDOW:
    case SIM_NAME_SLOW:
        return HOST_CHOOSE_TIME;
    default:
        return HOST_CHOOSE_FAULT;
    }
}

bool sim_chance(struct sim_world *w, enum sim_fault kind, const char *site)
{
    uint32_t rate = w->faults.permille[kind], value;

    if (rate == 0)
        return false;
    value = host_choose(1000, choice_of(kind), site);
    return value > 0 && value <= rate;
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

void sim_faults_draw(struct sim_faults *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        if (rows[i].drawn_max == 0 || !host_choose(2, HOST_CHOOSE_FAULT, rows[i].name))
            continue;
        out->permille[i] =
            (uint16_t)(1 + host_choose(rows[i].drawn_max, HOST_CHOOSE_FAULT, rows[i].name));
    }
    if (host_choose(2, HOST_CHOOSE_TIME, "latency"))
        out->latency_ns = host_choose(31, HOST_CHOOSE_TIME, "latency") * SIM_MS;
    if (host_choose(2, HOST_CHOOSE_TIME, "jitter"))
        out->jitter_ns = host_choose(101, HOST_CHOOSE_TIME, "jitter") * SIM_MS;
    if (host_choose(2, HOST_CHOOSE_TIME, "bandwidth")) {
        out->bandwidth_bps = 10000;
        for (uint32_t i = host_choose(7, HOST_CHOOSE_TIME, "bandwidth"); i > 0; i--)
            out->bandwidth_bps *= 10;
        out->queue_packets = 2 + host_choose(199, HOST_CHOOSE_SIZE, "queue");
    }
}

void sim_faults_set(struct sim_world *w, const struct sim_faults *faults)
{
    host_lock(&w->lock);
    w->faults = *faults;
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
