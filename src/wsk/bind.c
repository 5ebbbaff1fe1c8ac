/*
 * bind.c: WskBind, WskListen and the address functions of all categories.
 *
 * The sharing table (3.7) is decided by the registry in share.c before the host is asked, because
 * the host cannot express it (D43).
 */
#include <errno.h>

#include "wsk/wskp.h"

#define BACKLOG 4096 /* D24: the host cuts it to its own maximum */

/* The registry's decision, then the host's. */
static NTSTATUS BindHost(WSKP_SOCKET *s, const struct net_addr *Address)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (Address->port != 0)
        status = WskpShareBind(s, Address);
    if (!NT_SUCCESS(status))
        return status;
    int error = Wskp.Transport->bind(s->Ep, Address);
    if (error) {
        if (s->Share)
            WskpShareRelease(s);
        /* An unbound socket is in the right state: it is the address that it cannot have, or the
         * interface that the address names (D42). */
        if (error == -EINVAL || error == -ENODEV)
            return STATUS_INVALID_ADDRESS_COMPONENT;
        return WskpStatusFromErrno(-error);
    }
    struct net_ctl_arg arg = { 0 };
    if (Address->port == 0 && Wskp.Transport->ctl(s->Ep, NET_CTL_LOCAL, &arg) == 0)
        WskpShareRecord(s, &arg.addr);
    return STATUS_SUCCESS;
}

NTSTATUS WskpStartListening(WSKP_SOCKET *Socket)
{
    host_lock(&Socket->Lock);
    BOOLEAN ours = Socket->State == WskpBound; /* nobody else listens or connects meanwhile */
    if (ours)
        Socket->State = WskpStarting;
    host_unlock(&Socket->Lock);
    if (!ours)
        return STATUS_INVALID_DEVICE_STATE; /* D34 */
    int error = Wskp.Transport->listen(Socket->Ep, BACKLOG);
    host_lock(&Socket->Lock);
    Socket->State = error ? WskpBound : WskpListening;
    host_unlock(&Socket->Lock);
    if (error)
        return WskpStatusFromErrno(-error);
    WskpKick(Socket); /* events may be static, inspection may be on */
    return STATUS_SUCCESS;
}

/*
 * The host cannot unbind. A listening socket that it bound and then did not let listen is unbound
 * again for its driver; it can be bound once more, but only to the same address. State is
 * WskpBinding, so nobody else is here.
 */
static NTSTATUS BindOnce(WSKP_SOCKET *s, const struct net_addr *Address)
{
    if (s->HostBound)
        return WskpAddressEqual(&s->HostAddress, Address) ? STATUS_SUCCESS
                                                          : STATUS_INVALID_DEVICE_STATE;
    NTSTATUS status = BindHost(s, Address);
    s->HostBound = NT_SUCCESS(status);
    s->HostAddress = *Address;
    return status;
}

/* CAT-03: the bind of a listening socket makes it listen. */
static NTSTATUS ListenAfterBind(WSKP_SOCKET *s)
{
    NTSTATUS status = WskpStartListening(s);

    if (NT_SUCCESS(status))
        return status;
    host_lock(&s->Lock);
    s->State = WskpUnbound;
    host_unlock(&s->Lock);
    return status;
}

NTSTATUS WskpBindSocket(WSKP_SOCKET *Socket, const struct net_addr *Address)
{
    host_lock(&Socket->Lock);
    BOOLEAN first = Socket->State == WskpUnbound;
    if (first)
        Socket->State = WskpBinding;
    host_unlock(&Socket->Lock);
    if (!first)
        return STATUS_INVALID_DEVICE_STATE; /* D42 */
    NTSTATUS status = BindOnce(Socket, Address);
    host_lock(&Socket->Lock);
    Socket->State = NT_SUCCESS(status) ? WskpBound : WskpUnbound;
    host_unlock(&Socket->Lock);
    if (NT_SUCCESS(status) && Socket->Category == WSKP_LISTEN)
        status = ListenAfterBind(Socket);
    else if (NT_SUCCESS(status) && Socket->Category == WSKP_DATAGRAM)
        WskpKick(Socket);
    return status;
}

NTSTATUS NTAPI WskpBind(PWSK_SOCKET Public, PSOCKADDR LocalAddress, ULONG Flags, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;
    struct net_addr address;

    if (!WskpTakeIrp(Irp, "WskBind", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, ~(ULONG)WSKP_BASIC, Irp, "WskBind", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpCheckDead(s);
    if (NT_SUCCESS(status) && Flags != 0)
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = WskpAddressIn(s->Family, LocalAddress, &address);
    if (NT_SUCCESS(status))
        status = WskpBindSocket(s, &address);
    status = WskpFinishFreely(s, Irp, status, 0);
    WskpLeave(s);
    return status;
}

NTSTATUS NTAPI WskpListen(PWSK_SOCKET Public, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;

    if (!WskpTakeIrp(Irp, "WskListen", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, WSKP_STREAM, Irp, "WskListen", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpCheckDead(s);
    if (NT_SUCCESS(status))
        status = WskpStartListening(s);
    status = WskpFinishFreely(s, Irp, status, 0);
    WskpLeave(s);
    return status;
}

static NTSTATUS LocalAddress(WSKP_SOCKET *s, PSOCKADDR Out)
{
    struct net_ctl_arg arg = { 0 };

    host_lock(&s->Lock);
    BOOLEAN bound = s->State != WskpUnbound && s->State != WskpBinding;
    host_unlock(&s->Lock);
    if (!Out)
        return STATUS_INVALID_PARAMETER;
    if (!bound)
        return STATUS_INVALID_DEVICE_STATE; /* ADDR-02 */
    int error = Wskp.Transport->ctl(s->Ep, NET_CTL_LOCAL, &arg);
    if (error)
        return WskpStatusFromErrno(-error);
    WskpAddressOut(s->Family, &arg.addr, Out);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI WskpGetLocalAddress(PWSK_SOCKET Public, PSOCKADDR Address, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;

    if (!WskpTakeIrp(Irp, "WskGetLocalAddress", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = WskpEnter(Public, ~(ULONG)WSKP_BASIC, Irp, "WskGetLocalAddress", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpCheckDead(s);
    if (NT_SUCCESS(status))
        status = LocalAddress(s, Address);
    status = WskpFinishFreely(s, Irp, status, 0);
    WskpLeave(s);
    return status;
}

NTSTATUS NTAPI WskpGetRemoteAddress(PWSK_SOCKET Public, PSOCKADDR Address, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s;

    if (!WskpTakeIrp(Irp, "WskGetRemoteAddress", caller))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status =
        WskpEnter(Public, WSKP_CONNECTION | WSKP_STREAM, Irp, "WskGetRemoteAddress", caller, &s);
    if (!NT_SUCCESS(status))
        return status;
    status = WskpCheckDead(s);
    host_lock(&s->Lock);
    struct net_addr remote = s->Remote;
    if (NT_SUCCESS(status) && s->State != WskpConnected)
        status = STATUS_INVALID_DEVICE_STATE; /* ADDR-06 */
    host_unlock(&s->Lock);
    if (NT_SUCCESS(status) && !Address)
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        WskpAddressOut(s->Family, &remote, Address);
    status = WskpFinishFreely(s, Irp, status, 0);
    WskpLeave(s);
    return status;
}
