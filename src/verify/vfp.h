/*
 * vfp.h: what the files of verify/ share.
 */
#ifndef OPENWSK_VFP_H
#define OPENWSK_VFP_H

#include "verify/vf.h"

/* Bits of vf_checks: the leak table, then one per group of rule ids. */
enum vf_group {
    VF_GROUP_LEAKS,
    VF_GROUP_IRQL,
    VF_GROUP_IRP,
    VF_GROUP_MDL,
    VF_GROUP_POOL,
    VF_GROUP_LOCK,
    VF_GROUP_WAIT,
    VF_GROUP_OBJ,
    VF_GROUP_LIST,
    VF_GROUP_STR,
    VF_GROUP_WSK,
    VF_GROUP_NMR,
    VF_GROUP_UNLOAD,
    VF_GROUP_STACK,
    VF_GROUP_DDI,
    VF_GROUP_COUNT
};

/* Written by vf_configure() only, before drivers run; read everywhere. */
extern uint32_t vf_checks;

static inline bool vf_group_on(enum vf_group group)
{
    return __atomic_load_n(&vf_checks, __ATOMIC_RELAXED) & (1u << group);
}

/* true when reports under that rule id ("VF-POOL-07") are wanted; unknown groups always are. */
bool vf_rule_on(const char *rule);
/* Forgets every live object without a report. */
void vf_live_reset(void);

#endif
