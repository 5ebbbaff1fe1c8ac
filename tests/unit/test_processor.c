/* Processors: boot and shutdown, the idle hook, numbers. */
#include "ke_test.h"

static void boot_again(void **state)
{
    (void)state;
    for (ULONG n = 1; n <= 4; n++) {
        assert_int_equal(ke_boot(n), 0);
        assert_int_equal(KiProcessorCount(), n);
        assert_int_equal(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), n);
        assert_int_equal(KeQueryActiveProcessors(), (1u << n) - 1);
        KiShutdown();
    }
}

struct hook {
    LONG polls, on_loop, woken;
    struct host_thread *poller;
};

static void poll(void *context, int64_t deadline)
{
    struct hook *h = context;

    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    __atomic_store_n(&h->on_loop, KiOnLoopThread() && KiCurrentProcessor() == 1, __ATOMIC_RELEASE);
    __atomic_store_n(&h->poller, host_self(), __ATOMIC_RELEASE);
    __atomic_add_fetch(&h->polls, 1, __ATOMIC_RELEASE);
    host_park(deadline);
}

static void wake(void *context)
{
    struct hook *h = context;
    struct host_thread *poller = __atomic_load_n(&h->poller, __ATOMIC_ACQUIRE);

    __atomic_add_fetch(&h->woken, 1, __ATOMIC_RELEASE);
    if (poller)
        host_unpark(poller);
}

static void NTAPI flag(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)argument1;
    (void)argument2;
    assert_true(KeGetCurrentProcessorNumberEx(NULL) == 1);
    __atomic_store_n((LONG *)context, 1, __ATOMIC_RELEASE);
}

static void idle_hook(void **state)
{
    struct hook h = { 0 };
    KI_IDLE idle = { poll, wake, &h };
    LONG ran = 0;
    KDPC dpc;
    KIRQL old;

    (void)state;
    assert_int_equal(ke_boot(2), 0);
    KiSetProcessorIdle(1, &idle);
    ke_until(&h.on_loop, 1);
    KeSetSystemAffinityThreadEx(1);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KeInitializeDpc(&dpc, flag, &ran);
    KeSetTargetProcessorDpc(&dpc, 1);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    ke_until(&ran, 1); /* another processor's DPC, while this one is occupied */
    KeLowerIrql(old);
    KeRevertToUserAffinityThreadEx(0);
    KiSetProcessorIdle(1, NULL);
    LONG polls = ke_load(&h.polls);
    KiWakeProcessor(1);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    assert_int_equal(ke_load(&h.polls), polls);
    KiShutdown();
}

static void numbers(void **state)
{
    PROCESSOR_NUMBER number;

    (void)state;
    assert_int_equal(ke_boot(2), 0);
    assert_int_equal(KeGetProcessorNumberFromIndex(1, &number), STATUS_SUCCESS);
    assert_int_equal(number.Number, 1);
    assert_int_equal(KeGetProcessorIndexFromNumber(&number), 1);
    assert_int_equal(KeGetProcessorNumberFromIndex(2, &number), STATUS_INVALID_PARAMETER);
    number.Number = 2;
    assert_int_equal(KeGetProcessorIndexFromNumber(&number), 0xffffffff);
    assert_false(KiOnLoopThread());
    KiShutdown();
}

static void groups_and_nodes(void **state)
{
    PROCESSOR_NUMBER number = { 0 };
    KAFFINITY affinity = 0;

    (void)state;
    assert_int_equal(ke_boot(3), 0);
    assert_int_equal(KeQueryActiveProcessorCount(NULL), 3);
    assert_int_equal(KeQueryActiveProcessorCount(&affinity), 3);
    assert_int_equal(affinity, 7);
    assert_int_equal(KeQueryActiveProcessorCountEx(0), 3);
    assert_int_equal(KeQueryActiveProcessorCountEx(1), 0);
    assert_int_equal(KeQueryMaximumProcessorCount(), 3);
    assert_int_equal(KeQueryMaximumProcessorCountEx(0), 3);
    assert_int_equal(KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS), 3);
    assert_int_equal(KeQueryMaximumProcessorCountEx(1), 0);
    assert_int_equal(KeQueryActiveGroupCount(), 1);
    assert_int_equal(KeQueryMaximumGroupCount(), 1);
    assert_int_equal(KeQueryGroupAffinity(0), 7);
    assert_int_equal(KeQueryGroupAffinity(1), 0);
    assert_int_equal(KeQueryHighestNodeNumber(), 0);
    assert_int_equal(KeGetCurrentNodeNumber(), 0);
    KeSetSystemAffinityThread(4);
    assert_int_equal(KeGetCurrentProcessorNumberEx(&number), 2);
    assert_int_equal(number.Number, 2);
    assert_int_equal(number.Group, 0);
    KeRevertToUserAffinityThread();
    number = (PROCESSOR_NUMBER){ .Group = 1 };
    assert_int_equal(KeGetProcessorIndexFromNumber(&number), 0xffffffff);
    number = (PROCESSOR_NUMBER){ .Reserved = 1 };
    assert_int_equal(KeGetProcessorIndexFromNumber(&number), 0xffffffff);
    KiShutdown();
}

static void NTAPI nothing(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
}

static void yield_for_a_dpc(void **state)
{
    KDPC dpc;
    KIRQL old;

    (void)state;
    assert_int_equal(ke_boot(1), 0);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    assert_false(KeShouldYieldProcessor());
    KeInitializeDpc(&dpc, nothing, NULL);
    assert_true(KeInsertQueueDpc(&dpc, NULL, NULL));
    assert_true(KeShouldYieldProcessor());
    KeLowerIrql(old);
    KeFlushQueuedDpcs();
    KiShutdown();
}

static void one_process(void **state)
{
    PEPROCESS process = IoGetCurrentProcess();
    KAPC_STATE apc;

    (void)state;
    assert_ptr_equal(process, PsInitialSystemProcess);
    assert_ptr_equal(PsGetCurrentProcessId(), (HANDLE)4);
    assert_ptr_equal(PsGetProcessId(process), (HANDLE)4);
    assert_ptr_equal(IoThreadToProcess(PsGetCurrentThread()), process);
    memset(&apc, 0xcc, sizeof apc);
    KeStackAttachProcess((PRKPROCESS)process, &apc);
    assert_ptr_equal(IoGetCurrentProcess(), process);
    KeUnstackDetachProcess(&apc);
    assert_ptr_equal(IoGetCurrentProcess(), process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_again),      cmocka_unit_test(idle_hook),
        cmocka_unit_test(numbers),         cmocka_unit_test(groups_and_nodes),
        cmocka_unit_test(yield_for_a_dpc), cmocka_unit_test(one_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
