/* receive.c: WskReceive and WskReceiveEx: requests, flags, the end of the stream, cancellation. */
#include "conformance.h"

static BOOLEAN Pair4(PAIR *Pair)
{
    NTSTATUS status = MakePair(AF_INET, NULL, NULL, NULL, NULL, Pair);

    if (!NT_SUCCESS(status))
        TestFail(__FILE__, __LINE__, "no pair: 0x%08x", status);
    return NT_SUCCESS(status);
}

/* Waits until so many bytes lie in the socket unread. */
static void Arrived(PWSK_SOCKET Socket, SIZE_T Bytes)
{
    SIZE_T have = 0, n;

    for (ULONG i = 0; i < 1000 && have < Bytes; i++) {
        Settle();
        if (!NT_SUCCESS(
                Ioctl(Socket, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &have, sizeof(have), &n)))
            break;
    }
    if (have != Bytes)
        TestFail(__FILE__, __LINE__, "%u bytes arrived, not %u", (ULONG)have, (ULONG)Bytes);
}

TEST(available_data, "WSK-RECV-01")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(4000);
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, &n), STATUS_SUCCESS);
    Arrived(pair.Server, 1000);
    CHECK_STATUS(Receive(pair.Server, in, 300, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 300);
    CHECK_STATUS(Receive(pair.Server, in, 4000, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 700);
    CHECK(IsPattern(in->Data, 700, 1, 300));
    CHECK_EQ(in->Data[700], 0); /* nothing behind them was touched */
}

TEST(pends_without_data, "WSK-RECV-02 WSK-RECV-01")
{
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(100);

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 100, 0), STATUS_PENDING);
    CHECK(!CallIsDone(&call));
    CHECK_STATUS(Send(pair.Client, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 10);
    CHECK(IsPattern(in->Data, 10, 1, 0));
}

TEST(several_in_order, "D30 WSK-RECV-01")
{
    PAIR pair;
    CALL calls[8];
    BUFFER *in[8], *out = MakePattern(800, 5);

    if (!Pair4(&pair))
        return;
    for (ULONG i = 0; i < 8; i++) {
        in[i] = MakeBuffer(100);
        CHECK_STATUS(StartReceive(&calls[i], pair.Server, in[i], 100, 0), STATUS_PENDING);
    }
    CHECK_STATUS(Send(pair.Client, out, 800, 0, NULL), STATUS_SUCCESS);
    for (ULONG i = 8; i-- > 0;) { /* the last one first: then all before it are done */
        CHECK_STATUS(CallWait(&calls[i]), STATUS_SUCCESS);
        for (ULONG k = 0; k < i; k++)
            CHECK(CallIsDone(&calls[k]));
    }
    SIZE_T at = 0;
    for (ULONG i = 0; i < 8; i++) {
        CHECK(IsPattern(in[i]->Data, calls[i].Information, 5, at));
        at += calls[i].Information;
        CallFree(&calls[i]);
    }
    CHECK_EQ(at, 800);
}

