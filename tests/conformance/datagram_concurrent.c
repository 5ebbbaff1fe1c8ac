/*
 * datagram_concurrent.c: WskReceiveFromEvent on several threads at once, the other choice of D14.
 *
 * Run with: --cpus=4 --config=concurrent-datagrams
 */
#include "objects.h"

#define AT_ONCE 2
#define MANY    2000
#define LIMIT   20000 /* rounds of 1 ms: only a broken implementation reaches it */

static struct {
    PWSK_SOCKET Socket;
    LONG Inside, Most, Calls, Nodes, Disorder;
    LONG Seen[MANY];
    BOOLEAN Meet; /* each call waits for AT_ONCE calls inside */
    LONG Hold;    /* each call waits until this is 0 */
    NTSTATUS Answer;
} Sink;

static BOOLEAN SpinUntil(LONG *Value, LONG AtLeast, LONG AtMost)
{
    for (ULONG i = 0; i < LIMIT; i++) {
        LONG value = InterlockedCompareExchange(Value, 0, 0);
        if (value >= AtLeast && value <= AtMost)
            return TRUE;
        KeStallExecutionProcessor(1000);
    }
    return FALSE;
}

/* The test's way: it keeps no processor from its work. */
static BOOLEAN SleepUntil(LONG *Value, LONG AtLeast, LONG AtMost)
{
    LARGE_INTEGER soon = { .QuadPart = -10000 };

    for (ULONG i = 0; i < LIMIT; i++) {
        LONG value = InterlockedCompareExchange(Value, 0, 0);
        if (value >= AtLeast && value <= AtMost)
            return TRUE;
        (void)KeDelayExecutionThread(KernelMode, FALSE, &soon);
    }
    return FALSE;
}

static void Count(const WSK_DATAGRAM_INDICATION *List)
{
    LONG last = -1;

    for (const WSK_DATAGRAM_INDICATION *n = List; n; n = n->Next) {
        LONG number = last;
        if (n->Buffer.Length == sizeof(number)) {
            PUCHAR data = MmGetSystemAddressForMdlSafe(n->Buffer.Mdl, NormalPagePriority);
            RtlCopyMemory(&number, data + n->Buffer.Offset, sizeof(number));
        }
        if (number <= last || number >= MANY)
            InterlockedIncrement(&Sink.Disorder);
        else
            InterlockedIncrement(&Sink.Seen[number]);
        last = number;
        InterlockedIncrement(&Sink.Nodes);
    }
}

static NTSTATUS NTAPI OnReceiveFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION List)
{
    LONG inside = InterlockedIncrement(&Sink.Inside);
    LONG most = InterlockedCompareExchange(&Sink.Most, 0, 0);
    NTSTATUS answer = Sink.Answer;

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    while (inside > most && InterlockedCompareExchange(&Sink.Most, inside, most) != most)
        most = InterlockedCompareExchange(&Sink.Most, 0, 0);
    if (Sink.Meet && !SpinUntil(&Sink.Most, AT_ONCE, MAXLONG))
        TestFail(__FILE__, __LINE__, "no other call comes while one runs");
    if (!SpinUntil(&Sink.Hold, 0, 0))
        TestFail(__FILE__, __LINE__, "nobody let the call go");
    if (answer == STATUS_SUCCESS)
        Count(List);
    InterlockedIncrement(&Sink.Calls);
    InterlockedDecrement(&Sink.Inside);
    return answer;
}

static const WSK_CLIENT_DATAGRAM_DISPATCH Table = { OnReceiveFrom };

static BOOLEAN Begin(SOCKADDR_INET *At)
{
    RtlZeroMemory(&Sink, sizeof(Sink));
    if (!NT_SUCCESS(OpenBound(AF_INET, NULL, &Table, &Sink.Socket, At)))
        TestFail(__FILE__, __LINE__, "no socket");
    else if (!NT_SUCCESS(Events(Sink.Socket, WSK_EVENT_RECEIVE_FROM)))
        TestFail(__FILE__, __LINE__, "no event");
    return !TestFailed();
}

static void SendNumber(LONG Number, const SOCKADDR_INET *To)
{
    static BUFFER *out;

    if (Number == 0)
        out = MakeBuffer(sizeof(Number));
    RtlCopyMemory(out->Data, &Number, sizeof(Number));
    CHECK_STATUS(SendTo(Sink.Socket, out, sizeof(Number), To, NULL), STATUS_SUCCESS);
}

