/*
 * sockets.c: what races on sockets. Each test lets two or three threads do at the same time what a
 * driver may do at the same time, and checks what must hold whoever comes first.
 */
#include "conformance.h"

#define BYTES  600
#define ROUNDS 4

/* ---- cancellation against everything --------------------------------------------------------- */

typedef struct _CANCELLER {
    PIRP Irp;
} CANCELLER;

static void Cancel(PVOID Context)
{
    (void)IoCancelIrp(((CANCELLER *)Context)->Irp);
}

typedef struct _SENDER {
    PWSK_SOCKET Socket;
    BUFFER *Out;
    SIZE_T Length;
    ULONG Times;
    NTSTATUS Status;
    SIZE_T First; /* byte of Out */
} SENDER;

static void SendAll(PVOID Context)
{
    SENDER *s = Context;

    for (ULONG i = 0; i < s->Times; i++) {
        CALL call;
        WSK_BUF buf = { s->Out->Buf.Mdl, (ULONG)(s->First + i * s->Length), s->Length };
        PIRP irp = CallBegin(&call);
        s->Status = CallEnd(&call, CONNECTION_OF(s->Socket)->WskSend(s->Socket, &buf, 0, irp));
        if (!NT_SUCCESS(s->Status))
            return;
    }
}

/* Takes a processor again and again: work for it is done by this thread, and not by who queued it.
 */
static void Occupy(PVOID Context)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < 100; i++) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        (void)KeQueryTimeIncrement();
        KeLowerIrql(irql);
    }
}

/* A cancelled receive takes no bytes: what was sent comes, in order, in this one or the next. */
static void CancelOneReceive(PAIR *Pair, BUFFER *Out, BUFFER *In, ULONG Flags)
{
    CALL call;
    THREAD sends, cancels;
    SENDER sender = { Pair->Client, Out, BYTES / 3, 3, STATUS_SUCCESS };
    CANCELLER canceller = { 0 };
    SIZE_T have = 0, n = 0;

    (void)StartReceive(&call, Pair->Server, In, BYTES, Flags);
    canceller.Irp = call.Irp;
    ThreadStart(&sends, SendAll, &sender);
    ThreadStart(&cancels, Cancel, &canceller);
    ThreadJoin(&cancels);
    NTSTATUS status = CallWait(&call);
    ThreadJoin(&sends);
    have = call.Information;
    CallFree(&call);
    CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
    CHECK(status != STATUS_CANCELLED || (Flags & WSK_FLAG_WAITALL) || have == 0);
    CHECK_STATUS(sender.Status, STATUS_SUCCESS);
    while (have < BYTES) {
        CHECK(IsPattern(In->Data, have, 3, 0));
        CALL next;
        WSK_BUF buf = { In->Buf.Mdl, (ULONG)have, BYTES - have };
        PIRP irp = CallBegin(&next);
        status =
            CallEnd(&next, CONNECTION_OF(Pair->Server)->WskReceive(Pair->Server, &buf, 0, irp));
        CHECK_STATUS(status, STATUS_SUCCESS);
        n = next.Information;
        CHECK(n > 0);
        have += n;
    }
    CHECK(IsPattern(In->Data, BYTES, 3, 0));
}

TEST(cancel_receive, "WSK-RECV-09 D09")
{
    BUFFER *out = MakePattern(BYTES, 3), *in = MakeBuffer(BYTES);
    PAIR pair;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < ROUNDS && !TestFailed(); i++)
        CancelOneReceive(&pair, out, in, i == 1 ? WSK_FLAG_WAITALL : 0);
}

/* Of several queued receives one in the middle is cancelled; the others get the bytes in order. */
TEST(cancel_queued, "WSK-RECV-09 D30")
{
    enum { N = 4 };
    BUFFER *out = MakePattern(BYTES, 3), *in[N];
    CALL call[N];
    PAIR pair;
    THREAD sends, cancels;
    SIZE_T at = 0;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    SENDER sender = { pair.Client, out, BYTES / 15, 15, STATUS_SUCCESS };
    for (ULONG i = 0; i < N; i++) {
        in[i] = MakeBuffer(100);
        (void)StartReceive(&call[i], pair.Server, in[i], 100, i & 1 ? WSK_FLAG_WAITALL : 0);
    }
    CANCELLER canceller = { .Irp = call[2].Irp };
    ThreadStart(&sends, SendAll, &sender);
    ThreadStart(&cancels, Cancel, &canceller);
    for (ULONG i = 0; i < N; i++) {
        NTSTATUS status = CallWait(&call[i]);
        SIZE_T n = call[i].Information;
        if (i == 2)
            ThreadJoin(&cancels);
        CallFree(&call[i]);
        CHECK(status == STATUS_SUCCESS || (i == 2 && status == STATUS_CANCELLED));
        CHECK(IsPattern(in[i]->Data, n, 3, at));
        at += n;
    }
    ThreadJoin(&sends);
    CHECK_STATUS(sender.Status, STATUS_SUCCESS);
}

