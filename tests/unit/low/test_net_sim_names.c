/* Names and local addresses of the simulated network, in virtual time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sim_clock.h"

#define MS ((int64_t)1000 * 1000)
#define S  (1000 * MS)

static const struct net_host names[] = {
    { "far.example", { .family = NET_IP4, .ip = { 10, 0, 0, 2 } } },
    { "far.example", { .family = NET_IP6, .ip = { 0xfd, [15] = 2 } } },
    { "only4.example", { .family = NET_IP4, .ip = { 10, 0, 0, 4 } } },
    { NULL, { 0 } },
};

struct query {
    struct watched *o;
    struct net_resolve q;
    struct net_ep *resolver;
};

static int64_t ask(struct sim_place *p, struct query *query, enum net_opcode code)
{
    struct watched *o = watched_new(code, 0);

    o->op.resolve = &query->q;
    watched_submit(query->resolver, o);
    return sim_result(p, o, 100 * S);
}

static int64_t resolve(struct sim_place *p, struct query *query, const char *host,
                       const char *service)
{
    strcpy(query->q.host, host);
    strcpy(query->q.service, service);
    return ask(p, query, NET_OP_RESOLVE);
}

static void begin_place(struct sim_place *p, struct query *query, const struct sim_faults *faults)
{
    struct sim_config config = { .names = names };

    if (faults)
        config.faults = *faults;
    sim_place_begin_with(p, &config);
    memset(query, 0, sizeof(*query));
    query->resolver = sim_open(p, NET_EP_RESOLVER, NET_UNSPEC);
}

static void end_place(struct sim_place *p, struct query *query)
{
    world_close(&p->w, query->resolver, 0);
    sim_place_end(p);
}

static void names_resolve(void **state)
{
    struct query q;
    struct sim_place p;

    (void)state;
    begin_place(&p, &q, NULL);
    q.q.canonical = true;
    assert_int_equal(resolve(&p, &q, "FAR.example", "http"), 2);
    assert_int_equal(q.q.results[0].family, NET_IP4);
    assert_int_equal(q.q.results[0].port, 80);
    assert_memory_equal(q.q.results[0].ip, far4.ip, 4);
    assert_int_equal(q.q.results[1].family, NET_IP6);
    assert_string_equal(q.q.canonical_name, "FAR.example");
    q.q.family = NET_IP6;
    assert_int_equal(resolve(&p, &q, "far.example", "81"), 1);
    assert_int_equal(q.q.results[0].port, 81);
    assert_int_equal(resolve(&p, &q, "only4.example", ""), -ENOENT);
    q.q.v4mapped = true;
    assert_int_equal(resolve(&p, &q, "only4.example", ""), 1);
    assert_int_equal(q.q.results[0].ip[15], 4);
    assert_int_equal(resolve(&p, &q, "far.example", ""), 1);
    q.q.all = true;
    assert_int_equal(resolve(&p, &q, "far.example", ""), 2);
    memset(&q.q, 0, sizeof(q.q));
    assert_int_equal(resolve(&p, &q, "nobody.example", ""), -ENOENT);
    assert_int_equal(resolve(&p, &q, "far.example", "nonsense"), -ENOENT);
    assert_int_equal(resolve(&p, &q, "localhost", "ntp"), -ENOENT); /* of UDP only */
    q.q.datagram = 1;
    assert_int_equal(resolve(&p, &q, "localhost", "ntp"), 2);
    q.q.family = 99;
    assert_int_equal(resolve(&p, &q, "localhost", ""), -EINVAL);
    end_place(&p, &q);
}

