/* deregister_capture.c: WskDeregister, against WskCaptureProviderNPI and its release. */
#include "small.h"

static WSK_REGISTRATION Registration;
static LONG Captured;

static void Deregister(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    WskDeregister(&Registration);
    CHECK_EQ(ReadAcquire(&Captured), 0);
}

static void Capture(PVOID Context)
{
    WSK_PROVIDER_NPI provider;
    UNREFERENCED_PARAMETER(Context);

    NTSTATUS status = WskCaptureProviderNPI(&Registration, WSK_INFINITE_WAIT, &provider);
    CHECK_EITHER(status, STATUS_SUCCESS, STATUS_DEVICE_NOT_READY);
    if (status != STATUS_SUCCESS)
        return;
    InterlockedExchange(&Captured, 1);
    CHECK(provider.Client && provider.Dispatch);
    InterlockedExchange(&Captured, 0);
    WskReleaseProviderNPI(&Registration);
}

TEST(deregister_capture, "")
{
    static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
    WSK_CLIENT_NPI npi = { NULL, &dispatch };

    CHECK_STATUS(WskRegister(&npi, &Registration), STATUS_SUCCESS);
    Race(Deregister, NULL, Capture, NULL);
}

TESTS(ROW(deregister_capture))
