/*
 * small.h: what the small scenarios share, beside the conformance tests' harness.
 *
 * Each file of this folder is a driver with one test: it sets its scene up, has two or three
 * threads, DPCs or callbacks do one pair of actions at the same time, and checks what may have come
 * of it. wsksim runs each in every order of threads that has few decisions other than the boring
 * ones. It decides only while a driver has a thread of its own (--while-threads): from the begin of
 * Race() to its end. What a test does before and after costs nothing.
 */
#ifndef SMALL_H
#define SMALL_H

#include "conformance.h"

#define BYTES 16

/*
 * Runs the first side here and the second in a system thread. Returns when both have come to their
 * ends. A side waits for what it began, so that the race lasts until all has happened.
 */
void Race(void (*First)(PVOID), PVOID FirstContext, void (*Second)(PVOID), PVOID SecondContext);

/* CALL says what the completion was: once, by the rules of IRP-01, D01 and D02. */
#define CHECK_EITHER(actual, one, other)                                                           \
    do {                                                                                           \
        NTSTATUS actual_ = (actual);                                                               \
        if (actual_ != (one) && actual_ != (other)) {                                              \
            TestFail(__FILE__, __LINE__, "%s is 0x%08x, expected %s or %s", #actual, actual_,      \
                     #one, #other);                                                                \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* A client whose events are counted, and which must not be called once it has been `Silent`. */
typedef struct _CLIENT {
    COUNTER Receives, Bytes, Disconnects, Accepts;
    LONG Running, Silent, TooLate;
    PWSK_SOCKET Accepted;
    PWSK_DATA_INDICATION Kept;
    NTSTATUS Answer; /* of WskReceiveEvent; STATUS_PENDING keeps the list */
} CLIENT;
void ClientInit(CLIENT *Client);
/* From now on no callback may run: those that do are counted in TooLate. */
void ClientSilence(CLIENT *Client);
extern const WSK_CLIENT_CONNECTION_DISPATCH ConnectionTable;
extern const WSK_CLIENT_DATAGRAM_DISPATCH DatagramTable;
extern const WSK_CLIENT_LISTEN_DISPATCH ListenTable;

/*
 * A receive whose completion says how many completed before it. It is made before the race, so that
 * the race is about WSK's function only.
 */
typedef struct _RECEIVE {
    PIRP Irp;
    BUFFER *To;
    KEVENT Done;
    LONG Place; /* in the order of completions, from 1 */
} RECEIVE;
BOOLEAN ReceiveInit(RECEIVE *Receive, SIZE_T Size);

#endif
