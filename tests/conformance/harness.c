/*
 * harness.c: DriverEntry of every conformance driver, and the helpers of conformance.h.
 */
#include "conformance.h"

#include <ntstrsafe.h>

#define TAG 'fnoC'
#ifndef MAX_OPEN
#define MAX_OPEN 8192
#endif
#define MAX_CALLS 4096 /* under way at once */
#define TRIES     100  /* to get memory: here a failure would only hide what is tested */
#define RESERVE   (16 << 20)

extern const char *const TestFile;
extern void (*const TestFill)(TEST_ENTRY *, ULONG *);
extern const BOOLEAN TestCaptures;

PDRIVER_OBJECT TestDriver;
PWSK_CLIENT Client;
const WSK_PROVIDER_DISPATCH *Wsk;
BOOLEAN PendsAll, PassiveCallbacks;

static WSK_REGISTRATION Registration;
static const WSK_CLIENT_DISPATCH ClientDispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

static BOOLEAN Failed;
static const char *SkipReason;
static char FailText[512];
static PWSK_SOCKET Opened[MAX_OPEN];
static LONG OpenedEnd; /* behind the last one that is in use */
static BUFFER *Buffers;

/* ---- results ----------------------------------------------------------------------------- */

static const char *BaseName(const char *Path)
{
    const char *base = Path;
    for (; *Path; Path++)
        if (*Path == '/' || *Path == '\\')
            base = Path + 1;
    return base;
}

void TestFail(const char *File, int Line, const char *Format, ...)
{
    char text[384];
    va_list args;

    if (Failed)
        return;
    Failed = TRUE;
    va_start(args, Format);
    (void)RtlStringCbVPrintfA(text, sizeof(text), Format, args);
    va_end(args);
    (void)RtlStringCbPrintfA(FailText, sizeof(FailText), "%s:%d: %s", BaseName(File), Line, text);
}

BOOLEAN TestFailed(void)
{
    return Failed;
}

void TestSkip(const char *Reason)
{
    SkipReason = Reason;
}

/* ---- calls ------------------------------------------------------------------------------- */

enum { Pending, Completed, Left };

/*
 * What a completion routine gets and fills. A test that fails returns while its requests are under
 * way, so nothing of what they touch may lie on its stack. The routine and whoever made the call
 * hold the record, and the later one gives it back; the IRP is freed by the maker, or, when that
 * has left the call before it completed, by the routine. No lock: to raise the IRQL would run the
 * callbacks that wait for this processor, and some of them wait for the test.
 */
typedef struct _RECORD {
    LONG Used, Made, Holders, State, Completions; /* Made: its maker has not left it */
    BOOLEAN MakesSocket, Initialized;
    KEVENT Done;
    NTSTATUS Status;
    ULONG_PTR Information;
    BOOLEAN PendingReturned;
    KIRQL Irql;
    PIRP Irp;
    __declspec(align(16)) UCHAR Storage[sizeof(IRP) + sizeof(IO_STACK_LOCATION)];
} RECORD;

static RECORD Records[MAX_CALLS];
static LONG RecordsUsed; /* those behind it were never taken */

static RECORD *TakeRecord(void)
{
    for (LONG i = 0; i < MAX_CALLS; i++) {
        RECORD *r = &Records[i];
        if (ReadAcquire(&r->Used) || InterlockedCompareExchange(&r->Used, 1, 0))
            continue;
        for (LONG n = ReadAcquire(&RecordsUsed); n <= i; n = ReadAcquire(&RecordsUsed))
            (void)InterlockedCompareExchange(&RecordsUsed, i + 1, n);
        if (r->Initialized)
            KeClearEvent(&r->Done);
        else
            KeInitializeEvent(&r->Done, NotificationEvent, FALSE);
        r->Initialized = TRUE;
        r->Holders = 2;
        r->Made = 1;
        r->State = Pending;
        r->Completions = 0;
        r->MakesSocket = FALSE;
        return r;
    }
    return NULL;
}

/* One that can be freed, so that it is seen when it is touched afterwards; its own at need. */
static PIRP IrpFor(RECORD *Record)
{
    PIRP irp = NULL;

    for (ULONG i = 0; i < TRIES && !irp; i++)
        irp = IoAllocateIrp(1, FALSE);
    if (irp)
        return irp;
    irp = (PIRP)Record->Storage;
    IoInitializeIrp(irp, IoSizeOfIrp(1), 1);
    return irp;
}

static void FreeIrpOf(RECORD *Record)
{
    if (Record->Irp != (PIRP)Record->Storage)
        IoFreeIrp(Record->Irp);
}

static void LetGo(RECORD *Record)
{
    if (InterlockedDecrement(&Record->Holders) == 0)
        InterlockedExchange(&Record->Used, 0);
}

