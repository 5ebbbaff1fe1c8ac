/* events.c: enabling and disabling event callbacks (3.15), and how they are called. */
#include "conformance.h"

/* ---- a client that counts ---------------------------------------------------------------- */

typedef struct _EVENTS {
    LONG Running, Overlaps;
    LONG Receives, Disconnects, Accepts, Froms;
    SIZE_T Bytes;
    ULONG Wrong; /* calls whose flags do not tell their IRQL, or that changed it */
    KEVENT Received, Disconnected, Accepted, GotFrom;
    PWSK_SOCKET AcceptedSocket;
    const WSK_CLIENT_CONNECTION_DISPATCH *AcceptedTable;
    void (*Inside)(struct _EVENTS *Events); /* runs inside of every callback */
    PWSK_SOCKET Socket;
    CALL Call;
    NTSTATUS Status;
    LONG Wanted;
} EVENTS;
static EVENTS E, F;

static void Reset(EVENTS *e)
{
    RtlZeroMemory(e, sizeof(*e));
    KeInitializeEvent(&e->Received, NotificationEvent, FALSE);
    KeInitializeEvent(&e->Disconnected, NotificationEvent, FALSE);
    KeInitializeEvent(&e->Accepted, NotificationEvent, FALSE);
    KeInitializeEvent(&e->GotFrom, NotificationEvent, FALSE);
}

static void Enter(EVENTS *e, ULONG Flags)
{
    BOOLEAN dispatch = (Flags & WSK_FLAG_AT_DISPATCH_LEVEL) != 0;

    if (InterlockedIncrement(&e->Running) != 1)
        InterlockedIncrement(&e->Overlaps);
    if (KeGetCurrentIrql() > DISPATCH_LEVEL || (dispatch && KeGetCurrentIrql() != DISPATCH_LEVEL) ||
        dispatch == PassiveCallbacks)
        e->Wrong++;
    if (e->Inside && MayUse()) {
        e->Inside(e);
        Used();
    }
}

static void Exit(EVENTS *e, LONG *Count, PKEVENT Event)
{
    LONG count = InterlockedIncrement(Count);

    InterlockedDecrement(&e->Running);
    if (count >= e->Wanted)
        KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS NTAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data, SIZE_T Bytes,
                                SIZE_T *Accepted)
{
    EVENTS *e = Context;
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Accepted);

    Enter(e, Flags);
    e->Bytes += Bytes;
    Exit(e, &e->Receives, &e->Received);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnDisconnect(PVOID Context, ULONG Flags)
{
    EVENTS *e = Context;

    Enter(e, Flags);
    Exit(e, &e->Disconnects, &e->Disconnected);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnBacklog(PVOID Context, SIZE_T Size)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Size);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnReceiveFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Data)
{
    EVENTS *e = Context;

    Enter(e, Flags & ~(ULONG)(MSG_BCAST | MSG_MCAST));
    if (Data)
        for (PWSK_DATAGRAM_INDICATION d = Data->Next; d; d = d->Next)
            InterlockedIncrement(&e->Froms);
    Exit(e, &e->Froms, &e->GotFrom);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                               PWSK_SOCKET Socket, PVOID *SocketContext,
                               const WSK_CLIENT_CONNECTION_DISPATCH **Dispatch)
{
    EVENTS *e = Context;
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);

    Enter(e, Flags);
    *SocketContext = e;
    *Dispatch = e->AcceptedTable;
    if (Socket)
        Adopt(Socket);
    e->AcceptedSocket = Socket;
    Exit(e, &e->Accepts, &e->Accepted);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH ConnectionTable = { OnReceive, OnDisconnect,
                                                                OnBacklog };
static const WSK_CLIENT_DATAGRAM_DISPATCH DatagramTable = { OnReceiveFrom };
static const WSK_CLIENT_LISTEN_DISPATCH ListenTable = { OnAccept, NULL, NULL };

#define ALL_CONNECTION (WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT | WSK_EVENT_SEND_BACKLOG)

/* Two datagram sockets; what the first one gets goes to E. */
static PWSK_SOCKET To, From;
static SOCKADDR_INET ToAddress;

