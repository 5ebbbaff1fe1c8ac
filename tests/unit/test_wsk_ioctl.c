/* The ioctl table: preconditions, sizes and answers (3.24). */
#include "wsk_fake.h"

#include <mstcpip.h>
#include <ws2ipdef.h>

static WSKP_CLIENT *client;
static WSKP_SOCKET *sock;
static WSKP_DATAGRAM_STATE datagram;
static WSKP_CONTROL last;
static int options[NET_OPT_COUNT];

static int ctl(struct net_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    (void)ep;
    switch (what) {
    case NET_CTL_SET:
        memcpy(&options[arg->opt], arg->data, sizeof(int));
        return 0;
    case NET_CTL_TCP_INFO:
        arg->tcp.cwnd_segments = 100;
        arg->tcp.mss_bytes = 1000;
        return 0;
    case NET_CTL_QUEUED_IN:
        arg->value = 77;
        return 0;
    case NET_CTL_ROUTE:
        if (arg->addr.ip[0] == 203)
            return -ENETUNREACH;
        arg->addr = (struct net_addr){ .family = NET_IP4, .port = 5, .ip = { 10, 9, 8, 7 } };
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

static void use(UCHAR category, ADDRESS_FAMILY family, WSKP_STATE state)
{
    memset(sock, 0, sizeof(*sock));
    memset(&datagram, 0, sizeof(datagram));
    host_lock_init(&sock->Lock, HOST_RANK_WSK_SOCKET);
    InitializeListHead(&sock->Held);
    InitializeListHead(&sock->AddressChanges);
    sock->Busy = 1; /* as inside WskControlSocket */
    sock->Category = category;
    sock->Family = family;
    sock->State = state;
    sock->Client = client;
    sock->Type = category == WSKP_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM;
    sock->Datagram = category == WSKP_DATAGRAM ? &datagram : NULL;
}

static NTSTATUS run(ULONG code, const void *in, SIZE_T in_size, void *out, SIZE_T out_size,
                    BOOLEAN irp)
{
    BOOLEAN pended;

    last = (WSKP_CONTROL){ .Code = code,
                           .Input = (PVOID)(uintptr_t)in,
                           .InputSize = in_size,
                           .Output = out,
                           .OutputSize = out_size,
                           .HasIrp = irp };
    NTSTATUS status = WskpIoctl(sock, &last, NULL, &pended);
    assert_false(pended);
    return status;
}

static void fixed_addresses(void **state)
{
    UCHAR a[28] = { AF_INET, 0, 0, 80, 10, 0, 0, 1 }, b[28] = { AF_INET, 0, 0, 81, 10, 0, 0, 2 };

    (void)state;
    use(WSKP_DATAGRAM, AF_INET, WskpBound);
    assert_int_equal(run(SIO_WSK_SET_REMOTE_ADDRESS, a, 28, NULL, 0, TRUE), STATUS_SUCCESS);
    assert_true(datagram.HasRemote && !datagram.SendToLast);
    assert_int_equal(datagram.Remote.port, 80);
    assert_int_equal(run(SIO_WSK_SET_SENDTO_ADDRESS, b, 16, NULL, 0, TRUE), STATUS_SUCCESS);
    assert_true(datagram.HasRemote && datagram.HasSendTo && datagram.SendToLast); /* D51 */
    assert_int_equal(run(SIO_WSK_SET_SENDTO_ADDRESS, NULL, 0, NULL, 0, TRUE), STATUS_SUCCESS);
    assert_true(datagram.HasRemote && !datagram.HasSendTo && !datagram.SendToLast);
    assert_int_equal(run(SIO_WSK_SET_SENDTO_ADDRESS, b, 16, NULL, 0, TRUE), STATUS_SUCCESS);
    assert_int_equal(run(SIO_WSK_SET_REMOTE_ADDRESS, NULL, 0, NULL, 0, TRUE), STATUS_SUCCESS);
    assert_true(!datagram.HasRemote && datagram.HasSendTo && datagram.SendToLast);
    assert_int_equal(run(SIO_WSK_SET_REMOTE_ADDRESS, a, 15, NULL, 0, TRUE),
                     STATUS_INVALID_PARAMETER);
    a[0] = AF_INET6;
    assert_int_equal(run(SIO_WSK_SET_REMOTE_ADDRESS, a, 28, NULL, 0, TRUE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(run(SIO_WSK_SET_REMOTE_ADDRESS, a, 28, NULL, 0, FALSE),
                     STATUS_INVALID_PARAMETER);
    use(WSKP_DATAGRAM, AF_INET, WskpUnbound);
    assert_int_equal(run(SIO_WSK_SET_REMOTE_ADDRESS, b, 16, NULL, 0, TRUE),
                     STATUS_INVALID_DEVICE_STATE);
    use(WSKP_CONNECTION, AF_INET, WskpBound);
    assert_int_equal(run(SIO_WSK_SET_REMOTE_ADDRESS, b, 16, NULL, 0, TRUE),
                     STATUS_INVALID_DEVICE_REQUEST);
}

static void connection_queries(void **state)
{
    SIZE_T value;
    WSK_INSPECT_ID id;

    (void)state;
    use(WSKP_CONNECTION, AF_INET, WskpConnected);
    assert_int_equal(run(SIO_WSK_QUERY_IDEAL_SEND_BACKLOG, NULL, 0, &value, 8, TRUE),
                     STATUS_SUCCESS);
    assert_int_equal(value, 100000);
    assert_int_equal(last.Written, 8);
    assert_int_equal(run(SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &value, 8, TRUE), STATUS_SUCCESS);
    assert_int_equal(value, 77);
    assert_int_equal(run(SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &value, 7, TRUE),
                     STATUS_BUFFER_OVERFLOW);
    assert_int_equal(last.Needed, 8);
    assert_int_equal(run(SIO_WSK_QUERY_INSPECT_ID, NULL, 0, &id, sizeof(id), FALSE),
                     STATUS_INVALID_DEVICE_REQUEST);
    sock->HasInspectId = TRUE;
    sock->InspectId.SerialNumber = 9;
    assert_int_equal(run(SIO_WSK_QUERY_INSPECT_ID, NULL, 0, &id, sizeof(id), FALSE),
                     STATUS_SUCCESS);
    assert_int_equal(id.SerialNumber, 9);
    assert_int_equal(last.Written, sizeof(id));
    assert_int_equal(run(SIO_WSK_SET_TCP_SILENT_MODE, NULL, 0, NULL, 0, TRUE),
                     STATUS_NOT_SUPPORTED);
    use(WSKP_CONNECTION, AF_INET, WskpBound);
    assert_int_equal(run(SIO_WSK_QUERY_IDEAL_SEND_BACKLOG, NULL, 0, &value, 8, TRUE),
                     STATUS_INVALID_DEVICE_STATE);
}

static void extensions(void **state)
{
    WSK_EXTENSION_CONTROL_IN in = { &NPI_WSK_INTERFACE_ID, NULL, NULL };
    WSK_EXTENSION_CONTROL_OUT out;

    (void)state;
    use(WSKP_BASIC, AF_INET, WskpUnbound);
    assert_int_equal(run(SIO_WSK_REGISTER_EXTENSION, &in, sizeof(in), &out, sizeof(out), FALSE),
                     STATUS_NOT_SUPPORTED);
    assert_int_equal(run(SIO_WSK_REGISTER_EXTENSION, NULL, 0, &out, sizeof(out), FALSE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(run(0x12345678, NULL, 0, NULL, 0, TRUE), STATUS_NOT_SUPPORTED);
}

static void address_list(void **state)
{
    _Alignas(8) UCHAR bytes[256];
    SOCKET_ADDRESS_LIST *list = (SOCKET_ADDRESS_LIST *)bytes;

    (void)state;
    fake.addrs[0] = (struct net_addr){ .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
    fake.addrs[1] =
        (struct net_addr){ .family = NET_IP6, .ip = { 0xfe, 0x80, [15] = 9 }, .scope_id = 3 };
    fake.addrs[2] = (struct net_addr){ .family = NET_IP6, .ip = { [15] = 1 } };
    fake.addr_count = 3;
    use(WSKP_LISTEN, AF_INET6, WskpUnbound);
    SIZE_T need = 8 + 2 * (16 + 28);
    assert_int_equal(run(SIO_ADDRESS_LIST_QUERY, NULL, 0, NULL, 0, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(last.Needed, need);
    memset(bytes, 0xee, sizeof(bytes));
    assert_int_equal(run(SIO_ADDRESS_LIST_QUERY, NULL, 0, bytes, need - 1, FALSE),
                     STATUS_BUFFER_OVERFLOW);
    assert_int_equal(bytes[0], 0xee);
    assert_int_equal(run(SIO_ADDRESS_LIST_QUERY, NULL, 0, bytes, need, FALSE), STATUS_SUCCESS);
    assert_int_equal(last.Written, need);
    assert_int_equal(bytes[need], 0xee);
    assert_int_equal(list->iAddressCount, 2);
    const SOCKADDR_IN6 *first = (const SOCKADDR_IN6 *)list->Address[0].lpSockaddr;
    assert_int_equal(list->Address[0].iSockaddrLength, 28);
    assert_int_equal(first->sin6_family, AF_INET6);
    assert_int_equal(first->sin6_scope_id, 3);

    _Alignas(8) UCHAR sorted[256];
    SOCKET_ADDRESS_LIST *copy = (SOCKET_ADDRESS_LIST *)sorted;
    assert_int_equal(run(SIO_ADDRESS_LIST_SORT, bytes, need, sorted, sizeof(sorted), FALSE),
                     STATUS_SUCCESS);
    assert_ptr_equal(copy->Address[1].lpSockaddr,
                     sorted + ((UCHAR *)list->Address[1].lpSockaddr - bytes));
    list->iAddressCount = 99;
    assert_int_equal(run(SIO_ADDRESS_LIST_SORT, bytes, need, sorted, sizeof(sorted), FALSE),
                     STATUS_INVALID_PARAMETER);

    KIRQL old;
    KeRaiseIrql(APC_LEVEL, &old);
    assert_int_equal(run(SIO_ADDRESS_LIST_QUERY, NULL, 0, bytes, 256, FALSE),
                     STATUS_INVALID_DEVICE_STATE);
    KeLowerIrql(old);
}

static NTSTATUS start_change(BOOLEAN *pended)
{
    PIRP irp = request_irp();
    WSKP_CONTROL c = { .Code = SIO_ADDRESS_LIST_CHANGE, .HasIrp = TRUE };

    assert_true(WskpTakeIrp(irp, "test", NULL));
    return WskpIoctl(sock, &c, irp, pended);
}

static void address_change(void **state)
{
    BOOLEAN pended;

    (void)state;
    fake.pend = true;
    fake.addr_count = 1;
    use(WSKP_BASIC, AF_INET, WskpUnbound);
    assert_int_equal(start_change(&pended), STATUS_PENDING);
    assert_true(pended);
    assert_int_equal(sock->Busy, 2);
    fake.addr_count = 3; /* IPv6 addresses: of no interest to this socket */
    fake_end(0);
    assert_int_equal(request.completions, 0);
    fake.addrs[0].ip[3] = 2;
    fake_end(0);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, STATUS_SUCCESS);
    assert_int_equal(sock->Busy, 1);

    assert_int_equal(start_change(&pended), STATUS_PENDING);
    fake.cancels = 0;
    WskpIoctlCancel(sock); /* what WskCloseSocket does */
    assert_int_equal(fake.cancels, 1);
    fake_end(-ECANCELED);
    assert_int_equal(request.io.Status, STATUS_CANCELLED);
    assert_true(IsListEmpty(&sock->AddressChanges));
    fake.pend = false;
}

static void transports(void **state)
{
    struct tcp_keepalive keep = { 1, 30001, 1000 };
    UCHAR to[16] = { AF_INET, 0, 0, 80, 192, 0, 2, 1 }, from[16], one = 1;
    BOOLEAN rss = TRUE;

    (void)state;
    use(WSKP_BASIC, AF_INET, WskpUnbound);
    assert_int_equal(run(SIO_KEEPALIVE_VALS, &keep, sizeof(keep), NULL, 0, TRUE), STATUS_SUCCESS);
    assert_int_equal(options[NET_OPT_TCP_KEEPIDLE], 31); /* rounded up to seconds */
    assert_int_equal(options[NET_OPT_TCP_KEEPINTVL], 1);
    assert_int_equal(options[NET_OPT_KEEPALIVE], 1);
    assert_true(sock->Options.KeepAlive); /* for what a listener hands down */
    keep.onoff = 0;
    assert_int_equal(run(SIO_KEEPALIVE_VALS, &keep, sizeof(keep), NULL, 0, TRUE), STATUS_SUCCESS);
    assert_int_equal(options[NET_OPT_KEEPALIVE], 0);
    assert_false(sock->Options.KeepAlive);
    assert_int_equal(run(SIO_KEEPALIVE_VALS, &keep, 11, NULL, 0, TRUE), STATUS_INVALID_PARAMETER);
    assert_int_equal(run(SIO_QUERY_RSS_SCALABILITY_INFO, NULL, 0, &rss, 1, TRUE), STATUS_SUCCESS);
    assert_false(rss);
    assert_int_equal(last.Written, 1);
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, &one, 1, NULL, 0, TRUE), STATUS_SUCCESS);
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, NULL, 0, NULL, 0, TRUE),
                     STATUS_INVALID_BUFFER_SIZE);
    sock->State = WskpBound;
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, &one, 1, NULL, 0, TRUE), STATUS_SUCCESS);
    sock->State = WskpConnecting;
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, &one, 1, NULL, 0, TRUE),
                     STATUS_INVALID_DEVICE_STATE);
    sock->State = WskpConnected;
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, &one, 1, NULL, 0, TRUE),
                     STATUS_INVALID_DEVICE_STATE);
    sock->State = WskpUnbound;
    assert_int_equal(run(SIO_UDP_CONNRESET, &one, 1, NULL, 0, TRUE), STATUS_NOT_SUPPORTED);
    assert_int_equal(run(SIO_ROUTING_INTERFACE_QUERY, to, 16, from, 16, TRUE), STATUS_SUCCESS);
    assert_memory_equal(from + 4, "\x0a\x09\x08\x07", 4);
    assert_int_equal(from[2] | from[3], 0);
    to[4] = 203;
    assert_int_equal(run(SIO_ROUTING_INTERFACE_QUERY, to, 16, from, 16, TRUE),
                     STATUS_NETWORK_UNREACHABLE);
    assert_int_equal(run(SIO_QUERY_WFP_CONNECTION_REDIRECT_RECORDS, NULL, 0, from, 16, TRUE),
                     STATUS_NOT_FOUND);
    assert_int_equal(run(SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT, NULL, 0, from, 16, TRUE),
                     STATUS_NOT_FOUND);
    assert_int_equal(run(SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS, to, 16, NULL, 0, TRUE),
                     STATUS_ACCESS_DENIED);
    use(WSKP_DATAGRAM, AF_INET, WskpBound);
    assert_int_equal(run(SIO_UDP_CONNRESET, &one, 1, NULL, 0, TRUE), STATUS_SUCCESS);
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, &one, 1, NULL, 0, TRUE), STATUS_NOT_SUPPORTED);
    assert_int_equal(run(SIO_KEEPALIVE_VALS, &keep, sizeof(keep), NULL, 0, TRUE),
                     STATUS_NOT_SUPPORTED);
}

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    fake.ctl = ctl;
    sock = calloc(1, sizeof(*sock));
    return sock ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    request_free();
    free(sock);
    fake_shutdown(client);
    return 0;
}

