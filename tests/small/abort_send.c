/* abort_send.c: an abortive WskDisconnect, against WskSend and against the peer's WskReceive. */
#include "small.h"

static PAIR P;
static CALL Received;
static NTSTATUS Sent;

static void AbortIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Disconnect(P.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    (void)CallWait(&Received);
}

static void SendIt(PVOID Context)
{
    Sent = Send(P.Client, Context, BYTES, 0, NULL);
}

TEST(abort_send, "")
{
    BUFFER *to = MakeBuffer(BYTES);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    (void)StartReceive(&Received, P.Server, to, BYTES, 0);
    Race(AbortIt, NULL, SendIt, MakePattern(BYTES, 1));
    CHECK(Sent == STATUS_SUCCESS || Sent == STATUS_INVALID_DEVICE_STATE ||
          Sent == STATUS_FILE_FORCED_CLOSED || Sent == STATUS_CONNECTION_ABORTED);
    CHECK_EITHER(CallFinish(&Received), STATUS_SUCCESS, STATUS_CONNECTION_RESET);
    CHECK_EQ(Received.Information, Received.Status == STATUS_SUCCESS ? BYTES : 0);
    CHECK(Received.Status != STATUS_SUCCESS || Sent == STATUS_SUCCESS);
    CHECK(IsPattern(to->Data, Received.Information, 1, 0));
}

TESTS(ROW(abort_send))
