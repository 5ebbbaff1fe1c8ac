/*
 * sockets.c: a test's sockets, which are made here, adopted and closed, and their addresses.
 *
 * Callbacks and completion routines adopt sockets, too: which ones are open is kept without a lock.
 */
#include "harness.h"

#ifndef MAX_OPEN
#define MAX_OPEN 8192
#endif

BOOLEAN PendsAll, PassiveCallbacks;

static PWSK_SOCKET Opened[MAX_OPEN];
static LONG OpenedEnd; /* behind the last one that is in use */

void Adopt(PWSK_SOCKET Socket)
{
    LONG i = InterlockedIncrement(&OpenedEnd) - 1;

    if (i < MAX_OPEN)
        (void)InterlockedExchangePointer((PVOID *)&Opened[i], Socket);
    else
        TestFail(__FILE__, __LINE__, "too many sockets");
}

static LONG OpenedCount(void)
{
    LONG end = ReadAcquire(&OpenedEnd);

    return end < MAX_OPEN ? end : MAX_OPEN;
}

/* The last one first: a test with thousands of sockets closes those that it has just made. */
BOOLEAN Disown(PWSK_SOCKET Socket)
{
    for (LONG i = OpenedCount() - 1; i >= 0; i--) {
        if (InterlockedCompareExchangePointer((PVOID *)&Opened[i], NULL, Socket) != Socket)
            continue;
        (void)InterlockedCompareExchange(&OpenedEnd, i, i + 1);
        return TRUE;
    }
    return FALSE;
}

NTSTATUS Open(ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags, PVOID Context,
              const VOID *Dispatch, PWSK_SOCKET *Socket)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);

    *Socket = NULL;
    NTSTATUS status = CallEnd(&call, Wsk->WskSocket(Client, Family, Type, Protocol, Flags, Context,
                                                    Dispatch, NULL, NULL, NULL, irp));
    if (NT_SUCCESS(status))
        *Socket = (PWSK_SOCKET)call.Information;
    return status;
}

NTSTATUS OpenListen(ADDRESS_FAMILY Family, PVOID Context,
                    const WSK_CLIENT_LISTEN_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET, Context, Dispatch,
                Socket);
}

NTSTATUS OpenConnection(ADDRESS_FAMILY Family, PVOID Context,
                        const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET, Context, Dispatch,
                Socket);
}

NTSTATUS OpenDatagram(ADDRESS_FAMILY Family, PVOID Context,
                      const WSK_CLIENT_DATAGRAM_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET, Context, Dispatch,
                Socket);
}

NTSTATUS OpenStream(ADDRESS_FAMILY Family, PVOID Context,
                    const WSK_CLIENT_STREAM_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET, Context, Dispatch,
                Socket);
}

static NTSTATUS CloseDisowned(PWSK_SOCKET Socket)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, BASIC_OF(Socket)->WskCloseSocket(Socket, irp));
}

NTSTATUS Close(PWSK_SOCKET Socket)
{
    (void)Disown(Socket);
    return CloseDisowned(Socket);
}

/* FALSE: there was nothing to close. */
static BOOLEAN CloseOnce(void)
{
    BOOLEAN any = FALSE;

    for (LONG i = 0; i < OpenedCount(); i++) {
        PWSK_SOCKET s = InterlockedExchangePointer((PVOID *)&Opened[i], NULL);
        if (!s)
            continue;
        any = TRUE;
        (void)CloseDisowned(s);
    }
    return any;
}

void CloseOpened(void)
{
    while (CloseOnce())
        continue; /* a listener's callback may have adopted one more meanwhile */
    InterlockedExchange(&OpenedEnd, 0);
}

/* A socket's creation can always end at once, its close hardly ever. */
void LearnChoices(void)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, Wsk->WskSocket(Client, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                      WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, NULL, NULL, NULL, irp));
    PendsAll = call.Returned == STATUS_PENDING;
    if (!NT_SUCCESS(status))
        return;
    PWSK_SOCKET s = (PWSK_SOCKET)call.Information;
    irp = CallBegin(&call);
    (void)CallEnd(&call, BASIC_OF(s)->WskCloseSocket(s, irp));
    PassiveCallbacks = call.Irql == PASSIVE_LEVEL;
}

static PSOCKADDR Fill(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage)
{
    RtlZeroMemory(Storage, sizeof(*Storage));
    Storage->si_family = Family;
    /* The port lies at the same place in both forms. */
    Storage->Ipv4.sin_port = RtlUshortByteSwap(Port);
    return (PSOCKADDR)Storage;
}

PSOCKADDR Loopback(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage)
{
    PSOCKADDR address = Fill(Family, Port, Storage);

    if (Family == AF_INET)
        Storage->Ipv4.sin_addr.s_addr = RtlUlongByteSwap(0x7f000001);
    else
        Storage->Ipv6.sin6_addr.u.Byte[15] = 1;
    return address;
}

PSOCKADDR Wildcard(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage)
{
    return Fill(Family, Port, Storage);
}

USHORT PortOf(const SOCKADDR_INET *Address)
{
    return RtlUshortByteSwap(Address->Ipv4.sin_port);
}

NTSTATUS MakePair(ADDRESS_FAMILY Family, PVOID ClientContext,
                  const WSK_CLIENT_CONNECTION_DISPATCH *ClientTable, PVOID ServerContext,
                  const WSK_CLIENT_CONNECTION_DISPATCH *ServerTable, PAIR *Pair)
{
    RtlZeroMemory(Pair, sizeof(*Pair));
    NTSTATUS status = OpenListen(Family, NULL, NULL, &Pair->Listener);
    if (NT_SUCCESS(status))
        status = BindLoopback(Pair->Listener, Family, &Pair->Address);
    if (NT_SUCCESS(status))
        status = OpenConnection(Family, ClientContext, ClientTable, &Pair->Client);
    if (NT_SUCCESS(status))
        status = BindLoopback(Pair->Client, Family, NULL);
    if (NT_SUCCESS(status))
        status = Connect(Pair->Client, &Pair->Address);
    if (NT_SUCCESS(status))
        status = Accept(Pair->Listener, ServerContext, ServerTable, &Pair->Server);
    return status;
}
