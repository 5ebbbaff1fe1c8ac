/*
 * world.c: one run of the drivers in the simulated world, in this process.
 *
 * The first thread of the run sets the network up, boots the machine, loads the drivers, lets the
 * scenario happen, heals the network, waits for what must still come to an end, unloads the drivers
 * and stops the machine. A second one, the trouble maker, waits for the decision at which it is to
 * make trouble; it is there in every run, so that decisions keep their numbers.
 */
#include "scenario.h"
#include "wsksim.h"

#include "run/lib/machine.h"
#include "verify/vf.h"
#include "wsk/wsk_boot.h"

#include <string.h>

#define SECOND_NS         INT64_C(1000000000)
#define UNLOAD_TIMEOUT_MS 60000
#define STACK_BYTES       (512u << 10)
#define LIVENESS_NS       (200 * SECOND_NS) /* a connect without an answer takes two minutes */
#define LOOK_NS           (SECOND_NS / 100) /* until the first look whether the peers are done */

static struct world {
    const struct options *options;
    const struct source *source;
    struct outcome *out;
    struct sim_world *network;
    int64_t start_ns;
    struct ow_driver **drivers;
    int loaded;
    bool timeline;
    bool clean; /* the process can have another run */
    struct host_thread *main_thread, *trouble_maker;
    bool loading;       /* boot is over */
    bool trouble, over; /* for the trouble maker; for the main thread: unload now */
} world;

/* ---- what the run prints --------------------------------------------------------------------- */

static void keep_output(const char *text, size_t length)
{
    struct outcome *out = world.out;
    size_t room = OUTPUT_BYTES - out->output_length;
    size_t n = length < room ? length : room;

    memcpy(out->output + out->output_length, text, n);
    out->output_length += n;
}

static void fail_run(int status, const char *what)
{
    host_note_failure("%s", what);
    if (!world.out->status)
        world.out->status = status;
}

/* ---- trouble --------------------------------------------------------------------------------- */

static void *pick_irp(void)
{
    /* Until the cancel routine is taken out of it, the IRP must not end. */
    host_sim_hold(true);
    void *irp = (void *)vf_oldest(VF_IRP, kernel_can_cancel);
    host_sim_hold(false);
    return irp;
}

const char *trouble_name(enum trouble trouble)
{
    static const char *const names[] = { "cancel", "unload", "fin", "reset", "leave", "signal" };

    return names[trouble];
}

static void make_it(enum trouble trouble)
{
    switch (trouble) {
    case TROUBLE_CANCEL:
        while (kernel_cancel(pick_irp))
            ;
        return;
    case TROUBLE_FIN:
    case TROUBLE_RESET:
        sim_peers_break(world.network, trouble == TROUBLE_RESET);
        return;
    case TROUBLE_LEAVE:
        WskpProviderLeaves();
        return;
    case TROUBLE_SIGNAL:
        (void)kernel_event(TROUBLE_EVENT, true);
        return;
    default: /* the unload is the main thread's */
        return;
    }
}

static void make_trouble(void *unused)
{
    (void)unused;
    while (!world.over) {
        if (!world.trouble) {
            host_park(HOST_FOREVER);
            continue;
        }
        world.trouble = false;
        make_it(world.source->trouble);
    }
}

static void reached(void *unused, const struct host_decision *at)
{
    (void)unused;
    world.out->trouble_visit = *at;
    if (world.source->trouble != TROUBLE_UNLOAD) {
        world.trouble = true;
        host_sim_run_next(world.trouble_maker);
    } else {
        world.over = true;
        host_sim_run_next(world.main_thread);
    }
}

/* ---- the parts of a run ---------------------------------------------------------------------- */

static void violation(void *context, const char *text)
{
    (void)context;
    host_printf("wsksim: the network: %s\n", text);
    fail_run(EXIT_FOUND, text);
}

static void add_address(int host, const char *text)
{
    struct net_addr addr;

    if (!run_parse_address(text, &addr) || sim_address_add(world.network, host, &addr))
        host_panic("the address %s cannot be added", text);
}

static void build_network(void)
{
    struct sim_config config = { .violation = violation };

    if (!world.options->calm)
        sim_faults_draw(&config.faults);
    if (world.options->scenario)
        scenario_faults(world.options->scenario, &config.faults);
    if (sim_world_create(&world.network, &config))
        host_panic("out of memory for the simulated network");
    add_address(0, "10.0.0.1");
    add_address(0, "fd00::1");
    world.start_ns = host_now();
    if (world.options->scenario)
        scenario_begin(world.options->scenario, world.network);
}

/* A tape that only says who runs when asks for no failure. To a driver that does not wait for it a
 * provider that comes late is one. */
static bool fails_something(const struct host_tape *tape)
{
    for (uint64_t i = 0; tape && i < tape->count; i++)
        if (tape->decisions[i].kind == HOST_CHOOSE_FAULT ||
            tape->decisions[i].kind == HOST_CHOOSE_DELAY)
            return true;
    return false;
}

