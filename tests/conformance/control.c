/* control.c: control objects of datagrams over the host's sockets, name resolution, address lists.
 */
#include "conformance.h"

#include <mstcpip.h>
#include <ws2ipdef.h>

/* Control buffers on their way in and out. */
typedef struct _OBJECTS {
    DECLSPEC_ALIGN(8) UCHAR Bytes[256];
    ULONG Used;
} OBJECTS;

static void Put(OBJECTS *o, INT Level, INT Type, const VOID *Data, SIZE_T Length)
{
    CMSGHDR header = { .cmsg_len = sizeof(header) + Length,
                       .cmsg_level = Level,
                       .cmsg_type = Type };

    RtlCopyMemory(o->Bytes + o->Used, &header, sizeof(header));
    RtlCopyMemory(o->Bytes + o->Used + sizeof(header), Data, Length);
    o->Used += (ULONG)((sizeof(header) + Length + 7) & ~(SIZE_T)7);
}

static void PutInt(OBJECTS *o, INT Level, INT Type, INT Value)
{
    Put(o, Level, Type, &Value, sizeof(Value));
}

static const VOID *Find(const OBJECTS *o, INT Level, INT Type)
{
    ULONG at = 0;

    while (at + sizeof(CMSGHDR) <= o->Used) {
        const CMSGHDR *h = (const CMSGHDR *)(o->Bytes + at);
        if (h->cmsg_level == Level && h->cmsg_type == Type)
            return h + 1;
        at += (ULONG)((h->cmsg_len + 7) & ~(SIZE_T)7);
    }
    return NULL;
}

/* One datagram with control data from a to b; what b got with it. */
static NTSTATUS Exchange(PWSK_SOCKET a, PWSK_SOCKET b, SOCKADDR_INET *To, OBJECTS *Out, OBJECTS *In,
                         ULONG *Flags)
{
    BUFFER *data = MakePattern(100, 1), *got = MakeBuffer(200);
    CALL call;
    NTSTATUS status;

    status = CallEnd(&call, DATAGRAM_OF(a)->WskSendTo(a, &data->Buf, 0, (PSOCKADDR)To, Out->Used,
                                                      Out->Used ? (PCMSGHDR)Out->Bytes : NULL,
                                                      CallBegin(&call)));
    CallFree(&call);
    if (!NT_SUCCESS(status))
        return status;
    In->Used = sizeof(In->Bytes);
    status = CallEnd(&call,
                     DATAGRAM_OF(b)->WskReceiveFrom(b, &got->Buf, 0, NULL, &In->Used,
                                                    (PCMSGHDR)In->Bytes, Flags, CallBegin(&call)));
    CallFree(&call);
    return status;
}

static NTSTATUS On(PWSK_SOCKET Socket, ULONG Level, ULONG Option)
{
    ULONG one = 1;

    return SetOption(Socket, Level, Option, &one, sizeof(one));
}

TEST(v4_objects, "WSK-STO-07 WSK-RFROM-05 WSK-RFROM-07 D49")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt;
    OBJECTS out = { .Used = 0 }, in;
    ULONG flags = 77;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IP, IP_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IP, IP_RECVTOS), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IP, IP_ECN), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(b, AF_INET, &bt), STATUS_SUCCESS);
    PutInt(&out, IPPROTO_IP, IP_TTL, 9);
    PutInt(&out, IPPROTO_IP, IP_TOS, 0x28);
    PutInt(&out, IPPROTO_IP, IP_ECN, 2);
    CHECK_STATUS(Exchange(a, b, &bt, &out, &in, &flags), STATUS_SUCCESS);
    CHECK_EQ(flags, 0);
    const IN_PKTINFO *info = Find(&in, IPPROTO_IP, IP_PKTINFO);
    const INT *ttl = Find(&in, IPPROTO_IP, IP_TTL), *tos = Find(&in, IPPROTO_IP, IP_TOS),
              *ecn = Find(&in, IPPROTO_IP, IP_ECN);
    CHECK(info != NULL && ttl != NULL && tos != NULL && ecn != NULL);
    CHECK(RtlCompareMemory(&info->ipi_addr, (PUCHAR)&bt + 4, 4) == 4);
    CHECK(info->ipi_ifindex != 0);
    CHECK_EQ(*ttl, 9);
    CHECK_EQ(*tos, 0x2a);
    CHECK_EQ(*ecn, 2);
}

