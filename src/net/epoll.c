/*
 * epoll.c: the epoll transport: the loop, the endpoints' life, and the way into submit().
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
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "net/epoll.h"
#include "net/opt.h"

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
    net_queue_push(&net->finished, op);
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

/* ---- endpoints --------------------------------------------------------------------------------
 */

static struct epoll_ep *ep_of_rx(struct net_rx *rx)
{
    return (struct epoll_ep *)((char *)rx - offsetof(struct epoll_ep, rx_account));
}

/* A buffer was put and the endpoint may read again. The buffer still keeps the memory alive. */
static void resume_reading(struct net_rx *rx)
{
    struct epoll_ep *ep = ep_of_rx(rx);

    host_lock(&ep->lock);
    if (!ep->closed)
        epoll_service(ep);
    host_unlock(&ep->lock);
}

static void free_ep(struct net_rx *rx)
{
    host_free(ep_of_rx(rx));
}

struct epoll_ep *epoll_ep_alloc(void)
{
    struct epoll_ep *ep = host_zalloc(sizeof(*ep));

    if (ep)
        ep->fd = -1;
    return ep;
}

static void finish(struct net_ep *base, struct net_op *op, int64_t result)
{
    epoll_finish(epoll_ep_of(base)->net, op, result);
}

void epoll_ep_init(struct epoll_ep *ep, struct epoll_net *net, enum net_ep_kind kind,
                   enum net_family family, size_t rx_limit_bytes)
{
    ep->base.transport = net->base.transport;
    ep->base.net = &net->base;
    ep->net = net;
    ep->kind = kind;
    ep->family = family;
    ep->read_hint = 2048;
    ep->batch = 2;
    host_lock_init(&ep->lock, HOST_RANK_NET_EP);
    net_rx_init(&ep->rx_account, rx_limit_bytes, resume_reading, free_ep);
    net_ops_init(&ep->ops, &ep->base, finish);
}

void epoll_ep_discard(struct epoll_ep *ep)
{
    if (ep->fd >= 0)
        close(ep->fd);
    host_free(ep->spare);
    host_free(ep);
}

int epoll_register(struct epoll_ep *ep)
{
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                             .data.ptr = ep };

    __atomic_store_n(&ep->published, true, __ATOMIC_RELEASE);
    /* Modifying asks the kernel to report the present state once more. */
    if (epoll_ctl(ep->net->epfd, ep->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, ep->fd, &e) < 0)
        return -errno;
    ep->registered = true;
    return 0;
}

