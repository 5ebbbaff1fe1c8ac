/*
 * resolver.c: host and service names, both ways.
 *
 * Overrides of the configuration come first; numeric addresses and decimal services are answered in
 * submit(). Everything else asks the C library on helper threads: only it knows what the machine's
 * administrator set up in nsswitch.conf, hosts and resolv.conf (mDNS, LDAP, systemd-resolved).
 * c-ares was the alternative: asynchronous by itself, but it reads a part of these only, and names
 * would resolve differently from every other program on the machine.
 *
 * A job is a copy of the request. Cancel and close cut the job from its operation; a helper that
 * comes back to a job without one throws the result away. helpers.lock protects the job list, the
 * jobs' links to operations, and the endpoints' lists of jobs (ep->extra).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "net/epoll.h"

#define HELPERS_MAX    8
#define HELPER_IDLE_NS ((int64_t)2 * 1000 * 1000 * 1000)

struct job {
    struct job *next;    /* among the waiting */
    struct job *ep_next; /* among the endpoint's */
    struct epoll_ep *ep; /* valid while op is set */
    struct net_op *op;   /* NULL: nobody wants the result any more */
    enum net_opcode code;
    struct net_resolve query;
};

struct idle {
    struct idle *next;
    struct host_thread *thread;
    struct job *job; /* handed over by the submitter */
};

static struct {
    struct host_lock lock;
    struct job *waiting, **waiting_tail;
    struct idle *idle;
    unsigned count;
} helpers = { .lock = HOST_LOCK_INIT(HOST_RANK_NET_EP + 2), .waiting_tail = &helpers.waiting };

/* ---- asking the C library -----------------------------------------------------------------------
 */

static int64_t from_eai(int error)
{
    switch (error) {
    case 0:
        return 0;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
    case EAI_SERVICE:
        return -ENOENT;
    case EAI_BADFLAGS:
    case EAI_FAMILY:
    case EAI_SOCKTYPE:
        return -EINVAL;
    case EAI_MEMORY:
        return -ENOMEM;
    default:
        return -EAGAIN;
    }
}

static int hint_flags(const struct net_resolve *q)
{
    return (q->numeric_host ? AI_NUMERICHOST : 0) | (q->numeric_service ? AI_NUMERICSERV : 0) |
           (q->passive ? AI_PASSIVE : 0) | (q->canonical && q->host[0] ? AI_CANONNAME : 0) |
           (q->v4mapped ? AI_V4MAPPED : 0) | (q->all ? AI_ALL : 0) |
           (q->addrconfig ? AI_ADDRCONFIG : 0);
}

static int64_t look_up(struct net_resolve *q, int flags)
{
    struct addrinfo hints = { .ai_family = net_family_to_system(q->family),
                              .ai_socktype = q->datagram ? SOCK_DGRAM : SOCK_STREAM,
                              .ai_flags = flags };
    struct addrinfo *list = NULL;
    int error;

    q->count = 0;
    q->canonical_name[0] = 0;
    /* The C library wants one of the two; an empty query asks for the wildcard or the loopback. */
    error = getaddrinfo(q->host[0] ? q->host : NULL,
                        q->service[0] ? q->service : (q->host[0] ? NULL : "0"), &hints, &list);
    if (error)
        return from_eai(error);
    for (const struct addrinfo *i = list; i && q->count < NET_RESOLVE_RESULTS; i = i->ai_next) {
        struct net_addr *a = &q->results[q->count];

        net_addr_from_system(a, i->ai_addr);
        if (a->family != NET_UNSPEC)
            q->count++;
    }
    if (list && list->ai_canonname)
        strncpy(q->canonical_name, list->ai_canonname, NET_HOST_MAX - 1);
    freeaddrinfo(list);
    return q->count;
}

static int64_t look_up_name(struct net_resolve *q)
{
    union net_sockaddr sa;
    socklen_t length = net_addr_to_system(&q->address, &sa);
    int flags = (q->numeric_host ? NI_NUMERICHOST : 0) | (q->numeric_service ? NI_NUMERICSERV : 0) |
                (q->no_fqdn ? NI_NOFQDN : 0) | (q->name_required ? NI_NAMEREQD : 0) |
                (q->datagram ? NI_DGRAM : 0);

    if (length == 0)
        return -EINVAL;
    int error = getnameinfo(&sa.sa, length, q->host, sizeof(q->host), q->service,
                            sizeof(q->service), flags);
    /* Who does not insist on a name gets the number also when nobody can be asked. */
    if (error == EAI_AGAIN && !q->name_required)
        error = getnameinfo(&sa.sa, length, q->host, sizeof(q->host), q->service,
                            sizeof(q->service), flags | NI_NUMERICHOST);
    return from_eai(error);
}

