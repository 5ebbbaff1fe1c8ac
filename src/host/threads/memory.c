/*
 * memory.c: what is freed goes back to the C library at once.
 */
#include "host/host.h"

#include <stdlib.h>

void host_free(void *p)
{
    free(p);
}
