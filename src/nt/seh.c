/*
 * seh.c: structured exceptions for source-mode drivers: the runtime's side of include/km/excpt.h,
 * and the routines that raise.
 *
 * Each thread that enters a __try has a small stack of frames (PKTHREAD->Seh), which only the
 * thread itself touches, so nothing is locked. A __try that is left by return or goto leaves its
 * frame behind. Such a frame is dead, and jumping to it would be fatal, so a frame counts as alive
 * only if the chain of frame pointers of the raising code still passes it, in the same function and
 * with the same return address. What remains possible is that a function which left a __try by
 * goto, or was called again from the same place, catches an exception in a __try that it is no
 * longer in.
 */
#include "nt/rtlp.h"
#include "nt/stop.h"

#define SEH_DEPTH 32

typedef enum _SEH_STATE {
    SehArmed,
    SehRaised,        /* jumped to with an exception */
    SehLeft,          /* jumped to by __leave */
    SehFinally,       /* its __finally block runs because of an exception */
    SehFinallyNormal, /* its __finally block runs */
} SEH_STATE;

typedef struct _SEH_FRAME {
    void *Jump[5];
    const void *Frame;  /* frame pointer of the function with the __try */
    const void *Return; /* that function's return address: tells activations apart */
    const void *Site;   /* in the code of that function */
    unsigned Line;      /* of the __try: when it is entered again, it was left before */
    SEH_STATE State;
    EXCEPTION_RECORD Record;
} SEH_FRAME;

typedef struct _SEH_STACK {
    ULONG Depth;
    SEH_FRAME Frames[SEH_DEPTH];
    EXCEPTION_RECORD Current; /* what GetExceptionCode() speaks of */
    EXCEPTION_POINTERS Pointers;
    BOOLEAN Abnormal;
    int OriginCount; /* the stack of the raise, for a bug check after unwinding */
    void *Origin[KI_STOP_FRAMES];
} SEH_STACK;

static const void *ReturnAddressOf(const void *Frame)
{
    return ((void *const *)Frame)[1];
}

static SEH_FRAME *Top(SEH_STACK *Stack)
{
    return &Stack->Frames[Stack->Depth - 1];
}

static SEH_STACK *ThreadStack(void)
{
    PKTHREAD Thread = KiThread();

    if (!Thread->Seh) {
        Thread->Seh = host_zalloc(sizeof(SEH_STACK));
        if (!Thread->Seh)
            host_panic("no memory for the exception frames of a thread");
    }
    return Thread->Seh;
}

void KiSehFree(PKTHREAD Thread)
{
    host_free(Thread->Seh);
    Thread->Seh = NULL;
}

/* Drops what functions that have returned left behind; `Frame` is the running function's. */
static void DropDead(SEH_STACK *Stack, const void *Frame)
{
    while (Stack->Depth) {
        const SEH_FRAME *Last = Top(Stack);

        if (Last->Frame > Frame)
            return;
        if (Last->Frame == Frame && Last->Return == ReturnAddressOf(Frame))
            return;
        Stack->Depth--;
    }
}

void **NTAPI openwsk_seh_enter(void *Frame, unsigned Line)
{
    SEH_STACK *Stack = ThreadStack();
    SEH_FRAME *New;

    DropDead(Stack, Frame);
    for (ULONG i = Stack->Depth; i > 0 && Stack->Frames[i - 1].Frame == Frame; i--) {
        if (Stack->Frames[i - 1].Line == Line)
            Stack->Depth = i - 1;
    }
    if (Stack->Depth == SEH_DEPTH)
        host_panic("more than %d nested __try blocks on one thread", SEH_DEPTH);
    New = &Stack->Frames[Stack->Depth++];
    New->Frame = Frame;
    New->Return = ReturnAddressOf(Frame);
    New->Site = __builtin_return_address(0);
    New->Line = Line;
    New->State = SehArmed;
    return New->Jump;
}

/*
 * Is the activation that entered the __try still running, given the call chain that starts at frame
 * pointer `Start`? The chain must pass its frame, with the return address that it had, and the code
 * that runs there must be the same function: another one may stand in its place by now, called from
 * the same line. Where the chain breaks (code without frame pointers) the return address decides.
 */
