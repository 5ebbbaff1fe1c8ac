/*
 * sim_stream.c: streams on the simulated network: connect, send, receive, shutdown.
 *
 * submit() tries at once where the order allows it; what is left waits in ep->ops.tx or ep->ops.rx
 * until the socket is ready. The socket tells a connection's fatal error once, as a kernel does, so
 * it is remembered in ep->error for the other direction. Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/simp.h"

#define RX_BUDGET 16 /* reads per turn */

/* Remembers the first fatal error; the result that the caller should see for `error`. */
static int64_t fatal(struct sim_ep *ep, int error)
{
    if (error == EPIPE && ep->error)
        error = ep->error;
    else if (error != EPIPE && error != ENOTCONN && !ep->error && ep->connected)
        ep->error = error;
    return -(int64_t)error;
}

static int take_sock_error(struct sim_ep *ep)
{
    int error = ep->sock.error;

    ep->sock.error = 0;
    return error;
}

/* ---- connect ----------------------------------------------------------------------------- */

static void connected(struct sim_ep *ep)
{
    ep->connected = true;
    ep->aborted = false;
    ep->error = 0;
}

static int64_t start_connect(struct sim_ep *ep, struct net_op *op)
{
    int error;

    if (op->addr.family != ep->family)
        return -EAFNOSUPPORT;
    if (ep->listening)
        return -EINVAL;
    if (ep->ops.connect)
        return -EALREADY;
    if (ep->connected)
        return -EISCONN;
    error = sim_tcp_connect(&ep->sock, &op->addr);
    if (error != -EINPROGRESS || !sim_inline(ep, "ep:connect"))
        return error;
    sim_run_due(ep->world);
    if (sim_tcp_connected(&ep->sock))
        return 0;
    return ep->sock.conn ? -EINPROGRESS : -take_sock_error(ep);
}

enum net_disposition sim_submit_connect(struct sim_ep *ep, struct net_op *op)
{
    int64_t result = start_connect(ep, op);

    if (result == -EINPROGRESS) {
        ep->ops.connect = op;
        return NET_PENDING;
    }
    if (result == 0)
        connected(ep);
    else if (!ep->ops.connect && !ep->connected && !ep->listening)
        sim_tcp_unconnect(&ep->sock);
    return sim_answer(ep, op, result);
}

static void check_connect(struct sim_ep *ep)
{
    struct net_op *op = ep->ops.connect;
    int error = 0;

    if (!op || (ep->sock.conn && !sim_tcp_connected(&ep->sock)))
        return;
    ep->ops.connect = NULL;
    if (sim_tcp_connected(&ep->sock)) {
        connected(ep);
    } else {
        error = take_sock_error(ep);
        sim_tcp_unconnect(&ep->sock);
    }
    sim_finish(ep, op, -error);
}

/* ---- send -------------------------------------------------------------------------------- */

/* Sends as much of one operation as the socket takes now. 0: all of it; else -errno. */
static int64_t send_one(struct sim_ep *ep, struct net_op *op)
{
    int64_t n = sim_tcp_write(&ep->sock, op->iov, op->iovcnt, op->moved, op->flags);

    if (n == -EAGAIN)
        return n;
    if (n < 0)
        return fatal(ep, (int)-n);
    op->moved += (uint64_t)n;
    if (op->moved == op->priv[2])
        return 0;
    sim_service(ep); /* the socket may have taken less than it could */
    return -EAGAIN;
}

static int64_t may_send(const struct sim_ep *ep)
{
    if (ep->aborted)
        return -ECONNABORTED;
    if (ep->ops.fin_queued)
        return -EPIPE;
    return ep->connected || ep->ops.connect ? 0 : -ENOTCONN;
}

/* One without the flag must not overtake those that wait. */
static bool awaits_ack(const struct sim_ep *ep, const struct net_op *op)
{
    return (op->flags & NET_F_ACKED) || ep->ops.acks.head;
}

/* All bytes of a NET_F_ACKED send are in the socket: it waits for the peer (check_acks). */
static void await_ack(struct sim_ep *ep, struct net_op *op)
{
    op->priv[3] = sim_tcp_written(&ep->sock);
    net_queue_push(&ep->ops.acks, op);
    sim_service(ep);
}

enum net_disposition sim_submit_send(struct sim_ep *ep, struct net_op *op)
{
    int64_t result = may_send(ep);

    op->priv[2] = net_iov_bytes(op->iov, op->iovcnt);
    if (!result) {
        result = -EAGAIN;
        if (!ep->ops.tx.head && ep->connected && sim_inline(ep, "ep:send"))
            result = send_one(ep, op);
    }
    if (result == 0 && awaits_ack(ep, op)) {
        sim_count_send(ep);
        await_ack(ep, op);
        return NET_PENDING;
    }
    if (result != -EAGAIN)
        return sim_answer_send(ep, op, result ? result : (int64_t)op->moved);
    sim_count_send(ep);
    net_queue_push(&ep->ops.tx, op);
    sim_service(ep);
    return NET_PENDING;
}

