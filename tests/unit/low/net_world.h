/*
 * net_world.h: what a contract test needs to know of the transport that it runs against.
 *
 * The tests speak net.h only. How to run the network until something happened, and on which
 * addresses two endpoints of it can meet, is the world's business: real transports meet over
 * loopback, a simulated one makes up two hosts.
 */
#ifndef NET_WORLD_H
#define NET_WORLD_H

#include "net/net.h"

struct net_world {
    const struct net_transport *transport;
    struct net *net;
    struct net_addr any; /* where a listener can be bound so that it gets a port of its own */
};

/* An operation that remembers what happened to it. */
struct watched {
    struct net_op op;
    struct net_packet_info info;
    int runs;  /* done() ran this often */
    bool last; /* its last run was without `more` */
    int order; /* the number of its last done() among all */
    uint8_t bytes[70000];
    size_t count; /* bytes collected in buffer mode */
    bool hold;    /* keep the buffers */
    struct net_buf *held[64];
    int held_count;
    struct net_ep *accepted[64];
    int accepted_count;
    struct iovec iov;
};

void world_begin(struct net_world *w, const struct net_transport *t);
void world_end(struct net_world *w);

struct watched *watched_new(enum net_opcode code, uint32_t flags);
void watched_free(struct watched *o);
/* Submits; when it answers DONE, accounts for it as if done() had run. */
enum net_disposition watched_submit(struct net_ep *ep, struct watched *o);
/* Polls until the operation has ended, or gives up with a failure. */
void watched_wait(struct net_world *w, struct watched *o);
/* Polls until *value >= least. */
void world_wait_for(struct net_world *w, const int *value, int least);
void world_wait_bytes(struct net_world *w, const struct watched *o, size_t least);
/* Everything that is due is done: polls until a poll with nothing to do. */
void world_settle(struct net_world *w);

struct net_ep *world_open(struct net_world *w, enum net_ep_kind kind, size_t rx_limit_bytes);
void world_close(struct net_world *w, struct net_ep *ep, uint32_t flags);
/* A connected pair of streams. */
void world_pair(struct net_world *w, struct net_ep *pair[2], size_t rx_limit_bytes);
/* Sends all of it and waits for that. */
void world_send(struct net_world *w, struct net_ep *ep, const void *data, size_t length);

#endif
