/*
 * params.c: the values under a service's Parameters key. They are kept as text until a driver is
 * loaded, because only then its service exists.
 */
#include "run/lib/machine.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* 1: a number; 0: text; -1: a number that does not fit. */
static int parse_number(const char *text, uint32_t *number)
{
    const char *digits = text + (*text == '-');
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    char *end;

    if (!isdigit((unsigned char)*digits))
        return 0;
    errno = 0;
    long long value = strtoll(text, &end, hex ? 16 : 10);
    if (*end)
        return 0;
    if (errno || value > UINT32_MAX || value < INT32_MIN)
        return -1;
    *number = (uint32_t)value;
    return 1;
}

int ow_set_parameter(const char *driver, const char *name, const char *value,
                     struct ow_status *status)
{
    uint32_t number = 0;
    int kind = parse_number(value, &number);

    if (!*name)
        return run_fail(status, OW_INVALID, 0, "a parameter needs a name");
    if (kind < 0)
        return run_fail(status, OW_INVALID, 0, "%s does not fit a REG_DWORD (32 bits)", value);
    struct parameter *p = calloc(1, sizeof(*p));
    if (!p)
        return run_fail(status, OW_SYSTEM, 0, "out of memory");
    p->driver = driver ? strdup(driver) : NULL;
    p->name = strdup(name);
    p->text = strdup(value);
    p->is_number = kind;
    p->number = number;
    if ((driver && !p->driver) || !p->name || !p->text) {
        free(p->driver);
        free(p->name);
        free(p->text);
        free(p);
        return run_fail(status, OW_SYSTEM, 0, "out of memory");
    }
    struct parameter **last = &run_machine.parameters;
    while (*last)
        last = &(*last)->next;
    *last = p;
    return run_ok(status);
}

int run_apply_parameters(const char *service, struct ow_status *status)
{
    uint32_t ntstatus = kernel_create_service(service);

    if (kernel_failed(ntstatus))
        return run_fail_nt(status, OW_SYSTEM, ntstatus,
                           "cannot make the registry key of %s: ", service);
    for (const struct parameter *p = run_machine.parameters; p; p = p->next) {
        if (p->driver && strcasecmp(p->driver, service) != 0)
            continue;
        ntstatus = kernel_set_parameter(service, p->name, p->is_number ? NULL : p->text, p->number);
        if (kernel_failed(ntstatus))
            return run_fail_nt(status, OW_SYSTEM, ntstatus,
                               "cannot set the parameter %s of %s: ", p->name, service);
    }
    return OW_OK;
}
