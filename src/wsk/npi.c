/*
 * npi.c: WSK as one provider on the Network Module Registrar.
 *
 * A driver that attaches by NMR gets the same client object and table as one that calls WskRegister
 * (REG-07). The binding counts as one capture. Its detachment finishes when nothing of the client
 * is left, sockets included (NMR-19).
 */
#include "wsk/wskp.h"

#include <netioddk.h>

/* The runtime's own; every driver gets one of its own from wskcc, as from the WDK's library. */
const NPIID NPI_WSK_INTERFACE_ID = {
    0x2227e803, 0x8d8b, 0x11d4, { 0xab, 0xad, 0x00, 0x90, 0x27, 0x71, 0x9e, 0x09 }
};

static HANDLE ProviderHandle;
static const WSK_PROVIDER_CHARACTERISTICS Characteristics = { MAKE_WSK_VERSION(1, 0),
                                                              MAKE_WSK_VERSION(1, 0) };
static const NPI_MODULEID ModuleId = {
    .Length = sizeof(NPI_MODULEID),
    .Type = MIT_GUID,
    .Guid = { 0x6f70656e, 0x5753, 0x4b21, { 0x80, 0x01, 0x57, 0x53, 0x4b, 0x4e, 0x4d, 0x52 } }
};

static NTSTATUS NTAPI AttachClient(HANDLE Binding, PVOID ProviderContext,
                                   PNPI_REGISTRATION_INSTANCE ClientRegistrationInstance,
                                   PVOID ClientBindingContext, const VOID *ClientDispatch,
                                   PVOID *ProviderBindingContext, const VOID **ProviderDispatch)
{
    const WSK_CLIENT_DISPATCH *dispatch = ClientDispatch;
    UNREFERENCED_PARAMETER(ProviderContext);
    UNREFERENCED_PARAMETER(ClientRegistrationInstance);

    if (!dispatch || dispatch->Version != MAKE_WSK_VERSION(1, 0))
        return STATUS_NOINTERFACE;
    WSKP_CLIENT *client =
        WskpClientCreate(ClientBindingContext, dispatch, (const void *)dispatch, Binding);
    if (!client)
        return STATUS_INSUFFICIENT_RESOURCES;
    WskpClientPin(client, &client->Captures);
    *ProviderBindingContext = client;
    *ProviderDispatch = &WskpProviderDispatch;
    return STATUS_SUCCESS;
}

/* Pended until the last pin is gone: WskpClientUnpin() then completes it. */
static NTSTATUS NTAPI DetachClient(PVOID ProviderBindingContext)
{
    WSKP_CLIENT *client = ProviderBindingContext;

    WskpClientLeaving(client);
    WskpClientUnpin(client, &client->Captures);
    WskpClientDropPin(client);
    return STATUS_PENDING;
}

static VOID NTAPI CleanupClient(PVOID ProviderBindingContext)
{
    WskpClientFree(ProviderBindingContext);
}

NTSTATUS WskpNpiRegister(void)
{
    NPI_PROVIDER_CHARACTERISTICS c = { .Length = sizeof(c),
                                       .ProviderAttachClient = AttachClient,
                                       .ProviderDetachClient = DetachClient,
                                       .ProviderCleanupBindingContext = CleanupClient,
                                       .ProviderRegistrationInstance = {
                                           .Size = sizeof(NPI_REGISTRATION_INSTANCE),
                                           .NpiId = &NPI_WSK_INTERFACE_ID,
                                           .ModuleId = (PNPI_MODULEID)&ModuleId,
                                           .NpiSpecificCharacteristics = &Characteristics } };
    return NmrRegisterProvider(&c, NULL, &ProviderHandle);
}

unsigned WskpAttachedClients(void)
{
    unsigned count = 0;

    host_lock(&Wskp.ClientsLock);
    for (PLIST_ENTRY e = Wskp.Clients.Flink; e != &Wskp.Clients; e = e->Flink)
        count += CONTAINING_RECORD(e, WSKP_CLIENT, Link)->Binding != NULL;
    host_unlock(&Wskp.ClientsLock);
    return count;
}

void WskpProviderLeaves(void)
{
    WskpNpiDeregister();
}

void WskpNpiDeregister(void)
{
    if (!ProviderHandle)
        return;
    if (NmrDeregisterProvider(ProviderHandle) == STATUS_PENDING)
        (void)NmrWaitForProviderDeregisterComplete(ProviderHandle);
    ProviderHandle = NULL;
}
