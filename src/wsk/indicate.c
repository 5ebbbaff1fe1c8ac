/*
 * indicate.c: indication nodes, from the transport's buffer to WskRelease.
 *
 * A node describes one received buffer by an MDL and holds a reference on it. The node, not the
 * list, is the unit of retention (D37): clients split lists, rewrite Next and release nodes one by
 * one, on any thread, even before the callback has returned (D38). So Next belongs to the client
 * from the start of the callback; the subsystem keeps its own link and decides by the node's state,
 * which is changed by compare-exchange only:
 *
 *   Held -> Indicated (callback starts) -> Released (WskRelease, or taken back after the callback)
 *
 * A node that the client did not give back stays valid for the life of the process (D39).
 */
#include "wsk/wskp.h"

#define NODE_MAGIC  0x1d1ca7edu
#define CACHE_LIMIT 128

typedef struct _NODE_CACHE {
    struct host_lock Lock; /* protects the list and the count */
    WSKP_NODE *Free;
    ULONG Count;
} __attribute__((aligned(64))) NODE_CACHE;

static NODE_CACHE Caches[KI_MAX_PROCESSORS];

void WskpBootNodes(void)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++)
        host_lock_init(&Caches[i].Lock, HOST_RANK_WSK_LEAF);
}

void WskpShutdownNodes(void)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        WSKP_NODE *next;
        for (WSKP_NODE *n = Caches[i].Free; n; n = next) {
            next = (WSKP_NODE *)n->Link.Flink;
            host_free(n);
        }
        Caches[i].Free = NULL;
        Caches[i].Count = 0;
    }
}

WSKP_NODE *WskpNodeNew(WSKP_SOCKET *Socket, struct net_buf *Buf)
{
    NODE_CACHE *cache = &Caches[KiCurrentProcessor()];

    if (host_choose(2, HOST_CHOOSE_FAULT, "WskpNodeNew"))
        return NULL;
    host_lock(&cache->Lock);
    WSKP_NODE *n = cache->Free;
    if (n) {
        HOST_ASSERT(cache->Count > 0);
        cache->Free = (WSKP_NODE *)n->Link.Flink;
        cache->Count--;
    }
    host_unlock(&cache->Lock);
    if (!n)
        n = host_alloc(sizeof(*n), 64);
    if (!n)
        return NULL;
    memset(n, 0, FIELD_OFFSET(WSKP_NODE, Control));
    n->Magic = NODE_MAGIC;
    n->State = WskpNodeHeld;
    n->Socket = Socket;
    n->Buf = Buf;
    return n;
}

void WskpNodeFree(WSKP_NODE *Node)
{
    NODE_CACHE *cache = &Caches[KiCurrentProcessor()];

    if (Node->Buf)
        net_buf_put(Node->Buf);
    Node->Magic = 0;
    BOOLEAN full = host_choose(2, HOST_CHOOSE_ORDER, "WskpNodeFree") != 0;
    host_lock(&cache->Lock);
    BOOLEAN keep = cache->Count < CACHE_LIMIT && !full;
    if (keep) {
        Node->Link.Flink = (PLIST_ENTRY)cache->Free;
        cache->Free = Node;
        cache->Count++;
    }
    host_unlock(&cache->Lock);
    if (!keep)
        host_free(Node);
}

void WskpNodeDescribe(WSKP_NODE *Node)
{
    PVOID data = Node->Buf->data + Node->Consumed;
    ULONG length = Node->Buf->length - Node->Consumed;
    WSK_BUF *buffer = Node->DatagramKind ? &Node->Datagram.Buffer : &Node->Data.Buffer;

    buffer->Mdl = NULL;
    buffer->Offset = 0;
    buffer->Length = Node->IsError ? 0 : length;
    if (buffer->Length == 0) /* D46 */
        return;
    MmInitializeMdl(&Node->Mdl, data, length);
    MmBuildMdlForNonPagedPool(&Node->Mdl);
    buffer->Mdl = &Node->Mdl;
}

static SIZE_T NodeBytes(const WSKP_NODE *Node)
{
    return Node->Buf->length - Node->Consumed;
}

