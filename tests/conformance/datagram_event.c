/* datagram_event.c: WskReceiveFromEvent, and indications that the client keeps. */
#include "objects.h"

#define KEPT 64

/* What the callback saw, and how it is to answer. */
static struct {
    COUNTER Calls; /* with a list */
    COUNTER Nodes;
    LONG Inside, Overlaps, WrongIrql, Nulls;
    PVOID Context;
    NTSTATUS Answer;
    BOOLEAN Disable; /* turn the event off from inside, before answering */
    NTSTATUS Disabled;
    ULONG ReleaseInside; /* nodes to release before answering */
    PWSK_SOCKET Socket;
    ULONG Flags[KEPT];   /* of each call */
    ULONG PerCall[KEPT]; /* nodes of each call */
    struct {
        SIZE_T Length;
        UCHAR First;
        USHORT Port;
        ADDRESS_FAMILY Family;
        ULONG ControlLength;
        BOOLEAN NoMdl, NoControl;
    } Seen[KEPT];
    PWSK_DATAGRAM_INDICATION Lists[KEPT]; /* of the calls that were answered with STATUS_PENDING */
    ULONG ListCount;
} Sink;

static void Look(const WSK_DATAGRAM_INDICATION *Node, ULONG i)
{
    if (i < KEPT) {
        const SOCKADDR_INET *from = (const SOCKADDR_INET *)Node->RemoteAddress;
        Sink.Seen[i].Length = Node->Buffer.Length;
        Sink.Seen[i].NoMdl = Node->Buffer.Mdl == NULL;
        Sink.Seen[i].Port = PortOf(from);
        Sink.Seen[i].Family = from->si_family;
        Sink.Seen[i].ControlLength = Node->ControlInfoLength;
        Sink.Seen[i].NoControl = Node->ControlInfo == NULL;
        if (Node->Buffer.Length) {
            PUCHAR data = MmGetSystemAddressForMdlSafe(Node->Buffer.Mdl, NormalPagePriority);
            Sink.Seen[i].First = data[Node->Buffer.Offset];
        }
    }
}

static PWSK_DATAGRAM_INDICATION ReleaseSome(PWSK_DATAGRAM_INDICATION List, ULONG Count)
{
    while (List && Count--) {
        PWSK_DATAGRAM_INDICATION next = List->Next;
        List->Next = NULL;
        if (DATAGRAM_OF(Sink.Socket)->WskRelease(Sink.Socket, List) != STATUS_SUCCESS)
            TestFail(__FILE__, __LINE__, "a node was not taken back inside the callback");
        List = next;
    }
    return List;
}

