/*
 * wskrun.h: what the files of wskrun share. wskrun is a program on top of openwsk.h, nothing more.
 */
#ifndef OPENWSK_WSKRUN_H
#define OPENWSK_WSKRUN_H

#include "run/options/options.h"

struct options {
    struct common_options common; /* run_seconds < 0: no limit */
    char **drivers;
    int driver_count;
    const char *command; /* --exec */
    int unload_timeout_ms;
    bool check;
};

/* Ends the program with EXIT_USAGE when the command line is wrong. */
void parse_options(struct options *o, int argc, char **argv);

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
