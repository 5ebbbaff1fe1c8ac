/*
 * harness.h: what the files of the conformance tests' harness ask of each other; tests see
 * conformance.h only.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "conformance.h"

#define TAG   'fnoC'
#define TRIES 100 /* to get memory: here a failure would only hide what is tested */

/* ---- calls.c ---- */

/*
 * The test has returned and its sockets are closed. What still pends (a name that is looked up)
 * ends by itself; what has completed is freed if the test had no chance to do it.
 */
void LeaveCalls(void);

/* ---- callbacks.c ---- */

/* From here on MayUse() says yes. */
void BeginUse(void);
/* Callbacks leave the test's sockets alone from here on; what they have kept is given back. */
void EndUse(void);

/* ---- sockets.c ---- */

/* Closes what the test has left open. */
void CloseOpened(void);
/* Learns PendsAll and PassiveCallbacks. */
void LearnChoices(void);

/* ---- requests.c ---- */

/* Learns the five tables once, by making a socket of each category. FALSE: no memory for it. */
BOOLEAN LearnKinds(void);
/* WSK_FLAG_... */
ULONG KindOf(PWSK_SOCKET Socket);

/* ---- buffers.c ---- */

/* Memory for when there is none, until the test ends. NULL: that is used up, too. */
PVOID FromReserve(SIZE_T Size);
/* All of the test's buffers, and the reserve. */
void FreeBuffers(void);

#endif
