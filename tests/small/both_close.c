/* both_close.c: both ends of a connection are closed, while one of them has bytes to read. */
#include "small.h"

static PAIR P;
static CLIENT C[2];

static void CloseIt(PVOID Context)
{
    BOOLEAN client = Context == &C[0];

    CHECK_STATUS(Close(client ? P.Client : P.Server), STATUS_SUCCESS);
    ClientSilence(Context);
}

TEST(both_close, "")
{
    const ULONG mask = WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT;

    ClientInit(&C[0]);
    ClientInit(&C[1]);
    CHECK_STATUS(MakePair(AF_INET, &C[0], &ConnectionTable, &C[1], &ConnectionTable, &P),
                 STATUS_SUCCESS);
    CHECK_STATUS(Events(P.Client, mask), STATUS_SUCCESS);
    CHECK_STATUS(Events(P.Server, mask), STATUS_SUCCESS);
    Race(CloseIt, &C[0], CloseIt, &C[1]);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_EQ(ReadAcquire(&C[i].TooLate), 0);
        CHECK(CounterValue(&C[i].Disconnects) <= 1);
    }
}

TESTS(ROW(both_close))
