/* The resolver and the route endpoint. Only what the machine itself can answer is asked. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "host/host.h"
#include "net_world.h"

static const struct net_host hosts[] = {
    { "Printer", { .family = NET_IP4, .ip = { 10, 0, 0, 7 } } },
    { "printer", { .family = NET_IP6, .ip = { 0xfd, [15] = 7 } } },
    { NULL, { 0 } },
};

static struct net *net;
static struct net_ep *ep;
static struct net_resolve query;

static int set_up(void **state)
{
    struct net_config config = { .hosts = hosts };
    struct net_open o = { .kind = NET_EP_RESOLVER };

    (void)state;
    assert_int_equal(net_epoll.create(&net, &config), 0);
    assert_int_equal(net_epoll.open(net, &o, &ep), 0);
    memset(&query, 0, sizeof(query));
    return 0;
}

static int tear_down(void **state)
{
    struct net_world w = { .transport = &net_epoll, .net = net };

    (void)state;
    world_close(&w, ep, 0);
    net_epoll.destroy(net);
    return 0;
}

static int64_t ask(enum net_opcode code, bool inline_expected)
{
    struct net_world w = { .transport = &net_epoll, .net = net };
    struct watched *o = watched_new(code, 0);
    enum net_disposition d;
    int64_t result;

    o->op.resolve = &query;
    d = watched_submit(ep, o);
    if (inline_expected)
        assert_int_equal(d, NET_DONE);
    watched_wait(&w, o);
    result = o->op.result;
    watched_free(o);
    return result;
}

static void numeric(void **state)
{
    (void)state;
    strcpy(query.host, "192.0.2.9");
    strcpy(query.service, "8080");
    assert_int_equal(ask(NET_OP_RESOLVE, true), 1);
    assert_int_equal(query.results[0].family, NET_IP4);
    assert_int_equal(query.results[0].port, 8080);
    strcpy(query.host, "2001:db8::1");
    query.service[0] = 0;
    assert_int_equal(ask(NET_OP_RESOLVE, true), 1);
    assert_int_equal(query.results[0].family, NET_IP6);
    query.family = NET_IP4;
    assert_int_equal(ask(NET_OP_RESOLVE, true), -ENOENT);
    query.family = 77;
    assert_int_equal(ask(NET_OP_RESOLVE, true), -EINVAL);
    query.family = NET_IP6;
    strcpy(query.host, "192.0.2.9");
    query.v4mapped = true;
    assert_int_equal(ask(NET_OP_RESOLVE, true), 1);
    assert_int_equal(query.results[0].ip[11], 0xff);
    strcpy(query.host, "not-a-number");
    query.numeric_host = true;
    assert_int_equal(ask(NET_OP_RESOLVE, true), -ENOENT);
}

static void empty_host(void **state)
{
    static const uint8_t zero[16];

    (void)state;
    strcpy(query.service, "53");
    query.passive = true;
    query.family = NET_IP4;
    assert_int_equal(ask(NET_OP_RESOLVE, true), 1);
    assert_memory_equal(query.results[0].ip, zero, 4);
    query.passive = false;
    assert_int_equal(ask(NET_OP_RESOLVE, true), 1);
    assert_int_equal(query.results[0].ip[0], 127);
    query.service[0] = 0;
    assert_int_equal(ask(NET_OP_RESOLVE, true), 1);
}

static void overrides(void **state)
{
    (void)state;
    strcpy(query.host, "PRINTER");
    strcpy(query.service, "515");
    query.canonical = true;
    assert_int_equal(ask(NET_OP_RESOLVE, true), 2);
    assert_int_equal(query.results[0].ip[3], 7);
    assert_int_equal(query.results[1].port, 515);
    assert_string_equal(query.canonical_name, "PRINTER");
    query.family = NET_IP6;
    assert_int_equal(ask(NET_OP_RESOLVE, true), 1);
    memset(&query, 0, sizeof(query));
    query.address = hosts[0].addr;
    query.address.port = 515;
    query.numeric_service = true;
    assert_int_equal(ask(NET_OP_NAMEINFO, true), 0);
    assert_string_equal(query.host, "Printer");
    assert_string_equal(query.service, "515");
}

static void look_ups(void **state)
{
    (void)state;
    strcpy(query.host, "localhost");
    query.family = NET_IP4;
    assert_true(ask(NET_OP_RESOLVE, false) >= 1);
    assert_int_equal(query.results[0].ip[0], 127);
    memset(&query, 0, sizeof(query));
    query.address = (struct net_addr){ .family = NET_IP4, .ip = { 127, 0, 0, 1 }, .port = 80 };
    query.numeric_host = query.numeric_service = true;
    assert_int_equal(ask(NET_OP_NAMEINFO, true), 0);
    assert_string_equal(query.host, "127.0.0.1");
    assert_string_equal(query.service, "80");
    query.numeric_host = false;
    assert_int_equal(ask(NET_OP_NAMEINFO, false), 0);
    assert_true(query.host[0] != 0);
    query.address.family = NET_UNSPEC;
    query.numeric_host = true;
    assert_int_equal(ask(NET_OP_NAMEINFO, true), -EINVAL);
}

/* Whatever the look-up does: cancel and close do not wait for it. */
static void cancel_abandons(void **state)
{
    struct net_world w = { .transport = &net_epoll, .net = net };
    struct watched *o[12];
    struct net_resolve *q = calloc(12, sizeof(*q));

    (void)state;
    for (int i = 0; i < 12; i++) {
        o[i] = watched_new(NET_OP_RESOLVE, 0);
        strcpy(q[i].host, "localhost");
        o[i]->op.resolve = &q[i];
        assert_int_equal(watched_submit(ep, o[i]), NET_PENDING);
        net_epoll.cancel(ep, &o[i]->op);
        net_epoll.cancel(ep, &o[i]->op);
    }
    for (int i = 0; i < 12; i++) {
        watched_wait(&w, o[i]);
        assert_true(o[i]->op.result == -ECANCELED || o[i]->op.result > 0);
        assert_int_equal(o[i]->runs, 1);
    }
    for (int i = 0; i < 12; i++)
        watched_submit(ep, o[i]);
    tear_down(NULL);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(o[i]->runs, 2);
        watched_free(o[i]);
    }
    free(q);
    set_up(NULL);
}

