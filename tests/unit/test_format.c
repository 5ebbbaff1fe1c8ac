/* The formatter behind DbgPrint and the printf family. */
#include "nt/rtlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static char out[512];
static WCHAR wide_out[512];
static RTLP_TRACE trace = { "DriverEntry", "TRACE_LEVEL_ERROR", "FLAG_INIT" };

static const char *text(const RTLP_TRACE *with, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = RtlpFormatNarrow(out, sizeof out - 1, format, args, with);
    va_end(args);
    assert_true(length < sizeof out);
    out[length] = 0;
    return out;
}

/* Wide text comes back as ASCII. */
static const char *wide(const WCHAR *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = RtlpFormatWide(wide_out, 511, format, args);
    va_end(args);
    assert_true(length < sizeof out);
    for (size_t i = 0; i < length; i++)
        out[i] = (char)wide_out[i];
    out[length] = 0;
    return out;
}

static void integers(void **state)
{
    (void)state;
    assert_string_equal(text(NULL, "%d|%5d|%-5d|%05d|%+d|% d", 1, 2, 3, 4, 5, 6),
                        "1|    2|3    |00004|+5| 6");
    assert_string_equal(text(NULL, "%u %x %X %o %#x %#X %#o", 1u, 0xab, 0xab, 8, 0xab, 0xab, 8),
                        "1 ab AB 10 0xab 0XAB 010");
    assert_string_equal(text(NULL, "%.4d|%8.3d|%-8.3dx|%.0d", 7, 7, 7, 0),
                        "0007|     007|007     x|");
    assert_string_equal(text(NULL, "%*d|%-*d|%.*d", 4, 1, 4, 2, 3, 3), "   1|2   |003");
    assert_string_equal(text(NULL, "%d %i", INT_MIN, -1), "-2147483648 -1");
}

static void sizes(void **state)
{
    (void)state;
    assert_string_equal(text(NULL, "%I64d %I64x %I64u", -1ll, ~0ull, ~0ull),
                        "-1 ffffffffffffffff 18446744073709551615");
    assert_string_equal(text(NULL, "%Id %Iu %Ix %zu %lld", -5ll, 5ull, 5ull, 6ull, -7ll),
                        "-5 5 5 6 -7");
    assert_string_equal(text(NULL, "%ld %lu %lx %I32d", -1, 4294967295u, 255u, -2),
                        "-1 4294967295 ff -2");
    assert_string_equal(text(NULL, "%hd %hu %hhx", 65537, 65537, 0x1ff), "1 1 ff");
}

static void pointers(void **state)
{
    (void)state;
    assert_string_equal(text(NULL, "%p", (void *)0xfffff80012abcdefull), "FFFFF80012ABCDEF");
    assert_string_equal(text(NULL, "%p", NULL), "0000000000000000");
    assert_string_equal(text(NULL, "%18p|", (void *)1), "  0000000000000001|");
}

