/*
 * twin_epoll: a TCP echo server on the bare epoll interface, written as well as one writes it by
 * hand: the measure for the same server as a WSK driver (examples/tcp-echo-events). One thread, one
 * shared receive buffer; what the socket does not take at once is kept per connection, and nothing
 * more is received from that connection until it is gone. Prints its port like the driver does.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_SIZE = 64 * 1024, EVENTS = 256 };

struct connection {
    int fd;
    bool waiting; /* for room to send the rest */
    size_t start, end;
    char *rest; /* allocated when it is first needed */
};

static char buffer[BUFFER_SIZE];
static int loop;

static void check(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static int listen_on(int port)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    socklen_t length = sizeof(address);
    int off = 0, on = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    check(fd, "socket");
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    check(bind(fd, (struct sockaddr *)&address, sizeof(address)), "bind");
    check(listen(fd, SOMAXCONN), "listen");
    check(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
    fprintf(stderr, "twin-epoll: listening on port %d\n", ntohs(address.sin6_port));
    return fd;
}

static void watch(struct connection *c, int operation, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = c };

    check(epoll_ctl(loop, operation, c->fd, &event), "epoll_ctl");
}

static void accept_all(int listener)
{
    struct connection *c;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        c = calloc(1, sizeof(*c));
        if (!c) {
            close(fd);
            return;
        }
        c->fd = fd;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void drop(struct connection *c)
{
    close(c->fd);
    free(c->rest);
    free(c);
}

static void keep_rest(struct connection *c, const char *data, size_t length)
{
    if (!c->rest) {
        c->rest = malloc(BUFFER_SIZE);
        if (!c->rest) {
            drop(c);
            return;
        }
    }
    memcpy(c->rest, data, length);
    c->start = 0;
    c->end = length;
    c->waiting = true;
    watch(c, EPOLL_CTL_MOD, EPOLLOUT);
}

static void receive(struct connection *c)
{
    ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0), sent;

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            drop(c);
        }
        return;
    }
    sent = send(c->fd, buffer, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        drop(c);
    } else if (sent < n) {
        sent = sent < 0 ? 0 : sent;
        keep_rest(c, buffer + sent, (size_t)(n - sent));
    }
}

static void send_rest(struct connection *c)
{
    ssize_t sent = send(c->fd, c->rest + c->start, c->end - c->start, MSG_NOSIGNAL);

    if (sent < 0) {
        if (errno != EAGAIN) {
            drop(c);
        }
        return;
    }
    c->start += (size_t)sent;
    if (c->start == c->end) {
        c->waiting = false;
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS], listening = { .events = EPOLLIN };
    struct connection *c;
    int listener, i, n;

    signal(SIGPIPE, SIG_IGN);
    loop = epoll_create1(EPOLL_CLOEXEC);
    check(loop, "epoll_create1");
    listener = listen_on(argc > 1 ? atoi(argv[1]) : 0);
    check(epoll_ctl(loop, EPOLL_CTL_ADD, listener, &listening), "epoll_ctl");
    for (;;) {
        n = epoll_wait(loop, events, EVENTS, -1);
        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;
            if (!c) {
                accept_all(listener);
            } else if (c->waiting) {
                send_rest(c);
            } else {
                receive(c);
            }
        }
    }
}
