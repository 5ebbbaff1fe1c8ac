/* disconnect.c: WskDisconnect, graceful and abortive, and WskDisconnectEvent. */
#include "conformance.h"

#define BIG (8 * 1024 * 1024)

typedef struct _SINK {
    COUNTER Calls;
    ULONG Flags[8];
    KIRQL Irql[8];
    COUNTER Indications;
    SIZE_T Bytes, BytesAtEnd[8]; /* indicated in all; when WskDisconnectEvent came */
    volatile LONG Answer;
} SINK;
static SINK Sink;

static NTSTATUS WSKAPI OnDisconnect(PVOID Context, ULONG Flags)
{
    SINK *s = Context;

    LONG call = CounterValue(&s->Calls);
    if (call < 8) {
        s->Irql[call] = KeGetCurrentIrql();
        s->BytesAtEnd[call] = s->Bytes;
        s->Flags[call] = Flags;
    }
    CounterAdd(&s->Calls);
    return STATUS_SUCCESS;
}

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Indicated, SIZE_T *Accepted)
{
    SINK *s = Context;
    NTSTATUS answer = ReadAcquire(&s->Answer);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Accepted);

    if (answer == STATUS_SUCCESS)
        s->Bytes += Indicated;
    CounterAdd(&s->Indications);
    return answer;
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { OnReceive, OnDisconnect, NULL };

static BOOLEAN Begin(PAIR *Pair, ULONG Mask)
{
    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    CounterInit(&Sink.Indications);
    NTSTATUS status = MakePair(AF_INET, NULL, NULL, &Sink, &Table, Pair);
    if (status == STATUS_SUCCESS && Mask)
        status = Events(Pair->Server, Mask);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "no pair: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

/* ---- WskDisconnect ----------------------------------------------------------------------- */

TEST(graceful, "WSK-DISC-01 WSK-DISC-03 WSK-DISC-04 WSK-DISC-07 WSK-DISC-09 D59")
{
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(1000);
    SIZE_T n;

    if (!Begin(&pair, 0))
        return;
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, NULL), STATUS_SUCCESS);
    (void)StartDisconnect(&call, pair.Client, NULL, 0, 0);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 1000), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 1000, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    /* Sending is over, receiving goes on. */
    CHECK_STATUS(Send(pair.Client, out, 10, 0, &n), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Send(pair.Server, out, 1000, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(pair.Client, in, 1000), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 1000, 1, 0));
    /* A second graceful one is wrong; the socket still has to be closed. */
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Client, in, 10, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
}

TEST(behind_queued_sends, "WSK-DISC-01 WSK-DISC-02 WSK-DISC-04")
{
    PAIR pair;
    CALL send, more, end;
    BUFFER *big = MakePattern(BIG, 2), *small = MakePattern(5000, 3), *last = MakePattern(777, 4);
    BUFFER *in = MakeBuffer(BIG);
    SIZE_T n;

    if (!Begin(&pair, 0))
        return;
    CHECK_STATUS(StartSend(&send, pair.Client, big, BIG, 0), STATUS_PENDING);
    CHECK_STATUS(StartSend(&more, pair.Client, small, 5000, 0), STATUS_PENDING);
    CHECK_STATUS(StartDisconnect(&end, pair.Client, last, 777, 0), STATUS_PENDING);
    Settle();
    CHECK(!CallIsDone(&end)); /* nobody reads: it stays pending */
    CHECK_STATUS(Send(pair.Client, small, 10, 0, &n), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(ReceiveAll(pair.Server, in, BIG), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, BIG, 2, 0));
    CHECK_STATUS(ReceiveAll(pair.Server, in, 5777), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 5000, 3, 0));
    CHECK(IsPattern(in->Data + 5000, 777, 4, 0));
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    CHECK_STATUS(CallFinish(&end), STATUS_SUCCESS);
    CHECK_EQ(end.Information, 0);
    CHECK_STATUS(CallFinish(&send), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&more), STATUS_SUCCESS);
}

