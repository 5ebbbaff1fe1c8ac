#!/bin/sh
# A few clients over IPv4 and IPv6, and the unload; tests/drivers has the heavier scenarios.
. "$OW_SOURCE/tests/drivers/lib.sh"
with_driver tcp-echo-events 'peer tcp-echo --port-from $LOG --connections 8 --bytes 256K &&
    peer tcp-echo --port-from $LOG --host ::1 --connections 8 --bytes 256K'
expect_log "tcp-echo-events: unloaded"
