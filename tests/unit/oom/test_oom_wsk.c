/*
 * WSK without memory: each scenario runs again and again, and in its n-th run the n-th request for
 * memory of the whole process fails, until a run ends before its turn comes. Every run must end
 * without a crash, a hang or a leak, and a call that fails must say why.
 *
 * The requests for memory come through the linker's --wrap. One failure in a run is enough to see
 * each error path; what follows it in the same run shows that the subsystem still works.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "wsk/wskp.h"

#define SECONDS(n)  ((LARGE_INTEGER){ .QuadPart = -10000000ll * (n) })
#define CALLS       6
#define PIECES      20 /* MDLs of one buffer: more than a request has room for */
#define PIECE_BYTES 50
#define RUNS_MAX    1000
#define FRAMES      8
#define DISARMED    INT64_MIN

/* ---- memory ------------------------------------------------------------------------------ */

static int64_t left = DISARMED; /* requests until the one that fails */
static bool fired;
static long live; /* blocks */
static void *failed_at[FRAMES];
static int failed_frames;

void *__real_host_alloc(size_t size, size_t align);
void *__real_host_zalloc(size_t size);
void __real_host_free(void *p);
void *__wrap_host_alloc(size_t size, size_t align);
void *__wrap_host_zalloc(size_t size);
void __wrap_host_free(void *p);
uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site);

static bool fails(void)
{
    if (__atomic_load_n(&left, __ATOMIC_RELAXED) <= 0)
        return false;
    if (__atomic_sub_fetch(&left, 1, __ATOMIC_RELAXED) != 0)
        return false;
    __atomic_store_n(&fired, true, __ATOMIC_SEQ_CST);
    failed_frames = host_backtrace(failed_at, FRAMES);
    return true;
}

/* Where the request that failed came from. */
static void tell(void)
{
    char text[200];

    print_error("memory was refused:\n");
    for (int i = 2; i < failed_frames; i++) {
        host_symbolize(failed_at[i], text, sizeof(text));
        print_error("    at %s\n", text);
    }
}

static bool has_fired(void)
{
    return __atomic_load_n(&fired, __ATOMIC_SEQ_CST);
}

static void *count(void *p)
{
    if (p)
        __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    return p;
}

void *__wrap_host_alloc(size_t size, size_t align)
{
    return fails() ? NULL : count(__real_host_alloc(size, align));
}

void *__wrap_host_zalloc(size_t size)
{
    return fails() ? NULL : count(__real_host_zalloc(size));
}

void __wrap_host_free(void *p)
{
    if (p)
        __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    __real_host_free(p);
}

uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site)
{
    (void)n;
    (void)site;
    return kind == HOST_CHOOSE_FAULT && fails();
}

/* ---- calls ------------------------------------------------------------------------------- */

typedef struct {
    PIRP irp;
    KEVENT done;
    NTSTATUS returned;
    NTSTATUS status;
    ULONG_PTR information;
} CALL;

static unsigned findings;
static CALL calls[CALLS]; /* with IRPs that are made once: the calls are what is tested */
static WSK_REGISTRATION registration;
static WSK_PROVIDER_NPI wsk;
static UCHAR bytes[PIECES * PIECE_BYTES];
static WSK_BUF buffer; /* of PIECES MDLs */
static SOCKADDR_IN address;

