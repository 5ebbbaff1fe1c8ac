/* The bind registry: the 36 cells of the sharing table, and what counts as the same port. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wsk/wskp.h"

enum option { NONE, REUSE, EXCLUSIVE };

static int options_set; /* host options that the registry set */

static int fake_ctl(struct net_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    (void)ep;
    if (what == NET_CTL_SET && (arg->opt == NET_OPT_REUSEADDR || arg->opt == NET_OPT_REUSEPORT))
        options_set++;
    return 0;
}

static const struct net_transport fake = { .name = "fake", .ctl = fake_ctl };

static struct net_addr address(uint16_t family, uint8_t last, uint16_t port)
{
    struct net_addr a = { .family = family, .port = port };

    if (last && family == NET_IP4)
        memcpy(a.ip, (uint8_t[]){ 10, 0, 0, last }, 4);
    else if (last)
        a.ip[0] = 0xfd, a.ip[15] = last;
    return a;
}

static WSKP_SOCKET *sock(ADDRESS_FAMILY family, enum option option)
{
    WSKP_SOCKET *s = calloc(1, sizeof(*s));
    host_lock_init(&s->Lock, HOST_RANK_WSK_SOCKET);

    assert_non_null(s);
    s->Family = family;
    s->Type = SOCK_DGRAM;
    s->Protocol = IPPROTO_UDP;
    s->Category = WSKP_DATAGRAM;
    s->Options.V6Only = family == AF_INET6;
    s->Options.ReuseAddress = option == REUSE;
    s->Options.Exclusive = option == EXCLUSIVE;
    return s;
}

static void drop(WSKP_SOCKET *s)
{
    WskpShareRelease(s);
    assert_null(s->Share);
    assert_int_equal(s->Busy, 0);
    free(s);
}

#define OK     STATUS_SUCCESS
#define INUSE  STATUS_ADDRESS_ALREADY_EXISTS
#define DENIED STATUS_ACCESS_DENIED
#define CHECK  STATUS_PENDING /* stands for: granted or denied by the descriptor */

/* Rows: the second bind. Columns: the first. Order: none, reuse, exclusive; each wildcard,
 * specific. */
static const NTSTATUS expected[6][6] = {
    { INUSE, OK, INUSE, OK, INUSE, OK },          { CHECK, INUSE, CHECK, DENIED, DENIED, INUSE },
    { DENIED, OK, OK, OK, DENIED, OK },           { CHECK, DENIED, OK, OK, DENIED, DENIED },
    { INUSE, INUSE, INUSE, INUSE, INUSE, INUSE }, { CHECK, INUSE, CHECK, INUSE, DENIED, INUSE },
};

static NTSTATUS two_binds(ADDRESS_FAMILY family, int first, int second, WSKP_SD *sd,
                          int same_process)
{
    uint16_t net = family == AF_INET6 ? NET_IP6 : NET_IP4;
    WSKP_SOCKET *a = sock(family, (enum option)(first / 2)),
                *b = sock(family, (enum option)(second / 2));
    struct net_addr addr_a = address(net, first % 2 ? 1 : 0, 7000),
                    addr_b = address(net, second % 2 ? 1 : 0, 7000);

    a->Security = sd;
    b->OwningProcess = same_process ? NULL : (PEPROCESS)(uintptr_t)0x1000;
    assert_int_equal(WskpShareBind(a, &addr_a), STATUS_SUCCESS);
    options_set = 0;
    NTSTATUS status = WskpShareBind(b, &addr_b);
    if (NT_SUCCESS(status))
        assert_true(options_set >= 4); /* both sockets may share now */
    else
        assert_null(b->Share);
    drop(b);
    drop(a);
    return status;
}

static void cells(void **state)
{
    (void)state;
    for (int family = 0; family < 2; family++)
        for (int second = 0; second < 6; second++)
            for (int first = 0; first < 6; first++) {
                NTSTATUS want = expected[second][first] == CHECK ? DENIED : expected[second][first];
                NTSTATUS got = two_binds(family ? AF_INET6 : AF_INET, first, second, NULL, 1);
                if (got != want)
                    fail_msg("second %d, first %d: 0x%08x", second, first, got);
            }
}

