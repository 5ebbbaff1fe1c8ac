/*
 * sim_peer_udp.c: model peers that speak datagrams. Under the world's lock.
 *
 * The checker's datagrams begin with their number; the rest is the pattern of that number. The
 * network may lose, double and reorder them, and, if a fault says so, cut them: what comes back
 * must otherwise be one that was sent.
 */
#include <errno.h>
#include <string.h>
#include "net/sim_peerp.h"

#define NUMBER_BYTES 4
#define LAST_WAIT_NS (5 * SIM_S)
#define PAUSE_NS     SIM_MS

void sim_peer_udp_echo(struct sim_event *e)
{
    struct sim_peer *p = SIM_OF(e, struct sim_peer, step);
    struct sim_packet *packet;

    while ((packet = sim_udp_next(&p->sock))) {
        struct iovec v = { packet->data, packet->length };

        if (!packet->is_error) {
            struct net_addr to = packet->from;

            p->result.datagrams_in++;
            p->result.bytes_in += packet->length;
            sim_sock_out(&p->sock, &to);
            if (sim_udp_send(&p->sock, &to, &v, 1, NULL) >= 0)
                p->result.datagrams_out++;
        }
        sim_udp_drop(&p->sock, packet);
    }
}

static void make(const struct sim_peer *p, unsigned number, uint8_t *data)
{
    memcpy(data, &number, NUMBER_BYTES);
    for (size_t i = NUMBER_BYTES; i < p->params.chunk; i++)
        data[i] = sim_pattern(i, number);
}

static void check_one(struct sim_peer *p, const struct sim_packet *packet)
{
    const struct sim_world *w = p->world;
    bool cut_allowed = w->fired[SIM_TRUNCATE] > 0 || w->fired[SIM_EMPTY] > 0;
    uint8_t expected[SIM_PEER_CHUNK];
    unsigned number;

    p->result.datagrams_in++;
    p->result.bytes_in += packet->length;
    if (packet->length < NUMBER_BYTES) {
        if (!cut_allowed)
            sim_peer_violation(p, "UDP checker: a datagram of %zu bytes came back", packet->length);
        return;
    }
    memcpy(&number, packet->data, NUMBER_BYTES);
    if (number >= p->result.datagrams_out) {
        sim_peer_violation(p, "UDP checker: datagram %u was never sent", number);
        return;
    }
    make(p, number, expected);
    if (packet->length > p->params.chunk || (packet->length < p->params.chunk && !cut_allowed) ||
        memcmp(packet->data, expected, packet->length) != 0) {
        sim_peer_violation(p, "UDP checker: datagram %u came back changed", number);
        return;
    }
    if (p->seen[number] && w->fired[SIM_DUPLICATE] == 0)
        sim_peer_violation(p, "UDP checker: datagram %u came back twice", number);
    if (!p->seen[number])
        p->result.complete++;
    p->seen[number] = 1;
}

static void send_next(struct sim_peer *p)
{
    uint8_t data[SIM_PEER_CHUNK];
    struct iovec v = { data, p->params.chunk };

    make(p, (unsigned)p->result.datagrams_out, data);
    if (sim_udp_send(&p->sock, &p->target, &v, 1, NULL) < 0)
        p->result.failed++;
    p->result.datagrams_out++;
    p->result.bytes_out += p->params.chunk;
}

static void finish(struct sim_peer *p)
{
    p->result.finished = true;
    if (p->params.lossless && p->result.complete < p->params.count)
        sim_peer_violation(p, "UDP checker: only %u of %u datagrams came back", p->result.complete,
                           p->params.count);
}

void sim_peer_udp_check(struct sim_event *e)
{
    struct sim_peer *p = SIM_OF(e, struct sim_peer, step);
    int64_t pause = p->params.pause_ns > 0 ? p->params.pause_ns : PAUSE_NS, now = host_now();
    struct sim_packet *packet;

    while ((packet = sim_udp_next(&p->sock))) {
        if (!packet->is_error)
            check_one(p, packet);
        sim_udp_drop(&p->sock, packet);
    }
    if (p->result.finished)
        return;
    if (p->result.datagrams_out < p->params.count && now >= p->next_ns) {
        send_next(p);
        p->next_ns = now + (p->result.datagrams_out < p->params.count ? pause : LAST_WAIT_NS);
    }
    if (p->result.datagrams_out == p->params.count &&
        (p->result.complete == p->params.count || now >= p->next_ns)) {
        finish(p);
        return;
    }
    sim_event_at(p->world, &p->step, p->next_ns, sim_peer_udp_check);
}
