/* deregister_close.c: WskDeregister, against the close of the client's last socket. */
#include "small.h"

static WSK_REGISTRATION Registration;
static PWSK_SOCKET Last;
static LONG Closed;

static void Deregister(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    WskDeregister(&Registration);
    CHECK_EQ(ReadAcquire(&Closed), 1);
}

static NTSTATUS NTAPI CloseCompleted(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Closed);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void CloseIt(PVOID Context)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    UNREFERENCED_PARAMETER(Context);

    CHECK(irp != NULL);
    IoSetCompletionRoutine(irp, CloseCompleted, NULL, TRUE, TRUE, TRUE);
    (void)BASIC_OF(Last)->WskCloseSocket(Last, irp);
}

TEST(deregister_close, "")
{
    static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
    WSK_CLIENT_NPI npi = { NULL, &dispatch };
    WSK_PROVIDER_NPI provider;
    CALL call;

    CHECK_STATUS(WskRegister(&npi, &Registration), STATUS_SUCCESS);
    CHECK_STATUS(WskCaptureProviderNPI(&Registration, WSK_INFINITE_WAIT, &provider),
                 STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, provider.Dispatch->WskSocket(provider.Client, AF_INET, SOCK_DGRAM,
                                                             IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET,
                                                             NULL, NULL, NULL, NULL, NULL, irp)),
                 STATUS_SUCCESS);
    Last = (PWSK_SOCKET)call.Information;
    WskReleaseProviderNPI(&Registration);
    Race(Deregister, NULL, CloseIt, NULL);
    CHECK_EQ(ReadAcquire(&Closed), 1);
}

TESTS(ROW(deregister_close))
