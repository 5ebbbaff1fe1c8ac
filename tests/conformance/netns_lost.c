/*
 * netns_lost.c: sockets that the host takes away. run.sh runs it in a network namespace of its own,
 * where somebody destroys, again and again, every socket on LISTENER_PORT and every connection on
 * CONNECTION_PORT (but not its listener), as an administrator may.
 */
#include "objects.h"

#define LISTENER_PORT   7001
#define CONNECTION_PORT 7002

static const ADDRESS_FAMILY Families[] = { AF_INET, AF_INET6 };

static NTSTATUS StartListener(ADDRESS_FAMILY Family, PVOID Context,
                              const WSK_CLIENT_LISTEN_DISPATCH *Table, USHORT Port,
                              PWSK_SOCKET *Listener)
{
    SOCKADDR_INET at;
    NTSTATUS status = OpenListen(Family, Context, Table, Listener);

    return NT_SUCCESS(status) ? BindTo(*Listener, Loopback(Family, Port, &at)) : status;
}

static void IsDead(PWSK_SOCKET Listener)
{
    SOCKADDR_INET at;
    CALL call;

    (void)StartAccept(&call, Listener, NULL, NULL);
    CHECK_STATUS(CallFinish(&call), STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(LocalAddressOf(Listener, &at), STATUS_FILE_FORCED_CLOSED);
}

/* The first request is with the host when the listener goes, or comes after it. */
TEST(accept_requests, "WSK-ACC-03 WSK-ADDR-04 WSK-CLOSE-09 D62")
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Families); i++) {
        PWSK_SOCKET listener;
        CALL one, two;

        CHECK_STATUS(StartListener(Families[i], NULL, NULL, LISTENER_PORT, &listener),
                     STATUS_SUCCESS);
        (void)StartAccept(&one, listener, NULL, NULL);
        (void)StartAccept(&two, listener, NULL, NULL);
        CHECK_STATUS(CallFinish(&one), STATUS_FILE_FORCED_CLOSED);
        CHECK_STATUS(CallFinish(&two), STATUS_FILE_FORCED_CLOSED);
        IsDead(listener);
        if (TestFailed())
            return;
        CHECK_STATUS(Close(listener), STATUS_SUCCESS);
    }
}

static COUNTER Told;

static NTSTATUS NTAPI AcceptEvent(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                  PWSK_SOCKET AcceptSocket, PVOID *AcceptContext,
                                  const WSK_CLIENT_CONNECTION_DISPATCH **AcceptTable)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(AcceptContext);
    UNREFERENCED_PARAMETER(AcceptTable);
    if (AcceptSocket)
        return STATUS_REQUEST_NOT_ACCEPTED;
    (void)CounterAdd(&Told);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_LISTEN_DISPATCH Table = { AcceptEvent, NULL, NULL };

TEST(accept_event, "WSK-ACC-12 D62")
{
    PWSK_SOCKET listener;

    CounterInit(&Told);
    CHECK_STATUS(StartListener(AF_INET, NULL, &Table, LISTENER_PORT, &listener), STATUS_SUCCESS);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK(CounterWait(&Told, 1));
    IsDead(listener);
    if (TestFailed())
        return;
    Settle();
    CHECK_EQ(CounterValue(&Told), 1);
    CHECK_STATUS(Close(listener), STATUS_SUCCESS);
}

/* The connection may be gone again before its request has ended. */
static void ConnectOnce(PWSK_SOCKET *Client)
{
    SOCKADDR_INET at;
    NTSTATUS status = STATUS_CONNECTION_RESET;

    for (ULONG i = 0; i < 100 && status == STATUS_CONNECTION_RESET; i++) {
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, Client), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(*Client, Loopback(AF_INET, 0, &at)), STATUS_SUCCESS);
        status = Connect(*Client, (SOCKADDR_INET *)Loopback(AF_INET, CONNECTION_PORT, &at));
        if (status == STATUS_CONNECTION_RESET)
            CHECK_STATUS(Close(*Client), STATUS_SUCCESS);
    }
    CHECK_STATUS(status, STATUS_SUCCESS);
}

/* A connection that is destroyed is an aborted one, not a dead socket: D33. */
TEST(connections, "D33 WSK-RECV-01")
{
    PWSK_SOCKET listener, client, server;
    BUFFER *in = MakeBuffer(10);
    SIZE_T n;

    CHECK_STATUS(StartListener(AF_INET, NULL, NULL, CONNECTION_PORT, &listener), STATUS_SUCCESS);
    ConnectOnce(&client);
    if (TestFailed())
        return;
    CHECK_STATUS(Accept(listener, NULL, NULL, &server), STATUS_SUCCESS);
    CHECK_STATUS(Receive(server, in, 10, 0, &n), STATUS_CONNECTION_ABORTED);
    CHECK_EQ(n, 0);
    CHECK_STATUS(Receive(client, in, 10, 0, &n), STATUS_CONNECTION_RESET);
    CHECK_STATUS(Close(server), STATUS_SUCCESS);
    CHECK_STATUS(Close(client), STATUS_SUCCESS);
}

TESTS(ROW(accept_requests) ROW(accept_event) ROW(connections))
