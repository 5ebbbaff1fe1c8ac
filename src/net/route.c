/*
 * route.c: the machine's own addresses, and news of their changes, through rtnetlink.
 *
 * The kernel also announces what is no change to us (a lifetime that was extended, say). So an
 * endpoint keeps the list of addresses that was valid when its first waiting operation came, and an
 * announcement ends the operations only if the list has changed. Runs under ep->lock.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>
#include "net/epoll.h"

#define SNAPSHOT_MAX 256

struct snapshot {
    size_t count;
    struct net_addr addrs[SNAPSHOT_MAX];
};

static bool wanted(const struct ifaddrs *i, enum net_family family, struct net_addr *a)
{
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
        return false;
    net_addr_from_system(a, i->ifa_addr);
    if (a->family == NET_UNSPEC || (family != NET_UNSPEC && a->family != family))
        return false;
    /* IPv4 has no place for it in the system's form, but callers need the interface all the same.
     */
    if (a->family == NET_IP4)
        a->scope_id = if_nametoindex(i->ifa_name);
    return true;
}

int net_local_addresses(enum net_family family, struct net_addr *out, size_t room, size_t *count)
{
    struct ifaddrs *list;
    struct net_addr a;
    size_t n = 0;

    if (getifaddrs(&list) < 0)
        return -errno;
    for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
        if (!wanted(i, family, &a))
            continue;
        if (n < room)
            out[n] = a;
        n++;
    }
    freeifaddrs(list);
    *count = n;
    return 0;
}

int net_local_for(struct net_addr *a)
{
    union net_sockaddr sa;
    socklen_t length;
    int error = 0, fd;

    /* A datagram socket that is connected has been given its source address; nothing is sent. */
    if (a->port == 0)
        a->port = 9;
    length = net_addr_to_system(a, &sa);
    fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, &sa.sa, length) < 0)
        error = -errno;
    length = sizeof(sa);
    if (error == 0 && getsockname(fd, &sa.sa, &length) < 0)
        error = -errno;
    close(fd);
    if (error == 0)
        net_addr_from_system(a, &sa.sa);
    return error;
}

static void take_snapshot(struct epoll_ep *ep, struct snapshot *s)
{
    memset(s, 0, sizeof(*s));
    net_local_addresses(ep->family, s->addrs, SNAPSHOT_MAX, &s->count);
}

static bool contains(const struct snapshot *s, const struct net_addr *a)
{
    for (size_t i = 0; i < s->count && i < SNAPSHOT_MAX; i++) {
        if (net_addr_same_ip(&s->addrs[i], a) && s->addrs[i].scope_id == a->scope_id)
            return true;
    }
    return false;
}

static bool changed(struct epoll_ep *ep)
{
    const struct snapshot *old = ep->extra;
    struct snapshot *now = host_alloc(sizeof(*now), 16);
    bool result = true;

    if (!now)
        return true;
    take_snapshot(ep, now);
    if (now->count == old->count) {
        result = false;
        for (size_t i = 0; i < now->count && i < SNAPSHOT_MAX && !result; i++)
            result = !contains(old, &now->addrs[i]);
    }
    host_free(now);
    return result;
}

int epoll_open_route(struct epoll_ep *ep)
{
    struct sockaddr_nl sa = { .nl_family = AF_NETLINK };

    if (ep->family != NET_IP6)
        sa.nl_groups |= RTMGRP_IPV4_IFADDR;
    if (ep->family != NET_IP4)
        sa.nl_groups |= RTMGRP_IPV6_IFADDR;
    ep->extra = host_zalloc(sizeof(struct snapshot));
    if (!ep->extra)
        return -ENOMEM;
    ep->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (ep->fd >= 0 && bind(ep->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
        epoll_register(ep) == 0)
        return 0;
    host_free(ep->extra);
    ep->extra = NULL;
    return -errno;
}

void epoll_close_route(struct epoll_ep *ep)
{
    if (ep->kind == NET_EP_ROUTE)
        host_free(ep->extra);
}

enum net_disposition epoll_submit_route(struct epoll_ep *ep, struct net_op *op)
{
    host_lock(&ep->lock);
    if (!ep->ops.rx.head)
        take_snapshot(ep, ep->extra);
    net_queue_push(&ep->ops.rx, op);
    host_unlock(&ep->lock);
    return NET_PENDING;
}

void epoll_run_route(struct epoll_ep *ep)
{
    char buffer[8192];
    bool news = false;
    struct net_op *op;

    /* What the messages say does not matter; an overrun (ENOBUFS) is news, too. */
    while (recv(ep->fd, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0 || errno == ENOBUFS ||
           errno == EINTR)
        news = true;
    if (!news || !ep->ops.rx.head || !changed(ep))
        return;
    while ((op = net_queue_pop(&ep->ops.rx)))
        epoll_ready(ep, op, 0);
}
