/*
 * overtaken.c: a driver whose sockets have both an enabled event and a waiting request, so that
 * what arrives may go either way (WSK-RECV-11, WSK-RFROM-11, WSK-ACC-08). It prints who was first,
 * and fails when something is lost, or comes twice or out of order.
 */
#include "conformance.h"

#define BYTES 50
#define TRIES 40

static struct {
    COUNTER Calls;
    LONG Bytes;
    UCHAR First;        /* the first byte that was indicated */
    UCHAR Times[BYTES]; /* how often each byte of the stream came */
} Seen;

static void Count(const UCHAR *Data, SIZE_T Length)
{
    for (SIZE_T i = 0; i < Length; i++) {
        CHECK(Data[i] < BYTES && Data[i] == Data[0] + i);
        Seen.Times[Data[i] % BYTES]++;
    }
}

static void Look(const WSK_BUF *Buffer)
{
    PUCHAR Data = MmGetSystemAddressForMdlSafe(Buffer->Mdl, NormalPagePriority);

    if (!Data)
        return;
    if (Seen.Bytes == 0)
        Seen.First = Data[Buffer->Offset];
    Seen.Bytes += (LONG)Buffer->Length;
}

static NTSTATUS NTAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Indication,
                                SIZE_T Bytes, SIZE_T *Accepted)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Bytes);
    UNREFERENCED_PARAMETER(Accepted);
    for (; Indication; Indication = Indication->Next) {
        PUCHAR Data = MmGetSystemAddressForMdlSafe(Indication->Buffer.Mdl, NormalPagePriority);
        if (Data)
            Count(Data + Indication->Buffer.Offset, Indication->Buffer.Length);
        Look(&Indication->Buffer);
    }
    CounterAdd(&Seen.Calls);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnReceiveFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Indication)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    for (; Indication; Indication = Indication->Next)
        Look(&Indication->Buffer);
    CounterAdd(&Seen.Calls);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                               PWSK_SOCKET Socket, PVOID *AcceptContext,
                               const WSK_CLIENT_CONNECTION_DISPATCH **Table)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(AcceptContext);
    UNREFERENCED_PARAMETER(Table);
    CounterAdd(&Seen.Calls);
    return Socket ? STATUS_REQUEST_NOT_ACCEPTED : STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH ConnectionTable = { OnReceive, NULL, NULL };
static const WSK_CLIENT_DATAGRAM_DISPATCH DatagramTable = { OnReceiveFrom };
static const WSK_CLIENT_LISTEN_DISPATCH ListenTable = { OnAccept, NULL, NULL };

static void Begin(void)
{
    RtlZeroMemory(&Seen, sizeof(Seen));
    CounterInit(&Seen.Calls);
}

static void Say(const char *What, BOOLEAN Overtaken)
{
    DbgPrint("%s: the %s was first\n", What, Overtaken ? "event" : "request");
}

TEST(receive, "WSK-RECV-11")
{
    PAIR Pair;
    CALL Call;
    BUFFER *In = MakeBuffer(BYTES), *Out = MakeBuffer(BYTES);
    SIZE_T Sent;

    Begin();
    for (UCHAR i = 0; i < BYTES; i++)
        Out->Data[i] = i;
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, &ConnectionTable, &Pair), STATUS_SUCCESS);
    CHECK_STATUS(Events(Pair.Server, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    Settle(); /* the event is armed: what comes is held by the subsystem */
    CHECK_STATUS(StartReceive(&Call, Pair.Server, In, BYTES, 0), STATUS_PENDING);
    CHECK_STATUS(Send(Pair.Client, Out, BYTES, 0, &Sent), STATUS_SUCCESS);
    CHECK_STATUS(Disconnect(Pair.Client, 0), STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&Call), STATUS_SUCCESS);
    CHECK_STATUS(Close(Pair.Server), STATUS_SUCCESS);
    Disown(Pair.Server);
    /* Some to the one, some to the other, by turns: each byte once, and none before another. */
    Count(In->Data, Call.Information);
    for (LONG i = 0; i < BYTES; i++)
        CHECK_EQ(Seen.Times[i], i < Seen.Bytes + (LONG)Call.Information);
    Say("receive", Seen.Bytes && Seen.First == 0);
}

TEST(receive_from, "WSK-RFROM-11")
{
    PWSK_SOCKET A, B;
    SOCKADDR_INET At, To;
    BUFFER *In = MakeBuffer(BYTES), *Out = MakeBuffer(BYTES);
    CALL Call;
    SIZE_T Sent;

    Begin();
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &A), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, &DatagramTable, &B), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(A, AF_INET, &At), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(B, AF_INET, &To), STATUS_SUCCESS);
    CHECK_STATUS(Events(B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    Settle();
    PIRP Irp = CallBegin(&Call);
    CallStarted(&Call, DATAGRAM_OF(B)->WskReceiveFrom(B, &In->Buf, 0, NULL, NULL, NULL, NULL, Irp));
    UCHAR Tried = 0;
    for (; Tried < TRIES && !CallIsDone(&Call); Tried++) {
        Out->Data[0] = Tried;
        CHECK_STATUS(SendTo(A, Out, 10, &To, &Sent), STATUS_SUCCESS);
        Settle();
    }
    if (!CallIsDone(&Call))
        IoCancelIrp(Irp);
    (void)CallFinish(&Call);
    CHECK(!Call.Information || In->Data[0] < Tried); /* some may be lost, or come twice */
    Say("receive from", Seen.Bytes && Seen.First == 0);
}

TEST(accept, "WSK-ACC-08")
{
    PWSK_SOCKET Listener, Client;
    SOCKADDR_INET At;
    CALL Call;

    Begin();
    CHECK_STATUS(OpenListen(AF_INET, NULL, &ListenTable, &Listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Listener, AF_INET, &At), STATUS_SUCCESS);
    CHECK_STATUS(Events(Listener, WSK_EVENT_ACCEPT), STATUS_SUCCESS);
    Settle();
    CHECK_STATUS(StartAccept(&Call, Listener, NULL, NULL), STATUS_PENDING);
    for (ULONG i = 0; i < TRIES && !CallIsDone(&Call); i++) {
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &Client), STATUS_SUCCESS);
        SOCKADDR_INET Any;
        CHECK_STATUS(BindLoopback(Client, AF_INET, &Any), STATUS_SUCCESS);
        (void)Connect(Client, &At);
        Settle();
    }
    BOOLEAN Overtaken = CounterValue(&Seen.Calls) > 0;
    if (!CallIsDone(&Call))
        IoCancelIrp(Call.Irp);
    (void)CallFinish(&Call);
    Say("accept", Overtaken);
}

TESTS(ROW(receive) ROW(receive_from) ROW(accept))
