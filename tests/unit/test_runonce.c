/* One-time initialisation: both protocols, their misuse, and many threads at once. */
#include "ke_test.h"

static void one_thread(void **state)
{
    RTL_RUN_ONCE once;
    PVOID context = NULL;

    (void)state;
    RtlRunOnceInitialize(&once);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_CHECK_ONLY, &context),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceComplete(&once, 0, NULL), STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_PENDING);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_CHECK_ONLY, &context),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, &context),
                     STATUS_INVALID_PARAMETER);
    /* The two lowest bits of a context belong to the block; a failure has no context. */
    assert_int_equal(RtlRunOnceComplete(&once, 0, (PVOID)6), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_INIT_FAILED, (PVOID)8),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_INIT_FAILED, NULL), STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, NULL), STATUS_PENDING);
    assert_int_equal(RtlRunOnceComplete(&once, 0, (PVOID)8), STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, (PVOID)8);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_CHECK_ONLY, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceComplete(&once, 0, NULL), STATUS_UNSUCCESSFUL);
}

/* Several may initialise side by side; the first to complete wins. */
static void asynchronous(void **state)
{
    RTL_RUN_ONCE once;
    PVOID context = NULL;

    (void)state;
    RtlRunOnceInitialize(&once);
    assert_int_equal(
        RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_CHECK_ONLY, &context),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, NULL), STATUS_PENDING);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, NULL), STATUS_PENDING);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_CHECK_ONLY, NULL),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_INIT_FAILED, NULL),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlRunOnceComplete(&once, 0, NULL), STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_ASYNC, (PVOID)16), STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_ASYNC, (PVOID)32),
                     STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, &context),
                     STATUS_SUCCESS);
    assert_ptr_equal(context, (PVOID)16);
}

static LONG runs, arrived;

static ULONG NTAPI fails_once(PRTL_RUN_ONCE once, PVOID parameter, PVOID *context)
{
    (void)once;
    assert_ptr_equal(parameter, &runs);
    *context = (PVOID)64;
    return InterlockedIncrement(&runs) > 1;
}

static void routine(void **state)
{
    RTL_RUN_ONCE once = RTL_RUN_ONCE_INIT;
    PVOID context = NULL;

    (void)state;
    runs = 0;
    assert_int_equal(RtlRunOnceExecuteOnce(&once, fails_once, &runs, &context),
                     STATUS_UNSUCCESSFUL);
    assert_null(context);
    assert_int_equal(RtlRunOnceExecuteOnce(&once, fails_once, &runs, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, (PVOID)64);
    context = NULL;
    assert_int_equal(RtlRunOnceExecuteOnce(&once, fails_once, &runs, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, (PVOID)64);
    assert_int_equal(runs, 2);
    RtlRunOnceInitialize(&once);
    assert_int_equal(RtlRunOnceExecuteOnce(&once, fails_once, &runs, NULL), STATUS_SUCCESS);
    assert_int_equal(runs, 3);
}

#define THREADS 4

/* Returns once all others wait: the word then names the newest of them. */
static ULONG NTAPI slow(PRTL_RUN_ONCE once, PVOID parameter, PVOID *context)
{
    unsigned rounds = 0;

    (void)parameter;
    InterlockedIncrement(&runs);
    ke_until(&arrived, THREADS);
    while (!(__atomic_load_n((ULONG_PTR *)&once->Ptr, __ATOMIC_ACQUIRE) & ~(ULONG_PTR)3))
        host_spin(&rounds, "test");
    *context = (PVOID)128;
    return TRUE;
}

static void enter(int number, void *once)
{
    PVOID context = NULL;

    (void)number;
    InterlockedIncrement(&arrived);
    assert_int_equal(RtlRunOnceExecuteOnce(once, slow, NULL, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, (PVOID)128);
}

static void others_wait(void **state)
{
    RTL_RUN_ONCE once = RTL_RUN_ONCE_INIT;

    (void)state;
    for (int i = 0; i < 20; i++) {
        RtlRunOnceInitialize(&once);
        runs = arrived = 0;
        ke_run(THREADS, enter, &once);
        assert_int_equal(runs, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread),
        cmocka_unit_test(asynchronous),
        cmocka_unit_test(routine),
        cmocka_unit_test(others_wait),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
