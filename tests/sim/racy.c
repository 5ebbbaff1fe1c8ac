/*
 * racy.c: a driver with a race: two threads test a flag and clear it, in two steps. Both may find
 * it set. Between the steps the driver calls nobody, so only preemption inside of it shows the
 * race. A second bug: it forgets its memory when there is no thread.
 */
#include <ntddk.h>

#define TAG 'ycaR'

static volatile LONG Flag;
static volatile LONG Winners;

static KSTART_ROUTINE Take;
static DRIVER_UNLOAD Unload;
DRIVER_INITIALIZE DriverEntry;

static VOID Take(PVOID Context)
{
    KEVENT Never;
    LARGE_INTEGER Due = { .QuadPart = -1000 };

    UNREFERENCED_PARAMETER(Context);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, &Due);
    if (Flag) {
        Flag = 0;
        Winners++;
    }
}

static NTSTATUS Start(PKTHREAD *Thread)
{
    HANDLE Handle;
    NTSTATUS Status =
        PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Take, NULL);

    if (!NT_SUCCESS(Status))
        return Status;
    ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, (PVOID *)Thread, NULL);
    ZwClose(Handle);
    return STATUS_SUCCESS;
}

static VOID Join(PKTHREAD Thread)
{
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PKTHREAD Threads[2];
    PVOID Memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!Memory)
        return STATUS_INSUFFICIENT_RESOURCES;
    Flag = 1;
    Winners = 0;
    Status = Start(&Threads[0]);
    if (!NT_SUCCESS(Status))
        return Status; /* Memory is forgotten */
    Status = Start(&Threads[1]);
    if (NT_SUCCESS(Status))
        Join(Threads[1]);
    Join(Threads[0]);
    ExFreePoolWithTag(Memory, TAG);
    if (Winners > 1)
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, 1, 0, 0, 0);
    DriverObject->DriverUnload = Unload;
    return Status;
}
