/*
 * netns_ports.c: a machine whose ports are used up. run.sh runs it in a network namespace of its
 * own, where the host may choose among PORTS ports only.
 */
#include "objects.h"

#define PORTS 4

static const ADDRESS_FAMILY Families[] = { AF_INET, AF_INET6 };

typedef NTSTATUS OPEN(ADDRESS_FAMILY Family, PWSK_SOCKET *Socket);

static NTSTATUS Datagram(ADDRESS_FAMILY Family, PWSK_SOCKET *Socket)
{
    return OpenDatagram(Family, NULL, NULL, Socket);
}

static NTSTATUS Connection(ADDRESS_FAMILY Family, PWSK_SOCKET *Socket)
{
    return OpenConnection(Family, NULL, NULL, Socket);
}

static NTSTATUS Listener(ADDRESS_FAMILY Family, PWSK_SOCKET *Socket)
{
    return OpenListen(Family, NULL, NULL, Socket);
}

/* Every port is taken, then none is left; one that is given back can be had again. */
static void UseUp(ADDRESS_FAMILY Family, OPEN *OpenOne)
{
    PWSK_SOCKET s[PORTS + 1];
    SOCKADDR_INET at;

    for (ULONG i = 0; i <= PORTS; i++) {
        CHECK_STATUS(OpenOne(Family, &s[i]), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(s[i], Loopback(Family, 0, &at)),
                     i < PORTS ? STATUS_SUCCESS : STATUS_ADDRESS_ALREADY_EXISTS);
    }
    CHECK_STATUS(Close(s[0]), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(s[PORTS], Loopback(Family, 0, &at)), STATUS_SUCCESS);
    for (ULONG i = 1; i <= PORTS; i++)
        CHECK_STATUS(Close(s[i]), STATUS_SUCCESS);
}

TEST(bind_without_a_port, "WSK-BIND-04 D33 D42")
{
    static OPEN *const all[] = { Datagram, Connection, Listener };

    for (ULONG f = 0; f < RTL_NUMBER_OF(Families); f++)
        for (ULONG i = 0; i < RTL_NUMBER_OF(all) && !TestFailed(); i++)
            UseUp(Families[f], all[i]);
}

/* No port is left from which to connect. */
TEST(connect_without_a_port, "WSK-SCON-03 D33")
{
    PWSK_SOCKET s[PORTS];
    SOCKADDR_INET at, to;
    CALL call;

    for (ULONG i = 0; i < PORTS; i++) {
        CHECK_STATUS(Listener(AF_INET, &s[i]), STATUS_SUCCESS);
        CHECK_STATUS(BindTo(s[i], Loopback(AF_INET, 0, &at)), STATUS_SUCCESS);
    }
    CHECK_STATUS(LocalAddressOf(s[0], &to), STATUS_SUCCESS);
    PIRP irp = CallBeginSocket(&call);
    CHECK_STATUS(CallEnd(&call, Wsk->WskSocketConnect(Client, SOCK_STREAM, IPPROTO_TCP,
                                                      Loopback(AF_INET, 0, &at), (PSOCKADDR)&to, 0,
                                                      NULL, NULL, NULL, NULL, NULL, irp)),
                 STATUS_ADDRESS_ALREADY_EXISTS);
    CHECK_EQ(call.Information, 0);
}

TESTS(ROW(bind_without_a_port) ROW(connect_without_a_port))
