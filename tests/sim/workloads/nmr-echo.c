/*
 * nmr-echo.c: an echo server on TCP port 7 that attaches to WSK by the registrar, and that closes
 * its sockets from another thread than the one that uses them: when the provider leaves, when it is
 * unloaded, and when somebody sets the event \BaseNamedObjects\WskSimTrouble.
 *
 * The server thread makes one request after the other and waits for each. The keeper thread waits
 * for one of the reasons to close. A socket's rundown protection is held for the time of each call,
 * not until its request ends: so who closes knows that no call is running or will follow, and the
 * close ends the request. Who closes first, closes; the other one waits for the end of that.
 *
 * Compiled with -DCARELESS it closes without waiting for the calls.
 */
#include <ntddk.h>
#include <wsk.h>

#include <netioddk.h>

#define PORT   7
#define BYTES  1000
#define LISTED 2 /* the listener and one connection */

typedef struct _END {
    PWSK_SOCKET Socket;
    EX_RUNDOWN_REF Calls;
    BOOLEAN Open; /* under Lock */
    LONG Closing;
    KEVENT Closed;
} END;

typedef struct _REQUEST {
    PIRP Irp;
    KEVENT Done;
} REQUEST;

static FAST_MUTEX Lock;
static BOOLEAN Stopping; /* under Lock: nothing is opened any more */
static END Ends[LISTED];
static HANDLE Registration, TroubleHandle;
static PKEVENT Trouble;
static HANDLE Binding;
static WSK_PROVIDER_NPI Provider;
static EX_RUNDOWN_REF ProviderCalls; /* its functions, as opposed to those of sockets */
static BOOLEAN Attached;
static KEVENT Go, Leave;
static PVOID Keeper; /* a thread, or NULL */

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

/* ---- requests ---------------------------------------------------------------------------- */

