#!/bin/sh
# run.sh WORKLOAD OPTION...: runs wsksim over one of the scenarios here, with the drivers that belong
# to it. What must not fail is what wsksim says: its exit status is ours. Tapes go away with the test.
set -e
here=$(dirname "$0")
workload=$1
shift
case $workload in
proxy-and-echo)
    set -- "$@" --param tcp-proxy:TargetHost=10.0.0.1 --param tcp-proxy:TargetPort=7 \
        "$OW_BUILD/drivers/tcp-echo-events.so" "$OW_BUILD/drivers/tcp-proxy.so"
    ;;
tcp-proxy)
    set -- "$@" --host target=10.0.0.3 --param TargetHost=target --param TargetPort=7 \
        "$OW_BUILD/drivers/tcp-proxy.so"
    ;;
http-get)
    set -- "$@" --host web=10.0.0.3 --param Host=web "$OW_BUILD/drivers/http-get.so"
    ;;
tcp-echo-irps) set -- "$@" --param Workers=4 "$OW_BUILD/drivers/tcp-echo-irps.so" ;;
*) set -- "$@" "$OW_BUILD/drivers/$workload.so" ;;
esac
tapes=${OW_TAPES:-$(mktemp -d)}
trap '[ -n "$OW_TAPES" ] || rm -rf "$tapes"' EXIT
status=0
wsksim --scenario "$here/$workload.yaml" --tapes "$tapes" "$@" || status=$?
[ "$status" = 0 ] || [ -n "$OW_TAPES" ] || tail -n +1 "$tapes"/*.tape | head -400
exit "$status"
