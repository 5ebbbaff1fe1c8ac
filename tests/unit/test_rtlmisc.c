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

static void times_that_do_not_exist(void **state)
{
    static const TIME_FIELDS cases[] = {
        { 1600, 12, 31, 0, 0, 0, 0, 0 }, { 30828, 1, 1, 0, 0, 0, 0, 0 },
        { 32767, 1, 1, 0, 0, 0, 0, 0 },  { 2000, 0, 1, 0, 0, 0, 0, 0 },
        { 2000, 13, 1, 0, 0, 0, 0, 0 },  { 2000, 1, 0, 0, 0, 0, 0, 0 },
        { 2000, 4, 31, 0, 0, 0, 0, 0 },  { 2100, 2, 29, 0, 0, 0, 0, 0 },
        { 2000, 1, 1, -1, 0, 0, 0, 0 },  { 2000, 1, 1, 24, 0, 0, 0, 0 },
        { 2000, 1, 1, 0, -1, 0, 0, 0 },  { 2000, 1, 1, 0, 60, 0, 0, 0 },
        { 2000, 1, 1, 0, 0, -1, 0, 0 },  { 2000, 1, 1, 0, 0, 60, 0, 0 },
        { 2000, 1, 1, 0, 0, 0, -1, 0 },  { 2000, 1, 1, 0, 0, 0, 1000, 0 },
    };
    TIME_FIELDS last = { 30827, 12, 31, 23, 59, 59, 999, 0 }, back;
    LARGE_INTEGER time = { .QuadPart = 77 };

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        TIME_FIELDS fields = cases[i];

        assert_false(RtlTimeFieldsToTime(&fields, &time));
    }
    assert_int_equal(time.QuadPart, 77);
    assert_true(RtlTimeFieldsToTime(&last, &time));
    RtlTimeToTimeFields(&time, &back);
    assert_int_equal(back.Year, 30827);
    assert_int_equal(back.Day, 31);
}

static void seconds_since_both_epochs(void **state)
{
    LARGE_INTEGER time;
    TIME_FIELDS fields;
    ULONG seconds = 5;

    (void)state;
    RtlSecondsSince1980ToTime(0, &time);
    RtlTimeToTimeFields(&time, &fields);
    assert_int_equal(fields.Year, 1980);
    assert_int_equal(fields.Day, 1);
    assert_true(RtlTimeToSecondsSince1980(&time, &seconds));
    assert_int_equal(seconds, 0);
    assert_true(RtlTimeToSecondsSince1970(&time, &seconds));
    assert_int_equal(seconds, 315532800);
    RtlSecondsSince1970ToTime(0, &time);
    assert_false(RtlTimeToSecondsSince1980(&time, &seconds));
    RtlSecondsSince1970ToTime(0xffffffff, &time);
    assert_true(RtlTimeToSecondsSince1970(&time, &seconds));
    assert_int_equal(seconds, 0xffffffff);
    time.QuadPart += 10000000;
    assert_false(RtlTimeToSecondsSince1970(&time, &seconds));
}

static void other_series(void **state)
{
    ULONG a = 5, b = 5, uniform = 1;
    UUID first, second;

    (void)state;
    assert_int_equal(RtlRandom(&a), RtlRandomEx(&b));
    assert_int_equal(a, b);
    assert_int_equal(RtlUniform(&uniform), (0x7fffffedull + 0x7fffffc3) % 0x7fffffff);
    assert_int_equal(uniform, (0x7fffffedull + 0x7fffffc3) % 0x7fffffff);
    uniform = 0xffffffff;
    assert_true(RtlUniform(&uniform) < 0x7fffffff);
    assert_int_equal(ExUuidCreate(&first), STATUS_SUCCESS);
    assert_int_equal(ExUuidCreate(&second), STATUS_SUCCESS);
    assert_memory_not_equal(&first, &second, sizeof first);
    assert_int_equal(first.Data3 >> 12, 4);
    assert_int_equal(first.Data4[0] >> 6, 2);
}

/* The system is 10.0.19041, a workstation, without a service pack. */
static NTSTATUS verify(ULONG type, UCHAR condition, ULONG value)
{
    RTL_OSVERSIONINFOEXW info = {
        .dwOSVersionInfoSize = sizeof info,
        .dwMajorVersion = value,
        .dwMinorVersion = value,
        .dwBuildNumber = value,
        .dwPlatformId = value,
        .wServicePackMajor = (USHORT)value,
        .wServicePackMinor = (USHORT)value,
        .wSuiteMask = (USHORT)value,
        .wProductType = (UCHAR)value,
    };

    return RtlVerifyVersionInfo(&info, type, VerSetConditionMask(0, type, condition));
}

