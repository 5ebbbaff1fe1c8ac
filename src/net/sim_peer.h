/*
 * sim_peer.h: model peers: small scripted programs on the hosts of a simulated world.
 *
 * A peer has no thread: it is a handler of its sockets' events. It serves, or connects to a target;
 * it follows the faults of the world as everybody does. What it has seen can be read at any time.
 */
#ifndef OPENWSK_NET_SIM_PEER_H
#define OPENWSK_NET_SIM_PEER_H

#include "net/sim.h"

enum sim_peer_kind {
    SIM_PEER_ECHO,       /* streams: sends back what it receives; ends when the other side ends */
    SIM_PEER_SINK,       /* streams: reads everything */
    SIM_PEER_SOURCE,     /* streams: sends `bytes` of the pattern, then ends, reads nothing */
    SIM_PEER_CHECKER,    /* streams: sends `bytes` of the pattern to somebody who echoes, ends, and
                            checks what comes back: in order, exactly once, all of it */
    SIM_PEER_SLOW,       /* streams: reads `chunk` bytes every `pause_ns`; one that connects also
                            sends `bytes` of the pattern, then ends */
    SIM_PEER_RESETTER,   /* streams: reads, and resets the connection at byte `bytes`; one that
                            connects also sends `bytes` and `chunk` more of the pattern */
    SIM_PEER_HALF,       /* streams: ends its side at once, then reads to the end */
    SIM_PEER_SCRIPT,     /* streams: follows `steps` on each connection, then ends */
    SIM_PEER_UDP_ECHO,   /* datagrams: sends each one back */
    SIM_PEER_UDP_CHECKER /* datagrams: sends `count` of the pattern to somebody who echoes, and
                            checks what comes back: intact, each sent one, nothing else */
};

enum sim_step_kind {
    SIM_STEP_EXPECT, /* reads until `text` has come, or `bytes` bytes have */
    SIM_STEP_SEND,   /* `text`, or `bytes` of the pattern */
    SIM_STEP_WAIT,   /* `wait_ns` */
    SIM_STEP_FIN,    /* ends our side */
    SIM_STEP_END,    /* reads until the other side ends */
    SIM_STEP_RESET   /* the last step: the connection is reset */
};

struct sim_peer_step {
    enum sim_step_kind kind;
    const char *text; /* NULL: bytes count */
    uint64_t bytes;
    int64_t wait_ns;
};

struct sim_peer_params {
    uint64_t bytes;
    unsigned count; /* datagrams; streams that connect: how many connections in turn, 0: 1 */
    const struct sim_peer_step *steps; /* live as long as the world */
    unsigned step_count;
    size_t chunk;     /* bytes per write, or per read of the slow one; 0: 4096 */
    int64_t pause_ns; /* between writes, or reads of the slow one */
    int64_t start_ns; /* after the peer was added, for those that connect or send */
    bool lossless;    /* UDP checker: all must come back */
};

struct sim_peer_result {
    unsigned started, ended; /* connections: begun, and ended in whatever way */
    unsigned complete;       /* of these: in order, with everything that was asked for */
    unsigned failed;         /* of these: refused, reset or timed out */
    uint64_t bytes_in, bytes_out;
    uint64_t datagrams_in, datagrams_out;
    bool finished;   /* a peer that connects or sends has nothing more to do */
    char error[160]; /* the first violation; empty: none. The world is told as well */
};

struct sim_peer;

/*
 * Adds a peer on a host. With a target (family not NET_UNSPEC) it connects, or sends, to it; else
 * it serves at `at`, whose port must be given. `at` may be NULL with a target. 0 or -errno. The
 * peer lives as long as the world.
 */
int sim_peer_add(struct sim_world *w, struct sim_peer **out, enum sim_peer_kind kind, int host,
                 const struct net_addr *at, const struct net_addr *target,
                 const struct sim_peer_params *params);
void sim_peer_result(struct sim_peer *p, struct sim_peer_result *out);

/*
 * Every model peer resets each connection that it has now, or ends its side of it there; those that
 * connect go on with their next one. For whoever looks for the worst moment.
 */
void sim_peers_break(struct sim_world *w, bool reset);

/* The byte at a position of the pattern; a peer's streams number `stream` from 0. */
uint8_t sim_pattern(uint64_t position, unsigned stream);

/* For sim_world.c, with the world's lock held. */
void sim_peers_free(struct sim_world *w);

#endif