static NTSTATUS NTAPI CallCompleted(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    RECORD *r = Context;
    UNREFERENCED_PARAMETER(DeviceObject);

    if (InterlockedIncrement(&r->Completions) > 1)
        return STATUS_MORE_PROCESSING_REQUIRED; /* CallWait() says so */
    if (r->MakesSocket && NT_SUCCESS(Irp->IoStatus.Status) && Irp->IoStatus.Information)
        Adopt((PWSK_SOCKET)Irp->IoStatus.Information);
    r->Status = Irp->IoStatus.Status;
    r->Information = Irp->IoStatus.Information;
    r->PendingReturned = Irp->PendingReturned;
    r->Irql = KeGetCurrentIrql();
    if (InterlockedExchange(&r->State, Completed) == Left)
        FreeIrpOf(r);
    else
        KeSetEvent(&r->Done, IO_NO_INCREMENT, FALSE);
    LetGo(r);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

PIRP CallBegin(CALL *Call)
{
    RtlZeroMemory(Call, sizeof(*Call));
    Call->Record = TakeRecord();
    if (!Call->Record) {
        TestFail(__FILE__, __LINE__, "too many calls");
        return NULL;
    }
    Call->Done = &Call->Record->Done;
    Call->Record->Irp = Call->Irp = IrpFor(Call->Record);
    IoSetCompletionRoutine(Call->Irp, CallCompleted, Call->Record, TRUE, TRUE, TRUE);
    return Call->Irp;
}

PIRP CallBeginSocket(CALL *Call)
{
    PIRP irp = CallBegin(Call);

    if (Call->Record)
        Call->Record->MakesSocket = TRUE;
    return irp;
}

/* Done is set: what the routine has recorded. */
static void ReadRecord(CALL *Call)
{
    RECORD *r = Call->Record;

    if (!r)
        return;
    Call->Completions = ReadAcquire(&r->Completions);
    Call->Status = r->Status;
    Call->Information = r->Information;
    Call->PendingReturned = r->PendingReturned;
    Call->Irql = r->Irql;
}

/* Whether it has completed or not: the maker has done with it. */
static void LeaveRecord(RECORD *Record, BOOLEAN FreesIrp)
{
    if (!InterlockedExchange(&Record->Made, 0))
        return;
    if (InterlockedCompareExchange(&Record->State, Left, Pending) != Pending && FreesIrp)
        FreeIrpOf(Record);
    LetGo(Record);
}

/*
 * The test has returned and its sockets are closed. What still pends (a name that is looked up)
 * ends by itself; what has completed is freed if the test had no chance to do it.
 */
static void LeaveCalls(void)
{
    LONG count = ReadAcquire(&RecordsUsed);

    for (LONG i = 0; i < count; i++)
        LeaveRecord(&Records[i], Failed);
}

BOOLEAN WaitFor(PKEVENT Event)
{
    LARGE_INTEGER limit;

    limit.QuadPart = -10000000ll * WAIT_SECONDS;
    return KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, &limit) == STATUS_SUCCESS;
}

BOOLEAN CallIsDone(CALL *Call)
{
    if (!KeReadStateEvent(Call->Done))
        return FALSE;
    ReadRecord(Call);
    return TRUE;
}

void CallStarted(CALL *Call, NTSTATUS Returned)
{
    Call->Returned = Returned;
    if (Returned == STATUS_PENDING)
        return;
    if (!CallIsDone(Call))
        TestFail(__FILE__, __LINE__, "returned 0x%08x without completing the IRP (D01)", Returned);
    else if (Call->Status != Returned)
        TestFail(__FILE__, __LINE__, "returned 0x%08x but completed the IRP with 0x%08x (D01)",
                 Returned, Call->Status);
    else if (Call->PendingReturned)
        TestFail(__FILE__, __LINE__, "PendingReturned after an inline completion (D01)");
}

NTSTATUS CallWait(CALL *Call)
{
    if (!WaitFor(Call->Done)) {
        TestFail(__FILE__, __LINE__, "the IRP was not completed (IRP-01)");
        IoCancelIrp(Call->Irp);
        (void)WaitFor(Call->Done);
        return STATUS_IO_TIMEOUT;
    }
    ReadRecord(Call);
    if (Call->Returned == STATUS_PENDING && !Call->PendingReturned)
        TestFail(__FILE__, __LINE__, "PendingReturned is FALSE after STATUS_PENDING (D02)");
    if (Call->Completions != 1)
        TestFail(__FILE__, __LINE__, "the IRP was completed %d times (IRP-01)", Call->Completions);
    return Call->Status;
}

void CallFree(CALL *Call)
{
    if (Call->Record)
        LeaveRecord(Call->Record, TRUE);
    Call->Irp = NULL;
    Call->Record = NULL;
}

NTSTATUS CallEnd(CALL *Call, NTSTATUS Returned)
{
    CallStarted(Call, Returned);
    NTSTATUS status = CallWait(Call);
    CallFree(Call);
    return status;
}

static VOID NTAPI RunThread(PVOID Context)
{
    THREAD *t = Context;

    t->Run(t->Context);
    (void)PsTerminateSystemThread(STATUS_SUCCESS);
}

