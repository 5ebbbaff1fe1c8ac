/*
 * The fiber host: virtual time, switching, choices from seeds and tapes, and runs that are stuck.
 */
#include "host/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

static struct host_sim_result end;

static void run(const struct host_sim_config *config, void (*fn)(void *), void *arg)
{
    host_sim_run(config, fn, arg, &end);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void sleeps(void *arg)
{
    int64_t start = host_now();

    (void)arg;
    assert_false(host_park(start + 3600 * 1000 * MS));
    assert_int_equal(host_now() - start, 3600 * 1000 * MS);
    assert_false(host_park(host_now() - 1));
    host_unpark(host_self());
    assert_true(host_park(HOST_FOREVER));
}

static void time_moves_only_when_all_wait(void **state)
{
    static const struct host_sim_config boring;

    (void)state;
    run(&boring, sleeps, NULL);
    assert_int_equal(end.fibers, 1);
    assert_int_equal(end.left, 0);
}

static void reads_clock(void *arg)
{
    int64_t until = host_now() + MS;

    (void)arg;
    while (host_now() < until)
        ;
}

static void a_loop_over_the_clock_ends(void **state)
{
    static const struct host_sim_config boring;

    (void)state;
    run(&boring, reads_clock, NULL);
}

/* ---- switching ------------------------------------------------------------------------------- */

struct log {
    char text[64];
    struct host_thread *threads[3];
};

static struct log *journal;

static void writes(void *arg)
{
    for (int i = 0; i < 3; i++) {
        strncat(journal->text, arg, 2);
        host_point("test");
    }
}

static void three_writers(void *arg)
{
    static char names[][2] = { "a", "b", "c" };

    (void)arg;
    for (int i = 0; i < 3; i++)
        assert_int_equal(host_thread_create(&journal->threads[i], writes, names[i], names[i]), 0);
    for (int i = 0; i < 3; i++)
        host_thread_join(journal->threads[i]);
}

static void write_with(const struct host_sim_config *config, struct log *to)
{
    memset(to, 0, sizeof(*to));
    journal = to;
    run(config, three_writers, NULL);
    assert_int_equal(end.left, 0);
    assert_int_equal(strlen(to->text), 9);
}

static void boring_runs_are_in_order(void **state)
{
    static const struct host_sim_config boring;
    struct log log;

    (void)state;
    write_with(&boring, &log);
    assert_string_equal(log.text, "aaabbbccc");
}

static void seeds_mix_and_tapes_repeat(void **state)
{
    static struct host_decision decisions[1000];
    struct log log, again;
    int mixed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct host_tape tape = { .room = 1000, .decisions = decisions };
        struct host_sim_config config = { .seeded = true, .seed = seed, .record = &tape };
        write_with(&config, &log);
        uint64_t hash = end.hash;
        assert_int_equal(tape.hash, hash);
        mixed += strcmp(log.text, "aaabbbccc") != 0;
        write_with(&config, &again);
        assert_string_equal(again.text, log.text);
        assert_int_equal(end.hash, hash);
        struct host_sim_config replay = { .replay = &tape };
        write_with(&replay, &again);
        assert_string_equal(again.text, log.text);
        assert_int_equal(end.hash, hash);
        assert_int_equal(end.mismatches, 0);
    }
    assert_in_range(mixed, 10, 50);
}

static void a_foreign_tape_is_boring(void **state)
{
    struct host_decision wrong = { .index = 1, .n = 2, .value = 1, .site = "elsewhere" };
    struct host_tape tape = { .count = 1, .room = 1, .decisions = &wrong };
    struct host_sim_config config = { .replay = &tape };
    struct log log;

    (void)state;
    write_with(&config, &log);
    assert_string_equal(log.text, "aaabbbccc");
    assert_int_equal(end.mismatches, 1);
    assert_int_equal(end.unmet, 0);
    wrong.index = 1 << 20; /* longer than the run is */
    write_with(&config, &log);
    assert_int_equal(end.mismatches, 0);
    assert_int_equal(end.unmet, 1);
}