/* A failure that was asked for is no failure of the driver. */
static bool asked_for(void)
{
    return world.source->fail_at || world.source->fail_stack || world.source->trouble_at ||
           ((world.source->seeded || world.source->bytes) && !world.options->calm) ||
           fails_something(world.source->replay);
}

/* ---- what the run has seen ------------------------------------------------------------------- */

static bool is_covered(void)
{
    const struct options *o = world.options;

    return o->coverage || (o->scenario && o->scenario->expect_count);
}

static void ended(const char *function, uint32_t ntstatus)
{
    const char *name = ow_ntstatus_name(ntstatus);

    coverage_add(&world.out->coverage, 1, "%s %s", function, name ? name : "another status");
}

static void cover(void)
{
    struct coverage *c = &world.out->coverage;

    if (!is_covered())
        return;
    host_sim_hold(true); /* who counts does not take part */
    coverage_add(c, 1, "run");
    for (enum sim_fault k = 0; k < SIM_FAULT_COUNT; k++)
        coverage_add(c, sim_fault_count(world.network, k), "network %s", sim_fault_name(k));
    if (world.options->scenario)
        scenario_cover(c);
    host_sim_hold(false);
}

static bool boot(void)
{
    struct ow_status why;

    run_machine.transport = &net_sim;
    run_machine.ended = is_covered() ? ended : NULL;
    if (ow_boot(&world.options->common.machine, &why) == OW_OK)
        return true;
    host_printf("wsksim: %s\n", why.text);
    if (!asked_for())
        fail_run(EXIT_LOAD, why.text);
    return false;
}

static void set_parameters(void)
{
    struct ow_status why;

    for (int i = 0; i < world.options->common.param_count; i++) {
        const struct param *p = &world.options->common.params[i];
        if (ow_set_parameter(p->driver, p->name, p->value, &why))
            fail_run(EXIT_USAGE, why.text);
    }
}

static void load(void)
{
    struct ow_status why;

    for (int i = 0; i < world.options->driver_count; i++) {
        int error = ow_load(world.options->drivers[i], &world.drivers[i], &why);
        if (error) {
            host_printf("wsksim: %s\n", why.text);
            if ((error != OW_ENTRY && why.ntstatus == 0) || !asked_for())
                fail_run(EXIT_LOAD, why.text);
            return;
        }
        world.loaded++;
    }
}

static bool peers_are_done(void)
{
    return world.options->scenario && scenario_finished();
}

/*
 * Waits until then, until the peers are done, or until the unload is to begin. The longer it takes,
 * the more rarely it looks: a run that waits for a minute should not consist of looking.
 */
static void wait_until(int64_t end)
{
    int64_t pause = LOOK_NS;

    while (!world.over && host_now() < end && !peers_are_done()) {
        int64_t next = world.options->scenario ? host_now() + pause : end;
        host_park(next < end ? next : end);
        pause += pause / 4;
    }
}

static void live(void)
{
    const struct scenario *s = world.options->scenario;
    double seconds = s && s->duration > 0 ? s->duration : world.options->common.run_seconds;

    if (s)
        scenario_connect(s, world.network);
    for (unsigned i = 0; s && i < s->cuts_count; i++) {
        wait_until(world.start_ns + scenario_cut_at(s, i));
        scenario_cut(s, world.network, i);
    }
    wait_until(world.start_ns + (int64_t)(seconds * SECOND_NS));
    sim_heal(world.network);
    if (s && !world.over) {
        host_sim_spare(true); /* who waits for memory, gets it now */
        wait_until(host_now() + LIVENESS_NS);
        host_sim_spare(false);
    }
}

/* Whom would trouble concern? What is asked here is asked in every run. */
static void look_around(void)
{
    bool *concerns = world.out->concerns;

    concerns[TROUBLE_CANCEL] = concerns[TROUBLE_UNLOAD] = true;
    concerns[TROUBLE_FIN] = concerns[TROUBLE_RESET] =
        world.options->scenario && scenario_has_streams(world.options->scenario);
    concerns[TROUBLE_LEAVE] = WskpAttachedClients() > 0;
    concerns[TROUBLE_SIGNAL] = kernel_event(TROUBLE_EVENT, false);
}

/* What the peers have seen counts, unless the unload came upon them. */
static void judge(void)
{
    if (!world.options->scenario || world.over)
        return;
    const char *wrong = scenario_verdict(!asked_for());
    if (!wrong)
        return;
    host_printf("wsksim: %s\n", wrong);
    fail_run(EXIT_FOUND, wrong);
}

static void unload(void)
{
    struct ow_status why;

    while (world.loaded) {
        if (ow_unload(world.drivers[--world.loaded], UNLOAD_TIMEOUT_MS, &why)) {
            host_printf("wsksim: %s\n", why.text);
            fail_run(EXIT_STUCK, "an unload did not end");
            world.clean = false;
            return;
        }
    }
}

static void shut_down(void)
{
    struct ow_status why;

    world.over = true;
    host_unpark(world.trouble_maker);
    host_thread_join(world.trouble_maker);
    if (run_machine.running && ow_shutdown(&why))
        fail_run(EXIT_FOUND, why.text);
    world.clean = !run_machine.running; /* a driver may have left what keeps the machine */
    if (world.clean)
        sim_world_destroy(world.network);
}

