/* receive_event.c: WskReceiveEvent: indications, the answers to them, suspension and resumption. */
#include "conformance.h"

#define ROOM (4 * 1024 * 1024)

/* What the callback saw, and how it is to answer. One call at a time, so plain members do
 * (RCVE-13). */
typedef struct _SINK {
    COUNTER Calls;
    COUNTER Bytes; /* so many as Total */
    COUNTER Suspensions;
    SIZE_T Total;
    UCHAR *Data; /* accepted bytes, in order */
    ULONG Flags;
    SIZE_T LastIndicated, PreSet;
    NTSTATUS Answer;
    /* With STATUS_SUCCESS: so many bytes, however many calls bring them; NOT_WRITTEN:
     * *BytesAccepted is left alone. */
    SIZE_T Accept;
    BOOLEAN Once;   /* go back to accepting everything after the call that did not */
    LONG CallsThen; /* when it had suspended */
    LONG Inside, Overlaps, BadSums, Nulls;
    KIRQL Irql;
    PWSK_DATA_INDICATION Kept;
    CALL *DisableCall; /* NULL: without an IRP */
    NTSTATUS DisableStatus;
    PWSK_SOCKET Socket;
} SINK;
#define NOT_WRITTEN ((SIZE_T)-1)

static SIZE_T Copy(SINK *s, PWSK_DATA_INDICATION List, SIZE_T Limit)
{
    SIZE_T sum = 0;

    for (; List; List = List->Next) {
        SIZE_T left = List->Buffer.Length, skip = List->Buffer.Offset;
        sum += left;
        for (PMDL m = List->Buffer.Mdl; m && left > 0; m = m->Next, skip = 0) {
            PUCHAR p = MmGetSystemAddressForMdlSafe(m, NormalPagePriority);
            SIZE_T n = MmGetMdlByteCount(m) - skip;
            n = n < left ? n : left;
            left -= n;
            n = n < Limit ? n : Limit;
            if (s->Total + n <= ROOM)
                RtlCopyMemory(s->Data + s->Total, p + skip, n);
            s->Total += n;
            Limit -= n;
        }
        if (left > 0)
            s->BadSums++;
    }
    return sum;
}

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Indicated, SIZE_T *Accepted)
{
    SINK *s = Context;
    NTSTATUS answer = s->Answer;
    SIZE_T accept = s->Accept == NOT_WRITTEN || s->Accept < Indicated ? s->Accept : Indicated;
    SIZE_T before = s->Total;
    BOOLEAN suspends = FALSE;

    if (InterlockedIncrement(&s->Inside) != 1)
        s->Overlaps++;
    s->Irql = KeGetCurrentIrql();
    s->Flags = Flags;
    s->LastIndicated = Indicated;
    if (!Data) {
        s->Nulls++;
        answer = STATUS_SUCCESS;
    } else {
        s->PreSet = *Accepted;
        SIZE_T limit = answer == STATUS_DATA_NOT_ACCEPTED                  ? 0
                       : answer == STATUS_PENDING || accept == NOT_WRITTEN ? Indicated
                                                                           : accept;
        if (Copy(s, Data, limit) != Indicated)
            s->BadSums++;
        if (answer == STATUS_SUCCESS && accept != NOT_WRITTEN) {
            *Accepted = accept;
            s->Accept -= accept;
        }
        suspends = limit < Indicated;
        if (answer != STATUS_SUCCESS)
            *Accepted = 12345; /* RCVE-07: ignored */
        if (answer == STATUS_PENDING)
            s->Kept = Data;
    }
    if (s->Once && suspends) {
        s->Answer = STATUS_SUCCESS;
        s->Accept = NOT_WRITTEN;
        s->Once = FALSE;
    }
    LONG more = (LONG)(s->Total - before);
    InterlockedDecrement(&s->Inside);
    CounterAdd(&s->Calls);
    CounterAddMany(&s->Bytes, more);
    if (suspends)
        CounterAdd(&s->Suspensions);
    return answer;
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { OnReceive, NULL, NULL };

static BUFFER *SinkMemory;
static SINK Sink;

/* A pair whose server indicates to Sink. */
static BOOLEAN Begin(PAIR *Pair, BOOLEAN Enable)
{
    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    CounterInit(&Sink.Bytes);
    CounterInit(&Sink.Suspensions);
    SinkMemory = MakeBuffer(ROOM);
    Sink.Data = SinkMemory->Data;
    Sink.Accept = NOT_WRITTEN;
    NTSTATUS status = MakePair(AF_INET, NULL, NULL, &Sink, &Table, Pair);
    if (NT_SUCCESS(status) && Enable)
        status = Events(Pair->Server, WSK_EVENT_RECEIVE);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "no pair: 0x%08x", status);
    Sink.Socket = Pair->Server;
    return status == STATUS_SUCCESS;
}

