/*
 * accept_rearm.c: WSK_EVENT_ACCEPT goes off and on, so that the listener's receive of connections
 * ends in one thread while another begins it anew.
 */
#include "conformance.h"

static NTSTATUS NTAPI AcceptEvent(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                  PWSK_SOCKET Accepted, PVOID *AcceptedContext,
                                  const WSK_CLIENT_CONNECTION_DISPATCH **Dispatch)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(Accepted);
    UNREFERENCED_PARAMETER(AcceptedContext);
    UNREFERENCED_PARAMETER(Dispatch);
    return STATUS_REQUEST_NOT_ACCEPTED;
}

static const WSK_CLIENT_LISTEN_DISPATCH Table = { .WskAcceptEvent = AcceptEvent };

TEST(accept_rearm, "WSK-EVT-12")
{
    PWSK_SOCKET listener;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenListen(AF_INET, NULL, &Table, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
        CHECK_STATUS(EventOff(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    }
}

TESTS(ROW(accept_rearm))
