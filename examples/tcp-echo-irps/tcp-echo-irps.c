/*
 * tcp-echo-irps: a TCP echo server on WSK requests and worker threads.
 *
 * The plain, sequential way to use WSK: each worker thread accepts a connection, receives, sends
 * back what it received until the peer has finished, disconnects, closes and accepts again. One IRP
 * and one buffer per worker serve for all of that. At most Workers connections are served at a
 * time; the others wait in the listener's backlog.
 *
 * An unload sets one event. Every wait of a worker sees it: a pending accept is cancelled, a
 * connection is aborted, and the worker ends when its request has come back.
 *
 * Parameters: Port (REG_DWORD, default 7; 0 lets WSK choose), Workers (REG_DWORD, default 64).
 */
#include <ntddk.h>
#include <wsk.h>

#define ECHO_TAG             'ihcE'
#define ECHO_DEFAULT_PORT    7
#define ECHO_DEFAULT_WORKERS 64
#define ECHO_MAX_WORKERS     1024
#define ECHO_BUFFER_SIZE     (64 * 1024)
#define ECHO_RETRY_DELAY     (-100LL * 10 * 1000) /* 100 ms, relative */

/* A request that its thread waits for. */
typedef struct _ECHO_REQUEST {
    PIRP Irp;
    KEVENT Done;
} ECHO_REQUEST, *PECHO_REQUEST;

typedef struct _ECHO_WORKER {
    PETHREAD Thread;
    ECHO_REQUEST Request;
    ECHO_REQUEST Abort; /* used while Request is in progress */
    PVOID Buffer;
    PMDL Mdl;
} ECHO_WORKER, *PECHO_WORKER;

typedef struct _ECHO_SERVER {
    WSK_REGISTRATION Registration;
    ECHO_REQUEST Request; /* start-up and the listener's close */
    PWSK_SOCKET Listener;
    KEVENT Stop;
    ULONG WorkerCount;
    PECHO_WORKER Workers;
} ECHO_SERVER;

static ECHO_SERVER EchoServer;

static const WSK_CLIENT_DISPATCH EchoClientDispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD EchoUnload;
static KSTART_ROUTINE EchoWorker;
static IO_COMPLETION_ROUTINE EchoRequestComplete;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, EchoUnload)
#endif

_Use_decl_annotations_
static NTSTATUS EchoRequestComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PECHO_REQUEST Request = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(&Request->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED; /* the IRP is used again */
}

