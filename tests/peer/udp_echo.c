/*
 * udp-echo: datagrams of the sizes --from .. --to in steps of --step, small ones several at a time,
 * must come back unchanged, in order, and from the address they were sent to (the socket is
 * connected). Loopback loses nothing as long as the sockets' buffers hold what is on the way.
 */
#include "peer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_MAX = 16, BATCH_BYTES = 64 * 1024, ANSWER_MS = 5000 };

static uint8_t buffer[65536];

static void send_one(int fd, uint64_t offset, uint64_t size)
{
    static uint8_t data[65536];
    size_t done = 0, length;

    while (done < size) {
        const uint8_t *part = pattern_at(0, offset + done, &length);

        if (length > size - done) {
            length = size - done;
        }
        memcpy(data + done, part, length);
        done += length;
    }
    if (send(fd, data, size, 0) != (ssize_t)size) {
        die("sending %" PRIu64 " bytes: %s", size, strerror(errno));
    }
}

static void receive_one(int fd, uint64_t offset, uint64_t size)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    ssize_t n;

    if (poll(&p, 1, ANSWER_MS) != 1) {
        die("no answer to a datagram of %" PRIu64 " bytes", size);
    }
    n = recv(fd, buffer, sizeof(buffer), 0);
    if (n < 0) {
        die("waiting for %" PRIu64 " bytes: %s", size, strerror(errno));
    }
    if ((uint64_t)n != size) {
        die("a datagram of %" PRIu64 " bytes came back with %zd", size, n);
    }
    pattern_check(0, offset, buffer, (size_t)n);
}

int udp_echo(const struct options *o)
{
    int fd = peer_connect(o, SOCK_DGRAM);
    int64_t start = now_ms();
    uint64_t size, batch, i, sent = 0;

    pattern_init(o->seed);
    for (size = o->from; size <= o->to; size += o->step) {
        batch = BATCH_BYTES / (size + 1);
        if (batch > BATCH_MAX) {
            batch = BATCH_MAX;
        } else if (batch == 0) {
            batch = 1;
        }
        for (i = 0; i < batch; i++) {
            send_one(fd, size + i, size);
        }
        for (i = 0; i < batch; i++) {
            receive_one(fd, size + i, size);
        }
        sent += batch;
        if (now_ms() - start > (int64_t)o->timeout * 1000) {
            die("at %" PRIu64 " bytes after %" PRIu64 " s", size, o->timeout);
        }
    }
    printf("peer: %" PRIu64 " datagrams of %" PRIu64 " to %" PRIu64
           " bytes echoed intact in %.1f s\n",
           sent, o->from, o->to, (double)(now_ms() - start) / 1000);
    close(fd);
    return 0;
}
