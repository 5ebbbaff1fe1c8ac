/*
 * options.c: the options that wskrun and wsksim share. Every error is one line that says what to
 * write instead, and exit status 2.
 */
#include "run/options/options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS    64
#define MAX_SECONDS 1000000

/* ---- messages -------------------------------------------------------------------------------- */

static void say(const char *format, va_list args)
{
    char text[2048];

    vsnprintf(text, sizeof(text), format, args);
    fprintf(stderr, "%s: %s\n", program.name, text);
}

void usage_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    exit(EXIT_USAGE);
}

void complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
}

void note(const struct common_options *o, const char *format, ...)
{
    va_list args;

    if (o->machine.verbosity < OW_NORMAL)
        return;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

/* ---- values ---------------------------------------------------------------------------------- */

void *grow(void *array, size_t count, size_t size)
{
    void *more = realloc(array, (count + 1) * size);

    if (!more)
        usage_error("out of memory");
    return more;
}

char *copy_text(const char *from, size_t length)
{
    char *s = strndup(from, length);

    if (!s)
        usage_error("out of memory");
    return s;
}

/* A decimal number without a sign in that range. */
static bool read_number(const char *value, uint64_t low, uint64_t high, uint64_t *n)
{
    char *end;

    errno = 0;
    *n = strtoull(value, &end, 10);
    return !errno && end != value && !*end && *value != '-' && *n >= low && *n <= high;
}

uint64_t parse_number(const char *option, const char *value, uint64_t low, uint64_t high)
{
    uint64_t n;

    if (!read_number(value, low, high, &n))
        usage_error("%s %s: give a number from %" PRIu64 " to %" PRIu64, option, value, low, high);
    return n;
}

double parse_seconds(const char *option, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end || !isfinite(seconds) || seconds < 0 || seconds > MAX_SECONDS)
        usage_error("%s %s: not a number of seconds; for example: %s 2.5", option, value, option);
    return seconds;
}

static unsigned parse_milliseconds(const char *option, const char *value)
{
    uint64_t n;

    if (!read_number(value, 0, MAX_SECONDS * UINT64_C(1000), &n))
        usage_error("%s %s: not a number of milliseconds; for example: %s 500", option, value,
                    option);
    return (unsigned)n;
}

/* ---- options --------------------------------------------------------------------------------- */

static void add_param(struct common_options *o, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *colon = strchr(text, ':');

    if (colon && equals && colon > equals)
        colon = NULL;
    const char *name = colon ? colon + 1 : text;
    if (!equals || equals == name || colon == text)
        usage_error("--param %s: write it as NAME=VALUE or DRIVER:NAME=VALUE", text);
    o->params = grow(o->params, (size_t)o->param_count, sizeof(*o->params));
    struct param *p = &o->params[o->param_count++];
    p->driver = colon ? copy_text(text, (size_t)(colon - text)) : NULL;
    p->name = copy_text(name, (size_t)(equals - name));
    p->value = copy_text(equals + 1, strlen(equals + 1));
}

static void add_host(struct common_options *o, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t n = o->machine.host_count;

    if (!equals || equals == text || !equals[1])
        usage_error("--host %s: write it as NAME=ADDR, for example --host server=10.0.0.2", text);
    struct ow_host *hosts = grow((void *)o->machine.hosts, n, sizeof(*hosts));
    hosts[n].name = copy_text(text, (size_t)(equals - text));
    hosts[n].address = equals + 1;
    o->machine.hosts = hosts;
    o->machine.host_count = n + 1;
}

static const struct option common[] = { { "for", required_argument, NULL, O_FOR },
                                        { "param", required_argument, NULL, O_PARAM },
                                        { "host", required_argument, NULL, O_HOST },
                                        { "cpus", required_argument, NULL, O_CPUS },
                                        { "verify", required_argument, NULL, O_VERIFY },
                                        { "config", required_argument, NULL, O_CONFIG },
                                        { "ready-delay", required_argument, NULL, O_READY },
                                        { "quiet", no_argument, NULL, O_QUIET },
                                        { "verbose", no_argument, NULL, O_VERBOSE },
                                        { "help", no_argument, NULL, O_HELP },
                                        { "version", no_argument, NULL, O_VERSION },
                                        { NULL, 0, NULL, 0 } };

/* The common options and the program's own, in one table for getopt_long(). */
static const struct option *all_options(void)
{
    const struct option *const parts[] = { common, program.options };
    static struct option *all;
    size_t n = 0;

    if (all)
        return all;
    for (size_t i = 0; i < 2; i++)
        for (const struct option *o = parts[i]; o->name; o++) {
            all = grow(all, n, sizeof(*all));
            all[n++] = *o;
        }
    all = grow(all, n, sizeof(*all));
    memset(&all[n], 0, sizeof(*all));
    return all;
}

int next_option(int argc, char **argv)
{
    opterr = 0;
    int which = getopt_long(argc, argv, ":", all_options(), NULL);

    if (which == ':')
        usage_error("%s needs a value after it; see %s --help", argv[optind - 1], program.name);
    if (which == '?')
        usage_error("%s: no such option, or it is written differently; see %s --help",
                    argv[optind - 1], program.name);
    return which;
}

const char *option_name(int which)
{
    const struct option *o = all_options();

    while (o->val != which)
        o++;
    return o->name;
}

bool take_machine_option(struct common_options *o, int which, const char *value)
{
    switch (which) {
    case O_FOR:
        o->run_seconds = parse_seconds("--for", value);
        return true;
    case O_PARAM:
        add_param(o, value);
        return true;
    case O_HOST:
        add_host(o, value);
        return true;
    case O_CPUS:
        o->machine.cpus = (unsigned)parse_number("--cpus", value, 1, MAX_CPUS);
        return true;
    case O_VERIFY:
        o->machine.verify = value;
        return true;
    case O_CONFIG:
        o->machine.config = value;
        return true;
    case O_READY:
        o->machine.ready_delay_ms = parse_milliseconds("--ready-delay", value);
        return true;
    default:
        return false;
    }
}

bool take_talk_option(struct common_options *o, int which)
{
    switch (which) {
    case O_QUIET:
        o->machine.verbosity = OW_QUIET;
        return true;
    case O_VERBOSE:
        o->machine.verbosity = OW_VERBOSE;
        return true;
    case O_HELP:
        fputs(program.help, stdout);
        exit(EXIT_FINE);
    case O_VERSION:
        printf("%s (OpenWSK) %s\n", program.name, ow_version());
        exit(EXIT_FINE);
    default:
        return false;
    }
}

void need_driver(int count)
{
    if (!count)
        usage_error("no driver given; try: %s ./driver.so, or %s --help", program.name,
                    program.name);
}
