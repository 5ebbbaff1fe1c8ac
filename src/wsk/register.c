/*
 * register.c: WskRegister, WskCaptureProviderNPI and their opposites.
 *
 * The registration block is the driver's memory. Its three reserved members hold the state, the
 * client object and nothing else; a block counts as registered when its state is ours and its
 * client points back, so a stale or foreign block is refused rather than followed. The block's own
 * lock makes the look at the state and the pin on the client one step: a capture that races with
 * WskDeregister either pins the client before the deregistration begins to wait, or finds no client
 * (NPI-13, NPI-14).
 */
#include "wsk/wskp.h"

#define REGISTERED 0x57534b5245474953ull
#define DEREGISTERING                                                                              \
    0x57534b4445524547ull /* WskDeregister waits: captures may still be released */

static BOOLEAN IsRegistered(PWSK_REGISTRATION Registration)
{
    return Registration && __atomic_load_n(&Registration->ReservedRegistrationState,
                                           __ATOMIC_ACQUIRE) == REGISTERED;
}

static BOOLEAN IsDeregistering(PWSK_REGISTRATION Registration)
{
    return Registration && __atomic_load_n(&Registration->ReservedRegistrationState,
                                           __ATOMIC_ACQUIRE) == DEREGISTERING;
}

/* The block's client with a count in Calls, or NULL. */
static WSKP_CLIENT *PinClient(PWSK_REGISTRATION Registration)
{
    WSKP_CLIENT *client = NULL;
    KIRQL old;

    if (!IsRegistered(Registration))
        return NULL; /* before its lock is touched: it may never have been one */
    KeAcquireSpinLock(&Registration->ReservedRegistrationLock, &old);
    if (IsRegistered(Registration)) {
        client = Registration->ReservedRegistrationContext;
        WskpClientPin(client, &client->Calls);
    }
    KeReleaseSpinLock(&Registration->ReservedRegistrationLock, old);
    return client;
}

/* The client, for the one caller that ends its registration. */
static WSKP_CLIENT *TakeClient(PWSK_REGISTRATION Registration)
{
    WSKP_CLIENT *client = NULL;
    KIRQL old;

    if (!IsRegistered(Registration))
        return NULL;
    KeAcquireSpinLock(&Registration->ReservedRegistrationLock, &old);
    if (IsRegistered(Registration)) {
        client = Registration->ReservedRegistrationContext;
        __atomic_store_n(&Registration->ReservedRegistrationState, DEREGISTERING, __ATOMIC_RELEASE);
    }
    KeReleaseSpinLock(&Registration->ReservedRegistrationLock, old);
    return client;
}

/* The client of which one capture was taken off, whose pin the caller drops; NULL: there is none.
 */
static WSKP_CLIENT *TakeCapture(PWSK_REGISTRATION Registration)
{
    WSKP_CLIENT *client = NULL;
    KIRQL old;

    if (!IsRegistered(Registration) && !IsDeregistering(Registration))
        return NULL;
    KeAcquireSpinLock(&Registration->ReservedRegistrationLock, &old);
    if (IsRegistered(Registration) || IsDeregistering(Registration)) {
        client = Registration->ReservedRegistrationContext;
        if (__atomic_load_n(&client->Captures, __ATOMIC_RELAXED) > 0)
            InterlockedDecrement(&client->Captures);
        else
            client = NULL;
    }
    KeReleaseSpinLock(&Registration->ReservedRegistrationLock, old);
    return client;
}

/* WskDeregister is through; nobody may follow the block to the client any more. */
static void Forget(PWSK_REGISTRATION Registration)
{
    KIRQL old;

    KeAcquireSpinLock(&Registration->ReservedRegistrationLock, &old);
    __atomic_store_n(&Registration->ReservedRegistrationState, 0, __ATOMIC_RELEASE);
    Registration->ReservedRegistrationContext = NULL;
    KeReleaseSpinLock(&Registration->ReservedRegistrationLock, old);
    vf_died(VF_WSK_REGISTRATION, Registration);
}

NTSTATUS NTAPI WskRegister(PWSK_CLIENT_NPI WskClientNpi, PWSK_REGISTRATION WskRegistration)
{
    DDI_ENTER(WskRegister);
    const void *caller = __builtin_return_address(0);

    if (!WskClientNpi || !WskClientNpi->Dispatch || !WskRegistration)
        return STATUS_INVALID_PARAMETER;
    if (vf_enabled() && vf_alive(VF_WSK_REGISTRATION, WskRegistration)) {
        vf_report(VF_ERROR, "VF-WSK-17", "WSK-REG-09", caller, "the registration block is in use");
        return STATUS_INVALID_PARAMETER;
    }
    if (WskClientNpi->Dispatch->Reserved != 0)
        vf_report(VF_WARNING, "VF-WSK-17", "WSK-REG-13", caller,
                  "WSK_CLIENT_DISPATCH.Reserved is not zero");
    WSKP_CLIENT *client =
        WskpClientCreate(WskClientNpi->ClientContext, WskClientNpi->Dispatch, caller, NULL);
    if (!client)
        return STATUS_INSUFFICIENT_RESOURCES;
    WskRegistration->ReservedRegistrationContext = client;
    KeInitializeSpinLock(&WskRegistration->ReservedRegistrationLock);
    __atomic_store_n(&WskRegistration->ReservedRegistrationState, REGISTERED, __ATOMIC_RELEASE);
    vf_born(VF_WSK_REGISTRATION, WskRegistration, sizeof(*WskRegistration), 0, caller);
    return STATUS_SUCCESS;
}