TEST(with_data, "WSK-DISC-02 D31")
{
    PAIR pair;
    CALL end;
    BUFFER *last = MakePattern(777, 4), *in = MakeBuffer(1000);
    SIZE_T n;

    if (!Begin(&pair, 0))
        return;
    (void)StartDisconnect(&end, pair.Client, last, 777, 0);
    CHECK_STATUS(CallFinish(&end), STATUS_SUCCESS);
    CHECK_EQ(end.Information, 0);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 777), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 777, 4, 0));
    (void)StartDisconnect(&end, pair.Server, last, 0, 0); /* no bytes are as good as no buffer */
    CHECK_STATUS(CallFinish(&end), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Client, in, 10, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
}

TEST(abortive, "WSK-DISC-06 WSK-DISC-07 WSK-DISC-09 WSK-DEVT-04 D33 D60")
{
    PAIR pair;
    CALL send, more, receive, end;
    BUFFER *big = MakePattern(BIG, 2), *small = MakePattern(5000, 3), *in = MakeBuffer(1000);
    SIZE_T n;

    if (!Begin(&pair, 0))
        return;
    CHECK_STATUS(StartSend(&send, pair.Client, big, BIG, 0), STATUS_PENDING);
    CHECK_STATUS(StartSend(&more, pair.Client, small, 5000, 0), STATUS_PENDING);
    CHECK_STATUS(StartReceive(&receive, pair.Client, in, 1000, 0), STATUS_PENDING);
    (void)StartDisconnect(&end, pair.Client, NULL, 0, WSK_FLAG_ABORTIVE);
    CHECK_STATUS(CallFinish(&end), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&send), STATUS_CANCELLED);
    CHECK_STATUS(CallFinish(&more), STATUS_CANCELLED);
    CHECK_EQ(more.Information, 0);
    CHECK_STATUS(CallFinish(&receive), STATUS_CONNECTION_ABORTED);
    CHECK_STATUS(Send(pair.Client, small, 10, 0, &n), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Receive(pair.Client, in, 10, 0, &n), STATUS_CONNECTION_ABORTED);
    CHECK_STATUS(Receive(pair.Client, in, 10, WSK_FLAG_WAITALL, &n), STATUS_CONNECTION_ABORTED);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    NTSTATUS status;
    do
        status = Receive(pair.Server, in, 1000, 0, &n); /* what was in its queue may come first */
    while (status == STATUS_SUCCESS && n > 0);
    CHECK_STATUS(status, STATUS_CONNECTION_RESET);
}

TEST(abortive_ends_a_pending_graceful_one, "WSK-DISC-05 D59")
{
    PAIR pair;
    CALL send, end, abort;
    BUFFER *big = MakePattern(BIG, 2), *in = MakeBuffer(1000);
    SIZE_T n;

    if (!Begin(&pair, 0))
        return;
    CHECK_STATUS(StartSend(&send, pair.Client, big, BIG, 0), STATUS_PENDING);
    CHECK_STATUS(StartDisconnect(&end, pair.Client, NULL, 0, 0), STATUS_PENDING);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_INVALID_DEVICE_STATE);
    CHECK(!CallIsDone(&end));
    (void)StartDisconnect(&abort, pair.Client, NULL, 0, WSK_FLAG_ABORTIVE);
    CHECK_STATUS(CallFinish(&abort), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&end), STATUS_CANCELLED);
    CHECK_STATUS(CallFinish(&send), STATUS_CANCELLED);
    NTSTATUS status;
    do
        status = Receive(pair.Server, in, 1000, 0, &n);
    while (status == STATUS_SUCCESS && n > 0);
    CHECK_STATUS(status, STATUS_CONNECTION_RESET);
}

TEST(close_ends_a_pending_graceful_one, "WSK-DISC-05 WSK-CLOSE-02 WSK-CLOSE-05 D10 D60")
{
    PAIR pair;
    CALL send, end;
    BUFFER *big = MakePattern(BIG, 2), *in = MakeBuffer(1000);
    SIZE_T n;

    if (!Begin(&pair, 0))
        return;
    CHECK_STATUS(StartSend(&send, pair.Client, big, BIG, 0), STATUS_PENDING);
    CHECK_STATUS(StartDisconnect(&end, pair.Client, NULL, 0, 0), STATUS_PENDING);
    /* The peer's half is closed, too; ours is not, as long as bytes wait in front of our FIN. */
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Client, in, 10, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    CHECK(CallIsDone(&end) && CallIsDone(&send));
    CHECK_STATUS(CallFinish(&end), STATUS_CANCELLED);
    CHECK_STATUS(CallFinish(&send), STATUS_CANCELLED);
    NTSTATUS status;
    do
        status = Receive(pair.Server, in, 1000, 0, &n);
    while (status == STATUS_SUCCESS && n > 0);
    CHECK_STATUS(status, STATUS_CONNECTION_RESET);
}

