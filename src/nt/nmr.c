/*
 * nmr.c: the Network Module Registrar: clients and providers of network programming interfaces find
 * each other, attach, detach and go away.
 *
 * A registration is one module's side; a binding is one client and one provider of the same NPI.
 * One lock (NmrLock) protects all lists and states; no callback runs under it, so every step is:
 * decide under the lock, call without it, record the outcome under it. That works because a binding
 * is kept alive by the references of whoever works on it, and because each transition is taken by
 * exactly one thread:
 *
 *   Offered -> Attached      the client's attach callback succeeded
 *           \-> Gone         it declined
 *   Attached -> Detaching    either side deregisters; who moves it calls both detach callbacks
 *   Detaching -> Gone        both sides detached; the last one calls both cleanup callbacks
 *
 * A deregistration that meets an Offered binding leaves a note (DetachWanted) which the attaching
 * thread reads when its callback has returned. Handles are addresses that are looked up in the
 * lists before they are believed.
 */
#include <ntddk.h>
#include <netioddk.h>

#include "nt/ki.h"

typedef struct _NMR_MODULE {
    LIST_ENTRY Link;  /* Modules */
    ULONGLONG Number; /* they are in the order of their numbers */
    BOOLEAN IsClient;
    BOOLEAN Deregistering;
    PVOID Context;
    union {
        NPI_CLIENT_CHARACTERISTICS Client;
        NPI_PROVIDER_CHARACTERISTICS Provider;
    };
    LONG Bindings; /* not yet gone, plus one until deregistration */
    KEVENT Empty;
} NMR_MODULE;

typedef enum _NMR_STATE { NmrOffered, NmrAttached, NmrDetaching, NmrGone } NMR_STATE;

typedef struct _NMR_BINDING {
    LIST_ENTRY Link; /* Bindings */
    NMR_MODULE *Client, *Provider;
    NMR_STATE State;
    BOOLEAN InAttach;      /* the client's attach callback is running */
    BOOLEAN ProviderBound; /* the provider accepted */
    BOOLEAN DetachWanted;
    BOOLEAN ClientPending, ProviderPending; /* that side has not detached yet */
    NTSTATUS LastAttach;                    /* what NmrClientAttachProvider answered last */
    PVOID ClientContext, ProviderContext;
    LONG Refs;
} NMR_BINDING;

static struct host_lock NmrLock = HOST_LOCK_INIT(HOST_RANK_NT_OBJECT);
static LIST_ENTRY Modules = { &Modules, &Modules };
static ULONGLONG LastNumber;
static LIST_ENTRY Bindings = { &Bindings, &Bindings };

static const NPI_REGISTRATION_INSTANCE *InstanceOf(const NMR_MODULE *m)
{
    return m->IsClient ? &m->Client.ClientRegistrationInstance
                       : &m->Provider.ProviderRegistrationInstance;
}

/* ---- lookups; lock held ------------------------------------------------------------------ */

static NMR_MODULE *FindModule(HANDLE Handle, BOOLEAN IsClient)
{
    for (PLIST_ENTRY e = Modules.Flink; e != &Modules; e = e->Flink) {
        NMR_MODULE *m = CONTAINING_RECORD(e, NMR_MODULE, Link);
        if ((HANDLE)m == Handle && m->IsClient == IsClient)
            return m;
    }
    return NULL;
}

static NMR_BINDING *FindBinding(HANDLE Handle)
{
    for (PLIST_ENTRY e = Bindings.Flink; e != &Bindings; e = e->Flink)
        if ((HANDLE)CONTAINING_RECORD(e, NMR_BINDING, Link) == Handle)
            return CONTAINING_RECORD(e, NMR_BINDING, Link);
    return NULL;
}

static BOOLEAN Bound(const NMR_MODULE *Client, const NMR_MODULE *Provider)
{
    for (PLIST_ENTRY e = Bindings.Flink; e != &Bindings; e = e->Flink) {
        NMR_BINDING *b = CONTAINING_RECORD(e, NMR_BINDING, Link);
        if (b->Client == Client && b->Provider == Provider)
            return TRUE;
    }
    return FALSE;
}

