/*
 * unload.c: DriverUnload under a watchdog.
 *
 * DriverUnload may wait for its sockets, threads or requests, and a driver with a bug waits for
 * ever. It runs on a thread of its own, so that the caller can say after five seconds what it waits
 * for, and give up later. `refs` is what the two threads share the struct by: who drops the last
 * reference frees it, so a thread that comes back after the caller has given up finds it intact.
 */
#include "run/lib/machine.h"

#include "verify/vf.h"
#include "wsk/wsk_boot.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_NS  INT64_C(1000000000)
#define PATIENCE_S 5

struct unload {
    struct kernel_driver *kernel;
    struct host_thread *caller, *worker;
    int done; /* atomic; set by the worker */
    int refs; /* atomic */
};

static void put(struct unload *u)
{
    if (__atomic_sub_fetch(&u->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(u);
}

static void work(void *arg)
{
    struct unload *u = arg;

    kernel_unload_driver(u->kernel);
    __atomic_store_n(&u->done, 1, __ATOMIC_RELEASE);
    host_unpark(u->caller);
    put(u);
}

static bool wait_until(struct unload *u, int64_t deadline_ns)
{
    while (!__atomic_load_n(&u->done, __ATOMIC_ACQUIRE)) {
        if (!host_park(deadline_ns) && host_now() >= deadline_ns)
            return __atomic_load_n(&u->done, __ATOMIC_ACQUIRE);
    }
    return true;
}

static void say_line(void *context, const char *text)
{
    (void)context;
    run_say(OW_QUIET, "  %s", text);
}

static void say_waits(const struct ow_driver *d, int64_t start)
{
    /* In tenths, without a zero at the end. */
    int64_t tenths = (host_now() - start) / (SECOND_NS / 10);
    double seconds = (double)tenths / 10;

    run_say(OW_QUIET, "%s has not unloaded after %g seconds; it waits for:", d->name, seconds);
    unsigned lines = WskpDescribeWaits(say_line, NULL);
    lines += vf_describe(d->low, d->high, say_line, NULL);
    if (!lines)
        run_say(OW_QUIET, "  nothing that OpenWSK knows of: an endless loop, or a wait for an "
                          "event that nobody sets?");
}

/* 0: DriverUnload has returned; OW_TIMEOUT: it has not, the worker is left to itself. */
static int run_unload(struct ow_driver *d, int timeout_ms, struct ow_status *status)
{
    int64_t start = host_now();
    int64_t end = timeout_ms < 0 ? HOST_FOREVER : start + timeout_ms * (SECOND_NS / 1000);
    int64_t patience = start + PATIENCE_S * SECOND_NS;
    struct unload *u = calloc(1, sizeof(*u));

    if (!u)
        return run_fail(status, OW_SYSTEM, 0, "out of memory");
    u->kernel = d->kernel;
    u->caller = host_self();
    u->refs = 2;
    if (host_thread_create(&u->worker, work, u, "unload")) {
        free(u);
        return run_fail(status, OW_SYSTEM, 0, "no thread to unload %s; see ulimit -u", d->name);
    }
    bool done = wait_until(u, end < patience ? end : patience);
    if (!done)
        say_waits(d, start);
    if (!done && end > patience)
        done = wait_until(u, end);
    if (done)
        host_thread_join(u->worker);
    put(u);
    if (done)
        return OW_OK;
    return run_fail(status, OW_TIMEOUT, 0,
                    "the unload did not end within %d.%d seconds; mend what it waits for, or give "
                    "it more time",
                    timeout_ms / 1000, timeout_ms % 1000 / 100);
}

int ow_unload(struct ow_driver *d, int timeout_ms, struct ow_status *status)
{
    if (!kernel_has_unload(d->kernel)) {
        int kept =
            run_fail(status, OW_OK, 0,
                     "%s has no DriverUnload; it stays loaded, as it would on Windows", d->name);
        run_remove_driver(d, false);
        return kept;
    }
    int error = run_unload(d, timeout_ms, status);
    run_machine.pinned |= error != OW_OK;
    if (error)
        return error;
    run_remove_driver(d, true);
    return run_ok(status);
}
