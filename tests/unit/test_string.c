/* Counted strings and their conversions. */
#include <ntifs.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define WIDE(text)                                                                                 \
    {                                                                                              \
        sizeof(text) - 2, sizeof(text), (PWSTR)(text)                                              \
    }

static void init_measures(void **state)
{
    UNICODE_STRING u;
    ANSI_STRING a;

    (void)state;
    RtlInitUnicodeString(&u, L"abc");
    assert_int_equal(u.Length, 6);
    assert_int_equal(u.MaximumLength, 8);
    RtlInitUnicodeString(&u, NULL);
    assert_int_equal(u.MaximumLength, 0);
    RtlInitAnsiString(&a, "abc");
    assert_int_equal(a.Length, 3);
    assert_int_equal(a.MaximumLength, 4);
}

static void compare_and_case(void **state)
{
    UNICODE_STRING a = WIDE(L"Gr\u00fcn"), b = WIDE(L"GR\u00dcN"), c = WIDE(L"Gr");
    WCHAR buffer[8];
    UNICODE_STRING out = { 0, sizeof buffer, buffer };
    ULONG h1, h2;

    (void)state;
    assert_true(RtlEqualUnicodeString(&a, &b, TRUE));
    assert_false(RtlEqualUnicodeString(&a, &b, FALSE));
    assert_true(RtlCompareUnicodeString(&c, &a, FALSE) < 0);
    assert_true(RtlPrefixUnicodeString(&c, &b, TRUE));
    assert_int_equal(RtlUpcaseUnicodeString(&out, &a, FALSE), STATUS_SUCCESS);
    assert_true(RtlEqualUnicodeString(&out, &b, FALSE));
    assert_int_equal(RtlHashUnicodeString(&a, TRUE, 1, &h1), STATUS_SUCCESS);
    assert_int_equal(RtlHashUnicodeString(&b, TRUE, 0, &h2), STATUS_SUCCESS);
    assert_int_equal(h1, h2);
    assert_int_equal(RtlDowncaseUnicodeChar(0x416), 0x436);
    assert_int_equal(RtlUpcaseUnicodeChar(0x3c9), 0x3a9);
}

static void copy_and_append_stay_in_bounds(void **state)
{
    WCHAR buffer[4] = { 1, 1, 1, 1 };
    UNICODE_STRING out = { 0, 6, buffer }, in = WIDE(L"abcdef"), one = WIDE(L"x");

    (void)state;
    RtlCopyUnicodeString(&out, &in);
    assert_int_equal(out.Length, 6);
    assert_int_equal(buffer[3], 1);
    assert_int_equal(RtlAppendUnicodeStringToString(&out, &one), STATUS_BUFFER_TOO_SMALL);
    out.Length = 2;
    assert_int_equal(RtlAppendUnicodeToString(&out, L"y"), STATUS_SUCCESS);
    assert_int_equal(buffer[1], 'y');
    assert_int_equal(buffer[2], 0);
}

static void ansi_and_back(void **state)
{
    ANSI_STRING a, back;
    UNICODE_STRING u;
    char small[3];
    ANSI_STRING cut = { 0, sizeof small, small };

    (void)state;
    RtlInitAnsiString(&a, "gr\xc3\xbc");
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, TRUE), STATUS_SUCCESS);
    assert_int_equal(u.Length, 6);
    assert_int_equal(u.Buffer[2], 0xfc);
    assert_int_equal(u.Buffer[3], 0);
    assert_int_equal(RtlUnicodeStringToAnsiString(&back, &u, TRUE), STATUS_SUCCESS);
    assert_string_equal(back.Buffer, "gr\xc3\xbc");
    assert_int_equal(RtlUnicodeStringToAnsiString(&cut, &u, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_string_equal(small, "gr");
    RtlFreeAnsiString(&back);
    RtlFreeUnicodeString(&u);
    assert_null(u.Buffer);
}

static void utf8_counts_and_flags(void **state)
{
    WCHAR wide[4];
    char narrow[8];
    ULONG n;

    (void)state;
    assert_int_equal(RtlUTF8ToUnicodeN(NULL, 0, &n, "a\xf0\x9f\x98\x80", 5), STATUS_SUCCESS);
    assert_int_equal(n, 6);
    assert_int_equal(RtlUTF8ToUnicodeN(wide, 4, &n, "a\xf0\x9f\x98\x80", 5),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(n, 2);
    assert_int_equal(RtlUTF8ToUnicodeN(wide, 8, &n,
                                       "\xff"
                                       "b",
                                       2),
                     STATUS_SOME_NOT_MAPPED);
    assert_int_equal(wide[0], 0xfffd);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 8, &n, L"\u20ac", 2), STATUS_SUCCESS);
    assert_memory_equal(narrow, "\xe2\x82\xac", 3);
    wide[0] = 0xd800;
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 8, &n, wide, 2), STATUS_SOME_NOT_MAPPED);
}

static void numbers(void **state)
{
    WCHAR buffer[24];
    UNICODE_STRING s = { 0, sizeof buffer, buffer }, hex = WIDE(L" -0x1F rest"), dec = WIDE(L"42");
    ULONG value;

    (void)state;
    assert_int_equal(RtlIntegerToUnicodeString(0xabc, 16, &s), STATUS_SUCCESS);
    assert_memory_equal(buffer, L"ABC", 8);
    assert_int_equal(RtlIntegerToUnicodeString(1, 7, &s), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUnicodeStringToInteger(&hex, 0, &value), STATUS_SUCCESS);
    assert_int_equal(value, (ULONG)-31);
    assert_int_equal(RtlUnicodeStringToInteger(&dec, 10, &value), STATUS_SUCCESS);
    assert_int_equal(value, 42);
    s.MaximumLength = 4;
    assert_int_equal(RtlInt64ToUnicodeString(~0ull, 10, &s), STATUS_BUFFER_OVERFLOW);
}

static void guids(void **state)
{
    UNICODE_STRING s = WIDE(L"{12345678-9ABC-DEF0-0102-030405060708}"), back;
    GUID guid;

    (void)state;
    assert_int_equal(RtlGUIDFromString(&s, &guid), STATUS_SUCCESS);
    assert_int_equal(guid.Data1, 0x12345678);
    assert_int_equal(guid.Data4[7], 8);
    assert_int_equal(RtlStringFromGUID(&guid, &back), STATUS_SUCCESS);
    assert_true(RtlEqualUnicodeString(&s, &back, FALSE));
    RtlFreeUnicodeString(&back);
    s.Length -= 2;
    assert_int_equal(RtlGUIDFromString(&s, &guid), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_measures),
        cmocka_unit_test(compare_and_case),
        cmocka_unit_test(copy_and_append_stay_in_bounds),
        cmocka_unit_test(ansi_and_back),
        cmocka_unit_test(utf8_counts_and_flags),
        cmocka_unit_test(numbers),
        cmocka_unit_test(guids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
