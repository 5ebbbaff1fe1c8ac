/*
 * runner.c: runs in child processes: what happens to one cannot happen to the next.
 */
#include "wsksim.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct outcome *outcome_new(void)
{
    struct outcome *out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (out == MAP_FAILED)
        return NULL;
    out->tape.decisions = out->decisions;
    out->tape.room = MAX_DECISIONS;
    return out;
}

void outcome_free(struct outcome *out)
{
    munmap(out, sizeof(*out));
}

void run_apart(const struct options *o, const struct source *source, enum show show,
               struct outcome *out)
{
    int status = 0;

    if (show == SHOW_TIMELINE)
        timeline_begin();
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        usage_error("no more processes; see ulimit -u");
    if (child == 0) {
        run_here(o, source, show, out);
        fflush(NULL);
        host_exit(out->status);
    }
    while (waitpid(child, &status, 0) != child)
        ;
    if (show == SHOW_TIMELINE)
        timeline_end();
    outcome_settle(out, status);
}

void outcome_settle(struct outcome *out, int status)
{
    if (WIFEXITED(status)) {
        out->status = WEXITSTATUS(status);
    } else {
        out->status = EXIT_FOUND;
        if (!out->failure[0])
            snprintf(out->failure, sizeof(out->failure), "signal %d (%s)", WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    }
    if (out->status && !out->failure[0])
        snprintf(out->failure, sizeof(out->failure), "exit status %d", out->status);
    if (out->tape.count > out->tape.room)
        out->tape.count = out->tape.room;
}
