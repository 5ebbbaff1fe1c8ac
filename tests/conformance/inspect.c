/* inspect.c: conditional accept: WskInspectEvent, WskInspectComplete and WskAbortEvent. */
#include "conformance.h"

typedef struct _SINK {
    COUNTER Inspects, Aborts, Accepts;
    WSK_INSPECT_ID Ids[32], AbortIds[32];
    SOCKADDR_INET Local, Remote;
    volatile LONG Action; /* a WSK_INSPECT_ACTION */
    LONG NullInspects, NullAccepts;
    KIRQL Irql;
    PWSK_SOCKET Sockets[32];
    PWSK_SOCKET Listener;
    CALL
        *CompleteInside; /* WskInspectComplete is called from within the callback; not on a stack */
    WSK_INSPECT_ACTION InsideAction;
    BOOLEAN Gate; /* the callback does not return before Opened is set */
    volatile LONG Opened;
    COUNTER Entered;
} SINK;
static SINK Sink;

static WSK_INSPECT_ACTION WSKAPI OnInspect(PVOID Context, PSOCKADDR Local, PSOCKADDR Remote,
                                           PWSK_INSPECT_ID Id)
{
    SINK *s = Context;

    s->Irql = KeGetCurrentIrql();
    if (!Id) {
        s->NullInspects++;
        CounterAdd(&s->Inspects);
        return WskInspectReject;
    }
    s->Ids[CounterValue(&s->Inspects)] = *Id;
    RtlCopyMemory(&s->Local, Local, sizeof(SOCKADDR_IN));
    RtlCopyMemory(&s->Remote, Remote, sizeof(SOCKADDR_IN));
    if (s->CompleteInside && MayUse()) {
        PIRP irp = CallBegin(s->CompleteInside);
        WSK_INSPECT_ID copy = *Id;
        CallStarted(
            s->CompleteInside,
            LISTEN_OF(s->Listener)->WskInspectComplete(s->Listener, &copy, s->InsideAction, irp));
        Used();
    }
    WSK_INSPECT_ACTION action = (WSK_INSPECT_ACTION)ReadAcquire(&s->Action);
    CounterAdd(&s->Entered);
    while (s->Gate && !ReadAcquire(&s->Opened))
        YieldProcessor();
    CounterAdd(&s->Inspects);
    return action;
}

static NTSTATUS WSKAPI OnAbort(PVOID Context, PWSK_INSPECT_ID Id)
{
    SINK *s = Context;

    s->AbortIds[CounterValue(&s->Aborts)] = *Id;
    CounterAdd(&s->Aborts);
    return STATUS_SUCCESS;
}

