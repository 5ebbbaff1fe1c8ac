/*
 * wsksim.h: what the files of wsksim share.
 *
 * One run is a world (world.c): a simulated network, the machine, the drivers, the scenario, the
 * unload. Where its decisions come from is its source: a seed, a tape, or a tape with failures of
 * allocations added. Runs that may fail happen in a child process (runner.c), which shares its
 * outcome with this one, so that it can be read however the child ended.
 */
#ifndef OPENWSK_WSKSIM_H
#define OPENWSK_WSKSIM_H

#include "host/sim.h"
#include "run/options/options.h"

#include <stdio.h>

struct scenario;

enum mode { MODE_SEEDS, MODE_BYTES, MODE_REPLAY, MODE_EXHAUST, MODE_OOM, MODE_CANCEL };

struct options {
    /* what runs; goes into tapes */
    struct common_options common; /* run_seconds of virtual time, unless the scenario says */
    char **drivers;
    int driver_count;
    const struct scenario *scenario; /* NULL: none */
    bool calm;                       /* --calm: no faults, in the network or above */
    /* how it is run */
    enum mode mode;
    uint64_t first_seed, last_seed;
    unsigned shard, shards;
    unsigned preemptions;
    bool only_threads; /* --while-threads */
    const char *tape_file;
    const char *byte_file; /* --bytes; NULL: none */
    const char *tape_dir;
    bool shrink, keep_going, apart, gdb, timeline, twice, coverage;
    FILE *hashes; /* NULL: nobody wants them */
    unsigned jobs;
    uint64_t stop_at;
    void (*covered)(const void *pc); /* told of basic blocks of drivers; NULL: nobody wants it */
    char **tape_words; /* the command line that a tape brought; drivers may point into it */
    int argc;          /* the words that say what runs, for the tape */
    char **argv;
};

/* ---- options.c ---- */

void parse_options(struct options *o, int argc, char **argv);

/* ---- trouble that is made at one decision ---- */

enum trouble {
    TROUBLE_CANCEL, /* every request that can be cancelled is */
    TROUBLE_UNLOAD, /* the unload begins */
    TROUBLE_FIN,    /* the model peers end their side of every connection, */
    TROUBLE_RESET,  /* or reset it */
    TROUBLE_LEAVE,  /* the WSK provider leaves NMR */
    TROUBLE_SIGNAL, /* the event TROUBLE_EVENT is set: a driver's cue to close a socket, or so */
    TROUBLES
};
#define TROUBLE_EVENT "\\BaseNamedObjects\\WskSimTrouble"

/* "cancel": as on a tape. */
const char *trouble_name(enum trouble trouble);

/* ---- where decisions come from ---- */

struct source {
    bool seeded;
    uint64_t seed;
    const struct host_tape *replay;
    const uint8_t *bytes; /* of a fuzzer */
    size_t byte_count;
    /* Questions whether to fail, counted from 1: the one that is answered yes (0: none), and
     * whether all later ones are, too. */
    uint64_t fail_at;
    bool fail_on;
    /* All those that come from this call stack are; 0: none. And whether the outcome is to name all
     * stacks that there are. */
    uint64_t fail_stack;
    bool name_stacks;
    enum trouble trouble;
    uint64_t trouble_at;                /* the decision at which it is made; 0: none */
    struct host_decision trouble_visit; /* where that was, from a tape; its visit is 0: not known */
    /* Answers decisions about switches in its own way (see host_sim_config); NULL: 0. */
    uint32_t (*branch)(uint32_t n, const char *site);
};

/* ---- coverage.c: what runs have seen ---- */

#define COVERAGE_ROWS 512
struct coverage {
    unsigned count;
    uint64_t lost; /* of all names that found the table full */
    struct coverage_row {
        char name[48];
        uint64_t times;
    } rows[COVERAGE_ROWS];
};

