/*
 * http-get: fetches one page over HTTP and prints the head of the response and the body's length.
 *
 * A WSK client from end to end: WskGetAddressInfo resolves the name, WskSocketConnect tries the
 * addresses in turn, one WskSend carries the request, WskReceive runs until the server has
 * finished. All of it happens in a thread that DriverEntry starts, with one IRP, and every wait has
 * a limit. An unload sets an event that ends the wait in progress by cancelling its request.
 *
 * Parameters: Host (REG_SZ, default "localhost"), Path (REG_SZ, default "/"), Port (REG_DWORD,
 * default 80), TimeoutSeconds (REG_DWORD, default 10; the limit of each single request).
 */
#include <ntddk.h>
#include <wsk.h>
#include <ntstrsafe.h>

#define HTTP_TAG             'pttH'
#define HTTP_DEFAULT_PORT    80
#define HTTP_DEFAULT_TIMEOUT 10
#define HTTP_STRING_MAX      1024 /* bytes of Host and of Path */
#define HTTP_BUFFER_SIZE     (16 * 1024)

typedef struct _HTTP_STRING {
    UNICODE_STRING Value;
    WCHAR Buffer[HTTP_STRING_MAX / sizeof(WCHAR)];
} HTTP_STRING, *PHTTP_STRING;

typedef struct _HTTP_CLIENT {
    WSK_REGISTRATION Registration;
    WSK_PROVIDER_NPI Npi;
    HTTP_STRING Host;
    HTTP_STRING Path;
    ULONG Port;
    LARGE_INTEGER Timeout;
    PETHREAD Thread;
    KEVENT Stop;
    PIRP Irp;
    KEVENT IrpDone;
    PCHAR Buffer;
    PMDL Mdl;
} HTTP_CLIENT;

static HTTP_CLIENT HttpClient;

static const WSK_CLIENT_DISPATCH HttpClientDispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD HttpUnload;
static KSTART_ROUTINE HttpThread;
static IO_COMPLETION_ROUTINE HttpSignalEvent;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, HttpUnload)
#endif

