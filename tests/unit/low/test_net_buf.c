/* Blocks, slices, and the account that stops and resumes reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "host/host.h"
#include "net/buf.h"

struct account {
    struct net_rx rx;
    int resumed, released; /* atomic */
};

static void note_resume(struct net_rx *rx)
{
    __atomic_add_fetch(&((struct account *)rx)->resumed, 1, __ATOMIC_RELAXED);
}

static void note_release(struct net_rx *rx)
{
    __atomic_add_fetch(&((struct account *)rx)->released, 1, __ATOMIC_RELEASE);
}

static struct net_buf *slice(struct net_pool *pool, struct account *a, int byte, size_t length)
{
    size_t room;
    uint8_t *p = net_pool_reserve(pool, length, &room);
    struct net_buf *b;

    assert_non_null(p);
    assert_true(room >= length);
    memset(p, byte, length);
    b = net_pool_take(pool, length, &a->rx);
    assert_ptr_equal(b->data, p);
    return b;
}

static void small_messages_share_a_block(void **state)
{
    struct net_pool *pool = net_pool_create();
    struct account a = { 0 };
    struct net_buf *b[100];

    (void)state;
    net_rx_init(&a.rx, 1 << 20, note_resume, note_release);
    for (int i = 0; i < 100; i++)
        b[i] = slice(pool, &a, i, 64);
    assert_true(b[99]->data - b[0]->data < 100 * 128);
    net_pool_destroy(pool); /* before its slices */
    net_rx_put(&a.rx);
    for (int i = 99; i >= 0; i--) {
        assert_int_equal(a.released, 0);
        assert_int_equal(b[i]->data[63], i);
        net_buf_get(b[i]);
        net_buf_put(b[i]);
        net_buf_put(b[i]);
    }
    assert_int_equal(a.released, 1);
}

static void any_length_fits(void **state)
{
    struct net_pool *pool = net_pool_create();
    struct account a = { 0 };
    struct net_buf *b;

    (void)state;
    net_rx_init(&a.rx, 1 << 30, note_resume, note_release);
    for (size_t n = 0; n <= NET_SLICE_MAX; n += 1021) {
        b = slice(pool, &a, 1, n);
        assert_int_equal(b->length, n);
        net_buf_put(b);
    }
    net_buf_put(slice(pool, &a, 1, NET_SLICE_MAX));
    b = net_pool_copy(pool, "one", 3, "two", 3, &a.rx);
    assert_memory_equal(b->data, "onetwo", 6);
    net_buf_put(b);
    net_rx_put(&a.rx);
    assert_int_equal(a.released, 1);
    net_pool_destroy(pool);
}

static void pauses_at_limit_resumes_at_half(void **state)
{
    struct net_pool *pool = net_pool_create();
    struct account a = { 0 };
    struct net_buf *b[10];
    int n = 0;

    (void)state;
    net_rx_init(&a.rx, 8 * (1000 + NET_SLICE_OVERHEAD), note_resume, note_release);
    for (; !net_rx_pause(&a.rx); n++)
        b[n] = slice(pool, &a, n, 1000);
    assert_int_equal(n, 8);
    assert_int_equal(net_rx_room(&a.rx), 0);
    for (int i = 0; i < 3; i++)
        net_buf_put(b[i]);
    assert_int_equal(a.resumed, 0);
    net_buf_put(b[3]);
    assert_int_equal(a.resumed, 1);
    for (int i = 4; i < 8; i++)
        net_buf_put(b[i]);
    assert_int_equal(a.resumed, 1);
    net_rx_put(&a.rx);
    assert_int_equal(a.released, 1);
    net_pool_destroy(pool);
}

#define PUTS 20000

struct mailbox {
    struct net_buf *slot; /* atomic */
    struct host_thread *taker;
    bool stop;
};

static void take_and_put(void *arg)
{
    struct mailbox *m = arg;
    struct net_buf *b;
    unsigned rounds = 0;

    for (int n = 0; n < PUTS;) {
        b = __atomic_exchange_n(&m->slot, NULL, __ATOMIC_ACQUIRE);
        if (!b) {
            host_spin(&rounds, "test");
            continue;
        }
        assert_int_equal(b->data[0], 5);
        net_buf_put(b);
        rounds = 0;
        n++;
    }
}

/* A reader that pauses and a putter elsewhere: no wake-up is lost, no byte stays charged. */
static void puts_from_another_thread(void **state)
{
    struct net_pool *pool = net_pool_create();
    struct account a = { 0 };
    struct mailbox m = { 0 };
    int pauses = 0;

    (void)state;
    net_rx_init(&a.rx, 1, note_resume, note_release);
    assert_int_equal(host_thread_create(&m.taker, take_and_put, &m, "taker"), 0);
    for (int i = 0; i < PUTS; i++) {
        struct net_buf *b = slice(pool, &a, 5, 100), *empty = NULL;
        unsigned rounds = 0;

        while (!__atomic_compare_exchange_n(&m.slot, &empty, b, false, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED)) {
            empty = NULL;
            host_spin(&rounds, "test");
        }
        if (net_rx_pause(&a.rx)) {
            pauses++;
            rounds = 0;
            while (__atomic_load_n(&a.resumed, __ATOMIC_RELAXED) < pauses)
                host_spin(&rounds, "test");
        }
    }
    host_thread_join(m.taker);
    /* A resume may also answer a pause that was taken back at once. */
    assert_true(a.resumed >= pauses);
    net_rx_put(&a.rx);
    assert_int_equal(a.released, 1);
    net_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_messages_share_a_block),
        cmocka_unit_test(any_length_fits),
        cmocka_unit_test(pauses_at_limit_resumes_at_half),
        cmocka_unit_test(puts_from_another_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
