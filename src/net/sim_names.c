/*
 * sim_names.c: host and service names in a simulated world, both ways.
 *
 * Overrides of the net's configuration come first; these, numeric hosts and decimal services are
 * answered in submit(). Everything else takes an event: it may take long, fail, or bring many
 * answers. Names are those of the world's configuration and "localhost"; results have the order
 * that the C library gives: IPv4 first, unless the fault turns it. Under the world's lock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "net/simp.h"

#define SLOW_MAX_NS (5 * SIM_S)

struct sim_job {
    struct sim_event event;
    struct sim_job *next;
    struct sim_ep *ep;
    struct net_op *op;
};

static const struct service {
    const char *name;
    uint16_t port;
    bool tcp, udp;
} services[] = {
    { "echo", 7, true, true },     { "discard", 9, true, true },   { "daytime", 13, true, false },
    { "ftp", 21, true, false },    { "ssh", 22, true, false },     { "telnet", 23, true, false },
    { "smtp", 25, true, false },   { "domain", 53, true, true },   { "tftp", 69, false, true },
    { "http", 80, true, false },   { "pop3", 110, true, false },   { "ntp", 123, false, true },
    { "imap2", 143, true, false }, { "snmp", 161, true, true },    { "ldap", 389, true, true },
    { "https", 443, true, true },  { "syslog", 514, false, true },
};

static const struct net_host localhost[] = {
    { "localhost", { .family = NET_IP4, .ip = { 127, 0, 0, 1 } } },
    { "localhost", { .family = NET_IP6, .ip = { [15] = 1 } } },
    { NULL, { 0 } },
};

/* ---- services ---------------------------------------------------------------------------- */

static bool all_digits(const char *s)
{
    return s[strspn(s, "0123456789")] == 0;
}

/* The port, or -ENOENT. */
static int find_service(const struct net_resolve *q)
{
    if (q->service[0] == 0)
        return 0;
    if (all_digits(q->service)) {
        unsigned long port = strtoul(q->service, NULL, 10);

        return port <= UINT16_MAX ? (int)port : -ENOENT;
    }
    for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]) && !q->numeric_service; i++) {
        if (strcmp(services[i].name, q->service) == 0 &&
            (q->datagram ? services[i].udp : services[i].tcp))
            return services[i].port;
    }
    return -ENOENT;
}

static void name_service(struct net_resolve *q)
{
    snprintf(q->service, sizeof(q->service), "%u", q->address.port);
    for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]) && !q->numeric_service; i++) {
        if (services[i].port == q->address.port &&
            (q->datagram ? services[i].udp : services[i].tcp))
            snprintf(q->service, sizeof(q->service), "%s", services[i].name);
    }
}

/* ---- hosts ------------------------------------------------------------------------------- */

static bool parse_scope(const char *text, uint32_t *scope)
{
    if (text[0] && all_digits(text))
        *scope = (uint32_t)strtoul(text, NULL, 10);
    else if (strcmp(text, "lo") == 0)
        *scope = SIM_LO_INDEX;
    else if (strcmp(text, "eth0") == 0)
        *scope = SIM_ETH_INDEX;
    else
        return false;
    return true;
}

static bool parse_host(const char *host, struct net_addr *a)
{
    char text[64];
    char *percent;
    struct in_addr v4;

    memset(a, 0, sizeof(*a));
    if (strlen(host) >= sizeof(text))
        return false;
    if (inet_aton(host, &v4)) {
        a->family = NET_IP4;
        memcpy(a->ip, &v4, 4);
        return true;
    }
    memcpy(text, host, strlen(host) + 1);
    percent = strchr(text, '%');
    if (percent && !parse_scope(percent + 1, &a->scope_id))
        return false;
    if (percent)
        *percent = 0;
    a->family = NET_IP6;
    return inet_pton(AF_INET6, text, a->ip) == 1;
}

static void map(struct net_addr *a)
{
    memcpy(a->ip + 12, a->ip, 4);
    memset(a->ip, 0, 10);
    memset(a->ip + 10, 0xff, 2);
    a->family = NET_IP6;
}

