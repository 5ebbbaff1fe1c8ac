/*
 * options.c: the command line of wsksim. Every error is one line that says what to write instead,
 * and exit status 2.
 */
#include "scenario.h"
#include "wsksim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DRIVERS     64
#define MAX_JOBS        64
#define DEFAULT_CPUS    2
#define DEFAULT_SECONDS 1

static const char help[] =
    "usage: wsksim [options] DRIVER [DRIVER...]\n"
    "\n"
    "Runs Windows drivers that wskcc compiled in a simulated world: virtual time, a simulated\n"
    "network, and every decision (who runs next, what fails, when a packet arrives) taken from a\n"
    "seed or a tape, so that a run can be repeated exactly.\n"
    "\n"
    "  --seed N              the seed of the run (default 0: the boring run, without faults)\n"
    "  --seeds A..B          a sweep over these seeds, on all processors\n"
    "  --shard I/N           of a sweep only the I-th of N parts\n"
    "  --jobs N              processes at once (default: the machine's processors)\n"
    "  --apart               each run of a sweep in a process of its own\n"
    "  --keep-going          do not stop at the first failure\n"
    "  --twice               every seed twice: the two runs must be the same\n"
    "  --hashes FILE         write each seed and the hash of its run, to compare with other runs\n"
    "  --coverage            show what the runs have seen: ends of requests, faults, connections\n"
    "  --scenario FILE       the network and what its peers do, see wsksim(1)\n"
    "  --bytes FILE          decisions made of the bytes of FILE, as a fuzzer gives them\n"
    "  --replay TAPE         the run that wrote TAPE, and its timeline; drivers and options are\n"
    "                        those of the tape\n"
    "  --shrink              make the tape of a failure smaller; with --replay: of that tape\n"
    "  --exhaust --preemptions K   every order of threads with at most K decisions that are not\n"
    "                        the boring one (default 1)\n"
    "  --while-threads       of --exhaust: decide only while a driver has a thread of its own\n"
    "  --oom-sweep           fail every allocation once, every one from there on, and all of each\n"
    "                        call stack\n"
    "  --cancel-sweep        make trouble at every decision: cancel all requests, unload, end or\n"
    "                        reset all connections, let the provider leave\n"
    "  --calm                no faults: seeds only choose who runs next and what packets do\n"
    "  --for SECONDS         of virtual time until the unload (default 1)\n"
    "  --param NAME=VALUE, --host NAME=ADDR, --cpus N, --verify=LIST, --config=LIST,\n"
    "  --ready-delay MS      as for wskrun; --cpus is 2 unless given\n"
    "  --timeline            show threads and decisions of a single run\n"
    "  --until K, --gdb      stop at decision K, in a debugger\n"
    "  --tapes DIR           where tapes are written (default: here)\n"
    "  --quiet, --verbose    say less, more\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 no run failed; 1 a driver could not be loaded; 2 wrong command line; 3 a run\n"
    "failed; 4 a run got stuck. The first failure's tape is written, with the command to replay "
    "it.\n";

enum {
    O_SEED = O_OWN,
    O_SEEDS,
    O_SHARD,
    O_JOBS,
    O_KEEP_GOING,
    O_APART,
    O_TWICE,
    O_HASHES,
    O_COVERAGE,
    O_SCENARIO,
    O_BYTES,
    O_REPLAY,
    O_SHRINK,
    O_EXHAUST,
    O_PREEMPTIONS,
    O_WHILE_THREADS,
    O_OOM,
    O_CANCEL,
    O_CALM,
    O_TIMELINE,
    O_UNTIL,
    O_GDB,
    O_TAPES
};

static const struct option own[] = { { "seed", required_argument, NULL, O_SEED },
                                     { "seeds", required_argument, NULL, O_SEEDS },
                                     { "shard", required_argument, NULL, O_SHARD },
                                     { "jobs", required_argument, NULL, O_JOBS },
                                     { "keep-going", no_argument, NULL, O_KEEP_GOING },
                                     { "apart", no_argument, NULL, O_APART },
                                     { "twice", no_argument, NULL, O_TWICE },
                                     { "hashes", required_argument, NULL, O_HASHES },
                                     { "coverage", no_argument, NULL, O_COVERAGE },
                                     { "scenario", required_argument, NULL, O_SCENARIO },
                                     { "bytes", required_argument, NULL, O_BYTES },
                                     { "replay", required_argument, NULL, O_REPLAY },
                                     { "shrink", no_argument, NULL, O_SHRINK },
                                     { "exhaust", no_argument, NULL, O_EXHAUST },
                                     { "preemptions", required_argument, NULL, O_PREEMPTIONS },
                                     { "while-threads", no_argument, NULL, O_WHILE_THREADS },
                                     { "oom-sweep", no_argument, NULL, O_OOM },
                                     { "cancel-sweep", no_argument, NULL, O_CANCEL },
                                     { "calm", no_argument, NULL, O_CALM },
                                     { "timeline", no_argument, NULL, O_TIMELINE },
                                     { "until", required_argument, NULL, O_UNTIL },
                                     { "gdb", no_argument, NULL, O_GDB },
                                     { "tapes", required_argument, NULL, O_TAPES },
                                     { NULL, 0, NULL, 0 } };

const struct program program = { "wsksim", help, own };

static void parse_seeds(struct options *o, const char *value)
{
    int used = 0;

    if (sscanf(value, "%" SCNu64 "..%" SCNu64 "%n", &o->first_seed, &o->last_seed, &used) != 2 ||
        value[used] || o->first_seed > o->last_seed)
        usage_error("--seeds %s: write it as FIRST..LAST, for example --seeds 1..10000", value);
}

