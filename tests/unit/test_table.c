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

static PVOID NTAPI avl_no_memory(PRTL_AVL_TABLE t, CLONG size)
{
    (void)t;
    (void)size;
    return NULL;
}

static PVOID NTAPI splay_no_memory(PRTL_GENERIC_TABLE t, CLONG size)
{
    (void)t;
    (void)size;
    return NULL;
}

/* Look up first, insert at the place found. */
static void avl_full_insertion(void **state)
{
    RTL_AVL_TABLE table;
    TABLE_SEARCH_RESULT where;
    PVOID node;
    ULONG keys[] = { 5, 2, 8, 5 };
    BOOLEAN made;

    (void)state;
    RtlInitializeGenericTableAvl(&table, avl_compare, avl_allocate, avl_free, NULL);
    for (int i = 0; i < 4; i++) {
        ULONG *found = RtlLookupElementGenericTableFullAvl(&table, &keys[i], &node, &where);

        assert_int_equal(found != NULL, i == 3);
        assert_int_equal(where, i == 0   ? TableEmptyTree
                                : i == 1 ? TableInsertAsLeft
                                : i == 2 ? TableInsertAsRight
                                         : TableFoundNode);
        found = RtlInsertElementGenericTableFullAvl(&table, &keys[i], sizeof keys[i], &made, node,
                                                    where);
        assert_int_equal(*found, keys[i]);
        assert_int_equal(made, i < 3);
    }
    assert_int_equal(RtlNumberGenericTableElementsAvl(&table), 3);
    assert_non_null(RtlLookupElementGenericTableFullAvl(&table, &keys[0], &node, &where));
    RtlDeleteElementGenericTableAvlEx(&table, node);
    assert_null(RtlLookupElementGenericTableAvl(&table, &keys[0]));
    RtlDeleteElementGenericTableAvl(&table, &keys[1]);
    RtlDeleteElementGenericTableAvl(&table, &keys[2]);
    assert_int_equal(allocated, 0);
    table.AllocateRoutine = avl_no_memory;
    made = TRUE;
    assert_null(RtlInsertElementGenericTableAvl(&table, &keys[0], sizeof keys[0], &made));
    assert_false(made);
    assert_null(RtlInsertElementGenericTableAvl(&table, &keys[0], sizeof keys[0], NULL));
    assert_true(RtlIsGenericTableEmptyAvl(&table));
    assert_null(RtlGetElementGenericTableAvl(&table, 0));
}

static void fill_avl(PRTL_AVL_TABLE table, ULONG count, BOOLEAN up)
{
    RtlInitializeGenericTableAvl(table, avl_compare, avl_allocate, avl_free, NULL);
    for (ULONG i = 0; i < count; i++) {
        ULONG key = 10 * (up ? i : count - 1 - i);

        RtlInsertElementGenericTableAvl(table, &key, sizeof key, NULL);
    }
}

static void empty_avl(PRTL_AVL_TABLE table)
{
    for (ULONG *e; (e = RtlEnumerateGenericTableAvl(table, TRUE));)
        RtlDeleteElementGenericTableAvl(table, e);
    assert_int_equal(allocated, 0);
}

static void avl_by_rank_in_any_order(void **state)
{
    static const ULONG ranks[] = { 9, 0, 5, 4, 8, 8, 1, 9, 2 };
    RTL_AVL_TABLE table;
    PVOID restart = NULL;
    ULONG i = 0;

    (void)state;
    fill_avl(&table, 10, FALSE);
    for (size_t r = 0; r < sizeof ranks / sizeof *ranks; r++)
        assert_int_equal(*(ULONG *)RtlGetElementGenericTableAvl(&table, ranks[r]), 10 * ranks[r]);
    assert_null(RtlGetElementGenericTableAvl(&table, 10));
    for (ULONG *e; (e = RtlEnumerateGenericTableWithoutSplayingAvl(&table, &restart)); i++)
        assert_int_equal(*e, 10 * i);
    assert_int_equal(i, 10);
    empty_avl(&table);
}

