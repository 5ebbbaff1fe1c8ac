/* close.c: WskCloseSocket in every state, and what it does to requests, callbacks and the peer. */
#include "conformance.h"

#define BIG (8 * 1024 * 1024)

static NTSTATUS PeerSees(PWSK_SOCKET Peer, SIZE_T *Bytes)
{
    BUFFER *in = MakeBuffer(65536);
    NTSTATUS status;
    SIZE_T n = 0;

    *Bytes = 0;
    do {
        status = Receive(Peer, in, in->Size, 0, &n);
        *Bytes += n;
    } while (status == STATUS_SUCCESS && n > 0);
    return status;
}

TEST(every_category_and_state, "WSK-CLOSE-01 WSK-CLOSE-08 D10")
{
    static const struct {
        USHORT Type;
        ULONG Protocol, Flags;
    } kinds[] = { { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET },
                  { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET } };

    for (ULONG k = 0; k < RTL_NUMBER_OF(kinds); k++) {
        for (ULONG bound = 0; bound < 2; bound++) {
            PWSK_SOCKET s;
            CALL call;
            if (bound && kinds[k].Flags == WSK_FLAG_BASIC_SOCKET)
                continue;
            CHECK_STATUS(
                Open(AF_INET, kinds[k].Type, kinds[k].Protocol, kinds[k].Flags, NULL, NULL, &s),
                STATUS_SUCCESS);
            if (bound)
                CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
            (void)StartClose(&call, s);
            CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
            CHECK_EQ(call.Information, 0);
        }
    }
}

TEST(ends_requests, "WSK-CLOSE-02 WSK-CLOSE-04 D10 D09")
{
    PAIR pair;
    CALL close, send, queued, receive[3], all;
    BUFFER *big = MakePattern(BIG, 2), *in[3], *rest = MakeBuffer(100);
    SIZE_T n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(StartSend(&send, pair.Client, big, BIG, 0), STATUS_PENDING);
    CHECK_STATUS(StartSend(&queued, pair.Client, big, 100, 0), STATUS_PENDING);
    CHECK_STATUS(StartReceive(&all, pair.Client, rest, 100, WSK_FLAG_WAITALL), STATUS_PENDING);
    for (ULONG i = 0; i < 3; i++) {
        in[i] = MakeBuffer(100);
        CHECK_STATUS(StartReceive(&receive[i], pair.Client, in[i], 100, 0), STATUS_PENDING);
    }
    CHECK_STATUS(Send(pair.Server, big, 40, 0, NULL), STATUS_SUCCESS);
    Settle();
    (void)StartClose(&close, pair.Client);
    CHECK_STATUS(CallFinish(&close), STATUS_SUCCESS);
    CHECK(CallIsDone(&send) && CallIsDone(&queued) && CallIsDone(&all));
    CHECK_STATUS(CallFinish(&send), STATUS_CANCELLED);
    CHECK_STATUS(CallFinish(&queued), STATUS_CANCELLED);
    CHECK_STATUS(CallFinish(&all), STATUS_CANCELLED);
    CHECK_EQ(all.Information, 40); /* they are in the buffer */
    CHECK(IsPattern(rest->Data, 40, 2, 0));
    for (ULONG i = 0; i < 3; i++) {
        CHECK(CallIsDone(&receive[i]));
        CHECK_STATUS(CallFinish(&receive[i]), STATUS_CANCELLED);
        CHECK_EQ(receive[i].Information, 0);
    }
    CHECK_STATUS(PeerSees(pair.Server, &n), STATUS_CONNECTION_RESET);
}

TEST(ends_a_datagram_receive, "WSK-CLOSE-02 D10")
{
    PWSK_SOCKET s;
    CALL close, receive;
    BUFFER *in = MakeBuffer(100);

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&receive);
    CallStarted(&receive,
                DATAGRAM_OF(s)->WskReceiveFrom(s, &in->Buf, 0, NULL, NULL, NULL, NULL, irp));
    CHECK_STATUS(receive.Returned, STATUS_PENDING);
    (void)StartClose(&close, s);
    CHECK_STATUS(CallFinish(&close), STATUS_SUCCESS);
    CHECK(CallIsDone(&receive));
    CHECK_STATUS(CallFinish(&receive), STATUS_CANCELLED);
}

TEST(resets_an_open_connection, "WSK-CLOSE-05 D60")
{
    static const char *const states[] = { "open", "we shut", "the peer shut", "unread bytes" };
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(1000);

    for (ULONG i = 0; i < RTL_NUMBER_OF(states); i++) {
        PAIR pair;
        SIZE_T n;
        CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
        if (i == 1)
            CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
        if (i == 2) {
            CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
            CHECK_STATUS(Receive(pair.Client, in, 10, 0, &n), STATUS_SUCCESS);
            CHECK_EQ(n, 0);
        }
        if (i == 3) { /* both FINs are out, but bytes of the peer were never read */
            CHECK_STATUS(Send(pair.Server, out, 1000, 0, NULL), STATUS_SUCCESS);
            CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
        }
        CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
        /* A FIN that was sent before the reset is told first. */
        if (i == 1) {
            NTSTATUS status = STATUS_SUCCESS;
            for (ULONG k = 0; k < 1000 && status == STATUS_SUCCESS; k++)
                status = Send(pair.Server, out, 1000, 0, &n);
            CHECK(status == STATUS_CONNECTION_RESET || status == STATUS_CONNECTION_ABORTED);
            continue;
        }
        CHECK_STATUS(PeerSees(pair.Server, &n), STATUS_CONNECTION_RESET);
    }
}

