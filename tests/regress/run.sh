#!/bin/sh
# run.sh TAPE: replays the tape of a defect that is mended: the run must go well now.
set -e
tape=$(mktemp)
trap 'rm -f "$tape"' EXIT
sed "s|@BUILD@|$OW_BUILD|; s|@SOURCE@|$OW_SOURCE|" "$1" >"$tape"
wsksim --replay "$tape"
