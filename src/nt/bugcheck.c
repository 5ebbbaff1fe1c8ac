/*
 * bugcheck.c: the emulated bug check, the way in which a run ends when going on makes no sense.
 *
 * It prints the code by number and name, the four parameters, the thread and its stack in source
 * lines, and the stack of an earlier event where the caller knows one; then it ends the process
 * with status 3, or lets a hook (a test, an embedding program) catch it. Only the first thread that
 * stops reports: later ones wait for the end. Callbacks registered with
 * KeRegisterBugCheckCallback run in between, as on Windows, at HIGH_LEVEL.
 */
#include "nt/rtlp.h"
#include "nt/stop.h"

#define EXIT_FOUND_SOMETHING 3
#define LINE_BYTES           512

/* KBUGCHECK_CALLBACK_RECORD.State; KeInitializeCallbackRecord sets 0. */
enum { RecordEmpty, RecordInserted, RecordStarted, RecordFinished };

static void (*StopHook)(const KI_STOP *Stop, void *Context);
static void *StopHookContext;
static PCSTR (*ImageLookup)(const void *Address);
/* The thread that reports; others must not print into its report. */
static PKTHREAD Stopping;

static struct host_lock CallbackLock = HOST_LOCK_INIT(HOST_RANK_NT_LEAF);
static LIST_ENTRY Callbacks = { &Callbacks, &Callbacks }; /* under CallbackLock */

void KiSetStopHook(void (*Hook)(const KI_STOP *Stop, void *Context), void *Context)
{
    StopHook = Hook;
    StopHookContext = Context;
}

void KiSetImageLookup(PCSTR (*Lookup)(const void *Address))
{
    ImageLookup = Lookup;
}

static void PrintStack(PCSTR Title, void *const *Frames, int Count)
{
    host_printf("    %s:\n", Title);
    for (int i = 0; i < Count; i++) {
        CHAR Line[LINE_BYTES];
        PCSTR Image = ImageLookup ? ImageLookup(Frames[i]) : NULL;

        /* A caller may end with a call that does not return: what follows is another function. */
        host_symbolize(i ? (const CHAR *)Frames[i] - 1 : Frames[i], Line, sizeof Line);
        host_printf("      %s%s%s\n", Image ? Image : "", Image ? "!" : "", Line);
    }
}

static void PrintStop(const KI_STOP *Stop)
{
    PCSTR Name = KiBugCheckName(Stop->Code);
    PKTHREAD Thread = KiThread();

    host_printf("openwsk: *** STOP: 0x%08X %s (0x%016llX, 0x%016llX, 0x%016llX, 0x%016llX)\n",
                Stop->Code, Name ? Name : "(no name)", (unsigned long long)Stop->Parameters[0],
                (unsigned long long)Stop->Parameters[1], (unsigned long long)Stop->Parameters[2],
                (unsigned long long)Stop->Parameters[3]);
    host_printf("    thread %p, IRQL %u, processor %u\n", Thread->Id, Thread->Irql,
                KiCurrentProcessor());
    PrintStack("stack", Stop->Frames, Stop->FrameCount);
    if (Stop->Origin && Stop->Origin->Count)
        PrintStack(Stop->Origin->Title, Stop->Origin->Frames, Stop->Origin->Count);
}

static void RunCallbacks(void)
{
    KIRQL Irql = KiThread()->Irql;

    KiThread()->Irql = HIGH_LEVEL;
    for (PLIST_ENTRY Link = Callbacks.Flink; Link != &Callbacks; Link = Link->Flink) {
        PKBUGCHECK_CALLBACK_RECORD Record =
            CONTAINING_RECORD(Link, KBUGCHECK_CALLBACK_RECORD, Entry);

        Record->State = RecordStarted;
        Record->CallbackRoutine(Record->Buffer, Record->Length);
        Record->State = RecordFinished;
    }
    KiThread()->Irql = Irql;
}

