/* The epoll transport: the contract on both families, and what is the system's own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/host.h"
#include "net_contract.h"

static const struct net_addr loopback4 = { .family = NET_IP4, .ip = { 127, 0, 0, 1 } };
static const struct net_addr loopback6 = { .family = NET_IP6, .ip = { [15] = 1 } };

static void run_contract(struct net_addr any)
{
    for (const struct net_contract_test *t = net_contract_tests; t->name; t++) {
        struct net_world w;

        print_message("    %s\n", t->name);
        world_begin(&w, &net_epoll);
        w.any = any;
        t->run(&w);
        world_end(&w);
    }
}

static void contract_on_ipv4(void **state)
{
    (void)state;
    run_contract(loopback4);
}

static void contract_on_ipv6(void **state)
{
    (void)state;
    run_contract(loopback6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_on_ipv4),
        cmocka_unit_test(contract_on_ipv6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