static NTSTATUS WSKAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                PWSK_SOCKET Socket, PVOID *SocketContext,
                                const WSK_CLIENT_CONNECTION_DISPATCH **Table)
{
    SINK *s = Context;
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);

    if (!Socket) {
        s->NullAccepts++;
        CounterAdd(&s->Accepts);
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    Adopt(Socket);
    s->Sockets[CounterValue(&s->Accepts)] = Socket;
    *SocketContext = NULL;
    *Table = NULL;
    CounterAdd(&s->Accepts);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_LISTEN_DISPATCH Table = { OnAccept, OnInspect, OnAbort };

static BOOLEAN Begin(BOOLEAN Conditional, ULONG Mask, WSK_INSPECT_ACTION Action,
                     PWSK_SOCKET *Listener, SOCKADDR_INET *Address)
{
    ULONG on = 1;

    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Inspects);
    CounterInit(&Sink.Aborts);
    CounterInit(&Sink.Accepts);
    CounterInit(&Sink.Entered);
    Sink.Action = Action;
    NTSTATUS status = OpenListen(AF_INET, &Sink, &Table, Listener);
    if (NT_SUCCESS(status) && Conditional)
        status = SetOption(*Listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, &on, sizeof(on));
    if (NT_SUCCESS(status))
        status = BindLoopback(*Listener, AF_INET, Address);
    if (NT_SUCCESS(status) && Mask)
        status = Events(*Listener, Mask);
    Sink.Listener = *Listener;
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "no listener: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

static BOOLEAN Dial(const SOCKADDR_INET *To, PWSK_SOCKET *Socket)
{
    NTSTATUS status = OpenConnection(AF_INET, NULL, NULL, Socket);

    if (NT_SUCCESS(status))
        status = BindLoopback(*Socket, AF_INET, NULL);
    if (NT_SUCCESS(status))
        status = Connect(*Socket, To);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "cannot connect: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

/* D25: the peer sees a reset, in the connect or behind it. */
static NTSTATUS DialRejected(const SOCKADDR_INET *To)
{
    PWSK_SOCKET s;
    NTSTATUS status = OpenConnection(AF_INET, NULL, NULL, &s);

    if (NT_SUCCESS(status))
        status = BindLoopback(s, AF_INET, NULL);
    if (NT_SUCCESS(status))
        status = Connect(s, To);
    if (NT_SUCCESS(status))
        status = Receive(s, MakeBuffer(10), 10, 0, NULL);
    return status;
}

static NTSTATUS Complete(PWSK_SOCKET Listener, const WSK_INSPECT_ID *Id, WSK_INSPECT_ACTION Action)
{
    WSK_INSPECT_ID copy = *Id;
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, LISTEN_OF(Listener)->WskInspectComplete(Listener, &copy, Action, irp));

    if (call.Information != 0)
        TestFail(__FILE__, __LINE__, "Information is not 0");
    return status;
}

static NTSTATUS QueryId(PWSK_SOCKET Socket, WSK_INSPECT_ID *Id)
{
    SIZE_T n = 0;
    NTSTATUS status = BASIC_OF(Socket)->WskControlSocket(Socket, WskIoctl, SIO_WSK_QUERY_INSPECT_ID,
                                                         0, 0, NULL, sizeof(*Id), Id, &n, NULL);

    if (NT_SUCCESS(status) && n != sizeof(*Id))
        TestFail(__FILE__, __LINE__, "the size is %u", (ULONG)n);
    return status;
}

static BOOLEAN SameId(const WSK_INSPECT_ID *A, const WSK_INSPECT_ID *B)
{
    return A->Key == B->Key && A->SerialNumber == B->SerialNumber;
}

TEST(off_by_default, "WSK-INSP-02 WSK-IOCTL-08")
{
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET address;
    WSK_INSPECT_ID id;

    if (!Begin(FALSE, 0, WskInspectReject, &listener, &address) || !Dial(&address, &client))
        return;
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Close(client), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Inspects), 0);
    CHECK_EQ(CounterValue(&Sink.Aborts), 0);
    CHECK_STATUS(QueryId(accepted, &id), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(QueryId(listener, &id), STATUS_INVALID_DEVICE_REQUEST);
}

TEST(accepted, "WSK-INSP-01 WSK-INSP-03 WSK-INSP-12 WSK-INSP-16 WSK-IOCTL-07 WSK-IRQL-03")
{
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET address, local;
    WSK_INSPECT_ID id;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);

    /* by a request that waits already, by one that comes later, and by the event */
    for (ULONG way = 0; way < 3; way++) {
        CALL call;
        if (!Begin(TRUE, way == 2 ? WSK_EVENT_ACCEPT : 0, WskInspectAccept, &listener, &address))
            return;
        if (way == 0)
            CHECK_STATUS(StartAccept(&call, listener, NULL, NULL), STATUS_PENDING);
        if (!Dial(&address, &client))
            return;
        CHECK(CounterWait(&Sink.Inspects, 1));
        if (way == 0) {
            CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
            accepted = (PWSK_SOCKET)call.Information;
        } else if (way == 1) {
            CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
        } else {
            CHECK(CounterWait(&Sink.Accepts, 1));
            accepted = Sink.Sockets[0];
            CHECK(accepted != NULL);
        }
        CHECK_STATUS(LocalAddressOf(client, &local), STATUS_SUCCESS);
        CHECK_EQ(PortOf(&Sink.Local), PortOf(&address));
        CHECK_EQ(PortOf(&Sink.Remote), PortOf(&local));
        CHECK(Sink.Irql <= DISPATCH_LEVEL);
        CHECK_STATUS(QueryId(accepted, &id), STATUS_SUCCESS);
        CHECK(SameId(&id, &Sink.Ids[0]));
        CHECK_STATUS(Send(client, out, 10, 0, NULL), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveAll(accepted, in, 10), STATUS_SUCCESS);
        CHECK_EQ(CounterValue(&Sink.Inspects), 1);
        /* What happens to an established connection is no abort. */
        CHECK_STATUS(Close(client), STATUS_SUCCESS);
        Settle();
        CHECK_EQ(CounterValue(&Sink.Aborts), 0);
    }
}

