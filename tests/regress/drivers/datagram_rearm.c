/*
 * datagram_rearm.c: WSK_EVENT_RECEIVE_FROM goes off and on, so that the socket's receive of
 * datagrams ends in one thread while another begins it anew.
 */
#include "conformance.h"

static NTSTATUS NTAPI ReceiveFromEvent(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION List)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(List);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_DATAGRAM_DISPATCH Table = { .WskReceiveFromEvent = ReceiveFromEvent };

TEST(datagram_rearm, "WSK-EVT-12")
{
    PWSK_SOCKET socket;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, &Table, &socket), STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(socket, AF_INET, NULL), STATUS_SUCCESS);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(Events(socket, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
        CHECK_STATUS(EventOff(socket, WSK_EVENT_RECEIVE_FROM), STATUS_SUCCESS);
    }
}

TESTS(ROW(datagram_rearm))
