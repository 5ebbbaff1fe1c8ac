/* The threads host: park, locks, threads, memory, modules, addresses to lines. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/host.h"

#define ROUNDS 20000

/* ---- park -------------------------------------------------------------------------------- */

static void permit_is_sticky(void **state)
{
    (void)state;
    host_unpark(host_self());
    host_unpark(host_self());
    assert_true(host_park(HOST_FOREVER));
    assert_false(host_park(0));
    assert_false(host_park(host_now() + 1000000));
}

struct ball {
    struct host_thread *players[2];
    int side; /* whose turn; atomic */
};

static void play(struct ball *b, int me)
{
    for (int i = 0; i < ROUNDS; i++) {
        while (__atomic_load_n(&b->side, __ATOMIC_ACQUIRE) != me)
            host_park(HOST_FOREVER);
        __atomic_store_n(&b->side, !me, __ATOMIC_RELEASE);
        host_unpark(b->players[!me]);
    }
}

static void second_player(void *arg)
{
    play(arg, 1);
}

static void park_loses_no_permit(void **state)
{
    struct ball b = { { host_self(), NULL }, 0 };

    (void)state;
    assert_int_equal(host_thread_create(&b.players[1], second_player, &b, "second"), 0);
    play(&b, 0);
    host_thread_join(b.players[1]);
    assert_int_equal(b.side, 0);
}

/* ---- threads ----------------------------------------------------------------------------- */

static void leave_early(void *arg)
{
    const void *low, *high;

    host_stack_bounds(&low, &high);
    *(int *)arg = (const void *)&low > low && (const void *)&low < high;
    host_thread_exit();
}

static void exit_returns_to_the_start(void **state)
{
    struct host_thread *t;
    int inside = 0;

    (void)state;
    assert_int_equal(host_thread_create(&t, leave_early, &inside, "a-very-long-thread-name"), 0);
    host_thread_join(t);
    assert_int_equal(inside, 1);
}

static void set_and_unpark(void *arg)
{
    host_unpark(arg);
}

static void detached_thread_frees_itself(void **state)
{
    struct host_thread *t;

    (void)state;
    assert_int_equal(host_thread_create(&t, set_and_unpark, host_self(), "detached"), 0);
    host_thread_detach(t);
    assert_true(host_park(HOST_FOREVER));
}

static void count_free(void *arg)
{
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
}

static void *foreign(void *arg)
{
    host_self()->local = arg;
    host_self()->local_free = count_free;
    assert_ptr_equal(host_self(), host_current);
    return NULL;
}

static void adopted_thread_is_freed_at_its_end(void **state)
{
    pthread_t id;
    int freed = 0;

    (void)state;
    assert_int_equal(pthread_create(&id, NULL, foreign, &freed), 0);
    pthread_join(id, NULL);
    assert_int_equal(freed, 1);
}

/* ---- locks ------------------------------------------------------------------------------------
 */

static struct host_lock lock = HOST_LOCK_INIT(HOST_RANK_NT_LEAF);
static long counter;

static void count_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        host_lock(&lock);
        counter++;
        host_unlock(&lock);
    }
}

