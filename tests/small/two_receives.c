/* two_receives.c: two WskReceive of two threads, against each other and the bytes for both. */
#include "small.h"

static PAIR P;
static CALL Calls[2];
static BUFFER *To[2];

static void ReceiveOne(PVOID Context)
{
    ULONG which = *(const ULONG *)Context;

    (void)StartReceive(&Calls[which], P.Client, To[which], BYTES, WSK_FLAG_WAITALL);
    (void)CallWait(&Calls[which]);
}

TEST(two_receives, "")
{
    static const ULONG which[] = { 0, 1 };
    BUFFER *from = MakePattern(2 * BYTES, 1);

    To[0] = MakeBuffer(BYTES);
    To[1] = MakeBuffer(BYTES);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    CHECK_STATUS(Send(P.Server, from, 2 * BYTES, 0, NULL), STATUS_SUCCESS);
    Race(ReceiveOne, (PVOID)&which[0], ReceiveOne, (PVOID)&which[1]);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_STATUS(CallFinish(&Calls[i]), STATUS_SUCCESS);
        CHECK_EQ(Calls[i].Information, BYTES);
    }
    ULONG first = IsPattern(To[0]->Data, BYTES, 1, 0) ? 0 : 1;
    CHECK(IsPattern(To[first]->Data, BYTES, 1, 0));
    CHECK(IsPattern(To[1 - first]->Data, BYTES, 1, BYTES));
}

TESTS(ROW(two_receives))
