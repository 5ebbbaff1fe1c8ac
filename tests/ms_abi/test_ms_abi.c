/*
 * test_ms_abi.c: calls the runtime as a .sys file does: every call into it, and every callback out
 * of it, is ms_abi. A wrong convention anywhere shows as a wrong argument or a crash.
 */
#include <ntddk.h>
#include <wsk.h>

#include "openwsk/openwsk.h"

int printf(const char *format, ...);
void exit(int status);

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define TAG '1baT'

static void TestEvents(void)
{
    KEVENT event;
    LARGE_INTEGER timeout = { .QuadPart = -10000 };

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout) == STATUS_TIMEOUT);
    CHECK(KeSetEvent(&event, IO_NO_INCREMENT, FALSE) == 0);
    CHECK(KeReadStateEvent(&event) != 0);
    CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
    PVOID objects[2] = { &event, &event };
    CHECK(KeWaitForMultipleObjects(1, objects, WaitAny, Executive, KernelMode, FALSE, &timeout,
                                   NULL) == STATUS_WAIT_0);
    KeClearEvent(&event);
    CHECK(KeResetEvent(&event) == 0);
}

static void TestPool(void)
{
    UCHAR *p = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);

    CHECK(p);
    RtlFillMemory(p, 100, 0x5a);
    CHECK(p[99] == 0x5a);
    ExFreePoolWithTag(p, TAG);
    p = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    CHECK(p && p[0] == 0 && p[63] == 0);
    ExFreePool(p);
}

static KEVENT dpc_done;
static PVOID dpc_arguments[3];

static VOID NTAPI OnDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CHECK(Dpc && KeGetCurrentIrql() == DISPATCH_LEVEL);
    dpc_arguments[0] = Context;
    dpc_arguments[1] = Argument1;
    dpc_arguments[2] = Argument2;
    KeSetEvent(&dpc_done, IO_NO_INCREMENT, FALSE);
}

static void TestDpcAndTimer(void)
{
    KDPC dpc;
    KTIMER timer;
    LARGE_INTEGER due = { .QuadPart = -10000 };

    KeInitializeEvent(&dpc_done, SynchronizationEvent, FALSE);
    KeInitializeDpc(&dpc, OnDpc, (PVOID)1);
    CHECK(KeInsertQueueDpc(&dpc, (PVOID)2, (PVOID)3));
    KeWaitForSingleObject(&dpc_done, Executive, KernelMode, FALSE, NULL);
    CHECK(dpc_arguments[0] == (PVOID)1 && dpc_arguments[1] == (PVOID)2 &&
          dpc_arguments[2] == (PVOID)3);

    KeInitializeTimer(&timer);
    CHECK(!KeSetTimer(&timer, due, &dpc));
    KeWaitForSingleObject(&dpc_done, Executive, KernelMode, FALSE, NULL);
    CHECK(!KeCancelTimer(&timer));
    KeFlushQueuedDpcs();
}

static PVOID completed_context;

static NTSTATUS NTAPI OnComplete(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    CHECK(!Device && Irp->IoStatus.Information == 42);
    completed_context = Context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void TestIrp(void)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    CHECK(irp);
    IoSetNextIrpStackLocation(irp);
    IoSetCompletionRoutine(irp, OnComplete, &irp, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(irp);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 42;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    CHECK(completed_context == &irp);
    IoReuseIrp(irp, STATUS_UNSUCCESSFUL);
    CHECK(irp->IoStatus.Status == STATUS_UNSUCCESSFUL);
    IoFreeIrp(irp);
}

static void TestMdl(void)
{
    static UCHAR bytes[10000];
    PMDL mdl = IoAllocateMdl(bytes, sizeof(bytes), FALSE, FALSE, NULL);

    CHECK(mdl);
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == bytes);
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
}

static void TestStrings(void)
{
    UNICODE_STRING wide, other;
    ANSI_STRING narrow;
    ULONG value = 0;

    RtlInitUnicodeString(&wide, L"1234");
    CHECK(wide.Length == 8 && wide.MaximumLength == 10);
    CHECK(NT_SUCCESS(RtlUnicodeStringToInteger(&wide, 10, &value)) && value == 1234);
    CHECK(NT_SUCCESS(RtlUnicodeStringToAnsiString(&narrow, &wide, TRUE)));
    CHECK(narrow.Length == 4 && narrow.Buffer[3] == '4');
    RtlFreeAnsiString(&narrow);
    RtlInitUnicodeString(&other, L"1234");
    CHECK(RtlEqualUnicodeString(&wide, &other, FALSE));
    CHECK(RtlCompareUnicodeString(&wide, &other, TRUE) == 0);
}