static NTSTATUS NTAPI OnReceiveFrom(PVOID SocketContext, ULONG Flags,
                                    PWSK_DATAGRAM_INDICATION DataIndication)
{
    ULONG call = CounterValue(&Sink.Calls), nodes = 0;
    KIRQL irql = KeGetCurrentIrql();
    BOOLEAN may = MayUse();

    Sink.Context = SocketContext;
    if (irql > DISPATCH_LEVEL || ((Flags & WSK_FLAG_AT_DISPATCH_LEVEL) && irql != DISPATCH_LEVEL))
        Sink.WrongIrql++;
    if (!DataIndication) {
        InterlockedIncrement(&Sink.Nulls);
        if (may)
            Used();
        (void)CounterAdd(&Sink.Calls);
        return STATUS_SUCCESS;
    }
    if (InterlockedIncrement(&Sink.Inside) > 1)
        Sink.Overlaps++;
    for (PWSK_DATAGRAM_INDICATION n = DataIndication; n; n = n->Next, nodes++)
        Look(n, (ULONG)CounterValue(&Sink.Nodes) + nodes);
    if (call < KEPT) {
        Sink.Flags[call] = Flags & ~WSK_FLAG_AT_DISPATCH_LEVEL;
        Sink.PerCall[call] = nodes;
    }
    if (may && Sink.Disable)
        Sink.Disabled = Events(Sink.Socket, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
    if (may)
        DataIndication = ReleaseSome(DataIndication, Sink.ReleaseInside);
    NTSTATUS answer = Sink.Answer;
    if (answer == STATUS_PENDING && DataIndication) {
        if (may && Sink.ListCount < KEPT && Keep(Sink.Socket, DataIndication))
            Sink.Lists[Sink.ListCount++] = DataIndication;
        else
            answer = STATUS_SUCCESS;
    }
    if (may)
        Used();
    InterlockedDecrement(&Sink.Inside);
    /* The nodes last: who waits for them finds everything else in place. */
    (void)CounterAdd(&Sink.Calls);
    (void)CounterAddMany(&Sink.Nodes, (LONG)nodes);
    return answer;
}

static const WSK_CLIENT_DATAGRAM_DISPATCH Table = { OnReceiveFrom };

typedef struct _PEERS {
    PWSK_SOCKET A, B; /* B has the event */
    SOCKADDR_INET At, Bt;
} PEERS;

static BOOLEAN Begin(PEERS *p, ADDRESS_FAMILY Family, NTSTATUS Answer)
{
    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    CounterInit(&Sink.Nodes);
    Sink.Answer = Answer;
    NTSTATUS status = OpenBound(Family, NULL, NULL, &p->A, &p->At);
    if (NT_SUCCESS(status))
        status = OpenBound(Family, &Sink, &Table, &p->B, &p->Bt);
    Sink.Socket = p->B;
    if (!NT_SUCCESS(status))
        TestFail(__FILE__, __LINE__, "no sockets: 0x%08x", status);
    return NT_SUCCESS(status);
}

static BOOLEAN BeginOn(PEERS *p, ADDRESS_FAMILY Family, NTSTATUS Answer)
{
    if (!Begin(p, Family, Answer))
        return FALSE;
    NTSTATUS status = Events(p->B, WSK_EVENT_RECEIVE_FROM);
    if (status != STATUS_SUCCESS)
        TestFail(__FILE__, __LINE__, "the event cannot be enabled: 0x%08x", status);
    return status == STATUS_SUCCESS;
}

/* A datagram of `Length` bytes that begins with `First`. */
static NTSTATUS Fling(PWSK_SOCKET From, const SOCKADDR_INET *To, SIZE_T Length, UCHAR First)
{
    BUFFER *out = MakeBuffer(Length ? Length : 1);

    out->Data[0] = First;
    return SendTo(From, out, Length, To, NULL);
}

static void Sound(void)
{
    CHECK_EQ(Sink.WrongIrql, 0);
    CHECK_EQ(Sink.Overlaps, 0);
    CHECK(Sink.Context == &Sink);
}

TEST(one_node_each, "WSK-RFEV-01 WSK-RFEV-02 WSK-RFEV-03 WSK-RFEV-04 WSK-RFEV-10 WSK-SOCK-06 D11 "
                    "D14 D46 WSK-IRQL-03")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };

    for (ULONG f = 0; f < RTL_NUMBER_OF(families); f++) {
        PEERS p;
        if (!BeginOn(&p, families[f], STATUS_SUCCESS))
            return;
        for (ULONG i = 0; i < 20; i++)
            CHECK_STATUS(Fling(p.A, &p.Bt, i * 50, (UCHAR)i), STATUS_SUCCESS);
        CHECK(CounterWait(&Sink.Nodes, 20));
        Sound();
        for (ULONG i = 0; i < 20; i++) {
            CHECK_EQ(Sink.Seen[i].Length, i * 50);
            CHECK_EQ(Sink.Seen[i].NoMdl, i == 0);
            CHECK_EQ(Sink.Seen[i].First, i);
            CHECK_EQ(Sink.Seen[i].Port, PortOf(&p.At));
            CHECK_EQ(Sink.Seen[i].Family, families[f]);
            CHECK_EQ(Sink.Seen[i].ControlLength, 0);
            CHECK(Sink.Seen[i].NoControl);
        }
        CHECK_STATUS(Close(p.B), STATUS_SUCCESS);
    }
}

