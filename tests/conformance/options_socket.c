/* options_socket.c: the options of level SOL_SOCKET. */
#include "options.h"

TEST(reuse_address, "WSK-OPT-01 WSK-OPT-02 WSK-OPT-08 SOL_SOCKET/SO_REUSEADDR WSK-SHARE-10 D53")
{
    FLAG_WITH_IRP(SOL_SOCKET, SO_REUSEADDR, BOUND, BOTH, 0);
}

TEST(exclusive_address_use, "WSK-OPT-07 SOL_SOCKET/SO_EXCLUSIVEADDRUSE WSK-SHARE-10 D53")
{
    FLAG_WITH_IRP(SOL_SOCKET, SO_EXCLUSIVEADDRUSE, BOUND, BOTH, 0);
}

/* The two contradict each other. */
TEST(reuse_or_exclusive, "WSK-OPT-07 WSK-OPT-08")
{
    PWSK_SOCKET s;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, SOL_SOCKET, SO_REUSEADDR), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(TurnOff(s, SOL_SOCKET, SO_REUSEADDR), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, SOL_SOCKET, SO_REUSEADDR), STATUS_INVALID_PARAMETER);
}

TEST(keep_alive, "WSK-OPT-09 SOL_SOCKET/SO_KEEPALIVE D53")
{
    FLAG_WITH_IRP(SOL_SOCKET, SO_KEEPALIVE, TCP, BOTH, 0);
}

TEST(broadcast, "WSK-OPT-05 SOL_SOCKET/SO_BROADCAST D53")
{
    FLAG_WITH_IRP(SOL_SOCKET, SO_BROADCAST, DATAGRAMS, V4, 0);
}

static void ReceiveBuffer(PWSK_SOCKET s, const OPTION *o)
{
    ULONG start = Get1(s, o, 4, 4);

    CHECK(start >= 4096);
    CHECK_STATUS(Put1(s, o, 50000, 4), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), 50000);
    CHECK_EQ(Get1(s, o, 8, 4), 50000);
    CHECK_STATUS(Put1(s, o, 20001, 8), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), 20001);
}

TEST(receive_buffer, "WSK-OPT-10 SOL_SOCKET/SO_RCVBUF D58")
{
    OPTION_ROW(SOL_SOCKET, SO_RCVBUF, BOUND, BOTH, ANY, TRUE, { UNUSED }, { UNUSED });

    OnEach(&row, ReceiveBuffer);
}

TEST(send_buffer, "SOL_SOCKET/SO_SNDBUF")
{
    NUMBER(SOL_SOCKET, SO_SNDBUF, BOUND, BOTH, ANY, VALUES(0, 65536, 1000), VALUES(UNUSED));
}

static void Linger(PWSK_SOCKET s, const OPTION *o)
{
    LINGER in = { 1, 30 }, out = { 9, 9 };
    SIZE_T returned;

    CHECK_STATUS(GetOption(s, o->Level, o->Option, &out, sizeof(out), &returned), STATUS_SUCCESS);
    CHECK_EQ(returned, sizeof(out));
    CHECK(out.l_onoff == 0 && out.l_linger == 0);
    CHECK_STATUS(SetOption(s, o->Level, o->Option, &in, sizeof(in)), STATUS_SUCCESS);
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, &out, sizeof(out), &returned),
                 STATUS_SUCCESS);
    CHECK_EQ(returned, sizeof(out));
    CHECK(out.l_onoff == 1 && out.l_linger == 30);
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, &out, 2, &returned),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(returned, sizeof(out));
}

TEST(linger, "SOL_SOCKET/SO_LINGER D55")
{
    OPTION_ROW(SOL_SOCKET, SO_LINGER, TCP, BOTH, ANY, FALSE, { UNUSED }, { UNUSED });

    OnEach(&row, Linger);
}

/* The value changes nothing: a close that comes before both ends finished resets all the same. */
TEST(linger_has_no_effect, "SOL_SOCKET/SO_LINGER D60")
{
    PAIR pair;
    LINGER on = { 1, 30 };
    BUFFER *in = MakeBuffer(10);

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(pair.Client, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), STATUS_SUCCESS);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
    CHECK_STATUS(Receive(pair.Server, in, 10, 0, NULL), STATUS_CONNECTION_RESET);
}

TEST(dont_route, "SOL_SOCKET/SO_DONTROUTE D53 D54")
{
    FLAG(SOL_SOCKET, SO_DONTROUTE, EVERY, BOTH, 0);
}

TEST(out_of_band_inline, "SOL_SOCKET/SO_OOBINLINE")
{
    FLAG(SOL_SOCKET, SO_OOBINLINE, TCP, BOTH, 0);
}