static void parse_shard(struct options *o, const char *value)
{
    int used = 0;

    if (sscanf(value, "%u/%u%n", &o->shard, &o->shards, &used) != 2 || value[used] || !o->shard ||
        o->shard > o->shards)
        usage_error("--shard %s: write it as I/N with 1 <= I <= N, for example --shard 3/8", value);
}

/* What runs: goes into a tape. */
static bool take_what(struct options *o, int which, const char *value)
{
    switch (which) {
    case O_SCENARIO:
        o->scenario = scenario_read(value);
        return true;
    case O_CALM:
        o->calm = true;
        return true;
    default:
        return take_machine_option(&o->common, which, value);
    }
}

/* Which runs there are. */
static bool take_mode(struct options *o, int which, const char *value)
{
    switch (which) {
    case O_SEED:
        o->first_seed = o->last_seed = parse_number("--seed", value, 0, UINT64_MAX);
        return true;
    case O_SEEDS:
        parse_seeds(o, value);
        return true;
    case O_SHARD:
        parse_shard(o, value);
        return true;
    case O_BYTES:
        o->mode = MODE_BYTES;
        o->byte_file = value;
        return true;
    case O_REPLAY:
        o->mode = MODE_REPLAY;
        o->tape_file = value;
        return true;
    case O_EXHAUST:
        o->mode = MODE_EXHAUST;
        return true;
    case O_PREEMPTIONS:
        o->preemptions = (unsigned)parse_number("--preemptions", value, 0, 8);
        return true;
    case O_OOM:
        o->mode = MODE_OOM;
        return true;
    case O_CANCEL:
        o->mode = MODE_CANCEL;
        return true;
    default:
        return false;
    }
}

static void take_how(struct options *o, int which, const char *value)
{
    switch (which) {
    case O_JOBS:
        o->jobs = (unsigned)parse_number("--jobs", value, 1, MAX_JOBS);
        break;
    case O_WHILE_THREADS:
        o->only_threads = true;
        break;
    case O_KEEP_GOING:
        o->keep_going = true;
        break;
    case O_APART:
        o->apart = true;
        break;
    case O_TWICE:
        o->twice = true;
        break;
    case O_HASHES:
        o->hashes = fopen(value, "w");
        if (!o->hashes)
            usage_error("--hashes %s: cannot write it: %s", value, strerror(errno));
        break;
    case O_COVERAGE:
        o->coverage = true;
        break;
    case O_SHRINK:
        o->shrink = true;
        break;
    case O_TIMELINE:
        o->timeline = true;
        break;
    case O_UNTIL:
        o->stop_at = parse_number("--until", value, 1, UINT64_MAX);
        break;
    case O_GDB:
        o->gdb = true;
        break;
    case O_TAPES:
        o->tape_dir = value;
        break;
    default:
        (void)take_talk_option(&o->common, which);
    }
}

static void keep_word(struct options *o, const char *word)
{
    o->argv = grow(o->argv, (size_t)o->argc, sizeof(*o->argv));
    o->argv[o->argc++] = copy_text(word, strlen(word));
}

/* Keeps what says what runs in the form --NAME=VALUE. */
static void keep_option(struct options *o, int which, const char *value)
{
    char word[4096];

    snprintf(word, sizeof(word), "--%s%s%s", option_name(which), value ? "=" : "",
             value ? value : "");
    keep_word(o, word);
}

static void take_words(struct options *o, int argc, char **argv, bool from_tape)
{
    int which;

    optind = 0;
    while ((which = next_option(argc, argv)) != -1) {
        if (take_what(o, which, optarg))
            keep_option(o, which, optarg);
        else if (!from_tape && !take_mode(o, which, optarg))
            take_how(o, which, optarg);
    }
    if (optind == argc)
        return;
    o->drivers = argv + optind;
    o->driver_count = argc - optind;
    for (int i = optind; i < argc; i++)
        keep_word(o, argv[i]);
}

/* A tape brings the words that it was made with, behind those of the command line. */
static void take_tape(struct options *o)
{
    int count;
    char **words = tape_words(o->tape_file, &count);
    o->tape_words = calloc((size_t)count + 2, sizeof(*o->tape_words));
    if (!o->tape_words)
        usage_error("out of memory");
    o->tape_words[0] = "wsksim";
    for (int i = 0; i < count; i++)
        o->tape_words[i + 1] = words[i];
    free(words);
    take_words(o, count + 1, o->tape_words, true);
}

static void check(const struct options *o)
{
    need_driver(o->driver_count);
    if (o->driver_count > MAX_DRIVERS)
        usage_error("too many drivers; at most %d", MAX_DRIVERS);
    if (o->gdb && o->mode != MODE_REPLAY)
        usage_error("--gdb goes with --replay TAPE");
    if (o->last_seed - o->first_seed >= UINT64_MAX / 2)
        usage_error("--seeds: too many");
}

void parse_options(struct options *o, int argc, char **argv)
{
    memset(o, 0, sizeof(*o));
    o->common.run_seconds = DEFAULT_SECONDS;
    o->common.machine.cpus = DEFAULT_CPUS;
    o->common.machine.verbosity = OW_NORMAL;
    o->preemptions = 1;
    o->shard = o->shards = 1;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    o->jobs = processors < 1 ? 1 : processors > MAX_JOBS ? MAX_JOBS : (unsigned)processors;
    take_words(o, argc, argv, false);
    if (o->mode == MODE_REPLAY && !o->driver_count)
        take_tape(o);
    check(o);
}
