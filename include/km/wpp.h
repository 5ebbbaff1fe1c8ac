/*
 * wpp.h: WPP software tracing in source mode: what a generated .tmh file stands on.
 *
 * A driver defines WPP_CONTROL_GUIDS (a list of WPP_DEFINE_CONTROL_GUID with WPP_DEFINE_BIT) and
 * calls WPP_INIT_TRACING, WPP_CLEANUP and trace functions: DoTraceMessage(FLAG, "text", ...), or
 * names of its own that a "begin_wpp config" comment describes. On Windows a tool writes a .tmh
 * file for each source; here wskcc writes them: each includes this header and defines the driver's
 * own trace functions as OW_WPP_TRACE(level, flags, format, ...). Messages go to DbgPrintEx under
 * DPFLTR_IHVDRIVER_ID; the runtime's formatter knows %!STATUS!, %!IPADDR! and their like. A driver
 * compiled with OPENWSK_NO_WPP defined has no messages, and their arguments are not evaluated.
 */
#ifndef OPENWSK_WPP_H
#define OPENWSK_WPP_H

#include "wdm.h"
#include "evntrace.h"

OW_BEGIN_C

/* Prints a trace message. Function, Level and Flags replace %!FUNC!, %!LEVEL!, %!FLAGS!. */
NTKERNELAPI VOID NTAPI openwsk_wpp_trace(PCSTR Function, PCSTR Level, PCSTR Flags, PCSTR Format,
                                         ...);

OW_END_C

#ifdef OPENWSK_NO_WPP
#define openwsk_wpp_trace(...) ((void)0)
#endif
#define OW_WPP_TRACE(level, flags, ...) openwsk_wpp_trace(__func__, #level, #flags, __VA_ARGS__)
#ifndef DoTraceMessage
#define DoTraceMessage(flags, ...) OW_WPP_TRACE(, flags, __VA_ARGS__)
#endif
#ifndef DoTraceLevelMessage
#define DoTraceLevelMessage(level, flags, ...) OW_WPP_TRACE(level, flags, __VA_ARGS__)
#endif

/* Tracing is always on: there is no session that would switch it. */
#ifndef WPP_INIT_TRACING
#define WPP_INIT_TRACING(...) ((void)0)
#endif
#ifndef WPP_CLEANUP
#define WPP_CLEANUP(...) ((void)0)
#endif
#ifndef WPP_SYSTEMCONTROL
#define WPP_SYSTEMCONTROL(...)  ((void)0)
#define WPP_SYSTEMCONTROL2(...) ((void)0)
#endif
#ifndef WPP_ENABLED
#define WPP_ENABLED() 1
#endif
#ifndef WPP_LEVEL_ENABLED
#define WPP_LEVEL_ENABLED(flag) 1
#endif
#ifndef WPP_FLAG_ENABLED
#define WPP_FLAG_ENABLED(flag) 1
#endif
#ifndef WPP_CHECK_FOR_NULL_STRING
#define WPP_CHECK_FOR_NULL_STRING 1
#endif
#ifndef WPP_DEFINE_CONTROL_GUID
#define WPP_DEFINE_CONTROL_GUID(name, guid, bits)
#define WPP_DEFINE_BIT(name)
#endif

#endif
