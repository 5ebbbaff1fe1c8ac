/*
 * kernel.c: kernel.h on top of nt/: the one file of run/ that speaks NT.
 *
 * It runs on threads of the program, which the kernel slice adopts, at PASSIVE_LEVEL.
 */
#include "run/lib/kernel.h"

#include <ntifs.h>
#include <stdio.h>
#include <string.h>

#include "host/host.h"
#include "nt/iop.h"
#include "nt/kip.h"
#include "nt/rtlp.h"
#include "nt/stop.h"

#define SERVICES  "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define MAX_CHARS 1024

/* UTF-8 text as a counted string in the caller's buffer. */
static NTSTATUS Wide(UNICODE_STRING *Out, WCHAR Buffer[MAX_CHARS], const char *Text)
{
    ULONG bytes;
    NTSTATUS status = RtlUTF8ToUnicodeN(Buffer, (MAX_CHARS - 1) * sizeof(WCHAR), &bytes, Text,
                                        (ULONG)strlen(Text));

    if (!NT_SUCCESS(status))
        return status;
    Buffer[bytes / sizeof(WCHAR)] = 0;
    Out->Buffer = Buffer;
    Out->Length = (USHORT)bytes;
    Out->MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
    return STATUS_SUCCESS;
}

const char *kernel_status_name(uint32_t ntstatus)
{
    return RtlpStatusName((NTSTATUS)ntstatus);
}

uint32_t kernel_boot(unsigned processors, const char *(*image_name)(const void *address))
{
    KiSetImageLookup(image_name);
    KiInstallStops();
    return (uint32_t)KiBoot(processors);
}

void kernel_forget_numbers(void)
{
    KiForgetNumbers();
}

void kernel_shutdown(void)
{
    IopShutdown();
    KiShutdown();
}

/* Opens a key below its parent (NULL: by its full path), making it if need be. */
static NTSTATUS CreateKey(HANDLE Parent, const char *Name, HANDLE *Key)
{
    WCHAR buffer[MAX_CHARS];
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    NTSTATUS status = Wide(&name, buffer, Name);

    if (!NT_SUCCESS(status))
        return status;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Parent,
                               NULL);
    return ZwCreateKey(Key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
}

static NTSTATUS OpenParameters(const char *Service, HANDLE *Key)
{
    HANDLE services, service;
    NTSTATUS status = CreateKey(NULL, SERVICES, &services);

    if (!NT_SUCCESS(status))
        return status;
    status = CreateKey(services, Service, &service);
    ZwClose(services);
    if (!NT_SUCCESS(status))
        return status;
    status = CreateKey(service, "Parameters", Key);
    ZwClose(service);
    return status;
}

uint32_t kernel_create_service(const char *service)
{
    HANDLE key;
    NTSTATUS status = OpenParameters(service, &key);

    if (NT_SUCCESS(status))
        ZwClose(key);
    return (uint32_t)status;
}

uint32_t kernel_set_parameter(const char *service, const char *name, const char *text,
                              uint32_t number)
{
    WCHAR name_buffer[MAX_CHARS], text_buffer[MAX_CHARS];
    UNICODE_STRING value_name, value = { 0 };
    HANDLE key;
    NTSTATUS status = Wide(&value_name, name_buffer, name);

    if (NT_SUCCESS(status) && text)
        status = Wide(&value, text_buffer, text);
    if (NT_SUCCESS(status))
        status = OpenParameters(service, &key);
    if (!NT_SUCCESS(status))
        return (uint32_t)status;
    if (text)
        status = ZwSetValueKey(key, &value_name, 0, REG_SZ, value.Buffer, value.MaximumLength);
    else
        status = ZwSetValueKey(key, &value_name, 0, REG_DWORD, &number, sizeof(number));
    ZwClose(key);
    return (uint32_t)status;
}

/* ---- drivers ------------------------------------------------------------------------------- */

uint32_t kernel_load_driver(const char *service, uintptr_t low, uintptr_t high, void *entry,
                            struct kernel_driver **driver)
{
    WCHAR buffer[MAX_CHARS];
    UNICODE_STRING name;
    PDRIVER_OBJECT object;
    NTSTATUS status = Wide(&name, buffer, service);

    if (NT_SUCCESS(status))
        status = IopLoadDriver(&name, (PVOID)low, high - low, (PDRIVER_INITIALIZE)entry, &object);
    if (NT_SUCCESS(status))
        *driver = (struct kernel_driver *)object;
    return (uint32_t)status;
}

bool kernel_has_unload(const struct kernel_driver *driver)
{
    return ((const DRIVER_OBJECT *)driver)->DriverUnload != NULL;
}

void kernel_unload_driver(struct kernel_driver *driver)
{
    IopUnloadDriver((PDRIVER_OBJECT)driver);
}

