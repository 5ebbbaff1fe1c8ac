/* disconnect_send.c: a graceful WskDisconnect, against WskSend on the same socket. */
#include "small.h"

static PAIR P;
static NTSTATUS Sent;

static void DisconnectIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Disconnect(P.Client, 0), STATUS_SUCCESS);
}

static void SendIt(PVOID Context)
{
    Sent = Send(P.Client, Context, BYTES, 0, NULL);
}

TEST(disconnect_send, "")
{
    BUFFER *to = MakeBuffer(2 * BYTES);
    SIZE_T got, end;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    Race(DisconnectIt, NULL, SendIt, MakePattern(BYTES, 1));
    /* Too late: for the socket's state, or when the transport had sent the end already (D33). */
    CHECK(Sent == STATUS_SUCCESS || Sent == STATUS_INVALID_DEVICE_STATE ||
          Sent == STATUS_CONNECTION_ABORTED);
    /* The peer gets all of what was sent, then the end. */
    CHECK_STATUS(Receive(P.Server, to, 2 * BYTES, 0, &got), STATUS_SUCCESS);
    CHECK_EQ(got, Sent == STATUS_SUCCESS ? BYTES : 0);
    CHECK(IsPattern(to->Data, got, 1, 0));
    CHECK_STATUS(Receive(P.Server, to, 2 * BYTES, 0, &end), STATUS_SUCCESS);
    CHECK_EQ(end, 0);
}

TESTS(ROW(disconnect_send))
