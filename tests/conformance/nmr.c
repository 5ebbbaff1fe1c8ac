/* nmr.c: the registrar, with clients and providers of NPIs of this driver's own, and with WSK
 * (3.3). */
#include "conformance.h"

#include <netioddk.h>

static const NPIID PrivateNpi = { 0x7a5b8f10, 0x1c2d, 0x4e3f, { 0x91, 1, 2, 3, 4, 5, 6, 7 } };
static const NPIID PrivateNpiCopy = { 0x7a5b8f10, 0x1c2d, 0x4e3f, { 0x91, 1, 2, 3, 4, 5, 6, 7 } };
static const NPIID OtherNpi = { 0x7a5b8f11, 0x1c2d, 0x4e3f, { 0x91, 1, 2, 3, 4, 5, 6, 7 } };
static const NPI_MODULEID ModuleId = { .Length = sizeof(NPI_MODULEID),
                                       .Type = MIT_GUID,
                                       .Guid = { 0x5ad3c1f0, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } } };
static const int ClientTable = 1, ProviderTable = 2, Specific = 3;

#define MAX_SEEN 8

/* One module, client or provider, and what the registrar told it. */
typedef struct _MODULE MODULE;
typedef struct _LINK {
    MODULE *Module;
    HANDLE Binding;
    BOOLEAN Detached, Pending, CleanedUp; /* Pending: the detach is to be completed */
} LINK;
struct _MODULE {
    BOOLEAN IsClient, Leaving;
    HANDLE Handle;
    NTSTATUS Answer;       /* what the attach callback returns instead of attaching; 0: attach */
    NTSTATUS DetachAnswer; /* STATUS_SUCCESS or STATUS_PENDING */
    NTSTATUS AttachResult;
    LONG Attaches, Detaches, Cleanups;
    LINK Links[MAX_SEEN];
    KIRQL AttachIrql;
    PVOID PeerContext; /* a provider's: what the client passed */
    const VOID *PeerDispatch;
    PNPI_REGISTRATION_INSTANCE Instance;
    KEVENT DetachCalled;
    const NPI_REGISTRATION_INSTANCE *Own;
};

static NTSTATUS NTAPI AttachProvider(HANDLE Binding, PVOID Context,
                                     PNPI_REGISTRATION_INSTANCE Instance)
{
    MODULE *m = Context;
    LINK *link = &m->Links[InterlockedIncrement(&m->Attaches) - 1];
    PVOID provider = NULL;
    const VOID *table = NULL;

    m->AttachIrql = KeGetCurrentIrql();
    m->Instance = Instance;
    link->Module = m;
    link->Binding = Binding;
    if (!NT_SUCCESS(m->Answer))
        return m->Answer;
    m->AttachResult = NmrClientAttachProvider(Binding, link, &ClientTable, &provider, &table);
    m->PeerContext = provider;
    m->PeerDispatch = table;
    return m->AttachResult;
}

static NTSTATUS NTAPI AttachClient(HANDLE Binding, PVOID Context,
                                   PNPI_REGISTRATION_INSTANCE Instance, PVOID ClientContext,
                                   const VOID *Dispatch, PVOID *BindingContext,
                                   const VOID **ProviderDispatch)
{
    MODULE *m = Context;
    LINK *link = &m->Links[InterlockedIncrement(&m->Attaches) - 1];

    m->AttachIrql = KeGetCurrentIrql();
    m->Instance = Instance;
    m->PeerContext = ClientContext;
    m->PeerDispatch = Dispatch;
    link->Module = m;
    link->Binding = Binding;
    if (!NT_SUCCESS(m->Answer))
        return m->Answer;
    *BindingContext = link;
    *ProviderDispatch = &ProviderTable;
    return STATUS_SUCCESS;
}

