/*
 * A socket in the middle of WskBind or WskListen: a second caller finds it in no state for what it
 * wants. The transport plays the second caller, in the very moment.
 */
#include "wsk_fake.h"

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static PIRP irps[2];
static SOCKADDR_IN at = { .sin_family = AF_INET };
static NTSTATUS second; /* what the second caller got */
static unsigned completions, host_calls;

static NTSTATUS NTAPI note(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    (void)irp;
    (void)context;
    completions++;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS (*again)(void);

static NTSTATUS bind_again(void)
{
    return WskpBind(&sock->Public, (PSOCKADDR)&at, 0, irps[1]);
}

static NTSTATUS listen_again(void)
{
    return WskpListen(&sock->Public, irps[1]);
}

static NTSTATUS connect_again(void)
{
    return WskpConnect(&sock->Public, (PSOCKADDR)&at, 0, irps[1]);
}

static int meanwhile(void)
{
    if (host_calls++ == 0)
        second = again();
    return 0;
}

static int fake_bind(struct net_ep *ep, const struct net_addr *addr)
{
    (void)ep;
    (void)addr;
    return meanwhile();
}

static int fake_listen(struct net_ep *ep, int backlog)
{
    (void)ep;
    (void)backlog;
    return meanwhile();
}

static void run(WSKP_STATE state, NTSTATUS (*first_call)(void), NTSTATUS (*second_call)(void),
                WSKP_STATE then)
{
    struct net_transport transport = fake_transport;

    client = fake_boot();
    transport.bind = fake_bind;
    transport.listen = fake_listen;
    Wskp.Transport = &transport;
    sock = calloc(1, sizeof(*sock));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = WSKP_STREAM;
    sock->Type = SOCK_STREAM;
    sock->Family = AF_INET;
    sock->State = state;
    sock->Client = client;
    sock->KickPending = TRUE;
    WskpQueueInit(&sock->Receives);
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    completions = host_calls = 0;
    again = second_call;
    for (unsigned i = 0; i < 2; i++) {
        irps[i] = IoAllocateIrp(1, FALSE);
        IoSetCompletionRoutine(irps[i], note, NULL, TRUE, TRUE, TRUE);
    }
    assert_int_equal(first_call(), STATUS_SUCCESS);
    assert_int_equal(second, STATUS_INVALID_DEVICE_STATE);
    assert_int_equal(host_calls, 1);
    assert_int_equal(completions, 2);
    assert_int_equal(sock->State, then);
    assert_int_equal(sock->Busy, 0);
    for (unsigned i = 0; i < 2; i++)
        IoFreeIrp(irps[i]);
    free(sock);
    fake_shutdown(client);
}

static NTSTATUS bind_first(void)
{
    return WskpBind(&sock->Public, (PSOCKADDR)&at, 0, irps[0]);
}

static NTSTATUS listen_first(void)
{
    return WskpListen(&sock->Public, irps[0]);
}

/* ---- a host that binds, but does not listen ---- */

static int listen_error;
static unsigned binds;

static int counted_bind(struct net_ep *ep, const struct net_addr *addr)
{
    (void)ep;
    (void)addr;
    binds++;
    return 0;
}

static int refused_listen(struct net_ep *ep, int backlog)
{
    (void)ep;
    (void)backlog;
    return listen_error;
}

static NTSTATUS bind_to(USHORT port)
{
    SOCKADDR_IN to = { .sin_family = AF_INET, .sin_port = port };

    return request_inline(WskpBind(&sock->Public, (PSOCKADDR)&to, 0, request_irp()));
}

/* The socket is unbound then, and can be bound to the same address once it is free. */
static void listening_refused(void **state)
{
    struct net_transport transport = fake_transport;
    SOCKADDR_IN local;

    (void)state;
    client = fake_boot();
    WskpShareBoot();
    transport.bind = counted_bind;
    transport.listen = refused_listen;
    Wskp.Transport = &transport;
    sock = calloc(1, sizeof(*sock));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = WSKP_LISTEN;
    sock->Type = SOCK_STREAM;
    sock->Family = AF_INET;
    sock->Client = client;
    sock->KickPending = TRUE;
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    binds = 0;
    listen_error = -EADDRINUSE;
    assert_int_equal(bind_to(0x5000), STATUS_ADDRESS_ALREADY_EXISTS);
    assert_int_equal(sock->State, WskpUnbound);
    assert_int_equal(
        request_inline(WskpGetLocalAddress(&sock->Public, (PSOCKADDR)&local, request_irp())),
        STATUS_INVALID_DEVICE_STATE);
    assert_int_equal(bind_to(0x5000), STATUS_ADDRESS_ALREADY_EXISTS);
    listen_error = 0;
    assert_int_equal(bind_to(0x5100), STATUS_INVALID_DEVICE_STATE);
    assert_int_equal(bind_to(0x5000), STATUS_SUCCESS);
    assert_int_equal(sock->State, WskpListening);
    assert_int_equal(binds, 1);
    WskpShareRelease(sock);
    request_free();
    free(sock);
    fake_shutdown(client);
}

static void two_binds(void **state)
{
    (void)state;
    run(WskpUnbound, bind_first, bind_again, WskpBound);
}

static void listen_inside_bind(void **state)
{
    (void)state;
    run(WskpUnbound, bind_first, listen_again, WskpBound);
}

static void two_listens(void **state)
{
    (void)state;
    run(WskpBound, listen_first, listen_again, WskpListening);
}

static void connect_inside_listen(void **state)
{
    (void)state;
    run(WskpBound, listen_first, connect_again, WskpListening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listening_refused),     cmocka_unit_test(two_binds),
        cmocka_unit_test(listen_inside_bind),    cmocka_unit_test(two_listens),
        cmocka_unit_test(connect_inside_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
