/*
 * watchdog.c: finds a loop in a driver that calls nobody. Such a loop would hang a run for ever: no
 * other fiber gets to run, and virtual time stands still.
 *
 * A timer of CPU time looks once a second whether anything of ours ran since. The handler prints
 * where the loop is and ends the run; the loop is in the driver's own code, so it holds none of the
 * locks that printing needs.
 */
#include "host/sim/fiber.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#define DEFAULT_SECONDS 20

static volatile sig_atomic_t calm, idle_seconds;
static unsigned limit;

void watchdog_calm(void)
{
    calm = 1;
}

static void on_tick(int number)
{
    (void)number;
    if (calm || !host_sim_running()) {
        calm = 0;
        idle_seconds = 0;
        return;
    }
    if ((unsigned)++idle_seconds < limit)
        return;
    sched_stuck("a driver runs in a loop that calls nobody; compile it with wskcc without --plain "
                "to have others run meanwhile");
}

static void set_timer(int seconds)
{
    struct itimerval timer = { { seconds, 0 }, { seconds, 0 } };

    setitimer(ITIMER_PROF, &timer, NULL);
}

void watchdog_start(unsigned seconds)
{
    struct sigaction action;

    limit = seconds ? seconds : DEFAULT_SECONDS;
    idle_seconds = 0;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_tick;
    action.sa_flags = SA_RESTART | SA_NODEFER;
    sigaction(SIGPROF, &action, NULL);
    set_timer(1);
}

void watchdog_stop(void)
{
    set_timer(0);
}
