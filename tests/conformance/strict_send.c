/*
 * strict_send.c: the switch of D29: a send completes when the peer has acknowledged it.
 *
 * Run with: --config=strict-send
 */
#include "conformance.h"

#define BYTES 49152 /* more than the peer's window, less than what the sending host would take */

TEST(completes_when_acknowledged, "WSK-SEND-07 D29")
{
    ULONG window = 4096;
    PWSK_SOCKET listener, client, server;
    SOCKADDR_INET address;
    BUFFER *out = MakePattern(BYTES, 3), *in = MakeBuffer(BYTES);
    CALL call;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(listener, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window)),
                 STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &address), STATUS_SUCCESS);
    CHECK_STATUS(OpenConnection(AF_INET, NULL, NULL, &client), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(client, AF_INET, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Connect(client, &address), STATUS_SUCCESS);
    CHECK_STATUS(Accept(listener, NULL, NULL, &server), STATUS_SUCCESS);

    PIRP irp = CallBegin(&call);
    CallStarted(&call, CONNECTION_OF(client)->WskSend(client, &out->Buf, 0, irp));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    Settle();
    CHECK(!CallIsDone(&call)); /* the window is full and nobody reads */
    CHECK_STATUS(ReceiveAll(server, in, BYTES), STATUS_SUCCESS);
    CHECK(IsPattern(in->Data, BYTES, 3, 0));
    CHECK_STATUS(CallWait(&call), STATUS_SUCCESS);
    CHECK_EQ(call.Information, BYTES);
    CallFree(&call);
}

TEST(ends_with_the_connection, "D29 WSK-CLOSE-02")
{
    PAIR pair;
    BUFFER *out = MakePattern(1000, 4);
    SIZE_T sent;

    CHECK_STATUS(MakePair(AF_INET6, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(Send(pair.Client, out, 1000, 0, &sent), STATUS_SUCCESS);
    CHECK_EQ(sent, 1000);
    CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
}

TESTS(ROW(completes_when_acknowledged) ROW(ends_with_the_connection))
