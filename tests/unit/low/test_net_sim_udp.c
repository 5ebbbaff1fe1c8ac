/* Datagrams of the simulated network, in virtual time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sim_clock.h"

#define MS ((int64_t)1000 * 1000)
#define S  (1000 * MS)

static const struct net_addr any4 = { .family = NET_IP4 };
static const struct net_addr any6 = { .family = NET_IP6 };

static struct net_ep *open_at(struct sim_place *p, struct net_addr at, struct net_addr *out)
{
    struct net_ep *ep = sim_open(p, NET_EP_DATAGRAM, at.family);
    struct net_ctl_arg arg = { 0 };

    assert_int_equal(net_sim.bind(ep, &at), 0);
    assert_int_equal(net_sim.ctl(ep, NET_CTL_LOCAL, &arg), 0);
    *out = arg.addr;
    return ep;
}

static int64_t send_with(struct sim_place *p, struct net_ep *ep, struct net_addr to, size_t length,
                         const struct net_packet_info *info)
{
    struct watched *o = watched_new(NET_OP_SENDMSG, 0);

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
    return sim_result(p, o, S);
}

static int64_t send_to(struct sim_place *p, struct net_ep *ep, struct net_addr to, size_t length)
{
    return send_with(p, ep, to, length, NULL);
}

static struct watched *receive(struct net_ep *ep)
{
    struct watched *o = watched_new(NET_OP_RECVMSG, 0);

    o->iov = (struct iovec){ o->bytes, sizeof(o->bytes) };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    return o;
}

static struct watched *receive_now(struct sim_place *p, struct net_ep *ep)
{
    struct watched *o = receive(ep);

    if (!o->last)
        watched_wait(&p->w, o);
    return o;
}

/* How many datagrams are there. */
static int drain(struct sim_place *p, struct net_ep *ep)
{
    struct watched *o;
    int n = 0;

    for (;; n++) {
        o = receive(ep);
        sim_pass(p, 10 * MS);
        if (!o->last) {
            net_sim.cancel(ep, &o->op);
            assert_int_equal(sim_result(p, o, S), -ECANCELED);
            return n;
        }
        watched_free(o);
    }
}

static void close_both(struct sim_place *p, struct net_ep *a, struct net_ep *b)
{
    world_close(&p->w, a, 0);
    world_close(&p->w, b, 0);
    sim_place_end(p);
}

static void sends_that_fail(void **state)
{
    struct net_packet_info info = { .present = NET_INFO_DST, .dst = far4 };
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    a = open_at(&p, any4, &a_addr);
    b = open_at(&p, any6, &b_addr);
    assert_int_equal(send_to(&p, a, sim_at(far4, 0), 1), -EINVAL);
    assert_int_equal(send_to(&p, a, sim_at(far6, 9), 1), -EAFNOSUPPORT);
    assert_int_equal(send_to(&p, b, sim_at(far4, 9), 1), -ENETUNREACH); /* IPv6 only */
    assert_int_equal(send_to(&p, a, sim_at(far4, 9), 65508), -EMSGSIZE);
    assert_int_equal(send_to(&p, a, sim_at(far4, 9), 65507), 65507);
    assert_int_equal(send_to(&p, b, sim_at(far6, 9), 65528), -EMSGSIZE);
    assert_int_equal(send_to(&p, a, (struct net_addr){ NET_IP4, 9, { 10, 0, 0, 255 }, 0, 0 }, 1),
                     -EACCES);
    assert_int_equal(send_with(&p, a, sim_at(far4, 9), 1, &info), -EINVAL);
    info = (struct net_packet_info){ .present = NET_INFO_IFINDEX, .ifindex = 9 };
    assert_int_equal(send_with(&p, a, sim_at(far4, 9), 1, &info), -ENODEV);
    sim_set(a, NET_OPT_IP_MTU_DISCOVER, 2);
    assert_int_equal(send_to(&p, a, sim_at(far4, 9), 1473), -EMSGSIZE);
    assert_int_equal(send_to(&p, a, sim_at(far4, 9), 1472), 1472);
    info = (struct net_packet_info){ .present = NET_INFO_SEGMENT, .segment_bytes = 10 };
    assert_int_equal(send_with(&p, a, sim_at(far4, 9), 641, &info), -EINVAL);
    close_both(&p, a, b);
}