_Use_decl_annotations_
static NTSTATUS HttpSignalEvent(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP HttpPrepareIrp(VOID)
{
    KeClearEvent(&HttpClient.IrpDone);
    IoReuseIrp(HttpClient.Irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(HttpClient.Irp, HttpSignalEvent, &HttpClient.IrpDone, TRUE, TRUE, TRUE);
    return HttpClient.Irp;
}

/*
 * The outcome of the request in progress. After the unload's event or the time limit it is
 * cancelled and still waited for: the IRP and the buffers are WSK's until it completes.
 */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpAwaitIrp(VOID)
{
    PVOID Objects[] = { &HttpClient.Stop, &HttpClient.IrpDone };
    NTSTATUS Status;

    Status = KeWaitForMultipleObjects(ARRAYSIZE(Objects), Objects, WaitAny, Executive, KernelMode,
                                      FALSE, &HttpClient.Timeout, NULL);
    if (Status != STATUS_WAIT_1) {
        IoCancelIrp(HttpClient.Irp);
        KeWaitForSingleObject(&HttpClient.IrpDone, Executive, KernelMode, FALSE, NULL);
    }
    if (Status == STATUS_TIMEOUT && HttpClient.Irp->IoStatus.Status == STATUS_CANCELLED) {
        return STATUS_IO_TIMEOUT;
    }
    return HttpClient.Irp->IoStatus.Status;
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpResolve(_Outptr_ PADDRINFOEXW *Addresses)
{
    WCHAR PortBuffer[8];
    UNICODE_STRING PortName;
    ADDRINFOEXW Hints = { 0 };
    NTSTATUS Status;

    *Addresses = NULL;
    RtlInitEmptyUnicodeString(&PortName, PortBuffer, sizeof(PortBuffer));
    Status = RtlIntegerToUnicodeString(HttpClient.Port, 10, &PortName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Hints.ai_socktype = SOCK_STREAM;
    Hints.ai_protocol = IPPROTO_TCP;
    (VOID) HttpClient.Npi.Dispatch->WskGetAddressInfo(HttpClient.Npi.Client, &HttpClient.Host.Value,
                                                      &PortName, NS_ALL, NULL, &Hints, Addresses,
                                                      NULL, NULL, HttpPrepareIrp());
    return HttpAwaitIrp();
}

/* The first address that answers wins; the status is that of the last one tried. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpConnect(_Outptr_ PWSK_SOCKET *Socket)
{
    PADDRINFOEXW Addresses, Address;
    SOCKADDR_STORAGE Local;
    NTSTATUS Status;

    *Socket = NULL;
    Status = HttpResolve(&Addresses);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("http-get: cannot resolve %wZ\n", &HttpClient.Host.Value);
        return Status;
    }
    for (Address = Addresses; Address != NULL; Address = Address->ai_next) {
        RtlZeroMemory(&Local, sizeof(Local)); /* any address, any port */
        Local.ss_family = (ADDRESS_FAMILY)Address->ai_family;
        (VOID) HttpClient.Npi.Dispatch->WskSocketConnect(
            HttpClient.Npi.Client, SOCK_STREAM, IPPROTO_TCP, (PSOCKADDR)&Local, Address->ai_addr, 0,
            NULL, NULL, NULL, NULL, NULL, HttpPrepareIrp());
        Status = HttpAwaitIrp();
        if (NT_SUCCESS(Status)) {
            *Socket = (PWSK_SOCKET)HttpClient.Irp->IoStatus.Information;
            break;
        }
        if (KeReadStateEvent(&HttpClient.Stop) != 0) {
            break;
        }
    }
    HttpClient.Npi.Dispatch->WskFreeAddressInfo(HttpClient.Npi.Client, Addresses);
    return Status;
}

/* The server closes the connection after its answer: no need to understand its framing. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpSendRequest(_In_ PWSK_SOCKET Socket)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch = Socket->Dispatch;
    WSK_BUF Data = { HttpClient.Mdl, 0, 0 };
    NTSTATUS Status;

    Status = RtlStringCbPrintfA(HttpClient.Buffer, HTTP_BUFFER_SIZE,
                                "GET %wZ HTTP/1.1\r\n"
                                "Host: %wZ\r\n"
                                "User-Agent: http-get\r\n"
                                "Connection: close\r\n"
                                "\r\n",
                                &HttpClient.Path.Value, &HttpClient.Host.Value);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = RtlStringCbLengthA(HttpClient.Buffer, HTTP_BUFFER_SIZE, &Data.Length);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (VOID) Dispatch->WskSend(Socket, &Data, 0, HttpPrepareIrp());
    return HttpAwaitIrp();
}

/* The length of the head with its empty line, or 0 while that has not arrived. */
static SIZE_T HttpHeadLength(_In_reads_bytes_(Length) const CHAR *Text, _In_ SIZE_T Length)
{
    SIZE_T i;

    for (i = 4; i <= Length; i++) {
        if (RtlEqualMemory(Text + i - 4, "\r\n\r\n", 4)) {
            return i;
        }
    }
    return 0;
}

static VOID HttpPrintHead(_In_reads_bytes_(Length) const CHAR *Text, _In_ SIZE_T Length)
{
    SIZE_T Start, End;

    for (Start = 0; Start + 2 < Length; Start = End + 2) {
        for (End = Start; !RtlEqualMemory(Text + End, "\r\n", 2); End++) {
        }
        DbgPrint("http-get: %.*s\n", (int)(End - Start), Text + Start);
    }
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpReceive(_In_ PWSK_SOCKET Socket, _In_ SIZE_T Offset, _Out_ SIZE_T *Received)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch = Socket->Dispatch;
    WSK_BUF Data = { HttpClient.Mdl, (ULONG)Offset, HTTP_BUFFER_SIZE - Offset };
    NTSTATUS Status;

    (VOID) Dispatch->WskReceive(Socket, &Data, 0, HttpPrepareIrp());
    Status = HttpAwaitIrp();
    *Received = NT_SUCCESS(Status) ? HttpClient.Irp->IoStatus.Information : 0;
    return Status;
}

/* A received length of zero is the end of the stream. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpReceiveResponse(_In_ PWSK_SOCKET Socket)
{
    SIZE_T Buffered = 0, Head = 0, Received;
    ULONG64 Body;
    NTSTATUS Status;

    while (Head == 0) {
        if (Buffered == HTTP_BUFFER_SIZE) {
            return STATUS_BUFFER_OVERFLOW;
        }
        Status = HttpReceive(Socket, Buffered, &Received);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        if (Received == 0) {
            return STATUS_INVALID_NETWORK_RESPONSE;
        }
        Buffered += Received;
        Head = HttpHeadLength(HttpClient.Buffer, Buffered);
    }
    HttpPrintHead(HttpClient.Buffer, Head);
    Body = Buffered - Head;
    do {
        Status = HttpReceive(Socket, 0, &Received);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Body += Received;
    } while (Received != 0);
    DbgPrint("http-get: received a body of %I64u bytes\n", Body);
    return STATUS_SUCCESS;
}

/* Unlike the other requests, a close cannot be cancelled, and it does not wait for the peer. */
_IRQL_requires_(PASSIVE_LEVEL)
static VOID HttpClose(_In_ PWSK_SOCKET Socket)
{
    const WSK_PROVIDER_BASIC_DISPATCH *Dispatch = Socket->Dispatch;

    (VOID) Dispatch->WskCloseSocket(Socket, HttpPrepareIrp());
    KeWaitForSingleObject(&HttpClient.IrpDone, Executive, KernelMode, FALSE, NULL);
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpGet(VOID)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *Dispatch;
    PWSK_SOCKET Socket;
    NTSTATUS Status;

    Status = HttpConnect(&Socket);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = HttpSendRequest(Socket);
    if (NT_SUCCESS(Status)) {
        Status = HttpReceiveResponse(Socket);
    }
    if (NT_SUCCESS(Status)) {
        Dispatch = Socket->Dispatch;
        (VOID) Dispatch->WskDisconnect(Socket, NULL, 0, HttpPrepareIrp());
        Status = HttpAwaitIrp();
    }
    HttpClose(Socket);
    return Status;
}

_Use_decl_annotations_
static VOID HttpThread(PVOID StartContext)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(StartContext);
    Status = WskCaptureProviderNPI(&HttpClient.Registration, WSK_INFINITE_WAIT, &HttpClient.Npi);
    if (NT_SUCCESS(Status)) {
        Status = HttpGet();
        WskReleaseProviderNPI(&HttpClient.Registration);
    }
    if (NT_SUCCESS(Status)) {
        DbgPrint("http-get: done\n");
    } else {
        DbgPrint("http-get: failed with 0x%08X\n", Status);
    }
    PsTerminateSystemThread(Status);
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpAllocate(VOID)
{
    HttpClient.Irp = IoAllocateIrp(1, FALSE);
    HttpClient.Buffer =
        ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, HTTP_BUFFER_SIZE, HTTP_TAG);
    if (HttpClient.Irp == NULL || HttpClient.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    HttpClient.Mdl = IoAllocateMdl(HttpClient.Buffer, HTTP_BUFFER_SIZE, FALSE, FALSE, NULL);
    if (HttpClient.Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(HttpClient.Mdl);
    return STATUS_SUCCESS;
}

static VOID HttpFree(VOID)
{
    if (HttpClient.Mdl != NULL) {
        IoFreeMdl(HttpClient.Mdl);
    }
    if (HttpClient.Buffer != NULL) {
        ExFreePoolWithTag(HttpClient.Buffer, HTTP_TAG);
    }
    if (HttpClient.Irp != NULL) {
        IoFreeIrp(HttpClient.Irp);
    }
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpStartThread(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status =
        PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL, HttpThread, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode,
                                       (PVOID *)&HttpClient.Thread, NULL);
    NT_ASSERT(NT_SUCCESS(Status)); /* a handle of our own with all access */
    ZwClose(Handle);
    return Status;
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpStart(VOID)
{
    WSK_CLIENT_NPI Client = { NULL, &HttpClientDispatch };
    NTSTATUS Status;

    Status = HttpAllocate();
    if (!NT_SUCCESS(Status)) {
        goto Free;
    }
    Status = WskRegister(&Client, &HttpClient.Registration);
    if (!NT_SUCCESS(Status)) {
        goto Free;
    }
    Status = HttpStartThread();
    if (!NT_SUCCESS(Status)) {
        goto Deregister;
    }
    return STATUS_SUCCESS;

Deregister:
    WskDeregister(&HttpClient.Registration);
Free:
    HttpFree();
    return Status;
}

_Use_decl_annotations_
static VOID HttpUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    KeSetEvent(&HttpClient.Stop, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(HttpClient.Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(HttpClient.Thread);
    WskDeregister(&HttpClient.Registration);
    HttpFree();
}

/* Reads a value under the service's Parameters key. */
_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpQueryValue(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
                               _Out_writes_bytes_(Size) PKEY_VALUE_PARTIAL_INFORMATION Value,
                               _In_ ULONG Size)
{
    UNICODE_STRING ParametersName = RTL_CONSTANT_STRING(L"Parameters");
    UNICODE_STRING ValueName;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE ServiceKey, ParametersKey;
    ULONG Length;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    Status = ZwOpenKey(&ServiceKey, KEY_READ, &Attributes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &ParametersName,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, ServiceKey, NULL);
    Status = ZwOpenKey(&ParametersKey, KEY_READ, &Attributes);
    if (NT_SUCCESS(Status)) {
        RtlInitUnicodeString(&ValueName, Name);
        Status = ZwQueryValueKey(ParametersKey, &ValueName, KeyValuePartialInformation, Value, Size,
                                 &Length);
        ZwClose(ParametersKey);
    }
    ZwClose(ServiceKey);
    return Status;
}

_IRQL_requires_(PASSIVE_LEVEL)
static ULONG HttpQueryNumber(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
                             _In_ ULONG Default)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    ULONG Number = Default;

    if (NT_SUCCESS(HttpQueryValue(RegistryPath, Name, Value, sizeof(Buffer))) &&
        Value->Type == REG_DWORD && Value->DataLength == sizeof(ULONG)) {
        RtlCopyMemory(&Number, Value->Data, sizeof(ULONG));
    }
    return Number;
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS HttpQueryString(_In_ PUNICODE_STRING RegistryPath, _In_ PCWSTR Name,
                                _In_ PCWSTR Default, _Out_ PHTTP_STRING Result)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + HTTP_STRING_MAX];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    UNICODE_STRING Source;
    NTSTATUS Status;

    RtlInitUnicodeString(&Source, Default);
    Status = HttpQueryValue(RegistryPath, Name, Value, sizeof(Buffer));
    if (NT_SUCCESS(Status) && Value->Type == REG_SZ) {
        if (Value->DataLength < sizeof(WCHAR) || Value->DataLength > HTTP_STRING_MAX) {
            return STATUS_INVALID_PARAMETER;
        }
        Source.Buffer = (PWCH)Value->Data;
        Source.Length = (USHORT)(Value->DataLength - sizeof(WCHAR)); /* without the final NUL */
        Source.MaximumLength = (USHORT)Value->DataLength;
    } else if (Status != STATUS_OBJECT_NAME_NOT_FOUND) {
        return STATUS_INVALID_PARAMETER;
    }
    RtlInitEmptyUnicodeString(&Result->Value, Result->Buffer, sizeof(Result->Buffer));
    RtlCopyUnicodeString(&Result->Value, &Source);
    return STATUS_SUCCESS;
}

_Use_decl_annotations_
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG TimeoutSeconds;
    NTSTATUS Status;

    HttpClient.Port = HttpQueryNumber(RegistryPath, L"Port", HTTP_DEFAULT_PORT);
    TimeoutSeconds = HttpQueryNumber(RegistryPath, L"TimeoutSeconds", HTTP_DEFAULT_TIMEOUT);
    Status = HttpQueryString(RegistryPath, L"Host", L"localhost", &HttpClient.Host);
    if (NT_SUCCESS(Status)) {
        Status = HttpQueryString(RegistryPath, L"Path", L"/", &HttpClient.Path);
    }
    if (!NT_SUCCESS(Status) || HttpClient.Port > MAXUSHORT || TimeoutSeconds == 0) {
        DbgPrint("http-get: a parameter is out of range\n");
        return STATUS_INVALID_PARAMETER;
    }
    HttpClient.Timeout.QuadPart = -10000000LL * TimeoutSeconds;
    KeInitializeEvent(&HttpClient.Stop, NotificationEvent, FALSE);
    KeInitializeEvent(&HttpClient.IrpDone, NotificationEvent, FALSE);
    Status = HttpStart();
    if (NT_SUCCESS(Status)) {
        DriverObject->DriverUnload = HttpUnload;
    }
    return Status;
}