TEST(chain_with_offset, "WSK-BUF-01 WSK-BUF-03 WSK-BUF-09")
{
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(150, 5), *a = MakeBuffer(100), *b = MakeBuffer(100);

    if (!Pair4(&pair))
        return;
    a->Buf.Mdl->Next = b->Buf.Mdl;
    WSK_BUF buf = { a->Buf.Mdl, 40, 140 };
    CHECK_STATUS(Send(pair.Client, out, 150, 0, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    NTSTATUS status = CallEnd(
        &call, CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &buf, WSK_FLAG_WAITALL, irp));
    a->Buf.Mdl->Next = NULL;
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(call.Information, 140);
    CHECK(IsPattern(a->Data + 40, 60, 5, 0));
    CHECK(IsPattern(b->Data, 80, 5, 60));
    CHECK_EQ(a->Data[39], 0);
    CHECK_EQ(b->Data[80], 0);
    CHECK_EQ(buf.Length, 140);
}

TEST(end_of_stream, "D32 WSK-RECV-02")
{
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(50, 5), *in = MakeBuffer(100);
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(Send(pair.Client, out, 50, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 100, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 50);
    for (ULONG i = 0; i < 3; i++) {
        CHECK_STATUS(Receive(pair.Server, in, 100, i == 1 ? WSK_FLAG_WAITALL : 0, &n),
                     STATUS_SUCCESS);
        CHECK_EQ(n, 0);
    }
    CHECK_STATUS(Receive(pair.Server, in, 0, WSK_FLAG_DRAIN, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    /* and one that waits for it */
    CHECK_STATUS(StartReceive(&call, pair.Client, in, 100, 0), STATUS_PENDING);
    CHECK_STATUS(Disconnect(pair.Server, 0), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
}

TEST(wait_for_all, "WSK-RECV-05")
{
    PAIR pair;
    CALL call, behind;
    BUFFER *out = MakePattern(300, 6), *in = MakeBuffer(200), *rest = MakeBuffer(100);

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 200, WSK_FLAG_WAITALL), STATUS_PENDING);
    CHECK_STATUS(StartReceive(&behind, pair.Server, rest, 100, 0), STATUS_PENDING);
    for (ULONG i = 0; i < 3; i++) {
        WSK_BUF part = { out->Buf.Mdl, i * 50, 50 };
        CALL send;
        PIRP irp = CallBegin(&send);
        CHECK_STATUS(
            CallEnd(&send,
                    CONNECTION_OF(pair.Client)->WskSend(pair.Client, &part, WSK_FLAG_NODELAY, irp)),
            STATUS_SUCCESS);
        Settle();
        CHECK(!CallIsDone(&call));
        CHECK(!CallIsDone(&behind));
    }
    WSK_BUF part = { out->Buf.Mdl, 150, 100 };
    CALL send;
    PIRP irp = CallBegin(&send);
    CHECK_STATUS(CallEnd(&send, CONNECTION_OF(pair.Client)->WskSend(pair.Client, &part, 0, irp)),
                 STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 200);
    CHECK(IsPattern(in->Data, 200, 6, 0));
    CHECK_STATUS(CallFinish(&behind), STATUS_SUCCESS);
    CHECK_EQ(behind.Information, 50);
    CHECK(IsPattern(rest->Data, 50, 6, 200));
}

TEST(wait_for_all_ends_short, "WSK-RECV-05 D32")
{
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(70, 6), *in = MakeBuffer(200);
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 200, WSK_FLAG_WAITALL), STATUS_PENDING);
    CHECK_STATUS(Send(pair.Client, out, 70, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 70);
    CHECK(IsPattern(in->Data, 70, 6, 0));
    CHECK_STATUS(Receive(pair.Server, in, 200, WSK_FLAG_WAITALL, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
}

TEST(wait_for_all_and_aborts, "WSK-RECV-05 D33 D06")
{
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(70, 6), *in = MakeBuffer(200);

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 200, WSK_FLAG_WAITALL), STATUS_PENDING);
    CHECK_STATUS(Send(pair.Client, out, 70, 0, NULL), STATUS_SUCCESS);
    Settle();
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_CONNECTION_RESET);
    CHECK_EQ(call.Information, 0);

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 200, WSK_FLAG_WAITALL), STATUS_PENDING);
    CHECK_STATUS(Send(pair.Client, out, 70, 0, NULL), STATUS_SUCCESS);
    Settle();
    CHECK_STATUS(Disconnect(pair.Server, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_CONNECTION_ABORTED);
    CHECK_EQ(call.Information, 0);
}

TEST(cancelled, "D08 D09 WSK-RECV-02 WSK-RECV-05 WSK-RECV-06")
{
    PAIR pair;
    CALL call, second;
    BUFFER *out = MakePattern(70, 6), *in = MakeBuffer(200), *other = MakeBuffer(200);
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 200, 0), STATUS_PENDING);
    CHECK_STATUS(StartReceive(&second, pair.Server, other, 200, 0), STATUS_PENDING);
    CHECK(IoCancelIrp(call.Irp));
    CHECK_STATUS(CallFinish(&call), STATUS_CANCELLED);
    CHECK_EQ(call.Information, 0);
    CHECK(!CallIsDone(&second));
    CHECK_STATUS(Send(pair.Client, out, 70, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&second), STATUS_SUCCESS); /* the cancelled one took nothing */
    CHECK_EQ(second.Information, 70);

    /* WAITALL: what is in the buffer already is consumed and counted. */
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 200, WSK_FLAG_WAITALL), STATUS_PENDING);
    CHECK_STATUS(Send(pair.Client, out, 70, 0, NULL), STATUS_SUCCESS);
    Settle();
    CHECK(IoCancelIrp(call.Irp));
    CHECK_STATUS(CallFinish(&call), STATUS_CANCELLED);
    CHECK_EQ(call.Information, 70);
    CHECK(IsPattern(in->Data, 70, 6, 0));

    CHECK_STATUS(StartReceive(&call, pair.Server, in, 0, WSK_FLAG_DRAIN), STATUS_PENDING);
    CHECK(IoCancelIrp(call.Irp));
    CHECK_STATUS(CallFinish(&call), STATUS_CANCELLED);
    CHECK_EQ(call.Information, 0);
    /* The stream goes on behind it. */
    CHECK_STATUS(Send(pair.Client, out, 5, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 200, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 5);
}

