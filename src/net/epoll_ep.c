/*
 * epoll_ep.c: endpoints of the epoll transport: their life, the way into submit(), and control.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "net/epoll.h"
#include "net/opt.h"

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

/* As on Windows, what is sent to a group is for its members, and not for everybody on the port. */
static void members_only(int fd, enum net_family family)
{
    int off = 0;

    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off));
    if (family == NET_IP6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof(off));
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
    members_only(ep->fd, o->family);
    return epoll_open_datagram(ep);
}

int epoll_ep_open(struct net *base, const struct net_open *o, struct net_ep **out)
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

int epoll_ep_bind(struct net_ep *base, const struct net_addr *addr)
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

int epoll_ep_listen(struct net_ep *base, int backlog)
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
void epoll_ep_end(struct epoll_ep *ep)
{
    /* The thread that submitted the close may still be on its way out of the lock. */
    host_lock(&ep->lock);
    host_unlock(&ep->lock);
    remove_from_lists(ep);
    epoll_close_route(ep);
    host_free(ep->spare);
    net_rx_put(&ep->rx_account);
}

void epoll_ep_finish_close(struct epoll_ep *ep)
{
    if (ep->ops.close && !ep->ops.busy) {
        /* Not as ready: it comes behind what the close ended and after the turn's events. */
        epoll_finish(ep->net, ep->ops.close, 0);
        ep->ops.close = NULL;
    }
}

/* ---- submit and cancel --------------------------------------------------------------------------
 */

enum net_disposition epoll_ep_submit(struct net_ep *base, struct net_op *op)
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

void epoll_ep_cancel(struct net_ep *base, struct net_op *op)
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

int epoll_ep_ctl(struct net_ep *base, enum net_ctl what, struct net_ctl_arg *arg)
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
