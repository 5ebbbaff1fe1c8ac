/* accept.c: listening, WskAccept and WskAcceptEvent, on listen and stream sockets. */
#include "conformance.h"

typedef struct _SINK {
    COUNTER Calls;
    PWSK_SOCKET Sockets[64];
    SOCKADDR_INET Local[64], Remote[64];
    ULONG Flags;
    KIRQL Irql;
    LONG Nulls;
    NTSTATUS Answer;
    ULONG Mask; /* enable these on the accepted socket, inside the callback */
    NTSTATUS EnableStatus;
    PVOID Context;
    const WSK_CLIENT_CONNECTION_DISPATCH *Table;
    CALL *Receive, *Close; /* started inside the callback; not on a stack */
    BOOLEAN ClosedInside;
    BUFFER *In;
    BOOLEAN Gate; /* the callback does not return before Receive ended or Open is set */
    volatile LONG Open;
    LONG Inside, Overlaps;
} SINK;
static SINK Sink;

/* Of the accepted sockets. */
static COUNTER Received, Disconnected;
static LONG ReceivedInside; /* WskReceiveEvent ran before WskAcceptEvent had returned */
static volatile LONG InAccept;
static PVOID volatile SeenContext; /* of the last callback; another may be under way meanwhile */

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Indicated, SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Indicated);
    UNREFERENCED_PARAMETER(Accepted);
    WritePointerRelease(&SeenContext, Context);
    if (ReadAcquire(&InAccept))
        InterlockedIncrement(&ReceivedInside);
    CounterAdd(&Received);
    return STATUS_SUCCESS;
}

static NTSTATUS WSKAPI OnDisconnect(PVOID Context, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    WritePointerRelease(&SeenContext, Context);
    CounterAdd(&Disconnected);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH ConnectionTable = { OnReceive, OnDisconnect, NULL };

static NTSTATUS WSKAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                PWSK_SOCKET Socket, PVOID *SocketContext,
                                const WSK_CLIENT_CONNECTION_DISPATCH **Table)
{
    SINK *s = Context;
    LONG n = CounterValue(&s->Calls);
    BOOLEAN closes = FALSE;

    if (InterlockedIncrement(&s->Inside) != 1)
        s->Overlaps++;
    s->Irql = KeGetCurrentIrql();
    s->Flags = Flags;
    if (!Socket) {
        s->Nulls++;
        InterlockedDecrement(&s->Inside);
        CounterAdd(&s->Calls);
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    InterlockedExchange(&InAccept, 1);
    if (NT_SUCCESS(s->Answer))
        Adopt(Socket);
    s->Sockets[n] = Socket;
    SIZE_T size = Local->sa_family == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6);
    RtlCopyMemory(&s->Local[n], Local, size);
    RtlCopyMemory(&s->Remote[n], Remote, size);
    *SocketContext = s->Context;
    *Table = s->Table;
    if (MayUse()) {
        if (s->Mask)
            s->EnableStatus = Events(Socket, s->Mask);
        if (s->Receive)
            (void)StartReceive(s->Receive, Socket, s->In, s->In->Size, 0);
        closes = s->Close && Disown(Socket);
        if (closes)
            (void)StartClose(s->Close, Socket);
        Used();
    }
    for (ULONG i = 0; closes && i < 500 && !s->ClosedInside; i++) {
        KeStallExecutionProcessor(1); /* for the processor of the accepted socket */
        s->ClosedInside = CallIsDone(s->Close);
    }
    while (s->Gate && !ReadAcquire(&s->Open))
        YieldProcessor();
    NTSTATUS answer = s->Answer;
    InterlockedExchange(&InAccept, 0);
    InterlockedDecrement(&s->Inside);
    CounterAdd(&s->Calls);
    return answer;
}

static const WSK_CLIENT_LISTEN_DISPATCH ListenTable = { OnAccept, NULL, NULL };
static const WSK_CLIENT_STREAM_DISPATCH StreamTable = { &ListenTable, &ConnectionTable };

static void ResetSink(void)
{
    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    CounterInit(&Received);
    CounterInit(&Disconnected);
    ReceivedInside = 0;
    SeenContext = NULL;
}

/*
 * A test that tells the callback something enables its event afterwards, so that the callback has
 * seen it. Mask 0: no event yet.
 */
