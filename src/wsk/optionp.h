/*
 * optionp.h: what the files of WskControlSocket's options share: a row of the table, the reading
 * and writing of values, and the handlers that rows name. Private to src/wsk.
 *
 * A handler runs under the socket's lock, which protects Options and the datagram state; it is held
 * over the network's ctl(), which never calls back.
 */
#ifndef OPENWSK_WSK_OPTIONP_H
#define OPENWSK_WSK_OPTIONP_H

#include "wsk/wskp.h"

#include <ws2ipdef.h>
#include <mstcpip.h>

typedef struct _WSKP_OPTION WSKP_OPTION;
typedef NTSTATUS WSKP_OPTION_HANDLER(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c);

/* A row of the table. Rules are the table's, Net and Argument the handlers' own. */
struct _WSKP_OPTION {
    INT Level;
    ULONG Code;
    ULONG Categories;
    ULONG Rules;
    WSKP_OPTION_HANDLER *Set, *Get;
    enum net_opt Net;
    ULONG Argument;
};

/* ---- values (optvalue.c) ----------------------------------------------------------------- */

/* D53: any size from one byte on; on if one of the first four is not zero. */
NTSTATUS WskpReadBoolean(const WSKP_CONTROL *c, BOOLEAN *Value);
NTSTATUS WskpWriteBoolean(WSKP_CONTROL *c, BOOLEAN Value);
/* At least so many bytes, or STATUS_INVALID_PARAMETER and a finding. */
NTSTATUS WskpReadBytes(const WSKP_CONTROL *c, void *Out, SIZE_T Size);
/* STATUS_BUFFER_OVERFLOW, and what is needed, when there is less room. */
NTSTATUS WskpWriteBytes(WSKP_CONTROL *c, const void *Data, SIZE_T Size);
NTSTATUS WskpWriteNumber(WSKP_CONTROL *c, ULONG Value);

/* The network's options, with a status of an option for its answer. */
NTSTATUS WskpNetSet(WSKP_SOCKET *s, enum net_opt Option, const void *Data, SIZE_T Length);
NTSTATUS WskpNetSetInt(WSKP_SOCKET *s, enum net_opt Option, int Value);
NTSTATUS WskpNetGetInt(WSKP_SOCKET *s, enum net_opt Option, int *Value);
NTSTATUS WskpOptionStatus(int Result);

/* Handlers for the shapes of values; Unsupported answers STATUS_NOT_SUPPORTED; what is remembered
 * are options that Linux does without. */
extern WSKP_OPTION_HANDLER WskpSetFlag, WskpGetFlag, WskpSetNumber, WskpGetNumber, WskpSetBlob,
    WskpGetBlob, WskpUnsupported, WskpSetRemembered, WskpGetRemembered;

/* ---- SOL_SOCKET (optsocket.c) ------------------------------------------------------------ */

extern WSKP_OPTION_HANDLER WskpSetReuse, WskpGetReuse, WskpSetExclusive, WskpGetExclusive,
    WskpSetKeepAlive, WskpSetReceiveBuffer, WskpGetReceiveBuffer, WskpSetSendBuffer,
    WskpGetSendBuffer, WskpSetLinger, WskpGetLinger, WskpGetError, WskpGetType, WskpSetConditional,
    WskpGetConditional, WskpSetSecurity, WskpGetSecurity;

/* ---- IPPROTO_IP, IPPROTO_IPV6 (optip.c) -------------------------------------------------- */

extern WSKP_OPTION_HANDLER WskpSetTrafficClass, WskpSetDontFragment, WskpGetDontFragment,
    WskpSetMtuDiscover, WskpGetMtuDiscover, WskpSetUnicastIf6, WskpGetUnicastIf6, WskpSetV6Only,
    WskpSetReceiveBroadcast, WskpGetReceiveBroadcast, WskpSetMulticastIf4, WskpGetMulticastIf4,
    WskpSetMembership4, WskpSetSource4, WskpSetMembership6;
extern WSKP_OPTION_HANDLER WskpSetInfo, WskpGetInfo;

/* ---- IPPROTO_TCP, IPPROTO_UDP (opttcp.c) ------------------------------------------------- */

extern WSKP_OPTION_HANDLER WskpSetNoDelay, WskpSetNoSynRetries, WskpGetNoSynRetries,
    WskpSetFastOpen, WskpGetFastOpen, WskpSetMessageSize, WskpGetMessageSize, WskpSetCoalescedSize,
    WskpGetCoalescedSize;

#endif