/* ---- references -------------------------------------------------------------------------- */

static void ReleaseModule(NMR_MODULE *m)
{
    host_lock(&NmrLock);
    BOOLEAN last = --m->Bindings == 0;
    host_unlock(&NmrLock);
    if (last)
        KeSetEvent(&m->Empty, IO_NO_INCREMENT, FALSE);
}

static void Dereference(NMR_BINDING *b)
{
    host_lock(&NmrLock);
    BOOLEAN last = --b->Refs == 0;
    host_unlock(&NmrLock);
    if (last)
        host_free(b);
}

/* Takes the binding out of the world; its modules may finish their deregistration. */
static void Retire(NMR_BINDING *b)
{
    NMR_MODULE *client = b->Client, *provider = b->Provider;

    host_lock(&NmrLock);
    b->State = NmrGone;
    RemoveEntryList(&b->Link);
    host_unlock(&NmrLock);
    Dereference(b);
    ReleaseModule(client);
    ReleaseModule(provider);
}

/* ---- detaching --------------------------------------------------------------------------- */

static void Cleanup(NMR_BINDING *b)
{
    PNPI_CLIENT_CLEANUP_BINDING_CONTEXT_FN client = b->Client->Client.ClientCleanupBindingContext;
    PNPI_PROVIDER_CLEANUP_BINDING_CONTEXT_FN provider =
        b->Provider->Provider.ProviderCleanupBindingContext;

    host_assert_unlocked();
    if (client)
        client(b->ClientContext);
    if (provider)
        provider(b->ProviderContext);
    Retire(b);
}

/* One side has detached; the last one cleans up. FALSE: that side was not pending (NMR-27). */
static BOOLEAN SideDetached(NMR_BINDING *b, BOOLEAN IsClient)
{
    BOOLEAN *pending = IsClient ? &b->ClientPending : &b->ProviderPending;

    host_lock(&NmrLock);
    BOOLEAN was = b->State == NmrDetaching && *pending;
    if (was)
        *pending = FALSE;
    BOOLEAN last = was && !b->ClientPending && !b->ProviderPending;
    host_unlock(&NmrLock);
    if (last)
        Cleanup(b);
    return was;
}

/* The caller moved the state to Detaching and holds a reference. */
static void Detach(NMR_BINDING *b)
{
    host_assert_unlocked();
    if (b->Client->Client.ClientDetachProvider(b->ClientContext) != STATUS_PENDING)
        SideDetached(b, TRUE);
    if (b->Provider->Provider.ProviderDetachClient(b->ProviderContext) != STATUS_PENDING)
        SideDetached(b, FALSE);
}

/* Lock held. TRUE: the caller must call Detach() and then drop the reference that it got. */
static BOOLEAN StartDetach(NMR_BINDING *b)
{
    if (b->State == NmrOffered)
        b->DetachWanted = TRUE;
    if (b->State != NmrAttached)
        return FALSE; /* NMR-14: only the first initiation counts */
    b->State = NmrDetaching;
    b->ClientPending = b->ProviderPending = TRUE;
    b->Refs++;
    return TRUE;
}

static void DetachAll(NMR_MODULE *m)
{
    for (;;) {
        NMR_BINDING *found = NULL;
        host_lock(&NmrLock);
        for (PLIST_ENTRY e = Bindings.Flink; e != &Bindings && !found; e = e->Flink) {
            NMR_BINDING *b = CONTAINING_RECORD(e, NMR_BINDING, Link);
            if ((b->Client == m || b->Provider == m) && StartDetach(b))
                found = b;
        }
        host_unlock(&NmrLock);
        if (!found)
            return;
        Detach(found);
        Dereference(found);
    }
}

/* ---- attaching --------------------------------------------------------------------------- */

