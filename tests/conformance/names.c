/*
 * names.c: WskGetAddressInfo, WskFreeAddressInfo and WskGetNameInfo. No name server is asked: the
 * names are numbers, /etc/hosts' localhost, and what the command line says.
 *
 * Run with: --host box.example=10.1.2.3 --host twin.example=10.1.2.4 --host twin.example=fd00::4
 */
#include "objects.h"

static NTSTATUS LookUpFor(PCWSTR Node, PCWSTR Service, PADDRINFOEXW Hints, PADDRINFOEXW *List,
                          PEPROCESS Process, PETHREAD Thread)
{
    UNICODE_STRING node, service;
    CALL call;

    RtlInitUnicodeString(&node, Node);
    RtlInitUnicodeString(&service, Service);
    *List = (PADDRINFOEXW)&node; /* must be overwritten whatever happens */
    PIRP irp = CallBegin(&call);
    CallStarted(&call,
                Wsk->WskGetAddressInfo(Client, Node ? &node : NULL, Service ? &service : NULL,
                                       NS_ALL, NULL, Hints, List, Process, Thread, irp));
    NTSTATUS status = CallFinish(&call);
    if (call.Information != (ULONG_PTR)status)
        TestFail(__FILE__, __LINE__, "Information is not the status (NAME-05)");
    if (!NT_SUCCESS(status) && *List)
        TestFail(__FILE__, __LINE__, "a list came with status 0x%08x (D66)", status);
    return status;
}

static NTSTATUS LookUp(PCWSTR Node, PCWSTR Service, PADDRINFOEXW Hints, PADDRINFOEXW *List)
{
    return LookUpFor(Node, Service, Hints, List, NULL, NULL);
}

static ULONG CountOf(PADDRINFOEXW List, int Family)
{
    ULONG n = 0;

    for (; List; List = List->ai_next)
        if (Family == AF_UNSPEC || List->ai_family == Family)
            n++;
    return n;
}

static const SOCKADDR_INET *AddressOf(PADDRINFOEXW Info)
{
    return (const SOCKADDR_INET *)Info->ai_addr;
}

TEST(numeric_hosts, "WSK-NAME-01 WSK-NAME-05 WSK-NAME-06 WSK-NAME-07 WSK-NAME-08 WSK-NAME-12")
{
    ADDRINFOEXW hints = { .ai_flags = AI_NUMERICHOST,
                          .ai_socktype = SOCK_STREAM,
                          .ai_protocol = IPPROTO_TCP };
    PADDRINFOEXW list;

    CHECK_STATUS(LookUp(L"::1", L"8080", &hints, &list), STATUS_SUCCESS);
    CHECK_EQ(CountOf(list, AF_UNSPEC), 1);
    CHECK_EQ(list->ai_family, AF_INET6);
    CHECK_EQ(list->ai_socktype, SOCK_STREAM);
    CHECK_EQ(list->ai_protocol, IPPROTO_TCP);
    CHECK_EQ(list->ai_addrlen, sizeof(SOCKADDR_IN6));
    CHECK(list->ai_canonname == NULL);
    CHECK_EQ(AddressOf(list)->si_family, AF_INET6);
    CHECK_EQ(PortOf(AddressOf(list)), 8080);
    Wsk->WskFreeAddressInfo(Client, list);
    CHECK_STATUS(LookUp(L"192.0.2.9", NULL, NULL, &list), STATUS_SUCCESS);
    CHECK_EQ(list->ai_family, AF_INET);
    CHECK_EQ(list->ai_addrlen, sizeof(SOCKADDR_IN));
    CHECK_EQ(IpOf(AddressOf(list)), 0xc0000209);
    CHECK_EQ(PortOf(AddressOf(list)), 0);
    Wsk->WskFreeAddressInfo(Client, list);
}

/* MQ tries AI_NUMERICHOST first and counts on its failure. */
TEST(name_where_a_number_is_wanted, "WSK-NAME-02 WSK-NAME-05 WSK-NAME-08 D66")
{
    ADDRINFOEXW number = { .ai_flags = AI_NUMERICHOST }, port = { .ai_flags = AI_NUMERICSERV };
    PADDRINFOEXW list;

    CHECK_STATUS(LookUp(L"localhost", NULL, &number, &list), STATUS_NO_MATCH);
    CHECK_STATUS(LookUp(L"box.example", NULL, &number, &list), STATUS_NO_MATCH);
    CHECK_STATUS(LookUp(L"127.0.0.1", L"http", &port, &list), STATUS_NO_MATCH);
}