/* One reporter at a time; a stop inside of a stop ends the process where it is. */
static void BecomeReporter(void)
{
    PKTHREAD Me = KiThread(), Nobody = NULL;

    if (__atomic_load_n(&Stopping, __ATOMIC_ACQUIRE) == Me)
        host_exit(EXIT_FOUND_SOMETHING);
    while (!__atomic_compare_exchange_n(&Stopping, &Nobody, Me, FALSE, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
        Nobody = NULL;
        host_park(host_now() + 10 * 1000 * 1000);
    }
}

void KiBugCheck(ULONG Code, const ULONG_PTR Parameters[4], const KI_ORIGIN *Origin)
{
    void *Frames[KI_STOP_FRAMES];
    KI_STOP Stop = { .Code = Code, .Frames = Frames, .Origin = Origin };

    for (int i = 0; i < 4; i++)
        Stop.Parameters[i] = Parameters[i];
    Stop.FrameCount = host_backtrace(Frames, KI_STOP_FRAMES);
    BecomeReporter();
    host_note_failure("STOP 0x%08X", Code);
    PrintStop(&Stop);
    RunCallbacks();
    __atomic_store_n(&Stopping, StopHook ? NULL : KiThread(), __ATOMIC_RELEASE);
    if (StopHook) {
        host_fault_done(); /* the hook leaves by a jump: a later fault is a new one */
        StopHook(&Stop, StopHookContext);
    }
    host_exit(EXIT_FOUND_SOMETHING);
}

DECLSPEC_NORETURN VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                                          ULONG_PTR BugCheckParameter2,
                                          ULONG_PTR BugCheckParameter3,
                                          ULONG_PTR BugCheckParameter4)
{
    DDI_ENTER(KeBugCheckEx);
    ULONG_PTR Parameters[4] = { BugCheckParameter1, BugCheckParameter2, BugCheckParameter3,
                                BugCheckParameter4 };

    KiBugCheck(BugCheckCode, Parameters, NULL);
}

DECLSPEC_NORETURN VOID NTAPI KeBugCheck(ULONG BugCheckCode)
{
    static const ULONG_PTR Zeros[4];

    DDI_ENTER(KeBugCheck);
    KiBugCheck(BugCheckCode, Zeros, NULL);
}

BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                         ULONG Length, PUCHAR Component)
{
    DDI_ENTER(KeRegisterBugCheckCallback);
    BOOLEAN Done = FALSE;

    host_lock(&CallbackLock);
    if (CallbackRecord->State == RecordEmpty) {
        CallbackRecord->CallbackRoutine = CallbackRoutine;
        CallbackRecord->Buffer = Buffer;
        CallbackRecord->Length = Length;
        CallbackRecord->Component = Component;
        CallbackRecord->Checksum =
            (ULONG_PTR)CallbackRoutine + (ULONG_PTR)Buffer + Length + (ULONG_PTR)Component;
        CallbackRecord->State = RecordInserted;
        InsertTailList(&Callbacks, &CallbackRecord->Entry);
        Done = TRUE;
    }
    host_unlock(&CallbackLock);
    return Done;
}

BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    DDI_ENTER(KeDeregisterBugCheckCallback);
    BOOLEAN Done = FALSE;

    host_lock(&CallbackLock);
    if (CallbackRecord->State != RecordEmpty) {
        CallbackRecord->State = RecordEmpty;
        RemoveEntryList(&CallbackRecord->Entry);
        Done = TRUE;
    }
    host_unlock(&CallbackLock);
    return Done;
}

/* What __fastfail ends in: the list macros found a link that does not point back, or the like. */
DECLSPEC_NORETURN void NTAPI openwsk_fast_fail(unsigned Code)
{
    const void *Caller = __builtin_return_address(0);
    ULONG_PTR Parameters[4] = { Code, 0, 0, 0 };

    if (Code == FAST_FAIL_CORRUPT_LIST_ENTRY)
        host_printf(
            "openwsk: VF-LIST-01: a LIST_ENTRY is corrupt: removed twice, or never linked\n");
    Parameters[1] = (ULONG_PTR)Caller;
    KiBugCheck(KERNEL_SECURITY_CHECK_FAILURE, Parameters, NULL);
}

/* PAGED_CODE(): such a routine may be paged out, so it must not run where a page fault cannot. */
void NTAPI openwsk_paged_code(const char *Function, const char *File, unsigned Line)
{
    ULONG Irql = KiThread()->Irql;

    if (Irql > APC_LEVEL)
        vf_report(VF_STOP, "VF-IRQL-06", NULL, __builtin_return_address(0),
                  "%s (%s:%u) is pageable code and runs at IRQL %u", Function, File, Line, Irql);
}

