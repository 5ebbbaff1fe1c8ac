/*
 * options.c: the command line of wskrun. Every error is one line that says what to write instead,
 * and exit status 2.
 */
#include "wskrun.h"

#include <string.h>

#define DEFAULT_UNLOAD_TIMEOUT_MS 10000

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

enum { O_EXEC = O_OWN, O_CHECK, O_CAPTURE, O_TRACE, O_UNLOAD };

static const struct option own[] = { { "exec", required_argument, NULL, O_EXEC },
                                     { "check", no_argument, NULL, O_CHECK },
                                     { "capture", required_argument, NULL, O_CAPTURE },
                                     { "trace", required_argument, NULL, O_TRACE },
                                     { "unload-timeout", required_argument, NULL, O_UNLOAD },
                                     { NULL, 0, NULL, 0 } };

const struct program program = { "wskrun", help, own };

static void take_own(struct options *o, int which, const char *value)
{
    switch (which) {
    case O_EXEC:
        o->command = value;
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
    }
}

void parse_options(struct options *o, int argc, char **argv)
{
    int which;

    memset(o, 0, sizeof(*o));
    o->common.run_seconds = -1;
    o->unload_timeout_ms = DEFAULT_UNLOAD_TIMEOUT_MS;
    while ((which = next_option(argc, argv)) != -1)
        if (!take_machine_option(&o->common, which, optarg) && !take_talk_option(&o->common, which))
            take_own(o, which, optarg);
    o->drivers = argv + optind;
    o->driver_count = argc - optind;
    need_driver(o->driver_count);
}
