/* cancel_receive.c: IoCancelIrp of a pending WskReceive, against bytes that complete it. */
#include "small.h"

static PAIR P;
static CALL Pending;

static void CancelIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    (void)IoCancelIrp(Pending.Irp);
    (void)CallWait(&Pending);
}

static void SendIt(PVOID Context)
{
    SIZE_T sent;

    CHECK_STATUS(Send(P.Server, Context, BYTES, 0, &sent), STATUS_SUCCESS);
    CHECK_EQ(sent, BYTES);
}

TEST(cancel_receive, "")
{
    BUFFER *to = MakeBuffer(BYTES), *rest = MakeBuffer(BYTES), *from = MakePattern(BYTES, 1);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    (void)StartReceive(&Pending, P.Client, to, BYTES, WSK_FLAG_WAITALL);
    Race(CancelIt, NULL, SendIt, from);
    NTSTATUS status = CallFinish(&Pending);
    SIZE_T got = Pending.Information;
    CHECK(status == STATUS_SUCCESS ? got == BYTES : status == STATUS_CANCELLED);
    /* Bytes that a cancelled receive did not take are there for the next one. */
    if (got < BYTES)
        CHECK_STATUS(ReceiveAll(P.Client, rest, BYTES - got), STATUS_SUCCESS);
    CHECK(IsPattern(to->Data, got, 1, 0) && IsPattern(rest->Data, BYTES - got, 1, got));
}

TESTS(ROW(cancel_receive))