TEST(cancelled, "D08 D09")
{
    PAIR pair;
    CALL send, end;
    BUFFER *big = MakePattern(BIG, 2), *in = MakeBuffer(BIG);

    if (!Begin(&pair, 0))
        return;
    CHECK_STATUS(StartSend(&send, pair.Client, big, BIG, 0), STATUS_PENDING);
    CHECK_STATUS(StartDisconnect(&end, pair.Client, NULL, 0, 0), STATUS_PENDING);
    CHECK(IoCancelIrp(end.Irp));
    CHECK_STATUS(CallFinish(&end), STATUS_CANCELLED);
    CHECK(!CallIsDone(&send));
    CHECK_STATUS(ReceiveAll(pair.Server, in, BIG), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&send), STATUS_SUCCESS);
}

TEST(dead_socket, "WSK-DISC-08 D62")
{
    PAIR pair;

    if (!Begin(&pair, 0))
        return;
    if (!NT_SUCCESS(LoseSocket(pair.Client))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
}

/* ---- WskDisconnectEvent ------------------------------------------------------------------ */

static BOOLEAN Told(LONG Calls, ULONG Flags)
{
    if (!CounterWait(&Sink.Calls, Calls))
        TestFail(__FILE__, __LINE__, "WskDisconnectEvent did not come");
    else if ((Sink.Flags[Calls - 1] & WSK_FLAG_ABORTIVE) != Flags)
        TestFail(__FILE__, __LINE__, "its flags are 0x%x", Sink.Flags[Calls - 1]);
    else if ((Sink.Flags[Calls - 1] & WSK_FLAG_AT_DISPATCH_LEVEL) &&
             Sink.Irql[Calls - 1] != DISPATCH_LEVEL)
        TestFail(__FILE__, __LINE__, "not at DISPATCH_LEVEL");
    return !TestFailed();
}

TEST(event_graceful, "WSK-DEVT-01 WSK-DEVT-03 WSK-DEVT-06 D61")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(1000);
    SIZE_T n;

    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    if (!Told(1, 0))
        return;
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    CHECK_STATUS(Send(pair.Server, out, 1000, 0, NULL), STATUS_SUCCESS); /* still possible */
    CHECK_STATUS(ReceiveAll(pair.Client, in, 1000), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 1);
}

TEST(event_abortive, "WSK-DEVT-02 WSK-DEVT-04 D61")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(1000);
    SIZE_T n;

    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    if (!Told(1, WSK_FLAG_ABORTIVE))
        return;
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, &n), STATUS_CONNECTION_RESET);
    NTSTATUS status = Send(pair.Server, out, 10, 0, &n);
    CHECK(status == STATUS_CONNECTION_RESET || status == STATUS_CONNECTION_ABORTED);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 1);
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK_EQ(CounterValue(&Sink.Calls), 1);
}

/* Cancelled before the call, a disconnect of either kind has not happened. */
TEST(cancelled_before, "D08 WSK-DEVT-02")
{
    static const ULONG flags[] = { 0, WSK_FLAG_ABORTIVE };

    for (ULONG i = 0; i < RTL_NUMBER_OF(flags); i++) {
        PAIR pair;
        BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);
        CALL call;
        if (!Begin(&pair, WSK_EVENT_DISCONNECT))
            return;
        PIRP irp = CallBegin(&call);
        irp->Cancel = TRUE;
        CallStarted(&call,
                    CONNECTION_OF(pair.Server)->WskDisconnect(pair.Server, NULL, flags[i], irp));
        CHECK_STATUS(CallFinish(&call), STATUS_CANCELLED);
        CHECK_STATUS(Send(pair.Client, out, 10, 0, NULL), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveAll(pair.Server, in, 10), STATUS_SUCCESS);
        CHECK_STATUS(Send(pair.Server, out, 10, 0, NULL), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveAll(pair.Client, in, 10), STATUS_SUCCESS);
        CHECK_EQ(CounterValue(&Sink.Calls), 0);
        CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
        if (!Told(1, WSK_FLAG_ABORTIVE)) /* the peer's is told, as ours was none */
            return;
    }
}

