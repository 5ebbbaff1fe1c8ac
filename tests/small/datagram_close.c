/* datagram_close.c: a datagram that arrives for WskReceiveFromEvent, against the socket's close. */
#include "small.h"

static PWSK_SOCKET To, From;
static SOCKADDR_INET At;
static CLIENT C;

static void CloseIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Close(To), STATUS_SUCCESS);
    ClientSilence(&C);
}

static void SendIt(PVOID Context)
{
    CHECK_STATUS(SendTo(From, Context, BYTES, &At, NULL), STATUS_SUCCESS);
}

TEST(datagram_close, "")
{
    ClientInit(&C);
    CHECK_STATUS(OpenDatagram(AF_INET, &C, &DatagramTable, &To), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(To, AF_INET, &At), STATUS_SUCCESS);
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &From), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(From, AF_INET, NULL), STATUS_SUCCESS);
    Race(CloseIt, NULL, SendIt, MakePattern(BYTES, 1));
    CHECK_EQ(ReadAcquire(&C.TooLate), 0);
    CHECK(CounterValue(&C.Receives) <= 1);
}

TESTS(ROW(datagram_close))