TEST(names_given_by_the_user, "WSK-NAME-01 WSK-NAME-02 WSK-NAME-07 WSK-NAME-08")
{
    ADDRINFOEXW four = { .ai_family = AF_INET }, six = { .ai_family = AF_INET6 },
                mapped = { .ai_family = AF_INET6, .ai_flags = AI_V4MAPPED };
    PADDRINFOEXW list;

    CHECK_STATUS(LookUp(L"Box.Example", L"53", NULL, &list), STATUS_SUCCESS);
    CHECK_EQ(CountOf(list, AF_UNSPEC), 1);
    CHECK_EQ(IpOf(AddressOf(list)), 0x0a010203);
    CHECK_EQ(PortOf(AddressOf(list)), 53);
    Wsk->WskFreeAddressInfo(Client, list);
    CHECK_STATUS(LookUp(L"twin.example", NULL, NULL, &list), STATUS_SUCCESS);
    CHECK_EQ(CountOf(list, AF_INET), 1);
    CHECK_EQ(CountOf(list, AF_INET6), 1);
    Wsk->WskFreeAddressInfo(Client, list);
    CHECK_STATUS(LookUp(L"twin.example", NULL, &four, &list), STATUS_SUCCESS);
    CHECK_EQ(CountOf(list, AF_UNSPEC), 1);
    CHECK_EQ(CountOf(list, AF_INET), 1);
    Wsk->WskFreeAddressInfo(Client, list);
    CHECK_STATUS(LookUp(L"twin.example", NULL, &six, &list), STATUS_SUCCESS);
    CHECK_EQ(CountOf(list, AF_UNSPEC), 1);
    CHECK_EQ(CountOf(list, AF_INET6), 1);
    Wsk->WskFreeAddressInfo(Client, list);
    /* it has no such address */
    CHECK_STATUS(LookUp(L"box.example", NULL, &six, &list), STATUS_NO_MATCH);
    CHECK_STATUS(LookUp(L"box.example", NULL, &mapped, &list), STATUS_SUCCESS);
    CHECK_EQ(list->ai_family, AF_INET6);
    CHECK_EQ(((PUCHAR)&AddressOf(list)->Ipv6.sin6_addr)[10], 0xff);
    CHECK_EQ(((PUCHAR)&AddressOf(list)->Ipv6.sin6_addr)[12], 10);
    Wsk->WskFreeAddressInfo(Client, list);
}

/* This one asks the host's resolver, so it pends. */
TEST(localhost, "WSK-NAME-01 WSK-NAME-04 WSK-NAME-05 WSK-NAME-11")
{
    UNICODE_STRING node = RTL_CONSTANT_STRING(L"localhost");
    ADDRINFOEXW hints = { .ai_family = AF_INET };
    PADDRINFOEXW list = NULL;
    CALL call;

    PIRP irp = CallBegin(&call);
    CallStarted(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, NS_DNS, NULL, &hints, &list,
                                              NULL, NULL, irp));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, STATUS_SUCCESS);
    CHECK(list != NULL);
    CHECK_EQ(IpOf(AddressOf(list)) >> 24, 127);
    Wsk->WskFreeAddressInfo(Client, list);
}

/* The strings are counted, and may go as soon as the call has returned. */
TEST(counted_strings, "D67 D28 WSK-NAME-06 WSK-NAME-07")
{
    WCHAR node_text[] = L"192.0.2.77", service_text[] = L"8099";
    UNICODE_STRING node = { 18, 18, node_text }, service = { 4, 4, service_text };
    PADDRINFOEXW list;
    CALL call;

    PIRP irp = CallBegin(&call);
    CallStarted(&call, Wsk->WskGetAddressInfo(Client, &node, &service, NS_ALL, NULL, NULL, &list,
                                              NULL, NULL, irp));
    RtlFillMemory(node_text, sizeof(node_text), 0xee);
    RtlFillMemory(service_text, sizeof(service_text), 0xee);
    RtlFillMemory(&node, sizeof(node), 0xee);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(IpOf(AddressOf(list)), 0xc0000207);
    CHECK_EQ(PortOf(AddressOf(list)), 80);
    Wsk->WskFreeAddressInfo(Client, list);
}

