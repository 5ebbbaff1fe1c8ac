/*
 * fault.c: processor faults become a call on the faulting thread.
 *
 * The signal handler only records what happened and edits the interrupted context, so that the
 * thread goes on in the landing function instead of the instruction that faulted. What follows
 * (looking up source lines, printing, unwinding to a handler) then runs as ordinary code and not
 * inside of a signal. The record is per thread; nothing is locked. x86-64.
 *
 * Each thread that host knows has a reserve: a signal stack for the handler, so that an exhausted
 * stack can be told at all, and below it a stack on which the landing runs when the thread's own
 * has no room left for it.
 */
#include "host/reserve.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#define RED_ZONE_BYTES 128
#define PAGE_WRITE_BIT 2           /* of the page fault's error code */
#define LANDING_BYTES  (256 << 10) /* reading debug information takes most */
#define HANDLER_BYTES  (64 << 10)
#define RESERVE_BYTES  (LANDING_BYTES + HANDLER_BYTES)
#define ROOM_BYTES     (64 << 10) /* with less left, the landing takes the reserve */
#define FRAME_BYTES    (1 << 20)  /* how far below its stack a frame of a driver may reach */
#define EDGE_BYTES     (16 << 10) /* the last pages may lie beyond what the machine lets it grow */

static void (*fault_landing)(const struct host_fault *fault);
/* The landing runs outside of the handler: the record must outlive it. */
static __thread struct host_fault last_fault;
static __thread bool in_landing;
/* A smashed stack leads the unwinder astray: the fault that ends it there is no new one. */
static __thread sigjmp_buf astray;
static __thread bool unwinding;
static __thread struct {
    char *area; /* NULL: none; the landing's stack, then the handler's */
    stack_t before;
} reserve;

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

void host_reserve_begin(void)
{
    char *area = mmap(NULL, RESERVE_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    stack_t stack = { .ss_size = HANDLER_BYTES };

    if (area == MAP_FAILED)
        return; /* faults are told all the same while there is room on the thread's stack */
    stack.ss_sp = area + LANDING_BYTES;
    if (sigaltstack(&stack, &reserve.before))
        host_panic("sigaltstack failed");
    reserve.area = area;
}

void host_reserve_end(void)
{
    if (!reserve.area)
        return;
    sigaltstack(&reserve.before, NULL);
    munmap(reserve.area, RESERVE_BYTES);
    reserve.area = NULL;
}

/* Does `p` lie less than `room` above the lower end of the thread's stack, or not far below it? */
static bool near_end(greg_t p, int64_t room)
{
    const void *low, *high;

    if (!reserve.area) /* a thread that is not known yet: a handler is no place to get to know it */
        return false;
    host_stack_bounds(&low, &high);
    int64_t distance = p - (greg_t)low;
    return distance < room && distance > -FRAME_BYTES;
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

/* How many frames there are; 0: the stack leads astray. */
static int unwind(void **frames, int room)
{
    volatile int count = 0;

    if (sigsetjmp(astray, 0) == 0) {
        unwinding = true;
        count = host_backtrace(frames, room);
    }
    unwinding = false;
    return count;
}

/* The stack as seen from the interrupted instruction: the handler's own frames are dropped. */
static void record_stack(struct host_fault *fault)
{
    void *frames[HOST_FAULT_FRAMES] = { 0 };
    int count = unwind(frames, HOST_FAULT_FRAMES);
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

__attribute__((noreturn, used)) static void land(void)
{
    fault_landing(&last_fault);
    host_panic("the fault landing returned");
}

/*
 * Where the interrupted thread goes on: a call of land() without a return address, at which
 * unwinders stop. The handler must not write it: without a reserve its own frame begins there.
 */
__attribute__((naked)) static void enter_landing(void)
{
    __asm__("pushq $0\n\tjmp land");
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct host_fault *fault = &last_fault;

    if (unwinding)
        siglongjmp(astray, 1);
    if (in_landing) {
        host_note_failure("a fault while a fault was told");
        host_exit(3);
    }
    in_landing = true;
    fault->pc = (const void *)regs[REG_RIP];
    fault->frame = (const void *)regs[REG_RBP];
    classify(fault, number, info, regs[REG_ERR]);
    record_stack(fault);
    if (near_end(regs[REG_RSP], ROOM_BYTES)) {
        if (number == SIGSEGV && near_end((greg_t)fault->address, EDGE_BYTES)) {
            fault->kind = HOST_FAULT_STACK;
            fault->name = "stack overflow";
        }
        regs[REG_RSP] = (greg_t)(reserve.area + LANDING_BYTES);
    }
    regs[REG_RSP] = (regs[REG_RSP] - RED_ZONE_BYTES) & ~15l;
    regs[REG_RIP] = (greg_t)enter_landing;
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
