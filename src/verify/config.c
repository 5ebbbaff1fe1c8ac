/*
 * config.c: which checks are on (--verify=LIST).
 *
 * A check is a bit: one for the table of live objects, one for each group of rule ids. Turning a
 * group off silences its reports; turning "leaks" off also makes vf_born() and vf_died() a load and
 * a branch. The word is set before drivers run and only read afterwards, so it needs no lock.
 */
#include "verify/vfp.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *const group_names[VF_GROUP_COUNT] = {
    [VF_GROUP_LEAKS] = "leaks",   [VF_GROUP_IRQL] = "irql",   [VF_GROUP_IRP] = "irp",
    [VF_GROUP_MDL] = "mdl",       [VF_GROUP_POOL] = "pool",   [VF_GROUP_LOCK] = "lock",
    [VF_GROUP_WAIT] = "wait",     [VF_GROUP_OBJ] = "obj",     [VF_GROUP_LIST] = "list",
    [VF_GROUP_STR] = "str",       [VF_GROUP_WSK] = "wsk",     [VF_GROUP_NMR] = "nmr",
    [VF_GROUP_UNLOAD] = "unload", [VF_GROUP_STACK] = "stack", [VF_GROUP_DDI] = "ddi",
};

#define ALL_CHECKS ((1u << VF_GROUP_COUNT) - 1)

uint32_t vf_checks = ALL_CHECKS;

static uint32_t find_group(const char *name, size_t length)
{
    for (unsigned i = 0; i < VF_GROUP_COUNT; i++) {
        if (strlen(group_names[i]) == length && !strncasecmp(group_names[i], name, length))
            return 1u << i;
    }
    return 0;
}

static bool is_word(const char *name, size_t length, const char *word)
{
    return strlen(word) == length && !strncasecmp(word, name, length);
}

int vf_configure(const char *list, const char **bad)
{
    uint32_t checks = 0;

    while (*list) {
        size_t length = strcspn(list, ",");
        uint32_t bits = find_group(list, length);

        if (is_word(list, length, "standard") || is_word(list, length, "all"))
            bits = ALL_CHECKS;
        if (!bits && length && !is_word(list, length, "none")) {
            if (bad)
                *bad = list;
            return -EINVAL;
        }
        checks |= bits;
        list += length + (list[length] == ',');
    }
    __atomic_store_n(&vf_checks, checks, __ATOMIC_RELAXED);
    return 0;
}

bool vf_enabled(void)
{
    return __atomic_load_n(&vf_checks, __ATOMIC_RELAXED) != 0;
}

bool vf_rule_on(const char *rule)
{
    const char *name = strncmp(rule, "VF-", 3) ? rule : rule + 3;
    uint32_t bit = find_group(name, strcspn(name, "-"));

    return !bit || (__atomic_load_n(&vf_checks, __ATOMIC_RELAXED) & bit);
}
