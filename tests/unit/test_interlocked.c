/* ExInterlocked lists and SLISTs under contention. */
#include "ke_test.h"

#define ENTRIES 64

struct lists {
    SLIST_HEADER slist;
    LIST_ENTRY list;
    SINGLE_LIST_ENTRY single;
    KSPIN_LOCK lock;
    LONG passed;
};

struct node {
    SLIST_ENTRY slink;
    LIST_ENTRY link;
    SINGLE_LIST_ENTRY single;
    long visits; /* plain: who has popped the node owns it */
};

/* Takes nodes from one list and puts them on another, round and round. */
static void turn(int number, void *arg)
{
    struct lists *l = arg;

    (void)number;
    for (int i = 0; i < 3000; i++) {
        PSLIST_ENTRY s = InterlockedPopEntrySList(&l->slist);
        if (s) {
            struct node *n = CONTAINING_RECORD(s, struct node, slink);
            n->visits++;
            ExInterlockedInsertTailList(&l->list, &n->link, &l->lock);
        }
        PLIST_ENTRY e = ExInterlockedRemoveHeadList(&l->list, &l->lock);
        if (e) {
            struct node *n = CONTAINING_RECORD(e, struct node, link);
            n->visits++;
            ExInterlockedPushEntryList(&l->single, &n->single, &l->lock);
        }
        PSINGLE_LIST_ENTRY p = ExInterlockedPopEntryList(&l->single, &l->lock);
        if (p) {
            struct node *n = CONTAINING_RECORD(p, struct node, single);
            n->visits++;
            InterlockedPushEntrySList(&l->slist, &n->slink);
        }
    }
}

static void nothing_is_lost(void **state)
{
    static struct node nodes[ENTRIES];
    static struct lists l;
    int count = 0;

    (void)state;
    InitializeSListHead(&l.slist);
    InitializeListHead(&l.list);
    for (int i = 0; i < ENTRIES; i++)
        InterlockedPushEntrySList(&l.slist, &nodes[i].slink);
    assert_int_equal(QueryDepthSList(&l.slist), ENTRIES);
    ke_run(4, turn, &l);
    while (ExInterlockedRemoveHeadList(&l.list, &l.lock))
        count++;
    while (ExInterlockedPopEntryList(&l.single, &l.lock))
        count++;
    for (PSLIST_ENTRY s = InterlockedFlushSList(&l.slist); s; s = s->Next)
        count++;
    assert_int_equal(count, ENTRIES);
    assert_int_equal(QueryDepthSList(&l.slist), 0);
}

static void order_and_results(void **state)
{
    SLIST_ENTRY entries[2];
    SLIST_HEADER head;
    LIST_ENTRY list, a, b;
    KSPIN_LOCK lock = 0;
    ULONG number = 5;

    (void)state;
    InitializeSListHead(&head);
    assert_null(InterlockedPopEntrySList(&head));
    assert_null(InterlockedPushEntrySList(&head, &entries[0]));
    assert_ptr_equal(InterlockedPushEntrySList(&head, &entries[1]), &entries[0]);
    assert_ptr_equal(FirstEntrySList(&head), &entries[1]);
    assert_ptr_equal(InterlockedPopEntrySList(&head), &entries[1]);
    InitializeListHead(&list);
    assert_null(ExInterlockedInsertHeadList(&list, &a, &lock));
    assert_ptr_equal(ExInterlockedInsertHeadList(&list, &b, &lock), &a);
    assert_ptr_equal(ExInterlockedRemoveHeadList(&list, &lock), &b);
    assert_int_equal(ExInterlockedAddUlong(&number, 2, &lock), 5);
    assert_int_equal(number, 7);
}

/* The accessors carry the type's name in front of the ordering, the width behind it. */
static void named_accessors(void **state)
{
    BOOLEAN flag = FALSE;
    ULONG64 wide = 0;
    LONG64 width = 0;

    (void)state;
    WriteBooleanRelease(&flag, TRUE);
    assert_true(ReadBooleanNoFence(&flag));
    WriteULong64NoFence(&wide, 1ull << 40);
    assert_true(ReadULong64Acquire(&wide) == 1ull << 40);
    WriteRelease64(&width, -3);
    assert_int_equal(ReadNoFence64(&width), -3);
}

/* wdm.h has these without intrin.h. */
static void bit_scans(void **state)
{
    ULONG index = 99;

    (void)state;
    assert_false(BitScanReverse(&index, 0));
    assert_true(BitScanReverse(&index, 0x80000001));
    assert_int_equal(index, 31);
    assert_true(BitScanForward64(&index, 1ull << 40));
    assert_int_equal(index, 40);
}

static void large_integers(void **state)
{
    LARGE_INTEGER sum = { .QuadPart = 5 }, ten = { .QuadPart = 10 };
    SLIST_HEADER head;
    KSPIN_LOCK lock;

    (void)state;
    KeInitializeSpinLock(&lock);
    assert_int_equal(ExInterlockedAddLargeInteger(&sum, ten, &lock).QuadPart, 5);
    assert_int_equal(sum.QuadPart, 15);
    assert_int_equal(lock, 0);
    memset(&head, 0xee, sizeof head);
    InitializeSListHead(&head);
    assert_int_equal(ExQueryDepthSList(&head), 0);
    assert_null(RtlFirstEntrySList(&head));
}

static jmp_buf stopped;

static void stop(const struct vf_finding *finding)
{
    (void)finding;
    longjmp(stopped, 1);
}

/* The lock of an ExInterlocked routine must not be held by its caller: that would spin for ever. */
static void under_its_own_lock(void **state)
{
    LARGE_INTEGER sum = { .QuadPart = 5 };
    KSPIN_LOCK lock;
    KIRQL irql;

    (void)state;
    KeInitializeSpinLock(&lock);
    KeAcquireSpinLock(&lock, &irql);
    vf_on_stop(stop);
    if (!setjmp(stopped)) {
        ExInterlockedAddLargeInteger(&sum, sum, &lock);
        fail();
    }
    vf_on_stop(NULL);
    assert_string_equal(ke_rule, "VF-LOCK-01");
    KeReleaseSpinLock(&lock, irql);
    assert_int_equal(sum.QuadPart, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost), cmocka_unit_test(named_accessors),
        cmocka_unit_test(bit_scans),       cmocka_unit_test(order_and_results),
        cmocka_unit_test(large_integers),  cmocka_unit_test(under_its_own_lock),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
