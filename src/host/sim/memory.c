/*
 * memory.c: what is freed in the simulated world is overwritten and kept for a while. So whoever
 * uses it later meets nonsense and not something that happens to be right still, and whoever writes
 * to it is found when the block leaves: in every build, whatever the allocator does. The sanitizers
 * and valgrind do this themselves, and better.
 */
#include "host/host.h"
#include "host/sim/fiber.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_BLOCKS 4096
#define KEPT_BYTES  (8u << 20)
#define WATCHED     1024 /* bytes of a block */
#define GARBAGE     0xdd

static struct {
    void *blocks[KEPT_BLOCKS]; /* a ring */
    unsigned first, count;
    size_t bytes;
} kept;

#if defined(__SANITIZE_ADDRESS__) || defined(HOST_SIM_TSAN)
#define KEEPS false
#else
#define KEEPS true
#endif

static size_t watched(void *p)
{
    size_t size = malloc_usable_size(p);

    return size < WATCHED ? size : WATCHED;
}

static void let_go(void)
{
    unsigned char *p = kept.blocks[kept.first];
    size_t n = watched(p);

    kept.first = (kept.first + 1) % KEPT_BLOCKS;
    kept.count--;
    kept.bytes -= malloc_usable_size(p);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == GARBAGE)
            continue;
        host_printf("openwsk: at offset %zu of a block of %zu bytes\n", i, malloc_usable_size(p));
        host_panic("memory was written to after it was freed"); /* the same in every process */
    }
    free(p);
}

void memory_end(void)
{
    while (kept.count)
        let_go();
}

void host_free(void *p)
{
    if (!p)
        return;
    if (!KEEPS || !host_sim_running()) {
        free(p);
        return;
    }
    while (kept.count == KEPT_BLOCKS || (kept.count && kept.bytes > KEPT_BYTES))
        let_go();
    memset(p, GARBAGE, watched(p));
    kept.blocks[(kept.first + kept.count++) % KEPT_BLOCKS] = p;
    kept.bytes += malloc_usable_size(p);
}
