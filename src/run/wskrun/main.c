/*
 * main.c: wskrun, which loads drivers, lets them run and unloads them.
 */
#include "wskrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_driver(const struct options *o, const char *service)
{
    for (int i = 0; i < o->driver_count; i++) {
        const char *slash = strrchr(o->drivers[i], '/');
        const char *base = slash ? slash + 1 : o->drivers[i];
        size_t length = strlen(service);
        if (strncmp(base, service, length) == 0 && (!base[length] || base[length] == '.'))
            return true;
    }
    return false;
}

static void set_parameters(const struct options *o)
{
    struct ow_status why;

    for (int i = 0; i < o->common.param_count; i++) {
        const struct param *p = &o->common.params[i];
        if (p->driver && !has_driver(o, p->driver))
            usage_error("--param %s:%s=%s: no driver of that name is loaded; the name is the "
                        "file's, without directory and .so",
                        p->driver, p->name, p->value);
        if (ow_set_parameter(p->driver, p->name, p->value, &why))
            usage_error("--param %s=%s: %s", p->name, p->value, why.text);
    }
}

/* Ends the process without what a sanitizer does at the end. */
static __attribute__((noreturn)) void leave(int status)
{
    fflush(NULL);
#ifdef OPENWSK_COVERAGE
    exit(status); /* _exit() would lose the counts of the library */
#endif
    _exit(status);
}

/* Unloads in reverse order. Does not return when one of them gets stuck. */
static void unload(const struct options *o, struct ow_driver **drivers, int count)
{
    struct ow_status why;

    while (count--) {
        const char *path = o->drivers[count];
        int error = ow_unload(drivers[count], o->unload_timeout_ms, &why);
        if (error) {
            complain("%s: %s%s", path, why.text,
                     error == OW_TIMEOUT ? " with --unload-timeout" : "");
            leave(EXIT_STUCK);
        }
        if (why.text[0])
            note(&o->common, "%s", why.text);
        else
            note(&o->common, "%s is unloaded", path);
    }
}

/* The number of drivers that were loaded; fewer than asked for after a failure. */
static int load(const struct options *o, struct ow_driver **drivers)
{
    struct ow_status why;

    for (int i = 0; i < o->driver_count; i++) {
        if (ow_load(o->drivers[i], &drivers[i], &why)) {
            complain("%s", why.text);
            return i;
        }
        note(&o->common, "%s is loaded", o->drivers[i]);
    }
    return o->driver_count;
}

static int run(const struct options *o)
{
    struct ow_status why;
    struct ow_report found;
    struct ow_driver **drivers = calloc((size_t)o->driver_count, sizeof(*drivers));
    int command_status = 0;

    if (!drivers)
        usage_error("out of memory");
    int loaded = load(o, drivers);
    if (loaded == o->driver_count)
        command_status = wait_for_end(o);
    unload(o, drivers, loaded);
    free(drivers);
    if (ow_shutdown(&why))
        complain("%s", why.text);

    ow_report(&found);
    if (found.errors + found.warnings)
        note(&o->common, "%u error%s and %u warning%s were reported, see above", found.errors,
             found.errors == 1 ? "" : "s", found.warnings, found.warnings == 1 ? "" : "s");
    if (loaded < o->driver_count)
        return EXIT_LOAD;
    if (command_status)
        return command_status;
    return found.errors + found.warnings ? EXIT_FOUND : EXIT_FINE;
}

int main(int argc, char **argv)
{
    static struct options o;
    struct ow_status why;

    parse_options(&o, argc, argv);
    if (o.check)
        return check_drivers(&o);
    preload_sanitizers(&o, argv);
    set_parameters(&o);
    wait_start();
    if (ow_boot(&o.common.machine, &why)) {
        complain("%s", why.text);
        return why.error == OW_INVALID ? EXIT_USAGE : EXIT_LOAD;
    }
    int status = run(&o);
    if (status) {
        /* What a driver leaked was reported; a sanitizer would do it again, with its own status. */
        leave(status);
    }
    return EXIT_FINE;
}
