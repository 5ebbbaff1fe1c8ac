/* The wide half of the kernel's C run-time library, and what both halves do with bad sizes. */
#include "nt/rtlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define TRUNCATE ((size_t)-1)

static void wide_is(const WCHAR *text, const WCHAR *want)
{
    size_t length = 0;

    while (want[length])
        length++;
    assert_memory_equal(text, want, (length + 1) * sizeof *want);
}

static int cut(WCHAR *buffer, size_t size, size_t count, const WCHAR *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = openwsk__vsnwprintf_s(buffer, size, count, format, args);
    va_end(args);
    return length;
}

static int exactly(WCHAR *buffer, size_t size, const WCHAR *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = size ? openwsk_vswprintf_s(buffer, size, format, args)
                  : openwsk_vswprintf(buffer, format, args);
    va_end(args);
    return length;
}

static void printf_family(void **state)
{
    WCHAR b[8];

    (void)state;
    assert_int_equal(openwsk_swprintf(b, L"%d%%", 42), 3);
    wide_is(b, L"42%");
    assert_int_equal(exactly(b, 0, L"%x", 255), 2);
    wide_is(b, L"ff");
    assert_int_equal(openwsk_swprintf_s(b, 4, L"%d", 123), 3);
    wide_is(b, L"123");
    assert_int_equal(openwsk_swprintf_s(b, 4, L"%d", 1234), -1);
    wide_is(b, L"");
    assert_int_equal(exactly(b, 3, L"%d", 12), 2);
    assert_int_equal(exactly(b, 3, L"%d", 123), -1);
    wide_is(b, L"");
    assert_int_equal(openwsk__snwprintf_s(b, 4, TRUNCATE, L"%s", L"abcdef"), -1);
    wide_is(b, L"abc");
    assert_int_equal(cut(b, 8, 2, L"%s", L"abcdef"), -1);
    wide_is(b, L"ab");
    assert_int_equal(cut(b, 8, 6, L"%s", L"abcdef"), 6);
    assert_int_equal(cut(NULL, 8, 6, L"x"), -1);
    assert_int_equal(cut(b, 0, 6, L"x"), -1);
    assert_int_equal(cut(b, 8, 6, NULL), -1);
}

static void plain_strings(void **state)
{
    WCHAR b[8] = L"";

    (void)state;
    assert_ptr_equal(openwsk_wcscpy(b, L"ab"), b);
    assert_ptr_equal(openwsk_wcscat(b, L"cd"), b);
    wide_is(b, L"abcd");
    openwsk_wcsncat(b, L"efgh", 2);
    wide_is(b, L"abcdef");
    openwsk_wcsncat(b, L"g", 5);
    wide_is(b, L"abcdefg");
    openwsk_wcsncpy(b, L"xyz", 2);
    wide_is(b, L"xycdefg");
    assert_int_equal(openwsk_wcsnlen(b, 3), 3);
    assert_int_equal(openwsk_wcscmp(L"ab", L"ab"), 0);
    assert_true(openwsk_wcscmp(L"ab", L"abc") < 0);
    assert_true(openwsk_wcscmp(L"b", L"a") > 0);
    assert_int_equal(openwsk_wcsncmp(L"abX", L"abY", 2), 0);
    assert_ptr_equal(openwsk_wcschr(b, 'c'), b + 2);
    assert_ptr_equal(openwsk_wcschr(b, 0), b + 7);
    assert_null(openwsk_wcschr(b, 'Q'));
    assert_ptr_equal(openwsk_wcsstr(b, L""), b);
    assert_int_equal(openwsk_wcsspn(L"aabx", L"ab"), 3);
    assert_int_equal(openwsk_wcsspn(L"ab", L"ab"), 2);
    assert_int_equal(openwsk_wcscspn(L"xyb", L"ab"), 2);
    assert_ptr_equal(openwsk_wcspbrk(b, L"dc"), b + 2);
    assert_null(openwsk_wcspbrk(b, L"Q"));
}

static void bounded_strings(void **state)
{
    WCHAR b[4] = L"zz", full[2] = { 'a', 'b' };

    (void)state;
    assert_int_equal(openwsk_wcscpy_s(b, 4, L"abc"), 0);
    assert_int_equal(openwsk_wcscpy_s(b, 4, L"abcd"), 34);
    wide_is(b, L"");
    assert_int_equal(openwsk_wcscpy_s(NULL, 4, L"a"), 22);
    assert_int_equal(openwsk_wcscpy_s(b, 0, L"a"), 22);
    b[0] = 'q';
    assert_int_equal(openwsk_wcscpy_s(b, 4, NULL), 22);
    wide_is(b, L"");
    assert_int_equal(openwsk_wcsncpy_s(b, 4, L"abcd", 2), 0);
    wide_is(b, L"ab");
    assert_int_equal(openwsk_wcsncpy_s(b, 4, L"wxyz", TRUNCATE), 80);
    wide_is(b, L"wxy");
    openwsk_wcscpy_s(b, 4, L"a");
    assert_int_equal(openwsk_wcscat_s(b, 4, L"bc"), 0);
    wide_is(b, L"abc");
    assert_int_equal(openwsk_wcscat_s(b, 4, L"d"), 34);
    wide_is(b, L"");
    assert_int_equal(openwsk_wcsncat_s(b, 4, L"pqrs", TRUNCATE), 80);
    wide_is(b, L"pqr");
    assert_int_equal(openwsk_wcsncat_s(b, 4, L"x", 0), 0);
    assert_int_equal(openwsk_wcscat_s(full, 2, L"x"), 22); /* not terminated */
    assert_int_equal(openwsk_wcscat_s(NULL, 2, L"x"), 22);
    assert_int_equal(openwsk_wcsncat_s(NULL, 2, L"x", 1), 22);
}

