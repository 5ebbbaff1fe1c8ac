/*
 * rtltime.c: calendar time. NT counts 100 ns units since 1601-01-01, without leap seconds.
 *
 * 1601 begins a 400-year cycle of the Gregorian calendar, which makes the arithmetic short. Pure
 * functions, any IRQL.
 */
#include "nt/rtlp.h"

#define UNITS_PER_MS    10000ll
#define UNITS_PER_SEC   10000000ll
#define SECS_PER_DAY    86400ll
#define LAST_YEAR       30827 /* the last whole one that a LARGE_INTEGER holds */
#define DAYS_PER_YEAR   365
#define DAYS_PER_4_YR   1461
#define DAYS_PER_100_YR 36524
#define DAYS_PER_400_YR 146097
#define SECS_1601_1970  11644473600ll
#define SECS_1601_1980  11960006400ll /* 1980-01-01 */

static BOOLEAN IsLeap(LONG Year)
{
    return Year % 4 == 0 && (Year % 100 != 0 || Year % 400 == 0);
}

static LONG DaysInMonth(LONG Year, LONG Month)
{
    static const UCHAR Days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return Days[Month - 1] + (Month == 2 && IsLeap(Year));
}

VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields)
{
    DDI_ENTER(RtlTimeToTimeFields);
    LONGLONG Seconds = Time->QuadPart / UNITS_PER_SEC;
    LONG Days = (LONG)(Seconds / SECS_PER_DAY), Rest = (LONG)(Seconds % SECS_PER_DAY);
    LONG Year = 1601, Month = 1, Centuries, Years;

    TimeFields->Milliseconds = (CSHORT)(Time->QuadPart % UNITS_PER_SEC / UNITS_PER_MS);
    TimeFields->Hour = (CSHORT)(Rest / 3600);
    TimeFields->Minute = (CSHORT)(Rest / 60 % 60);
    TimeFields->Second = (CSHORT)(Rest % 60);
    TimeFields->Weekday = (CSHORT)((Days + 1) % 7); /* 1601-01-01 was a Monday */
    Year += Days / DAYS_PER_400_YR * 400;
    Days %= DAYS_PER_400_YR;
    Centuries = Days / DAYS_PER_100_YR;
    Centuries -= Centuries == 4; /* the last day of the cycle */
    Days -= Centuries * DAYS_PER_100_YR;
    Year += Centuries * 100 + Days / DAYS_PER_4_YR * 4;
    Days %= DAYS_PER_4_YR;
    Years = Days / DAYS_PER_YEAR;
    Years -= Years == 4; /* the last day of a leap year */
    Days -= Years * DAYS_PER_YEAR;
    Year += Years;
    for (; Days >= DaysInMonth(Year, Month); Month++)
        Days -= DaysInMonth(Year, Month);
    TimeFields->Year = (CSHORT)Year;
    TimeFields->Month = (CSHORT)Month;
    TimeFields->Day = (CSHORT)(Days + 1);
}

static BOOLEAN AreFieldsGood(const TIME_FIELDS *Fields)
{
    return Fields->Year >= 1601 && Fields->Year <= LAST_YEAR && Fields->Month >= 1 &&
           Fields->Month <= 12 && Fields->Day >= 1 &&
           Fields->Day <= DaysInMonth(Fields->Year, Fields->Month) && Fields->Hour >= 0 &&
           Fields->Hour <= 23 && Fields->Minute >= 0 && Fields->Minute <= 59 &&
           Fields->Second >= 0 && Fields->Second <= 59 && Fields->Milliseconds >= 0 &&
           Fields->Milliseconds <= 999;
}

BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    DDI_ENTER(RtlTimeFieldsToTime);
    LONG Years = TimeFields->Year - 1601;
    LONGLONG Days;

    if (!AreFieldsGood(TimeFields))
        return FALSE;
    Days = Years * 365ll + Years / 4 - Years / 100 + Years / 400 + TimeFields->Day - 1;
    for (LONG Month = 1; Month < TimeFields->Month; Month++)
        Days += DaysInMonth(TimeFields->Year, Month);
    Time->QuadPart = (Days * SECS_PER_DAY + TimeFields->Hour * 3600 + TimeFields->Minute * 60 +
                      TimeFields->Second) *
                         UNITS_PER_SEC +
                     TimeFields->Milliseconds * UNITS_PER_MS;
    return TRUE;
}

static BOOLEAN ToSeconds(const LARGE_INTEGER *Time, LONGLONG Epoch, PULONG Seconds)
{
    LONGLONG Value = Time->QuadPart / UNITS_PER_SEC - Epoch;

    if (Value < 0 || Value > 0xffffffffll)
        return FALSE;
    *Seconds = (ULONG)Value;
    return TRUE;
}

BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    DDI_ENTER(RtlTimeToSecondsSince1970);
    return ToSeconds(Time, SECS_1601_1970, ElapsedSeconds);
}

BOOLEAN NTAPI RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    DDI_ENTER(RtlTimeToSecondsSince1980);
    return ToSeconds(Time, SECS_1601_1980, ElapsedSeconds);
}

VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    DDI_ENTER(RtlSecondsSince1970ToTime);
    Time->QuadPart = (ElapsedSeconds + SECS_1601_1970) * UNITS_PER_SEC;
}

VOID NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    DDI_ENTER(RtlSecondsSince1980ToTime);
    Time->QuadPart = (ElapsedSeconds + SECS_1601_1980) * UNITS_PER_SEC;
}
