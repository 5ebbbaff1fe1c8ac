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

/* sim_peer_udp.c */
void sim_peer_udp_echo(struct sim_event *e);
void sim_peer_udp_check(struct sim_event *e);

#endif
