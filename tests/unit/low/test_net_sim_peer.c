/*
 * Model peers against each other, and against a server over net.h that makes mistakes on purpose:
 * a checker that finds nothing proves nothing. In virtual time.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sim_clock.h"

#define MS ((int64_t)1000 * 1000)
#define S  (1000 * MS)

static struct sim_peer_result result_of(struct sim_peer *peer)
{
    struct sim_peer_result r;

    sim_peer_result(peer, &r);
    return r;
}

/* One peer serves, another one connects to it. */
static void meet(struct sim_place *p, enum sim_peer_kind server, enum sim_peer_kind client,
                 const struct sim_peer_params *params, struct sim_peer *out[2])
{
    const struct net_addr at = sim_at(far4, 7000);

    assert_int_equal(sim_peer_add(p->world, &out[0], server, 1, &at, NULL, params), 0);
    assert_int_equal(sim_peer_add(p->world, &out[1], client, 0, NULL, &at, params), 0);
    sim_pass(p, 300 * S);
}

static void checker_and_echo(void **state)
{
    const struct sim_peer_params params = { .bytes = 300000, .count = 3 };
    struct sim_peer *peers[2];
    struct sim_peer_result r;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    meet(&p, SIM_PEER_ECHO, SIM_PEER_CHECKER, &params, peers);
    r = result_of(peers[1]);
    assert_true(r.finished);
    assert_int_equal(r.complete, 3);
    assert_int_equal(r.bytes_in, 900000);
    assert_string_equal(r.error, "");
    r = result_of(peers[0]);
    assert_int_equal(r.complete, 3);
    assert_int_equal(r.bytes_out, 900000);
    sim_place_end(&p);
}

static void one_way(enum sim_peer_kind server, const struct sim_peer_params *params,
                    struct sim_peer_result *served, int64_t *took)
{
    struct sim_peer *peers[2];
    struct sim_place p;
    int64_t before;

    sim_place_begin(&p, NULL);
    before = host_now();
    assert_int_equal(sim_peer_add(p.world, &peers[0], server, 1,
                                  &(struct net_addr){ NET_IP4, 7, { 10, 0, 0, 2 }, 0, 0 }, NULL,
                                  params),
                     0);
    assert_int_equal(sim_peer_add(p.world, &peers[1], SIM_PEER_SOURCE, 0, NULL,
                                  &(struct net_addr){ NET_IP4, 7, { 10, 0, 0, 2 }, 0, 0 }, params),
                     0);
    while (!result_of(peers[1]).finished || result_of(peers[0]).ended == 0)
        sim_pass(&p, 10 * MS);
    *took = host_now() - before;
    *served = result_of(peers[0]);
    sim_place_end(&p);
}

/* All connections are broken in their middle: by a reset, or by an early end. */
static void broken(bool reset, struct sim_peer_result *server, struct sim_peer_result *client)
{
    const struct sim_peer_params params = { .bytes = 100000, .chunk = 1000, .pause_ns = 10 * MS };
    const struct net_addr at = sim_at(far4, 7000);
    struct sim_peer *peers[2];
    struct sim_place p;

    sim_place_begin(&p, NULL);
    assert_int_equal(sim_peer_add(p.world, &peers[0], SIM_PEER_SINK, 1, &at, NULL, &params), 0);
    assert_int_equal(sim_peer_add(p.world, &peers[1], SIM_PEER_SOURCE, 0, NULL, &at, &params), 0);
    sim_pass(&p, 100 * MS);
    assert_in_range(result_of(peers[0]).bytes_in, 1000, 50000);
    sim_peers_break(p.world, reset);
    sim_pass(&p, 10 * S);
    *server = result_of(peers[0]);
    *client = result_of(peers[1]);
    sim_place_end(&p);
}

static void all_can_be_broken(void **state)
{
    struct sim_peer_result server, client;

    (void)state;
    broken(true, &server, &client);
    assert_int_equal(server.failed, 1);
    assert_int_equal(client.failed, 1);
    assert_true(client.finished);
    broken(false, &server, &client);
    assert_int_equal(server.complete, 1);
    assert_in_range(server.bytes_in, 1000, 50000);
    assert_int_equal(client.complete, 1);
    assert_string_equal(client.error, "");
}