static NTSTATUS Detach(LINK *Link)
{
    MODULE *m = Link->Module;

    Link->Detached = TRUE;
    Link->Pending = m->DetachAnswer == STATUS_PENDING;
    InterlockedIncrement(&m->Detaches);
    KeSetEvent(&m->DetachCalled, IO_NO_INCREMENT, FALSE);
    return m->DetachAnswer;
}

static NTSTATUS NTAPI DetachProvider(PVOID BindingContext)
{
    return Detach(BindingContext);
}

static NTSTATUS NTAPI DetachClient(PVOID BindingContext)
{
    return Detach(BindingContext);
}

static VOID NTAPI Cleanup(PVOID BindingContext)
{
    LINK *link = BindingContext;

    link->CleanedUp = TRUE;
    InterlockedIncrement(&link->Module->Cleanups);
}

static void Prepare(MODULE *m, BOOLEAN IsClient)
{
    RtlZeroMemory(m, sizeof(*m));
    m->IsClient = IsClient;
    m->AttachResult = STATUS_UNSUCCESSFUL;
    KeInitializeEvent(&m->DetachCalled, NotificationEvent, FALSE);
}

#define INSTANCE(npi)                                                                              \
    {                                                                                              \
        .Size = sizeof(NPI_REGISTRATION_INSTANCE), .NpiId = (npi),                                 \
        .ModuleId = (PNPI_MODULEID)&ModuleId, .Number = 7, .NpiSpecificCharacteristics = &Specific \
    }

static NTSTATUS StartLeaving(MODULE *m)
{
    m->Leaving = TRUE;
    return m->IsClient ? NmrDeregisterClient(m->Handle) : NmrDeregisterProvider(m->Handle);
}

static NTSTATUS WaitGone(MODULE *m)
{
    Paid(m);
    return m->IsClient ? NmrWaitForClientDeregisterComplete(m->Handle)
                       : NmrWaitForProviderDeregisterComplete(m->Handle);
}

static void CompleteDetach(LINK *Link)
{
    Link->Pending = FALSE;
    if (Link->Module->IsClient)
        NmrClientDetachProviderComplete(Link->Binding);
    else
        NmrProviderDetachClientComplete(Link->Binding);
}

static MODULE A, B, C, D;

/* A failed test's: it leaves, if it has not begun to, and nobody keeps it from that. */
static void Undo(PVOID Context)
{
    MODULE *const all[] = { &A, &B, &C, &D }, *m = Context;

    for (ULONG i = 0; i < RTL_NUMBER_OF(all); i++)
        all[i]->DetachAnswer = STATUS_SUCCESS;
    if (!m->Leaving)
        (void)StartLeaving(m);
    for (ULONG i = 0; i < RTL_NUMBER_OF(all); i++)
        for (ULONG k = 0; k < MAX_SEEN; k++)
            if (all[i]->Links[k].Pending)
                CompleteDetach(&all[i]->Links[k]);
    (void)WaitGone(m);
}

static NTSTATUS OweModule(MODULE *m, NTSTATUS Registered)
{
    if (NT_SUCCESS(Registered))
        Owe(Undo, m);
    return Registered;
}

static NTSTATUS RegisterClient(MODULE *m, const NPIID *Npi, BOOLEAN WithCleanup)
{
    NPI_CLIENT_CHARACTERISTICS c = { .Length = sizeof(c),
                                     .ClientAttachProvider = AttachProvider,
                                     .ClientDetachProvider = DetachProvider,
                                     .ClientCleanupBindingContext = WithCleanup ? Cleanup : NULL,
                                     .ClientRegistrationInstance = INSTANCE(Npi) };
    return OweModule(m, NmrRegisterClient(&c, m, &m->Handle));
}

static NTSTATUS RegisterProvider(MODULE *m, const NPIID *Npi, BOOLEAN WithCleanup)
{
    NPI_PROVIDER_CHARACTERISTICS c = { .Length = sizeof(c),
                                       .ProviderAttachClient = AttachClient,
                                       .ProviderDetachClient = DetachClient,
                                       .ProviderCleanupBindingContext =
                                           WithCleanup ? Cleanup : NULL,
                                       .ProviderRegistrationInstance = INSTANCE(Npi) };
    return OweModule(m, NmrRegisterProvider(&c, m, &m->Handle));
}

