/*
 * datagram_overflow.c: the other status that a truncated datagram may end with.
 *
 * Run with: --config=truncated-overflow
 */
#include "objects.h"

TEST(warns_of_truncation, "WSK-RFROM-08 D45")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(100, 7), *in = MakeBuffer(100);
    static ARRIVAL arrival;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &a, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        if (i == 1)
            CHECK_STATUS(StartReceiveFrom(&arrival, a, in, 40), STATUS_PENDING);
        CHECK_STATUS(SendTo(a, out, 100, &at, NULL), STATUS_SUCCESS);
        if (i == 0)
            (void)StartReceiveFrom(&arrival, a, in, 40);
        CHECK_STATUS(FinishReceiveFrom(&arrival), STATUS_BUFFER_OVERFLOW);
        CHECK_EQ(arrival.Bytes, 40);
        CHECK_EQ(arrival.Flags, MSG_TRUNC);
        CHECK(IsPattern(in->Data, 40, 7, 0));
    }
    CHECK_STATUS(SendTo(a, out, 100, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, a, in, 100), STATUS_SUCCESS);
}

TESTS(ROW(warns_of_truncation))
