/* unload.c: what WskDeregister waits for (3.32). */
#include "conformance.h"

static const WSK_CLIENT_DISPATCH Dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

/* A client whose deregistration runs on a thread of its own. */
static struct {
    WSK_REGISTRATION Block;
    LONG Captures;
    WSK_PROVIDER_NPI Npi;
    THREAD Thread;
    KEVENT Started, Ended;
    LONG Over;
} U;

static NTSTATUS Capture(ULONG Timeout)
{
    NTSTATUS status = WskCaptureProviderNPI(&U.Block, Timeout, &U.Npi);

    if (NT_SUCCESS(status))
        U.Captures++;
    return status;
}

static void Release(void)
{
    U.Captures--;
    WskReleaseProviderNPI(&U.Block);
}

/* A failed test's, whose sockets are closed. */
static void Undo(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (U.Captures > 0)
        Release();
    if (U.Thread.Object)
        ThreadJoin(&U.Thread);
    else
        WskDeregister(&U.Block);
}

static void Join(void)
{
    Paid(&U);
    ThreadJoin(&U.Thread);
}

static NTSTATUS Begin(void)
{
    WSK_CLIENT_NPI npi = { NULL, &Dispatch };

    RtlZeroMemory(&U, sizeof(U));
    KeInitializeEvent(&U.Started, NotificationEvent, FALSE);
    KeInitializeEvent(&U.Ended, NotificationEvent, FALSE);
    NTSTATUS status = WskRegister(&npi, &U.Block);
    if (!NT_SUCCESS(status))
        return status;
    Owe(Undo, &U);
    return Capture(WSK_INFINITE_WAIT);
}

static void Deregister(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&U.Started, IO_NO_INCREMENT, FALSE);
    WskDeregister(&U.Block);
    InterlockedExchange(&U.Over, 1);
    KeSetEvent(&U.Ended, IO_NO_INCREMENT, FALSE);
}

/*
 * The deregistration has begun when the block no longer gives a capture (NPI-13). A capture that
 * came before is given back.
 */
static BOOLEAN StartDeregister(void)
{
    LARGE_INTEGER soon = { .QuadPart = -1 };
    WSK_PROVIDER_NPI npi;

    ThreadStart(&U.Thread, Deregister, NULL);
    if (!U.Thread.Object)
        return FALSE;
    (void)WaitFor(&U.Started);
    while (NT_SUCCESS(WskCaptureProviderNPI(&U.Block, WSK_NO_WAIT, &npi))) {
        WskReleaseProviderNPI(&U.Block);
        (void)KeDelayExecutionThread(KernelMode, FALSE, &soon);
    }
    return TRUE;
}

static NTSTATUS OpenOf(PWSK_SOCKET *Socket, ULONG Flags, USHORT Type, ULONG Protocol)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    NTSTATUS status =
        CallEnd(&call, U.Npi.Dispatch->WskSocket(U.Npi.Client, AF_INET, Type, Protocol, Flags, NULL,
                                                 NULL, NULL, NULL, NULL, irp));

    *Socket = (PWSK_SOCKET)call.Information;
    return status;
}

static NTSTATUS OpenUdp(PWSK_SOCKET *Socket)
{
    return OpenOf(Socket, WSK_FLAG_DATAGRAM_SOCKET, SOCK_DGRAM, IPPROTO_UDP);
}

/* ---- what holds it up -------------------------------------------------------------------- */

TEST(waits_for_sockets, "WSK-UNLD-01 WSK-UNLD-06 WSK-UNLD-04")
{
    PWSK_SOCKET s, t;
    SOCKADDR_INET at;
    BUFFER *in = MakeBuffer(20);

    CHECK_STATUS(Begin(), STATUS_SUCCESS);
    CHECK_STATUS(OpenUdp(&s), STATUS_SUCCESS);
    CHECK_STATUS(OpenUdp(&t), STATUS_SUCCESS);
    Release();
    if (!StartDeregister())
        return;
    /* While it waits, the sockets work. */
    NTSTATUS bound = BindLoopback(s, AF_INET, &at);
    NTSTATUS sent = SendTo(s, MakePattern(20, 1), 20, &at, NULL);
    NTSTATUS received = ReceiveFrom(s, in, 20, NULL, NULL);
    NTSTATUS closed = Close(s);
    LONG over = U.Over;
    NTSTATUS last = Close(t);
    CHECK(WaitFor(&U.Ended));
    Join();
    CHECK_STATUS(bound, STATUS_SUCCESS);
    CHECK_STATUS(sent, STATUS_SUCCESS);
    CHECK_STATUS(received, STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 20, 1, 0));
    CHECK_STATUS(closed, STATUS_SUCCESS);
    CHECK_EQ(over, 0);
    CHECK_STATUS(last, STATUS_SUCCESS);
}

static KEVENT RoutineEntered;
static LONG RoutineMayLeave, RoutineSawOver;

/* The close of the last socket has a completion routine that lasts: the deregistration must outlast
 * it. */
static NTSTATUS NTAPI LastingRoutine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(&RoutineEntered, IO_NO_INCREMENT, FALSE);
    for (ULONG i = 0; i < 200 && !InterlockedCompareExchange(&RoutineMayLeave, 0, 0); i++)
        KeStallExecutionProcessor(50);
    RoutineSawOver = U.Over;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

