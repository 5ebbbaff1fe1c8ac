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

#define SPINNERS 64 /* more than there are workers for what does not block */

static LONG spin;

static VOID NTAPI spins(PVOID context)
{
    (void)context;
    ke_until(&spin, 0);
}

/* All workers are busy, and stay so: what comes after is queued. */
static void items_that_are_queued(void **state)
{
    static WORK_QUEUE_ITEM spinners[SPINNERS], plain;
    PIO_WORKITEM item = IoAllocateWorkItem(device), mine = host_alloc(IoSizeofWorkItem(), 16);
    PIO_WORKITEM freed = IoAllocateWorkItem(device);
    KEVENT done[4];

    (void)state;
    spin = 1;
    for (int i = 0; i < SPINNERS; i++) {
        ExInitializeWorkItem(&spinners[i], spins, NULL);
        ExQueueWorkItem(&spinners[i], DelayedWorkQueue);
    }
    for (int i = 0; i < 4; i++)
        KeInitializeEvent(&done[i], NotificationEvent, FALSE);
    ExInitializeWorkItem(&plain, spins, NULL);
    ExQueueWorkItem(&plain, DelayedWorkQueue);
    KE_EXPECT("VF-LIST-01", ExQueueWorkItem(&plain, DelayedWorkQueue));
    IoQueueWorkItemEx(item, nothing, DelayedWorkQueue, &done[0]);
    KE_EXPECT("VF-LIST-01", IoQueueWorkItem(item, hold, DelayedWorkQueue, done));
    KE_EXPECT("VF-LIST-01", IoQueueWorkItemEx(item, nothing, DelayedWorkQueue, &done[1]));
    ke_findings = 0;
    assert_false(IoTryQueueWorkItem(item, nothing, DelayedWorkQueue, &done[1]));
    assert_int_equal(ke_findings, 0);
    IoInitializeWorkItem(device, mine);
    assert_true(IoTryQueueWorkItem(mine, nothing, DelayedWorkQueue, &done[2]));
    KE_EXPECT("VF-POOL-08", IoUninitializeWorkItem(mine));
    assert_true(IoTryQueueWorkItem(freed, nothing, DelayedWorkQueue, &done[3]));
    KE_EXPECT("VF-POOL-08", IoFreeWorkItem(freed));
    __atomic_store_n(&spin, 0, __ATOMIC_RELEASE);
    ke_wait(&done[0]);
    ke_wait(&done[2]);
    ke_wait(&done[3]); /* its memory was left alone, and its turn came */
    assert_int_equal(KeReadStateEvent(&done[1]), 0);
    IoFreeWorkItem(item);
    host_free(mine);
    host_free(freed);
}

/* Work of every importance gets done. */
static void every_queue(void **state)
{
    static const WORK_QUEUE_TYPE types[] = { HyperCriticalWorkQueue, CriticalWorkQueue,
                                             DelayedWorkQueue, NormalWorkQueue };
    PIO_WORKITEM item = IoAllocateWorkItem(device);
    KEVENT done;

    (void)state;
    KeInitializeEvent(&done, SynchronizationEvent, FALSE);
    for (size_t i = 0; i < ARRAYSIZE(types); i++) {
        IoQueueWorkItemEx(item, nothing, types[i], &done);
        ke_wait(&done);
    }
    IoFreeWorkItem(item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_for_each_other),
        cmocka_unit_test(frees_itself),
        cmocka_unit_test(try_and_initialize),
        cmocka_unit_test(misuse),
        cmocka_unit_test(running_item_is_not_queued),
        cmocka_unit_test(items_that_are_queued),
        cmocka_unit_test(every_queue),
    };
    return cmocka_run_group_tests(tests, boot, ke_shutdown);
}