static void sources_and_readers(void **state)
{
    struct sim_peer_params params = { .bytes = 100000 };
    struct sim_peer_result r;
    int64_t took;

    (void)state;
    one_way(SIM_PEER_SINK, &params, &r, &took);
    assert_int_equal(r.bytes_in, 100000);
    assert_int_equal(r.complete, 1);
    assert_true(took <= 10 * MS);
    params = (struct sim_peer_params){ .bytes = 100000, .chunk = 1000, .pause_ns = 10 * MS };
    one_way(SIM_PEER_SLOW, &params, &r, &took);
    assert_int_equal(r.bytes_in, 100000);
    assert_in_range(took / MS, 950, 1100);
    params = (struct sim_peer_params){ .bytes = 5000 };
    one_way(SIM_PEER_HALF, &params, &r, &took);
    assert_int_equal(r.bytes_in, 5000);
    assert_int_equal(r.complete, 1);
}

static void resetters_reset(void **state)
{
    const struct sim_peer_params params = { .bytes = 10000 }, more = { .bytes = 1000000 };
    const struct net_addr at = sim_at(far4, 7000);
    struct sim_peer *server, *client;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    assert_int_equal(sim_peer_add(p.world, &server, SIM_PEER_RESETTER, 1, &at, NULL, &params), 0);
    assert_int_equal(sim_peer_add(p.world, &client, SIM_PEER_SOURCE, 0, NULL, &at, &more), 0);
    sim_pass(&p, S);
    assert_int_equal(result_of(server).complete, 1);
    assert_int_equal(result_of(client).failed, 1);
    assert_true(result_of(client).finished);
    sim_place_end(&p);
}

static void half_closing_fault(void **state)
{
    const struct sim_peer_params params = { .bytes = 200000 };
    const struct sim_faults faults = { .permille = { [SIM_HALF_CLOSE] = 1000 } };
    struct sim_peer *peers[2];
    struct sim_place p;

    (void)state;
    sim_chooser = sim_always;
    sim_place_begin(&p, &faults);
    meet(&p, SIM_PEER_ECHO, SIM_PEER_CHECKER, &params, peers);
    assert_int_equal(sim_fault_count(p.world, SIM_HALF_CLOSE), 1);
    assert_int_equal(result_of(peers[1]).failed, 1);
    assert_int_equal(result_of(peers[1]).bytes_in, 65535);
    assert_string_equal(result_of(peers[1]).error, "");
    sim_chooser = NULL;
    sim_place_end(&p);
}

static void datagrams(void **state)
{
    const struct sim_peer_params params = { .count = 50, .chunk = 700, .lossless = true };
    const struct net_addr at = sim_at(far6, 7);
    const struct sim_link_values none = { 0 };
    struct sim_peer *echo, *checker;
    struct sim_peer_result r;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    assert_int_equal(sim_link_set(p.world, 0, 1, &none), 0);
    assert_int_equal(sim_peer_add(p.world, &echo, SIM_PEER_UDP_ECHO, 1, &at, NULL, &params), 0);
    assert_int_equal(sim_peer_add(p.world, &checker, SIM_PEER_UDP_CHECKER, 0, NULL, &at, &params),
                     0);
    sim_pass(&p, S);
    r = result_of(checker);
    assert_true(r.finished);
    assert_int_equal(r.complete, 50);
    assert_int_equal(r.datagrams_out, 50);
    assert_int_equal(result_of(echo).datagrams_in, 50);
    /* Losses that nobody announced are a violation. */
    assert_int_equal(sim_link_cut(p.world, 1, 0, HOST_FOREVER), 0);
    assert_int_equal(sim_peer_add(p.world, &checker, SIM_PEER_UDP_CHECKER, 0, NULL, &at, &params),
                     0);
    sim_pass(&p, 10 * S);
    assert_true(result_of(checker).finished);
    assert_string_equal(result_of(checker).error, "UDP checker: only 0 of 50 datagrams came back");
    p.violation[0] = 0;
    sim_place_end(&p);
}

static void peers_that_cannot_be(void **state)
{
    const struct sim_peer_params params = { 0 };
    const struct net_addr at = sim_at(far4, 7), elsewhere = sim_at(near4, 7);
    struct sim_peer *peer;
    struct sim_place p;

    (void)state;
    sim_place_begin(&p, NULL);
    assert_int_equal(sim_peer_add(p.world, &peer, SIM_PEER_ECHO, 9, &at, NULL, &params), -EINVAL);
    assert_int_equal(sim_peer_add(p.world, &peer, SIM_PEER_ECHO, 1, NULL, NULL, &params), -EINVAL);
    assert_int_equal(sim_peer_add(p.world, &peer, SIM_PEER_ECHO, 1, &elsewhere, NULL, &params),
                     -EADDRNOTAVAIL);
    assert_int_equal(sim_peer_add(p.world, &peer, SIM_PEER_ECHO, 1, &at, NULL, &params), 0);
    assert_int_equal(sim_peer_add(p.world, &peer, SIM_PEER_SINK, 1, &at, NULL, &params),
                     -EADDRINUSE);
    sim_place_end(&p);
}

