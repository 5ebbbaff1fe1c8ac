/*
 * thread.h: the threads host's own view of a thread. Private to src/host.
 *
 * `permit` is the futex word of park and unpark; `held` has one bit per lock rank that the thread
 * holds and is touched by the thread itself only.
 */
#ifndef OPENWSK_HOST_THREAD_H
#define OPENWSK_HOST_THREAD_H

#include <pthread.h>
#include <setjmp.h>
#include "host/host.h"
#include "host/reserve.h"

#define HOST_RANKS 128

struct thread {
    struct host_thread pub; /* first: the two pointers convert into each other */
    uint32_t permit;
    bool adopted;
    bool exitable; /* `out` is set: host_thread_exit() is possible */
    uint64_t held[HOST_RANKS / 64];
    const void *stack_low, *stack_high;
    void (*fn)(void *);
    void *arg;
    pthread_t id;
    uint32_t owners; /* detached threads: 2 = creator and thread, the last one frees */
    char name[16];
    jmp_buf out;
};

static inline struct thread *thread_of(struct host_thread *t)
{
    return (struct thread *)t;
}

/* The kernel's futex; -errno. `deadline_ns` is host_now() time, HOST_FOREVER for no limit. */
int host_futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns);
void host_futex_wake(uint32_t *word, int count);

static inline void host_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
}

#endif
