/*
 * inspect.c: what a driver's file needs, found out before it is loaded.
 *
 * dlopen() would report only the first missing name, and in its own words. Here every import is
 * looked up as the dynamic linker will do it: in what the process already has (this library, the C
 * library, a sanitizer), then in the libraries that the driver itself was linked with.
 */
#include "run/lib/runp.h"
#include "ddi/ddi.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISSING_SHOWN 12

static const char *const sanitizer_libraries[] = { "asan", "tsan", "ubsan", "lsan", "msan" };
static const char *const sanitizer_prefixes[] = { "__asan_", "__tsan_",      "__ubsan_",
                                                  "__lsan_", "__sanitizer_", "__sancov_",
                                                  "__msan_", "__odr_asan" };

/* "tsan" of "libtsan.so.2" and "libclang_rt.tsan-x86_64.so"; NULL: not a sanitizer. */
static const char *sanitizer_of(const char *library)
{
    for (size_t i = 0; i < sizeof(sanitizer_libraries) / sizeof(*sanitizer_libraries); i++) {
        const char *name = sanitizer_libraries[i];
        size_t length = strlen(name);
        if ((strncmp(library, "lib", 3) == 0 && strncmp(library + 3, name, length) == 0) ||
            (strncmp(library, "libclang_rt.", 12) == 0 && strncmp(library + 12, name, length) == 0))
            return name;
    }
    return NULL;
}

static bool is_sanitizer_name(const char *name)
{
    for (size_t i = 0; i < sizeof(sanitizer_prefixes) / sizeof(*sanitizer_prefixes); i++)
        if (strncmp(name, sanitizer_prefixes[i], strlen(sanitizer_prefixes[i])) == 0)
            return true;
    return false;
}

/*
 * Functions of the C library on wide characters have 32-bit ones, drivers 16-bit ones: a driver
 * that got such a function would silently compute nonsense.
 */
