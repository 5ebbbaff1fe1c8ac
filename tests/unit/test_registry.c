/* The registry: keys, values, answers that do not fit, and the RtlXxxRegistryXxx helpers. */
#include "ke_test.h"

#include "nt/iop.h"

#define NO_SUCH_BASE 6
#define SERVICES     L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

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

/* What no name and no handle can lead to. */
static void wrong_names_and_handles(void **state)
{
    UNICODE_STRING name = string(SERVICES L"svc"), value = string(L"v");
    OBJECT_ATTRIBUTES attributes;
    WCHAR longest[300];
    UNICODE_STRING too_long = { sizeof longest, sizeof longest, longest };
    HANDLE key, event, none = (HANDLE)(ULONG_PTR)0x7ff0;
    UCHAR out[64];
    ULONG need;

    (void)state;
    assert_int_equal(open_key(NULL, SERVICES L"svc", TRUE, &key, NULL), STATUS_SUCCESS);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenKeyEx(&event, KEY_READ, &attributes, 0), STATUS_SUCCESS);
    ZwClose(event);
    attributes.Length--;
    assert_int_equal(ZwOpenKey(&event, KEY_READ, &attributes), STATUS_INVALID_PARAMETER);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenKey(&event, KEY_READ, &attributes), STATUS_INVALID_PARAMETER);
    assert_int_equal(open_key(key, L"\\sub", FALSE, &event, NULL), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(open_key(NULL, L"", FALSE, &event, NULL), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_int_equal(open_key(NULL, L"\\", FALSE, &event, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(open_key(NULL, L"\\Device", FALSE, &event, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    for (size_t i = 0; i < ARRAYSIZE(longest); i++)
        longest[i] = L'n';
    InitializeObjectAttributes(&attributes, &too_long, OBJ_KERNEL_HANDLE, key, NULL);
    assert_int_equal(ZwCreateKey(&event, KEY_READ, &attributes, 0, NULL, 0, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(ZwSetValueKey(key, &too_long, 0, REG_SZ, L"", 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(ZwSetValueKey(key, &value, 0, REG_BINARY, out, 0x100001),
                     STATUS_INVALID_PARAMETER);

    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    assert_int_equal(open_key(event, L"x", FALSE, &none, NULL), STATUS_OBJECT_TYPE_MISMATCH);
    assert_null(none);
    none = (HANDLE)(ULONG_PTR)0x7ff0;
    assert_int_equal(ZwFlushKey(key), STATUS_SUCCESS);
    assert_int_equal(ZwFlushKey(event), STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(ZwDeleteKey(none), STATUS_INVALID_HANDLE);
    assert_int_equal(ZwQueryKey(none, KeyFullInformation, out, sizeof out, &need),
                     STATUS_INVALID_HANDLE);
    assert_int_equal(ZwEnumerateKey(none, 0, KeyFullInformation, out, sizeof out, &need),
                     STATUS_INVALID_HANDLE);
    assert_int_equal(
        ZwQueryValueKey(none, &value, KeyValueBasicInformation, out, sizeof out, &need),
        STATUS_INVALID_HANDLE);
    assert_int_equal(ZwEnumerateValueKey(none, 0, KeyValueBasicInformation, out, sizeof out, &need),
                     STATUS_INVALID_HANDLE);
    assert_int_equal(ZwDeleteValueKey(none, &value), STATUS_INVALID_HANDLE);
    assert_int_equal(ZwSetValueKey(none, &value, 0, REG_SZ, L"", 2), STATUS_INVALID_HANDLE);
    ZwClose(event);
    ZwDeleteKey(key);
    assert_int_equal(open_key(key, L"sub", TRUE, &event, NULL), STATUS_KEY_DELETED);
    ZwClose(key);
}

/* Every class of question; and those that are none. */
static void kinds_of_information(void **state)
{
    struct {
        KEY_NODE_INFORMATION info;
        WCHAR text[16];
    } node;
    struct {
        KEY_VALUE_FULL_INFORMATION info;
        UCHAR more[64];
    } full;
    KEY_FULL_INFORMATION counts;
    WCHAR path[16];
    UNICODE_STRING empty = { 0 }, value = string(L"a value");
    HANDLE key, sub;
    ULONG need;

    (void)state;
    open_key(NULL, SERVICES L"svc", TRUE, &key, NULL);
    open_key(key, L"long name", TRUE, &sub, NULL);
    ZwClose(sub);
    open_key(key, L"short", TRUE, &sub, NULL);
    assert_int_equal(ZwSetValueKey(key, &value, 0, REG_BINARY, "0123456789", 10), STATUS_SUCCESS);
    assert_int_equal(ZwSetValueKey(key, &empty, 0, REG_SZ, NULL, 0), STATUS_SUCCESS);
    assert_int_equal(ZwQueryKey(sub, KeyNodeInformation, &node, sizeof node, &need),
                     STATUS_SUCCESS);
    assert_int_equal(node.info.NameLength, 10);
    assert_memory_equal(node.info.Name, L"short", 10);
    assert_int_equal(node.info.ClassLength, 0);
    assert_int_equal(ZwQueryKey(key, KeyFullInformation, &counts, sizeof counts, &need),
                     STATUS_SUCCESS);
    assert_int_equal(counts.MaxNameLen, 18);
    assert_int_equal(counts.MaxValueNameLen, 14);
    assert_int_equal(counts.MaxValueDataLen, 10);
    /* As much of the path as there is room for. */
    memset(path, 0xee, sizeof path);
    assert_int_equal(ZwQueryKey(key, KeyNameInformation, path, sizeof path - 4, &need),
                     STATUS_BUFFER_OVERFLOW);
    assert_int_equal(need, 4 + sizeof(SERVICES L"svc") - sizeof(WCHAR));
    assert_memory_equal(path + 2, L"\\Registry\\Machine", sizeof path - 8);
    assert_int_equal(path[14], 0xeeee);
    assert_int_equal(ZwQueryKey(key, KeyNameInformation, path, 2, &need), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(ZwQueryKey(key, KeyVirtualizationInformation, &node, sizeof node, &need),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        ZwEnumerateValueKey(key, 1, KeyValueFullInformation, &full, sizeof full, &need),
        STATUS_SUCCESS);
    assert_int_equal(full.info.NameLength, 0);
    assert_int_equal(full.info.DataLength, 0);
    assert_int_equal(
        ZwEnumerateValueKey(key, 2, KeyValueFullInformation, &full, sizeof full, &need),
        STATUS_NO_MORE_ENTRIES);
    assert_int_equal(ZwQueryValueKey(key, &value, MaxKeyValueInfoClass, &full, sizeof full, &need),
                     STATUS_INVALID_PARAMETER);
    ZwDeleteKey(sub);
    ZwClose(sub);
    open_key(key, L"long name", FALSE, &sub, NULL);
    ZwDeleteKey(sub);
    ZwClose(sub);
    ZwDeleteKey(key); /* with its values */
    ZwClose(key);
}

/* ---- RtlQueryRegistryValues ------------------------------------------------------------------ */

static void write_value(PCWSTR name, ULONG type, const void *data, ULONG length)
{
    assert_int_equal(
        RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"query", name, type, (PVOID)data, length),
        STATUS_SUCCESS);
}

/* One entry of a table. */
static NTSTATUS query(RTL_QUERY_REGISTRY_TABLE entry)
{
    RTL_QUERY_REGISTRY_TABLE table[] = { entry, { 0 } };

    return RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"query", table, NULL, NULL);
}

static NTSTATUS query_direct(PCWSTR name, PVOID to, ULONG flags)
{
    return query((RTL_QUERY_REGISTRY_TABLE){
        .Flags = RTL_QUERY_REGISTRY_DIRECT | flags, .Name = (PWSTR)name, .EntryContext = to });
}

static struct {
    int calls;
    ULONG type, length;
    WCHAR name[16], data[16];
    const void *at;
    NTSTATUS answer;
} seen;

static NTSTATUS NTAPI look(PWSTR ValueName, ULONG ValueType, PVOID ValueData, ULONG ValueLength,
                           PVOID Context, PVOID EntryContext)
{
    (void)Context;
    (void)EntryContext;
    seen.calls++;
    seen.type = ValueType;
    seen.length = ValueLength;
    seen.at = ValueData;
    for (size_t i = 0; ValueName && i < ARRAYSIZE(seen.name); i++) {
        seen.name[i] = ValueName[i];
        if (!ValueName[i])
            break;
    }
    assert_true(ValueLength <= sizeof seen.data);
    if (ValueData)
        memcpy(seen.data, ValueData, ValueLength);
    return seen.answer;
}

static void start_query(void)
{
    memset(&seen, 0, sizeof seen);
    assert_int_equal(RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"query"), STATUS_SUCCESS);
}

static void end_query(void)
{
    UNICODE_STRING name = string(SERVICES L"query");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes), STATUS_SUCCESS);
    assert_int_equal(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

/* What a variable of the driver takes, by its kind and its room. */
static void direct_stores(void **state)
{
    WCHAR room[6];
    UNICODE_STRING text = { 0, sizeof room, room };
    LONG bytes[5];

    (void)state;
    start_query();
    write_value(L"Text", REG_EXPAND_SZ, L"hello", 12);
    write_value(L"Bare", REG_SZ, L"hello", 10); /* without a terminator */
    write_value(L"Empty", REG_SZ, L"", 0);
    write_value(L"Byte", REG_BINARY, "\x07", 1);
    write_value(L"None", REG_BINARY, NULL, 0);
    write_value(L"Eight", REG_BINARY, "12345678", 8);
    assert_int_equal(query_direct(L"Text", &text, 0), STATUS_SUCCESS);
    assert_int_equal(text.Length, 10);
    assert_memory_equal(room, L"hello", 12);
    assert_int_equal(query_direct(L"Bare", &text, 0), STATUS_SUCCESS);
    assert_int_equal(text.Length, 10);
    assert_int_equal(query_direct(L"Empty", &text, 0), STATUS_SUCCESS);
    assert_int_equal(text.Length, 0);
    assert_int_equal(room[0], 0);
    text.MaximumLength = 10;
    assert_int_equal(query_direct(L"Bare", &text, 0), STATUS_BUFFER_TOO_SMALL);

    bytes[0] = 0x1234;
    assert_int_equal(query_direct(L"None", bytes, 0), STATUS_SUCCESS);
    assert_int_equal(bytes[0], 0x1234);
    assert_int_equal(query_direct(L"Byte", bytes, 0), STATUS_SUCCESS);
    assert_int_equal(bytes[0], 0x1207);
    bytes[0] = -7; /* that much room for the data alone */
    assert_int_equal(query_direct(L"Eight", bytes, 0), STATUS_BUFFER_TOO_SMALL);
    bytes[0] = -8;
    assert_int_equal(query_direct(L"Eight", bytes, 0), STATUS_SUCCESS);
    assert_memory_equal(bytes, "12345678", 8);
    bytes[0] = 15; /* room for length, type and data */
    assert_int_equal(query_direct(L"Eight", bytes, 0), STATUS_BUFFER_TOO_SMALL);
    bytes[0] = 16;
    assert_int_equal(query_direct(L"Eight", bytes, 0), STATUS_SUCCESS);
    assert_int_equal(bytes[0], 8);
    assert_int_equal(bytes[1], REG_BINARY);
    assert_memory_equal(bytes + 2, "12345678", 8);
    end_query();
}

/* More text than a UNICODE_STRING can count, and more than the first guess of a buffer. */
static void long_values(void **state)
{
    static WCHAR big[40000];
    UNICODE_STRING text = { 0 };

    (void)state;
    start_query();
    for (size_t i = 0; i < ARRAYSIZE(big); i++)
        big[i] = L'b';
    write_value(L"Big", REG_SZ, big, sizeof big);
    write_value(L"Fits", REG_SZ, big, 2000);
    assert_int_equal(query_direct(L"Big", &text, 0), STATUS_BUFFER_OVERFLOW);
    assert_null(text.Buffer);
    assert_int_equal(query_direct(L"Fits", &text, 0), STATUS_SUCCESS);
    assert_int_equal(text.Length, 2000);
    assert_int_equal(text.MaximumLength, 2002);
    assert_memory_equal(text.Buffer, big, 2000);
    assert_int_equal(text.Buffer[1000], 0);
    RtlFreeUnicodeString(&text);
    end_query();
}

/* What stands for a value that is not there. */
static void default_values(void **state)
{
    WCHAR room[8] = L"before";
    UNICODE_STRING text = { 12, sizeof room, room };
    RTL_QUERY_REGISTRY_TABLE entry = { .Flags = RTL_QUERY_REGISTRY_DIRECT,
                                       .Name = L"Missing",
                                       .EntryContext = &text,
                                       .DefaultType = REG_NONE };

    (void)state;
    start_query();
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(text.Length, 12); /* left alone */
    entry.DefaultType = REG_SZ;
    entry.DefaultData = L"after";
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(text.Length, 10);
    assert_memory_equal(room, L"after", 12);
    entry.DefaultType = REG_EXPAND_SZ | REG_SZ << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
    entry.Flags |= RTL_QUERY_REGISTRY_TYPECHECK; /* a default is not checked */
    entry.DefaultLength = 4;
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(text.Length, 4);
    entry.DefaultData = NULL;
    entry.DefaultLength = 0;
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(text.Length, 0);
    assert_int_equal(room[0], 0);
    entry.Flags = 0;
    entry.QueryRoutine = look;
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 1);
    assert_null(seen.at);
    assert_int_equal(seen.length, 0);
    assert_int_equal(seen.type, REG_EXPAND_SZ);
    entry.Flags = RTL_QUERY_REGISTRY_REQUIRED;
    assert_int_equal(query(entry), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(seen.calls, 1);
    end_query();
}

static void routines(void **state)
{
    RTL_QUERY_REGISTRY_TABLE entry = { .QueryRoutine = look, .Name = L"Many" };

    (void)state;
    start_query();
    write_value(L"Many", REG_MULTI_SZ, L"one\0two\0", 18);
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(seen.type, REG_SZ);
    assert_memory_equal(seen.data, L"two", 8);
    assert_memory_equal(seen.name, L"Many", 10);
    seen.answer = STATUS_UNSUCCESSFUL; /* the first one ends it */
    assert_int_equal(query(entry), STATUS_UNSUCCESSFUL);
    assert_int_equal(seen.calls, 3);
    assert_memory_equal(seen.data, L"one", 8);
    seen.answer = STATUS_SUCCESS;
    entry.Flags = RTL_QUERY_REGISTRY_NOEXPAND;
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 4);
    assert_int_equal(seen.type, REG_MULTI_SZ);
    assert_int_equal(seen.length, 18);
    write_value(L"Many", REG_MULTI_SZ, L"one", 6); /* no terminator at all */
    entry.Flags = 0;
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 5);
    assert_memory_equal(seen.data, L"one", 8);
    entry.Flags = RTL_QUERY_REGISTRY_NOVALUE;
    assert_int_equal(query(entry), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 6);
    assert_int_equal(seen.type, REG_NONE);
    entry.Flags = RTL_QUERY_REGISTRY_DELETE;
    assert_int_equal(query(entry), STATUS_SUCCESS);
    entry.Flags = RTL_QUERY_REGISTRY_REQUIRED;
    assert_int_equal(query(entry), STATUS_OBJECT_NAME_NOT_FOUND);
    entry = (RTL_QUERY_REGISTRY_TABLE){ .Name = L"Only to be there",
                                        .Flags = RTL_QUERY_REGISTRY_REQUIRED };
    assert_int_equal(query(entry), STATUS_OBJECT_NAME_NOT_FOUND);
    write_value(L"Only to be there", REG_SZ, L"", 2);
    assert_int_equal(query(entry), STATUS_SUCCESS);
    end_query();
}

/* All values of the key, or of one below it. */
static void whole_keys(void **state)
{
    ULONG top = 0, low = 0, absent = 0, seven = 7;
    RTL_QUERY_REGISTRY_TABLE all = { .QueryRoutine = look };
    RTL_QUERY_REGISTRY_TABLE walk[] = {
        { .Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = L"none" },
        { .Flags = RTL_QUERY_REGISTRY_DIRECT,
          .Name = L"N",
          .EntryContext = &absent,
          .DefaultType = REG_DWORD,
          .DefaultData = &seven,
          .DefaultLength = sizeof seven },
        { .QueryRoutine = look },
        { .Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = L"below" },
        { .Flags = RTL_QUERY_REGISTRY_DIRECT, .Name = L"N", .EntryContext = &low },
        { .Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = L"below", .QueryRoutine = look },
        { .Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TOPKEY,
          .Name = L"N",
          .EntryContext = &top },
        { .Flags = RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_REQUIRED, .Name = L"none" },
        { 0 },
    };
    UNICODE_STRING name = string(SERVICES L"query\\below");
    OBJECT_ATTRIBUTES attributes;
    ULONG number = 1;
    HANDLE key;

    (void)state;
    start_query();
    assert_int_equal(query(all), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 0);
    all.Flags = RTL_QUERY_REGISTRY_REQUIRED;
    assert_int_equal(query(all), STATUS_OBJECT_NAME_NOT_FOUND);
    write_value(L"N", REG_DWORD, &number, sizeof number);
    write_value(L"M", REG_DWORD, &number, sizeof number);
    assert_int_equal(query(all), STATUS_SUCCESS);
    assert_int_equal(seen.calls, 2);
    assert_memory_equal(seen.name, L"M", 4);
    seen.answer = STATUS_UNSUCCESSFUL;
    assert_int_equal(query(all), STATUS_UNSUCCESSFUL);
    assert_int_equal(seen.calls, 3);
    seen.answer = STATUS_SUCCESS;

    RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"query\\below");
    number = 2;
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"query\\below", L"N", REG_DWORD, &number, 4);
    assert_int_equal(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"query", walk, NULL, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(absent, 7); /* not that of the key above the one that is not there */
    assert_int_equal(low, 2);
    assert_int_equal(top, 1);
    assert_int_equal(seen.calls, 4);
    assert_int_equal(query((RTL_QUERY_REGISTRY_TABLE){ .Flags = RTL_QUERY_REGISTRY_SUBKEY }),
                     STATUS_INVALID_PARAMETER);

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    assert_int_equal(ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes), STATUS_SUCCESS);
    /* By handle, which stays the caller's. */
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_HANDLE, (PWSTR)key), STATUS_SUCCESS);
    assert_int_equal(RtlCreateRegistryKey(RTL_REGISTRY_HANDLE, (PWSTR)key), STATUS_SUCCESS);
    assert_int_equal(
        RtlWriteRegistryValue(RTL_REGISTRY_HANDLE, (PCWSTR)key, L"H", REG_DWORD, &number, 4),
        STATUS_SUCCESS);
    assert_int_equal(RtlQueryRegistryValues(RTL_REGISTRY_HANDLE, (PCWSTR)key, walk + 4, NULL, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(RtlDeleteRegistryValue(RTL_REGISTRY_HANDLE, (PCWSTR)key, L"H"),
                     STATUS_SUCCESS);
    ZwDeleteKey(key);
    ZwClose(key);
    end_query();
}

static void relative_paths(void **state)
{
    static WCHAR longest[1100];
    ULONG number = 1;

    (void)state;
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, NULL), STATUS_SUCCESS);
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_CONTROL, L""), STATUS_SUCCESS);
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_WINDOWS_NT, NULL), STATUS_SUCCESS);
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, L"\\Registry\\Machine"),
                     STATUS_SUCCESS);
    assert_int_equal(RtlCheckRegistryKey(NO_SUCH_BASE, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateRegistryKey(NO_SUCH_BASE, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlWriteRegistryValue(NO_SUCH_BASE, NULL, L"x", REG_DWORD, &number, 4),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, L"none", L"x"),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"none", NULL, NULL, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(
        RtlQueryRegistryValues(NO_SUCH_BASE | RTL_REGISTRY_OPTIONAL, NULL, NULL, NULL, NULL),
        STATUS_INVALID_PARAMETER);
    for (size_t i = 0; i < ARRAYSIZE(longest) - 1; i++)
        longest[i] = L'p';
    assert_int_equal(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, longest), STATUS_BUFFER_TOO_SMALL);
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
        TEST(keys),
        TEST(values),
        TEST(answers_that_do_not_fit),
        TEST(enumeration),
        TEST(query_table),
        TEST(wrong_names_and_handles),
        TEST(kinds_of_information),
        TEST(direct_stores),
        TEST(long_values),
        TEST(default_values),
        TEST(routines),
        TEST(whole_keys),
        TEST(relative_paths),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, shut_down);
}
