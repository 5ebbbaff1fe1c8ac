/*
 * event.c: which callbacks of a socket may run, and turning them on and off.
 *
 * Each kind of callback of a socket is a gate. A callback starts only under the socket's lock, with
 * the kind enabled and not running, and while it runs the socket is held Busy, so that a close
 * waits for it. A disable while it runs takes effect for new calls at once and completes when the
 * running call has returned (EVT-08, EVT-09, D79): WskpEventEnd() completes the IRPs that wait.
 */
#include "wsk/wskp.h"

#define CONNECTION_EVENTS (WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT | WSK_EVENT_SEND_BACKLOG)
#define ALL_EVENTS        (CONNECTION_EVENTS | WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE_FROM)

static const struct {
    ULONG Bit;
    WSKP_EVENT_KIND Kind;
} Bits[] = {
    { WSK_EVENT_ACCEPT, WskpAccept },
    { WSK_EVENT_RECEIVE, WskpReceive },
    { WSK_EVENT_DISCONNECT, WskpDisconnect },
    { WSK_EVENT_SEND_BACKLOG, WskpBacklog },
    { WSK_EVENT_RECEIVE_FROM, WskpReceiveFrom },
};

BOOLEAN WskpEventHasCallback(const WSKP_SOCKET *Socket, WSKP_EVENT_KIND Kind)
{
    const WSK_CLIENT_CONNECTION_DISPATCH *c = Socket->ConnectionTable;

    switch (Kind) {
    case WskpAccept:
        return Socket->ListenTable && Socket->ListenTable->WskAcceptEvent;
    case WskpInspect:
        return Socket->ListenTable && Socket->ListenTable->WskInspectEvent &&
               Socket->ListenTable->WskAbortEvent;
    case WskpReceive:
        return c && c->WskReceiveEvent;
    case WskpDisconnect:
        return c && c->WskDisconnectEvent;
    case WskpBacklog:
        return c && c->WskSendBacklogEvent;
    default: /* WskpReceiveFrom */
        return Socket->DatagramTable && Socket->DatagramTable->WskReceiveFromEvent;
    }
}

/* The bits that make sense for the socket, presets of a listener included. */
static ULONG ValidBits(const WSKP_SOCKET *s)
{
    switch (s->Category) {
    case WSKP_LISTEN:
        return WSK_EVENT_ACCEPT | CONNECTION_EVENTS;
    case WSKP_STREAM:
        return s->State == WskpListening ? WSK_EVENT_ACCEPT | CONNECTION_EVENTS : CONNECTION_EVENTS;
    case WSKP_CONNECTION:
        return CONNECTION_EVENTS;
    case WSKP_DATAGRAM:
        return WSK_EVENT_RECEIVE_FROM;
    default:
        return 0;
    }
}

/* Is the kind a callback of this very socket, rather than a preset for accepted ones? */
static BOOLEAN Own(const WSKP_SOCKET *s, WSKP_EVENT_KIND Kind)
{
    BOOLEAN connection_kind = Kind == WskpReceive || Kind == WskpDisconnect || Kind == WskpBacklog;
    if (s->Category == WSKP_LISTEN || (s->Category == WSKP_STREAM && s->State == WskpListening))
        return !connection_kind;
    return TRUE;
}

void WskpEventInit(WSKP_SOCKET *Socket, ULONG StaticMask)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bits); i++) {
        WSKP_EVENT *e = &Socket->Event[Bits[i].Kind];
        if (!(StaticMask & Bits[i].Bit) || !WskpEventHasCallback(Socket, Bits[i].Kind))
            continue; /* D18: a static bit without a callback is skipped */
        e->Enabled = TRUE;
        e->Static = TRUE;
    }
}

void WskpEventPreset(const WSKP_SOCKET *Listener, WSKP_SOCKET *Accepted)
{
    static const WSKP_EVENT_KIND kinds[] = { WskpReceive, WskpDisconnect, WskpBacklog };

    for (ULONG i = 0; i < RTL_NUMBER_OF(kinds); i++)
        if (Listener->Event[kinds[i]].Preset && WskpEventHasCallback(Accepted, kinds[i]))
            Accepted->Event[kinds[i]].Enabled = TRUE;
}

/* A disable that waits for the calls that run must not wait for more of them. */
BOOLEAN WskpEventTryStart(WSKP_SOCKET *Socket, WSKP_EVENT_KIND Kind)
{
    WSKP_EVENT *e = &Socket->Event[Kind];
    BOOLEAN concurrent = Kind == WskpReceiveFrom && Socket->Datagram->Lanes;

    if (!e->Enabled || Socket->AcceptDelivering || e->DisableIrp ||
        e->Running >= (concurrent ? Wskp.Processors : 1))
        return FALSE;
    if (!WskpTryHold(Socket))
        return FALSE;
    e->Running++;
    return TRUE;
}