/* Nothing comes: only the cancellation can end these, whenever it comes. */
TEST(cancel_idle, "WSK-IRP-04 D09")
{
    BUFFER *in = MakeBuffer(BYTES);
    PAIR pair;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2 * ROUNDS; i++) {
        CALL first, call;
        THREAD cancels;
        if (i % 4 == 1) /* then the other one has to wait in a queue */
            (void)StartReceive(&first, pair.Server, in, BYTES, WSK_FLAG_WAITALL);
        CANCELLER canceller = { .Irp = CallBegin(&call) };
        CHECK(call.Irp);
        ThreadStart(&cancels, Cancel, &canceller);
        if (i % 4 == 3)
            CallStarted(&call, LISTEN_OF(pair.Listener)
                                   ->WskAccept(pair.Listener, 0, NULL, NULL, NULL, NULL, call.Irp));
        else
            CallStarted(&call,
                        CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &in->Buf, 0, call.Irp));
        NTSTATUS status = CallWait(&call);
        ThreadJoin(&cancels);
        CallFree(&call);
        if (i % 4 == 1) {
            (void)IoCancelIrp(first.Irp);
            CHECK_STATUS(CallFinish(&first), STATUS_CANCELLED);
        }
        CHECK_STATUS(status, STATUS_CANCELLED);
    }
}

typedef struct _CONNECTOR {
    PWSK_SOCKET Socket;
    SOCKADDR_INET Address;
    NTSTATUS Status;
} CONNECTOR;

static void DoConnect(PVOID Context)
{
    CONNECTOR *c = Context;

    c->Status = Connect(c->Socket, &c->Address);
}

/* A connection is lost to no cancelled accept: it is given to that one or to the next. */
static void CancelOneAccept(PWSK_SOCKET Listener, CONNECTOR *Connector)
{
    CALL call;
    THREAD connects, cancels;
    PWSK_SOCKET accepted = NULL;

    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &Connector->Socket), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Connector->Socket, AF_INET, NULL), STATUS_SUCCESS);
    (void)StartAccept(&call, Listener, NULL, NULL);
    CANCELLER canceller = { .Irp = call.Irp };
    ThreadStart(&connects, DoConnect, Connector);
    ThreadStart(&cancels, Cancel, &canceller);
    ThreadJoin(&cancels);
    NTSTATUS status = CallWait(&call);
    if (status == STATUS_SUCCESS)
        accepted = (PWSK_SOCKET)call.Information;
    CallFree(&call);
    ThreadJoin(&connects);
    CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
    CHECK_STATUS(Connector->Status, STATUS_SUCCESS);
    if (!accepted)
        CHECK_STATUS(Accept(Listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Close(accepted), STATUS_SUCCESS);
    CHECK_STATUS(Close(Connector->Socket), STATUS_SUCCESS);
}

TEST(cancel_accept, "WSK-ACC-05 D09")
{
    CONNECTOR connector;
    PWSK_SOCKET listener;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &connector.Address), STATUS_SUCCESS);
    for (ULONG i = 0; i < ROUNDS && !TestFailed(); i++)
        CancelOneAccept(listener, &connector);
}

TEST(cancel_connect, "WSK-CONN-07 D08")
{
    CONNECTOR connector;
    PWSK_SOCKET listener;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &connector.Address), STATUS_SUCCESS);
    for (ULONG i = 0; i < ROUNDS; i++) {
        CALL call;
        THREAD cancels;
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &connector.Socket), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(connector.Socket, AF_INET, NULL), STATUS_SUCCESS);
        (void)StartConnect(&call, connector.Socket, &connector.Address);
        CANCELLER canceller = { .Irp = call.Irp };
        ThreadStart(&cancels, Cancel, &canceller);
        ThreadJoin(&cancels);
        NTSTATUS status = CallFinish(&call);
        CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
        CHECK_STATUS(Close(connector.Socket), STATUS_SUCCESS);
    }
}