/* STATUS_SUCCESS when both steps said what they must. */
static NTSTATUS Leave(MODULE *m)
{
    NTSTATUS status = StartLeaving(m);

    return status == STATUS_PENDING ? WaitGone(m) : STATUS_UNSUCCESSFUL;
}

static void AttachBothWays(BOOLEAN ClientFirst)
{
    Prepare(&A, TRUE);
    Prepare(&B, FALSE);
    if (ClientFirst)
        CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterProvider(&B, &PrivateNpiCopy, TRUE), STATUS_SUCCESS);
    if (!ClientFirst)
        CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK(A.Handle != NULL && B.Handle != NULL);
    CHECK_EQ(A.Attaches, 1);
    CHECK_EQ(B.Attaches, 1);
    CHECK_STATUS(A.AttachResult, STATUS_SUCCESS);
    CHECK_EQ(A.AttachIrql, PASSIVE_LEVEL);
    CHECK_EQ(B.AttachIrql, PASSIVE_LEVEL);
    CHECK(A.PeerContext == &B.Links[0] && A.PeerDispatch == &ProviderTable);
    CHECK(B.PeerContext == &A.Links[0] && B.PeerDispatch == &ClientTable);
    CHECK(A.Instance->NpiSpecificCharacteristics == &Specific && A.Instance->Number == 7);
    CHECK(B.Instance->NpiSpecificCharacteristics == &Specific);
    CHECK(RtlEqualMemory(B.Instance->NpiId, &PrivateNpi, sizeof(GUID)));
    CHECK(RtlEqualMemory(B.Instance->ModuleId, &ModuleId, sizeof(ModuleId)));
    CHECK_STATUS(Leave(ClientFirst ? &A : &B), STATUS_SUCCESS);
    CHECK_EQ(A.Detaches, 1);
    CHECK_EQ(B.Detaches, 1);
    CHECK_EQ(A.Cleanups, 1);
    CHECK_EQ(B.Cleanups, 1);
    CHECK_STATUS(Leave(ClientFirst ? &B : &A), STATUS_SUCCESS);
    CHECK_EQ(A.Detaches, 1);
    CHECK_EQ(B.Cleanups, 1);
}

TEST(provider_first, "WSK-NMR-01 WSK-NMR-03 WSK-NMR-07 WSK-NMR-12 WSK-NMR-13 WSK-NMR-15 WSK-NMR-17 "
                     "WSK-NMR-20 WSK-NMR-22 WSK-NMR-24")
{
    AttachBothWays(FALSE);
}

TEST(client_first, "WSK-NMR-04 WSK-NMR-13 WSK-NMR-15 WSK-NMR-17 WSK-NMR-20 WSK-NMR-22 WSK-NMR-24")
{
    AttachBothWays(TRUE);
}

TEST(different_npis, "WSK-NMR-05 WSK-NMR-23")
{
    Prepare(&A, TRUE);
    Prepare(&B, FALSE);
    Prepare(&C, TRUE);
    CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterProvider(&B, &OtherNpi, TRUE), STATUS_SUCCESS);
    CHECK_EQ(A.Attaches + B.Attaches, 0);
    /* The same module as client of the other one, too. */
    CHECK_STATUS(RegisterClient(&C, &OtherNpi, TRUE), STATUS_SUCCESS);
    CHECK_EQ(C.Attaches, 1);
    CHECK_EQ(A.Attaches, 0);
    CHECK_STATUS(Leave(&A), STATUS_SUCCESS);
    CHECK_EQ(C.Detaches, 0);
    CHECK_STATUS(Leave(&C), STATUS_SUCCESS);
    CHECK_EQ(B.Detaches, 1);
    CHECK_STATUS(Leave(&B), STATUS_SUCCESS);
    CHECK_EQ(A.Detaches + A.Cleanups, 0);
}

