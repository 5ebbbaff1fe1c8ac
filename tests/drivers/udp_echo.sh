#!/bin/sh
# udp_echo.sh SCENARIO: the UDP echo example over both families.
. "$(dirname "$0")/lib.sh"

case $1 in
sizes4 | sizes6)
    host=127.0.0.1
    [ "$1" = sizes4 ] || host=::1
    with_driver udp-echo "peer udp-echo --port-from \$LOG --host $host --step $(amount 1 97) && \
        peer udp-echo --port-from \$LOG --host $host --from 65507 --to 65507"
    ;;
address)
    # Only packet information tells that these datagrams did not come to 127.0.0.1.
    with_driver udp-echo "peer udp-echo --port-from \$LOG --host 127.0.0.2 --to 100"
    ;;
unload)
    start_driver udp-echo
    peer udp-echo --port-from "$LOG" --timeout 50 >"$work/client" 2>&1 &
    client=$!
    peer udp-echo --port-from "$LOG" --to 200
    stop_driver
    kill "$client" 2>/dev/null || true
    wait "$client" || true
    ;;
*)
    fail "no scenario $1"
    ;;
esac
expect_log "udp-echo: .* unloaded"
