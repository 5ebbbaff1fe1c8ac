/*
 * option.c: WskControlSocket's options, every one of the contract's section 5, from one table.
 *
 * A row says where an option is legal (category, before bind, with an IRP) and how its value maps
 * to the network: most rows name a neutral option of net.h and a shape of the value, the others
 * have handlers of their own. Rows of kind Unsupported are options that Windows has and Linux
 * cannot offer; they and unknown numbers answer STATUS_NOT_SUPPORTED (D56). Adding an option means
 * adding a row.
 *
 * The socket's lock protects Options and the datagram state; it is held over the network's ctl(),
 * which never calls back.
 */
#include <errno.h>

#include "wsk/wskp.h"

#include <ws2ipdef.h>
#include <mstcpip.h>

#define TRANSPORT_ANY (WSKP_LISTEN | WSKP_CONNECTION | WSKP_DATAGRAM | WSKP_STREAM | WSKP_BASIC)
#define BOUND_KINDS   (WSKP_LISTEN | WSKP_CONNECTION | WSKP_DATAGRAM | WSKP_STREAM)
#define TCP_KINDS     (WSKP_LISTEN | WSKP_CONNECTION | WSKP_STREAM)
#define MESSAGE_KINDS (WSKP_DATAGRAM | WSKP_BASIC)

#define TCP_SYN_TRIES_DEFAULT 6
#define FAST_OPEN_QUEUE       128

typedef struct _OPTION OPTION;
typedef NTSTATUS HANDLER(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c);

enum { NeedsIrp = 1, BeforeBind = 2, GetOnly = 4 };

struct _OPTION {
    INT Level;
    ULONG Code;
    ULONG Categories;
    ULONG Rules;
    HANDLER *Set, *Get;
    enum net_opt Net;
    ULONG Argument;
};

/* ---- values ------------------------------------------------------------------------------ */

/* D53: any size from one byte on; on if one of the first four is not zero. */
static NTSTATUS ReadBoolean(const WSKP_CONTROL *c, BOOLEAN *Value)
{
    if (!c->Input || c->InputSize == 0) {
        vf_report(VF_ERROR, "VF-WSK-14", "WSK-OPT-19", c->Caller, "option 0x%x needs a value",
                  c->Code);
        return STATUS_INVALID_PARAMETER;
    }
    *Value = FALSE;
    for (SIZE_T i = 0; i < c->InputSize && i < sizeof(ULONG); i++)
        if (((const UCHAR *)c->Input)[i])
            *Value = TRUE;
    return STATUS_SUCCESS;
}

static NTSTATUS WriteBoolean(WSKP_CONTROL *c, BOOLEAN Value)
{
    ULONG value = Value != 0;
    SIZE_T size = c->OutputSize >= sizeof(ULONG) ? sizeof(ULONG) : 1;

    if (!c->Output || c->OutputSize == 0) {
        c->Needed = sizeof(ULONG);
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(c->Output, &value, size);
    c->Written = size;
    return STATUS_SUCCESS;
}

static NTSTATUS ReadBytes(const WSKP_CONTROL *c, void *Out, SIZE_T Size)
{
    if (!c->Input || c->InputSize < Size) {
        vf_report(VF_ERROR, "VF-WSK-14", "WSK-OPT-19", c->Caller,
                  "option 0x%x needs a value of %u bytes and got %u", c->Code, (unsigned)Size,
                  (unsigned)c->InputSize);
        return STATUS_INVALID_PARAMETER;
    }
    memcpy(Out, c->Input, Size);
    return STATUS_SUCCESS;
}

static NTSTATUS WriteBytes(WSKP_CONTROL *c, const void *Data, SIZE_T Size)
{
    if (!c->Output || c->OutputSize < Size) {
        c->Needed = Size;
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(c->Output, Data, Size);
    c->Written = Size;
    return STATUS_SUCCESS;
}

static NTSTATUS WriteNumber(WSKP_CONTROL *c, ULONG Value)
{
    return WriteBytes(c, &Value, sizeof(Value));
}

/* ---- the network's side ------------------------------------------------------------------ */

static NTSTATUS OptionStatus(int Result)
{
    if (Result == -EINVAL || Result == -EDOM || Result == -ERANGE)
        return STATUS_INVALID_PARAMETER; /* the value, not the state of the socket */
    if (Result == -ENODEV || Result == -ENXIO)
        return STATUS_INVALID_ADDRESS_COMPONENT; /* no such interface */
    return Result < 0 ? WskpStatusFromErrno(-Result) : STATUS_SUCCESS;
}

static NTSTATUS NetSet(WSKP_SOCKET *s, enum net_opt Option, const void *Data, SIZE_T Length)
{
    struct net_ctl_arg arg = { .opt = Option, .data = (void *)(ULONG_PTR)Data, .length = Length };

    return OptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_SET, &arg));
}

