/* The registry: keys, values, answers that do not fit, and the RtlXxxRegistryXxx helpers. */
#include "ke_test.h"

#include "nt/iop.h"

#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

static UNICODE_STRING string(PCWSTR text)
{
    UNICODE_STRING s;

    RtlInitUnicodeString(&s, text);
    return s;
}

static NTSTATUS open_key(HANDLE parent, PCWSTR path, BOOLEAN create, HANDLE *key, ULONG *how)
{
    UNICODE_STRING name = string(path);
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, parent,
                               NULL);
    if (create)
        return ZwCreateKey(key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, how);
    return ZwOpenKey(key, KEY_READ, &attributes);
}

static NTSTATUS set_number(HANDLE key, PCWSTR name, ULONG value)
{
    UNICODE_STRING n = string(name);

    return ZwSetValueKey(key, &n, 0, REG_DWORD, &value, sizeof value);
}

static void keys(void **state)
{
    HANDLE key, sub, again;
    ULONG how;

    (void)state;
    assert_int_equal(open_key(NULL, SERVICES L"none", FALSE, &key, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(open_key(NULL, SERVICES L"a\\b", TRUE, &key, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(open_key(NULL, L"Registry", FALSE, &key, NULL), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(open_key(NULL, SERVICES L"svc", TRUE, &key, &how), STATUS_SUCCESS);
    assert_int_equal(how, REG_CREATED_NEW_KEY);
    assert_int_equal(open_key(key, L"Parameters", TRUE, &sub, &how), STATUS_SUCCESS);
    assert_int_equal(open_key(key, L"PARAMETERS", TRUE, &again, &how), STATUS_SUCCESS);
    assert_int_equal(how, REG_OPENED_EXISTING_KEY);
    ZwClose(again);
    assert_int_equal(open_key(NULL, L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\svc",
                              FALSE, &again, NULL),
                     STATUS_SUCCESS);
    ZwClose(again);
    assert_int_equal(ZwDeleteKey(key), STATUS_CANNOT_DELETE);
    assert_int_equal(ZwDeleteKey(sub), STATUS_SUCCESS);
    assert_int_equal(set_number(sub, L"x", 1), STATUS_KEY_DELETED);
    ZwClose(sub);
    assert_int_equal(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

static void values(void **state)
{
    struct {
        KEY_VALUE_PARTIAL_INFORMATION info;
        UCHAR more[64];
    } answer;
    UNICODE_STRING port = string(L"PORT"), none = string(L"None");
    HANDLE key;
    ULONG need;

    (void)state;
    open_key(NULL, SERVICES L"svc", TRUE, &key, NULL);
    assert_int_equal(set_number(key, L"Port", 7), STATUS_SUCCESS);
    assert_int_equal(
        ZwQueryValueKey(key, &port, KeyValuePartialInformation, &answer, sizeof answer, &need),
        STATUS_SUCCESS);
    assert_int_equal(answer.info.Type, REG_DWORD);
    assert_int_equal(answer.info.DataLength, 4);
    assert_int_equal(*(ULONG *)answer.info.Data, 7);
    assert_int_equal(need, 16);
    assert_int_equal(
        ZwQueryValueKey(key, &none, KeyValuePartialInformation, &answer, sizeof answer, &need),
        STATUS_OBJECT_NAME_NOT_FOUND);
    set_number(key, L"Port", 8);
    ZwQueryValueKey(key, &port, KeyValuePartialInformation, &answer, sizeof answer, &need);
    assert_int_equal(*(ULONG *)answer.info.Data, 8);
    assert_int_equal(ZwDeleteValueKey(key, &port), STATUS_SUCCESS);
    assert_int_equal(ZwDeleteValueKey(key, &port), STATUS_OBJECT_NAME_NOT_FOUND);
    ZwDeleteKey(key);
    ZwClose(key);
}

/* Room from 0 bytes to more than enough: nothing is written beyond, and the need is always told. */
static void answers_that_do_not_fit(void **state)
{
    static const struct {
        KEY_VALUE_INFORMATION_CLASS what;
        ULONG fixed;
    } classes[] = {
        { KeyValueBasicInformation, 12 },
        { KeyValueFullInformation, 20 },
        { KeyValuePartialInformation, 12 },
    };
    UNICODE_STRING name = string(L"Name");
    HANDLE key;

    (void)state;
    open_key(NULL, SERVICES L"svc", TRUE, &key, NULL);
    ZwSetValueKey(key, &name, 0, REG_BINARY, "0123456789", 10);
    for (int c = 0; c < 3; c++) {
        ULONG total, need;
        UCHAR out[80];
        assert_int_equal(ZwQueryValueKey(key, &name, classes[c].what, NULL, 0, &total),
                         STATUS_BUFFER_TOO_SMALL);
        for (ULONG room = 0; room <= total; room++) {
            NTSTATUS want = room < classes[c].fixed ? STATUS_BUFFER_TOO_SMALL
                            : room < total          ? STATUS_BUFFER_OVERFLOW
                                                    : STATUS_SUCCESS;
            memset(out, 0xee, sizeof out);
            assert_int_equal(ZwQueryValueKey(key, &name, classes[c].what, out, room, &need), want);
            assert_int_equal(need, total);
            assert_int_equal(out[room], 0xee);
        }
    }
    ZwDeleteKey(key);
    ZwClose(key);
}

static void enumeration(void **state)
{
    struct {
        KEY_FULL_INFORMATION info;
        WCHAR text[64];
    } full;
    struct {
        KEY_BASIC_INFORMATION info;
        WCHAR text[64];
    } basic;
    struct {
        KEY_NAME_INFORMATION info;
        WCHAR text[128];
    } name;
    HANDLE key, sub;
    ULONG need;

    (void)state;
    open_key(NULL, SERVICES L"svc", TRUE, &key, NULL);
    for (int i = 0; i < 3; i++) {
        WCHAR text[] = { (WCHAR)(L'a' + i), 0 };
        open_key(key, text, TRUE, &sub, NULL);
        ZwClose(sub);
        set_number(key, text, 1);
    }
    assert_int_equal(ZwQueryKey(key, KeyFullInformation, &full, sizeof full, &need),
                     STATUS_SUCCESS);
    assert_int_equal(full.info.SubKeys, 3);
    assert_int_equal(full.info.Values, 3);
    assert_int_equal(full.info.MaxValueDataLen, 4);
    assert_int_equal(ZwEnumerateKey(key, 1, KeyBasicInformation, &basic, sizeof basic, &need),
                     STATUS_SUCCESS);
    assert_int_equal(basic.info.Name[0], L'b');
    assert_int_equal(ZwEnumerateKey(key, 3, KeyBasicInformation, &basic, sizeof basic, &need),
                     STATUS_NO_MORE_ENTRIES);
    assert_int_equal(ZwQueryKey(key, KeyNameInformation, &name, sizeof name, &need),
                     STATUS_SUCCESS);
    assert_int_equal(name.info.NameLength, sizeof(SERVICES L"svc") - sizeof(WCHAR));
    assert_memory_equal(name.info.Name, SERVICES L"svc", name.info.NameLength);
    for (int i = 0; i < 3; i++) {
        WCHAR text[] = { (WCHAR)(L'a' + i), 0 };
        UNICODE_STRING s = string(text);
        open_key(key, text, FALSE, &sub, NULL);
        ZwDeleteKey(sub);
        ZwClose(sub);
        assert_int_equal(ZwDeleteValueKey(key, &s), STATUS_SUCCESS);
    }
    ZwDeleteKey(key);
    ZwClose(key);
}

static int routine_calls;

static NTSTATUS NTAPI routine(PWSTR ValueName, ULONG ValueType, PVOID ValueData, ULONG ValueLength,
                              PVOID Context, PVOID EntryContext)
{
    (void)ValueName;
    (void)ValueData;
    assert_ptr_equal(Context, &routine_calls);
    assert_ptr_equal(EntryContext, (PVOID)5);
    assert_int_equal(ValueType, REG_SZ);
    assert_int_equal(ValueLength, 4);
    routine_calls++;
    return STATUS_SUCCESS;
}

static void query_table(void **state)
{
    ULONG number = 0, missing = 0, fallback = 99;
    UNICODE_STRING text = { 0 };
    RTL_QUERY_REGISTRY_TABLE table[] = {
        { NULL, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK, L"Number", &number,
          REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT, NULL, 0 },
        { NULL, RTL_QUERY_REGISTRY_DIRECT, L"Text", &text, REG_NONE, NULL, 0 },
        { NULL, RTL_QUERY_REGISTRY_DIRECT, L"Missing", &missing, REG_DWORD, &fallback,
          sizeof fallback },
        { routine, 0, L"Many", (PVOID)5, REG_NONE, NULL, 0 },
        { 0 },
    };
    RTL_QUERY_REGISTRY_TABLE required[] = {
        { NULL, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED, L"Missing", &missing,
          REG_NONE, NULL, 0 },
        { 0 },
    };
    RTL_QUERY_REGISTRY_TABLE wrong[] = {
        { NULL, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK, L"Text", &number,
          REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT, NULL, 0 },
        { 0 },
    };
    UNICODE_STRING want = string(L"hello");
    ULONG value = 42;

    (void)state;
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, L"svc"),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"svc"), STATUS_SUCCESS);
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, L"svc"), STATUS_SUCCESS);
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"svc", L"Number", REG_DWORD, &value, 4);
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"svc", L"Text", REG_SZ, L"hello", 12);
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"svc", L"Many", REG_MULTI_SZ, L"a\0b\0", 10);
    routine_calls = 0;
    assert_int_equal(
        RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, SERVICES L"svc", table, &routine_calls, NULL),
        STATUS_SUCCESS);
    assert_int_equal(number, 42);
    assert_int_equal(missing, 99);
    assert_int_equal(routine_calls, 2);
    assert_true(RtlEqualUnicodeString(&text, &want, FALSE));
    RtlFreeUnicodeString(&text);
    assert_int_equal(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"svc", required, NULL, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"svc", wrong, NULL, NULL),
                     STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, L"no",
                                            table, NULL, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, L"svc", L"Text"),
                     STATUS_SUCCESS);
}

static int clean(void **state)
{
    (void)state;
    return ke_findings || vf_sweep(0, UINTPTR_MAX, "test") ? -1 : 0;
}

static int shut_down(void **state)
{
    IopShutdown();
    return ke_shutdown(state);
}

#define TEST(f) cmocka_unit_test_teardown(f, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys),        TEST(values),      TEST(answers_that_do_not_fit),
        TEST(enumeration), TEST(query_table),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, shut_down);
}