static int open_socket(struct epoll_ep *ep, const struct net_open *o)
{
    int type = o->kind == NET_EP_STREAM ? SOCK_STREAM : SOCK_DGRAM;
    int on = 1;

    if (o->kind == NET_EP_RAW)
        type = SOCK_RAW;
    if (o->family != NET_IP4 && o->family != NET_IP6)
        return -EAFNOSUPPORT;
    ep->fd = socket(net_family_to_system(o->family), type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    o->kind == NET_EP_RAW ? o->protocol : 0);
    if (ep->fd < 0)
        return -errno;
    if (o->family == NET_IP6)
        setsockopt(ep->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (o->kind == NET_EP_STREAM)
        return 0; /* registered when it listens or connects: before, it would report a hang-up */
    return epoll_open_datagram(ep);
}

static int epoll_open(struct net *base, const struct net_open *o, struct net_ep **out)
{
    struct epoll_ep *ep = epoll_ep_alloc();
    int error = 0;

    if (!ep)
        return -ENOMEM;
    epoll_ep_init(ep, (struct epoll_net *)base, o->kind, o->family, o->rx_limit_bytes);
    ep->base.user = o->user;
    if (o->kind == NET_EP_ROUTE)
        error = epoll_open_route(ep);
    else if (o->kind != NET_EP_RESOLVER)
        error = open_socket(ep, o);
    if (error) {
        epoll_ep_discard(ep);
        return error;
    }
    *out = &ep->base;
    return 0;
}

static int get_local(struct epoll_ep *ep, struct net_addr *out)
{
    union net_sockaddr sa;
    socklen_t length = sizeof(sa);

    if (ep->aborted) {
        *out = ep->local;
        return 0;
    }
    if (getsockname(ep->fd, &sa.sa, &length) < 0)
        return -errno;
    net_addr_from_system(out, &sa.sa);
    return 0;
}

static int epoll_bind(struct net_ep *base, const struct net_addr *addr)
{
    struct epoll_ep *ep = epoll_ep_of(base);
    union net_sockaddr sa;
    socklen_t length = net_addr_to_system(addr, &sa);
    int error = 0;

    if (length == 0 || addr->family != ep->family)
        return -EAFNOSUPPORT;
    host_lock(&ep->lock);
    if (ep->fd < 0)
        error = -EBADF;
    else if (bind(ep->fd, &sa.sa, length) < 0)
        error = -errno;
    else if (ep->kind == NET_EP_STREAM)
        error = get_local(ep, &ep->local);
    host_unlock(&ep->lock);
    return error;
}

static int epoll_listen(struct net_ep *base, int backlog)
{
    struct epoll_ep *ep = epoll_ep_of(base);
    int error = 0;

    host_lock(&ep->lock);
    if (ep->kind != NET_EP_STREAM)
        error = -EOPNOTSUPP;
    else if (ep->fd < 0)
        error = -EBADF;
    else if (listen(ep->fd, backlog) < 0)
        error = -errno;
    else
        error = epoll_register(ep);
    if (!error)
        ep->listening = true;
    host_unlock(&ep->lock);
    return error;
}

/* ---- close ------------------------------------------------------------------------------------
 */

static void close_descriptor(struct epoll_ep *ep, bool abort)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    struct epoll_event unused;

    if (ep->fd < 0)
        return;
    if (abort && ep->kind == NET_EP_STREAM)
        setsockopt(ep->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    /* close() alone would leave the registration behind while a forked child holds a copy. */
    if (ep->registered)
        epoll_ctl(ep->net->epfd, EPOLL_CTL_DEL, ep->fd, &unused);
    close(ep->fd);
    ep->fd = -1;
}

/* Without a descriptor every call fails in the kernel; the flags let each operation try it. */
static int lose(struct epoll_ep *ep)
{
    net_ops_end_all(&ep->ops, -EBADF);
    close_descriptor(ep, true);
    ep->error = EBADF;
    ep->readable = ep->writable = ep->hung_up = true;
    return 0;
}

static enum net_disposition submit_close(struct epoll_ep *ep, struct net_op *op)
{
    host_lock(&ep->lock);
    HOST_ASSERT(!ep->closed);
    ep->closed = true;
    if (ep->kind == NET_EP_RESOLVER)
        epoll_close_resolver(ep);
    net_ops_end_all(&ep->ops, -ECANCELED);
    close_descriptor(ep, op->flags & NET_F_ABORT);
    if (ep->ops.busy)
        ep->ops.close = op;
    else
        epoll_finish(ep->net, op, 0);
    host_unlock(&ep->lock);
    return NET_PENDING;
}

static void remove_from_lists(struct epoll_ep *ep)
{
    struct epoll_net *net = ep->net;
    struct epoll_ep **p;

    host_lock(&net->lock);
    if (ep->in_service) {
        for (p = &net->service; *p != ep; p = &(*p)->service_next)
            ;
        *p = ep->service_next;
        if (net->service_tail == &ep->service_next)
            net->service_tail = p;
    }
    if (ep->timed) {
        for (p = &net->timed; *p != ep; p = &(*p)->timed_next)
            ;
        __atomic_store_n(p, ep->timed_next, __ATOMIC_RELAXED);
    }
    host_unlock(&net->lock);
}

/* After the done() of its close. The memory stays while buffers are charged to it. */
static void end_ep(struct epoll_ep *ep)
{
    /* The thread that submitted the close may still be on its way out of the lock. */
    host_lock(&ep->lock);
    host_unlock(&ep->lock);
    remove_from_lists(ep);
    epoll_close_route(ep);
    host_free(ep->spare);
    net_rx_put(&ep->rx_account);
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
        end_ep(ep);
    else if (net_op_is_send(code)) /* the endpoint is there: its close comes later */
        __atomic_fetch_sub(&ep->sends_pending, 1, __ATOMIC_RELEASE);
}

void epoll_run_ready(struct epoll_net *net)
{
    struct net_op *op;

    while ((op = net_queue_pop(&net->ready)))
        run_done(net, op);
}

void epoll_busy_begin(struct epoll_ep *ep, struct net_op *op)
{
    ep->ops.busy = op;
    host_unlock(&ep->lock);
    epoll_run_ready(ep->net); /* what was finished before comes before */
}

void epoll_busy_end(struct epoll_ep *ep)
{
    host_lock(&ep->lock);
    ep->ops.busy = NULL;
}

static void finish_close(struct epoll_ep *ep)
{
    if (ep->ops.close && !ep->ops.busy) {
        /* Not as ready: what the close ended waits among the finished, and comes before it. */
        epoll_finish(ep->net, ep->ops.close, 0);
        ep->ops.close = NULL;
    }
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
    host_lock(&ep->lock);
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
    finish_close(ep);
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

static void run_finished(struct epoll_net *net)
{
    struct net_queue list;
    struct net_op *op;

    host_lock(&net->lock);
    net_queue_take(&net->finished, &list);
    host_unlock(&net->lock);
    while ((op = net_queue_pop(&list)))
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

/* ---- submit and cancel --------------------------------------------------------------------------
 */

static enum net_disposition epoll_submit(struct net_ep *base, struct net_op *op)
{
    struct epoll_ep *ep = epoll_ep_of(base);

    net_op_begin(op, base);
    if (!net_op_fits(ep->kind, op->code))
        return net_op_is_send(op->code) ? epoll_answer_send(ep, op, -EOPNOTSUPP)
                                        : epoll_answer(ep, op, -EOPNOTSUPP);
    switch (op->code) {
    case NET_OP_CONNECT:
        return epoll_submit_connect(ep, op);
    case NET_OP_ACCEPT:
        return epoll_submit_accept(ep, op);
    case NET_OP_RECV:
        return epoll_submit_recv(ep, op);
    case NET_OP_SEND:
        return epoll_submit_send(ep, op);
    case NET_OP_RECVMSG:
        return epoll_submit_recvmsg(ep, op);
    case NET_OP_SENDMSG:
        return epoll_submit_sendmsg(ep, op);
    case NET_OP_SHUTDOWN:
        return epoll_submit_shutdown(ep, op);
    case NET_OP_WATCH:
        return epoll_submit_watch(ep, op);
    case NET_OP_RESOLVE:
    case NET_OP_NAMEINFO:
        return epoll_submit_resolve(ep, op);
    case NET_OP_ADDRESS_CHANGE:
        return epoll_submit_route(ep, op);
    default:
        return submit_close(ep, op);
    }
}

static void epoll_cancel(struct net_ep *base, struct net_op *op)
{
    struct epoll_ep *ep = epoll_ep_of(base);

    host_lock(&ep->lock);
    if (ep->kind == NET_EP_RESOLVER) {
        epoll_cancel_resolve(ep, op);
    } else if (op == ep->ops.connect) {
        ep->ops.connect = NULL;
        epoll_undo_connect(ep);
        epoll_finish(ep->net, op, -ECANCELED);
        epoll_service(ep); /* what waited for the connection ends, too */
    } else {
        net_ops_cancel(&ep->ops, op);
    }
    host_unlock(&ep->lock);
}

/* ---- control ------------------------------------------------------------------------------------
 */

static int get_queued(struct epoll_ep *ep, enum net_ctl what, int64_t *value)
{
    int n = 0;

    if (ioctl(ep->fd, what == NET_CTL_QUEUED_IN ? SIOCINQ : SIOCOUTQ, &n) < 0)
        return -errno;
    *value = n;
    if (what == NET_CTL_QUEUED_OUT)
        *value += net_ops_unsent(&ep->ops);
    return 0;
}

static int get_tcp_info(struct epoll_ep *ep, struct net_ctl_arg *arg)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    int s;

    if (ep->kind != NET_EP_STREAM)
        return -EOPNOTSUPP;
    if (getsockopt(ep->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return -errno;
    s = info.tcpi_state;
    arg->tcp.cwnd_segments = info.tcpi_snd_cwnd;
    arg->tcp.mss_bytes = info.tcpi_snd_mss;
    arg->tcp.rtt_us = info.tcpi_rtt;
    arg->tcp.fin_acked = ep->connected && epoll_fin_acked(s);
    arg->tcp.fin_received = s == TCP_CLOSE_WAIT || s == TCP_LAST_ACK || s == TCP_CLOSING ||
                            s == TCP_TIME_WAIT || (s == TCP_CLOSE && ep->hung_up);
    return 0;
}

static int get_error(struct epoll_ep *ep, int64_t *value)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (getsockopt(ep->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    *value = error ? error : ep->error;
    if (error)
        ep->error = error;
    return 0;
}

static int option(struct epoll_ep *ep, bool set, struct net_ctl_arg *arg)
{
    int result;

    if (ep->kind != NET_EP_STREAM &&
        epoll_datagram_option(ep, set, arg->opt, arg->data, &arg->length, &result))
        return result;
    if (ep->kind == NET_EP_STREAM && arg->opt == NET_OPT_TCP_NODELAY &&
        arg->length >= sizeof(int)) {
        if (!set) { /* what the kernel has may be a send's own wish */
            *(int *)arg->data = ep->nodelay;
            arg->length = sizeof(int);
            return 0;
        }
        result = net_opt_set(ep->fd, arg->opt, arg->data, arg->length);
        if (result == 0)
            ep->nodelay = ep->nodelay_now = *(const int *)arg->data != 0;
        return result;
    }
    return set ? net_opt_set(ep->fd, arg->opt, arg->data, arg->length)
               : net_opt_get(ep->fd, arg->opt, arg->data, &arg->length);
}

static int socket_ctl(struct epoll_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    switch (what) {
    case NET_CTL_SET:
    case NET_CTL_GET:
        return option(ep, what == NET_CTL_SET, arg);
    case NET_CTL_LOCAL:
        return get_local(ep, &arg->addr);
    case NET_CTL_REMOTE:
        arg->addr = ep->remote;
        return ep->connected ? 0 : -ENOTCONN;
    case NET_CTL_QUEUED_IN:
    case NET_CTL_QUEUED_OUT:
        return get_queued(ep, what, &arg->value);
    case NET_CTL_TCP_INFO:
        return get_tcp_info(ep, arg);
    case NET_CTL_ERROR:
        return get_error(ep, &arg->value);
    case NET_CTL_LOSE:
        return lose(ep);
    default:
        return -EOPNOTSUPP;
    }
}

static int epoll_ep_ctl(struct net_ep *base, enum net_ctl what, struct net_ctl_arg *arg)
{
    struct epoll_ep *ep = epoll_ep_of(base);
    int result;

    if (ep->kind == NET_EP_ROUTE && what == NET_CTL_ADDRESSES)
        return net_local_addresses(arg->family, arg->addrs, arg->length, &arg->length);
    if (ep->kind == NET_EP_ROUTE && what == NET_CTL_ROUTE)
        return net_local_for(&arg->addr);
    if (ep->kind == NET_EP_ROUTE || ep->kind == NET_EP_RESOLVER)
        return -EOPNOTSUPP;
    host_lock(&ep->lock);
    result = ep->fd < 0 ? -EBADF : socket_ctl(ep, what, arg);
    host_unlock(&ep->lock);
    return result;
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

    HOST_ASSERT(!net->finished.head && !net->ready.head);
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
    .open = epoll_open,
    .bind = epoll_bind,
    .listen = epoll_listen,
    .ctl = epoll_ep_ctl,
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .poll = epoll_poll,
    .wake = epoll_wake,
};
