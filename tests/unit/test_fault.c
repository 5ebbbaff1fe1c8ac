/* Faults of the processor become a call on the faulting thread. */
#include "host/host.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void *back[5];
static struct host_fault seen;

static void land(const struct host_fault *fault)
{
    seen = *fault;
    host_fault_done();
    __builtin_longjmp(back, 1);
}

__attribute__((noinline)) static void touch(volatile char *where)
{
    *where = 1;
}

static void access_is_told_and_left(void **state)
{
    char *pages = host_pages_alloc(4096);

    (void)state;
    host_on_fault(land); /* here, because cmocka installs handlers before each test */
    for (int round = 0; round < 3; round++) {
        if (__builtin_setjmp(back) == 0) {
            touch(pages - 1 - round);
            fail();
        }
        assert_int_equal(seen.kind, HOST_FAULT_ACCESS);
        assert_ptr_equal(seen.address, pages - 1 - round);
        assert_true(seen.write);
        assert_true(seen.frame_count > 1);
        assert_ptr_equal(seen.frames[0], seen.pc);
    }
    host_pages_free(pages, 4096);
}

/* Real frames: neither inlined nor made a loop; and no redzones, which the jump would leave. */
__attribute__((noinline, no_sanitize("address"))) static int deeper(int depth)
{
    volatile char frame[256];

    frame[0] = (char)depth;
    return depth ? deeper(depth - 1) + frame[0] : 0;
}

static void overflow(void *unused)
{
    const void *low, *high;

    (void)unused;
    host_stack_bounds(&low, &high);
    for (int round = 0; round < 2; round++) {
        seen.kind = HOST_FAULT_DIVIDE;
        if (__builtin_setjmp(back) == 0) {
            deeper(INT_MAX);
            fail();
        }
        assert_int_equal(seen.kind, HOST_FAULT_STACK);
        assert_true(seen.frame_count > HOST_FAULT_FRAMES / 2);
        assert_true((const char *)seen.address < (const char *)low + 65536);
    }
}

/* On a thread of ours, and on the process's first one, whose stack grows. */
static void exhausted_stack_is_told(void **state)
{
    struct host_thread *thread;

    (void)state;
    host_on_fault(land); /* here, because cmocka installs handlers before each test */
    assert_int_equal(host_thread_create(&thread, overflow, NULL, "overflow"), 0);
    host_thread_join(thread);
    overflow(NULL);
}

static void breakpoint_is_told(void **state)
{
    (void)state;
    host_on_fault(land); /* here, because cmocka installs handlers before each test */
    if (__builtin_setjmp(back) == 0) {
        __asm__ volatile("int3");
        fail();
    }
    assert_int_equal(seen.kind, HOST_FAULT_BREAKPOINT);
}

static void division_is_told(void **state)
{
    (void)state;
    host_on_fault(land); /* here, because cmocka installs handlers before each test */
    if (__builtin_setjmp(back) == 0) {
        __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" ::
                             : "eax", "ecx", "edx");
        fail();
    }
    assert_int_equal(seen.kind, HOST_FAULT_DIVIDE);
}

/* Its frame is found by a register that no longer says where: so it is with a smashed stack. */
__attribute__((noinline)) static void lose_frame(volatile char *where, size_t size)
{
    volatile char *moves = __builtin_alloca(size);

    moves[0] = 0;
    __asm__ volatile("movq $8, %%rbp\n\tmovb $1, (%0)" : : "r"(where) : "memory");
}

static void destroyed_stack_is_told(void **state)
{
    char *pages;

    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* its own handler blocks all signals, so that a fault in it ends the process */
#endif
    pages = host_pages_alloc(4096);
    host_on_fault(land);
    for (int round = 0; round < 2; round++) {
        if (__builtin_setjmp(back) == 0) {
            lose_frame(pages - 1, 16 + (size_t)round);
            fail();
        }
        assert_int_equal(seen.kind, HOST_FAULT_ACCESS);
        assert_ptr_equal(seen.address, pages - 1);
        assert_true(seen.frame_count >= 1);
        assert_ptr_equal(seen.frames[0], seen.pc);
    }
    host_pages_free(pages, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_is_told_and_left), cmocka_unit_test(exhausted_stack_is_told),
        cmocka_unit_test(destroyed_stack_is_told), cmocka_unit_test(breakpoint_is_told),
        cmocka_unit_test(division_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
