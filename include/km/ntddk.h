/*
 * ntddk.h: wdm.h and what non-WDM drivers use besides.
 */
#ifndef OPENWSK_NTDDK_H
#define OPENWSK_NTDDK_H
#define _NTDDK_

#include "wdm.h"

#endif
