/*
 * epoll.c: the epoll transport: the loop, and the operations that it ends.
 *
 * One epoll instance per net, edge-triggered: each descriptor is added once and never modified, and
 * `readable` and `writable` remember what the last system call said. An edge that is lost between
 * "the kernel said no" and "we clear the flag" is impossible, because the flag is cleared under the
 * endpoint's lock before the loop can handle the edge's event, which sets it again.
 *
 * Operations wait in queues of their endpoint. Whoever ends one outside the loop moves it to
 * net->finished; the loop calls done() with no lock held. An endpoint is freed by the loop only,
 * after the done() of its close, so events that epoll_wait() has already returned never dangle.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "net/epoll.h"

#define EVENTS    64
#define NS_PER_S  1000000000
#define NS_PER_MS 1000000

/* ---- waking the loop --------------------------------------------------------------------------
 *
 * The loop: sleeping = 1, then looks at `pending`, then sleeps. Everybody else: pending = 1, then
 * looks at `sleeping`. Both are sequentially consistent, so at least one of the two sees the other:
 * either the loop does not sleep, or the other thread writes to the eventfd. The loop's own thread
 * finds sleeping == 0 and pays nothing. The eventfd is edge-triggered and is never read.
 */
static void epoll_kick(struct epoll_net *net)
{
    uint64_t one = 1;

    __atomic_store_n(&net->pending, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&net->sleeping, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&net->sleeping, 0, __ATOMIC_SEQ_CST)) {
        ssize_t n = write(net->wakefd, &one, sizeof(one));

        HOST_ASSERT(n == sizeof(one));
    }
}

static void epoll_wake(struct net *base)
{
    epoll_kick((struct epoll_net *)base);
}

void epoll_finish(struct epoll_net *net, struct net_op *op, int64_t result)
{
    op->result = result;
    op->more = false;
    host_lock(&net->lock);
    net_queue_push(op->code == NET_OP_CLOSE ? &net->closes : &net->finished, op);
    host_unlock(&net->lock);
    epoll_kick(net);
}

void epoll_ready(struct epoll_ep *ep, struct net_op *op, int64_t result)
{
    op->result = result;
    op->more = false;
    net_queue_push(&ep->net->ready, op);
}

enum net_disposition epoll_answer(struct epoll_ep *ep, struct net_op *op, int64_t result)
{
    if (op->flags & NET_F_ASYNC) {
        epoll_finish(ep->net, op, result);
        return NET_PENDING;
    }
    op->result = result;
    return NET_DONE;
}

void epoll_count_send(struct epoll_ep *ep)
{
    __atomic_fetch_add(&ep->sends_pending, 1, __ATOMIC_RELAXED);
}

enum net_disposition epoll_answer_send(struct epoll_ep *ep, struct net_op *op, int64_t result)
{
    if (!(op->flags & NET_F_ASYNC) && !__atomic_load_n(&ep->sends_pending, __ATOMIC_ACQUIRE)) {
        op->result = result;
        return NET_DONE;
    }
    epoll_count_send(ep);
    epoll_finish(ep->net, op, result);
    return NET_PENDING;
}

void epoll_service(struct epoll_ep *ep)
{
    struct epoll_net *net = ep->net;

    host_lock(&net->lock);
    if (!ep->in_service) {
        ep->in_service = true;
        ep->service_next = NULL;
        *net->service_tail = ep;
        net->service_tail = &ep->service_next;
    }
    host_unlock(&net->lock);
    epoll_kick(net);
}

void epoll_service_later(struct epoll_ep *ep)
{
    struct epoll_net *net = ep->net;
    bool first;

    host_lock(&net->lock);
    first = !net->timed;
    if (first)
        net->tick_due_ns = host_now() + EPOLL_RETRY_NS;
    if (!ep->timed) {
        ep->timed = true;
        ep->timed_next = net->timed;
        __atomic_store_n(&net->timed, ep, __ATOMIC_RELAXED);
    }
    host_unlock(&net->lock);
    if (first)
        epoll_kick(net);
}

/* ---- calling back ------------------------------------------------------------------------------
 */

static void run_done(struct epoll_net *net, struct net_op *op)
{
    struct epoll_ep *ep = (struct epoll_ep *)op->priv[1];
    enum net_opcode code = op->code;

    net->done_count++;
    op->done(op);
    if (code == NET_OP_CLOSE)
        epoll_ep_end(ep);
    else if (net_op_is_send(code)) /* the endpoint is there: its close comes later */
        __atomic_fetch_sub(&ep->sends_pending, 1, __ATOMIC_RELEASE);
}

void epoll_run_ready(struct epoll_net *net)
{
    struct net_op *op;

    while ((op = net_queue_pop(&net->ready)))
        run_done(net, op);
}

/*
 * Locks the endpoint for the loop. What was finished elsewhere until now, under ep->lock, ended
 * before what the loop will find ready under it, so its done() is put before. Not that of a close,
 * which frees its endpoint: events that epoll_wait() has returned may name it. `ready` is empty: it
 * was run when the lock was dropped last.
 */
