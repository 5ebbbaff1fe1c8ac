/*
 * addr.h: between net_addr and the system's socket addresses. Private to src/net.
 */
#ifndef OPENWSK_NET_ADDR_H
#define OPENWSK_NET_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include "net/net.h"

union net_sockaddr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* The length of the system's form; 0 when the family is neither IPv4 nor IPv6. */
socklen_t net_addr_to_system(const struct net_addr *a, union net_sockaddr *out);
/* Anything that is neither IPv4 nor IPv6 becomes NET_UNSPEC. */
void net_addr_from_system(struct net_addr *a, const struct sockaddr *sa);

/* The system's number of a family; AF_UNSPEC for NET_UNSPEC. */
int net_family_to_system(unsigned family);

/* ::ffff:a.b.c.d */
bool net_addr_is_v4mapped(const struct net_addr *a);
/* Turns ::ffff:a.b.c.d into a.b.c.d; leaves everything else alone. */
void net_addr_unmap(struct net_addr *a);
bool net_addr_same_ip(const struct net_addr *a, const struct net_addr *b);

#endif
