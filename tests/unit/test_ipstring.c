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

static void more_ipv6_forms(void **state)
{
    (void)state;
    assert_string_equal(again6("::1:0"), "::0.1.0.0");
    assert_string_equal(again6("::ffff:0:1.2.3.4"), "::ffff:0:1.2.3.4");
    assert_string_equal(again6("::ffff:1:1.2.3.4"), "::ffff:1:102:304");
    assert_string_equal(again6("::1:1.2.3.4"), "::1:102:304");
    assert_string_equal(again6("::200:5efe:1.2.3.4"), "::200:5efe:1.2.3.4");
    assert_string_equal(again6("1:2:3:4:0:5efe:1.2.3.4"), "1:2:3:4:0:5efe:1.2.3.4");
    assert_string_equal(again6("1:2:3:4:5:6:1.2.3.4"), "1:2:3:4:5:6:102:304");
    assert_string_equal(again6("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
    assert_string_equal(again6("0:0:1::"), "0:0:1::");
    assert_null(again6("1:2:3:4:5:6:7:8:9"));
    assert_null(again6("1:2:3:4:5:6:7:1.2.3.4"));
    assert_null(again6("1:2:3:4:5:6::1.2.3.4:"));
    assert_null(again6("1.2.3.4"));
    assert_null(again6("::1:"));
    assert_null(again6("::1:g"));
    assert_null(again6("g::"));
    assert_null(again6(""));
}

static void more_ipv4_forms(void **state)
{
    (void)state;
    assert_null(again4("01.2.3.4", TRUE));
    assert_null(again4("0x1.2.3.4", TRUE));
    assert_string_equal(again4("0.0.0.0", TRUE), "0.0.0.0");
    assert_string_equal(again4("1.65536", FALSE), "1.1.0.0");
    assert_string_equal(again4("1.2.65535", FALSE), "1.2.255.255");
    assert_null(again4("1.2.65536", FALSE));
    assert_null(again4("256.1", FALSE));
    assert_null(again4("4294967296", FALSE));
    assert_null(again4("0x", FALSE));
    assert_null(again4("08", FALSE));
    assert_null(again4("1.", FALSE));
}

static void wide_text(void **state)
{
    static const WCHAR v4_text[] = L"1.2.3.4/", v6_text[] = L"fe80::1\u00e9";
    struct in_addr v4;
    struct in6_addr v6;
    const WCHAR *end;
    WCHAR out[72];

    (void)state;
    assert_int_equal(RtlIpv4StringToAddressW(v4_text, TRUE, &end, &v4), 0);
    assert_ptr_equal(end, v4_text + 7);
    assert_ptr_equal(RtlIpv4AddressToStringW(&v4, out), out + 7);
    assert_memory_equal(out, L"1.2.3.4", 16);
    assert_int_equal(RtlIpv4StringToAddressW(L"x", TRUE, &end, &v4), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlIpv6StringToAddressW(v6_text, &end, &v6), 0);
    assert_ptr_equal(end, v6_text + 7);
    assert_ptr_equal(RtlIpv6AddressToStringW(&v6, out), out + 7);
    assert_memory_equal(out, L"fe80::1", 16);
    assert_int_equal(RtlIpv6StringToAddressW(L"1:2", &end, &v6), STATUS_INVALID_PARAMETER);
}

static void full_forms_are_written(void **state)
{
    struct in_addr v4 = { 0 };
    struct in6_addr v6 = { 0 };
    char out[72];
    WCHAR wide[72];
    ULONG length = 72;

    (void)state;
    assert_int_equal(RtlIpv4AddressToStringExA(&v4, 0x5000, out, &length), 0);
    assert_string_equal(out, "0.0.0.0:80");
    assert_int_equal(length, 11);
    assert_int_equal(RtlIpv4AddressToStringExW(&v4, 0, wide, &length), 0);
    assert_memory_equal(wide, L"0.0.0.0", 16);
    assert_int_equal(RtlIpv6AddressToStringExA(&v6, 0, 0, out, &length), 0);
    assert_string_equal(out, "::");
    assert_int_equal(length, 3);
    assert_int_equal(RtlIpv6AddressToStringExA(&v6, 7, 0, out, &length), STATUS_INVALID_PARAMETER);
    assert_int_equal(length, 5);
    assert_int_equal(RtlIpv6AddressToStringExA(&v6, 7, 0, out, &length), 0);
    assert_string_equal(out, "::%7");
}

static void missing_arguments(void **state)
{
    struct in_addr v4;
    struct in6_addr v6;
    char out[72];
    WCHAR wide[72];
    ULONG n = 72;
    USHORT port;
    const LONG bad = STATUS_INVALID_PARAMETER;

    (void)state;
    assert_int_equal(RtlIpv4AddressToStringExA(NULL, 0, out, &n), bad);
    assert_int_equal(RtlIpv4AddressToStringExA(&v4, 0, NULL, &n), bad);
    assert_int_equal(RtlIpv4AddressToStringExA(&v4, 0, out, NULL), bad);
    assert_int_equal(RtlIpv4AddressToStringExW(NULL, 0, wide, &n), bad);
    assert_int_equal(RtlIpv4AddressToStringExW(&v4, 0, NULL, &n), bad);
    assert_int_equal(RtlIpv4AddressToStringExW(&v4, 0, wide, NULL), bad);
    assert_int_equal(RtlIpv6AddressToStringExA(NULL, 0, 0, out, &n), bad);
    assert_int_equal(RtlIpv6AddressToStringExA(&v6, 0, 0, NULL, &n), bad);
    assert_int_equal(RtlIpv6AddressToStringExA(&v6, 0, 0, out, NULL), bad);
    assert_int_equal(RtlIpv6AddressToStringExW(NULL, 0, 0, wide, &n), bad);
    assert_int_equal(RtlIpv6AddressToStringExW(&v6, 0, 0, NULL, &n), bad);
    assert_int_equal(RtlIpv6AddressToStringExW(&v6, 0, 0, wide, NULL), bad);
    assert_int_equal(RtlIpv4StringToAddressExA(NULL, TRUE, &v4, &port), bad);
    assert_int_equal(RtlIpv4StringToAddressExA("1.2.3.4", TRUE, NULL, &port), bad);
    assert_int_equal(RtlIpv4StringToAddressExA("1.2.3.4", TRUE, &v4, NULL), bad);
    assert_int_equal(RtlIpv4StringToAddressExW(NULL, TRUE, &v4, &port), bad);
    assert_int_equal(RtlIpv4StringToAddressExW(L"1.2.3.4", TRUE, NULL, &port), bad);
    assert_int_equal(RtlIpv4StringToAddressExW(L"1.2.3.4", TRUE, &v4, NULL), bad);
    assert_int_equal(RtlIpv6StringToAddressExA(NULL, &v6, &n, &port), bad);
    assert_int_equal(RtlIpv6StringToAddressExA("::", NULL, &n, &port), bad);
    assert_int_equal(RtlIpv6StringToAddressExA("::", &v6, NULL, &port), bad);
    assert_int_equal(RtlIpv6StringToAddressExA("::", &v6, &n, NULL), bad);
    assert_int_equal(RtlIpv6StringToAddressExW(NULL, &v6, &n, &port), bad);
    assert_int_equal(RtlIpv6StringToAddressExW(L"::", NULL, &n, &port), bad);
    assert_int_equal(RtlIpv6StringToAddressExW(L"::", &v6, NULL, &port), bad);
    assert_int_equal(RtlIpv6StringToAddressExW(L"::", &v6, &n, NULL), bad);
}

/* Refused, and the caller's address stays as it was. */
static void full_forms_that_are_refused(void **state)
{
    static const char *const v4_bad[] = { "", "1.2.3.4 ", "1.2.3.4:", "1.2.3.4:8x",
                                          "1.2.3.4:65536" };
    static const char *const v6_bad[] = { "",         "[::1",   "[::1]:",        "[::1]x",
                                          "[::1]:8x", "::1%",   "::1%x",         "::1]",
                                          "::1:80:",  "[::1%5", "::1%4294967296" };
    struct in_addr v4;
    struct in6_addr v6;
    USHORT port;
    ULONG scope;
    char tail[300];
    WCHAR wide[300];

    (void)state;
    memset(&v6, 0x77, sizeof v6);
    memset(&v4, 0x77, sizeof v4);
    for (size_t i = 0; i < RTL_NUMBER_OF(v4_bad); i++)
        assert_int_equal(RtlIpv4StringToAddressExA(v4_bad[i], TRUE, &v4, &port),
                         STATUS_INVALID_PARAMETER);
    for (size_t i = 0; i < RTL_NUMBER_OF(v6_bad); i++)
        assert_int_equal(RtlIpv6StringToAddressExA(v6_bad[i], &v6, &scope, &port),
                         STATUS_INVALID_PARAMETER);
    assert_int_equal(*(ULONG *)&v4, 0x77777777);
    assert_int_equal(*(ULONG *)&v6, 0x77777777);
    assert_int_equal(RtlIpv6StringToAddressExW(L"[::1]", &v6, &scope, &port), 0);
    assert_int_equal(port, 0);
    assert_int_equal(scope, 0);
    assert_int_equal(RtlIpv4StringToAddressExW(L"1.2.3.4", TRUE, &v4, &port), 0);
    assert_int_equal(port, 0);
    /* What follows very many digits is not forgotten. */
    memset(tail, '0', sizeof tail);
    memcpy(tail, "1.2.3.4:", 8);
    memcpy(tail + 296, "80x", 4);
    for (int i = 0; i < 300; i++)
        wide[i] = (WCHAR)tail[i];
    assert_int_equal(RtlIpv4StringToAddressExA(tail, TRUE, &v4, &port), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlIpv4StringToAddressExW(wide, TRUE, &v4, &port), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6_forms),
        cmocka_unit_test(ipv4_forms),
        cmocka_unit_test(ports_and_scopes),
        cmocka_unit_test(more_ipv6_forms),
        cmocka_unit_test(more_ipv4_forms),
        cmocka_unit_test(wide_text),
        cmocka_unit_test(full_forms_are_written),
        cmocka_unit_test(missing_arguments),
        cmocka_unit_test(full_forms_that_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
