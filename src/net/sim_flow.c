/*
 * sim_flow.c: one direction of a connection: from the send buffer over the wire to the receive
 * queue, and the acknowledgements back.
 *
 * All bytes from the oldest unread one to the newest written one are in one ring, whatever place
 * they have reached: what moves are the positions. The ring grows as it is needed; if it cannot,
 * the buffers are smaller than promised, and nothing fails. Segments arrive in order: what the
 * network does to a stream's packets is delay. At most one acknowledgement is on its way; what
 * happens meanwhile is in the next one. Under the world's lock.
 */
#include <string.h>
#include "net/simp.h"

#define MSS 1460

void sim_flow_init(struct sim_flow *f, int number, size_t send_bytes, size_t receive_bytes)
{
    f->number = number;
    f->ring = f->small;
    f->ring_bytes = sizeof(f->small);
    f->send_bytes = send_bytes;
    f->receive_bytes = receive_bytes;
    f->window = f->ack_window = receive_bytes;
    f->reset_at = UINT64_MAX;
}

void sim_flow_free(struct sim_conn *c, struct sim_flow *f)
{
    sim_event_cancel(c->world, &f->arrive);
    sim_event_cancel(c->world, &f->ack);
    sim_event_cancel(c->world, &f->cork);
    if (f->ring != f->small)
        host_free(f->ring);
    f->ring = f->small;
    f->ring_bytes = sizeof(f->small);
}

/* ---- the ring ---------------------------------------------------------------------------- */

static void copy_out(const struct sim_flow *f, uint64_t position, uint8_t *to, size_t n)
{
    size_t at = position & (f->ring_bytes - 1), first = f->ring_bytes - at;

    if (first > n)
        first = n;
    memcpy(to, f->ring + at, first);
    memcpy(to + first, f->ring, n - first);
}

static void copy_in(struct sim_flow *f, uint64_t position, const uint8_t *from, size_t n)
{
    size_t at = position & (f->ring_bytes - 1), first = f->ring_bytes - at;

    if (first > n)
        first = n;
    memcpy(f->ring + at, from, first);
    memcpy(f->ring, from + first, n - first);
}

static void grow(struct sim_flow *f, size_t want)
{
    struct sim_flow old = { .ring = f->ring, .ring_bytes = f->ring_bytes };
    size_t size = f->ring_bytes;
    uint8_t *ring;

    while (size < want)
        size *= 2;
    ring = size > f->ring_bytes ? host_alloc(size, 16) : NULL;
    if (!ring)
        return;
    f->ring = ring;
    f->ring_bytes = size;
    for (uint64_t p = f->read; p < f->written;) {
        size_t at = p & (old.ring_bytes - 1), n = old.ring_bytes - at;

        if (n > f->written - p)
            n = f->written - p;
        copy_in(f, p, old.ring + at, n);
        p += n;
    }
    if (old.ring != f->small)
        host_free(old.ring);
}

