/*
 * equivalence.c: the same little programs in both worlds.
 *
 * Scenario N is a program of WSK calls on loopback that a generator derives from N: kinds of
 * sockets, sizes, flags, directions, endings, mistakes. Its calls are made one after the other,
 * each only when what it depends on has arrived, so that its outcome is the contract's alone. One
 * line for each request says its status, its Information and a sum of the bytes; compare.sh
 * compares what the real world and the simulated one print.
 */
#include "conformance.h"

#define SCENARIOS 200
#define ROOM      4096

static ULONG Scenario, Step;
static ULONGLONG Random;

static ULONG Draw(ULONG Below)
{
    Random = Random * 6364136223846793005ull + 1442695040888963407ull;
    return (ULONG)((Random >> 33) % Below);
}

static ULONG Sum(const UCHAR *Data, SIZE_T Length)
{
    ULONG sum = 2166136261u;

    for (SIZE_T i = 0; i < Length; i++)
        sum = (sum ^ Data[i]) * 16777619u;
    return sum;
}

static NTSTATUS Say(const char *What, ULONG Argument, NTSTATUS Status, SIZE_T Information,
                    ULONG Bytes)
{
    DbgPrint("%u.%u %s %u: 0x%08x %u %08x\n", Scenario, ++Step, What, Argument, Status,
             (ULONG)Information, Bytes);
    return Status;
}

static NTSTATUS SayStatus(const char *What, ULONG Argument, NTSTATUS Status)
{
    return Say(What, Argument, Status, 0, 0);
}

static void SaySend(const char *What, PWSK_SOCKET Socket, BUFFER *Buffer, ULONG Length)
{
    SIZE_T n = 0;
    NTSTATUS status = Send(Socket, Buffer, Length, 0, &n);

    (void)Say(What, Length, status, NT_SUCCESS(status) ? n : 0, 0);
}

static void SayReceive(const char *What, PWSK_SOCKET Socket, BUFFER *Buffer, ULONG Length,
                       ULONG Flags)
{
    SIZE_T n = 0;
    NTSTATUS status = Receive(Socket, Buffer, Length, Flags, &n);

    (void)Say(What, Length, status, n, Sum(Buffer->Data, Buffer->Size));
}

static void SayEnd(const char *What, CALL *Call, const BUFFER *Buffer)
{
    NTSTATUS status = CallFinish(Call);

    (void)Say(What, 0, status, Call->Information, Sum(Buffer->Data, Buffer->Size));
}

/* ---- connections ------------------------------------------------------------------------- */

/* One direction of a connection, as the generator knows it. */
typedef struct _WAY {
    PWSK_SOCKET From, To;
    SIZE_T Sent, Received; /* bytes */
    ULONG Seed;
    BOOLEAN Ended, EndSeen; /* From has disconnected; To knows it */
} WAY;

typedef struct _TALK {
    PAIR Pair;
    WAY Ways[2];
    BOOLEAN Aborted;
} TALK;

/* Waits until everything that was sent lies in the receiver's socket. */
static void AwaitBytes(const WAY *Way)
{
    SIZE_T have = 0, n;

    for (ULONG i = 0; i < 1000 && have < Way->Sent - Way->Received; i++) {
        Settle();
        if (!NT_SUCCESS(
                Ioctl(Way->To, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &have, sizeof(have), &n)))
            return;
    }
}

static void SendSome(WAY *Way)
{
    ULONG size = Draw(4) ? 1 + Draw(1500) : 0;
    BUFFER *out = MakePattern(ROOM, Way->Seed++);
    SIZE_T n = 0;

    if (Way->Sent - Way->Received + size > ROOM)
        return;
    NTSTATUS status = Send(Way->From, out, size, Draw(3) ? 0 : WSK_FLAG_NODELAY, &n);
    (void)Say("send", size, status, n, Sum(out->Data, n));
    if (NT_SUCCESS(status))
        Way->Sent += n;
    AwaitBytes(Way);
}

static void ReceiveSome(WAY *Way)
{
    static const ULONG flags[] = { 0, 0, WSK_FLAG_WAITALL, WSK_FLAG_DRAIN };
    SIZE_T there = Way->Sent - Way->Received, n = 0;
    ULONG flag = flags[Draw(4)], size = 1 + Draw(2000);
    BUFFER *in = MakeBuffer(ROOM);

    if (!there && !Way->Ended)
        return;
    if (flag == WSK_FLAG_WAITALL && size > there && !Way->Ended)
        size = (ULONG)there;
    if (flag == WSK_FLAG_DRAIN && !Way->Ended)
        flag = 0;
    NTSTATUS status = Receive(Way->To, in, size, flag, &n);
    (void)Say("receive", size | flag << 16, status, n, Sum(in->Data, in->Size));
    if (NT_SUCCESS(status) && flag == WSK_FLAG_DRAIN)
        Way->Received = Way->Sent;
    else if (NT_SUCCESS(status))
        Way->Received += n;
}

