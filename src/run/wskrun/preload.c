/*
 * preload.c: drivers that were compiled with a sanitizer, in a wskrun that was not.
 *
 * A sanitizer's library must be in the process before the first allocation, so wskrun starts itself
 * once more with LD_PRELOAD; gcc 12's thread sanitizer also needs fixed addresses. The commands of
 * --exec must not inherit that: the second start puts the environment back.
 */
#include "wskrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

/* What the second start changes, and where it keeps what was there before. */
static const struct {
    const char *name, *kept;
} variables[] = { { "LD_PRELOAD", "OPENWSK_LD_PRELOAD_BEFORE" },
                  { "TSAN_OPTIONS", "OPENWSK_TSAN_OPTIONS_BEFORE" } };
enum { PRELOAD, TSAN_OPTIONS, VARIABLES };

/* In the second start: puts the environment back. true: this is the second start. */
static bool restore_environment(void)
{
    if (!getenv(variables[PRELOAD].kept))
        return false;
    for (int i = 0; i < VARIABLES; i++) {
        const char *before = getenv(variables[i].kept);
        if (before && *before)
            setenv(variables[i].name, before, 1);
        else
            unsetenv(variables[i].name);
        unsetenv(variables[i].kept);
    }
    return true;
}

/* Sets a variable to `value`, followed by what it had. */
static void prepend(int which, const char *value)
{
    const char *before = getenv(variables[which].name);
    char text[8192];

    snprintf(text, sizeof(text), "%s%s%s", value, before && *before ? ":" : "",
             before ? before : "");
    setenv(variables[which].kept, before ? before : "", 1);
    setenv(variables[which].name, text, 1);
}

static void add_words(char *list, size_t size, const char *more)
{
    size_t used = strlen(list);

    if (*more && !strstr(list, more))
        snprintf(list + used, size - used, "%s%s", used ? ":" : "", more);
}

void preload_sanitizers(const struct options *o, char **argv)
{
    char wanted[4096] = "";
    int fixed_addresses = 0;

    if (restore_environment())
        return;
    for (int i = 0; i < o->driver_count; i++) {
        char libraries[2048];
        int fixed;
        struct ow_status why;
        /* What is wrong with a file is said when it is loaded. */
        if (ow_preload(o->drivers[i], libraries, sizeof(libraries), &fixed, &why))
            continue;
        add_words(wanted, sizeof(wanted), libraries);
        fixed_addresses |= fixed;
    }
    if (!wanted[0])
        return;

    prepend(PRELOAD, wanted);
    /* The library itself is not instrumented: what it does with files and locks is no finding. */
    prepend(TSAN_OPTIONS, "ignore_noninstrumented_modules=1");
    int now = fixed_addresses ? personality(0xffffffff) : -1;
    if (now >= 0)
        personality((unsigned long)now | ADDR_NO_RANDOMIZE);
    execv("/proc/self/exe", argv);
    complain("cannot start again with LD_PRELOAD=%s: %s; set it by hand", wanted, strerror(errno));
    exit(EXIT_LOAD);
}
