/* Names of objects: spellings, longest match, symbolic links, circles. */
#include "ke_test.h"

#include "nt/iop.h"
#include "nt/ob.h"

static OBJECT_TYPE plain_type = { "Plain", NULL, NULL, FALSE };

static UNICODE_STRING string(PCWSTR text)
{
    UNICODE_STRING s;

    RtlInitUnicodeString(&s, text);
    return s;
}

static PVOID named(POBJECT_TYPE type, PCWSTR name)
{
    PVOID body = ObpAllocateBody(type, sizeof(DEVICE_OBJECT));
    UNICODE_STRING s = string(name);

    assert_int_equal(ObpInsertName(body, &s), STATUS_SUCCESS);
    return body;
}

static NTSTATUS look(PCWSTR name, PVOID *body)
{
    UNICODE_STRING s = string(name);
    NTSTATUS status = ObpLookupName(&s, NULL, FALSE, NULL, body);

    if (NT_SUCCESS(status))
        ObDereferenceObject(*body);
    return status;
}

static NTSTATUS link(PCWSTR name, PCWSTR target)
{
    UNICODE_STRING n = string(name), t = string(target);

    return IoCreateSymbolicLink(&n, &t);
}

static NTSTATUS unlink_name(PCWSTR name)
{
    UNICODE_STRING n = string(name);

    return IoDeleteSymbolicLink(&n);
}