static void Offer(NMR_BINDING *b)
{
    host_assert_unlocked();
    NTSTATUS status = b->Client->Client.ClientAttachProvider(
        b, b->Client->Context, (PNPI_REGISTRATION_INSTANCE)InstanceOf(b->Provider));
    if (NT_SUCCESS(status) != NT_SUCCESS(b->LastAttach))
        vf_report(VF_ERROR, "VF-NMR-02", "WSK-NMR-25",
                  (const void *)b->Client->Client.ClientAttachProvider,
                  "ClientAttachProvider returned 0x%08x, but NmrClientAttachProvider had "
                  "answered 0x%08x",
                  status, b->LastAttach);
    host_lock(&NmrLock);
    b->InAttach = FALSE;
    BOOLEAN attached = NT_SUCCESS(status) && b->ProviderBound;
    BOOLEAN detach = FALSE;
    if (attached) {
        b->State = NmrAttached;
        if (b->DetachWanted)
            detach = StartDetach(b);
    }
    host_unlock(&NmrLock);
    if (!attached) {
        Retire(b); /* NMR-10 */
        return;
    }
    if (detach) {
        Detach(b);
        Dereference(b);
    }
}

/* Lock held. A binding for the pair, if both want one and there is none. */
static NMR_BINDING *NewBinding(NMR_MODULE *m, NMR_MODULE *other)
{
    NMR_MODULE *client = m->IsClient ? m : other;
    NMR_MODULE *provider = m->IsClient ? other : m;

    if (m->IsClient == other->IsClient || m->Deregistering || other->Deregistering)
        return NULL;
    if (!IsEqualGUID(InstanceOf(m)->NpiId, InstanceOf(other)->NpiId) || Bound(client, provider))
        return NULL;
    NMR_BINDING *b = host_zalloc(sizeof(*b));
    if (!b)
        return NULL;
    b->Client = client;
    b->Provider = provider;
    b->State = NmrOffered;
    b->InAttach = TRUE;
    b->LastAttach = STATUS_NOINTERFACE;
    b->Refs = 1;
    client->Bindings++;
    provider->Bindings++;
    InsertTailList(&Bindings, &b->Link);
    return b;
}

/*
 * Lock held. A binding with the first module behind number `*Seen` that wants one, of those that
 * were there before `m`; *Seen becomes its number. Numbers, as modules may go away in between.
 */
static NMR_BINDING *NextBinding(NMR_MODULE *m, BOOLEAN Backwards, ULONGLONG *Seen)
{
    PLIST_ENTRY end = Backwards ? &Modules : &m->Link;

    for (PLIST_ENTRY e = Backwards ? m->Link.Blink : Modules.Flink; e != end;
         e = Backwards ? e->Blink : e->Flink) {
        NMR_MODULE *other = CONTAINING_RECORD(e, NMR_MODULE, Link);
        BOOLEAN behind = Backwards ? other->Number < *Seen : other->Number > *Seen;
        NMR_BINDING *b = behind ? NewBinding(m, other) : NULL;
        if (b) {
            *Seen = other->Number;
            return b;
        }
    }
    return NULL;
}

/* Offers the new module to everybody who was there before it (NMR-03, NMR-04), each once. In which
 * order, nobody promises. */
static void AttachAll(NMR_MODULE *m)
{
    NMR_BINDING *b;
    BOOLEAN backwards = host_overtaken("NMR module");
    ULONGLONG seen = backwards ? m->Number : 0;

    do {
        host_lock(&NmrLock);
        b = NextBinding(m, backwards, &seen);
        host_unlock(&NmrLock);
        if (b)
            Offer(b);
    } while (b);
}

static BOOLEAN Valid(USHORT Version, USHORT Length, USHORT Expected,
                     const NPI_REGISTRATION_INSTANCE *i, const void *Caller)
{
    if (Version == 0 && Length == Expected && i->Version == 0 && i->Size == sizeof(*i) &&
        i->NpiId && i->ModuleId)
        return TRUE;
    vf_report(VF_ERROR, "VF-NMR-02", "WSK-NMR-32", Caller,
              "characteristics with a wrong version or length, or without NpiId or ModuleId");
    return FALSE;
}