/* ---- close ----------------------------------------------------------------------------------- */

/* A close ends what is pending, whatever comes from the network meanwhile. */
TEST(close_pending, "WSK-CLOSE-02 WSK-CLOSE-04")
{
    BUFFER *out = MakePattern(BYTES, 3), *in = MakeBuffer(BYTES), *in2 = MakeBuffer(BYTES);

    for (ULONG i = 0; i < ROUNDS; i++) {
        PAIR pair;
        CALL receive, second, close;
        THREAD sends;
        CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
        SENDER sender = { pair.Client, out, BYTES / 3, 3, STATUS_SUCCESS };
        (void)StartReceive(&receive, pair.Server, in, BYTES, i == 1 ? WSK_FLAG_WAITALL : 0);
        (void)StartReceive(&second, pair.Server, in2, BYTES, 0);
        ThreadStart(&sends, SendAll, &sender);
        (void)StartClose(&close, pair.Server);
        CHECK_STATUS(CallFinish(&close), STATUS_SUCCESS);
        CHECK(CallIsDone(&receive) && CallIsDone(&second));
        NTSTATUS status = CallFinish(&receive);
        CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
        status = CallFinish(&second);
        CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
        ThreadJoin(&sends);
        CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
        CHECK_STATUS(Close(pair.Listener), STATUS_SUCCESS);
    }
}

/*
 * What was called before the close is complete before it is, also what the subsystem could have
 * completed in the call and put off instead.
 */
TEST(close_behind_calls, "WSK-CLOSE-02 WSK-CLOSE-04")
{
    for (ULONG i = 0; i < 2 * ROUNDS; i++) {
        PAIR pair;
        CALL call, close;
        SOCKADDR_INET address;
        CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
        PIRP irp = CallBegin(&call);
        CallStarted(
            &call,
            CONNECTION_OF(pair.Client)->WskGetLocalAddress(pair.Client, (PSOCKADDR)&address, irp));
        (void)StartClose(&close, pair.Client);
        NTSTATUS closed = CallFinish(&close);
        BOOLEAN first = CallIsDone(&call);
        CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
        CHECK(first);
        CHECK_STATUS(closed, STATUS_SUCCESS);
        CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
        CHECK_STATUS(Close(pair.Listener), STATUS_SUCCESS);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static struct {
    LONG Closed; /* no callback may come any more */
    LONG Inside, Late, Bad;
    LONG Enabled;
    ULONG Bytes;
    BOOLEAN Retain, Refuse;
    PWSK_SOCKET Socket;
    PWSK_DATA_INDICATION Kept[64];
    LONG KeptCount, Told;
    KEVENT Ready; /* one more is kept */
    COUNTER Seen;
} Ev;

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Indicated, SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Accepted);
    if (InterlockedIncrement(&Ev.Inside) != 1)
        InterlockedIncrement(&Ev.Bad); /* two at once */
    if (InterlockedCompareExchange(&Ev.Closed, 0, 0))
        InterlockedIncrement(&Ev.Late);
    if (Ev.Refuse) {
        InterlockedDecrement(&Ev.Inside);
        (void)CounterAdd(&Ev.Seen);
        return STATUS_DATA_NOT_ACCEPTED;
    }
    SIZE_T at = Ev.Bytes;
    for (PWSK_DATA_INDICATION d = Data; d; d = d->Next) {
        PUCHAR p = MmGetSystemAddressForMdlSafe(d->Buffer.Mdl, NormalPagePriority);
        if (!IsPattern(p + d->Buffer.Offset, d->Buffer.Length, 3, at))
            InterlockedIncrement(&Ev.Bad);
        at += d->Buffer.Length;
    }
    Ev.Bytes = (ULONG)at;
    NTSTATUS status = STATUS_SUCCESS;
    if (Ev.Retain && Data && Ev.KeptCount < 64) {
        InterlockedExchangePointer((PVOID *)&Ev.Kept[Ev.KeptCount++], Data);
        (void)KeSetEvent(&Ev.Ready, IO_NO_INCREMENT, FALSE);
        status = STATUS_PENDING;
    }
    InterlockedDecrement(&Ev.Inside);
    (void)CounterAddMany(&Ev.Seen, (LONG)Indicated);
    return status;
}