TEST(cancelled_before_the_call, "D08 WSK-IRP-01")
{
    PAIR pair;
    CALL call;
    BUFFER *in = MakeBuffer(200);

    if (!Pair4(&pair))
        return;
    PIRP irp = CallBegin(&call);
    CHECK(!IoCancelIrp(irp)); /* nobody has it yet, but the mark stays */
    NTSTATUS status =
        CallEnd(&call, CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &in->Buf, 0, irp));
    CHECK_STATUS(status, STATUS_CANCELLED);
    CHECK_EQ(call.Information, 0);
}

TEST(drain, "WSK-RECV-06 WSK-RECV-07 D32")
{
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(100000, 6), *in = MakeBuffer(200);
    WSK_BUF none = { NULL, 0, 0 };
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(Send(pair.Client, out, 50, 0, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &none, WSK_FLAG_DRAIN, irp);
    CHECK_STATUS(status, STATUS_PENDING);
    CallStarted(&call, status);
    for (ULONG i = 0; i < 50; i++) /* more than any buffer holds: it is thrown away */
        CHECK_STATUS(Send(pair.Client, out, 100000, 0, NULL), STATUS_SUCCESS);
    CHECK(!CallIsDone(&call));
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(Receive(pair.Server, in, 200, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
}

TEST(drain_and_aborts, "WSK-RECV-06 D33")
{
    PAIR pair;
    CALL call;
    BUFFER *in = MakeBuffer(200);

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 0, WSK_FLAG_DRAIN), STATUS_PENDING);
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_CONNECTION_RESET);
    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 0, WSK_FLAG_DRAIN), STATUS_PENDING);
    CHECK_STATUS(Disconnect(pair.Server, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_CONNECTION_ABORTED);
}

TEST(empty_buffer, "WSK-RECV-08 WSK-BUF-02 D17")
{
    PAIR pair;
    CALL call, waiting;
    BUFFER *out = MakePattern(70, 6), *in = MakeBuffer(200);
    WSK_BUF none = { NULL, 123, 0 };

    if (!Pair4(&pair))
        return;
    PIRP irp = CallBegin(&call);
    CallStarted(&call, CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &none, 0, irp));
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(StartReceive(&waiting, pair.Server, in, 200, 0), STATUS_PENDING);
    (void)StartReceive(&call, pair.Server, in, 0, 0); /* waits neither for data nor for its turn */
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK(!CallIsDone(&waiting));
    CHECK_STATUS(Send(pair.Client, out, 70, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&waiting), STATUS_SUCCESS);
    CHECK_EQ(waiting.Information, 70);
}

TEST(unknown_flag, "WSK-RECV-04 D35 D06")
{
    static const ULONG flags[] = { 1, 8, 0x10, 0x80000000, WSK_FLAG_WAITALL | 8 };
    PAIR pair;
    BUFFER *in = MakeBuffer(200);
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    for (ULONG i = 0; i < RTL_NUMBER_OF(flags); i++) {
        CHECK_STATUS(Receive(pair.Server, in, 200, flags[i], &n), STATUS_NOT_SUPPORTED);
        CHECK_EQ(n, 0);
    }
}

