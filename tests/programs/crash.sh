#!/bin/sh
# A driver that crashes: where, in its own source lines, and status 3.
. "$(dirname "$0")/lib.sh"

# The address sanitizers have their own report and status.
case ${OW_SANITIZE:-} in
*address* | *thread*) exit 77 ;;
esac
expect 3 wskrun --for 0 "$(driver pt-crash)"
says 'pt-crash\.c:[0-9]+'
says 'CrashHere'
expect 3 wskrun --for 0 --param BugCheck=1 "$(driver pt-crash)"
says 'pt-crash\.c:[0-9]+'

# A stack that is exhausted leaves no room to tell of it: the report is made on another one.
expect 3 wskrun --for 0 "$(driver pt-overflow)"
says 'stack overflow'
says 'UNEXPECTED_KERNEL_MODE_TRAP|0x0000007[Ff]'
says 'pt-overflow\.c:[0-9]+'
