/*
 * scenario.c: scenario files (YAML, read by libcyaml after the tables here) and their peers.
 *
 * A file is checked when it is read, before the first run: names of hosts, addresses, ports. So
 * what happens in a run cannot fail for the file's sake.
 */
#include "scenario.h"
#include "wsksim.h"

#include "run/lib/machine.h"

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PEERS 256
#define MAX_HOSTS 64
#define MAX_STEPS 64
#define MS_NS     1e6

/* ---- the file's form ------------------------------------------------------------------------- */

static const cyaml_strval_t peer_kinds[] = {
    { "echo", SIM_PEER_ECHO },         { "sink", SIM_PEER_SINK },
    { "source", SIM_PEER_SOURCE },     { "checker", SIM_PEER_CHECKER },
    { "slow", SIM_PEER_SLOW },         { "resetter", SIM_PEER_RESETTER },
    { "half", SIM_PEER_HALF },         { "script", SIM_PEER_SCRIPT },
    { "udp-echo", SIM_PEER_UDP_ECHO }, { "udp-checker", SIM_PEER_UDP_CHECKER },
};

static const cyaml_strval_t step_kinds[] = {
    { "expect", SIM_STEP_EXPECT }, { "send", SIM_STEP_SEND }, { "wait", SIM_STEP_WAIT },
    { "fin", SIM_STEP_FIN },       { "end", SIM_STEP_END },   { "reset", SIM_STEP_RESET },
};

static const cyaml_strval_t fault_kinds[] = {
#define SIM_FAULT(name, text, drawn_max) { #name, SIM_##name },
#include "net/sim_fault.def"
#undef SIM_FAULT
};

#define OPTIONAL     CYAML_FLAG_OPTIONAL
#define OPTIONAL_PTR (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t host_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct scenario_host, name, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("addresses", CYAML_FLAG_POINTER, struct scenario_host, addresses,
                         &text_schema, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t host_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_host, host_fields),
};

static const cyaml_schema_field_t link_fields[] = {
    CYAML_FIELD_STRING_PTR("from", CYAML_FLAG_POINTER, struct scenario_link, from, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("to", CYAML_FLAG_POINTER, struct scenario_link, to, 1, CYAML_UNLIMITED),
    CYAML_FIELD_FLOAT("latency_ms", OPTIONAL, struct scenario_link, latency_ms),
    CYAML_FIELD_UINT("bandwidth_kbit", OPTIONAL, struct scenario_link, bandwidth_kbit),
    CYAML_FIELD_UINT("queue", OPTIONAL, struct scenario_link, queue),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t link_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_link, link_fields),
};

static const cyaml_schema_field_t cut_fields[] = {
    CYAML_FIELD_STRING_PTR("from", CYAML_FLAG_POINTER, struct scenario_cut, from, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("to", CYAML_FLAG_POINTER, struct scenario_cut, to, 1, CYAML_UNLIMITED),
    CYAML_FIELD_FLOAT("at_ms", CYAML_FLAG_DEFAULT, struct scenario_cut, at_ms),
    CYAML_FIELD_FLOAT("for_ms", CYAML_FLAG_DEFAULT, struct scenario_cut, for_ms), CYAML_FIELD_END
};
static const cyaml_schema_value_t cut_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_cut, cut_fields),
};

static const cyaml_schema_field_t step_fields[] = {
    CYAML_FIELD_ENUM("do", CYAML_FLAG_STRICT, struct scenario_step, kind, step_kinds,
                     CYAML_ARRAY_LEN(step_kinds)),
    CYAML_FIELD_STRING_PTR("text", OPTIONAL_PTR, struct scenario_step, text, 1, CYAML_UNLIMITED),
    CYAML_FIELD_UINT("bytes", OPTIONAL, struct scenario_step, bytes),
    CYAML_FIELD_FLOAT("ms", OPTIONAL, struct scenario_step, ms), CYAML_FIELD_END
};
static const cyaml_schema_value_t step_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_step, step_fields),
};

