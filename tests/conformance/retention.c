/* retention.c: keeping indications of a stream and giving them back by WskRelease. */
#include "conformance.h"

#define MAX_LISTS 64

typedef struct _SINK {
    COUNTER Calls;
    PWSK_DATA_INDICATION Lists[MAX_LISTS];
    SIZE_T Sizes[MAX_LISTS];
    ULONG Flags[MAX_LISTS];
    volatile LONG Answer;
    volatile LONG ReleaseInside;
    NTSTATUS Released;
    PWSK_SOCKET Socket;
    COUNTER Bytes; /* indicated; raised last, when all the rest is in place */
} SINK;
static SINK Sink;

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Indicated, SIZE_T *Accepted)
{
    SINK *s = Context;
    LONG n = CounterValue(&s->Calls);
    BOOLEAN may = MayUse();
    UNREFERENCED_PARAMETER(Accepted);

    if (n < MAX_LISTS) {
        s->Lists[n] = Data;
        s->Sizes[n] = Indicated;
        s->Flags[n] = Flags;
    }
    NTSTATUS answer = may && n < MAX_LISTS ? ReadAcquire(&s->Answer) : STATUS_SUCCESS;
    if (may && ReadAcquire(&s->ReleaseInside))
        s->Released = GiveBack(s->Socket, Data);
    else if (answer == STATUS_PENDING && !Keep(s->Socket, Data))
        answer = STATUS_SUCCESS;
    if (may)
        Used();
    CounterAdd(&s->Calls);
    CounterAddMany(&s->Bytes, (LONG)Indicated);
    return answer;
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { OnReceive, NULL, NULL };

static BOOLEAN Begin(PAIR *Pair)
{
    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    CounterInit(&Sink.Bytes);
    Sink.Answer = STATUS_PENDING;
    NTSTATUS status = MakePair(AF_INET, NULL, NULL, &Sink, &Table, Pair);
    Sink.Socket = Pair->Server;
    if (status == STATUS_SUCCESS)
        status = Events(Pair->Server, WSK_EVENT_RECEIVE);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "no pair: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

/* The calls so far, each with its list. */
static LONG Lists(void)
{
    LONG calls = CounterValue(&Sink.Calls);

    if (calls > MAX_LISTS)
        TestFail(__FILE__, __LINE__, "too many indications");
    return calls < MAX_LISTS ? calls : MAX_LISTS;
}

/* Compares a list with the pattern from Position on; the bytes of it. */
static SIZE_T Matches(PWSK_DATA_INDICATION List, ULONG Seed, SIZE_T Position)
{
    SIZE_T sum = 0;

    for (; List; List = List->Next) {
        SIZE_T left = List->Buffer.Length, skip = List->Buffer.Offset;
        for (PMDL m = List->Buffer.Mdl; m && left > 0; m = m->Next, skip = 0) {
            PUCHAR p = MmGetSystemAddressForMdlSafe(m, NormalPagePriority);
            SIZE_T n = MmGetMdlByteCount(m) - skip;
            n = n < left ? n : left;
            if (!IsPattern(p + skip, n, Seed, Position + sum))
                TestFail(__FILE__, __LINE__, "retained bytes have changed");
            left -= n;
            sum += n;
        }
    }
    return sum;
}

static BOOLEAN SendOne(PAIR *Pair, BUFFER *Out, SIZE_T Offset, SIZE_T Length)
{
    CALL call;
    WSK_BUF buf = { Out->Buf.Mdl, (ULONG)Offset, Length };
    PIRP irp = CallBegin(&call);
    NTSTATUS status = CallEnd(
        &call, CONNECTION_OF(Pair->Client)->WskSend(Pair->Client, &buf, WSK_FLAG_NODELAY, irp));

    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "a send failed: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

TEST(kept_and_released, "WSK-RCVE-05 WSK-RET-01 WSK-RET-02 WSK-RET-04 WSK-RCVE-07")
{
    PAIR pair;
    BUFFER *out = MakePattern(5000, 7);
    KIRQL old;

    if (!Begin(&pair))
        return;
    /* Further calls follow while lists are kept; the bytes stay as they are. */
    for (ULONG i = 0; i < 5; i++) {
        if (!SendOne(&pair, out, i * 1000, 1000))
            return;
        CHECK(CounterWait(&Sink.Bytes, ((LONG)i + 1) * 1000));
    }
    LONG lists = Lists();
    SIZE_T at = 0;
    for (LONG i = 0; i < lists; i++) {
        SIZE_T n = Matches(Sink.Lists[i], 7, at);
        CHECK_EQ(n, Sink.Sizes[i]);
        at += n;
    }
    CHECK_EQ(at, 5000);
    /* Out of order, at either IRQL; no IRP. */
    for (LONG i = lists; i-- > 0;) {
        KeRaiseIrql((i & 1) ? DISPATCH_LEVEL : PASSIVE_LEVEL, &old);
        NTSTATUS status = GiveBack(pair.Server, Sink.Lists[i]);
        KeLowerIrql(old);
        CHECK_STATUS(status, STATUS_SUCCESS);
    }
}

TEST(outlives_the_stream, "WSK-RET-01 WSK-RCVE-05")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 7);

    /* The peer goes, the connection is aborted: what is kept stays until it is released. */
    if (!Begin(&pair) || !SendOne(&pair, out, 0, 1000))
        return;
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    Settle();
    CHECK_STATUS(Disconnect(pair.Server, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_EQ(Matches(Sink.Lists[0], 7, 0), Sink.Sizes[0]);
    for (LONG i = 0, lists = Lists(); i < lists; i++)
        CHECK_STATUS(GiveBack(pair.Server, Sink.Lists[i]), STATUS_SUCCESS);
}

/* Makes the server miss several segments, so that one indication carries several nodes. */
static BOOLEAN LongList(PAIR *Pair, ULONG *Nodes, PWSK_DATA_INDICATION *Node)
{
    BUFFER *out = MakePattern(1000000, 7), *in = MakeBuffer(1);

    if (!Begin(Pair))
        return FALSE;
    InterlockedExchange(&Sink.Answer, STATUS_DATA_NOT_ACCEPTED);
    if (!SendOne(Pair, out, 0, 1000))
        return FALSE;
    if (!CounterWait(&Sink.Bytes, 1))
        TestFail(__FILE__, __LINE__, "no indication");
    /* What comes now is held apart from the first. */
    for (ULONG i = 1; i < 20; i++) {
        if (!SendOne(Pair, out, i * 1000, 1000))
            return FALSE;
        Settle();
    }
    InterlockedExchange(&Sink.Answer, STATUS_PENDING);
    LONG before = CounterValue(&Sink.Calls), seen = CounterValue(&Sink.Bytes);
    (void)Receive(Pair->Server, in, 0, 0, NULL);
    if (!CounterWait(&Sink.Bytes, seen + 20000))
        TestFail(__FILE__, __LINE__, "not all was indicated");
    *Nodes = 0;
    SIZE_T at = 0;
    for (LONG i = before, lists = Lists(); i < lists; i++) {
        at += Matches(Sink.Lists[i], 7, at);
        for (PWSK_DATA_INDICATION d = Sink.Lists[i]; d; d = d->Next)
            if (*Nodes < MAX_LISTS)
                Node[(*Nodes)++] = d;
    }
    if (at != 20000)
        TestFail(__FILE__, __LINE__, "%u bytes are kept", (ULONG)at);
    return !TestFailed();
}

TEST(node_by_node, "D37 WSK-RET-02")
{
    PAIR pair;
    ULONG nodes;
    PWSK_DATA_INDICATION node[MAX_LISTS], kept = NULL;

    if (!LongList(&pair, &nodes, node))
        return;
    /* Next is the client's: it chains them its own way, and releases each by itself, backwards. */
    for (ULONG i = 0; i < nodes; i++) {
        node[i]->Next = kept;
        kept = node[i];
    }
    for (ULONG i = nodes; i-- > 0;) {
        node[i]->Next = NULL;
        CHECK_STATUS(GiveBack(pair.Server, node[i]), STATUS_SUCCESS);
    }
}

TEST(a_part_of_the_list, "D37 WSK-RET-02")
{
    PAIR pair;
    ULONG nodes;
    PWSK_DATA_INDICATION node[MAX_LISTS];

    if (!LongList(&pair, &nodes, node))
        return;
    /* The tail first, then the rest: the walk follows Next as the client left it. */
    ULONG half = nodes / 2;
    for (ULONG i = 0; i < nodes; i++)
        node[i]->Next = i + 1 < nodes ? node[i + 1] : NULL;
    if (half > 0) {
        node[half - 1]->Next = NULL;
        CHECK_STATUS(GiveBack(pair.Server, node[half]), STATUS_SUCCESS);
        SIZE_T n = 0;
        for (ULONG i = 0; i < half; i++)
            n += node[i]->Buffer.Length;
        CHECK_EQ(Matches(node[0], 7, 0), n); /* the others are unharmed */
    }
    CHECK_STATUS(GiveBack(pair.Server, node[0]), STATUS_SUCCESS);
}

static void ReleaseAll(PVOID Context)
{
    SINK *s = Context;

    for (LONG i = 0, lists = Lists(); i < lists; i++)
        if (GiveBack(s->Socket, s->Lists[i]) != STATUS_SUCCESS)
            TestFail(__FILE__, __LINE__, "cannot release");
}

TEST(on_another_thread, "WSK-RET-04 D37")
{
    PAIR pair;
    THREAD thread;
    BUFFER *out = MakePattern(1000, 7);

    if (!Begin(&pair) || !SendOne(&pair, out, 0, 1000))
        return;
    CHECK(CounterWait(&Sink.Calls, 1));
    Settle();
    ThreadStart(&thread, ReleaseAll, &Sink);
    ThreadJoin(&thread);
}

TEST(inside_the_callback, "D38 WSK-RCVE-05 WSK-RET-02")
{
    static const NTSTATUS answers[] = { STATUS_PENDING, STATUS_SUCCESS };

    for (ULONG i = 0; i < 2; i++) {
        PAIR pair;
        BUFFER *out = MakePattern(2000, 7);
        if (!Begin(&pair))
            return;
        InterlockedExchange(&Sink.ReleaseInside, TRUE);
        InterlockedExchange(&Sink.Answer, answers[i]);
        if (!SendOne(&pair, out, 0, 1000) || !SendOne(&pair, out, 1000, 1000))
            return;
        CHECK(CounterWait(&Sink.Bytes, 2000));
        CHECK_STATUS(Sink.Released, STATUS_SUCCESS);
        CHECK_EQ(CounterValue(&Sink.Bytes), 2000);
    }
}

TEST(asks_for_release, "D63 WSK-RCVE-09")
{
    PAIR pair;
    BUFFER *out = MakePattern(50000, 7);
    ULONG flagged = 0;

    /* Keeps everything until the flag asks for less. */
    if (!Begin(&pair))
        return;
    for (ULONG i = 0; i < 4; i++) { /* more than the threshold, less than stops the reading */
        if (!SendOne(&pair, out, 0, 50000))
            return;
        CHECK(CounterWait(&Sink.Bytes, ((LONG)i + 1) * 50000));
    }
    for (LONG i = 0, lists = Lists(); i < lists; i++)
        if (Sink.Flags[i] & WSK_FLAG_RELEASE_ASAP)
            flagged++;
    CHECK(!(Sink.Flags[0] & WSK_FLAG_RELEASE_ASAP));
    CHECK(flagged > 0);
    for (LONG i = 0, lists = Lists(); i < lists; i++)
        CHECK_STATUS(GiveBack(pair.Server, Sink.Lists[i]), STATUS_SUCCESS);
    /* With all of it given back the flag is gone. */
    LONG calls = CounterValue(&Sink.Calls);
    InterlockedExchange(&Sink.Answer, STATUS_SUCCESS);
    if (calls >= MAX_LISTS || !SendOne(&pair, out, 0, 10))
        return;
    CHECK(CounterWait(&Sink.Calls, calls + 1));
    CHECK(!(Sink.Flags[calls] & WSK_FLAG_RELEASE_ASAP));
}

TEST(invalid_parameter, "WSK-RET-03")
{
    PAIR pair;

    if (!Begin(&pair))
        return;
    CHECK_STATUS(GiveBack(pair.Server, NULL), STATUS_INVALID_PARAMETER);
}

TESTS(ROW(kept_and_released) ROW(outlives_the_stream) ROW(node_by_node) ROW(a_part_of_the_list)
          ROW(on_another_thread) ROW(inside_the_callback) ROW(asks_for_release)
              ROW(invalid_parameter))
