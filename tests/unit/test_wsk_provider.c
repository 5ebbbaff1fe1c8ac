/* WskSocket: what the transport is asked for, and where the socket lives. */
#include "wsk_fake.h"

static WSKP_CLIENT *client;

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    fake.pend = true; /* the close */
    Wskp.Processors = 3;
    for (ULONG i = 0; i < 3; i++)
        Wskp.Net[i] = (struct net *)(ULONG_PTR)(4711 + i);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_true(IsListEmpty(&client->SocketList));
    Wskp.Processors = 1;
    request_free();
    fake_shutdown(client);
    return 0;
}

static WSKP_SOCKET *open_socket(ADDRESS_FAMILY family, USHORT type, ULONG protocol, ULONG flags,
                                PVOID context, const VOID *table)
{
    NTSTATUS status = WskpSocket(client, family, type, protocol, flags, context, table, NULL, NULL,
                                 NULL, request_irp());

    assert_int_equal(request_inline(status), STATUS_SUCCESS);
    assert_int_not_equal(request.io.Information, 0);
    return CONTAINING_RECORD((PWSK_SOCKET)request.io.Information, WSKP_SOCKET, Public);
}

static void close_socket(WSKP_SOCKET *s)
{
    assert_int_equal(WskpCloseSocket(&s->Public, request_irp()), STATUS_PENDING);
    assert_int_equal(request.completions, 0);
    assert_int_equal(fake.kept->code, NET_OP_CLOSE);
    fake_end(0);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, STATUS_SUCCESS);
}

/* One processor after the other. */
static void sockets_are_spread(void **state)
{
    unsigned on[3] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        WSKP_SOCKET *s =
            open_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL);
        assert_in_range(s->Processor, 0, 2);
        on[s->Processor]++;
        assert_ptr_equal(fake.opened_on, Wskp.Net[s->Processor]);
        assert_ptr_equal(fake.opened.user, s);
        close_socket(s);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(on[i], 2);
}

static void what_is_opened(void **state)
{
    static const struct {
        ADDRESS_FAMILY family;
        USHORT type;
        ULONG protocol, flags;
        enum net_ep_kind kind;
        enum net_family host_family;
        int host_protocol;
    } rows[] = {
        { AF_INET, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET, NET_EP_STREAM, NET_IP4,
          IPPROTO_TCP },
        { AF_INET6, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET, NET_EP_STREAM, NET_IP6,
          IPPROTO_TCP },
        { AF_INET6, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET, NET_EP_DATAGRAM, NET_IP6,
          IPPROTO_UDP },
        { AF_INET, SOCK_RAW, 200, WSK_FLAG_DATAGRAM_SOCKET, NET_EP_RAW, NET_IP4, 200 },
        { AF_INET, SOCK_RAW, 255, WSK_FLAG_BASIC_SOCKET, NET_EP_RAW, NET_IP4, 255 },
        { AF_INET, SOCK_RAW, 0, WSK_FLAG_DATAGRAM_SOCKET, NET_EP_RAW, NET_IP4, IPPROTO_RAW },
    };

    (void)state;
    Wskp.Config.rx_limit_bytes = 123456;
    for (unsigned i = 0; i < ARRAYSIZE(rows); i++) {
        WSKP_SOCKET *s =
            open_socket(rows[i].family, rows[i].type, rows[i].protocol, rows[i].flags, NULL, NULL);
        assert_int_equal(fake.opened.kind, rows[i].kind);
        assert_int_equal(fake.opened.family, rows[i].host_family);
        assert_int_equal(fake.opened.protocol, rows[i].host_protocol);
        assert_int_equal(fake.opened.rx_limit_bytes, 123456);
        assert_int_equal(client->Sockets, 1);
        assert_true(client->SocketCreated);
        close_socket(s);
        assert_int_equal(client->Sockets, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sockets_are_spread, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_opened, setup, teardown),
    };

    return cmocka_run_group_tests_name("wsk provider", tests, NULL, NULL);
}
