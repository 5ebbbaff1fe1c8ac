/* The kernel's C run-time library, narrow and wide, under the names that km/crt maps to. */
#include <ntddk.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

int NTAPI openwsk__snprintf(char *, size_t, const char *, ...);
int NTAPI openwsk_snprintf(char *, size_t, const char *, ...);
int NTAPI openwsk_sprintf(char *, const char *, ...);
int NTAPI openwsk__snprintf_s(char *, size_t, size_t, const char *, ...);
int NTAPI openwsk__snwprintf(WCHAR *, size_t, const WCHAR *, ...);
int NTAPI openwsk__stricmp(const char *, const char *);
int NTAPI openwsk__strnicmp(const char *, const char *, size_t);
int NTAPI openwsk_strcpy_s(char *, size_t, const char *);
int NTAPI openwsk_strncpy_s(char *, size_t, const char *, size_t);
LONG NTAPI openwsk_strtol(const char *, char **, int);
ULONG NTAPI openwsk_strtoul(const char *, char **, int);
char *NTAPI openwsk__itoa(int, char *, int);
void NTAPI openwsk_qsort(void *, size_t, size_t, int(NTAPI *)(const void *, const void *));
size_t NTAPI openwsk_wcslen(const WCHAR *);
WCHAR *NTAPI openwsk_wcsstr(const WCHAR *, const WCHAR *);
WCHAR *NTAPI openwsk_wcsrchr(const WCHAR *, WCHAR);
int NTAPI openwsk__wcsicmp(const WCHAR *, const WCHAR *);
WCHAR *NTAPI openwsk_wcsncpy(WCHAR *, const WCHAR *, size_t);
ULONG NTAPI openwsk_wcstoul(const WCHAR *, WCHAR **, int);
WCHAR *NTAPI openwsk__i64tow(LONG64, WCHAR *, int);

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printf_family), cmocka_unit_test(narrow_strings),
        cmocka_unit_test(numbers),       cmocka_unit_test(wide_strings),
        cmocka_unit_test(sorts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
