/*
 * excpt.h: structured exceptions in source mode: __try, __except, __finally, __leave.
 *
 * A __try registers a frame with the runtime and sets a jump target; a raise jumps there. The
 * runtime keeps the frames per thread, so a body that is left by return, goto or break needs no
 * clean-up: a stale frame is recognised by its stack address (the runtime drops every frame below
 * the caller's), or by its line when a loop enters the same __try again. Limits, compared with
 * Windows: the filter runs after the unwinding; a __finally is not run when its __try is left by
 * return, goto or break; locals that the body changed may be stale in the handler of optimised code
 * unless they are volatile.
 */
#ifndef OPENWSK_EXCPT_H
#define OPENWSK_EXCPT_H

#include "compiler.h"

#define EXCEPTION_EXECUTE_HANDLER    1
#define EXCEPTION_CONTINUE_SEARCH    0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

#define EXCEPTION_NONCONTINUABLE     0x1
#define EXCEPTION_MAXIMUM_PARAMETERS 15

typedef struct _EXCEPTION_RECORD {
    int ExceptionCode;
    unsigned int ExceptionFlags;
    struct _EXCEPTION_RECORD *ExceptionRecord;
    void *ExceptionAddress;
    unsigned int NumberParameters;
    __UINTPTR_TYPE__ ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

struct _CONTEXT;
typedef struct _EXCEPTION_POINTERS {
    PEXCEPTION_RECORD ExceptionRecord;
    struct _CONTEXT *ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;

typedef enum _EXCEPTION_DISPOSITION {
    ExceptionContinueExecution,
    ExceptionContinueSearch,
    ExceptionNestedException,
    ExceptionCollidedUnwind
} EXCEPTION_DISPOSITION;

OW_BEGIN_C

/*
 * One __try that is being executed. The runtime owns these (a small array or list per thread);
 * `jump` is a __builtin_setjmp buffer.
 */
struct openwsk_seh_frame {
    void *jump[5];
    void *frame;   /* __builtin_frame_address(0) of the function with the __try */
    unsigned line; /* where: the same frame and line again replaces the frame */
    int state;     /* the runtime's: entered, raised, left */
};

/* Pushes a frame; drops stale ones first. Answers its jump buffer. */
OW_EXPORT void **NTAPI openwsk_seh_enter(void *frame, unsigned line);
/*
 * After the body, or after a jump to the frame: pops it (and what is above it). 1: an exception
 * arrived here; 0: the body ended by itself or by __leave.
 */
OW_EXPORT int NTAPI openwsk_seh_leave(void *frame);
/*
 * Judges the value of the filter expression: 1 for EXCEPTION_EXECUTE_HANDLER; raises again in the
 * next frame for EXCEPTION_CONTINUE_SEARCH, bug checks for anything else.
 */
OW_EXPORT int NTAPI openwsk_seh_filter(int disposition);
/* __leave: jumps to the innermost frame without an exception. */
OW_EXPORT __attribute__((noreturn)) void NTAPI openwsk_seh_jump(void *frame);
/* Before a __finally block: pops the frame; notes whether an exception is under way. Answers 1. */
OW_EXPORT int NTAPI openwsk_seh_finally(void *frame);
/* After a __finally block: goes on with the exception that is under way. Answers 0. */
OW_EXPORT int NTAPI openwsk_seh_resume(void *frame);
/* AbnormalTermination(): 1 in a __finally block that an exception runs. */
OW_EXPORT int NTAPI openwsk_seh_abnormal(void);
/* The code and the record of the exception that is handled. */
OW_EXPORT int NTAPI openwsk_seh_code(void);
OW_EXPORT PEXCEPTION_POINTERS NTAPI openwsk_seh_information(void);

OW_END_C

#ifndef OPENWSK_NO_SEH_KEYWORDS
#undef __try
#undef __except
#undef __finally
#undef __leave
#define __try if (__builtin_setjmp(openwsk_seh_enter(__builtin_frame_address(0), __LINE__)) == 0)
/* The formatter takes __except for a keyword and parts the macro from its parameter. */
/* clang-format off */
#define __except(filter)                                                                           \
    ;                                                                                              \
    if (openwsk_seh_leave(__builtin_frame_address(0)) && openwsk_seh_filter(filter))
/* clang-format on */
#define __finally                                                                                  \
    ;                                                                                              \
    for (int openwsk_seh_once_ = openwsk_seh_finally(__builtin_frame_address(0));                  \
         openwsk_seh_once_; openwsk_seh_once_ = openwsk_seh_resume(__builtin_frame_address(0)))
#define __leave openwsk_seh_jump(__builtin_frame_address(0))
#ifndef _try
#define _try     __try
#define _except  __except
#define _finally __finally
#define _leave   __leave
#endif
/*
 * The old spellings, which C++ has for itself. Not "leave": that is a common name for other things.
 */
#if !defined(__cplusplus) && !defined(try)
#define try     __try
#define except  __except
#define finally __finally
#endif
#endif

#define GetExceptionCode        openwsk_seh_code
#define exception_code          openwsk_seh_code
#define _exception_code         openwsk_seh_code
#define GetExceptionInformation openwsk_seh_information
#define exception_info          openwsk_seh_information
#define _exception_info         openwsk_seh_information
#define AbnormalTermination     openwsk_seh_abnormal
#define abnormal_termination    openwsk_seh_abnormal
#define _abnormal_termination   openwsk_seh_abnormal

#endif
