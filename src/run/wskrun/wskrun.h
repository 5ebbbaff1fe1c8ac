/*
 * wskrun.h: what the files of wskrun share. wskrun is a program on top of openwsk.h, nothing more.
 */
#ifndef OPENWSK_WSKRUN_H
#define OPENWSK_WSKRUN_H

#include "openwsk/openwsk.h"

#include <stdbool.h>

/* Exit statuses, documented in wskrun(1). */
enum { EXIT_FINE = 0, EXIT_LOAD = 1, EXIT_USAGE = 2, EXIT_FOUND = 3, EXIT_STUCK = 4 };

struct param {
    char *driver; /* NULL: every driver */
    char *name, *value;
};

struct options {
    struct ow_options machine;
    char **drivers;
    int driver_count;
    struct param *params;
    int param_count;
    const char *command; /* --exec */
    double run_seconds;  /* --for; < 0: no limit */
    int unload_timeout_ms;
    bool check;
};

/* Ends the program with EXIT_USAGE when the command line is wrong. */
void parse_options(struct options *o, int argc, char **argv);
__attribute__((noreturn, format(printf, 1, 2))) void usage_error(const char *format, ...);
/* "wskrun: ..." on stderr, unless --quiet. */
__attribute__((format(printf, 2, 3))) void note(const struct options *o, const char *format, ...);
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* check.c: --check. The exit status. */
int check_drivers(const struct options *o);

/* preload.c: starts wskrun again when a driver's sanitizer must be in the process from its start.
 */
void preload_sanitizers(const struct options *o, char **argv);

/*
 * wait.c: signals, --exec and --for. wait_start() comes before the machine starts, so that all its
 * threads leave the signals alone. wait_for_end() returns --exec's status, or 0.
 */
void wait_start(void);
int wait_for_end(const struct options *o);

#endif
