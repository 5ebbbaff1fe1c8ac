/*
 * misuse_datagram.c: what a driver gets that breaks its obligations around datagram sockets, binds,
 * options and ioctls: the decided status, no crash, no hang.
 */
#include "options.h"

static NTSTATUS SendRaw(PWSK_SOCKET s, PWSK_BUF Buf, ULONG Flags, const VOID *To, ULONG Length,
                        PCMSGHDR Control)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call,
                   DATAGRAM_OF(s)->WskSendTo(s, Buf, Flags, (PSOCKADDR)To, Length, Control, irp));
}

static NTSTATUS SendListRaw(PWSK_SOCKET s, PWSK_BUF_LIST List, ULONG Flags, const VOID *To,
                            ULONG Length, PCMSGHDR Control)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, DATAGRAM_OF(s)->WskSendMessages(s, List, Flags, (PSOCKADDR)To, Length,
                                                          Control, irp));
}

static NTSTATUS ReceiveRaw(PWSK_SOCKET s, PWSK_BUF Buf, ULONG Flags)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call,
                   DATAGRAM_OF(s)->WskReceiveFrom(s, Buf, Flags, NULL, NULL, NULL, NULL, irp));
}

static NTSTATUS BindRaw(PWSK_SOCKET s, PVOID Address, ULONG Flags)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, DATAGRAM_OF(s)->WskBind(s, Address, Flags, irp));
}

