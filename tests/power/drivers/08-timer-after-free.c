/*
 * What: a timer is cancelled and its memory freed while its DPC may be running
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

typedef struct _WATCH {
    KTIMER Timer;
    KDPC Dpc;
    LONG Fired, Magic;
} WATCH;

static VOID NTAPI Fire(PKDPC Dpc, PVOID Context, PVOID One, PVOID Two)
{
    WATCH *watch = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(One);
    UNREFERENCED_PARAMETER(Two);
    watch->Fired++;
    watch->Magic = 0x1234;
}

TEST(timer, "")
{
    for (ULONG i = 0; i < 8; i++) {
        WATCH *watch = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*watch), 'woPR');
        LARGE_INTEGER soon = { .QuadPart = -10000 };
        CHECK(watch);
        KeInitializeTimer(&watch->Timer);
        KeInitializeDpc(&watch->Dpc, Fire, watch);
        (void)KeSetTimer(&watch->Timer, soon, &watch->Dpc);
        (void)KeDelayExecutionThread(KernelMode, FALSE, &soon);
        (void)KeCancelTimer(&watch->Timer);
#ifdef FIXED
        KeFlushQueuedDpcs();
#endif
        ExFreePoolWithTag(watch, 'woPR');
    }
}

TESTS(ROW(timer))
