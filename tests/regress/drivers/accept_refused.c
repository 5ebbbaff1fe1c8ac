/*
 * accept_refused.c: WskAcceptEvent closes the socket and then does not accept it. The close ends as
 * if it had been the only one.
 */
#include "conformance.h"

static CALL CloseCall;
static KEVENT Called;

static NTSTATUS NTAPI AcceptEvent(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                  PWSK_SOCKET Accepted, PVOID *AcceptedContext,
                                  const WSK_CLIENT_CONNECTION_DISPATCH **Dispatch)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(AcceptedContext);
    UNREFERENCED_PARAMETER(Dispatch);

    (void)StartClose(&CloseCall, Accepted);
    KeSetEvent(&Called, IO_NO_INCREMENT, FALSE);
    return STATUS_REQUEST_NOT_ACCEPTED;
}

static const WSK_CLIENT_LISTEN_DISPATCH Table = { .WskAcceptEvent = AcceptEvent };

TEST(accept_refused, "WSK-ACC-11")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET at;

    KeInitializeEvent(&Called, NotificationEvent, FALSE);
    CHECK_STATUS(OpenListen(AF_INET, NULL, &Table, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(client, &at), STATUS_SUCCESS);
    CHECK(WaitFor(&Called));
    CHECK_STATUS(CallFinish(&CloseCall), STATUS_SUCCESS);
}

TESTS(ROW(accept_refused))
