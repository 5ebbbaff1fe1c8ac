/* irp.c: the rules of IRPs (3.29) and of IRQLs (3.30). */
#include "conformance.h"

/* ---- when and how a call completes ------------------------------------------------------- */

/* Static where it is used: a test that fails leaves its requests behind. */
typedef struct _ONE {
    CALL Call;
    KEVENT Done;
    PKTHREAD Thread;
    KIRQL Irql;
} ONE;

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    ONE *one = Context;
    UNREFERENCED_PARAMETER(DeviceObject);

    one->Thread = KeGetCurrentThread();
    one->Irql = KeGetCurrentIrql();
    one->Call.Status = Irp->IoStatus.Status;
    one->Call.Information = Irp->IoStatus.Information;
    one->Call.PendingReturned = Irp->PendingReturned;
    InterlockedIncrement(&one->Call.Completions);
    KeSetEvent(&one->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void Begin(ONE *One, PIRP Irp)
{
    RtlZeroMemory(One, sizeof(*One));
    KeInitializeEvent(&One->Done, NotificationEvent, FALSE);
    One->Call.Done = &One->Done;
    One->Call.Irp = Irp;
    IoSetCompletionRoutine(Irp, Completed, One, TRUE, TRUE, TRUE);
}

static NTSTATUS ReceiveWith(PWSK_SOCKET Socket, BUFFER *Buffer, ONE *One)
{
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Buffer->Size };
    NTSTATUS status =
        DATAGRAM_OF(Socket)->WskReceiveFrom(Socket, &buf, 0, NULL, NULL, NULL, NULL, One->Call.Irp);

    CallStarted(&One->Call, status);
    return status;
}

TEST(inline_completion, "D01 D06 D12 WSK-IRP-01 WSK-IRQL-04")
{
    static const KIRQL levels[] = { PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL };
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    PIRP irp = MakeIrp(1);
    static ONE one;
    KIRQL old;

    CHECK(irp != NULL);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(levels); i++) {
        IoReuseIrp(irp, STATUS_UNSUCCESSFUL);
        Begin(&one, irp);
        KeRaiseIrql(levels[i], &old);
        NTSTATUS status = DATAGRAM_OF(s)->WskGetLocalAddress(s, (PSOCKADDR)&at, irp);
        KeLowerIrql(old);
        CallStarted(&one.Call, status);
        CHECK_STATUS(CallWait(&one.Call), STATUS_SUCCESS);
        CHECK_EQ(one.Call.Information, 0);
        CHECK(one.Irql <= DISPATCH_LEVEL);
        if (PendsAll) {
            CHECK_STATUS(status, STATUS_PENDING);
            continue;
        }
        CHECK_STATUS(status, STATUS_SUCCESS);
        CHECK(one.Thread == KeGetCurrentThread());
        CHECK_EQ(one.Irql, levels[i]);
        CHECK(!one.Call.PendingReturned);
    }
}

TEST(failure_completes_the_irp, "D01 D06 WSK-IRP-01 WSK-IRP-02")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    PIRP irp = MakeIrp(1);
    static ONE one;

    CHECK(irp != NULL);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    Begin(&one, irp);
    CallStarted(&one.Call, DATAGRAM_OF(s)->WskGetLocalAddress(s, (PSOCKADDR)&at, irp));
    CHECK_STATUS(CallWait(&one.Call), STATUS_INVALID_DEVICE_STATE);
    CHECK_EQ(one.Call.Information, 0);
    CHECK_EQ(one.Call.Completions, 1);
    CHECK(PendsAll || one.Call.Returned == STATUS_INVALID_DEVICE_STATE);
}

TEST(pending_completion, "D02 D11 WSK-IRP-02 WSK-IRQL-04 WSK-IRP-01")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *in = MakeBuffer(50);
    PIRP irp = MakeIrp(1);
    static ONE one;

    CHECK(irp != NULL);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    Begin(&one, irp);
    CHECK_STATUS(ReceiveWith(s, in, &one), STATUS_PENDING);
    CHECK_EQ(one.Call.Completions, 0);
    CHECK_STATUS(SendTo(s, MakePattern(20, 1), 20, &at, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CallWait(&one.Call), STATUS_SUCCESS);
    CHECK(one.Call.PendingReturned);
    CHECK_EQ(one.Call.Information, 20);
    CHECK_EQ(one.Irql, PassiveCallbacks ? PASSIVE_LEVEL : DISPATCH_LEVEL);
}