void WskpEventEnd(WSKP_SOCKET *Socket, WSKP_EVENT_KIND Kind)
{
    WSKP_EVENT *e = &Socket->Event[Kind];

    host_lock(&Socket->Lock);
    PIRP irp = NULL;
    if (--e->Running == 0) {
        irp = e->DisableIrp;
        e->DisableIrp = NULL;
    }
    host_unlock(&Socket->Lock);
    while (irp) {
        PIRP next = irp->Tail.Overlay.DriverContext[1];
        WskpCompleteIrp(irp, STATUS_SUCCESS, 0);
        irp = next;
    }
    WskpLeave(Socket);
}

static NTSTATUS CheckState(const WSKP_SOCKET *s)
{
    if (!NT_SUCCESS(s->Dead))
        return STATUS_FILE_FORCED_CLOSED;
    if (s->Category == WSKP_CONNECTION && s->State != WskpConnected)
        return STATUS_INVALID_DEVICE_STATE;
    if (s->Category == WSKP_STREAM && s->State != WskpConnected && s->State != WskpListening)
        return STATUS_INVALID_DEVICE_STATE;
    return s->State == WskpUnbound ? STATUS_INVALID_DEVICE_STATE : STATUS_SUCCESS;
}

/* Lock held. */
static NTSTATUS Enable(WSKP_SOCKET *s, ULONG Mask)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bits); i++) {
        WSKP_EVENT_KIND kind = Bits[i].Kind;
        if (!(Mask & Bits[i].Bit))
            continue;
        if (s->Event[kind].Static && Own(s, kind))
            return STATUS_INVALID_DEVICE_REQUEST;
        if (Own(s, kind) && !WskpEventHasCallback(s, kind) && !s->AcceptDelivering)
            return STATUS_INVALID_PARAMETER; /* D19; inside WskAcceptEvent the table is not known
                                                yet */
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bits); i++) {
        WSKP_EVENT_KIND kind = Bits[i].Kind;
        if (!(Mask & Bits[i].Bit))
            continue;
        if (!Own(s, kind)) {
            s->Event[kind].Preset = TRUE;
            continue;
        }
        s->Event[kind].Enabled = TRUE;
        if (kind == WskpReceive)
            s->Suspended = FALSE; /* D17 */
    }
    return STATUS_SUCCESS;
}

/* Lock held. */
static NTSTATUS Disable(WSKP_SOCKET *s, ULONG Mask, PIRP Irp, BOOLEAN *Pended)
{
    WSKP_EVENT *e = NULL;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Bits); i++) {
        if (Mask != Bits[i].Bit)
            continue;
        e = &s->Event[Bits[i].Kind];
        if ((e->Static && e->Enabled) || !Own(s, Bits[i].Kind))
            return STATUS_INVALID_DEVICE_REQUEST; /* EVT-11, EVT-15 */
    }
    if (!e)
        return STATUS_INVALID_PARAMETER; /* D21: one at a time */
    e->Enabled = FALSE;
    if (!e->Running)
        return STATUS_SUCCESS;
    if (!Irp)
        return STATUS_EVENT_PENDING;
    IoMarkIrpPending(Irp);
    Irp->Tail.Overlay.DriverContext[1] = e->DisableIrp;
    e->DisableIrp = Irp;
    *Pended = TRUE;
    return STATUS_PENDING;
}

NTSTATUS WskpEventControl(WSKP_SOCKET *Socket, const WSK_EVENT_CALLBACK_CONTROL *Control, PIRP Irp,
                          BOOLEAN *Pended)
{
    ULONG mask = Control->EventMask & ~WSK_EVENT_DISABLE;
    BOOLEAN disable = (Control->EventMask & WSK_EVENT_DISABLE) != 0;

    *Pended = FALSE;
    if (!Control->NpiId)
        return STATUS_INVALID_PARAMETER;
    if (!IsEqualGUID(Control->NpiId, &NPI_WSK_INTERFACE_ID))
        return STATUS_NOT_SUPPORTED;
    host_lock(&Socket->Lock);
    NTSTATUS status = STATUS_SUCCESS;
    if (mask == 0 || (mask & ~ALL_EVENTS) || (mask & ~ValidBits(Socket)))
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = CheckState(Socket);
    if (NT_SUCCESS(status))
        status = disable ? Disable(Socket, mask, Irp, Pended) : Enable(Socket, mask);
    host_unlock(&Socket->Lock);
    if (NT_SUCCESS(status))
        WskpKick(Socket);
    return status;
}
