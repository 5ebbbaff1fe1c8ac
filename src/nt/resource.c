/*
 * resource.c: ERESOURCE, the recursive reader/writer lock.
 *
 * Drivers see the structure, so its size and the fields that tell something (ActiveEntries, the
 * numbers of waiters, the exclusive owner) are Windows'. The rest is a STATE that
 * ExInitializeResourceLite allocates and OwnerTable points to: the shared owners, one record each
 * with a count, and the line of waiters. The state's lock protects both and the fields.
 *
 * Order of arrival decides: the first waiter gets the resource when it becomes free, and with a
 * shared one all shared ones that follow it directly. A waiter brings the owner record that it
 * will need, so granting never allocates. Its entry is on its stack: the granter holds the lock
 * until it has unparked it, and the waiter passes through the lock before it leaves.
 */
#include "nt/kip.h"

#define RETRY_NS 10000000 /* between attempts to get memory for an owner record */

typedef struct _OWNER {
    struct _OWNER *Next;
    ERESOURCE_THREAD Thread;
    ULONG Count;
} OWNER;

typedef struct _WAITER {
    LIST_ENTRY Link;
    PKTHREAD Thread;
    OWNER *Owner; /* NULL: wants it exclusive */
    LONG Granted;
} WAITER;

typedef struct _STATE {
    struct host_lock Lock;
    ERESOURCE_THREAD Exclusive; /* owner, or 0 */
    ULONG Depth;                /* of the exclusive owner's recursion */
    OWNER *Shared;
    OWNER *Spare;
    LIST_ENTRY Waiters;
} STATE;

enum { SHARED, SHARED_STARVE_EXCLUSIVE, SHARED_WAIT_FOR_EXCLUSIVE };

static STATE *StateOf(PERESOURCE resource)
{
    return (STATE *)(PVOID)resource->OwnerTable;
}

static ERESOURCE_THREAD Me(void)
{
    return (ERESOURCE_THREAD)KiThread();
}

static OWNER *FindOwner(STATE *state, ERESOURCE_THREAD thread)
{
    for (OWNER *owner = state->Shared; owner; owner = owner->Next)
        if (owner->Thread == thread)
            return owner;
    return NULL;
}

/* Brings the fields that drivers see in line; under the lock. */
static void Publish(PERESOURCE resource, STATE *state)
{
    ULONG shared = 0, shared_waiters = 0, exclusive_waiters = 0;

    for (OWNER *owner = state->Shared; owner; owner = owner->Next)
        shared++;
    for (PLIST_ENTRY e = state->Waiters.Flink; e != &state->Waiters; e = e->Flink) {
        if (CONTAINING_RECORD(e, WAITER, Link)->Owner)
            shared_waiters++;
        else
            exclusive_waiters++;
    }
    resource->OwnerEntry.OwnerThread = state->Exclusive;
    __atomic_store_n(&resource->ActiveEntries, state->Exclusive ? 1 : shared, __ATOMIC_RELAXED);
    __atomic_store_n(&resource->NumberOfSharedWaiters, shared_waiters, __ATOMIC_RELAXED);
    __atomic_store_n(&resource->NumberOfExclusiveWaiters, exclusive_waiters, __ATOMIC_RELAXED);
}

/* ---- life ----------------------------------------------------------------------------------- */

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    DDI_ENTER(ExInitializeResourceLite);
    STATE *state = NULL;

    if (!host_choose(2, HOST_CHOOSE_FAULT, "ExInitializeResourceLite"))
        state = host_zalloc(sizeof *state);
    if (!state)
        return STATUS_INSUFFICIENT_RESOURCES;
    host_lock_init(&state->Lock, HOST_RANK_NT_LEAF);
    InitializeListHead(&state->Waiters);
    RtlZeroMemory(Resource, sizeof *Resource);
    InitializeListHead(&Resource->SystemResourcesList);
    Resource->OwnerTable = (PVOID)state;
    vf_born(VF_RESOURCE, Resource, sizeof *Resource, 0, __builtin_return_address(0));
    return STATUS_SUCCESS;
}

static void FreeOwners(OWNER *owner)
{
    while (owner) {
        OWNER *next = owner->Next;
        host_free(owner);
        owner = next;
    }
}

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    DDI_ENTER(ExDeleteResourceLite);
    STATE *state = StateOf(Resource);

    if (!vf_died(VF_RESOURCE, Resource) || !state) {
        vf_report(VF_STOP, "VF-LOCK-04", NULL, __builtin_return_address(0),
                  "ExDeleteResourceLite: %p is no initialised resource", (void *)Resource);
        return STATUS_INVALID_PARAMETER;
    }
    if (state->Exclusive || state->Shared || !IsListEmpty(&state->Waiters))
        vf_report(VF_STOP, "VF-LOCK-04", NULL, __builtin_return_address(0),
                  "resource %p deleted while it is owned or waited for", (void *)Resource);
    FreeOwners(state->Shared);
    FreeOwners(state->Spare);
    host_free(state);
    Resource->OwnerTable = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    DDI_ENTER(ExReinitializeResourceLite);
    STATE *state = StateOf(Resource);

    host_lock(&state->Lock);
    state->Exclusive = 0;
    state->Depth = 0;
    FreeOwners(state->Shared);
    state->Shared = NULL;
    Publish(Resource, state);
    host_unlock(&state->Lock);
    return STATUS_SUCCESS;
}

