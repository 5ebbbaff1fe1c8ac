/*
 * iomisc.c: what is left of the I/O manager: the top-level IRP of a thread, and the event log.
 *
 * Called by drivers. An entry of the event log is the driver's to fill between allocation and
 * writing; what is written goes to the terminal, as there is no log here.
 */
#include "nt/iop.h"

#include <string.h>

PIRP NTAPI IoGetTopLevelIrp(VOID)
{
    DDI_ENTER(IoGetTopLevelIrp);
    return KiThread()->TopLevelIrp;
}

VOID NTAPI IoSetTopLevelIrp(PIRP Irp)
{
    DDI_ENTER(IoSetTopLevelIrp);
    KiThread()->TopLevelIrp = Irp;
}

/* ---- event log ------------------------------------------------------------------------------- */

typedef struct _LOG_ENTRY {
    PVOID Object; /* a device or driver object */
    UCHAR Size;
    UCHAR Packet[] __attribute__((aligned(16)));
} LOG_ENTRY;

PVOID NTAPI IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    DDI_ENTER(IoAllocateErrorLogEntry);
    LOG_ENTRY *entry;

    if (EntrySize < sizeof(IO_ERROR_LOG_PACKET) || EntrySize > ERROR_LOG_MAXIMUM_SIZE ||
        host_choose(2, HOST_CHOOSE_FAULT, "IoAllocateErrorLogEntry"))
        return NULL;
    entry = host_zalloc(sizeof *entry + EntrySize);
    if (!entry)
        return NULL;
    entry->Object = IoObject;
    entry->Size = EntrySize;
    vf_born(VF_POOL, entry->Packet, EntrySize, 'rrEI', __builtin_return_address(0));
    return entry->Packet;
}

static LOG_ENTRY *TakeEntry(PVOID packet, PCSTR function, const void *caller)
{
    if (!vf_died(VF_POOL, packet)) {
        vf_report(VF_STOP, "VF-POOL-03", NULL, caller,
                  "%s of %p, which is no entry or was given back before", function, packet);
        return NULL;
    }
    return CONTAINING_RECORD(packet, LOG_ENTRY, Packet);
}

VOID NTAPI IoFreeErrorLogEntry(PVOID ElEntry)
{
    DDI_ENTER(IoFreeErrorLogEntry);
    LOG_ENTRY *entry = TakeEntry(ElEntry, "IoFreeErrorLogEntry", __builtin_return_address(0));

    if (entry)
        host_free(entry);
}

/* The insertion strings, each ending with a zero, as far as they lie in the entry. */
static void AppendStrings(const LOG_ENTRY *entry, PCHAR out, ULONG room)
{
    const IO_ERROR_LOG_PACKET *packet = (const void *)entry->Packet;
    ULONG at = packet->StringOffset, used = 0;

    for (ULONG i = 0; i < packet->NumberOfStrings; i++) {
        if (used + 2 < room)
            out[used++] = i ? ',' : ':';
        if (used + 2 < room)
            out[used++] = ' ';
        for (; at + sizeof(WCHAR) <= entry->Size; at += sizeof(WCHAR)) {
            WCHAR c;
            memcpy(&c, entry->Packet + at, sizeof c);
            if (!c)
                break;
            if (used + 1 < room)
                out[used++] = c >= ' ' && c < 0x7f ? (CHAR)c : '?';
        }
        at += sizeof(WCHAR);
    }
    out[used] = 0;
}

VOID NTAPI IoWriteErrorLogEntry(PVOID ElEntry)
{
    DDI_ENTER(IoWriteErrorLogEntry);
    LOG_ENTRY *entry = TakeEntry(ElEntry, "IoWriteErrorLogEntry", __builtin_return_address(0));
    const IO_ERROR_LOG_PACKET *packet;
    CHAR strings[ERROR_LOG_MAXIMUM_SIZE];

    if (!entry)
        return;
    packet = (const void *)entry->Packet;
    AppendStrings(entry, strings, sizeof strings);
    host_printf("openwsk: event log: event 0x%08X, status 0x%08X%s\n", packet->ErrorCode,
                packet->FinalStatus, strings);
    host_free(entry);
}
