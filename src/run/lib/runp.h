/*
 * runp.h: what the files of run/lib share: the machine's state, failing with a message, and what is
 * known of a driver's file before it is loaded.
 */
#ifndef OPENWSK_RUNP_H
#define OPENWSK_RUNP_H

#include "openwsk/openwsk.h"

#include <stdbool.h>

#define RUN_NAME_MAX 256

/* Fills *status (may be NULL) and returns `error`. */
int run_fail(struct ow_status *status, enum ow_error error, uint32_t ntstatus, const char *format,
             ...) __attribute__((format(printf, 4, 5)));
int run_ok(struct ow_status *status);
/* Like run_fail(), the text ends with the name and the number of the status. */
int run_fail_nt(struct ow_status *status, enum ow_error error, uint32_t ntstatus,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Messages of the library itself, to stderr, with the prefix "openwsk: ". */
void run_say(enum ow_verbosity at_least, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void run_set_verbosity(enum ow_verbosity verbosity);

/* ---- elf.c: a file that may be a native driver ---- */

struct elf_file {
    const unsigned char *bytes;
    size_t size;
    const void *symbols; /* .dynsym */
    size_t symbol_count;
    const char *strings; /* .dynstr */
    size_t strings_size;
    const void *dynamic;
    size_t dynamic_count;
    uint32_t abi; /* of the driver note; 0: none */
};

/* Maps the file and checks that it is a shared object for this machine. */
int elf_open(struct elf_file *f, const char *path, struct ow_status *status);
void elf_close(struct elf_file *f);
/* The name of the i-th undefined symbol, NULL after the last. */
const char *elf_import(const struct elf_file *f, size_t *position, bool *weak);
bool elf_exports(const struct elf_file *f, const char *name);
/* The i-th library that the file needs, NULL after the last. */
const char *elf_needed(const struct elf_file *f, size_t *position);
/* Where the file says its libraries are (DT_RUNPATH or DT_RPATH), or "". */
const char *elf_runpath(const struct elf_file *f);

/* ---- inspect.c ---- */

/* The whole check before a file is loaded: 0, or OW_LOAD with the message. */
int run_inspect(const char *path, struct ow_status *status);
/* File name without directory and .so: the name of the service. */
void run_service_name(const char *path, char *name, size_t size);

#endif