static NTSTATUS NetSetInt(WSKP_SOCKET *s, enum net_opt Option, int Value)
{
    return NetSet(s, Option, &Value, sizeof(Value));
}

static NTSTATUS NetGetInt(WSKP_SOCKET *s, enum net_opt Option, int *Value)
{
    struct net_ctl_arg arg = { .opt = Option, .data = Value, .length = sizeof(*Value) };

    *Value = 0;
    return OptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_GET, &arg));
}

/* ---- handlers for shapes ----------------------------------------------------------------- */

static HANDLER SetFlag, GetFlag, SetNumber, GetNumber, SetBlob, GetBlob, Unsupported;

static NTSTATUS SetFlag(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    return NT_SUCCESS(status) ? NetSetInt(s, o->Net, on) : status;
}

static NTSTATUS GetFlag(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WriteBoolean(c, value != 0) : status;
}

/* Argument: the network's unit per unit of the option (1000: seconds to milliseconds). */
static NTSTATUS SetNumber(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value, scale = o->Argument ? o->Argument : 1;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (scale > 1 && value > 0x7fffffffu / scale)
        return STATUS_INVALID_PARAMETER;
    return NetSetInt(s, o->Net, (int)(value * scale));
}

static NTSTATUS GetNumber(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WriteNumber(c, (ULONG)value / (o->Argument ? o->Argument : 1))
                              : status;
}

static NTSTATUS SetBlob(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    if (c->InputSize && !c->Input)
        return STATUS_INVALID_PARAMETER;
    return NetSet(s, o->Net, c->Input, c->InputSize);
}

static NTSTATUS GetBlob(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UCHAR bytes[256];
    struct net_ctl_arg arg = { .opt = o->Net, .data = bytes, .length = sizeof(bytes) };
    NTSTATUS status = OptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_GET, &arg));

    return NT_SUCCESS(status) ? WriteBytes(c, bytes, arg.length) : status;
}

static NTSTATUS Unsupported(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(s);
    UNREFERENCED_PARAMETER(o);
    UNREFERENCED_PARAMETER(c);
    return STATUS_NOT_SUPPORTED;
}

/* Options that Linux does without: accepted and remembered. */
static HANDLER SetRemembered, GetRemembered;

static NTSTATUS SetRemembered(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        s->Options.Remembered =
            on ? s->Options.Remembered | o->Argument : s->Options.Remembered & ~o->Argument;
    return status;
}

static NTSTATUS GetRemembered(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    return WriteBoolean(c, (s->Options.Remembered & o->Argument) != 0);
}

/* ---- SOL_SOCKET -------------------------------------------------------------------------- */

static HANDLER SetReuse, GetReuse, SetExclusive, GetExclusive, SetKeepAlive, SetReceiveBuffer,
    GetReceiveBuffer, SetSendBuffer, GetSendBuffer, SetLinger, GetLinger, GetError, GetType,
    SetConditional, GetConditional, SetSecurity, GetSecurity;

static NTSTATUS SetReuse(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (on && s->Options.Exclusive)
        return STATUS_INVALID_PARAMETER;
    s->Options.ReuseAddress = on; /* the bind registry tells the network */
    return STATUS_SUCCESS;
}

static NTSTATUS GetReuse(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WriteBoolean(c, s->Options.ReuseAddress);
}

static NTSTATUS SetExclusive(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (on && s->Options.ReuseAddress)
        return STATUS_INVALID_PARAMETER;
    s->Options.Exclusive = on;
    return STATUS_SUCCESS;
}

static NTSTATUS GetExclusive(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WriteBoolean(c, s->Options.Exclusive);
}

static NTSTATUS SetKeepAlive(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        status = NetSetInt(s, o->Net, on);
    if (NT_SUCCESS(status))
        s->Options.KeepAlive = on;
    return status;
}

static NTSTATUS SetReceiveBuffer(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    if (NT_SUCCESS(status))
        status = NetSetInt(s, o->Net, value > 0x7fffffffu ? 0x7fffffff : (int)value);
    if (NT_SUCCESS(status)) {
        s->Options.ReceiveBuffer = value;
        s->Options.ReceiveBufferSet = TRUE;
    }
    return status;
}