/* A request that finds nothing pends, and is cancelled, or served by the next send. */
static void ReceiveEarly(WAY *Way)
{
    BUFFER *in = MakeBuffer(ROOM), *out = MakePattern(ROOM, Way->Seed++);
    ULONG size = 1 + Draw(700);
    CALL call;

    if (Way->Sent != Way->Received || Way->Ended)
        return;
    (void)StartReceive(&call, Way->To, in, ROOM, 0);
    if (Draw(2)) {
        (void)SayStatus("cancel", IoCancelIrp(call.Irp), STATUS_SUCCESS);
        SayEnd("cancelled", &call, in);
        return;
    }
    SaySend("send to a waiting receive", Way->From, out, size);
    SayEnd("waiting receive", &call, in);
}

static void EndWay(WAY *Way, WAY *Back)
{
    if (Way->Ended) {
        BUFFER *out = MakePattern(10, 1);
        SaySend("send behind the end", Way->From, out, 10);
        (void)SayStatus("second end", 0, Disconnect(Way->From, 0));
        return;
    }
    (void)SayStatus("end", Back->Ended, Disconnect(Way->From, 0));
    Way->Ended = TRUE;
}

static void AbortTalk(TALK *Talk, ULONG Side)
{
    BUFFER *in = MakeBuffer(ROOM), *out = MakePattern(10, 1);
    WAY *way = &Talk->Ways[Side];

    (void)SayStatus("abort", Side, Disconnect(way->From, WSK_FLAG_ABORTIVE));
    SayReceive("receive behind it", way->From, in, ROOM, 0);
    SaySend("send behind it", way->From, out, 10);
    if (way->Sent == way->Received && !way->Ended) {
        SayReceive("receive of the reset", way->To, in, ROOM, 0);
        SaySend("send into the reset", way->To, out, 10);
        (void)SayStatus("end of the reset", 0, Disconnect(way->To, 0));
    }
    Talk->Aborted = TRUE;
}

static void Misuse(TALK *Talk)
{
    PWSK_SOCKET s = Draw(2) ? Talk->Pair.Client : Talk->Pair.Server;
    SOCKADDR_INET address;

    switch (Draw(4)) {
    case 0:
        (void)SayStatus("bind of a connection", 0,
                        BindTo(s, Loopback(Talk->Pair.Address.si_family, 0, &address)));
        break;
    case 1:
        (void)SayStatus("second connect", 0, Connect(s, &Talk->Pair.Address));
        break;
    case 2: {
        BUFFER *in = MakeBuffer(16);
        SayReceive("receive with unknown flags", s, in, 16, 0x4000);
        break;
    }
    default:
        (void)SayStatus("unknown option", 0, SetOption(s, SOL_SOCKET, 0x7777, &address, 4));
        break;
    }
}

static const struct {
    ULONG Level, Option;
} Options[] = { { SOL_SOCKET, SO_KEEPALIVE },    { SOL_SOCKET, SO_RCVBUF },
                { SOL_SOCKET, SO_REUSEADDR },    { SOL_SOCKET, SO_EXCLUSIVEADDRUSE },
                { SOL_SOCKET, SO_TYPE },         { SOL_SOCKET, SO_ERROR },
                { SOL_SOCKET, SO_BROADCAST },    { IPPROTO_TCP, TCP_NODELAY },
                { IPPROTO_IP, IP_TTL },          { IPPROTO_IPV6, IPV6_UNICAST_HOPS },
                { IPPROTO_IPV6, IPV6_V6ONLY },   { IPPROTO_IP, IP_MULTICAST_TTL },
                { SOL_SOCKET, SO_OOBINLINE },    { SOL_SOCKET, SO_DONTROUTE },
                { IPPROTO_IP, IP_DONTFRAGMENT }, { SOL_SOCKET, SO_SNDBUF } };

static void TryOption(PWSK_SOCKET Socket)
{
    ULONG i = Draw(ARRAYSIZE(Options)), value = Draw(3);
    SIZE_T n = 0;

    if (Draw(2))
        (void)SayStatus(
            "set option", i,
            SetOption(Socket, Options[i].Level, Options[i].Option, &value, sizeof(value)));
    value = 0;
    NTSTATUS status =
        GetOption(Socket, Options[i].Level, Options[i].Option, &value, sizeof(value), &n);
    if (Options[i].Option == SO_SNDBUF || Options[i].Option == SO_RCVBUF)
        value = 0; /* the size of a buffer is the machine's to choose */
    (void)Say("get option", i, status, n, value);
}