TEST(rejected, "WSK-INSP-04 D25")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL call;

    if (!Begin(TRUE, WSK_EVENT_ACCEPT, WskInspectReject, &listener, &address))
        return;
    CHECK_STATUS(StartAccept(&call, listener, NULL, NULL), STATUS_PENDING);
    for (LONG i = 0; i < 3; i++) {
        CHECK_STATUS(DialRejected(&address), STATUS_CONNECTION_RESET);
        CHECK(CounterWait(&Sink.Inspects, i + 1));
    }
    Settle();
    CHECK_EQ(CounterValue(&Sink.Accepts), 0);
    CHECK_EQ(CounterValue(&Sink.Aborts), 0); /* it was neither pended nor accepted */
    CHECK(!CallIsDone(&call));
    InterlockedExchange(&Sink.Action, WskInspectAccept);
    if (!Dial(&address, &client))
        return;
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
}

TEST(pended, "WSK-INSP-05 WSK-INSP-06 WSK-INSP-07 WSK-INSP-13 WSK-INSP-18 D25 D26")
{
    PWSK_SOCKET listener, client[3], accepted;
    SOCKADDR_INET address;
    CALL call;
    WSK_INSPECT_ID id;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);

    if (!Begin(TRUE, 0, WskInspectPend, &listener, &address))
        return;
    CHECK_STATUS(StartAccept(&call, listener, NULL, NULL), STATUS_PENDING);
    for (LONG i = 0; i < 3; i++) {
        if (!Dial(&address, &client[i]))
            return;
        CHECK(CounterWait(&Sink.Inspects, i + 1));
    }
    CHECK_STATUS(Send(client[1], out, 10, 0, NULL), STATUS_SUCCESS);
    Settle();
    CHECK(!CallIsDone(&call));
    CHECK(!SameId(&Sink.Ids[0], &Sink.Ids[1]) && !SameId(&Sink.Ids[1], &Sink.Ids[2]));
    CHECK(Sink.Ids[0].SerialNumber < Sink.Ids[1].SerialNumber &&
          Sink.Ids[1].SerialNumber < Sink.Ids[2].SerialNumber);
    /* The second goes first, the third is turned away, the first last. */
    CHECK_STATUS(Complete(listener, &Sink.Ids[1], WskInspectAccept), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    accepted = (PWSK_SOCKET)call.Information;
    CHECK_STATUS(QueryId(accepted, &id), STATUS_SUCCESS);
    CHECK(SameId(&id, &Sink.Ids[1]));
    CHECK_STATUS(ReceiveAll(accepted, in, 10), STATUS_SUCCESS);
    CHECK_STATUS(Complete(listener, &Sink.Ids[2], WskInspectReject), STATUS_SUCCESS);
    CHECK_STATUS(Receive(client[2], in, 10, 0, NULL), STATUS_CONNECTION_RESET);
    CHECK_STATUS(Complete(listener, &Sink.Ids[0], WskInspectAccept), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    /* Twice, or for what never was: refused. */
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS(Complete(listener, &Sink.Ids[i], WskInspectAccept), STATUS_INVALID_PARAMETER);
    id.Key = 1;
    id.SerialNumber = 0x7fffffff;
    CHECK_STATUS(Complete(listener, &id, WskInspectReject), STATUS_INVALID_PARAMETER);
    CHECK_EQ(CounterValue(&Sink.Aborts), 0);
}

TEST(wrong_actions, "WSK-INSP-17 WSK-INSP-18 D26")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    WSK_INSPECT_ID id = { 1, 1 };

    if (!Begin(TRUE, 0, WskInspectPend, &listener, &address) || !Dial(&address, &client))
        return;
    CHECK(CounterWait(&Sink.Inspects, 1));
    CHECK_STATUS(Complete(listener, &Sink.Ids[0], WskInspectPend), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Complete(listener, &Sink.Ids[0], WskInspectMax), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Complete(listener, &Sink.Ids[0], WskInspectAccept), STATUS_SUCCESS);
    if (!Begin(FALSE, 0, WskInspectPend, &listener, &address))
        return;
    CHECK_STATUS(Complete(listener, &id, WskInspectAccept), STATUS_INVALID_PARAMETER);
}

