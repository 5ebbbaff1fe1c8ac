/*
 * opttcp.c: options of the levels IPPROTO_TCP and IPPROTO_UDP.
 */
#include "wsk/optionp.h"

#define TCP_SYN_TRIES_DEFAULT 6
#define FAST_OPEN_QUEUE       128

NTSTATUS WskpSetNoDelay(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        status = WskpNetSetInt(s, o->Net, on);
    if (NT_SUCCESS(status))
        s->Options.NoDelay = on;
    return status;
}

NTSTATUS WskpSetNoSynRetries(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    return NT_SUCCESS(status) ? WskpNetSetInt(s, o->Net, on ? 1 : TCP_SYN_TRIES_DEFAULT) : status;
}

NTSTATUS WskpGetNoSynRetries(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WskpWriteBoolean(c, value == 1) : status;
}

NTSTATUS WskpSetFastOpen(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (s->Category == WSKP_LISTEN)
        return WskpNetSetInt(s, NET_OPT_TCP_FASTOPEN, on ? FAST_OPEN_QUEUE : 0);
    return WskpNetSetInt(s, NET_OPT_TCP_FASTOPEN_CONNECT, on);
}

NTSTATUS WskpGetFastOpen(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    enum net_opt net =
        s->Category == WSKP_LISTEN ? NET_OPT_TCP_FASTOPEN : NET_OPT_TCP_FASTOPEN_CONNECT;
    NTSTATUS status = WskpNetGetInt(s, net, &value);

    UNREFERENCED_PARAMETER(o);
    return NT_SUCCESS(status) ? WskpWriteBoolean(c, value != 0) : status;
}

NTSTATUS WskpSetMessageSize(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (value > 0xffff)
        return STATUS_INVALID_PARAMETER;
    status = WskpNetSetInt(s, o->Net, (int)value);
    if (NT_SUCCESS(status) && s->Datagram)
        __atomic_store_n(&s->Datagram->SendMessageSize, value, __ATOMIC_RELAXED);
    return status;
}

/* Drivers read this to learn whether the feature is there: the network is asked. */
NTSTATUS WskpGetMessageSize(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WskpWriteNumber(c, (ULONG)value) : status;
}

NTSTATUS WskpSetCoalescedSize(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (!s->Datagram)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = WskpNetSetInt(s, o->Net, value != 0);
    if (!NT_SUCCESS(status))
        return status;
    ULONG mask = s->Datagram->InfoMask & ~(ULONG)WSKP_INFO_COALESCED;
    __atomic_store_n(&s->Datagram->InfoMask, value ? mask | WSKP_INFO_COALESCED : mask,
                     __ATOMIC_RELAXED);
    s->Datagram->CoalescedSize = value;
    return STATUS_SUCCESS;
}

NTSTATUS WskpGetCoalescedSize(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    if (!NT_SUCCESS(status))
        return status;
    return WskpWriteNumber(c, s->Datagram ? s->Datagram->CoalescedSize : 0);
}
