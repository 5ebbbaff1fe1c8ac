#!/bin/sh
# man.sh PAGE: formats a manual page; a warning of the formatter is a failure.
set -eu
warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$1" 2>&1 >/dev/null)
[ -z "$warnings" ] || { echo "$warnings" >&2; exit 1; }