TEST(dual_stack_objects, "D49 D50 WSK-ADDR-07")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET at, bt, to, from4;
    OBJECTS out = { .Used = 0 }, in;
    ULONG off = 0;
    static const UCHAR mapped[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1 };

    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET6, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(a, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IPV6, IPV6_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IP, IP_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(On(b, IPPROTO_IPV6, IPV6_HOPLIMIT), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(a, Wildcard(AF_INET6, 0, &at)), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(b, Wildcard(AF_INET6, 0, &bt)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(b, &bt), STATUS_SUCCESS);
    /* IPv6 */
    (void)Loopback(AF_INET6, PortOf(&bt), &to);
    PutInt(&out, IPPROTO_IPV6, IPV6_HOPLIMIT, 11);
    CHECK_STATUS(Exchange(a, b, &to, &out, &in, NULL), STATUS_SUCCESS);
    CHECK(Find(&in, IPPROTO_IPV6, IPV6_PKTINFO) != NULL);
    CHECK(Find(&in, IPPROTO_IP, IP_PKTINFO) == NULL);
    const INT *hops = Find(&in, IPPROTO_IPV6, IPV6_HOPLIMIT);
    CHECK(hops != NULL && *hops == 11);
    /* IPv4, to a mapped address */
    RtlCopyMemory(&to.Ipv6.sin6_addr, mapped, 16);
    out.Used = 0;
    IN_PKTINFO source = { .ipi_ifindex = 0 };
    (void)Loopback(AF_INET, 0, &from4);
    RtlCopyMemory(&source.ipi_addr, &from4.Ipv4.sin_addr, 4);
    Put(&out, IPPROTO_IP, IP_PKTINFO, &source, sizeof(source));
    PutInt(&out, IPPROTO_IP, IP_TTL, 12);
    CHECK_STATUS(Exchange(a, b, &to, &out, &in, NULL), STATUS_SUCCESS);
    const IN_PKTINFO *info = Find(&in, IPPROTO_IP, IP_PKTINFO);
    CHECK(info != NULL);
    CHECK(RtlCompareMemory(&info->ipi_addr, mapped + 12, 4) == 4);
    CHECK(Find(&in, IPPROTO_IPV6, IPV6_PKTINFO) == NULL);
    const INT *ttl = Find(&in, IPPROTO_IP, IP_TTL);
    CHECK(ttl != NULL && *ttl == 12);
}

TEST(bad_objects, "D49 WSK-STO-07")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    OBJECTS out = { .Used = 0 }, in;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    PutInt(&out, IPPROTO_IP, 99, 1);
    CHECK_STATUS(Exchange(a, a, &at, &out, &in, NULL), STATUS_INVALID_PARAMETER);
    ((CMSGHDR *)out.Bytes)->cmsg_len = 3;
    CHECK_STATUS(Exchange(a, a, &at, &out, &in, NULL), STATUS_INVALID_PARAMETER);
    out.Used = 0;
    Put(&out, IPPROTO_IP, IP_OPTIONS, "", 0); /* an empty object is skipped */
    CHECK_STATUS(Exchange(a, a, &at, &out, &in, NULL), STATUS_SUCCESS);
    CHECK_EQ(in.Used, 0);
}

/* A control buffer that is there and empty is no control data; a length without a buffer is wrong.
 */
TEST(empty_control_buffer, "WSK-STO-10")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);
    OBJECTS none = { .Used = 0 };
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(a)->WskSendTo(a, &data->Buf, 0, (PSOCKADDR)&at, 0,
                                                 (PCMSGHDR)none.Bytes, CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_SUCCESS);
    status = CallEnd(&call, DATAGRAM_OF(a)->WskSendTo(a, &data->Buf, 0, (PSOCKADDR)&at, 32, NULL,
                                                      CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_INVALID_PARAMETER);
}

TEST(truncated_objects, "WSK-RFROM-09")
{
    PWSK_SOCKET a;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1), *got = MakeBuffer(10);
    UCHAR room[8];
    ULONG length = sizeof(room), flags = 0;
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(On(a, IPPROTO_IP, IP_PKTINFO), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(a, data, 10, &at, NULL), STATUS_SUCCESS);
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(a)->WskReceiveFrom(a, &got->Buf, 0, NULL, &length,
                                                      (PCMSGHDR)room, &flags, CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK_EQ(flags, MSG_CTRUNC);
    CHECK_EQ(length, 0);
}

