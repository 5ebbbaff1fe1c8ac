/*
 * host.h: everything that the kernel slice asks of the machine.
 *
 * Two implementations share this header: threads (real time, one OS thread per driver thread) and,
 * for the simulated world, fibers (one OS thread, virtual time, every decision from one tape). The
 * rest of the project must not be able to tell them apart, so time, blocking, locking and chance
 * come from here and from nowhere else.
 *
 * Times are nanoseconds. Functions that can fail return 0 or -errno.
 */
#ifndef OPENWSK_HOST_H
#define OPENWSK_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOST_FOREVER INT64_MAX

/* ---- clock ------------------------------------------------------------------------------- */

/* Monotonic time since boot of the machine, in nanoseconds. Any thread. */
int64_t host_now(void);

/* Wall-clock time, nanoseconds since 1970-01-01 UTC. Any thread. */
int64_t host_wall(void);

/* ---- threads ----------------------------------------------------------------------------- */

/*
 * A thread of this process that the kernel slice knows. `local` belongs to the layer above (nt/
 * keeps its KTHREAD there); the rest is the host's. Threads that the host did not create (main, a
 * test's own pthread) get one on their first call of host_self().
 */
struct host_thread {
    void *local;
    /* Run by the host on the thread when it ends, with `local` as argument; may be NULL. */
    void (*local_free)(void *local);
};

/* The calling thread; never NULL. `host_current` may be read directly once host_self() ran. */
struct host_thread *host_self(void);
extern __thread struct host_thread *host_current __attribute__((tls_model("initial-exec")));

/*
 * Starts a thread that runs fn(arg). `name` (at most 15 bytes are shown) is copied.
 * 0, or -EAGAIN/-ENOMEM when the machine has no more threads. `*t` is valid until
 * host_thread_join().
 */
int host_thread_create(struct host_thread **t, void (*fn)(void *), void *arg, const char *name);

/* Waits until the thread's function has returned, then frees it. Once per thread; never of oneself.
 */
void host_thread_join(struct host_thread *t);

/* Instead of a join: the thread frees itself when its function has returned; `t` is no longer
 * valid.
 */
void host_thread_detach(struct host_thread *t);

/* Ends the calling thread, which host_thread_create() started, as if its function had returned. */
__attribute__((noreturn)) void host_thread_exit(void);

/* Lower and upper bound of the calling thread's stack, for "is this address on my stack". */
void host_stack_bounds(const void **low, const void **high);

/*
 * The only blocking call. Each thread has one sticky permit: host_unpark() sets it, host_park()
 * takes it, and waits for it until `deadline_ns` (host_now() time; HOST_FOREVER: without limit).
 * true: the permit was taken. false: the deadline passed. May also return true spuriously: callers
 * recheck their condition in a loop.
 */
bool host_park(int64_t deadline_ns);
void host_unpark(struct host_thread *t);

/*
 * One round of a busy wait for another thread's progress. `*rounds` starts at 0 and is the
 * caller's; the longer it waits, the more politely it does so (pause, then yield). Under fibers it
 * switches.
 */
void host_spin(unsigned *rounds, const char *site);

/* ---- short locks ------------------------------------------------------------------------- */

/*
 * Ranks, lowest first. A thread may take a lock only if its rank is above that of every lock that
 * it holds; host_lock() panics otherwise, so that an inversion is found by the first run that takes
 * it.
 */
enum host_rank {
    HOST_RANK_RUN = 10, /* run/: driver list */
    HOST_RANK_WSK_CLIENT = 20,
    HOST_RANK_WSK_SOCKET = 30,
    HOST_RANK_WSK_LEAF = 40,  /* wsk/: bind registry, caches */
    HOST_RANK_NT_OBJECT = 50, /* nt/: handle and object tables, registry, devices */
    HOST_RANK_NT_DISPATCHER = 60,
    HOST_RANK_NT_TIMER = 64,
    HOST_RANK_NT_DPC = 68,
    HOST_RANK_NT_LEAF = 70, /* nt/: pool counters, lookaside lists */
    HOST_RANK_NET_EP = 80,
    HOST_RANK_NET = 84,
    HOST_RANK_NET_MODEL = 85, /* the simulated network as a whole: see host_order_before() */
    HOST_RANK_NET_LEAF = 88,
    HOST_RANK_VERIFY = 90,
    HOST_RANK_HOST = 100
};

/* Not recursive; held for a short time, never across host_park() or any call back up. */
struct host_lock {
    uint32_t word;
    uint16_t rank;
    uint16_t pad;
    struct host_thread *owner;
};
#define HOST_LOCK_INIT(rank_)                                                                      \
    {                                                                                              \
        0, (rank_), 0, NULL                                                                        \
    }
void host_lock_init(struct host_lock *l, enum host_rank rank);
void host_lock(struct host_lock *l);
void host_unlock(struct host_lock *l);
bool host_lock_held(const struct host_lock *l); /* by the calling thread; for assertions */
/*
 * What comes before host_order_before() in one thread comes before what follows host_order_after()
 * of the same `what` in another. For the thread sanitizer only, and for who holds a lock of rank
 * HOST_RANK_NET_MODEL: that stands for what a machine has no lock for. So it orders nothing in the
 * simulated world, nor is watched what is done while it is held.
 */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define host_order_after(what)  __tsan_acquire(what)
#define host_order_before(what) __tsan_release(what)
#else
#define host_order_after(what)  (void)(what)
#define host_order_before(what) (void)(what)
#endif
/* Panics if the calling thread holds a lock; for who is about to call back up, into a driver. */
void host_assert_unlocked(void);

