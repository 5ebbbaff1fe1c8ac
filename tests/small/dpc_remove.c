/* dpc_remove.c: KeRemoveQueueDpc, against KeInsertQueueDpc and the DPC itself. */
#include "small.h"

static KDPC Dpc;
static LONG Runs, Inserted, Removed;

static VOID NTAPI OnDpc(PKDPC TheDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(TheDpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Runs);
}

static void Insert(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < 2; i++)
        if (KeInsertQueueDpc(&Dpc, NULL, NULL))
            InterlockedIncrement(&Inserted);
}

static void Remove(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < 2; i++)
        if (KeRemoveQueueDpc(&Dpc))
            InterlockedIncrement(&Removed);
}

TEST(dpc_remove, "")
{
    KeInitializeDpc(&Dpc, OnDpc, NULL);
    Race(Insert, NULL, Remove, NULL);
    KeFlushQueuedDpcs();
    CHECK_EQ(ReadAcquire(&Runs) + ReadAcquire(&Removed), ReadAcquire(&Inserted));
}

TESTS(ROW(dpc_remove))
