/* accept_event_close.c: a connection that goes to WskAcceptEvent, against the listener's close. */
#include "small.h"

static PWSK_SOCKET Listener, Connecting;
static SOCKADDR_INET At;
static CLIENT C;

static void CloseIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Close(Listener), STATUS_SUCCESS);
    ClientSilence(&C);
}

static void ConnectIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    NTSTATUS status = Connect(Connecting, &At);
    CHECK(status == STATUS_SUCCESS || status == STATUS_CONNECTION_REFUSED ||
          status == STATUS_CONNECTION_RESET);
}

TEST(accept_event_close, "")
{
    ClientInit(&C);
    CHECK_STATUS(OpenListen(AF_INET, &C, &ListenTable, &Listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Listener, AF_INET, &At), STATUS_SUCCESS);
    CHECK_STATUS(Events(Listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &Connecting), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Connecting, AF_INET, NULL), STATUS_SUCCESS);
    Race(CloseIt, NULL, ConnectIt, NULL);
    CHECK_EQ(ReadAcquire(&C.TooLate), 0);
    CHECK(CounterValue(&C.Accepts) <= 1);
}

TESTS(ROW(accept_event_close))