static void find_and_remove(void **state)
{
    PVOID body = named(&plain_type, L"\\Device\\One"), found;
    UNICODE_STRING s = string(L"\\DEVICE\\one");

    (void)state;
    assert_int_equal(look(L"\\Device\\One", &found), STATUS_SUCCESS);
    assert_ptr_equal(found, body);
    assert_int_equal(look(L"\\device\\ONE", &found), STATUS_SUCCESS);
    assert_int_equal(look(L"\\Device\\On", &found), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(look(L"\\Device\\One\\rest", &found), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_int_equal(look(L"Device", &found), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(ObpInsertName(body, &s), STATUS_OBJECT_NAME_COLLISION);
    ObDereferenceObject(body);
    assert_int_equal(look(L"\\Device\\One", &found), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void spellings_of_dos_devices(void **state)
{
    static const PCWSTR spellings[] = { L"\\??\\Two", L"\\DosDevices\\Two", L"\\GLOBAL??\\two",
                                        L"\\??\\Global\\Two", L"\\DosDevices\\Global\\Two" };
    PVOID body = named(&plain_type, L"\\Device\\Two"), found;

    (void)state;
    assert_int_equal(link(L"\\DosDevices\\Two", L"\\Device\\Two"), STATUS_SUCCESS);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(look(spellings[i], &found), STATUS_SUCCESS);
        assert_ptr_equal(found, body);
        assert_int_equal(link(spellings[i], L"\\Device\\X"), STATUS_OBJECT_NAME_COLLISION);
    }
    assert_int_equal(unlink_name(L"\\??\\TWO"), STATUS_SUCCESS);
    assert_int_equal(unlink_name(L"\\??\\Two"), STATUS_OBJECT_NAME_NOT_FOUND);
    ObDereferenceObject(body);
}

static void rest_behind_a_device(void **state)
{
    PDEVICE_OBJECT device = named(&ObpDeviceType, L"\\Device\\Three");
    PDEVICE_OBJECT longer = named(&ObpDeviceType, L"\\Device\\Three\\Sub");
    WCHAR text[OBP_NAME_BYTES / sizeof(WCHAR)];
    UNICODE_STRING rest = { 0, sizeof text, text }, path = string(L"\\??\\Three\\a\\b");
    UNICODE_STRING want = string(L"\\a\\b");
    PVOID found;

    (void)state;
    link(L"\\??\\Three", L"\\Device\\Three");
    assert_int_equal(ObpLookupName(&path, &ObpDeviceType, FALSE, &rest, &found), STATUS_SUCCESS);
    assert_ptr_equal(found, device);
    ObDereferenceObject(found);
    assert_true(RtlEqualUnicodeString(&rest, &want, FALSE));
    path = string(L"\\??\\Three\\Sub\\c");
    assert_int_equal(ObpLookupName(&path, &ObpDeviceType, FALSE, &rest, &found), STATUS_SUCCESS);
    assert_ptr_equal(found, longer);
    ObDereferenceObject(found);
    assert_int_equal(rest.Length, 4);
    unlink_name(L"\\??\\Three");
    ObDereferenceObject(longer);
    ObDereferenceObject(device);
}

static void links_in_a_circle(void **state)
{
    PVOID found;

    (void)state;
    link(L"\\??\\A", L"\\??\\B");
    link(L"\\??\\B", L"\\??\\A");
    assert_int_equal(look(L"\\??\\A", &found), STATUS_OBJECT_NAME_NOT_FOUND);
    unlink_name(L"\\??\\A");
    assert_int_equal(look(L"\\??\\B", &found), STATUS_OBJECT_NAME_NOT_FOUND);
    unlink_name(L"\\??\\B");
}

static void leaked_links_are_swept_and_forgotten(void **state)
{
    PVOID found;

    (void)state;
    link(L"\\??\\Leak", L"\\Device\\None");
    KE_EXPECT("VF-UNLOAD-03", vf_sweep(0, UINTPTR_MAX, "test"));
    IopForgetLinks((void *)0, (void *)UINTPTR_MAX);
    assert_int_equal(look(L"\\??\\Leak", &found), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void name_of_an_object(void **state)
{
    PVOID body = named(&plain_type, L"\\Device\\Four"), none = ObpAllocateBody(&plain_type, 1);
    struct {
        OBJECT_NAME_INFORMATION info;
        WCHAR text[32];
    } answer;
    UNICODE_STRING want = string(L"\\Device\\Four");
    ULONG need;

    (void)state;
    assert_int_equal(ObQueryNameString(body, &answer.info, sizeof answer, &need), STATUS_SUCCESS);
    assert_true(RtlEqualUnicodeString(&answer.info.Name, &want, FALSE));
    assert_int_equal(ObQueryNameString(body, &answer.info, need - 1, &need),
                     STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(ObQueryNameString(none, &answer.info, sizeof answer, &need), STATUS_SUCCESS);
    assert_int_equal(answer.info.Name.Length, 0);
    ObDereferenceObject(none);
    ObDereferenceObject(body);
}

static WCHAR long_text[OBP_NAME_BYTES / sizeof(WCHAR) + 8];

static UNICODE_STRING long_name(USHORT bytes)
{
    for (size_t i = 0; i < ARRAYSIZE(long_text); i++)
        long_text[i] = i ? L'n' : L'\\';
    return (UNICODE_STRING){ bytes, bytes, long_text };
}

static void impossible_names(void **state)
{
    PVOID body = ObpAllocateBody(&plain_type, 1), found;
    UNICODE_STRING path = long_name(OBP_NAME_BYTES + 2), s = string(L"\\Device\\x");
    UNICODE_STRING nowhere = { 4, 4, NULL };

    (void)state;
    assert_int_equal(ObpInsertName(body, &path), STATUS_NAME_TOO_LONG);
    assert_int_equal(ObpLookupName(&path, NULL, FALSE, NULL, &found),
                     STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(ObpInsertName(body, &nowhere), STATUS_OBJECT_PATH_SYNTAX_BAD);
    s.Length = 3;
    assert_int_equal(ObpInsertName(body, &s), STATUS_OBJECT_PATH_SYNTAX_BAD);
    s.Length = 0;
    assert_int_equal(ObpInsertName(body, &s), STATUS_OBJECT_PATH_SYNTAX_BAD);
    s = string(L"Device");
    assert_int_equal(ObpInsertName(body, &s), STATUS_OBJECT_PATH_SYNTAX_BAD);
    ObDereferenceObject(body);
}

static void links_that_lead_nowhere(void **state)
{
    UNICODE_STRING name = string(L"\\??\\Wide"), target = long_name(OBP_NAME_BYTES), none = { 0 };
    PVOID body = named(&plain_type, L"\\Device\\Five"), found;
    UNICODE_STRING s = string(L"\\Device\\Five");

    (void)state;
    assert_int_equal(IoCreateSymbolicLink(&name, &none), STATUS_INVALID_PARAMETER);
    target.Length += 2;
    assert_int_equal(IoCreateSymbolicLink(&name, &target), STATUS_INVALID_PARAMETER);
    target.Length -= 2;
    assert_int_equal(IoCreateUnprotectedSymbolicLink(&name, &target), STATUS_SUCCESS);
    /* With what follows the link it is longer than a path may be. */
    assert_int_equal(look(L"\\??\\Wide\\x", &found), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(unlink_name(L"\\??\\Wide\\x"), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(unlink_name(L"\\??\\Wide"), STATUS_SUCCESS);
    assert_int_equal(link(L"\\??\\Bad", L"Device"), STATUS_SUCCESS);
    assert_int_equal(look(L"\\??\\Bad", &found), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(unlink_name(L"\\??\\Bad"), STATUS_SUCCESS);
    assert_int_equal(unlink_name(L"\\Device\\Five"), STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(ObpLookupName(&s, &ObpDeviceType, FALSE, NULL, &found),
                     STATUS_OBJECT_TYPE_MISMATCH);
    assert_null(found);
    ObDereferenceObject(body);
}

static NTSTATUS found_while_deleted;

static void look_for_oneself(PVOID body)
{
    PVOID found = body;

    found_while_deleted = look(L"\\Device\\Six", &found);
    assert_null(found);
}

/* A name leads nowhere as soon as the last reference is gone. */
static void name_of_what_is_being_deleted(void **state)
{
    static OBJECT_TYPE type = { "Dying", NULL, look_for_oneself, FALSE };
    PVOID body = named(&type, L"\\Device\\Six");

    (void)state;
    ObDereferenceObject(body);
    assert_int_equal(found_while_deleted, STATUS_DELETE_PENDING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_and_remove),
        cmocka_unit_test(spellings_of_dos_devices),
        cmocka_unit_test(rest_behind_a_device),
        cmocka_unit_test(links_in_a_circle),
        cmocka_unit_test(leaked_links_are_swept_and_forgotten),
        cmocka_unit_test(name_of_an_object),
        cmocka_unit_test(impossible_names),
        cmocka_unit_test(links_that_lead_nowhere),
        cmocka_unit_test(name_of_what_is_being_deleted),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
