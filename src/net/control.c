/*
 * control.c: packet information to and from the system's control messages. Pure functions.
 */
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include "net/addr.h"
#include "net/control.h"

static void add(struct msghdr *m, int level, int type, const void *data, size_t size)
{
    struct cmsghdr *c = (struct cmsghdr *)((char *)m->msg_control + m->msg_controllen);

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memset(CMSG_DATA(c), 0, CMSG_SPACE(size) - CMSG_LEN(0));
    memcpy(CMSG_DATA(c), data, size);
    m->msg_controllen += CMSG_SPACE(size);
}

static void add_source(struct msghdr *m, const struct net_packet_info *info, bool v4)
{
    struct net_addr source = { 0 };
    struct in_pktinfo p4 = { 0 };
    struct in6_pktinfo p6;

    if (info->present & NET_INFO_DST)
        source = info->dst;
    net_addr_unmap(&source);
    if (v4) {
        p4.ipi_ifindex = (info->present & NET_INFO_IFINDEX) ? (int)info->ifindex : 0;
        if (source.family == NET_IP4)
            memcpy(&p4.ipi_spec_dst, source.ip, 4);
        add(m, IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));
        return;
    }
    memset(&p6, 0, sizeof(p6));
    p6.ipi6_ifindex = (info->present & NET_INFO_IFINDEX) ? info->ifindex : 0;
    if (source.family == NET_IP6)
        memcpy(&p6.ipi6_addr, source.ip, 16);
    add(m, IPPROTO_IPV6, IPV6_PKTINFO, &p6, sizeof(p6));
}

void net_control_build(struct msghdr *m, void *control, const struct net_packet_info *info, bool v4)
{
    m->msg_control = control;
    m->msg_controllen = 0;
    if (info->present & (NET_INFO_DST | NET_INFO_IFINDEX))
        add_source(m, info, v4);
    if (info->present & NET_INFO_TTL)
        add(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_HOPLIMIT, &info->ttl,
            sizeof(int));
    if (info->present & NET_INFO_TOS)
        add(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &info->tos, sizeof(int));
    if (info->present & NET_INFO_SEGMENT) {
        uint16_t segment = (uint16_t)info->segment_bytes;

        add(m, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
    }
    if (m->msg_controllen == 0)
        m->msg_control = NULL;
}

static void set_dst(struct net_packet_info *info, unsigned family, const void *ip, uint32_t ifindex)
{
    memset(&info->dst, 0, sizeof(info->dst));
    info->dst.family = (uint16_t)family;
    memcpy(info->dst.ip, ip, family == NET_IP4 ? 4 : 16);
    net_addr_unmap(&info->dst);
    info->ifindex = ifindex;
}

/* IPv4 destination: its kind can be told from the addresses that the kernel gives. */
static void read_v4_info(const struct cmsghdr *c, struct net_packet_info *info, bool report)
{
    struct in_pktinfo p;
    uint32_t to;

    memcpy(&p, CMSG_DATA(c), sizeof(p));
    to = ntohl(p.ipi_addr.s_addr);
    if (IN_MULTICAST(to))
        info->present |= NET_INFO_MULTICAST;
    else if (to == INADDR_BROADCAST ||
             (p.ipi_spec_dst.s_addr != 0 && p.ipi_spec_dst.s_addr != p.ipi_addr.s_addr))
        info->present |= NET_INFO_BROADCAST;
    if (report) {
        set_dst(info, NET_IP4, &p.ipi_addr, (uint32_t)p.ipi_ifindex);
        info->present |= NET_INFO_DST | NET_INFO_IFINDEX;
    }
}

static void read_v6_info(const struct cmsghdr *c, struct net_packet_info *info, bool report)
{
    struct in6_pktinfo p;

    memcpy(&p, CMSG_DATA(c), sizeof(p));
    if (IN6_IS_ADDR_MULTICAST(&p.ipi6_addr))
        info->present |= NET_INFO_MULTICAST;
    /* IPv4 packets on a dual-stack socket bring both messages; the IPv4 one says the same. */
    if (report && !(info->present & NET_INFO_DST)) {
        set_dst(info, NET_IP6, &p.ipi6_addr, p.ipi6_ifindex);
        info->present |= NET_INFO_DST | NET_INFO_IFINDEX;
    }
}

static int read_int(const struct cmsghdr *c)
{
    int value = 0;

    if (c->cmsg_len >= CMSG_LEN(sizeof(int)))
        memcpy(&value, CMSG_DATA(c), sizeof(int));
    else if (c->cmsg_len > CMSG_LEN(0))
        value = *(const uint8_t *)CMSG_DATA(c);
    return value;
}

static void read_ip(const struct cmsghdr *c, struct net_packet_info *info,
                    const struct net_wants *wants)
{
    if (c->cmsg_type == IP_PKTINFO) {
        read_v4_info(c, info, wants->v4_info || wants->v6_info);
    } else if (c->cmsg_type == IP_TTL) {
        info->ttl = read_int(c);
        info->present |= NET_INFO_TTL;
    } else if (c->cmsg_type == IP_TOS) {
        info->tos = read_int(c);
        info->present |= NET_INFO_TOS;
    }
}

static void read_ip6(const struct cmsghdr *c, struct net_packet_info *info,
                     const struct net_wants *wants)
{
    if (c->cmsg_type == IPV6_PKTINFO) {
        read_v6_info(c, info, wants->v6_info);
    } else if (c->cmsg_type == IPV6_HOPLIMIT) {
        info->ttl = read_int(c);
        info->present |= NET_INFO_TTL;
    } else if (c->cmsg_type == IPV6_TCLASS) {
        info->tos = read_int(c);
        info->present |= NET_INFO_TOS;
    }
}

void net_control_parse(struct msghdr *m, struct net_packet_info *info,
                       const struct net_wants *wants)
{
    info->present = 0;
    if (m->msg_flags & MSG_TRUNC)
        info->present |= NET_INFO_TRUNCATED;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP) {
            read_ip(c, info, wants);
        } else if (c->cmsg_level == IPPROTO_IPV6) {
            read_ip6(c, info, wants);
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            info->segment_bytes = (uint32_t)read_int(c);
            info->present |= NET_INFO_SEGMENT;
        }
    }
}

bool net_control_parse_error(struct msghdr *m, struct net_packet_info *info,
                             const struct net_wants *wants)
{
    struct sock_extended_err e;

    net_control_parse(m, info, wants);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
            !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof(e));
        if (e.ee_origin != SO_EE_ORIGIN_ICMP && e.ee_origin != SO_EE_ORIGIN_ICMP6)
            return false;
        info->present |= NET_INFO_ERROR;
        info->error.code_errno = (int)e.ee_errno;
        info->error.icmp_type = e.ee_type;
        info->error.icmp_code = e.ee_code;
        info->error.info = e.ee_info;
        net_addr_from_system(&info->error.offender,
                             SO_EE_OFFENDER((struct sock_extended_err *)CMSG_DATA(c)));
        return true;
    }
    return false;
}
