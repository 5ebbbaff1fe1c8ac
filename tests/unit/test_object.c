/* Objects and handles: counts, types, handles that are wrong, and many threads. */
#include "ke_test.h"

#include "nt/ob.h"

static LONG deleted, closed;

static void on_close(PVOID body)
{
    (void)body;
    __atomic_add_fetch(&closed, 1, __ATOMIC_RELAXED);
}

static void on_delete(PVOID body)
{
    (void)body;
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    __atomic_add_fetch(&deleted, 1, __ATOMIC_RELEASE);
}

static OBJECT_TYPE test_type = { "Test", on_close, on_delete, TRUE };

static int reset(void **state)
{
    (void)state;
    ke_findings = 0;
    deleted = closed = 0;
    return 0;
}

static int nothing_left(void **state)
{
    (void)state;
    return ke_findings || vf_sweep(0, UINTPTR_MAX, "test") ? -1 : 0;
}

static void references(void **state)
{
    PVOID body = ObpAllocateBody(&test_type, 100);

    (void)state;
    assert_int_equal(ObReferenceObject(body), 2);
    assert_int_equal(ObDereferenceObject(body), 1);
    assert_int_equal(ObReferenceObjectByPointer(body, 0, &test_type, KernelMode), STATUS_SUCCESS);
    assert_int_equal(ObReferenceObjectByPointer(body, 0, *PsThreadType, KernelMode),
                     STATUS_OBJECT_TYPE_MISMATCH);
    ObDereferenceObjectDeferDelete(body);
    assert_int_equal(deleted, 0);
    assert_int_equal(ObDereferenceObject(body), 0);
    assert_int_equal(deleted, 1);
}

static void handles(void **state)
{
    PVOID body = ObpAllocateBody(&test_type, 8), found;
    OBJECT_HANDLE_INFORMATION information;
    HANDLE handle, second;

    (void)state;
    assert_int_equal(ObpCreateHandle(body, &test_type, &handle, NULL), STATUS_SUCCESS);
    assert_int_equal(ObpCreateHandle(body, *IoFileObjectType, &second, NULL),
                     STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(
        ObReferenceObjectByHandle(handle, 7, &test_type, KernelMode, &found, &information),
        STATUS_SUCCESS);
    assert_ptr_equal(found, body);
    assert_int_equal(information.GrantedAccess, 7);
    ObDereferenceObject(found);
    assert_int_equal(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &found, NULL),
                     STATUS_SUCCESS);
    ObDereferenceObject(found);
    assert_int_equal(ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, &found, NULL),
                     STATUS_OBJECT_TYPE_MISMATCH);
    assert_null(found);
    assert_int_equal(ObOpenObjectByPointer(body, 0, NULL, 0, &test_type, KernelMode, &second),
                     STATUS_SUCCESS);
    assert_ptr_not_equal(handle, second);
    ObDereferenceObject(body);
    assert_int_equal(ZwClose(handle), STATUS_SUCCESS);
    assert_int_equal(closed, 0);
    assert_int_equal(ZwClose(second), STATUS_SUCCESS);
    assert_int_equal(closed, 1);
    assert_int_equal(deleted, 1);
}

static void wrong_handles(void **state)
{
    PVOID body = ObpAllocateBody(&test_type, 8), found;
    HANDLE handle;

    (void)state;
    ObpCreateHandle(body, &test_type, &handle, NULL);
    ObDereferenceObject(body);
    ZwClose(handle);
    assert_int_equal(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &found, NULL),
                     STATUS_INVALID_HANDLE);
    KE_EXPECT("VF-OBJ-01", assert_int_equal(ZwClose(handle), STATUS_INVALID_HANDLE));
    KE_EXPECT("VF-OBJ-01", assert_int_equal(ZwClose(NULL), STATUS_INVALID_HANDLE));
}

static void handle_leaks_are_swept(void **state)
{
    PVOID body = ObpAllocateBody(&test_type, 8);
    HANDLE handle;

    (void)state;
    ObpCreateHandle(body, &test_type, &handle, (void *)0x1234);
    ObDereferenceObject(body);
    KE_EXPECT("VF-UNLOAD-03", assert_int_equal(vf_sweep(0x1234, 0x1235, "test"), 1));
    ObpCloseHandle(handle);
}

static void pseudo_handles(void **state)
{
    PVOID found;

    (void)state;
    assert_int_equal(
        ObReferenceObjectByHandle(NtCurrentThread(), 0, *PsThreadType, KernelMode, &found, NULL),
        STATUS_SUCCESS);
    assert_ptr_equal(found, KeGetCurrentThread());
    ObDereferenceObject(found);
    assert_int_equal(
        ObReferenceObjectByHandle(NtCurrentProcess(), 0, *PsProcessType, KernelMode, &found, NULL),
        STATUS_SUCCESS);
    assert_ptr_equal(found, PsInitialSystemProcess);
    ObDereferenceObject(found);
}

static void no_objects(void **state)
{
    /* Not on the stack: what lies in front of it is read, and should have a value. */
    static KEVENT event __attribute__((aligned(64)));

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KE_EXPECT("VF-OBJ-01", ObReferenceObject(&event));
    KE_EXPECT("VF-OBJ-01", ObDereferenceObject(&event));
}

/* The last reference goes at DISPATCH_LEVEL: a worker deletes, at PASSIVE_LEVEL. */
static void deletion_waits_for_passive_level(void **state)
{
    PVOID body = ObpAllocateBody(&test_type, 8);
    KIRQL irql;

    (void)state;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ObDereferenceObject(body);
    KeLowerIrql(irql);
    ke_until(&deleted, 1);
}

