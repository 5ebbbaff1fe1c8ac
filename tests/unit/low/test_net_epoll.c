/* The epoll transport: the contract on both families, and what is the system's own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/host.h"
#include "net_contract.h"

static const struct net_addr loopback4 = { .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
static const struct net_addr loopback6 = { .family = NET_IP6, .ip = { [15] = 1 } };

static void run_contract(struct net_addr any)
{
    for (const struct net_contract_test *t = net_contract_tests; t->name; t++) {
        struct net_world w;

        print_message("    %s\n", t->name);
        world_begin(&w, &net_epoll);
        w.any = any;
        t->run(&w);
        world_end(&w);
    }
}

static void contract_on_ipv4(void **state)
{
    (void)state;
    run_contract(loopback4);
}

static void contract_on_ipv6(void **state)
{
    (void)state;
    run_contract(loopback6);
}

/* ---- datagrams and their information ----------------------------------------------------- */

static struct net_ep *open_bound(struct net_world *w, struct net_addr at, bool dual,
                                 struct net_addr *addr)
{
    struct net_open o = { .kind = NET_EP_DATAGRAM, .family = at.family };
    struct net_ctl_arg arg = { 0 };
    struct net_ep *ep;

    assert_int_equal(net_epoll.open(w->net, &o, &ep), 0);
    if (dual) {
        int off = 0;

        arg = (struct net_ctl_arg){ .opt = NET_OPT_IPV6_V6ONLY, .data = &off, .length = 4 };
        assert_int_equal(net_epoll.ctl(ep, NET_CTL_SET, &arg), 0);
    }
    assert_int_equal(net_epoll.bind(ep, &at), 0);
    assert_int_equal(net_epoll.ctl(ep, NET_CTL_LOCAL, &arg), 0);
    *addr = arg.addr;
    return ep;
}

/* Loopback always takes a datagram: here the system refuses some, for want of room. */
static int refuse_after = -1; /* so many are taken first; < 0: all */

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    if (refuse_after >= 0 && refuse_after-- == 0) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, m, flags);
}

static void set(struct net_ep *ep, enum net_opt opt, int value)
{
    struct net_ctl_arg arg = { .opt = opt, .data = &value, .length = sizeof(value) };

    assert_int_equal(net_epoll.ctl(ep, NET_CTL_SET, &arg), 0);
}

static int get(struct net_ep *ep, enum net_opt opt)
{
    int value = -1;
    struct net_ctl_arg arg = { .opt = opt, .data = &value, .length = sizeof(value) };

    assert_int_equal(net_epoll.ctl(ep, NET_CTL_GET, &arg), 0);
    return value;
}

static int64_t send_info(struct net_world *w, struct net_ep *ep, struct net_addr to,
                         const struct net_packet_info *info, size_t length)
{
    struct watched *o = watched_new(NET_OP_SENDMSG, 0);
    int64_t result;

    memset(o->bytes, 'd', length);
    o->iov = (struct iovec){ o->bytes, length };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    o->op.addr = to;
    o->op.info = NULL;
    if (info) {
        o->info = *info;
        o->op.info = &o->info;
    }
    watched_submit(ep, o);
    watched_wait(w, o);
    result = o->op.result;
    watched_free(o);
    return result;
}

static struct watched *receive_one(struct net_world *w, struct net_ep *ep)
{
    struct watched *o = watched_new(NET_OP_RECVMSG, 0);

    watched_submit(ep, o);
    watched_wait(w, o);
    return o;
}