TEST(unbound, "WSK-BIND-09 WSK-STO-13 D34")
{
    PWSK_SOCKET s;
    SOCKADDR_INET to;
    BUFFER *data = MakePattern(10, 1);
    WSK_BUF_LIST list = { NULL, data->Buf };

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    (void)Loopback(AF_INET, 9, &to);
    CHECK_STATUS(SendRaw(s, &data->Buf, 0, &to, 0, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(SendListRaw(s, &list, 0, &to, 0, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(ReceiveRaw(s, &data->Buf, 0), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Events(s, WSK_EVENT_RECEIVE_FROM), STATUS_INVALID_DEVICE_STATE);
}

TEST(reserved_flags, "WSK-STO-09 WSK-SMSG-06 WSK-RFROM-12 WSK-BIND-11 D35")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);
    WSK_BUF_LIST list = { NULL, data->Buf };

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindRaw(s, Loopback(AF_INET, 0, &at), 1), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(BindLoopback(s, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendRaw(s, &data->Buf, 1, &at, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SendListRaw(s, &list, 2, &at, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ReceiveRaw(s, &data->Buf, 4), STATUS_INVALID_PARAMETER);
}

TEST(wrong_family, "WSK-BIND-12 D42 D33")
{
    PWSK_SOCKET s;
    SOCKADDR_INET address;
    BUFFER *data = MakePattern(10, 1);

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindRaw(s, Loopback(AF_INET6, 0, &address), 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(BindRaw(s, NULL, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SendRaw(s, &data->Buf, 0, Loopback(AF_INET6, 9, &address), 0, NULL),
                 STATUS_INVALID_PARAMETER);
}

TEST(control_without_length, "WSK-STO-10 WSK-SMSG-06 WSK-RFROM-14")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);
    WSK_BUF_LIST list = { NULL, data->Buf };
    CMSGHDR header;
    CALL call;

    RtlZeroMemory(&header, sizeof(header));
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &s, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendRaw(s, &data->Buf, 0, &at, sizeof(header), NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SendListRaw(s, &list, 0, &at, sizeof(header), NULL), STATUS_INVALID_PARAMETER);
    /* control data that nobody says the size of is ignored */
    CHECK_STATUS(SendTo(s, data, 10, &at, NULL), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, DATAGRAM_OF(s)->WskReceiveFrom(s, &data->Buf, 0, NULL, NULL,
                                                               &header, NULL, irp)),
                 STATUS_SUCCESS);
    CHECK_EQ(header.cmsg_len, 0);
}

TEST(no_buffer, "WSK-BUF-05 WSK-BUF-06")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);
    WSK_BUF beyond = { data->Buf.Mdl, 10, 1 }, longer = { data->Buf.Mdl, 0, 11 };

    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &s, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendRaw(s, NULL, 0, &at, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SendListRaw(s, NULL, 0, &at, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ReceiveRaw(s, NULL, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SendRaw(s, &beyond, 0, &at, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SendRaw(s, &longer, 0, &at, 0, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ReceiveRaw(s, &longer, 0), STATUS_INVALID_PARAMETER);
}

TEST(options_after_bind, "WSK-BIND-15 WSK-OPT-17 D34")
{
    static const ULONG options[] = { SO_REUSEADDR, (ULONG)SO_EXCLUSIVEADDRUSE };
    PSECURITY_DESCRIPTOR none = NULL;
    PWSK_SOCKET s;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(s, AF_INET, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(options); i++)
        CHECK_STATUS(TurnOn(s, SOL_SOCKET, options[i]), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(TurnOn(s, SOL_SOCKET, SO_CONDITIONAL_ACCEPT), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(SetOption(s, SOL_SOCKET, SO_WSK_SECURITY, &none, sizeof(none)),
                 STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(OpenBound(AF_INET6, NULL, NULL, &s, NULL), STATUS_SUCCESS);
    CHECK_STATUS(TurnOff(s, IPPROTO_IPV6, IPV6_V6ONLY), STATUS_INVALID_DEVICE_STATE);
}

TEST(option_needs_irp, "WSK-OPT-15 D04")
{
    static const ULONG options[] = { SO_REUSEADDR, (ULONG)SO_EXCLUSIVEADDRUSE, SO_BROADCAST,
                                     SO_RCVBUF };
    PWSK_SOCKET s;
    ULONG value = 1;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(options); i++) {
        CHECK_STATUS(
            Plain(s, WskSetOption, options[i], SOL_SOCKET, &value, sizeof(value), NULL, 0, NULL),
            STATUS_INVALID_PARAMETER);
        CHECK_STATUS(
            Plain(s, WskGetOption, options[i], SOL_SOCKET, NULL, 0, &value, sizeof(value), NULL),
            STATUS_INVALID_PARAMETER);
    }
}

TEST(option_of_another_category, "WSK-OPT-16")
{
    PWSK_SOCKET datagram, connection, basic;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &datagram), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &connection), STATUS_SUCCESS);
    CHECK_STATUS(OpenOf(BASIC_TCP, AF_INET, &basic), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(datagram, SOL_SOCKET, SO_KEEPALIVE), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(TurnOn(datagram, SOL_SOCKET, SO_CONDITIONAL_ACCEPT),
                 STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(TurnOn(connection, SOL_SOCKET, SO_BROADCAST), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(TurnOn(basic, SOL_SOCKET, SO_REUSEADDR), STATUS_INVALID_DEVICE_REQUEST);
}

TEST(option_of_a_wrong_size, "WSK-OPT-19 D53")
{
    PWSK_SOCKET s;
    ULONG value = 1;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(s, SOL_SOCKET, SO_BROADCAST, NULL, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SetOption(s, SOL_SOCKET, SO_RCVBUF, &value, 3), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SetOption(s, IPPROTO_IP, IP_TTL, &value, 1), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(SetOption(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &value, 4), STATUS_INVALID_PARAMETER);
}

TEST(ioctl_preconditions, "WSK-IOCTL-18 WSK-IOCTL-19 WSK-IOCTL-21 D04 D34")
{
    PWSK_SOCKET datagram, connection;
    SOCKADDR_INET to;
    SIZE_T value;

    (void)Loopback(AF_INET, 9, &to);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &datagram), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &connection), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(datagram, SIO_WSK_SET_REMOTE_ADDRESS, &to, sizeof(to), NULL, 0, NULL),
                 STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Ioctl(datagram, SIO_WSK_SET_SENDTO_ADDRESS, &to, sizeof(to), NULL, 0, NULL),
                 STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(Ioctl(connection, SIO_WSK_SET_REMOTE_ADDRESS, &to, sizeof(to), NULL, 0, NULL),
                 STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(
        Ioctl(connection, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &value, sizeof(value), NULL),
        STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(
        Ioctl(connection, SIO_WSK_QUERY_IDEAL_SEND_BACKLOG, NULL, 0, &value, sizeof(value), NULL),
        STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(
        Ioctl(datagram, SIO_WSK_QUERY_RECEIVE_BACKLOG, NULL, 0, &value, sizeof(value), NULL),
        STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(BindLoopback(datagram, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(
        Plain(datagram, WskIoctl, SIO_WSK_SET_REMOTE_ADDRESS, 0, &to, sizeof(to), NULL, 0, NULL),
        STATUS_INVALID_PARAMETER);
}

/* An IRP where none is taken: the operation is done, and the IRP ends with it. */
TEST(ioctl_with_an_irp_too_many, "WSK-IOCTL-21 D05")
{
    static DECLSPEC_ALIGN(8) UCHAR bytes[8192];
    PWSK_SOCKET s;
    SIZE_T n;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(Ioctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, bytes, sizeof(bytes), &n),
                 STATUS_SUCCESS);
    CHECK(n > 8);
}

TEST(address_lists_above_passive_level, "WSK-IOCTL-17 WSK-IRQL-02 D74")
{
    static DECLSPEC_ALIGN(8) UCHAR bytes[8192];
    PWSK_SOCKET s;
    KIRQL old;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status =
        Plain(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, NULL, 0, bytes, sizeof(bytes), NULL);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_INVALID_DEVICE_STATE);
}

/* ---- callbacks and indications
 * --------------------------------------------------------------------- */

static struct {
    COUNTER Calls;
    NTSTATUS Answer;
    PWSK_DATAGRAM_INDICATION Kept;
} Sink;

static NTSTATUS NTAPI OnReceiveFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Node)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    NTSTATUS answer = Sink.Answer;
    Sink.Kept = Node;
    (void)CounterAdd(&Sink.Calls);
    return answer;
}

static NTSTATUS OpenWithEvent(NTSTATUS Answer, PWSK_SOCKET *Socket, SOCKADDR_INET *Bound)
{
    static const WSK_CLIENT_DATAGRAM_DISPATCH table = { OnReceiveFrom };

    RtlZeroMemory(&Sink, sizeof(Sink));
    CounterInit(&Sink.Calls);
    Sink.Answer = Answer;
    NTSTATUS status = OpenBound(AF_INET, NULL, &table, Socket, Bound);
    return NT_SUCCESS(status) ? Events(*Socket, WSK_EVENT_RECEIVE_FROM) : status;
}

/* Any other answer drops the datagrams and leaves the event on. */
TEST(strange_answer, "WSK-RFEV-14 D15")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);

    CHECK_STATUS(OpenWithEvent(STATUS_DEVICE_NOT_READY, &s, &at), STATUS_SUCCESS);
    for (LONG i = 0; i < 3; i++) {
        CHECK_STATUS(SendTo(s, data, 10, &at, NULL), STATUS_SUCCESS);
        CHECK(CounterWait(&Sink.Calls, i + 1));
    }
}

TEST(released_twice, "WSK-RET-07 WSK-RET-03")
{
    PWSK_SOCKET s, other;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);

    CHECK_STATUS(OpenWithEvent(STATUS_PENDING, &s, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenBound(AF_INET, NULL, NULL, &other, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(s, data, 10, &at, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_STATUS(DATAGRAM_OF(other)->WskRelease(other, Sink.Kept), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(DATAGRAM_OF(s)->WskRelease(s, Sink.Kept), STATUS_SUCCESS);
    CHECK_STATUS(DATAGRAM_OF(s)->WskRelease(s, Sink.Kept), STATUS_INVALID_PARAMETER);
}

/* A close releases nothing, and what was kept stays readable. */
TEST(closed_with_a_kept_list, "WSK-RET-05 WSK-RET-06 D39")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;
    BUFFER *data = MakePattern(10, 1);

    CHECK_STATUS(OpenWithEvent(STATUS_PENDING, &s, &at), STATUS_SUCCESS);
    CHECK_STATUS(SendTo(s, data, 10, &at, NULL), STATUS_SUCCESS);
    CHECK(CounterWait(&Sink.Calls, 1));
    CHECK_STATUS(Close(s), STATUS_SUCCESS);
    PUCHAR bytes = MmGetSystemAddressForMdlSafe(Sink.Kept->Buffer.Mdl, NormalPagePriority);
    CHECK_EQ(Sink.Kept->Buffer.Length, 10);
    CHECK(IsPattern(bytes + Sink.Kept->Buffer.Offset, 10, 1, 0));
}

/* ---- names
 * ----------------------------------------------------------------------------------------- */

TEST(names, "WSK-NAME-18 WSK-NAME-19 WSK-NAME-20 D67")
{
    UCHAR large[256];
    WCHAR text[40];
    UNICODE_STRING out = { 0, sizeof(text), text }, node = RTL_CONSTANT_STRING(L"127.0.0.1");
    PADDRINFOEXW list;
    CALL call;

    RtlZeroMemory(large, sizeof(large));
    (void)Loopback(AF_INET, 80, (SOCKADDR_INET *)large);
    PIRP irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)large, 16, NULL, NULL, 0,
                                                    NULL, NULL, irp)),
                 STATUS_INVALID_PARAMETER);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)large, 129, &out, NULL,
                                                    NI_NUMERICHOST, NULL, NULL, irp)),
                 STATUS_INVALID_PARAMETER);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetNameInfo(Client, (PSOCKADDR)large, 15, &out, NULL,
                                                    NI_NUMERICHOST, NULL, NULL, irp)),
                 STATUS_INVALID_PARAMETER);
    irp = CallBegin(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskGetAddressInfo(Client, &node, NULL, NS_ALL, NULL, NULL,
                                                       &list, NULL, NULL, irp)),
                 STATUS_SUCCESS);
    Wsk->WskFreeAddressInfo(Client, list);
    Wsk->WskFreeAddressInfo(Client, list); /* once too often */
    Wsk->WskFreeAddressInfo(Client, (PADDRINFOEXW)large);
}

TESTS(ROW(unbound) ROW(reserved_flags) ROW(wrong_family) ROW(control_without_length) ROW(no_buffer)
          ROW(options_after_bind) ROW(option_needs_irp) ROW(option_of_another_category)
              ROW(option_of_a_wrong_size) ROW(ioctl_preconditions) ROW(ioctl_with_an_irp_too_many)
                  ROW(address_lists_above_passive_level) ROW(strange_answer) ROW(released_twice)
                      ROW(closed_with_a_kept_list) ROW(names))
