/*
 * embed.c: what a program can do with openwsk.h: boot, load a driver, talk to its device, unload,
 * read the report; and what it is told when it does something wrong. $1: pt-device.so.
 */
#include <openwsk/openwsk.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IOCTL_REVERSE 0x222000 /* METHOD_BUFFERED */
#define IOCTL_FAIL    0x222004

static struct ow_status why;

static void check(int ok, const char *what, int line)
{
    if (ok)
        return;
    printf("embed.c:%d: %s does not hold (%s)\n", line, what, why.text);
    exit(1);
}
#define CHECK(x) check(!!(x), #x, __LINE__)

static void talk(void)
{
    struct ow_file *file;
    char bytes[8] = "";
    size_t n = 0;

    CHECK(ow_open_device("NoSuchDevice", &file, &why) == OW_IO);
    CHECK(strstr(why.text, "STATUS_OBJECT_NAME_NOT_FOUND"));
    CHECK(ow_open_device("\\\\.\\PtDevice", &file, &why) == OW_OK);
    CHECK(ow_ioctl(file, IOCTL_REVERSE, "abc", 3, bytes, sizeof(bytes), &n, &why) == OW_OK);
    CHECK(n == 3 && memcmp(bytes, "cba", 3) == 0);
    CHECK(ow_ioctl(file, IOCTL_FAIL, NULL, 0, NULL, 0, &n, &why) == OW_IO);
    CHECK(why.ntstatus == 0xC0000022 && strstr(why.text, "STATUS_ACCESS_DENIED"));
    CHECK(ow_write(file, "written", 7, 0, &n, &why) == OW_OK && n == 7);
    CHECK(ow_read(file, bytes, sizeof(bytes), 0, &n, &why) == OW_OK);
    CHECK(n == 7 && memcmp(bytes, "written", 7) == 0);
    ow_close(file);
    CHECK(ow_open_device("\\Device\\PtDevice", &file, NULL) == OW_OK);
    ow_close(file);
}

static void run_once(const char *path)
{
    static const struct ow_host hosts[] = { { "server", "127.0.0.1" } };
    struct ow_options options = { .cpus = 2, .hosts = hosts, .host_count = 1 };
    struct ow_driver *driver;
    struct ow_report report;

    CHECK(ow_boot(&options, &why) == OW_OK);
    CHECK(ow_boot(&options, &why) == OW_INVALID);
    CHECK(ow_load("/no/such/file.so", &driver, &why) == OW_LOAD);
    CHECK(ow_load(path, &driver, &why) == OW_OK);
    CHECK(strcmp(ow_driver_name(driver), "pt-device") == 0);
    CHECK(ow_shutdown(&why) == OW_INVALID);
    talk();
    CHECK(ow_unload(driver, OW_FOREVER, &why) == OW_OK);
    ow_report(&report);
    CHECK(report.errors == 0 && report.warnings == 0);
    CHECK(ow_shutdown(&why) == OW_OK);
    CHECK(ow_shutdown(&why) == OW_INVALID);
}

int main(int argc, char **argv)
{
    struct ow_driver *driver;
    struct ow_file *file;

    CHECK(argc == 2);
    CHECK(strcmp(ow_ntstatus_name(0xC0000022), "STATUS_ACCESS_DENIED") == 0);
    CHECK(strcmp(ow_ntstatus_name(0), "STATUS_SUCCESS") == 0);
    CHECK(ow_ntstatus_name(0xdeadbeef) == NULL);
    CHECK(ow_load(argv[1], &driver, &why) == OW_INVALID);
    CHECK(ow_open_device("PtDevice", &file, &why) == OW_INVALID);
    /* The machine starts again after it stopped. */
    run_once(argv[1]);
    run_once(argv[1]);
    return 0;
}
