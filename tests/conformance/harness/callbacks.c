/*
 * callbacks.c: what the callbacks of a test may still do when it has ended, and what they keep.
 */
#include "harness.h"

static EX_RUNDOWN_REF Use; /* of the test's sockets, by callbacks */

BOOLEAN MayUse(void)
{
    return ExAcquireRundownProtection(&Use);
}

void Used(void)
{
    ExReleaseRundownProtection(&Use);
}

/* Both kinds begin with the link to the next one. */
typedef struct _INDICATION {
    struct _INDICATION *Next;
} INDICATION;

/* A place is taken once in a test, by who raised KeptEnd, and left by who takes Node out of it. */
static struct {
    PVOID Node;
    PWSK_SOCKET Socket;
} Kept[2048];
static LONG KeptEnd;

static LONG KeptCount(void)
{
    LONG end = ReadAcquire(&KeptEnd);

    return end < (LONG)RTL_NUMBER_OF(Kept) ? end : (LONG)RTL_NUMBER_OF(Kept);
}

static BOOLEAN KeepOne(PWSK_SOCKET Socket, PVOID Node)
{
    LONG i = InterlockedIncrement(&KeptEnd) - 1;

    if (i >= (LONG)RTL_NUMBER_OF(Kept))
        return FALSE;
    Kept[i].Socket = Socket;
    (void)InterlockedExchangePointer(&Kept[i].Node, Node);
    return TRUE;
}

static void Unkeep(PVOID Node)
{
    for (LONG i = KeptCount() - 1; i >= 0; i--)
        if (InterlockedCompareExchangePointer(&Kept[i].Node, NULL, Node) == Node)
            return;
}

BOOLEAN Keep(PWSK_SOCKET Socket, PVOID List)
{
    for (INDICATION *n = List; n; n = n->Next) {
        if (KeepOne(Socket, n))
            continue;
        for (INDICATION *k = List; k != n; k = k->Next)
            Unkeep(k);
        return FALSE;
    }
    return TRUE;
}

static NTSTATUS ReleaseList(PWSK_SOCKET Socket, PVOID List)
{
    switch (KindOf(Socket)) {
    case WSK_FLAG_DATAGRAM_SOCKET:
        return DATAGRAM_OF(Socket)->WskRelease(Socket, List);
    case WSK_FLAG_STREAM_SOCKET:
        return STREAM_OF(Socket)->WskRelease(Socket, List);
    default:
        return CONNECTION_OF(Socket)->WskRelease(Socket, List);
    }
}

NTSTATUS GiveBack(PWSK_SOCKET Socket, PVOID List)
{
    for (INDICATION *n = List; n; n = n->Next)
        Unkeep(n);
    return ReleaseList(Socket, List);
}

/* No callback keeps any more. */
static void ReleaseKept(void)
{
    for (LONG i = KeptCount() - 1; i >= 0; i--) {
        INDICATION *n = InterlockedExchangePointer(&Kept[i].Node, NULL);
        if (!n)
            continue;
        n->Next = NULL;
        (void)ReleaseList(Kept[i].Socket, n);
    }
    InterlockedExchange(&KeptEnd, 0);
}

void BeginUse(void)
{
    ExInitializeRundownProtection(&Use);
}

void EndUse(void)
{
    ExWaitForRundownProtectionRelease(&Use);
    ReleaseKept();
}