TEST(reset_by_the_peer, "WSK-RECV-02 D33 D06")
{
    PAIR pair;
    CALL call, second;
    BUFFER *in = MakeBuffer(200), *other = MakeBuffer(200);
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(StartReceive(&call, pair.Server, in, 200, 0), STATUS_PENDING);
    CHECK_STATUS(StartReceive(&second, pair.Server, other, 200, 0), STATUS_PENDING);
    CHECK_STATUS(Disconnect(pair.Client, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_CONNECTION_RESET);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(CallFinish(&second), STATUS_CONNECTION_RESET);
    /* It stays so. */
    CHECK_STATUS(Receive(pair.Server, in, 200, 0, &n), STATUS_CONNECTION_RESET);
    CHECK_STATUS(Receive(pair.Server, in, 200, WSK_FLAG_WAITALL, &n), STATUS_CONNECTION_RESET);
    CHECK_STATUS(Receive(pair.Server, in, 0, WSK_FLAG_DRAIN, &n), STATUS_CONNECTION_RESET);
}

TEST(dead_socket, "WSK-RECV-03 D62")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(200);
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    if (!NT_SUCCESS(LoseSocket(pair.Server))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK_STATUS(Receive(pair.Server, in, 200, 0, &n), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Receive(pair.Server, in, 0, 0, &n), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Receive(pair.Server, in, 0, WSK_FLAG_DRAIN, &n), STATUS_FILE_FORCED_CLOSED);
}

TEST(receive_backlog, "WSK-IOCTL-06")
{
    PAIR pair;
    BUFFER *out = MakePattern(700, 6), *in = MakeBuffer(500);
    SIZE_T n, backlog = 1;

    if (!Pair4(&pair))
        return;
    CHECK_STATUS(
        Ioctl(pair.Server, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &backlog, sizeof(backlog), &n),
        STATUS_SUCCESS);
    CHECK_EQ(n, sizeof(SIZE_T));
    CHECK_EQ(backlog, 0);
    CHECK_STATUS(Send(pair.Client, out, 700, 0, NULL), STATUS_SUCCESS);
    Arrived(pair.Server, 700);
    CHECK_STATUS(Receive(pair.Server, in, 500, 0, &n), STATUS_SUCCESS);
    Arrived(pair.Server, 200);
}

static NTSTATUS ReceiveEx(PWSK_SOCKET Socket, WSK_BUF *Buf, ULONG Flags, PULONG Length,
                          PCMSGHDR Control, PULONG ControlFlags, SIZE_T *Received)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status = CallEnd(&call, CONNECTION_OF(Socket)->WskReceiveEx(
                                         Socket, Buf, Flags, Length, Control, ControlFlags, irp));

    *Received = call.Information;
    return status;
}

TEST(receive_ex, "WSK-RCVX-01 WSK-RCVX-02 D36")
{
    PAIR pair;
    BUFFER *out = MakePattern(100, 3), *in = MakeBuffer(100);
    UCHAR control[64];
    ULONG length = sizeof(control), untouched = 0xabcd;
    SIZE_T n;

    if (!Pair4(&pair))
        return;
    RtlFillMemory(control, sizeof(control), 0x5a);
    CHECK_STATUS(Send(pair.Client, out, 100, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(
        ReceiveEx(pair.Server, &in->Buf, WSK_FLAG_WAITALL, &length, (PCMSGHDR)control, NULL, &n),
        STATUS_SUCCESS);
    CHECK_EQ(n, 100);
    CHECK(IsPattern(in->Data, 100, 3, 0));
    CHECK_EQ(length, 0);
    CHECK_EQ(control[0], 0x5a);
    CHECK_STATUS(Send(pair.Client, out, 100, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveEx(pair.Server, &in->Buf, 0, NULL, (PCMSGHDR)control, &untouched, &n),
                 STATUS_SUCCESS);
    CHECK_EQ(n, 100);
    CHECK_EQ(untouched, 0xabcd);
    CHECK_EQ(control[0], 0x5a);
    CHECK_STATUS(ReceiveEx(pair.Server, &in->Buf, 0x100, NULL, NULL, NULL, &n),
                 STATUS_NOT_SUPPORTED);
}

TESTS(ROW(available_data) ROW(pends_without_data) ROW(several_in_order) ROW(chain_with_offset)
          ROW(end_of_stream) ROW(wait_for_all) ROW(wait_for_all_ends_short)
              ROW(wait_for_all_and_aborts) ROW(cancelled) ROW(cancelled_before_the_call) ROW(drain)
                  ROW(drain_and_aborts) ROW(empty_buffer) ROW(unknown_flag) ROW(reset_by_the_peer)
                      ROW(dead_socket) ROW(receive_backlog) ROW(receive_ex))
