/* DPCs: where and in which order they run, and what flushing promises. */
#include "ke_test.h"

struct log {
    int order[8];
    int count;
    ULONG processor;
    PVOID arguments[2];
};

static void NTAPI record(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct log *log = context;

    (void)dpc;
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    log->order[log->count++] = (int)(ULONG_PTR)argument1;
    log->processor = KeGetCurrentProcessorNumberEx(NULL);
    log->arguments[0] = argument1;
    log->arguments[1] = argument2;
}

static void runs_at_once_from_passive(void **state)
{
    struct log log = { 0 };
    KDPC dpc;

    (void)state;
    KeInitializeDpc(&dpc, record, &log);
    KeSetTargetProcessorDpc(&dpc, 1);
    assert_true(KeInsertQueueDpc(&dpc, (PVOID)7, (PVOID)8));
    KeFlushQueuedDpcs();
    assert_int_equal(log.count, 1);
    assert_int_equal(log.processor, 1);
    assert_ptr_equal(log.arguments[1], (PVOID)8);
}

static void order_and_importance(void **state)
{
    struct log log = { 0 };
    KDPC dpcs[3];
    KIRQL old;

    (void)state;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    for (int i = 0; i < 3; i++)
        KeInitializeDpc(&dpcs[i], record, &log);
    KeSetImportanceDpc(&dpcs[2], HighImportance);
    for (ULONG_PTR i = 0; i < 3; i++) {
        assert_true(KeInsertQueueDpc(&dpcs[i], (PVOID)(i + 1), NULL));
        assert_false(KeInsertQueueDpc(&dpcs[i], (PVOID)9, NULL));
    }
    assert_int_equal(log.count, 0);
    KeLowerIrql(old);
    assert_int_equal(log.count, 3);
    assert_int_equal(log.order[0], 3);
    assert_int_equal(log.order[1], 1);
    assert_int_equal(log.order[2], 2);
}

static void removed(void **state)
{
    struct log log = { 0 };
    KDPC a, b;
    KIRQL old;

    (void)state;
    KeInitializeDpc(&a, record, &log);
    KeInitializeThreadedDpc(&b, record, &log);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KeInsertQueueDpc(&a, (PVOID)1, NULL);
    KeInsertQueueDpc(&b, (PVOID)2, NULL);
    assert_true(KeRemoveQueueDpc(&b));
    assert_false(KeRemoveQueueDpc(&b));
    KeInsertQueueDpc(&b, (PVOID)3, NULL);
    assert_true(KeRemoveQueueDpc(&a));
    KeLowerIrql(old);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.order[0], 3);
}

struct serial {
    KDPC dpcs[4];
    long ran[2]; /* plain: DPCs of a processor never run at once */
    LONG queued;
};

static void NTAPI count(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct serial *s = context;

    (void)dpc;
    (void)argument1;
    (void)argument2;
    s->ran[KeGetCurrentProcessorNumberEx(NULL)]++;
}

static void queue(int number, void *arg)
{
    struct serial *s = arg;

    for (int i = 0; i < 2000; i++)
        if (KeInsertQueueDpc(&s->dpcs[(number + i) % 4], NULL, NULL))
            __atomic_add_fetch(&s->queued, 1, __ATOMIC_RELAXED);
}

static void never_at_once(void **state)
{
    struct serial s = { .queued = 0 };

    (void)state;
    for (int i = 0; i < 4; i++) {
        KeInitializeDpc(&s.dpcs[i], count, &s);
        if (i < 2)
            KeSetTargetProcessorDpc(&s.dpcs[i], (CCHAR)i);
    }
    ke_run(4, queue, &s);
    KeFlushQueuedDpcs();
    assert_int_equal(s.ran[0] + s.ran[1], s.queued);
}

static void NTAPI again(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    LONG *left = context;

    (void)argument1;
    (void)argument2;
    if (__atomic_sub_fetch(left, 1, __ATOMIC_RELEASE) > 0)
        assert_true(KeInsertQueueDpc(dpc, NULL, NULL));
}

/* More often than one drain runs: the loop takes over. */
static void queues_itself(void **state)
{
    LONG left = 1000;
    KDPC dpc;

    (void)state;
    KeInitializeDpc(&dpc, again, &left);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    ke_until(&left, 0);
    KeFlushQueuedDpcs();
}

static void NTAPI unbalanced(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    KiThread()->CriticalRegion++;
}

static void misuse(void **state)
{
    KDPC dpc;

    (void)state;
    KeInitializeDpc(&dpc, unbalanced, NULL);
    KE_EXPECT("VF-IRQL-07", {
        KeInsertQueueDpc(&dpc, NULL, NULL);
        KeFlushQueuedDpcs();
    });
}

static void targets(void **state)
{
    struct log log = { 0 };
    PROCESSOR_NUMBER number = { .Group = 1, .Number = 0 };
    KDPC dpc;

    (void)state;
    KeInitializeDpc(&dpc, record, &log);
    assert_int_equal(KeSetTargetProcessorDpcEx(&dpc, &number), STATUS_INVALID_PARAMETER);
    number = (PROCESSOR_NUMBER){ .Group = 0, .Number = 2 };
    assert_int_equal(KeSetTargetProcessorDpcEx(&dpc, &number), STATUS_INVALID_PARAMETER);
    assert_int_equal(dpc.Number, 0); /* still: wherever it is queued */
    number.Number = 1;
    assert_int_equal(KeSetTargetProcessorDpcEx(&dpc, &number), STATUS_SUCCESS);
    assert_int_equal(dpc.Number, 2);
    KeSetTargetProcessorDpc(&dpc, 2); /* there is none */
    assert_int_equal(dpc.Number, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_at_once_from_passive),
        cmocka_unit_test(order_and_importance),
        cmocka_unit_test(removed),
        cmocka_unit_test(never_at_once),
        cmocka_unit_test(queues_itself),
        cmocka_unit_test(misuse),
        cmocka_unit_test(targets),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
