/* ws2tcpip.h: what a driver can use of it: addresses, options and (iphlpapi.h) netioapi.h. */
#ifndef OPENWSK_WS2TCPIP_H
#define OPENWSK_WS2TCPIP_H
#include "ws2def.h"
#include "ws2ipdef.h"
#include "mstcpip.h"
#endif
