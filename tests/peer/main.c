/* peer COMMAND [--option value]... [-- command...]: options, and which command is which file. */
#include "peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name;
    int (*run)(const struct options *);
    const char *help;
} commands[] = {
    { "tcp-echo", tcp_echo, "N parallel connections, each gets its M bytes back, intact" },
    { "tcp-hold", tcp_hold, "N connections that stay until the server ends them" },
    { "udp-echo", udp_echo, "datagrams of every size get their answer from the right address" },
    { "churn", churn, "connect, echo, close, again; the server's resources stay where they were" },
    { "serve", serve, "serve http|echo: runs what follows -- with $PEER_PORT set" },
    { "await", await_text, "waits until a file contains a text" },
    { "port", print_port, "prints the port that the driver printed" },
};

static const struct option_name {
    const char *name;
    enum { STRING, NUMBER, INTEGER } kind;
    size_t offset;
} option_names[] = {
    { "host", STRING, offsetof(struct options, host) },
    { "port", INTEGER, offsetof(struct options, port) },
    { "port-from", STRING, offsetof(struct options, port_from) },
    { "name", STRING, offsetof(struct options, name) },
    { "file", STRING, offsetof(struct options, file) },
    { "text", STRING, offsetof(struct options, text) },
    { "connections", NUMBER, offsetof(struct options, connections) },
    { "bytes", NUMBER, offsetof(struct options, bytes) },
    { "seed", NUMBER, offsetof(struct options, seed) },
    { "timeout", NUMBER, offsetof(struct options, timeout) },
    { "reset-every", NUMBER, offsetof(struct options, reset_every) },
    { "stall-below", NUMBER, offsetof(struct options, stall_below) },
    { "from", NUMBER, offsetof(struct options, from) },
    { "to", NUMBER, offsetof(struct options, to) },
    { "step", NUMBER, offsetof(struct options, step) },
    { "cycles", NUMBER, offsetof(struct options, cycles) },
    { "growth-kib", NUMBER, offsetof(struct options, growth_kib) },
    { "pid", INTEGER, offsetof(struct options, pid) },
};

static int usage(void)
{
    size_t i;

    fputs("usage: peer COMMAND [--option value]... [-- command...]\n", stderr);
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(stderr, "  %-9s %s\n", commands[i].name, commands[i].help);
    }
    fputs("options:", stderr);
    for (i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++) {
        fprintf(stderr, " --%s", option_names[i].name);
    }
    fputc('\n', stderr);
    return 2;
}

/* 16M and 64K are understood. */
static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (end == text) {
        die("%s is no number", text);
    }
    if (*end == 'K') {
        value <<= 10;
    } else if (*end == 'M') {
        value <<= 20;
    } else if (*end != '\0') {
        die("%s is no number", text);
    }
    return value;
}

static void set_option(struct options *o, const char *name, const char *value)
{
    size_t i;
    char *field;

    for (i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++) {
        if (strcmp(name, option_names[i].name) != 0) {
            continue;
        }
        if (!value) {
            die("--%s needs a value", name);
        }
        field = (char *)o + option_names[i].offset;
        if (option_names[i].kind == STRING) {
            *(const char **)field = value;
        } else if (option_names[i].kind == NUMBER) {
            *(uint64_t *)field = number(value);
        } else {
            *(int *)field = (int)number(value);
        }
        return;
    }
    die("--%s is no option", name);
}

int main(int argc, char **argv)
{
    struct options o = { .host = "127.0.0.1",
                         .connections = 1,
                         .bytes = 1 << 20,
                         .seed = 1,
                         .timeout = 50,
                         .from = 1,
                         .to = 65507,
                         .step = 1,
                         .cycles = 1000 };
    size_t i;
    int a;

    if (argc < 2) {
        return usage();
    }
    for (a = 2; a < argc; a++) {
        if (strcmp(argv[a], "--") == 0) {
            o.rest = argv + a + 1;
            break;
        }
        if (strncmp(argv[a], "--", 2) == 0) {
            set_option(&o, argv[a] + 2, argv[a + 1]);
            a++;
        } else if (!o.text) {
            o.text = argv[a];
        } else {
            return usage();
        }
    }
    signal(SIGPIPE, SIG_IGN);
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            alarm((unsigned)o.timeout + 5); /* the commands' own limit says more */
            return commands[i].run(&o);
        }
    }
    return usage();
}
