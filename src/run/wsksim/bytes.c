/*
 * bytes.c: a run whose decisions are made of the bytes of a file, for fuzzers that run a program on
 * a file, and to repeat what one has found.
 */
#include "wsksim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (1u << 20)

int run_bytes(const struct options *o)
{
    FILE *f = strcmp(o->byte_file, "-") == 0 ? stdin : fopen(o->byte_file, "rb");
    uint8_t *bytes = malloc(MAX_BYTES);

    if (!f)
        usage_error("--bytes %s: cannot read it: %s", o->byte_file, strerror(errno));
    if (!bytes)
        usage_error("out of memory");
    struct source source = { .bytes = bytes, .byte_count = fread(bytes, 1, MAX_BYTES, f) };
    if (ferror(f))
        usage_error("--bytes %s: cannot read it: %s", o->byte_file, strerror(errno));
    if (fgetc(f) != EOF)
        usage_error("--bytes %s: more than %u bytes", o->byte_file, MAX_BYTES);
    if (f != stdin)
        fclose(f);
    int status = show_run(o, &source, o->byte_file);
    free(bytes);
    return status;
}
