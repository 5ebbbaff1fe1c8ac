/* cancel_close.c: IoCancelIrp of a pending WskReceive, against WskCloseSocket, which ends it, too.
 */
#include "small.h"

static PAIR P;
static CALL Pending;

static void CancelIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    (void)IoCancelIrp(Pending.Irp);
    (void)CallWait(&Pending);
}

static void CloseIt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CHECK_STATUS(Close(P.Client), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(Pending.Done) != 0);
}

TEST(cancel_close, "")
{
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    (void)StartReceive(&Pending, P.Client, MakeBuffer(BYTES), BYTES, 0);
    Race(CancelIt, NULL, CloseIt, NULL);
    CHECK_STATUS(CallFinish(&Pending), STATUS_CANCELLED);
    CHECK_EQ(Pending.Information, 0);
}

TESTS(ROW(cancel_close))
