/* Bitmaps, time, random numbers, the version: the small parts of the run-time library. */
#include <ntddk.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void bitmap_finds_runs(void **state)
{
    ULONG words[4];
    RTL_BITMAP map;
    ULONG start;

    (void)state;
    RtlInitializeBitMap(&map, words, 100);
    RtlClearAllBits(&map);
    RtlSetBits(&map, 10, 50);
    assert_int_equal(RtlNumberOfSetBits(&map), 50);
    assert_int_equal(RtlNumberOfClearBits(&map), 50);
    assert_true(RtlAreBitsSet(&map, 10, 50));
    assert_false(RtlAreBitsSet(&map, 10, 51));
    assert_int_equal(RtlFindClearBits(&map, 11, 0), 60);
    assert_int_equal(RtlFindClearBits(&map, 10, 95), 0);
    assert_int_equal(RtlFindClearBits(&map, 41, 0), 0xffffffff);
    assert_int_equal(RtlFindSetBits(&map, 50, 20), 10);
    assert_int_equal(RtlFindClearBitsAndSet(&map, 40, 0), 60);
    assert_int_equal(RtlFindLongestRunClear(&map, &start), 10);
    assert_int_equal(start, 0);
    assert_true(RtlTestBit(&map, 99));
}

static void time_goes_both_ways(void **state)
{
    static const TIME_FIELDS cases[] = {
        { 1601, 1, 1, 0, 0, 0, 0, 1 },       { 1970, 1, 1, 0, 0, 0, 0, 4 },
        { 2000, 2, 29, 23, 59, 59, 999, 2 }, { 2000, 12, 31, 12, 0, 0, 1, 0 },
        { 2001, 1, 1, 0, 0, 0, 0, 1 },       { 2100, 2, 28, 1, 2, 3, 4, 0 },
    };
    TIME_FIELDS fields, bad = { 1999, 2, 29, 0, 0, 0, 0, 0 };
    LARGE_INTEGER time;
    ULONG seconds;

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        fields = cases[i];
        assert_true(RtlTimeFieldsToTime(&fields, &time));
        memset(&fields, 0xff, sizeof fields);
        RtlTimeToTimeFields(&time, &fields);
        assert_memory_equal(&fields, &cases[i], sizeof fields);
    }
    assert_false(RtlTimeFieldsToTime(&bad, &time));
    RtlSecondsSince1970ToTime(86400, &time);
    RtlTimeToTimeFields(&time, &fields);
    assert_int_equal(fields.Day, 2);
    assert_true(RtlTimeToSecondsSince1970(&time, &seconds));
    assert_int_equal(seconds, 86400);
    time.QuadPart = 0;
    assert_false(RtlTimeToSecondsSince1970(&time, &seconds));
}

static void random_repeats_with_its_seed(void **state)
{
    ULONG a = 5, b = 5;

    (void)state;
    for (int i = 0; i < 100; i++) {
        ULONG x = RtlRandomEx(&a);

        assert_int_equal(x, RtlRandomEx(&b));
        assert_true(x < 0x7fffffff);
    }
}

static void version_is_windows_10(void **state)
{
    RTL_OSVERSIONINFOEXW info = { .dwOSVersionInfoSize = sizeof info };
    RTL_OSVERSIONINFOEXW want = { .dwOSVersionInfoSize = sizeof want,
                                  .dwMajorVersion = 6,
                                  .dwMinorVersion = 3 };
    ULONGLONG mask = VerSetConditionMask(VerSetConditionMask(0, 2, 3), 1, 3);

    (void)state;
    assert_int_equal(RtlGetVersion((PRTL_OSVERSIONINFOW)&info), STATUS_SUCCESS);
    assert_int_equal(info.dwMajorVersion, 10);
    assert_int_equal(info.dwBuildNumber, 19041);
    assert_int_equal(RtlVerifyVersionInfo(&want, 3, mask), STATUS_SUCCESS);
    want.dwMajorVersion = 11;
    assert_int_equal(RtlVerifyVersionInfo(&want, 3, mask), STATUS_REVISION_MISMATCH);
    assert_int_equal(RtlCompareMemory("abcd", "abxd", 4), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bitmap_finds_runs),
        cmocka_unit_test(time_goes_both_ways),
        cmocka_unit_test(random_repeats_with_its_seed),
        cmocka_unit_test(version_is_windows_10),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
