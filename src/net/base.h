/*
 * base.h: what every transport's net and endpoint begin with. Private to src/net.
 */
#ifndef OPENWSK_NET_BASE_H
#define OPENWSK_NET_BASE_H

#include "net/net.h"

struct net {
    const struct net_transport *transport;
};

struct net_ep {
    const struct net_transport *transport;
    struct net *net; /* where it lives, for life */
    void *user;      /* atomic: the caller may set it while the loop reads it */
};

#endif
