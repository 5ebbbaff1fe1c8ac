/*
 * wait.c: what ends a run: a signal, the command of --exec, the time of --for.
 *
 * One thread takes the signals, one waits for the command; both tell the main thread through a
 * pipe, so that it has one thing to wait for. The first signal ends the run, the second the
 * process, wherever it is.
 */
#include "wskrun.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum event { EVENT_SIGNAL = 's', EVENT_COMMAND_ENDED = 'c' };

static int events[2];
static sigset_t stop_signals;
static pid_t command_pid;
static int command_status;

static void tell(enum event e)
{
    char byte = (char)e;

    while (write(events[1], &byte, 1) < 0 && errno == EINTR)
        ;
}

static void *take_signals(void *unused)
{
    int which;

    (void)unused;
    sigwait(&stop_signals, &which);
    tell(EVENT_SIGNAL);
    sigwait(&stop_signals, &which);
    complain("stopped at once by a second signal; the drivers were not unloaded");
    _exit(EXIT_STUCK);
}

static void *wait_for_command(void *unused)
{
    (void)unused;
    while (waitpid(command_pid, &command_status, 0) < 0 && errno == EINTR)
        ;
    tell(EVENT_COMMAND_ENDED);
    return NULL;
}

static void start_thread(void *(*fn)(void *))
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, fn, NULL);

    if (error) {
        complain("cannot start a thread: %s; raise ulimit -u", strerror(error));
        exit(EXIT_LOAD);
    }
    pthread_detach(thread);
}

void wait_start(void)
{
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
    if (pipe(events)) {
        complain("cannot make a pipe: %s; raise ulimit -n", strerror(errno));
        exit(EXIT_LOAD);
    }
    start_thread(take_signals);
}

static int start_command(const char *command)
{
    char *argv[] = { "sh", "-c", (char *)command, NULL };
    posix_spawnattr_t attributes;
    sigset_t none;

    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int error = posix_spawn(&command_pid, "/bin/sh", NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The next event, or 0 when the deadline (ms; < 0: none) has passed. */
static int next_event(int64_t deadline_ms)
{
    struct pollfd p = { .fd = events[0], .events = POLLIN };
    char byte;

    for (;;) {
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
        if (deadline_ms >= 0 && left <= 0)
            return 0;
        int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0 && read(events[0], &byte, 1) == 1)
            return byte;
    }
}

/* The shell's way to put a wait status into one number. */
static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int wait_for_end(const struct options *o)
{
    int64_t deadline =
        o->common.run_seconds < 0 ? -1 : now_ms() + (int64_t)(o->common.run_seconds * 1000);

    if (o->command) {
        int error = start_command(o->command);
        if (error) {
            complain("cannot run sh -c '%s': %s", o->command, strerror(error));
            return 127;
        }
        start_thread(wait_for_command);
    }
    int event = next_event(deadline);
    if (!o->command)
        return 0;
    if (event != EVENT_COMMAND_ENDED) {
        kill(command_pid, SIGTERM);
        while (event != EVENT_COMMAND_ENDED)
            event = next_event(-1);
        return 0;
    }
    return exit_status(command_status);
}
