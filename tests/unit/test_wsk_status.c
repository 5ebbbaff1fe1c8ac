/* WskpStatusFromErrno: each row of decision D33. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "wsk/wskp.h"

static void table(void **state)
{
    static const struct {
        int error;
        NTSTATUS status;
    } rows[] = {
        { 0, STATUS_SUCCESS },
        { ECONNREFUSED, STATUS_CONNECTION_REFUSED },
        { ECONNRESET, STATUS_CONNECTION_RESET },
        { EPIPE, STATUS_CONNECTION_ABORTED },
        { ECONNABORTED, STATUS_CONNECTION_ABORTED },
        { ETIMEDOUT, STATUS_IO_TIMEOUT },
        { ENETUNREACH, STATUS_NETWORK_UNREACHABLE },
        { ENETDOWN, STATUS_NETWORK_UNREACHABLE },
        { EHOSTUNREACH, STATUS_HOST_UNREACHABLE },
        { EADDRINUSE, STATUS_ADDRESS_ALREADY_EXISTS },
        { EADDRNOTAVAIL, STATUS_INVALID_ADDRESS_COMPONENT },
        { EACCES, STATUS_ACCESS_DENIED },
        { EPERM, STATUS_ACCESS_DENIED },
        { ENOBUFS, STATUS_INSUFFICIENT_RESOURCES },
        { ENOMEM, STATUS_INSUFFICIENT_RESOURCES },
        { EMFILE, STATUS_INSUFFICIENT_RESOURCES },
        { ENFILE, STATUS_INSUFFICIENT_RESOURCES },
        { EISCONN, STATUS_CONNECTION_ACTIVE },
        { ENOTCONN, STATUS_INVALID_DEVICE_STATE },
        { EINVAL, STATUS_INVALID_DEVICE_STATE },
        { EMSGSIZE, STATUS_INVALID_BUFFER_SIZE },
        { ENOPROTOOPT, STATUS_NOT_SUPPORTED },
        { EOPNOTSUPP, STATUS_NOT_SUPPORTED },
        { EPROTONOSUPPORT, STATUS_NOT_SUPPORTED },
        { EAFNOSUPPORT, STATUS_PROTOCOL_NOT_SUPPORTED },
        { EDESTADDRREQ, STATUS_INVALID_PARAMETER },
        { ECANCELED, STATUS_CANCELLED },
        { ENOTTY, STATUS_UNSUCCESSFUL },
        { 99999, STATUS_UNSUCCESSFUL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (WskpStatusFromErrno(rows[i].error) != rows[i].status)
            fail_msg("errno %d gives 0x%08x", rows[i].error, WskpStatusFromErrno(rows[i].error));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table) };

    return cmocka_run_group_tests_name("wsk status", tests, NULL, NULL);
}
