/*
 * Connections that nobody took: the shutdown waits until the transport has closed them.
 */
#include "wsk_fake.h"

#include <sched.h>

#include "nt/kip.h"

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static PIRP irp;

static NTSTATUS NTAPI note(PDEVICE_OBJECT device, PIRP done, PVOID context)
{
    (void)device;
    (void)done;
    (void)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static int ended;

static bool shutdown_waits(void)
{
    KIP_WAKE none = { 0 };

    KipLockObject(&Wskp.NoResets.Header);
    bool waits = !IsListEmpty(&Wskp.NoResets.Header.WaitListHead);
    KipUnlockObject(&Wskp.NoResets.Header, &none);
    return waits;
}

static void end_the_reset(void *unused)
{
    (void)unused;
    while (!shutdown_waits())
        sched_yield();
    __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
    fake_end(0);
}

/* The transport has a connection for a WskAccept of a listener that closes meanwhile. */
static void shutdown_waits_for_the_reset(void **state)
{
    struct {
        const void *transport;
        struct net *net;
        void *user;
    } connection = { 0 };

    (void)state;
    client = fake_boot();
    sock = calloc(1, sizeof(*sock));
    sock->Magic = WSKP_SOCKET_MAGIC;
    sock->Category = WSKP_LISTEN;
    sock->Type = SOCK_STREAM;
    sock->Family = AF_INET;
    sock->State = WskpListening;
    sock->Client = client;
    sock->KickPending = TRUE;
    sock->Listener = calloc(1, sizeof(*sock->Listener));
    InitializeListHead(&sock->Listener->Ready);
    WskpQueueInit(&sock->Receives);
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    irp = IoAllocateIrp(1, FALSE);
    IoSetCompletionRoutine(irp, note, NULL, TRUE, TRUE, TRUE);

    fake.pend = true;
    assert_int_equal(WskpAcceptRequest(&sock->Public, 0, NULL, NULL, NULL, NULL, irp),
                     STATUS_PENDING);
    sock->Busy |= WSKP_CLOSING;
    fake.kept->accepted = (struct net_ep *)&connection;
    fake_end(0);
    assert_int_equal(irp->IoStatus.Status, STATUS_CANCELLED);
    assert_int_equal(fake.kept->code, NET_OP_CLOSE); /* the reset is under way */
    struct host_thread *other;
    assert_int_equal(host_thread_create(&other, end_the_reset, NULL, "transport"), 0);
    WskpShutdownListeners();
    assert_int_equal(__atomic_load_n(&ended, __ATOMIC_ACQUIRE), 1);
    host_thread_join(other);
    IoFreeIrp(irp);
    free(sock->Listener);
    free(sock);
    fake_shutdown(client);
}

/* WskAcceptEvent closed the socket and did not accept it: the close that is under way is the one.
 */
static void a_close_is_not_replaced(void **state)
{
    WSKP_SOCKET accepted = { .Magic = WSKP_SOCKET_MAGIC,
                             .Category = WSKP_CONNECTION,
                             .Busy = 1, /* the callback's call of WskCloseSocket has not ended */
                             .State = WskpConnected };

    (void)state;
    client = fake_boot();
    accepted.Client = client;
    InitializeListHead(&accepted.AddressChanges);
    host_lock_init(&accepted.Lock, HOST_RANK_WSK_SOCKET);
    irp = IoAllocateIrp(1, FALSE);
    IoSetCompletionRoutine(irp, note, NULL, TRUE, TRUE, TRUE);
    assert_int_equal(WskpCloseSocket(&accepted.Public, irp), STATUS_PENDING);
    WskpSocketClose(&accepted, NULL, STATUS_CANCELLED);
    assert_ptr_equal(accepted.CloseIrp, irp);
    assert_int_equal(accepted.CloseStatus, STATUS_SUCCESS);
    assert_int_equal(accepted.Busy, 1 | WSKP_CLOSING);
    WskpCompleteIrp(irp, STATUS_SUCCESS, 0);
    IoFreeIrp(irp);
    fake_shutdown(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(shutdown_waits_for_the_reset),
                                        cmocka_unit_test(a_close_is_not_replaced) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
