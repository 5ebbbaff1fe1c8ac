/* client_control.c: WskControlClient (3.4), security descriptors (3.26), TDI (3.27). */
#include "conformance.h"

/* A client of its own: what a code changes must not reach the other tests. */
typedef struct _OTHER {
    WSK_REGISTRATION Block;
    WSK_PROVIDER_NPI Npi;
} OTHER;
static OTHER Other;

static void UndoOther(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    WskReleaseProviderNPI(&Other.Block);
    WskDeregister(&Other.Block);
}

static void OtherGone(void)
{
    Paid(&Other);
    UndoOther(&Other);
}

static NTSTATUS OtherClient(void)
{
    static const WSK_CLIENT_DISPATCH dispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };
    WSK_CLIENT_NPI npi = { NULL, &dispatch };
    NTSTATUS status = WskRegister(&npi, &Other.Block);

    if (!NT_SUCCESS(status))
        return status;
    status = WskCaptureProviderNPI(&Other.Block, WSK_INFINITE_WAIT, &Other.Npi);
    if (NT_SUCCESS(status))
        Owe(UndoOther, &Other);
    else
        WskDeregister(&Other.Block);
    return status;
}

static NTSTATUS ControlOf(PWSK_CLIENT Of, ULONG Code, PVOID In, SIZE_T InSize, PVOID Out,
                          SIZE_T OutSize, SIZE_T *Returned)
{
    return Wsk->WskControlClient(Of, Code, InSize, In, OutSize, Out, Returned, NULL);
}

