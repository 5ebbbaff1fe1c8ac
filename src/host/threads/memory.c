/*
 * memory.c: blocks from the C library, so that the sanitizers and valgrind see each of them.
 */
#include "host/host.h"

#include <stdlib.h>

void *host_alloc(size_t size, size_t align)
{
    void *p;

    HOST_ASSERT((align & (align - 1)) == 0);
    if (align <= 16)
        return malloc(size ? size : 1);
    if (posix_memalign(&p, align, size ? size : 1) != 0)
        return NULL;
    return p;
}

void *host_zalloc(size_t size)
{
    return calloc(1, size ? size : 1);
}

void host_free(void *p)
{
    free(p);
}
