/* Mutexes: ownership, recursion, order, abandonment. */
#include "ke_test.h"

#include "nt/kip.h"

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

static void until_waiters(KMUTEX *mutex, int count)
{
    unsigned rounds = 0;

    for (int have = 0; have < count;) {
        have = 0;
        host_lock(&KipDispatcherLock);
        for (PLIST_ENTRY e = mutex->Header.WaitListHead.Flink; e != &mutex->Header.WaitListHead;
             e = e->Flink)
            have++;
        host_unlock(&KipDispatcherLock);
        host_spin(&rounds, "test");
    }
}

static LONG left;

static VOID NTAPI leave_to_two(PVOID context)
{
    (void)context;
    assert_int_equal(ke_wait(&left_behind), STATUS_SUCCESS);
    __atomic_store_n(&left, 1, __ATOMIC_RELEASE);
    until_waiters(&left_behind, 2);
}

struct waits {
    int first; /* which of the two comes first */
    NTSTATUS answers[2];
};

/* 0 waits for any, 1 for all of two. */
static void wait_for_the_abandoned(int number, void *arg)
{
    struct waits *waits = arg;
    KEVENT set;
    PVOID objects[2] = { &set, &left_behind };

    KeInitializeEvent(&set, NotificationEvent, number != 0);
    ke_until(&left, 1);
    if (number != waits->first)
        until_waiters(&left_behind, 1);
    waits->answers[number] = KeWaitForMultipleObjects(2, objects, number ? WaitAll : WaitAny,
                                                      Executive, KernelMode, FALSE, NULL, NULL);
    KeReleaseMutex(&left_behind, FALSE);
}

/* Whoever comes first is told. */
static void abandoned_while_waited_for(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct waits waits = { .first = first };
        HANDLE handle;

        KeInitializeMutex(&left_behind, 0);
        __atomic_store_n(&left, 0, __ATOMIC_RELEASE);
        assert_int_equal(
            PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, leave_to_two, NULL),
            STATUS_SUCCESS);
        ke_run(2, wait_for_the_abandoned, &waits);
        assert_int_equal(ZwWaitForSingleObject(handle, FALSE, NULL), STATUS_SUCCESS);
        ZwClose(handle);
        assert_int_equal(waits.answers[0], first == 0 ? STATUS_ABANDONED + 1 : STATUS_WAIT_1);
        assert_int_equal(waits.answers[1], first == 1 ? STATUS_ABANDONED : STATUS_SUCCESS);
    }
}

/* All of two, one of which was abandoned before. */
static void abandoned_among_others(void **state)
{
    PVOID objects[2];
    KEVENT set;

    KeInitializeEvent(&set, NotificationEvent, TRUE);
    objects[0] = &set;
    objects[1] = &left_behind;
    abandoned(state); /* leaves it free */
    left_behind.Abandoned = 1;
    assert_int_equal(
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_ABANDONED);
    KeReleaseMutex(&left_behind, FALSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion),
        cmocka_unit_test(excludes),
        cmocka_unit_test(owned_by_another),
        cmocka_unit_test(abandoned),
        cmocka_unit_test(released_by_a_stranger),
        cmocka_unit_test(abandoned_while_waited_for),
        cmocka_unit_test(abandoned_among_others),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
