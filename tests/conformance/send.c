/* send.c: WskSend and WskSendEx: order, completeness, flags, cancellation. */
#include "conformance.h"

#define BIG (8 * 1024 * 1024) /* more than both kernels' buffers of one connection hold */

/* A connection whose client has a send under way that cannot end: the server reads nothing. */
static BOOLEAN Clog(PAIR *Pair, CALL *Call, BUFFER **Big)
{
    *Big = MakePattern(BIG, 11);
    NTSTATUS status = MakePair(AF_INET, NULL, NULL, NULL, NULL, Pair);
    if (!NT_SUCCESS(status)) {
        TestFail(__FILE__, __LINE__, "no pair: 0x%08x", status);
        return FALSE;
    }
    status = StartSend(Call, Pair->Client, *Big, BIG, 0);
    if (status != STATUS_PENDING)
        TestFail(__FILE__, __LINE__, "a send that does not fit returned 0x%08x", status);
    return !TestFailed();
}

TEST(sends_whole_length, "WSK-SEND-01 WSK-SEND-03 WSK-SEND-06 D29")
{
    static const SIZE_T sizes[] = { 1, 2, 1459, 1460, 65535, 65536, 300000 };
    PAIR pair;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(sizes); i++) {
        BUFFER *out = MakePattern(sizes[i], i), *in = MakeBuffer(sizes[i]);
        CALL send;
        (void)StartSend(&send, pair.Client, out, sizes[i], (i & 1) ? WSK_FLAG_NODELAY : 0);
        CHECK_STATUS(ReceiveAll(pair.Server, in, sizes[i]), STATUS_SUCCESS);
        CHECK_STATUS(CallFinish(&send), STATUS_SUCCESS);
        CHECK_EQ(send.Information, sizes[i]);
        CHECK(IsPattern(in->Data, sizes[i], i, 0));
    }
}

TEST(pends_until_taken, "WSK-SEND-02 WSK-SEND-03 WSK-SEND-07 WSK-DISC-04")
{
    PAIR pair;
    CALL send;
    BUFFER *big, *in = MakeBuffer(BIG);

    if (!Clog(&pair, &send, &big))
        return;
    CHECK(!CallIsDone(&send));
    CHECK_STATUS(ReceiveAll(pair.Server, in, BIG), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&send), STATUS_SUCCESS);
    CHECK_EQ(send.Information, BIG);
    CHECK(IsPattern(in->Data, BIG, 11, 0));
}

TEST(reads_memory_in_place, "WSK-SEND-07 WSK-BUF-09")
{
    PAIR pair;
    CALL send, behind;
    BUFFER *big, *in = MakeBuffer(BIG);

    if (!Clog(&pair, &send, &big))
        return;
    /*
     * The last byte is far from being taken: the subsystem must still see a change of it. Once all
     * has settled it looks at none until the server reads, and the request behind makes the change
     * visible to the thread that looks.
     */
    Settle();
    UCHAR changed = (UCHAR)~big->Data[BIG - 1];
    big->Data[BIG - 1] = changed;
    MDL before = *big->Buf.Mdl;
    CHECK_STATUS(StartSend(&behind, pair.Client, big, 0, 0), STATUS_PENDING);
    CHECK_STATUS(ReceiveAll(pair.Server, in, BIG), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&send), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&behind), STATUS_SUCCESS);
    CHECK_EQ(in->Data[BIG - 1], changed);
    CHECK(big->Buf.Mdl->Next == before.Next && big->Buf.Mdl->MdlFlags == before.MdlFlags);
    CHECK(big->Buf.Mdl->StartVa == before.StartVa && big->Buf.Mdl->ByteOffset == before.ByteOffset);
    CHECK_EQ(big->Buf.Mdl->ByteCount, before.ByteCount);
}

