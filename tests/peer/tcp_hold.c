/*
 * tcp-hold: connections that exchange --bytes, say "ready" on standard output and then stay until
 * the server ends each of them, in order or by a reset. With --stall-below they keep sending and
 * never read, so that the server holds data that it cannot get rid of.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t buffer[65536];

static void exchange(const struct options *o, int fd, uint64_t index)
{
    uint64_t offset = 0;
    size_t length;
    ssize_t n;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    while (offset < o->bytes) {
        const uint8_t *data = pattern_at(index, offset, &length);

        if (length > 1024) {
            length = 1024;
        }
        if (length > o->bytes - offset) {
            length = o->bytes - offset;
        }
        if (send(fd, data, length, 0) != (ssize_t)length) {
            die("connection %" PRIu64 ": send: %s", index, strerror(errno));
        }
        n = recv(fd, buffer, length, MSG_WAITALL);
        if (n != (ssize_t)length) {
            die("connection %" PRIu64 ": echo: %s", index, n < 0 ? strerror(errno) : "too short");
        }
        pattern_check(index, offset, buffer, length);
        offset += length;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Sends until nothing more is taken for a while. */
static void stuff(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };

    while (poll(&p, 1, 300) == 1 && send(fd, buffer, sizeof(buffer), 0) > 0) {
    }
}

/* True when the server has ended the connection. */
static bool ended(int fd)
{
    ssize_t n;

    do {
        n = recv(fd, buffer, sizeof(buffer), 0);
    } while (n > 0);
    return n == 0 || errno != EAGAIN;
}

int tcp_hold(const struct options *o)
{
    struct pollfd *polls = calloc(o->connections, sizeof(*polls));
    int64_t start = now_ms();
    uint64_t i, open = o->connections;

    pattern_init(o->seed);
    for (i = 0; i < o->connections; i++) {
        polls[i].fd = peer_connect(o, SOCK_STREAM);
        polls[i].events = o->stall_below ? POLLHUP : POLLIN;
        exchange(o, polls[i].fd, i);
    }
    for (i = 0; o->stall_below && i < o->connections; i++) {
        stuff(polls[i].fd);
    }
    puts("ready");
    fflush(stdout);
    while (open > 0) {
        if (now_ms() - start > (int64_t)o->timeout * 1000) {
            die("%" PRIu64 " of %" PRIu64 " connections are still open", open, o->connections);
        }
        poll(polls, (nfds_t)o->connections, 100);
        for (i = 0; i < o->connections; i++) {
            if (polls[i].fd >= 0 && polls[i].revents != 0 && ended(polls[i].fd)) {
                close(polls[i].fd);
                polls[i].fd = -1;
                open--;
            }
        }
    }
    printf("peer: the server ended all %" PRIu64 " connections\n", o->connections);
    free(polls);
    return 0;
}
