/* register.c: registration, and capture and release of the provider (3.1, 3.2). */
#include "conformance.h"

static NTSTATUS NTAPI ClientEvent(PVOID Context, ULONG EventType, PVOID Information,
                                  SIZE_T InformationLength)
{
    UNREFERENCED_PARAMETER(Information);
    UNREFERENCED_PARAMETER(InformationLength);
    UNREFERENCED_PARAMETER(EventType);
    InterlockedIncrement((LONG *)Context);
    return STATUS_NOT_IMPLEMENTED;
}

static const WSK_CLIENT_DISPATCH Version10 = { MAKE_WSK_VERSION(1, 0), 0, NULL };
static const WSK_CLIENT_DISPATCH WithEvent = { MAKE_WSK_VERSION(1, 0), 0, ClientEvent };

/* A registration and its captures: what a failed test leaves of them is undone. */
typedef struct _BLOCK {
    WSK_REGISTRATION Wsk;
    LONG Captures;
} BLOCK;

static NTSTATUS Capture(BLOCK *Block, ULONG Timeout, WSK_PROVIDER_NPI *Npi)
{
    NTSTATUS status = WskCaptureProviderNPI(&Block->Wsk, Timeout, Npi);

    if (NT_SUCCESS(status))
        Block->Captures++;
    return status;
}

static void Release(BLOCK *Block)
{
    Block->Captures--;
    WskReleaseProviderNPI(&Block->Wsk);
}

static void Undo(PVOID Context)
{
    BLOCK *block = Context;

    while (block->Captures > 0)
        Release(block);
    WskDeregister(&block->Wsk);
}

static void Deregister(BLOCK *Block)
{
    Paid(Block);
    WskDeregister(&Block->Wsk);
}

static NTSTATUS RegisterAs(const WSK_CLIENT_DISPATCH *Dispatch, PVOID Context, BLOCK *Block)
{
    WSK_CLIENT_NPI npi = { Context, Dispatch };

    RtlFillMemory(&Block->Wsk, sizeof(Block->Wsk), 0xa5); /* an unused block may hold anything */
    Block->Captures = 0;
    NTSTATUS status = WskRegister(&npi, &Block->Wsk);
    if (NT_SUCCESS(status))
        Owe(Undo, Block);
    return status;
}

TEST(register_and_deregister, "WSK-REG-01 WSK-REG-06 WSK-NPI-01 WSK-UNLD-05")
{
    static BLOCK block;
    WSK_PROVIDER_NPI npi = { NULL, NULL };

    CHECK_STATUS(RegisterAs(&Version10, NULL, &block), STATUS_SUCCESS);
    CHECK_STATUS(Capture(&block, WSK_INFINITE_WAIT, &npi), STATUS_SUCCESS);
    CHECK(npi.Client != NULL);
    CHECK(npi.Dispatch != NULL);
    Release(&block);
    Deregister(&block);
    /* The block may be used again. */
    CHECK_STATUS(RegisterAs(&Version10, NULL, &block), STATUS_SUCCESS);
    Deregister(&block);
}

TEST(failed_registration, "WSK-REG-02")
{
    WSK_CLIENT_NPI npi = { NULL, NULL };
    static BLOCK block;

    CHECK(
        !NT_SUCCESS(WskRegister(&npi, &block.Wsk))); /* and nothing is owed: the run has no leak */
    CHECK_STATUS(RegisterAs(&Version10, NULL, &block), STATUS_SUCCESS);
    Deregister(&block);
}

