#!/bin/sh
# compare.sh DRIVER: runs it in the real world and in the simulated one; what it prints must be equal.
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
wskrun --quiet --verify=none --for 0 "$1" >"$dir/real" 2>&1 || { cat "$dir/real"; exit 1; }
wsksim --quiet --verify=none --for 0 --tapes "$dir" "$1" >"$dir/simulated" 2>&1 || { cat "$dir/simulated"; exit 1; }
lines=$(grep -c '^[0-9]*\.[0-9]* ' "$dir/real")
scenarios=$(sed -n 's/^\([0-9]*\)\..*/\1/p' "$dir/real" | sort -u | wc -l)
[ "$scenarios" = 200 ] || { echo "only $scenarios scenarios ran"; exit 1; }
diff "$dir/real" "$dir/simulated"
echo "$scenarios scenarios with $lines requests are equal in both worlds"
