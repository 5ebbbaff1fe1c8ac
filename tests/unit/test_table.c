/* RTL_AVL_TABLE and RTL_GENERIC_TABLE against a plain array. */
#include <ntddk.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define KEYS 256

static unsigned allocated;
static BOOLEAN present[KEYS];

static RTL_GENERIC_COMPARE_RESULTS compare(PVOID a, PVOID b)
{
    ULONG x = *(ULONG *)a, y = *(ULONG *)b;

    return x < y ? GenericLessThan : x > y ? GenericGreaterThan : GenericEqual;
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI avl_compare(PRTL_AVL_TABLE t, PVOID a, PVOID b)
{
    (void)t;
    return compare(a, b);
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI splay_compare(PRTL_GENERIC_TABLE t, PVOID a, PVOID b)
{
    (void)t;
    return compare(a, b);
}

static PVOID NTAPI avl_allocate(PRTL_AVL_TABLE t, CLONG size)
{
    (void)t;
    allocated++;
    return malloc(size);
}

static PVOID NTAPI splay_allocate(PRTL_GENERIC_TABLE t, CLONG size)
{
    (void)t;
    allocated++;
    return malloc(size);
}

static VOID NTAPI avl_free(PRTL_AVL_TABLE t, PVOID p)
{
    (void)t;
    allocated--;
    free(p);
}

static VOID NTAPI splay_free(PRTL_GENERIC_TABLE t, PVOID p)
{
    (void)t;
    allocated--;
    free(p);
}

/* The height of a subtree whose balances are right. */
static int check_avl(PRTL_BALANCED_LINKS node)
{
    int left, right;

    if (!node)
        return 0;
    left = check_avl(node->LeftChild);
    right = check_avl(node->RightChild);
    assert_int_equal(node->Balance, right - left);
    assert_true(node->Balance >= -1 && node->Balance <= 1);
    assert_true(!node->LeftChild || node->LeftChild->Parent == node);
    assert_true(!node->RightChild || node->RightChild->Parent == node);
    return 1 + (left > right ? left : right);
}

/* The next key in order, KEYS at the end. */
static ULONG next_present(ULONG key)
{
    while (key < KEYS && !present[key])
        key++;
    return key;
}

static void avl_matches_the_array(void **state)
{
    RTL_AVL_TABLE table;
    unsigned seed = 1, count = 0;

    (void)state;
    assert_int_equal(sizeof(RTL_BALANCED_LINKS), 32);
    assert_int_equal(sizeof(RTL_AVL_TABLE), 104);
    RtlInitializeGenericTableAvl(&table, avl_compare, avl_allocate, avl_free, NULL);
    assert_true(RtlIsGenericTableEmptyAvl(&table));
    for (int i = 0; i < 4000; i++) {
        ULONG key = (ULONG)rand_r(&seed) % KEYS;
        BOOLEAN made;
        ULONG *found;

        if (rand_r(&seed) % 2) {
            found = RtlInsertElementGenericTableAvl(&table, &key, sizeof key, &made);
            assert_int_equal(*found, key);
            assert_int_equal(made, !present[key]);
            count += made;
            present[key] = TRUE;
        } else {
            assert_int_equal(RtlDeleteElementGenericTableAvl(&table, &key), present[key]);
            count -= present[key];
            present[key] = FALSE;
        }
        assert_int_equal(check_avl(table.BalancedRoot.RightChild), table.DepthOfTree);
        assert_int_equal(RtlNumberGenericTableElementsAvl(&table), count);
        assert_int_equal(RtlLookupElementGenericTableAvl(&table, &key) != NULL, present[key]);
    }
    assert_int_equal(allocated, count);
    for (ULONG key = next_present(0), rank = 0; key < KEYS; key = next_present(key + 1), rank++)
        assert_int_equal(*(ULONG *)RtlGetElementGenericTableAvl(&table, rank), key);
    for (ULONG *e = RtlEnumerateGenericTableAvl(&table, TRUE), key = next_present(0); key < KEYS;
         e = RtlEnumerateGenericTableAvl(&table, FALSE), key = next_present(key + 1))
        assert_int_equal(*e, key);
    for (ULONG *e; (e = RtlEnumerateGenericTableAvl(&table, TRUE));) {
        present[*e] = FALSE;
        RtlDeleteElementGenericTableAvl(&table, e);
    }
    assert_int_equal(allocated, 0);
    assert_int_equal(table.DepthOfTree, 0);
}

static void splay_matches_the_array(void **state)
{
    RTL_GENERIC_TABLE table;
    unsigned seed = 2, count = 0;
    PVOID restart = NULL;
    ULONG first = 77, second = 5;

    (void)state;
    assert_int_equal(sizeof(RTL_GENERIC_TABLE), 72);
    RtlInitializeGenericTable(&table, splay_compare, splay_allocate, splay_free, NULL);
    for (int i = 0; i < 4000; i++) {
        ULONG key = (ULONG)rand_r(&seed) % KEYS;
        BOOLEAN made;

        if (rand_r(&seed) % 2) {
            assert_int_equal(
                *(ULONG *)RtlInsertElementGenericTable(&table, &key, sizeof key, &made), key);
            assert_int_equal(made, !present[key]);
            count += made;
            present[key] = TRUE;
        } else {
            assert_int_equal(RtlDeleteElementGenericTable(&table, &key), present[key]);
            count -= present[key];
            present[key] = FALSE;
        }
        assert_int_equal(RtlNumberGenericTableElements(&table), count);
        assert_int_equal(RtlLookupElementGenericTable(&table, &key) != NULL, present[key]);
    }
    for (ULONG key = next_present(0); key < KEYS; key = next_present(key + 1))
        assert_int_equal(*(ULONG *)RtlEnumerateGenericTableWithoutSplaying(&table, &restart), key);
    assert_null(RtlEnumerateGenericTableWithoutSplaying(&table, &restart));
    for (ULONG *e; (e = RtlEnumerateGenericTable(&table, TRUE));)
        RtlDeleteElementGenericTable(&table, e);
    assert_true(RtlIsGenericTableEmpty(&table));
    assert_int_equal(allocated, 0);
    RtlInsertElementGenericTable(&table, &first, sizeof first, NULL);
    RtlInsertElementGenericTable(&table, &second, sizeof second, NULL);
    assert_int_equal(*(ULONG *)RtlGetElementGenericTable(&table, 0), first);
    assert_int_equal(*(ULONG *)RtlGetElementGenericTable(&table, 1), second);
    RtlDeleteElementGenericTable(&table, &first);
    RtlDeleteElementGenericTable(&table, &second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avl_matches_the_array),
        cmocka_unit_test(splay_matches_the_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
