/* Semaphores: counts, limits, and that each count serves one wait. */
#include "ke_test.h"

static void counts(void **state)
{
    KSEMAPHORE semaphore;

    (void)state;
    KeInitializeSemaphore(&semaphore, 1, 3);
    assert_int_equal(ke_wait(&semaphore), STATUS_SUCCESS);
    assert_int_equal(ke_poll(&semaphore), STATUS_TIMEOUT);
    assert_int_equal(KeReleaseSemaphore(&semaphore, 0, 2, FALSE), 0);
    assert_int_equal(KeReleaseSemaphore(&semaphore, 0, 1, FALSE), 2);
    assert_int_equal(KeReadStateSemaphore(&semaphore), 3);
}

static void limit(void **state)
{
    volatile NTSTATUS code = 0;
    KSEMAPHORE semaphore;

    (void)state;
    KeInitializeSemaphore(&semaphore, 2, 3);
    __try {
        KeReleaseSemaphore(&semaphore, 0, 2, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = (NTSTATUS)GetExceptionCode();
    }
    assert_int_equal(code, STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    assert_int_equal(KeReadStateSemaphore(&semaphore), 2);
}

struct pool {
    KSEMAPHORE semaphore;
    LONG inside, most;
};

static void enter(int number, void *arg)
{
    struct pool *p = arg;

    (void)number;
    for (int i = 0; i < 500; i++) {
        assert_int_equal(ke_wait(&p->semaphore), STATUS_SUCCESS);
        LONG inside = __atomic_add_fetch(&p->inside, 1, __ATOMIC_ACQ_REL);
        assert_true(inside <= 2);
        __atomic_sub_fetch(&p->inside, 1, __ATOMIC_ACQ_REL);
        KeReleaseSemaphore(&p->semaphore, 0, 1, FALSE);
    }
}

static void lets_two_in(void **state)
{
    struct pool p = { .inside = 0 };

    (void)state;
    KeInitializeSemaphore(&p.semaphore, 2, 2);
    ke_run(4, enter, &p);
    assert_int_equal(KeReadStateSemaphore(&p.semaphore), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(limit),
        cmocka_unit_test(lets_two_in),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