/* ---- what needs no look-up --------------------------------------------------------------- */

static bool all_digits(const char *s)
{
    return s[strspn(s, "0123456789")] == 0;
}

static bool is_numeric_host(const char *host)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *list;

    if (host[0] == 0)
        return true;
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return false;
    freeaddrinfo(list);
    return true;
}

static void add_override(struct net_resolve *q, const struct net_host *h)
{
    struct net_addr a = h->addr;

    if (q->family == NET_IP6 && a.family == NET_IP4 && q->v4mapped) {
        memset(a.ip, 0, 10);
        memset(a.ip + 10, 0xff, 2);
        memcpy(a.ip + 12, h->addr.ip, 4);
        a.family = NET_IP6;
    }
    if ((q->family != NET_UNSPEC && q->family != a.family) || q->count == NET_RESOLVE_RESULTS)
        return;
    q->results[q->count++] = a;
}

/* True: the configuration has the name; *result is the answer. */
static bool override(const struct net_host *hosts, struct net_resolve *q, int64_t *result)
{
    struct net_resolve service;
    bool found = false;

    q->count = 0;
    for (const struct net_host *h = hosts; h && h->name && !q->numeric_host; h++) {
        if (strcasecmp(h->name, q->host) != 0)
            continue;
        found = true;
        add_override(q, h);
    }
    if (!found)
        return false;
    *result = q->count ? (int64_t)q->count : -ENOENT;
    q->canonical_name[0] = 0;
    if (q->canonical)
        memcpy(q->canonical_name, q->host, NET_HOST_MAX);
    if (q->count && q->service[0]) {
        memset(&service, 0, sizeof(service));
        memcpy(service.service, q->service, sizeof(service.service));
        service.datagram = q->datagram;
        /* The local services file is all that this can ask. */
        if (look_up(&service, q->numeric_service ? AI_NUMERICSERV : 0) < 1)
            *result = -ENOENT;
        for (unsigned i = 0; i < q->count; i++)
            q->results[i].port = service.results[0].port;
    }
    return true;
}

static bool override_name(const struct net_host *hosts, struct net_resolve *q, int64_t *result)
{
    const struct net_host *h = hosts;
    struct net_resolve service;

    while (h && h->name && !net_addr_same_ip(&h->addr, &q->address))
        h++;
    if (!h || !h->name || q->numeric_host)
        return false;
    service = *q;
    service.numeric_host = true;
    service.name_required = false; /* the name is known: only the service is asked for */
    *result = look_up_name(&service);
    strncpy(q->host, h->name, NET_HOST_MAX - 1);
    if (q->no_fqdn) /* a host of the user's own list is a local one */
        q->host[strcspn(q->host, ".")] = 0;
    memcpy(q->service, service.service, sizeof(q->service));
    return true;
}

/* True: answered without waiting for anybody. */
static bool answer_now(const struct net_host *hosts, enum net_opcode code, struct net_resolve *q,
                       int64_t *result)
{
    if (code == NET_OP_NAMEINFO) {
        if (override_name(hosts, q, result))
            return true;
        if (!q->numeric_host || !q->numeric_service)
            return false;
        *result = look_up_name(q);
        return true;
    }
    if (q->family != NET_UNSPEC && q->family != NET_IP4 && q->family != NET_IP6) {
        *result = -EINVAL;
        return true;
    }
    if (override(hosts, q, result))
        return true;
    if (!q->numeric_host && !is_numeric_host(q->host))
        return false;
    if (!q->numeric_service && !all_digits(q->service))
        return false;
    *result = look_up(q, (hint_flags(q) & ~AI_ADDRCONFIG) | AI_NUMERICHOST | AI_NUMERICSERV);
    return true;
}

/* ---- jobs ---------------------------------------------------------------------------------------
 */

static void unlink_job(struct job *job)
{
    struct job **p = (struct job **)&job->ep->extra;

    while (*p != job)
        p = &(*p)->ep_next;
    *p = job->ep_next;
    job->op = NULL;
}