static NTSTATUS Register(NMR_MODULE *m, PVOID Context, PHANDLE Handle, const void *Caller)
{
    m->Context = Context;
    m->Bindings = 2; /* until it is deregistered, and until this call ends */
    KeInitializeEvent(&m->Empty, NotificationEvent, FALSE);
    host_lock(&NmrLock);
    m->Number = ++LastNumber;
    InsertTailList(&Modules, &m->Link);
    host_unlock(&NmrLock);
    vf_born(VF_NMR_HANDLE, m, 0, m->IsClient, Caller);
    *Handle = m; /* before the first callback, which may want it, even to deregister */
    AttachAll(m);
    ReleaseModule(m);
    return STATUS_SUCCESS;
}

static NTSTATUS Deregister(HANDLE Handle, BOOLEAN IsClient)
{
    host_lock(&NmrLock);
    NMR_MODULE *m = FindModule(Handle, IsClient);
    BOOLEAN first = m && !m->Deregistering;
    if (first)
        m->Deregistering = TRUE;
    host_unlock(&NmrLock);
    if (!first)
        return STATUS_INVALID_PARAMETER;
    DetachAll(m);
    ReleaseModule(m);
    return STATUS_PENDING;
}

static NTSTATUS WaitGone(HANDLE Handle, BOOLEAN IsClient)
{
    host_lock(&NmrLock);
    NMR_MODULE *m = FindModule(Handle, IsClient);
    if (m && !m->Deregistering)
        m = NULL;
    host_unlock(&NmrLock);
    if (!m)
        return STATUS_INVALID_PARAMETER; /* NMR-21 */
    (void)KeWaitForSingleObject(&m->Empty, Executive, KernelMode, FALSE, NULL);
    host_lock(&NmrLock);
    RemoveEntryList(&m->Link);
    host_unlock(&NmrLock);
    vf_died(VF_NMR_HANDLE, m);
    host_free(m);
    return STATUS_SUCCESS;
}

/* ---- exported ---------------------------------------------------------------------------- */

NTSTATUS NTAPI NmrRegisterClient(PNPI_CLIENT_CHARACTERISTICS ClientCharacteristics,
                                 PVOID ClientContext, PHANDLE NmrClientHandle)
{
    DDI_ENTER(NmrRegisterClient);
    const NPI_CLIENT_CHARACTERISTICS *c = ClientCharacteristics;

    if (!c || !NmrClientHandle || !c->ClientAttachProvider || !c->ClientDetachProvider ||
        !Valid(c->Version, c->Length, sizeof(*c), &c->ClientRegistrationInstance,
               __builtin_return_address(0)))
        return STATUS_INVALID_PARAMETER;
    NMR_MODULE *m =
        host_choose(2, HOST_CHOOSE_FAULT, "NmrRegisterClient") ? NULL : host_zalloc(sizeof(*m));
    if (!m)
        return STATUS_INSUFFICIENT_RESOURCES;
    m->IsClient = TRUE;
    m->Client = *c;
    return Register(m, ClientContext, NmrClientHandle, __builtin_return_address(0));
}

NTSTATUS NTAPI NmrRegisterProvider(PNPI_PROVIDER_CHARACTERISTICS ProviderCharacteristics,
                                   PVOID ProviderContext, PHANDLE NmrProviderHandle)
{
    DDI_ENTER(NmrRegisterProvider);
    const NPI_PROVIDER_CHARACTERISTICS *p = ProviderCharacteristics;

    if (!p || !NmrProviderHandle || !p->ProviderAttachClient || !p->ProviderDetachClient ||
        !Valid(p->Version, p->Length, sizeof(*p), &p->ProviderRegistrationInstance,
               __builtin_return_address(0)))
        return STATUS_INVALID_PARAMETER;
    NMR_MODULE *m =
        host_choose(2, HOST_CHOOSE_FAULT, "NmrRegisterProvider") ? NULL : host_zalloc(sizeof(*m));
    if (!m)
        return STATUS_INSUFFICIENT_RESOURCES;
    m->Provider = *p;
    return Register(m, ProviderContext, NmrProviderHandle, __builtin_return_address(0));
}

