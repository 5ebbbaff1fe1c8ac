/* Events by handle and by name, waits on handles, priorities of threads by handle. */
#include "ke_test.h"

#include "nt/iop.h"
#include "nt/ob.h"

static void events(void **state)
{
    LARGE_INTEGER zero = { .QuadPart = 0 };
    HANDLE event;
    PVOID object;
    LONG before;

    (void)state;
    assert_int_equal(ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE),
                     STATUS_SUCCESS);
    assert_int_equal(ZwWaitForSingleObject(event, FALSE, &zero), STATUS_TIMEOUT);
    assert_int_equal(ZwSetEvent(event, &before), STATUS_SUCCESS);
    assert_int_equal(before, 0);
    assert_int_equal(ZwSetEvent(event, &before), STATUS_SUCCESS);
    assert_int_equal(before, 1);
    assert_int_equal(ZwWaitForSingleObject(event, FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(ZwWaitForSingleObject(event, FALSE, &zero), STATUS_TIMEOUT);
    assert_int_equal(ObReferenceObjectByHandle(event, EVENT_ALL_ACCESS, *ExEventObjectType,
                                               KernelMode, &object, NULL),
                     STATUS_SUCCESS);
    KeSetEvent(object, 0, FALSE);
    assert_int_equal(ZwResetEvent(event, &before), STATUS_SUCCESS);
    assert_int_equal(before, 1);
    ObDereferenceObject(object);
    assert_int_equal(ZwClose(event), STATUS_SUCCESS);
    assert_int_equal(ZwSetEvent(event, NULL), STATUS_INVALID_HANDLE);
}

static void names(void **state)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\OwEvent");
    OBJECT_ATTRIBUTES attributes;
    HANDLE event, other;

    (void)state;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenEvent(&event, EVENT_ALL_ACCESS, &attributes),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                     STATUS_SUCCESS);
    assert_int_equal(ZwCreateEvent(&other, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                     STATUS_OBJECT_NAME_COLLISION);
    attributes.Attributes |= OBJ_OPENIF;
    assert_int_equal(ZwCreateEvent(&other, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                     STATUS_OBJECT_NAME_EXISTS);
    ZwSetEvent(other, NULL);
    ZwClose(other);
    assert_int_equal(ZwOpenEvent(&other, EVENT_ALL_ACCESS, &attributes), STATUS_SUCCESS);
    assert_int_equal(ZwWaitForSingleObject(other, FALSE, NULL), STATUS_SUCCESS);
    ZwClose(other);
    ZwClose(event);
    assert_int_equal(ZwOpenEvent(&event, EVENT_ALL_ACCESS, &attributes),
                     STATUS_OBJECT_NAME_NOT_FOUND);
}

static void refused(void **state)
{
    UNICODE_STRING taken = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\OwTaken");
    UNICODE_STRING target = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\OwNowhere");
    UNICODE_STRING none = { 0 };
    LARGE_INTEGER zero = { .QuadPart = 0 };
    OBJECT_ATTRIBUTES attributes;
    HANDLE event = &zero, key;

    (void)state;
    assert_int_equal(ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, (EVENT_TYPE)2, FALSE),
                     STATUS_INVALID_PARAMETER);
    assert_null(event);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenEvent(&event, EVENT_ALL_ACCESS, &attributes), STATUS_INVALID_PARAMETER);
    assert_int_equal(ZwClearEvent(NULL), STATUS_INVALID_HANDLE);
    assert_int_equal(ZwWaitForSingleObject(NULL, FALSE, &zero), STATUS_INVALID_HANDLE);
    /* An empty name is none. */
    InitializeObjectAttributes(&attributes, &none, OBJ_KERNEL_HANDLE | OBJ_OPENIF, NULL, NULL);
    assert_int_equal(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, TRUE),
                     STATUS_SUCCESS);
    assert_int_equal(ZwClearEvent(event), STATUS_SUCCESS);
    assert_int_equal(ZwWaitForSingleObject(event, FALSE, &zero), STATUS_TIMEOUT);
    ZwClose(event);
    /* The name exists, and leads to no event. */
    assert_int_equal(IoCreateSymbolicLink(&taken, &target), STATUS_SUCCESS);
    InitializeObjectAttributes(&attributes, &taken, OBJ_KERNEL_HANDLE | OBJ_OPENIF, NULL, NULL);
    assert_int_equal(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, TRUE),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(IoDeleteSymbolicLink(&taken), STATUS_SUCCESS);
    /* What cannot be waited for. */
    RtlInitUnicodeString(&taken, L"\\Registry\\Machine");
    InitializeObjectAttributes(&attributes, &taken, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_SUCCESS);
    assert_int_equal(ZwWaitForSingleObject(key, FALSE, &zero), STATUS_OBJECT_TYPE_MISMATCH);
    ZwClose(key);
    /* The process does not end. */
    assert_int_equal(ZwWaitForSingleObject(NtCurrentProcess(), FALSE, &zero), STATUS_TIMEOUT);
}

static VOID NTAPI work(PVOID Context)
{
    *(LONG *)Context = 1;
}

static void threads(void **state)
{
    HANDLE thread;
    LONG done = 0, priority = 12;

    (void)state;
    assert_int_equal(
        PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, work, &done),
        STATUS_SUCCESS);
    assert_int_equal(ZwSetInformationThread(thread, ThreadPriority, &priority, sizeof priority),
                     STATUS_SUCCESS);
    assert_int_equal(ZwSetInformationThread(thread, ThreadPriority, &priority, 1),
                     STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(ZwSetInformationThread(thread, ThreadBasePriority, &priority, sizeof priority),
                     STATUS_SUCCESS);
    assert_int_equal(ZwSetInformationThread(thread, ThreadAffinityMask, &priority, sizeof priority),
                     STATUS_INVALID_INFO_CLASS);
    assert_int_equal(ZwSetInformationThread(NULL, ThreadPriority, &priority, sizeof priority),
                     STATUS_INVALID_HANDLE);
    assert_int_equal(ZwWaitForSingleObject(thread, FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(done, 1);
    ZwClose(thread);
}

static int shut_down(void **state)
{
    IopShutdown();
    return ke_shutdown(state);
}

static HANDLE new_handle(void)
{
    HANDLE event;

    assert_int_equal(ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE),
                     STATUS_SUCCESS);
    return event;
}

/* Handles of a run do not depend on those of the run before. */
static void forgotten(void **state)
{
    (void)state;
    ObpForgetHandles();
    HANDLE first = new_handle(), second = new_handle();
    ObpForgetHandles(); /* no effect: two are open */
    assert_int_equal(ZwSetEvent(second, NULL), STATUS_SUCCESS);
    ZwClose(first);
    HANDLE third = new_handle();
    assert_ptr_not_equal(third, first);
    ZwClose(third);
    ZwClose(second);
    ObpForgetHandles();
    HANDLE again = new_handle();
    assert_ptr_equal(again, first);
    ZwClose(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events),  cmocka_unit_test(names),     cmocka_unit_test(threads),
        cmocka_unit_test(refused), cmocka_unit_test(forgotten),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, shut_down);
}
