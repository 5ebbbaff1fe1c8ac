/*
 * memory.c: blocks, pages, and what can be read. Blocks come from the C library, so that the
 * sanitizers and valgrind see each of them; what becomes of a freed one is the two hosts' own.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include "host/host.h"

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

bool host_readable(const void *address)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char byte;
    unsigned char in_core;
    struct iovec to = { &byte, 1 }, from = { (void *)(uintptr_t)address, 1 };

    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1)
        return true;
    if (errno == EFAULT)
        return false;
    /* The call is forbidden here: is there a page at all? */
    return mincore((void *)((uintptr_t)address & ~(uintptr_t)(page - 1)), 1, &in_core) == 0;
}

static size_t whole_pages(size_t size, size_t page)
{
    return (size + page - 1) & ~(page - 1);
}

void *host_pages_alloc(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inner = whole_pages(size, page);
    char *base;

    if (inner < size)
        return NULL;
    base = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (mprotect(base + page, inner, PROT_READ | PROT_WRITE) != 0) {
        munmap(base, inner + 2 * page);
        return NULL;
    }
    return base + page;
}

void host_pages_free(void *p, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (p)
        munmap((char *)p - page, whole_pages(size, page) + 2 * page);
}
