/* receive_event.c: WskReceive, against bytes that arrive while WskReceiveEvent is enabled. */
#include "small.h"

static PAIR P;
static CLIENT C;
static CALL Pending;

static void ReceiveIt(PVOID Context)
{
    (void)StartReceive(&Pending, P.Client, Context, BYTES, 0);
}

static void SendIt(PVOID Context)
{
    CHECK_STATUS(Send(P.Server, Context, BYTES, 0, NULL), STATUS_SUCCESS);
}

TEST(receive_event, "")
{
    BUFFER *to = MakeBuffer(BYTES), *from = MakePattern(BYTES, 1);

    ClientInit(&C);
    CHECK_STATUS(MakePair(AF_INET, &C, &ConnectionTable, NULL, NULL, &P), STATUS_SUCCESS);
    CHECK_STATUS(Events(P.Client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    Race(ReceiveIt, to, SendIt, from);
    /* The bytes went to one of them; those that come next to the receive, if it still waits. */
    Settle();
    if (!CallIsDone(&Pending)) {
        CHECK_EQ(CounterValue(&C.Bytes), BYTES);
        CHECK_STATUS(Send(P.Server, from, BYTES, 0, NULL), STATUS_SUCCESS);
        CHECK_STATUS(CallFinish(&Pending), STATUS_SUCCESS);
    } else {
        CHECK_STATUS(CallFinish(&Pending), STATUS_SUCCESS);
        CHECK_EQ(CounterValue(&C.Bytes), 0);
    }
    CHECK_EQ(Pending.Information, BYTES);
    CHECK(IsPattern(to->Data, BYTES, 1, 0));
}

TESTS(ROW(receive_event))
