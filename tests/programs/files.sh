#!/bin/sh
# Files that are no drivers, or not for here: one message that says what to do, and status 1, from
# loading as well as from --check.
. "$(dirname "$0")/lib.sh"
cd "$work"

refused() {
    pattern=$1 file=$2
    expect 1 wskrun --for 0 "$file"
    says "$pattern"
    one_line
    expect 1 wskrun --check "$file"
    says "$pattern"
}

refused 'nothing.so: No such file.*wskcc' ./nothing.so
refused 'not a regular file' /
: >empty.so
refused 'the file is empty' empty.so
echo 'no driver' >text.so
refused 'not a driver .no ELF file.; compile' text.so
printf 'MZ and more' >windows.sys
refused 'is a Windows binary' windows.sys

echo 'int DriverEntry(void) { return 0; }' >bare.c
"$CC" -c -fPIC -o object.so bare.c
refused 'not a shared object' object.so
"$CC" -shared -fPIC -o bare.so bare.c
refused 'was not linked by wskcc' bare.so
# e_machine, the 16 bits at offset 18, becomes that of ARM.
cp bare.so foreign.so
printf '\267\000' | dd of=foreign.so bs=1 seek=18 conv=notrunc status=none
refused 'another machine' foreign.so
head -c 200 bare.so >short.so
refused 'is damaged|cannot' short.so

echo 'int Entry(void) { return 0; }' >other.c
"$CC" -shared -fPIC -o other.so other.c
refused 'no DriverEntry' other.so

cat >missing.c <<'END'
int IoNoSuchRoutine(void);
int KeNoSuchEvent(void);
int DriverEntry(void *a, void *b) { (void)a; (void)b; return IoNoSuchRoutine() + KeNoSuchEvent(); }
END
wskcc -o missing.so missing.c 2>/dev/null
refused 'needs 2 names that OpenWSK does not provide: IoNoSuchRoutine, KeNoSuchEvent' missing.so
expect 1 wskrun --check missing.so
says 'IoNoSuchRoutine +MISSING'

# The C library's functions on 32-bit wide characters are no help to a driver.
cat >wide.c <<'END'
unsigned long long wcsnlen_s(const void *, unsigned long long);
int wcscoll(const void *, const void *);
int DriverEntry(void *a, void *b) { return wcscoll(a, b); }
END
wskcc -o wide.so wide.c
refused 'wcscoll' wide.so

expect 0 wskrun --check "$(driver pt-plain)"
says 'DbgPrint +openwsk'
says 'nothing is missing'
expect 1 wskrun --check "$(driver pt-plain)" missing.so
