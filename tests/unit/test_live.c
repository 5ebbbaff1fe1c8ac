/* The table of live objects: births, deaths, and the leak report. */
#include "verify/vf.h"

#include "host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define OBJECTS 5000
#define THREADS 4

static char memory[OBJECTS];
static char texts[8][256];
static unsigned text_count;

static void observe(const struct vf_finding *finding, void *context)
{
    (void)context;
    if (text_count < 8)
        strncpy(texts[text_count], finding->text, sizeof texts[0] - 1);
    text_count++;
}

static int reset(void **state)
{
    (void)state;
    vf_reset();
    memset(texts, 0, sizeof texts);
    text_count = 0;
    vf_on_finding(observe, NULL);
    return 0;
}

static void dies_once(void **state)
{
    (void)state;
    vf_born(VF_IRP, memory, 1, 0, memory);
    assert_true(vf_alive(VF_IRP, memory));
    assert_false(vf_alive(VF_MDL, memory));
    assert_false(vf_died(VF_MDL, memory));
    assert_true(vf_died(VF_IRP, memory));
    assert_false(vf_died(VF_IRP, memory));
    assert_false(vf_alive(VF_IRP, memory));
}

static void holds_many(void **state)
{
    (void)state;
    for (int i = 0; i < OBJECTS; i++)
        vf_born(VF_POOL, memory + i, 1, 0, memory);
    for (int i = 0; i < OBJECTS; i += 2)
        assert_true(vf_died(VF_POOL, memory + i));
    for (int i = 0; i < OBJECTS; i++)
        assert_int_equal(vf_alive(VF_POOL, memory + i), i % 2);
    assert_int_equal(vf_sweep((uintptr_t)memory, (uintptr_t)memory + 1, "d"), OBJECTS / 2);
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "d"), 0);
    assert_int_equal(text_count, 1);
}

static void sweep_groups_by_tag_and_owner(void **state)
{
    uintptr_t low = (uintptr_t)memory;

    (void)state;
    vf_born(VF_WSK_SOCKET, memory, 0, 0, memory + 8);
    vf_born(VF_POOL, memory + 1, 16, 0x6f686345, memory + 9);
    vf_born(VF_POOL, memory + 2, 48, 0x6f686345, memory + 9);
    vf_born(VF_POOL, memory + 3, 1, 0x01202041, memory + 9);
    vf_born(VF_POOL, memory + 4, 1, 0, memory + 100);
    assert_int_equal(vf_sweep(low, low + 100, "echo"), 4);
    assert_int_equal(text_count, 3);
    assert_memory_equal(texts[0], "echo left behind 1 WSK socket (", 31);
    assert_memory_equal(texts[1], "echo left behind 2 pool allocations, 64 bytes, tag 'Echo' (",
                        59);
    assert_non_null(strstr(texts[2], "1 pool allocation, 1 byte, tag 'A  .'"));
    assert_int_equal(vf_findings(VF_ERROR), 3);
    assert_true(vf_died(VF_POOL, memory + 4));
}

static void churn(void *arg)
{
    char *mine = arg;

    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 50; i++)
            vf_born(VF_POOL, mine + i, 1, 0, mine);
        for (int i = 0; i < 50; i++)
            HOST_ASSERT(vf_died(VF_POOL, mine + i));
    }
}

static void threads_do_not_disturb_each_other(void **state)
{
    struct host_thread *threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(host_thread_create(&threads[i], churn, memory + 100 * i, "churn"), 0);
    for (int i = 0; i < THREADS; i++)
        host_thread_join(threads[i]);
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "d"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(dies_once, reset),
        cmocka_unit_test_setup(holds_many, reset),
        cmocka_unit_test_setup(sweep_groups_by_tag_and_owner, reset),
        cmocka_unit_test_setup(threads_do_not_disturb_each_other, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