/* Takes the node from the client; FALSE when it was not the client's. */
static BOOLEAN TakeBack(WSKP_NODE *Node)
{
    ULONG expected = WskpNodeIndicated;
    return __atomic_compare_exchange_n(&Node->State, &expected, WskpNodeReleased, FALSE,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void Put(WSKP_NODE *Node)
{
    if (InterlockedDecrement(&Node->Refs) == 0)
        WskpNodeFree(Node);
}

/* Lock held. */
static void Forget(WSKP_SOCKET *Socket, SIZE_T Bytes)
{
    HOST_ASSERT(Socket->RetainedNodes > 0 && Socket->RetainedBytes >= Bytes);
    Socket->RetainedNodes--;
    Socket->RetainedBytes -= Bytes;
}

static void ReleaseOne(WSKP_SOCKET *Socket, WSKP_NODE *Node)
{
    SIZE_T bytes = NodeBytes(Node);

    host_lock(&Socket->Lock);
    Forget(Socket, bytes);
    host_unlock(&Socket->Lock);
    InterlockedDecrement(&Socket->Client->Retained);
    vf_died(VF_WSK_INDICATION, Node);
    Put(Node);
}

NTSTATUS WskpReleaseNodes(WSKP_SOCKET *Socket, PVOID First, BOOLEAN Datagram, const void *Caller)
{
    WSKP_NODE *next;

    for (WSKP_NODE *n = First; n; n = next) {
        if (n->Magic != NODE_MAGIC || n->Socket != Socket || n->DatagramKind != Datagram) {
            vf_report(VF_ERROR, "VF-WSK-05", "WSK-RET-07", Caller,
                      "WskRelease got something that is no indication of this socket");
            return STATUS_INVALID_PARAMETER;
        }
        /* Data.Next and Datagram.Next lie at the same place: the first member. */
        next = (WSKP_NODE *)n->Data.Next;
        if (!TakeBack(n)) {
            vf_report(VF_ERROR, "VF-WSK-05", "WSK-RET-07", Caller,
                      "WskRelease got an indication that is not retained");
            return STATUS_INVALID_PARAMETER;
        }
        ReleaseOne(Socket, n);
    }
    return STATUS_SUCCESS;
}

void WskpReclaimNodes(LIST_ENTRY *Nodes)
{
    while (!IsListEmpty(Nodes))
        WskpNodeFree(CONTAINING_RECORD(RemoveHeadList(Nodes), WSKP_NODE, Link));
}

/*
 * Before a callback: the nodes become the client's. Their own links stay on `Nodes` in order, as an
 * array of pointers would, because Next is the client's from now on, so the list itself must not be
 * walked afterwards. The caller keeps plain pointers in `Array` (at most `Room`), and the count
 * comes back. The client may release a node inside the callback; a reference for the callback keeps
 * the memory until WskpNodesTakeBack() or WskpNodesLeave().
 */
ULONG WskpNodesIndicate(WSKP_SOCKET *Socket, LIST_ENTRY *Nodes, WSKP_NODE **Array, ULONG Room,
                        SIZE_T *Bytes)
{
    ULONG count = 0;
    SIZE_T bytes = 0;

    while (!IsListEmpty(Nodes) && count < Room) {
        WSKP_NODE *n = CONTAINING_RECORD(RemoveHeadList(Nodes), WSKP_NODE, Link);
        WskpNodeDescribe(n);
        bytes += NodeBytes(n);
        Array[count++] = n;
    }
    for (ULONG i = 0; i < count; i++) {
        PVOID next = i + 1 < count ? Array[i + 1] : NULL;
        Array[i]->Data.Next = next;
        Array[i]->Refs = 2;
        __atomic_store_n(&Array[i]->State, WskpNodeIndicated, __ATOMIC_RELEASE);
        vf_born(VF_WSK_INDICATION, Array[i], NodeBytes(Array[i]), 0, Socket->Owner);
    }
    host_lock(&Socket->Lock);
    Socket->RetainedNodes += (LONG)count;
    Socket->RetainedBytes += bytes;
    host_unlock(&Socket->Lock);
    InterlockedExchangeAdd(&Socket->Client->Retained, (LONG)count);
    *Bytes = bytes;
    return count;
}

/*
 * After a callback that did not answer STATUS_PENDING: takes the nodes back in order. Those from
 * `Keep` bytes on return to `Back` (not consumed), the others are freed.
 */
void WskpNodesTakeBack(WSKP_SOCKET *Socket, WSKP_NODE **Array, ULONG Count, SIZE_T Keep,
                       LIST_ENTRY *Back)
{
    for (ULONG i = 0; i < Count; i++) {
        WSKP_NODE *n = Array[i];
        SIZE_T bytes = NodeBytes(n);
        if (!TakeBack(n)) { /* released inside the callback (D38) */
            Put(n);
            continue;
        }
        if (!Back || (bytes > 0 && Keep >= bytes)) {
            Keep -= Keep >= bytes ? bytes : Keep;
            ReleaseOne(Socket, n);
            Put(n);
            continue;
        }
        host_lock(&Socket->Lock);
        Forget(Socket, bytes);
        host_unlock(&Socket->Lock);
        InterlockedDecrement(&Socket->Client->Retained);
        vf_died(VF_WSK_INDICATION, n);
        n->Consumed += (ULONG)Keep;
        Keep = 0;
        n->State = WskpNodeHeld;
        InsertTailList(Back, &n->Link);
    }
}

void WskpNodesLeave(WSKP_NODE **Array, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        Put(Array[i]);
}