static void versions_are_compared(void **state)
{
    static const struct {
        UCHAR condition;
        BOOLEAN below, same, above; /* than ours: does our build meet the condition? */
    } cases[] = {
        { VER_EQUAL, FALSE, TRUE, FALSE },        { VER_GREATER, TRUE, FALSE, FALSE },
        { VER_GREATER_EQUAL, TRUE, TRUE, FALSE }, { VER_LESS, FALSE, FALSE, TRUE },
        { VER_LESS_EQUAL, FALSE, TRUE, TRUE },
    };
    const NTSTATUS no = STATUS_REVISION_MISMATCH;

    (void)state;
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        UCHAR c = cases[i].condition;

        assert_int_equal(verify(VER_BUILDNUMBER, c, 19040), cases[i].below ? 0 : no);
        assert_int_equal(verify(VER_BUILDNUMBER, c, 19041), cases[i].same ? 0 : no);
        assert_int_equal(verify(VER_BUILDNUMBER, c, 19042), cases[i].above ? 0 : no);
        assert_int_equal(verify(VER_MAJORVERSION, c, 9), cases[i].below ? 0 : no);
        assert_int_equal(verify(VER_MAJORVERSION, c, 10), cases[i].same ? 0 : no);
        assert_int_equal(verify(VER_SERVICEPACKMAJOR, c, 0), cases[i].same ? 0 : no);
        assert_int_equal(verify(VER_SERVICEPACKMINOR, c, 1), cases[i].above ? 0 : no);
    }
    assert_int_equal(verify(VER_SUITENAME, VER_AND, 0x100), STATUS_SUCCESS);
    assert_int_equal(verify(VER_SUITENAME, VER_AND, 0x101), no);
    assert_int_equal(verify(VER_SUITENAME, VER_OR, 0x101), STATUS_SUCCESS);
    assert_int_equal(verify(VER_SUITENAME, VER_OR, 0x001), no);
    assert_int_equal(verify(VER_PRODUCT_TYPE, VER_EQUAL, 1), STATUS_SUCCESS);
    assert_int_equal(verify(VER_PLATFORMID, VER_EQUAL, 2), STATUS_SUCCESS);
    assert_int_equal(verify(0, VER_EQUAL, 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(verify(VER_MINORVERSION, 0, 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(VerSetConditionMask(5, 0x100, VER_EQUAL), 5);
}

static void odd_version_questions(void **state)
{
    RTL_OSVERSIONINFOEXW info = { .dwOSVersionInfoSize = sizeof info - 1 };
    RTL_OSVERSIONINFOW small = { .dwOSVersionInfoSize = sizeof small };
    ULONGLONG other = VerSetConditionMask(0, VER_MAJORVERSION, VER_EQUAL);

    (void)state;
    assert_int_equal(RtlGetVersion((PRTL_OSVERSIONINFOW)&info), STATUS_INVALID_PARAMETER);
    assert_int_equal(info.dwMajorVersion, 0);
    assert_int_equal(RtlGetVersion(&small), STATUS_SUCCESS);
    assert_int_equal(small.dwPlatformId, 2);
    /* No condition was stored for what is asked. */
    assert_int_equal(RtlVerifyVersionInfo(&info, VER_BUILDNUMBER, other), STATUS_REVISION_MISMATCH);
}

static __attribute__((noinline)) USHORT trace(ULONG skip, ULONG count, PVOID *frames, PULONG hash)
{
    USHORT n = RtlCaptureStackBackTrace(skip, count, frames, hash);

    __asm__ volatile("" ::"r"(frames) : "memory"); /* not a tail call: this frame must be there */
    return n;
}

static void stack_traces(void **state)
{
    PVOID frames[66] = { 0 }, skipped[66] = { 0 };
    ULONG hash = 0, sum = 0;
    USHORT n = trace(0, 64, frames, &hash);

    (void)state;
    assert_true(n >= 3);
    for (USHORT i = 0; i < n; i++)
        sum += (ULONG)(ULONG_PTR)frames[i];
    assert_int_equal(hash, sum);
    assert_int_equal(trace(1, 64, skipped, NULL), n - 1);
    assert_ptr_equal(skipped[1], frames[2]); /* the callers of this function */
    assert_int_equal(trace(0, 2, skipped, NULL), 2);
    assert_int_equal(trace(1000, 64, skipped, &hash), 0);
    assert_int_equal(hash, 0);
    assert_int_equal(trace(0xffffffff, 64, skipped, &hash), 0);
    assert_int_equal(trace(0, 0, skipped, &hash), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bitmap_finds_runs),
        cmocka_unit_test(time_goes_both_ways),
        cmocka_unit_test(random_repeats_with_its_seed),
        cmocka_unit_test(version_is_windows_10),
        cmocka_unit_test(times_that_do_not_exist),
        cmocka_unit_test(seconds_since_both_epochs),
        cmocka_unit_test(other_series),
        cmocka_unit_test(versions_are_compared),
        cmocka_unit_test(odd_version_questions),
        cmocka_unit_test(stack_traces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