TEST(queued_in_call_order, "WSK-SEND-08 D30 D31")
{
    PAIR pair;
    CALL first, empty, last, rest;
    BUFFER *big, *in = MakeBuffer(BIG), *a = MakePattern(1000, 1), *b = MakePattern(500, 2);

    if (!Clog(&pair, &first, &big))
        return;
    CHECK_STATUS(StartSend(&rest, pair.Client, a, 1000, 0), STATUS_PENDING);
    CHECK_STATUS(StartSend(&empty, pair.Client, b, 0, 0), STATUS_PENDING);
    CHECK_STATUS(StartSend(&last, pair.Client, b, 500, WSK_FLAG_NODELAY), STATUS_PENDING);
    CHECK(!CallIsDone(&empty));
    CHECK_STATUS(ReceiveAll(pair.Server, in, BIG), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, BIG, 11, 0));
    CHECK_STATUS(ReceiveAll(pair.Server, in, 1500), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 1000, 1, 0));
    CHECK(IsPattern(in->Data + 1000, 500, 2, 0));
    CHECK_STATUS(CallFinish(&last), STATUS_SUCCESS);
    CHECK_EQ(last.Information, 500);
    CHECK(CallIsDone(&first) && CallIsDone(&rest) && CallIsDone(&empty)); /* in order */
    CHECK_STATUS(CallFinish(&first), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&rest), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&empty), STATUS_SUCCESS);
    CHECK_EQ(empty.Information, 0);
}

TEST(empty_send, "D31 WSK-BUF-02")
{
    PAIR pair;
    BUFFER *out = MakePattern(10, 3), *in = MakeBuffer(10);
    WSK_BUF none = { NULL, 77, 0 };
    CALL call;
    SIZE_T n = 99;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 0, 0, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 0);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, CONNECTION_OF(pair.Client)->WskSend(pair.Client, &none, 0, irp)),
                 STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(Send(pair.Client, out, 10, 0, &n), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, &n),
                 STATUS_SUCCESS); /* no empty read came before */
    CHECK_EQ(n, 10);
}

TEST(chain_with_offset, "WSK-BUF-01 WSK-SEND-01")
{
    PAIR pair;
    BUFFER *a = MakePattern(100, 1), *b = MakePattern(200, 2), *c = MakePattern(300, 3);
    BUFFER *in = MakeBuffer(600);
    CALL call;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    a->Buf.Mdl->Next = b->Buf.Mdl;
    b->Buf.Mdl->Next = c->Buf.Mdl;
    WSK_BUF buf = { a->Buf.Mdl, 30, 70 + 200 + 11 };
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, CONNECTION_OF(pair.Client)->WskSend(pair.Client, &buf, 0, irp));
    a->Buf.Mdl->Next = b->Buf.Mdl->Next = NULL;
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(call.Information, 281);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 281), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 70, 1, 30));
    CHECK(IsPattern(in->Data + 70, 200, 2, 0));
    CHECK(IsPattern(in->Data + 270, 11, 3, 0));
}

TEST(unknown_flag, "WSK-SEND-05 D35 D06")
{
    static const ULONG flags[] = { 1, 4, 8, 0x100, 0x80000000, WSK_FLAG_NODELAY | 4 };
    PAIR pair;
    BUFFER *out = MakePattern(10, 3);
    SIZE_T n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(flags); i++) {
        CHECK_STATUS(Send(pair.Client, out, 10, flags[i], &n), STATUS_NOT_SUPPORTED);
        CHECK_EQ(n, 0);
    }
}

TEST(cancel_of_a_queued_send, "D08 D09 WSK-IRP-01")
{
    PAIR pair;
    CALL begun, queued;
    BUFFER *big, *in = MakeBuffer(BIG), *more = MakePattern(5000, 4);
    SIZE_T n;

    if (!Clog(&pair, &begun, &big))
        return;
    CHECK_STATUS(StartSend(&queued, pair.Client, more, 5000, 0), STATUS_PENDING);
    /* Bytes of the first are on their way: its cancel is ignored. Nothing of the second is. */
    CHECK(IoCancelIrp(begun.Irp));
    CHECK(IoCancelIrp(queued.Irp));
    CHECK_STATUS(CallFinish(&queued), STATUS_CANCELLED);
    CHECK_EQ(queued.Information, 0);
    CHECK(!CallIsDone(&begun));
    CHECK_STATUS(ReceiveAll(pair.Server, in, BIG), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&begun), STATUS_SUCCESS);
    CHECK_EQ(begun.Information, BIG);
    CHECK_STATUS(Disconnect(pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, &n),
                 STATUS_SUCCESS); /* nothing of the cancelled one */
    CHECK_EQ(n, 0);
}

