/*
 * openwsk.h: run Windows drivers inside a program of your own.
 *
 * A program boots the machine, loads drivers that wskcc compiled, talks to their devices, unloads
 * them and reads what the verifier found. wskrun is such a program; it uses nothing else. There is
 * one machine per process. All functions may be called from any thread of the program, but not from
 * a driver, and boot, load, unload and shutdown not at the same time as each other.
 *
 *     struct ow_status why;
 *     struct ow_driver *driver;
 *
 *     if (ow_boot(NULL, &why) || ow_load("./echo.so", &driver, &why))
 *         errx(1, "%s", why.text);
 *     ...
 *     ow_unload(driver, OW_FOREVER, &why);
 *     ow_shutdown();
 *
 * Functions that can fail return OW_OK (0) or one of enum ow_error, and fill *status when it is not
 * NULL. Link with -lopenwsk (pkg-config openwsk, or find_package(openwsk)).
 */
#ifndef OPENWSK_OPENWSK_H
#define OPENWSK_OPENWSK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OW_API __attribute__((visibility("default")))

/* ---- errors -------------------------------------------------------------------------------- */

enum ow_error {
    OW_OK = 0,
    OW_INVALID, /* an argument, or a call at the wrong time */
    OW_LOAD,    /* the file cannot be loaded as a driver */
    OW_ENTRY,   /* DriverEntry returned an error */
    OW_IO,      /* a request to a device ended with an error status */
    OW_TIMEOUT, /* an unload did not end in time; the driver is still there */
    OW_SYSTEM   /* the machine under us has not enough of something */
};

struct ow_status {
    enum ow_error error;
    uint32_t ntstatus; /* NTSTATUS, where one was returned; else 0 */
    char text[1024];   /* what happened and what to do; empty when there is nothing to say */
};

/* "0.1.0". */
OW_API const char *ow_version(void);

/* "STATUS_ACCESS_DENIED", or NULL for a value without a name. */
OW_API const char *ow_ntstatus_name(uint32_t ntstatus);

/* ---- the machine ---------------------------------------------------------------------------- */

/* Name resolution answers `address` (numeric IPv4 or IPv6) for `name`. */
struct ow_host {
    const char *name, *address;
};

enum ow_verbosity { OW_QUIET = -1, OW_NORMAL = 0, OW_VERBOSE = 1 };

struct ow_options {
    unsigned cpus;      /* virtual processors; 0: as many as the machine has */
    const char *verify; /* the verifier's checks, separated by commas; "none"; NULL: the default */
    const struct ow_host *hosts;
    size_t host_count;
    /*
     * Where the WSK documentation leaves an implementation a choice, the other choice, separated by
     * commas: "pend-all" (no request completes before its call returns), "passive-callbacks"
     * (callbacks and completions at PASSIVE_LEVEL), "truncated-overflow" (a truncated datagram ends
     * with STATUS_BUFFER_OVERFLOW), "strict-send" (a send completes when the peer has acknowledged
     * it), "concurrent-datagrams" (WskReceiveFromEvent of one socket runs on several processors at
     * once). NULL: none of them.
     */
    const char *config;
    unsigned ready_delay_ms;     /* the WSK provider becomes ready that long after the boot */
    enum ow_verbosity verbosity; /* of the messages that the library itself prints to stderr */
};

/* Starts the machine. `options` NULL: all defaults. */
OW_API int ow_boot(const struct ow_options *options, struct ow_status *status);

/* Stops it. Every driver must have been unloaded; OW_INVALID otherwise. */
OW_API int ow_shutdown(struct ow_status *status);

/* ---- drivers -------------------------------------------------------------------------------- */

struct ow_driver;

/*
 * A value under the Parameters key of a driver's service: a REG_DWORD where `value` is a number
 * (decimal, or hexadecimal with 0x), else a REG_SZ. `driver` is the service name, that is the file
 * name without directory and .so; NULL: every driver. Counts for drivers that are loaded later.
 */
OW_API int ow_set_parameter(const char *driver, const char *name, const char *value,
                            struct ow_status *status);

/*
 * Loads a driver and runs its DriverEntry. OW_ENTRY: DriverEntry failed; what it left behind was
 * checked and reported, and the driver is gone again.
 */
OW_API int ow_load(const char *path, struct ow_driver **driver, struct ow_status *status);

#define OW_FOREVER (-1)

/*
 * Runs DriverUnload, removes the driver and checks that it left nothing behind. After 5 seconds,
 * prints what the unload waits for. OW_TIMEOUT when it has not ended after timeout_ms: the driver
 * is still in the process, and only the end of the process removes it.
 */
OW_API int ow_unload(struct ow_driver *driver, int timeout_ms, struct ow_status *status);

/* The service name. */
OW_API const char *ow_driver_name(const struct ow_driver *driver);

/* ---- checking a file ------------------------------------------------------------------------ */

enum ow_provider {
    OW_FROM_OPENWSK,   /* a name of the DDI table */
    OW_FROM_LIBRARY,   /* the C library, a sanitizer, a library that the driver was linked with */
    OW_MISSING_IMPORT, /* nobody provides it: the driver cannot be loaded */
    OW_OPTIONAL_IMPORT /* nobody provides it, and the driver says that it can do without (weak) */
};

/*
 * Calls import() for each name that the file imports, sorted by name, without loading it. OW_LOAD:
 * it is no driver, or imports are missing.
 */
OW_API int ow_check(const char *path,
                    void (*import)(void *context, const char *name, enum ow_provider provider),
                    void *context, struct ow_status *status);

/*
 * The sanitizer libraries that the driver needs to be in the process from the start, as a value for
 * LD_PRELOAD; "" when there are none or they are there. *fixed_addresses (may be NULL): whether the
 * process must run without address space randomisation.
 */
OW_API int ow_preload(const char *path, char *out, size_t size, int *fixed_addresses,
                      struct ow_status *status);

/* ---- devices -------------------------------------------------------------------------------- */

struct ow_file;

/* Opens a device as CreateFile does. `name`: "\\\\.\\Echo", "\\Device\\Echo" or "Echo". */
OW_API int ow_open_device(const char *name, struct ow_file **file, struct ow_status *status);

/*
 * DeviceIoControl. `*returned` (may be NULL) is the request's IoStatus.Information. OW_IO when the
 * request ended with an error; a warning such as STATUS_BUFFER_OVERFLOW is OW_OK with
 * status->ntstatus set.
 */
OW_API int ow_ioctl(struct ow_file *file, uint32_t code, const void *in, size_t in_size, void *out,
                    size_t out_size, size_t *returned, struct ow_status *status);
OW_API int ow_read(struct ow_file *file, void *buffer, size_t size, uint64_t offset, size_t *done,
                   struct ow_status *status);
OW_API int ow_write(struct ow_file *file, const void *buffer, size_t size, uint64_t offset,
                    size_t *done, struct ow_status *status);
/* Closes the file: IRP_MJ_CLEANUP, then IRP_MJ_CLOSE. */
OW_API void ow_close(struct ow_file *file);

/* ---- what was found ------------------------------------------------------------------------- */

struct ow_report {
    unsigned warnings; /* findings of the verifier and the leak check since boot */
    unsigned errors;
};

OW_API void ow_report(struct ow_report *report);

#ifdef __cplusplus
}
#endif
#endif
