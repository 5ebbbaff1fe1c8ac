/*
 * sim_peerp.h: the insides of model peers. Private to src/net/sim_peer*.c.
 */
#ifndef OPENWSK_NET_SIM_PEERP_H
#define OPENWSK_NET_SIM_PEERP_H

#include "net/sim_peer.h"
#include "net/simp.h"

#define SIM_PEER_CHUNK 4096

/* One connection of a peer. */
struct sim_talk {
    struct sim_talk *next, **pprev;
    struct sim_peer *peer;
    struct sim_sock sock;
    struct sim_event step;
    unsigned stream;
    uint64_t in, out;      /* bytes read and written */
    uint64_t stop_at;      /* fault: an echo stops sending here */
    bool finished_out;     /* our FIN is on its way */
    size_t held, held_out; /* echo: bytes in `hold`, and of these written */
    unsigned at;           /* script: the step, */
    size_t done;           /* how much of it is done, in bytes, */
    int64_t until_ns;      /* and until when it waits */
    uint8_t hold[SIM_PEER_CHUNK];
};

struct sim_peer {
    struct sim_peer *next;
    struct sim_world *world;
    enum sim_peer_kind kind;
    struct sim_host *host;
    struct net_addr target;
    struct sim_peer_params params;
    struct sim_peer_result result;
    struct sim_sock sock; /* the listener, or the datagram socket */
    struct sim_event step;
    struct sim_talk *talks;
    uint8_t *seen;   /* UDP checker: which came back */
    int64_t next_ns; /* UDP checker: when it sends the next one, or gives up */
};

void sim_peer_violation(struct sim_peer *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The step runs soon, if it does not wait for a time already. */
void sim_peer_soon(struct sim_peer *p, struct sim_event *e, void (*run)(struct sim_event *));

/* sim_peer_tcp.c */
void sim_talk_accept(struct sim_event *e);  /* of peer->step */
void sim_talk_connect(struct sim_event *e); /* of peer->step */
void sim_talk_free(struct sim_talk *t);
void sim_talk_step(struct sim_event *e); /* of talk->step */
/* Ends a talk, and the connection: gently unless it is to be reset. Returns false. */
bool sim_talk_end(struct sim_talk *t, bool complete, bool abort);
/* 1: all of it is written. 0: not now. -1: the connection is broken. */
int sim_talk_write(struct sim_talk *t, const uint8_t *data, size_t n, size_t *done);
/* > 0: bytes. 0: the end. -EAGAIN: not now. Else broken. */
int64_t sim_talk_read(struct sim_talk *t, uint8_t *data, size_t room);
void sim_talk_fin(struct sim_talk *t);

/* sim_peer_script.c: the talk goes on; false: it has ended. */
bool sim_talk_script(struct sim_talk *t);

/* sim_peer_udp.c */
void sim_peer_udp_echo(struct sim_event *e);
void sim_peer_udp_check(struct sim_event *e);

#endif