TEST(wildcard_and_loopback, "WSK-NAME-08 WSK-NAME-07")
{
    ADDRINFOEXW passive = { .ai_flags = AI_PASSIVE, .ai_family = AF_INET },
                active = { .ai_family = AF_INET6 };
    PADDRINFOEXW list;

    CHECK_STATUS(LookUp(NULL, L"99", &passive, &list), STATUS_SUCCESS);
    CHECK_EQ(IpOf(AddressOf(list)), 0);
    CHECK_EQ(PortOf(AddressOf(list)), 99);
    Wsk->WskFreeAddressInfo(Client, list);
    CHECK_STATUS(LookUp(NULL, L"99", &active, &list), STATUS_SUCCESS);
    CHECK_EQ(((PUCHAR)&AddressOf(list)->Ipv6.sin6_addr)[15], 1);
    Wsk->WskFreeAddressInfo(Client, list);
}

static BOOLEAN IsText(PCWSTR Text, PCWSTR Expected)
{
    UNICODE_STRING a, b;

    RtlInitUnicodeString(&a, Text);
    RtlInitUnicodeString(&b, Expected);
    return RtlEqualUnicodeString(&a, &b, FALSE);
}

TEST(canonical_names, "D67 WSK-NAME-08")
{
    static const int flags[] = { AI_CANONNAME, AI_FQDN };

    for (ULONG i = 0; i < RTL_NUMBER_OF(flags); i++) {
        ADDRINFOEXW hints = { .ai_flags = flags[i] };
        PADDRINFOEXW list;
        CHECK_STATUS(LookUp(L"twin.example", NULL, &hints, &list), STATUS_SUCCESS);
        CHECK(IsText(list->ai_canonname, L"twin.example"));
        CHECK(list->ai_next != NULL && list->ai_next->ai_canonname == NULL);
        Wsk->WskFreeAddressInfo(Client, list);
    }
}

TEST(services_by_name, "WSK-NAME-07 WSK-NAME-02 WSK-NAME-17")
{
    ADDRINFOEXW udp = { .ai_socktype = SOCK_DGRAM };
    PADDRINFOEXW list;

    CHECK_STATUS(LookUp(L"127.0.0.1", L"no-such-service", NULL, &list), STATUS_NO_MATCH);
    NTSTATUS status = LookUp(L"127.0.0.1", L"domain", &udp, &list);
    if (status == STATUS_NO_MATCH) {
        TestSkip("the host has no list of services");
        return;
    }
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(PortOf(AddressOf(list)), 53);
    Wsk->WskFreeAddressInfo(Client, list);
    CHECK_STATUS(LookUp(L"box.example", L"http", NULL, &list), STATUS_SUCCESS);
    CHECK_EQ(PortOf(AddressOf(list)), 80);
    Wsk->WskFreeAddressInfo(Client, list);
}

TEST(bad_arguments, "WSK-NAME-03 WSK-NAME-05 WSK-NAME-09 D66")
{
    static const ADDRINFOEXW bad[] = { { .ai_flags = 0x40000000 },
                                       { .ai_family = 99 },
                                       { .ai_socktype = 99 },
                                       { .ai_protocol = -1 },
                                       { .ai_flags = AI_CANONNAME | AI_FQDN },
                                       { .ai_addrlen = 4 } };
    UNICODE_STRING node = RTL_CONSTANT_STRING(L"127.0.0.1"), out = { 0, 0, NULL };
    PADDRINFOEXW list;
    SOCKADDR_INET address;
    CALL call;

    CHECK_STATUS(LookUp(NULL, NULL, NULL, &list), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(LookUp(L"", L"", NULL, &list), STATUS_INVALID_PARAMETER);
    for (ULONG i = 0; i < RTL_NUMBER_OF(bad); i++) {
        ADDRINFOEXW hints = bad[i];
        CHECK_STATUS(LookUp(L"127.0.0.1", NULL, &hints, &list), STATUS_INVALID_PARAMETER);
    }
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, 77, NULL, NULL, &list,
                                                       NULL, NULL, irp)),
                 STATUS_INVALID_PARAMETER);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, NS_ALL, NULL, NULL,
                                                       NULL, NULL, NULL, irp)),
                 STATUS_INVALID_PARAMETER);
    CHECK_EQ(call.Information, (ULONG_PTR)STATUS_INVALID_PARAMETER);
    /* a thread needs its process */
    CHECK_STATUS(LookUpFor(L"127.0.0.1", NULL, NULL, &list, NULL, PsGetCurrentThread()),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(
        LookUpFor(L"127.0.0.1", NULL, NULL, &list, PsGetCurrentProcess(), PsGetCurrentThread()),
        STATUS_SUCCESS);
    Wsk->WskFreeAddressInfo(Client, list);
    (void)Loopback(AF_INET, 80, &address);
    irp = CallBegin(&call);
    CHECK_STATUS(
        CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)&address, sizeof(address), &out, NULL,
                                           NI_NUMERICHOST, NULL, PsGetCurrentThread(), irp)),
        STATUS_INVALID_PARAMETER);
    CHECK_EQ(call.Information, (ULONG_PTR)STATUS_INVALID_PARAMETER);
}