static BOOLEAN Begin(ADDRESS_FAMILY Family, ULONG Mask, PWSK_SOCKET *Listener,
                     SOCKADDR_INET *Address)
{
    ResetSink();
    NTSTATUS status = OpenListen(Family, &Sink, &ListenTable, Listener);
    if (NT_SUCCESS(status))
        status = BindLoopback(*Listener, Family, Address);
    if (NT_SUCCESS(status) && Mask)
        status = Events(*Listener, Mask);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "no listener: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

static BOOLEAN Dial(const SOCKADDR_INET *To, PWSK_SOCKET *Socket)
{
    NTSTATUS status = OpenConnection(To->si_family, NULL, NULL, Socket);

    if (NT_SUCCESS(status))
        status = BindLoopback(*Socket, To->si_family, NULL);
    if (NT_SUCCESS(status))
        status = Connect(*Socket, To);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "cannot connect: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

/* ---- WskAccept --------------------------------------------------------------------------- */

TEST(waiting_connection, "WSK-ACC-01 WSK-CAT-03 WSK-CAT-09 D24")
{
    PWSK_SOCKET listener, client[3], accepted[3];
    SOCKADDR_INET address, local, remote;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    for (ULONG i = 0; i < 3; i++) /* nobody asks for them: they wait */
        if (!Dial(&address, &client[i]))
            return;
    for (ULONG i = 0; i < 3; i++) { /* in order */
        CHECK_STATUS(Accept(listener, NULL, NULL, &accepted[i]), STATUS_SUCCESS);
        CHECK(accepted[i] != NULL);
        CHECK(accepted[i]->Dispatch == client[i]->Dispatch);
        CHECK_STATUS(LocalAddressOf(client[i], &local), STATUS_SUCCESS);
        CALL call;
        PIRP irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(accepted[i])
                               ->WskGetRemoteAddress(accepted[i], (PSOCKADDR)&remote, irp)),
            STATUS_SUCCESS);
        CHECK_EQ(PortOf(&remote), PortOf(&local));
    }
}

TEST(pends_for_the_next, "WSK-ACC-02 D30")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL calls[3];

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS(StartAccept(&calls[i], listener, NULL, NULL), STATUS_PENDING);
    for (ULONG i = 0; i < 3; i++) {
        if (!Dial(&address, &client))
            return;
        CHECK_STATUS(CallWait(&calls[i]), STATUS_SUCCESS);
        CHECK(calls[i].Information != 0);
        if (i < 2)
            CHECK(!CallIsDone(&calls[i + 1]));
        CallFree(&calls[i]);
    }
}

TEST(addresses, "WSK-ACC-04 WSK-ACC-05 WSK-ADDR-07 D76")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < 2; f++) {
        SIZE_T size = f ? sizeof(SOCKADDR_IN6) : sizeof(SOCKADDR_IN);
        PWSK_SOCKET listener, client;
        SOCKADDR_INET address, from;
        static union {
            SOCKADDR_INET Address;
            UCHAR Bytes[64];
        } local, remote; /* a failed test leaves its requests behind */
        if (!Begin(families[f], 0, &listener, &address))
            return;
        for (ULONG pend = 0; pend < 2; pend++) {
            CALL call;
            RtlFillMemory(&local, sizeof(local), 0xee);
            RtlFillMemory(&remote, sizeof(remote), 0xee);
            if (!pend && !Dial(&address, &client))
                return;
            PIRP irp = CallBeginSocket(&call);
            CallStarted(&call,
                        LISTEN_OF(listener)->WskAccept(listener, 0, NULL, NULL, (PSOCKADDR)&local,
                                                       (PSOCKADDR)&remote, irp));
            if (pend && !Dial(&address, &client))
                return;
            CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
            CHECK_STATUS(LocalAddressOf(client, &from), STATUS_SUCCESS);
            CHECK_EQ(local.Address.si_family, families[f]);
            CHECK(RtlCompareMemory(&local, &address, size) == size);
            CHECK(RtlCompareMemory(&remote, &from, size) == size);
            CHECK_EQ(local.Bytes[size], 0xee); /* exactly the family's size */
            CHECK_EQ(remote.Bytes[size], 0xee);
        }
        /* one of the two only */
        CALL call;
        RtlFillMemory(&remote, sizeof(remote), 0xee);
        PIRP irp = CallBeginSocket(&call);
        CallStarted(&call, LISTEN_OF(listener)->WskAccept(listener, 0, NULL, NULL, NULL,
                                                          (PSOCKADDR)&remote, irp));
        if (!Dial(&address, &client))
            return;
        CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
        CHECK_EQ(remote.Address.si_family, families[f]);
    }
}