static void run_job(struct job *job)
{
    struct net_resolve *q = &job->query;
    int64_t result = job->code == NET_OP_RESOLVE ? look_up(q, hint_flags(q)) : look_up_name(q);

    host_lock(&helpers.lock);
    if (job->op) {
        struct net_op *op = job->op;
        struct epoll_net *net = job->ep->net;

        *op->resolve = *q;
        unlink_job(job);
        epoll_finish(net, op, result);
    }
    host_unlock(&helpers.lock);
    host_free(job);
}

/* The next job, after some waiting; NULL: the helper is not needed any more. */
static struct job *next_job(void)
{
    struct idle me = { .thread = host_self() }, **p;
    int64_t deadline = host_now() + HELPER_IDLE_NS;
    struct job *job;

    host_lock(&helpers.lock);
    job = helpers.waiting;
    if (job) {
        helpers.waiting = job->next;
        if (!helpers.waiting)
            helpers.waiting_tail = &helpers.waiting;
        host_unlock(&helpers.lock);
        return job;
    }
    me.next = helpers.idle;
    helpers.idle = &me;
    host_unlock(&helpers.lock);
    do {
        bool more_time = host_park(deadline);

        host_lock(&helpers.lock);
        job = me.job;
        if (!job && !more_time) {
            for (p = &helpers.idle; *p != &me; p = &(*p)->next)
                ;
            *p = me.next;
            helpers.count--;
            host_unlock(&helpers.lock);
            return NULL;
        }
        host_unlock(&helpers.lock);
    } while (!job);
    return job;
}

static void help(void *arg)
{
    struct job *job;

    (void)arg;
    while ((job = next_job()))
        run_job(job);
}

/* Gives the job to an idle helper, a new one, or the queue. helpers.lock is held. */
static int hand_out(struct job *job)
{
    struct idle *idle = helpers.idle;
    struct host_thread *t;
    int error = 0;

    if (idle) {
        helpers.idle = idle->next;
        idle->job = job;
        host_unpark(idle->thread);
        return 0;
    }
    if (helpers.count < HELPERS_MAX) {
        helpers.count++;
        error = host_thread_create(&t, help, NULL, "resolver");
        if (!error)
            host_thread_detach(t);
        else if (--helpers.count == 0)
            return error;
    }
    *helpers.waiting_tail = job;
    helpers.waiting_tail = &job->next;
    return 0;
}

static struct job *make_job(struct epoll_ep *ep, struct net_op *op)
{
    struct job *job = host_zalloc(sizeof(*job));

    if (!job)
        return NULL;
    job->ep = ep;
    job->op = op;
    job->code = op->code;
    job->query = *op->resolve;
    return job;
}

enum net_disposition epoll_submit_resolve(struct epoll_ep *ep, struct net_op *op)
{
    struct job *job;
    int64_t result;
    int error;

    if (answer_now(ep->net->hosts, op->code, op->resolve, &result))
        return epoll_answer(ep, op, result);
    job = make_job(ep, op);
    if (!job)
        return epoll_answer(ep, op, -ENOMEM);
    host_lock(&helpers.lock);
    job->ep_next = ep->extra;
    ep->extra = job;
    error = hand_out(job);
    if (error)
        unlink_job(job);
    host_unlock(&helpers.lock);
    if (!error)
        return NET_PENDING;
    host_free(job);
    return epoll_answer(ep, op, error);
}

/* ep->lock is held. A job that still waits is left to the helper that finds it. */
bool epoll_cancel_resolve(struct epoll_ep *ep, struct net_op *op)
{
    struct job *job;

    host_lock(&helpers.lock);
    for (job = ep->extra; job && job->op != op; job = job->ep_next)
        ;
    if (job) {
        unlink_job(job);
        epoll_finish(ep->net, op, -ECANCELED);
    }
    host_unlock(&helpers.lock);
    return job != NULL;
}

void epoll_close_resolver(struct epoll_ep *ep)
{
    struct job *job;

    host_lock(&helpers.lock);
    while ((job = ep->extra)) {
        struct net_op *op = job->op;

        unlink_job(job);
        epoll_finish(ep->net, op, -ECANCELED);
    }
    host_unlock(&helpers.lock);
}
