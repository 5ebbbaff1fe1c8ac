/* disconnect.c: an abortive disconnect that fails for want of memory leaves the connection alone.
 */
#include "conformance.h"

TEST(disconnect, "")
{
    PAIR pair;
    BUFFER *out = MakePattern(16, 1);

    if (!NT_SUCCESS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair)))
        return; /* of memory, which fails somewhere in each run */
    if (Disconnect(pair.Client, WSK_FLAG_ABORTIVE) != STATUS_INSUFFICIENT_RESOURCES)
        return;
    NTSTATUS status = Send(pair.Client, out, 16, 0, NULL);
    /* Not CHECK: where memory fails, a DriverEntry may fail, too. */
    if (status != STATUS_SUCCESS && status != STATUS_INSUFFICIENT_RESOURCES)
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, (ULONG_PTR)status, 0, 0, 0);
}

TESTS(ROW(disconnect))
