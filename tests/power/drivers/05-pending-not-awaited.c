/*
 * What: the buffer of a send is used again though the send has pended
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

#define BYTES 400000 /* more than is taken at once */

TEST(send, "")
{
    PAIR pair;
    CALL call;
    BUFFER *in = MakeBuffer(BYTES), *out = MakePattern(BYTES, 1);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    (void)StartSend(&call, pair.Client, out, BYTES, 0);
#ifndef FIXED
    RtlZeroMemory(out->Data, BYTES); /* for the next message, though the call may have pended */
#endif
    NTSTATUS received = ReceiveAll(pair.Server, in, BYTES);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_STATUS(received, STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, BYTES, 1, 0));
}

TESTS(ROW(send))