/* ---- whose memory an IRP is -------------------------------------------------------------- */

/* One in memory of our own, made by IoInitializeIrp, with more locations than it needs. */
TEST(own_storage, "D07 WSK-IRP-03")
{
    for (CCHAR locations = 1; locations <= 4; locations++) {
        static __declspec(align(16)) UCHAR storage[1024];
        PIRP irp = (PIRP)storage;
        PWSK_SOCKET s;
        SOCKADDR_INET at;
        static ONE one;
        CHECK(IoSizeOfIrp(locations) <= sizeof(storage));
        CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
        RtlFillMemory(storage, sizeof(storage), 0xcc);
        IoInitializeIrp(irp, IoSizeOfIrp(locations), locations);
        Begin(&one, irp);
        CHECK_STATUS(ReceiveWith(s, MakeBuffer(50), &one), STATUS_PENDING);
        CHECK_STATUS(SendTo(s, MakePattern(20, 1), 20, &at, NULL), STATUS_SUCCESS);
        CHECK_STATUS(CallWait(&one.Call), STATUS_SUCCESS);
        CHECK_EQ(one.Call.Information, 20);
        CHECK_STATUS(Close(s), STATUS_SUCCESS);
    }
}

/* The client's routine stops the completion and at once overwrites the IRP. */
typedef struct _ERASED {
    PIRP Irp;
    USHORT Size;
    KEVENT Done;
} ERASED;

static NTSTATUS NTAPI Erase(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    ERASED *e = Context;
    UNREFERENCED_PARAMETER(DeviceObject);

    RtlFillMemory(Irp, e->Size, 0xee);
    KeSetEvent(&e->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static BOOLEAN IsErased(const ERASED *e)
{
    for (ULONG i = 0; i < e->Size; i++)
        if (((UCHAR *)e->Irp)[i] != 0xee)
            return FALSE;
    return TRUE;
}

static void EraseOn(PWSK_SOCKET Socket, const SOCKADDR_INET *At, BOOLEAN Pend)
{
    static __declspec(align(16)) UCHAR storage[1024];
    static ERASED e;
    BUFFER *in = MakeBuffer(50);
    WSK_BUF buf = { in->Buf.Mdl, 0, 50 };

    e.Irp = (PIRP)storage;
    e.Size = IoSizeOfIrp(1);
    KeInitializeEvent(&e.Done, NotificationEvent, FALSE);
    IoInitializeIrp(e.Irp, e.Size, 1);
    IoSetCompletionRoutine(e.Irp, Erase, &e, TRUE, TRUE, TRUE);
    if (!Pend)
        CHECK_STATUS(SendTo(Socket, MakePattern(20, 1), 20, At, NULL), STATUS_SUCCESS);
    NTSTATUS status =
        DATAGRAM_OF(Socket)->WskReceiveFrom(Socket, &buf, 0, NULL, NULL, NULL, NULL, e.Irp);
    if (Pend)
        CHECK_STATUS(SendTo(Socket, MakePattern(20, 1), 20, At, NULL), STATUS_SUCCESS);
    CHECK(NT_SUCCESS(status));
    CHECK(WaitFor(&e.Done));
    CHECK(IsPattern(in->Data, 20, 1, 0));
    /* A round trip more, so that whoever completed has gone on. */
    CHECK_STATUS(SendTo(Socket, MakePattern(20, 1), 20, At, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(Socket, in, 50, NULL, NULL), STATUS_SUCCESS);
    CHECK(IsErased(&e));
}

TEST(not_touched_afterwards, "WSK-IRP-05 D07")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 20 && !TestFailed(); i++)
        EraseOn(s, &at, i % 2);
}

TEST(reuse, "WSK-IRP-06 WSK-IRP-01")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    PIRP irp = MakeIrp(2);
    BUFFER *out = MakePattern(20, 1), *in = MakeBuffer(50);
    static ONE one;

    CHECK(irp != NULL);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 60; i++) {
        if (i > 0)
            IoReuseIrp(irp, STATUS_SUCCESS);
        CHECK(!irp->Cancel && !irp->PendingReturned);
        Begin(&one, irp);
        if (i % 3 == 0)
            CHECK_STATUS(SendTo(s, out, 20, &at, NULL), STATUS_SUCCESS);
        NTSTATUS status = ReceiveWith(s, in, &one);
        if (i % 3 == 1)
            CHECK_STATUS(SendTo(s, out, 20, &at, NULL), STATUS_SUCCESS);
        if (i % 3 == 2)
            CHECK(IoCancelIrp(irp) && status == STATUS_PENDING);
        CHECK_STATUS(CallWait(&one.Call), i % 3 == 2 ? STATUS_CANCELLED : STATUS_SUCCESS);
        CHECK_EQ(one.Call.Information, i % 3 == 2 ? 0 : 20);
    }
}

