/*
 * sim_world.c: the life of a world, and its complaints.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "net/simp.h"
#include "net/sim_peer.h"

static struct sim_world *current; /* atomic */

struct sim_world *sim_current(void)
{
    return __atomic_load_n(&current, __ATOMIC_ACQUIRE);
}

int sim_world_create(struct sim_world **out, const struct sim_config *config)
{
    struct sim_world *w = host_zalloc(sizeof(*w)), *none = NULL;

    if (!w)
        return -ENOMEM;
    w->config = *config;
    w->faults = config->faults;
    if (w->config.send_buffer_bytes == 0)
        w->config.send_buffer_bytes = 256 * 1024;
    if (w->config.receive_buffer_bytes == 0)
        w->config.receive_buffer_bytes = 128 * 1024;
    host_lock_init(&w->lock, HOST_RANK_NET_MODEL);
    if (sim_host_add(w, "local") < 0) {
        host_free(w);
        return -ENOMEM;
    }
    w->local = w->hosts;
    if (!__atomic_compare_exchange_n(&current, &none, w, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        host_free(w->local);
        host_free(w);
        return -EBUSY;
    }
    w->endpoints = sim_ep_count();
    *out = w;
    return 0;
}

void sim_world_destroy(struct sim_world *w)
{
    struct sim_host *h;
    struct sim_link *l;

    HOST_ASSERT(!w->nets);
    if (w->config.violation && sim_ep_count() != w->endpoints)
        sim_violation(w, "endpoints are left, or buffers that they received");
    host_lock(&w->lock);
    sim_peers_free(w);
    while (w->conns)
        sim_conn_free(w->conns);
    while (w->packets)
        sim_packet_free(w->packets);
    sim_event_cancel(w, &w->address_event);
    HOST_ASSERT(!w->events);
    host_unlock(&w->lock);
    while ((h = w->hosts)) {
        w->hosts = h->next;
        host_free(h->addrs);
        host_free(h);
    }
    while ((l = w->links)) {
        w->links = l->next;
        host_free(l);
    }
    __atomic_store_n(&current, NULL, __ATOMIC_RELEASE);
    host_free(w);
}

void sim_violation(struct sim_world *w, const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (!w->config.violation)
        host_panic("simulated network: %s", text);
    w->config.violation(w->config.context, text);
}
