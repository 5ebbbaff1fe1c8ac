/* IRPs: memory, passing down a stack of devices, completion, and the misuse that is reported. */
#include "ke_test.h"

#include "nt/iop.h"
#include "nt/stop.h"

static struct {
    PDEVICE_OBJECT device;
    BOOLEAN pending;
    NTSTATUS answer;
    NTSTATUS status;
    ULONG_PTR information;
    int calls;
} seen;

static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    assert_ptr_equal(Context, &seen);
    seen.device = DeviceObject;
    seen.pending = Irp->PendingReturned;
    seen.status = Irp->IoStatus.Status;
    seen.information = Irp->IoStatus.Information;
    seen.calls++;
    return seen.answer;
}

static int reset(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    seen.answer = STATUS_MORE_PROCESSING_REQUIRED;
    ke_findings = 0;
    return 0;
}

static int nothing_reported(void **state)
{
    (void)state;
    return ke_findings ? -1 : 0;
}

/* What a provider without a device does. */
static void finish(PIRP irp, NTSTATUS status, ULONG_PTR information, BOOLEAN pending)
{
    IoSetNextIrpStackLocation(irp);
    if (pending)
        IoMarkIrpPending(irp);
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static void new_irp_is_clean(void **state)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    (void)state;
    assert_non_null(irp);
    assert_int_equal(irp->Type, IO_TYPE_IRP);
    assert_int_equal(irp->Size, sizeof(IRP) + 2 * sizeof(IO_STACK_LOCATION));
    assert_int_equal(irp->StackCount, 2);
    assert_int_equal(irp->CurrentLocation, 3);
    assert_null(irp->CancelRoutine);
    assert_false(irp->Cancel);
    assert_ptr_equal(IoGetCurrentIrpStackLocation(irp), (PIO_STACK_LOCATION)(irp + 1) + 2);
    IoFreeIrp(irp);
    assert_null(IoAllocateIrp(-1, FALSE));
}

static void completion_calls_the_routine(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    finish(irp, STATUS_SUCCESS, 17, FALSE);
    assert_int_equal(seen.calls, 1);
    assert_null(seen.device);
    assert_false(seen.pending);
    assert_int_equal(seen.information, 17);

    IoReuseIrp(irp, STATUS_UNSUCCESSFUL);
    assert_int_equal(irp->IoStatus.Status, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    finish(irp, STATUS_CONNECTION_RESET, 0, TRUE);
    assert_int_equal(seen.calls, 2);
    assert_true(seen.pending);
    assert_int_equal(seen.status, STATUS_CONNECTION_RESET);
    IoFreeIrp(irp);
}

static NTSTATUS NTAPI scribble(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    (void)DeviceObject;
    memset(Irp, 0xcc, IoSizeOfIrp(1));
    ++*(int *)Context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void memory_may_vanish_in_the_routine(void **state)
{
    struct {
        IRP irp;
        IO_STACK_LOCATION stack;
    } mine;
    int calls = 0;

    (void)state;
    assert_true(sizeof mine >= IoSizeOfIrp(1));
    IoInitializeIrp(&mine.irp, sizeof mine, 1);
    IoSetCompletionRoutine(&mine.irp, scribble, &calls, TRUE, TRUE, TRUE);
    finish(&mine.irp, STATUS_SUCCESS, 0, TRUE);
    assert_int_equal(calls, 1);
}

static NTSTATUS NTAPI free_it(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    (void)DeviceObject;
    (void)Context;
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void routine_may_free(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    IoSetCompletionRoutine(irp, free_it, NULL, TRUE, TRUE, TRUE);
    finish(irp, STATUS_SUCCESS, 0, TRUE);
}

static void invoke_flags_select(void **state)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    (void)state;
    IoSetNextIrpStackLocation(irp); /* a location of our own */
    IoSetCompletionRoutine(irp, completed, &seen, FALSE, FALSE, TRUE);
    irp->Cancel = TRUE;
    finish(irp, STATUS_SUCCESS, 0, FALSE);
    assert_int_equal(seen.calls, 1);
    IoFreeIrp(irp);
}

static NTSTATUS NTAPI not_called(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    (void)DeviceObject;
    (void)Irp;
    (void)Context;
    fail();
    return STATUS_SUCCESS;
}

/* The routine of the upper location is called for this status, that of the lower one is not. */
static void invoked_for(NTSTATUS status, BOOLEAN on_success, BOOLEAN on_error)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    reset(NULL);
    IoSetCompletionRoutine(irp, completed, &seen, on_success, on_error, FALSE);
    IoSetNextIrpStackLocation(irp);
    IoSetCompletionRoutine(irp, not_called, NULL, !on_success, !on_error, FALSE);
    finish(irp, status, 0, FALSE);
    assert_int_equal(seen.calls, 1);
    IoFreeIrp(irp);
}

static void success_and_error_are_told_apart(void **state)
{
    (void)state;
    invoked_for(STATUS_SUCCESS, TRUE, FALSE);
    invoked_for(STATUS_UNSUCCESSFUL, FALSE, TRUE);
}

/* ---- a stack of two devices ------------------------------------------------------------------ */

static DRIVER_OBJECT lower_driver, upper_driver;
static DEVICE_OBJECT lower, upper;

static NTSTATUS NTAPI lower_dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    assert_ptr_equal(DeviceObject, &lower);
    assert_ptr_equal(IoGetCurrentIrpStackLocation(Irp)->DeviceObject, &lower);
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 5;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI upper_dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    IoCopyCurrentIrpStackLocationToNext(Irp);
    return IoCallDriver(&lower, Irp);
}

