/* Bug checks: what stops a run, the callbacks before its end, and what is printed on the way. */
#include "nt/rtlp.h"
#include "nt/stop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "wpp.h"

static jmp_buf stopped;
static KI_STOP last;
static char rule[16], text[256];

static void on_stop(const KI_STOP *stop, void *context)
{
    (void)context;
    last = *stop;
    longjmp(stopped, 1);
}

static void on_finding(const struct vf_finding *finding, void *context)
{
    (void)context;
    snprintf(rule, sizeof rule, "%s", finding->rule);
    snprintf(text, sizeof text, "%s", finding->text);
}

/* The statement does not return, but stops the run with that code. */
#define STOPS(code, statement)                                                                     \
    do {                                                                                           \
        memset(&last, 0, sizeof last);                                                             \
        if (!setjmp(stopped)) {                                                                    \
            statement;                                                                             \
            fail_msg("%s went on", #statement);                                                    \
        }                                                                                          \
        assert_int_equal(last.Code, code);                                                         \
    } while (0)

/* ---- what is printed ------------------------------------------------------------------------- */

static char printed[8192];
static int saved_stderr, ends[2];

static void capture(void)
{
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

static const char *captured(void)
{
    size_t used = 0;
    ssize_t n;

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    while ((n = read(ends[0], printed + used, sizeof printed - 1 - used)) > 0)
        used += (size_t)n;
    printed[used] = 0;
    close(ends[0]);
    return printed;
}

static ULONG by_list(PCSTR prefix, PCSTR format, ...)
{
    OW_VA_LIST args;
    ULONG status;

    OW_VA_START(args, format);
    status = prefix ? vDbgPrintExWithPrefix(prefix, DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, format,
                                            args)
                    : vDbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, format, args);
    OW_VA_END(args);
    return status;
}

static void every_way_to_print(void **state)
{
    (void)state;
    capture();
    assert_int_equal(DbgPrint("a %d\n", 1), STATUS_SUCCESS);
    assert_int_equal(DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "b %s\n", "x"),
                     STATUS_SUCCESS);
    assert_int_equal(DbgPrintReturnControlC("c %u\n", 3u), STATUS_SUCCESS);
    assert_int_equal(by_list(NULL, "d %x\n", 0xabcu), STATUS_SUCCESS);
    assert_int_equal(by_list("drv: ", "e %c\n", 'E'), STATUS_SUCCESS);
    DbgPrint("");
    openwsk_wpp_trace("F", "L", "T", "f %s", "line");
    openwsk_wpp_trace("F", "L", "T", "g\n");
    openwsk_wpp_trace("F", "L", "T", "");
    assert_string_equal(captured(), "a 1\nb x\nc 3\nd abc\ndrv: e E\nf line\ng\n\n");
}

/* What is too long for one message is cut, and ends its line. */
static void long_messages(void **state)
{
    static char word[3000], most[2100];
    size_t length;

    (void)state;
    memset(word, 'w', sizeof word - 1);
    capture();
    DbgPrint("%s", word);
    length = strlen(captured());
    assert_in_range(length, 512, sizeof word - 2);
    assert_int_equal(printed[length - 2], 'w');
    assert_int_equal(printed[length - 1], '\n');
    /* One that just fits is not cut, and has no room for a trace's end of line. */
    memset(most, 'm', length);
    capture();
    DbgPrint("%s", most);
    openwsk_wpp_trace("F", "L", "T", "%s", most);
    assert_int_equal(strlen(captured()), 2 * length);
    assert_int_equal(printed[length - 1], 'm');
    capture();
    by_list(word, "x");
    assert_int_equal(strlen(captured()), length);
    assert_int_equal(printed[length - 1], '\n');
}

/* ---- stops ----------------------------------------------------------------------------------- */

static PCSTR everything_is_ours(const void *address)
{
    (void)address;
    return "ours";
}

static void codes_and_parameters(void **state)
{
    const char *report;

    (void)state;
    STOPS(0xe2, KeBugCheck(MANUALLY_INITIATED_CRASH));
    for (int i = 0; i < 4; i++)
        assert_int_equal(last.Parameters[i], 0);
    KiSetImageLookup(everything_is_ours);
    capture();
    if (!setjmp(stopped))
        KeBugCheckEx(0x12345678, 1, 2, 3, 4);
    report = captured();
    KiSetImageLookup(NULL);
    assert_non_null(strstr(report, "0x12345678 (no name) (0x0000000000000001, "));
    assert_non_null(strstr(report, "      ours!"));
    assert_int_equal(last.Parameters[3], 4);
}

static void failed_assertions(void **state)
{
    (void)state;
    capture();
    if (!setjmp(stopped))
        RtlAssert("x == y", "file.c", 7, NULL);
    assert_non_null(strstr(captured(), "assertion failed: x == y, file.c:7\n"));
    assert_int_equal(last.Code, KMODE_EXCEPTION_NOT_HANDLED);
    assert_int_equal((NTSTATUS)last.Parameters[0], STATUS_ASSERTION_FAILURE);
    assert_int_equal(last.Parameters[2], 7);
    capture();
    if (!setjmp(stopped))
        RtlAssert("x == y", "file.c", 8, "they differ");
    assert_non_null(strstr(captured(), "assertion failed: they differ: x == y, file.c:8\n"));
}

