/* Cancellation: who wins, at which IRQL the routine runs, and that the lock is free afterwards. */
#include "ke_test.h"

#include "nt/iop.h"

static LONG cancelled, completed;

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_true(Irp->Cancel);
    assert_null(__atomic_load_n(&Irp->CancelRoutine, __ATOMIC_RELAXED)); /* see contend() */
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    __atomic_add_fetch(&cancelled, 1, __ATOMIC_RELEASE);
}

static void without_a_routine(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    assert_false(IoCancelIrp(irp));
    assert_true(irp->Cancel);
    IoReuseIrp(irp, STATUS_SUCCESS);
    assert_false(irp->Cancel);
    IoFreeIrp(irp);
}

static void routine_runs_once(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    KIRQL irql;

    (void)state;
    cancelled = 0;
    assert_null(IoSetCancelRoutine(irp, cancel));
    assert_true(IoCancelIrp(irp));
    assert_false(IoCancelIrp(irp));
    assert_int_equal(cancelled, 1);
    assert_int_equal(irp->CancelIrql, PASSIVE_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    IoAcquireCancelSpinLock(&irql);
    assert_int_equal(irql, PASSIVE_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    IoReleaseCancelSpinLock(irql);
    IoFreeIrp(irp);
}

static void from_dispatch_level(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    KIRQL irql;

    (void)state;
    cancelled = 0;
    IoSetCancelRoutine(irp, cancel);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    assert_true(IoCancelIrp(irp));
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(irql);
    assert_int_equal(cancelled, 1);
    IoFreeIrp(irp);
}

#define ROUNDS 1000

static struct race {
    PIRP irp;
    LONG round[2];
} race;

/* One thread cancels, the other takes the routine away in order to complete: one of them wins. */
static void contend(int number, void *arg)
{
    (void)arg;
    for (LONG round = 1; round <= ROUNDS; round++) {
        if (number == 0) {
            IoReuseIrp(race.irp, STATUS_SUCCESS);
            IoSetCancelRoutine(race.irp, cancel);
            __atomic_store_n(&race.round[0], round, __ATOMIC_RELEASE);
            if (IoSetCancelRoutine(race.irp, NULL))
                completed++;
            ke_until(&race.round[1], round);
        } else {
            ke_until(&race.round[0], round);
            IoCancelIrp(race.irp);
            __atomic_store_n(&race.round[1], round, __ATOMIC_RELEASE);
        }
    }
}

static void cancel_against_completion(void **state)
{
    (void)state;
    cancelled = completed = 0;
    race.irp = IoAllocateIrp(1, FALSE);
    ke_run(2, contend, NULL);
    assert_int_equal(cancelled + completed, ROUNDS);
    IoFreeIrp(race.irp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_routine),
        cmocka_unit_test(routine_runs_once),
        cmocka_unit_test(from_dispatch_level),
        cmocka_unit_test(cancel_against_completion),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
