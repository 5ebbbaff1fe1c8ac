/* What the commands share: see peer.h. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...)
{
    va_list args;

    fputs("peer: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* splitmix64 */
uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* The last "NAME: listening on port N" in the log. */
static int port_in_log(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    char line[512], wanted[64];
    const char *at;
    int port = 0;

    if (!file) {
        die("cannot read %s: %s", path, strerror(errno));
    }
    snprintf(wanted, sizeof(wanted), "%s: listening on port ", name ? name : "");
    while (fgets(line, sizeof(line), file)) {
        at = strstr(line, wanted);
        if (at && strchr(at, '\n')) {
            port = atoi(at + strlen(wanted));
        }
    }
    fclose(file);
    return port;
}

int peer_port(const struct options *o)
{
    int port = o->port;

    if (o->port_from) {
        port = port_in_log(o->port_from, o->name);
        if (port == 0) {
            die("%s names no port to connect to", o->port_from);
        }
    }
    if (port <= 0 || port > 65535) {
        die("a port between 1 and 65535 is needed: --port or --port-from");
    }
    return port;
}

socklen_t peer_address(const struct options *o, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, o->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)peer_port(o));
        return sizeof(*v4);
    }
    if (inet_pton(AF_INET6, o->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)peer_port(o));
        return sizeof(*v6);
    }
    die("%s is no numeric address", o->host);
}

int peer_connect(const struct options *o, int type)
{
    struct sockaddr_storage address;
    socklen_t length = peer_address(o, &address);
    int fd = socket(address.ss_family, type | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        die("cannot create a socket: %s", strerror(errno));
    }
    if (connect(fd, (struct sockaddr *)&address, length) != 0) {
        die("cannot connect to %s port %d: %s", o->host, peer_port(o), strerror(errno));
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static uint8_t pattern[PATTERN_LENGTH];

void pattern_init(uint64_t seed)
{
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)random_next(&seed);
    }
}

const uint8_t *pattern_at(uint64_t stream, uint64_t offset, size_t *length)
{
    size_t at = (stream * 7919 + offset) % PATTERN_LENGTH;

    *length = PATTERN_LENGTH - at;
    return pattern + at;
}

static void pattern_report(uint64_t stream, uint64_t offset, const uint8_t *wanted,
                           const uint8_t *data)
{
    size_t i = 0;

    while (wanted[i] == data[i]) {
        i++;
    }
    die("stream %" PRIu64 ": byte %" PRIu64 " is 0x%02x, not 0x%02x", stream, offset + i, data[i],
        wanted[i]);
}

void pattern_check(uint64_t stream, uint64_t offset, const uint8_t *data, size_t length)
{
    const uint8_t *wanted;
    size_t part;

    while (length > 0) {
        wanted = pattern_at(stream, offset, &part);
        if (part > length) {
            part = length;
        }
        if (memcmp(wanted, data, part) != 0) {
            pattern_report(stream, offset, wanted, data);
        }
        data += part;
        offset += part;
        length -= part;
    }
}
