/*
 * sim.h: the simulated network behind net.h, for whoever sets up a world.
 *
 * A world holds hosts with addresses, the links between them and a queue of events that is ordered
 * by time and then by number. Host 0 is the machine on which the nets live; model peers (see
 * sim_peer.h) live on any host. The transport is net_sim; net_sim.create() uses the world that
 * exists at that time, so the world is created before the nets and destroyed after them. There is
 * one world at a time.
 *
 * Time comes from host_now(), every decision from host_choose(), where 0 is the boring answer:
 * with all rates 0 nothing is lost, everything keeps its order, and what can happen at once does.
 * Times are nanoseconds; functions that can fail return 0 or -errno.
 */
#ifndef OPENWSK_NET_SIM_H
#define OPENWSK_NET_SIM_H

#include "net/net.h"

/* The kinds of faults. Each has a rate in permille: how often a chance to fire is taken. */
enum sim_fault {
#define SIM_FAULT(name, text, drawn_max) SIM_##name,
#include "net/sim_fault.def"
#undef SIM_FAULT
    SIM_FAULT_COUNT
};

struct sim_faults {
    uint16_t permille[SIM_FAULT_COUNT];
    /* Of every link that has no values of its own; see sim_link_set(). */
    int64_t latency_ns;     /* of every packet; not on loopback */
    int64_t jitter_ns;      /* SIM_JITTER adds up to this */
    uint64_t bandwidth_bps; /* 0: infinite */
    unsigned queue_packets; /* that wait for the bandwidth; 0: no limit */
};

struct sim_config {
    struct sim_faults faults;
    /* Names that the resolver knows; ends with name NULL. A name may come several times. */
    const struct net_host *names;
    size_t send_buffer_bytes, receive_buffer_bytes; /* of streams; 0: 256 KiB and 128 KiB */
    bool silent_void; /* addresses that nobody has swallow packets: else they are unreachable */
    /* The model broke one of its own promises, or a peer saw wrong bytes. Called with the world's
     * lock held: it may only take a note. */
    void (*violation)(void *context, const char *text);
    void *context;
};

struct sim_world;

/* -ENOMEM, or -EBUSY when a world exists. */
int sim_world_create(struct sim_world **out, const struct sim_config *config);
/* After the last net's destroy(). */
void sim_world_destroy(struct sim_world *w);

/* Draws a swarm of rates: each kind is off with probability 1/2, else its rate is drawn, too. */
void sim_faults_draw(struct sim_faults *out);
/* From now on the rates hold; also while the nets run. */
void sim_faults_set(struct sim_world *w, const struct sim_faults *faults);
/* No faults any more, and every link works: what was delayed arrives soon. */
void sim_heal(struct sim_world *w);
/* How often the kind fired since the world was created. */
uint64_t sim_fault_count(struct sim_world *w, enum sim_fault kind);
const char *sim_fault_name(enum sim_fault kind);

/* The number of a new host, or -ENOMEM. Host 0, "local", exists already. */
int sim_host_add(struct sim_world *w, const char *name);
/* Gives a host an address, or takes it away; ADDRESS_CHANGE operations of host 0 end. Every host
 * has 127.0.0.0/8 and ::1. -EEXIST, -ENOENT or -ENOMEM. */
int sim_address_add(struct sim_world *w, int host, const struct net_addr *addr);
int sim_address_remove(struct sim_world *w, int host, const struct net_addr *addr);

struct sim_link_values {
    int64_t latency_ns;
    uint64_t bandwidth_bps;
    unsigned queue_packets;
};
/* One direction. -ENOMEM. */
int sim_link_set(struct sim_world *w, int from, int to, const struct sim_link_values *values);
/* Nothing passes in that direction until then (HOST_FOREVER allowed); a time in the past heals. */
int sim_link_cut(struct sim_world *w, int from, int to, int64_t until_ns);

extern const struct net_transport net_sim;

#endif