static void pending_travels_up(void **state)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    (void)state;
    lower_driver.MajorFunction[IRP_MJ_READ] = lower_dispatch;
    upper_driver.MajorFunction[IRP_MJ_READ] = upper_dispatch;
    lower.DriverObject = &lower_driver;
    upper.DriverObject = &upper_driver;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    assert_int_equal(IoCallDriver(&upper, irp), STATUS_PENDING);
    assert_int_equal(seen.calls, 1);
    assert_true(seen.pending);
    assert_int_equal(seen.information, 5);
    IoFreeIrp(irp);
}

static void associated_irps_complete_the_master(void **state)
{
    PIRP master = IoAllocateIrp(2, FALSE);
    PIRP parts[2];

    (void)state;
    IoSetCompletionRoutine(master, completed, &seen, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(master);
    master->AssociatedIrp.IrpCount = 2;
    master->IoStatus.Status = STATUS_SUCCESS;
    for (int i = 0; i < 2; i++)
        parts[i] = IoMakeAssociatedIrp(master, 1);
    finish(parts[0], STATUS_SUCCESS, 0, FALSE);
    assert_int_equal(seen.calls, 0);
    finish(parts[1], STATUS_SUCCESS, 0, FALSE);
    assert_int_equal(seen.calls, 1);
    IoFreeIrp(master);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static void free_of_what_is_not_ours(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    struct {
        IRP irp;
        IO_STACK_LOCATION stack;
    } mine;

    (void)state;
    IoInitializeIrp(&mine.irp, sizeof mine, 1);
    KE_EXPECT("VF-IRP-06", IoFreeIrp(&mine.irp));
    IoFreeIrp(irp);
    KE_EXPECT("VF-IRP-06", IoFreeIrp(irp));
}

static void use_while_pending(void **state)
{
    struct {
        IRP irp;
        IO_STACK_LOCATION stack;
    } mine;

    (void)state;
    IoInitializeIrp(&mine.irp, sizeof mine, 1);
    IoSetNextIrpStackLocation(&mine.irp);
    IoMarkIrpPending(&mine.irp);
    KE_EXPECT("VF-IRP-06", IoCleanupIrp(&mine.irp));
    KE_EXPECT("VF-IRP-06", IoReuseIrp(&mine.irp, STATUS_SUCCESS));
}

static void initialising_an_allocated_one(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    KE_EXPECT("VF-IRP-08", IoInitializeIrp(irp, IoSizeOfIrp(1), 1));
    assert_true(irp->AllocationFlags & IOP_IRP_ALLOCATED);
    IoFreeIrp(irp);
}

static void routine_gives_an_own_irp_away(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    seen.answer = STATUS_SUCCESS;
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    KE_EXPECT("VF-IRP-05", finish(irp, STATUS_SUCCESS, 0, FALSE));
    IoFreeIrp(irp);
}

static void own_irp_without_a_routine(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    KE_EXPECT("VF-IRP-03", finish(irp, STATUS_SUCCESS, 0, FALSE));
    IoFreeIrp(irp);
}

static void completion_with_a_wrong_state(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    KE_EXPECT("VF-IRP-11", finish(irp, STATUS_PENDING, 0, FALSE));
    IoFreeIrp(irp);
}

static jmp_buf stopped;

static void leave(const struct vf_finding *finding)
{
    (void)finding;
    longjmp(stopped, 1);
}

static void second_completion_stops(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    finish(irp, STATUS_SUCCESS, 0, FALSE);
    vf_on_stop(leave);
    if (!setjmp(stopped)) {
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        fail();
    }
    vf_on_stop(NULL);
    assert_string_equal(ke_rule, "VF-IRP-01");
    assert_int_equal(seen.calls, 1);
    ke_findings = 0;
    IoFreeIrp(irp);
}

static void no_location_left_stops(void **state)
{
    PIRP irp = IoAllocateIrp(0, FALSE);

    (void)state;
    vf_on_stop(leave);
    if (!setjmp(stopped)) {
        IoCallDriver(&lower, irp);
        fail();
    }
    vf_on_stop(NULL);
    assert_string_equal(ke_rule, "VF-IRP-09");
    ke_findings = 0;
    IoFreeIrp(irp);
}

static NTSTATUS NTAPI stay_high(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    KIRQL old;

    (void)DeviceObject;
    (void)Irp;
    (void)Context;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void routine_changes_the_irql(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    IoSetCompletionRoutine(irp, stay_high, NULL, TRUE, TRUE, TRUE);
    KE_EXPECT("VF-IRQL-04", finish(irp, STATUS_SUCCESS, 0, FALSE));
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    IoFreeIrp(irp);
}

/* ---- many threads ---------------------------------------------------------------------------- */

static void churn(int number, void *arg)
{
    PIRP irps[8];

    (void)number;
    (void)arg;
    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < 8; i++)
            irps[i] = IoAllocateIrp((CCHAR)(i % 3), FALSE);
        for (int i = 0; i < 8; i++)
            IoFreeIrp(irps[i]);
    }
}

static void threads_allocate_and_free(void **state)
{
    (void)state;
    ke_run(4, churn, NULL);
    IopShutdown();
}

static void finishing_flags(void **state)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    (void)state;
    for (int round = 0; round < 3; round++) {
        static const struct {
            NTSTATUS status;
            BOOLEAN on_error, on_cancel, cancel;
        } rounds[] = {
            { STATUS_UNSUCCESSFUL, FALSE, TRUE, FALSE }, /* neither is the case */
            { STATUS_UNSUCCESSFUL, FALSE, FALSE, TRUE },
            { STATUS_UNSUCCESSFUL, TRUE, FALSE, FALSE },
        };
        IoReuseIrp(irp, STATUS_SUCCESS);
        seen.calls = 0;
        IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
        IoSetNextIrpStackLocation(irp);
        IoSetCompletionRoutine(irp, completed, &seen, FALSE, rounds[round].on_error,
                               rounds[round].on_cancel);
        irp->Cancel = rounds[round].cancel;
        seen.device = &lower;
        finish(irp, rounds[round].status, 0, FALSE);
        /* The own routine ends it; the lower one only where its flags say so. */
        assert_int_equal(seen.calls, 1);
        assert_int_equal(irp->CurrentLocation, round == 2 ? 2 : 3);
    }
    IoFreeIrp(irp);
}