TEST(completed_inside, "WSK-INSP-06 WSK-INSP-07")
{
    static const WSK_INSPECT_ACTION actions[] = { WskInspectAccept, WskInspectReject };

    for (ULONG i = 0; i < 2; i++) {
        PWSK_SOCKET listener, accepted;
        SOCKADDR_INET address;
        static CALL inside;
        if (!Begin(TRUE, 0, WskInspectPend, &listener, &address))
            return;
        Sink.CompleteInside = &inside;
        Sink.InsideAction = actions[i];
        if (i == 0) {
            PWSK_SOCKET client;
            if (!Dial(&address, &client))
                return;
            CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
        } else {
            CHECK_STATUS(DialRejected(&address), STATUS_CONNECTION_RESET);
        }
        CHECK(CounterWait(&Sink.Inspects, 1));
        CHECK_STATUS(CallFinish(&inside), STATUS_SUCCESS);
    }
}

TEST(aborted_while_pended, "WSK-INSP-09 WSK-INSP-10 D26")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL call;

    if (!Begin(TRUE, 0, WskInspectPend, &listener, &address))
        return;
    CHECK_STATUS(StartAccept(&call, listener, NULL, NULL), STATUS_PENDING);
    for (LONG i = 0; i < 2; i++) {
        if (!Dial(&address, &client))
            return;
        CHECK(CounterWait(&Sink.Inspects, i + 1));
        CHECK_STATUS(Close(client), STATUS_SUCCESS);
        CHECK(CounterWait(&Sink.Aborts, i + 1));
        CHECK(SameId(&Sink.AbortIds[i], &Sink.Ids[i]));
        CHECK_STATUS(Complete(listener, &Sink.Ids[i], i ? WskInspectReject : WskInspectAccept),
                     STATUS_SUCCESS);
        Settle();
        CHECK(!CallIsDone(&call)); /* no connection comes of it */
        CHECK_EQ(CounterValue(&Sink.Aborts), i + 1);
    }
    /* The request was not used up. */
    InterlockedExchange(&Sink.Action, WskInspectAccept);
    if (!Dial(&address, &client))
        return;
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
}

TEST(aborted_after_accept, "WSK-INSP-09")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL call;

    /* Inspected and accepted, but nobody has taken it yet when the peer goes away. */
    if (!Begin(TRUE, 0, WskInspectAccept, &listener, &address) || !Dial(&address, &client))
        return;
    CHECK(CounterWait(&Sink.Inspects, 1));
    CHECK_STATUS(Close(client), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Aborts, 1));
    CHECK(SameId(&Sink.AbortIds[0], &Sink.Ids[0]));
    CHECK_STATUS(StartAccept(&call, listener, NULL, NULL), STATUS_PENDING);
    CHECK(IoCancelIrp(call.Irp));
    CHECK_STATUS(CallFinish(&call), STATUS_CANCELLED);
}

