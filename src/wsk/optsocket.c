/*
 * optsocket.c: options of level SOL_SOCKET.
 */
#include "wsk/optionp.h"

NTSTATUS WskpSetReuse(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (on && s->Options.Exclusive)
        return STATUS_INVALID_PARAMETER;
    s->Options.ReuseAddress = on; /* the bind registry tells the network */
    return STATUS_SUCCESS;
}

NTSTATUS WskpGetReuse(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WskpWriteBoolean(c, s->Options.ReuseAddress);
}

NTSTATUS WskpSetExclusive(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    UNREFERENCED_PARAMETER(o);
    if (!NT_SUCCESS(status))
        return status;
    if (on && s->Options.ReuseAddress)
        return STATUS_INVALID_PARAMETER;
    s->Options.Exclusive = on;
    return STATUS_SUCCESS;
}

NTSTATUS WskpGetExclusive(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WskpWriteBoolean(c, s->Options.Exclusive);
}

NTSTATUS WskpSetKeepAlive(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        status = WskpNetSetInt(s, o->Net, on);
    if (NT_SUCCESS(status))
        s->Options.KeepAlive = on;
    return status;
}

NTSTATUS WskpSetReceiveBuffer(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    if (NT_SUCCESS(status))
        status = WskpNetSetInt(s, o->Net, value > 0x7fffffffu ? 0x7fffffff : (int)value);
    if (NT_SUCCESS(status)) {
        s->Options.ReceiveBuffer = value;
        s->Options.ReceiveBufferSet = TRUE;
    }
    return status;
}

/* D58: Linux doubles what is set; the driver reads what it wrote. */
NTSTATUS WskpGetReceiveBuffer(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    if (s->Options.ReceiveBufferSet)
        return WskpWriteNumber(c, s->Options.ReceiveBuffer);
    return WskpGetNumber(s, o, c);
}

/* WSK does not buffer what is sent: the value is only remembered. */
NTSTATUS WskpSetSendBuffer(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    UNREFERENCED_PARAMETER(o);
    if (NT_SUCCESS(status)) {
        s->Options.SendBuffer = value;
        s->Options.SendBufferSet = TRUE;
    }
    return status;
}

NTSTATUS WskpGetSendBuffer(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    if (s->Options.SendBufferSet)
        return WskpWriteNumber(c, s->Options.SendBuffer);
    return WskpGetNumber(s, o, c);
}

/* Closing is abortive whatever the value: remembered only. */
NTSTATUS WskpSetLinger(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    LINGER linger;
    NTSTATUS status = WskpReadBytes(c, &linger, sizeof(linger));

    UNREFERENCED_PARAMETER(o);
    if (NT_SUCCESS(status)) {
        s->Options.LingerOn = linger.l_onoff;
        s->Options.LingerSeconds = linger.l_linger;
    }
    return status;
}

NTSTATUS WskpGetLinger(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    LINGER linger = { (USHORT)s->Options.LingerOn, (USHORT)s->Options.LingerSeconds };

    UNREFERENCED_PARAMETER(o);
    return WskpWriteBytes(c, &linger, sizeof(linger));
}

/* The pending error as an NTSTATUS; reading clears it. */
NTSTATUS WskpGetError(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    struct net_ctl_arg arg = { 0 };

    UNREFERENCED_PARAMETER(o);
    if (c->OutputSize < sizeof(ULONG))
        return WskpWriteNumber(c, 0); /* says how much is needed, without clearing */
    NTSTATUS status = WskpOptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_ERROR, &arg));
    return NT_SUCCESS(status) ? WskpWriteNumber(c, (ULONG)WskpStatusFromErrno((int)arg.value))
                              : status;
}

NTSTATUS WskpGetType(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WskpWriteNumber(c, s->Type);
}

NTSTATUS WskpSetConditional(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

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

NTSTATUS WskpGetConditional(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(o);
    return WskpWriteBoolean(c, s->Options.ConditionalAccept);
}

NTSTATUS WskpSetSecurity(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    PSECURITY_DESCRIPTOR given;
    WSKP_SD *sd = NULL;
    NTSTATUS status = WskpReadBytes(c, &given, sizeof(given));

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
NTSTATUS WskpGetSecurity(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    PSECURITY_DESCRIPTOR copy;

    UNREFERENCED_PARAMETER(o);
    if (!c->Output || c->OutputSize < sizeof(copy)) {
        c->Needed = sizeof(copy);
        return STATUS_BUFFER_OVERFLOW;
    }
    NTSTATUS status =
        WskpSecurityCache(s->Client, WskpSecurityPointer(s->Security), &copy, c->Caller);
    return NT_SUCCESS(status) ? WskpWriteBytes(c, &copy, sizeof(copy)) : status;
}
