/* work_items.c: a work item waits for another one, for which there must be a thread some time. */
#include "conformance.h"

static KEVENT SecondRuns, FirstRan;

static VOID NTAPI First(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&SecondRuns, Executive, KernelMode, FALSE, NULL);
    KeSetEvent(&FirstRan, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI Second(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&SecondRuns, IO_NO_INCREMENT, FALSE);
}

TEST(work_items, "")
{
    static WORK_QUEUE_ITEM items[2];

    KeInitializeEvent(&SecondRuns, NotificationEvent, FALSE);
    KeInitializeEvent(&FirstRan, NotificationEvent, FALSE);
    ExInitializeWorkItem(&items[0], First, NULL);
    ExInitializeWorkItem(&items[1], Second, NULL);
    ExQueueWorkItem(&items[0], DelayedWorkQueue);
    ExQueueWorkItem(&items[1], DelayedWorkQueue);
    KeWaitForSingleObject(&FirstRan, Executive, KernelMode, FALSE, NULL);
}

TESTS(ROW(work_items))