TEST(independent_registrations, "WSK-REG-03 WSK-NPI-13 WSK-NPI-15")
{
    static BLOCK blocks[8];
    WSK_PROVIDER_NPI npi[8], again;

    for (ULONG i = 0; i < RTL_NUMBER_OF(blocks); i++) {
        CHECK_STATUS(RegisterAs(&Version10, NULL, &blocks[i]), STATUS_SUCCESS);
        CHECK_STATUS(Capture(&blocks[i], WSK_NO_WAIT, &npi[i]), STATUS_SUCCESS);
        CHECK(npi[i].Client != Client);
        CHECK(i == 0 || npi[i].Client != npi[i - 1].Client);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(blocks); i += 2) {
        Release(&blocks[i]);
        Deregister(&blocks[i]);
        CHECK_STATUS(Capture(&blocks[i], WSK_NO_WAIT, &again), STATUS_DEVICE_NOT_READY);
        CHECK_STATUS(Capture(&blocks[i], WSK_INFINITE_WAIT, &again), STATUS_DEVICE_NOT_READY);
        CHECK_STATUS(Capture(&blocks[i + 1], WSK_NO_WAIT, &again), STATUS_SUCCESS);
        Release(&blocks[i + 1]);
    }
    for (ULONG i = 1; i < RTL_NUMBER_OF(blocks); i += 2) {
        Release(&blocks[i]);
        Deregister(&blocks[i]);
    }
}

static void RegisterInThread(PVOID Context)
{
    WSK_CLIENT_NPI client = { NULL, &Version10 };
    WSK_REGISTRATION block;
    WSK_PROVIDER_NPI npi;
    NTSTATUS status = WskRegister(&client, &block);

    if (NT_SUCCESS(status)) {
        status = WskCaptureProviderNPI(&block, WSK_INFINITE_WAIT, &npi);
        if (NT_SUCCESS(status))
            WskReleaseProviderNPI(&block);
        WskDeregister(&block);
    }
    *(NTSTATUS *)Context = status;
}

TEST(in_another_thread, "WSK-REG-04 WSK-UNLD-05")
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    THREAD thread;

    ThreadStart(&thread, RegisterInThread, &status);
    ThreadJoin(&thread);
    CHECK_STATUS(status, STATUS_SUCCESS);
}

TEST(versions, "WSK-REG-05 WSK-NPI-05 WSK-NPI-06 D70")
{
    static const USHORT wrong[] = { MAKE_WSK_VERSION(0, 0), MAKE_WSK_VERSION(0, 9),
                                    MAKE_WSK_VERSION(1, 1), MAKE_WSK_VERSION(1, 255),
                                    MAKE_WSK_VERSION(2, 0), MAKE_WSK_VERSION(255, 0) };

    for (ULONG i = 0; i < RTL_NUMBER_OF(wrong); i++) {
        WSK_CLIENT_DISPATCH dispatch = { wrong[i], 0, NULL };
        WSK_PROVIDER_NPI npi = { NULL, NULL };
        WSK_PROVIDER_CHARACTERISTICS range = { 0, 0 };
        static BLOCK block;
        CHECK_STATUS(RegisterAs(&dispatch, NULL, &block), STATUS_SUCCESS);
        CHECK_STATUS(Capture(&block, WSK_NO_WAIT, &npi), STATUS_NOINTERFACE);
        CHECK_STATUS(Capture(&block, WSK_INFINITE_WAIT, &npi), STATUS_NOINTERFACE);
        CHECK(npi.Client == NULL && npi.Dispatch == NULL);
        CHECK_STATUS(WskQueryProviderCharacteristics(&block.Wsk, &range), STATUS_SUCCESS);
        CHECK_EQ(range.HighestVersion, MAKE_WSK_VERSION(1, 0));
        Deregister(&block);
        /* The legal retry, with the version that was asked for. */
        dispatch.Version = range.HighestVersion;
        CHECK_STATUS(RegisterAs(&dispatch, NULL, &block), STATUS_SUCCESS);
        CHECK_STATUS(Capture(&block, WSK_NO_WAIT, &npi), STATUS_SUCCESS);
        Release(&block);
        Deregister(&block);
    }
}

