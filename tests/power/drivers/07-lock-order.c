/*
 * What: two threads take the same two spin locks, each in its own order
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

static struct {
    KSPIN_LOCK Accounts[2];
    LONG Balance[2];
} Bank;

static void Move(ULONG From, ULONG To)
{
    KIRQL irql;
    ULONG first = From, second = To;

#ifdef FIXED
    first = 0;
    second = 1;
#endif
    KeAcquireSpinLock(&Bank.Accounts[first], &irql);
    KeAcquireSpinLockAtDpcLevel(&Bank.Accounts[second]);
    Bank.Balance[From]--;
    Bank.Balance[To]++;
    KeReleaseSpinLockFromDpcLevel(&Bank.Accounts[second]);
    KeReleaseSpinLock(&Bank.Accounts[first], irql);
}

static void MoveBack(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < 10; i++)
        Move(1, 0);
}

TEST(accounts, "")
{
    THREAD other;

    RtlZeroMemory(&Bank, sizeof(Bank));
    KeInitializeSpinLock(&Bank.Accounts[0]);
    KeInitializeSpinLock(&Bank.Accounts[1]);
    ThreadStart(&other, MoveBack, NULL);
    for (ULONG i = 0; i < 10; i++)
        Move(0, 1);
    ThreadJoin(&other);
    CHECK_EQ(Bank.Balance[0], 0);
    CHECK_EQ(Bank.Balance[1], 0);
}

TESTS(ROW(accounts))