/* ---- shutdown ---------------------------------------------------------------------------- */

/* Sends FIN. 0: the peer acknowledged it already; -EAGAIN: not yet; else the error. */
static int64_t send_fin(struct sim_ep *ep)
{
    int error = sim_tcp_fin(&ep->sock);

    if (error) {
        if (ep->error)
            return -ep->error;
        if (error != -ENOTCONN && ep->connected)
            ep->error = -error;
        return error;
    }
    return sim_tcp_fin_acked(&ep->sock) ? 0 : -EAGAIN;
}

static void check_fin(struct sim_ep *ep)
{
    struct net_op *op;
    int error;

    if (!ep->ops.fin.head || !sim_tcp_fin_acked(&ep->sock))
        return;
    error = take_sock_error(ep);
    if (error)
        fatal(ep, error);
    while ((op = net_queue_pop(&ep->ops.fin)))
        sim_finish(ep, op, -ep->error);
}

static void check_acks(struct sim_ep *ep)
{
    struct net_op *op;

    while ((op = ep->ops.acks.head) && sim_tcp_acked(&ep->sock) >= op->priv[3]) {
        net_queue_remove(&ep->ops.acks, op);
        sim_finish(ep, op, (int64_t)op->moved);
    }
    if (!ep->ops.acks.head || !(ep->error || sim_tcp_broken(&ep->sock)))
        return;
    while ((op = net_queue_pop(&ep->ops.acks)))
        sim_finish(ep, op, ep->error ? -(int64_t)ep->error : -ECONNRESET);
}

static void reset(struct sim_ep *ep)
{
    struct net_addr local = ep->sock.local;

    if (ep->aborted)
        return;
    if (ep->ops.connect || ep->connected)
        sim_tcp_unconnect(&ep->sock);
    ep->sock.local = local; /* both addresses stay known */
    ep->aborted = true;
    net_ops_abort(&ep->ops);
}

static int64_t submit_fin(struct sim_ep *ep, struct net_op *op)
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
    if (result == -EAGAIN && sim_inline(ep, "ep:shutdown")) {
        sim_run_due(ep->world);
        if (sim_tcp_fin_acked(&ep->sock) && !ep->sock.error)
            return -ep->error;
    }
    if (result != -EAGAIN)
        return result;
    net_queue_push(&ep->ops.fin, op);
    sim_service(ep);
    return -EINPROGRESS;
}

enum net_disposition sim_submit_shutdown(struct sim_ep *ep, struct net_op *op)
{
    int64_t result = 0;

    if (ep->listening)
        result = -ENOTCONN;
    else if (op->flags & NET_F_ABORT)
        reset(ep);
    else
        result = submit_fin(ep, op);
    return result == -EINPROGRESS ? NET_PENDING : sim_answer(ep, op, result);
}

/* ---- the peer's end ---------------------------------------------------------------------- */

static int64_t peer_end(struct sim_ep *ep, const struct net_op *op)
{
    int error;

    if (ep->aborted)
        return -ECONNABORTED;
    if (ep->ops.connect)
        return -EAGAIN;
    if (!ep->connected)
        return -ENOTCONN;
    if (!sim_tcp_fin_received(&ep->sock) && !sim_tcp_broken(&ep->sock))
        return -EAGAIN;
    error = take_sock_error(ep);
    if (error == EPIPE) /* a reset behind the peer's FIN */
        error = ECONNRESET;
    if (error)
        fatal(ep, error);
    if (!ep->error && (op->flags & NET_F_ABORT))
        return -EAGAIN;
    return -(int64_t)ep->error;
}

enum net_disposition sim_submit_watch(struct sim_ep *ep, struct net_op *op)
{
    int64_t result = peer_end(ep, op);

    if (result != -EAGAIN)
        return sim_answer(ep, op, result);
    net_queue_push(&ep->ops.watch, op);
    return NET_PENDING;
}

static void check_watch(struct sim_ep *ep)
{
    struct net_op *op, *next;

    for (op = ep->ops.watch.head; op; op = next) {
        int64_t result = peer_end(ep, op);

        next = op->next;
        if (result == -EAGAIN)
            continue;
        net_queue_remove(&ep->ops.watch, op);
        sim_finish(ep, op, result);
    }
}

/* ---- receive ----------------------------------------------------------------------------- */

/* What a read finds when there are no bytes. */
static int64_t no_bytes(struct sim_ep *ep)
{
    int end = sim_tcp_end(&ep->sock);

    if (end == -EAGAIN)
        return end;
    return end < 0 ? fatal(ep, -end) : -(int64_t)ep->error;
}

