/*
 * ddi.h: the table of everything that a driver can import, read from the .def files beside it.
 *
 * DDI(name, file, irql_min, irql_max, flags)
 *   file      the source file (without .c) that implements it
 *   irql_min, irql_max   the documented range: PASSIVE, APC, DISPATCH, HIGH
 *   flags     DDI_BLOCKS (may wait), DDI_FAILS (may fail for lack of memory)
 * DDI_DATA(name, file)   an exported variable
 *
 * From it come: the export list of the library, `wskrun --check`, the IRQL check on entry
 * (DDI_ENTER), fault sites, and the list in docs/ddi.md. A name that is not in the table is not
 * exported.
 */
#ifndef OPENWSK_DDI_H
#define OPENWSK_DDI_H

#define DDI_IRQL_PASSIVE  0
#define DDI_IRQL_APC      1
#define DDI_IRQL_DISPATCH 2
#define DDI_IRQL_HIGH     15
#define DDI_BLOCKS        1
#define DDI_FAILS         2

enum {
#define DDI(name, file, min, max, flags)                                                           \
    DdiMin_##name = DDI_IRQL_##min, DdiMax_##name = DDI_IRQL_##max, DdiFlags_##name = (flags),
#define DDI_DATA(name, file)
#include "ddi/ddi.def"
#undef DDI
#undef DDI_DATA
    DdiEnd
};

struct ddi_entry {
    const char *name;
    const char *file;
    unsigned char irql_min, irql_max, flags, is_data;
};
/* Ends with name NULL. */
extern const struct ddi_entry ddi_table[];
const struct ddi_entry *ddi_find(const char *name);

/*
 * First line of every exported function: a preemption point, and VF-IRQL-01/02 when the caller's
 * IRQL is out of range.
 */
#define DDI_ENTER(name)                                                                            \
    do {                                                                                           \
        unsigned irql_;                                                                            \
        host_point(#name);                                                                         \
        irql_ = KiThread()->Irql;                                                                  \
        /* One comparison for both ends: below the least it wraps around. */                       \
        if (__builtin_expect(                                                                      \
                irql_ - DdiMin_##name > (unsigned)DdiMax_##name - (unsigned)DdiMin_##name, 0))     \
            KiReportIrql(#name, irql_, DdiMin_##name, DdiMax_##name, __builtin_return_address(0)); \
    } while (0)
void KiReportIrql(const char *Name, unsigned Irql, unsigned Min, unsigned Max, const void *Caller);

#endif
