/*
 * options.c: the command line of wskcc.
 *
 * Everything that wskcc does not know goes to the compiler as it is. What it must know: which words
 * are files, which options take the next word, where includes are searched, and where to stop.
 */
#include "wskcc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: wskcc [-o OUT] [any compiler flag] FILE...\n"
    "\n"
    "Compiles and links a Windows driver from its unmodified source (C, C++) into a native shared\n"
    "object that wskrun loads.\n"
    "\n"
    "  -o OUT         the driver; without it, the first file's name with .so\n"
    "  --plain        without the preemption points that wsksim uses (wskrun is faster then)\n"
    "  -c, -S, -E     compile, assemble or preprocess only\n"
    "  -v             show the commands\n"
    "  --help         this text\n"
    "  --version      the version\n"
    "\n"
    "All other flags go to the compiler: -g -O2 -DNAME -Idir -Wall -fsanitize=address...\n"
    "CC and CXX choose the compilers (gcc and g++ unless set). Files: .c .cpp .cc .cxx, and .o .a\n"
    "for the link. Includes with backslashes or the wrong case are found, WPP's .tmh provided.\n"
    "C++ is compiled without exceptions and RTTI, unless the flags say otherwise.\n"
    "\n"
    "Then: wskrun OUT\n";

/* Options whose value is the next word. */
static const char *const with_value[] = {
    "-D",        "-U",     "-include",    "-imacros",       "-x",
    "-MF",       "-MT",    "-MQ",         "-Xclang",        "-isysroot",
    "--param",   "-mllvm", "-iprefix",    "-Xpreprocessor", "-target",
    "-aux-info", "-arch",  "-Xassembler", "-dumpbase",      "-iwithprefix",
    NULL
};
static const char *const link_with_value[] = {
    "-L", "-l", "-Xlinker", "-T", "-u", "-z", "-e", NULL
};

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n > m && strcmp(s + n - m, suffix) == 0;
}

static bool among(const char *s, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(s, *names) == 0)
            return true;
    return false;
}

bool is_cpp(const char *source)
{
    return ends_with(source, ".cpp") || ends_with(source, ".cc") || ends_with(source, ".cxx") ||
           ends_with(source, ".CPP");
}

bool has_flag_prefix(const struct options *o, const char *prefix)
{
    for (size_t i = 0; i < o->flags.n; i++)
        if (strncmp(o->flags.item[i], prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

static void add_file(struct options *o, const char *file)
{
    static const char *const object[] = { ".o", ".a", ".so", NULL };

    for (size_t i = 0; object[i]; i++) {
        if (ends_with(file, object[i])) {
            list_add(&o->objects, file);
            return;
        }
    }
    if (!ends_with(file, ".c") && !ends_with(file, ".C") && !is_cpp(file))
        fail(EXIT_USAGE, "%s: not a source that wskcc knows (.c .cpp .cc .cxx, or .o .a)", file);
    list_add(&o->sources, file);
}

/* -I and its relatives, with the directory in the same or the next word. The words used, or 0. */
static int take_directory(struct options *o, char **words, int left)
{
    const struct {
        const char *flag;
        struct list *dirs;
    } kinds[] = { { "-iquote", &o->quote_dirs },
                  { "-isystem", &o->system_dirs },
                  { "-idirafter", &o->system_dirs },
                  { "-I", &o->include_dirs } };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t length = strlen(kinds[i].flag);
        if (strncmp(words[0], kinds[i].flag, length) != 0)
            continue;
        bool joined = words[0][length] != 0;
        if (!joined && left < 2)
            fail(EXIT_USAGE, "%s needs a directory after it", words[0]);
        const char *dir = joined ? words[0] + length : words[1];
        list_add(kinds[i].dirs, dir);
        list_add(&o->flags, kinds[i].flag);
        list_add(&o->flags, dir);
        return joined ? 1 : 2;
    }
    return 0;
}

/* Options that wskcc itself acts on. The words used, or 0. */
static int take_own(struct options *o, char **words, int left)
{
    const char *w = words[0];

    if (strcmp(w, "--help") == 0) {
        fputs(help, stdout);
        exit(0);
    }
    if (strcmp(w, "--version") == 0) {
        puts("wskcc (OpenWSK) " OPENWSK_VERSION);
        exit(0);
    }
    if (strcmp(w, "--sys") == 0)
        fail(EXIT_USAGE, "--sys: building .sys files is planned, not there yet; "
                         "leave it off to build a native driver (.so) from the same source");
    if (strcmp(w, "-v") == 0) {
        o->verbose = true;
        return 1;
    }
    if (strcmp(w, "--plain") == 0) {
        o->plain = true;
        return 1;
    }
    if (strcmp(w, "-c") == 0 || strcmp(w, "-S") == 0 || strcmp(w, "-E") == 0) {
        o->stop = w[1];
        return 1;
    }
    if (strcmp(w, "-M") == 0 || strcmp(w, "-MM") == 0) {
        o->stop = 'E';
        list_add(&o->flags, w);
        return 1;
    }
    if (strncmp(w, "-o", 2) != 0)
        return 0;
    if (!w[2] && left < 2)
        fail(EXIT_USAGE, "-o needs a file name after it");
    o->output = w[2] ? w + 2 : words[1];
    return w[2] ? 1 : 2;
}

static int take_passed_on(struct options *o, char **words, int left)
{
    bool link = strncmp(words[0], "-Wl,", 4) == 0 || strncmp(words[0], "-l", 2) == 0 ||
                strncmp(words[0], "-L", 2) == 0 || among(words[0], link_with_value);
    struct list *l = link ? &o->link : &o->flags;

    list_add(l, words[0]);
    if (!among(words[0], with_value) && !among(words[0], link_with_value))
        return 1;
    if (left < 2)
        fail(EXIT_USAGE, "%s needs a value after it", words[0]);
    list_add(l, words[1]);
    return 2;
}

static void check(struct options *o)
{
    if (o->sources.n + o->objects.n == 0)
        fail(EXIT_USAGE, "no source file given; try: wskcc -o driver.so driver.c");
    for (size_t i = 0; i < o->sources.n + o->objects.n; i++) {
        const char *file =
            i < o->sources.n ? o->sources.item[i] : o->objects.item[i - o->sources.n];
        if (!is_file(file))
            fail(EXIT_USAGE, "%s: no such file", file);
    }
    if (o->stop && o->output && o->sources.n > 1)
        fail(EXIT_USAGE, "-o with -%c allows only one source file", o->stop);
    if (o->stop && o->sources.n == 0)
        fail(EXIT_USAGE, "-%c needs a source file", o->stop);
}

void parse_options(struct options *o, int argc, char **argv)
{
    bool only_files = false;

    for (int i = 1; i < argc;) {
        int used;
        if (only_files || argv[i][0] != '-' || !argv[i][1]) {
            add_file(o, argv[i]);
            used = 1;
        } else if (strcmp(argv[i], "--") == 0) {
            only_files = true;
            used = 1;
        } else {
            used = take_own(o, argv + i, argc - i);
            if (!used)
                used = take_directory(o, argv + i, argc - i);
            if (!used)
                used = take_passed_on(o, argv + i, argc - i);
        }
        i += used;
    }
    check(o);
}
