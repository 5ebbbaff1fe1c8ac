/*
 * buf.c: received buffers: reference-counted slices of shared blocks.
 *
 * The loop reads into the unused rest of its current block and cuts off what arrived, so a message
 * costs its own length and a small header. Blocks whose slices are all put return to the pool's
 * free list; the pool lives until its last block does, so slices outlive their net. Each slice is
 * charged to its endpoint's account, which stops the reading at a limit and resumes it at half.
 *
 * Any thread may put. `pool->lock` protects the free list and the count of blocks in use; the rest
 * is atomic, or touched by the loop alone.
 */
#include <string.h>
#include <sanitizer/asan_interface.h>
#include "host/host.h"
#include "net/buf.h"

#define BLOCK_BYTES (NET_SLICE_MAX + 4096)
#define FREE_BLOCKS 32 /* kept for reuse; more are given back */

struct block {
    struct net_pool *pool;
    struct block *next;
    uint32_t refs; /* atomic: slices, and one while it is the current block */
    uint32_t used;
    _Alignas(16) uint8_t bytes[BLOCK_BYTES];
};

struct slice {
    struct net_buf pub;
    uint64_t charge_bytes;
    struct block *block;
    struct net_rx *rx;
};
_Static_assert(sizeof(struct slice) <= NET_SLICE_OVERHEAD, "overhead is what a slice costs");

struct net_pool {
    struct host_lock lock;
    struct block *free;
    unsigned free_count, in_use;
    bool dead;
    struct block *current;
};

/* ---- the account -------------------------------------------------------------------------------
 *
 * One word: references in the high 24 bits (one of the open endpoint, one per slice), a paused bit,
 * bytes below. That they share a word settles both races. A put that finds the paused bit clear
 * removes charge and reference in one step, so that a later pause sees the smaller charge; and it
 * never touches the endpoint after its reference is gone. A put that finds the bit set keeps its
 * reference until it has resumed the reading.
 */
#define ONE_REF ((uint64_t)1 << 40)
#define PAUSED  ((uint64_t)1 << 39)
#define BYTES   (PAUSED - 1)

void net_rx_init(struct net_rx *rx, uint64_t limit_bytes, void (*resume)(struct net_rx *),
                 void (*release)(struct net_rx *))
{
    rx->state = ONE_REF;
    rx->limit_bytes = limit_bytes ? limit_bytes : NET_RX_LIMIT_DEFAULT;
    rx->resume = resume;
    rx->release = release;
}

void net_rx_put(struct net_rx *rx)
{
    if (__atomic_sub_fetch(&rx->state, ONE_REF, __ATOMIC_ACQ_REL) < ONE_REF)
        rx->release(rx);
}

bool net_rx_pause(struct net_rx *rx)
{
    uint64_t state = __atomic_load_n(&rx->state, __ATOMIC_RELAXED);

    if ((state & BYTES) < rx->limit_bytes)
        return false;
    state = __atomic_fetch_or(&rx->state, PAUSED, __ATOMIC_ACQ_REL);
    if ((state & BYTES) > rx->limit_bytes / 2)
        return true;
    /* Enough was put between the two looks, by puts that did not see the bit. */
    __atomic_fetch_and(&rx->state, ~PAUSED, __ATOMIC_ACQ_REL);
    return false;
}

size_t net_rx_room(const struct net_rx *rx)
{
    uint64_t held = __atomic_load_n(&rx->state, __ATOMIC_RELAXED) & BYTES;

    return held < rx->limit_bytes ? rx->limit_bytes - held : 0;
}