/* ---- cancellation ------------------------------------------------------------------------ */

TEST(cancelled_before_the_call, "D08 D09 WSK-IRP-01")
{
    PWSK_SOCKET s;
    PIRP irp = MakeIrp(1);
    static ONE one;

    CHECK(irp != NULL);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    Begin(&one, irp);
    CHECK(!IoCancelIrp(irp)); /* nobody to call yet */
    (void)ReceiveWith(s, MakeBuffer(50), &one);
    CHECK_STATUS(CallWait(&one.Call), STATUS_CANCELLED);
    CHECK_EQ(one.Call.Completions, 1);
}

enum { RACES = 200 };
static PIRP RaceIrp;
static KEVENT RaceGo, RaceGone;
static LONG RaceStop;

static void Canceller(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (;;) {
        (void)KeWaitForSingleObject(&RaceGo, Executive, KernelMode, FALSE, NULL);
        if (RaceStop)
            return;
        (void)IoCancelIrp(RaceIrp);
        KeSetEvent(&RaceGone, IO_NO_INCREMENT, FALSE);
    }
}

/* Another thread cancels while the datagram arrives: one of both wins, and no datagram is lost. */
static void Race(PWSK_SOCKET s, const SOCKADDR_INET *At, ULONG *Taken, ULONG *Cancelled)
{
    PIRP irp = MakeIrp(1);
    BUFFER *out = MakePattern(20, 1), *in = MakeBuffer(50);
    static ONE one;

    for (ULONG i = 0; irp && i < RACES && !TestFailed(); i++) {
        IoReuseIrp(irp, STATUS_SUCCESS);
        Begin(&one, irp);
        RaceIrp = irp;
        (void)ReceiveWith(s, in, &one);
        KeSetEvent(&RaceGo, IO_NO_INCREMENT, FALSE);
        (void)SendTo(s, out, 20, At, NULL);
        NTSTATUS status = CallWait(&one.Call);
        (void)WaitFor(&RaceGone);
        if (one.Call.Completions != 1)
            TestFail(__FILE__, __LINE__, "%d completions", one.Call.Completions);
        if (status == STATUS_CANCELLED) {
            SIZE_T n = 0;
            (*Cancelled)++;
            if (ReceiveFrom(s, in, 50, NULL, &n) != STATUS_SUCCESS || n != 20)
                TestFail(__FILE__, __LINE__, "the datagram of a cancelled receive is lost");
        } else if (status == STATUS_SUCCESS && one.Call.Information == 20) {
            (*Taken)++;
        } else {
            TestFail(__FILE__, __LINE__, "ended with 0x%08x", status);
        }
    }
}

TEST(cancel_races_with_data, "D08 D09 WSK-IRP-01 WSK-IRP-06")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    THREAD thread;
    ULONG taken = 0, cancelled = 0;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    KeInitializeEvent(&RaceGo, SynchronizationEvent, FALSE);
    KeInitializeEvent(&RaceGone, SynchronizationEvent, FALSE);
    RaceStop = 0;
    ThreadStart(&thread, Canceller, NULL);
    Race(s, &at, &taken, &cancelled);
    RaceStop = 1;
    KeSetEvent(&RaceGo, IO_NO_INCREMENT, FALSE);
    ThreadJoin(&thread);
    CHECK_EQ(taken + cancelled, RACES);
}

