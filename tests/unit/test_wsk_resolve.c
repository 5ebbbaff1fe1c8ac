/* WskGetAddressInfo, WskGetNameInfo, WskFreeAddressInfo over a resolver without a network. */
#include "wsk_fake.h"

static WSKP_CLIENT *client;
static struct net_resolve asked; /* what reached the resolver */

static UNICODE_STRING string(WCHAR *text)
{
    USHORT n = 0;

    while (text[n])
        n++;
    return (UNICODE_STRING){ (USHORT)(n * 2), (USHORT)(n * 2), text };
}

static int64_t answer_result;
static const char canonical[] = "b\xc3\xbc"
                                "cher.example";

static void answer(struct net_op *op)
{
    asked = *op->resolve;
    op->resolve->count = answer_result > 0 ? (unsigned)answer_result : 0;
    op->resolve->results[0] =
        (struct net_addr){ .family = NET_IP4, .port = 80, .ip = { 192, 0, 2, 1 } };
    op->resolve->results[1] =
        (struct net_addr){ .family = NET_IP6, .port = 80, .ip = { 0xfd, [15] = 1 } };
    memcpy(op->resolve->canonical_name, canonical, sizeof(canonical));
    if (op->code == NET_OP_NAMEINFO) {
        memcpy(op->resolve->host, "h\xf0\x9f\x98\x80.example", 14);
        memcpy(op->resolve->service, "http", 5);
    }
    op->result = answer_result;
}

static NTSTATUS resolve(PUNICODE_STRING node, PUNICODE_STRING service, PADDRINFOEXW hints,
                        PADDRINFOEXW *result)
{
    *result = (PADDRINFOEXW)(uintptr_t)1;
    return WskpGetAddressInfo(client, node, service, NS_ALL, NULL, hints, result, NULL, NULL,
                              request_irp());
}

static void found(void **state)
{
    UNICODE_STRING node = string(L"b\u00fccher.example"), service = string(L"http");
    ADDRINFOEXW hints = { .ai_socktype = SOCK_STREAM,
                          .ai_protocol = IPPROTO_TCP,
                          .ai_flags = AI_CANONNAME };
    PADDRINFOEXW list;

    (void)state;
    answer_result = 2;
    assert_int_equal(request_inline(resolve(&node, &service, &hints, &list)), STATUS_SUCCESS);
    assert_int_equal(request.io.Information, STATUS_SUCCESS);
    assert_string_equal(asked.host, "b\xc3\xbc"
                                    "cher.example");
    assert_string_equal(asked.service, "http");
    assert_true(asked.canonical);
    assert_int_equal(list->ai_family, AF_INET);
    assert_int_equal(list->ai_socktype, SOCK_STREAM);
    assert_int_equal(list->ai_protocol, IPPROTO_TCP);
    assert_int_equal(list->ai_addrlen, 16);
    assert_memory_equal(list->ai_canonname, L"b\u00fccher.example", 28);
    PADDRINFOEXW second = list->ai_next;
    assert_int_equal(second->ai_family, AF_INET6);
    assert_int_equal(second->ai_addrlen, 28);
    assert_null(second->ai_canonname);
    assert_null(second->ai_next);
    WskpFreeAddressInfo(client, list);
    assert_true(IsListEmpty(&client->AddressInfos));
    WskpFreeAddressInfo(client, NULL); /* tolerated */
}

static void statuses(void **state)
{
    static const struct {
        int64_t result;
        NTSTATUS status;
    } rows[] = {
        { 0, STATUS_NO_MATCH },
        { -ENOENT, STATUS_NO_MATCH },
        { -EAGAIN, STATUS_IO_TIMEOUT },
        { -EINVAL, STATUS_INVALID_PARAMETER },
        { -ENOMEM, STATUS_INSUFFICIENT_RESOURCES },
    };
    UNICODE_STRING node = string(L"nowhere");
    PADDRINFOEXW list;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        answer_result = rows[i].result;
        assert_int_equal(request_inline(resolve(&node, NULL, NULL, &list)), rows[i].status);
        assert_int_equal((NTSTATUS)request.io.Information, rows[i].status);
        assert_null(list);
    }
}

