/*
 * A request between its caller, the transport and whoever cancels it, at the moments that no host
 * lets a test choose: a cancel that comes before the transport knows the operation.
 */
#include "wsk_fake.h"

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static UCHAR bytes[64];
static PMDL mdl;
static unsigned cancels_seen;

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    sock = calloc(1, sizeof(*sock));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = WSKP_CONNECTION;
    sock->Type = SOCK_STREAM;
    sock->Family = AF_INET;
    sock->State = WskpConnected;
    sock->Client = client;
    InitializeListHead(&sock->Held);
    WskpQueueInit(&sock->Receives);
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    sock->KickPending = TRUE; /* the tests pump */
    mdl = IoAllocateMdl(bytes, sizeof(bytes), FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    IoFreeMdl(mdl);
    assert_int_equal(sock->Busy, 0);
    assert_int_equal(sock->Receives.Submitted, 0);
    free(sock);
    request_free();
    fake_shutdown(client);
    return 0;
}

static NTSTATUS receive(SIZE_T length, ULONG flags)
{
    WSK_BUF buffer = { .Mdl = mdl, .Length = length };

    return WskpReceiveRequest(&sock->Public, &buffer, flags, request_irp());
}

static NTSTATUS get_name(void)
{
    static UNICODE_STRING node = RTL_CONSTANT_STRING(L"somewhere.example");
    static PADDRINFOEXW result;

    return WskpGetAddressInfo(client, &node, NULL, 0, NULL, NULL, &result, NULL, NULL,
                              request_irp());
}

static void cancel_it(void)
{
    fake.meanwhile = NULL;
    assert_true(IoCancelIrp(request.irp));
    cancels_seen = fake.cancels;
}

/* The transport hears of the cancel again when it knows what to cancel. */
static void repeated(NTSTATUS returned)
{
    assert_int_equal(returned, STATUS_PENDING);
    assert_int_equal(cancels_seen, 1);
    assert_int_equal(fake.cancels, 2);
    fake_end(-ECANCELED);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, STATUS_CANCELLED);
}

static void cancelled_before_it_is_known(void **state)
{
    (void)state;
    fake.pend = true;
    fake.meanwhile = cancel_it;
    repeated(receive(10, 0));
    fake.cancels = 0;
    fake.meanwhile = cancel_it;
    repeated(get_name());
}

/* The same for the second part of a request that goes on (WSK_FLAG_WAITALL). */
static void cancelled_before_the_rest_is_known(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(receive(10, WSK_FLAG_WAITALL), STATUS_PENDING);
    fake.meanwhile = cancel_it;
    fake_end(4);
    assert_int_equal(request.completions, 0);
    assert_int_equal(cancels_seen, 1);
    assert_int_equal(fake.cancels, 2);
    fake_end(-ECANCELED);
    assert_int_equal(request.completions, 1);
}

/* Nothing follows a close, and what the request has until then is a cancelled one's (D09). */
static void closed_before_the_rest_is_known(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(receive(10, WSK_FLAG_WAITALL), STATUS_PENDING);
    sock->Busy = WSKP_CLOSING + 1; /* the close itself waits until the test has looked */
    fake_end(4);
    sock->Busy = 0;
    assert_null(fake.kept);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, STATUS_CANCELLED);
    assert_int_equal(request.io.Information, 4);
}

/* What has arrived has filled the first parts of the buffer: the rest is what follows them. */
static void the_rest_of_a_chain(void **state)
{
    static UCHAR more[16];
    PMDL second = IoAllocateMdl(more, sizeof(more), FALSE, FALSE, NULL);

    (void)state;
    MmBuildMdlForNonPagedPool(second);
    mdl->Next = second;
    fake.pend = true;
    assert_int_equal(receive(sizeof(bytes) + 10, WSK_FLAG_WAITALL), STATUS_PENDING);
    assert_int_equal(fake.kept->iovcnt, 2);
    fake_end(sizeof(bytes) + 4);
    assert_int_equal(fake.kept->iovcnt, 1);
    assert_ptr_equal(fake.kept->iov[0].iov_base, more + 4);
    assert_int_equal(fake.kept->iov[0].iov_len, 6);
    fake_end(6);
    assert_int_equal(request.io.Status, STATUS_SUCCESS);
    assert_int_equal(request.io.Information, sizeof(bytes) + 10);
    IoFreeMdl(second);
}

/* Nobody cancels: the transport hears of nothing. */
static void not_cancelled(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(receive(10, 0), STATUS_PENDING);
    assert_int_equal(fake.cancels, 0);
    fake_end(3);
    assert_int_equal(request.io.Status, STATUS_SUCCESS);
    assert_int_equal(request.io.Information, 3);
    assert_true(request.pending_returned);
    assert_int_equal(client->Irps, 0);
}

/* A cancel that finds the operation done inline changes nothing (D01). */
static void answer(struct net_op *op)
{
    op->result = 5;
}

static void cancelled_but_done(void **state)
{
    (void)state;
    fake.answer = answer;
    fake.meanwhile = cancel_it;
    assert_int_equal(request_inline(receive(10, 0)), STATUS_SUCCESS);
    assert_int_equal(request.io.Information, 5);
    assert_int_equal(fake.cancels, 1);
}

/* ---- disconnect -------------------------------------------------------------------------- */

static int second_completions;

static NTSTATUS NTAPI second_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    (void)irp;
    (void)context;
    second_completions++;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* A receive that waits, here for a completion elsewhere, ends with the abort and not after it. */
static void abort_ends_waiting_receives(void **state)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    int elsewhere;

    (void)state;
    second_completions = 0;
    IoSetCompletionRoutine(irp, second_done, NULL, TRUE, TRUE, TRUE);
    fake.pend = true;
    sock->Completing = 1;
    sock->Completer = (PKTHREAD)(PVOID)&elsewhere;
    assert_int_equal(receive(10, 0), STATUS_PENDING);
    assert_null(fake.kept);
    assert_int_equal(WskpDisconnectRequest(&sock->Public, NULL, WSK_FLAG_ABORTIVE, irp),
                     STATUS_PENDING);
    WskpEndCompletion(sock);
    assert_int_equal(request.completions, 0);
    fake_end(0);
    assert_int_equal(second_completions, 1);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, STATUS_CONNECTION_ABORTED);
    IoFreeIrp(irp);
}

/* A disconnect that was cancelled before the call has not happened. */
static void cancelled_disconnect_can_be_repeated(void **state)
{
    (void)state;
    fake.answer = answer;
    PIRP irp = request_irp();
    irp->Cancel = TRUE;
    assert_int_equal(request_inline(WskpDisconnectRequest(&sock->Public, NULL, 0, irp)),
                     STATUS_CANCELLED);
    assert_int_equal(request_inline(WskpDisconnectRequest(&sock->Public, NULL, 0, request_irp())),
                     STATUS_SUCCESS);
    assert_int_equal(request_inline(WskpDisconnectRequest(&sock->Public, NULL, 0, request_irp())),
                     STATUS_INVALID_DEVICE_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cancelled_before_it_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_before_the_rest_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(closed_before_the_rest_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(the_rest_of_a_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(not_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_but_done, setup, teardown),
        cmocka_unit_test_setup_teardown(abort_ends_waiting_receives, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_disconnect_can_be_repeated, setup, teardown),
    };

    return cmocka_run_group_tests_name("wsk request", tests, NULL, NULL);
}