/* D58: Linux doubles what is set; the driver reads what it wrote. */
static NTSTATUS GetReceiveBuffer(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    if (s->Options.ReceiveBufferSet)
        return WriteNumber(c, s->Options.ReceiveBuffer);
    return GetNumber(s, o, c);
}

/* WSK does not buffer what is sent: the value is only remembered. */
static NTSTATUS SetSendBuffer(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    UNREFERENCED_PARAMETER(o);
    if (NT_SUCCESS(status)) {
        s->Options.SendBuffer = value;
        s->Options.SendBufferSet = TRUE;
    }
    return status;
}

static NTSTATUS GetSendBuffer(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    if (s->Options.SendBufferSet)
        return WriteNumber(c, s->Options.SendBuffer);
    return GetNumber(s, o, c);
}

/* Closing is abortive whatever the value: remembered only. */
static NTSTATUS SetLinger(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    LINGER linger;
    NTSTATUS status = ReadBytes(c, &linger, sizeof(linger));

    UNREFERENCED_PARAMETER(o);
    if (NT_SUCCESS(status)) {
        s->Options.LingerOn = linger.l_onoff;
        s->Options.LingerSeconds = linger.l_linger;
    }
    return status;
}

static NTSTATUS GetLinger(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    LINGER linger = { (USHORT)s->Options.LingerOn, (USHORT)s->Options.LingerSeconds };

    UNREFERENCED_PARAMETER(o);
    return WriteBytes(c, &linger, sizeof(linger));
}

/* The pending error as an NTSTATUS; reading clears it. */
static NTSTATUS GetError(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    struct net_ctl_arg arg = { 0 };

    UNREFERENCED_PARAMETER(o);
    if (c->OutputSize < sizeof(ULONG))
        return WriteNumber(c, 0); /* says how much is needed, without clearing */
    NTSTATUS status = OptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_ERROR, &arg));
    return NT_SUCCESS(status) ? WriteNumber(c, (ULONG)WskpStatusFromErrno((int)arg.value)) : status;
}

static NTSTATUS GetType(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WriteNumber(c, s->Type);
}

static NTSTATUS SetConditional(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (on && !WskpEventHasCallback(s, WskpInspect)) {
        vf_report(VF_ERROR, "VF-WSK-13", "WSK-INSP-20", c->Caller,
                  "SO_CONDITIONAL_ACCEPT needs WskInspectEvent and WskAbortEvent");
        return STATUS_INVALID_PARAMETER;
    }
    s->Options.ConditionalAccept = on;
    return STATUS_SUCCESS;
}

static NTSTATUS GetConditional(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WriteBoolean(c, s->Options.ConditionalAccept);
}

static NTSTATUS SetSecurity(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    PSECURITY_DESCRIPTOR given;
    WSKP_SD *sd = NULL;
    NTSTATUS status = ReadBytes(c, &given, sizeof(given));

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (given) {
        sd = WskpSecurityReference(given);
        if (!sd) {
            vf_report(VF_ERROR, "VF-WSK-21", "WSK-SEC-07", c->Caller,
                      "the security descriptor did not come from WSK_CACHE_SD");
            return STATUS_INVALID_PARAMETER;
        }
    }
    WSKP_SD *old = s->Security;
    s->Security = sd;
    if (old)
        WskpSecurityDereference(old);
    return STATUS_SUCCESS;
}

/* The caller gets a cached copy of its own, to be released with WSK_RELEASE_SD. */
static NTSTATUS GetSecurity(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    PSECURITY_DESCRIPTOR copy;

    UNREFERENCED_PARAMETER(o);
    if (!c->Output || c->OutputSize < sizeof(copy)) {
        c->Needed = sizeof(copy);
        return STATUS_BUFFER_OVERFLOW;
    }
    NTSTATUS status =
        WskpSecurityCache(s->Client, WskpSecurityPointer(s->Security), &copy, c->Caller);
    return NT_SUCCESS(status) ? WriteBytes(c, &copy, sizeof(copy)) : status;
}

/* ---- IP: traffic class, fragmentation, interfaces ---------------------------------------- */

static HANDLER SetTrafficClass, SetDontFragment, GetDontFragment, SetMtuDiscover, GetMtuDiscover,
    SetUnicastIf6, GetUnicastIf6, SetV6Only, SetReceiveBroadcast, GetReceiveBroadcast,
    SetMulticastIf4, GetMulticastIf4, SetMembership4, SetSource4, SetMembership6;