/* ---- chance ------------------------------------------------------------------------------ */

enum host_choice {
    HOST_CHOOSE_PREEMPT, /* which thread runs next */
    HOST_CHOOSE_FAULT,   /* does this call fail */
    HOST_CHOOSE_ASYNC,   /* does this finish inline or later */
    HOST_CHOOSE_SIZE,    /* how many bytes at once */
    HOST_CHOOSE_ORDER,   /* in which order */
    HOST_CHOOSE_TIME,    /* how long */
    HOST_CHOOSE_DELAY    /* how much later; asked by host_delay() only */
};

/*
 * A number in [0, n). 0 is always the boring answer; the threads host never gives another. In the
 * simulated world a fault with n = 2 happens at a rate of the run's own; with a larger n the answer
 * is even, so that the place that asks can have a rate: a fault if 0 < answer <= n * rate. `site`
 * is a string that lives as long as the program; at most 31 bytes tell it from others.
 */
uint32_t host_choose(uint32_t n, enum host_choice kind, const char *site);

/*
 * By how many nanoseconds something comes later than it could, at most `most_ns`. 0 is the boring
 * answer and the only one of the threads host; it is no decision and leaves no trace, so it can be
 * asked for often.
 */
int64_t host_delay(int64_t most_ns, const char *site);

/* Does one of two things that happen at the same time, and usually comes first, come second? Where
 * that is a question of time, and at the same rate as a delay. */
static inline bool host_overtaken(const char *site)
{
    return host_delay(INT64_C(1) << 32, site) != 0;
}

/* A preemption point under fibers, nothing under threads. */
void host_point(const char *site);

/* ---- memory ------------------------------------------------------------------------------ */

/* Uninitialised memory; align is a power of two, at least 16 is given. NULL when there is none. */
void *host_alloc(size_t size, size_t align);
void *host_zalloc(size_t size);
void host_free(void *p);

/* Can the byte be read? Asks the machine without touching it; the answer may be out of date. */
bool host_readable(const void *address);

/* Whole pages, readable and writable, with an inaccessible page before and after. NULL on failure.
 */
void *host_pages_alloc(size_t size);
void host_pages_free(void *p, size_t size);

/* ---- modules, diagnostics ---------------------------------------------------------------- */

struct host_module;
/* Loads a shared object with local scope. On failure NULL, and `why` (size bytes) says why. */
struct host_module *host_module_open(const char *path, char *why, size_t size);
void *host_module_symbol(struct host_module *m, const char *name);
/* The address range that the module occupies in memory. */
void host_module_range(struct host_module *m, uintptr_t *low, uintptr_t *high);
void host_module_close(struct host_module *m);

/* Return addresses of the callers, innermost first, at most n; the count. Safe in a signal handler.
 */
int host_backtrace(void **frames, int n);
/*
 * "function (file.c:12)" of an address as far as debug information gives it; never empty. Slow.
 * `address` is a return address or the start of a function; for the program counter of a fault,
 * pass the byte after it.
 */
void host_symbolize(const void *address, char *out, size_t size);
/* Where the function that contains a code address begins, from its unwind table; NULL: unknown. */
const void *host_function_of(const void *pc);

/* Writes bytes to stderr in one call, or gives them to whoever has asked for them. */
void host_print(const char *text, size_t length);
/* From now on host_print() calls this instead; NULL: no longer. */
void host_print_to(void (*take)(const char *text, size_t length));
void host_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Our own bug: prints the message and a backtrace, then aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void host_panic(const char *format, ...);

/*
 * What a failed run is known by, for who compares runs: the first call counts, until
 * host_failure_clear(). host_failure() is "" when nothing failed.
 */
void host_note_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *host_failure(void);
/* Forgets it, and keeps the next one in `buffer` (size bytes; NULL: in memory of the host's). */
void host_failure_clear(char *buffer, size_t size);

/* Ends the process at once with that exit status: no exit handlers, no destructors. */
__attribute__((noreturn)) void host_exit(int status);

/* A processor fault of the calling thread, as the machine tells it. */
#define HOST_FAULT_FRAMES 32
struct host_fault {
    enum host_fault_kind {
        HOST_FAULT_ACCESS,
        HOST_FAULT_ALIGNMENT,
        HOST_FAULT_IO,    /* the page exists, but what backs it does not */
        HOST_FAULT_STACK, /* the thread's stack is exhausted */
        HOST_FAULT_DIVIDE,
        HOST_FAULT_INSTRUCTION,
        HOST_FAULT_BREAKPOINT
    } kind;
    const char *name;    /* "SIGSEGV" */
    const void *address; /* what was accessed; all ones when the machine does not say */
    bool write;
    const void *pc;
    const void *frame; /* the frame pointer register */
    int frame_count;   /* frames[0] is pc */
    void *frames[HOST_FAULT_FRAMES];
};
/*
 * From now on faults call `landing`, on the faulting thread's own stack (or a reserve of 256 KiB,
 * when that is about to end), outside of any signal handler, in place of the instruction that
 * faulted. It must not return. A fault inside of the landing ends the process with status 3.
 */
void host_on_fault(void (*landing)(const struct host_fault *fault));
/* The landing has dealt with the fault and leaves by a jump: the next one is a new one. */
void host_fault_done(void);

#define HOST_ASSERT(x)                                                                             \
    ((x) ? (void)0 : host_panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #x))

#ifdef __cplusplus
}
#endif
#endif
