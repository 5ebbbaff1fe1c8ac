/*
 * kernel.h: the kernel slice as run/ sees it, in plain C types.
 *
 * kernel.c is the only file of run/ that includes the headers that drivers see. Functions return an
 * NTSTATUS as a number; negative as an int32_t means failure.
 */
#ifndef OPENWSK_KERNEL_H
#define OPENWSK_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool kernel_failed(uint32_t ntstatus)
{
    return (int32_t)ntstatus < 0;
}

/* "STATUS_PENDING", or NULL for a value without a name. */
const char *kernel_status_name(uint32_t ntstatus);

/* image_name: which driver an address belongs to, or NULL; for stacks in reports. */
uint32_t kernel_boot(unsigned processors, const char *(*image_name)(const void *address));
void kernel_shutdown(void);

struct kernel_driver;

/* The service's registry key, and a value under its Parameters. Either number or text is used. */
uint32_t kernel_create_service(const char *service);
uint32_t kernel_set_parameter(const char *service, const char *name, const char *text,
                              uint32_t number);

/* Creates the driver object and runs the entry point on a system thread; waits for it. */
uint32_t kernel_load_driver(const char *service, uintptr_t low, uintptr_t high, void *entry,
                            struct kernel_driver **driver);
bool kernel_has_unload(const struct kernel_driver *driver);
/* Runs DriverUnload on a system thread, waits for it, and removes the driver object. */
void kernel_unload_driver(struct kernel_driver *driver);

struct kernel_file;
struct kernel_result {
    uint32_t ntstatus;
    size_t information;
};

uint32_t kernel_open(const char *name, struct kernel_file **file);
void kernel_close(struct kernel_file *file);
struct kernel_result kernel_ioctl(struct kernel_file *file, uint32_t code, const void *in,
                                  size_t in_size, void *out, size_t out_size);
struct kernel_result kernel_read(struct kernel_file *file, void *buffer, size_t size,
                                 uint64_t offset);
struct kernel_result kernel_write(struct kernel_file *file, const void *buffer, size_t size,
                                  uint64_t offset);

/* Cancels the IRP that pick() returns, NULL: none; pick() must not wait. false: there was none, or
 * it could no longer be cancelled. */
bool kernel_cancel(void *(*pick)(void));
/* Can the live IRP be cancelled now? */
bool kernel_can_cancel(const void *irp);

/* Is there an event of that name? With `set` it is set, too. */
bool kernel_event(const char *name, bool set);

/* How many system threads run; DriverEntry and DriverUnload run in one, too. */
unsigned kernel_threads(void);

/* What the thread whose host_thread.local this is waits for, as text. false: for no object. */
bool kernel_describe_wait(void *local, char *text, size_t size);

/* The numbers of threads begin anew: for a run that must not depend on those before it. */
void kernel_forget_numbers(void);

#endif