TEST(timeouts, "SOL_SOCKET/SO_SNDTIMEO SOL_SOCKET/SO_RCVTIMEO D56")
{
    UNSUPPORTED(SOL_SOCKET, SO_SNDTIMEO);
    UNSUPPORTED(SOL_SOCKET, SO_RCVTIMEO);
}

static void NoError(PWSK_SOCKET s, const OPTION *o)
{
    ULONG error = 77;
    SIZE_T returned;

    CHECK_EQ(Get1(s, o, 4, 4), 0);
    CHECK_STATUS(
        Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, &error, sizeof(error), &returned),
        STATUS_SUCCESS);
    CHECK_EQ(error, 0);
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, NULL, 0, &returned),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(returned, sizeof(error));
    CHECK_STATUS(Put1(s, o, 0, 4), STATUS_INVALID_PARAMETER);
}

TEST(error, "SOL_SOCKET/SO_ERROR")
{
    OPTION_ROW(SOL_SOCKET, SO_ERROR, EVERY, BOTH, ANY, FALSE, { UNUSED }, { UNUSED });

    OnEach(&row, NoError);
}

static void Type(PWSK_SOCKET s, const OPTION *o)
{
    CHECK_EQ(Get1(s, o, 4, 4), o->Default);
    CHECK_EQ(Get1(s, o, 8, 4), o->Default);
    CHECK_STATUS(Put1(s, o, 1, 4), STATUS_INVALID_PARAMETER);
}

TEST(type, "SOL_SOCKET/SO_TYPE")
{
    OPTION_ROW(SOL_SOCKET, SO_TYPE, TCP_OR_BASIC, BOTH, SOCK_STREAM, FALSE, { UNUSED }, { UNUSED });
    OPTION datagrams = row;

    OnEach(&row, Type);
    datagrams.Kinds = UDP_OR_BASIC;
    datagrams.Default = SOCK_DGRAM;
    if (!TestFailed())
        OnEach(&datagrams, Type);
}

/* ---- conditional accept ------------------------------------------------------------------ */

static WSK_INSPECT_ACTION NTAPI Inspect(PVOID Context, PSOCKADDR Local, PSOCKADDR Remote,
                                        PWSK_INSPECT_ID Id)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(Id);
    return WskInspectAccept;
}

static NTSTATUS NTAPI Abort(PVOID Context, PWSK_INSPECT_ID Id)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Id);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_LISTEN_DISPATCH Inspecting = { NULL, Inspect, Abort };

TEST(conditional_accept, "WSK-OPT-06 SOL_SOCKET/SO_CONDITIONAL_ACCEPT D53")
{
    OPTION_ROW(SOL_SOCKET, SO_CONDITIONAL_ACCEPT, LISTENER, BOTH, 0, TRUE, { UNUSED }, { UNUSED });

    for (ULONG i = 0; i < 2; i++) {
        PWSK_SOCKET s;
        CHECK_STATUS(OpenListen(i ? AF_INET6 : AF_INET, NULL, &Inspecting, &s), STATUS_SUCCESS);
        CheckFlag(s, &row);
        if (TestFailed())
            return;
    }
}

/* ---- what Linux has no counterpart for --------------------------------------------------- */

TEST(pause_accept, "SOL_SOCKET/SO_PAUSE_ACCEPT D56")
{
    UNSUPPORTED(SOL_SOCKET, SO_PAUSE_ACCEPT);
}

TEST(compartment, "SOL_SOCKET/SO_COMPARTMENT_ID D56")
{
    UNSUPPORTED(SOL_SOCKET, SO_COMPARTMENT_ID);
}

TEST(unknown_option, "D56 WSK-OPT-01")
{
    UNSUPPORTED(SOL_SOCKET, 0x3999);
    UNSUPPORTED(0x7777, 1);
}

TEST(randomize_port, "SOL_SOCKET/SO_RANDOMIZE_PORT")
{
    FLAG(SOL_SOCKET, SO_RANDOMIZE_PORT, EVERY, BOTH, 0);
}

TEST(port_scalability, "SOL_SOCKET/SO_PORT_SCALABILITY")
{
    FLAG(SOL_SOCKET, SO_PORT_SCALABILITY, EVERY, BOTH, 0);
}

TEST(reuse_unicast_port, "SOL_SOCKET/SO_REUSE_UNICASTPORT")
{
    FLAG(SOL_SOCKET, SO_REUSE_UNICASTPORT, EVERY, BOTH, 0);
}

TEST(reuse_multicast_port, "SOL_SOCKET/SO_REUSE_MULTICASTPORT")
{
    FLAG(SOL_SOCKET, SO_REUSE_MULTICASTPORT, UDP_OR_BASIC, BOTH, 0);
}