static void more_use_while_pending(void **state)
{
    struct {
        IRP irp;
        IO_STACK_LOCATION stack;
    } mine;
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    memset(&mine, 0xee, sizeof mine);
    KE_EXPECT("VF-IRP-08", IoInitializeIrp(&mine.irp, IoSizeOfIrp(1) - 1, 1));
    assert_int_equal(mine.irp.StackCount, (CCHAR)0xee); /* left alone */
    IoInitializeIrpEx(&mine.irp, &lower, sizeof mine, 1);
    assert_int_equal(mine.irp.StackCount, 1);
    IoSetNextIrpStackLocation(irp);
    IoMarkIrpPending(irp);
    KE_EXPECT("VF-IRP-06", IoFreeIrp(irp));
    assert_int_equal(irp->Type, IO_TYPE_IRP); /* its memory stays */
    IopFreeIrp(irp);
}

static void managed_irps(void **state)
{
    IO_STATUS_BLOCK iosb;
    PIRP irp;

    (void)state;
    lower.StackSize = 1;
    irp = IoBuildDeviceIoControlRequest(3, &lower, NULL, 0, NULL, 0, FALSE, NULL, &iosb);
    KE_EXPECT("VF-IRP-08", IoReuseIrp(irp, STATUS_SUCCESS));
    irp->IoStatus.Status = STATUS_CANCELLED;
    IopFinishIrp(irp);
    assert_null(IoGetRequestorProcess(&(IRP){ 0 }));
    assert_int_equal(IoGetRequestorProcessId(&(IRP){ 0 }), 0);
    irp = IoBuildDeviceIoControlRequest(3, &lower, NULL, 0, NULL, 0, FALSE, NULL, &iosb);
    assert_ptr_equal(IoGetRequestorProcess(irp), PsInitialSystemProcess);
    assert_int_equal(IoGetRequestorProcessId(irp), (ULONG)(ULONG_PTR)PsGetCurrentProcessId());
    assert_false(IoIs32bitProcess(irp));
    irp->IoStatus.Status = STATUS_CANCELLED;
    IopFinishIrp(irp);
}

