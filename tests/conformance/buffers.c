/* buffers.c: WSK_BUF and MDL chains (3.31), and how long what a driver passes must live (D27, D28).
 */
#include "conformance.h"

#define TAG       'bfuB'
#define MAX_CHAIN 900
#define GUARD     0x3c

/* A chain of MDLs over pieces of one allocation, with guard bytes between the pieces. */
typedef struct _CHAIN {
    PUCHAR Memory;
    SIZE_T Room;
    ULONG Count;
    PMDL Mdls[MAX_CHAIN];
    MDL Copies[MAX_CHAIN];
    SIZE_T Total;
} CHAIN;
static CHAIN Out, In;

static void FreeChain(CHAIN *Chain)
{
    for (ULONG i = 0; i < Chain->Count; i++)
        IoFreeMdl(Chain->Mdls[i]);
    if (Chain->Memory)
        ExFreePoolWithTag(Chain->Memory, TAG);
    RtlZeroMemory(Chain, sizeof(*Chain));
}

static ULONG PieceSize(ULONG Index, ULONG Step)
{
    return 1 + (Index * 37 + Step) % (Step * 2);
}

/* `Count` pieces of different sizes, none larger than twice the step. */
static BOOLEAN MakeChain(CHAIN *Chain, ULONG Count, ULONG Step)
{
    FreeChain(Chain);
    Chain->Room = (SIZE_T)Count * (Step * 2 + 16) + 16;
    Chain->Memory = ExAllocatePoolWithTag(NonPagedPoolNx, Chain->Room, TAG);
    if (!Chain->Memory)
        return FALSE;
    RtlFillMemory(Chain->Memory, Chain->Room, GUARD);
    PUCHAR at = Chain->Memory + 16;
    for (ULONG i = 0; i < Count; i++) {
        ULONG size = PieceSize(i, Step);
        Chain->Mdls[i] = IoAllocateMdl(at, size, FALSE, FALSE, NULL);
        if (!Chain->Mdls[i])
            return FALSE;
        MmBuildMdlForNonPagedPool(Chain->Mdls[i]);
        Chain->Count++;
        Chain->Total += size;
        if (i > 0)
            Chain->Mdls[i - 1]->Next = Chain->Mdls[i];
        at += size + 16;
    }
    for (ULONG i = 0; i < Count; i++)
        Chain->Copies[i] = *Chain->Mdls[i];
    return TRUE;
}

/* The byte at a position of the chain's data. */
static PUCHAR ByteOf(CHAIN *Chain, SIZE_T Position)
{
    for (ULONG i = 0; i < Chain->Count; i++) {
        if (Position < MmGetMdlByteCount(Chain->Mdls[i]))
            return (PUCHAR)MmGetMdlVirtualAddress(Chain->Mdls[i]) + Position;
        Position -= MmGetMdlByteCount(Chain->Mdls[i]);
    }
    return NULL;
}

static void FillChain(CHAIN *Chain)
{
    for (SIZE_T i = 0; i < Chain->Total; i++)
        *ByteOf(Chain, i) = (UCHAR)(i * 7 + i / 251);
}

/* `Length` bytes of the filled chain's pattern from `From` lie in this chain from `At` on. */
static BOOLEAN Holds(CHAIN *Chain, SIZE_T At, SIZE_T Length, SIZE_T From)
{
    for (SIZE_T i = 0; i < Length; i++)
        if (*ByteOf(Chain, At + i) != (UCHAR)((From + i) * 7 + (From + i) / 251))
            return FALSE;
    return TRUE;
}

/* Nothing outside of [At, At + Length) of the data was written. */
static BOOLEAN GuardsHold(CHAIN *Chain, SIZE_T At, SIZE_T Length)
{
    static UCHAR inside[65536];

    if (Chain->Room > sizeof(inside))
        return FALSE;
    RtlZeroMemory(inside, sizeof(inside));
    for (SIZE_T i = At; i < At + Length; i++)
        inside[ByteOf(Chain, i) - Chain->Memory] = 1;
    for (SIZE_T i = 0; i < Chain->Room; i++)
        if (!inside[i] && Chain->Memory[i] != GUARD)
            return FALSE;
    return TRUE;
}