/* A self-relative descriptor whose DACL has one entry for Everyone. */
struct descriptor {
    UCHAR head[20];
    UCHAR acl[8];
    UCHAR ace[8];
    UCHAR sid[12];
};

static struct descriptor descriptor(UCHAR type, ULONG mask)
{
    struct descriptor d = { .head = { 1, 0, 0x04, 0x80, [16] = 20 },
                            .acl = { 2, 0, 28, 0, 1, 0, 0, 0 },
                            .ace = { type, 0, 20, 0 },
                            .sid = { 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 } };

    memcpy(d.ace + 4, &mask, 4);
    return d;
}

static void checks(void **state)
{
    static const struct {
        UCHAR type;
        ULONG mask;
        int same_process;
        NTSTATUS status;
    } rows[] = {
        { 0, 0x10000000, 0, OK },                                   /* allows everything */
        { 0, 0x40000000, 0, OK },                                   /* allows writing */
        { 0, 0x00000002, 0, OK },     { 0, 0x80000000, 0, DENIED }, /* allows reading only */
        { 1, 0x10000000, 0, DENIED },                               /* denies everything */
        { 1, 0x10000000, 1, OK }, /* the same process shares with itself (D68) */
    };
    WSKP_CLIENT *client = calloc(1, sizeof(*client));

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct descriptor d = descriptor(rows[i].type, rows[i].mask);
        PSECURITY_DESCRIPTOR cached;
        assert_int_equal(WskpSecurityCache(client, &d, &cached, NULL), STATUS_SUCCESS);
        WSKP_SD *sd = WskpSecurityReference(cached);
        assert_non_null(sd);
        for (int second = 0; second < 6; second++)
            for (int first = 0; first < 6; first++) {
                NTSTATUS want =
                    expected[second][first] == CHECK ? rows[i].status : expected[second][first];
                NTSTATUS got = two_binds(AF_INET, first, second, sd, rows[i].same_process);
                if (got != want)
                    fail_msg("row %zu, second %d, first %d: 0x%08x", i, second, first, got);
            }
        WskpSecurityDereference(sd);
        assert_int_equal(WskpSecurityRelease(client, cached), STATUS_SUCCESS);
        assert_int_equal(WskpSecurityRelease(client, cached), STATUS_INVALID_PARAMETER);
    }
    free(client);
}

/* Does a bind of `second` conflict with `first`, both without options, first specific? */
static NTSTATUS pair(WSKP_SOCKET *a, struct net_addr first, WSKP_SOCKET *b, struct net_addr second)
{
    assert_int_equal(WskpShareBind(a, &first), STATUS_SUCCESS);
    NTSTATUS status = WskpShareBind(b, &second);
    drop(a);
    drop(b);
    return status;
}

static void same_port(void **state)
{
    struct net_addr one = address(NET_IP4, 1, 80), two = address(NET_IP4, 2, 80),
                    any4 = address(NET_IP4, 0, 80), any6 = address(NET_IP6, 0, 80),
                    other = address(NET_IP4, 1, 81),
                    mapped = { .family = NET_IP6,
                               .port = 80,
                               .ip = { [10] = 0xff, 0xff, 10, 0, 0, 1 } };

    (void)state;
    assert_int_equal(pair(sock(AF_INET, NONE), one, sock(AF_INET, NONE), one), INUSE);
    assert_int_equal(pair(sock(AF_INET, NONE), one, sock(AF_INET, EXCLUSIVE), two), OK);
    assert_int_equal(pair(sock(AF_INET, NONE), one, sock(AF_INET, NONE), other), OK);
    assert_int_equal(pair(sock(AF_INET, NONE), one, sock(AF_INET6, NONE), mapped), INUSE);
    /* V6ONLY keeps the families apart; dual-stack sockets take both */
    assert_int_equal(pair(sock(AF_INET6, NONE), any6, sock(AF_INET, NONE), any4), OK);
    WSKP_SOCKET *dual = sock(AF_INET6, NONE);
    dual->Options.V6Only = 0;
    assert_int_equal(pair(dual, any6, sock(AF_INET, NONE), any4), INUSE);
    dual = sock(AF_INET6, NONE);
    dual->Options.V6Only = 0;
    assert_int_equal(pair(sock(AF_INET, NONE), any4, dual, any6), INUSE);
    WSKP_SOCKET *tcp = sock(AF_INET, NONE);
    tcp->Type = SOCK_STREAM;
    tcp->Protocol = IPPROTO_TCP;
    assert_int_equal(pair(sock(AF_INET, NONE), one, tcp, one), OK);
}