static void live_and_die(void *unused)
{
    struct ow_report found;

    (void)unused;
    world.main_thread = host_self();
    host_sim_hold(true); /* how much there is to forget is no matter of this run */
    kernel_forget_numbers();
    host_sim_hold(false);
    if (host_thread_create(&world.trouble_maker, make_trouble, NULL, "trouble"))
        host_panic("out of memory for a thread");
    build_network();
    if (boot()) {
        set_parameters();
        world.out->window = host_sim_choices();
        world.loading = true;
        load();
        if (world.loaded == world.options->driver_count)
            live();
        look_around();
        if (world.loaded == world.options->driver_count) {
            judge();
            cover();
        }
        sim_heal(world.network);
        unload();
    }
    host_sim_calm_down();
    if (world.clean)
        shut_down();
    ow_report(&found);
    if (found.errors + found.warnings)
        fail_run(EXIT_FOUND, "findings");
}

/* ---- from outside ---------------------------------------------------------------------------- */

static void stuck(void *context, const char *why)
{
    (void)context;
    (void)why;
    world.out->status = EXIT_STUCK;
    host_exit(EXIT_STUCK);
}

static void passed(void *context, const char *site)
{
    (void)context;
    timeline_passed(site);
}

static void covered(void *context, const void *pc)
{
    (void)context;
    world.options->covered(pc);
}

/* Addresses differ from process to process: a place in a driver is kept as an offset. */
static void decided(void *context, struct host_decision *d)
{
    (void)context;
    if (world.timeline)
        timeline_decided(d);
    if (is_covered() &&
        (d->kind == HOST_CHOOSE_DELAY || (d->kind == HOST_CHOOSE_FAULT && d->n == 2)))
        coverage_add(&world.out->coverage, 1, "%s %s", host_choice_name((enum host_choice)d->kind),
                     d->site);
    const char *name = run_image_name((const void *)d->pc);
    uintptr_t low = run_image_low((const void *)d->pc);
    for (int i = 0; name && i < world.options->driver_count; i++) {
        char service[RUN_NAME_MAX];
        run_service_name(world.options->drivers[i], service, sizeof(service));
        if (strcmp(service, name) == 0)
            d->image = (uint32_t)i + 1;
    }
    d->pc = d->image ? d->pc - low : 0;
}

/* Orders of threads: from the load on, or while a driver's threads can meet. */
static uint32_t branch(void *context, uint32_t n, const char *site)
{
    (void)context;
    host_sim_hold(true); /* who looks does not take part */
    bool now = world.loading && (!world.options->only_threads || kernel_threads() >= 2);
    host_sim_hold(false);
    return now ? world.source->branch(n, site) : 0;
}

static bool fails(void *context)
{
    (void)context;
    return stack_fails(world.source, world.out);
}

static struct host_sim_config config_of(const struct source *s, enum show show, struct outcome *out)
{
    return (struct host_sim_config){
        .seeded = s->seeded,
        .seed = s->seed,
        .replay = s->replay,
        .bytes = s->bytes,
        .byte_count = s->byte_count,
        .quiet_kinds = world.options->calm ? 1u << HOST_CHOOSE_FAULT | 1u << HOST_CHOOSE_DELAY : 0,
        .record = &out->tape,
        .fail_at = s->fail_at,
        .fail_on = s->fail_on,
        .fails = s->fail_stack || s->name_stacks ? fails : NULL,
        .branch = s->branch ? branch : NULL,
        .reach = s->trouble_at,
        .reach_visit = s->trouble_visit.visit ? &s->trouble_visit : NULL,
        .reached = reached,
        .stack_bytes = STACK_BYTES,
        .stop_at = world.options->stop_at,
        .passed = show == SHOW_TIMELINE ? passed : NULL,
        .covered = world.options->covered ? covered : NULL,
        .decided = decided,
        .describe = kernel_describe_wait,
        .stuck = stuck,
    };
}

bool run_here(const struct options *o, const struct source *source, enum show show,
              struct outcome *out)
{
    static struct ow_driver *drivers[64];

    out->status = EXIT_FINE;
    out->output_length = 0;
    out->window = out->points = 0;
    out->stack_count = 0;
    out->trouble_visit = (struct host_decision){ 0 };
    world = (struct world){ .options = o,
                            .source = source,
                            .out = out,
                            .drivers = drivers,
                            .timeline = show == SHOW_TIMELINE,
                            .clean = true };
    host_failure_clear(out->failure, sizeof(out->failure));
    host_print_to(show == SHOW_NOTHING ? keep_output : NULL);
    struct host_sim_config config = config_of(source, show, out);
    host_sim_run(&config, live_and_die, NULL, &out->result);
    host_print_to(NULL);
    out->points = out->result.choices;
    if (world.clean && out->result.left)
        fail_run(EXIT_FOUND, "threads are left at the end");
    if (!out->status && out->result.races) /* which has said so */
        out->status = EXIT_FOUND;
    return world.clean && !out->status && !out->result.left;
}
