/*
 * addr.c: between net_addr and the system's socket addresses. Pure functions.
 */
#include <arpa/inet.h>
#include <string.h>
#include "net/addr.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

int net_family_to_system(unsigned family)
{
    if (family == NET_IP4)
        return AF_INET;
    return family == NET_IP6 ? AF_INET6 : AF_UNSPEC;
}

socklen_t net_addr_to_system(const struct net_addr *a, union net_sockaddr *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == NET_IP4) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(a->port);
        memcpy(&out->in.sin_addr, a->ip, 4);
        return sizeof(out->in);
    }
    if (a->family == NET_IP6) {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(a->port);
        memcpy(&out->in6.sin6_addr, a->ip, 16);
        out->in6.sin6_flowinfo = a->flow_info;
        out->in6.sin6_scope_id = a->scope_id;
        return sizeof(out->in6);
    }
    return 0;
}

void net_addr_from_system(struct net_addr *a, const struct sockaddr *sa)
{
    const union net_sockaddr *u = (const void *)sa;

    memset(a, 0, sizeof(*a));
    if (!sa)
        return;
    if (sa->sa_family == AF_INET) {
        a->family = NET_IP4;
        a->port = ntohs(u->in.sin_port);
        memcpy(a->ip, &u->in.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        a->family = NET_IP6;
        a->port = ntohs(u->in6.sin6_port);
        memcpy(a->ip, &u->in6.sin6_addr, 16);
        a->flow_info = u->in6.sin6_flowinfo;
        a->scope_id = u->in6.sin6_scope_id;
    }
}

bool net_addr_is_v4mapped(const struct net_addr *a)
{
    return a->family == NET_IP6 && memcmp(a->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

void net_addr_unmap(struct net_addr *a)
{
    if (!net_addr_is_v4mapped(a))
        return;
    memmove(a->ip, a->ip + 12, 4);
    memset(a->ip + 4, 0, 12);
    a->family = NET_IP4;
    a->flow_info = 0;
    a->scope_id = 0;
}

bool net_addr_same_ip(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == NET_IP4 ? 4 : 16) == 0;
}
