/* The kernel's C run-time library, narrow and wide, under the names that km/crt maps to. */
#include "nt/rtlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void printf_family(void **state)
{
    char buffer[8] = "zzzzzzz";
    WCHAR wide[4];

    (void)state;
    assert_int_equal(openwsk__snprintf(buffer, 4, "%d", 123), 3);
    assert_string_equal(buffer, "123");
    assert_int_equal(openwsk__snprintf(buffer, 4, "%d", 1234), 4);
    assert_memory_equal(buffer, "1234zzz", 7);
    assert_int_equal(openwsk__snprintf(buffer, 4, "%d", 12345), -1);
    assert_int_equal(openwsk_snprintf(buffer, 4, "%d", 12345), 5);
    assert_string_equal(buffer, "123");
    assert_int_equal(openwsk_sprintf(buffer, "%ws", L"ab"), 2);
    assert_int_equal(openwsk__snprintf_s(buffer, 4, (size_t)-1, "%s", "abcdef"), -1);
    assert_string_equal(buffer, "abc");
    assert_int_equal(openwsk__snprintf_s(buffer, 4, 4, "%s", "abcdef"), -1);
    assert_string_equal(buffer, "");
    assert_int_equal(openwsk__snwprintf(wide, 4, L"%s", L"abc"), 3);
    assert_int_equal(wide[3], 0);
    assert_int_equal(openwsk__snwprintf(wide, 2, L"%s", L"abc"), -1);
    /* Without a buffer: the length, or a mistake. */
    assert_int_equal(openwsk__snprintf(NULL, 0, "%d", 123), 3);
    assert_int_equal(openwsk__snprintf(NULL, 8, "%d", 123), -1);
    assert_int_equal(openwsk__snwprintf(NULL, 0, L"%d", 123), 3);
    assert_int_equal(openwsk__snwprintf(NULL, 8, L"%d", 123), -1);
}

static void narrow_strings(void **state)
{
    char buffer[4];

    (void)state;
    assert_int_equal(openwsk__stricmp("HeLLo", "hEllO"), 0);
    assert_true(openwsk__stricmp("a", "B") < 0);
    assert_int_equal(openwsk__strnicmp("abX", "ABy", 2), 0);
    assert_int_equal(openwsk_strcpy_s(buffer, 4, "abc"), 0);
    assert_int_equal(openwsk_strcpy_s(buffer, 4, "abcd"), 34);
    assert_string_equal(buffer, "");
    assert_int_equal(openwsk_strncpy_s(buffer, 4, "abcd", (size_t)-1), 80);
    assert_string_equal(buffer, "abc");
}

static void numbers(void **state)
{
    char buffer[40], *end;
    WCHAR wide[40], *wide_end;

    (void)state;
    assert_int_equal(openwsk_strtol(" -0x10z", &end, 0), -16);
    assert_string_equal(end, "z");
    assert_int_equal(openwsk_strtol("99999999999", NULL, 10), 0x7fffffff);
    assert_int_equal(openwsk_strtol("-99999999999", NULL, 10), -0x7fffffff - 1);
    assert_int_equal(openwsk_strtoul("4294967295", NULL, 10), 0xffffffff);
    assert_int_equal(openwsk_strtol("0x", &end, 16), 0);
    assert_string_equal(end, "x");
    assert_string_equal(openwsk__itoa(-5, buffer, 10), "-5");
    assert_string_equal(openwsk__itoa(-1, buffer, 16), "ffffffff");
    assert_int_equal(openwsk_wcstoul(L"0777 ", &wide_end, 0), 0777);
    assert_int_equal(*wide_end, ' ');
    assert_memory_equal(openwsk__i64tow(-12, wide, 10), L"-12", 8);
}

static void wide_strings(void **state)
{
    static const WCHAR text[] = L"one two";
    WCHAR buffer[4];

    (void)state;
    assert_int_equal(openwsk_wcslen(text), 7);
    assert_ptr_equal(openwsk_wcsstr(text, L"two"), text + 4);
    assert_null(openwsk_wcsstr(text, L"three"));
    assert_ptr_equal(openwsk_wcsrchr(text, 'o'), text + 6);
    assert_int_equal(openwsk__wcsicmp(L"\u00c4b", L"\u00e4B"), 0);
    openwsk_wcsncpy(buffer, L"a", 4);
    assert_int_equal(buffer[3], 0);
}

static int c99(char *buffer, size_t size, const char *format, ...)
{
    OW_VA_LIST args;
    int length;

    OW_VA_START(args, format);
    length = openwsk_vsnprintf(buffer, size, format, args);
    OW_VA_END(args);
    return length;
}

static int exactly(char *buffer, size_t size, const char *format, ...)
{
    OW_VA_LIST args;
    int length;

    OW_VA_START(args, format);
    length = openwsk_vsprintf_s(buffer, size, format, args);
    OW_VA_END(args);
    return length;
}

