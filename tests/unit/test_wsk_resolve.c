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
static const char *name_text; /* instead of the usual host name */
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
        if (name_text)
            strcpy(op->resolve->host, name_text);
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

/* Text of the driver that is no UTF-16, and of the network that is no UTF-8. */
static void odd_text(void **state)
{
    static const struct {
        const char *utf8;
        WCHAR first, second;
    } rows[] = {
        { "\x80z", 0xfffd, L'z' },         /* a byte of the middle first */
        { "\xc3z", 0xfffd, L'z' },         /* one that is missing */
        { "\xe2\x82", 0xfffd, 0 },         /* at the end */
        { "\xf7\xbf\xbf\xbf", 0xfffd, 0 }, /* beyond the last code point */
        { "\xf8z", 0xfffd, L'z' },         /* no lead byte at all */
        { "\xed\xa0\x80z", 0xfffd, L'z' }, /* a surrogate */
        { "\xed\xbf\xbfz", 0xfffd, L'z' },
        { "\xf0\x9f\x98\x80", 0xd83d, 0xde00 }, /* and one that is well */
    };
    WCHAR lone[] = { 0xd800, L'x', 0xdc00, 0xd83d, 0xde00, 0xd800, 0 }, host[32];
    UNICODE_STRING node = string(lone), out = { 0, sizeof(host), host };
    PADDRINFOEXW list;

    (void)state;
    answer_result = 1;
    assert_int_equal(request_inline(resolve(&node, NULL, NULL, &list)), STATUS_SUCCESS);
    assert_string_equal(asked.host, "\xef\xbf\xbdx\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd");
    WskpFreeAddressInfo(client, list);
    answer_result = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        name_text = rows[i].utf8;
        assert_int_equal(name_of(&out, NULL, 16, 0), STATUS_SUCCESS);
        assert_int_equal(host[0], rows[i].first);
        assert_int_equal(host[1], rows[i].second);
    }
    name_text = NULL;
}

static void long_text(void **state)
{
    static WCHAR text[2000];
    UNICODE_STRING node, ended = { 6, 6, L"h\0t" };
    PADDRINFOEXW list;

    (void)state;
    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]) - 1; i++)
        text[i] = L'n';
    node = string(text);
    answer_result = 1;
    assert_int_equal(request_inline(resolve(&node, NULL, NULL, &list)), STATUS_INVALID_PARAMETER);
    assert_int_equal(request_inline(resolve(&ended, NULL, NULL, &list)), STATUS_SUCCESS);
    assert_string_equal(asked.host, "h"); /* a NUL ends it */
    WskpFreeAddressInfo(client, list);
}

static void more_bad_parameters(void **state)
{
    SOCKADDR_STORAGE storage = { .ss_family = 99 };
    UNICODE_STRING node = string(L"host"), service = string(L"1"), none = { 0 };
    ADDRINFOEXW canonical_of_nothing = { .ai_flags = AI_CANONNAME };
    ADDRINFOEXW udp = { .ai_protocol = IPPROTO_UDP };
    PADDRINFOEXW list;

    (void)state;
    answer_result = 1;
    assert_int_equal(request_inline(resolve(NULL, &service, &canonical_of_nothing, &list)),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(request_inline(resolve(&node, NULL, &udp, &list)), STATUS_SUCCESS);
    assert_true(asked.datagram);
    WskpFreeAddressInfo(client, list);
    assert_int_equal(request_inline(WskpGetNameInfo(client, (PSOCKADDR)&storage, 16, &none, NULL, 0,
                                                    NULL, NULL, request_irp())),
                     STATUS_INVALID_PARAMETER);
    storage.ss_family = AF_INET;
    assert_int_equal(request_inline(WskpGetNameInfo(client, NULL, 16, &none, NULL, 0, NULL, NULL,
                                                    request_irp())),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(request_inline(WskpGetNameInfo(client, (PSOCKADDR)&storage, 16, &none, NULL, 0,
                                                    NULL, (PETHREAD)(uintptr_t)8, request_irp())),
                     STATUS_INVALID_PARAMETER);
    answer_result = 0;
    assert_int_equal(request_inline(WskpGetNameInfo(client, (PSOCKADDR)&storage, 16, &none, NULL, 0,
                                                    NULL, NULL, request_irp())),
                     STATUS_BUFFER_TOO_SMALL); /* no buffer at all */
    assert_int_equal(
        WskpGetNameInfo(client, (PSOCKADDR)&storage, 16, &none, NULL, 0, NULL, NULL, NULL),
        STATUS_INVALID_PARAMETER); /* no IRP */
    /* No client: the IRP is completed all the same. */
    assert_int_equal(request_inline(WskpGetNameInfo(NULL, (PSOCKADDR)&storage, 16, &none, NULL, 0,
                                                    NULL, NULL, request_irp())),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(
        request_inline(WskpGetAddressInfo((PWSK_CLIENT)&storage, &node, NULL, NS_ALL, NULL, NULL,
                                          &list, NULL, NULL, request_irp())),
        STATUS_INVALID_PARAMETER);
    WskpFreeAddressInfo(NULL, list);
    /* Only the service is wanted: the host is not looked up. */
    WCHAR room[8];
    UNICODE_STRING port = { 0, sizeof(room), room };
    assert_int_equal(name_of(NULL, &port, 16, 0), STATUS_SUCCESS);
    assert_true(asked.numeric_host);
    assert_int_equal(name_of(NULL, &port, 16, NI_NAMEREQD), STATUS_SUCCESS);
    assert_false(asked.numeric_host);
}

/* A result that nobody took: it goes with its client. */
static void more_results_than_there_is_room(void **state)
{
    UNICODE_STRING node = string(L"host");
    PADDRINFOEXW list;
    int count = 0;

    (void)state;
    answer_result = NET_RESOLVE_RESULTS + 5;
    assert_int_equal(request_inline(resolve(&node, NULL, NULL, &list)), STATUS_SUCCESS);
    for (PADDRINFOEXW i = list; i; i = i->ai_next)
        count++;
    assert_int_equal(count, NET_RESOLVE_RESULTS);
    assert_false(IsListEmpty(&client->AddressInfos)); /* left to the teardown, which frees it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),
        cmocka_unit_test(statuses),
        cmocka_unit_test(bad_parameters),
        cmocka_unit_test(pending),
        cmocka_unit_test(names),
        cmocka_unit_test(odd_text),
        cmocka_unit_test(long_text),
        cmocka_unit_test(more_bad_parameters),
        cmocka_unit_test(more_results_than_there_is_room),
    };

    return cmocka_run_group_tests_name("wsk resolve", tests, setup, teardown);
}
