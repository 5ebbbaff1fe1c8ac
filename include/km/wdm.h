/*
 * wdm.h: the kernel interface for drivers. Its parts are in wdm/, by topic; the names are
 * Microsoft's, so a driver's source finds them where it expects them.
 */
#ifndef OPENWSK_WDM_H
#define OPENWSK_WDM_H
#define _WDMDDK_

#include "ntdef.h"
#include "ntstatus.h"
#include "wdm/base.h"
#include "wdm/list.h"
#include "wdm/interlocked.h"
#include "wdm/ke.h"
#include "wdm/ex.h"
#include "wdm/se.h"
#include "wdm/mm.h"
#include "wdm/io.h"
#include "wdm/obps.h"
#include "wdm/rtl.h"
#include "wdm/zw.h"
#include "intrin.h"

#endif
