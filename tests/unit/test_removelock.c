/* Remove locks. */
#include "ke_test.h"

struct device {
    IO_REMOVE_LOCK lock;
    LONG users, removed;
};

static void use(int number, void *arg)
{
    struct device *d = arg;

    if (number == 0) {
        assert_int_equal(IoAcquireRemoveLock(&d->lock, d), STATUS_SUCCESS);
        ke_until(&d->users, 3);
        IoReleaseRemoveLockAndWait(&d->lock, d);
        __atomic_store_n(&d->removed, 1, __ATOMIC_RELEASE);
        return;
    }
    __atomic_add_fetch(&d->users, 1, __ATOMIC_RELEASE);
    while (NT_SUCCESS(IoAcquireRemoveLock(&d->lock, arg))) {
        assert_int_equal(ke_load(&d->removed), 0);
        IoReleaseRemoveLock(&d->lock, arg);
    }
}

static void waits_for_users(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct device d = { .users = 0 };
        IoInitializeRemoveLock(&d.lock, 'tseT', 0, 0);
        ke_run(4, use, &d);
        assert_int_equal(IoAcquireRemoveLock(&d.lock, NULL), STATUS_DELETE_PENDING);
    }
}

static void misuse(void **state)
{
    IO_REMOVE_LOCK lock;

    (void)state;
    IoInitializeRemoveLock(&lock, 'tseT', 0, 0);
    IoReleaseRemoveLock(&lock, NULL);
    KE_EXPECT("VF-OBJ-01", IoReleaseRemoveLock(&lock, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_users),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