TEST(accepted_by_request, "WSK-ACC-06 WSK-EVT-13 WSK-SOCK-06")
{
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET address;
    BUFFER *out = MakePattern(10, 1);
    int context;

    /* The preset for accepted sockets holds for WskAcceptEvent only. */
    if (!Begin(AF_INET, WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT, &listener, &address) ||
        !Dial(&address, &client))
        return;
    CHECK_STATUS(Accept(listener, &context, &ConnectionTable, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Received), 0);
    CHECK_STATUS(Events(accepted, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK(CounterWait(&Received, 1));
    CHECK(ReadPointerAcquire(&SeenContext) == &context);
    CHECK_STATUS(Close(accepted), STATUS_SUCCESS);
    CHECK_EQ(CounterValue(&Disconnected), 0);
}

TEST(cancelled, "D08 D09 D06")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL first, second;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    CHECK_STATUS(StartAccept(&first, listener, NULL, NULL), STATUS_PENDING);
    CHECK_STATUS(StartAccept(&second, listener, NULL, NULL), STATUS_PENDING);
    CHECK(IoCancelIrp(first.Irp));
    CHECK_STATUS(CallFinish(&first), STATUS_CANCELLED);
    CHECK_EQ(first.Information, 0);
    if (!Dial(&address, &client))
        return;
    CHECK_STATUS(CallFinish(&second), STATUS_SUCCESS);
}

TEST(close_with_pending_accepts, "WSK-CLOSE-02 WSK-CLOSE-04 D10 D24")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL calls[3];
    BUFFER *in = MakeBuffer(10);

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS(StartAccept(&calls[i], listener, NULL, NULL), STATUS_PENDING);
    CHECK_STATUS(Close(listener), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        CHECK(CallIsDone(&calls[i]));
        CHECK_STATUS(CallFinish(&calls[i]), STATUS_CANCELLED);
        CHECK_EQ(calls[i].Information, 0);
    }
    /* What nobody took is reset, whether it lies with the host or with us. */
    for (ULONG event = 0; event < 2; event++) {
        if (!Begin(AF_INET, event ? WSK_EVENT_ACCEPT : 0, &listener, &address))
            return;
        if (event) /* now connections are fetched, and then there is nobody to give them to */
            CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT | WSK_EVENT_DISABLE), STATUS_SUCCESS);
        if (!Dial(&address, &client))
            return;
        CHECK_STATUS(Close(listener), STATUS_SUCCESS);
        CHECK_STATUS(Receive(client, in, 10, 0, NULL), STATUS_CONNECTION_RESET);
    }
}

