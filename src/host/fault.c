/*
 * fault.c: processor faults become a call on the faulting thread.
 *
 * The signal handler only records what happened and edits the interrupted context, so that the
 * thread goes on in the landing function instead of the instruction that faulted. What follows
 * (looking up source lines, printing, unwinding to a handler) then runs as ordinary code and not
 * inside of a signal. The record is per thread; nothing is locked. x86-64.
 */
#include "host/host.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#define RED_ZONE_BYTES 128
#define PAGE_WRITE_BIT 2 /* of the page fault's error code */

static void (*fault_landing)(const struct host_fault *fault);
/* The landing runs outside of the handler: the record must outlive it. */
static __thread struct host_fault last_fault;
static __thread bool in_landing;

void host_exit(int status)
{
#ifdef OPENWSK_COVERAGE
    extern void __gcov_dump(void);
    __gcov_dump(); /* _exit() would lose the counts */
#endif
    _exit(status);
}

const void *host_function_of(const void *pc)
{
    return _Unwind_FindEnclosingFunction((void *)(uintptr_t)pc);
}

static void classify(struct host_fault *fault, int number, const siginfo_t *info, long error)
{
    fault->address = info->si_addr;
    fault->write = false;
    switch (number) {
    case SIGSEGV:
        fault->kind = HOST_FAULT_ACCESS;
        fault->name = "SIGSEGV";
        fault->write = error & PAGE_WRITE_BIT;
        if (info->si_code == SI_KERNEL)
            fault->address = (const void *)UINTPTR_MAX;
        break;
    case SIGBUS:
        fault->kind = info->si_code == BUS_ADRALN ? HOST_FAULT_ALIGNMENT : HOST_FAULT_IO;
        fault->name = "SIGBUS";
        break;
    case SIGFPE:
        fault->kind = HOST_FAULT_DIVIDE;
        fault->name = "SIGFPE";
        break;
    case SIGTRAP:
        fault->kind = HOST_FAULT_BREAKPOINT;
        fault->name = "SIGTRAP";
        break;
    default:
        fault->kind = HOST_FAULT_INSTRUCTION;
        fault->name = "SIGILL";
        break;
    }
}

/* The stack as seen from the interrupted instruction: the handler's own frames are dropped. */
static void record_stack(struct host_fault *fault)
{
    void *frames[HOST_FAULT_FRAMES];
    int count = host_backtrace(frames, HOST_FAULT_FRAMES);
    int first = 0;

    /* An unwinder may give the interrupted address as if it were a return address: one more. */
    while (first < count && frames[first] != fault->pc &&
           frames[first] != (const char *)fault->pc + 1)
        first++;
    first = first < count ? first + 1 : 0;
    fault->frames[0] = (void *)(uintptr_t)fault->pc;
    fault->frame_count = 1;
    while (first < count && fault->frame_count < HOST_FAULT_FRAMES)
        fault->frames[fault->frame_count++] = frames[first++];
}

__attribute__((noreturn)) static void land(void)
{
    fault_landing(&last_fault);
    host_panic("the fault landing returned");
}

/* Writes below the interrupted stack pointer, where the address sanitizer may see a redzone. */
__attribute__((no_sanitize_address)) static void on_signal(int number, siginfo_t *info,
                                                           void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct host_fault *fault = &last_fault;

    if (in_landing)
        host_exit(3);
    in_landing = true;
    fault->pc = (const void *)regs[REG_RIP];
    fault->frame = (const void *)regs[REG_RBP];
    classify(fault, number, info, regs[REG_ERR]);
    record_stack(fault);
    /* As after a call: the stack pointer is 8 below a multiple of 16. */
    regs[REG_RSP] = ((regs[REG_RSP] - RED_ZONE_BYTES) & ~15l) - 8;
    *(volatile greg_t *)regs[REG_RSP] = 0; /* no return address: unwinders stop here */
    regs[REG_RIP] = (greg_t)land;
}

void host_fault_done(void)
{
    in_landing = false;
}

void host_on_fault(void (*landing)(const struct host_fault *fault))
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    struct sigaction action;

    fault_landing = landing;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], &action, NULL))
            host_panic("sigaction(%d) failed", signals[i]);
    }
}