static BOOLEAN SendBytes(PAIR *Pair, SIZE_T Size, ULONG Seed)
{
    BUFFER *out = MakePattern(Size, Seed);
    SIZE_T n;
    NTSTATUS status = Send(Pair->Client, out, Size, WSK_FLAG_NODELAY, &n);

    if (status != STATUS_SUCCESS || n != Size)
        TestFail(__FILE__, __LINE__, "a send failed: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

TEST(accepts_all,
     "WSK-RCVE-01 WSK-RCVE-02 WSK-RCVE-04 WSK-RCVE-10 WSK-RCVE-11 WSK-RCVE-13 WSK-RCVE-14 D16 D63 "
     "WSK-BUF-04 WSK-IRQL-03 D11")
{
    PAIR pair;

    if (!Begin(&pair, FALSE))
        return;
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    if (!SendBytes(&pair, 3000000, 9))
        return;
    CHECK(CounterWait(&Sink.Bytes, 3000000));
    CHECK_EQ(Sink.Total, 3000000);
    CHECK(IsPattern(Sink.Data, 3000000, 9, 0));
    CHECK_EQ(Sink.Overlaps, 0);
    CHECK_EQ(Sink.BadSums, 0);
    CHECK_EQ(Sink.PreSet, Sink.LastIndicated);
    CHECK(Sink.Flags & WSK_FLAG_ENTIRE_MESSAGE); /* the last one emptied the queue */
    CHECK(Sink.Irql <= DISPATCH_LEVEL);
    CHECK(!(Sink.Flags & WSK_FLAG_AT_DISPATCH_LEVEL) || Sink.Irql == DISPATCH_LEVEL);
    CHECK(!(Sink.Flags & ~(ULONG)(WSK_FLAG_AT_DISPATCH_LEVEL | WSK_FLAG_ENTIRE_MESSAGE |
                                  WSK_FLAG_RELEASE_ASAP)));
}

TEST(data_before_enabling, "WSK-RCVE-01 WSK-EVT-17")
{
    PAIR pair;

    if (!Begin(&pair, FALSE) || !SendBytes(&pair, 500, 2))
        return;
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Bytes, 500));
    CHECK(IsPattern(Sink.Data, 500, 2, 0));
}

/* Sends 100 bytes that the sink takes only partly; then nothing more may be indicated. */
static BOOLEAN Suspend(PAIR *Pair, NTSTATUS Answer, SIZE_T Accept)
{
    if (!Begin(Pair, FALSE))
        return FALSE;
    Sink.Answer = Answer;
    Sink.Accept = Accept;
    Sink.Once = TRUE;
    NTSTATUS status = Events(Pair->Server, WSK_EVENT_RECEIVE);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "the event cannot be enabled: 0x%08x", status);
    if (status != STATUS_SUCCESS || !SendBytes(Pair, 100, 3))
        return FALSE;
    if (!CounterWait(&Sink.Suspensions, 1)) {
        TestFail(__FILE__, __LINE__, "no indication");
        return FALSE;
    }
    Sink.CallsThen = CounterValue(&Sink.Calls);
    BUFFER *more = MakeBuffer(100);
    for (ULONG i = 0; i < 100; i++)
        more->Data[i] = (UCHAR)(i + 1);
    (void)Send(Pair->Client, more, 100, WSK_FLAG_NODELAY, NULL);
    Settle();
    if (CounterValue(&Sink.Calls) != Sink.CallsThen)
        TestFail(__FILE__, __LINE__, "indicated again while suspended");
    return !TestFailed();
}

/* The sink took some and then, from Resumed on, all that was left of the 200 bytes. */
static void CheckRest(SIZE_T Taken, SIZE_T Resumed)
{
    SIZE_T rest = 200 - Resumed;

    CHECK(CounterWait(&Sink.Bytes, (LONG)(Taken + rest)));
    CHECK_EQ(Sink.Total, Taken + rest);
    CHECK(Resumed >= 100 || IsPattern(Sink.Data + Taken, 100 - Resumed, 3, Resumed));
    for (SIZE_T i = Resumed < 100 ? 100 : Resumed; i < 200; i++)
        CHECK_EQ(Sink.Data[Taken + i - Resumed], i - 99);
}

