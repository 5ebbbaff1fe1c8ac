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

/* Lower and upper halves of each block that has case, and what lies between. */
static void case_of_every_block(void **state)
{
    static const WCHAR pairs[][2] = {
        { 'a', 'A' },       { 'z', 'Z' },       { 0xff, 0x178 },    { 0xe0, 0xc0 },
        { 0xfe, 0xde },     { 0x101, 0x100 },   { 0x137, 0x136 },   { 0x13a, 0x139 },
        { 0x148, 0x147 },   { 0x17a, 0x179 },   { 0x17e, 0x17d },   { 0x14b, 0x14a },
        { 0x177, 0x176 },   { 0x3ac, 0x386 },   { 0x3ad, 0x388 },   { 0x3af, 0x38a },
        { 0x3b1, 0x391 },   { 0x3cb, 0x3ab },   { 0x3cc, 0x38c },   { 0x3cd, 0x38e },
        { 0x3ce, 0x38f },   { 0x430, 0x410 },   { 0x44f, 0x42f },   { 0x450, 0x400 },
        { 0x45f, 0x40f },   { 0x461, 0x460 },   { 0x48b, 0x48a },   { 0x4bf, 0x4be },
        { 0x561, 0x531 },   { 0x586, 0x556 },   { 0x1e01, 0x1e00 }, { 0x1e95, 0x1e94 },
        { 0xff41, 0xff21 }, { 0xff5a, 0xff3a },
    };
    static const WCHAR single[] = { '0',   '{',    0xb0,   0xd7,   0xf7,  0x131, 0x138,
                                    0x180, 0x3b0,  0x3c2,  0x482,  0x489, 0x4ff, 0x560,
                                    0x587, 0x20ac, 0x1e96, 0xff40, 0xff5b };

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(pairs); i++) {
        assert_int_equal(RtlUpcaseUnicodeChar(pairs[i][0]), pairs[i][1]);
        assert_int_equal(RtlUpcaseUnicodeChar(pairs[i][1]), pairs[i][1]);
        assert_int_equal(RtlDowncaseUnicodeChar(pairs[i][1]), pairs[i][0]);
        assert_int_equal(RtlDowncaseUnicodeChar(pairs[i][0]), pairs[i][0]);
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(single); i++) {
        assert_int_equal(RtlUpcaseUnicodeChar(single[i]), single[i]);
        assert_int_equal(RtlDowncaseUnicodeChar(single[i]), single[i]);
    }
}

static void strings_that_are_too_long(void **state)
{
    static WCHAR wide[0x8001];
    static char narrow[0x10001];
    UNICODE_STRING u;
    ANSI_STRING a;

    (void)state;
    for (size_t i = 0; i < 0x8000; i++)
        wide[i] = 'x';
    memset(narrow, 'x', 0x10000);
    assert_int_equal(RtlInitUnicodeStringEx(&u, wide), STATUS_NAME_TOO_LONG);
    assert_int_equal(RtlInitAnsiStringEx(&a, narrow), STATUS_NAME_TOO_LONG);
    RtlInitUnicodeString(&u, wide); /* cuts without a word */
    assert_int_equal(u.Length, 0xfffc);
    assert_int_equal(u.MaximumLength, 0xfffe);
    RtlInitAnsiString(&a, narrow);
    assert_int_equal(a.Length, 0xfffe);
    assert_int_equal(a.MaximumLength, 0xffff);
    assert_int_equal(RtlInitUnicodeStringEx(&u, L"ab"), STATUS_SUCCESS);
    assert_int_equal(u.Length, 4);
    assert_int_equal(RtlInitUnicodeStringEx(&u, NULL), STATUS_SUCCESS);
    assert_int_equal(u.Length, 0);
    assert_int_equal(RtlInitAnsiStringEx(&a, "ab"), STATUS_SUCCESS);
    assert_int_equal(a.Length, 2);
    assert_int_equal(RtlInitAnsiStringEx(&a, NULL), STATUS_SUCCESS);
    assert_null(a.Buffer);
    RtlInitString(&a, "abc");
    assert_int_equal(a.MaximumLength, 4);
    RtlInitString(&a, NULL);
    assert_int_equal(a.MaximumLength, 0);
}