static NTSTATUS SetTrafficClass(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (value > 255)
        return STATUS_INVALID_PARAMETER;
    status = NetSetInt(s, o->Net, (int)value);
    if (NT_SUCCESS(status))
        __atomic_store_n(&s->Options.TrafficClass, (INT)value, __ATOMIC_RELAXED);
    return status;
}

/* Path MTU discovery: Windows' number for each of the network's 0 dont, 1 want, 2 do, 3 probe. */
static const ULONG MtuDiscoverWindows[] = { 2, 0, 1, 3 };

static NTSTATUS SetDontFragment(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    return NT_SUCCESS(status) ? NetSetInt(s, o->Net, on ? 2 : 0) : status;
}

static NTSTATUS GetDontFragment(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WriteBoolean(c, value == 2) : status;
}

static NTSTATUS SetMtuDiscover(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    for (int i = 0; i < (int)RTL_NUMBER_OF(MtuDiscoverWindows); i++)
        if (MtuDiscoverWindows[i] == value)
            return NetSetInt(s, o->Net, i);
    return STATUS_INVALID_PARAMETER;
}

static NTSTATUS GetMtuDiscover(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    if (!NT_SUCCESS(status))
        return status;
    if (value < 0 || value >= (int)RTL_NUMBER_OF(MtuDiscoverWindows))
        return STATUS_NOT_SUPPORTED;
    return WriteNumber(c, MtuDiscoverWindows[value]);
}

/* IPV6_UNICAST_IF has host byte order on Windows and network byte order on Linux. */
static NTSTATUS SetUnicastIf6(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    return NT_SUCCESS(status) ? NetSetInt(s, o->Net, (int)__builtin_bswap32(value)) : status;
}

static NTSTATUS GetUnicastIf6(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WriteNumber(c, __builtin_bswap32((ULONG)value)) : status;
}

static NTSTATUS SetV6Only(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        status = NetSetInt(s, o->Net, on);
    if (NT_SUCCESS(status))
        s->Options.V6Only = on;
    return status;
}

static NTSTATUS SetReceiveBroadcast(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (NT_SUCCESS(status) && s->Datagram)
        s->Datagram->IgnoreBroadcast = !on;
    return status;
}

