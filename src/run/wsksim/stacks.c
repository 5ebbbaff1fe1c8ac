/*
 * stacks.c: call stacks that ask for memory, told from each other by a number that is the same in
 * every process: addresses count as offsets in the image of a driver or of this program; those of
 * other libraries do not count.
 *
 * One run at a time has them named, so nothing here needs a lock.
 */
#include "wsksim.h"

#include "run/lib/machine.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)
#define MAX_FRAMES 64

extern const char __executable_start[], etext[]; /* the linker's */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * FNV_PRIME;
}

static uint64_t mix_frame(uint64_t hash, const void *pc)
{
    const char *name = run_image_name(pc);

    for (const char *c = name; c && *c; c++)
        hash = mix(hash, (unsigned char)*c);
    if (name)
        return mix(hash, (uintptr_t)pc - run_image_low(pc));
    if ((const char *)pc >= __executable_start && (const char *)pc < etext)
        return mix(hash, (uintptr_t)((const char *)pc - __executable_start));
    return hash;
}

static uint64_t name_stack(void)
{
    void *frames[MAX_FRAMES];
    uint64_t hash = FNV_OFFSET;
    int n = host_backtrace(frames, MAX_FRAMES);

    for (int i = 0; i < n; i++)
        hash = mix_frame(hash, frames[i]);
    return hash ? hash : 1;
}

static void note_stack(struct outcome *out, uint64_t stack)
{
    for (unsigned i = 0; i < out->stack_count; i++)
        if (out->stacks[i] == stack)
            return;
    if (out->stack_count == MAX_STACKS)
        host_panic("more than %u call stacks ask for memory", MAX_STACKS);
    out->stacks[out->stack_count++] = stack;
}

bool stack_fails(const struct source *source, struct outcome *out)
{
    uint64_t stack = name_stack();

    if (source->name_stacks)
        note_stack(out, stack);
    return stack == source->fail_stack;
}