/* What waits of a list goes before what comes later, and can no longer be cancelled. */
static void list_waits_in_the_middle(void **state)
{
    const struct iovec iov[] = { { "a", 1 }, { "bc", 2 }, { "def", 3 } };
    const struct net_message messages[] = { { iov, 0 }, { &iov[1], 1 }, { &iov[2], 1 } };
    struct net_addr from, to;
    struct net_world w;

    (void)state;
    world_begin(&w, &net_epoll);
    struct net_ep *a = open_bound(&w, loopback4, false, &from);
    struct net_ep *b = open_bound(&w, loopback4, false, &to);
    for (int sent = 0; sent < 3; sent++) {
        struct watched *list = watched_new(NET_OP_SENDMSG, 0);
        struct net_ctl_arg arg = { 0 };
        list->op.messages = messages;
        list->op.message_count = 3;
        list->op.addr = to;
        refuse_after = sent;
        assert_int_equal(watched_submit(a, list), NET_PENDING);
        assert_int_equal(net_epoll.ctl(a, NET_CTL_QUEUED_OUT, &arg), 0);
        assert_int_equal(arg.value, sent == 2 ? 3 : 5);
        if (sent > 0)
            net_epoll.cancel(a, &list->op);
        refuse_after = -1;
        assert_int_equal(send_info(&w, a, to, NULL, 4), 4);
        assert_true(list->last);
        assert_int_equal(list->op.result, 5);
        watched_free(list);
        for (int i = 0; i < 4; i++) {
            struct watched *o = receive_one(&w, b);
            assert_int_equal(o->op.result, i == 0 ? 0 : i + 1);
            watched_free(o);
        }
    }
    world_close(&w, a, 0);
    world_close(&w, b, 0);
    world_end(&w);
}

static void information_travels(struct net_addr at, bool v4)
{
    struct net_world w;
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct watched *o;
    struct net_packet_info info = {
        .present = NET_INFO_TTL | NET_INFO_TOS | NET_INFO_DST, .ttl = 7, .tos = 0x2d, .dst = at
    };

    world_begin(&w, &net_epoll);
    a = open_bound(&w, at, false, &a_addr);
    b = open_bound(&w, at, false, &b_addr);
    set(b, v4 ? NET_OPT_IP_RECVTTL : NET_OPT_IPV6_RECVHOPLIMIT, 1);
    set(b, v4 ? NET_OPT_IP_RECVTOS : NET_OPT_IPV6_RECVTCLASS, 1);
    assert_int_equal(get(b, v4 ? NET_OPT_IP_PKTINFO : NET_OPT_IPV6_RECVPKTINFO), 0);
    assert_int_equal(send_info(&w, a, b_addr, &info, 10), 10);
    o = receive_one(&w, b);
    assert_int_equal(o->op.result, 10);
    assert_int_equal(o->info.present, NET_INFO_TTL | NET_INFO_TOS);
    assert_int_equal(o->info.ttl, 7);
    assert_int_equal(o->info.tos, 0x2d);
    watched_free(o);
    set(b, v4 ? NET_OPT_IP_PKTINFO : NET_OPT_IPV6_RECVPKTINFO, 1);
    assert_int_equal(get(b, v4 ? NET_OPT_IP_PKTINFO : NET_OPT_IPV6_RECVPKTINFO), 1);
    assert_int_equal(send_info(&w, a, b_addr, NULL, 0), 0);
    o = receive_one(&w, b);
    assert_int_equal(o->op.result, 0);
    assert_int_equal(o->op.addr.port, a_addr.port);
    assert_true((o->info.present & NET_INFO_DST) && (o->info.present & NET_INFO_IFINDEX));
    assert_int_equal(o->info.dst.family, at.family);
    assert_memory_equal(o->info.dst.ip, at.ip, 16);
    assert_int_equal(o->info.ifindex, 1);
    watched_free(o);
    world_close(&w, a, 0);
    world_close(&w, b, 0);
    world_end(&w);
}

static void packet_information(void **state)
{
    (void)state;
    information_travels(loopback4, true);
    information_travels(loopback6, false);
}

