/*
 * live.c: the table of live objects, from which the leak check reports.
 *
 * Every layer above tells of each object that a driver must give back when it appears (vf_born) and
 * when it goes (vf_died). The table is split into shards by a hash of kind and address; each shard
 * has its own lock (HOST_RANK_VERIFY), chained buckets and a free list of entries, so that a birth
 * and a death cost a few tens of nanoseconds and threads rarely meet. Entries come in slabs that
 * the shard keeps until vf_reset(). A sweep copies what it wants out of the shards first and
 * reports without a lock.
 */
#include "verify/vfp.h"

#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS          64
#define FIRST_BUCKETS   64
#define SLAB_ENTRIES    128
#define SHOWN_ADDRESSES 4

struct entry {
    struct entry *next;
    const void *address;
    const void *owner;
    size_t size;
    uint64_t sequence;
    uint32_t detail;
    enum vf_kind kind;
};

struct slab {
    struct slab *next;
    struct entry entries[SLAB_ENTRIES];
};

struct shard {
    struct host_lock lock; /* protects the rest */
    struct entry **buckets;
    size_t mask; /* buckets - 1 */
    size_t count;
    struct entry *free;
    struct slab *slabs;
} __attribute__((aligned(64)));

static struct shard shards[SHARDS] = { [0 ... SHARDS -
                                        1] = { .lock = HOST_LOCK_INIT(HOST_RANK_VERIFY) } };
static uint64_t next_sequence;

static const struct {
    const char *one, *many, *rule, *clause;
} kinds[VF_KIND_COUNT] = {
    [VF_POOL] = { "pool allocation", "pool allocations", "VF-POOL-07", NULL },
    [VF_IRP] = { "IRP", "IRPs", "VF-IRP-14", NULL },
    [VF_MDL] = { "MDL", "MDLs", "VF-MDL-06", NULL },
    [VF_WORK_ITEM] = { "work item", "work items", "VF-UNLOAD-01", NULL },
    [VF_LOOKASIDE] = { "lookaside list", "lookaside lists", "VF-POOL-10", NULL },
    [VF_THREAD] = { "thread", "threads", "VF-UNLOAD-01", NULL },
    [VF_HANDLE] = { "handle", "handles", "VF-UNLOAD-03", NULL },
    [VF_DEVICE] = { "device object", "device objects", "VF-UNLOAD-03", NULL },
    [VF_SYMLINK] = { "symbolic link", "symbolic links", "VF-UNLOAD-03", NULL },
    [VF_TIMER] = { "timer", "timers", "VF-UNLOAD-01", NULL },
    [VF_DPC] = { "DPC", "DPCs", "VF-UNLOAD-01", NULL },
    [VF_RESOURCE] = { "ERESOURCE", "ERESOURCEs", "VF-UNLOAD-01", NULL },
    [VF_WSK_REGISTRATION] = { "WSK registration", "WSK registrations", "VF-WSK-17", "WSK-REG-14" },
    [VF_WSK_CAPTURE] = { "captured provider NPI", "captured provider NPIs", "VF-WSK-16",
                         "WSK-NPI-17" },
    [VF_WSK_SOCKET] = { "WSK socket", "WSK sockets", "VF-WSK-03", "WSK-CLOSE-15" },
    [VF_WSK_INDICATION] = { "retained data indication", "retained data indications", "VF-WSK-06",
                            "WSK-UNLD-09" },
    [VF_WSK_SECURITY] = { "cached security descriptor", "cached security descriptors", "VF-WSK-21",
                          "WSK-SEC-06" },
    [VF_WSK_ADDRINFO] = { "address list", "address lists", "VF-WSK-22", "WSK-NAME-20" },
    [VF_NMR_HANDLE] = { "NMR registration", "NMR registrations", "VF-NMR-02", NULL },
};

/* Mixes all bits of the address; low bits choose the shard, the next ones the bucket. */
static uint64_t hash(enum vf_kind kind, const void *address)
{
    uint64_t x = ((uint64_t)(uintptr_t)address + kind) * 0x9e3779b97f4a7c15u;

    return x ^ x >> 32;
}

static struct shard *shard_of(uint64_t h)
{
    return &shards[h % SHARDS];
}

static struct entry **bucket_of(const struct shard *shard, uint64_t h)
{
    return &shard->buckets[h / SHARDS & shard->mask];
}

/* Doubles the buckets; without memory the old ones stay, only slower. */
static bool grow(struct shard *shard)
{
    size_t old_count = shard->buckets ? shard->mask + 1 : 0;
    size_t new_count = old_count ? old_count * 2 : FIRST_BUCKETS;
    struct entry **old = shard->buckets;
    struct entry **buckets = host_zalloc(new_count * sizeof *buckets);

    if (!buckets)
        return old != NULL;
    shard->buckets = buckets;
    shard->mask = new_count - 1;
    for (size_t i = 0; i < old_count; i++) {
        for (struct entry *e = old[i], *next; e; e = next) {
            struct entry **bucket = bucket_of(shard, hash(e->kind, e->address));

            next = e->next;
            e->next = *bucket;
            *bucket = e;
        }
    }
    host_free(old);
    return true;
}

