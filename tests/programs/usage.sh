#!/bin/sh
# Wrong command lines: one line that says what to do, and status 2.
. "$(dirname "$0")/lib.sh"

usage() {
    pattern=$1
    shift
    expect 2 wskrun "$@"
    one_line
    says "$pattern"
}

plain=$(driver pt-plain)
usage 'no driver given; try: wskrun'
usage '--frobnicate: no such option.*wskrun --help' --frobnicate "$plain"
usage '--for needs a value' --for
usage '--for soon: not a number of seconds' --for soon "$plain"
usage '--for -1: not a number' --for -1 "$plain"
usage '--cpus 0: give a number from 1 to 64' --cpus 0 "$plain"
usage '--cpus 65' --cpus 65 "$plain"
usage '--cpus two' --cpus two "$plain"
usage '--param Port: write it as NAME=VALUE' --param Port "$plain"
usage '--param =7' --param =7 "$plain"
usage 'no driver of that name' --param other:Port=7 "$plain"
usage 'does not fit a REG_DWORD' --param Port=4294967296 "$plain"
usage '--host server: write it as NAME=ADDR' --host server "$plain"
usage '1.2.3 is no address for server' --host server=1.2.3 "$plain"
usage 'nonsense is no check of the verifier' --verify=nonsense "$plain"
usage 'nonsense is no switch of the configuration' --config=pend-all,nonsense "$plain"
usage '--ready-delay x: not a number of milliseconds' --ready-delay x "$plain"
usage '--capture is planned' --capture file "$plain"
usage '--trace is planned' --trace file "$plain"
usage '--unload-timeout x' --unload-timeout x "$plain"

expect 0 wskrun --help
says '^usage: wskrun'
says '--unload-timeout'
expect 0 wskrun --version
says '^wskrun .*[0-9]+\.[0-9]+\.[0-9]+$'

expect 2 wskcc
says 'no source file given'
one_line
expect 2 wskcc "$work/nothing.c"
says 'nothing.c: no such file'
expect 2 wskcc --sys driver.c
says 'planned'
one_line
expect 2 wskcc -o
says '-o needs a file name'
touch "$work/x.txt" "$work/a.c" "$work/b.c"
expect 2 wskcc "$work/x.txt"
says 'not a source that wskcc knows'
expect 2 wskcc -c -o "$work/x.o" "$work/a.c" "$work/b.c"
says 'only one source file'
expect 1 env CC=/no/such/compiler wskcc "$work/a.c"
says 'does not run; install gcc or clang'
expect 0 wskcc --help
says '^usage: wskcc'
