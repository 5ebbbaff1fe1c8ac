/*
 * sim_peer_tcp.c: what model peers do on their connections.
 *
 * Each connection is a talk, whose step runs whenever its socket may have changed, or when the
 * pause between two of its acts is over. A step that returns false has ended the talk. Under the
 * world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/sim_peerp.h"

static void talk_ready(struct sim_sock *s)
{
    struct sim_talk *t = SIM_OF(s, struct sim_talk, sock);

    sim_peer_soon(t->peer, &t->step, sim_talk_step);
}

static struct sim_talk *talk_new(struct sim_peer *p, enum net_family family)
{
    struct sim_talk *t = host_zalloc(sizeof(*t));

    if (!t)
        return NULL;
    t->peer = p;
    t->stream = p->result.started++;
    t->stop_at = UINT64_MAX;
    sim_sock_init(&t->sock, p->world, p->host, NET_EP_STREAM, family);
    t->sock.ready = talk_ready;
    t->next = p->talks;
    t->pprev = &p->talks;
    if (t->next)
        t->next->pprev = &t->next;
    p->talks = t;
    if (p->kind == SIM_PEER_ECHO && sim_fires(p->world, SIM_HALF_CLOSE, "peer:half close"))
        t->stop_at = sim_choose_size(65536, "peer:half close byte") - 1;
    return t;
}

static void unlink_talk(struct sim_talk *t)
{
    sim_event_cancel(t->peer->world, &t->step);
    *t->pprev = t->next;
    if (t->next)
        t->next->pprev = t->pprev;
}

void sim_talk_free(struct sim_talk *t)
{
    unlink_talk(t);
    sim_tcp_close(&t->sock, true);
    host_free(t);
}

bool sim_talk_end(struct sim_talk *t, bool complete, bool abort)
{
    struct sim_peer *p = t->peer;

    p->result.ended++;
    if (complete)
        p->result.complete++;
    else
        p->result.failed++;
    unlink_talk(t);
    sim_tcp_close(&t->sock, abort);
    host_free(t);
    if (p->target.family == NET_UNSPEC)
        return false;
    if (p->result.started < p->params.count)
        sim_event_at(p->world, &p->step, host_now() + p->params.pause_ns, sim_talk_connect);
    else
        p->result.finished = true;
    return false;
}

/* ---- beginnings -------------------------------------------------------------------------- */

void sim_talk_accept(struct sim_event *e)
{
    struct sim_peer *p = SIM_OF(e, struct sim_peer, step);
    struct sim_conn *c;

    while ((c = sim_tcp_take(&p->sock))) {
        struct sim_talk *t = talk_new(p, p->sock.family);

        if (!t) {
            sim_tcp_refuse(c);
            continue;
        }
        sim_tcp_adopt(c, &t->sock);
        sim_peer_soon(p, &t->step, sim_talk_step);
    }
}

void sim_talk_connect(struct sim_event *e)
{
    struct sim_peer *p = SIM_OF(e, struct sim_peer, step);
    struct sim_talk *t = talk_new(p, p->target.family);

    if (!t) /* no memory: again later */
        sim_event_at(p->world, &p->step, host_now() + SIM_RETRY_NS, sim_talk_connect);
    else if (sim_tcp_connect(&t->sock, &p->target) != -EINPROGRESS)
        (void)sim_talk_end(t, false, true);
}

/* ---- acts -------------------------------------------------------------------------------- */

int sim_talk_write(struct sim_talk *t, const uint8_t *data, size_t n, size_t *done)
{
    while (*done < n) {
        struct iovec v = { (void *)(data + *done), n - *done };
        int64_t r = sim_tcp_write(&t->sock, &v, 1, 0, 0);

        if (r == -EAGAIN)
            return 0;
        if (r < 0)
            return -1;
        *done += (size_t)r;
        t->out += (uint64_t)r;
        t->peer->result.bytes_out += (uint64_t)r;
    }
    return 1;
}

int64_t sim_talk_read(struct sim_talk *t, uint8_t *data, size_t room)
{
    size_t n = sim_tcp_readable(&t->sock);

    if (n == 0)
        return sim_tcp_end(&t->sock);
    if (n > room)
        n = room;
    sim_tcp_get(&t->sock, data, n, 0, false);
    t->in += n;
    t->peer->result.bytes_in += n;
    return (int64_t)n;
}

void sim_talk_fin(struct sim_talk *t)
{
    if (!t->finished_out)
        (void)sim_tcp_fin(&t->sock);
    t->finished_out = true;
}

static bool echo(struct sim_talk *t)
{
    int64_t n = 0;

    for (;;) {
        size_t limit = t->held;
        int r;

        if (t->out + (t->held - t->held_out) > t->stop_at)
            limit = t->held_out + (size_t)(t->stop_at - t->out);
        r = t->finished_out ? 1 : sim_talk_write(t, t->hold, limit, &t->held_out);
        if (r < 0)
            return sim_talk_end(t, false, true);
        if (r == 0)
            return true;
        if (t->out == t->stop_at)
            sim_talk_fin(t);
        n = sim_talk_read(t, t->hold, sizeof(t->hold));
        if (n <= 0)
            break;
        t->held = (size_t)n;
        t->held_out = t->finished_out ? (size_t)n : 0;
    }
    t->held = t->held_out = 0;
    if (n == -EAGAIN)
        return true;
    return sim_talk_end(t, n == 0, n != 0);
}