static NTSTATUS WSKAPI OnDisconnect(PVOID Context, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    if (InterlockedIncrement(&Ev.Told) != 1)
        InterlockedIncrement(&Ev.Bad);
    if (InterlockedCompareExchange(&Ev.Closed, 0, 0))
        InterlockedIncrement(&Ev.Late);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH EventTable = { OnReceive, OnDisconnect, NULL };

static NTSTATUS BeginEvents(PAIR *Pair, BOOLEAN Retain)
{
    RtlZeroMemory(&Ev, sizeof(Ev));
    CounterInit(&Ev.Seen);
    KeInitializeEvent(&Ev.Ready, SynchronizationEvent, FALSE);
    Ev.Retain = Retain;
    NTSTATUS status = MakePair(AF_INET, NULL, NULL, NULL, &EventTable, Pair);
    Ev.Socket = Pair->Server;
    if (NT_SUCCESS(status))
        status = Events(Pair->Server, WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT);
    return status;
}

static NTSTATUS Disable(PWSK_SOCKET Socket, ULONG Mask)
{
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, Mask | WSK_EVENT_DISABLE };
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, BASIC_OF(Socket)->WskControlSocket(
                              Socket, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET,
                              sizeof(control), &control, 0, NULL, NULL, irp));
}

/* When a disable is complete, no call runs and none begins. */
TEST(disable_receive, "WSK-EVT-08 WSK-EVT-09 D79")
{
    BUFFER *out = MakePattern(BYTES, 3);
    PAIR pair;
    THREAD sends;

    CHECK_STATUS(BeginEvents(&pair, FALSE), STATUS_SUCCESS);
    SENDER sender = { pair.Client, out, BYTES / 20, 20, STATUS_SUCCESS };
    ThreadStart(&sends, SendAll, &sender);
    for (ULONG i = 0; i < 3 * ROUNDS; i++) {
        CHECK_STATUS(Disable(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
        InterlockedExchange(&Ev.Closed, 1);
        CHECK_EQ(Ev.Inside, 0);
        (void)KeQueryTimeIncrement();
        InterlockedExchange(&Ev.Closed, 0);
        CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    }
    ThreadJoin(&sends);
    CHECK(CounterWait(&Ev.Seen, BYTES));
    CHECK_STATUS(Disable(pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_EQ(Ev.Bytes, BYTES);
    CHECK_EQ(Ev.Bad, 0);
    CHECK_EQ(Ev.Late, 0);
}

/* Each message waits for an event that was turned off and on again: none may be missed. */
TEST(enable_each, "WSK-EVT-08 D17 D79")
{
    enum { PART = BYTES / (6 * ROUNDS) };
    BUFFER *out = MakePattern(BYTES, 3);
    PAIR pair;
    THREAD sends;

    CHECK_STATUS(BeginEvents(&pair, FALSE), STATUS_SUCCESS);
    for (ULONG i = 0; i < 6 * ROUNDS; i++) {
        SENDER sender = { pair.Client, out, PART, 1, STATUS_SUCCESS };
        sender.First = i * PART;
        ThreadStart(&sends, SendAll, &sender);
        NTSTATUS disabled = Disable(pair.Server, WSK_EVENT_RECEIVE);
        NTSTATUS enabled = Events(pair.Server, WSK_EVENT_RECEIVE);
        BOOLEAN seen = CounterWait(&Ev.Seen, (LONG)(i + 1) * PART);
        ThreadJoin(&sends);
        CHECK_STATUS(disabled, STATUS_SUCCESS);
        CHECK_STATUS(enabled, STATUS_SUCCESS);
        CHECK(seen);
    }
    CHECK_EQ(Ev.Bytes, 6 * ROUNDS * PART);
    CHECK_EQ(Ev.Bad, 0);
}

/* What a callback refuses is there for receives, each of which comes as the one before ends. */
TEST(serve_held, "WSK-RCVE-07 WSK-RECV-10 D17")
{
    enum { PART = BYTES / 24 };
    BUFFER *out = MakePattern(BYTES, 3), *in = MakeBuffer(BYTES);
    PAIR pair;
    THREAD sends, busy[2];

    CHECK_STATUS(BeginEvents(&pair, FALSE), STATUS_SUCCESS);
    Ev.Refuse = TRUE;
    SENDER sender = { pair.Client, out, BYTES / 3, 3, STATUS_SUCCESS, 0 };
    ThreadStart(&sends, SendAll, &sender);
    BOOLEAN seen = CounterWait(&Ev.Seen, 1);
    ThreadJoin(&sends);
    CHECK(seen);
    for (ULONG i = 0; i < 2; i++)
        ThreadStart(&busy[i], Occupy, NULL);
    SIZE_T at = 0;
    while (at < BYTES) {
        CALL call;
        WSK_BUF buf = { in->Buf.Mdl, (ULONG)at, BYTES - at < PART ? BYTES - at : PART };
        PIRP irp = CallBegin(&call);
        NTSTATUS status =
            CallEnd(&call, CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &buf, 0, irp));
        if (status != STATUS_SUCCESS || call.Information == 0)
            break;
        at += call.Information;
    }
    for (ULONG i = 0; i < 2; i++)
        ThreadJoin(&busy[i]);
    CHECK_EQ(at, BYTES);
    CHECK(IsPattern(in->Data, BYTES, 3, 0));
    CHECK_EQ(Ev.Bad, 0);
}

/* After a close, nothing comes. */
TEST(close_against_event, "WSK-CLOSE-03")
{
    BUFFER *out = MakePattern(BYTES, 3);

    for (ULONG i = 0; i < ROUNDS; i++) {
        PAIR pair;
        THREAD sends;
        CHECK_STATUS(BeginEvents(&pair, FALSE), STATUS_SUCCESS);
        SENDER sender = { pair.Client, out, BYTES / 6, 6, STATUS_SUCCESS };
        ThreadStart(&sends, SendAll, &sender);
        CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
        InterlockedExchange(&Ev.Closed, 1);
        CHECK_EQ(Ev.Inside, 0);
        ThreadJoin(&sends);
        CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
        CHECK_STATUS(Close(pair.Listener), STATUS_SUCCESS);
        CHECK_EQ(Ev.Bad, 0);
        CHECK_EQ(Ev.Late, 0);
    }
}

static void ReleaseKept(PVOID Context)
{
    LONG released = 0;

    UNREFERENCED_PARAMETER(Context);
    for (LONG i = 0; i < 64 && released < BYTES; i++) {
        PWSK_DATA_INDICATION data;
        while ((data = InterlockedExchangePointer((PVOID *)&Ev.Kept[i], NULL)) == NULL)
            (void)KeWaitForSingleObject(&Ev.Ready, Executive, KernelMode, FALSE, NULL);
        for (PWSK_DATA_INDICATION d = data; d; d = d->Next)
            released += (LONG)d->Buffer.Length;
        if (CONNECTION_OF(Ev.Socket)->WskRelease(Ev.Socket, data) != STATUS_SUCCESS)
            InterlockedIncrement(&Ev.Bad);
    }
}

/* What one thread retains, another one releases, even before the callback has returned. */
TEST(release_against_indication, "D37 D38 WSK-RET-04")
{
    BUFFER *out = MakePattern(BYTES, 3);
    PAIR pair;
    THREAD sends, releases;

    CHECK_STATUS(BeginEvents(&pair, TRUE), STATUS_SUCCESS);
    SENDER sender = { pair.Client, out, BYTES / 6, 6, STATUS_SUCCESS };
    ThreadStart(&releases, ReleaseKept, NULL);
    ThreadStart(&sends, SendAll, &sender);
    ThreadJoin(&sends);
    CHECK(CounterWait(&Ev.Seen, BYTES));
    ThreadJoin(&releases);
    CHECK_EQ(Ev.Bad, 0);
}

/* The end of the stream is told once, behind its last byte. */
TEST(disconnect_told, "WSK-DEVT-01 D61")
{
    BUFFER *out = MakePattern(BYTES, 3);
    PAIR pair;

    CHECK_STATUS(BeginEvents(&pair, FALSE), STATUS_SUCCESS);
    SENDER sender = { pair.Client, out, BYTES / 6, 6, STATUS_SUCCESS };
    SendAll(&sender);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    for (ULONG i = 0; i < 10000 && !InterlockedCompareExchange(&Ev.Told, 0, 0); i++) {
        LARGE_INTEGER ms = { .QuadPart = -10000 };
        (void)KeDelayExecutionThread(KernelMode, FALSE, &ms);
    }
    CHECK_EQ(Ev.Told, 1);
    CHECK_EQ(Ev.Bytes, BYTES);
    CHECK_EQ(Ev.Bad, 0);
}

/* ---- accepting by event ---------------------------------------------------------------------- */

static struct {
    PWSK_SOCKET Accepted[16];
    COUNTER Count;
} Ac;

static NTSTATUS WSKAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                PWSK_SOCKET Socket, PVOID *SocketContext,
                                const WSK_CLIENT_CONNECTION_DISPATCH **Table)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    if (!Socket)
        return STATUS_REQUEST_NOT_ACCEPTED;
    *SocketContext = NULL;
    *Table = &EventTable;
    LONG n = CounterAdd(&Ac.Count);
    if (n > 16)
        return STATUS_REQUEST_NOT_ACCEPTED;
    Adopt(Socket);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_LISTEN_DISPATCH ListenTable = { OnAccept, NULL, NULL };

/* Peers come and go while the listener is closed. */
TEST(accept_against_close, "WSK-CLOSE-03 WSK-ACC-11 D24")
{
    CONNECTOR c[3];
    PWSK_SOCKET listener;
    THREAD t[3];
    SOCKADDR_INET address;

    RtlZeroMemory(&Ev, sizeof(Ev));
    CounterInit(&Ev.Seen);
    CounterInit(&Ac.Count);
    CHECK_STATUS(OpenListen(AF_INET, NULL, &ListenTable, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &address), STATUS_SUCCESS);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        c[i].Address = address;
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &c[i].Socket), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(c[i].Socket, AF_INET, NULL), STATUS_SUCCESS);
        ThreadStart(&t[i], DoConnect, &c[i]);
    }
    CHECK_STATUS(Close(listener), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++)
        ThreadJoin(&t[i]);
    CHECK_EQ(Ev.Bad, 0);
}