TEST(partly_accepted, "WSK-RCVE-03 WSK-RCVE-08 WSK-RECV-09 D17")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(10);
    SIZE_T n, backlog;

    if (!Suspend(&pair, STATUS_SUCCESS, 30))
        return;
    CHECK_EQ(Sink.Total, 30);
    CHECK_STATUS(
        Ioctl(pair.Server, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &backlog, sizeof(backlog), &n),
        STATUS_SUCCESS);
    CHECK_EQ(backlog, 170); /* held and not yet read */
    CHECK_STATUS(Receive(pair.Server, in, 0, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    CheckRest(30, 30);
}

TEST(not_accepted, "WSK-RCVE-06 WSK-RCVE-07 WSK-RCVE-08 WSK-RECV-09")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(10);
    SIZE_T n;

    if (!Suspend(&pair, STATUS_DATA_NOT_ACCEPTED, 0))
        return;
    CHECK_EQ(Sink.Total, 0);
    CHECK_STATUS(Receive(pair.Server, in, 0, 0, &n), STATUS_SUCCESS);
    CheckRest(0, 0);
}

TEST(nothing_accepted_is_not_accepted, "D17 WSK-RCVE-03")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(10);
    SIZE_T n;

    if (!Suspend(&pair, STATUS_SUCCESS, 0))
        return;
    CHECK_STATUS(Receive(pair.Server, in, 0, 0, &n), STATUS_SUCCESS);
    CheckRest(0, 0);
}

TEST(plain_receive_resumes, "D17 WSK-RCVE-08")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(50);
    SIZE_T n;

    if (!Suspend(&pair, STATUS_SUCCESS, 30))
        return;
    CHECK_STATUS(Receive(pair.Server, in, 50, 0, &n), STATUS_SUCCESS);
    CHECK(n > 0 && n <= 50);
    CHECK(IsPattern(in->Data, n, 3, 30)); /* the held bytes first */
    CheckRest(30, 30 + n);
}

TEST(disable_and_enable_resumes, "D17")
{
    PAIR pair;

    if (!Suspend(&pair, STATUS_SUCCESS, 30))
        return;
    CHECK_STATUS(EventOff(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CheckRest(30, 30);
}

TEST(drain_never_resumes, "D17 WSK-RECV-06")
{
    PAIR pair;
    CALL drain;
    BUFFER *in = MakeBuffer(10);

    if (!Suspend(&pair, STATUS_SUCCESS, 30))
        return;
    CHECK_STATUS(StartReceive(&drain, pair.Server, in, 0, WSK_FLAG_DRAIN), STATUS_PENDING);
    if (!SendBytes(&pair, 1000, 8))
        return;
    Settle();
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&drain), STATUS_SUCCESS);
    CHECK_EQ(drain.Information, 0);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), Sink.CallsThen);
}

TEST(requests_come_first, "WSK-RECV-10 WSK-RECV-11")
{
    PAIR pair;
    CALL call;
    BUFFER *in = MakeBuffer(60);

    if (!Begin(&pair, TRUE))
        return;
    Settle(); /* the event is armed, nothing has come */
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 60, WSK_FLAG_WAITALL), STATUS_PENDING);
    if (!SendBytes(&pair, 100, 4))
        return;
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 60);
    CHECK(IsPattern(in->Data, 60, 4, 0));
    CHECK(CounterWait(&Sink.Bytes, 40)); /* the rest is indicated */
    CHECK_EQ(Sink.Total, 40);
    CHECK(IsPattern(Sink.Data, 40, 4, 60));
}

TEST(request_before_the_event, "WSK-RECV-10")
{
    PAIR pair;
    CALL call;
    BUFFER *in = MakeBuffer(60);

    if (!Begin(&pair, FALSE))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 60, 0), STATUS_PENDING);
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    if (!SendBytes(&pair, 100, 4))
        return;
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    SIZE_T got = call.Information;
    CHECK(got > 0 && got <= 60);
    CHECK(IsPattern(in->Data, got, 4, 0));
    CHECK(CounterWait(&Sink.Bytes, (LONG)(100 - got)));
    CHECK(IsPattern(Sink.Data, 100 - got, 4, got));
}

TEST(disabled_is_silent, "WSK-EVT-10 WSK-EVT-17 WSK-RCVE-14")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(400);
    SIZE_T n;

    if (!Begin(&pair, FALSE))
        return;
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    if (!SendBytes(&pair, 100, 4))
        return;
    CHECK(CounterWait(&Sink.Bytes, 100));
    NTSTATUS status = Events(pair.Server, WSK_EVENT_RECEIVE | WSK_EVENT_DISABLE);
    CHECK(status == STATUS_SUCCESS || status == STATUS_EVENT_PENDING);
    Settle();
    LONG calls = CounterValue(&Sink.Calls);
    if (!SendBytes(&pair, 300, 5))
        return;
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), calls);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 300), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 300, 5, 0));
    /* and back again */
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    if (!SendBytes(&pair, 50, 6))
        return;
    CHECK(CounterWait(&Sink.Bytes, 150));
    CHECK(IsPattern(Sink.Data + 100, 50, 6, 0));
    CHECK_STATUS(Receive(pair.Server, in, 0, 0, &n), STATUS_SUCCESS);
}

