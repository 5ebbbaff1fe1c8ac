#!/bin/sh
# tcp_proxy.sh SCENARIO: the proxy, in front of a plain server or of other drivers.
. "$(dirname "$0")/lib.sh"

if [ "$1" = inner ]; then # inside peer serve, with PEER_PORT set
    LOG=$2
    with_driver tcp-proxy "$3" --param TargetHost=127.0.0.1 --param TargetPort="$PEER_PORT"
    exit 0
fi
export LOG

case $1 in
echo)
    peer serve echo -- "$0" inner "$LOG" "peer tcp-echo --port-from \$LOG --connections 64 \
        --bytes $(amount 16M 256K)"
    ;;
backpressure)
    peer serve echo -- "$0" inner "$LOG" "peer tcp-echo --port-from \$LOG --connections 2 \
        --bytes 64M --stall-below 48M"
    ;;
reset)
    peer serve echo -- "$0" inner "$LOG" "peer tcp-echo --port-from \$LOG --connections 32 \
        --bytes 1M --reset-every 3 && peer tcp-echo --port-from \$LOG --host ::1 --bytes 1M"
    ;;
chain)
    # Client -> proxy -> proxy -> echo, each a driver in a process of its own.
    start_driver tcp-echo-events
    echo_log=$LOG echo_pid=$wskrun
    LOG=$work/log2
    start_driver tcp-proxy --param TargetHost=::1 \
        --param TargetPort="$(peer port --port-from "$echo_log")"
    middle_log=$LOG middle_pid=$wskrun
    LOG=$work/log3
    with_driver tcp-proxy "peer tcp-echo --port-from \$LOG --connections 32 \
        --bytes $(amount 4M 256K)" --param TargetHost=127.0.0.1 \
        --param TargetPort="$(peer port --port-from "$middle_log")"
    wskrun=$middle_pid LOG=$middle_log stop_driver
    wskrun=$echo_pid LOG=$echo_log stop_driver
    ;;
refused)
    # Nobody at the target: clients are reset, the proxy lives on.
    start_driver tcp-proxy --param TargetHost=127.0.0.1 --param TargetPort=1
    peer tcp-hold --port-from "$LOG" --connections 4 --bytes 0 >"$work/hold"
    stop_driver
    ;;
unload)
    start_driver tcp-echo-events
    echo_log=$LOG echo_pid=$wskrun
    LOG=$work/log2
    start_driver tcp-proxy --param TargetHost=127.0.0.1 \
        --param TargetPort="$(peer port --port-from "$echo_log")"
    peer tcp-hold --port-from "$LOG" --connections 16 --bytes 64K >"$work/hold" &
    holder=$!
    peer await --file "$work/hold" --text ready --timeout 20
    stop_driver
    wait "$holder" || fail "the clients' connections did not end"
    wskrun=$echo_pid LOG=$echo_log stop_driver
    ;;
*)
    fail "no scenario $1"
    ;;
esac
