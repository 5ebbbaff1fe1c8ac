/*
 * sim.h: the simulated world's side of the host: fibers on one OS thread, virtual time, one stream
 * of choices.
 *
 * It implements host.h a second time. What the layers above do, they do in fibers, one at a time,
 * in an order that choices decide. A run is determined by its tape: the same tape gives the same
 * run, on any machine. Only run/ and tests include this file; the layers above cannot tell.
 */
#ifndef OPENWSK_HOST_SIM_H
#define OPENWSK_HOST_SIM_H

#include "host/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the tape -------------------------------------------------------------------------------- */

/* So many bytes of the name of a place tell it from others. */
#define HOST_SITE_BYTES 31

/*
 * One decision that was not the boring one. `index` counts all decisions of the run from 0. `site`
 * names the place that asked, and is what a replay compares. `pc` is the place in a driver, or 0;
 * whoever is told of decisions may turn it into an offset in the image of a driver, counted from 1.
 */
struct host_decision {
    uint64_t index;
    /*
     * How often its thread had come to `site`, this time included. A replay looks for thread, site
     * and this number rather than for the index, because they stay when a decision elsewhere is
     * left out, and mostly when sources change; 0: it looks for the index.
     */
    uint64_t visit;
    int64_t now_ns;
    uintptr_t pc;
    uint32_t n, value;
    uint32_t kind; /* enum host_choice */
    uint32_t fiber;
    uint32_t image;
    char site[HOST_SITE_BYTES + 1];
    char fiber_name[24];
};

/*
 * What was recorded. The memory is the caller's, and may be shared with another process, which can
 * then read it when this one has crashed. `count` can exceed `room`: what has no room is lost.
 */
struct host_tape {
    uint64_t count, room;
    uint64_t choices; /* decisions asked for, the boring ones included */
    uint64_t hash;
    struct host_decision *decisions;
};

/* "preempt", "fault", ... */
const char *host_choice_name(enum host_choice kind);

/* ---- a run ----------------------------------------------------------------------------------- */

/* How a seed decides which fiber runs. */
enum host_strategy {
    HOST_STRATEGY_NONE,     /* first come, first served; no preemption */
    HOST_STRATEGY_RANDOM,   /* preempts with a fixed probability */
    HOST_STRATEGY_PRIORITY, /* the highest priority runs; a few change points lower it */
    HOST_STRATEGY_STARVE,   /* as RANDOM, and one fiber runs only when no other can */
    HOST_STRATEGY_PLACES /* as PRIORITY, but who comes to one of a few places lets all others go */
};

struct host_sim_config {
    /*
     * From where decisions come. `replay`, if not NULL, answers what it holds and 0 elsewhere; else
     * the seed does, with probabilities that it draws itself; else the bytes, of which any sequence
     * is as good as any other (a fuzzer's input): again and again, how many decisions are boring
     * (one byte; 128 and more stand for (byte - 127) * 128), and the one behind them that is not
     * (as many bytes as its range needs). Behind their end all are boring.
     */
    bool seeded;
    uint64_t seed;
    const struct host_tape *replay;
    const uint8_t *bytes; /* may be NULL */
    size_t byte_count;
    uint32_t quiet_kinds; /* with seed or bytes: bit 1 << enum host_choice: always the boring one */
    struct host_tape *record; /* may be NULL */
    /*
     * Questions whether to fail (kind HOST_CHOOSE_FAULT, n = 2) are counted from 1. This one is
     * answered yes, whatever the tape or the seed say, and with fail_on all later ones; 0: none.
     */
    uint64_t fail_at;
    bool fail_on;
    /* Asked for each such question: shall it be answered yes? It must neither wait nor take a lock;
     * may be NULL. */
    bool (*fails)(void *context);
    /* Without seed and replay, answers each decision about a switch; may be NULL. */
    uint32_t (*branch)(void *context, uint32_t n, const char *site);
    /*
     * When so many decisions are made (0: never), or, if `reach_visit` is not NULL, when its thread
     * has come to its site that often, reached() is called, once, with the index and the place of
     * the decision just made. It must neither wait nor take a lock.
     */
    uint64_t reach;
    const struct host_decision *reach_visit;
    void (*reached)(void *context, const struct host_decision *at);
    size_t stack_bytes;    /* of each fiber; 0: 256 KiB */
    uint64_t choice_limit; /* stop a run that asked for so many decisions; 0: 100 million */
    int64_t time_limit_ns; /* stop a run at this virtual time; 0: a day */
    uint64_t stop_at;      /* raise SIGTRAP at this decision, for a debugger; 0: never */
    unsigned watchdog_s;   /* CPU seconds without a call into us; 0: 20 */
    /* Called for every decision that is not boring, before it is recorded. May be NULL. */
    void (*decided)(void *context, struct host_decision *d);
    /* Called at every point that has a name, for timelines. May be NULL. */
    void (*passed)(void *context, const char *site);
    /* Called at every point of instrumented code, for who measures coverage. May be NULL. */
    void (*covered)(void *context, const void *pc);
    /* What the fiber whose `local` this is waits for, as text; false: nothing is known. */
    bool (*describe)(void *local, char *text, size_t size);
    /* The run cannot go on; `why` says so, and it has been printed. Must not return. */
    void (*stuck)(void *context, const char *why);
    void *context;
};

struct host_sim_result {
    uint64_t hash;       /* of all decisions, the fibers that asked and the time of each */
    uint64_t choices;    /* decisions asked for */
    uint64_t faults;     /* questions whether to fail */
    uint64_t mismatches; /* decisions of `replay` that met another question */
    uint64_t unmet;      /* decisions of `replay`, and the visit to reach, that did not come */
    int64_t now_ns;      /* the virtual time at the end */
    unsigned fibers;     /* made during the run */
    unsigned left;       /* that have not ended */
    unsigned races;      /* pairs of accesses that nothing orders; thread sanitizer's build only */
};

/* Runs fn(arg) as the first fiber, until it returns. Not from inside of a run. */
void host_sim_run(const struct host_sim_config *config, void (*fn)(void *), void *arg,
                  struct host_sim_result *result);

/* Is this code inside of a run? */
bool host_sim_running(void);

/*
 * A preemption point of instrumented code: wskcc has drivers call it at every basic block (see
 * startup.c). `pc` is where.
 */
__attribute__((visibility("default"))) void openwsk_host_point(const void *pc);

/* For readers: the running fiber, the time (asking does not move it), the decisions so far. */
unsigned host_sim_fiber(void);
int64_t host_sim_now(void);
uint64_t host_sim_choices(void);

/* Unparks the thread and has it run next, at the running fiber's next point; no decision. */
void host_sim_run_next(struct host_thread *t);

/* While on, no point switches: only a wait does. Calls may nest. */
void host_sim_hold(bool on);

/* While on, no question whether to fail is answered yes, whatever asks for it, and nothing comes
 * late. */
void host_sim_spare(bool on);

/* From now on, decisions are boring ones and nobody is preempted; for the end of a run. */
void host_sim_calm_down(void);

#ifdef __cplusplus
}
#endif
#endif
