# shellcheck shell=sh
# What the tests of whole drivers share; sourced by POSIX shells. OW_BUILD, OW_SOURCE, OW_SANITIZE
# and PATH come from CTest (cmake/OpenWSKTest.cmake). A driver binds port 0 and prints the port;
# peer reads it from wskrun's standard error (--port-from "$LOG"), so tests never compete for ports.
set -eu

work=$(mktemp -d)
started=
trap 'end_started; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
LOG=$work/log
export LOG

fail() {
    echo "FAILED: $*" >&2
    [ ! -f "$LOG" ] || sed 's/^/  wskrun: /' "$LOG" >&2
    exit 1
}

# What a failed test has left running.
end_started() {
    for pid in $started; do
        kill "$pid" 2>/dev/null || true
    done
}

driver() {
    echo "$OW_BUILD/drivers/$1.so"
}

# amount FULL REDUCED: sanitizers make everything slower, and it is not the amount that they check.
amount() {
    if [ -z "${OW_SANITIZE:-}" ]; then echo "$1"; else echo "$2"; fi
}

# with_driver NAME COMMAND [wskrun option...]: loads the driver, runs COMMAND, unloads; all of that
# must end with status 0.
with_driver() {
    name=$1 command=$2
    shift 2
    status=0
    wskrun "$@" --param Port=0 --exec "$command" "$(driver "$name")" 2>"$LOG" || status=$?
    [ $status -eq 0 ] || fail "wskrun $name ended with status $status"
}

# start_driver NAME [wskrun option...], stop_driver: the same in two steps, with $wskrun its pid.
# --for ends it should nobody be left to do so.
start_driver() {
    name=$1
    shift
    : >"$LOG"
    wskrun "$@" --for 100 --param Port=0 "$(driver "$name")" 2>>"$LOG" &
    wskrun=$!
    started="$started $wskrun"
    peer await --file "$LOG" --text "$name: " --timeout 20 || fail "$name did not start"
}

stop_driver() {
    kill -TERM "$wskrun"
    status=0
    wait "$wskrun" || status=$?
    started=$(echo " $started " | sed "s/ $wskrun / /")
    [ $status -eq 0 ] || fail "wskrun ended with status $status"
}

expect_log() {
    grep -q -- "$1" "$LOG" || fail "the log lacks: $1"
}