static void own_addresses(void **state)
{
    struct net_world w = { .transport = &net_epoll, .net = net };
    struct net_open o = { .kind = NET_EP_ROUTE, .family = NET_IP4 };
    struct net_addr addrs[64];
    struct net_ctl_arg arg = { .family = NET_IP4, .addrs = addrs, .length = 64 };
    struct net_ep *route;
    struct watched *change = watched_new(NET_OP_ADDRESS_CHANGE, 0);
    bool loopback = false;

    (void)state;
    assert_int_equal(net_epoll.open(net, &o, &route), 0);
    assert_int_equal(net_epoll.ctl(route, NET_CTL_ADDRESSES, &arg), 0);
    for (size_t i = 0; i < arg.length && i < 64; i++)
        loopback |= addrs[i].family == NET_IP4 && addrs[i].ip[0] == 127;
    assert_true(loopback);
    arg.length = 0;
    assert_int_equal(net_epoll.ctl(route, NET_CTL_ADDRESSES, &arg), 0);
    assert_true(arg.length > 0);
    assert_int_equal(watched_submit(route, change), NET_PENDING);
    world_settle(&w);
    assert_int_equal(change->runs, 0);
    net_epoll.cancel(route, &change->op);
    watched_wait(&w, change);
    assert_int_equal(change->op.result, -ECANCELED);
    watched_free(change);
    world_close(&w, route, 0);
}

/* In a network namespace of its own, where the test may make one. The last test of this program. */
static void an_address_comes_and_goes(void **state)
{
    struct net_world w = { .transport = &net_epoll, .net = net };
    struct net_open o = { .kind = NET_EP_ROUTE };
    struct net_ep *route;
    struct watched *change;

    (void)state;
    if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up 2>/dev/null") != 0)
        return;
    change = watched_new(NET_OP_ADDRESS_CHANGE, 0);
    assert_int_equal(net_epoll.open(net, &o, &route), 0);
    assert_int_equal(watched_submit(route, change), NET_PENDING);
    assert_int_equal(system("ip addr add 127.77.0.1/32 dev lo"), 0);
    watched_wait(&w, change);
    assert_int_equal(change->op.result, 0);
    assert_int_equal(watched_submit(route, change), NET_PENDING);
    /* The kernel announces this, but no address came or went. */
    assert_int_equal(system("ip addr change 127.77.0.1/32 dev lo valid_lft 1000 "
                            "preferred_lft 1000"),
                     0);
    world_settle(&w);
    assert_int_equal(change->runs, 1);
    assert_int_equal(system("ip addr del 127.77.0.1/32 dev lo"), 0);
    watched_wait(&w, change);
    assert_int_equal(change->op.result, 0);
    watched_free(change);
    world_close(&w, route, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numeric, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overrides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(look_ups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancel_abandons, set_up, tear_down),
        cmocka_unit_test_setup_teardown(own_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_comes_and_goes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