/* A machine with more addresses than the first guess, with too many, and one that does not say. */
static size_t address_count;
static int address_error;

static int many_addresses(struct net_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    (void)ep;
    (void)what;
    for (size_t i = 0; i < address_count && i < arg->length; i++)
        arg->addrs[i] = (struct net_addr){ .family = NET_IP4, .ip = { 10, 0, 0, (uint8_t)i } };
    arg->length = address_count;
    return address_error;
}

static void many(void **state)
{
    static const struct net_transport other = { .name = "many", .ctl = many_addresses };
    const struct net_transport *before = Wskp.Transport;
    struct net_addr *list;
    SIZE_T count;

    (void)state;
    Wskp.Transport = &other;
    address_count = 100;
    assert_int_equal(WskpLocalAddresses(AF_INET, &list, &count), STATUS_SUCCESS);
    assert_int_equal(count, 100);
    assert_int_equal(list[99].ip[3], 99);
    host_free(list);
    address_count = 1000000;
    assert_int_equal(WskpLocalAddresses(AF_INET, &list, &count), STATUS_INSUFFICIENT_RESOURCES);
    assert_null(list);
    address_count = 1;
    address_error = -EACCES;
    use(WSKP_LISTEN, AF_INET, WskpUnbound);
    assert_int_equal(run(SIO_ADDRESS_LIST_QUERY, NULL, 0, NULL, 0, FALSE), STATUS_ACCESS_DENIED);
    address_error = 0;
    Wskp.Transport = before;
}

