/* options_tcp_udp.c: the options of levels IPPROTO_TCP and IPPROTO_UDP. */
#include "options.h"

/* ---- IPPROTO_TCP ------------------------------------------------------------------------- */

TEST(no_delay, "IPPROTO_TCP/TCP_NODELAY D57 D53")
{
    FLAG(IPPROTO_TCP, TCP_NODELAY, TCP_OR_BASIC, BOTH, 0);
}

/* A send with the flag pushes its data and leaves the option as it was. */
TEST(no_delay_after_a_send, "IPPROTO_TCP/TCP_NODELAY D57")
{
    PAIR pair;
    BUFFER *out = MakePattern(100, 1), *in = MakeBuffer(100);
    ULONG value = 77;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 100, WSK_FLAG_NODELAY, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 100), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(pair.Client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value), NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 0);
    CHECK_STATUS(TurnOn(pair.Client, IPPROTO_TCP, TCP_NODELAY), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 100, WSK_FLAG_NODELAY, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReceiveAll(pair.Server, in, 100), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(pair.Client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value), NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 1);
}

TEST(keep_alive_time, "IPPROTO_TCP/TCP_KEEPALIVE WSK-OPT-14")
{
    NUMBER(IPPROTO_TCP, TCP_KEEPALIVE, TCP_OR_BASIC, BOTH, ANY, VALUES(1, 600), VALUES(0, 0x10000));
}

TEST(keep_alive_interval, "IPPROTO_TCP/TCP_KEEPINTVL")
{
    NUMBER(IPPROTO_TCP, TCP_KEEPINTVL, TCP_OR_BASIC, BOTH, ANY, VALUES(1, 30), VALUES(0, 0x10000));
}

TEST(keep_alive_count, "IPPROTO_TCP/TCP_KEEPCNT")
{
    NUMBER(IPPROTO_TCP, TCP_KEEPCNT, TCP_OR_BASIC, BOTH, ANY, VALUES(1, 127), VALUES(0, 128));
}

TEST(segment_size, "IPPROTO_TCP/TCP_MAXSEG")
{
    NUMBER(IPPROTO_TCP, TCP_MAXSEG, TCP_OR_BASIC, BOTH, ANY, VALUES(1000, 536), VALUES(0x10000));
}

TEST(retransmission_time,
     "IPPROTO_TCP/TCP_MAXRT IPPROTO_TCP/TCP_MAXRTMS IPPROTO_TCP/TCP_NOSYNRETRIES")
{
    NUMBER(IPPROTO_TCP, TCP_MAXRT, TCP_OR_BASIC, BOTH, 0, VALUES(30, 0), VALUES(0x7fffffff));
    NUMBER(IPPROTO_TCP, TCP_MAXRTMS, TCP_OR_BASIC, BOTH, 0, VALUES(1500, 0), VALUES(0x80000000));
    FLAG(IPPROTO_TCP, TCP_NOSYNRETRIES, TCP_OR_BASIC, BOTH, 0);
}

/* The two name one value, in seconds and in milliseconds. */
TEST(retransmission_units, "IPPROTO_TCP/TCP_MAXRT IPPROTO_TCP/TCP_MAXRTMS")
{
    PWSK_SOCKET s;
    ULONG value = 30;

    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(s, IPPROTO_TCP, TCP_MAXRT, &value, sizeof(value)), STATUS_SUCCESS);
    CHECK_STATUS(GetOption(s, IPPROTO_TCP, TCP_MAXRTMS, &value, sizeof(value), NULL),
                 STATUS_SUCCESS);
    CHECK_EQ(value, 30000);
}

TEST(fast_open, "IPPROTO_TCP/TCP_FASTOPEN WSK-OPT-13")
{
    FLAG(IPPROTO_TCP, TCP_FASTOPEN, TCP_OR_BASIC, BOTH, 0);
}

/* With the option on, a connect with data works as it does without. */
TEST(connect_with_fast_open, "IPPROTO_TCP/TCP_FASTOPEN WSK-OPT-13 WSK-CONX-06")
{
    PWSK_SOCKET listener, accepted;
    SOCKADDR_INET at;
    BUFFER *out = MakePattern(700, 3), *in = MakeBuffer(700);

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(listener, IPPROTO_TCP, TCP_FASTOPEN), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) { /* the first one only fetches the cookie */
        PWSK_SOCKET c;
        CALL call;
        CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &c), STATUS_SUCCESS);
        CHECK_STATUS(TurnOn(c, IPPROTO_TCP, TCP_FASTOPEN), STATUS_SUCCESS);
        CHECK_STATUS(BindLoopback(c, AF_INET, NULL), STATUS_SUCCESS);
        PIRP irp = CallBegin(&call);
        CHECK_STATUS(
            CallEnd(&call, CONNECTION_OF(c)->WskConnectEx(c, (PSOCKADDR)&at, &out->Buf, 0, irp)),
            STATUS_SUCCESS);
        CHECK_STATUS(Accept(listener, NULL, NULL, &accepted), STATUS_SUCCESS);
        CHECK_STATUS(ReceiveAll(accepted, in, 700), STATUS_SUCCESS);
        CHECK(IsPattern(in->Data, 700, 3, 0));
        CHECK_STATUS(Close(accepted), STATUS_SUCCESS);
        CHECK_STATUS(Close(c), STATUS_SUCCESS);
    }
}

