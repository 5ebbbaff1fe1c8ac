/* UTF-8 and UTF-16: every class of well-formed and malformed sequence. */
#include "nt/rtlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* What one decoding of the bytes answers, and what it must. */
struct utf8_case {
    const char *bytes;
    SIZE_T count, used;
    ULONG code_point;
    BOOLEAN bad;
};

static void utf8_is_decoded(void **state)
{
    static const struct utf8_case cases[] = {
        { "A", 1, 1, 'A', FALSE },
        { "\x7f", 1, 1, 0x7f, FALSE },
        { "\xc2\x80", 2, 2, 0x80, FALSE },
        { "\xdf\xbf", 2, 2, 0x7ff, FALSE },
        { "\xe0\xa0\x80", 3, 3, 0x800, FALSE },
        { "\xed\x9f\xbf", 3, 3, 0xd7ff, FALSE },
        { "\xee\x80\x80", 3, 3, 0xe000, FALSE },
        { "\xef\xbf\xbf", 3, 3, 0xffff, FALSE },
        { "\xf0\x90\x80\x80", 4, 4, 0x10000, FALSE },
        { "\xf1\x80\x80\x80", 4, 4, 0x40000, FALSE },
        { "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff, FALSE },
    };

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        SIZE_T used = 0;
        BOOLEAN bad = FALSE;
        CHAR back[4];

        assert_int_equal(RtlpDecodeUtf8(cases[i].bytes, cases[i].count, &used, &bad),
                         cases[i].code_point);
        assert_int_equal(used, cases[i].used);
        assert_false(bad);
        assert_int_equal(RtlpEncodeUtf8(cases[i].code_point, back), used);
        assert_memory_equal(back, cases[i].bytes, used);
    }
}

static void each_malformed_part_becomes_one_replacement(void **state)
{
    static const struct utf8_case cases[] = {
        { "\x80", 1, 1, 0, TRUE },             /* a follower alone */
        { "\xc1\xbf", 2, 1, 0, TRUE },         /* a longer form of 0x7f */
        { "\xf5\x80", 2, 1, 0, TRUE },         /* beyond plane 16 */
        { "\xc2", 1, 1, 0, TRUE },             /* cut */
        { "\xc2\x41", 2, 1, 0, TRUE },         /* no follower */
        { "\xc2\xc2", 2, 1, 0, TRUE },         /* a lead for a follower */
        { "\xe0\x9f\x80", 3, 1, 0, TRUE },     /* a longer form */
        { "\xed\xa0\x80", 3, 1, 0, TRUE },     /* a surrogate */
        { "\xe2\x82", 2, 2, 0, TRUE },         /* cut after a good follower */
        { "\xf0\x8f\x80\x80", 4, 1, 0, TRUE }, /* a longer form */
        { "\xf4\x90\x80\x80", 4, 1, 0, TRUE }, /* beyond plane 16 */
        { "\xf0\x90\x80\x41", 4, 3, 0, TRUE }, /* the last follower is none */
    };

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        SIZE_T used = 0;
        BOOLEAN bad = FALSE;

        assert_int_equal(RtlpDecodeUtf8(cases[i].bytes, cases[i].count, &used, &bad),
                         RTLP_REPLACEMENT);
        assert_int_equal(used, cases[i].used);
        assert_true(bad);
        assert_int_equal(RtlpDecodeUtf8(cases[i].bytes, cases[i].count, &used, NULL),
                         RTLP_REPLACEMENT);
    }
}

static void utf16_is_decoded(void **state)
{
    static const WCHAR pair[] = { 0xd83d, 0xde00 }, last[] = { 0xdbff, 0xdfff };
    static const WCHAR bad[][2] = {
        { 0xdc00, 0xdc00 }, /* a low one first */
        { 0xd800, 0x0041 }, /* a high one alone */
        { 0xd800, 0xe000 }, /* followed by what is above the range */
    };
    SIZE_T used;
    BOOLEAN wrong = FALSE;
    WCHAR out[2];

    (void)state;
    assert_int_equal(RtlpDecodeUtf16(L"\u20ac", 1, &used, &wrong), 0x20ac);
    assert_int_equal(RtlpDecodeUtf16(L"\ue000", 1, &used, &wrong), 0xe000);
    assert_int_equal(RtlpDecodeUtf16(pair, 2, &used, &wrong), 0x1f600);
    assert_int_equal(used, 2);
    assert_int_equal(RtlpDecodeUtf16(last, 2, &used, &wrong), 0x10ffff);
    assert_int_equal(RtlpEncodeUtf16(0x1f600, out), 2);
    assert_memory_equal(out, pair, sizeof pair);
    assert_int_equal(RtlpEncodeUtf16(0xffff, out), 1);
    assert_int_equal(out[0], 0xffff);
    assert_false(wrong);
    for (size_t i = 0; i < RTL_NUMBER_OF(bad); i++) {
        wrong = FALSE;
        assert_int_equal(RtlpDecodeUtf16(bad[i], 2, &used, &wrong), RTLP_REPLACEMENT);
        assert_int_equal(used, 1);
        assert_true(wrong);
    }
    wrong = FALSE;
    assert_int_equal(RtlpDecodeUtf16(pair, 1, &used, &wrong), RTLP_REPLACEMENT);
    assert_true(wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_decoded),
        cmocka_unit_test(each_malformed_part_becomes_one_replacement),
        cmocka_unit_test(utf16_is_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