void ThreadStart(THREAD *Thread, void (*Run)(PVOID Context), PVOID Context)
{
    HANDLE handle;

    Thread->Object = NULL;
    Thread->Run = Run;
    Thread->Context = Context;
    NTSTATUS status =
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, RunThread, Thread);
    if (!NT_SUCCESS(status)) {
        TestFail(__FILE__, __LINE__, "no thread: 0x%08x", status);
        return;
    }
    (void)ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread->Object,
                                    NULL);
    (void)ZwClose(handle);
}

void ThreadJoin(THREAD *Thread)
{
    if (!Thread->Object)
        return;
    (void)KeWaitForSingleObject(Thread->Object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread->Object);
    Thread->Object = NULL;
}

NTSTATUS CallFinish(CALL *Call)
{
    NTSTATUS status = CallWait(Call);

    CallFree(Call);
    return status;
}

void CounterInit(COUNTER *Counter)
{
    KeInitializeSpinLock(&Counter->Lock);
    KeInitializeEvent(&Counter->Changed, SynchronizationEvent, FALSE);
    Counter->Value = 0;
}

LONG CounterAddMany(COUNTER *Counter, LONG Count)
{
    KIRQL irql;

    KeAcquireSpinLock(&Counter->Lock, &irql);
    LONG value = Counter->Value += Count;
    KeSetEvent(&Counter->Changed, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Counter->Lock, irql);
    return value;
}

LONG CounterAdd(COUNTER *Counter)
{
    return CounterAddMany(Counter, 1);
}

LONG CounterValue(COUNTER *Counter)
{
    KIRQL irql;

    KeAcquireSpinLock(&Counter->Lock, &irql);
    LONG value = Counter->Value;
    KeReleaseSpinLock(&Counter->Lock, irql);
    return value;
}

BOOLEAN CounterWait(COUNTER *Counter, LONG Value)
{
    while (CounterValue(Counter) < Value)
        if (!WaitFor(&Counter->Changed))
            return FALSE;
    return TRUE;
}

/* ---- sockets ----------------------------------------------------------------------------- */

/* Callbacks and completion routines adopt sockets, too. */
void Adopt(PWSK_SOCKET Socket)
{
    LONG i = InterlockedIncrement(&OpenedEnd) - 1;

    if (i < MAX_OPEN)
        (void)InterlockedExchangePointer((PVOID *)&Opened[i], Socket);
    else
        TestFail(__FILE__, __LINE__, "too many sockets");
}

static LONG OpenedCount(void)
{
    LONG end = ReadAcquire(&OpenedEnd);

    return end < MAX_OPEN ? end : MAX_OPEN;
}

/* The last one first: a test with thousands of sockets closes those that it has just made. */
void Disown(PWSK_SOCKET Socket)
{
    for (LONG i = OpenedCount() - 1; i >= 0; i--) {
        if (InterlockedCompareExchangePointer((PVOID *)&Opened[i], NULL, Socket) != Socket)
            continue;
        (void)InterlockedCompareExchange(&OpenedEnd, i, i + 1);
        return;
    }
}

NTSTATUS Open(ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags, PVOID Context,
              const VOID *Dispatch, PWSK_SOCKET *Socket)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);

    *Socket = NULL;
    NTSTATUS status = CallEnd(&call, Wsk->WskSocket(Client, Family, Type, Protocol, Flags, Context,
                                                    Dispatch, NULL, NULL, NULL, irp));
    if (NT_SUCCESS(status))
        *Socket = (PWSK_SOCKET)call.Information;
    return status;
}

NTSTATUS OpenListen(ADDRESS_FAMILY Family, PVOID Context,
                    const WSK_CLIENT_LISTEN_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET, Context, Dispatch,
                Socket);
}

NTSTATUS OpenConnection(ADDRESS_FAMILY Family, PVOID Context,
                        const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET, Context, Dispatch,
                Socket);
}

NTSTATUS OpenDatagram(ADDRESS_FAMILY Family, PVOID Context,
                      const WSK_CLIENT_DATAGRAM_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET, Context, Dispatch,
                Socket);
}

NTSTATUS OpenStream(ADDRESS_FAMILY Family, PVOID Context,
                    const WSK_CLIENT_STREAM_DISPATCH *Dispatch, PWSK_SOCKET *Socket)
{
    return Open(Family, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET, Context, Dispatch,
                Socket);
}

static NTSTATUS CloseDisowned(PWSK_SOCKET Socket)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, BASIC_OF(Socket)->WskCloseSocket(Socket, irp));
}

NTSTATUS Close(PWSK_SOCKET Socket)
{
    Disown(Socket);
    return CloseDisowned(Socket);
}

/* A socket's creation can always end at once, its close hardly ever. */
static void LearnChoices(void)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, Wsk->WskSocket(Client, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                      WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, NULL, NULL, NULL, irp));
    PendsAll = call.Returned == STATUS_PENDING;
    if (!NT_SUCCESS(status))
        return;
    PWSK_SOCKET s = (PWSK_SOCKET)call.Information;
    irp = CallBegin(&call);
    (void)CallEnd(&call, BASIC_OF(s)->WskCloseSocket(s, irp));
    PassiveCallbacks = call.Irql == PASSIVE_LEVEL;
}

