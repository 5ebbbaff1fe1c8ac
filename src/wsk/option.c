/*
 * option.c: WskControlSocket's options, every one of the contract's section 5, from one table.
 *
 * A row says where an option is legal (category, before bind, with an IRP) and how its value maps
 * to the network: most rows name a neutral option of net.h and a shape of the value, the others
 * have handlers of their own. Rows of kind Unsupported are options that Windows has and Linux
 * cannot offer; they and unknown numbers answer STATUS_NOT_SUPPORTED (D56). Adding an option means
 * adding a row.
 */
#include "wsk/optionp.h"

#define TRANSPORT_ANY (WSKP_LISTEN | WSKP_CONNECTION | WSKP_DATAGRAM | WSKP_STREAM | WSKP_BASIC)
#define BOUND_KINDS   (WSKP_LISTEN | WSKP_CONNECTION | WSKP_DATAGRAM | WSKP_STREAM)
#define TCP_KINDS     (WSKP_LISTEN | WSKP_CONNECTION | WSKP_STREAM)
#define MESSAGE_KINDS (WSKP_DATAGRAM | WSKP_BASIC)

enum { NeedsIrp = 1, BeforeBind = 2, GetOnly = 4 };

/* ---- the table --------------------------------------------------------------------------- */

#define NONE 0 /* the row's handlers need no option of the network */
#define ROW(level, code, kinds, rules, set, get, net, argument)                                    \
    {                                                                                              \
        level, (ULONG)(code), kinds, rules, set, get, (enum net_opt)(net), argument                \
    }