static void copies_of_nothing_and_of_bytes(void **state)
{
    WCHAR wide[4] = { 1, 1, 1, 1 };
    char narrow[4] = "zzz";
    UNICODE_STRING u = { 4, 8, wide }, two = WIDE(L"ab"), empty = { 0 };
    STRING s = { 3, 2, narrow }, in;

    (void)state;
    RtlCopyUnicodeString(&u, NULL);
    assert_int_equal(u.Length, 0);
    RtlCopyUnicodeString(&u, &two); /* there is room for a terminator */
    assert_int_equal(wide[2], 0);
    assert_int_equal(wide[3], 1);
    RtlCopyUnicodeString(&u, &empty);
    assert_int_equal(u.Length, 0);
    assert_int_equal(wide[0], 0);
    RtlInitString(&in, "abc");
    RtlCopyString(&s, &in);
    assert_int_equal(s.Length, 2);
    assert_string_equal(narrow, "abz");
    in.Length = 1;
    RtlCopyString(&s, &in);
    assert_int_equal(s.Length, 1);
    in.Length = 0;
    RtlCopyString(&s, &in);
    assert_int_equal(s.Length, 0);
    s.Length = 2;
    RtlCopyString(&s, NULL);
    assert_int_equal(s.Length, 0);
    assert_int_equal(RtlAppendUnicodeToString(&u, NULL), STATUS_SUCCESS);
    assert_int_equal(u.Length, 0);
    u.MaximumLength = 4; /* exactly: no terminator */
    assert_int_equal(RtlAppendUnicodeToString(&u, L"xy"), STATUS_SUCCESS);
    assert_int_equal(wide[2], 0);
    assert_int_equal(wide[3], 1);
}