/* BUF-09. */
static BOOLEAN Unchanged(const CHAIN *Chain)
{
    for (ULONG i = 0; i < Chain->Count; i++)
        if (!RtlEqualMemory(&Chain->Copies[i], Chain->Mdls[i], sizeof(MDL)))
            return FALSE;
    return TRUE;
}

typedef struct _SHAPE {
    ULONG OutCount, OutStep, InCount, InStep;
} SHAPE;
static const SHAPE Shapes[] = { { 1, 400, 1, 400 }, { 3, 100, 2, 300 },      { 8, 40, 9, 40 },
                                { 9, 40, 8, 50 },   { 30, 20, 3, 400 },      { 1, 900, 100, 10 },
                                { 200, 3, 1, 900 }, { MAX_CHAIN, 1, 20, 60 } };

static NTSTATUS CallWith(PWSK_SOCKET Socket, BOOLEAN IsSend, WSK_BUF *Buf, SIZE_T *Moved)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    const WSK_PROVIDER_CONNECTION_DISPATCH *c = CONNECTION_OF(Socket);
    NTSTATUS status = CallEnd(&call, IsSend ? c->WskSend(Socket, Buf, 0, irp)
                                            : c->WskReceive(Socket, Buf, WSK_FLAG_WAITALL, irp));

    *Moved = call.Information;
    return status;
}

static void StreamShape(const PAIR *Pair, const SHAPE *Shape, BOOLEAN Skip)
{
    SIZE_T moved;

    CHECK(MakeChain(&Out, Shape->OutCount, Shape->OutStep));
    CHECK(MakeChain(&In, Shape->InCount, Shape->InStep));
    FillChain(&Out);
    ULONG from = Skip ? MmGetMdlByteCount(Out.Mdls[0]) - 1 : 0;
    ULONG at = Skip ? MmGetMdlByteCount(In.Mdls[0]) - 1 : 0;
    SIZE_T length = Out.Total - from < In.Total - at ? Out.Total - from : In.Total - at;
    if (Skip && length > 2)
        length -= 2; /* ends inside of a piece, too */
    WSK_BUF out = { Out.Mdls[0], from, length }, in = { In.Mdls[0], at, length };
    WSK_BUF out_copy = out, in_copy = in;
    CHECK_STATUS(CallWith(Pair->Client, TRUE, &out, &moved), STATUS_SUCCESS);
    CHECK_EQ(moved, length);
    CHECK_STATUS(CallWith(Pair->Server, FALSE, &in, &moved), STATUS_SUCCESS);
    CHECK_EQ(moved, length);
    CHECK(Holds(&In, at, length, from));
    CHECK(GuardsHold(&In, at, length));
    CHECK(Unchanged(&Out) && Unchanged(&In));
    CHECK(out.Mdl == out_copy.Mdl && out.Offset == out_copy.Offset &&
          out.Length == out_copy.Length);
    CHECK(in.Mdl == in_copy.Mdl && in.Offset == in_copy.Offset && in.Length == in_copy.Length);
}

TEST(stream_chains, "WSK-BUF-01 WSK-BUF-03 WSK-BUF-09")
{
    PAIR pair;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Shapes) && !TestFailed(); i++) {
        StreamShape(&pair, &Shapes[i], FALSE);
        if (!TestFailed())
            StreamShape(&pair, &Shapes[i], TRUE);
    }
    FreeChain(&Out);
    FreeChain(&In);
}

static void DatagramShape(PWSK_SOCKET s, const SOCKADDR_INET *To, const SHAPE *Shape,
                          BOOLEAN AsList)
{
    CALL call;

    CHECK(MakeChain(&Out, Shape->OutCount, Shape->OutStep));
    CHECK(MakeChain(&In, Shape->InCount, Shape->InStep));
    FillChain(&Out);
    ULONG from = MmGetMdlByteCount(Out.Mdls[0]) / 2, at = MmGetMdlByteCount(In.Mdls[0]) / 2;
    SIZE_T length = Out.Total - from < In.Total - at ? Out.Total - from : In.Total - at;
    WSK_BUF_LIST out = { NULL, { Out.Mdls[0], from, length } };
    WSK_BUF in = { In.Mdls[0], at, In.Total - at };
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        AsList ? DATAGRAM_OF(s)->WskSendMessages(s, &out, 0, (PSOCKADDR)To, 0, NULL, irp)
               : DATAGRAM_OF(s)->WskSendTo(s, &out.Buffer, 0, (PSOCKADDR)To, 0, NULL, irp);
    CHECK_STATUS(CallEnd(&call, status), STATUS_SUCCESS);
    CHECK_EQ(call.Information, length);
    irp = CallBegin(&call);
    status = DATAGRAM_OF(s)->WskReceiveFrom(s, &in, 0, NULL, NULL, NULL, NULL, irp);
    CHECK_STATUS(CallEnd(&call, status), STATUS_SUCCESS);
    CHECK_EQ(call.Information, length);
    CHECK(Holds(&In, at, length, from));
    CHECK(GuardsHold(&In, at, length));
    CHECK(Unchanged(&Out) && Unchanged(&In));
}

