/*
 * memory.c: strings and lists for a program that runs once.
 *
 * Blocks are chained and never freed one by one; the chain keeps them reachable, so that a leak
 * checker has nothing to say.
 */
#include "wskcc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    max_align_t data[];
};

static struct block *blocks;

void fail(int status, const char *f, ...)
{
    va_list args;

    va_start(args, f);
    fputs("wskcc: ", stderr);
    vfprintf(stderr, f, args);
    fputc('\n', stderr);
    va_end(args);
    exit(status);
}

void *arena_alloc(size_t size)
{
    struct block *b = calloc(1, sizeof(*b) + size);

    if (!b)
        fail(1, "out of memory");
    b->next = blocks;
    blocks = b;
    return b->data;
}

char *format(const char *f, ...)
{
    va_list args;
    va_start(args, f);
    int length = vsnprintf(NULL, 0, f, args);
    va_end(args);

    char *s = arena_alloc((size_t)length + 1);
    va_start(args, f);
    vsnprintf(s, (size_t)length + 1, f, args);
    va_end(args);
    return s;
}

char *substring(const char *from, size_t length)
{
    char *s = arena_alloc(length + 1);

    memcpy(s, from, length);
    return s;
}

void list_add(struct list *l, const char *s)
{
    if (l->n + 1 >= l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 16;
        const char **item = arena_alloc(l->capacity * sizeof(*item));
        if (l->n)
            memcpy(item, l->item, l->n * sizeof(*item));
        l->item = item;
    }
    l->item[l->n++] = s;
    l->item[l->n] = NULL;
}

void list_add_all(struct list *l, const struct list *more)
{
    for (size_t i = 0; i < more->n; i++)
        list_add(l, more->item[i]);
}

void list_add_words(struct list *l, const char *words)
{
    while (*words) {
        words += strspn(words, " \t");
        size_t length = strcspn(words, " \t");
        if (length)
            list_add(l, substring(words, length));
        words += length;
    }
}

bool list_has(const struct list *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->item[i], s) == 0)
            return true;
    return false;
}