static void record(void **state)
{
    struct net_addr one = address(NET_IP4, 1, 80);
    WSKP_SOCKET *a = sock(AF_INET, NONE), *b = sock(AF_INET, NONE);

    (void)state;
    WskpShareRecord(a, &one); /* a port that the host chose */
    assert_int_equal(WskpShareBind(b, &one), INUSE);
    WskpShareRelease(a);
    assert_int_equal(WskpShareBind(b, &one), OK);
    drop(a);
    drop(b);
}

static void cached_copies(void **state)
{
    WSKP_CLIENT *client = calloc(1, sizeof(*client)), *other = calloc(1, sizeof(*other));
    struct descriptor d = descriptor(0, 0x10000000);
    PSECURITY_DESCRIPTOR a, b;

    (void)state;
    assert_int_equal(WskpSecurityCache(client, NULL, &a, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(WskpSecurityCache(client, &d, &a, NULL), STATUS_SUCCESS);
    assert_int_equal(WskpSecurityCache(client, &d, &b, NULL), STATUS_SUCCESS);
    assert_ptr_not_equal(a, b);
    assert_memory_equal(a, &d, sizeof(d));
    assert_null(WskpSecurityReference(&d));
    assert_int_equal(WskpSecurityRelease(other, a), STATUS_INVALID_PARAMETER);
    WSKP_SD *sd = WskpSecurityReference(a); /* a socket's hold outlives the driver's */
    assert_int_equal(WskpSecurityRelease(client, a), STATUS_SUCCESS);
    assert_null(WskpSecurityReference(a));
    assert_ptr_equal(WskpSecurityPointer(sd), a);
    WskpSecurityDereference(sd);
    WskpSecurityDropClient(client);
    assert_null(WskpSecurityReference(b));
    /* the default descriptor protects everything */
    assert_int_equal(WskpSecurityCache(client, WskpSecurityPointer(NULL), &a, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(WskpSecurityRelease(client, a), STATUS_SUCCESS);
    free(client);
    free(other);
}

struct list {
    UCHAR header[8]; /* revision, 0, size, count, 0 */
    UCHAR entries[2][24];
};

/* Entry: type, flags, size, mask, SID. */
static void set_entry(UCHAR *at, UCHAR type, UCHAR flags, USHORT size, ULONG mask, UCHAR rid)
{
    UCHAR sid[12] = { 1, 1, 0, 0, 0, 0, 0, 5, rid };

    at[0] = type;
    at[1] = flags;
    memcpy(at + 2, &size, 2);
    memcpy(at + 4, &mask, 4);
    memcpy(at + 8, sid, 12);
}

/* May a socket of another process share, given that list? */
static BOOLEAN grants(WSKP_CLIENT *client, const struct list *list)
{
    struct {
        UCHAR revision, zero;
        USHORT control;
        const void *owner, *group, *sacl, *dacl;
    } sd = { 1, 0, list ? 4 : 0, NULL, NULL, NULL, list };
    WSKP_SOCKET socket = { .OwningProcess = (PEPROCESS)(uintptr_t)8 };
    PSECURITY_DESCRIPTOR cached;

    assert_int_equal(WskpSecurityCache(client, &sd, &cached, NULL), STATUS_SUCCESS);
    WSKP_SD *held = WskpSecurityReference(cached);
    BOOLEAN yes = WskpSecurityGrants(held, (PEPROCESS)(uintptr_t)16, &socket);
    WskpSecurityDereference(held);
    assert_int_equal(WskpSecurityRelease(client, cached), STATUS_SUCCESS);
    return yes;
}

/* The first entry that speaks of us and of writing decides. */
static void entries(void **state)
{
    WSKP_CLIENT *client = calloc(1, sizeof(*client));
    struct list list = { { 2, 0, 56, 0, 2, 0, 0, 0 }, { { 0 }, { 0 } } };

    (void)state;
    assert_true(grants(client, NULL)); /* no list protects nothing */
    set_entry(list.entries[0], 0, 0, 24, 2, 99);
    set_entry(list.entries[1], 0, 0, 24, 2, 18);
    assert_true(grants(client, &list)); /* the first is somebody else's */
    list.header[4] = 1;
    assert_false(grants(client, &list));
    list.header[4] = 2;
    set_entry(list.entries[0], 1, 0, 24, 2, 18);
    assert_false(grants(client, &list)); /* denied before it is allowed */
    set_entry(list.entries[0], 1, 8, 24, 2, 18);
    assert_true(grants(client, &list)); /* that one only for what inherits it */
    set_entry(list.entries[0], 5, 0, 24, 2, 18);
    assert_true(grants(client, &list)); /* neither allows nor denies */
    set_entry(list.entries[0], 1, 0, 24, 1, 18);
    assert_true(grants(client, &list)); /* denies something else */
    /* Entries that do not lie in the list end it. */
    set_entry(list.entries[0], 0, 0, 7, 2, 18);
    assert_false(grants(client, &list));
    set_entry(list.entries[0], 0, 0, 49, 2, 18);
    assert_false(grants(client, &list));
    set_entry(list.entries[0], 0, 0, 16, 2, 18); /* no room for its SID */
    assert_false(grants(client, &list));
    list.header[2] = 12;
    assert_false(grants(client, &list));
    list.header[2] = 8;
    assert_false(grants(client, &list));
    free(client);
}

/* All four parts of a descriptor go with it; what is none is refused. */
static void parts_of_a_descriptor(void **state)
{
    WSKP_CLIENT *client = calloc(1, sizeof(*client));
    UCHAR owner[12] = { 1, 1, 0, 0, 0, 0, 0, 5, 18 }, group[8] = { 1, 0, 0, 0, 0, 0, 0, 1 };
    UCHAR sacl[8] = { 2, 0, 8 }, dacl[8] = { 2, 0, 8 };
    struct {
        UCHAR revision, zero;
        USHORT control;
        UCHAR *owner, *group, *sacl, *dacl;
    } sd = { 1, 0, 0x14, owner, group, sacl, dacl };
    struct {
        UCHAR revision, zero;
        USHORT control;
        ULONG owner, group, sacl, dacl;
    } relative;
    PSECURITY_DESCRIPTOR cached, again;

    (void)state;
    assert_int_equal(WskpSecurityCache(client, &sd, &cached, NULL), STATUS_SUCCESS);
    memcpy(&relative, cached, sizeof(relative));
    assert_int_equal(relative.control, 0x8014);
    assert_memory_equal((UCHAR *)cached + relative.owner, owner, 12);
    assert_memory_equal((UCHAR *)cached + relative.group, group, 8);
    assert_memory_equal((UCHAR *)cached + relative.sacl, sacl, 8);
    assert_memory_equal((UCHAR *)cached + relative.dacl, dacl, 8);
    assert_int_equal(WskpSecurityCache(client, cached, &again, NULL), STATUS_SUCCESS);
    assert_memory_equal(cached, again, relative.dacl + 8);
    assert_int_equal(WskpSecurityRelease(client, cached), STATUS_SUCCESS);
    assert_int_equal(WskpSecurityRelease(client, again), STATUS_SUCCESS);
    sd.revision = 2;
    assert_int_equal(WskpSecurityCache(client, &sd, &cached, NULL), STATUS_INVALID_PARAMETER);
    sd.revision = 1;
    owner[1] = 16;
    assert_int_equal(WskpSecurityCache(client, &sd, &cached, NULL), STATUS_INVALID_PARAMETER);
    owner[1] = 1;
    dacl[2] = 7; /* shorter than its header */
    assert_int_equal(WskpSecurityCache(client, &sd, &cached, NULL), STATUS_INVALID_PARAMETER);
    free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells),
        cmocka_unit_test(checks),
        cmocka_unit_test(same_port),
        cmocka_unit_test(record),
        cmocka_unit_test(cached_copies),
        cmocka_unit_test(entries),
        cmocka_unit_test(parts_of_a_descriptor),
    };

    Wskp.Transport = &fake;
    WskpShareBoot();
    return cmocka_run_group_tests_name("wsk share", tests, NULL, NULL);
}