static void dual_stack(void **state)
{
    const struct net_addr any6 = { .family = NET_IP6 };
    struct net_addr a_addr, b_addr, to = loopback4;
    struct net_packet_info info = { .present = NET_INFO_DST | NET_INFO_TTL, .ttl = 9 };
    struct net_world w;
    struct net_ep *a, *b;
    struct watched *o;

    (void)state;
    world_begin(&w, &net_epoll);
    a = open_bound(&w, loopback4, false, &a_addr);
    b = open_bound(&w, any6, true, &b_addr);
    set(b, NET_OPT_IP_PKTINFO, 1);
    set(b, NET_OPT_IPV6_RECVPKTINFO, 1);
    to.port = b_addr.port;
    assert_int_equal(send_info(&w, a, to, NULL, 5), 5);
    o = receive_one(&w, b);
    assert_int_equal(o->op.addr.family, NET_IP6);
    assert_int_equal(o->op.addr.ip[10], 0xff);
    assert_int_equal(o->op.addr.ip[12], 127);
    assert_int_equal(o->info.dst.family, NET_IP4);
    assert_memory_equal(o->info.dst.ip, loopback4.ip, 4);
    /* And back, with IPv4 information on the IPv6 socket. */
    info.dst = o->info.dst;
    set(a, NET_OPT_IP_RECVTTL, 1);
    assert_int_equal(send_info(&w, b, o->op.addr, &info, 6), 6);
    watched_free(o);
    o = receive_one(&w, a);
    assert_int_equal(o->op.result, 6);
    assert_int_equal(o->info.ttl, 9);
    assert_int_equal(o->op.addr.family, NET_IP4);
    watched_free(o);
    world_close(&w, a, 0);
    world_close(&w, b, 0);
    world_end(&w);
}

static void broadcast_and_multicast(void **state)
{
    const struct net_addr any4 = { .family = NET_IP4 };
    struct net_mreq m = { .group = { .family = NET_IP4, .ip = { 239, 1, 2, 3 } }, .ifindex = 1 };
    struct net_ctl_arg arg = { .opt = NET_OPT_IP_ADD_MEMBERSHIP, .data = &m, .length = sizeof(m) };
    struct net_addr a_addr, b_addr, to = { .family = NET_IP4, .ip = { 127, 255, 255, 255 } };
    struct net_world w;
    struct net_ep *a, *b;
    struct watched *o;

    (void)state;
    world_begin(&w, &net_epoll);
    a = open_bound(&w, loopback4, false, &a_addr);
    b = open_bound(&w, any4, false, &b_addr);
    set(a, NET_OPT_BROADCAST, 1);
    to.port = b_addr.port;
    assert_int_equal(send_info(&w, a, to, NULL, 5), 5);
    o = receive_one(&w, b);
    assert_int_equal(o->info.present, NET_INFO_BROADCAST);
    watched_free(o);
    assert_int_equal(net_epoll.ctl(b, NET_CTL_SET, &arg), 0);
    arg.opt = NET_OPT_IP_MULTICAST_IF;
    m.interface = loopback4;
    m.ifindex = 0;
    assert_int_equal(net_epoll.ctl(a, NET_CTL_SET, &arg), 0);
    memset(&m, 0, sizeof(m));
    assert_int_equal(net_epoll.ctl(a, NET_CTL_GET, &arg), 0);
    assert_memory_equal(m.interface.ip, loopback4.ip, 4);
    to = (struct net_addr){ .family = NET_IP4, .ip = { 239, 1, 2, 3 }, .port = b_addr.port };
    assert_int_equal(send_info(&w, a, to, NULL, 5), 5);
    o = receive_one(&w, b);
    assert_int_equal(o->info.present, NET_INFO_MULTICAST);
    watched_free(o);
    world_close(&w, a, 0);
    world_close(&w, b, 0);
    world_end(&w);
}

static void icmp_errors(void **state)
{
    struct net_addr a_addr, b_addr;
    struct net_world w;
    struct net_ep *a, *b;
    struct watched *o = watched_new(NET_OP_RECVMSG, NET_F_MULTI);

    (void)state;
    world_begin(&w, &net_epoll);
    a = open_bound(&w, loopback4, false, &a_addr);
    b = open_bound(&w, loopback4, false, &b_addr);
    world_close(&w, b, 0);
    watched_submit(a, o);
    assert_int_equal(send_info(&w, a, b_addr, NULL, 4), 4);
    world_settle(&w);
    assert_int_equal(o->runs, 0); /* nobody asked */
    set(a, NET_OPT_IP_RECVERR, 1);
    assert_int_equal(send_info(&w, a, b_addr, NULL, 4), 4);
    assert_int_equal(send_info(&w, a, b_addr, NULL, 4), 4);
    world_wait_for(&w, &o->runs, 2);
    assert_true(o->info.present & NET_INFO_ERROR);
    assert_int_equal(o->info.error.code_errno, ECONNREFUSED);
    assert_int_equal(o->info.error.icmp_type, 3);
    assert_int_equal(o->info.error.offender.family, NET_IP4);
    assert_int_equal(o->op.addr.port, b_addr.port);
    /* Data still comes. */
    assert_int_equal(send_info(&w, a, a_addr, NULL, 11), 11);
    world_wait_for(&w, &o->runs, 3);
    assert_false(o->info.present & NET_INFO_ERROR);
    world_close(&w, a, 0);
    assert_int_equal(o->op.result, -ECANCELED);
    watched_free(o);
    world_end(&w);
}