static BOOLEAN IsAlive(const SEH_FRAME *Seh, const void *Start)
{
    const void *Low, *High, *Frame = Start, *Pc = NULL;

    host_stack_bounds(&Low, &High);
    while (Frame < Seh->Frame) {
        const void *Next;

        if (Frame < Low || ((ULONG_PTR)Frame & 7) ||
            (ULONG_PTR)Frame + 2 * sizeof(void *) > (ULONG_PTR)High)
            return ReturnAddressOf(Seh->Frame) == Seh->Return;
        Next = *(void *const *)Frame;
        if (Next <= Frame)
            return ReturnAddressOf(Seh->Frame) == Seh->Return;
        Pc = (const UCHAR *)ReturnAddressOf(Frame) - 1; /* a call may be a function's last word */
        Frame = Next;
    }
    if (Frame != Seh->Frame || ReturnAddressOf(Frame) != Seh->Return)
        return FALSE;
    return !Pc || host_function_of(Pc) == host_function_of((const UCHAR *)Seh->Site - 1);
}

/* The innermost frame that would catch; the ones above it are dropped. NULL: none. */
static SEH_FRAME *FindHandler(SEH_STACK *Stack, const void *Start)
{
    for (; Stack->Depth; Stack->Depth--) {
        SEH_FRAME *Last = Top(Stack);

        if (Last->State == SehArmed && IsAlive(Last, Start))
            return Last;
    }
    return NULL;
}

BOOLEAN KiSehActive(const void *Frame)
{
    SEH_STACK *Stack = KiThread()->Seh;

    return Stack && FindHandler(Stack, Frame) != NULL;
}

DECLSPEC_NORETURN static void Unhandled(const EXCEPTION_RECORD *Record, const KI_ORIGIN *Origin)
{
    KIRQL Irql = KiThread()->Irql;
    BOOLEAN Access = Record->ExceptionCode == STATUS_ACCESS_VIOLATION;
    ULONG_PTR High[4] = { Record->ExceptionInformation[1], Irql, Record->ExceptionInformation[0],
                          (ULONG_PTR)Record->ExceptionAddress };
    ULONG_PTR Normal[4] = { (ULONG_PTR)(LONG_PTR)Record->ExceptionCode,
                            (ULONG_PTR)Record->ExceptionAddress, Record->ExceptionInformation[0],
                            Record->ExceptionInformation[1] };

    if (Access && Irql >= DISPATCH_LEVEL)
        KiBugCheck(DRIVER_IRQL_NOT_LESS_OR_EQUAL, High, Origin);
    KiBugCheck(KMODE_EXCEPTION_NOT_HANDLED, Normal, Origin);
}

/* To the next handler outward; the origin is already in the stack. */
DECLSPEC_NORETURN static void Dispatch(SEH_STACK *Stack, const EXCEPTION_RECORD *Record,
                                       const void *Start)
{
    EXCEPTION_RECORD Copy = *Record; /* may lie in a frame that is about to be dropped */
    SEH_FRAME *Handler = FindHandler(Stack, Start);
    KI_ORIGIN Origin = { "stack of the exception", Stack->Origin, Stack->OriginCount };

    if (!Handler)
        Unhandled(&Copy, &Origin);
    Handler->State = SehRaised;
    Handler->Record = Copy;
    Stack->Current = Copy;
    host_fault_done();
    __builtin_longjmp(Handler->Jump, 1);
}

void KiRaise(const EXCEPTION_RECORD *Record, const void *Frame, const KI_ORIGIN *Origin)
{
    SEH_STACK *Stack = KiThread()->Seh;

    if (!Stack || !FindHandler(Stack, Frame))
        Unhandled(Record, Origin);
    Stack->OriginCount = 0;
    if (Origin) {
        for (int i = 0; i < Origin->Count && i < KI_STOP_FRAMES; i++)
            Stack->Origin[Stack->OriginCount++] = Origin->Frames[i];
    } else {
        Stack->OriginCount = host_backtrace(Stack->Origin, KI_STOP_FRAMES);
    }
    Dispatch(Stack, Record, Frame);
}

/* ---- what the macros call ------------------------------------------------------------------ */

/* The frame of the __try whose end the running function has reached; NULL: it has none left. */
static SEH_FRAME *Ending(SEH_STACK *Stack, const void *Frame)
{
    DropDead(Stack, Frame);
    return Stack->Depth && Top(Stack)->Frame == Frame ? Top(Stack) : NULL;
}