static void bad_parameters(void **state)
{
    UNICODE_STRING node = string(L"host"), empty = { 0 };
    PADDRINFOEXW list;
    SOCKADDR address = { .sa_family = AF_INET };
    ADDRINFOEXW bad[] = {
        { .ai_flags = 0x40000000 }, { .ai_flags = AI_CANONNAME | AI_FQDN },
        { .ai_family = 1 },         { .ai_socktype = 99 },
        { .ai_addrlen = 16 },       { .ai_canonname = L"x" },
        { .ai_addr = &address },    { .ai_next = &bad[0] },
    };

    (void)state;
    answer_result = 2;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(request_inline(resolve(&node, NULL, &bad[i], &list)),
                         STATUS_INVALID_PARAMETER);
    assert_int_equal(request_inline(resolve(NULL, NULL, NULL, &list)), STATUS_INVALID_PARAMETER);
    assert_int_equal(request_inline(resolve(&empty, &empty, NULL, &list)),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        request_inline(WskpGetAddressInfo(client, &node, NULL, NS_ALL, NULL, NULL, &list, NULL,
                                          (PETHREAD)(uintptr_t)8, request_irp())),
        STATUS_INVALID_PARAMETER); /* NAME-09 */
    assert_int_equal(request_inline(WskpGetAddressInfo(client, &node, NULL, 4711, NULL, NULL, &list,
                                                       NULL, NULL, request_irp())),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        WskpGetAddressInfo(client, &node, NULL, NS_ALL, NULL, NULL, &list, NULL, NULL, NULL),
        STATUS_INVALID_PARAMETER); /* D04 */
}

static void pending(void **state)
{
    UNICODE_STRING node = string(L"host");
    PADDRINFOEXW list;

    (void)state;
    fake.pend = true;
    assert_int_equal(resolve(&node, NULL, NULL, &list), STATUS_PENDING);
    assert_int_equal(request.completions, 0);
    assert_int_equal(client->Irps, 1);
    fake_end(-ENOENT);
    assert_int_equal(request.completions, 1);
    assert_true(request.pending_returned);
    assert_int_equal(request.io.Status, STATUS_NO_MATCH);
    assert_int_equal(client->Irps, 0);

    assert_int_equal(resolve(&node, NULL, NULL, &list), STATUS_PENDING);
    assert_true(IoCancelIrp(request.irp));
    assert_int_equal(fake.cancels, 1);
    fake_end(-ECANCELED);
    assert_int_equal(request.io.Status, STATUS_CANCELLED);
    fake.pend = false;
}

static NTSTATUS name_of(PUNICODE_STRING node, PUNICODE_STRING service, ULONG length, ULONG flags)
{
    SOCKADDR_STORAGE storage;

    memset(&storage, 0, sizeof(storage));
    storage.ss_family = AF_INET;
    return request_inline(WskpGetNameInfo(client, (PSOCKADDR)&storage, length, node, service, flags,
                                          NULL, NULL, request_irp()));
}

static void names(void **state)
{
    WCHAR host[12], service[8];
    UNICODE_STRING node = { 0, sizeof(host), host }, port = { 0, sizeof(service), service };

    (void)state;
    answer_result = 0;
    assert_int_equal(name_of(&node, &port, 16, NI_NOFQDN), STATUS_SUCCESS);
    assert_true(asked.no_fqdn);
    assert_int_equal(node.Length, 11 * 2); /* the smiley takes two units */
    assert_int_equal(host[1], 0xd83d);
    assert_int_equal(host[2], 0xde00);
    assert_int_equal(host[11], 0);
    assert_int_equal(port.Length, 8);
    assert_memory_equal(service, L"http", 10);
    node.MaximumLength = 11 * 2; /* no room for the NUL */
    assert_int_equal(name_of(&node, NULL, 16, 0), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(name_of(NULL, NULL, 16, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(name_of(&node, NULL, 15, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(name_of(&node, NULL, 129, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(name_of(&node, NULL, 16, 0x100), STATUS_INVALID_PARAMETER);
    answer_result = -ENOENT;
    assert_int_equal(name_of(&node, NULL, 16, NI_NAMEREQD), STATUS_NO_MATCH);
    assert_true(asked.name_required);
}

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    fake.answer = answer;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    request_free();
    fake_shutdown(client);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),   cmocka_unit_test(statuses), cmocka_unit_test(bad_parameters),
        cmocka_unit_test(pending), cmocka_unit_test(names),
    };

    return cmocka_run_group_tests_name("wsk resolve", tests, setup, teardown);
}