static void CancelAll(PVOID Context)
{
    CALL *calls = Context;

    for (ULONG i = 0; i < 16; i++)
        (void)IoCancelIrp(calls[15 - i].Irp);
}

/* A queue of requests, cancelled from its end by another thread. */
TEST(cancel_a_queue, "D08 D09 WSK-IRP-01 D12")
{
    static CALL calls[16];
    PAIR pair;
    BUFFER *in = MakeBuffer(100);
    WSK_BUF buf = { in->Buf.Mdl, 0, 100 };
    THREAD thread;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    for (ULONG i = 0; i < 16; i++) {
        PIRP irp = CallBegin(&calls[i]);
        CallStarted(&calls[i], CONNECTION_OF(pair.Client)->WskReceive(pair.Client, &buf, 0, irp));
        CHECK_STATUS(calls[i].Returned, STATUS_PENDING);
    }
    ThreadStart(&thread, CancelAll, calls);
    ThreadJoin(&thread);
    for (ULONG i = 0; i < 16; i++) {
        CHECK_STATUS(CallWait(&calls[i]), STATUS_CANCELLED);
        CHECK_EQ(calls[i].Information, 0);
        CallFree(&calls[i]);
    }
    CHECK_STATUS(Send(pair.Server, MakePattern(100, 4), 100, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(pair.Client, in, 100), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, 100, 4, 0));
}

/* ---- requests from above ----------------------------------------------------------------- */

#define IOCTL_FORWARD CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_NEITHER, FILE_ANY_ACCESS)

typedef enum _FORWARD { ForwardPlain, ForwardRoutine, ForwardStop } FORWARD;

static struct {
    PDEVICE_OBJECT Device;
    FORWARD How;
    PWSK_SOCKET Socket;
    BUFFER *Buffer;
    SOCKADDR_INET Address;
    BOOLEAN Receive;
    LONG Routines;
    BOOLEAN SawPending;
    NTSTATUS SawStatus, Returned;
    KEVENT Stopped, Done;
    IO_STATUS_BLOCK Result;
    PIRP ToComplete; /* by this driver, once it has stopped at the routine */
} Above;

static NTSTATUS NTAPI AboveRoutine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Above.Routines);
    Above.SawPending = Irp->PendingReturned;
    Above.SawStatus = Irp->IoStatus.Status;
    if (DeviceObject != Above.Device)
        Above.SawStatus = STATUS_UNSUCCESSFUL;
    if (Above.How == ForwardStop) {
        KeSetEvent(&Above.Stopped, IO_NO_INCREMENT, FALSE);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS PassDown(PIRP Irp)
{
    WSK_BUF buf = { Above.Buffer->Buf.Mdl, 0, Above.Buffer->Size };
    const WSK_PROVIDER_DATAGRAM_DISPATCH *d = DATAGRAM_OF(Above.Socket);

    if (Above.Receive)
        return d->WskReceiveFrom(Above.Socket, &buf, 0, NULL, NULL, NULL, NULL, Irp);
    return d->WskGetLocalAddress(Above.Socket, (PSOCKADDR)&Above.Address, Irp);
}

static NTSTATUS NTAPI AboveDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Above.How != ForwardPlain)
        IoSetCompletionRoutine(Irp, AboveRoutine, NULL, TRUE, TRUE, TRUE);
    if (Above.How == ForwardStop)
        IoMarkIrpPending(Irp);
    Above.Returned = PassDown(Irp);
    return Above.How == ForwardStop ? STATUS_PENDING : Above.Returned;
}