TEST(datagram_chains, "WSK-BUF-01 WSK-BUF-03 WSK-BUF-09")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Shapes) && !TestFailed(); i++) {
        DatagramShape(s, &at, &Shapes[i], FALSE);
        if (!TestFailed())
            DatagramShape(s, &at, &Shapes[i], TRUE);
    }
    FreeChain(&Out);
    FreeChain(&In);
}

TEST(maximum_of_a_receive, "WSK-BUF-03 WSK-RECV-01")
{
    PAIR pair;
    BUFFER *in = MakeBuffer(100);
    SIZE_T got;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, MakePattern(100, 1), 100, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 40, WSK_FLAG_WAITALL, &got), STATUS_SUCCESS);
    CHECK_EQ(got, 40);
    CHECK(IsPattern(in->Data, 40, 1, 0));
    for (ULONG i = 40; i < 100; i++)
        CHECK_EQ(in->Data[i], 0);
    CHECK_STATUS(Receive(pair.Server, in, 100, 0, &got), STATUS_SUCCESS);
    CHECK(got >= 1 && got <= 60);
    CHECK(IsPattern(in->Data, got, 1, 40));
}

static void FreeMdl(PVOID Context)
{
    IoFreeMdl(Context);
}

static PMDL MakeMdl(PVOID Data, ULONG Size)
{
    PMDL mdl = IoAllocateMdl(Data, Size, FALSE, FALSE, NULL);

    if (mdl)
        Owe(FreeMdl, mdl);
    return mdl;
}

static BOOLEAN Lock(PMDL Mdl)
{
    __try {
        MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return FALSE;
    }
    return TRUE;
}

/* A part of another MDL's memory, and pages that are locked instead of pool. */
TEST(kinds_of_mdls, "WSK-BUF-01 WSK-BUF-09")
{
    PAIR pair;
    BUFFER *whole = MakePattern(5000, 1), *in = MakeBuffer(5000);
    SIZE_T moved;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    PMDL part = MakeMdl(whole->Data + 100, 3000);
    PMDL locked = MakeMdl(whole->Data + 3100, 1900);
    CHECK(part && locked);
    IoBuildPartialMdl(whole->Buf.Mdl, part, whole->Data + 100, 3000);
    CHECK(Lock(locked));
    part->Next = locked;
    WSK_BUF buf = { part, 50, 4850 };
    NTSTATUS status = CallWith(pair.Client, TRUE, &buf, &moved);
    part->Next = NULL;
    MmUnlockPages(locked);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(moved, 4850);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 4850), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 4850, 1, 150));
}

/* ---- no data ----------------------------------------------------------------------------- */

TEST(zero_length, "WSK-BUF-02 WSK-RECV-08 D31 D46")
{
    PAIR pair;
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    CALL call;
    WSK_BUF none = { NULL, 12345, 0 };
    SIZE_T moved = 1;
    BUFFER *in = MakeBuffer(10);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(CallWith(pair.Client, TRUE, &none, &moved), STATUS_SUCCESS);
    CHECK_EQ(moved, 0);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &none, 0, irp)),
                 STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, DATAGRAM_OF(s)->WskSendTo(s, &none, 0, (PSOCKADDR)&at, 0, NULL, irp)),
        STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CHECK_STATUS(ReceiveFrom(s, in, 10, NULL, &moved), STATUS_SUCCESS);
    CHECK_EQ(moved, 0);
}

/* ---- indications ------------------------------------------------------------------------- */

/* The next indication may come while the test looks at what the last one brought. */
static struct {
    volatile LONG Sum, Bad;
    KEVENT Done;
} Seen;

