/*
 * netiodef.h: the network headers that kernel modules share: addresses and the order of bytes.
 */
#ifndef OPENWSK_NETIODEF_H
#define OPENWSK_NETIODEF_H

#include "ws2def.h"
#include "ws2ipdef.h"

#endif