static VOID NTAPI cancel_routine(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    (void)Irp;
}

static void completion_with_its_cancel_routine(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    IoSetCancelRoutine(irp, cancel_routine);
    KE_EXPECT("VF-IRP-11", finish(irp, STATUS_SUCCESS, 0, FALSE));
    assert_int_equal(seen.calls, 1);
    IoSetCancelRoutine(irp, NULL);
    IoFreeIrp(irp);
}

static NTSTATUS NTAPI goes_on(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    (void)DeviceObject;
    assert_true(Irp->PendingReturned);
    if (Context)
        IoMarkIrpPending(Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* Whoever looks at what comes up must pass on that it was pending. */
static void pending_is_not_passed_on(void **state)
{
    (void)state;
    for (int marks = 0; marks < 2; marks++) {
        PIRP irp = IoAllocateIrp(2, FALSE);

        IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
        IoSetNextIrpStackLocation(irp);
        IoSetCompletionRoutine(irp, goes_on, marks ? &seen : NULL, TRUE, TRUE, TRUE);
        if (marks)
            finish(irp, STATUS_SUCCESS, 0, TRUE);
        else
            KE_EXPECT("VF-IRP-13", finish(irp, STATUS_SUCCESS, 0, TRUE));
        assert_int_equal(seen.calls, marks + 1);
        assert_int_equal(seen.pending, marks);
        IoFreeIrp(irp);
    }
}

static ULONG stop_code;

static void on_stop(const KI_STOP *stop, void *context)
{
    (void)context;
    stop_code = stop->Code;
    longjmp(stopped, 1);
}

/* With the verifier's reports turned off the bug check of Windows remains. */
static void stops_without_the_verifier(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE), none = IoAllocateIrp(0, FALSE);

    (void)state;
    vf_configure("none", NULL);
    KiSetStopHook(on_stop, NULL);
    IoSetCompletionRoutine(irp, completed, &seen, TRUE, TRUE, TRUE);
    finish(irp, STATUS_SUCCESS, 0, FALSE);
    if (!setjmp(stopped))
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    assert_int_equal(stop_code, MULTIPLE_IRP_COMPLETE_REQUESTS);
    irp->Type = 0;
    irp->CurrentLocation = 1;
    stop_code = 0;
    if (!setjmp(stopped))
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    assert_int_equal(stop_code, MULTIPLE_IRP_COMPLETE_REQUESTS);
    if (!setjmp(stopped))
        IoCallDriver(&lower, none);
    assert_int_equal(stop_code, NO_MORE_IRP_STACK_LOCATIONS);
    irp->Type = IO_TYPE_IRP;
    KiSetStopHook(NULL, NULL);
    IopFreeIrp(irp);
    IopFreeIrp(none);
    vf_configure("standard", NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, nothing_reported)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_irp_is_clean),
        TEST(completion_calls_the_routine),
        TEST(memory_may_vanish_in_the_routine),
        TEST(routine_may_free),
        TEST(invoke_flags_select),
        TEST(success_and_error_are_told_apart),
        TEST(pending_travels_up),
        TEST(associated_irps_complete_the_master),
        TEST(free_of_what_is_not_ours),
        TEST(use_while_pending),
        TEST(initialising_an_allocated_one),
        TEST(routine_gives_an_own_irp_away),
        TEST(own_irp_without_a_routine),
        TEST(completion_with_a_wrong_state),
        TEST(second_completion_stops),
        TEST(no_location_left_stops),
        TEST(routine_changes_the_irql),
        TEST(threads_allocate_and_free),
        TEST(finishing_flags),
        TEST(more_use_while_pending),
        TEST(managed_irps),
        TEST(completion_with_its_cancel_routine),
        TEST(pending_is_not_passed_on),
        TEST(stops_without_the_verifier),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
