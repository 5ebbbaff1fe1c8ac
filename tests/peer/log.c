/* await and port: what a driver printed, read from the file that holds wskrun's standard error. */
#include "peer.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static bool contains(const char *path, const char *text)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    bool found = false;

    while (file && !found && fgets(line, sizeof(line), file)) {
        found = strstr(line, text) && strchr(line, '\n'); /* a line may still be on its way */
    }
    if (file) {
        fclose(file);
    }
    return found;
}

int await_text(const struct options *o)
{
    int64_t start = now_ms();

    if (!o->file || !o->text) {
        die("await needs --file and --text");
    }
    while (!contains(o->file, o->text)) {
        if (now_ms() - start > (int64_t)o->timeout * 1000) {
            die("%s does not contain \"%s\" after %" PRIu64 " s", o->file, o->text, o->timeout);
        }
        poll(NULL, 0, 10);
    }
    return 0;
}

int print_port(const struct options *o)
{
    printf("%d\n", peer_port(o));
    return 0;
}
