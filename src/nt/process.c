/*
 * process.c: the process object. The runtime has one process, the system process, with the id that
 * it has on Windows; every thread belongs to it.
 */
#include "nt/kip.h"
#include "nt/ob.h"

#define SYSTEM_PROCESS_ID ((HANDLE)(ULONG_PTR)4)

/* An object with its header, there from the start and never freed. */
static struct {
    OBP_HEADER Object;
    struct _EPROCESS Process;
} System = {
    .Object = { .Magic = OBP_MAGIC, .Type = &ObpProcessType, .References = 1 },
    .Process = { .Pcb.Header = { .Type = KIP_PROCESS,
                                 .Size = (UCHAR)(sizeof(struct _EPROCESS) / 4),
                                 .WaitListHead = { &System.Process.Pcb.Header.WaitListHead,
                                                   &System.Process.Pcb.Header.WaitListHead } },
                 .Id = SYSTEM_PROCESS_ID },
};
PEPROCESS PsInitialSystemProcess = &System.Process;

PEPROCESS NTAPI IoGetCurrentProcess(void)
{
    DDI_ENTER(IoGetCurrentProcess);
    return KiThread()->Process;
}

HANDLE NTAPI PsGetCurrentProcessId(void)
{
    DDI_ENTER(PsGetCurrentProcessId);
    return KiThread()->Process->Id;
}

HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
    DDI_ENTER(PsGetProcessId);
    return Process->Id;
}

PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread)
{
    DDI_ENTER(IoThreadToProcess);
    return Thread->Tcb.Process;
}

/* There is one address space: the thread is in it before, during and after. */
void NTAPI KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState)
{
    DDI_ENTER(KeStackAttachProcess);
    PKTHREAD thread = KiThread();

    RtlZeroMemory(ApcState, sizeof *ApcState);
    ApcState->Process = (PRKPROCESS)thread->Process;
    thread->Process = (PEPROCESS)Process;
}

void NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState)
{
    DDI_ENTER(KeUnstackDetachProcess);
    KiThread()->Process = (PEPROCESS)ApcState->Process;
}
