/*
 * includes.c: makes includes that were written for Windows resolvable on Linux.
 *
 * Walks the sources as the preprocessor would, without evaluating conditions: a file that only a
 * dead branch includes costs a look, no more. Every name that resolves as it is written is left to
 * the compiler. For the others a shim is written, a file of exactly that name (backslashes
 * included) in a directory that is searched last, which includes the real file by its full path.
 * A name that still is not found is left to the compiler as well, whose message says it best.
 */
#include "wskcc.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The search directory lies this deep, so that names that start with ../ stay in the scratch. */
#define SHIM_DEPTH "/u/u/u/u/u/u/u/u/u/u"

struct scan {
    const struct options *o;
    const struct support *s;
    const char *dir;     /* where shims go; NULL: none yet */
    struct list visited; /* full paths */
    struct list texts;   /* what was in them */
    struct list spelled, target;
    struct list tmh;
};

static void visit(struct scan *sc, const char *path);

/* Where `name` is looked for when `includer` includes it. */
static void search_path(const struct scan *sc, const char *includer, bool quoted, struct list *dirs)
{
    if (quoted) {
        list_add(dirs, directory_of(includer));
        list_add_all(dirs, &sc->o->quote_dirs);
    }
    list_add_all(dirs, &sc->o->include_dirs);
    list_add_all(dirs, &sc->o->system_dirs);
    list_add(dirs, sc->s->crt);
    list_add(dirs, sc->s->km);
}

static const char *find_exact(const struct list *dirs, const char *name)
{
    if (name[0] == '/')
        return is_file(name) ? name : NULL;
    for (size_t i = 0; i < dirs->n; i++) {
        const char *path = format("%s/%s", dirs->item[i], name);
        if (is_file(path))
            return path;
    }
    return NULL;
}

/* The entry of `dir` whose name is `part` but for case. */
static const char *entry_without_case(const char *dir, const char *part)
{
    const char *found = NULL;
    DIR *d = opendir(dir);

    if (!d)
        return NULL;
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (strcasecmp(e->d_name, part) == 0 && (!found || strcmp(e->d_name, found) < 0))
            found = substring(e->d_name, strlen(e->d_name));
    closedir(d);
    return found;
}

static const char *find_below(const char *dir, const char *name)
{
    const char *path = dir;

    while (*name) {
        size_t length = strcspn(name, "/");
        const char *part = substring(name, length);
        name += length + strspn(name + length, "/");
        const char *exact = format("%s/%s", path, part);
        if (!is_file(exact) && !is_directory(exact)) {
            part = entry_without_case(path, part);
            if (!part)
                return NULL;
            exact = format("%s/%s", path, part);
        }
        path = exact;
    }
    return is_file(path) ? path : NULL;
}

static const char *with_slashes(const char *name)
{
    char *slashed = substring(name, strlen(name));

    for (char *p = slashed; *p; p++)
        if (*p == '\\')
            *p = '/';
    return slashed;
}

static const char *find_without_case(const struct list *dirs, const char *name)
{
    const char *slashed = with_slashes(name);

    for (size_t i = 0; i < dirs->n; i++) {
        const char *path = find_below(dirs->item[i], slashed);
        if (path)
            return path;
    }
    return NULL;
}

static const char *shim_path(struct scan *sc, const char *name)
{
    static unsigned count;

    if (!sc->dir) {
        sc->dir = format("%s/i%u" SHIM_DEPTH, scratch(), count++);
        make_directories_above(format("%s/x", sc->dir));
    }
    return format("%s/%s", sc->dir, name);
}

static bool in_km(const struct scan *sc, const char *path)
{
    size_t length = strlen(sc->s->km);

    return strncmp(path, sc->s->km, length) == 0 && path[length] == '/';
}

static void write_shim(struct scan *sc, const char *name, const char *target)
{
    for (size_t i = 0; i < sc->spelled.n; i++) {
        if (strcmp(sc->spelled.item[i], name) != 0)
            continue;
        if (strcmp(sc->target.item[i], target) != 0)
            write_text(shim_path(sc, name),
                       format("#error \"this name stands for %s in one file and for %s in another; "
                              "spell one of them as it is on disk\"\n",
                              sc->target.item[i], target));
        return;
    }
    list_add(&sc->spelled, name);
    list_add(&sc->target, target);
    write_text(shim_path(sc, name),
               format("%s#include \"%s\"\n", in_km(sc, target) ? "#pragma GCC system_header\n" : "",
                      target));
}

static bool is_tmh(const char *name)
{
    size_t n = strlen(name);

    return n > 4 && strcasecmp(name + n - 4, ".tmh") == 0;
}

static void resolve(struct scan *sc, const char *includer, const char *name, bool quoted)
{
    struct list dirs = { 0 };
    char full[PATH_MAX];

    search_path(sc, includer, quoted, &dirs);
    const char *path = find_exact(&dirs, name);
    if (path) {
        visit(sc, path);
        return;
    }
    if (is_file(format("/usr/include/%s", name)))
        return;
    path = find_without_case(&dirs, name);
    if (path && realpath(path, full)) {
        const char *target = substring(full, strlen(full));
        /* gcc looks for the name with its backslashes, clang turns them into slashes first. */
        write_shim(sc, name, target);
        write_shim(sc, with_slashes(name), target);
        visit(sc, path);
    } else if (is_tmh(name) && !list_has(&sc->tmh, name)) {
        list_add(&sc->tmh, name);
    }
}

/* The name that a line includes, or NULL. `line` need not end in 0: the text goes on. */
static const char *included_name(const char *line, bool *quoted)
{
    line += strspn(line, " \t");
    if (*line != '#')
        return NULL;
    line += 1 + strspn(line + 1, " \t");
    if (strncmp(line, "include", 7) != 0)
        return NULL;
    line += 7 + strspn(line + 7, " \t");
    if (*line != '"' && *line != '<')
        return NULL;
    *quoted = *line == '"';
    line++;
    size_t length = strcspn(line, *quoted ? "\"\n" : ">\n");
    if (line[length] == '\n' || !line[length] || !length)
        return NULL;
    return substring(line, length);
}

static void visit(struct scan *sc, const char *path)
{
    char full[PATH_MAX];

    if (!realpath(path, full) || in_km(sc, full) || list_has(&sc->visited, full))
        return;
    list_add(&sc->visited, substring(full, strlen(full)));
    const char *text = read_text(path);
    if (!text)
        return;
    list_add(&sc->texts, text);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        bool quoted;
        line += *line == '\n';
        const char *name = included_name(line, &quoted);
        if (name)
            resolve(sc, path, name, quoted);
    }
}

const char *provide_includes(const char *source, const struct options *o, const struct support *s,
                             bool *commas)
{
    struct scan sc = { .o = o, .s = s };

    visit(&sc, source);
    *commas = false;
    for (size_t i = 0; i < sc.texts.n && !*commas; i++)
        *commas = drops_commas(sc.texts.item[i]);
    for (size_t i = 0; i < sc.tmh.n; i++)
        write_text(shim_path(&sc, sc.tmh.item[i]), tmh_text(&sc.texts));
    return sc.dir;
}