TEST(transport_list_size, "WSK-CTL-01 WSK-CTL-05 WSK-CTL-07 WSK-CTL-06 D55")
{
    WSK_TRANSPORT list[16];
    SIZE_T needed = 0, got = 0;
    UCHAR untouched = 0x5a;

    CHECK_STATUS(ControlOf(Client, WSK_TRANSPORT_LIST_QUERY, NULL, 0, NULL, 0, &needed),
                 STATUS_BUFFER_OVERFLOW);
    CHECK(needed > 0 && needed % sizeof(WSK_TRANSPORT) == 0);
    CHECK_EQ(sizeof(WSK_TRANSPORT), 28);
    RtlFillMemory(list, sizeof(list), untouched);
    CHECK_STATUS(ControlOf(Client, WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, needed - 1, &got),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(got, needed);
    for (SIZE_T i = 0; i < sizeof(list); i++)
        CHECK_EQ(((UCHAR *)list)[i], untouched); /* D55: no partial data */
    got = 0;
    CHECK_STATUS(ControlOf(Client, WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, sizeof(list), &got),
                 STATUS_SUCCESS);
    CHECK_EQ(got, needed);
    CHECK_EQ(((UCHAR *)list)[got], untouched);
    got = 0;
    CHECK_STATUS(ControlOf(Client, WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, needed, &got),
                 STATUS_SUCCESS);
    CHECK_EQ(got, needed);
    CHECK_STATUS(ControlOf(Client, WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, needed, NULL),
                 STATUS_SUCCESS);
}

static BOOLEAN Listed(const WSK_TRANSPORT *List, SIZE_T Count, ADDRESS_FAMILY Family, USHORT Type,
                      ULONG Protocol)
{
    for (SIZE_T i = 0; i < Count; i++)
        if (List[i].AddressFamily == Family && List[i].SocketType == Type &&
            List[i].Protocol == Protocol && List[i].Version == 0)
            return TRUE;
    return FALSE;
}

TEST(transport_list, "WSK-CTL-06 WSK-CTL-08 WSK-CTL-09 D65")
{
    static const ADDRESS_FAMILY families[] = { AF_INET, AF_INET6 };
    WSK_TRANSPORT list[16];
    SIZE_T got;
    KIRQL old;

    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status =
        ControlOf(Client, WSK_TRANSPORT_LIST_QUERY, NULL, 0, list, sizeof(list), &got);
    KeLowerIrql(old);
    CHECK_STATUS(status, STATUS_SUCCESS);
    SIZE_T count = got / sizeof(list[0]);
    CHECK_EQ(count, 6);
    for (ULONG f = 0; f < 2; f++) {
        CHECK(Listed(list, count, families[f], SOCK_STREAM, IPPROTO_TCP));
        CHECK(Listed(list, count, families[f], SOCK_DGRAM, IPPROTO_UDP));
        CHECK(Listed(list, count, families[f], SOCK_RAW, 0));
    }
    for (SIZE_T i = 0; i < count; i++) {
        PWSK_SOCKET s;
        CHECK(RtlEqualMemory(&list[i].ProviderId, &list[0].ProviderId, sizeof(GUID)));
        status = Open(list[i].AddressFamily, list[i].SocketType, list[i].Protocol,
                      WSK_FLAG_BASIC_SOCKET, NULL, NULL, &s);
        /* D40: a process without the privilege may not open a raw socket. */
        if (status == STATUS_ACCESS_DENIED && list[i].SocketType == SOCK_RAW)
            continue;
        CHECK_STATUS(status, STATUS_SUCCESS);
    }
}

TEST(list_change_pends, "WSK-CTL-10 D06 D08")
{
    CALL call;
    PIRP irp = CallBegin(&call);

    CallStarted(&call, Wsk->WskControlClient(Client, WSK_TRANSPORT_LIST_CHANGE, 0, NULL, 0, NULL,
                                             NULL, irp));
    CHECK_STATUS(call.Returned, STATUS_PENDING);
    CHECK(!CallIsDone(&call));
    CHECK(IoCancelIrp(irp));
    CHECK_STATUS(CallWait(&call), STATUS_CANCELLED);
    CHECK_EQ(call.Information, 0);
    CallFree(&call);
}

TEST(list_change_ends_with_deregister, "WSK-CTL-11 WSK-UNLD-02")
{
    CALL calls[3];

    CHECK_STATUS(OtherClient(), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        PIRP irp = CallBegin(&calls[i]);
        CallStarted(&calls[i], Wsk->WskControlClient(Other.Npi.Client, WSK_TRANSPORT_LIST_CHANGE, 0,
                                                     NULL, 0, NULL, NULL, irp));
        CHECK_STATUS(calls[i].Returned, STATUS_PENDING);
    }
    OtherGone();
    for (ULONG i = 0; i < 3; i++) {
        CHECK(CallIsDone(&calls[i])); /* before WskDeregister returned */
        CHECK_STATUS(CallWait(&calls[i]), STATUS_CANCELLED);
        CallFree(&calls[i]);
    }
}

TEST(unknown_codes, "D56 D06")
{
    static const ULONG codes[] = { 0, 1, 9, 100, 0xffffffff };

    for (ULONG i = 0; i < RTL_NUMBER_OF(codes); i++) {
        SIZE_T got = 77;
        CALL call;
        CHECK_STATUS(ControlOf(Client, codes[i], NULL, 0, NULL, 0, &got), STATUS_INVALID_PARAMETER);
        CHECK_EQ(got, 0);
        PIRP irp = CallBegin(&call);
        NTSTATUS status =
            CallEnd(&call, Wsk->WskControlClient(Client, codes[i], 0, NULL, 0, NULL, NULL, irp));
        CHECK_STATUS(status, STATUS_INVALID_PARAMETER);
        CHECK_EQ(call.Information, 0);
    }
}

/* ---- security descriptors ---------------------------------------------------------------------
 */

/* An absolute descriptor with this DACL; NULL: one that protects nothing. */
static void MakeDescriptor(SECURITY_DESCRIPTOR *Sd, PACL Dacl)
{
    RtlZeroMemory(Sd, sizeof(*Sd));
    Sd->Revision = SECURITY_DESCRIPTOR_REVISION;
    Sd->Control = SE_DACL_PRESENT;
    Sd->Dacl = Dacl;
}

static NTSTATUS Cache(PSECURITY_DESCRIPTOR Sd, PSECURITY_DESCRIPTOR *Cached)
{
    *Cached = NULL;
    return ControlOf(Client, WSK_CACHE_SD, &Sd, sizeof(Sd), Cached, sizeof(*Cached), NULL);
}

static NTSTATUS Release(PSECURITY_DESCRIPTOR Cached)
{
    return ControlOf(Client, WSK_RELEASE_SD, &Cached, sizeof(Cached), NULL, 0, NULL);
}

TEST(cache_and_release, "WSK-SEC-01 WSK-SEC-02 WSK-CTL-01 D68")
{
    SECURITY_DESCRIPTOR sd;
    PSECURITY_DESCRIPTOR first, second;
    KIRQL old;

    MakeDescriptor(&sd, NULL);
    CHECK_STATUS(Cache(&sd, &first), STATUS_SUCCESS);
    CHECK(first != NULL && first != (PSECURITY_DESCRIPTOR)&sd);
    RtlFillMemory(&sd, sizeof(sd), 0xee); /* the copy is the subsystem's own */
    CHECK_EQ(*(UCHAR *)first, SECURITY_DESCRIPTOR_REVISION);
    MakeDescriptor(&sd, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS cached = Cache(&sd, &second);
    NTSTATUS released = Release(first);
    KeLowerIrql(old);
    CHECK_STATUS(cached, STATUS_SUCCESS);
    CHECK_STATUS(released, STATUS_SUCCESS);
    CHECK_STATUS(Release(second), STATUS_SUCCESS);
}

TEST(bad_descriptors, "WSK-SEC-01 WSK-CTL-05 D06")
{
    SECURITY_DESCRIPTOR sd;
    PSECURITY_DESCRIPTOR in = &sd, out = NULL;
    SIZE_T got = 0;

    MakeDescriptor(&sd, NULL);
    CHECK_STATUS(ControlOf(Client, WSK_CACHE_SD, &in, sizeof(in), &out, sizeof(out) - 1, &got),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(got, sizeof(out));
    CHECK(out == NULL);
    CHECK_STATUS(ControlOf(Client, WSK_CACHE_SD, &in, sizeof(in) - 1, &out, sizeof(out), NULL),
                 STATUS_INVALID_PARAMETER);
    in = NULL;
    CHECK_STATUS(ControlOf(Client, WSK_CACHE_SD, &in, sizeof(in), &out, sizeof(out), NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK(out == NULL);
}

/* Creates a datagram socket with a descriptor and a process, and binds it. */
static NTSTATUS OpenWith(PSECURITY_DESCRIPTOR Sd, PEPROCESS Process, PETHREAD Thread,
                         PSOCKADDR Address, PWSK_SOCKET *Socket)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    NTSTATUS status = CallEnd(&call, Wsk->WskSocket(Client, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
                                                    WSK_FLAG_DATAGRAM_SOCKET, NULL, NULL, Process,
                                                    Thread, Sd, irp));

    if (!NT_SUCCESS(status))
        return status;
    *Socket = (PWSK_SOCKET)call.Information;
    return Address ? BindTo(*Socket, Address) : STATUS_SUCCESS;
}

static NTSTATUS OpenSdAndBind(PSECURITY_DESCRIPTOR Sd, USHORT Port, BOOLEAN Any,
                              PWSK_SOCKET *Socket)
{
    SOCKADDR_INET at;

    return OpenWith(Sd, NULL, NULL,
                    Any ? Wildcard(AF_INET, Port, &at) : Loopback(AF_INET, Port, &at), Socket);
}

/* A second, specific bind of a wildcard's port is decided by the first one's descriptor. */
TEST(descriptor_of_the_creation, "WSK-SEC-03 WSK-SOCK-11 WSK-CLOSE-07 D68")
{
    SECURITY_DESCRIPTOR sd;
    PSECURITY_DESCRIPTOR cached;
    PWSK_SOCKET first, second, third;
    SOCKADDR_INET at;

    MakeDescriptor(&sd, NULL);
    CHECK_STATUS(Cache(&sd, &cached), STATUS_SUCCESS);
    /* Without one: no sharing. */
    CHECK_STATUS(OpenSdAndBind(NULL, 0, TRUE, &first), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(first, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenSdAndBind(NULL, PortOf(&at), FALSE, &second), STATUS_ACCESS_DENIED);
    CHECK_STATUS(OpenSdAndBind(cached, PortOf(&at), FALSE, &third), STATUS_ACCESS_DENIED);
    CHECK_STATUS(Close(first), STATUS_SUCCESS);
    /* With one that grants: sharing. */
    CHECK_STATUS(OpenSdAndBind(cached, 0, TRUE, &first), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(first, &at), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(second, Loopback(AF_INET, PortOf(&at), &at)), STATUS_SUCCESS);
    CHECK_STATUS(Close(first), STATUS_SUCCESS);
    CHECK_STATUS(Close(second), STATUS_SUCCESS);
    CHECK_STATUS(Close(third), STATUS_SUCCESS);
    CHECK_STATUS(Release(cached), STATUS_SUCCESS); /* the closes did not release it */
}

TEST(descriptor_by_option, "WSK-SEC-02 WSK-SEC-04 WSK-OPT-11 WSK-OPT-12 SO_WSK_SECURITY D68")
{
    SECURITY_DESCRIPTOR sd;
    ACL none = { ACL_REVISION, 0, sizeof(none), 0, 0 };
    PSECURITY_DESCRIPTOR grants, denies, read = NULL, again = NULL;
    PWSK_SOCKET first, second;
    SOCKADDR_INET at;
    SIZE_T got;

    MakeDescriptor(&sd, NULL);
    CHECK_STATUS(Cache(&sd, &grants), STATUS_SUCCESS);
    MakeDescriptor(&sd, &none);
    CHECK_STATUS(Cache(&sd, &denies), STATUS_SUCCESS);
    CHECK_STATUS(OpenWith(grants, NULL, NULL, NULL, &first), STATUS_SUCCESS);
    CHECK_STATUS(SetOption(first, SOL_SOCKET, SO_WSK_SECURITY, &denies, sizeof(denies)),
                 STATUS_SUCCESS);
    CHECK_STATUS(SetOption(first, SOL_SOCKET, SO_WSK_SECURITY, &grants, sizeof(grants)),
                 STATUS_SUCCESS);
    CHECK_STATUS(GetOption(first, SOL_SOCKET, SO_WSK_SECURITY, &read, sizeof(read), &got),
                 STATUS_SUCCESS);
    CHECK_EQ(got, sizeof(read));
    CHECK(read != NULL && *(UCHAR *)read == SECURITY_DESCRIPTOR_REVISION);
    CHECK_STATUS(GetOption(first, SOL_SOCKET, SO_WSK_SECURITY, &again, sizeof(again), NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(Release(again), STATUS_SUCCESS);
    CHECK_STATUS(BindTo(first, Wildcard(AF_INET, 0, &at)), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(first, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenSdAndBind(NULL, PortOf(&at), FALSE, &second), STATUS_SUCCESS);
    CHECK_STATUS(Release(read), STATUS_SUCCESS);
    CHECK_STATUS(Release(denies), STATUS_SUCCESS);
    CHECK_STATUS(Release(grants), STATUS_SUCCESS);
}

/* A socket keeps the descriptor alive after its release, and still obeys it. */
TEST(descriptor_released_early, "WSK-SEC-02 WSK-SEC-03")
{
    SECURITY_DESCRIPTOR sd;
    PSECURITY_DESCRIPTOR cached;
    PWSK_SOCKET first, second;
    SOCKADDR_INET at;

    MakeDescriptor(&sd, NULL);
    CHECK_STATUS(Cache(&sd, &cached), STATUS_SUCCESS);
    CHECK_STATUS(OpenSdAndBind(cached, 0, TRUE, &first), STATUS_SUCCESS);
    CHECK_STATUS(Release(cached), STATUS_SUCCESS);
    CHECK_STATUS(LocalAddressOf(first, &at), STATUS_SUCCESS);
    CHECK_STATUS(OpenSdAndBind(NULL, PortOf(&at), FALSE, &second), STATUS_SUCCESS);
}

TEST(process_and_thread, "D78 WSK-SOCK-09 WSK-SOCK-10")
{
    PWSK_SOCKET s;
    SOCKADDR_INET at;

    CHECK_STATUS(OpenWith(NULL, PsGetCurrentProcess(), NULL, Loopback(AF_INET, 0, &at), &s),
                 STATUS_SUCCESS);
    CHECK_STATUS(
        OpenWith(NULL, PsInitialSystemProcess, PsGetCurrentThread(), Loopback(AF_INET, 0, &at), &s),
        STATUS_SUCCESS);
    CHECK_STATUS(OpenWith(NULL, NULL, NULL, Loopback(AF_INET, 0, &at), &s), STATUS_SUCCESS);
}

/* ---- TDI --------------------------------------------------------------------------------- */

TEST(tdi, "WSK-TDI-01 WSK-TDI-02 WSK-TDI-03 D69")
{
    ULONG bypass = WSK_TDI_BEHAVIOR_BYPASS_TDI;
    static const WCHAR device[] = L"\\Device\\Nothing";
    WSK_TDI_MAP map = { SOCK_STREAM, AF_INET, IPPROTO_TCP, device };
    WSK_TDI_MAP_INFO info = { 1, &map };
    CALL call;

    CHECK_STATUS(OtherClient(), STATUS_SUCCESS);
    NTSTATUS behavior =
        ControlOf(Other.Npi.Client, WSK_TDI_BEHAVIOR, &bypass, sizeof(bypass), NULL, 0, NULL);
    NTSTATUS mapping =
        ControlOf(Other.Npi.Client, WSK_TDI_DEVICENAME_MAPPING, &info, sizeof(info), NULL, 0, NULL);
    /* Native support is used all the same. */
    PIRP irp = CallBeginSocket(&call);
    NTSTATUS opened = CallEnd(&call, Wsk->WskSocket(Other.Npi.Client, AF_INET, SOCK_STREAM,
                                                    IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET, NULL,
                                                    NULL, NULL, NULL, NULL, irp));
    if (NT_SUCCESS(opened))
        opened = Close((PWSK_SOCKET)call.Information);
    OtherGone();
    CHECK_STATUS(behavior, STATUS_SUCCESS);
    CHECK_STATUS(mapping, STATUS_NOT_SUPPORTED);
    CHECK_STATUS(opened, STATUS_SUCCESS);
}

TESTS(ROW(transport_list_size) ROW(transport_list) ROW(list_change_pends)
          ROW(list_change_ends_with_deregister) ROW(unknown_codes) ROW(cache_and_release)
              ROW(bad_descriptors) ROW(descriptor_of_the_creation) ROW(descriptor_by_option)
                  ROW(descriptor_released_early) ROW(process_and_thread) ROW(tdi))