NTSTATUS NTAPI NmrDeregisterClient(HANDLE NmrClientHandle)
{
    DDI_ENTER(NmrDeregisterClient);
    return Deregister(NmrClientHandle, TRUE);
}

NTSTATUS NTAPI NmrDeregisterProvider(HANDLE NmrProviderHandle)
{
    DDI_ENTER(NmrDeregisterProvider);
    return Deregister(NmrProviderHandle, FALSE);
}

NTSTATUS NTAPI NmrWaitForClientDeregisterComplete(HANDLE NmrClientHandle)
{
    DDI_ENTER(NmrWaitForClientDeregisterComplete);
    return WaitGone(NmrClientHandle, TRUE);
}

NTSTATUS NTAPI NmrWaitForProviderDeregisterComplete(HANDLE NmrProviderHandle)
{
    DDI_ENTER(NmrWaitForProviderDeregisterComplete);
    return WaitGone(NmrProviderHandle, FALSE);
}

NTSTATUS NTAPI NmrClientAttachProvider(HANDLE NmrBindingHandle, PVOID ClientBindingContext,
                                       const VOID *ClientDispatch, PVOID *ProviderBindingContext,
                                       const VOID **ProviderDispatch)
{
    DDI_ENTER(NmrClientAttachProvider);
    if (!ProviderBindingContext || !ProviderDispatch)
        return STATUS_INVALID_PARAMETER;
    host_lock(&NmrLock);
    NMR_BINDING *b = FindBinding(NmrBindingHandle);
    if (b && (!b->InAttach || b->ProviderBound))
        b = NULL;
    host_unlock(&NmrLock);
    if (!b) {
        vf_report(VF_ERROR, "VF-NMR-02", "WSK-NMR-26", __builtin_return_address(0),
                  "NmrClientAttachProvider outside of ClientAttachProvider, or twice");
        return STATUS_INVALID_PARAMETER;
    }
    /* InAttach keeps the binding: this runs inside the attach callback, which Offer() waits for. */
    b->ClientContext = ClientBindingContext;
    NTSTATUS status = b->Provider->Provider.ProviderAttachClient(
        b, b->Provider->Context, (PNPI_REGISTRATION_INSTANCE)InstanceOf(b->Client),
        ClientBindingContext, ClientDispatch, &b->ProviderContext, ProviderDispatch);
    if (NT_SUCCESS(status))
        *ProviderBindingContext = b->ProviderContext;
    host_lock(&NmrLock);
    b->LastAttach = status;
    b->ProviderBound = NT_SUCCESS(status);
    host_unlock(&NmrLock);
    return status;
}

static void DetachComplete(HANDLE Handle, BOOLEAN IsClient, const void *Caller)
{
    host_lock(&NmrLock);
    NMR_BINDING *b = FindBinding(Handle);
    if (b)
        b->Refs++;
    host_unlock(&NmrLock);
    BOOLEAN ok = b && SideDetached(b, IsClient);
    if (b)
        Dereference(b);
    if (!ok)
        vf_report(VF_ERROR, "VF-NMR-02", "WSK-NMR-27", Caller,
                  "a detach was completed that is not pending");
}

VOID NTAPI NmrClientDetachProviderComplete(HANDLE NmrBindingHandle)
{
    DDI_ENTER(NmrClientDetachProviderComplete);
    DetachComplete(NmrBindingHandle, TRUE, __builtin_return_address(0));
}

VOID NTAPI NmrProviderDetachClientComplete(HANDLE NmrBindingHandle)
{
    DDI_ENTER(NmrProviderDetachClientComplete);
    DetachComplete(NmrBindingHandle, FALSE, __builtin_return_address(0));
}
