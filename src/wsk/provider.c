/*
 * provider.c: the provider's table, WskSocket and WskSocketConnect.
 *
 * Which combinations exist is CAT-07; what an unsupported one answers is D40.
 */
#include "wsk/wskp.h"

static UCHAR CategoryOf(ULONG Flags)
{
    switch (Flags) {
    case WSK_FLAG_BASIC_SOCKET:
        return WSKP_BASIC;
    case WSK_FLAG_LISTEN_SOCKET:
    case WSK_FLAG_CONNECTION_SOCKET:
    case WSK_FLAG_DATAGRAM_SOCKET:
    case WSK_FLAG_STREAM_SOCKET:
        return (UCHAR)Flags;
    default:
        return 0;
    }
}

static NTSTATUS CheckCombination(ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, UCHAR Category)
{
    BOOLEAN stream = Type == SOCK_STREAM && Protocol == IPPROTO_TCP;
    BOOLEAN datagram = Type == SOCK_DGRAM && Protocol == IPPROTO_UDP;
    BOOLEAN raw = Type == SOCK_RAW && Protocol <= 255;

    if (Family != AF_INET && Family != AF_INET6)
        return STATUS_PROTOCOL_NOT_SUPPORTED;
    switch (Category) {
    case WSKP_BASIC:
        return stream || datagram || raw ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
    case WSKP_DATAGRAM:
        return datagram || raw ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
    default:
        return stream ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
    }
}

static ULONG NextProcessor(void)
{
    return (ULONG)InterlockedIncrement(&Wskp.NextProcessor) % Wskp.Processors;
}

static NTSTATUS CreateChecked(WSKP_CREATE *Create, ULONG Flags, WSKP_SOCKET **Socket)
{
    Create->Category = CategoryOf(Flags);
    if (Create->Category == 0)
        return STATUS_INVALID_PARAMETER; /* D41 */
    NTSTATUS status =
        CheckCombination(Create->Family, Create->Type, Create->Protocol, Create->Category);
    if (!NT_SUCCESS(status))
        return status;
    if (Create->Category == WSKP_BASIC && (Create->Context || Create->Dispatch))
        vf_report(VF_WARNING, "VF-WSK-13", "WSK-SOCK-15", Create->Owner,
                  "a basic socket takes neither context nor dispatch table");
    if (Create->Category == WSKP_BASIC)
        Create->Dispatch = NULL;
    Create->Processor = NextProcessor();
    return WskpSocketCreate(Create, Socket);
}

NTSTATUS NTAPI WskpSocket(PWSK_CLIENT Client, ADDRESS_FAMILY AddressFamily, USHORT SocketType,
                          ULONG Protocol, ULONG Flags, PVOID SocketContext, const VOID *Dispatch,
                          PEPROCESS OwningProcess, PETHREAD OwningThread,
                          PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    WSKP_SOCKET *s = NULL;

    if (!WskpTakeIrp(Irp, "WskSocket", caller))
        return STATUS_INVALID_PARAMETER;
    WSKP_CLIENT *client = WskpClientEnter(Client, "WskSocket", caller);
    if (!client)
        return WskpFinish(NULL, Irp, STATUS_INVALID_PARAMETER, 0);
    WSKP_CREATE create = { .Client = client,
                           .Family = AddressFamily,
                           .Type = SocketType,
                           .Protocol = Protocol,
                           .Context = SocketContext,
                           .Dispatch = Dispatch,
                           .Process = OwningProcess,
                           .Thread = OwningThread,
                           .Security = SecurityDescriptor,
                           .Owner = caller };
    NTSTATUS status = CreateChecked(&create, Flags, &s);
    status = s ? WskpFinishFreely(s, Irp, status, (ULONG_PTR)s)
               : WskpFinishClient(client, Irp, status, 0);
    WskpClientLeave(client);
    return status;
}

NTSTATUS NTAPI WskpSocketConnect(PWSK_CLIENT Client, USHORT SocketType, ULONG Protocol,
                                 PSOCKADDR LocalAddress, PSOCKADDR RemoteAddress, ULONG Flags,
                                 PVOID SocketContext,
                                 const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch,
                                 PEPROCESS OwningProcess, PETHREAD OwningThread,
                                 PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp)
{
    const void *caller = __builtin_return_address(0);
    struct net_addr local, remote;
    WSKP_SOCKET *s = NULL;

    if (!WskpTakeIrp(Irp, "WskSocketConnect", caller))
        return STATUS_INVALID_PARAMETER;
    WSKP_CLIENT *client = WskpClientEnter(Client, "WskSocketConnect", caller);
    if (!client)
        return WskpFinish(NULL, Irp, STATUS_INVALID_PARAMETER, 0);
    WSKP_CREATE create = { .Client = client,
                           .Family = LocalAddress ? LocalAddress->sa_family : AF_UNSPEC,
                           .Type = SocketType,
                           .Protocol = Protocol,
                           .Context = SocketContext,
                           .Dispatch = Dispatch,
                           .Process = OwningProcess,
                           .Thread = OwningThread,
                           .Security = SecurityDescriptor,
                           .Owner = caller };
    NTSTATUS status = Flags != 0 || !LocalAddress ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    if (NT_SUCCESS(status))
        status = CheckCombination(create.Family, SocketType, Protocol, WSKP_CONNECTION);
    if (NT_SUCCESS(status))
        status = WskpAddressIn(create.Family, LocalAddress, &local);
    if (NT_SUCCESS(status))
        status = WskpAddressIn(create.Family, RemoteAddress, &remote);
    if (NT_SUCCESS(status))
        status = CreateChecked(&create, WSK_FLAG_CONNECTION_SOCKET, &s);
    if (!NT_SUCCESS(status)) {
        status = WskpFinishClient(client, Irp, status, 0);
        goto leave;
    }
    status = WskpBindSocket(s, &local);
    if (NT_SUCCESS(status)) {
        status = WskpConnectSocket(s, &remote, NULL, TRUE, Irp, caller);
        goto leave;
    }
    IoMarkIrpPending(Irp); /* the failure is told when nothing of the socket is left (SCON-03) */
    WskpSocketClose(s, Irp, status);
    status = STATUS_PENDING;
leave:
    WskpClientLeave(client);
    return status;
}

const WSK_PROVIDER_DISPATCH WskpProviderDispatch = {
    .Version = MAKE_WSK_VERSION(1, 0),
    .WskSocket = WskpSocket,
    .WskSocketConnect = WskpSocketConnect,
    .WskControlClient = WskpControlClient,
    .WskGetAddressInfo = WskpGetAddressInfo,
    .WskFreeAddressInfo = WskpFreeAddressInfo,
    .WskGetNameInfo = WskpGetNameInfo,
};
