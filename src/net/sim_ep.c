/*
 * sim_ep.c: endpoints of the simulated network: their life, and the way into submit().
 *
 * An endpoint adds operations to a socket: they wait in its queues until the loop, told by the
 * socket's ready(), looks at it. The rules are those of the epoll transport, and so are the names.
 * Memory outlives the endpoint while buffers are charged to it.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

/* ---- finishing --------------------------------------------------------------------------- */

void sim_finish(struct sim_ep *ep, struct net_op *op, int64_t result)
{
    op->result = result;
    op->more = false;
    net_queue_push(&ep->net->finished, op);
    sim_kick(ep->net);
}

enum net_disposition sim_answer(struct sim_ep *ep, struct net_op *op, int64_t result)
{
    if ((op->flags & NET_F_ASYNC) || sim_fires(ep->world, SIM_ASYNC, "ep:async answer")) {
        sim_finish(ep, op, result);
        return NET_PENDING;
    }
    op->result = result;
    return NET_DONE;
}

void sim_count_send(struct sim_ep *ep)
{
    ep->sends_pending++;
}

enum net_disposition sim_answer_send(struct sim_ep *ep, struct net_op *op, int64_t result)
{
    if (ep->sends_pending == 0 && sim_answer(ep, op, result) == NET_DONE)
        return NET_DONE;
    if (ep->sends_pending > 0)
        sim_finish(ep, op, result);
    sim_count_send(ep);
    return NET_PENDING;
}

bool sim_inline(struct sim_ep *ep, const char *site)
{
    return !sim_fires(ep->world, SIM_ASYNC, site);
}

void sim_service(struct sim_ep *ep)
{
    struct sim_net *net = ep->net;

    if (!ep->in_service) {
        ep->in_service = true;
        ep->service_next = NULL;
        *net->service_tail = ep;
        net->service_tail = &ep->service_next;
    }
    sim_kick(net);
}

static void retry(struct sim_event *e)
{
    sim_service(SIM_OF(e, struct sim_ep, retry));
}

void sim_service_later(struct sim_ep *ep)
{
    if (!ep->retry.queued)
        sim_event_at(ep->world, &ep->retry, host_now() + SIM_RETRY_NS, retry);
}

/* ---- life -------------------------------------------------------------------------------- */

static struct sim_ep *ep_of_rx(struct net_rx *rx)
{
    return SIM_OF(rx, struct sim_ep, rx_account);
}

/* A buffer was put and the endpoint may read again. The buffer still keeps the memory alive, but
 * the world may be gone. */
static void resume_reading(struct net_rx *rx)
{
    struct sim_ep *ep = ep_of_rx(rx);

    host_lock(&ep->gate);
    if (!ep->shut) {
        sim_lock(ep->net);
        sim_service(ep);
        sim_unlock(ep->net);
    }
    host_unlock(&ep->gate);
}

/* Endpoints whose memory is there. */
static long endpoints;

long sim_ep_count(void)
{
    return __atomic_load_n(&endpoints, __ATOMIC_RELAXED);
}

static void free_ep(struct net_rx *rx)
{
    __atomic_sub_fetch(&endpoints, 1, __ATOMIC_RELAXED);
    host_free(ep_of_rx(rx));
}

struct sim_ep *sim_ep_alloc(void)
{
    struct sim_ep *ep = host_zalloc(sizeof(*ep));

    if (ep)
        __atomic_add_fetch(&endpoints, 1, __ATOMIC_RELAXED);
    return ep;
}

static void sock_ready(struct sim_sock *s)
{
    sim_service(SIM_OF(s, struct sim_ep, sock));
}

static void finish(struct net_ep *base, struct net_op *op, int64_t result)
{
    sim_finish(sim_ep_of(base), op, result);
}

