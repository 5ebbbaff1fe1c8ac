/*
 * unordered.c: two threads count, each once. ORDER says what is between them: nothing, a spin lock,
 * interlocked operations, or an event that the one sets and the other waits for. No run shows by
 * what it does that there is nothing between them, as no thread is ever preempted in the middle of
 * an increment: only the thread sanitizer does.
 */
#include <ntddk.h>

#define NOTHING     0
#define LOCK        1
#define INTERLOCKED 2
#define EVENT       3

static KSPIN_LOCK Lock;
static KEVENT Turn;
static LONG Count;

static KSTART_ROUTINE Work;
static DRIVER_UNLOAD Unload;
DRIVER_INITIALIZE DriverEntry;

static DECLSPEC_NOINLINE VOID Add(VOID)
{
#if ORDER == INTERLOCKED
    InterlockedIncrement(&Count);
#elif ORDER == LOCK
    KIRQL Irql;

    KeAcquireSpinLock(&Lock, &Irql);
    Count++;
    KeReleaseSpinLock(&Lock, Irql);
#else
    Count++;
#endif
}

static VOID Work(PVOID Second)
{
    if (ORDER == EVENT && Second)
        KeWaitForSingleObject(&Turn, Executive, KernelMode, FALSE, NULL);
    Add();
    if (ORDER == EVENT && !Second)
        KeSetEvent(&Turn, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS Start(PVOID Second, PKTHREAD *Thread)
{
    HANDLE Handle;
    NTSTATUS Status =
        PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Work, Second);

    if (!NT_SUCCESS(Status))
        return Status;
    ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, (PVOID *)Thread, NULL);
    ZwClose(Handle);
    return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PKTHREAD Threads[2];

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    KeInitializeSpinLock(&Lock);
    KeInitializeEvent(&Turn, NotificationEvent, FALSE);
    for (ULONG i = 0; i < 2; i++)
        if (!NT_SUCCESS(Start(i ? &Turn : NULL, &Threads[i])))
            return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < 2; i++) {
        KeWaitForSingleObject(Threads[i], Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Threads[i]);
    }
    return Count == 2 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
