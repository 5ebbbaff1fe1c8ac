/*
 * What: data that a callback retains is forgotten when a slow worker has let the queue fill up
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

#define MESSAGES 8
#define BYTES    100
#define SLOTS    2

typedef struct _PART {
    PWSK_DATA_INDICATION Data;
    SIZE_T Bytes;
} PART;

static struct {
    PWSK_SOCKET Socket;
    KSPIN_LOCK Lock;
    PART Queue[SLOTS];
    ULONG Count;
    KEVENT More;
    COUNTER Consumed;
} D;

static BOOLEAN Put(PWSK_DATA_INDICATION Data, SIZE_T Bytes)
{
    KIRQL irql;

    KeAcquireSpinLock(&D.Lock, &irql);
    BOOLEAN room = D.Count < SLOTS;
    if (room)
        D.Queue[D.Count++] = (PART){ Data, Bytes };
    KeReleaseSpinLock(&D.Lock, irql);
    return room;
}

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Bytes, SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Accepted);
    if (!Data)
        return STATUS_SUCCESS;
    if (Put(Data, Bytes)) {
        (void)KeSetEvent(&D.More, IO_NO_INCREMENT, FALSE);
        return STATUS_PENDING;
    }
    (void)CounterAddMany(&D.Consumed, (LONG)Bytes); /* the driver may drop what it cannot hold */
#ifdef FIXED
    return STATUS_SUCCESS;
#else
    return STATUS_PENDING; /* but nobody will release it */
#endif
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { OnReceive, NULL, NULL };

static BOOLEAN Take(PART *Part)
{
    KIRQL irql;

    KeAcquireSpinLock(&D.Lock, &irql);
    BOOLEAN have = D.Count > 0;
    if (have)
        *Part = D.Queue[--D.Count];
    KeReleaseSpinLock(&D.Lock, irql);
    return have;
}

static void Consume(PVOID Context)
{
    PART part;

    UNREFERENCED_PARAMETER(Context);
    while (CounterValue(&D.Consumed) < MESSAGES * BYTES) {
        if (!Take(&part)) {
            LARGE_INTEGER ms = { .QuadPart = -10000 };
            (void)KeWaitForSingleObject(&D.More, Executive, KernelMode, FALSE, &ms);
            continue;
        }
        (void)CONNECTION_OF(D.Socket)->WskRelease(D.Socket, part.Data);
        (void)CounterAddMany(&D.Consumed, (LONG)part.Bytes);
    }
}

TEST(retain, "")
{
    BUFFER *out = MakePattern(BYTES, 1);
    PAIR pair;
    THREAD worker;

    RtlZeroMemory(&D, sizeof(D));
    KeInitializeSpinLock(&D.Lock);
    KeInitializeEvent(&D.More, SynchronizationEvent, FALSE);
    CounterInit(&D.Consumed);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, &Table, &pair), STATUS_SUCCESS);
    D.Socket = pair.Server;
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    ThreadStart(&worker, Consume, NULL);
    for (ULONG i = 0; i < MESSAGES; i++)
        CHECK_STATUS(Send(pair.Client, out, BYTES, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&D.Consumed, MESSAGES * BYTES));
    ThreadJoin(&worker);
}

TESTS(ROW(retain))
