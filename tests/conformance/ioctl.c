/* ioctl.c: WskControlSocket with WskIoctl. */
#include "options.h"

/* ---- addresses of the machine
 * ---------------------------------------------------------------------- */

TEST(address_list, "WSK-IOCTL-12 WSK-IOCTL-13 IOCTL/SIO_ADDRESS_LIST_QUERY")
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

TEST(address_change_ends_with_close, "WSK-IOCTL-14 WSK-CLOSE-02 D08 IOCTL/SIO_ADDRESS_LIST_CHANGE")
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
    irp = CallBegin(&call);
    CHECK(!IoCancelIrp(irp)); /* before the call */
    CHECK_STATUS(CallEnd(&call, BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_CHANGE,
                                                              0, 0, NULL, 0, NULL, NULL, irp)),
                 STATUS_CANCELLED);
    CallStarted(&call, BASIC_OF(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_CHANGE, 0, 0,
                                                     NULL, 0, NULL, NULL, CallBegin(&call)));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
    CHECK_STATUS(CallWait(&call), STATUS_CANCELLED);
    CallFree(&call);
}

/* The caller's order is kept. */
TEST(address_sort, "IOCTL/SIO_ADDRESS_LIST_SORT D74")
{
    static DECLSPEC_ALIGN(8) UCHAR in[256], out[256];
    SOCKET_ADDRESS_LIST *list = (SOCKET_ADDRESS_LIST *)in, *sorted = (SOCKET_ADDRESS_LIST *)out;
    SIZE_T head = FIELD_OFFSET(SOCKET_ADDRESS_LIST, Address[3]), size = head + 3 * 28, n;
    PWSK_SOCKET s;

    list->iAddressCount = 3;
    for (ULONG i = 0; i < 3; i++) {
        SOCKADDR_INET *at = (SOCKADDR_INET *)(in + head + i * 28);
        (void)Loopback(AF_INET6, (USHORT)(100 + i), at);
        list->Address[i].lpSockaddr = (PSOCKADDR)at;
        list->Address[i].iSockaddrLength = 28;
    }
    CHECK_STATUS(OpenOf(BASIC_UDP, AF_INET6, &s), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(s, SIO_ADDRESS_LIST_SORT, in, size, out, sizeof(out), &n), STATUS_SUCCESS);
    CHECK_EQ(n, size);
    CHECK_EQ(sorted->iAddressCount, 3);
    for (ULONG i = 0; i < 3; i++) {
        CHECK((PUCHAR)sorted->Address[i].lpSockaddr == out + head + i * 28);
        CHECK_EQ(PortOf((SOCKADDR_INET *)sorted->Address[i].lpSockaddr), 100 + i);
    }
    CHECK_STATUS(Plain(s, WskIoctl, SIO_ADDRESS_LIST_SORT, 0, in, size, out, 10, &n),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(n, size);
}

TEST(address_list_of_each_family, "WSK-IOCTL-12 WSK-IOCTL-13 IOCTL/SIO_ADDRESS_LIST_QUERY D55")
{
    DECLSPEC_ALIGN(8) static UCHAR bytes[8192];
    const SOCKET_ADDRESS_LIST *list = (const SOCKET_ADDRESS_LIST *)bytes;

    for (ULONG kind = 1; kind <= STREAMS; kind <<= 1) {
        PWSK_SOCKET s;
        SIZE_T need = 0, got = 0;
        CHECK_STATUS(OpenOf(kind, AF_INET6, &s), STATUS_SUCCESS);
        CHECK_STATUS(Plain(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, NULL, 0, NULL, 0, &need),
                     STATUS_BUFFER_OVERFLOW);
        CHECK_STATUS(Plain(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, NULL, 0, bytes, need - 1, &got),
                     STATUS_BUFFER_OVERFLOW);
        CHECK_EQ(got, need);
        CHECK_STATUS(Plain(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, NULL, 0, bytes, need, &got),
                     STATUS_SUCCESS);
        CHECK_EQ(got, need);
        CHECK_EQ(need, FIELD_OFFSET(SOCKET_ADDRESS_LIST, Address) +
                           (SIZE_T)list->iAddressCount * (sizeof(SOCKET_ADDRESS) + 28));
        for (INT i = 0; i < list->iAddressCount; i++) {
            CHECK_EQ(list->Address[i].lpSockaddr->sa_family, AF_INET6);
            CHECK((PUCHAR)list->Address[i].lpSockaddr >= bytes &&
                  (PUCHAR)list->Address[i].lpSockaddr + 28 <= bytes + got);
        }
    }
}

/* From which address a destination would be reached. */
TEST(routing_interface, "WSK-IOCTL-01 D33")
{
    PWSK_SOCKET s;
    SOCKADDR_INET to, from;
    SIZE_T n;

    CHECK_STATUS(OpenOf(DATAGRAMS, AF_INET, &s), STATUS_SUCCESS);
    (void)Address4(0x7f000007, 80, &to);
    CHECK_STATUS(Ioctl(s, SIO_ROUTING_INTERFACE_QUERY, &to, sizeof(SOCKADDR_IN), &from,
                       sizeof(SOCKADDR_IN), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(n, sizeof(SOCKADDR_IN));
    CHECK_EQ(IpOf(&from) >> 24, 127);
    CHECK_STATUS(Plain(s, WskIoctl, SIO_ROUTING_INTERFACE_QUERY, SOL_SOCKET, &to,
                       sizeof(SOCKADDR_IN), &from, 4, &n),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(n, sizeof(SOCKADDR_IN));
}

/* ---- connections
 * ---------------------------------------------------------------------------------- */

TEST(receive_backlog, "WSK-IOCTL-06 IOCTL/SIO_WSK_QUERY_RECEIVE_BACKLOG WSK-BKLG-02 "
                      "IOCTL/SIO_WSK_QUERY_IDEAL_SEND_BACKLOG")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 1), *in = MakeBuffer(1000);
    SIZE_T value = 77, n;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(
        Ioctl(pair.Server, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &value, sizeof(value), &n),
        STATUS_SUCCESS);
    CHECK_EQ(n, sizeof(SIZE_T));
    CHECK_EQ(value, 0);
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 100, WSK_FLAG_WAITALL, NULL), STATUS_SUCCESS);
    CHECK_STATUS(
        Ioctl(pair.Server, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &value, sizeof(value), &n),
        STATUS_SUCCESS);
    CHECK_EQ(value, 900); /* one segment: all of it is there */
    CHECK_STATUS(Ioctl(pair.Server, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &value, 4, &n),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(n, 0);
    CHECK_STATUS(
        Ioctl(pair.Client, SIO_WSK_QUERY_IDEAL_SEND_BACKLOG, NULL, 0, &value, sizeof(value), &n),
        STATUS_SUCCESS);
    CHECK_EQ(n, sizeof(SIZE_T));
    CHECK(value >= 65536);
}

static struct {
    WSK_INSPECT_ID Id;
    LONG Calls;
} Inspected;

static WSK_INSPECT_ACTION NTAPI OnInspect(PVOID Context, PSOCKADDR Local, PSOCKADDR Remote,
                                          PWSK_INSPECT_ID Id)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    Inspected.Id = *Id;
    Inspected.Calls++;
    return WskInspectAccept;
}

