/*
 * fiber.c: stacks and the switch between them (x86-64), and what the sanitizers and valgrind must
 * be told of it.
 *
 * A stack is mapped memory above an inaccessible page, so that an overflow is a fault. Stacks of
 * ended fibers are kept for later ones: a run makes dozens, a sweep of runs millions.
 */
#include "host/sim/fiber.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id)      (void)(id)
#endif

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef HOST_SIM_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_set_fiber_name(void *fiber, const char *name);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#define NO_SYNC 1 /* the switch itself orders nothing: see sched.h */
#endif

#define MAX_KEPT 64
#ifdef HOST_SIM_TSAN
#define KEEPS_STACKS false /* in its eyes one fiber would write to another's */
#else
#define KEEPS_STACKS true
#endif
#define GUARD_BYTES 4096
/* What a switch pushes: six registers and the two floating-point control words. */
#define SAVED_WORDS 7

struct kept_stack {
    char *low;
    size_t bytes;
};
static struct kept_stack kept[MAX_KEPT];
static unsigned kept_count;

/*
 * Stores the stack pointer of the caller in *from and continues at `to`, as the function that once
 * called it from there. Only what the calling convention preserves is saved.
 */
void fiber_jump(void **from, void *to);
__asm__(".text\n"
        ".hidden fiber_jump\n"
        ".globl fiber_jump\n"
        ".type fiber_jump, @function\n"
        "fiber_jump:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    subq $8, %rsp\n"
        "    stmxcsr (%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    ldmxcsr (%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "    addq $8, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size fiber_jump, .-fiber_jump\n");

static char *take_stack(size_t bytes)
{
    for (unsigned i = kept_count; i > 0; i--) {
        if (kept[i - 1].bytes != bytes)
            continue;
        char *low = kept[i - 1].low;
        kept[i - 1] = kept[--kept_count];
        return low;
    }
    char *base = mmap(NULL, bytes + GUARD_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (mprotect(base, GUARD_BYTES, PROT_NONE)) {
        munmap(base, bytes + GUARD_BYTES);
        return NULL;
    }
    return base + GUARD_BYTES;
}

static void give_stack(char *low, size_t bytes)
{
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(low, bytes);
#endif
    if (KEEPS_STACKS && kept_count < MAX_KEPT)
        kept[kept_count++] = (struct kept_stack){ low, bytes };
    else
        munmap(low - GUARD_BYTES, bytes + GUARD_BYTES);
}

bool fiber_prepare(struct fiber *f, size_t bytes, void (*entry)(void))
{
    uint32_t mxcsr;
    uint16_t control;

    f->stack = take_stack(bytes);
    if (!f->stack)
        return false;
    f->stack_bytes = bytes;
    f->valgrind_id = VALGRIND_STACK_REGISTER(f->stack, f->stack + bytes);
#ifdef HOST_SIM_TSAN
    f->sanitizer = __tsan_create_fiber(0);
    __tsan_set_fiber_name(f->sanitizer, f->name);
#endif
    /* From the top: a return address at which unwinders stop, the entry, what a switch pops. */
    uintptr_t *top = (uintptr_t *)(void *)(f->stack + bytes);
    memset(top - 2 - SAVED_WORDS, 0, (2 + SAVED_WORDS) * sizeof(*top));
    top[-2] = (uintptr_t)entry;
    __asm__("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
    top[-2 - SAVED_WORDS] = mxcsr | (uint64_t)control << 32;
    f->sp = top - 2 - SAVED_WORDS;
    return true;
}

void fiber_entered(struct fiber *from)
{
#ifdef WITH_ASAN
    const void *low;
    size_t bytes;

    __sanitizer_finish_switch_fiber(NULL, &low, &bytes);
    if (!from->stack_bytes) { /* the OS thread's own stack is learned here */
        from->stack = (char *)(uintptr_t)low;
        from->stack_bytes = bytes;
    }
#else
    (void)from;
#endif
}

void fiber_switch(struct fiber *from, struct fiber *to, bool ends)
{
#ifdef HOST_SIM_TSAN
    if (!from->sanitizer)
        from->sanitizer = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->sanitizer, NO_SYNC);
#endif
#ifdef WITH_ASAN
    /* NULL instead of a place for it: the fake stack of a fiber that ends is dropped. */
    __sanitizer_start_switch_fiber(ends ? NULL : &from->sanitizer, to->stack, to->stack_bytes);
#else
    (void)ends;
#endif
    fiber_jump(&from->sp, to->sp);
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(from->sanitizer, NULL, NULL);
#endif
}

void fiber_release(struct fiber *f)
{
    visit_forget(f);
    if (!f->stack)
        return;
    VALGRIND_STACK_DEREGISTER(f->valgrind_id);
#ifdef HOST_SIM_TSAN
    __tsan_destroy_fiber(f->sanitizer);
#endif
    give_stack(f->stack, f->stack_bytes);
    f->stack = NULL;
}
