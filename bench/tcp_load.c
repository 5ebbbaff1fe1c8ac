/*
 * tcp_load PORT PID CONNECTIONS SIZE SECONDS: keeps one message of SIZE bytes on the way on each
 * connection to an echo server on loopback. After a warm-up it reads the CPU clock of the server's
 * process at both edges of its window and prints one line: CPU nanoseconds per echo, echoes per
 * second. The CPU figure is the one to compare: it survives a noisy machine.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256 };
static const int64_t second_ns = 1000000000, warm_up_ns = 300000000;

struct connection {
    int fd;
    size_t left; /* of the message on the way */
};

static char *message, *answer;
static size_t size;

__attribute__((noreturn)) static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0) {
        fail("clock_gettime");
    }
    return t.tv_sec * second_ns + t.tv_nsec;
}

static void send_message(struct connection *c)
{
    ssize_t n = send(c->fd, message, size, MSG_NOSIGNAL);

    if (n != (ssize_t)size) {
        fail("send"); /* one message always fits */
    }
    c->left = size;
}

static void connect_one(struct connection *c, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        fail("connect");
    }
}

/* Echoes until that time; returns how many. */
static uint64_t run_until(int loop, int64_t end_ns)
{
    struct epoll_event events[EVENTS];
    struct connection *c;
    uint64_t count = 0;
    ssize_t length;
    int i, n;

    while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
        n = epoll_wait(loop, events, EVENTS, 1000);
        if (n == 0) {
            errno = ETIMEDOUT;
            fail("no echo");
        }
        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;
            length = recv(c->fd, answer, c->left, 0);
            if (length <= 0) {
                fail("recv");
            }
            c->left -= (size_t)length;
            if (c->left == 0) {
                count++;
                send_message(c);
            }
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    struct connection *all;
    int64_t start_ns, cpu_ns;
    clockid_t server;
    uint64_t count;
    int i, connections, loop = epoll_create1(EPOLL_CLOEXEC);

    if (argc != 6) {
        fputs("usage: tcp_load PORT PID CONNECTIONS SIZE SECONDS\n", stderr);
        return 2;
    }
    errno = clock_getcpuclockid(atoi(argv[2]), &server);
    if (errno != 0) {
        fail("clock_getcpuclockid");
    }
    connections = atoi(argv[3]);
    size = (size_t)atol(argv[4]);
    message = calloc(2, size);
    answer = message + size;
    all = calloc((size_t)connections, sizeof(*all));
    for (i = 0; i < connections; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &all[i] };

        connect_one(&all[i], atoi(argv[1]));
        epoll_ctl(loop, EPOLL_CTL_ADD, all[i].fd, &event);
        send_message(&all[i]);
    }
    run_until(loop, clock_ns(CLOCK_MONOTONIC) + warm_up_ns);
    cpu_ns = clock_ns(server);
    start_ns = clock_ns(CLOCK_MONOTONIC);
    count = run_until(loop, start_ns + (int64_t)(atof(argv[5]) * (double)second_ns));
    cpu_ns = clock_ns(server) - cpu_ns;
    start_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
    printf("%.0f %.0f\n", (double)cpu_ns / (double)count,
           (double)count * (double)second_ns / (double)start_ns);
    free(all);
    free(message);
    return 0;
}
