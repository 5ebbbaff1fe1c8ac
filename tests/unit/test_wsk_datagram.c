/*
 * Sends of datagrams that the transport cannot take at once. A host takes them from loopback as
 * they come, so only a transport made for it shows this.
 */
#include "wsk_fake.h"

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static UCHAR bytes[3][64];
static PMDL mdls[3];
static SOCKADDR_IN peer = { .sin_family = AF_INET, .sin_port = 0x5000 };

/* All that it was given to send, in the order of the submissions. */
static size_t seen[8], submissions;

static size_t length_of(const struct net_op *op)
{
    const struct net_message one = { op->iov, op->iovcnt };
    size_t length = 0;

    for (unsigned m = 0; m < (op->messages ? op->message_count : 1); m++) {
        const struct net_message *message = op->messages ? &op->messages[m] : &one;
        for (unsigned i = 0; i < message->iovcnt; i++)
            length += message->iov[i].iov_len;
    }
    return length;
}

static void take_all(struct net_op *op)
{
    seen[submissions++] = length_of(op);
    op->result = (int64_t)length_of(op);
}

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    fake.answer = take_all;
    sock = calloc(1, sizeof(*sock));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = WSKP_DATAGRAM;
    sock->Type = SOCK_DGRAM;
    sock->Family = AF_INET;
    sock->State = WskpBound;
    sock->Client = client;
    sock->Datagram = calloc(1, sizeof(*sock->Datagram));
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    submissions = 0;
    for (unsigned i = 0; i < 3; i++) {
        mdls[i] = IoAllocateMdl(bytes[i], sizeof(bytes[i]), FALSE, FALSE, NULL);
        MmBuildMdlForNonPagedPool(mdls[i]);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        IoFreeMdl(mdls[i]);
    assert_int_equal(sock->Busy, 0);
    free(sock->Datagram);
    free(sock);
    request_free();
    fake_shutdown(client);
    return 0;
}

static NTSTATUS send_one(SIZE_T length)
{
    WSK_BUF buffer = { .Mdl = mdls[0], .Length = length };

    return WskpSendTo(&sock->Public, &buffer, 0, (PSOCKADDR)&peer, 0, NULL, request_irp());
}

/* Three datagrams of 10, 20 and 30 bytes under one IRP. */
static NTSTATUS send_three(void)
{
    WSK_BUF_LIST list[3] = { 0 };

    for (unsigned i = 0; i < 3; i++) {
        list[i].Buffer = (WSK_BUF){ .Mdl = mdls[i], .Length = 10 * (i + 1) };
        list[i].Next = i < 2 ? &list[i + 1] : NULL;
    }
    return WskpSendMessages(&sock->Public, list, 0, (PSOCKADDR)&peer, 0, NULL, request_irp());
}

static void completed(NTSTATUS status, ULONG_PTR information)
{
    assert_int_equal(request.completions, 1);
    assert_true(request.pending_returned);
    assert_int_equal(request.io.Status, status);
    assert_int_equal(request.io.Information, information);
}

static void one_waits(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(send_one(40), STATUS_PENDING);
    assert_int_equal(length_of(fake.kept), 40);
    assert_int_equal(request.completions, 0);
    fake_end(40);
    completed(STATUS_SUCCESS, 40);
}

static void one_fails_later(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(send_one(40), STATUS_PENDING);
    fake_end(-EHOSTUNREACH);
    completed(STATUS_HOST_UNREACHABLE, 0);
    assert_int_equal(send_one(40), STATUS_PENDING);
    fake_end(-EINVAL);
    completed(STATUS_INVALID_PARAMETER, 0);
}

/* A list is one operation: the transport keeps it together. */
static void list_waits(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(send_three(), STATUS_PENDING);
    assert_int_equal(fake.kept->message_count, 3);
    assert_int_equal(length_of(fake.kept), 60);
    fake_end(60);
    completed(STATUS_SUCCESS, 60);
}

/* A list that fails halfway says nothing of what was sent. */
static void list_fails_halfway(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(send_three(), STATUS_PENDING);
    fake_end(-ENETUNREACH);
    completed(STATUS_NETWORK_UNREACHABLE, 0);
}

static void list_at_once(void **state)
{
    (void)state;
    assert_int_equal(request_inline(send_three()), STATUS_SUCCESS);
    assert_int_equal(request.io.Information, 60);
    assert_int_equal(submissions, 1);
    assert_int_equal(seen[0], 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(one_fails_later, setup, teardown),
        cmocka_unit_test_setup_teardown(list_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(list_fails_halfway, setup, teardown),
        cmocka_unit_test_setup_teardown(list_at_once, setup, teardown),
    };

    return cmocka_run_group_tests_name("wsk datagram", tests, NULL, NULL);
}