/* Writers whose tape comes from one version of the program and is replayed on another. */
static bool changed;

static void passes_elsewhere(void)
{
    struct host_lock lock = HOST_LOCK_INIT(HOST_RANK_NET);

    for (int i = 0; i < 3; i++) {
        host_point("new");
        (void)host_choose(2, HOST_CHOOSE_ORDER, "new question");
    }
    host_lock(&lock);
    host_unlock(&lock);
}

static void writes_in_versions(void *arg)
{
    for (int i = 0; i < 3; i++) {
        if (changed)
            passes_elsewhere();
        strncat(journal->text, arg, 2);
        host_point("test");
        if (host_choose(2, HOST_CHOOSE_FAULT, "fault"))
            strncat(journal->text, "!", 2);
    }
}

static void three_in_versions(void *arg)
{
    static char names[][2] = { "a", "b", "c" };

    (void)arg;
    for (int i = 0; i < 3; i++)
        host_thread_create(&journal->threads[i], writes_in_versions, names[i], names[i]);
    for (int i = 0; i < 3; i++)
        host_thread_join(journal->threads[i]);
}

static void write_version(const struct host_sim_config *config, struct log *to, bool is_changed)
{
    memset(to, 0, sizeof(*to));
    journal = to;
    changed = is_changed;
    run(config, three_in_versions, NULL);
}

/* Decisions at the places that there were before are met, whatever has come between them. */
static void tapes_outlive_changes_elsewhere(void **state)
{
    static struct host_decision decisions[1000];
    struct log log, again;
    int mixed = 0, faults = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct host_tape tape = { .room = 1000, .decisions = decisions };
        struct host_sim_config config = { .seeded = true, .seed = seed, .record = &tape };
        write_version(&config, &log, false);
        struct host_sim_config replay = { .replay = &tape };
        write_version(&replay, &again, true);
        assert_string_equal(again.text, log.text);
        assert_int_equal(end.mismatches + end.unmet, 0);
        mixed += strncmp(log.text, "aa", 2) != 0;
        faults += strchr(log.text, '!') != NULL;
    }
    assert_true(mixed > 20 && faults > 5);
}

static void a_tape_is_asked_something_else(void **state)
{
    struct host_decision wrong = {
        .kind = HOST_CHOOSE_SIZE, .fiber = 1, .visit = 2, .n = 2, .value = 1, .site = "fault"
    };
    struct host_tape tape = { .count = 1, .room = 1, .decisions = &wrong };
    struct host_sim_config config = { .replay = &tape };
    struct log log;

    (void)state;
    write_version(&config, &log, false);
    assert_string_equal(log.text, "aaabbbccc");
    assert_int_equal(end.mismatches, 1);
    assert_int_equal(end.unmet, 0);
    wrong.kind = HOST_CHOOSE_FAULT;
    write_version(&config, &log, false);
    assert_string_equal(log.text, "aa!abbbccc");
    assert_int_equal(end.mismatches + end.unmet, 0);
}

static void answers(void *arg)
{
    uint32_t *seen = arg;

    for (int i = 0; i < 300; i++)
        seen[i] = host_choose(300, HOST_CHOOSE_SIZE, "size");
    seen[300] = host_choose(2, HOST_CHOOSE_FAULT, "fault");
}

static void bytes_are_decisions(void **state)
{
    /* Behind 2 boring ones 1 + 298, behind 256 boring ones 1 + 299 % 299, then a fault. */
    static const uint8_t bytes[] = { 2, 1, 42, 129, 1, 43, 40, 7 };
    struct host_sim_config config = { .bytes = bytes, .byte_count = sizeof(bytes) };
    uint32_t seen[301], expected[301] = { [2] = 299, [259] = 1, [300] = 1 };

    (void)state;
    run(&config, answers, seen);
    assert_memory_equal(seen, expected, sizeof(seen));
    config.quiet_kinds = 1u << HOST_CHOOSE_FAULT;
    run(&config, answers, seen);
    assert_int_equal(seen[300], 0);
    config.byte_count = 0;
    run(&config, answers, seen);
    memset(expected, 0, sizeof(expected));
    assert_memory_equal(seen, expected, sizeof(seen));
}