static struct entry *take_entry(struct shard *shard)
{
    struct entry *e = shard->free;
    struct slab *slab;

    if (e) {
        shard->free = e->next;
        return e;
    }
    slab = host_alloc(sizeof *slab, 64);
    if (!slab)
        return NULL;
    slab->next = shard->slabs;
    shard->slabs = slab;
    for (size_t i = 1; i < SLAB_ENTRIES; i++) {
        slab->entries[i].next = shard->free;
        shard->free = &slab->entries[i];
    }
    return &slab->entries[0];
}

void vf_born(enum vf_kind kind, const void *address, size_t size, uint32_t detail,
             const void *owner)
{
    uint64_t h;
    struct shard *shard;
    struct entry **bucket, *e;

    if (!vf_group_on(VF_GROUP_LEAKS))
        return;
    h = hash(kind, address);
    shard = shard_of(h);
    host_lock(&shard->lock);
    if (!shard->buckets || shard->count > shard->mask) {
        if (!grow(shard))
            goto unlock;
    }
    e = take_entry(shard);
    if (!e)
        goto unlock;
    e->address = address;
    e->owner = owner;
    e->size = size;
    e->sequence = __atomic_add_fetch(&next_sequence, 1, __ATOMIC_RELAXED);
    e->detail = detail;
    e->kind = kind;
    bucket = bucket_of(shard, h);
    e->next = *bucket;
    *bucket = e;
    shard->count++;
unlock:
    host_unlock(&shard->lock);
}

/* The link that points to the entry; NULL when there is none. With the shard's lock held. */
static struct entry **find_link(struct shard *shard, uint64_t h, enum vf_kind kind,
                                const void *address)
{
    struct entry **link;

    if (!shard->buckets)
        return NULL;
    for (link = bucket_of(shard, h); *link; link = &(*link)->next) {
        if ((*link)->address == address && (*link)->kind == kind)
            return link;
    }
    return NULL;
}

static void remove_entry(struct shard *shard, struct entry **link)
{
    struct entry *e = *link;

    *link = e->next;
    e->next = shard->free;
    shard->free = e;
    shard->count--;
}

bool vf_take(enum vf_kind kind, const void *address, uint32_t *detail)
{
    uint64_t h;
    struct shard *shard;
    struct entry **link;

    if (!vf_group_on(VF_GROUP_LEAKS))
        return true;
    h = hash(kind, address);
    shard = shard_of(h);
    host_lock(&shard->lock);
    link = find_link(shard, h, kind, address);
    if (link) {
        *detail = (*link)->detail;
        remove_entry(shard, link);
    }
    host_unlock(&shard->lock);
    return link != NULL;
}

bool vf_died(enum vf_kind kind, const void *address)
{
    uint32_t detail;

    return vf_take(kind, address, &detail);
}

bool vf_alive(enum vf_kind kind, const void *address)
{
    uint64_t h;
    struct shard *shard;
    bool alive;

    if (!vf_group_on(VF_GROUP_LEAKS))
        return true;
    h = hash(kind, address);
    shard = shard_of(h);
    host_lock(&shard->lock);
    alive = find_link(shard, h, kind, address) != NULL;
    host_unlock(&shard->lock);
    return alive;
}

bool vf_known(enum vf_kind kind, const void *address)
{
    return vf_group_on(VF_GROUP_LEAKS) && vf_alive(kind, address);
}

const void *vf_oldest(enum vf_kind kind, bool (*want)(const void *address))
{
    const void *oldest = NULL;
    uint64_t sequence = UINT64_MAX;

    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &shards[i];
        host_lock(&shard->lock);
        for (size_t b = 0; shard->buckets && b <= shard->mask; b++)
            for (const struct entry *e = shard->buckets[b]; e; e = e->next)
                if (e->kind == kind && e->sequence < sequence && want(e->address)) {
                    oldest = e->address;
                    sequence = e->sequence;
                }
        host_unlock(&shard->lock);
    }
    return oldest;
}

static bool owned(const struct entry *e, uintptr_t low, uintptr_t high)
{
    return (uintptr_t)e->owner >= low && (uintptr_t)e->owner < high;
}

/* Moves the shard's entries that [low, high) owns to the end of found[]; the new count. */
static size_t collect(struct shard *shard, uintptr_t low, uintptr_t high, struct entry *found,
                      size_t count, size_t room)
{
    host_lock(&shard->lock);
    for (size_t i = 0; shard->buckets && i <= shard->mask; i++) {
        for (struct entry **link = &shard->buckets[i]; *link && count < room;) {
            if (!owned(*link, low, high)) {
                link = &(*link)->next;
                continue;
            }
            found[count++] = **link;
            remove_entry(shard, link);
        }
    }
    host_unlock(&shard->lock);
    return count;
}

