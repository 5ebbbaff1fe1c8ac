/* attach_late.c: a client of NMR meets the WSK provider, however late that comes. */
#include "conformance.h"

#include <netioddk.h>

static const NPI_MODULEID ModuleId = { .Length = sizeof(NPI_MODULEID),
                                       .Type = MIT_GUID,
                                       .Guid = { 0x5ad3c1f2, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } } };
static KEVENT Met;

static NTSTATUS NTAPI AttachProvider(HANDLE Binding, PVOID Context,
                                     PNPI_REGISTRATION_INSTANCE Instance)
{
    UNREFERENCED_PARAMETER(Binding);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Instance);
    KeSetEvent(&Met, IO_NO_INCREMENT, FALSE);
    return STATUS_NOINTERFACE;
}

static NTSTATUS NTAPI DetachProvider(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

TEST(attach_late, "")
{
    NPI_CLIENT_CHARACTERISTICS c = { .Length = sizeof(c),
                                     .ClientAttachProvider = AttachProvider,
                                     .ClientDetachProvider = DetachProvider,
                                     .ClientRegistrationInstance = {
                                         .Size = sizeof(NPI_REGISTRATION_INSTANCE),
                                         .NpiId = &NPI_WSK_INTERFACE_ID,
                                         .ModuleId = (PNPI_MODULEID)&ModuleId } };
    HANDLE client;

    KeInitializeEvent(&Met, NotificationEvent, FALSE);
    if (!NT_SUCCESS(NmrRegisterClient(&c, NULL, &client)))
        return; /* memory fails in these runs, here or there */
    KeWaitForSingleObject(&Met, Executive, KernelMode, FALSE, NULL);
    if (NmrDeregisterClient(client) == STATUS_PENDING)
        CHECK_STATUS(NmrWaitForClientDeregisterComplete(client), STATUS_SUCCESS);
}

TESTS(ROW(attach_late))
