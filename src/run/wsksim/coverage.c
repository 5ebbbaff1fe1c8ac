/*
 * coverage.c: what the runs of a sweep have seen: how requests ended, which faults fired, what came
 * of the peers' connections. A sweep that has never seen what it is for proves little, however many
 * of its runs went well.
 *
 * Each worker counts into its own table, in memory that it shares with the first process, which
 * adds them up when the workers have ended.
 */
#include "scenario.h"
#include "wsksim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void coverage_add(struct coverage *c, uint64_t times, const char *format, ...)
{
    char name[sizeof(c->rows->name)];
    va_list args;
    unsigned i = 0;

    if (!times)
        return;
    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    while (i < c->count && strcmp(c->rows[i].name, name) != 0)
        i++;
    if (i == COVERAGE_ROWS) {
        c->lost += times;
        return;
    }
    if (i == c->count)
        memcpy(c->rows[c->count++].name, name, sizeof(name));
    c->rows[i].times += times;
}

void coverage_merge(struct coverage *to, const struct coverage *from)
{
    for (unsigned i = 0; i < from->count; i++)
        coverage_add(to, from->rows[i].times, "%s", from->rows[i].name);
    to->lost += from->lost;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct coverage_row *)a)->name, ((const struct coverage_row *)b)->name);
}

void coverage_print(struct coverage *c)
{
    qsort(c->rows, c->count, sizeof(*c->rows), by_name);
    for (unsigned i = 0; i < c->count; i++)
        printf("%12" PRIu64 "  %s\n", c->rows[i].times, c->rows[i].name);
    if (c->lost)
        printf("%12" PRIu64 "  others, for which the table has no room\n", c->lost);
}

static uint64_t times_of(const struct coverage *c, const char *beginning)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < c->count; i++)
        if (strncmp(c->rows[i].name, beginning, strlen(beginning)) == 0)
            sum += c->rows[i].times;
    return sum;
}

bool coverage_is_weak(const struct options *o, const struct coverage *c)
{
    bool weak = false;

    for (unsigned i = 0; o->scenario && i < o->scenario->expect_count; i++) {
        if (times_of(c, o->scenario->expect[i]))
            continue;
        complain("weak: no run has seen what the scenario expects: %s", o->scenario->expect[i]);
        weak = true;
    }
    return weak;
}
