/* Time, chance and worlds for tests of the simulated network; see sim_clock.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sim_clock.h"

#define S ((int64_t)1000 * 1000 * 1000)

uint32_t (*sim_chooser)(uint32_t n, enum host_choice kind, const char *site);

static int64_t virtual_ns; /* 0: real time */
static uint64_t random_state;

int64_t __real_host_now(void);
bool __real_host_park(int64_t deadline_ns);
int64_t __wrap_host_now(void);
bool __wrap_host_park(int64_t deadline_ns);
uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site);

int64_t __wrap_host_now(void)
{
    return virtual_ns ? virtual_ns : __real_host_now();
}

bool __wrap_host_park(int64_t deadline_ns)
{
    if (!virtual_ns)
        return __real_host_park(deadline_ns);
    if (deadline_ns == HOST_FOREVER)
        host_panic("parked for ever: nothing is left that could happen");
    if (deadline_ns > virtual_ns)
        virtual_ns = deadline_ns;
    return false;
}

uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site)
{
    uint32_t value = sim_chooser && n > 1 ? sim_chooser(n, kind, site) : 0;

    assert_true(n > 0 && value < n);
    return value;
}

uint32_t sim_random(uint32_t n, enum host_choice kind, const char *site)
{
    uint64_t x = __atomic_load_n(&random_state, __ATOMIC_RELAXED);

    (void)kind;
    (void)site;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    __atomic_store_n(&random_state, x, __ATOMIC_RELAXED);
    return (uint32_t)((x >> 32) % n);
}

void sim_random_seed(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15u;
}

uint32_t sim_always(uint32_t n, enum host_choice kind, const char *site)
{
    (void)n;
    (void)site;
    return kind == HOST_CHOOSE_FAULT;
}

void sim_clock_virtual(void)
{
    virtual_ns = 1000 * S;
}

/* ---- memory ------------------------------------------------------------------------------ */

static unsigned short_permille;

void *__real_host_alloc(size_t size, size_t align);
void *__real_host_zalloc(size_t size);
void *__wrap_host_alloc(size_t size, size_t align);
void *__wrap_host_zalloc(size_t size);

void sim_short_memory(unsigned permille)
{
    short_permille = permille;
}

static bool refused(void)
{
    return short_permille > 0 && sim_random(1000, HOST_CHOOSE_FAULT, "memory") < short_permille;
}

void *__wrap_host_alloc(size_t size, size_t align)
{
    return refused() ? NULL : __real_host_alloc(size, align);
}

void *__wrap_host_zalloc(size_t size)
{
    return refused() ? NULL : __real_host_zalloc(size);
}

/* ---- places ------------------------------------------------------------------------------ */

const struct net_addr near4 = { .family = NET_IP4, .ip = { 10, 0, 0, 1 } };
const struct net_addr far4 = { .family = NET_IP4, .ip = { 10, 0, 0, 2 } };
const struct net_addr near6 = { .family = NET_IP6, .ip = { 0xfd, [15] = 1 } };
const struct net_addr far6 = { .family = NET_IP6, .ip = { 0xfd, [15] = 2 } };
const struct net_addr sim_loopback4 = { .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
const struct net_addr sim_loopback6 = { .family = NET_IP6, .ip = { [15] = 1 } };

struct net_addr sim_at(struct net_addr a, uint16_t port)
{
    a.port = port;
    return a;
}

static void note_violation(void *context, const char *text)
{
    struct sim_place *p = context;

    snprintf(p->violation, sizeof(p->violation), "%s", text);
}

void sim_place_begin_with(struct sim_place *p, const struct sim_config *config)
{
    struct sim_config c = *config;

    memset(p, 0, sizeof(*p));
    c.violation = note_violation;
    c.context = p;
    assert_int_equal(sim_world_create(&p->world, &c), 0);
    assert_int_equal(sim_host_add(p->world, "far"), 1);
    assert_int_equal(sim_address_add(p->world, 0, &near4), 0);
    assert_int_equal(sim_address_add(p->world, 0, &near6), 0);
    assert_int_equal(sim_address_add(p->world, 1, &far4), 0);
    assert_int_equal(sim_address_add(p->world, 1, &far6), 0);
    world_begin(&p->w, &net_sim);
}

void sim_place_begin(struct sim_place *p, const struct sim_faults *faults)
{
    struct sim_config config;

    memset(&config, 0, sizeof(config));
    if (faults)
        config.faults = *faults;
    sim_place_begin_with(p, &config);
}

void sim_place_end(struct sim_place *p)
{
    world_end(&p->w);
    sim_world_destroy(p->world);
    assert_string_equal(p->violation, "");
}

void sim_pass(struct sim_place *p, int64_t ns)
{
    int64_t until = host_now() + ns;

    while (host_now() < until)
        net_sim.poll(p->w.net, until);
}

int64_t sim_result(struct sim_place *p, struct watched *o, int64_t limit_ns)
{
    int64_t until = host_now() + limit_ns, result;

    while (!o->last) {
        assert_true(host_now() < until);
        net_sim.poll(p->w.net, until);
    }
    result = o->op.result;
    watched_free(o);
    return result;
}

int64_t sim_connect(struct sim_place *p, struct net_ep *ep, struct net_addr to, int64_t limit_ns)
{
    struct watched *o = watched_new(NET_OP_CONNECT, 0);

    o->op.addr = to;
    watched_submit(ep, o);
    return sim_result(p, o, limit_ns);
}

struct net_ep *sim_open(struct sim_place *p, enum net_ep_kind kind, enum net_family family)
{
    struct net_open o = { .kind = kind, .family = family };
    struct net_ep *ep = NULL;

    assert_int_equal(net_sim.open(p->w.net, &o, &ep), 0);
    return ep;
}

void sim_set(struct net_ep *ep, enum net_opt opt, int value)
{
    struct net_ctl_arg arg = { .opt = opt, .data = &value, .length = sizeof(value) };

    assert_int_equal(net_sim.ctl(ep, NET_CTL_SET, &arg), 0);
}

int sim_get(struct net_ep *ep, enum net_opt opt)
{
    int value = -1;
    struct net_ctl_arg arg = { .opt = opt, .data = &value, .length = sizeof(value) };

    assert_int_equal(net_sim.ctl(ep, NET_CTL_GET, &arg), 0);
    return value;
}

struct net_ep *sim_listen(struct sim_place *p, struct net_addr *at, int backlog)
{
    struct net_ep *ep = sim_open(p, NET_EP_STREAM, at->family);
    struct net_ctl_arg arg = { 0 };

    assert_int_equal(net_sim.bind(ep, at), 0);
    assert_int_equal(net_sim.listen(ep, backlog), 0);
    assert_int_equal(net_sim.ctl(ep, NET_CTL_LOCAL, &arg), 0);
    *at = arg.addr;
    return ep;
}
