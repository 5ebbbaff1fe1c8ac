/*
 * share.c: which sockets of this process may use the same local address (D43).
 *
 * Windows decides a second bind of a port by both sockets' options and by whether each address is
 * the wildcard or a specific one: 36 cells, kept below as data. Linux cannot express that, so a
 * registry of the process's binds decides, and the host is only told to let pass what the table
 * allows. Other processes' binds are found by the host's own bind.
 *
 * The registry lock protects the list and the entries. The host options of an older socket are set
 * while it is held Busy, so that its endpoint cannot go away; the counts are given back after the
 * lock, because the last one may start a close.
 */
#include "wsk/wskp.h"

typedef enum _SHARE_FORM { NoneAny, NoneOne, ReuseAny, ReuseOne, ExclusiveAny, ExclusiveOne } FORM;

typedef struct _WSKP_SHARE {
    LIST_ENTRY Link;
    WSKP_SOCKET *Socket;
    struct net_addr Address; /* v4-mapped addresses in IPv4 form */
    FORM Form;
    BOOLEAN V4, V6; /* the families whose ports it takes */
} WSKP_SHARE;

typedef enum _VERDICT { Ok, InUse, Denied, Check } VERDICT;

/* [second][first]; see WSK-SHARE-01 to WSK-SHARE-06. */
static const UCHAR Verdicts[6][6] = {
    /*                   none *  none S  reuse * reuse S excl *  excl S */
    [NoneAny] = { InUse, Ok, InUse, Ok, InUse, Ok },
    [NoneOne] = { Check, InUse, Check, Denied, Denied, InUse },
    [ReuseAny] = { Denied, Ok, Ok, Ok, Denied, Ok },
    [ReuseOne] = { Check, Denied, Ok, Ok, Denied, Denied },
    [ExclusiveAny] = { InUse, InUse, InUse, InUse, InUse, InUse },
    [ExclusiveOne] = { Check, InUse, Check, InUse, Denied, InUse },
};

static struct host_lock Lock;
static LIST_ENTRY Binds;

/* Older sockets whose host options one bind changes at most; more are left as they are. */
#define HELD_MAX 32

typedef struct _HELD {
    WSKP_SOCKET *Sockets[HELD_MAX];
    ULONG Count;
} HELD;

void WskpShareBoot(void)
{
    host_lock_init(&Lock, HOST_RANK_WSK_LEAF);
    InitializeListHead(&Binds);
}

static void Describe(WSKP_SHARE *Entry, WSKP_SOCKET *Socket, const struct net_addr *Address)
{
    BOOLEAN any = WskpAddressIsAny(Address);

    host_lock(&Socket->Lock);
    struct _WSKP_OPTIONS options = Socket->Options;
    host_unlock(&Socket->Lock);
    Entry->Socket = Socket;
    Entry->Address = *Address;
    WskpAddressUnmap(&Entry->Address);
    Entry->V4 = Entry->Address.family == NET_IP4 || (any && !options.V6Only);
    Entry->V6 = Entry->Address.family == NET_IP6;
    Entry->Form = any ? NoneAny : NoneOne;
    if (options.Exclusive)
        Entry->Form = any ? ExclusiveAny : ExclusiveOne;
    else if (options.ReuseAddress)
        Entry->Form = any ? ReuseAny : ReuseOne;
}

static BOOLEAN IsWildcard(const WSKP_SHARE *Entry)
{
    return Entry->Form == NoneAny || Entry->Form == ReuseAny || Entry->Form == ExclusiveAny;
}

/* Do the two name the same port of the same protocol, on addresses that have something in common?
 */
static BOOLEAN Overlaps(const WSKP_SHARE *A, const WSKP_SHARE *B)
{
    if (A->Socket->Type != B->Socket->Type || A->Socket->Protocol != B->Socket->Protocol)
        return FALSE;
    if (A->Address.port != B->Address.port)
        return FALSE;
    if (!(A->V4 && B->V4) && !(A->V6 && B->V6))
        return FALSE;
    if (IsWildcard(A) || IsWildcard(B))
        return TRUE;
    return WskpAddressSameIp(&A->Address, &B->Address);
}

