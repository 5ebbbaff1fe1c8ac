/*
 * receive_from_order.c: two WskReceiveFrom of two threads: whoever's datagram came first also hears
 * of it first (D30), whether a request ends inside of its call or later.
 */
#include "small.h"

static PWSK_SOCKET S;
static RECEIVE R[2];

static void ReceiveOne(PVOID Context)
{
    RECEIVE *r = Context;

    (void)DATAGRAM_OF(S)->WskReceiveFrom(S, &r->To->Buf, 0, NULL, NULL, NULL, NULL, r->Irp);
    CHECK(WaitFor(&r->Done));
}

TEST(receive_from_order, "")
{
    PWSK_SOCKET from;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &S), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(S, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &from), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(from, AF_INET, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) /* the first has one byte, the second two */
        CHECK_STATUS(SendTo(from, MakeBuffer(BYTES), i + 1, &at, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++)
        CHECK(ReceiveInit(&R[i], BYTES));
    Race(ReceiveOne, &R[0], ReceiveOne, &R[1]);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_STATUS(R[i].Irp->IoStatus.Status, STATUS_SUCCESS);
        CHECK_EQ(R[i].Irp->IoStatus.Information, R[i].Place);
    }
}

TESTS(ROW(receive_from_order))
