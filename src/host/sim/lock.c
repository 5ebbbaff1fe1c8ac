/*
 * lock.c: locks. Only one fiber runs at a time, so a lock is a word that says whether it is taken;
 * who finds it taken waits until it is given back, and asks again.
 */
#include "host/sim/sched.h"

enum { FREE, TAKEN };

struct lock_sites {
    const char *lock, *unlock;
};

/* The places of locks are told apart by what they protect, as a lock more here or there is what
 * sources change most. */
static const struct lock_sites *sites_of(const struct host_lock *l)
{
    static const struct lock_sites other = { "lock", "unlock" };
    static const struct lock_sites by_rank[] = {
        [HOST_RANK_RUN] = { "lock drivers", "unlock drivers" },
        [HOST_RANK_WSK_CLIENT] = { "lock client", "unlock client" },
        [HOST_RANK_WSK_SOCKET] = { "lock socket", "unlock socket" },
        [HOST_RANK_WSK_LEAF] = { "lock wsk leaf", "unlock wsk leaf" },
        [HOST_RANK_NT_OBJECT] = { "lock object", "unlock object" },
        [HOST_RANK_NT_DISPATCHER] = { "lock dispatcher", "unlock dispatcher" },
        [HOST_RANK_NT_TIMER] = { "lock timers", "unlock timers" },
        [HOST_RANK_NT_DPC] = { "lock DPCs", "unlock DPCs" },
        [HOST_RANK_NT_LEAF] = { "lock nt leaf", "unlock nt leaf" },
        [HOST_RANK_NET_EP] = { "lock endpoint", "unlock endpoint" },
        [HOST_RANK_NET] = { "lock net", "unlock net" },
        [HOST_RANK_NET_MODEL] = { "lock network", "unlock network" },
        [HOST_RANK_NET_LEAF] = { "lock net leaf", "unlock net leaf" },
    };
    bool known = l->rank < sizeof(by_rank) / sizeof(*by_rank) && by_rank[l->rank].lock;

    return known ? &by_rank[l->rank] : &other;
}

void host_lock_init(struct host_lock *l, enum host_rank rank)
{
    *l = (struct host_lock)HOST_LOCK_INIT((uint16_t)rank);
}

static void check_rank(const struct fiber *f, unsigned rank)
{
    uint64_t above = rank >= 64 ? f->held[1] >> (rank - 64) : f->held[1] | f->held[0] >> rank;

    if (above)
        host_panic("lock of rank %u taken while holding one of at least that rank", rank);
}

void host_lock(struct host_lock *l)
{
    struct fiber *self = sched.running;
    const char *site = sites_of(l)->lock;

    check_rank(self, l->rank);
    sched_point(site, NULL);
    while (l->word != FREE) {
        HOST_ASSERT(sched.on);
        self->state = FIBER_BLOCKED;
        self->lock = l;
        sched_wait(site);
    }
    if (l->rank == HOST_RANK_NET_MODEL)
        watch(false);
    else
        HAPPENS_AFTER(l);
    l->word = TAKEN;
    l->owner = &self->pub;
    self->held[l->rank / 64] |= UINT64_C(1) << l->rank % 64;
}

void host_unlock(struct host_lock *l)
{
    struct fiber *self = sched.running;

    HOST_ASSERT(l->owner == &self->pub);
    self->held[l->rank / 64] &= ~(UINT64_C(1) << l->rank % 64);
    if (l->rank == HOST_RANK_NET_MODEL)
        watch(true);
    else
        HAPPENS_BEFORE(l);
    l->owner = NULL;
    l->word = FREE;
    for (struct fiber *f = sched.all; f; f = f->next)
        if (f->state == FIBER_BLOCKED && f->lock == l)
            sched_make_ready(f);
    sched_point(sites_of(l)->unlock, NULL);
}

bool host_lock_held(const struct host_lock *l)
{
    return l->owner == &sched.running->pub;
}

void host_assert_unlocked(void)
{
    const struct fiber *f = sched.running;

    if (!(f->held[0] | f->held[1]))
        return;
    for (unsigned rank = 128; rank-- > 0;)
        if (f->held[rank / 64] >> rank % 64 & 1)
            host_panic("a driver is called with a lock of rank %u held", rank);
}