/* Walks an indication's buffer as BUF-01 says, and compares. */
static SIZE_T Walk(const WSK_BUF *Buf, SIZE_T Position)
{
    SIZE_T left = Buf->Length, skip = Buf->Offset, seen = 0;

    for (PMDL m = Buf->Mdl; m && left > 0; m = m->Next) {
        if (skip >= MmGetMdlByteCount(m)) {
            InterlockedExchange(&Seen.Bad, TRUE);
            return seen;
        }
        SIZE_T bytes = MmGetMdlByteCount(m) - skip;
        PUCHAR data = MmGetSystemAddressForMdlSafe(m, NormalPagePriority);
        if (bytes > left)
            bytes = left;
        if (!data || !IsPattern(data + skip, bytes, 5, Position + seen))
            InterlockedExchange(&Seen.Bad, TRUE);
        seen += bytes;
        left -= bytes;
        skip = 0;
    }
    if (left > 0)
        InterlockedExchange(&Seen.Bad, TRUE);
    return seen;
}

/* Takes 700 bytes of each indication, so that the next one begins inside of a buffer. */
static NTSTATUS NTAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data, SIZE_T Bytes,
                                SIZE_T *Accepted)
{
    SIZE_T seen = 0;
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);

    for (; Data; Data = Data->Next)
        seen += Walk(&Data->Buffer, (SIZE_T)ReadAcquire(&Seen.Sum) + seen);
    if (seen != Bytes)
        InterlockedExchange(&Seen.Bad, TRUE);
    SIZE_T take = Bytes > 700 ? 700 : Bytes;
    *Accepted = take;
    InterlockedAdd(&Seen.Sum, (LONG)take);
    KeSetEvent(&Seen.Done, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH Table = { OnReceive, NULL, NULL };

TEST(indicated_buffers, "WSK-BUF-04 WSK-RCVE-01 WSK-RCVE-03 WSK-RECV-09")
{
    PAIR pair;
    CALL call;
    WSK_BUF none = { NULL, 0, 0 };

    RtlZeroMemory(&Seen, sizeof(Seen));
    KeInitializeEvent(&Seen.Done, SynchronizationEvent, FALSE);
    CHECK_STATUS(MakePair(AF_INET, NULL, &Table, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Events(pair.Client, WSK_EVENT_RECEIVE), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Server, MakePattern(7000, 5), 7000, 0, NULL), STATUS_SUCCESS);
    for (;;) {
        CHECK(WaitFor(&Seen.Done));
        CHECK(!ReadAcquire(&Seen.Bad));
        if (ReadAcquire(&Seen.Sum) == 7000)
            break;
        PIRP irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(pair.Client)->WskReceive(pair.Client, &none, 0, irp)),
            STATUS_SUCCESS);
    }
    CHECK(!ReadAcquire(&Seen.Bad));
    CHECK_EQ(ReadAcquire(&Seen.Sum), 7000);
}

/* ---- how long things must live ----------------------------------------------------------- */

TEST(descriptor_of_a_pending_receive, "D27")
{
    PAIR pair;
    CALL call;
    BUFFER *in = MakeBuffer(100);
    WSK_BUF buf = { in->Buf.Mdl, 10, 50 };

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CallStarted(&call,
                CONNECTION_OF(pair.Server)->WskReceive(pair.Server, &buf, WSK_FLAG_WAITALL, irp));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    RtlFillMemory(&buf, sizeof(buf), 0xff);
    CHECK_STATUS(Send(pair.Client, MakePattern(50, 2), 50, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 50);
    CHECK(IsPattern(in->Data + 10, 50, 2, 0));
    CallFree(&call);
}

/* A send that must wait for the peer to read. */
TEST(descriptor_of_a_pending_send, "D27 WSK-SEND-02")
{
    enum { SIZE = 32 * 1024 * 1024 };
    PAIR pair;
    CALL call;
    BUFFER *out = MakePattern(SIZE, 2), *in = MakeBuffer(65536);
    WSK_BUF buf = { out->Buf.Mdl, 0, SIZE };

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CallStarted(&call, CONNECTION_OF(pair.Client)->WskSend(pair.Client, &buf, 0, irp));
    RtlFillMemory(&buf, sizeof(buf), 0xff);
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    for (SIZE_T have = 0, n; have < SIZE; have += n) {
        CHECK_STATUS(Receive(pair.Server, in, 65536, 0, &n), STATUS_SUCCESS);
        CHECK(n > 0 && IsPattern(in->Data, n, 2, have));
    }
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, SIZE);
    CallFree(&call);
}

