/*
 * conformance.h: what the conformance tests share; it is in harness/.
 *
 * Each file of this folder is a driver. It calls WSK only as a driver may, takes no step that
 * depends on how fast the machine is, and prints one line for each test:
 *
 *     PASS connect_refused WSK-CONN-02
 *     FAIL bind_twice D42: conn_bind.c:41: status is 0x00000000, expected 0xc0000184
 *
 * so that the same files can run in the simulated world, as a .sys, and on Windows. DriverEntry
 * runs the tests in order and fails when one of them failed. Every wait has a limit of
 * WAIT_SECONDS, which only a broken implementation reaches.
 *
 * A test is declared by TEST(name, "clause IDs"); the table of the file lists them:
 *
 *     TEST(connect_refused, "WSK-CONN-02 D33") { ... }
 *     TESTS(ROW(connect_refused) ROW(bind_twice))
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <ntddk.h>
#include <wsk.h>

#define WAIT_SECONDS 20

/* ---- tests ------------------------------------------------------------------------------- */

typedef struct _TEST_ENTRY {
    const char *Name;
    const char *Clauses;
    void (*Run)(void);
} TEST_ENTRY;

#define TEST(name, clauses)                                                                        \
    static const char *const clauses_##name = clauses;                                             \
    static void test_##name(void)

/* The file's table, at its end: TESTS(ROW(a) ROW(b)) */
#define ROW(name)   { #name, clauses_##name, test_##name },
#define TESTS(list) TESTS_WITH(TRUE, list)
/* For tests that begin before the provider is ready: the harness neither waits for it nor captures.
 */
#define TESTS_UNREADY(list) TESTS_WITH(FALSE, list)
#define TESTS_WITH(capture, ...)                                                                   \
    const BOOLEAN TestCaptures = capture;                                                          \
    const char *const TestFile = __FILE__;                                                         \
    static void FillTests(TEST_ENTRY *Rows, ULONG *Count)                                          \
    {                                                                                              \
        const TEST_ENTRY rows[] = { __VA_ARGS__ };                                                 \
        *Count = sizeof(rows) / sizeof(rows[0]);                                                   \
        if (Rows)                                                                                  \
            RtlCopyMemory(Rows, rows, sizeof(rows));                                               \
    }                                                                                              \
    void (*const TestFill)(TEST_ENTRY *, ULONG *) = FillTests;

/* A failed check ends the test (its clean-up is the harness's: sockets made by Open() are closed).
 */
