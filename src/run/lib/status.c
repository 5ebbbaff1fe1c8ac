/*
 * status.c: how the library says what went wrong: the names of NTSTATUS values and the texts
 * of struct ow_status.
 */
#include "run/lib/runp.h"

#include "host/host.h"
#include "run/lib/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ow_verbosity verbosity;

const char *ow_version(void)
{
    return OPENWSK_VERSION;
}

const char *ow_ntstatus_name(uint32_t ntstatus)
{
    return kernel_status_name(ntstatus);
}

int run_ok(struct ow_status *status)
{
    if (status)
        memset(status, 0, sizeof(*status));
    return OW_OK;
}

static void fill(struct ow_status *status, enum ow_error error, uint32_t ntstatus,
                 const char *format, va_list args)
{
    status->error = error;
    status->ntstatus = ntstatus;
    vsnprintf(status->text, sizeof(status->text), format, args);
}

int run_fail(struct ow_status *status, enum ow_error error, uint32_t ntstatus, const char *format,
             ...)
{
    va_list args;

    if (!status)
        return error;
    va_start(args, format);
    fill(status, error, ntstatus, format, args);
    va_end(args);
    return error;
}

int run_fail_nt(struct ow_status *status, enum ow_error error, uint32_t ntstatus,
                const char *format, ...)
{
    va_list args;

    if (!status)
        return error;
    va_start(args, format);
    fill(status, error, ntstatus, format, args);
    va_end(args);
    size_t used = strlen(status->text);
    const char *name = ow_ntstatus_name(ntstatus);
    snprintf(status->text + used, sizeof(status->text) - used, "%s (0x%08X)",
             name ? name : "a status without a name", ntstatus);
    return error;
}

void run_set_verbosity(enum ow_verbosity v)
{
    verbosity = v;
}

void run_say(enum ow_verbosity at_least, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (verbosity < at_least)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    host_printf("openwsk: %s\n", text);
}