TEST(no_reset_after_both_ends, "WSK-CLOSE-06 D60")
{
    for (ULONG order = 0; order < 3; order++) {
        PAIR pair;
        BUFFER *out = MakePattern(100000, 1), *in = MakeBuffer(100000);
        SIZE_T n;
        CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
        CHECK_STATUS(Send(pair.Client, out, 100000, 0, NULL), STATUS_SUCCESS);
        if (order == 0) {
            CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
            CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
        } else {
            CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
            CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
        }
        if (order <
            2) { /* the client read the end, or the host did: no bytes were in front of it */
            CHECK_STATUS(Receive(pair.Client, in, 10, 0, &n), STATUS_SUCCESS);
            CHECK_EQ(n, 0);
        }
        CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
        CHECK_STATUS(PeerSees(pair.Server, &n), STATUS_SUCCESS); /* all of it, then the end */
        CHECK_EQ(n, 100000);
    }
}

/* ---- callbacks --------------------------------------------------------------------------- */

static COUNTER Calls;
static volatile LONG Gate, Inside;

static NTSTATUS WSKAPI SlowReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data,
                                   SIZE_T Indicated, SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Indicated);
    UNREFERENCED_PARAMETER(Accepted);
    InterlockedExchange(&Inside, 1);
    CounterAdd(&Calls);
    while (!ReadAcquire(&Gate))
        YieldProcessor();
    InterlockedExchange(&Inside, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS WSKAPI CountDisconnect(PVOID Context, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    CounterAdd(&Calls);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH SlowTable = { SlowReceive, CountDisconnect, NULL };

TEST(waits_for_callbacks, "WSK-CLOSE-03 WSK-CLOSE-04 D10")
{
    PAIR pair;
    CALL close;
    BUFFER *out = MakePattern(1000, 1);

    CounterInit(&Calls);
    Gate = Inside = 0;
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, &SlowTable, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Server, WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, NULL), STATUS_SUCCESS);
    BOOLEAN came = CounterWait(&Calls, 1);
    NTSTATUS returned = StartClose(&close, pair.Server);
    BOOLEAN early = CallIsDone(&close);
    (void)Send(pair.Client, out, 1000, 0, NULL);
    InterlockedExchange(&Gate, 1);
    NTSTATUS status = CallFinish(&close);
    CHECK(came && !early && !ReadAcquire(&Inside));
    CHECK_STATUS(returned, STATUS_PENDING);
    CHECK_STATUS(status, STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Calls), 1); /* nothing comes after a close */
}

TEST(dead_sockets_close, "WSK-CLOSE-09 D62")
{
    PAIR pair;
    CALL receive;
    BUFFER *in = MakeBuffer(10);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(StartReceive(&receive, pair.Server, in, 10, 0), STATUS_PENDING);
    if (!NT_SUCCESS(LoseSocket(pair.Server)) || !NT_SUCCESS(LoseSocket(pair.Listener))) {
        TestSkip("no hook to lose a socket");
        CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
        (void)CallFinish(&receive);
        return;
    }
    CHECK_STATUS(Close(pair.Server), STATUS_SUCCESS);
    CHECK(CallIsDone(&receive)); /* with failure, by the loss or by the close */
    CHECK(!NT_SUCCESS(CallFinish(&receive)));
    CHECK_STATUS(Close(pair.Listener), STATUS_SUCCESS);
}

TEST(not_cancellable, "D08")
{
    PAIR pair;
    CALL close;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    (void)StartClose(&close, pair.Client);
    (void)IoCancelIrp(close.Irp);
    CHECK_STATUS(CallFinish(&close), STATUS_SUCCESS);
}

TEST(keeps_the_cached_descriptor, "WSK-CLOSE-07 WSK-SEC-02")
{
    SECURITY_DESCRIPTOR sd;
    PSECURITY_DESCRIPTOR given = &sd, cached = NULL;
    PWSK_SOCKET s;
    CALL call;

    CHECK_STATUS(RtlCreateSecurityDescriptor(&sd, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
    CHECK_STATUS(Wsk->WskControlClient(Client, WSK_CACHE_SD, sizeof(given), &given, sizeof(cached),
                                       &cached, NULL, NULL),
                 STATUS_SUCCESS);
    CHECK(cached != NULL);
    PIRP irp = CallBeginSocket(&call);
    CHECK_STATUS(
        CallEnd(&call, Wsk->WskSocket(Client, AF_INET, SOCK_STREAM, IPPROTO_TCP,
                                      WSK_FLAG_LISTEN_SOCKET, NULL, NULL, NULL, NULL, cached, irp)),
        STATUS_SUCCESS);
    s = (PWSK_SOCKET)call.Information;
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
    CHECK_STATUS(
        Wsk->WskControlClient(Client, WSK_RELEASE_SD, sizeof(cached), &cached, 0, NULL, NULL, NULL),
        STATUS_SUCCESS);
}

TESTS(ROW(every_category_and_state) ROW(ends_requests) ROW(ends_a_datagram_receive)
          ROW(resets_an_open_connection) ROW(no_reset_after_both_ends) ROW(waits_for_callbacks)
              ROW(dead_sockets_close) ROW(not_cancellable) ROW(keeps_the_cached_descriptor))
