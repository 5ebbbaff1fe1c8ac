/* What a deregistration waits for, as the report at an unload tells it (D71). */
#include "wsk_fake.h"

#include <stdio.h>

static WSKP_CLIENT *client;
static char said[8][160];

static void line(void *where, const char *text)
{
    unsigned *count = where;

    assert_in_range(*count, 0, 7);
    snprintf(said[(*count)++], sizeof(said[0]), "%s", text);
}

static unsigned describe(void)
{
    unsigned count = 0;

    memset(said, 0, sizeof(said));
    unsigned told = WskpDescribeWaits(line, &count);
    assert_int_equal(told, count);
    return count;
}

static int setup(void **state)
{
    (void)state;
    client = fake_boot();
    client->Captures = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client->Captures = client->Calls = client->Irps = client->Sockets = client->Retained = 0;
    fake_shutdown(client);
    return 0;
}

static void nothing(void **state)
{
    (void)state;
    assert_int_equal(describe(), 0);
}

static void one_of_each(void **state)
{
    static LONG *counters[5];
    static const char *const texts[] = {
        "1 captured provider NPI: WskReleaseProviderNPI was not called",
        "1 call into the provider: still running",
        "1 pending request of the provider: not completed",
        "1 open socket: WskCloseSocket was not called, or its close has not completed",
        "1 retained indication: WskRelease was not called",
    };

    (void)state;
    counters[0] = &client->Captures;
    counters[1] = &client->Calls;
    counters[2] = &client->Irps;
    counters[3] = &client->Sockets;
    counters[4] = &client->Retained;
    for (unsigned i = 0; i < 5; i++) {
        *counters[i] = 1;
        assert_int_equal(describe(), 1);
        assert_string_equal(said[0], texts[i]);
        *counters[i] = 0;
    }
    for (unsigned i = 0; i < 5; i++)
        *counters[i] = 1;
    assert_int_equal(describe(), 5);
    for (unsigned i = 0; i < 5; i++)
        assert_string_equal(said[i], texts[i]);
}

static void many_and_two_clients(void **state)
{
    static const WSK_CLIENT_DISPATCH dispatch = { .Version = MAKE_WSK_VERSION(1, 0) };
    WSKP_CLIENT *other = WskpClientCreate(NULL, &dispatch, NULL, NULL);

    (void)state;
    client->Retained = 12;
    other->Captures = 2;
    assert_int_equal(describe(), 2);
    assert_string_equal(said[0], "12 retained indications: WskRelease was not called");
    assert_string_equal(said[1], "2 captured provider NPIs: WskReleaseProviderNPI was not called");
    other->Captures = 0;
    WskpClientFree(other);
    assert_int_equal(describe(), 1);
}

static void without_a_subsystem(void **state)
{
    (void)state;
    client->Sockets = 1;
    Wskp.Transport = NULL;
    assert_int_equal(describe(), 0);
    Wskp.Transport = &fake_transport;
    assert_int_equal(describe(), 1);
}

/* Every pin is given back, the last one lets WskDeregister go on. */
static void pins(void **state)
{
    (void)state;
    WskpClientPin(client, &client->Sockets);
    assert_int_equal(client->Sockets, 1);
    assert_int_equal(client->Pins, 2);
    WskpClientUnpin(client, &client->Sockets);
    assert_int_equal(client->Sockets, 0);
    assert_int_equal(client->Pins, 1);
    assert_int_equal(KeReadStateEvent(&client->Drained), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_each, setup, teardown),
        cmocka_unit_test_setup_teardown(many_and_two_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_subsystem, setup, teardown),
        cmocka_unit_test_setup_teardown(pins, setup, teardown),
    };

    return cmocka_run_group_tests_name("wsk client", tests, NULL, NULL);
}
