/* WskControlClient: the seven codes (3.4, D65, D69). */
#include "wsk_fake.h"

static WSKP_CLIENT *client;
static SIZE_T returned;

static NTSTATUS control(ULONG code, PVOID in, SIZE_T in_size, PVOID out, SIZE_T out_size)
{
    returned = 4711;
    return WskpControlClient(client, code, in_size, in, out_size, out, &returned, NULL);
}

static void set_families(bool v4, bool v6)
{
    fake.addr_count = 0;
    if (v4)
        fake.addrs[fake.addr_count++] =
            (struct net_addr){ .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
    if (v6)
        fake.addrs[fake.addr_count++] = (struct net_addr){ .family = NET_IP6, .ip = { [15] = 1 } };
}

static void transport_list(void **state)
{
    WSK_TRANSPORT list[7];

    (void)state;
    set_families(true, true);
    assert_int_equal(control(WSK_TRANSPORT_LIST_QUERY, NULL, 0, NULL, 0), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(returned, 6 * 28);
    assert_int_equal(control(WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, 5 * 28),
                     STATUS_BUFFER_OVERFLOW);
    assert_int_equal(control(WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, sizeof(list)),
                     STATUS_SUCCESS);
    assert_int_equal(returned, 6 * 28);
    int seen[3] = { 0 };
    for (int i = 0; i < 6; i++) {
        assert_int_equal(list[i].Version, 0);
        assert_true(list[i].AddressFamily == AF_INET || list[i].AddressFamily == AF_INET6);
        seen[list[i].SocketType - 1]++;
        if (list[i].SocketType == SOCK_STREAM)
            assert_int_equal(list[i].Protocol, IPPROTO_TCP);
        if (list[i].SocketType == SOCK_DGRAM)
            assert_int_equal(list[i].Protocol, IPPROTO_UDP);
    }
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 2);
    assert_int_equal(seen[2], 2);
    set_families(true, false);
    assert_int_equal(control(WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, sizeof(list)),
                     STATUS_SUCCESS);
    assert_int_equal(returned, 3 * 28);
    assert_int_equal(list[0].AddressFamily, AF_INET);
}

static NTSTATUS list_change(void)
{
    return WskpControlClient(client, WSK_TRANSPORT_LIST_CHANGE, 0, NULL, 0, NULL, NULL,
                             request_irp());
}

static void transport_change(void **state)
{
    (void)state;
    set_families(true, false);
    fake.pend = true;
    assert_int_equal(list_change(), STATUS_PENDING);
    fake_end(0); /* an address changed, no family came or went: it goes on waiting */
    assert_int_equal(request.completions, 0);
    assert_non_null(fake.kept);
    set_families(true, true);
    fake_end(0);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, STATUS_SUCCESS);
    assert_int_equal(request.io.Information, 0);
    assert_true(request.pending_returned);

    assert_int_equal(list_change(), STATUS_PENDING);
    fake.cancels = 0;
    assert_true(IoCancelIrp(request.irp));
    assert_int_equal(fake.cancels, 1);
    fake_end(-ECANCELED);
    assert_int_equal(request.io.Status, STATUS_CANCELLED);

    assert_int_equal(list_change(), STATUS_PENDING);
    fake.cancels = 0;
    WskpClientCancelListChanges(client); /* what WskDeregister does (CTL-11) */
    assert_int_equal(fake.cancels, 1);
    fake_end(0); /* the change came at the same moment */
    assert_int_equal(request.io.Status, STATUS_CANCELLED);
    assert_true(IsListEmpty(&client->ListChangeIrps));
    assert_int_equal(control(WSK_TRANSPORT_LIST_CHANGE, NULL, 0, NULL, 0),
                     STATUS_INVALID_PARAMETER);
    fake.pend = false;
}