static void numbers_need_no_look_up(void **state)
{
    struct sim_faults faults = { .permille = { [SIM_NAME_FAIL] = 1000 } };
    struct query q;
    struct sim_place p;

    (void)state;
    sim_chooser = sim_always;
    begin_place(&p, &q, &faults);
    assert_int_equal(resolve(&p, &q, "10.1.2.3", "7"), 1);
    assert_int_equal(q.q.results[0].ip[3], 3);
    assert_int_equal(resolve(&p, &q, "fe80::1%eth0", "7"), 1);
    assert_int_equal(q.q.results[0].scope_id, 2);
    assert_int_equal(resolve(&p, &q, "", "7"), 2);
    assert_int_equal(q.q.results[0].family, NET_IP6);
    q.q.passive = true;
    assert_int_equal(resolve(&p, &q, "", "7"), 2);
    assert_int_equal(q.q.results[0].family, NET_IP4);
    q.q.numeric_host = true;
    assert_int_equal(resolve(&p, &q, "localhost", "7"), -ENOENT);
    assert_int_equal(sim_fault_count(p.world, SIM_NAME_FAIL), 0);
    sim_chooser = NULL;
    end_place(&p, &q);
}

static void addresses_have_names(void **state)
{
    struct query q;
    struct sim_place p;

    (void)state;
    begin_place(&p, &q, NULL);
    q.q.address = sim_at(far4, 443);
    assert_int_equal(ask(&p, &q, NET_OP_NAMEINFO), 0);
    assert_string_equal(q.q.host, "far.example");
    assert_string_equal(q.q.service, "https");
    q.q.no_fqdn = q.q.numeric_service = true;
    assert_int_equal(ask(&p, &q, NET_OP_NAMEINFO), 0);
    assert_string_equal(q.q.host, "far");
    assert_string_equal(q.q.service, "443");
    q.q.address = sim_at(near6, 0);
    assert_int_equal(ask(&p, &q, NET_OP_NAMEINFO), 0);
    assert_string_equal(q.q.host, "fd00::1");
    q.q.name_required = true;
    assert_int_equal(ask(&p, &q, NET_OP_NAMEINFO), -ENOENT);
    q.q.address.family = NET_UNSPEC;
    assert_int_equal(ask(&p, &q, NET_OP_NAMEINFO), -EINVAL);
    end_place(&p, &q);
}

static void faults_of_names(void **state)
{
    struct sim_faults faults = { .permille = { [SIM_NAME_SLOW] = 1000 } };
    struct watched *o = watched_new(NET_OP_RESOLVE, 0);
    struct query q;
    struct sim_place p;
    int64_t before;

    (void)state;
    sim_chooser = sim_always;
    begin_place(&p, &q, &faults);
    before = host_now();
    assert_int_equal(resolve(&p, &q, "far.example", ""), 2);
    assert_true(host_now() > before);
    o->op.resolve = &q.q;
    watched_submit(q.resolver, o);
    net_sim.cancel(q.resolver, &o->op);
    net_sim.cancel(q.resolver, &o->op);
    assert_int_equal(sim_result(&p, o, S), -ECANCELED);
    o = watched_new(NET_OP_RESOLVE, 0);
    o->op.resolve = &q.q;
    watched_submit(q.resolver, o);
    faults = (struct sim_faults){ .permille = { [SIM_NAME_MANY] = 1000, [SIM_NAME_IP6] = 1000 } };
    sim_faults_set(p.world, &faults);
    assert_int_equal(sim_result(&p, o, 10 * S), NET_RESOLVE_RESULTS);
    assert_int_equal(q.q.results[0].family, NET_IP6);
    faults = (struct sim_faults){ .permille = { [SIM_NAME_FAIL] = 1000 } };
    sim_faults_set(p.world, &faults);
    assert_int_equal(resolve(&p, &q, "far.example", ""), -EAGAIN);
    q.q.address = far4;
    q.q.name_required = true;
    assert_int_equal(ask(&p, &q, NET_OP_NAMEINFO), -EAGAIN);
    q.q.name_required = false;
    assert_int_equal(ask(&p, &q, NET_OP_NAMEINFO), 0);
    assert_string_equal(q.q.host, "10.0.0.2");
    sim_chooser = NULL;
    end_place(&p, &q);
}

/* ---- local addresses --------------------------------------------------------------------- */