static PSOCKADDR Fill(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage)
{
    RtlZeroMemory(Storage, sizeof(*Storage));
    Storage->si_family = Family;
    /* The port lies at the same place in both forms. */
    Storage->Ipv4.sin_port = RtlUshortByteSwap(Port);
    return (PSOCKADDR)Storage;
}

PSOCKADDR Loopback(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage)
{
    PSOCKADDR address = Fill(Family, Port, Storage);

    if (Family == AF_INET)
        Storage->Ipv4.sin_addr.s_addr = RtlUlongByteSwap(0x7f000001);
    else
        Storage->Ipv6.sin6_addr.u.Byte[15] = 1;
    return address;
}

PSOCKADDR Wildcard(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage)
{
    return Fill(Family, Port, Storage);
}

USHORT PortOf(const SOCKADDR_INET *Address)
{
    return RtlUshortByteSwap(Address->Ipv4.sin_port);
}

/* WskBind and WskGetLocalAddress lie at different places in the tables; the category is told by
 * them. */
static PFN_WSK_BIND BindOf(PWSK_SOCKET Socket)
{
    return LISTEN_OF(Socket)->WskBind; /* the third member of every table that has it */
}

NTSTATUS BindTo(PWSK_SOCKET Socket, PSOCKADDR Address)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, BindOf(Socket)(Socket, Address, 0, irp));
}

typedef struct _KIND {
    const VOID *Dispatch;
    ULONG Flags;
} KIND;
static KIND Kinds[5];

/* Learns the five tables once, by making a socket of each category. */
static ULONG KindOf(PWSK_SOCKET Socket)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Kinds); i++)
        if (Kinds[i].Dispatch == Socket->Dispatch)
            return Kinds[i].Flags;
    return WSK_FLAG_CONNECTION_SOCKET;
}

static void LearnKinds(void)
{
    static const ULONG flags[] = { WSK_FLAG_BASIC_SOCKET, WSK_FLAG_LISTEN_SOCKET,
                                   WSK_FLAG_CONNECTION_SOCKET, WSK_FLAG_DATAGRAM_SOCKET,
                                   WSK_FLAG_STREAM_SOCKET };

    for (ULONG i = 0; i < RTL_NUMBER_OF(flags); i++) {
        BOOLEAN datagram = flags[i] == WSK_FLAG_DATAGRAM_SOCKET;
        PWSK_SOCKET s;
        if (!NT_SUCCESS(Open(AF_INET, datagram ? SOCK_DGRAM : SOCK_STREAM,
                             datagram ? IPPROTO_UDP : IPPROTO_TCP, flags[i], NULL, NULL, &s)))
            continue;
        Kinds[i].Dispatch = s->Dispatch;
        Kinds[i].Flags = flags[i];
        (void)Close(s);
    }
}

static PFN_WSK_GET_LOCAL_ADDRESS LocalAddressFunction(PWSK_SOCKET Socket)
{
    switch (KindOf(Socket)) {
    case WSK_FLAG_LISTEN_SOCKET:
        return LISTEN_OF(Socket)->WskGetLocalAddress;
    case WSK_FLAG_DATAGRAM_SOCKET:
        return DATAGRAM_OF(Socket)->WskGetLocalAddress;
    case WSK_FLAG_STREAM_SOCKET:
        return STREAM_OF(Socket)->WskGetLocalAddress;
    default:
        return CONNECTION_OF(Socket)->WskGetLocalAddress;
    }
}

NTSTATUS LocalAddressOf(PWSK_SOCKET Socket, SOCKADDR_INET *Address)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    RtlZeroMemory(Address, sizeof(*Address));
    return CallEnd(&call, LocalAddressFunction(Socket)(Socket, (PSOCKADDR)Address, irp));
}

NTSTATUS BindLoopback(PWSK_SOCKET Socket, ADDRESS_FAMILY Family, SOCKADDR_INET *Bound)
{
    SOCKADDR_INET address;
    NTSTATUS status = BindTo(Socket, Loopback(Family, 0, &address));

    if (NT_SUCCESS(status) && Bound)
        status = LocalAddressOf(Socket, Bound);
    return status;
}

static BOOLEAN IsStream(PWSK_SOCKET Socket)
{
    return KindOf(Socket) == WSK_FLAG_STREAM_SOCKET;
}

NTSTATUS Connect(PWSK_SOCKET Socket, const SOCKADDR_INET *Remote)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    PFN_WSK_CONNECT connect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskConnect : CONNECTION_OF(Socket)->WskConnect;

    return CallEnd(&call, connect(Socket, (PSOCKADDR)Remote, 0, irp));
}

