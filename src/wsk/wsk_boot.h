/*
 * wsk_boot.h: what run/ needs of the WSK subsystem: start, stop, and what it is waiting for.
 */
#ifndef OPENWSK_WSK_BOOT_H
#define OPENWSK_WSK_BOOT_H

#include <stdbool.h>
#include <stdint.h>

struct net_transport;
struct net_host;

/* The decisions of the contract (section 4) that it calls switches, and the test modes. */
struct wsk_config {
    const struct net_transport *transport;
    const struct net_host *hosts; /* name overrides; ends with name NULL; must stay valid */
    bool pend_all;                /* D03: never complete a request inline */
    bool passive_callbacks;       /* D11: callbacks and completions at PASSIVE_LEVEL */
    bool truncated_is_overflow;   /* D45: a truncated datagram ends with STATUS_BUFFER_OVERFLOW */
    bool strict_send;             /* D29: a send completes when the peer acknowledged it */
    bool concurrent_datagrams;    /* D14: a socket's datagram callbacks on all processors at once */
    uint32_t ready_delay_ms;      /* the provider becomes ready that long after boot */
    uint32_t inline_depth;        /* D13; 0: the default of 8 */
    uint64_t rx_limit_bytes;      /* per socket; 0: the transport's default */
    /* Told of each request that ends, before its completion routine runs; may be NULL. */
    void (*ended)(const char *function, uint32_t ntstatus);
};

/* Starts the subsystem on the processors that KiBoot() started. 0, or -errno. */
int WskpBoot(const struct wsk_config *config);
/* Stops it. Every client must have deregistered. */
void WskpShutdown(void);

/* Calls line(context, text) for each thing that a deregistration of a client now waits for; the
 * count. */
unsigned WskpDescribeWaits(void (*line)(void *context, const char *text), void *context);

/* How many clients have attached by the registrar, NMR. */
unsigned WskpAttachedClients(void);
/* The provider leaves the registrar, for good: these clients are told to detach, and no other
 * attaches any more. Returns when they have. Not at the same time as the shutdown. */
void WskpProviderLeaves(void);

#endif
