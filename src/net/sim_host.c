/*
 * sim_host.c: hosts and their addresses: who has which, and which one packets leave from.
 *
 * Subnets are as wide as /24 and /64. Every host is alone on its loopback interface, number 1; all
 * others are on interface 2. Under the world's lock, but for the functions of sim.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "net/simp.h"

bool sim_is_loopback(const struct net_addr *a)
{
    static const uint8_t one[16] = { [15] = 1 };

    return a->family == NET_IP4 ? a->ip[0] == 127 : memcmp(a->ip, one, 16) == 0;
}

bool sim_is_any(const struct net_addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->ip, zero, a->family == NET_IP4 ? 4 : 16) == 0;
}

bool sim_is_multicast(const struct net_addr *a)
{
    return a->family == NET_IP4 ? (a->ip[0] & 0xf0) == 0xe0 : a->ip[0] == 0xff;
}

bool sim_same_subnet(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == NET_IP4 ? 3 : 8) == 0;
}

struct sim_host *sim_host(struct sim_world *w, int number)
{
    struct sim_host *h = w->hosts;

    while (h && h->number != number)
        h = h->next;
    return h;
}

bool sim_host_has(const struct sim_host *h, const struct net_addr *a)
{
    if (sim_is_loopback(a))
        return true;
    for (unsigned i = 0; i < h->count; i++) {
        if (net_addr_same_ip(&h->addrs[i], a))
            return true;
    }
    return false;
}

bool sim_is_broadcast(const struct sim_host *h, const struct net_addr *a)
{
    static const uint8_t all[4] = { 255, 255, 255, 255 };

    if (a->family != NET_IP4)
        return false;
    if (memcmp(a->ip, all, 4) == 0 || (a->ip[0] == 127 && memcmp(a->ip + 1, all, 3) == 0))
        return true;
    for (unsigned i = 0; i < h->count; i++) {
        if (sim_same_subnet(&h->addrs[i], a) && a->ip[3] == 255)
            return true;
    }
    return false;
}

struct sim_host *sim_host_with(struct sim_world *w, struct sim_host *from, const struct net_addr *a)
{
    if (sim_host_has(from, a))
        return from;
    for (struct sim_host *h = w->hosts; h; h = h->next) {
        if (sim_host_has(h, a))
            return h;
    }
    return NULL;
}

int sim_source_for(struct sim_host *from, const struct net_addr *to, struct net_addr *source)
{
    const struct net_addr *best = NULL;

    if (sim_host_has(from, to)) {
        *source = *to;
        return 0;
    }
    for (unsigned i = 0; i < from->count; i++) {
        if (from->addrs[i].family != to->family)
            continue;
        if (!best || (!sim_same_subnet(best, to) && sim_same_subnet(&from->addrs[i], to)))
            best = &from->addrs[i];
    }
    if (best)
        *source = *best;
    return best ? 0 : -ENETUNREACH;
}

/* ---- sim.h ------------------------------------------------------------------------------- */

int sim_host_add(struct sim_world *w, const char *name)
{
    struct sim_host *h = host_zalloc(sizeof(*h)), **p;

    if (!h)
        return -ENOMEM;
    snprintf(h->name, sizeof(h->name), "%s", name);
    h->next_port = 32768;
    host_lock(&w->lock);
    h->number = w->host_count++;
    for (p = &w->hosts; *p; p = &(*p)->next)
        ;
    *p = h;
    host_unlock(&w->lock);
    return h->number;
}

static int add(struct sim_host *h, const struct net_addr *addr)
{
    struct net_addr *more;

    if (sim_host_has(h, addr))
        return -EEXIST;
    if (h->count == h->room) {
        unsigned room = h->room ? h->room * 2 : 4;

        more = host_alloc(room * sizeof(*more), 16);
        if (!more)
            return -ENOMEM;
        if (h->count > 0)
            memcpy(more, h->addrs, h->count * sizeof(*more));
        host_free(h->addrs);
        h->addrs = more;
        h->room = room;
    }
    h->addrs[h->count] = *addr;
    h->addrs[h->count++].port = 0;
    return 0;
}

static int drop(struct sim_host *h, const struct net_addr *addr)
{
    for (unsigned i = 0; i < h->count; i++) {
        if (!net_addr_same_ip(&h->addrs[i], addr))
            continue;
        h->count--;
        memmove(&h->addrs[i], &h->addrs[i + 1], (h->count - i) * sizeof(*h->addrs));
        return 0;
    }
    return -ENOENT;
}

static int change(struct sim_world *w, int number, const struct net_addr *addr,
                  int (*how)(struct sim_host *, const struct net_addr *))
{
    struct sim_host *h;
    int error = -ENOENT;

    host_lock(&w->lock);
    h = sim_host(w, number);
    if (h)
        error = how(h, addr);
    if (!error && h == w->local)
        sim_addresses_changed(w, addr->family);
    host_unlock(&w->lock);
    return error;
}

int sim_address_add(struct sim_world *w, int host, const struct net_addr *addr)
{
    return change(w, host, addr, add);
}

int sim_address_remove(struct sim_world *w, int host, const struct net_addr *addr)
{
    return change(w, host, addr, drop);
}

/* ---- the fault --------------------------------------------------------------------------- */

#define GONE_MAX_NS (2 * SIM_S)

static void address_returns(struct sim_event *e)
{
    struct sim_world *w = SIM_OF(e, struct sim_world, address_event);

    /* Without memory it stays away: nobody was promised its return. */
    (void)add(w->local, &w->address_gone);
    sim_addresses_changed(w, w->address_gone.family);
}

void sim_maybe_change_addresses(struct sim_world *w)
{
    if (w->address_event.queued || w->local->count == 0 ||
        !sim_fires(w, SIM_ADDRESS, "net:address change"))
        return;
    w->address_gone = w->local->addrs[w->local->count - 1];
    w->local->count--;
    sim_event_at(w, &w->address_event,
                 host_now() + sim_choose_time(GONE_MAX_NS, "net:address change time"),
                 address_returns);
    sim_addresses_changed(w, w->address_gone.family);
}
