/*
 * churn: connects, echoes a few bytes, half-closes, reads the end and closes, --cycles times. The
 * server (--pid) must then have as many descriptors as after the first cycles and at most
 * --growth-kib more memory.
 */
#include "peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WARM_UP = 2000, MESSAGE = 64, SETTLE_MS = 5000 };

static int count_descriptors(int pid)
{
    char path[64];
    DIR *directory;
    int count = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    directory = opendir(path);
    if (!directory) {
        die("cannot read %s: %s", path, strerror(errno));
    }
    while (readdir(directory)) {
        count++;
    }
    closedir(directory);
    return count;
}

static uint64_t resident_kib(int pid)
{
    char path[64], line[256];
    uint64_t kib = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    file = fopen(path, "r");
    if (!file) {
        die("cannot read %s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "VmRSS: %" SCNu64, &kib) == 1) {
            break;
        }
    }
    fclose(file);
    return kib;
}

static void cycle(const struct options *o, uint64_t index)
{
    int fd = peer_connect(o, SOCK_STREAM);
    uint8_t answer[MESSAGE];
    size_t length;
    const uint8_t *data = pattern_at(0, (index * MESSAGE) % 4096, &length);

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    if (send(fd, data, MESSAGE, 0) != MESSAGE ||
        recv(fd, answer, MESSAGE, MSG_WAITALL) != MESSAGE) {
        die("cycle %" PRIu64 ": no echo: %s", index, strerror(errno));
    }
    if (memcmp(data, answer, MESSAGE) != 0) {
        die("cycle %" PRIu64 ": the echo differs", index);
    }
    shutdown(fd, SHUT_WR);
    if (recv(fd, answer, 1, 0) != 0) {
        die("cycle %" PRIu64 ": no orderly end", index);
    }
    close(fd);
}

/* The last connections may still be on their way out. */
static int settled_descriptors(int pid, int before)
{
    int64_t start = now_ms();
    int count;

    while ((count = count_descriptors(pid)) != before && now_ms() - start < SETTLE_MS) {
        poll(NULL, 0, 10);
    }
    return count;
}

int churn(const struct options *o)
{
    uint64_t i, kib_before, kib_after;
    int before, after;

    pattern_init(o->seed);
    before = count_descriptors(o->pid);
    for (i = 0; i < WARM_UP; i++) {
        cycle(o, i);
    }
    kib_before = resident_kib(o->pid);
    for (i = 0; i < o->cycles; i++) {
        cycle(o, i);
    }
    after = settled_descriptors(o->pid, before);
    kib_after = resident_kib(o->pid);
    if (after != before) {
        die("the server had %d descriptors and has %d", before, after);
    }
    if (o->growth_kib != 0 && kib_after > kib_before + o->growth_kib) {
        die("the server's memory grew from %" PRIu64 " to %" PRIu64 " KiB", kib_before, kib_after);
    }
    printf("peer: %" PRIu64 " cycles: %d descriptors before and after, %" PRIu64 " -> %" PRIu64
           " KiB\n",
           o->cycles, after, kib_before, kib_after);
    return 0;
}
