/*
 * status.c: what a driver is told when the network says -errno (D33).
 *
 * One table, called wherever a result of net.h becomes an NTSTATUS. Where the meaning depends on
 * the function (a name that does not exist, a value that an option does not take) the caller
 * decides before it comes here.
 */
#include <errno.h>

#include "wsk/wskp.h"

static const struct {
    int Error;
    NTSTATUS Status;
} Table[] = {
    { ECONNREFUSED, STATUS_CONNECTION_REFUSED },
    { ECONNRESET, STATUS_CONNECTION_RESET },
    { EPIPE, STATUS_CONNECTION_ABORTED },
    { ECONNABORTED, STATUS_CONNECTION_ABORTED },
    { ETIMEDOUT, STATUS_IO_TIMEOUT },
    { ENETUNREACH, STATUS_NETWORK_UNREACHABLE },
    { ENETDOWN, STATUS_NETWORK_UNREACHABLE },
    { EHOSTUNREACH, STATUS_HOST_UNREACHABLE },
    { EHOSTDOWN, STATUS_HOST_UNREACHABLE },
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
    { ESOCKTNOSUPPORT, STATUS_NOT_SUPPORTED },
    { EAFNOSUPPORT, STATUS_PROTOCOL_NOT_SUPPORTED },
    { EDESTADDRREQ, STATUS_INVALID_PARAMETER }, /* D44 */
    { EBADF, STATUS_FILE_FORCED_CLOSED },       /* D62 */
    { ECANCELED, STATUS_CANCELLED },
};

NTSTATUS WskpStatusFromErrno(int Error)
{
    if (Error == 0)
        return STATUS_SUCCESS;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Table); i++)
        if (Table[i].Error == Error)
            return Table[i].Status;
    return STATUS_UNSUCCESSFUL;
}