static NTSTATUS NTAPI Signal(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static BOOLEAN MakeRequest(REQUEST *Request)
{
    KeInitializeEvent(&Request->Done, SynchronizationEvent, FALSE);
    Request->Irp = IoAllocateIrp(1, FALSE);
    return Request->Irp != NULL;
}

static PIRP Fresh(REQUEST *Request)
{
    IoReuseIrp(Request->Irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(Request->Irp, Signal, &Request->Done, TRUE, TRUE, TRUE);
    return Request->Irp;
}

static NTSTATUS Await(REQUEST *Request)
{
    KeWaitForSingleObject(&Request->Done, Executive, KernelMode, FALSE, NULL);
    return Request->Irp->IoStatus.Status;
}

/* ---- sockets ----------------------------------------------------------------------------- */

static VOID CloseSocket(PWSK_SOCKET Socket, REQUEST *Request)
{
    (VOID)((const WSK_PROVIDER_BASIC_DISPATCH *)Socket->Dispatch)
        ->WskCloseSocket(Socket, Fresh(Request));
    (VOID) Await(Request);
}

/* FALSE: too late, it is closed again. */
static BOOLEAN Publish(END *End, PWSK_SOCKET Socket, REQUEST *Request)
{
    ExAcquireFastMutex(&Lock);
    BOOLEAN Late = Stopping;
    if (!Late) {
        End->Socket = Socket;
        End->Closing = 0;
        KeInitializeEvent(&End->Closed, NotificationEvent, FALSE);
        ExInitializeRundownProtection(&End->Calls);
        End->Open = TRUE;
    }
    ExReleaseFastMutex(&Lock);
    if (Late)
        CloseSocket(Socket, Request);
    return !Late;
}

static VOID Close(END *End, REQUEST *Request)
{
    if (InterlockedExchange(&End->Closing, 1)) {
        KeWaitForSingleObject(&End->Closed, Executive, KernelMode, FALSE, NULL);
        return;
    }
#ifndef CARELESS
    ExWaitForRundownProtectionRelease(&End->Calls);
#endif
    CloseSocket(End->Socket, Request);
    KeSetEvent(&End->Closed, IO_NO_INCREMENT, FALSE);
}

static VOID CloseAll(REQUEST *Request)
{
    BOOLEAN Open[LISTED];

    ExAcquireFastMutex(&Lock);
    Stopping = TRUE;
    for (ULONG i = 0; i < LISTED; i++)
        Open[i] = Ends[i].Open;
    ExReleaseFastMutex(&Lock);
    for (ULONG i = 0; i < LISTED; i++)
        if (Open[i])
            Close(&Ends[i], Request);
}

/* ---- the server thread ------------------------------------------------------------------- */

static PWSK_SOCKET OpenListener(REQUEST *Request)
{
    SOCKADDR_IN Address = { .sin_family = AF_INET, .sin_port = RtlUshortByteSwap(PORT) };

    if (!ExAcquireRundownProtection(&ProviderCalls))
        return NULL;
    (VOID) Provider.Dispatch->WskSocket(Provider.Client, AF_INET, SOCK_STREAM, IPPROTO_TCP,
                                        WSK_FLAG_LISTEN_SOCKET, NULL, NULL, NULL, NULL, NULL,
                                        Fresh(Request));
    ExReleaseRundownProtection(&ProviderCalls);
    if (!NT_SUCCESS(Await(Request)))
        return NULL;
    PWSK_SOCKET Socket = (PWSK_SOCKET)Request->Irp->IoStatus.Information;
    const WSK_PROVIDER_LISTEN_DISPATCH *Table = Socket->Dispatch;
    (VOID) Table->WskBind(Socket, (PSOCKADDR)&Address, 0, Fresh(Request));
    if (NT_SUCCESS(Await(Request)))
        return Socket;
    CloseSocket(Socket, Request);
    return NULL;
}

static PWSK_SOCKET Accept(END *Listener, REQUEST *Request)
{
    const WSK_PROVIDER_LISTEN_DISPATCH *Table = Listener->Socket->Dispatch;

    if (!ExAcquireRundownProtection(&Listener->Calls))
        return NULL;
    (VOID) Table->WskAccept(Listener->Socket, 0, NULL, NULL, NULL, NULL, Fresh(Request));
    ExReleaseRundownProtection(&Listener->Calls);
    return NT_SUCCESS(Await(Request)) ? (PWSK_SOCKET)Request->Irp->IoStatus.Information : NULL;
}

typedef enum _MOVE { MoveReceive, MoveSend, MoveDisconnect } MOVE;

/* How many bytes; 0: the end; -1: a failure. */
static SSIZE_T Move(END *End, MOVE What, PMDL Mdl, SIZE_T Length, REQUEST *Request)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Table = End->Socket->Dispatch;
    WSK_BUF Buffer = { .Mdl = Mdl, .Length = Length };

    if (!ExAcquireRundownProtection(&End->Calls))
        return -1;
    if (What == MoveReceive)
        (VOID) Table->WskReceive(End->Socket, &Buffer, 0, Fresh(Request));
    else if (What == MoveSend)
        (VOID) Table->WskSend(End->Socket, &Buffer, 0, Fresh(Request));
    else
        (VOID) Table->WskDisconnect(End->Socket, NULL, 0, Fresh(Request));
    ExReleaseRundownProtection(&End->Calls);
    return NT_SUCCESS(Await(Request)) ? (SSIZE_T)Request->Irp->IoStatus.Information : -1;
}

/* Without a disconnect the close that follows resets the connection, as is right after a failure.
 */
static VOID Echo(END *End, PMDL Mdl, REQUEST *Request)
{
    SSIZE_T Length;

    while ((Length = Move(End, MoveReceive, Mdl, BYTES, Request)) > 0)
        if (Move(End, MoveSend, Mdl, (SIZE_T)Length, Request) != Length)
            return;
    if (Length == 0)
        (VOID) Move(End, MoveDisconnect, NULL, 0, Request);
}

static VOID ServeWith(PMDL Mdl, REQUEST *Request)
{
    END *Listener = &Ends[0], *Connection = &Ends[1];
    PWSK_SOCKET Socket = OpenListener(Request);

    if (!Socket || !Publish(Listener, Socket, Request))
        return;
    while ((Socket = Accept(Listener, Request)) != NULL) {
        if (!Publish(Connection, Socket, Request))
            break;
        Echo(Connection, Mdl, Request);
        Close(Connection, Request);
        ExAcquireFastMutex(&Lock);
        Connection->Open = FALSE;
        ExReleaseFastMutex(&Lock);
    }
    Close(Listener, Request);
}

static VOID NTAPI Serve(PVOID Memory)
{
    REQUEST Request;
    PMDL Mdl = IoAllocateMdl(Memory, BYTES, FALSE, FALSE, NULL);

    if (!Mdl)
        return;
    MmBuildMdlForNonPagedPool(Mdl);
    if (MakeRequest(&Request)) {
        ServeWith(Mdl, &Request);
        IoFreeIrp(Request.Irp);
    }
    IoFreeMdl(Mdl);
}

/* ---- the keeper thread ------------------------------------------------------------------- */

/* The thread object; NULL: there is no thread. */
static PVOID Start(PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE Handle;
    PVOID Thread = NULL;

    if (!NT_SUCCESS(
            PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, Context)))
        return NULL;
    (VOID) ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread, NULL);
    ZwClose(Handle);
    return Thread;
}