/* ---- requests to devices ------------------------------------------------------------------- */

uint32_t kernel_open(const char *name, struct kernel_file **file)
{
    WCHAR buffer[MAX_CHARS];
    UNICODE_STRING path;
    PFILE_OBJECT object;
    NTSTATUS status = Wide(&path, buffer, name);

    if (NT_SUCCESS(status))
        status = IopOpenFile(&path, &object);
    if (NT_SUCCESS(status))
        *file = (struct kernel_file *)object;
    return (uint32_t)status;
}

void kernel_close(struct kernel_file *file)
{
    IopCloseFile((PFILE_OBJECT)file);
}

static struct kernel_result Result(NTSTATUS Status, const IO_STATUS_BLOCK *Iosb)
{
    return (struct kernel_result){ (uint32_t)Status, (size_t)Iosb->Information };
}

struct kernel_result kernel_ioctl(struct kernel_file *file, uint32_t code, const void *in,
                                  size_t in_size, void *out, size_t out_size)
{
    IO_STATUS_BLOCK iosb = { 0 };

    if (in_size > MAXULONG || out_size > MAXULONG)
        return Result(STATUS_INVALID_PARAMETER, &iosb);
    NTSTATUS status = IopDeviceControl((PFILE_OBJECT)file, code, (PVOID)in, (ULONG)in_size, out,
                                       (ULONG)out_size, &iosb);
    return Result(status, &iosb);
}

struct kernel_result kernel_read(struct kernel_file *file, void *buffer, size_t size,
                                 uint64_t offset)
{
    IO_STATUS_BLOCK iosb = { 0 };

    if (size > MAXULONG)
        return Result(STATUS_INVALID_PARAMETER, &iosb);
    NTSTATUS status = IopReadFile((PFILE_OBJECT)file, buffer, (ULONG)size, (LONGLONG)offset, &iosb);
    return Result(status, &iosb);
}

struct kernel_result kernel_write(struct kernel_file *file, const void *buffer, size_t size,
                                  uint64_t offset)
{
    IO_STATUS_BLOCK iosb = { 0 };

    if (size > MAXULONG)
        return Result(STATUS_INVALID_PARAMETER, &iosb);
    NTSTATUS status =
        IopWriteFile((PFILE_OBJECT)file, (PVOID)buffer, (ULONG)size, (LONGLONG)offset, &iosb);
    return Result(status, &iosb);
}

/* ---- cancellation -------------------------------------------------------------------------- */

static void *(*picker)(void); /* of the one kernel_cancel() under way */

static PIRP Pick(VOID)
{
    return picker();
}

bool kernel_cancel(void *(*pick)(void))
{
    picker = pick;
    return IopCancelPicked(Pick);
}

bool kernel_can_cancel(const void *irp)
{
    return __atomic_load_n(&((const IRP *)irp)->CancelRoutine, __ATOMIC_ACQUIRE) != NULL;
}

/* ---- events -------------------------------------------------------------------------------- */

bool kernel_event(const char *name, bool set)
{
    WCHAR buffer[MAX_CHARS];
    UNICODE_STRING text;
    OBJECT_ATTRIBUTES attributes;
    HANDLE event;

    if (!NT_SUCCESS(Wide(&text, buffer, name)))
        return false;
    InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    if (!NT_SUCCESS(ZwOpenEvent(&event, EVENT_MODIFY_STATE, &attributes)))
        return false;
    if (set)
        (void)ZwSetEvent(event, NULL);
    ZwClose(event);
    return true;
}

/* ---- threads ------------------------------------------------------------------------------- */

unsigned kernel_threads(void)
{
    return (unsigned)KipSystemThreads();
}

/* ---- what threads wait for ----------------------------------------------------------------- */

static const char *ObjectKind(PVOID Object)
{
    switch (KipType(Object)) {
    case KIP_EVENT_NOTIFICATION:
    case KIP_EVENT_SYNCHRONIZATION:
        return "an event";
    case KIP_MUTANT:
        return "a mutex";
    case KIP_SEMAPHORE:
        return "a semaphore";
    case KIP_THREAD:
        return "the end of a thread";
    case KIP_TIMER_NOTIFICATION:
    case KIP_TIMER_SYNCHRONIZATION:
        return "a timer";
    default:
        return "an object";
    }
}

bool kernel_describe_wait(void *local, char *text, size_t size)
{
    PKTHREAD thread = local;
    size_t used = 0;

    if (thread->WaitState != KIP_WAIT_WAITING)
        return false;
    for (ULONG i = 0; i < thread->WaitCount && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "for ",
                                 ObjectKind(thread->WaitBlocks[i].Object));
    return true;
}
