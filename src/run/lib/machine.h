/*
 * machine.h: the one machine of the process, for the files of run/lib. Its fields are written by
 * boot, load, unload and shutdown, which openwsk.h forbids to run at the same time.
 */
#ifndef OPENWSK_MACHINE_H
#define OPENWSK_MACHINE_H

#include "run/lib/kernel.h"
#include "run/lib/runp.h"

#include "host/host.h"
#include "net/net.h"

struct parameter {
    struct parameter *next;
    char *driver; /* NULL: every driver */
    char *name, *text;
    bool is_number;
    uint32_t number;
};

struct ow_driver {
    struct ow_driver *next;
    char name[RUN_NAME_MAX];
    char *path;
    struct host_module *module;
    struct kernel_driver *kernel;
    uintptr_t low, high; /* where the image lies in memory */
};

struct machine {
    bool running;
    bool pinned; /* code of a driver may still run: nothing may be taken away any more */
    struct ow_driver *drivers;
    struct ow_driver *kept; /* unloaded, but their images had to stay */
    struct parameter *parameters;
    struct net_host *hosts;
    size_t host_count;
    const struct net_transport *transport;                  /* NULL: the machine's own network */
    void (*ended)(const char *function, uint32_t ntstatus); /* see wsk_boot.h */
};

extern struct machine run_machine;

/* A numeric address, with %interface where it is an IPv6 one of a link. */
bool run_parse_address(const char *text, struct net_addr *addr);

/* Writes the parameters that are meant for this service into the registry. */
int run_apply_parameters(const char *service, struct ow_status *status);

/* images.c: the images of drivers by address. */
void run_image_add(uintptr_t low, uintptr_t high, const char *name);
void run_image_remove(uintptr_t low);
const char *run_image_name(const void *address);
/* Where that image begins; 0: it is of no driver. */
uintptr_t run_image_low(const void *address);

/* Takes the driver out of the list, and its image out of memory unless it must stay. */
void run_remove_driver(struct ow_driver *d, bool with_image);

#endif