static void lock_for_loop(struct epoll_ep *ep)
{
    struct epoll_net *net = ep->net;

    host_lock(&ep->lock);
    HOST_ASSERT(!net->ready.head);
    host_lock(&net->lock);
    net_queue_take(&net->finished, &net->ready);
    host_unlock(&net->lock);
}

void epoll_busy_begin(struct epoll_ep *ep, struct net_op *op)
{
    ep->ops.busy = op;
    host_unlock(&ep->lock);
    epoll_run_ready(ep->net); /* what was finished before comes before */
}

void epoll_busy_end(struct epoll_ep *ep)
{
    lock_for_loop(ep);
    ep->ops.busy = NULL;
}

void epoll_deliver(struct epoll_ep *ep, struct net_op *op)
{
    op->more = true;
    epoll_busy_begin(ep, op);
    ep->net->done_count++;
    op->done(op);
    epoll_busy_end(ep);
    epoll_end_delivery(ep, op);
}

void epoll_end_delivery(struct epoll_ep *ep, struct net_op *op)
{
    if (net_ops_end_delivery(&ep->ops, op))
        epoll_ready(ep, op, -ECANCELED);
}

/* ---- the loop -----------------------------------------------------------------------------------
 */

/* Looks at one endpoint: after an event, or because somebody asked for it. */
static void look_at(struct epoll_ep *ep, uint32_t events)
{
    struct epoll_net *net;

    /* The kernel carried the pointer here; this carries what was written before, by the language's
     * rules, too. */
    (void)__atomic_load_n(&ep->published, __ATOMIC_ACQUIRE);
    net = ep->net;
    lock_for_loop(ep);
    if (!ep->closed) {
        if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            ep->readable = true;
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            ep->hung_up = true;
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            ep->writable = true;
        if (events & EPOLLPRI)
            ep->urgent = true;
        if (events & EPOLLERR)
            ep->error_pending = true;
        if (ep->kind == NET_EP_ROUTE)
            epoll_run_route(ep);
        else if (ep->listening)
            epoll_run_accept(ep);
        else if (ep->kind == NET_EP_STREAM)
            epoll_run_stream(ep, events);
        else
            epoll_run_datagram(ep);
    }
    epoll_ep_finish_close(ep);
    host_unlock(&ep->lock);
    epoll_run_ready(net);
}

static void run_timed(struct epoll_net *net)
{
    struct epoll_ep *list = NULL, *ep;

    if (!__atomic_load_n(&net->timed, __ATOMIC_RELAXED))
        return;
    host_lock(&net->lock);
    if (net->timed && host_now() >= net->tick_due_ns) {
        list = net->timed;
        __atomic_store_n(&net->timed, NULL, __ATOMIC_RELAXED);
        for (ep = list; ep; ep = ep->timed_next) {
            ep->timed = false;
            if (ep->in_service)
                continue;
            ep->in_service = true;
            ep->service_next = NULL;
            *net->service_tail = ep;
            net->service_tail = &ep->service_next;
        }
    }
    host_unlock(&net->lock);
    if (list)
        __atomic_store_n(&net->pending, 1, __ATOMIC_SEQ_CST);
}

static void run_service(struct epoll_net *net)
{
    struct epoll_ep *last, *ep;

    /* Only what is there now: an endpoint may come back at the end of the list. */
    host_lock(&net->lock);
    last = net->service ? (struct epoll_ep *)((char *)net->service_tail -
                                              offsetof(struct epoll_ep, service_next))
                        : NULL;
    do {
        ep = last ? net->service : NULL;
        if (!ep)
            break;
        net->service = ep->service_next;
        if (!net->service)
            net->service_tail = &net->service;
        ep->in_service = false;
        host_unlock(&net->lock);
        look_at(ep, 0);
        host_lock(&net->lock);
    } while (ep != last);
    host_unlock(&net->lock);
}

/* What a close ended is among the finished, or was, so the closes come behind these. */
static void run_finished(struct epoll_net *net)
{
    struct net_queue list, closes;
    struct net_op *op;

    host_lock(&net->lock);
    net_queue_take(&net->finished, &list);
    net_queue_take(&net->closes, &closes);
    host_unlock(&net->lock);
    while ((op = net_queue_pop(&list)) || (op = net_queue_pop(&closes)))
        run_done(net, op);
}

static int wait_events(struct epoll_net *net, struct epoll_event *events, int64_t wait_ns)
{
    struct timespec ts;
    int n;

    if (wait_ns < 0)
        wait_ns = 0;
    if (wait_ns == 0)
        return epoll_wait(net->epfd, events, EVENTS, 0);
    ts.tv_sec = wait_ns / NS_PER_S;
    ts.tv_nsec = wait_ns % NS_PER_S;
    n = -1;
    if (!net->coarse) {
        n = epoll_pwait2(net->epfd, events, EVENTS, wait_ns == HOST_FOREVER ? NULL : &ts, NULL);
        net->coarse = n < 0 && errno == ENOSYS;
    }
    if (net->coarse) {
        int64_t ms = wait_ns == HOST_FOREVER ? -1 : wait_ns / NS_PER_MS + 1;

        n = epoll_wait(net->epfd, events, EVENTS, ms > INT32_MAX ? INT32_MAX : (int)ms);
    }
    return n;
}

