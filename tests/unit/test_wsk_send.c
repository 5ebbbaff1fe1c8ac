/*
 * Datagrams that the network does not take at once, which the host's own loopback always does: the
 * IRP pends, and a refusal ends it.
 */
#include "wsk_fake.h"

#define MESSAGES 3

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static WSKP_DATAGRAM_STATE datagram;
static UCHAR bytes[MESSAGES][16];
static WSK_BUF_LIST list[MESSAGES];
static SOCKADDR_IN to = { .sin_family = AF_INET, .sin_port = 0x0900 };
static unsigned submitted; /* messages that the network saw */
static int64_t result;

static void take(struct net_op *op)
{
    submitted++;
    op->result = result;
}

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    fake.answer = take;
    sock = calloc(1, sizeof(*sock));
    memset(&datagram, 0, sizeof(datagram));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = WSKP_DATAGRAM;
    sock->Type = SOCK_DGRAM;
    sock->Family = AF_INET;
    sock->State = WskpBound;
    sock->Client = client;
    sock->Datagram = &datagram;
    InitializeListHead(&sock->Held);
    WskpQueueInit(&sock->Receives);
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    for (unsigned i = 0; i < MESSAGES; i++) {
        PMDL mdl = IoAllocateMdl(bytes[i], sizeof(bytes[i]), FALSE, FALSE, NULL);
        MmBuildMdlForNonPagedPool(mdl);
        list[i] = (WSK_BUF_LIST){ i + 1 < MESSAGES ? &list[i + 1] : NULL, { mdl, 0, 10 + i } };
    }
    submitted = 0;
    result = 10;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MESSAGES; i++)
        IoFreeMdl(list[i].Buffer.Mdl);
    request_free();
    assert_int_equal(sock->Busy, 0);
    free(sock);
    fake_shutdown(client);
    return 0;
}

static NTSTATUS send_one(void)
{
    return WskpSendTo(&sock->Public, &list[0].Buffer, 0, (PSOCKADDR)&to, 0, NULL, request_irp());
}

static NTSTATUS send_all(void)
{
    return WskpSendMessages(&sock->Public, &list[0], 0, (PSOCKADDR)&to, 0, NULL, request_irp());
}

static void expect(NTSTATUS status, ULONG_PTR information)
{
    assert_int_equal(request.completions, 1);
    assert_true(request.pending_returned);
    assert_int_equal(request.io.Status, status);
    assert_int_equal(request.io.Information, information);
}

static void one_pends(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(send_one(), STATUS_PENDING);
    assert_int_equal(request.completions, 0);
    fake_end(10);
    expect(STATUS_SUCCESS, 10);
    assert_int_equal(send_one(), STATUS_PENDING);
    fake_end(-EINVAL);
    expect(STATUS_INVALID_PARAMETER, 0);
    assert_int_equal(send_one(), STATUS_PENDING);
    fake_end(-ENETUNREACH);
    expect(STATUS_NETWORK_UNREACHABLE, 0);
    assert_int_equal(send_one(), STATUS_PENDING);
    assert_true(IoCancelIrp(request.irp));
    assert_int_equal(fake.cancels, 1);
    fake_end(-ECANCELED);
    expect(STATUS_CANCELLED, 0);
}

/* The IRP was cancelled before the call: nothing is sent. */
static void cancelled_before(void **state)
{
    PIRP irp = request_irp();

    (void)state;
    irp->Cancel = TRUE;
    assert_int_equal(
        request_inline(WskpSendTo(&sock->Public, &list[0].Buffer, 0, (PSOCKADDR)&to, 0, NULL, irp)),
        STATUS_CANCELLED);
    assert_int_equal(submitted, 0);
}

/* The transport gets the list as a whole, for it is the one that keeps the order. */
static void list_pends(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(send_all(), STATUS_PENDING);
    assert_int_equal(fake.kept->message_count, MESSAGES);
    for (unsigned i = 0; i < MESSAGES; i++) {
        const struct net_message *m = &fake.kept->messages[i];
        assert_int_equal(m->iovcnt, 1);
        assert_ptr_equal(m->iov->iov_base, bytes[i]);
        assert_int_equal(m->iov->iov_len, 10 + i);
    }
    assert_int_equal(request.completions, 0);
    fake_end(10 + 11 + 12);
    expect(STATUS_SUCCESS, 10 + 11 + 12);
}

static void list_ends_with_a_refusal(void **state)
{
    (void)state;
    fake.pend = true;
    assert_int_equal(send_all(), STATUS_PENDING);
    fake_end(-ENOBUFS);
    expect(STATUS_INSUFFICIENT_RESOURCES, 0);
    fake.pend = false;
    result = -ENOBUFS;
    submitted = 0;
    assert_int_equal(request_inline(send_all()), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(submitted, 1);
}

/* A buffer beyond its MDLs in the middle of a list: nothing is sent. */
static void list_with_a_bad_buffer(void **state)
{
    (void)state;
    list[1].Buffer.Length = sizeof(bytes[1]) + 1;
    assert_int_equal(request_inline(send_all()), STATUS_INVALID_PARAMETER);
    assert_int_equal(submitted, 0);
}

static void by_fixed_addresses(void **state)
{
    struct net_addr fixed = { .family = NET_IP4, .port = 7, .ip = { 10, 0, 0, 1 } };

    (void)state;
    to.sin_family = AF_INET;
    assert_int_equal(
        request_inline(WskpSendTo(&sock->Public, &list[0].Buffer, 0, NULL, 0, NULL, request_irp())),
        STATUS_INVALID_PARAMETER); /* to whom? */
    datagram.HasSendTo = TRUE;     /* set before the remote address, which was taken back */
    datagram.SendTo = fixed;
    assert_int_equal(
        request_inline(WskpSendTo(&sock->Public, &list[0].Buffer, 0, NULL, 0, NULL, request_irp())),
        STATUS_SUCCESS);
    datagram.HasRemote = TRUE; /* set later */
    datagram.Remote = fixed;
    assert_int_equal(
        request_inline(WskpSendTo(&sock->Public, &list[0].Buffer, 0, NULL, 0, NULL, request_irp())),
        STATUS_SUCCESS);
    assert_int_equal(submitted, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_pends),
        TEST(cancelled_before),
        TEST(list_pends),
        TEST(list_ends_with_a_refusal),
        TEST(list_with_a_bad_buffer),
        TEST(by_fixed_addresses),
    };

    return cmocka_run_group_tests_name("wsk send", tests, NULL, NULL);
}
