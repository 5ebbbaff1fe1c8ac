/*
 * routines.c: the table behind MmGetSystemRoutineAddress, made from the DDI table.
 *
 * It covers what the kernel exports on Windows; the network routines of netio.sys and the C
 * run-time are not found there, either. Only addresses matter here, so everything is declared as
 * bytes; that is why this file includes no header with the true prototypes.
 */
#include "nt/routines.h"

#include <stddef.h>

#define DDI_DATA(name, file)
#define DDI(name, file, min, max, flags) extern const char name[];
#include "ddi/ke.def"
#include "ddi/ex.def"
#include "ddi/io.def"
#include "ddi/mm.def"
#include "ddi/ob.def"
#include "ddi/ps.def"
#include "ddi/rtl.def"
#include "ddi/se.def"
#include "ddi/zw.def"
#undef DDI

#define DDI(name, file, min, max, flags) { #name, name },
const struct nt_routine nt_routines[] = {
#include "ddi/ke.def"
#include "ddi/ex.def"
#include "ddi/io.def"
#include "ddi/mm.def"
#include "ddi/ob.def"
#include "ddi/ps.def"
#include "ddi/rtl.def"
#include "ddi/se.def"
#include "ddi/zw.def"
    { NULL, NULL },
};