TEST(address_list, "WSK-IOCTL-12 WSK-IOCTL-13")
{
    PWSK_SOCKET s;
    DECLSPEC_ALIGN(8) static UCHAR bytes[8192];
    const SOCKET_ADDRESS_LIST *list = (const SOCKET_ADDRESS_LIST *)bytes;
    SIZE_T need = 0, got = 0;
    BOOLEAN loopback = FALSE;

    CHECK_STATUS(Open(AF_INET, SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_BASIC_SOCKET, NULL, NULL, &s),
                 STATUS_SUCCESS);
    CHECK_STATUS(BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, 0, NULL, 0,
                                               NULL, &need, NULL),
                 STATUS_BUFFER_OVERFLOW);
    CHECK(need > 8 && need <= sizeof(bytes));
    CHECK_STATUS(BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, 0, NULL,
                                               sizeof(bytes), bytes, &got, NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(got, need);
    for (INT i = 0; i < list->iAddressCount; i++) {
        const SOCKADDR_IN *in = (const SOCKADDR_IN *)list->Address[i].lpSockaddr;
        CHECK_EQ(in->sin_family, AF_INET);
        CHECK_EQ(list->Address[i].iSockaddrLength, sizeof(SOCKADDR_IN));
        if (((const UCHAR *)&in->sin_addr)[0] == 127)
            loopback = TRUE;
    }
    CHECK(loopback);
}

TEST(address_change_ends_with_close, "WSK-IOCTL-14 WSK-CLOSE-02 D08")
{
    PWSK_SOCKET s;
    CALL call;

    CHECK_STATUS(Open(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET, NULL, NULL, &s),
                 STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CallStarted(&call, BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_CHANGE, 0, 0,
                                                     NULL, 0, NULL, NULL, irp));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    CHECK(IoCancelIrp(irp));
    CHECK_STATUS(CallWait(&call), STATUS_CANCELLED);
    CallFree(&call);
    CallStarted(&call, BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_CHANGE, 0, 0,
                                                     NULL, 0, NULL, NULL, CallBegin(&call)));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
    CHECK_STATUS(CallWait(&call), STATUS_CANCELLED);
    CallFree(&call);
}

TEST(numeric_names, "WSK-NAME-01 WSK-NAME-05 WSK-NAME-06 WSK-NAME-07 WSK-NAME-12 WSK-NAME-14 D67")
{
    UNICODE_STRING node, service, out;
    WCHAR text[64];
    PADDRINFOEXW list = NULL;
    ADDRINFOEXW hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    CALL call;

    RtlInitUnicodeString(&node, L"::1");
    RtlInitUnicodeString(&service, L"8080");
    NTSTATUS status =
        CallEnd(&call, Wsk->WskGetAddressInfo(Client, &node, &service, NS_ALL, NULL, &hints, &list,
                                              NULL, NULL, CallBegin(&call)));
    CHECK_EQ(call.Information, STATUS_SUCCESS);
    CallFree(&call);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK(list != NULL && list->ai_family == AF_INET6 && list->ai_addrlen == sizeof(SOCKADDR_IN6));
    CHECK_EQ(PortOf((const SOCKADDR_INET *)list->ai_addr), 8080);

    out.Length = 0;
    out.MaximumLength = sizeof(text);
    out.Buffer = text;
    status =
        CallEnd(&call, Wsk->WskGetNameInfo(Client, list->ai_addr, (ULONG)list->ai_addrlen, &out,
                                           NULL, NI_NUMERICHOST, NULL, NULL, CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&out, &node, FALSE));
    Wsk->WskFreeAddressInfo(Client, list);

    RtlInitUnicodeString(&node, L"not-a-number");
    list = (PADDRINFOEXW)&node;
    status = CallEnd(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, NS_ALL, NULL, &hints, &list,
                                                   NULL, NULL, CallBegin(&call)));
    CallFree(&call);
    CHECK_STATUS(status, STATUS_NO_MATCH);
    CHECK(list == NULL);
}

TESTS(ROW(v4_objects) ROW(dual_stack_objects) ROW(bad_objects) ROW(empty_control_buffer)
          ROW(truncated_objects) ROW(address_list) ROW(address_change_ends_with_close)
              ROW(numeric_names))