static NTSTATUS GetReceiveBroadcast(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WriteBoolean(c, !s->Datagram || !s->Datagram->IgnoreBroadcast);
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

static NTSTATUS SetMulticastIf4(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    struct net_mreq request = { .ifindex = 0 };
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    InterfaceOf(value, &request);
    status = NetSet(s, o->Net, &request, sizeof(request));
    if (NT_SUCCESS(status))
        s->Options.MulticastInterface = value;
    return status;
}

static NTSTATUS GetMulticastIf4(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WriteNumber(c, s->Options.MulticastInterface);
}

static NTSTATUS SetMembership4(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG in[2]; /* group, interface */
    struct net_mreq request = { .group.family = NET_IP4 };
    NTSTATUS status = ReadBytes(c, in, sizeof(in));

    if (!NT_SUCCESS(status))
        return status;
    memcpy(request.group.ip, &in[0], 4);
    InterfaceOf(in[1], &request);
    return NetSet(s, o->Net, &request, sizeof(request));
}

static NTSTATUS SetSource4(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG in[3]; /* group, source, interface: Windows' order */
    struct net_mreq request = { .group.family = NET_IP4, .source.family = NET_IP4 };
    NTSTATUS status = ReadBytes(c, in, sizeof(in));

    if (!NT_SUCCESS(status))
        return status;
    memcpy(request.group.ip, &in[0], 4);
    memcpy(request.source.ip, &in[1], 4);
    InterfaceOf(in[2], &request);
    return NetSet(s, o->Net, &request, sizeof(request));
}

static NTSTATUS SetMembership6(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    struct {
        UCHAR Group[16];
        ULONG Interface;
    } in;
    struct net_mreq request = { .group.family = NET_IP6 };
    NTSTATUS status = ReadBytes(c, &in, sizeof(in));

    if (!NT_SUCCESS(status))
        return status;
    memcpy(request.group.ip, in.Group, 16);
    request.ifindex = in.Interface;
    return NetSet(s, o->Net, &request, sizeof(request));
}

/* ---- what arrives with datagrams --------------------------------------------------------- */

static HANDLER SetInfo, GetInfo;

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
        NTSTATUS status = NetSetInt(s, InfoSources[i].Net, after);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS SetInfo(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

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

static NTSTATUS GetInfo(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    return WriteBoolean(c, s->Datagram && (s->Datagram->InfoMask & o->Argument));
}

/* ---- TCP and UDP ------------------------------------------------------------------------- */

static HANDLER SetNoDelay, SetNoSynRetries, GetNoSynRetries, SetFastOpen, GetFastOpen,
    SetMessageSize, GetMessageSize, SetCoalescedSize, GetCoalescedSize;

static NTSTATUS SetNoDelay(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        status = NetSetInt(s, o->Net, on);
    if (NT_SUCCESS(status))
        s->Options.NoDelay = on;
    return status;
}

static NTSTATUS SetNoSynRetries(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    return NT_SUCCESS(status) ? NetSetInt(s, o->Net, on ? 1 : TCP_SYN_TRIES_DEFAULT) : status;
}

static NTSTATUS GetNoSynRetries(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WriteBoolean(c, value == 1) : status;
}

static NTSTATUS SetFastOpen(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = ReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (s->Category == WSKP_LISTEN)
        return NetSetInt(s, NET_OPT_TCP_FASTOPEN, on ? FAST_OPEN_QUEUE : 0);
    return NetSetInt(s, NET_OPT_TCP_FASTOPEN_CONNECT, on);
}

static NTSTATUS GetFastOpen(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    enum net_opt net =
        s->Category == WSKP_LISTEN ? NET_OPT_TCP_FASTOPEN : NET_OPT_TCP_FASTOPEN_CONNECT;
    NTSTATUS status = NetGetInt(s, net, &value);

    UNREFERENCED_PARAMETER(o);
    return NT_SUCCESS(status) ? WriteBoolean(c, value != 0) : status;
}

static NTSTATUS SetMessageSize(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (value > 0xffff)
        return STATUS_INVALID_PARAMETER;
    status = NetSetInt(s, o->Net, (int)value);
    if (NT_SUCCESS(status) && s->Datagram)
        __atomic_store_n(&s->Datagram->SendMessageSize, value, __ATOMIC_RELAXED);
    return status;
}

/* Drivers read this to learn whether the feature is there: the network is asked. */
static NTSTATUS GetMessageSize(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WriteNumber(c, (ULONG)value) : status;
}

static NTSTATUS SetCoalescedSize(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = ReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (!s->Datagram)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = NetSetInt(s, o->Net, value != 0);
    if (!NT_SUCCESS(status))
        return status;
    ULONG mask = s->Datagram->InfoMask & ~(ULONG)WSKP_INFO_COALESCED;
    __atomic_store_n(&s->Datagram->InfoMask, value ? mask | WSKP_INFO_COALESCED : mask,
                     __ATOMIC_RELAXED);
    s->Datagram->CoalescedSize = value;
    return STATUS_SUCCESS;
}

static NTSTATUS GetCoalescedSize(WSKP_SOCKET *s, const OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = NetGetInt(s, o->Net, &value);

    if (!NT_SUCCESS(status))
        return status;
    return WriteNumber(c, s->Datagram ? s->Datagram->CoalescedSize : 0);
}

/* ---- the table --------------------------------------------------------------------------- */

#define NONE 0 /* the row's handlers need no option of the network */
#define ROW(level, code, kinds, rules, set, get, net, argument)                                    \
    {                                                                                              \
        level, (ULONG)(code), kinds, rules, set, get, (enum net_opt)(net), argument                \
    }
#define FLAG(level, code, kinds, rules, net)                                                       \
    ROW(level, code, kinds, rules, SetFlag, GetFlag, NET_OPT_##net, 0)
#define NUMBER(level, code, kinds, rules, net)                                                     \
    ROW(level, code, kinds, rules, SetNumber, GetNumber, NET_OPT_##net, 0)
#define BLOB(level, code, net)                                                                     \
    ROW(level, code, TRANSPORT_ANY, 0, SetBlob, GetBlob, NET_OPT_##net, 0)
#define JOIN(level, code, set, net)                                                                \
    ROW(level, code, MESSAGE_KINDS, 0, set, Unsupported, NET_OPT_##net, 0)
#define INFO(level, code, bit)                                                                     \
    ROW(level, code, MESSAGE_KINDS, 0, SetInfo, GetInfo, NONE, WSKP_INFO_##bit)
#define REMEMBERED(level, code, kinds, bit)                                                        \
    ROW(level, code, kinds, 0, SetRemembered, GetRemembered, NONE, WSKP_REMEMBER_##bit)
#define UNSUPPORTED(level, code)                                                                   \
    ROW(level, code, TRANSPORT_ANY, 0, Unsupported, Unsupported, NONE, 0)

static const OPTION Options[] = {
    ROW(SOL_SOCKET, SO_REUSEADDR, BOUND_KINDS, NeedsIrp | BeforeBind, SetReuse, GetReuse, NONE, 0),
    ROW(SOL_SOCKET, SO_EXCLUSIVEADDRUSE, BOUND_KINDS, NeedsIrp | BeforeBind, SetExclusive,
        GetExclusive, NONE, 0),
    ROW(SOL_SOCKET, SO_KEEPALIVE, TCP_KINDS, NeedsIrp, SetKeepAlive, GetFlag, NET_OPT_KEEPALIVE, 0),
    FLAG(SOL_SOCKET, SO_BROADCAST, WSKP_DATAGRAM, NeedsIrp, BROADCAST),
    ROW(SOL_SOCKET, SO_RCVBUF, BOUND_KINDS, NeedsIrp, SetReceiveBuffer, GetReceiveBuffer,
        NET_OPT_RCVBUF, 0),
    ROW(SOL_SOCKET, SO_SNDBUF, BOUND_KINDS, 0, SetSendBuffer, GetSendBuffer, NET_OPT_SNDBUF, 0),
    ROW(SOL_SOCKET, SO_LINGER, TCP_KINDS, 0, SetLinger, GetLinger, NONE, 0),
    FLAG(SOL_SOCKET, SO_DONTROUTE, TRANSPORT_ANY, 0, DONTROUTE),
    FLAG(SOL_SOCKET, SO_OOBINLINE, TCP_KINDS, 0, OOBINLINE),
    UNSUPPORTED(SOL_SOCKET, SO_SNDTIMEO),
    UNSUPPORTED(SOL_SOCKET, SO_RCVTIMEO),
    ROW(SOL_SOCKET, SO_ERROR, TRANSPORT_ANY, GetOnly, Unsupported, GetError, NONE, 0),
    ROW(SOL_SOCKET, SO_TYPE, TRANSPORT_ANY, GetOnly, Unsupported, GetType, NONE, 0),
    ROW(SOL_SOCKET, SO_CONDITIONAL_ACCEPT, WSKP_LISTEN, NeedsIrp | BeforeBind, SetConditional,
        GetConditional, NONE, 0),
    UNSUPPORTED(SOL_SOCKET, SO_PAUSE_ACCEPT),
    UNSUPPORTED(SOL_SOCKET, SO_COMPARTMENT_ID),
    REMEMBERED(SOL_SOCKET, SO_RANDOMIZE_PORT, TRANSPORT_ANY, RANDOMIZE_PORT),
    REMEMBERED(SOL_SOCKET, SO_PORT_SCALABILITY, TRANSPORT_ANY, PORT_SCALABILITY),
    FLAG(SOL_SOCKET, SO_REUSE_UNICASTPORT, TRANSPORT_ANY, 0, IP_BIND_ADDRESS_NO_PORT),
    FLAG(SOL_SOCKET, SO_REUSE_MULTICASTPORT, MESSAGE_KINDS, 0, REUSEPORT),
    ROW(SOL_SOCKET, SO_WSK_SECURITY, BOUND_KINDS, NeedsIrp | BeforeBind, SetSecurity, GetSecurity,
        NONE, 0),

    BLOB(IPPROTO_IP, IP_OPTIONS, IP_OPTIONS),
    FLAG(IPPROTO_IP, IP_HDRINCL, MESSAGE_KINDS, 0, IP_HDRINCL),
    ROW(IPPROTO_IP, IP_TOS, TRANSPORT_ANY, 0, SetTrafficClass, GetNumber, NET_OPT_IP_TOS, 0),
    NUMBER(IPPROTO_IP, IP_TTL, TRANSPORT_ANY, 0, IP_TTL),
    ROW(IPPROTO_IP, IP_MULTICAST_IF, MESSAGE_KINDS, 0, SetMulticastIf4, GetMulticastIf4,
        NET_OPT_IP_MULTICAST_IF, 0),
    NUMBER(IPPROTO_IP, IP_MULTICAST_TTL, MESSAGE_KINDS, 0, IP_MULTICAST_TTL),
    FLAG(IPPROTO_IP, IP_MULTICAST_LOOP, MESSAGE_KINDS, 0, IP_MULTICAST_LOOP),
    JOIN(IPPROTO_IP, IP_ADD_MEMBERSHIP, SetMembership4, IP_ADD_MEMBERSHIP),
    JOIN(IPPROTO_IP, IP_DROP_MEMBERSHIP, SetMembership4, IP_DROP_MEMBERSHIP),
    ROW(IPPROTO_IP, IP_DONTFRAGMENT, TRANSPORT_ANY, 0, SetDontFragment, GetDontFragment,
        NET_OPT_IP_MTU_DISCOVER, 0),
    JOIN(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, SetSource4, IP_ADD_SOURCE),
    JOIN(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, SetSource4, IP_DROP_SOURCE),
    JOIN(IPPROTO_IP, IP_BLOCK_SOURCE, SetSource4, IP_BLOCK_SOURCE),
    JOIN(IPPROTO_IP, IP_UNBLOCK_SOURCE, SetSource4, IP_UNBLOCK_SOURCE),
    INFO(IPPROTO_IP, IP_PKTINFO, PKTINFO4),
    INFO(IPPROTO_IP, IP_HOPLIMIT, TTL4),
    ROW(IPPROTO_IP, IP_RECEIVE_BROADCAST, MESSAGE_KINDS, 0, SetReceiveBroadcast,
        GetReceiveBroadcast, NONE, 0),
    INFO(IPPROTO_IP, IP_RECVIF, IF4),
    INFO(IPPROTO_IP, IP_RECVDSTADDR, DST4),
    NUMBER(IPPROTO_IP, IP_UNICAST_IF, TRANSPORT_ANY, 0, IP_UNICAST_IF),
    INFO(IPPROTO_IP, IP_RECVTOS, TOS4),
    UNSUPPORTED(IPPROTO_IP, IP_ORIGINAL_ARRIVAL_IF),
    INFO(IPPROTO_IP, IP_ECN, ECN4),
    UNSUPPORTED(IPPROTO_IP, IP_PKTINFO_EX),
    UNSUPPORTED(IPPROTO_IP, IP_WFP_REDIRECT_RECORDS),
    UNSUPPORTED(IPPROTO_IP, IP_WFP_REDIRECT_CONTEXT),
    ROW(IPPROTO_IP, IP_MTU_DISCOVER, TRANSPORT_ANY, 0, SetMtuDiscover, GetMtuDiscover,
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
    JOIN(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, SetMembership6, IPV6_ADD_MEMBERSHIP),
    JOIN(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, SetMembership6, IPV6_DROP_MEMBERSHIP),
    FLAG(IPPROTO_IPV6, IPV6_DONTFRAG, TRANSPORT_ANY, 0, IPV6_DONTFRAG),
    INFO(IPPROTO_IPV6, IPV6_PKTINFO, PKTINFO6),
    INFO(IPPROTO_IPV6, IPV6_HOPLIMIT, HOPS6),
    UNSUPPORTED(IPPROTO_IPV6, IPV6_PROTECTION_LEVEL),
    INFO(IPPROTO_IPV6, IPV6_RECVIF, IF6),
    INFO(IPPROTO_IPV6, IPV6_RECVDSTADDR, DST6),
    NUMBER(IPPROTO_IPV6, IPV6_CHECKSUM, MESSAGE_KINDS, 0, IPV6_CHECKSUM),
    ROW(IPPROTO_IPV6, IPV6_V6ONLY, TRANSPORT_ANY, BeforeBind, SetV6Only, GetFlag,
        NET_OPT_IPV6_V6ONLY, 0),
    ROW(IPPROTO_IPV6, IPV6_UNICAST_IF, TRANSPORT_ANY, 0, SetUnicastIf6, GetUnicastIf6,
        NET_OPT_IPV6_UNICAST_IF, 0),
    UNSUPPORTED(IPPROTO_IPV6, IPV6_RTHDR),
    ROW(IPPROTO_IPV6, IPV6_TCLASS, TRANSPORT_ANY, 0, SetTrafficClass, GetNumber,
        NET_OPT_IPV6_TCLASS, 0),
    INFO(IPPROTO_IPV6, IPV6_RECVTCLASS, TCLASS6),
    INFO(IPPROTO_IPV6, IPV6_ECN, ECN6),
    ROW(IPPROTO_IPV6, IPV6_MTU_DISCOVER, TRANSPORT_ANY, 0, SetMtuDiscover, GetMtuDiscover,
        NET_OPT_IPV6_MTU_DISCOVER, 0),
    NUMBER(IPPROTO_IPV6, IPV6_MTU, TRANSPORT_ANY, GetOnly, IPV6_MTU),
    INFO(IPPROTO_IPV6, IPV6_RECVERR, ERR6),

    ROW(IPPROTO_TCP, TCP_NODELAY, TRANSPORT_ANY, 0, SetNoDelay, GetFlag, NET_OPT_TCP_NODELAY, 0),
    UNSUPPORTED(IPPROTO_TCP, TCP_EXPEDITED_1122),
    NUMBER(IPPROTO_TCP, TCP_KEEPALIVE, TRANSPORT_ANY, 0, TCP_KEEPIDLE),
    NUMBER(IPPROTO_TCP, TCP_MAXSEG, TRANSPORT_ANY, 0, TCP_MAXSEG),
    ROW(IPPROTO_TCP, TCP_MAXRT, TRANSPORT_ANY, 0, SetNumber, GetNumber, NET_OPT_TCP_USER_TIMEOUT,
        1000),
    UNSUPPORTED(IPPROTO_TCP, TCP_STDURG),
    UNSUPPORTED(IPPROTO_TCP, TCP_NOURG),
    UNSUPPORTED(IPPROTO_TCP, TCP_ATMARK),
    ROW(IPPROTO_TCP, TCP_NOSYNRETRIES, TRANSPORT_ANY, 0, SetNoSynRetries, GetNoSynRetries,
        NET_OPT_TCP_SYNCNT, 0),
    UNSUPPORTED(IPPROTO_TCP, TCP_TIMESTAMPS),
    UNSUPPORTED(IPPROTO_TCP, TCP_OFFLOAD_PREFERENCE),
    UNSUPPORTED(IPPROTO_TCP, TCP_CONGESTION_ALGORITHM),
    UNSUPPORTED(IPPROTO_TCP, TCP_DELAY_FIN_ACK),
    NUMBER(IPPROTO_TCP, TCP_MAXRTMS, TRANSPORT_ANY, 0, TCP_USER_TIMEOUT),
    ROW(IPPROTO_TCP, TCP_FASTOPEN, TRANSPORT_ANY, 0, SetFastOpen, GetFastOpen, NONE, 0),
    NUMBER(IPPROTO_TCP, TCP_KEEPCNT, TRANSPORT_ANY, 0, TCP_KEEPCNT),
    NUMBER(IPPROTO_TCP, TCP_KEEPINTVL, TRANSPORT_ANY, 0, TCP_KEEPINTVL),
    REMEMBERED(IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, TRANSPORT_ANY, FAIL_ON_ICMP),
    UNSUPPORTED(IPPROTO_TCP, TCP_ICMP_ERROR_INFO),
    UNSUPPORTED(IPPROTO_TCP, TCP_BSDURGENT),

    FLAG(IPPROTO_UDP, UDP_NOCHECKSUM, MESSAGE_KINDS, 0, NO_CHECK),
    ROW(IPPROTO_UDP, UDP_SEND_MSG_SIZE, MESSAGE_KINDS, 0, SetMessageSize, GetMessageSize,
        NET_OPT_UDP_SEGMENT, 0),
    ROW(IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, MESSAGE_KINDS, 0, SetCoalescedSize,
        GetCoalescedSize, NET_OPT_UDP_GRO, 0),
    UNSUPPORTED(IPPROTO_UDP, UDP_CHECKSUM_COVERAGE),
};

static const OPTION *FindOption(const WSKP_CONTROL *c)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Options); i++)
        if ((ULONG)Options[i].Level == c->Level && Options[i].Code == c->Code)
            return &Options[i];
    return NULL;
}

/* Does the socket's protocol have this level at all? */
static BOOLEAN LevelApplies(const WSKP_SOCKET *s, const OPTION *o)
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

static NTSTATUS CheckOption(const WSKP_SOCKET *s, const OPTION *o, const WSKP_CONTROL *c)
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
    const OPTION *o = FindOption(Control);
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
    const OPTION *o = FindOption(Control);
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
        (void)NetSetInt(Accepted, NET_OPT_KEEPALIVE, 1);
    if (from.ReceiveBufferSet)
        (void)NetSetInt(Accepted, NET_OPT_RCVBUF, (int)from.ReceiveBuffer);
}