static const cyaml_schema_field_t peer_fields[] = {
    CYAML_FIELD_STRING_PTR("name", OPTIONAL_PTR, struct scenario_peer, name, 1, CYAML_UNLIMITED),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, struct scenario_peer, kind, peer_kinds,
                     CYAML_ARRAY_LEN(peer_kinds)),
    CYAML_FIELD_STRING_PTR("host", CYAML_FLAG_POINTER, struct scenario_peer, host, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("at", OPTIONAL_PTR, struct scenario_peer, at, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("target", OPTIONAL_PTR, struct scenario_peer, target, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_UINT("bytes", OPTIONAL, struct scenario_peer, bytes),
    CYAML_FIELD_UINT("count", OPTIONAL, struct scenario_peer, count),
    CYAML_FIELD_UINT("chunk", OPTIONAL, struct scenario_peer, chunk),
    CYAML_FIELD_FLOAT("pause_ms", OPTIONAL, struct scenario_peer, pause_ms),
    CYAML_FIELD_FLOAT("start_ms", OPTIONAL, struct scenario_peer, start_ms),
    CYAML_FIELD_BOOL("lossless", OPTIONAL, struct scenario_peer, lossless),
    CYAML_FIELD_SEQUENCE("steps", OPTIONAL_PTR, struct scenario_peer, steps, &step_schema, 1,
                         MAX_STEPS),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t peer_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_peer, peer_fields),
};

static const cyaml_schema_field_t fault_fields[] = {
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT | CYAML_FLAG_CASE_INSENSITIVE, struct scenario_fault,
                     kind, fault_kinds, CYAML_ARRAY_LEN(fault_kinds)),
    CYAML_FIELD_UINT("permille", CYAML_FLAG_DEFAULT, struct scenario_fault, permille),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t fault_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_fault, fault_fields),
};