TEST(fail_on_icmp, "IPPROTO_TCP/TCP_FAIL_CONNECT_ON_ICMP_ERROR")
{
    FLAG(IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, TCP_OR_BASIC, BOTH, 0);
}

TEST(tcp_without_counterpart,
     "IPPROTO_TCP/TCP_EXPEDITED_1122 IPPROTO_TCP/TCP_STDURG IPPROTO_TCP/TCP_NOURG "
     "IPPROTO_TCP/TCP_ATMARK IPPROTO_TCP/TCP_TIMESTAMPS IPPROTO_TCP/TCP_OFFLOAD_PREFERENCE "
     "IPPROTO_TCP/TCP_CONGESTION_ALGORITHM IPPROTO_TCP/TCP_DELAY_FIN_ACK "
     "IPPROTO_TCP/TCP_ICMP_ERROR_INFO IPPROTO_TCP/TCP_BSDURGENT D56")
{
    UNSUPPORTED(IPPROTO_TCP, TCP_EXPEDITED_1122);
    UNSUPPORTED(IPPROTO_TCP, TCP_STDURG);
    UNSUPPORTED(IPPROTO_TCP, TCP_NOURG);
    UNSUPPORTED(IPPROTO_TCP, TCP_ATMARK);
    UNSUPPORTED(IPPROTO_TCP, TCP_TIMESTAMPS);
    UNSUPPORTED(IPPROTO_TCP, TCP_OFFLOAD_PREFERENCE);
    UNSUPPORTED(IPPROTO_TCP, TCP_CONGESTION_ALGORITHM);
    UNSUPPORTED(IPPROTO_TCP, TCP_DELAY_FIN_ACK);
    UNSUPPORTED(IPPROTO_TCP, TCP_ICMP_ERROR_INFO);
    UNSUPPORTED(IPPROTO_TCP, TCP_BSDURGENT);
    UNSUPPORTED(IPPROTO_TCP, 999);
}

/* ---- IPPROTO_UDP ------------------------------------------------------------------------- */

TEST(no_checksum, "IPPROTO_UDP/UDP_NOCHECKSUM")
{
    FLAG(IPPROTO_UDP, UDP_NOCHECKSUM, UDP_OR_BASIC, BOTH, 0);
}

TEST(send_message_size, "IPPROTO_UDP/UDP_SEND_MSG_SIZE D56")
{
    NUMBER(IPPROTO_UDP, UDP_SEND_MSG_SIZE, UDP_OR_BASIC, BOTH, 0, VALUES(1000, 65535, 0),
           VALUES(65536, 0xffffffff));
}

TEST(receive_coalesced_size, "IPPROTO_UDP/UDP_RECV_MAX_COALESCED_SIZE D56")
{
    NUMBER(IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, UDP_OR_BASIC, BOTH, 0, VALUES(65000, 1, 0),
           VALUES(UNUSED));
}

TEST(udp_without_counterpart, "IPPROTO_UDP/UDP_CHECKSUM_COVERAGE D56")
{
    UNSUPPORTED(IPPROTO_UDP, UDP_CHECKSUM_COVERAGE);
    UNSUPPORTED(IPPROTO_UDP, 999);
}

/* TCP's options are none of a datagram socket, and the other way round. */
TEST(of_the_other_protocol, "WSK-OPT-14 D56")
{
    PWSK_SOCKET s;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, IPPROTO_TCP, TCP_NODELAY), STATUS_NOT_SUPPORTED);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &s), STATUS_SUCCESS);
    CHECK_STATUS(TurnOn(s, IPPROTO_UDP, UDP_SEND_MSG_SIZE), STATUS_NOT_SUPPORTED);
}

TESTS(ROW(no_delay) ROW(no_delay_after_a_send) ROW(keep_alive_time) ROW(keep_alive_interval)
          ROW(keep_alive_count) ROW(segment_size) ROW(retransmission_time) ROW(retransmission_units)
              ROW(fast_open) ROW(connect_with_fast_open) ROW(fail_on_icmp)
                  ROW(tcp_without_counterpart) ROW(no_checksum) ROW(send_message_size)
                      ROW(receive_coalesced_size) ROW(udp_without_counterpart)
                          ROW(of_the_other_protocol))