/* Counts; what has no room counts together. */
void coverage_add(struct coverage *c, uint64_t times, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void coverage_merge(struct coverage *to, const struct coverage *from);
void coverage_print(struct coverage *c);
/* Is something missing that the scenario expects? Says what. */
bool coverage_is_weak(const struct options *o, const struct coverage *c);

/* ---- the outcome of a run, in memory that parent and child share ---- */

#define MAX_DECISIONS (1u << 18)
#define OUTPUT_BYTES  (256u << 10)
#define MAX_STACKS    4096

struct outcome {
    int status;        /* as an exit status */
    char failure[256]; /* what it is known by; "" if none */
    struct host_sim_result result;
    uint64_t faults; /* questions whether to fail */
    struct host_tape tape;
    struct host_decision decisions[MAX_DECISIONS];
    uint64_t window, points;            /* decisions before the load, and in all */
    struct host_decision trouble_visit; /* where trouble was made; its visit is 0: nowhere */
    bool concerns[TROUBLES];            /* is there anybody whom such trouble concerns? */
    unsigned stack_count;               /* see name_stacks */
    uint64_t stacks[MAX_STACKS];
    struct coverage coverage; /* of all runs with this outcome, if it is wanted */
    size_t output_length;
    char output[OUTPUT_BYTES]; /* what the run printed, when it is not shown */
};

/* NULL: no memory. */
struct outcome *outcome_new(void);
void outcome_free(struct outcome *out);

/* ---- world.c ---- */

/* How much of a run is shown. */
enum show { SHOW_NOTHING, SHOW_OUTPUT, SHOW_TIMELINE };

/*
 * Runs in this process. true: another run may follow in it. A run that crashes or is stuck ends the
 * process; `out` is filled all the same.
 */
bool run_here(const struct options *o, const struct source *source, enum show show,
              struct outcome *out);

/* ---- stacks.c ---- */

/* The caller asks for memory: shall it fail for its call stack's sake? Notes the stack in `out`. */
bool stack_fails(const struct source *source, struct outcome *out);

/* ---- runner.c ---- */

/* The same in a child process. */
void run_apart(const struct options *o, const struct source *source, enum show show,
               struct outcome *out);

/* From how the child ended (waitpid): the status, and a failure that it could not name itself. */
void outcome_settle(struct outcome *out, int status);

/* ---- tape.c ---- */

/* Writes it to DIR/fail-HASH.tape; the name, which is valid until the next call. */
const char *tape_write(const struct options *o, const struct source *source,
                       const struct outcome *out);
/* Reads it, decisions into `tape`; ends the program when the file is no tape. */
void tape_read(const char *file, struct host_tape *tape, struct source *source, char *failure,
               size_t size);
/* The words of the command line that a tape was made with. */
char **tape_words(const char *file, int *count);
/* "echo+0x1c (echo.c:12)" or a name: where a decision was made. `o` NULL: in this process. */
void decision_place(const struct options *o, const struct host_decision *d, char *text,
                    size_t size);

/* ---- the modes; each returns an exit status ---- */

int sweep_seeds(const struct options *o);
int run_bytes(const struct options *o); /* bytes.c */
int replay_tape(const struct options *o);
int exhaust(const struct options *o); /* orders.c */
int sweep_failures(const struct options *o);
int sweep_cancels(const struct options *o);

/* One run, with its output or its timeline. `what` it is, for the report. */
int show_run(const struct options *o, const struct source *source, const char *what);

/* The run to which all others are compared. Ends the program when it fails by itself. */
struct outcome *boring_run(const struct options *o, bool name_stacks);

/* ---- shrink.c ---- */

/* Makes the tape in `out` as small as it goes while the same failure happens; the runs it took. */
unsigned shrink(const struct options *o, const struct source *source, struct outcome *out);

/* ---- report.c ---- */

/* A failure: its output, a tape (shrunk if asked for), and the command that replays it. */
void report_failure(const struct options *o, const struct source *source, struct outcome *out,
                    const char *what);

/* ---- timeline.c ---- */

void timeline_begin(void);
void timeline_passed(const char *site);
void timeline_decided(const struct host_decision *d);
void timeline_end(void);

/* ---- progress.c ---- */

/* A line that is overwritten on a terminal, once a second. */
struct progress {
    const char *unit; /* "seeds" */
    uint64_t total, done, failed;
    int64_t start_ns, shown_ns;
};
void progress_begin(struct progress *p, const char *unit, uint64_t total);
void progress_show(struct progress *p, bool last);

#endif