void sim_ep_init(struct sim_ep *ep, struct sim_net *net, enum net_ep_kind kind,
                 enum net_family family, size_t rx_limit_bytes)
{
    ep->base.transport = net->base.transport;
    ep->base.net = &net->base;
    ep->net = net;
    ep->world = net->world;
    ep->kind = kind;
    ep->family = family;
    host_lock_init(&ep->gate, HOST_RANK_NET_EP);
    net_rx_init(&ep->rx_account, rx_limit_bytes, resume_reading, free_ep);
    net_ops_init(&ep->ops, &ep->base, finish);
    if (kind == NET_EP_STREAM || kind == NET_EP_DATAGRAM) {
        sim_sock_init(&ep->sock, ep->world, ep->world->local, kind, family);
        ep->sock.ready = sock_ready;
    }
}

int sim_ep_open(struct net *base, const struct net_open *o, struct net_ep **out)
{
    struct sim_net *net = (struct sim_net *)base;
    bool names = o->kind == NET_EP_RESOLVER || o->kind == NET_EP_ROUTE;
    struct sim_ep *ep;

    if (o->kind == NET_EP_RAW)
        return -EACCES;
    if (!names && o->family != NET_IP4 && o->family != NET_IP6)
        return -EAFNOSUPPORT;
    ep = sim_ep_alloc();
    if (!ep)
        return -ENOMEM;
    sim_lock(net);
    sim_ep_init(ep, net, o->kind, o->family, o->rx_limit_bytes);
    ep->base.user = o->user;
    if (o->kind == NET_EP_ROUTE) {
        ep->route_next = net->world->routes;
        net->world->routes = ep;
    }
    sim_unlock(net);
    *out = &ep->base;
    return 0;
}

int sim_ep_bind(struct net_ep *base, const struct net_addr *addr)
{
    struct sim_ep *ep = sim_ep_of(base);
    int error;

    if (ep->kind != NET_EP_STREAM && ep->kind != NET_EP_DATAGRAM)
        return -EOPNOTSUPP;
    sim_lock(ep->net);
    error = ep->closed || ep->lost ? -EBADF : sim_sock_bind(&ep->sock, addr);
    sim_unlock(ep->net);
    return error;
}

int sim_ep_listen(struct net_ep *base, int backlog)
{
    struct sim_ep *ep = sim_ep_of(base);
    int error;

    if (ep->kind != NET_EP_STREAM)
        return -EOPNOTSUPP;
    sim_lock(ep->net);
    error = ep->closed || ep->lost ? -EBADF : sim_sock_listen(&ep->sock, backlog);
    if (!error)
        ep->listening = true;
    sim_unlock(ep->net);
    return error;
}

/* ---- close ------------------------------------------------------------------------------- */

static void leave_routes(struct sim_ep *ep)
{
    struct sim_ep **p = &ep->world->routes;

    while (*p != ep)
        p = &(*p)->route_next;
    *p = ep->route_next;
}

static void close_below(struct sim_ep *ep, bool abort)
{
    if (ep->kind == NET_EP_RESOLVER)
        sim_close_resolver(ep);
    else if (ep->kind == NET_EP_ROUTE)
        leave_routes(ep);
    else if (ep->kind == NET_EP_STREAM)
        sim_tcp_close(&ep->sock, abort);
    else
        sim_udp_close(&ep->sock);
}

/* From here on every operation is answered before it gets anywhere. */
static int lose(struct sim_ep *ep)
{
    ep->lost = true;
    net_ops_end_all(&ep->ops, -EBADF);
    close_below(ep, true);
    sim_event_cancel(ep->world, &ep->retry);
    return 0;
}

static enum net_disposition submit_close(struct sim_ep *ep, struct net_op *op)
{
    host_lock(&ep->gate);
    ep->shut = true;
    host_unlock(&ep->gate);
    sim_lock(ep->net);
    HOST_ASSERT(!ep->closed);
    ep->closed = true;
    net_ops_end_all(&ep->ops, -ECANCELED);
    if (!ep->lost)
        close_below(ep, op->flags & NET_F_ABORT);
    sim_event_cancel(ep->world, &ep->retry);
    if (ep->ops.busy)
        ep->ops.close = op;
    else
        sim_finish(ep, op, 0);
    sim_guard(ep->world);
    sim_unlock(ep->net);
    return NET_PENDING;
}