/* ---- nested completions, disconnect and the end of a client -----------------------------------
 */

typedef struct _NEST {
    PAIR Pair;
    PIRP Irp;
    BUFFER *Out;
    ULONG Left, Depth, Deepest;
    NTSTATUS Status;
    KEVENT Done;
} NEST;

static NTSTATUS NTAPI SendAgain(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    NEST *n = Context;

    UNREFERENCED_PARAMETER(Device);
    n->Status = Irp->IoStatus.Status;
    if (!NT_SUCCESS(n->Status) || n->Left == 0) {
        KeSetEvent(&n->Done, IO_NO_INCREMENT, FALSE);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    n->Left--;
    IoReuseIrp(Irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(Irp, SendAgain, n, TRUE, TRUE, TRUE);
    WSK_BUF buf = { n->Out->Buf.Mdl, 0, 10 };
    (void)CONNECTION_OF(n->Pair.Client)->WskSend(n->Pair.Client, &buf, 0, Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Sends that start the next one as they complete, deeper than completions may nest. */
TEST(nested_sends, "D13")
{
    NEST n = { .Out = MakePattern(BYTES, 3), .Left = 20 };
    BUFFER *in = MakeBuffer(200);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &n.Pair), STATUS_SUCCESS);
    KeInitializeEvent(&n.Done, NotificationEvent, FALSE);
    n.Irp = IoAllocateIrp(1, FALSE);
    CHECK(n.Irp);
    IoSetCompletionRoutine(n.Irp, SendAgain, &n, TRUE, TRUE, TRUE);
    WSK_BUF buf = { n.Out->Buf.Mdl, 0, 10 };
    (void)CONNECTION_OF(n.Pair.Client)->WskSend(n.Pair.Client, &buf, 0, n.Irp);
    BOOLEAN done = WaitFor(&n.Done);
    CHECK(done);
    CHECK_STATUS(n.Status, STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(n.Pair.Server, in, 200), STATUS_SUCCESS);
    IoFreeIrp(n.Irp);
}

TEST(abort_against_send, "WSK-DISC-08 D34")
{
    BUFFER *out = MakePattern(BYTES, 3), *in = MakeBuffer(BYTES);

    for (ULONG i = 0; i < ROUNDS; i++) {
        PAIR pair;
        CALL receive, abort;
        THREAD sends;
        CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
        SENDER sender = { pair.Client, out, BYTES / 3, 3, STATUS_SUCCESS };
        (void)StartReceive(&receive, pair.Client, in, BYTES, 0);
        ThreadStart(&sends, SendAll, &sender);
        (void)StartDisconnect(&abort, pair.Client, NULL, 0, WSK_FLAG_ABORTIVE);
        CHECK_STATUS(CallFinish(&abort), STATUS_SUCCESS);
        ThreadJoin(&sends);
        CHECK(!NT_SUCCESS(CallFinish(&receive)));
        CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
        CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
        CHECK_STATUS(Close(pair.Listener), STATUS_SUCCESS);
    }
}

/* ---- datagrams ------------------------------------------------------------------------------- */

typedef struct _DGRAMS {
    PWSK_SOCKET Socket;
    SOCKADDR_INET To;
    BUFFER *Out;
    NTSTATUS Status;
} DGRAMS;

static void SendThree(PVOID Context)
{
    DGRAMS *d = Context;

    for (ULONG i = 0; i < 3; i++)
        d->Status = SendTo(d->Socket, d->Out, 50 + i, &d->To, NULL);
}

TEST(cancel_datagram, "WSK-RFROM-09 D30")
{
    DGRAMS d = { .Out = MakePattern(100, 5) };
    PWSK_SOCKET receiver;
    BUFFER *in[3];
    CALL call[3];
    THREAD sends, cancels;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &d.Socket), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(d.Socket, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &receiver), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(receiver, AF_INET, &d.To), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        in[i] = MakeBuffer(100);
        PIRP irp = CallBegin(&call[i]);
        CallStarted(&call[i], DATAGRAM_OF(receiver)->WskReceiveFrom(receiver, &in[i]->Buf, 0, NULL,
                                                                    NULL, NULL, NULL, irp));
    }
    CANCELLER canceller = { .Irp = call[1].Irp };
    ThreadStart(&sends, SendThree, &d);
    ThreadStart(&cancels, Cancel, &canceller);
    ThreadJoin(&cancels);
    ThreadJoin(&sends);
    NTSTATUS closed = Close(receiver);
    for (ULONG i = 0; i < 3; i++) {
        CHECK(CallIsDone(&call[i]));
        NTSTATUS status = CallFinish(&call[i]);
        CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
        CHECK(status == STATUS_SUCCESS || call[i].Information == 0);
        CHECK(status != STATUS_SUCCESS ||
              (call[i].Information >= 50 && IsPattern(in[i]->Data, call[i].Information, 5, 0)));
    }
    CHECK_STATUS(closed, STATUS_SUCCESS);
}

