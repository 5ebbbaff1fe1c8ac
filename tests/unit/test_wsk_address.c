/* Windows socket addresses to neutral ones and back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "wsk/wskp.h"

static struct net_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct net_addr){ .family = NET_IP4, .port = port, .ip = { a, b, c, d } };
}

static struct net_addr mapped(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct net_addr){ .family = NET_IP6,
                              .port = port,
                              .ip = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d } };
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(WskpAddressSize(AF_INET), 16);
    assert_int_equal(WskpAddressSize(AF_INET6), 28);
}

static void in_v4(void **state)
{
    static const UCHAR bytes[16] = { AF_INET, 0, 0x1f, 0x90, 10, 1, 2, 3 };
    struct net_addr a;

    (void)state;
    assert_int_equal(WskpAddressIn(AF_INET, (const SOCKADDR *)bytes, &a), STATUS_SUCCESS);
    assert_int_equal(a.family, NET_IP4);
    assert_int_equal(a.port, 8080);
    assert_memory_equal(a.ip, bytes + 4, 4);
    assert_int_equal(WskpAddressIn(AF_INET6, (const SOCKADDR *)bytes, &a),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(WskpAddressIn(AF_INET, NULL, &a), STATUS_INVALID_PARAMETER);
}

static void round_trip_v6(void **state)
{
    UCHAR in[28], out[32];
    struct net_addr a;

    (void)state;
    for (int i = 0; i < 28; i++)
        in[i] = (UCHAR)(i + 100);
    in[0] = AF_INET6;
    in[1] = 0;
    assert_int_equal(WskpAddressIn(AF_INET6, (const SOCKADDR *)in, &a), STATUS_SUCCESS);
    assert_int_equal(a.family, NET_IP6);
    assert_int_equal(a.port, (in[2] << 8) | in[3]);
    assert_int_equal(a.scope_id, in[24] | in[25] << 8 | in[26] << 16 | (uint32_t)in[27] << 24);
    memset(out, 0xee, sizeof(out));
    WskpAddressOut(AF_INET6, &a, (PSOCKADDR)out);
    assert_memory_equal(in, out, 28);
    for (int i = 28; i < 32; i++)
        assert_int_equal(out[i], 0xee); /* exactly 28 bytes */
}

static void out_v4(void **state)
{
    static const UCHAR expected[16] = { AF_INET, 0, 0, 80, 192, 0, 2, 1 };
    UCHAR out[18];
    struct net_addr a = v4(192, 0, 2, 1, 80), m = mapped(192, 0, 2, 1, 80);

    (void)state;
    memset(out, 0xee, sizeof(out));
    WskpAddressOut(AF_INET, &a, (PSOCKADDR)out);
    assert_memory_equal(out, expected, 16);
    assert_int_equal(out[16], 0xee);
    WskpAddressOut(AF_INET, &m, (PSOCKADDR)out);
    assert_memory_equal(out, expected, 16);
}

static void out_mapped(void **state)
{
    static const UCHAR tail[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 };
    SOCKADDR_IN6 out;
    struct net_addr a = v4(192, 0, 2, 1, 80);

    (void)state;
    WskpAddressOut(AF_INET6, &a, (PSOCKADDR)&out);
    assert_int_equal(out.sin6_family, AF_INET6);
    assert_memory_equal(&out.sin6_addr, tail, 16);
    assert_int_equal(out.sin6_scope_id, 0);
}

static void comparisons(void **state)
{
    struct net_addr a = v4(1, 2, 3, 4, 5), b = mapped(1, 2, 3, 4, 5), c = v4(1, 2, 3, 5, 5),
                    d = v4(1, 2, 3, 4, 6), any4 = v4(0, 0, 0, 0, 9), any4m = mapped(0, 0, 0, 0, 9),
                    any6 = { .family = NET_IP6 },
                    link1 = { .family = NET_IP6, .ip = { 0xfe, 0x80, [15] = 1 }, .scope_id = 1 },
                    link2 = link1, link0 = link1;

    (void)state;
    link2.scope_id = 2;
    link0.scope_id = 0;
    assert_true(WskpAddressEqual(&a, &b));
    assert_false(WskpAddressEqual(&a, &c));
    assert_false(WskpAddressEqual(&a, &d));
    assert_true(WskpAddressSameIp(&a, &d));
    assert_false(WskpAddressEqual(&any4, &any6));
    assert_false(WskpAddressEqual(&link1, &link2));
    assert_true(WskpAddressEqual(&link1, &link0));
    assert_true(WskpAddressIsAny(&any4));
    assert_true(WskpAddressIsAny(&any4m));
    assert_true(WskpAddressIsAny(&any6));
    assert_false(WskpAddressIsAny(&a));
    assert_true(WskpAddressIsMapped(&b));
    assert_false(WskpAddressIsMapped(&a));
    WskpAddressUnmap(&b);
    assert_memory_equal(&a, &b, sizeof(a));
    struct net_addr loop4 = v4(127, 5, 5, 5, 0), loop6 = { .family = NET_IP6, .ip = { [15] = 1 } };
    assert_true(WskpAddressIsLoopback(&loop4));
    assert_true(WskpAddressIsLoopback(&loop6));
    assert_false(WskpAddressIsLoopback(&a));
}

static void differences(void **state)
{
    struct net_addr a = v4(1, 2, 3, 4, 5), six = { .family = NET_IP6, .ip = { 0xfd, [15] = 1 } },
                    seven = six, none = { .family = NET_UNSPEC };
    SOCKADDR_IN6 out6;
    SOCKADDR_IN out4;
    SOCKADDR_IN other = { .sin_family = 99 };

    (void)state;
    seven.ip[15] = 2;
    assert_false(WskpAddressSameIp(&a, &six));
    assert_false(WskpAddressSameIp(&six, &seven));
    six.scope_id = 3;
    seven = six;
    assert_true(WskpAddressSameIp(&six, &seven));
    seven.scope_id = 0; /* no zone: any */
    assert_true(WskpAddressSameIp(&six, &seven));
    assert_true(WskpAddressSameIp(&seven, &six));
    seven.scope_id = 4;
    assert_false(WskpAddressSameIp(&six, &seven));
    assert_int_equal(WskpAddressIn(99, (const SOCKADDR *)&other, &seven), STATUS_INVALID_PARAMETER);
    assert_int_equal(WskpAddressIn(AF_INET, NULL, &seven), STATUS_INVALID_PARAMETER);
    /* An address that there is not, or of the other kind, is shown as zeros. */
    memset(&out6, 0xee, sizeof(out6));
    WskpAddressOut(AF_INET6, &none, (PSOCKADDR)&out6);
    assert_int_equal(out6.sin6_family, AF_INET6);
    assert_int_equal(out6.sin6_addr.s6_addr[0] | out6.sin6_addr.s6_addr[15], 0);
    memset(&out4, 0xee, sizeof(out4));
    WskpAddressOut(AF_INET, &six, (PSOCKADDR)&out4);
    assert_int_equal(out4.sin_family, AF_INET);
    assert_int_equal(out4.sin_addr.s_addr, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),         cmocka_unit_test(in_v4),
        cmocka_unit_test(round_trip_v6), cmocka_unit_test(out_v4),
        cmocka_unit_test(out_mapped),    cmocka_unit_test(comparisons),
        cmocka_unit_test(differences),
    };

    return cmocka_run_group_tests_name("wsk address", tests, NULL, NULL);
}