VOID NTAPI WskDeregister(PWSK_REGISTRATION WskRegistration)
{
    DDI_ENTER(WskDeregister);
    WSKP_CLIENT *client = TakeClient(WskRegistration);

    if (!client) {
        vf_report(VF_ERROR, "VF-WSK-17", "WSK-REG-14", __builtin_return_address(0),
                  "the registration block is not registered");
        return;
    }
    if (KiThread()->UpcallDepth > 0)
        vf_report(VF_ERROR, "VF-WSK-03", "WSK-UNLD-08", __builtin_return_address(0),
                  "WskDeregister inside a WSK callback can wait for ever");
    WskpClientDrain(client);
    Forget(WskRegistration);
    WskpClientFree(client);
}

/* Waits until the provider is ready or the client deregisters (NPI-03, NPI-04, NPI-14). */
static NTSTATUS WaitReady(WSKP_CLIENT *Client, ULONG TimeoutMs)
{
    PVOID objects[] = { &Wskp.ReadyEvent, &Client->Leaving };
    LARGE_INTEGER timeout = { .QuadPart = -10000ll * TimeoutMs };

    (void)KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE,
                                   TimeoutMs == WSK_INFINITE_WAIT ? NULL : &timeout, NULL);
    return __atomic_load_n(&Wskp.Ready, __ATOMIC_ACQUIRE) ? STATUS_SUCCESS
                                                          : STATUS_DEVICE_NOT_READY;
}

static BOOLEAN VersionSupported(USHORT Version)
{
    return Version == MAKE_WSK_VERSION(1, 0); /* D70 */
}

NTSTATUS NTAPI WskCaptureProviderNPI(PWSK_REGISTRATION WskRegistration, ULONG WaitTimeout,
                                     PWSK_PROVIDER_NPI WskProviderNpi)
{
    DDI_ENTER(WskCaptureProviderNPI);
    const void *caller = __builtin_return_address(0);

    if (!WskProviderNpi)
        return STATUS_INVALID_PARAMETER;
    WSKP_CLIENT *client = PinClient(WskRegistration);
    if (!client)
        return STATUS_DEVICE_NOT_READY; /* NPI-13 */
    if (WaitTimeout != WSK_NO_WAIT && KiThread()->Irql > PASSIVE_LEVEL)
        vf_report(VF_ERROR, "VF-IRQL-01", "WSK-NPI-19", caller,
                  "a waiting WskCaptureProviderNPI at IRQL %u", KiThread()->Irql);
    NTSTATUS status = STATUS_SUCCESS;
    if (__atomic_load_n(&client->Deregistering, __ATOMIC_ACQUIRE))
        status = STATUS_DEVICE_NOT_READY;
    else if (!__atomic_load_n(&Wskp.Ready, __ATOMIC_ACQUIRE))
        status =
            WaitTimeout == WSK_NO_WAIT ? STATUS_DEVICE_NOT_READY : WaitReady(client, WaitTimeout);
    if (NT_SUCCESS(status) && !VersionSupported(client->Dispatch->Version))
        status = STATUS_NOINTERFACE;
    if (NT_SUCCESS(status)) {
        WskpClientPin(client, &client->Captures);
        WskProviderNpi->Client = client;
        WskProviderNpi->Dispatch = &WskpProviderDispatch;
    }
    WskpClientUnpin(client, &client->Calls);
    return status;
}

VOID NTAPI WskReleaseProviderNPI(PWSK_REGISTRATION WskRegistration)
{
    DDI_ENTER(WskReleaseProviderNPI);
    WSKP_CLIENT *client = TakeCapture(WskRegistration);

    if (client)
        WskpClientDropPin(client);
    else
        vf_report(VF_ERROR, "VF-WSK-16", "WSK-NPI-16", __builtin_return_address(0),
                  "WskReleaseProviderNPI without a capture");
}

NTSTATUS NTAPI WskQueryProviderCharacteristics(
    PWSK_REGISTRATION WskRegistration, PWSK_PROVIDER_CHARACTERISTICS WskProviderCharacteristics)
{
    DDI_ENTER(WskQueryProviderCharacteristics);
    if (!WskProviderCharacteristics)
        return STATUS_INVALID_PARAMETER;
    if (!IsRegistered(WskRegistration) || !__atomic_load_n(&Wskp.Ready, __ATOMIC_ACQUIRE))
        return STATUS_DEVICE_NOT_READY;
    WskProviderCharacteristics->LowestVersion = MAKE_WSK_VERSION(1, 0);
    WskProviderCharacteristics->HighestVersion = MAKE_WSK_VERSION(1, 0);
    return STATUS_SUCCESS;
}
