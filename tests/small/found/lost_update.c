/* lost_update.c: two threads add to a number without a lock: one order of them loses an addition.
 */
#include "small.h"

static volatile LONG Number;
static LONG One = 1;

static void Add(PVOID Context)
{
    LONG read = Number;

    if (Context) /* between the two is a place where the other one may run */
        read += *(const LONG *)Context;
    Number = read;
}

TEST(lost_update, "")
{
    Race(Add, &One, Add, &One);
    CHECK_EQ(Number, 2);
}

TESTS(ROW(lost_update))
