/*
 * images.c: which driver an address belongs to, for stacks in reports.
 *
 * Reports ask from any thread, also in the middle of a crash, so there is no lock: entries are
 * never freed, `low` is published last and withdrawn first. A reader that meets an entry while it
 * is taken away or reused may at worst print the other driver's name for an address that is no
 * longer mapped.
 */
#include "run/lib/machine.h"

#include <string.h>

#define MAX_IMAGES 64

static struct image {
    uintptr_t low; /* atomic; 0: free */
    uintptr_t high;
    char name[RUN_NAME_MAX];
} images[MAX_IMAGES];

void run_image_add(uintptr_t low, uintptr_t high, const char *name)
{
    for (size_t i = 0; i < MAX_IMAGES; i++) {
        struct image *image = &images[i];
        if (__atomic_load_n(&image->low, __ATOMIC_ACQUIRE))
            continue;
        __atomic_store_n(&image->high, high, __ATOMIC_RELAXED);
        strncpy(image->name, name, sizeof(image->name) - 1);
        __atomic_store_n(&image->low, low, __ATOMIC_RELEASE);
        return;
    }
}

void run_image_remove(uintptr_t low)
{
    for (size_t i = 0; i < MAX_IMAGES; i++)
        if (__atomic_load_n(&images[i].low, __ATOMIC_ACQUIRE) == low)
            __atomic_store_n(&images[i].low, 0, __ATOMIC_RELEASE);
}

static const struct image *image_of(const void *address)
{
    uintptr_t at = (uintptr_t)address;

    for (size_t i = 0; i < MAX_IMAGES; i++) {
        uintptr_t low = __atomic_load_n(&images[i].low, __ATOMIC_ACQUIRE);
        if (low && at >= low && at < __atomic_load_n(&images[i].high, __ATOMIC_RELAXED))
            return &images[i];
    }
    return NULL;
}

const char *run_image_name(const void *address)
{
    const struct image *image = image_of(address);

    return image ? image->name : NULL;
}

uintptr_t run_image_low(const void *address)
{
    const struct image *image = image_of(address);

    return image ? __atomic_load_n(&image->low, __ATOMIC_ACQUIRE) : 0;
}
