/*
 * sim_sock.c: sockets of the simulated hosts: addresses, ports, and who may share them.
 *
 * Sharing follows Linux: what SO_REUSEADDR and SO_REUSEPORT allow depends on both sockets, and for
 * streams on whether the other one listens. Ports are held by bound sockets and by connections
 * whose socket is closed (TIME_WAIT). Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

#define FIRST_PORT 32768
#define LAST_PORT  60999

void sim_sock_init(struct sim_sock *s, struct sim_world *w, struct sim_host *host,
                   enum net_ep_kind kind, enum net_family family)
{
    memset(s, 0, sizeof(*s));
    s->world = w;
    s->host = host;
    s->kind = kind;
    s->family = family;
    s->local.family = (uint16_t)family;
    s->accept_tail = &s->accept_head;
    s->rx_tail = &s->rx;
    s->errors_tail = &s->errors;
    s->id = w->next_number++;
    sim_sock_defaults(s);
}

void sim_sock_out(const struct sim_sock *s, struct net_addr *a)
{
    if (s->family != NET_IP6 || a->family != NET_IP4)
        return;
    memcpy(a->ip + 12, a->ip, 4);
    memset(a->ip, 0, 10);
    memset(a->ip + 10, 0xff, 2);
    a->family = NET_IP6;
}

/* ---- ports ------------------------------------------------------------------------------- */

struct sim_port *sim_port_bucket(struct sim_world *w, uint16_t port)
{
    return w->ports[port % SIM_PORT_BUCKETS];
}

void sim_port_hold(struct sim_world *w, struct sim_port *p)
{
    struct sim_port **head = &w->ports[p->addr.port % SIM_PORT_BUCKETS];

    HOST_ASSERT(!p->pprev);
    p->next = *head;
    p->pprev = head;
    if (p->next)
        p->next->pprev = &p->next;
    *head = p;
}

void sim_port_release(struct sim_port *p)
{
    if (!p->pprev)
        return;
    *p->pprev = p->next;
    if (p->next)
        p->next->pprev = p->pprev;
    p->pprev = NULL;
}

static bool takes_v4(const struct sim_port *p)
{
    return p->addr.family == NET_IP4 || p->dual;
}

static bool overlaps(const struct sim_port *a, const struct sim_port *b)
{
    if (a->kind != b->kind || a->host != b->host || a->addr.port != b->addr.port)
        return false;
    if (!(takes_v4(a) && takes_v4(b)) && !(a->addr.family == NET_IP6 && b->addr.family == NET_IP6))
        return false;
    return sim_is_any(&a->addr) || sim_is_any(&b->addr) || net_addr_same_ip(&a->addr, &b->addr);
}

static bool may_share(const struct sim_port *mine, const struct sim_port *other)
{
    if (mine->reuse_port && other->reuse_port)
        return true;
    if (!mine->reuse || !other->reuse)
        return false;
    return mine->kind != NET_EP_STREAM || !other->listening;
}

static bool conflicts(struct sim_world *w, const struct sim_port *p, bool share)
{
    for (const struct sim_port *o = sim_port_bucket(w, p->addr.port); o; o = o->next) {
        if (o != p && overlaps(p, o) && !(share && may_share(p, o)))
            return true;
    }
    return false;
}

/* A port that nobody has in any way. */
static bool choose_port(struct sim_sock *s)
{
    struct sim_host *h = s->host;

    for (int tries = 0; tries <= LAST_PORT - FIRST_PORT; tries++) {
        s->port.addr.port = h->next_port;
        h->next_port = h->next_port == LAST_PORT ? FIRST_PORT : h->next_port + 1;
        if (!conflicts(s->world, &s->port, false))
            return true;
    }
    return false;
}

static int score(const struct sim_port *p, const struct net_addr *to)
{
    if (p->addr.port != to->port)
        return -1;
    if (net_addr_same_ip(&p->addr, to))
        return 2;
    if (!sim_is_any(&p->addr))
        return -1;
    if (p->addr.family == to->family)
        return 1;
    return p->dual && to->family == NET_IP4 ? 0 : -1;
}

struct sim_sock *sim_port_find(struct sim_world *w, struct sim_host *host, enum net_ep_kind kind,
                               const struct net_addr *to)
{
    struct sim_sock *best = NULL;
    int best_score = -1;

    for (struct sim_port *p = sim_port_bucket(w, to->port); p; p = p->next) {
        if (!p->sock || p->host != host || p->kind != kind ||
            (kind == NET_EP_STREAM && !p->listening))
            continue;
        if (score(p, to) > best_score) {
            best_score = score(p, to);
            best = p->sock;
        }
    }
    return best;
}

/* ---- bind and listen --------------------------------------------------------------------- */

static int bind_to(struct sim_sock *s, const struct net_addr *addr)
{
    struct sim_port *p = &s->port;

    memset(p, 0, sizeof(*p));
    p->host = s->host;
    p->kind = s->kind;
    p->addr = *addr;
    p->dual = addr->family == NET_IP6 && sim_is_any(addr) && !s->opt[NET_OPT_IPV6_V6ONLY];
    p->reuse = s->opt[NET_OPT_REUSEADDR];
    p->reuse_port = s->opt[NET_OPT_REUSEPORT];
    p->sock = s;
    if (addr->port == 0 && !choose_port(s))
        return -EADDRINUSE;
    if (addr->port != 0 && conflicts(s->world, p, true))
        return -EADDRINUSE;
    s->chosen_port = addr->port == 0;
    sim_port_hold(s->world, p);
    s->local = p->addr;
    s->bound = true;
    return 0;
}

int sim_sock_bind(struct sim_sock *s, const struct net_addr *addr)
{
    struct net_addr a = *addr;

    if (addr->family != s->family)
        return -EAFNOSUPPORT;
    net_addr_unmap(&a);
    if (s->bound || s->conn || (a.family != s->family && s->opt[NET_OPT_IPV6_V6ONLY]))
        return -EINVAL;
    if (!sim_is_any(&a) && !sim_host_has(s->host, &a) &&
        !(s->kind == NET_EP_DATAGRAM && sim_is_multicast(&a)))
        return -EADDRNOTAVAIL;
    s->keep_port = true;
    return bind_to(s, &a);
}

int sim_sock_autobind(struct sim_sock *s, const struct net_addr *addr)
{
    struct net_addr a = *addr;
    int error;

    a.port = 0;
    error = bind_to(s, &a);
    return error == -EADDRINUSE ? -EADDRNOTAVAIL : error;
}

int sim_sock_listen(struct sim_sock *s, int backlog)
{
    const struct net_addr any = { .family = (uint16_t)s->family };
    int error = 0;

    if (s->conn)
        return -EINVAL;
    if (!s->bound)
        error = sim_sock_autobind(s, &any);
    else if (!s->port.listening && conflicts(s->world, &s->port, true))
        error = -EADDRINUSE;
    if (error)
        return error;
    s->port.listening = true;
    s->backlog = backlog < 0 || backlog > 4096 ? 4096 : backlog;
    return 0;
}

void sim_sock_unbind(struct sim_sock *s)
{
    sim_port_release(&s->port);
    s->bound = false;
}