#define FLAG(level, code, kinds, rules, net)                                                       \
    ROW(level, code, kinds, rules, WskpSetFlag, WskpGetFlag, NET_OPT_##net, 0)
#define NUMBER(level, code, kinds, rules, net)                                                     \
    ROW(level, code, kinds, rules, WskpSetNumber, WskpGetNumber, NET_OPT_##net, 0)
#define BLOB(level, code, net)                                                                     \
    ROW(level, code, TRANSPORT_ANY, 0, WskpSetBlob, WskpGetBlob, NET_OPT_##net, 0)
#define JOIN(level, code, set, net)                                                                \
    ROW(level, code, MESSAGE_KINDS, 0, set, WskpUnsupported, NET_OPT_##net, 0)
#define INFO(level, code, bit)                                                                     \
    ROW(level, code, MESSAGE_KINDS, 0, WskpSetInfo, WskpGetInfo, NONE, WSKP_INFO_##bit)
#define REMEMBERED(level, code, kinds, bit)                                                        \
    ROW(level, code, kinds, 0, WskpSetRemembered, WskpGetRemembered, NONE, WSKP_REMEMBER_##bit)
#define UNSUPPORTED(level, code)                                                                   \
    ROW(level, code, TRANSPORT_ANY, 0, WskpUnsupported, WskpUnsupported, NONE, 0)

static const WSKP_OPTION Options[] = {
    ROW(SOL_SOCKET, SO_REUSEADDR, BOUND_KINDS, NeedsIrp | BeforeBind, WskpSetReuse, WskpGetReuse,
        NONE, 0),
    ROW(SOL_SOCKET, SO_EXCLUSIVEADDRUSE, BOUND_KINDS, NeedsIrp | BeforeBind, WskpSetExclusive,
        WskpGetExclusive, NONE, 0),
    ROW(SOL_SOCKET, SO_KEEPALIVE, TCP_KINDS, NeedsIrp, WskpSetKeepAlive, WskpGetFlag,
        NET_OPT_KEEPALIVE, 0),
    FLAG(SOL_SOCKET, SO_BROADCAST, WSKP_DATAGRAM, NeedsIrp, BROADCAST),
    ROW(SOL_SOCKET, SO_RCVBUF, BOUND_KINDS, NeedsIrp, WskpSetReceiveBuffer, WskpGetReceiveBuffer,
        NET_OPT_RCVBUF, 0),
    ROW(SOL_SOCKET, SO_SNDBUF, BOUND_KINDS, 0, WskpSetSendBuffer, WskpGetSendBuffer, NET_OPT_SNDBUF,
        0),
    ROW(SOL_SOCKET, SO_LINGER, TCP_KINDS, 0, WskpSetLinger, WskpGetLinger, NONE, 0),
    FLAG(SOL_SOCKET, SO_DONTROUTE, TRANSPORT_ANY, 0, DONTROUTE),
    FLAG(SOL_SOCKET, SO_OOBINLINE, TCP_KINDS, 0, OOBINLINE),
    UNSUPPORTED(SOL_SOCKET, SO_SNDTIMEO),
    UNSUPPORTED(SOL_SOCKET, SO_RCVTIMEO),
    ROW(SOL_SOCKET, SO_ERROR, TRANSPORT_ANY, GetOnly, WskpUnsupported, WskpGetError, NONE, 0),
    ROW(SOL_SOCKET, SO_TYPE, TRANSPORT_ANY, GetOnly, WskpUnsupported, WskpGetType, NONE, 0),
    ROW(SOL_SOCKET, SO_CONDITIONAL_ACCEPT, WSKP_LISTEN, NeedsIrp | BeforeBind, WskpSetConditional,
        WskpGetConditional, NONE, 0),
    UNSUPPORTED(SOL_SOCKET, SO_PAUSE_ACCEPT),
    UNSUPPORTED(SOL_SOCKET, SO_COMPARTMENT_ID),
    REMEMBERED(SOL_SOCKET, SO_RANDOMIZE_PORT, TRANSPORT_ANY, RANDOMIZE_PORT),
    REMEMBERED(SOL_SOCKET, SO_PORT_SCALABILITY, TRANSPORT_ANY, PORT_SCALABILITY),
    FLAG(SOL_SOCKET, SO_REUSE_UNICASTPORT, TRANSPORT_ANY, 0, IP_BIND_ADDRESS_NO_PORT),
    FLAG(SOL_SOCKET, SO_REUSE_MULTICASTPORT, MESSAGE_KINDS, 0, REUSEPORT),
    ROW(SOL_SOCKET, SO_WSK_SECURITY, BOUND_KINDS, NeedsIrp | BeforeBind, WskpSetSecurity,
        WskpGetSecurity, NONE, 0),

    BLOB(IPPROTO_IP, IP_OPTIONS, IP_OPTIONS),
    FLAG(IPPROTO_IP, IP_HDRINCL, MESSAGE_KINDS, 0, IP_HDRINCL),
    ROW(IPPROTO_IP, IP_TOS, TRANSPORT_ANY, 0, WskpSetTrafficClass, WskpGetNumber, NET_OPT_IP_TOS,
        0),
    NUMBER(IPPROTO_IP, IP_TTL, TRANSPORT_ANY, 0, IP_TTL),
    ROW(IPPROTO_IP, IP_MULTICAST_IF, MESSAGE_KINDS, 0, WskpSetMulticastIf4, WskpGetMulticastIf4,
        NET_OPT_IP_MULTICAST_IF, 0),
    NUMBER(IPPROTO_IP, IP_MULTICAST_TTL, MESSAGE_KINDS, 0, IP_MULTICAST_TTL),
    FLAG(IPPROTO_IP, IP_MULTICAST_LOOP, MESSAGE_KINDS, 0, IP_MULTICAST_LOOP),
    JOIN(IPPROTO_IP, IP_ADD_MEMBERSHIP, WskpSetMembership4, IP_ADD_MEMBERSHIP),
    JOIN(IPPROTO_IP, IP_DROP_MEMBERSHIP, WskpSetMembership4, IP_DROP_MEMBERSHIP),
    ROW(IPPROTO_IP, IP_DONTFRAGMENT, TRANSPORT_ANY, 0, WskpSetDontFragment, WskpGetDontFragment,
        NET_OPT_IP_MTU_DISCOVER, 0),
    JOIN(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, WskpSetSource4, IP_ADD_SOURCE),
    JOIN(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, WskpSetSource4, IP_DROP_SOURCE),
    JOIN(IPPROTO_IP, IP_BLOCK_SOURCE, WskpSetSource4, IP_BLOCK_SOURCE),
    JOIN(IPPROTO_IP, IP_UNBLOCK_SOURCE, WskpSetSource4, IP_UNBLOCK_SOURCE),
    INFO(IPPROTO_IP, IP_PKTINFO, PKTINFO4),
    INFO(IPPROTO_IP, IP_HOPLIMIT, TTL4),
    ROW(IPPROTO_IP, IP_RECEIVE_BROADCAST, MESSAGE_KINDS, 0, WskpSetReceiveBroadcast,
        WskpGetReceiveBroadcast, NONE, 0),
    INFO(IPPROTO_IP, IP_RECVIF, IF4),
    INFO(IPPROTO_IP, IP_RECVDSTADDR, DST4),
    NUMBER(IPPROTO_IP, IP_UNICAST_IF, TRANSPORT_ANY, 0, IP_UNICAST_IF),
    INFO(IPPROTO_IP, IP_RECVTOS, TOS4),
    UNSUPPORTED(IPPROTO_IP, IP_ORIGINAL_ARRIVAL_IF),
    INFO(IPPROTO_IP, IP_ECN, ECN4),
    UNSUPPORTED(IPPROTO_IP, IP_PKTINFO_EX),
    UNSUPPORTED(IPPROTO_IP, IP_WFP_REDIRECT_RECORDS),
    UNSUPPORTED(IPPROTO_IP, IP_WFP_REDIRECT_CONTEXT),
    ROW(IPPROTO_IP, IP_MTU_DISCOVER, TRANSPORT_ANY, 0, WskpSetMtuDiscover, WskpGetMtuDiscover,
        NET_OPT_IP_MTU_DISCOVER, 0),
    NUMBER(IPPROTO_IP, IP_MTU, TRANSPORT_ANY, GetOnly, IP_MTU),
    INFO(IPPROTO_IP, IP_RECVERR, ERR4),
    UNSUPPORTED(IPPROTO_IP, IP_USER_MTU),

    BLOB(IPPROTO_IPV6, IPV6_HOPOPTS, IPV6_HOPOPTS),
    FLAG(IPPROTO_IPV6, IPV6_HDRINCL, MESSAGE_KINDS, 0, IPV6_HDRINCL),
    NUMBER(IPPROTO_IPV6, IPV6_UNICAST_HOPS, TRANSPORT_ANY, 0, IPV6_UNICAST_HOPS),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_IF, MESSAGE_KINDS, 0, IPV6_MULTICAST_IF),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, MESSAGE_KINDS, 0, IPV6_MULTICAST_HOPS),
    FLAG(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, MESSAGE_KINDS, 0, IPV6_MULTICAST_LOOP),
    JOIN(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, WskpSetMembership6, IPV6_ADD_MEMBERSHIP),
    JOIN(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, WskpSetMembership6, IPV6_DROP_MEMBERSHIP),
    FLAG(IPPROTO_IPV6, IPV6_DONTFRAG, TRANSPORT_ANY, 0, IPV6_DONTFRAG),
    INFO(IPPROTO_IPV6, IPV6_PKTINFO, PKTINFO6),
    INFO(IPPROTO_IPV6, IPV6_HOPLIMIT, HOPS6),
    UNSUPPORTED(IPPROTO_IPV6, IPV6_PROTECTION_LEVEL),
    INFO(IPPROTO_IPV6, IPV6_RECVIF, IF6),
    INFO(IPPROTO_IPV6, IPV6_RECVDSTADDR, DST6),
    NUMBER(IPPROTO_IPV6, IPV6_CHECKSUM, MESSAGE_KINDS, 0, IPV6_CHECKSUM),
    ROW(IPPROTO_IPV6, IPV6_V6ONLY, TRANSPORT_ANY, BeforeBind, WskpSetV6Only, WskpGetFlag,
        NET_OPT_IPV6_V6ONLY, 0),
    ROW(IPPROTO_IPV6, IPV6_UNICAST_IF, TRANSPORT_ANY, 0, WskpSetUnicastIf6, WskpGetUnicastIf6,
        NET_OPT_IPV6_UNICAST_IF, 0),
    UNSUPPORTED(IPPROTO_IPV6, IPV6_RTHDR),
    ROW(IPPROTO_IPV6, IPV6_TCLASS, TRANSPORT_ANY, 0, WskpSetTrafficClass, WskpGetNumber,
        NET_OPT_IPV6_TCLASS, 0),
    INFO(IPPROTO_IPV6, IPV6_RECVTCLASS, TCLASS6),
    INFO(IPPROTO_IPV6, IPV6_ECN, ECN6),
    ROW(IPPROTO_IPV6, IPV6_MTU_DISCOVER, TRANSPORT_ANY, 0, WskpSetMtuDiscover, WskpGetMtuDiscover,
        NET_OPT_IPV6_MTU_DISCOVER, 0),
    NUMBER(IPPROTO_IPV6, IPV6_MTU, TRANSPORT_ANY, GetOnly, IPV6_MTU),
    INFO(IPPROTO_IPV6, IPV6_RECVERR, ERR6),

    ROW(IPPROTO_TCP, TCP_NODELAY, TRANSPORT_ANY, 0, WskpSetNoDelay, WskpGetFlag,
        NET_OPT_TCP_NODELAY, 0),
    UNSUPPORTED(IPPROTO_TCP, TCP_EXPEDITED_1122),
    NUMBER(IPPROTO_TCP, TCP_KEEPALIVE, TRANSPORT_ANY, 0, TCP_KEEPIDLE),
    NUMBER(IPPROTO_TCP, TCP_MAXSEG, TRANSPORT_ANY, 0, TCP_MAXSEG),
    ROW(IPPROTO_TCP, TCP_MAXRT, TRANSPORT_ANY, 0, WskpSetNumber, WskpGetNumber,
        NET_OPT_TCP_USER_TIMEOUT, 1000),
    UNSUPPORTED(IPPROTO_TCP, TCP_STDURG),
    UNSUPPORTED(IPPROTO_TCP, TCP_NOURG),
    UNSUPPORTED(IPPROTO_TCP, TCP_ATMARK),
    ROW(IPPROTO_TCP, TCP_NOSYNRETRIES, TRANSPORT_ANY, 0, WskpSetNoSynRetries, WskpGetNoSynRetries,
        NET_OPT_TCP_SYNCNT, 0),
    UNSUPPORTED(IPPROTO_TCP, TCP_TIMESTAMPS),
    UNSUPPORTED(IPPROTO_TCP, TCP_OFFLOAD_PREFERENCE),
    UNSUPPORTED(IPPROTO_TCP, TCP_CONGESTION_ALGORITHM),
    UNSUPPORTED(IPPROTO_TCP, TCP_DELAY_FIN_ACK),
    NUMBER(IPPROTO_TCP, TCP_MAXRTMS, TRANSPORT_ANY, 0, TCP_USER_TIMEOUT),
    ROW(IPPROTO_TCP, TCP_FASTOPEN, TRANSPORT_ANY, 0, WskpSetFastOpen, WskpGetFastOpen, NONE, 0),
    NUMBER(IPPROTO_TCP, TCP_KEEPCNT, TRANSPORT_ANY, 0, TCP_KEEPCNT),
    NUMBER(IPPROTO_TCP, TCP_KEEPINTVL, TRANSPORT_ANY, 0, TCP_KEEPINTVL),
    REMEMBERED(IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, TRANSPORT_ANY, FAIL_ON_ICMP),
    UNSUPPORTED(IPPROTO_TCP, TCP_ICMP_ERROR_INFO),
    UNSUPPORTED(IPPROTO_TCP, TCP_BSDURGENT),

    FLAG(IPPROTO_UDP, UDP_NOCHECKSUM, MESSAGE_KINDS, 0, NO_CHECK),
    ROW(IPPROTO_UDP, UDP_SEND_MSG_SIZE, MESSAGE_KINDS, 0, WskpSetMessageSize, WskpGetMessageSize,
        NET_OPT_UDP_SEGMENT, 0),
    ROW(IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, MESSAGE_KINDS, 0, WskpSetCoalescedSize,
        WskpGetCoalescedSize, NET_OPT_UDP_GRO, 0),
    UNSUPPORTED(IPPROTO_UDP, UDP_CHECKSUM_COVERAGE),
};

static const WSKP_OPTION *FindOption(const WSKP_CONTROL *c)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Options); i++)
        if ((ULONG)Options[i].Level == c->Level && Options[i].Code == c->Code)
            return &Options[i];
    return NULL;
}

/* Does the socket's protocol have this level at all? */
static BOOLEAN LevelApplies(const WSKP_SOCKET *s, const WSKP_OPTION *o)
{
    switch (o->Level) {
    case IPPROTO_IPV6:
        return s->Family == AF_INET6;
    case IPPROTO_TCP:
        return s->Type == SOCK_STREAM;
    case IPPROTO_UDP:
        return s->Type == SOCK_DGRAM;
    default:
        return TRUE;
    }
}

static NTSTATUS CheckOption(const WSKP_SOCKET *s, const WSKP_OPTION *o, const WSKP_CONTROL *c)
{
    if (!o || !LevelApplies(s, o) || o->Set == o->Get)
        return STATUS_NOT_SUPPORTED;
    if (!(o->Categories & s->Category)) {
        vf_report(VF_ERROR, "VF-WSK-10", "WSK-OPT-16", c->Caller,
                  "option 0x%x of level 0x%x does not apply to this category of socket", c->Code,
                  c->Level);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if ((o->Rules & NeedsIrp) && !c->HasIrp) {
        vf_report(VF_ERROR, "VF-WSK-11", "WSK-OPT-15", c->Caller,
                  "option 0x%x of level 0x%x needs an IRP", c->Code, c->Level);
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTSTATUS WskpSetOption(WSKP_SOCKET *Socket, WSKP_CONTROL *Control)
{
    const WSKP_OPTION *o = FindOption(Control);
    NTSTATUS status = CheckOption(Socket, o, Control);

    Control->Written = 0;
    if (!NT_SUCCESS(status))
        return status;
    if (o->Rules & GetOnly)
        return STATUS_INVALID_PARAMETER;
    host_lock(&Socket->Lock);
    if ((o->Rules & BeforeBind) && Socket->State != WskpUnbound)
        status = STATUS_INVALID_DEVICE_STATE;
    else
        status = o->Set(Socket, o, Control);
    host_unlock(&Socket->Lock);
    if (status == STATUS_INVALID_DEVICE_STATE && (o->Rules & BeforeBind))
        vf_report(VF_ERROR, "VF-WSK-10", "WSK-OPT-17", Control->Caller,
                  "option 0x%x of level 0x%x was set after the bind", Control->Code,
                  Control->Level);
    return status;
}

NTSTATUS WskpGetOption(WSKP_SOCKET *Socket, WSKP_CONTROL *Control)
{
    const WSKP_OPTION *o = FindOption(Control);
    NTSTATUS status = CheckOption(Socket, o, Control);

    Control->Written = 0;
    if (!NT_SUCCESS(status))
        return status;
    host_lock(&Socket->Lock);
    status = o->Get(Socket, o, Control);
    host_unlock(&Socket->Lock);
    return status;
}

void WskpInheritOptions(WSKP_SOCKET *Listener, WSKP_SOCKET *Accepted)
{
    host_lock(&Listener->Lock);
    struct _WSKP_OPTIONS from = Listener->Options;
    host_unlock(&Listener->Lock);
    Accepted->Options.KeepAlive = from.KeepAlive;
    Accepted->Options.NoDelay = from.NoDelay;
    Accepted->Options.V6Only = from.V6Only;
    Accepted->Options.ReceiveBuffer = from.ReceiveBuffer;
    Accepted->Options.ReceiveBufferSet = from.ReceiveBufferSet;
    /* A host that hands these down by itself is told what it knows. */
    if (from.KeepAlive)
        (void)WskpNetSetInt(Accepted, NET_OPT_KEEPALIVE, 1);
    if (from.ReceiveBufferSet)
        (void)WskpNetSetInt(Accepted, NET_OPT_RCVBUF, (int)from.ReceiveBuffer);
}