TEST(free_nothing, "D67 WSK-NAME-12")
{
    Wsk->WskFreeAddressInfo(Client, NULL);
}

/* ---- WskGetNameInfo
 * --------------------------------------------------------------------------------- */

typedef struct _NAMES {
    WCHAR NodeText[300], ServiceText[64];
    UNICODE_STRING Node, Service;
} NAMES;

static NTSTATUS NameOf(const SOCKADDR_INET *Address, ULONG Flags, NAMES *n)
{
    CALL call;

    RtlFillMemory(n->NodeText, sizeof(n->NodeText), 0xee);
    RtlFillMemory(n->ServiceText, sizeof(n->ServiceText), 0xee);
    n->Node = (UNICODE_STRING){ 0, sizeof(n->NodeText), n->NodeText };
    n->Service = (UNICODE_STRING){ 0, sizeof(n->ServiceText), n->ServiceText };
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)Address,
                                           Address->si_family == AF_INET ? 16 : 28, &n->Node,
                                           &n->Service, Flags, NULL, NULL, irp));
    if (call.Information != (ULONG_PTR)status)
        TestFail(__FILE__, __LINE__, "Information is not the status (NAME-05)");
    return status;
}

/* The text, its length, and the NUL behind it. */
static BOOLEAN Says(const UNICODE_STRING *Out, PCWSTR Expected)
{
    UNICODE_STRING expected;

    RtlInitUnicodeString(&expected, Expected);
    return RtlEqualUnicodeString(Out, &expected, FALSE) && Out->Buffer[Out->Length / 2] == 0;
}

TEST(numeric_names, "WSK-NAME-13 WSK-NAME-14 WSK-NAME-17 WSK-NAME-05 D67")
{
    SOCKADDR_INET address;
    NAMES names;

    (void)Address4(0xc0000209, 8080, &address);
    CHECK_STATUS(NameOf(&address, NI_NUMERICHOST | NI_NUMERICSERV, &names), STATUS_SUCCESS);
    CHECK(Says(&names.Node, L"192.0.2.9"));
    CHECK(Says(&names.Service, L"8080"));
    (void)Loopback(AF_INET6, 65535, &address);
    CHECK_STATUS(NameOf(&address, NI_NUMERICHOST | NI_NUMERICSERV, &names), STATUS_SUCCESS);
    CHECK(Says(&names.Node, L"::1"));
    CHECK(Says(&names.Service, L"65535"));
}

TEST(names_of_addresses, "WSK-NAME-13 WSK-NAME-14 WSK-NAME-15 WSK-NAME-16 WSK-NAME-17")
{
    SOCKADDR_INET address;
    NAMES names;

    (void)Address4(0x0a010203, 7777, &address);
    CHECK_STATUS(NameOf(&address, NI_NUMERICSERV, &names), STATUS_SUCCESS);
    CHECK(Says(&names.Node, L"box.example"));
    CHECK(Says(&names.Service, L"7777"));
    CHECK_STATUS(NameOf(&address, NI_NUMERICSERV | NI_NAMEREQD, &names), STATUS_SUCCESS);
    CHECK(Says(&names.Node, L"box.example"));
    CHECK_STATUS(NameOf(&address, NI_NUMERICSERV | NI_NUMERICHOST, &names), STATUS_SUCCESS);
    CHECK(Says(&names.Node, L"10.1.2.3"));
    CHECK_STATUS(NameOf(&address, NI_NUMERICSERV | NI_NOFQDN, &names), STATUS_SUCCESS);
    CHECK(Says(&names.Node, L"box"));
    /* a number that must be a name */
    CHECK_STATUS(NameOf(&address, NI_NUMERICHOST | NI_NAMEREQD, &names), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NameOf(&address, 0x8000, &names), STATUS_INVALID_PARAMETER);
}