/* A callback that disables its own event: the running call is in progress (D79). */
static NTSTATUS WSKAPI DisableInside(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                     SIZE_T Indicated, SIZE_T *Accepted)
{
    SINK *s = Context;
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID,
                                           WSK_EVENT_RECEIVE | WSK_EVENT_DISABLE };
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Indicated);
    UNREFERENCED_PARAMETER(Accepted);

    s->DisableStatus = BASIC_OF(s->Socket)->WskControlSocket(
        s->Socket, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET, sizeof(control), &control, 0,
        NULL, NULL, s->DisableCall ? CallBegin(s->DisableCall) : NULL);
    CounterAdd(&s->Calls);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH DisableTable = { DisableInside, NULL, NULL };
static CALL DisableCall;

TEST(disabled_inside_the_callback, "D79 WSK-EVT-08 WSK-EVT-09 WSK-EVT-10")
{
    for (ULONG with = 0; with < 2; with++) {
        PAIR pair;
        RtlZeroMemory(&Sink, sizeof(Sink));
        CounterInit(&Sink.Calls);
        CHECK_STATUS(MakePair(AF_INET, NULL, NULL, &Sink, &DisableTable, &pair), STATUS_SUCCESS);
        Sink.Socket = pair.Server;
        Sink.DisableCall = with ? &DisableCall : NULL;
        CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
        if (!SendBytes(&pair, 50, 6))
            return;
        CHECK(CounterWait(&Sink.Calls, 1));
        if (with) {
            CallStarted(&DisableCall, STATUS_PENDING);
            CHECK_STATUS(CallFinish(&DisableCall), STATUS_SUCCESS);
        }
        CHECK_STATUS(Sink.DisableStatus, with ? STATUS_PENDING : STATUS_EVENT_PENDING);
        if (!SendBytes(&pair, 50, 6))
            return;
        Settle();
        CHECK_EQ(CounterValue(&Sink.Calls), 1);
    }
}

TEST(dead_socket, "WSK-RCVE-12 D62")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(10);

    if (!Begin(&pair, TRUE))
        return;
    if (!NT_SUCCESS(LoseSocket(pair.Server))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_EQ(Sink.Nulls, 1);
    Settle();
    CHECK_EQ(Sink.Nulls, 1);
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, NULL), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE | WSK_EVENT_DISABLE),
                 STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK_EQ(Sink.Nulls, 1);
}

/* The callback closes its own socket: allowed, but it finishes after the callback returned (D77).
 */
static CALL CloseCall;
static NTSTATUS CloseReturned;
static BOOLEAN CloseDoneInside;

static NTSTATUS WSKAPI CloseInside(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                   SIZE_T Indicated, SIZE_T *Accepted)
{
    SINK *s = Context;
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Indicated);
    UNREFERENCED_PARAMETER(Accepted);

    if (!Disown(s->Socket)) /* the test has failed, the harness is closing it */
        return STATUS_SUCCESS;
    PIRP irp = CallBegin(&CloseCall);
    CloseReturned = BASIC_OF(s->Socket)->WskCloseSocket(s->Socket, irp);
    CloseDoneInside = CallIsDone(&CloseCall);
    CounterAdd(&s->Calls);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH CloseTable = { CloseInside, NULL, NULL };

TEST(closed_inside_the_callback, "D77 WSK-CLOSE-03 WSK-CLOSE-01 WSK-CLOSE-05 WSK-EVT-27")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(10);

    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, &Sink, &CloseTable, &pair), STATUS_SUCCESS);
    Sink.Socket = pair.Server;
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    if (!SendBytes(&pair, 50, 6))
        return;
    CHECK(CounterWait(&Sink.Calls, 1));
    CallStarted(&CloseCall, STATUS_PENDING);
    CHECK_STATUS(CallFinish(&CloseCall), STATUS_SUCCESS);
    CHECK_STATUS(CloseReturned, STATUS_PENDING);
    CHECK(!CloseDoneInside);
    CHECK_STATUS(Receive(pair.Client, in, 10, 0, NULL), STATUS_CONNECTION_RESET);
}

TESTS(ROW(accepts_all) ROW(data_before_enabling) ROW(partly_accepted) ROW(not_accepted)
          ROW(nothing_accepted_is_not_accepted) ROW(plain_receive_resumes)
              ROW(disable_and_enable_resumes) ROW(drain_never_resumes) ROW(requests_come_first)
                  ROW(request_before_the_event) ROW(disabled_is_silent)
                      ROW(disabled_inside_the_callback) ROW(dead_socket)
                          ROW(closed_inside_the_callback))
