/*
 * report.c: one finding, printed and counted.
 *
 * Every layer above reports the driver's mistakes here. A report is composed in one buffer and
 * written with one call, so that reports of several threads do not mix; nothing is locked, the
 * counters are atomic. Any thread, any IRQL.
 */
#include "verify/vfp.h"

#include "host/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPORT_BYTES 2048
#define CALLER_BYTES 512

typedef void vf_observer(const struct vf_finding *finding, void *context);
typedef void vf_stop_handler(const struct vf_finding *finding);

static unsigned counts[VF_STOP + 1];
/* Set while no driver runs. */
static vf_observer *observer;
static void *observer_context;
static vf_stop_handler *stop_handler;

static const char *const severity_names[] = {
    [VF_WARNING] = "warning", [VF_ERROR] = "error", [VF_STOP] = "stop"
};

/* Appends to a buffer; what does not fit is cut. */
__attribute__((format(printf, 3, 4))) static void append(char *out, size_t *used,
                                                         const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(out + *used, REPORT_BYTES - *used, format, args);
    va_end(args);
    if (n > 0)
        *used += (size_t)n < REPORT_BYTES - *used ? (size_t)n : REPORT_BYTES - *used - 1;
}

static void print_finding(const struct vf_finding *finding)
{
    char out[REPORT_BYTES];
    char where[CALLER_BYTES];
    size_t used = 0;

    append(out, &used, "openwsk: %s %s: %s\n", finding->rule, severity_names[finding->severity],
           finding->text);
    if (finding->caller) {
        host_symbolize(finding->caller, where, sizeof where);
        append(out, &used, "    at %s\n", where);
    }
    if (finding->clause)
        append(out, &used, "    contract: %s\n", finding->clause);
    out[used - 1] = '\n';
    host_print(out, used);
}

void vf_report(enum vf_severity severity, const char *rule, const char *clause, const void *caller,
               const char *format, ...)
{
    char text[REPORT_BYTES / 2];
    struct vf_finding finding = { severity, rule, clause, caller, text };
    va_list args;

    if (!vf_rule_on(rule))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    __atomic_fetch_add(&counts[severity], 1, __ATOMIC_RELAXED);
    host_note_failure("%s", rule);
    print_finding(&finding);
    if (observer)
        observer(&finding, observer_context);
    if (severity == VF_STOP && stop_handler)
        stop_handler(&finding);
}

void vf_on_finding(void (*see)(const struct vf_finding *finding, void *context), void *context)
{
    observer = see;
    observer_context = context;
}

void vf_on_stop(void (*stop)(const struct vf_finding *finding))
{
    stop_handler = stop;
}

unsigned vf_findings(enum vf_severity at_least)
{
    unsigned sum = 0;

    for (unsigned i = at_least; i <= VF_STOP; i++)
        sum += __atomic_load_n(&counts[i], __ATOMIC_RELAXED);
    return sum;
}

void vf_reset(void)
{
    for (unsigned i = 0; i <= VF_STOP; i++)
        __atomic_store_n(&counts[i], 0, __ATOMIC_RELAXED);
    vf_live_reset();
}
