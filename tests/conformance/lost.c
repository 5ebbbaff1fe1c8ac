/*
 * lost.c: requests that wait when their socket is lost (D62): whatever they wait for, they end.
 */
#include "objects.h"

#define FOREVER (64 * 1024 * 1024) /* more than the host takes while nobody reads */

static const ADDRESS_FAMILY Families[] = { AF_INET, AF_INET6 };

/* Loses the socket; both calls must end with it, and a socket that is lost can be closed. */
static void Lose(PWSK_SOCKET Socket, CALL *One, CALL *Two)
{
    if (LoseSocket(Socket) == STATUS_NOT_SUPPORTED) {
        TestSkip("no way to lose a socket on demand");
        CHECK_STATUS(Close(Socket), STATUS_SUCCESS);
        (void)CallFinish(One);
        (void)CallFinish(Two);
        return;
    }
    CHECK_STATUS(CallFinish(One), STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(One->Information, 0);
    CHECK_STATUS(CallFinish(Two), STATUS_FILE_FORCED_CLOSED);
    CHECK_EQ(Two->Information, 0);
    CHECK_STATUS(Close(Socket), STATUS_SUCCESS);
}

TEST(datagram_receives, "WSK-RFROM-03 D62")
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Families) && !TestFailed(); i++) {
        PWSK_SOCKET s;
        SOCKADDR_INET at;
        static ARRIVAL one, two;

        CHECK_STATUS(OpenBound(Families[i], NULL, NULL, &s, &at), STATUS_SUCCESS);
        CHECK_STATUS(StartReceiveFrom(&one, s, MakeBuffer(10), 10), STATUS_PENDING);
        CHECK_STATUS(StartReceiveFrom(&two, s, MakeBuffer(10), 10), STATUS_PENDING);
        Lose(s, &one.Call, &two.Call);
    }
}

static void Receives(ULONG Flags, SIZE_T Length)
{
    PAIR pair;
    CALL one, two;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(StartReceive(&one, pair.Server, MakeBuffer(10), Length, Flags), STATUS_PENDING);
    CHECK_STATUS(StartReceive(&two, pair.Server, MakeBuffer(10), 10, 0), STATUS_PENDING);
    Lose(pair.Server, &one, &two);
}

TEST(receives, "WSK-RECV-03 WSK-RECV-05 WSK-RECV-06 D62")
{
    Receives(0, 10);
    if (!TestFailed())
        Receives(WSK_FLAG_WAITALL, 10);
    if (!TestFailed())
        Receives(WSK_FLAG_DRAIN, 0);
}

TEST(sends, "WSK-SEND-04 D62")
{
    PAIR pair;
    CALL one, two;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(StartSend(&one, pair.Client, MakeBuffer(FOREVER), FOREVER, 0), STATUS_PENDING);
    CHECK_STATUS(StartSend(&two, pair.Client, MakeBuffer(10), 10, 0), STATUS_PENDING);
    Lose(pair.Client, &one, &two);
}

/* The disconnect waits for the send, or for the peer. */
TEST(disconnect, "WSK-DISC-08 D62")
{
    PAIR pair;
    CALL one, two;

    CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
    CHECK_STATUS(StartSend(&one, pair.Client, MakeBuffer(FOREVER), FOREVER, 0), STATUS_PENDING);
    CHECK_STATUS(StartDisconnect(&two, pair.Client, NULL, 0, 0), STATUS_PENDING);
    Lose(pair.Client, &one, &two);
}

TEST(accepts, "WSK-ACC-03 D62")
{
    PWSK_SOCKET listener;
    SOCKADDR_INET at;
    CALL one, two;

    CHECK_STATUS(OpenListen(AF_INET, NULL, NULL, &listener), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(listener, AF_INET, &at), STATUS_SUCCESS);
    CHECK_STATUS(StartAccept(&one, listener, NULL, NULL), STATUS_PENDING);
    CHECK_STATUS(StartAccept(&two, listener, NULL, NULL), STATUS_PENDING);
    Lose(listener, &one, &two);
}

TESTS(ROW(datagram_receives) ROW(receives) ROW(sends) ROW(disconnect) ROW(accepts))