static void TalkStep(TALK *Talk)
{
    ULONG side = Draw(2);
    WAY *way = &Talk->Ways[side];

    switch (Draw(12)) {
    case 0:
    case 1:
    case 2:
        if (!way->Ended)
            SendSome(way);
        break;
    case 3:
    case 4:
    case 5:
        ReceiveSome(way);
        break;
    case 6:
        ReceiveEarly(way);
        break;
    case 7:
        EndWay(way, &Talk->Ways[1 - side]);
        break;
    case 8:
        if (Draw(3) == 0)
            AbortTalk(Talk, side);
        break;
    case 9:
        Misuse(Talk);
        break;
    default:
        TryOption(way->From);
        break;
    }
}

static void CloseTold(PWSK_SOCKET *Socket, const char *What)
{
    if (*Socket)
        (void)SayStatus(What, 0, Close(*Socket));
    *Socket = NULL;
}

static void Connections(void)
{
    ADDRESS_FAMILY family = Draw(2) ? AF_INET : AF_INET6;
    TALK talk;

    RtlZeroMemory(&talk, sizeof(talk));
    if (!NT_SUCCESS(
            SayStatus("pair", family, MakePair(family, NULL, NULL, NULL, NULL, &talk.Pair))))
        return;
    talk.Ways[0].From = talk.Ways[1].To = talk.Pair.Client;
    talk.Ways[0].To = talk.Ways[1].From = talk.Pair.Server;
    talk.Ways[1].Seed = 1000;
    for (ULONG i = 10 + Draw(25); i > 0 && !talk.Aborted; i--)
        TalkStep(&talk);
    CloseTold(&talk.Pair.Client, "close the client");
    CloseTold(&talk.Pair.Server, "close the server");
    CloseTold(&talk.Pair.Listener, "close the listener");
}

/* ---- datagrams --------------------------------------------------------------------------- */

static void Datagram(PWSK_SOCKET From, PWSK_SOCKET To, const SOCKADDR_INET *Where)
{
    static const ULONG sizes[] = { 0, 1, 100, 1472, 9000, 65507, 65508, 65527 };
    ULONG size = sizes[Draw(ARRAYSIZE(sizes))], room = Draw(3) ? 65535 : 50;
    BUFFER *out = MakePattern(65535, Step), *in = MakeBuffer(65535);
    SOCKADDR_INET from;
    SIZE_T n = 0;

    RtlZeroMemory(&from, sizeof(from));
    NTSTATUS status = SendTo(From, out, size, Where, &n);
    (void)Say("send a datagram", size, status, n, 0);
    if (!NT_SUCCESS(status))
        return;
    status = ReceiveFrom(To, in, room, &from, &n);
    (void)Say("receive a datagram", room, status, n, Sum(in->Data, in->Size));
}

static void DatagramCancel(PWSK_SOCKET Socket)
{
    BUFFER *in = MakeBuffer(100);
    WSK_BUF buf = { in->Buf.Mdl, 0, 100 };
    SOCKADDR_INET from;
    CALL call;
    PIRP irp = CallBegin(&call);

    CallStarted(&call, DATAGRAM_OF(Socket)->WskReceiveFrom(Socket, &buf, 0, (PSOCKADDR)&from, NULL,
                                                           NULL, NULL, irp));
    (void)SayStatus("cancel", IoCancelIrp(irp), STATUS_SUCCESS);
    SayEnd("cancelled", &call, in);
}

static void Datagrams(void)
{
    ADDRESS_FAMILY family = Draw(2) ? AF_INET : AF_INET6;
    PWSK_SOCKET sockets[2] = { NULL, NULL };
    SOCKADDR_INET bound[2], other;

    for (ULONG i = 0; i < 2; i++) {
        (void)SayStatus("open", family, OpenDatagram(family, NULL, NULL, &sockets[i]));
        if (!sockets[i] ||
            !NT_SUCCESS(SayStatus("bind", i, BindLoopback(sockets[i], family, &bound[i]))))
            return;
    }
    for (ULONG i = 6 + Draw(14); i > 0; i--) {
        ULONG side = Draw(2);
        switch (Draw(6)) {
        case 0:
            DatagramCancel(sockets[side]);
            break;
        case 1:
            TryOption(sockets[side]);
            break;
        case 2:
            (void)SayStatus("bind again", side, BindTo(sockets[side], Loopback(family, 0, &other)));
            break;
        case 3:
            (void)SayStatus("bind over the other", side,
                            NT_SUCCESS(OpenDatagram(family, NULL, NULL, &sockets[side]))
                                ? BindTo(sockets[side], (PSOCKADDR)&bound[1 - side])
                                : STATUS_UNSUCCESSFUL);
            return; /* the harness closes the one that was bound */
        default:
            Datagram(sockets[side], sockets[1 - side], &bound[1 - side]);
            break;
        }
    }
    CloseTold(&sockets[0], "close");
    CloseTold(&sockets[1], "close the other");
}

