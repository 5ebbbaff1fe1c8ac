/*
 * address.c: Windows socket addresses and net.h's neutral ones.
 *
 * An AF_INET6 socket shows IPv4 peers as v4-mapped SOCKADDR_IN6 (D50); the network may name the
 * same peer in either form, so comparisons and output accept both. Pure functions: no state, no
 * locks.
 */
#include "wsk/wskp.h"

static const UCHAR MappedPrefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

BOOLEAN WskpAddressIsMapped(const struct net_addr *Address)
{
    return Address->family == NET_IP6 &&
           memcmp(Address->ip, MappedPrefix, sizeof(MappedPrefix)) == 0;
}

/* The IPv4 form of a v4-mapped address; others unchanged. */
void WskpAddressUnmap(struct net_addr *Address)
{
    if (!WskpAddressIsMapped(Address))
        return;
    memmove(Address->ip, Address->ip + 12, 4);
    memset(Address->ip + 4, 0, 12);
    Address->family = NET_IP4;
    Address->flow_info = 0;
    Address->scope_id = 0;
}

SIZE_T WskpAddressSize(ADDRESS_FAMILY Family)
{
    return Family == AF_INET6 ? sizeof(SOCKADDR_IN6) : sizeof(SOCKADDR_IN);
}

NTSTATUS WskpAddressIn(ADDRESS_FAMILY Family, const SOCKADDR *Address, struct net_addr *Out)
{
    ADDRESS_FAMILY given;

    if (!Address)
        return STATUS_INVALID_PARAMETER;
    memcpy(&given, Address, sizeof(given));
    if (given != Family)
        return STATUS_INVALID_PARAMETER;
    memset(Out, 0, sizeof(*Out));
    if (Family == AF_INET) {
        SOCKADDR_IN in;
        memcpy(&in, Address, sizeof(in));
        Out->family = NET_IP4;
        Out->port = __builtin_bswap16(in.sin_port);
        memcpy(Out->ip, &in.sin_addr, 4);
        return STATUS_SUCCESS;
    }
    if (Family == AF_INET6) {
        SOCKADDR_IN6 in6;
        memcpy(&in6, Address, sizeof(in6));
        Out->family = NET_IP6;
        Out->port = __builtin_bswap16(in6.sin6_port);
        memcpy(Out->ip, &in6.sin6_addr, 16);
        Out->flow_info = in6.sin6_flowinfo;
        Out->scope_id = in6.sin6_scope_id;
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

void WskpAddressOut(ADDRESS_FAMILY Family, const struct net_addr *Address, PSOCKADDR Out)
{
    if (Family == AF_INET) {
        SOCKADDR_IN in;
        struct net_addr v4 = *Address;

        WskpAddressUnmap(&v4);
        memset(&in, 0, sizeof(in));
        in.sin_family = AF_INET;
        in.sin_port = __builtin_bswap16(v4.port);
        if (v4.family == NET_IP4)
            memcpy(&in.sin_addr, v4.ip, 4);
        memcpy(Out, &in, sizeof(in));
        return;
    }
    SOCKADDR_IN6 in6;
    memset(&in6, 0, sizeof(in6));
    in6.sin6_family = AF_INET6;
    in6.sin6_port = __builtin_bswap16(Address->port);
    if (Address->family == NET_IP4) {
        memcpy(&in6.sin6_addr, MappedPrefix, sizeof(MappedPrefix));
        memcpy((PUCHAR)&in6.sin6_addr + 12, Address->ip, 4);
    } else if (Address->family == NET_IP6) {
        memcpy(&in6.sin6_addr, Address->ip, 16);
        in6.sin6_flowinfo = Address->flow_info;
        in6.sin6_scope_id = Address->scope_id;
    }
    memcpy(Out, &in6, sizeof(in6));
}

BOOLEAN WskpAddressSameIp(const struct net_addr *A, const struct net_addr *B)
{
    struct net_addr a = *A, b = *B;

    WskpAddressUnmap(&a);
    WskpAddressUnmap(&b);
    if (a.family != b.family)
        return FALSE;
    if (a.family == NET_IP4)
        return memcmp(a.ip, b.ip, 4) == 0;
    if (memcmp(a.ip, b.ip, 16) != 0)
        return FALSE;
    return a.scope_id == b.scope_id || a.scope_id == 0 || b.scope_id == 0;
}

BOOLEAN WskpAddressEqual(const struct net_addr *A, const struct net_addr *B)
{
    return A->port == B->port && WskpAddressSameIp(A, B);
}

BOOLEAN WskpAddressIsAny(const struct net_addr *A)
{
    static const UCHAR zero[16];
    struct net_addr a = *A;

    WskpAddressUnmap(&a);
    return memcmp(a.ip, zero, a.family == NET_IP4 ? 4 : 16) == 0;
}

BOOLEAN WskpAddressIsLoopback(const struct net_addr *A)
{
    static const UCHAR one[16] = { [15] = 1 };
    struct net_addr a = *A;

    WskpAddressUnmap(&a);
    if (a.family == NET_IP4)
        return a.ip[0] == 127;
    return memcmp(a.ip, one, 16) == 0;
}
