/*
 * base.c: what every transport's endpoints have in common.
 */
#include "net/base.h"

struct net *net_ep_net(const struct net_ep *ep)
{
    return ep->net;
}

void *net_ep_user(const struct net_ep *ep)
{
    return __atomic_load_n(&ep->user, __ATOMIC_ACQUIRE);
}

void net_ep_set_user(struct net_ep *ep, void *user)
{
    __atomic_store_n(&ep->user, user, __ATOMIC_RELEASE);
}
