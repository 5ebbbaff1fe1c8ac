#!/bin/sh
# run.sh TAPE [--may-drift]: replays the tape of a defect that is mended: the run must go well now. A
# run whose decisions met other questions than on the tape, or that did not come to them, proves
# nothing, and fails, too, unless --may-drift permits it. When the sources have changed so much,
# "again --record" makes the tape again.
set -e
tape=$(mktemp)
out=$(mktemp)
trap 'rm -f "$tape" "$out"' EXIT
sed "s|@BUILD@|$OW_BUILD|; s|@SOURCE@|$OW_SOURCE|" "$1" >"$tape"
status=0
wsksim --replay "$tape" >"$out" 2>&1 || status=$?
cat "$out"
[ $status -eq 0 ] || exit $status
[ "$2" = --may-drift ] || ! grep -qE 'met another question|did not come to' "$out" || exit 1
