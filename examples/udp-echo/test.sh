#!/bin/sh
# Datagrams over IPv4 and IPv6, and the unload; tests/drivers has the heavier scenarios.
. "$OW_SOURCE/tests/drivers/lib.sh"
with_driver udp-echo 'peer udp-echo --port-from $LOG --step 1000 &&
    peer udp-echo --port-from $LOG --host ::1 --step 1000'
expect_log "udp-echo: .* datagrams answered, unloaded"
