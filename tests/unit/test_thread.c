/* System threads: start, end, wait, exit status, priorities. */
#include "ke_test.h"

static PVOID start(PKSTART_ROUTINE routine, PVOID context)
{
    HANDLE handle;
    PVOID thread;

    assert_int_equal(
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context),
        STATUS_SUCCESS);
    assert_int_equal(ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, &thread, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(ZwClose(handle), STATUS_SUCCESS);
    return thread;
}

static VOID NTAPI set(PVOID context)
{
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_true(PsIsSystemThread(PsGetCurrentThread()));
    *(int *)context = 1; /* plain: the end of the thread publishes it */
}

static void runs_and_signals(void **state)
{
    int ran = 0;
    PVOID thread = start(set, &ran);

    (void)state;
    assert_int_equal(ke_wait(thread), STATUS_SUCCESS);
    assert_int_equal(ran, 1);
    assert_int_equal(((PKTHREAD)thread)->ExitStatus, STATUS_SUCCESS);
    assert_true(((PKTHREAD)thread)->Terminating);
    ObDereferenceObject(thread);
}

static void deep(int depth)
{
    if (depth > 0)
        deep(depth - 1);
    PsTerminateSystemThread(STATUS_CANCELLED);
    fail();
}

static VOID NTAPI terminate(PVOID context)
{
    (void)context;
    deep(5);
}

static void terminates(void **state)
{
    PVOID thread = start(terminate, NULL);

    (void)state;
    assert_int_equal(ke_wait(thread), STATUS_SUCCESS);
    assert_int_equal(((PKTHREAD)thread)->ExitStatus, STATUS_CANCELLED);
    ObDereferenceObject(thread);
    assert_int_equal(PsTerminateSystemThread(0), STATUS_INVALID_PARAMETER);
}

static VOID NTAPI count(PVOID context)
{
    __atomic_add_fetch((LONG *)context, 1, __ATOMIC_ACQ_REL);
}

static void many(void **state)
{
    PVOID threads[40];
    LONG ran = 0;

    (void)state;
    for (int i = 0; i < 40; i++)
        threads[i] = start(count, &ran);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(ke_wait(threads[i]), STATUS_SUCCESS);
        ObDereferenceObject(threads[i]);
    }
    assert_int_equal(ran, 40);
}

static VOID NTAPI untidy(PVOID context)
{
    (void)context;
    KiThread()->CriticalRegion++;
}

static void ends_untidily(void **state)
{
    (void)state;
    KE_EXPECT("VF-IRQL-07", {
        PVOID thread = start(untidy, NULL);
        ke_wait(thread);
        ObDereferenceObject(thread);
    });
}

static void priorities(void **state)
{
    PKTHREAD thread = KeGetCurrentThread();

    (void)state;
    assert_int_equal(KeSetPriorityThread(thread, LOW_REALTIME_PRIORITY), 8);
    assert_int_equal(KeQueryPriorityThread(thread), LOW_REALTIME_PRIORITY);
    assert_int_equal(KeSetBasePriorityThread(thread, 0), LOW_REALTIME_PRIORITY - 8);
    assert_int_equal(KeSetBasePriorityThread(thread, 1), 0);
    KeSetPriorityThread(thread, 8);
}

static void identity(void **state)
{
    (void)state;
    assert_ptr_equal(PsGetCurrentThread(), KeGetCurrentThread());
    assert_ptr_equal(PsGetThreadId(PsGetCurrentThread()), PsGetCurrentThreadId());
    assert_false(PsIsSystemThread(PsGetCurrentThread()));
    assert_ptr_equal(PsGetCurrentProcess(), PsInitialSystemProcess);
    assert_ptr_equal(PsGetProcessId(PsInitialSystemProcess), PsGetCurrentProcessId());
}

static VOID NTAPI wait_and_end(PVOID context)
{
    ke_wait(context);
    PsTerminateSystemThread(STATUS_TIMEOUT);
}

static VOID NTAPI guarded(PVOID context)
{
    (void)context;
    KeEnterGuardedRegion();
}

static void questions(void **state)
{
    CLIENT_ID id = { NULL, NULL };
    HANDLE handle;
    PVOID thread;
    KEVENT go;

    (void)state;
    KeInitializeEvent(&go, NotificationEvent, FALSE);
    assert_int_equal(
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, &id, wait_and_end, &go),
        STATUS_SUCCESS);
    ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, &thread, NULL);
    assert_ptr_equal(id.UniqueProcess, PsGetCurrentProcessId());
    assert_ptr_equal(id.UniqueThread, PsGetThreadId(thread));
    assert_true(PsIsSystemThread(thread));
    assert_false(PsIsThreadTerminating(thread));
    assert_int_equal(PsGetThreadExitStatus(thread), STATUS_PENDING);
    KeSetEvent(&go, 0, FALSE);
    ke_wait(thread);
    assert_true(PsIsThreadTerminating(thread));
    assert_int_equal(PsGetThreadExitStatus(thread), STATUS_TIMEOUT);
    ObDereferenceObject(thread);
    ZwClose(handle);
    KE_EXPECT("VF-IRQL-07", {
        PVOID untidy_one = start(guarded, NULL);
        ke_wait(untidy_one);
        ObDereferenceObject(untidy_one);
    });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_and_signals),
        cmocka_unit_test(terminates),
        cmocka_unit_test(many),
        cmocka_unit_test(ends_untidily),
        cmocka_unit_test(priorities),
        cmocka_unit_test(identity),
        cmocka_unit_test(questions),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