static void add(struct net_resolve *q, const struct net_addr *addr)
{
    struct net_addr a = *addr;

    if (q->family == NET_IP6 && a.family == NET_IP4 && q->v4mapped)
        map(&a);
    if ((q->family != NET_UNSPEC && q->family != a.family) || q->count == NET_RESOLVE_RESULTS)
        return;
    a.port = 0;
    q->results[q->count++] = a;
}

/* Adds the addresses of a name in a list, of one family if that is wanted. True: it is there. */
static bool add_names(struct net_resolve *q, const struct net_host *list, unsigned family)
{
    bool found = false;

    for (const struct net_host *h = list; h && h->name; h++) {
        if (strcasecmp(h->name, q->host) != 0)
            continue;
        found = true;
        if (family == NET_UNSPEC || family == h->addr.family)
            add(q, &h->addr);
    }
    return found;
}

static void add_nobody(struct net_resolve *q)
{
    static const struct net_addr any4 = { .family = NET_IP4 }, any6 = { .family = NET_IP6 };

    if (q->passive) {
        add(q, &any4);
        add(q, &any6);
    } else {
        add(q, &localhost[1].addr);
        add(q, &localhost[0].addr);
    }
}

/* The port and the canonical name of what was found. */
static int64_t complete(struct net_resolve *q)
{
    int port = find_service(q);

    if (port < 0 || q->count == 0) {
        q->count = 0;
        return -ENOENT;
    }
    for (unsigned i = 0; i < q->count; i++)
        q->results[i].port = (uint16_t)port;
    if (q->canonical && q->host[0])
        memcpy(q->canonical_name, q->host, NET_HOST_MAX);
    return q->count;
}

/* True: answered without waiting for anybody. */
static bool resolve_now(const struct sim_net *net, struct net_resolve *q, int64_t *result)
{
    struct net_addr a;

    q->count = 0;
    q->canonical_name[0] = 0;
    *result = -EINVAL;
    if (q->family != NET_UNSPEC && q->family != NET_IP4 && q->family != NET_IP6)
        return true;
    if (q->numeric_host || !add_names(q, net->hosts, NET_UNSPEC)) {
        bool numeric = parse_host(q->host, &a);

        *result = -ENOENT;
        if (!q->host[0])
            add_nobody(q);
        else if (numeric)
            add(q, &a);
        else
            return q->numeric_host;
        if (!q->numeric_service && !all_digits(q->service) && q->count > 0)
            return false; /* the service is looked up */
    }
    *result = complete(q);
    return true;
}

static void many_more(struct net_resolve *q)
{
    struct net_addr a = { .family = NET_IP4, .ip = { 192, 0, 2, 0 } };

    while (q->count < NET_RESOLVE_RESULTS && ++a.ip[3] != 0)
        add(q, &a);
}

static bool configured(const struct sim_world *w, unsigned family)
{
    for (unsigned i = 0; i < w->local->count; i++) {
        if (w->local->addrs[i].family == family)
            return true;
    }
    return w->local->count == 0;
}

static void look_up(struct sim_world *w, struct net_resolve *q)
{
    const struct net_host *list = w->config.names;
    /* IPv4 in the form of IPv6 is for names without IPv6 addresses. */
    bool instead = q->family == NET_IP6 && q->v4mapped && !q->all;
    unsigned first = instead ? NET_IP6 : NET_IP4;

    if (strcasecmp(q->host, "localhost") == 0)
        list = localhost;
    if (sim_fires(w, SIM_NAME_IP6, "names:IPv6 first"))
        first = NET_IP6;
    for (int i = 0; i < 2 && !(i == 1 && instead && q->count > 0); i++) {
        unsigned family = i == 0 ? first : NET_IP4 + NET_IP6 - first;

        if (list == localhost || !q->addrconfig || configured(w, family))
            (void)add_names(q, list, family);
    }
    if (q->count > 0 && list != localhost && sim_fires(w, SIM_NAME_MANY, "names:many"))
        many_more(q);
}