TEST(several_of_each, "WSK-NMR-03 WSK-NMR-04 WSK-NMR-13 WSK-NMR-23")
{
    Prepare(&A, FALSE);
    Prepare(&B, FALSE);
    Prepare(&C, TRUE);
    Prepare(&D, TRUE);
    CHECK_STATUS(RegisterProvider(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterClient(&C, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_EQ(C.Attaches, 2);
    CHECK_STATUS(RegisterClient(&D, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_EQ(D.Attaches, 2);
    CHECK_EQ(A.Attaches, 2);
    CHECK_EQ(B.Attaches, 2);
    CHECK(C.Links[0].Binding != C.Links[1].Binding);
    CHECK_STATUS(Leave(&A), STATUS_SUCCESS);
    CHECK_EQ(A.Detaches, 2);
    CHECK_EQ(A.Cleanups, 2);
    CHECK_EQ(C.Detaches, 1);
    CHECK_EQ(D.Detaches, 1);
    CHECK_EQ(B.Detaches, 0);
    CHECK_STATUS(Leave(&C), STATUS_SUCCESS);
    CHECK_EQ(C.Detaches, 2);
    CHECK_EQ(B.Detaches, 1);
    CHECK_STATUS(Leave(&D), STATUS_SUCCESS);
    CHECK_STATUS(Leave(&B), STATUS_SUCCESS);
    CHECK_EQ(B.Detaches, 2);
    CHECK_EQ(B.Cleanups + D.Cleanups + C.Cleanups, 6);
}

TEST(client_declines, "WSK-NMR-10")
{
    static const NTSTATUS answers[] = { STATUS_NOINTERFACE, STATUS_INSUFFICIENT_RESOURCES,
                                        STATUS_UNSUCCESSFUL };

    for (ULONG i = 0; i < RTL_NUMBER_OF(answers); i++) {
        Prepare(&A, TRUE);
        Prepare(&B, FALSE);
        A.Answer = answers[i];
        CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, TRUE), STATUS_SUCCESS);
        CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
        CHECK_EQ(A.Attaches, 1);
        CHECK_EQ(B.Attaches, 0);
        CHECK_STATUS(Leave(&A), STATUS_SUCCESS);
        CHECK_STATUS(Leave(&B), STATUS_SUCCESS);
        CHECK_EQ(A.Detaches + A.Cleanups + B.Detaches + B.Cleanups, 0);
    }
}

TEST(provider_declines, "WSK-NMR-11 WSK-NMR-07 WSK-NMR-10")
{
    static const NTSTATUS answers[] = { STATUS_NOINTERFACE, STATUS_INSUFFICIENT_RESOURCES };

    for (ULONG i = 0; i < RTL_NUMBER_OF(answers); i++) {
        Prepare(&A, TRUE);
        Prepare(&B, FALSE);
        B.Answer = answers[i];
        CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
        CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, TRUE), STATUS_SUCCESS);
        CHECK_EQ(A.Attaches, 1);
        CHECK_EQ(B.Attaches, 1);
        CHECK_STATUS(A.AttachResult, answers[i]);
        CHECK_STATUS(Leave(&B), STATUS_SUCCESS);
        CHECK_STATUS(Leave(&A), STATUS_SUCCESS);
        CHECK_EQ(A.Detaches + A.Cleanups + B.Detaches + B.Cleanups, 0);
    }
}

static void LaterDetach(BOOLEAN ClientPends, BOOLEAN ProviderPends, BOOLEAN ClientLeaves)
{
    MODULE *leaving = ClientLeaves ? &A : &B;

    if (TestFailed())
        return; /* what is registered is to be undone yet */
    Prepare(&A, TRUE);
    Prepare(&B, FALSE);
    A.DetachAnswer = ClientPends ? STATUS_PENDING : STATUS_SUCCESS;
    B.DetachAnswer = ProviderPends ? STATUS_PENDING : STATUS_SUCCESS;
    CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(StartLeaving(leaving), STATUS_PENDING);
    CHECK_EQ(A.Detaches, 1);
    CHECK_EQ(B.Detaches, 1);
    CHECK_EQ(A.Cleanups + B.Cleanups, 0);
    if (ClientPends) {
        CompleteDetach(&A.Links[0]);
        CHECK_EQ(A.Cleanups + B.Cleanups, ProviderPends ? 0 : 2);
    }
    if (ProviderPends)
        CompleteDetach(&B.Links[0]);
    CHECK_EQ(A.Cleanups, 1);
    CHECK_EQ(B.Cleanups, 1);
    CHECK_STATUS(WaitGone(leaving), STATUS_SUCCESS);
    CHECK_STATUS(Leave(ClientLeaves ? &B : &A), STATUS_SUCCESS);
    CHECK_EQ(A.Detaches + B.Detaches, 2);
}

TEST(detach_later, "WSK-NMR-15 WSK-NMR-16 WSK-NMR-17")
{
    for (ULONG i = 0; i < 2; i++) {
        LaterDetach(TRUE, FALSE, i == 0);
        LaterDetach(FALSE, TRUE, i == 0);
        LaterDetach(TRUE, TRUE, i == 0);
    }
}

static void CompleteFromDispatch(PVOID Context)
{
    KIRQL old;
    UNREFERENCED_PARAMETER(Context);

    (void)WaitFor(&A.DetachCalled);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    CompleteDetach(&A.Links[0]);
    KeLowerIrql(old);
}

TEST(wait_blocks, "WSK-NMR-16 WSK-NMR-20 WSK-NMR-22")
{
    for (ULONG i = 0; i < 2; i++) {
        THREAD thread;
        Prepare(&A, TRUE);
        Prepare(&B, FALSE);
        A.DetachAnswer = STATUS_PENDING;
        CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, TRUE), STATUS_SUCCESS);
        CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
        ThreadStart(&thread, CompleteFromDispatch, NULL);
        if (TestFailed())
            return; /* nobody would complete it */
        NTSTATUS status = Leave(i == 0 ? &A : &B);
        LONG cleanups = A.Cleanups + B.Cleanups;
        ThreadJoin(&thread);
        CHECK_STATUS(status, STATUS_SUCCESS);
        CHECK_EQ(cleanups, 2);
        CHECK_STATUS(Leave(i == 0 ? &B : &A), STATUS_SUCCESS);
    }
}

