/*
 * world_main.c: runs a unit test of the dispatcher in the simulated world: `main` of the test is
 * renamed to test_main (see CMakeLists.txt) and runs as the first fiber, in a process of its own
 * for each seed. Seed 0 stands for the boring run, in which nobody is preempted.
 */
#include "host/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int test_main(void);

static int result = 1;

static void run_test(void *unused)
{
    (void)unused;
    result = test_main();
}

static int run_seed(uint64_t seed)
{
    struct host_sim_config config = { .seeded = seed != 0,
                                      .seed = seed,
                                      .quiet_kinds = 1 << HOST_CHOOSE_FAULT,
                                      .stack_bytes = 1 << 20 };
    struct host_sim_result end;

    host_sim_run(&config, run_test, NULL, &end);
    if (end.left)
        fprintf(stderr, "%u threads are left at the end\n", end.left);
    return result || end.left || end.races ? 1 : 0;
}

int main(int argc, char **argv)
{
    unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long last = argc > 2 ? strtoul(argv[2], NULL, 10) : first;

    for (unsigned long seed = first; seed <= last; seed++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            exit(run_seed(seed));
        if (child < 0 || waitpid(child, &status, 0) != child || status) {
            fprintf(stderr, "seed %lu failed; again: %s %lu\n", seed, argv[0], seed);
            return 1;
        }
    }
    return 0;
}
