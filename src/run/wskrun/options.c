/*
 * options.c: the command line of wskrun. Every error is one line that says what to write instead,
 * and exit status 2.
 */
#include "wskrun.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS                  64
#define DEFAULT_UNLOAD_TIMEOUT_MS 10000
#define MAX_SECONDS               1000000

static const char help[] =
    "usage: wskrun [options] DRIVER [DRIVER...]\n"
    "\n"
    "Loads Windows drivers that wskcc compiled, in order, runs them, and unloads them in reverse\n"
    "order, on SIGINT or SIGTERM unless told otherwise.\n"
    "\n"
    "  --exec CMD            run sh -c CMD once all drivers are loaded; when it ends, unload\n"
    "  --for SECONDS         unload after SECONDS\n"
    "  --param NAME=VALUE    a value under the service's Parameters key, for every driver;\n"
    "                        DRIVER:NAME=VALUE for one. A number is a REG_DWORD, else a REG_SZ\n"
    "  --host NAME=ADDR      name resolution answers ADDR for NAME\n"
    "  --cpus N              virtual processors (default: the machine's)\n"
    "  --verify=LIST         the verifier's checks, separated by commas; none turns it off\n"
    "  --config=LIST         the other choice where WSK's documentation leaves one: pend-all,\n"
    "                        passive-callbacks, truncated-overflow, strict-send,\n"
    "                        concurrent-datagrams\n"
    "  --ready-delay MS      WSK becomes ready MS milliseconds after the start\n"
    "  --check               load nothing: list what each driver imports, and what is missing\n"
    "  --unload-timeout SECONDS   give up on an unload after SECONDS (default 10)\n"
    "  --quiet, --verbose    say less, more\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 all went well, nothing to report; 1 a driver could not be loaded or its\n"
    "DriverEntry failed; 2 wrong command line; 3 the verifier or the leak check reported "
    "something,\n"
    "or the driver crashed; 4 an unload did not end. With --exec, CMD's status when it is not 0.\n";

enum {
    O_EXEC = 256,
    O_FOR,
    O_PARAM,
    O_HOST,
    O_CPUS,
    O_VERIFY,
    O_CONFIG,
    O_READY,
    O_CHECK,
    O_CAPTURE,
    O_TRACE,
    O_UNLOAD,
    O_QUIET,
    O_VERBOSE,
    O_HELP,
    O_VERSION
};

static const struct option long_options[] = { { "exec", required_argument, NULL, O_EXEC },
                                              { "for", required_argument, NULL, O_FOR },
                                              { "param", required_argument, NULL, O_PARAM },
                                              { "host", required_argument, NULL, O_HOST },
                                              { "cpus", required_argument, NULL, O_CPUS },
                                              { "verify", required_argument, NULL, O_VERIFY },
                                              { "config", required_argument, NULL, O_CONFIG },
                                              { "ready-delay", required_argument, NULL, O_READY },
                                              { "check", no_argument, NULL, O_CHECK },
                                              { "capture", required_argument, NULL, O_CAPTURE },
                                              { "trace", required_argument, NULL, O_TRACE },
                                              { "unload-timeout", required_argument, NULL,
                                                O_UNLOAD },
                                              { "quiet", no_argument, NULL, O_QUIET },
                                              { "verbose", no_argument, NULL, O_VERBOSE },
                                              { "help", no_argument, NULL, O_HELP },
                                              { "version", no_argument, NULL, O_VERSION },
                                              { NULL, 0, NULL, 0 } };