/* Everything but the MDLs may be overwritten as soon as the call has returned. */
TEST(list_and_address_of_a_send, "D27 D28")
{
    union {
        UCHAR Room[WSA_CMSG_SPACE(sizeof(INT))];
        WSACMSGHDR Header;
    } control;
    PWSK_SOCKET s;
    SOCKADDR_INET at, to;
    CALL call;
    BUFFER *out = MakePattern(100, 3), *in = MakeBuffer(200);
    WSK_BUF_LIST list[2] = { { &list[1], { out->Buf.Mdl, 0, 60 } },
                             { NULL, { out->Buf.Mdl, 60, 40 } } };
    SIZE_T n;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    to = at;
    RtlZeroMemory(&control, sizeof(control));
    control.Header.cmsg_len = WSA_CMSG_LEN(0); /* an object without data (D49) */
    control.Header.cmsg_level = IPPROTO_IP;
    control.Header.cmsg_type = IP_OPTIONS;
    PIRP irp = CallBegin(&call);
    CallStarted(&call,
                DATAGRAM_OF(s)->WskSendMessages(s, list, 0, (PSOCKADDR)&to,
                                                (ULONG)WSA_CMSG_SPACE(0), &control.Header, irp));
    RtlFillMemory(list, sizeof(list), 0xff);
    RtlFillMemory(&to, sizeof(to), 0xff);
    RtlFillMemory(&control, sizeof(control), 0xff);
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 100);
    CallFree(&call);
    CHECK_STATUS(ReceiveFrom(s, in, 200, NULL, &n), STATUS_SUCCESS);
    CHECK(n == 60 && IsPattern(in->Data, 60, 3, 0));
    CHECK_STATUS(ReceiveFrom(s, in, 200, NULL, &n), STATUS_SUCCESS);
    CHECK(n == 40 && IsPattern(in->Data, 40, 3, 60));
}

TEST(addresses_of_bind_and_connect, "D28")
{
    PWSK_SOCKET listener, s;
    SOCKADDR_INET at, address;
    CALL call;

    CHECK_STATUS(OpenListen(AF_INET6, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET6, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET6, NULL, NULL, &s), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CallStarted(&call, CONNECTION_OF(s)->WskBind(s, Loopback(AF_INET6, 0, &address), 0, irp));
    RtlFillMemory(&address, sizeof(address), 0xff);
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CallFree(&call);
    address = at;
    irp = CallBegin(&call);
    CallStarted(&call, CONNECTION_OF(s)->WskConnect(s, (PSOCKADDR)&address, 0, irp));
    RtlFillMemory(&address, sizeof(address), 0xff);
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CallFree(&call);
}

TEST(input_of_a_control, "D28 D55")
{
    PWSK_SOCKET s;
    ULONG value = 1;
    SIZE_T returned = 77;
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CallStarted(&call, BASIC_OF(s)->WskControlSocket(s, WskSetOption, SO_BROADCAST, SOL_SOCKET,
                                                     sizeof(value), &value, 0, NULL, NULL, irp));
    value = 0;
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, 0);
    CallFree(&call);
    irp = CallBegin(&call);
    CallStarted(&call, BASIC_OF(s)->WskControlSocket(s, WskGetOption, SO_BROADCAST, SOL_SOCKET, 0,
                                                     NULL, sizeof(value), &value, &returned, irp));
    BOOLEAN pended = call.Returned == STATUS_PENDING;
    if (pended)
        returned = 77;
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CHECK_EQ(value, 1);
    CHECK_EQ(call.Information, sizeof(value));
    /* D55: written by a call that ends inline, left alone after STATUS_PENDING. */
    CHECK_EQ(returned, pended ? 77 : sizeof(value));
    CallFree(&call);
}

TESTS(ROW(stream_chains) ROW(datagram_chains) ROW(maximum_of_a_receive) ROW(kinds_of_mdls)
          ROW(zero_length) ROW(indicated_buffers) ROW(descriptor_of_a_pending_receive)
              ROW(descriptor_of_a_pending_send) ROW(list_and_address_of_a_send)
                  ROW(addresses_of_bind_and_connect) ROW(input_of_a_control))
