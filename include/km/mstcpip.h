/*
 * mstcpip.h: Microsoft's TCP/IP ioctls and their structures.
 */
#ifndef OPENWSK_MSTCPIP_H
#define OPENWSK_MSTCPIP_H
#define _MSTCPIP_

#include "ws2def.h"
#include "ws2ipdef.h"
#include "ip2string.h"

/* Times in milliseconds. */
struct tcp_keepalive {
    ULONG onoff;
    ULONG keepalivetime;
    ULONG keepaliveinterval;
};

#define SIO_RCVALL                                _WSAIOW(IOC_VENDOR, 1)
#define SIO_RCVALL_MCAST                          _WSAIOW(IOC_VENDOR, 2)
#define SIO_RCVALL_IGMPMCAST                      _WSAIOW(IOC_VENDOR, 3)
#define SIO_KEEPALIVE_VALS                        _WSAIOW(IOC_VENDOR, 4)
#define SIO_ABSORB_RTRALERT                       _WSAIOW(IOC_VENDOR, 5)
#define SIO_UCAST_IF                              _WSAIOW(IOC_VENDOR, 6)
#define SIO_LIMIT_BROADCASTS                      _WSAIOW(IOC_VENDOR, 7)
#define SIO_INDEX_BIND                            _WSAIOW(IOC_VENDOR, 8)
#define SIO_INDEX_MCASTIF                         _WSAIOW(IOC_VENDOR, 9)
#define SIO_INDEX_ADD_MCAST                       _WSAIOW(IOC_VENDOR, 10)
#define SIO_INDEX_DEL_MCAST                       _WSAIOW(IOC_VENDOR, 11)
#define SIO_UDP_CONNRESET                         _WSAIOW(IOC_VENDOR, 12)
#define SIO_LOOPBACK_FAST_PATH                    _WSAIOW(IOC_VENDOR, 16)
#define SIO_TCP_INITIAL_RTO                       _WSAIOW(IOC_VENDOR, 17)
#define SIO_APPLY_TRANSPORT_SETTING               _WSAIOW(IOC_VENDOR, 19)
#define SIO_QUERY_TRANSPORT_SETTING               _WSAIOW(IOC_VENDOR, 20)
#define SIO_TCP_SET_ICW                           _WSAIOW(IOC_VENDOR, 22)
#define SIO_TCP_SET_ACK_FREQUENCY                 _WSAIOW(IOC_VENDOR, 23)
#define SIO_TCP_INFO                              _WSAIORW(IOC_VENDOR, 39)
#define SIO_QUERY_RSS_SCALABILITY_INFO            _WSAIOR(IOC_VENDOR, 210)
#define SIO_QUERY_WFP_CONNECTION_REDIRECT_RECORDS _WSAIOW(IOC_VENDOR, 220)
#define SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT _WSAIOW(IOC_VENDOR, 221)
#define SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS   _WSAIOW(IOC_VENDOR, 222)

typedef struct _RSS_SCALABILITY_INFO {
    BOOLEAN RssEnabled;
} RSS_SCALABILITY_INFO, *PRSS_SCALABILITY_INFO;

typedef struct _TCP_INITIAL_RTO_PARAMETERS {
    USHORT Rtt;
    UCHAR MaxSynRetransmissions;
} TCP_INITIAL_RTO_PARAMETERS, *PTCP_INITIAL_RTO_PARAMETERS;

#endif
