/*
 * wskcc.h: what the files of wskcc share.
 *
 * wskcc runs once and ends, so memory comes from an arena that is never freed (memory.c), and every
 * failure ends the program through fail(): usage errors with status 2, everything else with 1 or
 * the compiler's own status.
 */
#ifndef OPENWSK_WSKCC_H
#define OPENWSK_WSKCC_H

#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE 2

/* ---- memory.c: strings and lists of strings ---- */

struct list {
    const char **item; /* item[n] is NULL: usable as an argument vector */
    size_t n, capacity;
};

void *arena_alloc(size_t size);
char *format(const char *f, ...) __attribute__((format(printf, 1, 2)));
char *substring(const char *from, size_t length);
void list_add(struct list *l, const char *s);
void list_add_all(struct list *l, const struct list *more);
void list_add_words(struct list *l, const char *words); /* split at blanks */
bool list_has(const struct list *l, const char *s);
__attribute__((noreturn, format(printf, 2, 3))) void fail(int status, const char *f, ...);

/* ---- files.c: paths, temporary files, child processes ---- */

bool is_file(const char *path);
bool is_directory(const char *path);
char *directory_of(const char *path); /* "." when there is none */
const char *base_of(const char *path);
/* The text of a file, or NULL. */
char *read_text(const char *path);
/* Writes a file, and the directories above it. */
void write_text(const char *path, const char *text);
void make_directories_above(const char *path);
/* A directory that is removed when wskcc ends. */
const char *scratch(void);
/* Runs a command; its exit status (128 + signal when it was killed). */
int run(const struct list *command, bool verbose);
/* The first `size` bytes that a command prints to stdout; false when it cannot be run. */
bool run_and_read(const struct list *command, char *out, size_t size);

/* ---- options.c: the command line ---- */

struct options {
    struct list sources; /* what is compiled */
    struct list objects; /* what is only linked: .o, .a */
    struct list flags;   /* for the compiler, in order */
    struct list link;    /* for the link only: -l, -L, -Wl, */
    struct list quote_dirs, include_dirs, system_dirs;
    const char *output;
    char stop; /* 0: link; 'c', 'S', 'E': the flag that stops earlier */
    bool verbose, plain;
};

void parse_options(struct options *o, int argc, char **argv);
bool is_cpp(const char *source);
bool has_flag_prefix(const struct options *o, const char *prefix);

/* ---- support.c: the headers, start-up object and compilers that wskcc drives ---- */

struct support {
    const char *km, *crt, *startup;
    struct list cc, cxx; /* command words */
    bool cc_is_clang, cxx_is_clang;
};

void find_support(struct support *s, const struct options *o);

/* ---- includes.c, wpp.c ---- */

/*
 * Makes every #include that `source` reaches resolvable, as far as this can be done: those that
 * differ from a file's name only in case or slashes, and WPP's generated .tmh. The answer is a
 * directory to add to the end of the search path, or NULL when nothing was needed. *commas: what
 * the source reaches relies on Microsoft's preprocessor dropping commas.
 */
const char *provide_includes(const char *source, const struct options *o, const struct support *s,
                             bool *commas);

/* The text of a .tmh for sources with these texts. */
char *tmh_text(const struct list *texts);

/* ---- commas.c ---- */

/* Does a macro of this text rely on the comma before an empty __VA_ARGS__ being dropped? */
bool drops_commas(const char *text);
/* Drops those commas from a preprocessed text. */
void drop_commas(char *text);

/* ---- build.c ---- */

int build(const struct options *o, const struct support *s);

#endif
