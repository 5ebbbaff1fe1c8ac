/*
 * Indication nodes between the transport, the client and the counters that the reports of what was
 * not released are made from (D37, D38).
 */
#include "wsk_fake.h"

#define KEPT 1000 /* references of the test on each buffer */

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock, *other;
static UCHAR bytes[4][16];
static struct net_buf bufs[4];
static LIST_ENTRY nodes, back;
static WSKP_NODE *array[4];
static SIZE_T total;

static WSKP_SOCKET *make_socket(void)
{
    WSKP_SOCKET *s = calloc(1, sizeof(*s));

    s->Magic = WSKP_SOCKET_MAGIC;
    s->Category = WSKP_CONNECTION;
    s->Client = client;
    host_lock_init(&s->Lock, HOST_RANK_WSK_SOCKET);
    return s;
}

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    WskpBootNodes();
    sock = make_socket();
    other = make_socket();
    InitializeListHead(&nodes);
    InitializeListHead(&back);
    for (unsigned i = 0; i < 4; i++)
        bufs[i] = (struct net_buf){ bytes[i], 10, KEPT };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(sock->RetainedNodes, 0);
    assert_int_equal(sock->RetainedBytes, 0);
    assert_int_equal(client->Retained, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bufs[i].refs, KEPT);
    free(sock);
    free(other);
    WskpShutdownNodes();
    fake_shutdown(client);
    return 0;
}

/* Hands `count` buffers of 10 bytes each to the client, at most `room` of them. */
static ULONG indicate(unsigned count, ULONG room)
{
    for (unsigned i = 0; i < count; i++) {
        bufs[i].refs++;
        WSKP_NODE *n = WskpNodeNew(sock, &bufs[i]);
        assert_non_null(n);
        InsertTailList(&nodes, &n->Link);
    }
    return WskpNodesIndicate(sock, &nodes, array, room, &total);
}

static void retained(LONG count, SIZE_T amount)
{
    assert_int_equal(sock->RetainedNodes, count);
    assert_int_equal(sock->RetainedBytes, amount);
    assert_int_equal(client->Retained, count);
}

static WSKP_NODE *first_back(void)
{
    assert_false(IsListEmpty(&back));
    return CONTAINING_RECORD(RemoveHeadList(&back), WSKP_NODE, Link);
}

static void kept_and_released(void **state)
{
    (void)state;
    assert_int_equal(indicate(3, 4), 3);
    assert_int_equal(total, 30);
    for (unsigned i = 0; i < 3; i++) {
        const WSK_BUF *b = &array[i]->Data.Buffer;
        assert_int_equal(b->Length, 10);
        assert_int_equal(b->Offset, 0);
        assert_ptr_equal(MmGetMdlVirtualAddress(b->Mdl), bytes[i]);
        assert_int_equal(MmGetMdlByteCount(b->Mdl), 10);
        assert_ptr_equal(array[i]->Data.Next, i < 2 ? array[i + 1] : NULL);
    }
    retained(3, 30);
    WskpNodesLeave(array, 3);
    retained(3, 30);
    assert_int_equal(bufs[2].refs, KEPT + 1);
    assert_int_equal(WskpReleaseNodes(sock, array[0], FALSE, NULL), STATUS_SUCCESS);
}

static void not_more_than_there_is_room_for(void **state)
{
    (void)state;
    assert_int_equal(indicate(3, 2), 2);
    assert_int_equal(total, 20);
    assert_null(array[1]->Data.Next);
    assert_false(IsListEmpty(&nodes));
    retained(2, 20);
    WskpNodesTakeBack(sock, array, 2, 0, NULL);
    retained(0, 0);
    assert_int_equal(bufs[1].refs, KEPT);
    assert_int_equal(bufs[2].refs, KEPT + 1);
    WskpReclaimNodes(&nodes);
    assert_true(IsListEmpty(&nodes));
}

/* 15 of 30 bytes were accepted: the rest is indicated again from where the client stopped. */
static void accepted_in_part(void **state)
{
    (void)state;
    assert_int_equal(indicate(3, 4), 3);
    WskpNodesTakeBack(sock, array, 3, 15, &back);
    retained(0, 0);
    assert_int_equal(bufs[0].refs, KEPT);
    WSKP_NODE *second = first_back(), *third = first_back();
    assert_true(IsListEmpty(&back));
    assert_ptr_equal(second, array[1]);
    assert_ptr_equal(third, array[2]);
    assert_int_equal(second->Consumed, 5);
    assert_int_equal(third->Consumed, 0);

    InsertTailList(&nodes, &second->Link);
    InsertTailList(&nodes, &third->Link);
    assert_int_equal(WskpNodesIndicate(sock, &nodes, array, 4, &total), 2);
    assert_int_equal(total, 15);
    retained(2, 15);
    assert_int_equal(array[0]->Data.Buffer.Length, 5);
    assert_ptr_equal(MmGetMdlVirtualAddress(array[0]->Data.Buffer.Mdl), bytes[1] + 5);
    WskpNodesTakeBack(sock, array, 2, 15, &back);
    assert_true(IsListEmpty(&back));
}