TEST(outlasts_the_last_routine, "WSK-UNLD-04 WSK-CLOSE-04")
{
    PWSK_SOCKET s;
    PIRP irp = MakeIrp(1);

    CHECK(irp != NULL);
    KeInitializeEvent(&RoutineEntered, NotificationEvent, FALSE);
    RoutineMayLeave = 0;
    CHECK_STATUS(Begin(), STATUS_SUCCESS);
    CHECK_STATUS(OpenUdp(&s), STATUS_SUCCESS);
    Release();
    if (!StartDeregister())
        return;
    IoSetCompletionRoutine(irp, LastingRoutine, NULL, TRUE, TRUE, TRUE);
    Disown(s);
    (void)BASIC_OF(s)->WskCloseSocket(s, irp);
    BOOLEAN entered = WaitFor(&RoutineEntered);
    BOOLEAN ended = WaitFor(&U.Ended);
    InterlockedExchange(&RoutineMayLeave, 1);
    Join();
    CHECK(entered && ended);
    CHECK_EQ(RoutineSawOver, 0);
}

TEST(waits_for_captures, "WSK-UNLD-01 WSK-NPI-11")
{
    CHECK_STATUS(Begin(), STATUS_SUCCESS);
    CHECK_STATUS(Capture(WSK_NO_WAIT), STATUS_SUCCESS);
    /* A deregistration by the block is over for release too; the captures go before it. */
    Release();
    Release();
    if (!StartDeregister())
        return;
    CHECK(WaitFor(&U.Ended));
    Join();
}

TEST(release_while_it_waits, "WSK-UNLD-01 WSK-UNLD-06 WSK-NPI-12")
{
    LONG over;
    PWSK_SOCKET s;

    CHECK_STATUS(Begin(), STATUS_SUCCESS);
    if (!StartDeregister())
        return;
    /* The capture is still good: it was not given back. */
    NTSTATUS opened = OpenUdp(&s);
    NTSTATUS closed = NT_SUCCESS(opened) ? Close(s) : opened;
    over = U.Over;
    Release();
    BOOLEAN ended = WaitFor(&U.Ended);
    CHECK(ended);
    Join();
    CHECK_STATUS(opened, STATUS_SUCCESS);
    CHECK_STATUS(closed, STATUS_SUCCESS);
    CHECK_EQ(over, 0);
}

TEST(waits_for_accepted_sockets, "WSK-UNLD-03")
{
    PWSK_SOCKET listener, accepted, s;
    SOCKADDR_INET at;

    CHECK_STATUS(Begin(), STATUS_SUCCESS);
    CHECK_STATUS(OpenOf(&listener, WSK_FLAG_LISTEN_SOCKET, SOCK_STREAM, IPPROTO_TCP),
                 STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s),
                 STATUS_SUCCESS); /* the harness's client's */
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(s, &at), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_STATUS(Close(listener), STATUS_SUCCESS);
    Release();
    if (!StartDeregister())
        return;
    NTSTATUS sent = Send(s, MakePattern(20, 1), 20, 0, NULL);
    NTSTATUS received = ReceiveAll(accepted, MakeBuffer(20), 20);
    LONG over = U.Over;
    NTSTATUS closed = Close(accepted);
    CHECK(WaitFor(&U.Ended));
    Join();
    CHECK_STATUS(sent, STATUS_SUCCESS);
    CHECK_STATUS(received, STATUS_SUCCESS);
    CHECK_EQ(over, 0);
    CHECK_STATUS(closed, STATUS_SUCCESS);
}

static NTSTATUS NTAPI LookupRoutine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    RoutineSawOver = U.Over;
    InterlockedExchange((LONG *)Context, 1);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* A look-up and a list change that pend: both are completed before WskDeregister returns. */
TEST(waits_for_irps, "WSK-UNLD-02 WSK-CTL-11")
{
    static WCHAR name[300];
    static UNICODE_STRING node;
    static LONG done;
    SOCKADDR_INET at;
    CALL change;
    PIRP irp = MakeIrp(1);

    CHECK(irp != NULL);
    node.Buffer = name;
    node.Length = 0;
    node.MaximumLength = sizeof(name);
    done = 0;
    CHECK_STATUS(Begin(), STATUS_SUCCESS);
    PIRP change_irp = CallBegin(&change);
    CallStarted(&change, U.Npi.Dispatch->WskControlClient(U.Npi.Client, WSK_TRANSPORT_LIST_CHANGE,
                                                          0, NULL, 0, NULL, NULL, change_irp));
    IoSetCompletionRoutine(irp, LookupRoutine, &done, TRUE, TRUE, TRUE);
    NTSTATUS status = U.Npi.Dispatch->WskGetNameInfo(U.Npi.Client, Loopback(AF_INET, 80, &at),
                                                     sizeof(at), &node, NULL, 0, NULL, NULL, irp);
    BOOLEAN pended = status == STATUS_PENDING;
    Release();
    if (!StartDeregister())
        return;
    BOOLEAN ended = WaitFor(&U.Ended);
    LONG was_done = done;
    BOOLEAN change_done = CallIsDone(&change);
    Join();
    CHECK(ended);
    CHECK_EQ(was_done, 1);
    CHECK(!pended || RoutineSawOver == 0);
    CHECK(change_done);
    CHECK_STATUS(CallWait(&change), STATUS_CANCELLED);
    CallFree(&change);
}

TESTS(ROW(waits_for_sockets) ROW(outlasts_the_last_routine) ROW(waits_for_captures)
          ROW(release_while_it_waits) ROW(waits_for_accepted_sockets) ROW(waits_for_irps))