NTSTATUS Accept(PWSK_SOCKET Listener, PVOID Context, const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch,
                PWSK_SOCKET *Accepted)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    PFN_WSK_ACCEPT accept =
        IsStream(Listener) ? STREAM_OF(Listener)->WskAccept : LISTEN_OF(Listener)->WskAccept;

    *Accepted = NULL;
    NTSTATUS status = CallEnd(&call, accept(Listener, 0, Context, Dispatch, NULL, NULL, irp));
    if (NT_SUCCESS(status))
        *Accepted = (PWSK_SOCKET)call.Information;
    return status;
}

NTSTATUS Disconnect(PWSK_SOCKET Socket, ULONG Flags)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    PFN_WSK_DISCONNECT disconnect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskDisconnect : CONNECTION_OF(Socket)->WskDisconnect;

    return CallEnd(&call, disconnect(Socket, NULL, Flags, irp));
}

NTSTATUS StartAccept(CALL *Call, PWSK_SOCKET Listener, PVOID Context,
                     const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch)
{
    PIRP irp = CallBeginSocket(Call);
    PFN_WSK_ACCEPT accept =
        IsStream(Listener) ? STREAM_OF(Listener)->WskAccept : LISTEN_OF(Listener)->WskAccept;

    CallStarted(Call, accept(Listener, 0, Context, Dispatch, NULL, NULL, irp));
    return Call->Returned;
}

NTSTATUS StartConnect(CALL *Call, PWSK_SOCKET Socket, const SOCKADDR_INET *Remote)
{
    PIRP irp = CallBegin(Call);
    PFN_WSK_CONNECT connect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskConnect : CONNECTION_OF(Socket)->WskConnect;

    CallStarted(Call, connect(Socket, (PSOCKADDR)Remote, 0, irp));
    return Call->Returned;
}

NTSTATUS StartDisconnect(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags)
{
    PIRP irp = CallBegin(Call);
    WSK_BUF buf = { Buffer ? Buffer->Buf.Mdl : NULL, 0, Length };
    PFN_WSK_DISCONNECT disconnect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskDisconnect : CONNECTION_OF(Socket)->WskDisconnect;

    CallStarted(Call, disconnect(Socket, Buffer ? &buf : NULL, Flags, irp));
    return Call->Returned;
}

NTSTATUS StartClose(CALL *Call, PWSK_SOCKET Socket)
{
    PIRP irp = CallBegin(Call);

    Disown(Socket);
    CallStarted(Call, BASIC_OF(Socket)->WskCloseSocket(Socket, irp));
    return Call->Returned;
}

static NTSTATUS Control(PWSK_SOCKET Socket, WSK_CONTROL_SOCKET_TYPE Type, ULONG Code, ULONG Level,
                        PVOID In, SIZE_T InSize, PVOID Out, SIZE_T OutSize, SIZE_T *Returned)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, BASIC_OF(Socket)->WskControlSocket(Socket, Type, Code, Level, InSize, In,
                                                          OutSize, Out, NULL, irp));
    if (Returned)
        *Returned = call.Information;
    return status;
}

NTSTATUS SetOption(PWSK_SOCKET Socket, ULONG Level, ULONG Option, PVOID Value, SIZE_T Size)
{
    return Control(Socket, WskSetOption, Option, Level, Value, Size, NULL, 0, NULL);
}

NTSTATUS GetOption(PWSK_SOCKET Socket, ULONG Level, ULONG Option, PVOID Value, SIZE_T Size,
                   SIZE_T *Returned)
{
    return Control(Socket, WskGetOption, Option, Level, NULL, 0, Value, Size, Returned);
}

NTSTATUS Ioctl(PWSK_SOCKET Socket, ULONG Code, PVOID In, SIZE_T InSize, PVOID Out, SIZE_T OutSize,
               SIZE_T *Returned)
{
    return Control(Socket, WskIoctl, Code, 0, In, InSize, Out, OutSize, Returned);
}

NTSTATUS Events(PWSK_SOCKET Socket, ULONG Mask)
{
    WSK_EVENT_CALLBACK_CONTROL control;

    control.NpiId = &NPI_WSK_INTERFACE_ID;
    control.EventMask = Mask;
    return BASIC_OF(Socket)->WskControlSocket(Socket, WskSetOption, SO_WSK_EVENT_CALLBACK,
                                              SOL_SOCKET, sizeof(control), &control, 0, NULL, NULL,
                                              NULL);
}

NTSTATUS StartEvents(CALL *Call, PWSK_SOCKET Socket, ULONG Mask)
{
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, Mask };
    PIRP irp = CallBegin(Call);

    CallStarted(Call, BASIC_OF(Socket)->WskControlSocket(
                          Socket, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET, sizeof(control),
                          &control, 0, NULL, NULL, irp));
    return Call->Returned;
}

NTSTATUS EventOff(PWSK_SOCKET Socket, ULONG Event)
{
    CALL call;

    (void)StartEvents(&call, Socket, Event | WSK_EVENT_DISABLE);
    return CallFinish(&call);
}