static NTSTATUS MakeDatagrams(void)
{
    Reset(&E);
    NTSTATUS status = OpenDatagram(AF_INET, &E, &DatagramTable, &To);
    if (NT_SUCCESS(status))
        status = BindLoopback(To, AF_INET, &ToAddress);
    if (NT_SUCCESS(status))
        status = OpenDatagram(AF_INET, NULL, NULL, &From);
    if (NT_SUCCESS(status))
        status = BindLoopback(From, AF_INET, NULL);
    return status;
}

static NTSTATUS SendOne(void)
{
    return SendTo(From, MakePattern(20, 1), 20, &ToAddress, NULL);
}

/* ---- enabling ---------------------------------------------------------------------------- */

TEST(connection_events,
     "WSK-EVT-01 WSK-EVT-02 WSK-EVT-05 WSK-IRQL-03 D11 D12 SO_WSK_EVENT_CALLBACK")
{
    PAIR pair;

    Reset(&E);
    CHECK_STATUS(MakePair(AF_INET, &E, &ConnectionTable, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Client, ALL_CONNECTION), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Server, MakePattern(100, 1), 100, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Received));
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Disconnected));
    CHECK_EQ(E.Bytes, 100);
    CHECK_EQ(E.Wrong, 0);
}

TEST(each_alone, "WSK-EVT-01 WSK-EVT-17")
{
    PAIR pair;

    Reset(&E);
    CHECK_STATUS(MakePair(AF_INET6, &E, &ConnectionTable, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Client, WSK_EVENT_SEND_BACKLOG), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Server, MakePattern(100, 1), 100, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Received));
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    SIZE_T got = 1;
    CHECK_STATUS(Receive(pair.Client, MakeBuffer(1), 1, 0, &got), STATUS_SUCCESS);
    CHECK_EQ(got, 0);
    CHECK_EQ(E.Disconnects, 0); /* never enabled */
}

TEST(datagram_events, "WSK-EVT-01 WSK-EVT-04 WSK-EVT-17 WSK-IRQL-03 D11")
{
    SIZE_T n;

    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(To, MakeBuffer(20), 20, NULL, &n), STATUS_SUCCESS);
    CHECK_EQ(E.Froms, 0);
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.GotFrom));
    CHECK_EQ(E.Froms, 1);
    CHECK_EQ(E.Wrong, 0);
}

TEST(enable_at_dispatch, "WSK-EVT-01 WSK-IRQL-01")
{
    KIRQL old;

    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = Events(To, WSK_EVENT_RECEIVE_FROM);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.GotFrom));
}

/* ---- disabling --------------------------------------------------------------------------- */

static void Reenable(BOOLEAN WithIrp)
{
    SIZE_T n;
    CALL call;

    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    for (ULONG round = 0; round < 3; round++) {
        CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
        CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
        KeClearEvent(&E.GotFrom);
        CHECK_STATUS(SendOne(), STATUS_SUCCESS);
        CHECK(WaitFor(&E.GotFrom));
        if (WithIrp) {
            (void)StartEvents(&call, To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
            CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
            CHECK_EQ(call.Information, 0);
            CallFree(&call);
        } else {
            /* The call that set the event may still be on its way out. */
            NTSTATUS status = Events(To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
            CHECK(status == STATUS_SUCCESS || status == STATUS_EVENT_PENDING);
            CHECK(NT_SUCCESS(status));
        }
        LONG before = E.Froms;
        CHECK_STATUS(SendOne(), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveFrom(To, MakeBuffer(20), 20, NULL, &n), STATUS_SUCCESS);
        CHECK_EQ(E.Froms, before);
    }
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE), STATUS_SUCCESS);
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE), STATUS_SUCCESS);
}

TEST(disable_and_enable, "WSK-EVT-07 WSK-EVT-10 WSK-EVT-28 D21")
{
    Reenable(FALSE);
}

TEST(disable_with_irp, "WSK-EVT-07 WSK-EVT-10 WSK-EVT-28 D06 D21")
{
    Reenable(TRUE);
}

