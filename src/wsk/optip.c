/*
 * optip.c: options of the levels IPPROTO_IP and IPPROTO_IPV6.
 */
#include "wsk/optionp.h"

/* ---- IP: traffic class, fragmentation, interfaces ---------------------------------------- */

NTSTATUS WskpSetTrafficClass(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (value > 255)
        return STATUS_INVALID_PARAMETER;
    status = WskpNetSetInt(s, o->Net, (int)value);
    if (NT_SUCCESS(status))
        __atomic_store_n(&s->Options.TrafficClass, (INT)value, __ATOMIC_RELAXED);
    return status;
}

/* Path MTU discovery: Windows' number for each of the network's 0 dont, 1 want, 2 do, 3 probe. */
static const ULONG MtuDiscoverWindows[] = { 2, 0, 1, 3 };

NTSTATUS WskpSetDontFragment(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    return NT_SUCCESS(status) ? WskpNetSetInt(s, o->Net, on ? 2 : 0) : status;
}

NTSTATUS WskpGetDontFragment(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WskpWriteBoolean(c, value == 2) : status;
}

NTSTATUS WskpSetMtuDiscover(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    for (int i = 0; i < (int)RTL_NUMBER_OF(MtuDiscoverWindows); i++)
        if (MtuDiscoverWindows[i] == value)
            return WskpNetSetInt(s, o->Net, i);
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS WskpGetMtuDiscover(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    if (!NT_SUCCESS(status))
        return status;
    if (value < 0 || value >= (int)RTL_NUMBER_OF(MtuDiscoverWindows))
        return STATUS_NOT_SUPPORTED;
    return WskpWriteNumber(c, MtuDiscoverWindows[value]);
}

/* IPV6_UNICAST_IF has host byte order on Windows and network byte order on Linux. */
NTSTATUS WskpSetUnicastIf6(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    return NT_SUCCESS(status) ? WskpNetSetInt(s, o->Net, (int)__builtin_bswap32(value)) : status;
}

NTSTATUS WskpGetUnicastIf6(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WskpWriteNumber(c, __builtin_bswap32((ULONG)value)) : status;
}

NTSTATUS WskpSetV6Only(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        status = WskpNetSetInt(s, o->Net, on);
    if (NT_SUCCESS(status))
        s->Options.V6Only = on;
    return status;
}

NTSTATUS WskpSetReceiveBroadcast(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (NT_SUCCESS(status) && s->Datagram)
        s->Datagram->IgnoreBroadcast = !on;
    return status;
}

NTSTATUS WskpGetReceiveBroadcast(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WskpWriteBoolean(c, !s->Datagram || !s->Datagram->IgnoreBroadcast);
}

/* An interface by address, or by index in the form 0.x.y.z. */
static void InterfaceOf(ULONG Value, struct net_mreq *Request)
{
    ULONG host = __builtin_bswap32(Value);

    if (host == 0)
        return;
    if (host < 0x01000000) {
        Request->ifindex = host;
        return;
    }
    Request->interface.family = NET_IP4;
    memcpy(Request->interface.ip, &Value, sizeof(Value));
}

NTSTATUS WskpSetMulticastIf4(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    struct net_mreq request = { .ifindex = 0 };
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    InterfaceOf(value, &request);
    status = WskpNetSet(s, o->Net, &request, sizeof(request));
    if (NT_SUCCESS(status))
        s->Options.MulticastInterface = value;
    return status;
}

NTSTATUS WskpGetMulticastIf4(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WskpWriteNumber(c, s->Options.MulticastInterface);
}

NTSTATUS WskpSetMembership4(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG in[2]; /* group, interface */
    struct net_mreq request = { .group.family = NET_IP4 };
    NTSTATUS status = WskpReadBytes(c, in, sizeof(in));

    if (!NT_SUCCESS(status))
        return status;
    memcpy(request.group.ip, &in[0], 4);
    InterfaceOf(in[1], &request);
    return WskpNetSet(s, o->Net, &request, sizeof(request));
}

NTSTATUS WskpSetSource4(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG in[3]; /* group, source, interface: Windows' order */
    struct net_mreq request = { .group.family = NET_IP4, .source.family = NET_IP4 };
    NTSTATUS status = WskpReadBytes(c, in, sizeof(in));

    if (!NT_SUCCESS(status))
        return status;
    memcpy(request.group.ip, &in[0], 4);
    memcpy(request.source.ip, &in[1], 4);
    InterfaceOf(in[2], &request);
    return WskpNetSet(s, o->Net, &request, sizeof(request));
}

NTSTATUS WskpSetMembership6(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    struct {
        UCHAR Group[16];
        ULONG Interface;
    } in;
    struct net_mreq request = { .group.family = NET_IP6 };
    NTSTATUS status = WskpReadBytes(c, &in, sizeof(in));

    if (!NT_SUCCESS(status))
        return status;
    memcpy(request.group.ip, in.Group, 16);
    request.ifindex = in.Interface;
    return WskpNetSet(s, o->Net, &request, sizeof(request));
}

/* ---- what arrives with datagrams --------------------------------------------------------- */

/* The network's options that deliver what the bits stand for. */
static const struct {
    ULONG Bits;
    enum net_opt Net;
} InfoSources[] = {
    { WSKP_INFO_PKTINFO4 | WSKP_INFO_IF4 | WSKP_INFO_DST4, NET_OPT_IP_PKTINFO },
    { WSKP_INFO_TTL4, NET_OPT_IP_RECVTTL },
    { WSKP_INFO_TOS4 | WSKP_INFO_ECN4, NET_OPT_IP_RECVTOS },
    { WSKP_INFO_ERR4, NET_OPT_IP_RECVERR },
    { WSKP_INFO_HOPS6, NET_OPT_IPV6_RECVHOPLIMIT },
    { WSKP_INFO_TCLASS6 | WSKP_INFO_ECN6, NET_OPT_IPV6_RECVTCLASS },
    { WSKP_INFO_ERR6, NET_OPT_IPV6_RECVERR },
    /* On AF_INET6 sockets the destination address tells IPv4 packets from IPv6 ones: always wanted.
     */
    { ~(ULONG)WSKP_INFO_COALESCED, NET_OPT_IPV6_RECVPKTINFO },
};

static NTSTATUS ApplyInfoMask(WSKP_SOCKET *s, ULONG Old, ULONG New)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(InfoSources); i++) {
        int before = (Old & InfoSources[i].Bits) != 0, after = (New & InfoSources[i].Bits) != 0;
        if (before == after)
            continue;
        if (InfoSources[i].Net == NET_OPT_IPV6_RECVPKTINFO && s->Family != AF_INET6)
            continue;
        NTSTATUS status = WskpNetSetInt(s, InfoSources[i].Net, after);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

NTSTATUS WskpSetInfo(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    if (!NT_SUCCESS(status))
        return status;
    if (!s->Datagram)
        return STATUS_INVALID_DEVICE_REQUEST;
    ULONG old = s->Datagram->InfoMask, new = on ? old | o->Argument : old & ~o->Argument;
    status = ApplyInfoMask(s, old, new);
    if (NT_SUCCESS(status))
        __atomic_store_n(&s->Datagram->InfoMask, new, __ATOMIC_RELAXED);
    return status;
}

NTSTATUS WskpGetInfo(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    return WskpWriteBoolean(c, s->Datagram && (s->Datagram->InfoMask & o->Argument));
}
