/*
 * boot.c: starts and stops the WSK subsystem.
 *
 * One network per virtual processor, polled by the processor's loop thread; names and address lists
 * have one endpoint each, on processor 0. The provider is ready at once, or after a configured
 * delay, so that a driver's handling of STATUS_DEVICE_NOT_READY can be exercised; in the simulated
 * world by choice, too.
 */
#include "wsk/wskp.h"

#include <errno.h>

#define LATE_NS     1000000000
#define RETRY_100NS 100000

WSKP_GLOBALS Wskp;

static void PollNet(void *Context, int64_t deadline_ns)
{
    WskpWorkRun(KiCurrentProcessor());
    (void)Wskp.Transport->poll(Context, deadline_ns);
}

static void WakeNet(void *Context)
{
    Wskp.Transport->wake(Context);
}

static KDEFERRED_ROUTINE BecomeReady;

static VOID NTAPI BecomeReady(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    __atomic_store_n(&Wskp.Ready, TRUE, __ATOMIC_RELEASE);
    KeSetEvent(&Wskp.ReadyEvent, IO_NO_INCREMENT, FALSE);
    ExQueueWorkItem(&Wskp.Announce, DelayedWorkQueue);
}

/*
 * The registrar offers the provider to clients from when it is ready on; without memory for it now,
 * soon. At PASSIVE_LEVEL.
 *
 * Against WskpShutdown(), which stops the timer and then waits for Announced: a timer that is set
 * behind its back comes here once more and finds Stopping.
 */
static VOID NTAPI AnnounceProvider(PVOID Context)
{
    LARGE_INTEGER soon = { .QuadPart = -RETRY_100NS };
    UNREFERENCED_PARAMETER(Context);

    if (!__atomic_load_n(&Wskp.Stopping, __ATOMIC_SEQ_CST) && !NT_SUCCESS(WskpNpiRegister()))
        KeSetTimer(&Wskp.ReadyTimer, soon, &Wskp.ReadyDpc);
    else
        KeSetEvent(&Wskp.Announced, IO_NO_INCREMENT, FALSE);
}

/* WskpShutdown() looks at these, whatever the boot comes to. */
static void InitReadiness(void)
{
    KeInitializeEvent(&Wskp.ReadyEvent, NotificationEvent, FALSE);
    KeInitializeTimer(&Wskp.ReadyTimer);
    KeInitializeDpc(&Wskp.ReadyDpc, BecomeReady, NULL);
    KeInitializeEvent(&Wskp.Announced, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Wskp.Announce, AnnounceProvider, NULL);
}

static NTSTATUS StartReadiness(void)
{
    LONGLONG late =
        Wskp.Config.ready_delay_ms * 10000ll + host_delay(LATE_NS, "WSK provider") / 100;
    LARGE_INTEGER due = { .QuadPart = -late };

    if (late == 0) {
        __atomic_store_n(&Wskp.Ready, TRUE, __ATOMIC_RELEASE);
        KeSetEvent(&Wskp.ReadyEvent, IO_NO_INCREMENT, FALSE);
        KeSetEvent(&Wskp.Announced, IO_NO_INCREMENT, FALSE);
        return WskpNpiRegister();
    }
    KeSetTimer(&Wskp.ReadyTimer, due, &Wskp.ReadyDpc);
    return STATUS_SUCCESS;
}

static void DestroyNets(void)
{
    for (ULONG i = 0; i < Wskp.Processors; i++) {
        if (!Wskp.Net[i])
            continue;
        KiSetProcessorIdle(i, NULL);
        Wskp.Transport->destroy(Wskp.Net[i]);
        Wskp.Net[i] = NULL;
    }
}

static int CreateNets(void)
{
    for (ULONG i = 0; i < Wskp.Processors; i++) {
        struct net_config config = { .index = i, .hosts = Wskp.Config.hosts };
        int error = Wskp.Transport->create(&Wskp.Net[i], &config);
        if (error)
            return error;
        KI_IDLE idle = { PollNet, WakeNet, Wskp.Net[i] };
        KiSetProcessorIdle(i, &idle);
    }
    return 0;
}

static int OpenServices(void)
{
    struct net_open resolver = { .kind = NET_EP_RESOLVER };
    struct net_open route = { .kind = NET_EP_ROUTE };
    int error = Wskp.Transport->open(Wskp.Net[0], &resolver, &Wskp.Resolver);

    if (!error)
        error = Wskp.Transport->open(Wskp.Net[0], &route, &Wskp.Route);
    return error;
}

typedef struct _SERVICE_CLOSE {
    struct net_op Op;
    KEVENT Done;
} SERVICE_CLOSE;

static void ServiceClosed(struct net_op *Op)
{
    SERVICE_CLOSE *c = CONTAINING_RECORD(Op, SERVICE_CLOSE, Op);
    KeSetEvent(&c->Done, IO_NO_INCREMENT, FALSE);
}

static void CloseService(struct net_ep **Ep)
{
    if (!*Ep)
        return;
    SERVICE_CLOSE c = { .Op = { .code = NET_OP_CLOSE, .done = ServiceClosed } };
    KeInitializeEvent(&c.Done, NotificationEvent, FALSE);
    (void)Wskp.Transport->submit(*Ep, &c.Op);
    (void)KeWaitForSingleObject(&c.Done, Executive, KernelMode, FALSE, NULL);
    *Ep = NULL;
}

int WskpBoot(const struct wsk_config *config)
{
    memset(&Wskp, 0, sizeof(Wskp));
    Wskp.Config = *config;
    if (Wskp.Config.inline_depth == 0)
        Wskp.Config.inline_depth = 8;
    Wskp.Transport = config->transport;
    Wskp.Processors = KiProcessorCount();
    host_lock_init(&Wskp.ClientsLock, HOST_RANK_WSK_CLIENT);
    InitializeListHead(&Wskp.Clients);
    WskpBootWork();
    WskpBootRequests();
    WskpBootNodes();
    WskpBootListeners();
    WskpShareBoot();
    InitReadiness();
    int error = CreateNets();
    if (!error)
        error = OpenServices();
    if (error) {
        WskpShutdown();
        return error;
    }
    if (!NT_SUCCESS(StartReadiness())) {
        WskpShutdown();
        return -ENOMEM;
    }
    return 0;
}

void WskpShutdown(void)
{
    __atomic_store_n(&Wskp.Stopping, TRUE, __ATOMIC_SEQ_CST);
    BOOLEAN unannounced = KeCancelTimer(&Wskp.ReadyTimer);
    KeFlushQueuedDpcs();
    if (!unannounced && Wskp.Ready) /* its announcement may be under way */
        (void)KeWaitForSingleObject(&Wskp.Announced, Executive, KernelMode, FALSE, NULL);
    WskpNpiDeregister();
    CloseService(&Wskp.Route);
    CloseService(&Wskp.Resolver);
    WskpShutdownListeners();
    DestroyNets();
    WskpDrainQuarantine();
    WskpShutdownNodes();
    WskpShutdownRequests();
}
