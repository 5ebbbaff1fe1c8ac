/*
 * options.h: what wskrun and wsksim share of their command lines: how they speak, and the options
 * that say how the machine is made and how long it runs. Each program adds its own.
 */
#ifndef OPENWSK_OPTIONS_H
#define OPENWSK_OPTIONS_H

#include "openwsk/openwsk.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses, documented in wskrun(1) and wsksim(1). */
enum { EXIT_FINE = 0, EXIT_LOAD = 1, EXIT_USAGE = 2, EXIT_FOUND = 3, EXIT_STUCK = 4 };

/* Which program this is; each has one. */
struct program {
    const char *name;
    const char *help;             /* what --help prints */
    const struct option *options; /* its own; the last one has no name */
};
extern const struct program program;

struct param {
    char *driver; /* NULL: every driver */
    char *name, *value;
};

struct common_options {
    struct ow_options machine;
    struct param *params;
    int param_count;
    double run_seconds; /* --for */
};

/* ---- messages ---- */

/* "wskrun: ..." on stderr. Ends the program with EXIT_USAGE: the command line is wrong. */
__attribute__((noreturn, format(printf, 1, 2))) void usage_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);
/* Unless --quiet. */
__attribute__((format(printf, 2, 3))) void note(const struct common_options *o, const char *format,
                                                ...);

/* ---- options ---- */

/* What next_option() answers; a program's own options begin at O_OWN. */
enum {
    O_FOR = 256,
    O_PARAM,
    O_HOST,
    O_CPUS,
    O_VERIFY,
    O_CONFIG,
    O_READY,
    O_QUIET,
    O_VERBOSE,
    O_HELP,
    O_VERSION,
    O_OWN
};

/* The next option of the command line, its value in optarg; -1: only drivers follow. */
int next_option(int argc, char **argv);
/* Its name, without dashes. */
const char *option_name(int which);
/* An option that says how the machine is made or how long it runs. false: it is none. */
bool take_machine_option(struct common_options *o, int which, const char *value);
/* --quiet, --verbose, --help, --version. false: it is none. */
bool take_talk_option(struct common_options *o, int which);
/* Ends the program where no driver follows. */
void need_driver(int count);

/* ---- values; each ends the program where it is wrong ---- */

uint64_t parse_number(const char *option, const char *value, uint64_t low, uint64_t high);
double parse_seconds(const char *option, const char *value);
/* Room for one more than `count` elements. */
void *grow(void *array, size_t count, size_t size);
char *copy_text(const char *from, size_t length);

#endif