static void strings(void **state)
{
    (void)state;
    assert_string_equal(text(NULL, "%s|%5s|%-5s|%.2s", "ab", "ab", "ab", "abc"),
                        "ab|   ab|ab   |ab");
    assert_string_equal(text(NULL, "%ws %ls %S %hs", L"one", L"two", L"three", "four"),
                        "one two three four");
    assert_string_equal(text(NULL, "%c%C%wc%hc", 'a', L'b', L'c', 'd'), "abcd");
    assert_string_equal(text(NULL, "%s %ws", NULL, NULL), "(null) (null)");
    assert_string_equal(text(NULL, "%ws", L"gr\u00fc\u00df \u20ac"),
                        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac");
    assert_string_equal(text(NULL, "%5ws|", L"\u20ac"), "  \xe2\x82\xac|");
}

static void counted_strings(void **state)
{
    UNICODE_STRING unicode = { 6, 8, (PWSTR)L"abcd" };
    ANSI_STRING ansi = { 2, 4, (PCHAR) "xyz" };
    UNICODE_STRING none = { 0, 0, NULL };

    (void)state;
    assert_string_equal(
        text(NULL, "%wZ|%Z|%hZ|%6wZ|%-6Z|", &unicode, &ansi, &ansi, &unicode, &ansi),
        "abc|xy|xy|   abc|xy    |");
    assert_string_equal(text(NULL, "%wZ %Z", &none, NULL), "(null) (null)");
}

static void odd_formats(void **state)
{
    (void)state;
    assert_string_equal(text(NULL, "100%% %q %"), "100% q ");
    assert_string_equal(text(NULL, "%f %d", 1.5, 7), "f 7");
    assert_string_equal(text(NULL, "%!STATUS!", 1), "!STATUS!");
}

static void output_is_bounded(void **state)
{
    char small[4] = "zzzz";
    va_list none = { 0 };

    (void)state;
    assert_int_equal(RtlpFormatNarrow(small, 2, "abcdef", none, NULL), 6);
    assert_memory_equal(small, "abzz", 4);
    assert_int_equal(RtlpFormatNarrow(NULL, 0, "abc", none, NULL), 3);
}

static void wide_functions_swap_the_letters(void **state)
{
    UNICODE_STRING unicode = { 4, 4, (PWSTR)L"uv" };

    (void)state;
    assert_string_equal(wide(L"%s %S %hs %ws %d", L"one", "two", "three", L"four", 5),
                        "one two three four 5");
    assert_string_equal(wide(L"%c%C|%4s|%wZ", L'a', 'b', L"x", &unicode), "ab|   x|uv");
    wide(L"%S", "\xe2\x82\xac");
    assert_int_equal(wide_out[0], 0x20ac);
}

static void wpp_names(void **state)
{
    static const GUID guid = { 0x12345678, 0x9abc, 0xdef0, { 1, 2, 3, 4, 5, 6, 7, 8 } };

    (void)state;
    assert_string_equal(text(&trace, "%!FUNC! %!LEVEL! %!FLAGS! %d", 3),
                        "DriverEntry TRACE_LEVEL_ERROR FLAG_INIT 3");
    assert_string_equal(text(&trace, "%!STATUS!", STATUS_PENDING), "0x00000103(STATUS_PENDING)");
    assert_string_equal(text(&trace, "%!STATUS!", 0xc0123456), "0xc0123456(unknown status)");
    assert_string_equal(text(&trace, "%!IPADDR!:%!PORT!", 0x0100007f, 0x5000), "127.0.0.1:80");
    assert_string_equal(text(&trace, "%!bool! %!GUID!", 1, &guid),
                        "TRUE {12345678-9abc-def0-0102-030405060708}");
    assert_string_equal(text(&trace, "%!WHAT! %d", 16ull, 2), "WHAT=0x10 2");
}

static void precision_and_width(void **state)
{
    static const UNICODE_STRING counted = RTL_CONSTANT_STRING(L"counted");

    (void)state;
    assert_string_equal(text(NULL, "%.3s|%5.1s|%-4.2s|%05s", "abcdef", "xyz", "uvw", "s"),
                        "abc|    x|uv  |0000s");
    assert_string_equal(text(NULL, "%.4wZ|%9wZ|%lZ", &counted, &counted, &counted),
                        "coun|  counted|counted");
    assert_string_equal(text(NULL, "%*d|%-*d|%.*d", -4, 7, 4, 8, -1, 9), "7   |8   |9");
    assert_string_equal(text(NULL, "%*d", (int)0x80000000, 7), "7"); /* no width at all */
    assert_string_equal(text(NULL, "%-05d|%05.2d|%#.3o|%#o|%#x|%#p", 4, 4, 8, 0, 0, (void *)1),
                        "4    |   04|010|0|0|0X0000000000000001");
    assert_string_equal(text(NULL, "%hd|%hhd|%hu|%hhu|%hhx", 0x12345, 0x1ff, 0x12345, 0x1ff, 0x1ff),
                        "9029|-1|9029|255|ff");
    assert_string_equal(text(NULL, "%hhs|%hc|%f|%n%d", "narrow", 'c', 1.0, NULL, 3),
                        "narrow|c|f|3");
}

static void a_width_beyond_reason(void **state)
{
    SIZE_T length;
    va_list none;

    (void)state;
    memset(&none, 0, sizeof none);
    memset(out, 0, sizeof out);
    /* Its digits are counted only as far as they cannot overflow. */
    length = RtlpFormatNarrow(out, sizeof out - 1, "%99999999999999z", none, NULL);
    assert_int_equal(length, 0);
}

static void more_wpp_names(void **state)
{
    (void)state;
    assert_string_equal(text(&trace, "%!HRESULT! %!WINERROR! %!BOOLEAN!", 0x80004005u, -5, 0),
                        "0x80004005 -5 FALSE");
    assert_string_equal(text(&trace, "%!delta! %!GUID!", -1234567890123ll, NULL),
                        "-1234567890123 (null)");
    assert_string_equal(text(&trace, "%!UNFINISHED", 16ull), "UNFINISHED=0x10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(pointers),
        cmocka_unit_test(strings),
        cmocka_unit_test(counted_strings),
        cmocka_unit_test(odd_formats),
        cmocka_unit_test(output_is_bounded),
        cmocka_unit_test(wide_functions_swap_the_letters),
        cmocka_unit_test(wpp_names),
        cmocka_unit_test(precision_and_width),
        cmocka_unit_test(a_width_beyond_reason),
        cmocka_unit_test(more_wpp_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