/* Reads to the end. */
static bool drain(struct sim_talk *t)
{
    int64_t n;

    do {
        n = sim_talk_read(t, t->hold, sizeof(t->hold));
        if (n > 0 && t->peer->kind == SIM_PEER_RESETTER && t->in >= t->peer->params.bytes)
            return sim_talk_end(t, true, true);
    } while (n > 0);
    if (n == -EAGAIN)
        return true;
    return sim_talk_end(t, n == 0, n != 0);
}

static void pause_talk(struct sim_talk *t)
{
    if (!t->step.queued)
        sim_event_at(t->peer->world, &t->step, host_now() + t->peer->params.pause_ns,
                     sim_talk_step);
}

/* Writes the pattern up to that byte. False: the connection is broken. */
static bool write_pattern(struct sim_talk *t, uint64_t end, bool fin)
{
    const struct sim_peer_params *params = &t->peer->params;
    uint8_t piece[SIM_PEER_CHUNK];

    while (t->out < end) {
        size_t n = end - t->out < params->chunk ? (size_t)(end - t->out) : params->chunk;
        size_t done = 0;
        int r;

        for (size_t i = 0; i < n; i++)
            piece[i] = sim_pattern(t->out + i, t->stream);
        r = sim_talk_write(t, piece, n, &done);
        if (r <= 0)
            return r == 0;
        if (params->pause_ns > 0 && t->out < end) {
            pause_talk(t);
            return true;
        }
    }
    if (fin)
        sim_talk_fin(t);
    return true;
}

/* Those that connect send first, so that a server which echoes has something to say. */
static bool is_active(const struct sim_talk *t)
{
    return t->peer->target.family != NET_UNSPEC;
}

static bool read_slowly(struct sim_talk *t)
{
    if (is_active(t) && !t->finished_out && !write_pattern(t, t->peer->params.bytes, true))
        return sim_talk_end(t, false, true);
    int64_t n = sim_talk_read(t, t->hold, t->peer->params.chunk);
    if (n > 0) {
        pause_talk(t);
        return true;
    }
    return n == -EAGAIN ? true : sim_talk_end(t, n == 0, n != 0);
}

/* Resets at byte `bytes` of what it reads; somebody who echoes is sent a little more than that. */
static bool reset_later(struct sim_talk *t)
{
    const struct sim_peer_params *params = &t->peer->params;

    if (is_active(t) && !write_pattern(t, params->bytes + params->chunk, false))
        return sim_talk_end(t, false, true);
    return drain(t);
}

static bool source(struct sim_talk *t)
{
    if (!t->finished_out && !write_pattern(t, t->peer->params.bytes, true))
        return sim_talk_end(t, false, true);
    return t->finished_out ? drain(t) : true;
}

static bool check(struct sim_talk *t)
{
    struct sim_peer *p = t->peer;
    uint64_t at = t->in;
    int64_t n;

    if (!t->finished_out && !write_pattern(t, t->peer->params.bytes, true))
        return sim_talk_end(t, false, true);
    while ((n = sim_talk_read(t, t->hold, sizeof(t->hold))) > 0) {
        for (int64_t i = 0; i < n; i++, at++) {
            if (at >= t->out || t->hold[i] != sim_pattern(at, t->stream)) {
                sim_peer_violation(p, "checker: stream %u: byte %llu that came back is %s",
                                   t->stream, (unsigned long long)at,
                                   at >= t->out ? "one that was never sent" : "wrong");
                return sim_talk_end(t, false, true);
            }
        }
    }
    if (n == -EAGAIN)
        return true;
    if (n == 0 && t->in != p->params.bytes && p->world->fired[SIM_HALF_CLOSE] == 0)
        sim_peer_violation(p, "checker: stream %u: only %llu of %llu bytes came back", t->stream,
                           (unsigned long long)t->in, (unsigned long long)p->params.bytes);
    return sim_talk_end(t, n == 0 && t->in == p->params.bytes, n != 0);
}

void sim_talk_step(struct sim_event *e)
{
    struct sim_talk *t = SIM_OF(e, struct sim_talk, step);

    if (!sim_tcp_connected(&t->sock)) {
        if (!t->sock.conn)
            (void)sim_talk_end(t, false, true);
        return;
    }
    switch (t->peer->kind) {
    case SIM_PEER_ECHO:
        (void)echo(t);
        return;
    case SIM_PEER_SOURCE:
        (void)source(t);
        return;
    case SIM_PEER_CHECKER:
        (void)check(t);
        return;
    case SIM_PEER_SLOW:
        (void)read_slowly(t);
        return;
    case SIM_PEER_HALF:
        sim_talk_fin(t);
        (void)drain(t);
        return;
    case SIM_PEER_RESETTER:
        (void)reset_later(t);
        return;
    case SIM_PEER_SCRIPT:
        (void)sim_talk_script(t);
        return;
    default: /* sink */
        (void)drain(t);
        return;
    }
}
