/*
 * netns_names.c: names that do not exist. netns.sh gives the run a resolver that knows /etc/hosts
 * only.
 */
#include "objects.h"

TEST(no_such_name, "WSK-NAME-02 WSK-NAME-04 WSK-NAME-05 D66")
{
    UNICODE_STRING node = RTL_CONSTANT_STRING(L"nowhere.example");
    PADDRINFOEXW list = (PADDRINFOEXW)&node;
    CALL call;

    PIRP irp = CallBegin(&call);
    CallStarted(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, NS_ALL, NULL, NULL, &list, NULL,
                                              NULL, irp));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    CHECK_STATUS(CallFinish(&call), STATUS_NO_MATCH);
    CHECK_EQ(call.Information, (ULONG_PTR)STATUS_NO_MATCH);
    CHECK(list == NULL);
}

TEST(no_name_for_an_address, "WSK-NAME-14 WSK-NAME-15 WSK-NAME-05 D66")
{
    WCHAR text[64];
    UNICODE_STRING out = { 0, sizeof(text), text }, expected;
    SOCKADDR_INET address;
    CALL call;

    (void)Address4(0xc6336401, 80, &address);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)&address, 16, &out, NULL,
                                                    NI_NAMEREQD, NULL, NULL, irp)),
                 STATUS_NO_MATCH);
    CHECK_EQ(call.Information, (ULONG_PTR)STATUS_NO_MATCH);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)&address, 16, &out, NULL, 0,
                                                    NULL, NULL, irp)),
                 STATUS_SUCCESS);
    RtlInitUnicodeString(&expected, L"198.51.100.1");
    CHECK(RtlEqualUnicodeString(&out, &expected, FALSE));
}

TESTS(ROW(no_such_name) ROW(no_name_for_an_address))
