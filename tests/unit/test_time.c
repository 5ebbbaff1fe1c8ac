/* The clocks of drivers agree with the host's. */
#include "ke_test.h"

static void system_time(void **state)
{
    LARGE_INTEGER a, b;

    (void)state;
    KeQuerySystemTime(&a);
    KeQuerySystemTimePrecise(&b);
    /* 2020-01-01 is 132223104000000000. */
    assert_true(a.QuadPart > 132223104000000000LL);
    assert_true(b.QuadPart - a.QuadPart < 600000000);
}

static void monotonic(void **state)
{
    LARGE_INTEGER frequency, ticks;
    ULONG64 counter;
    int64_t before = host_now();
    ULONGLONG interrupt = KeQueryInterruptTime();
    LARGE_INTEGER first = KeQueryPerformanceCounter(&frequency);

    (void)state;
    assert_true((int64_t)interrupt >= before / 100);
    assert_int_equal(frequency.QuadPart, 10000000);
    KeStallExecutionProcessor(50);
    assert_true(host_now() - before >= 50000);
    assert_true(KeQueryPerformanceCounter(NULL).QuadPart - first.QuadPart >= 490);
    assert_true(KeQueryInterruptTimePrecise(&counter) >= interrupt + 490);
    assert_true(KeQueryUnbiasedInterruptTime() >= interrupt);
    KeQueryTickCount(&ticks);
    assert_true((ULONGLONG)ticks.QuadPart >= interrupt / KeQueryTimeIncrement());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_time),
        cmocka_unit_test(monotonic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