NTSTATUS LoseSocket(PWSK_SOCKET Socket)
{
    return BASIC_OF(Socket)->WskControlSocket(Socket, WskIoctl, SIO_OPENWSK_LOSE_SOCKET, 0, 0, NULL,
                                              0, NULL, NULL, NULL);
}

NTSTATUS MakePair(ADDRESS_FAMILY Family, PVOID ClientContext,
                  const WSK_CLIENT_CONNECTION_DISPATCH *ClientTable, PVOID ServerContext,
                  const WSK_CLIENT_CONNECTION_DISPATCH *ServerTable, PAIR *Pair)
{
    RtlZeroMemory(Pair, sizeof(*Pair));
    NTSTATUS status = OpenListen(Family, NULL, NULL, &Pair->Listener);
    if (NT_SUCCESS(status))
        status = BindLoopback(Pair->Listener, Family, &Pair->Address);
    if (NT_SUCCESS(status))
        status = OpenConnection(Family, ClientContext, ClientTable, &Pair->Client);
    if (NT_SUCCESS(status))
        status = BindLoopback(Pair->Client, Family, NULL);
    if (NT_SUCCESS(status))
        status = Connect(Pair->Client, &Pair->Address);
    if (NT_SUCCESS(status))
        status = Accept(Pair->Listener, ServerContext, ServerTable, &Pair->Server);
    return status;
}

/* ---- buffers ----------------------------------------------------------------------------- */

/* What there is when memory has run out, until the test ends. */
static __declspec(align(16)) UCHAR Reserve[RESERVE];
static SIZE_T ReserveUsed;

static PVOID FromReserve(SIZE_T Size)
{
    SIZE_T need = (Size + 15) & ~(SIZE_T)15;

    if (need > RESERVE - ReserveUsed)
        return NULL;
    ReserveUsed += need;
    return &Reserve[ReserveUsed - need];
}

static BOOLEAN InReserve(const VOID *Memory)
{
    return (ULONG_PTR)Memory - (ULONG_PTR)Reserve < RESERVE;
}

static PVOID Allocate(SIZE_T Size)
{
    PVOID memory = NULL;

    for (ULONG i = 0; i < TRIES && !memory; i++)
        memory = ExAllocatePoolWithTag(NonPagedPoolNx, Size, TAG);
    return memory ? memory : FromReserve(Size);
}

static void Free(PVOID Memory)
{
    if (Memory && !InReserve(Memory))
        ExFreePoolWithTag(Memory, TAG);
}

static PMDL AllocateMdl(PVOID Data, SIZE_T Size)
{
    PMDL mdl = NULL;

    for (ULONG i = 0; i < TRIES && !mdl; i++)
        mdl = IoAllocateMdl(Data, (ULONG)Size, FALSE, FALSE, NULL);
    if (mdl)
        return mdl;
    mdl = FromReserve(MmSizeOfMdl(Data, Size));
    if (mdl)
        MmInitializeMdl(mdl, Data, Size);
    return mdl;
}

BUFFER *MakeBuffer(SIZE_T Size)
{
    BUFFER *b = Allocate(sizeof(*b));

    if (!b)
        return NULL;
    RtlZeroMemory(b, sizeof(*b));
    b->Size = Size;
    b->Data = Allocate(Size ? Size : 1);
    if (b->Data && Size)
        b->Buf.Mdl = AllocateMdl(b->Data, Size);
    if (b->Buf.Mdl)
        MmBuildMdlForNonPagedPool(b->Buf.Mdl);
    if (b->Data)
        RtlZeroMemory(b->Data, Size);
    b->Buf.Length = Size;
    b->Next = Buffers;
    Buffers = b;
    return b;
}

/*
 * Loops over bytes of which others see nothing before they end: no place for wsksim to preempt at
 * each byte of megabytes.
 */
#if defined(__clang__)
#define WHOLE __attribute__((no_sanitize("coverage")))
#elif defined(__GNUC__)
#define WHOLE __attribute__((no_sanitize_coverage))
#else
#define WHOLE
#endif

WHOLE static UCHAR PatternByte(ULONG Seed, SIZE_T Position)
{
    ULONG x = (ULONG)Position * 2654435761u + Seed * 40503u;
    return (UCHAR)(x >> 13);
}

WHOLE BUFFER *MakePattern(SIZE_T Size, ULONG Seed)
{
    BUFFER *b = MakeBuffer(Size);

    for (SIZE_T i = 0; b && i < Size; i++)
        b->Data[i] = PatternByte(Seed, i);
    return b;
}

WHOLE BOOLEAN IsPattern(const VOID *Data, SIZE_T Size, ULONG Seed, SIZE_T Position)
{
    for (SIZE_T i = 0; i < Size; i++)
        if (((const UCHAR *)Data)[i] != PatternByte(Seed, Position + i))
            return FALSE;
    return TRUE;
}

NTSTATUS Send(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags, SIZE_T *Sent)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_SEND send =
        IsStream(Socket) ? STREAM_OF(Socket)->WskSend : CONNECTION_OF(Socket)->WskSend;
    NTSTATUS status = CallEnd(&call, send(Socket, &buf, Flags, irp));

    if (Sent)
        *Sent = call.Information;
    return status;
}

