/* close_completion.c: WskCloseSocket, against bytes that complete the socket's WskReceive. */
#include "small.h"

static PAIR P;
static CALL Pending;

static void CloseIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Close(P.Client), STATUS_SUCCESS);
    CHECK(CallIsDone(&Pending));
}

static void SendIt(PVOID Context)
{
    NTSTATUS status = Send(P.Server, Context, BYTES, 0, NULL);

    CHECK(status == STATUS_SUCCESS || status == STATUS_CONNECTION_RESET ||
          status == STATUS_CONNECTION_ABORTED);
}

TEST(close_completion, "")
{
    BUFFER *to = MakeBuffer(BYTES);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    (void)StartReceive(&Pending, P.Client, to, BYTES, 0);
    Race(CloseIt, NULL, SendIt, MakePattern(BYTES, 1));
    CHECK_EITHER(CallFinish(&Pending), STATUS_SUCCESS, STATUS_CANCELLED);
    CHECK_EQ(Pending.Information, Pending.Status == STATUS_SUCCESS ? BYTES : 0);
    CHECK(IsPattern(to->Data, Pending.Information, 1, 0));
}

TESTS(ROW(close_completion))
