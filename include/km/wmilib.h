/*
 * wmilib.h: Windows management instrumentation of drivers: types and prototypes.
 */
#ifndef OPENWSK_WMILIB_H
#define OPENWSK_WMILIB_H

#include "wdm.h"

OW_BEGIN_C

typedef struct _WMIGUIDREGINFO {
    const GUID *Guid;
    ULONG InstanceCount;
    ULONG Flags;
} WMIGUIDREGINFO, *PWMIGUIDREGINFO;
typedef enum { IrpProcessed, IrpNotCompleted, IrpNotWmi, IrpForward } SYSCTL_IRP_DISPOSITION;
typedef SYSCTL_IRP_DISPOSITION *PSYSCTL_IRP_DISPOSITION;

NTKERNELAPI NTSTATUS NTAPI WmiCompleteRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                              NTSTATUS Status, ULONG BufferUsed,
                                              CCHAR PriorityBoost);

OW_END_C

#endif
