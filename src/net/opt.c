/*
 * opt.c: socket options by neutral name.
 *
 * opt.def says what each name maps to. Most are handed on as they are; multicast options have a
 * neutral form (struct net_mreq), which is turned into the system's here. No state.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include "net/addr.h"
#include "net/opt.h"

enum form { INT, BLOB };

static const struct row {
    int level, option;
    enum form form;
} rows[NET_OPT_COUNT] = {
#define NET_OPT(name, level, option, type) [NET_OPT_##name] = { level, option, type },
#include "net/opt.def"
#undef NET_OPT
};

union system_mreq {
    struct ip_mreqn v4;
    struct ip_mreq_source v4_source;
    struct ipv6_mreq v6;
    struct group_source_req group;
};

static void to_in_addr(struct in_addr *out, const struct net_addr *a)
{
    out->s_addr = INADDR_ANY;
    if (a->family == NET_IP4)
        memcpy(out, a->ip, 4);
}

/* IPv4's source options name the interface by address only; by index there is another family of
 * options. */
static int source_option_by_index(enum net_opt opt)
{
    switch (opt) {
    case NET_OPT_IP_ADD_SOURCE:
        return MCAST_JOIN_SOURCE_GROUP;
    case NET_OPT_IP_DROP_SOURCE:
        return MCAST_LEAVE_SOURCE_GROUP;
    case NET_OPT_IP_BLOCK_SOURCE:
        return MCAST_BLOCK_SOURCE;
    case NET_OPT_IP_UNBLOCK_SOURCE:
        return MCAST_UNBLOCK_SOURCE;
    default:
        return -1;
    }
}

static bool takes_mreq(enum net_opt opt)
{
    return opt == NET_OPT_IP_MULTICAST_IF || opt == NET_OPT_IP_ADD_MEMBERSHIP ||
           opt == NET_OPT_IP_DROP_MEMBERSHIP || opt == NET_OPT_IPV6_ADD_MEMBERSHIP ||
           opt == NET_OPT_IPV6_DROP_MEMBERSHIP || source_option_by_index(opt) >= 0;
}

static int set_source(int fd, enum net_opt opt, const struct net_mreq *in)
{
    union system_mreq m;

    memset(&m, 0, sizeof(m));
    if (in->ifindex && in->interface.family == NET_UNSPEC) {
        m.group.gsr_interface = in->ifindex;
        net_addr_to_system(&in->group, (union net_sockaddr *)&m.group.gsr_group);
        net_addr_to_system(&in->source, (union net_sockaddr *)&m.group.gsr_source);
        return setsockopt(fd, IPPROTO_IP, source_option_by_index(opt), &m.group, sizeof(m.group));
    }
    to_in_addr(&m.v4_source.imr_multiaddr, &in->group);
    to_in_addr(&m.v4_source.imr_interface, &in->interface);
    to_in_addr(&m.v4_source.imr_sourceaddr, &in->source);
    return setsockopt(fd, IPPROTO_IP, rows[opt].option, &m.v4_source, sizeof(m.v4_source));
}

static int set_mreq(int fd, enum net_opt opt, const struct net_mreq *in)
{
    union system_mreq m;

    memset(&m, 0, sizeof(m));
    if (source_option_by_index(opt) >= 0)
        return set_source(fd, opt, in);
    if (rows[opt].level == IPPROTO_IPV6) {
        memcpy(&m.v6.ipv6mr_multiaddr, in->group.ip, 16);
        m.v6.ipv6mr_interface = in->ifindex;
        return setsockopt(fd, IPPROTO_IPV6, rows[opt].option, &m.v6, sizeof(m.v6));
    }
    to_in_addr(&m.v4.imr_multiaddr, &in->group);
    to_in_addr(&m.v4.imr_address, &in->interface);
    m.v4.imr_ifindex = (int)in->ifindex;
    return setsockopt(fd, IPPROTO_IP, rows[opt].option, &m.v4, sizeof(m.v4));
}

int net_opt_set(int fd, enum net_opt opt, const void *data, size_t length)
{
    int r;

    if ((unsigned)opt >= NET_OPT_COUNT)
        return -ENOPROTOOPT;
    if (takes_mreq(opt)) {
        if (length != sizeof(struct net_mreq))
            return -EINVAL;
        r = set_mreq(fd, opt, data);
    } else {
        if (rows[opt].form == INT && length != sizeof(int))
            return -EINVAL;
        r = setsockopt(fd, rows[opt].level, rows[opt].option, data, (socklen_t)length);
    }
    return r < 0 ? -errno : 0;
}

static int get_multicast_if(int fd, void *data, size_t *length)
{
    struct net_mreq *out = data;
    struct in_addr in;
    socklen_t size = sizeof(in);

    if (*length < sizeof(*out))
        return -EINVAL;
    if (getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &in, &size) < 0)
        return -errno;
    memset(out, 0, sizeof(*out));
    out->interface.family = NET_IP4;
    memcpy(out->interface.ip, &in, 4);
    *length = sizeof(*out);
    return 0;
}

int net_opt_get(int fd, enum net_opt opt, void *data, size_t *length)
{
    socklen_t size = (socklen_t)*length;

    if ((unsigned)opt >= NET_OPT_COUNT)
        return -ENOPROTOOPT;
    if (opt == NET_OPT_IP_MULTICAST_IF)
        return get_multicast_if(fd, data, length);
    if (takes_mreq(opt))
        return -ENOPROTOOPT;
    if (rows[opt].form == INT && *length < sizeof(int))
        return -EINVAL;
    if (getsockopt(fd, rows[opt].level, rows[opt].option, data, &size) < 0)
        return -errno;
    *length = size;
    return 0;
}
