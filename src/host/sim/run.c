/*
 * run.c: a run, from its first fiber to the end.
 */
#include "host/reserve.h"
#include "host/sim/sched.h"

#include <string.h>

#define START_NS      INT64_C(1000000000)
#define DAY_NS        INT64_C(86400000000000)
#define DEFAULT_STACK (256 << 10)

struct sched sched = { .running = &fiber_outside };

bool host_sim_running(void)
{
    return sched.on;
}

void host_sim_run(const struct host_sim_config *config, void (*fn)(void *), void *arg,
                  struct host_sim_result *result)
{
    HOST_ASSERT(!sched.on);
    struct fiber **ready = sched.ready;
    unsigned room = sched.ready_room;

    memset(&sched, 0, sizeof(sched));
    sched.ready = ready;
    sched.ready_room = room;
    sched.config = *config;
    if (!sched.config.stack_bytes)
        sched.config.stack_bytes = DEFAULT_STACK;
    if (!sched.config.time_limit_ns)
        sched.config.time_limit_ns = DAY_NS;
    sched.now_ns = START_NS;
    sched.deeds = 1;
    sched.next_deadline_ns = HOST_FOREVER;
    sched.running = &fiber_outside;
    choice_begin(config);
    races_begin();
    host_reserve_begin();
    watchdog_start(config->watchdog_s);
    sched.on = true;
    struct fiber *main_fiber = thread_new(fn, arg, "main");
    if (!main_fiber)
        host_panic("out of memory for the first fiber");
    sched_go_to(main_fiber);
    HAPPENS_AFTER(&sched); /* what every fiber did that ended */
    races_tell();
    sched.on = false;
    watchdog_stop();
    memory_end();
    host_reserve_end();
    memset(result, 0, sizeof(*result));
    choice_end(result);
    result->now_ns = sched.now_ns;
    result->fibers = sched.fibers;
    result->left = thread_drop_all();
    result->races = sched.races;
}
