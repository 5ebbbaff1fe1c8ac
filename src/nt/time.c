/*
 * time.c: the clocks that drivers read, all from host_now() and host_wall(). Interrupt time is time
 * since boot in 100 ns units; system time counts them since 1601; ticks are 15.625 ms long, as on
 * most Windows machines; the performance counter runs at 10 MHz.
 *
 * On Windows all clocks but the precise ones stand still between two clock interrupts, and due
 * times are counted from where they stand: by a precise clock a timer can be early by up to one
 * tick, by the others never. Our clocks are exact; the simulated world can let them have a period.
 */
#include "nt/kip.h"

#define EPOCH_1601_TO_1970_100NS 116444736000000000LL
#define TICK_100NS               156250
#define STALL_SPIN_NS            20000

static int64_t ClockPeriod; /* ns between clock interrupts; 0: the clocks are exact */

void KipStartClock(void)
{
    ClockPeriod = host_delay(TICK_100NS * 100, "clock period") / 100 * 100;
}

int64_t KipClock(void)
{
    int64_t now = host_now();

    return ClockPeriod ? now - now % ClockPeriod : now;
}

int64_t KipNextClock(int64_t at)
{
    if (!ClockPeriod || at > HOST_FOREVER - ClockPeriod)
        return at;
    return (at + ClockPeriod - 1) / ClockPeriod * ClockPeriod;
}

void NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    DDI_ENTER(KeQuerySystemTimePrecise);
    CurrentTime->QuadPart = host_wall() / 100 + EPOCH_1601_TO_1970_100NS;
}

void NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    DDI_ENTER(KeQuerySystemTime);
    int64_t ago = ClockPeriod ? host_now() % ClockPeriod : 0;

    CurrentTime->QuadPart = (host_wall() - ago) / 100 + EPOCH_1601_TO_1970_100NS;
}

void NTAPI KeQueryTickCount(PLARGE_INTEGER TickCount)
{
    DDI_ENTER(KeQueryTickCount);
    TickCount->QuadPart = host_now() / 100 / TICK_100NS;
}

ULONG NTAPI KeQueryTimeIncrement(void)
{
    DDI_ENTER(KeQueryTimeIncrement);
    return TICK_100NS;
}

ULONGLONG NTAPI KeQueryInterruptTime(void)
{
    DDI_ENTER(KeQueryInterruptTime);
    return (ULONGLONG)KipClock() / 100;
}

static ULONGLONG Counter(void)
{
    return (ULONGLONG)host_now() / 100;
}

ULONGLONG NTAPI KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp)
{
    DDI_ENTER(KeQueryInterruptTimePrecise);
    *QpcTimeStamp = Counter();
    return *QpcTimeStamp;
}

/* The machine does not sleep while its process runs, so no bias has to be taken off. */
ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(void)
{
    DDI_ENTER(KeQueryUnbiasedInterruptTime);
    return (ULONGLONG)KipClock() / 100;
}

LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
    DDI_ENTER(KeQueryPerformanceCounter);
    LARGE_INTEGER counter = { .QuadPart = (LONGLONG)Counter() };

    if (PerformanceFrequency)
        PerformanceFrequency->QuadPart = 10000000;
    return counter;
}

/* Busy by contract; only waits longer than any sane stall give the host's processor away. */
void NTAPI KeStallExecutionProcessor(ULONG MicroSeconds)
{
    DDI_ENTER(KeStallExecutionProcessor);
    int64_t end = host_now() + (int64_t)MicroSeconds * 1000;
    unsigned rounds = 0;

    for (int64_t now = host_now(); now < end; now = host_now()) {
        if (end - now < STALL_SPIN_NS)
            rounds = 0;
        host_spin(&rounds, "KeStallExecutionProcessor");
    }
}
