#!/bin/sh
# What wskcc does to source that was written for Windows, with each compiler.
. "$(dirname "$0")/lib.sh"
cd "$work"
mkdir -p Inc/Sub src

cat >Inc/Common.h <<'END'
#pragma once
#include "SUB\Deep.h"
END
cat >Inc/Sub/deep.h <<'END'
#pragma once
#define DEEP 3
END
cat >src/trace.h <<'END'
// begin_wpp config
// FUNC TraceEvents(LEVEL, FLAGS, MSG, ...);
// FUNC TraceEnter{LEVEL=TRACE_LEVEL_VERBOSE}(FLAGS);
// USESUFFIX(TraceEnter, "%!FUNC! entered at %!LEVEL!");
// end_wpp
END
cat >src/main.c <<'END'
#include <NTDDK.H>
#include <Wsk.h>
#include <stdio.h>
#include "..\inc\common.h"
#include "TRACE.h"
#include "main.tmh"

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD OnUnload;

/* Names that the C library has, too: calls to them must stay in the driver. */
int bind(int a);
int send(int a);
int bind(int a) { return a + DEEP; }
int send(int a) { return bind(a) * 2; }

VOID OnUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("features: unloaded\n");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG tag = 'gatX';
    char text[96];
    sprintf(text, "%wZ", RegistryPath); /* Microsoft's format: no warning, no other sprintf */
    DbgPrint("features: %s\n", text);
    TraceEnter(TRACE_INIT);
    TraceEvents(TRACE_LEVEL_INFORMATION, TRACE_INIT, "number %d, %!STATUS!", 5,
                STATUS_TIMEOUT);
    DriverObject->DriverUnload = OnUnload;
    DbgPrint("features: send %d, wide %d, long %d, tag %x, wsk %x\n", send(4),
             (int)sizeof(WCHAR), (int)sizeof(LONG), tag, NPI_WSK_INTERFACE_ID.Data1);
    return STATUS_SUCCESS;
}
END
cat >src/plus.cpp <<'END'
#include <ntddk.h>
#ifdef __cpp_exceptions
#error "exceptions are on"
#endif
#ifdef __cpp_rtti
#error "RTTI is on"
#endif

extern "C" DRIVER_INITIALIZE DriverEntry;

struct Shape {
    virtual int Sides() const = 0;
};
struct Square final : Shape {
    int Sides() const override { return 4; }
};
static Square square;

extern "C" NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING)
{
    const Shape *shape = &square;
    DriverObject->DriverUnload = [](PDRIVER_OBJECT) { DbgPrint("plus: unloaded\n"); };
    DbgPrint("plus: %d sides\n", shape->Sides());
    return STATUS_SUCCESS;
}
END

for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    export CC=$compiler
    if [ $compiler = gcc ]; then export CXX=g++; else export CXX=clang++; fi

    expect 0 wskcc -O2 -Wall -Wextra -Werror -o features.so src/main.c
    [ ! -s "$out" ] || fail "wskcc is not silent"
    visible=$(nm -D --defined-only features.so | awk '{ print $3 }')
    [ "$visible" = DriverEntry ] || fail "visible: $visible"
    expect 0 wskrun --for 0 features.so
    says 'features: send 14, wide 2, long 4, tag 67617458, wsk 2227e803'
    says 'features: unloaded'
    says '^features: .Registry.Machine.System.CurrentControlSet.Services.features$'
    says '^DriverEntry entered at TRACE_LEVEL_VERBOSE$'
    says '^number 5, .*STATUS_TIMEOUT'
    expect 0 wskcc -O2 -Wall -Wextra -Werror -DOPENWSK_NO_WPP -o features.so src/main.c
    expect 0 wskrun --for 0 features.so
    says 'features: unloaded'
    ! grep -q 'STATUS_TIMEOUT\|entered' "$out" || fail "a driver without messages traces"

    # Without -o, beside the first source; the objects of -c link to the same.
    rm -f src/main.so
    expect 0 wskcc src/main.c
    [ -f src/main.so ] || fail "no src/main.so"
    expect 0 wskcc -c src/main.c
    [ -f main.o ] || fail "no main.o"
    expect 0 wskcc -o linked.so main.o
    expect 0 wskrun --for 0 linked.so
    expect 0 wskcc -E src/main.c
    says 'OnUnload'

    expect 0 wskcc -std=c++17 -Wall -Wextra -Werror -o plus.so src/plus.cpp
    expect 0 wskrun --for 0 plus.so
    says 'plus: 4 sides'
    says 'plus: unloaded'

    # Several files; a definition of the user's instead of ours.
    echo 'int other(void); int other(void) { return NTDDI_VERSION; }' >src/other.c
    cat >src/first.c <<'END'
#include <ntddk.h>
int other(void);
DRIVER_INITIALIZE DriverEntry;
NTSTATUS DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING p)
{
    UNREFERENCED_PARAMETER(d);
    UNREFERENCED_PARAMETER(p);
    DbgPrint("version %x\n", other());
    return STATUS_UNSUCCESSFUL;
}
END
    expect 0 wskcc -DNTDDI_VERSION=0x06010000 -o several.so src/first.c src/other.c
    expect 1 wskrun --for 0 several.so
    says 'version 6010000'

    # Microsoft's preprocessor drops the comma before an empty __VA_ARGS__; C has try and except.
    cat >src/log.h <<'END'
#define LOG(text, ...) \
    DbgPrint((text), __VA_ARGS__)
END
    cat >src/commas.c <<'END'
#include <ntddk.h>
#include "log.h"
typedef _Function_class_(COPY) _IRQL_requires_max_(DISPATCH_LEVEL) _IRQL_requires_same_
VOID COPY(_Out_z_cap_c_(8) PSTR To, _In_z_count_c_(4) PCSTR From);
DRIVER_INITIALIZE DriverEntry;
NTSTATUS DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING p)
{
    UNREFERENCED_PARAMETER(d);
    UNREFERENCED_PARAMETER(p);
    LOG("none, )\n");
    LOG("one %d\n", 1);
    try {
        ExRaiseStatus(STATUS_NO_MEMORY);
    } except (EXCEPTION_EXECUTE_HANDLER) {
        LOG("caught at line %d\n", __LINE__);
    }
    return STATUS_UNSUCCESSFUL;
}
END
    expect 0 wskcc -Wall -Werror -MD -MF commas.d -o commas.so src/commas.c
    grep -q log.h commas.d || fail "the dependencies are lost"
    expect 1 wskrun --for 0 commas.so
    says '^none, )$'
    says '^one 1$'
    says '^caught at line 15$'

    # The compiler's own errors come through, with its status.
    echo '#include "nowhere.h"' >src/bad.c
    expect 1 wskcc src/bad.c
    says 'nowhere.h'
    [ ! -e src/bad.so ] || fail "a driver in spite of errors"
done

# Nothing stays behind.
mkdir tmp
TMPDIR=$work/tmp wskcc -o features.so src/main.c
[ -z "$(ls tmp)" ] || fail "temporary files stayed behind"