/* After the done() of its close. The memory stays while buffers are charged to it. */
void sim_ep_end(struct sim_ep *ep)
{
    struct sim_net *net = ep->net;
    struct sim_ep **p;

    if (ep->in_service) {
        for (p = &net->service; *p != ep; p = &(*p)->service_next)
            ;
        *p = ep->service_next;
        if (net->service_tail == &ep->service_next)
            net->service_tail = p;
    }
    if (ep->spare)
        free_ep(&ep->spare->rx_account);
    net_rx_put(&ep->rx_account);
}

/* ---- calling back ------------------------------------------------------------------------ */

void sim_busy_begin(struct sim_ep *ep, struct net_op *op)
{
    ep->ops.busy = op;
    sim_run_finished(ep->net, true); /* what was finished before comes before */
    sim_unlock(ep->net);
}

void sim_busy_end(struct sim_ep *ep)
{
    sim_lock(ep->net);
    ep->ops.busy = NULL;
}

void sim_deliver(struct sim_ep *ep, struct net_op *op)
{
    op->more = true;
    sim_busy_begin(ep, op);
    ep->net->done_count++;
    host_order_after(ep->world);
    op->done(op);
    sim_busy_end(ep);
    sim_end_delivery(ep, op);
}

void sim_end_delivery(struct sim_ep *ep, struct net_op *op)
{
    if (net_ops_end_delivery(&ep->ops, op))
        sim_finish(ep, op, -ECANCELED);
}

void sim_ep_look(struct sim_ep *ep)
{
    if (!ep->closed && !ep->lost) {
        if (ep->listening)
            sim_run_accept(ep);
        else if (ep->kind == NET_EP_STREAM)
            sim_run_stream(ep);
        else if (ep->kind == NET_EP_DATAGRAM)
            sim_run_datagram(ep);
    }
    if (ep->ops.close && !ep->ops.busy) {
        sim_finish(ep, ep->ops.close, 0);
        ep->ops.close = NULL;
    }
}

/* ---- submit and cancel ------------------------------------------------------------------- */

static enum net_disposition submit_locked(struct sim_ep *ep, struct net_op *op)
{
    if (!net_op_fits(ep->kind, op->code) || ep->lost) {
        int error = ep->lost ? -EBADF : -EOPNOTSUPP;

        return net_op_is_send(op->code) ? sim_answer_send(ep, op, error)
                                        : sim_answer(ep, op, error);
    }
    switch (op->code) {
    case NET_OP_CONNECT:
        return sim_submit_connect(ep, op);
    case NET_OP_ACCEPT:
        return sim_submit_accept(ep, op);
    case NET_OP_RECV:
        return sim_submit_recv(ep, op);
    case NET_OP_SEND:
        return sim_submit_send(ep, op);
    case NET_OP_RECVMSG:
        return sim_submit_recvmsg(ep, op);
    case NET_OP_SENDMSG:
        return sim_submit_sendmsg(ep, op);
    case NET_OP_SHUTDOWN:
        return sim_submit_shutdown(ep, op);
    case NET_OP_WATCH:
        return sim_submit_watch(ep, op);
    case NET_OP_ADDRESS_CHANGE:
        return sim_submit_route(ep, op);
    default:
        return sim_submit_resolve(ep, op);
    }
}

enum net_disposition sim_ep_submit(struct net_ep *base, struct net_op *op)
{
    struct sim_ep *ep = sim_ep_of(base);
    struct sim_world *w = ep->world;
    enum net_disposition d;

    net_op_begin(op, base);
    host_order_before(w); /* what was done before a send comes before what its receiver does */
    if (op->code == NET_OP_CLOSE)
        return submit_close(ep, op);
    sim_lock(ep->net);
    HOST_ASSERT(!ep->closed);
    d = submit_locked(ep, op);
    sim_run_due(w); /* what takes no time has happened when the call returns */
    sim_guard(w);
    sim_unlock(ep->net);
    if (d != NET_PENDING)
        host_order_after(w);
    return d;
}

static void cancel_locked(struct sim_ep *ep, struct net_op *op)
{
    if (ep->kind == NET_EP_RESOLVER) {
        sim_cancel_resolve(ep, op);
    } else if (op == ep->ops.connect) {
        ep->ops.connect = NULL;
        sim_tcp_unconnect(&ep->sock);
        sim_finish(ep, op, -ECANCELED);
        sim_service(ep); /* what waited for the connection ends, too */
    } else {
        net_ops_cancel(&ep->ops, op);
    }
}

