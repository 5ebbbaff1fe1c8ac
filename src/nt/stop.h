/*
 * stop.h: how a run ends early: bug checks, faults, unhandled exceptions.
 *
 * run/ installs what it needs at boot; the rest of nt/ and wsk/ only raise.
 */
#ifndef OPENWSK_STOP_H
#define OPENWSK_STOP_H

#include "nt/ki.h"

#define KI_STOP_FRAMES 32

/* Where the trouble came from, when that is not where it was noticed. */
typedef struct _KI_ORIGIN {
    PCSTR Title; /* "raised at", "first completed at" */
    void *const *Frames;
    int Count;
} KI_ORIGIN;

typedef struct _KI_STOP {
    ULONG Code;
    ULONG_PTR Parameters[4];
    void *const *Frames; /* the current stack, innermost first */
    int FrameCount;
    const KI_ORIGIN *Origin; /* may be NULL */
} KI_STOP;

/* Prints the stop and ends the process with status 3, unless the hook catches it. */
DECLSPEC_NORETURN void KiBugCheck(ULONG Code, const ULONG_PTR Parameters[4],
                                  const KI_ORIGIN *Origin);

/*
 * A test or an embedding program may catch stops: the hook runs after the report was printed, on
 * the thread that stopped, and leaves by longjmp or by ending the thread; if it returns, the
 * process ends as without it. NULL: none.
 */
void KiSetStopHook(void (*Hook)(const KI_STOP *Stop, void *Context), void *Context);

/* Names the driver that an address belongs to, for stacks; NULL: none of them. run/ provides it. */
void KiSetImageLookup(PCSTR (*Lookup)(const void *Address));

/*
 * Turns faults of the processor into exceptions (or into a crash report where no __try catches
 * them) and makes each VF_STOP finding a bug check. run/ calls it at boot.
 */
void KiInstallStops(void);

/*
 * Raises on the calling thread: to the innermost __try, else a bug check. Code of a .sys has its
 * own tables of handlers: whoever loaded it may look there first.
 */
DECLSPEC_NORETURN void KiRaise(const EXCEPTION_RECORD *Record, const void *Frame,
                               const KI_ORIGIN *Origin);
/* true: a __try of the thread would see an exception that is raised with that frame pointer. */
BOOLEAN KiSehActive(const void *Frame);
/* Gives back what seh.c keeps for a thread that is going. */
void KiSehFree(PKTHREAD Thread);

#endif