static int64_t resolve(struct sim_world *w, struct net_resolve *q)
{
    struct net_addr a;

    q->count = 0;
    q->canonical_name[0] = 0;
    if (sim_fires(w, SIM_NAME_FAIL, "names:fail"))
        return -EAGAIN;
    if (!q->host[0])
        add_nobody(q);
    else if (parse_host(q->host, &a))
        add(q, &a);
    else
        look_up(w, q);
    return complete(q);
}

/* ---- back -------------------------------------------------------------------------------- */

static void number(struct net_resolve *q)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(q->address.family == NET_IP4 ? AF_INET : AF_INET6, q->address.ip, text, sizeof(text));
    if (q->address.family == NET_IP6 && q->address.scope_id)
        snprintf(q->host, sizeof(q->host), "%s%%%u", text, q->address.scope_id);
    else
        snprintf(q->host, sizeof(q->host), "%s", text);
}

static bool name_host(struct net_resolve *q, const struct net_host *list)
{
    const struct net_host *h = list;

    while (h && h->name && !net_addr_same_ip(&h->addr, &q->address))
        h++;
    if (!h || !h->name)
        return false;
    snprintf(q->host, sizeof(q->host), "%s", h->name);
    if (q->no_fqdn)
        q->host[strcspn(q->host, ".")] = 0;
    return true;
}

static bool name_now(const struct sim_net *net, struct net_resolve *q, int64_t *result)
{
    *result = -EINVAL;
    if (q->address.family != NET_IP4 && q->address.family != NET_IP6)
        return true;
    *result = 0;
    if (!q->numeric_host && name_host(q, net->hosts)) {
        name_service(q);
        return true;
    }
    if (!q->numeric_host || !q->numeric_service)
        return false;
    number(q);
    name_service(q);
    return true;
}

static int64_t name(struct sim_world *w, struct net_resolve *q)
{
    bool fails = sim_fires(w, SIM_NAME_FAIL, "names:fail");

    name_service(q);
    if (!q->numeric_host && !fails && (name_host(q, w->config.names) || name_host(q, localhost)))
        return 0;
    if (q->name_required)
        return fails ? -EAGAIN : -ENOENT;
    number(q);
    return 0;
}

/* ---- jobs -------------------------------------------------------------------------------- */

static void end_job(struct sim_job *job, int64_t result)
{
    struct sim_ep *ep = job->ep;
    struct sim_job **p = &ep->jobs;

    while (*p != job)
        p = &(*p)->next;
    *p = job->next;
    sim_event_cancel(ep->world, &job->event);
    sim_finish(ep, job->op, result);
    host_free(job);
}

static void job_is_due(struct sim_event *e)
{
    struct sim_job *job = SIM_OF(e, struct sim_job, event);
    struct sim_world *w = job->ep->world;
    struct net_resolve *q = job->op->resolve;

    end_job(job, job->op->code == NET_OP_RESOLVE ? resolve(w, q) : name(w, q));
}

enum net_disposition sim_submit_resolve(struct sim_ep *ep, struct net_op *op)
{
    struct sim_world *w = ep->world;
    struct sim_job *job;
    int64_t at = host_now(), result;
    bool now = op->code == NET_OP_RESOLVE ? resolve_now(ep->net, op->resolve, &result)
                                          : name_now(ep->net, op->resolve, &result);

    if (now)
        return sim_answer(ep, op, result);
    job = host_zalloc(sizeof(*job));
    if (!job)
        return sim_answer(ep, op, -ENOMEM);
    job->ep = ep;
    job->op = op;
    job->next = ep->jobs;
    ep->jobs = job;
    if (sim_fires(w, SIM_NAME_SLOW, "names:slow"))
        at += sim_choose_time(SLOW_MAX_NS, "names:slow time");
    sim_event_at(w, &job->event, at, job_is_due);
    return NET_PENDING;
}

void sim_cancel_resolve(struct sim_ep *ep, struct net_op *op)
{
    struct sim_job *job = ep->jobs;

    while (job && job->op != op)
        job = job->next;
    if (job)
        end_job(job, -ECANCELED);
}

void sim_close_resolver(struct sim_ep *ep)
{
    while (ep->jobs)
        end_job(ep->jobs, -ECANCELED);
}
