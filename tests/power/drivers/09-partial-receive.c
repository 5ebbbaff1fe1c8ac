/*
 * What: one receive is taken for the whole message, of which only the first part may have come
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

#define BYTES 200000

TEST(message, "")
{
    BUFFER *out = MakePattern(BYTES, 1), *in = MakeBuffer(BYTES);
    PAIR pair;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        CALL call;
        (void)StartSend(&call, pair.Client, out, BYTES, 0);
#ifdef FIXED
        NTSTATUS status = ReceiveAll(pair.Server, in, BYTES);
#else
        NTSTATUS status = Receive(pair.Server, in, BYTES, 0, NULL);
#endif
        (void)CallFinish(&call);
        CHECK_STATUS(status, STATUS_SUCCESS);
        CHECK(IsPattern(in->Data, BYTES, 1, 0));
    }
}

TESTS(ROW(message))