static void segments(void **state)
{
    struct net_addr a_addr, b_addr;
    struct net_packet_info info = { .present = NET_INFO_SEGMENT, .segment_bytes = 1000 };
    struct net_world w;
    struct net_ep *a, *b;
    struct watched *o = watched_new(NET_OP_RECVMSG, NET_F_MULTI);

    (void)state;
    world_begin(&w, &net_epoll);
    a = open_bound(&w, loopback4, false, &a_addr);
    b = open_bound(&w, loopback4, false, &b_addr);
    set(b, NET_OPT_UDP_GRO, 1);
    watched_submit(b, o);
    assert_int_equal(send_info(&w, a, b_addr, &info, 20500), 20500);
    world_wait_bytes(&w, o, 20500);
    if (o->runs == 1) { /* the kernel may split, but loopback does not */
        assert_true(o->info.present & NET_INFO_SEGMENT);
        assert_int_equal(o->info.segment_bytes, 1000);
    }
    world_close(&w, a, 0);
    world_close(&w, b, 0);
    watched_free(o);
    world_end(&w);
}

#define STORM 3000

struct storm {
    struct net_op op;
    int count, batches;
    bool ended;
};

static void note_storm(struct net_op *op)
{
    struct storm *s = (struct storm *)op;

    if (!op->more) {
        s->ended = true;
        return;
    }
    for (uint32_t i = 0; i < op->buf->length; i++)
        assert_int_equal(op->buf->data[i], 'd');
    s->batches += op->drained;
    s->count++;
    net_buf_put(op->buf);
}

static void datagram_storm(void **state)
{
    struct net_addr a_addr, b_addr;
    struct storm s = { .op = { .code = NET_OP_RECVMSG, .flags = NET_F_MULTI, .done = note_storm } };
    struct net_world w;
    struct net_ep *a, *b;
    int sent = 0;

    (void)state;
    world_begin(&w, &net_epoll);
    a = open_bound(&w, loopback6, false, &a_addr);
    b = open_bound(&w, loopback6, false, &b_addr);
    net_epoll.submit(b, &s.op);
    while (sent < STORM) {
        for (int i = 0; i < 20; i++, sent++)
            send_info(&w, a, b_addr, NULL, sent % 100 == 0 ? 60000 : (size_t)sent % 2500);
        world_wait_for(&w, &s.count, sent);
    }
    assert_true(s.batches > 0 && s.batches <= s.count);
    world_close(&w, a, 0);
    world_close(&w, b, 0);
    assert_true(s.ended);
    world_end(&w);
}

/* ---- streams ----------------------------------------------------------------------------- */