TEST(two_at_once, "D14")
{
    SOCKADDR_INET at;

    if (!Begin(&at))
        return;
    Sink.Meet = TRUE;
    for (LONG i = 0; i < AT_ONCE && !TestFailed(); i++) {
        SendNumber(i, &at);
        CHECK(SleepUntil(&Sink.Most, i + 1, MAXLONG)); /* the first is inside: no list of both */
    }
    CHECK(SleepUntil(&Sink.Calls, AT_ONCE, AT_ONCE));
    CHECK_EQ(Sink.Nodes, AT_ONCE);
    CHECK_EQ(Sink.Disorder, 0);
}

/* The disable waits for all of them, and nothing starts while it waits (EVT-08). */
TEST(disable_waits_for_all, "D14 WSK-EVT-08")
{
    SOCKADDR_INET at;
    CALL call;

    if (!Begin(&at))
        return;
    Sink.Hold = 1;
    for (LONG i = 0; i < AT_ONCE && !TestFailed(); i++) {
        SendNumber(i, &at);
        CHECK(SleepUntil(&Sink.Inside, i + 1, i + 1));
    }
    (void)StartEvents(&call, Sink.Socket, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    CHECK_STATUS(Events(Sink.Socket, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    SendNumber(AT_ONCE, &at);
    CHECK(!CallIsDone(&call));
    InterlockedExchange(&Sink.Hold, 0);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK(SleepUntil(&Sink.Calls, AT_ONCE + 1, AT_ONCE + 1));
    CHECK_EQ(Sink.Most, AT_ONCE); /* the third was not among them */
    CHECK_EQ(Sink.Disorder, 0);
}

TEST(close_waits_for_all, "D14 WSK-CLOSE-03")
{
    SOCKADDR_INET at;
    CALL call;

    if (!Begin(&at))
        return;
    Sink.Hold = 1;
    for (LONG i = 0; i < AT_ONCE && !TestFailed(); i++) {
        SendNumber(i, &at);
        CHECK(SleepUntil(&Sink.Inside, i + 1, i + 1));
    }
    CHECK_STATUS(StartClose(&call, Sink.Socket), STATUS_PENDING);
    CHECK(!CallIsDone(&call));
    InterlockedExchange(&Sink.Hold, 0);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(Sink.Inside, 0);
    CHECK_EQ(Sink.Calls, AT_ONCE);
}

/* Not accepted by calls that run at once: everything is kept, for whoever takes it next. */
TEST(not_accepted_at_once, "D14 WSK-RFEV-06")
{
    SOCKADDR_INET at;
    CALL call;

    if (!Begin(&at))
        return;
    Sink.Hold = 1;
    Sink.Answer = STATUS_DATA_NOT_ACCEPTED;
    for (LONG i = 0; i < AT_ONCE && !TestFailed(); i++) {
        SendNumber(i, &at);
        CHECK(SleepUntil(&Sink.Inside, i + 1, i + 1));
    }
    InterlockedExchange(&Sink.Hold, 0);
    (void)StartEvents(&call, Sink.Socket, WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(Sink.Calls, AT_ONCE);
    Sink.Answer = STATUS_SUCCESS;
    CHECK_STATUS(Events(Sink.Socket, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    CHECK(SleepUntil(&Sink.Nodes, AT_ONCE, AT_ONCE));
    for (LONG i = 0; i < AT_ONCE; i++)
        CHECK_EQ(Sink.Seen[i], 1);
    CHECK_EQ(Sink.Disorder, 0);
}

/* One by one, so that none is lost for want of room: each is told once, lists are in order. */
TEST(every_one_once, "D14 WSK-RFEV-01")
{
    SOCKADDR_INET at;

    if (!Begin(&at))
        return;
    for (LONG i = 0; i < MANY && !TestFailed(); i++) {
        SendNumber(i, &at);
        if (i % 50 == 49)
            CHECK(SleepUntil(&Sink.Nodes, i + 1, i + 1));
    }
    for (LONG i = 0; i < MANY && !TestFailed(); i++)
        CHECK_EQ(Sink.Seen[i], 1);
    CHECK_EQ(Sink.Disorder, 0);
}

TESTS(ROW(two_at_once) ROW(disable_waits_for_all) ROW(close_waits_for_all) ROW(not_accepted_at_once)
          ROW(every_one_once))