TEST(with_control_data, "WSK-RFEV-03")
{
    PEERS p;

    if (!Begin(&p, AF_INET, STATUS_SUCCESS))
        return;
    CHECK_STATUS(TurnOn(p.B, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(Fling(p.A, &p.Bt, 10, 1), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Nodes, 1));
    CHECK(!Sink.Seen[0].NoControl);
    CHECK(Sink.Seen[0].ControlLength >= sizeof(CMSGHDR) + sizeof(IN_PKTINFO));
}

/* Kept lists stay as they were while more arrive; WskRelease takes them back in any order. */
TEST(kept_and_released, "WSK-RFEV-05 WSK-RET-01 WSK-RET-02 WSK-RET-04 D37")
{
    PEERS p;
    KIRQL old;

    if (!BeginOn(&p, AF_INET, STATUS_PENDING))
        return;
    for (ULONG i = 0; i < 10; i++) {
        CHECK_STATUS(Fling(p.A, &p.Bt, 100 + i, (UCHAR)(i + 1)), STATUS_SUCCESS);
        CHECK(CounterWait(&Sink.Nodes, (LONG)i + 1));
    }
    CHECK_EQ(Sink.ListCount, 10);
    for (ULONG i = 0; i < 10; i++) {
        PWSK_DATAGRAM_INDICATION n = Sink.Lists[i];
        CHECK(n->Next == NULL);
        CHECK_EQ(n->Buffer.Length, 100 + i);
        PUCHAR data = MmGetSystemAddressForMdlSafe(n->Buffer.Mdl, NormalPagePriority);
        CHECK_EQ(data[n->Buffer.Offset], i + 1);
        CHECK_EQ(PortOf((SOCKADDR_INET *)n->RemoteAddress), PortOf(&p.At));
    }
    for (ULONG i = 10; i > 0; i--) {
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        NTSTATUS status = GiveBack(p.B, Sink.Lists[i - 1]);
        KeLowerIrql(old);
        CHECK_STATUS(status, STATUS_SUCCESS);
    }
}

/* Several datagrams that wait come as one list. */
static BOOLEAN BeginWithList(PEERS *p, ULONG Count, NTSTATUS Answer)
{
    if (!BeginOn(p, AF_INET, STATUS_DATA_NOT_ACCEPTED))
        return FALSE;
    /* the first one turns the event off, the others join it */
    for (ULONG i = 0; i < Count; i++) {
        (void)Fling(p->A, &p->Bt, 10 + i, (UCHAR)i);
        if (i == 0 && !CounterWait(&Sink.Nodes, 1))
            TestFail(__FILE__, __LINE__, "no indication");
    }
    Settle(); /* the call has returned: what is enabled from now on stays enabled */
    CounterInit(&Sink.Calls);
    CounterInit(&Sink.Nodes);
    Sink.Answer = Answer;
    return !TestFailed();
}

/* WG's way: splits the list, links it anew, and releases node by node, also on other threads. */
typedef struct _RELEASE {
    PWSK_SOCKET Socket;
    PWSK_DATAGRAM_INDICATION Nodes[KEPT];
    ULONG Count;
    LONG Failures;
} RELEASE;

static void ReleaseNodes(PVOID Context)
{
    RELEASE *r = Context;

    for (ULONG i = r->Count; i > 0; i--) {
        r->Nodes[i - 1]->Next = NULL;
        if (GiveBack(r->Socket, r->Nodes[i - 1]) != STATUS_SUCCESS)
            r->Failures++;
    }
}

TEST(released_node_by_node, "D37 WSK-RET-01 WSK-RET-02 WSK-RET-04 WSK-RFEV-05")
{
    PEERS p;
    RELEASE even = { .Count = 0 }, odd = { .Count = 0 };
    THREAD thread;
    ULONG total = 0;

    if (!BeginWithList(&p, 24, STATUS_PENDING))
        return;
    CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Nodes, 24));
    Sound();
    even.Socket = odd.Socket = p.B;
    for (ULONG i = 0; i < Sink.ListCount; i++) {
        PWSK_DATAGRAM_INDICATION next;
        for (PWSK_DATAGRAM_INDICATION n = Sink.Lists[i]; n; n = next, total++) {
            RELEASE *r = total % 2 ? &odd : &even;
            next = n->Next;
            n->Next = (PWSK_DATAGRAM_INDICATION)(ULONG_PTR)0x10; /* the member is the client's */
            r->Nodes[r->Count++] = n;
        }
    }
    CHECK_EQ(total, 24);
    for (ULONG i = 0; i < 24; i++) {
        PWSK_DATAGRAM_INDICATION n = (i % 2 ? odd : even).Nodes[i / 2];
        CHECK_EQ(n->Buffer.Length, 10 + i);
        PUCHAR data = MmGetSystemAddressForMdlSafe(n->Buffer.Mdl, NormalPagePriority);
        CHECK_EQ(data[n->Buffer.Offset], i);
    }
    ThreadStart(&thread, ReleaseNodes, &odd);
    ReleaseNodes(&even);
    ThreadJoin(&thread);
    CHECK_EQ(even.Failures + odd.Failures, 0);
}

