/*
 * declarations.c: that no exported function lacks NTAPI. Each one is declared once more as ms_abi:
 * where its prototype in include/km says anything else, this does not compile. It compiles into
 * nothing.
 */
#include <ntifs.h>
#include <ntddk.h>
#include <ntstrsafe.h>
#include <ntintsafe.h>
#include <wsk.h>
#include <netioapi.h>
#include <ip2string.h>
#include <wpp.h>

#define DDI(name, file, min, max, flags) extern __typeof__(name) name __attribute__((ms_abi));
#define DDI_DATA(name, file)
#include "ddi/ddi.def"
