/*
 * scenario.h: what happens around the drivers, as a scenario file says.
 */
#ifndef OPENWSK_SCENARIO_H
#define OPENWSK_SCENARIO_H

#include "net/sim.h"
#include "net/sim_peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scenario_host {
    char *name;
    char **addresses;
    unsigned addresses_count;
};

struct scenario_link {
    char *from, *to; /* names of hosts; "local" is the drivers' machine */
    double latency_ms;
    uint64_t bandwidth_kbit;
    unsigned queue;
};

struct scenario_cut {
    char *from, *to;
    double at_ms, for_ms;
};

struct scenario_step {
    enum sim_step_kind kind;
    char *text;
    uint64_t bytes;
    double ms;
};

struct scenario_peer {
    char *name;
    enum sim_peer_kind kind;
    char *host, *at, *target; /* at, target: ADDRESS:PORT */
    uint64_t bytes;
    unsigned count;
    unsigned chunk;
    double pause_ms, start_ms;
    bool lossless;
    struct scenario_step *steps;
    unsigned steps_count;
};

struct scenario_fault {
    enum sim_fault kind;
    unsigned permille;
};

struct scenario {
    double duration; /* seconds of virtual time at most; 0: as --for says */
    struct scenario_host *hosts;
    unsigned hosts_count;
    struct scenario_link *links;
    unsigned links_count;
    struct scenario_cut *cuts;
    unsigned cuts_count;
    struct scenario_peer *peers;
    unsigned peers_count;
    struct scenario_fault *faults; /* rates that are not drawn */
    unsigned faults_count;
    char **expect; /* beginnings of rows of coverage that a sweep over seeds must have seen */
    unsigned expect_count;
};

/* Ends the program when the file cannot be read or says something impossible. */
const struct scenario *scenario_read(const char *file);
/* The rates that the file fixes. */
void scenario_faults(const struct scenario *s, struct sim_faults *faults);
/* Hosts, links, and the peers that serve. */
void scenario_begin(const struct scenario *s, struct sim_world *w);
/* The drivers are loaded: the peers that connect or send begin. */
void scenario_connect(const struct scenario *s, struct sim_world *w);
/* The time of the i-th cut after the beginning, in ns, and the cut itself. They are in order. */
int64_t scenario_cut_at(const struct scenario *s, unsigned i);
void scenario_cut(const struct scenario *s, struct sim_world *w, unsigned i);
/* Are there peers that use streams? */
bool scenario_has_streams(const struct scenario *s);
/* Do the peers have nothing more to do? */
bool scenario_finished(void);
/* What came of the peers' connections and datagrams. */
struct coverage;
void scenario_cover(struct coverage *c);
/*
 * What is wrong at the end, or NULL. `must_complete`: nothing was made to fail, so every connection
 * must have come to its end.
 */
const char *scenario_verdict(bool must_complete);

#endif