static void information_travels(void **state)
{
    struct net_packet_info info = {
        .present = NET_INFO_TTL | NET_INFO_TOS | NET_INFO_DST, .ttl = 7, .tos = 0x2d, .dst = near4
    };
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct watched *o;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    a = open_at(&p, any4, &a_addr);
    b = sim_open(&p, NET_EP_DATAGRAM, NET_IP6);
    sim_set(b, NET_OPT_IPV6_V6ONLY, 0);
    assert_int_equal(net_sim.bind(b, &any6), 0);
    struct net_ctl_arg arg = { 0 };
    net_sim.ctl(b, NET_CTL_LOCAL, &arg);
    b_addr = sim_at(near4, arg.addr.port);
    send_with(&p, a, b_addr, 3, &info);
    o = receive_now(&p, b);
    assert_int_equal(o->info.present, 0); /* nobody asked */
    assert_int_equal(o->op.addr.family, NET_IP6);
    assert_int_equal(o->op.addr.ip[10], 0xff);
    assert_int_equal(o->op.addr.ip[12], 10);
    watched_free(o);
    sim_set(b, NET_OPT_IP_RECVTTL, 1);
    sim_set(b, NET_OPT_IP_RECVTOS, 1);
    sim_set(b, NET_OPT_IPV6_RECVPKTINFO, 1);
    send_with(&p, a, b_addr, 3, &info);
    o = receive_now(&p, b);
    assert_int_equal(o->info.present,
                     NET_INFO_TTL | NET_INFO_TOS | NET_INFO_DST | NET_INFO_IFINDEX);
    assert_int_equal(o->info.ttl, 7);
    assert_int_equal(o->info.tos, 0x2d);
    assert_int_equal(o->info.ifindex, 1);
    assert_memory_equal(o->info.dst.ip, near4.ip, 4);
    /* And back. */
    assert_int_equal(send_to(&p, b, o->op.addr, 5), 5);
    watched_free(o);
    assert_int_equal(sim_result(&p, receive(a), S), 5);
    close_both(&p, a, b);
}

static void broadcast_and_multicast(void **state)
{
    const struct net_addr group = { .family = NET_IP4, .ip = { 239, 1, 2, 3 } };
    struct net_addr a_addr, b_addr, all = { .family = NET_IP4, .ip = { 10, 0, 0, 255 } };
    struct net_mreq m = { .group = group, .ifindex = 2 };
    struct net_ctl_arg arg = { .opt = NET_OPT_IP_ADD_MEMBERSHIP, .data = &m, .length = sizeof(m) };
    struct net_ep *a, *b;
    struct watched *o;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    a = open_at(&p, any4, &a_addr);
    b = open_at(&p, any4, &b_addr);
    sim_set(a, NET_OPT_BROADCAST, 1);
    send_to(&p, a, sim_at(all, b_addr.port), 2);
    o = receive_now(&p, b);
    assert_int_equal(o->info.present, NET_INFO_BROADCAST);
    watched_free(o);
    send_to(&p, a, sim_at(group, b_addr.port), 2);
    assert_int_equal(drain(&p, b), 0);
    assert_int_equal(net_sim.ctl(b, NET_CTL_SET, &arg), 0);
    assert_int_equal(net_sim.ctl(b, NET_CTL_SET, &arg), -EADDRINUSE);
    send_to(&p, a, sim_at(group, b_addr.port), 2);
    o = receive_now(&p, b);
    assert_int_equal(o->info.present, NET_INFO_MULTICAST);
    watched_free(o);
    sim_set(a, NET_OPT_IP_MULTICAST_LOOP, 0);
    send_to(&p, a, sim_at(group, b_addr.port), 2);
    assert_int_equal(drain(&p, b), 0);
    sim_set(a, NET_OPT_IP_MULTICAST_LOOP, 1);
    arg.opt = NET_OPT_IP_DROP_MEMBERSHIP;
    assert_int_equal(net_sim.ctl(b, NET_CTL_SET, &arg), 0);
    assert_int_equal(net_sim.ctl(b, NET_CTL_SET, &arg), -EADDRNOTAVAIL);
    send_to(&p, a, sim_at(group, b_addr.port), 2);
    assert_int_equal(drain(&p, b), 0);
    close_both(&p, a, b);
}