/* 1: the body ended with an exception. */
int NTAPI openwsk_seh_leave(void *Frame)
{
    SEH_STACK *Stack = ThreadStack();
    SEH_FRAME *Seh = Ending(Stack, Frame);

    if (!Seh)
        return 0;
    Stack->Depth--;
    if (Seh->State != SehRaised)
        return 0;
    Stack->Current = Seh->Record;
    return 1;
}

int NTAPI openwsk_seh_filter(int Disposition)
{
    SEH_STACK *Stack = ThreadStack();

    if (Disposition > 0)
        return 1;
    if (Disposition < 0)
        Stack->Depth = 0; /* an exception here cannot be continued: Windows stops likewise */
    Dispatch(Stack, &Stack->Current, __builtin_frame_address(0));
}

/*
 * The frame of a __finally block that an exception runs stays, out of reach for handlers, until the
 * block has ended, because it holds the exception. Answers 1: run the block once.
 */
int NTAPI openwsk_seh_finally(void *Frame)
{
    SEH_STACK *Stack = ThreadStack();
    SEH_FRAME *Seh = Ending(Stack, Frame);

    Stack->Abnormal = Seh && Seh->State == SehRaised;
    if (Seh)
        Seh->State = Stack->Abnormal ? SehFinally : SehFinallyNormal;
    return 1;
}

int NTAPI openwsk_seh_resume(void *Frame)
{
    SEH_STACK *Stack = ThreadStack();
    SEH_FRAME *Seh = Ending(Stack, Frame);

    while (Seh && Seh->State != SehFinally && Seh->State != SehFinallyNormal) {
        Stack->Depth--; /* a __try of the block that was left by goto */
        Seh = Ending(Stack, Frame);
    }
    if (!Seh)
        return 0;
    Stack->Depth--;
    if (Seh->State == SehFinallyNormal)
        return 0;
    Dispatch(Stack, &Seh->Record, Frame);
}

void NTAPI openwsk_seh_jump(void *Frame)
{
    SEH_STACK *Stack = ThreadStack();
    SEH_FRAME *Seh = Ending(Stack, Frame);

    if (!Seh)
        host_panic("__leave outside of a __try");
    Seh->State = SehLeft;
    __builtin_longjmp(Seh->Jump, 1);
}

int NTAPI openwsk_seh_code(void)
{
    return ThreadStack()->Current.ExceptionCode;
}

PEXCEPTION_POINTERS NTAPI openwsk_seh_information(void)
{
    SEH_STACK *Stack = ThreadStack();

    Stack->Pointers.ExceptionRecord = &Stack->Current;
    return &Stack->Pointers;
}

int NTAPI openwsk_seh_abnormal(void)
{
    return ThreadStack()->Abnormal;
}

/* ---- the DDIs that raise ------------------------------------------------------------------- */

DECLSPEC_NORETURN static void RaiseCode(NTSTATUS Status, const void *Caller, const void *Frame)
{
    EXCEPTION_RECORD Record = {
        .ExceptionCode = Status,
        .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
        .ExceptionAddress = (PVOID)(ULONG_PTR)Caller,
    };

    KiRaise(&Record, Frame, NULL);
}

DECLSPEC_NORETURN VOID NTAPI ExRaiseStatus(NTSTATUS Status)
{
    DDI_ENTER(ExRaiseStatus);
    RaiseCode(Status, __builtin_return_address(0), __builtin_frame_address(0));
}

DECLSPEC_NORETURN VOID NTAPI ExRaiseAccessViolation(VOID)
{
    DDI_ENTER(ExRaiseAccessViolation);
    RaiseCode(STATUS_ACCESS_VIOLATION, __builtin_return_address(0), __builtin_frame_address(0));
}

DECLSPEC_NORETURN VOID NTAPI ExRaiseDatatypeMisalignment(VOID)
{
    DDI_ENTER(ExRaiseDatatypeMisalignment);
    RaiseCode(STATUS_DATATYPE_MISALIGNMENT, __builtin_return_address(0),
              __builtin_frame_address(0));
}

DECLSPEC_NORETURN VOID NTAPI RtlRaiseStatus(NTSTATUS Status)
{
    DDI_ENTER(RtlRaiseStatus);
    RaiseCode(Status, __builtin_return_address(0), __builtin_frame_address(0));
}

VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord)
{
    DDI_ENTER(RtlRaiseException);
    EXCEPTION_RECORD Record = *ExceptionRecord;

    Record.ExceptionAddress = __builtin_return_address(0);
    KiRaise(&Record, __builtin_frame_address(0), NULL);
}
