#!/bin/sh
# run.sh FILE.md: runs the commands that a page shows, in order, in a folder of their own that looks
# like the root of the source tree.
#
#   ```c NAME              is written to the file NAME
#   ```sh test             is run; it must end with status 0
#   ```text output         is what the block before it printed; "..." stands for anything
#   ```sh no-test: REASON  is not run. A sh block without one of the two is an error.
set -eu

page=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/blocks"
for entry in "$OW_SOURCE"/*; do
    case $entry in */build) ;; *) ln -s "$entry" "$work/tree/" ;; esac
done

# One file per block: NN.sh, NN.output, and the named files, in blocks/.
awk -v blocks="$work/blocks" -v tree="$work/tree" -v page="$page" '
    function open(kind) { out = sprintf("%s/%02d.%s", blocks, ++count, kind); printf "" > out }
    /^```/ && inside { inside = 0; if (out) close(out); out = ""; next }
    /^```/ {
        inside = 1
        if ($0 == "```sh test") open("sh")
        else if ($0 == "```text output") open("output")
        else if ($0 ~ /^```c [^ ]+$/) { out = tree "/" $2; printf "" > out }
        else if ($0 ~ /^```sh/ && $0 !~ /^```sh no-test: ./) {
            print page ": line " NR ": commands that no test runs" > "/dev/stderr"
            exit 1
        }
        next
    }
    inside && out { print > out }
' "$page"

# compare BLOCK <PRINTED: fails at the first line that differs.
compare() {
    exec 3<"$1"
    while IFS= read -r wanted <&3 || [ -n "$wanted" ]; do
        IFS= read -r line || line="(nothing)"
        pattern=$(printf '%s\n' "$wanted" | sed 's/[][\\*?]/\\&/g; s/\.\.\./*/g')
        # shellcheck disable=SC2254
        case $line in
        $pattern) ;;
        *)
            echo "$page: printed: $line" >&2
            echo "$page: shown:   $wanted" >&2
            return 1
            ;;
        esac
    done
    if IFS= read -r line; then
        echo "$page: printed, but not shown: $line" >&2
        return 1
    fi
}

cd "$work/tree"
for block in "$work"/blocks/*; do
    case $block in
    *.sh)
        status=0
        sh -e "$block" >"$work/printed" 2>&1 </dev/null || status=$?
        if [ $status -ne 0 ]; then
            echo "$page: status $status from:" >&2
            cat "$block" "$work/printed" >&2
            exit 1
        fi
        ;;
    *.output)
        compare "$block" <"$work/printed"
        ;;
    esac
done