/* ---- with more than one socket ------------------------------------------------------------------
 */

TEST(inherited_by_accepted_sockets,
     "WSK-ACC-16 WSK-OPT-09 WSK-OPT-10 SOL_SOCKET/SO_KEEPALIVE SOL_SOCKET/SO_RCVBUF")
{
    PWSK_SOCKET listener, client, first, second;
    SOCKADDR_INET at;
    ULONG size = 30000, value;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(listener, SOL_SOCKET, SO_KEEPALIVE), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 2; i++) {
        PWSK_SOCKET *accepted = i ? &second : &first;
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
        CHECK_STATUS(Connect(client, &at), STATUS_SUCCESS);
        CHECK_STATUS(Accept(listener, NULL, NULL, accepted), STATUS_SUCCESS);
        CHECK_STATUS(GetOption(*accepted, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, 1);
        CHECK_STATUS(GetOption(*accepted, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, size);
        /* an own value, for this socket only */
        CHECK_STATUS(TurnOff(*accepted, SOL_SOCKET, SO_KEEPALIVE), STATUS_SUCCESS);
        CHECK_STATUS(GetOption(*accepted, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), NULL),
                     STATUS_SUCCESS);
        CHECK_EQ(value, 0);
        value = 20000;
        CHECK_STATUS(SetOption(*accepted, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)),
                     STATUS_SUCCESS);
    }
    CHECK_STATUS(GetOption(listener, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 1);
    /* and no inheritance of what was not set */
    PAIR pair;
    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(pair.Server, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value), NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 0);
}

TEST(lost_socket, "WSK-OPT-04 WSK-IOCTL-01")
{
    PWSK_SOCKET s;
    ULONG value = 1;
    SIZE_T returned = 99;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    if (LoseSocket(s) == STATUS_NOT_SUPPORTED) {
        TestSkip("no way to lose a socket on demand");
        return;
    }
    CHECK_STATUS(TurnOn(s, SOL_SOCKET, SO_BROADCAST), STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(GetOption(s, SOL_SOCKET, SO_TYPE, &value, sizeof(value), &returned),
                 STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(returned, 0);
    CHECK_STATUS(Plain(s, WskGetOption, SO_TYPE, SOL_SOCKET, NULL, 0, &value, sizeof(value), NULL),
                 STATUS_FILE_FORCED_CLOSED);
    CHECK_STATUS(Ioctl(s, SIO_UDP_CONNRESET, &value, sizeof(value), NULL, 0, NULL),
                 STATUS_FILE_FORCED_CLOSED);
}

/* OutputSizeReturned beside an IRP: written if and only if the call finishes at once. */
TEST(size_beside_the_irp, "D55 WSK-OPT-02 WSK-OPT-03")
{
    PWSK_SOCKET s;
    ULONG value = 77;
    SIZE_T returned = 99;
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    CallStarted(&call, BASIC_OF(s)->WskControlSocket(s, WskGetOption, SO_TYPE, SOL_SOCKET, 0, NULL,
                                                     sizeof(value), &value, &returned, irp));
    CHECK_STATUS(call.Returned, PendsAll ? STATUS_PENDING : STATUS_SUCCESS);
    CHECK_STATUS(CallFinish(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, sizeof(value));
    CHECK_EQ(returned, PendsAll ? 99 : sizeof(value));
    CHECK_EQ(value, SOCK_DGRAM);
}

TEST(at_dispatch_level, "WSK-IRQL-01")
{
    PWSK_SOCKET s;
    KIRQL old;
    ULONG on = 1;
    CALL call;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    PIRP irp = CallBegin(&call);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = BASIC_OF(s)->WskControlSocket(s, WskSetOption, SO_BROADCAST, SOL_SOCKET,
                                                    sizeof(on), &on, 0, NULL, NULL, irp);
    KeLowerIrql(old);
    CHECK_STATUS(CallEnd(&call, status), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on), NULL), STATUS_SUCCESS);
    CHECK_EQ(on, 1);
}

TESTS(ROW(reuse_address) ROW(exclusive_address_use) ROW(reuse_or_exclusive) ROW(keep_alive)
          ROW(broadcast) ROW(receive_buffer) ROW(send_buffer) ROW(linger) ROW(linger_has_no_effect)
              ROW(dont_route) ROW(out_of_band_inline) ROW(timeouts) ROW(error) ROW(type)
                  ROW(conditional_accept) ROW(pause_accept) ROW(compartment) ROW(unknown_option)
                      ROW(randomize_port) ROW(port_scalability) ROW(reuse_unicast_port)
                          ROW(reuse_multicast_port) ROW(inherited_by_accepted_sockets)
                              ROW(lost_socket) ROW(size_beside_the_irp) ROW(at_dispatch_level))
