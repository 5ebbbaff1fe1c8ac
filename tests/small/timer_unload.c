/* timer_unload.c: what an unload does to a timer (KeCancelTimer, KeFlushQueuedDpcs), against it. */
#include "small.h"

static KTIMER Timer;
static KDPC Dpc;
static LONG Runs, Gone, TooLate;

/* At the due time both the timer and this thread are ready. */
static void TakeAway(PVOID Context)
{
    LARGE_INTEGER due = *(const LARGE_INTEGER *)Context;

    (void)KeDelayExecutionThread(KernelMode, FALSE, &due);
    BOOLEAN cancelled = KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    InterlockedExchange(&Gone, 1);
    CHECK_EQ(ReadAcquire(&Runs), cancelled ? 0 : 1);
}

/* Gone while it runs is as bad as gone before. */
static VOID NTAPI OnTimer(PKDPC TheDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(TheDpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Runs);
    if (ReadAcquire(&Gone))
        InterlockedIncrement(&TooLate);
}

static void WaitForIt(PVOID Context)
{
    LARGE_INTEGER limit = { .QuadPart = 3 * *(const LONGLONG *)Context };

    (void)KeWaitForSingleObject(&Timer, Executive, KernelMode, FALSE, &limit);
}

TEST(timer_unload, "")
{
    LARGE_INTEGER due = { .QuadPart = -10000 };

    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, OnTimer, NULL);
    (void)KeSetTimer(&Timer, due, &Dpc);
    Race(TakeAway, &due, WaitForIt, &due);
    CHECK_EQ(ReadAcquire(&TooLate), 0);
}

TESTS(ROW(timer_unload))
