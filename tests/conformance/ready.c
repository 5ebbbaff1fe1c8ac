/*
 * ready.c: a provider that becomes ready only after the driver was loaded (3.2). The delay is
 * chosen so long that the first tests end before it; should a machine be slower, they say SKIP.
 *
 * Run with: --ready-delay 2500
 */
#include "conformance.h"

#include <netioddk.h>

static const WSK_CLIENT_DISPATCH Dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
static const WSK_CLIENT_DISPATCH Newer = { MAKE_WSK_VERSION(9, 0), 0, NULL };

static void Undo(PVOID Context)
{
    WskDeregister(Context);
}

static void Deregister(WSK_REGISTRATION *Block)
{
    Paid(Block);
    WskDeregister(Block);
}

/* A failed test's is undone: the block must not lie on its stack. */
static NTSTATUS RegisterAs(const WSK_CLIENT_DISPATCH *Table, WSK_REGISTRATION *Block)
{
    WSK_CLIENT_NPI npi = { NULL, Table };
    NTSTATUS status = WskRegister(&npi, Block);

    if (NT_SUCCESS(status))
        Owe(Undo, Block);
    return status;
}

/* TRUE: the provider became ready before the test was through. */
static BOOLEAN TooLate(WSK_REGISTRATION *Block)
{
    WSK_PROVIDER_CHARACTERISTICS range;

    if (!NT_SUCCESS(WskQueryProviderCharacteristics(Block, &range)))
        return FALSE;
    TestSkip("the provider became ready too early");
    return TRUE;
}

TEST(not_ready, "WSK-NPI-02 WSK-NPI-08 WSK-NPI-04")
{
    static WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi = { NULL, NULL };
    WSK_PROVIDER_CHARACTERISTICS range;
    KIRQL old;

    CHECK_STATUS(RegisterAs(&Dispatch, &block), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS captured = WskCaptureProviderNPI(&block, WSK_NO_WAIT, &npi);
    NTSTATUS queried = WskQueryProviderCharacteristics(&block, &range);
    KeLowerIrql(old);
    NTSTATUS waited = WskCaptureProviderNPI(&block, 10, &npi);
    if (!TooLate(&block)) {
        CHECK_STATUS(captured, STATUS_DEVICE_NOT_READY);
        CHECK_STATUS(queried, STATUS_DEVICE_NOT_READY);
        CHECK_STATUS(waited, STATUS_DEVICE_NOT_READY);
        CHECK(npi.Client == NULL);
    }
    Deregister(&block);
}

TEST(wrong_version_not_ready, "WSK-NPI-02")
{
    static WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi;

    CHECK_STATUS(RegisterAs(&Newer, &block), STATUS_SUCCESS);
    NTSTATUS status = WskCaptureProviderNPI(&block, WSK_NO_WAIT, &npi);
    if (!TooLate(&block))
        CHECK_STATUS(status, STATUS_DEVICE_NOT_READY);
    Deregister(&block);
}

typedef struct _WAITER {
    WSK_REGISTRATION *Block;
    ULONG Timeout;
    KEVENT Started;
    NTSTATUS Status;
    WSK_PROVIDER_NPI Npi;
    THREAD Thread;
} WAITER;

static void Capture(PVOID Context)
{
    WAITER *w = Context;

    KeSetEvent(&w->Started, IO_NO_INCREMENT, FALSE);
    w->Status = WskCaptureProviderNPI(w->Block, w->Timeout, &w->Npi);
    if (NT_SUCCESS(w->Status))
        WskReleaseProviderNPI(w->Block);
}

static void StartWaiter(WAITER *w, WSK_REGISTRATION *Block, ULONG Timeout)
{
    w->Block = Block;
    w->Timeout = Timeout;
    KeInitializeEvent(&w->Started, NotificationEvent, FALSE);
    ThreadStart(&w->Thread, Capture, w);
    (void)WaitFor(&w->Started);
}

TEST(deregister_ends_waits, "WSK-NPI-14 WSK-NPI-03")
{
    static WSK_REGISTRATION block;
    static WAITER waiters[3];

    CHECK_STATUS(RegisterAs(&Dispatch, &block), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++)
        StartWaiter(&waiters[i], &block, i == 0 ? 600000 : WSK_INFINITE_WAIT);
    BOOLEAN late = TooLate(&block);
    Deregister(&block);
    for (ULONG i = 0; i < 3; i++) {
        ThreadJoin(&waiters[i].Thread);
        if (!late)
            CHECK(waiters[i].Status == STATUS_DEVICE_NOT_READY || NT_SUCCESS(waiters[i].Status));
    }
}

/* ---- a client of the registrar that is there before the provider -------------------------------
 */

static struct {
    HANDLE Handle;
    NTSTATUS Status;
    LONG Attaches, Detaches;
    KEVENT Attached;
} Early;

static NTSTATUS NTAPI AttachEarly(HANDLE Binding, PVOID Context,
                                  PNPI_REGISTRATION_INSTANCE Instance)
{
    PVOID client;
    const VOID *table;
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Instance);

    Early.Attaches++;
    Early.Status = NmrClientAttachProvider(Binding, &Early, &Dispatch, &client, &table);
    KeSetEvent(&Early.Attached, IO_NO_INCREMENT, FALSE);
    return Early.Status;
}