static void errors_come_back(void **state)
{
    const struct net_addr nobody = { .family = NET_IP4, .port = 9, .ip = { 10, 0, 0, 99 } };
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct watched *o;
    struct sim_place p;
    int64_t before;

    (void)state;
    sim_place_begin(&p, NULL);
    a = open_at(&p, any4, &a_addr);
    b = open_at(&p, any4, &b_addr);
    send_to(&p, a, sim_at(far4, 9), 4);
    assert_int_equal(drain(&p, a), 0); /* nobody asked */
    sim_set(a, NET_OPT_IP_RECVERR, 1);
    send_to(&p, a, sim_at(far4, 9), 4);
    o = receive_now(&p, a);
    assert_int_equal(o->op.result, 4);
    assert_int_equal(o->info.present, NET_INFO_ERROR);
    assert_int_equal(o->info.error.code_errno, ECONNREFUSED);
    assert_int_equal(o->info.error.icmp_type, 3);
    assert_int_equal(o->info.error.icmp_code, 3);
    assert_int_equal(o->info.error.offender.ip[3], 2);
    assert_int_equal(o->op.addr.port, 9);
    watched_free(o);
    before = host_now();
    send_to(&p, a, nobody, 4);
    o = receive_now(&p, a);
    assert_int_equal(o->info.error.code_errno, EHOSTUNREACH);
    assert_int_equal(host_now() - before, 3 * S);
    watched_free(o);
    close_both(&p, a, b);
}

static void segments(void **state)
{
    struct net_packet_info info = { .present = NET_INFO_SEGMENT, .segment_bytes = 100 };
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct watched *o;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    a = open_at(&p, sim_loopback4, &a_addr);
    b = open_at(&p, sim_loopback4, &b_addr);
    assert_int_equal(send_with(&p, a, b_addr, 250, &info), 250);
    assert_int_equal(sim_result(&p, receive(b), S), 100);
    assert_int_equal(sim_result(&p, receive(b), S), 100);
    assert_int_equal(sim_result(&p, receive(b), S), 50);
    sim_set(b, NET_OPT_UDP_GRO, 1);
    assert_int_equal(send_with(&p, a, b_addr, 250, &info), 250);
    o = receive_now(&p, b);
    assert_int_equal(o->op.result, 250);
    assert_int_equal(o->info.present, NET_INFO_SEGMENT);
    assert_int_equal(o->info.segment_bytes, 100);
    watched_free(o);
    close_both(&p, a, b);
}

/* ---- faults ------------------------------------------------------------------------------ */

static int received_under(enum sim_fault kind, unsigned permille, int sent)
{
    struct sim_faults faults = { .latency_ns = 0 };
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct sim_place p;
    int n;

    faults.permille[kind] = (uint16_t)permille;
    sim_place_begin(&p, &faults);
    a = open_at(&p, any4, &a_addr);
    b = open_at(&p, any4, &b_addr);
    for (int i = 0; i < sent; i++)
        send_to(&p, a, sim_at(near4, b_addr.port), 10);
    n = drain(&p, b);
    assert_true(permille == 0 || sim_fault_count(p.world, kind) > 0);
    close_both(&p, a, b);
    return n;
}

static void losses_and_doubles(void **state)
{
    (void)state;
    sim_random_seed(1);
    sim_chooser = sim_random;
    assert_int_equal(received_under(SIM_LOSS, 0, 100), 100);
    assert_in_range(received_under(SIM_LOSS, 300, 100), 50, 90);
    assert_in_range(received_under(SIM_DUPLICATE, 300, 100), 110, 150);
    assert_in_range(received_under(SIM_EMPTY, 300, 100), 110, 150);
    assert_int_equal(received_under(SIM_REORDER, 300, 100), 100);
    sim_chooser = sim_always;
    assert_int_equal(received_under(SIM_PARTITION, 1000, 10), 0);
    sim_chooser = NULL;
}