static void CompleteStopped(void)
{
    PIRP irp = Above.ToComplete;

    Above.ToComplete = NULL;
    irp->IoStatus.Status = STATUS_DATA_ERROR;
    irp->IoStatus.Information = 5;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static void ForwardOne(FORWARD How, BOOLEAN Receive, BOOLEAN Pend)
{
    BUFFER *out = MakePattern(20, 1);

    if (TestFailed())
        return;
    Above.Result.Status = STATUS_UNSUCCESSFUL;
    Above.Result.Information = 99;
    KeInitializeEvent(&Above.Done, NotificationEvent, FALSE);
    KeInitializeEvent(&Above.Stopped, NotificationEvent, FALSE);
    Above.How = How;
    Above.Receive = Receive;
    Above.Routines = 0;
    Above.SawStatus = STATUS_UNSUCCESSFUL;
    if (Receive && !Pend)
        CHECK_STATUS(SendTo(Above.Socket, out, 20, &Above.Address, NULL), STATUS_SUCCESS);
    PIRP irp = IoBuildDeviceIoControlRequest(IOCTL_FORWARD, Above.Device, NULL, 0, NULL, 0, TRUE,
                                             &Above.Done, &Above.Result);
    CHECK(irp != NULL);
    Above.ToComplete = How == ForwardStop ? irp : NULL;
    NTSTATUS status = IoCallDriver(Above.Device, irp);
    if (Receive && Pend)
        CHECK_STATUS(SendTo(Above.Socket, out, 20, &Above.Address, NULL), STATUS_SUCCESS);
    if (How == ForwardStop) {
        CHECK(WaitFor(&Above.Stopped));
        CHECK(!KeReadStateEvent(&Above.Done)); /* it stopped at the routine */
        CompleteStopped();
    }
    CHECK(status == STATUS_PENDING || status == STATUS_SUCCESS);
    CHECK(WaitFor(&Above.Done));
    CHECK_STATUS(Above.Result.Status, How == ForwardStop ? STATUS_DATA_ERROR : STATUS_SUCCESS);
    CHECK_EQ(Above.Result.Information, How == ForwardStop ? 5 : Receive ? 20 : 0);
    CHECK_EQ(Above.Routines, How == ForwardPlain ? 0 : 1);
    if (How == ForwardPlain)
        return;
    CHECK_STATUS(Above.SawStatus, STATUS_SUCCESS);
    CHECK_EQ(Above.SawPending, Above.Returned == STATUS_PENDING);
}

static void ForwardAll(void)
{
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &Above.Socket), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Above.Socket, AF_INET, &Above.Address), STATUS_SUCCESS);
    Above.Buffer = MakeBuffer(50);
    for (FORWARD how = ForwardPlain; how <= ForwardStop && !TestFailed(); how++) {
        ForwardOne(how, FALSE, FALSE);
        ForwardOne(how, TRUE, FALSE);
        ForwardOne(how, TRUE, TRUE);
    }
}

/* When the socket is closed, no request is under way any more. */
static void DeleteDevice(PVOID Context)
{
    if (Above.ToComplete)
        CompleteStopped();
    IoDeleteDevice(Context);
}

TEST(passed_down_from_above, "WSK-IRP-04 WSK-IRP-02 WSK-IRP-03 WSK-IRP-05 D01 D02")
{
    RtlZeroMemory(&Above, sizeof(Above));
    CHECK_STATUS(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Above.Device),
                 STATUS_SUCCESS);
    Owe(DeleteDevice, Above.Device);
    TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = AboveDispatch;
    Above.Device->StackSize = 2; /* WSK takes one location below ours */
    Above.Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    ForwardAll();
}

/* ---- recursion --------------------------------------------------------------------------- */

enum { CHAIN = 100 };
static struct {
    PWSK_SOCKET Socket;
    PIRP Irps[CHAIN];
    SOCKADDR_INET Address;
    ULONG Next;
    struct {
        PVOID Thread;
        LONG Depth;
    } On[64];
    LONG Deepest;
    KEVENT Done;
} Chain;

/* The nesting on the calling thread: a deferred completion may go on elsewhere meanwhile. */
static LONG *DepthHere(void)
{
    PVOID thread = KeGetCurrentThread();

    for (ULONG i = 0; i < RTL_NUMBER_OF(Chain.On); i++) {
        PVOID was = InterlockedCompareExchangePointer(&Chain.On[i].Thread, thread, NULL);
        if (was == NULL || was == thread)
            return &Chain.On[i].Depth;
    }
    return &Chain.On[0].Depth;
}

