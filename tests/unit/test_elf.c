/*
 * test_elf.c: the reader of driver files meets good, cut and damaged files. It must never read
 * outside of them; the sanitizer builds see to that.
 */
#include "run/lib/runp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char library[4096];
static unsigned char *good;
static size_t good_size;

static int read_library(void **state)
{
    struct stat st;

    (void)state;
    snprintf(library, sizeof(library), "%s/lib/libopenwsk.so", getenv("OW_BUILD"));
    int fd = open(library, O_RDONLY);
    if (fd < 0 || fstat(fd, &st))
        return -1;
    good_size = (size_t)st.st_size;
    good = malloc(good_size);
    ssize_t n = good ? read(fd, good, good_size) : -1;
    close(fd);
    return n == (ssize_t)good_size ? 0 : -1;
}

static int free_library(void **state)
{
    (void)state;
    free(good);
    return 0;
}

/* Everything that can be asked of a file. */
static void walk(const struct elf_file *f)
{
    size_t position = 0, length = 0;
    bool weak;

    for (const char *s = elf_import(f, &position, &weak); s; s = elf_import(f, &position, &weak))
        length += strlen(s);
    position = 0;
    for (const char *s = elf_needed(f, &position); s; s = elf_needed(f, &position))
        length += strlen(s);
    length += strlen(elf_runpath(f)) + elf_exports(f, "DriverEntry");
    assert_true(length < 100 * good_size);
}

static void reads_a_library(void **state)
{
    struct elf_file f;
    struct ow_status why;
    size_t position = 0;
    bool weak, found = false;

    (void)state;
    assert_int_equal(elf_open(&f, library, &why), OW_OK);
    assert_true(elf_exports(&f, "ow_boot"));
    assert_false(elf_exports(&f, "run_inspect"));
    assert_int_equal(f.abi, 0);
    for (const char *s = elf_import(&f, &position, &weak); s; s = elf_import(&f, &position, &weak))
        found |= strcmp(s, "dlopen") == 0;
    assert_true(found);
    position = 0;
    assert_non_null(elf_needed(&f, &position));
    elf_close(&f);
}

static void try_bytes(const unsigned char *bytes, size_t size)
{
    char path[] = "/tmp/test_elf.XXXXXX";
    int fd = mkstemp(path);
    struct elf_file f;
    struct ow_status why;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    if (elf_open(&f, path, &why) == OW_OK) {
        walk(&f);
        elf_close(&f);
    } else {
        assert_int_equal(why.error, OW_LOAD);
        assert_non_null(strstr(why.text, "/tmp/test_elf"));
    }
    unlink(path);
}

static void survives_cut_files(void **state)
{
    (void)state;
    for (size_t size = 1; size < 64; size++)
        try_bytes(good, size);
    for (size_t i = 1; i < 64; i++)
        try_bytes(good, good_size * i / 64);
}

/* Each byte of the header, and bytes all over the section headers, take several wrong values. */
static void survives_damaged_files(void **state)
{
    static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0xff };
    uint64_t sections;

    (void)state;
    memcpy(&sections, good + 40, sizeof(sections));
    for (size_t i = 0; i < 64 + 128; i++) {
        size_t at = i < 64 ? i : (size_t)sections + (i - 64) * (good_size - sections) / 128;
        unsigned char was = good[at];
        for (size_t v = 0; v < sizeof(values); v++) {
            good[at] = values[v];
            try_bytes(good, good_size);
        }
        good[at] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_library),
        cmocka_unit_test(survives_cut_files),
        cmocka_unit_test(survives_damaged_files),
    };

    return cmocka_run_group_tests(tests, read_library, free_library);
}
