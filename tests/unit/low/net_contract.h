/*
 * net_contract.h: the ten points of net.h's contract, as tests that any transport must pass.
 * Each takes a fresh world.
 */
#ifndef NET_CONTRACT_H
#define NET_CONTRACT_H

#include "net_world.h"

struct net_contract_test {
    const char *name;
    void (*run)(struct net_world *w);
};

/* Ends with name NULL. */
extern const struct net_contract_test net_contract_tests[];

#endif
