/* files.c: paths, temporary files and child processes of wskcc. */
#include "wskcc.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *scratch_path;

bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return substring(".", 1);
    return substring(path, slash == path ? 1 : (size_t)(slash - path));
}

char *read_text(const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "rb");

    if (!f)
        return NULL;
    char *text = NULL;
    if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode)) {
        text = arena_alloc((size_t)st.st_size + 1);
        text[fread(text, 1, (size_t)st.st_size, f)] = 0;
    }
    fclose(f);
    return text;
}

void make_directories_above(const char *path)
{
    for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/'))
        if (mkdir(substring(path, (size_t)(p - path)), 0700) && errno != EEXIST)
            fail(1, "cannot make the directory of %s: %s", path, strerror(errno));
}

void write_text(const char *path, const char *text)
{
    make_directories_above(path);
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) == EOF || fclose(f) == EOF)
        fail(1, "cannot write %s: %s", path, strerror(errno));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_scratch(void)
{
    nftw(scratch_path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(void)
{
    if (!scratch_path) {
        const char *tmp = getenv("TMPDIR");
        scratch_path = format("%s/wskcc.XXXXXX", tmp && *tmp ? tmp : "/tmp");
        if (!mkdtemp(scratch_path))
            fail(1, "cannot make a temporary directory %s: %s (set TMPDIR to a writable one)",
                 scratch_path, strerror(errno));
        atexit(remove_scratch);
    }
    return scratch_path;
}

static pid_t start(const struct list *command, int out)
{
    pid_t child = fork();

    if (child)
        return child;
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    signal(SIGINT, SIG_DFL);
    execvp(command->item[0], (char **)command->item);
    fprintf(stderr, "wskcc: cannot run %s: %s (install gcc or clang, or set CC and CXX)\n",
            command->item[0], strerror(errno));
    _exit(127);
}

/* An interrupt ends the compiler; wskcc then sees its status and cleans up. */
static int wait_for(pid_t child)
{
    int status;

    signal(SIGINT, SIG_IGN);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run(const struct list *command, bool verbose)
{
    for (size_t i = 0; verbose && i < command->n; i++)
        fprintf(stderr, "%s%s", command->item[i], i + 1 < command->n ? " " : "\n");

    pid_t child = start(command, -1);
    if (child < 0)
        fail(1, "cannot start %s: %s", command->item[0], strerror(errno));
    return wait_for(child);
}

bool run_and_read(const struct list *command, char *out, size_t size)
{
    int ends[2];
    size_t got = 0;
    ssize_t n = 0;

    if (pipe(ends))
        return false;
    pid_t child = start(command, ends[1]);
    close(ends[1]);
    while (child > 0 && got + 1 < size && (n = read(ends[0], out + got, size - 1 - got)) > 0)
        got += (size_t)n;
    out[got] = 0;
    close(ends[0]);
    return child > 0 && wait_for(child) == 0;
}