void TestFail(const char *File, int Line, const char *Format, ...);
BOOLEAN TestFailed(void);
void TestSkip(const char *Reason);

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            TestFail(__FILE__, __LINE__, "%s does not hold", #x);                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_STATUS(actual, expected)                                                             \
    do {                                                                                           \
        NTSTATUS actual_ = (actual), expected_ = (expected);                                       \
        if (actual_ != expected_) {                                                                \
            TestFail(__FILE__, __LINE__, "%s is 0x%08x, expected 0x%08x (%s)", #actual, actual_,   \
                     expected_, #expected);                                                        \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_EQ(actual, expected)                                                                 \
    do {                                                                                           \
        ULONGLONG actual_ = (ULONGLONG)(actual), expected_ = (ULONGLONG)(expected);                \
        if (actual_ != expected_) {                                                                \
            TestFail(__FILE__, __LINE__, "%s is %I64u (0x%I64x), expected %I64u (0x%I64x)",        \
                     #actual, actual_, actual_, expected_, expected_);                             \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* ---- the client that the harness registers for every test -------------------------------- */

extern PDRIVER_OBJECT TestDriver;
extern PWSK_CLIENT Client;
extern const WSK_PROVIDER_DISPATCH *Wsk;

/*
 * Registers one more client and makes it `Client` until the end of the test: for what changes a
 * client as a whole.
 */
NTSTATUS UseOtherClient(void);

/* What the implementation does where it has a choice, learnt from its first calls. */
extern BOOLEAN PendsAll;         /* nothing completes before its call returns */
extern BOOLEAN PassiveCallbacks; /* completions on threads of the subsystem run at PASSIVE_LEVEL */

/* ---- one call with its own IRP ----------------------------------------------------------- */

typedef struct _CALL {
    PIRP Irp;
    PKEVENT Done;
    NTSTATUS Returned; /* what the function returned */
    NTSTATUS Status;   /* IoStatus.Status at completion */
    ULONG_PTR Information;
    BOOLEAN PendingReturned;
    LONG Completions; /* how often the completion routine ran */
    KIRQL Irql;       /* of the completion */
    struct _RECORD *Record;
} CALL;

/*
 * Makes a fresh IRP with a completion routine that records everything elsewhere: it does not touch
 * Call, which CallIsDone(), CallStarted() and CallWait() fill, so a test that fails may leave it
 * behind. Where a callback makes the call, Call must not lie on the test's stack.
 */
PIRP CallBegin(CALL *Call);
/* The same for a request that ends with a socket, which is adopted as soon as it does. */
PIRP CallBeginSocket(CALL *Call);
/* Waits for the completion; the final status. Frees nothing. Checks IRP-01, D01 and D02 on the way.
 */
NTSTATUS CallEnd(CALL *Call, NTSTATUS Returned);
/* Has it completed by now? */
BOOLEAN CallIsDone(CALL *Call);
/* Waits for a call that was started with CallStarted(). */
void CallStarted(CALL *Call, NTSTATUS Returned);
NTSTATUS CallWait(CALL *Call);
void CallFree(CALL *Call);

/* WaitFor(event): FALSE after WAIT_SECONDS. */
BOOLEAN WaitFor(PKEVENT Event);

/* A system thread that runs Run(Context). Join waits for its end. */
typedef struct _THREAD {
    PVOID Object;
    void (*Run)(PVOID Context);
    PVOID Context;
} THREAD;
void ThreadStart(THREAD *Thread, void (*Run)(PVOID Context), PVOID Context);
void ThreadJoin(THREAD *Thread);

/*
 * A number that callbacks raise and tests wait for. All is under the lock: who has read a number
 * sees what was stored before it was raised, and may use the counter's memory for something else,
 * as whoever raised it has let go of it.
 */
typedef struct _COUNTER {
    KSPIN_LOCK Lock;
    KEVENT Changed;
    LONG Value;
} COUNTER;
void CounterInit(COUNTER *Counter);
LONG CounterAdd(COUNTER *Counter); /* the new value */
LONG CounterAddMany(COUNTER *Counter, LONG Count);
LONG CounterValue(COUNTER *Counter);
BOOLEAN CounterWait(COUNTER *Counter, LONG Value);

/*
 * Returns when every processor has looked at all that had arrived from the network before: bytes
 * that were under way on loopback were indicated, unless something forbids it. For tests that say
 * what does not happen.
 */
void Settle(void);

/*
 * What is to be done when the test has ended and its sockets are closed, unless it says Paid() of
 * the same context before: a test that fails does not come to its end. The last one goes first.
 */
void Owe(void (*Undo)(PVOID Context), PVOID Context);
void Paid(PVOID Context);
/*
 * A callback calls WSK on the test's sockets, or keeps what it was given, only between the two.
 * FALSE: the test has ended, perhaps because it failed, and its sockets are about to be closed; no
 * call may be made on them then, and nothing kept.
 */
BOOLEAN MayUse(void);
void Used(void);
/*
 * Indications (of either kind) that the callback is going to answer with STATUS_PENDING. What the
 * test does not give back the harness does before it closes the socket. FALSE: there are too many,
 * they must not be kept.
 */
BOOLEAN Keep(PWSK_SOCKET Socket, PVOID List);
/* WskRelease, of what was kept or of anything else. */
NTSTATUS GiveBack(PWSK_SOCKET Socket, PVOID List);
/* An IRP without a completion routine, which the harness frees when the test has ended. */
PIRP MakeIrp(CCHAR Locations);

/* ---- sockets ----------------------------------------------------------------------------- */

typedef const WSK_PROVIDER_BASIC_DISPATCH *BASIC;
typedef const WSK_PROVIDER_LISTEN_DISPATCH *LISTEN;
typedef const WSK_PROVIDER_CONNECTION_DISPATCH *CONNECTION;
typedef const WSK_PROVIDER_DATAGRAM_DISPATCH *DATAGRAM;
typedef const WSK_PROVIDER_STREAM_DISPATCH *STREAM;

#define BASIC_OF(s)      ((BASIC)(s)->Dispatch)
#define LISTEN_OF(s)     ((LISTEN)(s)->Dispatch)
#define CONNECTION_OF(s) ((CONNECTION)(s)->Dispatch)
#define DATAGRAM_OF(s)   ((DATAGRAM)(s)->Dispatch)
#define STREAM_OF(s)     ((STREAM)(s)->Dispatch)

/* WskSocket; the harness closes what a test leaves open. */
NTSTATUS Open(ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags, PVOID Context,
              const VOID *Dispatch, PWSK_SOCKET *Socket);
NTSTATUS OpenListen(ADDRESS_FAMILY Family, PVOID Context,
                    const WSK_CLIENT_LISTEN_DISPATCH *Dispatch, PWSK_SOCKET *Socket);
NTSTATUS OpenConnection(ADDRESS_FAMILY Family, PVOID Context,
                        const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch, PWSK_SOCKET *Socket);
NTSTATUS OpenDatagram(ADDRESS_FAMILY Family, PVOID Context,
                      const WSK_CLIENT_DATAGRAM_DISPATCH *Dispatch, PWSK_SOCKET *Socket);
NTSTATUS OpenStream(ADDRESS_FAMILY Family, PVOID Context,
                    const WSK_CLIENT_STREAM_DISPATCH *Dispatch, PWSK_SOCKET *Socket);
/*
 * Tells the harness of a socket that came another way (WskAcceptEvent adopts what it accepts), or
 * that the test closes it itself. FALSE: it is not the harness's (any more); who asks in a
 * callback, which may run while a failed test is cleaned up, must then leave the socket alone.
 */
void Adopt(PWSK_SOCKET Socket);
BOOLEAN Disown(PWSK_SOCKET Socket);
NTSTATUS Close(PWSK_SOCKET Socket);

/* 127.0.0.1 or ::1, the given port in host order. */
PSOCKADDR Loopback(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage);
PSOCKADDR Wildcard(ADDRESS_FAMILY Family, USHORT Port, SOCKADDR_INET *Storage);
USHORT PortOf(const SOCKADDR_INET *Address);

/* Binds any category to loopback and reports the address that it got. */
NTSTATUS BindTo(PWSK_SOCKET Socket, PSOCKADDR Address);
NTSTATUS LocalAddressOf(PWSK_SOCKET Socket, SOCKADDR_INET *Address);
NTSTATUS BindLoopback(PWSK_SOCKET Socket, ADDRESS_FAMILY Family, SOCKADDR_INET *Bound);
NTSTATUS Connect(PWSK_SOCKET Socket, const SOCKADDR_INET *Remote);
NTSTATUS Accept(PWSK_SOCKET Listener, PVOID Context, const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch,
                PWSK_SOCKET *Accepted);
NTSTATUS Disconnect(PWSK_SOCKET Socket, ULONG Flags);
NTSTATUS SetOption(PWSK_SOCKET Socket, ULONG Level, ULONG Option, PVOID Value, SIZE_T Size);
NTSTATUS GetOption(PWSK_SOCKET Socket, ULONG Level, ULONG Option, PVOID Value, SIZE_T Size,
                   SIZE_T *Returned);
NTSTATUS Ioctl(PWSK_SOCKET Socket, ULONG Code, PVOID In, SIZE_T InSize, PVOID Out, SIZE_T OutSize,
               SIZE_T *Returned);
/* SO_WSK_EVENT_CALLBACK without an IRP. */
NTSTATUS Events(PWSK_SOCKET Socket, ULONG Mask);
/* The same with an IRP; CallFinish() is the test's. */
NTSTATUS StartEvents(CALL *Call, PWSK_SOCKET Socket, ULONG Mask);
/*
 * Turns one event off and waits until no call of its callback runs: that a callback has raised a
 * counter does not say that it has returned.
 */
NTSTATUS EventOff(PWSK_SOCKET Socket, ULONG Event);

/*
 * Makes the subsystem believe that the host socket is lost (D62). A hook of OpenWSK: elsewhere the
 * ioctl is not supported, and the test that needs it must be skipped.
 */
#define SIO_OPENWSK_LOSE_SOCKET 0x38004f57
NTSTATUS LoseSocket(PWSK_SOCKET Socket);

/* A listener on loopback and a connected pair through it. Contexts and tables may be NULL. */
typedef struct _PAIR {
    PWSK_SOCKET Listener, Client, Server;
    SOCKADDR_INET Address;
} PAIR;
NTSTATUS MakePair(ADDRESS_FAMILY Family, PVOID ClientContext,
                  const WSK_CLIENT_CONNECTION_DISPATCH *ClientTable, PVOID ServerContext,
                  const WSK_CLIENT_CONNECTION_DISPATCH *ServerTable, PAIR *Pair);

/* ---- buffers ----------------------------------------------------------------------------- */

/* Non-paged memory with an MDL; Buf covers all of it. The harness frees what a test leaves. */
typedef struct _BUFFER {
    WSK_BUF Buf;
    PUCHAR Data;
    SIZE_T Size;
    struct _BUFFER *Next;
} BUFFER;
BUFFER *MakeBuffer(SIZE_T Size);
/* A buffer whose bytes are a pattern that depends on the seed and the position. */
BUFFER *MakePattern(SIZE_T Size, ULONG Seed);
BOOLEAN IsPattern(const VOID *Data, SIZE_T Size, ULONG Seed, SIZE_T Position);

NTSTATUS Send(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags, SIZE_T *Sent);
NTSTATUS Receive(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags, SIZE_T *Received);
/* The same without waiting: the call was made and checked; CallWait() and CallFree() are the
 * test's. */
NTSTATUS StartSend(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags);
NTSTATUS StartReceive(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags);
NTSTATUS StartAccept(CALL *Call, PWSK_SOCKET Listener, PVOID Context,
                     const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch);
NTSTATUS StartConnect(CALL *Call, PWSK_SOCKET Socket, const SOCKADDR_INET *Remote);
NTSTATUS StartDisconnect(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length,
                         ULONG Flags);
NTSTATUS StartClose(CALL *Call, PWSK_SOCKET Socket); /* and Disown() */
/* CallWait() and CallFree(). */
NTSTATUS CallFinish(CALL *Call);
/* Receives until Length bytes are there (by plain receives). */
NTSTATUS ReceiveAll(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length);
NTSTATUS SendTo(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, const SOCKADDR_INET *Remote,
                SIZE_T *Sent);
NTSTATUS ReceiveFrom(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, SOCKADDR_INET *Remote,
                     SIZE_T *Received);

#endif
