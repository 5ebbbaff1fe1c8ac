/*
 * build.c: the commands that turn sources into a driver.
 *
 * Flags of ours come first, the user's after them, so that the user has the last word. Nothing but
 * the entry point is visible in the result, and calls inside it stay inside it: drivers define
 * bind, send or memcpy of their own. What a driver imports stays undefined; wskrun checks it.
 */
#include "wskcc.h"

#include <stdio.h>
#include <string.h>

static const char exports[] = "{ global: DriverEntry; GsDriverEntry; local: *; };\n";

/* NAME=VALUE definitions that the WDK's build environment gives, unless the user does. */
static const char *const definitions[] = { "_KERNEL_MODE=1",
                                           "_AMD64_=1",
                                           "_M_AMD64=100",
                                           "_M_X64=100",
                                           "_WIN64=1",
                                           "_WIN32=1",
                                           "_WIN32_WINNT=0x0A00",
                                           "WINVER=0x0A00",
                                           "WINNT=1",
                                           "NTDDI_VERSION=0x0A00000C",
                                           "OPENWSK=1",
                                           NULL };

static const char common_flags[] =
    "-g -fPIC -fshort-wchar -fms-extensions -mms-bitfields -fno-strict-aliasing "
    "-fno-semantic-interposition -fno-omit-frame-pointer "
    "-Wno-unknown-pragmas -Wno-multichar "
    /* Their formats are Microsoft's: the compiler must neither check nor rewrite them. */
    "-fno-builtin-sprintf -fno-builtin-snprintf -fno-builtin-vsprintf -fno-builtin-vsnprintf";
static const char clang_flags[] =
    "-Wno-four-char-constants -Wno-microsoft -Wno-ignored-pragma-intrinsic "
    "-Wno-pragma-pack -Wno-unused-value -Wno-unused-command-line-argument";
/* What MSVC lets pass with a warning, and so occurs in real drivers. */
static const char c_flags[] = "-Wno-error=incompatible-pointer-types -Wno-error=int-conversion "
                              "-Wno-error=implicit-function-declaration";
static const char clang_c_flags[] = "-Wno-error=incompatible-function-pointer-types";
static const char cpp_flags[] = "-fno-exceptions -fno-rtti -fno-threadsafe-statics";

/*
 * A call at every basic block, which startup.c leads to the simulated world. Without the first two
 * words, clang leaves out just the blocks between which other threads would matter.
 */
static const char points[] = "-fsanitize-coverage=trace-pc";
static const char clang_points[] = "-fsanitize-coverage=bb,no-prune,trace-pc";

static bool user_defines(const struct options *o, const char *definition)
{
    size_t length = strcspn(definition, "=");

    for (const char **flag = o->flags.item; flag && *flag; flag++) {
        if (strncmp(*flag, "-D", 2) != 0 && strncmp(*flag, "-U", 2) != 0)
            continue;
        const char *name = (*flag)[2] || !flag[1] ? *flag + 2 : flag[1];
        if (strncmp(name, definition, length) == 0 && (!name[length] || name[length] == '='))
            return true;
    }
    return false;
}

static void add_compile_flags(struct list *c, const char *source, const struct options *o,
                              const struct support *s, bool *commas)
{
    bool cpp = is_cpp(source);
    bool clang = cpp ? s->cxx_is_clang : s->cc_is_clang;

    list_add_all(c, cpp ? &s->cxx : &s->cc);
    list_add_words(c, common_flags);
    if (clang)
        list_add_words(c, clang_flags);
    if (!cpp)
        list_add_words(c, c_flags);
    if (!cpp && clang)
        list_add_words(c, clang_c_flags);
    if (cpp)
        list_add_words(c, cpp_flags);
    if (!o->plain && !has_flag_prefix(o, "-fsanitize-coverage"))
        list_add(c, clang ? clang_points : points);
    for (size_t i = 0; definitions[i]; i++)
        if (!user_defines(o, definitions[i]))
            list_add(c, format("-D%s", definitions[i]));
    list_add_all(c, &o->flags);
    const char *shims = provide_includes(source, o, s, commas);
    if (shims) {
        list_add(c, "-I");
        list_add(c, shims);
    }
    list_add(c, "-isystem");
    list_add(c, s->crt);
    list_add(c, "-isystem");
    list_add(c, s->km);
}

static const char *with_suffix(const char *file, const char *suffix)
{
    const char *base = base_of(file);
    const char *dot = strrchr(base, '.');
    size_t length = dot && dot != base ? (size_t)(dot - file) : strlen(file);

    return format("%.*s%s", (int)length, file, suffix);
}

/* Without the options that write dependencies: a second run must not overwrite the first one's. */
static void add_without_dependencies(struct list *c, const struct list *flags)
{
    for (size_t i = 0; i < flags->n; i++) {
        const char *flag = flags->item[i];
        if (strncmp(flag, "-M", 2) != 0)
            list_add(c, flag);
        else if (strchr("FTQ", flag[2]) && flag[2] && !flag[3] && i + 1 < flags->n)
            i++;
    }
}