static NTSTATUS Decide(const WSKP_SHARE *Second, const WSKP_SHARE *First)
{
    switch (Verdicts[Second->Form][First->Form]) {
    case Ok:
        return STATUS_SUCCESS;
    case InUse:
        return STATUS_ADDRESS_ALREADY_EXISTS;
    case Check:
        if (WskpSecurityGrants(First->Socket->Security, First->Socket->OwningProcess,
                               Second->Socket))
            return STATUS_SUCCESS;
        return STATUS_ACCESS_DENIED;
    default:
        return STATUS_ACCESS_DENIED;
    }
}

/* Lock held. The first conflict decides; sockets that will share the port with us are held. */
static NTSTATUS DecideAll(const WSKP_SHARE *Entry, HELD *Held)
{
    for (PLIST_ENTRY e = Binds.Flink; e != &Binds; e = e->Flink) {
        WSKP_SHARE *first = CONTAINING_RECORD(e, WSKP_SHARE, Link);
        if (!Overlaps(Entry, first))
            continue;
        NTSTATUS status = Decide(Entry, first);
        if (!NT_SUCCESS(status))
            return status;
        if (Held->Count < HELD_MAX && WskpTryHold(first->Socket))
            Held->Sockets[Held->Count++] = first->Socket;
    }
    return STATUS_SUCCESS;
}

static void SetOption(WSKP_SOCKET *Socket, enum net_opt Option, int Value)
{
    struct net_ctl_arg arg = { .opt = Option, .data = &Value, .length = sizeof(Value) };

    (void)Wskp.Transport->ctl(Socket->Ep, NET_CTL_SET, &arg);
}

static void AllowSharing(WSKP_SOCKET *Socket)
{
    SetOption(Socket, NET_OPT_REUSEADDR, 1);
    SetOption(Socket, NET_OPT_REUSEPORT, 1);
}

/* Connections in TIME_WAIT must not keep a listener from starting again: it lets its port be
 * reused. */
static BOOLEAN IsListener(const WSKP_SOCKET *Socket)
{
    return Socket->Category == WSKP_LISTEN || Socket->Category == WSKP_STREAM;
}

static WSKP_SHARE *NewEntry(WSKP_SOCKET *Socket, const struct net_addr *Address)
{
    WSKP_SHARE *entry = host_zalloc(sizeof(*entry));

    if (entry)
        Describe(entry, Socket, Address);
    return entry;
}

NTSTATUS WskpShareBind(WSKP_SOCKET *Socket, const struct net_addr *Address)
{
    HELD held = { .Count = 0 };
    WSKP_SHARE *entry = NewEntry(Socket, Address);

    if (!entry)
        return STATUS_INSUFFICIENT_RESOURCES;
    host_lock(&Lock);
    NTSTATUS status = DecideAll(entry, &held);
    if (NT_SUCCESS(status)) {
        InsertTailList(&Binds, &entry->Link);
        Socket->Share = entry;
    }
    host_unlock(&Lock);
    if (NT_SUCCESS(status)) {
        if (held.Count > 0 || entry->Form == ReuseAny || entry->Form == ReuseOne)
            AllowSharing(Socket);
        else if (IsListener(Socket))
            SetOption(Socket, NET_OPT_REUSEADDR, 1);
        for (ULONG i = 0; i < held.Count; i++)
            AllowSharing(held.Sockets[i]);
    } else {
        host_free(entry);
    }
    for (ULONG i = 0; i < held.Count; i++)
        WskpLeave(held.Sockets[i]);
    return status;
}

void WskpShareRecord(WSKP_SOCKET *Socket, const struct net_addr *Address)
{
    WSKP_SHARE *entry = NewEntry(Socket, Address);

    if (!entry)
        return; /* only means that a later bind of this port is left to the host to decide */
    host_lock(&Lock);
    InsertTailList(&Binds, &entry->Link);
    Socket->Share = entry;
    host_unlock(&Lock);
    /* After the bind: before, the host might have chosen a port that is not free for listening. */
    if (IsListener(Socket))
        SetOption(Socket, NET_OPT_REUSEADDR, 1);
}

void WskpShareRelease(WSKP_SOCKET *Socket)
{
    host_lock(&Lock);
    WSKP_SHARE *entry = Socket->Share;
    if (entry)
        RemoveEntryList(&entry->Link);
    Socket->Share = NULL;
    host_unlock(&Lock);
    host_free(entry);
}
