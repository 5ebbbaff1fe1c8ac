/*
 * buf.h: received bytes: shared blocks, slices of them, and the charge to an endpoint.
 * Private to src/net; see buf.c.
 */
#ifndef OPENWSK_NET_BUF_H
#define OPENWSK_NET_BUF_H

#include "net/net.h"

#define NET_SLICE_MAX        65536 /* the longest slice */
#define NET_RX_LIMIT_DEFAULT (256 * 1024)

/* The receive account of an endpoint; part of the endpoint's memory. */
struct net_rx {
    uint64_t state; /* atomic: references, paused bit, bytes; see buf.c */
    uint64_t limit_bytes;
    /* Reading may go on; from the thread of the put, with no lock of ours held. The account stays
     * alive during the call. */
    void (*resume)(struct net_rx *rx);
    /* The last reference is gone: free the memory. */
    void (*release)(struct net_rx *rx);
};

/* The account starts with one reference, which net_rx_put() drops. */
void net_rx_init(struct net_rx *rx, uint64_t limit_bytes, void (*resume)(struct net_rx *),
                 void (*release)(struct net_rx *));
void net_rx_put(struct net_rx *rx);
/* True: the limit is reached and reading is now paused, until `resume` is called. */
bool net_rx_pause(struct net_rx *rx);
/* Bytes that may still be charged; 0 when the limit is reached. */
size_t net_rx_room(const struct net_rx *rx);

struct net_pool;
struct net_pool *net_pool_create(void);
/* The pool lives on until its last slice is put. */
void net_pool_destroy(struct net_pool *pool);
/*
 * At least `want` (<= NET_SLICE_MAX) bytes to read into; *room is how many. NULL: out of memory.
 * Reserve, cursor and take are for one thread at a time (the loop).
 */
uint8_t *net_pool_reserve(struct net_pool *pool, size_t want, size_t *room);
/* Where the next slice's data will start; valid after a reserve. */
uint8_t *net_pool_cursor(struct net_pool *pool);
/* Makes a slice of the first `length` bytes at the cursor, which moves behind it. */
struct net_buf *net_pool_take(struct net_pool *pool, size_t length, struct net_rx *rx);
/* A slice in a block of its own, with a copy of two pieces. NULL: out of memory. */
struct net_buf *net_pool_copy(struct net_pool *pool, const void *a, size_t a_length, const void *b,
                              size_t b_length, struct net_rx *rx);
/* What one slice costs in the block besides its bytes. */
#define NET_SLICE_OVERHEAD 48

#endif
