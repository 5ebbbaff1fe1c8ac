/*
 * memory.c: pages, and what can be read. Blocks are the two hosts' own.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include "host/host.h"

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