static void duplicates(void **state)
{
    static WCHAR longest[0x7fff];
    UNICODE_STRING in = WIDE(L"ab"), out, empty = { 0 };
    UNICODE_STRING full = { 0xfffe, 0xfffe, longest }, wrong = { 4, 2, longest };

    (void)state;
    assert_int_equal(RtlDuplicateUnicodeString(0, &in, &out), STATUS_SUCCESS);
    assert_int_equal(out.Length, 4);
    assert_int_equal(out.MaximumLength, 4);
    assert_ptr_not_equal(out.Buffer, in.Buffer);
    RtlFreeUnicodeString(&out);
    assert_int_equal(RtlDuplicateUnicodeString(1, &in, &out), STATUS_SUCCESS);
    assert_int_equal(out.MaximumLength, 6);
    assert_memory_equal(out.Buffer, L"ab", 6);
    RtlFreeUnicodeString(&out);
    assert_int_equal(RtlDuplicateUnicodeString(1, &empty, &out), STATUS_SUCCESS);
    assert_null(out.Buffer);
    assert_int_equal(RtlDuplicateUnicodeString(3, &empty, &out), STATUS_SUCCESS);
    assert_int_equal(out.Length, 0);
    assert_int_equal(out.MaximumLength, 2);
    assert_int_equal(out.Buffer[0], 0);
    RtlFreeUnicodeString(&out);
    assert_int_equal(RtlDuplicateUnicodeString(1, &full, &out), STATUS_NAME_TOO_LONG);
    assert_int_equal(RtlDuplicateUnicodeString(2, &in, &out), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDuplicateUnicodeString(4, &in, &out), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDuplicateUnicodeString(0, NULL, &out), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDuplicateUnicodeString(0, &in, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDuplicateUnicodeString(0, &wrong, &out), STATUS_INVALID_PARAMETER);
}

static void compares(void **state)
{
    UNICODE_STRING a = WIDE(L"abc"), b = WIDE(L"ABD"), bc = WIDE(L"BC"), empty = { 0 };
    STRING n1, n2;

    (void)state;
    assert_true(RtlCompareUnicodeStrings(L"abc", 3, L"ABC", 3, TRUE) == 0);
    assert_true(RtlCompareUnicodeStrings(L"abc", 3, L"ABC", 3, FALSE) > 0);
    assert_true(RtlCompareUnicodeStrings(L"abc", 2, L"abd", 2, FALSE) == 0);
    assert_true(RtlCompareUnicodeString(&a, &b, TRUE) < 0);
    assert_true(RtlCompareUnicodeString(&a, &bc, TRUE) < 0);
    assert_true(RtlCompareUnicodeString(&a, &empty, FALSE) > 0);
    assert_false(RtlEqualUnicodeString(&a, &bc, TRUE));
    assert_false(RtlPrefixUnicodeString(&a, &bc, TRUE));
    assert_false(RtlPrefixUnicodeString(&bc, &a, TRUE));
    assert_true(RtlPrefixUnicodeString(&empty, &a, FALSE));
    assert_true(RtlSuffixUnicodeString(&bc, &a, TRUE));
    assert_false(RtlSuffixUnicodeString(&bc, &a, FALSE));
    assert_false(RtlSuffixUnicodeString(&a, &bc, TRUE));
    RtlInitString(&n1, "Hello{");
    RtlInitString(&n2, "hELLO{");
    assert_true(RtlEqualString(&n1, &n2, TRUE));
    assert_false(RtlEqualString(&n1, &n2, FALSE));
    assert_true(RtlCompareString(&n1, &n2, FALSE) < 0);
    n2.Length--;
    assert_false(RtlEqualString(&n1, &n2, TRUE));
    assert_true(RtlCompareString(&n1, &n2, TRUE) > 0);
    assert_true(RtlCompareString(&n2, &n1, TRUE) < 0);
}

static void case_of_strings(void **state)
{
    WCHAR wide[2];
    char narrow[3] = "..";
    UNICODE_STRING in = WIDE(L"aBä"), empty = { 0 }, small = { 0, sizeof wide, wide }, out;
    STRING upper = { 0, 2, narrow }, text;

    (void)state;
    assert_int_equal(RtlUpcaseUnicodeString(&out, &in, TRUE), STATUS_SUCCESS);
    assert_int_equal(out.MaximumLength, 6);
    assert_memory_equal(out.Buffer, L"ABÄ", 6);
    RtlFreeUnicodeString(&out);
    assert_int_equal(RtlDowncaseUnicodeString(&out, &in, TRUE), STATUS_SUCCESS);
    assert_memory_equal(out.Buffer, L"abä", 6);
    RtlFreeUnicodeString(&out);
    assert_int_equal(RtlUpcaseUnicodeString(&out, &empty, TRUE), STATUS_SUCCESS);
    assert_int_equal(out.Length, 0);
    RtlFreeUnicodeString(&out);
    assert_int_equal(RtlDowncaseUnicodeString(&small, &in, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlUpperChar('q'), 'Q');
    assert_int_equal(RtlUpperChar('{'), '{');
    assert_int_equal(RtlUpperChar('Q'), 'Q');
    RtlInitString(&text, "xyz");
    RtlUpperString(&upper, &text);
    assert_int_equal(upper.Length, 2);
    assert_string_equal(narrow, "XY");
    text.Length = 1;
    RtlUpperString(&upper, &text);
    assert_int_equal(upper.Length, 1);
}

static void hashes(void **state)
{
    UNICODE_STRING s = WIDE(L"aB");
    ULONG hash = 1;

    (void)state;
    assert_int_equal(RtlHashUnicodeString(&s, FALSE, 1, &hash), STATUS_SUCCESS);
    assert_int_equal(hash, 'a' * 65599u + 'B');
    assert_int_equal(RtlHashUnicodeString(&s, FALSE, 2, &hash), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlHashUnicodeString(NULL, FALSE, 0, &hash), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlHashUnicodeString(&s, FALSE, 0, NULL), STATUS_INVALID_PARAMETER);
    RtlFreeUnicodeString(&(UNICODE_STRING){ 0 }); /* nothing to free is no mistake */
    RtlFreeAnsiString(&(ANSI_STRING){ 0 });
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
        cmocka_unit_test(case_of_every_block),
        cmocka_unit_test(strings_that_are_too_long),
        cmocka_unit_test(copies_of_nothing_and_of_bytes),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(compares),
        cmocka_unit_test(case_of_strings),
        cmocka_unit_test(hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
