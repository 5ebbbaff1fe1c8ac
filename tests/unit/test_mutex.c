/* Mutexes: ownership, recursion, order, abandonment. */
#include "ke_test.h"

static void recursion(void **state)
{
    KMUTEX mutex;

    (void)state;
    KeInitializeMutex(&mutex, 0);
    assert_int_equal(KeReadStateMutex(&mutex), 1);
    assert_int_equal(ke_wait(&mutex), STATUS_SUCCESS);
    assert_int_equal(ke_wait(&mutex), STATUS_SUCCESS);
    assert_true(KeAreApcsDisabled());
    assert_int_equal(KeReadStateMutex(&mutex), -1);
    assert_int_equal(KeReleaseMutex(&mutex, FALSE), -1);
    assert_int_equal(KeReleaseMutex(&mutex, FALSE), 0);
    assert_int_equal(KeReadStateMutex(&mutex), 1);
    assert_false(KeAreApcsDisabled());
}

struct shared {
    KMUTEX mutex;
    long count; /* plain: the mutex protects it */
    LONG locked, checked;
};

static void add(int number, void *arg)
{
    struct shared *s = arg;

    (void)number;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(ke_wait(&s->mutex), STATUS_SUCCESS);
        s->count++;
        KeReleaseMutex(&s->mutex, FALSE);
    }
}

static void excludes(void **state)
{
    struct shared s = { .count = 0 };

    (void)state;
    KeInitializeMutex(&s.mutex, 0);
    ke_run(4, add, &s);
    assert_int_equal(s.count, 4000);
}

static void hold_or_try(int number, void *arg)
{
    struct shared *s = arg;

    if (number == 0) {
        assert_int_equal(ke_wait(&s->mutex), STATUS_SUCCESS);
        __atomic_store_n(&s->locked, 1, __ATOMIC_RELEASE);
        ke_until(&s->checked, 1);
        KeReleaseMutex(&s->mutex, FALSE);
        return;
    }
    ke_until(&s->locked, 1);
    assert_int_equal(ke_poll(&s->mutex), STATUS_TIMEOUT);
    __atomic_store_n(&s->checked, 1, __ATOMIC_RELEASE);
}

static void owned_by_another(void **state)
{
    struct shared s = { .locked = 0 };

    (void)state;
    KeInitializeMutex(&s.mutex, 0);
    ke_run(2, hold_or_try, &s);
}

static KMUTEX left_behind;

static VOID NTAPI leave(PVOID context)
{
    (void)context;
    assert_int_equal(ke_wait(&left_behind), STATUS_SUCCESS);
}

static void abandoned(void **state)
{
    HANDLE handle;

    (void)state;
    KeInitializeMutex(&left_behind, 0);
    ke_findings = 0;
    assert_int_equal(
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, leave, NULL),
        STATUS_SUCCESS);
    PVOID thread;
    assert_int_equal(ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, &thread, NULL),
                     STATUS_SUCCESS);
    ZwClose(handle);
    assert_int_equal(ke_wait(thread), STATUS_SUCCESS);
    ObDereferenceObject(thread);
    assert_string_equal(ke_rule, "VF-WAIT-05");
    assert_int_equal(ke_wait(&left_behind), STATUS_ABANDONED);
    KeReleaseMutex(&left_behind, FALSE);
}

static void released_by_a_stranger(void **state)
{
    volatile NTSTATUS code = 0;
    KMUTEX mutex;

    (void)state;
    KeInitializeMutex(&mutex, 0);
    __try {
        KeReleaseMutex(&mutex, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = (NTSTATUS)GetExceptionCode();
    }
    assert_int_equal(code, STATUS_MUTANT_NOT_OWNED);
    assert_string_equal(ke_rule, "VF-WAIT-05");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion),
        cmocka_unit_test(excludes),
        cmocka_unit_test(owned_by_another),
        cmocka_unit_test(abandoned),
        cmocka_unit_test(released_by_a_stranger),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
