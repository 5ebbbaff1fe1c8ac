/*
 * tape.c: tapes as text, one line for each decision that was not the boring one.
 *
 *     # OpenWSK tape 2
 *     version 0.1.0
 *     arg --cpus
 *     arg 2
 *     arg echo.so
 *     cancel 212 "KeSetEvent" thread 4.11
 *     fail VF-POOL-07
 *     #41 preempt 1/3 "KeSetEvent" thread 4.12 (worker) at 1.000012 s, KeSetEvent
 *
 * All pending requests were cancelled (or other trouble: enum trouble) when thread 4 was there for
 * the 11th time. 1/3 is the second of three answers, and it was thread 4's 12th time at that place
 * (in drivers, all places count together: "driver"). What follows is for readers, as is the #41. A
 * tape with fewer lines is a tape, too: what is not there is answered with 0.
 */
#include "wsksim.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 4096

static const char magic[] = "# OpenWSK tape 2";

/* The drivers' images in this process, which only names their lines. */
static struct host_module *images[64];

static uintptr_t image_base(const struct options *o, unsigned number)
{
    uintptr_t low = 0, high;
    char why[256], path[PATH_MAX];

    /* A name without a slash would be searched for in the library path. */
    if (!images[number] && realpath(o->drivers[number], path))
        images[number] = host_module_open(path, why, sizeof(why));
    if (images[number])
        host_module_range(images[number], &low, &high);
    return low;
}

/* A child that were forked while they are here would load none anew: the data of the drivers would
 * stay from one run to the next. */
static void drop_images(void)
{
    for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
        if (images[i])
            host_module_close(images[i]);
        images[i] = NULL;
    }
}

void decision_place(const struct options *o, const struct host_decision *d, char *text, size_t size)
{
    uintptr_t base = d->image && o ? image_base(o, d->image - 1) : 0;

    if (base || (d->pc && !d->image))
        host_symbolize((const void *)(base + d->pc), text, size);
    else
        snprintf(text, size, "%s", d->site);
}

static void write_decision(FILE *f, const struct options *o, const struct host_decision *d)
{
    char place[256];

    decision_place(o, d, place, sizeof(place));
    fprintf(f, "#%" PRIu64 " %s %u/%u \"%s\" thread %u.%" PRIu64 " (%s) at %.9f s, %s\n", d->index,
            host_choice_name((enum host_choice)d->kind), d->value, d->n, d->site, d->fiber,
            d->visit, d->fiber_name, (double)d->now_ns / 1e9, place);
}

const char *tape_write(const struct options *o, const struct source *source,
                       const struct outcome *out)
{
    static char name[LINE_BYTES];

    snprintf(name, sizeof(name), "%s%sfail-%016" PRIx64 ".tape", o->tape_dir ? o->tape_dir : "",
             o->tape_dir ? "/" : "", out->tape.hash);
    FILE *f = fopen(name, "w");
    if (!f)
        usage_error("cannot write %s: %s", name, strerror(errno));
    fprintf(f, "%s\nversion %s\n", magic, ow_version());
    for (int i = 0; i < o->argc; i++)
        fprintf(f, "arg %s\n", o->argv[i]);
    if (source->trouble_at)
        fprintf(f, "%s %" PRIu64 " \"%s\" thread %u.%" PRIu64 "\n", trouble_name(source->trouble),
                source->trouble_at, out->trouble_visit.site, out->trouble_visit.fiber,
                out->trouble_visit.visit);
    fprintf(f, "fail %s\n", out->failure);
    for (uint64_t i = 0; i < out->tape.count; i++)
        write_decision(f, o, &out->tape.decisions[i]);
    drop_images();
    if (fclose(f))
        usage_error("cannot write %s: %s", name, strerror(errno));
    return name;
}

static bool parse_decision(const char *line, struct host_decision *d)
{
    char kind[16], site[sizeof(d->site)];

    memset(d, 0, sizeof(*d));
    if (sscanf(line, "#%" SCNu64 " %15s %u/%u \"%31[^\"]\" thread %u.%" SCNu64, &d->index, kind,
               &d->value, &d->n, site, &d->fiber, &d->visit) != 7)
        return false;
    for (d->kind = 0; d->kind <= HOST_CHOOSE_DELAY; d->kind++)
        if (strcmp(kind, host_choice_name((enum host_choice)d->kind)) == 0)
            break;
    snprintf(d->site, sizeof(d->site), "%s", site);
    return d->kind <= HOST_CHOOSE_DELAY && d->value < d->n;
}

/* Calls take() with each line after the first, without its end, and its number. */
static void read_lines(const char *file, void (*take)(void *context, char *line, unsigned number),
                       void *context)
{
    char line[LINE_BYTES];
    unsigned number = 1;
    FILE *f = fopen(file, "r");

    if (!f)
        usage_error("cannot read the tape %s: %s", file, strerror(errno));
    if (!fgets(line, sizeof(line), f) || strncmp(line, magic, sizeof(magic) - 1) != 0)
        usage_error("%s is no tape of wsksim: its first line is not \"%s\"", file, magic);
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = 0;
        take(context, line, ++number);
    }
    fclose(f);
}

struct reading {
    const char *file;
    struct host_tape *tape;
    struct source *source;
    char *failure;
    size_t failure_size;
    char **words;
    int count;
};

static void take_trouble(struct source *source, const char *line)
{
    for (enum trouble t = 0; t < TROUBLES; t++) {
        size_t length = strlen(trouble_name(t));
        struct host_decision *at = &source->trouble_visit;
        if (strncmp(line, trouble_name(t), length) == 0 &&
            sscanf(line + length, " %" SCNu64 " \"%31[^\"]\" thread %u.%" SCNu64,
                   &source->trouble_at, at->site, &at->fiber, &at->visit) > 0)
            source->trouble = t;
    }
}

static void take_decision(void *context, char *line, unsigned number)
{
    struct reading *r = context;

    if (strncmp(line, "fail ", 5) == 0)
        snprintf(r->failure, r->failure_size, "%s", line + 5);
    take_trouble(r->source, line);
    if (line[0] != '#')
        return;
    if (r->tape->count == r->tape->room)
        usage_error("%s:%u: too many decisions; at most %" PRIu64, r->file, number, r->tape->room);
    if (!parse_decision(line, &r->tape->decisions[r->tape->count]))
        usage_error("%s:%u: not a decision: %s", r->file, number, line);
    r->tape->count++;
}

void tape_read(const char *file, struct host_tape *tape, struct source *source, char *failure,
               size_t size)
{
    struct reading r = {
        .file = file, .tape = tape, .source = source, .failure = failure, .failure_size = size
    };

    *source = (struct source){ .replay = tape };
    tape->count = 0;
    *failure = 0;
    read_lines(file, take_decision, &r);
}

static void take_word(void *context, char *line, unsigned number)
{
    struct reading *r = context;

    (void)number;
    if (strncmp(line, "arg ", 4) != 0)
        return;
    r->words = realloc(r->words, ((size_t)r->count + 1) * sizeof(*r->words));
    if (!r->words || !(r->words[r->count++] = strdup(line + 4)))
        usage_error("out of memory");
}

char **tape_words(const char *file, int *count)
{
    struct reading r = { .file = file };

    read_lines(file, take_word, &r);
    *count = r.count;
    return r.words;
}