/* ---- acquiring ------------------------------------------------------------------------------ */

static void CheckApcs(const char *name, const void *caller)
{
    PKTHREAD thread = KiThread();

    if (!thread->SystemThread && thread->Irql == PASSIVE_LEVEL && !thread->CriticalRegion &&
        !thread->GuardedRegion)
        vf_report(VF_STOP, "VF-LOCK-07", NULL, caller,
                  "%s with APCs enabled; enter a critical region first", name);
}

/* Takes the lock with a spare record there; memory is never asked for under the lock. */
static void LockWithSpare(STATE *state)
{
    OWNER *owner;

    host_lock(&state->Lock);
    while (!state->Spare) {
        host_unlock(&state->Lock);
        while (!(owner = host_zalloc(sizeof *owner)))
            host_park(host_now() + RETRY_NS);
        host_lock(&state->Lock);
        owner->Next = state->Spare;
        state->Spare = owner;
    }
}

static OWNER *UseSpare(STATE *state, ULONG count)
{
    OWNER *owner = state->Spare;

    state->Spare = owner->Next;
    owner->Thread = Me();
    owner->Count = count;
    return owner;
}

static void AddShared(STATE *state, OWNER *owner)
{
    owner->Next = state->Shared;
    state->Shared = owner;
}

/* Enters under the lock, leaves without it. */
static void WaitInLine(PERESOURCE resource, STATE *state, OWNER *owner)
{
    PKTHREAD thread = KiThread();
    WAITER waiter = { .Thread = thread, .Owner = owner };

    InsertTailList(&state->Waiters, &waiter.Link);
    resource->ContentionCount++;
    Publish(resource, state);
    host_unlock(&state->Lock);
    if (thread->Worker)
        KipWorkerBlocks();
    while (!__atomic_load_n(&waiter.Granted, __ATOMIC_ACQUIRE))
        host_park(HOST_FOREVER);
    if (thread->Worker)
        KipWorkerResumes();
    host_lock(&state->Lock);
    host_unlock(&state->Lock);
}

static BOOLEAN AcquireExclusive(PERESOURCE resource, BOOLEAN wait, const void *caller)
{
    STATE *state = StateOf(resource);
    BOOLEAN taken = TRUE;

    CheckApcs("ExAcquireResourceExclusiveLite", caller);
    host_lock(&state->Lock);
    if (state->Exclusive == Me()) {
        state->Depth++;
    } else if (!state->Exclusive && !state->Shared) {
        state->Exclusive = Me();
        state->Depth = 1;
    } else if (!wait) {
        taken = FALSE;
    } else if (FindOwner(state, Me())) {
        host_unlock(&state->Lock);
        vf_report(VF_STOP, "VF-LOCK-01", NULL, caller,
                  "resource %p acquired exclusive by a thread that holds it shared",
                  (void *)resource);
        return FALSE;
    } else {
        WaitInLine(resource, state, NULL);
        return TRUE;
    }
    Publish(resource, state);
    host_unlock(&state->Lock);
    return taken;
}

static BOOLEAN AcquireShared(PERESOURCE resource, BOOLEAN wait, int how, const void *caller)
{
    STATE *state = StateOf(resource);
    BOOLEAN taken = TRUE;
    BOOLEAN overtake;
    OWNER *owner;

    CheckApcs("ExAcquireResourceSharedLite", caller);
    LockWithSpare(state);
    owner = FindOwner(state, Me());
    overtake = how == SHARED_STARVE_EXCLUSIVE || (how == SHARED && owner);
    if (state->Exclusive == Me()) {
        state->Depth++;
    } else if (state->Exclusive || !(overtake || IsListEmpty(&state->Waiters))) {
        taken = FALSE;
    } else if (owner) {
        owner->Count++;
    } else {
        AddShared(state, UseSpare(state, 1));
    }
    if (!taken && wait) {
        WaitInLine(resource, state, UseSpare(state, 1));
        return TRUE;
    }
    Publish(resource, state);
    host_unlock(&state->Lock);
    return taken;
}

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    DDI_ENTER(ExAcquireResourceExclusiveLite);
    return AcquireExclusive(Resource, Wait, __builtin_return_address(0));
}

BOOLEAN NTAPI ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource)
{
    DDI_ENTER(ExTryToAcquireResourceExclusiveLite);
    return AcquireExclusive(Resource, FALSE, __builtin_return_address(0));
}

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    DDI_ENTER(ExAcquireResourceSharedLite);
    return AcquireShared(Resource, Wait, SHARED, __builtin_return_address(0));
}

BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    DDI_ENTER(ExAcquireSharedStarveExclusive);
    return AcquireShared(Resource, Wait, SHARED_STARVE_EXCLUSIVE, __builtin_return_address(0));
}

BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    DDI_ENTER(ExAcquireSharedWaitForExclusive);
    return AcquireShared(Resource, Wait, SHARED_WAIT_FOR_EXCLUSIVE, __builtin_return_address(0));
}

/* ---- releasing ------------------------------------------------------------------------------ */

/* Gives the resource to those in front of the line who can have it together. Under the lock. */
static void GrantNext(STATE *state)
{
    while (!state->Exclusive && !IsListEmpty(&state->Waiters)) {
        WAITER *waiter = CONTAINING_RECORD(state->Waiters.Flink, WAITER, Link);
        if (!waiter->Owner && state->Shared)
            return;
        RemoveEntryList(&waiter->Link);
        if (waiter->Owner) {
            AddShared(state, waiter->Owner);
        } else {
            state->Exclusive = (ERESOURCE_THREAD)waiter->Thread;
            state->Depth = 1;
        }
        __atomic_store_n(&waiter->Granted, 1, __ATOMIC_RELEASE);
        host_unpark(waiter->Thread->Host);
    }
}

static BOOLEAN DropShared(STATE *state, ERESOURCE_THREAD thread)
{
    for (OWNER **link = &state->Shared; *link; link = &(*link)->Next) {
        OWNER *owner = *link;
        if (owner->Thread != thread)
            continue;
        if (--owner->Count == 0) {
            *link = owner->Next;
            owner->Next = state->Spare;
            state->Spare = owner;
        }
        return TRUE;
    }
    return FALSE;
}

static void Release(PERESOURCE resource, ERESOURCE_THREAD thread, const void *caller)
{
    STATE *state = StateOf(resource);
    BOOLEAN held = TRUE;

    host_lock(&state->Lock);
    if (state->Exclusive == thread) {
        if (--state->Depth == 0)
            state->Exclusive = 0;
    } else {
        held = DropShared(state, thread);
    }
    GrantNext(state);
    Publish(resource, state);
    host_unlock(&state->Lock);
    if (!held)
        vf_report(VF_STOP, "VF-LOCK-02", NULL, caller,
                  "resource %p released by a thread that does not own it", (void *)resource);
}

void NTAPI ExReleaseResourceLite(PERESOURCE Resource)
{
    DDI_ENTER(ExReleaseResourceLite);
    Release(Resource, Me(), __builtin_return_address(0));
}

void NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    DDI_ENTER(ExReleaseResourceForThreadLite);
    Release(Resource, ResourceThreadId, __builtin_return_address(0));
}

void NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    DDI_ENTER(ExConvertExclusiveToSharedLite);
    STATE *state = StateOf(Resource);

    LockWithSpare(state);
    if (state->Exclusive != Me()) {
        host_unlock(&state->Lock);
        vf_report(VF_STOP, "VF-LOCK-02", NULL, __builtin_return_address(0),
                  "resource %p converted by a thread that does not own it exclusive",
                  (void *)Resource);
        return;
    }
    AddShared(state, UseSpare(state, state->Depth));
    state->Exclusive = 0;
    state->Depth = 0;
    GrantNext(state);
    Publish(Resource, state);
    host_unlock(&state->Lock);
}

/* ---- with a critical region ------------------------------------------------------------------ */

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    DDI_ENTER(ExEnterCriticalRegionAndAcquireResourceExclusive);
    KiThread()->CriticalRegion++;
    AcquireExclusive(Resource, TRUE, __builtin_return_address(0));
    return NULL;
}

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    DDI_ENTER(ExEnterCriticalRegionAndAcquireResourceShared);
    KiThread()->CriticalRegion++;
    AcquireShared(Resource, TRUE, SHARED, __builtin_return_address(0));
    return NULL;
}

void NTAPI ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    DDI_ENTER(ExReleaseResourceAndLeaveCriticalRegion);
    Release(Resource, Me(), __builtin_return_address(0));
    KeLeaveCriticalRegion();
}

/* ---- questions ------------------------------------------------------------------------------ */

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    DDI_ENTER(ExIsResourceAcquiredExclusiveLite);
    STATE *state = StateOf(Resource);

    host_lock(&state->Lock);
    BOOLEAN mine = state->Exclusive == Me();
    host_unlock(&state->Lock);
    return mine;
}

/* How often the calling thread has it, in whichever way. */
ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    DDI_ENTER(ExIsResourceAcquiredSharedLite);
    STATE *state = StateOf(Resource);
    ULONG count = 0;

    host_lock(&state->Lock);
    if (state->Exclusive == Me())
        count = state->Depth;
    for (OWNER *owner = state->Shared; owner; owner = owner->Next)
        if (owner->Thread == Me())
            count += owner->Count;
    host_unlock(&state->Lock);
    return count;
}

ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    DDI_ENTER(ExGetExclusiveWaiterCount);
    return __atomic_load_n(&Resource->NumberOfExclusiveWaiters, __ATOMIC_RELAXED);
}

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    DDI_ENTER(ExGetSharedWaiterCount);
    return __atomic_load_n(&Resource->NumberOfSharedWaiters, __ATOMIC_RELAXED);
}
