# What the tests of the programs share; sourced by POSIX shells. OW_BUILD, OW_SOURCE, OW_SANITIZE, CC,
# CXX and PATH come from CTest (cmake/OpenWSKTest.cmake).
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out

fail() {
    echo "FAILED: $*" >&2
    [ ! -f "$out" ] || sed 's/^/  output: /' "$out" >&2
    exit 1
}

# expect STATUS COMMAND...: both outputs go to $out.
expect() {
    wanted=$1
    shift
    status=0
    "$@" >"$out" 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || fail "status $status, not $wanted, of: $*"
}

# says PATTERN: a line of the last command's output matches. silent PATTERN: none does.
says() {
    grep -qE -- "$1" "$out" || fail "the output lacks: $1"
}
silent() {
    ! grep -qE -- "$1" "$out" || fail "the output has: $1"
}

# An error is one line.
one_line() {
    [ "$(wc -l <"$out")" -eq 1 ] || fail "not one line"
}

driver() {
    echo "$OW_BUILD/drivers/$1.so"
}