static NTSTATUS NTAPI OnAbort(PVOID Context, PWSK_INSPECT_ID Id)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Id);
    return STATUS_SUCCESS;
}

TEST(inspect_id, "WSK-IOCTL-07 WSK-INSP-16 IOCTL/SIO_WSK_QUERY_INSPECT_ID D55")
{
    static const WSK_CLIENT_LISTEN_DISPATCH table = { NULL, OnInspect, OnAbort };
    PWSK_SOCKET listener, client, accepted;
    SOCKADDR_INET at;
    WSK_INSPECT_ID id;
    SIZE_T n = 0;

    RtlZeroMemory(&Inspected, sizeof(Inspected));
    CHECK_STATUS(OpenListen(AF_INET, NULL, &table, &listener), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(client, &at), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
    CHECK_EQ(Inspected.Calls, 1);
    CHECK_STATUS(
        Plain(accepted, WskIoctl, SIO_WSK_QUERY_INSPECT_ID, 0, NULL, 0, &id, sizeof(id), &n),
        STATUS_SUCCESS);
    CHECK_EQ(n, sizeof(id));
    CHECK_EQ(id.Key, Inspected.Id.Key);
    CHECK_EQ(id.SerialNumber, Inspected.Id.SerialNumber);
    CHECK_STATUS(Plain(accepted, WskIoctl, SIO_WSK_QUERY_INSPECT_ID, 0, NULL, 0, &id, 8, &n),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(n, sizeof(id));
    CHECK_STATUS(Plain(client, WskIoctl, SIO_WSK_QUERY_INSPECT_ID, 0, NULL, 0, &id, sizeof(id), &n),
                 STATUS_INVALID_DEVICE_REQUEST);
}

TEST(no_inspect_id, "WSK-IOCTL-08 IOCTL/SIO_WSK_QUERY_INSPECT_ID")
{
    for (ULONG kind = 1; kind <= STREAMS; kind <<= 1) {
        PWSK_SOCKET s;
        WSK_INSPECT_ID id;
        CHECK_STATUS(OpenOf(kind, AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(
            Plain(s, WskIoctl, SIO_WSK_QUERY_INSPECT_ID, 0, NULL, 0, &id, sizeof(id), NULL),
            STATUS_INVALID_DEVICE_REQUEST);
    }
}

/* Loopback can never be silent; here nothing else can. */
TEST(silent_mode, "WSK-IOCTL-11 IOCTL/SIO_WSK_SET_TCP_SILENT_MODE D73")
{
    PAIR pair;
    BUFFER *out = MakePattern(10, 1), *in = MakeBuffer(10);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(pair.Client, SIO_WSK_SET_TCP_SILENT_MODE, NULL, 0, NULL, 0, NULL),
                 STATUS_NOT_SUPPORTED);
    CHECK_STATUS(Send(pair.Client, out, 10, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 10), STATUS_SUCCESS);
}

TEST(keep_alive_values, "IOCTL/SIO_KEEPALIVE_VALS")
{
    struct tcp_keepalive on = { 1, 30000, 1500 }, off = { 0, 0, 0 };

    for (ULONG way = 0; way < 2; way++) {
        PWSK_SOCKET s;
        ULONG value = 77;
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
        CHECK_STATUS(
            way ? Ioctl(s, SIO_KEEPALIVE_VALS, &on, sizeof(on), NULL, 0, NULL)
                : Plain(s, WskIoctl, SIO_KEEPALIVE_VALS, 0, &on, sizeof(on), NULL, 0, NULL),
            STATUS_SUCCESS);
        CHECK_STATUS(GetOption(s, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, 1);
        CHECK_STATUS(GetOption(s, IPPROTO_TCP, TCP_KEEPALIVE, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, 30);
        CHECK_STATUS(GetOption(s, IPPROTO_TCP, TCP_KEEPINTVL, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, 2); /* the host counts in seconds: rounded up */
        CHECK_STATUS(Ioctl(s, SIO_KEEPALIVE_VALS, &off, sizeof(off), NULL, 0, NULL),
                     STATUS_SUCCESS);
        CHECK_STATUS(GetOption(s, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, 0);
        CHECK_STATUS(Ioctl(s, SIO_KEEPALIVE_VALS, &on, 4, NULL, 0, NULL), STATUS_INVALID_PARAMETER);
        CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
        CHECK_STATUS(Ioctl(s, SIO_KEEPALIVE_VALS, &on, sizeof(on), NULL, 0, NULL),
                     STATUS_NOT_SUPPORTED);
    }
}

/* ---- others
 * -------------------------------------------------------------------------------------------- */

TEST(udp_connection_reset, "IOCTL/SIO_UDP_CONNRESET D47")
{
    BOOLEAN off = FALSE;
    PWSK_SOCKET s;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(s, SIO_UDP_CONNRESET, &off, sizeof(off), NULL, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Plain(s, WskIoctl, SIO_UDP_CONNRESET, 0, &off, sizeof(off), NULL, 0, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(s, SIO_UDP_CONNRESET, NULL, 0, NULL, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(s, SIO_UDP_CONNRESET, &off, sizeof(off), NULL, 0, NULL),
                 STATUS_NOT_SUPPORTED);
}

TEST(loopback_fast_path, "WSK-IOCTL-15 IOCTL/SIO_LOOPBACK_FAST_PATH")
{
    static const ULONG kinds[] = { LISTENER, CONNECTED, STREAMS };
    BOOLEAN on = TRUE;
    PWSK_SOCKET s;

    for (ULONG i = 0; i < RTL_NUMBER_OF(kinds); i++) {
        CHECK_STATUS(OpenOf(kinds[i], AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(Ioctl(s, SIO_LOOPBACK_FAST_PATH, &on, sizeof(on), NULL, 0, NULL),
                     STATUS_SUCCESS);
        CHECK_STATUS(Ioctl(s, SIO_LOOPBACK_FAST_PATH, NULL, 0, NULL, 0, NULL),
                     STATUS_INVALID_BUFFER_SIZE);
    }
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(s, SIO_LOOPBACK_FAST_PATH, &on, sizeof(on), NULL, 0, NULL),
                 STATUS_NOT_SUPPORTED);
}

/* MQ asks a basic TCP socket (SEQ-2). */
TEST(receive_side_scaling, "IOCTL/SIO_QUERY_RSS_SCALABILITY_INFO D56")
{
    RSS_SCALABILITY_INFO info;
    PWSK_SOCKET s;
    SIZE_T n = 0;

    CHECK_STATUS(OpenOf(BASIC_TCP, AF_INET6, &s), STATUS_SUCCESS);
    RtlFillMemory(&info, sizeof(info), 0xee);
    CHECK_STATUS(Ioctl(s, SIO_QUERY_RSS_SCALABILITY_INFO, NULL, 0, &info, sizeof(info), &n),
                 STATUS_SUCCESS);
    CHECK_EQ(n, sizeof(info));
    CHECK_EQ(info.RssEnabled, FALSE);
    CHECK_STATUS(Plain(s, WskIoctl, SIO_QUERY_RSS_SCALABILITY_INFO, 0, NULL, 0, NULL, 0, &n),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(n, sizeof(info));
    CHECK_STATUS(OpenOf(BASIC_UDP, AF_INET6, &s), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(s, SIO_QUERY_RSS_SCALABILITY_INFO, NULL, 0, &info, sizeof(info), &n),
                 STATUS_NOT_SUPPORTED);
}

/* No filter redirects connections here. */
TEST(redirect_records, "WSK-IOCTL-16 IOCTL/SIO_QUERY_WFP_CONNECTION_REDIRECT_RECORDS "
                       "IOCTL/SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT "
                       "IOCTL/SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS")
{
    UCHAR bytes[64];
    PAIR pair;
    SIZE_T n;

    RtlZeroMemory(bytes, sizeof(bytes));
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(pair.Server, SIO_QUERY_WFP_CONNECTION_REDIRECT_RECORDS, NULL, 0, bytes,
                       sizeof(bytes), &n),
                 STATUS_NOT_FOUND);
    CHECK_EQ(n, 0);
    CHECK_STATUS(Ioctl(pair.Server, SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT, NULL, 0, bytes,
                       sizeof(bytes), &n),
                 STATUS_NOT_FOUND);
    CHECK_STATUS(Ioctl(pair.Client, SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS, bytes, sizeof(bytes),
                       NULL, 0, &n),
                 STATUS_ACCESS_DENIED);
}

TEST(unknown_ioctl, "D56 D36 WSK-RCVX-03 WSK-IOCTL-01")
{
    ULONG value = 0;

    for (ULONG kind = 1; kind <= STREAMS; kind <<= 1) {
        PWSK_SOCKET s;
        SIZE_T n = 99;
        CHECK_STATUS(OpenOf(kind, AF_INET, &s), STATUS_SUCCESS);
        CHECK_STATUS(Ioctl(s, 0x8f000099, &value, sizeof(value), NULL, 0, &n),
                     STATUS_NOT_SUPPORTED);
        CHECK_EQ(n, 0);
        CHECK_STATUS(Plain(s, WskIoctl, 0x8f000008, SOL_SOCKET, &value, sizeof(value), NULL, 0, &n),
                     STATUS_NOT_SUPPORTED);
    }
}

TEST(fixed_address_arguments,
     "D52 IOCTL/SIO_WSK_SET_REMOTE_ADDRESS IOCTL/SIO_WSK_SET_SENDTO_ADDRESS")
{
    static const ULONG codes[] = { SIO_WSK_SET_REMOTE_ADDRESS, SIO_WSK_SET_SENDTO_ADDRESS };

    for (ULONG i = 0; i < RTL_NUMBER_OF(codes); i++) {
        PWSK_SOCKET s;
        SOCKADDR_INET at, other;
        CALL call;
        CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &s, &at), STATUS_SUCCESS);
        (void)Loopback(AF_INET6, 80, &other);
        CHECK_STATUS(Ioctl(s, codes[i], &other, sizeof(other), NULL, 0, NULL),
                     STATUS_INVALID_PARAMETER);
        CHECK_STATUS(Ioctl(s, codes[i], &at, sizeof(SOCKADDR_IN) - 1, NULL, 0, NULL),
                     STATUS_INVALID_PARAMETER);
        PIRP irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, BASIC_OF(s)->WskControlSocket(s, WskIoctl, codes[i], SOL_SOCKET,
                                                         sizeof(at), &at, 0, NULL, NULL, irp)),
            STATUS_SUCCESS);
    }
}

TESTS(ROW(address_list) ROW(address_change_ends_with_close) ROW(address_sort)
          ROW(address_list_of_each_family) ROW(routing_interface) ROW(receive_backlog)
              ROW(inspect_id) ROW(no_inspect_id) ROW(silent_mode) ROW(keep_alive_values)
                  ROW(udp_connection_reset) ROW(loopback_fast_path) ROW(receive_side_scaling)
                      ROW(redirect_records) ROW(unknown_ioctl) ROW(fixed_address_arguments))
