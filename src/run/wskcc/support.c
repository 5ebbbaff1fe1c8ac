/*
 * support.c: finds what wskcc drives: the WDK headers and the start-up object, which lie at fixed
 * places relative to the program (in the build tree as well as installed), and the compilers.
 */
#include "wskcc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *beside_program(const char *relative)
{
    char self[PATH_MAX], full[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n < 0)
        fail(1, "cannot find its own location: /proc is not mounted");
    self[n] = 0;
    const char *path = format("%s/%s", directory_of(self), relative);
    if (!realpath(path, full))
        fail(1, "%s is missing: this installation of OpenWSK is not complete, install it again",
             path);
    return substring(full, strlen(full));
}

static bool is_clang(const struct list *compiler)
{
    struct list command = { 0 };
    char text[4096];

    list_add_all(&command, compiler);
    list_add(&command, "--version");
    if (!run_and_read(&command, text, sizeof(text)))
        fail(1, "the compiler %s does not run; install gcc or clang, or set CC and CXX",
             compiler->item[0]);
    return strstr(text, "clang") != NULL;
}

/* The words of an environment variable, or of the first compiler that is installed. */
static void choose(struct list *compiler, const char *variable, const char *gnu, const char *llvm)
{
    const char *value = getenv(variable);

    if (value)
        list_add_words(compiler, value);
    if (compiler->n)
        return;
    const char *path = getenv("PATH");
    for (const char *p = path ? path : ""; *p;) {
        size_t length = strcspn(p, ":");
        if (access(format("%.*s/%s", (int)length, p, gnu), X_OK) == 0) {
            list_add(compiler, gnu);
            return;
        }
        p += length + (p[length] == ':');
    }
    list_add(compiler, llvm);
}

void find_support(struct support *s, const struct options *o)
{
    s->km = beside_program(OPENWSK_KM);
    s->crt = format("%s/crt", s->km);
    s->startup = beside_program(OPENWSK_STARTUP);
    choose(&s->cc, "CC", "gcc", "clang");
    choose(&s->cxx, "CXX", "g++", "clang++");
    s->cc_is_clang = is_clang(&s->cc);
    for (size_t i = 0; i < o->sources.n; i++) {
        if (is_cpp(o->sources.item[i])) {
            s->cxx_is_clang = is_clang(&s->cxx);
            break;
        }
    }
}
