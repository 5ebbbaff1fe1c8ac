/*
 * Conditional accept when the peer goes away at the worst moment: while WskInspectEvent decides
 * about it (INSP-09, D26). The transport here says so inside the callback.
 */
#include "wsk_fake.h"

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static struct net_ep ep;
static struct net_op *watch;
static WSK_INSPECT_ID id;
static unsigned inspects, aborts;
static WSK_INSPECT_ACTION answer;
static int64_t peer; /* what the watch hears inside the callback; 1: nothing */

static WSK_INSPECT_ACTION NTAPI inspect(PVOID context, PSOCKADDR local, PSOCKADDR remote,
                                        PWSK_INSPECT_ID inspect_id)
{
    (void)context;
    (void)local;
    (void)remote;
    inspects++;
    id = *inspect_id;
    watch = fake.kept;
    assert_int_equal(watch->code, NET_OP_WATCH);
    fake.kept = NULL;
    if (peer <= 0) {
        watch->result = peer;
        watch->done(watch);
    }
    return answer;
}

static NTSTATUS NTAPI aborted(PVOID context, PWSK_INSPECT_ID inspect_id)
{
    (void)context;
    aborts++;
    assert_memory_equal(inspect_id, &id, sizeof(id));
    return STATUS_SUCCESS;
}

static int setup(void **state)
{
    static const WSK_CLIENT_LISTEN_DISPATCH table = { .WskInspectEvent = inspect,
                                                      .WskAbortEvent = aborted };

    (void)state;
    client = fake_boot();
    fake.pend = true;
    Wskp.Net[0] = (struct net *)(ULONG_PTR)4711;
    ep = (struct net_ep){ .net = Wskp.Net[0] };
    sock = calloc(1, sizeof(*sock));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = WSKP_LISTEN;
    sock->Type = SOCK_STREAM;
    sock->Family = AF_INET;
    sock->State = WskpListening;
    sock->Client = client;
    sock->ListenTable = &table;
    sock->Options.ConditionalAccept = TRUE;
    sock->Listener = calloc(1, sizeof(*sock->Listener));
    InitializeListHead(&sock->Listener->Fresh);
    InitializeListHead(&sock->Listener->Pended);
    InitializeListHead(&sock->Listener->Ready);
    InitializeListHead(&sock->Listener->Aborted);
    WskpQueueInit(&sock->Receives);
    sock->KickPending = TRUE; /* the tests pump */
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    inspects = aborts = 0;
    peer = 1;
    WskpPump(sock);
    assert_ptr_equal(fake.kept, &sock->RxOp);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_true(IsListEmpty(&sock->Listener->Fresh));
    assert_true(IsListEmpty(&sock->Listener->Pended));
    assert_true(IsListEmpty(&sock->Listener->Ready));
    assert_true(IsListEmpty(&sock->Listener->Aborted));
    assert_int_equal(sock->Busy, 0);
    free(sock->Listener);
    free(sock);
    request_free();
    fake_shutdown(client);
    return 0;
}

/* A connection arrives, and is inspected. */
static void arrive(WSK_INSPECT_ACTION action, int64_t heard)
{
    answer = action;
    peer = heard;
    fake.kept = NULL;
    sock->RxOp.result = 0;
    sock->RxOp.more = true;
    sock->RxOp.accepted = &ep;
    sock->RxOp.addr = sock->RxOp.local = (struct net_addr){ .family = NET_IP4, .port = 9 };
    sock->RxOp.done(&sock->RxOp);
    assert_int_equal(inspects, 1);
}

/* The connection is being reset; ends that. */
static void reset(void)
{
    assert_non_null(fake.kept);
    assert_int_equal(fake.kept->code, NET_OP_CLOSE);
    assert_int_equal(fake.kept->flags, NET_F_ABORT);
    fake_end(0);
}

static NTSTATUS decide(WSK_INSPECT_ACTION action)
{
    return request_inline(WskpInspectComplete(&sock->Public, &id, action, request_irp()));
}

static void rejected(void **state)
{
    (void)state;
    arrive(WskInspectReject, 1);
    reset();
    watch->result = -ECANCELED;
    watch->done(watch);
    assert_int_equal(aborts, 0);
    assert_int_equal(decide(WskInspectAccept), STATUS_INVALID_PARAMETER);
}

/* Nobody waits for a rejected connection: no abort is told. */
static void rejected_and_gone(void **state)
{
    (void)state;
    arrive(WskInspectReject, -ECONNRESET);
    reset();
    WskpPump(sock);
    assert_int_equal(aborts, 0);
    assert_true(IsListEmpty(&sock->Listener->Aborted));
}

static void accepted_and_gone(void **state)
{
    (void)state;
    arrive(WskInspectAccept, -ECONNRESET);
    assert_int_equal(aborts, 1);
    reset();
}

static void pended_and_gone(void **state)
{
    (void)state;
    arrive(WskInspectPend, -ECONNRESET);
    assert_int_equal(aborts, 1);
    reset();
    assert_int_equal(decide(WskInspectAccept), STATUS_SUCCESS); /* D26 */
    assert_int_equal(decide(WskInspectReject), STATUS_SUCCESS);
    id.SerialNumber++;
    assert_int_equal(decide(WskInspectAccept), STATUS_INVALID_PARAMETER);
}

/* A watch that only ends, or a peer that only shuts its direction, is no abort. */
static void pended_and_watched(void **state)
{
    (void)state;
    arrive(WskInspectPend, 0);
    assert_int_equal(aborts, 0);
    assert_null(fake.kept);
    id.Key++;
    assert_int_equal(decide(WskInspectReject), STATUS_INVALID_PARAMETER);
    id.Key--;
    assert_int_equal(decide(WskInspectReject), STATUS_SUCCESS);
    reset();
    assert_int_equal(decide(WskInspectReject), STATUS_INVALID_PARAMETER);
}

static void dropped_while_pended(void **state)
{
    (void)state;
    arrive(WskInspectPend, -ECANCELED);
    assert_int_equal(aborts, 0);
    WskpListenerDrop(sock);
    reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rejected, setup, teardown),
        cmocka_unit_test_setup_teardown(rejected_and_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(accepted_and_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(pended_and_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(pended_and_watched, setup, teardown),
        cmocka_unit_test_setup_teardown(dropped_while_pended, setup, teardown),
    };

    return cmocka_run_group_tests_name("wsk inspect", tests, NULL, NULL);
}