static void descriptors(void **state)
{
    UCHAR sd[20] = { 1, 0, 0, 0x80 };
    PSECURITY_DESCRIPTOR in = sd, cached = NULL;

    (void)state;
    assert_int_equal(control(WSK_CACHE_SD, &in, sizeof(in), &cached, sizeof(cached)),
                     STATUS_SUCCESS);
    assert_int_equal(returned, sizeof(cached));
    assert_non_null(cached);
    assert_ptr_not_equal(cached, in);
    assert_int_equal(control(WSK_CACHE_SD, &in, 4, &cached, sizeof(cached)),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(control(WSK_CACHE_SD, &in, sizeof(in), NULL, 0), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(control(WSK_RELEASE_SD, &in, sizeof(in), NULL, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(control(WSK_RELEASE_SD, &cached, sizeof(cached), NULL, 0), STATUS_SUCCESS);
    assert_int_equal(control(WSK_RELEASE_SD, &cached, sizeof(cached), NULL, 0),
                     STATUS_INVALID_PARAMETER);
}

static void static_events(void **state)
{
    static const NPIID other = { 1, 2, 3, { 4 } };
    WSK_EVENT_CALLBACK_CONTROL c = { &NPI_WSK_INTERFACE_ID, WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE };

    (void)state;
    assert_int_equal(control(WSK_SET_STATIC_EVENT_CALLBACKS, &c, sizeof(c), NULL, 0),
                     STATUS_SUCCESS);
    assert_int_equal(client->StaticMask, WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE);
    assert_int_equal(control(WSK_SET_STATIC_EVENT_CALLBACKS, &c, 8, NULL, 0),
                     STATUS_INVALID_PARAMETER);
    c.EventMask = WSK_EVENT_ACCEPT | WSK_EVENT_DISABLE;
    assert_int_equal(control(WSK_SET_STATIC_EVENT_CALLBACKS, &c, sizeof(c), NULL, 0),
                     STATUS_INVALID_PARAMETER);
    c.EventMask = 0;
    assert_int_equal(control(WSK_SET_STATIC_EVENT_CALLBACKS, &c, sizeof(c), NULL, 0),
                     STATUS_INVALID_PARAMETER);
    c.NpiId = &other;
    assert_int_equal(control(WSK_SET_STATIC_EVENT_CALLBACKS, &c, sizeof(c), NULL, 0),
                     STATUS_NOT_SUPPORTED);
    client->StaticMask = 0;
}

static void tdi_and_unknown(void **state)
{
    ULONG flag = WSK_TDI_BEHAVIOR_BYPASS_TDI;

    (void)state;
    assert_int_equal(control(WSK_TDI_BEHAVIOR, &flag, sizeof(flag), NULL, 0), STATUS_SUCCESS);
    assert_int_equal(control(WSK_TDI_BEHAVIOR, NULL, 0, NULL, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(control(WSK_TDI_DEVICENAME_MAPPING, &flag, 4, NULL, 0), STATUS_NOT_SUPPORTED);
    assert_int_equal(control(99, NULL, 0, NULL, 0), STATUS_INVALID_PARAMETER);
    /* an IRP that is not taken is completed all the same (D05) */
    assert_int_equal(request_inline(WskpControlClient(client, WSK_TDI_BEHAVIOR, sizeof(flag), &flag,
                                                      0, NULL, NULL, request_irp())),
                     STATUS_SUCCESS);
    assert_int_equal(
        request_inline(WskpControlClient(client, 99, 0, NULL, 0, NULL, NULL, request_irp())),
        STATUS_INVALID_PARAMETER);
}

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    request_free();
    fake_shutdown(client);
    return 0;
}

static void cannot(struct net_op *op)
{
    op->result = -EOPNOTSUPP;
}

/* A network that reports no changes says so at once; as does one whose IRP is cancelled already. */
static void change_that_ends_at_once(void **state)
{
    PIRP irp;

    (void)state;
    fake.answer = cannot;
    assert_int_equal(request_inline(list_change()), STATUS_NOT_SUPPORTED);
    assert_true(IsListEmpty(&client->ListChangeIrps));
    irp = request_irp();
    irp->Cancel = TRUE;
    assert_int_equal(request_inline(WskpControlClient(client, WSK_TRANSPORT_LIST_CHANGE, 0, NULL, 0,
                                                      NULL, NULL, irp)),
                     STATUS_CANCELLED);
    assert_true(IsListEmpty(&client->ListChangeIrps));
    fake.answer = NULL;
}

/* A client that is leaving: what it still asks for ends like what it had asked for. */
static void change_while_leaving(void **state)
{
    (void)state;
    fake.pend = true;
    client->Deregistering = TRUE;
    fake.cancels = 0;
    assert_int_equal(list_change(), STATUS_PENDING);
    assert_int_equal(fake.cancels, 1);
    fake_end(-ECANCELED);
    assert_int_equal(request.io.Status, STATUS_CANCELLED);
    client->Deregistering = FALSE;
    fake.pend = false;
}

static void refused(void **state)
{
    WSK_EVENT_CALLBACK_CONTROL none = { NULL, WSK_EVENT_ACCEPT };
    PSECURITY_DESCRIPTOR cached = &none;
    ULONG flag = WSK_TDI_BEHAVIOR_BYPASS_TDI;
    SIZE_T size = 7;
    PIRP irp = IoAllocateIrp(1, FALSE);

    (void)state;
    assert_int_equal(control(WSK_SET_STATIC_EVENT_CALLBACKS, &none, sizeof(none), NULL, 0),
                     STATUS_INVALID_PARAMETER); /* of which interface? */
    assert_int_equal(control(WSK_TDI_BEHAVIOR, &flag, 3, NULL, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(control(WSK_RELEASE_SD, &cached, 4, NULL, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(control(WSK_CACHE_SD, NULL, 0, &cached, sizeof(cached)),
                     STATUS_INVALID_PARAMETER);
    set_families(true, true);
    assert_int_equal(control(WSK_TRANSPORT_LIST_QUERY, NULL, 0, NULL, 1000),
                     STATUS_BUFFER_OVERFLOW); /* room that is nowhere */
    /* Without a client, and with an IRP that has no stack location left. */
    assert_int_equal(
        WskpControlClient(NULL, WSK_TDI_BEHAVIOR, sizeof(flag), &flag, 0, NULL, &size, NULL),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(
        request_inline(WskpControlClient((PWSK_CLIENT)&none, WSK_TDI_BEHAVIOR, sizeof(flag), &flag,
                                         0, NULL, NULL, request_irp())),
        STATUS_INVALID_PARAMETER);
    IoSetNextIrpStackLocation(irp);
    assert_int_equal(
        WskpControlClient(client, WSK_TDI_BEHAVIOR, sizeof(flag), &flag, 0, NULL, &size, irp),
        STATUS_INVALID_PARAMETER);
    irp->CurrentLocation = 2;
    IoFreeIrp(irp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transport_list),       cmocka_unit_test(tdi_and_unknown),
        cmocka_unit_test(descriptors),          cmocka_unit_test(static_events),
        cmocka_unit_test(transport_change),     cmocka_unit_test(change_that_ends_at_once),
        cmocka_unit_test(change_while_leaving), cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests_name("wsk clientctl", tests, setup, teardown);
}
