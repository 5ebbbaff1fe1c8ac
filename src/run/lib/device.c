/*
 * device.c: a program's requests to a driver's device: open, IOCTL, read, write, close.
 */
#include "run/lib/machine.h"

#include <stdio.h>
#include <string.h>

/* The name in the object manager's name space for what the program wrote. */
static void object_name(const char *name, char *out, size_t size)
{
    if (strncmp(name, "\\\\.\\", 4) == 0)
        snprintf(out, size, "\\DosDevices\\%s", name + 4);
    else if (name[0] == '\\')
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "\\DosDevices\\%s", name);
}

int ow_open_device(const char *name, struct ow_file **file, struct ow_status *status)
{
    char full[512];

    if (!run_machine.running)
        return run_fail(status, OW_INVALID, 0, "boot the machine before opening a device");
    object_name(name, full, sizeof(full));
    uint32_t ntstatus = kernel_open(full, (struct kernel_file **)file);
    if (kernel_failed(ntstatus))
        return run_fail_nt(status, OW_IO, ntstatus, "%s cannot be opened: ", full);
    return run_ok(status);
}

static int finish(struct kernel_result result, const char *what, size_t *done,
                  struct ow_status *status)
{
    if (done)
        *done = result.information;
    /* Errors have both top bits set; a warning is a result, with a remark. */
    if (result.ntstatus >> 30 == 3)
        return run_fail_nt(status, OW_IO, result.ntstatus, "the %s ended with ", what);
    run_ok(status);
    if (status)
        status->ntstatus = result.ntstatus;
    return OW_OK;
}

int ow_ioctl(struct ow_file *file, uint32_t code, const void *in, size_t in_size, void *out,
             size_t out_size, size_t *returned, struct ow_status *status)
{
    char what[32];

    snprintf(what, sizeof(what), "IOCTL 0x%08X", code);
    return finish(kernel_ioctl((struct kernel_file *)file, code, in, in_size, out, out_size), what,
                  returned, status);
}

int ow_read(struct ow_file *file, void *buffer, size_t size, uint64_t offset, size_t *done,
            struct ow_status *status)
{
    return finish(kernel_read((struct kernel_file *)file, buffer, size, offset), "read", done,
                  status);
}

int ow_write(struct ow_file *file, const void *buffer, size_t size, uint64_t offset, size_t *done,
             struct ow_status *status)
{
    return finish(kernel_write((struct kernel_file *)file, buffer, size, offset), "write", done,
                  status);
}

void ow_close(struct ow_file *file)
{
    kernel_close((struct kernel_file *)file);
}
