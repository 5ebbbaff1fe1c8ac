/*
 * kernel.c: kernel.h on top of nt/: the one file of run/ that speaks NT.
 *
 * It runs on threads of the program, which the kernel slice adopts, at PASSIVE_LEVEL.
 */
#include "run/lib/kernel.h"

#include <ntifs.h>
#include <string.h>

#include "host/host.h"
#include "nt/iop.h"
#include "nt/ki.h"
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

uint32_t kernel_boot(unsigned processors)
{
    KiInstallStops();
    return (uint32_t)KiBoot(processors);
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