static void bounded_printf(void **state)
{
    char b[8] = "zzzz";

    (void)state;
    assert_int_equal(c99(NULL, 0, "%d", 123), 3);
    assert_int_equal(c99(b, 1, "%d", 123), 3);
    assert_string_equal(b, "");
    assert_int_equal(c99(b, 8, "%d", 123), 3);
    assert_string_equal(b, "123");
    assert_int_equal(openwsk_sprintf_s(b, 4, "%d", 123), 3);
    assert_string_equal(b, "123");
    assert_int_equal(openwsk_sprintf_s(b, 4, "%d", 1234), -1);
    assert_string_equal(b, "");
    assert_int_equal(exactly(b, 4, "%d", 456), 3);
    assert_int_equal(exactly(b, 3, "%d", 456), -1);
    assert_int_equal(openwsk__snprintf_s(b, 8, 2, "%s", "abc"), -1); /* asked to cut */
    assert_string_equal(b, "ab");
    assert_int_equal(openwsk__snprintf_s(b, 8, 2, "%s", "a"), 1);
    assert_int_equal(exactly(NULL, 3, "x"), -1);
    assert_int_equal(exactly(b, 0, "x"), -1);
    assert_int_equal(exactly(b, 3, NULL), -1);
}

static void memory(void **state)
{
    char b[5] = "abcd", out[5] = "....";

    (void)state;
    assert_ptr_equal(openwsk_memcpy(out, b, 2), out);
    assert_string_equal(out, "ab..");
    openwsk_memmove(b + 1, b, 3);
    assert_string_equal(b, "aabc");
    openwsk_memset(b, 'z', 2);
    assert_string_equal(b, "zzbc");
    assert_true(openwsk_memcmp("ab", "ac", 2) < 0);
    assert_ptr_equal(openwsk_memchr(b, 'b', 4), b + 2);
    assert_null(openwsk_memchr(b, 'b', 2));
    assert_int_equal(openwsk_memcpy_s(NULL, 0, NULL, 0), 0);
    assert_int_equal(openwsk_memcpy_s(NULL, 4, b, 2), 22);
    assert_int_equal(openwsk_memcpy_s(out, 4, b, 4), 0);
    assert_string_equal(out, "zzbc");
    assert_int_equal(openwsk_memcpy_s(out, 2, b, 3), 34);
    assert_memory_equal(out, "\0\0bc", 4); /* cleared, but no further than its size */
    assert_int_equal(openwsk_memcpy_s(out, 3, NULL, 1), 22);
    assert_memory_equal(out, "\0\0\0c", 4);
    assert_int_equal(openwsk_memmove_s(NULL, 0, NULL, 0), 0);
    assert_int_equal(openwsk_memmove_s(NULL, 4, b, 1), 22);
    assert_int_equal(openwsk_memmove_s(out, 4, NULL, 1), 22);
    assert_int_equal(openwsk_memmove_s(out, 1, b, 2), 34);
    assert_int_equal(openwsk_memmove_s(b + 1, 3, b, 3), 0);
    assert_string_equal(b, "zzzb");
}

static void plain_strings(void **state)
{
    char b[8];

    (void)state;
    assert_ptr_equal(openwsk_strcpy(b, "ab"), b);
    assert_ptr_equal(openwsk_strcat(b, "cd"), b);
    openwsk_strncat(b, "efgh", 2);
    assert_string_equal(b, "abcdef");
    assert_int_equal(openwsk_strlen(b), 6);
    assert_int_equal(openwsk_strnlen(b, 3), 3);
    openwsk_strncpy(b, "xyz", 2);
    assert_string_equal(b, "xycdef");
    openwsk_strncpy(b, "q", 4);
    assert_memory_equal(b, "q\0\0\0ef", 7);
    assert_true(openwsk_strcmp("a", "b") < 0);
    assert_int_equal(openwsk_strncmp("abX", "abY", 2), 0);
    assert_string_equal(openwsk_strchr("hello", 'l'), "llo");
    assert_string_equal(openwsk_strrchr("hello", 'l'), "lo");
    assert_string_equal(openwsk_strstr("hello", "ll"), "llo");
    assert_int_equal(openwsk_strspn("aabx", "ab"), 3);
    assert_int_equal(openwsk_strcspn("xyb", "ab"), 2);
    assert_string_equal(openwsk_strpbrk("xyb", "ab"), "b");
    openwsk_strcpy(b, "a{B[");
    assert_string_equal(openwsk__strupr(b), "A{B[");
    assert_string_equal(openwsk__strlwr(b), "a{b[");
}

static void bounded_strings(void **state)
{
    char b[4] = "", full[2] = { 'a', 'b' };

    (void)state;
    assert_int_equal(openwsk_strcpy_s(NULL, 4, "a"), 22);
    assert_int_equal(openwsk_strcpy_s(b, 0, "a"), 22);
    b[0] = 'q';
    assert_int_equal(openwsk_strcpy_s(b, 4, NULL), 22);
    assert_string_equal(b, "");
    assert_int_equal(openwsk_strcat_s(b, 4, "ab"), 0);
    assert_int_equal(openwsk_strncat_s(b, 4, "cd", 1), 0);
    assert_string_equal(b, "abc");
    assert_int_equal(openwsk_strcat_s(b, 4, "d"), 34);
    assert_string_equal(b, "");
    assert_int_equal(openwsk_strncat_s(b, 4, "pqrs", (size_t)-1), 80);
    assert_string_equal(b, "pqr");
    assert_int_equal(openwsk_strcat_s(full, 2, "x"), 22); /* not terminated */
    assert_int_equal(openwsk_strcat_s(NULL, 2, "x"), 22);
    assert_int_equal(openwsk_strncat_s(NULL, 2, "x", 1), 22);
}