static void overtaking(void **state)
{
    struct sim_faults faults = { .permille = { [SIM_REORDER] = 300 } };
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct sim_place p;
    int64_t last = 0, n;
    int overtaken = 0;

    (void)state;
    sim_random_seed(2);
    sim_chooser = sim_random;
    sim_place_begin(&p, &faults);
    a = open_at(&p, any4, &a_addr);
    b = open_at(&p, any4, &b_addr);
    for (size_t i = 1; i <= 50; i++)
        send_to(&p, a, sim_at(near4, b_addr.port), i);
    for (int i = 0; i < 50; i++, last = n) {
        n = sim_result(&p, receive(b), S);
        overtaken += n < last;
    }
    assert_true(overtaken > 3);
    sim_chooser = NULL;
    close_both(&p, a, b);
}

static void what_the_receiver_misses(void **state)
{
    struct sim_faults faults = { .permille = { [SIM_TRUNCATE] = 1000, [SIM_NO_CONTROL] = 1000 } };
    struct net_addr a_addr, b_addr;
    struct net_ep *a, *b;
    struct watched *o;
    struct sim_place p;

    (void)state;
    sim_chooser = sim_always;
    sim_place_begin(&p, &faults);
    a = open_at(&p, any4, &a_addr);
    b = open_at(&p, any4, &b_addr);
    sim_set(b, NET_OPT_IP_PKTINFO, 1);
    send_to(&p, a, sim_at(near4, b_addr.port), 10);
    o = receive_now(&p, b);
    assert_true(o->op.result < 10);
    assert_int_equal(o->info.present, NET_INFO_TRUNCATED);
    watched_free(o);
    memset(&faults, 0, sizeof(faults));
    faults.permille[SIM_ICMP] = 1000;
    sim_faults_set(p.world, &faults);
    sim_set(a, NET_OPT_IP_RECVERR, 1);
    send_to(&p, a, sim_at(near4, b_addr.port), 10);
    o = receive_now(&p, a);
    assert_int_equal(o->info.present, NET_INFO_ERROR);
    watched_free(o);
    assert_int_equal(drain(&p, b), 0);
    sim_heal(p.world);
    send_to(&p, a, sim_at(near4, b_addr.port), 10);
    assert_int_equal(drain(&p, b), 1);
    sim_chooser = NULL;
    close_both(&p, a, b);
}

static void narrow_links(void **state)
{
    const struct sim_link_values narrow = { .bandwidth_bps = 1000000, .queue_packets = 3 };
    const struct sim_peer_params none = { 0 };
    struct net_addr a_addr, b_addr, echo = sim_at(far4, 7);
    struct sim_peer *peer;
    struct sim_peer_result result;
    struct net_ep *a, *b;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    assert_int_equal(sim_link_set(p.world, 0, 1, &narrow), 0);
    assert_int_equal(sim_peer_add(p.world, &peer, SIM_PEER_UDP_ECHO, 1, &echo, NULL, &none), 0);
    a = open_at(&p, any4, &a_addr);
    b = open_at(&p, any4, &b_addr);
    for (int i = 0; i < 20; i++)
        send_to(&p, a, echo, 1460);
    sim_pass(&p, S);
    sim_peer_result(peer, &result);
    assert_in_range(result.datagrams_in, 3, 5); /* one on the wire, three wait */
    assert_int_equal(sim_fault_count(p.world, SIM_QUEUE_FULL), 20 - result.datagrams_in);
    assert_int_equal(drain(&p, a), result.datagrams_in);
    close_both(&p, a, b);
}

static int begin(void **state)
{
    (void)state;
    sim_clock_virtual();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_that_fail),
        cmocka_unit_test(information_travels),
        cmocka_unit_test(broadcast_and_multicast),
        cmocka_unit_test(errors_come_back),
        cmocka_unit_test(segments),
        cmocka_unit_test(losses_and_doubles),
        cmocka_unit_test(overtaking),
        cmocka_unit_test(what_the_receiver_misses),
        cmocka_unit_test(narrow_links),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
