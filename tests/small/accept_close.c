/* accept_close.c: a connection that completes a pending WskAccept, against the listener's close. */
#include "small.h"

static PWSK_SOCKET Listener, Connecting;
static SOCKADDR_INET At;
static CALL Pending;

static void CloseIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Close(Listener), STATUS_SUCCESS);
    CHECK(CallIsDone(&Pending));
}

static void ConnectIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    NTSTATUS status = Connect(Connecting, &At);
    CHECK(status == STATUS_SUCCESS || status == STATUS_CONNECTION_REFUSED ||
          status == STATUS_CONNECTION_RESET);
}

TEST(accept_close, "")
{
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &Listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Listener, AF_INET, &At), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &Connecting), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Connecting, AF_INET, NULL), STATUS_SUCCESS);
    (void)StartAccept(&Pending, Listener, NULL, NULL);
    Race(CloseIt, NULL, ConnectIt, NULL);
    CHECK_EITHER(CallFinish(&Pending), STATUS_SUCCESS, STATUS_CANCELLED);
}

TESTS(ROW(accept_close))