static uint64_t hash(uint64_t h, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

size_t sim_flow_put(struct sim_flow *f, const struct iovec *iov, unsigned n, uint64_t skip,
                    size_t limit)
{
    size_t taken = 0;

    if (f->written - f->read + limit > f->ring_bytes)
        grow(f, f->written - f->read + limit);
    if (limit > f->ring_bytes - (f->written - f->read))
        limit = f->ring_bytes - (f->written - f->read);
    for (unsigned i = 0; i < n && taken < limit; i++) {
        const uint8_t *from = (const uint8_t *)iov[i].iov_base + skip;
        size_t piece;

        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        piece = iov[i].iov_len - skip;
        skip = 0;
        if (piece > limit - taken)
            piece = limit - taken;
        copy_in(f, f->written, from, piece);
        f->hash_in = hash(f->hash_in, from, piece);
        f->written += piece;
        taken += piece;
    }
    return taken;
}

void sim_flow_get(struct sim_conn *c, int from, void *data, size_t n, size_t offset, bool peek)
{
    struct sim_flow *f = &c->flow[from];
    bool full = f->written - f->read == f->ring_bytes;

    HOST_ASSERT(offset + n <= f->arrived - f->read);
    copy_out(f, f->read + offset, data, n);
    if (peek || n == 0)
        return;
    f->hash_out = hash(f->hash_out, data, n);
    f->read += n;
    if (f->read == f->written && f->hash_in != f->hash_out)
        sim_violation(c->world, "a stream's bytes differ from what was sent, before byte %llu",
                      (unsigned long long)f->read);
    if (full) /* the sender may wait for room in the ring, which no acknowledgement tells */
        sim_end_ready(c, from);
}

/* ---- the wire ---------------------------------------------------------------------------- */

static void segment_arrives(struct sim_event *e);

static void launch(struct sim_conn *c, int from, size_t n, bool fin)
{
    struct sim_flow *f = &c->flow[from];
    struct sim_segment *s = &f->air[(f->air_head + f->air_count) % SIM_AIR];

    f->sent += n;
    f->fin_sent |= fin;
    s->end = f->sent;
    s->fin = fin;
    s->at_ns = sim_transit(c->world, c->end[from].host, c->end[!from].host, n, true);
    if (s->at_ns < f->last_at_ns)
        s->at_ns = f->last_at_ns;
    f->last_at_ns = s->at_ns;
    if (f->air_count++ == 0)
        sim_event_at(c->world, &f->arrive, s->at_ns, segment_arrives);
}

static bool no_delay(const struct sim_conn *c, int from)
{
    const struct sim_sock *s = c->end[from].sock;

    return !s || s->opt[NET_OPT_TCP_NODELAY];
}

/* A short segment waits for more bytes: asked for (NET_F_MORE), or while another one is on its way
 * (Nagle). */
static bool held_back(const struct sim_conn *c, int from, size_t n)
{
    const struct sim_flow *f = &c->flow[from];

    if (n >= MSS || f->sent + n <= f->pushed)
        return false;
    return f->corked || (f->sent > f->acked && !no_delay(c, from));
}

static bool next_segment(struct sim_conn *c, int from, size_t *n, bool *fin)
{
    struct sim_flow *f = &c->flow[from];
    size_t waiting = f->written - f->sent;
    size_t room = f->window > f->sent ? f->window - f->sent : 0;

    *n = waiting < room ? waiting : room;
    if (*n > SIM_SEGMENT_MAX)
        *n = SIM_SEGMENT_MAX;
    *fin = f->fin_written && !f->fin_sent && *n == waiting;
    if (*fin)
        return true;
    return *n > 0 && !(*n == waiting && held_back(c, from, *n));
}

static void reset_midway(struct sim_conn *c)
{
    c->world->fired[SIM_RESET]++;
    sim_conn_reset(c, 0);
    sim_conn_reset(c, 1);
}

void sim_flow_push(struct sim_conn *c, int from)
{
    struct sim_flow *f = &c->flow[from];
    size_t n;
    bool fin;

    if (c->phase < (from == 0 ? SIM_ACK : SIM_ESTABLISHED) || c->end[from].broken)
        return;
    while (f->air_count < SIM_AIR && next_segment(c, from, &n, &fin)) {
        if (n > 1 && sim_fires(c->world, SIM_SEGMENT, "tcp:segment")) {
            size_t part = sim_choose_size(n, "tcp:segment size");

            fin = fin && part == n;
            n = part;
        }
        launch(c, from, n, fin);
        if (f->sent >= f->reset_at) {
            f->reset_at = UINT64_MAX;
            reset_midway(c);
            return;
        }
    }
}

static struct sim_conn *conn_of(struct sim_event *e, size_t offset, int *from)
{
    struct sim_flow *f = (struct sim_flow *)((char *)e - offset);

    *from = f->number;
    return SIM_OF(f - f->number, struct sim_conn, flow);
}

static void segment_arrives(struct sim_event *e)
{
    int from;
    struct sim_conn *c = conn_of(e, offsetof(struct sim_flow, arrive), &from);
    struct sim_flow *f = &c->flow[from];
    struct sim_segment s = f->air[f->air_head];

    f->air_head = (f->air_head + 1) % SIM_AIR;
    if (--f->air_count > 0)
        sim_event_at(c->world, &f->arrive, f->air[f->air_head].at_ns, segment_arrives);
    if (c->end[!from].broken)
        return;
    if (c->end[!from].closed && s.end > f->arrived) { /* nobody will read it */
        c->end[!from].broken = true;
        sim_conn_reset(c, from);
        return;
    }
    f->arrived = s.end;
    f->fin_arrived |= s.fin;
    sim_flow_acknowledge(c, from, false);
    sim_flow_push(c, from);
    sim_end_ready(c, !from);
    sim_conn_check(c);
}

/* ---- acknowledgements -------------------------------------------------------------------- */

static bool window_opened(const struct sim_flow *f)
{
    uint64_t window = f->read + f->receive_bytes;

    return window >= f->ack_window + f->receive_bytes / 2 ||
           (f->ack_window == f->arrived && window > f->ack_window);
}

static void ack_arrives(struct sim_event *e)
{
    int from;
    struct sim_conn *c = conn_of(e, offsetof(struct sim_flow, ack), &from);
    struct sim_flow *f = &c->flow[from];

    if (c->end[from].broken)
        return;
    f->acked = f->ack_position;
    if (f->window < f->ack_window)
        f->window = f->ack_window;
    f->fin_acked = f->ack_fin;
    if (f->arrived > f->ack_position || f->fin_arrived != f->ack_fin)
        sim_flow_acknowledge(c, from, false);
    else
        sim_flow_acknowledge(c, from, true);
    sim_flow_push(c, from);
    sim_end_ready(c, from);
    sim_conn_check(c);
}

void sim_flow_acknowledge(struct sim_conn *c, int from, bool window_only)
{
    struct sim_flow *f = &c->flow[from];
    int64_t at;

    if (f->ack.queued || c->end[!from].broken || (window_only && !window_opened(f)))
        return;
    f->ack_position = f->arrived;
    f->ack_fin = f->fin_arrived;
    f->ack_window = f->read + f->receive_bytes;
    at = sim_transit(c->world, c->end[!from].host, c->end[from].host, 0, true);
    if (sim_fires(c->world, SIM_SLOW_WINDOW, "tcp:slow window"))
        at += sim_choose_time(SIM_S, "tcp:slow window time");
    sim_event_at(c->world, &f->ack, at, ack_arrives);
}
