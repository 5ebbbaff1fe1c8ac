#!/bin/sh
# record.sh NAME: brings the defect of NAME.patch back into a copy of its driver, finds it again and
# records the tape NAME.tape, for when decisions of the old one meet other places. The patch must
# leave alone what the driver does before it fails, so that the mended driver comes to all of them.
# In the environment: OW_SOURCE, OW_BUILD, wskcc and wsksim on the PATH.
set -e
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
file=$(sed -n 's|^+++ b/||p' "$here/$1.patch")
name=$(basename "$file" .c)
mkdir "$folder/drivers"
cp "$OW_SOURCE/$file" "$folder"
patch -s -F0 "$folder/$name.c" "$here/$1.patch"
cd "$folder"
wskcc --plain -O1 -I "$(dirname "$OW_SOURCE/$file")" -o "drivers/regress-$name.so" "$name.c"
search=$(sed -n "s|^Search: ||p" "$here/$1.patch" | sed "s|@SOURCE@|$OW_SOURCE|")
# shellcheck disable=SC2086 # words
if wsksim --jobs 1 --shrink $search "drivers/regress-$name.so"; then
    echo "$1 is not found any more" >&2
    exit 1
fi
sed "s|^arg drivers/|arg @BUILD@/drivers/|; s|$OW_SOURCE|@SOURCE@|" fail-*.tape >"$here/$1.tape"
