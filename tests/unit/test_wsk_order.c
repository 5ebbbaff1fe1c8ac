/*
 * Completions of received data keep its order (D30), and those of sends theirs, also in the moment
 * between the transport taking the bytes for one request and that request's completion routine
 * running. Each test puts itself into that moment: with a transport that would serve a second
 * request at once, or on the thread of a completion that is under way elsewhere.
 */
#include "wsk_fake.h"

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static UCHAR bytes[2][16];
static PMDL mdls[2];
static PIRP irps[2];
static unsigned completed[4], completions;

static NTSTATUS NTAPI note(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    (void)irp;
    completed[completions++] = (unsigned)(ULONG_PTR)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void seven(struct net_op *op)
{
    op->result = 7;
}

static void boot(USHORT type, UCHAR category, WSKP_STATE state)
{
    client = fake_boot();
    fake.answer = seven;
    sock = calloc(1, sizeof(*sock));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = category;
    sock->Type = type;
    sock->Family = AF_INET;
    sock->State = state;
    sock->Client = client;
    sock->Datagram = calloc(1, sizeof(*sock->Datagram));
    InitializeListHead(&sock->Held);
    WskpQueueInit(&sock->Receives);
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    completions = 0;
    for (unsigned i = 0; i < 2; i++) {
        irps[i] = IoAllocateIrp(1, FALSE);
        IoSetCompletionRoutine(irps[i], note, (PVOID)(ULONG_PTR)i, TRUE, TRUE, TRUE);
        mdls[i] = IoAllocateMdl(bytes[i], sizeof(bytes[i]), FALSE, FALSE, NULL);
        MmBuildMdlForNonPagedPool(mdls[i]);
    }
}

static void shutdown_all(void)
{
    for (unsigned i = 0; i < 2; i++) {
        IoFreeMdl(mdls[i]);
        IoFreeIrp(irps[i]);
    }
    assert_int_equal(sock->Busy, 0);
    free(sock->Datagram);
    free(sock);
    fake_shutdown(client);
}

static void boot_stream(void)
{
    boot(SOCK_STREAM, WSKP_CONNECTION, WskpConnected);
    sock->KickPending = TRUE; /* the tests pump */
}

static void boot_datagram(void)
{
    boot(SOCK_DGRAM, WSKP_DATAGRAM, WskpBound);
    sock->KickPending = TRUE;
}

static NTSTATUS receive(unsigned i)
{
    WSK_BUF buffer = { .Mdl = mdls[i], .Length = sizeof(bytes[i]) };

    if (sock->Category == WSKP_DATAGRAM)
        return WskpReceiveFromRequest(&sock->Public, &buffer, 0, NULL, NULL, NULL, NULL, irps[i]);
    return WskpReceiveRequest(&sock->Public, &buffer, 0, irps[i]);
}

/* The transport has the first one's bytes and has not said so; it would serve the second at once.
 */
static void second_waits_for_first(void)
{
    struct net_op *first;

    fake.pend = true;
    assert_int_equal(receive(0), STATUS_PENDING);
    first = fake.kept;
    fake.pend = false;
    assert_int_equal(receive(1), STATUS_PENDING);
    assert_int_equal(completions, 0);
    assert_ptr_not_equal(fake.kept, first);
    first->result = 7;
    first->done(first);
    fake_end(7);
    assert_int_equal(completions, 2);
    assert_int_equal(completed[0], 0);
    assert_int_equal(completed[1], 1);
    assert_int_equal(sock->Completing, 0);
}

/* Another thread is about to run an earlier completion routine: nothing starts before it ended. */
static void waits_for_completion_elsewhere(void)
{
    int other;

    fake.kept = NULL;
    sock->Completing = 1;
    sock->Completer = (PKTHREAD)(PVOID)&other;
    assert_int_equal(receive(0), STATUS_PENDING);
    WskpPump(sock);
    assert_null(fake.kept);
    assert_int_equal(completions, 0);
    WskpEndCompletion(sock);
    WskpPump(sock);
    fake_end(7);
    assert_int_equal(completions, 1);
}

/* Inside of a completion routine its own thread goes on at once: that order is plain. */
static void own_completion_goes_on(void)
{
    fake.kept = NULL;
    host_lock(&sock->Lock);
    WskpBeginCompletion(sock);
    host_unlock(&sock->Lock);
    assert_int_equal(receive(1), STATUS_SUCCESS);
    assert_int_equal(completions, 1);
    WskpEndCompletion(sock);
}

#define IN_BOTH(name)                                                                              \
    static void stream_##name(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        boot_stream();                                                                             \
        name();                                                                                    \
        shutdown_all();                                                                            \
    }                                                                                              \
    static void datagram_##name(void **state)                                                      \
    {                                                                                              \
        (void)state;                                                                               \
        boot_datagram();                                                                           \
        name();                                                                                    \
        shutdown_all();                                                                            \
    }

IN_BOTH(second_waits_for_first)
IN_BOTH(waits_for_completion_elsewhere)
IN_BOTH(own_completion_goes_on)

/* Too deep for an inline answer: the transport keeps the order, where a deferral would not. */
static void stream_depth_does_not_reorder(void **state)
{
    struct net_op *first;

    (void)state;
    boot_stream();
    fake.kept = NULL;
    KiThread()->CompletionDepth = Wskp.Config.inline_depth;
    assert_int_equal(receive(0), STATUS_PENDING);
    KiThread()->CompletionDepth = 0;
    first = fake.kept;
    assert_non_null(first);
    assert_int_equal(receive(1), STATUS_PENDING);
    assert_int_equal(completions, 0);
    first->result = 7;
    first->done(first);
    fake_end(7);
    assert_int_equal(completed[0], 0);
    shutdown_all();
}

static NTSTATUS send(unsigned i)
{
    WSK_BUF buffer = { .Mdl = mdls[i], .Length = sizeof(bytes[i]) };
    SOCKADDR_IN to = { .sin_family = AF_INET, .sin_port = 9 };

    if (sock->Category == WSKP_DATAGRAM)
        return WskpSendTo(&sock->Public, &buffer, 0, (PSOCKADDR)&to, 0, NULL, irps[i]);
    return WskpSend(&sock->Public, &buffer, 0, irps[i]);
}

/* The same for sends: the transport knows which are under way, a deferral is nobody's. */
static void deep_send_is_the_transports(void)
{
    fake.kept = NULL;
    KiThread()->CompletionDepth = Wskp.Config.inline_depth;
    assert_int_equal(send(0), STATUS_PENDING);
    KiThread()->CompletionDepth = 0;
    assert_non_null(fake.kept);
    assert_int_equal(completions, 0);
    fake_end(sizeof(bytes[0]));
    assert_int_equal(completions, 1);
    assert_int_equal(irps[0]->IoStatus.Information, sizeof(bytes[0]));
}

IN_BOTH(deep_send_is_the_transports)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_second_waits_for_first),
        cmocka_unit_test(datagram_second_waits_for_first),
        cmocka_unit_test(stream_waits_for_completion_elsewhere),
        cmocka_unit_test(datagram_waits_for_completion_elsewhere),
        cmocka_unit_test(stream_own_completion_goes_on),
        cmocka_unit_test(datagram_own_completion_goes_on),
        cmocka_unit_test(stream_depth_does_not_reorder),
        cmocka_unit_test(stream_deep_send_is_the_transports),
        cmocka_unit_test(datagram_deep_send_is_the_transports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
