/*
 * client.c: the client object behind WSK_CLIENT.
 *
 * A client is pinned by its registration and by everything that it has under way. WskDeregister
 * drops the registration's pin and waits for the last one (UNLD-01, UNLD-02); after five seconds it
 * says what it waits for (D71). The counters beside Pins exist only for that report.
 */
#include "wsk/wskp.h"

#include <netioddk.h>

#include "nt/rtlp.h"

WSKP_CLIENT *WskpClientCreate(PVOID ClientContext, const WSK_CLIENT_DISPATCH *Dispatch,
                              const void *Owner, HANDLE Binding)
{
    WSKP_CLIENT *c = host_zalloc(sizeof(*c));
    if (!c)
        return NULL;
    c->Magic = WSKP_CLIENT_MAGIC;
    c->ClientContext = ClientContext;
    c->Dispatch = Dispatch;
    c->Owner = Owner;
    c->Binding = Binding;
    c->Pins = 1;
    host_lock_init(&c->Lock, HOST_RANK_WSK_CLIENT + 1);
    InitializeListHead(&c->SocketList);
    InitializeListHead(&c->ListChangeIrps);
    InitializeListHead(&c->AddressInfos);
    KeInitializeEvent(&c->Drained, NotificationEvent, FALSE);
    KeInitializeEvent(&c->Leaving, NotificationEvent, FALSE);
    host_lock(&Wskp.ClientsLock);
    InsertTailList(&Wskp.Clients, &c->Link);
    host_unlock(&Wskp.ClientsLock);
    return c;
}

void WskpClientPin(WSKP_CLIENT *Client, LONG *Counter)
{
    InterlockedIncrement(&Client->Pins);
    InterlockedIncrement(Counter);
}

static void DropPin(WSKP_CLIENT *Client)
{
    if (InterlockedDecrement(&Client->Pins) != 0)
        return;
    if (Client->Binding)
        NmrProviderDetachClientComplete(Client->Binding); /* may free the client */
    else
        KeSetEvent(&Client->Drained, IO_NO_INCREMENT, FALSE);
}

void WskpClientUnpin(WSKP_CLIENT *Client, LONG *Counter)
{
    InterlockedDecrement(Counter);
    DropPin(Client);
}

void WskpClientDropPin(WSKP_CLIENT *Client)
{
    DropPin(Client);
}

WSKP_CLIENT *WskpClientEnter(PWSK_CLIENT Client, const char *Function, const void *Caller)
{
    WSKP_CLIENT *c = Client;

    if (!c || c->Magic != WSKP_CLIENT_MAGIC) {
        vf_report(VF_ERROR, "VF-WSK-16", "WSK-NPI-18", Caller,
                  "%s got a pointer that is no WSK_CLIENT", Function);
        return NULL;
    }
    if (__atomic_load_n(&c->Captures, __ATOMIC_RELAXED) <= 0)
        vf_report(VF_ERROR, "VF-WSK-16", "WSK-NPI-18", Caller,
                  "%s was called after the last WskReleaseProviderNPI", Function);
    if (KiThread()->Irql > DISPATCH_LEVEL)
        vf_report(VF_ERROR, "VF-IRQL-01", "WSK-IRQL-05", Caller, "%s was called at IRQL %u",
                  Function, KiThread()->Irql);
    WskpClientPin(c, &c->Calls);
    return c;
}

void WskpClientLeave(WSKP_CLIENT *Client)
{
    WskpClientUnpin(Client, &Client->Calls);
}

/* ---- what a deregistration waits for ------------------------------------------------------------
 */

typedef struct _LINE {
    void (*Line)(void *Context, const char *Text);
    void *Context;
    unsigned Count;
} LINE;

static void NTAPI Format(PSTR Text, SIZE_T Room, PCSTR Template, ...)
{
    OW_VA_LIST args;

    OW_VA_START(args, Template);
    SIZE_T length = RtlpFormatNarrow(Text, Room - 1, Template, args, NULL);
    OW_VA_END(args);
    Text[length < Room - 1 ? length : Room - 1] = 0;
}

static void Say(LINE *Out, LONG Count, const char *What, const char *Advice)
{
    char text[160];

    if (Count <= 0)
        return;
    Format(text, sizeof(text), "%d %s%s: %s", Count, What, Count == 1 ? "" : "s", Advice);
    Out->Line(Out->Context, text);
    Out->Count++;
}

static void Describe(WSKP_CLIENT *c, LINE *Out)
{
    Say(Out, c->Captures, "captured provider NPI", "WskReleaseProviderNPI was not called");
    Say(Out, c->Calls, "call into the provider", "still running");
    Say(Out, c->Irps, "pending request of the provider", "not completed");
    Say(Out, c->Sockets, "open socket",
        "WskCloseSocket was not called, or its close has not completed");
    Say(Out, c->Retained, "retained indication", "WskRelease was not called");
}

unsigned WskpDescribeWaits(void (*line)(void *context, const char *text), void *context)
{
    LINE out = { line, context, 0 };

    if (!Wskp.Transport)
        return 0;
    host_lock(&Wskp.ClientsLock);
    for (PLIST_ENTRY e = Wskp.Clients.Flink; e != &Wskp.Clients; e = e->Flink)
        Describe(CONTAINING_RECORD(e, WSKP_CLIENT, Link), &out);
    host_unlock(&Wskp.ClientsLock);
    return out.Count;
}

static void PrintLine(void *Context, const char *Text)
{
    UNREFERENCED_PARAMETER(Context);
    host_printf("WskDeregister waits for %s\n", Text);
}

void WskpClientLeaving(WSKP_CLIENT *Client)
{
    __atomic_store_n(&Client->Deregistering, TRUE, __ATOMIC_RELEASE);
    WskpClientCancelListChanges(Client);
    KeSetEvent(&Client->Leaving, IO_NO_INCREMENT, FALSE); /* ends waiting captures (NPI-14) */
}

void WskpClientFree(WSKP_CLIENT *Client)
{
    HOST_ASSERT(Client->Calls == 0 && Client->Irps == 0 && Client->Sockets == 0);
    host_lock(&Wskp.ClientsLock);
    RemoveEntryList(&Client->Link);
    host_unlock(&Wskp.ClientsLock);
    WskpClientFreeAddressInfos(Client);
    WskpSecurityDropClient(Client);
    Client->Magic = 0;
    host_free(Client);
}

void WskpClientDrain(WSKP_CLIENT *Client)
{
    LARGE_INTEGER patience = { .QuadPart = -10000ll * 5000 };
    PLARGE_INTEGER timeout = &patience;

    WskpClientLeaving(Client);
    DropPin(Client);
    while (KeWaitForSingleObject(&Client->Drained, Executive, KernelMode, FALSE, timeout) ==
           STATUS_TIMEOUT) {
        LINE out = { PrintLine, NULL, 0 };
        Describe(Client, &out);
        timeout = NULL; /* said once; the wait itself has no limit */
    }
}
