/*
 * vf.h: what the layers above tell the verifier, and how findings are reported.
 *
 * The verifier sees addresses and integers, never NT types; its state lives in side tables, so that
 * it can neither depend on nor deadlock with what it watches. A finding names its rule
 * ("VF-POOL-07") and, where the contract has one, the clause ("WSK-RET-06").
 */
#ifndef OPENWSK_VF_H
#define OPENWSK_VF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vf_severity { VF_WARNING, VF_ERROR, VF_STOP };

/* What is alive, for the leak check. One enumerator per kind of resource that a driver must return.
 */
enum vf_kind {
    VF_POOL,
    VF_IRP,
    VF_MDL,
    VF_WORK_ITEM,
    VF_LOOKASIDE,
    VF_THREAD,
    VF_HANDLE,
    VF_DEVICE,
    VF_SYMLINK,
    VF_TIMER,
    VF_DPC,
    VF_RESOURCE,
    VF_WSK_REGISTRATION,
    VF_WSK_CAPTURE,
    VF_WSK_SOCKET,
    VF_WSK_INDICATION,
    VF_WSK_SECURITY,
    VF_WSK_ADDRINFO,
    VF_NMR_HANDLE,
    VF_KIND_COUNT
};

/*
 * Records that `address` is now alive / no longer alive. `detail` is the kind's own number (pool
 * tag, bytes, ...), `size` bytes where that makes sense, `owner` the return address in the driver
 * that caused it (its image owns it). Cheap; does nothing when the check is off.
 */
void vf_born(enum vf_kind kind, const void *address, size_t size, uint32_t detail,
             const void *owner);
/* false: it was not alive (a double free, say); the caller decides what that means. true when off.
 */
bool vf_died(enum vf_kind kind, const void *address);
/* vf_died() that also tells the object's detail; it is left alone when it is not known. */
bool vf_take(enum vf_kind kind, const void *address, uint32_t *detail);
bool vf_alive(enum vf_kind kind, const void *address);
/* The same, but false when off. */
bool vf_known(enum vf_kind kind, const void *address);

/* Of the live objects that want() accepts, the one that was born first; NULL: none. want() is
 * called with a lock of the verifier held. */
const void *vf_oldest(enum vf_kind kind, bool (*want)(const void *address));

/* Reports each live object whose owner lies in [low, high) and forgets it; the count. */
unsigned vf_sweep(uintptr_t low, uintptr_t high, const char *driver);
/* Calls line() for each kind of object alive whose owner lies in [low, high); the lines. */
unsigned vf_describe(uintptr_t low, uintptr_t high, void (*line)(void *context, const char *text),
                     void *context);

/* One finding: printed at once, counted. `caller` (may be NULL) is shown as function (file:line).
 */
void vf_report(enum vf_severity severity, const char *rule, const char *clause, const void *caller,
               const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Findings of at least that severity since boot (or since vf_reset()). */
unsigned vf_findings(enum vf_severity at_least);
void vf_reset(void);

/* What vf_report() was told, for a program that collects findings. The text lives for the call
 * only.
 */
struct vf_finding {
    enum vf_severity severity;
    const char *rule;
    const char *clause; /* may be NULL */
    const void *caller; /* may be NULL */
    const char *text;
};
/* `observer` sees every finding after it was printed; NULL: nobody. */
void vf_on_finding(void (*observer)(const struct vf_finding *finding, void *context),
                   void *context);
/*
 * `stop` runs at the end of each VF_STOP report and decides whether the run ends. When it returns,
 * or when there is none, vf_report() returns and its caller goes on as well as it can.
 */
void vf_on_stop(void (*stop)(const struct vf_finding *finding));

/*
 * `list`: "standard" (default), "all", "none", or names separated by commas: "leaks" and the middle
 * part of the rule ids in lower case ("irql", "pool", "wsk", ...). A report whose group is off is
 * not made. 0, or -EINVAL with the name in bad.
 */
int vf_configure(const char *list, const char **bad);
/* Any check at all is on. */
bool vf_enabled(void);

#endif