/* More arguments than there are registers, of several sizes, in between doubles. */
static void TestVariadic(void)
{
    CHECK(NT_SUCCESS(DbgPrint("ms_abi: %d %s %I64d %wZ %c %x %p %u\n", -1, "two", 3000000000LL,
                              NULL, 'x', 0xffu, (PVOID)7, 8u)));
    CHECK(NT_SUCCESS(DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL,
                                "ms_abi: %d %f %d %f %I64x\n", 1, 2.5, 3, 4.5, 0x123456789aLL)));
}

static VOID NTAPI OnThread(PVOID Context)
{
    *(LONG *)Context = 77;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void TestThread(void)
{
    static LONG seen;
    HANDLE handle;
    PVOID thread;

    CHECK(NT_SUCCESS(
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, OnThread, &seen)));
    CHECK(NT_SUCCESS(ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode,
                                               &thread, NULL)));
    CHECK(NT_SUCCESS(ZwClose(handle)));
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    CHECK(seen == 77);
    ObDereferenceObject(thread);
}

static void TestLocks(void)
{
    KSPIN_LOCK lock;
    KLOCK_QUEUE_HANDLE queued;
    FAST_MUTEX mutex;
    KIRQL irql;

    KeInitializeSpinLock(&lock);
    KeAcquireSpinLock(&lock, &irql);
    CHECK(irql == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeReleaseSpinLock(&lock, irql);
    KeAcquireInStackQueuedSpinLock(&lock, &queued);
    KeReleaseInStackQueuedSpinLock(&queued);
    ExInitializeFastMutex(&mutex);
    ExAcquireFastMutex(&mutex);
    CHECK(KeGetCurrentIrql() == APC_LEVEL);
    ExReleaseFastMutex(&mutex);
}

static WSK_REGISTRATION registration;

static NTSTATUS NTAPI OnClientEvent(PVOID Context, ULONG Event, PVOID Information,
                                    SIZE_T InformationLength)
{
    (void)Context;
    (void)Event;
    (void)Information;
    (void)InformationLength;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnSocketDone(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    (void)Device;
    (void)Irp;
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Through the provider's dispatch tables, which hold ms_abi pointers. */
static void TestWsk(void)
{
    static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, OnClientEvent };
    WSK_CLIENT_NPI client = { NULL, &dispatch };
    WSK_PROVIDER_NPI provider;
    KEVENT done;
    PIRP irp = IoAllocateIrp(1, FALSE);

    CHECK(irp && NT_SUCCESS(WskRegister(&client, &registration)));
    CHECK(NT_SUCCESS(WskCaptureProviderNPI(&registration, WSK_INFINITE_WAIT, &provider)));
    KeInitializeEvent(&done, SynchronizationEvent, FALSE);
    IoSetCompletionRoutine(irp, OnSocketDone, &done, TRUE, TRUE, TRUE);
    NTSTATUS status =
        provider.Dispatch->WskSocket(provider.Client, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                     WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, NULL, NULL, NULL, irp);
    if (status == STATUS_PENDING)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    CHECK(NT_SUCCESS(irp->IoStatus.Status));
    PWSK_SOCKET socket = (PWSK_SOCKET)irp->IoStatus.Information;
    const WSK_PROVIDER_BASIC_DISPATCH *basic = socket->Dispatch;

    KeClearEvent(&done);
    IoReuseIrp(irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(irp, OnSocketDone, &done, TRUE, TRUE, TRUE);
    status = basic->WskCloseSocket(socket, irp);
    if (status == STATUS_PENDING)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    CHECK(NT_SUCCESS(irp->IoStatus.Status));
    IoFreeIrp(irp);
    WskReleaseProviderNPI(&registration);
    WskDeregister(&registration);
}

int main(void)
{
    struct ow_status why;

    if (ow_boot(NULL, &why)) {
        printf("%s\n", why.text);
        return 1;
    }
    TestEvents();
    TestPool();
    TestDpcAndTimer();
    TestIrp();
    TestMdl();
    TestStrings();
    TestVariadic();
    TestThread();
    TestLocks();
    TestWsk();
    CHECK(ow_shutdown(&why) == OW_OK);
    return 0;
}