static VOID Join(PVOID Thread)
{
    if (!Thread)
        return;
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

static VOID NTAPI Keep(PVOID Memory)
{
    PVOID Reasons[] = { &Leave, Trouble };
    REQUEST Request;

    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    if (!Attached)
        return;
    if (MakeRequest(&Request)) {
        PVOID Server = Start(Serve, Memory);
        KeWaitForMultipleObjects(2, Reasons, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
        CloseAll(&Request);
        Join(Server);
        IoFreeIrp(Request.Irp);
    }
    KeWaitForSingleObject(&Leave, Executive, KernelMode, FALSE, NULL);
    NmrClientDetachProviderComplete(Binding);
}

/* ---- the registrar ----------------------------------------------------------------------- */

static const WSK_CLIENT_DISPATCH ClientTable = { MAKE_WSK_VERSION(1, 0), 0, NULL };
static UCHAR Memory[BYTES];

static NTSTATUS NTAPI AttachProvider(HANDLE NmrBinding, PVOID Context,
                                     PNPI_REGISTRATION_INSTANCE Instance)
{
    PVOID Client = NULL;
    const VOID *Table = NULL;

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Instance);
    Keeper = Start(Keep, Memory);
    if (!Keeper)
        return STATUS_INSUFFICIENT_RESOURCES;
    Binding = NmrBinding;
    NTSTATUS Status = NmrClientAttachProvider(NmrBinding, &Binding, &ClientTable, &Client, &Table);
    Provider.Client = Client;
    Provider.Dispatch = Table;
    Attached = NT_SUCCESS(Status);
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    return Status;
}

static NTSTATUS NTAPI DetachProvider(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExWaitForRundownProtectionRelease(&ProviderCalls);
    KeSetEvent(&Leave, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
}

static const NPI_MODULEID ModuleId = { .Length = sizeof(NPI_MODULEID),
                                       .Type = MIT_GUID,
                                       .Guid = { 0x0c7ad2e4, 7, 8, { 9, 1, 2, 3, 4, 5, 6, 7 } } };

static NTSTATUS Register(VOID)
{
    static const NPI_CLIENT_CHARACTERISTICS Characteristics = {
        .Length = sizeof(Characteristics),
        .ClientAttachProvider = AttachProvider,
        .ClientDetachProvider = DetachProvider,
        .ClientRegistrationInstance = { .Size = sizeof(NPI_REGISTRATION_INSTANCE),
                                        .NpiId = &NPI_WSK_INTERFACE_ID,
                                        .ModuleId = &ModuleId }
    };

    return NmrRegisterClient((PNPI_CLIENT_CHARACTERISTICS)&Characteristics, NULL, &Registration);
}

static VOID Forget(VOID)
{
    ObDereferenceObject(Trouble);
    ZwClose(TroubleHandle);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (NmrDeregisterClient(Registration) == STATUS_PENDING)
        (VOID) NmrWaitForClientDeregisterComplete(Registration);
    Join(Keeper);
    Forget();
}

static NTSTATUS MakeTrouble(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\WskSimTrouble");
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    NTSTATUS Status =
        ZwCreateEvent(&TroubleHandle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(TroubleHandle, EVENT_ALL_ACCESS, NULL, KernelMode,
                                       (PVOID *)&Trouble, NULL);
    if (!NT_SUCCESS(Status))
        ZwClose(TroubleHandle);
    return Status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    ExInitializeFastMutex(&Lock);
    ExInitializeRundownProtection(&ProviderCalls);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    KeInitializeEvent(&Leave, NotificationEvent, FALSE);
    DriverObject->DriverUnload = Unload;
    NTSTATUS Status = MakeTrouble();
    if (!NT_SUCCESS(Status))
        return Status;
    Status = Register();
    if (!NT_SUCCESS(Status))
        Forget();
    return Status;
}
