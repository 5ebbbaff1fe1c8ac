/* Conversions of counted strings: short buffers, bad arguments, malformed text. */
#include <ntifs.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define WIDE(text)                                                                                 \
    {                                                                                              \
        sizeof(text) - 2, sizeof(text), (PWSTR)(text)                                              \
    }

static WCHAR long_wide[0x8000];
static char long_narrow[0xffff];

static void utf8_arguments(void **state)
{
    WCHAR wide[4];
    char narrow[4];
    ULONG n = 7;

    (void)state;
    assert_int_equal(RtlUTF8ToUnicodeN(wide, 8, &n, NULL, 1), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(RtlUTF8ToUnicodeN(NULL, 8, NULL, "a", 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUTF8ToUnicodeN(wide, 8, NULL, "ab", 2), STATUS_SUCCESS);
    assert_memory_equal(wide, L"ab", 4);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 4, &n, NULL, 2), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(RtlUnicodeToUTF8N(NULL, 4, NULL, L"a", 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 4, &n, L"a", 1), STATUS_INVALID_PARAMETER_5);
    assert_int_equal(n, 7);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 4, NULL, L"ab", 4), STATUS_SUCCESS);
    assert_memory_equal(narrow, "ab", 2);
}

/* Without a buffer the needed size, with one what was written; never half of a character. */
static void utf8_sizes(void **state)
{
    char narrow[4] = "zzz";
    ULONG n;

    (void)state;
    assert_int_equal(RtlUnicodeToUTF8N(NULL, 0, &n, L"a\u20ac", 4), STATUS_SUCCESS);
    assert_int_equal(n, 4);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 3, &n, L"a\u20acb", 6), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(n, 1);
    assert_string_equal(narrow, "azz");
    assert_int_equal(RtlUTF8ToUnicodeN(NULL, 0, &n, "a\xff", 2), STATUS_SOME_NOT_MAPPED);
    assert_int_equal(n, 4);
}

static void multibyte_buffers(void **state)
{
    WCHAR wide[4];
    char narrow[4];
    ULONG n;

    (void)state;
    assert_int_equal(RtlMultiByteToUnicodeN(wide, 4, &n, "abc", 3), STATUS_SUCCESS);
    assert_int_equal(n, 4); /* a short buffer cuts, without an error */
    assert_memory_equal(wide, L"ab", 4);
    assert_int_equal(RtlMultiByteToUnicodeN(wide, 8, NULL, "xy", 2), STATUS_SUCCESS);
    assert_memory_equal(wide, L"xy", 4);
    assert_int_equal(RtlUnicodeToMultiByteN(narrow, 2, &n, L"abc", 6), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(n, 2);
    assert_memory_equal(narrow, "ab", 2);
    assert_int_equal(RtlUnicodeToMultiByteN(narrow, 4, NULL, L"xyz", 6), STATUS_SUCCESS);
    assert_memory_equal(narrow, "xyz", 3);
    assert_int_equal(RtlMultiByteToUnicodeSize(&n, "a\xc3\xbc", 3), STATUS_SUCCESS);
    assert_int_equal(n, 4);
    assert_int_equal(RtlUnicodeToMultiByteSize(&n, L"a\u00fc", 4), STATUS_SUCCESS);
    assert_int_equal(n, 3);
}

static void sizes_count_the_terminator(void **state)
{
    UNICODE_STRING u = WIDE(L"a\u00fc");
    ANSI_STRING a;

    (void)state;
    RtlInitAnsiString(&a, "a\xc3\xbc");
    assert_int_equal(RtlxAnsiStringToUnicodeSize(&a), 6);
    assert_int_equal(RtlxUnicodeStringToAnsiSize(&u), 4);
}

static void strings_into_given_buffers(void **state)
{
    WCHAR wide[3];
    char narrow[2];
    UNICODE_STRING u = { 0, 6, wide }, text = WIDE(L"ab");
    ANSI_STRING a, none = { 0, 0, narrow }, one = { 0, 1, narrow };

    (void)state;
    RtlInitAnsiString(&a, "ab");
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, FALSE), STATUS_SUCCESS);
    assert_int_equal(u.Length, 4);
    assert_int_equal(wide[2], 0);
    RtlInitAnsiString(&a, "abc"); /* the terminator must fit, too */
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlUnicodeStringToAnsiString(&none, &text, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlUnicodeStringToAnsiString(&one, &text, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(one.Length, 0);
    assert_int_equal(narrow[0], 0);
}

static void utf8_strings(void **state)
{
    UNICODE_STRING u;
    UTF8_STRING from, to;

    (void)state;
    RtlInitUTF8String(&from, "\xe2\x82\xac");
    assert_int_equal(from.Length, 3);
    assert_int_equal(from.MaximumLength, 4);
    assert_int_equal(RtlUTF8StringToUnicodeString(&u, &from, TRUE), STATUS_SUCCESS);
    assert_int_equal(u.Length, 2);
    assert_int_equal(u.Buffer[0], 0x20ac);
    assert_int_equal(RtlUnicodeStringToUTF8String(&to, &u, TRUE), STATUS_SUCCESS);
    assert_string_equal(to.Buffer, "\xe2\x82\xac");
    RtlFreeUTF8String(&to);
    assert_null(to.Buffer);
    RtlFreeUnicodeString(&u);
}

static void strings_that_cannot_be_counted(void **state)
{
    UNICODE_STRING u, wide = { 0xfffe, 0xfffe, long_wide };
    ANSI_STRING a, narrow = { 0xffff, 0xffff, long_narrow };

    (void)state;
    memset(long_narrow, 'x', sizeof long_narrow);
    for (size_t i = 0; i < RTL_NUMBER_OF(long_wide); i++)
        long_wide[i] = 0x20ac;
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &narrow, TRUE), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(RtlUnicodeStringToAnsiString(&a, &wide, TRUE), STATUS_INVALID_PARAMETER_2);
}