/* ---- servers with mistakes --------------------------------------------------------------- */

static int64_t finish(struct sim_place *p, struct net_ep *ep, enum net_opcode code, void *data,
                      size_t n)
{
    struct watched *o = watched_new(code, 0);

    o->iov = (struct iovec){ data, n };
    o->op.iov = &o->iov;
    o->op.iovcnt = 1;
    watched_submit(ep, o);
    return sim_result(p, o, 10 * S);
}

enum mistake { CHANGES, REPEATS, LOSES, SWAPS };

/* Echoes one connection with one mistake in the third piece. */
static void echo_badly(struct sim_place *p, struct net_ep *ep, enum mistake mistake)
{
    static uint8_t bytes[100];
    int64_t n;

    for (int i = 0; (n = finish(p, ep, NET_OP_RECV, bytes, sizeof(bytes))) > 0; i++) {
        int times = 1;

        if (i == 2 && mistake == CHANGES)
            bytes[50] ^= 1;
        if (i == 2 && mistake == SWAPS) {
            uint8_t t = bytes[10];

            bytes[10] = bytes[11];
            bytes[11] = t;
        }
        if (i == 2 && mistake == REPEATS)
            times = 2;
        if (i == 2 && mistake == LOSES)
            times = 0;
        while (times-- > 0) {
            if (finish(p, ep, NET_OP_SEND, bytes, (size_t)n) < 0)
                return;
        }
    }
}

static void mistakes_are_found(void **state)
{
    const struct sim_peer_params params = { .bytes = 1000 };
    static const char *const texts[] = {
        "checker: stream 0: byte 250 that came back is wrong",
        "checker: stream 0: byte 300 that came back is wrong",
        "checker: stream 0: byte 200 that came back is wrong",
        "checker: stream 0: byte 210 that came back is wrong",
    };

    (void)state;
    for (enum mistake m = CHANGES; m <= SWAPS; m++) {
        struct net_addr at = { .family = NET_IP4 };
        struct watched *accept = watched_new(NET_OP_ACCEPT, 0);
        struct sim_peer *checker;
        struct net_ep *listener;
        struct sim_place p;

        sim_place_begin(&p, NULL);
        listener = sim_listen(&p, &at, 4);
        watched_submit(listener, accept);
        at = sim_at(near4, at.port);
        assert_int_equal(sim_peer_add(p.world, &checker, SIM_PEER_CHECKER, 1, NULL, &at, &params),
                         0);
        watched_wait(&p.w, accept);
        echo_badly(&p, accept->accepted[0], m);
        sim_pass(&p, S);
        assert_string_equal(result_of(checker).error, texts[m]);
        assert_string_equal(p.violation, texts[m]);
        assert_int_equal(result_of(checker).complete, 0);
        p.violation[0] = 0;
        world_close(&p.w, accept->accepted[0], 0);
        world_close(&p.w, listener, 0);
        watched_free(accept);
        sim_place_end(&p);
    }
}

static void early_ends_are_found(void **state)
{
    const struct sim_peer_params params = { .bytes = 1000 };
    struct net_addr at = { .family = NET_IP4 };
    struct watched *accept = watched_new(NET_OP_ACCEPT, 0);
    struct sim_peer *checker;
    struct net_ep *listener;
    struct sim_place p;
    uint8_t bytes[1000];

    (void)state;
    sim_place_begin(&p, NULL);
    listener = sim_listen(&p, &at, 4);
    watched_submit(listener, accept);
    at = sim_at(near4, at.port);
    assert_int_equal(sim_peer_add(p.world, &checker, SIM_PEER_CHECKER, 1, NULL, &at, &params), 0);
    watched_wait(&p.w, accept);
    assert_int_equal(finish(&p, accept->accepted[0], NET_OP_RECV, bytes, sizeof(bytes)), 1000);
    assert_int_equal(finish(&p, accept->accepted[0], NET_OP_SEND, bytes, 900), 900);
    world_close(&p.w, accept->accepted[0], 0);
    sim_pass(&p, S);
    assert_string_equal(p.violation, "checker: stream 0: only 900 of 1000 bytes came back");
    p.violation[0] = 0;
    world_close(&p.w, listener, 0);
    watched_free(accept);
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
        cmocka_unit_test(checker_and_echo),   cmocka_unit_test(sources_and_readers),
        cmocka_unit_test(resetters_reset),    cmocka_unit_test(half_closing_fault),
        cmocka_unit_test(datagrams),          cmocka_unit_test(peers_that_cannot_be),
        cmocka_unit_test(mistakes_are_found), cmocka_unit_test(early_ends_are_found),
        cmocka_unit_test(all_can_be_broken),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