TEST(localhost_by_address, "WSK-NAME-13 WSK-NAME-04")
{
    SOCKADDR_INET address;
    NAMES names;

    (void)Loopback(AF_INET, 7777, &address);
    CHECK_STATUS(NameOf(&address, NI_NUMERICSERV | NI_NAMEREQD, &names), STATUS_SUCCESS);
    CHECK(Says(&names.Node, L"localhost"));
}

TEST(services_by_number, "WSK-NAME-17")
{
    SOCKADDR_INET address;
    NAMES tcp, udp;

    (void)Address4(0x0a010203, 514, &address);
    CHECK_STATUS(NameOf(&address, 0, &tcp), STATUS_SUCCESS);
    CHECK_STATUS(NameOf(&address, NI_DGRAM, &udp), STATUS_SUCCESS);
    if (Says(&tcp.Service, L"514")) {
        TestSkip("the host has no list of services");
        return;
    }
    CHECK(Says(&tcp.Service, L"shell"));
    CHECK(Says(&udp.Service, L"syslog"));
}

TEST(room_for_the_text, "D67 WSK-NAME-13 WSK-NAME-05")
{
    WCHAR text[10];
    SOCKADDR_INET address;

    (void)Loopback(AF_INET, 80, &address); /* "127.0.0.1": nine units and the NUL */
    for (USHORT room = 0; room <= sizeof(text); room += 2) {
        UNICODE_STRING out = { 0, room, text };
        CALL call;
        RtlFillMemory(text, sizeof(text), 0xee);
        PIRP irp = CallBegin(&call);
        NTSTATUS status =
            CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)&address, 16, &out, NULL,
                                               NI_NUMERICHOST, NULL, NULL, irp));
        CHECK_STATUS(status, room == 20 ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL);
        CHECK_EQ(call.Information, (ULONG_PTR)status);
        for (ULONG i = room; i < sizeof(text); i++)
            CHECK_EQ(((PUCHAR)text)[i], 0xee);
    }
}

/* One output alone. */
TEST(one_output, "WSK-NAME-13 WSK-NAME-17")
{
    WCHAR text[10];
    UNICODE_STRING out = { 0, sizeof(text), text };
    SOCKADDR_INET address;
    CALL call;

    (void)Loopback(AF_INET, 8080, &address);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)&address, 16, NULL, &out,
                                                    NI_NUMERICSERV, NULL, NULL, irp)),
                 STATUS_SUCCESS);
    CHECK(Says(&out, L"8080"));
}

TEST(cancelled, "D08 D10")
{
    UNICODE_STRING node = RTL_CONSTANT_STRING(L"localhost");
    PADDRINFOEXW list = NULL;
    CALL call;

    /* whichever comes first, the answer or the cancel: the IRP ends once */
    PIRP irp = CallBegin(&call);
    CallStarted(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, NS_ALL, NULL, NULL, &list, NULL,
                                              NULL, irp));
    (void)IoCancelIrp(irp);
    NTSTATUS status = CallFinish(&call);
    CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
    CHECK_EQ(call.Information, (ULONG_PTR)status);
    CHECK((status == STATUS_SUCCESS) == (list != NULL));
    Wsk->WskFreeAddressInfo(Client, list);
}

TESTS(ROW(numeric_hosts) ROW(name_where_a_number_is_wanted) ROW(names_given_by_the_user)
          ROW(localhost) ROW(counted_strings) ROW(wildcard_and_loopback) ROW(canonical_names)
              ROW(services_by_name) ROW(bad_arguments) ROW(free_nothing) ROW(numeric_names)
                  ROW(names_of_addresses) ROW(localhost_by_address) ROW(services_by_number)
                      ROW(room_for_the_text) ROW(one_output) ROW(cancelled))
