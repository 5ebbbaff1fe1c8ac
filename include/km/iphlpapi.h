/* iphlpapi.h: what a driver can use of it: addresses, options and (iphlpapi.h) netioapi.h. */
#ifndef OPENWSK_IPHLPAPI_H
#define OPENWSK_IPHLPAPI_H
#include "ws2def.h"
#include "ws2ipdef.h"
#include "mstcpip.h"
#include "netioapi.h"
#endif
