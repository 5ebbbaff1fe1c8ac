/*
 * timeline.c: a run for readers: threads as columns, virtual time as rows, decisions marked.
 *
 * A row is a call into the kernel slice or a decision. Calls between decisions are many; of each
 * stretch only the first and the last few are shown.
 */
#include "wsksim.h"

#include <string.h>
#include <sys/mman.h>

#define MAX_COLUMNS 32
#define KEEP_ROWS   6 /* of a stretch, at each end */

struct row {
    int64_t now_ns;
    unsigned fiber;
    char text[64];
};

/* In memory that the run's process shares with this one, which prints the end of a run that
 * crashed. */
static struct stretch {
    unsigned passed;
    struct row last[KEEP_ROWS];
} * stretch;

static void print_row(const struct row *r, char mark)
{
    unsigned column = r->fiber < MAX_COLUMNS ? r->fiber : MAX_COLUMNS;

    printf("%c %13.9f ", mark, (double)r->now_ns / 1e9);
    for (unsigned i = 0; i < column; i++)
        printf("  .");
    printf("  [%u] %s\n", r->fiber, r->text);
}

static void end_stretch(void)
{
    unsigned passed = stretch->passed;
    unsigned more = passed > KEEP_ROWS ? passed - KEEP_ROWS : 0;
    unsigned shown = more < KEEP_ROWS ? more : KEEP_ROWS;

    if (more > shown)
        printf("  %13s ... %u more calls\n", "", more - shown);
    for (unsigned i = passed - shown; i < passed; i++)
        print_row(&stretch->last[i % KEEP_ROWS], ' ');
    stretch->passed = 0;
}

void timeline_begin(void)
{
    stretch =
        mmap(NULL, sizeof(*stretch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stretch == MAP_FAILED)
        usage_error("out of memory");
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("* %-13s threads as columns; * marks a decision that was not the boring one\n",
           "time, s");
}

void timeline_passed(const char *site)
{
    struct row r = { .now_ns = host_sim_now(), .fiber = host_sim_fiber() };

    snprintf(r.text, sizeof(r.text), "%s", site);
    if (stretch->passed < KEEP_ROWS)
        print_row(&r, ' ');
    stretch->last[stretch->passed++ % KEEP_ROWS] = r;
}

void timeline_decided(const struct host_decision *d)
{
    struct row r = { .now_ns = d->now_ns, .fiber = d->fiber };
    char place[256];

    end_stretch();
    decision_place(NULL, d, place, sizeof(place));
    snprintf(r.text, sizeof(r.text), "#%llu %s %u/%u", (unsigned long long)d->index,
             host_choice_name((enum host_choice)d->kind), d->value, d->n);
    print_row(&r, '*');
    printf("  %13s   in %s (%s)\n", "", place, d->fiber_name);
}

void timeline_end(void)
{
    end_stretch();
    fflush(stdout);
}