/* The bug check that Windows would give for a verifier rule. */
static ULONG RuleCode(PCSTR Rule)
{
    static const struct {
        PCSTR Rule;
        ULONG Code;
    } Codes[] = {
        { "VF-IRQL-02", 0x08 },  { "VF-IRP-01", 0x44 },    { "VF-IRP-02", 0x44 },
        { "VF-IRP-09", 0x35 },   { "VF-IRP-06", 0xc9 },    { "VF-IRP-11", 0xc9 },
        { "VF-IRP-12", 0xc9 },   { "VF-MDL-01", 0x4e },    { "VF-POOL-01", 0x19 },
        { "VF-POOL-03", 0xc2 },  { "VF-POOL-04", 0xc2 },   { "VF-POOL-05", 0xc2 },
        { "VF-LIST-01", 0x139 }, { "VF-UNLOAD-01", 0xce }, { "VF-IRQL-01", 0xa },
    };

    for (ULONG i = 0; i < RTL_NUMBER_OF(Codes); i++) {
        if (!__builtin_strcmp(Codes[i].Rule, Rule))
            return Codes[i].Code;
    }
    return 0xc4;
}

static void StopOnFinding(const struct vf_finding *Finding)
{
    ULONG_PTR Parameters[4] = { 0, (ULONG_PTR)Finding->caller, 0, 0 };

    KiBugCheck(RuleCode(Finding->rule), Parameters, NULL);
}

static NTSTATUS FaultStatus(const struct host_fault *Fault)
{
    static const NTSTATUS Statuses[] = {
        [HOST_FAULT_ACCESS] = STATUS_ACCESS_VIOLATION,
        [HOST_FAULT_ALIGNMENT] = STATUS_DATATYPE_MISALIGNMENT,
        [HOST_FAULT_IO] = STATUS_IN_PAGE_ERROR,
        [HOST_FAULT_STACK] = STATUS_STACK_OVERFLOW,
        [HOST_FAULT_DIVIDE] = STATUS_INTEGER_DIVIDE_BY_ZERO,
        [HOST_FAULT_INSTRUCTION] = STATUS_ILLEGAL_INSTRUCTION,
        [HOST_FAULT_BREAKPOINT] = STATUS_BREAKPOINT,
    };

    return Statuses[Fault->kind];
}

/* Runs on the thread that faulted, in place of the instruction. */
static void FaultLanding(const struct host_fault *Fault)
{
    static const ULONG_PTR DoubleFault[4] = { 8 };
    struct host_fault Copy = *Fault;
    KI_ORIGIN Origin = { "stack of the fault", Copy.frames, Copy.frame_count };
    EXCEPTION_RECORD Record = {
        .ExceptionCode = FaultStatus(&Copy),
        .ExceptionAddress = (PVOID)(ULONG_PTR)Copy.pc,
    };

    if (Copy.kind == HOST_FAULT_ACCESS || Copy.kind == HOST_FAULT_IO) {
        Record.NumberParameters = 2;
        Record.ExceptionInformation[0] = Copy.write;
        Record.ExceptionInformation[1] = (ULONG_PTR)Copy.address;
    }
    if (Copy.kind == HOST_FAULT_STACK || !KiSehActive(Copy.frame)) {
        CHAR Line[LINE_BYTES];

        host_symbolize(Copy.pc, Line, sizeof Line);
        host_printf("openwsk: %s: %s%s %p at %s\n", Copy.name, RtlpStatusName(Record.ExceptionCode),
                    Copy.write ? ", write to" : ", address", Copy.address, Line);
    }
    /* No exception: a processor that cannot push its trap frame takes a double fault instead. */
    if (Copy.kind == HOST_FAULT_STACK)
        KiBugCheck(UNEXPECTED_KERNEL_MODE_TRAP, DoubleFault, &Origin);
    KiRaise(&Record, Copy.frame, &Origin);
}

void KiInstallStops(void)
{
    host_on_fault(FaultLanding);
    vf_on_stop(StopOnFinding);
}
