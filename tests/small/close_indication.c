/* close_indication.c: WskCloseSocket, against bytes that are indicated to WskReceiveEvent. */
#include "small.h"

static PAIR P;
static CLIENT C;

static void CloseIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Close(P.Client), STATUS_SUCCESS);
    ClientSilence(&C);
}

static void SendIt(PVOID Context)
{
    NTSTATUS status = Send(P.Server, Context, BYTES, 0, NULL);

    CHECK(status == STATUS_SUCCESS || status == STATUS_CONNECTION_RESET ||
          status == STATUS_CONNECTION_ABORTED);
}

TEST(close_indication, "")
{
    ClientInit(&C);
    CHECK_STATUS(MakePair(AF_INET, &C, &ConnectionTable, NULL, NULL, &P), STATUS_SUCCESS);
    CHECK_STATUS(Events(P.Client, WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT), STATUS_SUCCESS);
    Race(CloseIt, NULL, SendIt, MakePattern(BYTES, 1));
    CHECK_EQ(ReadAcquire(&C.TooLate), 0);
    CHECK(CounterValue(&C.Bytes) == 0 || CounterValue(&C.Bytes) == BYTES);
}

TESTS(ROW(close_indication))
