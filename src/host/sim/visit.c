/*
 * visit.c: how often each fiber has come to each place.
 *
 * "The third time that this thread asked ExAllocatePool" names a decision in a way that outlives
 * changes elsewhere: of what other threads do, of what this one does at other places, and of the
 * sources. Places are told apart by the first bytes of their names, as many as a tape has room for.
 * Every point of every run comes by here, so a name is compared once in the life of the process
 * and then known by its address. The numbers of places are in the order in which this process met
 * them: nothing but the index of a count may depend on them.
 */
#include "host/sim/sched.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS     4096 /* a power of 2 */
#define MAX_NAMES (SLOTS / 2)
#define GROWTH    64 /* counts that a fiber gets at once */

struct slot {
    const char *name; /* NULL: free */
    unsigned number;
};

static struct slot by_address[SLOTS], by_name[SLOTS];
static unsigned addresses, names;

static unsigned name_hash(const char *name)
{
    uint32_t hash = 2166136261;

    for (unsigned i = 0; i < HOST_SITE_BYTES && name[i]; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619;
    return hash;
}

static unsigned number_of_name(const char *name)
{
    unsigned i = name_hash(name) % SLOTS;

    while (by_name[i].name && strncmp(by_name[i].name, name, HOST_SITE_BYTES) != 0)
        i = (i + 1) % SLOTS;
    if (!by_name[i].name)
        by_name[i] = (struct slot){ name, names++ };
    return by_name[i].number;
}

static unsigned number_of(const char *name)
{
    unsigned i = (unsigned)((uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15) >> 40) % SLOTS;

    while (by_address[i].name && by_address[i].name != name)
        i = (i + 1) % SLOTS;
    if (!by_address[i].name) {
        if (++addresses > MAX_NAMES)
            host_panic("there are more than %d places that ask for decisions", MAX_NAMES);
        by_address[i] = (struct slot){ name, number_of_name(name) };
    }
    return by_address[i].number;
}

static void make_room(struct fiber *f, unsigned number)
{
    unsigned room = (number / GROWTH + 1) * GROWTH;
    uint32_t *visits;

    UNWATCHED(visits = realloc(f->visits, room * sizeof(*visits)));
    if (!visits)
        host_panic("out of memory for the visits of a thread");
    memset(visits + f->visit_room, 0, (room - f->visit_room) * sizeof(*visits));
    f->visits = visits;
    f->visit_room = room;
}

uint32_t visit_count(struct fiber *f, const char *name)
{
    unsigned number = number_of(name);

    if (number >= f->visit_room)
        make_room(f, number);
    return ++f->visits[number];
}

void visit_forget(struct fiber *f)
{
    UNWATCHED(free(f->visits));
    f->visits = NULL;
    f->visit_room = 0;
}