TEST(released_inside_the_callback, "D38 WSK-RET-02")
{
    static const NTSTATUS answers[] = { STATUS_PENDING, STATUS_SUCCESS };

    for (ULONG i = 0; i < RTL_NUMBER_OF(answers); i++) {
        static const ULONG releases[] = { 3, KEPT };
        for (ULONG k = 0; k < RTL_NUMBER_OF(releases); k++) {
            PEERS p;
            if (!BeginWithList(&p, 8, answers[i]))
                return;
            Sink.ReleaseInside = releases[k];
            CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
            CHECK(CounterWait(&Sink.Nodes, 8));
            CHECK_STATUS(EventOff(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
            for (ULONG n = 0; n < Sink.ListCount; n++)
                CHECK_STATUS(GiveBack(p.B, Sink.Lists[n]), STATUS_SUCCESS);
            /* nothing is retained any more: the close has nothing to complain about */
            CHECK_STATUS(Close(p.B), STATUS_SUCCESS);
        }
    }
}

TEST(nothing_to_release, "WSK-RET-03")
{
    PWSK_SOCKET s;

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &s, NULL), STATUS_SUCCESS);
    CHECK_STATUS(DATAGRAM_OF(s)->WskRelease(s, NULL), STATUS_INVALID_PARAMETER);
}

/* Not accepted: the event is off until it is enabled again, and nothing is lost meanwhile. */
TEST(not_accepted, "WSK-RFEV-06")
{
    PEERS p;

    if (!BeginWithList(&p, 6, STATUS_SUCCESS))
        return;
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Nodes, 6));
    for (ULONG i = 0; i < 6; i++) {
        CHECK_EQ(Sink.Seen[i].Length, 10 + i);
        CHECK_EQ(Sink.Seen[i].First, i);
    }
    CHECK_STATUS(Fling(p.A, &p.Bt, 99, 99), STATUS_SUCCESS); /* it stays enabled now */
    CHECK(CounterWait(&Sink.Nodes, 7));
    CHECK_EQ(Sink.Seen[6].Length, 99);
}

/* What was buffered so can also be fetched. */
TEST(not_accepted_then_received, "WSK-RFEV-06 WSK-RFROM-01")
{
    PEERS p;
    BUFFER *in = MakeBuffer(100);
    static ARRIVAL arrival;

    if (!BeginWithList(&p, 6, STATUS_SUCCESS))
        return;
    for (ULONG i = 0; i < 6; i++) {
        CHECK_STATUS(ReceiveWith(&arrival, p.B, in, i == 2 ? 5 : 100), STATUS_SUCCESS);
        CHECK_EQ(arrival.Bytes, i == 2 ? 5 : 10 + i);
        CHECK_EQ(arrival.Flags, i == 2 ? MSG_TRUNC : 0);
        CHECK_EQ(in->Data[0], i);
        CHECK_EQ(PortOf(&arrival.From), PortOf(&p.At));
    }
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
}

TEST(requests_come_first, "WSK-RFROM-11")
{
    PEERS p;
    BUFFER *in = MakeBuffer(100);
    static ARRIVAL arrivals[3];

    if (!BeginOn(&p, AF_INET, STATUS_SUCCESS))
        return;
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS(StartReceiveFrom(&arrivals[i], p.B, in, 100), STATUS_PENDING);
    for (ULONG i = 0; i < 5; i++)
        CHECK_STATUS(Fling(p.A, &p.Bt, 20 + i, (UCHAR)i), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        CHECK_STATUS(FinishReceiveFrom(&arrivals[i]), STATUS_SUCCESS);
        CHECK_EQ(arrivals[i].Bytes, 20 + i);
    }
    CHECK(CounterWait(&Sink.Nodes, 2));
    CHECK_EQ(Sink.Seen[0].Length, 23);
    CHECK_EQ(Sink.Seen[1].Length, 24);
}

TEST(enabled_later, "WSK-RFEV-01 WSK-EVT-17")
{
    PEERS p;

    if (!Begin(&p, AF_INET, STATUS_SUCCESS))
        return;
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS(Fling(p.A, &p.Bt, 20 + i, (UCHAR)i), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 0);
    CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Nodes, 3));
    CHECK_EQ(Sink.Seen[2].Length, 22);
}