static void fast_failures(void **state)
{
    LIST_ENTRY head, entry;

    (void)state;
    STOPS(KERNEL_SECURITY_CHECK_FAILURE, openwsk_fast_fail(7));
    assert_int_equal(last.Parameters[0], 7);
    InitializeListHead(&head);
    InsertTailList(&head, &entry);
    RemoveEntryList(&entry);
    entry.Flink = &head;
    STOPS(KERNEL_SECURITY_CHECK_FAILURE, RemoveEntryList(&entry));
    assert_int_equal(last.Parameters[0], FAST_FAIL_CORRUPT_LIST_ENTRY);
    entry.Flink = entry.Blink = &entry; /* does not lead back */
    head.Flink = head.Blink = &entry;
    STOPS(KERNEL_SECURITY_CHECK_FAILURE, InsertTailList(&head, &entry));
    STOPS(KERNEL_SECURITY_CHECK_FAILURE, InsertHeadList(&head, &entry));
    STOPS(KERNEL_SECURITY_CHECK_FAILURE, RemoveHeadList(&head));
    STOPS(KERNEL_SECURITY_CHECK_FAILURE, RemoveTailList(&head));
}

static void pageable_code(void **state)
{
    KIRQL irql;

    (void)state;
    vf_on_finding(on_finding, NULL);
    rule[0] = 0;
    PAGED_CODE();
    assert_int_equal(rule[0], 0);
    KeRaiseIrql(APC_LEVEL, &irql);
    PAGED_CODE();
    assert_int_equal(rule[0], 0);
    KiThread()->Irql = DISPATCH_LEVEL; /* without processors, which are not booted here */
    PAGED_CODE();
    KiThread()->Irql = APC_LEVEL;
    KeLowerIrql(irql);
    assert_string_equal(rule, "VF-IRQL-06");
    assert_non_null(strstr(text, "pageable_code"));
    vf_on_finding(NULL, NULL);
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static int calls;
static KIRQL irql_of_call;

static VOID NTAPI callback(PVOID Buffer, ULONG Length)
{
    irql_of_call = KeGetCurrentIrql();
    assert_int_equal(Length, 4);
    memcpy(Buffer, "done", 4);
    calls++;
}

static void callbacks_run_once(void **state)
{
    KBUGCHECK_CALLBACK_RECORD record;
    char buffer[4] = "";

    (void)state;
    KeInitializeCallbackRecord(&record);
    assert_false(KeDeregisterBugCheckCallback(&record));
    assert_true(KeRegisterBugCheckCallback(&record, callback, buffer, 4, (PUCHAR) "test"));
    assert_false(KeRegisterBugCheckCallback(&record, callback, buffer, 4, (PUCHAR) "test"));
    assert_true(KeDeregisterBugCheckCallback(&record));
    STOPS(0xe2, KeBugCheck(0xe2));
    assert_int_equal(calls, 0);
    assert_true(KeRegisterBugCheckCallback(&record, callback, buffer, 4, (PUCHAR) "test"));
    STOPS(0xe2, KeBugCheck(0xe2));
    assert_int_equal(calls, 1);
    assert_int_equal(irql_of_call, HIGH_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_memory_equal(buffer, "done", 4);
    /* A stop that was caught leaves the record where it is: its driver can still take it out. */
    assert_true(KeDeregisterBugCheckCallback(&record));
    assert_false(KeDeregisterBugCheckCallback(&record));
    STOPS(0xe2, KeBugCheck(0xe2));
    assert_int_equal(calls, 1);
}

static VOID NTAPI stops_again(PVOID Buffer, ULONG Length)
{
    (void)Length;
    KeBugCheckEx(1, (ULONG_PTR)Buffer, 0, 0, 0);
}

static void stop_in_a_stop(void)
{
    static KBUGCHECK_CALLBACK_RECORD record;

    KeInitializeCallbackRecord(&record);
    KeRegisterBugCheckCallback(&record, stops_again, NULL, 0, NULL);
    KeBugCheck(0xe2);
}

static void just_stop(void)
{
    KeBugCheck(0xe2);
}

static void returns(const KI_STOP *stop, void *context)
{
    *(ULONG *)context = stop->Code;
}

static void hook_returns(void)
{
    static ULONG seen;

    KiSetStopHook(returns, &seen);
    KeBugCheck(0xe2);
}

/* In a process of its own, which ends with status 3. */
static void ends_process(void (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        KiSetStopHook(NULL, NULL);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

static void nobody_catches(void **state)
{
    (void)state;
    ends_process(just_stop);
    ends_process(stop_in_a_stop);
    ends_process(hook_returns);
}

static int set_up(void **state)
{
    (void)state;
    KiSetStopHook(on_stop, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_print),   cmocka_unit_test(long_messages),
        cmocka_unit_test(codes_and_parameters), cmocka_unit_test(failed_assertions),
        cmocka_unit_test(fast_failures),        cmocka_unit_test(pageable_code),
        cmocka_unit_test(callbacks_run_once),   cmocka_unit_test(nobody_catches),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