static void no_descriptors_left(void **state)
{
    struct net_world w;
    struct net_ep *listener, *client;
    struct watched *accept = watched_new(NET_OP_ACCEPT, NET_F_MULTI), *connect;
    struct net_ctl_arg arg = { 0 };
    struct rlimit limit, none;
    int lowest;

    (void)state;
    world_begin(&w, &net_epoll);
    listener = world_open(&w, NET_EP_STREAM, 0);
    client = world_open(&w, NET_EP_STREAM, 0);
    assert_int_equal(net_epoll.bind(listener, &loopback4), 0);
    assert_int_equal(net_epoll.listen(listener, 4), 0);
    net_epoll.ctl(listener, NET_CTL_LOCAL, &arg);
    watched_submit(listener, accept);
    connect = watched_new(NET_OP_CONNECT, 0);
    connect->op.addr = arg.addr;
    getrlimit(RLIMIT_NOFILE, &limit);
    lowest = dup(0);
    close(lowest);
    none = limit;
    none.rlim_cur = (rlim_t)lowest;
    setrlimit(RLIMIT_NOFILE, &none);
    watched_submit(client, connect);
    watched_wait(&w, connect);
    world_settle(&w);
    assert_int_equal(accept->runs, 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    world_wait_for(&w, &accept->accepted_count, 1);
    world_close(&w, accept->accepted[0], 0);
    world_close(&w, client, 0);
    world_close(&w, listener, 0);
    watched_free(connect);
    watched_free(accept);
    world_end(&w);
}

/* The peer of a connect resets the connection right after the kernel said that it has no error. */
static int reset_from = -1; /* the listening descriptor; < 0: no */

static void reset_peer(int fd)
{
    const struct linger none = { .l_onoff = 1 };
    struct pollfd gone = { .fd = fd };
    int peer = accept(reset_from, NULL, NULL);

    reset_from = -1;
    assert_true(peer >= 0);
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0);
    assert_int_equal(close(peer), 0);
    assert_int_equal(poll(&gone, 1, -1), 1);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
    long result = syscall(SYS_getsockopt, fd, level, option, value, size);

    if (reset_from >= 0 && level == SOL_SOCKET && option == SO_ERROR)
        reset_peer(fd);
    return (int)result;
}

static void reset_while_connecting(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct watched *connect = watched_new(NET_OP_CONNECT, 0);
    struct net_ep *client;
    struct net_world w;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    world_begin(&w, &net_epoll);
    client = world_open(&w, NET_EP_STREAM, 0);
    connect->op.addr = loopback4;
    connect->op.addr.port = ntohs(at.sin_port);
    assert_int_equal(watched_submit(client, connect), NET_PENDING);
    reset_from = fd;
    watched_wait(&w, connect);
    assert_int_equal(reset_from, -1); /* it was looked at */
    /* Connected, and lost later, or lost at once; nobody refused. */
    assert_true(connect->op.result == 0 || connect->op.result == -ECONNRESET);
    world_close(&w, client, 0);
    watched_free(connect);
    close(fd);
    world_end(&w);
}

/* Whoever asks for the error takes it from the connect, which must not miss it. */
static void error_is_asked_for_while_connecting(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct watched *connect = watched_new(NET_OP_CONNECT, 0);
    struct net_ctl_arg arg = { 0 };
    struct net_ep *client;
    struct net_world w;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    world_begin(&w, &net_epoll);
    client = world_open(&w, NET_EP_STREAM, 0);
    connect->op.addr = loopback4;
    connect->op.addr.port = ntohs(at.sin_port);
    assert_int_equal(watched_submit(client, connect), NET_PENDING); /* nobody listens yet */
    while (arg.value == 0)
        assert_int_equal(net_epoll.ctl(client, NET_CTL_ERROR, &arg), 0);
    assert_int_equal(arg.value, ECONNREFUSED);
    watched_wait(&w, connect);
    assert_int_equal(connect->op.result, -ECONNREFUSED);
    watched_free(connect);
    assert_int_equal(listen(fd, 1), 0);
    connect = watched_new(NET_OP_CONNECT, 0);
    connect->op.addr = loopback4;
    connect->op.addr.port = ntohs(at.sin_port);
    watched_submit(client, connect);
    watched_wait(&w, connect);
    assert_int_equal(connect->op.result, 0);
    assert_int_equal(net_epoll.ctl(client, NET_CTL_ERROR, &arg), 0);
    assert_int_equal(arg.value, 0); /* the first attempt's error is not the connection's */
    world_close(&w, client, 0);
    watched_free(connect);
    close(fd);
    world_end(&w);
}