static int64_t time_left(struct epoll_net *net, int64_t deadline_ns)
{
    int64_t left;

    /* One that is added after this look also sets `pending`, which is looked at later. */
    if (__atomic_load_n(&net->timed, __ATOMIC_RELAXED)) {
        host_lock(&net->lock);
        if (net->timed && net->tick_due_ns < deadline_ns)
            deadline_ns = net->tick_due_ns;
        host_unlock(&net->lock);
    }
    if (deadline_ns == HOST_FOREVER)
        return HOST_FOREVER;
    left = deadline_ns - host_now();
    return left > 0 ? left : 0;
}

/* Looks for events without sleeping for a while, as the configuration asks. */
static int spin(struct epoll_net *net, struct epoll_event *events, int64_t left_ns)
{
    int64_t until = host_now() + (left_ns < net->spin_ns ? left_ns : net->spin_ns);
    int n;

    do {
        n = wait_events(net, events, 0);
    } while (n == 0 && !__atomic_load_n(&net->pending, __ATOMIC_RELAXED) && host_now() < until);
    return n;
}

static int gather_events(struct epoll_net *net, struct epoll_event *events, int64_t deadline_ns)
{
    int64_t left;
    int n = 0;

    if (__atomic_load_n(&net->pending, __ATOMIC_SEQ_CST))
        return wait_events(net, events, 0);
    left = time_left(net, deadline_ns);
    if (left > 0 && net->spin_ns > 0)
        n = spin(net, events, left);
    if (n != 0)
        return n;
    __atomic_store_n(&net->sleeping, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&net->pending, __ATOMIC_SEQ_CST))
        left = 0;
    n = wait_events(net, events, left);
    __atomic_store_n(&net->sleeping, 0, __ATOMIC_SEQ_CST);
    return n;
}

static int epoll_poll(struct net *base, int64_t deadline_ns)
{
    struct epoll_net *net = (struct epoll_net *)base;
    struct epoll_event events[EVENTS];
    int n;

    net->done_count = 0;
    n = gather_events(net, events, deadline_ns);
    HOST_ASSERT(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr)
            look_at(events[i].data.ptr, events[i].events);
    }
    run_timed(net);
    if (__atomic_exchange_n(&net->pending, 0, __ATOMIC_SEQ_CST)) {
        run_service(net);
        run_finished(net);
    }
    return net->done_count;
}

/* ---- a net's life ------------------------------------------------------------------------ */

static int epoll_create_net(struct net **out, const struct net_config *config)
{
    struct epoll_net *net = host_zalloc(sizeof(*net));
    struct epoll_event e = { .events = EPOLLIN | EPOLLET };
    int error = -ENOMEM;

    if (!net)
        return error;
    net->base.transport = &net_epoll;
    net->hosts = config ? config->hosts : NULL;
    net->spin_ns = config ? config->spin_ns : 0;
    host_lock_init(&net->lock, HOST_RANK_NET);
    net_queue_init(&net->finished);
    net_queue_init(&net->closes);
    net_queue_init(&net->ready);
    net->service_tail = &net->service;
    net->pool = net_pool_create();
    if (!net->pool)
        goto free_net;
    net->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (net->epfd < 0)
        goto destroy_pool;
    net->wakefd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (net->wakefd < 0)
        goto close_epoll;
    if (epoll_ctl(net->epfd, EPOLL_CTL_ADD, net->wakefd, &e) < 0)
        goto close_wake;
    *out = &net->base;
    return 0;
close_wake:
    close(net->wakefd);
close_epoll:
    close(net->epfd);
destroy_pool:
    error = -errno;
    net_pool_destroy(net->pool);
free_net:
    host_free(net);
    return error;
}

static void epoll_destroy_net(struct net *base)
{
    struct epoll_net *net = (struct epoll_net *)base;

    HOST_ASSERT(!net->finished.head && !net->closes.head && !net->ready.head);
    close(net->wakefd);
    close(net->epfd);
    net_pool_destroy(net->pool);
    host_free(net->overflow);
    host_free(net);
}

const struct net_transport net_epoll = {
    .name = "epoll",
    .caps = NET_CAP_REAL | NET_CAP_RAW,
    .create = epoll_create_net,
    .destroy = epoll_destroy_net,
    .open = epoll_ep_open,
    .bind = epoll_ep_bind,
    .listen = epoll_ep_listen,
    .ctl = epoll_ep_ctl,
    .submit = epoll_ep_submit,
    .cancel = epoll_ep_cancel,
    .poll = epoll_poll,
    .wake = epoll_wake,
};
