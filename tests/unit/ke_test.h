/*
 * ke_test.h: what the tests of the dispatcher share: a booted kernel slice, threads, and the last
 * finding of the verifier.
 */
#ifndef OPENWSK_KE_TEST_H
#define OPENWSK_KE_TEST_H

#include "nt/ki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MS(n) ((LARGE_INTEGER){ .QuadPart = -10000LL * (n) })

static char ke_rule[32]; /* of the last finding */
static unsigned ke_findings;

static void ke_observe(const struct vf_finding *finding, void *context)
{
    (void)context;
    snprintf(ke_rule, sizeof ke_rule, "%s", finding->rule);
    ke_findings++;
}

static inline int ke_boot(ULONG processors)
{
    vf_on_finding(ke_observe, NULL);
    return NT_SUCCESS(KiBoot(processors)) ? 0 : -1;
}

static inline int ke_boot_two(void **state)
{
    (void)state;
    return ke_boot(2);
}

static inline int ke_shutdown(void **state)
{
    (void)state;
    KiShutdown();
    return 0;
}

/* Runs in teardown of each test: whoever expects findings takes them. */
#define KE_EXPECT(rule, call)                                                                      \
    do {                                                                                           \
        ke_findings = 0;                                                                           \
        call;                                                                                      \
        assert_int_equal(ke_findings, 1);                                                          \
        assert_string_equal(ke_rule, rule);                                                        \
        ke_findings = 0;                                                                           \
    } while (0)

struct ke_start {
    void (*fn)(int, void *);
    int number;
    void *arg;
};

static inline void ke_thread_main(void *p)
{
    struct ke_start *start = p;

    start->fn(start->number, start->arg);
}

/* fn(0, arg) ... fn(n - 1, arg) on threads of their own; returns when all have ended. */
static inline void ke_run(int n, void (*fn)(int, void *), void *arg)
{
    struct host_thread *threads[16];
    struct ke_start starts[16];

    for (int i = 0; i < n; i++) {
        starts[i] = (struct ke_start){ fn, i, arg };
        assert_int_equal(host_thread_create(&threads[i], ke_thread_main, &starts[i], "test"), 0);
    }
    for (int i = 0; i < n; i++)
        host_thread_join(threads[i]);
}

static inline LONG ke_load(LONG *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* Waits, however long it takes, until *p is `value`. */
static inline void ke_until(LONG *p, LONG value)
{
    unsigned rounds = 0;

    while (ke_load(p) != value)
        host_spin(&rounds, "test");
}

static inline NTSTATUS ke_wait(PVOID object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

static inline NTSTATUS ke_poll(PVOID object)
{
    LARGE_INTEGER zero = { .QuadPart = 0 };
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &zero);
}

#endif
