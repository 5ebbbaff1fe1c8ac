/*
 * wskfuzz.c: libFuzzer in the simulated world: its input is the tape of decisions (see host/sim.h).
 *
 * libFuzzer brings main() and its own options; those of wsksim follow -ignore_remaining_args=1.
 * What it counts as coverage is which basic blocks of the drivers follow each other.
 *
 * A run that fails ends its process at once, so libFuzzer lives in a child, and what it has in hand
 * in memory that both see: the parent reports the failure and keeps the input.
 */
#include "run/wsksim/wsksim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNTERS  (1u << 16)
#define MAX_BYTES (1u << 20)

/* libFuzzer finds them by the section's name, and clears them before each run. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static struct options options;
static struct outcome *out;

/* Shared by both processes. */
struct shared {
    bool running;
    size_t size;
    uint8_t bytes[MAX_BYTES];
};
static struct shared *input;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Addresses of code stay for as long as the process does, and only this process reads them. */
static void covered(const void *pc)
{
    static uintptr_t last;
    uintptr_t here = (uintptr_t)pc * UINT64_C(0x9e3779b97f4a7c15) >> 48;
    uint8_t *counter = &counters[(last ^ here) % COUNTERS];

    last = here >> 1;
    if (*counter < UINT8_MAX)
        (*counter)++;
}

static void keep_input(void)
{
    char name[4096];

    snprintf(name, sizeof(name), "%s/fail-%016" PRIx64 ".bytes",
             options.tape_dir ? options.tape_dir : ".", out->tape.hash);
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(input->bytes, 1, input->size, f) != input->size || fclose(f) != 0)
        usage_error("cannot write %s", name);
    complain("repeat the input with: wsksim --bytes %s, and the same options and drivers", name);
}

/* Waits for the child, which ctrl-C ends as well. */
static __attribute__((noreturn)) void supervise(pid_t child)
{
    struct source source = { .bytes = input->bytes };
    int status;

    signal(SIGINT, SIG_IGN);
    while (waitpid(child, &status, 0) != child)
        ;
    if (!input->running)
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FOUND);
    source.byte_count = input->size;
    outcome_settle(out, status);
    report_failure(&options, &source, out, "an input");
    keep_input();
    exit(out->status);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    int first = 1;

    while (first < *argc && strcmp((*argv)[first], "-ignore_remaining_args=1") != 0)
        first++;
    if (first == *argc)
        usage_error("write wsksim's options and the drivers behind -ignore_remaining_args=1");
    parse_options(&options, *argc - first, *argv + first);
    options.covered = covered;
    out = outcome_new();
    input = mmap(NULL, sizeof(*input), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!out || input == MAP_FAILED)
        usage_error("out of memory");
    pid_t child = fork();
    if (child < 0)
        usage_error("no more processes; see ulimit -u");
    if (child)
        supervise(child);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = { .bytes = input->bytes, .byte_count = size };

    if (size > MAX_BYTES)
        return -1;
    input->size = size;
    if (size)
        memcpy(input->bytes, data, size);
    input->running = true;
    if (!run_here(&options, &source, SHOW_NOTHING, out))
        _exit(out->status);
    input->running = false;
    return 0;
}