static void lock_excludes(void **state)
{
    struct host_thread *t[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(host_thread_create(&t[i], count_up, NULL, "counter"), 0);
    for (int i = 0; i < 4; i++)
        host_thread_join(t[i]);
    assert_int_equal(counter, 4 * ROUNDS);
    assert_false(host_lock_held(&lock));
}

static void dies(void (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void take_downwards(void)
{
    struct host_lock low = HOST_LOCK_INIT(HOST_RANK_WSK_SOCKET);
    struct host_lock high = HOST_LOCK_INIT(HOST_RANK_NET);

    host_lock(&high);
    host_lock(&low);
}

static void take_twice(void)
{
    struct host_lock l = HOST_LOCK_INIT(HOST_RANK_WSK_SOCKET);
    struct host_lock same = HOST_LOCK_INIT(HOST_RANK_WSK_SOCKET);

    host_lock(&l);
    host_lock(&same);
}

static void unlock_free(void)
{
    struct host_lock l = HOST_LOCK_INIT(HOST_RANK_WSK_SOCKET);

    host_unlock(&l);
}

static void take_unready(void)
{
    struct host_lock l = { 0 };

    host_lock(&l);
}

static void call_up_with_lock(void)
{
    struct host_lock l = HOST_LOCK_INIT(HOST_RANK_NET);

    host_lock(&l);
    host_assert_unlocked();
}

static void ranks_are_checked(void **state)
{
    struct host_lock a = HOST_LOCK_INIT(HOST_RANK_WSK_SOCKET);
    struct host_lock b = HOST_LOCK_INIT(HOST_RANK_NET_EP);

    (void)state;
    host_lock(&a);
    host_lock(&b);
    assert_true(host_lock_held(&a));
    host_unlock(&a); /* in any order */
    assert_false(host_lock_held(&a));
    host_unlock(&b);
    host_assert_unlocked();
    dies(call_up_with_lock);
    dies(take_downwards);
    dies(take_twice);
    dies(unlock_free);
    dies(take_unready);
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

static void memory_is_aligned_and_guarded(void **state)
{
    char *p;

    (void)state;
    for (size_t align = 1; align <= 4096; align *= 2) {
        p = host_alloc(33, align);
        assert_int_equal((uintptr_t)p % (align < 16 ? 16 : align), 0);
        host_free(p);
    }
    p = host_zalloc(100);
    assert_int_equal(p[99], 0);
    host_free(p);
    p = host_pages_alloc(5000);
    memset(p, 1, 8192);
    host_pages_free(p, 5000);
    assert_null(host_pages_alloc(SIZE_MAX - 100));
}

static void time_goes_forward(void **state)
{
    int64_t a = host_now();
    unsigned rounds = 0;

    (void)state;
    for (int i = 0; i < 1100; i++)
        host_spin(&rounds, "test");
    assert_true(host_now() > a);
    assert_true(host_wall() > 1600000000ll * 1000000000);
    assert_int_equal(host_choose(5, HOST_CHOOSE_SIZE, "test"), 0);
}

static void modules_load(void **state)
{
    struct host_module *m;
    char why[256] = "";
    uintptr_t low, high, f;

    (void)state;
    assert_null(host_module_open("/nonexistent.so", why, sizeof(why)));
    assert_non_null(strstr(why, "nonexistent"));
    m = host_module_open("libm.so.6", why, sizeof(why));
    assert_non_null(m);
    host_module_range(m, &low, &high);
    f = (uintptr_t)host_module_symbol(m, "remquo");
    assert_true(f >= low && f < high);
    assert_null(host_module_symbol(m, "no_such_function"));
    host_module_close(m);
}

__attribute__((noinline)) static int where_am_i(void **frames)
{
    int n = host_backtrace(frames, 8);

    __asm__ volatile("");
    return n;
}

static void backtrace_names_lines(void **state)
{
    void *frames[8];
    char text[256];

    (void)state;
    assert_true(where_am_i(frames) > 2);
    host_symbolize(frames[0], text, sizeof(text));
    assert_non_null(strstr(text, "where_am_i"));
    host_symbolize(frames[1], text, sizeof(text));
    assert_non_null(strstr(text, "backtrace_names_lines"));
    host_symbolize((void *)(uintptr_t)leave_early, text, sizeof(text));
    assert_non_null(strstr(text, "leave_early"));
#ifdef OPENWSK_HAVE_LIBDW
    assert_non_null(strstr(text, "(test_host.c:"));
#endif
    host_symbolize((void *)16, text, sizeof(text));
    assert_string_equal(text, "0x10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permit_is_sticky),
        cmocka_unit_test(park_loses_no_permit),
        cmocka_unit_test(exit_returns_to_the_start),
        cmocka_unit_test(detached_thread_frees_itself),
        cmocka_unit_test(adopted_thread_is_freed_at_its_end),
        cmocka_unit_test(lock_excludes),
        cmocka_unit_test(ranks_are_checked),
        cmocka_unit_test(memory_is_aligned_and_guarded),
        cmocka_unit_test(time_goes_forward),
        cmocka_unit_test(modules_load),
        cmocka_unit_test(backtrace_names_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