static NTSTATUS NTAPI DetachEarly(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Early.Detaches);
    return STATUS_SUCCESS;
}

/* Registers it; the next test but one sees the attachment. */
TEST(registrar_before_ready, "WSK-NMR-04 WSK-REG-07")
{
    static const NPI_MODULEID id = { .Length = sizeof(NPI_MODULEID), .Type = MIT_GUID };
    NPI_CLIENT_CHARACTERISTICS c = { .Length = sizeof(c),
                                     .ClientAttachProvider = AttachEarly,
                                     .ClientDetachProvider = DetachEarly,
                                     .ClientRegistrationInstance = {
                                         .Size = sizeof(NPI_REGISTRATION_INSTANCE),
                                         .NpiId = &NPI_WSK_INTERFACE_ID,
                                         .ModuleId = (PNPI_MODULEID)&id } };
    static WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi;

    RtlZeroMemory(&Early, sizeof(Early));
    KeInitializeEvent(&Early.Attached, NotificationEvent, FALSE);
    CHECK_STATUS(RegisterAs(&Dispatch, &block), STATUS_SUCCESS);
    CHECK_STATUS(NmrRegisterClient(&c, NULL, &Early.Handle), STATUS_SUCCESS);
    LONG attaches = Early.Attaches;
    NTSTATUS ready = WskCaptureProviderNPI(&block, WSK_NO_WAIT, &npi);
    if (NT_SUCCESS(ready))
        WskReleaseProviderNPI(&block);
    Deregister(&block);
    CHECK(attaches == 0 || NT_SUCCESS(ready)); /* not before it is ready */
}

/* From here on the provider is ready. */
TEST(infinite_wait_ends_ready, "WSK-NPI-03 WSK-NPI-01 WSK-NPI-04")
{
    static WSK_REGISTRATION block;
    static WAITER waiters[4];
    WSK_PROVIDER_CHARACTERISTICS range;

    CHECK_STATUS(RegisterAs(&Dispatch, &block), STATUS_SUCCESS);
    for (ULONG i = 0; i < 4; i++)
        StartWaiter(&waiters[i], &block, i < 2 ? WSK_INFINITE_WAIT : 1000 * WAIT_SECONDS);
    for (ULONG i = 0; i < 4; i++)
        ThreadJoin(&waiters[i].Thread);
    for (ULONG i = 0; i < 4; i++) {
        CHECK_STATUS(waiters[i].Status, STATUS_SUCCESS);
        CHECK(waiters[i].Npi.Client && waiters[i].Npi.Dispatch);
    }
    CHECK_STATUS(WskQueryProviderCharacteristics(&block, &range), STATUS_SUCCESS);
    Deregister(&block);
}

TEST(registrar_when_ready, "WSK-NMR-04 WSK-NMR-08 WSK-REG-07")
{
    CHECK(Early.Handle != NULL);
    BOOLEAN attached = WaitFor(&Early.Attached);
    CHECK_STATUS(NmrDeregisterClient(Early.Handle), STATUS_PENDING);
    CHECK_STATUS(NmrWaitForClientDeregisterComplete(Early.Handle), STATUS_SUCCESS);
    CHECK(attached);
    CHECK_STATUS(Early.Status, STATUS_SUCCESS);
    CHECK_EQ(Early.Attaches, 1);
    CHECK_EQ(Early.Detaches, 1);
}

TESTS_UNREADY(ROW(not_ready) ROW(wrong_version_not_ready) ROW(deregister_ends_waits)
                  ROW(registrar_before_ready) ROW(infinite_wait_ends_ready)
                      ROW(registrar_when_ready))