TEST(disabled_inside, "D79 WSK-EVT-09 WSK-EVT-10")
{
    PEERS p;
    BUFFER *in = MakeBuffer(100);
    static ARRIVAL arrival;

    if (!Begin(&p, AF_INET, STATUS_SUCCESS))
        return;
    Sink.Disable = TRUE;
    CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK_STATUS(Fling(p.A, &p.Bt, 20, 1), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_STATUS(Sink.Disabled, STATUS_EVENT_PENDING);
    CHECK_STATUS(Fling(p.A, &p.Bt, 21, 2), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveWith(&arrival, p.B, in, 100), STATUS_SUCCESS);
    CHECK_EQ(arrival.Bytes, 21);
    CHECK_EQ(CounterValue(&Sink.Calls), 1);
}

/* ---- kinds of datagrams ------------------------------------------------------------------ */

static NTSTATUS OpenAny(PEERS *p, NTSTATUS Answer)
{
    SOCKADDR_INET any;

    if (!Begin(p, AF_INET, Answer))
        return STATUS_UNSUCCESSFUL;
    (void)Close(p->B);
    NTSTATUS status = OpenDatagram(AF_INET, &Sink, &Table, &p->B);
    if (NT_SUCCESS(status))
        status = BindTo(p->B, Wildcard(AF_INET, 0, &any));
    if (NT_SUCCESS(status))
        status = LocalAddressOf(p->B, &p->Bt);
    (void)Loopback(AF_INET, PortOf(&p->Bt), &p->Bt);
    Sink.Socket = p->B;
    if (NT_SUCCESS(status))
        status = TurnOn(p->A, SOL_SOCKET, SO_BROADCAST);
    return status;
}

/* Lists never mix unicast, broadcast and multicast: 2 plain, 3 broadcast, 1 multicast, 1 plain. */
TEST(one_kind_per_list, "WSK-RFEV-08 D48 WSK-RFEV-01")
{
    static const ULONG kinds[] = { 0, 0, MSG_BCAST, MSG_BCAST, MSG_BCAST, MSG_MCAST, 0 };
    PEERS p;
    SOCKADDR_INET all, group;
    ULONG request[2] = { RtlUlongByteSwap(0xefff0146), RtlUlongByteSwap(LOOPBACK4) };

    CHECK_STATUS(OpenAny(&p, STATUS_DATA_NOT_ACCEPTED), STATUS_SUCCESS);
    (void)Address4(0x7fffffff, PortOf(&p.Bt), &all);
    (void)Address4(0xefff0146, PortOf(&p.Bt), &group);
    CHECK_STATUS(SetOption(p.A, IPPROTO_IP, IP_MULTICAST_IF, &request[1], sizeof(ULONG)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SetOption(p.B, IPPROTO_IP, IP_ADD_MEMBERSHIP, request, sizeof(request)),
                 STATUS_SUCCESS);
    CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(kinds); i++) {
        CHECK_STATUS(Fling(p.A,
                           kinds[i] == MSG_BCAST   ? &all
                           : kinds[i] == MSG_MCAST ? &group
                                                   : &p.Bt,
                           10 + i, (UCHAR)i),
                     STATUS_SUCCESS);
        if (i == 0)
            CHECK(CounterWait(&Sink.Nodes, 1));
    }
    Settle();
    CounterInit(&Sink.Calls);
    CounterInit(&Sink.Nodes);
    Sink.Answer = STATUS_SUCCESS;
    CHECK_STATUS(Events(p.B, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Nodes, RTL_NUMBER_OF(kinds)));
    CHECK(CounterWait(&Sink.Calls, 4)); /* at least a call for each change of kind */
    ULONG node = 0;
    for (LONG call = 0; call < CounterValue(&Sink.Calls); call++) {
        for (ULONG i = 0; i < Sink.PerCall[call]; i++, node++) {
            CHECK(node < RTL_NUMBER_OF(kinds)); /* a network may deliver twice */
            CHECK_EQ(Sink.Flags[call], kinds[node]);
            CHECK_EQ(Sink.Seen[node].First, node);
        }
    }
    CHECK_EQ(node, RTL_NUMBER_OF(kinds));
}

TEST(only_from_the_fixed_remote, "WSK-RFEV-11 WSK-RFEV-12 WSK-IOCTL-05 D51")
{
    PEERS p;
    PWSK_SOCKET stranger;
    SOCKADDR_INET stranger_at;

    if (!BeginOn(&p, AF_INET, STATUS_SUCCESS))
        return;
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &stranger, &stranger_at), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(p.B, SIO_WSK_SET_REMOTE_ADDRESS, &p.At, sizeof(p.At), NULL, 0, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(
        Ioctl(p.B, SIO_WSK_SET_SENDTO_ADDRESS, &stranger_at, sizeof(stranger_at), NULL, 0, NULL),
        STATUS_SUCCESS);
    CHECK_STATUS(Fling(stranger, &p.Bt, 30, 1), STATUS_SUCCESS);
    CHECK_STATUS(Fling(p.A, &p.Bt, 40, 2), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Nodes, 1));
    CHECK_EQ(Sink.Seen[0].Length, 40);
    /* with the destination alone, from anywhere */
    CHECK_STATUS(Ioctl(p.B, SIO_WSK_SET_REMOTE_ADDRESS, NULL, 0, NULL, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Fling(stranger, &p.Bt, 31, 1), STATUS_SUCCESS);
    CHECK_STATUS(Fling(p.A, &p.Bt, 41, 2), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Nodes, 3));
    CHECK_EQ(Sink.Seen[1].Length, 31);
    CHECK_EQ(Sink.Seen[2].Length, 41);
}

