/*
 * serve http|echo -- COMMAND...: listens on a free port of both families, runs the command with
 * $PEER_PORT set, serves until it ends and ends with its status. http answers every request with
 * --bytes of body, or with 400 unless the Host is --name; echo sends back what comes.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENT_MAX = 256, BUFFER_SIZE = 64 * 1024 };

/* A buffer is filled by reading, emptied by writing, and only then filled again. */
struct client {
    int fd; /* 0: free */
    bool http;

    bool answering;
    uint64_t body_left;
    size_t start, end;
    uint8_t data[BUFFER_SIZE];
};

static struct client *clients[CLIENT_MAX];
static const struct options *options;

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
    socklen_t length = sizeof(address);
    int off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, SOMAXCONN) != 0 || getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        die("cannot listen: %s", strerror(errno));
    }
    *port = ntohs(address.sin6_port);
    return fd;
}

static void add_client(int listener, bool http)
{
    int i, fd = accept(listener, NULL, NULL);

    if (fd < 0) {
        return;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (i = 0; i < CLIENT_MAX; i++) {
        if (!clients[i]) {
            clients[i] = calloc(1, sizeof(struct client));
            clients[i]->fd = fd;
            clients[i]->http = http;
            return;
        }
    }
    close(fd);
}

/* Once the empty line has arrived, the buffer holds the answer's head instead of the request. */
static void answer_request(struct client *c)
{
    char host[256];
    bool good;

    c->data[c->end < BUFFER_SIZE ? c->end : BUFFER_SIZE - 1] = '\0';
    if (c->answering || !strstr((char *)c->data, "\r\n\r\n")) {
        return;
    }
    snprintf(host, sizeof(host), "\r\nHost: %s\r\n", options->name ? options->name : "");
    good = strncmp((char *)c->data, "GET /", 5) == 0 &&
           (!options->name || strstr((char *)c->data, host));
    c->body_left = good ? options->bytes : 0;
    c->start = 0;
    c->end = (size_t)snprintf((char *)c->data, BUFFER_SIZE,
                              "HTTP/1.1 %s\r\nServer: peer\r\nContent-Length: %" PRIu64
                              "\r\nConnection: close\r\n\r\n",
                              good ? "200 OK" : "400 Bad Request", c->body_left);
    c->answering = true;
}

static void fill_body(struct client *c)
{
    size_t part = c->body_left < BUFFER_SIZE ? c->body_left : BUFFER_SIZE;

    memset(c->data, 'x', part);
    c->start = 0;
    c->end = part;
    c->body_left -= part;
}

static bool wants_write(const struct client *c)
{
    return c->http ? c->answering && c->start < c->end : c->start < c->end;
}

/* False when the client has gone. */
static bool write_some(struct client *c)
{
    ssize_t n = send(c->fd, c->data + c->start, c->end - c->start, 0);

    if (n < 0) {
        return errno == EAGAIN;
    }
    c->start += (size_t)n;
    if (c->start < c->end) {
        return true;
    }
    c->start = c->end = 0;
    if (c->body_left > 0) {
        fill_body(c);
    } else if (c->http) {
        shutdown(c->fd, SHUT_WR);
    }
    return true;
}

static bool read_some(struct client *c)
{
    ssize_t n = recv(c->fd, c->data + c->end, BUFFER_SIZE - c->end, 0);

    if (n < 0) {
        return errno == EAGAIN;
    }
    if (n == 0) {

        shutdown(c->fd, SHUT_WR);
        return false;
    }
    c->end += (size_t)n;
    if (c->http) {
        answer_request(c);
    }
    return true;
}

static void serve_client(struct client **slot, short events)
{
    struct client *c = *slot;
    bool alive = true;

    if (events & POLLOUT) {
        alive = write_some(c);
    } else if (events & (POLLIN | POLLHUP | POLLERR)) {
        alive = read_some(c);
    }
    if (!alive) {
        close(c->fd);
        free(c);
        *slot = NULL;
    }
}

static void serve_round(int listener, bool http)
{
    struct pollfd polls[CLIENT_MAX + 1] = { { .fd = listener, .events = POLLIN } };
    int i;

    for (i = 0; i < CLIENT_MAX; i++) {
        polls[i + 1].fd = clients[i] ? clients[i]->fd : -1;
        polls[i + 1].events = clients[i] && wants_write(clients[i]) ? POLLOUT : POLLIN;
    }
    if (poll(polls, CLIENT_MAX + 1, 100) <= 0) {
        return;
    }
    for (i = 0; i < CLIENT_MAX; i++) {
        if (clients[i] && polls[i + 1].revents) {
            serve_client(&clients[i], polls[i + 1].revents);
        }
    }
    if (polls[0].revents) {
        add_client(listener, http);
    }
}

int serve(const struct options *o)
{
    bool http = o->text && strcmp(o->text, "http") == 0;
    char text[16];
    uint16_t port;
    int listener, status;
    pid_t child;

    if (!o->rest || (!http && (!o->text || strcmp(o->text, "echo") != 0))) {
        die("serve needs http or echo, and a command after --");
    }
    options = o;
    listener = listen_somewhere(&port);
    snprintf(text, sizeof(text), "%d", port);
    setenv("PEER_PORT", text, 1);
    child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        execvp(o->rest[0], o->rest);
        die("cannot run %s: %s", o->rest[0], strerror(errno));
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        serve_round(listener, http);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
