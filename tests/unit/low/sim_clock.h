/*
 * sim_clock.h: time and chance for tests of the simulated network.
 *
 * The linker leads host_now(), host_park(), host_choose() and the allocations here. With virtual
 * time, which is for tests of one thread, parking until a deadline makes it that late at once;
 * parking for ever is a failure, since nobody else could end it.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include "host/host.h"
#include "net/sim.h"
#include "net/sim_peer.h"
#include "net_world.h"

/* What host_choose() answers; NULL: 0. */
extern uint32_t (*sim_chooser)(uint32_t n, enum host_choice kind, const char *site);

/* A chooser that draws from a generator; seed it with anything but 0. */
uint32_t sim_random(uint32_t n, enum host_choice kind, const char *site);
void sim_random_seed(uint64_t seed);

/* A chooser that lets every fault happen whose rate is above 0, in its mildest form. */
uint32_t sim_always(uint32_t n, enum host_choice kind, const char *site);

void sim_clock_virtual(void);

/* So many of a thousand allocations fail, at random. */
void sim_short_memory(unsigned permille);

/* A world in virtual time: host 0 has 10.0.0.1 and fd00::1, host 1 ("far") 10.0.0.2 and fd00::2. */
struct sim_place {
    struct sim_world *world;
    struct net_world w;
    char violation[256]; /* the last one */
};
extern const struct net_addr near4, near6, far4, far6, sim_loopback4, sim_loopback6;
struct net_addr sim_at(struct net_addr a, uint16_t port);

void sim_place_begin(struct sim_place *p, const struct sim_faults *faults);
void sim_place_begin_with(struct sim_place *p, const struct sim_config *config);
/* Also fails if there was a violation. */
void sim_place_end(struct sim_place *p);

/* Runs the network for a while. */
void sim_pass(struct sim_place *p, int64_t ns);
/* Polls until the operation has ended, which must be within `limit_ns`; frees it; its result. */
int64_t sim_result(struct sim_place *p, struct watched *o, int64_t limit_ns);
int64_t sim_connect(struct sim_place *p, struct net_ep *ep, struct net_addr to, int64_t limit_ns);
struct net_ep *sim_open(struct sim_place *p, enum net_ep_kind kind, enum net_family family);
void sim_set(struct net_ep *ep, enum net_opt opt, int value);
int sim_get(struct net_ep *ep, enum net_opt opt);
/* A listener at the address, and its address with the port. */
struct net_ep *sim_listen(struct sim_place *p, struct net_addr *at, int backlog);

#endif
