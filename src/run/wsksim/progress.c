/*
 * progress.c: how far a sweep is, once a second, on a terminal in one line that is overwritten.
 */
#include "wsksim.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

void progress_begin(struct progress *p, const char *unit, uint64_t total)
{
    *p = (struct progress){ .unit = unit, .total = total, .start_ns = now_ns() };
    p->shown_ns = p->start_ns;
}

void progress_show(struct progress *p, bool last)
{
    int64_t now = now_ns();
    bool terminal = isatty(STDERR_FILENO);

    if (!last && now - p->shown_ns < (terminal ? SECOND_NS : 10 * SECOND_NS))
        return;
    p->shown_ns = now;
    double seconds = (double)(now - p->start_ns) / SECOND_NS;
    double rate = seconds > 0 ? (double)p->done / seconds : 0;
    fprintf(stderr, "%s%" PRIu64 "/%" PRIu64 " %s, %.0f a minute, %" PRIu64 " failed",
            terminal ? "\r\033[K" : "", p->done, p->total, p->unit, rate * 60, p->failed);
    if (!last && rate > 0) {
        long left = (long)((double)(p->total - p->done) / rate);
        fprintf(stderr, ", %ld:%02ld left", left / 60, left % 60);
    }
    fprintf(stderr, "%s", terminal && !last ? "" : "\n");
    fflush(stderr);
}
