/* IP addresses as text. */
#include <ntddk.h>
#include <ws2def.h>
#include <ws2ipdef.h>
#include <ip2string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* Reads the text and writes it again; NULL when it is refused or not used up. */
static const char *again6(const char *text)
{
    static char out[72];
    struct in6_addr address;
    const char *end;

    if (RtlIpv6StringToAddressA(text, &end, &address) || *end)
        return NULL;
    end = RtlIpv6AddressToStringA(&address, out);
    assert_ptr_equal(end, out + strlen(out));
    return out;
}

static const char *again4(const char *text, BOOLEAN strict)
{
    static char out[24];
    struct in_addr address;
    const char *end;

    if (RtlIpv4StringToAddressA(text, strict, &end, &address) || *end)
        return NULL;
    RtlIpv4AddressToStringA(&address, out);
    return out;
}

static void ipv6_forms(void **state)
{
    (void)state;
    assert_string_equal(again6("::"), "::");
    assert_string_equal(again6("::1"), "::1");
    assert_string_equal(again6("1::"), "1::");
    assert_string_equal(again6("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
    assert_string_equal(again6("1:0:2:3:4:5:6:7"), "1:0:2:3:4:5:6:7");
    assert_string_equal(again6("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
    assert_string_equal(again6("fe80::1:0:0:2"), "fe80::1:0:0:2");
    assert_string_equal(again6("::ffff:1.2.3.4"), "::ffff:1.2.3.4");
    assert_string_equal(again6("::1.2.3.4"), "::1.2.3.4");
    assert_string_equal(again6("fe80::5efe:1.2.3.4"), "fe80::5efe:1.2.3.4");
    assert_null(again6(":1"));
    assert_null(again6("1:2:3"));
    assert_null(again6("1::2::3"));
    assert_null(again6("12345::"));
    assert_null(again6("1:2:3:4:5:6:7::8"));
    assert_null(again6("::1.2.3.256"));
}

static void ipv4_forms(void **state)
{
    (void)state;
    assert_string_equal(again4("1.2.3.4", TRUE), "1.2.3.4");
    assert_string_equal(again4("0x7f.1", FALSE), "127.0.0.1");
    assert_string_equal(again4("010.0.0.1", FALSE), "8.0.0.1");
    assert_string_equal(again4("4294967295", FALSE), "255.255.255.255");
    assert_null(again4("127.1", TRUE));
    assert_null(again4("1.2.3.256", FALSE));
    assert_null(again4("1.2.3.4.5", FALSE));
    assert_null(again4("", FALSE));
}

static void ports_and_scopes(void **state)
{
    struct in_addr v4;
    struct in6_addr v6;
    USHORT port;
    ULONG scope, length;
    char out[72];
    WCHAR wide[72];

    (void)state;
    assert_int_equal(RtlIpv4StringToAddressExA("1.2.3.4:80", TRUE, &v4, &port), 0);
    assert_int_equal(port, 0x5000);
    assert_int_equal(RtlIpv4StringToAddressExW(L"1.2.3.4:65536", TRUE, &v4, &port),
                     STATUS_INVALID_PARAMETER);
    length = sizeof out;
    assert_int_equal(RtlIpv4AddressToStringExA(&v4, port, out, &length), 0);
    length = 3;
    assert_int_equal(RtlIpv4AddressToStringExA(&v4, 0, out, &length), STATUS_INVALID_PARAMETER);
    assert_int_equal(length, 8);
    assert_int_equal(RtlIpv6StringToAddressExA("[fe80::1%5]:443", &v6, &scope, &port), 0);
    assert_int_equal(scope, 5);
    assert_int_equal(port, 0xbb01);
    length = 72;
    assert_int_equal(RtlIpv6AddressToStringExW(&v6, scope, port, wide, &length), 0);
    assert_memory_equal(wide, L"[fe80::1%5]:443", 32);
    assert_int_equal(length, 16);
    assert_int_equal(RtlIpv6StringToAddressExA("fe80::1%5:443", &v6, &scope, &port),
                     STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6_forms),
        cmocka_unit_test(ipv4_forms),
        cmocka_unit_test(ports_and_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