static void classes(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        BOOLEAN digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z';
        BOOLEAN lower = c >= 'a' && c <= 'z', space = c == ' ' || (c >= 9 && c <= 13);

        assert_int_equal(openwsk_isdigit(c), digit);
        assert_int_equal(openwsk_isupper(c), upper);
        assert_int_equal(openwsk_islower(c), lower);
        assert_int_equal(openwsk_isalpha(c), upper || lower);
        assert_int_equal(openwsk_isalnum(c), upper || lower || digit);
        assert_int_equal(openwsk_isxdigit(c), digit || ((upper || lower) && (c | 32) <= 'f'));
        assert_int_equal(openwsk_isspace(c), space);
        assert_int_equal(openwsk_isprint(c), c >= 32 && c < 127);
        assert_int_equal(openwsk_toupper(c), lower ? c - 32 : c);
        assert_int_equal(openwsk_tolower(c), upper ? c + 32 : c);
    }
    assert_true(openwsk__stricmp("b", "A") > 0);
    assert_int_equal(openwsk__strnicmp("a", "b", 0), 0);
}

static void large_and_odd_numbers(void **state)
{
    char b[70], *end;

    (void)state;
    assert_int_equal(openwsk_strtol("\r+7", &end, 0), 7);
    assert_int_equal(openwsk_strtol("0Xfg", &end, 16), 15);
    assert_string_equal(end, "g");
    assert_int_equal(openwsk_strtol("0xg", &end, 0), 0); /* no digit after the prefix */
    assert_string_equal(end, "xg");
    assert_int_equal(openwsk_strtol("019", &end, 0), 1);
    assert_string_equal(end, "9");
    assert_int_equal(openwsk_strtol("+", &end, 10), 0);
    assert_string_equal(end, "+");
    assert_int_equal(openwsk_strtol("zZ", NULL, 36), 35 * 36 + 35);
    assert_int_equal(openwsk_strtoul("-1", NULL, 10), 0xffffffff);
    assert_int_equal(openwsk_strtoul("4294967296", NULL, 10), 0xffffffff);
    assert_int_equal(openwsk__strtoi64("-9223372036854775808", NULL, 10), LLONG_MIN);
    assert_int_equal(openwsk__strtoi64("99999999999999999999", NULL, 10), LLONG_MAX);
    assert_int_equal(openwsk__strtoi64("-99999999999999999999", NULL, 10), LLONG_MIN);
    assert_int_equal(openwsk__strtoui64("18446744073709551615", NULL, 10), ~0ull);
    assert_int_equal(openwsk__strtoui64("18446744073709551616", NULL, 10), ~0ull);
    assert_int_equal(openwsk__strtoui64("18446744073709551620", NULL, 10), ~0ull);
    assert_int_equal(openwsk_atoi("12x"), 12);
    assert_int_equal(openwsk_atol("-12"), -12);
    assert_int_equal(openwsk__atoi64("-4294967296"), -4294967296ll);
    assert_string_equal(openwsk__itoa(5, b, 10), "5");
    assert_string_equal(openwsk__ltoa(-2147483647 - 1, b, 10), "-2147483648");
    assert_string_equal(openwsk__ultoa(4294967295u, b, 36), "1z141z3");
    assert_string_equal(openwsk__i64toa(-12, b, 10), "-12");
    assert_string_equal(openwsk__i64toa(12, b, 10), "12");
    assert_string_equal(openwsk__i64toa(-1, b, 16), "ffffffffffffffff");
    assert_string_equal(openwsk__ui64toa(~0ull, b, 10), "18446744073709551615");
}

static int NTAPI by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void sorts(void **state)
{
    int values[] = { 5, 3, 9, 1, 7, 3, 8, 0 };

    (void)state;
    openwsk_qsort(values, 8, sizeof *values, by_value);
    for (int i = 1; i < 8; i++)
        assert_true(values[i - 1] <= values[i]);
}

static void searches(void **state)
{
    static const int values[] = { 1, 3, 5, 7, 9 };

    (void)state;
    for (int key = 0; key <= 10; key++) {
        const int *found = openwsk_bsearch(&key, values, 5, sizeof *values, by_value);

        if (key % 2)
            assert_ptr_equal(found, &values[key / 2]);
        else
            assert_null(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printf_family),  cmocka_unit_test(narrow_strings),
        cmocka_unit_test(numbers),        cmocka_unit_test(wide_strings),
        cmocka_unit_test(sorts),          cmocka_unit_test(searches),
        cmocka_unit_test(bounded_printf), cmocka_unit_test(memory),
        cmocka_unit_test(plain_strings),  cmocka_unit_test(bounded_strings),
        cmocka_unit_test(classes),        cmocka_unit_test(large_and_odd_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
