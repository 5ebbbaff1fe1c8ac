/* pt-capture: an unload that waits in WskDeregister for a capture which is never released. */
#include <ntddk.h>
#include <wsk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD CaptureUnload;

static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
static WSK_REGISTRATION registration;

static VOID CaptureUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    WskDeregister(&registration);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WSK_CLIENT_NPI client = { NULL, &dispatch };
    WSK_PROVIDER_NPI provider;
    NTSTATUS status = WskRegister(&client, &registration);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = CaptureUnload;
    return WskCaptureProviderNPI(&registration, WSK_INFINITE_WAIT, &provider);
}