static NTSTATUS NTAPI NextOfChain(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    LONG *depth = DepthHere();

    if (++*depth > Chain.Deepest)
        Chain.Deepest = *depth;
    if (Chain.Next == CHAIN) {
        KeSetEvent(&Chain.Done, IO_NO_INCREMENT, FALSE);
    } else {
        PIRP next = Chain.Irps[Chain.Next++];
        (void)DATAGRAM_OF(Chain.Socket)
            ->WskGetLocalAddress(Chain.Socket, (PSOCKADDR)&Chain.Address, next);
    }
    --*depth;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

TEST(completions_nest_to_a_limit, "D13 D03")
{
    RtlZeroMemory(&Chain, sizeof(Chain));
    KeInitializeEvent(&Chain.Done, NotificationEvent, FALSE);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &Chain.Socket), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(Chain.Socket, AF_INET, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < CHAIN; i++) {
        Chain.Irps[i] = MakeIrp(1);
        CHECK(Chain.Irps[i] != NULL);
        IoSetCompletionRoutine(Chain.Irps[i], NextOfChain, NULL, TRUE, TRUE, TRUE);
    }
    Chain.Next = 1;
    (void)DATAGRAM_OF(Chain.Socket)
        ->WskGetLocalAddress(Chain.Socket, (PSOCKADDR)&Chain.Address, Chain.Irps[0]);
    CHECK(WaitFor(&Chain.Done));
    CHECK_STATUS(Close(Chain.Socket), STATUS_SUCCESS); /* all routines have returned */
    CHECK_EQ(Chain.Next, CHAIN);
    CHECK(Chain.Deepest <= 9); /* the first one and eight inside of each other */
}

/* ---- IRQL -------------------------------------------------------------------------------- */

/* Runs `call` at DISPATCH_LEVEL with a fresh IRP and waits for the completion at PASSIVE_LEVEL. */
#define AT_DISPATCH(call, expected)        AT_DISPATCH_WITH(CallBegin, call, expected)
#define SOCKET_AT_DISPATCH(call, expected) AT_DISPATCH_WITH(CallBeginSocket, call, expected)
#define AT_DISPATCH_WITH(begin, call, expected)                                                    \
    do {                                                                                           \
        CALL c_;                                                                                   \
        KIRQL old_;                                                                                \
        PIRP irp = begin(&c_);                                                                     \
        KeRaiseIrql(DISPATCH_LEVEL, &old_);                                                        \
        NTSTATUS returned_ = (call);                                                               \
        KeLowerIrql(old_);                                                                         \
        CHECK_STATUS(CallEnd(&c_, returned_), expected);                                           \
        information = c_.Information;                                                              \
    } while (0)