static int no_answers(struct net_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    (void)ep;
    (void)arg;
    return what == NET_CTL_SET ? -EINVAL : -EOPNOTSUPP;
}

static void refusals(void **state)
{
    static const struct net_transport other = { .name = "none", .ctl = no_answers };
    const struct net_transport *before = Wskp.Transport;
    WSK_EXTENSION_CONTROL_IN extension = { NULL, NULL, NULL };
    WSK_EXTENSION_CONTROL_OUT extended;
    UCHAR to[16] = { AF_INET, 0, 0, 80, 192, 0, 2, 1 }, from[16], one = 1;
    struct tcp_keepalive keep = { 1, 30001, 1000 };
    _Alignas(8) UCHAR bytes[64] = { 0 };
    SOCKET_ADDRESS_LIST *list = (SOCKET_ADDRESS_LIST *)bytes;
    SIZE_T value;

    (void)state;
    use(WSKP_BASIC, AF_INET, WskpUnbound);
    assert_int_equal(run(SIO_WSK_REGISTER_EXTENSION, &extension, sizeof(extension), &extended,
                         sizeof(extended), FALSE),
                     STATUS_INVALID_PARAMETER); /* no NPI at all */
    assert_int_equal(run(SIO_WSK_REGISTER_EXTENSION, &extension, sizeof(extension) - 1, &extended,
                         sizeof(extended), FALSE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(run(SIO_ADDRESS_LIST_SORT, NULL, 0, bytes, 64, FALSE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(run(SIO_ADDRESS_LIST_SORT, bytes, 7, bytes, 64, FALSE),
                     STATUS_INVALID_PARAMETER);
    list->iAddressCount = -1;
    assert_int_equal(run(SIO_ADDRESS_LIST_SORT, bytes, 64, bytes, 64, FALSE),
                     STATUS_INVALID_PARAMETER);
    list->iAddressCount = 1;
    list->Address[0].lpSockaddr = (PSOCKADDR)to; /* outside of the list: stays where it is */
    assert_int_equal(run(SIO_ADDRESS_LIST_SORT, bytes, 24, bytes, 64, FALSE), STATUS_SUCCESS);
    assert_ptr_equal(list->Address[0].lpSockaddr, to);
    assert_int_equal(run(SIO_ADDRESS_LIST_SORT, bytes, 24, bytes, 23, FALSE),
                     STATUS_BUFFER_OVERFLOW);
    assert_int_equal(last.Needed, 24);
    assert_int_equal(run(SIO_ROUTING_INTERFACE_QUERY, to, 15, from, 16, TRUE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(run(SIO_ROUTING_INTERFACE_QUERY, NULL, 0, from, 16, TRUE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(run(SIO_ROUTING_INTERFACE_QUERY, to, 16, from, 15, TRUE),
                     STATUS_BUFFER_OVERFLOW);
    assert_int_equal(last.Needed, 16);
    to[0] = AF_INET6;
    assert_int_equal(run(SIO_ROUTING_INTERFACE_QUERY, to, 16, from, 16, TRUE),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(run(SIO_KEEPALIVE_VALS, NULL, 0, NULL, 0, TRUE), STATUS_INVALID_PARAMETER);
    Wskp.Transport = &other;
    assert_int_equal(run(SIO_KEEPALIVE_VALS, &keep, sizeof(keep), NULL, 0, TRUE),
                     STATUS_INVALID_PARAMETER);
    use(WSKP_CONNECTION, AF_INET, WskpConnected);
    assert_int_equal(run(SIO_WSK_QUERY_IDEAL_SEND_BACKLOG, NULL, 0, &value, 8, TRUE),
                     STATUS_SUCCESS); /* the least there is */
    assert_int_equal(value, WSKP_IDEAL_BACKLOG_BYTES);
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, &one, 1, NULL, 0, TRUE),
                     STATUS_INVALID_DEVICE_STATE); /* too late */
    use(WSKP_CONNECTION, AF_INET, WskpConnecting);
    assert_int_equal(run(SIO_LOOPBACK_FAST_PATH, &one, 1, NULL, 0, TRUE),
                     STATUS_INVALID_DEVICE_STATE);
    use(WSKP_DATAGRAM, AF_INET, WskpBound);
    assert_int_equal(run(SIO_UDP_CONNRESET, NULL, 0, NULL, 0, TRUE), STATUS_INVALID_PARAMETER);
    Wskp.Transport = before;
}

static void cannot(struct net_op *op)
{
    op->result = -EOPNOTSUPP;
}

/* Changes that the network cannot report, and one that goes wrong later. */
static void address_change_fails(void **state)
{
    BOOLEAN pended;

    (void)state;
    use(WSKP_BASIC, AF_INET, WskpUnbound);
    fake.pend = true;
    assert_int_equal(start_change(&pended), STATUS_PENDING);
    fake_end(-ENOBUFS);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(sock->Busy, 1);
    /* At once: the caller finishes the IRP. */
    fake.pend = false;
    fake.answer = cannot;
    assert_int_equal(start_change(&pended), STATUS_NOT_SUPPORTED);
    assert_false(pended);
    assert_int_equal(request.completions, 0);
    assert_int_equal(sock->Busy, 1);
    assert_true(IsListEmpty(&sock->AddressChanges));
    fake.answer = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_addresses),
        cmocka_unit_test(connection_queries),
        cmocka_unit_test(extensions),
        cmocka_unit_test(address_list),
        cmocka_unit_test(address_change),
        cmocka_unit_test(transports),
        cmocka_unit_test(many),
        cmocka_unit_test(refusals),
        cmocka_unit_test(address_change_fails),
    };

    return cmocka_run_group_tests_name("wsk ioctl", tests, setup, teardown);
}