void sim_ep_cancel(struct net_ep *base, struct net_op *op)
{
    struct sim_ep *ep = sim_ep_of(base);

    sim_lock(ep->net);
    cancel_locked(ep, op);
    sim_guard(ep->world);
    sim_unlock(ep->net);
}

/* ---- control ----------------------------------------------------------------------------- */

static int64_t queued_out(const struct sim_ep *ep)
{
    return (int64_t)(sim_tcp_written(&ep->sock) - sim_tcp_acked(&ep->sock)) +
           net_ops_unsent(&ep->ops);
}

static int64_t queued_in(const struct sim_ep *ep)
{
    if (ep->kind == NET_EP_STREAM)
        return (int64_t)sim_tcp_readable(&ep->sock);
    return ep->sock.rx ? (int64_t)ep->sock.rx->length : 0; /* as SIOCINQ: the next one's */
}

static int get_tcp_info(struct sim_ep *ep, struct net_ctl_arg *arg)
{
    const struct sim_host *to;

    if (ep->kind != NET_EP_STREAM)
        return -EOPNOTSUPP;
    arg->tcp.cwnd_segments = 10;
    arg->tcp.mss_bytes = 536;
    arg->tcp.rtt_us = 0;
    if (ep->connected && ep->sock.conn) {
        to = ep->sock.conn->end[!ep->sock.side].host;
        arg->tcp.mss_bytes = to == ep->world->local ? 32768 : 1448;
        if (to != ep->world->local)
            arg->tcp.rtt_us = (uint32_t)(2 * ep->world->faults.latency_ns / 1000);
    }
    arg->tcp.fin_acked = ep->connected && sim_tcp_fin_acked(&ep->sock);
    arg->tcp.fin_received =
        sim_tcp_fin_received(&ep->sock) || (ep->connected && sim_tcp_broken(&ep->sock));
    return 0;
}

static int get_error(struct sim_ep *ep, int64_t *value)
{
    int error = ep->sock.error;

    ep->sock.error = 0;
    *value = error ? error : ep->error;
    if (error)
        ep->error = error;
    return 0;
}

static int option(struct sim_ep *ep, bool set, struct net_ctl_arg *arg)
{
    return set ? sim_sock_set(&ep->sock, arg->opt, arg->data, arg->length)
               : sim_sock_get(&ep->sock, arg->opt, arg->data, &arg->length);
}

static int socket_ctl(struct sim_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    switch (what) {
    case NET_CTL_SET:
    case NET_CTL_GET:
        return option(ep, what == NET_CTL_SET, arg);
    case NET_CTL_LOCAL:
        arg->addr = ep->sock.local;
        sim_sock_out(&ep->sock, &arg->addr);
        return 0;
    case NET_CTL_REMOTE:
        arg->addr = ep->sock.remote;
        sim_sock_out(&ep->sock, &arg->addr);
        return ep->connected ? 0 : -ENOTCONN;
    case NET_CTL_QUEUED_IN:
        arg->value = queued_in(ep);
        return 0;
    case NET_CTL_QUEUED_OUT:
        arg->value = ep->kind == NET_EP_STREAM ? queued_out(ep) : 0;
        return 0;
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

int sim_ep_ctl(struct net_ep *base, enum net_ctl what, struct net_ctl_arg *arg)
{
    struct sim_ep *ep = sim_ep_of(base);
    int result = -EOPNOTSUPP;

    sim_lock(ep->net);
    if (ep->kind == NET_EP_ROUTE && what == NET_CTL_ADDRESSES)
        result = sim_route_addresses(ep, arg);
    else if (ep->kind == NET_EP_ROUTE && what == NET_CTL_ROUTE)
        result = sim_route_for(ep, arg);
    else if (ep->kind == NET_EP_STREAM || ep->kind == NET_EP_DATAGRAM)
        result = ep->closed || ep->lost ? -EBADF : socket_ctl(ep, what, arg);
    sim_guard(ep->world);
    sim_unlock(ep->net);
    return result;
}
