/*
 * control.c: Windows control objects and net.h's packet information (D49, D50).
 *
 * A control buffer is a row of CMSGHDR objects, each padded to 8 bytes. Going out, every object
 * that carries data must be one that the network can carry out; objects without data are skipped,
 * because real clients reserve room that way. Coming in, an object is written for each thing that
 * the client asked for with a socket option. IPv4 packets on an AF_INET6 socket use the IPPROTO_IP
 * objects.
 *
 * Pure functions of their arguments; InfoMask and the remembered traffic classes are read
 * atomically.
 */
#include "wsk/wskp.h"

#include <ws2ipdef.h>

#define OBJECT_ALIGN(n) (((n) + 7) & ~(SIZE_T)7)

/* ---- sending ----------------------------------------------------------------------------- */

typedef struct _PARSE {
    const WSKP_SOCKET *Socket;
    struct net_packet_info *Info;
    const UCHAR *Data;
    SIZE_T Length;
} PARSE;

static NTSTATUS PacketInfo4(PARSE *p, ULONG Unused)
{
    IN_PKTINFO in;

    UNREFERENCED_PARAMETER(Unused);
    if (p->Length < sizeof(in))
        return STATUS_INVALID_PARAMETER;
    memcpy(&in, p->Data, sizeof(in));
    struct net_addr a = { .family = NET_IP4 };
    memcpy(a.ip, &in.ipi_addr, 4);
    if (!WskpAddressIsAny(&a)) {
        p->Info->dst = a;
        p->Info->present |= NET_INFO_DST;
    }
    if (in.ipi_ifindex) {
        p->Info->ifindex = in.ipi_ifindex;
        p->Info->present |= NET_INFO_IFINDEX;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS PacketInfo6(PARSE *p, ULONG Unused)
{
    IN6_PKTINFO in;

    UNREFERENCED_PARAMETER(Unused);
    if (p->Length < sizeof(in))
        return STATUS_INVALID_PARAMETER;
    memcpy(&in, p->Data, sizeof(in));
    struct net_addr a = { .family = NET_IP6 };
    memcpy(a.ip, &in.ipi6_addr, 16);
    if (!WskpAddressIsAny(&a)) {
        p->Info->dst = a;
        p->Info->present |= NET_INFO_DST;
    }
    if (in.ipi6_ifindex) {
        p->Info->ifindex = in.ipi6_ifindex;
        p->Info->present |= NET_INFO_IFINDEX;
    }
    return STATUS_SUCCESS;
}

static BOOLEAN ReadNumber(PARSE *p, ULONG Max, ULONG *Value)
{
    if (p->Length < sizeof(ULONG))
        return FALSE;
    memcpy(Value, p->Data, sizeof(ULONG));
    return *Value <= Max;
}

static NTSTATUS HopLimit(PARSE *p, ULONG Unused)
{
    ULONG value;

    UNREFERENCED_PARAMETER(Unused);
    if (!ReadNumber(p, 255, &value))
        return STATUS_INVALID_PARAMETER;
    p->Info->ttl = (int)value;
    p->Info->present |= NET_INFO_TTL;
    return STATUS_SUCCESS;
}

/* `Mask` is the part of the traffic class byte that the object sets; the rest stays. */
static NTSTATUS TrafficClass(PARSE *p, ULONG Mask)
{
    ULONG value;

    if (!ReadNumber(p, Mask, &value))
        return STATUS_INVALID_PARAMETER;
    if (!(p->Info->present & NET_INFO_TOS))
        p->Info->tos = __atomic_load_n(&p->Socket->Options.TrafficClass, __ATOMIC_RELAXED);
    p->Info->tos = (int)(((ULONG)p->Info->tos & ~Mask) | value);
    p->Info->present |= NET_INFO_TOS;
    return STATUS_SUCCESS;
}

static NTSTATUS SegmentSize(PARSE *p, ULONG Unused)
{
    ULONG value;

    UNREFERENCED_PARAMETER(Unused);
    if (!ReadNumber(p, 0xffff, &value))
        return STATUS_INVALID_PARAMETER;
    if (value) {
        p->Info->segment_bytes = value;
        p->Info->present |= NET_INFO_SEGMENT;
    }
    return STATUS_SUCCESS;
}

static const struct {
    INT Level, Type;
    NTSTATUS (*Take)(PARSE *p, ULONG Argument);
    ULONG Argument;
} SendObjects[] = {
    { IPPROTO_IP, IP_PKTINFO, PacketInfo4, 0 },
    { IPPROTO_IP, IP_TTL, HopLimit, 0 },
    { IPPROTO_IP, IP_HOPLIMIT, HopLimit, 0 },
    { IPPROTO_IP, IP_TOS, TrafficClass, 0xff },
    { IPPROTO_IP, IP_ECN, TrafficClass, 3 },
    { IPPROTO_IPV6, IPV6_PKTINFO, PacketInfo6, 0 },
    { IPPROTO_IPV6, IPV6_HOPLIMIT, HopLimit, 0 },
    { IPPROTO_IPV6, IPV6_TCLASS, TrafficClass, 0xff },
    { IPPROTO_IPV6, IPV6_ECN, TrafficClass, 3 },
    { IPPROTO_UDP, UDP_SEND_MSG_SIZE, SegmentSize, 0 },
};

static NTSTATUS TakeObject(PARSE *p, const CMSGHDR *Header)
{
    if (p->Length == 0)
        return STATUS_SUCCESS;
    if (Header->cmsg_level == IPPROTO_IPV6 && p->Socket->Family != AF_INET6)
        return STATUS_INVALID_PARAMETER;
    if (Header->cmsg_level == IPPROTO_UDP && p->Socket->Type != SOCK_DGRAM)
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < RTL_NUMBER_OF(SendObjects); i++)
        if (SendObjects[i].Level == Header->cmsg_level && SendObjects[i].Type == Header->cmsg_type)
            return SendObjects[i].Take(p, SendObjects[i].Argument);
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS WskpControlIn(const WSKP_SOCKET *Socket, ULONG Length, const CMSGHDR *Control,
                       struct net_packet_info *Info)
{
    PARSE p = { .Socket = Socket, .Info = Info };
    SIZE_T at = 0;

    if (Length == 0) {
        Info->present = 0;
        return STATUS_SUCCESS;
    }
    memset(Info, 0, sizeof(*Info));
    if (!Control || Length < sizeof(CMSGHDR))
        return STATUS_INVALID_PARAMETER;
    while (at < Length && Length - at >= sizeof(CMSGHDR)) {
        CMSGHDR header;
        memcpy(&header, (const UCHAR *)Control + at, sizeof(header));
        if (header.cmsg_len < sizeof(header) || header.cmsg_len > Length - at)
            return STATUS_INVALID_PARAMETER;
        p.Data = (const UCHAR *)Control + at + sizeof(header);
        p.Length = header.cmsg_len - sizeof(header);
        NTSTATUS status = TakeObject(&p, &header);
        if (!NT_SUCCESS(status))
            return status;
        at += OBJECT_ALIGN(header.cmsg_len);
    }
    return STATUS_SUCCESS;
}

/* ---- receiving --------------------------------------------------------------------------- */

typedef struct _FORMAT {
    PUCHAR Out;
    ULONG Room, Used;
    BOOLEAN Truncated;
} FORMAT;

static void PutObject(FORMAT *f, INT Level, INT Type, const void *Data, SIZE_T Length)
{
    SIZE_T length = sizeof(CMSGHDR) + Length, space = OBJECT_ALIGN(length);
    CMSGHDR header = { .cmsg_len = length, .cmsg_level = Level, .cmsg_type = Type };

    if (f->Truncated || length > f->Room - f->Used) {
        f->Truncated = TRUE;
        return;
    }
    if (space > f->Room - f->Used)
        space = length; /* the last object needs no padding */
    memcpy(f->Out + f->Used, &header, sizeof(header));
    memcpy(f->Out + f->Used + sizeof(header), Data, Length);
    memset(f->Out + f->Used + length, 0, space - length);
    f->Used += (ULONG)space;
}

static void PutNumber(FORMAT *f, INT Level, INT Type, INT Value)
{
    PutObject(f, Level, Type, &Value, sizeof(Value));
}

static void PutDestination4(FORMAT *f, ULONG Mask, const struct net_addr *Local, ULONG Interface)
{
    if (Mask & (WSKP_INFO_PKTINFO4 | WSKP_INFO_PKTINFO6)) {
        IN_PKTINFO info = { .ipi_ifindex = Interface };
        memcpy(&info.ipi_addr, Local->ip, 4);
        PutObject(f, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
    if (Mask & WSKP_INFO_DST4)
        PutObject(f, IPPROTO_IP, IP_RECVDSTADDR, Local->ip, 4);
    if (Mask & WSKP_INFO_IF4)
        PutNumber(f, IPPROTO_IP, IP_RECVIF, (INT)Interface);
}

static void PutDestination6(FORMAT *f, ULONG Mask, const struct net_addr *Local, ULONG Interface)
{
    if (Mask & WSKP_INFO_PKTINFO6) {
        IN6_PKTINFO info = { .ipi6_ifindex = Interface };
        memcpy(&info.ipi6_addr, Local->ip, 16);
        PutObject(f, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
    if (Mask & WSKP_INFO_DST6)
        PutObject(f, IPPROTO_IPV6, IPV6_RECVDSTADDR, Local->ip, 16);
    if (Mask & WSKP_INFO_IF6)
        PutNumber(f, IPPROTO_IPV6, IPV6_RECVIF, (INT)Interface);
}

static void PutError(FORMAT *f, BOOLEAN V4, const struct net_packet_info *Info)
{
    IN_RECVERR e;

    memset(&e, 0, sizeof(e));
    e.protocol = V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    e.info = Info->error.info;
    e.type = Info->error.icmp_type;
    e.code = Info->error.icmp_code;
    if (V4)
        PutObject(f, IPPROTO_IP, IP_RECVERR, &e, sizeof(e));
    else
        PutObject(f, IPPROTO_IPV6, IPV6_RECVERR, &e, sizeof(e));
}

/* Which family's objects describe this packet. */
static BOOLEAN IsV4(const WSKP_SOCKET *Socket, const struct net_packet_info *Info)
{
    if (Socket->Family == AF_INET)
        return TRUE;
    if (Info->present & NET_INFO_DST)
        return Info->dst.family == NET_IP4;
    return (Info->present & NET_INFO_ERROR) && Info->error.offender.family == NET_IP4;
}

static void PutNumbers(FORMAT *f, ULONG Mask, BOOLEAN V4, const struct net_packet_info *Info)
{
    INT level = V4 ? IPPROTO_IP : IPPROTO_IPV6;

    if ((Info->present & NET_INFO_TTL) && (Mask & (V4 ? WSKP_INFO_TTL4 : WSKP_INFO_HOPS6)))
        PutNumber(f, level, V4 ? IP_TTL : IPV6_HOPLIMIT, Info->ttl);
    if ((Info->present & NET_INFO_TOS) && (Mask & (V4 ? WSKP_INFO_TOS4 : WSKP_INFO_TCLASS6)))
        PutNumber(f, level, V4 ? IP_TOS : IPV6_TCLASS, Info->tos & 0xff);
    if ((Info->present & NET_INFO_TOS) && (Mask & (V4 ? WSKP_INFO_ECN4 : WSKP_INFO_ECN6)))
        PutNumber(f, level, V4 ? IP_ECN : IPV6_ECN, Info->tos & 3);
    if ((Info->present & NET_INFO_SEGMENT) && (Mask & WSKP_INFO_COALESCED))
        PutNumber(f, IPPROTO_UDP, UDP_COALESCED_INFO, (INT)Info->segment_bytes);
}

ULONG WskpControlOut(const WSKP_SOCKET *Socket, const struct net_packet_info *Info, PVOID Control,
                     ULONG Room, BOOLEAN *Truncated)
{
    FORMAT f = { .Out = Control, .Room = Room };
    ULONG mask = 0;

    *Truncated = FALSE;
    if (Socket->Datagram)
        mask = __atomic_load_n(&Socket->Datagram->InfoMask, __ATOMIC_RELAXED);
    if (mask == 0)
        return 0; /* the usual case */
    struct net_packet_info info = *Info;
    WskpAddressUnmap(&info.dst);
    WskpAddressUnmap(&info.error.offender);
    BOOLEAN v4 = IsV4(Socket, &info);
    if ((info.present & NET_INFO_DST) && v4)
        PutDestination4(&f, mask, &info.dst, info.ifindex);
    else if (info.present & NET_INFO_DST)
        PutDestination6(&f, mask, &info.dst, info.ifindex);
    PutNumbers(&f, mask, v4, &info);
    if ((info.present & NET_INFO_ERROR) && (mask & (v4 ? WSKP_INFO_ERR4 : WSKP_INFO_ERR6)))
        PutError(&f, v4, &info);
    *Truncated = f.Truncated;
    return f.Used;
}
