/* enable_event.c: WskReceiveEvent is enabled, against bytes that arrive. */
#include "small.h"

static PAIR P;
static CLIENT C;

static void EnableIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Events(P.Client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK(CounterWait(&C.Bytes, BYTES));
}

static void SendIt(PVOID Context)
{
    CHECK_STATUS(Send(P.Server, Context, BYTES, 0, NULL), STATUS_SUCCESS);
}

TEST(enable_event, "")
{
    ClientInit(&C);
    CHECK_STATUS(MakePair(AF_INET, &C, &ConnectionTable, NULL, NULL, &P), STATUS_SUCCESS);
    Race(EnableIt, NULL, SendIt, MakePattern(BYTES, 1));
    Settle();
    CHECK_EQ(CounterValue(&C.Bytes), BYTES);
}

TESTS(ROW(enable_event))
