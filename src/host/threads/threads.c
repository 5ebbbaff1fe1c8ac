/*
 * threads.c: the host of the real world: one OS thread per driver thread, real time, no chance.
 *
 * Everything above calls it through host.h. A thread's record is made by host_thread_create(), or
 * on the first host_self() of a thread that somebody else started ("adopted"); an adopted record is
 * freed by a thread-specific-data destructor when its thread ends. The fields of a record belong to
 * its own thread, except `permit`, which is atomic.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "host/threads/thread.h"

#define NS_PER_S 1000000000

__thread struct host_thread *host_current;

static pthread_key_t adopted_key;
static pthread_once_t adopted_once = PTHREAD_ONCE_INIT;

/* ---- clock ------------------------------------------------------------------------------- */

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t host_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t host_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

/* ---- futex ------------------------------------------------------------------------------- */

int host_futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    struct timespec ts, *limit = NULL;

    if (deadline_ns != HOST_FOREVER) {
        if (deadline_ns < 0)
            deadline_ns = 0;
        ts.tv_sec = deadline_ns / NS_PER_S;
        ts.tv_nsec = deadline_ns % NS_PER_S;
        limit = &ts;
    }
    /* The bitset form takes an absolute CLOCK_MONOTONIC time, so an interrupted wait may restart.
     */
    if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, limit, NULL,
                FUTEX_BITSET_MATCH_ANY) == 0)
        return 0;
    return -errno;
}

void host_futex_wake(uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

/* ---- threads ----------------------------------------------------------------------------- */

/* A signal handler will ask for the bounds of the stack: they are read here. */
static void begin_thread(void)
{
    const void *low, *high;

    host_stack_bounds(&low, &high);
    host_reserve_begin();
}

static void end_adopted(void *p)
{
    struct thread *t = p;

    if (t->pub.local_free)
        t->pub.local_free(t->pub.local);
    host_reserve_end();
    host_current = NULL;
    free(t);
}

static void make_key(void)
{
    if (pthread_key_create(&adopted_key, end_adopted) != 0)
        host_panic("no thread-specific data key left");
}

static struct thread *adopt(void)
{
    struct thread *t = calloc(1, sizeof(*t));

    if (!t)
        host_panic("out of memory for a thread record");
    t->adopted = true;
    t->id = pthread_self();
    pthread_once(&adopted_once, make_key);
    pthread_setspecific(adopted_key, t);
    host_current = &t->pub;
    begin_thread();
    return t;
}

struct host_thread *host_self(void)
{
    if (host_current)
        return host_current;
    return &adopt()->pub;
}

static void drop_owner(struct thread *t)
{
    if (__atomic_sub_fetch(&t->owners, 1, __ATOMIC_ACQ_REL) == 0)
        free(t);
}

/*
 * host_thread_exit() jumps back here rather than unwinding: driver frames have no unwinding
 * contract, a jump needs none, and the sanitizers intercept it.
 */
static void *start(void *p)
{
    struct thread *t = p;

    host_current = &t->pub;
    pthread_setname_np(pthread_self(), t->name);
    begin_thread();
    if (setjmp(t->out) == 0) {
        t->exitable = true;
        t->fn(t->arg);
    }
    if (t->pub.local_free)
        t->pub.local_free(t->pub.local);
    host_reserve_end();
    drop_owner(t);
    return NULL;
}

int host_thread_create(struct host_thread **out, void (*fn)(void *), void *arg, const char *name)
{
    struct thread *t = calloc(1, sizeof(*t));
    int error;

    if (!t)
        return -ENOMEM;
    t->fn = fn;
    t->arg = arg;
    t->owners = 2;
    strncpy(t->name, name ? name : "thread", sizeof(t->name) - 1);
    *out = &t->pub;
    error = pthread_create(&t->id, NULL, start, t);
    if (error) {
        free(t);
        *out = NULL;
        return -error;
    }
    return 0;
}

void host_thread_join(struct host_thread *h)
{
    struct thread *t = thread_of(h);

    HOST_ASSERT(!t->adopted && h != host_current);
    pthread_join(t->id, NULL);
    drop_owner(t);
}

void host_thread_detach(struct host_thread *h)
{
    struct thread *t = thread_of(h);

    HOST_ASSERT(!t->adopted);
    pthread_detach(t->id);
    drop_owner(t);
}

void host_thread_exit(void)
{
    struct thread *t = thread_of(host_self());

    HOST_ASSERT(t->exitable);
    longjmp(t->out, 1);
}

void host_stack_bounds(const void **low, const void **high)
{
    struct thread *t = thread_of(host_self());
    pthread_attr_t attr;
    void *base = NULL;
    size_t size = 0;

    if (!t->stack_high && pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &base, &size);
        pthread_attr_destroy(&attr);
        t->stack_low = base;
        t->stack_high = (const char *)base + size;
    }
    *low = t->stack_low;
    *high = t->stack_high;
}

/* ---- park and unpark --------------------------------------------------------------------- */

/*
 * permit: NONE -> PERMIT by unpark, NONE -> PARKED by the owner before it sleeps, PARKED -> PERMIT
 * by unpark, which then wakes. Only the owner leaves PERMIT or PARKED for NONE. The exchange in
 * unpark is its last access to the record; the wake after it uses the address only, so a record
 * that is freed meanwhile costs at most a spurious wake elsewhere, which every futex user expects.
 */
enum { NONE, PERMIT, PARKED };

bool host_park(int64_t deadline_ns)
{
    uint32_t *word = &thread_of(host_self())->permit;
    uint32_t none = NONE;

    if (__atomic_load_n(word, __ATOMIC_RELAXED) == PERMIT) {
        __atomic_exchange_n(word, NONE, __ATOMIC_ACQUIRE);
        return true;
    }
    if (deadline_ns != HOST_FOREVER && deadline_ns <= host_now())
        return false;
    if (__atomic_compare_exchange_n(word, &none, PARKED, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_ACQUIRE)) {
        while (__atomic_load_n(word, __ATOMIC_RELAXED) == PARKED) {
            if (host_futex_wait(word, PARKED, deadline_ns) == -ETIMEDOUT)
                break;
        }
    }
    return __atomic_exchange_n(word, NONE, __ATOMIC_ACQUIRE) == PERMIT;
}

void host_unpark(struct host_thread *h)
{
    uint32_t *word = &thread_of(h)->permit;

    if (__atomic_exchange_n(word, PERMIT, __ATOMIC_RELEASE) == PARKED)
        host_futex_wake(word, 1);
}

void host_spin(unsigned *rounds, const char *site)
{
    static const struct timespec nap = { 0, 50000 };
    unsigned round = (*rounds)++;

    (void)site;
    if (round < 64) {
        for (unsigned i = 0; i <= (round & 31); i++)
            host_pause();
    } else if (round < 1024) {
        sched_yield();
    } else {
        nanosleep(&nap, NULL);
    }
}

/* ---- chance ------------------------------------------------------------------------------ */

uint32_t host_choose(uint32_t n, enum host_choice kind, const char *site)
{
    (void)n;
    (void)kind;
    (void)site;
    return 0;
}

int64_t host_delay(int64_t most_ns, const char *site)
{
    (void)most_ns;
    (void)site;
    return 0;
}

void host_point(const char *site)
{
    (void)site;
}
