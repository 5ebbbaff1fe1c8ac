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

static void (*print_take)(const char *text, size_t length);

void host_print_to(void (*take)(const char *text, size_t length))
{
    print_take = take;
}

void host_print(const char *text, size_t length)
{
    if (print_take) {
        print_take(text, length);
        return;
    }
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

static bool failed;
static char failure_text[256];
static char *failure = failure_text;
static size_t failure_size = sizeof(failure_text);

void host_note_failure(const char *format, ...)
{
    va_list args;

    if (__atomic_exchange_n(&failed, true, __ATOMIC_RELAXED))
        return;
    va_start(args, format);
    vsnprintf(failure, failure_size, format, args);
    va_end(args);
}

const char *host_failure(void)
{
    return failure;
}

void host_failure_clear(char *buffer, size_t size)
{
    failure = buffer ? buffer : failure_text;
    failure_size = buffer ? size : sizeof(failure_text);
    *failure = 0;
    failed = false;
}

void host_panic(const char *format, ...)
{
    static __thread bool panicking;
    void *frames[PANIC_FRAMES];
    char text[512], where[256];
    va_list args;
    int n;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    host_note_failure("internal error: %s", text);
    host_printf("openwsk: internal error: %s\n", text);
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