/* ---- beginnings and mistakes ------------------------------------------------------------- */

static PWSK_SOCKET OpenAny(ADDRESS_FAMILY Family, ULONG Kind)
{
    PWSK_SOCKET s = NULL;
    NTSTATUS status = Kind == 0   ? OpenListen(Family, NULL, NULL, &s)
                      : Kind == 1 ? OpenConnection(Family, NULL, NULL, &s)
                      : Kind == 2 ? OpenStream(Family, NULL, NULL, &s)
                                  : OpenDatagram(Family, NULL, NULL, &s);

    (void)SayStatus("open", Kind, status);
    return s;
}

static void BindSomehow(PWSK_SOCKET Socket, ADDRESS_FAMILY Family)
{
    SOCKADDR_INET address;

    switch (Draw(4)) {
    case 0:
        (void)SayStatus("bind to the wildcard", 0, BindTo(Socket, Wildcard(Family, 0, &address)));
        break;
    case 1: /* 192.0.2.1 is nobody's */
        (void)Loopback(AF_INET, 0, &address);
        address.Ipv4.sin_addr.s_addr = RtlUlongByteSwap(0xc0000201);
        (void)SayStatus("bind to a foreign address", Family, BindTo(Socket, (PSOCKADDR)&address));
        break;
    case 2:
        (void)SayStatus(
            "bind to the other family", 0,
            BindTo(Socket, Loopback(Family == AF_INET ? AF_INET6 : AF_INET, 0, &address)));
        break;
    default:
        (void)SayStatus("bind to loopback", 0, BindTo(Socket, Loopback(Family, 0, &address)));
        break;
    }
}

static void AcceptNothing(PWSK_SOCKET Listener)
{
    CALL call;

    (void)StartAccept(&call, Listener, NULL, NULL);
    (void)SayStatus("cancel", IoCancelIrp(call.Irp), STATUS_SUCCESS);
    (void)SayStatus("accept", 0, CallFinish(&call));
}

/* The port of a listener that is gone. */
static void ConnectToNobody(PWSK_SOCKET Socket, ADDRESS_FAMILY Family)
{
    PWSK_SOCKET listener = NULL;
    SOCKADDR_INET address;

    if (!NT_SUCCESS(OpenListen(Family, NULL, NULL, &listener)) ||
        !NT_SUCCESS(BindLoopback(listener, Family, &address)))
        return;
    (void)Close(listener);
    (void)SayStatus("connect to nobody", Family, Connect(Socket, &address));
}

static void Beginnings(void)
{
    ADDRESS_FAMILY family = Draw(2) ? AF_INET : AF_INET6;
    ULONG kind = Draw(4);
    PWSK_SOCKET s = OpenAny(family, kind);
    SOCKADDR_INET address;

    for (ULONG i = 5 + Draw(9); s && i > 0; i--) {
        BUFFER *data = MakePattern(100, i);
        switch (Draw(6)) {
        case 0:
        case 1:
            BindSomehow(s, family);
            break;
        case 2:
            if (kind == 1)
                ConnectToNobody(s, family);
            if (kind == 0)
                AcceptNothing(s);
            break;
        case 3:
            if (kind == 1)
                SaySend("send too early", s, data, 100);
            if (kind == 3)
                (void)SayStatus(
                    "send to port 9", 0,
                    SendTo(s, data, 100, (SOCKADDR_INET *)Loopback(family, 9, &address), NULL));
            break;
        case 4:
            if (kind == 1)
                SayReceive("receive too early", s, data, 100, 0);
            (void)SayStatus("local address", kind, LocalAddressOf(s, &address));
            break;
        default:
            TryOption(s);
            break;
        }
    }
    CloseTold(&s, "close");
}

/* ---- all of them ------------------------------------------------------------------------- */

TEST(scenarios, "")
{
    for (Scenario = 1; Scenario <= SCENARIOS; Scenario++) {
        Random = Scenario * 0x9e3779b97f4a7c15ull;
        Step = 0;
        switch (Scenario % 4) {
        case 0:
            Datagrams();
            break;
        case 1:
            Beginnings();
            break;
        default:
            Connections();
            break;
        }
        CHECK(!TestFailed());
    }
}

TESTS(ROW(scenarios))