static void local_addresses(void **state)
{
    struct net_addr out[8];
    struct net_ctl_arg arg = { .addrs = out, .length = 8 };
    struct sim_place p;
    struct net_ep *route;

    (void)state;
    sim_place_begin(&p, NULL);
    route = sim_open(&p, NET_EP_ROUTE, NET_UNSPEC);
    assert_int_equal(net_sim.ctl(route, NET_CTL_ADDRESSES, &arg), 0);
    assert_int_equal(arg.length, 4);
    assert_int_equal(out[0].ip[0], 127);
    assert_int_equal(out[0].scope_id, 1);
    assert_memory_equal(out[1].ip, near4.ip, 4);
    assert_int_equal(out[1].scope_id, 2);
    arg.family = NET_IP6;
    arg.length = 1; /* too little room: the count all the same */
    assert_int_equal(net_sim.ctl(route, NET_CTL_ADDRESSES, &arg), 0);
    assert_int_equal(arg.length, 2);
    arg.addr = far4;
    assert_int_equal(net_sim.ctl(route, NET_CTL_ROUTE, &arg), 0);
    assert_memory_equal(arg.addr.ip, near4.ip, 4);
    arg.addr = sim_loopback6;
    assert_int_equal(net_sim.ctl(route, NET_CTL_ROUTE, &arg), 0);
    assert_memory_equal(arg.addr.ip, sim_loopback6.ip, 16);
    assert_int_equal(sim_address_remove(p.world, 0, &near4), 0);
    assert_int_equal(sim_address_remove(p.world, 0, &near4), -ENOENT);
    arg.addr = far4;
    assert_int_equal(net_sim.ctl(route, NET_CTL_ROUTE, &arg), -ENETUNREACH);
    world_close(&p.w, route, 0);
    sim_place_end(&p);
}

static void address_changes(void **state)
{
    struct sim_faults faults = { .permille = { [SIM_ADDRESS] = 1000 } };
    struct watched *o4 = watched_new(NET_OP_ADDRESS_CHANGE, 0);
    struct watched *o6 = watched_new(NET_OP_ADDRESS_CHANGE, 0);
    struct net_addr more = { .family = NET_IP4, .ip = { 10, 0, 0, 77 } };
    struct net_ctl_arg arg = { 0 };
    struct net_ep *route4, *route6;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    route4 = sim_open(&p, NET_EP_ROUTE, NET_IP4);
    route6 = sim_open(&p, NET_EP_ROUTE, NET_IP6);
    watched_submit(route4, o4);
    watched_submit(route6, o6);
    assert_int_equal(sim_address_add(p.world, 0, &more), 0);
    assert_int_equal(sim_address_add(p.world, 0, &more), -EEXIST);
    assert_int_equal(sim_result(&p, o4, S), 0);
    assert_false(o6->last);
    /* The fault takes the newest one away, and brings it back. */
    o4 = watched_new(NET_OP_ADDRESS_CHANGE, 0);
    watched_submit(route4, o4);
    sim_chooser = sim_always;
    sim_faults_set(p.world, &faults);
    net_sim.poll(p.w.net, host_now() + 1);
    assert_int_equal(sim_fault_count(p.world, SIM_ADDRESS), 1);
    assert_int_equal(sim_result(&p, o4, S), 0);
    net_sim.ctl(route4, NET_CTL_ADDRESSES, &arg);
    sim_heal(p.world);
    sim_chooser = NULL;
    sim_pass(&p, 3 * S);
    assert_int_equal(sim_address_remove(p.world, 0, &more), 0);
    net_sim.cancel(route6, &o6->op);
    assert_int_equal(sim_result(&p, o6, S), -ECANCELED);
    world_close(&p.w, route4, 0);
    world_close(&p.w, route6, 0);
    sim_place_end(&p);
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
        cmocka_unit_test(names_resolve),        cmocka_unit_test(numbers_need_no_look_up),
        cmocka_unit_test(addresses_have_names), cmocka_unit_test(faults_of_names),
        cmocka_unit_test(local_addresses),      cmocka_unit_test(address_changes),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
