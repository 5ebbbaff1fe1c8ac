/* Addresses to and from the system's form, and options by neutral name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "net/addr.h"
#include "net/opt.h"

static void round_trip(void **state)
{
    struct net_addr v4 = { .family = NET_IP4, .port = 0x1234, .ip = { 10, 1, 2, 3 } };
    struct net_addr v6 = { .family = NET_IP6,
                           .port = 80,
                           .ip = { 0xfe, 0x80, [15] = 9 },
                           .flow_info = htonl(5),
                           .scope_id = 3 };
    struct net_addr none = { 0 }, out;
    union net_sockaddr sa;

    (void)state;
    assert_int_equal(net_addr_to_system(&v4, &sa), sizeof(struct sockaddr_in));
    assert_int_equal(sa.in.sin_port, htons(0x1234));
    net_addr_from_system(&out, &sa.sa);
    assert_memory_equal(&out, &v4, sizeof(out));
    assert_int_equal(net_addr_to_system(&v6, &sa), sizeof(struct sockaddr_in6));
    net_addr_from_system(&out, &sa.sa);
    assert_memory_equal(&out, &v6, sizeof(out));
    assert_int_equal(net_addr_to_system(&none, &sa), 0);
    sa.sa.sa_family = AF_UNIX;
    net_addr_from_system(&out, &sa.sa);
    assert_int_equal(out.family, NET_UNSPEC);
    net_addr_from_system(&out, NULL);
    assert_int_equal(out.family, NET_UNSPEC);
}

static void mapped(void **state)
{
    struct net_addr a = { .family = NET_IP6,
                          .port = 7,
                          .ip = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 },
                          .scope_id = 1 };
    struct net_addr b = { .family = NET_IP4, .ip = { 192, 0, 2, 1 } };

    (void)state;
    assert_true(net_addr_is_v4mapped(&a));
    assert_false(net_addr_same_ip(&a, &b));
    net_addr_unmap(&a);
    assert_int_equal(a.port, 7);
    assert_true(net_addr_same_ip(&a, &b));
    net_addr_unmap(&a);
    assert_int_equal(a.family, NET_IP4);
}

static void options(void **state)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), value = 1;
    struct net_mreq m = { .group = { .family = NET_IP4, .ip = { 239, 9, 9, 9 } }, .ifindex = 1 };
    char name[16];
    size_t length = sizeof(value);

    (void)state;
    assert_int_equal(net_opt_set(fd, NET_OPT_REUSEADDR, &value, 4), 0);
    value = 0;
    assert_int_equal(net_opt_get(fd, NET_OPT_REUSEADDR, &value, &length), 0);
    assert_int_equal(value, 1);
    assert_int_equal(net_opt_set(fd, NET_OPT_REUSEADDR, &value, 1), -EINVAL);
    length = 2;
    assert_int_equal(net_opt_get(fd, NET_OPT_REUSEADDR, &value, &length), -EINVAL);
    assert_int_equal(net_opt_set(fd, NET_OPT_COUNT, &value, 4), -ENOPROTOOPT);
    assert_int_equal(net_opt_set(fd, NET_OPT_IP_ADD_MEMBERSHIP, &value, 4), -EINVAL);
    assert_int_equal(net_opt_set(fd, NET_OPT_IP_ADD_MEMBERSHIP, &m, sizeof(m)), 0);
    assert_int_equal(net_opt_set(fd, NET_OPT_IP_DROP_MEMBERSHIP, &m, sizeof(m)), 0);
    m.source = (struct net_addr){ .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
    assert_int_equal(net_opt_set(fd, NET_OPT_IP_ADD_SOURCE, &m, sizeof(m)), 0);
    assert_int_equal(net_opt_set(fd, NET_OPT_IP_DROP_SOURCE, &m, sizeof(m)), 0);
    m.interface = m.source;
    assert_int_equal(net_opt_set(fd, NET_OPT_IP_ADD_SOURCE, &m, sizeof(m)), 0);
    assert_int_equal(net_opt_set(fd, NET_OPT_IP_DROP_SOURCE, &m, sizeof(m)), 0);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    length = sizeof(name);
    assert_int_equal(net_opt_get(fd, NET_OPT_TCP_CONGESTION, name, &length), 0);
    assert_int_equal(net_opt_set(fd, NET_OPT_TCP_CONGESTION, name, strlen(name)), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(mapped),
        cmocka_unit_test(options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
