/* share.c: the 36 cells of the sharing table with the host's own binds behind them. */
#include "conformance.h"

#define OK     STATUS_SUCCESS
#define INUSE  STATUS_ADDRESS_ALREADY_EXISTS
#define DENIED STATUS_ACCESS_DENIED
#define ASK    STATUS_PENDING /* decided by the first socket's descriptor */

/* Rows: the second bind; columns: the first. None, reuse, exclusive; each wildcard, specific. */
static const NTSTATUS Expected[6][6] = {
    { INUSE, OK, INUSE, OK, INUSE, OK },          { ASK, INUSE, ASK, DENIED, DENIED, INUSE },
    { DENIED, OK, OK, OK, DENIED, OK },           { ASK, DENIED, OK, OK, DENIED, DENIED },
    { INUSE, INUSE, INUSE, INUSE, INUSE, INUSE }, { ASK, INUSE, ASK, INUSE, DENIED, INUSE },
};

static NTSTATUS OpenFor(BOOLEAN Tcp, ADDRESS_FAMILY Family, ULONG Form, PWSK_SOCKET *Socket)
{
    ULONG on = 1;
    NTSTATUS status =
        Tcp ? OpenListen(Family, NULL, NULL, Socket) : OpenDatagram(Family, NULL, NULL, Socket);

    if (NT_SUCCESS(status) && Form / 2 == 1)
        status = SetOption(*Socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (NT_SUCCESS(status) && Form / 2 == 2)
        status = SetOption(*Socket, SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE, &on, sizeof(on));
    return status;
}

static PSOCKADDR AddressFor(ADDRESS_FAMILY Family, ULONG Form, USHORT Port, SOCKADDR_INET *Storage)
{
    return Form % 2 ? Loopback(Family, Port, Storage) : Wildcard(Family, Port, Storage);
}

static void RunTable(BOOLEAN Tcp, ADDRESS_FAMILY Family, PSECURITY_DESCRIPTOR Descriptor)
{
    for (ULONG second = 0; second < 6; second++) {
        for (ULONG first = 0; first < 6; first++) {
            PWSK_SOCKET a, b;
            SOCKADDR_INET address;
            NTSTATUS expected = Expected[second][first];
            if (expected == ASK)
                expected = Descriptor ? OK : DENIED;
            CHECK_STATUS(OpenFor(Tcp, Family, first, &a), STATUS_SUCCESS);
            CHECK_STATUS(OpenFor(Tcp, Family, second, &b), STATUS_SUCCESS);
            if (Descriptor)
                CHECK_STATUS(
                    SetOption(a, SOL_SOCKET, SO_WSK_SECURITY, &Descriptor, sizeof(Descriptor)),
                    STATUS_SUCCESS);
            CHECK_STATUS(BindTo(a, AddressFor(Family, first, 0, &address)), STATUS_SUCCESS);
            CHECK_STATUS(LocalAddressOf(a, &address), STATUS_SUCCESS);
            USHORT port = PortOf(&address);
            NTSTATUS status = BindTo(b, AddressFor(Family, second, port, &address));
            if (status != expected)
                TestFail(__FILE__, __LINE__, "second %u, first %u: 0x%08x, expected 0x%08x", second,
                         first, status, expected);
            if (TestFailed())
                return;
            CHECK_STATUS(Close(b), STATUS_SUCCESS);
            CHECK_STATUS(Close(a), STATUS_SUCCESS);
        }
    }
}

TEST(udp_v4, "WSK-SHARE-01 WSK-SHARE-02 WSK-SHARE-03 WSK-SHARE-04 WSK-SHARE-05 WSK-SHARE-06 "
             "WSK-SHARE-09 WSK-SHARE-10 D43")
{
    RunTable(FALSE, AF_INET, NULL);
}

TEST(udp_v6, "WSK-SHARE-01 WSK-SHARE-02 WSK-SHARE-03 WSK-SHARE-04 WSK-SHARE-05 WSK-SHARE-06")
{
    RunTable(FALSE, AF_INET6, NULL);
}

TEST(tcp_v4, "WSK-SHARE-01 WSK-SHARE-02 WSK-SHARE-03 WSK-SHARE-04 WSK-SHARE-05 WSK-SHARE-06")
{
    RunTable(TRUE, AF_INET, NULL);
}

TEST(tcp_v6, "WSK-SHARE-01 WSK-SHARE-02 WSK-SHARE-03 WSK-SHARE-04 WSK-SHARE-05 WSK-SHARE-06")
{
    RunTable(TRUE, AF_INET6, NULL);
}

/* Without owners all sockets belong to one process, which a descriptor lets share (D68). */
TEST(with_descriptor, "WSK-SHARE-08 WSK-SEC-01 WSK-SEC-02 WSK-SEC-03 WSK-OPT-11 D68")
{
    static const UCHAR bytes[20] = { 1, 0, 0x04, 0x80 }; /* a DACL that is NULL */
    PSECURITY_DESCRIPTOR plain = (PSECURITY_DESCRIPTOR)bytes, cached = NULL;

    CHECK_STATUS(Wsk->WskControlClient(Client, WSK_CACHE_SD, sizeof(plain), &plain, sizeof(cached),
                                       &cached, NULL, NULL),
                 STATUS_SUCCESS);
    CHECK(cached != NULL && cached != plain);
    RunTable(FALSE, AF_INET, cached);
    if (!TestFailed())
        RunTable(TRUE, AF_INET, cached);
    CHECK_STATUS(
        Wsk->WskControlClient(Client, WSK_RELEASE_SD, sizeof(cached), &cached, 0, NULL, NULL, NULL),
        STATUS_SUCCESS);
}

TEST(different_addresses, "WSK-SHARE-07")
{
    PWSK_SOCKET a, b;
    SOCKADDR_INET address;
    ULONG on = 1;

    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &a), STATUS_SUCCESS);
    CHECK_STATUS(OpenDatagram(AF_INET, NULL, NULL, &b), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(b, SOL_SOCKET, (ULONG)SO_EXCLUSIVEADDRUSE, &on, sizeof(on)),
                 STATUS_SUCCESS);
    CHECK_STATUS(BindLoopback(a, AF_INET, &address), STATUS_SUCCESS);
    ((PUCHAR)&address)[7] = 2; /* 127.0.0.2 */
    CHECK_STATUS(BindTo(b, (PSOCKADDR)&address), STATUS_SUCCESS);
}

TESTS(ROW(udp_v4) ROW(udp_v6) ROW(tcp_v4) ROW(tcp_v6) ROW(with_descriptor) ROW(different_addresses))