TEST(inherited_options, "WSK-ACC-16 WSK-OPT-09 WSK-OPT-10 D58")
{
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET address;
    ULONG value = 1, size = 100000;
    SIZE_T n;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), STATUS_SUCCESS);
    if (!Dial(&address, &client))
        return;
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    value = 0;
    size = 0;
    CHECK_STATUS(GetOption(accepted, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 1);
    CHECK_STATUS(GetOption(accepted, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(size, 100000);
    value = 0;
    size = 50000;
    CHECK_STATUS(SetOption(accepted, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SetOption(accepted, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), STATUS_SUCCESS);
    value = 1;
    CHECK_STATUS(GetOption(accepted, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 0);
    CHECK_STATUS(GetOption(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(size, 100000);
}

/* ---- WskAcceptEvent ---------------------------------------------------------------------- */

TEST(by_event, "WSK-ACC-09 WSK-ACC-10 WSK-ACC-13 WSK-ACC-15 D14")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < 2; f++) {
        PWSK_SOCKET listener, client[4];
        SOCKADDR_INET address, from;
        BUFFER *out = MakePattern(10, 1);
        int context;
        if (!Begin(families[f], 0, &listener, &address))
            return;
        Sink.Context = &context;
        Sink.Table = &ConnectionTable;
        CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
        for (LONG i = 0; i < 4; i++) {
            if (!Dial(&address, &client[i]))
                return;
            CHECK(CounterWait(&Sink.Calls, i + 1));
            CHECK(Sink.Sockets[i] != NULL);
            CHECK(Sink.Sockets[i]->Dispatch == client[i]->Dispatch);
            CHECK_STATUS(LocalAddressOf(client[i], &from), STATUS_SUCCESS);
            CHECK_EQ(Sink.Local[i].si_family, families[f]);
            CHECK_EQ(PortOf(&Sink.Local[i]), PortOf(&address));
            CHECK_EQ(PortOf(&Sink.Remote[i]), PortOf(&from));
            CHECK(!(Sink.Flags & WSK_FLAG_AT_DISPATCH_LEVEL) || Sink.Irql == DISPATCH_LEVEL);
            CHECK(Sink.Irql <= DISPATCH_LEVEL);
        }
        CHECK_EQ(Sink.Overlaps, 0);
        /* Its own events are off until the client turns them on. */
        CHECK_STATUS(Send(client[0], out, 10, 0, NULL), STATUS_SUCCESS);
        Settle();
        CHECK_EQ(CounterValue(&Received), 0);
        CHECK_STATUS(Events(Sink.Sockets[0], WSK_EVENT_RECEIVE), STATUS_SUCCESS);
        CHECK(CounterWait(&Received, 1));
        CHECK(ReadPointerAcquire(&SeenContext) == &context);
        for (ULONG i = 0; i < 4; i++)
            (void)Close(Sink.Sockets[i]);
    }
}

TEST(not_accepted, "WSK-ACC-11")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    BUFFER *in = MakeBuffer(10);

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    Sink.Answer = STATUS_REQUEST_NOT_ACCEPTED;
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    for (LONG i = 0; i < 3; i++) {
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
        NTSTATUS status = Connect(client, &address);
        CHECK(CounterWait(&Sink.Calls, i + 1));
        if (status == STATUS_SUCCESS) /* or the reset was faster */
            status = Receive(client, in, 10, 0, NULL);
        CHECK_STATUS(status, STATUS_CONNECTION_RESET);
    }
}

TEST(presets, "WSK-ACC-14 WSK-EVT-03 WSK-EVT-12")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    BUFFER *out = MakePattern(10, 1);
    int context;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    Sink.Context = &context;
    Sink.Table = &ConnectionTable;
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT),
                 STATUS_SUCCESS);
    if (!Dial(&address, &client))
        return;
    CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Received, 1));
    CHECK(ReadPointerAcquire(&SeenContext) == &context);
    CHECK_STATUS(Disconnect(client, 0), STATUS_SUCCESS);
    CHECK(CounterWait(&Disconnected, 1));
    CHECK(CounterWait(&Sink.Calls, 1));
    /* They survive WSK_EVENT_ACCEPT going off and on. */
    CHECK_STATUS(EventOff(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    if (!Dial(&address, &client))
        return;
    CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Received, 2));
    CHECK(CounterWait(&Sink.Calls, 2));
}

TEST(enabled_inside_the_callback, "D23 WSK-ACC-10")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    BUFFER *out = MakePattern(10, 1);
    int context;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    Sink.Context = &context;
    Sink.Table = &ConnectionTable;
    Sink.Mask = WSK_EVENT_RECEIVE;
    Sink.Gate = TRUE;
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    BOOLEAN dialled = Dial(&address, &client);
    /* Data arrives while the callback still runs: its indication waits. */
    NTSTATUS sent = dialled ? Send(client, out, 10, 0, NULL) : STATUS_UNSUCCESSFUL;
    InterlockedExchange(&Sink.Open, 1);
    CHECK_STATUS(sent, STATUS_SUCCESS);
    CHECK(CounterWait(&Received, 1));
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_STATUS(Sink.EnableStatus, STATUS_SUCCESS);
    CHECK_EQ(ReceivedInside, 0);
    CHECK(ReadPointerAcquire(&SeenContext) == &context);
}