static void rx_discharge(struct net_rx *rx, uint64_t bytes)
{
    uint64_t state = __atomic_load_n(&rx->state, __ATOMIC_RELAXED);

    while (!(state & PAUSED)) {
        uint64_t next = state - bytes - ONE_REF;

        if (!__atomic_compare_exchange_n(&rx->state, &state, next, true, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
            continue;
        if (next < ONE_REF)
            rx->release(rx);
        return;
    }
    state = __atomic_sub_fetch(&rx->state, bytes, __ATOMIC_ACQ_REL);
    if ((state & BYTES) <= rx->limit_bytes / 2 &&
        (__atomic_fetch_and(&rx->state, ~PAUSED, __ATOMIC_ACQ_REL) & PAUSED))
        rx->resume(rx);
    net_rx_put(rx);
}

/* ---- blocks -------------------------------------------------------------------------------------
 */

struct net_pool *net_pool_create(void)
{
    struct net_pool *pool = host_zalloc(sizeof(*pool));

    if (pool)
        host_lock_init(&pool->lock, HOST_RANK_NET_LEAF);
    return pool;
}

static struct block *block_get(struct net_pool *pool)
{
    struct block *b;

    host_lock(&pool->lock);
    b = pool->free;
    if (b) {
        pool->free = b->next;
        pool->free_count--;
    }
    pool->in_use++;
    host_unlock(&pool->lock);
    if (!b) {
        b = host_alloc(sizeof(*b), 16);
        if (!b) {
            host_lock(&pool->lock);
            pool->in_use--;
            host_unlock(&pool->lock);
            return NULL;
        }
    }
    b->pool = pool;
    b->next = NULL;
    b->refs = 1;
    b->used = 0;
    return b;
}

static void block_put(struct block *b)
{
    struct net_pool *pool = b->pool;
    bool keep, last;

    if (__atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASAN_UNPOISON_MEMORY_REGION(b->bytes, BLOCK_BYTES);
    host_lock(&pool->lock);
    pool->in_use--;
    last = pool->dead && pool->in_use == 0;
    keep = !pool->dead && pool->free_count < FREE_BLOCKS;
    if (keep) {
        b->next = pool->free;
        pool->free = b;
        pool->free_count++;
    }
    host_unlock(&pool->lock);
    if (!keep)
        host_free(b);
    if (last)
        host_free(pool);
}

void net_pool_destroy(struct net_pool *pool)
{
    struct block *b, *list;
    bool last;

    if (pool->current)
        block_put(pool->current);
    pool->current = NULL;
    host_lock(&pool->lock);
    list = pool->free;
    pool->free = NULL;
    pool->dead = true;
    last = pool->in_use == 0;
    host_unlock(&pool->lock);
    while ((b = list)) {
        list = b->next;
        host_free(b);
    }
    if (last)
        host_free(pool);
}

uint8_t *net_pool_reserve(struct net_pool *pool, size_t want, size_t *room)
{
    struct block *b = pool->current;

    if (!b || BLOCK_BYTES - b->used < want + NET_SLICE_OVERHEAD) {
        b = block_get(pool);
        if (!b)
            return NULL;
        if (pool->current)
            block_put(pool->current);
        pool->current = b;
    }
    *room = BLOCK_BYTES - b->used - NET_SLICE_OVERHEAD;
    return b->bytes + b->used + NET_SLICE_OVERHEAD;
}

uint8_t *net_pool_cursor(struct net_pool *pool)
{
    return pool->current->bytes + pool->current->used + NET_SLICE_OVERHEAD;
}

static struct net_buf *cut(struct block *b, size_t length, struct net_rx *rx)
{
    struct slice *s = (struct slice *)(b->bytes + b->used);

    s->pub.data = b->bytes + b->used + NET_SLICE_OVERHEAD;
    s->pub.length = (uint32_t)length;
    s->pub.refs = 1;
    s->charge_bytes = length + NET_SLICE_OVERHEAD;
    s->block = b;
    s->rx = rx;
    b->used += (uint32_t)((NET_SLICE_OVERHEAD + length + 15) & ~(size_t)15);
    __atomic_add_fetch(&rx->state, ONE_REF + s->charge_bytes, __ATOMIC_RELAXED);
    return &s->pub;
}

struct net_buf *net_pool_take(struct net_pool *pool, size_t length, struct net_rx *rx)
{
    __atomic_add_fetch(&pool->current->refs, 1, __ATOMIC_RELAXED);
    return cut(pool->current, length, rx);
}

struct net_buf *net_pool_copy(struct net_pool *pool, const void *a, size_t a_length, const void *b,
                              size_t b_length, struct net_rx *rx)
{
    struct block *block = block_get(pool);
    struct net_buf *buf;

    HOST_ASSERT(a_length + b_length <= NET_SLICE_MAX);
    if (!block)
        return NULL;
    buf = cut(block, a_length + b_length, rx); /* takes over the reference of the current block */
    memcpy(buf->data, a, a_length);
    memcpy(buf->data + a_length, b, b_length);
    return buf;
}

/* ---- slices -------------------------------------------------------------------------------------
 */

void net_buf_get(struct net_buf *b)
{
    uint32_t before = __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);

    HOST_ASSERT(before > 0);
}

void net_buf_put(struct net_buf *b)
{
    struct slice *s = (struct slice *)b;
    uint32_t before = __atomic_fetch_sub(&b->refs, 1, __ATOMIC_ACQ_REL);
    struct block *block;
    struct net_rx *rx;
    uint64_t charge;

    HOST_ASSERT(before > 0);
    if (before != 1)
        return;
    block = s->block;
    rx = s->rx;
    charge = s->charge_bytes;
    ASAN_POISON_MEMORY_REGION(s, NET_SLICE_OVERHEAD + b->length);
    block_put(block);
    rx_discharge(rx, charge);
}
