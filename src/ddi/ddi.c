/* ddi.c: the table of exported names as data, for --check, the reports and the documents. */
#include "ddi/ddi.h"

#include <stddef.h>
#include <string.h>

const struct ddi_entry ddi_table[] = {
#define DDI(name, file, min, max, flags)                                                           \
    { #name, #file, DDI_IRQL_##min, DDI_IRQL_##max, (flags), 0 },
#define DDI_DATA(name, file) { #name, #file, 0, DDI_IRQL_HIGH, 0, 1 },
#include "ddi/ddi.def"
#undef DDI
#undef DDI_DATA
    { NULL, NULL, 0, 0, 0, 0 }
};

const struct ddi_entry *ddi_find(const char *name)
{
    for (const struct ddi_entry *e = ddi_table; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}
