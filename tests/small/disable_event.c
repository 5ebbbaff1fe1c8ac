/* disable_event.c: WSK_EVENT_DISABLE of WskReceiveEvent, against bytes that arrive. */
#include "small.h"

static PAIR P;
static CLIENT C;

static void DisableIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);

    CHECK_STATUS(EventOff(P.Client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    ClientSilence(&C);
}

static void SendIt(PVOID Context)
{
    CHECK_STATUS(Send(P.Server, Context, BYTES, 0, NULL), STATUS_SUCCESS);
}

TEST(disable_event, "")
{
    BUFFER *rest = MakeBuffer(BYTES);

    ClientInit(&C);
    CHECK_STATUS(MakePair(AF_INET, &C, &ConnectionTable, NULL, NULL, &P), STATUS_SUCCESS);
    CHECK_STATUS(Events(P.Client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    Race(DisableIt, NULL, SendIt, MakePattern(BYTES, 1));
    SIZE_T got = (SIZE_T)CounterValue(&C.Bytes);
    CHECK(got == 0 || got == BYTES);
    if (!got) {
        CHECK_STATUS(ReceiveAll(P.Client, rest, BYTES), STATUS_SUCCESS);
        CHECK(IsPattern(rest->Data, BYTES, 1, 0));
    }
    CHECK_EQ(ReadAcquire(&C.TooLate), 0);
}

TESTS(ROW(disable_event))