static void any_bytes_are_a_run_and_a_tape(void **state)
{
    static struct host_decision decisions[1000];
    uint8_t bytes[64];
    struct log log, again;
    int mixed = 0;

    (void)state;
    for (unsigned i = 1; i <= 50; i++) {
        struct host_tape tape = { .room = 1000, .decisions = decisions };
        for (unsigned k = 0; k < sizeof(bytes); k++)
            bytes[k] = (uint8_t)(i * i * (k + 7) % 11);
        struct host_sim_config config = { .bytes = bytes, .byte_count = i, .record = &tape };
        write_with(&config, &log);
        uint64_t hash = end.hash;
        mixed += strcmp(log.text, "aaabbbccc") != 0;
        struct host_sim_config replay = { .replay = &tape };
        write_with(&replay, &again);
        assert_string_equal(again.text, log.text);
        assert_int_equal(end.hash, hash);
        assert_int_equal(end.mismatches, 0);
    }
    assert_in_range(mixed, 10, 50);
}

/* ---- delays ---------------------------------------------------------------------------------- */

static int64_t delays_ns[20];

static void is_late(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        host_point("test");
        delays_ns[i] = host_delay(1000000, i % 2 ? "odd" : "even");
        (void)host_delay(1000000, "another");
    }
}

/* A delay that is left out of a tape leaves the others, and all else, where they are. */
static void delays_are_replayed_one_by_one(void **state)
{
    static struct host_decision decisions[1000];
    int64_t before[20];
    int seen = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct host_tape tape = { .room = 1000, .decisions = decisions };
        struct host_sim_config config = { .seeded = true, .seed = seed, .record = &tape };
        struct host_sim_config replay = { .replay = &tape };
        run(&config, is_late, NULL);
        memcpy(before, delays_ns, sizeof(before));
        for (int i = 0; i < 20 && tape.count > 0; i++) {
            uint64_t middle = 0;
            while (middle < tape.count && strcmp(decisions[middle].site, "odd") != 0)
                middle++;
            if (middle == tape.count)
                break;
            seen++;
            memmove(&decisions[middle], &decisions[middle + 1],
                    (tape.count - middle - 1) * sizeof(*decisions));
            tape.count--;
            run(&replay, is_late, NULL);
            int k = 0;
            while (before[k] == 0 || k % 2 == 0)
                k++;
            before[k] = 0;
            assert_memory_equal(delays_ns, before, sizeof(before));
        }
    }
    assert_in_range(seen, 50, 500);
}

/* ---- locks and busy waits -------------------------------------------------------------------- */

static struct host_lock lock = HOST_LOCK_INIT(HOST_RANK_HOST);
static int inside, rounds_done;

static void locks(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        host_lock(&lock);
        assert_int_equal(inside++, 0);
        host_point("test");
        assert_true(host_lock_held(&lock));
        inside--;
        host_unlock(&lock);
        rounds_done++;
    }
}

static int flag;

static void raises_flag(void *arg)
{
    (void)arg;
    host_park(host_now() + MS);
    flag = 1;
}

static void raises_flag_late(void *arg)
{
    (void)arg;
    host_park(host_now() + 3600 * SECOND);
    flag = 1;
}

static void spins(void *arg)
{
    struct host_thread *others[3];
    unsigned rounds = 0;

    (void)arg;
    flag = 0;
    host_thread_create(&others[0], raises_flag, NULL, "flag");
    host_thread_create(&others[1], locks, NULL, "one");
    host_thread_create(&others[2], locks, NULL, "two");
    while (!flag)
        host_spin(&rounds, "test");
    for (int i = 0; i < 3; i++)
        host_thread_join(others[i]);
}

