/* pt-overflow: a system thread that exhausts its stack, inside of a __try. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

static DECLSPEC_NOINLINE ULONG Deeper(ULONG Depth)
{
    volatile UCHAR frame[512];

    frame[0] = (UCHAR)Depth;
    return Depth ? Deeper(Depth - 1) + frame[0] : 0;
}

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    __try {
        Deeper(0xffffffff);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        DbgPrint("no kernel handles this\n");
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HANDLE handle;
    PVOID thread;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Thread, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status =
        ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &thread, NULL);
    ZwClose(handle);
    if (NT_SUCCESS(status)) {
        KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(thread);
    }
    return STATUS_UNSUCCESSFUL;
}
