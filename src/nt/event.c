/*
 * event.c: KEVENT. While nobody waits, setting and resetting an event is one compare-exchange on
 * its header (kip.h says why that is safe); with waiters it goes through the dispatcher lock.
 */
#include "nt/kip.h"

void NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    DDI_ENTER(KeInitializeEvent);
    UCHAR type = Type == NotificationEvent ? KIP_EVENT_NOTIFICATION : KIP_EVENT_SYNCHRONIZATION;

    KipInitializeHeader(&Event->Header, type, sizeof *Event, State != FALSE);
}

/* Without the lock: sets the state to 0 or 1. FALSE: somebody waits or holds the event. */
static BOOLEAN ChangeQuickly(PRKEVENT event, LONG state, LONG *old)
{
    uint64_t word = __atomic_load_n(KipWord(&event->Header), __ATOMIC_RELAXED);

    while (!(word & KIP_BUSY)) {
        uint64_t changed = (word & MAXULONG) | (uint64_t)state << 32;
        if (__atomic_compare_exchange_n(KipWord(&event->Header), &word, changed, FALSE,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            *old = KipState(word);
            return TRUE;
        }
    }
    return FALSE;
}

static void CheckEvent(PRKEVENT event, const char *name, const void *caller)
{
    UCHAR type = KipType(&event->Header);

    if (type > KIP_EVENT_SYNCHRONIZATION || !KipIsType(&event->Header, type, sizeof *event))
        vf_report(VF_STOP, "VF-WAIT-04", NULL, caller, "%s: %p is no initialised event", name,
                  (void *)event);
}

static LONG SetSlowly(PRKEVENT event, BOOLEAN pulse)
{
    KIP_WAKE wake = { 0 };
    LONG old;

    KipLockObject(&event->Header);
    old = KipReadState(&event->Header);
    KipSetState(&event->Header, 1);
    if (old == 0)
        KipSignal(&event->Header, &wake);
    if (pulse)
        KipSetState(&event->Header, 0);
    KipUnlockObject(&event->Header, &wake);
    return old;
}

static void CheckWait(BOOLEAN wait, const char *name, const void *caller)
{
    if (wait && KiThread()->Irql > APC_LEVEL)
        vf_report(VF_ERROR, "VF-IRQL-09", NULL, caller,
                  "%s with Wait = TRUE at IRQL %u; APC_LEVEL is the highest allowed", name,
                  KiThread()->Irql);
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    DDI_ENTER(KeSetEvent);
    LONG old;

    UNREFERENCED_PARAMETER(Increment);
    CheckEvent(Event, "KeSetEvent", __builtin_return_address(0));
    CheckWait(Wait, "KeSetEvent", __builtin_return_address(0));
    if (ChangeQuickly(Event, 1, &old))
        return old;
    return SetSlowly(Event, FALSE);
}

LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    DDI_ENTER(KePulseEvent);
    UNREFERENCED_PARAMETER(Increment);
    CheckEvent(Event, "KePulseEvent", __builtin_return_address(0));
    CheckWait(Wait, "KePulseEvent", __builtin_return_address(0));
    return SetSlowly(Event, TRUE);
}

static LONG Reset(PRKEVENT event)
{
    KIP_WAKE none = { 0 };
    LONG old;

    if (ChangeQuickly(event, 0, &old))
        return old;
    KipLockObject(&event->Header);
    old = KipReadState(&event->Header);
    KipSetState(&event->Header, 0);
    KipUnlockObject(&event->Header, &none);
    return old;
}

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    DDI_ENTER(KeResetEvent);
    CheckEvent(Event, "KeResetEvent", __builtin_return_address(0));
    return Reset(Event);
}

void NTAPI KeClearEvent(PRKEVENT Event)
{
    DDI_ENTER(KeClearEvent);
    CheckEvent(Event, "KeClearEvent", __builtin_return_address(0));
    Reset(Event);
}

LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    DDI_ENTER(KeReadStateEvent);
    return KipState(__atomic_load_n(KipWord(&Event->Header), __ATOMIC_ACQUIRE));
}
