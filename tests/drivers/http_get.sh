#!/bin/sh
# http_get.sh SCENARIO: the HTTP client against a small server.
. "$(dirname "$0")/lib.sh"

# get OPTION...: runs the driver until it has said how it ended.
get() {
    status=0
    wskrun "$@" --exec "peer await --file \$LOG --text 'http-get: done' --timeout 20" \
        "$(driver http-get)" 2>"$LOG" || status=$?
    return $status
}

# await_failure OPTION...: a client that fails says so, and unloads cleanly.
await_failure() {
    wskrun "$@" --exec "peer await --file \$LOG --text 'http-get: failed with' --timeout 20" \
        "$(driver http-get)" 2>"$LOG" || fail "wskrun ended with status $?"
}

if [ "$1" = inner ]; then # inside peer serve, with PEER_PORT set
    LOG=$2
    shift 2
    get --param Port="$PEER_PORT" "$@" || fail "wskrun http-get failed"
    exit 0
fi

case $1 in
name)
    peer serve http --bytes 1000000 --name www.example.test -- "$0" inner "$LOG" \
        --host www.example.test=127.0.0.1 --param Host=www.example.test --param Path=/index.html
    expect_log "http-get: HTTP/1.1 200 OK"
    expect_log "received a body of 1000000 bytes"
    ;;
literal6)
    peer serve http --bytes 1 --name ::1 -- "$0" inner "$LOG" --param Host=::1
    expect_log "received a body of 1 bytes"
    ;;
unknown)
    await_failure --param Host=nowhere.invalid
    expect_log "cannot resolve nowhere.invalid"
    ;;
refused)
    await_failure --param Host=127.0.0.1 --param Port=1
    expect_log "failed with 0xC0000236"
    ;;
*)
    fail "no scenario $1"
    ;;
esac
