/* release_close.c: WskRelease of a kept list and WskCloseSocket behind it, against more bytes. */
#include "small.h"

static PAIR P;
static CLIENT C;

static void ReleaseAndClose(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(CONNECTION_OF(P.Client)->WskRelease(P.Client, C.Kept), STATUS_SUCCESS);
    CHECK_STATUS(Close(P.Client), STATUS_SUCCESS);
    ClientSilence(&C);
}

static void SendMore(PVOID Context)
{
    NTSTATUS status = Send(P.Server, Context, BYTES, 0, NULL);

    CHECK(status == STATUS_SUCCESS || status == STATUS_CONNECTION_RESET ||
          status == STATUS_CONNECTION_ABORTED);
}

TEST(release_close, "")
{
    BUFFER *from = MakePattern(BYTES, 1);

    ClientInit(&C);
    C.Answer = STATUS_PENDING;
    CHECK_STATUS(MakePair(AF_INET, &C, &ConnectionTable, NULL, NULL, &P), STATUS_SUCCESS);
    CHECK_STATUS(Events(P.Client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(P.Server, from, BYTES, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&C.Receives, 1));
    Settle();
    C.Answer = STATUS_SUCCESS;
    Race(ReleaseAndClose, NULL, SendMore, from);
    CHECK_EQ(ReadAcquire(&C.TooLate), 0);
    CHECK(CounterValue(&C.Bytes) == BYTES || CounterValue(&C.Bytes) == 2 * BYTES);
}

TESTS(ROW(release_close))