static const cyaml_schema_field_t scenario_fields[] = {
    CYAML_FIELD_FLOAT("duration", OPTIONAL, struct scenario, duration),
    CYAML_FIELD_SEQUENCE("hosts", OPTIONAL_PTR, struct scenario, hosts, &host_schema, 0, MAX_HOSTS),
    CYAML_FIELD_SEQUENCE("links", OPTIONAL_PTR, struct scenario, links, &link_schema, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("cuts", OPTIONAL_PTR, struct scenario, cuts, &cut_schema, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("peers", OPTIONAL_PTR, struct scenario, peers, &peer_schema, 0, MAX_PEERS),
    CYAML_FIELD_SEQUENCE("faults", OPTIONAL_PTR, struct scenario, faults, &fault_schema, 0,
                         SIM_FAULT_COUNT),
    CYAML_FIELD_SEQUENCE("expect", OPTIONAL_PTR, struct scenario, expect, &text_schema, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t scenario_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct scenario, scenario_fields),
};

static const char *file_name;

static void say(cyaml_log_t level, void *context, const char *format, va_list args)
{
    (void)level;
    (void)context;
    fprintf(stderr, "wsksim: %s: ", file_name);
    vfprintf(stderr, format, args);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static int host_number(const struct scenario *s, const char *name)
{
    if (strcmp(name, "local") == 0)
        return 0;
    for (unsigned i = 0; i < s->hosts_count; i++)
        if (strcmp(s->hosts[i].name, name) == 0)
            return (int)i + 1;
    usage_error("%s: there is no host %s; name it under hosts, or write local for the drivers' own",
                file_name, name);
}

/* "10.0.0.1:7" or "[fd00::1]:7". */
static struct net_addr parse_endpoint(const char *text)
{
    char plain[128];
    struct net_addr addr;
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

    if (length > 2 && text[0] == '[' && text[length - 1] == ']')
        snprintf(plain, sizeof(plain), "%.*s", (int)length - 2, text + 1);
    else
        snprintf(plain, sizeof(plain), "%.*s", (int)length, text);
    if (!colon || end == colon + 1 || *end || port > 65535 || !run_parse_address(plain, &addr))
        usage_error("%s: %s is no address with a port; write 10.0.0.1:7 or [fd00::1]:7", file_name,
                    text);
    addr.port = (uint16_t)port;
    return addr;
}

static void check(const struct scenario *s)
{
    struct net_addr addr;

    for (unsigned i = 0; i < s->hosts_count; i++)
        for (unsigned k = 0; k < s->hosts[i].addresses_count; k++)
            if (!run_parse_address(s->hosts[i].addresses[k], &addr))
                usage_error("%s: %s is no numeric address", file_name, s->hosts[i].addresses[k]);
    for (unsigned i = 0; i < s->links_count; i++) {
        (void)host_number(s, s->links[i].from);
        (void)host_number(s, s->links[i].to);
    }
    for (unsigned i = 0; i < s->cuts_count; i++) {
        (void)host_number(s, s->cuts[i].from);
        (void)host_number(s, s->cuts[i].to);
        if (i && s->cuts[i].at_ms < s->cuts[i - 1].at_ms)
            usage_error("%s: write the cuts in the order of their times", file_name);
    }
    for (unsigned i = 0; i < s->peers_count; i++) {
        const struct scenario_peer *p = &s->peers[i];
        (void)host_number(s, p->host);
        if (p->at)
            (void)parse_endpoint(p->at);
        if (p->target)
            (void)parse_endpoint(p->target);
        if (!p->at && !p->target)
            usage_error("%s: a peer needs a target to connect to, or at, where it serves",
                        file_name);
        if ((p->kind == SIM_PEER_SCRIPT) != (p->steps_count > 0))
            usage_error("%s: steps are for peers of the kind script, which need some", file_name);
    }
    for (unsigned i = 0; i < s->faults_count; i++)
        if (s->faults[i].permille > 1000)
            usage_error("%s: a rate is at most 1000 permille", file_name);
}

const struct scenario *scenario_read(const char *file)
{
    static const cyaml_config_t config = { .log_fn = say,
                                           .mem_fn = cyaml_mem,
                                           .log_level = CYAML_LOG_ERROR };
    struct scenario *s = NULL;

    file_name = file;
    cyaml_err_t error = cyaml_load_file(file, &config, &scenario_schema, (cyaml_data_t **)&s, NULL);
    if (error != CYAML_OK || !s)
        usage_error("%s is no scenario: %s; see wsksim(1)", file, cyaml_strerror(error));
    check(s);
    return s;
}

/* ---- in a run -------------------------------------------------------------------------------- */

static struct {
    const struct scenario *scenario;
    struct sim_peer *peers[MAX_PEERS];
    struct sim_peer_step steps[MAX_PEERS][MAX_STEPS];
} play;

void scenario_faults(const struct scenario *s, struct sim_faults *faults)
{
    for (unsigned i = 0; i < s->faults_count; i++)
        faults->permille[s->faults[i].kind] = (uint16_t)s->faults[i].permille;
}

static void must(int error, const char *what)
{
    if (error)
        host_panic("the scenario: %s: %s", what, strerror(-error));
}

static void add_hosts(const struct scenario *s, struct sim_world *w)
{
    for (unsigned i = 0; i < s->hosts_count; i++) {
        int host = sim_host_add(w, s->hosts[i].name);
        HOST_ASSERT(host == (int)i + 1);
        for (unsigned k = 0; k < s->hosts[i].addresses_count; k++) {
            struct net_addr addr;
            run_parse_address(s->hosts[i].addresses[k], &addr);
            must(sim_address_add(w, host, &addr), s->hosts[i].addresses[k]);
        }
    }
}

static const struct sim_peer_step *steps_of(const struct scenario_peer *p, unsigned i)
{
    for (unsigned k = 0; k < p->steps_count; k++)
        play.steps[i][k] = (struct sim_peer_step){ .kind = p->steps[k].kind,
                                                   .text = p->steps[k].text,
                                                   .bytes = p->steps[k].bytes,
                                                   .wait_ns = (int64_t)(p->steps[k].ms * MS_NS) };
    return play.steps[i];
}

static void add_peer(const struct scenario *s, struct sim_world *w, unsigned i)
{
    const struct scenario_peer *p = &s->peers[i];
    struct net_addr at = p->at ? parse_endpoint(p->at) : (struct net_addr){ 0 };
    struct net_addr target = p->target ? parse_endpoint(p->target) : (struct net_addr){ 0 };
    struct sim_peer_params params = { .bytes = p->bytes,
                                      .count = p->count,
                                      .chunk = p->chunk,
                                      .pause_ns = (int64_t)(p->pause_ms * MS_NS),
                                      .start_ns = (int64_t)(p->start_ms * MS_NS),
                                      .lossless = p->lossless,
                                      .steps = steps_of(p, i),
                                      .step_count = p->steps_count };

    must(sim_peer_add(w, &play.peers[i], p->kind, host_number(s, p->host), p->at ? &at : NULL,
                      p->target ? &target : NULL, &params),
         "a peer");
}

void scenario_begin(const struct scenario *s, struct sim_world *w)
{
    play.scenario = s;
    add_hosts(s, w);
    for (unsigned i = 0; i < s->links_count; i++) {
        struct sim_link_values v = { .latency_ns = (int64_t)(s->links[i].latency_ms * MS_NS),
                                     .bandwidth_bps = s->links[i].bandwidth_kbit * 1000,
                                     .queue_packets = s->links[i].queue };
        must(sim_link_set(w, host_number(s, s->links[i].from), host_number(s, s->links[i].to), &v),
             "a link");
    }
    for (unsigned i = 0; i < s->peers_count; i++)
        if (!s->peers[i].target)
            add_peer(s, w, i);
}

void scenario_connect(const struct scenario *s, struct sim_world *w)
{
    for (unsigned i = 0; i < s->peers_count; i++)
        if (s->peers[i].target)
            add_peer(s, w, i);
}

int64_t scenario_cut_at(const struct scenario *s, unsigned i)
{
    return (int64_t)(s->cuts[i].at_ms * MS_NS);
}

void scenario_cut(const struct scenario *s, struct sim_world *w, unsigned i)
{
    const struct scenario_cut *c = &s->cuts[i];

    must(sim_link_cut(w, host_number(s, c->from), host_number(s, c->to),
                      host_now() + (int64_t)(c->for_ms * MS_NS)),
         "a cut");
}

/* A peer that serves is waited for if the file says how many connections it is to have. */
static bool is_awaited(const struct scenario_peer *p)
{
    return p->target || (p->count && p->kind != SIM_PEER_UDP_ECHO);
}

bool scenario_has_streams(const struct scenario *s)
{
    for (unsigned i = 0; i < s->peers_count; i++)
        if (s->peers[i].kind != SIM_PEER_UDP_ECHO && s->peers[i].kind != SIM_PEER_UDP_CHECKER)
            return true;
    return false;
}

bool scenario_finished(void)
{
    struct sim_peer_result r;
    unsigned active = 0;

    for (unsigned i = 0; i < play.scenario->peers_count; i++) {
        const struct scenario_peer *p = &play.scenario->peers[i];
        if (!is_awaited(p))
            continue;
        active++;
        sim_peer_result(play.peers[i], &r);
        if (p->target ? !r.finished : r.ended < p->count)
            return false;
    }
    return active > 0;
}

static const char *peer_verdict(const struct scenario_peer *p, const struct sim_peer_result *r,
                                bool must_complete)
{
    static char text[256];
    const char *name = p->name ? p->name : p->target ? p->target : p->at;

    if (r->error[0])
        snprintf(text, sizeof(text), "peer %s: %s", name, r->error);
    else if (p->target && !r->finished)
        snprintf(text, sizeof(text), "peer %s has not finished: %u of its connections have ended",
                 name, r->ended);
    else if (must_complete && !p->target && is_awaited(p) && r->ended < p->count)
        snprintf(text, sizeof(text), "peer %s has had only %u of %u connections", name, r->ended,
                 p->count);
    else if (must_complete && is_awaited(p) && r->complete < r->started)
        snprintf(text, sizeof(text), "peer %s: %u of %u connections were not completed", name,
                 r->started - r->complete, r->started);
    else
        return NULL;
    return text;
}

void scenario_cover(struct coverage *c)
{
    for (unsigned i = 0; i < play.scenario->peers_count; i++) {
        struct sim_peer_result r;
        sim_peer_result(play.peers[i], &r);
        coverage_add(c, r.complete, "connection complete");
        coverage_add(c, r.failed, "connection failed");
        coverage_add(c, r.datagrams_in, "datagram came back");
        coverage_add(c, r.datagrams_out, "datagram sent");
    }
}

const char *scenario_verdict(bool must_complete)
{
    for (unsigned i = 0; i < play.scenario->peers_count; i++) {
        struct sim_peer_result r;
        sim_peer_result(play.peers[i], &r);
        const char *text = peer_verdict(&play.scenario->peers[i], &r, must_complete);
        if (text)
            return text;
    }
    return NULL;
}
