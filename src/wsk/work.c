/*
 * work.c: work that must run soon on a given processor, with nothing on the stack: the pump of a
 * socket, completions that a call deferred.
 *
 * As a rule it runs as a DPC, so callbacks and completions come at DISPATCH_LEVEL. Where the
 * configuration wants them at PASSIVE_LEVEL (D11), it runs on the processor's loop thread before it
 * polls the network. Work that is queued is not queued again until it starts, like a DPC.
 *
 * A processor's Lock protects its list and the Queued flags of the work on it.
 */
#include "wsk/wskp.h"

#define BATCH 64 /* then the network gets its turn */

typedef struct _WORK_LIST {
    struct host_lock Lock;
    LIST_ENTRY Works;
} __attribute__((aligned(64))) WORK_LIST;

static WORK_LIST Lists[KI_MAX_PROCESSORS];

static VOID NTAPI RunDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    WSKP_WORK *work = Context;
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    work->Run(work);
}

void WskpBootWork(void)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        host_lock_init(&Lists[i].Lock, HOST_RANK_WSK_LEAF);
        InitializeListHead(&Lists[i].Works);
    }
}

void WskpWorkInit(WSKP_WORK *Work, ULONG Processor, void (*Run)(WSKP_WORK *Work))
{
    Work->Run = Run;
    Work->Processor = Processor;
    Work->Queued = FALSE;
    KeInitializeDpc(&Work->Dpc, RunDpc, Work);
    KeSetTargetProcessorDpc(&Work->Dpc, (CCHAR)Processor);
}

void WskpWorkQueue(WSKP_WORK *Work)
{
    WORK_LIST *list = &Lists[Work->Processor];

    if (!Wskp.Config.passive_callbacks) {
        KeInsertQueueDpc(&Work->Dpc, NULL, NULL);
        return;
    }
    host_lock(&list->Lock);
    BOOLEAN first = !Work->Queued;
    if (first) {
        Work->Queued = TRUE;
        InsertTailList(&list->Works, &Work->Link);
    }
    host_unlock(&list->Lock);
    if (first)
        KiWakeProcessor(Work->Processor);
}

void WskpWorkRun(ULONG Processor)
{
    WORK_LIST *list = &Lists[Processor];

    if (!Wskp.Config.passive_callbacks)
        return;
    for (ULONG i = 0; i < BATCH; i++) {
        WSKP_WORK *work = NULL;
        host_lock(&list->Lock);
        if (!IsListEmpty(&list->Works)) {
            work = CONTAINING_RECORD(RemoveHeadList(&list->Works), WSKP_WORK, Link);
            work->Queued = FALSE;
        }
        host_unlock(&list->Lock);
        if (!work)
            return;
        work->Run(work);
    }
    KiWakeProcessor(Processor);
}
