/*
 * race.c: what the thread sanitizer finds in a run becomes a failure of that run, like any other:
 * it is found by a seed, shrunk, and shown again by its tape. Part of that sanitizer's build only.
 *
 * The sanitizer calls in the middle of an access and with locks of its own held, so that a report
 * is only kept there, and told at the next point.
 */
#include "host/sim/sched.h"

#ifdef HOST_SIM_TSAN
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FRAMES   24
#define ACCESSES 2
#define KEPT     8 /* of reports between two points, of pairs told; any more are not told */

struct access {
    bool write, atomic;
    int tid;
    char thread[24];
    void *frames[FRAMES];
};
static struct report {
    char what[40];
    struct access accesses[ACCESSES];
} reports[KEPT];
static unsigned report_count;
static char told[KEPT][300]; /* of this run: a pair meets more than once */
static unsigned told_count;

/* The sanitizer's side: sanitizer/tsan_interface.h of other compilers; gcc has no header for it. */
int __tsan_get_report_data(void *report, const char **description, int *count, int *stack_count,
                           int *mop_count, int *loc_count, int *mutex_count, int *thread_count,
                           int *unique_tid_count, void **sleep_trace, unsigned long trace_size);
int __tsan_get_report_mop(void *report, unsigned long index, int *tid, void **address, int *size,
                          int *write, int *atomic, void **trace, unsigned long trace_size);
int __tsan_get_report_thread(void *report, unsigned long index, int *tid, unsigned long long *os_id,
                             int *running, const char **name, int *parent_tid, void **trace,
                             unsigned long trace_size);
void __sanitizer_set_report_fd(void *fd);
#define CALLED_BY_IT __attribute__((visibility("default")))
CALLED_BY_IT const char *__tsan_default_options(void);
CALLED_BY_IT void __tsan_on_report(void *report);

/* Each run is to see what it would see if it were the only one; its exit status is wsksim's. */
const char *__tsan_default_options(void)
{
    return "suppress_equal_stacks=0:suppress_equal_addresses=0:exitcode=0";
}

static void keep_access(void *report, unsigned index, struct access *a)
{
    void *address;
    int size, write, atomic;

    __tsan_get_report_mop(report, index, &a->tid, &address, &size, &write, &atomic, a->frames,
                          FRAMES);
    a->write = write;
    a->atomic = atomic;
}

static void keep_thread(void *report, unsigned index, struct report *r)
{
    unsigned long long os_id;
    int tid, running, parent;
    const char *name = NULL;
    void *trace[1];

    __tsan_get_report_thread(report, index, &tid, &os_id, &running, &name, &parent, trace, 1);
    for (unsigned i = 0; i < ACCESSES; i++)
        if (r->accesses[i].tid == tid && name)
            snprintf(r->accesses[i].thread, sizeof(r->accesses[i].thread), "%s", name);
}

void __tsan_on_report(void *report)
{
    const char *what;
    int count, stacks, accesses, places, mutexes, threads, tids;
    void *trace[1];

    if (!sched.on || report_count == KEPT)
        return;
    struct report *r = &reports[report_count++];
    memset(r, 0, sizeof(*r));
    __tsan_get_report_data(report, &what, &count, &stacks, &accesses, &places, &mutexes, &threads,
                           &tids, trace, 1);
    snprintf(r->what, sizeof(r->what), "%s", what);
    for (int i = 0; i < accesses && i < ACCESSES; i++)
        keep_access(report, (unsigned)i, &r->accesses[i]);
    for (int i = 0; i < threads; i++)
        keep_thread(report, (unsigned)i, r);
}

/* "f" of "f (file.c:12)": what a report is known by must outlive changes of the sources. */
static void function_of(const struct access *a, char *name, size_t size)
{
    host_symbolize(a->frames[0], name, size);
    name[strcspn(name, " ")] = '\0';
}

static void print(const struct access *a, const char *verb)
{
    char where[256];

    host_printf("  %s %s%s by thread \"%s\":\n", verb, a->atomic ? "atomic " : "",
                a->write ? "write" : "read", a->thread);
    for (unsigned i = 0; i < FRAMES && a->frames[i]; i++) {
        if (i && a->frames[i] == a->frames[i - 1]) /* an inlined function's; the line says more */
            continue;
        host_symbolize(a->frames[i], where, sizeof(where));
        host_printf("      %s\n", where);
    }
}

static bool is_new(const char *key)
{
    for (unsigned i = 0; i < told_count; i++)
        if (strcmp(told[i], key) == 0)
            return false;
    if (told_count < KEPT)
        snprintf(told[told_count++], sizeof(told[0]), "%s", key);
    return true;
}

static void tell(const struct report *r)
{
    char names[ACCESSES][128], key[sizeof(told[0])];

    function_of(&r->accesses[0], names[0], sizeof(names[0]));
    function_of(&r->accesses[1], names[1], sizeof(names[1]));
    bool swap = strcmp(names[0], names[1]) > 0; /* which comes first is up to the schedule */
    snprintf(key, sizeof(key), "%s: %s and %s", r->what, names[swap], names[!swap]);
    if (!is_new(key))
        return;
    sched.races++;
    host_note_failure("%s", key);
    host_printf("openwsk: %s: nothing orders these two:\n", r->what);
    print(&r->accesses[0], "a");
    print(&r->accesses[1], "an earlier");
}

void races_begin(void)
{
    static bool quiet;

    report_count = told_count = 0;
    if (quiet)
        return;
    quiet = true; /* we print them ourselves */
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        __sanitizer_set_report_fd((void *)(intptr_t)fd);
}

void races_tell(void)
{
    const struct fiber *f = sched.running;

    if (!report_count || f->held[0] || f->held[1]) /* telling takes a lock */
        return;
    host_sim_hold(true); /* who tells does not take part */
    for (unsigned i = 0; i < report_count; i++)
        tell(&reports[i]);
    report_count = 0;
    host_sim_hold(false);
}

#endif