TEST(peer_resets_under_a_send, "WSK-SEND-01 D33 D06")
{
    PAIR pair;
    CALL send, queued;
    BUFFER *big, *more = MakePattern(5000, 4);

    if (!Clog(&pair, &send, &big))
        return;
    CHECK_STATUS(StartSend(&queued, pair.Client, more, 5000, 0), STATUS_PENDING);
    CHECK_STATUS(Disconnect(pair.Server, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&send), STATUS_CONNECTION_RESET);
    CHECK_EQ(send.Information, 0);
    NTSTATUS status = CallFinish(&queued);
    CHECK(status == STATUS_CONNECTION_RESET || status == STATUS_CONNECTION_ABORTED);
    CHECK_EQ(queued.Information, 0);
}

TEST(send_after_reset, "D33")
{
    PAIR pair;
    BUFFER *out = MakePattern(10, 3), *in = MakeBuffer(10);
    SIZE_T n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(pair.Server, WSK_FLAG_ABORTIVE), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Client, in, 10, 0, &n), STATUS_CONNECTION_RESET);
    NTSTATUS status = Send(pair.Client, out, 10, 0, &n);
    CHECK(status == STATUS_CONNECTION_RESET || status == STATUS_CONNECTION_ABORTED);
    CHECK_EQ(n, 0);
}

TEST(nodelay_flag_keeps_the_option, "D57 WSK-SEND-06")
{
    PAIR pair;
    BUFFER *out = MakePattern(10, 3), *in = MakeBuffer(20);
    ULONG value = 7;
    SIZE_T n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(pair.Client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 0);
    CHECK_STATUS(Send(pair.Client, out, 10, 0, &n), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 10, WSK_FLAG_NODELAY, &n), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 20), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(pair.Client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 0);
    value = 1;
    CHECK_STATUS(SetOption(pair.Client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)),
                 STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 10, 0, &n), STATUS_SUCCESS);
    value = 0;
    CHECK_STATUS(GetOption(pair.Client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 1);
}

TEST(dead_socket, "WSK-SEND-04 D62")
{
    PAIR pair;
    BUFFER *out = MakePattern(10, 3);
    SIZE_T n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    if (!NT_SUCCESS(LoseSocket(pair.Client))) {
        TestSkip("no hook to lose a socket");
        return;
    }
    CHECK_STATUS(Send(pair.Client, out, 10, 0, &n), STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(n, 0);
    CHECK_STATUS(Send(pair.Client, out, 0, 0, &n), STATUS_FILE_FORCED_CLOSED);
}

static NTSTATUS SendEx(PWSK_SOCKET Socket, WSK_BUF *Buf, ULONG Flags, ULONG Length,
                       PCMSGHDR Control, SIZE_T *Sent)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, CONNECTION_OF(Socket)->WskSendEx(Socket, Buf, Flags, Length, Control, irp));

    *Sent = call.Information;
    return status;
}

TEST(send_ex, "WSK-SNDX-01 D36")
{
    PAIR pair;
    BUFFER *out = MakePattern(100, 3), *in = MakeBuffer(200);
    union {
        CMSGHDR Header;
        UCHAR Room[32];
    } control = { { 0 } };
    SIZE_T n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(SendEx(pair.Client, &out->Buf, 0, 0, NULL, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 100);
    CHECK_STATUS(SendEx(pair.Client, &out->Buf, WSK_FLAG_NODELAY, 0, NULL, &n), STATUS_SUCCESS);
    CHECK_EQ(n, 100);
    CHECK_STATUS(SendEx(pair.Client, &out->Buf, 0x100, 0, NULL, &n), STATUS_NOT_SUPPORTED);
    control.Header.cmsg_len = sizeof(control);
    control.Header.cmsg_level = IPPROTO_TCP;
    control.Header.cmsg_type = 99;
    CHECK_STATUS(SendEx(pair.Client, &out->Buf, 0, sizeof(control), &control.Header, &n),
                 STATUS_NOT_SUPPORTED);
    CHECK_EQ(n, 0);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 200), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 100, 3, 0));
    CHECK(IsPattern(in->Data + 100, 100, 3, 0));
}

TESTS(ROW(sends_whole_length) ROW(pends_until_taken) ROW(reads_memory_in_place)
          ROW(queued_in_call_order) ROW(empty_send) ROW(chain_with_offset) ROW(unknown_flag)
              ROW(cancel_of_a_queued_send) ROW(peer_resets_under_a_send) ROW(send_after_reset)
                  ROW(nodelay_flag_keeps_the_option) ROW(dead_socket) ROW(send_ex))
