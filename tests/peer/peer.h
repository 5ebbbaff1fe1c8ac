/*
 * peer: the clients and servers that tests put at the other end of a driver's sockets. Plain POSIX,
 * one thread, poll: they share nothing with what they test. Each command is one file and ends with
 * status 0, or with 1 and one line that says what went wrong. Every command has a time limit, every
 * random choice comes from a seed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* The options that commands share: --name value, with the names of the fields. */
struct options {
    const char *host;
    int port;
    const char *port_from; /* the log of wskrun, where the driver printed its port */
    const char *name;      /* the driver that printed it; NULL: any */
    const char *file;
    const char *text;
    uint64_t connections;
    uint64_t bytes;
    uint64_t seed;
    uint64_t timeout;     /* seconds */
    uint64_t reset_every; /* 0: none */
    uint64_t stall_below; /* bytes; 0: readers are not slow */
    uint64_t from, to, step;
    uint64_t cycles;
    uint64_t growth_kib; /* memory that the server may gain; 0: not checked */
    int pid;
    char **rest; /* what follows "--" */
};

int tcp_echo(const struct options *o);
int tcp_hold(const struct options *o);
int udp_echo(const struct options *o);
int churn(const struct options *o);
int serve(const struct options *o);
int await_text(const struct options *o);
int print_port(const struct options *o);

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
int64_t now_ms(void);
uint64_t random_next(uint64_t *state);
/* The port given, or the one in the log; dies without one. */
int peer_port(const struct options *o);
socklen_t peer_address(const struct options *o, struct sockaddr_storage *address);
/* Connected, non-blocking. */
int peer_connect(const struct options *o, int type);

/*
 * The bytes that connections send: a block of random bytes, repeated. Each connection starts at
 * another place in it; the block's length is prime, so that no chunk size fits.
 */
enum { PATTERN_LENGTH = 1048573 };
void pattern_init(uint64_t seed);
/* The bytes at that offset of that stream; *length: how many are contiguous. */
const uint8_t *pattern_at(uint64_t stream, uint64_t offset, size_t *length);
/* Dies where data differs from the stream. */
void pattern_check(uint64_t stream, uint64_t offset, const uint8_t *data, size_t length);
