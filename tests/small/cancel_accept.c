/* cancel_accept.c: IoCancelIrp of a pending WskAccept, against a connection that completes it. */
#include "small.h"

static PWSK_SOCKET Listener, Connecting;
static SOCKADDR_INET At;
static CALL Pending;

static void CancelIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    (void)IoCancelIrp(Pending.Irp);
    (void)CallWait(&Pending);
}

static void ConnectIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Connect(Connecting, &At), STATUS_SUCCESS);
}

TEST(cancel_accept, "")
{
    PWSK_SOCKET accepted;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &Listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Listener, AF_INET, &At), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &Connecting), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Connecting, AF_INET, NULL), STATUS_SUCCESS);
    (void)StartAccept(&Pending, Listener, NULL, NULL);
    Race(CancelIt, NULL, ConnectIt, NULL);
    if (CallFinish(&Pending) == STATUS_SUCCESS)
        return;
    CHECK_STATUS(Pending.Status, STATUS_CANCELLED);
    CHECK_EQ(Pending.Information, 0);
    /* The connection waits for the next accept. */
    CHECK_STATUS(Accept(Listener, NULL, NULL, &accepted), STATUS_SUCCESS);
}

TESTS(ROW(cancel_accept))