static NTSTATUS EchoInitializeRequest(_Out_ PECHO_REQUEST Request)
{
    KeInitializeEvent(&Request->Done, NotificationEvent, FALSE);
    Request->Irp = IoAllocateIrp(1, FALSE);
    return Request->Irp != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static VOID EchoFreeRequest(_Inout_ PECHO_REQUEST Request)
{
    if (Request->Irp != NULL) {
        IoFreeIrp(Request->Irp);
    }
}

static PIRP EchoPrepare(_Inout_ PECHO_REQUEST Request)
{
    KeClearEvent(&Request->Done);
    IoReuseIrp(Request->Irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(Request->Irp, EchoRequestComplete, Request, TRUE, TRUE, TRUE);
    return Request->Irp;
}

/* WSK completes the IRP of every call, whatever the call returned: the status is in there. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoAwait(_Inout_ PECHO_REQUEST Request)
{
    KeWaitForSingleObject(&Request->Done, Executive, KernelMode, FALSE, NULL);
    return Request->Irp->IoStatus.Status;
}

_IRQL_requires_(PASSIVE_LEVEL)
static VOID EchoClose(_In_ PWSK_SOCKET Socket, _Inout_ PECHO_REQUEST Request)
{
    const WSK_PROVIDER_BASIC_DISPATCH *Dispatch = Socket->Dispatch;

    (VOID) Dispatch->WskCloseSocket(Socket, EchoPrepare(Request));
    (VOID) EchoAwait(Request);
}

/*
 * Waits for the worker's request or the unload. A cancel is enough to end an accept. A send that
 * has begun does not heed it, so a connection (not NULL) is aborted. The stop event comes first in
 * the list: a busy peer must not be able to hide it.
 */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoAwaitOrStop(_Inout_ PECHO_WORKER Worker, _In_opt_ PWSK_SOCKET Connection)
{
    PVOID Objects[] = { &EchoServer.Stop, &Worker->Request.Done };
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch;
    NTSTATUS Status;

    Status = KeWaitForMultipleObjects(ARRAYSIZE(Objects), Objects, WaitAny, Executive, KernelMode,
                                      FALSE, NULL, NULL);
    if (Status == STATUS_WAIT_0) {
        if (Connection == NULL) {
            IoCancelIrp(Worker->Request.Irp);
        } else {
            Dispatch = Connection->Dispatch;
            (VOID) Dispatch->WskDisconnect(Connection, NULL, WSK_FLAG_ABORTIVE,
                                           EchoPrepare(&Worker->Abort));
            (VOID) EchoAwait(&Worker->Abort);
        }
    }
    return EchoAwait(&Worker->Request);
}

static BOOLEAN EchoStopping(VOID)
{
    return KeReadStateEvent(&EchoServer.Stop) != 0;
}

/* Echoes until the peer has finished sending, then finishes, too. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoServe(_Inout_ PECHO_WORKER Worker, _In_ PWSK_SOCKET Connection)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch = Connection->Dispatch;
    WSK_BUF Data = { Worker->Mdl, 0, 0 };
    NTSTATUS Status;

    while (!EchoStopping()) {
        Data.Length = ECHO_BUFFER_SIZE;
        (VOID) Dispatch->WskReceive(Connection, &Data, 0, EchoPrepare(&Worker->Request));
        Status = EchoAwaitOrStop(Worker, Connection);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Data.Length = Worker->Request.Irp->IoStatus.Information;
        if (Data.Length == 0) {
            (VOID) Dispatch->WskDisconnect(Connection, NULL, 0, EchoPrepare(&Worker->Request));
            return EchoAwaitOrStop(Worker, Connection);
        }
        (VOID) Dispatch->WskSend(Connection, &Data, 0, EchoPrepare(&Worker->Request));
        Status = EchoAwaitOrStop(Worker, Connection);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    return STATUS_CANCELLED;
}

/* A close of what is not disconnected in both directions resets the connection. */
_Use_decl_annotations_
static VOID EchoWorker(PVOID StartContext)
{
    PECHO_WORKER Worker = StartContext;
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch = EchoServer.Listener->Dispatch;
    LARGE_INTEGER Delay;
    PWSK_SOCKET Connection;
    NTSTATUS Status;

    while (!EchoStopping()) {
        (VOID) Dispatch->WskAccept(EchoServer.Listener, 0, NULL, NULL, NULL, NULL,
                                   EchoPrepare(&Worker->Request));
        Status = EchoAwaitOrStop(Worker, NULL);
        if (NT_SUCCESS(Status)) {
            Connection = (PWSK_SOCKET)Worker->Request.Irp->IoStatus.Information;
            (VOID) EchoServe(Worker, Connection);
            EchoClose(Connection, &Worker->Request);
        } else if (Status == STATUS_FILE_FORCED_CLOSED) {
            break; /* the listener is dead */
        } else {
            Delay.QuadPart = ECHO_RETRY_DELAY; /* short of resources: others may give some back */
            KeWaitForSingleObject(&EchoServer.Stop, Executive, KernelMode, FALSE, &Delay);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoStartWorker(_Inout_ PECHO_WORKER Worker)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    NTSTATUS Status;

    if (!NT_SUCCESS(EchoInitializeRequest(&Worker->Request)) ||
        !NT_SUCCESS(EchoInitializeRequest(&Worker->Abort))) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Worker->Buffer =
        ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, ECHO_BUFFER_SIZE, ECHO_TAG);
    if (Worker->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Worker->Mdl = IoAllocateMdl(Worker->Buffer, ECHO_BUFFER_SIZE, FALSE, FALSE, NULL);
    if (Worker->Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(Worker->Mdl);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL, EchoWorker,
                                  Worker);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode,
                                       (PVOID *)&Worker->Thread, NULL);
    NT_ASSERT(NT_SUCCESS(Status)); /* a handle of our own with all access */
    ZwClose(Handle);
    return Status;
}

/* Also frees a worker that was only half started. */
_IRQL_requires_(PASSIVE_LEVEL)
static VOID EchoFreeWorker(_Inout_ PECHO_WORKER Worker)
{
    if (Worker->Thread != NULL) {
        KeWaitForSingleObject(Worker->Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Worker->Thread);
    }
    if (Worker->Mdl != NULL) {
        IoFreeMdl(Worker->Mdl);
    }
    if (Worker->Buffer != NULL) {
        ExFreePoolWithTag(Worker->Buffer, ECHO_TAG);
    }
    EchoFreeRequest(&Worker->Abort);
    EchoFreeRequest(&Worker->Request);
}

_IRQL_requires_(PASSIVE_LEVEL)
static VOID EchoStopWorkers(VOID)
{
    ULONG i;

    KeSetEvent(&EchoServer.Stop, IO_NO_INCREMENT, FALSE);
    for (i = 0; i < EchoServer.WorkerCount; i++) {
        EchoFreeWorker(&EchoServer.Workers[i]);
    }
    ExFreePoolWithTag(EchoServer.Workers, ECHO_TAG);
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoStartWorkers(_In_ ULONG Count)
{
    NTSTATUS Status;

    EchoServer.Workers =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, Count * sizeof(ECHO_WORKER), ECHO_TAG);
    if (EchoServer.Workers == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    while (EchoServer.WorkerCount < Count) {
        Status = EchoStartWorker(&EchoServer.Workers[EchoServer.WorkerCount++]);
        if (!NT_SUCCESS(Status)) {
            EchoStopWorkers();
            return Status;
        }
    }
    return STATUS_SUCCESS;
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoBind(_In_ PWSK_SOCKET Listener, _In_ USHORT Port)
{
    const WSK_PROVIDER_LISTEN_DISPATCH *Dispatch = Listener->Dispatch;
    PECHO_REQUEST Request = &EchoServer.Request;
    SOCKADDR_IN6 Address = { 0 };
    ULONG V6Only = 0;
    NTSTATUS Status;

    (VOID) Dispatch->WskControlSocket(Listener, WskSetOption, IPV6_V6ONLY, IPPROTO_IPV6,
                                      sizeof(V6Only), &V6Only, 0, NULL, NULL, EchoPrepare(Request));
    Status = EchoAwait(Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Address.sin6_family = AF_INET6;
    Address.sin6_port = RtlUshortByteSwap(Port);
    (VOID) Dispatch->WskBind(Listener, (PSOCKADDR)&Address, 0, EchoPrepare(Request));
    Status = EchoAwait(Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (VOID) Dispatch->WskGetLocalAddress(Listener, (PSOCKADDR)&Address, EchoPrepare(Request));
    Status = EchoAwait(Request);
    if (NT_SUCCESS(Status)) {
        DbgPrint("tcp-echo-irps: listening on port %u\n", RtlUshortByteSwap(Address.sin6_port));
    }
    return Status;
}

/* One socket for both families: IPv4 peers appear with IPv4-mapped addresses. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoListen(_In_ const WSK_PROVIDER_NPI *Npi, _In_ USHORT Port)
{
    PECHO_REQUEST Request = &EchoServer.Request;
    PWSK_SOCKET Listener;
    NTSTATUS Status;

    (VOID) Npi->Dispatch->WskSocket(Npi->Client, AF_INET6, SOCK_STREAM, IPPROTO_TCP,
                                    WSK_FLAG_LISTEN_SOCKET, NULL, NULL, NULL, NULL, NULL,
                                    EchoPrepare(Request));
    Status = EchoAwait(Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Listener = (PWSK_SOCKET)Request->Irp->IoStatus.Information;
    Status = EchoBind(Listener, Port);
    if (!NT_SUCCESS(Status)) {
        EchoClose(Listener, Request);
        return Status;
    }
    EchoServer.Listener = Listener;
    return STATUS_SUCCESS;
}

/*
 * The capture does not wait: this driver starts on demand, when WSK is long there. A driver that
 * starts at boot would wait in a thread of its own, never here.
 */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS EchoStart(_In_ USHORT Port, _In_ ULONG Workers)
{
    WSK_CLIENT_NPI Client = { NULL, &EchoClientDispatch };
    WSK_PROVIDER_NPI Npi;
    NTSTATUS Status;

    Status = EchoInitializeRequest(&EchoServer.Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = WskRegister(&Client, &EchoServer.Registration);
    if (!NT_SUCCESS(Status)) {
        goto FreeRequest;
    }
    Status = WskCaptureProviderNPI(&EchoServer.Registration, WSK_NO_WAIT, &Npi);
    if (!NT_SUCCESS(Status)) {
        goto Deregister;
    }
    Status = EchoListen(&Npi, Port);
    WskReleaseProviderNPI(&EchoServer.Registration);
    if (!NT_SUCCESS(Status)) {
        goto Deregister;
    }
    Status = EchoStartWorkers(Workers);
    if (!NT_SUCCESS(Status)) {
        goto CloseListener;
    }
    return STATUS_SUCCESS;

CloseListener:
    EchoClose(EchoServer.Listener, &EchoServer.Request);
Deregister:
    WskDeregister(&EchoServer.Registration);
FreeRequest:
    EchoFreeRequest(&EchoServer.Request);
    return Status;
}

_Use_decl_annotations_
static VOID EchoUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    EchoStopWorkers();
    EchoClose(EchoServer.Listener, &EchoServer.Request);
    WskDeregister(&EchoServer.Registration);
    EchoFreeRequest(&EchoServer.Request);
    DbgPrint("tcp-echo-irps: unloaded\n");
}

/* A REG_DWORD under the service's Parameters key, or Default. */
_IRQL_requires_(PASSIVE_LEVEL)
static ULONG EchoQueryParameter(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
                                _In_ ULONG Default)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    UNICODE_STRING ParametersName = RTL_CONSTANT_STRING(L"Parameters");
    UNICODE_STRING ValueName;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE ServiceKey, ParametersKey;
    ULONG Length, Result = Default;

    InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&ServiceKey, KEY_READ, &Attributes))) {
        return Default;
    }
    InitializeObjectAttributes(&Attributes, &ParametersName,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, ServiceKey, NULL);
    if (NT_SUCCESS(ZwOpenKey(&ParametersKey, KEY_READ, &Attributes))) {
        RtlInitUnicodeString(&ValueName, Name);
        if (NT_SUCCESS(ZwQueryValueKey(ParametersKey, &ValueName, KeyValuePartialInformation, Value,
                                       sizeof(Buffer), &Length)) &&
            Value->Type == REG_DWORD && Value->DataLength == sizeof(ULONG)) {
            RtlCopyMemory(&Result, Value->Data, sizeof(ULONG));
        }
        ZwClose(ParametersKey);
    }
    ZwClose(ServiceKey);
    return Result;
}
_Use_decl_annotations_
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Port = EchoQueryParameter(RegistryPath, L"Port", ECHO_DEFAULT_PORT);
    ULONG Workers = EchoQueryParameter(RegistryPath, L"Workers", ECHO_DEFAULT_WORKERS);
    NTSTATUS Status;

    if (Port > MAXUSHORT || Workers == 0 || Workers > ECHO_MAX_WORKERS) {
        return STATUS_INVALID_PARAMETER;
    }
    KeInitializeEvent(&EchoServer.Stop, NotificationEvent, FALSE);
    Status = EchoStart((USHORT)Port, Workers);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("tcp-echo-irps: cannot start on port %u: 0x%08X\n", Port, Status);
        return Status;
    }
    DriverObject->DriverUnload = EchoUnload;
    return STATUS_SUCCESS;
}
