/*
 * tcp-echo: connections send a pattern in chunks of random size, half-close, and read to the end;
 * every byte must come back in its place. With --reset-every K each K-th connection is reset in
 * mid-stream. With --stall-below B the readers are slow: nothing is read until sending has come to
 * a halt, which must happen before B bytes were taken: that is back-pressure.
 */
#include "peer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_MAX = 128 * 1024, READ_SIZE = 256 * 1024, STALL_MS = 300 };

struct connection {
    int fd; /* -1: finished */
    uint64_t sent;
    uint64_t received;
    uint64_t reset_at; /* bytes received; 0: never */
    bool reading;
    int64_t progress_ms; /* when it last sent something */
    uint64_t random;
};

static uint8_t buffer[READ_SIZE];

static void reset(struct connection *c)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(c->fd);
    c->fd = -1;
}

static void send_some(const struct options *o, struct connection *c, uint64_t index)
{
    size_t length, chunk;
    const uint8_t *data = pattern_at(index, c->sent, &length);
    ssize_t n;

    chunk = 1 + random_next(&c->random) % CHUNK_MAX;
    if (chunk < length) {
        length = chunk;
    }
    if (length > o->bytes - c->sent) {
        length = o->bytes - c->sent;
    }
    n = send(c->fd, data, length, 0);
    if (n < 0 && errno != EAGAIN) {
        die("connection %" PRIu64 ": send after %" PRIu64 " bytes: %s", index, c->sent,
            strerror(errno));
    }
    if (n > 0) {
        c->sent += (uint64_t)n;
        c->progress_ms = now_ms();
    }
    if (c->sent == o->bytes) {
        shutdown(c->fd, SHUT_WR);
    }
}

static void receive_some(const struct options *o, struct connection *c, uint64_t index)
{
    ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0);

    if (n < 0) {
        if (errno == EAGAIN) {
            return;
        }
        die("connection %" PRIu64 ": receive after %" PRIu64 " bytes: %s", index, c->received,
            strerror(errno));
    }
    if (n == 0) {
        if (c->received != o->bytes) {
            die("connection %" PRIu64 ": the end came after %" PRIu64 " of %" PRIu64 " bytes",
                index, c->received, o->bytes);
        }
        close(c->fd);
        c->fd = -1;
        return;
    }
    if (c->received + (uint64_t)n > c->sent) {
        die("connection %" PRIu64 ": more came back than was sent", index);
    }
    pattern_check(index, c->received, buffer, (size_t)n);
    c->received += (uint64_t)n;
    if (c->reset_at != 0 && c->received >= c->reset_at) {
        reset(c);
    }
}

/* A slow reader begins to read once its sending has not moved for a while. */
static void watch_stall(const struct options *o, struct connection *c, uint64_t index)
{
    if (c->sent >= o->stall_below) {
        die("connection %" PRIu64 ": %" PRIu64 " bytes were taken although nothing was read: "
            "no back-pressure",
            index, c->sent);
    }
    if (now_ms() - c->progress_ms >= STALL_MS) {
        c->reading = true;
    }
}

static void serve_events(const struct options *o, struct connection *c, uint64_t index,
                         short events)
{
    if (events & POLLOUT) {
        send_some(o, c, index);
    }
    if (!c->reading) {
        watch_stall(o, c, index);
    } else if (events & (POLLIN | POLLHUP | POLLERR)) {
        receive_some(o, c, index);
    }
}

static short wanted(const struct options *o, const struct connection *c)
{
    return (short)((c->sent < o->bytes ? POLLOUT : 0) | (c->reading ? POLLIN : 0));
}

/* One round over all connections; false when all have finished. */
static bool step(const struct options *o, struct connection *all, struct pollfd *polls)
{
    uint64_t i, open = 0;

    for (i = 0; i < o->connections; i++) {
        polls[i].fd = all[i].fd;
        polls[i].events = wanted(o, &all[i]);
        open += all[i].fd >= 0;
    }
    if (open == 0) {
        return false;
    }
    if (poll(polls, (nfds_t)o->connections, 100) < 0 && errno != EINTR) {
        die("poll: %s", strerror(errno));
    }
    for (i = 0; i < o->connections; i++) {
        if (all[i].fd >= 0) {
            serve_events(o, &all[i], i, polls[i].revents);
        }
    }
    return true;
}

static void report_stuck(const struct options *o, const struct connection *all)
{
    uint64_t i;

    for (i = 0; i < o->connections && all[i].fd < 0; i++) {
    }
    die("not finished after %" PRIu64 " s; connection %" PRIu64 " sent %" PRIu64 " and got %" PRIu64
        " of %" PRIu64 " bytes",
        o->timeout, i, all[i].sent, all[i].received, o->bytes);
}

int tcp_echo(const struct options *o)
{
    struct connection *all = calloc(o->connections, sizeof(*all));
    struct pollfd *polls = calloc(o->connections, sizeof(*polls));
    int64_t start = now_ms();
    uint64_t i;

    pattern_init(o->seed);
    for (i = 0; i < o->connections; i++) {
        all[i].fd = peer_connect(o, SOCK_STREAM);
        all[i].random = o->seed + i;
        all[i].reading = o->stall_below == 0;
        all[i].progress_ms = now_ms();
        if (o->reset_every != 0 && i % o->reset_every == 0) {
            all[i].reset_at = o->bytes / 2;
        }
    }
    while (step(o, all, polls)) {
        if (now_ms() - start > (int64_t)o->timeout * 1000) {
            report_stuck(o, all);
        }
    }
    printf("peer: %" PRIu64 " connections x %" PRIu64 " bytes echoed intact in %.1f s\n",
           o->connections, o->bytes, (double)(now_ms() - start) / 1000);
    free(polls);
    free(all);
    return 0;
}
