/*
 * threads.c: a test's own threads, and how it waits: for events, for numbers that callbacks raise,
 * and for all processors.
 */
#include "harness.h"

BOOLEAN WaitFor(PKEVENT Event)
{
    LARGE_INTEGER limit;

    limit.QuadPart = -10000000ll * WAIT_SECONDS;
    return KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, &limit) == STATUS_SUCCESS;
}

static VOID NTAPI RunThread(PVOID Context)
{
    THREAD *t = Context;

    t->Run(t->Context);
    (void)PsTerminateSystemThread(STATUS_SUCCESS);
}

void ThreadStart(THREAD *Thread, void (*Run)(PVOID Context), PVOID Context)
{
    HANDLE handle;

    Thread->Object = NULL;
    Thread->Run = Run;
    Thread->Context = Context;
    NTSTATUS status =
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, RunThread, Thread);
    if (!NT_SUCCESS(status)) {
        TestFail(__FILE__, __LINE__, "no thread: 0x%08x", status);
        return;
    }
    (void)ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread->Object,
                                    NULL);
    (void)ZwClose(handle);
}

void ThreadJoin(THREAD *Thread)
{
    if (!Thread->Object)
        return;
    (void)KeWaitForSingleObject(Thread->Object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread->Object);
    Thread->Object = NULL;
}

void CounterInit(COUNTER *Counter)
{
    KeInitializeSpinLock(&Counter->Lock);
    KeInitializeEvent(&Counter->Changed, SynchronizationEvent, FALSE);
    Counter->Value = 0;
}

LONG CounterAddMany(COUNTER *Counter, LONG Count)
{
    KIRQL irql;

    KeAcquireSpinLock(&Counter->Lock, &irql);
    LONG value = Counter->Value += Count;
    KeSetEvent(&Counter->Changed, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Counter->Lock, irql);
    return value;
}

LONG CounterAdd(COUNTER *Counter)
{
    return CounterAddMany(Counter, 1);
}

LONG CounterValue(COUNTER *Counter)
{
    KIRQL irql;

    KeAcquireSpinLock(&Counter->Lock, &irql);
    LONG value = Counter->Value;
    KeReleaseSpinLock(&Counter->Lock, irql);
    return value;
}

BOOLEAN CounterWait(COUNTER *Counter, LONG Value)
{
    while (CounterValue(Counter) < Value)
        if (!WaitFor(&Counter->Changed))
            return FALSE;
    return TRUE;
}

static BOOLEAN RoundTrip(PWSK_SOCKET From, PWSK_SOCKET To)
{
    BUFFER *out = MakeBuffer(1), *in = MakeBuffer(1);
    CALL receive;

    /* It pends, so that To's processor has to bring the byte. */
    (void)StartReceive(&receive, To, in, 1, 0);
    NTSTATUS sent = Send(From, out, 1, 0, NULL);
    NTSTATUS received = CallFinish(&receive);
    return NT_SUCCESS(sent) && NT_SUCCESS(received);
}

/*
 * Sockets are spread over the processors in turn, so a few connections touch all of them; a byte to
 * each is handled behind what its processor had to handle before.
 */
void Settle(void)
{
    ULONG pairs = 2 * KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);

    for (ULONG i = 0; i < pairs; i++) {
        PAIR pair;
        NTSTATUS status = MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair);
        BOOLEAN well = NT_SUCCESS(status);
        for (ULONG n = 0; n < 2 && well; n++)
            well = RoundTrip(pair.Client, pair.Server) && RoundTrip(pair.Server, pair.Client);
        if (!well)
            TestFail(__FILE__, __LINE__, "no connection to settle with (0x%08x)", status);
        if (pair.Client)
            (void)Close(pair.Client);
        if (pair.Server)
            (void)Close(pair.Server);
        if (pair.Listener)
            (void)Close(pair.Listener);
    }
}