TEST(reset_while_it_is_rejected, "WSK-INSP-04 WSK-INSP-09")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    CALL close;

    /* The peer goes while WskInspectEvent runs, and that rejects: no abort of what nobody waits
     * for. */
    for (ULONG i = 0; i < 4; i++) {
        if (!Begin(TRUE, 0, WskInspectReject, &listener, &address))
            return;
        Sink.Gate = TRUE;
        NTSTATUS status = OpenConnection(AF_INET, NULL, NULL, &client);
        if (NT_SUCCESS(status))
            status = BindLoopback(client, AF_INET, NULL);
        CHECK_STATUS(status, STATUS_SUCCESS);
        CALL connect;
        (void)StartConnect(&connect, client, &address);
        BOOLEAN entered = CounterWait(&Sink.Entered, 1);
        (void)StartClose(&close, client); /* it may live on the processor that the callback holds */
        InterlockedExchange(&Sink.Opened, 1);
        (void)CallFinish(&connect);
        NTSTATUS closed = CallFinish(&close);
        CHECK(entered);
        CHECK_STATUS(closed, STATUS_SUCCESS);
        Settle();
        CHECK_EQ(CounterValue(&Sink.Inspects), 1);
        CHECK_EQ(CounterValue(&Sink.Aborts), 0);
    }
}

TEST(cannot_be_disabled, "WSK-INSP-14 WSK-INSP-02")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;

    if (!Begin(TRUE, WSK_EVENT_ACCEPT, WskInspectAccept, &listener, &address))
        return;
    /* There is no event bit for it, and the option is closed since the bind (misuse_stream.c). */
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT | WSK_EVENT_DISABLE), STATUS_SUCCESS);
    if (!Dial(&address, &client))
        return;
    CHECK(CounterWait(&Sink.Inspects, 1));
    CHECK_EQ(CounterValue(&Sink.Accepts), 0);
}

TEST(closed_with_pended, "WSK-CLOSE-02 WSK-CLOSE-04 D24 WSK-INSP-21")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    BUFFER *in = MakeBuffer(10);

    if (!Begin(TRUE, 0, WskInspectPend, &listener, &address) || !Dial(&address, &client))
        return;
    CHECK(CounterWait(&Sink.Inspects, 1));
    CHECK_STATUS(Close(listener), STATUS_SUCCESS);
    CHECK_STATUS(Receive(client, in, 10, 0, NULL), STATUS_CONNECTION_RESET);
}

TEST(dead_listener, "WSK-INSP-08 WSK-INSP-11 D62")
{
    for (ULONG event = 0; event < 2; event++) {
        PWSK_SOCKET listener, client;
        SOCKADDR_INET address;
        if (!Begin(TRUE, event ? WSK_EVENT_ACCEPT : 0, WskInspectPend, &listener, &address) ||
            !Dial(&address, &client))
            return;
        CHECK(CounterWait(&Sink.Inspects, 1));
        if (!NT_SUCCESS(LoseSocket(listener))) {
            TestSkip("no hook to lose a socket");
            return;
        }
        CHECK(CounterWait(&Sink.Inspects, 2));
        if (event)
            CHECK(CounterWait(&Sink.Accepts, 1));
        Settle();
        CHECK_EQ(Sink.NullInspects, 1); /* once for each kind */
        CHECK_EQ(Sink.NullAccepts, event);
        CHECK_STATUS(Complete(listener, &Sink.Ids[0], WskInspectAccept), STATUS_FILE_FORCED_CLOSED);
        CHECK_STATUS(Close(listener), STATUS_SUCCESS);
    }
}

TESTS(ROW(off_by_default) ROW(accepted) ROW(rejected) ROW(pended) ROW(wrong_actions)
          ROW(completed_inside) ROW(aborted_while_pended) ROW(aborted_after_accept)
              ROW(reset_while_it_is_rejected) ROW(cannot_be_disabled) ROW(closed_with_pended)
                  ROW(dead_listener))
