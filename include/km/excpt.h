/*
 * excpt.h: __try, __except, __finally and __leave in driver source that gcc or clang compiles for
 * Linux, which have no such keywords there.
 *
 * __try is a plain if, so that goto, break, continue and return keep their meaning in all blocks.
 * The runtime keeps a stack of frames per thread; a frame that was left by goto or return is found
 * out by comparing it with the thread's call chain, which needs frame pointers (wskcc asks for
 * them). Differences from Windows: the filter runs after the stack has been unwound, a
 * return or goto out of the body of a __try skips its __finally, and a filter cannot continue
 * execution. Locals that the body changes and the handler reads should be volatile when a memory
 * fault, rather than a called function, may end the body.
 */
#ifndef OPENWSK_KM_EXCPT_H
#define OPENWSK_KM_EXCPT_H

#define EXCEPTION_EXECUTE_HANDLER    1
#define EXCEPTION_CONTINUE_SEARCH    0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

#if !defined(_WIN32)

#ifdef __cplusplus
extern "C" {
#endif

struct _EXCEPTION_POINTERS;

/* The runtime's side (src/nt/seh.c). `frame` is the frame address of the function with the __try.
 */
__attribute__((visibility("default"))) void **OwSehEnter(void *frame);
__attribute__((visibility("default"))) int OwSehEnd(void *frame);
__attribute__((visibility("default"))) int OwSehFilter(int disposition);
__attribute__((visibility("default"))) int OwSehFinally(void *frame);
__attribute__((visibility("default"))) int OwSehFinallyEnd(int state);
__attribute__((visibility("default"), noreturn)) void OwSehLeave(void *frame);
__attribute__((visibility("default"))) unsigned OwSehCode(void);
__attribute__((visibility("default"))) struct _EXCEPTION_POINTERS *OwSehPointers(void);
__attribute__((visibility("default"))) unsigned char OwSehAbnormal(void);

#ifdef __cplusplus
}
#endif

#undef __try
#undef __except
#undef __finally
#undef __leave
#define __try if (__builtin_setjmp(OwSehEnter(__builtin_frame_address(0))) == 0)
#define __except (filter)                                                                          \
    ;                                                                                              \
    if (OwSehEnd(__builtin_frame_address(0)) && OwSehFilter(filter))
#define __finally                                                                                  \
    ;                                                                                              \
    for (int ow_seh_state_ = OwSehFinally(__builtin_frame_address(0)); ow_seh_state_ != 0;         \
         ow_seh_state_ = OwSehFinallyEnd(ow_seh_state_))
#define __leave OwSehLeave(__builtin_frame_address(0))
#define _try     __try
#define _except  __except
#define _finally __finally
#define _leave   __leave

#define GetExceptionCode()        OwSehCode()
#define _exception_code()         OwSehCode()
#define GetExceptionInformation() OwSehPointers()
#define _exception_info()         OwSehPointers()
#define AbnormalTermination()     OwSehAbnormal()
#define _abnormal_termination()   OwSehAbnormal()

#endif /* !_WIN32 */
#endif