/* Compares only the tens of tens: several elements match. */
static RTL_GENERIC_COMPARE_RESULTS NTAPI coarse_compare(PRTL_AVL_TABLE t, PVOID a, PVOID b)
{
    ULONG x = *(ULONG *)a / 100, y = *(ULONG *)b / 100;

    (void)t;
    return x < y ? GenericLessThan : x > y ? GenericGreaterThan : GenericEqual;
}

static void avl_first_match(void **state)
{
    RTL_AVL_TABLE table;
    ULONG key = 155, none = 999;
    PVOID restart;

    (void)state;
    fill_avl(&table, 40, TRUE);
    table.CompareRoutine = coarse_compare;
    assert_int_equal(*(ULONG *)RtlLookupFirstMatchingElementGenericTableAvl(&table, &key, &restart),
                     100);
    assert_int_equal(*(ULONG *)RtlEnumerateGenericTableWithoutSplayingAvl(&table, &restart), 110);
    assert_null(RtlLookupFirstMatchingElementGenericTableAvl(&table, &none, &restart));
    assert_null(restart);
    table.CompareRoutine = avl_compare;
    empty_avl(&table);
}

static NTSTATUS NTAPI match_even_tens(PRTL_AVL_TABLE t, PVOID data, PVOID limit)
{
    ULONG key = *(ULONG *)data;

    (void)t;
    if (key > *(ULONG *)limit)
        return STATUS_NO_MORE_MATCHES;
    return key / 10 % 2 ? STATUS_NO_MATCH : STATUS_SUCCESS;
}

static ULONG *next_in(PRTL_AVL_TABLE table, PVOID *restart, ULONG next, PULONG deletes, ULONG from,
                      ULONG limit)
{
    return RtlEnumerateGenericTableLikeADirectory(table, limit ? match_even_tens : NULL, &limit,
                                                  next, restart, deletes, &from);
}

static void avl_like_a_directory(void **state)
{
    RTL_AVL_TABLE table;
    PVOID restart = NULL;
    ULONG deletes = 0, gone = 20;

    (void)state;
    RtlInitializeGenericTableAvl(&table, avl_compare, avl_allocate, avl_free, NULL);
    assert_null(next_in(&table, &restart, FALSE, &deletes, 0, 0));
    fill_avl(&table, 10, TRUE);
    assert_int_equal(*next_in(&table, &restart, FALSE, &deletes, 15, 0), 20);
    assert_int_equal(*next_in(&table, &restart, FALSE, &deletes, 0, 0), 20); /* the same again */
    assert_int_equal(*next_in(&table, &restart, TRUE, &deletes, 0, 0), 30);
    restart = NULL;
    assert_int_equal(*next_in(&table, &restart, TRUE, &deletes, 40, 0), 50); /* after a match */
    restart = NULL;
    assert_int_equal(*next_in(&table, &restart, FALSE, &deletes, 40, 0), 40);
    restart = NULL;
    assert_int_equal(*next_in(&table, &restart, FALSE, &deletes, 30, 80), 40);
    restart = NULL;
    assert_null(next_in(&table, &restart, FALSE, &deletes, 30, 29)); /* beyond what can match */
    restart = NULL;
    assert_null(next_in(&table, &restart, FALSE, &deletes, 95, 0));
    /* After a deletion the place is found again by the caller's key. */
    restart = NULL;
    assert_int_equal(*next_in(&table, &restart, FALSE, &deletes, 20, 0), 20);
    assert_true(RtlDeleteElementGenericTableAvl(&table, &gone));
    assert_int_equal(*next_in(&table, &restart, TRUE, &deletes, 20, 0), 30);
    assert_int_equal(deletes, table.DeleteCount);
    empty_avl(&table);
}