static void locks_exclude_and_spinners_let_others_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct host_sim_config config = { .seeded = true, .seed = seed };
        rounds_done = 0;
        run(&config, spins, NULL);
        assert_int_equal(rounds_done, 40);
        assert_int_equal(end.left, 0);
    }
}

/* A busy wait that looks at the clock ends by itself, however many rounds it takes. */
static void spins_until(void *arg)
{
    int64_t end_ns = host_now() + 20 * MS;
    unsigned rounds = 0;

    (void)arg;
    while (host_now() < end_ns)
        host_spin(&rounds, "test");
}

/* One that does not, waits for who has a deadline, however late. */
static void spins_for_late_one(void *arg)
{
    struct host_thread *other, *clock;
    unsigned rounds = 0;

    (void)arg;
    flag = 0;
    host_thread_create(&clock, spins_until, NULL, "clock");
    host_thread_create(&other, raises_flag_late, NULL, "flag");
    while (!flag)
        host_spin(&rounds, "test");
    assert_true(host_now() >= 3600 * SECOND);
    assert_true(rounds < 1000000);
    host_thread_join(clock);
    host_thread_join(other);
}

/* As a driver polls: each round passes points, at which it may be preempted. */
static void polls(void *arg)
{
    unsigned rounds = 0;

    (void)arg;
    while (!flag) {
        for (int i = 0; i < 10; i++)
            host_point("test");
        host_spin(&rounds, "test");
    }
}

static void three_poll(void *arg)
{
    struct host_thread *t[3];

    (void)arg;
    flag = 0;
    host_thread_create(&t[0], polls, NULL, "one");
    host_thread_create(&t[1], polls, NULL, "two");
    host_thread_create(&t[2], raises_flag, NULL, "flag");
    polls(NULL);
    for (int i = 0; i < 3; i++)
        host_thread_join(t[i]);
}

static void busy_waits_end(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed <= 50; seed++) {
        struct host_sim_config config = { .seeded = seed != 0, .seed = seed };
        run(&config, spins_until, NULL);
        run(&config, spins_for_late_one, NULL);
        run(&config, three_poll, NULL);
        assert_int_equal(end.left, 0);
    }
}

/*
 * Threads that wait busily for a time that only passes when all of them do: some do nothing else
 * (as KeStallExecutionProcessor), some pass points meanwhile (a loop around it).
 */
static void stalls(void *arg)
{
    int64_t until = host_now() + MS;

    for (unsigned spent = 0; host_now() < until; spent++) {
        unsigned rounds = 0;
        if (spent == 1000000)
            host_panic("time does not pass");
        if (arg)
            host_point("test");
        host_spin(&rounds, "test");
    }
    rounds_done++;
}

static void stall_together(void *arg)
{
    struct host_thread *threads[3];
    unsigned count = 1 + *(const unsigned *)arg % 3, points = *(const unsigned *)arg / 3;

    for (unsigned i = 0; i < count; i++)
        host_thread_create(&threads[i], stalls, i < points ? arg : NULL, "stalls");
    for (unsigned i = 0; i < count; i++)
        host_thread_join(threads[i]);
}

static void time_passes_for_all_who_wait_busily(void **state)
{
    (void)state;
    for (unsigned mix = 0; mix < 12; mix++) {
        struct host_sim_config config = { .time_limit_ns = INT64_C(1000000000) * 3600 };
        rounds_done = 0;
        run(&config, stall_together, &mix);
        assert_int_equal(rounds_done, 1 + mix % 3);
    }
}

/* One thread is for one step where it must not be; another one needs many steps to see it. */
static bool in_between, seen_throughout;

