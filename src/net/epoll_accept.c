/*
 * epoll_accept.c: listening sockets on the epoll transport.
 *
 * The memory of the next endpoint is allocated before accept4(), so that a connection that the
 * kernel has handed over cannot be lost to a failing allocation. Without descriptors or memory the
 * connection stays in the kernel's queue, and the listener is looked at again a little later. The
 * caller's place() runs without our lock, with the operation marked as busy.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "net/epoll.h"

/* > 0: a descriptor, ep->spare is ready for it. -EAGAIN: none waits. -ENOBUFS: try later. */
static int take_connection(struct epoll_ep *ep, struct net_addr *remote)
{
    union net_sockaddr sa;
    socklen_t length;
    int fd;

    if (!ep->spare)
        ep->spare = epoll_ep_alloc();
    if (!ep->spare)
        return -ENOBUFS;
    for (;;) {
        length = sizeof(sa);
        fd = accept4(ep->fd, &sa.sa, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            break;
        switch (errno) {
        case EAGAIN:
            ep->readable = false;
            return -EAGAIN;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return -ENOBUFS;
        case EINVAL:
        case EBADF:
        case ENOTSOCK:
        case EOPNOTSUPP:
            return -errno;
        default: /* that connection died in the queue, or a signal came: take the next one */
            break;
        }
    }
    net_addr_from_system(remote, &sa.sa);
    return fd;
}

/* Brings the new endpoint to life on its net. No lock is held. */
static int64_t settle(struct epoll_ep *listener, struct net_op *op, struct epoll_ep *ep, int fd)
{
    struct net *home = op->place ? op->place(op) : NULL;
    union net_sockaddr sa;
    socklen_t length = sizeof(sa);
    int error;

    epoll_ep_init(ep, home ? (struct epoll_net *)home : listener->net, NET_EP_STREAM,
                  listener->family, listener->rx_account.limit_bytes);
    ep->fd = fd;
    ep->connected = true;
    ep->writable = true;
    ep->nodelay = ep->nodelay_now = listener->nodelay;
    ep->remote = op->addr;
    if (getsockname(fd, &sa.sa, &length) == 0)
        net_addr_from_system(&op->local, &sa.sa);
    ep->local = op->local;
    error = epoll_register(ep);
    if (error) {
        epoll_ep_discard(ep);
        return error;
    }
    op->accepted = &ep->base;
    return 0;
}

enum net_disposition epoll_submit_accept(struct epoll_ep *ep, struct net_op *op)
{
    struct epoll_ep *fresh;
    int fd = -EAGAIN;

    host_lock(&ep->lock);
    if (!ep->listening)
        fd = -EINVAL;
    else if (!ep->ops.busy && !ep->ops.rx.head && ep->readable && !(op->flags & NET_F_MULTI))
        fd = take_connection(ep, &op->addr);
    if (fd >= 0) {
        fresh = ep->spare;
        ep->spare = NULL;
        host_unlock(&ep->lock);
        return epoll_answer(ep, op, settle(ep, op, fresh, fd));
    }
    if (fd != -EAGAIN && fd != -ENOBUFS) {
        host_unlock(&ep->lock);
        return epoll_answer(ep, op, fd);
    }
    net_ops_queue_receive(&ep->ops, op);
    if (fd == -ENOBUFS)
        epoll_service_later(ep);
    else if (ep->readable)
        epoll_service(ep);
    host_unlock(&ep->lock);
    return NET_PENDING;
}

/* One connection for the operation at the head. */
static void hand_over(struct epoll_ep *ep, struct net_op *op, int fd)
{
    struct epoll_ep *fresh = ep->spare;
    int64_t result;

    ep->spare = NULL;
    epoll_busy_begin(ep, op);
    result = settle(ep, op, fresh, fd);
    epoll_busy_end(ep);
    op->result = result;
    if ((op->flags & NET_F_MULTI) && result == 0) {
        epoll_deliver(ep, op);
        return;
    }
    if (op->flags & NET_F_MULTI) {
        epoll_end_delivery(ep, op);
        return;
    }
    net_queue_remove(&ep->ops.rx, op);
    epoll_ready(ep, op, result);
}

void epoll_run_accept(struct epoll_ep *ep)
{
    struct net_op *op;
    int budget = EPOLL_RX_BUDGET;

    while ((op = ep->ops.rx.head) && ep->readable && !ep->closed) {
        int fd;

        if (budget-- == 0) {
            epoll_service(ep);
            return;
        }
        fd = take_connection(ep, &op->addr);
        if (fd >= 0) {
            hand_over(ep, op, fd);
        } else if (fd == -ENOBUFS) {
            epoll_service_later(ep);
            return;
        } else if (fd != -EAGAIN) {
            net_queue_remove(&ep->ops.rx, op);
            epoll_ready(ep, op, fd);
        }
    }
}
