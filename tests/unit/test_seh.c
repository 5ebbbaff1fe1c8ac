/* __try and what raises; stops that nobody catches. */
#include "nt/stop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static jmp_buf stopped;
static KI_STOP last_stop;
static volatile int trail;

static void on_stop(const KI_STOP *stop, void *context)
{
    (void)context;
    last_stop = *stop;
    longjmp(stopped, 1);
}

static __attribute__((noinline)) void throw(NTSTATUS status)
{
    ExRaiseStatus(status);
}

static __attribute__((noinline)) void touch(volatile int *where)
{
    *where = 1;
}

static void called_function_raises(void **state)
{
    volatile NTSTATUS code = 0;

    (void)state;
    __try {
        throw(STATUS_ACCESS_VIOLATION);
        fail();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    assert_int_equal(code, STATUS_ACCESS_VIOLATION);
}

static void no_exception_skips_the_handler(void **state)
{
    (void)state;
    __try {
        trail = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        trail = 2;
    }
    assert_int_equal(trail, 1);
}

static void filter_passes_on(void **state)
{
    (void)state;
    trail = 0;
    __try {
        __try {
            throw(STATUS_NO_MEMORY);
        } __except (GetExceptionCode() == STATUS_TIMEOUT ? EXCEPTION_EXECUTE_HANDLER
                                                         : EXCEPTION_CONTINUE_SEARCH) {
            trail += 100;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        trail += GetExceptionCode() == STATUS_NO_MEMORY ? 1 : 10;
    }
    assert_int_equal(trail, 1);
}

static void finally_runs_both_ways(void **state)
{
    (void)state;
    trail = 0;
    __try {
        trail += 1;
    } __finally {
        trail += AbnormalTermination() ? 1000 : 10;
    }
    assert_int_equal(trail, 11);
    __try {
        __try {
            throw(STATUS_NO_MEMORY);
        } __finally {
            trail += AbnormalTermination() ? 100 : 1000;
        }
        trail += 1000;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        trail += GetExceptionCode() == STATUS_NO_MEMORY ? 5 : 1000;
    }
    assert_int_equal(trail, 116);
}

static void leave_ends_the_body(void **state)
{
    (void)state;
    trail = 0;
    __try {
        trail = 1;
        if (trail)
            __leave;
        trail = 2;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        trail = 3;
    }
    assert_int_equal(trail, 1);
}

static __attribute__((noinline)) int leaves_by_return(int value)
{
    __try {
        if (value)
            return value;
        trail = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return -1;
    }
    return 0;
}

static __attribute__((noinline)) void stands_where_it_stood(volatile char *area)
{
    area[0] = 1;
    throw(STATUS_NO_MEMORY);
}

/* What a __try that was left by return leaves behind must not catch anything. */
static void stale_frames_do_not_catch(void **state)
{
    volatile char area[8];

    (void)state;
    trail = 0;
    __try {
        assert_int_equal(leaves_by_return(7), 7);
        stands_where_it_stood(area);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        trail = 2;
    }
    assert_int_equal(trail, 2);
}

static void loops_do_not_pile_up(void **state)
{
    volatile int i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        __try {
            if (i % 2)
                continue;
            throw(STATUS_NO_MEMORY);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            continue;
        }
    }
    assert_int_equal(i, 1000);
}

static void faults_are_exceptions(void **state)
{
    volatile ULONG_PTR address = 0;

    (void)state;
    KiInstallStops();
    trail = 0;
    for (volatile int round = 0; round < 2; round++) {
        __try {
            touch((volatile int *)16);
            trail += 100;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            trail += GetExceptionCode() == (int)STATUS_ACCESS_VIOLATION;
            address = GetExceptionInformation()->ExceptionRecord->ExceptionInformation[1];
        }
    }
    assert_int_equal(trail, 2);
    assert_int_equal(address, 16);
}

static void unhandled_exception_stops(void **state)
{
    (void)state;
    KiSetStopHook(on_stop, NULL);
    if (!setjmp(stopped)) {
        throw(STATUS_NO_MEMORY);
        fail();
    }
    assert_int_equal(last_stop.Code, 0x1e);
    assert_int_equal((NTSTATUS)last_stop.Parameters[0], STATUS_NO_MEMORY);
}

static void unhandled_fault_stops(void **state)
{
    (void)state;
    KiInstallStops();
    KiSetStopHook(on_stop, NULL);
    for (volatile int round = 0; round < 2; round++) {
        if (!setjmp(stopped)) {
            touch((volatile int *)32);
            fail();
        }
        assert_int_equal(last_stop.Code, 0x1e);
        assert_int_equal((NTSTATUS)last_stop.Parameters[0], STATUS_ACCESS_VIOLATION);
        assert_int_equal(last_stop.Parameters[3], 32);
    }
}

static void bug_check_is_caught(void **state)
{
    (void)state;
    KiSetStopHook(on_stop, NULL);
    if (!setjmp(stopped))
        KeBugCheckEx(0xe2, 1, 2, 3, 4);
    assert_int_equal(last_stop.Code, 0xe2);
    assert_int_equal(last_stop.Parameters[3], 4);
    assert_true(last_stop.FrameCount > 0);
    if (!setjmp(stopped))
        vf_report(VF_STOP, "VF-IRP-01", NULL, NULL, "IRP completed twice");
    assert_int_equal(last_stop.Code, 0x44);
}

static __attribute__((noinline)) void raise_record(NTSTATUS status)
{
    EXCEPTION_RECORD record = { .ExceptionCode = status,
                                .NumberParameters = 1,
                                .ExceptionInformation = { 77 } };

    RtlRaiseException(&record);
}

/* Every function that raises, and the breakpoints, which do it by a trap. */
static void who_raises(void **state)
{
    static const NTSTATUS expected[] = {
        STATUS_TIMEOUT,      STATUS_ACCESS_VIOLATION,      STATUS_NO_MEMORY,
        STATUS_UNSUCCESSFUL, STATUS_DATATYPE_MISALIGNMENT, STATUS_BREAKPOINT,
        STATUS_BREAKPOINT
    };
    volatile NTSTATUS code;
    volatile ULONG_PTR information;

    (void)state;
    KiInstallStops();
    for (volatile unsigned i = 0; i < RTL_NUMBER_OF(expected); i++) {
        code = information = 0;
        __try {
            if (i == 0)
                RtlRaiseStatus(STATUS_TIMEOUT);
            if (i == 1)
                ExRaiseAccessViolation();
            if (i == 2)
                ExRaiseStatus(STATUS_NO_MEMORY);
            if (i == 3)
                raise_record(STATUS_UNSUCCESSFUL);
            if (i == 4)
                ExRaiseDatatypeMisalignment();
            if (i == 5)
                DbgBreakPoint();
            if (i == 6)
                DbgBreakPointWithStatus(5);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            code = GetExceptionCode();
            information = GetExceptionInformation()->ExceptionRecord->ExceptionInformation[0];
        }
        assert_int_equal(code, expected[i]);
        assert_int_equal(information, i == 3 ? 77 : 0);
    }
}

/* What would return to where it was raised cannot: it stops. */
static void continuing_stops(void **state)
{
    (void)state;
    KiSetStopHook(on_stop, NULL);
    last_stop.Code = 0;
    if (!setjmp(stopped)) {
        __try {
            __try {
                throw(STATUS_NO_MEMORY);
            } __except (EXCEPTION_CONTINUE_EXECUTION) {
                fail();
            }
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            fail();
        }
        fail();
    }
    assert_int_equal(last_stop.Code, 0x1e);
    assert_int_equal((NTSTATUS)last_stop.Parameters[0], STATUS_NO_MEMORY);
}

/* A page fault at DISPATCH_LEVEL has a code of its own. */
static void unhandled_fault_at_high_irql_stops(void **state)
{
    (void)state;
    KiInstallStops();
    KiSetStopHook(on_stop, NULL);
    KiThread()->Irql = DISPATCH_LEVEL;
    if (!setjmp(stopped)) {
        touch((volatile int *)48);
        fail();
    }
    assert_int_equal(last_stop.Code, 0xd1);
    assert_int_equal(last_stop.Parameters[0], 48);
    assert_int_equal(last_stop.Parameters[1], DISPATCH_LEVEL);
    if (!setjmp(stopped))
        throw(STATUS_NO_MEMORY);
    assert_int_equal(last_stop.Code, 0x1e);
    KiThread()->Irql = PASSIVE_LEVEL;
}

/* A __try in a __finally block that is left by goto does not stop the exception on its way. */
static __attribute__((noinline)) void leaves_a_nested_block(void)
{
    __try {
        throw(STATUS_NO_MEMORY);
    } __finally {
        __try {
            trail += 1;
            goto out;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            trail += 100;
        }
    out:
        trail += 10;
    }
    trail += 1000;
}

static void goto_out_of_a_nested_block(void **state)
{
    (void)state;
    trail = 0;
    __try {
        leaves_a_nested_block();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        trail += GetExceptionCode() == STATUS_NO_MEMORY ? 10000 : 0;
    }
    assert_int_equal(trail, 10011);
}

static void dies(void (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static __attribute__((noinline)) int nest(int depth)
{
    volatile int sum = 0;

    __try {
        sum = depth ? nest(depth - 1) + 1 : 0;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        sum = -1;
    }
    return sum;
}

static void nest_too_deep(void)
{
    nest(32);
}

static void leave_without_try(void)
{
    __leave;
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(nest(31), 31);
    dies(nest_too_deep);
    dies(leave_without_try);
}

static int free_frames(void **state)
{
    (void)state;
    KiSehFree(KiThread());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(called_function_raises),
        cmocka_unit_test(no_exception_skips_the_handler),
        cmocka_unit_test(filter_passes_on),
        cmocka_unit_test(finally_runs_both_ways),
        cmocka_unit_test(leave_ends_the_body),
        cmocka_unit_test(stale_frames_do_not_catch),
        cmocka_unit_test(loops_do_not_pile_up),
        cmocka_unit_test(faults_are_exceptions),
        cmocka_unit_test(unhandled_exception_stops),
        cmocka_unit_test(unhandled_fault_stops),
        cmocka_unit_test(bug_check_is_caught),
        cmocka_unit_test(who_raises),
        cmocka_unit_test(continuing_stops),
        cmocka_unit_test(unhandled_fault_at_high_irql_stops),
        cmocka_unit_test(goto_out_of_a_nested_block),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, free_frames);
}