/* ---- a client's end -------------------------------------------------------------------------- */

/* The deregistration that a test ends with waits for the last close, which runs at the same time.
 */
TEST(deregister_against_close, "WSK-UNLD-01 WSK-UNLD-02")
{
    for (ULONG i = 0; i < 2; i++) {
        WSK_REGISTRATION registration;
        static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
        WSK_CLIENT_NPI npi = { NULL, &dispatch };
        WSK_PROVIDER_NPI provider;
        CALL call, close;
        CHECK_STATUS(WskRegister(&npi, &registration), STATUS_SUCCESS);
        CHECK_STATUS(WskCaptureProviderNPI(&registration, WSK_INFINITE_WAIT, &provider),
                     STATUS_SUCCESS);
        PIRP irp = CallBegin(&call);
        NTSTATUS status =
            CallEnd(&call, provider.Dispatch->WskSocket(provider.Client, AF_INET, SOCK_DGRAM,
                                                        IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET, NULL,
                                                        NULL, NULL, NULL, NULL, irp));
        PWSK_SOCKET s = (PWSK_SOCKET)call.Information;
        if (NT_SUCCESS(status)) {
            irp = CallBegin(&close);
            CallStarted(&close, BASIC_OF(s)->WskCloseSocket(s, irp));
        }
        WskReleaseProviderNPI(&registration);
        WskDeregister(&registration);
        CHECK_STATUS(status, STATUS_SUCCESS);
        CHECK(CallIsDone(&close));
        CHECK_STATUS(CallFinish(&close), STATUS_SUCCESS);
    }
}

/* The build makes a driver of each test: -DONLY=ROW(name). */
TESTS(ONLY)