static void classes(void **state)
{
    static const WCHAR spaces[] = { ' ', '\t', '\r', 0xa0, 0x2028, 0x2029 };
    static const WCHAR others[] = { 8, 14, 'x', 0x2027, 0x202a };

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(spaces); i++)
        assert_true(openwsk_iswspace(spaces[i]));
    for (size_t i = 0; i < RTL_NUMBER_OF(others); i++)
        assert_false(openwsk_iswspace(others[i]));
    for (WCHAR c = 0; c < 0x80; c++) {
        BOOLEAN digit = c >= '0' && c <= '9',
                alpha = strchr("abcdefghijklmnopqrstuvwxyz", c | 32) && c >= 'A';

        assert_int_equal(openwsk_iswdigit(c), digit);
        assert_int_equal(openwsk_iswalpha(c), alpha);
        assert_int_equal(openwsk_iswalnum(c), alpha || digit);
        assert_int_equal(openwsk_iswxdigit(c), digit || (alpha && (c | 32) <= 'f'));
    }
    assert_true(openwsk_iswalpha(0xe4));
    assert_true(openwsk_iswalpha(0xc4));
    assert_int_equal(openwsk_towupper(0xe4), 0xc4);
    assert_int_equal(openwsk_towlower(0xc4), 0xe4);
}

static void changes_case(void **state)
{
    WCHAR b[] = L"aB\u00c4";

    (void)state;
    assert_ptr_equal(openwsk__wcsupr(b), b);
    wide_is(b, L"AB\u00c4");
    openwsk__wcslwr(b);
    wide_is(b, L"ab\u00e4");
    assert_int_equal(openwsk__wcsnicmp(L"abX", L"ABy", 2), 0);
    assert_true(openwsk__wcsicmp(L"abX", L"ABy") < 0);
    assert_true(openwsk__wcsicmp(L"ab", L"A") > 0);
}

static void numbers(void **state)
{
    WCHAR b[70], *end;

    (void)state;
    assert_int_equal(openwsk_wcstol(L" -12x", &end, 10), -12);
    assert_int_equal(*end, 'x');
    assert_int_equal(openwsk__wcstoi64(L"-9223372036854775809", NULL, 10), LLONG_MIN);
    assert_int_equal(openwsk__wcstoi64(L"9223372036854775808", NULL, 10), LLONG_MAX);
    assert_int_equal(openwsk__wcstoui64(L"18446744073709551615", NULL, 10), ~0ull);
    assert_int_equal(openwsk__wcstoui64(L"18446744073709551616", NULL, 10), ~0ull);
    assert_int_equal(openwsk__wtoi(L"77"), 77);
    assert_int_equal(openwsk__wtol(L"-78"), -78);
    assert_int_equal(openwsk__wtoi64(L"4294967296"), 4294967296ll);
    wide_is(openwsk__itow(-7, b, 10), L"-7");
    wide_is(openwsk__itow(7, b, 10), L"7");
    wide_is(openwsk__itow(-1, b, 16), L"ffffffff");
    wide_is(openwsk__ltow(-2147483647 - 1, b, 10), L"-2147483648");
    wide_is(openwsk__ultow(4294967295u, b, 36), L"1z141z3");
    wide_is(openwsk__i64tow(-1, b, 2) + 60, L"1111");
    wide_is(openwsk__i64tow(5, b, 2), L"101");
    wide_is(openwsk__ui64tow(~0ull, b, 10), L"18446744073709551615");
}

/* A base that digits cannot express: no number, and never a read or write out of bounds. */
static void impossible_bases(void **state)
{
    static const int bases[] = { -1, 1, 37, 100, 1000 };
    WCHAR b[70], *end;
    char n[70], *narrow_end;

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(bases); i++) {
        static const WCHAR text[] = L"00z";
        static const char narrow[] = "00z";

        assert_int_equal(openwsk_wcstol(text, &end, bases[i]), 0);
        assert_ptr_equal(end, text);
        assert_int_equal(openwsk_strtoul(narrow, &narrow_end, bases[i]), 0);
        assert_ptr_equal(narrow_end, narrow);
        wide_is(openwsk__itow(40, b, bases[i]), L"");
        assert_string_equal(openwsk__itoa(40, n, bases[i]), "");
    }
    assert_string_equal(openwsk__ui64toa(40, n, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printf_family),    cmocka_unit_test(plain_strings),
        cmocka_unit_test(bounded_strings),  cmocka_unit_test(classes),
        cmocka_unit_test(changes_case),     cmocka_unit_test(numbers),
        cmocka_unit_test(impossible_bases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
