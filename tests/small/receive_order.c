/*
 * receive_order.c: two WskReceive of two threads: whoever's bytes came first also hears of them
 * first (D30), whether a request ends inside of its call or later.
 */
#include "small.h"

static PAIR P;
static RECEIVE R[2];

static void ReceiveOne(PVOID Context)
{
    RECEIVE *r = Context;

    (void)CONNECTION_OF(P.Client)->WskReceive(P.Client, &r->To->Buf, 0, r->Irp);
    CHECK(WaitFor(&r->Done));
}

TEST(receive_order, "")
{
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    CHECK_STATUS(Send(P.Server, MakePattern(2 * BYTES, 1), 2 * BYTES, 0, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++)
        CHECK(ReceiveInit(&R[i], BYTES));
    Race(ReceiveOne, &R[0], ReceiveOne, &R[1]);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_STATUS(R[i].Irp->IoStatus.Status, STATUS_SUCCESS);
        CHECK_EQ(R[i].Irp->IoStatus.Information, BYTES);
        CHECK(IsPattern(R[i].To->Data, BYTES, 1, (SIZE_T)(R[i].Place - 1) * BYTES));
    }
}

TESTS(ROW(receive_order))