NTSTATUS Receive(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags, SIZE_T *Received)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_RECEIVE receive =
        IsStream(Socket) ? STREAM_OF(Socket)->WskReceive : CONNECTION_OF(Socket)->WskReceive;
    NTSTATUS status = CallEnd(&call, receive(Socket, &buf, Flags, irp));

    if (Received)
        *Received = call.Information;
    return status;
}

NTSTATUS StartSend(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags)
{
    PIRP irp = CallBegin(Call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_SEND send =
        IsStream(Socket) ? STREAM_OF(Socket)->WskSend : CONNECTION_OF(Socket)->WskSend;

    CallStarted(Call, send(Socket, &buf, Flags, irp));
    return Call->Returned;
}

NTSTATUS StartReceive(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags)
{
    PIRP irp = CallBegin(Call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_RECEIVE receive =
        IsStream(Socket) ? STREAM_OF(Socket)->WskReceive : CONNECTION_OF(Socket)->WskReceive;

    CallStarted(Call, receive(Socket, &buf, Flags, irp));
    return Call->Returned;
}

NTSTATUS ReceiveAll(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length)
{
    for (SIZE_T have = 0; have < Length;) {
        CALL call;
        PIRP irp = CallBegin(&call);
        WSK_BUF buf = { Buffer->Buf.Mdl, (ULONG)have, Length - have };
        PFN_WSK_RECEIVE receive =
            IsStream(Socket) ? STREAM_OF(Socket)->WskReceive : CONNECTION_OF(Socket)->WskReceive;
        NTSTATUS status = CallEnd(&call, receive(Socket, &buf, 0, irp));
        if (!NT_SUCCESS(status))
            return status;
        if (call.Information == 0)
            return STATUS_CONNECTION_DISCONNECTED;
        have += call.Information;
    }
    return STATUS_SUCCESS;
}

NTSTATUS SendTo(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, const SOCKADDR_INET *Remote,
                SIZE_T *Sent)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    NTSTATUS status = CallEnd(
        &call, DATAGRAM_OF(Socket)->WskSendTo(Socket, &buf, 0, (PSOCKADDR)Remote, 0, NULL, irp));

    if (Sent)
        *Sent = call.Information;
    return status;
}

NTSTATUS ReceiveFrom(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, SOCKADDR_INET *Remote,
                     SIZE_T *Received)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(Socket)->WskReceiveFrom(Socket, &buf, 0, (PSOCKADDR)Remote, NULL,
                                                           NULL, NULL, irp));

    if (Received)
        *Received = call.Information;
    return status;
}

/* ---- settling ---------------------------------------------------------------------------- */

static BOOLEAN RoundTrip(PWSK_SOCKET From, PWSK_SOCKET To)
{
    BUFFER *out = MakeBuffer(1), *in = MakeBuffer(1);
    CALL receive;

    (void)StartReceive(&receive, To, in, 1,
                       0); /* pends, so that To's processor has to bring the byte */
    NTSTATUS sent = Send(From, out, 1, 0, NULL);
    NTSTATUS received = CallFinish(&receive);
    return NT_SUCCESS(sent) && NT_SUCCESS(received);
}

/*
 * Sockets are spread over the processors in turn, so a few connections touch all of them; a byte to
 * each is handled behind what its processor had to handle before.
 */
void Settle(void)
{
    ULONG pairs = 2 * KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);

    for (ULONG i = 0; i < pairs; i++) {
        PAIR pair;
        NTSTATUS status = MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair);
        BOOLEAN well = NT_SUCCESS(status);
        for (ULONG n = 0; n < 2 && well; n++)
            well = RoundTrip(pair.Client, pair.Server) && RoundTrip(pair.Server, pair.Client);
        if (!well)
            TestFail(__FILE__, __LINE__, "no connection to settle with (0x%08x)", status);
        if (pair.Client)
            (void)Close(pair.Client);
        if (pair.Server)
            (void)Close(pair.Server);
        if (pair.Listener)
            (void)Close(pair.Listener);
    }
}

/* ---- what a failed test owes ------------------------------------------------------------- */

typedef struct _DEBT {
    void (*Undo)(PVOID Context);
    PVOID Context;
} DEBT;

static DEBT Debts[128];
static ULONG DebtCount; /* with Debts the test's thread's own */

void Owe(void (*Undo)(PVOID Context), PVOID Context)
{
    if (DebtCount == RTL_NUMBER_OF(Debts)) {
        TestFail(__FILE__, __LINE__, "too much to be undone");
        return;
    }
    Debts[DebtCount].Undo = Undo;
    Debts[DebtCount++].Context = Context;
}

void Paid(PVOID Context)
{
    for (ULONG i = DebtCount; i > 0; i--) {
        if (Debts[i - 1].Context != Context)
            continue;
        RtlMoveMemory(&Debts[i - 1], &Debts[i], (DebtCount - i) * sizeof(DEBT));
        DebtCount--;
        return;
    }
}

