/*
 * descriptors.c: a process that may open no more files. run.sh gives it few.
 */
#include "objects.h"

#define MANY 1024 /* more than run.sh allows */

static PWSK_SOCKET Sockets[MANY];

/* Opens until it fails; the count. */
static ULONG OpenAll(ULONG Type, ULONG Protocol, ULONG Flags, NTSTATUS *Status)
{
    ULONG n = 0;

    do {
        *Status = Open(AF_INET, (USHORT)Type, Protocol, Flags, NULL, NULL, &Sockets[n]);
    } while (NT_SUCCESS(*Status) && ++n < MANY);
    return n;
}

TEST(no_more_sockets, "WSK-SOCK-03 D33")
{
    static const struct {
        ULONG Type, Protocol, Flags;
    } kinds[] = { { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_LISTEN_SOCKET },
                  { SOCK_STREAM, IPPROTO_TCP, WSK_FLAG_STREAM_SOCKET },
                  { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET },
                  { SOCK_DGRAM, IPPROTO_UDP, WSK_FLAG_BASIC_SOCKET } };

    for (ULONG k = 0; k < RTL_NUMBER_OF(kinds); k++) {
        PWSK_SOCKET again;
        SOCKADDR_INET local, remote;
        NTSTATUS status;
        CALL call;
        ULONG n = OpenAll(kinds[k].Type, kinds[k].Protocol, kinds[k].Flags, &status);

        CHECK_STATUS(status, STATUS_INSUFFICIENT_RESOURCES);
        CHECK(n > 0);
        PIRP irp = CallBeginSocket(&call);
        CHECK_STATUS(CallEnd(&call, Wsk->WskSocketConnect(Client, SOCK_STREAM, IPPROTO_TCP,
                                                          Loopback(AF_INET, 0, &local),
                                                          Loopback(AF_INET, 9, &remote), 0, NULL,
                                                          NULL, NULL, NULL, NULL, irp)),
                     STATUS_INSUFFICIENT_RESOURCES);
        CHECK_EQ(call.Information, 0);
        CHECK_STATUS(Close(Sockets[0]), STATUS_SUCCESS);
        CHECK_STATUS(Open(AF_INET, (USHORT)kinds[k].Type, kinds[k].Protocol, kinds[k].Flags, NULL,
                          NULL, &again),
                     STATUS_SUCCESS);
        CHECK_STATUS(Close(again), STATUS_SUCCESS);
        for (ULONG i = 1; i < n; i++)
            CHECK_STATUS(Close(Sockets[i]), STATUS_SUCCESS);
    }
}

TESTS(ROW(no_more_sockets))
