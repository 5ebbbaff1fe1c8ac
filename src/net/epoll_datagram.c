/*
 * epoll_datagram.c: UDP and raw sockets on the epoll transport.
 *
 * Small datagrams are read in batches: each gets a slot in the current block, and the slots are
 * pushed together afterwards. A datagram that outgrows its slot flows over into scratch memory of
 * the net and is copied once; after that the endpoint reads singly, with room for that size.
 * Packet information about the destination is always on, to tell broadcasts and multicasts apart;
 * the caller sees it only if he asked. Everything here runs under ep->lock.
 */
#include <errno.h>
#include <string.h>
#include <netinet/udp.h>
#include "net/epoll.h"
#include "net/opt.h"

#define SLOT_BYTES  2048
#define SLOT_STRIDE (SLOT_BYTES + NET_SLICE_OVERHEAD)
#define ERROR_TRIES 16 /* pending ICMP errors that one call may meet */

struct item {
    struct net_buf *buf;
    struct net_addr addr;
    struct net_packet_info info;
};

struct message {
    struct msghdr m;
    union net_sockaddr from;
    _Alignas(struct cmsghdr) char control[NET_CONTROL_BYTES];
};

int epoll_open_datagram(struct epoll_ep *ep)
{
    int on = 1;

    /* Works on both families; an IPv6 socket may yet become a dual-stack one. */
    setsockopt(ep->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
    if (ep->family == NET_IP6)
        setsockopt(ep->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
    ep->writable = true;
    return epoll_register(ep);
}

bool epoll_datagram_option(struct epoll_ep *ep, bool set, enum net_opt opt, void *data,
                           size_t *length, int *result)
{
    uint8_t bit = opt == NET_OPT_IP_RECVERR ? 1 : 2;
    bool *want = opt == NET_OPT_IP_PKTINFO ? &ep->wants.v4_info : &ep->wants.v6_info;

    if (set && (opt == NET_OPT_IP_RECVERR || opt == NET_OPT_IPV6_RECVERR)) {
        *result = net_opt_set(ep->fd, opt, data, *length);
        if (*result == 0)
            ep->recverr = *(const int *)data ? (ep->recverr | bit) : (ep->recverr & ~bit);
        return true;
    }
    if (opt != NET_OPT_IP_PKTINFO && opt != NET_OPT_IPV6_RECVPKTINFO)
        return false;
    *result = *length < sizeof(int) ? -EINVAL : 0;
    if (*result)
        return true;
    if (set)
        *want = *(const int *)data != 0;
    else
        *(int *)data = *want;
    *length = sizeof(int);
    return true;
}

/* Errors that an ICMP message may have left on the socket, unrelated to the call that meets them.
 */
static bool from_icmp(int error)
{
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN || error == ENOPROTOOPT || error == EPROTO || error == EOPNOTSUPP ||
           error == EMSGSIZE || error == EACCES || error == ENONET || error == ENETDOWN;
}

/* ---- send --------------------------------------------------------------------------------------
 */

static int64_t send_message(struct epoll_ep *ep, const struct net_op *op,
                            const struct net_message *message)
{
    _Alignas(struct cmsghdr) char control[NET_CONTROL_BYTES];
    struct net_addr to = op->addr;
    struct msghdr m = { .msg_iov = (struct iovec *)message->iov, .msg_iovlen = message->iovcnt };
    union net_sockaddr sa;
    ssize_t n;

    if (to.family == NET_UNSPEC)
        return -EDESTADDRREQ;
    if (to.family == NET_IP4 && ep->family == NET_IP6) {
        memcpy(to.ip, (uint8_t[12]){ [10] = 0xff, [11] = 0xff }, 12);
        memcpy(to.ip + 12, op->addr.ip, 4);
        to.family = NET_IP6;
        to.flow_info = to.scope_id = 0;
    }
    if (to.family != ep->family)
        return -EAFNOSUPPORT;
    m.msg_namelen = net_addr_to_system(&to, &sa);
    m.msg_name = &sa;
    if (op->info)
        net_control_build(&m, control, op->info,
                          ep->family == NET_IP4 || net_addr_is_v4mapped(&to));
    for (int tries = 0;; tries++) {
        n = sendmsg(ep->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            return n;
        if (errno == EINTR)
            continue;
        if (!ep->recverr || !from_icmp(errno) || tries == ERROR_TRIES)
            return -errno;
        ep->error_pending = true; /* an earlier datagram's: this one was not sent yet */
    }
}

/* What is left of the operation, of which priv[3] messages were sent. */
static int64_t send_rest(struct epoll_ep *ep, struct net_op *op)
{
    const struct net_message one = { op->iov, op->iovcnt };
    const struct net_message *messages = op->messages ? op->messages : &one;
    unsigned count = op->messages ? op->message_count : 1;

    for (; op->priv[3] < count; op->priv[3]++) {
        int64_t n = send_message(ep, op, &messages[op->priv[3]]);

        if (n < 0)
            return n;
        op->moved += (uint64_t)n;
    }
    return (int64_t)op->moved;
}

static size_t bytes_of(const struct net_op *op)
{
    size_t total = op->messages ? 0 : net_iov_bytes(op->iov, op->iovcnt);

    for (unsigned i = 0; op->messages && i < op->message_count; i++)
        total += net_iov_bytes(op->messages[i].iov, op->messages[i].iovcnt);
    return total;
}

enum net_disposition epoll_submit_sendmsg(struct epoll_ep *ep, struct net_op *op)
{
    enum net_disposition d = NET_PENDING;
    int64_t result = -EAGAIN;

    op->priv[2] = bytes_of(op);
    op->priv[3] = 0;
    host_lock(&ep->lock);
    if (!ep->ops.tx.head && ep->writable)
        result = send_rest(ep, op);
    if (result == -EAGAIN) {
        if (!ep->ops.tx.head)
            ep->writable = false;
        epoll_count_send(ep);
        net_queue_push(&ep->ops.tx, op);
    } else {
        d = epoll_answer_send(ep, op, result);
    }
    host_unlock(&ep->lock);
    return d;
}

static void run_sends(struct epoll_ep *ep)
{
    struct net_op *op;

    while ((op = ep->ops.tx.head) && ep->writable) {
        int64_t result = send_rest(ep, op);

        if (result == -EAGAIN) {
            ep->writable = false;
            return;
        }
        net_queue_remove(&ep->ops.tx, op);
        epoll_ready(ep, op, result);
    }
}

/* ---- receive ------------------------------------------------------------------------------------
 */

static void prepare(struct message *g, struct iovec *iov, size_t iovcnt)
{
    g->m.msg_name = &g->from;
    g->m.msg_namelen = sizeof(g->from);
    g->m.msg_iov = iov;
    g->m.msg_iovlen = iovcnt;
    g->m.msg_control = g->control;
    g->m.msg_controllen = sizeof(g->control);
    g->m.msg_flags = 0;
}

static void read_sender(const struct message *g, const struct msghdr *m, struct net_addr *addr)
{
    if (m->msg_namelen >= sizeof(struct sockaddr_in))
        net_addr_from_system(addr, &g->from.sa);
    else
        memset(addr, 0, sizeof(*addr));
}

/* A message of the error queue. False: there is none that the caller wants. */
static bool receive_error(struct epoll_ep *ep, struct message *g, struct iovec *iov, size_t iovcnt,
                          struct net_packet_info *info, ssize_t *n)
{
    while (ep->error_pending && ep->recverr) {
        prepare(g, iov, iovcnt);
        *n = recvmsg(ep->fd, &g->m, MSG_DONTWAIT | MSG_ERRQUEUE);
        if (*n < 0 && errno != EINTR)
            ep->error_pending = false;
        if (*n >= 0 && net_control_parse_error(&g->m, info, &ep->wants))
            return true;
    }
    return false;
}

/* One datagram, or one ICMP error. -EAGAIN: none is there. */
static int receive_message(struct epoll_ep *ep, struct iovec *iov, size_t iovcnt, int flags,
                           struct net_addr *addr, struct net_packet_info *info)
{
    struct message g;
    ssize_t n;

    for (int tries = 0;; tries++) {
        if (receive_error(ep, &g, iov, iovcnt, info, &n))
            break;
        prepare(&g, iov, iovcnt);
        n = recvmsg(ep->fd, &g.m, MSG_DONTWAIT | flags);
        if (n >= 0) {
            net_control_parse(&g.m, info, &ep->wants);
            break;
        }
        if (errno == EAGAIN) {
            ep->readable = false;
            return -EAGAIN;
        }
        if (errno == EINTR)
            continue;
        if (!from_icmp(errno) || tries == ERROR_TRIES)
            return -errno;
        ep->error_pending = true;
    }
    read_sender(&g, &g.m, addr);
    return (int)n; /* datagrams are short */
}

static int64_t read_iov(struct epoll_ep *ep, struct net_op *op)
{
    struct net_packet_info info;
    int64_t n = receive_message(ep, (struct iovec *)op->iov, op->iovcnt,
                                (op->flags & NET_F_PEEK) ? MSG_PEEK : 0, &op->addr, &info);

    if (n >= 0 && op->info)
        *op->info = info;
    return n;
}

enum net_disposition epoll_submit_recvmsg(struct epoll_ep *ep, struct net_op *op)
{
    enum net_disposition d = NET_PENDING;
    int64_t result = -EAGAIN;

    host_lock(&ep->lock);
    if (op->iovcnt > 0 && ep->readable && !ep->ops.busy &&
        (!ep->ops.rx.head || (ep->ops.rx.head->flags & NET_F_MULTI)))
        result = read_iov(ep, op);
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

static uint8_t *overflow_of(struct epoll_net *net, unsigned i)
{
    if (!net->overflow)
        net->overflow = host_alloc((size_t)EPOLL_BATCH * NET_SLICE_MAX, 16);
    return net->overflow ? net->overflow + (size_t)i * NET_SLICE_MAX : NULL;
}

static void note_size(struct epoll_ep *ep, size_t n)
{
    if (n > ep->read_hint)
        ep->read_hint = (uint32_t)n;
    else
        ep->read_hint -= (ep->read_hint - (uint32_t)n) / 8;
}

/* One datagram of any size into the current block. The result as of receive_message(). */
static int read_large(struct epoll_ep *ep, struct item *item, int flags)
{
    struct net_pool *pool = ep->net->pool;
    size_t want = ep->read_hint < SLOT_BYTES ? SLOT_BYTES : ep->read_hint, room;
    uint8_t *p = net_pool_reserve(pool, want < NET_SLICE_MAX ? want : NET_SLICE_MAX, &room);
    uint8_t *extra = overflow_of(ep->net, 0);
    struct iovec iov[2];
    int n;

    if (!p || !extra)
        return -ENOMEM;
    iov[0] = (struct iovec){ p, room };
    iov[1] = (struct iovec){ extra, NET_SLICE_MAX };
    n = receive_message(ep, iov, 2, flags, &item->addr, &item->info);
    if (n < 0)
        return n;
    if ((size_t)n <= room)
        item->buf = net_pool_take(pool, (size_t)n, &ep->rx_account);
    else
        item->buf = net_pool_copy(pool, p, room, extra, (size_t)n - room, &ep->rx_account);
    note_size(ep, (size_t)n);
    return item->buf ? n : -ENOMEM;
}

static void take_slot(struct epoll_ep *ep, struct item *item, const uint8_t *slot, unsigned i,
                      size_t n)
{
    struct net_pool *pool = ep->net->pool;

    if (n <= SLOT_BYTES) {
        memmove(net_pool_cursor(pool), slot, n);
        item->buf = net_pool_take(pool, n, &ep->rx_account);
    } else {
        item->buf = net_pool_copy(pool, slot, SLOT_BYTES, overflow_of(ep->net, i), n - SLOT_BYTES,
                                  &ep->rx_account);
    }
    note_size(ep, n);
}

/* Up to ep->batch datagrams in one system call. 0 (also when none is there) or -errno. */
static int read_slots(struct epoll_ep *ep, struct item *items, unsigned *count)
{
    struct mmsghdr mm[EPOLL_BATCH];
    struct message g[EPOLL_BATCH];
    struct iovec iov[EPOLL_BATCH][2];
    size_t room;
    uint8_t *base = net_pool_reserve(ep->net->pool, ep->batch * SLOT_STRIDE, &room);
    unsigned kept = 0;
    int n;

    if (!base || !overflow_of(ep->net, 0))
        return -ENOMEM;
    for (unsigned i = 0; i < ep->batch; i++) {
        iov[i][0] = (struct iovec){ base + i * SLOT_STRIDE, SLOT_BYTES };
        iov[i][1] = (struct iovec){ overflow_of(ep->net, i), NET_SLICE_MAX };
        prepare(&g[i], iov[i], 2);
        mm[i].msg_hdr = g[i].m;
    }
    do {
        n = recvmmsg(ep->fd, mm, ep->batch, MSG_DONTWAIT, NULL);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN)
        return -errno;
    /* With the error queue on, a short batch may also mean that an error waits. */
    if (n < 0 || (n < (int)ep->batch && !ep->recverr))
        ep->readable = false;
    for (int i = 0; i < n; i++) {
        struct item *item = &items[kept];

        read_sender(&g[i], &mm[i].msg_hdr, &item->addr);
        net_control_parse(&mm[i].msg_hdr, &item->info, &ep->wants);
        take_slot(ep, item, base + (size_t)i * SLOT_STRIDE, (unsigned)i, mm[i].msg_len);
        if (item->buf) /* else out of memory: a datagram may get lost */
            kept++;
    }
    if (n == (int)ep->batch)
        ep->batch = ep->batch < EPOLL_BATCH ? ep->batch * 2 : EPOLL_BATCH;
    else if (n >= 0 && n <= (int)ep->batch / 2 && ep->batch > 2)
        ep->batch /= 2;
    *count = kept;
    return 0;
}

static int read_singly(struct epoll_ep *ep, struct item *items, unsigned want, int flags,
                       unsigned *count)
{
    for (*count = 0; *count < want; (*count)++) {
        int r = read_large(ep, &items[*count], flags);

        if (r < 0)
            return *count > 0 || r == -EAGAIN ? 0 : r;
        if (net_rx_room(&ep->rx_account) == 0) {
            (*count)++;
            break;
        }
    }
    return 0;
}

static int read_items(struct epoll_ep *ep, const struct net_op *op, struct item *items,
                      unsigned *count)
{
    int error;

    if (!(op->flags & NET_F_MULTI))
        return read_singly(ep, items, 1, (op->flags & NET_F_PEEK) ? MSG_PEEK : 0, count);
    if (ep->read_hint > SLOT_BYTES || (ep->error_pending && ep->recverr))
        return read_singly(ep, items, EPOLL_BATCH, 0, count);
    error = read_slots(ep, items, count);
    if (error && from_icmp(-error)) {
        ep->error_pending = true;
        return read_singly(ep, items, EPOLL_BATCH, 0, count);
    }
    return error;
}

static void fill(struct net_op *op, const struct item *item)
{
    op->buf = item->buf;
    op->addr = item->addr;
    op->result = item->buf->length;
    if (op->info)
        *op->info = item->info;
}

/* What was read is delivered even if the operation is canceled meanwhile: it has moved. */
static void deliver_items(struct epoll_ep *ep, struct net_op *op, const struct item *items,
                          unsigned n)
{
    epoll_busy_begin(ep, op);
    for (unsigned i = 0; i < n; i++) {
        fill(op, &items[i]);
        op->more = true;
        op->drained = i == n - 1;
        ep->net->done_count++;
        op->done(op);
    }
    epoll_busy_end(ep);
    epoll_end_delivery(ep, op);
}

static bool buffer_step(struct epoll_ep *ep, struct net_op *op)
{
    struct item items[EPOLL_BATCH];
    unsigned n = 0;
    int error;

    if (net_rx_pause(&ep->rx_account))
        return false;
    error = read_items(ep, op, items, &n);
    if (error == -ENOMEM) {
        epoll_service_later(ep);
        return false;
    }
    if (n == 0 && !error)
        return ep->readable;
    if (n > 0 && (op->flags & NET_F_MULTI)) {
        deliver_items(ep, op, items, n);
        return true;
    }
    net_queue_remove(&ep->ops.rx, op);
    if (n > 0) {
        fill(op, &items[0]);
        op->drained = true;
    }
    epoll_ready(ep, op, n > 0 ? op->result : error);
    return true;
}

static bool iov_step(struct epoll_ep *ep, struct net_op *op)
{
    int64_t n = read_iov(ep, op);

    if (n == -EAGAIN)
        return false;
    net_queue_remove(&ep->ops.rx, op);
    epoll_ready(ep, op, n);
    return true;
}

void epoll_run_datagram(struct epoll_ep *ep)
{
    int budget = EPOLL_RX_BUDGET;
    struct net_op *op;

    run_sends(ep);
    while ((op = ep->ops.rx.head) && ep->readable && !ep->closed) {
        if (budget-- == 0) {
            epoll_service(ep);
            return;
        }
        if (!(op->iovcnt > 0 ? iov_step(ep, op) : buffer_step(ep, op)))
            return;
    }
}
