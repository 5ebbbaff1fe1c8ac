/*
 * lock.c: short, ranked locks for the threads host.
 *
 * A futex lock in three states (free, taken, taken with sleepers) that spins a little before it
 * sleeps: what it protects is a few hundred nanoseconds long. Rank checking is always on; it costs
 * a shift and a compare, because a thread's held locks are one bit per rank.
 */
#include "host/threads/thread.h"

enum { FREE, TAKEN, CONTENDED };

#define SPINS 100

void host_lock_init(struct host_lock *l, enum host_rank rank)
{
    HOST_ASSERT((unsigned)rank < HOST_RANKS);
    l->word = FREE;
    l->rank = (uint16_t)rank;
    l->pad = 0;
    l->owner = NULL;
}

static unsigned highest_held(const struct thread *t)
{
    if (t->held[1])
        return 127 - (unsigned)__builtin_clzll(t->held[1]);
    return 63 - (unsigned)__builtin_clzll(t->held[0]);
}

static inline void check_rank(const struct thread *t, const struct host_lock *l)
{
    unsigned rank = l->rank;
    uint64_t above;

    HOST_ASSERT(rank > 0); /* else it was never initialised */
    if (rank >= 64)
        above = t->held[1] >> (rank - 64);
    else
        above = t->held[1] | (t->held[0] >> rank);
    if (above)
        host_panic("lock of rank %u taken while holding a lock of rank %u", rank, highest_held(t));
}

static void lock_slow(struct host_lock *l)
{
    for (unsigned i = 0; i < SPINS; i++) {
        uint32_t expected = FREE;

        if (__atomic_load_n(&l->word, __ATOMIC_RELAXED) == FREE &&
            __atomic_compare_exchange_n(&l->word, &expected, TAKEN, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return;
        host_pause();
    }
    /* Whoever slept cannot know whether others still do, so it takes the lock as contended. */
    while (__atomic_exchange_n(&l->word, CONTENDED, __ATOMIC_ACQUIRE) != FREE)
        host_futex_wait(&l->word, CONTENDED, HOST_FOREVER);
}

void host_lock(struct host_lock *l)
{
    struct thread *t = thread_of(host_self());
    uint32_t expected = FREE;

    check_rank(t, l);
    if (!__atomic_compare_exchange_n(&l->word, &expected, TAKEN, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        lock_slow(l);
    __atomic_store_n(&l->owner, &t->pub, __ATOMIC_RELAXED);
    t->held[l->rank / 64] |= 1ull << (l->rank % 64);
}

void host_unlock(struct host_lock *l)
{
    struct thread *t = thread_of(host_self());

    HOST_ASSERT(__atomic_load_n(&l->owner, __ATOMIC_RELAXED) == &t->pub);
    t->held[l->rank / 64] &= ~(1ull << (l->rank % 64));
    __atomic_store_n(&l->owner, NULL, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&l->word, FREE, __ATOMIC_RELEASE) == CONTENDED)
        host_futex_wake(&l->word, 1);
}

bool host_lock_held(const struct host_lock *l)
{
    return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) == host_self();
}

void host_assert_unlocked(void)
{
    const struct thread *t = thread_of(host_self());

    if (__builtin_expect((t->held[0] | t->held[1]) != 0, 0))
        host_panic("a driver is called with a lock of rank %u held", highest_held(t));
}