static bool is_wide_function(const char *name)
{
    static const char *const prefixes[] = { "wcs",     "wmem",   "isw",    "tow",
                                            "swprint", "vswpri", "wprint", "vwprint",
                                            "swscanf", "mbs",    "mbr",    "wcr" };

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool in_needed_library(const struct elf_file *f, const char *name, bool *sanitized)
{
    size_t position = 0;

    for (const char *l = elf_needed(f, &position); l; l = elf_needed(f, &position)) {
        if (sanitizer_of(l)) {
            *sanitized = true;
            continue;
        }
        void *handle = dlopen(l, RTLD_LAZY | RTLD_LOCAL);
        if (!handle)
            continue;
        bool found = dlsym(handle, name) != NULL;
        dlclose(handle);
        if (found)
            return true;
    }
    return false;
}

static enum ow_provider provider_of(const struct elf_file *f, const char *name, bool weak)
{
    bool sanitized = false;

    if (ddi_find(name))
        return OW_FROM_OPENWSK;
    if (!is_wide_function(name) &&
        (dlsym(RTLD_DEFAULT, name) || in_needed_library(f, name, &sanitized)))
        return OW_FROM_LIBRARY;
    if (sanitized && is_sanitizer_name(name))
        return OW_FROM_LIBRARY;
    return weak ? OW_OPTIONAL_IMPORT : OW_MISSING_IMPORT;
}

static int check_is_driver(const struct elf_file *f, const char *path, struct ow_status *status)
{
    if (!elf_exports(f, "DriverEntry") && !elf_exports(f, "GsDriverEntry"))
        return run_fail(status, OW_LOAD, 0, "%s is not a driver: it has no DriverEntry%s", path,
                        f->abi ? " (in C++, declare it extern \"C\")"
                               : "; compile a driver's source with wskcc");
    if (!f->abi)
        return run_fail(status, OW_LOAD, 0,
                        "%s was not linked by wskcc, so it is not laid out as a driver; "
                        "compile it with: wskcc -o NAME.so FILE.c",
                        path);
    return OW_OK;
}

struct import {
    const char *name;
    bool weak;
};

static int compare_imports(const void *a, const void *b)
{
    return strcmp(((const struct import *)a)->name, ((const struct import *)b)->name);
}

static struct import *sorted_imports(const struct elf_file *f, size_t *count)
{
    struct import *all = calloc(f->symbol_count + 1, sizeof(*all));
    size_t position = 0, n = 0;

    if (!all)
        return NULL;
    while ((all[n].name = elf_import(f, &position, &all[n].weak)))
        n++;
    qsort(all, n, sizeof(*all), compare_imports);
    *count = n;
    return all;
}

static void append_missing(char *list, size_t size, const char *name, size_t nth)
{
    size_t used = strlen(list);

    if (nth < MISSING_SHOWN)
        snprintf(list + used, size - used, "%s%s", nth ? ", " : "", name);
    else if (nth == MISSING_SHOWN)
        snprintf(list + used, size - used, ", ...");
}

/* Tells of each import; the names that nobody provides are counted, the first of them listed. */
static int list_imports(const struct elf_file *f,
                        void (*import)(void *, const char *, enum ow_provider), void *context,
                        char *list, size_t size, size_t *missing)
{
    size_t count;
    struct import *all = sorted_imports(f, &count);

    if (!all)
        return OW_SYSTEM;
    for (size_t i = 0; i < count; i++) {
        enum ow_provider provider = provider_of(f, all[i].name, all[i].weak);
        if (import)
            import(context, all[i].name, provider);
        if (provider == OW_MISSING_IMPORT)
            append_missing(list, size, all[i].name, (*missing)++);
    }
    free(all);
    return OW_OK;
}

int ow_check(const char *path, void (*import)(void *, const char *, enum ow_provider),
             void *context, struct ow_status *status)
{
    struct elf_file f;
    char list[640] = "";
    size_t missing = 0;
    int error = elf_open(&f, path, status);

    if (error)
        return error;
    error = check_is_driver(&f, path, status);
    if (!error && list_imports(&f, import, context, list, sizeof(list), &missing))
        error = run_fail(status, OW_SYSTEM, 0, "out of memory");
    elf_close(&f);
    if (error)
        return error;
    if (missing)
        return run_fail(status, OW_LOAD, 0,
                        "%s needs %zu name%s that OpenWSK does not provide: %s; define %s in the "
                        "driver, or do without (wskrun --check lists every import)",
                        path, missing, missing == 1 ? "" : "s", list, missing == 1 ? "it" : "them");
    return run_ok(status);
}

int run_inspect(const char *path, struct ow_status *status)
{
    return ow_check(path, NULL, NULL, status);
}

static bool find_in_runpath(const char *runpath, const char *library, char *out, size_t size)
{
    while (*runpath) {
        size_t length = strcspn(runpath, ":");
        int n = snprintf(out, size, "%.*s/%s", (int)length, runpath, library);
        FILE *f = n > 0 && (size_t)n < size ? fopen(out, "rb") : NULL;
        if (f) {
            fclose(f);
            return true;
        }
        runpath += length + (runpath[length] == ':');
    }
    return false;
}

int ow_preload(const char *path, char *out, size_t size, int *fixed_addresses,
               struct ow_status *status)
{
    struct elf_file f;
    size_t position = 0, used = 0;
    int error = elf_open(&f, path, status);

    if (error)
        return error;
    out[0] = 0;
    if (fixed_addresses)
        *fixed_addresses = 0;
    for (const char *l = elf_needed(&f, &position); l; l = elf_needed(&f, &position)) {
        char full[1024];
        const char *kind = sanitizer_of(l);
        /* ubsan may come late; the others must be there before the first allocation. */
        if (!kind || strcmp(kind, "ubsan") == 0)
            continue;
        void *there = dlopen(l, RTLD_LAZY | RTLD_NOLOAD);
        if (there) {
            dlclose(there);
            continue;
        }
        if (!find_in_runpath(elf_runpath(&f), l, full, sizeof(full)))
            snprintf(full, sizeof(full), "%s", l);
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ":" : "", full);
        if (used >= size)
            used = size - 1;
        if (fixed_addresses && strcmp(kind, "tsan") == 0)
            *fixed_addresses = 1;
    }
    elf_close(&f);
    return run_ok(status);
}

void run_service_name(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t length = dot && dot != base ? (size_t)(dot - base) : strlen(base);

    snprintf(name, size, "%.*s", (int)length, base);
}