static void open_and_close(int number, void *body)
{
    (void)number;
    for (int i = 0; i < 500; i++) {
        HANDLE handle;
        PVOID found;
        if (!NT_SUCCESS(ObpCreateHandle(body, &test_type, &handle, NULL)) ||
            !NT_SUCCESS(ObpReferenceHandle(handle, &test_type, &found)))
            __builtin_trap();
        ObDereferenceObject(found);
        ObpCloseHandle(handle);
    }
}

static void threads_share_the_table(void **state)
{
    PVOID body = ObpAllocateBody(&test_type, 8);

    (void)state;
    ke_run(4, open_and_close, body);
    assert_int_equal(ObDereferenceObject(body), 0);
    assert_int_equal(deleted, 1);
}

static void other_spellings(void **state)
{
    PVOID body = ObpAllocateBody(&test_type, 8), found;
    HANDLE handle;

    (void)state;
    assert_int_equal(ObReferenceObjectWithTag(body, 'tseT'), 2);
    assert_int_equal(ObDereferenceObjectWithTag(body, 'tseT'), 1);
    ObReferenceObject(body);
    ObDereferenceObjectDeferDeleteWithTag(body, 'tseT');
    assert_int_equal(ObReferenceObjectByPointer(body, 0, NULL, KernelMode), STATUS_SUCCESS);
    ObDereferenceObject(body);
    assert_int_equal(ObOpenObjectByPointer(body, 0, NULL, 0, NULL, KernelMode, &handle),
                     STATUS_SUCCESS);
    assert_int_equal(
        ObReferenceObjectByHandleWithTag(handle, 0, NULL, KernelMode, 'tseT', &found, NULL),
        STATUS_SUCCESS);
    assert_ptr_equal(found, body);
    ObDereferenceObject(found);
    ObDereferenceObject(body);
    assert_int_equal(ObCloseHandle(handle, KernelMode), STATUS_SUCCESS);
    assert_int_equal(deleted, 1);
}

/* The process is there for ever: its handles come and go, its count stays. */
static void process_handles(void **state)
{
    HANDLE handle;
    PVOID found;

    (void)state;
    assert_int_equal(ObOpenObjectByPointer(PsInitialSystemProcess, 0, NULL, 0, *PsProcessType,
                                           KernelMode, &handle),
                     STATUS_SUCCESS);
    assert_int_equal(ObReferenceObjectByHandle(handle, 0, *PsProcessType, KernelMode, &found, NULL),
                     STATUS_SUCCESS);
    assert_ptr_equal(found, PsInitialSystemProcess);
    ObDereferenceObject(found);
    assert_int_equal(ZwClose(handle), STATUS_SUCCESS);
    assert_int_equal(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &found, NULL),
                     STATUS_INVALID_HANDLE);
    assert_int_equal(ZwClose(NtCurrentProcess()), STATUS_SUCCESS);
    assert_int_equal(ZwClose(NtCurrentThread()), STATUS_SUCCESS);
    assert_int_equal(
        ObReferenceObjectByHandle(NtCurrentThread(), 0, *PsProcessType, KernelMode, &found, NULL),
        STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(
        ObReferenceObjectByHandle(NtCurrentProcess(), 0, *PsThreadType, KernelMode, &found, NULL),
        STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(
        ObReferenceObjectByHandle(NtCurrentThread(), 0, NULL, KernelMode, &found, NULL),
        STATUS_SUCCESS);
    ObDereferenceObject(found);
    assert_int_equal(
        ObReferenceObjectByHandle(NtCurrentProcess(), 0, NULL, KernelMode, &found, NULL),
        STATUS_SUCCESS);
}

/* While an object is deleted nobody may have a reference, or give one back. */
static void on_late_delete(PVOID body)
{
    KE_EXPECT("VF-OBJ-01", assert_int_equal(ObDereferenceObject(body), 0));
    KE_EXPECT("VF-OBJ-01", ObReferenceObject(body));
    deleted++;
}

static void references_that_come_too_late(void **state)
{
    static OBJECT_TYPE late_type = { "Late", NULL, on_late_delete, FALSE };
    PVOID body = ObpAllocateBody(&late_type, 8);

    (void)state;
    ObDereferenceObject(body);
    assert_int_equal(deleted, 1);
}

static void questions_about_no_object(void **state)
{
    static KEVENT event __attribute__((aligned(64)));
    OBJECT_NAME_INFORMATION name;
    HANDLE handle = &event;
    ULONG need;

    (void)state;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    assert_int_equal(ObOpenObjectByPointer(&event, 0, NULL, 0, NULL, KernelMode, &handle),
                     STATUS_OBJECT_TYPE_MISMATCH);
    assert_null(handle);
    assert_int_equal(ObQueryNameString(&event, &name, sizeof name, &need),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(ObQueryNameString((PUCHAR)&event + 8, &name, sizeof name, &need),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(ObQueryNameString(NULL, &name, sizeof name, &need), STATUS_INVALID_PARAMETER);
    assert_int_equal(ObQueryNameString(PsInitialSystemProcess, &name, sizeof name, &need),
                     STATUS_SUCCESS);
    assert_int_equal(name.Name.Length, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(references),
        TEST(handles),
        TEST(wrong_handles),
        TEST(handle_leaks_are_swept),
        TEST(pseudo_handles),
        TEST(no_objects),
        TEST(deletion_waits_for_passive_level),
        TEST(threads_share_the_table),
        TEST(other_spellings),
        TEST(process_handles),
        TEST(references_that_come_too_late),
        TEST(questions_about_no_object),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