/* What the table then turns out not to have is off again: D19 for an enable that was too early. */
TEST(enabled_without_a_callback, "D19 D23")
{
    static const WSK_CLIENT_CONNECTION_DISPATCH table = { NULL, OnDisconnect, NULL };
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);
    SIZE_T received = 0;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    Sink.Table = &table;
    Sink.Mask = WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT;
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    if (!Dial(&address, &client))
        return;
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_STATUS(Sink.EnableStatus, STATUS_SUCCESS);
    CHECK(Sink.Sockets[0] != NULL);
    CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Receive(Sink.Sockets[0], in, 10, WSK_FLAG_WAITALL, &received), STATUS_SUCCESS);
    CHECK_EQ(received, 10);
    CHECK_STATUS(Disconnect(client, 0), STATUS_SUCCESS);
    CHECK(CounterWait(&Disconnected, 1));
}

TEST(used_inside_the_callback, "D23 WSK-EVT-27 WSK-ACC-10")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    static CALL receive;
    BUFFER *out = MakePattern(10, 1);

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    Sink.Receive = &receive;
    Sink.In = MakeBuffer(10);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    if (!Dial(&address, &client))
        return;
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK(Sink.Sockets[0] != NULL);
    CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&receive), STATUS_SUCCESS);
    CHECK_EQ(receive.Information, 10);
}

/* Allowed, but the close ends only when the callback has returned, whatever processor it lies on.
 */
TEST(closed_inside_the_callback, "D77 WSK-CLOSE-03 WSK-ACC-10")
{
    for (ULONG i = 0; i < 4; i++) {
        PWSK_SOCKET listener, client, other;
        SOCKADDR_INET address;
        static CALL close;

        if (!Begin(AF_INET, 0, &listener, &address))
            return;
        Sink.Close = &close;
        for (ULONG k = 0; k < i; k++) /* sockets are spread over the processors in turn */
            CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &other), STATUS_SUCCESS);
        CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
        (void)Connect(client, &address); /* the reset may be faster */
        CHECK(CounterWait(&Sink.Calls, 1));
        CHECK_STATUS(CallFinish(&close), STATUS_SUCCESS);
        CHECK(!Sink.ClosedInside);
    }
}

TEST(requests_come_first, "WSK-ACC-07 WSK-ACC-08")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL before, after;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    CHECK_STATUS(StartAccept(&before, listener, NULL, NULL), STATUS_PENDING);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(StartAccept(&after, listener, NULL, NULL), STATUS_PENDING);
    for (ULONG i = 0; i < 3; i++)
        if (!Dial(&address, &client))
            return;
    CHECK_STATUS(CallFinish(&before), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&after), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Calls, 1)); /* the third */
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 1);
}

TEST(waiting_ones_when_enabled, "D24 WSK-EVT-17")
{
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET address;

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    for (ULONG i = 0; i < 3; i++)
        if (!Dial(&address, &client))
            return;
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Calls, 3));
    /* Off again: connections wait for a request. */
    NTSTATUS status = Events(listener, WSK_EVENT_ACCEPT | WSK_EVENT_DISABLE);
    CHECK(status == STATUS_SUCCESS || status == STATUS_EVENT_PENDING);
    for (ULONG i = 0; i < 2; i++)
        if (!Dial(&address, &client))
            return;
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 3);
    for (ULONG i = 0; i < 2; i++)
        CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
}

TEST(dead_listener, "WSK-ACC-03 WSK-ACC-12 WSK-CLOSE-09 D62")
{
    PWSK_SOCKET listener;
    SOCKADDR_INET address;
    CALL call;

    if (!Begin(AF_INET, WSK_EVENT_ACCEPT, &listener, &address))
        return;
    if (!NT_SUCCESS(LoseSocket(listener))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_EQ(Sink.Nulls, 1);
    (void)StartAccept(&call, listener, NULL, NULL);
    CHECK_STATUS(CallFinish(&call), STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(call.Information, 0);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 1);
    CHECK_STATUS(Close(listener), STATUS_SUCCESS);
    CHECK_EQ(CounterValue(&Sink.Calls), 1);
}

/* ---- stream sockets ---------------------------------------------------------------------- */

static NTSTATUS Listen(PWSK_SOCKET Socket)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, STREAM_OF(Socket)->WskListen(Socket, irp));
}