static void PayDebts(void)
{
    while (DebtCount > 0) {
        DEBT debt = Debts[--DebtCount];
        debt.Undo(debt.Context);
    }
}

static void FreeIrp(PVOID Context)
{
    IoFreeIrp(Context);
}

PIRP MakeIrp(CCHAR Locations)
{
    PIRP irp = NULL;

    for (ULONG i = 0; i < TRIES && !irp; i++)
        irp = IoAllocateIrp(Locations, FALSE);
    if (irp) {
        Owe(FreeIrp, irp);
        return irp;
    }
    irp = FromReserve(IoSizeOfIrp(Locations));
    if (irp)
        IoInitializeIrp(irp, IoSizeOfIrp(Locations), Locations);
    return irp;
}

/* ---- the run ----------------------------------------------------------------------------- */

static WSK_REGISTRATION OtherRegistration;
static PWSK_CLIENT OwnClient;

NTSTATUS UseOtherClient(void)
{
    WSK_CLIENT_NPI npi = { NULL, &ClientDispatch };
    WSK_PROVIDER_NPI provider;

    NTSTATUS status = WskRegister(&npi, &OtherRegistration);
    if (!NT_SUCCESS(status))
        return status;
    status = WskCaptureProviderNPI(&OtherRegistration, WSK_INFINITE_WAIT, &provider);
    if (!NT_SUCCESS(status)) {
        WskDeregister(&OtherRegistration);
        return status;
    }
    OwnClient = Client;
    Client = provider.Client;
    return status;
}

static void DropOtherClient(void)
{
    if (!OwnClient)
        return;
    WskReleaseProviderNPI(&OtherRegistration);
    WskDeregister(&OtherRegistration);
    Client = OwnClient;
    OwnClient = NULL;
}

/* FALSE: there was nothing to close. */
static BOOLEAN CloseOpened(void)
{
    BOOLEAN any = FALSE;

    for (LONG i = 0; i < OpenedCount(); i++) {
        PWSK_SOCKET s = InterlockedExchangePointer((PVOID *)&Opened[i], NULL);
        if (!s)
            continue;
        any = TRUE;
        (void)CloseDisowned(s);
    }
    return any;
}

static void CleanUp(void)
{
    while (CloseOpened())
        continue; /* a listener's callback may have adopted one more meanwhile */
    InterlockedExchange(&OpenedEnd, 0);
    PayDebts();
    LeaveCalls();
    while (Buffers) {
        BUFFER *b = Buffers;
        Buffers = b->Next;
        if (b->Buf.Mdl && !InReserve(b->Buf.Mdl))
            IoFreeMdl(b->Buf.Mdl);
        Free(b->Data);
        Free(b);
    }
    ReserveUsed = 0;
}

static BOOLEAN RunOne(const TEST_ENTRY *Test)
{
    Failed = FALSE;
    SkipReason = NULL;
    Test->Run();
    CleanUp();
    DropOtherClient();
    if (Failed)
        DbgPrint("FAIL %s %s: %s\n", Test->Name, Test->Clauses, FailText);
    else if (SkipReason)
        DbgPrint("SKIP %s %s: %s\n", Test->Name, Test->Clauses, SkipReason);
    else
        DbgPrint("PASS %s %s\n", Test->Name, Test->Clauses);
    return !Failed;
}

static ULONG RunAll(void)
{
    ULONG count = 0, failures = 0;

    TestFill(NULL, &count);
    TEST_ENTRY *tests = ExAllocatePoolWithTag(NonPagedPoolNx, count * sizeof(*tests), TAG);
    if (!tests)
        return 1;
    TestFill(tests, &count);
    for (ULONG i = 0; i < count; i++)
        if (!RunOne(&tests[i]))
            failures++;
    ExFreePoolWithTag(tests, TAG);
    DbgPrint("DONE %s: %u tests, %u failed\n", BaseName(TestFile), count, failures);
    return failures;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

DRIVER_INITIALIZE DriverEntry;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WSK_CLIENT_NPI npi = { NULL, &ClientDispatch };
    WSK_PROVIDER_NPI provider;
    UNREFERENCED_PARAMETER(RegistryPath);

    TestDriver = DriverObject;
    DriverObject->DriverUnload = Unload;
    if (!TestCaptures)
        return RunAll() ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
    NTSTATUS status = WskRegister(&npi, &Registration);
    if (!NT_SUCCESS(status))
        return status;
    status = WskCaptureProviderNPI(&Registration, WSK_INFINITE_WAIT, &provider);
    if (NT_SUCCESS(status)) {
        Client = provider.Client;
        Wsk = provider.Dispatch;
        LearnKinds();
        LearnChoices();
        ULONG failures = RunAll();
        WskReleaseProviderNPI(&Registration);
        if (failures)
            status = STATUS_UNSUCCESSFUL;
    }
    WskDeregister(&Registration);
    return status;
}
