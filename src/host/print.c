/*
 * print.c: text to stderr, and the end of a process that found a bug in itself.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "host/host.h"

#define LINE_BYTES   1024
#define PANIC_FRAMES 32

void host_print(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        length -= (size_t)n;
    }
}

static void print_formatted(const char *format, va_list args)
{
    char line[LINE_BYTES];
    int n = vsnprintf(line, sizeof(line), format, args);

    if (n > 0)
        host_print(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void host_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_formatted(format, args);
    va_end(args);
}

void host_panic(const char *format, ...)
{
    static __thread bool panicking;
    void *frames[PANIC_FRAMES];
    char where[256];
    va_list args;
    int n;

    host_printf("openwsk: internal error: ");
    va_start(args, format);
    print_formatted(format, args);
    va_end(args);
    host_printf("\n");
    if (panicking)
        abort();
    panicking = true;
    n = host_backtrace(frames, PANIC_FRAMES);
    for (int i = 0; i < n; i++) {
        host_symbolize(frames[i], where, sizeof(where));
        host_printf("  #%d %s\n", i, where);
    }
    abort();
}