struct number_case {
    const char *text;
    ULONG base, value;
    NTSTATUS status;
};

static void numbers_are_read(void **state)
{
    static const struct number_case cases[] = {
        { "0b101", 0, 5, STATUS_SUCCESS },
        { "0o17", 0, 15, STATUS_SUCCESS },
        { "0xfF", 0, 255, STATUS_SUCCESS },
        { "017", 0, 17, STATUS_SUCCESS },
        { "0", 0, 0, STATUS_SUCCESS },
        { "", 0, 0, STATUS_SUCCESS },
        { " \t+9x", 10, 9, STATUS_SUCCESS },
        { "12", 2, 1, STATUS_SUCCESS },
        { "778", 8, 63, STATUS_SUCCESS },
        { "aG", 16, 10, STATUS_SUCCESS },
        { "-1", 10, ~0u, STATUS_SUCCESS },
        { "1`", 16, 1, STATUS_SUCCESS },
        { "1@/:", 16, 1, STATUS_SUCCESS },
        { "1", 7, 99, STATUS_INVALID_PARAMETER },
        { "1", 36, 99, STATUS_INVALID_PARAMETER },
    };

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        ULONG narrow = 99, wide = 99;
        ANSI_STRING a;
        UNICODE_STRING u;

        assert_int_equal(RtlCharToInteger((PCSZ)cases[i].text, cases[i].base, &narrow),
                         cases[i].status);
        assert_int_equal(narrow, cases[i].value);
        RtlInitAnsiString(&a, cases[i].text);
        assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, TRUE), STATUS_SUCCESS);
        assert_int_equal(RtlUnicodeStringToInteger(&u, cases[i].base, &wide), cases[i].status);
        assert_int_equal(wide, cases[i].value);
        RtlFreeUnicodeString(&u);
    }
    assert_int_equal(RtlCharToInteger((PCSZ) "1", 10, NULL), STATUS_ACCESS_VIOLATION);
    assert_int_equal(RtlUnicodeStringToInteger(&(UNICODE_STRING)WIDE(L"1"), 10, NULL),
                     STATUS_ACCESS_VIOLATION);
}

static void numbers_are_written(void **state)
{
    WCHAR buffer[65];
    UNICODE_STRING s = { 0, sizeof buffer, buffer };

    (void)state;
    assert_int_equal(RtlIntegerToUnicodeString(0, 0, &s), STATUS_SUCCESS);
    assert_memory_equal(buffer, L"0", 4);
    assert_int_equal(RtlIntegerToUnicodeString(8, 8, &s), STATUS_SUCCESS);
    assert_memory_equal(buffer, L"10", 6);
    assert_int_equal(RtlInt64ToUnicodeString(~0ull, 2, &s), STATUS_SUCCESS);
    assert_int_equal(s.Length, 128);
    assert_int_equal(buffer[63], '1');
    assert_int_equal(buffer[64], 0);
    s.MaximumLength = 4; /* exactly: no terminator */
    assert_int_equal(RtlIntegerToUnicodeString(42, 10, &s), STATUS_SUCCESS);
    assert_memory_equal(buffer, L"42", 4);
    assert_int_equal(buffer[2], '1');
}

static void malformed_guids(void **state)
{
    UNICODE_STRING no_brace = WIDE(L"[12345678-9ABC-DEF0-0102-030405060708}");
    UNICODE_STRING no_digit = WIDE(L"{1234567G-9ABC-DEF0-0102-030405060708}");
    UNICODE_STRING no_dash = WIDE(L"{12345678-9ABC-DEF0-010200304050607080");
    UNICODE_STRING small = WIDE(L"{12345678-9abc-def0-0102-030405060708}");
    GUID guid = { 0 };

    (void)state;
    assert_int_equal(RtlGUIDFromString(&no_brace, &guid), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlGUIDFromString(&no_digit, &guid), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlGUIDFromString(&no_dash, &guid), STATUS_INVALID_PARAMETER);
    assert_int_equal(guid.Data1, 0);
    assert_int_equal(RtlGUIDFromString(&small, &guid), STATUS_SUCCESS);
    assert_int_equal(guid.Data3, 0xdef0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_arguments),
        cmocka_unit_test(utf8_sizes),
        cmocka_unit_test(multibyte_buffers),
        cmocka_unit_test(sizes_count_the_terminator),
        cmocka_unit_test(strings_into_given_buffers),
        cmocka_unit_test(utf8_strings),
        cmocka_unit_test(strings_that_cannot_be_counted),
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(numbers_are_written),
        cmocka_unit_test(malformed_guids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