TEST(stream_at_dispatch, "WSK-IRQL-01")
{
    PWSK_SOCKET listener, s, accepted;
    SOCKADDR_INET at, local, other;
    BUFFER *out = MakePattern(100, 1), *in = MakeBuffer(100);
    ULONG_PTR information;

    CHECK_STATUS(OpenStream(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    AT_DISPATCH(STREAM_OF(listener)->WskBind(listener, Loopback(AF_INET, 0, &at), 0, irp),
                STATUS_SUCCESS);
    AT_DISPATCH(STREAM_OF(listener)->WskListen(listener, irp), STATUS_SUCCESS);
    AT_DISPATCH(STREAM_OF(listener)->WskGetLocalAddress(listener, (PSOCKADDR)&at, irp),
                STATUS_SUCCESS);
    SOCKET_AT_DISPATCH(Wsk->WskSocketConnect(Client, SOCK_STREAM, IPPROTO_TCP,
                                             Loopback(AF_INET, 0, &local), (PSOCKADDR)&at, 0, NULL,
                                             NULL, NULL, NULL, NULL, irp),
                       STATUS_SUCCESS);
    s = (PWSK_SOCKET)information;
    SOCKET_AT_DISPATCH(STREAM_OF(listener)->WskAccept(listener, 0, NULL, NULL, (PSOCKADDR)&local,
                                                      (PSOCKADDR)&other, irp),
                       STATUS_SUCCESS);
    accepted = (PWSK_SOCKET)information;
    AT_DISPATCH(CONNECTION_OF(s)->WskSend(s, &out->Buf, 0, irp), STATUS_SUCCESS);
    AT_DISPATCH(CONNECTION_OF(accepted)->WskReceive(accepted, &in->Buf, WSK_FLAG_WAITALL, irp),
                STATUS_SUCCESS);
    CHECK_EQ(information, 100);
    AT_DISPATCH(CONNECTION_OF(s)->WskGetRemoteAddress(s, (PSOCKADDR)&other, irp), STATUS_SUCCESS);
    CHECK_EQ(PortOf(&other), PortOf(&at));
    AT_DISPATCH(CONNECTION_OF(s)->WskDisconnect(s, NULL, WSK_FLAG_ABORTIVE, irp), STATUS_SUCCESS);
    Disown(s);
    AT_DISPATCH(BASIC_OF(s)->WskCloseSocket(s, irp), STATUS_SUCCESS);
}

TEST(connect_at_dispatch, "WSK-IRQL-01")
{
    PWSK_SOCKET listener, s;
    SOCKADDR_INET at;
    ULONG_PTR information;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
        if (i == 0)
            AT_DISPATCH(CONNECTION_OF(s)->WskConnect(s, (PSOCKADDR)&at, 0, irp), STATUS_SUCCESS);
        else
            AT_DISPATCH(CONNECTION_OF(s)->WskConnectEx(s, (PSOCKADDR)&at, NULL, 0, irp),
                        STATUS_SUCCESS);
        CHECK_EQ(information, 0);
    }
}

TEST(datagrams_at_dispatch, "WSK-IRQL-01 WSK-IRQL-07")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(100, 1), *in = MakeBuffer(100);
    WSK_BUF_LIST list = { NULL, { out->Buf.Mdl, 0, 60 } };
    ULONG value = 1;
    ULONG_PTR information;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    AT_DISPATCH(BASIC_OF(s)->WskControlSocket(s, WskSetOption, SO_BROADCAST, SOL_SOCKET,
                                              sizeof(value), &value, 0, NULL, NULL, irp),
                STATUS_SUCCESS);
    AT_DISPATCH(DATAGRAM_OF(s)->WskSendTo(s, &out->Buf, 0, (PSOCKADDR)&at, 0, NULL, irp),
                STATUS_SUCCESS);
    AT_DISPATCH(DATAGRAM_OF(s)->WskSendMessages(s, &list, 0, (PSOCKADDR)&at, 0, NULL, irp),
                STATUS_SUCCESS);
    CHECK_EQ(information, 60);
    AT_DISPATCH(DATAGRAM_OF(s)->WskReceiveFrom(s, &in->Buf, 0, NULL, NULL, NULL, NULL, irp),
                STATUS_SUCCESS);
    CHECK_EQ(information, 100);
    AT_DISPATCH(DATAGRAM_OF(s)->WskReceiveFrom(s, &in->Buf, 0, NULL, NULL, NULL, NULL, irp),
                STATUS_SUCCESS);
    CHECK_EQ(information, 60);
}

TEST(at_passive, "WSK-IRQL-02")
{
    PWSK_SOCKET s;
    UCHAR list[4096];
    SIZE_T got = 0;

    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK_STATUS(UseOtherClient(), STATUS_SUCCESS);
    CHECK_STATUS(Open(AF_INET, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET, NULL, NULL, &s),
                 STATUS_SUCCESS);
    CHECK_STATUS(BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, 0, NULL,
                                               sizeof(list), list, &got, NULL),
                 STATUS_SUCCESS);
    CHECK(got > 0);
}

TESTS(ROW(inline_completion) ROW(failure_completes_the_irp) ROW(pending_completion) ROW(own_storage)
          ROW(not_touched_afterwards) ROW(reuse) ROW(cancelled_before_the_call)
              ROW(cancel_races_with_data) ROW(cancel_a_queue) ROW(passed_down_from_above)
                  ROW(completions_nest_to_a_limit) ROW(stream_at_dispatch) ROW(connect_at_dispatch)
                      ROW(datagrams_at_dispatch) ROW(at_passive))
