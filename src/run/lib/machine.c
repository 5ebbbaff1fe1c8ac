/*
 * machine.c: starts and stops the machine: the verifier, the kernel slice, the WSK subsystem.
 */
#include "run/lib/machine.h"

#include "net/net.h"
#include "verify/vf.h"
#include "wsk/wsk_boot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS 64

struct machine run_machine;

bool run_parse_address(const char *text, struct net_addr *addr)
{
    char plain[INET6_ADDRSTRLEN + 1];
    const char *percent = strchr(text, '%');
    size_t length = percent ? (size_t)(percent - text) : strlen(text);

    memset(addr, 0, sizeof(*addr));
    if (length >= sizeof(plain))
        return false;
    memcpy(plain, text, length);
    plain[length] = 0;
    if (!percent && inet_pton(AF_INET, plain, addr->ip) == 1) {
        addr->family = NET_IP4;
        return true;
    }
    if (inet_pton(AF_INET6, plain, addr->ip) != 1)
        return false;
    addr->family = NET_IP6;
    if (percent) {
        addr->scope_id = if_nametoindex(percent + 1);
        if (!addr->scope_id)
            addr->scope_id = (uint32_t)strtoul(percent + 1, NULL, 10);
    }
    return true;
}

static void free_hosts(void)
{
    for (size_t i = 0; i < run_machine.host_count; i++)
        free((void *)run_machine.hosts[i].name);
    free(run_machine.hosts);
    run_machine.hosts = NULL;
    run_machine.host_count = 0;
}

/* The table ends with a name of NULL, which calloc() leaves there. */
static int take_hosts(const struct ow_options *options, struct ow_status *status)
{
    run_machine.hosts = calloc(options->host_count + 1, sizeof(*run_machine.hosts));
    if (!run_machine.hosts)
        return run_fail(status, OW_SYSTEM, 0, "out of memory");
    for (size_t i = 0; i < options->host_count; i++) {
        const struct ow_host *h = &options->hosts[i];
        struct net_host *to = &run_machine.hosts[i];
        if (!run_parse_address(h->address, &to->addr)) {
            free_hosts();
            return run_fail(status, OW_INVALID, 0,
                            "%s is no address for %s; give a numeric IPv4 or IPv6 address",
                            h->address, h->name);
        }
        to->name = strdup(h->name);
        run_machine.host_count++;
        if (!to->name) {
            free_hosts();
            return run_fail(status, OW_SYSTEM, 0, "out of memory");
        }
    }
    return OW_OK;
}

static unsigned machine_cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

    return n < 1 ? 1 : n > MAX_CPUS ? MAX_CPUS : (unsigned)n;
}

static const struct {
    const char *name;
    size_t offset;
} switches[] = { { "pend-all", offsetof(struct wsk_config, pend_all) },
                 { "passive-callbacks", offsetof(struct wsk_config, passive_callbacks) },
                 { "truncated-overflow", offsetof(struct wsk_config, truncated_is_overflow) },
                 { "strict-send", offsetof(struct wsk_config, strict_send) },
                 { "concurrent-datagrams", offsetof(struct wsk_config, concurrent_datagrams) } };

/* NULL, or the first name of the list that is no switch. */
static const char *take_switches(const char *list, struct wsk_config *config)
{
    while (list && *list) {
        size_t length = strcspn(list, ",");
        size_t i = 0;
        while (i < sizeof(switches) / sizeof(switches[0]) &&
               (strlen(switches[i].name) != length || strncmp(switches[i].name, list, length) != 0))
            i++;
        if (i == sizeof(switches) / sizeof(switches[0]))
            return list;
        *(bool *)((char *)config + switches[i].offset) = true;
        list += length + (list[length] == ',');
    }
    return NULL;
}

static int start(const struct ow_options *options, struct ow_status *status)
{
    unsigned cpus = options->cpus ? options->cpus : machine_cpus();
    uint32_t ntstatus = kernel_boot(cpus, run_image_name);

    if (kernel_failed(ntstatus))
        return run_fail_nt(status, OW_SYSTEM, ntstatus,
                           "the machine does not start with %u processors: ", cpus);
    struct wsk_config config = { .transport =
                                     run_machine.transport ? run_machine.transport : &net_epoll,
                                 .hosts = run_machine.hosts,
                                 .ready_delay_ms = options->ready_delay_ms,
                                 .ended = run_machine.ended };
    (void)take_switches(options->config, &config);
    int error = WskpBoot(&config);
    if (!error)
        return run_ok(status);
    kernel_shutdown();
    return run_fail(status, OW_SYSTEM, 0,
                    "the network does not start: %s (open files, memory: see ulimit -a)",
                    strerror(-error));
}

int ow_boot(const struct ow_options *options, struct ow_status *status)
{
    static const struct ow_options defaults;
    const char *bad = "";

    if (!options)
        options = &defaults;
    if (run_machine.running)
        return run_fail(status, OW_INVALID, 0, "the machine is running; shut it down first");
    if (options->cpus > MAX_CPUS)
        return run_fail(status, OW_INVALID, 0, "%u processors are too many; at most %d",
                        options->cpus, MAX_CPUS);
    vf_reset();
    if (vf_configure(options->verify ? options->verify : "standard", &bad))
        return run_fail(status, OW_INVALID, 0,
                        "%.*s is no check of the verifier; use standard, none, or names such as "
                        "leaks,irql,pool,wsk",
                        (int)strcspn(bad, ","), bad);
    struct wsk_config unused;
    const char *unknown = take_switches(options->config, &unused);
    if (unknown)
        return run_fail(status, OW_INVALID, 0,
                        "%.*s is no switch of the configuration; there are pend-all, "
                        "passive-callbacks, truncated-overflow, strict-send and "
                        "concurrent-datagrams",
                        (int)strcspn(unknown, ","), unknown);
    run_set_verbosity(options->verbosity);
    int error = take_hosts(options, status);
    if (error)
        return error;
    error = start(options, status);
    if (error)
        free_hosts();
    else
        run_machine.running = true;
    return error;
}

int ow_shutdown(struct ow_status *status)
{
    if (!run_machine.running)
        return run_fail(status, OW_INVALID, 0, "the machine is not running");
    if (run_machine.drivers)
        return run_fail(status, OW_INVALID, 0, "%s is still loaded; unload every driver first",
                        run_machine.drivers->name);
    /* Threads or timers of a driver may still be there: stopping would pull the ground away. */
    if (run_machine.pinned)
        return run_ok(status);
    WskpShutdown();
    kernel_shutdown();
    free_hosts();
    while (run_machine.parameters) {
        struct parameter *p = run_machine.parameters;
        run_machine.parameters = p->next;
        free(p->driver);
        free(p->name);
        free(p->text);
        free(p);
    }
    run_machine.running = false;
    return run_ok(status);
}

void ow_report(struct ow_report *report)
{
    report->errors = vf_findings(VF_ERROR);
    report->warnings = vf_findings(VF_WARNING) - report->errors;
}
