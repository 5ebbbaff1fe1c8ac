/* The top-level IRP of a thread, and the event log. */
#include "ke_test.h"

static void top_level_irp(void **state)
{
    IRP irp;

    (void)state;
    assert_null(IoGetTopLevelIrp());
    IoSetTopLevelIrp(&irp);
    assert_ptr_equal(IoGetTopLevelIrp(), &irp);
    IoSetTopLevelIrp(NULL);
}

static void event_log(void **state)
{
    PIO_ERROR_LOG_PACKET packet;

    (void)state;
    assert_null(IoAllocateErrorLogEntry(NULL, 3));
    assert_null(IoAllocateErrorLogEntry(NULL, ERROR_LOG_MAXIMUM_SIZE + 1));
    packet = IoAllocateErrorLogEntry(NULL, sizeof *packet + 16);
    packet->NumberOfStrings = 2;
    packet->StringOffset = sizeof *packet;
    memcpy((PUCHAR)packet + sizeof *packet, L"one\0two", 16);
    IoWriteErrorLogEntry(packet);
    packet = IoAllocateErrorLogEntry(NULL, sizeof *packet);
    packet->NumberOfStrings = 0xffff; /* a lie */
    packet->StringOffset = 0xfff0;
    IoWriteErrorLogEntry(packet);
    packet = IoAllocateErrorLogEntry(NULL, sizeof *packet);
    IoFreeErrorLogEntry(packet);
    KE_EXPECT("VF-POOL-03", IoFreeErrorLogEntry(packet));
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "test"), 0);
}

/* Strings that do not end, that cannot be printed, and more of them than fit on the line. */
static void odd_strings(void **state)
{
    PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(NULL, sizeof *packet + 8);

    (void)state;
    packet->NumberOfStrings = 1;
    packet->StringOffset = sizeof *packet;
    memcpy((PUCHAR)packet + sizeof *packet, L"a\x1\xe9z", 8);
    IoWriteErrorLogEntry(packet);
    packet = IoAllocateErrorLogEntry(NULL, ERROR_LOG_MAXIMUM_SIZE);
    packet->NumberOfStrings = 300;
    packet->StringOffset = sizeof *packet;
    IoWriteErrorLogEntry(packet);
    KE_EXPECT("VF-POOL-03", IoWriteErrorLogEntry(packet));
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "test"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_level_irp),
        cmocka_unit_test(event_log),
        cmocka_unit_test(odd_strings),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