TEST(lost_socket, "WSK-RFEV-09 D62")
{
    PEERS p;

    if (!BeginOn(&p, AF_INET, STATUS_SUCCESS))
        return;
    if (LoseSocket(p.B) == STATUS_NOT_SUPPORTED) {
        TestSkip("no way to lose a socket on demand");
        return;
    }
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_EQ(Sink.Nulls, 1);
    CHECK_STATUS(Fling(p.A, &p.Bt, 10, 1), STATUS_SUCCESS);
    Settle();
    CHECK_EQ(CounterValue(&Sink.Calls), 1); /* told once, and never again */
    CHECK_STATUS(Close(p.B), STATUS_SUCCESS);
}

/* ---- statically enabled -------------------------------------------------------------------------
 */

static PWSK_SOCKET StaticSocket(PWSK_CLIENT Owner, const WSK_PROVIDER_DISPATCH *Provider)
{
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_RECEIVE_FROM };
    CALL call;

    if (Provider->WskControlClient(Owner, WSK_SET_STATIC_EVENT_CALLBACKS, sizeof(control), &control,
                                   0, NULL, NULL, NULL) != STATUS_SUCCESS)
        return NULL;
    PIRP irp = CallBegin(&call);
    if (CallEnd(&call, Provider->WskSocket(Owner, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                           WSK_FLAG_DATAGRAM_SOCKET, &Sink, &Table, NULL, NULL,
                                           NULL, irp)) != STATUS_SUCCESS)
        return NULL;
    return (PWSK_SOCKET)call.Information;
}

static void NotAcceptedStatically(PWSK_SOCKET From, PWSK_SOCKET s)
{
    SOCKADDR_INET at;

    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    for (LONG i = 0; i < 5; i++) {
        CHECK_STATUS(Fling(From, &at, 50 + (SIZE_T)i, (UCHAR)i), STATUS_SUCCESS);
        CHECK(CounterWait(&Sink.Nodes, i + 1));
        CHECK_EQ(Sink.Seen[i].Length, 50 + i); /* the new one, not the ones refused before */
    }
}

TEST(not_accepted_statically, "WSK-RFEV-07 WSK-EVT-14 WSK-EVT-15")
{
    static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
    WSK_CLIENT_NPI npi = { NULL, &dispatch };
    WSK_REGISTRATION registration;
    WSK_PROVIDER_NPI provider;
    PEERS p;

    if (!Begin(&p, AF_INET, STATUS_DATA_NOT_ACCEPTED))
        return;
    CHECK_STATUS(WskRegister(&npi, &registration), STATUS_SUCCESS);
    NTSTATUS status = WskCaptureProviderNPI(&registration, WSK_INFINITE_WAIT, &provider);
    PWSK_SOCKET s = NT_SUCCESS(status) ? StaticSocket(provider.Client, provider.Dispatch) : NULL;
    if (s) {
        NotAcceptedStatically(p.A, s);
        (void)Close(s);
    }
    if (NT_SUCCESS(status))
        WskReleaseProviderNPI(&registration);
    WskDeregister(&registration);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK(s != NULL);
}

TESTS(ROW(one_node_each) ROW(with_control_data) ROW(kept_and_released) ROW(released_node_by_node)
          ROW(released_inside_the_callback) ROW(nothing_to_release) ROW(not_accepted)
              ROW(not_accepted_then_received) ROW(requests_come_first) ROW(enabled_later)
                  ROW(disabled_inside) ROW(one_kind_per_list) ROW(only_from_the_fixed_remote)
                      ROW(lost_socket) ROW(not_accepted_statically))