/* Compiles a source that relies on Microsoft's preprocessor, in two steps (commas.c). */
static int compile_twice(const struct list *flags, const char *source, const char *out,
                         const struct options *o)
{
    static unsigned count;
    struct list first = { 0 }, second = { 0 };
    const char *between = format("%s/%u.i", scratch(), count++);

    list_add_all(&first, flags);
    list_add_words(&first, "-E -o");
    list_add(&first, between);
    list_add(&first, source);
    int status = run(&first, o->verbose);
    if (status)
        return status;
    char *text = read_text(between);
    if (!text)
        fail(1, "cannot read back %s, the preprocessed %s", between, source);
    drop_commas(text);
    write_text(between, text);

    add_without_dependencies(&second, flags);
    list_add(&second, format("-%c", o->stop ? o->stop : 'c'));
    list_add_words(&second, is_cpp(source) ? "-x c++-cpp-output" : "-x cpp-output");
    list_add(&second, between);
    list_add(&second, "-o");
    list_add(&second, out);
    return run(&second, o->verbose);
}

/* Compiles one source; `out` NULL: the compiler's own idea (stdout, for -E). */
static int compile(const char *source, const char *out, const struct options *o,
                   const struct support *s)
{
    struct list c = { 0 };
    bool commas;

    add_compile_flags(&c, source, o, s, &commas);
    if (commas && o->stop != 'E')
        return compile_twice(&c, source, out, o);
    list_add(&c, format("-%c", o->stop ? o->stop : 'c'));
    list_add(&c, source);
    if (out) {
        list_add(&c, "-o");
        list_add(&c, out);
    }
    return run(&c, o->verbose);
}

static const char *sanitizers(const struct options *o)
{
    const char *last = "";

    for (size_t i = 0; i < o->flags.n; i++)
        if (strncmp(o->flags.item[i], "-fsanitize=", 11) == 0)
            last = o->flags.item[i] + 11;
    return last;
}

/* gcc links the sanitizer's shared library by itself; clang must be told to. */
static void add_clang_sanitizer(struct list *c, const struct options *o, const struct support *s)
{
    static const struct {
        const char *name, *library;
    } runtimes[] = { { "address", "libclang_rt.asan-x86_64.so" },
                     { "undefined", "libclang_rt.ubsan_standalone-x86_64.so" } };
    const char *wanted = sanitizers(o);

    /* Its shared library crashes in a program that was not compiled with it. */
    if (strstr(wanted, "thread"))
        fail(EXIT_USAGE, "clang's thread sanitizer cannot be loaded with a driver; use CC=gcc");
    for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
        if (!strstr(wanted, runtimes[i].name))
            continue;
        struct list query = { 0 };
        char path[4096];
        list_add_all(&query, &s->cc);
        list_add(&query, format("-print-file-name=%s", runtimes[i].library));
        if (!run_and_read(&query, path, sizeof(path)) || path[0] != '/')
            fail(1, "this clang has no %s; install libclang-rt-dev or use CC=gcc",
                 runtimes[i].library);
        path[strcspn(path, "\n")] = 0;
        list_add(c, format("-Wl,-rpath,%s", directory_of(path)));
        list_add(c, substring(path, strlen(path)));
        return;
    }
}

static int link_driver(const struct list *objects, const char *out, const struct options *o,
                       const struct support *s)
{
    struct list c = { 0 };
    const char *map = format("%s/exports.map", scratch());
    /* Exceptions and RTTI need the C++ library; a plain kernel driver must not depend on it. */
    bool with_cpp_library = has_flag_prefix(o, "-fexceptions") || has_flag_prefix(o, "-frtti");

    write_text(map, exports);
    list_add_all(&c, with_cpp_library ? &s->cxx : &s->cc);
    list_add(&c, "-shared");
    list_add_all(&c, &o->flags);
    list_add_all(&c, objects);
    list_add_all(&c, &o->objects);
    list_add(&c, s->startup);
    list_add_all(&c, &o->link);
    list_add(&c, format("-Wl,--version-script=%s", map));
    list_add_words(&c, "-Wl,-Bsymbolic -Wl,--build-id -Wl,-z,now");
    if (s->cc_is_clang && *sanitizers(o)) {
        list_add(&c, "-shared-libsan");
        add_clang_sanitizer(&c, o, s);
    }
    list_add(&c, "-o");
    list_add(&c, out);
    return run(&c, o->verbose);
}

static const char *stopped_output(const struct options *o, const char *source)
{
    if (o->output || o->stop == 'E')
        return o->output;
    return with_suffix(base_of(source), o->stop == 'S' ? ".s" : ".o");
}

int build(const struct options *o, const struct support *s)
{
    struct list objects = { 0 };
    const char *first = o->sources.n ? o->sources.item[0] : o->objects.item[0];

    for (size_t i = 0; i < o->sources.n; i++) {
        const char *source = o->sources.item[i];
        const char *out = o->stop ? stopped_output(o, source)
                                  : format("%s/%zu-%s.o", scratch(), i, base_of(source));
        int status = compile(source, out, o, s);
        if (status)
            return status;
        list_add(&objects, out);
    }
    if (o->stop)
        return 0;
    return link_driver(&objects, o->output ? o->output : with_suffix(first, ".so"), o, s);
}
