/*
 * module.c: drivers as shared objects, through the C library's loader.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/host.h"

struct host_module {
    void *handle;
    uintptr_t low, high;
};

struct search {
    const struct link_map *map;
    uintptr_t low, high;
};

static int match_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *s = arg;

    (void)size;
    if (info->dlpi_addr != s->map->l_addr || strcmp(info->dlpi_name, s->map->l_name) != 0)
        return 0;
    s->low = UINTPTR_MAX;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + ph->p_vaddr;

        if (ph->p_type != PT_LOAD)
            continue;
        if (start < s->low)
            s->low = start;
        if (start + ph->p_memsz > s->high)
            s->high = start + ph->p_memsz;
    }
    return 1;
}

struct host_module *host_module_open(const char *path, char *why, size_t size)
{
    struct host_module *m = calloc(1, sizeof(*m));
    struct search s = { NULL, 0, 0 };
    struct link_map *map = NULL;

    if (!m) {
        snprintf(why, size, "out of memory");
        return NULL;
    }
    m->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!m->handle) {
        const char *text = dlerror();

        snprintf(why, size, "%s", text ? text : "unknown loader error");
        free(m);
        return NULL;
    }
    if (dlinfo(m->handle, RTLD_DI_LINKMAP, &map) == 0) {
        s.map = map;
        dl_iterate_phdr(match_object, &s);
    }
    m->low = s.low;
    m->high = s.high;
    return m;
}

void *host_module_symbol(struct host_module *m, const char *name)
{
    return dlsym(m->handle, name);
}

void host_module_range(struct host_module *m, uintptr_t *low, uintptr_t *high)
{
    *low = m->low;
    *high = m->high;
}

void host_module_close(struct host_module *m)
{
    dlclose(m->handle);
    free(m);
}