static void urgent_bytes_hide_nothing(void **state)
{
    struct net_world w;
    struct net_ep *listener, *ep;
    struct watched *accept = watched_new(NET_OP_ACCEPT, 0), *recv;
    struct net_ctl_arg arg = { 0 };
    struct sockaddr_in to = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    world_begin(&w, &net_epoll);
    listener = world_open(&w, NET_EP_STREAM, 0);
    assert_int_equal(net_epoll.bind(listener, &loopback4), 0);
    assert_int_equal(net_epoll.listen(listener, 4), 0);
    net_epoll.ctl(listener, NET_CTL_LOCAL, &arg);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(arg.addr.port);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    watched_submit(listener, accept);
    watched_wait(&w, accept);
    ep = accept->accepted[0];
    assert_int_equal(send(fd, "before!", 7, MSG_OOB), 7);
    assert_int_equal(send(fd, "after", 5, 0), 5);
    recv = watched_new(NET_OP_RECV, NET_F_MULTI);
    watched_submit(ep, recv);
    world_wait_bytes(&w, recv, 11); /* without the urgent byte */
    assert_memory_equal(recv->bytes, "beforeafter", 11);
    close(fd);
    watched_wait(&w, recv);
    assert_int_equal(recv->op.result, 0);
    world_close(&w, ep, 0);
    world_close(&w, listener, 0);
    watched_free(recv);
    watched_free(accept);
    world_end(&w);
}

static void options_of_streams(void **state)
{
    struct net_world w;
    struct net_ep *pair[2], *raw;
    struct net_ctl_arg arg = { 0 };
    struct net_open o = { .kind = NET_EP_RAW, .family = NET_IP4, .protocol = IPPROTO_ICMP };
    struct watched *send, *recv;
    int error;

    (void)state;
    world_begin(&w, &net_epoll);
    world_pair(&w, pair, 0);
    assert_int_equal(get(pair[0], NET_OPT_TCP_NODELAY), 0);
    set(pair[0], NET_OPT_KEEPALIVE, 1);
    assert_int_equal(get(pair[0], NET_OPT_KEEPALIVE), 1);
    send = watched_new(NET_OP_SEND, NET_F_NODELAY);
    send->iov = (struct iovec){ "now", 3 };
    send->op.iov = &send->iov;
    send->op.iovcnt = 1;
    watched_submit(pair[0], send);
    assert_int_equal(get(pair[0], NET_OPT_TCP_NODELAY), 0); /* the send's wish, not the caller's */
    assert_int_equal(net_epoll.ctl(pair[0], NET_CTL_REMOTE, &arg), 0);
    assert_int_equal(arg.addr.ip[0], 127);
    assert_int_equal(net_epoll.ctl(pair[1], NET_CTL_QUEUED_IN, &arg), 0);
    assert_int_equal(arg.value, 3);
    assert_int_equal(net_epoll.ctl(pair[0], NET_CTL_QUEUED_OUT, &arg), 0);
    assert_int_equal(net_epoll.ctl(pair[0], NET_CTL_TCP_INFO, &arg), 0);
    assert_true(arg.tcp.mss_bytes > 100 && !arg.tcp.fin_acked && !arg.tcp.fin_received);
    assert_int_equal(net_epoll.ctl(pair[0], NET_CTL_ERROR, &arg), 0);
    assert_int_equal(arg.value, 0);
    assert_int_equal(net_epoll.ctl(pair[0], NET_CTL_ADDRESSES, &arg), -EOPNOTSUPP);
    recv = watched_new(NET_OP_RECVMSG, 0);
    watched_submit(pair[0], recv);
    assert_int_equal(recv->op.result, -EOPNOTSUPP);
    world_close(&w, pair[0], 0);
    world_close(&w, pair[1], 0);
    error = net_epoll.open(w.net, &o, &raw);
    assert_true(error == 0 || error == -EPERM);
    if (error == 0)
        world_close(&w, raw, 0);
    o.family = NET_UNSPEC;
    assert_int_equal(net_epoll.open(w.net, &o, &raw), -EAFNOSUPPORT);
    watched_free(send);
    watched_free(recv);
    world_end(&w);
}

/* ---- a loop of its own ------------------------------------------------------------------- */

struct loop {
    struct net *net;
    struct host_thread *thread;
    bool stop;
};

static void run_loop(void *arg)
{
    struct loop *l = arg;

    while (!__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE))
        net_epoll.poll(l->net, HOST_FOREVER);
}

struct async {
    struct net_op op;
    struct iovec iov;
    char bytes[16];
    struct host_thread *waiter;
    int ended;
};

static void end_async(struct net_op *op)
{
    struct async *a = (struct async *)op;
    struct host_thread *waiter = a->waiter;

    if (op->buf)
        net_buf_put(op->buf);
    if (op->more)
        return;
    __atomic_store_n(&a->ended, 1, __ATOMIC_RELEASE);
    host_unpark(waiter);
}