static void steps_through(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 50; j++)
            host_point("step");
        in_between = true;
        host_point("in between");
        in_between = false;
    }
}

static void looks_long(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        bool all = in_between;
        for (int j = 0; j < 300; j++) {
            host_point("look");
            all = all && in_between;
        }
        seen_throughout = seen_throughout || all;
    }
}

static void narrow_race(void *arg)
{
    struct host_thread *t[2];

    (void)arg;
    in_between = seen_throughout = false;
    host_thread_create(&t[0], steps_through, NULL, "steps");
    host_thread_create(&t[1], looks_long, NULL, "looks");
    host_thread_join(t[0]);
    host_thread_join(t[1]);
}

static void seeds_hold_threads_back_where_it_matters(void **state)
{
    int found = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct host_sim_config config = { .seeded = true, .seed = seed };
        run(&config, narrow_race, NULL);
        found += seen_throughout;
    }
    assert_in_range(found, 10, 1000);
}

/* A loop that passes points but never waits keeps nobody from running, whatever the seed. */
static void loops(void *arg)
{
    struct host_thread *other;

    (void)arg;
    flag = 0;
    host_thread_create(&other, raises_flag, NULL, "flag");
    while (!flag)
        openwsk_host_point(loops);
    host_thread_join(other);
}

static void everybody_gets_on(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed <= 50; seed++) {
        struct host_sim_config config = { .seeded = seed != 0, .seed = seed };
        run(&config, loops, NULL);
    }
}

/* ---- threads that end in other ways ---------------------------------------------------------- */

static void exits(void *arg)
{
    (void)arg;
    host_thread_exit();
}

static void ends(void *arg)
{
    struct host_thread *t;

    (void)arg;
    assert_int_equal(host_thread_create(&t, exits, NULL, "exits"), 0);
    host_thread_join(t);
    assert_int_equal(host_thread_create(&t, exits, NULL, "detached"), 0);
    host_thread_detach(t);
    host_park(host_now() + MS);
    assert_int_equal(host_thread_create(&t, exits, NULL, "detached late"), 0);
    host_park(host_now() + MS);
    host_thread_detach(t);
}

static void waits(void *arg)
{
    (void)arg;
    host_park(HOST_FOREVER);
}

static void leaves_one(void *arg)
{
    struct host_thread *t;

    (void)arg;
    assert_int_equal(host_thread_create(&t, waits, NULL, "left"), 0);
    host_park(host_now() + MS);
}

static void what_is_left_is_counted(void **state)
{
    static const struct host_sim_config boring;

    (void)state;
    run(&boring, ends, NULL);
    assert_int_equal(end.left, 0);
    assert_int_equal(end.fibers, 4);
    run(&boring, leaves_one, NULL);
    assert_int_equal(end.left, 1);
}

/* ---- stuck ----------------------------------------------------------------------------------- */

static void deadlock(void *arg)
{
    struct host_thread *t;

    (void)arg;
    host_thread_create(&t, waits, NULL, "sleeper");
    host_thread_join(t);
}

static void spins_forever(void *arg)
{
    unsigned rounds = 0;

    (void)arg;
    for (;;)
        host_spin(&rounds, "test");
}

/* Two spin locks, in two orders: each has one and waits for the other one. */
static int spin_locks[2];

static void takes(int *spin_lock)
{
    unsigned rounds = 0;

    host_point("test");
    while (__atomic_exchange_n(spin_lock, 1, __ATOMIC_ACQUIRE))
        host_spin(&rounds, "test");
}

static void takes_both(void *arg)
{
    int first = arg != NULL;

    takes(&spin_locks[first]);
    host_park(host_now() + MS);
    takes(&spin_locks[!first]);
    spin_locks[0] = spin_locks[1] = 0;
}

static void deadlock_of_spinners(void *arg)
{
    struct host_thread *t[2];

    (void)arg;
    spin_locks[0] = spin_locks[1] = 0;
    host_thread_create(&t[0], takes_both, NULL, "one");
    host_thread_create(&t[1], takes_both, spin_locks, "other");
    host_thread_join(t[0]);
    host_thread_join(t[1]);
}

