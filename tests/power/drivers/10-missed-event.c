/*
 * What: an event is cleared after the queue was found empty, so a signal in between is lost
 * Workload: own --calm --for 0 --seeds 1..1000
 */
#include "conformance.h"

static struct {
    LONG Queued;
    KEVENT Ready;
} Q;

static void Produce(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < 8; i++) {
        InterlockedIncrement(&Q.Queued);
        KeSetEvent(&Q.Ready, IO_NO_INCREMENT, FALSE);
    }
}

TEST(consume, "")
{
    THREAD produces;
    LONG taken = 0;

    Q.Queued = 0;
    KeInitializeEvent(&Q.Ready, NotificationEvent, FALSE);
    ThreadStart(&produces, Produce, NULL);
    while (taken < 8) {
#ifdef FIXED
        KeClearEvent(&Q.Ready);
#endif
        LONG n = InterlockedExchange(&Q.Queued, 0);
        taken += n;
#ifndef FIXED
        KeClearEvent(&Q.Ready);
#endif
        if (taken < 8 && !WaitFor(&Q.Ready))
            break;
    }
    ThreadJoin(&produces);
    CHECK_EQ(taken, 8);
}

TESTS(ROW(consume))