static size_t live_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < SHARDS; i++) {
        host_lock(&shards[i].lock);
        count += shards[i].count;
        host_unlock(&shards[i].lock);
    }
    return count;
}

static bool same_group(const struct entry *a, const struct entry *b)
{
    return a->kind == b->kind && a->owner == b->owner &&
           (a->kind != VF_POOL || a->detail == b->detail);
}

/* By group, then by age. */
static int compare_group(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->owner != b->owner)
        return (uintptr_t)a->owner < (uintptr_t)b->owner ? -1 : 1;
    if (a->kind == VF_POOL && a->detail != b->detail)
        return a->detail < b->detail ? -1 : 1;
    return a->sequence < b->sequence ? -1 : 1;
}

struct group {
    const struct entry *first;
    size_t count;
};

/* The oldest member of a group is its first. */
static int compare_age(const void *left, const void *right)
{
    const struct group *a = left, *b = right;

    return a->first->sequence < b->first->sequence ? -1 : 1;
}

/* A pool tag as its four characters, in memory order. */
static void tag_text(uint32_t tag, char text[5])
{
    for (int i = 0; i < 4; i++) {
        unsigned char c = tag >> 8 * i & 0xff;

        text[i] = c >= ' ' && c < 0x7f ? (char)c : '.';
    }
    text[4] = 0;
}

static void report_group(const struct group *group, const char *driver)
{
    const struct entry *e = group->first;
    size_t bytes = 0, used = 0;
    char list[160], tag[32] = "", amount[48] = "";

    for (size_t i = 0; i < group->count; i++)
        bytes += e[i].size;
    for (size_t i = 0; i < group->count && i < SHOWN_ADDRESSES; i++)
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%p", i ? ", " : "", e[i].address);
    if (group->count > SHOWN_ADDRESSES)
        snprintf(list + used, sizeof list - used, ", ...");
    if (e->kind == VF_POOL) {
        char text[5];

        tag_text(e->detail, text);
        snprintf(tag, sizeof tag, ", tag '%s'", text);
    }
    if (bytes)
        snprintf(amount, sizeof amount, ", %zu byte%s", bytes, bytes == 1 ? "" : "s");
    vf_report(VF_ERROR, kinds[e->kind].rule, kinds[e->kind].clause, e->owner,
              "%s left behind %zu %s%s%s (%s)", driver, group->count,
              group->count == 1 ? kinds[e->kind].one : kinds[e->kind].many, amount, tag, list);
}

static void report_all(struct entry *found, size_t count, struct group *groups, const char *driver)
{
    size_t group_count = 0;

    qsort(found, count, sizeof *found, compare_group);
    for (size_t i = 0; i < count; i++) {
        if (!i || !same_group(&found[i - 1], &found[i]))
            groups[group_count++] = (struct group){ &found[i], 0 };
        groups[group_count - 1].count++;
    }
    qsort(groups, group_count, sizeof *groups, compare_age);
    for (size_t i = 0; i < group_count; i++)
        report_group(&groups[i], driver);
}

unsigned vf_sweep(uintptr_t low, uintptr_t high, const char *driver)
{
    size_t room = live_count(), count = 0;
    struct entry *found;
    struct group *groups;

    if (!vf_group_on(VF_GROUP_LEAKS) || !room)
        return 0;
    found = host_alloc(room * sizeof *found, 16);
    groups = host_alloc(room * sizeof *groups, 16);
    if (!found || !groups)
        host_panic("no memory for the leak report of %zu objects", room);
    for (size_t i = 0; i < SHARDS; i++)
        count = collect(&shards[i], low, high, found, count, room);
    report_all(found, count, groups, driver);
    host_free(found);
    host_free(groups);
    return (unsigned)count;
}

unsigned vf_describe(uintptr_t low, uintptr_t high, void (*line)(void *context, const char *text),
                     void *context)
{
    unsigned counts[VF_KIND_COUNT] = { 0 }, lines = 0;
    char text[96];

    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &shards[i];
        host_lock(&shard->lock);
        for (size_t b = 0; shard->buckets && b <= shard->mask; b++)
            for (const struct entry *e = shard->buckets[b]; e; e = e->next)
                counts[e->kind] += owned(e, low, high);
        host_unlock(&shard->lock);
    }
    for (unsigned k = 0; k < VF_KIND_COUNT; k++) {
        if (!counts[k])
            continue;
        snprintf(text, sizeof text, "%u %s", counts[k],
                 counts[k] == 1 ? kinds[k].one : kinds[k].many);
        line(context, text);
        lines++;
    }
    return lines;
}

void vf_live_reset(void)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &shards[i];
        struct slab *slab, *next;

        host_lock(&shard->lock);
        for (slab = shard->slabs; slab; slab = next) {
            next = slab->next;
            host_free(slab);
        }
        host_free(shard->buckets);
        shard->buckets = NULL;
        shard->mask = shard->count = 0;
        shard->free = NULL;
        shard->slabs = NULL;
        host_unlock(&shard->lock);
    }
}