static volatile int never;

static void calls_nobody(void *arg)
{
    (void)arg;
    while (!never)
        ;
}

/* Runs it in another process, which must end with status 4; what it printed. */
static void expect_stuck(void (*fn)(void *), const char *why)
{
    struct host_sim_config config = { .watchdog_s = 1, .choice_limit = 10000000 };
    static char text[8192];
    int status, pipes[2];
    size_t length = 0;
    ssize_t n;

    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        host_sim_run(&config, fn, NULL, &end);
        _exit(0);
    }
    close(pipes[1]);
    while ((n = read(pipes[0], text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = 0;
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 4);
    assert_non_null(strstr(text, why));
    assert_non_null(strstr(text, "(main)"));
}

static void stuck_runs_say_so(void **state)
{
    (void)state;
    expect_stuck(deadlock, "waits for the end of thread 1");
    expect_stuck(spins_forever, "wait busily");
    expect_stuck(deadlock_of_spinners, "at 1.002");
    expect_stuck(calls_nobody, "calls nobody");
}

/* ---- memory ---------------------------------------------------------------------------------- */

#ifndef __SANITIZE_THREAD__ /* it reports the write itself, and goes on */
static void writes_after_free(void *arg)
{
    char *volatile p = host_alloc(100, 16);

    (void)arg;
    host_free(p);
    p[50] = 1;
}
#endif

static void frees_only(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        host_free(host_alloc(100, 64));
    host_free(NULL);
}

/* Does the run end well, in a process of its own? */
static bool ends_well(void (*fn)(void *))
{
    static const struct host_sim_config boring;
    int status;
    pid_t child = fork();

    if (child == 0) {
        close(STDERR_FILENO);
        host_sim_run(&boring, fn, NULL, &end);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void freed_memory_is_watched(void **state)
{
    (void)state;
    assert_true(ends_well(frees_only));
#ifndef __SANITIZE_THREAD__
    assert_false(ends_well(writes_after_free));
#endif
}

/* ---- calls back up --------------------------------------------------------------------------- */

static void calls_up(void *arg)
{
    (void)arg;
    host_lock(&lock);
    host_unlock(&lock);
    host_assert_unlocked();
}

static void calls_up_with_lock(void *arg)
{
    (void)arg;
    host_lock(&lock);
    host_assert_unlocked();
}

static void nobody_calls_up_with_a_lock(void **state)
{
    (void)state;
    assert_true(ends_well(calls_up));
    assert_false(ends_well(calls_up_with_lock));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_moves_only_when_all_wait),
        cmocka_unit_test(a_loop_over_the_clock_ends),
        cmocka_unit_test(boring_runs_are_in_order),
        cmocka_unit_test(seeds_mix_and_tapes_repeat),
        cmocka_unit_test(a_foreign_tape_is_boring),
        cmocka_unit_test(tapes_outlive_changes_elsewhere),
        cmocka_unit_test(a_tape_is_asked_something_else),
        cmocka_unit_test(bytes_are_decisions),
        cmocka_unit_test(any_bytes_are_a_run_and_a_tape),
        cmocka_unit_test(delays_are_replayed_one_by_one),
        cmocka_unit_test(locks_exclude_and_spinners_let_others_run),
        cmocka_unit_test(busy_waits_end),
        cmocka_unit_test(time_passes_for_all_who_wait_busily),
        cmocka_unit_test(everybody_gets_on),
        cmocka_unit_test(seeds_hold_threads_back_where_it_matters),
        cmocka_unit_test(what_is_left_is_counted),
        cmocka_unit_test(stuck_runs_say_so),
        cmocka_unit_test(freed_memory_is_watched),
        cmocka_unit_test(nobody_calls_up_with_a_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
