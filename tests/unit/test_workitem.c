/* Work items: they run, they may block on each other, they may free or queue themselves. */
#include "ke_test.h"

#define DEPTH 60

struct chain {
    WORK_QUEUE_ITEM items[DEPTH];
    KEVENT events[DEPTH + 1];
    LONG ran;
};
static struct chain chain;

static VOID NTAPI link(PVOID parameter)
{
    int i = (int)(ULONG_PTR)parameter;

    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    ke_wait(&chain.events[i + 1]); /* the next one in the queue sets it */
    __atomic_add_fetch(&chain.ran, 1, __ATOMIC_ACQ_REL);
    KeSetEvent(&chain.events[i], 0, FALSE);
}

/* Each item waits for the one queued after it: a pool of fixed size would be stuck. */
static void wait_for_each_other(void **state)
{
    static const WORK_QUEUE_TYPE types[] = { DelayedWorkQueue, CriticalWorkQueue,
                                             HyperCriticalWorkQueue };
    (void)state;
    for (int i = 0; i <= DEPTH; i++)
        KeInitializeEvent(&chain.events[i], NotificationEvent, FALSE);
    for (int i = 0; i < DEPTH; i++) {
        ExInitializeWorkItem(&chain.items[i], link, (PVOID)(ULONG_PTR)i);
        ExQueueWorkItem(&chain.items[i], types[i % 3]);
    }
    KeSetEvent(&chain.events[DEPTH], 0, FALSE);
    ke_wait(&chain.events[0]);
    assert_int_equal(ke_load(&chain.ran), DEPTH);
}

static PVOID device;

struct job {
    LONG left;
    KEVENT done;
};

static VOID NTAPI again(PVOID object, PVOID context, PIO_WORKITEM item)
{
    struct job *job = context;

    assert_ptr_equal(object, device);
    if (--job->left > 0) {
        IoQueueWorkItemEx(item, again, DelayedWorkQueue, job);
        return;
    }
    IoFreeWorkItem(item);
    KeSetEvent(&job->done, 0, FALSE);
}

/* Queues itself, then frees itself, from within its own routine. */
static void frees_itself(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct job job = { .left = 20 };
        PIO_WORKITEM item = IoAllocateWorkItem(device);
        KeInitializeEvent(&job.done, NotificationEvent, FALSE);
        IoQueueWorkItemEx(item, again, CriticalWorkQueue, &job);
        ke_wait(&job.done);
    }
}

static VOID NTAPI hold(PDEVICE_OBJECT object, PVOID context)
{
    KEVENT *events = context;

    (void)object;
    KeSetEvent(&events[0], 0, FALSE);
    ke_wait(&events[1]);
    KeSetEvent(&events[2], 0, FALSE);
}

static VOID NTAPI nothing(PVOID object, PVOID context, PIO_WORKITEM item)
{
    (void)object;
    (void)item;
    KeSetEvent(context, 0, FALSE);
}

static void try_and_initialize(void **state)
{
    PIO_WORKITEM item = host_alloc(IoSizeofWorkItem(), 16);
    KEVENT done;

    (void)state;
    KeInitializeEvent(&done, SynchronizationEvent, FALSE);
    IoInitializeWorkItem(device, item);
    assert_true(IoTryQueueWorkItem(item, nothing, DelayedWorkQueue, &done));
    ke_wait(&done);
    IoUninitializeWorkItem(item);
    host_free(item);
}

static void running_item_is_not_queued(void **state)
{
    PIO_WORKITEM item = IoAllocateWorkItem(device);
    KEVENT events[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        KeInitializeEvent(&events[i], NotificationEvent, FALSE);
    IoQueueWorkItem(item, hold, DelayedWorkQueue, events);
    ke_wait(&events[0]);
    IoFreeWorkItem(item); /* while its routine runs: allowed */
    KeSetEvent(&events[1], 0, FALSE);
    ke_wait(&events[2]);
}

static void misuse(void **state)
{
    (void)state;
    KE_EXPECT("VF-POOL-03", IoFreeWorkItem((PIO_WORKITEM)&chain));
}

static int boot(void **state)
{
    if (ke_boot_two(state))
        return -1;
    device = KiThread(); /* any object that can be referenced */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_for_each_other),        cmocka_unit_test(frees_itself),
        cmocka_unit_test(try_and_initialize),         cmocka_unit_test(misuse),
        cmocka_unit_test(running_item_is_not_queued),
    };
    return cmocka_run_group_tests(tests, boot, ke_shutdown);
}
