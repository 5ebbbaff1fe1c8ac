/* The rarer functions of the kernel's C run-time. */
#include "nt/ki.h"
#include "nt/rtlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void lengths(void **state)
{
    (void)state;
    assert_int_equal(openwsk__scprintf("%d-%s", 123, "abc"), 7);
    assert_int_equal(openwsk__scprintf("%s", ""), 0);
    assert_int_equal(openwsk__scwprintf(L"%d-%s", 123, L"abc"), 7);
    assert_int_equal(openwsk__scprintf(NULL), -1);
    assert_int_equal(openwsk__scwprintf(NULL), -1);
}

static void strings_in_place(void **state)
{
    char odd[] = "abc", even[] = "abcd", empty[] = "", text[] = "hello";
    WCHAR wide[] = L"abc", wide_even[] = L"ab";

    (void)state;
    assert_string_equal(openwsk__strrev(odd), "cba");
    assert_string_equal(openwsk__strrev(even), "dcba");
    assert_string_equal(openwsk__strrev(empty), "");
    assert_string_equal(openwsk__strnset(text, 'x', 2), "xxllo");
    assert_string_equal(openwsk__strnset(text, 'y', 99), "yyyyy");
    assert_string_equal(openwsk__strset(text, 'z'), "zzzzz");
    assert_memory_equal(openwsk__wcsrev(wide), L"cba", 8);
    assert_memory_equal(openwsk__wcsrev(wide_even), L"ba", 6);
    assert_memory_equal(openwsk__wcsnset(wide, L'x', 2), L"xxa", 8);
    assert_memory_equal(openwsk__wcsnset(wide, L'y', 99), L"yyy", 8);
    assert_int_equal(openwsk__strcmpi("HeLLo", "hEllO"), 0);
    assert_true(openwsk__strcmpi("a", "B") < 0);
}

static void tokens(void **state)
{
    char text[] = ",,a,bc;;d;", only[] = ";;", *context = NULL;

    (void)state;
    assert_null(openwsk_strtok_s(NULL, ",", &context));
    assert_string_equal(openwsk_strtok_s(text, ",;", &context), "a");
    assert_string_equal(openwsk_strtok_s(NULL, ",;", &context), "bc");
    assert_string_equal(openwsk_strtok_s(NULL, ",;", &context), "d");
    assert_null(openwsk_strtok_s(NULL, ",;", &context));
    assert_null(openwsk_strtok_s(NULL, ",;", &context));
    assert_null(openwsk_strtok_s(only, ";", &context));
    assert_null(openwsk_strtok_s(only, NULL, &context));
    assert_null(openwsk_strtok_s(only, ";", NULL));
}

static void bytes_and_wide_characters(void **state)
{
    char to[8] = "zzzzzzz";
    WCHAR wide[4] = { 1, 2, 3, 4 };

    (void)state;
    assert_ptr_equal(openwsk__memccpy(to, "abcd", 'b', 4), to + 2);
    assert_memory_equal(to, "abzz", 4);
    assert_null(openwsk__memccpy(to, "wxyz", 'b', 3));
    assert_memory_equal(to, "wxyz", 4);
    assert_int_equal(openwsk__memicmp("aBc", "AbC", 3), 0);
    assert_true(openwsk__memicmp("aBc", "AbD", 3) < 0);
    assert_true(openwsk__memicmp("\xe0", "a", 1) > 0);
    assert_int_equal(openwsk__memicmp("a", "b", 0), 0);
    assert_ptr_equal(openwsk_wmemset(wide, 7, 3), wide);
    assert_int_equal(wide[2], 7);
    assert_int_equal(wide[3], 4);
    assert_ptr_equal(openwsk_wmemcpy(wide, L"ab", 2), wide);
    assert_int_equal(openwsk_wmemcmp(wide, L"abx", 2), 0);
    assert_int_equal(openwsk_wmemcmp(wide, L"ac", 2), -1);
    assert_int_equal(openwsk_wmemcmp(L"\xffff", L"a", 1), 1);
}

/* The sequence that Microsoft's run-time gives for the seed 1. */
static void random_numbers(void **state)
{
    static const int first[] = { 41, 18467, 6334, 26500, 19169 };

    (void)state;
    for (int round = 0; round < 2; round++) {
        openwsk_srand(1);
        for (unsigned i = 0; i < sizeof(first) / sizeof(first[0]); i++)
            assert_int_equal(openwsk_rand(), first[i]);
    }
    for (int i = 0; i < 1000; i++)
        assert_in_range(openwsk_rand(), 0, 0x7fff);
    KiForgetNumbers(); /* as a new process */
    assert_int_equal(openwsk_rand(), first[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),        cmocka_unit_test(strings_in_place),
        cmocka_unit_test(tokens),         cmocka_unit_test(bytes_and_wide_characters),
        cmocka_unit_test(random_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