static void start_async(struct net_ep *ep, struct async *a, enum net_opcode code, uint32_t flags)
{
    *a = (struct async){ .op = { .code = code, .flags = flags, .done = end_async },
                         .waiter = host_self() };
    if ((code == NET_OP_RECV && !(flags & NET_F_MULTI)) || code == NET_OP_SEND) {
        a->iov = (struct iovec){ a->bytes, sizeof(a->bytes) };
        a->op.iov = &a->iov;
        a->op.iovcnt = 1;
    }
    if (net_epoll.submit(ep, &a->op) == NET_DONE)
        a->ended = 1;
}

static void wait_async(struct async *a)
{
    while (!__atomic_load_n(&a->ended, __ATOMIC_ACQUIRE))
        host_park(HOST_FOREVER);
}

/* Receives, cancels and closes from here, while the loop delivers over there. */
static void calls_race_with_the_loop(void **state)
{
    struct net_world w;
    struct loop l = { 0 };
    struct async recv, multi, send, shut, end;

    (void)state;
    world_begin(&w, &net_epoll);
    for (int i = 0; i < 150; i++) {
        struct net_ep *pair[2];

        l.stop = false;
        l.net = w.net;
        world_pair(&w, pair, 0);
        assert_int_equal(host_thread_create(&l.thread, run_loop, &l, "loop"), 0);
        start_async(pair[1], &multi, NET_OP_RECV, NET_F_MULTI);
        for (int k = 0; k < 5; k++) {
            start_async(pair[0], &send, NET_OP_SEND, k & 1 ? NET_F_ASYNC : 0);
            wait_async(&send);
        }
        start_async(pair[1], &recv, NET_OP_RECV, 0);
        net_epoll.cancel(pair[1], &multi.op);
        if (i & 1)
            net_epoll.cancel(pair[1], &recv.op);
        start_async(pair[0], &shut, NET_OP_SHUTDOWN, i & 2 ? NET_F_ABORT : 0);
        start_async(pair[1], &end, NET_OP_CLOSE, i & 4 ? NET_F_ABORT : 0);
        wait_async(&end);
        assert_true(__atomic_load_n(&multi.ended, __ATOMIC_ACQUIRE));
        assert_true(__atomic_load_n(&recv.ended, __ATOMIC_ACQUIRE));
        wait_async(&shut);
        start_async(pair[0], &end, NET_OP_CLOSE, 0);
        wait_async(&end);
        __atomic_store_n(&l.stop, true, __ATOMIC_RELEASE);
        net_epoll.wake(w.net);
        host_thread_join(l.thread);
    }
    world_end(&w);
}

static void wake_it(void *arg)
{
    net_epoll.wake(arg);
}

static void spinning_loop(void **state)
{
    struct net_config config = { .spin_ns = 50000 };
    struct host_thread *t;
    struct net *net;
    int64_t start;

    (void)state;
    assert_int_equal(net_epoll.create(&net, &config), 0);
    start = host_now();
    while (host_now() < start + 200000)
        assert_int_equal(net_epoll.poll(net, start + 200000), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(host_thread_create(&t, wake_it, net, "waker"), 0);
        net_epoll.poll(net, HOST_FOREVER);
        host_thread_join(t);
        net_epoll.poll(net, 0);
    }
    net_epoll.destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_on_ipv4),
        cmocka_unit_test(contract_on_ipv6),
        cmocka_unit_test(list_waits_in_the_middle),
        cmocka_unit_test(packet_information),
        cmocka_unit_test(dual_stack),
        cmocka_unit_test(broadcast_and_multicast),
        cmocka_unit_test(icmp_errors),
        cmocka_unit_test(segments),
        cmocka_unit_test(datagram_storm),
        cmocka_unit_test(no_descriptors_left),
        cmocka_unit_test(reset_while_connecting),
        cmocka_unit_test(error_is_asked_for_while_connecting),
        cmocka_unit_test(urgent_bytes_hide_nothing),
        cmocka_unit_test(options_of_streams),
        cmocka_unit_test(calls_race_with_the_loop),
        cmocka_unit_test(spinning_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
