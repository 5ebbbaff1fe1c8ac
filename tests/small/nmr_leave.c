/*
 * nmr_leave.c: a client registers while the first of two providers leaves. Whatever becomes of the
 * first, the client and the second provider meet, once (NMR-03, NMR-04).
 */
#include "small.h"

#include <netioddk.h>

static const NPIID Npi = { 0x7a5b8f12, 0x1c2d, 0x4e3f, { 0x91, 1, 2, 3, 4, 5, 6, 7 } };
static const NPI_MODULEID ModuleId = { .Length = sizeof(NPI_MODULEID),
                                       .Type = MIT_GUID,
                                       .Guid = { 0x5ad3c1f1, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } } };
static const int Table = 1;

typedef struct _PROVIDER {
    HANDLE Handle;
    LONG Clients, Detached;
} PROVIDER;

static PROVIDER Providers[2];
static HANDLE ClientHandle;

static NTSTATUS NTAPI AttachProvider(HANDLE Binding, PVOID Context,
                                     PNPI_REGISTRATION_INSTANCE Instance)
{
    PVOID provider;
    const VOID *table;
    UNREFERENCED_PARAMETER(Instance);

    return NmrClientAttachProvider(Binding, Context, &Table, &provider, &table);
}

static NTSTATUS NTAPI DetachProvider(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI AttachClient(HANDLE Binding, PVOID Context,
                                   PNPI_REGISTRATION_INSTANCE Instance, PVOID ClientContext,
                                   const VOID *Dispatch, PVOID *BindingContext,
                                   const VOID **ProviderDispatch)
{
    PROVIDER *p = Context;
    UNREFERENCED_PARAMETER(Binding);
    UNREFERENCED_PARAMETER(Instance);
    UNREFERENCED_PARAMETER(ClientContext);
    UNREFERENCED_PARAMETER(Dispatch);

    InterlockedIncrement(&p->Clients);
    *BindingContext = p;
    *ProviderDispatch = &Table;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI DetachClient(PVOID Context)
{
    PROVIDER *p = Context;

    InterlockedIncrement(&p->Detached);
    return STATUS_SUCCESS;
}

#define INSTANCE                                                                                   \
    {                                                                                              \
        .Size = sizeof(NPI_REGISTRATION_INSTANCE), .NpiId = &Npi,                                  \
        .ModuleId = (PNPI_MODULEID)&ModuleId                                                       \
    }

static NTSTATUS RegisterProvider(PROVIDER *p)
{
    NPI_PROVIDER_CHARACTERISTICS c = { .Length = sizeof(c),
                                       .ProviderAttachClient = AttachClient,
                                       .ProviderDetachClient = DetachClient,
                                       .ProviderRegistrationInstance = INSTANCE };

    return NmrRegisterProvider(&c, p, &p->Handle);
}

static void RegisterClient(PVOID Context)
{
    NPI_CLIENT_CHARACTERISTICS c = { .Length = sizeof(c),
                                     .ClientAttachProvider = AttachProvider,
                                     .ClientDetachProvider = DetachProvider,
                                     .ClientRegistrationInstance = INSTANCE };

    CHECK_STATUS(NmrRegisterClient(&c, Context, &ClientHandle), STATUS_SUCCESS);
}

static void Leave(PVOID Context)
{
    PROVIDER *p = Context;

    if (NmrDeregisterProvider(p->Handle) == STATUS_PENDING)
        CHECK_STATUS(NmrWaitForProviderDeregisterComplete(p->Handle), STATUS_SUCCESS);
}

TEST(nmr_leave, "WSK-NMR-03 WSK-NMR-04")
{
    for (ULONG i = 0; i < 2; i++)
        CHECK_STATUS(RegisterProvider(&Providers[i]), STATUS_SUCCESS);
    Race(RegisterClient, NULL, Leave, &Providers[0]);
    CHECK_EQ(Providers[1].Clients, 1);
    CHECK_EQ(Providers[1].Detached, 0);
    CHECK_EQ(Providers[0].Clients, Providers[0].Detached);
    if (NmrDeregisterClient(ClientHandle) == STATUS_PENDING)
        CHECK_STATUS(NmrWaitForClientDeregisterComplete(ClientHandle), STATUS_SUCCESS);
    Leave(&Providers[1]);
    CHECK_EQ(Providers[1].Detached, 1);
}

TESTS(ROW(nmr_leave))
