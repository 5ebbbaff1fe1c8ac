/*
 * basic.c: WskControlSocket, the one function beside close that every category has.
 *
 * Options and ioctls are tables in option.c and ioctl.c; here is what they share: the IRP may be
 * absent where the operation allows it (D04, D05, D54), buffers are checked once, and
 * *OutputSizeReturned is written exactly when the call finishes inline (D55).
 */
#include "wsk/wskp.h"

static NTSTATUS SetEvents(WSKP_SOCKET *s, WSKP_CONTROL *c, PIRP Irp, BOOLEAN *Pended)
{
    if (c->InputSize != sizeof(WSK_EVENT_CALLBACK_CONTROL) || !c->Input)
        return STATUS_INVALID_PARAMETER; /* D21 */
    return WskpEventControl(s, c->Input, Irp, Pended);
}

static NTSTATUS Dispatch(WSKP_SOCKET *s, WSK_CONTROL_SOCKET_TYPE Type, WSKP_CONTROL *c, PIRP Irp,
                         BOOLEAN *Pended)
{
    NTSTATUS status = WskpCheckDead(s);

    if (!NT_SUCCESS(status))
        return status;
    if ((c->InputSize > 0) != (c->Input != NULL) || (c->OutputSize > 0) != (c->Output != NULL))
        return STATUS_INVALID_PARAMETER;
    switch (Type) {
    case WskSetOption:
        if (c->Level == SOL_SOCKET && c->Code == SO_WSK_EVENT_CALLBACK)
            return SetEvents(s, c, Irp, Pended);
        return WskpSetOption(s, c);
    case WskGetOption:
        return WskpGetOption(s, c);
    case WskIoctl:
        return WskpIoctl(s, c, Irp, Pended);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* Without an IRP there is nothing to complete; the call's own return value is the answer. */
static NTSTATUS WithoutIrp(WSKP_SOCKET *s, WSK_CONTROL_SOCKET_TYPE Type, WSKP_CONTROL *c,
                           SIZE_T *OutputSizeReturned)
{
    BOOLEAN pended = FALSE;
    NTSTATUS status = Dispatch(s, Type, c, NULL, &pended);

    if (OutputSizeReturned)
        *OutputSizeReturned = status == STATUS_BUFFER_OVERFLOW ? c->Needed : c->Written;
    return status;
}

NTSTATUS NTAPI WskpControlSocket(PWSK_SOCKET Public, WSK_CONTROL_SOCKET_TYPE RequestType,
                                 ULONG ControlCode, ULONG Level, SIZE_T InputSize,
                                 PVOID InputBuffer, SIZE_T OutputSize, PVOID OutputBuffer,
                                 SIZE_T *OutputSizeReturned, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;
    BOOLEAN pended = FALSE;
    WSKP_CONTROL c = { .Code = ControlCode,
                       .Level = Level,
                       .InputSize = InputSize,
                       .Input = InputBuffer,
                       .OutputSize = OutputSize,
                       .Output = OutputBuffer,
                       .HasIrp = Irp != NULL,
                       .Caller = caller };

    if (Irp && !WskpTakeIrp(Irp, "WskControlSocket", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, ~0u, Irp, "WskControlSocket", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    if (!Irp) {
        status = WithoutIrp(s, RequestType, &c, OutputSizeReturned);
        WskpLeave(s);
        return status;
    }
    status = Dispatch(s, RequestType, &c, Irp, &pended);
    if (!pended) {
        if (OutputSizeReturned && WskpMayFinishInline())
            *OutputSizeReturned = status == STATUS_BUFFER_OVERFLOW ? c.Needed : c.Written;
        status = WskpFinishFreely(s, Irp, status, NT_SUCCESS(status) ? c.Written : 0);
    }
    WskpLeave(s);
    return status;
}

const WSK_PROVIDER_BASIC_DISPATCH WskpBasicDispatch = {
    .WskControlSocket = WskpControlSocket,
    .WskCloseSocket = WskpCloseSocket,
};

/* A stream socket is a listener after WskListen and a connection after a connect (CAT-05, CAT-06).
 */
const WSK_PROVIDER_STREAM_DISPATCH WskpStreamDispatch = {
    .WskControlSocket = WskpControlSocket,
    .WskCloseSocket = WskpCloseSocket,
    .WskBind = WskpBind,
    .WskAccept = WskpAcceptRequest,
    .WskConnect = WskpConnect,
    .WskListen = WskpListen,
    .WskSend = WskpSend,
    .WskReceive = WskpReceiveRequest,
    .WskDisconnect = WskpDisconnectRequest,
    .WskRelease = WskpReleaseData,
    .WskGetLocalAddress = WskpGetLocalAddress,
    .WskGetRemoteAddress = WskpGetRemoteAddress,
    .WskConnectEx = WskpConnectEx,
    .WskSendEx = WskpSendEx,
    .WskReceiveEx = WskpReceiveExRequest,
};
