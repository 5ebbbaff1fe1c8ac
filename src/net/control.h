/*
 * control.h: packet information to and from the system's control messages. Private to src/net.
 */
#ifndef OPENWSK_NET_CONTROL_H
#define OPENWSK_NET_CONTROL_H

#include <sys/socket.h>
#include "net/net.h"

#define NET_CONTROL_BYTES 320 /* room that is enough for every message that we enable */

/* Which packet information the caller switched on; the transport has its own uses for it, too. */
struct net_wants {
    bool v4_info, v6_info;
};

/* Fills control[] and m's control fields. `v4`: the destination is IPv4 or v4-mapped. */
void net_control_build(struct msghdr *m, void *control, const struct net_packet_info *info,
                       bool v4);
/* Overwrites *info with what m says. */
void net_control_parse(struct msghdr *m, struct net_packet_info *info,
                       const struct net_wants *wants);
/* The same for a message of the error queue. False: it is not an ICMP error. */
bool net_control_parse_error(struct msghdr *m, struct net_packet_info *info,
                             const struct net_wants *wants);

#endif