static void splay_full_insertion(void **state)
{
    RTL_GENERIC_TABLE table;
    TABLE_SEARCH_RESULT where;
    PVOID node;
    ULONG keys[] = { 5, 2, 8, 5 }, rank = 0;
    BOOLEAN made;

    (void)state;
    RtlInitializeGenericTable(&table, splay_compare, splay_allocate, splay_free, NULL);
    for (int i = 0; i < 4; i++) {
        ULONG *found = RtlLookupElementGenericTableFull(&table, &keys[i], &node, &where);

        assert_int_equal(found != NULL, i == 3);
        found =
            RtlInsertElementGenericTableFull(&table, &keys[i], sizeof keys[i], &made, node, where);
        assert_int_equal(*found, keys[i]);
        assert_int_equal(made, i < 3);
    }
    /* By rank in the order of insertion, forwards and backwards. */
    for (; rank < 3; rank++)
        assert_int_equal(*(ULONG *)RtlGetElementGenericTable(&table, rank), keys[rank]);
    for (; rank-- > 0;)
        assert_int_equal(*(ULONG *)RtlGetElementGenericTable(&table, rank), keys[rank]);
    assert_null(RtlGetElementGenericTable(&table, 3));
    assert_int_equal(*(ULONG *)RtlEnumerateGenericTable(&table, TRUE), 2);
    assert_int_equal(*(ULONG *)RtlEnumerateGenericTable(&table, FALSE), 5);
    assert_int_equal(*(ULONG *)RtlEnumerateGenericTable(&table, FALSE), 8);
    assert_null(RtlEnumerateGenericTable(&table, FALSE));
    for (int i = 0; i < 3; i++)
        assert_true(RtlDeleteElementGenericTable(&table, &keys[i]));
    assert_null(RtlEnumerateGenericTable(&table, TRUE));
    table.AllocateRoutine = splay_no_memory;
    made = TRUE;
    assert_null(RtlInsertElementGenericTable(&table, &keys[0], sizeof keys[0], &made));
    assert_false(made);
    assert_int_equal(allocated, 0);
}

/* A tree of seven nodes by hand: 0..6 in order, 3 at the top. */
static void splay_links(void **state)
{
    static const int parents[] = { 1, 3, 1, 3, 5, 3, 5 };
    RTL_SPLAY_LINKS n[7], *root;

    (void)state;
    for (int i = 0; i < 7; i++)
        RtlInitializeSplayLinks(&n[i]);
    for (int i = 0; i < 7; i++) {
        n[i].Parent = &n[parents[i]];
        if (i < parents[i])
            n[parents[i]].LeftChild = &n[i];
        else if (i > parents[i])
            n[parents[i]].RightChild = &n[i];
    }
    for (int i = 0; i < 7; i++) {
        assert_ptr_equal(RtlRealSuccessor(&n[i]), i < 6 ? &n[i + 1] : NULL);
        assert_ptr_equal(RtlRealPredecessor(&n[i]), i > 0 ? &n[i - 1] : NULL);
    }
    assert_ptr_equal(RtlSubtreeSuccessor(&n[3]), &n[4]);
    assert_ptr_equal(RtlSubtreePredecessor(&n[3]), &n[2]);
    assert_null(RtlSubtreeSuccessor(&n[0]));
    assert_null(RtlSubtreePredecessor(&n[0]));
    root = RtlSplay(&n[0]);
    assert_ptr_equal(root, &n[0]);
    assert_ptr_equal(root->Parent, root);
    root = RtlDelete(&n[3]);
    assert_ptr_equal(RtlRealSuccessor(&n[2]), &n[4]);
    for (int i = 0; i < 7; i++) {
        if (i != 3)
            root = RtlDelete(&n[i]);
    }
    assert_null(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avl_matches_the_array), cmocka_unit_test(splay_matches_the_array),
        cmocka_unit_test(avl_full_insertion),    cmocka_unit_test(avl_by_rank_in_any_order),
        cmocka_unit_test(avl_first_match),       cmocka_unit_test(avl_like_a_directory),
        cmocka_unit_test(splay_full_insertion),  cmocka_unit_test(splay_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
