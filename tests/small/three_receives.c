/*
 * three_receives.c: WskReceive of one thread and of another, and the peer's bytes by a third one:
 * each byte goes to one request, and whoever's came first also hears of them first (D30).
 */
#include "small.h"

#define PIECE 4

static PAIR P;
static RECEIVE R[2];
static THREAD Third;

static void ReceiveOne(PVOID Context)
{
    RECEIVE *r = Context;

    (void)CONNECTION_OF(P.Client)->WskReceive(P.Client, &r->To->Buf, 0, r->Irp);
    CHECK(WaitFor(&r->Done));
}

static void SendAll(PVOID Context)
{
    CHECK_STATUS(Send(P.Server, Context, 2 * PIECE, 0, NULL), STATUS_SUCCESS);
}

static void ReceiveAndSend(PVOID Context)
{
    ThreadStart(&Third, SendAll, Context);
    ReceiveOne(&R[0]);
    ThreadJoin(&Third);
}

TEST(three_receives, "")
{
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &P), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++)
        CHECK(ReceiveInit(&R[i], PIECE));
    Race(ReceiveAndSend, MakePattern(2 * PIECE, 1), ReceiveOne, &R[1]);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_STATUS(R[i].Irp->IoStatus.Status, STATUS_SUCCESS);
        CHECK_EQ(R[i].Irp->IoStatus.Information, PIECE);
        CHECK(IsPattern(R[i].To->Data, PIECE, 1, (SIZE_T)(R[i].Place - 1) * PIECE));
    }
}

TESTS(ROW(three_receives))
