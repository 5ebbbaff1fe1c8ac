/*
 * report.c: what is said of a failed run, and the replay of its tape.
 */
#include "wsksim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void report_failure(const struct options *o, const struct source *source, struct outcome *out,
                    const char *what)
{
    if (out->output_length) {
        fputs("\n", stderr);
        fwrite(out->output, 1, out->output_length, stderr);
    }
    fprintf(stderr, "wsksim: %s failed: %s\n", what, out->failure);
    uint64_t before = out->tape.count;
    if (o->shrink && before) {
        unsigned runs = shrink(o, source, out);
        fprintf(stderr, "wsksim: shrunk from %" PRIu64 " decisions to %" PRIu64 " in %u runs\n",
                before, out->tape.count, runs);
    }
    fprintf(stderr, "wsksim: replay it with: wsksim --replay %s\n", tape_write(o, source, out));
}

static void run_in_debugger(const struct options *o)
{
    char stop[32];

    snprintf(stop, sizeof(stop), "%" PRIu64, o->stop_at ? o->stop_at : 1);
    execlp("gdb", "gdb", "-ex", "set follow-fork-mode child", "-ex", "run", "--args", "wsksim",
           "--replay", o->tape_file, "--until", stop, (char *)NULL);
    usage_error("--gdb: gdb is not there; install it (apt install gdb)");
}

/* What the tape has not decided. Of a run that ended in the middle nothing is known. */
static void report_drift(const struct host_sim_result *result)
{
    if (result->mismatches)
        fprintf(stderr,
                "wsksim: %" PRIu64 " decisions of the tape met another question than when it "
                "was made, and were answered with 0: the driver or OpenWSK has changed since\n",
                result->mismatches);
    if (result->unmet)
        fprintf(stderr, "wsksim: the run did not come to %" PRIu64 " decisions of the tape\n",
                result->unmet);
}

int replay_tape(const struct options *o)
{
    struct outcome *out = outcome_new();
    struct outcome *from = outcome_new();
    char failure[256];

    if (o->gdb)
        run_in_debugger(o);
    if (!out || !from)
        usage_error("out of memory");
    struct source source;
    tape_read(o->tape_file, &from->tape, &source, failure, sizeof(failure));
    run_apart(o, &source, o->timeline ? SHOW_TIMELINE : SHOW_OUTPUT, out);
    report_drift(&out->result);
    if (strcmp(failure, out->failure) != 0)
        fprintf(stderr, "wsksim: the tape was made of a run that failed with: %s\n", failure);
    if (!out->status)
        fprintf(stderr, "wsksim: this run did not fail; hash %016" PRIx64 "\n", out->tape.hash);
    else if (o->shrink)
        report_failure(o, &source, out, o->tape_file);
    else
        fprintf(stderr, "wsksim: failed: %s; hash %016" PRIx64 "\n", out->failure, out->tape.hash);
    int status = out->status;
    outcome_free(out);
    outcome_free(from);
    return status;
}
