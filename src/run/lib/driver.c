/*
 * driver.c: loads a driver's file, runs DriverEntry, and later unloads it.
 *
 * The order on the way out matters: DriverUnload, the driver object, the leak check (it names
 * source lines, so the image must still be there), the image. An image of which a thread, timer or
 * DPC is left behind stays in memory, as calling into unmapped code would hide what went wrong.
 */
#include "run/lib/machine.h"

#include "verify/vf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_CHECKED 8

static struct ow_driver *find_driver(const char *name)
{
    struct ow_driver *d = run_machine.drivers;

    while (d && strcmp(d->name, name) != 0)
        d = d->next;
    return d;
}

static void free_driver(struct ow_driver *d)
{
    free(d->path);
    free(d);
}

/* The driver is gone for NT, but code or data of its image may still be used. */
static void keep(struct ow_driver *d)
{
    run_machine.pinned = true;
    d->next = run_machine.kept;
    run_machine.kept = d;
}

/* What the driver left behind is reported; the image goes, unless something may still call it. */
static void remove_image(struct ow_driver *d)
{
    if (vf_sweep(d->low, d->high, d->name)) {
        keep(d);
        return;
    }
    run_image_remove(d->low);
    host_module_close(d->module);
    free_driver(d);
}

static int check_file(const char *path, struct ow_status *status)
{
    char sanitizers[512];
    int error = run_inspect(path, status);

    if (error)
        return error;
    error = ow_preload(path, sanitizers, sizeof(sanitizers), NULL, status);
    if (error)
        return error;
    if (*sanitizers)
        return run_fail(status, OW_LOAD, 0,
                        "%s was compiled with a sanitizer that must be in the process from its "
                        "start; run with LD_PRELOAD=%s",
                        path, sanitizers);
    return OW_OK;
}

/*
 * What a thread has checked it need not read again while the file stays the same: wsksim loads the
 * same driver for each of a million runs.
 */
static int check_once(const char *path, struct ow_status *status)
{
    static _Thread_local struct stat checked[MAX_CHECKED];
    static _Thread_local unsigned next;
    struct stat now;

    if (stat(path, &now))
        return check_file(path, status);
    for (unsigned i = 0; i < MAX_CHECKED; i++)
        if (checked[i].st_ino == now.st_ino && checked[i].st_dev == now.st_dev &&
            checked[i].st_size == now.st_size && checked[i].st_ctim.tv_sec == now.st_ctim.tv_sec &&
            checked[i].st_ctim.tv_nsec == now.st_ctim.tv_nsec)
            return OW_OK;
    int error = check_file(path, status);
    if (!error)
        checked[next++ % MAX_CHECKED] = now;
    return error;
}

static int open_image(struct ow_driver *d, const char *path, struct ow_status *status)
{
    char why[512];
    char full[PATH_MAX];
    int error = check_once(path, status);

    if (error)
        return error;
    /* A name without a slash would be searched for in the library path. */
    d->path = realpath(path, full) ? strdup(full) : NULL;
    if (!d->path)
        return run_fail(status, OW_SYSTEM, 0, "out of memory");
    d->module = host_module_open(d->path, why, sizeof(why));
    if (!d->module)
        return run_fail(status, OW_LOAD, 0, "%s cannot be loaded: %s", path, why);
    host_module_range(d->module, &d->low, &d->high);
    run_image_add(d->low, d->high, d->name);
    return OW_OK;
}

static int enter(struct ow_driver *d, struct ow_status *status)
{
    void *entry = host_module_symbol(d->module, "GsDriverEntry");
    int error = run_apply_parameters(d->name, status);

    if (!entry)
        entry = host_module_symbol(d->module, "DriverEntry");
    if (error)
        return error;
    uint32_t ntstatus = kernel_load_driver(d->name, d->low, d->high, entry, &d->kernel);
    if (kernel_failed(ntstatus))
        return run_fail_nt(status, OW_ENTRY, ntstatus, "DriverEntry of %s failed with ", d->name);
    return OW_OK;
}

int ow_load(const char *path, struct ow_driver **driver, struct ow_status *status)
{
    if (!run_machine.running)
        return run_fail(status, OW_INVALID, 0, "boot the machine before loading a driver");
    struct ow_driver *d = calloc(1, sizeof(*d));
    if (!d)
        return run_fail(status, OW_SYSTEM, 0, "out of memory");
    run_service_name(path, d->name, sizeof(d->name));
    int error;
    if (find_driver(d->name)) {
        error =
            run_fail(status, OW_LOAD, 0,
                     "a driver named %s is loaded already; give each its own file name", d->name);
        goto free_driver;
    }
    error = open_image(d, path, status);
    if (error)
        goto free_driver;
    run_say(OW_VERBOSE, "%s: image at 0x%lx-0x%lx", d->name, (unsigned long)d->low,
            (unsigned long)d->high);
    error = enter(d, status);
    if (error) {
        remove_image(d);
        return error;
    }
    d->next = run_machine.drivers;
    run_machine.drivers = d;
    *driver = d;
    return run_ok(status);

free_driver:
    free_driver(d);
    return error;
}

void run_remove_driver(struct ow_driver *d, bool with_image)
{
    struct ow_driver **link = &run_machine.drivers;

    while (*link != d)
        link = &(*link)->next;
    *link = d->next;
    if (with_image)
        remove_image(d);
    else
        keep(d);
}

const char *ow_driver_name(const struct ow_driver *driver)
{
    return driver->name;
}