TEST(characteristics, "WSK-NPI-07 D70")
{
    WSK_PROVIDER_CHARACTERISTICS range = { 0xffff, 0 };
    static BLOCK block;
    KIRQL old;

    CHECK_STATUS(RegisterAs(&Version10, NULL, &block), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = WskQueryProviderCharacteristics(&block.Wsk, &range);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(WSK_MAJOR_VERSION(range.LowestVersion), 1);
    CHECK_EQ(WSK_MINOR_VERSION(range.LowestVersion), 0);
    CHECK(range.LowestVersion == range.HighestVersion);
    Deregister(&block);
}

TEST(table_of_the_provider, "WSK-NPI-09 WSK-NPI-10 D70")
{
    CHECK_EQ(WSK_MAJOR_VERSION(Wsk->Version), 1);
    CHECK_EQ(WSK_MINOR_VERSION(Wsk->Version), 0);
    CHECK_EQ(Wsk->Reserved, 0);
    CHECK(Wsk->WskSocket && Wsk->WskSocketConnect && Wsk->WskControlClient);
    CHECK(Wsk->WskGetAddressInfo && Wsk->WskFreeAddressInfo && Wsk->WskGetNameInfo);
}

/* Creates and closes a socket through a client object. */
static NTSTATUS UseClient(const WSK_PROVIDER_NPI *Npi)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    NTSTATUS status = CallEnd(&call, Npi->Dispatch->WskSocket(Npi->Client, AF_INET, SOCK_DGRAM,
                                                              IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET,
                                                              NULL, NULL, NULL, NULL, NULL, irp));

    return NT_SUCCESS(status) ? Close((PWSK_SOCKET)call.Information) : status;
}

TEST(several_captures, "WSK-NPI-11 WSK-NPI-15 WSK-NPI-12")
{
    static BLOCK block;
    WSK_PROVIDER_NPI npi[3];
    KIRQL old;

    CHECK_STATUS(RegisterAs(&Version10, NULL, &block), STATUS_SUCCESS);
    CHECK_STATUS(Capture(&block, WSK_INFINITE_WAIT, &npi[0]), STATUS_SUCCESS);
    CHECK_STATUS(Capture(&block, 1000, &npi[1]), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = Capture(&block, WSK_NO_WAIT, &npi[2]);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        CHECK_STATUS(UseClient(&npi[i]), STATUS_SUCCESS); /* captures remain: no finding */
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        Release(&block);
        KeLowerIrql(old);
    }
    Deregister(&block);
}

TEST(sockets_outlive_the_capture, "WSK-NPI-12")
{
    static BLOCK block;
    WSK_PROVIDER_NPI npi;
    CALL call;
    SOCKADDR_INET at, from;
    BUFFER *out = MakePattern(100, 3), *in = MakeBuffer(100);
    SIZE_T n;

    CHECK_STATUS(RegisterAs(&Version10, NULL, &block), STATUS_SUCCESS);
    CHECK_STATUS(Capture(&block, WSK_INFINITE_WAIT, &npi), STATUS_SUCCESS);
    PIRP irp = CallBeginSocket(&call);
    CHECK_STATUS(CallEnd(&call, npi.Dispatch->WskSocket(npi.Client, AF_INET, SOCK_DGRAM,
                                                        IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET, NULL,
                                                        NULL, NULL, NULL, NULL, irp)),
                 STATUS_SUCCESS);
    PWSK_SOCKET s = (PWSK_SOCKET)call.Information;
    Release(&block);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(s, out, 100, &at, &n), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveFrom(s, in, 100, &from, &n), STATUS_SUCCESS);
    CHECK(n == 100 && IsPattern(in->Data, 100, 3, 0));
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
    Deregister(&block);
}

TEST(no_client_event, "WSK-REG-16")
{
    static BLOCK block;
    WSK_PROVIDER_NPI npi;
    LONG events = 0;

    CHECK_STATUS(RegisterAs(&WithEvent, &events, &block), STATUS_SUCCESS);
    CHECK_STATUS(Capture(&block, WSK_INFINITE_WAIT, &npi), STATUS_SUCCESS);
    CHECK_STATUS(UseClient(&npi), STATUS_SUCCESS);
    Release(&block);
    Deregister(&block);
    CHECK_EQ(events, 0);
}

TESTS(ROW(register_and_deregister) ROW(failed_registration) ROW(independent_registrations)
          ROW(in_another_thread) ROW(versions) ROW(characteristics) ROW(table_of_the_provider)
              ROW(several_captures) ROW(sockets_outlive_the_capture) ROW(no_client_event))