static NTSTATUS NTAPI completed(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    CALL *c = context;

    (void)device;
    c->status = irp->IoStatus.Status;
    c->information = irp->IoStatus.Information;
    KeSetEvent(&c->done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP begin(CALL *c)
{
    IoReuseIrp(c->irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(c->irp, completed, c, TRUE, TRUE, TRUE);
    KeInitializeEvent(&c->done, NotificationEvent, FALSE);
    return c->irp;
}

static void found(const struct vf_finding *finding, void *context)
{
    (void)context;
    print_error("%s: %s\n", finding->rule, finding->text);
    __atomic_add_fetch(&findings, 1, __ATOMIC_RELAXED);
}

/* Only the failure that the run is about makes a call fail. */
static bool well(NTSTATUS status)
{
    if (NT_SUCCESS(status))
        return true;
    if (!has_fired())
        print_error("status 0x%08x with all the memory in the world\n", (unsigned)status);
    assert_true(has_fired());
    if (status != STATUS_CONNECTION_RESET && status != STATUS_CONNECTION_ABORTED)
        assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
    return false;
}

static void wait_for(PKEVENT event)
{
    LARGE_INTEGER limit = SECONDS(20);

    if (KeReadStateEvent(event))
        return;
    if (KeWaitForSingleObject(event, Executive, KernelMode, FALSE, &limit) == STATUS_SUCCESS)
        return;
    tell();
    fail_msg("nothing happens any more");
}

static NTSTATUS end(CALL *c)
{
    wait_for(&c->done);
    if (c->returned != STATUS_PENDING)
        assert_int_equal(c->returned, c->status);
    return c->status;
}

/* call(&calls[0], function(..., irp)) with `irp` begun before the arguments are looked at */
#define START(c, call)                                                                             \
    do {                                                                                           \
        PIRP irp = begin(c);                                                                       \
        (c)->returned = (call);                                                                    \
    } while (0)

static bool cancelled(CALL *c)
{
    IoCancelIrp(c->irp);
    NTSTATUS status = end(c);
    return status == STATUS_CANCELLED || well(status);
}

static PWSK_SOCKET open_socket(ULONG kind, const void *table)
{
    CALL *c = &calls[0];
    BOOLEAN datagram = kind == WSK_FLAG_DATAGRAM_SOCKET;

    START(c, wsk.Dispatch->WskSocket(wsk.Client, AF_INET, datagram ? SOCK_DGRAM : SOCK_STREAM,
                                     datagram ? IPPROTO_UDP : IPPROTO_TCP, kind, NULL, table, NULL,
                                     NULL, NULL, irp));
    return well(end(c)) ? (PWSK_SOCKET)c->information : NULL;
}

#define BASIC(s)      ((const WSK_PROVIDER_BASIC_DISPATCH *)(s)->Dispatch)
#define LISTEN(s)     ((const WSK_PROVIDER_LISTEN_DISPATCH *)(s)->Dispatch)
#define CONNECTION(s) ((const WSK_PROVIDER_CONNECTION_DISPATCH *)(s)->Dispatch)
#define DATAGRAM(s)   ((const WSK_PROVIDER_DATAGRAM_DISPATCH *)(s)->Dispatch)

static void close_socket(PWSK_SOCKET s)
{
    if (!s)
        return;
    START(&calls[CALLS - 1], BASIC(s)->WskCloseSocket(s, irp));
    assert_int_equal(end(&calls[CALLS - 1]), STATUS_SUCCESS);
}

/* Binding lies at the same place in the three tables. */
static bool bind_socket(PWSK_SOCKET s)
{
    CALL *c = &calls[0];
    SOCKADDR_IN any = { .sin_family = AF_INET, .sin_addr.s_addr = RtlUlongByteSwap(0x7f000001) };

    START(c, LISTEN(s)->WskBind(s, (PSOCKADDR)&any, 0, irp));
    return well(end(c));
}

static bool learn_address(PWSK_SOCKET s, BOOLEAN datagram)
{
    CALL *c = &calls[0];

    START(c, (datagram ? DATAGRAM(s)->WskGetLocalAddress
                       : LISTEN(s)->WskGetLocalAddress)(s, (PSOCKADDR)&address, irp));
    return well(end(c));
}

static bool set_option(PWSK_SOCKET s, ULONG option, PVOID value, SIZE_T size)
{
    CALL *c = &calls[0];

    START(c, BASIC(s)->WskControlSocket(s, WskSetOption, option, SOL_SOCKET, size, value, 0, NULL,
                                        NULL, irp));
    return well(end(c));
}

/* ---- requests ---------------------------------------------------------------------------- */

static bool exchange(PWSK_SOCKET from, PWSK_SOCKET to)
{
    CALL *out = &calls[0], *in = &calls[1];

    START(out, CONNECTION(from)->WskSend(from, &buffer, 0, irp));
    if (!well(end(out)))
        return false;
    assert_int_equal(out->information, buffer.Length);
    for (SIZE_T have = 0; have < buffer.Length; have += in->information) {
        START(in, CONNECTION(to)->WskReceive(to, &buffer, 0, irp));
        if (!well(end(in)))
            return false;
        assert_true(in->information > 0);
    }
    return true;
}

static void talk(PWSK_SOCKET client, PWSK_SOCKET server)
{
    CALL *c = &calls[0];

    (void)exchange(client, server);
    (void)exchange(server, client);
    START(c, CONNECTION(client)->WskDisconnect(client, &buffer, 0, irp));
    if (well(end(c))) {
        START(c, CONNECTION(server)->WskReceive(server, &buffer, 0, irp));
        (void)well(end(c));
    }
    /* A disconnect that failed is as if it was not asked for. */
    START(c, CONNECTION(client)->WskDisconnect(client, NULL, WSK_FLAG_ABORTIVE, irp));
    (void)well(end(c));
}

static void connect_and_talk(PWSK_SOCKET listener, PWSK_SOCKET client)
{
    CALL *accept = &calls[2], *connect = &calls[3];

    START(accept, LISTEN(listener)->WskAccept(listener, 0, NULL, NULL, NULL, NULL, irp));
    START(connect, CONNECTION(client)->WskConnect(client, (PSOCKADDR)&address, 0, irp));
    if (!well(end(connect))) {
        (void)cancelled(accept);
        return;
    }
    if (!well(end(accept)))
        return;
    talk(client, (PWSK_SOCKET)accept->information);
    close_socket((PWSK_SOCKET)accept->information);
}

static void by_requests(void)
{
    PWSK_SOCKET client = NULL, listener = open_socket(WSK_FLAG_LISTEN_SOCKET, NULL);

    if (listener && bind_socket(listener) && learn_address(listener, FALSE)) {
        client = open_socket(WSK_FLAG_CONNECTION_SOCKET, NULL);
        if (client && bind_socket(client))
            connect_and_talk(listener, client);
    }
    close_socket(client);
    close_socket(listener);
}

/* ---- events ------------------------------------------------------------------------------ */

/*
 * The server takes what comes and lets the connection go when it ends; the client sees the end,
 * whatever became of the connection meanwhile.
 */
static KEVENT over; /* the accepted socket's last event, or the client's */
static PWSK_SOCKET taken;

static NTSTATUS NTAPI receive_event(PVOID context, ULONG flags, PWSK_DATA_INDICATION data,
                                    SIZE_T length, SIZE_T *accepted)
{
    (void)context;
    (void)flags;
    (void)length;
    (void)accepted;
    if (!data)
        KeSetEvent(&over, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI disconnect_event(PVOID context, ULONG flags)
{
    (void)context;
    (void)flags;
    KeSetEvent(&over, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_CONNECTION_DISPATCH connection_table = { receive_event, disconnect_event,
                                                                 NULL };

static NTSTATUS NTAPI accept_event(PVOID context, ULONG flags, PSOCKADDR local, PSOCKADDR remote,
                                   PWSK_SOCKET s, PVOID *its_context,
                                   const WSK_CLIENT_CONNECTION_DISPATCH **table)
{
    (void)context;
    (void)flags;
    (void)local;
    (void)remote;
    *its_context = NULL;
    *table = &connection_table;
    __atomic_store_n(&taken, s, __ATOMIC_SEQ_CST);
    return STATUS_SUCCESS;
}

static WSK_INSPECT_ACTION NTAPI inspect_event(PVOID context, PSOCKADDR local, PSOCKADDR remote,
                                              PWSK_INSPECT_ID id)
{
    (void)context;
    (void)local;
    (void)remote;
    (void)id;
    return WskInspectAccept;
}

static NTSTATUS NTAPI abort_event(PVOID context, PWSK_INSPECT_ID id)
{
    (void)context;
    (void)id;
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_LISTEN_DISPATCH listen_table = { accept_event, inspect_event, abort_event };

static void serve(PWSK_SOCKET client)
{
    CALL *c = &calls[0], *ends = &calls[1];
    PVOID objects[] = { &over, &ends->done };
    LARGE_INTEGER limit = SECONDS(20);

    KeInitializeEvent(&over, NotificationEvent, FALSE);
    START(c, CONNECTION(client)->WskConnectEx(client, (PSOCKADDR)&address, &buffer, 0, irp));
    if (!well(end(c)))
        return;
    START(ends, CONNECTION(client)->WskReceive(client, &buffer, 0, irp));
    START(c, CONNECTION(client)->WskDisconnect(client, NULL, 0, irp));
    if (!well(end(c))) {
        (void)cancelled(ends);
        return;
    }
    assert_int_not_equal(
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, &limit, NULL),
        STATUS_TIMEOUT);
    (void)cancelled(ends);
}

static bool prepare_events(void)
{
    WSK_EVENT_CALLBACK_CONTROL events = { &NPI_WSK_INTERFACE_ID,
                                          WSK_EVENT_ACCEPT | WSK_EVENT_RECEIVE |
                                              WSK_EVENT_DISCONNECT | WSK_EVENT_RECEIVE_FROM };

    return well(wsk.Dispatch->WskControlClient(wsk.Client, WSK_SET_STATIC_EVENT_CALLBACKS,
                                               sizeof(events), &events, 0, NULL, NULL, NULL));
}

static void by_events(void)
{
    PWSK_SOCKET client = NULL, listener;
    ULONG on = 1;

    taken = NULL;
    if (!prepare_events())
        return;
    listener = open_socket(WSK_FLAG_LISTEN_SOCKET, &listen_table);
    if (listener && set_option(listener, SO_CONDITIONAL_ACCEPT, &on, sizeof(on)) &&
        bind_socket(listener) && learn_address(listener, FALSE)) {
        client = open_socket(WSK_FLAG_CONNECTION_SOCKET, NULL);
        if (client && bind_socket(client))
            serve(client);
    }
    close_socket(client);
    close_socket(listener);
    close_socket(__atomic_load_n(&taken, __ATOMIC_SEQ_CST));
}

/* ---- datagrams --------------------------------------------------------------------------- */

static NTSTATUS NTAPI datagram_event(PVOID context, ULONG flags, PWSK_DATAGRAM_INDICATION data)
{
    (void)context;
    (void)flags;
    (void)data;
    KeSetEvent(&over, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static const WSK_CLIENT_DATAGRAM_DISPATCH datagram_table = { datagram_event };

/* One of two datagrams may be lost to the failure, not both. */
static void send_datagrams(PWSK_SOCKET s)
{
    CALL *c = &calls[0];
    WSK_BUF_LIST second = { NULL, buffer }, first = { &second, buffer };

    KeInitializeEvent(&over, NotificationEvent, FALSE);
    START(c, DATAGRAM(s)->WskSendMessages(s, &first, 0, (PSOCKADDR)&address, 0, NULL, irp));
    (void)well(end(c));
    for (int i = 0; i < 2; i++) {
        START(c, DATAGRAM(s)->WskSendTo(s, &buffer, 0, (PSOCKADDR)&address, 0, NULL, irp));
        (void)well(end(c));
    }
    wait_for(&over);
}

static void datagrams(void)
{
    PWSK_SOCKET s;

    if (!prepare_events())
        return;
    s = open_socket(WSK_FLAG_DATAGRAM_SOCKET, &datagram_table);
    if (s && bind_socket(s) && learn_address(s, TRUE))
        send_datagrams(s);
    close_socket(s);
}

static void datagrams_by_request(void)
{
    PWSK_SOCKET s = open_socket(WSK_FLAG_DATAGRAM_SOCKET, NULL);
    CALL *in = &calls[1], *out = &calls[0];

    if (s && bind_socket(s) && learn_address(s, TRUE)) {
        START(in, DATAGRAM(s)->WskReceiveFrom(s, &buffer, 0, NULL, NULL, NULL, NULL, irp));
        START(out, DATAGRAM(s)->WskSendTo(s, &buffer, 0, (PSOCKADDR)&address, 0, NULL, irp));
        if (well(end(out)))
            (void)well(end(in));
        else
            (void)cancelled(in);
    }
    close_socket(s);
}

/* ---- the client and what needs no connection --------------------------------------------- */

static void resolve(void)
{
    CALL *c = &calls[0];
    PADDRINFOEXW result = NULL;
    WCHAR host[64], service[32];
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"127.0.0.1");
    UNICODE_STRING host_out = { 0, sizeof(host), host },
                   service_out = { 0, sizeof(service), service };
    SOCKADDR_IN loopback = { .sin_family = AF_INET,
                             .sin_addr.s_addr = RtlUlongByteSwap(0x7f000001) };

    START(c, wsk.Dispatch->WskGetAddressInfo(wsk.Client, &name, NULL, 0, NULL, NULL, &result, NULL,
                                             NULL, irp));
    if (well(end(c)))
        wsk.Dispatch->WskFreeAddressInfo(wsk.Client, result);
    START(c, wsk.Dispatch->WskGetNameInfo(wsk.Client, (PSOCKADDR)&loopback, sizeof(loopback),
                                          &host_out, &service_out, NI_NUMERICHOST | NI_NUMERICSERV,
                                          NULL, NULL, irp));
    (void)well(end(c));
}

static void watch_lists(PWSK_SOCKET s)
{
    CALL *c = &calls[0];
    UCHAR list[8192];

    START(c, wsk.Dispatch->WskControlClient(wsk.Client, WSK_TRANSPORT_LIST_CHANGE, 0, NULL, 0, NULL,
                                            NULL, irp));
    (void)cancelled(c);
    START(c, BASIC(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_CHANGE, 0, 0, NULL, 0, NULL,
                                        NULL, irp));
    (void)cancelled(c);
    (void)well(BASIC(s)->WskControlSocket(s, WskIoctl, SIO_ADDRESS_LIST_QUERY, 0, 0, NULL,
                                          sizeof(list), list, NULL, NULL));
}

static void use_descriptor(PWSK_SOCKET s)
{
    SECURITY_DESCRIPTOR plain = { .Revision = SECURITY_DESCRIPTOR_REVISION,
                                  .Control = SE_DACL_PRESENT };
    PSECURITY_DESCRIPTOR in = &plain, cached;

    if (!well(wsk.Dispatch->WskControlClient(wsk.Client, WSK_CACHE_SD, sizeof(in), &in,
                                             sizeof(cached), &cached, NULL, NULL)))
        return;
    (void)set_option(s, SO_WSK_SECURITY, &cached, sizeof(cached));
    (void)well(wsk.Dispatch->WskControlClient(wsk.Client, WSK_RELEASE_SD, sizeof(cached), &cached,
                                              0, NULL, NULL, NULL));
}

static void client_services(void)
{
    PWSK_SOCKET s = open_socket(WSK_FLAG_DATAGRAM_SOCKET, NULL);

    if (s) {
        watch_lists(s);
        use_descriptor(s);
    }
    close_socket(s);
    resolve();
}

/* ---- the run ----------------------------------------------------------------------------- */

static void make_calls(void)
{
    for (unsigned i = 0; i < CALLS; i++)
        calls[i].irp = IoAllocateIrp(1, FALSE);
    for (unsigned i = PIECES; i-- > 0;) {
        PMDL mdl = IoAllocateMdl(bytes + i * PIECE_BYTES, PIECE_BYTES, FALSE, FALSE, NULL);
        MmBuildMdlForNonPagedPool(mdl);
        mdl->Next = buffer.Mdl;
        buffer.Mdl = mdl;
    }
    buffer.Length = sizeof(bytes);
}

static void free_calls(void)
{
    for (unsigned i = 0; i < CALLS; i++)
        IoFreeIrp(calls[i].irp);
    while (buffer.Mdl) {
        PMDL next = buffer.Mdl->Next;
        IoFreeMdl(buffer.Mdl);
        buffer.Mdl = next;
    }
}

static void as_client(void (*scenario)(void))
{
    static const WSK_CLIENT_DISPATCH dispatch = { .Version = MAKE_WSK_VERSION(1, 0) };
    WSK_CLIENT_NPI npi = { NULL, &dispatch };

    memset(&registration, 0, sizeof(registration));
    if (!well(WskRegister(&npi, &registration)))
        return;
    if (well(WskCaptureProviderNPI(&registration, WSK_INFINITE_WAIT, &wsk))) {
        scenario();
        WskReleaseProviderNPI(&registration);
    }
    WskDeregister(&registration);
}

static int boot(void)
{
    static const struct wsk_config config = { .transport = &net_epoll };
    return WskpBoot(&config);
}

static void run(void (*scenario)(void), int64_t number)
{
    vf_on_finding(found, NULL);
    assert_int_equal(KiBoot(2), STATUS_SUCCESS);
    make_calls();
    if (scenario)
        assert_int_equal(boot(), 0);
    fired = false;
    __atomic_store_n(&left, number, __ATOMIC_SEQ_CST);
    if (scenario) {
        as_client(scenario);
        WskpShutdown();
    } else {
        int error = boot();
        if (error == 0)
            WskpShutdown();
        else
            assert_true(error == -ENOMEM && has_fired());
    }
    __atomic_store_n(&left, DISARMED, __ATOMIC_SEQ_CST);
    free_calls();
    KiShutdown();
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "the test"), 0);
    vf_reset(); /* gives its own memory back, too */
}

static void sweep(void (*scenario)(void))
{
    run(scenario, DISARMED);
    long before = live;
    int64_t number = 0;

    do {
        run(scenario, ++number);
        if (live != before || findings)
            tell();
        assert_int_equal(live, before);
        assert_int_equal(findings, 0);
    } while (has_fired() && number < RUNS_MAX);
    assert_in_range(number, 2, RUNS_MAX - 1);
}

static void boots(void **state)
{
    (void)state;
    sweep(NULL);
}

static void serves_requests(void **state)
{
    (void)state;
    sweep(by_requests);
}

static void serves_events(void **state)
{
    (void)state;
    sweep(by_events);
}

static void carries_datagrams(void **state)
{
    (void)state;
    sweep(datagrams);
    sweep(datagrams_by_request);
}

static void serves_the_client(void **state)
{
    (void)state;
    sweep(client_services);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boots),
        cmocka_unit_test(serves_requests),
        cmocka_unit_test(serves_events),
        cmocka_unit_test(carries_datagrams),
        cmocka_unit_test(serves_the_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
