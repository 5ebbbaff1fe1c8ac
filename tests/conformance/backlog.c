/* backlog.c: the ideal send backlog and WskSendBacklogEvent. */
#include "conformance.h"

#define START (64 * 1024) /* D64 */

static COUNTER Calls;
static SIZE_T Sizes[64];
static PVOID SeenContext;

static NTSTATUS WSKAPI OnBacklog(PVOID Context, SIZE_T Ideal)
{
    SeenContext = Context;
    if (CounterValue(&Calls) < 64)
        Sizes[CounterValue(&Calls)] = Ideal;
    CounterAdd(&Calls);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { NULL, NULL, OnBacklog };

static NTSTATUS Query(PWSK_SOCKET Socket, SIZE_T *Ideal, SIZE_T *Bytes)
{
    *Ideal = 0;
    return Ioctl(Socket, SIO_WSK_QUERY_IDEAL_SEND_BACKLOG, NULL, 0, Ideal, sizeof(*Ideal), Bytes);
}

/* Sends until the congestion window has had time to open; the peer reads all of it. */
static BOOLEAN Pump(PAIR *Pair, ULONG Times)
{
    BUFFER *out = MakePattern(200000, 1), *in = MakeBuffer(200000);

    for (ULONG i = 0; i < Times; i++) {
        CALL send;
        (void)StartSend(&send, Pair->Client, out, 200000, 0);
        NTSTATUS received = ReceiveAll(Pair->Server, in, 200000);
        NTSTATUS sent = CallFinish(&send);
        if (received != STATUS_SUCCESS || sent != STATUS_SUCCESS) {
            TestFail(__FILE__, __LINE__, "cannot send: 0x%08x", sent);
            return FALSE;
        }
    }
    return TRUE;
}

TEST(query, "WSK-BKLG-02 D64")
{
    PAIR pair;
    SIZE_T ideal, n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Query(pair.Client, &ideal, &n), STATUS_SUCCESS);
    CHECK_EQ(n, sizeof(SIZE_T));
    CHECK(ideal >= START);
    if (!Pump(&pair, 10))
        return;
    CHECK_STATUS(Query(pair.Client, &ideal, &n), STATUS_SUCCESS);
    CHECK(ideal >= START);
    CHECK_STATUS(Query(pair.Server, &ideal, &n), STATUS_SUCCESS);
    CHECK(ideal >= START);
}

TEST(event, "WSK-BKLG-01 D64 WSK-EVT-05 WSK-SOCK-06")
{
    PAIR pair;
    SIZE_T ideal, n;
    int context;

    CounterInit(&Calls);
    CHECK_STATUS(MakePair(AF_INET, &context, &Table, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Query(pair.Client, &ideal, &n), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Client, WSK_EVENT_SEND_BACKLOG), STATUS_SUCCESS);
    if (!Pump(&pair, 20))
        return;
    Settle();
    CHECK_STATUS(Query(pair.Client, &ideal, &n), STATUS_SUCCESS);
    if (ideal < 2 * START && CounterValue(&Calls) == 0) {
        TestSkip("the congestion window did not open");
        return;
    }
    CHECK(CounterWait(&Calls, 1));
    CHECK(SeenContext == &context);
    SIZE_T before = START;
    for (LONG i = 0; i < CounterValue(&Calls) && i < 64; i++) { /* a factor of two each time */
        CHECK(Sizes[i] >= START);
        CHECK(Sizes[i] >= 2 * before || before >= 2 * Sizes[i]);
        before = Sizes[i];
    }
}

TEST(small_sends, "WSK-BKLG-01 D64")
{
    PAIR pair;
    SIZE_T ideal, n;
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(1000);

    /* Sends that the host takes at once count, too: they end without ever being pending. */
    CounterInit(&Calls);
    CHECK_STATUS(MakePair(AF_INET, NULL, &Table, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Query(pair.Client, &ideal, &n), STATUS_SUCCESS);
    if (ideal < 2 * START) {
        TestSkip("the congestion window is too small to begin with");
        return;
    }
    CHECK_STATUS(Events(pair.Client, WSK_EVENT_SEND_BACKLOG), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 1000), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    CHECK(Sizes[0] >= 2 * START);
    CHECK_STATUS(EventOff(pair.Client, WSK_EVENT_SEND_BACKLOG), STATUS_SUCCESS);
    LONG calls = CounterValue(&Calls);
    if (!Pump(&pair, 5))
        return;
    Settle();
    CHECK_EQ(CounterValue(&Calls), calls); /* off is off */
}

TESTS(ROW(query) ROW(event) ROW(small_sends))
