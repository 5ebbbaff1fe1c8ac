/* RTL_BITMAP against a plain array of bits, at every size around a word and every start. */
#include "ke_test.h"

#include <stdlib.h>

#define BITS 70
#define NONE 0xffffffffu

static BOOLEAN plain[BITS];
static ULONG words[4];
static RTL_BITMAP map;

static ULONG run_at(ULONG start, BOOLEAN value)
{
    ULONG n = 0;

    while (start + n < map.SizeOfBitMap && plain[start + n] == value)
        n++;
    return n;
}

/* The first run from the hint on, then from the beginning. */
static ULONG find(ULONG count, ULONG hint, BOOLEAN value)
{
    if (hint >= map.SizeOfBitMap)
        hint = 0;
    for (ULONG i = 0; i < map.SizeOfBitMap; i++) {
        ULONG at = (hint + i) % map.SizeOfBitMap;

        if (run_at(at, value) >= count)
            return at;
    }
    return NONE;
}

static void matches(void)
{
    ULONG set = 0;

    for (ULONG i = 0; i < map.SizeOfBitMap; i++) {
        assert_int_equal(RtlTestBit(&map, i), plain[i]);
        set += plain[i];
    }
    assert_int_equal(RtlNumberOfSetBits(&map), set);
    assert_int_equal(RtlNumberOfClearBits(&map), map.SizeOfBitMap - set);
}

static void runs_match(void)
{
    ULONG longest = 0, where = 0, start;

    for (ULONG i = 0; i < map.SizeOfBitMap; i++) {
        ULONG skip = i + run_at(i, TRUE), clear = run_at(i, FALSE);

        assert_int_equal(RtlFindNextForwardRunClear(&map, i, &start), run_at(skip, FALSE));
        assert_int_equal(start, skip);
        for (ULONG n = 1; n <= map.SizeOfBitMap - i + 1; n++) {
            assert_int_equal(RtlAreBitsClear(&map, i, n), clear >= n);
            assert_int_equal(RtlAreBitsSet(&map, i, n), run_at(i, TRUE) >= n);
        }
        if (clear > longest) {
            longest = clear;
            where = i;
        }
    }
    assert_int_equal(RtlFindLongestRunClear(&map, &start), longest);
    assert_int_equal(start, where);
    assert_int_equal(RtlFindFirstRunClear(&map, &start), run_at(run_at(0, TRUE), FALSE));
    assert_int_equal(start, run_at(0, TRUE));
}

static void one_step(unsigned *seed)
{
    ULONG size = map.SizeOfBitMap, start = (ULONG)rand_r(seed) % size;
    ULONG count = 1 + (ULONG)rand_r(seed) % (size - start), found = NONE;
    BOOLEAN value = rand_r(seed) % 2;

    switch (rand_r(seed) % 4) {
    case 0:
        (value ? RtlSetBits : RtlClearBits)(&map, start, count);
        found = start;
        break;
    case 1:
        count = 1;
        (value ? RtlSetBit : RtlClearBit)(&map, start);
        found = start;
        break;
    case 2:
        count = 1 + count % 8;
        found = find(count, start, !value);
        assert_int_equal(
            (value ? RtlFindClearBitsAndSet : RtlFindSetBitsAndClear)(&map, count, start), found);
        break;
    default:
        count = 1 + count % 8;
        assert_int_equal((value ? RtlFindSetBits : RtlFindClearBits)(&map, count, start),
                         find(count, start, value));
        break;
    }
    for (ULONG i = 0; found != NONE && i < count; i++)
        plain[found + i] = value;
}

static void matches_the_array(void **state)
{
    static const ULONG sizes[] = { 1, 31, 32, 33, 64, BITS };
    unsigned seed = 7;

    (void)state;
    for (size_t s = 0; s < RTL_NUMBER_OF(sizes); s++) {
        memset(words, 0xa5, sizeof words);
        RtlInitializeBitMap(&map, words, sizes[s]);
        RtlClearAllBits(&map);
        memset(plain, 0, sizeof plain);
        for (int i = 0; i < 100; i++) {
            one_step(&seed);
            matches();
            if (i % 10 == 0)
                runs_match();
        }
        RtlSetAllBits(&map);
        memset(plain, 1, sizeof plain);
        matches();
        runs_match();
        assert_int_equal(words[3], 0xa5a5a5a5); /* nothing beyond its last word */
    }
}

static void edges(void **state)
{
    ULONG start;

    (void)state;
    RtlInitializeBitMap(&map, words, BITS);
    RtlClearAllBits(&map);
    assert_false(RtlAreBitsClear(&map, 0, 0));
    assert_false(RtlAreBitsSet(&map, 0, 0));
    assert_false(RtlAreBitsClear(&map, BITS, 1));
    assert_false(RtlAreBitsSet(&map, BITS, 1));
    assert_int_equal(RtlFindNextForwardRunClear(&map, BITS, &start), 0);
    assert_int_equal(start, BITS);
    assert_int_equal(RtlFindClearBits(&map, BITS + 1, 0), NONE);
    assert_int_equal(RtlFindClearBits(&map, 5, BITS), 0); /* a hint beyond the end is none */
    assert_int_equal(RtlFindSetBitsAndClear(&map, 1, 3), NONE);
    RtlSetAllBits(&map);
    assert_int_equal(RtlFindClearBitsAndSet(&map, 1, 3), NONE);
}

/* A bit outside of the map is told as the driver's mistake, and the memory stays as it was. */
static void outside(void **state)
{
    (void)state;
    memset(words, 0xa5, sizeof words);
    RtlInitializeBitMap(&map, words, 64);
    KE_EXPECT("VF-DDI-02", RtlSetBit(&map, 64));
    KE_EXPECT("VF-DDI-02", RtlClearBit(&map, 64));
    KE_EXPECT("VF-DDI-02", RtlSetBits(&map, 60, 5));
    KE_EXPECT("VF-DDI-02", RtlClearBits(&map, 65, 0));
    KE_EXPECT("VF-DDI-02", RtlClearBits(&map, 1, NONE));
    KE_EXPECT("VF-DDI-02", assert_false(RtlTestBit(&map, 64)));
    for (size_t i = 0; i < RTL_NUMBER_OF(words); i++)
        assert_int_equal(words[i], 0xa5a5a5a5);
    ke_findings = 0;
    RtlSetBits(&map, 64, 0);
    RtlSetBits(&map, 63, 1);
    assert_int_equal(words[1], 0xa5a5a5a5);
    assert_int_equal(ke_findings, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_array),
        cmocka_unit_test(edges),
        cmocka_unit_test(outside),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
