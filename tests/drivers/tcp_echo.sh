#!/bin/sh
# tcp_echo.sh DRIVER SCENARIO: what a TCP echo server must stand, whichever way it is written.
. "$(dirname "$0")/lib.sh"
driver=$1

# start_holding OPTION...: clients that stay; returns when they are connected and have their echo.
start_holding() {
    peer tcp-hold --port-from "$LOG" "$@" >"$work/hold" &
    holder=$!
    peer await --file "$work/hold" --text ready --timeout 20 || fail "the clients were not served"
}

end_holding() {
    wait "$holder" || fail "the clients' connections did not end"
}

case $2 in
parallel4 | parallel6)
    host=127.0.0.1
    [ "$2" = parallel4 ] || host=::1
    with_driver "$driver" "peer tcp-echo --port-from \$LOG --host $host --connections 64 \
        --bytes $(amount 16M 512K)"
    ;;
backpressure)
    with_driver "$driver" "peer tcp-echo --port-from \$LOG --connections 2 --bytes 64M \
        --stall-below 32M"
    ;;
reset)
    with_driver "$driver" "peer tcp-echo --port-from \$LOG --connections 32 --bytes 1M \
        --reset-every 3 && peer tcp-echo --port-from \$LOG --bytes 1M"
    ;;
churn)
    # The sanitizers keep freed memory for a while: then only descriptors are compared.
    # One heap for all threads, or so: which of them the allocator grows is chance, not a leak.
    export MALLOC_ARENA_MAX=2
    with_driver "$driver" "peer churn --port-from \$LOG --cycles $(amount 20000 1000) \
        --growth-kib $(amount 900 0) --pid \$PPID"
    ;;
unload-clients)
    start_driver "$driver"
    start_holding --connections 32 --bytes 64K
    stop_driver
    end_holding
    ;;
unload-retained)
    # The clients do not read: sends are pending and indications retained.
    start_driver "$driver"
    start_holding --connections 8 --bytes 1K --stall-below 1
    stop_driver
    end_holding
    ;;
*)
    fail "no scenario $2"
    ;;
esac
expect_log "$driver: unloaded"
