#!/bin/sh
# run.sh [OPTION...] DRIVER: runs one conformance driver. A misuse_*.so must end with exactly the
# findings of the verifier that its .findings lists and with no failed test, every other one with
# neither. A netns_*.so gets a network of its own, descriptors.so few descriptors.
here=$(dirname "$0")
for driver; do :; done
case $driver in
*/netns_*) exec sh "$here/netns.sh" wskrun --for 0 "$@" ;;
*/descriptors.so) ulimit -n 64 ;;
esac
case $driver in
*/misuse_*) ;;
*) exec wskrun --for 0 "$@" ;;
esac

# findings FILE: test, how often, rule, severity and clause. What comes after the last test is "end".
findings() {
    awk '
    /^openwsk: VF-/ { rule = $2 " " $3; sub(/:$/, "", rule) }
    /^    contract: / { count[rule " " $2]++ }
    /^(PASS|FAIL|SKIP) / { tell($2) }
    END { tell("end") }
    function tell(test, what) {
        for (what in count)
            print test, count[what], what | "LC_ALL=C sort"
        close("LC_ALL=C sort")
        delete count
    }' "$1"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wskrun --for 0 "$@" >"$work/output" 2>&1
status=$?
cat "$work/output"
[ "$status" = 3 ] || exit 1
findings "$work/output" >"$work/findings"
diff "$here/$(basename "$driver" .so).findings" "$work/findings"
