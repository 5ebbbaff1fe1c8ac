/*
 * optvalue.c: values of options: what a driver gives and gets, and what the network takes.
 */
#include <errno.h>

#include "wsk/optionp.h"

/* ---- values ------------------------------------------------------------------------------ */

NTSTATUS WskpReadBoolean(const WSKP_CONTROL *c, BOOLEAN *Value)
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

NTSTATUS WskpWriteBoolean(WSKP_CONTROL *c, BOOLEAN Value)
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

NTSTATUS WskpReadBytes(const WSKP_CONTROL *c, void *Out, SIZE_T Size)
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

NTSTATUS WskpWriteBytes(WSKP_CONTROL *c, const void *Data, SIZE_T Size)
{
    if (!c->Output || c->OutputSize < Size) {
        c->Needed = Size;
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(c->Output, Data, Size);
    c->Written = Size;
    return STATUS_SUCCESS;
}

NTSTATUS WskpWriteNumber(WSKP_CONTROL *c, ULONG Value)
{
    return WskpWriteBytes(c, &Value, sizeof(Value));
}

/* ---- the network's side ------------------------------------------------------------------ */

NTSTATUS WskpOptionStatus(int Result)
{
    if (Result == -EINVAL || Result == -EDOM || Result == -ERANGE)
        return STATUS_INVALID_PARAMETER; /* the value, not the state of the socket */
    if (Result == -ENODEV || Result == -ENXIO)
        return STATUS_INVALID_ADDRESS_COMPONENT; /* no such interface */
    return Result < 0 ? WskpStatusFromErrno(-Result) : STATUS_SUCCESS;
}

NTSTATUS WskpNetSet(WSKP_SOCKET *s, enum net_opt Option, const void *Data, SIZE_T Length)
{
    struct net_ctl_arg arg = { .opt = Option, .data = (void *)(ULONG_PTR)Data, .length = Length };

    return WskpOptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_SET, &arg));
}

NTSTATUS WskpNetSetInt(WSKP_SOCKET *s, enum net_opt Option, int Value)
{
    return WskpNetSet(s, Option, &Value, sizeof(Value));
}

NTSTATUS WskpNetGetInt(WSKP_SOCKET *s, enum net_opt Option, int *Value)
{
    struct net_ctl_arg arg = { .opt = Option, .data = Value, .length = sizeof(*Value) };

    *Value = 0;
    return WskpOptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_GET, &arg));
}

/* ---- handlers for shapes ----------------------------------------------------------------- */

NTSTATUS WskpSetFlag(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    return NT_SUCCESS(status) ? WskpNetSetInt(s, o->Net, on) : status;
}

NTSTATUS WskpGetFlag(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WskpWriteBoolean(c, value != 0) : status;
}

/* Argument: the network's unit per unit of the option (1000: seconds to milliseconds). */
NTSTATUS WskpSetNumber(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    ULONG value, scale = o->Argument ? o->Argument : 1;
    NTSTATUS status = WskpReadBytes(c, &value, sizeof(value));

    if (!NT_SUCCESS(status))
        return status;
    if (scale > 1 && value > 0x7fffffffu / scale)
        return STATUS_INVALID_PARAMETER;
    return WskpNetSetInt(s, o->Net, (int)(value * scale));
}

NTSTATUS WskpGetNumber(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    int value;
    NTSTATUS status = WskpNetGetInt(s, o->Net, &value);

    return NT_SUCCESS(status) ? WskpWriteNumber(c, (ULONG)value / (o->Argument ? o->Argument : 1))
                              : status;
}

NTSTATUS WskpSetBlob(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    if (c->InputSize && !c->Input)
        return STATUS_INVALID_PARAMETER;
    return WskpNetSet(s, o->Net, c->Input, c->InputSize);
}

NTSTATUS WskpGetBlob(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UCHAR bytes[256];
    struct net_ctl_arg arg = { .opt = o->Net, .data = bytes, .length = sizeof(bytes) };
    NTSTATUS status = WskpOptionStatus(Wskp.Transport->ctl(s->Ep, NET_CTL_GET, &arg));

    return NT_SUCCESS(status) ? WskpWriteBytes(c, bytes, arg.length) : status;
}

NTSTATUS WskpUnsupported(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    UNREFERENCED_PARAMETER(s);
    UNREFERENCED_PARAMETER(o);
    UNREFERENCED_PARAMETER(c);
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS WskpSetRemembered(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    BOOLEAN on;
    NTSTATUS status = WskpReadBoolean(c, &on);

    if (NT_SUCCESS(status))
        s->Options.Remembered =
            on ? s->Options.Remembered | o->Argument : s->Options.Remembered & ~o->Argument;
    return status;
}

NTSTATUS WskpGetRemembered(WSKP_SOCKET *s, const WSKP_OPTION *o, WSKP_CONTROL *c)
{
    return WskpWriteBoolean(c, (s->Options.Remembered & o->Argument) != 0);
}
