/*
 * misuse_stream.c: clauses that a driver must keep, broken on stream sockets. The verifier reports
 * each; the call gets its status, and nothing crashes or hangs.
 */
#include "conformance.h"

static COUNTER Calls;
static NTSTATUS Answer;
static SIZE_T TakeBytes;
static PWSK_DATA_INDICATION Kept;
static SIZE_T Total;

static NTSTATUS WSKAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                 SIZE_T Indicated, SIZE_T *Accepted)
{
    NTSTATUS answer = Answer;
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);

    Kept = Data;
    if (TakeBytes)
        *Accepted = TakeBytes;
    if (answer == STATUS_SUCCESS || answer == STATUS_PENDING)
        Total += Indicated;
    CounterAdd(&Calls);
    return answer;
}

static NTSTATUS WSKAPI OnDisconnect(PVOID Context, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    CounterAdd(&Calls);
    return STATUS_UNSUCCESSFUL;
}

static NTSTATUS WSKAPI OnBacklog(PVOID Context, SIZE_T Ideal)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Ideal);
    CounterAdd(&Calls);
    return STATUS_UNSUCCESSFUL;
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { OnReceive, OnDisconnect, OnBacklog };

static BOOLEAN Begin(PAIR *Pair, ULONG Mask, NTSTATUS How)
{
    CounterInit(&Calls);
    Answer = How;
    TakeBytes = 0;
    Kept = NULL;
    Total = 0;
    NTSTATUS status = MakePair(AF_INET, NULL, NULL, NULL, &Table, Pair);
    if (status == STATUS_SUCCESS && Mask)
        status = Events(Pair->Server, Mask);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "no pair: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

static NTSTATUS Release(PWSK_SOCKET Socket, PWSK_DATA_INDICATION List)
{
    return CONNECTION_OF(Socket)->WskRelease(Socket, List);
}

TEST(not_connected, "WSK-SEND-09 WSK-RECV-14 WSK-DISC-11 WSK-CONN-05 D34")
{
    BUFFER *b = MakePattern(10, 1);
    SOCKADDR_INET to;
    SIZE_T n;

    for (ULONG bound = 0; bound < 2; bound++) {
        PWSK_SOCKET s;
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
        if (bound)
            CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
        else
            CHECK_STATUS(Connect(s, (SOCKADDR_INET *)Loopback(AF_INET, 9, &to)),
                         STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(Send(s, b, 10, 0, &n), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(Receive(s, b, 10, 0, &n), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(Receive(s, b, 0, 0, &n), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(Disconnect(s, 0), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(Disconnect(s, WSK_FLAG_ABORTIVE), STATUS_INVALID_DEVICE_STATE);
        CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE), STATUS_INVALID_DEVICE_STATE);
    }
}

TEST(receive_flags, "WSK-RECV-12 WSK-RECV-13 D35")
{
    PAIR pair;
    BUFFER *b = MakePattern(10, 1);
    SIZE_T n;

    if (!Begin(&pair, 0, STATUS_SUCCESS))
        return;
    CHECK_STATUS(Receive(pair.Server, b, 0, WSK_FLAG_WAITALL | WSK_FLAG_DRAIN, &n),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Receive(pair.Server, b, 10, WSK_FLAG_WAITALL | WSK_FLAG_DRAIN, &n),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Receive(pair.Server, b, 10, WSK_FLAG_DRAIN, &n), STATUS_INVALID_PARAMETER);
}

TEST(disconnect_arguments, "WSK-DISC-10 WSK-DISC-12 D35 D34")
{
    PAIR pair;
    CALL call;
    BUFFER *b = MakePattern(10, 1);

    if (!Begin(&pair, 0, STATUS_SUCCESS))
        return;
    (void)StartDisconnect(&call, pair.Client, b, 10, WSK_FLAG_ABORTIVE);
    CHECK_STATUS(CallFinish(&call), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Disconnect(pair.Client, 2), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Disconnect(pair.Client, 0x80000000), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Send(pair.Client, b, 10, 0, NULL), STATUS_SUCCESS); /* none of them did harm */
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, b, 10, 0, NULL), STATUS_INVALID_DEVICE_STATE);
}

TEST(no_irp, "D04")
{
    PAIR pair;
    BUFFER *b = MakePattern(10, 1);
    SOCKADDR_INET a;

    if (!Begin(&pair, 0, STATUS_SUCCESS))
        return;
    CONNECTION c = CONNECTION_OF(pair.Client);
    CHECK_STATUS(c->WskSend(pair.Client, &b->Buf, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(c->WskReceive(pair.Client, &b->Buf, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(c->WskDisconnect(pair.Client, NULL, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(c->WskGetLocalAddress(pair.Client, (PSOCKADDR)&a, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(c->WskConnect(pair.Client, (PSOCKADDR)&pair.Address, 0, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(c->WskCloseSocket(pair.Client, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(
        LISTEN_OF(pair.Listener)->WskAccept(pair.Listener, 0, NULL, NULL, NULL, NULL, NULL),
        STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Send(pair.Client, b, 10, 0, NULL), STATUS_SUCCESS); /* it is still open */
}

TEST(bad_buffers, "WSK-BUF-05 WSK-BUF-06")
{
    PAIR pair;
    CALL call;
    BUFFER *b = MakePattern(10, 1);
    WSK_BUF beyond = { b->Buf.Mdl, 10, 1 }, longer = { b->Buf.Mdl, 5, 6 }, none = { NULL, 0, 5 };
    WSK_BUF *bad[] = { &beyond, &longer, &none };

    if (!Begin(&pair, 0, STATUS_SUCCESS))
        return;
    for (ULONG i = 0; i < RTL_NUMBER_OF(bad); i++) {
        PIRP irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(pair.Client)->WskSend(pair.Client, bad[i], 0, irp)),
            STATUS_INVALID_PARAMETER);
        irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(pair.Client)->WskReceive(pair.Client, bad[i], 0, irp)),
            STATUS_INVALID_PARAMETER);
        irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(pair.Client)->WskDisconnect(pair.Client, bad[i], 0, irp)),
            STATUS_INVALID_PARAMETER);
    }
    CHECK_STATUS(Send(pair.Client, b, 10, 0, NULL), STATUS_SUCCESS);
}

TEST(undocumented_answer, "WSK-RCVE-17 D15")
{
    PAIR pair;
    BUFFER *b = MakePattern(100, 1);

    if (!Begin(&pair, WSK_EVENT_RECEIVE, STATUS_DEVICE_NOT_READY))
        return;
    CHECK_STATUS(Send(pair.Client, b, 100, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    CHECK_STATUS(Send(pair.Client, b, 100, 0, NULL), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Calls), 1); /* as STATUS_DATA_NOT_ACCEPTED */
    CHECK_STATUS(ReceiveAll(pair.Server, b, 100), STATUS_SUCCESS);
    CHECK(IsPattern(b->Data, 100, 1, 0));
}

TEST(accepts_too_much, "WSK-RCVE-15")
{
    PAIR pair;
    BUFFER *b = MakePattern(100, 1);

    if (!Begin(&pair, WSK_EVENT_RECEIVE, STATUS_SUCCESS))
        return;
    TakeBytes = 1000000;
    CHECK_STATUS(Send(pair.Client, b, 100, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    TakeBytes = 0;
    CHECK_STATUS(Send(pair.Client, b, 50, 0, NULL), STATUS_SUCCESS); /* counts as all of it */
    CHECK(CounterWait(&Calls, 2));
    CHECK_EQ(Total, 150);
}

TEST(event_answers, "WSK-DEVT-07 WSK-BKLG-03")
{
    PAIR pair;
    BUFFER *b = MakePattern(100, 1);

    if (!Begin(&pair, WSK_EVENT_DISCONNECT | WSK_EVENT_SEND_BACKLOG, STATUS_SUCCESS))
        return;
    CHECK_STATUS(Send(pair.Server, b, 100, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
}

TEST(released_wrongly, "WSK-RET-03 WSK-RET-07")
{
    PAIR pair, other;
    BUFFER *b = MakePattern(100, 1);
    WSK_DATA_INDICATION *forged = (WSK_DATA_INDICATION *)MakeBuffer(4096)->Data;

    if (!Begin(&pair, WSK_EVENT_RECEIVE, STATUS_PENDING))
        return;
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &other), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, b, 100, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    Settle();
    CHECK_STATUS(Release(other.Server, Kept), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Release(pair.Server, forged), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Release(pair.Server, Kept), STATUS_SUCCESS);
    CHECK_STATUS(Release(pair.Server, Kept), STATUS_INVALID_PARAMETER);
    /* one that was not retained */
    Answer = STATUS_SUCCESS;
    CHECK_STATUS(Send(pair.Client, b, 100, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 2));
    Settle();
    CHECK_STATUS(Release(pair.Server, Kept), STATUS_INVALID_PARAMETER);
}

TEST(closed_with_retained, "WSK-RET-05 WSK-RET-06 WSK-CLOSE-12 D39")
{
    PAIR pair;
    BUFFER *b = MakePattern(100, 1);

    if (!Begin(&pair, WSK_EVENT_RECEIVE, STATUS_PENDING))
        return;
    CHECK_STATUS(Send(pair.Client, b, 100, 0, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Calls, 1));
    Settle();
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    PUCHAR bytes = MmGetSystemAddressForMdlSafe(Kept->Buffer.Mdl, NormalPagePriority);
    CHECK(IsPattern(bytes + Kept->Buffer.Offset, 100, 1, 0)); /* the memory stays */
    CHECK(Release(pair.Server, Kept) != STATUS_SUCCESS);      /* but nobody takes it any more */
}

TEST(used_after_close, "WSK-CLOSE-12 WSK-CLOSE-13 WSK-CAT-11")
{
    PAIR pair;
    CALL call;
    BUFFER *b = MakePattern(100, 1);

    if (!Begin(&pair, 0, STATUS_SUCCESS))
        return;
    CONNECTION c = CONNECTION_OF(pair.Client);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK(!NT_SUCCESS(CallEnd(&call, c->WskSend(pair.Client, &b->Buf, 0, irp))));
    irp = CallBegin(&call);
    CHECK(!NT_SUCCESS(CallEnd(&call, c->WskReceive(pair.Client, &b->Buf, 0, irp))));
    irp = CallBegin(&call);
    CHECK(!NT_SUCCESS(CallEnd(&call, c->WskCloseSocket(pair.Client, irp))));
}

/* ---- listeners --------------------------------------------------------------------------- */

static NTSTATUS AcceptAnswer;
static PWSK_SOCKET AcceptSocket;

static NTSTATUS WSKAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                PWSK_SOCKET Socket, PVOID *SocketContext,
                                const WSK_CLIENT_CONNECTION_DISPATCH **ConnectionTable)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(SocketContext);
    UNREFERENCED_PARAMETER(ConnectionTable);
    AcceptSocket = Socket;
    CounterAdd(&Calls);
    return AcceptAnswer;
}

static COUNTER Inspects, Aborts;
static WSK_INSPECT_ACTION InspectAnswer;

static WSK_INSPECT_ACTION WSKAPI OnInspect(PVOID Context, PSOCKADDR Local, PSOCKADDR Remote,
                                           PWSK_INSPECT_ID Id)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(Id);
    CounterAdd(&Inspects);
    return InspectAnswer;
}

static NTSTATUS WSKAPI OnAbort(PVOID Context, PWSK_INSPECT_ID Id)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Id);
    CounterAdd(&Aborts);
    return STATUS_UNSUCCESSFUL;
}

static const WSK_CLIENT_LISTEN_DISPATCH ListenTable = { OnAccept, OnInspect, OnAbort };

static NTSTATUS Dial(const SOCKADDR_INET *To)
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

TEST(accept_answers, "WSK-ACC-20 WSK-ACC-21")
{
    PWSK_SOCKET listener;
    SOCKADDR_INET address;
    CALL call;
    BUFFER *b = MakePattern(10, 1);

    CounterInit(&Calls);
    AcceptAnswer = STATUS_UNSUCCESSFUL; /* counts as a refusal */
    CHECK_STATUS(OpenListen(AF_INET, NULL, &ListenTable, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &address), STATUS_SUCCESS);
    CHECK_STATUS(Events(listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(Dial(&address), STATUS_CONNECTION_RESET);
    CHECK(CounterWait(&Calls, 1));
    PWSK_SOCKET gone = AcceptSocket;
    PIRP irp = CallBegin(&call);
    CHECK(!NT_SUCCESS(CallEnd(&call, CONNECTION_OF(gone)->WskSend(gone, &b->Buf, 0, irp))));
}

TEST(abort_answers, "WSK-INSP-15 WSK-INSP-09")
{
    PWSK_SOCKET listener, client;
    SOCKADDR_INET address;
    ULONG on = 1;

    CounterInit(&Inspects);
    CounterInit(&Aborts);
    InspectAnswer = WskInspectPend;
    CHECK_STATUS(OpenListen(AF_INET, NULL, &ListenTable, &listener), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, &on, sizeof(on)),
                 STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &address), STATUS_SUCCESS);
    for (LONG i = 0; i < 2; i++) { /* what it returns changes nothing */
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
        CHECK_STATUS(Connect(client, &address), STATUS_SUCCESS);
        CHECK(CounterWait(&Inspects, i + 1));
        CHECK_STATUS(Close(client), STATUS_SUCCESS);
        CHECK(CounterWait(&Aborts, i + 1));
    }
}

TEST(inspection, "WSK-INSP-14 WSK-INSP-20 WSK-INSP-05 D25")
{
    PWSK_SOCKET listener;
    SOCKADDR_INET address;
    ULONG on = 1;

    CounterInit(&Inspects);
    InspectAnswer = WskInspectMax;
    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, &on, sizeof(on)),
                 STATUS_INVALID_PARAMETER); /* nobody would inspect */
    CHECK_STATUS(OpenListen(AF_INET, NULL, &ListenTable, &listener), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, &on, sizeof(on)),
                 STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &address), STATUS_SUCCESS);
    on = 0;
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, &on, sizeof(on)),
                 STATUS_INVALID_DEVICE_STATE);             /* too late */
    CHECK_STATUS(Dial(&address), STATUS_CONNECTION_RESET); /* an action that is none: rejected */
}

TESTS(ROW(not_connected) ROW(receive_flags) ROW(disconnect_arguments) ROW(no_irp) ROW(bad_buffers)
          ROW(undocumented_answer) ROW(accepts_too_much) ROW(event_answers) ROW(released_wrongly)
              ROW(closed_with_retained) ROW(used_after_close) ROW(accept_answers) ROW(abort_answers)
                  ROW(inspection))
