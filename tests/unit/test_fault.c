/* Faults of the processor become a call on the faulting thread. */
#include "host/host.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_is_told_and_left),
        cmocka_unit_test(breakpoint_is_told),
        cmocka_unit_test(division_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
