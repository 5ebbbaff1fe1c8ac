/*
 * wdmsec.h: security descriptors for IoCreateDeviceSecure.
 */
#ifndef OPENWSK_WDMSEC_H
#define OPENWSK_WDMSEC_H

#include "wdm.h"

OW_BEGIN_C

#define OW_SDDL(name, text)                                                                        \
    static const UNICODE_STRING name __attribute__((unused)) = RTL_CONSTANT_STRING(text)
OW_SDDL(SDDL_DEVOBJ_KERNEL_ONLY, L"D:P");
OW_SDDL(SDDL_DEVOBJ_SYS_ALL, L"D:P(A;;GA;;;SY)");
OW_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_ALL, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
OW_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RX, L"D:P(A;;GA;;;SY)(A;;GRGX;;;BA)");
OW_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)");
OW_SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RW_RES_R,
        L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGW;;;WD)(A;;GR;;;RC)");
#undef OW_SDDL
#ifndef OPENWSK_RUNTIME
#define IoCreateDeviceSecure WdmlibIoCreateDeviceSecure
#endif

OW_END_C

#endif