TEST(both_sides_leave, "WSK-NMR-14")
{
    Prepare(&A, TRUE);
    Prepare(&B, FALSE);
    A.DetachAnswer = B.DetachAnswer = STATUS_PENDING;
    CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(StartLeaving(&A), STATUS_PENDING);
    CHECK_STATUS(StartLeaving(&B), STATUS_PENDING);
    CHECK_EQ(A.Detaches, 1);
    CHECK_EQ(B.Detaches, 1);
    CompleteDetach(&B.Links[0]);
    CompleteDetach(&A.Links[0]);
    CHECK_STATUS(WaitGone(&B), STATUS_SUCCESS);
    CHECK_STATUS(WaitGone(&A), STATUS_SUCCESS);
    CHECK_EQ(A.Detaches + B.Detaches, 2);
    CHECK_EQ(A.Cleanups + B.Cleanups, 2);
}

TEST(no_cleanup_routine, "WSK-NMR-18")
{
    Prepare(&A, TRUE);
    Prepare(&B, FALSE);
    CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(Leave(&A), STATUS_SUCCESS);
    CHECK_EQ(A.Cleanups, 1);
    Prepare(&A, TRUE);
    CHECK_STATUS(RegisterClient(&A, &PrivateNpi, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(Leave(&A), STATUS_SUCCESS);
    CHECK_EQ(A.Detaches, 1);
    CHECK_EQ(A.Cleanups, 0);
    CHECK_STATUS(Leave(&B), STATUS_SUCCESS);
}

TEST(wait_too_early, "WSK-NMR-21 WSK-NMR-22")
{
    Prepare(&A, TRUE);
    Prepare(&B, FALSE);
    CHECK_STATUS(RegisterProvider(&B, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(RegisterClient(&A, &PrivateNpi, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(NmrWaitForClientDeregisterComplete(A.Handle), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NmrWaitForProviderDeregisterComplete(B.Handle), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NmrWaitForClientDeregisterComplete(NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NmrWaitForClientDeregisterComplete(B.Handle), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NmrWaitForProviderDeregisterComplete(A.Handle), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(Leave(&A), STATUS_SUCCESS);
    CHECK_STATUS(Leave(&B), STATUS_SUCCESS);
    CHECK_STATUS(NmrWaitForClientDeregisterComplete(A.Handle), STATUS_INVALID_PARAMETER);
}

/* ---- WSK by the registrar ---------------------------------------------------------------------
 */

static LONG UseContext;

static struct {
    HANDLE Handle;
    BOOLEAN Leaving;
    PWSK_CLIENT Client;
    const WSK_PROVIDER_DISPATCH *Dispatch;
    WSK_PROVIDER_CHARACTERISTICS Range;
    PVOID Context;
    NTSTATUS Wrong, Right;
    LONG Attaches, Detaches, Cleanups;
    KIRQL Irql;
    KEVENT AttachCalled, DetachCalled;
} W;

static NTSTATUS NTAPI WskAttach(HANDLE Binding, PVOID Context, PNPI_REGISTRATION_INSTANCE Instance)
{
    static const WSK_CLIENT_DISPATCH wrong = { MAKE_WSK_VERSION(7, 0), 0, NULL };
    static const WSK_CLIENT_DISPATCH right = { MAKE_WSK_VERSION(1, 0), 0, NULL };
    PVOID client;
    const VOID *table;

    W.Attaches++;
    W.Context = Context;
    W.Irql = KeGetCurrentIrql();
    W.Range = *(const WSK_PROVIDER_CHARACTERISTICS *)Instance->NpiSpecificCharacteristics;
    W.Wrong = NmrClientAttachProvider(Binding, &W, &wrong, &client, &table);
    W.Right = NmrClientAttachProvider(Binding, &W, &right, &client, &table);
    if (NT_SUCCESS(W.Right)) {
        W.Client = client;
        W.Dispatch = table;
    }
    KeSetEvent(&W.AttachCalled, IO_NO_INCREMENT, FALSE);
    return W.Right;
}

static NTSTATUS NTAPI WskDetach(PVOID BindingContext)
{
    InterlockedIncrement(&W.Detaches);
    KeSetEvent(&W.DetachCalled, IO_NO_INCREMENT, FALSE);
    return BindingContext == &W ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static VOID NTAPI WskCleanup(PVOID BindingContext)
{
    UNREFERENCED_PARAMETER(BindingContext);
    InterlockedIncrement(&W.Cleanups);
}

static NTSTATUS StartLeavingWsk(void)
{
    W.Leaving = TRUE;
    return NmrDeregisterClient(W.Handle);
}

static NTSTATUS WaitGoneWsk(void)
{
    Paid(&W);
    return NmrWaitForClientDeregisterComplete(W.Handle);
}

static void UndoWsk(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    if (!W.Leaving)
        (void)StartLeavingWsk();
    (void)WaitGoneWsk();
}

static NTSTATUS AttachWsk(void)
{
    NPI_CLIENT_CHARACTERISTICS c = { .Length = sizeof(c),
                                     .ClientAttachProvider = WskAttach,
                                     .ClientDetachProvider = WskDetach,
                                     .ClientCleanupBindingContext = WskCleanup,
                                     .ClientRegistrationInstance =
                                         INSTANCE(&NPI_WSK_INTERFACE_ID) };

    RtlZeroMemory(&W, sizeof(W));
    KeInitializeEvent(&W.AttachCalled, NotificationEvent, FALSE);
    KeInitializeEvent(&W.DetachCalled, NotificationEvent, FALSE);
    NTSTATUS status = NmrRegisterClient(&c, &UseContext, &W.Handle);
    if (NT_SUCCESS(status))
        Owe(UndoWsk, &W);
    return status;
}

static NTSTATUS WskOpen(PWSK_SOCKET *Socket)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    NTSTATUS status = CallEnd(&call, W.Dispatch->WskSocket(W.Client, AF_INET, SOCK_DGRAM,
                                                           IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET,
                                                           NULL, NULL, NULL, NULL, NULL, irp));

    *Socket = (PWSK_SOCKET)call.Information;
    return status;
}

TEST(wsk_by_nmr, "WSK-REG-07 WSK-NMR-06 WSK-NMR-08 WSK-NMR-09")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;

    CHECK_STATUS(AttachWsk(), STATUS_SUCCESS);
    CHECK(WaitFor(&W.AttachCalled)); /* a provider that is late may have to be announced yet */
    CHECK_EQ(W.Attaches, 1);
    CHECK_EQ(W.Irql, PASSIVE_LEVEL);
    CHECK(W.Context == &UseContext);
    CHECK(W.Range.LowestVersion <= W.Range.HighestVersion);
    CHECK_EQ(W.Range.HighestVersion, MAKE_WSK_VERSION(1, 0));
    CHECK_STATUS(W.Wrong, STATUS_NOINTERFACE);
    CHECK_STATUS(W.Right, STATUS_SUCCESS);
    CHECK(W.Client != NULL);
    CHECK(W.Dispatch == Wsk); /* the same table as by WskRegister */
    CHECK_STATUS(WskOpen(&s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
    CHECK_STATUS(StartLeavingWsk(), STATUS_PENDING);
    CHECK_STATUS(WaitGoneWsk(), STATUS_SUCCESS);
    CHECK_EQ(W.Detaches, 1);
    CHECK_EQ(W.Cleanups, 1);
}

static void CloseAfterDetach(PVOID Context)
{
    (void)WaitFor(&W.DetachCalled);
    UseContext = W.Cleanups; /* none yet: the socket holds the binding */
    (void)Close(Context);
}

TEST(socket_delays_detachment, "WSK-NMR-19 WSK-NMR-17")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    THREAD thread;

    CHECK_STATUS(AttachWsk(), STATUS_SUCCESS);
    CHECK(WaitFor(&W.AttachCalled)); /* a provider that is late may have to be announced yet */
    CHECK_STATUS(W.Right, STATUS_SUCCESS);
    CHECK_STATUS(WskOpen(&s), STATUS_SUCCESS);
    CHECK_STATUS(StartLeavingWsk(), STATUS_PENDING);
    CHECK_EQ(W.Detaches, 1);
    CHECK_EQ(W.Cleanups, 0);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS); /* still alive */
    UseContext = -1;
    ThreadStart(&thread, CloseAfterDetach, s);
    if (TestFailed())
        return; /* nobody would close it */
    NTSTATUS status = WaitGoneWsk();
    LONG cleanups = W.Cleanups;
    ThreadJoin(&thread);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(UseContext, 0);
    CHECK_EQ(cleanups, 1);
}

TESTS(ROW(provider_first) ROW(client_first) ROW(different_npis) ROW(several_of_each)
          ROW(client_declines) ROW(provider_declines) ROW(detach_later) ROW(wait_blocks)
              ROW(both_sides_leave) ROW(no_cleanup_routine) ROW(wait_too_early) ROW(wsk_by_nmr)
                  ROW(socket_delays_detachment))