static size_t read_length(struct sim_ep *ep, size_t room)
{
    size_t n = sim_tcp_readable(&ep->sock);

    if (n > room)
        n = room;
    if (n > 1 && sim_fires(ep->world, SIM_SHORT_READ, "ep:short read"))
        n = sim_choose_size(n, "ep:short read size");
    return n;
}

static int64_t read_iov(struct sim_ep *ep, struct net_op *op)
{
    size_t room = net_iov_bytes(op->iov, op->iovcnt), n, done = 0;
    bool peek = op->flags & NET_F_PEEK;

    if (room == 0)
        return 0;
    n = read_length(ep, room);
    if (n == 0)
        return no_bytes(ep);
    for (unsigned i = 0; done < n; i++) {
        size_t piece = op->iov[i].iov_len < n - done ? op->iov[i].iov_len : n - done;

        sim_tcp_get(&ep->sock, op->iov[i].iov_base, piece, peek ? done : 0, peek);
        done += piece;
    }
    return (int64_t)n;
}

static int64_t may_receive(const struct sim_ep *ep)
{
    if (ep->aborted)
        return -ECONNABORTED;
    return ep->connected || ep->ops.connect ? 0 : -ENOTCONN;
}

enum net_disposition sim_submit_recv(struct sim_ep *ep, struct net_op *op)
{
    int64_t result = may_receive(ep);

    if (!result) {
        bool first = !ep->ops.busy && (!ep->ops.rx.head || (ep->ops.rx.head->flags & NET_F_MULTI));

        result = -EAGAIN;
        if (op->iovcnt > 0 && first && ep->connected && sim_inline(ep, "ep:receive"))
            result = read_iov(ep, op);
    }
    if (result != -EAGAIN)
        return sim_answer(ep, op, result);
    net_ops_queue_receive(&ep->ops, op);
    sim_service(ep);
    return NET_PENDING;
}

/* Reads into a shared block. > 0: op->buf has bytes; 0: the end; else -errno. */
static int64_t read_buf(struct sim_ep *ep, struct net_op *op)
{
    struct net_pool *pool = ep->net->pool;
    size_t limit = net_rx_room(&ep->rx_account), room = 0, n = sim_tcp_readable(&ep->sock);
    uint8_t *p;

    if (n == 0)
        return no_bytes(ep);
    if (limit < 4096)
        limit = 4096;
    if (limit > NET_SLICE_MAX)
        limit = NET_SLICE_MAX;
    n = read_length(ep, limit);
    p = net_pool_reserve(pool, n, &room);
    if (!p)
        return -ENOMEM;
    sim_tcp_get(&ep->sock, p, n, 0, op->flags & NET_F_PEEK);
    op->buf = net_pool_take(pool, n, &ep->rx_account);
    op->drained = sim_tcp_readable(&ep->sock) == 0 || net_rx_room(&ep->rx_account) == 0;
    return (int64_t)n;
}

/* One step for the operation at the head. False: nothing more can be done now. */
static bool receive_step(struct sim_ep *ep, struct net_op *op)
{
    int64_t n;

    if (op->iovcnt == 0 && net_rx_pause(&ep->rx_account))
        return false;
    n = op->iovcnt > 0 ? read_iov(ep, op) : read_buf(ep, op);
    if (n == -EAGAIN)
        return false;
    if (n == -ENOMEM) {
        sim_service_later(ep);
        return false;
    }
    op->result = n;
    if (n > 0 && (op->flags & NET_F_MULTI)) {
        sim_deliver(ep, op);
        return true;
    }
    net_queue_remove(&ep->ops.rx, op);
    sim_finish(ep, op, n);
    return true;
}

static void run_receives(struct sim_ep *ep)
{
    struct net_op *op;
    int budget = RX_BUDGET;

    while ((op = ep->ops.rx.head) && !ep->closed) {
        if (ep->aborted) {
            net_queue_remove(&ep->ops.rx, op);
            sim_finish(ep, op, -ECONNABORTED);
            continue;
        }
        if (ep->ops.connect)
            return;
        if (budget-- == 0) {
            sim_service(ep);
            return;
        }
        if (!receive_step(ep, op))
            return;
    }
}

/* ---- the loop's turn --------------------------------------------------------------------- */

static void run_sends(struct sim_ep *ep)
{
    struct net_op *op;

    while ((op = ep->ops.tx.head)) {
        bool fin = op->code == NET_OP_SHUTDOWN;
        int64_t result = fin ? send_fin(ep) : send_one(ep, op);

        if (result == -EAGAIN && !fin)
            return;
        net_queue_remove(&ep->ops.tx, op);
        if (result == -EAGAIN)
            net_queue_push(&ep->ops.fin, op);
        else if (result == 0 && !fin && awaits_ack(ep, op))
            await_ack(ep, op);
        else
            sim_finish(ep, op, result || fin ? result : (int64_t)op->moved);
    }
}

void sim_run_stream(struct sim_ep *ep)
{
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