TEST(stream_listens,
     "WSK-LSN-01 WSK-LSN-02 WSK-LSN-04 WSK-CAT-04 WSK-CAT-05 WSK-BIND-10 WSK-ACC-01 D22 D34")
{
    PWSK_SOCKET stream, client, accepted;
    SOCKADDR_INET address, other;
    CALL call;
    BUFFER *out = MakePattern(10, 1);

    ResetSink();
    CHECK_STATUS(OpenStream(AF_INET, &Sink, &StreamTable, &stream), STATUS_SUCCESS);
    CHECK_STATUS(Listen(stream), STATUS_INVALID_DEVICE_STATE); /* not bound */
    CHECK_STATUS(BindLoopback(stream, AF_INET, &address), STATUS_SUCCESS);
    (void)StartAccept(&call, stream, NULL, NULL);
    CHECK_STATUS(CallFinish(&call), STATUS_INVALID_DEVICE_STATE);
    /* Bound is not listening: nobody answers there. */
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(client, &address), STATUS_CONNECTION_REFUSED);
    CHECK_STATUS(Listen(stream), STATUS_SUCCESS); /* without waiting for a connection */
    CHECK_STATUS(Connect(client, &address), STATUS_SUCCESS);
    CHECK_STATUS(Accept(stream, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK(accepted->Dispatch == client->Dispatch);
    /* It is a listener now and no connection. */
    CHECK_STATUS(Listen(stream), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Connect(stream, Loopback(AF_INET, PortOf(&address), &other) ? &other : NULL),
                 STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Send(stream, out, 10, 0, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Receive(stream, out, 10, 0, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Disconnect(stream, 0), STATUS_INVALID_DEVICE_STATE);
    /* and by event */
    CHECK_STATUS(Events(stream, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    if (!Dial(&address, &client))
        return;
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK(Sink.Sockets[0] != NULL);
    CHECK(Sink.Sockets[0]->Dispatch == client->Dispatch);
}

TEST(stream_connects, "WSK-CAT-06 WSK-BIND-10 WSK-CONN-04 WSK-SOCK-14 D34")
{
    PWSK_SOCKET listener, stream, accepted;
    SOCKADDR_INET address;
    CALL call;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);

    if (!Begin(AF_INET, 0, &listener, &address))
        return;
    CHECK_STATUS(OpenStream(AF_INET, &Sink, &StreamTable, &stream), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(stream, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(stream, &address), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Send(stream, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(accepted, in, 10), STATUS_SUCCESS);
    CHECK_STATUS(Send(accepted, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(stream, in, 10), STATUS_SUCCESS);
    CHECK_STATUS(Events(stream, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(accepted, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Received, 1));
    CHECK(ReadPointerAcquire(&SeenContext) == &Sink);
    CHECK_STATUS(Listen(stream), STATUS_INVALID_DEVICE_STATE);
    (void)StartAccept(&call, stream, NULL, NULL);
    CHECK_STATUS(CallFinish(&call), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Disconnect(stream, 0), STATUS_SUCCESS);
}

TEST(dead_stream, "WSK-LSN-03 D62")
{
    PWSK_SOCKET stream;

    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &stream), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(stream, AF_INET, NULL), STATUS_SUCCESS);
    if (!NT_SUCCESS(LoseSocket(stream))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK_STATUS(Listen(stream), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Close(stream), STATUS_SUCCESS);
}

TEST(unbound_listener, "WSK-ACC-17 WSK-ACC-18 D34 D35")
{
    PWSK_SOCKET listener;
    CALL call;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    (void)StartAccept(&call, listener, NULL, NULL);
    CHECK_STATUS(CallFinish(&call), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(BindLoopback(listener, AF_INET, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, LISTEN_OF(listener)->WskAccept(listener, 1, NULL, NULL, NULL, NULL, irp)),
        STATUS_INVALID_PARAMETER);
}

TESTS(ROW(waiting_connection) ROW(pends_for_the_next) ROW(addresses) ROW(accepted_by_request)
          ROW(cancelled) ROW(close_with_pending_accepts) ROW(inherited_options) ROW(by_event)
              ROW(not_accepted) ROW(presets) ROW(enabled_inside_the_callback)
                  ROW(enabled_without_a_callback) ROW(used_inside_the_callback)
                      ROW(closed_inside_the_callback) ROW(requests_come_first)
                          ROW(waiting_ones_when_enabled) ROW(dead_listener) ROW(stream_listens)
                              ROW(stream_connects) ROW(dead_stream) ROW(unbound_listener))