TEST(event_by_a_closing_peer, "WSK-DEVT-02 WSK-CLOSE-05")
{
    PAIR pair;

    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    (void)Told(1, WSK_FLAG_ABORTIVE);
}

TEST(event_abortive_after_graceful, "WSK-DEVT-01 WSK-DEVT-02 D61")
{
    PAIR pair;

    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    if (!Told(1, 0))
        return;
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS); /* our half stands: this is a reset */
    if (!Told(2, WSK_FLAG_ABORTIVE))
        return;
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 2);
}

TEST(event_after_the_data, "D61 WSK-DEVT-01")
{
    PAIR pair;
    BUFFER *out = MakePattern(100000, 1), *in = MakeBuffer(100000);
    SIZE_T n;

    /* read by requests */
    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_STATUS(Receive(pair.Server, in, 400, 0, &n), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 1000 - n), STATUS_SUCCESS);
    if (!Told(1, 0))
        return;

    /* indicated */
    if (!Begin(&pair, WSK_EVENT_DISCONNECT | WSK_EVENT_RECEIVE))
        return;
    CHECK_STATUS(Send(pair.Client, out, 100000, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    if (!Told(1, 0))
        return;
    CHECK_EQ(Sink.BytesAtEnd[0], 100000);
}

TEST(event_held_back_while_suspended, "D61 WSK-RCVE-06")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(10);

    if (!Begin(&pair, WSK_EVENT_DISCONNECT | WSK_EVENT_RECEIVE))
        return;
    InterlockedExchange(&Sink.Answer, STATUS_DATA_NOT_ACCEPTED);
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Indications, 1));
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_EQ(CounterValue(&Sink.Indications), 1);
    InterlockedExchange(&Sink.Answer, STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 0, 0, NULL), STATUS_SUCCESS);
    if (!Told(1, 0))
        return;
    CHECK_EQ(Sink.BytesAtEnd[0], 1000);
}

TEST(event_abortive_is_not_held_back, "D61")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 1);

    if (!Begin(&pair, WSK_EVENT_DISCONNECT | WSK_EVENT_RECEIVE))
        return;
    InterlockedExchange(&Sink.Answer, STATUS_DATA_NOT_ACCEPTED);
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Indications, 1));
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    if (!Told(1, WSK_FLAG_ABORTIVE))
        return;
    BUFFER *in = MakeBuffer(10);
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, NULL),
                 STATUS_CONNECTION_RESET); /* unread: dropped */
}

TEST(event_enabled_late, "D61")
{
    static const ULONG flags[] = { 0, WSK_FLAG_ABORTIVE };

    for (ULONG i = 0; i < 2; i++) {
        PAIR pair;
        if (!Begin(&pair, 0))
            return;
        CHECK_STATUS(Disconnect(pair.Client, flags[i]), STATUS_SUCCESS);
        Settle();
        CHECK_EQ(CounterValue(&Sink.Calls), 0);
        CHECK_STATUS(Events(pair.Server, WSK_EVENT_DISCONNECT), STATUS_SUCCESS);
        if (!Told(1, flags[i]))
            return;
    }
}

TEST(event_not_for_ourselves, "WSK-DEVT-05")
{
    PAIR pair;

    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Disconnect(pair.Server, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    Settle();
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
}

TEST(event_disabled, "WSK-EVT-10 WSK-EVT-17")
{
    PAIR pair;

    if (!Begin(&pair, WSK_EVENT_DISCONNECT))
        return;
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_DISCONNECT | WSK_EVENT_DISABLE), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    Settle();
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
}

TESTS(ROW(graceful) ROW(behind_queued_sends) ROW(with_data) ROW(abortive)
          ROW(abortive_ends_a_pending_graceful_one) ROW(close_ends_a_pending_graceful_one)
              ROW(cancelled) ROW(dead_socket) ROW(event_graceful) ROW(event_abortive)
                  ROW(cancelled_before) ROW(event_by_a_closing_peer)
                      ROW(event_abortive_after_graceful) ROW(event_after_the_data)
                          ROW(event_held_back_while_suspended) ROW(event_abortive_is_not_held_back)
                              ROW(event_enabled_late) ROW(event_not_for_ourselves)
                                  ROW(event_disabled))