TEST(disable_idle_with_irp, "WSK-EVT-07")
{
    CALL call;

    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    (void)StartEvents(&call, To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
    CHECK(call.Returned == STATUS_SUCCESS || PendsAll);
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CallFree(&call);
}

/* D79: inside of the callback that is being disabled. */
static void DisableInside(EVENTS *e)
{
    if (e->Wanted == 0)
        e->Status = Events(e->Socket, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
    else
        e->Status = StartEvents(&e->Call, e->Socket, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
    if (e->Wanted && CallIsDone(&e->Call))
        e->Status = STATUS_UNSUCCESSFUL; /* too early: this very call still runs */
}

TEST(disable_inside, "WSK-EVT-08 WSK-EVT-09 D79 WSK-EVT-27")
{
    for (LONG with_irp = 0; with_irp < 2; with_irp++) {
        SIZE_T n;
        CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
        E.Inside = DisableInside;
        E.Socket = To;
        E.Wanted = with_irp;
        CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
        CHECK_STATUS(SendOne(), STATUS_SUCCESS);
        CHECK(WaitFor(&E.GotFrom));
        CHECK_STATUS(E.Status, with_irp ? STATUS_PENDING : STATUS_EVENT_PENDING);
        if (with_irp) {
            CHECK_STATUS(CallWait(&E.Call), STATUS_SUCCESS);
            CallFree(&E.Call);
        }
        CHECK_STATUS(SendOne(), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveFrom(To, MakeBuffer(20), 20, NULL, &n), STATUS_SUCCESS);
        CHECK_EQ(E.Froms, 1);
        E.Inside = NULL;
        CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
        KeClearEvent(&E.GotFrom);
        CHECK_STATUS(SendOne(), STATUS_SUCCESS);
        CHECK(WaitFor(&E.GotFrom));
    }
}

/* ---- disabling from another thread while the callback runs ------------------------------- */

static KEVENT InCallback;
static LONG MayLeave;

static void Linger(EVENTS *e)
{
    UNREFERENCED_PARAMETER(e);
    KeSetEvent(&InCallback, IO_NO_INCREMENT, FALSE);
    for (ULONG i = 0; i < 200000 && !InterlockedCompareExchange(&MayLeave, 0, 0); i++)
        KeStallExecutionProcessor(50);
}

static void DisableWhileRunning(BOOLEAN WithIrp)
{
    CALL calls[2];

    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    KeInitializeEvent(&InCallback, NotificationEvent, FALSE);
    MayLeave = 0;
    E.Inside = Linger;
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    BOOLEAN inside = WaitFor(&InCallback);
    NTSTATUS first, second = STATUS_PENDING;
    BOOLEAN done = FALSE;
    if (WithIrp) {
        first = StartEvents(&calls[0], To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
        second = StartEvents(&calls[1], To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
        done = CallIsDone(&calls[0]) || CallIsDone(&calls[1]);
    } else {
        first = Events(To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
    }
    InterlockedExchange(&MayLeave, 1);
    CHECK(inside);
    CHECK_STATUS(first, WithIrp ? STATUS_PENDING : STATUS_EVENT_PENDING);
    CHECK_STATUS(second, STATUS_PENDING);
    CHECK(!done);
    for (ULONG i = 0; WithIrp && i < 2; i++) {
        CHECK_STATUS(CallWait(&calls[i]), STATUS_SUCCESS);
        CHECK_EQ(E.Running, 0);
        CallFree(&calls[i]);
    }
    CHECK(WaitFor(&E.GotFrom));
    CHECK_EQ(E.Froms, 1);
}

TEST(disable_while_running, "WSK-EVT-09 D12")
{
    DisableWhileRunning(FALSE);
}

TEST(disable_while_running_with_irp, "WSK-EVT-08 D12")
{
    DisableWhileRunning(TRUE);
}

/* ---- presets of listening sockets -------------------------------------------------------- */

static PWSK_SOCKET Listener, Peer;
static SOCKADDR_INET ListenAt;

static NTSTATUS ConnectPeer(void)
{
    NTSTATUS status = OpenConnection(AF_INET, NULL, NULL, &Peer);
    if (NT_SUCCESS(status))
        status = BindLoopback(Peer, AF_INET, NULL);
    return NT_SUCCESS(status) ? Connect(Peer, &ListenAt) : status;
}

static NTSTATUS MakeListener(ULONG Mask)
{
    Reset(&E);
    E.AcceptedTable = &ConnectionTable;
    NTSTATUS status = OpenListen(AF_INET, &E, &ListenTable, &Listener);
    if (NT_SUCCESS(status))
        status = BindLoopback(Listener, AF_INET, &ListenAt);
    return NT_SUCCESS(status) ? Events(Listener, Mask) : status;
}

TEST(presets, "WSK-EVT-03 WSK-EVT-02 WSK-EVT-12 WSK-ACC-14")
{
    CALL call;

    CHECK_STATUS(MakeListener(WSK_EVENT_ACCEPT | ALL_CONNECTION), STATUS_SUCCESS);
    for (ULONG round = 0; round < 2; round++) {
        CHECK_STATUS(ConnectPeer(), STATUS_SUCCESS);
        CHECK(WaitFor(&E.Accepted));
        CHECK(E.AcceptedSocket != NULL);
        CHECK_STATUS(Send(Peer, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
        CHECK(WaitFor(&E.Received));
        CHECK_STATUS(Disconnect(Peer, 0), STATUS_SUCCESS);
        CHECK(WaitFor(&E.Disconnected));
        CHECK_EQ(E.Wrong, 0);
        (void)StartEvents(&call, Listener, WSK_EVENT_ACCEPT | WSK_EVENT_DISABLE);
        CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
        CallFree(&call);
        Reset(&E);
        E.AcceptedTable = &ConnectionTable;
        CHECK_STATUS(Events(Listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    }
}

TEST(no_presets, "WSK-ACC-15 WSK-EVT-17")
{
    SIZE_T got;

    CHECK_STATUS(MakeListener(WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(ConnectPeer(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Accepted));
    CHECK_STATUS(Send(Peer, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Receive(E.AcceptedSocket, MakeBuffer(30), 30, WSK_FLAG_WAITALL, &got),
                 STATUS_SUCCESS);
    CHECK_EQ(got, 30);
    CHECK_EQ(E.Receives, 0);
}

TEST(presets_stay, "WSK-EVT-11 D21")
{
    static const ULONG bits[] = { WSK_EVENT_RECEIVE, WSK_EVENT_DISCONNECT, WSK_EVENT_SEND_BACKLOG };

    CHECK_STATUS(MakeListener(WSK_EVENT_ACCEPT | ALL_CONNECTION), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(bits); i++)
        CHECK_STATUS(Events(Listener, bits[i] | WSK_EVENT_DISABLE), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(ConnectPeer(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Accepted));
    CHECK_STATUS(Send(Peer, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Received));
}

TEST(presets_not_for_wskaccept, "WSK-EVT-13 WSK-ACC-06")
{
    PWSK_SOCKET accepted;
    SIZE_T got;

    CHECK_STATUS(MakeListener(ALL_CONNECTION), STATUS_SUCCESS);
    CHECK_STATUS(ConnectPeer(), STATUS_SUCCESS);
    Reset(&F);
    CHECK_STATUS(Accept(Listener, &F, &ConnectionTable, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Send(Peer, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Receive(accepted, MakeBuffer(30), 30, WSK_FLAG_WAITALL, &got), STATUS_SUCCESS);
    CHECK_EQ(got, 30);
    CHECK_EQ(F.Receives, 0);
    CHECK_STATUS(Events(accepted, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(Peer, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&F.Received));
}

/* ---- static events ----------------------------------------------------------------------- */

static NTSTATUS SetStatic(ULONG Mask)
{
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, Mask };

    return Wsk->WskControlClient(Client, WSK_SET_STATIC_EVENT_CALLBACKS, sizeof(control), &control,
                                 0, NULL, NULL, NULL);
}

TEST(static_datagram_event, "WSK-EVT-14 WSK-EVT-15 WSK-EVT-16 WSK-SOCK-05 WSK-CTL-01 D21")
{
    CHECK_STATUS(UseOtherClient(), STATUS_SUCCESS);
    CHECK_STATUS(SetStatic(WSK_EVENT_RECEIVE_FROM | WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE),
                 STATUS_SUCCESS);
    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.GotFrom));
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE),
                 STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_INVALID_DEVICE_REQUEST);
    KeClearEvent(&E.GotFrom);
    CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.GotFrom));
}

TEST(static_connection_events, "WSK-EVT-14 WSK-EVT-15 WSK-EVT-16 D18 WSK-SCON-05")
{
    PWSK_SOCKET accepted, made;
    SOCKADDR_INET local;
    CALL call;

    CHECK_STATUS(UseOtherClient(), STATUS_SUCCESS);
    CHECK_STATUS(SetStatic(WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT | WSK_EVENT_RECEIVE_FROM),
                 STATUS_SUCCESS);
    Reset(&E);
    Reset(&F);
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &Listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Listener, AF_INET, &ListenAt), STATUS_SUCCESS);
    PIRP irp = CallBeginSocket(&call);
    CHECK_STATUS(
        CallEnd(&call, Wsk->WskSocketConnect(Client, SOCK_STREAM, IPPROTO_TCP,
                                             Loopback(AF_INET, 0, &local), (PSOCKADDR)&ListenAt, 0,
                                             &F, &ConnectionTable, NULL, NULL, NULL, irp)),
        STATUS_SUCCESS);
    made = (PWSK_SOCKET)call.Information;
    CHECK_STATUS(Accept(Listener, &E, &ConnectionTable, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Send(made, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Received));
    CHECK_STATUS(Send(accepted, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&F.Received));
    CHECK_STATUS(Events(made, WSK_EVENT_RECEIVE | WSK_EVENT_DISABLE),
                 STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(Events(made, WSK_EVENT_SEND_BACKLOG), STATUS_SUCCESS); /* not a static one */
    CHECK_STATUS(Disconnect(made, 0), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Disconnected));
}

TEST(static_accept, "WSK-EVT-14 WSK-EVT-16 D18")
{
    CHECK_STATUS(UseOtherClient(), STATUS_SUCCESS);
    CHECK_STATUS(SetStatic(WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    Reset(&E);
    E.AcceptedTable = &ConnectionTable;
    CHECK_STATUS(OpenListen(AF_INET, &E, &ListenTable, &Listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Listener, AF_INET, &ListenAt), STATUS_SUCCESS);
    CHECK_STATUS(ConnectPeer(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Accepted));
    CHECK_STATUS(Send(Peer, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Received));
}

TEST(static_without_callback, "D18 WSK-SOCK-08")
{
    PWSK_SOCKET s;
    PAIR pair;
    SIZE_T got;

    CHECK_STATUS(UseOtherClient(), STATUS_SUCCESS);
    CHECK_STATUS(SetStatic(WSK_EVENT_RECEIVE_FROM | WSK_EVENT_ACCEPT | ALL_CONNECTION),
                 STATUS_SUCCESS);
    CHECK_STATUS(Open(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET, NULL, NULL, &s),
                 STATUS_SUCCESS);
    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, MakePattern(30, 1), 30, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, MakeBuffer(30), 30, WSK_FLAG_WAITALL, &got), STATUS_SUCCESS);
    CHECK_EQ(got, 30);
}

TEST(static_masks, "D21 D56")
{
    static const NPIID npi = { 0x11223344, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } };
    WSK_EVENT_CALLBACK_CONTROL control = { &npi, WSK_EVENT_RECEIVE };

    CHECK_STATUS(UseOtherClient(), STATUS_SUCCESS);
    CHECK_STATUS(SetStatic(0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SetStatic(0x00010000), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SetStatic(WSK_EVENT_RECEIVE | WSK_EVENT_DISABLE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Wsk->WskControlClient(Client, WSK_SET_STATIC_EVENT_CALLBACKS, sizeof(control),
                                       &control, 0, NULL, NULL, NULL),
                 STATUS_NOT_SUPPORTED);
    control.NpiId = &NPI_WSK_INTERFACE_ID;
    CHECK_STATUS(Wsk->WskControlClient(Client, WSK_SET_STATIC_EVENT_CALLBACKS, sizeof(control) - 1,
                                       &control, 0, NULL, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
}

/* ---- how callbacks are called ------------------------------------------------------------ */

TEST(datagram_calls_are_serial, "D14 WSK-IRQL-03")
{
    enum { COUNT = 100 };

    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    E.Wanted = COUNT;
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    for (ULONG i = 0; i < COUNT; i++)
        CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.GotFrom));
    CHECK_EQ(E.Froms, COUNT);
    CHECK_EQ(E.Overlaps, 0);
    CHECK_EQ(E.Wrong, 0);
}

TEST(stream_calls_are_serial, "D14 WSK-RCVE-13 WSK-IRQL-03")
{
    PAIR pair;
    BUFFER *b = MakePattern(1000, 1);

    Reset(&E);
    CHECK_STATUS(MakePair(AF_INET, &E, &ConnectionTable, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Client, ALL_CONNECTION), STATUS_SUCCESS);
    for (ULONG i = 0; i < 100; i++)
        CHECK_STATUS(Send(pair.Server, b, 1000, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Disconnected));
    CHECK_EQ(E.Bytes, 100000);
    CHECK_EQ(E.Overlaps, 0);
    CHECK_EQ(E.Wrong, 0);
}

TEST(accept_calls_are_serial, "D14 WSK-ACC-13")
{
    enum { COUNT = 20 };

    CHECK_STATUS(MakeListener(WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    E.Wanted = COUNT;
    for (ULONG i = 0; i < COUNT; i++)
        CHECK_STATUS(ConnectPeer(), STATUS_SUCCESS);
    CHECK(WaitFor(&E.Accepted));
    CHECK_EQ(E.Accepts, COUNT);
    CHECK_EQ(E.Overlaps, 0);
    CHECK_EQ(E.Wrong, 0);
}

/* A callback that answers: it starts a send with an IRP of its own and does not wait for it. */
static BUFFER *AnswerBuffer;
static SOCKADDR_INET AnswerTo;

static void Answer(EVENTS *e)
{
    PIRP irp = CallBegin(&e->Call);
    WSK_BUF buf = { AnswerBuffer->Buf.Mdl, 0, 20 };

    e->Inside = NULL; /* once, whatever a network makes of the datagram */
    CallStarted(&e->Call, DATAGRAM_OF(e->Socket)->WskSendTo(e->Socket, &buf, 0,
                                                            (PSOCKADDR)&AnswerTo, 0, NULL, irp));
}

TEST(requests_from_a_callback, "WSK-EVT-27")
{
    SIZE_T n;
    BUFFER *in = MakeBuffer(20);

    CHECK_STATUS(MakeDatagrams(), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(From, &AnswerTo), STATUS_SUCCESS);
    AnswerBuffer = MakePattern(20, 77);
    E.Inside = Answer;
    E.Socket = To;
    CHECK_STATUS(Events(To, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(SendOne(), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(From, in, 20, NULL, &n), STATUS_SUCCESS);
    CHECK(n == 20 && IsPattern(in->Data, 20, 77, 0));
    CHECK(WaitFor(&E.GotFrom));
    CHECK_STATUS(CallWait(&E.Call), STATUS_SUCCESS);
    CHECK_EQ(E.Call.Information, 20);
    CallFree(&E.Call);
}

TESTS(ROW(connection_events) ROW(each_alone) ROW(datagram_events) ROW(enable_at_dispatch)
          ROW(disable_and_enable) ROW(disable_with_irp) ROW(disable_idle_with_irp)
              ROW(disable_inside) ROW(disable_while_running) ROW(disable_while_running_with_irp)
                  ROW(presets) ROW(no_presets) ROW(presets_stay) ROW(presets_not_for_wskaccept)
                      ROW(static_datagram_event) ROW(static_connection_events) ROW(static_accept)
                          ROW(static_without_callback) ROW(static_masks)
                              ROW(datagram_calls_are_serial) ROW(stream_calls_are_serial)
                                  ROW(accept_calls_are_serial) ROW(requests_from_a_callback))