/* Released while the callback still runs: its memory stays until the callback has ended. */
static void released_inside(void **state)
{
    (void)state;
    assert_int_equal(indicate(2, 4), 2);
    array[0]->Data.Next = NULL; /* the client splits the list */
    assert_int_equal(WskpReleaseNodes(sock, array[0], FALSE, NULL), STATUS_SUCCESS);
    retained(1, 10);
    assert_int_equal(bufs[0].refs, KEPT + 1);
    WskpNodesTakeBack(sock, array, 2, 0, &back);
    assert_int_equal(bufs[0].refs, KEPT);
    assert_ptr_equal(first_back(), array[1]);
    WskpNodeFree(array[1]);
}

static void released_inside_and_kept(void **state)
{
    (void)state;
    assert_int_equal(indicate(1, 4), 1);
    assert_int_equal(WskpReleaseNodes(sock, array[0], FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(bufs[0].refs, KEPT + 1);
    WskpNodesLeave(array, 1);
    assert_int_equal(bufs[0].refs, KEPT);
}

static void refused(void **state)
{
    UCHAR nothing[sizeof(WSKP_NODE)] = { 0 };

    (void)state;
    assert_int_equal(indicate(1, 4), 1);
    assert_int_equal(WskpReleaseNodes(other, array[0], FALSE, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(WskpReleaseNodes(sock, array[0], TRUE, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(WskpReleaseNodes(sock, nothing, FALSE, NULL), STATUS_INVALID_PARAMETER);
    retained(1, 10);
    assert_int_equal(WskpReleaseNodes(sock, array[0], FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(WskpReleaseNodes(sock, array[0], FALSE, NULL), STATUS_INVALID_PARAMETER);
    retained(0, 0);
    WskpNodesLeave(array, 1);
}

/* An ICMP error and an empty datagram have no bytes and no MDL (D46). */
static void without_bytes(void **state)
{
    (void)state;
    bufs[0].refs += 2;
    WSKP_NODE *error = WskpNodeNew(sock, &bufs[0]), *empty = WskpNodeNew(sock, &bufs[0]);
    error->DatagramKind = empty->DatagramKind = TRUE;
    error->IsError = TRUE;
    empty->Consumed = 10;
    WskpNodeDescribe(error);
    WskpNodeDescribe(empty);
    assert_null(error->Datagram.Buffer.Mdl);
    assert_int_equal(error->Datagram.Buffer.Length, 0);
    assert_null(empty->Datagram.Buffer.Mdl);
    assert_int_equal(empty->Datagram.Buffer.Length, 0);
    error->IsError = FALSE;
    WskpNodeDescribe(error);
    assert_int_equal(error->Datagram.Buffer.Length, 10);
    assert_ptr_equal(MmGetMdlVirtualAddress(error->Datagram.Buffer.Mdl), bytes[0]);
    WskpNodeFree(error);
    WskpNodeFree(empty);
}

/* A node that comes again remembers nothing of its last use. */
static void used_again(void **state)
{
    (void)state;
    bufs[0].refs++;
    WSKP_NODE *first = WskpNodeNew(sock, &bufs[0]);
    first->IsError = first->DatagramKind = TRUE;
    first->Consumed = 7;
    first->Flags = 3;
    WskpNodeFree(first);
    assert_int_equal(first->Magic, 0);
    bufs[1].refs++;
    WSKP_NODE *again = WskpNodeNew(other, &bufs[1]);
    assert_ptr_equal(again, first);
    assert_ptr_equal(again->Socket, other);
    assert_ptr_equal(again->Buf, &bufs[1]);
    assert_int_equal(again->State, WskpNodeHeld);
    assert_false(again->IsError || again->DatagramKind || again->Consumed || again->Flags);
    WSKP_NODE *fresh = WskpNodeNew(other, NULL);
    assert_ptr_not_equal(fresh, again);
    WskpNodeFree(fresh);
    WskpNodeFree(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_and_released, setup, teardown),
        cmocka_unit_test_setup_teardown(not_more_than_there_is_room_for, setup, teardown),
        cmocka_unit_test_setup_teardown(accepted_in_part, setup, teardown),
        cmocka_unit_test_setup_teardown(released_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(released_inside_and_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
        cmocka_unit_test_setup_teardown(without_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(used_again, setup, teardown),
    };

    return cmocka_run_group_tests_name("wsk indicate", tests, NULL, NULL);
}
