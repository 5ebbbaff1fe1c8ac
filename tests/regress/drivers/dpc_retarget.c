/*
 * dpc_retarget.c: a periodic timer's DPC sends itself to another processor each time, while the
 * processor of the timer may be queueing it again.
 */
#include <ntddk.h>

static KTIMER Timer;
static KDPC Dpc;
static KEVENT Done;
static volatile LONG Calls;

static KDEFERRED_ROUTINE Move;
static DRIVER_UNLOAD Unload;
DRIVER_INITIALIZE DriverEntry;

static VOID Move(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetTargetProcessorDpc(Self, (CCHAR)!KeGetCurrentProcessorNumberEx(NULL));
    if (InterlockedIncrement(&Calls) == 10)
        KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LARGE_INTEGER Due = { .QuadPart = -10000 };

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, Move, NULL);
    KeSetTimerEx(&Timer, Due, 1, &Dpc);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    return STATUS_SUCCESS;
}