static void say(const char *format, va_list args)
{
    char text[2048];

    vsnprintf(text, sizeof(text), format, args);
    fprintf(stderr, "wskrun: %s\n", text);
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

void note(const struct options *o, const char *format, ...)
{
    va_list args;

    if (o->machine.verbosity < OW_NORMAL)
        return;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

static void *grow(void *array, int count, size_t size)
{
    void *more = realloc(array, ((size_t)count + 1) * size);

    if (!more)
        usage_error("out of memory");
    return more;
}

static char *copy(const char *from, size_t length)
{
    char *s = strndup(from, length);

    if (!s)
        usage_error("out of memory");
    return s;
}

static double parse_seconds(const char *option, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end || !isfinite(seconds) || seconds < 0 || seconds > MAX_SECONDS)
        usage_error("%s %s: not a number of seconds; for example: %s 2.5", option, value, option);
    return seconds;
}

static void add_param(struct options *o, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *colon = strchr(text, ':');

    if (colon && equals && colon > equals)
        colon = NULL;
    const char *name = colon ? colon + 1 : text;
    if (!equals || equals == name || colon == text)
        usage_error("--param %s: write it as NAME=VALUE or DRIVER:NAME=VALUE", text);

    o->params = grow(o->params, o->param_count, sizeof(*o->params));
    struct param *p = &o->params[o->param_count++];
    p->driver = colon ? copy(text, (size_t)(colon - text)) : NULL;
    p->name = copy(name, (size_t)(equals - name));
    p->value = copy(equals + 1, strlen(equals + 1));
}

static void add_host(struct options *o, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t n = o->machine.host_count;

    if (!equals || equals == text || !equals[1])
        usage_error("--host %s: write it as NAME=ADDR, for example --host server=127.0.0.1", text);
    struct ow_host *hosts = grow((void *)o->machine.hosts, (int)n, sizeof(*hosts));
    hosts[n].name = copy(text, (size_t)(equals - text));
    hosts[n].address = equals + 1;
    o->machine.hosts = hosts;
    o->machine.host_count = n + 1;
}

static unsigned parse_cpus(const char *value)
{
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);

    if (errno || end == value || *end || n < 1 || n > MAX_CPUS)
        usage_error("--cpus %s: give a number from 1 to %d", value, MAX_CPUS);
    return (unsigned)n;
}

static unsigned parse_milliseconds(const char *option, const char *value)
{
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);

    if (errno || end == value || *end || n < 0 || n > MAX_SECONDS * 1000L)
        usage_error("%s %s: not a number of milliseconds; for example: %s 500", option, value,
                    option);
    return (unsigned)n;
}

static void take(struct options *o, int which, const char *value)
{
    switch (which) {
    case O_EXEC:
        o->command = value;
        break;
    case O_FOR:
        o->run_seconds = parse_seconds("--for", value);
        break;
    case O_PARAM:
        add_param(o, value);
        break;
    case O_HOST:
        add_host(o, value);
        break;
    case O_CPUS:
        o->machine.cpus = parse_cpus(value);
        break;
    case O_VERIFY:
        o->machine.verify = value;
        break;
    case O_CONFIG:
        o->machine.config = value;
        break;
    case O_READY:
        o->machine.ready_delay_ms = parse_milliseconds("--ready-delay", value);
        break;
    case O_CHECK:
        o->check = true;
        break;
    case O_CAPTURE:
    case O_TRACE:
        usage_error("--%s is planned, not there yet; run without it",
                    which == O_CAPTURE ? "capture" : "trace");
    case O_UNLOAD:
        o->unload_timeout_ms = (int)(parse_seconds("--unload-timeout", value) * 1000);
        break;
    case O_QUIET:
        o->machine.verbosity = OW_QUIET;
        break;
    case O_VERBOSE:
        o->machine.verbosity = OW_VERBOSE;
        break;
    case O_HELP:
        fputs(help, stdout);
        exit(EXIT_FINE);
    case O_VERSION:
        printf("wskrun (OpenWSK) %s\n", ow_version());
        exit(EXIT_FINE);
    }
}

void parse_options(struct options *o, int argc, char **argv)
{
    int which;

    memset(o, 0, sizeof(*o));
    o->run_seconds = -1;
    o->unload_timeout_ms = DEFAULT_UNLOAD_TIMEOUT_MS;
    opterr = 0;
    while ((which = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (which == ':')
            usage_error("%s needs a value after it; see wskrun --help", argv[optind - 1]);
        if (which == '?')
            usage_error("%s: no such option, or it is written differently; see wskrun --help",
                        argv[optind - 1]);
        take(o, which, optarg);
    }
    o->drivers = argv + optind;
    o->driver_count = argc - optind;
    if (!o->driver_count)
        usage_error("no driver given; try: wskrun ./driver.so, or wskrun --help");
}
