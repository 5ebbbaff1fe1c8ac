/* cancel_connect.c: IoCancelIrp of a WskConnect, against the listener's accept. */
#include "small.h"

static PWSK_SOCKET Listener, Connecting;
static SOCKADDR_INET At;
static CALL Connected, Accepted;

static void CancelIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    (void)IoCancelIrp(Connected.Irp);
}

static void WaitForIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    (void)StartConnect(&Connected, Connecting, &At);
    CancelIt(NULL);
    (void)CallWait(&Connected);
}

static void AcceptIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    (void)StartAccept(&Accepted, Listener, NULL, NULL);
}

TEST(cancel_connect, "")
{
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &Listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Listener, AF_INET, &At), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &Connecting), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Connecting, AF_INET, NULL), STATUS_SUCCESS);
    Race(WaitForIt, NULL, AcceptIt, NULL);
    CHECK_EITHER(CallFinish(&Connected), STATUS_SUCCESS, STATUS_CANCELLED);
    /* A connection that was cancelled late may have been there for the listener. */
    if (Connected.Status == STATUS_CANCELLED)
        (void)IoCancelIrp(Accepted.Irp);
    CHECK_EITHER(CallFinish(&Accepted), STATUS_SUCCESS, STATUS_CANCELLED);
    CHECK(Connected.Status == STATUS_CANCELLED || Accepted.Status == STATUS_SUCCESS);
}

TESTS(ROW(cancel_connect))
