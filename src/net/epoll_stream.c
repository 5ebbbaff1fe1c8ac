/*
 * epoll_stream.c: TCP on the epoll transport: connect, send, receive, shutdown.
 *
 * submit() tries the system call at once where the order allows it; what is left waits in
 * ep->ops.tx or ep->ops.rx until the loop sees the edge. The kernel tells a connection's fatal
 * error once, to whoever asks first, so it is remembered in ep->error for the other direction.
 * Everything here runs under ep->lock.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>
#include <unistd.h>
#include "net/epoll.h"

#define GATHER 64 /* pieces of one gathered write */

/* ---- states -------------------------------------------------------------------------------------
 */

static int tcp_state(struct epoll_ep *ep)
{
    struct tcp_info info;
    socklen_t size = sizeof(info.tcpi_state);

    if (getsockopt(ep->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return TCP_CLOSE;
    return info.tcpi_state;
}

bool epoll_fin_acked(int state)
{
    return state == TCP_FIN_WAIT2 || state == TCP_TIME_WAIT || state == TCP_CLOSE;
}

/* Remembers the first fatal error; the result that the caller should see for `error`. */
static int64_t fatal(struct epoll_ep *ep, int error)
{
    if (error == EPIPE && ep->error)
        error = ep->error;
    else if (error != EPIPE && error != ENOTCONN && error != EINVAL && error != EFAULT &&
             error != ENOMEM && error != ENOBUFS && !ep->error && ep->connected)
        ep->error = error;
    return -(int64_t)error;
}

static int socket_error(struct epoll_ep *ep)
{
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(ep->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

/* ---- connect ------------------------------------------------------------------------------------
 */

static void connected(struct epoll_ep *ep, const struct net_op *op)
{
    ep->connected = true;
    ep->aborted = false;
    ep->remote = op->addr;
    ep->writable = true;
}

static int64_t start_connect(struct epoll_ep *ep, struct net_op *op)
{
    union net_sockaddr sa;
    socklen_t length = net_addr_to_system(&op->addr, &sa);
    int error;

    if (length == 0 || op->addr.family != ep->family)
        return -EAFNOSUPPORT;
    if (ep->listening)
        return -EINVAL;
    if (ep->ops.connect)
        return -EALREADY;
    if (ep->connected)
        return -EISCONN;
    ep->error = 0; /* of an attempt before this one */
    error = connect(ep->fd, &sa.sa, length) < 0 ? -errno : 0;
    if (error && error != -EINPROGRESS) {
        epoll_undo_connect(ep);
        return error;
    }
    if (!error)
        connected(ep, op);
    error = epoll_register(ep);
    if (error) {
        epoll_undo_connect(ep);
        return error;
    }
    return ep->connected ? 0 : -EINPROGRESS;
}

enum net_disposition epoll_submit_connect(struct epoll_ep *ep, struct net_op *op)
{
    enum net_disposition d = NET_PENDING;
    int64_t result;

    host_lock(&ep->lock);
    result = start_connect(ep, op);
    if (result == -EINPROGRESS)
        ep->ops.connect = op;
    else
        d = epoll_answer(ep, op, result);
    host_unlock(&ep->lock);
    return d;
}

/* Makes the socket unconnected again; a connection that stands gets a reset. */
void epoll_stop_connect(struct epoll_ep *ep)
{
    struct sockaddr none = { .sa_family = AF_UNSPEC };

    (void)connect(ep->fd, &none, sizeof(none));
    ep->connected = false;
}

/*
 * The kernel forgets a port that it chose itself, and refuses the next connect once with
 * ECONNABORTED, unless the failed one is dissolved.
 */
void epoll_undo_connect(struct epoll_ep *ep)
{
    union net_sockaddr sa;
    socklen_t length = net_addr_to_system(&ep->local, &sa);

    epoll_stop_connect(ep);
    if (ep->local.port != 0)
        (void)bind(ep->fd, &sa.sa, length); /* fails when nothing was forgotten */
}

static void check_connect(struct epoll_ep *ep)
{
    struct net_op *op = ep->ops.connect;
    int state = tcp_state(ep); /* before the error: a reset between the two is not lost */
    int error = socket_error(ep);

    /* An event of the time before the connect says nothing about it. */
    if (!error && (state == TCP_SYN_SENT || state == TCP_SYN_RECV))
        return;
    if (!error && state == TCP_CLOSE)
        error = ep->error ? ep->error : ECONNREFUSED;
    ep->ops.connect = NULL;
    if (error) {
        epoll_undo_connect(ep);
        ep->hung_up = false;
    } else {
        connected(ep, op);
    }
    epoll_ready(ep, op, -error);
}

/* ---- send --------------------------------------------------------------------------------------
 */

static void set_nodelay(struct epoll_ep *ep, bool on)
{
    int value = on;

    /* Switching it on also pushes what waits in the kernel. */
    if (ep->nodelay_now == on)
        return;
    setsockopt(ep->fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
    ep->nodelay_now = on;
}

/* Adds what is left of op's bytes to v[n..room); the new n. */
static unsigned gather_op(const struct net_op *op, struct iovec *v, unsigned n, unsigned room)
{
    uint64_t skip = op->moved;

    for (unsigned i = 0; i < op->iovcnt && n < room; i++) {
        if (skip >= op->iov[i].iov_len) {
            skip -= op->iov[i].iov_len;
            continue;
        }
        v[n].iov_base = (char *)op->iov[i].iov_base + skip;
        v[n].iov_len = op->iov[i].iov_len - skip;
        skip = 0;
        n++;
    }
    return n;
}

static ssize_t send_pieces(struct epoll_ep *ep, struct iovec *v, unsigned n, unsigned flags)
{
    struct msghdr m = { .msg_iov = v, .msg_iovlen = n };

    set_nodelay(ep, ep->nodelay || (flags & NET_F_NODELAY));
    return sendmsg(ep->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL | ((flags & NET_F_MORE) ? MSG_MORE : 0));
}

/* Sends as much of one operation as the kernel takes. 0: all of it; else -errno. */
static int64_t send_one(struct epoll_ep *ep, struct net_op *op)
{
    struct iovec v[GATHER];
    ssize_t n;

    do {
        unsigned pieces;

        if (op->moved == 0 && op->iovcnt <= IOV_MAX) {
            n = send_pieces(ep, (struct iovec *)op->iov, op->iovcnt, op->flags);
        } else {
            pieces = gather_op(op, v, 0, GATHER);
            n = send_pieces(ep, v, pieces, op->flags);
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return would_block(errno) ? -EAGAIN : fatal(ep, errno);
        op->moved += (uint64_t)n;
        ep->sent_bytes += (uint64_t)n;
    } while (op->moved < op->priv[2]);
    return 0;
}

static int64_t may_send(const struct epoll_ep *ep)
{
    if (ep->aborted)
        return -ECONNABORTED;
    if (ep->ops.fin_queued)
        return -EPIPE;
    return ep->connected || ep->ops.connect ? 0 : -ENOTCONN;
}

/* One without the flag must not overtake those that wait. */
static bool awaits_ack(const struct epoll_ep *ep, const struct net_op *op)
{
    return (op->flags & NET_F_ACKED) || ep->ops.acks.head;
}

/* All bytes of a NET_F_ACKED send are in the kernel: it waits for the peer (check_acks). */
static void await_ack(struct epoll_ep *ep, struct net_op *op)
{
    op->priv[3] = ep->sent_bytes;
    net_queue_push(&ep->ops.acks, op);
    epoll_service_later(ep);
}

enum net_disposition epoll_submit_send(struct epoll_ep *ep, struct net_op *op)
{
    enum net_disposition d = NET_PENDING;
    int64_t result;

    op->priv[2] = net_iov_bytes(op->iov, op->iovcnt);
    host_lock(&ep->lock);
    result = may_send(ep);
    if (!result) {
        result = -EAGAIN;
        if (!ep->ops.tx.head && ep->writable)
            result = send_one(ep, op);
    }
    if (result == -EAGAIN) {
        if (!ep->ops.tx.head)
            ep->writable = false;
        epoll_count_send(ep);
        net_queue_push(&ep->ops.tx, op);
    } else if (result == 0 && awaits_ack(ep, op)) {
        epoll_count_send(ep);
        await_ack(ep, op);
    } else {
        d = epoll_answer_send(ep, op, result ? result : (int64_t)op->moved);
    }
    host_unlock(&ep->lock);
    return d;
}

/* Gives the bytes that one gathered write took to the operations at the head. */
static void credit(struct epoll_ep *ep, uint64_t n)
{
    struct net_op *op;

    while ((op = ep->ops.tx.head) && op->code == NET_OP_SEND) {
        uint64_t left = op->priv[2] - op->moved;

        if (left > n) {
            op->moved += n;
            ep->sent_bytes += n;
            return;
        }
        n -= left;
        op->moved += left;
        ep->sent_bytes += left;
        net_queue_remove(&ep->ops.tx, op);
        if (awaits_ack(ep, op))
            await_ack(ep, op);
        else
            epoll_ready(ep, op, (int64_t)op->moved);
        if (n == 0)
            return;
    }
}

static void fail_sends(struct epoll_ep *ep, int64_t result)
{
    struct net_op *op;

    while ((op = ep->ops.tx.head) && op->code == NET_OP_SEND) {
        net_queue_remove(&ep->ops.tx, op);
        epoll_ready(ep, op, result);
    }
}

static void send_gathered(struct epoll_ep *ep)
{
    struct iovec v[GATHER];
    unsigned n = 0, flags = 0;
    ssize_t sent;

    for (const struct net_op *op = ep->ops.tx.head; op && op->code == NET_OP_SEND && n < GATHER;
         op = op->next) {
        n = gather_op(op, v, n, GATHER);
        flags = (flags & NET_F_NODELAY) | op->flags;
    }
    sent = send_pieces(ep, v, n, flags);
    if (sent >= 0)
        credit(ep, (uint64_t)sent);
    else if (would_block(errno))
        ep->writable = false;
    else if (errno != EINTR)
        fail_sends(ep, fatal(ep, errno));
}

/* ---- shutdown -----------------------------------------------------------------------------------
 */

/* Sends FIN. 0: the peer acknowledged it already; -EAGAIN: not yet; else the error. */
static int64_t send_fin(struct epoll_ep *ep)
{
    if (shutdown(ep->fd, SHUT_WR) < 0) {
        int error = ep->error ? ep->error : socket_error(ep);

        if (error && ep->connected && !ep->error)
            ep->error = error;
        return error ? -error : -ENOTCONN;
    }
    return epoll_fin_acked(tcp_state(ep)) ? 0 : -EAGAIN;
}

/*
 * The kernel wakes the socket's waiters when our FIN is acknowledged, which ends in an event here
 * (seen on 6.18, with and without bytes in front of the FIN). It promises that nowhere, so the
 * endpoint is also looked at from time to time.
 */
static void check_fin(struct epoll_ep *ep)
{
    struct net_op *op;
    int error;

    if (!ep->ops.fin.head)
        return;
    if (!epoll_fin_acked(tcp_state(ep))) {
        epoll_service_later(ep);
        return;
    }
    error = socket_error(ep);
    if (error)
        fatal(ep, error);
    while ((op = net_queue_pop(&ep->ops.fin)))
        epoll_ready(ep, op, -ep->error);
}

/* The kernel announces no acknowledgement of data, so the endpoint is looked at from time to time.
 */
static void check_acks(struct epoll_ep *ep)
{
    struct net_op *op;
    int unacked = 0;

    if (!ep->ops.acks.head)
        return;
    if (ep->error || tcp_state(ep) == TCP_CLOSE) {
        while ((op = net_queue_pop(&ep->ops.acks)))
            epoll_ready(ep, op, ep->error ? -(int64_t)ep->error : -ECONNRESET);
        return;
    }
    if (ioctl(ep->fd, SIOCOUTQ, &unacked) < 0)
        unacked = 0;
    while ((op = ep->ops.acks.head) && ep->sent_bytes - (uint64_t)unacked >= op->priv[3]) {
        net_queue_remove(&ep->ops.acks, op);
        epoll_ready(ep, op, (int64_t)op->moved);
    }
    if (ep->ops.acks.head)
        epoll_service_later(ep);
}

/*
 * Reset: the kernel's way to do this without giving the descriptor up is to dissolve the
 * association. Bytes on their way in either direction are lost, as they should be.
 */
static void reset(struct epoll_ep *ep)
{
    union net_sockaddr sa;
    socklen_t length = sizeof(sa);

    if (ep->aborted)
        return;
    if (getsockname(ep->fd, &sa.sa, &length) == 0)
        net_addr_from_system(&ep->local, &sa.sa);
    ep->remote = ep->connected ? ep->remote : (struct net_addr){ 0 };
    if (ep->ops.connect || ep->connected) {
        bool was_connected = ep->connected;

        epoll_stop_connect(ep);
        ep->connected = was_connected; /* the remote address stays known */
    }
    ep->aborted = true;
    net_ops_abort(&ep->ops);
}

static int64_t submit_fin(struct epoll_ep *ep, struct net_op *op)
{
    int64_t result;

    if (ep->aborted)
        return -ECONNABORTED;
    if (!ep->connected && !ep->ops.connect)
        return -ENOTCONN;
    ep->ops.fin_queued = true;
    if (ep->ops.tx.head || ep->ops.connect) {
        net_queue_push(&ep->ops.tx, op);
        return -EINPROGRESS;
    }
    result = send_fin(ep);
    if (result != -EAGAIN)
        return result;
    net_queue_push(&ep->ops.fin, op);
    epoll_service_later(ep);
    return -EINPROGRESS;
}

enum net_disposition epoll_submit_shutdown(struct epoll_ep *ep, struct net_op *op)
{
    enum net_disposition d = NET_PENDING;
    int64_t result = 0;

    host_lock(&ep->lock);
    if (ep->listening)
        result = -ENOTCONN;
    else if (op->flags & NET_F_ABORT)
        reset(ep);
    else
        result = submit_fin(ep, op);
    if (result != -EINPROGRESS)
        d = epoll_answer(ep, op, result);
    host_unlock(&ep->lock);
    return d;
}

/* ---- the peer's end -----------------------------------------------------------------------------
 */

static int64_t peer_end(struct epoll_ep *ep, const struct net_op *op)
{
    int error;

    if (ep->aborted)
        return -ECONNABORTED;
    if (ep->ops.connect)
        return -EAGAIN;
    if (!ep->connected)
        return -ENOTCONN;
    if (!ep->hung_up)
        return -EAGAIN;
    error = socket_error(ep);
    if (error == EPIPE) /* the kernel's word for a reset behind the peer's FIN */
        error = ECONNRESET;
    if (error)
        fatal(ep, error);
    if (!ep->error && (op->flags & NET_F_ABORT))
        return -EAGAIN;
    return -(int64_t)ep->error;
}

enum net_disposition epoll_submit_watch(struct epoll_ep *ep, struct net_op *op)
{
    enum net_disposition d = NET_PENDING;
    int64_t result;

    host_lock(&ep->lock);
    result = peer_end(ep, op);
    if (result == -EAGAIN)
        net_queue_push(&ep->ops.watch, op);
    else
        d = epoll_answer(ep, op, result);
    host_unlock(&ep->lock);
    return d;
}

static void check_watch(struct epoll_ep *ep)
{
    struct net_op *op, *next;

    for (op = ep->ops.watch.head; op; op = next) {
        int64_t result = peer_end(ep, op);

        next = op->next;
        if (result == -EAGAIN)
            continue;
        net_queue_remove(&ep->ops.watch, op);
        epoll_ready(ep, op, result);
    }
}

/* ---- receive ------------------------------------------------------------------------------------
 */

/*
 * After a short read the queue was empty, and whatever comes later raises a new edge. Two things do
 * not: the end that the last edge announced already, and bytes behind an urgent mark.
 */
static void note_short_read(struct epoll_ep *ep)
{
    if (!ep->hung_up && !ep->urgent)
        ep->readable = false;
}

static int64_t read_failed(struct epoll_ep *ep, int error)
{
    if (would_block(error)) {
        ep->readable = false;
        return -EAGAIN;
    }
    return fatal(ep, error);
}

static int64_t read_iov(struct epoll_ep *ep, struct net_op *op)
{
    struct msghdr m = { .msg_iov = (struct iovec *)op->iov,
                        .msg_iovlen = op->iovcnt < IOV_MAX ? op->iovcnt : IOV_MAX };
    bool peek = op->flags & NET_F_PEEK;
    size_t room = net_iov_bytes(op->iov, op->iovcnt);
    ssize_t n;

    if (room == 0)
        return 0;
    do {
        n = recvmsg(ep->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL | (peek ? MSG_PEEK : 0));
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return read_failed(ep, errno);
    if (n == 0)
        return -(int64_t)ep->error;
    if ((size_t)n < room && !peek)
        note_short_read(ep);
    return n;
}

static int64_t may_receive(const struct epoll_ep *ep)
{
    if (ep->aborted)
        return -ECONNABORTED;
    return ep->connected || ep->ops.connect ? 0 : -ENOTCONN;
}

enum net_disposition epoll_submit_recv(struct epoll_ep *ep, struct net_op *op)
{
    enum net_disposition d = NET_PENDING;
    int64_t result;

    host_lock(&ep->lock);
    result = may_receive(ep);
    if (!result) {
        bool first = !ep->ops.busy && (!ep->ops.rx.head || (ep->ops.rx.head->flags & NET_F_MULTI));

        result = -EAGAIN;
        if (op->iovcnt > 0 && first && ep->readable)
            result = read_iov(ep, op);
    }
    if (result == -EAGAIN) {
        net_ops_queue_receive(&ep->ops, op);
        if (ep->readable)
            epoll_service(ep);
    } else {
        d = epoll_answer(ep, op, result);
    }
    host_unlock(&ep->lock);
    return d;
}

static bool more_is_queued(struct epoll_ep *ep)
{
    int n = 0;

    return ioctl(ep->fd, SIOCINQ, &n) == 0 && n > 0;
}

/* The next read may go this far: half a block for bulk, less for those who send little. */
static size_t read_size(const struct epoll_ep *ep, size_t room)
{
    size_t limit = net_rx_room(&ep->rx_account);

    if (limit < 4096)
        limit = 4096;
    if (room > NET_SLICE_MAX)
        room = NET_SLICE_MAX;
    return room < limit ? room : limit;
}

/* Reads into a shared block. > 0: op->buf has bytes; 0: the end; else -errno. */
static int64_t read_buf(struct epoll_ep *ep, struct net_op *op)
{
    struct net_pool *pool = ep->net->pool;
    size_t room = 0;
    uint8_t *p = net_pool_reserve(pool, ep->read_hint, &room);
    bool peek = op->flags & NET_F_PEEK;
    ssize_t n;

    if (!p)
        return -ENOMEM;
    room = read_size(ep, room);
    do {
        n = recv(ep->fd, p, room, MSG_DONTWAIT | (peek ? MSG_PEEK : 0));
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return read_failed(ep, errno);
    if (n == 0)
        return -(int64_t)ep->error;
    op->buf = net_pool_take(pool, (size_t)n, &ep->rx_account);
    op->drained = true;
    if ((size_t)n < room) {
        if (!peek)
            note_short_read(ep);
    } else if (net_rx_room(&ep->rx_account) > 0) {
        op->drained = !more_is_queued(ep);
    }
    /* Blocks are shared, so a reserve must not split what usually comes in one piece. */
    if ((size_t)n > ep->read_hint)
        ep->read_hint = (uint32_t)n;
    else
        ep->read_hint -= (ep->read_hint - (uint32_t)n) / 8;
    return n;
}

/* One step for the operation at the head. False: nothing more can be done now. */
static bool receive_step(struct epoll_ep *ep, struct net_op *op)
{
    int64_t n;

    if (op->iovcnt == 0 && net_rx_pause(&ep->rx_account))
        return false;
    n = op->iovcnt > 0 ? read_iov(ep, op) : read_buf(ep, op);
    if (n == -EAGAIN)
        return false;
    if (n == -ENOMEM) {
        epoll_service_later(ep);
        return false;
    }
    op->result = n;
    if (n > 0 && (op->flags & NET_F_MULTI)) {
        epoll_deliver(ep, op);
        return true;
    }
    net_queue_remove(&ep->ops.rx, op);
    epoll_ready(ep, op, n);
    return true;
}

static void run_receives(struct epoll_ep *ep)
{
    struct net_op *op;
    int budget = EPOLL_RX_BUDGET;

    while ((op = ep->ops.rx.head) && !ep->closed) {
        if (ep->aborted) {
            net_queue_remove(&ep->ops.rx, op);
            epoll_ready(ep, op, -ECONNABORTED);
            continue;
        }
        if (!ep->readable || ep->ops.connect)
            return;
        if (budget-- == 0) {
            epoll_service(ep);
            return;
        }
        if (!receive_step(ep, op))
            return;
    }
}

/* ---- the loop's turn ----------------------------------------------------------------------------
 */

static void run_sends(struct epoll_ep *ep)
{
    struct net_op *op;
    int budget = EPOLL_TX_BUDGET;
    int64_t result;

    while ((op = ep->ops.tx.head)) {
        if (op->code == NET_OP_SHUTDOWN) {
            net_queue_remove(&ep->ops.tx, op);
            result = send_fin(ep);
            if (result == -EAGAIN)
                net_queue_push(&ep->ops.fin, op);
            else
                epoll_ready(ep, op, result);
            continue;
        }
        if (!ep->writable)
            return;
        if (budget-- == 0) {
            epoll_service(ep);
            return;
        }
        send_gathered(ep);
    }
}

void epoll_run_stream(struct epoll_ep *ep, uint32_t events)
{
    if (ep->ops.connect && events)
        check_connect(ep);
    if (!ep->connected && !ep->ops.connect)
        net_ops_end_unconnected(&ep->ops);
    if (!ep->ops.connect)
        run_sends(ep);
    check_acks(ep);
    check_fin(ep);
    run_receives(ep);
    if (!ep->closed)
        check_watch(ep);
}
